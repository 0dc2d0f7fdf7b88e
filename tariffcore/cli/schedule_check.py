"""``tariffcore schedule check``: everything that is wrong with schedule folders, all at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE, UNUSABLE, tell
from tariffcore.cli.schedule_words import edition_rows, heading
from tariffcore.cli.screen import say, say_bold
from tariffcore.cli.tables import show_facts

if TYPE_CHECKING:
    from tariffcore.errors import CatalogError
    from tariffcore.schedule.model import Schedule


@click.command(short_help="Check schedule folders, all problems at once.")
@click.argument("schedules", metavar="DIR...", nargs=-1, required=True)
def check(schedules: tuple[str, ...]) -> int:
    """Check schedule folders: each file, how they fit together, and every published tariff to the tiyn."""
    from tariffcore.errors import CatalogError, ScheduleError
    from tariffcore.schedule.folder import read_schedule

    code = DONE
    sound: list[Schedule] = []
    for folder in _folders(schedules):
        if isinstance(folder, CatalogError):
            code = tell(folder)
            continue
        try:
            schedule = read_schedule(folder)
        except ScheduleError as error:
            code = tell(error)
            continue
        sound.append(schedule)
        say_bold(heading(schedule))
        show_facts(edition_rows(schedule))
        say()
    code = max(code, _check_together(sound))
    if code == DONE:
        say("no problems")
    return code


def _folders(names: tuple[str, ...]) -> list[Path | CatalogError]:
    """The folders that the names mean, each once, or why a name means none."""
    from tariffcore.errors import CatalogError
    from tariffcore.schedule.shipped import resolve

    found: dict[Path, Path | CatalogError] = {}
    for name in names:
        try:
            for folder in resolve([name]):
                found.setdefault(folder.resolve(), folder)
        except CatalogError as error:
            found[Path(f"?{name}")] = error
    return list(found.values())


def _check_together(schedules: list[Schedule]) -> int:
    """Editions of one family must be usable together."""
    from tariffcore.errors import CatalogError
    from tariffcore.schedule.catalog import Catalog

    families: dict[str, list[Schedule]] = {}
    for schedule in schedules:
        families.setdefault(schedule.tariff_family, []).append(schedule)
    code = DONE
    for editions in families.values():
        try:
            Catalog.of(editions)
        except CatalogError as error:
            code = max(code, tell(error))
    return UNUSABLE if code else DONE
