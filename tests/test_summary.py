"""Totals of a run equal sums over its rows in Python's own integers, by everything they are counted by."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.cases import Case, table_from_cases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.reference import reference_price
from tariffcore.sample import Sampler
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus
from tariffcore.summary import Summarist, Summary, Tally, exact_sum
from tests.small_schedule import SMALL, group
from tests.strategies import aimed_catalog, random_cases

ONE = {
    "case_id": "1",
    "drg_code": "G1",
    "care_setting": "inpatient",
    "admission_date": "2025-03-01",
    "discharge_date": "2025-03-05",
}
AMOUNT_MINOR = 123_450  # of such a case by the small schedule


@cache
def small() -> Plan:
    return Plan(Catalog.of([SMALL]))


def rows_like_one(count: int, **columns: Any) -> pa.Table:
    return pa.table({**{name: [value] * count for name, value in ONE.items()}, **columns})


def summed_up(table: pa.Table, plan: Plan | None = None, *, components: bool = False) -> Summary:
    plan = plan or small()
    return Summarist(plan).of_chunk(table, price_cases(table, plan, components=components, threads=1))


def counted(pairs: Iterable[tuple[str, int]]) -> dict[str, Tally]:
    totals: dict[str, Tally] = defaultdict(Tally)
    for name, amount_minor in pairs:
        totals[name].cases += 1
        totals[name].amount_minor += amount_minor
    return dict(totals)


def by_hand(cases: list[Case], plan: Plan) -> Summary:
    """The summary as it would be drawn up on paper, from the twin's amounts."""
    results = [reference_price(case, plan.catalog) for case in cases]
    priced = [
        (case, result) for case, result in zip(cases, results, strict=True) if result.amount_minor is not None
    ]
    by_admission = plan.catalog.deciding_date is DecidingDate.ADMISSION

    def by(name_of: Any) -> dict[str, Tally]:
        return counted((name_of(case, result), result.amount_minor or 0) for case, result in priced)

    def month(case: Case) -> str:
        day = case.admission_date if by_admission else case.discharge_date
        assert day is not None
        return f"{day:%Y-%m}"

    components = dict.fromkeys(plan.component_names, 0)
    claims: dict[int, Tally] = {-1: Tally(), 0: Tally(), 1: Tally()}
    for case, result in priced:
        for name, part_minor in (result.components_minor or {}).items():
            components[name] += part_minor
        if case.claimed_amount is not None:
            units = plan.editions[0].minor_units
            difference = int(case.claimed_amount.scaleb(units)) - (result.amount_minor or 0)
            claims[(difference > 0) - (difference < 0)].add(1, difference)
    return Summary(
        by_status={
            CaseStatus[name]: tally
            for name, tally in counted(
                (result.status.name, result.amount_minor or 0) for result in results
            ).items()
        },
        by_method=by(lambda _, result: result.method and result.method.value),
        by_setting=by(lambda case, _: (case.care_setting or "").strip()),
        by_month=by(lambda case, _: month(case)),
        by_provider=by(lambda case, _: (case.provider_id or "").strip()),
        by_schedule=by(lambda _, result: result.schedule_id),
        by_funding_source=by(lambda case, _: (case.funding_source or "").strip()),
        by_component=components,
        claimed_over=claims[1],
        claimed_under=claims[-1],
        claimed_equal=claims[0].cases,
        has_claims=True,
    )


def with_claims(cases: list[Case], plan: Plan, seed: int) -> list[Case]:
    """The cases with claims that are right, too high, too low or missing, and with somebody who pays."""
    choose = random.Random(seed)
    units = plan.editions[0].minor_units
    claiming = []
    for case in cases:
        right_minor = reference_price(case, plan.catalog).amount_minor or 5_000
        apart = choose.choice([0, 0, 1, -1, 10_000, -10_000, None])
        claimed_minor = None if apart is None else min(right_minor + apart, 10**18 - 1)
        claimed = None if claimed_minor is None else Decimal(claimed_minor).scaleb(-units)
        funding = choose.choice(["insurance", " insurance", "guaranteed_volume", None, ""])
        claiming.append(replace(case, claimed_amount=claimed, funding_source=funding))
    return claiming


