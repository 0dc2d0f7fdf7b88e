"""What may not be settled, what is set aside, and what a book refuses."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from tariffcore import Plan, read_catalog, resolve_schedules
from tariffcore.errors import SettlementError
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.opening import engine_of, open_engine
from tariffcore.settlement.book.records import Book, runs_in, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.line_files import lines_path
from tariffcore.settlement.rules_reading import read_rules
from tariffcore.settlement.run import settle_month
from tariffcore.settlement.set_aside import write_set_aside
from tests.settlement.world import World, plan, rules_in, terms, visits

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
VISIT = 250_000


def said(error: pytest.ExceptionInfo[SettlementError]) -> str:
    return str(error.value)


def test_each_line_that_is_not_of_the_month_is_set_aside_with_its_reason(
    world: World, tmp_path: Path
) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}), terms({"outpatient": VISIT}, provider="H2"))
    rows = [
        visits(JANUARY, 1, case_id="a"),
        visits(JANUARY, 1, case_id=" a "),
        visits(JANUARY, 1, case_id="a", provider_id="H2"),
        visits(JANUARY, 1, case_id=""),
        visits(JANUARY, 1, case_id="b", provider_id=""),
        visits(JANUARY, 1, case_id="c", provider_id="H9"),
        visits(JANUARY, 1, case_id="d", funding_source="guaranteed_volume"),
        visits(FEBRUARY, 1, case_id="e"),
        visits(JANUARY, 1, case_id="f", claimed_amount="-1.00"),
        visits(JANUARY, 1, case_id="g", service_code="X"),
        visits(JANUARY, 1, case_id="h", service_code="CALL"),
    ]
    found = world.settle(JANUARY, rows)
    record = found.record
    assert record.set_aside == {
        "NOT_PRICED": 1, "MISSING_ID": 1, "MISSING_PROVIDER": 1, "NO_CONTRACT": 3, "OTHER_MONTH": 1,
        "NEGATIVE_CLAIM": 1, "REPEATED": 1,
    }  # fmt: skip
    assert (
        sum(one.result.claims.lines for one in found.months) + sum(record.set_aside.values())
        == record.lines_read
    )
    assert [one.result.claims.claimed for one in found.months] == [VISIT, VISIT]
    assert write_set_aside(world.book, record, tmp_path / "aside.csv") == 9
    text = (tmp_path / "aside.csv").read_text(encoding="utf-8")
    assert (
        "3,H1, a ,insurance,2500.00,REPEATED,OK,an earlier line of the file has its id,claim a line once"
        in text
    )


def test_a_line_that_was_settled_is_not_settled_again_and_one_that_was_held_is(world: World) -> None:
    world.contracts(terms({"outpatient": 100 * VISIT}))
    rows = [visits(JANUARY, 1, case_id="a"), visits(JANUARY, 2, case_id="b")]
    world.settle(JANUARY, rows, world.inputs(held=[["H1", "b", "protocol"]]))
    again = [
        visits(FEBRUARY, 1, case_id="a"),
        visits(JANUARY, 2, case_id="b"),
        visits(JANUARY, 4, case_id="c"),
        visits(FEBRUARY, 8, case_id="d"),
    ]
    found = world.settle(FEBRUARY, again)
    assert found.record.set_aside == {"SETTLED_BEFORE": 1, "OTHER_MONTH": 1}
    assert found.months[0].result.claims.claimed == 10 * VISIT
    march = world.settle(Month(2026, 3), [visits(JANUARY, 2, case_id="b")])
    assert march.record.set_aside == {"SETTLED_BEFORE": 1}


def test_a_patients_month_of_dialysis_is_one_line(world: World, tmp_path: Path) -> None:
    """Payment rules, items 89-90: all sessions of a patient in the month are one case."""
    sessions = 3_000_000
    world.contracts(
        terms({"dialysis": 100 * sessions, "outpatient": 10 * VISIT}),
        terms({"dialysis": 100 * sessions}, provider="H2"),
    )

    def of(case_id: str, patient: str, quantity: int, **more: object) -> dict[str, object]:
        return visits(JANUARY, quantity, case_id=case_id, patient_id=patient, **more)

    dialysis = {"service_code": "DIALYSIS", "care_setting": "day_hospital"}
    rows = [
        of("a", "P1", 1, **dialysis),
        of("b", " P1 ", 2, **dialysis),  # the same patient
        of("c", "P1", 4, provider_id="H2", **dialysis),  # where another provider treats them
        of("d", "P2", 8, **dialysis),
        of("e", "", 16, **dialysis),  # nobody says whose
        of("f", "", 32, **dialysis),
        of("a", "P3", 1, **dialysis),  # comes twice, so it is not the patient's
        of("g", "P3", 64, **dialysis),
        of("h", "P1", 1),
        of("i", "P1", 1),  # visits are as many as there are
        of("k", "P4", 1, **{**dialysis, "admission_date": "2025-12-01", "discharge_date": "2025-12-31"}),
        of("l", "P4", 128, **dialysis),  # the line before is of another month
    ]
    found = world.settle(JANUARY, rows, world.inputs(held=[["H1", "d", "protocol"]]))
    assert found.record.set_aside == {"PATIENT_REPEATED": 1, "REPEATED": 1, "NOT_PRICED": 1}
    assert [one.result.claims.claimed for one in found.months] == [
        (1 + 8 + 16 + 32 + 64 + 128) * sessions + 2 * VISIT,
        4 * sessions,
    ]
    write_set_aside(world.book, found.record, tmp_path / "aside.csv")
    text = (tmp_path / "aside.csv").read_text(encoding="utf-8")
    assert "3,H1,b,insurance,60000.00,PATIENT_REPEATED,OK,an earlier line of the file has the patient" in text

    later = [of("m", "P2", 1, **dialysis), of("d", "P2", 8, **dialysis)]
    later[0] |= {"admission_date": "2026-02-01", "discharge_date": "2026-02-28"}
    released = world.settle(FEBRUARY, later)
    assert released.record.set_aside == {}, "what January held is January's case"


def test_a_line_without_a_price_shows_what_was_claimed(world: World, tmp_path: Path) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    rows = [
        visits(JANUARY, 1, case_id="a", service_code="X", claimed_amount="1234.56"),
        visits(JANUARY, 1, case_id="b", service_code="X"),
        visits(JANUARY, 1, case_id="c", service_code="X", claimed_amount="a lot"),
        visits(JANUARY, 1, case_id="", claimed_amount="7.00"),
    ]
    record = world.settle(JANUARY, rows).record
    write_set_aside(world.book, record, tmp_path / "aside.csv")
    lines = (tmp_path / "aside.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert [line.split(",")[:6] for line in lines] == [
        ["2", "H1", "a", "insurance", "1234.56", "NOT_PRICED"],
        ["3", "H1", "b", "insurance", "", "NOT_PRICED"],
        ["4", "H1", "c", "insurance", "", "NOT_PRICED"],
        ["5", "H1", "", "insurance", "7.00", "MISSING_ID"],
    ]
    assert "it has no price: service_code 'X' is not in" in lines[0]
    assert "claimed_amount 'a lot'" in lines[2]


def test_a_line_that_is_no_row_is_named_by_its_place_in_the_file(world: World, tmp_path: Path) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    path = world.cases([visits(JANUARY, 1, case_id="a"), visits(JANUARY, 1, case_id="b")])
    lines = path.read_text(encoding="utf-8").splitlines()
    path.write_text("\n".join([lines[0], "", lines[1], "too,few", lines[2], ""]), encoding="utf-8")
    record = world.settle(JANUARY, path).record
    write_set_aside(world.book, record, tmp_path / "aside.csv")
    (said,) = (tmp_path / "aside.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert said.startswith("4,,,,,NOT_PRICED,MALFORMED_ROW,")
    assert "it has no price: " in said and "2" in said


def test_rules_name_methods_that_there_are(tmp_path: Path) -> None:
    folder = tmp_path / "rules"
    rules_in(folder)
    toml = folder / "settlement.toml"
    text = toml.read_text(encoding="utf-8")
    toml.write_text(
        text.replace('methods = ["hemodialysis"]', 'methods = ["hemodialisis"]'), encoding="utf-8"
    )
    with pytest.raises(SettlementError, match=r"is no payment method; did you mean 'hemodialysis'\?"):
        read_rules(folder)
    start, end = text.index("[one_line_a_patient]"), text.index("[rounding]")
    toml.write_text(text[:start] + text[end:], encoding="utf-8")
    assert read_rules(folder).one_line_methods == ()


def test_the_funds_own_tables_stop_the_month_with_all_that_is_wrong(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    rows = [visits(JANUARY, 1, case_id="a"), visits(FEBRUARY, 1, case_id="b")]
    inputs = world.inputs(
        defects=[["H1", "nobody", "6.0", "p"], ["H1", "b", "6.0", "p"], ["H1", "a", "4.0", "p"]],
        held=[["H7", "a", "p"]],
    )
    with pytest.raises(SettlementError) as error:
        world.settle(JANUARY, rows, inputs)
    assert "4 problems" in said(error)
    assert "'H1' has no line with this id" in said(error)
    assert "set aside (OTHER_MONTH)" in said(error)
    assert "defect 4.0 (unjustified readmission within 30 days) does not apply to outpatient lines" in said(
        error
    )
    assert "'H7' has no contract for 2026-01" in said(error)
    with pytest.raises(SettlementError, match=r"'60': is not known here; did you mean '6.0'\?"):
        world.inputs(defects=[["H1", "a", "60", "p"]])
    with world.book.reading() as connection:
        assert runs_in(connection) == []
    assert not list(world.book.lines_folder.glob(".*.part"))


def test_months_are_settled_in_order_and_once(either_world: World) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}))
    with pytest.raises(SettlementError, match="2026-01 is not settled"):
        world.settle(FEBRUARY, [])
    world.settle(JANUARY, [visits(JANUARY, 1)])
    world.settle(FEBRUARY, [])
    with pytest.raises(SettlementError, match="the month is settled, with other inputs"):
        world.settle(JANUARY, [visits(JANUARY, 2)])
    with pytest.raises(SettlementError, match="nobody has a contract for 2027-01"):
        world.settle(Month(2027, 1), [])


def test_what_is_refused_of_several_contracts_for_one_reason_is_said_once(world: World) -> None:
    of = [terms({"outpatient": VISIT}, provider=name) for name in ("H1", "H2")]
    late = terms({"outpatient": VISIT}, provider="H2", funding="budget", first_month=2)
    world.contracts(*of, late, terms({"outpatient": VISIT}, provider="H3", first_month=3))
    with pytest.raises(SettlementError) as error:
        world.settle(Month(2026, 3), [])
    said = [(problem.place, problem.message) for problem in error.value.problems]
    assert said == [
        ("2 contracts, of H1 with insurance; H2 with insurance", "2026-01 is not settled"),
        ("contract of H2 with budget", "2026-02 is not settled"),
    ]


def test_one_provider_may_be_settled_by_itself_and_others_later(either_world: World) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}), terms({"outpatient": 10 * VISIT}, provider="H2"))
    rows = [visits(JANUARY, 1, case_id="a"), visits(JANUARY, 2, case_id="b", provider_id="H2")]
    first = world.settle(JANUARY, rows, only_provider="H2")
    assert first.record.set_aside == {"OTHER_PROVIDER": 1}
    with pytest.raises(SettlementError, match="contract of H2 with insurance"):
        world.settle(JANUARY, rows)
    second = world.settle(JANUARY, rows, only_provider="H1")
    assert [one.result.payable for one in (*first.months, *second.months)] == [2 * VISIT, VISIT]


def test_an_item_is_paid_once(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    items = [["H1", "insurance", "P1", "screening", "100.00", "act"]]
    world.settle(JANUARY, [], world.inputs(other=items))
    with pytest.raises(SettlementError, match="'P1': was settled in an earlier month"):
        world.settle(FEBRUARY, [visits(FEBRUARY, 1)], world.inputs(other=items))


def test_the_database_itself_refuses_changes(either_world: World) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [visits(JANUARY, 1)])
    for statement in (sa.update(s.SETTLED).values(payable=0), sa.delete(s.SETTLED), sa.delete(s.RUNS)):
        with (
            pytest.raises(sa.exc.DBAPIError, match="are never changed"),
            world.book.writing() as connection,
        ):
            connection.execute(statement)


def test_migrations_make_the_tables_of_the_schema(place: str) -> None:
    engine = open_engine(place)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), s.METADATA) == []
    engine.dispose()


def test_a_book_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    place = tmp_path / "book.db"
    open_engine(place).dispose()
    engine = engine_of(place)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    engine.dispose()
    with pytest.raises(SettlementError, match="was written by a later version"):
        open_engine(place)


def test_what_could_point_at_a_person_is_not_kept(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    path = world.folder / "named.csv"
    path.write_text(
        "case_id,provider_id,service_code,care_setting,discharge_date,funding_source,patient_id,surname\n"
        "a,H1,VISIT,outpatient,2026-01-10,insurance,P-77,Ivanov\n",
        encoding="utf-8",
    )
    found = world.settle(JANUARY, path)
    kept = pq.read_table(lines_path(world.book.lines_folder, found.record.lines_digest))
    assert found.months[0].result.payable == VISIT
    assert not {"patient_id", "surname"} & set(kept.column_names)
    for file in world.book.lines_folder.iterdir():
        assert b"P-77" not in file.read_bytes()


STEPS = {
    "lines named": ("tariffcore.settlement.line_files", "keep", "after"),
    "ids written": ("tariffcore.settlement.line_files", "write_ids", "after"),
    "run inserted": ("tariffcore.settlement.book.month_writing", "_cell_rows", "before"),
    "all inserted": ("tariffcore.settlement.book.month_writing", "_insert_items", "after"),
    "committed": ("tariffcore.settlement.run", "record_month", "after"),
}
CHILD = """
import importlib, os, signal, sys
from pathlib import Path
place, folder, cases, module, name, when = sys.argv[1:]
from tests.settlement.world import plan
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.rules_reading import read_rules
from tariffcore.settlement import run
of = importlib.import_module(module)
kept = getattr(of, name)
def dies(*given, **named):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    kept(*given, **named)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(of, name, dies)
book = Book.open(place, Path(folder) / "lines")
run.settle_month(book, Path(cases), plan(), read_rules(Path(folder) / "rules"), Month(2026, 1), threads=1)
"""


@pytest.mark.parametrize("step", STEPS)
def test_a_run_killed_between_steps_loses_and_doubles_nothing(
    step: str, either_world: World, place: str
) -> None:
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}), terms({"outpatient": VISIT}, provider="H2"))
    world.advances(
        ["A1", "H1", "insurance", "signing", "2026-01-02", "2500.00", "2026-01", "2026-02", "order"]
    )
    path = world.cases([visits(JANUARY, 3, case_id="a"), visits(JANUARY, 5, case_id="b", provider_id="H2")])
    root = Path(__file__).resolve().parent.parent.parent
    child = subprocess.run(
        [sys.executable, "-c", CHILD, place, str(world.folder), str(path), *STEPS[step]],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        capture_output=True,
    )
    assert child.returncode == -signal.SIGKILL, child.stderr.decode()
    with world.book.reading() as connection:
        before = settled_in(connection)
    assert len(before) == (2 if step == "committed" else 0)
    found = world.settle(JANUARY, path)
    assert found.again == (step == "committed")
    with world.book.reading() as connection:
        months = settled_in(connection)
        recovered = connection.execute(sa.select(sa.func.sum(s.RECOVERIES.c.amount))).scalar_one()
        assert len(runs_in(connection)) == 1
    assert [one.result.payable for one in months] == [3 * VISIT - 125_000, VISIT]
    assert recovered == 125_000
    assert world.settle(JANUARY, path).again


def test_two_that_settle_at_once_settle_it_once(either_world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The other one commits while this one calculates."""
    world = either_world
    world.contracts(terms({"outpatient": 10 * VISIT}))
    path = world.cases([visits(JANUARY, 1)])
    other = world.cases([visits(JANUARY, 2)])
    from tariffcore.settlement import run

    record: Callable[..., int] = run.record_month

    def overtaken(*given: object, **named: object) -> int:
        monkeypatch.setattr(run, "record_month", record)
        settle_month(world.book, other, plan(), world.rules, JANUARY, threads=1)
        return record(*given, **named)

    monkeypatch.setattr(run, "record_month", overtaken)
    with pytest.raises(SettlementError, match="the month is settled, with other inputs"):
        settle_month(world.book, path, plan(), world.rules, JANUARY, threads=1)
    with world.book.reading() as connection:
        assert [one.result.payable for one in settled_in(connection)] == [2 * VISIT]


