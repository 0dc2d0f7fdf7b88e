"""How large a change is: as a share of what was before, and as per cent in words."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tariffcore.schedule.changes import percent_text, relative_change


def test_per_cent():
    assert percent_text(None) == ""
    assert percent_text(Fraction(0)) == "0.00"
    assert percent_text(Fraction(1, 80_000)) == "0.00"
    assert percent_text(Fraction(1, 20_000)) == "+0.01"  # half up
    assert percent_text(Fraction(-1, 20_000)) == "-0.01"
    assert relative_change(0, 5) is None
    assert relative_change(None, 5) is None


@given(st.integers(1, 10**12), st.integers(1, 10**12))
def test_going_there_and_back(old, new):
    there, back = relative_change(old, new), relative_change(new, old)
    assert (1 + there) * (1 + back) == 1
