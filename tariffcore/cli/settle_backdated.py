"""``tariffcore settle backdated``: what an edition issued backwards in time changes in settled months."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import (
    DEFAULT_SCHEDULE,
    FILE,
    as_of_option,
    deciding_date_option,
    open_catalog,
    schedule_option,
)
from tariffcore.cli.screen import say, show
from tariffcore.cli.settle_options import book_options, open_book, open_rules, rules_option
from tariffcore.cli.tables import counted, table

if TYPE_CHECKING:
    from tariffcore.settlement.backdated import Backdated

TOP_ROWS = 20


@click.command(short_help="List what new editions change in settled months, and correct it.")
@schedule_option(DEFAULT_SCHEDULE)
@rules_option
@book_options
@as_of_option
@deciding_date_option
@click.option("-o", "--output", type=FILE, metavar="OUT", help="List the lines here: .csv, .parquet, .xlsx.")
@click.option(
    "--correct", is_flag=True, help="Record corrections; the next month of each contract carries them out."
)
@click.option("--reason", default="", help="Why, as the corrections say it.")
def backdated(
    schedules: tuple[str, ...],
    rules: str,
    book_place: str,
    lines_folder: Path | None,
    as_of: date | None,
    deciding_date: str,
    output: Path | None,
    correct: bool,
    reason: str,
) -> int:
    """Price the lines of every settled month with the editions named now, and say what differs.

    A settled month itself is never changed: --correct records the difference of its accepted sums as entries
    of their own.
    """
    from tariffcore.kept_memory import keep_freed_memory
    from tariffcore.plan import Plan
    from tariffcore.settlement.backdated import backdated_changes

    keep_freed_memory()
    used = open_rules(rules)
    plan = Plan(open_catalog(schedules, as_of, deciding_date))
    with open_book(book_place, lines_folder) as book:
        found = backdated_changes(book, plan, used, lines_out=output, correct=correct, reason=reason)
    _show(found, used.minor_units)
    lines = sum(one.lines for one in found.changes)
    unpriced = sum(one.unpriced for one in found.changes)
    if unpriced:
        say(f"{counted(unpriced, 'line')} would have no price; their old one stands")
    held_back = sum(one.held_back for one in found.changes)
    if held_back:
        say(
            f"{counted(held_back, 'line')} claimed below the new price: the claim stays the most that is paid"
        )
    where = f", listed in {output}" if output is not None else ""
    done = f"; recorded {counted(found.recorded, 'correction')}" if correct else ""
    months = counted(len(found.changes), "settled month")
    say(f"{counted(lines, 'line')} of {months} priced otherwise{where}{done}")
    return DONE


def _show(found: Backdated, minor_units: int) -> None:
    from tariffcore.money import format_minor

    if not found.changes:
        return

    def money(minor: int) -> str:
        return format_minor(minor, minor_units, ",")

    ordered = sorted(found.changes, key=lambda one: (-abs(one.amount), one.month, one.provider_id))
    rows: list[tuple[str, ...]] = []
    for one in ordered[:TOP_ROWS]:
        sums = (money(amount) for amount in (one.amount, one.open))
        rows.append((str(one.month), one.provider_id, one.funding_source, f"{one.lines:,}", *sums))
    if len(ordered) > TOP_ROWS:
        rest = ordered[TOP_ROWS:]
        sums = (money(sum(getattr(one, name) for one in rest)) for name in ("amount", "open"))
        rows.append(("", f"{len(rest):,} more", "", f"{sum(one.lines for one in rest):,}", *sums))
    show(table(["month", "provider", "source", "lines", "accepted", "to correct"], rows, numbers=3))
    say()
