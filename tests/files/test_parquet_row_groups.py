"""Row groups put together here are read by others as what was written, whatever the columns."""

import io
from datetime import datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.files.chunks import one_chunk
from tariffcore.files.parquet_row_groups import MAGIC, RowGroupEncoder

WORDS = ["", "a", "й", "a word of some length", "inpatient"]


def file_of(tables, schema=None):
    """The tables, one a row group."""
    encoder = RowGroupEncoder(schema or tables[0].schema)
    content = bytearray(MAGIC)
    row_groups = []
    for table in tables:
        group = encoder.encode(table)
        row_groups.append(encoder.row_group(group, len(content), len(row_groups)))
        for piece in group.pieces:
            content += memoryview(piece).cast("B")
    return bytes(content + encoder.footer(row_groups, sum(table.num_rows for table in tables)))


def columns_of(content):
    """What the footer says of the columns of the first row group."""
    group = pq.ParquetFile(io.BytesIO(content)).metadata.row_group(0)
    return {column.path_in_schema: column for column in map(group.column, range(group.num_columns))}


def assert_same(read, wanted):
    assert read.schema.equals(wanted.schema)
    assert read.to_pylist() == wanted.to_pylist()


def amounts(digits):
    most = 10**digits - 1
    return st.integers(-most, most).map(lambda minor: Decimal(minor).scaleb(-2))


COLUMNS = {
    "int64": (pa.int64(), st.integers(-(2**63), 2**63 - 1)),
    "amount": (pa.decimal128(18, 2), amounts(18)),
    "difference": (
        pa.decimal128(19, 2),
        st.integers(-(2**63), 2**63 - 1).map(lambda m: Decimal(m).scaleb(-2)),
    ),
    "wider difference": (pa.decimal128(19, 2), amounts(19)),
    "long amount": (pa.decimal128(30, 2), amounts(25)),
    "short amount": (pa.decimal128(9, 2), amounts(9)),
    "flag": (pa.bool_(), st.booleans()),
    "word": (pa.dictionary(pa.int8(), pa.string()), st.sampled_from(WORDS)),
    "word by int32": (pa.dictionary(pa.int32(), pa.string()), st.sampled_from(WORDS)),
    "large word": (pa.dictionary(pa.int16(), pa.large_string()), st.sampled_from(WORDS)),
    "text": (pa.string(), st.sampled_from(WORDS)),
    "list": (pa.list_(pa.string()), st.lists(st.sampled_from(WORDS), max_size=3)),
    "time": (
        pa.timestamp("ms"),
        st.datetimes(datetime(1900, 1, 1)).map(lambda moment: moment.replace(microsecond=0)),
    ),
    "age": (pa.int16(), st.integers(0, 130)),
}


@pytest.mark.parametrize("name", COLUMNS)
@settings(max_examples=40)
@given(data=st.data())
def test_every_kind_of_column(name, data):
    kind, values = COLUMNS[name]
    cells = data.draw(st.lists(st.none() | values, min_size=1, max_size=40))
    table = pa.table({"before": pa.array(range(len(cells))), name: pa.array(cells, kind)})
    part = table.slice(data.draw(st.integers(0, len(cells) - 1)))

    content = file_of([table, part])

    whole = one_chunk(pa.concat_tables([table, part]))
    by_pyarrow = io.BytesIO()
    pq.write_table(whole, by_pyarrow)
    assert_same(pq.read_table(io.BytesIO(content)), whole.cast(pq.read_schema(by_pyarrow)))


