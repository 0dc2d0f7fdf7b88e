"""A statement says by which rules the month was settled, and under others than those it is not printed."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.statement import statements
from tariffcore.settlement.statement_outputs import write_statements
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)


def test_statements_under_other_rules_are_refused_or_say_so(world: World) -> None:
    world.contracts(terms({"outpatient": 1_000_000}))
    world.settle(JANUARY, [visits(JANUARY, 1)])
    found = statements(world.book, world.rules, JANUARY)
    page, data = world.folder / "s.html", world.folder / "s.json"
    write_statements(found, world.rules, page)
    assert "The rules have changed" not in page.read_text(encoding="utf-8")
    changed = replace(world.rules, digest="0" * 64)
    for path in (page, data):
        write_statements(found, changed, path)
    assert "The rules have changed since" in page.read_text(encoding="utf-8")
    (values,) = json.loads(data.read_text(encoding="utf-8"))
    assert (values["source_rules_digest"], values["rules"]["digest"]) == ("0" * 64, world.rules.digest)
    with pytest.raises(SettlementError, match=f"the month was settled by {world.rules.id}"):
        write_statements(found, replace(world.rules, id="others"), page)
