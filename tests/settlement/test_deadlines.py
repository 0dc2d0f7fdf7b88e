"""The days of a month by Kazakhstan's calendar."""

from __future__ import annotations

from datetime import date

from tariffcore.settlement.calendar_month import Month, month_value
from tariffcore.settlement.deadlines import deadlines
from tariffcore.settlement.rules_reading import read_rules, resolve_rules

RULES = read_rules(resolve_rules("kz-2026")).deadlines


def test_terms_in_working_days_pass_over_holidays_and_weekends() -> None:
    # of February 2026: 25 March is in the days of Nauryz, which end the claims on the 26th, a Thursday
    days = deadlines(2026, 2, RULES)
    assert days.claims == date(2026, 3, 26)
    assert days.register_return == date(2026, 3, 27)
    assert days.objections == date(2026, 3, 31)
    assert days.answers == date(2026, 4, 2)
    assert (days.payment, days.payment_is_working_day) == (date(2026, 4, 12), False)  # a Sunday


def test_days_that_were_signed_replace_those_expected() -> None:
    days = deadlines(2026, 4, RULES, protocol=date(2026, 5, 6), act=date(2026, 5, 14))
    # 7 May (Defender's day) and 9 May (Victory day, a Saturday, taken on Monday 11 May) are holidays
    assert days.objections == date(2026, 5, 13)
    assert (days.payment, days.payment_is_working_day) == (date(2026, 5, 24), False)
    assert deadlines(2026, 4, RULES, act=date(2026, 5, 12)).payment_is_working_day


def test_months_are_written_as_people_write_them() -> None:
    assert month_value("2026-05") == month_value("05.2026") == month_value("2026-05-01") == Month(2026, 5)
    assert Month(2026, 12).plus(1) == Month(2027, 1)
