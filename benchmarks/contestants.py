"""What every contestant takes and gives, and the check that all of them give the same."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.rule_tables import RuleTables
from benchmarks.workloads import INPUTS
from tariffcore import _kernel
from tariffcore.encoded_cases import EncodedCases
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.plan import Plan
from tariffcore.statuses import CaseStatus


@dataclass(frozen=True, slots=True)
class Priced:
    """The kernel's four output columns."""

    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint16]

    @classmethod
    def touched(cls, count: int) -> Priced:
        """Columns whose memory is already there."""
        return cls(
            np.ones(count, np.int64),
            np.ones(count, np.uint8),
            np.ones(count, np.uint8),
            np.ones(count, np.uint16),
        )

    def columns(self) -> tuple[NDArray[Any], ...]:
        return self.amount_minor, self.status, self.edition, self.rule


def input_columns(cases: EncodedCases) -> tuple[NDArray[Any], ...]:
    columns = tuple(getattr(cases, name) for name in INPUTS)
    assert all(column is not None for column in columns), "the workload has quantities"
    return columns


def price_by_kernel(plan: Plan, inputs: tuple[NDArray[Any], ...], out: Priced, start: int, stop: int) -> None:
    """Rows start..stop by the kernel alone, in this thread."""
    _kernel.price(plan.tables, *inputs, *out.columns(), start, stop)  # type: ignore[call-arg, arg-type]


def first_difference(name: str, own: Priced, kernel: Priced) -> str | None:
    """In words, the first row where a contestant says something else than the kernel; None: nowhere."""
    for field, mine, theirs in zip(Priced.__slots__, own.columns(), kernel.columns(), strict=True):
        differs = mine != theirs
        if differs.any():
            row = int(differs.argmax())
            count = np.count_nonzero(differs)
            return f"{name} differs in {count} rows; row {row}: {field} {mine[row]}, kernel {theirs[row]}"
    return None


def price_by_whole_numbers(
    t: RuleTables, multiplier: int, divisor: int, coefficient: int
) -> tuple[int, CaseStatus]:
    """round half up(multiplier x coefficient / divisor) in Python's integers, for what fits nowhere else."""
    numerator_high, numerator_low, denominator_high, denominator_low = t.wide[coefficient].tolist()
    numerator = multiplier * ((numerator_high << 64) + numerator_low)
    denominator = divisor * ((denominator_high << 64) + denominator_low)
    unit_minor = (2 * numerator + denominator) // (2 * denominator)
    if unit_minor > MAX_AMOUNT_MINOR:
        return 0, CaseStatus.AMOUNT_OVERFLOW
    return unit_minor, CaseStatus.OK
