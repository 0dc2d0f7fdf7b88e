"""The tables of a plan as plain arrays, one for each thing looked up, for contestants that are no kernel."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import demo_plan, kernel_tables
from tariffcore.money import RoundingMode
from tariffcore.plan import COEFFICIENT_COLUMNS


class RuleTables(NamedTuple):
    """What `tariffcore.plan` packs into words, unpacked. A negative cell is a status with its sign changed.

    coefficient  row of the provider and period; ``narrow_*`` hold numerator and denominator where both have
                 at most 30 bits, else 0; ``wide`` has them as high and low word each
    """

    day_status: NDArray[np.uint8]
    day_edition: NDArray[np.uint8]
    day_first_item: NDArray[np.int32]
    day_period: NDArray[np.int32]
    item_first_choice: NDArray[np.int32]
    item_first_rate: NDArray[np.int32]
    choice_column: NDArray[np.int32]
    choice_rule: NDArray[np.int32]
    choice_factors: NDArray[np.int32]
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
    period_bits: int


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
    day, item, choice = tables["day_record"], tables["item_record"], tables["choice_record"]
    factors, wide = tables["factors"], np.ascontiguousarray(tables["wide_coefficients"][:, :4])
    fits = (wide[:, 0] == 0) & (wide[:, 2] == 0) & (wide[:, 1] < 1 << 30) & (wide[:, 3] < 1 << 30)
    fits &= wide[:, 3] > 0
    denominator = np.ldexp(wide[:, 2].astype(np.float64), 64) + wide[:, 3]
    numerator = np.ldexp(wide[:, 0].astype(np.float64), 64) + wide[:, 1]
    return RuleTables(
        day_status=(day >> np.uint64(56)).astype(np.uint8),
        day_edition=_bits(day, 48, 8).astype(np.uint8),
        day_first_item=_bits(day, 16, 32).astype(np.int32),
        day_period=_bits(day, 0, 16).astype(np.int32),
        item_first_choice=_bits(item, 32, 32).astype(np.int32),
        item_first_rate=_bits(item, 0, 32).astype(np.int32),
        choice_column=_bits(choice, 0, 16).astype(np.int32),
        choice_rule=_bits(choice, 16, 16).astype(np.int32),
        choice_factors=_bits(choice, 32, 32).astype(np.int32),
        age_class=tables["age_class"],
        rate_minor=tables["rate_minor"],
        planned_days=tables["planned_days"].astype(np.int64),
        extra_day=tables["day_count_extra"].astype(np.int64),
        factor_row=tables["factor_row"],
        by_planned_days=factors[:, 0] != 0,
        factor_numerator=np.ascontiguousarray(factors[:, 1]),
        factor_denominator=np.ascontiguousarray(factors[:, 2]),
        coefficient=tables["coefficient_row"].reshape(-1),
        coefficient_status=tables["coefficients"][:, len(COEFFICIENT_COLUMNS) - 1].astype(np.uint8),
        narrow_numerator=np.where(fits, wide[:, 1], 0).astype(np.int64),
        narrow_denominator=np.where(fits, wide[:, 3], 0).astype(np.int64),
        wide=wide,
        wide_value=np.divide(numerator, denominator, out=np.zeros(len(wide)), where=denominator > 0),
        stay_bits=tables["stay_bits"],
        period_bits=tables["period_bits"],
    )


def _bits(words: NDArray[np.uint64], first: int, count: int) -> NDArray[np.uint64]:
    return (words >> np.uint64(first)) & np.uint64((1 << count) - 1)
