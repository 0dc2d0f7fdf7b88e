"""Golden rows: what official tables print and payment rules say, each with its source, out of the kernel."""

import csv
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pytest

from tariffcore.money import format_minor, parse_decimal, round_to_int, split_amount
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import Catalog, read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus

GOLDEN = Path(__file__).parent / "golden" / "section10.csv"
NO_FIELDS_OF_A_CASE = ("planned_days", "deduction_percent", "edition", "rule_id", "amount", "source")


def golden_rows():
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def kazakhstan():
    return read_catalog(resolve(["kz"]))


def with_planned_days(catalog, row):
    """The catalog; where the row has planned days, which the order does not print, its group has them."""
    if not row["planned_days"]:
        return catalog
    editions = [
        replace(
            edition,
            groups={
                code: replace(group, planned_days=int(row["planned_days"]))
                if code == row["drg_code"]
                else group
                for code, group in edition.groups.items()
            },
        )
        for edition in catalog.editions
    ]
    return Catalog.of(editions)


@pytest.mark.parametrize("row", golden_rows(), ids=lambda row: row["case_id"])
def test_a_golden_row_is_reproduced_to_the_minor_unit(row, kazakhstan):
    assert row["source"], "every golden row says where it comes from"
    catalog = with_planned_days(kazakhstan, row)
    fields = {name: pa.array([value]) for name, value in row.items() if name not in NO_FIELDS_OF_A_CASE}

    priced = price_cases(pa.table(fields), catalog)

    assert priced.status.tolist() == [CaseStatus.OK]
    assert priced.schedule_ids() == [row["edition"]]
    assert priced.rule_ids() == [row["rule_id"]]
    amount_minor = int(priced.amount_minor[0])
    if row["deduction_percent"]:
        share = Fraction(int(row["deduction_percent"]), 100)
        amount_minor, _ = split_amount(amount_minor, [share, 1 - share])
        assert amount_minor == round_to_int(int(priced.amount_minor[0]) * share)
    assert format_minor(amount_minor, 2) == row["amount"]


def test_all_golden_rows_are_priced_the_same_in_one_table(kazakhstan):
    rows = [row for row in golden_rows() if not row["planned_days"] and not row["deduction_percent"]]
    names = [name for name in rows[0] if name not in NO_FIELDS_OF_A_CASE]

    priced = price_cases(pa.table({name: [row[name] for row in rows] for name in names}), kazakhstan)

    assert priced.amount_minor.tolist() == [parse_decimal(row["amount"]) * 100 for row in rows]
    assert (
        priced.columns()["amount"].to_pylist()
        == pa.array(row["amount"] for row in rows).cast(pa.decimal128(18, 2)).to_pylist()
    )
