"""Pricing a table: what comes out, in how many threads, and what the kernel is never given."""

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest

from tariffcore import pricing
from tariffcore.cases import Case, table_from_cases
from tariffcore.encoded_cases import EncodedCases
from tariffcore.encoding import encode_cases
from tariffcore.errors import CatalogError
from tariffcore.plan import MISSING_DAY, Plan
from tariffcore.pricing import (
    PricedCases,
    check_encoded,
    component_column,
    decimals,
    default_threads,
    price_cases,
    price_encoded,
)
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog, DecidingDate, read_catalog
from tariffcore.schedule.model import Coefficient, CoefficientMode
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus
from tests.small_schedule import SMALL, group, period
from tests.strategies import aimed_catalog, random_cases

REAL = replace(SMALL, id="real", synthetic=False)
SMALL_CATALOG = Catalog.of([SMALL])


def stay(case_id="1", **values):
    """Ten days of an adult in group G1, 1,234.50 for weight 1.2345, changed as said."""
    ordinary = {
        "drg_code": "G1",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 11),
        "age_years": 40,
    }
    return Case(case_id=case_id, **{**ordinary, **values})


def price(*cases, catalog=SMALL_CATALOG, **options):
    return price_cases(table_from_cases(cases), catalog, **options)


def results(priced: PricedCases):
    """Everything that came out, in a form that can be compared."""
    columns = {name: column.to_pylist() for name, column in priced.columns().items()}
    return {
        "amount_minor": priced.amount_minor.tolist(),
        "status": priced.status.tolist(),
        "edition": priced.edition.tolist(),
        "rule": priced.rule.tolist(),
        **{name: parts.tolist() for name, parts in priced.components_minor.items()},
        **columns,
    }


# By hand


@pytest.mark.parametrize(
    ("case", "amount_minor", "rule_id"),
    [
        (stay(), 123_450, "inpatient"),
        # 1.2345 x 0.4 = 0.4938
        (stay(care_setting="day_hospital"), 49_380, "day_hospital"),
        # 1.2345 x 0.75 = 0.925875 -> 0.9259
        (stay(care_setting="day_hospital", procedure_codes=("13.73",)), 92_590, "surgical"),
        (stay(care_setting="day_hospital", procedure_codes=("88.55", "9.83")), 92_590, "surgical"),
        # 1,234.50 / 2
        (stay(care_setting="day_hospital", procedure_codes=("99.99", "88,55")), 61_725, "arteriography"),
        # 1,234.50 / 6
        (stay(care_setting="home"), 20_575, "home"),
        (stay(drg_code="CHILD", age_years=17), 150_000, "inpatient"),
        (stay(drg_code="CHILD", age_years=18), 100_000, "inpatient"),
        (stay(outcome="transferred", discharge_date=date(2025, 3, 4)), 52_907, "inpatient+interrupted"),
        (stay(outcome="transferred", discharge_date=date(2025, 3, 5)), 123_450, "inpatient"),
        (
            stay(outcome="died", discharge_date=date(2025, 3, 2), death_unavoidable=True),
            61_725,
            "inpatient+early_death",
        ),
        (
            stay(outcome="died", discharge_date=date(2025, 3, 2), death_unavoidable=False),
            123_450,
            "inpatient",
        ),
        # 10.01 / 3 = 3.336... -> 3.34, five times
        (
            stay(drg_code=None, service_code="VISIT", care_setting="home", quantity=5),
            1_670,
            "service.home",
        ),
        (
            stay(drg_code=None, service_code="VISIT", care_setting="home", quantity=5, factor_code="remote"),
            835,
            "service.home+remote",
        ),
        (
            stay(drg_code=None, service_code="VISIT", care_setting="outpatient", quantity=2),
            1_400,
            "service.outpatient.rate",
        ),
        (
            stay(
                drg_code=None,
                service_code="VISIT",
                care_setting="outpatient",
                discharge_date=date(2025, 6, 1),
            ),
            800,
            "service.outpatient.rate",
        ),
    ],
)
def test_worked_out_by_hand(case, amount_minor, rule_id):
    priced = price(case)

    assert [CaseStatus(status) for status in priced.status.tolist()] == [CaseStatus.OK]
    assert priced.amount_minor.tolist() == [amount_minor]
    assert priced.rule_ids() == [rule_id]
    assert priced.schedule_ids() == ["small"]


