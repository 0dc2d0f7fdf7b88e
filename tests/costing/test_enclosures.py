from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tariffcore.costing.enclosures import Enclosed, decided, exact_sum, ratio_bounds
from tariffcore.money import round_to_int


def enclosed(value: Fraction, precision: int, slack: int = 1) -> Enclosed:
    return Enclosed((value.numerator << precision) // value.denominator, slack)


@given(
    numerator=st.fractions(0, 10**9),
    denominator=st.fractions(Fraction(1, 1000), 10**9),
    factor=st.fractions(Fraction(1, 10**6), 10**6),
)
def test_a_ratio_lies_within_its_bounds(numerator, denominator, factor):
    low, high = ratio_bounds(enclosed(numerator, 96), enclosed(denominator, 96), factor)
    assert low <= numerator * factor / denominator <= high


@given(value=st.fractions(0, 1000), tie=st.booleans())
def test_what_bounds_cannot_decide_is_decided_exactly(value, tie):
    if tie:
        value = Fraction(int(value)) + Fraction(1, 2)
    asked = []

    def bounds(precision: int) -> tuple[Fraction, Fraction]:
        low = Fraction((value.numerator << precision) // value.denominator, 1 << precision)
        return low - Fraction(1, 1 << precision), low + Fraction(1, 1 << precision)

    def exact() -> Fraction:
        asked.append(True)
        return value

    assert decided(bounds, exact, round_to_int) == round_to_int(value)
    if tie:
        assert asked, "a tie is never decided by bounds"


@given(terms=st.lists(st.tuples(st.integers(-100, 100), st.integers(1, 100))))
def test_exact_sum(terms):
    assert exact_sum(terms) == sum((Fraction(*term) for term in terms), Fraction(0))
