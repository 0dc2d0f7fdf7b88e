"""Options that several commands share, and the values they take."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from tariffcore.schedule.catalog import Catalog
    from tariffcore.schedule.model import Schedule

_Command = TypeVar("_Command", bound=Callable[..., Any])

DEFAULT_SCHEDULE = "kz"
LANGUAGES = ("en", "ru", "kk")
MAX_THREADS = 256

FILE = click.Path(path_type=Path)
"""A file or folder. Whether it is there is for the command to say, which knows what it should be."""

_POINTED = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(.*)")
_TIME = re.compile(r"[ T]([0-9]{2}):([0-9]{2})(?::([0-9]{2}))?")
_ISO = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(.*)")


class Day(click.ParamType):  # type: ignore[type-arg]
    """A day of the calendar, ``2026-01-31`` or ``31.01.2026``."""

    name = "date"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> date:  # noqa: ANN401
        from tariffcore.schedule.values import UnreadableValueError, day_value

        if isinstance(value, date):
            return value
        pointed = _POINTED.fullmatch(value.strip())
        if pointed is not None and not pointed[4]:
            value = f"{pointed[3]}-{pointed[2]:0>2}-{pointed[1]:0>2}"
        try:
            return day_value(value)
        except UnreadableValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


class Moment(click.ParamType):  # type: ignore[type-arg]
    """A day, or a day with a time: ``2026-01-31``, ``2026-01-31 10:30``, ``31.01.2026 10:30``."""

    name = "date"

    def convert(
        self,
        value: Any,  # noqa: ANN401
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> date | datetime:
        if isinstance(value, date):
            return value
        text = value.strip()
        pointed = _POINTED.fullmatch(text)
        iso = _ISO.fullmatch(text)
        try:
            if pointed is not None:
                day, month, year = (int(part) for part in pointed.groups()[:3])
                found, rest = date(year, month, day), pointed[4]
            elif iso is not None:
                found, rest = date.fromisoformat(iso[1]), iso[2]
            else:
                self.fail(f"{value!r} is not a date; write 2026-01-31 or '2026-01-31 10:30'", param, ctx)
            if not rest:
                return found
            time = _TIME.fullmatch(rest)
            if time is None:
                self.fail(f"{value!r} has no time after its date; write '2026-01-31 10:30'", param, ctx)
            hour, minute, second = (int(part or 0) for part in time.groups())
            return datetime(found.year, found.month, found.day, hour, minute, second)
        except ValueError:
            self.fail(f"{value!r} is not a day and time of the calendar", param, ctx)


class ExactNumber(click.ParamType):  # type: ignore[type-arg]
    """An exact decimal above or below zero: ``174722.63``, or as people write it, ``174 722,63``."""

    name = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Fraction:  # noqa: ANN401
        from tariffcore.schedule.values import UnreadableValueError, decimal_value

        if isinstance(value, Fraction):
            return value
        with suppress(UnreadableValueError):  # a point is the decimal mark wherever that can be
            return decimal_value(value)
        from tariffcore.money import format_exact
        from tariffcore.schedule.importing.numbers_as_printed import read_printed_number

        try:
            printed = read_printed_number(value)
        except UnreadableValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)
        if printed.with_comma is not None and printed.with_point is not None and printed.ambiguous:
            readings = f"{format_exact(printed.with_comma)} or {format_exact(printed.with_point)}"
            self.fail(f"{value!r} could be {readings}; write one of them", param, ctx)
        found = printed.with_comma if printed.with_comma is not None else printed.with_point
        assert found is not None, "a printed number has at least one reading"
        return found


class Amount(ExactNumber):
    """An amount of money, exact."""

    name = "amount"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Decimal:  # type: ignore[override]  # noqa: ANN401
        if isinstance(value, Decimal):
            return value
        from tariffcore.money import format_exact

        return Decimal(format_exact(super().convert(value, param, ctx)))


def schedule_option(default: str) -> Callable[[_Command], _Command]:
    """``-s``, as often as there are editions."""
    return click.option(
        "-s",
        "--schedule",
        "schedules",
        metavar="DIR",
        multiple=True,
        default=(default,),
        show_default=True,
        help="A schedule folder, or a shipped edition or family of them (see 'schedule list'). Repeatable.",
    )


as_of_option = click.option(
    "--as-of",
    type=Day(),
    help="Use only editions published by this day. Without it, the latest published applies.",
)
deciding_date_option = click.option(
    "--deciding-date",
    type=click.Choice(["discharge", "admission"]),
    default="discharge",
    show_default=True,
    help="Which date of a case decides which edition applies.",
)
language_option = click.option(
    "--language",
    type=click.Choice(LANGUAGES),
    default="en",
    show_default=True,
    help="Language of the words: English, Russian, Kazakh.",
)
threads_option = click.option(
    "--threads",
    type=click.IntRange(1, MAX_THREADS),
    help="How many threads work at once.  [default: one for each processor]",
)
mapping_option = click.option(
    "--mapping",
    metavar="FILE|PRESET",
    help="Whose headers and words the file has: a mapping file, or a preset such as ersb.",
)
sheet_option = click.option("--sheet", metavar="NAME", help="The sheet of an XLSX workbook.")


def open_catalog(names: Sequence[str], as_of: date | None, deciding_date: str) -> Catalog:
    """The catalog of the editions that ``-s`` names."""
    from tariffcore.schedule.catalog import DecidingDate, read_catalog
    from tariffcore.schedule.shipped import resolve

    return read_catalog(resolve(names), as_of, DecidingDate(deciding_date))


def open_edition(name: str) -> Schedule:
    """The one edition that a name or folder means."""
    from tariffcore.errors import CatalogError, Problem
    from tariffcore.schedule.folder import read_schedule
    from tariffcore.schedule.shipped import resolve, shipped_editions

    folders = resolve([name])
    if len(folders) != 1:
        # an edition may be called as its family is: the one edition is meant
        folders = tuple(edition.folder for edition in shipped_editions() if edition.id == name) or folders
    if len(folders) != 1:
        problem = Problem(
            "schedule",
            None,
            name,
            f"is a family of {len(folders)} editions, and one is needed",
            f"name one of them: {', '.join(folder.name for folder in folders)}",
        )
        raise CatalogError("this is more than one schedule", [problem])
    return read_schedule(folders[0])
