"""Sample cases: the same for the same seed, shaped like a register, every rule and status among them."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date
from fractions import Fraction
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.feather as feather
import pyarrow.parquet as pq
import pytest
from python_calamine import CalamineWorkbook

from tariffcore.cases import Case
from tariffcore.errors import CasesError, CatalogError
from tariffcore.files.opening import open_cases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.reference import reference_price
from tariffcore.sample import BLOCK_ROWS, TEXT_DEFECTS, WINDOW_ROWS, Sampler, write_sample
from tariffcore.sampling_frame import WHEEL, wheel
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import PaymentMethod, Schedule
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus

ROWS = 10_000


@cache
def shipped(*names: str) -> tuple[Schedule, ...]:
    return tuple(read_schedule(folder) for folder in resolve(names))


@cache
def demo() -> Catalog:
    return Catalog.of(shipped("kz-demo"))


@cache
def plan() -> Plan:
    return Plan(demo())


@cache
def sampler() -> Sampler:
    return Sampler(plan())


def rows(sampler: Sampler, count: int) -> pa.Table:
    return pa.Table.from_batches(sampler.batches(count, threads=1), schema=sampler.schema)


@cache
def block() -> tuple[pa.Table, PricedCases]:
    table = rows(sampler(), BLOCK_ROWS)
    return table, price_cases(table, plan(), threads=1)


def share_of(column: str, *values: str) -> float:
    table, _ = block()
    return pc.sum(pc.is_in(table[column].cast(pa.string()), pa.array(values))).as_py() / len(table)


def test_a_seed_gives_the_same_rows_and_another_seed_others() -> None:
    table, _ = block()
    assert rows(Sampler(plan(), seed=1), ROWS).equals(table.slice(0, ROWS))
    assert not rows(Sampler(plan(), seed=2), ROWS).equals(table.slice(0, ROWS))


def test_rows_do_not_depend_on_the_count_nor_on_the_threads() -> None:
    table, _ = block()
    more = pa.Table.from_batches(sampler().batches(BLOCK_ROWS + 5, threads=3))
    assert len(more) == BLOCK_ROWS + 5
    assert more.slice(0, BLOCK_ROWS).equals(table)
    assert more["case_id"].slice(BLOCK_ROWS).to_pylist() == [BLOCK_ROWS + k for k in range(1, 6)]
    for count in (0, 1, WINDOW_ROWS):
        assert rows(sampler(), count).equals(table.slice(0, count))


def test_no_case_number_occurs_twice() -> None:
    numbers = block()[0]["case_id"].drop_null().to_numpy()
    assert len(np.unique(numbers)) == len(numbers) >= BLOCK_ROWS - 20


def test_settings_and_outcomes_are_shaped_like_a_register() -> None:
    assert 0.22 < share_of("care_setting", "day_hospital") < 0.28
    assert 0.015 < share_of("care_setting", "home") < 0.035
    assert 0.04 < share_of("care_setting", "reception_observation") < 0.06
    assert 0.05 < share_of("outcome", "transferred", "self_discharged", "died") < 0.09
    assert 0.05 < 1 - block()[0]["service_code"].null_count / BLOCK_ROWS < 0.08


def test_a_few_groups_and_hospitals_carry_most_cases() -> None:
    table, _ = block()
    for column, few, most in (("drg_code", 45, 0.5), ("provider_id", 120, 0.5)):
        counts = Counter(table[column].drop_null().to_pylist())
        assert sum(count for _, count in counts.most_common(few)) > most * BLOCK_ROWS
        assert len(counts) > 440, "but all occur"


def test_fewer_leave_on_sundays_and_in_summer() -> None:
    discharges = block()[0]["discharge_date"].drop_null()
    weekdays = Counter(pc.day_of_week(discharges).to_pylist())
    assert weekdays[6] < weekdays[0] / 2
    months = Counter((when.year, when.month) for when in discharges.to_pylist())
    assert months[2025, 7] < 0.95 * months[2025, 1]
    assert months[2026, 6] > 1_000, "an open edition is drawn for half a year"


def test_stays_scatter_about_the_planned_days() -> None:
    table, _ = block()
    groups = demo().editions[0].groups
    ratios = [
        (row["discharge_date"].date() - row["admission_date"].date()).days / planned
        for row in table.slice(0, ROWS).to_pylist()
        if row["care_setting"] == "inpatient"
        and row["outcome"] == "discharged"
        and row["admission_date"] is not None
        and row["discharge_date"] is not None
        and row["drg_code"] in groups
        and (planned := groups[row["drg_code"]].planned_days)
    ]
    assert 0.75 < sorted(ratios)[len(ratios) // 2] < 1.05
    assert 0.3 < np.std(ratios) < 1.2 or max(ratios) > 1_000  # one row in a window is of a century


def test_ages_fit_the_group() -> None:
    table, priced = block()
    kept = table.append_column("ok", pa.array(priced.ok)).slice(0, ROWS).to_pylist()
    newborn = {row["age_years"] for row in kept if row["ok"] and (row["drg_code"] or "").startswith("P")}
    assert newborn == {0, None}
    births = [row["age_years"] for row in kept if row["ok"] and (row["drg_code"] or "").startswith("O")]
    assert all(age is None or 11 < age < 46 for age in births)
    adults = [row["age_years"] for row in kept if row["ok"] and (row["drg_code"] or "1")[0] not in "OP"]
    assert 0.03 < sum(age is not None and age < 18 for age in adults) / len(adults) < 0.4


def test_every_status_that_typed_columns_can_have_occurs_in_ten_thousand_rows() -> None:
    _, priced = block()
    expected = {status.value for status in CaseStatus} - {CaseStatus.UNSPECIFIED, CaseStatus.MALFORMED_ROW}
    expected -= GROUPING_STATUSES  # sample cases have their groups
    assert set(priced.status[:ROWS].tolist()) == expected
    assert 0.01 < 1 - priced.ok.mean() < 0.02


def test_every_rule_of_every_edition_prices_some_of_ten_thousand_rows() -> None:
    _, priced = block()
    used = {part for rule in priced.rule_ids()[:ROWS] if rule for part in rule.split("+")}
    known: set[str] = set()
    for schedule in demo().editions:
        known |= {share.id for share in schedule.shares}
        known |= {exception.id for share in schedule.shares for exception in share.exceptions}
        known |= {rule.id for rule in schedule.stay_rules}
        known |= {factor.factor_code for factor in schedule.factors}
        known |= {addon.kind for addon in schedule.addons}
    assert known <= used
    own_rates = {"service.inpatient.rate", "service.reception_observation.rate", "bed_day.home.rate"}
    assert used - known == own_rates
    assert {method for method in priced.methods() if method is not None} == set(PaymentMethod)
    assert {"kz-demo", "kz-demo-2026", None} == set(priced.schedule_ids()[:ROWS])


def test_what_is_paid_by_planned_days_occurs_on_both_sides_of_its_limit() -> None:
    table, priced = block()
    days = Counter(
        ((row["discharge_date"] - row["admission_date"]).days, "interrupted" in (rule or ""))
        for row, rule in zip(table.slice(0, ROWS).to_pylist(), priced.rule_ids(), strict=False)
        if row["outcome"] == "transferred" and row["admission_date"] and row["discharge_date"] and rule
    )
    assert days[2, True] and days[4, False]


def test_the_twin_agrees_on_the_sample() -> None:
    table, priced = block()
    part = table.slice(0, WINDOW_ROWS).drop_columns(["claimed_amount"]).to_pylist()
    for position, row in enumerate(part):
        row["procedure_codes"] = tuple(row["procedure_codes"] or ())
        result = reference_price(Case(**row), demo())
        assert (result.status, result.amount_minor or 0) == (
            priced.status[position],
            priced.amount_minor[position],
        ), row


def test_most_claims_are_right_and_a_few_per_cent_are_off() -> None:
    table, priced = block()
    assert table.schema.field("claimed_amount").type == pa.decimal128(18, 2)
    priced = price_cases(table, plan(), threads=1)
    assert priced.difference_minor is not None
    claimed = priced.has_difference
    assert 0.93 < claimed.mean() < 0.97
    off = priced.difference_minor[claimed]
    assert 0.02 < (off != 0).mean() < 0.05
    assert (off > 0).sum() > (off < 0).sum() > 100, "overbilled more often than underbilled"
    unpriced = table.filter(pa.array(~priced.ok))["claimed_amount"]
    assert unpriced.null_count < len(unpriced) / 5


def written(tmp_path: Path, name: str, count: int, **options: object) -> Path:
    path = tmp_path / name
    write_sample(path, count, catalog=plan(), **options)
    return path


def test_text_has_every_row_and_the_cells_that_only_text_can_hold(tmp_path: Path) -> None:
    header, *lines = written(tmp_path, "cases.csv", ROWS).read_text().splitlines()
    assert header.split(",") == [*sampler().schema.names, "synthetic"]
    assert len(lines) == ROWS
    for defect in TEXT_DEFECTS:
        if defect.column is not None:
            place = sampler().schema.get_field_index(defect.column)
            found = [line.split(",") for line in lines if f",{defect.text}" in line]
            assert {fields[place] for fields in found} == {defect.text}
            assert 2 <= len(found) <= 3
    short = [line for line in lines if line.count(",") != len(sampler().schema)]
    assert 2 <= len(short) <= 3
    assert all(line.endswith(",true") for line in lines if line not in short)


def test_text_is_the_typed_rows_otherwise(tmp_path: Path) -> None:
    table, _ = block()
    lines = written(tmp_path, "cases.csv", WINDOW_ROWS).read_text().splitlines()[1:]
    defects = {defect.text for defect in TEXT_DEFECTS}
    differing = 0
    for line, row in zip(lines, table.slice(0, WINDOW_ROWS).to_pylist(), strict=True):
        typed = [
            "" if value is None else ";".join(value) if isinstance(value, list) else str(value)
            for value in row.values()
        ]
        typed[8] = typed[8].lower()  # death_unavoidable: true, false
        fields = line.split(",")
        if fields != [*typed, "true"]:
            differing += 1
            assert len(fields) == 4 or defects & set(fields), line
    assert differing == len(TEXT_DEFECTS)


def test_statuses_of_text_are_those_of_the_typed_rows_but_for_the_defects(tmp_path: Path) -> None:
    with open_cases(written(tmp_path, "cases.csv", ROWS)) as source:
        chunks = [source.parse(raw) for raw in source]
    statuses = np.concatenate(
        [
            price_cases(chunk.table, plan(), malformed=np.array(list(chunk.malformed), np.intp)).status
            for chunk in chunks
        ]
    )
    assert len(statuses) == ROWS
    changed_rows = statuses != block()[1].status[:ROWS]
    assert Counter(statuses[changed_rows].tolist()).keys() == {
        CaseStatus.INVALID_FIELD,
        CaseStatus.MALFORMED_ROW,
    }
    assert 2 * len(TEXT_DEFECTS) <= changed_rows.sum() <= 3 * len(TEXT_DEFECTS)


@pytest.mark.parametrize("name", ["cases.parquet", "cases.arrow", "cases.feather"])
def test_typed_files_hold_the_same_rows(tmp_path: Path, name: str) -> None:
    count = BLOCK_ROWS + 100
    told: list[int] = []
    path = written(tmp_path, name, count, on_rows=told.append)
    read = pq.read_table(path) if path.suffix == ".parquet" else feather.read_table(path)
    expected = rows(sampler(), count)
    assert sum(told) == count
    assert read.schema.metadata[b"content"].startswith(b"SYNTHETIC")
    assert read.schema.names == expected.schema.names
    for column in expected.schema.names:
        assert read[column].to_pylist() == expected[column].to_pylist(), column


def test_a_workbook_holds_the_same_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "cases.xlsx", 300)
    header, *cells = CalamineWorkbook.from_path(path).get_sheet_by_name("cases").to_python()
    assert header == [*sampler().schema.names, "synthetic"]
    assert {row[-1] for row in cells} == {True}
    expected = rows(sampler(), 300).to_pylist()
    assert [row[0] for row in cells] == [row["case_id"] or "" for row in expected]
    assert [row[10] for row in cells] == [";".join(row["procedure_codes"] or ()) for row in expected]


def test_more_rows_than_a_sheet_holds_are_refused_before_the_work(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match=r"at most 1,048,575 rows .*write \.csv or \.parquet"):
        written(tmp_path, "cases.xlsx", 1_048_576)
    assert not list(tmp_path.iterdir())


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match=r"choose one of \.csv"):
        written(tmp_path, "cases.docx", 10)


def test_a_sample_that_breaks_off_leaves_nothing_behind(tmp_path: Path) -> None:
    def stop(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        written(tmp_path, "cases.csv", 10, on_rows=stop)
    assert not list(tmp_path.iterdir())


def test_a_sample_of_no_rows_is_a_header(tmp_path: Path) -> None:
    header = ",".join([*sampler().schema.names, "synthetic"]) + "\n"
    assert written(tmp_path, "cases.csv", 0).read_text() == header
    assert pq.read_table(written(tmp_path, "cases.parquet", 0)).num_rows == 0


def test_days_of_an_edition_that_prices_nothing_are_not_drawn() -> None:
    first, second = shipped("kz-demo")
    drawn = Sampler(Catalog.of([replace(first, shares=(), services={}), second]))
    days = drawn.frame.day_wheel.tolist()
    assert min(days) == (date(2026, 1, 1) - date(1970, 1, 1)).days


def test_a_catalog_that_prices_nothing_cannot_be_sampled() -> None:
    with pytest.raises(CatalogError, match="no edition prices any case or service; add shares or rates"):
        Sampler(Catalog.of([replace(shipped("kz-demo")[1], shares=(), services={})]))


def test_a_wheel_gives_everything_a_place() -> None:
    turned = wheel([1e9, 1.0, 0.0, 5e8])
    counts = np.bincount(turned)
    assert len(turned) == WHEEL
    assert counts[0] == pytest.approx(2 * counts[3], rel=0.01)
    assert counts[1] == counts[2] == 1
    assert Fraction(int(counts.sum()), WHEEL) == 1
