"""The tables of a plan as plain arrays, one for each thing looked up, for contestants that are no kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import demo_plan, kernel_tables
from tariffcore.money import RoundingMode
from tariffcore.numbering import AGE_CLASSES
from tariffcore.tables import DAYS, NOT_IN_FULL, PRICE_RECORD, WIDE_COEFFICIENT_COLUMNS, WIDE_RATE


class RuleTables(NamedTuple):
    """What `tariffcore.tables` lays out, unpacked. A negative cell is a status with its sign changed.

    rate_minor   by record and age class; the record of a case is that of its item plus that of its variant
    coefficient  row of the period and provider; ``narrow_*`` hold numerator and denominator where both have
                 at most 30 bits, else 0; ``wide`` has them as high and low word each
    """

    day_status: NDArray[np.uint8]
    day_edition: NDArray[np.uint8]
    day_first_item: NDArray[np.int32]
    day_first_coefficient: NDArray[np.int32]
    item_record: NDArray[np.int32]
    variant_record: NDArray[np.int32]
    record_block: NDArray[np.int32]
    record_rule: NDArray[np.int32]
    age_class: NDArray[np.uint8]
    rate_minor: NDArray[np.int64]
    planned_days: NDArray[np.int64]
    extra_day: NDArray[np.int64]
    factor_row: NDArray[np.int16]
    by_planned_days: NDArray[np.bool_]
    factor_numerator: NDArray[np.int64]
    factor_denominator: NDArray[np.int64]
    coefficient: NDArray[np.uint32]
    coefficient_status: NDArray[np.uint8]
    narrow_numerator: NDArray[np.int64]
    narrow_denominator: NDArray[np.int64]
    wide: NDArray[np.uint64]
    wide_value: NDArray[np.float64]
    stay_bits: int
    block_bits: int


def rule_tables() -> RuleTables:
    """Raises ValueError where a schedule rounds otherwise than half up to the minor unit.

    The contestants know only that rounding, which spares them what the kernel has to look after.
    """
    modes = {s.roundings.unit.mode for s in demo_plan().editions}
    if modes != {RoundingMode.HALF_UP} or any(
        s.roundings.unit.places != s.minor_units for s in demo_plan().editions
    ):
        raise ValueError("the contestants round half up to the minor unit, and these schedules do not")
    tables = kernel_tables()
    days = tables["days"].view(DAYS)[0]
    of_age = tables["prices"].view(PRICE_RECORD).reshape(AGE_CLASSES, -1)
    records = of_age[0]  # but for the rate those of all age classes are the same
    rate = of_age["rate"].T.reshape(-1).astype(np.int64)
    is_wide = rate >= WIDE_RATE
    rate[is_wide] = tables["wide_rate"][rate[is_wide] - WIDE_RATE]
    factor_row = tables["factor_row"]
    factor_row = np.where(factor_row <= -NOT_IN_FULL, -NOT_IN_FULL - factor_row, factor_row)
    factors, wide = tables["factors"], np.ascontiguousarray(tables["wide_coefficients"][:, :4])
    status = WIDE_COEFFICIENT_COLUMNS.index("status")
    fits = (wide[:, 0] == 0) & (wide[:, 2] == 0) & (wide[:, 1] < 1 << 30) & (wide[:, 3] < 1 << 30)
    fits &= wide[:, 3] > 0
    denominator = np.ldexp(wide[:, 2].astype(np.float64), 64) + wide[:, 3]
    numerator = np.ldexp(wide[:, 0].astype(np.float64), 64) + wide[:, 1]
    return RuleTables(
        day_status=days["status"].copy(),
        day_edition=days["edition"].copy(),
        day_first_item=days["first_item"].astype(np.int32),
        day_first_coefficient=days["first_coefficient"].astype(np.int32),
        item_record=(tables["item_place"] // PRICE_RECORD.itemsize).astype(np.int32),
        variant_record=(tables["variant_place"] // PRICE_RECORD.itemsize).astype(np.int32),
        record_block=records["block"].astype(np.int32),
        record_rule=records["rule"].astype(np.int32),
        age_class=(tables["age_place"] // np.uint32(of_age.strides[0])).astype(np.uint8),
        rate_minor=rate,
        planned_days=tables["planned_days"].astype(np.int64),
        extra_day=tables["day_count_extra"].astype(np.int64),
        factor_row=factor_row.astype(np.int16),
        by_planned_days=factors[:, 0] != 0,
        factor_numerator=np.ascontiguousarray(factors[:, 1]),
        factor_denominator=np.ascontiguousarray(factors[:, 2]),
        coefficient=tables["coefficient_place"] // np.uint32(tables["coefficients"].strides[0]),
        coefficient_status=tables["wide_coefficients"][:, status].astype(np.uint8),
        narrow_numerator=np.where(fits, wide[:, 1], 0).astype(np.int64),
        narrow_denominator=np.where(fits, wide[:, 3], 0).astype(np.int64),
        wide=wide,
        wide_value=np.divide(numerator, denominator, out=np.zeros(len(wide)), where=denominator > 0),
        stay_bits=tables["stay_bits"],
        block_bits=tables["block_bits"],
    )
