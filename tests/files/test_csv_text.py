from __future__ import annotations

import csv
import io
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.files.csv_text import csv_header, csv_rows

CELLS = st.none() | st.text(alphabet=",\"\n\r;a Я=+№'", max_size=6)


def test_rows_as_a_person_would_write_them() -> None:
    table = pa.table(
        {
            "case_id": ["C1", None, 'a "b", c'],
            "amount": pa.array([Decimal("686930.98"), None, Decimal("-0.05")], pa.decimal128(18, 2)),
            "status": pa.array(["OK", "OK", "x,y"]).dictionary_encode(),
            "ok": [True, False, None],
            "day": [date(2026, 1, 2), None, None],
            "at": [datetime(2026, 1, 2, 3, 4), None, None],
            "n": pa.array([1, None, -3], pa.int64()),
            "rule_id": pa.array(["case.inpatient", None, "b"]).dictionary_encode(),
        }
    )
    assert csv_header(table.column_names) == b"case_id,amount,status,ok,day,at,n,rule_id\n"
    assert csv_rows(table).decode().splitlines() == [
        "C1,686930.98,OK,true,2026-01-02,2026-01-02 03:04:00.000000,1,case.inpatient",
        ",,OK,false,,,,",
        '"a ""b"", c",-0.05,"x,y",,,,-3,b',
    ]


def test_headers_are_quoted_where_needed() -> None:
    assert csv_header(["a,b", 'c"d', "e"]) == b'"a,b","c""d",e\n'


@given(
    st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=20),
    st.permutations([pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())]),
    st.integers(0, 3),
)
def test_any_text_is_read_back_by_the_csv_module(rows: list, kinds: list, offset: int) -> None:
    columns = [pa.array([row[i] for row in rows], pa.string()) for i in range(3)]
    columns = [
        column.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else column.cast(kind)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    table = pa.table(columns, names=["a", "b", "c"]).slice(offset)
    text = csv_rows(table).decode()
    read = list(csv.reader(io.StringIO(text, newline="")))
    assert read == [[cell or "" for cell in row] for row in rows[offset:]]
    assert '"' in text or not any(
        c in (cell or "") for row in rows[offset:] for cell in row for c in ',"\r\n'
    )


@given(st.lists(st.none() | st.integers(-(10**18) + 1, 10**18 - 1), min_size=1), st.integers(0, 18))
@example([1, 0, -1], 7)
def test_decimals_have_all_their_places_and_no_exponent(minor: list[int | None], scale: int) -> None:
    values = [None if m is None else Decimal(m).scaleb(-scale) for m in minor]
    text = csv_rows(pa.table({"amount": pa.array(values, pa.decimal128(18, scale))})).decode()
    assert text.splitlines() == ["" if v is None else f"{v:.{scale}f}" for v in values]


WORDS = st.sampled_from([None, "", "a", "ё", ",", '"', "x\r\n", "long " * 9])
COLUMNS = {
    pa.string(): WORDS,
    pa.large_string(): WORDS,
    pa.dictionary(pa.int8(), pa.string()): WORDS,
    pa.dictionary(pa.int32(), pa.large_string()): WORDS,
    pa.dictionary(pa.int16(), pa.int64()): st.none() | st.integers(-9, 9),
    pa.bool_(): st.none() | st.booleans(),
    pa.int64(): st.none() | st.integers(-(2**63), 2**63 - 1),
    pa.date32(): st.none() | st.dates(date(1, 1, 1)),
    pa.decimal128(19, 2): st.none() | st.decimals(1 - 10**17, 10**17 - 1, places=2),
    pa.decimal128(38, 3): st.none()
    | st.decimals(1 - 10**35, 10**35 - 1, places=3)
    | st.just(Decimal("0.001")),
    pa.decimal128(4, 4): st.none() | st.decimals("-0.9999", "0.9999", places=4),
}


def cell(value: object) -> str:
    """What the csv module would be given."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


@given(st.data(), st.integers(0, 3), st.integers(0, 40), st.integers(1, 3))
def test_tables_are_what_the_csv_module_writes(
    data: st.DataObject, start: int, count: int, chunks: int
) -> None:
    kinds = data.draw(st.lists(st.sampled_from(list(COLUMNS)), min_size=2, max_size=6))
    columns = []
    for kind in kinds:
        parts = []
        for _ in range(chunks):
            values = data.draw(st.lists(COLUMNS[kind], min_size=start + count, max_size=start + count))
            array = pa.array(values, kind.value_type if pa.types.is_dictionary(kind) else kind)
            array = array.dictionary_encode().cast(kind) if pa.types.is_dictionary(kind) else array
            parts.append(array.slice(start))
        columns.append(pa.chunked_array(parts, kind))
    table = pa.table(columns, names=[str(i) for i in range(len(kinds))])
    expected = io.StringIO()
    writer = csv.writer(expected, lineterminator="\n")
    writer.writerows(map(cell, row.values()) for row in table.to_pylist())
    assert csv_rows(table).decode() == expected.getvalue()


@pytest.mark.parametrize("null_encoding", ["mask", "encode"])
def test_a_null_is_empty_wherever_a_dictionary_keeps_it(null_encoding: str) -> None:
    column = pa.array(["a", None, "b"]).dictionary_encode(null_encoding)
    sliced = pa.DictionaryArray.from_arrays(
        pa.array([1, 0, None], pa.int8()), pa.array(["zero", "a", None, "b"]).slice(1, 2)
    )
    assert csv_rows(pa.table({"x": column, "y": sliced})) == b"a,\n,a\nb,\n"


def test_a_text_behind_a_null_is_not_written() -> None:
    shown = pa.array(["a", "secret", "b"])
    hidden = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(b"\x05"), *shown.buffers()[1:]])
    assert csv_rows(pa.table({"x": [1, 2, 3], "y": hidden})) == b"1,a\n2,\n3,b\n"


def test_the_smallest_and_largest_amounts() -> None:
    words = np.array([2**63 - 1, 0, -(2**63), -1], np.int64)
    amounts = pa.Array.from_buffers(pa.decimal128(19, 2), 2, [None, pa.py_buffer(words)])
    assert csv_rows(pa.table({"x": amounts})) == b"92233720368547758.07\n-92233720368547758.08\n"


@pytest.mark.parametrize("column", [pa.array([], pa.string()), pa.array([None, None], pa.string())])
def test_a_single_column_without_values(column: pa.Array) -> None:
    assert csv_rows(pa.table({"a": column})) == b"\n" * len(column)


def test_chunks_with_dictionaries_of_their_own() -> None:
    column = pa.chunked_array([pa.array(["a", "b"]).dictionary_encode(), pa.array(["b"]).dictionary_encode()])
    assert csv_rows(pa.table({"x": [1, 2, 3], "y": column})) == b"1,a\n2,b\n3,b\n"
