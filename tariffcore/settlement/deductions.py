"""What defects take off a line: per cent of its priced amount, or norms, each rounded once."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from tariffcore.money import round_to_int
from tariffcore.settlement.rules import Defect, DefectBasis, Norm, Roundings, SeveralDefects


class NotApplicableError(Exception):
    """A defect that the classifier does not apply to this kind of line, or a norm that is not known."""

    def __init__(self, message: str, way_out: str) -> None:
        self.message = message
        self.way_out = way_out
        super().__init__(f"{message}; {way_out}")


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


def line_deduction(amounts: Sequence[int], several: SeveralDefects) -> int:
    """What the defects of one line take off together."""
    return sum(amounts) if several is SeveralDefects.SUM else max(amounts, default=0)
