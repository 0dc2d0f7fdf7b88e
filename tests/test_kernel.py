"""The kernel's own edges: every width of its arithmetic, its limits, its look-ups and its sums."""

import itertools
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore import _kernel
from tariffcore.cases import Case, table_from_cases
from tariffcore.encoding import encode_cases
from tariffcore.money import MAX_AMOUNT_MINOR, RoundingMode, round_to_int, split_amount
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import (
    Coefficient,
    CoefficientMode,
    ComponentShare,
    DayCount,
    Pay,
    Rounding,
)
from tariffcore.statuses import CaseStatus
from tests.comparing import priced_by_all_loops
from tests.small_schedule import SMALL, group, period, service, stay_rule

OK, OVERFLOW = CaseStatus.OK, CaseStatus.AMOUNT_OVERFLOW
MODES = list(RoundingMode)
ADMISSION = date(2025, 1, 1)


def schedule_of(rates_minor, coefficients, mode=RoundingMode.HALF_UP, *, places=2, planned_days=7, **changes):
    """Groups R0, R1, ... whose tariffs are these rates; providers C0, C1, ... with these coefficients.

    A transferred case is paid its days out of the planned ones, a death half, a self-discharge in full.
    """
    groups = {
        f"R{number}": group(f"R{number}", Fraction(rate, 100_000), planned_days=planned_days)
        for number, rate in enumerate(rates_minor)
    }
    return replace(
        SMALL,
        effective_end_date=None,
        groups=groups,
        roundings=replace(SMALL.roundings, unit=Rounding(places, mode)),
        coefficients=(Coefficient("all", CoefficientMode.MULTIPLIES, "made up"),),
        providers={f"C{number}": (period(f"C{number}", each),) for number, each in enumerate(coefficients)},
        stay_rules=(
            stay_rule("by_days", Pay.PER_PLANNED_DAY, outcomes={"transferred"}, max_days=None),
            stay_rule("half", Pay.SHARE, value="1/2", outcomes={"died"}, max_days=None),
            stay_rule("in_full", Pay.FULL, outcomes={"self_discharged"}, max_days=None),
        ),
        **changes,
    )


def stay(rate=0, coefficient=0, *, days=10, outcome="discharged", quantity=1):
    return Case(
        case_id="1",
        drg_code=f"R{rate}",
        provider_id=f"C{coefficient}",
        care_setting="inpatient",
        admission_date=ADMISSION,
        discharge_date=ADMISSION + timedelta(days=days),
        outcome=outcome,
        quantity=quantity,
    )


def price(schedule, *cases):
    """(status, amount in minor units) of each case."""
    priced = priced_by_all_loops(table_from_cases(cases), Plan(Catalog.of([schedule])))
    return list(zip(map(CaseStatus, priced.status.tolist()), priced.amount_minor.tolist(), strict=True))


def expected(unit_price, mode, *, step=1, quantity=1):
    """What an exact unit price in minor units comes to, worked out in fractions."""
    amount_minor = quantity * step * round_to_int(unit_price / step, mode)
    return (OK, amount_minor) if amount_minor <= MAX_AMOUNT_MINOR else (OVERFLOW, 0)


# Every width of the division

RATES = [
    *(1, 2, 3, 99, 100, 101, 7_777_777, 68_693_098, 385_396_188),
    *(2**31 - 1, 2**31, 2**32 + 1, 10**12 + 1, 2**53 + 1),
    *(10**17, 9 * 10**17 - 1, 9 * 10**17 + 1, 10**18 - 2, 10**18 - 1),
]

