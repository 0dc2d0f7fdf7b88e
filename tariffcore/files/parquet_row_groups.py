"""Row groups of Parquet, encoded in any thread and put together in order.

pyarrow encodes the columns of a file one after another, in the thread that writes.  Here each row group is
encoded for itself, in any thread: the kinds of columns that priced files consist of by our own loops over
Arrow's buffers, all others by pyarrow, as a small file of their own.  What is appended are bytes; the footer
comes last, with a schema and metadata that are pyarrow's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tariffcore import _parquet_pages
from tariffcore.arrow_buffers import boolean_cells, null_cells, number_cells
from tariffcore.files.thrift_compact import Struct, i16, i32, i64, read_struct, write_struct

MAGIC = b"PAR1"

Octets: TypeAlias = Any
"""Bytes, an array of them, or an Arrow buffer."""

# parquet.thrift: Type, FieldRepetitionType, Encoding, CompressionCodec, PageType
_BOOLEAN, _INT64, _BYTE_ARRAY, _FIXED_BYTES = 0, 2, 6, 7
_OPTIONAL = 1
_PLAIN, _RLE, _DELTA_BINARY_PACKED, _RLE_DICTIONARY = 0, 3, 5, 8
_SNAPPY = 1
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2

_MOST_DICTIONARY_TEXTS = 1 << 16  # longer dictionaries are left to pyarrow
_INT64_DIGITS = 18
_BLOCK_HEADER_BYTES = 14  # of 128 deltas: the least one and four widths
_DELTA_HEADER_BYTES = 24


@dataclass(frozen=True, slots=True)
class EncodedRowGroup:
    """The bytes of a row group, and its columns' metadata with offsets that count from the first of them."""

    pieces: list[Octets]
    columns: list[Struct]
    rows: int


class RowGroupEncoder:
    """Encodes the row groups of one file. ``encode`` may run in several threads at once."""

    def __init__(self, schema: pa.Schema) -> None:
        dictionaries = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        self._options: dict[str, Any] = {
            "compression": "snappy",
            # Ids and amounts do not repeat: trying to make dictionaries of them would only cost time.
            "use_dictionary": dictionaries,
            "write_statistics": [field.name for field in schema if field.name not in dictionaries],
            "store_decimal_as_integer": True,
        }
        self._footer = _footer(self._by_pyarrow(schema.empty_table()))
        leaves = _flat_leaves(self._footer[2])
        self._own = [
            (number, name, leaves[name]) for number, name in enumerate(schema.names) if name in leaves
        ]

    def encode(self, table: pa.Table) -> EncodedRowGroup:
        """The rows, at least one, as a row group. ``table`` has the columns of the schema."""
        table = _without_null_words(table)
        chunks: dict[int, tuple[list[Octets], Struct]] = {}
        for number, name, leaf in self._own:
            pages = _own_pages(table.column(number), leaf)
            if pages is not None:
                chunks[number] = _column_chunk(name, leaf, pages)
        others = [number for number in range(table.num_columns) if number not in chunks]
        by_number = {number: [chunk] for number, chunk in chunks.items()}
        if others:
            by_number.update(self._others(table, others))
        pieces: list[Octets] = []
        columns: list[Struct] = []
        size = 0
        for number in range(table.num_columns):
            for parts, column in by_number[number]:
                columns.append(_moved(column, size))
                pieces += parts
                size += sum(memoryview(part).nbytes for part in parts)
        return EncodedRowGroup(pieces, columns, table.num_rows)

    def row_group(self, encoded: EncodedRowGroup, offset: int, ordinal: int) -> Struct:
        """What the footer says of a row group whose bytes begin at ``offset``."""
        columns = [_moved(column, offset) for column in encoded.columns]
        metadata = [column[3] for column in columns]
        group: Struct = {
            1: columns,
            2: i64(sum(column[6].value for column in metadata)),
            3: i64(encoded.rows),
            5: i64(offset),
            6: i64(sum(column[7].value for column in metadata)),
        }
        if ordinal < 1 << 15:
            group[7] = i16(ordinal)
        return group

    def footer(self, row_groups: list[Struct], rows: int) -> bytes:
        """The end of a file of so many rows."""
        footer = write_struct({**self._footer, 3: i64(rows), 4: row_groups})
        return footer + len(footer).to_bytes(4, "little") + MAGIC

    def _by_pyarrow(self, table: pa.Table) -> memoryview:
        sink = pa.BufferOutputStream()
        names = set(table.column_names)
        options = {
            key: [name for name in value if name in names] if isinstance(value, list) else value
            for key, value in self._options.items()
        }
        with pq.ParquetWriter(sink, table.schema, **options) as writer:
            if table.num_rows:
                writer.write_table(table, row_group_size=table.num_rows)
        return memoryview(sink.getvalue())

    def _others(self, table: pa.Table, numbers: list[int]) -> dict[int, list[tuple[list[Octets], Struct]]]:
        """Columns encoded by pyarrow; one with fields or elements of its own comes as several."""
        file = self._by_pyarrow(table.select(numbers))
        (group,) = _footer(file)[4]
        found: dict[int, list[tuple[list[Octets], Struct]]] = {number: [] for number in numbers}
        number_of = dict(zip((table.field(number).name for number in numbers), numbers, strict=True))
        for column in group[1]:
            metadata = column[3]
            first = min(metadata[place].value for place in (9, 11) if place in metadata)
            content = file[first : first + metadata[7].value]
            found[number_of[metadata[3][0].decode()]].append(([content], _moved(column, -first)))
        return found


