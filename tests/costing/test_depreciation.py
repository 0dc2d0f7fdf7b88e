"""Worked schedules of textbooks, and that nothing is lost whatever is rounded."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.costing.depreciation import (
    MonthlyConvention,
    annuity,
    declining_balance,
    moment_of,
    straight_line,
    units_of_production,
)

YEAR = 24


def yearly(totals: list[int]) -> list[int]:
    return [later - earlier for earlier, later in pairwise(totals)]


class TestBarbsFlorists:
    """Weygandt, Kimmel, Kieso, Accounting Principles, plant assets: Barb's Florists buys a delivery truck for
    $13,000; $1,000 salvage value, 5 years, 100,000 miles. The book rounds to whole dollars."""

    def test_straight_line(self):
        totals = [straight_line(12_000_00, Fraction(5 * YEAR), year * YEAR) for year in range(6)]
        assert yearly(totals) == [2_400_00] * 5

    def test_units_of_activity(self):
        used = [0, 15_000, 45_000, 65_000, 90_000, 100_000]
        totals = [units_of_production(12_000_00, Fraction(100_000), Fraction(miles)) for miles in used]
        assert yearly(totals) == [1_800_00, 3_600_00, 2_400_00, 3_000_00, 1_200_00]

    def test_double_declining_balance(self):
        totals = [
            declining_balance(13_000_00, 1_000_00, Fraction(2, 5), 5 * YEAR, year * YEAR) for year in range(6)
        ]
        # 5,200 3,120 1,872 1,123 685 in the book
        assert yearly(totals) == [5_200_00, 3_120_00, 1_872_00, 1_123_20, 684_80]


class TestStanleyCoalMines:
    """Kieso, Weygandt, Warfield, Intermediate Accounting, depreciation methods: Stanley Coal Mines buys a
    crane
    for $500,000; $50,000 salvage value, 5 years, 30,000 hours."""

    def test_activity(self):
        assert units_of_production(450_000_00, Fraction(30_000), Fraction(4_000)) == 60_000_00

    def test_straight_line(self):
        totals = [straight_line(450_000_00, Fraction(5 * YEAR), year * YEAR) for year in range(6)]
        assert yearly(totals) == [90_000_00] * 5

    def test_declining_balance_stops_at_the_salvage_value(self):
        totals = [
            declining_balance(500_000_00, 50_000_00, Fraction(2, 5), 5 * YEAR, year * YEAR)
            for year in range(6)
        ]
        assert yearly(totals) == [200_000_00, 120_000_00, 72_000_00, 43_200_00, 14_800_00]


def test_capital_recovery_factor():
    """(A/P, 10 %, 5) = 0.26380 in the interest tables of engineering economy (Blank and Tarquin): a loan of
    100,000 is paid back with 26,379.75 a year; interest of the first year 10,000."""
    totals = [annuity(100_000_00, 0, Fraction(1, 10), 5, year * YEAR) for year in range(6)]
    principal = yearly([total.depreciation_minor for total in totals])
    interest = yearly([total.interest_minor for total in totals])
    assert [one + other for one, other in zip(principal, interest, strict=True)] == pytest.approx(
        [26_379_75] * 5, abs=1
    )
    assert interest == [10_000_00, 8_362_03, 6_560_25, 4_578_30, 2_398_16]
    assert sum(principal) == 100_000_00


def test_annuity_pays_interest_on_the_residual_value_to_the_end():
    total = annuity(1_000_00, 400_00, Fraction(1, 20), 4, 4 * YEAR)
    assert total.depreciation_minor == 600_00
    # payment: (1000 - 400 / 1.05^4) x 0.05 / (1 - 1.05^-4) = 189.207...; times 4 less 600
    assert total.interest_minor == 156_83


def test_annuity_without_interest_is_straight_line():
    for elapsed in range(5 * YEAR):
        found = annuity(999_99, 9, Fraction(0), 5, elapsed)
        assert found.interest_minor == 0
        assert found.depreciation_minor == straight_line(999_90, Fraction(5 * YEAR), elapsed)


def test_switch_to_straight_line():
    """200 % declining over 10 years without salvage: from year 6 on an equal part is more (Publication 946 of
    the Internal Revenue Service switches in the same year)."""
    totals = [declining_balance(10_000_00, 0, Fraction(1, 5), 10 * YEAR, year * YEAR) for year in range(11)]
    charges = yearly(totals)
    assert charges[:5] == [2_000_00, 1_600_00, 1_280_00, 1_024_00, 819_20]
    assert charges[5:] == [655_36] * 5
    assert totals[-1] == 10_000_00


def test_rate_without_whole_months():
    """15 % a year: 6 years and 8 months."""
    life = Fraction(YEAR) / Fraction(15, 100)
    assert straight_line(1_000_00, life, YEAR) == 150_00
    assert straight_line(1_000_00, life, 159) == 993_75
    assert straight_line(1_000_00, life, 160) == 1_000_00


@pytest.mark.parametrize(
    ("convention", "halves"),
    [(MonthlyConvention.SAME_MONTH, 0), (MonthlyConvention.MID_MONTH, 1), (MonthlyConvention.NEXT_MONTH, 2)],
)
def test_conventions(convention, halves):
    assert (
        moment_of(date(2025, 3, 31), convention) - moment_of(date(2025, 3, 1), MonthlyConvention.SAME_MONTH)
        == halves
    )


AMOUNTS = st.integers(0, 10**15)


@given(cost=AMOUNTS, part=st.integers(0, 100), life=st.integers(1, 1200), cuts=st.lists(st.integers(0, 1300)))
@example(cost=1, part=0, life=3, cuts=[1, 2])
def test_straight_line_sums_to_cost_less_residual(cost, part, life, cuts):
    depreciable = cost - cost * part // 100
    moments = sorted({0, life, *cuts})
    totals = [straight_line(depreciable, Fraction(life), moment) for moment in moments]
    assert all(charge >= 0 for charge in yearly(totals))
    assert sum(yearly(totals)) == depreciable == straight_line(depreciable, Fraction(life), life + 1)


@given(
    cost=AMOUNTS,
    part=st.integers(0, 100),
    rate=st.fractions(Fraction(1, 1000), 1),
    life=st.integers(1, 600),
    cuts=st.lists(st.integers(0, 700), max_size=8),
)
@example(cost=5, part=0, rate=Fraction(1, 2), life=1, cuts=[])
def test_declining_balance_sums_to_cost_less_residual(cost, part, rate, life, cuts):
    residual = cost * part // 100
    moments = sorted({0, life, *cuts})
    totals = [declining_balance(cost, residual, rate, life, moment) for moment in moments]
    assert all(charge >= 0 for charge in yearly(totals))
    assert sum(yearly(totals)) == cost - residual


@given(
    cost=AMOUNTS,
    part=st.integers(0, 100),
    rate=st.fractions(0, Fraction(1, 2), max_denominator=10_000),
    years=st.integers(1, 40),
    cuts=st.lists(st.integers(0, 1000), max_size=8),
)
def test_annuity_sums_to_cost_less_residual(cost, part, rate, years, cuts):
    residual = cost * part // 100
    moments = sorted({0, years * YEAR, *cuts})
    totals = [annuity(cost, residual, rate, years, moment) for moment in moments]
    assert all(charge >= 0 for charge in yearly([total.depreciation_minor for total in totals]))
    assert all(charge >= 0 for charge in yearly([total.interest_minor for total in totals]))
    assert totals[-1].depreciation_minor == cost - residual


@given(depreciable=AMOUNTS, life=st.integers(1, 10**6), used=st.lists(st.integers(0, 10**6), max_size=8))
def test_units_of_production_sum_to_cost_less_residual(depreciable, life, used):
    totals = [
        units_of_production(depreciable, Fraction(life), Fraction(units))
        for units in sorted({0, life, *used})
    ]
    assert all(charge >= 0 for charge in yearly(totals))
    assert sum(yearly(totals)) == depreciable
