"""Aimed generators of schedules, catalogs and cases: they land where arithmetic goes wrong.

A random case almost never meets an exact tie, the day after a trim point or the last day of an edition, so
these are built backwards: a group's weight is worked out so that tariff x stay factor x coefficient is half a
minor unit (or one step beside it), and the group's ``name`` keeps the recipe of the case that gets there.

The same builders draw from Hypothesis (`schedules`, `catalogs`, `cases_for`: they shrink) and from
`random.Random` (`aimed_catalog`, `random_cases`: fast, for long runs).
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from typing import Any

from hypothesis import strategies as st

from tariffcore.cases import Case
from tariffcore.money import RoundingMode
from tariffcore.reference import (
    factor_of_stay,
    provider_coefficient,
    rounded,
    stay_rule_that_applies,
    tariff_of_case,
)
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.exactness import rate_scale
from tariffcore.schedule.model import (
    CASE_SHARE_MODEL,
    METHODS_OF_UNIT,
    AddOn,
    AppliesTo,
    BaseRate,
    Coefficient,
    CoefficientMode,
    ComponentShare,
    DayCount,
    Factor,
    Group,
    Pay,
    PaymentMethod,
    ProviderPeriod,
    Rounding,
    Roundings,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)
from tariffcore.schedule.tariff import combined_coefficient, units_by_coefficients

SOURCE = "made for a test"
CARE_SETTINGS = ("inpatient", "day_hospital", "home", "reception_observation", "outpatient")
OUTCOMES = ("discharged", "transferred", "self_discharged", "died")
DRG_FLAGS = ("neonatal", "infectious")
COUNTED_UNITS = (Unit.BED_DAY, Unit.SERVICE, Unit.CALL, Unit.PERSON_MONTH, Unit.AVERAGE_CASE, Unit.ITEM)

LARGEST_TARIFF = 10**18 - 1  # in minor units, times the common denominator of exact tariffs
LARGEST_TARIFF_DENOMINATOR = 10**12
LARGEST_COEFFICIENT_PART = 10**32
LARGEST_DENOMINATOR_BITS = 126  # of everything that divides a unit price, together


# Where choices come from


class Choices:
    """Whole numbers from somewhere; everything drawn is made of them."""

    def integer(self, low: int, high: int) -> int:
        raise NotImplementedError("a source of choices says how it draws")

    def pick(self, options: Sequence[Any]) -> Any:
        return options[self.integer(0, len(options) - 1)]

    def one_in(self, chances: int) -> bool:
        """True once in so many draws; the simple case is False."""
        return self.integer(1, chances) == chances


class RandomChoices(Choices):
    """Choices of a seeded generator."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._unit = self._random.random

    def integer(self, low: int, high: int) -> int:
        width = high - low + 1
        return low + int(self._unit() * width) if width < 1 << 32 else self._random.randint(low, high)


class DrawnChoices(Choices):
    """Choices that Hypothesis makes, remembers and shrinks."""

    def __init__(self, draw: Any) -> None:
        self._draw = draw

    def integer(self, low: int, high: int) -> int:
        return low if low == high else self._draw(st.integers(low, high))


# Numbers


def decimal_of(value: Fraction, places: int) -> Fraction:
    """The nearest number with so many decimals."""
    return Fraction(math.floor(value * 10**places + Fraction(1, 2)), 10**places)


