"""Priced files out: encoded in any thread, appended in order, and under the final name only when complete."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import secrets
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import xlsxwriter
import xlsxwriter.exceptions

from tariffcore.errors import CasesError, Problem
from tariffcore.files.chunks import one_chunk
from tariffcore.files.csv_text import csv_header, csv_rows

OUTPUT_SUFFIXES = (".csv", ".parquet", ".arrow", ".feather", ".xlsx")
XLSX_MAX_ROWS = 1_048_576
XLSX_MAX_TEXT = 32_767
XLSX_EXACT_DIGITS = 15
"""A cell's number is a binary double: up to 15 significant digits come back as they went in."""

_INT64_DIGITS = 18

SYNTHETIC = "SYNTHETIC"
"""The word by which a note says that what the file holds is made up."""


@dataclass(frozen=True)
class Encoded:
    """Rows in the form in which a writer appends them: CSV text, or a table of the output's schema."""

    content: Any
    rows: int


class OutputWriter(ABC):
    """A file being written. Use it as a context manager: leaving it without an error completes the file.

    ``encode`` may run in several threads at once; ``append`` takes what it returned, in order, in one thread.
    Until the end, the rows stand in a hidden file ending in ``.part`` in the same folder. On any error, also
    an interrupt by the user, it is removed, and under the final name stands what stood there before. Only a
    process that is killed leaves it behind; whoever writes the same file next removes it.
    """

    def __init__(self, path: Path, schema: pa.Schema, note: Mapping[str, str]) -> None:
        self.path = path
        self.schema = schema
        self.note = dict(note)
        self.rows_written = 0
        # A link stays a link: what it points to is replaced.
        self._target = Path(os.path.realpath(path))
        self._part = self._target.with_name(f".{self._target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")
        self._is_open = self._is_complete = False
        with self._in_words():
            _remove_abandoned(self._target)
            # Created here and not by the format's library, so that no existing file can be meant.
            self._lock = os.open(self._part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666)
            self._is_open = True
            with suppress(OSError):  # a file system without locks: then nobody removes what is left behind
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(
                    self._lock, b"?"
                )  # no longer empty: locked from here on; overwritten by what follows
            try:
                self._begin()
            except BaseException:
                self.abandon()
                raise

    @abstractmethod
    def encode(self, table: pa.Table) -> Encoded:
        """The rows in the form in which they are appended. ``table`` has the columns of the schema."""

    def append(self, encoded: Encoded) -> None:
        """Writes encoded rows behind those written before."""
        with self._in_words():
            self._append(encoded.content)
        self.rows_written += encoded.rows

    def complete(self) -> None:
        """Writes the end of the file, which then lacks only its name: `finish` gives it.

        For runs with several outputs: complete all of them before the first gets its name.
        """
        if self._is_complete:
            return
        try:
            with self._in_words():
                self._end()
                if self._target.is_dir():
                    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
                self._is_complete = True
        except BaseException:
            self.abandon()
            raise

    def finish(self) -> None:
        """Completes the file and gives it its name; leaving the context does this."""
        self.complete()
        try:
            with self._in_words():
                self._part.replace(self._target)
                self._is_open = False
                os.close(self._lock)
        except BaseException:
            self.abandon()
            raise

    def abandon(self) -> None:
        """Lets go of the unfinished file and removes it."""
        if not self._is_open:
            return
        self._is_open = False
        with suppress(Exception):  # the reason for giving up is the error to tell, not what closing adds
            self._let_go()
        with suppress(OSError):
            self._part.unlink()
        with suppress(OSError):
            os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.finish()
        else:
            self.abandon()

    @abstractmethod
    def _begin(self) -> None: ...

    @abstractmethod
    def _append(self, rows: Any) -> None: ...  # noqa: ANN401

    @abstractmethod
    def _end(self) -> None: ...

    @abstractmethod
    def _let_go(self) -> None: ...

    def _of_schema(self, table: pa.Table) -> pa.Table:
        table = table.select(self.schema.names)
        return table if table.schema.equals(self.schema) else table.cast(self.schema)

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _cannot_write(self.path, error) from None
        except xlsxwriter.exceptions.XlsxWriterException as error:
            raise _unwritable(self.path, str(error), "choose another folder or free some space") from None


