from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from tariffcore.costing.parameters import TrimBy, Trimming, TrimOf, TrimRule
from tariffcore.costing.trimming import exact_total, kept_observations
from tariffcore.costing.unit_costs import case_row_costs


def trimming(rule: str, *, factor="3/2", low="1/3", high="3", least=1) -> Trimming:
    return Trimming(
        TrimRule(rule), TrimOf.CASES, TrimBy.BED_DAYS, Fraction(factor), Fraction(low), Fraction(high), least
    )


def kept(measures: list[int], how: Trimming, groups: list[int] | None = None) -> list[int]:
    group = np.array(groups or [0] * len(measures), dtype=np.int64)
    values = np.array(measures, dtype=np.int64)
    return values[kept_observations(group, values, how)].tolist()


def test_interquartile():
    """Of 1 .. 8 the quartiles are 2 and 6: with a factor of 3/2 all from -4 to 12 are within, bounds too."""
    how = trimming("interquartile")
    assert kept([1, 2, 3, 4, 5, 6, 7, 12], how) == [1, 2, 3, 4, 5, 6, 7, 12]
    assert kept([1, 2, 3, 4, 5, 6, 7, 13], how) == [1, 2, 3, 4, 5, 6, 7]


def test_a_third_of_and_three_times_the_mean():
    how = trimming("mean_ratio")
    assert kept([1, 3, 3, 5], how) == [1, 3, 3, 5]  # the mean is 3: from 1 to 9
    assert kept([1, 3, 3, 6], how) == [3, 3, 6]  # the mean is 13/4: from 13/12 on
    assert kept([1, 1, 1, 1, 16], how) == [1, 1, 1, 1, 16]  # the mean is 4: nothing is from 2 to 12


def test_groups_are_judged_apart_and_small_ones_not():
    measures, groups = [1, 1, 1, 1, 90, 90, 90, 90, 1], [0, 0, 0, 0, 1, 1, 1, 1, 1]
    assert kept(measures, trimming("interquartile"), groups) == measures[:8]
    assert kept(measures, trimming("interquartile", least=6), groups) == measures


def test_a_group_of_which_nothing_would_be_left_keeps_all():
    assert kept([1, 1, 100, 100], trimming("mean_ratio", low="1/2", high="3/2")) == [1, 1, 100, 100]


@pytest.mark.parametrize("rule", ["interquartile", "mean_ratio"])
def test_nothing_to_trim(rule):
    assert kept([], trimming(rule)) == []
    assert kept([7], trimming(rule)) == [7]


def test_totals_beyond_64_bits():
    values = np.full(1000, 2**62, dtype=np.int64)
    assert exact_total(values) == 1000 * 2**62
    assert exact_total(-values) == -1000 * 2**62


def test_costs_of_rows_are_rounded_half_up():
    centre = np.array([0, 0, 1, 1], dtype=np.int32)
    quantity = np.array([1, 3, 1, 2], dtype=np.int64)
    assert case_row_costs(centre, quantity, [(1, 2), (10, 3)]).tolist() == [1, 2, 3, 7]
