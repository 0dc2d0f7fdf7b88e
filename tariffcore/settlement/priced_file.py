"""Prices of the same lines that were made before, as ``tariffcore price`` writes them, beside ours.

No price of a file is ever paid: every line is priced here too, and one whose prices differ is set aside. So a
file that was changed, or made by another edition, cannot change a payment; it can only say that it differs.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore.batch import sources_of
from tariffcore.column_reading import money_minor
from tariffcore.errors import Problem, SettlementError
from tariffcore.files.plain_rows import PlainRows, open_rows
from tariffcore.plan import Plan
from tariffcore.settlement.lines import ClaimedLines

GIVEN_PRICE = "priced_elsewhere"
"""The column of kept lines that says what the file has, where it is not our price."""

_COLUMNS = ("case_id", "schedule_id", "amount", "status")
_NOT_THESE = "the file was not priced from these claims"
_PRICE_AGAIN = "price the claims again with these schedules, or settle with those it was priced by"


class PricedFile:
    """Compares the rows of a priced file with lines priced here, chunk by chunk, in file order."""

    def __init__(self, rows: PlainRows, minor_units: int) -> None:
        self._rows = rows
        self._minor_units = minor_units
        self._read = 0

    def differing(self, lines: ClaimedLines, kept: pa.Table) -> tuple[NDArray[np.bool_], pa.Table]:
        """Which of the next lines have another price in the file, and the kept lines with what it has.

        Raises SettlementError where the file's rows are not of these lines.
        """
        count = len(lines)
        given = self._rows.take(count) if count else None
        found = 0 if given is None else given.num_rows
        if given is None or found < count:
            if not count:
                return np.zeros(0, dtype=np.bool_), kept.append_column(GIVEN_PRICE, pa.nulls(0, pa.string()))
            message = f"ends after {self._read + found:,} rows, and there are more claims"
            raise self._refused(None, message, _NOT_THESE)
        ids = pc.ascii_trim_whitespace(_text(given.column("case_id")))
        other = pc.not_equal(ids, pc.fill_null(lines.case_ids, "")).to_numpy(zero_copy_only=False)
        if other.any():
            row = int(np.flatnonzero(other)[0])
            ours = lines.case_ids[row].as_py() or ""
            message = f"is row {self._read + row + 1:,}, where the claims have {ours!r}"
            raise self._refused(ids[row].as_py(), message, _NOT_THESE)
        self._read += count
        same = self._same_amount(given.column("amount"), kept.column("priced_amount"))
        for name in ("schedule_id", "status"):
            same &= pc.equal(_text(given.column(name)), _text(kept.column(f"priced_{name}"))).to_numpy(
                zero_copy_only=False
            )
        words = pc.binary_join_element_wise(
            *(_text(given.column(name)) for name in ("amount", "status", "schedule_id")), " "
        )
        words = pc.if_else(pa.array(same), pa.scalar(None, pa.string()), words)
        return ~same, kept.append_column(GIVEN_PRICE, words)

    def finish(self) -> None:
        """Raises SettlementError where the file has rows that the claims have not."""
        if self._rows.take(1) is not None:
            raise self._refused(
                None, f"has more rows than the claims, of which there are {self._read:,}", _NOT_THESE
            )

    def _same_amount(self, given: pa.ChunkedArray, ours: pa.ChunkedArray) -> NDArray[np.bool_]:
        there = money_minor("amount", given, self._minor_units)
        here = money_minor("amount", ours, self._minor_units)
        equal = (there.values == here.values) & ~there.missing & ~here.missing & ~there.wrong
        same: NDArray[np.bool_] = equal | (there.missing & here.missing)
        return same

    def _refused(self, value: str | None, message: str, summary: str) -> SettlementError:
        field = None if value is None else "case_id"
        way_out = "give the file that tariffcore price made of these claims, whole and in its order"
        return SettlementError(
            f"{summary}; nothing was settled",
            [Problem(str(self._rows.path), field, value, message, way_out)],
        )


@contextmanager
def open_priced(path: Path, plan: Plan) -> Iterator[PricedFile]:
    """A priced file, to be compared with the prices of a plan.

    Raises SettlementError where it says that its prices come from other editions or another engine, all
    differences at once, and CasesError where it is no priced file.
    """
    rows = open_rows(path)
    try:
        rows.choose(_COLUMNS)
        problems = _other_sources(rows, plan)
        if problems:
            raise SettlementError("the priced file is of other prices; nothing was settled", problems)
        yield PricedFile(rows, plan.editions[0].minor_units)
    finally:
        rows.close()


_PREFIX = "tariffcore."


def _other_sources(rows: PlainRows, plan: Plan) -> list[Problem]:
    """What the file says of its prices, where it is not so here. CSV, and what was saved again, is silent."""
    if not any(key.startswith(f"{_PREFIX}schedule.") for key in rows.note or ()):
        return []
    assert rows.note is not None
    there = {key: value for key, value in rows.note.items() if key.startswith(_PREFIX)}
    here = sources_of(plan.catalog).note()
    for note in (there, here):
        note.pop(f"{_PREFIX}synthetic", None)  # the editions that are say so already
    problems = []
    for key in sorted({*there, *here}):
        if there.get(key) == here.get(key):
            continue
        name, at = key.removeprefix(_PREFIX), str(rows.path)
        if key not in there:
            problems.append(
                Problem(at, name, None, f"is not in the file, and here it is {here[key]}", _PRICE_AGAIN)
            )
        elif key not in here:
            problems.append(Problem(at, name, there[key], "is not among those given here", _PRICE_AGAIN))
        else:
            problems.append(
                Problem(at, name, there[key], f"is not what is given here, {here[key]}", _PRICE_AGAIN)
            )
    return problems


def _text(column: pa.ChunkedArray) -> pa.Array:
    """Cells as text, empty where there is none."""
    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return pc.fill_null(array.cast(pa.string()), "")
