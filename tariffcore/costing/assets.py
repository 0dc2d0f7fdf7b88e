"""What the assets of a register charge in a period, and which of them are past their life."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tariffcore.costing.depreciation import (
    Method,
    Recovered,
    annuity,
    declining_balance,
    straight_line,
    units_of_production,
)
from tariffcore.costing.model import Asset, Charges, ClassTotals, Stretch
from tariffcore.costing.parameters import Parameters
from tariffcore.costing.values import half_months

_NOTHING = Recovered(0, 0)


def used_by(asset: Asset, moment: int) -> Fraction:
    """Units used by the asset up to a moment, in whole periods of use."""
    position = bisect_right(asset.usage, moment, key=lambda entry: entry[0])
    return asset.usage[position - 1][1] if position else Fraction(0)


def reached(asset: Asset, stretch: Stretch, moment: int, discount_rate: Fraction | None) -> Recovered:
    """What a stretch of the asset's life has charged in all by a moment (half-months since year 0)."""
    end = moment if stretch.end is None else min(moment, stretch.end)
    elapsed = end - stretch.start
    method = asset.method
    if elapsed <= 0 or method is Method.NOT_DEPRECIATED:
        return _NOTHING
    depreciable_minor = stretch.opening_minor - stretch.residual_minor
    if method is Method.STRAIGHT_LINE:
        return Recovered(straight_line(depreciable_minor, stretch.life, elapsed), 0)
    if method is Method.DECLINING_BALANCE:
        assert stretch.rate is not None
        charged = declining_balance(
            stretch.opening_minor, stretch.residual_minor, stretch.rate, int(stretch.life), elapsed
        )
        return Recovered(charged, 0)
    if method is Method.UNITS_OF_PRODUCTION:
        assert stretch.life_units is not None
        used = used_by(asset, end) - stretch.used_before
        return Recovered(units_of_production(depreciable_minor, stretch.life_units, used), 0)
    assert discount_rate is not None
    return annuity(
        stretch.opening_minor, stretch.residual_minor, discount_rate, int(stretch.life) // 24, elapsed
    )


def charged_between(asset: Asset, start: int, end: int, discount_rate: Fraction | None) -> Recovered:
    """Depreciation and interest of a period: running totals at its end less those at its beginning."""
    depreciation_minor = interest_minor = 0
    for stretch in asset.stretches:
        if stretch.start >= end or (stretch.end is not None and stretch.end <= start):
            continue
        after = reached(asset, stretch, end, discount_rate)
        before = reached(asset, stretch, start, discount_rate)
        depreciation_minor += after.depreciation_minor - before.depreciation_minor
        interest_minor += after.interest_minor - before.interest_minor
    return Recovered(depreciation_minor, interest_minor)


def carrying_amount(asset: Asset, moment: int, discount_rate: Fraction | None) -> int:
    """What the asset stands at in the books at a moment, in minor units; 0 before it came and once it
    left."""
    for stretch in reversed(asset.stretches):
        if stretch.start <= moment:
            if stretch.end is not None and stretch.end <= moment:
                return 0
            charged = reached(asset, stretch, moment, discount_rate)
            return stretch.opening_minor - charged.depreciation_minor
    return 0


def is_past_life(asset: Asset, moment: int) -> bool:
    """Whether an asset still in use has nothing left to charge."""
    stretch = asset.stretches[-1]
    if asset.method is Method.NOT_DEPRECIATED or (stretch.end is not None and stretch.end <= moment):
        return False
    if asset.method is Method.UNITS_OF_PRODUCTION:
        assert stretch.life_units is not None
        return used_by(asset, moment) - stretch.used_before >= stretch.life_units
    return moment - stretch.start >= stretch.life


YEARS_BEFORE, YEARS_AFTER = 4, 5
"""How many calendar years about that of the period's start `Charges.by_year` shows."""


