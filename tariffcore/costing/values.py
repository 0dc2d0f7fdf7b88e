"""Text of a table to exact values, where the schedule's own readers (`schedule.values`) do not say it yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariffcore.costing.parameters import LIFE_WORDS, RATE_WORDS, life_is_usable
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.schedule.values import UnreadableValueError, decimal_value, share_value, whole_value

MAX_COUNT = 10**9
"""Bed-days, cases or units of one row."""

_PERIOD = re.compile(r"([0-9]{4})(?:-([0-9]{2}))?")


def money_reader(minor_units: int) -> Callable[[str], int]:
    """Reads an amount of the currency into minor units."""

    def minor(text: str) -> int:
        whole, point, decimals = text.partition(".")
        if text.isascii() and len(decimals) <= minor_units and len(text) < 18:
            digits = whole.removeprefix("-") + decimals
            if digits.isdigit() and whole[-1:].isdigit() and (decimals or not point):
                amount: int = int(digits) * 10 ** (minor_units - len(decimals))
                return -amount if text.startswith("-") else amount
        exact = decimal_value(text) * Fraction(10**minor_units)
        if exact.denominator != 1:
            raise UnreadableValueError(
                f"has more than {minor_units} decimals", "write it to the minor unit of the currency"
            )
        if abs(exact) > MAX_AMOUNT_MINOR:
            raise UnreadableValueError("has more than 18 digits", "write the amount as it was booked")
        return exact.numerator

    return minor


def amount_from_zero(minor: Callable[[str], int]) -> Callable[[str], int]:
    """The same, refusing what is below zero."""

    def read(text: str) -> int:
        amount = minor(text)
        if amount < 0:
            raise UnreadableValueError("must not be less than 0", "write the amount without its sign")
        return amount

    return read


def count_value(text: str) -> int:
    """A whole number from 0."""
    try:
        return whole_value(text, 0, MAX_COUNT)
    except UnreadableValueError as error:
        if text.endswith(".0"):
            return whole_value(text[:-2], 0, MAX_COUNT)
        raise error


def quantity_value(text: str) -> Fraction:
    """An exact quantity from 0: ``1250.5``."""
    value = decimal_value(text)
    if value < 0:
        raise UnreadableValueError(
            "must not be less than 0", "write how much the centre has, or remove the row"
        )
    return value


def agreed_share(text: str) -> Fraction:
    value = share_value(text)
    if not 0 <= value <= 1:
        raise UnreadableValueError("is not a share from 0 to 1", "write it as 0.25 or 1/4")
    return value


def life_value(text: str) -> Fraction:
    years = decimal_value(text)
    if not life_is_usable(years):
        raise UnreadableValueError(*LIFE_WORDS)
    return years


def rate_value(text: str) -> Fraction:
    rate = share_value(text)
    if not 0 < rate <= 1:
        raise UnreadableValueError(*RATE_WORDS)
    return rate


@dataclass(frozen=True, slots=True)
class Span:
    """Whole months, in half-months since year 0; half-open."""

    start: int
    end: int


def span_value(text: str) -> Span:
    """``2025-03`` or ``2025``."""
    found = _PERIOD.fullmatch(text)
    month = 1 if found is None or found[2] is None else int(found[2])
    if found is None or not 1 <= month <= 12:
        raise UnreadableValueError("is neither a month nor a year", "write 2025-03, or 2025 for a whole year")
    start = int(found[1]) * 24 + 2 * (month - 1)
    return Span(start, start + (24 if found[2] is None else 2))


def half_months(day: date) -> int:
    """The first day of a month, in half-months since year 0."""
    return day.year * 24 + 2 * (day.month - 1)
