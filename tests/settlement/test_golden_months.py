"""Worked months: each file has its claims, its reasoning, and every amount as it is found by hand."""

from __future__ import annotations

import tomllib
from fractions import Fraction
from pathlib import Path

import pytest

from tariffcore.money import format_minor
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.calendar_month import month_value
from tariffcore.settlement.run import METHODS
from tests.settlement.world import GOLDEN, World, rules_in, terms

FILES = sorted(GOLDEN.glob("*.toml"))


def minor(text: str) -> int:
    return int(Fraction(text) * 100)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_worked_month_is_settled_as_by_hand(path: Path, tmp_path: Path) -> None:
    worked = tomllib.loads(path.read_text(encoding="utf-8"))
    rules = rules_in(
        tmp_path / "rules", slices=worked.get("slices", "[]"), several=worked.get("several_defects", "sum")
    )
    book = Book.open(tmp_path / "book.db")
    world = World(tmp_path, book, rules)
    month = month_value(worked["month"])
    contract = worked["contract"]
    before = {name: minor(contract[name]) for name in ("paid_before", "accepted_before") if name in contract}
    plans = {line: minor(plan) for line, plan in contract["plans"].items()}
    world.contracts(terms(plans, first_month=month.month, **before))
    if "advances" in worked:
        world.advances(*worked["advances"])
    inputs = world.inputs(
        defects=[["H1", case, code, "protocol"] for case, code in worked.get("defects", [])],
        held=[["H1", case, "protocol"] for case in worked.get("held", [])],
        other=[
            ["H1", "insurance", item, kind, amount, "act"] for item, kind, amount in worked.get("other", [])
        ],
    )
    found = world.settle(month, worked["claims"], inputs)
    book.close()
    result = found.months[0].result
    amounts = {
        "claimed": result.claims.claimed,
        "overclaimed": result.claims.overclaimed,
        "deducted": result.claims.deducted,
        "held": result.claims.held,
        "over_plan": result.over_plan,
        "additions": result.additions,
        "other_deductions": result.other_deductions,
        "recovered": result.recovered,
        "capped_by_year": result.capped_by_year,
        "capped_december": result.capped_december,
        "carried": result.carried,
        "payable": result.payable,
        "outstanding": result.outstanding_advance,
    }
    said = {name: format_minor(amount, 2) for name, amount in amounts.items() if amount or name == "payable"}
    assert said == worked["expected"]
    assert found.record.set_aside == worked.get("set_aside", {})


def test_there_is_a_worked_month_for_every_method_that_is_priced_and_a_mixed_one() -> None:
    named = {tomllib.loads(path.read_text(encoding="utf-8"))["method"] for path in FILES}
    assert named == {"mixed", *METHODS}
