"""Exact numbers: decimals and fractions read from text, the rounding modes, splitting an amount.

Money is a whole number of minor units (tiyn, cents). Nothing here or anywhere near money is a float.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache
from math import lcm

from tariffcore.errors import NumberFormatError

MAX_AMOUNT_MINOR = 10**18 - 1
"""The largest amount: 18 digits, so that every amount fits an int64 and a DECIMAL(18) of any database."""

MAX_DIGITS = 38
"""The longest number read from text: what a 128-bit decimal holds."""

_DECIMAL = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
_RATIO = re.compile(r"([0-9]+)/([0-9]+)")


class RoundingMode(StrEnum):
    """How a value between two neighbours is rounded. ``down`` is towards zero, ``up`` away from it."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


def parse_decimal(text: str) -> Fraction:
    """The exact value of ``-12.3400``. Raises NumberFormatError for anything else, exponents included."""
    stripped = text.strip()
    if not _DECIMAL.fullmatch(stripped):
        raise NumberFormatError(f"{text!r} is not a decimal number such as 12.34")
    if sum(character.isdigit() for character in stripped) > MAX_DIGITS:
        raise NumberFormatError(f"a number has at most {MAX_DIGITS} digits")
    return Fraction(stripped)


def parse_share(text: str) -> Fraction:
    """The exact value of a share, written as a decimal (``0.40``) or as a fraction (``1/6``)."""
    ratio = _RATIO.fullmatch(text.strip())
    if ratio is None:
        return parse_decimal(text)
    numerator, denominator = ratio.groups()
    if len(numerator) + len(denominator) > MAX_DIGITS:
        raise NumberFormatError(f"a number has at most {MAX_DIGITS} digits")
    if int(denominator) == 0:
        raise NumberFormatError(f"{text!r} divides by zero")
    return Fraction(int(numerator), int(denominator))


def round_to_int(value: Fraction, mode: RoundingMode = RoundingMode.HALF_UP) -> int:
    """The value as a whole number. Negative values mirror positive ones."""
    return _rounded_ratio(value.numerator, value.denominator, mode)


def _rounded_ratio(numerator: int, denominator: int, mode: RoundingMode) -> int:
    """The same of a ratio, in lowest terms or not; the denominator is above zero."""
    whole, remainder = divmod(abs(numerator), denominator)
    doubled = 2 * remainder
    if mode is RoundingMode.HALF_UP:
        up = doubled >= denominator
    elif mode is RoundingMode.HALF_EVEN:
        up = doubled > denominator or (doubled == denominator and whole % 2 == 1)
    else:
        up = mode is RoundingMode.UP and remainder > 0
    return -(whole + up) if numerator < 0 else whole + up


def round_to_places(value: Fraction, places: int, mode: RoundingMode = RoundingMode.HALF_UP) -> Fraction:
    """The value with ``places`` decimals; a negative number of places rounds to tens, hundreds, ..."""
    if places < 0:
        tens = 10**-places
        return Fraction(_rounded_ratio(value.numerator, value.denominator * tens, mode) * tens)
    scale = 10**places
    return Fraction(_rounded_ratio(value.numerator * scale, value.denominator, mode), scale)


def split_amount(amount_minor: int, shares: Sequence[Fraction]) -> list[int]:
    """Parts of an amount, in minor units, that sum to it exactly.

    Part k is what rounding half up the running total leaves to it:
    ``round(amount x (share_1 + ... + share_k)) - round(amount x (share_1 + ... + share_k-1))``.
    The shares must sum to one.
    """
    denominator = lcm(*(share.denominator for share in shares))
    numerators = [share.numerator * (denominator // share.denominator) for share in shares]
    if sum(numerators) != denominator:
        raise ValueError(f"shares sum to {Fraction(sum(numerators), denominator)}, not to 1")
    parts: list[int] = []
    running = reached_before = 0
    for numerator in numerators:
        running += numerator
        reached = _rounded_ratio(amount_minor * running, denominator, RoundingMode.HALF_UP)
        parts.append(reached - reached_before)
        reached_before = reached
    return parts


def decimal_places(value: Fraction) -> int | None:
    """How many decimals write the value exactly, or None where no number of decimals does (1/6)."""
    return _decimal_places(value.denominator)


def _decimal_places(denominator: int) -> int | None:
    twos = (denominator & -denominator).bit_length() - 1
    denominator >>= twos
    fives = 0
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    return max(twos, fives) if denominator == 1 else None


def format_exact(value: Fraction) -> str:
    """The value as people write it: ``3.9114`` where decimals end, ``1/6`` where they do not."""
    return _format_ratio(value.numerator, value.denominator)


def format_percent(share: Fraction) -> str:
    """The share in per cent: ``6 %`` of 3/50, ``100/3 %`` of a third."""
    return f"{format_exact(share * 100)} %"


@lru_cache(4096)  # an explanation writes the numbers of a schedule again and again
def _format_ratio(numerator: int, denominator: int) -> str:
    """Of a ratio in lowest terms: two integers are found sooner than the hash of a fraction."""
    places = _decimal_places(denominator)
    if places is None:
        return f"{numerator}/{denominator}"
    digits = str(abs(numerator) * 10**places // denominator).rjust(places + 1, "0")
    sign = "-" if numerator < 0 else ""
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else f"{sign}{digits}"


def format_minor(amount_minor: int, minor_units: int, thousands: str = "") -> str:
    """An amount in minor units as a decimal of the currency: ``68693098`` -> ``686930.98``."""
    sign = "-" if amount_minor < 0 else ""
    digits = str(abs(amount_minor)).rjust(minor_units + 1, "0")
    whole, minor = (digits[:-minor_units], digits[-minor_units:]) if minor_units else (digits, "")
    grouped = f"{int(whole):,}".replace(",", thousands) if thousands else whole
    return f"{sign}{grouped}.{minor}" if minor else f"{sign}{grouped}"
