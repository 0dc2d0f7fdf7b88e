from __future__ import annotations

from decimal import Decimal

import numpy as np
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.batch import price_file
from tariffcore.costing.capital_in_payments import capital_in_payments, exact_totals
from tariffcore.errors import CasesError
from tariffcore.money import split_amount
from tariffcore.sample import write_sample
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.schedule.tariff import component_shares


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(resolve(["kz-demo"]))


@pytest.fixture(scope="module")
def priced(catalog, tmp_path_factory):
    folder = tmp_path_factory.mktemp("payments")
    write_sample(folder / "cases.parquet", 5_000, catalog=catalog, seed=7)
    found = capital_in_payments(
        folder / "cases.parquet",
        catalog,
        totals_path=folder / "totals.csv",
        cases_out_path=folder / "cases-out.parquet",
    )
    return folder, found


def test_sums_agree_with_pricing(priced, catalog):
    folder, found = priced
    report = price_file(folder / "cases.parquet", folder / "priced.parquet", catalog, components=True)
    total = found.total
    assert (found.read, found.rejected) == (report.summary.read, report.summary.rejected)
    assert total.amount_minor == report.summary.amount_minor
    assert total.by_component == report.summary.by_component
    capital = {name for name, is_capital in found.components if is_capital}
    assert capital
    assert total.capital_minor == sum(report.summary.by_component[name] for name in capital)
    assert sum(total.by_component.values()) + total.unsplit_minor == total.amount_minor
    assert total.unsplit_cases > 0, "services have no profile"
    by_provider: dict[str, int] = {}
    for (provider_id, _), paid in found.by_provider_and_year.items():
        by_provider[provider_id] = by_provider.get(provider_id, 0) + paid.amount_minor
    assert by_provider == {name: tally.amount_minor for name, tally in report.summary.by_provider.items()}
    assert len({year for _, year in found.by_provider_and_year}) > 1


def test_case_by_case(priced, catalog):
    """Full price, capital and price without it stand side by side; the split is that of
    money.split_amount."""
    folder, found = priced
    rows = pq.read_table(folder / "cases-out.parquet").to_pylist()
    cases = pq.read_table(folder / "cases.parquet").to_pylist()
    editions = {schedule.id: schedule for schedule in catalog.editions}
    split = 0
    for case, row in zip(cases, rows, strict=True):
        assert row["case_id"] == case["case_id"]
        if row["capital_amount"] is None:
            assert row["amount_without_capital"] is None
            continue
        split += 1
        assert row["capital_amount"] + row["amount_without_capital"] == row["amount"]
        schedule = editions[row["schedule_id"]]
        # a drug on top is the component that its rule names, and none of the shipped ones is capital
        added = case["addon_amount"] or 0
        assert not added or not any(
            share.capital
            for share in schedule.components
            for rule in schedule.addons
            if share.component == rule.component
        )
        profile = schedule.groups[case["drg_code"].strip()].component_profile
        shares = component_shares(schedule, profile, case["care_setting"])
        parts = split_amount(int((row["amount"] - added) * 100), [share.share for share in shares])
        capital = sum(part for part, share in zip(parts, shares, strict=True) if share.capital)
        assert row["capital_amount"] == Decimal(capital) / 100
    assert split == found.total.cases - found.total.unsplit_cases


def test_totals_file(priced):
    folder, found = priced
    table = pacsv.read_csv(folder / "totals.csv")
    assert table.num_rows == len(found.by_provider_and_year)
    for name in ("provider_id", "year", "component_staff_pay", "synthetic"):
        assert name in table.column_names
    total = pc.sum(table.column("cases")).as_py()
    assert total == found.total.cases


def test_outputs_do_not_replace_the_cases(priced, catalog):
    folder, _ = priced
    with pytest.raises(CasesError, match="would overwrite"):
        capital_in_payments(folder / "cases.parquet", catalog, cases_out_path=folder / "cases.parquet")


@given(values=st.lists(st.tuples(st.integers(0, 3), st.integers(-(2**63), 2**63 - 1))))
def test_totals_never_overflow(values):
    codes = np.array([code for code, _ in values], dtype=np.int64)
    amounts = np.array([value for _, value in values], dtype=np.int64)
    expected = [sum(value for code, value in values if code == wanted) for wanted in range(4)]
    assert exact_totals(codes, amounts, 4) == expected
