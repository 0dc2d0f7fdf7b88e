"""Chunks are written as the library would write them."""

import numpy as np
import pytest

from tariffcore.v1 import pricing_service_pb2
from tariffcore.wire.errors import UnreadableMessageError
from tariffcore.wire.forms import CASE_COLUMNS, FIXED32, OCTETS
from tariffcore.wire.messages import read_priced, write_chunk


def test_the_library_writes_the_same_bytes():
    rows = 300
    numbers = np.arange(rows)
    columns = {
        name: numbers % 200 if form == OCTETS else numbers - 1000 if name.endswith("_day") else numbers
        for name, form in CASE_COLUMNS.fields.values()
        if form in (FIXED32, OCTETS)
    }
    new = {"provider": ["P1", "ü" * 100, ""], "procedure": ["13.73"], "drg": ["G1"]}
    ordered = {"provider": new["provider"], "drg": new["drg"], "procedure": new["procedure"]}
    written = write_chunk(rows, ordered, columns)

    message = pricing_service_pb2.PriceCaseColumnsRequest()
    chunk = message.chunk
    chunk.rows = rows
    chunk.new_provider_ids.extend(new["provider"])
    chunk.new_drg_codes.extend(new["drg"])
    chunk.new_procedure_codes.extend(new["procedure"])
    for name, column in columns.items():
        if name in ("death_unavoidable", "row_problem", "sex"):
            setattr(chunk, name, bytes(column.tolist()))
        else:
            getattr(chunk, name).extend(column.tolist())
    assert written == message.SerializeToString()


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32, np.int64, np.uint32])
def test_columns_of_any_whole_number(dtype):
    written = write_chunk(
        3, {}, {"drg": np.array([1, 2, 3], dtype)[::-1], "row_problem": np.array([0, 1, 2], dtype)}
    )
    chunk = pricing_service_pb2.PriceCaseColumnsRequest.FromString(written).chunk
    assert list(chunk.drg) == [3, 2, 1]
    assert chunk.row_problem == b"\0\1\2"


@pytest.mark.parametrize("message", [b"", b"\x0a\x00", b"\x12\x05\x08", b"nothing of the kind"])
def test_what_is_no_answer(message):
    with pytest.raises(UnreadableMessageError):
        read_priced(message)