def _footer(file: memoryview) -> Struct:
    size = int.from_bytes(file[-8:-4], "little")
    return read_struct(bytes(file[-8 - size : -8]))


def _flat_leaves(elements: list[Struct]) -> dict[str, Struct]:
    """The schema elements of nullable columns without fields or elements of their own, by name."""
    leaves: dict[str, Struct] = {}
    place = 1  # the first is the root

    def skip(place: int) -> int:
        children = elements[place].get(5)
        place += 1
        for _ in range(children.value if children else 0):
            place = skip(place)
        return place

    while place < len(elements):
        element = elements[place]
        if 5 not in element and element[3].value == _OPTIONAL:
            leaves[element[4].decode()] = element
        place = skip(place)
    return leaves


def _moved(column: Struct, by: int) -> Struct:
    """The metadata of a column whose bytes begin that much later."""
    metadata = dict(column[3])
    for place in (9, 10, 11):  # data pages, index, dictionary page
        if place in metadata:
            metadata[place] = i64(metadata[place].value + by)
    return {**column, 2: i64(column[2].value + by if column[2].value else 0), 3: metadata}


def _without_null_words(table: pa.Table) -> pa.Table:
    """The table with null cells where a dictionary has a null: pyarrow writes no such dictionary."""
    for number, field in enumerate(table.schema):
        column = table.column(number)
        if pa.types.is_dictionary(field.type) and any(chunk.dictionary.null_count for chunk in column.chunks):
            chunks = []
            for chunk in column.chunks:
                words = chunk.dictionary
                places = np.cumsum(~null_cells(words)) - 1
                new_index = pa.array(places, field.type.index_type, mask=null_cells(words))
                chunks.append(
                    pa.DictionaryArray.from_arrays(new_index.take(chunk.indices), words.drop_null())
                )
            table = table.set_column(number, field, pa.chunked_array(chunks, field.type))
    return table


@dataclass(frozen=True, slots=True)
class _Pages:
    """A column's values, encoded but not compressed: at most a dictionary page and one data page."""

    dictionary: bytes | None
    dictionary_size: int
    levels: bytes
    values: Octets
    encoding: int
    count: int
    nulls: int
    least: bytes | None = None
    most: bytes | None = None


def _own_pages(column: pa.ChunkedArray, leaf: Struct) -> _Pages | None:
    """The pages of a column of a kind that is encoded here; None: leave it to pyarrow."""
    if column.num_chunks != 1:
        return None
    array = column.chunk(0)
    kind, physical = array.type, leaf[1].value
    valid: NDArray[np.bool_] | None = None if array.null_count == 0 else ~null_cells(array)
    if array.null_count == len(array):
        return None
    if pa.types.is_int64(kind) and physical == _INT64:
        return _of_numbers(number_cells(array, np.int64), valid)
    if pa.types.is_decimal128(kind):
        halves = number_cells(array, np.dtype((np.int64, 2))).reshape(-1, 2)
        numbers = np.ascontiguousarray(halves[:, 0])
        if physical == _INT64:
            return _of_numbers(numbers, valid)
        if physical == _FIXED_BYTES and leaf[2].value > 8 and np.array_equal(halves[:, 1], numbers >> 63):
            return _of_long_decimals(numbers, valid, leaf[2].value)
    if pa.types.is_boolean(kind) and physical == _BOOLEAN:
        cells = _present(boolean_cells(array), valid)
        return _pages(valid, len(array), np.packbits(cells, bitorder="little"), _PLAIN)
    if pa.types.is_dictionary(kind) and pa.types.is_string(kind.value_type) and physical == _BYTE_ARRAY:
        return _of_dictionary(array, valid)
    return None


def _present(cells: NDArray[Any], valid: NDArray[np.bool_] | None) -> NDArray[Any]:
    return cells if valid is None else cells[valid]


def _pages(
    valid: NDArray[np.bool_] | None,
    count: int,
    values: Octets,
    encoding: int,
    **more: Any,  # noqa: ANN401
) -> _Pages:
    """Pages of ``count`` cells with a level for each: 1 where there is a value, 0 where not."""
    if valid is None:
        levels, nulls = _varint(count << 1) + b"\x01", 0
    else:
        bits = np.packbits(valid, bitorder="little")
        levels, nulls = _varint(len(bits) << 1 | 1) + bits.tobytes(), count - int(np.count_nonzero(valid))
    return _Pages(
        **{"dictionary": None, "dictionary_size": 0, **more},
        levels=len(levels).to_bytes(4, "little") + levels,
        values=values,
        encoding=encoding,
        count=count,
        nulls=nulls,
    )