@pytest.mark.parametrize(
    ("case", "status"),
    [
        (stay(drg_code="G9"), CaseStatus.UNKNOWN_DRG),
        (stay(drg_code=None, service_code="G1"), CaseStatus.UNKNOWN_SERVICE),
        (stay(care_setting="ward"), CaseStatus.UNKNOWN_SETTING),
        (stay(care_setting="outpatient"), CaseStatus.NOT_PRICED_IN_SETTING),
        (stay(care_setting="reception_observation"), CaseStatus.STAY_OVER_LIMIT),
        (stay(outcome="Discharged"), CaseStatus.UNKNOWN_OUTCOME),
        (stay(outcome=None), CaseStatus.MISSING_FIELD),
        (stay(factor_code="remote"), CaseStatus.UNKNOWN_FACTOR),
        (stay(drg_code="ADULT", age_years=3), CaseStatus.MISSING_WEIGHT),
        (stay(drg_code="CHILD", age_years=None), CaseStatus.MISSING_FIELD),
        (
            stay(drg_code="NO-PLAN", outcome="transferred", discharge_date=date(2025, 3, 2)),
            CaseStatus.MISSING_PLANNED_DAYS,
        ),
        (stay(outcome="died", discharge_date=date(2025, 3, 2)), CaseStatus.MISSING_FIELD),
        (stay(discharge_date=date(2026, 1, 1)), CaseStatus.NO_SCHEDULE_FOR_DATE),
        (stay(discharge_date=date(2024, 12, 31)), CaseStatus.INVALID_DATES),
        (stay(age_years=131), CaseStatus.INVALID_FIELD),
        (
            stay(drg_code=None, service_code="CALL", care_setting="outpatient", quantity=2**31 - 1),
            CaseStatus.OK,
        ),
    ],
)
def test_a_case_without_an_amount_says_why(case, status):
    priced = price(case)

    assert priced.status.tolist() == [status]
    assert priced.ok.tolist() == [status is CaseStatus.OK]
    if status is not CaseStatus.OK:
        assert priced.amount_minor.tolist() == [0]
        assert priced.rule_ids() == [None]
        assert priced.columns()["amount"].to_pylist() == [None]


def with_providers(**periods):
    return replace(
        SMALL,
        coefficients=(
            Coefficient("density", CoefficientMode.MULTIPLIES, "made up"),
            Coefficient("rural", CoefficientMode.ADDS, "made up"),
        ),
        providers=periods,
    )


def test_coefficients_of_providers_by_date():
    schedule = with_providers(
        P1=(
            period("P1", "1.1", "1.05", end=date(2025, 3, 11)),
            period("P1", "2", "1", start=date(2025, 3, 11), end=date(2025, 4, 1)),
        )
    )
    catalog = Catalog.of([schedule])
    days = [date(2025, 3, 10), date(2025, 3, 11), date(2025, 3, 31), date(2025, 4, 1)]
    cases = [stay(provider_id="P1", admission_date=date(2025, 3, 1), discharge_date=day) for day in days]

    priced = price(*cases, stay(provider_id="P9"), stay(provider_id=" "), catalog=catalog)

    assert [CaseStatus(status).name for status in priced.status.tolist()] == [
        "OK",
        "OK",
        "OK",
        "NO_COEFFICIENT_FOR_DATE",
        "UNKNOWN_PROVIDER",
        "MISSING_FIELD",
    ]
    # 1,234.50 x (1.1 + 0.05) = 1,419.675 -> 1,419.68
    assert priced.amount_minor.tolist() == [141_968, 246_900, 246_900, 0, 0, 0]


# Catalogs and plans


def test_a_plan_prices_what_its_catalog_does_and_may_be_used_again():
    table = table_from_cases([stay(), stay(care_setting="home"), stay(drg_code="G9")])
    plan = Plan(SMALL_CATALOG)

    first, second = price_cases(table, plan), price_cases(table, plan)

    assert first.plan is second.plan is plan
    assert results(first) == results(second) == results(price_cases(table, SMALL_CATALOG))


