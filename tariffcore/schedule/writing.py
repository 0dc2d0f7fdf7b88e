"""Writes a schedule folder: the files of an edition as text, and the folder whole or not at all.

What is written reads back as the same schedule: ``read_schedule(write_schedule(s, folder)) == s`` but for
the folder's name, the digest and the line numbers. Numbers are written exactly (`money.format_exact`),
collections without an order are written sorted, so the same schedule always gives the same bytes.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import secrets
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from pathlib import Path

from tariffcore.codes import diagnosis_with_point, procedure_with_point
from tariffcore.errors import Problem, ScheduleError
from tariffcore.money import format_exact
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.grouping_model import Band, CodeRange, Grouping, GroupingRule, PolicyKind
from tariffcore.schedule.grouping_table import CODE_COLUMNS, RULE_COLUMNS
from tariffcore.schedule.model import (
    Coefficient,
    ComponentShare,
    Factor,
    Group,
    ProviderPeriod,
    PublishedTariff,
    Rounding,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
)
from tariffcore.schedule.reading import (
    COMPONENTS_CSV,
    FACTORS_CSV,
    GROUPING_CODES_CSV,
    GROUPING_RULES_CSV,
    GROUPS_CSV,
    PROVIDERS_CSV,
    PUBLISHED_CSV,
    SCHEDULE_TOML,
    SERVICES_CSV,
)
from tariffcore.schedule.schedule_tables import (
    COMPONENT_COLUMNS,
    FACTOR_COLUMNS,
    GROUP_COLUMNS,
    OPTIONAL_FACTOR_COLUMNS,
    PROVIDER_COLUMNS,
    PUBLISHED_COLUMNS,
    SERVICE_COLUMNS,
)

Comments = Mapping[str, Sequence[str]]
"""Lines of comment by what they stand above: ``""`` (the top of the file), a key of the top level
(``"base_rate"``), or a table (``"vocabulary"``, ``"rounding"``, ``"share"``, ``"stay_rule"``,
``"addon"``, ``"coefficient"``: above the first of its kind; ``"share day_hospital"``,
``"stay_rule interrupted"``, ``"coefficient rural"``: above the one with this id or name)."""


# --- CSV --------------------------------------------------------------------------------------------------


def _number(value: Fraction | None) -> str:
    return "" if value is None else format_exact(value)


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()


def currency_text(amount: Fraction, minor_units: int) -> str:
    """The amount with at least the decimals of its currency: ``686930.90``."""
    text = format_exact(amount)
    if minor_units == 0 or "/" in text:
        return text
    whole, _, decimals = text.partition(".")
    return f"{whole}.{decimals.ljust(minor_units, '0')}"


def _csv(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def render_groups_csv(groups: Iterable[Group]) -> str:
    """groups.csv, in the order given."""
    return _csv(
        GROUP_COLUMNS,
        (
            (
                group.drg_code,
                group.name,
                _number(group.relative_weight),
                _number(group.relative_weight_child),
                "" if group.planned_days is None else str(group.planned_days),
                ";".join(sorted(group.flags)),
                group.component_profile or "",
                group.source,
            )
            for group in groups
        ),
    )


def render_published_csv(published: Iterable[PublishedTariff], minor_units: int) -> str:
    """published.csv, in the order given; tariffs with the decimals of the currency, as orders print them."""
    return _csv(
        PUBLISHED_COLUMNS,
        (
            (
                row.code,
                row.care_setting,
                row.age_class.value,
                _number(row.published_weight),
                currency_text(row.published_tariff, minor_units),
                row.source,
            )
            for row in published
        ),
    )


def render_providers_csv(coefficients: Sequence[Coefficient], periods: Iterable[ProviderPeriod]) -> str:
    """providers.csv, one row a period, in the order given; the coefficients are its columns."""
    return _csv(
        (*PROVIDER_COLUMNS, *(coefficient.name for coefficient in coefficients)),
        (
            (
                period.provider_id,
                _day(period.effective_start_date),
                _day(period.effective_end_date),
                *(_number(value) for value in period.coefficients),
            )
            for period in periods
        ),
    )


def render_components_csv(components: Iterable[ComponentShare]) -> str:
    """components.csv, in the order given: it decides which component takes a remainder."""
    return _csv(
        COMPONENT_COLUMNS,
        (
            (
                row.component_profile,
                row.care_setting or "",
                row.component,
                _number(row.share),
                "yes" if row.capital else "no",
            )
            for row in components
        ),
    )


def render_services_csv(services: Iterable[Service], minor_units: int) -> str:
    """services.csv, in the order given; rates with the decimals of the currency."""
    rows = list(services)
    optional = {
        "method": [service.own_method or "" for service in rows],
        "planned_days": ["" if row.planned_days is None else str(row.planned_days) for row in rows],
    }
    used = {name: cells for name, cells in optional.items() if any(cells)}
    return _csv(
        (*SERVICE_COLUMNS, *used),
        (
            (
                service.code,
                service.name,
                service.unit.value,
                service.care_setting or "",
                "" if service.unit == "item" else currency_text(service.rate, minor_units),
                _day(service.effective_start_date),
                _day(service.effective_end_date),
                service.source,
                *own,
            )
            for service, own in zip(
                rows, zip(*used.values(), strict=True) if used else [()] * len(rows), strict=True
            )
        ),
    )


def render_grouping_rules_csv(rules: Iterable[GroupingRule]) -> str:
    """grouping_rules.csv, in the order given."""

    def codes(ranges: Iterable[CodeRange]) -> str:
        return ";".join(own.text for own in ranges)

    def band(own: Band | None) -> str:
        return "" if own is None else str(own)

    return _csv(
        RULE_COLUMNS,
        (
            (
                rule.rule_id,
                rule.drg_code,
                str(rule.priority),
                codes(rule.principal_diagnoses),
                codes(rule.procedures),
                codes(rule.secondary_diagnoses),
                codes(rule.excluded_secondary_diagnoses),
                band(rule.age_years),
                band(rule.age_days),
                rule.sex or "",
                band(rule.birth_weight_grams),
                ";".join(sorted(rule.outcomes)),
                band(rule.length_of_stay_days),
                ";".join(sorted(rule.care_settings)),
                ";".join(sorted(rule.qualifiers)),
                rule.source,
            )
            for rule in rules
        ),
    )


def render_grouping_codes_csv(grouping: Grouping) -> str:
    """grouping_codes.csv: the diagnoses, then the procedures."""
    diagnoses = (
        ("diagnosis", diagnosis_with_point(c), name) for c, name in (grouping.diagnoses or {}).items()
    )
    procedures = (
        ("procedure", procedure_with_point(c), name) for c, name in (grouping.procedures or {}).items()
    )
    return _csv(CODE_COLUMNS, [*diagnoses, *procedures])


def render_factors_csv(factors: Iterable[Factor]) -> str:
    """factors.csv, in the order given."""
    rows = list(factors)
    dated = any(row.effective_start_date or row.effective_end_date for row in rows)
    return _csv(
        (*FACTOR_COLUMNS, *OPTIONAL_FACTOR_COLUMNS) if dated else FACTOR_COLUMNS,
        (
            (
                *(row.unit.value, row.factor_code, _number(row.factor), row.source),
                *((_day(row.effective_start_date), _day(row.effective_end_date)) if dated else ()),
            )
            for row in rows
        ),
    )


# --- TOML -------------------------------------------------------------------------------------------------

_TOML_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f"}


def toml_string(text: str) -> str:
    """The text as a TOML basic string, with control characters escaped."""
    escaped = "".join(
        _TOML_ESCAPES.get(character)
        or (f"\\u{ord(character):04X}" if character < " " or character == "\x7f" else character)
        for character in text
    )
    return f'"{escaped}"'


def _toml_list(words: Iterable[str]) -> str:
    return f"[{', '.join(toml_string(word) for word in words)}]"


class _Toml:
    """Lines of a TOML file, with the comments that belong above them."""

    def __init__(self, comments: Comments) -> None:
        self.lines: list[str] = []
        self.comments = dict(comments)

    def comment(self, about: str, indent: str = "") -> None:
        for comment in self.comments.pop(about, ()):
            for line in comment.splitlines() or [""]:
                printable = "".join(c for c in line if c >= " " and c != "\x7f")
                self.lines.append(f"{indent}# {printable}".rstrip())

    def key(self, key: str, value: str, indent: str = "") -> None:
        if not indent:
            self.comment(key)
        self.lines.append(f"{indent}{key} = {value}")

    def table(self, heading: str, *about: str, indent: str = "") -> None:
        if not indent:
            self.lines.append("")
        for subject in about:
            self.comment(subject)
        self.lines.append(f"{indent}{heading}")


def render_schedule_toml(schedule: Schedule, comments: Comments | None = None) -> str:
    """schedule.toml of an edition, laid out as a person would, with comments above what they are about.

    Raises ValueError for a comment about something that the file does not have.
    """
    toml = _Toml(comments or {})
    if "" in toml.comments:
        toml.comment("")
        toml.lines.append("")
    toml.key("id", toml_string(schedule.id))
    toml.key("tariff_family", toml_string(schedule.tariff_family))
    toml.key("model", toml_string(schedule.model))
    toml.key("title", toml_string(schedule.title))
    if schedule.synthetic:
        toml.key("synthetic", "true")
    toml.key("country", toml_string(schedule.country))
    toml.key("currency", toml_string(schedule.currency))
    toml.key("minor_units", str(schedule.minor_units))
    toml.key("published", schedule.published.isoformat())
    toml.key("effective_start_date", schedule.effective_start_date.isoformat())
    if schedule.effective_end_date is not None:
        toml.key("effective_end_date", schedule.effective_end_date.isoformat())
    toml.key("child_age_limit", str(schedule.child_age_limit))
    toml.key("day_count", toml_string(schedule.day_count))
    amount = toml_string(currency_text(schedule.base_rate.amount, schedule.minor_units))
    toml.key("base_rate", f"{{ amount = {amount}, source = {toml_string(schedule.base_rate.source)} }}")

    toml.table("[vocabulary]", "vocabulary")
    toml.key("care_settings", _toml_list(schedule.care_settings))
    toml.key("outcomes", _toml_list(schedule.outcomes))
    toml.key("drg_flags", _toml_list(schedule.drg_flags))

    _render_roundings(toml, schedule)
    for number, share in enumerate(schedule.shares):
        _render_share(toml, share, first=number == 0)
    for number, rule in enumerate(schedule.stay_rules):
        _render_stay_rule(toml, rule, first=number == 0)
    for number, addon in enumerate(schedule.addons):
        toml.table("[[addon]]", *(("addon",) if number == 0 else ()))
        toml.lines.append(f"kind = {toml_string(addon.kind)}")
        toml.lines.append(f"unit = {toml_string(addon.unit)}")
        if addon.care_settings:
            toml.lines.append(f"care_settings = {_toml_list(sorted(addon.care_settings))}")
        if addon.drg_flags:
            toml.lines.append(f"drg_flags = {_toml_list(sorted(addon.drg_flags))}")
        if addon.component is not None:
            toml.lines.append(f"component = {toml_string(addon.component)}")
        toml.lines.append(f"source = {toml_string(addon.source)}")
    for number, coefficient in enumerate(schedule.coefficients):
        first = ("coefficient",) if number == 0 else ()
        toml.table("[[coefficient]]", *first, f"coefficient {coefficient.name}")
        toml.lines.append(f"name = {toml_string(coefficient.name)}")
        toml.lines.append(f"mode = {toml_string(coefficient.mode)}")
        if coefficient.units:
            toml.lines.append(f"units = {_toml_list(sorted(coefficient.units))}")
        toml.lines.append(f"source = {toml_string(coefficient.source)}")
    if schedule.grouping is not None:
        policy = schedule.grouping.policy
        toml.table("[grouping]", "grouping")
        toml.key("policy", toml_string(policy.kind))
        if policy.kind is PolicyKind.HEAVIEST:
            toml.key("tie", toml_string(policy.tie))
        if schedule.grouping.qualifiers:
            toml.key("qualifiers", _toml_list(schedule.grouping.qualifiers))
        toml.key("source", toml_string(policy.source))
    if toml.comments:
        raise ValueError(f"comments about what schedule.toml does not have: {sorted(toml.comments)}")
    return "\n".join(toml.lines) + "\n"


def _render_roundings(toml: _Toml, schedule: Schedule) -> None:
    roundings = schedule.roundings
    named = {"weight": roundings.weight, "tariff": roundings.tariff, "unit": roundings.unit}
    common = roundings.unit.mode
    toml.table("[rounding]", "rounding")
    toml.key("mode", toml_string(common))
    for name, rounding in named.items():
        if rounding.mode is not common:
            toml.key(f"{name}_mode", toml_string(rounding.mode))
        toml.key(f"{name}_places", _places(rounding))


def _places(rounding: Rounding) -> str:
    return toml_string("exact") if rounding.places is None else str(rounding.places)


def _render_share(toml: _Toml, share: Share, *, first: bool) -> None:
    toml.table("[[share]]", *(("share",) if first else ()), f"share {share.id}")
    own_id = share.care_setting if share.unit == "case" else f"{share.unit}.{share.care_setting}"
    if share.id != own_id:
        toml.lines.append(f"id = {toml_string(share.id)}")
    toml.lines.append(f"unit = {toml_string(share.unit)}")
    toml.lines.append(f"care_setting = {toml_string(share.care_setting)}")
    toml.lines.append(f"share = {toml_string(format_exact(share.share))}")
    toml.lines.append(f"applies_to = {toml_string(share.applies_to)}")
    if share.max_hours is not None:
        toml.lines.append(f"max_hours = {share.max_hours}")
    if share.own_method is not None:
        toml.lines.append(f"method = {toml_string(share.own_method)}")
    toml.lines.append(f"source = {toml_string(share.source)}")
    for number, exception in enumerate(share.exceptions, start=1):
        _render_exception(toml, exception, f"{share.id}.exception-{number}")


def _render_exception(toml: _Toml, exception: ShareException, own_id: str) -> None:
    indent = "  "
    toml.table("[[share.exception]]", indent=indent)
    if exception.id != own_id:
        toml.key("id", toml_string(exception.id), indent)
    toml.key(
        "procedures", _toml_list(procedure_with_point(code) for code in sorted(exception.procedures)), indent
    )
    toml.key("share", toml_string(format_exact(exception.share)), indent)
    toml.key("applies_to", toml_string(exception.applies_to), indent)
    toml.key("source", toml_string(exception.source), indent)


def _render_stay_rule(toml: _Toml, rule: StayRule, *, first: bool) -> None:
    toml.table("[[stay_rule]]", *(("stay_rule",) if first else ()), f"stay_rule {rule.id}")
    toml.lines.append(f"id = {toml_string(rule.id)}")
    if rule.unit != "case":
        toml.lines.append(f"unit = {toml_string(rule.unit)}")
    if rule.outcomes:
        toml.lines.append(f"outcomes = {_toml_list(sorted(rule.outcomes))}")
    if rule.care_settings:
        toml.lines.append(f"care_settings = {_toml_list(sorted(rule.care_settings))}")
    if rule.max_days is not None:
        toml.lines.append(f"max_days = {rule.max_days}")
    if rule.death_unavoidable is not None:
        toml.lines.append(f"death_unavoidable = {str(rule.death_unavoidable).lower()}")
    toml.lines.append(f"pay = {toml_string(rule.pay)}")
    if rule.share is not None:
        toml.lines.append(f"share = {toml_string(format_exact(rule.share))}")
    toml.lines.append(f"source = {toml_string(rule.source)}")
    for exemption in rule.exemptions:
        _render_exemption(toml, exemption)


def _render_exemption(toml: _Toml, exemption: StayExemption) -> None:
    indent = "  "
    toml.table("[[stay_rule.exemption]]", indent=indent)
    if exemption.outcomes:
        toml.key("outcomes", _toml_list(sorted(exemption.outcomes)), indent)
    if exemption.drg_flags:
        toml.key("drg_flags", _toml_list(sorted(exemption.drg_flags)), indent)
    toml.key("source", toml_string(exemption.source), indent)


# --- the folder -------------------------------------------------------------------------------------------


def schedule_files(schedule: Schedule, comments: Comments | None = None) -> dict[str, str]:
    """The text of every file of the edition's folder; files with nothing to say are left out."""
    files = {
        SCHEDULE_TOML: render_schedule_toml(schedule, comments),
        GROUPS_CSV: render_groups_csv(schedule.groups.values()),
    }
    if schedule.published_tariffs:
        files[PUBLISHED_CSV] = render_published_csv(schedule.published_tariffs, schedule.minor_units)
    if schedule.providers is not None:
        periods = [period for of_provider in schedule.providers.values() for period in of_provider]
        files[PROVIDERS_CSV] = render_providers_csv(schedule.coefficients, periods)
    if schedule.components:
        files[COMPONENTS_CSV] = render_components_csv(schedule.components)
    if schedule.services:
        services = [service for of_code in schedule.services.values() for service in of_code]
        files[SERVICES_CSV] = render_services_csv(services, schedule.minor_units)
    if schedule.factors:
        files[FACTORS_CSV] = render_factors_csv(schedule.factors)
    if schedule.grouping is not None:
        files[GROUPING_RULES_CSV] = render_grouping_rules_csv(schedule.grouping.rules)
        if schedule.grouping.diagnoses is not None or schedule.grouping.procedures is not None:
            files[GROUPING_CODES_CSV] = render_grouping_codes_csv(schedule.grouping)
    return files


