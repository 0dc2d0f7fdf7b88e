"""How an asset wears out on paper: what has been charged by some moment of its life, in minor units.

Every method is a running total: a period's charge is the total at its end less the total at its beginning.
So the charges of a whole life sum to cost less residual value exactly, however the periods are cut and
whatever is rounded (half up, to the minor unit).

Time is counted in half-months, the finest step of the monthly conventions; a year has 24.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache

HALF_MONTHS_A_YEAR = 24


class Method(StrEnum):
    """How cost less residual value is spread over the life."""

    STRAIGHT_LINE = "straight_line"
    DECLINING_BALANCE = "declining_balance"
    UNITS_OF_PRODUCTION = "units_of_production"
    ANNUITY = "annuity"
    NOT_DEPRECIATED = "not_depreciated"


class MonthlyConvention(StrEnum):
    """When in a month an asset begins and ends to be charged.

    next_month  from the month after commissioning, through the month of disposal
    same_month  from the month of commissioning, up to the month of disposal, which is not charged
    mid_month   half of both months
    """

    NEXT_MONTH = "next_month"
    SAME_MONTH = "same_month"
    MID_MONTH = "mid_month"


_HALVES_INTO_THE_MONTH = {
    MonthlyConvention.SAME_MONTH: 0,
    MonthlyConvention.MID_MONTH: 1,
    MonthlyConvention.NEXT_MONTH: 2,
}


def month_start(day: date) -> int:
    """The beginning of the day's month, in half-months."""
    return day.year * HALF_MONTHS_A_YEAR + 2 * (day.month - 1)


def moment_of(day: date, convention: MonthlyConvention) -> int:
    """When what happened on the day begins to count, in half-months."""
    return month_start(day) + _HALVES_INTO_THE_MONTH[convention]


def divided_half_up(numerator: int, denominator: int) -> int:
    """A quotient from zero on as a whole number, ties up."""
    return (2 * numerator + denominator) // (2 * denominator)


def straight_line(depreciable_minor: int, life: Fraction, elapsed: int) -> int:
    """The same every month: ``depreciable x elapsed / life``, at most all of it.

    ``life`` may be no whole number of half-months: a yearly rate of 15 % is 24 / 0.15 = 160.
    """
    if elapsed * life.denominator >= life.numerator:
        return depreciable_minor
    return divided_half_up(depreciable_minor * elapsed * life.denominator, life.numerator)


def units_of_production(depreciable_minor: int, life_units: Fraction, used_units: Fraction) -> int:
    """By use: ``depreciable x used / units of the whole life``, at most all of it."""
    if used_units >= life_units:
        return depreciable_minor
    share = used_units / life_units
    return divided_half_up(depreciable_minor * share.numerator, share.denominator)


@lru_cache(maxsize=1 << 12)
def _declining_years(
    opening_minor: int, residual_minor: int, rate: int, of_rate: int, life: int
) -> tuple[int, ...]:
    """The running total after each year of a life; the yearly rate is ``rate / of_rate``."""
    totals = [0]
    book_minor = opening_minor
    left = life
    while left > 0:
        span = min(left, HALF_MONTHS_A_YEAR)
        depreciable_minor = book_minor - residual_minor
        declining = divided_half_up(book_minor * rate * span, of_rate * HALF_MONTHS_A_YEAR)
        level = divided_half_up(depreciable_minor * span, left)
        charge_minor = min(max(declining, level), depreciable_minor)
        book_minor -= charge_minor
        totals.append(totals[-1] + charge_minor)
        left -= span
    return tuple(totals)


def declining_balance(
    opening_minor: int, residual_minor: int, rate: Fraction, life: int, elapsed: int
) -> int:
    """A share of the book value every year, with the switch to straight line.

    A year charges the yearly rate of its opening book value or, once that is more, an equal part of what is
    left for each month left (the switch); never below the residual value. Each year's charge is rounded half
    up, the last year perhaps a part of one; within a year all months are charged the same.
    """
    if elapsed >= life:
        return opening_minor - residual_minor
    totals = _declining_years(opening_minor, residual_minor, rate.numerator, rate.denominator, life)
    year, into_year = divmod(elapsed, HALF_MONTHS_A_YEAR)
    if not into_year:
        return totals[year]
    span = min(life - year * HALF_MONTHS_A_YEAR, HALF_MONTHS_A_YEAR)
    return totals[year] + divided_half_up((totals[year + 1] - totals[year]) * into_year, span)


@dataclass(frozen=True, slots=True)
class _Recovery:
    """Parts of cost less residual value recovered after each year of an annuity, and the interest on what was
    not yet, as fractions over one denominator."""

    principal: tuple[int, ...]
    interest: tuple[int, ...]
    denominator: int


@lru_cache(maxsize=1 << 10)
def _recovery(rate: int, of_rate: int, years: int) -> _Recovery:
    """At a discount rate of ``rate / of_rate`` a year."""
    if rate == 0:
        return _Recovery(tuple(range(years + 1)), (0,) * (years + 1), years)
    # recovered after k years: ((1+r)^k - 1) / ((1+r)^n - 1); interest of a year: r x what is left
    grown, one = rate + of_rate, of_rate
    powers = [grown**k * one ** (years - k) for k in range(years + 1)]
    principal = [power - powers[0] for power in powers]
    whole = principal[-1]
    interest = [0]
    for recovered in principal[:-1]:
        interest.append(interest[-1] + rate * (whole - recovered))
    return _Recovery(tuple(part * one for part in principal), tuple(interest), whole * one)


@dataclass(frozen=True, slots=True)
class Recovered:
    """What an annuity has charged by some moment: depreciation, and the interest on what is tied up."""

    depreciation_minor: int
    interest_minor: int


def annuity(
    opening_minor: int, residual_minor: int, discount_rate: Fraction, years: int, elapsed: int
) -> Recovered:
    """Capital recovery: equal yearly amounts that pay back cost and interest at the discount rate.

    The yearly amount is ``(cost - residual) x r / (1 - (1+r)^-n) + residual x r``. Its principal part is
    depreciation, its interest financing cost; the residual value ties up capital to the end.
    Months are equal within a year. After the life nothing is charged.
    """
    rate, of_rate = discount_rate.numerator, discount_rate.denominator
    recovery = _recovery(rate, of_rate, years)
    elapsed = min(elapsed, years * HALF_MONTHS_A_YEAR)
    year, into_year = divmod(elapsed, HALF_MONTHS_A_YEAR)
    following = min(year + 1, years)

    def reached(parts: tuple[int, ...]) -> int:
        """In 24ths of the denominator."""
        return parts[year] * HALF_MONTHS_A_YEAR + (parts[following] - parts[year]) * into_year

    denominator = recovery.denominator * HALF_MONTHS_A_YEAR
    depreciable_minor = opening_minor - residual_minor
    interest = depreciable_minor * reached(recovery.interest) * of_rate
    if residual_minor:
        interest += residual_minor * elapsed * rate * recovery.denominator
    return Recovered(
        divided_half_up(depreciable_minor * reached(recovery.principal), denominator),
        divided_half_up(interest, denominator * of_rate),
    )
