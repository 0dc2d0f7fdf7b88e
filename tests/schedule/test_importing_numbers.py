"""Numbers as orders print them: read both ways, decided by the column, never guessed."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.schedule.importing.numbers_as_printed import (
    DecimalMark,
    decimal_marks,
    nothing_printed,
    read_printed_number,
    resolve,
)
from tariffcore.schedule.values import UnreadableValueError

SPACES = (" ", "\u00a0", "\u202f", "\u2009", "\u2007")


def value_of(text: str, *column: str, mark: DecimalMark | None = None) -> Fraction:
    numbers = [read_printed_number(other) for other in (text, *column)]
    return resolve(numbers[0], decimal_marks(numbers), mark)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22,0576", "22.0576"),
        ("22.0576", "22.0576"),
        ("3 853 961,88", "3853961.88"),
        ("3\u00a0853\u00a0961,88", "3853961.88"),
        ("3\u202f853\u202f961,88", "3853961.88"),
        ("3\u2009853\u2007961,88", "3853961.88"),
        ("3'853'961.88", "3853961.88"),
        ("3’853’961,88", "3853961.88"),
        ("3,853,961.88", "3853961.88"),
        ("3.853.961,88", "3853961.88"),
        ("3,853,961", "3853961"),
        ("686930,98", "686930.98"),
        (" 686 930,98 тенге", "686930.98"),
        ("686 930,98*", "686930.98"),
        ("22,0576¹", "22.0576"),
        ("0,123", "0.123"),  # a group of thousands never starts with zero
        ("1234,567", "1234.567"),
        ("7", "7"),
        ("−5,5", "-5.5"),
    ],
)
def test_one_meaning(text, value):
    assert value_of(text) == Fraction(value)


@pytest.mark.parametrize(
    "text",
    ["abc", "1 23 456", "22,05,76", "1,2345,678", "12 34", "1.2.3", "22,0576 (дети)", "1'234 567", "½"],
)
def test_no_number(text):
    with pytest.raises(UnreadableValueError, match="is not a number"):
        read_printed_number(text)


def test_a_number_that_lost_digits_is_no_number():
    with pytest.raises(UnreadableValueError, match="exponent"):
        read_printed_number("3,85396E+06")
    with pytest.raises(UnreadableValueError, match="more than 38 digits"):
        read_printed_number("1" * 40)


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("1,234", ["22,0576"], "1.234"),
        ("1,234", ["3,853,961.88"], "1234"),
        ("1.234", ["22.0576"], "1.234"),
        ("1.234", ["3.853.961,88"], "1234"),
        ("1,234", ["0,5"], "1.234"),
    ],
)
def test_the_column_decides_what_can_be_read_twice(text, column, value):
    assert value_of(text, *column) == Fraction(value)


@pytest.mark.parametrize("column", [[], ["2,345", "17"], ["22,0576", "22.0576"]])
def test_a_column_that_does_not_decide_is_an_error(column):
    with pytest.raises(UnreadableValueError, match="can be read as two numbers"):
        value_of("1,234", *column)


def test_a_given_mark_decides_and_is_held_to():
    assert value_of("1,234", mark=DecimalMark.COMMA) == Fraction("1.234")
    assert value_of("1,234", mark=DecimalMark.POINT) == 1234
    with pytest.raises(UnreadableValueError, match="decimal mark"):
        value_of("22,0576", mark=DecimalMark.POINT)


@pytest.mark.parametrize("text", ["", " ", "-", "–", "—", "x", "Х", "- *"])
def test_cells_that_print_nothing(text):
    assert nothing_printed(text)
    assert not nothing_printed("0")


@given(
    units=st.integers(0, 10**15),
    places=st.sampled_from([0, 1, 2, 4]),
    group=st.sampled_from([*SPACES, "'", ""]),
    mark=st.sampled_from([",", "."]),
)
def test_every_style_is_read_back(units, places, group, mark):
    whole, decimals = divmod(units, 10**places)
    text = f"{whole:,}".replace(",", group) + (f"{mark}{decimals:0{places}d}" if places else "")
    assert value_of(text) == Fraction(units, 10**places)


@given(whole=st.integers(1000, 10**12), decimals=st.integers(0, 99), swap=st.booleans())
def test_grouping_with_the_other_mark_is_read_back(whole, decimals, swap):
    text = f"{whole:,}.{decimals:02d}"
    text = text.translate(str.maketrans(",.", ".,")) if swap else text
    assert value_of(text) == Fraction(whole * 100 + decimals, 100)
