"""Rounding exact numbers that are too long to keep: decided from bounds, and exactly where bounds do not do.

The mean cost of a group over five hundred hospitals is a fraction whose denominator has tens of thousands of
digits. Its lower bound in binary fixed point, with a proven bound of the error, is enough to round it, but
for
ties and their close neighbours: then with twice the digits, and at last with the exact fraction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction

PRECISIONS = (96, 256, 1024)
"""Binary digits after the point, tried in turn before the exact fraction."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A number from ``low`` to ``low + slack``, both ends included, in units of 2 to the minus precision."""

    low: int
    slack: int


def ratio_bounds(numerator: Enclosed, denominator: Enclosed, factor: Fraction) -> tuple[Fraction, Fraction]:
    """Bounds of ``numerator x factor / denominator``; the lower bound of the denominator is above 0."""
    return (
        Fraction(
            numerator.low * factor.numerator, (denominator.low + denominator.slack) * factor.denominator
        ),
        Fraction((numerator.low + numerator.slack) * factor.numerator, denominator.low * factor.denominator),
    )


def decided(
    bounds: Callable[[int], tuple[Fraction, Fraction]],
    exact: Callable[[], Fraction],
    rounding: Callable[[Fraction], int],
) -> int:
    """The rounded value of a number known by bounds at each precision, and exactly at some cost."""
    for precision in PRECISIONS:
        low, high = bounds(precision)
        rounded = rounding(low)
        if rounded == rounding(high):
            return rounded
    return rounding(exact())


def exact_sum(terms: Iterable[tuple[int, int]]) -> Fraction:
    """The sum of fractions ``numerator, denominator``, halves first: long ones meet long ones only at the
    end."""
    sums = [Fraction(numerator, denominator) for numerator, denominator in terms]
    while len(sums) > 1:
        sums = [sum(sums[position : position + 2], Fraction(0)) for position in range(0, len(sums), 2)]
    return sums[0] if sums else Fraction(0)
