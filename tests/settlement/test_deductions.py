"""What each of several defects takes off, and how it is measured, in numbers."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.settlement.deductions import line_deduction, measure_words, taken_off_each
from tariffcore.settlement.rules import Defect, DefectBasis, Norm, SeveralDefects

amounts = st.lists(st.integers(0, 3 * 10**18), max_size=4)


@given(amounts, st.sampled_from(SeveralDefects))
def test_what_each_takes_off_sums_to_the_deduction(of_line: list[int], several: SeveralDefects) -> None:
    each = taken_off_each(of_line, several)
    assert len(each) == len(of_line)
    assert sum(each) == line_deduction(of_line, several)
    assert line_deduction(of_line, several) == (
        sum(of_line) if several is SeveralDefects.SUM else max(of_line, default=0)
    )
    assert all(taken_off in (0, amount) for taken_off, amount in zip(each, of_line, strict=True))


@pytest.mark.parametrize(
    ("basis", "measure", "norm_minor", "words"),
    [
        (DefectBasis.CASE, Fraction(60), None, "60 %"),
        (DefectBasis.OUTPATIENT, Fraction(25, 2), None, "12.5 %"),
        (DefectBasis.CASE, Fraction(0), None, "0 %"),
        (DefectBasis.PRIMARY_CARE, Fraction(20), 150_000, "20 × 1500.00"),
        (DefectBasis.AMBULANCE, Fraction(0), None, "0"),
    ],
)
def test_a_measure_is_said_in_numbers(
    basis: DefectBasis, measure: Fraction, norm_minor: int | None, words: str
) -> None:
    norm = None if norm_minor is None else Norm(basis, norm_minor, date.min, None, "")
    assert measure_words(Defect("1.0", "", {basis: measure}, ""), basis, norm, 2) == words
