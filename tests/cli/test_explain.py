from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariffcore.labelling import LANGUAGES
from tests.cli.running import Ran, refused, run, run_process, write_cases

CASE = ("--care-setting", "inpatient", "--admission", "2026-01-05", "--discharge", "2026-01-12", "--age", 40)


def explain(*options: object) -> Ran:
    return run("explain", "--drg", "1", *CASE, *options)


def test_a_case_from_options_ends_in_its_amount() -> None:
    ran = explain()
    assert (ran.code, ran.err) == (0, "")
    assert ran.last_line == "Amount: 686,930.98 KZT"
    assert "order No.176 of 31.12.2025" in ran.out


@pytest.mark.parametrize(
    ("options", "amount"),
    [
        (("--care-setting", "day_hospital"), "274,779.42"),
        (("--care-setting", "day_hospital", "--procedure", "99.99", "--procedure", "13.73"), "515,207.02"),
        (("--care-setting", "home"), "114,488.50"),
        (("--outcome", "died", "--death-unavoidable", "--discharge", "2026-01-08"), "343,465.49"),
        (("--outcome", "died", "--no-death-unavoidable", "--discharge", "2026-01-08"), "686,930.98"),
    ],
)
def test_options_say_what_the_case_was(options: tuple[str, ...], amount: str) -> None:
    assert explain(*options).last_line == f"Amount: {amount} KZT"


def test_a_service_from_options() -> None:
    # DOMAIN: three remote visits to an internist, 1/2 of 2,487.71, the unit price rounded, x 3
    ran = run(
        *("explain", "--service", "A01.001.000", "--care-setting", "outpatient", "--discharge", "12.01.2026"),
        *("--factor", "remote", "--quantity", 3),
    )
    assert (ran.code, ran.last_line) == (0, "Amount: 3,731.58 KZT")


def test_hours_may_stand_after_the_days() -> None:
    case = ("--drg", "P003", "--care-setting", "reception_observation", "-s", "kz-leaflet", "--age", 0)
    within = run("explain", *case, "--admission", "2025-03-01 10:30", "--discharge", "02.03.2025 09:00")
    beyond = run("explain", *case, "--admission", "2025-03-01T08:00:00", "--discharge", "2025-03-02 09:00")
    assert (within.code, beyond.code) == (0, 1)
    assert "STAY_OVER_LIMIT" in beyond.out


def test_a_case_without_an_amount_is_explained_with_exit_code_1() -> None:
    ran = run("explain", "--drg", "1", "--care-setting", "inpatient", "--discharge", "2026-01-12")
    assert ran.code == 1
    assert "MISSING_FIELD" in ran.out
    assert "admission_date is empty" in ran.out


def test_a_claim_is_compared_and_the_amount_stays_last() -> None:
    ran = explain("--claimed", "700000.00")
    assert ran.out.splitlines()[-2:] == [
        "Claimed: 700,000.00 KZT; difference: +13,069.02",
        "Amount: 686,930.98 KZT",
    ]
    assert "difference: -0.01" in explain("--claimed", "686930.97").out
    shown = json.loads(explain("--claimed", "686930.97", "--json").out)
    assert (shown["claimed_amount"], shown["claimed_difference"]) == ("686930.97", "-0.01")


def test_json_is_one_object_whatever_the_terminal() -> None:
    shown = json.loads(explain("--json").out)
    assert (shown["amount"], shown["status"], shown["rule_id"]) == ("686930.98", "OK", "inpatient")
    cyrillic = ("explain", "--drg", "КЗГ", *CASE, "--case-id", "случай", "--json")
    ascii_only = run_process(*cyrillic, env={"PYTHONIOENCODING": "ascii"})
    assert json.loads(ascii_only.out)["case_id"] == "случай"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language(language: str) -> None:
    ran = explain("--language", language)
    assert ran.code == 0
    assert "686" in ran.last_line


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "nothing to explain"),
        (("--age", "40"), "nothing to explain"),
        (("--drg", "1", "--line", "3"), "--line is about a file"),
        (("--drg", "1", "--mapping", "ersb"), "--mapping is about a file"),
        (("cases.csv", "--line", "2", "--drg", "1", "--no-death-unavoidable"), "leave out --drg, --death"),
        (("cases.csv",), "say which case of the file"),
        (("cases.csv", "--line", "2", "--case-id", "1"), "say which case of the file"),
        (("--drg", "1", "--discharge", "2026-02-30"), "'2026-02-30' is not a day and time of the calendar"),
        (("--drg", "1", "--discharge", "2026-02-20 25:10"), "is not a day and time of the calendar"),
        (("--drg", "1", "--discharge", "2026-02-20 noon"), "has no time after its date"),
        (("--drg", "1", "--discharge", "soon"), "'soon' is not a date"),
        (("--drg", "1", "--age", "forty"), "'forty' is not a valid integer"),
        (("--drg", "1", "--claimed", "12,000"), "could be 12 or 12000"),
        (("--drg", "1", "--claimed", "9" * 40), "has more than 38 digits"),
        (("--drg", "1", "--claimed", "1.005"), "has more decimals than KZT, 2; is 1.01 meant?"),
    ],
)
def test_an_unusable_question(arguments: tuple[str, ...], says: str) -> None:
    assert says in refused(run("explain", *arguments))[0]


# --- from a file

ROWS = (
    "100,,1,inpatient,2026-01-05,2026-01-12,40",
    "200,,1,day_hospital,2026-01-05,2026-01-12,40",
    "300,,1,inpatient,2026-01-05,2026-02-30,40",
    "400,,1,inpatient",
    f"500,,1,inpatient,2026-01-05,2026-01-12,{'4' * 40}",
    "600,,1,inpatient,2026-01-05,2026-01-12,200",
    "200,,1,home,2026-01-05,2026-01-12,40",
)


