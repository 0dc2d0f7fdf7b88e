"""Options and values that the commands of settlement share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tariffcore.cli.options import FILE

if TYPE_CHECKING:
    from tariffcore.settlement.book.records import Book
    from tariffcore.settlement.calendar_month import Month
    from tariffcore.settlement.rules import SettlementRules

_Command = TypeVar("_Command", bound=Callable[..., Any])

DEFAULT_BOOK = "settlement.db"
DEFAULT_RULES = "kz-2026"


class MonthOfYear(click.ParamType):  # type: ignore[type-arg]
    """A calendar month: ``2026-05`` or ``05.2026``."""

    name = "month"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Month:  # noqa: ANN401
        from tariffcore.schedule.values import UnreadableValueError
        from tariffcore.settlement.calendar_month import Month, month_value

        if isinstance(value, Month):
            return value
        try:
            return month_value(value)
        except UnreadableValueError as error:
            self.fail(f"{value!r} {error}", param, ctx)


month_option = click.option("--month", type=MonthOfYear(), required=True, help="The month: 2026-05.")
rules_option = click.option(
    "--rules",
    default=DEFAULT_RULES,
    show_default=True,
    metavar="DIR",
    help="A folder of settlement rules, or the name of those shipped.",
)


list_lines_option = click.option(
    "--list-lines",
    "list_lines",
    type=FILE,
    metavar="FILE",
    help="Write every line of the month with what became of it: .csv, .parquet, .arrow, .xlsx.",
)


def book_options(command: _Command) -> _Command:
    """``--book`` and ``--lines``."""
    lines = click.option(
        "--lines",
        "lines_folder",
        type=FILE,
        metavar="DIR",
        help="Where the files of settled lines are kept.  [default: beside the book; needed for a database]",
    )
    book = click.option(
        "--book",
        "book_place",
        default=DEFAULT_BOOK,
        show_default=True,
        envvar="TARIFFCORE_BOOK",
        metavar="FILE|URL",
        help="The book: a file (SQLite), or postgresql://…  Also: TARIFFCORE_BOOK.",
    )
    return book(lines(command))


def require_settlement() -> None:
    """Says in words what is missing where the extra is not installed."""
    if find_spec("sqlalchemy") is None or find_spec("alembic") is None or find_spec("holidays") is None:
        way_out = "pip install 'tariffcore[settlement]'"
        raise click.UsageError(f"settlement needs what is not installed here: {way_out}")


def require_apart(
    outputs: Mapping[str, Path | None], inputs: Mapping[str, Path | None], book_place: str
) -> None:
    """No output may replace what is read, another output, or the book. Both by what they are called."""
    from tariffcore.errors import Problem, SettlementError
    from tariffcore.files.writing import is_same_file

    others = {**inputs, "the book": None if "://" in book_place else Path(book_place)}
    problems = []
    for option, path in outputs.items():
        if path is None:
            continue
        for name, other in others.items():
            if other is not None and is_same_file(path, other):
                problems.append(
                    Problem(str(path), option, None, f"this would overwrite {name}", "choose another name")
                )
        others[option] = path
    if problems:
        raise SettlementError("nothing was done", problems)


@contextmanager
def open_book(place: str, lines_folder: Path | None, *, must_exist: bool = True) -> Iterator[Book]:
    """The book of ``--book``; what is only read is not made."""
    require_settlement()
    from tariffcore.errors import Problem, SettlementError
    from tariffcore.settlement.book.records import Book

    if must_exist and "://" not in place and not Path(place).exists():
        way_out = "name one with --book, or begin one with 'settle contracts'"
        raise SettlementError(
            "the book cannot be opened", [Problem(place, None, None, "there is no such book", way_out)]
        )
    book = Book.open(place, lines_folder)
    try:
        yield book
    finally:
        book.close()


def open_rules(name: str) -> SettlementRules:
    require_settlement()
    from tariffcore.settlement.rules_reading import read_rules, resolve_rules

    return read_rules(resolve_rules(name))
