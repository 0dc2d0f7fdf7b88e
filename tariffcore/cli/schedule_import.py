"""``tariffcore schedule import``: a published table becomes a schedule folder, proven row by row."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE, Day, ExactNumber, open_edition
from tariffcore.cli.schedule_words import in_force
from tariffcore.cli.screen import say, show
from tariffcore.cli.tables import counted, show_facts, table

if TYPE_CHECKING:
    from tariffcore.schedule.importing import ImportReport

SHOWN_ROWS = 20
_MARKS = {"comma": ",", "point": "."}


@click.command("import", short_help="Make a schedule of a published table.")
@click.argument("table", metavar="TABLE", type=FILE)
@click.option(
    "-o", "--output", type=FILE, required=True, metavar="DIR", help="The schedule folder to make; a new one."
)
@click.option("--id", "schedule_id", metavar="ID", help="Id of the edition.  [default: the folder's name]")
@click.option("--title", help="Title of the edition.  [default: the source and the first day in force]")
@click.option(
    "--source",
    required=True,
    metavar="ORDER",
    help="The order that prints the table: the source of each row.",
)
@click.option("--published", type=Day(), required=True, help="The day the order was signed or published.")
@click.option("--effective-start", type=Day(), required=True, help="First day in force.")
@click.option("--effective-end", type=Day(), help="First day no longer in force.  [default: open]")
@click.option(
    "--like",
    metavar="DIR",
    help="Take shares, stay rules, words, roundings and currency from this folder or shipped edition.",
)
@click.option("--family", metavar="NAME", help="Tariff family of the edition.  [default: that of --like]")
@click.option(
    "--base-rate",
    type=ExactNumber(),
    help="Currency for a weight of 1.  [default: worked out from the table]",
)
@click.option("--base-rate-places", type=click.IntRange(0, 12), help="Decimals of a base rate worked out.")
@click.option("--care-setting", default="inpatient", show_default=True, help="Of columns that name none.")
@click.option("--sheet", metavar="NAME", help="The sheet of a spreadsheet.  [default: the one with groups]")
@click.option(
    "--decimal-mark",
    type=click.Choice(sorted(_MARKS)),
    help="Of all numbers.  [default: as each column shows]",
)
@click.option("--country", metavar="CODE", help="[default: that of --like, else KZ]")
@click.option("--currency", metavar="CODE", help="[default: that of --like, else KZT]")
@click.option("--minor-units", type=click.IntRange(0, 4), help="Decimals of the currency.")
@click.option("--child-age-limit", type=click.IntRange(0, 130), help="Children are younger than this.")
@click.option("--strict", is_flag=True, help="Refuse weights and tariffs that nothing printed proves.")
@click.option(
    "--all-rows", is_flag=True, help=f"Name every row passed over, not only the first {SHOWN_ROWS}."
)
def import_(
    table: Path,
    output: Path,
    schedule_id: str | None,
    title: str | None,
    source: str,
    published: date,
    effective_start: date,
    effective_end: date | None,
    like: str | None,
    family: str | None,
    base_rate: Fraction | None,
    base_rate_places: int | None,
    care_setting: str,
    sheet: str | None,
    decimal_mark: str | None,
    country: str | None,
    currency: str | None,
    minor_units: int | None,
    child_age_limit: int | None,
    strict: bool,
    all_rows: bool,
) -> int:
    """Make a schedule folder of a published TABLE (.xlsx, .xls, .csv, .txt) and prove it.

    Every printed tariff is reproduced to the tiyn, or the row is named and nothing is written.
    """
    from tariffcore.schedule.importing import DecimalMark, ImportSettings, import_table

    if family is None and like is None:
        raise click.UsageError(
            "say which family of editions the table joins: --family kz, or --like an edition to follow"
        )
    settings = ImportSettings(
        id=schedule_id or output.absolute().name,
        title=title or f"{source}, in force from {effective_start}",
        order=source,
        published=published,
        effective_start_date=effective_start,
        effective_end_date=effective_end,
        like=None if like is None else open_edition(like),
        tariff_family=family,
        country=country,
        currency=currency,
        minor_units=minor_units,
        child_age_limit=child_age_limit,
        care_setting=care_setting,
        sheet=sheet,
        decimal_mark=None if decimal_mark is None else DecimalMark(_MARKS[decimal_mark]),
        base_rate_places=base_rate_places,
        strict=strict,
    )
    _show(import_table(table, destination=output, base_rate=base_rate, settings=settings), all_rows)
    return DONE


def _show(report: ImportReport, all_rows: bool) -> None:
    from tariffcore.labelling import labels_in
    from tariffcore.money import format_exact
    from tariffcore.schedule.importing import RowFate

    schedule = report.schedule
    rate = f"{labels_in('en').number(format_exact(report.base_rate))} {schedule.currency}, "
    rate += "worked out from the printed tariffs" if report.base_rate_worked_out else "as given"
    proof = f"{counted(report.proven_tariffs, 'printed tariff')} reproduced"
    if report.unproven:
        proof += f"; {counted(len(report.unproven), 'weight')} that no printed tariff proves"
    sheet = f", sheet {report.sheet}" if report.sheet else ""
    rows = [
        ("table", f"{report.table}{sheet} ({report.form})"),
        ("schedule", f"{report.folder} ({schedule.id}: {schedule.title})"),
        ("in force", f"{in_force(schedule)}; published {schedule.published}"),
        ("base rate", rate),
        ("proof", proof),
        ("digest", schedule.digest),
    ]
    show_facts(rows + [("note" if number == 0 else "", note) for number, note in enumerate(report.notes)])
    say()
    columns = [
        (column.column, column.title, column.taken_as, "yes" if column.imported else "no")
        for column in report.columns
    ]
    show(table(["column", "header", "taken as", "imported"], columns, numbers=0))
    passed_over = [row for row in report.rows if row.fate is not RowFate.IMPORTED]
    named = passed_over if all_rows else passed_over[:SHOWN_ROWS]
    if named:
        say()
        show(
            table(
                ["line", "passed over as", "text"],
                [(str(row.line), row.fate.value, row.text) for row in named],
                numbers=0,
            )
        )
        if len(named) < len(passed_over):
            say(f"… and {counted(len(passed_over) - len(named), 'row')} more; --all-rows names them")
    _show_unproven(report, all_rows)
    say()
    skipped = "; ".join(f"{reason} {count:,}" for reason, count in report.skipped_by_reason.items())
    say(
        f"imported {report.imported:,} + passed over {report.skipped:,} = {report.rows_read:,} rows"
        + (f" ({skipped})" if skipped else "")
    )


def _show_unproven(report: ImportReport, all_rows: bool) -> None:
    if not report.unproven:
        return
    shown = report.unproven if all_rows else report.unproven[:SHOWN_ROWS]
    say()
    say("Weights that no printed tariff proves:")
    for weight in shown:
        say(f"  line {weight.line}: {weight.drg_code} ({weight.age_class.value})")
    if len(shown) < len(report.unproven):
        say(f"  … and {len(report.unproven) - len(shown):,} more; --all-rows names them")
