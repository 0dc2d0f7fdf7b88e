"""``tariffcore cost``: from a folder of costs to a schedule, priced cases and the capital in them."""

from __future__ import annotations

import csv

from tests.cli.running import refused, run, whole_files
from tests.costing.small_costs import with_row, write_costs


def test_from_ledger_to_schedule_to_priced_cases_to_report(tmp_path):
    assert run("cost", "example", tmp_path / "costs").code == 0
    ran = run(
        "cost", "run", tmp_path / "costs", "-o", tmp_path / "costed", "--report", tmp_path / "report.html",
        "--tables", tmp_path / "tables",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert ran.last_line == f"costed 60 groups; base rate 458813.27 KZT; schedule in {tmp_path / 'costed'}"
    assert ran.out.startswith("SYNTHETIC")
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    assert whole_files(tmp_path / "tables") == [
        "centre_costs.csv", "depreciation.csv", "providers.csv", "unit_costs.csv", "weights.csv",
    ]  # fmt: skip
    assert run("schedule", "check", tmp_path / "costed").code == 0
    assert run("sample", "-n", 500, "-s", tmp_path / "costed", "-o", tmp_path / "cases.csv").code == 0
    ran = run(
        "price", tmp_path / "cases.csv", "-s", tmp_path / "costed", "-o", tmp_path / "p.csv", "--components"
    )
    assert ran.code == 0
    ran = run(
        "cost", "payments", tmp_path / "cases.csv", "-s", tmp_path / "costed", "-o", tmp_path / "capital.csv",
        "--cases-out", tmp_path / "side.csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "of it capital" in ran.last_line
    with (tmp_path / "side.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 500
    minor = {
        name: sum(int(row[name].replace(".", "")) for row in rows if row[name])
        for name in ("amount", "capital_amount", "amount_without_capital")
    }
    assert minor["capital_amount"] + minor["amount_without_capital"] == minor["amount"]


def test_tables_sum_to_what_was_spent(tmp_path):
    folder = write_costs(tmp_path / "costs")
    assert run("cost", "run", folder, "-o", tmp_path / "s", "--tables", tmp_path / "t", "--quiet").code == 0
    spent = 1000_00 + 300_00 + 4000_00 + 700_00 + 5000_00 + 120_00
    for name, column in (("unit_costs.csv", "cost"), ("centre_costs.csv", "cost"), ("providers.csv", "cost")):
        with (tmp_path / "t" / name).open(encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["provider_id"] != "sample"]
        assert sum(int(row[column].replace(".", "")) for row in rows) == spent, name


def test_bad_input_is_told_at_once_and_nothing_is_written(tmp_path):
    changes = with_row("ledger.csv", "H1,2025-07,surgery,staff_pay,-20.00,journal")
    changes |= with_row("assets.csv", "H1,A3,Scanner,equipment,surgery,900.00,2024-05-01,,,0,,,2023-12-31")
    folder = write_costs(tmp_path / "costs", changes)
    lines = refused(run("cost", "run", folder, "-o", tmp_path / "s", "--report", tmp_path / "r.html"))
    assert lines[0] == (
        f"tariffcore: the costs in {folder} cannot be used: 2 problems; no schedule was written"
    )
    assert [line.strip().split(": ")[0] for line in lines[1:]] == ["costs/assets.csv:4", "costs/ledger.csv:7"]
    assert whole_files(tmp_path) == ["costs"]


def test_what_is_in_the_way_is_told_before_the_work(tmp_path):
    folder = write_costs(tmp_path / "costs")
    assert "exists and is not empty" in refused(run("cost", "run", folder, "-o", folder))[1]
    lines = refused(run("cost", "run", folder, "-o", tmp_path / "s", "--report", tmp_path / "no" / "r.html"))
    assert "there is no folder" in lines[1]
    assert whole_files(tmp_path) == ["costs"]


def test_templates(tmp_path):
    ran = run("cost", "template", tmp_path / "costs", "--format", "xlsx")
    assert ran.code == 0
    assert "ledger.xlsx" in whole_files(tmp_path / "costs")
    assert "cases.xlsx too" in refused(run("cost", "run", tmp_path / "costs", "-o", tmp_path / "s"))[1]


def test_payments_without_a_profile_are_told_apart(tmp_path):
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case_id,drg_code,care_setting,admission_date,discharge_date,age_years\n"
        "1,1,inpatient,2026-02-03,2026-02-09,40\n2,1,inpatient,2026-02-03,2026-02-01,40\n",
        encoding="utf-8",
    )
    ran = run("cost", "payments", cases, "-s", "kz-2026")
    assert ran.code == 0
    assert "1 payments of 686,930.98 in all have no component profile" in ran.out
    assert ran.last_line.startswith("priced 1 + rejected 1 = 2 read; paid 686,930.98 KZT, of it capital 0.00")
    assert ran.last_line.endswith("; --cases-out FILE says why")


def test_hospitals_that_are_not_listed_are_summed(tmp_path):
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "case_id,provider_id,drg_code,care_setting,admission_date,discharge_date,age_years\n"
        + "".join(f"{n},H{n:02},1,inpatient,2026-02-03,2026-02-09,40\n" for n in range(15)),
        encoding="utf-8",
    )
    ran = run("cost", "payments", cases, "-s", "kz-2026")
    (row,) = [line for line in ran.out.splitlines() if line.startswith("3 more")]
    assert row.split()[2] == "2,060,792.94"
