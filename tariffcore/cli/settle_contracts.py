"""``tariffcore settle contracts`` and ``advances``: what was agreed and paid ahead goes into the book."""

from __future__ import annotations

from pathlib import Path

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say
from tariffcore.cli.settle_options import book_options, open_book, open_rules, rules_option


@click.command(short_help="Record contracts of a year, or revisions of them.")
@click.argument("table", metavar="TABLE", type=FILE)
@click.option(
    "--below-paid",
    is_flag=True,
    help="Also revisions below what was paid and advanced on the contract, or below its advances' limits.",
)
@rules_option
@book_options
def contracts(table: Path, below_paid: bool, rules: str, book_place: str, lines_folder: Path | None) -> int:
    """Record the contracts in TABLE (CSV or XLSX): provider, funding source, contract line, twelve months.

    A contract that is in the book already and differs becomes its next revision; months that are settled
    cannot be changed by one. One that leaves less than was paid and advanced already needs --below-paid.
    """
    from tariffcore.settlement.book.contract_records import record_contracts
    from tariffcore.settlement.contracts import read_contracts

    used = open_rules(rules)
    found = read_contracts(table, used)
    with open_book(book_place, lines_folder, must_exist=False) as book:
        changes = record_contracts(book, found, used, below_paid=below_paid)
    say(
        f"contracts: {changes.new:,} new, {changes.revised:,} revised, {changes.unchanged:,} unchanged; "
        f"book {book_place}"
    )
    return DONE


@click.command(short_help="Record advances that were paid.")
@click.argument("table", metavar="TABLE", type=FILE)
@rules_option
@book_options
def advances(table: Path, rules: str, book_place: str, lines_folder: Path | None) -> int:
    """Record the advances in TABLE (CSV or XLSX), checked against the limits of the rules."""
    from tariffcore.settlement.book.contract_records import record_advances
    from tariffcore.settlement.book.records import contracts_of
    from tariffcore.settlement.contracts import ContractTerms, read_advances

    used = open_rules(rules)
    with open_book(book_place, lines_folder) as book:
        known: dict[int, dict[tuple[str, str], ContractTerms]] = {}

        def contract_of(provider: str, funding: str, year: int) -> ContractTerms | None:
            if year not in known:
                with book.reading() as connection:
                    known[year] = {key: found[2] for key, found in contracts_of(connection, year).items()}
            return known[year].get((provider, funding))

        changes = record_advances(book, read_advances(table, used, contract_of))
    say(f"advances: {changes.new:,} new, {changes.unchanged:,} unchanged; book {book_place}")
    return DONE
