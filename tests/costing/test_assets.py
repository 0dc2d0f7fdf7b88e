from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from tariffcore.costing.assets import (
    LevelCharges,
    carrying_amount,
    charged_between,
    is_level,
    is_past_life,
    reached,
)
from tariffcore.costing.depreciation import Method
from tariffcore.costing.inputs import read_inputs
from tariffcore.costing.model import Asset, Stretch
from tariffcore.costing.parameters import AssetClass
from tests.costing.small_costs import FILES, replaced, write_costs

CLASS = AssetClass("equipment", "depreciation", None, None, None)


def asset(method: Method, *stretches: Stretch, usage=()) -> Asset:
    return Asset("H", "A", "a", CLASS, "c", method, stretches, tuple(usage), "assets.csv:2")


def test_months_of_the_year_by_convention(tmp_path):
    """1,200.00 over 10 years is 10.00 a month; commissioned on 5 June 2025, disposed of on 17 October."""
    for convention, expected in (("next_month", 4000), ("same_month", 4000), ("mid_month", 4000)):
        changes = replaced("assets.csv", "2020-03-05,,,0,,,", "2025-06-05,,,0,,,2025-10-17")
        changes |= replaced("costing.toml", "next_month", convention)
        inputs = read_inputs(write_costs(tmp_path / convention, changes))
        assert inputs.charges.by_centre["H1", "therapy"][2] == expected
    for convention, expected in (("next_month", 6000), ("same_month", 7000), ("mid_month", 6500)):
        changes = replaced("assets.csv", "2020-03-05", "2025-06-05")
        changes |= replaced("costing.toml", "next_month", convention)
        inputs = read_inputs(write_costs(tmp_path / f"kept-{convention}", changes))
        assert inputs.charges.by_centre["H1", "therapy"][2] == expected


def test_an_asset_past_its_life_charges_nothing_and_is_listed(tmp_path):
    inputs = read_inputs(write_costs(tmp_path / "costs"))
    assert [one.asset_id for one in inputs.charges.past_life] == ["A2"]
    assert ("H1", "surgery") not in inputs.charges.by_centre
    totals = inputs.charges.by_class["equipment"]
    assert (totals.assets, totals.past_life, totals.depreciation_minor) == (2, 1, 12000)
    assert totals.carrying_minor == 120000 - 69 * 1000  # April 2020 to December 2025


def test_annuity_splits_into_depreciation_and_financing_cost(tmp_path):
    changes = replaced("assets.csv", "2020-03-05,,,0,,,", "2024-12-05,5,,0,annuity,,")
    inputs = read_inputs(write_costs(tmp_path / "costs", changes))
    # 1,200.00 at 10 % over 5 years: 316.56 a year, 120.00 of it interest in the first
    assert inputs.charges.by_centre["H1", "therapy"] == [0, 0, 19656, 12000]


def test_use_is_charged_by_period(tmp_path):
    changes = replaced("assets.csv", "2020-03-05,,,0,,,", "2023-12-05,,,0,units_of_production,600,")
    rows = (
        "provider_id,asset_id,period,units",
        "H1,A1,2024,200",
        "H1,A1,2025-01,50",
        "H1,A1,2025-02,400",
        "H1,A1,2026,9",
    )
    changes["usage.csv"] = "\n".join(rows)
    inputs = read_inputs(write_costs(tmp_path / "costs", changes))
    assert inputs.charges.by_centre["H1", "therapy"][2] == 80000  # 400 of 600 units are left
    assert FILES["assets.csv"] != changes["assets.csv"]


def test_revaluation_goes_on_from_the_new_amount():
    """1,000.00 over 10 years, revalued to 2,000.00 half way: 500.00 before, 2,000.00 after."""
    revalued = asset(
        Method.STRAIGHT_LINE,
        Stretch(0, 120, 100_000, 0, Fraction(240)),
        Stretch(120, None, 200_000, 0, Fraction(120)),
    )
    assert charged_between(revalued, 0, 120, None).depreciation_minor == 50_000
    assert charged_between(revalued, 120, 240, None).depreciation_minor == 200_000
    assert charged_between(revalued, 96, 144, None).depreciation_minor == 10_000 + 40_000
    assert carrying_amount(revalued, 119, None) == 100_000 - 49_583
    assert carrying_amount(revalued, 120, None) == 200_000
    assert not is_past_life(revalued, 239)
    assert is_past_life(revalued, 240)


def test_what_left_charges_nothing_more():
    gone = asset(Method.STRAIGHT_LINE, Stretch(0, 24, 240_00, 0, Fraction(240)))
    assert charged_between(gone, 0, 1000, None).depreciation_minor == 24_00
    assert charged_between(gone, 24, 48, None).depreciation_minor == 0
    assert carrying_amount(gone, 24, None) == 0
    assert not is_past_life(gone, 1000)


@given(
    opening=st.integers(0, 10**16),
    part=st.integers(0, 100),
    start=st.integers(0, 60_000),
    life=st.fractions(1, 2400, max_denominator=100),
    stays=st.one_of(st.none(), st.integers(0, 3000)),
    moments=st.lists(st.integers(0, 70_000), min_size=2, max_size=5),
)
def test_arrays_charge_as_single_assets_do(opening, part, start, life, stays, moments):
    end = None if stays is None else start + stays
    one = asset(Method.STRAIGHT_LINE, Stretch(start, end, opening, opening * part // 100, life))
    assert is_level(one) or opening * life.numerator > 2**59
    if not is_level(one):
        return
    level = LevelCharges([one])
    for moment in (*moments, start, start + int(life), start + int(life) + 1):
        stretch = one.stretches[0]
        assert level.reached(moment).tolist() == [reached(one, stretch, moment, None).depreciation_minor]
        assert level.carrying(moment).tolist() == [carrying_amount(one, moment, None)]


def test_assets_too_large_for_arrays_are_charged_one_by_one(tmp_path):
    changes = replaced("assets.csv", "1200.00", "999999999999999.99")
    inputs = read_inputs(write_costs(tmp_path / "costs", changes))
    assert not is_level(inputs.assets[0])
    assert inputs.charges.by_centre["H1", "therapy"][2] == 9_999_999_999_999_999  # a tenth, from 69 months on