SHORT = [Fraction(1), Fraction(1, 2), Fraction(11, 10), Fraction(15_675, 10_000), Fraction(1, 3), Fraction(3)]
LONG = [
    Fraction("1.09731097310973"),
    Fraction(10**9 + 7, 2 * 10**9),
    Fraction(2**62 - 1, 2**62),
    Fraction(1, 2**62),
    Fraction(2**63 + 1, 2**63),
]
LONGEST = [
    Fraction(10**32 - 1, 10**32),
    Fraction(10**32 - 1, 10**31 + 3),
    Fraction(5 * 10**31 + 1, 10**32),
    Fraction(1, 10**32),
    Fraction(2**100 + 1, 2**101),
    Fraction(10**32 - 1, 2**64 + 1),
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("coefficients", "outgrows_64_bits", "outgrows_128_bits"),
    [(SHORT, False, False), (LONG, True, False), (LONGEST, True, True)],
    ids=["short", "long", "longest"],
)
def test_every_rate_times_every_coefficient(mode, coefficients, outgrows_64_bits, outgrows_128_bits):
    paid = {"discharged": Fraction(1), "died": Fraction(1, 2), "transferred": Fraction(3, 7)}
    pairs = list(itertools.product(range(len(RATES)), range(len(coefficients)), paid))
    cases = [stay(rate, c, days=3, outcome=outcome) for rate, c, outcome in pairs]

    results = price(schedule_of(RATES, coefficients, mode), *cases)

    assert results == [
        expected(RATES[rate] * coefficients[c] * paid[outcome], mode) for rate, c, outcome in pairs
    ]
    longest_product = max(RATES) * 3 * max(c.numerator for c in coefficients)
    assert (longest_product >= 2**128) == outgrows_128_bits
    assert any(c.denominator >= 2**61 for c in coefficients) == outgrows_64_bits


@given(
    rate_minor=st.integers(1, 10**18 - 1) | st.sampled_from([2**power for power in range(60)]),
    numerator=st.integers(1, 10**32) | st.integers(1, 10**5),
    denominator=st.integers(1, 10**32) | st.sampled_from([1, 2, 10**4, 10**16, 2**62, 2**63, 2**64, 2**106]),
    mode=st.sampled_from(MODES),
    outcome=st.sampled_from(["discharged", "died", "transferred", "self_discharged"]),
)
@settings(max_examples=300, deadline=None)
def test_any_rate_times_any_coefficient(rate_minor, numerator, denominator, mode, outcome):
    coefficient = Fraction(numerator, denominator)
    paid = {"died": Fraction(1, 2), "transferred": Fraction(3, 7)}.get(outcome, Fraction(1))

    result = price(schedule_of([rate_minor], [coefficient], mode), stay(days=3, outcome=outcome))

    assert result == [expected(rate_minor * coefficient * paid, mode)]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("apart", [-1, 0, 1])
def test_ties_and_their_neighbours_in_long_division(mode, apart):
    """9 x 10**17 x 9,997 of 9,998 days x a coefficient of 18 decimals: 130 bits and an exact half."""
    coefficient = Fraction(9_998 * (10**13 + 1), 2 * 10**17)
    rate_minor = 9 * 10**17 + apart
    exact = rate_minor * Fraction(9_997, 9_998) * coefficient
    assert rate_minor * 9_997 * coefficient.numerator >= 2**128
    assert (exact.denominator == 2) == (apart == 0)

    schedule = schedule_of([rate_minor], [coefficient], mode, planned_days=9_998)

    assert price(schedule, stay(days=9_997, outcome="transferred")) == [expected(exact, mode)]


@pytest.mark.parametrize("mode", MODES)
def test_ties_and_their_neighbours_in_the_short_cut(mode):
    """Exact halves and the values nearest to them, whole numbers and theirs, by denominators of any size."""
    rates, coefficients, wanted = [], [], []
    for denominator in (2, 4, 10, 10_000, 6, 9_998, 10**8, 999_999_937, 2**40, 10**12):
        numerator = denominator // 3 * 2 + 1
        while np.gcd(numerator, denominator) > 1:
            numerator += 1
        inverse = pow(numerator, -1, denominator)
        half = denominator // 2
        for remainder in (0, 1, denominator - 1, half, half + 1, half - 1):
            for turns in (0, 1, 3):
                rate = remainder * inverse % denominator + turns * denominator
                if 0 < rate < 10**17:
                    rates.append(rate)
                    coefficients.append(Fraction(numerator, denominator))
                    wanted.append(expected(rate * coefficients[-1], mode))
    cases = [stay(number, number) for number in range(len(rates))]

    assert price(schedule_of(rates, coefficients, mode), *cases) == wanted
    assert sum(((rate * c) % 1) == Fraction(1, 2) for rate, c in zip(rates, coefficients, strict=True)) > 15