def test_a_catalog_that_does_not_fit_is_an_error_before_any_case():
    editions = [
        replace(SMALL, id=f"e{number}", published=date(2024, 1, 1) + timedelta(days=number))
        for number in range(2)
    ]
    far = replace(editions[1], effective_start_date=date(2200, 1, 1), effective_end_date=None)

    with pytest.raises(CatalogError, match="days from the first edition to the last"):
        price_cases(pa.table({}), Catalog.of([editions[0], far]))


def test_editions_meet_at_a_day():
    later = replace(
        SMALL,
        id="later",
        published=date(2025, 12, 1),
        effective_start_date=date(2026, 1, 1),
        effective_end_date=None,
        groups={"G1": group("G1", 2)},
    )
    cases = [stay(discharge_date=day) for day in (date(2025, 12, 31), date(2026, 1, 1))]
    by_discharge = Catalog.of([SMALL, later])
    by_admission = Catalog.of([SMALL, later], deciding_date=DecidingDate.ADMISSION)

    assert price(*cases, catalog=by_discharge).schedule_ids() == ["small", "later"]
    assert price(*cases, catalog=by_discharge).amount_minor.tolist() == [123_450, 200_000]
    assert price(*cases, catalog=by_admission).schedule_ids() == ["small", "small"]
    assert price(*cases, catalog=by_discharge.known_on(date(2025, 1, 1))).schedule_ids() == ["small", None]


@pytest.mark.parametrize("days_after", [(-10, -3), (-2, 0), (-1, 1), (0, 2), (0, 4), (2, 4)])
@pytest.mark.parametrize("decides", DecidingDate)
def test_a_stay_around_the_last_day_that_has_a_code_is_as_long_as_any(decides, days_after):
    open_ended = replace(SMALL, effective_end_date=None)
    catalog = Catalog.of([open_ended], deciding_date=decides)
    last = date(1970, 1, 1) + timedelta(days=Plan(catalog).base_day + MISSING_DAY - 1)
    admission, discharge = (last + timedelta(days) for days in days_after)
    cases = [
        stay(admission_date=admission, discharge_date=discharge, outcome=outcome, length_of_stay_days=length)
        for outcome in ("discharged", "transferred", "died")
        for length in (None, (discharge - admission).days, 1)
    ]

    priced = price(*cases, catalog=catalog)

    twins = [reference_price(case, catalog) for case in cases]
    assert priced.status.tolist() == [twin.status for twin in twins]
    assert priced.amount_minor.tolist() == [twin.amount_minor or 0 for twin in twins]
    assert CaseStatus.OK in priced.status


# Threads


@pytest.fixture(scope="module")
def many():
    """More rows than four threads share out, of every kind, and the plan to price them."""
    catalog = aimed_catalog(3)
    cases = random_cases(catalog, 3_000, 3)
    table = table_from_cases(cases)
    return pa.concat_tables([table] * 60).slice(7).combine_chunks(), Plan(catalog)


def test_any_number_of_threads_gives_the_same(many):
    table, plan = many
    assert table.num_rows > 5 * (1 << 15), "otherwise nothing is shared out"

    one = price_cases(table, plan, components=True, threads=1)

    assert len(set(one.status.tolist())) > 10
    for threads in (0, 2, 3, 5, None):
        other = price_cases(table, plan, components=True, threads=threads)
        for name in ("amount_minor", "status", "edition", "rule", "parts_minor", "has_parts"):
            assert np.array_equal(getattr(one, name), getattr(other, name)), (threads, name)


@pytest.mark.parametrize(
    ("count", "threads", "shares"),
    [
        (0, 2, []),
        (1, 2, [(0, 1)]),
        ((1 << 16) - 1, 2, [(0, (1 << 16) - 1)]),
        (1 << 16, 2, [(0, 1 << 15), (1 << 15, 1 << 16)]),
        (1 << 16, 1, [(0, 1 << 16)]),
        (1 << 16, 0, [(0, 1 << 16)]),
        (1 << 16, 100, [(0, 1 << 15), (1 << 15, 1 << 16)]),
        (98_305, 3, [(0, 32_768), (32_768, 65_536), (65_536, 98_305)]),
    ],
)
def test_rows_are_shared_out_whole_and_once(count, threads, shares):
    done = []

    pricing._over_rows(lambda start, stop: done.append((start, stop)), count, threads)

    assert sorted(done) == shares


