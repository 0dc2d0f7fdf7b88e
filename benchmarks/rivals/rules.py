"""A catalog as tables to join with: what a rival has ready, as tariffcore has its plan.

Tariffs stand in them with weight, share and their roundings applied; everything that depends on the case is
left to do: edition and period by date, age, exception by procedure, stay, coefficient, quantity, the rounding
of the unit price, and the status.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pyarrow as pa

from tariffcore.money import RoundingMode
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.model import AgeClass, DayCount, Pay, Schedule, Share, Unit
from tariffcore.schedule.tariff import (
    case_tariff,
    combined_coefficient,
    find_provider_period,
    find_service,
    find_share,
    find_stay_rule,
    service_tariff,
    with_exceptions,
)
from tariffcore.statuses import CaseStatus

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2100, 1, 1)
DEATHS = {"yes": (True,), "no": (False,), "unsaid": (False, True)}
_WIDE = pa.decimal128(38, 0)


@dataclass(frozen=True)
class Rules:
    """The tables by name, and the longest stay that a rule looks at, plus one."""

    tables: dict[str, pa.Table]
    days_cap: int


def rules_of(catalog: Catalog) -> Rules:
    """Raises ValueError for a catalog that the rivals' queries do not know the whole of."""
    editions = catalog.editions
    if catalog.deciding_date is not DecidingDate.DISCHARGE or any(
        schedule.roundings.unit.mode is not RoundingMode.HALF_UP
        or schedule.roundings.unit.places != schedule.minor_units
        or schedule.day_count is not DayCount.DISCHARGE_MINUS_ADMISSION
        or schedule.providers is None
        or schedule.child_age_limit != editions[0].child_age_limit
        for schedule in editions
    ):
        raise ValueError("the rivals' queries are written for the demonstration schedules' parameters")
    calendar, periods = _calendar(catalog)
    cap = 1 + max((rule.max_days or 0) for schedule in editions for rule in schedule.stay_rules)
    rows: dict[str, list[dict[str, Any]]] = {"calendar": calendar}
    for number, schedule in enumerate(editions, start=1):
        for name, of_edition in _of_edition(schedule, cap).items():
            rows.setdefault(name, []).extend({"edition": number, **row} for row in of_edition)
    for period, (number, day) in enumerate(periods, start=1):
        for name, of_period in _of_period(editions[number - 1], day).items():
            rows.setdefault(name, []).extend({"period": period, **row} for row in of_period)
    return Rules({name: _table(found) for name, found in rows.items()}, cap)


def _table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    def column(name: str) -> pa.Array:
        values = [row[name] for row in rows]
        is_wide = any(isinstance(value, int) and abs(value) >= 1 << 63 for value in values)
        return (
            pa.array([None if v is None else Decimal(v) for v in values], _WIDE)
            if is_wide
            else pa.array(values)
        )

    return pa.table({name: column(name) for name in rows[0]})


def _calendar(catalog: Catalog) -> tuple[list[dict[str, Any]], list[tuple[int, date]]]:
    """Of each day its edition and its period, in which nothing changes; of each period edition and first
    day.
    """
    turns: set[date | None] = set()
    for schedule in catalog.editions:
        turns |= {schedule.effective_start_date, schedule.effective_end_date}
        for periods_of in (schedule.providers or {}).values():
            turns |= {day for p in periods_of for day in (p.effective_start_date, p.effective_end_date)}
        for rows in schedule.services.values():
            turns |= {day for row in rows for day in (row.effective_start_date, row.effective_end_date)}
    days: list[dict[str, Any]] = []
    periods: list[tuple[int, date]] = []
    day, last = FIRST_DAY, 0
    while day < LAST_DAY:
        covering = [(s.published, n) for n, s in enumerate(catalog.editions, start=1) if s.covers(day)]
        if covering:
            number = max(covering)[1]
            if not periods or day in turns or number != last:
                periods.append((number, day))
            last = number
            days.append({"day": day, "edition": number, "period": len(periods)})
        day += timedelta(days=1)
    return days, periods


