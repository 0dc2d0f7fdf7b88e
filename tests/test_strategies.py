"""The generators do land where they aim."""

from collections import Counter
from fractions import Fraction

import pytest
from hypothesis import given, settings

from tariffcore import reference
from tariffcore.plan import Plan
from tariffcore.reference import reference_price
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests import strategies
from tests.strategies import aimed_catalog, cases_for, catalogs, random_cases, schedules

SEEDS = range(28)
# the second is a line of a file; cases without a group have generators of their own
NOT_OF_A_CASE = {CaseStatus.UNSPECIFIED, CaseStatus.MALFORMED_ROW} | GROUPING_STATUSES


@pytest.fixture(scope="module")
def batches():
    return [
        (catalog, random_cases(catalog, 250, seed)) for seed in SEEDS for catalog in [aimed_catalog(seed)]
    ]


def test_every_status_a_case_can_have_occurs_and_most_cases_get_far(batches):
    seen = Counter(reference_price(case, catalog).status for catalog, cases in batches for case in cases)

    assert set(CaseStatus) - set(seen) == NOT_OF_A_CASE
    assert min(seen.values()) >= 5
    assert seen[CaseStatus.OK] > sum(seen.values()) * 2 // 5


def test_every_rounding_meets_exact_ties_in_every_mode(batches, monkeypatch):
    """Of the unit price alone, one priced case in ten; drawn blindly it would be one in thousands."""
    ties = Counter()
    whole_steps = reference.whole_steps

    def counting(steps, mode):
        ties[mode, steps.denominator == 2] += 1
        return whole_steps(steps, mode)

    monkeypatch.setattr(reference, "whole_steps", counting)
    for catalog, cases in batches:
        for case in cases:
            reference_price(case, catalog)

    for mode in ("half_up", "half_even", "down", "up"):
        assert ties[mode, True] * 20 > ties[mode, False], mode


def test_large_catalogs_have_more_codes_than_eight_bits_number(batches):
    large = [catalog.editions for catalog, _ in batches if any(len(e.groups) > 256 for e in catalog.editions)]
    drawn = [case.drg_code for _, cases in batches for case in cases]

    assert len(large) == len(SEEDS) // 4
    assert all(any(len(edition.providers or ()) > 256 for edition in editions) for editions in large)
    assert any(code and code.startswith("L2") for code in drawn)


def test_numbers_go_to_the_limits(batches):
    coefficients = [
        strategies.combined(edition.coefficients, period.coefficients)
        for catalog, _ in batches
        for edition in catalog.editions
        for periods in (edition.providers or {}).values()
        for period in periods
    ]
    amounts = [
        reference_price(case, catalog).amount_minor or 0 for catalog, cases in batches for case in cases
    ]

    assert max(c.denominator for c in coefficients) > 2**96
    assert max(amounts) > 9 * 10**17
    assert min(amount for amount in amounts if amount) < 1000


def test_the_same_seed_gives_the_same_cases():
    first, again = aimed_catalog(5), aimed_catalog(5)

    assert first == again
    assert random_cases(first, 20, 9) == random_cases(again, 20, 9)


@given(schedules())
@settings(max_examples=30, deadline=None)
def test_drawn_schedules_stay_within_the_limits(schedule):
    denominator = strategies.rate_denominator(schedule)
    rates = [
        rate
        for group in schedule.groups.values()
        for weight in (group.relative_weight, group.relative_weight_child)
        if weight is not None
        for rate in strategies.rates_of_weight(schedule, weight)
    ]

    assert denominator <= 10**12
    assert max(rates, default=0) * denominator < 10**18
    profiles = {(row.component_profile, row.care_setting) for row in schedule.components}
    for profile in profiles:
        shares = [r.share for r in schedule.components if (r.component_profile, r.care_setting) == profile]
        assert sum(shares) == Fraction(1)


@given(catalogs())
@settings(max_examples=10, deadline=None)
def test_drawn_catalogs_fit_the_kernel(catalog):
    Plan(catalog)
    assert cases_for(catalog) is not None
