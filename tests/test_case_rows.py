"""Rows of a table as records: what went into a file comes out of it, however the columns are typed."""

from __future__ import annotations

import csv
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import CASE_COLUMNS, Case, table_from_cases
from tariffcore.explain import explain_case
from tariffcore.files import open_cases
from tariffcore.reference import reference_price
from tests.strategies import aimed_catalog, random_cases

SEEDS = range(8)
CASES_A_SEED = 150

ONE = {
    "case_id": ["1"],
    "drg_code": ["G1"],
    "care_setting": ["inpatient"],
    "admission_date": ["2025-03-01"],
    "discharge_date": ["2025-03-05"],
}


def all_rows(table: pa.Table, minor_units: int = 2) -> list[Case]:
    return cases_of_rows(table, np.arange(table.num_rows), minor_units)


def held(column: str, cells: pa.Array | pa.ChunkedArray) -> list[Any]:
    """What the records have in one field, for a column of these cells."""
    count = len(cells)
    columns = {name: pa.array(values * count) for name, values in ONE.items()}
    return [getattr(case, column) for case in all_rows(pa.table({**columns, column: cells}))]


def bytes_as_text(*cells: bytes) -> pa.Array:
    """A text column that holds these bytes, UTF-8 or not, as careless programs write it."""
    offsets = np.cumsum([0, *map(len, cells)]).astype(np.int32)
    return pa.StringArray.from_buffers(len(cells), pa.py_buffer(offsets), pa.py_buffer(b"".join(cells)))


def as_read(case: Case) -> Case:
    """The case as any file can hold it: texts without space around them, an empty one as a missing one."""
    texts = {
        field.name: str(value).strip() or None
        for field in fields(Case)
        if isinstance(value := getattr(case, field.name), str | int)
        and field.name not in ("age_years", "quantity", "length_of_stay_days", "death_unavoidable")
    }
    procedures = tuple(bare for code in case.procedure_codes if (bare := code.strip()))
    return replace(case, **texts, procedure_codes=procedures)


def register_cases(seed: int) -> list[Case]:
    """Aimed cases with the fields that aiming has no use for."""
    cases = random_cases(aimed_catalog(seed), CASES_A_SEED, seed)
    return [
        replace(
            case,
            funding_source=("insurance", None, "республиканский бюджет")[number % 3],
            patient_id=None if number % 5 == 0 else f"P{number:05}",
            claimed_amount=None if number % 4 == 0 else Decimal(number * 7_919_001 - 10**8) / 100,
            # what is no amount of the currency is no field of a record either
            addon_amount=None if number % 3 == 0 else Decimal(number * 31) / 100,
        )
        for number, case in enumerate(cases)
    ]


