"""The client's end of a column stream: chunks written as messages, prices read where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError
from numpy.typing import NDArray

from tariffcore.v1 import pricing_service_pb2
from tariffcore.wire.errors import UnreadableMessageError, problem
from tariffcore.wire.forms import (
    CASE_COLUMNS,
    COMPONENT_COLUMN,
    FIXED64,
    NUMBER_OF_COLUMN,
    OCTETS,
    PRICED_COLUMNS,
    RESPONSE,
    TABLE_OF_WORDS,
    Scanned,
    scan,
)

_FIELD_OF_WORDS = {kind: field for field, kind in TABLE_OF_WORDS.items()}
_SIGNED = frozenset({"admission_day", "discharge_day"})
_KIND_OF_FORM = {OCTETS: "u1", FIXED64: "<i8"}


def write_chunk(rows: int, new: Mapping[str, Sequence[str]], columns: Mapping[str, NDArray[Any]]) -> bytes:
    """A whole PriceCaseColumnsRequest.

    ``new`` holds the words to append, by the column whose table they go to (``procedure`` for the
    procedures); ``columns`` go by the names of CaseColumns' fields, with whole numbers of any type that fits.
    """
    parts: list[bytes | memoryview] = [b"\x08", _varint(rows)]
    for kind, words in new.items():
        key = bytes([_FIELD_OF_WORDS[kind] << 3 | 2])
        for word in words:
            octets = word.encode()
            parts += [key, _varint(len(octets)), octets]
    for name, column in columns.items():
        field = NUMBER_OF_COLUMN[name]
        form = CASE_COLUMNS.fields[field][1]
        kind = _KIND_OF_FORM.get(form, "<i4" if name in _SIGNED else "<u4")
        octets_of_column = np.ascontiguousarray(column, dtype=kind).data.cast("B")
        parts += [_varint(field << 3 | 2), _varint(len(octets_of_column)), octets_of_column]
    return b"".join([b"\x12", _varint(sum(map(len, parts))), *parts])


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


@dataclass(frozen=True, slots=True)
class PricedColumns:
    """The prices of a chunk, where they lie in the bytes of the message: arrays of one element a row.

    amount_minor    int64
    status          uint8, `CaseStatus`
    edition         uint8, place among the editions of ColumnStreamStarted, counted from 1; 0: none
    rule            uint32, place among its rules, counted from 1; 0: none. Empty: not asked for
    has_components  uint8. Empty: not asked for
    components      int64, an array a component
    """

    rows: int
    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint32]
    has_components: NDArray[np.uint8]
    components: list[NDArray[np.int64]]


def read_priced(message: bytes) -> PricedColumns:
    """The prices in a whole PriceCaseColumnsResponse. Lengths are as they come: whoever asked compares them.

    Raises UnreadableMessageError where there are none, or the bytes are no such message.
    """
    outer = scan(message, RESPONSE, "")
    if outer is not None and len(outer.messages) == 1:
        ((_, start, length),) = outer.messages
        priced = _columns(scan(message, PRICED_COLUMNS, "priced", start, start + length))
        if priced is not None:
            return priced
    # some other form: let the library read it and write it plainly
    try:
        answer = pricing_service_pb2.PriceCaseColumnsResponse.FromString(message)
    except DecodeError:
        raise UnreadableMessageError(
            [problem("priced", "the bytes are no such message, or end early", "ask again")]
        ) from None
    if answer.WhichOneof("message") != "priced":
        raise UnreadableMessageError([problem("priced", "missing", "ask again")])
    answer.priced.DiscardUnknownFields()
    priced = _columns(scan(answer.priced.SerializeToString(), PRICED_COLUMNS, "priced"))
    assert priced is not None, "the library writes plainly"
    return priced


def _columns(scanned: Scanned | None) -> PricedColumns | None:
    if scanned is None:
        return None
    components = []
    for _, start, length in scanned.messages:
        inner = scan(scanned.message, COMPONENT_COLUMN, "priced.components", start, start + length)
        if inner is None:
            return None
        components.append(inner.column(1, np.int64))
    return PricedColumns(
        rows=int(scanned.numbers[1]),
        amount_minor=scanned.column(2, np.int64),
        status=scanned.column(3, np.uint8),
        edition=scanned.column(4, np.uint8),
        rule=scanned.column(5, np.uint32),
        has_components=scanned.column(6, np.uint8),
        components=components,
    )
