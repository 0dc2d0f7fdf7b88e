"""One case at a time comes to what a table of it comes to, and to what the twin says, for every status."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.cases import Case, table_from_cases
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.single_case import PricedCase, price_case
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests.small_schedule import SMALL
from tests.strategies import aimed_catalog, cases_for, catalogs, random_cases

PLAN = Plan(Catalog.of([SMALL]))
CLAIMS = [
    None,
    Decimal("0"),
    Decimal("1234.50"),
    Decimal("-3"),
    Decimal("0.001"),
    Decimal("1E+17"),
    Decimal("nan"),
]


def stay(**values):
    """Ten days of an adult in group G1, 1,234.50 for weight 1.2345, changed as said."""
    ordinary = {
        "case_id": "1",
        "drg_code": "G1",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 11),
        "age_years": 40,
    }
    return Case(**{**ordinary, **values})


def of_table(cases, plan):
    """What pricing a table of the cases says of each."""
    priced = price_cases(table_from_cases(cases), plan, components=True, threads=1)
    editions = [None, *plan.editions]
    for row, rule_id in enumerate(priced.rule_ids()):
        ok = bool(priced.ok[row])
        yield PricedCase(
            CaseStatus(int(priced.status[row])),
            int(priced.amount_minor[row]) if ok else None,
            rule_id,
            editions[priced.edition[row]],
            tuple(priced.parts_minor[:, row].tolist()) if priced.has_parts[row] else None,
            int(priced.difference_minor[row]) if priced.has_difference[row] else None,
            priced.methods()[row],
        )


def test_every_status_is_that_of_a_table():
    seen = Counter()
    for seed in range(10):
        plan = Plan(aimed_catalog(seed))
        cases = [
            replace(case, claimed_amount=CLAIMS[number % len(CLAIMS)])
            for number, case in enumerate(random_cases(plan.catalog, 600, seed))
        ]
        for case, expected in zip(cases, of_table(cases, plan), strict=True):
            assert price_case(case, plan, components=True) == expected, case
            seen[expected.status] += 1
    assert (
        set(seen) == set(CaseStatus) - {CaseStatus.UNSPECIFIED, CaseStatus.MALFORMED_ROW} - GROUPING_STATUSES
    )


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_the_twin_says_the_same(data):
    plan = Plan(data.draw(catalogs()))
    for case in data.draw(st.lists(cases_for(plan.catalog), min_size=1, max_size=8)):
        twin = reference_price(case, plan.catalog)
        priced = price_case(case, plan, components=True)
        found = None if priced.edition is None else priced.edition.id
        assert (priced.status, priced.amount_minor, found, priced.rule_id) == (
            twin.status,
            twin.amount_minor,
            twin.schedule_id,
            twin.rule_id,
        )
        parts = None
        if twin.components_minor is not None:
            parts = tuple(twin.components_minor.get(name, 0) for name in plan.component_names)
        assert priced.parts_minor == parts


def test_an_ordinary_case_by_hand():
    assert price_case(stay(claimed_amount=Decimal("1300.00")), PLAN) == PricedCase(
        CaseStatus.OK, 123450, "inpatient", SMALL, None, 6550, PaymentMethod.TREATED_CASE
    )


def test_components_only_where_asked_for():
    plan = Plan(aimed_catalog(1))
    assert all(price_case(case, plan).parts_minor is None for case in random_cases(plan.catalog, 200, 1))


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"case_id": 7}, CaseStatus.OK),
        ({"case_id": "\u00a0 "}, CaseStatus.MISSING_FIELD),
        ({"drg_code": " G1\u00a0"}, CaseStatus.OK),
        ({"drg_code": "\N{REPLACEMENT CHARACTER}"}, CaseStatus.UNKNOWN_DRG),
        ({"admission_date": datetime(2025, 3, 1, tzinfo=UTC)}, CaseStatus.INVALID_FIELD),
        ({"discharge_date": date.max}, CaseStatus.INVALID_DATES),
        ({"admission_date": date.min, "discharge_date": date.min}, CaseStatus.NO_SCHEDULE_FOR_DATE),
        ({"age_years": 10**30}, CaseStatus.INVALID_FIELD),
        ({"quantity": -(10**30)}, CaseStatus.INVALID_FIELD),
        ({"length_of_stay_days": 2**32 - 1}, CaseStatus.INVALID_FIELD),
        ({"claimed_amount": Decimal("Infinity")}, CaseStatus.INVALID_FIELD),
        ({"claimed_amount": Decimal("0.005"), "case_id": None}, CaseStatus.INVALID_FIELD),
        ({"procedure_codes": ("", " ")}, CaseStatus.OK),
    ],
)
def test_odd_fields(fields, status):
    case = stay(**fields)
    assert price_case(case, PLAN).status is status
    if "claimed_amount" not in fields:
        assert [found.status for found in of_table([case], PLAN)] == [status]


def test_the_day_that_decides_is_the_catalogs():
    plan = Plan(Catalog.of([SMALL], deciding_date=DecidingDate.ADMISSION))
    early = stay(admission_date=date(2024, 12, 31), discharge_date=date(2025, 1, 5))
    assert price_case(early, plan).status is CaseStatus.NO_SCHEDULE_FOR_DATE
    assert price_case(early, PLAN).status is CaseStatus.OK
    lasting = stay(admission_date=None, length_of_stay_days=3)
    assert price_case(lasting, plan).status is CaseStatus.MISSING_FIELD
    assert price_case(lasting, PLAN).status is CaseStatus.OK


def test_a_plan_is_let_go():
    import gc
    import weakref

    plan = Plan(Catalog.of([SMALL]))
    price_case(stay(), plan)
    kept = weakref.ref(plan)
    del plan
    gc.collect()
    assert kept() is None
