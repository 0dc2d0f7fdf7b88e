"""``tariffcore cost template``: empty tables for an accountant to fill in."""

from __future__ import annotations

from pathlib import Path

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say


@click.command(short_help="Write empty tables to fill in.")
@click.argument("folder", metavar="DIR", type=FILE)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["csv", "xlsx"]),
    default="csv",
    show_default=True,
    help="Text files, or workbooks with a note on each column.",
)
def template(folder: Path, file_format: str) -> int:
    """Write a folder DIR with costing.toml and the empty tables of a costing run, and what each column
    holds."""
    from tariffcore.costing.templates import write_templates

    names = write_templates(folder, file_format)
    say(f"wrote {', '.join(names)} to {folder}")
    say("README.md says what each column holds; fill in cases or treated, and remove the other")
    return DONE
