"""Tables that are readable at 80 columns: texts wrap, numbers never do, and nothing is cut off."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from tariffcore.labelling import Labels, printable
from tariffcore.money import format_minor, round_to_int

if TYPE_CHECKING:
    from rich.table import Table

LABEL_COLUMNS = 14
"""How wide the left column of `facts` is at least; a digest of 64 characters fits beside it."""


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> Table:
    """Rows under a ruled header; the last ``numbers`` columns are numbers: to the right, never wrapped."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for position, name in enumerate(columns):
        is_number = position >= len(columns) - numbers
        made.add_column(
            Text(name, style="bold"),
            justify="right" if is_number else "left",
            no_wrap=is_number,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(printable(cell)) for cell in row))
    return made


def facts(rows: Iterable[tuple[str, str]]) -> Table:
    """Names on the left, what they are on the right; long texts continue below their beginning."""
    from rich.table import Table
    from rich.text import Text

    made = Table.grid(padding=(0, 2, 0, 0))
    made.add_column(no_wrap=True, min_width=LABEL_COLUMNS)
    made.add_column(overflow="fold")
    for name, words in rows:
        made.add_row(Text(name), Text(printable(words)))
    return made


def percent(part: int, whole: int, labels: Labels) -> str:
    """A share of the whole as per cent with one decimal, half up."""
    if whole == 0:
        return ""
    tenths = round_to_int(Fraction(part * 1000, whole))
    return labels.number(format_minor(tenths, 1))


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """``1 problem``, ``2,000 problems``."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
