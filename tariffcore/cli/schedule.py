"""``tariffcore schedule``: list, check, show and compare tariff schedules, or import a published table."""

from __future__ import annotations

import click

from tariffcore.cli.schedule_check import check
from tariffcore.cli.schedule_diff import diff
from tariffcore.cli.schedule_import import import_
from tariffcore.cli.schedule_list import list_
from tariffcore.cli.schedule_show import show


@click.group(short_help="List, check, show, compare and import schedules.")
def schedule() -> None:
    """Check, show, compare, list and import tariff schedules.

    A schedule is a folder with a schedule.toml, or one that ships with tariffcore, by its name.
    """


for command in (list_, check, show, diff, import_):
    schedule.add_command(command)
