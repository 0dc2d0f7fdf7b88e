"""The list of lines: every line of the month with what became of it, and its sums are the statement's."""

from __future__ import annotations

import csv
import random
from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from tariffcore.errors import CasesError, SettlementError
from tariffcore.settlement import line_list
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.line_list import write_line_list
from tariffcore.settlement.reference import ReferenceLine, ReferenceMonth, reference_month
from tariffcore.settlement.run import SettledRun
from tests.settlement.world import World, rules_in, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000
PER_CENT = {"2.0": 0, "3.0": 100, "5.0": 300, "6.0": 30, "8.0": 100}
"""Of a service, as the shipped classifier has them."""


def settled(world: World, seed: int, count: int = 120) -> tuple[SettledRun, dict[str, dict[str, Any]]]:
    """A month of made-up visits of two providers, some claimed above or below the price, some with defects,
    some held, some set aside; and what was drawn, by case."""
    draw = random.Random(seed)
    for provider in ("H1", "H2"):
        for funding in ("insurance", "guaranteed_volume"):
            world.contracts(terms({"outpatient": 40 * VISIT}, provider=provider, funding=funding))
    drawn: dict[str, dict[str, Any]] = {}
    rows = []
    for number in range(count):
        case, quantity = f"v{number}", draw.randint(1, 9)
        price = quantity * VISIT
        claimed = price + draw.choice((0, 0, 0, 1, -1, 12_345, -price))
        defects = draw.sample(list(PER_CENT), draw.choice((0, 0, 0, 1, 2)))
        held = not defects and draw.random() < 0.1
        one = {"provider_id": draw.choice(("H1", "H2")),
               "funding_source": draw.choice(("insurance", "guaranteed_volume"))}  # fmt: skip
        drawn[case] = {**one, "claimed": claimed, "price": price, "defects": defects, "held": held}
        rows.append(
            visits(JANUARY, quantity, case_id=case, claimed_amount=f"{Decimal(claimed) / 100}", **one)
        )
        if draw.random() < 0.1:
            rows.append(visits(JANUARY, 1, case_id=case, **one))  # set aside: its id comes twice
    inputs = world.inputs(
        defects=[
            [one["provider_id"], case, code, f"act {case}"]
            for case, one in drawn.items()
            for code in one["defects"]
        ],
        held=[[one["provider_id"], case, f"letter {case}"] for case, one in drawn.items() if one["held"]],
    )
    return world.settle(JANUARY, rows, inputs), drawn


def twin_of(one: Mapping[str, Any], several: str) -> ReferenceMonth:
    """The month of this line alone."""
    defects = [(Fraction(PER_CENT[code]), None) for code in one["defects"]]
    line = ReferenceLine(
        "outpatient", Fraction(one["claimed"]), Fraction(one["price"]), defects, is_held=one["held"]
    )
    return reference_month(
        lines=[line], plans={"outpatient": (Fraction(0), True)}, slices=[], items=[], debt=Fraction(0),
        largest_defect_only=several == "largest", advances=[], annual_plan=Fraction(10**18),
        paid_so_far=Fraction(0), earlier_accepted=None,
    )  # fmt: skip


def minor(cell: Decimal) -> int:
    return int(cell * 100)