def require_free(destination: Path) -> None:
    """Raises ScheduleError where a folder cannot be written there: something is there already."""
    problem: tuple[str, str] | None = None
    try:
        if destination.is_dir() and not destination.is_symlink():
            if any(destination.iterdir()):
                problem = ("exists and is not empty", "name a new folder, or remove this one first")
        elif destination.exists() or destination.is_symlink():
            problem = ("exists and is not a folder", "name a new folder")
    except OSError as error:
        problem = (f"cannot be looked at ({error.strerror or error})", "check the path and the permissions")
    if problem is not None:
        raise _not_written(destination, *problem)


def _not_written(destination: Path, message: str, way_out: str) -> ScheduleError:
    return ScheduleError(
        f"schedule folder {destination} was not written",
        [Problem(str(destination), None, None, message, way_out)],
    )


def write_folder(
    destination: Path, files: Mapping[str, str], proof: Callable[[Path], object] | None = None
) -> None:
    """Writes a folder whole or not at all.

    The files are written to a hidden folder beside the destination, ``proof`` is called on it, and only
    then does it take its name; whatever fails or interrupts on the way leaves nothing under that name.
    An empty folder is replaced, anything else that exists is refused. ``proof`` sees the folder under its
    final name, so its errors name what the user will see. Raises ScheduleError where the folder cannot be
    written, and whatever ``proof`` raises.
    """
    require_free(destination)
    name = destination.resolve().name
    aside = destination.parent / f".{name}.writing-{secrets.token_hex(4)}"
    try:
        try:
            folder = aside / name
            folder.mkdir(parents=True)
            for file, text in files.items():
                (folder / file).write_bytes(text.encode("utf-8"))
        except OSError as error:
            raise _not_written(
                destination,
                f"cannot be written ({error.strerror or error})",
                "choose a place you may write to",
            ) from None
        try:
            if proof is not None:
                proof(folder)
        except ScheduleError as error:
            summary = f"schedule folder {destination} was not written: it would not be usable"
            raise ScheduleError(summary, error.problems) from None
        try:
            folder.rename(destination)  # replaces an empty folder, refuses one that filled up meanwhile
        except OSError as error:
            raise _not_written(
                destination, f"cannot take its name ({error.strerror or error})", "name a new folder"
            ) from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write_schedule(schedule: Schedule, destination: Path, comments: Comments | None = None) -> Schedule:
    """Writes an edition's folder and returns it as it reads back.

    Raises ScheduleError where the folder exists and is not empty, cannot be written, or would not pass
    the check of a schedule; then nothing is written.
    """
    proven: list[Schedule] = []
    write_folder(
        destination, schedule_files(schedule, comments), lambda folder: proven.append(read_schedule(folder))
    )
    return dataclasses.replace(proven[0], folder=destination.resolve().name)
