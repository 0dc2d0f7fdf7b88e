"""From claims of the United States to priced cases: ``group --grouper msdrg``, then ``price``."""

import csv
import json
from pathlib import Path

from tests.cli.running import run


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_claims_are_grouped_and_priced(tmp_path):
    claims, grouped, priced = (tmp_path / name for name in ("claims.jsonl", "grouped.csv", "priced.csv"))
    wrote = run("sample", "--claims", "-n", 600, "-o", claims)
    assert "600 SYNTHETIC claims" in wrote.out and "--grouper msdrg" in wrote.out

    result = run("group", claims, "--grouper", "msdrg", "-o", grouped, "--rejects", tmp_path / "rejects.csv")
    cases, rejects = rows_of(grouped), rows_of(tmp_path / "rejects.csv")
    own = [json.loads(line) for line in claims.read_text().splitlines()]
    with_group = [row for row in cases if row["status"] == "OK"]
    assert [row["case_id"] for row in cases] == [claim["case_id"] for claim in own]
    assert len(with_group) + len(rejects) == 600 and len(with_group) > 550 and rejects
    assert all(row["drg_code"].isdigit() and len(row["drg_code"]) == 3 for row in with_group)
    assert all(row["reason"] and own[int(row["line"]) - 1]["case_id"] == row["case_id"] for row in rejects)
    reasons = [row["reason"] for row in cases if row["status"] != "OK"]
    assert reasons == [row["reason"] for row in rejects] and not any(row["reason"] for row in with_group)
    assert "principal_diagnosis" not in cases[0]
    assert {row["status"] for row in rejects} == {
        "MISSING_FIELD", "INVALID_FIELD", "UNKNOWN_DIAGNOSIS", "UNGROUPABLE",
    }  # fmt: skip
    assert f"grouped {len(with_group)} + without a group {len(rejects)} = 600 read" in result.last_line
    assert "msdrg 1." in result.out

    run("price", grouped, "-s", "us-demo", "-o", priced)
    amounts = rows_of(priced)
    assert [row["case_id"] for row in amounts if row["amount"]] == [row["case_id"] for row in with_group]
    weights = {row["drg_code"]: row["relative_weight"] for row in rows_of(_groups())}
    first = next(row for row in amounts if row["amount"])
    weight = weights[with_group[0]["drg_code"]].replace(".", "")
    assert int(first["amount"].replace(".", "")) == int(weight) * 7000 // 100
    assert first["synthetic"] == "true"


def _groups() -> Path:
    from tariffcore.schedule.shipped import resolve

    return Path(resolve(["us-demo"])[0]) / "groups.csv"


def test_the_made_up_claims_are_the_same_each_time(tmp_path):
    for name in ("one.jsonl", "two.jsonl"):
        run("sample", "--claims", "-n", 50, "--seed", 3, "-o", tmp_path / name)
    assert (tmp_path / "one.jsonl").read_bytes() == (tmp_path / "two.jsonl").read_bytes()


def test_a_file_of_cases_is_grouped_too_and_its_own_groups_are_repeated(tmp_path):
    cases, grouped = tmp_path / "cases.csv", tmp_path / "grouped.xlsx"
    cases.write_text(
        "case_id,care_setting,admission_date,discharge_date,age_years,sex,principal_diagnosis,outcome,drg_code,Name\n"
        "1,inpatient,2026-02-03,2026-02-09,40,f,I50.20,discharged,291,Ann\n"
        "2,inpatient,2026-02-03\n"
        "3,inpatient,2026-02-03,31.02.2026,40,f,I50.20,discharged,,Ann\n",
        encoding="utf-8",
    )
    result = run(
        "group", cases, "--grouper", "msdrg", "-o", grouped, "--rejects", tmp_path / "r.csv", "--strict"
    )
    assert result.code == 1
    rejects = rows_of(tmp_path / "r.csv")
    assert [row["line"] for row in rejects] == ["3", "4"]
    assert "Name" not in rejects[0]
    assert "has 3 cells" in rejects[0]["reason"] and "'31.02.2026' cannot be read" in rejects[1]["reason"]

    run("group", cases, "--grouper", "msdrg", "-o", tmp_path / "g.csv")
    assert [(row["drg_code"], row["given_drg_code"]) for row in rows_of(tmp_path / "g.csv")] == [
        ("293", "291"), ("", ""), ("", ""),
    ]  # fmt: skip


def test_what_would_be_passed_over_is_refused(tmp_path):
    claims = tmp_path / "claims.jsonl"
    claims.write_text('{"case_id": "1"}\n')
    out = tmp_path / "out.csv"

    result = run("group", claims, "--grouper", "msdrg", "-o", out, "-s", "kz", "--as-of", "2026-01-01")
    assert result.code == 2 and "-s, --as-of: --grouper msdrg has rules of its own" in result.err
    result = run("group", claims, "--grouper", "msdrg", "-o", out, "--mapping", "ersb")
    assert result.code == 2 and "claims take no mapping" in result.err
    result = run("group", tmp_path / "none.jsonl", "--grouper", "msdrg", "-o", out)
    assert result.code == 2 and "No such file" in result.err
    result = run("group", claims, "-o", out)
    assert result.code == 2 and "--grouper msdrg" in result.err
    assert not out.exists()
    assert run("sample", "--claims", "-n", 5, "-o", tmp_path / "claims.csv").code == 2
    assert run("sample", "--claims", "--register", "-n", 5, "-o", claims).code == 2


def test_an_empty_file_of_claims_has_no_groups(tmp_path):
    claims = tmp_path / "claims.jsonl"
    claims.write_text("\n")
    result = run("group", claims, "--grouper", "msdrg", "-o", tmp_path / "out.csv")
    assert result.last_line.startswith("grouped 0 + without a group 0 = 0 read")
