"""What the kernel reads of cases, and whatever else is known of them: one array a column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariffcore.column_reading import Mask
from tariffcore.grouping_encoding import GroupedRows


@dataclass(frozen=True, slots=True)
class MarkedRows:
    """Rows whose own fields make them unpriceable: which column, and which rows."""

    column: str
    rows: NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class AddOns:
    """What is paid on top, row by row of those that have something.

    kind          the number of the kind in ``plan.addon_kinds`` + 1; 0 for one that no edition knows
    amount_minor  minor units, at most `tariffcore.money.MAX_AMOUNT_MINOR`
    """

    rows: NDArray[np.intp]
    kind: NDArray[np.uint16]
    amount_minor: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class EncodedCases:
    """One array a column, all of one length. `Plan` says what the numbers mean."""

    deciding_day: NDArray[np.uint16]
    admission_day: NDArray[np.uint16]
    discharge_day: NDArray[np.uint16]
    item: NDArray[np.uint16]
    provider: NDArray[np.uint16]
    variant: NDArray[np.uint16]
    age: NDArray[np.uint8]
    outcome: NDArray[np.uint8]
    quantity: NDArray[np.uint32] | None
    claimed_minor: NDArray[np.int64] | None = None
    claimed_missing: Mask | None = None
    addons: AddOns | None = None
    """Amounts that rows bring with them; None: there are none."""
    invalid: tuple[MarkedRows, ...] = ()
    missing: tuple[MarkedRows, ...] = ()
    marked: NDArray[np.intp] | None = None
    """Rows decided by their own fields, whatever the edition says; None: there are none."""
    marked_edition: NDArray[np.uint8] | None = None
    """1 + the number of the edition that covers the date of each marked row, 0 where none does."""
    grouped: GroupedRows | None = None
    """The groups of the cases that came without one; None where there are none, or no rules to go by."""

    def __len__(self) -> int:
        return len(self.deciding_day)