# The largest amounts


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("half_units_above", [-2, -1, 0, 1, 2, 3])
@pytest.mark.parametrize("rate_minor", [MAX_AMOUNT_MINOR, 10**9 + 7, 1])
def test_amounts_end_at_18_digits(mode, half_units_above, rate_minor):
    """The exact unit price is the largest amount and some halves of a minor unit more or less."""
    exact = MAX_AMOUNT_MINOR + Fraction(half_units_above, 2)

    result = price(schedule_of([rate_minor], [exact / rate_minor], mode), stay())

    assert result == [expected(exact, mode)]


@pytest.mark.parametrize("places", [2, 1, 0, -1, -2, -6])
@pytest.mark.parametrize("mode", MODES)
def test_unit_prices_rounded_to_more_than_a_minor_unit(places, mode):
    step = 10 ** (2 - places)
    half, last = step // 2, MAX_AMOUNT_MINOR // step * step
    rates = [1, half or 1, half + 1, step, step + 1, 2 * step + half, 2 * step + half + 1, 10**15 + half]
    rates += [last, min(last + half, MAX_AMOUNT_MINOR), MAX_AMOUNT_MINOR]
    cases = [stay(number) for number in range(len(rates))]

    results = price(schedule_of(rates, [1], mode, places=places), *cases)

    assert results == [expected(Fraction(rate), mode, step=step) for rate in rates]


@pytest.mark.parametrize(
    ("unit_minor", "quantity", "result"),
    [
        (333_333_333_333_333_333, 3, (OK, MAX_AMOUNT_MINOR)),
        (333_333_333_333_333_334, 3, (OVERFLOW, 0)),
        (10**9, 10**9, (OVERFLOW, 0)),
        (10**9, 10**9 - 1, (OK, 10**18 - 10**9)),
        (MAX_AMOUNT_MINOR, 1, (OK, MAX_AMOUNT_MINOR)),
        (MAX_AMOUNT_MINOR, 2, (OVERFLOW, 0)),
        (MAX_AMOUNT_MINOR, 2**31 - 1, (OVERFLOW, 0)),
        (2**33, 2**31 - 1, (OVERFLOW, 0)),  # just below 2**64
        (2**34, 2**31 - 1, (OVERFLOW, 0)),  # what is left in 64 bits would look like an amount
        (465_661_287, 2**31 - 1, (OK, 465_661_287 * (2**31 - 1))),
        (1, 2**31 - 1, (OK, 2**31 - 1)),
    ],
)
def test_quantities_end_at_18_digits_too(unit_minor, quantity, result):
    schedule = schedule_of([unit_minor, 5], [1])

    assert price(schedule, stay(quantity=quantity), stay(1)) == [result, (OK, 5)]


def test_an_amount_too_large_leaves_no_trace_of_a_rule():
    schedule = schedule_of([MAX_AMOUNT_MINOR], [1, Fraction(3, 2), Fraction(10**32 - 1, 10**31 + 3)])
    cases = [stay(quantity=2), stay(coefficient=1), stay(coefficient=2), stay()]

    priced = priced_by_all_loops(table_from_cases(cases), Plan(Catalog.of([schedule])))

    assert priced.status.tolist() == [OVERFLOW, OVERFLOW, OVERFLOW, OK]
    assert priced.amount_minor.tolist() == [0, 0, 0, MAX_AMOUNT_MINOR]
    assert priced.rule.tolist()[:3] == [0, 0, 0]
    assert priced.rule_ids() == [None, None, None, "inpatient"]
    assert priced.edition.tolist() == [1] * 4


# Days


@pytest.mark.parametrize("day_count", DayCount)
@pytest.mark.parametrize("planned_days", [1, 2, 7, 9_999])
def test_days_out_of_the_planned_ones(day_count, planned_days):
    schedule = schedule_of([10**6 + 1], [1], planned_days=planned_days, day_count=day_count)
    stays = [0, 1, 2, 6, 7, 8, 9_998, 9_999, 10_000, 32_766, 32_767]
    counted = [max(1, days + (day_count is DayCount.INCLUSIVE)) for days in stays]

    results = price(schedule, *(stay(days=days, outcome="transferred") for days in stays))

    assert results == [
        expected((10**6 + 1) * Fraction(min(days, planned_days), planned_days), RoundingMode.HALF_UP)
        for days in counted
    ]


