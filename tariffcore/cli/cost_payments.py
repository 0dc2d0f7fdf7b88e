"""``tariffcore cost payments``: the capital in what hospitals are paid, and what they would get without
it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE, StoppedError
from tariffcore.cli.options import (
    DEFAULT_SCHEDULE,
    FILE,
    as_of_option,
    deciding_date_option,
    mapping_option,
    open_catalog,
    schedule_option,
    sheet_option,
    threads_option,
)
from tariffcore.cli.screen import banner, progress_bar, say, say_bold, show
from tariffcore.cli.tables import percent, table

if TYPE_CHECKING:
    from collections.abc import Callable

    from tariffcore.costing.capital_in_payments import CapitalInPayments, Paid
    from tariffcore.labelling import Labels
    from tariffcore.schedule.catalog import Catalog

TOP_ROWS = 12


@click.command(short_help="Sum up the capital in payments, with a what-if without it.")
@click.argument("cases", type=FILE)
@schedule_option(DEFAULT_SCHEDULE)
@click.option(
    "-o",
    "--output",
    type=FILE,
    metavar="OUT",
    help="Write the sums by hospital and year here: .csv, .parquet, .arrow or .xlsx.",
)
@click.option(
    "--cases-out",
    type=FILE,
    metavar="FILE",
    help="Write every case here, with its full price, its capital and its price without it.",
)
@as_of_option
@deciding_date_option
@threads_option
@mapping_option
@sheet_option
@click.option("--quiet", is_flag=True, help="Print only the last line, and no progress.")
def payments(
    cases: Path,
    schedules: tuple[str, ...],
    output: Path | None,
    cases_out: Path | None,
    as_of: date | None,
    deciding_date: str,
    threads: int | None,
    mapping: str | None,
    sheet: str | None,
    quiet: bool,
) -> int:
    """Price the file CASES, and say how much of it is capital, by hospital and year.

    The price without capital is that of the same case under the same edition less its capital components.
    """
    from tariffcore.costing.capital_in_payments import capital_in_payments
    from tariffcore.files import load_mapping

    column_mapping = None if mapping is None else load_mapping(mapping)
    catalog = open_catalog(schedules, as_of, deciding_date)
    try:
        total = cases.stat().st_size
    except OSError:
        total = None  # whoever opens it says why
    try:
        with progress_bar("pricing", total=total, in_bytes=True, wanted=not quiet) as progress:
            found = capital_in_payments(
                cases,
                catalog,
                totals_path=output,
                cases_out_path=cases_out,
                threads=threads,
                mapping=column_mapping,
                sheet=sheet,
                progress=progress,
            )
    except KeyboardInterrupt as interrupt:
        raise StoppedError("stopped; nothing was written", interrupt) from None
    if not quiet:
        _show(found, catalog)
    why = "; --cases-out FILE says why" if found.rejected and cases_out is None else ""
    say(_last_line(found, catalog) + why)
    return DONE


def _show(found: CapitalInPayments, catalog: Catalog) -> None:
    from tariffcore.costing.capital_in_payments import Paid
    from tariffcore.labelling import labels_in
    from tariffcore.money import format_minor

    labels = labels_in("en")
    schedule = catalog.editions[0]

    def money(minor: int) -> str:
        return format_minor(minor, schedule.minor_units, ",")

    made_up = [edition.id for edition in catalog.editions if edition.synthetic]
    if made_up:
        banner([f"SYNTHETIC: {', '.join(made_up)} has made-up numbers, not for payment", ""])
    total = found.total
    rows = []
    ordered = sorted(found.by_provider_and_year.items(), key=lambda row: (-row[1].amount_minor, row[0]))
    for (provider_id, year), paid in ordered[:TOP_ROWS]:
        rows.append((provider_id or "(none)", str(year), *_sums(paid, money), _capital_percent(paid, labels)))
    if len(ordered) > TOP_ROWS:
        rest = Paid()
        for _, paid in ordered[TOP_ROWS:]:
            rest.add(paid)
        label = f"{len(ordered) - TOP_ROWS:,} more"
        rows.append((label, "", *_sums(rest, money), _capital_percent(rest, labels)))
    rows.append(("all", "", *_sums(total, money), _capital_percent(total, labels)))
    say_bold(f"Paid with and without capital, {schedule.currency}")
    show(table(["hospital", "year", "paid", "capital", "without", "%"], rows, numbers=5))
    if total.unsplit_cases:
        say(
            f"{total.unsplit_cases:,} payments of {money(total.unsplit_minor)} in all have no component "
            "profile: their capital is not known"
        )
    say()
    by_component = [
        (
            f"{name} (capital)" if capital else name,
            money(total.by_component.get(name, 0)),
            percent(total.by_component.get(name, 0), total.amount_minor, labels),
        )
        for name, capital in found.components
    ]
    show(table(["component", f"paid, {schedule.currency}", "%"], by_component, numbers=2))
    say()


def _sums(paid: Paid, money: Callable[[int], str]) -> tuple[str, str, str]:
    return money(paid.amount_minor), money(paid.capital_minor), money(paid.without_capital_minor)


def _capital_percent(paid: Paid, labels: Labels) -> str:
    return percent(paid.capital_minor, paid.amount_minor - paid.unsplit_minor, labels)


def _last_line(found: CapitalInPayments, catalog: Catalog) -> str:
    from tariffcore.money import format_minor

    total, schedule = found.total, catalog.editions[0]

    def money(minor: int) -> str:
        return format_minor(minor, schedule.minor_units, ",")

    return (
        f"priced {total.cases:,} + rejected {found.rejected:,} = {found.read:,} read; "
        f"paid {money(total.amount_minor)} {schedule.currency}, of it capital {money(total.capital_minor)}, "
        f"without capital {money(total.without_capital_minor)}"
    )
