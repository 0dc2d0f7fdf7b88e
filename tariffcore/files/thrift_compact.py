"""Thrift's compact protocol, as far as the headers and the footer of a Parquet file need it.

A struct is a dictionary from field number to value.  Values carry their types: `Whole` numbers their width,
Booleans, bytes, structs, and lists of one kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Struct = dict[int, Any]

_TRUE, _FALSE, _BYTE, _I16, _I32, _I64, _DOUBLE, _BINARY, _LIST, _SET, _MAP, _STRUCT = range(1, 13)


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of 8, 16, 32 or 64 bits."""

    value: int
    kind: int


def i16(value: int) -> Whole:
    return Whole(value, _I16)


def i32(value: int) -> Whole:
    return Whole(value, _I32)


def i64(value: int) -> Whole:
    return Whole(value, _I64)


def write_struct(struct: Struct) -> bytes:
    """The bytes of a struct."""
    written = bytearray()
    _put_struct(written, struct)
    return bytes(written)


def read_struct(content: bytes) -> Struct:
    """The struct that the bytes begin with. Raises IndexError or ValueError where they hold none."""
    return _Reader(content).struct()


def _kind(value: object) -> int:
    match value:
        case bool():
            return _TRUE if value else _FALSE
        case Whole():
            return value.kind
        case bytes():
            return _BINARY
        case list():
            return _LIST
        case dict():
            return _STRUCT
    raise ValueError(f"{value!r} is nothing that Thrift writes")


def _put_varint(written: bytearray, value: int) -> None:
    while value >= 128:
        written.append(value & 127 | 128)
        value >>= 7
    written.append(value)


def _put_whole(written: bytearray, value: int) -> None:
    _put_varint(written, value << 1 if value >= 0 else (-value << 1) - 1)


def _put_struct(written: bytearray, struct: Struct) -> None:
    last = 0
    for number, value in sorted(struct.items()):
        kind = _kind(value)
        if 0 < number - last < 16:
            written.append((number - last) << 4 | kind)
        else:
            written.append(kind)
            _put_whole(written, number)
        last = number
        if kind not in (_TRUE, _FALSE):
            _put_value(written, value)
    written.append(0)


def _put_value(written: bytearray, value: Any) -> None:  # noqa: ANN401
    match value:
        case bool():
            written.append(_TRUE if value else _FALSE)
        case Whole():
            if value.kind == _BYTE:
                written.append(value.value & 255)
            else:
                _put_whole(written, value.value)
        case bytes():
            _put_varint(written, len(value))
            written += value
        case list():
            kind = _kind(value[0]) if value else _STRUCT
            if len(value) < 15:
                written.append(len(value) << 4 | kind)
            else:
                written.append(15 << 4 | kind)
                _put_varint(written, len(value))
            for element in value:
                _put_value(written, element)
        case dict():
            _put_struct(written, value)


class _Reader:
    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def struct(self) -> Struct:
        struct: Struct = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._whole()
            struct[number] = self._value(head & 15, in_struct=True)
        return struct

    def _byte(self) -> int:
        self._place += 1
        return self._content[self._place - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _whole(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)

    def _value(self, kind: int, *, in_struct: bool = False) -> Any:  # noqa: ANN401
        if kind in (_TRUE, _FALSE):
            return (kind if in_struct else self._byte()) == _TRUE
        if kind == _BYTE:
            return Whole((self._byte() ^ 128) - 128, kind)
        if kind in (_I16, _I32, _I64):
            return Whole(self._whole(), kind)
        if kind == _BINARY:
            size = self._varint()
            self._place += size
            return self._content[self._place - size : self._place]
        if kind == _LIST:
            head = self._byte()
            count = self._varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15) for _ in range(count)]
        if kind == _STRUCT:
            return self.struct()
        raise ValueError(f"Thrift type {kind} does not occur in a Parquet footer")