class CsvWriter(OutputWriter):
    """UTF-8, comma, LF, no quotes unless needed. CSV has no place for the note."""

    def _begin(self) -> None:
        self._file = self._part.open("wb", buffering=0)
        self._write(csv_header(self.schema.names))

    def encode(self, table: pa.Table) -> Encoded:
        return Encoded(csv_rows(table.select(self.schema.names)), table.num_rows)

    def _append(self, rows: bytes | bytearray) -> None:
        self._write(rows)

    def _write(self, text: bytes | bytearray) -> None:
        rest = memoryview(text)
        while rest:
            rest = rest[self._file.write(rest) :]

    def _end(self) -> None:
        self._file.close()

    def _let_go(self) -> None:
        self._file.close()


class ParquetWriter(OutputWriter):
    """Parquet with Snappy: a row group a chunk, dictionaries as dictionaries, amounts as 64-bit integers."""

    def _begin(self) -> None:
        schema = self.schema.with_metadata({**(self.schema.metadata or {}), **_encoded_note(self.note)})
        dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._file = pa.OSFile(str(self._part), "wb")
        self._writer = pq.ParquetWriter(
            self._file,
            schema,
            compression="snappy",
            # Ids and amounts do not repeat: trying to make dictionaries of them would only cost time.
            use_dictionary=dictionaries,
            # The least and most of long decimals would cost a third of their writing; nobody filters by them.
            write_statistics=[
                field.name
                for field in schema
                if _is_integer(field.type)
                or not (pa.types.is_dictionary(field.type) or pa.types.is_decimal(field.type))
            ],
            store_decimal_as_integer=True,
            # what is left for Snappy to look at is a third less, which costs less than it saves
            column_encoding={
                field.name: "DELTA_BINARY_PACKED" for field in schema if _is_integer(field.type)
            },
        )

    def encode(self, table: pa.Table) -> Encoded:
        return Encoded(one_chunk(self._of_schema(table)), table.num_rows)

    def _append(self, rows: pa.Table) -> None:
        if rows.num_rows:
            self._writer.write_table(rows, row_group_size=rows.num_rows)

    def _end(self) -> None:
        self._writer.close()
        self._file.close()

    def _let_go(self) -> None:
        with suppress(Exception):
            self._writer.close()
        self._file.close()


def _is_integer(kind: pa.DataType) -> bool:
    """Whether Parquet holds such values as integers of 32 or 64 bits."""
    return bool(pa.types.is_integer(kind) or (pa.types.is_decimal(kind) and kind.precision <= _INT64_DIGITS))


class ArrowWriter(OutputWriter):
    """An Arrow IPC file (Feather version 2)."""

    def _begin(self) -> None:
        schema = self.schema.with_metadata({**(self.schema.metadata or {}), **_encoded_note(self.note)})
        self._dictionaries: dict[int, dict[object, int]] = {
            position: {} for position, field in enumerate(schema) if pa.types.is_dictionary(field.type)
        }
        self._file = pa.OSFile(str(self._part), "wb")
        # A file has one dictionary a column; later chunks may only add to it.
        self._writer = ipc.new_file(
            self._file, schema, options=ipc.IpcWriteOptions(emit_dictionary_deltas=True)
        )

    def encode(self, table: pa.Table) -> Encoded:
        return Encoded(one_chunk(self._of_schema(table)), table.num_rows)

    def _append(self, rows: pa.Table) -> None:
        if not rows.num_rows:
            return
        for position, known in self._dictionaries.items():
            column = _with_known_dictionary(rows.column(position).chunk(0), known)
            rows = rows.set_column(position, rows.schema.field(position), column)
        self._writer.write_table(rows)

    def _end(self) -> None:
        self._writer.close()
        self._file.close()

    def _let_go(self) -> None:
        with suppress(Exception):
            self._writer.close()
        self._file.close()


_NO_MOMENT = datetime(2000, 1, 1)
"""When workbooks say they were made: the same rows make the same bytes, whenever they are priced."""


