"""``tariffcore schedule list``: the schedules that ship with tariffcore."""

from __future__ import annotations

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.schedule_words import edition_rows, heading
from tariffcore.cli.screen import say, say_bold
from tariffcore.cli.tables import show_facts


@click.command("list", short_help="List the schedules that ship with tariffcore.")
def list_() -> int:
    """List the schedules that ship with tariffcore: families and their editions."""
    from tariffcore.schedule.folder import read_schedule
    from tariffcore.schedule.shipped import shipped_editions

    for position, shipped in enumerate(shipped_editions()):
        schedule = read_schedule(shipped.folder)
        if position:
            say()
        say_bold(heading(schedule))
        show_facts([("family", schedule.tariff_family), *edition_rows(schedule)])
    return DONE