def odd_below(choices: Choices, limit: int) -> int:
    """An odd number, usually small, sometimes as large as the limit allows; 1 where it allows nothing."""
    most = max(0, (limit - 1) // 2)
    return 2 * choices.integer(0, choices.pick([min(most, 4), min(most, 10**5), most])) + 1


def half_way(per_step: Fraction, choices: Choices, limit: int) -> int | None:
    """A whole k below the limit with k x per_step half-way between two whole numbers, if there is one.

    With per_step = n/q in lowest terms, k must be an odd multiple of q/2, so q must be even.
    """
    numerator, divisor = per_step.numerator, per_step.denominator
    if numerator <= 0 or divisor % 2 or divisor // 2 >= limit:
        return None
    return divisor // 2 * odd_below(choices, limit * 2 // divisor)


def beside_turning_point(per_step: Fraction, mode: RoundingMode, choices: Choices, limit: int) -> int | None:
    """A whole k below the limit with k x per_step as near as it gets to where the mode turns, but not there.

    Up and down turn at whole numbers, the others half-way. With per_step = n/q that is a distance of 1/q, or
    1/2q from the half of an odd q, on either side.
    """
    numerator, divisor = per_step.numerator, per_step.denominator
    if numerator <= 0 or divisor < 3:
        return None
    side = choices.integer(0, 1)
    if mode in (RoundingMode.UP, RoundingMode.DOWN):
        wanted = 2 * side - 1
    else:
        wanted = divisor // 2 + (side if divisor % 2 else 2 * side - 1)
    steps = wanted * pow(numerator, -1, divisor) % divisor
    return steps if 0 < steps < limit else None


# A schedule


BASE_RATES = ("175622.79", "174722.63", "1000.00", "1.00", "0.01", "99999999.99", "250000.00", "3.07")
ORDINARY_SHARES = ("1", "2/5", "1/6", "3/4", "1/2", "67/100", "1/4", "17/100", "2", "1/3", "1/8")
AWKWARD_SHARES = (
    "1/999999937",
    "999999999/1000000000",
    "1/1000000000",
    "500000003/1000000000",
    "7/9",
    "1/1024",
)
# Eight lists in all, as many as the kernel tells apart; some share a procedure.
PROCEDURE_LISTS = tuple(
    frozenset(codes.split())
    for codes in (
        "1373 137301",
        "1474 1475",
        "0983",
        "4131 149001",
        "8855 8856",
        "1139",
        "1373 0983",
        "8857 1474",
    )
)
FACTOR_VALUES = ("2", "1/2", "1/3", "1/1000000000", "999999999/1000000000", "1", "9/10", "3/20", "1000000000")
COEFFICIENT_VALUES = ("1", "1.5", "1.25", "1.1", "0.5", "1.0973", "1.1327", "1.5675", "1.0016", "2", "1.125")


def build_roundings(choices: Choices, minor_units: int) -> Roundings:
    """Every mode at every place: coarser than money, finer, and none."""
    modes = list(RoundingMode)
    one_mode = choices.pick(modes)

    def mode() -> RoundingMode:
        return choices.pick(modes) if choices.one_in(4) else one_mode

    return Roundings(
        weight=Rounding(choices.pick([4, 4, None, 2, 0, 6]), mode()),
        tariff=Rounding(
            choices.pick([minor_units, minor_units, None, 0, minor_units + 1, minor_units - 1, -1]), mode()
        ),
        unit=Rounding(choices.pick([minor_units, minor_units, minor_units, 0, -1, -2]), mode()),
    )


def build_shares(
    choices: Choices, roundings: Roundings, minor_units: int, *, many_exceptions: bool
) -> tuple[Share, ...]:
    """Shares of cases and of counted units; outpatient cases stay unpriced."""
    exact = roundings.tariff.places is None or roundings.tariff.places > minor_units
    # Exact tariffs keep every denominator, so they are given small ones.
    values = ORDINARY_SHARES if exact else ORDINARY_SHARES + AWKWARD_SHARES

    def share_value() -> Fraction:
        return Fraction(choices.pick(values))

    shares = []
    for setting in CARE_SETTINGS[:4]:
        if setting != "inpatient" and choices.one_in(5):
            continue
        exceptions = []
        listed: set[str] = set()
        for _ in range(choices.integer(2, 4) if many_exceptions else choices.pick([0, 0, 1, 2])):
            procedures = choices.pick(PROCEDURE_LISTS)
            if not listed.isdisjoint(procedures):
                continue  # a procedure stands in one exception of a share
            listed |= procedures
            exceptions.append(
                ShareException(
                    f"{setting}.exception-{len(exceptions) + 1}",
                    procedures,
                    share_value(),
                    choices.pick(list(AppliesTo)),
                    SOURCE,
                )
            )
        shares.append(
            Share(
                id=setting,
                unit=Unit.CASE,
                care_setting=setting,
                share=Fraction(1) if setting == "inpatient" else share_value(),
                applies_to=choices.pick(list(AppliesTo)),
                max_hours=choices.pick([24, 24, 36, 48, 1, None])
                if setting == "reception_observation"
                else None,
                source=SOURCE,
                exceptions=tuple(exceptions),
                own_method=METHOD_OF_SETTING.get(setting),
            )
        )
    for unit in COUNTED_UNITS:
        for setting in CARE_SETTINGS:
            if choices.one_in(3):
                shares.append(
                    Share(
                        f"{unit.value}.{setting}",
                        unit,
                        setting,
                        Fraction(1) if unit is Unit.ITEM else share_value(),
                        AppliesTo.TARIFF,
                        None,
                        SOURCE,
                        (),
                    )
                )
    return tuple(shares)


METHOD_OF_SETTING = {
    "home": PaymentMethod.HOME_CASE,
    "reception_observation": PaymentMethod.RECEPTION_OBSERVATION,
}


def build_stay_rules(choices: Choices) -> tuple[StayRule, ...]:
    """Interrupted stays, deaths and rules in front of them, in any order."""

    def rule(rule_id: str, **parts: Any) -> StayRule:
        empty: dict[str, Any] = {
            "care_settings": frozenset(),
            "outcomes": frozenset(),
            "death_unavoidable": None,
            "max_days": choices.pick([3, 3, 1, 2, 7, None, 0]),
            "pay": Pay.FULL,
            "share": None,
            "exemptions": (),
            "source": SOURCE,
        }
        return StayRule(rule_id, **{**empty, **parts})

    infectious = StayExemption(frozenset({"self_discharged"}), frozenset({"infectious"}), SOURCE)
    neonates = StayExemption(frozenset(), frozenset({"neonatal"}), SOURCE)
    either = StayExemption(frozenset(), frozenset(DRG_FLAGS), SOURCE)
    candidates = [
        rule(
            "interrupted",
            outcomes=frozenset({"transferred", "self_discharged"}),
            pay=Pay.PER_PLANNED_DAY,
            exemptions=(infectious,) if choices.one_in(2) else (),
        ),
        rule(
            "unavoidable_death",
            outcomes=frozenset({"died"}),
            death_unavoidable=True,
            pay=Pay.SHARE,
            share=Fraction(choices.pick(["1/2", "1/2", "1/3", "0", "999999999/1000000000", "1/1000000000"])),
            exemptions=choices.pick([(neonates,), (), (either,), (infectious, neonates)]),
        ),
        rule("avoidable_death", outcomes=frozenset({"died"}), death_unavoidable=False),
        rule(
            "short",
            care_settings=frozenset({"inpatient"}),
            pay=Pay.SHARE,
            share=Fraction(choices.pick(["3/4", "5/8"])),
        ),
        rule("any", death_unavoidable=choices.pick([None, True, False]), pay=Pay.PER_PLANNED_DAY),
    ]
    chosen = []
    for _ in range(choices.pick([2, 2, 3, 1, 0])):
        chosen.append(candidates.pop(0 if choices.one_in(2) else choices.integer(0, len(candidates) - 1)))
    return (
        *chosen,
        *(
            replace(each, id=f"{each.id}_average", unit=Unit.AVERAGE_CASE)
            for each in chosen
            if choices.one_in(2)
        ),
    )


CORRECTED_UNITS = (
    *(frozenset[Unit](),) * 3,
    frozenset({Unit.PERSON_MONTH, Unit.AVERAGE_CASE}),
    frozenset({Unit.CASE, Unit.BED_DAY}),
)
"""What a drawn coefficient corrects; an empty set is everything."""


def build_coefficient_modes(choices: Choices) -> tuple[Coefficient, ...]:
    count = choices.pick([1, 2, 3, 5, 0])
    return tuple(
        Coefficient(f"c{number}", choices.pick(list(CoefficientMode)), SOURCE, choices.pick(CORRECTED_UNITS))
        for number in range(count)
    )


def combined(modes: Sequence[Coefficient], values: Sequence[Fraction]) -> Fraction:
    """What the coefficients come to; only to keep a drawn one inside the limits."""
    multiplied = math.prod(
        (v for c, v in zip(modes, values, strict=True) if c.mode is CoefficientMode.MULTIPLIES),
        start=Fraction(1),
    )
    return multiplied + sum(
        (v - 1 for c, v in zip(modes, values, strict=True) if c.mode is CoefficientMode.ADDS), Fraction(0)
    )


def build_coefficients(
    choices: Choices, modes: Sequence[Coefficient], *, may_be_long: bool
) -> tuple[Fraction, ...]:
    """Coefficients of two or four decimals, or so long that their products need 128 bits."""
    values = tuple(Fraction(choices.pick(COEFFICIENT_VALUES)) for _ in modes)
    if may_be_long and not choices.one_in(3):
        multipliers = sum(mode.mode is CoefficientMode.MULTIPLIES for mode in modes)
        decimals = min(choices.pick([6, 8, 12, 16, 16]), 32 // max(1, multipliers))
        whole = 10**decimals
        highest = whole if decimals * multipliers == 32 else whole * 6 // 5
        values = tuple(Fraction(choices.integer(whole * 4 // 5, highest), whole) for _ in modes)
    value = combined(modes, values)
    if value > 0 and max(value.numerator, value.denominator) <= LARGEST_COEFFICIENT_PART:
        return values
    return (Fraction(1),) * len(modes)


def build_providers(
    choices: Choices, modes: Sequence[Coefficient], start: date, *, count: int, may_be_long: bool
) -> dict[str, tuple[ProviderPeriod, ...]]:
    """Providers whose coefficients change, begin late, end early or have a gap."""
    day = timedelta(days=1)
    cut = start + timedelta(days=choices.integer(1, 40))
    spans_of = [
        [(start - 100 * day, None)],
        [(start, cut), (cut, None)],
        [(start - day, cut), (cut + 5 * day, cut + 90 * day)],
        [(start + day, None)],
        [(start, start + day)],
    ]
    providers: dict[str, tuple[ProviderPeriod, ...]] = {}
    for number in range(count):
        spans = choices.pick(spans_of)
        provider_id = f"P{number + 1}"
        providers[provider_id] = tuple(
            ProviderPeriod(
                provider_id, *span, build_coefficients(choices, modes, may_be_long=may_be_long), line
            )
            for line, span in enumerate(spans, start=2)
        )
    return providers


def build_components(choices: Choices) -> tuple[ComponentShare, ...]:
    """Profiles of one to eight parts whose shares have awkward denominators."""
    rows: list[ComponentShare] = []

    def add_profile(profile: str, setting: str | None, parts: int) -> None:
        whole = choices.pick([100, 7, 11, 13, 997, 999_999_937, 10**9, 3600])
        parts = min(parts, whole)
        cuts = sorted({0, whole, *(choices.integer(1, whole - 1) for _ in range(parts - 1))})
        names = list(range(8))
        for low, high in itertools.pairwise(cuts):
            name = names.pop(choices.integer(0, len(names) - 1))
            share = Fraction(high - low, whole)
            rows.append(
                ComponentShare(profile, setting, f"component-{name}", share, name % 2 == 1, len(rows) + 2)
            )

    for number in range(choices.pick([0, 1, 2])):
        add_profile(f"profile-{number}", None, choices.integer(1, 8))
        if choices.one_in(2):
            add_profile(f"profile-{number}", choices.pick(CARE_SETTINGS[:4]), choices.integer(1, 8))
    if rows and choices.one_in(3):
        add_profile("inpatient-only", "inpatient", choices.integer(1, 8))
    return tuple(rows)


def build_factors(choices: Choices, start: date) -> tuple[Factor, ...]:
    """Some in force for a while only."""
    names = ("home_visit", "remote", "child_preventive", "long")
    always = (None, None)
    cut = start + timedelta(days=choices.integer(1, 20))
    spans = [always, always, (None, cut), (cut, None), (cut, cut + timedelta(days=5))]
    return tuple(
        Factor(unit, name, Fraction(choices.pick(FACTOR_VALUES)), SOURCE, line, *choices.pick(spans))
        for line, (unit, name) in enumerate(
            [(unit, name) for unit in COUNTED_UNITS[:2] for name in names if choices.one_in(2)], start=2
        )
    )


def build_addons(choices: Choices, components: Sequence[ComponentShare]) -> tuple[AddOn, ...]:
    """A drug on top, for some groups or settings only, and what an item has cost."""
    names = sorted({row.component for row in components}) or [None]

    def addon(kind: str, unit: Unit, *, flags: bool = False) -> AddOn:
        settings = choices.pick([frozenset(), frozenset(), frozenset({"inpatient", "home"})])
        of_groups = frozenset({choices.pick(list(DRG_FLAGS))}) if flags else frozenset()
        return AddOn(kind, unit, settings, of_groups, choices.pick(names), SOURCE)

    every = (
        addon("drug", Unit.CASE),
        addon("dear_drug", Unit.CASE, flags=True),
        addon("cost", Unit.ITEM),
        addon("drug", Unit.ITEM),
    )
    return tuple(each for each in every if not choices.one_in(3))


def build_schedule(
    choices: Choices,
    schedule_id: str = "drawn",
    *,
    minor_units: int = 2,
    published: date = date(2024, 12, 26),
    start: date = date(2025, 1, 1),
    end: date | None = None,
    large: bool = False,
) -> Schedule:
    """One edition. ``large``: what is drawn comes after 300 others, so that 8-bit indices fail."""
    roundings = build_roundings(choices, minor_units)
    modes = build_coefficient_modes(choices)
    may_be_long = not choices.one_in(3)
    base_rate = Fraction(choices.pick(BASE_RATES))
    providers: dict[str, tuple[ProviderPeriod, ...]] | None = None
    if large:
        providers = {
            f"L{number}": (
                ProviderPeriod(
                    f"L{number}", start, None, (1 + Fraction(number % 7, 4),) * len(modes), number + 2
                ),
            )
            for number in range(300)
        }
    if large or not choices.one_in(3):
        drawn = build_providers(choices, modes, start, count=choices.integer(1, 6), may_be_long=may_be_long)
        providers = {**(providers or {}), **drawn}
    else:
        modes = ()
    components = build_components(choices)
    schedule = Schedule(
        id=schedule_id,
        tariff_family="drawn",
        model=CASE_SHARE_MODEL,
        title="Drawn by a test",
        synthetic=True,
        country="KZ",
        currency="KZT",
        minor_units=minor_units,
        published=published,
        effective_start_date=start,
        effective_end_date=end,
        base_rate=BaseRate(decimal_of(base_rate, minor_units) or Fraction(1), SOURCE),
        roundings=roundings,
        child_age_limit=choices.pick([18, 18, 15, 1, 130]),
        day_count=choices.pick(list(DayCount)),
        care_settings=CARE_SETTINGS,
        outcomes=OUTCOMES,
        drg_flags=DRG_FLAGS,
        shares=build_shares(choices, roundings, minor_units, many_exceptions=large),
        stay_rules=build_stay_rules(choices),
        coefficients=modes,
        addons=build_addons(choices, components),
        groups={},
        providers=providers,
        components=components,
        published_tariffs=(),
        services={},
        factors=build_factors(choices, start),
        folder=schedule_id,
        digest=hashlib.sha256(f"{schedule_id} {choices.integer(0, 2**30)}".encode()).hexdigest(),
    )
    limits = RateLimits(schedule)
    schedule = replace(schedule, groups=build_groups(choices, schedule, limits, large=large))
    schedule = replace(schedule, services=build_services(choices, schedule, limits))
    return without_overlong_denominators(schedule)


def rates_of_weight(schedule: Schedule, weight: Fraction) -> list[Fraction]:
    """The tariff of a weight under every share and exception, in minor units."""
    return [
        tariff_of_case(weight, rule, schedule) * 10**schedule.minor_units
        for share in schedule.shares
        if share.unit is Unit.CASE
        for rule in (share, *share.exceptions)
    ]


def rate_denominator(schedule: Schedule) -> int:
    """The common denominator of all tariffs in minor units."""
    places = schedule.roundings.tariff.places
    if places is not None and places <= schedule.minor_units:
        return 1
    rates: list[Fraction] = []
    for group in schedule.groups.values():
        for weight in (group.relative_weight, group.relative_weight_child):
            rates += rates_of_weight(schedule, weight) if weight is not None else []
    for rows in schedule.services.values():
        for row in rows:
            rates += [rate * 10**schedule.minor_units for rate in service_rates(schedule, row.unit, row.rate)]
    return math.lcm(*(rate.denominator for rate in rates))


def denominator_bits(schedule: Schedule) -> int:
    """Bits of everything that divides a unit price, together."""
    step = 10 ** (schedule.minor_units - (schedule.roundings.unit.places or 0))
    coefficients = [
        combined_coefficient(schedule, period, unit).denominator
        for periods in (schedule.providers or {}).values()
        for period in periods
        for unit in units_by_coefficients(schedule)
    ]
    factors = [row.planned_days or 1 for rows in schedule.services.values() for row in rows]
    factors += [group.planned_days or 1 for group in schedule.groups.values()]
    factors += [rule.share.denominator for rule in schedule.stay_rules if rule.share is not None]
    factors += [factor.factor.denominator for factor in schedule.factors]
    widest = max(coefficients, default=1) * max(factors, default=1)
    return (rate_denominator(schedule) * step * widest).bit_length()


def without_overlong_denominators(schedule: Schedule) -> Schedule:
    """The schedule, its coefficients shortened as far as all denominators together need to fit 126 bits."""
    for decimals in (15, 12, 6, 4, 0):
        if schedule.providers is None or denominator_bits(schedule) <= LARGEST_DENOMINATOR_BITS:
            break
        shortened = {
            provider_id: tuple(
                replace(period, coefficients=tuple(decimal_of(c, decimals) for c in period.coefficients))
                for period in periods
            )
            for provider_id, periods in schedule.providers.items()
        }
        schedule = replace(schedule, providers=shortened)
    return schedule


# Groups, most of them aimed


LARGE_GROUPS = {
    f"L{number}": Group(
        drg_code=f"L{number}",
        name="one of many",
        relative_weight=Fraction(5_000 + 37 * number, 10_000),
        relative_weight_child=Fraction(5_000 + 37 * number + number % 3, 10_000) if number % 5 else None,
        planned_days=1 + number % 20 if number % 7 else None,
        flags=frozenset(DRG_FLAGS[: number % 3]),
        component_profile=None,
        source=SOURCE,
        line=number + 2,
    )
    for number in range(300)
}


class RateLimits:
    """Whether tariffs fit a schedule together: below 10^18 times their common denominator.

    A schedule that keeps tariffs finer than the minor unit counts all of them in those parts, whole ones too.
    """

    def __init__(self, schedule: Schedule) -> None:
        self.denominator = rate_scale(schedule)
        self.largest = Fraction(0)

    def admit(self, rates: Sequence[Fraction]) -> bool:
        denominator = math.lcm(self.denominator, *(rate.denominator for rate in rates))
        largest = max([self.largest, *rates])
        fits = denominator <= LARGEST_TARIFF_DENOMINATOR and largest * denominator <= LARGEST_TARIFF
        if fits:
            self.denominator, self.largest = denominator, largest
        return fits


def build_groups(
    choices: Choices, schedule: Schedule, limits: RateLimits, *, large: bool
) -> dict[str, Group]:
    groups = {}
    if large:
        for group in LARGE_GROUPS.values():
            weights = {group.relative_weight, group.relative_weight_child or group.relative_weight}
            if limits.admit([rate for weight in weights for rate in rates_of_weight(schedule, weight)]):
                groups[group.drg_code] = group
    profiles = [None, *sorted({row.component_profile for row in schedule.components})]
    aims = (None, aim_at_weight, aim_at_tariff, aim_at_share, aim_at_unit, aim_at_unit, aim_at_largest)
    for number in range(choices.integer(2, 8)):
        weight = Fraction(choices.integer(1, choices.pick([30_000, 300_000])), 10_000)
        child = choices.pick([weight, weight, weight + Fraction(1, 10_000), None, weight / 2])
        plain = Group(
            drg_code=f"G{number + 1}",
            name="",
            relative_weight=weight,
            relative_weight_child=None if child is None else decimal_of(child, 4) or Fraction(1, 10_000),
            planned_days=choices.pick([7, 3, 4, 1, 2, 8, 32, 365, 9_973, 9_999, None]),
            flags=choices.pick(
                [frozenset(), frozenset({"infectious"}), frozenset({"neonatal"}), frozenset(DRG_FLAGS)]
            ),
            component_profile=choices.pick(profiles),
            source=SOURCE,
            line=number + 2,
        )
        aim = choices.pick(aims)
        for group in (aim(choices, schedule, plain) if aim is not None else None, plain):
            if group is None:
                continue
            child_weight = group.relative_weight_child
            rates = rates_of_weight(schedule, group.relative_weight)
            rates += rates_of_weight(schedule, child_weight) if child_weight is not None else []
            if limits.admit(rates):
                groups[group.drg_code] = group
                break
    return groups


def case_rules(schedule: Schedule) -> list[tuple[Share, Share | ShareException]]:
    """The shares of cases and their exceptions, each with the share it belongs to."""
    return [
        (share, rule)
        for share in schedule.shares
        if share.unit is Unit.CASE
        for rule in (share, *share.exceptions)
    ]


def recipe_of_rule(schedule: Schedule, share: Share, rule: Share | ShareException) -> dict[str, Any]:
    """What a case needs for this share or exception to be the one that applies, as an adult."""
    procedures = sorted(rule.procedures)[:1] if isinstance(rule, ShareException) else []
    return {
        "care_setting": share.care_setting,
        "procedure_codes": procedures,
        "age_years": schedule.child_age_limit,
    }


def with_recipe(group: Group, weight: Fraction, recipe: dict[str, Any]) -> Group:
    """The group with a weight for adults, and the case that the weight was worked out for."""
    return replace(group, relative_weight=weight, name=json.dumps(recipe, sort_keys=True))


def aim_at_weight(choices: Choices, schedule: Schedule, group: Group) -> Group | None:
    """weight x share is half-way between two weights."""
    places = schedule.roundings.weight.places
    rules = [pair for pair in case_rules(schedule) if pair[1].applies_to is AppliesTo.WEIGHT]
    if places is None or not rules:
        return None
    share, rule = choices.pick(rules)
    for decimals in range(max(places, 0), max(places, 0) + 4):
        steps = half_way(rule.share * Fraction(10) ** (places - decimals), choices, 30 * 10**decimals)
        if steps is not None:
            weight = Fraction(steps, 10**decimals)
            return with_recipe(group, weight, recipe_of_rule(schedule, share, rule))
    return None


def aim_at_tariff(choices: Choices, schedule: Schedule, group: Group) -> Group | None:
    """weight x base rate is half-way between two tariffs."""
    places = schedule.roundings.tariff.places
    rules = [
        pair for pair in case_rules(schedule) if pair[1].applies_to is AppliesTo.TARIFF or pair[1].share == 1
    ]
    if places is None or not rules:
        return None
    share, rule = choices.pick(rules)
    for decimals in range(2, 9):
        steps = half_way(
            schedule.base_rate.amount * Fraction(10) ** (places - decimals), choices, 300 * 10**decimals
        )
        if steps is not None:
            weight = Fraction(steps, 10**decimals)
            return with_recipe(group, weight, recipe_of_rule(schedule, share, rule))
    return None


def aim_at_share(choices: Choices, schedule: Schedule, group: Group) -> Group | None:
    """tariff x share is half-way between two tariffs."""
    places = schedule.roundings.tariff.places
    rules = [pair for pair in case_rules(schedule) if pair[1].applies_to is AppliesTo.TARIFF]
    if places is None or not rules:
        return None
    share, rule = choices.pick(rules)
    steps = half_way(rule.share, choices, 10**12)
    if steps is None:
        return None
    weight = weight_of_full_tariff(schedule, steps / Fraction(10) ** places)
    return None if weight is None else with_recipe(group, weight, recipe_of_rule(schedule, share, rule))


def aim_at_unit(choices: Choices, schedule: Schedule, group: Group) -> Group | None:
    """tariff x stay factor x coefficient is half-way between two unit prices, or beside it."""
    rules = case_rules(schedule)
    share, rule = choices.pick(rules)
    recipe = {**recipe_of_rule(schedule, share, rule), **recipe_of_stay(choices, schedule, group)}
    recipe |= recipe_of_provider(choices, schedule)
    try:
        stay_rule = stay_rule_that_applies(
            Case(case_id="aim", death_unavoidable=recipe["death_unavoidable"]),
            group.flags,
            share.care_setting,
            recipe["outcome"],
            counted_days(schedule, recipe["days_between"]),
            schedule,
            Unit.CASE,
        )
        stay_factor = factor_of_stay(
            stay_rule, group.planned_days, counted_days(schedule, recipe["days_between"])
        )
    except Exception:  # the stay has no factor: nothing to aim at
        return None
    factor = stay_factor * coefficient_of_recipe(schedule, recipe)
    tariff = tariff_for_unit_tie(choices, schedule, factor)
    if tariff is None:
        return None
    weight = weight_of_tariff(schedule, rule, tariff)
    return None if weight is None else with_recipe(group, weight, recipe)


def aim_at_largest(choices: Choices, schedule: Schedule, group: Group) -> Group | None:
    """A tariff near 10^18 minor units, or one that a large quantity takes there."""
    rules = case_rules(schedule)
    share, rule = choices.pick(rules)
    largest_share = max(1, *(one.share for _, one in rules))
    top = choices.pick([10**18, 10**18, 10**17, 10**12, 10**9, 10**10])
    rate_minor = math.floor(top / largest_share) - choices.integer(1, 3)
    rate_minor -= rate_minor % math.ceil(tariff_step_minor(schedule))
    weight = weight_of_tariff(schedule, rule, Fraction(rate_minor, 10**schedule.minor_units))
    if weight is None or rate_minor <= 0:
        return None
    recipe = {**recipe_of_rule(schedule, share, rule), **recipe_of_provider(choices, schedule)}
    recipe["quantity"] = min(2**31 - 1, (LARGEST_TARIFF // rate_minor) + choices.integer(0, 1))
    return with_recipe(group, weight, recipe)


def counted_days(schedule: Schedule, days_between: int) -> int:
    return max(1, days_between + (schedule.day_count is DayCount.INCLUSIVE))


def recipe_of_stay(choices: Choices, schedule: Schedule, group: Group) -> dict[str, Any]:
    """A stay that one of the stay rules is about, at its trim point or at the planned days."""
    if not schedule.stay_rules:
        return {"outcome": "discharged", "death_unavoidable": None, "days_between": choices.integer(0, 4)}
    rule = choices.pick(schedule.stay_rules)
    turning = [days for days in (rule.max_days, group.planned_days, 1) if days is not None]
    days = max(0, choices.pick(turning) - choices.integer(0, 1) - (schedule.day_count is DayCount.INCLUSIVE))
    return {
        "outcome": choices.pick(sorted(rule.outcomes) or OUTCOMES),
        "death_unavoidable": rule.death_unavoidable is not False,
        "days_between": days,
    }


def recipe_of_provider(choices: Choices, schedule: Schedule) -> dict[str, Any]:
    """A provider and the first day of one of its periods."""
    if not schedule.providers:
        return {"day": schedule.effective_start_date.isoformat()}
    drawn = [periods for code, periods in schedule.providers.items() if not code.startswith("L")]
    period = choices.pick(choices.pick(drawn))
    day = max(period.effective_start_date, schedule.effective_start_date)
    return {"provider_id": period.provider_id, "day": day.isoformat()}


def coefficient_of_recipe(schedule: Schedule, recipe: dict[str, Any], unit: Unit = Unit.CASE) -> Fraction:
    case = Case(case_id="aim", provider_id=recipe.get("provider_id"))
    try:
        return provider_coefficient(case, schedule, date.fromisoformat(recipe["day"]), unit)
    except Exception:  # an empty list of providers: nobody's coefficient
        return Fraction(1)


def tariff_step_minor(schedule: Schedule) -> Fraction:
    """The step of rounded tariffs in minor units; one minor unit where they are finer or exact."""
    places = schedule.roundings.tariff.places
    return (
        Fraction(1) if places is None else max(Fraction(1), Fraction(10) ** (schedule.minor_units - places))
    )


def tariff_for_unit_tie(choices: Choices, schedule: Schedule, factor: Fraction) -> Fraction | None:
    """A tariff whose unit price is a tie under the factor, or as near as can be; in units of the currency."""
    unit_places = schedule.roundings.unit.places
    assert unit_places is not None
    step_minor = tariff_step_minor(schedule)
    per_step = factor * step_minor * Fraction(10) ** (unit_places - schedule.minor_units)
    limit = choices.pick([10**10, 10**17, 10**17])
    tie = half_way(per_step, choices, limit)
    beside = beside_turning_point(per_step, schedule.roundings.unit.mode, choices, limit)
    steps = beside or tie if choices.one_in(3) else tie or beside
    if steps is None:
        return None
    return steps * step_minor / 10**schedule.minor_units


def weight_of_tariff(schedule: Schedule, rule: Share | ShareException, tariff: Fraction) -> Fraction | None:
    """A weight whose tariff under the rule is this one, if a weight can reach it."""
    if rule.applies_to is AppliesTo.WEIGHT:
        effective = weight_of_full_tariff(schedule, tariff)
        if effective is None:
            return None
        weight = decimal_of(effective / rule.share, 24)
    else:
        full = tariff / rule.share
        places = schedule.roundings.tariff.places
        weight = weight_of_full_tariff(schedule, full if places is None else decimal_at(full, places))
        if weight is None:
            return None
    return weight if weight > 0 and tariff_of_case(weight, rule, schedule) == tariff else None


def decimal_at(value: Fraction, places: int) -> Fraction:
    """The nearest multiple of 10^-places, for negative places too."""
    return rounded(value, Rounding(places, RoundingMode.HALF_UP))


def weight_of_full_tariff(schedule: Schedule, tariff: Fraction) -> Fraction | None:
    """A weight that times the base rate rounds to the tariff; few decimals where tariffs are exact."""
    base_rate = schedule.base_rate.amount
    rounding = schedule.roundings.tariff
    if rounding.places is None:
        weight = tariff / base_rate
        return weight if weight > 0 and 10**8 % weight.denominator == 0 else None
    step = 1 / Fraction(10) ** rounding.places
    inside = {RoundingMode.DOWN: step / 2, RoundingMode.UP: -step / 2}.get(rounding.mode, Fraction(0))
    decimals = 2
    while base_rate > step * 10**decimals / 8:
        decimals += 1
    weight = decimal_of((tariff + inside) / base_rate, decimals)
    return weight if weight > 0 and rounded(weight * base_rate, rounding) == tariff else None


# Services


def service_rates(schedule: Schedule, unit: Unit, rate: Fraction) -> list[Fraction]:
    """The rate as printed and under every share of its unit, in currency."""
    return [rate] + [
        rounded(rate * share.share, schedule.roundings.tariff)
        for share in schedule.shares
        if share.unit is unit
    ]


def build_services(
    choices: Choices, schedule: Schedule, limits: RateLimits
) -> dict[str, tuple[Service, ...]]:
    """Services with a rate for all settings, rates of their own, and rates that change on a date."""
    services: dict[str, tuple[Service, ...]] = {}
    start = schedule.effective_start_date
    for number in range(choices.integer(0, 4)):
        code = f"S{number + 1}"
        unit = choices.pick(COUNTED_UNITS)
        cut = start + timedelta(days=choices.integer(1, 20))
        spans = choices.pick(
            [[(start, None)], [(start - timedelta(days=9), cut), (cut, None)], [(start, cut)]]
        )
        settings = choices.pick([[None], [None, "inpatient"], ["day_hospital"], ["home", None, "outpatient"]])
        rows = []
        for setting in settings:
            for first, last in spans:
                if unit is Unit.ITEM:
                    rate, recipe = Fraction(0), {}
                else:
                    rate, recipe = build_rate(choices, schedule, unit, setting)
                if not limits.admit(
                    [r * 10**schedule.minor_units for r in service_rates(schedule, unit, rate)]
                ):
                    continue
                if recipe:
                    recipe["day"] = max(first, start).isoformat()
                name = json.dumps(recipe, sort_keys=True) if recipe else ""
                method = (None, *METHODS_OF_UNIT[unit])[number % (1 + len(METHODS_OF_UNIT[unit]))]
                line = len(rows) + 2
                planned = 3 + number if unit is Unit.AVERAGE_CASE and number != 3 else None
                rows.append(
                    Service(code, name, unit, setting, rate, first, last, SOURCE, line, method, planned)
                )
        if rows:
            services[code] = tuple(rows)
    return services


def build_rate(
    choices: Choices, schedule: Schedule, unit: Unit, setting: str | None
) -> tuple[Fraction, dict[str, Any]]:
    """A printed rate, and the line for which it makes a tie (or nearly 10^18), if it was aimed."""
    minor = 10**schedule.minor_units
    shares = [share for share in schedule.shares if share.unit is unit]
    share = choices.pick(shares) if shares and setting is None else None
    factors = [factor for factor in schedule.factors if factor.unit is unit]
    factor = choices.pick([None, *factors])
    recipe = {
        "care_setting": setting or (share.care_setting if share is not None else "inpatient"),
        "factor_code": factor.factor_code if factor is not None else None,
        **recipe_of_provider(choices, schedule),
    }
    aim = choices.integer(0, 3)
    if aim == 1:
        multiplied = coefficient_of_recipe(schedule, recipe, unit) * (
            factor.factor if factor is not None else 1
        )
        tariff = tariff_for_unit_tie(choices, schedule, multiplied)
        rate = (
            decimal_of(tariff / share.share if share is not None else tariff, schedule.minor_units)
            if tariff
            else 0
        )
        if rate:
            return Fraction(rate), recipe
    elif aim == 2 and share is not None and schedule.roundings.tariff.places is not None:
        steps = half_way(share.share, choices, 10**9)
        rate = steps / Fraction(10) ** schedule.roundings.tariff.places if steps is not None else Fraction(0)
        if rate and minor % rate.denominator == 0:
            return rate, recipe
    elif aim == 3:
        rate_minor = choices.pick([10**18, 10**17, 10**10]) - choices.integer(1, 3)
        recipe["quantity"] = min(2**31 - 1, LARGEST_TARIFF // rate_minor + choices.integer(0, 1))
        return Fraction(rate_minor, minor), recipe
    return Fraction(choices.integer(1, 10_000_000), minor), {}


# A catalog


EDITION_STARTS = (date(2025, 1, 1), date(2026, 1, 1), date(2025, 7, 1), date(2025, 12, 31), date(2024, 2, 29))


def build_catalog(choices: Choices, *, large: bool = False) -> Catalog:
    """One to four editions that follow, overlap or leave a gap; some published after they took effect, some
    after the asking date; either date may decide."""
    minor_units = choices.pick([2, 2, 2, 0, 3, 4])
    published_on: set[date] = set()
    editions = []
    for number in range(choices.pick([1, 2, 2, 3, 4])):
        start = choices.pick(EDITION_STARTS)
        ends = [
            None,
            start + timedelta(days=1),
            start + timedelta(days=30),
            date(2026, 1, 1),
            date(2027, 1, 1),
        ]
        end = choices.pick([day for day in ends if day is None or day > start])
        published = start + timedelta(days=choices.pick([-6, -1, 0, 1, 40, 200]))
        while published in published_on:
            published += timedelta(days=1)
        published_on.add(published)
        editions.append(
            build_schedule(
                choices,
                f"edition-{number + 1}",
                minor_units=minor_units,
                published=published,
                start=start,
                end=end,
                large=large and number == 0,
            )
        )
    as_of = None
    if choices.one_in(3):
        days = {day + timedelta(days=apart) for day in published_on for apart in (-1, 0, 1)}
        as_of = choices.pick(sorted(day for day in days if day >= min(published_on)))
    decides = DecidingDate.ADMISSION if choices.one_in(4) else DecidingDate.DISCHARGE
    return Catalog.of(editions, as_of=as_of, deciding_date=decides)


def aimed_catalog(seed: int) -> Catalog:
    """A catalog of `build_catalog` from a seed; every fourth has more than 256 groups and providers."""
    return build_catalog(RandomChoices(seed), large=seed % 4 == 3)


# Cases


@cache
def recipe_in(text: str) -> dict[str, Any]:
    return json.loads(text)


class EditionAims:
    """What of an edition a case can name, and where its edges are."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.drg_codes = list(schedule.groups)
        self.service_codes = list(schedule.services)
        self.aimed_drgs = [
            (g.drg_code, recipe_in(g.name)) for g in schedule.groups.values() if g.name.startswith("{")
        ]
        self.aimed_services = [
            (row.code, recipe_in(row.name))
            for rows in schedule.services.values()
            for row in rows
            if row.name.startswith("{")
        ]
        self.provider_ids = list(schedule.providers or ["P1"])
        edges = {schedule.effective_start_date, schedule.effective_end_date}
        edges |= {row.effective_start_date for row in schedule.factors}
        edges |= {row.effective_end_date for row in schedule.factors}
        for rows in schedule.services.values():
            edges |= {day for row in rows for day in (row.effective_start_date, row.effective_end_date)}
        for periods in list((schedule.providers or {}).values())[-8:]:
            edges |= {day for row in periods for day in (row.effective_start_date, row.effective_end_date)}
        self.days = sorted({day - timedelta(days=before) for day in edges - {None} for before in (0, 1)})
        self.days_inside = [day for day in self.days if schedule.covers(day)]
        turning = {rule.max_days for rule in schedule.stay_rules if rule.max_days is not None}
        self.trim_days = sorted({max(0, day + apart) for day in turning for apart in (-2, -1, 0, 1)} or {1})
        self.case_shares = [share for share in schedule.shares if share.unit is Unit.CASE]
        self.factor_codes = [None] * 6 + [*(factor.factor_code for factor in schedule.factors)]
        self.procedures = sorted(
            {p for share in self.case_shares for e in share.exceptions for p in e.procedures}
        )

    def priced_settings(self, service_code: str) -> Sequence[str]:
        """Settings in which the service has a rate, or all where it has none."""
        rows = self.schedule.services[service_code]
        own = [row.care_setting for row in rows if row.care_setting is not None]
        by_share = [s.care_setting for s in self.schedule.shares if s.unit is rows[0].unit]
        return [*own, *(by_share if None in (row.care_setting for row in rows) else ())] or CARE_SETTINGS


class CaseAims:
    """The edges of a catalog, worked out once for many cases."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.editions = [EditionAims(schedule) for schedule in catalog.editions]
        pricing = {span.schedule.id for span in catalog.spans}
        self.pricing_editions = [edition for edition in self.editions if edition.schedule.id in pricing]
        self.days = sorted({day for edition in self.editions for day in edition.days})
        self.admission_decides = catalog.deciding_date == DecidingDate.ADMISSION


def build_case(choices: Choices, aims: CaseAims, case_id: str) -> Case:
    """One line: usually one that has an amount, at some edge; sometimes spoilt in one or two ways."""
    edition = choices.pick(aims.editions if choices.one_in(12) else aims.pricing_editions)
    is_service = bool(edition.service_codes) and choices.one_in(4)
    build = build_service_line if is_service else build_treated_case
    fields = build(choices, aims, edition)
    put_addon(choices, edition.schedule, fields)
    fields["case_id"] = case_id
    if choices.one_in(8):
        choices.pick(SPOILERS)(choices, fields)
        if choices.one_in(6):
            choices.pick(SPOILERS)(choices, fields)
    if choices.one_in(16):
        fields["claimed_amount"] = Decimal(choices.integer(0, 10**6)).scaleb(-edition.schedule.minor_units)
    return Case(**fields)


def build_treated_case(choices: Choices, aims: CaseAims, edition: EditionAims) -> dict[str, Any]:
    if edition.aimed_drgs and not choices.one_in(3):
        drg_code, recipe = choices.pick(edition.aimed_drgs)
    else:
        drg_code, recipe = choices.pick(edition.drg_codes or ["G1"]), {}
    schedule = edition.schedule
    group = schedule.groups.get(drg_code)
    planned = group.planned_days if group is not None and group.planned_days is not None else 7
    setting = recipe.get("care_setting") or choices.pick(edition.case_shares).care_setting
    days_between = recipe.get("days_between")
    if days_between is None or choices.one_in(6):
        days_between = max(
            0,
            choices.pick(
                [
                    choices.pick(edition.trim_days),
                    choices.pick([0, 1, 2, 30, 400]),
                    planned,
                    planned - 1,
                    planned + 1,
                ]
            ),
        )
    limit = schedule.child_age_limit
    age = recipe.get("age_years")
    if age is None or choices.one_in(6):
        age = choices.pick([limit, limit - 1, min(limit + 1, 130), 0, 40, 130, None])
    procedures = list(recipe.get("procedure_codes", ()))
    if edition.procedures and choices.one_in(3):
        procedures += [choices.pick(edition.procedures) for _ in range(choices.integer(1, 3))]
    fields = {
        "drg_code": drg_code,
        "care_setting": setting,
        "outcome": recipe.get("outcome")
        if "outcome" in recipe and not choices.one_in(6)
        else choices.pick(OUTCOMES),
        "death_unavoidable": recipe["death_unavoidable"]
        if "death_unavoidable" in recipe and not choices.one_in(6)
        else choices.pick([None, True, False]),
        "age_years": age,
        "procedure_codes": tuple(spelled(choices, code) for code in procedures),
        "provider_id": recipe.get("provider_id") or choices.pick(edition.provider_ids),
        "quantity": recipe.get("quantity", 1)
        if not choices.one_in(6)
        else choices.pick([1, 2, 7, None, 1_000_003]),
    }
    put_dates(choices, aims, edition, fields, recipe.get("day"), days_between)
    return fields


def build_service_line(choices: Choices, aims: CaseAims, edition: EditionAims) -> dict[str, Any]:
    if edition.aimed_services and not choices.one_in(3):
        service_code, recipe = choices.pick(edition.aimed_services)
    else:
        service_code, recipe = choices.pick(edition.service_codes), {}
    fields = {
        "service_code": service_code,
        "care_setting": recipe.get("care_setting") or choices.pick(edition.priced_settings(service_code)),
        "outcome": choices.pick(["discharged", None, "died"]),
        "factor_code": recipe["factor_code"]
        if "factor_code" in recipe and not choices.one_in(6)
        else choices.pick(edition.factor_codes),
        "provider_id": recipe.get("provider_id") or choices.pick(edition.provider_ids),
        "quantity": recipe.get("quantity", 1)
        if choices.one_in(2)
        else choices.pick([1, 3, 30, 2**31 - 1, 1_000_003]),
        "age_years": choices.pick([None, 17, 40]),
    }
    days = [0, 0, 1, 30]
    if edition.schedule.services[service_code][0].unit is Unit.AVERAGE_CASE:
        days += [*edition.trim_days, 2, 3, 5]
        fields["outcome"] = choices.pick([*OUTCOMES, "discharged", None])
        fields["death_unavoidable"] = choices.pick([None, True, False])
    put_dates(choices, aims, edition, fields, recipe.get("day"), choices.pick(days))
    if choices.one_in(3) and not aims.admission_decides:
        fields["admission_date"] = None
        fields.pop("length_of_stay_days", None)
    return fields


def put_addon(choices: Choices, schedule: Schedule, fields: dict[str, Any]) -> None:
    """An amount that the line brings with it: always for an item, for others now and then."""
    rows = schedule.services.get(fields.get("service_code", ""), ())
    is_item = bool(rows) and rows[0].unit is Unit.ITEM
    if not (is_item or choices.one_in(8)):
        return
    unit = Unit.ITEM if is_item else Unit.CASE
    kinds = [addon.kind for addon in schedule.addons if addon.unit is unit]
    fields["addon_kind"] = choices.pick(["drug", "herbs"] if not kinds else [*kinds, *kinds, *kinds, "herbs"])
    minor = choices.pick([1, 2, 10**6 + 7, 10**18 - 1, 10**18 - 10**6, choices.integer(0, 10**9)])
    fields["addon_amount"] = Decimal(minor).scaleb(-schedule.minor_units)
    if is_item and not choices.one_in(8):
        fields["factor_code"] = None


def spelled(choices: Choices, code: str) -> str:
    """A normalised procedure code the way somebody typed it."""
    dotted = f"{code[:2]}.{code[2:]}"
    ways = [code, dotted, f" {dotted}", dotted.replace(".", ","), f"{code[:2]} {code[2:]}\u00a0"]
    if code.startswith("0"):
        ways.append(dotted[1:])
    return choices.pick(ways)


def put_dates(
    choices: Choices,
    aims: CaseAims,
    edition: EditionAims,
    fields: dict[str, Any],
    recipe_day: str | None,
    days_between: int,
) -> None:
    """Both dates of a line, so that the deciding one is at an edge; with hours where they matter."""
    if recipe_day is not None and not choices.one_in(4):
        day = date.fromisoformat(recipe_day)
        if choices.one_in(8):
            day += timedelta(days=choices.integer(1, 9))
    else:
        day = choices.pick(aims.days if choices.one_in(6) else edition.days_inside)
    stay = timedelta(days=days_between)
    admission, discharge = (day, day + stay) if aims.admission_decides else (day - stay, day)
    share = next((s for s in edition.case_shares if s.care_setting == fields["care_setting"]), None)
    if share is not None and share.max_hours is not None:
        put_hours_at_limit(choices, fields, admission, discharge, share.max_hours, aims.admission_decides)
        return
    if choices.one_in(5):
        hour = time(choices.integer(0, 23), choices.pick([0, 30, 59]))
        fields["admission_date"] = datetime.combine(admission, hour)
        same_or_later = time(23, 59, 59) if admission == discharge else time(0, 0)
        fields["discharge_date"] = datetime.combine(discharge, same_or_later)
    else:
        fields["admission_date"], fields["discharge_date"] = admission, discharge
    lengths = [None] * 2
    lengths += [counted_days(edition.schedule, days_between)] * 3
    lengths += [
        counted_days(edition.schedule, days_between) + apart for apart in (-1, 1) if choices.one_in(4)
    ]
    fields["length_of_stay_days"] = min(32_767, choices.pick(lengths) or 0) if choices.one_in(3) else None
    if fields["length_of_stay_days"] is not None and choices.one_in(2) and not aims.admission_decides:
        fields["admission_date"] = None


def put_hours_at_limit(
    choices: Choices,
    fields: dict[str, Any],
    admission: date,
    discharge: date,
    max_hours: int,
    admission_decides: bool,
) -> None:
    """A stay of exactly the hours paid, a second less or more; or dates alone, where some stays stay open."""
    if choices.one_in(3):
        days = timedelta(days=choices.integer(0, max_hours // 24 + 2))
        admission, discharge = (
            (admission, admission + days) if admission_decides else (discharge - days, discharge)
        )
        fields["admission_date"], fields["discharge_date"] = admission, discharge
        if choices.one_in(3):
            fields["discharge_date"] = datetime.combine(discharge, time(23, 30))
        return
    duration = timedelta(hours=max_hours, seconds=choices.pick([0, 1, -1, -3_600, 3_600]))
    hour = time(choices.integer(0, 23), choices.pick([0, 30]), choices.pick([0, 59]))
    if admission_decides:
        begins = datetime.combine(admission, hour)
        fields["admission_date"], fields["discharge_date"] = begins, begins + duration
    else:
        ends = datetime.combine(discharge, hour)
        fields["admission_date"], fields["discharge_date"] = ends - duration, ends


def spoil(field: str, *values: Any) -> Any:
    """Puts one of the values into the field."""

    def spoil_field(choices: Choices, fields: dict[str, Any]) -> None:
        fields[field] = choices.pick(values)

    return spoil_field


def spoil_code(choices: Choices, fields: dict[str, Any]) -> None:
    """Another spelling of a code: space around it does no harm, another case is another code."""
    field = choices.pick(
        ["drg_code", "service_code", "care_setting", "provider_id", "outcome", "factor_code"]
    )
    code = fields.get(field)
    if code:
        fields[field] = choices.pick(
            [f" {code}", f"{code}\t", f"\u00a0{code}\u2009", code.lower(), code.upper(), f"{code}x"]
        )


def spoil_order(choices: Choices, fields: dict[str, Any]) -> None:
    """Discharge before admission: by days, or by a second of one day."""
    discharge = fields["discharge_date"]
    if choices.one_in(2) and isinstance(discharge, datetime):
        fields["admission_date"] = discharge + timedelta(seconds=1)
    elif discharge is not None:
        fields["admission_date"] = discharge + timedelta(days=choices.pick([1, 30]))


def spoil_long_stay(choices: Choices, fields: dict[str, Any]) -> None:
    """A stay of about 32,767 days."""
    discharge = fields["discharge_date"]
    if discharge is not None:
        fields["admission_date"] = discharge - timedelta(days=choices.pick([32_766, 32_767, 32_768, 40_000]))


def spoil_edition(choices: Choices, fields: dict[str, Any]) -> None:
    """Both dates far from every edition."""
    day = choices.pick([date(1999, 12, 31), date(2023, 6, 30), date(1900, 1, 1), date(2030, 2, 28)])
    fields["admission_date"] = fields["discharge_date"] = day


SPOILERS = (
    spoil("case_id", None, "", "  ", "      ", "\u00a0\u2003"),
    spoil("provider_id", None, "", "P99", "p1", " P1 "),
    spoil("drg_code", None, "", "G99", " G1 ", "g1", "L257", "S1"),
    spoil("service_code", None, "S99", "S1", " "),
    spoil("care_setting", None, "", "outpatient", "Inpatient", "hospital", " inpatient", "home"),
    spoil("admission_date", None),
    spoil("discharge_date", None),
    spoil("outcome", None, "", "recovered", "Discharged", " died "),
    spoil("death_unavoidable", None, True, False),
    spoil("age_years", None, -1, 131, 0, 130),
    spoil("quantity", None, 0, -1, 2**31 - 1, 2**31, 10**12),
    spoil("length_of_stay_days", None, 0, 1, -1, 32_767, 32_768, 5),
    spoil("factor_code", None, "remote", "home_visit", "Remote", "", "telepathy"),
    spoil("addon_kind", None, "", "drug", " drug ", "Drug", "cost"),
    spoil("addon_amount", None, Decimal(-1), Decimal("0.00001"), Decimal(10**18), Decimal(5), Decimal("NaN")),
    spoil("procedure_codes", (), ("99.99",), ("",), ("13.73", "41.31", "88.55", "9.83")),
    spoil_code,
    spoil_order,
    spoil_long_stay,
    spoil_edition,
)


def random_cases(catalog: Catalog, count: int, seed: int) -> list[Case]:
    """Aimed cases of a catalog from a seed."""
    choices = RandomChoices(seed)
    aims = CaseAims(catalog)
    return [build_case(choices, aims, f"case-{number}") for number in range(count)]


# The same for Hypothesis


@st.composite
def schedules(draw: Any) -> Schedule:
    """Editions of `build_schedule`; a few with more than 256 groups and providers."""
    choices = DrawnChoices(draw)
    return build_schedule(choices, minor_units=choices.pick([2, 2, 0, 3, 4]), large=choices.one_in(8))


@st.composite
def catalogs(draw: Any) -> Catalog:
    """Catalogs of `build_catalog`; a few with more than 256 groups and providers."""
    choices = DrawnChoices(draw)
    return build_catalog(choices, large=choices.one_in(8))


def cases_for(catalog: Catalog) -> st.SearchStrategy[Case]:
    """Aimed cases of a catalog."""
    aims = CaseAims(catalog)

    @st.composite
    def cases(draw: Any) -> Case:
        return build_case(DrawnChoices(draw), aims, "case")

    return cases()
