"""Whose months a run settles, and what closes no month by mistake."""

from __future__ import annotations

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.choosing import WithoutClaims
from tariffcore.settlement.run import SettledRun
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000
REFUSE, LEAVE, SETTLE = WithoutClaims


@pytest.fixture
def three(either_world: World) -> World:
    """H1, H2 and H3 may each have ten visits a month."""
    either_world.contracts(*(terms({"outpatient": 10 * VISIT}, provider=name) for name in ("H1", "H2", "H3")))
    return either_world


def paid(found: SettledRun) -> dict[str, int]:
    return {one.result.provider_id: one.result.payable for one in found.months}


def test_a_provider_without_a_line_is_closed_by_nobodys_mistake(three: World) -> None:
    rows = [
        visits(JANUARY, 1, case_id="a"),
        visits(JANUARY, 1, case_id="b", provider_id="H2", service_code="X"),
    ]
    cases = three.cases(rows)
    with pytest.raises(SettlementError) as error:
        three.settle(JANUARY, cases, without_claims=REFUSE)
    said = [(problem.value, problem.message) for problem in error.value.problems]
    assert said == [
        ("H2", "has a contract for 2026-01, and none of its lines can be part of it (1 NOT_PRICED)"),
        ("H3", "has a contract for 2026-01, and no line in the file"),
    ]
    with pytest.raises(SettlementError, match="H1, H2, H3 have contracts for 2026-01, and no line") as error:
        three.settle(JANUARY, three.cases([]), without_claims=REFUSE)
    assert len(error.value.problems) == 1
    unpriced = [visits(JANUARY, 1, case_id=name, provider_id=name, service_code="X") for name in ("H1", "H3")]
    priced = visits(JANUARY, 1, case_id="b", provider_id="H2")
    with pytest.raises(SettlementError, match=r"H1, H3 have .* none of their lines can be .*NOT_PRICED"):
        three.settle(JANUARY, [*unpriced, priced], without_claims=REFUSE)
    with pytest.raises(SettlementError, match="no line in the file"):
        three.settle(JANUARY, three.cases([]), without_claims=LEAVE)  # then nobody's would be settled
    left = three.settle(JANUARY, cases, without_claims=LEAVE)
    assert (paid(left), left.left_open) == ({"H1": VISIT}, ("H2", "H3"))
    assert three.settle(JANUARY, cases, without_claims=LEAVE).again
    late = three.cases([visits(JANUARY, 2, case_id="c", provider_id="H2")])
    later = three.settle(JANUARY, late, rest=True, without_claims=SETTLE)
    assert (paid(later), later.left_open) == ({"H2": 2 * VISIT, "H3": 0}, ())


def test_who_claims_nothing_and_has_another_payment_is_settled(three: World) -> None:
    inputs = three.inputs(other=[["H3", "insurance", "P1", "screening", "100.00", "act"]])
    rows = [visits(JANUARY, 1, case_id="a"), visits(JANUARY, 1, case_id="b", provider_id="H2")]
    assert paid(three.settle(JANUARY, rows, inputs, without_claims=REFUSE))["H3"] == 10_000


def test_the_rest_is_settled_and_nothing_twice(three: World) -> None:
    names = ("H1", "H2", "H3")
    rows = [visits(JANUARY, 1 + row, case_id=name, provider_id=name) for row, name in enumerate(names)]
    cases = three.cases(rows)
    assert paid(three.settle(JANUARY, cases, only_provider="H1")) == {"H1": VISIT}
    with pytest.raises(SettlementError, match="settle the others with --rest"):
        three.settle(JANUARY, cases)
    rest = three.settle(JANUARY, cases, rest=True)
    assert paid(rest) == {"H2": 2 * VISIT, "H3": 3 * VISIT}
    assert rest.record.set_aside == {"MONTH_SETTLED": 1}
    assert three.settle(JANUARY, cases, rest=True).again
    with pytest.raises(SettlementError, match="every month is settled"):
        three.settle(JANUARY, three.cases(rows[1:]), rest=True)


def test_tables_of_the_whole_month_go_with_one_provider(three: World) -> None:
    rows = [visits(JANUARY, 1, case_id=name, provider_id=name) for name in ("H1", "H2", "H3")]
    cases = three.cases(rows)
    inputs = three.inputs(
        defects=[["H1", "H1", "3.0", "act"], ["H2", "H2", "3.0", "act"]],
        held=[["H3", "H3", "protocol"]],
        other=[["H2", "insurance", "P1", "screening", "100.00", "act"]],
    )
    first = three.settle(JANUARY, cases, inputs, only_provider="H1")
    assert first.months[0].result.claims.deducted > 0
    # from whose month is settled nothing can be deducted any more, and that is not passed over
    with pytest.raises(SettlementError, match="the line of 'H1' is set aside"):
        three.settle(JANUARY, cases, inputs, rest=True)
    unknown = three.inputs(other=[["H9", "insurance", "P9", "screening", "1.00", "act"]])
    with pytest.raises(SettlementError, match="has no contract for 2026-01"):
        three.settle(JANUARY, cases, unknown, only_provider="H2")
    unknown = three.inputs(defects=[["H9", "x", "3.0", "act"]])
    with pytest.raises(SettlementError, match="'H9' has no contract for 2026-01"):
        three.settle(JANUARY, cases, unknown, only_provider="H2")
    settled_item = three.inputs(other=[["H1", "insurance", "P2", "screening", "1.00", "act"]])
    with pytest.raises(SettlementError, match="is settled for 2026-01; give its row with a later month"):
        three.settle(JANUARY, cases, settled_item, rest=True)
    second = three.settle(JANUARY, cases, inputs, only_provider="H2")
    assert second.months[0].result.additions == 10_000
