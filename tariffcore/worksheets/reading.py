"""Tables as people save them, CSV or XLSX, as blocks of text cells with their lines; values column by column.

A cell that cannot be read is a problem with its line and reads as None; the run stops after all of them
are found.
"""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import TypeVar

import python_calamine as calamine

from tariffcore.errors import ImportTableError
from tariffcore.files.csv_encoding import detect_encoding
from tariffcore.files.xlsx_reading import cell_text
from tariffcore.schedule.importing.table_reading import refuse_overlarge_workbook
from tariffcore.schedule.values import UnreadableValueError, instead_of
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.table import Table
from tariffcore.xlsx_errors import error_cells

_Value = TypeVar("_Value")

BLOCK_ROWS = 1 << 14
_MAX_CELLS = 16 << 20
"""Of a sheet: a full one of 1,048,576 rows and the columns that the widest table has."""
_MAX_UNPACKED_BYTES = 2 << 30
_MIDNIGHT = " 00:00:00"


@dataclass(slots=True)
class Block:
    """Some rows of a table: their lines, and the text of their cells by column ("" where empty)."""

    place: str
    lines: Sequence[int]
    cells: dict[str, Sequence[str]]
    problems: ProblemList

    def __len__(self) -> int:
        return len(self.lines)

    def note(self, row: int, column: str | None, value: str | None, message: str, way_out: str) -> None:
        self.problems.note(f"{self.place}:{self.lines[row]}", column, value, message, way_out)

    def read(
        self,
        column: str,
        convert: Callable[[str], _Value],
        *,
        required: bool = True,
        known: dict[str, _Value | None] | None = None,
    ) -> list[_Value | None]:
        """The values of a column; None where a cell is empty or unreadable.

        ``known`` remembers what was read before, for columns with few different texts.
        """
        texts = self.cells.get(column)
        if texts is None:
            return [None] * len(self)
        if known is None:
            return [self._value(row, column, text, convert, required) for row, text in enumerate(texts)]
        values: list[_Value | None] = []
        for row, text in enumerate(texts):
            value = known.get(text)
            if value is None:
                value = self._value(row, column, text, convert, required)
                if value is not None:
                    known[text] = value
            values.append(value)
        return values

    def _value(
        self, row: int, column: str, text: str, convert: Callable[[str], _Value], required: bool
    ) -> _Value | None:
        if not text:
            if required:
                self.note(row, column, None, "is empty", f"every row needs its {column} (or remove the row)")
            return None
        try:
            return convert(text)
        except UnreadableValueError as error:
            self.note(row, column, text, error.message, error.way_out)
            return None


def read_blocks(path: Path, place: str, table: Table, problems: ProblemList) -> Iterator[Block]:
    """The rows of a file as blocks; blank rows are passed over.

    A table that cannot be read at all, or whose header is another's, is a problem and has no blocks.
    """
    rows = _xlsx_rows(path, place, problems) if path.suffix == ".xlsx" else _csv_rows(path, place, problems)
    header: list[str] | None = None
    before = len(problems)
    while taken := list(islice(rows, BLOCK_ROWS)):
        if header is None:
            line, cells = taken.pop(0)
            header = _header(place, line, cells, table, problems)
            if header is None:
                return
        good = []
        for line, cells in taken:
            if len(cells) > len(header) and not any(cells[len(header) :]):
                cells = cells[: len(header)]
            if len(cells) != len(header):
                problems.note(
                    f"{place}:{line}",
                    None,
                    None,
                    f"the row has {len(cells)} cells, the header {len(header)}",
                    'give every column its cell; a cell with a comma in it is written "in quotation marks"',
                )
            else:
                good.append((line, cells))
        if good:
            columns = list(zip(*(cells for _, cells in good), strict=True))
            yield Block(
                place,
                [line for line, _ in good],
                {name: columns[position] for position, name in enumerate(header)},
                problems,
            )
    if header is None and len(problems) == before:
        problems.note(
            f"{place}:1",
            None,
            None,
            "the file is empty",
            f"begin it with the header {','.join(table.required_columns)}",
        )


