"""One worked line, or more, of every payment method, each amount derivable with a pencil: golden/methods."""

import csv
from pathlib import Path

import pyarrow as pa
import pytest

from tariffcore.case_rows import cases_of_rows
from tariffcore.explain import explain_case
from tariffcore.money import format_minor
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus

FOLDER = Path(__file__).parent / "golden" / "methods"
ANSWERS = ("status", "method", "rule_id", "amount", "reasoning")


def golden_rows():
    with (FOLDER / "lines.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    folder = tmp_path_factory.mktemp("golden") / "methods"
    folder.mkdir()
    for path in FOLDER.iterdir():
        if path.name != "lines.csv":
            (folder / path.name).write_bytes(path.read_bytes())
    return Catalog.of([read_schedule(folder)])


@pytest.fixture(scope="module")
def month():
    """All lines in one table, as a mixed file has them."""
    rows = golden_rows()
    return pa.table({name: [row[name] for row in rows] for name in rows[0] if name not in ANSWERS})


def test_every_amount_is_that_of_the_pencil(month, catalog):
    priced = price_cases(month, catalog, components=True)

    for row, status, amount_minor, method, rule_id in zip(
        golden_rows(),
        priced.status.tolist(),
        priced.amount_minor.tolist(),
        priced.methods(),
        priced.rule_ids(),
        strict=True,
    ):
        assert row["reasoning"], row["case_id"]
        assert CaseStatus(status).name == row["status"], row["case_id"]
        if row["status"] == "OK":
            found = (format_minor(amount_minor, 2), method, rule_id)
            assert found == (row["amount"], row["method"], row["rule_id"]), row["case_id"]


def test_twin_and_explanation_say_the_same(month, catalog):
    cases = cases_of_rows(month, pa.array(range(month.num_rows)).to_numpy(), 2)

    for row, case in zip(golden_rows(), cases, strict=True):
        twin, explained = reference_price(case, catalog), explain_case(case, catalog)
        assert twin.status.name == explained.status.name == row["status"], row["case_id"]
        assert twin.amount_minor == explained.amount_minor
        assert explained.amount == (row["amount"] or None), row["case_id"]
        assert twin.method == explained.method
        assert explained.to_text("ru") and explained.to_text("kk")


def test_the_drug_is_the_component_its_rule_names_and_parts_sum_to_the_whole(month, catalog):
    priced = price_cases(month, catalog, components=True)
    place = [row["case_id"] for row in golden_rows()].index("with a drug")

    parts = {name: int(part[place]) for name, part in priced.components_minor.items()}

    # 0.7, 0.9 and 1.0 of 175,622.79 are 122,935.953, 158,060.511 and 175,622.79; the drug is 300,000.00
    assert parts == {"staff": 122_935_95, "medicines": 35_124_56 + 300_000_00, "buildings": 17_562_28}
    assert sum(parts.values()) == priced.amount_minor[place] == 475_622_79


def test_every_method_has_a_line():
    assert {row["method"] for row in golden_rows()} - {""} == {method.value for method in PaymentMethod}


def test_sessions_on_two_lines_come_to_the_money_of_one(month, catalog):
    rows = [row for row in golden_rows() if row["case_id"] == "dialysis month"]
    names = [name for name in rows[0] if name not in ANSWERS]
    halves = {name: [rows[0][name]] * 2 for name in names} | {"quantity": ["6", "7"]}

    assert (
        format_minor(int(price_cases(pa.table(halves), catalog).amount_minor.sum()), 2) == rows[0]["amount"]
    )
