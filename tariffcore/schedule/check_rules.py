"""Whether what schedule.toml says fits together: shares, stay rules and their exemptions."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from tariffcore.errors import Problem
from tariffcore.money import format_exact
from tariffcore.schedule.model import Share, StayExemption, StayRule, Unit
from tariffcore.schedule.reading import COMPONENTS_CSV, Part, Reading
from tariffcore.schedule.tariff import with_exceptions
from tariffcore.schedule.values import instead_of


def check_shares(reading: Reading) -> Iterator[Problem]:
    schedule = reading.schedule
    first_of: dict[tuple[Unit, str], Share] = {}
    rate_ids = {f"{unit.value}.{setting}.rate" for unit in Unit for setting in schedule.care_settings}
    for share in schedule.shares:
        first = first_of.setdefault((share.unit, share.care_setting), share)
        if first is not share:
            yield reading.toml_problem(
                (*reading.paths[share.id], "care_setting"),
                share.care_setting,
                f"unit {share.unit.value!r} has a share in this care setting already, {first.id!r}",
                "keep one share; what differs by procedure is a [[share.exception]]",
            )
        for own in with_exceptions(share):
            own_path = reading.paths[own.id]
            if own.id in rate_ids:
                yield reading.toml_problem(
                    (*own_path, "id"),
                    own.id,
                    "is the rule id of a service's own rate",
                    "choose another id; results name the rule by it",
                )


def check_addons(reading: Reading) -> Iterator[Problem]:
    """Each add-on is a component of the schedule, if it has any; and a share of items pays them whole."""
    schedule = reading.schedule
    components = tuple(dict.fromkeys(row.component for row in schedule.components))
    for index, addon in enumerate(schedule.addons):
        if not reading.all_read(COMPONENTS_CSV, "component") or addon.component in components:
            continue
        if addon.component is not None:
            yield reading.toml_problem(
                ("addon", index, "component"),
                addon.component,
                "is not a component of components.csv",
                instead_of(addon.component, components, "or remove the line") if components else "remove it",
            )
        elif components and addon.unit is Unit.CASE:
            yield reading.toml_problem(
                ("addon", index, "component"),
                None,
                "is missing: the parts of a payment sum to it, so the add-on is one of them",
                f"name one of {', '.join(components)}",
            )
    for share in schedule.shares:
        if share.unit is Unit.ITEM and share.share != 1:
            yield reading.toml_problem(
                (*reading.paths[share.id], "share"),
                format_exact(share.share),
                "an item is paid at what it has cost, not at a share of it",
                'write share = "1"',
            )


def check_exemptions(reading: Reading) -> Iterator[Problem]:
    """Each exemption can exempt something its rule would pay."""
    schedule = reading.schedule
    if not reading.sound(Part.OUTCOMES, Part.STAY_RULES):
        return
    for rule in schedule.stay_rules:
        for index, exemption in enumerate(rule.exemptions):
            path = (*reading.paths[rule.id], "exemption", index)
            if rule.outcomes and exemption.outcomes and rule.outcomes.isdisjoint(exemption.outcomes):
                yield reading.toml_problem(
                    (*path, "outcomes"),
                    ", ".join(sorted(exemption.outcomes)),
                    f"the rule {rule.id!r} pays none of these outcomes, so there is nothing to exempt",
                    f"name one of {', '.join(sorted(rule.outcomes))}, or remove the exemption",
                )
            elif not exemption.drg_flags and _includes(exemption.outcomes, rule.outcomes, schedule.outcomes):
                yield reading.toml_problem(
                    (*path, "outcomes"),
                    ", ".join(sorted(exemption.outcomes)),
                    f"exempts every case of the rule {rule.id!r}, which could never apply",
                    "add drg_flags or name fewer outcomes, or remove the rule",
                )


def _includes(wider: frozenset[str], narrower: frozenset[str], everything: Collection[str]) -> bool:
    """Whether one condition holds wherever the other does; an empty one does not restrict."""
    return not wider or wider >= (narrower or frozenset(everything))


def _exempts_no_more(first: StayExemption, later: StayRule, outcomes: Collection[str]) -> bool:
    """Whether every case of a later rule that an earlier rule's exemption lets pass is exempt there too."""
    if later.outcomes and first.outcomes and later.outcomes.isdisjoint(first.outcomes):
        return True
    return any(
        _includes(own.outcomes, first.outcomes, outcomes)
        and (not own.drg_flags or (first.drg_flags and own.drg_flags >= first.drg_flags))
        for own in later.exemptions
    )


def _always_before(first: StayRule, later: StayRule, reading: Reading) -> bool:
    """Whether an earlier rule matches every case that a later one would."""
    schedule = reading.schedule
    return (
        first.unit is later.unit
        and _includes(first.outcomes, later.outcomes, schedule.outcomes)
        and _includes(first.care_settings, later.care_settings, schedule.care_settings)
        and first.death_unavoidable in (None, later.death_unavoidable)
        and (first.max_days is None or (later.max_days is not None and later.max_days <= first.max_days))
        and all(_exempts_no_more(exemption, later, schedule.outcomes) for exemption in first.exemptions)
    )


def check_unreachable_stay_rules(reading: Reading) -> Iterator[Problem]:
    if not reading.sound(Part.OUTCOMES, Part.CARE_SETTINGS, Part.STAY_RULES):
        return
    rules = reading.schedule.stay_rules
    for position, later in enumerate(rules):
        for first in rules[:position]:
            if _always_before(first, later, reading):
                yield reading.toml_problem(
                    (*reading.paths[later.id], "id"),
                    later.id,
                    f"can never apply: the rule {first.id!r} above it takes every case it would match",
                    "put the narrower rule first, or remove one of the two",
                )
                break
