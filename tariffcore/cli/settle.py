"""``tariffcore settle``: a hospital's month from claim to payment, and the book that remembers it."""

from __future__ import annotations

import click

from tariffcore.cli.settle_backdated import backdated
from tariffcore.cli.settle_contracts import advances, contracts
from tariffcore.cli.settle_correct import correct
from tariffcore.cli.settle_deadlines import deadlines
from tariffcore.cli.settle_example import example
from tariffcore.cli.settle_month import month
from tariffcore.cli.settle_outputs import report, statement


@click.group(short_help="Settle a month: from claims to what is paid.")
def settle() -> None:
    """Settle providers' months against their contracts: deductions, linear scale, advances, limits.

    Begin with 'settle example DIR', which writes two made-up months with all tables. What is settled stands
    in a book (--book), a SQLite file or a PostgreSQL database by its URL. It is never changed, only
    corrected.
    """


for command in (example, contracts, advances, month, statement, report, correct, backdated, deadlines):
    settle.add_command(command)
