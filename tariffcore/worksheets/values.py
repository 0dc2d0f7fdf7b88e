"""Text of a cell to exact values as people write them, where the schedule's own readers do not say it yet."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from fractions import Fraction

from tariffcore.money import MAX_AMOUNT_MINOR, format_exact
from tariffcore.schedule.importing.numbers_as_printed import read_printed_number
from tariffcore.schedule.values import UnreadableValueError, day_value, decimal_value, share_value, within

MAX_COUNT = 10**9
"""Bed-days, cases or units of one row."""

_POINTED_THOUSANDS = re.compile(r"-?[1-9][0-9]{0,2}\.[0-9]{3}")
_POINTED_DAY = re.compile(r"([0-9]{1,2})\.([0-9]{1,2})\.([0-9]{4})(?: 0?0:00(?::00)?)?")


def number_value(text: str) -> Fraction:
    """An exact decimal as accountants write it: ``1234.56``, ``1 234,56``, ``1.234,56``.

    A point is the decimal mark wherever it can be; what could be two numbers (``1,234``) is refused.
    """
    return as_printed(text, decimal_value)


def as_printed(text: str, plain: Callable[[str], Fraction]) -> Fraction:
    try:
        return plain(text)
    except UnreadableValueError as error:
        try:
            printed = read_printed_number(text)
        except UnreadableValueError:
            raise error from None
    comma, point = printed.with_comma, printed.with_point
    if comma is not None and point is not None and comma != point:
        both = f"{format_exact(comma)} or {format_exact(point)}"
        raise UnreadableValueError(f"could be {both}", "write one of the two")
    found = comma if comma is not None else point
    assert found is not None, "a printed number has at least one reading"
    return found


def day_as_written(text: str) -> date:
    """A day written ``2025-12-31`` or ``31.12.2025``."""
    pointed = _POINTED_DAY.fullmatch(text)
    if pointed is None:
        return day_value(text)
    day, month, year = map(int, pointed.groups())
    return day_value(f"{year:04}-{month:02}-{day:02}")


def money_reader(minor_units: int) -> Callable[[str], int]:
    """Reads an amount of the currency into minor units."""

    def minor(text: str) -> int:
        whole, point, decimals = text.partition(".")
        if not point and len(text) - 4 < text.find(","):  # at most two decimals: no thousands
            whole, point, decimals = text.partition(",")
        if text.isascii() and len(decimals) <= minor_units and len(text) < 18:
            digits = whole.removeprefix("-") + decimals
            if digits.isdigit() and whole[-1:].isdigit() and (decimals or not point):
                amount: int = int(digits) * 10 ** (minor_units - len(decimals))
                return -amount if text.startswith("-") else amount
        value = number_value(text)
        if minor_units < 3 and _POINTED_THOUSANDS.fullmatch(text):
            both = f"{format_exact(value)} or {format_exact(value * 1000)}"
            raise UnreadableValueError(f"could be {both}", "write one of the two")
        exact = value * Fraction(10**minor_units)
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
    if text.isascii() and text.isdigit() and len(text) < 10:
        return int(text)
    try:
        value = number_value(text)
    except UnreadableValueError:
        value = Fraction(1, 2)
    if value.denominator != 1:
        raise UnreadableValueError("is not a whole number", f"write a whole number from 0 to {MAX_COUNT}")
    return within(value.numerator, 0, MAX_COUNT)


def agreed_share(text: str) -> Fraction:
    value = as_printed(text, share_value)
    if not 0 <= value <= 1:
        raise UnreadableValueError("is not a share from 0 to 1", "write it as 0.25 or 1/4")
    return value
