"""A catalog laid out for the kernel: exact short cuts, numbers for everything, limits in words."""

import gc
import weakref
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tariffcore.cases import Case, table_from_cases
from tariffcore.errors import CatalogError
from tariffcore.money import RoundingMode, round_to_int
from tariffcore.numbering import FactorRow, own_rate_id, stay_factor
from tariffcore.plan import (
    DAY_CODES,
    DEATH_ANSWERS,
    INVALID_DAY,
    INVALID_STAY,
    MALFORMED_DAY,
    MISSING_DAY,
    OUTSIDE_DAY,
    Plan,
    SettingKey,
)
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import Catalog, read_catalog
from tariffcore.schedule.model import (
    AppliesTo,
    Coefficient,
    CoefficientMode,
    ComponentShare,
    Factor,
    Pay,
    Rounding,
    Unit,
)
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus
from tariffcore.tables import (
    FRACTION_BITS,
    MULTIPLIER_BITS,
    WIDE_COEFFICIENT_COLUMNS,
    WIDE_RATE,
    Layout,
    PerRate,
    reciprocal,
)
from tests.small_schedule import SMALL, exception, group, period, service, share, stay_rule

LARGEST = 2**63 - 1
MULTIPLIES = Coefficient("all", CoefficientMode.MULTIPLIES, "made up")


def next_edition(schedule_id, start, **changes):
    """The small schedule again, in force from a later day and published the day before."""
    return replace(
        SMALL,
        id=schedule_id,
        published=start - timedelta(days=1),
        effective_start_date=start,
        effective_end_date=None,
        **changes,
    )


# Division by multiplication


def divided(n, divisor):
    magic, shift = reciprocal(divisor)
    assert 0 < magic < 1 << 64
    return n * magic >> 64 >> shift


