"""Kernel and twin agree on every case: status, amount, edition, rule and components, to the minor unit."""

import itertools
import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from tariffcore.cases import Case, table_from_cases
from tariffcore.money import RoundingMode
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.reference import ReferenceResult
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import Coefficient, CoefficientMode, ComponentShare, Rounding
from tariffcore.statuses import CaseStatus
from tests.comparing import compared, results_of
from tests.small_schedule import SMALL, group, period
from tests.strategies import aimed_catalog, cases_for, catalogs, random_cases

SEEDS = range(32)
CASES_A_SEED = 300


def kernel_prices(table: pa.Table, catalog: Catalog | Plan, threads: int = 1) -> list[ReferenceResult]:
    """What the kernel makes of a table, case by case, in the words of the twin."""
    return list(results_of(price_cases(table, catalog, components=True, threads=threads)))


def assert_same(cases: list[Case], catalog: Catalog) -> None:
    differences = [str(comparison) for comparison in compared(cases, Plan(catalog)) if comparison.differs]

    assert not differences, f"{len(differences)} of {len(cases)} differ:\n" + "\n".join(differences[:3])


@pytest.mark.parametrize("seed", SEEDS)
def test_aimed_cases(seed):
    catalog = aimed_catalog(seed)

    assert_same(random_cases(catalog, CASES_A_SEED, seed), catalog)


@given(seed=st.integers(0, 2**40))
@settings(max_examples=20, deadline=None, phases=[Phase.reuse, Phase.generate])  # seeds do not shrink
def test_aimed_cases_of_any_seed(seed):
    catalog = aimed_catalog(seed)

    assert_same(random_cases(catalog, 60, seed), catalog)


@given(st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
def test_drawn_cases(data):
    """Slower than the seeded ones, but what fails here shrinks to a small schedule and one case."""
    catalog = data.draw(catalogs())

    assert_same(data.draw(st.lists(cases_for(catalog), min_size=1, max_size=12)), catalog)


# The largest numbers

COEFFICIENTS = (
    Coefficient("density", CoefficientMode.MULTIPLIES, "made up"),
    Coefficient("rural", CoefficientMode.MULTIPLIES, "made up"),
)


def stay(**fields: object) -> Case:
    """Ten days of an adult in the small schedule, changed as the example says."""
    defaults = {
        "case_id": "1",
        "drg_code": "G",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 11),
        "age_years": 40,
    }
    return Case(**{**defaults, **fields})


@given(
    amount_minor=st.integers(1, 10**18 - 1),
    cuts=st.sets(st.integers(1, 999_999_936), min_size=1, max_size=7),
)
@example(amount_minor=31_270_093_810_000, cuts={1})  # the product was once cut to 64 bits
@example(amount_minor=10**18 - 1, cuts={499_999_968, 499_999_969})
@settings(max_examples=50, deadline=None)
def test_components_of_every_amount(amount_minor, cuts):
    edges = [0, *sorted(cuts), 999_999_937]
    parts = tuple(
        ComponentShare("long", None, f"part-{line}", Fraction(high - low, 999_999_937), False, line)
        for line, (low, high) in enumerate(itertools.pairwise(edges), start=2)
    )
    weight = Fraction(amount_minor, 100_000)
    schedule = replace(SMALL, groups={"G": group("G", weight, profile="long")}, components=parts)

    assert_same([stay()], Catalog.of([schedule]))


@given(st.permutations(["pay", "medicines", "food", "capital"]), st.integers(0, 4), st.integers(1, 10**12))
@settings(max_examples=50, deadline=None)
def test_profiles_that_list_their_components_in_another_order(names, listed, amount_minor):
    """The order decides who gets the odd minor unit; results have the columns of the first profile."""
    thirds = [Fraction(1, 3), Fraction(1, 6), Fraction(1, 7), Fraction(5, 14)]
    others = [*names[:listed], *(["all of it"] if listed < 4 else [])]
    values = [*thirds[:listed], *([1 - sum(thirds[:listed])] if listed < 4 else [])]
    parts = [
        ComponentShare(profile, None, name, share, False, line)
        for profile, of_profile, of_shares in (("first", sorted(names), thirds), ("second", others, values))
        for line, (name, share) in enumerate(zip(of_profile, of_shares, strict=True), start=2)
    ]
    weight = Fraction(amount_minor, 100_000)
    groups = {
        code: group(code, weight, profile=profile) for code, profile in (("F", "first"), ("G", "second"))
    }
    schedule = replace(SMALL, groups=groups, components=tuple(parts))

    assert_same([stay(drg_code="F"), stay(drg_code="G")], Catalog.of([schedule]))


