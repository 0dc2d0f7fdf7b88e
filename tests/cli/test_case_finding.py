from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq

from tariffcore.cli.case_finding import find_case
from tariffcore.cli.options import open_catalog
from tariffcore.plan import Plan
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests.cli.running import run


def test_a_row_is_explained_with_the_amount_status_and_rule_it_is_priced_with(tmp_path: Path) -> None:
    """One row of every status, unreadable cells and cut lines among them."""
    cases, priced = tmp_path / "cases.csv", tmp_path / "priced.parquet"
    run("sample", "-n", 4096, "-o", cases)
    run("price", cases, "-s", "kz-demo", "-o", priced)
    rows = pq.read_table(priced, columns=["status", "rule_id", "amount"]).to_pylist()
    line_of = {row["status"]: line for line, row in enumerate(rows, start=2)}
    of_ungrouped = {status.name for status in GROUPING_STATUSES}
    assert set(line_of) == {status.name for status in CaseStatus} - {"UNSPECIFIED"} - of_ungrouped
    plan = Plan(open_catalog(["kz-demo"], None, "discharge"))
    for status, line in line_of.items():
        asked = find_case(cases, plan, case_id=None, line=line, mapping=None, sheet=None, language="en")
        row = rows[line - 2]
        amount = None if row["amount"] is None else str(row["amount"])
        found = asked.explanation
        assert (found.status.name, found.amount, found.rule_id) == (status, amount, row["rule_id"])
        assert (found.amount is None) == bool(asked.reason_as_read or found.reason)
