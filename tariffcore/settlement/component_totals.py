"""Components of prices summed over the lines of a month, chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from tariffcore.settlement.book.month_writing import Cell
from tariffcore.settlement.line_sums import totals_of
from tariffcore.settlement.lines import ClaimedLines, Frame


@dataclass
class ComponentTotals:
    """Parts of prices, summed exactly by cell and component.

    As arrays: a country has ten thousand cells in every chunk.

    codes   int64 ascending, the cells that have some; see `Frame.cell`
    totals  component -> int64 (cell, 3): rows, and their sum in two parts, as `exact_totals` makes it
    """

    frame: Frame
    codes: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    totals: dict[str, NDArray[np.int64]] = field(default_factory=dict)

    @staticmethod
    def of(
        lines: ClaimedLines, parts: Mapping[str, NDArray[np.int64]], counted: NDArray[np.bool_]
    ) -> ComponentTotals:
        """The parts of the prices of those lines that count."""
        codes = lines.frame.cell(lines)
        present = np.zeros(lines.frame.cells, dtype=np.bool_)
        present[codes] = True
        named = np.flatnonzero(present)
        place_of = np.zeros(lines.frame.cells, dtype=np.uint32)
        place_of[named] = np.arange(len(named), dtype=np.uint32)
        small = place_of[codes]
        totals = {name: totals_of(small, minor, counted, len(named)) for name, minor in parts.items()}
        return ComponentTotals(lines.frame, named, totals)

    def add(self, more: ComponentTotals) -> None:
        """Adds other totals to these. Low and high parts stay within 64 bits up to 2^31 rows."""
        codes = np.union1d(self.codes, more.codes)
        for name in [*self.totals, *(name for name in more.totals if name not in self.totals)]:
            summed = np.zeros((len(codes), 3), dtype=np.int64)
            for one in (self, more):
                if name in one.totals:
                    summed[np.searchsorted(codes, one.codes)] += one.totals[name]
            self.totals[name] = summed
        self.codes = codes

    def by_cell(self) -> dict[Cell, dict[str, int]]:
        """Component sums by the names of each cell; what no line has is left out."""
        found: dict[Cell, dict[str, int]] = {}
        names = [self.frame.named(code) for code in self.codes.tolist()]
        for component, totals in self.totals.items():
            rows = np.flatnonzero(totals[:, 0])
            for row, (_, low, high) in zip(rows.tolist(), totals[rows].tolist(), strict=True):
                found.setdefault(names[row], {})[component] = (high << 32) + low
        return found
