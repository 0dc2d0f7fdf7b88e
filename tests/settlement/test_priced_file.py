"""Claims that come with what ``tariffcore price`` made of them: no other price than ours is ever paid."""

from __future__ import annotations

import csv
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from tariffcore.batch import price_file
from tariffcore.errors import CasesError, SettlementError
from tariffcore.files import open_cases
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import read_catalog
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.set_aside import write_set_aside
from tests.settlement.world import GOLDEN, World, plan, terms, visits

JANUARY = Month(2026, 1)
VISIT = 250_000
FORMATS = ("csv", "parquet", "arrow", "xlsx")


def claims(world: World, count: int = 4) -> Path:
    """Visits a, b, c, ... of 1, 2, 4, ... times the tariff, of a contract that pays them all."""
    world.contracts(terms({"outpatient": 100 * VISIT}))
    return world.cases([visits(JANUARY, 1 << row, case_id="abcdefgh"[row]) for row in range(count)])


def priced(cases: Path, suffix: str, used: Plan | None = None) -> Path:
    path = cases.with_suffix(f".priced.{suffix}")
    price_file(cases, path, used or plan(), components=True, threads=1)
    return path


def rewritten(path: Path, row: int, **cells: str) -> Path:
    """A priced CSV file with other cells in a row."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows[row].update(cells)
    other = path.with_name("other.csv")
    with other.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return other


@pytest.mark.parametrize("suffix", FORMATS)
def test_prices_that_are_ours_change_nothing(world: World, suffix: str) -> None:
    cases = claims(world)
    given = priced(cases, suffix)
    found = world.settle(JANUARY, cases, priced_path=given)
    assert found.record.set_aside == {}
    assert found.months[0].result.payable == 15 * VISIT
    assert world.settle(JANUARY, cases, priced_path=given).again
    with pytest.raises(SettlementError, match="with other inputs"):
        world.settle(JANUARY, cases)


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        ({"amount": "5000.01"}, "5000.01 OK golden there"),
        ({"amount": "", "status": "MISSING_WEIGHT"}, "MISSING_WEIGHT golden there"),
        ({"amount": ""}, "OK golden there"),
        ({"amount": "much"}, "much OK golden there"),
        ({"status": "MISSING_FIELD"}, "5000.00 MISSING_FIELD golden there"),
        ({"schedule_id": "another"}, "5000.00 OK another there"),
    ],
)
def test_a_line_that_has_another_price_there_is_set_aside_with_both(
    world: World, tmp_path: Path, cells: dict[str, str], words: str
) -> None:
    cases = claims(world)
    schedule = plan().editions[0].id
    given = rewritten(priced(cases, "csv"), 1, **cells)
    found = world.settle(JANUARY, cases, priced_path=given)
    assert found.record.set_aside == {"PRICED_OTHERWISE": 1}
    assert found.months[0].result.payable == (1 + 4 + 8) * VISIT
    write_set_aside(world.book, found.record, tmp_path / "aside.csv")
    text = (tmp_path / "aside.csv").read_text(encoding="utf-8")
    words = words.replace("golden", schedule)
    assert f"the priced file has another price: {words}, 5000.00 OK {schedule} here" in text


def test_what_is_set_aside_for_its_price_has_no_part_in_components_patients_or_ids(world: World) -> None:
    world.contracts(terms({"outpatient": 100 * VISIT, "dialysis": 10**9, "inpatient": 10**10}))
    dialysis = {"service_code": "DIALYSIS", "care_setting": "day_hospital", "patient_id": "P"}
    rows = [
        visits(JANUARY, 1, case_id="a", **dialysis),
        visits(JANUARY, 2, case_id="b", **dialysis),
        visits(JANUARY, 1, case_id="c"),
        visits(JANUARY, 1, case_id="c"),
        visits(JANUARY, 1, case_id="unpriced", service_code="X"),
    ]
    cases = world.cases(rows)
    given = rewritten(priced(cases, "csv"), 0, amount="1.00")
    given = rewritten(given, 4, amount="1.00", status="OK")
    found = world.settle(JANUARY, cases, priced_path=given)
    assert found.record.set_aside == {"PRICED_OTHERWISE": 2, "REPEATED": 1}
    with world.book.reading() as connection:
        cells = connection.execute(s.CELLS.select()).all()
    assert sum(cell.priced for cell in cells) == found.months[0].result.claims.claimed
    later = world.settle(Month(2026, 2), world.cases([visits(Month(2026, 2), 1, case_id="a")]))
    assert later.record.set_aside == {}  # it was not settled, so it may come again


def test_a_file_of_other_editions_is_refused_with_all_that_differs(world: World) -> None:
    cases = claims(world)
    other = Plan(read_catalog([GOLDEN / "schedule"], as_of=plan().editions[0].published))
    for suffix in ("parquet", "arrow", "xlsx"):
        given = priced(cases, suffix, other)
        with pytest.raises(SettlementError, match="is of other prices; nothing was settled") as error:
            world.settle(JANUARY, cases, priced_path=given)
        (problem,) = error.value.problems
        assert problem.field == "as_of"
    table = pq.read_table(priced(cases, "parquet"))
    note = dict(table.schema.metadata)
    note[b"tariffcore.engine_version"] = b"0.0.1"
    note[b"tariffcore.schedule." + plan().editions[0].id.encode()] = b"00"
    note[b"tariffcore.schedule.another"] = b"11"
    changed = cases.with_name("changed.parquet")
    pq.write_table(table.replace_schema_metadata(note), changed)
    with pytest.raises(SettlementError) as error:
        world.settle(JANUARY, cases, priced_path=changed)
    assert [problem.field for problem in error.value.problems] == [
        "engine_version", "schedule.another", f"schedule.{plan().editions[0].id}"
    ]  # fmt: skip
    pq.write_table(table.replace_schema_metadata(None), changed)  # saved again by something else
    assert world.settle(JANUARY, cases, priced_path=changed).record.set_aside == {}


def test_a_file_of_other_claims_is_refused(world: World) -> None:
    cases = claims(world)
    rows = priced(cases, "csv").read_text(encoding="utf-8").splitlines(keepends=True)
    given = cases.with_name("given.csv")
    for wrong, words in (
        (rows[:-1], "ends after 3 rows, and there are more claims"),
        ([*rows, rows[-1]], "has more rows than the claims, of which there are 4"),
        ([rows[0], rows[2], rows[1], *rows[3:]], "case_id: 'b': is row 1, where the claims have 'a'"),
        (rows[:1], "ends after 0 rows"),
    ):
        given.write_text("".join(wrong), encoding="utf-8")
        with pytest.raises(SettlementError, match="was not priced from these claims") as error:
            world.settle(JANUARY, cases, priced_path=given)
        assert words in str(error.value)
    with pytest.raises(CasesError, match="it has no schedule_id, amount, status"):
        world.settle(JANUARY, cases, priced_path=cases)
    with pytest.raises(SettlementError, match="the priced file cannot be read"):
        world.settle(JANUARY, cases, priced_path=cases.with_name("none.csv"))
    with pytest.raises(CasesError, match="this is what 'tariffcore price' has made of cases"):
        world.settle(JANUARY, priced(cases, "parquet"))
    assert [path for path in world.book.lines_folder.iterdir() if path.suffix == ".part"] == []


def test_claims_of_several_chunks_are_compared_row_by_row(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Chunks of the claims and batches of the priced file begin at other rows."""
    world.contracts(terms({"outpatient": 10**12}))
    cases = world.cases([visits(JANUARY, 1, case_id=f"v{row}") for row in range(1000)])
    pq.write_table(
        pq.read_table(priced(cases, "parquet")), given := cases.with_name("p.parquet"), row_group_size=77
    )
    as_parquet = cases.with_suffix(".parquet")
    pq.write_table(pa_csv.read_csv(cases), as_parquet, row_group_size=130)
    monkeypatch.setattr("tariffcore.settlement.intake.open_cases", _small_chunks)
    found = world.settle(JANUARY, as_parquet, priced_path=given)
    assert found.record.set_aside == {}
    assert found.months[0].result.claims.lines == 1000


def _small_chunks(path: Path, mapping: object, *, sheet: str | None) -> object:
    return open_cases(path, chunk_rows=100, sheet=sheet)
