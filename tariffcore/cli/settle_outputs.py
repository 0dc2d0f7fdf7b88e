"""``tariffcore settle statement`` and ``report``: a settled month for its provider, and for the fund."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE, Amount, language_option
from tariffcore.cli.screen import say
from tariffcore.cli.settle_options import (
    book_options,
    list_lines_option,
    month_option,
    open_book,
    open_rules,
    require_apart,
    rules_option,
)
from tariffcore.cli.tables import counted

if TYPE_CHECKING:
    from tariffcore.settlement.calendar_month import Month


@click.command(short_help="Write the statement of a settled month.")
@month_option
@click.option("--provider", metavar="ID", help="Of this provider only; without it of all.")
@click.option(
    "-o",
    "--output",
    type=FILE,
    required=True,
    metavar="OUT",
    help="A page to print (.html), or .json, .csv, .xlsx.",
)
@list_lines_option
@click.option(
    "--without-lines",
    is_flag=True,
    help="Do not list the lines that lost something: the files of lines are not needed.",
)
@rules_option
@book_options
@language_option
def statement(
    month: Month,
    provider: str | None,
    output: Path,
    list_lines: Path | None,
    without_lines: bool,
    rules: str,
    book_place: str,
    lines_folder: Path | None,
    language: str,
) -> int:
    """Write the settlement statement of a month: every step with its amount and its source.

    Pages, .json and .xlsx also list the lines that lost something, with defects, amounts and sources. They
    are read from the files of lines (--lines), which must be those that the book names by their digests.
    """
    from tariffcore.files.writing import require_writable
    from tariffcore.settlement.line_list import write_line_list
    from tariffcore.settlement.lost_lines import lost_lines, runs_of
    from tariffcore.settlement.statement import statements
    from tariffcore.settlement.statement_outputs import WITH_LINES, write_statements

    require_apart({"--output": output, "--list-lines": list_lines}, {}, book_place)
    if list_lines is not None:
        require_writable(list_lines)
    used = open_rules(rules)
    listed = 0
    with open_book(book_place, lines_folder) as book:
        found = statements(book, used, month, provider)
        wanted = not without_lines and output.suffix.lower() in WITH_LINES
        write_statements(found, used, output, language, lost_lines(book, found) if wanted else None)
        if list_lines is not None:
            listed = write_line_list(book, runs_of(book, found), list_lines, provider)
    if any(one.run.rules_digest != used.digest for one in found):
        say(f"NOTE: {used.id} has changed since the month was settled: amounts stand, sources are today's")
    say(f"wrote {counted(len(found), 'statement')} of {month} to {output}")
    if list_lines is not None:
        say(f"wrote {counted(listed, 'line')} of {month} to {list_lines}")
    return DONE


@click.command(short_help="Write the fund's view of a settled month.")
@month_option
@click.option("-o", "--output", type=FILE, required=True, metavar="OUT", help="The page: report.html.")
@click.option(
    "--contributions", type=Amount(), help="Contributions of the period, for the check of the reserve."
)
@click.option("--reserve", type=Amount(), help="The fund's reserve.")
@click.option("--balance", type=Amount(), help="The fund's balance.")
@rules_option
@book_options
@language_option
def report(
    month: Month,
    output: Path,
    contributions: Decimal | None,
    reserve: Decimal | None,
    balance: Decimal | None,
    rules: str,
    book_place: str,
    lines_folder: Path | None,
    language: str,
) -> int:
    """Write a month over all providers: claimed, deducted, over the plan, paid, by method, region, component.

    With --contributions, --reserve and --balance the fund's own figures are checked against the rules.
    """
    from tariffcore.settlement.fund_report import write_fund_report
    from tariffcore.settlement.fund_view import fund_view

    if reserve is not None and contributions is None:
        raise click.UsageError(
            "--reserve is checked against its share of contributions: give --contributions as well"
        )
    require_apart({"--output": output}, {}, book_place)
    used = open_rules(rules)

    def minor(amount: Decimal | None) -> int | None:
        return None if amount is None else int(amount.scaleb(used.minor_units))

    with open_book(book_place, lines_folder) as book:
        view = fund_view(
            book,
            used,
            month,
            contributions=minor(contributions),
            reserve=minor(reserve),
            balance=minor(balance),
        )
        write_fund_report(view, output, language)
    say(f"wrote the fund's view of {month}, {counted(view.providers, 'provider')}, to {output}")
    for check in view.checks:
        if check.is_kept is False:
            say(f"NOT kept: {check.key} is below what is required ({check.source})")
    return DONE
