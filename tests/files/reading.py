"""Reads a whole file of cases for the tests of this folder."""

from __future__ import annotations

from dataclasses import dataclass

from tariffcore.files import CaseSource, MalformedRow

HEADER = ("case_id", "drg_code", "care_setting", "admission_date", "discharge_date")
ROW = ("1", "A", "inpatient", "2026-01-01", "2026-01-05")


@dataclass
class WholeFile:
    rows: list[dict[str, object]]
    lines: list[int]
    malformed: dict[int, MalformedRow]  # by row of the file
    size_bytes: int
    chunks: int


def read_whole(source: CaseSource) -> WholeFile:
    whole = WholeFile([], [], {}, 0, 0)
    with source:
        for raw in source:
            chunk = source.parse(raw)
            assert tuple(chunk.table.column_names) == source.columns
            assert all(column.num_chunks == 1 for column in chunk.table.columns)
            assert len(chunk.line_numbers) == chunk.table.num_rows
            whole.malformed.update({len(whole.rows) + row: why for row, why in chunk.malformed.items()})
            whole.rows += chunk.table.to_pylist()
            whole.lines += chunk.line_numbers.tolist()
            whole.size_bytes += raw.size_bytes
            whole.chunks += 1
    return whole


def csv_text(*rows: tuple[str, ...], delimiter: str = ",") -> str:
    return "".join(delimiter.join(row) + "\n" for row in rows)