def test_what_goes_wrong_in_a_thread_is_told():
    def fail(start, stop):
        raise MemoryError(start)

    with pytest.raises(MemoryError):
        pricing._over_rows(fail, 1 << 17, 2)


def test_there_is_at_least_one_thread():
    assert default_threads() >= 1


def test_a_slice_is_priced_like_its_rows_alone(many):
    table, plan = many
    table = table.slice(0, 3_000)
    whole = results(price_cases(table, plan, components=True))

    for start, length in ((0, 1), (1, 700), (511, 513), (2_999, 1), (2_000, 1_000)):
        part = results(price_cases(table.slice(start, length), plan, components=True))
        assert part == {name: values[start : start + length] for name, values in whole.items()}


@pytest.mark.parametrize("count", [1, 2, 511, 512, 513, 1_023, 1_024, 1_025])
def test_blocks_of_the_loop_join_without_a_gap(count):
    """The kernel walks blocks of 512 rows."""
    settings = ["inpatient", "home", "day_hospital", "ward"]
    cases = [stay(case_id=str(row), care_setting=settings[row % 4]) for row in range(count)]

    priced = price(*cases, components=True)

    expected = [123_450, 20_575, 49_380, 0]
    assert priced.amount_minor.tolist() == [expected[row % 4] for row in range(count)]
    assert priced.ok.tolist() == [row % 4 < 3 for row in range(count)]


# Typed columns and text


def as_text(table):
    """The same table with every cell as text, as a CSV file has it."""
    columns = {}
    for name in table.column_names:
        cells = table[name].to_pylist()
        if name == "procedure_codes":
            cells = [None if cell is None else ";".join(code or "" for code in cell) for cell in cells]
        elif name == "claimed_amount":
            cells = [None if cell is None else f"{cell:f}" for cell in cells]
        columns[name] = pa.array([None if cell is None else str(cell) for cell in cells], pa.string())
    return pa.table(columns)


@pytest.mark.parametrize("seed", [1, 4, 8])
def test_text_is_priced_like_typed_columns(seed):
    catalog = aimed_catalog(seed)
    plan = Plan(catalog)
    cases = [
        replace(case, claimed_amount=Decimal(number) / 100)
        for number, case in enumerate(random_cases(catalog, 400, seed))
    ]
    typed = table_from_cases(cases)
    text = as_text(typed)
    encoded = pa.table({name: text[name].dictionary_encode() for name in text.column_names})
    empty_for_null = pa.table({name: text[name].fill_null("") for name in text.column_names})

    expected = results(price_cases(typed, plan, components=True))

    assert len(set(expected["status"])) > 5
    assert results(price_cases(text, plan, components=True)) == expected
    assert results(price_cases(encoded, plan, components=True)) == expected
    assert results(price_cases(empty_for_null, plan, components=True)) == expected


def test_tables_in_chunks_are_priced_like_one(many):
    table, plan = many
    whole = table.slice(0, 900)
    place = whole.column_names.index("drg_code")
    parts = [
        part.set_column(place, "drg_code", part["drg_code"].dictionary_encode())
        for part in (whole.slice(0, 400), whole.slice(400, 0), whole.slice(400))
    ]

    assert results(price_cases(pa.concat_tables(parts), plan)) == results(price_cases(whole, plan))


# The priced table


