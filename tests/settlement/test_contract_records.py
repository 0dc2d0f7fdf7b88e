"""Revisions of contracts: what was paid and advanced already bounds them from below."""

from __future__ import annotations

from typing import Any

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.book.contract_records import record_contracts
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.contracts import ContractTerms
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000
ADVANCE = ["A1", "H1", "insurance", "signing", "2026-01-05", "20000.00", "2026-02", "2026-11", "act"]


@pytest.fixture
def paid(world: World) -> World:
    """January is paid with 4 visits, and 20,000.00 are advanced: 30,000.00 of 120,000.00."""
    world.contracts(terms({"outpatient": 4 * VISIT}))
    world.advances(ADVANCE)
    (settled,) = world.settle(JANUARY, [visits(JANUARY, 4)]).months
    assert settled.result.payable == 4 * VISIT
    return world


def revision(of_november: int) -> list[ContractTerms]:
    return [terms({"outpatient": [4 * VISIT, *[0] * 9, of_november, 0]})]


def test_a_revision_below_what_was_paid_and_advanced_is_refused(paid: World) -> None:
    with pytest.raises(SettlementError) as refused:
        record_contracts(paid.book, revision(2_000_000 - 1), paid.rules)
    text = str(refused.value)
    assert "29999.99" in text
    assert "is less than was paid and advanced on it already, 30000.00" in text
    assert "say --below-paid" in text


def test_a_revision_below_the_limits_of_its_advances_is_refused(paid: World) -> None:
    # 20,000.00 are 30 % of 66,666.66 and two thirds of a tiyn
    with pytest.raises(
        SettlementError, match=r"makes advances of 20000\.00 \(signing\) more than 30 % of it"
    ):
        record_contracts(paid.book, revision(6_666_666 - 4 * VISIT), paid.rules)
    assert record_contracts(paid.book, revision(6_666_667 - 4 * VISIT), paid.rules).revised == 1


def test_it_is_recorded_where_somebody_says_so(paid: World) -> None:
    assert record_contracts(paid.book, revision(0), paid.rules, below_paid=True).revised == 1
    # what exceeds its limits already may be raised
    assert record_contracts(paid.book, revision(2_500_000), paid.rules).revised == 1


def test_what_was_paid_elsewhere_counts_as_paid(world: World) -> None:
    began: dict[str, Any] = {"first_month": 3, "paid_before": 500, "accepted_before": 500}
    world.contracts(terms({"outpatient": 1000}, **began))
    with pytest.raises(SettlementError, match=r"paid and advanced on it already, 5\.00"):
        record_contracts(world.book, [terms({"outpatient": 41}, **began)], world.rules)
    less = {**began, "paid_before": 492}
    assert record_contracts(world.book, [terms({"outpatient": 41}, **less)], world.rules).revised == 1
