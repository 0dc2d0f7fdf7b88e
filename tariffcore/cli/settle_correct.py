"""``tariffcore settle correct``: entries of their own that refer to settled months."""

from __future__ import annotations

from pathlib import Path

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say
from tariffcore.cli.settle_options import book_options, open_book, open_rules, rules_option


@click.command(short_help="Record corrections of settled months.")
@click.argument("table", metavar="TABLE", type=FILE)
@rules_option
@book_options
def correct(table: Path, rules: str, book_place: str, lines_folder: Path | None) -> int:
    """Record the corrections in TABLE (CSV or XLSX), each of a settled month and by a document.

    The columns are correction_id, provider_id, funding_source, month, amount (below zero: given back) and
    source. The month itself stays as it is; the next month settled for the contract carries the correction
    out. For new prices use 'settle backdated --correct'.
    """
    from tariffcore.settlement.corrections import read_corrections, record_corrections

    found = read_corrections(table, open_rules(rules))
    with open_book(book_place, lines_folder) as book:
        changes = record_corrections(book, found)
    say(f"corrections: {changes.new:,} new, {changes.unchanged:,} unchanged; book {book_place}")
    return DONE
