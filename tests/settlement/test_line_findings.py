"""What was found about lines stands beside the month as it was settled, and does not change unseen."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest

from tariffcore.errors import SettlementError
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.line_findings import read_findings, read_held
from tariffcore.settlement.run import SettledRun
from tests.settlement.world import World, rules_in, terms, visits

JANUARY = Month(2026, 1)
CLASSIFIER = "KR DSM-321/2020 appendix 1, order No.19 of 27.02.2026"


def settled(world: World) -> SettledRun:
    world.contracts(terms({"outpatient": 10**9}))
    rows = [
        visits(JANUARY, quantity, case_id=name) for name, quantity in zip("abcd", (1, 2, 4, 8), strict=True)
    ]
    inputs = world.inputs(
        defects=[["H1", "c", "6.0", "act 1"], ["H1", "c", "2.0", "act 2"], ["H1", "c", "8.0", "act 3"]],
        held=[["H1", "b", "letter 7"]],
    )
    return world.settle(JANUARY, rows, inputs)


def test_defects_are_kept_with_their_measures_and_documents(world: World) -> None:
    found = read_findings(world.book.lines_folder, settled(world).record.outcomes_digest)
    assert found.held == {1: "letter 7"}
    assert found.defects == {
        2: (
            LineDefect("6.0", "departure from standards", "30 %", 300_000, CLASSIFIER, "act 1"),
            LineDefect("2.0", "documentation defect", "0 %", 0, CLASSIFIER, "act 2"),
            LineDefect("8.0", "justified complaint", "100 %", 1_000_000, CLASSIFIER, "act 3"),
        )
    }


def test_of_several_only_the_largest_takes_off_where_the_rules_say_so(world: World) -> None:
    world.rules = rules_in(world.folder / "largest", several="largest")
    run = settled(world)
    found = read_findings(world.book.lines_folder, run.record.outcomes_digest)
    assert [defect.taken_off for defect in found.defects[2]] == [0, 0, 1_000_000]
    assert run.months[0].result.claims.deducted == 1_000_000


@pytest.mark.parametrize("name", ["defects", "held"])
def test_a_changed_file_is_refused(world: World, name: str) -> None:
    digest = settled(world).record.outcomes_digest
    path = world.book.lines_folder / f"{name}-{digest}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, table.num_rows - 1), path)
    with pytest.raises(SettlementError, match="has other bytes than when it was settled"):
        read_findings(world.book.lines_folder, digest)
    path.unlink()
    with pytest.raises(SettlementError, match="is named in the book and is not there"):
        read_findings(world.book.lines_folder, digest)


def test_a_later_month_does_not_trust_a_changed_list_of_held_lines(world: World) -> None:
    digest = settled(world).record.outcomes_digest
    assert read_held(world.book.lines_folder, digest) == [("H1", "b")]
    path = world.book.lines_folder / f"held-{digest}.parquet"
    pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(SettlementError, match="has changed"):
        world.settle(Month(2026, 2), [visits(Month(2026, 2), 1, case_id="z")])
