"""The client's end of a column stream: chunks written as messages, prices read where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
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
        key = _varint(_FIELD_OF_WORDS[kind] << 3 | 2)
        for word in words:
            octets = word.encode()
            parts += [key, _varint(len(octets)), octets]
    for name, column in columns.items():
        number = NUMBER_OF_COLUMN[name]
        form = CASE_COLUMNS.fields[number][1]
        kind = _KIND_OF_FORM.get(form, "<i4" if name in _SIGNED else "<u4")
        octets_of_column = np.ascontiguousarray(column, dtype=kind).data.cast("B")
        parts += [_varint(number << 3 | 2), _varint(len(octets_of_column)), octets_of_column]
    return b"".join([b"\x12", _varint(sum(map(len, parts))), *parts])


def _varint(value: int) -> bytes:
    octets = bytearray()
    while value >= 0x80:
        octets.append(value & 0x7F | 0x80)
        value >>= 7
    octets.append(value)
    return bytes(octets)


def _nothing() -> NDArray[np.uint32]:
    return np.zeros(0, dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class PricedColumns:
    """The prices of a chunk, where they lie in the bytes of the message: arrays of one element a row.

    amount_minor    int64
    status          uint8, `CaseStatus`
    edition         uint8, place among the editions of ColumnStreamStarted, counted from 1; 0: none
    rule            uint32, place among its rules, counted from 1; 0: none. Empty: not asked for
    has_components  uint8. Empty: not asked for
    components      int64, an array a component
    drg_codes, grouping_rule_ids   what was found for rows that came without a group, each once
    drg, grouping_rule             uint32, place among these, counted from 1; 0: none. Empty: not looked for
    """

    rows: int
    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint32]
    has_components: NDArray[np.uint8]
    components: list[NDArray[np.int64]]
    drg_codes: Sequence[str] = ()
    grouping_rule_ids: Sequence[str] = ()
    drg: NDArray[np.uint32] = field(default_factory=_nothing)
    grouping_rule: NDArray[np.uint32] = field(default_factory=_nothing)


def write_priced(priced: PricedColumns) -> bytes:
    """A whole PriceCaseColumnsResponse, in the bytes that the library would write."""
    parts: list[bytes | memoryview] = [b"\x08", _varint(priced.rows)]

    def put(number: int, column: NDArray[Any], kind: str) -> None:
        if len(column):
            octets = np.ascontiguousarray(column, dtype=kind).data.cast("B")
            parts.extend([_varint(number << 3 | 2), _varint(len(octets)), octets])

    put(2, priced.amount_minor, "<i8")
    put(3, priced.status, "u1")
    put(4, priced.edition, "u1")
    put(5, priced.rule, "<u4")
    put(6, priced.has_components, "u1")
    for column in priced.components:
        octets = np.ascontiguousarray(column, dtype="<i8").data.cast("B")
        head = b"\x0a" + _varint(len(octets))
        parts += [_varint(7 << 3 | 2), _varint(len(head) + len(octets)), head, octets]
    for number, names in ((8, priced.drg_codes), (9, priced.grouping_rule_ids)):
        for name in names:
            encoded = name.encode()
            parts += [_varint(number << 3 | 2), _varint(len(encoded)), encoded]
    put(10, priced.drg, "<u4")
    put(11, priced.grouping_rule, "<u4")
    return b"".join([b"\x12", _varint(sum(map(len, parts))), *parts])


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
        drg_codes=[text for number, text in scanned.texts if number == 8],
        grouping_rule_ids=[text for number, text in scanned.texts if number == 9],
        drg=scanned.column(10, np.uint32),
        grouping_rule=scanned.column(11, np.uint32),
    )
