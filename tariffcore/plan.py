"""A catalog bound for pricing: its numbering, its limits in words, and the tables the kernel walks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from itertools import product
from math import lcm

import numpy as np
from numpy.typing import NDArray

from tariffcore._kernel import PriceTables
from tariffcore.errors import CatalogError, Problem
from tariffcore.grouping_tables import CompiledRules
from tariffcore.numbering import (
    AGE_CLASSES,
    DAY_CODES,
    DEATH_ANSWERS,
    DEATH_AVOIDABLE,
    DEATH_UNAVOIDABLE,
    DEATH_UNSAID,
    INVALID_DAY,
    INVALID_STAY,
    MALFORMED_DAY,
    MISSING_AGE,
    MISSING_DAY,
    MISSING_OUTCOME,
    MISSING_PROVIDER_ROW,
    OUTSIDE_DAY,
    UNKNOWN_DRG_ITEM,
    UNKNOWN_OUTCOME,
    UNKNOWN_PROVIDER_ROW,
    UNKNOWN_SERVICE_ITEM,
    UNKNOWN_SETTING_KEY,
    Numbering,
    SettingKey,
    days_since_1970,
)
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.exactness import rate_scale, widest_denominator
from tariffcore.schedule.limits import (
    MAX_COEFFICIENT_PART,
    MAX_COMPONENT_DENOMINATOR,
    MAX_DENOMINATOR_BITS,
    MAX_EXCEPTION_LISTS,
    MAX_PLANNED_DAYS,
    MAX_SHARE_PART,
    MAX_TARIFF_DENOMINATOR,
    MAX_TARIFF_MINOR,
)
from tariffcore.schedule.model import AgeClass, Schedule, Service, Unit
from tariffcore.schedule.tariff import (
    combined_coefficient,
    find_share,
    group_weight,
    service_tariff,
    units_by_coefficients,
    weight_tariff,
    with_exceptions,
)
from tariffcore.tables import CANNOT_BE_PRICED, FEWER_EDITIONS, Layout, too_many

__all__ = [
    "DAY_CODES",
    "DEATH_ANSWERS",
    "DEATH_AVOIDABLE",
    "DEATH_UNAVOIDABLE",
    "DEATH_UNSAID",
    "INVALID_DAY",
    "INVALID_STAY",
    "MALFORMED_DAY",
    "MISSING_AGE",
    "MISSING_DAY",
    "MISSING_OUTCOME",
    "MISSING_PROVIDER_ROW",
    "OUTSIDE_DAY",
    "UNKNOWN_DRG_ITEM",
    "UNKNOWN_OUTCOME",
    "UNKNOWN_PROVIDER_ROW",
    "UNKNOWN_SERVICE_ITEM",
    "UNKNOWN_SETTING_KEY",
    "Plan",
    "SettingKey",
    "days_since_1970",
]

_MOST_RATES = 1 << 27  # of eight bytes each, while the tables are worked out
_MOST_CHOICES = 1 << 27


class Plan(Numbering):
    """A catalog laid out for the kernel, with the names of everything the kernel answers with numbers.

    Building one takes about a second for a country; it never changes, and any number of threads may use it.
    Raises CatalogError, all problems at once, where a catalog does not fit the kernel's widths.
    """

    def __init__(self, catalog: Catalog) -> None:
        super().__init__(catalog)
        problems = [*_counts_beyond(self)]
        for schedule in self.editions:
            problems += _numbers_beyond(schedule)
        if problems:
            raise CatalogError(CANNOT_BE_PRICED, problems)
        self.tables = PriceTables(**Layout(self).tables())
        self.grouping_rules = tuple(
            None if schedule.grouping is None else CompiledRules(schedule) for schedule in self.editions
        )
        """Of each edition the rules that tell a case's group; None where it has none."""

    @property
    def groups_cases(self) -> bool:
        """Whether some edition can tell the group of a case that comes without one."""
        return any(rules is not None for rules in self.grouping_rules)

    def items_of_rules(self, rules: CompiledRules) -> NDArray[np.int32]:
        """The number of the item that each rule leads to."""
        return np.array([self.drg_items[rule.drg_code] for rule in rules.grouping.rules], dtype=np.int32)

    @cached_property
    def qualifiers(self) -> frozenset[str]:
        """The words with which some edition's cases may be qualified."""
        return frozenset(
            word for rules in self.grouping_rules if rules is not None for word in rules.grouping.qualifiers
        )

    @cached_property
    def edition_of_day(self) -> NDArray[np.int16]:
        """For each day code the number of the edition in `editions`, or -1 where there is none."""
        table = np.full(DAY_CODES, -1, dtype=np.int16)
        for (start, end), epoch in zip(self.period_spans, self.period_epochs, strict=True):
            stop = MISSING_DAY if end is None else self.day_code(end)
            table[self.day_code(start) : stop] = self.epochs[epoch].edition
        return table


