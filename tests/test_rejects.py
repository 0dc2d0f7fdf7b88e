"""Every row without an amount has its line, what stood there, and the reason in words."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from tariffcore import rejects
from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import CASE_COLUMNS, STANDARD_COLUMNS, Case, table_from_cases
from tariffcore.explain import (
    explain_case,
    reason_for,
    reason_of_malformed_row,
    reason_of_unreadable_cell,
)
from tariffcore.files import CaseChunk, MalformedRow, load_mapping, open_cases
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.rejects import RejectReasons, reject_schema, reject_table
from tariffcore.sample import write_sample
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Pay
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests.small_schedule import SMALL, group, stay_rule
from tests.strategies import aimed_catalog, random_cases
from tests.test_case_rows import ONE, bytes_as_text

SEEDS = range(12)
CASES_A_SEED = 250
SAMPLE_ROWS = 65_536


@cache
def small() -> Plan:
    return Plan(Catalog.of([SMALL]))


@cache
def demo() -> Plan:
    return Plan(Catalog.of([read_schedule(folder) for folder in resolve(["kz-demo"])]))


def rejects_of(
    table: pa.Table,
    plan: Plan,
    *,
    malformed: Mapping[int, MalformedRow] | None = None,
    lines: Sequence[int] | None = None,
    reasons: RejectReasons | None = None,
) -> list[dict[str, Any]]:
    numbers = np.arange(2, 2 + table.num_rows) if lines is None else np.array(lines)
    chunk = CaseChunk(table, numbers.astype(np.int64), malformed or {})
    priced = price_cases(table, plan, malformed=np.array(sorted(chunk.malformed), dtype=np.intp), threads=1)
    reasons = RejectReasons(plan.catalog) if reasons is None else reasons
    found = reject_table(chunk, priced, reasons, reject_schema(table.column_names, line_text=True))
    found.validate(full=True)
    return found.to_pylist()


def rejects_with(plan: Plan | None = None, **cells: pa.Array) -> list[dict[str, Any]]:
    """The rejects of rows that are fine but for these columns."""
    count = len(next(iter(cells.values())))
    columns: dict[str, Any] = {name: pa.array(values * count) for name, values in ONE.items()}
    return rejects_of(pa.table({**columns, **cells}), plan or small())


def reasons_with(plan: Plan | None = None, **cells: pa.Array) -> list[str]:
    return [row["reason"] for row in rejects_with(plan, **cells)]


# Reasons


def test_the_reason_is_what_the_explanation_says() -> None:
    seen: Counter[CaseStatus] = Counter()
    for seed in SEEDS:
        plan = Plan(aimed_catalog(seed))
        cases = random_cases(plan.catalog, CASES_A_SEED, seed)
        found = rejects_of(table_from_cases(cases), plan)
        assert len(found) == sum(explain_case(case, plan.catalog).amount_minor is None for case in cases)
        for row in found:
            case = cases[row["line"] - 2]
            explanation = explain_case(case, plan.catalog)
            assert row["status"] == explanation.status.name, case
            if "addon_amount" not in row["reason"]:  # a cell is repeated as it was written, zeros and all
                assert row["reason"] == explanation.reason_in("en"), case
            assert row["reason"]
            seen[explanation.status] += 1
    assert set(seen) == set(CaseStatus) - {
        CaseStatus.UNSPECIFIED,
        CaseStatus.OK,
        CaseStatus.MALFORMED_ROW,  # not a case at all
        *GROUPING_STATUSES,  # of cases without a group
    }


def sampled_chunks(path: Path) -> Iterator[CaseChunk]:
    write_sample(path, SAMPLE_ROWS, catalog=demo(), threads=1)
    with open_cases(path, chunk_rows=SAMPLE_ROWS // 2) as source:
        for raw in source:
            yield source.parse(raw)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_remembered_reasons_are_those_of_each_case_alone(tmp_path: Path, suffix: str) -> None:
    reasons = RejectReasons(demo().catalog)
    statuses: Counter[str] = Counter()
    for chunk in sampled_chunks(tmp_path / f"sample{suffix}"):
        malformed = np.array(sorted(chunk.malformed), dtype=np.intp)
        priced = price_cases(chunk.table, demo(), malformed=malformed, threads=1)
        rows = np.flatnonzero(~priced.ok)
        found = reject_table(chunk, priced, reasons, reject_schema(chunk.table.column_names)).to_pylist()
        cases = cases_of_rows(chunk.table, rows, 2)
        unreadable: dict[int, list[str]] = defaultdict(list)
        for mark in priced.encoded.invalid:
            for row in mark.rows.tolist():
                unreadable[row].append(mark.column)
        for row, case, reject in zip(rows.tolist(), cases, found, strict=True):
            statuses[reject["status"]] += 1
            assert reject["line"] == chunk.line_numbers[row]
            columns = [name for name in unreadable[row] if getattr(case, name) is None]
            if row in chunk.malformed:
                line = chunk.malformed[row]
                assert reject["reason"] == reason_of_malformed_row(line.trouble, line.values)
            elif columns:
                told = [reason_of_unreadable_cell(name, reject[name]) for name in columns]
                assert reject["reason"] == "; ".join(told)
            else:
                assert reject["reason"] == reason_for(case, demo().catalog) != ""
    assert len(statuses) >= 14
    assert sum(statuses.values()) > 500


def test_a_remembered_reason_does_not_speak_of_other_fields() -> None:
    """A field outside the key may hold anything: as long as status and edition stay, so do the words."""
    tried: Counter[CaseStatus] = Counter()
    for seed in SEEDS:
        catalog = aimed_catalog(seed)
        pool = random_cases(catalog, 200, seed)
        of_status: dict[CaseStatus, list[Case]] = defaultdict(list)
        for case in pool:
            of_status[explain_case(case, catalog).status].append(case)
        for status, depends_on in rejects._REASON_DEPENDS_ON.items():
            for base in of_status[status][:4]:
                explained = explain_case(base, catalog)
                for name in sorted(set(CASE_COLUMNS) - set(depends_on)):
                    for other in {getattr(case, name) for case in pool[::25]}:
                        changed = explain_case(replace(base, **{name: other}), catalog)
                        if (changed.status, changed.schedule_id) == (status, explained.schedule_id):
                            tried[status] += 1
                            assert changed.reason_in("en") == explained.reason_in("en"), (name, other, base)
    assert set(tried) == set(rejects._REASON_DEPENDS_ON)
    assert min(tried.values()) > 40


SHORT = {"max_days": 3}
LONG = {"max_days": None}


@pytest.mark.parametrize(
    ("first", "second", "cells"),
    [
        ({"outcomes": {"died"}}, {"outcomes": {"transferred"}}, {"outcome": ["died", "transferred"]}),
        ({"settings": {"inpatient"}}, {"settings": {"home"}}, {"care_setting": ["inpatient", "home"]}),
        ({"unavoidable": True}, {"unavoidable": False}, {"death_unavoidable": [True, False]}),
        (SHORT, LONG, {"admission_date": ["2025-03-03", "2025-02-01"]}),
        (SHORT, LONG, {"discharge_date": ["2025-03-03", "2025-03-05"]}),
        (SHORT, LONG, {"admission_date": [None, None], "length_of_stay_days": [2, 20]}),
    ],
)
def test_missing_planned_days_name_the_rule_that_applied(
    first: dict[str, Any], second: dict[str, Any], cells: dict[str, list[Any]]
) -> None:
    rules = (
        stay_rule("rule-1", Pay.PER_PLANNED_DAY, **{"max_days": None, **first}),
        stay_rule("rule-2", Pay.PER_PLANNED_DAY, **{"max_days": None, **second}),
    )
    schedule = replace(SMALL, stay_rules=rules, groups={"G1": group("G1", "1", planned_days=None)})
    plan = Plan(Catalog.of([schedule]))
    words = reasons_with(plan, **{name: pa.array(values, TYPES.get(name)) for name, values in cells.items()})
    assert ["rule-1" in words[0], "rule-2" in words[1]] == [True, True], words


TYPES = {"admission_date": pa.string()}


def two_rows(**cells: Sequence[Any]) -> list[str]:
    return reasons_with(
        Plan(Catalog.of([SMALL, replace(SMALL, id="next", **NEXT)])),
        **{name: pa.array(values) for name, values in cells.items()},
    )


NEXT = {
    "published": date(2025, 12, 1),
    "effective_start_date": date(2026, 1, 1),
    "effective_end_date": date(2027, 1, 1),
}


@pytest.mark.parametrize(
    ("cells", "differing"),
    [
        ({"drg_code": ["X", "Y"]}, ["'X'", "'Y'"]),
        (
            {"drg_code": ["X", "X"], "admission_date": [None, "2026-01-01"], "length_of_stay_days": [4, None]}
            | {"discharge_date": ["2025-03-05", "2026-01-05"]},
            ["small", "next"],
        ),
        ({"care_setting": ["hospital", "clinic"]}, ["'hospital'", "'clinic'"]),
        ({"outcome": ["cured", "lost"]}, ["'cured'", "'lost'"]),
        ({"drg_code": ["ADULT", "ADULT"], "age_years": [3, 4]}, ["the age 3 ", "the age 4 "]),
        (
            {"admission_date": ["2020-01-01", "2020-01-01"], "discharge_date": ["2020-01-02", "2020-01-03"]},
            ["2020-01-02", "2020-01-03"],
        ),
    ],
)
def test_rows_that_differ_in_what_is_wrong_have_reasons_of_their_own(
    cells: dict[str, Sequence[Any]], differing: list[str]
) -> None:
    words = two_rows(**cells)
    assert len(words) == 2
    for reason, own in zip(words, differing, strict=True):
        assert own in reason


def test_each_thing_that_can_be_wrong_is_put_in_words_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Case] = []

    def counting(case: Case, *arguments: Any) -> str:
        asked.append(case)
        return reason_for(case, *arguments)

    monkeypatch.setattr(rejects, "reason_for", counting)
    codes = pa.array(["X", "Y"] * 500)
    ages = pa.array([number % 90 for number in range(1000)])
    words = reasons_with(drg_code=codes, age_years=ages)
    assert len(words) == 1000
    assert len(asked) == 2


def test_what_no_longer_fits_the_memory_is_worked_out_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = pa.array([f"X{number}" for number in range(6)] * 2)
    expected = reasons_with(drg_code=codes)
    monkeypatch.setattr(rejects, "_CACHE_LIMIT", 3)
    assert reasons_with(drg_code=codes) == expected
    assert len(set(expected)) == 6


@pytest.mark.parametrize(
    ("language", "word"), [("en", "not a whole number"), ("ru", "не целое число"), ("kk", "бүтін сан емес")]
)
def test_reasons_speak_the_language_asked_for(language: str, word: str) -> None:
    columns: dict[str, Any] = {**ONE, "age_years": ["many"]}
    (row,) = rejects_of(pa.table(columns), small(), reasons=RejectReasons(small().catalog, language))
    assert word in row["reason"]
    (unknown,) = rejects_of(
        pa.table({**ONE, "drg_code": ["X"]}), small(), reasons=RejectReasons(small().catalog, language)
    )
    case = Case(**{name: cells[0] for name, cells in ONE.items()} | {"drg_code": "X", **TYPED_DATES})
    assert unknown["reason"] == reason_for(case, small().catalog, language)


TYPED_DATES = {"admission_date": date(2025, 3, 1), "discharge_date": date(2025, 3, 5)}


# Cells that cannot be read

UNREADABLE = {
    "case_id": bytes_as_text(b"7\xff"),
    "provider_id": bytes_as_text(b"P\xff"),
    "drg_code": bytes_as_text(b"G\xff"),
    "care_setting": bytes_as_text(b"\xff"),
    "outcome": bytes_as_text(b"\xff"),
    "factor_code": bytes_as_text(b"\xff"),
    "funding_source": bytes_as_text(b"\xff"),
    "procedure_codes": bytes_as_text(b"13.73;\xff"),
    "admission_date": pa.array(["2025-02-30"]),
    "discharge_date": pa.array(["on Tuesday"]),
    "death_unavoidable": pa.array(["perhaps"]),
    "age_years": pa.array(["forty-one"]),
    "quantity": pa.array(["one"]),
    "length_of_stay_days": pa.array(["3 days"]),
    "claimed_amount": pa.array(["12O.00"]),
}


@pytest.mark.parametrize("column", UNREADABLE)
def test_an_unreadable_cell_is_named_with_its_text(column: str) -> None:
    cells = UNREADABLE[column]
    for kind in ("plain", "dictionary"):
        (row,) = rejects_with(**{column: cells if kind == "plain" else dictionary_of(cells)})
        assert row["status"] == "INVALID_FIELD"
        assert row["reason"] == reason_of_unreadable_cell(column, row[column])


def dictionary_of(cells: pa.Array) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(range(len(cells)), pa.int16()), cells)


def test_bytes_that_are_no_text_are_shown_with_escapes() -> None:
    (row,) = rejects_with(drg_code=bytes_as_text(b"G\xc3\x28"))
    assert row["drg_code"] == "G\\xc3("
    assert row["reason"] == "drg_code 'G\\xc3(' cannot be read: correct it"
    (row,) = rejects_with(drg_code=pa.array([b"G\xff1"], pa.binary()))
    assert row["drg_code"] == "G\\xff1"
    lists = pa.ListArray.from_arrays(pa.array([0, 2], pa.int32()), bytes_as_text(b"13.73", b"\xff"))
    (row,) = rejects_with(procedure_codes=lists)
    assert row["procedure_codes"] == "13.73;\\xff"
    assert row["reason"] == "procedure_codes '13.73;\\xff' cannot be read: correct it"
    # the other rows of the column stay what they are
    rows = rejects_with(drg_code=bytes_as_text("Ж".encode(), b"\xff", b"X"))
    assert [row["drg_code"] for row in rows] == ["Ж", "\\xff", "X"]


def test_all_that_cannot_be_read_or_is_out_of_range_is_told_at_once() -> None:
    (words,) = reasons_with(
        discharge_date=pa.array(["2025-02-30"]),
        age_years=pa.array(["200"]),
        quantity=pa.array(["none"]),
        length_of_stay_days=pa.array(["-1"]),
    )
    assert "discharge_date '2025-02-30' is not a day of the calendar" in words
    assert "quantity 'none' is not a whole number" in words
    assert "age_years 200 is not between 0 and 130" in words
    assert "length_of_stay_days -1" in words
    assert words.count("is not a") == 2


def test_both_codes_are_told_as_that() -> None:
    (words,) = reasons_with(service_code=pa.array(["VISIT"]))
    assert words == reason_for(
        Case(case_id="1", drg_code="G1", service_code="VISIT", care_setting="inpatient", **TYPED_DATES),
        small().catalog,
    )
    (words,) = reasons_with(drg_code=bytes_as_text(b"\xff"), service_code=pa.array(["VISIT"]))
    assert words == "drg_code '\\xff' cannot be read: correct it"
    (words,) = reasons_with(service_code=bytes_as_text(b"\xff"))
    assert words == "service_code '\\xff' cannot be read: correct it"


@pytest.mark.parametrize("cells", [pa.array(["5000"]), pa.array([5000]), pa.array([Decimal(5000)])])
def test_an_amount_on_top_without_its_kind_is_told_to_name_it(cells: pa.Array) -> None:
    (words,) = reasons_with(addon_amount=cells)
    assert words == "empty, and needed to price this line: addon_kind; fill in"
    (words,) = reasons_with(addon_amount=cells, addon_kind=pa.array(["herbs"]))
    assert words.startswith("addon_kind 'herbs' is not paid on ")


def test_a_cost_of_nothing_said_is_told_to_say_it() -> None:
    (words,) = reasons_with(addon_kind=pa.array(["herbs"]))
    assert words == "empty, and needed to price this line: addon_amount; fill in"


def test_numbers_that_are_no_whole_ones_are_named_as_they_stand() -> None:
    assert reasons_with(age_years=pa.array([17.5])) == [reason_of_unreadable_cell("age_years", "17.5")]
    assert reasons_with(quantity=pa.array([2**64 - 1], pa.uint64())) == [
        reason_of_unreadable_cell("quantity", "18446744073709551615")
    ]


@pytest.mark.parametrize("column", ["admission_date", "discharge_date"])
@pytest.mark.parametrize("day", [-719_163, 2_932_897, 2**31 - 1])
def test_a_day_of_no_year_from_1_to_9999_cannot_be_read_typed_or_not(column: str, day: int) -> None:
    typed = pa.array([day], pa.int32()).cast(pa.date32())
    in_seconds = pa.array([day * 86_400], pa.int64()).cast(pa.timestamp("s"))
    for cells in (typed, in_seconds):
        (row,) = rejects_with(**{column: cells})
        assert row["status"] == "INVALID_FIELD"
        assert row["reason"] == reason_of_unreadable_cell(column, row[column])
    both = {"admission_date": typed, "discharge_date": typed}
    assert [row["status"] for row in rejects_with(**both)] == ["INVALID_FIELD"]


# The table


def test_the_table_has_the_line_the_original_fields_the_status_and_the_reason() -> None:
    schema = reject_schema(["drg_code", "case_id", "no such column", "addon_kind", "patient_id"])
    assert schema.names == ["line", "case_id", "drg_code", "patient_id", "addon_kind", "status", "reason"]
    assert schema.types == [pa.int64(), *[pa.string()] * 6]
    assert reject_schema(STANDARD_COLUMNS).names == ["line", *STANDARD_COLUMNS, "status", "reason"]
    assert reject_schema(["case_id"], line_text=True).names == [
        "line",
        "case_id",
        "line_text",
        "status",
        "reason",
    ]
    assert reject_schema(["case_id"], synthetic=True).names == [
        "line",
        "case_id",
        "status",
        "reason",
        "synthetic",
    ]


def test_rows_come_in_file_order_and_priced_ones_stay_out() -> None:
    codes = ["X", "G1", "Y", "G1", "X"]
    rows = rejects_with(drg_code=pa.array(codes))
    assert [(row["line"], row["drg_code"]) for row in rows] == [(2, "X"), (4, "Y"), (6, "X")]
    assert rejects_with(drg_code=pa.array(["G1"] * 3)) == []


def test_cells_are_written_as_people_write_them() -> None:
    moment = datetime(2025, 3, 1, 7, 30)
    (row,) = rejects_with(
        drg_code=pa.array(["X"]).dictionary_encode(),
        admission_date=pa.array([moment], pa.timestamp("ns")),
        discharge_date=pa.array([date(2025, 3, 5)]),
        procedure_codes=pa.array([["13.73", None, "8855"]]),
        death_unavoidable=pa.array([True]),
        age_years=pa.array([41], pa.int8()),
        claimed_amount=pa.array([Decimal("-1.50")]),
        funding_source=pa.array([None], pa.string()),
        patient_id=pa.array([b"P1"], pa.binary()),
        addon_kind=pa.array(["drug"]).dictionary_encode(),
    )
    assert {name: row[name] for name in row if name not in ("line", "line_text", "status", "reason")} == {
        "case_id": "1",
        "care_setting": "inpatient",
        "drg_code": "X",
        "admission_date": "2025-03-01 07:30:00",
        "discharge_date": "2025-03-05",
        "procedure_codes": "13.73;8855",
        "death_unavoidable": "true",
        "age_years": "41",
        "claimed_amount": "-1.50",
        "funding_source": None,
        "patient_id": "P1",
        "addon_kind": "drug",
    }


@pytest.mark.parametrize(
    "retyped",
    [
        lambda lists: lists,
        lambda lists: lists.cast(pa.large_list(pa.string())),
        lambda lists: lists.cast(pa.list_(pa.binary())),
        lambda lists: pa.ListArray.from_arrays(lists.offsets, lists.values.dictionary_encode()),
    ],
)
def test_lists_are_joined(retyped: Callable[[pa.Array], pa.Array]) -> None:
    lists = retyped(pa.array([["13.73", "41"], [], ["9"]], pa.list_(pa.string())))
    rows = rejects_with(drg_code=pa.array(["X"] * 3), procedure_codes=lists)
    assert [row["procedure_codes"] for row in rows] == ["13.73;41", "", "9"]
    rows = rejects_with(drg_code=pa.array(["X"] * 2), procedure_codes=pa.array([None, ["1", None]]))
    assert [row["procedure_codes"] for row in rows] == [None, "1"]


def test_a_time_between_two_seconds_keeps_its_decimals() -> None:
    moments = pa.array([datetime(2025, 3, 1, 7, 30, 0, 250_000)], pa.timestamp("us"))
    (row,) = rejects_with(drg_code=pa.array(["X"]), admission_date=moments)
    assert row["admission_date"] == "2025-03-01 07:30:00.250000"


CSV = (
    "\ufeffcase_id,drg_code,care_setting,admission_date,discharge_date\n"
    "\n"
    "1,G1,inpatient,2025-03-01,2025-03-05\n"
    "2,X,inpatient,2025-03-01,2025-03-05\n"
    "\r\n"
    '3,"two\nlines",inpatient,2025-03-01,2025-03-05\n'
    "4,G1,inpatient,2025-03-01\n"
    '5,G1,"inpatient,2025-03-01,2025-03-05\n'
    "6,G1,inpatient,2025-03-01,2025-03-05,,\n"
    "7,G1,inpatient,2025-03-01,2025-03-05\n"
    "8,,inpatient,2025-03-01,2025-03-05"
)


def test_lines_are_those_an_editor_shows_and_malformed_rows_name_the_trouble(tmp_path: Path) -> None:
    (tmp_path / "cases.csv").write_bytes(CSV.encode())
    with open_cases(tmp_path / "cases.csv") as source:
        (raw,) = source
        chunk = source.parse(raw)
    rows = rejects_of(chunk.table, small(), malformed=chunk.malformed, lines=chunk.line_numbers.tolist())
    told = [(row["line"], row["case_id"], row["status"], row["reason"]) for row in rows]
    assert [row[:3] for row in told] == [
        (4, "2", "UNKNOWN_DRG"),
        (6, "3", "UNKNOWN_DRG"),
        (8, None, "MALFORMED_ROW"),
        (9, None, "MALFORMED_ROW"),
        (10, None, "MALFORMED_ROW"),
        (12, "8", "MISSING_FIELD"),
    ]
    lines = CSV.split("\n")
    assert [lines[line - 1][0] for line, *_ in told] == ["2", "3", "4", "5", "6", "8"]
    assert [reason for *_, status, reason in told if status == "MALFORMED_ROW"] == [
        "the line has 4 cells and the header 5: give it as many as the header",
        "a quotation mark in the line is not closed: close it, or remove it",
        "the line has 7 cells and the header 5: give it as many as the header",
    ]
    assert [row["line_text"] for row in rows] == [None, None, *lines[7:10], None]


def test_personal_columns_of_a_register_do_not_appear(tmp_path: Path) -> None:
    personal = {
        "Ф.И.О.": "Ахметова Дана Сериковна",
        "rpnID": "990011223344",
        "Врач": "Ким Виктор",
        "Диагноз заключительный": "Q21.0",
        "Льгота": "инвалид",
    }
    cases = {
        "ID пролеченного случая": "17",
        "Наименование стационара выписки": "H001-R01",
        "Код КЗГ": "нет такого",
        "Вид медицинской помощи": "круглосуточный стационар",
        "Дата рождения": "31.12.1961",
        "Дата/время поступления": "01.03.2025 10:00",
        "Дата/время выписки": "05.03.2025 11:00",
        "Исход пребывания": "Выписан",
    }
    path = tmp_path / "register.csv"
    unreadable_birth = {**cases, "Дата рождения": "31 декабря 1961"}
    rows = [[*cases, *personal], *([*row.values(), *personal.values()] for row in (cases, unreadable_birth))]
    path.write_text("".join(";".join(row) + "\n" for row in rows), "utf-8")
    with open_cases(path, load_mapping("ersb")) as source:
        chunks = [source.parse(raw) for raw in source]
        assert set(personal) <= set(source.ignored_columns)
    (chunk,) = chunks
    first, second = rejects_of(chunk.table, demo())
    assert (first["status"], first["age_years"]) == ("UNKNOWN_DRG", "63")
    assert second["reason"] == reason_of_unreadable_cell("age_years", "birth date unreadable")
    told = str([first, second])
    for word in [*personal, *personal.values(), "Дата рождения", "31.12.1961", "31 декабря"]:
        assert word not in told
