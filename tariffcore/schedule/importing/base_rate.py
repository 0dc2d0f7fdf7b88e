"""The base rate that reproduces printed tariffs, found exactly.

A printed tariff is a rounded product, so each row allows an interval of base rates; the base rate has the
decimals of the currency, so each interval is a range of whole minor units. Where all ranges share exactly
one number, that is the base rate, and every row is proven by it. Where they share none, the number that
most rows share is found, and the rows outside it are the ones to look at.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.money import RoundingMode
from tariffcore.schedule.model import AppliesTo, Rounding, Schedule, Share
from tariffcore.schedule.tariff import case_weight


@dataclass(frozen=True, slots=True)
class BaseRateRange:
    """Base rates ``first`` to ``last`` (both included) in units of the last decimal of a base rate;
    empty where first > last."""

    first: int
    last: int

    def __contains__(self, base_rate_units: int) -> bool:
        return self.first <= base_rate_units <= self.last


@dataclass(frozen=True, slots=True)
class Agreement:
    """The base rates that reproduce the most rows, and how many rows that is."""

    rates: BaseRateRange
    rows: int


def reproducing_base_rates(
    schedule: Schedule, weight: Fraction, share: Share, printed_tariff: Fraction, places: int
) -> BaseRateRange:
    """The base rates with ``places`` decimals under which the schedule's own formula
    (`tariffcore.schedule.tariff.weight_tariff`) gives this printed tariff. The weight is greater than 0.

    The formula is a chain of products, each rounded, and each rises with the base rate; so it is undone
    from its end: the tariffs that a rounded share turns into the printed one, then the base rates that
    the rounded product with the weight turns into those.
    """
    tariff = schedule.roundings.tariff
    low = high = printed_tariff
    if share.applies_to is AppliesTo.TARIFF:
        own_places = tariff.places
        if own_places is None:
            low, high = low / share.share, high / share.share
        else:
            own = _undone(share.share, low, high, tariff, own_places)
            step = Fraction(10) ** -own_places
            low, high = own.first * step, own.last * step
            if low > high:
                return BaseRateRange(1, 0)
    return _undone(case_weight(schedule, weight, share), low, high, tariff, places)


def _undone(
    factor: Fraction, low: Fraction, high: Fraction, rounding: Rounding, places: int
) -> BaseRateRange:
    """The numbers n of 10^-places for which round(factor x n x 10^-places) lies within low .. high.

    ``low`` and ``high`` are results of the rounding; the factor is greater than 0.
    """
    if factor <= 0:
        return BaseRateRange(1, 0)  # a weight rounded to zero reproduces nothing but zero
    step = factor * Fraction(10) ** -places
    if rounding.places is None:
        return BaseRateRange(math.ceil(low / step), math.floor(high / step))
    scale = Fraction(10) ** rounding.places
    low_units, high_units = low * scale, high * scale
    if low_units.denominator != 1 or high_units.denominator != 1:
        return BaseRateRange(1, 0)  # printed with more decimals than the rounding leaves
    per_unit = step * scale
    mode = rounding.mode
    half = Fraction(1, 2)
    if mode is RoundingMode.HALF_UP:
        first, last = _at_least((low_units - half) / per_unit), _below((high_units + half) / per_unit)
    elif mode is RoundingMode.HALF_EVEN:
        # A tie goes to the even neighbour, so both ends belong to an even result and neither to an odd one.
        reach_low, reach_high = (low_units - half) / per_unit, (high_units + half) / per_unit
        first = _at_least(reach_low) if low_units % 2 == 0 else _above(reach_low)
        last = math.floor(reach_high) if high_units % 2 == 0 else _below(reach_high)
    elif mode is RoundingMode.DOWN:
        first, last = _at_least(low_units / per_unit), _below((high_units + 1) / per_unit)
    else:
        first, last = _above((low_units - 1) / per_unit), math.floor(high_units / per_unit)
    return BaseRateRange(first, last)


def _at_least(bound: Fraction) -> int:
    return math.ceil(bound)


def _above(bound: Fraction) -> int:
    return math.floor(bound) + 1


def _below(bound: Fraction) -> int:
    return math.ceil(bound) - 1


def agreements(ranges: Sequence[BaseRateRange]) -> list[Agreement]:
    """Every stretch of positive base rates that reproduces the largest number of rows, lowest first;
    none where no row allows any base rate."""
    changes: dict[int, int] = {}
    for allowed in ranges:
        first = max(allowed.first, 1)
        if first <= allowed.last:
            changes[first] = changes.get(first, 0) + 1
            changes[allowed.last + 1] = changes.get(allowed.last + 1, 0) - 1
    best: list[Agreement] = []
    rows = 0
    points = sorted(changes)
    for point, following in itertools.pairwise(points):
        rows += changes[point]
        if rows and (not best or rows >= best[0].rows):
            if best and rows > best[0].rows:
                best = []
            best.append(Agreement(BaseRateRange(point, following - 1), rows))
    return best


def rates_listed(rates: Iterable[BaseRateRange], places: int, limit: int = 12) -> str:
    """Base rates in words: each of them, or from which to which where they are many."""
    stretches = list(rates)
    count = sum(stretch.last - stretch.first + 1 for stretch in stretches)
    if count <= limit:
        return ", ".join(
            rate_text(units, places)
            for stretch in stretches
            for units in range(stretch.first, stretch.last + 1)
        )
    return "; ".join(
        f"{rate_text(stretch.first, places)} to {rate_text(stretch.last, places)}" for stretch in stretches
    )


def rate_text(units: int, places: int) -> str:
    """A base rate in units of its last decimal as people write it."""
    if places == 0:
        return str(units)
    digits = str(units).rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"
