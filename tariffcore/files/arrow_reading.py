"""Cases from Arrow IPC, files (Feather) and streams."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc

from tariffcore.errors import CasesError
from tariffcore.files.chunks import CaseChunk, CaseSource, RawChunk, RecordBatches, gathered
from tariffcore.files.headers import bind_headers
from tariffcore.files.mapping import ColumnMapping
from tariffcore.files.standardising import first_line, table_of_batches, table_without_rows, unusable

FILE_MAGIC = b"ARROW1"
_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class ArrowSource(CaseSource):
    """An Arrow IPC file or stream.

    Batches are read, not memory-mapped: mapped pages would count as this process's memory, and a file that
    shrinks while it is read would end the process instead of raising an error.
    """

    format = "arrow"
    total_rows = None

    def __init__(self, path: Path, mapping: ColumnMapping, chunk_rows: int) -> None:
        self._path = path
        self._mapping = mapping
        self._chunk_rows = chunk_rows
        self.total_bytes: int | None = path.stat().st_size
        with path.open("rb") as file:
            self._is_file = file.read(len(FILE_MAGIC)) == FILE_MAGIC
            file.seek(max(0, self.total_bytes - len(_END_OF_STREAM)))
            end = file.read()
        if not self._is_file and end != _END_OF_STREAM:
            raise self._cut_short("its end mark is missing")
        try:
            self._file = pa.OSFile(str(path), "rb")
            names = self._open().schema.names
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None
        try:
            self._binding = bind_headers(names, mapping, str(path))
        except CasesError:
            self._file.close()
            raise
        self.columns = self._binding.columns
        self.ignored_columns = self._binding.ignored
        positions = {*self._binding.sources.values(), self._binding.birth_date}
        self._read = sorted(position for position in positions if position is not None)

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[RecordBatches]:
        told_bytes = 0
        try:
            for first_row, held in gathered(self._batches(), self._chunk_rows):
                read_bytes = self._file.tell()
                yield RecordBatches(size_bytes=read_bytes - told_bytes, first_row=first_row, batches=held)
                told_bytes = read_bytes
        except (pa.ArrowException, OSError) as error:
            raise self._cut_short(error) from None

    def parse(self, raw: RawChunk) -> CaseChunk:
        assert isinstance(raw, RecordBatches)
        return table_of_batches(raw, self._binding, self._mapping, self._path)

    def no_rows(self) -> CaseChunk:
        schema = self._open().schema
        read = pa.schema([schema.field(position) for position in self._read])
        return table_without_rows(read, self._binding, self._mapping, self._path)

    def _open(self) -> ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader:
        self._file.seek(0)
        return ipc.open_file(self._file) if self._is_file else ipc.open_stream(self._file)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        reader = self._open()
        batches = (
            (reader.get_batch(i) for i in range(reader.num_record_batches)) if self._is_file else iter(reader)
        )
        for batch in batches:
            yield batch.select(self._read)

    def _cut_short(self, error: object) -> CasesError:
        return unusable(
            self._path, f"this is not a whole Arrow file ({first_line(error)})", "copy or export it again"
        )
