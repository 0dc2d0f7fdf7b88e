"""What defects take off a line: per cent of its priced amount, or norms, each rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.money import format_exact, format_minor, round_to_int
from tariffcore.settlement.rules import Defect, DefectBasis, Norm, Roundings, SeveralDefects


class NotApplicableError(Exception):
    """A defect that the classifier does not apply to this kind of line, or a norm that is not known."""

    def __init__(self, message: str, way_out: str) -> None:
        self.message = message
        self.way_out = way_out
        super().__init__(f"{message}; {way_out}")


@dataclass(frozen=True, slots=True)
class LineDefect:
    """A defect of a settled line, in the words of that day: rules may change, a settled month does not.

    measure    ``60 %`` of the priced amount, or norms and the amount of one: ``20 × 1500.00``
    taken_off  what it takes off the line, in minor units; those of a line sum to its deduction
    source     of its row in the classifier
    found_in   the document that found it
    """

    code: str
    name: str
    measure: str
    taken_off: int
    source: str
    found_in: str


def defect_deduction(
    defect: Defect, basis: DefectBasis, priced_minor: int, norm: Norm | None, roundings: Roundings
) -> int:
    """What one defect takes off a line. Raises NotApplicableError where its cell in the classifier is empty.

    Per cent are of the priced amount, whatever was claimed; 300 per cent take off more than the line.
    """
    measure = defect.measures.get(basis)
    if measure is None:
        raise NotApplicableError(
            f"defect {defect.code} ({defect.name}) does not apply to {basis.value} lines: its cell is empty",
            "give another defect, or write the measure into the classifier",
        )
    if not basis.in_norms:
        return round_to_int(measure * priced_minor / 100, roundings.deduction)  # rounding `deduction`
    if measure == 0:
        return 0
    if norm is None:
        raise NotApplicableError(
            f"defect {defect.code} takes off {measure} norms of {basis.value}, and their amount is not known",
            "write it into norms of the rules",
        )
    return round_to_int(Fraction(norm.amount_minor) * measure, roundings.deduction)  # rounding `deduction`


def measure_words(defect: Defect, basis: DefectBasis, norm: Norm | None, minor_units: int) -> str:
    """How a defect that applies is measured, in numbers that need no language."""
    measure = format_exact(defect.measures[basis])
    if not basis.in_norms:
        return f"{measure} %"
    return measure if norm is None else f"{measure} × {format_minor(norm.amount_minor, minor_units)}"


def taken_off_each(amounts: Sequence[int], several: SeveralDefects) -> list[int]:
    """What each of the defects of one line takes off: all of it, or of several only the (first) largest."""
    if several is SeveralDefects.SUM or not amounts:
        return list(amounts)
    largest = amounts.index(max(amounts))
    return [amount if place == largest else 0 for place, amount in enumerate(amounts)]


def line_deduction(amounts: Sequence[int], several: SeveralDefects) -> int:
    """What the defects of one line take off together."""
    return sum(taken_off_each(amounts, several))
