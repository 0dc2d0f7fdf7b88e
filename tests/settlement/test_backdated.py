"""Editions with effect backwards: what of a new price reaches lines, by what was claimed on them."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.backdated import backdated_changes
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.rules_reading import read_rules
from tests.settlement.test_book_over_years import DEARER, dearer_plan
from tests.settlement.world import World, plan, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000
RAISED = DEARER - VISIT
CLAIMS = {"none": "", "at": "2500.00", "below": "2490.00", "between": "2550.00", "above": "2700.00"}


def settled(world: World, **options: object) -> None:
    world.contracts(terms({"outpatient": 100 * VISIT}))
    rows = [visits(JANUARY, 1, case_id=name, claimed_amount=claim) for name, claim in CLAIMS.items()]
    world.settle(JANUARY, rows, **options)


def listed(path: Path) -> dict[str, str]:
    with path.open(encoding="utf-8") as file:
        return {row["case_id"]: row["counted_difference"] for row in csv.DictReader(file)}


def test_a_raise_reaches_lines_without_a_claim_and_claimed_at_the_price(world: World, tmp_path: Path) -> None:
    """2,500.00 becomes 2,600.00: claimed at 2,550.00 gets 50.00 of it, at 2,490.00 nothing."""
    settled(world)
    found = backdated_changes(
        world.book, dearer_plan(), world.rules, lines_out=tmp_path / "l.csv", correct=True
    )
    (change,) = found.changes
    assert (change.lines, change.priced, change.held_back) == (5, 5 * RAISED, 2)
    assert change.amount == 3 * RAISED + RAISED // 2  # none, at, above, and half of it between
    assert found.recorded == 1
    assert listed(tmp_path / "l.csv") == {
        "none": "100.00", "at": "100.00", "below": "0.00", "between": "50.00", "above": "100.00"
    }  # fmt: skip
    # taken back, it comes to nothing
    back = backdated_changes(world.book, plan(), world.rules, correct=True)
    assert [one.open for one in back.changes] == [-change.amount]


def test_by_other_rules_a_claim_stands_and_a_missing_one_follows(world: World) -> None:
    toml = world.folder / "rules" / "settlement.toml"
    text = toml.read_text(encoding="utf-8")
    start, end = text.index("[backdated]"), text.index("# All that a patient had")
    for other in (text[:start] + text[end:], text.replace('= "follow"', '= "stand"')):
        toml.write_text(other, encoding="utf-8")
        assert not read_rules(toml.parent).claims_follow_price
    world.rules = read_rules(toml.parent)
    settled(world)
    (change,) = backdated_changes(world.book, dearer_plan(), world.rules).changes
    assert change.amount == 2 * RAISED + RAISED // 2 and change.held_back == 3


def test_a_fall_is_the_same_whatever_claims_do(world: World) -> None:
    settled(world, plan=dearer_plan())
    (change,) = backdated_changes(world.book, plan(), world.rules).changes
    # 2,600.00 becomes 2,500.00: none, above lose all of it, between half; at and below were below it already
    assert change.amount == -(2 * RAISED + RAISED // 2) and change.held_back == 0


def test_a_file_without_claims_claims_the_prices(world: World) -> None:
    world.contracts(terms({"outpatient": 100 * VISIT}))
    path = world.cases([visits(JANUARY, 2, case_id="a")])
    text = path.read_text(encoding="utf-8").replace("claimed_amount", "not_read")
    path.write_text(text, encoding="utf-8")
    world.settle(JANUARY, path)
    (change,) = backdated_changes(world.book, dearer_plan(), world.rules).changes
    assert change.amount == 2 * RAISED


def test_a_month_before_the_first_scale_is_refused(world: World) -> None:
    toml = world.folder / "rules" / "settlement.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(text.replace("effective_start_date = 2020-01-01", "effective_start_date = 2026-06-01"))
    world.rules = read_rules(toml.parent)
    with pytest.raises(SettlementError, match="no linear scale is in force; the first begins on 2026-06-01"):
        settled(world)