def _header(
    place: str, line: int, cells: Sequence[str], table: Table, problems: ProblemList
) -> list[str] | None:
    names = list(cells)
    while names and not names[-1]:
        names.pop()
    missing = [column for column in table.required_columns if column not in names]
    wrong = False
    for name in names:
        if name not in table.column_names:
            way_out = instead_of(name, missing or table.column_names, "or remove the column")
            problems.note(
                f"{place}:{line}", name or None, name or None, "is not a column of this table", way_out
            )
            wrong = True
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.note(f"{place}:{line}", name, name, "stands in the header twice", "keep one of them")
            wrong = True
    for column in missing:
        problems.note(
            f"{place}:{line}",
            column,
            None,
            "the column is missing",
            "add it; cells that do not apply stay empty",
        )
        wrong = True
    return None if wrong else names


def _csv_rows(path: Path, place: str, problems: ProblemList) -> Iterator[tuple[int, list[str]]]:
    text = _text(path, place, problems)
    if text is None:
        return
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    line = 1
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        problems.note(
            f"{place}:{line}",
            None,
            None,
            f"the row cannot be read as CSV ({error})",
            'a cell that begins with a quote ends with one, and quotes inside it are doubled: "a ""b"" c"',
        )


def _text(path: Path, place: str, problems: ProblemList) -> str | None:
    """The text of a CSV file in UTF-8, UTF-16 or cp1251, as spreadsheets save it; None where it is none."""
    try:
        content = path.read_bytes()
    except OSError as error:
        problems.note(place, None, None, f"cannot be read ({error.strerror})", "check the file")
        return None
    encoding, mark = detect_encoding(content, is_whole_file=True)
    try:
        return content[mark:].decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: mark + error.start].count(b"\n") + 1
        name = "cp1251" if encoding == "cp1251" else encoding.upper().removesuffix("-LE").removesuffix("-BE")
        problems.note(
            f"{place}:{line}",
            None,
            None,
            f"is not {name} text",
            "save the file as UTF-8 (in spreadsheets: 'CSV UTF-8'), or as .xlsx",
        )
        return None


def _xlsx_rows(path: Path, place: str, problems: ProblemList) -> Iterator[tuple[int, list[str]]]:
    """The first sheet with anything on it."""
    try:
        with path.open("rb") as file:
            if zipfile.is_zipfile(file):
                refuse_overlarge_workbook(
                    path, file, max_unpacked_bytes=_MAX_UNPACKED_BYTES, max_cells=_MAX_CELLS
                )
        with calamine.load_workbook(str(path)) as workbook:
            for name in workbook.sheet_names:
                rows = workbook.get_sheet_by_name(name).to_python(skip_empty_area=False)
                errors = error_cells(path, name)
                found = False
                for line, row in enumerate(rows, start=1):
                    failed = errors.get(line, {})
                    cells = [failed.get(at) or _xlsx_cell(cell) for at, cell in enumerate(row)]
                    if any(cells):
                        found = True
                        yield line, cells
                if found:
                    return
    except ImportTableError as error:
        for problem in error.problems:
            problems.note(place, None, None, problem.message, problem.way_out)
    except calamine.PasswordError:
        problems.note(place, None, None, "is protected by a password", "save it without the password")
    except (calamine.CalamineError, OSError) as error:
        problems.note(
            place,
            None,
            None,
            f"is not a whole XLSX workbook ({error})",
            "open it, save it as .xlsx and try again",
        )


def _xlsx_cell(cell: object) -> str:
    """The text of a cell. Of a number 15 digits, which is what spreadsheets show and what can be typed: those
    after them come of binary arithmetic in a formula (0.1 + 0.2 is 0.30000000000000004)."""
    if isinstance(cell, float) and not cell.is_integer():
        return format(Decimal(f"{cell:.15g}"), "f")
    text = cell_text(cell)  # type: ignore[arg-type]
    return "" if text is None else text.strip().removesuffix(_MIDNIGHT)
