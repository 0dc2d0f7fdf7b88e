"""Footers read and written again are the same bytes, and what is no footer is refused."""

import io

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.files.thrift_compact import Whole, i16, i32, i64, read_struct, write_struct

wholes = st.builds(Whole, st.integers(-(2**63), 2**63 - 1), st.integers(4, 6)) | st.builds(
    Whole, st.integers(-128, 127), st.just(3)
)
structs = st.recursive(
    st.dictionaries(st.integers(1, 40), st.booleans() | wholes | st.binary()),
    lambda inner: st.dictionaries(
        st.integers(1, 40),
        inner
        | st.lists(inner, max_size=20)
        | st.lists(st.binary(max_size=3), max_size=20)
        | st.lists(st.booleans()),
    ),
)


@given(structs)
def test_what_is_written_is_read(struct):
    assert read_struct(write_struct(struct)) == struct


def test_as_the_protocol_says():
    written = write_struct(
        {1: i32(-1), 3: True, 20: b"ab", 21: [i64(1), i64(64)], 22: {2: i16(3)}, 23: False}
    )

    assert written == bytes(
        [
            0x15,
            0x01,
            0x21,
            0x08,
            0x28,
            0x02,
            *b"ab",
            0x19,
            0x26,
            0x02,
            0x80,
            0x01,
            0x1C,
            0x24,
            0x06,
            0x00,
            0x12,
            0x00,
        ]
    )


def test_the_footer_of_a_file_stays_the_same():
    table = pa.table(
        {
            "a": [1, None, 3],
            "b": pa.array(["x", "y", "x"]).dictionary_encode(),
            "c": [[1], [], None],
            "d": [{"e": 1.5, "f": True}, None, {"e": None, "f": False}],
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file, row_group_size=2)
    content = file.getvalue()
    size = int.from_bytes(content[-8:-4], "little")
    footer = content[-8 - size : -8]

    struct = read_struct(footer)
    assert read_struct(write_struct(struct)) == struct
    assert len(write_struct(struct)) == size


@pytest.mark.parametrize("content", [b"", b"\x15", b"\x1b\x00", b"\x17" + bytes(9)])
def test_what_is_no_struct_is_refused(content):
    with pytest.raises((IndexError, ValueError)):
        read_struct(content)