def test_a_gap_in_the_linear_scale_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        SettlementError,
        match=r"'0\.06': there is a gap: the slice before it ends at 0\.05; begin it at .0\.05.",
    ):
        rules_in(
            tmp_path / "gap", slices='[{from = "0", up_to = "0.05", pay = "1"}, {from = "0.06", pay = "0"}]'
        )
    with pytest.raises(SettlementError, match="there is an overlap"):
        rules_in(
            tmp_path / "lap", slices='[{from = "0", up_to = "0.05", pay = "1"}, {from = "0.04", pay = "0"}]'
        )
    with pytest.raises(SettlementError, match="there is a gap: the slice before it ends at 0"):
        rules_in(tmp_path / "late", slices='[{from = "0.01", pay = "1"}]')


def test_lines_that_are_gone_or_changed_are_missed(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [visits(JANUARY, 1)])
    (held,) = world.book.lines_folder.glob("ids-*")
    held.unlink()
    with pytest.raises(SettlementError, match="is named in the book and is not there"):
        world.settle(FEBRUARY, [visits(FEBRUARY, 1)])


def test_a_book_by_url_needs_a_folder_for_lines() -> None:
    with pytest.raises(SettlementError, match="name one that every user of the book reaches"):
        Book.open("postgresql://nowhere/book")


