from __future__ import annotations

import re

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore._lines import look_over
from tariffcore.files.csv_lines import (
    RowEnds,
    RowScanner,
    count_lines,
    last_line_end,
    line_stop,
    lines_before,
    row_places,
)

SCANNER = RowScanner(b";", fields=3)


def test_without_quotes_the_last_line_end_is_the_end() -> None:
    assert SCANNER.scan(b"a;b;c\nd;e", at_end=False) == RowEnds(6)
    assert SCANNER.scan(b"a;b;c\nd;e", at_end=True) == RowEnds(9)
    assert SCANNER.scan(b"a;b", at_end=False) == RowEnds(0)


def test_a_line_end_within_quotes_ends_no_row() -> None:
    text = b'a;"b\nb";c\nd;"e;\n'
    assert SCANNER.scan(text, at_end=False) == RowEnds(10, joined=((0, 10),))


def test_an_open_quote_waits_for_more_and_breaks_its_line_at_the_end() -> None:
    text = b'a;b;c\nd;"e;f\ng;h;i\n'
    assert SCANNER.scan(text, at_end=False) == RowEnds(6)
    assert SCANNER.scan(text, at_end=True) == RowEnds(len(text), broken=((6, 13),))


def test_a_row_of_several_lines_must_have_as_many_fields_as_the_header() -> None:
    text = b'a;"b\nb"\nc;d;e\n'
    assert SCANNER.scan(text, at_end=False) == RowEnds(len(text), broken=((0, 5),))


def test_a_row_of_several_lines_has_a_limit() -> None:
    text = b'a;"' + b"b\n" * 20 + b'";c\n'
    assert SCANNER.scan(text, at_end=True).joined == ((0, len(text)),)
    assert RowScanner(b";", 3, max_row_bytes=30).scan(text, at_end=True).broken[0] == (0, 5)
    assert RowScanner(b";", 3, max_row_bytes=len(text) - 1).scan(text, at_end=True).joined == (
        (0, len(text)),
    )


def test_the_limit_is_the_same_wherever_the_block_ends() -> None:
    text = b'a;"b\nb";c\r\n'  # a row of 9 bytes and its line end, of which half may be seen
    scanner = RowScanner(b";", 3, max_row_bytes=9)
    assert scanner.scan(text[:-1], at_end=False) == RowEnds(0)
    assert scanner.scan(text, at_end=False).joined == ((0, 11),)


def test_a_carriage_return_at_the_very_end_may_be_half_a_line_end() -> None:
    assert last_line_end(b"a\rb\r", 0, 4) == 2
    assert last_line_end(b"a\rb\r", 0, 4, more_follows=False) == 4
    assert line_stop(b"a\r", 0, at_end=False) is None
    assert line_stop(b"a\r", 0, at_end=True) == 2
    assert line_stop(b"a\r\nb", 0, at_end=False) == 3


@given(st.text(alphabet="a\r\n", max_size=30))
def test_lines_are_counted_as_text_editors_do(text: str) -> None:
    lines = re.split(r"\r\n|\r|\n", text)
    count = len(lines) - (lines[-1] == "")
    assert count_lines(text.encode(), len(text)) == count
    assert count_lines(text.encode() + b"a\n", len(text)) == count
    places = row_places(np.frombuffer(text.encode(), np.uint8), ())
    assert places.lines.tolist() == [number for number, line in enumerate(lines) if line]
    rows = [text.encode()[a:b].strip() for a, b in zip(places.starts, places.stops, strict=True)]
    assert rows == [line.encode() for line in lines if line]


def test_lines_of_a_long_text_are_counted_piece_by_piece() -> None:
    assert count_lines(b"abc\n" * 100_000, 400_000) == 100_000
    assert count_lines(b"\n" * 100_001, 100_001) == 100_001
    assert count_lines(b"abc\r\n" * 100_000, 499_999) == 100_000


@given(st.text(alphabet="a\r\n", max_size=30), st.data())
def test_lines_up_to_a_row_end_are_those_of_the_whole_less_the_rest(text: str, data: st.DataObject) -> None:
    block = text.encode()
    between = [m.end() for m in re.finditer(rb"\r\n|\r|\n", block)]
    stop = data.draw(st.sampled_from([0, *between, len(block)]))
    line_ends = look_over(block)[0] if block else 0
    assert lines_before(block, stop, line_ends) == count_lines(block, stop)


@given(
    st.integers(0, 400),
    st.lists(st.tuples(st.integers(0, 399), st.sampled_from([b"\n", b"\r", b'"', b"\xd0", b"\x80"]))),
)
@example(383, [(191, b"\r"), (192, b"\n"), (382, b"\r")])
@example(0, [(192, b"\xff"), (0, b"\x80")])
def test_a_block_is_seen_whole(length: int, spots: list[tuple[int, bytes]]) -> None:
    block = bytearray(b"a" * (length + 1))
    for place, octet in spots:
        block[place % len(block)] = octet[0]
    line_ends = len(re.findall(rb"\r\n|\r|\n", block))
    assert look_over(bytes(block)) == (line_ends, b'"' in block, block.isascii())


def test_more_line_ends_than_a_byte_counts() -> None:
    assert look_over(b"\n" * 1_000) == (1_000, False, True)
    assert look_over(b"\r" * 1_000) == (1_000, False, True)


def test_places_of_rows_that_span_lines() -> None:
    text = b'a\n"b\n\nb";x\n\nc'
    places = row_places(np.frombuffer(text, np.uint8), ((2, 11),))
    assert places.lines.tolist() == [0, 1, 5]
    assert places.starts.tolist() == [0, 2, 12]