@pytest.mark.parametrize("day_count", DayCount)
@pytest.mark.parametrize("max_days", [0, 1, 2, 3, 4, 7, 8, 31, 364, 365, 366, 32_767])
def test_a_rule_ends_with_its_last_day_however_late(max_days, day_count):
    """The table of stay rules reaches exactly as far as the longest rule."""
    rules = (stay_rule("early", Pay.SHARE, value="1/2", max_days=max_days),)
    schedule = replace(schedule_of([100], [1], day_count=day_count), stay_rules=rules)
    stays = {0, 1, 2, max_days - 2, max_days - 1, max_days, max_days + 1}
    stays = sorted(days for days in stays if 0 <= days <= 32_767)

    results = price(schedule, *(stay(days=days) for days in stays))

    counted = [max(1, days + (day_count is DayCount.INCLUSIVE)) for days in stays]
    assert results == [(OK, 50 if days <= max_days else 100) for days in counted]


def test_several_rules_each_end_with_their_own_last_day():
    lasts = {1: "1/5", 3: "2/5", 10: "3/5", 4: "4/5"}  # the third hides the fourth
    rules = tuple(
        stay_rule(f"to-{last}", Pay.SHARE, value=share, max_days=last) for last, share in lasts.items()
    )
    schedule = replace(schedule_of([100], [1]), stay_rules=rules)

    results = price(schedule, *(stay(days=days) for days in range(13)))

    assert [amount for _, amount in results] == [20, 20, 40, 40, *[60] * 7, 100, 100]


def test_a_rule_that_pays_in_full_is_named_all_the_same():
    schedule = schedule_of([100], [1])

    priced = priced_by_all_loops(
        table_from_cases([stay(outcome="self_discharged"), stay()]), Plan(Catalog.of([schedule]))
    )

    assert priced.amount_minor.tolist() == [100, 100]
    assert priced.rule_ids() == ["inpatient+in_full", "inpatient"]


# Rates finer than money


def test_tariffs_kept_exactly_are_rounded_once_at_the_end():
    """A third of a tariff, of which seven ninths: no rounding before the last."""
    roundings = replace(SMALL.roundings, tariff=Rounding(None, RoundingMode.HALF_UP))
    schedule = replace(
        schedule_of([100, 101, 99_999], [Fraction(7, 9), 1]),
        roundings=roundings,
        shares=tuple(
            replace(share, share=Fraction(1, 3)) if share.care_setting == "inpatient" else share
            for share in SMALL.shares
        ),
        services={"VISIT": (service("VISIT", "10.01"),)},
    )
    pairs = [(rate, c) for rate in range(3) for c in range(2)]

    results = price(schedule, *(stay(rate, c) for rate, c in pairs))

    assert results == [
        expected(Fraction((100, 101, 99_999)[rate], 3) * (Fraction(7, 9), 1)[c], RoundingMode.HALF_UP)
        for rate, c in pairs
    ]


# Components


