"""Cases from CSV: blocks of whole rows are cut off in order, and parsed in any thread."""

from __future__ import annotations

import csv
import io
import re
from codecs import BOM_UTF8
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from tariffcore import _lines
from tariffcore.arrow_buffers import packed, text_octets
from tariffcore.column_reading import one_array
from tariffcore.distinct_texts import distinct
from tariffcore.errors import CasesError, Problem
from tariffcore.files.chunks import (
    DICTIONARY_TEXT,
    CaseChunk,
    CaseSource,
    MalformedRow,
    RawChunk,
    one_chunk,
    text_type,
)
from tariffcore.files.csv_encoding import (
    UNDEFINED_IN_CP1251,
    ByteReader,
    PlainBytes,
    Utf16AsUtf8,
    detect_encoding,
    is_utf8,
    undecodable,
)
from tariffcore.files.csv_lines import (
    MAX_LINE_BYTES,
    MAX_ROW_BYTES,
    RowPlaces,
    RowScanner,
    count_lines,
    line_stop,
    lines_before,
    row_places,
)
from tariffcore.files.headers import Binding, bind_headers, standard_headers_found
from tariffcore.files.mapping import ColumnMapping, plain_text
from tariffcore.files.standardising import standardised

SAMPLE_BYTES = 1 << 20
MAX_BLOCK_BYTES = 16 << 20
"""Blocks are cut at this size at the latest: large enough for speed, small enough to hold several at once."""

PARSED_AT_ONCE = 4 << 20
"""pyarrow is given the lines of a block in pieces that stay in the processor's cache."""

_MIN_BLOCK_BYTES = 1 << 16
_DELIMITERS = ";,\t|"
_SEPARATOR_LINE = re.compile(r"sep=([;,\t|])", re.IGNORECASE)  # Excel's own first line
_UNREADABLE_ROW = (
    b"?\n"  # one field, where a header of cases has at least four: reported like any malformed row
)
LONGEST_LINE_SHOWN = 1_000
"""Characters of a malformed line that rejects repeat."""

_KNOWN_IMPERSONAL = frozenset({"synthetic"})
"""Columns that are not read and tell nothing of anybody."""

_Unreadable = dict[int, tuple[int, tuple[str, dict[str, str]]]]
"""Rows that cannot be parsed: start -> stop, and what is wrong as `MalformedRow` says it."""

_BLANK = " \t\x1a\u00a0"  # 0x1A ended text files of old systems


@dataclass(frozen=True)
class CsvBlock(RawChunk):
    """Whole rows, as text[:stop]: so many physical ``lines``, the first of them numbered ``first_line``.

    ``joined`` and ``broken`` as in RowEnds.  ``has_quotes`` and ``is_ascii`` are said of all of the text.
    """

    text: bytes
    stop: int
    first_line: int
    lines: int
    joined: tuple[tuple[int, int], ...]
    broken: tuple[tuple[int, int], ...]
    has_quotes: bool
    is_ascii: bool


class _WrongRow(NamedTuple):
    """Has not as many fields as the header. ``row`` counts all rows from 0, empty lines left out."""

    row: int
    fields: int
    text: str


@dataclass(frozen=True)
class _Header:
    names: tuple[str, ...]
    delimiter: str
    stop: int
    lines: int


