"""Chunks as bytes and answers from bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore.v1 import case_columns_pb2, pricing_service_pb2

_NEW_WORDS = {
    "provider": 2,
    "drg": 3,
    "service": 4,
    "care_setting": 5,
    "outcome": 6,
    "procedure": 7,
    "factor": 8,
}
_FIELDS = {f.name: f.number for f in case_columns_pb2.CaseColumns.DESCRIPTOR.fields}


@dataclass
class PricedColumns:
    rows: int
    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint32]
    has_components: NDArray[np.uint8]
    components: list[NDArray[np.int64]]


def _varint(n: int) -> bytes:
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def write_chunk(rows: int, new: dict[str, list[str]], columns: dict[str, NDArray[Any]]) -> bytes:
    parts = [b"\x08", _varint(rows)]
    for kind, words in new.items():
        key = bytes([_NEW_WORDS[kind] << 3 | 2])
        for word in words:
            raw = word.encode()
            parts += [key, _varint(len(raw)), raw]
    for name, column in columns.items():
        parts += [_varint(_FIELDS[name] << 3 | 2), _varint(column.nbytes), column.tobytes()]
    body = b"".join(parts)
    return b"\x12" + _varint(len(body)) + body


def read_priced(message: bytes) -> PricedColumns:
    answer = pricing_service_pb2.PriceCaseColumnsResponse.FromString(message)
    if not answer.HasField("priced"):
        raise ValueError("an answer holds no prices")
    p = answer.priced
    return PricedColumns(
        p.rows,
        np.array(p.amount_minor, np.int64),
        np.frombuffer(p.status, np.uint8),
        np.frombuffer(p.edition, np.uint8),
        np.array(p.rule, np.uint32),
        np.frombuffer(p.has_components, np.uint8),
        [np.array(c.amount_minor, np.int64) for c in p.components],
    )
