"""``tariffcore group``, and ``tariffcore price`` of cases that come without their groups."""

import csv
from pathlib import Path

import pytest

from tests.cli.running import run

HEADER = (
    "case_id,care_setting,admission_date,discharge_date,age_years,age_days,birth_weight_grams,"
    "principal_diagnosis,outcome,claimed_amount"
)
ROWS = (
    "1,inpatient,2026-02-03,2026-02-09,40,,,А40.0,discharged,700000",  # a Cyrillic letter
    "2,inpatient,2026-02-03,2026-02-09,40,,, a400,discharged,686930.98",
    "3,inpatient,2025-02-03,2025-02-09,,3,700,P07.0,died,1",
    "4,inpatient,2025-02-03,2025-02-09,,3,9000,P07.0,died,1",
    "5,inpatient,2025-02-03,2025-02-09,0,3,,P07.0,died,5.50",
    "6,inpatient,2026-02-03,2026-02-09,40,,,J18.9,discharged,1000.25",
    "7,inpatient,2026-02-03,2026-02-09,40,,,,discharged,1",
)


@pytest.fixture
def cases(tmp_path: Path) -> Path:
    path = tmp_path / "cases.csv"
    path.write_text("\n".join([HEADER, *ROWS, ""]), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_row_comes_back_with_its_group_or_its_status(cases, tmp_path):
    output, rejects = tmp_path / "groups.csv", tmp_path / "rejects.csv"
    result = run("group", cases, "-o", output, "--rejects", rejects)

    found = [
        (row["case_id"], row["drg_code"], row["grouping_rule_id"], row["status"]) for row in rows_of(output)
    ]
    assert found == [
        ("1", "1", "KZG-1", "OK"),
        ("2", "1", "KZG-1", "OK"),
        ("3", "P003", "P003", "OK"),
        ("4", "", "", "INVALID_FIELD"),
        ("5", "", "", "MISSING_FIELD"),
        ("6", "", "", "UNKNOWN_DIAGNOSIS"),
        ("7", "", "", "MISSING_FIELD"),
    ]
    assert [row["case_id"] for row in rows_of(rejects)] == ["4", "5", "6", "7"]
    assert all(row["reason"] for row in rows_of(rejects))
    assert result.last_line == f"grouped 3 + without a group 4 = 7 read; rejects in {rejects}"
    assert "1,005.75 KZT (as claimed)" in result.out
    assert "1 with Cyrillic letters" in " ".join(result.out.split())


def test_why_a_row_has_no_group_stands_beside_its_status_on_request(cases, tmp_path):
    with cases.open("a", encoding="utf-8") as file:
        file.write("8,inpatient,2026-02-03,31.02.2026,40,,,A40.0,discharged,1\n9,inpatient\n")
    output, rejects = tmp_path / "groups.csv", tmp_path / "rejects.csv"
    asked = ("group", cases, "-o", output, "--language", "ru")
    assert "--reasons" in run(*asked).last_line and "reason" not in rows_of(output)[0]
    told = run(*asked, "--reasons")
    assert "--reasons" not in told.last_line
    alone = rows_of(output)
    assert list(alone[0])[-2:] == ["status", "reason"]
    run(*asked, "--reasons", "--rejects", rejects)
    found = rows_of(output)
    assert found == alone
    assert [row["reason"] for row in found[:3]] == ["", "", ""]
    *others, no_row = rows_of(rejects)
    assert [row["reason"] for row in found[3:-1]] == [row["reason"] for row in others]
    assert "31.02.2026" in found[-2]["reason"]
    assert "строка не читается" in found[-1]["reason"] and no_row["reason"]


def test_price_groups_first_and_says_which_group_it_found(cases, tmp_path):
    output = tmp_path / "priced.csv"
    run("price", cases, "-o", output)

    first, second, third, *others = rows_of(output)
    assert (first["drg_code"], first["amount"], first["claimed_difference"]) == ("1", "686930.98", "13069.02")
    assert (second["grouping_rule_id"], second["claimed_difference"]) == ("KZG-1", "0.00")
    assert (third["drg_code"], third["amount"]) == ("P003", "1342551.22")
    assert all(row["amount"] == "" for row in others)


def test_a_file_with_its_groups_is_priced_by_them_and_its_diagnoses_are_not_read(cases, tmp_path):
    given = tmp_path / "given.csv"
    lines = cases.read_text(encoding="utf-8").splitlines()[:3]
    codes = ["drg_code", "P001", "1"]
    given.write_text("\n".join(f"{line},{code}" for line, code in zip(lines, codes, strict=True)), "utf-8")
    priced = tmp_path / "priced.csv"
    result = run("price", given, "-o", priced)

    assert [row["status"] for row in rows_of(priced)] == ["UNKNOWN_DRG", "OK"]  # P001 is of 2025
    assert "principal_diagnosis" in " ".join(result.out.split())  # among the columns not read
    assert "drg_code" not in rows_of(priced)[0]

    grouped = tmp_path / "groups.csv"
    result = run("group", given, "-o", grouped)
    assert [(row["drg_code"], row["given_drg_code"]) for row in rows_of(grouped)] == [
        ("1", "P001"),
        ("1", "1"),
    ]
    facts = " ".join(result.out.split())
    assert "As given 1" in facts
    assert "Not as given 1" in facts


def test_schedules_without_rules_cannot_group(cases, tmp_path):
    for command in ("price", "group"):
        result = run(command, cases, "-s", "kz-leaflet", "-o", tmp_path / "out.csv")
        assert result.code == 2
        assert "grouping" in result.err
    assert not (tmp_path / "out.csv").exists()


def test_a_file_without_diagnoses_cannot_be_grouped(tmp_path):
    cases = tmp_path / "cases.csv"
    header = "case_id,drg_code,care_setting,admission_date,discharge_date"
    cases.write_text(header + "\n1,1,inpatient,2026-02-03,2026-02-09\n", encoding="utf-8")
    result = run("group", cases, "-o", tmp_path / "out.csv")

    assert "principal_diagnosis: the column is missing" in result.err


def test_two_editions_are_compared_whatever_the_dates(cases, tmp_path):
    moves = tmp_path / "moves.csv"
    result = run("group", cases, "-s", "kz-2025", "--compare-with", "kz-2026", "-o", moves)

    table = {(row["group_kz-2025"], row["group_kz-2026"]): row for row in rows_of(moves)}
    assert table["(UNKNOWN_DIAGNOSIS)", "1"]["cases"] == "2"
    assert table["P003", "(UNKNOWN_DIAGNOSIS)"]["cases"] == "1"
    assert sum(int(row["cases"]) for row in table.values()) == len(ROWS)
    assert result.last_line.startswith("4 of 7 cases change their group")


def test_a_case_is_explained_with_the_rule_that_gave_its_group(cases):
    result = run("explain", cases, "--case-id", "3")

    assert "rule P003" in result.out
    assert result.last_line == "Amount: 1,342,551.22 KZT"


def test_a_birth_after_the_admission_is_no_age(tmp_path):
    cases, mapping, rejects = (tmp_path / name for name in ("cases.csv", "map.toml", "rejects.csv"))
    mapping.write_text('[age]\nbirth_date = "born"\n', encoding="utf-8")
    cases.write_text(
        "case_id,care_setting,admission_date,discharge_date,born,principal_diagnosis,outcome\n"
        "1,inpatient,2026-02-03,2026-02-09,2026-02-04,A40.0,discharged\n"
        "2,inpatient,2026-02-03,2026-02-09,1986-02-04,A40.0,discharged\n",
        encoding="utf-8",
    )
    run("group", cases, "-o", tmp_path / "out.csv", "--mapping", mapping, "--rejects", rejects)

    assert [row["status"] for row in rows_of(tmp_path / "out.csv")] == ["INVALID_FIELD", "OK"]
    assert "age_years -1 is not between 0 and 130" in rows_of(rejects)[0]["reason"]


def test_a_letter_typed_for_a_digit_is_pointed_at(tmp_path):
    cases, rejects = tmp_path / "cases.csv", tmp_path / "rejects.csv"
    cases.write_text(
        "case_id,care_setting,admission_date,discharge_date,age_years,principal_diagnosis\n"
        "1,inpatient,2026-02-03,2026-02-09,40,A4O.0\n"
        "2,inpatient,2026-02-03,2026-02-09,40,J1O.0\n"
        "3,inpatient,2026-02-03,2026-02-09,40,О40.0\n",
        encoding="utf-8",
    )
    run("group", cases, "-o", tmp_path / "out.csv", "--rejects", rejects)

    reasons = [row["reason"] for row in rows_of(rejects)]
    assert "'A4O.0' is not a code kz-2026 knows: A40.0 may be meant" in reasons[0].replace("\u2018", "'")
    assert not any("may be meant" in reason for reason in reasons[1:])