def test_the_priced_columns():
    cases = [
        stay("1", claimed_amount=Decimal("1234.60")),
        stay("2", drg_code="G9", claimed_amount=Decimal(5)),
        stay("3", drg_code="PARTS"),
        stay("4", discharge_date=date(2026, 2, 1), claimed_amount=Decimal("-1.5")),
    ]

    priced = price(*cases, components=True)
    table = pa.table(priced.columns())

    assert {field.name: str(field.type) for field in table.schema} == {
        "schedule_id": "dictionary<values=string, indices=int8, ordered=0>",
        "amount": "decimal128(18, 2)",
        "status": "dictionary<values=string, indices=int8, ordered=0>",
        "rule_id": "dictionary<values=string, indices=int8, ordered=0>",
        "method": "dictionary<values=string, indices=int8, ordered=0>",
        "component_staff": "decimal128(18, 2)",
        "component_drugs": "decimal128(18, 2)",
        "component_depreciation": "decimal128(18, 2)",
        "component_travel": "decimal128(18, 2)",
        "claimed_amount": "decimal128(18, 2)",
        "claimed_difference": "decimal128(19, 2)",
        "synthetic": "bool",
    }
    table.validate(full=True)
    parts = {component_column(name): None for name in ("staff", "drugs", "depreciation", "travel")}
    nothing = {"amount": None, "rule_id": None, "method": None, "claimed_difference": None, **parts}
    assert table.to_pylist() == [
        {
            **nothing,
            "schedule_id": "small",
            "amount": Decimal("1234.50"),
            "status": "OK",
            "rule_id": "inpatient",
            "method": "treated_case",
            "claimed_amount": Decimal("1234.60"),
            "claimed_difference": Decimal("0.10"),
            "synthetic": True,
        },
        {
            **nothing,
            "schedule_id": "small",
            "status": "UNKNOWN_DRG",
            "claimed_amount": Decimal("5.00"),
            "synthetic": True,
        },
        {
            **nothing,
            "schedule_id": "small",
            "amount": Decimal("0.10"),
            "status": "OK",
            "rule_id": "inpatient",
            "method": "treated_case",
            "component_staff": Decimal("0.03"),
            "component_drugs": Decimal("0.04"),
            "component_depreciation": Decimal("0.03"),
            "component_travel": Decimal("0.00"),
            "claimed_amount": None,
            "synthetic": True,
        },
        {
            **nothing,
            "schedule_id": None,
            "status": "NO_SCHEDULE_FOR_DATE",
            "claimed_amount": Decimal("-1.50"),
            "synthetic": False,
        },
    ]


def test_only_what_was_asked_for_or_given_has_a_column():
    table = table_from_cases([stay()]).drop_columns(["claimed_amount"])

    priced = price_cases(table, Catalog.of([REAL]))

    assert list(priced.columns()) == ["schedule_id", "amount", "status", "rule_id", "method"]
    assert priced.difference_minor is None
    assert priced.has_difference.tolist() == [False]
    assert priced.components_minor == {}
    assert list(price_cases(table, Catalog.of([SMALL])).columns())[-1] == "synthetic"


def test_a_catalog_of_real_and_made_up_editions_says_of_each_row_which():
    later = replace(
        REAL,
        id="later",
        published=date(2025, 12, 1),
        effective_start_date=date(2026, 1, 1),
        effective_end_date=None,
    )
    cases = [stay(discharge_date=day) for day in (date(2025, 3, 11), date(2026, 1, 5))]

    columns = price(*cases, catalog=Catalog.of([SMALL, later])).columns()

    assert columns["synthetic"].to_pylist() == [True, False]


def test_differences_are_claimed_less_priced():
    claims = ["1234.50", "1000", "9999999999999999.99", "-9999999999999999.99", None]
    cases = [stay(claimed_amount=claim and Decimal(claim)) for claim in claims]

    priced = price(*cases)

    assert priced.has_difference.tolist() == [True] * 4 + [False]
    assert priced.difference_minor.tolist() == [0, -23_450, 10**18 - 123_451, -(10**18) - 123_449, 0]
    assert priced.columns()["claimed_difference"].to_pylist() == [
        Decimal("0.00"),
        Decimal("-234.50"),
        Decimal("9999999999998765.49"),
        Decimal("-10000000000001234.49"),
        None,
    ]


def test_components_sum_to_the_amount(many):
    table, plan = many
    priced = price_cases(table.slice(0, 30_000), plan, components=True)

    split = priced.has_parts.view(np.bool_)
    assert 100 < split.sum() < len(priced)
    assert np.array_equal(priced.parts_minor.sum(axis=0)[split], priced.amount_minor[split])
    assert (priced.parts_minor >= 0).all()
    assert (priced.parts_minor[:, ~split] == 0).all()
    assert not (split & ~priced.ok).any()
    assert list(priced.components_minor) == list(plan.component_names)


def test_a_schedule_without_components_has_none():
    catalog = Catalog.of([replace(SMALL, components=(), groups={"G1": group("G1", 1)})])

    priced = price(stay(), catalog=catalog, components=True)

    assert priced.components_minor == {}
    assert priced.has_parts.tolist() == [0]
    assert [name for name in priced.columns() if name.startswith("component_")] == []


