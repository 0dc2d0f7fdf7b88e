"""Numbers as orders print them: ``22,0576``, ``3 853 961,88``, ``3,853,961.88``, ``3'853'961.88``.

The same digits can mean two numbers: ``1,234`` is a weight where the comma is the decimal mark and a sum
where it groups thousands. Every cell is read both ways; where both ways give a number, and not the same
one, the other cells of its column decide, and where they do not, the cell is an error. Nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from tariffcore.money import MAX_DIGITS
from tariffcore.schedule.values import UnreadableValueError


class DecimalMark(StrEnum):
    """What stands between the whole and the decimals; the other of the two may group thousands."""

    COMMA = ","
    POINT = "."


_SPACES = re.compile(r"[\s\u200b\u2060]+")  # \s covers no-break, narrow no-break, thin and figure spaces
_APOSTROPHES = str.maketrans(dict.fromkeys("\u2019\u2018\u02bc\u00b4`", "'"))
_MINUS_SIGNS = str.maketrans(dict.fromkeys("\u2212\u2013", "-"))
_FOOTNOTE_MARKS = re.compile(r"[\s*\u00b9\u00b2\u00b3\u2070\u2074-\u2079]+$")
_CURRENCY_WORDS = re.compile(r"\s*(?:тенге|теңге|тг\.?|₸|kzt)$", re.IGNORECASE)
_EXPONENT = re.compile(r"[+-]?[0-9]+(?:[.,][0-9]+)?[eе][+-]?[0-9]+", re.IGNORECASE)

_NOTHING_PRINTED = frozenset({"", "-", "\u2013", "\u2014", "\u2212", "\u2012", "x", "х"})
"""Cells that print the absence of a number: empty, a dash, and the ``x`` of forms (Latin or Cyrillic)."""


def _grammar(decimal: str, grouping: str) -> re.Pattern[str]:
    # One kind of grouping mark in a number, groups of exactly three, and no group that starts with zero:
    # "0,123" is therefore a decimal and never a grouped 123.
    return re.compile(
        rf"(?P<sign>[+-]?)(?P<whole>[0-9]+|[1-9][0-9]{{0,2}}(?P<group>[ '{grouping}])[0-9]{{3}}"
        rf"(?:(?P=group)[0-9]{{3}})*)(?:{decimal}(?P<decimals>[0-9]+))?"
    )


_GRAMMARS = {
    DecimalMark.COMMA: _grammar(",", r"\."),
    DecimalMark.POINT: _grammar(r"\.", ","),
}


@dataclass(frozen=True, slots=True)
class PrintedNumber:
    """A printed number, read with each decimal mark; None where it is no number that way."""

    text: str
    with_comma: Fraction | None
    with_point: Fraction | None

    @property
    def only_mark(self) -> DecimalMark | None:
        """The mark this number proves to be the decimal one: it can be read no other way."""
        if self.with_point is None:
            return DecimalMark.COMMA
        return DecimalMark.POINT if self.with_comma is None else None

    @property
    def ambiguous(self) -> bool:
        """Whether the two readings are two different numbers."""
        return (
            self.with_comma is not None and self.with_point is not None and self.with_comma != self.with_point
        )


def nothing_printed(text: str) -> bool:
    """Whether the cell says that there is no number: empty, a dash, an ``x``."""
    return _FOOTNOTE_MARKS.sub("", text).strip().casefold() in _NOTHING_PRINTED


def read_printed_number(text: str) -> PrintedNumber:
    """Both readings of a printed number. Raises UnreadableValueError where it is no number either way.

    Footnote marks and the name of the currency after the number are no part of it.
    """
    bare = _CURRENCY_WORDS.sub("", _FOOTNOTE_MARKS.sub("", text))
    compact = _SPACES.sub(" ", bare).strip().translate(_APOSTROPHES).translate(_MINUS_SIGNS)
    readings = {mark: _read(compact, grammar) for mark, grammar in _GRAMMARS.items()}
    number = PrintedNumber(text, readings[DecimalMark.COMMA], readings[DecimalMark.POINT])
    if number.with_comma is None and number.with_point is None:
        if _EXPONENT.fullmatch(compact):
            raise UnreadableValueError(
                "is written with an exponent, which has lost digits",
                "copy the number as the order prints it (a spreadsheet: show all its digits, then save)",
            )
        raise UnreadableValueError(
            "is not a number", "write the number as the order prints it, such as 22,0576"
        )
    if sum(character.isdigit() for character in compact) > MAX_DIGITS:
        raise UnreadableValueError(
            f"has more than {MAX_DIGITS} digits", "write the number as the order prints it"
        )
    return number


def _read(compact: str, grammar: re.Pattern[str]) -> Fraction | None:
    match = grammar.fullmatch(compact)
    if match is None:
        return None
    whole = re.sub("[^0-9]", "", match["whole"])
    return Fraction(f"{match['sign']}{whole}.{match['decimals'] or '0'}")


def decimal_marks(column: Iterable[PrintedNumber]) -> frozenset[DecimalMark]:
    """The decimal marks that the cells of one column prove."""
    return frozenset(mark for number in column if (mark := number.only_mark) is not None)


LARGEST_PLAIN_WEIGHT = 999
"""A weight above it whose thousands are grouped is asked about: ``1.234`` below ``1,5`` may be a slip."""


def resolve(
    number: PrintedNumber,
    column_marks: frozenset[DecimalMark],
    given_mark: DecimalMark | None,
    largest: int | None = None,
) -> Fraction:
    """The one value of a printed number, by its column or by a mark the user gave.

    Raises UnreadableValueError where the readings differ and the column does not decide, where it decides
    for one above the ``largest`` number the column should hold, and where a number contradicts the mark
    that was given.
    """
    if given_mark is not None:
        given = number.with_comma if given_mark is DecimalMark.COMMA else number.with_point
        if given is None:
            raise UnreadableValueError(
                f"is no number where {given_mark.value!r} is the decimal mark",
                "correct the cell, or leave out the decimal mark so that each column shows its own",
            )
        return given
    if number.ambiguous:
        if len(column_marks) != 1:
            both = "show both decimal marks" if column_marks else "do not show which mark is the decimal one"
            raise UnreadableValueError(
                f"can be read as two numbers, and the other cells of the column {both}",
                "write the number without grouping and with all its decimals, or say which mark is decimal",
            )
        (mark,) = column_marks
        value = number.with_comma if mark is DecimalMark.COMMA else number.with_point
        if largest is not None and value is not None and value > largest:
            other = DecimalMark.POINT if mark is DecimalMark.COMMA else DecimalMark.COMMA
            raise UnreadableValueError(
                f"can be read as two numbers: by the other cells of the column {mark.value!r} is the decimal"
                f" mark, and then this is {value}",
                f"write {number.text.strip().replace(other.value, mark.value)} or {value}, or say which mark"
                " is decimal (--decimal-mark)",
            )
    else:
        value = number.with_comma if number.with_comma is not None else number.with_point
    assert value is not None
    return value