def test_a_case_of_a_file_by_id_or_line(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, *ROWS)
    by_id = run("explain", cases, "--case-id", "200")
    assert (by_id.code, by_id.last_line) == (0, "Amount: 274,779.42 KZT")  # the first of two
    assert by_id.out.startswith(f"{cases}, line 3\n")
    assert run("explain", cases, "--line", "3").out == by_id.out
    assert run("explain", cases, "--line", "8").last_line == "Amount: 114,488.50 KZT"
    assert json.loads(run("explain", cases, "--line", "3", "--json").out)["line"] == 3


def test_typed_files_number_their_rows_and_may_have_numbers_for_ids(tmp_path: Path) -> None:
    cases = tmp_path / "cases.parquet"
    table = {
        "case_id": pa.array([100, 200, None], pa.int64()),
        "drg_code": ["1", "1", "1"],
        "care_setting": ["inpatient", "home", "home"],
        "admission_date": ["2026-01-05"] * 3,
        "discharge_date": ["2026-01-12"] * 3,
        "age_years": [40, 40, 40],
    }
    pq.write_table(pa.table(table), cases)
    by_id = run("explain", cases, "--case-id", " 200 ")
    assert by_id.last_line == "Amount: 114,488.50 KZT"
    assert run("explain", cases, "--line", "2").out == by_id.out


@pytest.mark.parametrize(
    ("case_id", "status", "says"),
    [
        ("300", "INVALID_FIELD", "discharge_date '2026-02-30' is not a day of the calendar"),
        ("500", "INVALID_FIELD", "age_years '444444"),
        ("600", "INVALID_FIELD", "age_years 200 is not between 0 and 130"),
    ],
)
def test_a_row_with_an_unreadable_cell_is_explained_as_it_is_priced(
    tmp_path: Path, case_id: str, status: str, says: str
) -> None:
    cases = write_cases(tmp_path, *ROWS)
    ran = run("explain", cases, "--case-id", case_id)
    assert ran.code == 1
    words = " ".join(ran.out.split())
    assert f"({status}): {says}" in words
    shown = json.loads(run("explain", cases, "--case-id", case_id, "--json").out)
    assert (shown["status"], shown["amount"]) == (status, None)
    assert says in shown["reason"]


def test_a_cut_line_is_explained_as_it_is_priced(tmp_path: Path) -> None:
    ran = run("explain", write_cases(tmp_path, *ROWS), "--line", "5")
    assert ran.code == 1
    words = " ".join(ran.out.split())
    assert words.endswith(
        "(MALFORMED_ROW): the line has 4 cells and the header 7: give it as many as the header"
    )


def test_a_claim_of_the_file_is_compared(tmp_path: Path) -> None:
    header = "case_id,drg_code,care_setting,admission_date,discharge_date,age_years,claimed_amount"
    cases = write_cases(tmp_path, "1,1,inpatient,2026-01-05,2026-01-12,40,700000", header=header)
    assert "difference: +13,069.02" in run("explain", cases, "--case-id", "1").out


@pytest.mark.parametrize(
    ("option", "value", "says"),
    [
        ("--case-id", "nope", "'nope': none of the 7 rows has it"),
        ("--line", "1", "no case begins on this line"),
        ("--line", "99", "the last one is on line 8"),
    ],
)
def test_a_case_that_is_not_there(tmp_path: Path, option: str, value: str, says: str) -> None:
    lines = refused(run("explain", write_cases(tmp_path, *ROWS), option, value))
    assert lines[0] == "tariffcore: there is no such case"
    assert says in lines[1]


def test_a_file_without_columns_of_cases(tmp_path: Path) -> None:
    cases = write_cases(tmp_path, "1", header="a")
    lines = refused(run("explain", cases, "--line", "2"))
    assert "care_setting, discharge_date, drg_code, admission_date: these columns are missing" in lines[1]


@pytest.mark.parametrize(("columns", "most"), [("80", 80), ("300", 100)])
def test_a_terminal_gets_lines_of_its_own_width(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, columns: str, most: int
) -> None:
    monkeypatch.setattr("click.testing._NamedTextIOWrapper.isatty", lambda _: True)
    cases = write_cases(tmp_path, *ROWS)
    for line in ("2", "5"):
        ran = run("explain", cases, "--line", line, env={"TERM": "xterm", "COLUMNS": columns})
        widths = [len(words) for words in ran.out.splitlines() if str(tmp_path) not in words]
        assert most - 20 < max(widths) <= most


@pytest.mark.parametrize(
    ("written", "same"),
    [
        ("191723,14", "191723.14"),
        ("191 723,14", "191723.14"),
        ("191\u00a0723,14", "191723.14"),
        ("1,234,567.80", "1234567.80"),
        ("0,5", "0.5"),
    ],
)
def test_amounts_as_people_write_them(written: str, same: str) -> None:
    told = [explain("--claimed", amount) for amount in (written, same)]
    assert told[0] == told[1]
    assert told[0].code == 0


@pytest.mark.parametrize("written", ["1,234", "12.345,6.7", "1e5", "сто"])
def test_amounts_that_could_be_two_or_none(written: str) -> None:
    assert "--claimed" in refused(explain("--claimed", written))[0]


def test_a_day_as_people_write_it() -> None:
    told = [explain("--as-of", day) for day in ("2026-02-01", "01.02.2026", "1.2.2026")]
    assert told[0].code == 0
    assert told[0] == told[1] == told[2]
    for day, says in (("30.02.2026", "not a day of the calendar"), ("01/02/2026", "is not a date")):
        assert says in refused(explain("--as-of", day))[0]
