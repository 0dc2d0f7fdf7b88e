"""The days of a settled month: until when to claim, to object, to answer and to pay.

Working days are Monday to Friday without the public holidays of the country, as the calendar library knows
them (days moved by a government's decision included where it has them).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import holidays

from tariffcore.settlement.rules import DeadlineRules


@lru_cache(1)
def known_countries() -> frozenset[str]:
    """Codes of the countries there is a calendar of."""
    return frozenset(holidays.list_supported_countries())


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Each is the last day on which it is in time.

    claims           claims of the month reach the fund
    register_return  the register is returned to the provider
    objections       the provider objects to the protocol
    answers          the fund answers objections
    act              the day the act is taken to be signed: that of the answers
    payment          the fund pays

    ``payment_is_working_day``: a term in calendar days may end on another day, which the rules do not move.
    """

    claims: date
    protocol: date
    register_return: date
    objections: date
    answers: date
    act: date
    payment: date
    payment_is_working_day: bool


def deadlines(
    year: int, month: int, rules: DeadlineRules, *, protocol: date | None = None, act: date | None = None
) -> Deadlines:
    """The days of the month. ``protocol`` and ``act``: the days they were signed; without them, protocol is
    the last day to claim and the act that of the answers.

    A last day to claim that is no working day moves to the next one; terms in working days count from the day
    after. Payment is in calendar days and does not move.
    """
    calendar = _calendar(rules.country)
    months = year * 12 + month - 1 + rules.claims_months_after
    claims = _working_day(date(months // 12, months % 12 + 1, rules.claims_day), calendar)
    protocol = claims if protocol is None else protocol
    objections = add_working_days(protocol, rules.objection_days, calendar)
    answers = add_working_days(objections, rules.answer_days, calendar)
    act = answers if act is None else act
    payment = act + timedelta(days=rules.payment_days)
    return Deadlines(
        claims=claims,
        protocol=protocol,
        register_return=add_working_days(protocol, rules.register_return_days, calendar),
        objections=objections,
        answers=answers,
        act=act,
        payment=payment,
        payment_is_working_day=is_working_day(payment, calendar),
    )


@lru_cache(16)
def _calendar(country: str) -> holidays.HolidayBase:
    return holidays.country_holidays(country)


def is_working_day(day: date, calendar: holidays.HolidayBase) -> bool:
    """Neither a weekend nor a public holiday. (A Saturday that is worked in exchange is not known here.)"""
    return day.weekday() < 5 and day not in calendar


def _working_day(day: date, calendar: holidays.HolidayBase) -> date:
    while not is_working_day(day, calendar):
        day += timedelta(days=1)
    return day


def add_working_days(day: date, count: int, calendar: holidays.HolidayBase) -> date:
    """The working day so many working days after a day."""
    for _ in range(count):
        day = _working_day(day + timedelta(days=1), calendar)
    return day
