"""Exact sums of claimed lines by provider, contract line, funding source and method."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariffcore import _tallies
from tariffcore.settlement.lines import ClaimedLines, LineStatus


@dataclass(frozen=True, slots=True)
class CellSums:
    """What was claimed in one cell (provider, contract line, funding source, method), in minor units.

    ``priced`` are the prices of lines that are not held.
    """

    lines: int
    claimed: int
    priced: int
    overclaimed: int
    deducted: int
    held_lines: int
    held: int


def sums_by_cell(lines: ClaimedLines) -> dict[tuple[str, str, str, str], CellSums]:
    """The sums of all lines of the month by (provider, contract line, funding source, method)."""
    frame = lines.frame
    codes = frame.cell(lines)
    in_month = lines.in_month
    is_held = lines.status == np.uint8(LineStatus.HELD)
    claimed = exact_totals(codes, lines.claimed, in_month, frame.cells)
    priced = exact_totals(codes, lines.priced, in_month & ~is_held, frame.cells)
    over = exact_totals(codes, lines.overclaimed, in_month, frame.cells)
    held = exact_totals(codes, lines.held, is_held, frame.cells)
    deducted: dict[int, int] = {}
    for row, amount in lines.deducted.items():
        deducted[int(codes[row])] = deducted.get(int(codes[row]), 0) + amount
    return {
        frame.named(cell): CellSums(
            count,
            amount,
            priced.get(cell, (0, 0))[1],
            over[cell][1],
            deducted.get(cell, 0),
            *held.get(cell, (0, 0)),
        )
        for cell, (count, amount) in claimed.items()
    }


def exact_totals(
    codes: NDArray[np.uint32], amount: NDArray[np.int64], counted: NDArray[np.bool_], count: int
) -> dict[int, tuple[int, int]]:
    """Rows that count and their exact sum, by code; codes without any are left out."""
    totals = totals_of(codes, amount, counted, count)
    found = np.flatnonzero(totals[:, 0])
    return {
        code: (rows, (high << 32) + low)
        for code, (rows, low, high) in zip(found.tolist(), totals[found].tolist(), strict=True)
    }


def totals_of(
    codes: NDArray[np.uint32], amount: NDArray[np.int64], counted: NDArray[np.bool_], count: int
) -> NDArray[np.int64]:
    """For each code below ``count``: rows that count, and their sum as low + high x 2^32."""
    totals = np.zeros((count + 1, 3), dtype=np.int64)
    _tallies.add_up(
        codes,
        np.zeros(len(codes), dtype=np.uint8),
        np.ascontiguousarray(counted).view(np.uint8),
        np.ascontiguousarray(amount),
        totals,
    )
    return totals[:count]
