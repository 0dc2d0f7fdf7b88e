"""CSV tables of a schedule folder: header, rows with their lines, and cells read as exact values."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from tariffcore.errors import Problem
from tariffcore.schedule.values import (
    UnreadableValueError,
    choice,
    code_value,
    day_value,
    decimal_value,
    instead_of,
    not_negative,
    positive,
    share_value,
    whole_value,
    word_value,
    yes_or_no,
)

_Value = TypeVar("_Value")
_Enum = TypeVar("_Enum", bound=StrEnum)


@dataclass(slots=True)
class Unread:
    """What of the tables of a folder could not be read, so that nothing that rests on it is judged.

    cells  by file, line and column; line 0: the column in every row
    files  of which rows are missing, or all
    """

    cells: set[tuple[str, int, str]] = field(default_factory=set)
    files: set[str] = field(default_factory=set)


class CsvRow:
    """One row. A cell that cannot be read adds a problem, is listed in ``unread`` and reads as None; so does
    an empty required one."""

    def __init__(
        self, file: str, line: int, cells: Mapping[str, str], problems: list[Problem], unread: Unread
    ) -> None:
        self.file = file
        self.line = line
        self.cells = cells
        self.problems = problems
        self.unread = unread

    @property
    def place(self) -> str:
        """``kz-2026/groups.csv:14``."""
        return f"{self.file}:{self.line}"

    def note(self, column: str | None, value: str | None, message: str, way_out: str) -> None:
        """Adds a problem with this row."""
        self.problems.append(Problem(self.place, column, value, message, way_out))

    def do_not_judge(self, column: str) -> None:
        """Lists the cell as unread."""
        self.unread.cells.add((self.file, self.line, column))

    def _read(self, column: str, required: bool, convert: Callable[[str], _Value]) -> _Value | None:
        if column not in self.cells:  # the header lacks it, and the problem is with the header
            return None
        cell = self.cells[column]
        if not cell:
            if required:
                self.do_not_judge(column)
                self.note(column, None, "is empty", f"every row needs its {column} (or remove the row)")
            return None
        try:
            return convert(cell)
        except UnreadableValueError as error:
            self.do_not_judge(column)
            self.note(column, cell, error.message, error.way_out)
            return None

    def value(self, column: str, convert: Callable[[str], _Value], *, required: bool = True) -> _Value | None:
        """What ``convert`` makes of the cell; it raises UnreadableValueError for what is none."""
        return self._read(column, required, convert)

    def text(self, column: str, *, required: bool = True) -> str | None:
        return self._read(column, required, lambda cell: cell)

    def code(self, column: str, *, required: bool = True) -> str | None:
        return self._read(column, required, code_value)

    def word(self, column: str, *, required: bool = True) -> str | None:
        return self._read(column, required, word_value)

    def words(self, column: str) -> frozenset[str]:
        """Words separated by ``;``, possibly none."""
        words: set[str] = set()
        for piece in self.cells.get(column, "").split(";"):
            word = piece.strip()
            if word in words:
                self.note(column, self.cells[column], f"{word!r} is listed more than once", "list it once")
            if word:
                words.add(word)
        return frozenset(words)

    def positive_decimal(self, column: str, *, required: bool = True) -> Fraction | None:
        return self._read(column, required, lambda cell: positive(decimal_value(cell)))

    def decimal_from_zero(self, column: str, *, required: bool = True) -> Fraction | None:
        return self._read(column, required, lambda cell: not_negative(decimal_value(cell)))

    def positive_share(self, column: str) -> Fraction | None:
        return self._read(column, True, lambda cell: positive(share_value(cell)))

    def share_from_zero(self, column: str) -> Fraction | None:
        return self._read(column, True, lambda cell: not_negative(share_value(cell)))

    def whole(self, column: str, low: int, high: int) -> int | None:
        return self._read(column, False, lambda cell: whole_value(cell, low, high))

    def day(self, column: str, *, required: bool = True) -> date | None:
        return self._read(column, required, day_value)

    def yes_or_no(self, column: str) -> bool | None:
        return self._read(column, True, yes_or_no)

    def member(
        self, column: str, kind: type[_Enum], *, required: bool = True, among: Sequence[_Enum] | None = None
    ) -> _Enum | None:
        """One of a closed list."""
        names = [member.value for member in (kind if among is None else among)]
        return self._read(column, required, lambda cell: kind(choice(cell, names)))


def read_csv(
    file: str,
    text: str,
    columns: Sequence[str],
    problems: list[Problem],
    unread: Unread,
    *,
    also_called: Mapping[str, str] | None = None,
    more_columns_hint: str = "",
    any_more_columns: bool = False,
    optional: Sequence[str] = (),
) -> Iterator[CsvRow]:
    """The rows of a table whose header is exactly these columns, in any order.

    ``also_called`` maps another accepted name of a column to the column. Rows without a single filled
    cell are passed over. A column that the header lacks is unread in every row; where most are lacking, this
    is another table, and only the header is reported. ``any_more_columns`` accepts further columns unread
    (used where their list could not be read); ``optional`` are columns that a table may do without.
    """
    lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    known = frozenset((*columns, *optional))
    width = 0
    told_of_header = False
    header: list[str] | None = None
    while True:
        line = lines.line_num + 1
        try:
            record = next(lines)
        except StopIteration:
            break
        except csv.Error as error:
            problems.append(
                Problem(
                    f"{file}:{line}",
                    None,
                    None,
                    f"the row cannot be read as CSV ({error})",
                    'a cell with a comma or a quotation mark is written "like this", '
                    "with every quotation mark inside doubled",
                )
            )
            unread.files.add(file)
            return
        cells = [cell.strip() for cell in record]
        if not any(cells):
            continue
        if header is None:
            told = len(problems)
            header = _header(
                file,
                line,
                cells,
                columns,
                problems,
                unread,
                also_called or {},
                more_columns_hint,
                any_more_columns,
                optional,
            )
            if header is None:
                unread.files.add(file)
                return
            width = len(header)
            told_of_header = len(problems) > told
        elif len(cells) != width and told_of_header:
            unread.files.add(file)  # the header may be what is wrong with this row
        elif len(cells) != width:
            unread.files.add(file)
            problems.append(
                Problem(
                    f"{file}:{line}",
                    None,
                    ",".join(record),
                    f"the row has {len(cells)} cells, the header {width}",
                    'give every column its cell; a cell with a comma in it is written "in quotation marks"',
                )
            )
        else:
            readable = {name: cell for name, cell in zip(header, cells, strict=True) if name in known}
            yield CsvRow(file, line, readable, problems, unread)
    if header is None:
        unread.files.add(file)
        problems.append(
            Problem(
                f"{file}:1", None, None, "the file is empty", f"begin it with the header {','.join(columns)}"
            )
        )


def _header(
    file: str,
    line: int,
    cells: list[str],
    columns: Sequence[str],
    problems: list[Problem],
    unread: Unread,
    also_called: Mapping[str, str],
    more_columns_hint: str,
    any_more_columns: bool,
    optional: Sequence[str],
) -> list[str] | None:
    """The header's columns by their own names, blank where a name says nothing; None where they are not those
    of this table."""
    place = f"{file}:{line}"
    for separator, called in ((";", "semicolons"), ("\t", "tabs")):
        if len(cells) == 1 and separator in cells[0]:
            problems.append(
                Problem(
                    place, None, cells[0], f"the columns are separated by {called}", "separate them by commas"
                )
            )
            return None
    names = [also_called.get(cell, cell) for cell in cells]
    known = (*columns, *optional)
    missing = [column for column in columns if column not in names]
    for cell, name in zip(cells, names, strict=True):
        if name not in known and not any_more_columns:
            way_out = instead_of(cell, missing or known, more_columns_hint)
            message = "is not a column of this table" if cell else "a column without a name"
            problems.append(Problem(place, cell or None, cell or None, message, way_out))
    twice = [name for name in dict.fromkeys(names) if name and names.count(name) > 1]
    problems.extend(
        Problem(place, name, name, "the column stands in the header more than once", "keep one of them")
        for name in twice
    )
    for column in missing:
        problems.append(
            Problem(
                place, column, None, "the column is missing", "add it; cells that do not apply stay empty"
            )
        )
    unread.cells.update((file, 0, column) for column in (*missing, *twice))
    if len(missing) * 2 > len(columns):
        return None
    return ["" if name in twice else name for name in names]


def seen_before(
    row: CsvRow, column: str, key: object, shown: str, lines: dict[object, int], what: str
) -> bool:
    """Whether a key stands in an earlier row too; then a problem names both lines."""
    if key in lines:
        row.note(column, shown, f"{what} stands in line {lines[key]} already", "keep one of the two rows")
        return True
    lines[key] = row.line
    return False
