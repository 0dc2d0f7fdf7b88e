"""Where the rows of a CSV text begin and end, quotes included. Everything here works on bytes.

A row ends at a line end (LF, CRLF or CR) outside quotes. A quote opens a quoted field only at the field's
start; two quotes inside are one; what follows the closing quote belongs to the field.
pyarrow reads quotes the same way.

A quote that somebody forgot to close would swallow the rest of the file. So a row that spans several lines
must be beyond doubt: each of its quoted fields closes right before a delimiter or line end, it has as many
fields as the header, and at most ``max_row_bytes``. Otherwise its first line alone is broken, and reading
goes on with the next line.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tariffcore import _lines

MAX_LINE_BYTES = 16 << 20
"""A longer line without an end is no table: reading on would only fill the memory."""

MAX_ROW_BYTES = 1 << 20
"""The longest row of several lines."""

_LF, _CR, _QUOTE = b'\n\r"'
Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class RowEnds:
    """What a block of text holds.

    stop    where its last whole row ends; 0: no row ends in this block
    joined  (start, stop) of the rows that span several lines
    broken  (start, stop) of the lines whose quotes do not close
    """

    stop: int
    joined: tuple[tuple[int, int], ...] = ()
    broken: tuple[tuple[int, int], ...] = ()


class RowScanner:
    """Finds the whole rows of blocks of text that each begin with a row.

    ``delimiter`` is one ASCII byte; ``fields`` is how many fields the header has.
    """

    def __init__(self, delimiter: bytes, fields: int, max_row_bytes: int = MAX_ROW_BYTES) -> None:
        d = re.escape(delimiter)
        quoted = rb'"[^"]*+(?:""[^"]*+)*+"'
        bare = rb'[^"%b\r\n][^%b\r\n]*+|' % (d, d)
        field = rb"(?:%b[^%b\r\n]*+|%b)" % (quoted, d, bare)
        clean_field = rb"(?:%b|%b)" % (quoted, bare)
        self._row = re.compile(rb"%b(?:%b%b)*+" % (field, d, field))
        self._clean_row = re.compile(rb"%b(?:%b%b)*+" % (clean_field, d, clean_field))
        self._quoted = re.compile(rb"(?<![^%b])%b" % (d, quoted))
        self._delimiter = delimiter
        self._fields = fields
        self._max_row_bytes = max_row_bytes
        self._ends_field = np.zeros(256, np.bool_)
        self._ends_field[[_LF, _CR, delimiter[0]]] = True
        self._beside_quotes = self._ends_field.copy()
        self._beside_quotes[_QUOTE] = True

    def scan(self, block: bytes, at_end: bool, has_quotes: bool = True) -> RowEnds:
        """The whole rows of the block; ``at_end``: nothing follows it, so its last row is whole as well.

        ``has_quotes`` is false where it is known that there are none.
        """
        if not has_quotes or b'"' not in block:
            return RowEnds(len(block) if at_end else last_line_end(block, 0, len(block)))
        stop = self._stop_between_regular_quotes(block, at_end)
        return self._scan_rows(block, at_end) if stop is None else RowEnds(stop)

    def row_stop(self, block: bytes, start: int, at_end: bool) -> int | None:
        """The position after the row that begins at ``start``, or None where it does not end in the block."""
        match = self._row.match(block, start)
        return None if match is None else _after_line_end(block, match.end(), at_end)

    def _stop_between_regular_quotes(self, block: bytes, at_end: bool) -> int | None:
        """The end of the last whole row, or None where quotes need the slow way.

        Where no quote stands at the start of a field, none opens anything. Where every quote stands beside a
        delimiter, a line end or another quote, they open and close in turn. Either can be seen of all quotes
        together. Line ends within quotes are left to the slow way.
        """
        text = np.frombuffer(block, np.uint8)
        quotes = np.flatnonzero(text == _QUOTE)
        before = text[quotes - 1]  # of a quote at position 0 the last byte, which is put right next
        before[0] = _LF if quotes[0] == 0 else before[0]
        if not self._ends_field[before].any():
            return len(block) if at_end else last_line_end(block, 0, len(block))
        whole = len(block)
        if len(quotes) % 2:
            if at_end:
                return None
            whole = last_line_end(
                block, 0, int(quotes[-1])
            )  # the open quote's row may go on in the next block
            quotes = quotes[: np.searchsorted(quotes, whole)]
            if whole == 0 or len(quotes) % 2:
                return None
        after = text[np.minimum(quotes[1::2] + 1, len(text) - 1)]  # at the very end: the quote itself
        if not (self._beside_quotes[before[: len(quotes) : 2]].all() and self._beside_quotes[after].all()):
            return None
        line_ends = np.flatnonzero((text[:whole] == _LF) | (text[:whole] == _CR))
        if (np.searchsorted(quotes, line_ends) % 2).any():
            return None
        return whole if at_end else last_line_end(block, 0, whole, more_follows=whole == len(block))

    def _scan_rows(self, block: bytes, at_end: bool) -> RowEnds:
        joined: list[tuple[int, int]] = []
        broken: list[tuple[int, int]] = []
        position = 0
        while (quote := block.find(b'"', position)) >= 0:
            start = max(position, last_line_end(block, position, quote, more_follows=False))
            match = self._row.match(block, start)
            end = start if match is None else match.end()  # it always matches, if only an empty row
            stop = _after_line_end(block, end, at_end)
            if stop is None and not at_end and len(block) - start <= self._max_row_bytes + 2:
                return RowEnds(start, tuple(joined), tuple(broken))
            first_line = line_stop(block, start, at_end)
            if stop is not None and first_line == stop:
                position = stop  # one line
            elif stop is not None and self._is_beyond_doubt(block[start:end]):
                joined.append((start, stop))
                position = stop
            elif first_line is None:
                return RowEnds(start, tuple(joined), tuple(broken))
            else:
                broken.append((start, first_line))
                position = first_line
        stop = len(block) if at_end else max(position, last_line_end(block, position, len(block)))
        return RowEnds(stop, tuple(joined), tuple(broken))

    def _is_beyond_doubt(self, row: bytes) -> bool:
        return (
            len(row) <= self._max_row_bytes
            and self._clean_row.fullmatch(row) is not None
            and self._quoted.sub(b"", row).count(self._delimiter) + 1 == self._fields
        )


def last_line_end(block: bytes, start: int, stop: int, more_follows: bool = True) -> int:
    """The position after the last line end in block[start:stop], or 0 where there is none.

    With ``more_follows``, a CR as the very last byte does not count: an LF may follow.
    """
    line_feed = block.rfind(b"\n", start, stop)
    carriage_return = block.rfind(b"\r", max(start, line_feed), stop - 1 if more_follows else stop)
    return max(line_feed, carriage_return) + 1


def line_stop(block: bytes, start: int, at_end: bool) -> int | None:
    """The position after the line that begins at ``start``, or None where it does not end in the block."""
    line_feed = block.find(b"\n", start)
    carriage_return = block.find(b"\r", start, len(block) if line_feed < 0 else line_feed)
    if carriage_return >= 0:
        return _after_line_end(block, carriage_return, at_end)
    if line_feed >= 0:
        return line_feed + 1
    return len(block) if at_end else None


def _after_line_end(block: bytes, end: int, at_end: bool) -> int | None:
    """The position after the line end at ``end``; None where none stands there, or not surely all of it."""
    if end == len(block):
        return end if at_end else None
    if block.startswith(b"\r\n", end):
        return end + 2
    if block[end] == _LF or (block[end] == _CR and (at_end or end + 1 < len(block))):
        return end + 1
    return None


def count_lines(block: bytes, stop: int) -> int:
    """How many lines block[:stop] has; a last line without a line end counts."""
    return _lines.look_over(memoryview(block)[:stop])[0] + _is_cut_short(block, stop) if stop else 0


def lines_before(block: bytes, stop: int, line_ends: int) -> int:
    """The same where nothing or a line end stands before ``stop``; the whole block has so many line ends."""
    rest = memoryview(block)[stop:]
    return line_ends - (_lines.look_over(rest)[0] if rest else 0) + _is_cut_short(block, stop)


def _is_cut_short(block: bytes, stop: int) -> bool:
    return stop > 0 and block[stop - 1] not in (_LF, _CR)


@dataclass(frozen=True, slots=True)
class RowPlaces:
    """Where the rows of a block stand, blank lines left out: offsets, and lines counted from 0."""

    starts: Offsets
    stops: Offsets
    lines: Offsets


def row_places(text: Bytes, joined: tuple[tuple[int, int], ...]) -> RowPlaces:
    """The places of the rows of a block of whole rows."""
    is_end = text == _LF
    returns = text == _CR
    if returns.any():
        returns[:-1] &= text[1:] != _LF
        is_end |= returns
    line_stops = np.flatnonzero(is_end).astype(np.int64) + 1
    if len(text) and not is_end[-1]:
        line_stops = np.append(line_stops, len(text))
    stops = line_stops
    if joined:
        spans = np.array(joined, np.int64)
        span = np.searchsorted(spans[:, 0], line_stops, side="left") - 1
        inside = (span >= 0) & (line_stops < spans[span, 1])
        stops = line_stops[~inside]
    starts = np.concatenate(([0], stops[:-1])) if len(stops) else stops
    filled = ~np.isin(text[starts], (_LF, _CR)) if len(stops) else np.zeros(0, np.bool_)
    starts, stops = starts[filled], stops[filled]
    return RowPlaces(starts, stops, np.searchsorted(line_stops, starts, side="right"))
