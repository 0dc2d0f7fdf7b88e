"""The lines of a statement that lost something: all of them, and their sums are the statement's steps."""

from __future__ import annotations

import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.lost_lines import lost_lines
from tariffcore.settlement.statement import Statement, statements
from tests.settlement.test_line_list import settled
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)


def step_sum(statement: Statement, name: str) -> int:
    return -sum(step.amount for step in statement.steps if step.step == name)


@pytest.mark.parametrize("only", [None, "H1", "H2"])
def test_their_sums_are_the_statements_steps(world: World, only: str | None) -> None:
    run, drawn = settled(world, 6)
    found = statements(world.book, world.rules, JANUARY, only)
    lost = lost_lines(world.book, found)
    assert list(lost) == ([only] if only else ["H1", "H2"])
    for statement in found:
        of = lost[statement.provider_id]
        for name in ("overclaimed", "deducted", "held"):
            assert of.total(name) == step_sum(statement, name)
        expected = [
            case
            for case, one in drawn.items()
            if one["provider_id"] == statement.provider_id
            and (one["defects"] or one["held"] or one["claimed"] > one["price"])
        ]
        lines = of.lines()
        assert [line.case_id for line in lines] == expected
        assert len(of) == len(expected)
        for line in lines:
            assert line.claimed == line.overclaimed + line.deducted + line.held + line.accepted
            assert sum(defect.taken_off for defect in line.defects) == line.deducted
            assert [defect.code for defect in line.defects] == drawn[line.case_id]["defects"]
            assert line.held_by == (f"letter {line.case_id}" if drawn[line.case_id]["held"] else None)
        assert of.in_month == sum(one["provider_id"] == statement.provider_id for one in drawn.values())
    if only is None:
        assert sum(of.set_aside for of in lost.values()) == sum(run.record.set_aside.values())


def test_of_many_those_that_lost_most_are_chosen_in_file_order(world: World) -> None:
    settled(world, 7)
    (of,) = lost_lines(world.book, statements(world.book, world.rules, JANUARY, "H1")).values()
    every, chosen = of.lines(), of.lines(5)
    assert [line for line in every if line in chosen] == chosen
    assert len(chosen) == 5
    least = min(line.claimed - line.accepted for line in chosen)
    assert all(line.claimed - line.accepted <= least for line in every if line not in chosen)
    assert of.lines(10**6) == every


def test_lines_of_runs_of_their_own_are_those_of_their_statement(world: World) -> None:
    """The same file is settled for one provider first, then for the rest."""
    world.contracts(terms({"outpatient": 10**9}), terms({"outpatient": 10**9}, provider="H2"))
    path = world.cases(
        [
            visits(JANUARY, 1, case_id="a", claimed_amount="2500.01"),
            visits(JANUARY, 1, case_id="b", claimed_amount="2500.02", provider_id="H2"),
            visits(JANUARY, 1, case_id="b", provider_id="H2"),
            visits(JANUARY, 1, case_id="c", provider_id="H3"),
        ]
    )
    world.settle(JANUARY, path, only_provider="H1")
    world.settle(JANUARY, path, rest=True)
    lost = lost_lines(world.book, statements(world.book, world.rules, JANUARY))
    assert {name: [line.case_id for line in of.lines()] for name, of in lost.items()} == {
        "H1": ["a"],
        "H2": ["b"],
    }
    assert {name: (of.in_month, of.set_aside) for name, of in lost.items()} == {"H1": (1, 0), "H2": (1, 1)}


def test_a_month_without_lines_or_statements_has_none(world: World) -> None:
    world.contracts(terms({"outpatient": 10**9}))
    world.settle(JANUARY, [visits(JANUARY, 1, case_id="a")])
    (of,) = lost_lines(world.book, statements(world.book, world.rules, JANUARY)).values()
    assert (len(of), of.lines(), of.total("held"), of.in_month) == (0, [], 0, 1)
    assert lost_lines(world.book, []) == {}


def test_a_book_without_its_lines_says_which_files_and_what_to_do(world: World) -> None:
    run, _ = settled(world, 8, count=6)
    for kind in ("lines", "defects"):
        for path in world.book.lines_folder.glob(f"{kind}-*"):
            path.unlink()
    with pytest.raises(SettlementError, match="the lines of the statement are not here") as error:
        lost_lines(world.book, statements(world.book, world.rules, JANUARY))
    assert [problem.place.rpartition("/")[2] for problem in error.value.problems] == [
        f"lines-{run.record.lines_digest}.parquet",
        f"defects-{run.record.outcomes_digest}.parquet",
    ]
    assert "--without-lines" in str(error.value)
