"""What the assets of a register charge in a period, and which of them are past their life."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction

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


def period_charges(assets: Iterable[Asset], parameters: Parameters) -> Charges:
    """What every asset charges in the run's period: depreciation to its class's component, interest to the
    component of financing cost."""
    number_of = {component.name: number for number, component in enumerate(parameters.components)}
    interest_number = number_of.get(parameters.interest_component or "")
    start, end = half_months(parameters.start), half_months(parameters.end)
    rate = parameters.discount_rate
    charges = Charges(by_class={of.name: ClassTotals() for of in parameters.asset_classes})
    for asset in assets:
        totals = charges.by_class[asset.asset_class.name]
        charged = charged_between(asset, start, end, rate)
        totals.depreciation_minor += charged.depreciation_minor
        totals.interest_minor += charged.interest_minor
        last = asset.stretches[-1]
        if asset.stretches[0].start < end and (last.end is None or last.end > start):
            totals.assets += 1
            totals.gross_minor += next(
                stretch for stretch in reversed(asset.stretches) if stretch.start < end
            ).opening_minor
            totals.carrying_minor += carrying_amount(asset, end, rate)
            if is_past_life(asset, start):
                totals.past_life += 1
                charges.past_life.append(asset)
        if charged is _NOTHING or not (charged.depreciation_minor or charged.interest_minor):
            continue
        key = asset.provider_id, asset.cost_centre
        sums = charges.by_centre.get(key)
        if sums is None:
            sums = charges.by_centre[key] = [0] * len(parameters.components)
        sums[number_of[asset.asset_class.component]] += charged.depreciation_minor
        if charged.interest_minor:
            assert interest_number is not None, "an annuity needs an interest component"
            sums[interest_number] += charged.interest_minor
    charges.by_year = depreciation_by_year(assets, parameters.start.year, rate)
    return charges


def depreciation_by_year(
    assets: Iterable[Asset], year: int, discount_rate: Fraction | None
) -> dict[int, dict[str, int]]:
    """Depreciation by calendar year and class about a year, of the assets as they are: what is to come of
    those by units of production is not known and not in it."""
    years = range(year - YEARS_BEFORE, year + YEARS_AFTER + 1)
    edges = [24 * each for each in (*years, years[-1] + 1)]
    by_class: dict[str, list[int]] = {}
    for asset in assets:
        sums = by_class.setdefault(asset.asset_class.name, [0] * len(years))
        for stretch in asset.stretches:
            begin, before = 0, 0
            # nothing before the start: go on from the year in which the stretch begins
            while begin < len(years) and edges[begin + 1] <= stretch.start:
                begin += 1
            if begin == len(years):
                continue
            before = reached(asset, stretch, edges[begin], discount_rate).depreciation_minor
            everything = stretch.opening_minor - stretch.residual_minor
            for position in range(begin, len(years)):
                if before == everything:
                    break
                after = reached(asset, stretch, edges[position + 1], discount_rate).depreciation_minor
                sums[position] += after - before
                before = after
    return {
        each: {name: sums[position] for name, sums in by_class.items()} for position, each in enumerate(years)
    }