@given(
    rate_minor=st.integers(1, 10**18 - 1) | st.integers(10**18 - 100, 10**18 - 1) | st.integers(1, 10**6),
    decimals=st.sampled_from([2, 4, 8, 12, 16]),
    near=st.integers(-(10**15), 10**15),
    mode=st.sampled_from(list(RoundingMode)),
    quantity=st.sampled_from([1, 2, 2**31 - 1]),
)
@settings(max_examples=80, deadline=None)
def test_long_coefficients_on_every_rate(rate_minor, decimals, near, mode, quantity):
    """Products of two coefficients of up to 16 decimals: more than 64 and more than 128 bits."""
    coefficient = Fraction(3, 4) + Fraction(near % 10**decimals // 4, 10**decimals)
    schedule = replace(
        SMALL,
        groups={"G": group("G", Fraction(rate_minor, 100_000))},
        roundings=replace(SMALL.roundings, unit=Rounding(2, mode)),
        coefficients=COEFFICIENTS,
        providers={"P": (period("P", coefficient, coefficient),)},
    )
    early = {"discharge_date": date(2025, 3, 3), "outcome": "died", "death_unavoidable": True}
    cases = [stay(provider_id="P", quantity=quantity), stay(provider_id="P", quantity=quantity, **early)]

    assert_same(cases, Catalog.of([schedule]))


@given(
    rate_minor=st.integers(1, 10**15).filter(lambda rate: math.gcd(rate, 10) == 1),
    decimals=st.integers(8, 30),
    whole=st.integers(0, 3),
    beside=st.sampled_from([-2, -1, 0, 1, 2]),
)
@example(rate_minor=999_999_999_999_999, decimals=30, whole=0, beside=-1)
@settings(max_examples=120, deadline=None)
def test_products_beside_a_half_are_rounded_right(rate_minor, decimals, whole, beside):
    """Rate x coefficient as close to a half as decimals can come: worked out backwards from the half."""
    scale = 10**decimals
    fraction = (scale // 2 + beside) * pow(rate_minor, -1, scale) % scale
    coefficient = whole + Fraction(fraction, scale)
    if coefficient == 0:
        return
    schedule = replace(
        SMALL,
        groups={"G": group("G", Fraction(rate_minor, 100_000))},
        coefficients=COEFFICIENTS[:1],
        providers={"P": (period("P", coefficient),)},
    )

    assert (rate_minor * coefficient) % 1 == Fraction(1, 2) + Fraction(beside, scale)
    assert_same([stay(provider_id="P")], Catalog.of([schedule]))


# Bugs this comparison found


@pytest.mark.parametrize("blank", ["", " ", "      ", "\u00a0\u2003\u00a0"])
def test_a_case_id_of_nothing_but_spaces_is_missing(blank):
    """Once only short ones were."""
    schedule = replace(SMALL, groups={"G": group("G", 1)})

    assert_same([stay(case_id=blank)], Catalog.of([schedule]))


# The same cases, told otherwise


def test_two_threads_price_like_one():
    catalog = aimed_catalog(3)
    table = table_from_cases(random_cases(catalog, 100, 3))
    many = pa.concat_tables([table] * 700)

    assert kernel_prices(many, catalog, threads=2) == kernel_prices(table, catalog) * 700


@pytest.mark.parametrize("seed", [0, 3, 6])
def test_typed_columns_are_read_like_text(seed):
    """Dates as date32 or timestamps, codes as dictionaries, numbers as narrow integers."""
    catalog = aimed_catalog(seed)
    cases = [
        replace(case, case_id=number)
        for number, case in enumerate(random_cases(catalog, 300, seed))
        if case.case_id and (case.quantity or 1) < 2**31 and -128 <= (case.age_years or 0) < 128
    ]
    for kind, arrow_type in ((datetime, pa.timestamp("s")), (date, pa.date32())):
        alike = [
            c
            for c in cases
            if all(type(d) in (kind, type(None)) for d in (c.admission_date, c.discharge_date))
        ]
        table = table_from_cases(alike)
        typed = {
            "case_id": pa.int64(),
            "admission_date": arrow_type,
            "discharge_date": arrow_type,
            "drg_code": pa.dictionary(pa.int32(), pa.string()),
            "care_setting": pa.dictionary(pa.int8(), pa.string()),
            "provider_id": pa.large_string(),
            "age_years": pa.int8(),
            "quantity": pa.int32(),
        }
        columns = {name: table[name].cast(typed.get(name, table[name].type)) for name in table.column_names}

        assert len(alike) > 20
        assert kernel_prices(pa.table(columns), catalog) == kernel_prices(table, catalog)


def test_more_than_65536_different_providers_in_one_table():
    """Codes nobody knows are numbered too; they must not wrap round onto known ones."""
    schedule = replace(SMALL, providers={"P": (period("P"),)}, groups={"G": group("G", 1)})
    count = (1 << 16) + 2
    table = pa.table(
        {
            "case_id": pa.array(np.arange(count)),
            "drg_code": ["G"] * count,
            "care_setting": ["inpatient"] * count,
            "provider_id": ["P", *(f"unknown-{number}" for number in range(count - 1))],
            "admission_date": [date(2025, 3, 1)] * count,
            "discharge_date": [date(2025, 3, 2)] * count,
        }
    )

    status = price_cases(table, Catalog.of([schedule])).status

    assert status[0] == CaseStatus.OK
    assert (status[1:] == CaseStatus.UNKNOWN_PROVIDER).all()


@pytest.mark.parametrize("days_later", [0, 1, 15_000, 20_000, 28_000])
def test_an_open_edition_prices_days_long_after_it_began(days_later):
    day = date(2026, 1, 1) + timedelta(days=days_later)
    schedule = replace(SMALL, effective_end_date=None, groups={"G": group("G", 1)})

    assert_same([stay(admission_date=day, discharge_date=day)], Catalog.of([schedule]))
