"""The buffers of Arrow arrays as NumPy arrays, without a copy; what null cells hold means nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

_NO_BITS = np.zeros(1, dtype=np.uint8)


def null_cells(array: pa.Array) -> NDArray[np.bool_]:
    """Which cells are null; not for the types that keep no bitmap (null, unions, run ends)."""
    buffer = array.buffers()[0] if array.null_count else None
    if buffer is None:
        return np.zeros(len(array), dtype=np.bool_)
    return ~unpacked(np.frombuffer(buffer, dtype=np.uint8), array.offset, len(array))


def unpacked(bits: NDArray[np.uint8], bit_offset: int, count: int) -> NDArray[np.bool_]:
    """``count`` bits of a bitmap as Booleans."""
    first, skipped = divmod(bit_offset, 8)
    whole = np.unpackbits(bits[first : first + (skipped + count + 7) // 8], bitorder="little")
    return whole[skipped : skipped + count].view(np.bool_)


def packed(mask: NDArray[np.bool_]) -> pa.Buffer | None:
    """A bitmap for a new array that is valid where the mask is true; None where it is true throughout."""
    return None if mask.all() else pa.py_buffer(np.packbits(mask, bitorder="little"))


def boolean_cells(array: pa.Array) -> NDArray[np.bool_]:
    """The cells of a Boolean array."""
    buffer = array.buffers()[1]
    bits = _NO_BITS if buffer is None or not len(array) else np.frombuffer(buffer, dtype=np.uint8)
    return unpacked(bits, array.offset, len(array))


def number_cells(array: pa.Array, dtype: type[np.generic] | np.dtype[Any]) -> NDArray[Any]:
    """The cells of an array of a fixed width as numbers of that width."""
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(0, dtype=dtype)
    width = np.dtype(dtype)
    return np.frombuffer(buffer, dtype=width, count=len(array), offset=array.offset * width.itemsize)


def text_octets(array: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The bytes of a column of strings, and where each cell begins and the last one ends."""
    _, offsets, content = array.buffers()
    if offsets is None or not len(array):
        return np.zeros(1, dtype=np.uint8), np.zeros(1, dtype=np.int32)
    starts = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    empty = content is None or not content.size
    return np.zeros(1, dtype=np.uint8) if empty else np.frombuffer(content, dtype=np.uint8), starts
