"""What the kernel reads of cases, and whatever else is known of them: one array a column."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
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


def joined(parts: Sequence[EncodedCases]) -> EncodedCases:
    """Cases one after the other, of one plan and with the same columns: at least one part."""
    starts = np.cumsum([0, *map(len, parts)])[:-1].tolist()
    placed = list(zip(parts, starts, strict=True))
    claimed = [part.claimed_minor for part in parts if part.claimed_minor is not None]
    claimed_missing = [part.claimed_missing for part in parts if part.claimed_missing is not None]
    marked = [
        part.marked + start for part, start in zip(parts, starts, strict=True) if part.marked is not None
    ]
    marked_edition = [part.marked_edition for part in parts if part.marked_edition is not None]
    return EncodedCases(
        deciding_day=np.concatenate([part.deciding_day for part in parts]),
        admission_day=np.concatenate([part.admission_day for part in parts]),
        discharge_day=np.concatenate([part.discharge_day for part in parts]),
        item=np.concatenate([part.item for part in parts]),
        provider=np.concatenate([part.provider for part in parts]),
        variant=np.concatenate([part.variant for part in parts]),
        age=np.concatenate([part.age for part in parts]),
        outcome=np.concatenate([part.outcome for part in parts]),
        quantity=_joined_quantities(parts),
        claimed_minor=np.concatenate(claimed) if claimed else None,
        claimed_missing=np.concatenate(claimed_missing) if claimed_missing else None,
        addons=_joined_addons(placed),
        invalid=_joined_marks((part.invalid for part in parts), starts),
        missing=_joined_marks((part.missing for part in parts), starts),
        marked=np.concatenate(marked) if marked else None,
        marked_edition=np.concatenate(marked_edition) if marked_edition else None,
        grouped=_joined_groups(parts),
    )


def _joined_quantities(parts: Sequence[EncodedCases]) -> NDArray[np.uint32] | None:
    """None where every line counts one."""
    if all(part.quantity is None for part in parts):
        return None
    ones = (np.ones(len(part), dtype=np.uint32) if part.quantity is None else part.quantity for part in parts)
    return np.concatenate(list(ones))


def _joined_addons(placed: Sequence[tuple[EncodedCases, int]]) -> AddOns | None:
    found = [(part.addons, start) for part, start in placed if part.addons is not None]
    if not found:
        return None
    return AddOns(
        np.concatenate([addons.rows + start for addons, start in found]),
        np.concatenate([addons.kind for addons, _ in found]),
        np.concatenate([addons.amount_minor for addons, _ in found]),
    )


def _joined_marks(
    marks_of_parts: Iterable[Sequence[MarkedRows]], starts: Sequence[int]
) -> tuple[MarkedRows, ...]:
    """Part by part: so those of a row stay in their order."""
    return tuple(
        MarkedRows(mark.column, mark.rows + start)
        for marks, start in zip(marks_of_parts, starts, strict=True)
        for mark in marks
    )


def _joined_groups(parts: Sequence[EncodedCases]) -> GroupedRows | None:
    """None where no case of any part was grouped."""
    known = next((part.grouped for part in parts if part.grouped is not None), None)
    if known is None:
        return None
    groups = [
        part.grouped
        or GroupedRows(
            known.rules,
            np.full(len(part), -1, dtype=np.int16),
            np.full(len(part), -1, dtype=np.int32),
            np.zeros(len(part), dtype=np.uint8),
        )
        for part in parts
    ]
    return GroupedRows(
        known.rules,
        np.concatenate([of_part.edition for of_part in groups]),
        np.concatenate([of_part.rule for of_part in groups]),
        np.concatenate([of_part.status for of_part in groups]),
    )
