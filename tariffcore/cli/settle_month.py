"""``tariffcore settle month``: claims of a month, priced and settled in one go."""

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
from tariffcore.cli.settle_options import (
    book_options,
    list_lines_option,
    month_option,
    open_book,
    open_rules,
    require_apart,
    rules_option,
)
from tariffcore.cli.tables import counted, show_facts, table

if TYPE_CHECKING:
    from tariffcore.settlement.book.records import RunRecord
    from tariffcore.settlement.calendar_month import Month
    from tariffcore.settlement.run import SettledRun

TOP_ROWS = 12


@click.command(short_help="Price and settle the claims of a month.")
@click.argument("cases", type=FILE)
@month_option
@schedule_option(DEFAULT_SCHEDULE)
@rules_option
@click.option(
    "--defects", type=FILE, metavar="TABLE", help="Defects found: provider_id, case_id, defect_code."
)
@click.option("--held", type=FILE, metavar="TABLE", help="Lines under monitoring: provider_id, case_id.")
@click.option("--other", type=FILE, metavar="TABLE", help="Other payments, and deductions below zero.")
@click.option(
    "--priced",
    type=FILE,
    metavar="FILE",
    help="What 'price' made of CASES: lines whose price differs are set aside, never paid by it.",
)
@click.option("--provider", metavar="ID", help="Settle this provider only.")
@click.option("--rest", is_flag=True, help="Settle those only whose month is not settled yet.")
@click.option(
    "--without-claims",
    type=click.Choice(["refuse", "leave", "settle"]),
    default="refuse",
    show_default=True,
    help="Providers with a contract and no line in the month: refuse to go on, leave their month open, or "
    "settle it at nothing.",
)
@click.option(
    "--set-aside",
    "set_aside",
    type=FILE,
    metavar="FILE",
    help="Write the lines that are not part of the month, with reasons.",
)
@list_lines_option
@book_options
@as_of_option
@deciding_date_option
@threads_option
@mapping_option
@sheet_option
@click.option("--quiet", is_flag=True, help="Print only the last line, and no progress.")
def month(
    cases: Path,
    month: Month,
    schedules: tuple[str, ...],
    rules: str,
    defects: Path | None,
    held: Path | None,
    other: Path | None,
    priced: Path | None,
    provider: str | None,
    rest: bool,
    without_claims: str,
    set_aside: Path | None,
    list_lines: Path | None,
    book_place: str,
    lines_folder: Path | None,
    as_of: date | None,
    deciding_date: str,
    threads: int | None,
    mapping: str | None,
    sheet: str | None,
    quiet: bool,
) -> int:
    """Settle a month of every provider with a contract (or of one) from the file CASES.

    Lines that cannot be part of the month are set aside with their reason. What is wrong with the fund's own
    tables stops the month, all of it told at once, and nothing is recorded. The same inputs again show what
    was settled; other inputs for a settled month are refused.
    """
    from tariffcore.files import load_mapping
    from tariffcore.files.writing import require_writable
    from tariffcore.kept_memory import keep_freed_memory
    from tariffcore.settlement.choosing import WithoutClaims
    from tariffcore.settlement.line_list import write_line_list
    from tariffcore.settlement.month_inputs import read_month_inputs
    from tariffcore.settlement.run import settle_month
    from tariffcore.settlement.set_aside import write_set_aside

    require_apart(
        {"--set-aside": set_aside, "--list-lines": list_lines},
        {
            "the cases": cases,
            "--defects": defects,
            "--held": held,
            "--other": other,
            "--priced": priced,
            "--mapping": None if mapping is None else Path(mapping),
        },
        book_place,
    )
    keep_freed_memory()
    for output in (set_aside, list_lines):
        if output is not None:  # before the month is closed, not after
            require_writable(output)
    used = open_rules(rules)
    column_mapping = None if mapping is None else load_mapping(mapping)
    catalog = open_catalog(schedules, as_of, deciding_date)
    inputs = read_month_inputs(used, defects=defects, held=held, other=other, tell_later=True)
    try:
        total = cases.stat().st_size
    except OSError:
        total = None  # whoever opens it says why
    with open_book(book_place, lines_folder) as book:
        try:
            with progress_bar("settling", total=total, in_bytes=True, wanted=not quiet) as progress:
                found = settle_month(
                    book,
                    cases,
                    catalog,
                    used,
                    month,
                    inputs,
                    priced_path=priced,
                    only_provider=provider,
                    rest=rest,
                    without_claims=WithoutClaims(without_claims),
                    threads=threads,
                    mapping=column_mapping,
                    sheet=sheet,
                    progress=progress,
                )
        except KeyboardInterrupt as interrupt:
            raise StoppedError("stopped; nothing was settled", interrupt) from None
        if set_aside is not None:
            write_set_aside(book, found.record, set_aside)
        if list_lines is not None:
            write_line_list(book, [found.record], list_lines, provider, threads=threads)
    if not quiet:
        _show(found, book_place, set_aside, list_lines, priced)
    say(_last_line(found))
    return DONE


