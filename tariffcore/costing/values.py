"""Text of a table to exact values, where the schedule's own readers (`schedule.values`) do not say it yet."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariffcore.costing.parameters import LIFE_WORDS, RATE_WORDS, life_is_usable
from tariffcore.schedule.values import UnreadableValueError, share_value
from tariffcore.worksheets.values import as_printed, number_value

_PERIOD = re.compile(r"([0-9]{4})(?:-([0-9]{2})(?:-01)?)?")
_POINTED_PERIOD = re.compile(r"(?:01\.)?([0-9]{1,2})\.([0-9]{4})")


def quantity_value(text: str) -> Fraction:
    """An exact quantity from 0: ``1250.5``."""
    value = number_value(text)
    if value < 0:
        raise UnreadableValueError(
            "must not be less than 0", "write how much the centre has, or remove the row"
        )
    return value


def life_value(text: str) -> Fraction:
    years = number_value(text)
    if not life_is_usable(years):
        raise UnreadableValueError(*LIFE_WORDS)
    return years


def rate_value(text: str) -> Fraction:
    rate = as_printed(text, share_value)
    if not 0 < rate <= 1:
        raise UnreadableValueError(*RATE_WORDS)
    return rate


@dataclass(frozen=True, slots=True)
class Span:
    """Whole months, in half-months since year 0; half-open."""

    start: int
    end: int


def span_value(text: str) -> Span:
    """``2025-03``, ``03.2025`` or ``2025``; of a spreadsheet also the first day of the month, which it makes
    of ``2025-03``."""
    pointed = _POINTED_PERIOD.fullmatch(text)
    if pointed is not None:
        text = f"{pointed[2]}-{int(pointed[1]):02}"
    found = _PERIOD.fullmatch(text)
    month = 1 if found is None or found[2] is None else int(found[2])
    if found is None or not 1 <= month <= 12:
        raise UnreadableValueError("is neither a month nor a year", "write 2025-03, or 2025 for a whole year")
    start = int(found[1]) * 24 + 2 * (month - 1)
    return Span(start, start + (24 if found[2] is None else 2))


def half_months(day: date) -> int:
    """The first day of a month, in half-months since year 0."""
    return day.year * 24 + 2 * (day.month - 1)
