"""Text to exact values, and what would be right where it is not one."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.money import format_exact
from tariffcore.schedule.values import (
    UnreadableValueError,
    closest,
    day_value,
    decimal_value,
    instead_of,
    share_value,
    whole_value,
    words_outside,
)


def way_out(read, text):
    with pytest.raises(UnreadableValueError) as raised:
        read(text)
    return raised.value.way_out


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("22,0576", "22.0576"),
        ("3 853 961,88", "3853961.88"),
        ("3\u00a0853\u00a0961.88", "3853961.88"),
        ("3\u2009853\u2009961", "3853961"),
        ("1,234,567.89", "1234567.89"),
        ("1_000", "1000"),
    ],
)
def test_a_number_as_people_write_it_is_shown_as_it_should_be(text, meant):
    assert way_out(decimal_value, text).startswith(f"write {meant} ")


@pytest.mark.parametrize(
    "text", ["", "x", "1.", ".5", "1e3", "nan", "inf", "٣", "1.2.3", "1,2,3", "--1", "0x1"]
)
def test_what_is_no_number_gets_an_example(text):
    assert "such as 3.9114" in way_out(decimal_value, text)


@given(st.fractions(min_value=0, max_value=10**6, max_denominator=10**6))
def test_a_share_is_read_back_as_it_is_shown(value):
    assert share_value(format_exact(value)) == value


@given(st.dates())
def test_a_day_is_read_back_however_it_is_meant(day):
    assert day_value(day.isoformat()) == day
    assert way_out(day_value, f"{day.day}.{day.month}.{day.year:04}") == f"write {day.isoformat()}"


@pytest.mark.parametrize("text", ["2026-02-30", "2026-13-01", "0000-01-01"])
def test_a_day_the_calendar_does_not_have(text):
    assert "an existing day" in way_out(day_value, text)


@pytest.mark.parametrize("text", ["30.02.2026", "2026-W01-1", "1.1.26", "today"])
def test_a_text_that_is_no_day(text):
    assert way_out(day_value, text) == "write the day as year-month-day, such as 2025-12-31"


def test_whole_numbers_have_limits():
    assert whole_value("7", 1, 9) == 7
    assert [way_out(lambda text: whole_value(text, 1, 9), text) for text in ("0", "10", "1.0", "")] == [
        "write a whole number from 1 to 9"
    ] * 4


def test_the_word_that_was_meant():
    assert closest("Inpatient", ["inpatient", "home"]) == "inpatient"
    assert closest("Р001", ["P001"]) == "P001"  # a Cyrillic Р
    assert closest("x", ["inpatient"]) is None


def test_what_to_write_instead():
    assert instead_of("hom", ["home", "ward"]) == "did you mean 'home'? known are: home, ward"
    assert instead_of("x", ["home"], "or else") == "known are: home; or else"
    assert instead_of("x", []) == "none is known here"
    assert instead_of("x", ["home"], "or remove it", listed=[]) == "remove it"
    assert instead_of("x", map(str, range(20))).endswith("11, … (20 in all)")
    assert list(words_outside({"b", "a", "c"}, ["c"])) == [
        ("a", "known are: c; or add it to [vocabulary] in schedule.toml"),
        ("b", "known are: c; or add it to [vocabulary] in schedule.toml"),
    ]


def test_long_numbers_and_percentages():
    assert "as the order prints it" in way_out(decimal_value, "1" * 39)
    assert decimal_value("1" * 38) == Fraction(int("1" * 38))
    assert "17 % is 17/100" in way_out(share_value, "17 %")
    assert day_value(" 2026-01-01 ") == date(2026, 1, 1)
