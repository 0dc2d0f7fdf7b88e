"""``tariffcore cost``: from real costs to tariffs, and how much of payments is capital."""

from __future__ import annotations

import click

from tariffcore.cli.cost_example import example
from tariffcore.cli.cost_payments import payments
from tariffcore.cli.cost_run import run
from tariffcore.cli.cost_template import template


@click.group(short_help="Make tariffs of real costs, capital included.")
def cost() -> None:
    """Make tariffs of hospitals' real costs: ledger, cost centres, assets and statistics in, a schedule out.

    Begin with 'cost template DIR' (tables to fill in) or 'cost example DIR' (filled in, made up).
    """


for command in (template, example, run, payments):
    cost.add_command(command)