@pytest.mark.parametrize("denominator", [1, 3, 10_000, 2**26 - 1, 2**26, 2**26 + 1, 999_999_937, 10**18 - 11])
def test_splitting_on_both_sides_of_where_64_bits_end(denominator):
    """Fixed-point shares serve amounts up to 2**34, short division those up to (2**63 - 1 - d) / 2d, long
    division those above."""
    shares = [Fraction(part, denominator) for part in (denominator // 3, denominator // 2)]
    shares.append(1 - sum(shares))
    limit = (2**63 - 1 - denominator) // (2 * denominator)
    amounts = {
        1,
        2,
        3,
        2**34 - 2,
        2**34 - 1,
        2**34,
        limit - 1,
        limit,
        limit + 1,
        limit + 2,
        10**17 + 1,
        MAX_AMOUNT_MINOR,
    }
    amounts = sorted(amount for amount in amounts if 0 < amount <= MAX_AMOUNT_MINOR)
    schedule = schedule_of(amounts, [1])
    schedule = replace(
        schedule,
        groups={code: replace(each, component_profile="parts") for code, each in schedule.groups.items()},
        components=tuple(
            ComponentShare("parts", None, f"part-{number}", share, False, number)
            for number, share in enumerate(shares)
        ),
    )
    cases = [stay(number) for number in range(len(amounts))]

    priced = priced_by_all_loops(table_from_cases(cases), Plan(Catalog.of([schedule])))

    assert priced.amount_minor.tolist() == amounts
    assert priced.parts_minor.T.tolist() == [split_amount(amount, shares) for amount in amounts]


# Rows asked for, and no others


def test_only_the_rows_asked_for_are_written():
    plan = Plan(Catalog.of([schedule_of([100], [1])]))
    cases = encode_cases(table_from_cases([stay(quantity=2)] * 1_200), plan)
    amount_minor = np.full(1_200, -7, dtype=np.int64)
    status, edition = np.full(1_200, 99, dtype=np.uint8), np.full(1_200, 99, dtype=np.uint8)
    rule = np.full(1_200, 999, dtype=np.uint16)

    _kernel.price(
        plan.tables,
        cases.deciding_day,
        cases.admission_day,
        cases.discharge_day,
        cases.item,
        cases.provider,
        cases.variant,
        cases.age,
        cases.outcome,
        cases.quantity,
        amount_minor,
        status,
        edition,
        rule,
        100,
        1_100,
    )

    for array, written, untouched in ((amount_minor, 200, -7), (status, 1, 99), (edition, 1, 99)):
        assert (array[100:1_100] == written).all()
        assert (array[:100] == untouched).all()
        assert (array[1_100:] == untouched).all()
    assert (rule[:100] == 999).all()
    assert (rule[1_100:] == 999).all()


@pytest.mark.parametrize("count", [7, 1_700, 600_001])
@pytest.mark.parametrize(("start", "before_end"), [(0, 0), (1, 2), (2, 1)])
def test_only_the_rows_asked_for_are_split(count, start, before_end):
    """Where all parts outgrow the caches they are written past them, two at a time from an even place on."""
    amounts = [100, 101, 2**34 + 1, 7]
    shares = {"first": (Fraction(1, 3), Fraction(2, 3)), "second": (Fraction(1, 7), Fraction(6, 7))}
    profiles = ["first", "second", "first", None]
    schedule = schedule_of(amounts, [1])
    groups = zip(schedule.groups.items(), profiles, strict=True)
    schedule = replace(
        schedule,
        groups={code: replace(each, component_profile=profile) for (code, each), profile in groups},
        components=tuple(
            ComponentShare(profile, None, f"part-{number}", share, False, number)
            for profile, of_profile in shares.items()
            for number, share in enumerate(of_profile)
        ),
    )
    plan = Plan(Catalog.of([schedule]))
    cases = encode_cases(table_from_cases([stay(number) for number in range(4)]), plan)
    columns = [np.resize(column, count) for column in (cases.deciding_day, cases.item, cases.variant)]
    amount_minor, status = np.resize(np.array(amounts), count), np.full(count, OK, dtype=np.uint8)
    parts_minor, has_parts = np.full((2, count), -7), np.full(count, 99, dtype=np.uint8)
    stop = count - before_end

    _kernel.split(plan.tables, *columns, amount_minor, status, parts_minor, has_parts, start, stop)

    parts_of_all = [
        split_amount(amount, shares[profile]) if profile is not None else [0, 0]
        for amount, profile in zip(amounts, profiles, strict=True)
    ]
    wanted = np.resize(np.array(parts_of_all), (count, 2)).T
    assert np.array_equal(parts_minor[:, start:stop], wanted[:, start:stop])
    assert has_parts[start:stop].tolist() == np.resize([1, 1, 1, 0], count)[start:stop].tolist()
    assert (parts_minor[:, :start] == -7).all() and (parts_minor[:, stop:] == -7).all()
    assert (has_parts[:start] == 99).all() and (has_parts[stop:] == 99).all()