def beside(divisor):
    """Dividends at which the quotient turns, with their neighbours, from the smallest to the largest."""
    last = LARGEST // divisor
    for quotient in {0, 1, 2, last // 2, last - 1, last}:
        for n in range(quotient * divisor - 2, quotient * divisor + 3):
            if 0 <= n <= LARGEST:
                yield n
    yield from (LARGEST - 1, LARGEST)


POWERS = [2**power + apart for power in range(1, 64) for apart in (-1, 0, 1)]
DIVISORS = [d for d in [*range(2, 600), *POWERS, 10**18, 2 * 999_999_937, 6 * 10**17] if 2 <= d <= 2**63]


def test_multiplying_divides_at_every_turn():
    for divisor in DIVISORS:
        for n in beside(divisor):
            assert divided(n, divisor) == n // divisor, (n, divisor)


@given(st.integers(0, LARGEST), st.integers(2, 2**63) | st.integers(2, 10**6))
@example(LARGEST, 2**63)
@example(LARGEST, 2)
@settings(max_examples=1_000)
def test_multiplying_divides(n, divisor):
    assert divided(n, divisor) == n // divisor


@given(st.integers(2, 2**63), st.integers(0, 2**61), st.integers(-1, 1))
@settings(max_examples=1_000)
def test_multiplying_divides_beside_multiples(divisor, quotient, apart):
    n = min(LARGEST, max(0, quotient % (LARGEST // divisor + 1) * divisor + apart))

    assert divided(n, divisor) == n // divisor


@pytest.mark.parametrize("divisor", [-1, 0, 1, 2**63 + 1, 2**64])
def test_what_has_no_reciprocal(divisor):
    with pytest.raises(ValueError, match=f"no reciprocal for {divisor}"):
        reciprocal(divisor)


# Multiplying with a fixed-point coefficient

VALUES = [
    *(Fraction(1), Fraction(1, 2), Fraction(3, 2), Fraction(1, 3), Fraction(10_973, 10_000), Fraction(35, 9)),
    *(Fraction(10**9 + 7, 2 * 10**9), Fraction(1, 10**12), Fraction(2**40 - 1, 2**40), Fraction(3, 10**15)),
]


def short_cut(row, rate_minor):
    """What the kernel makes of a rate; None where it leaves it to the whole rule."""
    multiplier, bias = row
    assert max(row) < 1 << 64
    if rate_minor >= WIDE_RATE:
        return None
    reached = (rate_minor * multiplier >> MULTIPLIER_BITS - FRACTION_BITS) + bias
    assert reached < 1 << 63
    amount_minor, fraction = divmod(reached, 1 << FRACTION_BITS)
    return None if fraction == 0 else amount_minor


def rates_to_try(value):
    """The first and the last rates of the short cut, and those beside whole numbers and halves."""
    yield from range(3)
    yield from range(WIDE_RATE - 3, WIDE_RATE)
    numerator, denominator = value.numerator, value.denominator
    half = denominator // 2
    for remainder in {0, 1 % denominator, denominator - 1, half, (half + 1) % denominator}:
        first = remainder * pow(numerator, -1, denominator) % denominator
        if first < WIDE_RATE:
            yield first
            yield first + (WIDE_RATE - 1 - first) // denominator * denominator


def assert_exact_or_left(value, mode):
    row = PerRate(value, mode, 1).short_row()
    for rate_minor in rates_to_try(value):
        exact = round_to_int(rate_minor * value, mode)
        found = short_cut(row, rate_minor)
        assert found in (None, exact), rate_minor
        if row[0] and found is None:
            tie = Fraction(1, 2) if mode in HALVES else 0
            assert abs((rate_minor * value - tie + Fraction(1, 2)) % 1 - Fraction(1, 2)) < Fraction(
                1, 1 << 27
            )


HALVES = (RoundingMode.HALF_UP, RoundingMode.HALF_EVEN)


@pytest.mark.parametrize("mode", RoundingMode)
@pytest.mark.parametrize("value", VALUES, ids=str)
def test_the_short_cut_is_exact_or_not_taken(value, mode):
    assert PerRate(value, mode, 1).short_row()[0] > 0
    assert_exact_or_left(value, mode)


@given(
    st.integers(1, 10**9) | st.integers(1, 10**18),
    st.integers(1, 10**6) | st.integers(2**26 - 99, 2**26 + 99) | st.integers(1, 10**18),
    st.sampled_from(RoundingMode),
)
@example(1, 2**26, RoundingMode.HALF_UP)
@example(2**26 - 1, 2**26, RoundingMode.DOWN)
@settings(max_examples=500, deadline=None)
def test_the_short_cut_is_exact_or_not_taken_for_any_coefficient(numerator, denominator, mode):
    assert_exact_or_left(Fraction(numerator, denominator), mode)


@pytest.mark.parametrize("mode", [RoundingMode.HALF_UP, RoundingMode.DOWN])
@pytest.mark.parametrize("denominator", [2, 10_000, 10**7, 2**26 - 1, 2**26])
def test_short_coefficients_leave_nothing_to_the_whole_rule(denominator, mode):
    """Not even ties: their fraction is moved off 0, further than the multiplier can be wrong."""
    value = Fraction(denominator // 2 + 1 + denominator % 2, denominator)
    row = PerRate(value, mode, 1).short_row()

    for rate_minor in rates_to_try(value):
        assert short_cut(row, rate_minor) == round_to_int(rate_minor * value, mode), rate_minor


@pytest.mark.parametrize(
    ("value", "mode", "step"),
    [
        (Fraction(1), RoundingMode.HALF_UP, 100),
        (Fraction(16), RoundingMode.HALF_UP, 1),
        (Fraction(10**18), RoundingMode.HALF_UP, 1),
    ],
)
def test_what_the_short_cut_leaves_to_the_whole_rule(value, mode, step):
    assert PerRate(value, mode, step).short_row() == (0, 0)


@pytest.mark.parametrize(
    "value", [Fraction(1), Fraction("1.128113"), Fraction("1.5") / 7, Fraction("3.999999"), Fraction("1e-9")]
)
def test_the_short_cut_serves_nearly_every_ordinary_tariff(value):
    """Up to twenty million tenge: a tie or its nearest neighbour may be left, one in a million."""
    row = PerRate(value, RoundingMode.HALF_UP, 1).short_row()

    left = [rate for rate in range(1, WIDE_RATE, WIDE_RATE // 9_973) if short_cut(row, rate) is None]

    assert len(left) <= 1


def test_the_value_itself_stands_beside_the_short_cut():
    value = Fraction(2**70 + 1, 2**65 * 3)
    row = dict(zip(WIDE_COEFFICIENT_COLUMNS, PerRate(value, RoundingMode.UP, 100).wide_row(), strict=True))

    assert (row["numerator_high"] << 64) + row["numerator_low"] == value.numerator
    assert (row["denominator_high"] << 64) + row["denominator_low"] == value.denominator
    assert row["step"] == 100
    assert all(number < 1 << 64 for number in row.values())


# Days


def test_day_codes_and_their_edges():
    plan = Plan(Catalog.of([SMALL]))
    first = date(1970, 1, 1) + timedelta(days=plan.base_day)

    assert first == SMALL.effective_start_date - timedelta(days=36_525)
    assert plan.day_code(first) == 0
    assert plan.day_code(first - timedelta(days=1)) == OUTSIDE_DAY
    assert plan.day_code(SMALL.effective_start_date) == 36_525
    assert plan.day_code(first + timedelta(days=MISSING_DAY - 1)) == MISSING_DAY - 1
    assert plan.day_code(first + timedelta(days=MISSING_DAY)) == OUTSIDE_DAY
    assert plan.day_code(date.max) == plan.day_code(date.min) == OUTSIDE_DAY


def test_the_codes_that_are_no_days_come_last():
    codes = (MISSING_DAY, INVALID_DAY, INVALID_STAY, OUTSIDE_DAY, MALFORMED_DAY)

    assert codes == tuple(range(DAY_CODES - 5, DAY_CODES))
    assert (Plan(Catalog.of([SMALL])).edition_of_day[list(codes)] == -1).all()


def test_which_edition_prices_a_day():
    later = next_edition("later", date(2026, 3, 1))
    plan = Plan(Catalog.of([SMALL, later]))
    days = {
        date(2024, 12, 31): -1,
        date(2025, 1, 1): 0,
        date(2025, 12, 31): 0,
        date(2026, 1, 1): -1,
        date(2026, 2, 28): -1,
        date(2026, 3, 1): 1,
        date(2095, 1, 1): 1,
    }

    assert [schedule.id for schedule in plan.editions] == ["small", "later"]
    assert {day: plan.edition_of_day[plan.day_code(day)] for day in days} == days


def test_an_edition_that_another_interrupts_is_one_edition():
    short = replace(
        next_edition("short", date(2025, 5, 1)),
        published=date(2025, 4, 1),
        effective_end_date=date(2025, 6, 1),
    )
    plan = Plan(Catalog.of([SMALL, short]))

    days = [date(2025, 4, 30), date(2025, 5, 1), date(2025, 5, 31), date(2025, 6, 1)]
    assert [plan.editions[plan.edition_of_day[plan.day_code(day)]].id for day in days] == [
        *("small", "short", "short", "small")
    ]
    assert len(plan.editions) == 2


# Numbers and names


def test_every_code_of_every_edition_has_a_number_of_its_own():
    later = next_edition(
        "later",
        date(2026, 1, 1),
        groups={"NEW": group("NEW", 1), "G1": group("G1", 2)},
        services={"G1": (service("G1", 5),)},  # a service may be called like a group
        providers={"P2": (period("P2"),), "P1": (period("P1"),)},
    )
    plan = Plan(Catalog.of([replace(SMALL, providers={"P1": (period("P1"),)}), later]))

    items = [*plan.drg_items.values(), *plan.service_items.values()]
    assert sorted(items) == list(range(2, plan.item_count))
    assert set(plan.drg_items) == {*SMALL.groups, "NEW"}
    assert set(plan.service_items) == {*SMALL.services, "G1"}
    assert plan.drg_items["G1"] != plan.service_items["G1"]
    assert plan.provider_rows == {"P1": 2, "P2": 3}
    assert plan.outcome_count == (2 + len(SMALL.outcomes)) * DEATH_ANSWERS


def test_setting_keys_are_settings_with_hours_and_factors():
    plan = Plan(Catalog.of([SMALL]))
    keys = plan.setting_keys

    assert keys[0] == SettingKey(None)
    assert len(set(keys)) == len(keys)
    assert {key: number for number, key in enumerate(keys)} == plan.setting_key_numbers
    for setting in SMALL.care_settings:
        hours = {key.over_limit for key in keys if key.care_setting == setting}
        assert hours == ({False, True, None} if setting == "reception_observation" else {False})
        factors = {key.factor_code for key in keys if key.care_setting == setting}
        assert factors == {None, "", "remote"}
    assert plan.variant_count == len(keys) << len(plan.procedure_lists)


def test_the_same_list_of_procedures_is_one_bit_in_all_editions():
    shared = exception("again", {"1373", "0983"}, "1/4", AppliesTo.TARIFF)
    other = exception("other", {"1373"}, "1/8", AppliesTo.TARIFF)
    later = next_edition(
        "later", date(2026, 1, 1), shares=(share("inpatient", 1, exceptions=[shared, other]),)
    )

    plan = Plan(Catalog.of([SMALL, later]))

    assert plan.procedure_lists == (
        frozenset({"1373", "0983"}),
        frozenset({"8855"}),
        frozenset({"1373"}),
    )
    assert plan.procedure_bits == {"1373": 0b101, "0983": 0b001, "8855": 0b010}


def test_rules_have_names():
    plan = Plan(Catalog.of([SMALL]))

    shares = {"inpatient", "day_hospital", "surgical", "arteriography", "home", "reception_observation"}
    shares |= {"service.home", "service.outpatient.rate", "call.outpatient.rate"}
    factors = ("interrupted", "early_death", "remote")
    with_factors = {f"{name}+{factor}" for name in shares for factor in factors}
    assert {name for name in plan.rule_ids if name is not None} == shares | with_factors
    assert len(plan.rule_ids) == plan.column_count * len(plan.factor_rows)
    assert own_rate_id(Unit.BED_DAY, "home") == "bed_day.home.rate"


def test_factors_that_pay_in_full_come_first():
    rules = (
        stay_rule("a_share", Pay.SHARE, value="1/3"),
        stay_rule("b_whole", Pay.SHARE, value=1),
        stay_rule("c_full", Pay.FULL),
        stay_rule("d_days", Pay.PER_PLANNED_DAY),
    )
    plan = Plan(Catalog.of([replace(SMALL, stay_rules=rules)]))

    rows = list(plan.factor_rows)
    assert rows[0] == FactorRow(None, Pay.FULL, Fraction(1))
    assert [row.pays_in_full for row in rows] == sorted((row.pays_in_full for row in rows), reverse=True)
    assert [row.name for row in rows if row.pays_in_full] == [None, "b_whole", "c_full"]
    assert stay_factor(rules[3]) == FactorRow("d_days", Pay.PER_PLANNED_DAY, Fraction(1))
    assert list(plan.factor_rows.values()) == list(range(len(rows)))


# What changes within an edition


def test_services_and_coefficients_change_on_their_days():
    schedule = replace(
        SMALL,
        services={
            "VISIT": (
                service("VISIT", 1, "outpatient", end=date(2025, 3, 1)),
                service("VISIT", 2, "outpatient", start=date(2025, 3, 1), end=date(2025, 5, 1)),
                service("VISIT", 3, "outpatient", start=date(2025, 6, 1)),
            ),
        },
        coefficients=(MULTIPLIES,),
        providers={
            "P": (
                period("P", 1, end=date(2025, 2, 1)),
                period("P", 2, start=date(2025, 2, 1), end=date(2025, 4, 1)),
                period("P", 3, start=date(2025, 4, 1)),
            )
        },
    )
    days = {
        date(2025, 1, 31): 100,
        date(2025, 2, 1): 200,
        date(2025, 2, 28): 200,
        date(2025, 3, 1): 400,
        date(2025, 3, 31): 400,
        date(2025, 4, 1): 600,
        date(2025, 4, 30): 600,
        date(2025, 5, 1): CaseStatus.UNKNOWN_SERVICE,
        date(2025, 5, 31): CaseStatus.UNKNOWN_SERVICE,
        date(2025, 6, 1): 900,
        date(2025, 12, 31): 900,
        date(2026, 1, 1): CaseStatus.NO_SCHEDULE_FOR_DATE,
    }
    visits = [
        Case(case_id="1", service_code="VISIT", provider_id="P", care_setting=setting, discharge_date=day)
        for setting in ["outpatient"]
        for day in days
    ]

    priced = price_cases(table_from_cases(visits), Catalog.of([schedule]))

    found = [
        amount if status == CaseStatus.OK else CaseStatus(status)
        for status, amount in zip(priced.status.tolist(), priced.amount_minor.tolist(), strict=True)
    ]
    assert found == list(days.values())


def test_services_change_where_another_edition_interrupts_theirs():
    """The service's old row ends, and its new one begins, while another edition is in force."""
    visits = {
        "VISIT": (
            service("VISIT", 1, "outpatient", end=date(2025, 5, 10)),
            service("VISIT", 2, "outpatient", start=date(2025, 5, 20)),
        ),
        "CALL": (service("CALL", 7, "outpatient", unit=Unit.CALL),),
    }
    short = replace(
        next_edition("short", date(2025, 5, 1)),
        published=date(2025, 4, 1),
        effective_end_date=date(2025, 6, 1),
        services={"CALL": (service("CALL", 8, "outpatient", start=date(2025, 5, 15)),)},
    )
    catalog = Catalog.of([replace(SMALL, services=visits), short])
    days = [date(2025, 4, 30), date(2025, 5, 14), date(2025, 5, 15), date(2025, 5, 31), date(2025, 6, 1)]
    lines = [
        Case(case_id="1", service_code=code, care_setting="outpatient", discharge_date=day)
        for code in ("VISIT", "CALL")
        for day in days
    ]

    priced = price_cases(table_from_cases(lines), catalog)

    unknown = CaseStatus.UNKNOWN_SERVICE
    assert priced.amount_minor.tolist() == [*(100, 0, 0, 0, 200), *(700, 0, 800, 800, 700)]
    assert [status for status in priced.status.tolist() if status != CaseStatus.OK] == [unknown] * 4
    assert priced.schedule_ids() == ["small", "short", "short", "short", "small"] * 2


# Limits


def too_much(schedules):
    """What the plan says of a catalog that does not fit: the field and the value of each problem."""
    with pytest.raises(CatalogError) as raised:
        Plan(Catalog.of(schedules))
    error = raised.value
    assert error.summary == "these editions cannot be priced together"
    assert all(problem.way_out for problem in error.problems)
    assert {problem.place.split()[0] for problem in error.problems} <= {"catalog", "edition"}
    return {problem.field: problem.value for problem in error.problems}


def editions(count, **changes):
    start = SMALL.effective_start_date
    return [next_edition(f"e{number}", start + timedelta(days=number), **changes) for number in range(count)]


def with_lists(schedule, count, first=0):
    exceptions = [
        exception(f"x{first + number}", {f"{1000 + first + number}"}, "1/2", AppliesTo.TARIFF)
        for number in range(count)
    ]
    return replace(schedule, shares=(share("inpatient", 1, exceptions=exceptions),))


def test_lists_of_procedures_are_counted_across_editions():
    later = next_edition("later", date(2026, 1, 1))

    Plan(Catalog.of([with_lists(SMALL, 5), with_lists(later, 3, first=5)]))
    assert too_much([with_lists(SMALL, 5), with_lists(later, 4, first=5)]) == {
        "lists of exception procedures": "9"
    }


def test_editions_are_counted():
    short = {"groups": {"G": group("G", 1)}, "services": {}, "components": (), "stay_rules": ()}

    assert len(Plan(Catalog.of(editions(255, **short))).editions) == 255
    assert too_much(editions(256, **short)) == {"editions": "256"}


def test_kinds_of_groups_are_counted():
    """Once the 257th was an error of NumPy's."""
    flags = [f"flag{bit}" for bit in range(9)]
    groups = {
        f"G{number}": group(f"G{number}", 1, flags=[f for bit, f in enumerate(flags) if number >> bit & 1])
        for number in range(300)
    }
    rule = stay_rule("exempt", Pay.FULL, exempt=[((), {flag}) for flag in flags])
    schedule = replace(SMALL, groups=groups, drg_flags=tuple(flags), stay_rules=(rule,), services={})

    assert too_much([schedule]) == {"kinds of groups and services": "300"}


def test_groups_and_services_are_counted_together():
    schedule = replace(
        SMALL,
        groups={f"G{number}": group(f"G{number}", 1) for number in range(40_000)},
        services={f"S{number}": (service(f"S{number}", 1),) for number in range(25_535)},
    )

    assert too_much([schedule]) == {"cost groups and services": "65537"}


def test_providers_are_counted():
    schedule = replace(SMALL, providers={f"P{number}": (period(f"P{number}"),) for number in range(65_535)})

    assert too_much([schedule]) == {"providers": "65537"}


def test_outcomes_are_counted():
    schedule = replace(SMALL, outcomes=(*SMALL.outcomes, *(f"outcome{number}" for number in range(80))))

    assert too_much([schedule]) == {"outcomes": "86"}


def test_settings_with_factors_and_lists_are_counted():
    settings_of_it = tuple(f"setting{number}" for number in range(30))
    factors = tuple(Factor(Unit.SERVICE, f"f{number}", Fraction(2), "made up", 2) for number in range(10))
    schedule = replace(with_lists(SMALL, 8), care_settings=settings_of_it, factors=factors)

    # none, each with no factor, an unknown one and ten known ones, and with an unknown add-on
    assert too_much([schedule]) == {"variants of care settings": str((1 + 30 * 13) << 8)}


def test_rules_are_counted():
    shares = tuple(share(f"s{number}", 1) for number in range(250))
    rules = tuple(stay_rule(f"r{number}", Pay.FULL, outcomes={f"o{number}"}) for number in range(300))
    schedule = replace(
        SMALL, care_settings=tuple(each.care_setting for each in shares), shares=shares, stay_rules=rules
    )

    assert set(too_much([schedule])) == {"rules"}


def test_days_on_which_something_changes_are_counted():
    start = date(1960, 1, 1)
    providers = {
        f"P{number}": (period(f"P{number}", start=start + timedelta(days=number)),)
        for number in range(32_768)
    }
    schedule = replace(
        SMALL, providers=providers, effective_start_date=start, effective_end_date=date(2060, 1, 1)
    )

    assert set(too_much([schedule])) == {
        "dates on which something changes",
        "days from the first edition to the last",
    }


def test_the_span_of_all_editions_is_limited():
    start = SMALL.effective_start_date
    fits = replace(SMALL, effective_end_date=start + timedelta(days=28_000))

    Plan(Catalog.of([fits]))
    assert too_much([replace(fits, effective_end_date=start + timedelta(days=28_001))]) == {
        "days from the first edition to the last": "28001"
    }


def test_denominators_are_limited_edition_by_edition():
    long = {"P": (period("P", Fraction(1, 2**64 + 1), Fraction(1, 2**63 + 1)),)}
    later = next_edition("later", date(2026, 1, 1), coefficients=(MULTIPLIES,) * 2, providers=long)

    problems = too_much([SMALL, later])

    assert problems.pop("coefficients of P") == str(Fraction(1, (2**64 + 1) * (2**63 + 1)))
    assert problems == {"bits of unit prices before rounding": "130"}


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        (
            {"groups": {"G": group("G", Fraction(10**13 + 1, 1))}},  # by 1,000 a unit of weight
            "largest tariff in minor units",
            "1000000000000100000",
        ),
        (
            {"services": {"S": (service("S", 10**16, "outpatient"),)}},
            "largest tariff in minor units",
            "1000000000000000000",
        ),
        (
            {
                "services": {"S": (service("S", 10**17),)},
                "shares": (share("home", "1/5", unit=Unit.SERVICE),),
            },
            "largest tariff in minor units",
            "2000000000000000000",
        ),
        (
            {
                "groups": {"G": group("G", Fraction(1, 2**50))},
                "roundings": replace(
                    SMALL.roundings,
                    weight=Rounding(None, RoundingMode.HALF_UP),
                    tariff=Rounding(None, RoundingMode.HALF_UP),
                ),
                "shares": (share("inpatient", 1),),
                "services": {},
            },
            "common denominator of tariffs in minor units",
            str(2**45),
        ),
        (
            {"stay_rules": (stay_rule("long", Pay.SHARE, value=Fraction(1, 10**9 + 1)),)},
            "share long",
            "1/1000000001",
        ),
        ({"shares": (share("home", Fraction(10**9 + 1, 10**9)),)}, "share home", "1000000001/1000000000"),
        (
            {"factors": (Factor(Unit.SERVICE, "remote", Fraction(10**10), "made up", 2),)},
            "share remote",
            str(10**10),
        ),
        (
            {"coefficients": (MULTIPLIES,), "providers": {"P": (period("P", Fraction(10**32 + 1)),)}},
            "coefficients of P",
            str(10**32 + 1),
        ),
        (
            {
                "components": tuple(
                    ComponentShare("parts", None, f"part-{number}", value, False, number)
                    for number, value in enumerate([Fraction(1, 10**18 + 1), Fraction(10**18, 10**18 + 1)])
                )
            },
            "denominator of component profile parts",
            str(10**18 + 1),
        ),
        ({"groups": {"G": replace(group("G", 1), planned_days=10_000)}}, "planned days of G", "10000"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_numbers_too_large_for_exact_amounts_are_refused_in_words(changes, field, value):
    """What `schedule check` says of a folder: schedules made by hand once ended in an error of NumPy's."""
    assert too_much([replace(SMALL, **changes)]) == {field: value}


def test_tables_that_would_fill_the_memory_are_refused_before_they_are_made():
    """Services that change on thousands of days; settings, kinds and procedures; rules of many years."""
    start = SMALL.effective_start_date
    changing = {
        f"S{number}": (service(f"S{number}", 1, start=start + timedelta(days=number % 3_000)),)
        for number in range(60_000)
    }
    longest = replace(SMALL, services=changing, effective_end_date=date(2060, 1, 1))
    assert set(too_much([longest])) == {"rates on all dates when services change"}

    words = tuple(f"setting{number}" for number in range(20))
    factors = tuple(Factor(Unit.SERVICE, f"f{number}", Fraction(2), "made up", 2) for number in range(9))
    kinds = {f"G{n}": group(f"G{n}", 1, flags=[f"f{b}" for b in range(6) if n >> b & 1]) for n in range(64)}
    rule = stay_rule("exempt", Pay.FULL, exempt=[((), {f"f{bit}"}) for bit in range(6)])
    wide = {"care_settings": words, "factors": factors, "groups": kinds, "stay_rules": (rule,)}
    many = [with_lists(edition, 8) for edition in editions(40, **wide)]
    assert set(too_much(many)) == {"choices by care setting and procedures"}

    rules = [
        tuple(stay_rule(f"r{n}", Pay.SHARE, value="1/2", max_days=32_767 - n - apart) for n in range(2))
        for apart in range(150)
    ]
    long_rules = [replace(each, stay_rules=rules[n]) for n, each in enumerate(editions(150))]
    assert set(too_much(long_rules)) == {"stays by outcome and day"}


@pytest.mark.parametrize(
    ("room", "max_days", "field"),
    [
        (1 << 10, 3, "rates by care setting and procedures"),
        (1 << 14, 300, "stays by outcome and day"),
        (1 << 15, 3, "coefficients by date and provider"),
    ],
)
def test_what_the_kernel_would_hold_is_refused_before_it_is_made(room, max_days, field, monkeypatch):
    monkeypatch.setattr("tariffcore.tables.MAX_TABLE_BYTES", room)
    starts = [SMALL.effective_start_date + timedelta(days=number) for number in range(100)]
    providers = {f"P{number}": (period(f"P{number}", start=day),) for number, day in enumerate(starts)}
    rules = (stay_rule("long", Pay.SHARE, value="1/2", max_days=max_days),)

    assert set(too_much([replace(SMALL, providers=providers, stay_rules=rules)])) == {field}


def test_all_problems_are_told_at_once():
    outcomes = (*SMALL.outcomes, *(f"outcome{number}" for number in range(80)))
    schedules = [replace(schedule, outcomes=outcomes) for schedule in editions(256)]

    assert set(too_much([with_lists(schedules[0], 9), *schedules[1:]])) >= {
        "outcomes",
        "editions",
        "lists of exception procedures",
    }


@pytest.mark.parametrize("max_days", [3, 365, 32_767])
def test_long_stay_rules_do_not_make_long_tables(max_days, monkeypatch):
    """Days between which nothing turns are worked out once: a plan of the longest rule once took minutes."""
    asked = []
    schedule = replace(SMALL, stay_rules=(stay_rule("long", Pay.SHARE, value="1/2", max_days=max_days),))
    factor_cell = Layout._factor_cell

    def counting(self, *question):
        asked.append(question[-1])
        return factor_cell(self, *question)

    monkeypatch.setattr(Layout, "_factor_cell", counting)
    Plan(Catalog.of([schedule]))

    assert set(asked) == {1, max_days + 1}


def test_a_plan_answers_the_same_whoever_asks_first():
    """Nothing in a plan changes after it is built."""
    plan = Plan(Catalog.of([SMALL]))
    before = plan.edition_of_day.copy()
    table = table_from_cases([Case(case_id="1", drg_code="G1", care_setting="inpatient")])
    price_cases(table, plan)

    assert np.array_equal(plan.edition_of_day, before)
    assert plan.rule_ids is plan.rule_ids


def test_a_plan_that_nobody_holds_is_gone_at_once():
    """A service reloads editions: what named itself was kept until Python looked for cycles."""
    ungrouped = Case(case_id="1", care_setting="inpatient", principal_diagnosis="A40.0", age_years=40)
    gc.disable()
    try:
        plan = Plan(read_catalog(resolve(["kz-demo"])))
        priced = price_cases(table_from_cases([ungrouped]), plan)
        editions = [weakref.ref(edition) for edition in plan.editions]
        del plan, priced
        assert [edition() for edition in editions] == [None, None]
    finally:
        gc.enable()
