"""The lines of a statement that lost something: with a defect, claimed above their price, or held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore.arrow_buffers import number_cells
from tariffcore.column_reading import one_array
from tariffcore.errors import Problem, SettlementError
from tariffcore.settlement.book.records import Book, RunRecord, runs_in
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.line_files import name_of_lines
from tariffcore.settlement.line_findings import Findings
from tariffcore.settlement.line_list import SettledLines, line_schema
from tariffcore.settlement.lines import LineStatus
from tariffcore.settlement.statement import Statement


@dataclass(frozen=True, slots=True)
class LostLine:
    """A line of the month; amounts in minor units, ``claimed = overclaimed + deducted + held + accepted``.

    line     its number in the claims, as in the list of lines
    held_by  the document that holds it; None where it is not held
    """

    line: int
    case_id: str
    funding_source: str
    contract_line: str
    line_status: str
    schedule_id: str
    priced: int
    claimed: int
    overclaimed: int
    deducted: int
    held: int
    accepted: int
    defects: tuple[LineDefect, ...]
    held_by: str | None


@dataclass(frozen=True)
class LostLines:
    """Of one statement: ``in_month`` lines, and how many of the provider's were ``set_aside``.

    table     the lines that lost something, in file order, as in the list of lines; and, of each, its ``run``
              and its ``row`` in the file of that run's lines
    findings  what was found about them, by run
    """

    in_month: int
    set_aside: int
    table: pa.Table
    findings: Mapping[int, Findings]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def lines(self, most: int | None = None) -> list[LostLine]:
        """All of them, or so many that lost most, in file order."""
        if most is None or most >= len(self):
            return self._rows(self.table)
        lost = self._minor("accepted") - self._minor("claimed")
        return self._rows(self.table.take(pa.array(np.sort(np.argsort(lost, kind="stable")[:most]))))

    def page(self, start: int, most: int) -> list[LostLine]:
        """At most so many of them from a place on, in file order."""
        return self._rows(self.table.slice(start, most))

    def _rows(self, table: pa.Table) -> list[LostLine]:
        texts = ("case_id", "funding_source", "contract_line", "line_status", "schedule_id")
        amounts = ("priced", "claimed", "overclaimed", "deducted", "held", "accepted")
        found = [
            (of_run.defects.get(row, ()), of_run.held.get(row))
            for run, row in zip(table["run"].to_pylist(), table["row"].to_pylist(), strict=True)
            for of_run in [self.findings[run]]
        ]
        columns = [
            table["line"].to_pylist(),
            *(table[name].to_pylist() for name in texts),
            *(_minor(table[f"{name}_amount"]).tolist() for name in amounts),
            [defects for defects, _ in found],
            [held_by for _, held_by in found],
        ]
        return [LostLine(*cells) for cells in zip(*columns, strict=True)]

    def total(self, name: str) -> int:
        """The exact sum of ``overclaimed``, ``deducted`` or ``held``: that of the statement's steps."""
        return sum(self._minor(name).tolist())

    def _minor(self, name: str) -> NDArray[np.int64]:
        return _minor(self.table[f"{name}_amount"])


def _minor(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Minor units of amounts, which `decimals` made of 64 bits."""
    halves: NDArray[np.int64] = number_cells(one_array(column), np.dtype((np.int64, 2))).reshape(-1, 2)
    return np.ascontiguousarray(halves[:, 0])


def lost_lines(book: Book, found: Sequence[Statement]) -> dict[str, LostLines]:
    """Of each of some statements of one month, by provider.

    Raises SettlementError where the files of the lines are not there, or have changed.
    """
    if not found:
        return {}
    runs = runs_of(book, found)
    _require_there(book, runs)
    names = [statement.provider_id for statement in found]
    only = names[0] if len(names) == 1 else None
    minor_units = found[0].run.minor_units
    schema = line_schema(minor_units, synthetic=False)
    parts: list[pa.Table] = []
    findings: dict[int, Findings] = {}
    set_aside = np.zeros(len(names), dtype=np.int64)
    for run in runs:
        lines = SettledLines(book, run, schema)
        findings[run.id] = lines.findings
        for batch in lines.batches():
            gone = pc.index_in(lines.set_aside(batch, only).dictionary_decode(), value_set=pa.array(names))
            set_aside += np.bincount(gone.drop_null().to_numpy(), minlength=len(names))
            rows = lines.in_month(batch, only)
            listed = lines.listed(batch, rows)
            lost = np.flatnonzero(_has_lost(listed))
            if len(lost):
                part = listed.take(pa.array(lost))
                part = part.append_column("run", pa.array(np.full(len(lost), run.id)))
                parts.append(part.append_column("row", pa.array(rows[lost] + batch.start)))
    empty = schema.empty_table().append_column("run", pa.array([], pa.int64()))
    table = pa.concat_tables([empty.append_column("row", pa.array([], pa.int64())), *parts])
    of_provider = _by_provider(table.unify_dictionaries().combine_chunks(), names)
    return {
        statement.provider_id: LostLines(
            sum(line.claims.lines for one in statement.months for line in one.result.lines),
            int(count),
            lost_of,
            findings,
        )
        for statement, count, lost_of in zip(found, set_aside.tolist(), of_provider, strict=True)
    }


def runs_of(book: Book, found: Sequence[Statement]) -> list[RunRecord]:
    """The runs that settled the months of some statements of one month."""
    wanted = {one.run_id for statement in found for one in statement.months}
    with book.reading() as connection:
        return [run for run in runs_in(connection, found[0].month, found[0].month) if run.id in wanted]


def _has_lost(listed: pa.Table) -> NDArray[np.bool_]:
    """Also where a defect takes nothing off: the provider is told of it."""
    found: NDArray[np.bool_] = _minor(listed["overclaimed_amount"]) > 0
    found |= ~listed["defect_codes"].is_null().to_numpy()
    found |= pc.equal(listed["line_status"].cast(pa.string()), LineStatus.HELD.name).to_numpy()
    return found


def _by_provider(table: pa.Table, names: Sequence[str]) -> list[pa.Table]:
    """The rows of each name, in their order."""
    place = pc.index_in(table["provider_id"].cast(pa.string()), value_set=pa.array(names)).to_numpy()
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], np.arange(len(names) + 1))
    ordered = table.take(pa.array(order))
    return [
        ordered.slice(start, end - start)
        for start, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)
    ]


def _require_there(book: Book, runs: Sequence[RunRecord]) -> None:
    """A book may have been copied without its lines: says which files, all at once, and what to do."""
    missing: list[Path] = []
    for run in runs:
        names = [name_of_lines("lines", run.lines_digest)]
        names += [name_of_lines(kind, run.outcomes_digest) for kind in ("outcomes", "defects", "held")]
        missing += [path for name in names if not (path := book.lines_folder / name).is_file()]
    if missing:
        way_out = (
            "name the folder that has it (--lines), or write the statement without lines (--without-lines)"
        )
        raise SettlementError(
            "the lines of the statement are not here",
            [
                Problem(str(path), None, None, "the book names it, and it is not there", way_out)
                for path in missing
            ],
        )
