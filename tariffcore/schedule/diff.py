"""What changes between two editions, and by how much.

Pure facts, sorted by effect: the largest relative change first, what appears or disappears before
everything measurable, ties by code. Tariffs are compared as they are paid (rounded to the unit price,
without provider and stay), so a change of base rate, share, rounding or weight shows in what it does.
Sources and notes set no amount and are not compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import TypeVar

from tariffcore.errors import Problem, ScheduleError
from tariffcore.money import round_to_int
from tariffcore.schedule.changes import (
    CoefficientChange,
    ComponentChange,
    FactorChange,
    GroupChange,
    NumberChange,
    RuleChange,
    ScheduleDiff,
    ServiceChange,
    TariffChange,
    number_text,
    relative_change,
)
from tariffcore.schedule.model import AgeClass, Factor, Group, Schedule, Share, Unit
from tariffcore.schedule.rule_facts import grouping_facts, rule_facts, service_facts
from tariffcore.schedule.tariff import (
    case_tariff,
    coefficients_of,
    combined_coefficient,
    find_share,
    group_weight,
    rounded,
)


def diff_schedules(a: Schedule, b: Schedule) -> ScheduleDiff:
    """What changes from edition ``a`` to edition ``b``.

    Raises ScheduleError where their amounts cannot be compared: another currency or minor unit.
    """
    if (a.currency, a.minor_units) != (b.currency, b.minor_units):
        raise ScheduleError(
            f"schedules {a.id} and {b.id} cannot be compared",
            [
                Problem(
                    b.folder,
                    "currency",
                    f"{b.currency}, {b.minor_units} decimals",
                    f"{a.id} is in {a.currency} with {a.minor_units} decimals",
                    "compare schedules of one currency",
                )
            ],
        )
    both = [code for code in a.groups if code in b.groups]
    tariffs, compared = _tariff_changes(a, b, both)
    rate = NumberChange(a.base_rate.amount, b.base_rate.amount)
    return ScheduleDiff(
        a_id=a.id,
        b_id=b.id,
        a_digest=a.digest,
        b_digest=b.digest,
        currency=a.currency,
        minor_units=a.minor_units,
        rules=_rule_changes(a, b),
        base_rate=None if rate.old == rate.new else rate,
        tariffs=tariffs,
        tariffs_compared=compared,
        groups_added=_by_weight(group for code, group in b.groups.items() if code not in a.groups),
        groups_removed=_by_weight(group for code, group in a.groups.items() if code not in b.groups),
        groups=_group_changes(a, b, both),
        components=_component_changes(a, b),
        coefficients=_coefficient_changes(a, b),
        services=_service_changes(a, b),
        factors=_factor_changes(a, b),
    )


_Change = TypeVar("_Change")


def _by_effect(
    changes: Iterable[_Change],
    relative: Callable[[_Change], Fraction | None],
    code: Callable[[_Change], tuple[object, ...]],
) -> tuple[_Change, ...]:
    """What appears or disappears first, then by the size of the relative change, then by code."""

    def key(change: _Change) -> tuple[bool, Fraction, tuple[object, ...]]:
        effect = relative(change)
        return effect is not None, Fraction(0) if effect is None else -abs(effect), code(change)

    return tuple(sorted(changes, key=key))


def _by_weight(groups: Iterable[Group]) -> tuple[Group, ...]:
    return tuple(sorted(groups, key=lambda group: (-group.relative_weight, group.drg_code)))


# --- tariffs and groups -----------------------------------------------------------------------------------


def _tariff_changes(a: Schedule, b: Schedule, codes: Sequence[str]) -> tuple[tuple[TariffChange, ...], int]:
    settings = list(
        dict.fromkeys(
            share.care_setting for schedule in (a, b) for share in schedule.shares if share.unit is Unit.CASE
        )
    )
    shares = [
        (setting, find_share(a, Unit.CASE, setting), find_share(b, Unit.CASE, setting))
        for setting in settings
    ]
    changes: list[TariffChange] = []
    compared = 0
    for code in codes:
        old_group, new_group = a.groups[code], b.groups[code]
        for setting, old_share, new_share in shares:
            pairs: dict[AgeClass, tuple[int | None, int | None]] = {}
            for age_class in AgeClass:
                old = _paid_minor(a, old_group, age_class, old_share)
                new = _paid_minor(b, new_group, age_class, new_share)
                compared += old is not None or new is not None
                pairs[age_class] = old, new
            if pairs[AgeClass.ADULT] == pairs[AgeClass.CHILD]:
                by_age: list[tuple[AgeClass | None, tuple[int | None, int | None]]] = [
                    (None, pairs[AgeClass.ADULT])
                ]
            else:
                by_age = list(pairs.items())
            changes += [
                TariffChange(code, new_group.name, setting, age_class, old, new)
                for age_class, (old, new) in by_age
                if old != new
            ]
    changed = _by_effect(
        changes,
        lambda change: change.relative,
        lambda change: (change.drg_code, settings.index(change.care_setting), change.age_class or ""),
    )
    return changed, compared


def _paid_minor(schedule: Schedule, group: Group, age_class: AgeClass, share: Share | None) -> int | None:
    """What the case is paid in minor units before stay and provider; None where nothing is paid."""
    if share is None or group_weight(group, age_class) is None:
        return None
    paid = rounded(case_tariff(schedule, group, age_class, share), schedule.roundings.unit)
    return round_to_int(paid * 10**schedule.minor_units)


def _group_changes(a: Schedule, b: Schedule, codes: Sequence[str]) -> tuple[GroupChange, ...]:
    changes: list[GroupChange] = []
    for code in codes:
        old, new = a.groups[code], b.groups[code]
        for field, old_number, new_number in (
            ("relative_weight", old.relative_weight, new.relative_weight),
            ("relative_weight_child", old.relative_weight_child, new.relative_weight_child),
            ("planned_days", _whole(old.planned_days), _whole(new.planned_days)),
        ):
            if old_number != new_number:
                relative = relative_change(old_number, new_number)
                changes.append(
                    GroupChange(code, field, number_text(old_number), number_text(new_number), relative)
                )
        for field, old_text, new_text in (
            ("flags", "; ".join(sorted(old.flags)), "; ".join(sorted(new.flags))),
            ("component_profile", old.component_profile, new.component_profile),
            ("name", old.name, new.name),
        ):
            if old_text != new_text:
                changes.append(GroupChange(code, field, old_text, new_text, None))
    return _by_effect(changes, lambda change: change.relative, lambda change: (change.drg_code, change.field))


def _whole(value: int | None) -> Fraction | None:
    return None if value is None else Fraction(value)


# --- settings and rules -----------------------------------------------------------------------------------


def _rule_changes(a: Schedule, b: Schedule) -> tuple[RuleChange, ...]:
    old, new = rule_facts(a), rule_facts(b)
    for schedule, facts in ((a, old), (b, new)):
        facts.update(service_facts(schedule, [code for code in a.services if code in b.services]))
        facts.update(grouping_facts(schedule))
    changes: list[RuleChange] = []
    for key in dict.fromkeys((*old, *new)):
        # What is new or gone as a whole is one change, not one for each of its keys.
        table = key.partition("]")[0]
        whole = "]" in key
        if whole and key.endswith("].") and (key in old) != (key in new):
            there = old.get(key) or new[key]
            shown = there[0]
            changes.append(
                RuleChange(key[:-1], shown if key in old else None, shown if key in new else None, None)
            )
            continue
        if whole and (f"{table}]." in old) != (f"{table}]." in new):
            continue
        if key.endswith("]."):
            continue
        old_fact, new_fact = old.get(key, ("", None)), new.get(key, ("", None))
        if old_fact != new_fact:
            relative = relative_change(old_fact[1], new_fact[1])
            changes.append(RuleChange(key, old_fact[0] or None, new_fact[0] or None, relative))
    order = {change.key: number for number, change in enumerate(changes)}
    return tuple(
        sorted(
            changes,
            key=lambda change: (
                change.relative is None,
                Fraction(0) if change.relative is None else -abs(change.relative),
                order[change.key],
            ),
        )
    )


# --- components, coefficients, services, factors ------------------------------------------------------------


def _component_changes(a: Schedule, b: Schedule) -> tuple[ComponentChange, ...]:
    old = {(row.component_profile, row.care_setting, row.component): row for row in a.components}
    new = {(row.component_profile, row.care_setting, row.component): row for row in b.components}
    changes: list[ComponentChange] = []
    for key in dict.fromkeys((*old, *new)):
        before, after = old.get(key), new.get(key)
        change = ComponentChange(
            None if before is None else before.share,
            None if after is None else after.share,
            *key,
            None if before is None else before.capital,
            None if after is None else after.capital,
        )
        if change.old != change.new or change.old_capital != change.new_capital:
            changes.append(change)
    return _by_effect(
        changes,
        lambda change: change.relative,
        lambda change: (change.component_profile, change.care_setting or "", change.component),
    )


@dataclass(frozen=True, slots=True)
class _Dated:
    """A value over a half-open span of dates."""

    start: date
    end: date | None
    value: Fraction


def _on(spans: Sequence[_Dated], day: date) -> Fraction | None:
    for span in spans:
        if span.start <= day and (span.end is None or day < span.end):
            return span.value
    return None


_DatedChange = tuple[date, date | None, Fraction | None, Fraction | None]
"""A half-open span of dates, the old value and the new one."""


def _dated_changes(
    a: Schedule, b: Schedule, old: Sequence[_Dated], new: Sequence[_Dated]
) -> list[_DatedChange]:
    """The spans of dates over which two dated values differ, neighbours with the same change joined.

    A value that is absent counts only while both editions are in force: outside its own dates an edition
    sets no amount. Two values that never meet on a day are compared last to first.
    """
    if not old:
        return [(span.start, span.end, None, span.value) for span in new]
    if not new:
        return [(span.start, span.end, span.value, None) for span in old]
    days = sorted({day for span in (*old, *new) for day in (span.start, span.end) if day is not None})
    days = sorted({*days, a.effective_start_date, b.effective_start_date, *_ends(a, b)})
    changes: list[_DatedChange] = []
    met = False
    for number, day in enumerate(days):
        end = days[number + 1] if number + 1 < len(days) else None
        before, after = _on(old, day), _on(new, day)
        met = met or (before is not None and after is not None)
        if before == after or ((before is None or after is None) and not (a.covers(day) and b.covers(day))):
            continue
        if changes and changes[-1][1] == day and changes[-1][2:] == (before, after):
            changes[-1] = (changes[-1][0], end, before, after)
        else:
            changes.append((day, end, before, after))
    if not met and not changes:
        last = max(old, key=lambda span: span.start)
        first = min(new, key=lambda span: span.start)
        if last.value != first.value:
            changes.append((first.start, first.end, last.value, first.value))
    return changes


def _ends(a: Schedule, b: Schedule) -> list[date]:
    return [end for end in (a.effective_end_date, b.effective_end_date) if end is not None]


def _coefficient_spans(schedule: Schedule, provider_id: str, unit: Unit) -> list[_Dated]:
    """The provider's combined coefficients; 1 at all times where the schedule lists no providers."""
    if schedule.providers is None:
        return [_Dated(schedule.effective_start_date, schedule.effective_end_date, Fraction(1))]
    return [
        _Dated(
            period.effective_start_date,
            period.effective_end_date,
            combined_coefficient(schedule, period, unit),
        )
        for period in schedule.providers.get(provider_id, ())
    ]