class XlsxWriter(OutputWriter):
    """An XLSX workbook: the rows on one sheet, the note on a second and in the document's properties.

    Where the note says SYNTHETIC, a comment that stands open on the first sheet does as well.

    Texts are written as texts, never as formulas. Numbers of more than 15 significant digits are written as
    texts, since a cell's number would lose the rest; the note sheet says so.
    """

    def _begin(self) -> None:
        self._temporary = TemporaryDirectory(prefix="tariffcore-")
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        self._book = xlsxwriter.Workbook(str(self._part), {**options, "tmpdir": self._temporary.name})
        self._is_closed = False
        comments = "\n".join(f"{key}: {value}" for key, value in self.note.items())
        self._book.set_properties({"comments": comments, "created": _NO_MOMENT})
        for key, value in self.note.items():
            short = value[:255]  # the format's limit; the sheet has all of it
            self._book.set_custom_property(key, short, "text")
        self._begin_sheet("cases")
        for value in self.note.values():
            if SYNTHETIC in value:  # in sight as soon as the workbook is opened; the sheet keeps its name
                self._sheet.set_tab_color("red")
                self._sheet.write_comment("A1", value, {"visible": True, "x_scale": 2.5, "y_scale": 0.6})
                break
        notes = self._book.add_worksheet("note")
        limit = (
            "those of more than 15 significant digits are written as text: a cell's number would round them"
        )
        for row, (key, value) in enumerate([*self.note.items(), ("numbers", limit)]):
            notes.write_string(row, 0, key)
            notes.write_string(row, 1, value)

    def _begin_sheet(self, name: str) -> None:
        self._sheet = self._book.add_worksheet(name)
        for column, header in enumerate(self.schema.names):
            self._sheet.write_string(0, column, header)
        self._formats = [self._format(field.type) for field in self.schema]
        self._next_row = 1

    def next_sheet(self, name: str, schema: pa.Schema) -> None:
        """What is encoded and appended from here on stands on another sheet, with other columns."""
        self.schema = schema
        with self._in_words():
            self._begin_sheet(name)

    def encode(self, table: pa.Table) -> Encoded:
        return Encoded(self._of_schema(table), table.num_rows)

    def _append(self, rows: pa.Table) -> None:
        if self._next_row + rows.num_rows > XLSX_MAX_ROWS:
            raise _unwritable(
                self.path,
                f"a sheet of XLSX has at most {XLSX_MAX_ROWS:,} rows, the header included",
                "write .csv or .parquet instead",
            )
        columns = [column.to_pylist() for column in rows.columns]
        for row, cells in enumerate(zip(*columns, strict=True), start=self._next_row):
            for column, cell in enumerate(cells):
                self._write_cell(row, column, cell)
        self._next_row += rows.num_rows

    def _write_cell(self, row: int, column: int, cell: object) -> None:
        write_string = self._sheet.write_string
        if cell is None:
            return
        if isinstance(cell, bool):
            self._sheet.write_boolean(row, column, cell)
        elif isinstance(cell, int | Decimal):
            if _significant_digits(cell) <= XLSX_EXACT_DIGITS:
                self._sheet.write_number(row, column, float(cell), self._formats[column])
            else:
                write_string(row, column, format(cell, "f") if isinstance(cell, Decimal) else str(cell))
        else:
            text = str(cell)  # dates and times as ISO text
            if len(text) > XLSX_MAX_TEXT:
                raise _unwritable(
                    self.path,
                    f"row {row + 1}, {self.schema.names[column]}: a cell of XLSX holds at most "
                    f"{XLSX_MAX_TEXT:,} characters, this text has {len(text):,}",
                    "write .csv or .parquet instead",
                )
            write_string(row, column, text)

    def _format(self, kind: pa.DataType) -> object:
        places = kind.scale if pa.types.is_decimal(kind) else 0
        return self._book.add_format({"num_format": "0." + "0" * places if places > 0 else "0"})

    def _end(self) -> None:
        self._is_closed = True
        self._book.close()
        self._temporary.cleanup()

    def _let_go(self) -> None:
        with suppress(Exception):
            if not self._is_closed:
                self._book.close()
        self._temporary.cleanup()


_WRITERS: dict[str, Callable[[Path, pa.Schema, Mapping[str, str]], OutputWriter]] = {
    ".csv": CsvWriter,
    ".parquet": ParquetWriter,
    ".arrow": ArrowWriter,
    ".feather": ArrowWriter,
    ".xlsx": XlsxWriter,
}


