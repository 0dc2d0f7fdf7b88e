"""``tariffcore explain``: one case, step by step, described by options or taken from a file of cases."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tariffcore.cli.failures import DONE, NOT_ALL_PRICED
from tariffcore.cli.options import (
    DEFAULT_SCHEDULE,
    FILE,
    Amount,
    Moment,
    as_of_option,
    deciding_date_option,
    language_option,
    mapping_option,
    open_catalog,
    schedule_option,
    sheet_option,
)
from tariffcore.cli.screen import console, say, speaks_unicode

if TYPE_CHECKING:
    from tariffcore.cases import Case
    from tariffcore.explanation import Explanation

_CASE_OPTIONS = {
    "drg_code": "--drg",
    "service_code": "--service",
    "care_setting": "--care-setting",
    "admission_date": "--admission",
    "discharge_date": "--discharge",
    "outcome": "--outcome",
    "death_unavoidable": "--death-unavoidable",
    "age_years": "--age",
    "provider_id": "--provider",
    "procedure_codes": "--procedure",
    "quantity": "--quantity",
    "length_of_stay_days": "--length-of-stay",
    "factor_code": "--factor",
    "claimed_amount": "--claimed",
}
"""The fields of a case that options give, and the options."""


@dataclass(frozen=True)
class Asked:
    """A case to explain: what became of it, what was claimed, and where it stands if in a file."""

    explanation: Explanation
    case: Case
    line: int | None = None
    path: Path | None = None
    reason_as_read: str | None = None
    """Why there is no amount, where the row could not even be read into a case."""


@click.command(short_help="Explain the price of one case, step by step.")
@click.argument("cases", type=FILE, required=False)
@click.option(
    "--case-id", metavar="ID", help="Which case of the file; without a file, what to call the case."
)
@click.option("--line", type=click.IntRange(min=1), metavar="N", help="Which line of the file.")
@click.option("--drg", "drg_code", metavar="CODE", help="Cost group of the case.")
@click.option("--service", "service_code", metavar="CODE", help="Service, instead of a cost group.")
@click.option("--care-setting", metavar="SETTING", help="inpatient, day_hospital, ...")
@click.option("--admission", "admission_date", type=Moment(), help="Day, or day and time.")
@click.option("--discharge", "discharge_date", type=Moment(), help="Day, or day and time.")
@click.option("--outcome", metavar="OUTCOME", help="discharged, transferred, ...  [default: discharged]")
@click.option(
    "--death-unavoidable/--no-death-unavoidable", default=None, help="Of a case that ended in death."
)
@click.option("--age", "age_years", type=int, metavar="YEARS", help="Full years at admission.")
@click.option("--provider", "provider_id", metavar="ID")
@click.option(
    "--procedure", "procedure_codes", metavar="CODE", multiple=True, help="ICD-9-CM procedure. Repeatable."
)
@click.option("--quantity", type=int, metavar="N", help="Sessions, bed-days, ...  [default: 1]")
@click.option("--length-of-stay", "length_of_stay_days", type=int, metavar="DAYS")
@click.option("--factor", "factor_code", metavar="CODE", help="Factor of a service.")
@click.option("--claimed", "claimed_amount", type=Amount(), help="What was claimed, to compare.")
@schedule_option(DEFAULT_SCHEDULE)
@as_of_option
@deciding_date_option
@mapping_option
@sheet_option
@click.option("--json", "as_json", is_flag=True, help="For machines: one JSON object.")
@language_option
def explain(
    cases: Path | None,
    case_id: str | None,
    line: int | None,
    schedules: tuple[str, ...],
    as_of: date | None,
    deciding_date: str,
    mapping: str | None,
    sheet: str | None,
    as_json: bool,
    language: str,
    **fields: Any,  # noqa: ANN401
) -> int:
    """Explain the price of one case: each step with its exact value, rule and legal source.

    The case is described by options (--drg, --care-setting, --discharge, ...), or it is the one of the file
    CASES with this --case-id or on this --line. Exit code 1 says that the case has no amount; it is explained
    all the same.
    """
    given = {name: value for name, value in fields.items() if value is not None and value != ()}
    if cases is None:
        _require_described(given, line, mapping, sheet)
    else:
        _require_chosen(given, case_id, line)
    catalog = open_catalog(schedules, as_of, deciding_date)
    if cases is None:
        from tariffcore.cases import Case
        from tariffcore.explain import explain_case

        case = Case(case_id=case_id or "1", **given)
        asked = Asked(explain_case(case, catalog), case)
    else:
        from tariffcore.cli.case_finding import find_case
        from tariffcore.files import load_mapping
        from tariffcore.plan import Plan

        column_mapping = None if mapping is None else load_mapping(mapping)
        asked = find_case(
            cases,
            Plan(catalog),
            case_id=case_id,
            line=line,
            mapping=column_mapping,
            sheet=sheet,
            language=language,
        )
    if as_json:
        say(json.dumps(_json(asked), ensure_ascii=not speaks_unicode(sys.stdout), indent=2))
    else:
        say(_text(asked, language))
    return DONE if asked.explanation.amount_minor is not None else NOT_ALL_PRICED


def _require_described(
    given: Mapping[str, object], line: int | None, mapping: str | None, sheet: str | None
) -> None:
    """Without a file there is a description, and nothing that only a file has."""
    for option, value in (("--line", line), ("--mapping", mapping), ("--sheet", sheet)):
        if value is not None:
            raise click.UsageError(f"{option} is about a file of cases, and none is named")
    if "drg_code" not in given and "service_code" not in given:
        raise click.UsageError(
            "nothing to explain: describe a case (--drg 1 --care-setting inpatient --admission 2026-01-05 "
            "--discharge 2026-01-12), or name a file and a --case-id"
        )


def _require_chosen(given: Mapping[str, object], case_id: str | None, line: int | None) -> None:
    """With a file there is one way to choose the case, and no second description of it."""
    if given:
        options = ", ".join(_CASE_OPTIONS[name] for name in given)
        raise click.UsageError(f"the case is in the file, so leave out {options}")
    if (case_id is None) == (line is None):
        raise click.UsageError("say which case of the file: --case-id ID or --line N")


def _claim(asked: Asked) -> tuple[int, int | None] | None:
    """What was claimed and how much more that is than the amount, in minor units; None: nothing claimed."""
    from tariffcore.money import format_exact, parse_decimal, round_to_places

    claimed, explanation = asked.case.claimed_amount, asked.explanation
    if claimed is None:
        return None
    exact = parse_decimal(format(claimed, "f")) * 10**explanation.minor_units
    if exact.denominator != 1:
        shown = format_exact(round_to_places(exact / 10**explanation.minor_units, explanation.minor_units))
        raise click.UsageError(
            f"--claimed {claimed} has more decimals than {explanation.currency}, "
            f"{explanation.minor_units}; is {shown} meant?"
        )
    amount_minor = explanation.amount_minor
    return exact.numerator, None if amount_minor is None else exact.numerator - amount_minor


def _json(asked: Asked) -> dict[str, object]:
    from tariffcore.money import format_minor

    shown = asked.explanation.to_json()
    if asked.line is not None:
        shown["line"] = asked.line
    if asked.reason_as_read is not None:
        shown["reason"] = asked.reason_as_read
    claim = _claim(asked)
    if claim is not None:
        claimed_minor, difference_minor = claim
        minor_units = asked.explanation.minor_units
        shown["claimed_amount"] = format_minor(claimed_minor, minor_units)
        shown["claimed_difference"] = (
            None if difference_minor is None else format_minor(difference_minor, minor_units)
        )
    return shown


def _text(asked: Asked, language: str) -> str:
    """The explanation; the amount stays on its last line, so a claim stands before it."""
    from tariffcore.explanation_text import COLUMNS, wrapped
    from tariffcore.labelling import labels_in, printable

    labels = labels_in(language)
    columns = console().width if sys.stdout.isatty() else COLUMNS
    text = asked.explanation.to_text(language, columns)
    if asked.reason_as_read is not None:
        above, _, last = text.rpartition("\n")
        reason = wrapped(f"{last} {printable(asked.reason_as_read)}", "", min(columns, COLUMNS))
        text = "\n".join([above, *reason])
    if asked.line is not None:
        text = f"{printable(str(asked.path))}, {labels.term('line').lower()} {asked.line}\n\n{text}"
    claim = _claim(asked)
    if claim is None:
        return text
    claimed_minor, difference_minor = claim
    if difference_minor is None:
        return text
    minor_units, currency = asked.explanation.minor_units, asked.explanation.currency
    sign = "+" if difference_minor > 0 else ""
    words = f"{labels.term('claimed_amount')}: {labels.minor(claimed_minor, minor_units)} {currency}"
    words += f"; {labels.term('difference').lower()}: {sign}{labels.minor(difference_minor, minor_units)}"
    above, _, last = text.rpartition("\n")
    return f"{above}\n{words}\n{last}"
