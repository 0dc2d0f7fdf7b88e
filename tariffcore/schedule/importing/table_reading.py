"""A published table as rows of cells, from a spreadsheet or from text, nothing interpreted yet.

A spreadsheet has several sheets, and a text may be cut by several delimiters; each way is a candidate, and
the one with a header that can be recognised is the table (`tariffcore.schedule.importing.headers`).
"""

from __future__ import annotations

import csv
import io
import math
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import IO

import python_calamine

from tariffcore.errors import ImportTableError, Problem
from tariffcore.xlsx_errors import error_cells

MAX_FILE_BYTES = 64 * 1024 * 1024
"""A published table has some thousands of rows; a larger file is something else."""

MAX_UNPACKED_BYTES = 512 * 1024 * 1024
MAX_CELLS = 5_000_000

_SPREADSHEETS = frozenset({".xlsx", ".xlsm", ".xls"})
_TEXTS = frozenset({".csv", ".txt", ".tsv"})
_DELIMITERS = ("\t", ";", ",")
_DELIMITER_NAMES = {"\t": "tab", ";": "semicolon", ",": "comma"}
_FILLED_CELL = re.compile(rb'<(?:\w+:)?c\s[^>]*?\br="([A-Z]{1,3})([0-9]{1,7})"[^>]*?(/?)>')
_LONGEST_CELL_TAG = 256
_ZIP_START = b"PK\x03\x04"
_CONTROLS = frozenset(map(chr, range(32))) - frozenset("\t\n\r\v\f\x1c\x1d\x1e\x1f")

# Letters that neither Russian nor Kazakh has, but that cp1251 gives to the bytes of Kazakh letters in the
# older KZ-1048 code page: where they occur, the text was written in KZ-1048.
_NOT_CP1251_TEXT = frozenset("ЂЃЉЊЌЋЏђѓљњќћџЎўЈҐЄЇґєјЅѕї")


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text as printed, and its exact value where a spreadsheet holds a number.

    ``kind`` names what a spreadsheet holds that is neither text nor number ("a date", "true or false").
    """

    text: str
    number: Fraction | None = None
    kind: str | None = None

    @property
    def empty(self) -> bool:
        return not self.text


EMPTY_CELL = Cell("")
FORMULA_ERROR = "the error of a formula"
"""The kind of a cell whose formula failed."""


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row of the file; ``line`` counts from 1 (a sheet's row number, a text's first line of the row)."""

    line: int
    cells: tuple[Cell, ...]

    def cell(self, column: int) -> Cell:
        """The cell of a column counted from 0; empty where the row is shorter."""
        return self.cells[column] if column < len(self.cells) else EMPTY_CELL

    @property
    def distinct_texts(self) -> tuple[str, ...]:
        """The different texts of the row in order: one where a title was merged or repeated across it."""
        return tuple(dict.fromkeys(cell.text for cell in self.cells if not cell.empty))


@dataclass(frozen=True, slots=True)
class PrintedTable:
    """One way to read the file: a sheet, or the text cut by one delimiter."""

    file_name: str
    sheet: str | None
    """The sheet's name; None for a text."""
    show_sheet: bool
    """Whether errors name the sheet: it is not the only one."""
    form: str
    """How it was read, for the report: ``spreadsheet``, or encoding and delimiter of a text."""
    rows: tuple[TableRow, ...]

    def place(self, line: int) -> str:
        """Where a row is, as errors name it."""
        sheet = f"[{self.sheet}]" if self.show_sheet else ""
        return f"{self.file_name}{sheet}:{line}"

    def column_name(self, column: int) -> str:
        """``C`` in a spreadsheet, ``column 3`` in a text."""
        if self.sheet is None:
            return f"column {column + 1}"
        letters = ""
        number = column + 1
        while number:
            number, letter = divmod(number - 1, 26)
            letters = chr(ord("A") + letter) + letters
        return letters


@dataclass(frozen=True, slots=True)
class Candidates:
    """Every way to read the file, and what was wrong with a way that failed."""

    tables: tuple[PrintedTable, ...]
    damage: ImportTableError | None = None


