"""A table as CSV text, made by whole columns.

pyarrow's own writer quotes either every text or none, so the rows are made here: UTF-8, comma, LF, quotes
only around fields that hold a comma, a quote or a line end; decimals with all their places; null and empty
text are both an empty field. Text that a spreadsheet would take for a formula (=, +, -, @) is written as it
is: an id must come back as it went in. For spreadsheets there is XLSX output, where text is always text.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariffcore import _csv_rows

_SPECIAL = (b'"', b",", b"\n", b"\r")
_TRUTH_WORDS = pa.array(["false", "true"])
_OFFSET_BYTES = 4
_ROOM = pa.array([" " * 32])
"""Behind the few texts of a dictionary, so that the loop may copy more than the last of them."""
_PLACES_OF_64_BITS = 18
_PLAIN_DECIMAL_SCALE = 6  # from 7 places on, Arrow writes small numbers as 1E-7


def csv_header(names: list[str]) -> bytes:
    return ",".join(_quoted(name) for name in names).encode() + b"\n"


def csv_rows(table: pa.Table) -> bytearray:
    """The rows of the table, which has at least one column, as CSV without a header."""
    if table.num_rows == 0:
        return bytearray()
    return _csv_rows.join_rows([_cells(_one_array(column)) for column in table.columns], table.num_rows)


class Cells(NamedTuple):
    """A column as the compiled loop reads it: addresses in memory, 0 for what there is not.

    validity     bits, of which element ``first`` is that of row 0; 0: no cell is null
    numbers      128-bit integers of the decimals that are the cells, all within 64 bits; 0: texts are
    scale        how many of a decimal's digits are places
    places       int32, which of the texts the cell is; 0: each cell is its own
    offsets      int32, where in ``octets`` each text begins and the last one ends
    octet_count  how many bytes there are at ``octets``, which all may be read
    held         keeps all this in memory
    """

    validity: int
    first: int
    numbers: int
    scale: int
    places: int
    offsets: int
    octets: int
    octet_count: int
    held: tuple[pa.Array, ...]


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _cells(array: pa.Array) -> Cells:
    if pa.types.is_dictionary(array.type):
        return _picked(array.indices.cast(pa.int32()), _texts(array.dictionary))
    if pa.types.is_boolean(array.type):
        return _picked(array.cast(pa.int8()).cast(pa.int32()), _TRUTH_WORDS)
    if _fits_64_bits(array):
        validity, numbers = _addresses(array)
        return Cells(validity, array.offset, numbers, array.type.scale, 0, 0, 0, 0, (array,))
    texts = _texts(array)
    validity, offsets, octets = _addresses(texts)
    return Cells(validity, texts.offset, 0, 0, 0, offsets, octets, _octet_count(texts), (texts,))


def _picked(places: pa.Array, texts: pa.Array) -> Cells:
    """Texts that repeat; ``places`` are int32."""
    texts = pa.concat_arrays([texts.fill_null(""), _ROOM])
    validity, numbers = _addresses(places)
    _, offsets, octets = _addresses(texts)
    first_offset = offsets + _OFFSET_BYTES * texts.offset
    room = _octet_count(texts)
    return Cells(validity, places.offset, 0, 0, numbers, first_offset, octets, room, (places, texts))


def _addresses(array: pa.Array) -> list[int]:
    validity, *others = (0 if buffer is None else buffer.address for buffer in array.buffers())
    return [validity if array.null_count else 0, *others]


def _octet_count(texts: pa.Array) -> int:
    octets = texts.buffers()[2]
    return 0 if octets is None else octets.size


def _fits_64_bits(array: pa.Array) -> bool:
    kind = array.type
    if not (pa.types.is_decimal128(kind) and 0 <= kind.scale <= _PLACES_OF_64_BITS):
        return False
    numbers = array.buffers()[1]
    halves = np.frombuffer(numbers, np.int64)[2 * array.offset : 2 * (array.offset + len(array))]
    return bool((halves[::2] >> 63 == halves[1::2]).all())


def _texts(array: pa.Array) -> pa.Array:
    """The cells as strings, quoted where needed."""
    kind = array.type
    if pa.types.is_decimal(kind) and kind.scale > _PLAIN_DECIMAL_SCALE:
        return pa.array([None if v is None else format(v, "f") for v in array.to_pylist()], pa.string())
    text = array.cast(pa.string())
    is_free_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    return _with_quotes(text) if is_free_text and _has_special(text) else text


def _has_special(text: pa.Array) -> bool:
    characters = text.buffers()[2]
    if characters is None:
        return False
    held = bytes(memoryview(characters))
    return any(special in held for special in _SPECIAL)


def _with_quotes(text: pa.Array) -> pa.Array:
    needs_quotes = pc.match_substring_regex(text, '[",\r\n]')
    doubled = pc.replace_substring(text, '"', '""')
    return pc.if_else(needs_quotes, pc.binary_join_element_wise('"', doubled, '"', ""), text)


def _quoted(text: str) -> str:
    if any(special in text for special in '",\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