@pytest.mark.parametrize("seed", range(12))
def test_totals_are_sums_over_the_rows(seed: int) -> None:
    plan = Plan(aimed_catalog(seed))
    cases = with_claims(random_cases(plan.catalog, 250, seed), plan, seed)
    summary = summed_up(table_from_cases(cases), plan, components=True)
    assert summary == by_hand(cases, plan)
    assert summary.read == 250
    assert summary.priced + summary.rejected == summary.read
    assert summary.amount_minor == sum(t.amount_minor for t in summary.by_status.values())


@pytest.mark.parametrize("sizes", [[250], [1] * 20 + [230], [0, 99, 0, 1, 150]])
def test_chunks_add_up_to_the_whole(sizes: list[int]) -> None:
    plan = Plan(aimed_catalog(3))
    cases = with_claims(random_cases(plan.catalog, 250, 3), plan, 3)
    table = table_from_cases(cases)
    together = Summary()
    start = 0
    for size in sizes:
        together.merge(summed_up(table.slice(start, size), plan, components=True))
        start += size
    assert together == by_hand(cases, plan)


@cache
def sampled() -> tuple[Plan, pa.Table, PricedCases]:
    plan = Plan(Catalog.of([read_schedule(folder) for folder in resolve(["kz-demo"])]))
    table = pa.Table.from_batches(Sampler(plan).batches(30_000, threads=1))
    return plan, table, price_cases(table, plan, components=True, threads=1)


def test_totals_are_the_sums_of_the_priced_table() -> None:
    plan, table, priced = sampled()
    summary = Summarist(plan).of_chunk(table, priced)
    columns = {name: column.to_pylist() for name, column in priced.columns().items()}
    columns |= {name: table[name].to_pylist() for name in ("care_setting", "provider_id", "discharge_date")}
    minor = [None if amount is None else int(amount * 100) for amount in columns["amount"]]
    ok = [row for row, amount in enumerate(minor) if amount is not None]

    def by(name: str) -> dict[str, Tally]:
        return counted((columns[name][row], minor[row]) for row in ok)

    assert summary.by_setting == by("care_setting")
    assert summary.by_provider == by("provider_id")
    assert summary.by_schedule == by("schedule_id")
    months = [None if moment is None else f"{moment:%Y-%m}" for moment in columns["discharge_date"]]
    assert summary.by_month == counted((months[row], minor[row]) for row in ok)
    for name, total_minor in summary.by_component.items():
        parts = (part for part in columns[f"component_{name}"] if part is not None)
        assert total_minor == int(sum(parts) * 100) != 0
    differences = [difference for difference in columns["claimed_difference"] if difference is not None]
    assert summary.claimed_over.amount_minor == int(sum(d for d in differences if d > 0) * 100) != 0
    assert summary.claimed_under.amount_minor == int(sum(d for d in differences if d < 0) * 100) != 0
    assert summary.claimed_equal == differences.count(Decimal(0)) > 0
    assert summary.read == 30_000


# Names


@pytest.mark.parametrize("distinct", [65_534, 65_535, 65_536, 70_001, 140_000])
def test_more_providers_than_16_bits_count(distinct: int) -> None:
    ids = [f"P{number}" for number in range(distinct)]
    table = rows_like_one(distinct + 2, provider_id=[*ids, None, " P7"])
    by_provider = summed_up(table).by_provider
    assert len(by_provider) == distinct + 1
    assert by_provider.pop("") == Tally(1, AMOUNT_MINOR)
    assert by_provider.pop("P7") == Tally(2, 2 * AMOUNT_MINOR)
    assert by_provider == dict.fromkeys([*ids[:7], *ids[8:]], Tally(1, AMOUNT_MINOR))


@pytest.mark.parametrize(
    ("kind", "distinct"),
    [
        *((pa.int8(), count) for count in (1, 126, 127, 128)),
        *((pa.uint8(), count) for count in (127, 128, 255, 256)),
        *((pa.int16(), count) for count in (32_766, 32_767, 32_768)),
        *((pa.uint16(), count) for count in (32_768, 65_535, 65_536)),
    ],
)
@pytest.mark.parametrize("missing", [0, 1])
def test_dictionaries_may_have_the_narrowest_indices(kind: pa.DataType, distinct: int, missing: int) -> None:
    indices = pa.array([*range(distinct), *[None] * missing], kind)
    ids = pa.DictionaryArray.from_arrays(indices, pa.array([f"P{number}" for number in range(distinct)]))
    by_provider = summed_up(rows_like_one(distinct + missing, provider_id=ids)).by_provider
    assert len(by_provider) == distinct + missing
    assert by_provider.keys() - {""} == {f"P{number}" for number in range(distinct)}
    assert set(map(str, by_provider.values())) == {str(Tally(1, AMOUNT_MINOR))}