def test_a_component_of_another_edition_is_nothing_not_null():
    later = replace(
        SMALL,
        id="later",
        published=date(2025, 12, 1),
        effective_start_date=date(2026, 1, 1),
        effective_end_date=None,
        components=tuple(
            replace(row, component="people") for row in SMALL.components if row.component == "travel"
        ),
    )
    cases = [
        stay(drg_code="PARTS", care_setting="home", discharge_date=day)
        for day in (date(2025, 3, 11), date(2026, 1, 5))
    ]

    priced = price(*cases, catalog=Catalog.of([SMALL, later]), components=True)

    parts = {name: minor.tolist() for name, minor in priced.components_minor.items()}
    assert parts == {
        "staff": [0, 0],
        "drugs": [0, 0],
        "depreciation": [0, 0],
        "travel": [2, 0],
        "people": [0, 2],
    }
    assert priced.has_parts.tolist() == [1, 1]


@pytest.mark.parametrize("minor_units", [0, 2, 3, 4])
def test_amounts_have_the_decimals_of_their_currency(minor_units):
    places = replace(SMALL.roundings.tariff, places=minor_units)
    schedule = replace(
        SMALL,
        minor_units=minor_units,
        roundings=replace(SMALL.roundings, tariff=places, unit=places),
        services={},
    )

    columns = price(stay(claimed_amount=Decimal(1)), catalog=Catalog.of([schedule])).columns()

    amount = Decimal(Fraction("1234.5").numerator) / 2
    rounded = amount.quantize(Decimal(1).scaleb(-minor_units), rounding="ROUND_HALF_UP")
    assert columns["amount"].to_pylist() == [rounded]
    assert columns["amount"].type == pa.decimal128(18, minor_units)
    assert columns["claimed_difference"].to_pylist() == [1 - rounded]


@pytest.mark.parametrize("valid", [[True, True, True], [True, False, True], [False, False, False]])
def test_decimals_of_minor_units(valid):
    minor = np.array([10**18 - 1, 5, -1], dtype=np.int64)

    column = decimals(minor, 2, np.array(valid))

    column.validate(full=True)
    values = [Decimal("9999999999999999.99"), Decimal("0.05"), Decimal("-0.01")]
    assert column.to_pylist() == [value if ok else None for value, ok in zip(values, valid, strict=True)]
    assert decimals(minor[:0], 2, np.array([], dtype=bool)).to_pylist() == []


@pytest.mark.parametrize("table", [pa.table({}), table_from_cases([]), table_from_cases([stay()]).slice(1)])
def test_a_table_without_rows_has_its_columns(table):
    priced = price_cases(table, SMALL_CATALOG, components=True, threads=2)

    assert len(priced) == 0
    assert priced.schedule_ids() == priced.rule_ids() == []
    columns = pa.table(priced.columns())
    columns.validate(full=True)
    assert columns.num_rows == 0
    assert columns["amount"].type == pa.decimal128(18, 2)
    assert "component_staff" in columns.column_names


def test_no_column_but_our_own_comes_out():
    table = table_from_cases([stay()]).append_column("surname", [["Secret"]])

    priced = pa.table(price_cases(table, SMALL_CATALOG, components=True).columns())

    assert "Secret" not in str(priced.to_pylist())


def test_malformed_rows_keep_their_place():
    priced = price(stay(), stay(), stay(), malformed=np.array([1]))

    assert [CaseStatus(status).name for status in priced.status.tolist()] == ["OK", "MALFORMED_ROW", "OK"]


# What the kernel is never given


def encoded_cases(plan, count=3):
    return encode_cases(table_from_cases([stay(str(row), quantity=row + 1) for row in range(count)]), plan)


WRONG_DTYPES = [
    (name, dtype)
    for name, dtypes in {
        "deciding_day": (np.int16, np.uint32, np.dtype(">u2")),
        "admission_day": (np.int16, np.uint32),
        "discharge_day": (np.int64, np.float32),
        "item": (np.int16, np.uint8, np.dtype(">u2")),
        "provider": (np.int32, np.uint32),
        "variant": (np.uint32, np.int16),
        "age": (np.int8, np.uint16, np.bool_),
        "outcome": (np.int8, np.uint16),
        "quantity": (np.int32, np.uint64, np.int64),
    }.items()
    for dtype in dtypes
]


