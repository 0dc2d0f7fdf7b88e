"""Ids of lines as sorted numbers of 64 bits: finding a line, and lines that repeat, among tens of millions.

Numbers are only where to look; whether two ids are one is always decided by their texts. A line is known by
its provider and its case id.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_BITS = 27

Hashes = NDArray[np.uint64]
Texts = Callable[[NDArray[np.intp]], list[tuple[str, str]]]
"""The (provider id, case id) of some rows."""


def provider_seed(provider_id: str) -> int:
    """The number that tells ids of one provider from those of another; the same in every run."""
    return int.from_bytes(hashlib.sha256(provider_id.encode()).digest()[:8], "little")


def hash_ids(case_ids: pa.Array, seeds: Hashes) -> Hashes:
    """One number a row, of the bytes of its case id and the seed of its provider.

    ``case_ids`` is a string array without nulls that matter; the same text has the same number wherever it
    stands.
    """
    count = len(case_ids)
    if not count:
        return np.zeros(0, dtype=np.uint64)
    array = case_ids.cast(pa.large_string())
    _, offsets_buffer, data = array.buffers()
    offsets = np.frombuffer(offsets_buffer, dtype=np.int64)[array.offset : array.offset + count + 1]
    starts, lengths = offsets[:-1], np.diff(offsets)
    octets = np.zeros(0 if data is None else data.size + 8, dtype=np.uint8)
    if data is not None:
        octets[: data.size] = np.frombuffer(data, dtype=np.uint8)
    else:
        octets = np.zeros(8, dtype=np.uint8)
    # every run of eight bytes, wherever it begins, as one number
    words: NDArray[np.uint64] = np.ndarray((len(octets) - 7,), dtype="<u8", buffer=octets.data, strides=(1,))
    found = seeds + lengths.astype(np.uint64) * _MIX_1
    longest = int(lengths.max())
    for place in range(0, longest, 8):
        left = lengths - place
        position = np.minimum(starts + place, len(words) - 1)
        word = words[position]
        used = np.clip(left, 0, 8).astype(np.uint64) * np.uint64(8)
        mask = np.where(
            used >= 64, np.uint64(0xFFFFFFFFFFFFFFFF), (np.uint64(1) << np.minimum(used, 63)) - np.uint64(1)
        )
        mixed = _mixed(found ^ (word & mask))
        found = np.where(left > 0, mixed, found)
    return _mixed(found)


def _mixed(number: Hashes) -> Hashes:
    number = (number ^ (number >> np.uint64(30))) * _MIX_1
    number = (number ^ (number >> np.uint64(27))) * _MIX_2
    return number ^ (number >> np.uint64(31))


@dataclass(frozen=True)
class LineIndex:
    """Lines by id: their numbers in ascending order, and the row of each."""

    hashes: Hashes
    rows: NDArray[np.int64]

    @staticmethod
    def of(hashes: Hashes, rows: NDArray[np.intp]) -> LineIndex:
        """Of some rows; rows with one number stay in their order."""
        chosen = hashes[rows]
        order = np.argsort(chosen, kind="stable")
        return LineIndex(chosen[order], rows[order].astype(np.int64))

    def candidates(self, wanted: int) -> NDArray[np.int64]:
        """Rows whose number is this one."""
        key = np.uint64(wanted)
        start, end = np.searchsorted(self.hashes, key, "left"), np.searchsorted(self.hashes, key, "right")
        return self.rows[start:end]

    def repeated(self, texts: Texts) -> NDArray[np.int64]:
        """Rows whose id an earlier row has already."""
        same = self.hashes[1:] == self.hashes[:-1]
        if not same.any():
            return np.zeros(0, dtype=np.int64)
        in_run = np.zeros(len(self.hashes), dtype=np.bool_)
        in_run[1:] |= same
        in_run[:-1] |= same
        rows = np.sort(self.rows[in_run])
        seen: set[tuple[str, str]] = set()
        found = []
        for row, key in zip(rows.tolist(), texts(rows), strict=True):
            if key in seen:
                found.append(row)
            seen.add(key)
        return np.array(found, dtype=np.int64)

    def without(self, rows: NDArray[np.int64]) -> LineIndex:
        """The same without some rows."""
        if not len(rows):
            return self
        kept = ~np.isin(self.rows, rows)
        return LineIndex(self.hashes[kept], self.rows[kept])

    def shared_with(self, earlier: LineIndex) -> Iterator[tuple[int, int]]:
        """Pairs (row here, row there) with one number, by way of a table of the first bits of ours."""
        if not len(self.hashes) or not len(earlier.hashes):
            return
        shift = np.uint64(64 - _BITS)
        marked = np.zeros(1 << _BITS, dtype=np.bool_)
        marked[self.hashes >> shift] = True
        possible = np.flatnonzero(marked[earlier.hashes >> shift])
        keys = earlier.hashes[possible]
        start = np.searchsorted(self.hashes, keys, "left")
        end = np.searchsorted(self.hashes, keys, "right")
        for at in np.flatnonzero(end > start).tolist():
            for place in range(int(start[at]), int(end[at])):
                yield int(self.rows[place]), int(earlier.rows[possible[at]])

    def write(self, path: Path) -> None:
        """As an Arrow file that is read without copying."""
        table = pa.table({"hash": self.hashes, "row": self.rows})
        with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
            writer.write_table(table)

    @staticmethod
    def read(path: Path) -> LineIndex:
        with pa.memory_map(str(path)) as source:
            table = pa.ipc.open_file(source).read_all()
        columns: Sequence[Any] = [table.column(name).combine_chunks() for name in ("hash", "row")]
        return LineIndex(*(_numbers(column) for column in columns))


def _numbers(column: Any) -> Any:  # noqa: ANN401
    array = column.chunk(0) if isinstance(column, pa.ChunkedArray) else column
    return array.to_numpy(zero_copy_only=False)
