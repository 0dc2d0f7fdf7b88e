"""The encoding of a CSV file, and its bytes as ASCII-compatible text."""

from __future__ import annotations

import codecs
import os
from typing import BinaryIO, Protocol

import numpy as np
import pyarrow as pa

_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
UNDEFINED_IN_CP1251 = b"\x98"


def detect_encoding(sample: bytes, is_whole_file: bool) -> tuple[str, int]:
    """(encoding, length of the byte order mark): by the mark, else UTF-8 where the sample is, else cp1251.

    A sample with bytes that are no UTF-8 still is UTF-8 if most characters beyond ASCII are: Cyrillic in
    cp1251 hardly ever makes one by chance, and a stray byte must not turn every other word to rubbish.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return encoding, len(mark)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample, final=is_whole_file)
    except UnicodeDecodeError:
        characters = [c for c in sample.decode("utf-8", "surrogateescape") if c >= "\x80"]
        stray = sum("\udc80" <= c <= "\udcff" for c in characters)
        return ("utf-8", 0) if 2 * stray < len(characters) else ("cp1251", 0)
    return "utf-8", 0


class ByteReader(Protocol):
    """Something to read bytes from; fewer than asked for only at the end."""

    def read(self, size: int, /) -> bytes: ...

    def take_back(self, rest: bytes, /) -> None:
        """Reads these last bytes of those read before again."""


class PlainBytes:
    """The bytes of a file as they are."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self._seek = file.seek

    def take_back(self, rest: bytes, /) -> None:
        self._seek(-len(rest), os.SEEK_CUR)


class Utf16AsUtf8:
    """A UTF-16 file read as UTF-8.

    What is no character (a lone surrogate, half a code unit at the end) becomes bytes that are no UTF-8
    either, so that its row, and only that, is told to be unreadable.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._held = b""
        self._odd = False
        self._ended = False

    def read(self, size: int, /) -> bytes:
        parts = [self._held]
        length = len(self._held)
        while length < size and not self._ended:
            raw = self._file.read(size)
            text = self._decoder.decode(raw)
            if not raw:
                self._ended = True
                rest, _ = self._decoder.getstate()
                if rest:
                    text += "\udc00"
            part = text.encode("utf-8", "surrogatepass")
            parts.append(part)
            length += len(part)
        whole = b"".join(parts)
        self._held = whole[size:]
        return whole[:size]

    def take_back(self, rest: bytes, /) -> None:
        self._held = rest + self._held


def is_utf8(text: memoryview) -> bool:
    """Whether the bytes are UTF-8; releases the GIL and takes a fraction of decoding them."""
    offsets = pa.py_buffer(np.array([0, len(text)], np.int32))
    try:
        pa.StringArray.from_buffers(1, offsets, pa.py_buffer(text)).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def undecodable(row: bytes, encoding: str) -> tuple[str, dict[str, str]] | None:
    """What is wrong with the bytes of a row, as `MalformedRow` says it; None where they are text."""
    if encoding == "cp1251":
        position = row.find(UNDEFINED_IN_CP1251)
        name = "cp1251"
    else:
        name = "UTF-8" if encoding == "utf-8" else "UTF-16"
        try:
            row.decode("utf-8")
            position = -1
        except UnicodeDecodeError as error:
            position = error.start
    if position < 0:
        return None
    if name == "UTF-16":
        return "malformed_utf16", {}
    byte = f"0x{row[position]:02X}"
    return "malformed_byte", {"encoding": name, "byte": byte, "position": str(position + 1)}
