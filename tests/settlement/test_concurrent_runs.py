"""Two runs of one month at the same time: one settles, and the other is told the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement import run as run_module
from tariffcore.settlement.calendar_month import Month
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000


def settle_beside(world: World, moment: str, theirs: Path, ours: Path) -> tuple[Any, Any]:
    """Our run, and theirs, which settles the month from beginning to end when ours has come to a moment."""
    whole = getattr(run_module, moment)
    settled = []
    with pytest.MonkeyPatch.context() as patch:

        def interrupted(*given: Any, **more: Any) -> Any:
            patch.setattr(run_module, moment, whole)
            settled.append(world.settle(JANUARY, theirs))
            return whole(*given, **more)

        patch.setattr(run_module, moment, interrupted)
        found = world.settle(JANUARY, ours)
    return found, settled[0]


@pytest.mark.parametrize("moment", ["choose_contracts", "sums_by_cell", "record_month"])
def test_the_loser_of_two_equal_runs_shows_what_the_other_settled(either_world: World, moment: str) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}))
    cases = world.cases([visits(JANUARY, 2)])
    ours, theirs = settle_beside(world, moment, cases, cases)
    assert (ours.again, theirs.again) == (True, False)
    assert ours.record == theirs.record
    assert ours.months == theirs.months


def test_the_loser_with_other_inputs_is_refused(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    theirs, ours = world.cases([visits(JANUARY, 2)]), world.cases([visits(JANUARY, 3)])
    with pytest.raises(SettlementError, match="the month is settled, with other inputs"):
        settle_beside(world, "sums_by_cell", theirs, ours)
