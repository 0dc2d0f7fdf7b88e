"""Some columns of any table, read row by row as they stand: of outputs that are read again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import python_calamine as calamine

from tariffcore.errors import CasesError
from tariffcore.files.opening import format_of, readable
from tariffcore.files.standardising import first_line, unusable
from tariffcore.files.xlsx_reading import cell_text

_BATCH_ROWS = 1 << 16
_BLOCK_BYTES = 1 << 24
_NOTE_SHEET = "note"


class PlainRows(ABC):
    """The named columns of a file, in file order. Close it after use.

    note   what the file says of itself; None where its format has no place for it
    names  all its columns
    """

    note: dict[str, str] | None
    names: tuple[str, ...]

    @abstractmethod
    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows with these columns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pending: pa.Table | None = None
        self._iterator: Iterator[pa.RecordBatch] | None = None

    def choose(self, columns: Sequence[str]) -> None:
        """Which columns are read. Raises CasesError for those that are not there."""
        missing = [name for name in columns if name not in self.names]
        if missing:
            message = f"it has no {', '.join(missing)}, only {', '.join(self.names)}"
            raise unusable(self.path, message, "give the output of tariffcore price")
        self._iterator = self._batches(columns)

    def take(self, count: int) -> pa.Table | None:
        """The next rows, as many as there are up to ``count``; None where there are none."""
        assert self._iterator is not None
        parts = [] if self._pending is None else [self._pending]
        have = sum(part.num_rows for part in parts)
        try:
            while have < count:
                batch = next(self._iterator, None)
                if batch is None:
                    break
                parts.append(pa.Table.from_batches([batch]))
                have += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise self.damaged(error) from None
        if not have:
            self._pending = None
            return None
        rows = pa.concat_tables(parts)
        self._pending = rows.slice(count) if have > count else None
        return rows.slice(0, count)

    def damaged(self, error: Exception) -> CasesError:
        return unusable(self.path, f"it cannot be read on ({first_line(error)})", "write it again")

    def close(self) -> None:
        """Lets go of the file."""
        self._iterator = None


def open_rows(path: Path) -> PlainRows:
    """Opens a table by its name and content. Raises CasesError where it cannot be read."""
    kinds: dict[str, type[_Csv | _Parquet | _Arrow | _Xlsx]] = {
        "csv": _Csv,
        "parquet": _Parquet,
        "arrow": _Arrow,
        "xlsx": _Xlsx,
    }
    with readable(path):
        kind = kinds[format_of(path)]
        try:
            return kind(path)
        except (pa.ArrowException, calamine.CalamineError) as error:
            raise unusable(path, f"it cannot be read ({first_line(error)})", "write it again") from None


def _note_of(metadata: dict[bytes, bytes] | None) -> dict[str, str]:
    return {key.decode("utf-8", "replace"): value.decode("utf-8", "replace")
            for key, value in (metadata or {}).items()}  # fmt: skip


class _Csv(PlainRows):
    note: dict[str, str] | None = None

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._open(None) as reader:
            self.names = tuple(reader.schema.names)

    def _open(self, columns: Sequence[str] | None) -> pa_csv.CSVStreamingReader:
        names = [] if columns is None else list(columns)
        return pa_csv.open_csv(
            str(self.path),
            read_options=pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=pa_csv.ParseOptions(newlines_in_values=True),
            convert_options=pa_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), include_columns=names or None
            ),
        )

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        with self._open(columns) as reader:
            yield from reader


class _Parquet(PlainRows):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = pq.ParquetFile(path)
        schema = self._file.schema_arrow
        self.names = tuple(schema.names)
        self.note = _note_of(schema.metadata)

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        yield from self._file.iter_batches(batch_size=_BATCH_ROWS, columns=list(columns))

    def close(self) -> None:
        super().close()
        self._file.close()


class _Arrow(PlainRows):
    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._file = pa.OSFile(str(path), "rb")
        try:
            schema = self._reader().schema
        except BaseException:
            self._file.close()
            raise
        self.names = tuple(schema.names)
        self.note = _note_of(schema.metadata)

    def _reader(self) -> ipc.RecordBatchFileReader | ipc.RecordBatchStreamReader:
        self._file.seek(0)
        try:
            return ipc.open_file(self._file)
        except pa.ArrowInvalid:
            self._file.seek(0)
            return ipc.open_stream(self._file)

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        reader = self._reader()
        if isinstance(reader, ipc.RecordBatchFileReader):
            batches = (reader.get_batch(number) for number in range(reader.num_record_batches))
        else:
            batches = iter(reader)
        for batch in batches:
            yield batch.select(list(columns))

    def close(self) -> None:
        super().close()
        self._file.close()


class _Xlsx(PlainRows):
    """The first sheet; the note is that of the sheet of this name."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with calamine.load_workbook(str(path)) as workbook:
            names = workbook.sheet_names
            self._sheet = workbook.get_sheet_by_index(0)
            self.note = {}
            if _NOTE_SHEET in names[1:]:
                for row in workbook.get_sheet_by_name(_NOTE_SHEET).iter_rows():
                    cells = [cell_text(cell) or "" for cell in row]
                    if len(cells) > 1:
                        self.note[cells[0]] = cells[1]
        header = next(iter(self._sheet.iter_rows()), [])
        self.names = tuple(cell_text(cell) or "" for cell in header)

    def _batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        places = [self.names.index(name) for name in columns]
        rows = islice(self._sheet.iter_rows(), 1, None)
        while chunk := list(islice(rows, _BATCH_ROWS)):
            arrays = [pa.array([cell_text(row[place]) for row in chunk], pa.string()) for place in places]
            yield pa.RecordBatch.from_arrays(arrays, list(columns))
