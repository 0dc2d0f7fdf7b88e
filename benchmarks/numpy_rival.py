"""The case-share model in NumPy: whole columns, exact, as fast as its author could make it.

Rows are taken in pieces that stay in the second-level cache. A quotient is estimated in float64 and then made
exact by its remainder: in 64 bits for most rows, in two words of 64 bits for the rest, in Python's integers
where the estimate itself could be off by more than one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.contestants import Priced, price_by_whole_numbers
from benchmarks.rule_tables import RuleTables
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.numbering import AGE_CLASSES
from tariffcore.statuses import CaseStatus

PIECE_ROWS = 1 << 14
ESTIMATE_LIMIT = float(1 << 48)
"""Below this a float64 estimate is off by less than one."""
_LOW_32 = np.uint64(0xFFFF_FFFF)
_32 = np.uint64(32)
_SIGN = np.uint64(1 << 63)

Array = NDArray[Any]


def price(t: RuleTables, inputs: tuple[Array, ...], out: Priced, start: int, stop: int) -> None:
    """Prices rows start..stop."""
    for first in range(start, stop, PIECE_ROWS):
        piece = slice(first, min(first + PIECE_ROWS, stop))
        columns = [column[piece] for column in inputs]
        _price_piece(t, columns, Priced(*(column[piece] for column in out.columns())))


def _price_piece(t: RuleTables, columns: list[Array], out: Priced) -> None:
    day, admission, discharge, item, provider, variant, age, outcome, quantity = columns
    edition = t.day_edition.take(day)
    row = t.day_first_item.take(day) + item
    record = t.item_record.take(row) + t.variant_record.take(variant)
    age_class = t.age_class.ravel().take(edition.astype(np.int32) * 256 + age)
    rate = t.rate_minor.take(record * AGE_CLASSES + age_class)
    between = np.minimum(discharge - admission, (1 << t.stay_bits) - 1)
    stay = ((outcome.astype(np.int32) << t.stay_bits) + between) << t.block_bits
    factor = t.factor_row.take(stay + t.record_block.take(record))
    coefficient = t.coefficient.take(t.day_first_coefficient.take(day) + provider).astype(np.int32)

    status = t.coefficient_status.take(coefficient)
    status = np.where(factor < 0, -factor, status)
    status = np.where(rate < 0, -rate, status)
    of_day = t.day_status.take(day)
    status = np.where(of_day != 0, of_day, status).astype(np.uint8)
    has_no_price = status != 0
    factor[has_no_price] = 0
    rate[has_no_price] = 0

    numerator, denominator = t.narrow_numerator.take(coefficient), t.narrow_denominator.take(coefficient)
    estimate = rate * t.wide_value.take(coefficient)
    unit = np.rint(estimate).astype(np.int64)
    rest = 2 * (rate * numerator - unit * denominator)
    unit += (rest >= denominator).view(np.int8)
    unit -= (rest < -denominator).view(np.int8)
    is_plain = (factor == 0) & (denominator > 0) & (estimate < ESTIMATE_LIMIT)
    others = np.flatnonzero(~(is_plain | has_no_price))
    _price_others(t, others, row, columns, edition, rate, factor, coefficient, unit, status)

    counted = np.flatnonzero((quantity != 1) & (status == 0))
    many, one = quantity[counted].astype(np.int64), unit[counted]
    too_much = one > MAX_AMOUNT_MINOR // many
    unit[counted] = one * np.where(too_much, 0, many)
    status[counted[too_much]] = CaseStatus.AMOUNT_OVERFLOW

    is_priced = status == 0
    out.edition[:] = edition
    out.amount_minor[:] = np.where(is_priced, unit, 0)
    out.rule[:] = np.where(is_priced, t.record_rule.take(record) + factor, 0)
    out.status[:] = np.where(is_priced, CaseStatus.OK, status)


def _price_others(
    t: RuleTables,
    others: Array,
    row: Array,
    columns: list[Array],
    edition: Array,
    rate: Array,
    factor: Array,
    coefficient: Array,
    unit: Array,
    status: Array,
) -> None:
    """Stays not paid in full, and coefficients too long for 64 bits."""
    _, admission, discharge, *_ = columns
    factor, coefficient, rate = factor[others], coefficient[others], rate[others]
    multiplier = rate * t.factor_numerator.take(factor)
    divisor = t.factor_denominator.take(factor)
    by_days = t.by_planned_days.take(factor)
    planned = t.planned_days.take(row[others])
    days = np.maximum(
        (discharge[others] - admission[others]).astype(np.int64) + t.extra_day.take(edition[others]), 1
    )
    multiplier = np.where(by_days, rate * np.minimum(days, planned), multiplier)
    divisor = np.where(by_days, planned, divisor)
    unplanned = divisor == 0
    status[others[unplanned]] = CaseStatus.MISSING_PLANNED_DAYS
    divisor[unplanned] = 1

    estimate = multiplier * t.wide_value.take(coefficient) / divisor
    nearest = np.rint(np.minimum(estimate, ESTIMATE_LIMIT)).astype(np.int64).view(np.uint64)
    numerator_high, numerator_low, denominator_high, denominator_low = t.wide[coefficient].T
    divisor_words = _times(denominator_high, denominator_low, divisor.view(np.uint64))
    rest = _minus(
        _times(numerator_high, numerator_low, multiplier.view(np.uint64)), _times(*divisor_words, nearest)
    )
    twice = _plus(rest, rest)
    nearest += (_minus(twice, divisor_words)[0] & _SIGN) == 0
    nearest -= (_plus(twice, divisor_words)[0] & _SIGN) != 0
    unit[others] = nearest.view(np.int64)

    for number in np.flatnonzero((estimate >= ESTIMATE_LIMIT) & ~unplanned).tolist():
        amount, reason = price_by_whole_numbers(
            t, int(multiplier[number]), int(divisor[number]), int(coefficient[number])
        )
        unit[others[number]] = amount
        if reason is not CaseStatus.OK:
            status[others[number]] = reason


def _times(high: Array, low: Array, factor: Array) -> tuple[Array, Array]:
    """A number of two words times one of one word, the lowest two words of it."""
    a, b, c, d = low >> _32, low & _LOW_32, factor >> _32, factor & _LOW_32
    middle = a * d + (b * d >> _32)
    carried = (middle & _LOW_32) + b * c
    return high * factor + a * c + (middle >> _32) + (carried >> _32), low * factor


def _plus(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    low = one[1] + other[1]
    return one[0] + other[0] + (low < one[1]), low


def _minus(one: tuple[Array, Array], other: tuple[Array, Array]) -> tuple[Array, Array]:
    return one[0] - other[0] - (one[1] < other[1]), one[1] - other[1]