def _units_corrected_alike(a: Schedule, b: Schedule) -> list[tuple[Unit, ...]]:
    """The units of what the editions price, those together that the same coefficients correct in both.

    Items are not among them: what they cost is paid, whoever the provider is.
    """
    priced = {service.unit for schedule in (a, b) for rows in schedule.services.values() for service in rows}
    if a.groups or b.groups:
        priced.add(Unit.CASE)
    alike: dict[tuple[tuple[bool, ...], tuple[bool, ...]], list[Unit]] = {}
    for unit in Unit:
        if unit in priced and unit is not Unit.ITEM:
            alike.setdefault((coefficients_of(a, unit), coefficients_of(b, unit)), []).append(unit)
    return [tuple(units) for units in alike.values()]


def _coefficient_changes(a: Schedule, b: Schedule) -> tuple[CoefficientChange, ...]:
    changes: list[CoefficientChange] = []
    alike = _units_corrected_alike(a, b)
    for provider_id in dict.fromkeys((*(a.providers or ()), *(b.providers or ()))):
        units_of: dict[tuple[_DatedChange, ...], tuple[Unit, ...]] = {}
        for units in alike:
            spans = (_coefficient_spans(schedule, provider_id, units[0]) for schedule in (a, b))
            found = tuple(_dated_changes(a, b, *spans))
            units_of[found] = (*units_of.get(found, ()), *units)
        for found, units in units_of.items():
            everything = len(units_of) == 1
            changes += [
                CoefficientChange(old, new, provider_id, start, end, () if everything else units)
                for start, end, old, new in found
            ]
    return _by_effect(
        changes,
        lambda change: change.relative,
        lambda change: (change.provider_id, change.effective_start_date, change.units),
    )