def test_a_database_of_another_kind_is_said_first_and_the_folder_with_it() -> None:
    with pytest.raises(SettlementError) as error:
        Book.open("mysql://who:secret@nowhere/book")
    assert [(one.place, one.message) for one in error.value.problems] == [
        ("mysql://who:***@nowhere/book", "is neither SQLite nor PostgreSQL"),
        ("the book", "a database has no folder for files of lines"),
    ]
    with pytest.raises(SettlementError, match=r"the database: is not a URL.*\n.*--lines DIR"):
        Book.open("://who:secret@nowhere")


def test_unknown_codes_and_unknown_lines_are_told_at_once(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    path = world.cases([visits(JANUARY, 1, case_id="a")])
    tables = {
        "defects": [["H1", "a", "9.9", "act"], ["H1", "b", "3.0", "act"], ["H1", "c", "9.8", "act"]],
        "other": [["H1", "insurance", "P1", "screening", "a lot", "act"]],
    }
    with pytest.raises(SettlementError) as error:
        world.settle(JANUARY, path, world.inputs(**tables, tell_later=True))
    told = [(problem.field, problem.value) for problem in error.value.problems]
    defects = [("defect_code", "9.8"), ("defect_code", "9.9")]
    assert sorted(told, key=str) == [("amount", "a lot"), ("case_id", "b"), ("case_id", "c"), *defects]
    with pytest.raises(SettlementError, match="cannot be used: 3 problems"):
        world.inputs(**tables)


def test_a_group_that_was_found_decides_the_contract_line_like_one_that_was_given(world: World) -> None:
    """Assignments by code hold for cases whose group comes from their diagnoses."""
    with (world.folder / "rules" / "assignments.csv").open("a", encoding="utf-8") as file:
        file.write("treated_case,,253,dialysis\n")
    world.rules = read_rules(world.folder / "rules")
    demo = Plan(read_catalog(resolve_schedules(["kz-demo"])))
    world.contracts(terms({"inpatient": 10**9, "dialysis": 10**9}, provider="H001-R12"))
    header = "case_id,provider_id,care_setting,admission_date,discharge_date,age_years,funding_source,sex"
    cells = "H001-R12,inpatient,2026-01-05,2026-01-12,40,insurance,female"
    lines = {}
    for name, column, code in (("given", "drg_code", "253"), ("found", "principal_diagnosis", "L09.0")):
        path = world.folder / f"{name}.csv"
        path.write_text(f"{header},{column}\n{name},{cells},{code}\n", encoding="utf-8")
        month = JANUARY if name == "given" else FEBRUARY
        if month is FEBRUARY:
            path.write_text(path.read_text(encoding="utf-8").replace("2026-01", "2026-02"), encoding="utf-8")
        (result,) = [one.result for one in world.settle(month, path, plan=demo).months]
        lines[name] = [line.contract_line for line in result.lines if line.claims.lines]
    assert lines == {"given": ["dialysis"], "found": ["dialysis"]}


def test_nothing_is_made_in_the_file_of_another_program(tmp_path: Path) -> None:
    place = tmp_path / "foreign.db"
    with sqlite3.connect(place) as foreign:
        foreign.execute("CREATE TABLE patients (name TEXT)")
    foreign.close()
    before = place.read_bytes()
    with pytest.raises(SettlementError, match="is of another program: it has the tables patients"):
        Book.open(place, tmp_path / "lines")
    assert place.read_bytes() == before
