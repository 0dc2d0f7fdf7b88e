"""A table as CSV text, made by whole columns.

pyarrow's own writer quotes either every text or none, so the fields are made here: UTF-8, comma, LF, quotes
only around fields that hold a comma, a quote or a line end; decimals with all their places; null and empty
text are both an empty field. Text that a spreadsheet would take for a formula (=, +, -, @) is written as it
is: an id must come back as it went in. For spreadsheets there is XLSX output, where text is always text.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

_SPECIAL = (b'"', b",", b"\n", b"\r")
_PLAIN_DECIMAL_SCALE = 6  # from 7 places on, Arrow writes small numbers as 1E-7


def csv_header(names: list[str]) -> bytes:
    return ",".join(_quoted(name) for name in names).encode() + b"\n"


def csv_rows(table: pa.Table) -> bytes:
    """The rows of the table as CSV, without a header."""
    if table.num_rows == 0:
        return b""
    fields = [_fields(_one_array(column)) for column in table.columns]
    fields[-1] = _with_line_end(fields[-1])
    texts = [_plain(field) for field in fields]
    rows = (
        texts[0]
        if len(texts) == 1
        else pc.binary_join_element_wise(*texts, ",", null_handling="replace", null_replacement="")
    )
    # The rows are one string array, whose characters are, one after the other, the file.
    offsets = memoryview(rows.buffers()[1]).cast("q" if pa.types.is_large_string(rows.type) else "i")
    start, stop = offsets[rows.offset], offsets[rows.offset + len(rows)]
    return memoryview(rows.buffers()[2])[start:stop].tobytes()


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.unify_dictionaries().combine_chunks() if column.num_chunks != 1 else column.chunk(0)


def _fields(array: pa.Array) -> pa.Array:
    """The column as text, quoted where needed; dictionaries stay dictionaries."""
    if pa.types.is_dictionary(array.type):
        return pa.DictionaryArray.from_arrays(array.indices, _fields(array.dictionary))
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


def _with_line_end(field: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(field.type):
        ended = _with_line_end(field.dictionary)
        if field.null_count == 0:
            return pa.DictionaryArray.from_arrays(field.indices, ended)
        # A null has no place in the dictionary, and its line must end as well.
        indices = field.indices.cast(pa.int64()).fill_null(len(ended))
        return pa.DictionaryArray.from_arrays(
            indices, pa.concat_arrays([ended, pa.array(["\n"], ended.type)])
        )
    return pc.binary_join_element_wise(field, "\n", "", null_handling="replace", null_replacement="")


def _plain(field: pa.Array) -> pa.Array:
    return field.cast(pa.string()) if pa.types.is_dictionary(field.type) else field


def _quoted(text: str) -> str:
    if any(special in text for special in '",\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text
