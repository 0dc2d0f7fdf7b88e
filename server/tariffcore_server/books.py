"""The book of settled months that the settings name, opened to be read, and the rules it is read by."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from tariffcore.errors import Problem, ProblemsError
from tariffcore_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from tariffcore.settlement.book.reading import ReadBook
    from tariffcore.settlement.rules import SettlementRules


def rules_folder(settings: Settings) -> Path | None:
    """The folder of settlement rules; None where no book is named. Raises ProblemsError if there is none."""
    if settings.book is None:
        return None
    if find_spec("sqlalchemy") is None or find_spec("alembic") is None or find_spec("holidays") is None:
        way_out = "pip install 'tariffcore[settlement]', or serve without a book"
        problem = Problem("settings", "book", None, "needs what is not installed here", way_out)
        raise SettingsError("the book cannot be opened", [problem])
    from tariffcore.settlement.rules_reading import resolve_rules

    return resolve_rules(settings.settlement_rules)


def read_book_rules(folder: Path) -> SettlementRules:
    """The rules of a folder. Raises ProblemsError with all that is wrong in them."""
    from tariffcore.settlement.rules_reading import read_rules

    return read_rules(folder)


def open_book(settings: Settings, rules: SettlementRules | ProblemsError | None) -> ReadBook | None:
    """None where no book is named. ``rules`` may be what is wrong with them.

    Raises ProblemsError with all that is wrong with the rules and with the book.
    """
    if settings.book is None or rules is None:
        return None
    from tariffcore.settlement.book.reading import ReadBook, require_book

    if not isinstance(rules, ProblemsError):
        lines_folder = None if settings.book_lines is None else Path(settings.book_lines)
        return ReadBook(settings.book, rules, lines_folder)
    try:
        require_book(settings.book)
    except ProblemsError as error:
        raise SettingsError(f"{rules.summary}; {error.summary}", [*rules.problems, *error.problems]) from None
    raise rules


def open_book_by_settings(settings: Settings) -> ReadBook | None:
    """The book with its rules as their folder has them now; raises as `open_book`."""
    try:
        folder = rules_folder(settings)
    except SettingsError:
        raise
    except ProblemsError as error:
        return open_book(settings, error)
    if folder is None:
        return None
    try:
        rules = read_book_rules(folder)
    except ProblemsError as error:
        return open_book(settings, error)
    return open_book(settings, rules)