@pytest.mark.parametrize("rows", [1, 7, 8, 9, 127, 128, 129, 130, 1_000, 40_000])
@pytest.mark.parametrize("with_nulls", [False, True])
def test_every_number_of_rows(rows, with_nulls):
    rng = np.random.default_rng(rows)
    null = (rng.random(rows) < 0.3) & with_nulls
    words = pa.DictionaryArray.from_arrays(
        pa.array(rng.integers(0, 300, rows).astype(np.int16), mask=null),
        pa.array([f"word {number}" for number in range(300)]),
    )
    minor = rng.integers(-(10**17), 10**17, rows)
    table = pa.table(
        {
            "case_id": pa.array(np.arange(rows), mask=null),
            "word": words,
            "amount": pa.array(
                [None if n else Decimal(int(m)).scaleb(-2) for m, n in zip(minor, null, strict=True)],
                pa.decimal128(18, 2),
            ),
            "flag": pa.array(rng.random(rows) < 0.5, mask=null),
        }
    )

    assert_same(pq.read_table(io.BytesIO(file_of([table]))), table)


def test_priced_columns_are_encoded_here():
    table = pa.table(
        {
            "case_id": pa.array([7, None, 5]),
            "amount": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(18, 2)),
            "difference": pa.array([Decimal("1.50"), None, Decimal("-2.25")], pa.decimal128(19, 2)),
            "status": pa.array(["OK", None, "OK"]).dictionary_encode(),
        }
    )

    column = columns_of(file_of([table]))

    assert column["case_id"].encodings == ("RLE", "DELTA_BINARY_PACKED")
    assert column["amount"].physical_type == "INT64"
    assert column["amount"].encodings == ("RLE", "DELTA_BINARY_PACKED")
    assert {own.compression for own in column.values()} == {"SNAPPY"}
    assert (column["case_id"].statistics.min, column["case_id"].statistics.max) == (5, 7)
    assert (column["amount"].statistics.min, column["amount"].statistics.max) == (
        Decimal("-2.25"),
        Decimal("1.50"),
    )
    assert column["difference"].statistics.min == Decimal("-2.25")
    assert {own.statistics.null_count for own in column.values()} == {1}
    assert "RLE_DICTIONARY" in column["status"].encodings


def test_one_word_throughout_is_one_run():
    word = pa.DictionaryArray.from_arrays(pa.array([1] * 10_000, pa.int8()), pa.array(["a", "b"]))
    table = pa.table({"status": word})

    content = file_of([table])

    assert_same(pq.read_table(io.BytesIO(content)), table)
    assert columns_of(content)["status"].total_uncompressed_size < 100


@pytest.mark.parametrize("dictionary", [["a", None, "b"], [None, None, None], [*map(str, range(70_000))]])
@pytest.mark.parametrize("index", [[2, 0, 1], [None, 1, 0], [None, None]])
def test_dictionaries_with_nulls_and_many_words(dictionary, index):
    word = pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(dictionary, pa.string()))
    table = pa.table({"word": word, "case_id": range(len(index))})

    assert_same(pq.read_table(io.BytesIO(file_of([table]))), table)


def test_required_columns_are_left_to_pyarrow():
    schema = pa.schema([pa.field("case_id", pa.int64(), nullable=False), ("status", pa.string())])
    table = pa.table({"case_id": [1, 2], "status": ["OK", None]}, schema=schema)

    assert_same(pq.read_table(io.BytesIO(file_of([table]))), table)


def test_a_file_without_row_groups():
    schema = pa.schema([("case_id", pa.int64()), ("status", pa.dictionary(pa.int8(), pa.string()))])

    read = pq.read_table(io.BytesIO(file_of([], schema)))

    assert read.num_rows == 0
    assert read.schema.equals(schema)


def test_offsets_and_sizes_add_up():
    table = pa.table({"case_id": [1, 2, 3], "text": ["a", "b", None], "list": [["x"], [], None]})
    content = file_of([table, table.slice(1)])

    metadata = pq.ParquetFile(io.BytesIO(content)).metadata
    place = len(MAGIC)
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        columns = [group.column(number) for number in range(group.num_columns)]
        assert group.total_byte_size == sum(column.total_uncompressed_size for column in columns)
        for column in columns:
            first = column.dictionary_page_offset or column.data_page_offset
            assert first == place
            place += column.total_compressed_size
    assert metadata.num_rows == 5
