"""What every reader of a file of cases hands on: chunks with standard columns only, in file order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

DISTINCT_TEXT_COLUMNS = frozenset(
    {"case_id", "patient_id", "claimed_amount", "admission_date", "discharge_date", "procedure_codes"}
)
"""Columns whose text hardly repeats: plain strings. All others repeat and are dictionary-encoded."""

CARRIED_COLUMNS = ("case_id", "funding_source")
"""Columns of a case that its priced row repeats."""

DICTIONARY_TEXT = pa.dictionary(pa.int32(), pa.string())


def text_type(column: str) -> pa.DataType:
    """The Arrow type of a standard column that was read as text."""
    return pa.string() if column in DISTINCT_TEXT_COLUMNS else DICTIONARY_TEXT


@dataclass(frozen=True)
class RawChunk:
    """A piece of the file as read, not yet parsed. ``size_bytes``: how far it moves through the file."""

    size_bytes: int


@dataclass(frozen=True)
class RecordBatches(RawChunk):
    """Rows of a columnar file; ``first_row`` counts from 1."""

    first_row: int
    batches: tuple[pa.RecordBatch, ...]


@dataclass(frozen=True)
class MalformedRow:
    """A line of a text file that is no row.

    trouble  what is wrong, as a key of the labels: "malformed_row", "malformed_quote", ...
    values   the values of its sentence
    text     the line as it stands in the file, as far as it may be shown (see `CaseSource.shows_lines`)
    """

    trouble: str
    values: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(frozen=True)
class CaseChunk:
    """Rows of a file, in file order, malformed ones included as all-null rows.

    table         only standard columns, each in one piece; text is string or dictionary<int32, string>
    line_numbers  int64, one a row: the physical line (CSV, XLSX) or the 1-based row number (Parquet, Arrow)
    malformed     row index in this chunk -> what is wrong with the line
    """

    table: pa.Table
    line_numbers: npt.NDArray[np.int64]
    malformed: Mapping[int, MalformedRow] = field(default_factory=dict)


class CaseSource(ABC):
    """An open file of cases. Iterate it once, in one thread; ``parse`` may run in several threads at once.

    format           "csv", "parquet", "arrow" or "xlsx"
    columns          the standard columns the chunks carry
    ignored_columns  headers of the file that are not read
    total_bytes      size of the file, for a progress bar: the chunks' ``size_bytes`` add up to about this
    total_rows       rows in the file, None where only reading it can tell
    encoding         of a text file, as it was recognised ("utf-8", "cp1251", ...); None of others
    shows_lines      whether malformed rows carry their line: in text files without columns that are not read,
                     since those may hold names and diagnoses, and which part of a malformed line is theirs is
                     not known
    """

    format: str
    columns: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    total_bytes: int | None
    total_rows: int | None
    encoding: str | None = None
    shows_lines: bool = False

    @abstractmethod
    def __iter__(self) -> Iterator[RawChunk]:
        """Pieces of the file, cheap to get. Raises CasesError for a file that cannot be read on."""

    @abstractmethod
    def parse(self, raw: RawChunk) -> CaseChunk:
        """The rows of one piece. Safe to call from several threads; pyarrow releases the GIL meanwhile."""

    def no_rows(self) -> CaseChunk:
        """A chunk without rows, for a file that has none; its columns have the types they have with rows."""
        table = pa.table({name: pa.array([], type=text_type(name)) for name in self.columns})
        return CaseChunk(table, np.zeros(0, np.int64))

    @abstractmethod
    def close(self) -> None:
        """Lets go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def one_chunk(table: pa.Table) -> pa.Table:
    """The table with every column in one piece, dictionaries made one."""
    return table.unify_dictionaries().combine_chunks()


def gathered(
    batches: Iterable[pa.RecordBatch], chunk_rows: int
) -> Iterator[tuple[int, tuple[pa.RecordBatch, ...]]]:
    """Batches of any sizes as (first row from 1, batches of at most ``chunk_rows`` rows together)."""
    first_row = 1
    held: list[pa.RecordBatch] = []
    held_rows = 0
    for batch in batches:
        offset = 0
        while offset < batch.num_rows:
            part = batch.slice(offset, chunk_rows - held_rows)
            held.append(part)
            held_rows += part.num_rows
            offset += part.num_rows
            if held_rows == chunk_rows:
                yield first_row, tuple(held)
                first_row += held_rows
                held, held_rows = [], 0
    if held:
        yield first_row, tuple(held)
