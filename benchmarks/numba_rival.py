"""The case-share model in Numba: one row after the other, all threads, exact.

The same arithmetic as the NumPy version's, in registers: a float64 estimate of the quotient, made exact by
its remainder in 64 bits or in two words; rows for which the estimate is too coarse are left to Python.
"""

# Numba has types of its own, which mypy does not know.
# mypy: disable-error-code="untyped-decorator, no-untyped-call, assignment, arg-type, call-arg, return-value"

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba import prange, uint32, uint64
from numpy.typing import NDArray

from benchmarks.contestants import Priced, price_by_whole_numbers
from benchmarks.numpy_rival import ESTIMATE_LIMIT
from benchmarks.rule_tables import RuleTables
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.numbering import AGE_CLASSES
from tariffcore.statuses import CaseStatus

Array = NDArray[Any]

OK = np.uint8(CaseStatus.OK)
MISSING_PLANNED_DAYS = np.uint8(CaseStatus.MISSING_PLANNED_DAYS)
AMOUNT_OVERFLOW = np.uint8(CaseStatus.AMOUNT_OVERFLOW)
TOO_COARSE = np.uint8(255)


def price(t: RuleTables, inputs: tuple[Array, ...], out: Priced, start: int, stop: int) -> None:
    """Prices rows start..stop in all the threads that `numba.set_num_threads` allows."""
    coarse = _price_rows(t, *inputs, *out.columns(), start, stop)
    if coarse:
        for row in (start + np.flatnonzero(out.status[start:stop] == TOO_COARSE)).tolist():
            _price_coarse(t, inputs, out, row)


@numba.njit(parallel=True, error_model="numpy")
def _price_rows(
    t: RuleTables,
    deciding_day: Array,
    admission_day: Array,
    discharge_day: Array,
    item: Array,
    provider: Array,
    variant: Array,
    age: Array,
    outcome: Array,
    quantity: Array,
    amount_minor: Array,
    status: Array,
    edition: Array,
    rule: Array,
    start: int,
    stop: int,
) -> int:
    """Returns how many rows were left to Python."""
    last = (1 << t.stay_bits) - 1
    coarse = 0
    for i in prange(start, stop):
        amount_minor[i] = 0
        rule[i] = 0
        day = deciding_day[i]
        edition[i] = t.day_edition[day]
        if t.day_status[day] != 0:
            status[i] = t.day_status[day]
            continue
        row = t.day_first_item[day] + item[i]
        record = t.item_record[row] + t.variant_record[variant[i]]
        rate = t.rate_minor[record * AGE_CLASSES + t.age_class[edition[i], age[i]]]
        if rate < 0:
            status[i] = -rate
            continue
        between = np.uint16(discharge_day[i] - admission_day[i])
        stay = ((uint32(outcome[i]) << t.stay_bits) + min(between, last)) << t.block_bits
        factor = t.factor_row[stay + t.record_block[record]]
        if factor < 0:
            status[i] = -factor
            continue
        c = t.coefficient[t.day_first_coefficient[day] + provider[i]]
        if t.coefficient_status[c] != 0:
            status[i] = t.coefficient_status[c]
            continue
        multiplier, divisor = _multiplier_and_divisor(
            t, row, rate, factor, np.int64(between) + t.extra_day[edition[i]]
        )
        if divisor == 0:
            status[i] = MISSING_PLANNED_DAYS
            continue
        estimate = multiplier * t.wide_value[c] / divisor
        if estimate >= ESTIMATE_LIMIT:
            status[i] = TOO_COARSE
            coarse += 1
            continue
        unit = np.int64(np.rint(estimate))
        if t.narrow_denominator[c] != 0:
            denominator = t.narrow_denominator[c] * divisor
            rest = 2 * (multiplier * t.narrow_numerator[c] - unit * denominator)
            unit += rest >= denominator
            unit -= rest < -denominator
        else:
            unit = _made_exact(t.wide[c], uint64(multiplier), uint64(divisor), unit)
        many = np.int64(quantity[i])
        if many != 1 and unit > MAX_AMOUNT_MINOR // many:
            status[i] = AMOUNT_OVERFLOW
            continue
        amount_minor[i] = unit * many
        status[i] = OK
        rule[i] = t.record_rule[record] + factor
    return coarse


@numba.njit(error_model="numpy")
def _multiplier_and_divisor(t: RuleTables, row: int, rate: int, factor: int, days: int) -> tuple[int, int]:
    if t.by_planned_days[factor]:
        planned = t.planned_days[row]
        return rate * min(max(days, 1), planned), planned
    return rate * t.factor_numerator[factor], t.factor_denominator[factor]


@numba.njit(error_model="numpy")
def _made_exact(wide: Array, multiplier: int, divisor: int, unit: int) -> int:
    """The quotient next to an estimate that is off by at most one, rounded half up."""
    divisor_high, divisor_low = _times(wide[2], wide[3], divisor)
    wanted_high, wanted_low = _times(wide[0], wide[1], multiplier)
    reached_high, reached_low = _times(divisor_high, divisor_low, uint64(unit))
    high = wanted_high - reached_high - uint64(wanted_low < reached_low)
    low = wanted_low - reached_low
    high, low = (high << uint64(1)) | (low >> uint64(63)), low << uint64(1)
    if np.int64(high - divisor_high - uint64(low < divisor_low)) >= 0:
        return unit + 1
    if np.int64(high + divisor_high + uint64(low + divisor_low < low)) < 0:
        return unit - 1
    return unit


@numba.njit(error_model="numpy")
def _times(high: int, low: int, factor: int) -> tuple[int, int]:
    """A number of two words times one of one word, the lowest two words of it."""
    mask = uint64(0xFFFF_FFFF)
    half = uint64(32)
    a, b, c, d = low >> half, low & mask, factor >> half, factor & mask
    middle = a * d + ((b * d) >> half)
    carried = (middle & mask) + b * c
    return high * factor + a * c + (middle >> half) + (carried >> half), low * factor


def _price_coarse(t: RuleTables, inputs: tuple[Array, ...], out: Priced, row: int) -> None:
    day, admission, discharge, item, provider, variant, age, outcome, quantity = (
        int(column[row]) for column in inputs
    )
    edition = int(t.day_edition[day])
    epoch_item = int(t.day_first_item[day]) + item
    record = int(t.item_record[epoch_item]) + int(t.variant_record[variant])
    rate = int(t.rate_minor[record * AGE_CLASSES + int(t.age_class[edition, age])])
    days = discharge - admission
    stay = ((outcome << t.stay_bits) + min(days, (1 << t.stay_bits) - 1)) << t.block_bits
    factor = int(t.factor_row[stay + int(t.record_block[record])])
    coefficient = int(t.coefficient[int(t.day_first_coefficient[day]) + provider])
    multiplier, divisor = _multiplier_and_divisor.py_func(
        t, epoch_item, rate, factor, days + int(t.extra_day[edition])
    )
    unit, status = price_by_whole_numbers(t, int(multiplier), int(divisor), coefficient)
    if unit * quantity > MAX_AMOUNT_MINOR:
        unit, status = 0, CaseStatus.AMOUNT_OVERFLOW
    out.amount_minor[row] = unit * quantity
    out.status[row] = status
    out.rule[row] = int(t.record_rule[record]) + factor if status is CaseStatus.OK else 0