@pytest.mark.parametrize("several", ["sum", "largest"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_line_is_what_the_twin_says_and_the_sums_are_the_statements(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, several: str
) -> None:
    monkeypatch.setattr(line_list, "_BATCH_ROWS", 7)  # findings lie in some batches and not in others
    world.rules = rules_in(tmp_path / several, several=several)
    run, drawn = settled(world, seed)
    path = tmp_path / "lines.parquet"
    assert write_line_list(world.book, [run.record], path, threads=2) == len(drawn)
    rows = pq.read_table(path).to_pylist()
    assert [row["case_id"] for row in rows] == list(drawn)
    assert len(rows) + sum(run.record.set_aside.values()) == run.record.lines_read
    for row in rows:
        one = drawn[row["case_id"]]
        twin = twin_of(one, several)
        names = ("claimed", "overclaimed", "deducted", "held")
        assert [minor(row[f"{name}_amount"]) for name in names] == [getattr(twin, name) for name in names]
        accepted = twin.claimed - twin.overclaimed - twin.deducted - twin.held
        assert minor(row["accepted_amount"]) == accepted
        assert minor(row["priced_amount"]) == one["price"]
        assert row["line_status"] == ("HELD" if one["held"] else "SETTLED")
        assert (row["defect_codes"] or "").split("; ") == (one["defects"] or [""])
        if one["defects"]:
            taken_off = [minor(Decimal(amount)) for amount in row["defect_amounts"].split("; ")]
            assert sum(taken_off) == twin.deducted
            assert set(row["found_in"].split("; ")) == {f"act {row['case_id']}"}
            assert "KR DSM-321/2020" in row["defect_sources"]
        else:
            assert row["found_in"] == (f"letter {row['case_id']}" if one["held"] else None)
    for month in run.months:
        (line,) = month.result.lines
        of = [
            row
            for row in rows
            if (row["provider_id"], row["funding_source"], row["contract_line"])
            == (month.result.provider_id, month.result.funding_source, line.contract_line)
        ]
        assert len(of) == line.claims.lines
        for name in ("claimed", "overclaimed", "deducted", "held", "accepted"):
            assert sum(minor(row[f"{name}_amount"]) for row in of) == getattr(line.claims, name)


def test_every_format_says_the_same_and_one_provider_has_only_theirs(world: World, tmp_path: Path) -> None:
    run, drawn = settled(world, 4, count=30)
    paths = {suffix: tmp_path / f"lines.{suffix}" for suffix in ("csv", "parquet", "arrow", "xlsx")}
    for path in paths.values():
        write_line_list(world.book, [run.record], path, "H2", threads=1)
    with paths["csv"].open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    assert [row[header.index("case_id")] for row in rows] == [
        case for case, one in drawn.items() if one["provider_id"] == "H2"
    ]
    for table in (pq.read_table(paths["parquet"]), feather.read_table(paths["arrow"])):
        assert table.column_names == header
        cells = zip(*(column.to_pylist() for column in table.columns), strict=True)
        texts = [["" if cell is None else str(cell) for cell in row] for row in cells]
        assert texts == [[*row[:-1], row[-1].title()] for row in rows]  # synthetic: true, as CSV has it
        assert table.schema.metadata[b"tariffcore.lines"].decode() == run.record.lines_digest
    sheet = CalamineWorkbook.from_path(str(paths["xlsx"])).get_sheet_by_name("cases").to_python()
    assert sheet[0] == header
    case = header.index("case_id")
    assert [row[case] for row in sheet[1:]] == [row[case] for row in rows]


def test_deductions_larger_than_any_amount_are_listed_exactly(world: World, tmp_path: Path) -> None:
    """300 per cent of a price of 17 digits have 18, and what is accepted is as far below zero."""
    world.contracts(terms({"outpatient": 10**17}))
    quantity = 10**6
    run = world.settle(
        JANUARY,
        [visits(JANUARY, quantity, case_id="big")],
        world.inputs(defects=[["H1", "big", "5.0", "act"]]),
    )
    write_line_list(world.book, [run.record], tmp_path / "lines.parquet")
    (row,) = pq.read_table(tmp_path / "lines.parquet").to_pylist()
    assert minor(row["deducted_amount"]) == 3 * quantity * VISIT == -minor(row["accepted_amount"]) * 3 // 2


def test_lines_that_changed_are_not_listed_and_a_wrong_name_is_refused(world: World, tmp_path: Path) -> None:
    run, _ = settled(world, 5, count=8)
    with pytest.raises(CasesError, match=r"results are not written to \.txt files"):
        write_line_list(world.book, [run.record], tmp_path / "lines.txt")
    path = world.book.lines_folder / f"lines-{run.record.lines_digest}.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(1), path)
    with pytest.raises(SettlementError, match="has other bytes than when it was settled"):
        write_line_list(world.book, [run.record], tmp_path / "lines.csv")
    path.unlink()
    with pytest.raises(SettlementError, match="is not there"):
        write_line_list(world.book, [run.record], tmp_path / "lines.csv")
    assert not (tmp_path / "lines.csv").exists()
