"""Cases as records, and many of them as columns."""

from dataclasses import FrozenInstanceError, fields
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from tariffcore.cases import CASE_COLUMNS, STANDARD_COLUMNS, Case, table_from_cases
from tariffcore.encoding import encode_cases
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog
from tests.small_schedule import SMALL


def test_the_standard_columns_are_frozen():
    """Their names stand in people's files."""
    assert CASE_COLUMNS == (
        "case_id",
        "provider_id",
        "drg_code",
        "service_code",
        "care_setting",
        "admission_date",
        "discharge_date",
        "outcome",
        "death_unavoidable",
        "age_years",
        "procedure_codes",
        "quantity",
        "length_of_stay_days",
        "factor_code",
        "funding_source",
        "patient_id",
        "claimed_amount",
        "addon_amount",
        "addon_kind",
        "principal_diagnosis",
        "secondary_diagnoses",
        "sex",
        "birth_weight_grams",
        "age_days",
        "qualifiers",
    )
    assert CASE_COLUMNS == STANDARD_COLUMNS


def test_what_a_case_is_unless_said():
    case = Case(case_id="1")
    said = {field.name: getattr(case, field.name) for field in fields(case)}

    expected = {**dict.fromkeys(CASE_COLUMNS), "case_id": "1", "outcome": "discharged", "quantity": 1}
    assert said == {**expected, "procedure_codes": (), "secondary_diagnoses": (), "qualifiers": ()}


def test_a_case_does_not_change():
    case = Case(case_id="1")

    with pytest.raises(FrozenInstanceError):
        case.quantity = 2


def test_a_table_has_every_column_in_order():
    table = table_from_cases([Case(case_id="1", drg_code="P001", age_years=17)])

    assert tuple(table.column_names) == CASE_COLUMNS
    assert table.num_rows == 1
    row = table.to_pylist()[0]
    assert row["case_id"] == "1"
    assert row["drg_code"] == "P001"
    assert row["age_years"] == 17
    assert row["provider_id"] is None
    assert row["procedure_codes"] == []


def test_no_case_makes_a_table_of_no_row():
    empty = table_from_cases([])

    assert empty.num_rows == 0
    assert empty.schema == table_from_cases([Case(case_id=None)]).schema


def test_a_date_and_a_midnight_stay_different():
    cases = [
        Case(case_id=1, admission_date=date(2025, 3, 1), discharge_date=datetime(2025, 3, 2)),
        Case(case_id=2, admission_date=datetime(2025, 3, 1, 9, 5, 7), discharge_date=None),
        Case(case_id=3, admission_date=datetime(2025, 3, 1, 9, 5, 7, 999_999)),
    ]

    table = table_from_cases(cases)

    assert table["admission_date"].to_pylist() == ["2025-03-01", "2025-03-01 09:05:07", "2025-03-01 09:05:07"]
    assert table["discharge_date"].to_pylist() == ["2025-03-02 00:00:00", None, None]


def test_values_of_every_kind_stay_what_they_are():
    case = Case(
        case_id=12,
        death_unavoidable=False,
        procedure_codes=("13.73", "88.55"),
        quantity=2**40,
        length_of_stay_days=-1,
        claimed_amount=Decimal("191723.140000001"),
        outcome=None,
    )

    row = table_from_cases([case]).to_pylist()[0]

    assert row["case_id"] == "12"
    assert row["death_unavoidable"] is False
    assert row["procedure_codes"] == ["13.73", "88.55"]
    assert row["quantity"] == 2**40
    assert row["length_of_stay_days"] == -1
    assert row["claimed_amount"] == Decimal("191723.140000001")
    assert row["outcome"] is None


def test_numbers_too_long_for_their_column_spoil_their_own_case_only():
    """Once they were an error of Arrow's and no case was priced."""
    cases = [
        Case(case_id=1, quantity=10**40, length_of_stay_days=-(2**63) - 1, claimed_amount=Decimal("1e-10")),
        Case(case_id=2, quantity=3, length_of_stay_days=5, claimed_amount=Decimal("1E+2")),
    ]

    table = table_from_cases(cases)

    assert table["quantity"].to_pylist() == ["1" + "0" * 40, "3"]
    assert table["length_of_stay_days"].to_pylist() == ["-9223372036854775809", "5"]
    assert table["claimed_amount"].to_pylist() == ["0.0000000001", "100"]
    encoded = encode_cases(table, Plan(Catalog.of([SMALL])))
    wrong = ["length_of_stay_days", "quantity", "claimed_amount"]
    assert {marked.column: marked.rows.tolist() for marked in encoded.invalid} == {
        column: [0] for column in wrong
    }


def test_cases_may_come_one_by_one():
    table = table_from_cases(Case(case_id=number) for number in range(3))

    assert table["case_id"] == pa.chunked_array([["0", "1", "2"]])
