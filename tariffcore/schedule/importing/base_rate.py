"""The base rate that reproduces printed tariffs, found exactly.

A printed tariff is a rounded product, so each row allows an interval of base rates; the base rate has the
decimals of the currency, so each interval is a range of whole minor units. Where all ranges share exactly
one number, that is the base rate, and every row is proven by it. Where they share none, the number that
most rows share is found, and the rows outside it are the ones to look at.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.schedule.model import AppliesTo, BaseRate, Schedule, Share
from tariffcore.schedule.proof import as_printed
from tariffcore.schedule.tariff import case_weight, weight_tariff

LARGEST_UNITS = 10**18
"""Above any base rate; the end of a range that has none."""


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
    """The base rates above 0 with ``places`` decimals under which the schedule prints this tariff.

    What the schedule prints is asked of the schedule's own formula, whatever its roundings are. It never
    falls while the base rate rises, so the ends of the range are found by bisection around the quotient.
    """
    unit = Fraction(10) ** -places
    per_rate = case_weight(schedule, weight, share)
    if share.applies_to is AppliesTo.TARIFF:
        per_rate *= share.share
    if per_rate == 0:  # the weight was rounded to zero: any base rate gives 0, and none anything else
        return BaseRateRange(1, LARGEST_UNITS if printed_tariff == 0 else 0)

    def prints(units: int) -> Fraction:
        rated = dataclasses.replace(schedule, base_rate=BaseRate(units * unit, ""))
        return as_printed(rated, weight_tariff(rated, weight, share))

    guess = max(1, math.floor(printed_tariff / (per_rate * unit)))
    first = _first_where(lambda units: prints(units) >= printed_tariff, guess)
    beyond = _first_where(lambda units: prints(units) > printed_tariff, first)
    return BaseRateRange(first, beyond - 1)


def _first_where(holds: Callable[[int], bool], guess: int) -> int:
    """The smallest number from 1 on for which a condition holds that, once it holds, holds for all larger."""
    step = 1
    low, high = 0, guess  # it does not hold at low (0 stands for "before the first"), it holds at high
    if holds(guess):
        while high - step > 0 and holds(high - step):
            high -= step
            step *= 2
        low = max(high - step, 0)
    else:
        low = guess
        while not holds(low + step):
            low += step
            step *= 2
        high = low + step
    while high - low > 1:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle
    return high


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
