"""How the report of a costing run writes numbers, and how many rows of something it shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.money import format_minor, round_to_int

MOST_ROWS = 200
"""Of long tables; the files of --tables have all."""
MOST_BARS = 12


@dataclass(frozen=True, slots=True)
class Numbers:
    """Amounts of a currency in minor units."""

    currency: str
    minor_units: int

    def money(self, minor: int) -> str:
        return format_minor(minor, self.minor_units, ",")

    def short(self, minor: int) -> str:
        """To tenths of a billion or a million; whole units where that is next to nothing, or all there is.

        At most ten characters up to a thousand trillion: labels of plots have no room for more.
        """
        unit = 10**self.minor_units
        if abs(minor) < 1_000 * unit:
            return self.money(minor)
        if abs(minor) < 1_000_000 * unit:
            return format_minor(round_to_int(Fraction(minor, unit)), 0, ",")
        if abs(minor) >= 10_000_000_000 * unit:
            return format_minor(round_to_int(Fraction(minor * 10, 1_000_000_000 * unit)), 1, ",") + " bn"
        return format_minor(round_to_int(Fraction(minor * 10, 1_000_000 * unit)), 1, ",") + " mn"

    def signed(self, minor: int) -> str:
        return ("+" if minor > 0 else "") + self.short(minor)

    @staticmethod
    def percent(part: int | Fraction, whole: int | Fraction) -> str:
        if not whole:
            return ""
        return format_minor(round_to_int(Fraction(part) * 1000 / Fraction(whole)), 1) + " %"


def spaced(name: str) -> str:
    """A name of the parameters as words."""
    return name.replace("_", " ")


def counted(count: int, noun: str) -> str:
    """``3 hospitals``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def of_them(rows: Sequence[object], most: int) -> str:
    """What a title says where a table has the first rows only."""
    return f" (the first {most:,} of {len(rows):,})" if len(rows) > most else ""