def read_candidates(path: Path, sheet: str | None) -> Candidates:
    """Every way to read the file as a table. Raises ImportTableError where there is none."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise _unusable(path, "is not a file", "give the table's file (.xlsx or .csv)")
        if size > MAX_FILE_BYTES:
            raise _unusable(
                path,
                f"has {size:,} bytes; a published table has less than {MAX_FILE_BYTES:,}",
                "give the order's table alone",
            )
        content = path.read_bytes()
    except OSError as error:
        raise _unusable(
            path, f"cannot be read ({error.strerror or error})", "check the path and the permissions"
        ) from None
    if not content.strip():
        raise _unusable(path, "is empty", "give the order's table")
    ending = path.suffix.casefold()
    if ending in _SPREADSHEETS:
        return _read_spreadsheet(path, content, sheet)
    if ending not in _TEXTS:
        known = ", ".join(sorted(_SPREADSHEETS | _TEXTS))
        raise _unusable(
            path, f"is of a kind ({ending or 'no ending'}) that is not read", f"save it as one of {known}"
        )
    if content.startswith(_ZIP_START):
        raise _unusable(
            path, "is a packed file, not text", "if it is a spreadsheet, let its name end in .xlsx"
        )
    if sheet is not None:
        raise _unusable(path, "is a text and has no sheets", "leave out the sheet")
    return _read_text(path, content)


def _unusable(path: Path, message: str, way_out: str) -> ImportTableError:
    return ImportTableError(
        f"{path.name} cannot be imported", [Problem(path.name, None, None, message, way_out)]
    )


def _read_spreadsheet(path: Path, content: bytes, wanted: str | None) -> Candidates:
    if content.startswith(_ZIP_START):
        refuse_overlarge_workbook(path, io.BytesIO(content))
    try:
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(content))
        names = [
            entry.name
            for entry in book.sheets_metadata
            if entry.typ == python_calamine.SheetTypeEnum.WorkSheet
            and (entry.visible == python_calamine.SheetVisibleEnum.Visible or entry.name == wanted)
        ]
        if wanted is not None and wanted not in names:
            raise _unusable(path, f"has no sheet {wanted!r}", f"its sheets are: {', '.join(names) or 'none'}")
        chosen = names if wanted is None else [wanted]
        return Candidates(
            tuple(
                _read_sheet(
                    path, book, name, error_cells(io.BytesIO(content), name), show_sheet=len(names) > 1
                )
                for name in chosen
            )
        )
    except python_calamine.PasswordError:
        raise _unusable(path, "is protected by a password", "save it without the password") from None
    except python_calamine.CalamineError as error:
        raise _unusable(
            path, f"is not a readable spreadsheet ({error})", "open it, save it as .xlsx and try again"
        ) from None


def refuse_overlarge_workbook(
    path: Path,
    content: IO[bytes],
    *,
    max_unpacked_bytes: int = MAX_UNPACKED_BYTES,
    max_cells: int = MAX_CELLS,
) -> None:
    """Refuses a workbook that would not fit into memory, before the reader tries to make it fit.

    The reader keeps every cell of the rectangle around the filled ones, so one stray cell in the last
    corner of a sheet would be billions of cells, and would end the program. Raises ImportTableError.
    """
    try:
        with zipfile.ZipFile(content) as packed:
            entries = packed.infolist()
            if not any(entry.filename == "xl/workbook.xml" for entry in entries):
                raise _unusable(path, "is a packed file but no Excel workbook", "save it as .xlsx")
            unpacked = sum(entry.file_size for entry in entries)
            if unpacked > max_unpacked_bytes:
                raise _unusable(path, f"unpacks to {unpacked:,} bytes", "give the table alone")
            for entry in entries:
                if entry.filename.endswith(".xml") and not entry.filename.endswith("sharedStrings.xml"):
                    with packed.open(entry) as sheet:
                        rows, columns = _extent(sheet)
                    if rows * columns > max_cells:
                        raise _unusable(
                            path,
                            f"has a sheet that spans {rows:,} rows and {columns:,} columns",
                            "delete what stands far outside the table",
                        )
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError):
        raise _unusable(path, "is a damaged or truncated spreadsheet", "get the file again") from None


def _extent(sheet: IO[bytes]) -> tuple[int, int]:
    """The last row and the last column that hold a cell with content, in the XML of a sheet."""
    rows = columns = 0
    rest = b""
    while piece := sheet.read(1 << 20):
        text = rest + piece
        for letters, number, ending in _FILLED_CELL.findall(text):
            if ending:
                continue  # formatted, but empty
            column = 0
            for letter in letters:
                column = column * 26 + letter - ord("A") + 1
            rows, columns = max(rows, int(number)), max(columns, column)
        rest = text[-_LONGEST_CELL_TAG:]
    return rows, columns


def _read_sheet(
    path: Path,
    book: python_calamine.CalamineWorkbook,
    name: str,
    errors: Mapping[int, Mapping[int, str]],
    *,
    show_sheet: bool,
) -> PrintedTable:
    sheet = book.get_sheet_by_name(name)
    # An .xls is small enough to open whatever it holds, and too large to go through cell by cell.
    if sheet.total_height * sheet.total_width > MAX_CELLS:
        raise _unusable(
            path,
            f"sheet {name!r} spans {sheet.total_height:,} rows and {sheet.total_width:,} columns",
            "delete what stands far outside the table",
        )
    rows = tuple(
        TableRow(line, tuple(_spreadsheet_cell(value, failed.get(at)) for at, value in enumerate(row)))
        for line, row in enumerate(sheet.to_python(skip_empty_area=False), start=1)
        for failed in (errors.get(line, {}),)
    )
    return PrintedTable(path.name, name, show_sheet, "spreadsheet", rows)


def _spreadsheet_cell(value: object, error: str | None) -> Cell:
    if error is not None:
        return Cell(error, kind=FORMULA_ERROR)
    if isinstance(value, str):
        return Cell(value.strip())
    if isinstance(value, bool):
        return Cell(str(value).lower(), kind="true or false")
    if isinstance(value, int):
        return Cell(str(value), Fraction(value))
    if isinstance(value, float):
        if not math.isfinite(value):
            return Cell(str(value), kind="no finite number")
        # The shortest decimal that is this double: what was typed, as long as it had at most 15 digits.
        exact = Fraction(repr(value))
        return Cell(str(exact.numerator) if exact.denominator == 1 else repr(value), exact)
    return Cell(str(value), kind="a date or a time")


def _read_text(path: Path, content: bytes) -> Candidates:
    text, encoding = _decoded(path, content)
    control = next((character for character in text if character in _CONTROLS), None)
    if control is not None:
        raise _unusable(
            path,
            f"holds the control character {control!r}: it is not a text",
            "save the table as .csv or .xlsx",
        )
    candidates: list[PrintedTable] = []
    damage: ImportTableError | None = None
    for delimiter in _DELIMITERS:
        if delimiter not in text:
            continue
        try:
            rows = _text_rows(path, text, delimiter)
        except ImportTableError as error:
            damage = error
            continue
        form = f"text in {encoding}, cut by {_DELIMITER_NAMES[delimiter]}"
        candidates.append(PrintedTable(path.name, None, False, form, rows))
    if not candidates:
        raise damage or _unusable(
            path,
            "has no columns: no tab, semicolon or comma",
            "save the table as .csv with one of these between the columns",
        )
    return Candidates(tuple(candidates), damage)


def _decoded(path: Path, content: bytes) -> tuple[str, str]:
    for mark, encoding, name in (
        (b"\xef\xbb\xbf", "utf-8-sig", "UTF-8"),
        (b"\xff\xfe", "utf-16", "UTF-16"),
        (b"\xfe\xff", "utf-16", "UTF-16"),
    ):
        if content.startswith(mark):
            return _strictly(path, content, encoding, name), name
    if b"\x00" in content:
        # UTF-16 without its mark: digits, delimiters and line ends have a zero in every second byte.
        # Text never has one in both.
        first, second = content[::2].count(0), content[1::2].count(0)
        if first and second:
            raise _unusable(path, "is not a text", "save the table as .csv or .xlsx")
        encoding = "utf-16-le" if second else "utf-16-be"
        return _strictly(path, content, encoding, "UTF-16"), "UTF-16"
    try:
        return content.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        pass
    try:
        text = content.decode("cp1251")
        if _NOT_CP1251_TEXT.isdisjoint(text):
            return text, "cp1251"
    except UnicodeDecodeError:
        pass
    return _strictly(path, content, "kz1048", "KZ-1048"), "KZ-1048"


def _strictly(path: Path, content: bytes, encoding: str, name: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ImportTableError(
            f"{path.name} cannot be imported",
            [
                Problem(
                    f"{path.name}:{line}",
                    None,
                    None,
                    f"byte {error.start + 1} is not {name} text ({error.reason})",
                    "save the table as UTF-8",
                )
            ],
        ) from None


def _text_rows(path: Path, text: str, delimiter: str) -> tuple[TableRow, ...]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[TableRow] = []
    line = 1
    try:
        for fields in reader:
            rows.append(TableRow(line, tuple(Cell(field.strip()) for field in fields)))
            line = reader.line_num + 1
    except csv.Error as error:
        problem = Problem(
            f"{path.name}:{line}",
            None,
            None,
            f"the quotes of this row are not in order ({error})",
            'a cell that begins with a quote ends with one, and quotes inside it are doubled: "a ""b"" c"',
        )
        raise ImportTableError(f"{path.name} cannot be imported", [problem]) from None
    return tuple(rows)
