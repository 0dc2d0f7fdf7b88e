"""Rows of a sample made on purpose: each rule of each edition, and each status that the catalog can give.

Each stands once in every window of rows, at a random place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.sampling_frame import NONE, SamplingFrame
from tariffcore.schedule.model import AddOn, Pay, Schedule, StayRule, Unit
from tariffcore.schedule.tariff import exemption_applies, find_share
from tariffcore.statuses import CaseStatus

KEEP = -(2**31)
"""In a row made on purpose: what was drawn stays."""
ABSENT = -(2**31)
"""A null quantity or length of stay."""

MAX_QUANTITY = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Special:
    """A row made on purpose, once in every window: its status, and the fields that make it so.

    ``days``, counted from 1970 and half-open, is when; None: any day of the span.
    """

    status: CaseStatus
    span: int
    fields: dict[str, int] = field(default_factory=dict)
    days: tuple[int, int] | None = None


def specials(frame: SamplingFrame) -> tuple[Special, ...]:
    """Every row made on purpose: first each rule, then each status, as far as the catalog can give them."""
    made: list[Special] = []
    seen: set[str] = set()
    for span, schedule in enumerate(frame.schedules):
        if frame.settings.usual[span] != NONE:
            made += _rules_of(frame, span, schedule, seen)
            made += _misfits_of(frame, span, schedule)
        made += _services_of(frame, span, schedule, seen)
    cases = [span for span in range(len(frame.schedules)) if frame.settings.usual[span] != NONE]
    if cases:
        made += _wrong_cases(frame, cases[0])
    made += _outside_the_editions(frame)
    return tuple(made)


def _rules_of(frame: SamplingFrame, span: int, schedule: Schedule, seen: set[str]) -> Iterator[Special]:
    """Each share, exception, stay rule (just before, on and past its limit) and exemption of the edition."""
    settings, outcomes = frame.settings.words, frame.outcomes.words
    for share in schedule.shares:
        if share.unit is not Unit.CASE:
            continue
        fields = {"setting": settings.index(share.care_setting)}
        if share.max_hours is not None:
            fields |= {"stay": 0, "admission_minute": 690 - min(share.max_hours * 60, 420)}
        if share.id not in seen:
            yield Special(CaseStatus.OK, span, fields)
        if share.max_hours is not None and share.max_hours % 24 == 0:
            on_the_minute = {"stay": share.max_hours // 24, "admission_minute": 690}
            yield Special(CaseStatus.OK, span, fields | on_the_minute)
            a_minute_over = on_the_minute | {"admission_minute": 689}
            yield Special(CaseStatus.STAY_OVER_LIMIT, span, fields | a_minute_over)
        for exception in share.exceptions:
            lists = [
                number
                for number, codes in enumerate(frame.procedures.lists)
                if any(code.replace(".", "").replace(",", "") in exception.procedures for code in codes)
            ]
            if lists and exception.id not in seen:
                yield Special(CaseStatus.OK, span, fields | {"procedures": lists[0]})
            seen.add(exception.id)
        seen.add(share.id)
    for addon in schedule.addons:
        chosen = _case_with(frame, span, schedule, addon)
        if chosen is not None and f"addon {addon.kind}" not in seen:
            yield Special(CaseStatus.OK, span, chosen)
        seen.add(f"addon {addon.kind}")
    for rule in schedule.stay_rules:
        if rule.id in seen or rule.unit is not Unit.CASE:
            continue
        seen.add(rule.id)
        chosen = _case_under(frame, span, schedule, rule)
        if chosen is None:
            continue
        last_day = 2 if rule.max_days is None else rule.max_days
        planned = frame.groups.has_planned_days[span, chosen["group"]]
        for stay in sorted({max(1, last_day - 1), last_day, last_day + 1}):
            unpayable = rule.pay is Pay.PER_PLANNED_DAY and not planned and stay <= (rule.max_days or stay)
            status = CaseStatus.MISSING_PLANNED_DAYS if unpayable else CaseStatus.OK
            yield Special(status, span, chosen | {"stay": stay})
        for exemption in rule.exemptions:
            group = _first_group(frame, span, lambda flags, e=exemption: e.drg_flags <= flags)  # type: ignore[misc]
            spoken_of = exemption.outcomes & rule.outcomes or exemption.outcomes or rule.outcomes
            if group != NONE and spoken_of:
                exempt = {"outcome": outcomes.index(min(spoken_of)), "stay": last_day}
                yield Special(CaseStatus.OK, span, chosen | exempt | _of_group(frame, group))


def _case_under(frame: SamplingFrame, span: int, schedule: Schedule, rule: StayRule) -> dict[str, int] | None:
    """Fields that bring a case under the rule, but for the stay; None where no group can."""
    usual_outcome = frame.outcomes.words[int(frame.outcomes.usual[span])]
    outcome = min(rule.outcomes) if rule.outcomes else usual_outcome
    group = _first_group(
        frame,
        span,
        lambda flags: not any(exemption_applies(e, outcome=outcome, flags=flags) for e in rule.exemptions),
    )
    priced = [s for s in sorted(rule.care_settings) if find_share(schedule, Unit.CASE, s)]
    if group == NONE or (rule.care_settings and not priced):
        return None
    number = frame.outcomes.words.index(outcome)
    asked = bool(frame.outcomes.death_is_asked[span, number])
    fields = {
        "outcome": number,
        "group": group,
        "death": int(bool(rule.death_unavoidable)) if asked else NONE,
    }
    if priced:
        fields["setting"] = frame.settings.words.index(priced[0])
    return fields


def _case_with(frame: SamplingFrame, span: int, schedule: Schedule, addon: AddOn) -> dict[str, int] | None:
    """Fields of a case of a group that brings an amount with it; None where none can."""
    if addon.unit is not Unit.CASE:
        return None
    group = _first_group(frame, span, lambda flags: not addon.drg_flags or bool(addon.drg_flags & flags))
    settings = [
        share.care_setting
        for share in schedule.shares
        if share.unit is Unit.CASE
        and share.max_hours is None
        and (not addon.care_settings or share.care_setting in addon.care_settings)
    ]
    if group == NONE or not settings:
        return None
    return {
        **_of_group(frame, group),
        "setting": frame.settings.words.index(settings[0]),
        "addon": frame.addon_kinds.index(addon.kind),
        "addon_minor": 12_345_678,
    }


def _first_group(frame: SamplingFrame, span: int, fits: Callable[[frozenset[str]], bool]) -> int:
    """The most frequent group of the span with both weights and flags that fit, if possible one with planned
    days; or NONE."""
    groups = frame.groups
    weighted = groups.in_span[span] & groups.has_child_weight[span]
    for usable in (weighted & groups.has_planned_days[span], weighted):
        for number in np.flatnonzero(usable).tolist():
            if fits(frame.schedules[span].groups[groups.codes[number]].flags):
                return int(number)
    return NONE


def _of_group(frame: SamplingFrame, group: int) -> dict[str, int]:
    return {"group": group, "age": 0 if frame.groups.newborn[group] else 41}


def _misfits_of(frame: SamplingFrame, span: int, schedule: Schedule) -> Iterator[Special]:
    """Cases that the edition cannot pay: its groups without a child weight or planned days, and the like."""
    groups, settings = frame.groups, frame.settings
    in_span = groups.in_span[span]
    known = np.arange(len(groups.codes)) < groups.known
    for group in np.flatnonzero(~in_span & known)[:1].tolist():
        yield Special(CaseStatus.UNKNOWN_DRG, span, {"group": group})
    for group in np.flatnonzero(in_span & ~groups.has_child_weight[span])[:1].tolist():
        yield Special(CaseStatus.MISSING_WEIGHT, span, {"group": group, "age": 7})
    for group in np.flatnonzero(in_span & ~groups.same_weights[span])[:1].tolist():
        yield Special(CaseStatus.MISSING_FIELD, span, {"group": group, "age": NONE})
    unplanned = np.flatnonzero(in_span & ~groups.has_planned_days[span])
    if frame.addon_kinds:
        unknown = {"addon": len(frame.addon_kinds) - 1, "addon_minor": 5}
        yield Special(CaseStatus.ADDON_NOT_PAID, span, unknown)
    of_cases = [rule for rule in schedule.stay_rules if rule.unit is Unit.CASE]
    by_planned_days = [rule for rule in of_cases if rule.pay is Pay.PER_PLANNED_DAY]
    for rule in by_planned_days[:1] if len(unplanned) else ():
        chosen = _case_under(frame, span, schedule, rule)
        if chosen is not None:
            stay = {"group": int(unplanned[0]), "stay": min(2, rule.max_days or 2)}
            yield Special(CaseStatus.MISSING_PLANNED_DAYS, span, chosen | stay)
    for rule in of_cases:
        chosen = _case_under(frame, span, schedule, rule) if rule.death_unavoidable else None
        if chosen is not None:
            yield Special(CaseStatus.MISSING_FIELD, span, chosen | {"death": NONE, "stay": 1})
    unpriced = [s for s in schedule.care_settings if find_share(schedule, Unit.CASE, s) is None]
    for word in unpriced[:1]:
        yield Special(CaseStatus.NOT_PRICED_IN_SETTING, span, {"setting": settings.words.index(word)})
    heaviest = max(
        np.flatnonzero(in_span).tolist(), key=lambda n: schedule.groups[groups.codes[n]].relative_weight
    )
    dearest = schedule.groups[groups.codes[heaviest]].relative_weight * schedule.base_rate.amount
    plainest = find_share(schedule, Unit.CASE, settings.words[int(settings.usual[span])])
    # A coefficient below 1 may still save the sum: 0.9 leaves room for one.
    sum_minor = dearest * 10**schedule.minor_units * MAX_QUANTITY * Fraction(9, 10)
    if plainest is not None and sum_minor * plainest.share > MAX_AMOUNT_MINOR:
        yield Special(CaseStatus.AMOUNT_OVERFLOW, span, {"group": heaviest, "quantity": MAX_QUANTITY})
    if schedule.providers is None:
        return
    providers = frame.providers
    yield Special(CaseStatus.MISSING_FIELD, span, {"provider": NONE})
    for provider in range(providers.known, len(providers.ids)):
        yield Special(CaseStatus.UNKNOWN_PROVIDER, span, {"provider": provider})
    of_span = np.flatnonzero(frame.span_of_day == span)
    for provider in range(providers.known):
        uncovered = of_span[~providers.covers[provider, of_span]]
        if len(uncovered) and providers.ids[provider] in schedule.providers:
            day = frame.first_day + int(uncovered[0])
            yield Special(CaseStatus.NO_COEFFICIENT_FOR_DATE, span, {"provider": provider}, (day, day + 1))
            break


def _services_of(frame: SamplingFrame, span: int, schedule: Schedule, seen: set[str]) -> Iterator[Special]:
    """Each unit in each setting, each factor, and services that the edition cannot pay."""
    offers = frame.offers
    of_span = np.flatnonzero(frame.span_of_day == span)
    paid = np.flatnonzero(offers.covers[:, of_span].any(axis=1)).tolist()
    for offer in paid:
        unit = list(Unit)[int(offers.unit[offer])]
        setting, factor = int(offers.setting[offer]), int(offers.factor[offer])
        fields = _service_fields(frame, offer)
        covered = frame.first_day + of_span[offers.covers[offer, of_span]]
        on_a_day = (int(covered[-1]), int(covered[-1]) + 1)
        for rule in schedule.stay_rules:
            if rule.unit is unit and rule.id not in seen and not rule.care_settings:
                outcome = min(rule.outcomes or frame.outcomes.words)
                cut_short = {"outcome": frame.outcomes.words.index(outcome), "stay": 2}
                yield Special(CaseStatus.OK, span, fields | cut_short, on_a_day)
                seen.add(rule.id)
        for rule_id in (f"{unit} in {setting}", f"{unit} by {factor}"):
            if rule_id not in seen:
                yield Special(CaseStatus.OK, span, fields, on_a_day)
            seen.add(rule_id)
    if not paid:
        return
    fields = _service_fields(frame, paid[0])
    covered = frame.first_day + of_span[offers.covers[paid[0], of_span]]
    days = (int(covered[0]), int(covered[0]) + 1)
    for code in range(offers.known_services, len(offers.service_codes)):
        yield Special(CaseStatus.UNKNOWN_SERVICE, span, fields | {"service": code}, days)
    yield Special(CaseStatus.UNKNOWN_FACTOR, span, fields | {"factor": offers.known_factors}, days)
    yield Special(CaseStatus.MISSING_FIELD, span, fields | {"quantity": ABSENT}, days)
    yield Special(CaseStatus.INVALID_FIELD, span, fields | {"group": int(frame.groups.usual[span])}, days)
    for offer in paid:
        uncovered = of_span[~offers.covers[offer, of_span]]
        same_code = offers.service == offers.service[offer]
        if len(uncovered) and not offers.covers[same_code][:, uncovered[0]].any():
            day = frame.first_day + int(uncovered[0])
            fields = _service_fields(frame, offer)
            yield Special(CaseStatus.UNKNOWN_SERVICE, span, fields, (day, day + 1))
            break


def _service_fields(frame: SamplingFrame, offer: int) -> dict[str, int]:
    offers = frame.offers
    return {
        "group": NONE,
        "service": int(offers.service[offer]),
        "setting": int(offers.setting[offer]),
        "factor": int(offers.factor[offer]),
        "outcome": NONE,
        "quantity": 2,
        **_own_fields(frame, offer),
    }


def _own_fields(frame: SamplingFrame, offer: int) -> dict[str, int]:
    """What a line of this unit needs beside what every service has."""
    unit = list(Unit)[int(frame.offers.unit[offer])]
    span = int(frame.offers.span[offer])
    if unit is Unit.AVERAGE_CASE:
        return {"outcome": int(frame.outcomes.usual[span]), "quantity": 1}
    if unit is Unit.ITEM:
        return {"addon": int(frame.cost_kind[span]), "addon_minor": 7_654_321, "quantity": 1}
    return {}


def _wrong_cases(frame: SamplingFrame, span: int) -> Iterator[Special]:
    """Cases with something missing, contradictory or unknown to every edition."""
    groups, settings, outcomes, offers = frame.groups, frame.settings, frame.outcomes, frame.offers
    for group in range(groups.known, len(groups.codes)):
        yield Special(CaseStatus.UNKNOWN_DRG, span, {"group": group})
    for setting in range(settings.known, len(settings.words)):
        yield Special(CaseStatus.UNKNOWN_SETTING, span, {"setting": setting})
    for outcome in range(outcomes.known, len(outcomes.words)):
        yield Special(CaseStatus.UNKNOWN_OUTCOME, span, {"outcome": outcome})
    yield Special(CaseStatus.UNKNOWN_FACTOR, span, {"factor": offers.known_factors})
    for missing in ("no_case_id", "no_discharge", "no_admission"):
        yield Special(CaseStatus.MISSING_FIELD, span, {missing: 1})
    for missing in ("group", "setting", "outcome"):
        yield Special(CaseStatus.MISSING_FIELD, span, {missing: NONE})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": -2})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": 0, "admission_minute": 900})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": 36_524})
    yield Special(CaseStatus.INVALID_DATES, span, {"length": 99})
    yield Special(CaseStatus.INVALID_FIELD, span, {"age": 213})
    yield Special(CaseStatus.INVALID_FIELD, span, {"quantity": 0})
    yield Special(CaseStatus.INVALID_FIELD, span, {"length": -3})


def _outside_the_editions(frame: SamplingFrame) -> Iterator[Special]:
    """Lines on days that no edition prices: before the first, in a gap, after the last."""

    def line_of(span: int) -> dict[str, int]:
        if frame.settings.usual[span] != NONE:
            return {}
        offers = frame.offers.covers[:, frame.span_of_day == span].any(axis=1)
        return _service_fields(frame, int(offers.argmax()))

    first = frame.first_day
    yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, 0, line_of(0), (first - 60, first - 1))
    yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, 0, line_of(0), (first - 1, first))
    spans = frame.catalog.spans
    for number, span in enumerate(spans):
        following = spans[number + 1].start if number + 1 < len(spans) else None
        if span.end is not None and span.end != following:
            day = first + (span.end - spans[0].start).days
            yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, number, line_of(number), (day, day + 1))


def table_of(made: tuple[Special, ...], frame: SamplingFrame) -> dict[str, NDArray[np.int64]]:
    """The specials field by field, with the plain inpatient case filled in where they do not say."""
    table: dict[str, list[int]] = {}
    for special in made:
        span = special.span
        plain = {
            "group": KEEP,
            "service": NONE,
            "setting": int(frame.settings.usual[span]),
            "outcome": int(frame.outcomes.usual[span]),
            "death": NONE,
            "age": 41,
            "stay": 6,
            "admission_minute": 615,
            "discharge_minute": 690,
            "procedures": 0,
            "quantity": 1,
            "length": ABSENT,
            "factor": NONE,
            "provider": KEEP,
            "no_case_id": 0,
            "no_admission": 0,
            "no_discharge": 0,
            "addon": NONE,
            "addon_minor": 0,
        }
        start = int(frame.span_start[span])
        low, high = special.days or (start, start + int(frame.span_days[span]))
        for name, value in {**plain, **special.fields, "span": span, "low": low, "high": high}.items():
            table.setdefault(name, []).append(value)
    return {name: np.array(values, dtype=np.int64) for name, values in table.items()}
