"""``tariffcore settle example``: two made-up months of five providers, ready to settle."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say


@click.command(short_help="Write a worked example: five made-up providers, two months.")
@click.argument("folder", metavar="DIR", type=FILE)
def example(folder: Path) -> int:
    """Write a worked example into a new folder DIR: contracts, advances and two months, all SYNTHETIC."""
    from tariffcore.settlement.example import MONTHS, SCHEDULE, write_example

    write_example(folder)
    say(f"wrote SYNTHETIC contracts, rules and two months of claims to {folder}; settle them:")
    book, rules = ["--book", "book.db"], ["--rules", str(folder / "rules")]
    commands = [
        ["contracts", str(folder / "contracts.csv"), *book, *rules],
        ["advances", str(folder / "advances.csv"), *book, *rules],
    ]
    for month in MONTHS:
        of = folder / str(month)
        tables = [
            part for name in ("defects", "held", "other") for part in (f"--{name}", str(of / f"{name}.csv"))
        ]
        commands.append(
            ["month", str(of / "cases.csv"), "--month", str(month), "-s", SCHEDULE, *book, *rules, *tables]
        )
    for command in commands:
        say(f"  tariffcore settle {shlex.join(command)}")
    return DONE