def _show(
    found: SettledRun, place: str, set_aside: Path | None, list_lines: Path | None, priced: Path | None
) -> None:
    from tariffcore.money import format_minor

    record = found.record

    def money(minor: int) -> str:
        return format_minor(minor, record.minor_units, ",")

    if record.synthetic:
        banner(["SYNTHETIC: made-up numbers, not for payment", ""])
    not_in = sum(record.set_aside.values())
    in_month = record.lines_read - not_in
    reasons = ", ".join(f"{count:,} {name}" for name, count in record.set_aside.items())
    show_facts(
        [
            ("month", str(record.month)),
            ("book", place + (" (settled before from the same inputs)" if found.again else "")),
            (
                "lines",
                f"{record.lines_read:,} read = {in_month:,} in the month + {not_in:,} set aside",
            ),
            *([("set aside", reasons)] if not_in else []),
            *([("", f"with their reasons in {set_aside}")] if set_aside is not None else []),
            *([("listed", f"each line of the month in {list_lines}")] if list_lines is not None else []),
            *([] if priced is None else [("prices", _compared(record, priced))]),
            *([("left open", _left_open(found))] if found.left_open else []),
            ("rules", f"{record.rules_id} {record.rules_digest}"),
        ]
    )
    say()
    results = [one.result for one in found.months]
    claimed = sum(result.claims.claimed for result in results)
    steps = [
        ("claimed", claimed),
        ("above our prices", -sum(result.claims.overclaimed for result in results)),
        ("defects", -sum(result.claims.deducted for result in results)),
        ("under monitoring", -sum(result.claims.held for result in results)),
        ("over the plan", -sum(result.over_plan for result in results)),
        ("other payments", sum(result.additions for result in results)),
        ("other deductions", -sum(result.other_deductions for result in results)),
        ("advance recovered", -sum(result.recovered for result in results)),
        (
            "over the year or December",
            -sum(result.capped_by_year + result.capped_december for result in results),
        ),
        ("carried to later months", sum(result.carried for result in results)),
        ("payable", sum(result.payable for result in results)),
    ]
    show(table(["step", record.currency], [(name, money(minor)) for name, minor in steps], numbers=1))
    say()
    say_bold("The largest payments")
    largest = sorted(results, key=lambda one: (-one.payable, one.provider_id, one.funding_source))[:TOP_ROWS]
    rows = [
        (
            one.provider_id,
            one.funding_source,
            money(one.claims.claimed),
            money(one.payable),
            money(one.outstanding_advance),
        )
        for one in largest
    ]
    show(table(["provider", "source", "claimed", "payable", "advance left"], rows, numbers=3))
    say()


def _left_open(found: SettledRun) -> str:
    shown = ", ".join(found.left_open[:TOP_ROWS])
    more = len(found.left_open) - TOP_ROWS
    rest = f" and {more:,} more" if more > 0 else ""
    return f"{counted(len(found.left_open), 'provider')} without a line: {shown}{rest}"


def _compared(record: RunRecord, priced: Path) -> str:
    from tariffcore.settlement.lines import LineStatus

    differing = record.set_aside.get(LineStatus.PRICED_OTHERWISE.name, 0)
    if differing:
        return f"{differing:,} are not those of {priced}, and were set aside"
    return f"those of the settled lines are the same in {priced}"


def _last_line(found: SettledRun) -> str:
    from tariffcore.money import format_minor

    record = found.record
    paid = format_minor(sum(one.result.payable for one in found.months), record.minor_units, ",")
    providers = len({one.result.provider_id for one in found.months})
    not_in = sum(record.set_aside.values())
    verb = "was settled already" if found.again else "settled"
    return (
        f"{record.month} {verb}: {counted(providers, 'provider')}, {record.lines_read - not_in:,} lines, "
        f"{not_in:,} set aside; payable {paid} {record.currency}"
    )