def period_charges(assets: Sequence[Asset], parameters: Parameters) -> Charges:
    """What every asset charges in the run's period: depreciation to its class's component, interest to the
    component of financing cost."""
    number_of = {component.name: number for number, component in enumerate(parameters.components)}
    interest_number = number_of.get(parameters.interest_component or "")
    start, end = half_months(parameters.start), half_months(parameters.end)
    rate = parameters.discount_rate
    years = range(parameters.start.year - YEARS_BEFORE, parameters.start.year + YEARS_AFTER + 1)
    edges = [24 * year for year in (*years, years[-1] + 1)]
    charges = Charges(by_class={of.name: ClassTotals() for of in parameters.asset_classes})
    of_years = {of.name: [0] * len(years) for of in parameters.asset_classes}
    level = LevelCharges([asset for asset in assets if is_level(asset)])
    level_charged = level.between(start, end).tolist()
    level_carrying = level.carrying(end).tolist()
    for position, (begin, stop) in enumerate(pairwise(edges)):
        for asset, minor in zip(level.assets, level.between(begin, stop).tolist(), strict=True):
            of_years[asset.asset_class.name][position] += minor
    next_level = 0
    for asset in assets:
        class_name = asset.asset_class.name
        totals = charges.by_class[class_name]
        last = asset.stretches[-1]
        carrying = None
        if next_level < len(level.assets) and level.assets[next_level] is asset:
            charged = Recovered(level_charged[next_level], 0)
            carrying = level_carrying[next_level]
            next_level += 1
        else:
            charged = charged_between(asset, start, end, rate)
            _add_years(asset, edges, rate, of_years[class_name])
        charges.by_asset.append(charged)
        totals.depreciation_minor += charged.depreciation_minor
        totals.interest_minor += charged.interest_minor
        if asset.stretches[0].start < end and (last.end is None or last.end > start):
            totals.assets += 1
            totals.gross_minor += next(
                stretch for stretch in reversed(asset.stretches) if stretch.start < end
            ).opening_minor
            totals.carrying_minor += carrying_amount(asset, end, rate) if carrying is None else carrying
            if is_past_life(asset, start):
                totals.past_life += 1
                charges.past_life.append(asset)
        if not (charged.depreciation_minor or charged.interest_minor):
            continue
        key = asset.provider_id, asset.cost_centre
        sums = charges.by_centre.get(key)
        if sums is None:
            sums = charges.by_centre[key] = [0] * len(parameters.components)
        sums[number_of[asset.asset_class.component]] += charged.depreciation_minor
        if charged.interest_minor:
            assert interest_number is not None, "an annuity needs an interest component"
            sums[interest_number] += charged.interest_minor
    for position, year in enumerate(years):
        charges.by_year[year] = {name: sums[position] for name, sums in of_years.items()}
    return charges


def _add_years(asset: Asset, edges: Sequence[int], discount_rate: Fraction | None, sums: list[int]) -> None:
    """Adds the asset's depreciation of each calendar year, as its register stands; of units of production
    what is to come is not known."""
    for stretch in asset.stretches:
        everything = stretch.opening_minor - stretch.residual_minor
        stop = edges[-1] if stretch.end is None else stretch.end
        before = reached(asset, stretch, edges[0], discount_rate).depreciation_minor
        for position in range(len(sums)):
            if before == everything or edges[position] >= stop:
                break
            if edges[position + 1] <= stretch.start:
                continue
            after = reached(asset, stretch, edges[position + 1], discount_rate).depreciation_minor
            sums[position] += after - before
            before = after


_WHOLE = (1 << 62) - 1
_OPEN = 1 << 30
"""A moment after all others."""


def is_level(asset: Asset) -> bool:
    """Whether the asset is charged straight line in one stretch, and in 64 bits throughout."""
    if asset.method is not Method.STRAIGHT_LINE or len(asset.stretches) != 1:
        return False
    stretch = asset.stretches[0]
    life = stretch.life
    # elapsed x denominator never passes the life's numerator: from there on all is charged
    return 2 * (stretch.opening_minor + 1) * life.numerator + life.numerator <= _WHOLE


class LevelCharges:
    """Straight line over many assets at once: the formula of `depreciation.straight_line` on arrays."""

    def __init__(self, assets: Sequence[Asset]) -> None:
        self.assets = assets
        stretches = [asset.stretches[0] for asset in assets]
        self._start = np.array([stretch.start for stretch in stretches], dtype=np.int64)
        self._end = np.array(
            [_OPEN if stretch.end is None else stretch.end for stretch in stretches], dtype=np.int64
        )
        self._opening = np.array([stretch.opening_minor for stretch in stretches], dtype=np.int64)
        self._depreciable = self._opening - np.array(
            [stretch.residual_minor for stretch in stretches], dtype=np.int64
        )
        self._life = np.array([stretch.life.numerator for stretch in stretches], dtype=np.int64)
        self._of_life = np.array([stretch.life.denominator for stretch in stretches], dtype=np.int64)

    def reached(self, moment: int) -> NDArray[np.int64]:
        """What each asset has charged by a moment."""
        elapsed = np.maximum(np.minimum(moment, self._end) - self._start, 0)
        worn = np.minimum(elapsed * self._of_life, self._life)
        charged: NDArray[np.int64] = (2 * self._depreciable * worn + self._life) // (2 * self._life)
        return charged

    def between(self, start: int, end: int) -> NDArray[np.int64]:
        return self.reached(end) - self.reached(start)

    def carrying(self, moment: int) -> NDArray[np.int64]:
        """What each stands at in the books; 0 before it came and once it left."""
        there = (self._start <= moment) & (moment < self._end)
        return np.where(there, self._opening - self.reached(moment), 0)
