"""Whether the rows of the CSV files fit together and fit schedule.toml."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import product
from typing import Protocol, TypeVar

from tariffcore.errors import Problem
from tariffcore.money import decimal_places, format_exact
from tariffcore.schedule.model import ComponentShare, PaymentMethod, ProviderPeriod, Service, Unit
from tariffcore.schedule.reading import (
    COMPONENTS_CSV,
    FACTORS_CSV,
    GROUPS_CSV,
    PROVIDERS_CSV,
    SERVICES_CSV,
    Part,
    Reading,
)
from tariffcore.schedule.tariff import combined_coefficient, component_splits, rounded, units_by_coefficients
from tariffcore.schedule.values import instead_of, words_outside

_DATES = ("effective_start_date", "effective_end_date")


class _Dated(Protocol):
    @property
    def effective_start_date(self) -> date: ...
    @property
    def effective_end_date(self) -> date | None: ...


_Row = TypeVar("_Row", bound=_Dated)


def check_groups(reading: Reading) -> Iterator[Problem]:
    schedule = reading.schedule
    for group in reading.groups:
        if reading.sound(Part.DRG_FLAGS):
            for word, way_out in words_outside(group.flags, schedule.drg_flags):
                message = "is not a flag of this schedule"
                yield reading.row_problem(GROUPS_CSV, group.line, "flags", word, message, way_out)
        if reading.sound(Part.ROUNDINGS):
            for column, weight in (
                ("relative_weight", group.relative_weight),
                ("relative_weight_child", group.relative_weight_child),
            ):
                if (
                    weight is not None
                    and reading.is_read(GROUPS_CSV, group.line, column)
                    and rounded(weight, schedule.roundings.weight) != weight
                ):
                    yield reading.row_problem(
                        GROUPS_CSV,
                        group.line,
                        column,
                        format_exact(weight),
                        f"has more decimals than weight_places = {schedule.roundings.weight.places}",
                        "type the weight as the order prints it, or raise weight_places in schedule.toml",
                    )
    pays_cases = any(share.unit is Unit.CASE for share in schedule.shares)
    if reading.groups and not pays_cases and reading.sound(Part.SHARES):
        yield reading.toml_problem(
            ("share",),
            None,
            "there are groups but no care setting pays a case",
            'add a [[share]] with unit = "case", care_setting = "inpatient", share = "1" and its source',
        )
    if (
        not reading.groups
        and not reading.services
        and reading.all_read(GROUPS_CSV)
        and reading.all_read(SERVICES_CSV)
    ):
        yield reading.row_problem(
            GROUPS_CSV,
            1,
            None,
            None,
            "there is neither a group nor a service, so nothing could be priced",
            "add the groups of the order, or its services in services.csv",
        )


def check_codes_apart(reading: Reading) -> Iterator[Problem]:
    """A code says by itself whether it is a group or a service."""
    schedule = reading.schedule
    for code, services in schedule.services.items():
        if code in schedule.groups:
            yield reading.row_problem(
                SERVICES_CSV,
                services[0].line,
                "code",
                code,
                f"is a group too (groups.csv, line {schedule.groups[code].line})",
                "give the service another code; printed tariffs and results tell them apart by the code",
            )


def check_component_profiles(reading: Reading) -> Iterator[Problem]:
    """Groups and components.csv name the same profiles. A profile no group uses is an error too: it would
    have no effect, and is nearly always one of two spellings."""
    schedule = reading.schedule
    profiles = tuple(dict.fromkeys(row.component_profile for row in schedule.components))
    used = {group.component_profile for group in reading.groups}
    for group in reading.groups:
        profile = group.component_profile
        if (
            profile is not None
            and profile not in profiles
            and reading.all_read(COMPONENTS_CSV, "component_profile")
        ):
            yield reading.row_problem(
                GROUPS_CSV,
                group.line,
                "component_profile",
                profile,
                "is not a profile of components.csv",
                instead_of(profile, profiles, "or leave the cell empty"),
            )
    for row in _firsts(schedule.components):
        if (
            row.component_profile
            and row.component_profile not in used
            and reading.all_read(GROUPS_CSV, "component_profile")
        ):
            yield reading.row_problem(
                COMPONENTS_CSV,
                row.line,
                "component_profile",
                row.component_profile,
                "no group has this profile",
                "name it in component_profile of groups.csv, or remove its rows",
            )
    if reading.sound(Part.CARE_SETTINGS):
        for row in schedule.components:
            for word, way_out in words_outside(
                [] if row.care_setting is None else [row.care_setting], schedule.care_settings
            ):
                message = "is not a care setting of this schedule"
                yield reading.row_problem(COMPONENTS_CSV, row.line, "care_setting", word, message, way_out)


def _firsts(rows: Iterable[ComponentShare]) -> Iterator[ComponentShare]:
    """The first row of each profile."""
    seen: set[str] = set()
    for row in rows:
        if row.component_profile not in seen:
            seen.add(row.component_profile)
            yield row


def readable_splits(
    reading: Reading,
) -> Iterator[tuple[tuple[str, str | None], tuple[ComponentShare, ...]]]:
    """The splits of payments, with their profile and care setting, that no unread cell could belong to."""
    if not reading.all_read(COMPONENTS_CSV, "component_profile"):
        return
    setting_unread = {
        row.component_profile
        for row in reading.schedule.components
        if not reading.is_read(COMPONENTS_CSV, row.line, "care_setting")
        or row.care_setting not in (None, *reading.schedule.care_settings)
    }
    for key, rows in component_splits(reading.schedule).items():
        if key[0] not in setting_unread and all(
            reading.is_read(COMPONENTS_CSV, row.line, "component", "share") for row in rows
        ):
            yield key, rows


def check_component_sums(reading: Reading) -> Iterator[Problem]:
    for (profile, care_setting), rows in readable_splits(reading):
        total = sum((row.share for row in rows), Fraction(0))
        where = f"profile {profile!r}" + ("" if care_setting is None else f" in {care_setting!r}")
        last = rows[-1]
        if total != 1:
            missing = (
                f"{format_exact(1 - total)} is missing"
                if total < 1
                else f"{format_exact(total - 1)} too much"
            )
            yield reading.row_problem(
                COMPONENTS_CSV,
                last.line,
                "share",
                format_exact(last.share),
                f"the shares of {where} sum to {format_exact(total)}, not to 1",
                f"{missing}; correct the rows from line {rows[0].line} on (thirds are written 1/3)",
            )


def check_component_capital(reading: Reading) -> Iterator[Problem]:
    first_of: dict[str, ComponentShare] = {}
    for row in reading.schedule.components:
        if not reading.is_read(COMPONENTS_CSV, row.line, "component", "capital"):
            continue
        first = first_of.setdefault(row.component, row)
        if row.capital != first.capital:
            yield reading.row_problem(
                COMPONENTS_CSV,
                row.line,
                "capital",
                "yes" if row.capital else "no",
                f"the component {row.component!r} is {'capital' if first.capital else 'not capital'} "
                f"in line {first.line}",
                "a component is capital everywhere or nowhere; write the same, or name another component",
            )


def _overlapping(rows: Iterable[_Row]) -> Iterator[tuple[_Row, _Row]]:
    """Pairs (earlier, later) of dated rows that share a day."""
    latest: _Row | None = None
    for row in sorted(rows, key=lambda dated: dated.effective_start_date):
        if latest is None:
            latest = row
            continue
        end = latest.effective_end_date
        if end is None or row.effective_start_date < end:
            yield latest, row
        if end is not None and (row.effective_end_date is None or row.effective_end_date > end):
            latest = row


def _span(row: _Dated) -> str:
    end = row.effective_end_date
    return f"{row.effective_start_date} .. {'open' if end is None else end}"


def check_provider_periods(reading: Reading) -> Iterator[Problem]:
    for provider_id, periods in (reading.schedule.providers or {}).items():
        for earlier, later in _overlapping(
            period for period in periods if reading.is_read(PROVIDERS_CSV, period.line, *_DATES)
        ):
            yield reading.row_problem(
                PROVIDERS_CSV,
                later.line,
                "effective_start_date",
                later.effective_start_date.isoformat(),
                f"{_span(later)} of {provider_id!r} overlaps line {earlier.line}, {_span(earlier)}",
                "end one period where the next begins (the end is the first day no longer in force)",
            )


def check_coefficients(reading: Reading) -> Iterator[Problem]:
    schedule = reading.schedule
    if schedule.providers is None:
        if schedule.coefficients and reading.all_read(PROVIDERS_CSV):
            first = schedule.coefficients[0].name
            yield reading.toml_problem(
                reading.paths[f"coefficient {first}"],
                first,
                "there is no providers.csv with its column",
                "add providers.csv, or remove the [[coefficient]] tables",
            )
        return
    if not reading.providers and reading.all_read(PROVIDERS_CSV):
        yield reading.row_problem(
            PROVIDERS_CSV,
            1,
            None,
            None,
            "no provider is listed, so every case would be refused",
            "list the providers, or remove the file: without it the coefficient is 1",
        )
    units = units_by_coefficients(schedule)
    for period, unit in product(periods_with_coefficients(reading), units):
        combined = combined_coefficient(schedule, period, unit)
        if combined <= 0:
            yield reading.row_problem(
                PROVIDERS_CSV,
                period.line,
                "provider_id",
                period.provider_id or None,
                f"its coefficients combine to {format_exact(combined)}, which is not greater than 0",
                "check the coefficients and their modes: the product of those that multiply, plus c - 1 "
                "of each that adds",
            )


def periods_with_coefficients(reading: Reading) -> Iterator[ProviderPeriod]:
    """The rows of providers.csv whose coefficients could all be read; none where their modes could not."""
    if reading.sound(Part.COEFFICIENTS):
        names = [coefficient.name for coefficient in reading.schedule.coefficients]
        for period in reading.providers:
            if reading.is_read(PROVIDERS_CSV, period.line, *names):
                yield period


def check_services(reading: Reading) -> Iterator[Problem]:
    schedule = reading.schedule
    for code, services in schedule.services.items():
        counted = [service for service in services if reading.is_read(SERVICES_CSV, service.line, "unit")]
        for service in counted:
            first = counted[0]
            if service.unit is not first.unit:
                yield reading.row_problem(
                    SERVICES_CSV,
                    service.line,
                    "unit",
                    service.unit.value,
                    f"{code!r} is counted in {first.unit.value!r} in line {first.line}",
                    "a service has one unit; correct it, or give this row another code",
                )
            elif service.method is not first.method and reading.is_read(SERVICES_CSV, service.line, "method"):
                yield reading.row_problem(
                    SERVICES_CSV,
                    service.line,
                    "method",
                    service.method.value,
                    f"{code!r} is paid as {first.method.value!r} in line {first.line}",
                    "a service has one payment method; write the same in all its rows",
                )
        if (
            reading.sound(Part.SHARES)
            and counted
            and all(
                service.care_setting is None and reading.is_read(SERVICES_CSV, service.line, "care_setting")
                for service in services
            )
        ):
            unit = counted[0].unit
            if not any(share.unit is unit for share in schedule.shares):
                yield reading.row_problem(
                    SERVICES_CSV,
                    services[0].line,
                    "care_setting",
                    None,
                    f"is empty and schedule.toml has no share of unit {unit.value!r}, "
                    f"so {code!r} is priced nowhere",
                    f'name the care setting of the rate, or add [[share]] tables with unit = "{unit.value}"',
                )
    for service in reading.services:
        if service.care_setting is None:
            continue
        if reading.sound(Part.CARE_SETTINGS):
            for word, way_out in words_outside([service.care_setting], schedule.care_settings):
                message = "is not a care setting of this schedule"
                yield reading.row_problem(SERVICES_CSV, service.line, "care_setting", word, message, way_out)
        places = decimal_places(service.rate)
        if reading.sound(Part.MINOR_UNITS) and places is not None and places > schedule.minor_units:
            yield reading.row_problem(
                SERVICES_CSV,
                service.line,
                "rate",
                format_exact(service.rate),
                f"a rate of its own care setting is paid as printed, with at most "
                f"{schedule.minor_units} decimals",
                "type the rate as the order prints it",
            )


def check_planned_days_of_services(reading: Reading) -> Iterator[Problem]:
    """Rates of one service that hold on one day are meant for the same days, whatever the care setting."""
    for code, services in reading.schedule.services.items():
        rows = [row for row in services if reading.is_read(SERVICES_CSV, row.line, "planned_days", *_DATES)]
        for earlier, later in _overlapping(rows):
            if later.planned_days != earlier.planned_days:
                yield reading.row_problem(
                    SERVICES_CSV,
                    later.line,
                    "planned_days",
                    None if later.planned_days is None else str(later.planned_days),
                    f"{code!r} is planned for {earlier.planned_days or 'no'} days in line {earlier.line}",
                    "write the same days in all rows of the service that hold at the same time",
                )


def check_reception_consultations(reading: Reading) -> Iterator[Problem]:
    """A consultation in the reception ward has one average tariff, however wide it is."""
    rows = [
        row
        for row in reading.services
        if row.method is PaymentMethod.RECEPTION_CONSULTATION
        and reading.is_read(SERVICES_CSV, row.line, "method", "code", "care_setting", "rate", *_DATES)
    ]
    for earlier, later in _overlapping(rows):
        same = (earlier.code, earlier.care_setting) == (later.code, later.care_setting)
        if earlier.rate != later.rate and not same:  # of one service in one setting it is said already
            yield reading.row_problem(
                SERVICES_CSV,
                later.line,
                "rate",
                format_exact(later.rate),
                f"consultations in the reception ward are paid at one average tariff, and on the same days "
                f"line {earlier.line} has {format_exact(earlier.rate)}",
                "keep one rate, end one where the next begins, or correct the method of this service",
            )


@dataclass(frozen=True)
class _DatedFactor:
    line: int
    effective_start_date: date
    effective_end_date: date | None


def check_factor_spans(reading: Reading) -> Iterator[Problem]:
    by_code: dict[tuple[Unit, str], list[_DatedFactor]] = {}
    for factor in reading.schedule.factors:
        if reading.is_read(FACTORS_CSV, factor.line, "unit", "factor_code", *_DATES):
            start = factor.effective_start_date or date.min
            own = _DatedFactor(factor.line, start, factor.effective_end_date)
            by_code.setdefault((factor.unit, factor.factor_code), []).append(own)
    for (_, factor_code), rows in by_code.items():
        for earlier, later in _overlapping(rows):
            if earlier.effective_start_date != later.effective_start_date:  # else it was said already
                yield reading.row_problem(
                    FACTORS_CSV,
                    later.line,
                    "effective_start_date",
                    later.effective_start_date.isoformat(),
                    f"the factor {factor_code!r} overlaps that of line {earlier.line}, {_span(earlier)}",
                    "end one where the next begins (the end is the first day no longer in force)",
                )


def check_service_spans(reading: Reading) -> Iterator[Problem]:
    schedule = reading.schedule
    start, end = schedule.effective_start_date, schedule.effective_end_date
    for code, services in schedule.services.items():
        by_setting: dict[str | None, list[Service]] = {}
        for service in services:
            if not reading.is_read(SERVICES_CSV, service.line, *_DATES):
                continue
            if reading.is_read(SERVICES_CSV, service.line, "care_setting"):
                by_setting.setdefault(service.care_setting, []).append(service)
            if reading.sound(Part.DATES) and (
                (service.effective_end_date is not None and service.effective_end_date <= start)
                or (end is not None and service.effective_start_date >= end)
            ):
                yield reading.row_problem(
                    SERVICES_CSV,
                    service.line,
                    "effective_start_date",
                    service.effective_start_date.isoformat(),
                    f"the rate holds {_span(service)}, never while the edition does ({_span(schedule)})",
                    "correct the dates, or move the row to the edition they belong to",
                )
        if not reading.sound(Part.DATES):
            continue  # an empty start is the edition's own, which is not known
        for of_setting in by_setting.values():
            for earlier, later in _overlapping(of_setting):
                yield reading.row_problem(
                    SERVICES_CSV,
                    later.line,
                    "effective_start_date",
                    later.effective_start_date.isoformat(),
                    f"the rate {_span(later)} of {code!r} overlaps line {earlier.line}, {_span(earlier)}",
                    "end one rate where the next begins (the end is the first day no longer in force)",
                )
