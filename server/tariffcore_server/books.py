"""The book of settled months that the settings name, opened to be read."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from tariffcore.errors import Problem
from tariffcore_server.settings import Settings, SettingsError

if TYPE_CHECKING:
    from tariffcore.settlement.book.reading import ReadBook


def open_book(settings: Settings) -> ReadBook | None:
    """None where no book is named. Raises ProblemsError where it, or its rules, cannot be read."""
    if settings.book is None:
        return None
    if find_spec("sqlalchemy") is None or find_spec("alembic") is None or find_spec("holidays") is None:
        way_out = "pip install 'tariffcore[settlement]', or serve without a book"
        problem = Problem("settings", "book", None, "needs what is not installed here", way_out)
        raise SettingsError("the book cannot be opened", [problem])
    from tariffcore.settlement.book.reading import ReadBook
    from tariffcore.settlement.rules_reading import read_rules, resolve_rules

    return ReadBook(settings.book, read_rules(resolve_rules(settings.settlement_rules)))
