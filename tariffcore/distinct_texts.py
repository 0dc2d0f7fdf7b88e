"""Columns of text as dictionaries: each distinct text once, in the order in which they first come.

Faster than Arrow's own for the short codes that cases are made of, by which most of the time of reading them
would go.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import _texts
from tariffcore.arrow_buffers import null_cells, packed, text_octets

Offsets = NDArray[np.int32]


def distinct(texts: pa.Array, *, empty_is_null: bool = False) -> pa.DictionaryArray:
    """A column of strings as dictionary<int32, string>; with ``empty_is_null`` an empty text is none."""
    content, offsets = text_octets(texts)
    null = null_cells(texts)
    number, first = _numbered(content, offsets[:-1], offsets[1:], null, empty_is_null)
    indices = pa.Array.from_buffers(pa.int32(), len(texts), [packed(~null), pa.py_buffer(number)])
    return pa.DictionaryArray.from_arrays(indices, texts.take(pa.array(first)), safe=False)


def distinct_parts(
    texts: pa.Array, separators: Iterable[str]
) -> tuple[list[bytes], NDArray[np.int32], NDArray[np.int32]]:
    """What stands between two separators in a column of strings: the distinct parts, and the number of each.

    The parts of cell i are those from the third array's element i to its element i + 1. A null cell may have
    parts, which mean nothing.
    """
    content, offsets = text_octets(texts)
    one, other = (ord(separator) for separator in separators)
    inside = content[offsets[0] : offsets[-1]]
    count = len(texts) + int(np.count_nonzero(inside == one)) + int(np.count_nonzero(inside == other))
    starts, stops = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)
    first_part = np.empty(len(texts) + 1, dtype=np.int32)
    _texts.split_texts(content, offsets, one, other, starts, stops, first_part)
    number, first = _numbered(content, starts, stops, np.zeros(count, dtype=np.bool_), False)
    spans = zip(starts[first].tolist(), stops[first].tolist(), strict=True)
    return [content[start:stop].tobytes() for start, stop in spans], number, first_part


def _numbered(
    content: NDArray[np.uint8],
    starts: Offsets,
    stops: Offsets,
    null: NDArray[np.bool_],
    empty_is_null: bool,
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The number of each text, and the first text of each number; ``null`` learns of empty ones."""
    number = np.empty(len(starts), dtype=np.int32)
    first = _texts.number_texts(content, starts, stops, null.view(np.uint8), empty_is_null, number)
    return number, np.frombuffer(first, dtype=np.int32)
