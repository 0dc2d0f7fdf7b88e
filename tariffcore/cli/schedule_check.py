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


_SHOWN = 8


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
        _say_of_rules(schedule)
        say()
    code = max(code, _check_together(sound))
    if code == DONE:
        say("no problems")
    return code


def _say_of_rules(schedule: Schedule) -> None:
    """What is worth knowing of grouping rules that can be used."""
    if schedule.grouping is None:
        return
    from tariffcore.grouping.findings import findings

    found = findings(schedule)
    overlaps = [f"{pair.one.rule_id} and {pair.other.rule_id}" for pair in found.overlaps]
    for count, what, named in (
        (len(overlaps), "pairs of rules of equal rank that can hold for one case (AMBIGUOUS)", overlaps),
        (len(found.groups_without_rule), "groups without a rule", found.groups_without_rule),
        (len(found.diagnoses_uncovered), "diagnoses that no rule covers", found.diagnoses_uncovered),
        (len(found.procedures_uncovered), "procedures that no rule covers", found.procedures_uncovered),
    ):
        if count:
            more = ", …" if count > _SHOWN else ""
            say(f"note: {count} {what}: {', '.join(named[:_SHOWN])}{more}")


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
