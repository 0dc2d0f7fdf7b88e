"""Pages get their name when they are whole, and take no other thing's place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from tariffcore.errors import SettlementError
from tariffcore.html_page import write_page


def test_a_page_takes_the_place_of_a_page(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    for text in ("one", "two"):
        write_page(text, page, SettlementError)
        assert page.read_text(encoding="utf-8") == text
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_a_page_never_takes_the_place_of_what_is_no_file(tmp_path: Path) -> None:
    """Whoever may write in /dev would replace /dev/null for everybody."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path in (pipe, tmp_path):
        with pytest.raises(SettlementError, match="this is not an ordinary file; give the name of a file"):
            write_page("page", path, SettlementError)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_page_that_cannot_be_written_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(SettlementError, match="cannot be written"):
        write_page("page", tmp_path / "none" / "page.html", SettlementError)
