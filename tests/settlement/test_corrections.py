"""Corrections by documents: entries that refer to a settled month, carried out once by the next."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.backdated import backdated_changes
from tariffcore.settlement.book.contract_records import Changes
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.corrections import read_corrections, record_corrections
from tariffcore.settlement.fund_view import fund_view
from tariffcore.settlement.tables import GIVEN_CORRECTIONS
from tests.settlement.world import World, plan, table, terms, visits

JANUARY, FEBRUARY, MARCH = Month(2026, 1), Month(2026, 2), Month(2026, 3)
VISIT = 250_000


def record(world: World, *rows: Sequence[object]) -> Changes:
    path = table(world.folder / "corrections.csv", GIVEN_CORRECTIONS.column_names, rows)
    return record_corrections(world.book, read_corrections(path, world.rules))


def test_a_correction_is_carried_out_once_and_the_month_stays(either_world: World) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [visits(JANUARY, 1, case_id="a")])
    late = ["K1", "H1", "insurance", "2026-01", "2500.00", "act 7"]
    back = ["K2", "H1", "insurance", "01.2026", "-1000.00", "act 8"]
    assert record(world, late, back) == Changes(2, 0, 0)
    assert record(world, late, back) == Changes(0, 0, 2)
    view = fund_view(world.book, world.rules, JANUARY)
    assert (view.corrections, view.months[0].result.payable) == (150_000, VISIT)
    february = world.settle(FEBRUARY, [visits(FEBRUARY, 1, case_id="b")]).months[0].result
    assert (february.additions, february.other_deductions) == (VISIT, 100_000)
    assert [item.source for item in february.items] == ["act 7", "act 8"]
    assert world.settle(MARCH, [visits(MARCH, 1, case_id="c")]).months[0].result.payable == VISIT


def test_prices_that_change_later_do_not_take_it_back(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [visits(JANUARY, 1, case_id="a")])
    record(world, ["K1", "H1", "insurance", "2026-01", "2500.00", "act 7"])
    assert backdated_changes(world.book, plan(), world.rules, correct=True).recorded == 0


def test_all_that_is_wrong_is_told_and_nothing_recorded(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [visits(JANUARY, 1, case_id="a")])
    with pytest.raises(SettlementError) as error:
        record(
            world,
            ["K1", "H1", "insurance", "2026-01", "0.00", "act"],
            ["K2", "H1", "insurance", "May", "1.00", "act"],
            ["K3", "H1", "insurance", "2026-01", "1.00", ""],
            ["K4", "H1", "insurance", "2026-01", "1.00", "act"],
            ["K4", "H1", "insurance", "2026-01", "2.00", "act"],
        )
    text = str(error.value)
    for words in ("corrects nothing; remove the row", "'May'", "source", "'K4': is given already"):
        assert words in text, text
    with pytest.raises(SettlementError, match="the month of H1 with insurance is not settled"):
        record(
            world,
            ["K5", "H1", "insurance", "2026-02", "1.00", "act"],
            ["K6", "H1", "insurance", "2026-01", "1.00", "act"],
        )
    assert record(world, ["K6", "H1", "insurance", "2026-01", "1.00", "act"]).new == 1
    with pytest.raises(SettlementError, match="'K6': is recorded with other values"):
        record(world, ["K6", "H1", "insurance", "2026-01", "2.00", "act"])
