"""Text of a schedule folder to exact values; a text that is not one says what would be right."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from fractions import Fraction

from tariffcore.codes import latin_lookalike
from tariffcore.errors import NumberFormatError
from tariffcore.money import MAX_DIGITS, parse_decimal, parse_share
from tariffcore.schedule.limits import MAX_CODE_LENGTH

_ISO_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_POINTED_DAY = re.compile(r"([0-9]{1,2})[./]([0-9]{1,2})[./]([0-9]{4})(?:[ T].*)?")
_ISO_DAY_WITH_TIME = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})[ T].*")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_GROUPED_BY_COMMAS = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?")  # 1,234,567.89
_WORD = re.compile(r"[\w.-]+")
_SPACES = re.compile(r"\s+")  # \s covers no-break and thin spaces


class UnreadableValueError(Exception):
    """A text is not the value it should be. Caught where the place is known, and told as a Problem."""

    def __init__(self, message: str, way_out: str) -> None:
        self.message = message
        self.way_out = way_out
        super().__init__(f"{message}; {way_out}")


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known word the reader most likely meant: compared without case and without look-alike letters."""
    folded = {latin_lookalike(candidate).casefold(): candidate for candidate in known}
    matches = difflib.get_close_matches(latin_lookalike(word).casefold(), folded, n=1, cutoff=0.6)
    return folded[matches[0]] if matches else None


def instead_of(
    word: str, known: Iterable[str], otherwise: str = "", *, listed: Iterable[str] | None = None
) -> str:
    """The way out of an unknown word: the known one that was meant, if one is close, and those to choose
    from (all that are known, or those ``listed``)."""
    candidates = [str(each) for each in known]  # a member of an enumeration is shown as its word
    choices = candidates if listed is None else list(listed)
    meant = closest(word, candidates)
    hint = [f"did you mean {meant!r}?"] if meant is not None else []
    if choices:
        more = f", … ({len(choices)} in all)" if len(choices) > 12 else ""
        hint.append(f"known are: {', '.join(choices[:12])}{more}")
    elif not candidates:
        hint.append("none is known here")
    if not hint:
        return otherwise.removeprefix("or ")
    return f"{' '.join(hint)}{'; ' + otherwise if otherwise else ''}"


def words_outside(words: Iterable[str], vocabulary: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each word that is not in the vocabulary, with its way out."""
    for word in sorted(words):
        if word not in vocabulary:
            yield word, instead_of(word, vocabulary, "or add it to [vocabulary] in schedule.toml")


def plain_number(text: str) -> str | None:
    """The number a person wrote with a decimal comma or with spaces, as tariffcore writes it."""
    compact = _SPACES.sub("", text).replace("_", "")
    if compact.count(",") == 1 and "." not in compact:
        compact = compact.replace(",", ".")
    elif _GROUPED_BY_COMMAS.fullmatch(compact):
        compact = compact.replace(",", "")
    try:
        parse_decimal(compact)
    except NumberFormatError:
        return None
    return compact if compact != text else None


def decimal_value(text: str) -> Fraction:
    """An exact decimal such as ``3.9114``."""
    try:
        return parse_decimal(text)
    except NumberFormatError:
        raise _not_a_number(
            text, "is not a decimal number", "write digits with a point, such as 3.9114"
        ) from None


def share_value(text: str) -> Fraction:
    """An exact decimal or fraction: ``0.40``, ``1/6``."""
    try:
        return parse_share(text)
    except NumberFormatError:
        raise _not_a_number(
            text, "is neither a decimal number nor a fraction", "write it as 0.40 or as 1/6"
        ) from None


def _not_a_number(text: str, message: str, way_out: str) -> UnreadableValueError:
    plain = plain_number(text)
    if plain is not None:
        return UnreadableValueError(message, f"write {plain} (a decimal point, no spaces)")
    if sum(character.isdigit() for character in text) > MAX_DIGITS:
        return UnreadableValueError(
            f"has more than {MAX_DIGITS} digits", "write the number as the order prints it"
        )
    if text.rstrip().endswith("%"):
        percent = plain_number(text.rstrip()[:-1]) or text.rstrip()[:-1].strip()
        return UnreadableValueError(
            message, f"write a share of 1, not a percentage ({percent} % is {percent}/100)"
        )
    return UnreadableValueError(message, way_out)


def positive(value: Fraction) -> Fraction:
    """The value, which must be greater than zero."""
    if value <= 0:
        raise UnreadableValueError(
            "must be greater than 0", "write the number of the order, or remove the row"
        )
    return value


def not_negative(value: Fraction) -> Fraction:
    """The value, which must not be less than zero."""
    if value < 0:
        raise UnreadableValueError("must not be less than 0", "write the number of the order")
    return value


def whole_value(text: str, low: int, high: int) -> int:
    """A whole number between two limits, both included."""
    stripped = text.strip()
    if not _WHOLE.fullmatch(stripped):
        raise UnreadableValueError("is not a whole number", f"write a whole number from {low} to {high}")
    return within(int(stripped), low, high)


def within(value: int, low: int, high: int) -> int:
    """The number, which must lie between two limits, both included."""
    if not low <= value <= high:
        raise UnreadableValueError("is out of range", f"write a whole number from {low} to {high}")
    return value


def day_value(text: str) -> date:
    """A day written ``2025-12-31``."""
    stripped = text.strip()
    if _ISO_DAY.fullmatch(stripped):
        try:
            return date.fromisoformat(stripped)
        except ValueError:
            raise UnreadableValueError(
                "is not a day of the calendar", "write an existing day as year-month-day, such as 2025-12-31"
            ) from None
    meant = _day_meant(stripped)
    way_out = f"write {meant}" if meant else "write the day as year-month-day, such as 2025-12-31"
    raise UnreadableValueError("is not a date", way_out)


def _day_meant(text: str) -> str | None:
    pointed = _POINTED_DAY.fullmatch(text)
    with_time = _ISO_DAY_WITH_TIME.fullmatch(text)
    try:
        if pointed is not None:
            day, month, year = (int(part) for part in pointed.groups())
            return date(year, month, day).isoformat()
        if with_time is not None:
            return date.fromisoformat(with_time[1]).isoformat()
    except ValueError:
        pass
    return None


def yes_or_no(text: str) -> bool:
    """``yes`` or ``no``."""
    if text not in ("yes", "no"):
        raise UnreadableValueError("is neither yes nor no", "write yes or no")
    return text == "yes"


def choice(text: str, known: Iterable[str]) -> str:
    """One of a closed list."""
    candidates = list(known)
    if text not in candidates:
        raise UnreadableValueError("is not known here", instead_of(text, candidates))
    return text


def word_value(text: str) -> str:
    """An id or a word of the vocabulary: letters, digits, ``-``, ``_`` and ``.``, for it becomes part of
    rule ids and lists."""
    if not _WORD.fullmatch(text) or len(text) > MAX_CODE_LENGTH:
        raise UnreadableValueError(
            "is not a plain word",
            f"use letters, digits, '-', '_' and '.' only, no spaces, at most {MAX_CODE_LENGTH} characters",
        )
    return text


def code_value(text: str) -> str:
    """A code as cases carry it: any visible characters, spaces inside allowed, no line breaks."""
    if not text.isprintable() or len(text) > MAX_CODE_LENGTH:
        raise UnreadableValueError(
            "is not a code",
            f"a code is one line of at most {MAX_CODE_LENGTH} visible characters without tabs or line breaks",
        )
    return text
