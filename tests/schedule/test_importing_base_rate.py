"""The base rates that reproduce printed tariffs, compared with trying every one of them."""

from __future__ import annotations

import dataclasses
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.money import RoundingMode
from tariffcore.schedule.importing.base_rate import (
    Agreement,
    BaseRateRange,
    agreements,
    rate_text,
    rates_listed,
    reproducing_base_rates,
)
from tariffcore.schedule.importing.settings import ImportSettings, edition
from tariffcore.schedule.model import AppliesTo, BaseRate, Rounding, Roundings
from tariffcore.schedule.proof import as_printed
from tariffcore.schedule.tariff import weight_tariff

DRAFT = edition(
    ImportSettings(
        id="draft",
        title="Draft",
        order="order 1",
        published=date(2025, 12, 31),
        effective_start_date=date(2026, 1, 1),
        tariff_family="test",
    ),
    BaseRate(Fraction(1), "order 1"),
)
WHOLE = DRAFT.shares[0]


@pytest.mark.parametrize(
    ("weight", "tariff", "base_rate"),
    [
        # KR DSM-170/2020 appendix 3 in force 01.01.2025; the base rate is that of order No.943 of 26.12.2024
        ("22.0576", "3853961.88", "174722.63"),
        ("21.0321", "3674783.83", "174722.63"),
        ("7.6839", "1342551.22", "174722.63"),
        # KR DSM-170/2020 appendix 1 in force 01.01.2026
        ("3.9114", "686930.98", "175622.79"),
    ],
)
def test_official_rows_settle_the_base_rate_alone(weight, tariff, base_rate):
    units = int(Fraction(base_rate) * 100)
    allowed = reproducing_base_rates(DRAFT, Fraction(weight), WHOLE, Fraction(tariff), 2)
    assert allowed == BaseRateRange(units, units)


@given(
    base_units=st.integers(1, 400),
    weight=st.integers(1, 60_000).map(lambda n: Fraction(n, 10_000)),
    share=st.sampled_from(["1", "0.4", "1/6", "0.17"]).map(Fraction),
    applies_to=st.sampled_from(AppliesTo),
    places=st.sampled_from([None, 3, 2, 1, 0]),
    mode=st.sampled_from(RoundingMode),
    off_by=st.sampled_from([0, 0, 0, 1, -1]),
)
def test_the_range_is_exactly_the_rates_that_reproduce(
    base_units, weight, share, applies_to, places, mode, off_by
):
    rounding = Rounding(places, mode)
    schedule = dataclasses.replace(DRAFT, roundings=Roundings(Rounding(4, mode), rounding, Rounding(2, mode)))
    paid = dataclasses.replace(WHOLE, share=share, applies_to=applies_to)

    def prints(units):
        rated = dataclasses.replace(schedule, base_rate=BaseRate(Fraction(units, 100), ""))
        return as_printed(rated, weight_tariff(rated, weight, paid))

    printed = prints(base_units) + Fraction(off_by, 100)
    allowed = reproducing_base_rates(schedule, weight, paid, printed, 2)
    for units in range(1, 450):
        assert (units in allowed) == (prints(units) == printed), units


def test_a_weight_that_is_rounded_to_zero_settles_nothing():
    nearly_nothing = dataclasses.replace(WHOLE, share=Fraction("0.4"), applies_to=AppliesTo.WEIGHT)
    zero = reproducing_base_rates(DRAFT, Fraction("0.0001"), nearly_nothing, Fraction(0), 2)
    assert 1 in zero and 10**12 in zero
    some = reproducing_base_rates(DRAFT, Fraction("0.0001"), nearly_nothing, Fraction(1), 2)
    assert some.first > some.last


def ranges(*bounds):
    return [BaseRateRange(first, last) for first, last in bounds]


def test_agreements():
    assert agreements([]) == []
    assert agreements(ranges((5, 4), (3, 0))) == []
    assert agreements(ranges((5, 9), (7, 12))) == [Agreement(BaseRateRange(7, 9), 2)]
    assert agreements(ranges((5, 5), (5, 5), (6, 6))) == [Agreement(BaseRateRange(5, 5), 2)]
    # One ends where the other begins: two stretches of one row each, not one of both.
    assert agreements(ranges((5, 6), (7, 8))) == [
        Agreement(BaseRateRange(5, 6), 1),
        Agreement(BaseRateRange(7, 8), 1),
    ]


@given(
    st.lists(
        st.tuples(st.integers(-3, 30), st.integers(-3, 30)).map(lambda pair: BaseRateRange(*pair)), max_size=8
    )
)
def test_agreements_are_those_of_counting(allowed):
    counts = {units: sum(units in one for one in allowed) for units in range(1, 32)}
    most = max(counts.values())
    found = agreements(allowed)
    if most == 0:
        assert found == []
        return
    agreed = [u for agreement in found for u in range(agreement.rates.first, agreement.rates.last + 1)]
    assert agreed == [units for units, count in counts.items() if count == most]
    assert {agreement.rows for agreement in found} == {most}


def test_rates_in_words():
    assert rate_text(17_562_279, 2) == "175622.79"
    assert rate_text(5, 2) == "0.05"
    assert rate_text(175_622, 0) == "175622"
    assert rates_listed(ranges((1, 2), (5, 5)), 2) == "0.01, 0.02, 0.05"
    assert rates_listed(ranges((1, 200)), 2) == "0.01 to 2.00"
