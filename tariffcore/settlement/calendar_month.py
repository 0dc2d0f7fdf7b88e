"""A calendar month: the reporting period."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from tariffcore.schedule.values import UnreadableValueError

_MONTH = re.compile(r"([0-9]{4})-([0-9]{1,2})(?:-01)?")
_POINTED = re.compile(r"(?:01\.)?([0-9]{1,2})\.([0-9]{4})")


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """Ordered as the calendar is; written ``2026-05``."""

    year: int
    month: int

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"

    @property
    def number(self) -> int:
        """Months since year 0."""
        return self.year * 12 + self.month - 1

    @property
    def first_day(self) -> date:
        return date(self.year, self.month, 1)

    def plus(self, months: int) -> Month:
        number = self.number + months
        return Month(number // 12, number % 12 + 1)


def month_value(text: str) -> Month:
    """``2026-05`` or ``05.2026``; of a spreadsheet also the first day of the month."""
    found, pointed = _MONTH.fullmatch(text.strip()), _POINTED.fullmatch(text.strip())
    if found is not None:
        year, month = int(found[1]), int(found[2])
    elif pointed is not None:
        year, month = int(pointed[2]), int(pointed[1])
    else:
        raise UnreadableValueError("is not a month", "write it as 2026-05")
    if not (1 <= month <= 12 and 1900 <= year <= 2200):
        raise UnreadableValueError("is not a month of the calendar", "write it as 2026-05")
    return Month(year, month)