def test_one_name_written_in_two_ways_is_one_name() -> None:
    table = rows_like_one(4, provider_id=["A", " A", "A\u00a0", "a"], funding_source=["x", "x ", "", None])
    summary = summed_up(table)
    assert summary.by_provider == {"A": Tally(3, 3 * AMOUNT_MINOR), "a": Tally(1, AMOUNT_MINOR)}
    assert summary.by_funding_source == {"x": Tally(2, 2 * AMOUNT_MINOR), "": Tally(2, 2 * AMOUNT_MINOR)}
    twice = pa.DictionaryArray.from_arrays(pa.array([0, 1], pa.int8()), pa.array(["A", "A"]))
    assert summed_up(rows_like_one(2, provider_id=twice)).by_provider == {"A": Tally(2, 2 * AMOUNT_MINOR)}
    numbers = pa.array([7, 7], pa.int32())
    assert summed_up(rows_like_one(2, provider_id=numbers)).by_provider == {"7": Tally(2, 2 * AMOUNT_MINOR)}


def test_a_column_that_is_not_there_is_not_counted_by() -> None:
    summary = summed_up(rows_like_one(3))
    assert summary.by_provider == {}
    assert summary.by_funding_source == {}
    assert summary.by_component == {}
    assert summary.by_setting == {"inpatient": Tally(3, 3 * AMOUNT_MINOR)}
    assert not summary.has_claims


def test_settings_that_the_kernel_tells_apart_have_one_name() -> None:
    services = {"drg_code": [None] * 2, "service_code": ["VISIT"] * 2, "factor_code": ["remote", None]}
    table = rows_like_one(2, **{**services, "care_setting": ["home", "home"]})
    assert summed_up(table).by_setting == {"home": Tally(2, 167 + 334)}
    stays = rows_like_one(3, care_setting=["reception_observation"] * 3)
    for name, moments in (
        ("admission_date", ["2025-03-01 07:00", "2025-03-01", "2025-03-01 07:00"]),
        ("discharge_date", ["2025-03-01 08:00", "2025-03-01", "2025-03-02 07:01"]),
    ):
        stays = stays.set_column(stays.column_names.index(name), name, pa.array(moments))
    assert summed_up(stays).by_setting == {"reception_observation": Tally(2, 2 * 82_712)}


# Months


def test_months_are_those_of_the_deciding_date() -> None:
    columns = {
        "admission_date": ["2025-01-31", "2025-02-28", "2025-03-31"],
        "discharge_date": ["2025-02-01", "2025-02-28", "2025-12-31"],
    }
    one = Tally(1, AMOUNT_MINOR)
    assert summed_up(rows_like_one(3, **columns)).by_month == {
        "2025-02": Tally(2, 2 * AMOUNT_MINOR),
        "2025-12": one,
    }
    by_admission = Plan(Catalog.of([SMALL], deciding_date=DecidingDate.ADMISSION))
    assert summed_up(rows_like_one(3, **columns), by_admission).by_month == {
        "2025-01": one,
        "2025-02": one,
        "2025-03": one,
    }


@pytest.mark.parametrize("deciding_date", DecidingDate)
def test_days_beyond_the_day_table_have_their_own_month(deciding_date: DecidingDate) -> None:
    plan = Plan(Catalog.of([replace(SMALL, effective_end_date=None)], deciding_date=deciding_date))
    days = ["2025-03-05", "2104-06-04", "2104-06-05", "2104-06-06", "2104-07-01", "2206-05-01", "2206-05-31"]
    moments = [datetime.fromisoformat(day) for day in days]
    if deciding_date is DecidingDate.DISCHARGE:
        admitted, discharged = [moment - timedelta(days=40) for moment in moments], moments
    else:
        admitted, discharged = moments, [moment + timedelta(days=40) for moment in moments]
    expected = counted((day[:7], AMOUNT_MINOR) for day in days)
    for kind in (pa.timestamp("us"), pa.date32(), pa.string()):
        written = [
            [str(moment) if kind == pa.string() else moment for moment in those]
            for those in (admitted, discharged)
        ]
        columns = [pa.array(those, kind) for those in written]
        table = rows_like_one(7, admission_date=columns[0], discharge_date=columns[1])
        assert summed_up(table, plan).by_month == expected


