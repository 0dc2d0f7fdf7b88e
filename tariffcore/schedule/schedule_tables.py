"""The CSV files of a schedule folder, row by row, into the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from tariffcore.codes import latin_lookalike
from tariffcore.errors import Problem
from tariffcore.schedule.csv_reading import CsvRow, read_csv, seen_before
from tariffcore.schedule.limits import MAX_PLANNED_DAYS
from tariffcore.schedule.model import (
    AgeClass,
    Coefficient,
    ComponentShare,
    Factor,
    Group,
    ProviderPeriod,
    PublishedTariff,
    Service,
    Unit,
)

GROUP_COLUMNS = (
    "drg_code",
    "name",
    "relative_weight",
    "relative_weight_child",
    "planned_days",
    "flags",
    "component_profile",
    "source",
)
PUBLISHED_COLUMNS = (
    "drg_code",
    "care_setting",
    "age_class",
    "published_weight",
    "published_tariff",
    "source",
)
PROVIDER_COLUMNS = ("provider_id", "effective_start_date", "effective_end_date")
COMPONENT_COLUMNS = ("component_profile", "care_setting", "component", "share", "capital")
SERVICE_COLUMNS = (
    "code",
    "name",
    "unit",
    "care_setting",
    "rate",
    "effective_start_date",
    "effective_end_date",
    "source",
)
FACTOR_COLUMNS = ("unit", "factor_code", "factor", "source")

_COUNTED_UNITS = tuple(unit for unit in Unit if unit is not Unit.CASE)


def _look_alike_before(row: CsvRow, column: str, code: str, spellings: dict[str, tuple[str, int]]) -> bool:
    """Whether an earlier code looks the same but is typed with other letters (Cyrillic А, Latin A)."""
    earlier, line = spellings.setdefault(latin_lookalike(code), (code, row.line))
    if earlier == code:
        return False
    row.note(
        column,
        code,
        f"looks like the code of line {line} but mixes Latin and Cyrillic letters differently",
        "type both the same way, or keep one of the two rows",
    )
    return True


def read_groups(file: str, text: str, problems: list[Problem]) -> dict[str, Group]:
    """groups.csv: the cost groups by code, in file order."""
    groups: dict[str, Group] = {}
    lines: dict[object, int] = {}
    spellings: dict[str, tuple[str, int]] = {}
    for row in read_csv(file, text, GROUP_COLUMNS, problems):
        drg_code = row.code("drg_code")
        name = row.text("name")
        weight = row.positive_decimal("relative_weight")
        child_weight = row.positive_decimal("relative_weight_child", required=False)
        planned_days = row.whole("planned_days", 1, MAX_PLANNED_DAYS)
        flags = row.words("flags")
        profile = row.word("component_profile", required=False)
        source = row.text("source")
        if drg_code is None:
            continue
        if seen_before(row, "drg_code", drg_code, drg_code, lines, "the group"):
            continue
        _look_alike_before(row, "drg_code", drg_code, spellings)
        if row.sound and name is not None and weight is not None and source is not None:
            groups[drg_code] = Group(
                drg_code=drg_code,
                name=name,
                relative_weight=weight,
                relative_weight_child=child_weight,
                planned_days=planned_days,
                flags=flags,
                component_profile=profile,
                source=source,
                line=row.line,
            )
    return groups


def read_published(
    file: str, text: str, problems: list[Problem], groups: Mapping[str, Group]
) -> tuple[PublishedTariff, ...]:
    """published.csv: the printed tariffs. ``code`` is accepted as the name of the first column, which may
    hold a service too; a service has no age class, so its cell may be empty."""
    published: list[PublishedTariff] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, PUBLISHED_COLUMNS, problems, also_called={"code": "drg_code"}):
        code = row.code("drg_code")
        care_setting = row.word("care_setting")
        age_class = row.member("age_class", AgeClass, required=code in groups)
        weight = row.positive_decimal("published_weight", required=False)
        tariff = row.decimal_from_zero("published_tariff")
        source = row.text("source")
        if not row.sound or code is None or care_setting is None or tariff is None or source is None:
            continue
        age_class = age_class or AgeClass.ADULT
        key = (
            (code, care_setting, age_class, tariff) if code not in groups else (code, care_setting, age_class)
        )
        if not seen_before(row, "drg_code", key, code, lines, "this printed tariff"):
            published.append(PublishedTariff(code, care_setting, age_class, weight, tariff, source, row.line))
    return tuple(published)


def _dates(row: CsvRow, start_if_empty: date | None = None) -> tuple[date | None, date | None]:
    """The half-open span of a row. An empty start is an error unless there is one to take instead."""
    start = row.day("effective_start_date", required=start_if_empty is None)
    if start is None and not row.cells["effective_start_date"]:
        start = start_if_empty
    end = row.day("effective_end_date", required=False)
    if start is not None and end is not None and end <= start:
        row.note(
            "effective_end_date",
            end.isoformat(),
            f"is not after the start {start.isoformat()}",
            "the end is the first day on which the row no longer applies; leave it empty if there is none",
        )
    return start, end


def read_providers(
    file: str, text: str, problems: list[Problem], coefficients: Sequence[Coefficient] | None
) -> dict[str, tuple[ProviderPeriod, ...]]:
    """providers.csv: each provider's dated coefficients, in date order. ``coefficients`` None: their list
    could not be read, so only the columns known anyway are."""
    names = [] if coefficients is None else [coefficient.name for coefficient in coefficients]
    periods: dict[str, list[ProviderPeriod]] = {}
    for row in read_csv(
        file,
        text,
        (*PROVIDER_COLUMNS, *names),
        problems,
        more_columns_hint="a coefficient is declared by a [[coefficient]] table in schedule.toml",
        any_more_columns=coefficients is None,
    ):
        provider_id = row.code("provider_id")
        start, end = _dates(row)
        values = [row.positive_decimal(name) for name in names]
        if row.sound and provider_id is not None and start is not None:
            periods.setdefault(provider_id, []).append(
                ProviderPeriod(
                    provider_id, start, end, tuple(value for value in values if value is not None), row.line
                )
            )
    return {
        provider_id: tuple(sorted(of_provider, key=lambda period: period.effective_start_date))
        for provider_id, of_provider in periods.items()
    }


def read_components(file: str, text: str, problems: list[Problem]) -> tuple[ComponentShare, ...]:
    """components.csv: the cost components of each profile, in file order."""
    components: list[ComponentShare] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, COMPONENT_COLUMNS, problems):
        profile = row.word("component_profile")
        care_setting = row.word("care_setting", required=False)
        component = row.word("component")
        share = row.share_from_zero("share")
        capital = row.yes_or_no("capital")
        if (
            not row.sound
            or profile is None
            or component is None
            or share is None
            or capital is None
            or seen_before(
                row,
                "component",
                (profile, care_setting, component),
                component,
                lines,
                "the component of this profile and care setting",
            )
        ):
            continue
        components.append(ComponentShare(profile, care_setting, component, share, capital, row.line))
    return tuple(components)


def read_services(
    file: str, text: str, problems: list[Problem], edition_start: date
) -> dict[str, tuple[Service, ...]]:
    """services.csv: the rates of counted services by code. An empty start is the edition's own."""
    services: dict[str, list[Service]] = {}
    spellings: dict[str, tuple[str, int]] = {}
    for row in read_csv(file, text, SERVICE_COLUMNS, problems):
        code = row.code("code")
        name = row.text("name")
        unit = row.member("unit", Unit, among=_COUNTED_UNITS)
        care_setting = row.word("care_setting", required=False)
        rate = row.positive_decimal("rate")
        start, end = _dates(row, start_if_empty=edition_start)
        source = row.text("source")
        if code is not None:
            _look_alike_before(row, "code", code, spellings)
        if (
            row.sound
            and code is not None
            and name is not None
            and unit is not None
            and rate is not None
            and start is not None
            and source is not None
        ):
            services.setdefault(code, []).append(
                Service(code, name, unit, care_setting, rate, start, end, source, row.line)
            )
    return {code: tuple(of_code) for code, of_code in services.items()}


def read_factors(file: str, text: str, problems: list[Problem]) -> tuple[Factor, ...]:
    """factors.csv: the named factors on services."""
    factors: list[Factor] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, FACTOR_COLUMNS, problems):
        unit = row.member("unit", Unit, among=_COUNTED_UNITS)
        factor_code = row.word("factor_code")
        factor = row.positive_share("factor")
        source = row.text("source")
        if (
            row.sound
            and unit is not None
            and factor_code is not None
            and factor is not None
            and source is not None
            and not seen_before(
                row, "factor_code", (unit, factor_code), factor_code, lines, "the factor of this unit"
            )
        ):
            factors.append(Factor(unit, factor_code, factor, source, row.line))
    return tuple(factors)
