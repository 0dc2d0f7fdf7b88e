"""What the steps are told with: statements, and values in the form in which they carry them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta

from tariffcore.explanation import Statement
from tariffcore.statuses import CaseStatus

LISTED_WORDS = 12
"""How many words of a list a reason names before it says how many more there are."""


class NoAmountError(Exception):
    """The case has no amount, and these are the reasons."""

    def __init__(self, status: CaseStatus, *reasons: Statement) -> None:
        super().__init__(status.name)
        self.status = status
        self.reasons = reasons


def statement(key: str, /, **values: str) -> Statement:
    return Statement(key, tuple(values.items()))


def no_amount(status: CaseStatus, key: str, /, **values: str) -> NoAmountError:
    return NoAmountError(status, statement(key, **values))


def written(text: str | None) -> str | None:
    """What stands in a field, without surrounding white space; an empty field is a missing one."""
    return None if text is None else text.strip() or None


def day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def calendar_day(moment: date | None) -> date | None:
    return None if moment is None else day_of(moment)


def moment_in_words(moment: date) -> str:
    """A date with its time, to the minute, or to the second where the minute is not whole."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    clock = moment.replace(tzinfo=None)
    whole_minute = not clock.second and not clock.microsecond
    return clock.isoformat(sep=" ", timespec="minutes" if whole_minute else "auto")


def hours(duration: timedelta) -> str:
    """A duration as hours and minutes, ``24:00``; with seconds where the minute is not whole."""
    minutes, rest = divmod(duration, timedelta(minutes=1))
    hours_minutes = f"{minutes // 60}:{minutes % 60:02}"
    if not rest:
        return hours_minutes
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    return f"{hours_minutes}:{rest.seconds:02}{fraction}"


def is_within(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day < end)


def spans_of(spans: Iterable[tuple[date, date | None]]) -> str:
    """Half-open spans as ISO intervals: ``2025-01-01/2026-01-01, 2026-01-01/``, each once."""
    written = (f"{start.isoformat()}/{end.isoformat() if end else ''}" for start, end in spans)
    return listed(list(dict.fromkeys(written)))


def listed(words: Sequence[str]) -> str:
    """The words of a list; of a long one the first, and how many there are."""
    shown = [*words[:LISTED_WORDS], f"… ({len(words)})"] if len(words) > LISTED_WORDS else words
    return ", ".join(shown)