def _counts_beyond(plan: Plan) -> Iterator[Problem]:
    """Where there is more of something than the kernel numbers."""
    editions, epochs = len(plan.editions), len(plan.epochs)
    columns = max(plan.column_count * AGE_CLASSES, len(plan.setting_keys))
    first, last = plan.catalog.spans[0].start, plan.period_spans[-1][1] or plan.period_spans[-1][0]
    choices = editions * len(plan.stay_classes) * plan.variant_count
    for what, count, limit, way_out in (
        ("cost groups and services", plan.item_count, 1 << 16, FEWER_EDITIONS),
        ("providers", plan.provider_count, 1 << 16, FEWER_EDITIONS),
        ("editions", editions, 255, FEWER_EDITIONS),
        ("dates on which something changes", len(plan.period_spans), (1 << 15) - 1, FEWER_EDITIONS),
        ("outcomes", 2 + len(plan.outcomes), 256 // DEATH_ANSWERS, FEWER_EDITIONS),
        ("kinds of groups and services", len(plan.stay_classes), 256, "use fewer flags in exemptions"),
        (
            *("lists of exception procedures", len(plan.procedure_lists), MAX_EXCEPTION_LISTS),
            "join lists that are the same",
        ),
        ("rules", plan.column_count * max(AGE_CLASSES, len(plan.factor_rows)), 1 << 16, FEWER_EDITIONS),
        ("variants of care settings", plan.variant_count, 1 << 16, FEWER_EDITIONS),
        (
            *("rates on all dates when services change", epochs * plan.item_count * columns, _MOST_RATES),
            FEWER_EDITIONS,
        ),
        ("choices by care setting and procedures", choices, _MOST_CHOICES, FEWER_EDITIONS),
        ("days from the first edition to the last", (last - first).days, 28_000, FEWER_EDITIONS),
    ):
        if count > limit:
            yield too_many(plan, what, count, limit, way_out)


def _numbers_beyond(schedule: Schedule) -> Iterator[Problem]:
    """Where an edition's numbers are too large or too long: what `schedule check` says of a folder, for
    schedules that never were one."""

    def beyond(what: str, value: object, limit: str, way_out: str) -> Problem:
        return Problem(f"edition {schedule.id}", what, str(value), f"at most {limit} is exact", way_out)

    fewer_decimals = "write it with fewer decimals"
    shares = [(own.id, own.share) for share in schedule.shares for own in with_exceptions(share)]
    shares += [(rule.id, rule.share) for rule in schedule.stay_rules if rule.share is not None]
    shares += [(row.factor_code, row.factor) for row in schedule.factors]
    for name, value in shares:
        if not _has_parts_up_to(MAX_SHARE_PART, value):
            yield beyond(f"share {name}", value, "10^9 / 10^9", fewer_decimals)
    for provider_id, periods in (schedule.providers or {}).items():
        pairs = product(periods, units_by_coefficients(schedule))
        for combined in (combined_coefficient(schedule, period, unit) for period, unit in pairs):
            if not _has_parts_up_to(MAX_COEFFICIENT_PART, combined):
                yield beyond(f"coefficients of {provider_id}", combined, "10^32 / 10^32", fewer_decimals)
    splits: dict[tuple[str, str | None], int] = {}
    for part in schedule.components:
        split = part.component_profile, part.care_setting
        splits[split] = lcm(splits.get(split, 1), part.share.denominator)
    for (profile, _), denominator in splits.items():
        if denominator > MAX_COMPONENT_DENOMINATOR:
            yield beyond(f"denominator of component profile {profile}", denominator, "10^18", fewer_decimals)
    for group in schedule.groups.values():
        if (group.planned_days or 0) > MAX_PLANNED_DAYS:
            days = f"{MAX_PLANNED_DAYS:,}"
            yield beyond(f"planned days of {group.drg_code}", group.planned_days, days, "check the unit")

    scale = rate_scale(schedule)
    to_minor = f"round the tariff (tariff_places = {schedule.minor_units})"
    if scale > MAX_TARIFF_DENOMINATOR:
        yield beyond("common denominator of tariffs in minor units", scale, "10^12", to_minor)
    largest_minor = max(_largest_tariffs(schedule), default=Fraction(0)) * 10**schedule.minor_units
    if largest_minor * scale > MAX_TARIFF_MINOR:
        way_out = f"check the base rate, the weights and the rates, or {to_minor}"
        yield beyond("largest tariff in minor units", largest_minor, str(MAX_TARIFF_MINOR // scale), way_out)
    bits = widest_denominator(schedule).bit_length()
    if bits > MAX_DENOMINATOR_BITS:
        way_out = "write coefficients with fewer decimals"
        yield beyond("bits of unit prices before rounding", bits, str(MAX_DENOMINATOR_BITS), way_out)


def _has_parts_up_to(most: int, value: Fraction) -> bool:
    return abs(value.numerator) <= most and value.denominator <= most


def _largest_tariffs(schedule: Schedule) -> Iterator[Fraction]:
    """The largest tariff of each share and service, in units of the currency."""
    weights = [group_weight(group, age) for group in schedule.groups.values() for age in AgeClass]
    heaviest = max((weight for weight in weights if weight is not None), default=None)
    for share in schedule.shares:
        if share.unit is Unit.CASE and heaviest is not None:
            for rule in with_exceptions(share):
                yield weight_tariff(schedule, heaviest, rule)
    for rows in schedule.services.values():
        for row in rows:
            yield from _tariffs_of_service(schedule, row)


def _tariffs_of_service(schedule: Schedule, row: Service) -> Iterator[Fraction]:
    if row.care_setting is not None:
        yield service_tariff(schedule, row, None)
        return
    for setting in schedule.care_settings:
        share = find_share(schedule, row.unit, setting)
        for rule in with_exceptions(share) if share is not None else ():
            yield service_tariff(schedule, row, rule)