def open_output(
    path: Path, schema: pa.Schema, *, note: Mapping[str, str], keep: Iterable[Path] = ()
) -> OutputWriter:
    """Begins a file of results; use it as a context manager.

    path    .csv, .parquet, .arrow or .feather, .xlsx; an existing file is replaced at the end
    schema  the columns, decimals with as many places as the currency has
    note    what the results come from: schema metadata in Parquet and Arrow, properties and a sheet in XLSX
    keep    files that must not be replaced: the inputs, and other outputs of the same run

    Raises CasesError, in words, where the file cannot be written: here, while writing, or at the end.
    """
    path = Path(path)
    require_writable(path, keep)
    return _WRITERS[path.suffix.lower()](path, schema, note)


def require_writable(path: Path, keep: Iterable[Path] = ()) -> None:
    """Raises CasesError where results cannot be written to a file, as far as that can be told beforehand."""
    if path.suffix.lower() not in _WRITERS:
        files = f"{path.suffix} files" if path.suffix else "files without a suffix"
        raise _unwritable(
            path,
            f"results are not written to {files}",
            f"choose one of {', '.join(OUTPUT_SUFFIXES)}",
        )
    for other in keep:
        if is_same_file(path, Path(other)):
            raise _unwritable(path, f"this would overwrite {other}", "choose another name for the output")
    try:
        folder = Path(os.path.realpath(path)).parent
        if not folder.is_dir():
            raise _unwritable(path, f"there is no folder {folder}", "create it, or choose another one")
        if path.is_dir():
            raise _unwritable(path, "this is a folder", "give the name of a file")
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise _unwritable(path, "this is not an ordinary file", "give the name of a file")
    except OSError as error:
        raise _cannot_write(path, error) from None


def _remove_abandoned(target: Path) -> None:
    """Removes the unfinished files of this output whose writers are no more.

    A writer holds a lock on its file as long as it lives, however it ends. One that is empty may have been
    created this very moment and not be locked yet, so it is left alone.
    """
    name = re.compile(re.escape(f".{target.name}.") + r"[0-9]+-[0-9a-f]{8}\.part")
    try:
        beside = list(target.parent.iterdir())
    except OSError:  # a folder one may write in and not list
        return
    for path in beside:
        if name.fullmatch(path.name) is None:
            continue
        with suppress(OSError):  # not ours to remove, locked, or gone already
            file = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if os.fstat(file).st_size > 0:
                    path.unlink()
            finally:
                os.close(file)


def is_same_file(path: Path, other: Path) -> bool:
    """Whether two names are of one file, also where there is none yet."""
    with suppress(OSError):
        if path.samefile(other):
            return True
    return os.path.realpath(path) == os.path.realpath(other)


def _encoded_note(note: Mapping[str, str]) -> dict[bytes, bytes]:
    return {key.encode(): value.encode() for key, value in note.items()}


def _with_known_dictionary(column: pa.DictionaryArray, known: dict[object, int]) -> pa.DictionaryArray:
    """The column with ``known`` as dictionary, to which the column's new values were added."""
    places = [known.setdefault(value, len(known)) for value in column.dictionary.to_pylist()]
    dictionary = pa.array(list(known), column.dictionary.type)
    if places == list(range(len(places))):
        indices = column.indices
    else:
        indices = pa.array(places, column.indices.type).take(column.indices)
    return pa.DictionaryArray.from_arrays(indices, dictionary)


def _significant_digits(number: int | Decimal) -> int:
    digits = str(abs(number)) if isinstance(number, int) else "".join(map(str, number.as_tuple().digits))
    return len(digits.lstrip("0").rstrip("0"))


def _cannot_write(path: Path, error: OSError) -> CasesError:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _unwritable(path, "the disk is full", "free some space or choose another folder")
    if error.errno == errno.EFBIG:
        return _unwritable(path, "the file grows larger than is allowed here", "choose another folder")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return _unwritable(path, "you may not write in this folder", "choose a folder you may write in")
    if error.errno == errno.ENAMETOOLONG:
        return _unwritable(path, "the name is too long", "choose a shorter name")
    return _unwritable(path, f"it cannot be written ({error.strerror or error})", "choose another folder")


def _unwritable(path: Path, message: str, way_out: str) -> CasesError:
    return CasesError(f"{path} was not written", [Problem(str(path), None, None, message, way_out)])