def _varint(value: int) -> bytes:
    written = bytearray()
    while value >= 128:
        written.append(value & 127 | 128)
        value >>= 7
    return bytes([*written, value])


def _of_numbers(numbers: NDArray[np.int64], valid: NDArray[np.bool_] | None) -> _Pages:
    present = _present(numbers, valid)
    blocks = -(-len(present) // 128)
    packed = np.empty(_DELTA_HEADER_BYTES + blocks * (_BLOCK_HEADER_BYTES + 128 * 8), dtype=np.uint8)
    written = _parquet_pages.pack_deltas(present, packed)
    return _pages(
        valid,
        len(numbers),
        packed[:written],
        _DELTA_BINARY_PACKED,
        least=present.min().tobytes(),
        most=present.max().tobytes(),
    )


def _of_long_decimals(numbers: NDArray[np.int64], valid: NDArray[np.bool_] | None, width: int) -> _Pages:
    present = _present(numbers, valid)
    written = np.empty(len(present) * width, dtype=np.uint8)
    _parquet_pages.put_big_endian(present, width, written)
    least, most = int(present.min()), int(present.max())
    return _pages(
        valid,
        len(numbers),
        written,
        _PLAIN,
        least=least.to_bytes(width, "big", signed=True),
        most=most.to_bytes(width, "big", signed=True),
    )


def _of_dictionary(array: pa.DictionaryArray, valid: NDArray[np.bool_] | None) -> _Pages | None:
    texts = array.dictionary
    if len(texts) > _MOST_DICTIONARY_TEXTS:
        return None
    indices = array.indices
    present = _present(number_cells(indices, np.dtype(f"u{indices.type.bit_width // 8}")), valid)
    least, most = int(present.min()), int(present.max())
    if most >= len(texts) or present.itemsize > 4:
        return None
    width = max((len(texts) - 1).bit_length(), 1)
    if least == most:
        packed: Octets = _varint(len(present) << 1) + least.to_bytes((width + 7) // 8, "little")
    else:
        groups = -(-len(present) // 8)
        header = _varint(groups << 1 | 1)
        run = np.empty(len(header) + groups * width, dtype=np.uint8)
        run[: len(header)] = np.frombuffer(header, dtype=np.uint8)
        _parquet_pages.pack_bits(present, width, run[len(header) :])
        packed = run.data
    plain = [len(text).to_bytes(4, "little") + text for text in texts.cast(pa.binary()).to_pylist()]
    return _pages(
        valid,
        len(array),
        bytes([width]) + bytes(packed),
        _RLE_DICTIONARY,
        dictionary=b"".join(plain),
        dictionary_size=len(plain),
    )


def _column_chunk(name: str, leaf: Struct, pages: _Pages) -> tuple[list[Octets], Struct]:
    """The bytes of a column and its metadata, with offsets that count from the first byte."""
    codec = pa.Codec("snappy")
    parts: list[Octets] = []
    sizes = [0, 0]  # compressed and not, headers included

    def put(kind: int, content: Octets, header: Struct) -> None:
        size = memoryview(content).nbytes
        compressed = codec.compress(content)
        head = write_struct({1: i32(kind), 2: i32(size), 3: i32(len(compressed)), **header})
        parts.extend((head, compressed))
        sizes[0] += len(head) + len(compressed)
        sizes[1] += len(head) + size

    if pages.dictionary is not None:
        put(_DICTIONARY_PAGE, pages.dictionary, {7: {1: i32(pages.dictionary_size), 2: i32(_PLAIN)}})
    data_page = sizes[0]
    levels = np.frombuffer(pages.levels, dtype=np.uint8)
    content = np.concatenate([levels, np.frombuffer(pages.values, dtype=np.uint8)])
    put(
        _DATA_PAGE,
        content,
        {5: {1: i32(pages.count), 2: i32(pages.encoding), 3: i32(_RLE), 4: i32(_RLE)}},
    )
    encodings = {_RLE, pages.encoding} | ({_PLAIN} if pages.dictionary is not None else set())
    statistics: Struct = {3: i64(pages.nulls)}
    if pages.least is not None and pages.most is not None:
        statistics |= {5: pages.most, 6: pages.least}
    metadata: Struct = {
        1: leaf[1],
        2: [i32(encoding) for encoding in sorted(encodings)],
        3: [name.encode()],
        4: i32(_SNAPPY),
        5: i64(pages.count),
        6: i64(sizes[1]),
        7: i64(sizes[0]),
        9: i64(data_page),
        12: statistics,
    }
    if pages.dictionary is not None:
        metadata[11] = i64(0)
    return parts, {2: i64(0), 3: metadata}
