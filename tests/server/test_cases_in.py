"""Messages to cases: what absence means, and what cannot be read."""

from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.cases import Case
from tariffcore.v1 import case_pb2
from tariffcore_server.cases_in import MOST_PROCEDURES, read_case


def read(**fields):
    return read_case(case_pb2.Case(**fields), 2)


def test_an_empty_message_is_a_case_of_missing_fields():
    assert read().case == Case(case_id=None) and read().unreadable is None


def test_every_field_arrives():
    found = read(
        case_id="1",
        provider_id="H",
        drg_code="G",
        service_code="S",
        care_setting="home",
        admission_date="2025-03-04",
        discharge_date=" 2025-03-04T10:30:15 ",
        outcome="died",
        death_unavoidable=False,
        age_years=0,
        procedure_codes=["a", "b"],
        quantity=2**63 - 1,
        length_of_stay_days=0,
        factor_code="f",
        claimed_amount="1.50",
    )
    assert found.unreadable is None
    assert found.case == Case(
        case_id="1",
        provider_id="H",
        drg_code="G",
        service_code="S",
        care_setting="home",
        admission_date=date(2025, 3, 4),
        discharge_date=datetime(2025, 3, 4, 10, 30, 15),
        outcome="died",
        death_unavoidable=False,
        age_years=0,
        procedure_codes=("a", "b"),
        quantity=2**63 - 1,
        length_of_stay_days=0,
        factor_code="f",
        claimed_amount=Decimal("1.50"),
    )


def test_an_outcome_left_out_is_discharged_and_an_empty_one_is_missing():
    assert read().case.outcome == "discharged"
    assert read(outcome="").case.outcome is None


@pytest.mark.parametrize(
    "text",
    [
        "2025-02-29", "31.12.2025", "2025-1-1", "20250101", "2025-W01-1", "2025-01-01T24:00", "2025-01-01T10",
        "2025-01-01 10:30", "2025-01-01T10:30Z", "2025-01-01T10:30+05", "2025-01-01T10:30:15.5", "0000-01-01",
        "٢٠٢٥-01-01", "NaN", "10000-01-01",
    ],
)  # fmt: skip
def test_a_date_of_another_form_is_unreadable(text):
    found = read(discharge_date=text)
    assert found.unreadable == ("discharge_date", text) and found.case.discharge_date is None


@given(st.datetimes())
def test_dates_and_hours_of_the_contract_are_read(moment):
    minute = moment.replace(second=0, microsecond=0)
    for text, expected in (
        (moment.date().isoformat(), moment.date()),
        (minute.isoformat(timespec="minutes"), minute),
        (moment.isoformat(timespec="seconds"), moment.replace(microsecond=0)),
    ):
        assert read(admission_date=text).case.admission_date == expected


@pytest.mark.parametrize(
    "text", ["1,5", "1e5", "NaN", "Infinity", "1.005", "1 000", "1" * 17, "0x1", "1.", ".5", "١"]
)
def test_a_claim_of_another_form_is_unreadable(text):
    assert read(claimed_amount=text).unreadable == ("claimed_amount", text)


@pytest.mark.parametrize("text", ["1", "-1.5", "+0", "1.500000", "9" * 16 + ".99", "000001.00"])
def test_a_claim_is_exact(text):
    assert read(claimed_amount=text).case.claimed_amount == Decimal(text)


def test_what_is_longer_than_the_contract_says_is_unreadable():
    assert read(case_id="x" * 256).case.case_id == "x" * 256
    assert read(case_id="x" * 257).unreadable[0] == "case_id"
    assert read(procedure_codes=["x"] * MOST_PROCEDURES).unreadable is None
    assert read(procedure_codes=["x"] * (MOST_PROCEDURES + 1)).unreadable[0] == "procedure_codes"


def test_of_several_unreadable_fields_one_is_named():
    assert read(admission_date="x", discharge_date="y", claimed_amount="z").unreadable[1] in ("x", "y", "z")