def _service_changes(a: Schedule, b: Schedule) -> tuple[ServiceChange, ...]:
    keys = dict.fromkeys(
        (service.code, service.care_setting, service.unit)
        for schedule in (a, b)
        for of_code in schedule.services.values()
        for service in of_code
    )
    changes: list[ServiceChange] = []
    for code, care_setting, unit in keys:
        rows = [
            [
                service
                for service in schedule.services.get(code, ())
                if service.care_setting == care_setting and service.unit is unit
            ]
            for schedule in (a, b)
        ]
        old, new = (
            [
                _Dated(row.effective_start_date, row.effective_end_date, row.rate)
                for row in sorted(of_schedule, key=lambda row: row.effective_start_date)
            ]
            for of_schedule in rows
        )
        name = (rows[1] or rows[0])[-1].name
        changes += [
            ServiceChange(before, after, code, name, unit, care_setting, start, end)
            for start, end, before, after in _dated_changes(a, b, old, new)
        ]
    return _by_effect(
        changes,
        lambda change: change.relative,
        lambda change: (change.code, change.care_setting or "", change.unit, change.effective_start_date),
    )


def _factor_changes(a: Schedule, b: Schedule) -> tuple[FactorChange, ...]:
    changes: list[FactorChange] = []
    for unit, code in dict.fromkeys((row.unit, row.factor_code) for row in (*a.factors, *b.factors)):
        old, new = (
            [row for row in schedule.factors if (row.unit, row.factor_code) == (unit, code)]
            for schedule in (a, b)
        )
        if any(row.effective_start_date or row.effective_end_date for row in (*old, *new)):
            changes += [
                FactorChange(before, after, unit, code, start, end)
                for start, end, before, after in _dated_changes(
                    a, b, _factor_spans(a, old), _factor_spans(b, new)
                )
            ]
            continue
        factors = (old[0].factor if old else None), (new[0].factor if new else None)
        if factors[0] != factors[1]:
            changes.append(FactorChange(*factors, unit, code))
    return _by_effect(
        changes,
        lambda change: change.relative,
        lambda change: (change.factor_code, change.unit, change.effective_start_date or date.min),
    )


def _factor_spans(schedule: Schedule, factors: Sequence[Factor]) -> list[_Dated]:
    """The dates of a factor, in order; where it has none they are the edition's own."""
    spans = [
        _Dated(
            row.effective_start_date or schedule.effective_start_date,
            row.effective_end_date or schedule.effective_end_date,
            row.factor,
        )
        for row in factors
    ]
    return sorted(spans, key=lambda span: span.start)