# Money of any size


def largest() -> Plan:
    """A group whose case costs 10^18 - 1 minor units less 99, of which three components have a third each."""
    dear = group("DEAR", "9999999999999.9999", profile="thirds")
    return Plan(Catalog.of([replace(SMALL, groups={"DEAR": dear})]))


def test_sums_beyond_64_bits_are_exact() -> None:
    plan = largest()
    rows = 40
    claimed = [Decimal("-9999999999999999.99")] * 20 + [Decimal("9999999999999999.99")] * 20
    table = rows_like_one(
        rows, drg_code=["DEAR"] * rows, claimed_amount=pa.array(claimed, pa.decimal128(18, 2))
    )
    summary = summed_up(table, plan, components=True)
    each = 999_999_999_999_999_990
    assert summary.amount_minor == rows * each > 2**63
    assert summary.by_setting == {"inpatient": Tally(rows, rows * each)}
    assert summary.by_component["staff"] == rows * (each // 3) > 2**63
    assert sum(summary.by_component.values()) == rows * each
    assert summary.claimed_under == Tally(20, -20 * (10**18 - 1 + each))
    assert summary.claimed_over == Tally(20, 20 * 9)
    together = Summary()
    for _ in range(3):
        together.merge(summary)
    assert together.amount_minor == 3 * rows * each
    assert together.claimed_under.amount_minor == -60 * (10**18 - 1 + each)


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_an_exact_sum_is_exact(amounts: list[int]) -> None:
    assert exact_sum(np.array(amounts, dtype=np.int64)) == sum(amounts)
    doubled = np.repeat(np.array(amounts, dtype=np.int64), 2)
    assert exact_sum(doubled[::2]) == sum(amounts), "also of a view with gaps"


# Claims


def test_claims_are_compared_with_prices_only() -> None:
    claims = ["1234.50", "1234.51", "1000.00", None, "5.00", "-1.00"]
    table = rows_like_one(6, claimed_amount=claims, drg_code=["G1", "G1", "G1", "G1", "X", "G1"])
    summary = summed_up(table)
    assert summary.has_claims
    assert summary.claimed_equal == 1
    assert summary.claimed_over == Tally(1, 1)
    assert summary.claimed_under == Tally(2, (100_000 - AMOUNT_MINOR) + (-100 - AMOUNT_MINOR))
    assert summary.rejected == 1


def test_a_column_of_claims_without_any_is_a_column_of_claims() -> None:
    summary = summed_up(rows_like_one(2, claimed_amount=pa.nulls(2, pa.decimal128(18, 2))))
    assert summary.has_claims
    assert (summary.claimed_over, summary.claimed_under, summary.claimed_equal) == (Tally(), Tally(), 0)


# Nothing


def test_no_rows_come_to_nothing() -> None:
    summary = summed_up(rows_like_one(3, provider_id=["A"] * 3, claimed_amount=["1"] * 3).slice(0, 0))
    assert summary == Summary(has_claims=True)
    assert (summary.read, summary.priced, summary.rejected, summary.amount_minor) == (0, 0, 0, 0)


def test_nothing_but_rejects_has_no_money() -> None:
    summary = summed_up(rows_like_one(3, drg_code=["X"] * 3, provider_id=["A"] * 3))
    assert summary == Summary(by_status={CaseStatus.UNKNOWN_DRG: Tally(3, 0)})
    assert (summary.read, summary.priced, summary.rejected) == (3, 0, 3)


def test_merging_leaves_what_is_merged_alone() -> None:
    part = summed_up(rows_like_one(2, provider_id=["A", "B"]))
    whole = Summary()
    whole.merge(part)
    whole.merge(part)
    assert part.by_provider["A"] == Tally(1, AMOUNT_MINOR)
    assert whole.by_provider["A"] == Tally(2, 2 * AMOUNT_MINOR)
