"""Tables that are readable at 80 columns: texts wrap, numbers never do, and nothing is cut off."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from tariffcore.cli.screen import console, say, speaks_unicode
from tariffcore.labelling import Labels, printable
from tariffcore.money import format_minor, round_to_int

if TYPE_CHECKING:
    from rich.table import Table

LABEL_COLUMNS = 14
"""How wide the left column of `show_facts` is at least; a digest of 64 characters fits beside it."""

LONGEST_WORD = 14
"""A column of text is at least this wide, or as its longest word: a word is not folded letter by letter."""

SHORTEST_TEXT = 24
"""How wide its right column is at least, however narrow the terminal."""

_RULED_IN_ASCII = "    \n    \n -- \n    \n    \n    \n    \n    \n"
"""A box of rich, part by part: a rule under the header and nothing else."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> Table:
    """Rows under a ruled header; the last ``numbers`` columns are numbers: to the right, never wrapped."""
    from rich.box import SIMPLE_HEAD, Box
    from rich.table import Table
    from rich.text import Text

    ruled = SIMPLE_HEAD if speaks_unicode(sys.stdout) else Box(_RULED_IN_ASCII, ascii=True)
    made = Table(box=ruled, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    rows = list(rows)
    for position, name in enumerate(columns):
        is_number = position >= len(columns) - numbers
        words = [word for cells in ([name], *([row[position]] for row in rows)) for word in cells[0].split()]
        made.add_column(
            Text(name, style="bold"),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            min_width=None if is_number else min(LONGEST_WORD, max(map(len, words), default=0)),
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    return made


def show_facts(rows: Sequence[tuple[str, str]]) -> None:
    """Names on the left, what they are on the right; long texts continue below their beginning.

    A word too long for its column (a path, a digest) is longer than the line, never broken.
    """
    columns = max([LABEL_COLUMNS, *(len(name) for name, _ in rows)]) + 2
    width = max(console().width, columns + SHORTEST_TEXT)
    for name, words in rows:
        first = printable(name).ljust(columns)
        lines = textwrap.wrap(
            printable(words),
            width,
            initial_indent=first,
            subsequent_indent=" " * columns,
            break_long_words=False,
            break_on_hyphens=False,
        )
        for line in lines or [first]:
            say(line.rstrip())


def percent(part: int, whole: int, labels: Labels) -> str:
    """A share of the whole as per cent with one decimal, half up."""
    if whole == 0:
        return ""
    tenths = round_to_int(Fraction(part * 1000, whole))
    return labels.number(format_minor(tenths, 1))


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 problem``, ``2,000 problems``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
