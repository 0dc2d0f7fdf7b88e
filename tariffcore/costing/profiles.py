"""Component profiles: what share of a group's cost is staff pay, medicines, depreciation, ...

The shares of a profile are running totals of the exact costs, rounded half up to the places asked for, so
that
they sum to one whatever is rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction

from tariffcore.costing.enclosures import decided, ratio_bounds
from tariffcore.costing.parameters import Component, ProfileBy
from tariffcore.costing.unit_costs import GroupKey, SampleCosts
from tariffcore.money import round_to_int
from tariffcore.schedule.model import ComponentShare

ONE_PROFILE = "all"


def component_split(costs: SampleCosts, keys: Sequence[GroupKey], places: int) -> list[Fraction]:
    """The share of each component in the cost of some groups together; they sum to one."""
    everything = range(costs.components)
    factor = Fraction(10**places)
    reached = 0
    shares = []
    for component in everything:
        first = range(component + 1)

        def bounds(precision: int, first: Sequence[int] = first) -> tuple[Fraction, Fraction]:
            return ratio_bounds(
                costs.enclosed(keys, first, precision), costs.enclosed(keys, everything, precision), factor
            )

        def exact(first: Sequence[int] = first) -> Fraction:
            return Fraction(*costs.exact(keys, first)) / Fraction(*costs.exact(keys, everything)) * factor

        total = 10**places if component + 1 == costs.components else decided(bounds, exact, round_to_int)
        shares.append(Fraction(total - reached, 10**places))
        reached = total
    return shares


def component_profiles(
    costs: SampleCosts,
    by: ProfileBy,
    places: int,
    components: Sequence[Component],
    drg_codes: Sequence[str],
    care_settings: Sequence[str],
    groups: Sequence[int],
) -> tuple[tuple[ComponentShare, ...], Mapping[int, str]]:
    """The rows of components.csv, and the profile of each group (by number).

    A profile has rows for all care settings together, and where settings are told apart rows of their own.
    """
    wanted = set(groups)
    with_cost = [key for key in costs.keys if key[0] in wanted and _has_cost(costs, key)]
    by_profile: dict[str, list[GroupKey]] = {}
    profile_of: dict[int, str] = {}
    for drg in groups:
        name = ONE_PROFILE if by is ProfileBy.CARE_SETTING else f"drg-{drg_codes[drg]}"
        profile_of[drg] = name
        by_profile.setdefault(name, []).extend(key for key in with_cost if key[0] == drg)
    rows: list[ComponentShare] = []
    for name, keys in by_profile.items():
        splits: list[tuple[str | None, list[GroupKey]]] = [(None, keys)]
        settings = sorted({setting for _, setting in keys})
        if by is not ProfileBy.DRG and len(settings) > 1:
            splits += [
                (care_settings[setting], [key for key in keys if key[1] == setting]) for setting in settings
            ]
        for care_setting, of_split in splits:
            shares = component_split(costs, of_split, places)
            rows.extend(
                ComponentShare(name, care_setting, component.name, share, component.capital, 0)
                for component, share in zip(components, shares, strict=True)
            )
    return tuple(rows), profile_of


def _has_cost(costs: SampleCosts, key: GroupKey) -> bool:
    """A group without any cost (a hospital's centre without bookings) has no shares of it."""
    return any(costs.bounds(96)[key][0])