@pytest.mark.parametrize(("name", "dtype"), WRONG_DTYPES, ids=str)
def test_an_array_of_another_type_is_refused(name, dtype):
    plan = Plan(SMALL_CATALOG)
    cases = encoded_cases(plan)

    with pytest.raises(ValueError, match=f"{name} is not a contiguous array of 3 uint"):
        price_encoded(replace(cases, **{name: getattr(cases, name).astype(dtype)}), plan)


ARRAYS = ("admission_day", "discharge_day", "item", "provider", "variant", "age", "outcome", "quantity")


def shapes_other_than(array):
    yield array[:-1]
    yield np.concatenate([array, array])
    yield np.repeat(array, 2)[::2]  # as long, but not in one piece
    yield array.reshape(1, -1)
    yield array[:0]


@pytest.mark.parametrize("name", ARRAYS)
def test_an_array_of_another_length_or_in_pieces_is_refused(name):
    plan = Plan(SMALL_CATALOG)
    cases = encoded_cases(plan)

    for array in shapes_other_than(getattr(cases, name)):
        with pytest.raises(ValueError, match=f"{name} is not a contiguous array of 3 uint"):
            check_encoded(replace(cases, **{name: array}), plan)


@pytest.mark.parametrize("name", ["item", "provider", "variant", "outcome"])
def test_a_number_the_plan_does_not_know_is_refused(name):
    plan = Plan(Catalog.of([with_providers(P1=(period("P1", 1, 1),))]))
    limit = {
        "item": plan.item_count,
        "provider": 2 + len(plan.provider_rows),
        "variant": plan.variant_count,
        "outcome": plan.outcome_count,
    }[name]
    cases = encoded_cases(plan)
    array = getattr(cases, name).copy()

    array[1] = limit - 1
    check_encoded(replace(cases, **{name: array}), plan)
    for beyond in (limit, np.iinfo(array.dtype).max):
        array[1] = beyond
        with pytest.raises(ValueError, match=f"{name} holds {beyond}, the plan knows numbers below {limit}"):
            price_encoded(replace(cases, **{name: array}), plan)


def test_every_array_the_kernel_reads_is_checked():
    arrays = {
        field.name
        for field in fields(EncodedCases)
        if isinstance(getattr(encoded_cases(Plan(SMALL_CATALOG)), field.name), np.ndarray)
    }

    for_python = {"claimed_minor", "claimed_missing", "marked", "marked_edition"}
    assert arrays - for_python == {"deciding_day", *ARRAYS}


@pytest.mark.parametrize("name", ["deciding_day", "admission_day", "discharge_day", "age"])
def test_any_day_and_any_age_may_stand_there(name):
    """Every number of these widths has its place in the tables."""
    plan = Plan(SMALL_CATALOG)
    array = np.arange(np.iinfo(getattr(encoded_cases(plan), name).dtype).max + 1)
    cases = encoded_cases(plan, len(array))

    priced = price_encoded(replace(cases, **{name: array.astype(getattr(cases, name).dtype)}), plan)

    assert (priced.status != CaseStatus.UNSPECIFIED).all()


def test_an_amount_is_that_of_the_twin_and_nothing_else():
    """One more look at the whole: a hundred cases of an aimed catalog, read from typed columns."""
    catalog = aimed_catalog(11)
    cases = random_cases(catalog, 100, 11)

    priced = price(*cases, catalog=catalog)

    twins = [reference_price(case, catalog) for case in cases]
    assert priced.status.tolist() == [int(twin.status) for twin in twins]
    assert priced.amount_minor.tolist() == [twin.amount_minor or 0 for twin in twins]


def test_a_time_of_day_does_not_move_a_case_into_the_next_edition():
    case = stay(discharge_date=datetime(2025, 12, 31, 23, 59, 59))

    assert price(case).status.tolist() == [CaseStatus.OK]


def test_a_claim_that_cannot_be_read_is_no_claim_of_nothing():
    """It once came out as 0.00."""
    table = pa.table({"case_id": ["1"], "claimed_amount": ["686930.985"]})
    columns = price_cases(table, read_catalog(resolve(["kz"]))).columns()

    assert columns["claimed_amount"].to_pylist() == [None]
    assert columns["claimed_difference"].to_pylist() == [None]
