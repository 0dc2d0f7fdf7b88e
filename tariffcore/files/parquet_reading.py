"""Cases from Parquet: decoded in batches, text columns as the dictionaries they are stored as."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from tariffcore.files.chunks import (
    DISTINCT_TEXT_COLUMNS,
    CaseChunk,
    CaseSource,
    RawChunk,
    RecordBatches,
    gathered,
)
from tariffcore.files.headers import bind_headers
from tariffcore.files.mapping import ColumnMapping
from tariffcore.files.standardising import first_line, table_of_batches, unusable

_READ_BUFFER_BYTES = 1 << 20  # a column of a large row group is read bit by bit, not whole


class ParquetSource(CaseSource):
    """A Parquet file. Decoding happens while iterating, on all cores; row groups of any size are fine."""

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
        positions = {*self._binding.sources.values(), self._binding.birth_date}
        self._read = [schema.names[position] for position in sorted(p for p in positions if p is not None)]
        distinct = {schema.names[p] for c, p in self._binding.sources.items() if c in DISTINCT_TEXT_COLUMNS}
        dictionaries = [
            name for name in self._read if name not in distinct and _is_plain_text(schema.field(name).type)
        ]
        self._file = pq.ParquetFile(path, read_dictionary=dictionaries, buffer_size=_READ_BUFFER_BYTES)
        self.total_rows: int | None = self._file.metadata.num_rows

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[RecordBatches]:
        rows = max(self.total_rows or 0, 1)
        # Selected once more: a column "a" asked for by name brings a column "a.b" along.
        batches = (
            batch.select(self._read)
            for batch in self._file.iter_batches(batch_size=self._chunk_rows, columns=self._read)
        )
        try:
            for first_row, held in gathered(batches, self._chunk_rows):
                count = sum(batch.num_rows for batch in held)
                size_bytes = (self.total_bytes or 0) * count // rows
                yield RecordBatches(size_bytes=size_bytes, first_row=first_row, batches=held)
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None

    def parse(self, raw: RawChunk) -> CaseChunk:
        assert isinstance(raw, RecordBatches)
        return table_of_batches(raw, self._binding, self._mapping, self._path)

    def _cut_short(self, error: Exception) -> Exception:
        return unusable(
            self._path, f"this is not a whole Parquet file ({first_line(error)})", "copy or export it again"
        )


def _is_plain_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))
