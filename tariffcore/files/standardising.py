"""Columns as a file names and words them, made standard columns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from tariffcore.errors import CasesError, Problem
from tariffcore.files.chunks import CaseChunk, RecordBatches, one_chunk
from tariffcore.files.headers import Binding
from tariffcore.files.mapping import ColumnMapping
from tariffcore.files.rewriting import ages_at, days_of_age_at, iso_dates, rewrite


def standardised(table: pa.Table, binding: Binding, mapping: ColumnMapping) -> pa.Table:
    """The chunk with standard columns only, in their order.

    ``table`` has, under the positions in the file ("0", "1", ...) as names, the columns the binding reads.
    """
    columns = {column: table.column(str(position)) for column, position in binding.sources.items()}
    chunk = rewrite(pa.table(columns), mapping)
    if binding.birth_date is not None:
        birth = iso_dates(table.column(str(binding.birth_date)), mapping.date_format)
        admission = chunk.column("admission_date")
        chunk = chunk.append_column("age_years", ages_at(birth, admission))
        if "age_days" in binding.columns and "age_days" not in binding.sources:
            chunk = chunk.append_column("age_days", days_of_age_at(birth, admission))
    return chunk.select(list(binding.columns))


def table_of_batches(raw: RecordBatches, binding: Binding, mapping: ColumnMapping, path: Path) -> CaseChunk:
    """The chunk of some rows of a columnar file, whose batches hold the columns read, in the file's order."""
    positions = sorted(
        {*binding.sources.values(), *([] if binding.birth_date is None else [binding.birth_date])}
    )
    try:
        read = pa.Table.from_batches(raw.batches).rename_columns([str(position) for position in positions])
        table = standardised(one_chunk(read), binding, mapping)
    except pa.ArrowInvalid as error:
        raise unusable(
            path, f"the rows from {raw.first_row} on cannot be read ({error})", "export the file again"
        ) from None
    lines = np.arange(raw.first_row, raw.first_row + table.num_rows, dtype=np.int64)
    return CaseChunk(table, lines)


def table_without_rows(schema: pa.Schema, binding: Binding, mapping: ColumnMapping, path: Path) -> CaseChunk:
    """The same of a file without rows; ``schema`` has the columns read, in the file's order."""
    empty = pa.RecordBatch.from_arrays([pa.array([], type=kind) for kind in schema.types], schema=schema)
    return table_of_batches(
        RecordBatches(size_bytes=0, first_row=1, batches=(empty,)), binding, mapping, path
    )


def first_line(error: object) -> str:
    """What a library says, without its stack of causes."""
    return (str(error).splitlines() or ["unreadable"])[0][:200]


def unusable(path: object, message: str, way_out: str) -> CasesError:
    """The error of a file that cannot be read as a whole."""
    return CasesError(f"{path} cannot be read", [Problem(str(path), None, None, message, way_out)])