class CsvSource(CaseSource):
    """A CSV file: UTF-8, cp1251, or UTF-16 with a byte order mark; fields separated by ; , tab or |."""

    format = "csv"
    total_rows = None
    encoding: str

    def __init__(
        self,
        path: Path,
        mapping: ColumnMapping,
        chunk_rows: int,
        *,
        block_bytes: int | None = None,
        max_line_bytes: int = MAX_LINE_BYTES,
        max_row_bytes: int = MAX_ROW_BYTES,
    ) -> None:
        self._path = path
        self._mapping = mapping
        self._max_line_bytes = max_line_bytes
        self._file: BinaryIO = path.open("rb")
        try:
            self.total_bytes: int | None = path.stat().st_size
            sample = self._file.read(SAMPLE_BYTES)
            self.encoding, mark = detect_encoding(sample, len(sample) < SAMPLE_BYTES)
            self._file.seek(mark)
            self._reader: ByteReader = (
                Utf16AsUtf8(self._file, self.encoding)
                if self.encoding.startswith("utf-16")
                else PlainBytes(self._file)
            )
            start_of_text = self._reader.read(SAMPLE_BYTES)
            self._ended = len(start_of_text) < SAMPLE_BYTES
            header = self._read_header(start_of_text)
            self.delimiter = header.delimiter
            self._binding: Binding = bind_headers(header.names, mapping, str(path))
        except BaseException:
            self._file.close()
            raise
        self.columns = self._binding.columns
        self.ignored_columns = self._binding.ignored
        self.shows_lines = set(map(plain_text, self.ignored_columns)) <= _KNOWN_IMPERSONAL
        first_rows = start_of_text[header.stop :]
        self._reader.take_back(first_rows)
        lines = first_rows.count(b"\n") or first_rows.count(b"\r") or 1
        self._block_bytes = block_bytes or min(
            MAX_BLOCK_BYTES, max(_MIN_BLOCK_BYTES, chunk_rows * (len(first_rows) // lines + 1))
        )
        self._next_line = 1 + header.lines
        self._scanner = RowScanner(header.delimiter.encode(), self._binding.width, max_row_bytes)
        self._repeats = {
            str(position): text_type(column) == DICTIONARY_TEXT
            for column, position in self._binding.sources.items()
        }
        if self._binding.birth_date is not None:
            self._repeats[str(self._binding.birth_date)] = True

    def close(self) -> None:
        self._file.close()

    def __iter__(self) -> Iterator[CsvBlock]:
        told_bytes = 0
        text = self._read(self._block_bytes)
        while True:
            line_ends, has_quotes, is_ascii = _lines.look_over(text) if text else (0, False, True)
            rows = self._scanner.scan(text, self._ended, has_quotes)
            if rows.stop == 0 and not self._ended:
                if len(text) > self._max_line_bytes:
                    raise self._unusable(
                        self._next_line,
                        f"the line has no end within {self._max_line_bytes >> 20} MiB",
                        "check that this is a CSV file with one case a line",
                    )
                text += self._read(self._block_bytes)
                continue
            if rows.stop:
                lines = lines_before(text, rows.stop, line_ends)
                read_bytes = self._file.tell()
                yield CsvBlock(
                    size_bytes=read_bytes - told_bytes,
                    text=text,
                    stop=rows.stop,
                    first_line=self._next_line,
                    lines=lines,
                    joined=rows.joined,
                    broken=rows.broken,
                    has_quotes=has_quotes,
                    is_ascii=is_ascii,
                )
                told_bytes = read_bytes
                self._next_line += lines
            if self._ended:
                return
            rest = text[rows.stop :]
            del text
            self._reader.take_back(rest)  # read once more together with what follows, which saves a copy
            text = self._read(len(rest) + self._block_bytes)

    def parse(self, raw: RawChunk) -> CaseChunk:
        assert isinstance(raw, CsvBlock)
        bytes_of_block = np.frombuffer(raw.text, np.uint8, raw.stop)
        places = row_places(bytes_of_block, raw.joined) if raw.joined or raw.broken else None
        unreadable: _Unreadable = {start: (stop, ("malformed_quote", {})) for start, stop in raw.broken}
        if not self._is_decodable(raw):
            places = places or row_places(bytes_of_block, raw.joined)
            unreadable = {**self._undecodable_rows(raw, places), **unreadable}
        text = _without(raw, unreadable)
        if self.encoding == "cp1251" and not raw.is_ascii:
            text = memoryview(str(text, "cp1251").encode())
        return self._chunk(raw, text, unreadable, places)

    def _chunk(
        self,
        raw: CsvBlock,
        text: memoryview,
        unreadable: _Unreadable,
        places: RowPlaces | None,
    ) -> CaseChunk:
        table, wrong_rows = self._table(raw, text)
        row_count = table.num_rows + len(wrong_rows)
        if row_count == raw.lines:  # a row a line: none is blank, none has several
            lines = np.arange(raw.first_line, raw.first_line + row_count, dtype=np.int64)
        else:
            places = places or row_places(np.frombuffer(raw.text, np.uint8, raw.stop), raw.joined)
            lines = raw.first_line + places.lines
        if len(lines) != row_count:
            raise self._unusable(
                raw.first_line,
                f"rows cannot be told apart in the {raw.lines} lines from here on",
                "check the quotation marks there",
            )
        if not wrong_rows:
            return CaseChunk(standardised(table, self._binding, self._mapping), lines)
        bytes_are_wrong = self._malformed(raw, unreadable, places)
        is_row = np.ones(row_count, np.bool_)
        is_wrong = np.zeros(row_count, np.bool_)
        for row, _, line in wrong_rows:
            is_wrong[row] = True
            is_row[row] = line.strip(_BLANK) != ""
        number = np.cumsum(is_row) - 1
        malformed = {
            int(number[row]): bytes_are_wrong.get(row) or self._ragged(count, line.strip(_BLANK))
            for row, count, line in wrong_rows
            if is_row[row]
        }
        taken = pa.array(np.cumsum(~is_wrong) - 1, mask=is_wrong)
        table = one_chunk(table.take(taken.filter(pa.array(is_row))))
        return CaseChunk(standardised(table, self._binding, self._mapping), lines[is_row], malformed)

    def _table(self, raw: CsvBlock, text: memoryview) -> tuple[pa.Table, list[_WrongRow]]:
        if bytes(text[: len(BOM_UTF8)]) == BOM_UTF8:
            text = memoryview(BOM_UTF8 + text)  # pyarrow leaves out one: here it belongs to the first cell
        try:
            if not raw.has_quotes and len(text) > PARSED_AT_ONCE:
                with suppress(pa.ArrowInvalid):  # a line is longer than that
                    return self._parsed(text, raw.has_quotes, PARSED_AT_ONCE)
            return self._parsed(text, raw.has_quotes, len(text) + 1)
        except pa.ArrowInvalid as error:
            raise self._unusable(
                raw.first_line, f"the lines from here on cannot be read ({error})", "check the file there"
            ) from None

    def _parsed(self, text: memoryview, has_quotes: bool, at_once: int) -> tuple[pa.Table, list[_WrongRow]]:
        wrong_rows: list[_WrongRow] = []

        def note_wrong_row(row: pa_csv.InvalidRow) -> str:
            wrong_rows.append(_WrongRow(row.number - 1, row.actual_columns, row.text))
            return "skip"

        table = pa_csv.read_csv(
            pa.BufferReader(pa.py_buffer(text)),
            # One thread: only then does pyarrow say which row is malformed.
            pa_csv.ReadOptions(
                use_threads=False,
                block_size=at_once,
                column_names=[str(i) for i in range(self._binding.width)],
            ),
            pa_csv.ParseOptions(
                delimiter=self.delimiter,
                newlines_in_values=has_quotes,
                invalid_row_handler=note_wrong_row,
            ),
            pa_csv.ConvertOptions(
                check_utf8=False,  # done already, for the whole block
                column_types=dict.fromkeys(self._repeats, pa.string()),
                include_columns=list(self._repeats),
                strings_can_be_null=False,
            ),
        )
        columns = {}
        for name, repeats in self._repeats.items():
            texts = one_array(table.column(name))
            columns[name] = distinct(texts, empty_is_null=True) if repeats else _without_empty(texts)
        return pa.table(columns), wrong_rows

    def _ragged(self, fields: int, line: str) -> MalformedRow:
        values = {"found": str(fields), "expected": str(self._binding.width)}
        return MalformedRow("malformed_row", values, self._shown(line))

    def _malformed(
        self, raw: CsvBlock, unreadable: _Unreadable, places: RowPlaces | None
    ) -> dict[int, MalformedRow]:
        if not unreadable or places is None:
            return {}
        encoding = "cp1251" if self.encoding == "cp1251" else "utf-8"
        rows = np.searchsorted(places.starts, list(unreadable))
        return {
            int(row): MalformedRow(
                trouble, values, self._shown(raw.text[start:stop].decode(encoding, "backslashreplace"))
            )
            for row, (start, (stop, (trouble, values))) in zip(rows, unreadable.items(), strict=True)
        }

    def _shown(self, line: str) -> str | None:
        """A line as rejects repeat it: whole, or its beginning."""
        if not self.shows_lines:
            return None
        line = line.rstrip("\r\n")
        return line if len(line) <= LONGEST_LINE_SHOWN else f"{line[:LONGEST_LINE_SHOWN]}…"

    def _is_decodable(self, raw: CsvBlock) -> bool:
        if raw.is_ascii:
            return True
        if self.encoding == "cp1251":
            return raw.text.find(UNDEFINED_IN_CP1251, 0, raw.stop) < 0
        return is_utf8(memoryview(raw.text)[: raw.stop])

    def _undecodable_rows(self, raw: CsvBlock, places: RowPlaces) -> _Unreadable:
        found: _Unreadable = {}
        for start, stop in zip(places.starts.tolist(), places.stops.tolist(), strict=True):
            trouble = undecodable(raw.text[start:stop], self.encoding)
            if trouble is not None:
                found[start] = (stop, trouble)
        return found

    def _read(self, size: int) -> bytes:
        try:
            piece = self._reader.read(size)
        except OSError as error:
            raise self._unusable(
                self._next_line, f"the file cannot be read on ({error.strerror or error})", "try again"
            ) from None
        self._ended = len(piece) < size
        return piece

    def _read_header(self, sample: bytes) -> _Header:
        if not sample.strip(b" \t\r\n\x1a"):
            raise CasesError(
                f"{self._path} holds no cases",
                [
                    Problem(
                        str(self._path),
                        None,
                        None,
                        "the file is empty",
                        "give a file with a header and cases",
                    )
                ],
            )
        encoding = "cp1251" if self.encoding == "cp1251" else "utf-8"
        start, delimiters = 0, _DELIMITERS
        while True:  # blank lines and Excel's separator line may stand before the header
            stop = line_stop(sample, start, self._ended)
            if stop is None:
                raise self._no_header()
            line = sample[start:stop].decode(encoding, "replace").strip()
            separator = _SEPARATOR_LINE.fullmatch(line)
            if separator is not None:
                delimiters = separator[1]
            elif line:
                break
            start = stop
        best: _Header | None = None
        best_score = (-1, -1)
        for delimiter in delimiters:
            header = self._header_with(delimiter, sample, start, encoding)
            if header is not None:
                score = (standard_headers_found(header.names, self._mapping), len(header.names))
                if score > best_score:
                    best, best_score = header, score
        if best is None:
            raise self._no_header()
        return best

    def _header_with(self, delimiter: str, sample: bytes, start: int, encoding: str) -> _Header | None:
        stop = RowScanner(delimiter.encode(), 0, SAMPLE_BYTES).row_stop(sample, start, self._ended)
        if stop is None:
            return None
        text = sample[start:stop].decode(encoding, "replace").rstrip("\r\n")
        names = next(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
        lines = count_lines(sample, stop)
        return _Header(tuple(names), delimiter, stop, lines)

    def _no_header(self) -> CasesError:
        return self._unusable(1, "no header line can be found", "check that this is a CSV file with a header")

    def _unusable(self, line: int, message: str, way_out: str) -> CasesError:
        return CasesError(
            f"{self._path} cannot be read", [Problem(f"{self._path}:{line}", None, None, message, way_out)]
        )


def _without_empty(texts: pa.StringArray) -> pa.StringArray:
    """A column of texts in which empty ones are null."""
    _, starts = text_octets(texts)
    filled = starts[1:] > starts[:-1]
    content = texts.buffers()[2]
    return pa.Array.from_buffers(texts.type, len(texts), [packed(filled), pa.py_buffer(starts), content])


def _without(raw: CsvBlock, unreadable: _Unreadable) -> memoryview:
    """The rows of the block, the unreadable ones replaced by a line that is reported as malformed."""
    whole = memoryview(raw.text)[: raw.stop]
    if not unreadable:
        return whole
    pieces: list[memoryview | bytes] = []
    position = 0
    for start in sorted(unreadable):
        pieces += [whole[position:start], _UNREADABLE_ROW]
        position = unreadable[start][0]
    pieces.append(whole[position:])
    return memoryview(b"".join(pieces))