def write_csv(path: Path, table: pa.Table, delimiter: str = ",") -> None:
    """The table as another program writes it: every field quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=csv.QUOTE_ALL)
        writer.writerow(table.column_names)
        for row in table.to_pylist():
            writer.writerow(";".join(cell) if isinstance(cell, list) else cell for cell in row.values())


def read_back(path: Path) -> list[Case]:
    cases: list[Case] = []
    with open_cases(path) as source:
        for raw in source:
            cases += all_rows(source.parse(raw).table)
    return cases


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_what_went_into_a_file_comes_out_field_by_field(tmp_path: Path, seed: int, suffix: str) -> None:
    cases = register_cases(seed)
    table = table_from_cases(cases)
    path = tmp_path / f"cases{suffix}"
    if suffix == ".csv":
        write_csv(path, table)
    else:
        pq.write_table(table, path)
    assert read_back(path) == [as_read(case) for case in cases]


@pytest.mark.parametrize("seed", [0, 1])
def test_dates_and_codes_may_be_typed(seed: int) -> None:
    cases = [case for case in register_cases(seed) if case.admission_date and case.discharge_date]
    for kind, of_kind in ((pa.date32(), date), (pa.timestamp("s"), datetime), (pa.timestamp("ns"), datetime)):
        chosen = [
            case
            for case in cases
            if type(case.admission_date) is of_kind and type(case.discharge_date) is of_kind
        ]
        assert chosen
        table = table_from_cases(chosen)
        for name in ("admission_date", "discharge_date"):
            typed = pa.array([getattr(case, name) for case in chosen], kind)
            table = table.set_column(table.column_names.index(name), name, typed)
        for name in ("provider_id", "drg_code", "care_setting", "outcome"):
            position = table.column_names.index(name)
            table = table.set_column(position, name, table.column(name).dictionary_encode())
        assert all_rows(table) == [as_read(case) for case in chosen]


@pytest.mark.parametrize("seed", [2, 3])
def test_records_read_from_a_file_are_priced_and_explained_like_those_written(
    tmp_path: Path, seed: int
) -> None:
    catalog = aimed_catalog(seed)
    cases = [
        # what cannot be read is marked as such beside the record, which then has nothing
        replace(case, addon_amount=None, addon_kind=None) if _is_odd(case.addon_amount) else case
        for case in random_cases(catalog, 60, seed)
    ]
    write_csv(tmp_path / "cases.csv", table_from_cases(cases))
    for written, read in zip(cases, read_back(tmp_path / "cases.csv"), strict=True):
        assert reference_price(read, catalog) == reference_price(written, catalog)
        explained, expected = explain_case(read, catalog), explain_case(written, catalog)
        assert (explained.status, explained.amount_minor, explained.rule_id) == (
            expected.status,
            expected.amount_minor,
            expected.rule_id,
        )


def _is_odd(amount: Decimal | None) -> bool:
    return amount is not None and (not amount.is_finite() or amount < 0 or amount != round(amount, 2))


def test_rows_come_in_the_order_asked_for() -> None:
    table = table_from_cases([Case(case_id=number, age_years=number) for number in range(5)])
    cases = cases_of_rows(table, np.array([3, 0, 3]), 2)
    assert [(case.case_id, case.age_years) for case in cases] == [("3", 3), ("0", 0), ("3", 3)]
    assert cases_of_rows(table, np.zeros(0, dtype=np.intp), 2) == []


def test_a_column_that_is_not_there_takes_the_default_and_an_empty_cell_does_not() -> None:
    (absent,) = all_rows(pa.table({name: pa.array(cells) for name, cells in ONE.items()}))
    assert absent == Case(
        case_id="1",
        drg_code="G1",
        care_setting="inpatient",
        admission_date=date(2025, 3, 1),
        discharge_date=date(2025, 3, 5),
    )
    assert (absent.outcome, absent.quantity) == ("discharged", 1)
    assert held("outcome", pa.array([None], pa.string())) == [None]
    assert held("quantity", pa.array([None], pa.int64())) == [None], "empty stays empty, whatever it means"
    assert held("drg_code", pa.nulls(2)) == [None, None]
    (nobody,) = all_rows(pa.table({"age_years": [4]}))
    assert nobody.case_id is None


UNREADABLE = {
    "admission_date": ["2025-02-30", "on Tuesday", "2025-03-01 25:00"],
    "discharge_date": ["0000-01-01", "3.2025"],
    "age_years": ["forty-one", "1234567890123456789012345678901234567890", "4.5"],
    "quantity": ["one", "1,5"],
    "length_of_stay_days": ["3 days"],
    "death_unavoidable": ["perhaps", "2"],
    "claimed_amount": ["12O.00", "1.005", "99999999999999999.00"],
}


LISTS = ("procedure_codes", "secondary_diagnoses", "qualifiers")


@pytest.mark.parametrize("column", UNREADABLE)
def test_a_cell_that_cannot_be_read_is_none(column: str) -> None:
    texts = UNREADABLE[column]
    assert held(column, pa.array(texts)) == [None] * len(texts)
    assert held(column, pa.array(texts).dictionary_encode()) == [None] * len(texts)


@pytest.mark.parametrize("column", [name for name in CASE_COLUMNS if name not in LISTS])
def test_bytes_that_are_no_text_are_none(column: str) -> None:
    cells = bytes_as_text(b"1", b"\xff\xfe")
    assert held(column, cells)[1] is None
    assert held(column, cells.cast(pa.binary()))[1] is None


def test_numbers_out_of_range_are_held_for_the_explanation_to_name() -> None:
    assert held("age_years", pa.array([-1, 131, 10**12])) == [-1, 131, 10**12]
    assert held("quantity", pa.array(["0", "-3", "2147483648"])) == [0, -3, 2**31]
    assert held("length_of_stay_days", pa.array([32_768.0, -1.0])) == [32_768, -1]


whole_numbers = st.integers(-(2**63), 2**64 - 1) | st.integers(-200, 200)
number_columns = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(-9, 200)).map(lambda v: (v, pa.int64())),
    st.lists(st.integers(0, 2**64 - 1) | st.integers(2**64 - 200, 2**64 - 1)).map(lambda v: (v, pa.uint64())),
    st.lists(st.floats() | st.integers(-200, 200).map(float)).map(lambda v: (v, pa.float64())),
    st.lists(whole_numbers.map(str)).map(lambda v: (v, pa.string())),
)


@given(number_columns, st.sampled_from(["age_years", "quantity", "length_of_stay_days"]))
def test_a_number_is_held_exactly_or_not_at_all(cells: tuple[list[Any], pa.DataType], column: str) -> None:
    values, kind = cells
    for value, read in zip(values, held(column, pa.array(values, kind)), strict=True):
        assert read is None or (type(read) is int and read == (int(value) if kind == pa.string() else value))
        if -(2**31) < float(value) < 2**31 and float(value).is_integer():
            assert read is not None


def test_procedures_are_lists_or_texts_of_any_kind() -> None:
    expected = [("13.73", "8855"), (), (), ("0983",)]
    lists = [["13.73", None, " 8855 "], None, ["", None], ["0983"]]
    text = pa.array(lists, pa.list_(pa.string()))
    assert held("procedure_codes", text) == expected
    assert held("procedure_codes", text.cast(pa.large_list(pa.string()))) == expected
    assert held("procedure_codes", text.cast(pa.list_(pa.binary()))) == expected
    assert held("procedure_codes", text.slice(1)) == expected[1:]
    assert held("procedure_codes", pa.array([[1373, 41], []])) == [("1373", "41"), ()]
    written = pa.array(["13.73; 8855", None, " ;|", "0983"])
    assert held("procedure_codes", written) == expected
    assert held("procedure_codes", written.dictionary_encode()) == expected
    assert held("procedure_codes", pa.array(["13.73|41.31"])) == [("13.73", "41.31")]


def test_procedures_whose_bytes_are_no_text_are_none_at_all() -> None:
    codes = bytes_as_text(b"13.73", b"\xff", b"8855")
    assert held("procedure_codes", codes) == [("13.73",), (), ("8855",)]
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 3], pa.int32()), codes)
    assert held("procedure_codes", lists) == [("13.73",), ("8855",)]


@pytest.mark.parametrize("column", ["case_id", "patient_id"])
@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pa.array([7, None], pa.int64()), ["7", None]),
        (pa.array([" 7 ", "\u00a0"], pa.string()), ["7", None]),
        (pa.array([b"7", None], pa.binary()), ["7", None]),
        (pa.array([7.0, None], pa.float64()), ["7.0", None]),
        (pa.array([Decimal(7), None], pa.decimal128(5, 0)), ["7", None]),
        (pa.array([{"a": 7}, None], pa.struct([("a", pa.int8())])), ["{'a': 7}", None]),
    ],
)
def test_an_id_may_have_any_type(column: str, cells: pa.Array, expected: list[str | None]) -> None:
    assert held(column, cells) == expected


def test_claims_have_the_decimals_of_the_currency() -> None:
    table = pa.table({"case_id": ["1", "2", "3"], "claimed_amount": ["1 234,5", "-0.125", None]})
    assert [case.claimed_amount for case in all_rows(table, 3)] == [
        Decimal("1234.5"),
        Decimal("-0.125"),
        None,
    ]
    assert [case.claimed_amount for case in all_rows(table, 2)] == [Decimal("1234.5"), None, None]


def test_times_are_held_to_the_second() -> None:
    moment = datetime(2025, 3, 1, 23, 59, 59, 999_999)
    assert held("admission_date", pa.array([moment], pa.timestamp("us"))) == [moment.replace(microsecond=0)]
    before_1970 = datetime(1969, 12, 31, 0, 0, 1)
    assert held("admission_date", pa.array([before_1970], pa.timestamp("ms"))) == [before_1970]
    assert held("admission_date", pa.array(["01.03.2025 07:30"])) == [datetime(2025, 3, 1, 7, 30)]


def test_a_day_that_no_calendar_has_is_none() -> None:
    days = pa.array([4_000_000, -800_000, 2_932_896], pa.int32()).cast(pa.date32())
    assert held("discharge_date", days) == [None, None, date.max]