def _of_edition(schedule: Schedule, cap: int) -> dict[str, list[dict[str, Any]]]:
    scale = 10**schedule.minor_units
    shares = [share for share in schedule.shares if share.unit is Unit.CASE]
    flag_sets = sorted({_flags(group.flags) for group in schedule.groups.values()})
    return {
        "settings": [
            {"care_setting": setting, **_limit(find_share(schedule, Unit.CASE, setting))}
            for setting in schedule.care_settings
        ],
        "outcomes": [{"outcome": outcome} for outcome in schedule.outcomes],
        "drgs": [
            {"drg_code": code, "planned_days": group.planned_days, "flags": _flags(group.flags)}
            for code, group in schedule.groups.items()
        ],
        "exceptions": [
            {"care_setting": share.care_setting, "procedure": code, "place": place}
            for share in shares
            for place, exception in enumerate(share.exceptions, start=1)
            for code in sorted(exception.procedures)
        ],
        "rates": [
            {
                "drg_code": code,
                "care_setting": share.care_setting,
                "place": place,
                "adult_minor": int(case_tariff(schedule, group, AgeClass.ADULT, rule) * scale),
                "child_minor": None
                if group.relative_weight_child is None
                else int(case_tariff(schedule, group, AgeClass.CHILD, rule) * scale),
                "weights_differ": group.relative_weight_child != group.relative_weight,
                "rate_rule": rule.id,
            }
            for code, group in schedule.groups.items()
            for share in shares
            for place, rule in enumerate(with_exceptions(share))
        ],
        "stays": [
            {
                "care_setting": share.care_setting,
                "outcome": outcome,
                "flags": flags,
                "days": days,
                "death": death,
                **_stay(schedule, share.care_setting, outcome, flags, days, answers),
            }
            for share in shares
            for outcome in schedule.outcomes
            for flags in flag_sets
            for days in range(1, cap + 1)
            for death, answers in DEATHS.items()
        ],
        "factors": [
            {
                "unit": row.unit.value,
                "factor_code": row.factor_code,
                "factor_up": row.factor.numerator,
                "factor_down": row.factor.denominator,
            }
            for row in schedule.factors
        ],
    }


def _of_period(schedule: Schedule, day: date) -> dict[str, list[dict[str, Any]]]:
    """What holds on a day, and on all others of its period."""
    scale = 10**schedule.minor_units
    services: list[dict[str, Any]] = []
    service_rates: list[dict[str, Any]] = []
    for code, spans in schedule.services.items():
        in_force = [
            row
            for row in spans
            if row.effective_start_date <= day
            and (row.effective_end_date is None or day < row.effective_end_date)
        ]
        if not in_force:
            continue
        services.append({"service_code": code, "service_unit": in_force[0].unit.value})
        for setting in schedule.care_settings:
            row = find_service(schedule, code, setting, day)
            share = None if row is None else find_share(schedule, row.unit, setting)
            if row is None or (row.care_setting is None and share is None):
                continue
            rule = (
                f"{row.unit.value}.{setting}.rate"
                if row.care_setting is not None or share is None
                else share.id
            )
            rate_minor = int(service_tariff(schedule, row, share) * scale)
            service_rates.append(
                {
                    "service_code": code,
                    "care_setting": setting,
                    "service_minor": rate_minor,
                    "service_rule": rule,
                }
            )
    coefficients = []
    for provider_id in schedule.providers or {}:
        period = find_provider_period(schedule, provider_id, day)
        value = Fraction(0) if period is None else combined_coefficient(schedule, period)
        coefficients.append(
            {
                "provider_id": provider_id,
                "is_known": True,
                "up": None if period is None else value.numerator,
                "down": None if period is None else value.denominator,
            }
        )
    return {"services": services, "service_rates": service_rates, "coefficients": coefficients}


def _flags(flags: frozenset[str]) -> str:
    return " ".join(sorted(flags))


def _limit(share: Share | None) -> dict[str, Any]:
    return {"is_priced": share is not None, "max_hours": None if share is None else share.max_hours}


def _stay(
    schedule: Schedule, setting: str, outcome: str, flags: str, days: int, deaths: Sequence[bool]
) -> dict[str, Any]:
    found = [
        find_stay_rule(
            schedule,
            care_setting=setting,
            outcome=outcome,
            death_unavoidable=death,
            days=days,
            flags=frozenset(flags.split()),
        )
        for death in deaths
    ]
    rule = found[0]
    if rule is not found[-1]:
        nothing = {"stay_rule": None, "by_planned_days": False, "stay_up": 1, "stay_down": 1}
        return {"stay_status": int(CaseStatus.MISSING_FIELD), **nothing}
    share = Fraction(1) if rule is None or rule.pay is not Pay.SHARE or rule.share is None else rule.share
    return {
        "stay_status": 0,
        "stay_rule": None if rule is None else rule.id,
        "by_planned_days": rule is not None and rule.pay is Pay.PER_PLANNED_DAY,
        "stay_up": share.numerator,
        "stay_down": share.denominator,
    }
