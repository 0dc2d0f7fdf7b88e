"""Numbers of the report: short enough for a plot, and exact where there is room."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tariffcore.costing.report_numbers import Numbers, counted, of_them

KZT = Numbers("KZT", 2)


@pytest.mark.parametrize(
    ("minor", "short"),
    [
        (0, "0.00"),
        (99_999, "999.99"),
        (-99_999, "-999.99"),
        (100_050, "1,001"),  # half up
        (99_999_900, "999,999"),
        (100_000_000, "1.0 mn"),
        (999_999_999_999, "10,000.0 mn"),
        (1_000_000_000_000, "10.0 bn"),
        (-28_276_851_400_000, "-282.8 bn"),
    ],
)
def test_a_short_amount_keeps_what_a_plot_has_room_for(minor: int, short: str) -> None:
    assert KZT.short(minor) == short
    assert KZT.signed(minor) == (f"+{short}" if minor > 0 else short)


def test_a_share_has_one_decimal_and_of_nothing_there_is_none() -> None:
    assert KZT.percent(1, 8) == "12.5 %"
    assert KZT.percent(Fraction(1, 3), 1) == "33.3 %"
    assert KZT.percent(5, 0) == ""


def test_rows_are_counted_in_words() -> None:
    assert (counted(1, "hospital"), counted(1_200, "group")) == ("1 hospital", "1,200 groups")
    assert (of_them([1, 2], 2), of_them([1, 2, 3], 2)) == ("", " (the first 2 of 3)")
