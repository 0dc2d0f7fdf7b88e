"""Cases from an XLSX workbook, cell values as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from itertools import islice
from pathlib import Path

import numpy as np
import pyarrow as pa
import python_calamine as calamine

from tariffcore.errors import CasesError
from tariffcore.files.chunks import CaseChunk, CaseSource, RawChunk, text_type
from tariffcore.files.headers import Binding, bind_headers, standard_headers_found
from tariffcore.files.mapping import ColumnMapping
from tariffcore.files.rewriting import text_column
from tariffcore.files.standardising import standardised, unusable
from tariffcore.schedule.values import instead_of
from tariffcore.xlsx_errors import error_cells

_HEADER_WITHIN_ROWS = 200

Cell = str | float | bool | date | time | timedelta | None


@dataclass(frozen=True)
class SheetRows(RawChunk):
    """Rows of the sheet that are not blank, with their numbers in it."""

    numbers: tuple[int, ...]
    rows: tuple[Sequence[Cell], ...]


class XlsxSource(CaseSource):
    """One sheet of a workbook: the named one, else the first that has a header row of cases.

    The header is the first row that holds the columns needed; title rows above it are skipped, and so are
    blank rows. The whole sheet is in memory (about 1.5 GiB for a full sheet of 1,048,576 rows and a dozen
    columns). A cell with an error (#N/A, #DIV/0!) has that as its text, which is no date, number or answer.
    """

    format = "xlsx"

    def __init__(self, path: Path, mapping: ColumnMapping, chunk_rows: int, sheet: str | None) -> None:
        self._path = path
        self._mapping = mapping
        self._chunk_rows = chunk_rows
        self.total_bytes: int | None = path.stat().st_size
        try:
            with calamine.load_workbook(str(path)) as workbook:
                self._sheet, header_row, header = self._choose(workbook, sheet)
        except calamine.PasswordError:
            raise unusable(path, "the workbook is protected by a password", "save it without one") from None
        except (calamine.CalamineError, OSError) as error:
            raise unusable(
                path, f"this is not a whole XLSX workbook ({error})", "save it again in Excel or LibreOffice"
            ) from None
        self._binding: Binding = bind_headers(header, mapping, f"{path}, sheet {self._sheet.name}")
        self.columns = self._binding.columns
        self.ignored_columns = self._binding.ignored
        self._errors = error_cells(path, self._sheet.name)
        self._first_row = header_row + 1
        self._sheet_rows = (self._sheet.end or (0, 0))[0] + 1  # end: the last row, counted from 0
        self.total_rows: int | None = None  # blank rows are found only while reading

    def close(self) -> None:
        """The workbook was closed once the sheet was in memory."""

    def __iter__(self) -> Iterator[SheetRows]:
        numbered = (
            (number, row)
            for number, row in enumerate(self._rows(), start=1)
            if number >= self._first_row and any(cell != "" for cell in row)
        )
        last = 0
        while taken := list(islice(numbered, self._chunk_rows)):
            numbers, rows = zip(*taken, strict=True)
            share = (numbers[-1] - last) / max(self._sheet_rows, 1)
            last = numbers[-1]
            yield SheetRows(size_bytes=int((self.total_bytes or 0) * share), numbers=numbers, rows=rows)

    def _rows(self) -> Iterator[Sequence[Cell]]:
        first = (self._sheet.start or (0, 0))[1]  # rows begin with the first column that is used
        for number, row in enumerate(self._sheet.iter_rows(), start=1):
            errors = self._errors.get(number)
            yield row if errors is None else [errors.get(at, cell) for at, cell in enumerate(row, first)]

    def parse(self, raw: RawChunk) -> CaseChunk:
        assert isinstance(raw, SheetRows)
        columns: dict[str, pa.Array] = {}
        for column, position in self._binding.sources.items():
            columns[str(position)] = text_column(
                [cell_text(row[position]) for row in raw.rows], text_type(column)
            )
        birth_date = self._binding.birth_date
        if birth_date is not None:
            columns[str(birth_date)] = text_column(
                [cell_text(row[birth_date]) for row in raw.rows], pa.string()
            )
        table = standardised(pa.table(columns), self._binding, self._mapping)
        return CaseChunk(table, np.array(raw.numbers, np.int64))

    def _choose(
        self, workbook: calamine.CalamineWorkbook, name: str | None
    ) -> tuple[calamine.CalamineSheet, int, list[str]]:
        """The sheet, the number of its header row, and the headers."""
        names = [
            sheet.name for sheet in workbook.sheets_metadata if sheet.typ == calamine.SheetTypeEnum.WorkSheet
        ]
        if name is not None and name not in names:
            raise unusable(self._path, f"there is no sheet {name!r}", instead_of(name, names))
        best: tuple[tuple[int, int], calamine.CalamineSheet, int, list[str]] | None = None
        for candidate in names if name is None else [name]:
            sheet = workbook.get_sheet_by_name(candidate)
            for number, row in enumerate(islice(sheet.iter_rows(), _HEADER_WITHIN_ROWS), start=1):
                headers = [cell_text(cell) or "" for cell in row]
                if self._is_header(headers):
                    return sheet, number, headers
                score = (standard_headers_found(headers, self._mapping), sum(map(bool, headers)))
                if any(headers) and (best is None or score > best[0]):
                    best = (score, sheet, number, headers)
        if best is None:
            raise unusable(self._path, "the workbook is empty", "give a sheet with a header row and cases")
        return best[1:]

    def _is_header(self, headers: list[str]) -> bool:
        try:
            bind_headers(headers, self._mapping, "")
        except CasesError:
            return False
        return True


def cell_text(cell: Cell) -> str | None:
    """A cell's value as text; None where it is empty.

    Excel keeps numbers as binary floats: a whole one is the integer's text, others the shortest decimal that
    is that float. Dates are ISO, with a time where there is one, to the second.
    """
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else format(Decimal(repr(cell)), "f")
    if isinstance(cell, datetime):
        # Excel keeps a time as a fraction of a day: 10:30 may come back a few microseconds off.
        return (cell + timedelta(microseconds=500_000)).replace(microsecond=0).isoformat(" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
