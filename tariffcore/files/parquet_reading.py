"""Cases from Parquet: decoded in batches, text columns as the dictionaries they are stored as."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tariffcore.files.chunks import (
    CARRIED_COLUMNS,
    DISTINCT_TEXT_COLUMNS,
    CaseChunk,
    CaseSource,
    RawChunk,
    RecordBatches,
    gathered,
)
from tariffcore.files.headers import bind_headers
from tariffcore.files.mapping import ColumnMapping
from tariffcore.files.standardising import first_line, table_of_batches, table_without_rows, unusable

_READ_BUFFER_BYTES = 1 << 20  # a column of a large row group is read bit by bit, not whole

_CHUNKS_IN_A_ROW_GROUP = 2


@dataclass(frozen=True)
class RowGroups(RawChunk):
    """Neighbouring row groups of the file, not yet decoded; ``first_row`` counts from 1."""

    first_row: int
    groups: tuple[int, ...]


class ParquetSource(CaseSource):
    """A Parquet file. Row groups of a chunk's size are decoded by whoever parses them, so several at once;
    larger ones bit by bit while iterating, on all cores, so that a row group of any size fits in memory."""

    format = "parquet"

    def __init__(self, path: Path, mapping: ColumnMapping, chunk_rows: int) -> None:
        self._path = path
        self._mapping = mapping
        self._chunk_rows = chunk_rows
        self.total_bytes: int | None = path.stat().st_size
        try:
            schema = pq.read_schema(path)
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None
        self._binding = bind_headers(schema.names, mapping, str(path))
        self.columns = self._binding.columns
        self.ignored_columns = self._binding.ignored
        columns = {position: column for column, position in self._binding.sources.items()}
        if self._binding.birth_date is not None:
            columns.setdefault(self._binding.birth_date, "birth_date")
        self._read = [schema.names[position] for position in sorted(columns)]
        self._dictionaries = [
            schema.names[position]
            for position, column in sorted(columns.items())
            if _is_read_as_dictionary(column, schema.field(position).type)
        ]
        self._file = self._open()
        self._files = threading.local()
        self.total_rows: int | None = self._file.metadata.num_rows

    def _open(self) -> pq.ParquetFile:
        return pq.ParquetFile(self._path, read_dictionary=self._dictionaries, buffer_size=_READ_BUFFER_BYTES)

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[RawChunk]:
        metadata = self._file.metadata
        sizes = [metadata.row_group(number).num_rows for number in range(metadata.num_row_groups)]
        if max(sizes, default=0) <= _CHUNKS_IN_A_ROW_GROUP * self._chunk_rows:
            return self._row_groups(sizes)
        return self._batches()

    def _row_groups(self, sizes: list[int]) -> Iterator[RowGroups]:
        """Neighbouring row groups, as many as make about a chunk."""
        first_row = 1
        first = 0
        while first < len(sizes):
            count = sizes[first]
            stop = first + 1
            while stop < len(sizes) and count + sizes[stop] <= self._chunk_rows:
                count += sizes[stop]
                stop += 1
            if count:
                size_bytes = (self.total_bytes or 0) * count // max(self.total_rows or 0, 1)
                yield RowGroups(size_bytes=size_bytes, first_row=first_row, groups=tuple(range(first, stop)))
            first_row += count
            first = stop

    def _batches(self) -> Iterator[RecordBatches]:
        rows = max(self.total_rows or 0, 1)
        batches = self._file.iter_batches(batch_size=self._chunk_rows, columns=self._read)
        try:
            for first_row, held in gathered(batches, self._chunk_rows):
                count = sum(batch.num_rows for batch in held)
                size_bytes = (self.total_bytes or 0) * count // rows
                yield RecordBatches(size_bytes=size_bytes, first_row=first_row, batches=held)
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None

    def parse(self, raw: RawChunk) -> CaseChunk:
        if isinstance(raw, RowGroups):
            raw = self._decoded(raw)
        assert isinstance(raw, RecordBatches)
        return table_of_batches(raw, self._binding, self._mapping, self._path)

    def no_rows(self) -> CaseChunk:
        schema = self._file.schema_arrow
        read = pa.schema([schema.field(name) for name in self._read])
        return table_without_rows(read, self._binding, self._mapping, self._path)

    def _decoded(self, raw: RowGroups) -> RecordBatches:
        """The rows of row groups, read through a file of this thread's own."""
        try:
            file = getattr(self._files, "file", None)
            if file is None:
                file = self._files.file = self._open()
            table = file.read_row_groups(raw.groups, columns=self._read, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None
        batches = tuple(table.select(self._read).to_batches())
        return RecordBatches(size_bytes=raw.size_bytes, first_row=raw.first_row, batches=batches)

    def _cut_short(self, error: Exception) -> Exception:
        return unusable(
            self._path, f"this is not a whole Parquet file ({first_line(error)})", "copy or export it again"
        )


def _is_read_as_dictionary(column: str, kind: pa.DataType) -> bool:
    if column in DISTINCT_TEXT_COLUMNS:
        return False
    # asked for as well, dictionaries keep the indices of 32 bits that they are read with; what outputs carry
    # keeps those the file says it has
    return _is_plain_text(kind) or (
        pa.types.is_dictionary(kind) and _is_plain_text(kind.value_type) and column not in CARRIED_COLUMNS
    )


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
