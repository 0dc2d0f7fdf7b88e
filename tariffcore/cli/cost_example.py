"""``tariffcore cost example``: three made-up hospitals, ready to run."""

from __future__ import annotations

import shlex
from pathlib import Path

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say


@click.command(short_help="Write a worked example: three made-up hospitals.")
@click.argument("folder", metavar="DIR", type=FILE)
def example(folder: Path) -> int:
    """Write a worked example into a new folder DIR: three hospitals, a year, sixty groups, all SYNTHETIC."""
    from tariffcore.costing.example import write_example

    write_example(folder)
    say(f"wrote the SYNTHETIC costs of three hospitals to {folder}")
    command = shlex.join(["cost", "run", str(folder), "-o", "costed", "--report", "report.html"])
    say(f"make tariffs of them: tariffcore {command}")
    return DONE
