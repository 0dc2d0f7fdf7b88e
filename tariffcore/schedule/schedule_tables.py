"""The CSV files of a schedule folder, row by row, into the model.

Every row with as many cells as the header becomes a record, whatever is wrong with it: a stand-in takes the
place of a cell that cannot be read, `Unread` lists the cell, and the checks judge the others. So a schedule
with problems has all of them told at once, and nothing but problems is ever made of stand-ins.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from fractions import Fraction

from tariffcore.codes import latin_lookalike
from tariffcore.errors import Problem
from tariffcore.schedule.csv_reading import CsvRow, Unread, read_csv, seen_before
from tariffcore.schedule.limits import MAX_PLANNED_DAYS
from tariffcore.schedule.model import (
    METHODS_OF_UNIT,
    AgeClass,
    ComponentShare,
    Factor,
    Group,
    PaymentMethod,
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
OPTIONAL_SERVICE_COLUMNS = ("method", "planned_days")
FACTOR_COLUMNS = ("unit", "factor_code", "factor", "source")
OPTIONAL_FACTOR_COLUMNS = ("effective_start_date", "effective_end_date")

_STAND_IN = Fraction(1)

_COUNTED_UNITS = tuple(unit for unit in Unit if unit is not Unit.CASE)
_UNITS_WITH_FACTORS = tuple(u for u in _COUNTED_UNITS if u not in (Unit.AVERAGE_CASE, Unit.ITEM))
_SERVICE_METHODS = tuple(method for unit in _COUNTED_UNITS for method in METHODS_OF_UNIT[unit])


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


def read_groups(file: str, text: str, problems: list[Problem], unread: Unread) -> tuple[Group, ...]:
    """groups.csv: the rows in file order."""
    groups: list[Group] = []
    lines: dict[object, int] = {}
    spellings: dict[str, tuple[str, int]] = {}
    for row in read_csv(file, text, GROUP_COLUMNS, problems, unread):
        drg_code = row.code("drg_code")
        groups.append(
            Group(
                drg_code=drg_code or "",
                name=row.text("name") or "",
                relative_weight=row.positive_decimal("relative_weight") or _STAND_IN,
                relative_weight_child=row.positive_decimal("relative_weight_child", required=False),
                planned_days=row.whole("planned_days", 1, MAX_PLANNED_DAYS),
                flags=row.words("flags"),
                component_profile=row.word("component_profile", required=False),
                source=row.text("source") or "",
                line=row.line,
            )
        )
        if drg_code is not None and not seen_before(row, "drg_code", drg_code, drg_code, lines, "the group"):
            _look_alike_before(row, "drg_code", drg_code, spellings)
    return tuple(groups)


def read_published(
    file: str, text: str, problems: list[Problem], unread: Unread, drg_codes: Collection[str]
) -> tuple[PublishedTariff, ...]:
    """published.csv: the printed tariffs. ``code`` is accepted as the name of the first column, which may
    hold a service too; a service has no age class, so its cell may be empty."""
    published: list[PublishedTariff] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, PUBLISHED_COLUMNS, problems, unread, also_called={"code": "drg_code"}):
        code = row.code("drg_code")
        care_setting = row.word("care_setting")
        is_group = code in drg_codes
        age_class = row.member("age_class", AgeClass, required=is_group)
        weight = row.positive_decimal("published_weight", required=False)
        tariff = row.decimal_from_zero("published_tariff")
        source = row.text("source")
        own = PublishedTariff(
            code=code or "",
            care_setting=care_setting or "",
            age_class=age_class or AgeClass.ADULT,
            published_weight=weight,
            published_tariff=_STAND_IN if tariff is None else tariff,
            source=source or "",
            line=row.line,
        )
        published.append(own)
        if code is None or care_setting is None or tariff is None or (is_group and age_class is None):
            continue
        key = (code, care_setting, own.age_class) if is_group else (code, care_setting, own.age_class, tariff)
        if seen_before(row, "drg_code", key, code, lines, "this printed tariff"):
            row.do_not_judge("published_tariff")
    return tuple(published)


def _dates(row: CsvRow, start_if_empty: date | None = None) -> tuple[date | None, date | None]:
    """The half-open span of a row. An empty start is an error unless there is one to take instead."""
    start = row.day("effective_start_date", required=start_if_empty is None)
    if start is None and not row.cells.get("effective_start_date"):
        start = start_if_empty
    end = row.day("effective_end_date", required=False)
    if start is not None and end is not None and end <= start:
        row.note(
            "effective_end_date",
            end.isoformat(),
            f"is not after the start {start.isoformat()}",
            "the end is the first day on which the row no longer applies; leave it empty if there is none",
        )
        row.do_not_judge("effective_end_date")
        end = None
    return start, end


def read_providers(
    file: str, text: str, problems: list[Problem], unread: Unread, coefficients: Sequence[str] | None
) -> tuple[ProviderPeriod, ...]:
    """providers.csv: the rows, each with its coefficients in the order of ``coefficients``, their names.
    None: the names could not be read, so only the columns known anyway are."""
    names = () if coefficients is None else coefficients
    periods: list[ProviderPeriod] = []
    for row in read_csv(
        file,
        text,
        (*PROVIDER_COLUMNS, *names),
        problems,
        unread,
        more_columns_hint="a coefficient is declared by a [[coefficient]] table in schedule.toml",
        any_more_columns=coefficients is None,
    ):
        provider_id = row.code("provider_id")
        start, end = _dates(row)
        values = tuple(row.positive_decimal(name) or _STAND_IN for name in names)
        periods.append(ProviderPeriod(provider_id or "", start or date.min, end, values, row.line))
    return tuple(periods)


def read_components(
    file: str, text: str, problems: list[Problem], unread: Unread
) -> tuple[ComponentShare, ...]:
    """components.csv: the cost components of each profile, in file order."""
    components: list[ComponentShare] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, COMPONENT_COLUMNS, problems, unread):
        profile = row.word("component_profile")
        care_setting = row.word("care_setting", required=False)
        component = row.word("component")
        share = row.share_from_zero("share")
        capital = row.yes_or_no("capital")
        components.append(
            ComponentShare(
                profile or "",
                care_setting,
                component or "",
                Fraction(0) if share is None else share,
                bool(capital),
                row.line,
            )
        )
        key = (profile, care_setting, component)
        what = "the component of this profile and care setting"
        if (
            profile is not None
            and component is not None
            and (care_setting is not None or not row.cells.get("care_setting"))
            and seen_before(row, "component", key, component, lines, what)
        ):
            row.do_not_judge("component")
    return tuple(components)


def read_services(
    file: str, text: str, problems: list[Problem], unread: Unread, edition_start: date
) -> tuple[Service, ...]:
    """services.csv: the rates of counted services. An empty start is the edition's own."""
    services: list[Service] = []
    spellings: dict[str, tuple[str, int]] = {}
    for row in read_csv(file, text, SERVICE_COLUMNS, problems, unread, optional=OPTIONAL_SERVICE_COLUMNS):
        code = row.code("code")
        name = row.text("name")
        unit = row.member("unit", Unit, among=_COUNTED_UNITS)
        method = row.member(
            "method", PaymentMethod, required=False, among=METHODS_OF_UNIT[unit] if unit else _SERVICE_METHODS
        )
        care_setting = row.word("care_setting", required=False)
        rate = row.positive_decimal("rate", required=unit is not Unit.ITEM)
        if unit is Unit.ITEM:
            if rate is not None:
                row.note(
                    "rate",
                    row.cells.get("rate"),
                    "an item is paid at what it has cost, which its line says",
                    f"leave the cell empty, or count it in another unit than {Unit.ITEM.value!r}",
                )
            rate = Fraction(0)
        start, end = _dates(row, start_if_empty=edition_start)
        source = row.text("source")
        if code is not None:
            _look_alike_before(row, "code", code, spellings)
        planned_days = row.whole("planned_days", 1, MAX_PLANNED_DAYS)
        if planned_days is not None and unit not in (None, Unit.AVERAGE_CASE):
            row.note(
                "planned_days",
                str(planned_days),
                f"a {unit} has no stay, so no days are planned for it",
                f"leave the cell empty; it is for unit {Unit.AVERAGE_CASE.value!r}",
            )
        services.append(
            Service(
                code or "",
                name or "",
                unit or Unit.SERVICE,
                care_setting,
                _STAND_IN if rate is None else rate,
                start or edition_start,
                end,
                source or "",
                row.line,
                method,
                planned_days,
            )
        )
    return tuple(services)


def read_factors(file: str, text: str, problems: list[Problem], unread: Unread) -> tuple[Factor, ...]:
    """factors.csv: the named factors on services."""
    factors: list[Factor] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, FACTOR_COLUMNS, problems, unread, optional=OPTIONAL_FACTOR_COLUMNS):
        unit = row.member("unit", Unit, among=_UNITS_WITH_FACTORS)
        factor_code = row.word("factor_code")
        factor = row.positive_share("factor")
        source = row.text("source")
        start, end = _dates(row, start_if_empty=date.min)
        factors.append(
            Factor(
                unit or Unit.SERVICE,
                factor_code or "",
                factor or _STAND_IN,
                source or "",
                row.line,
                None if start == date.min else start,
                end,
            )
        )
        if unit is not None and factor_code is not None:
            seen_before(
                row, "factor_code", (unit, factor_code, start), factor_code, lines, "the factor of this unit"
            )
    return tuple(factors)
