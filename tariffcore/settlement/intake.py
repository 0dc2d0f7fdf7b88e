"""Takes in the claims of a month: priced chunk by chunk, kept in a file, and as columns of numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tariffcore.batch import PlanPricer, in_order
from tariffcore.column_reading import one_array
from tariffcore.files import CaseChunk, ColumnMapping, RawChunk, open_cases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases
from tariffcore.rejects import reject_table
from tariffcore.settlement import line_files as files
from tariffcore.settlement.book.month_writing import Cell
from tariffcore.settlement.book.records import RunRecord
from tariffcore.settlement.component_totals import ComponentTotals
from tariffcore.settlement.line_ids import LineIndex
from tariffcore.settlement.lines import ClaimedLines, LineReader, LineStatus, PatientMonth
from tariffcore.settlement.priced_file import PricedFile


class Intake:
    """Prices the claims of one month. ``earlier`` are the runs whose settled lines may not come again."""

    def __init__(self, plan: Plan, reader: LineReader, folder: Path, earlier: list[RunRecord]) -> None:
        self.pricer = PlanPricer(plan, components=bool(plan.component_names))
        self.reasons = self.pricer.reasons("en")
        self.reader = reader
        self.frame = reader.frame
        self.folder = folder
        self.earlier = earlier

    def take_in(
        self,
        cases: Path,
        kept: Path,
        threads: int,
        mapping: ColumnMapping | None,
        sheet: str | None,
        progress: Callable[[int, int | None], None] | None,
        given: PricedFile | None = None,
    ) -> tuple[ClaimedLines, dict[Cell, dict[str, int]]]:
        """Prices the file chunk by chunk, keeps its lines, and returns them as numbers with the component
        sums of what is in the month. Lines that have another price in the file ``given`` are set aside.
        """
        otherwise: list[NDArray[np.bool_]] = []
        parts: list[ClaimedLines] = []
        totals = ComponentTotals(self.frame)
        writer: pq.ParquetWriter | None = None
        with open_cases(cases, mapping, sheet=sheet) as source:

            def work(raw: RawChunk) -> tuple[ClaimedLines, ComponentTotals, pa.Table, int]:
                lines, priced, table = self._priced(source.parse(raw))
                return lines, self._components(lines, priced), table, raw.size_bytes

            try:
                with (
                    ThreadPoolExecutor(threads) as pool,
                    closing(in_order(pool, work, iter(source), ahead=threads + 1)) as chunks,
                ):
                    for lines, sums, table, size in chunks:
                        if given is not None:
                            differing, table = given.differing(lines, table)
                            otherwise.append(differing)
                        parts.append(lines)
                        totals.add(sums)
                        if writer is None:
                            writer = files.lines_writer(kept, _plain_schema(table.schema))
                        writer.write_table(table.cast(writer.schema))
                        if progress is not None:
                            progress(size, source.total_bytes)
                if not parts:
                    lines, _, kept_table = self._priced(source.no_rows())
                    parts.append(lines)
                    if given is not None:
                        kept_table = given.differing(lines, kept_table)[1]
                    writer = files.lines_writer(kept, _plain_schema(kept_table.schema))
            finally:
                if writer is not None:
                    writer.close()
        joined = ClaimedLines.joined(parts)
        components = totals.by_cell()
        if given is not None:
            given.finish()
            self._set_otherwise_aside(
                joined, np.concatenate(otherwise or [joined.in_month]), components, kept
            )
        return joined, components

    def _set_otherwise_aside(
        self,
        lines: ClaimedLines,
        differing: NDArray[np.bool_],
        components: dict[Cell, dict[str, int]],
        kept: Path,
    ) -> None:
        """What would be in the month, or has no price here alone; other reasons weigh more than this one."""
        self._take_out(lines, np.flatnonzero(differing & lines.in_month), components, kept)
        unpriced = lines.status == np.uint8(LineStatus.NOT_PRICED)
        lines.status[differing & (lines.in_month | unpriced)] = LineStatus.PRICED_OTHERWISE
        in_month = lines.in_month
        lines.patient_months = {row: key for row, key in lines.patient_months.items() if in_month[row]}

    def _priced(self, chunk: CaseChunk) -> tuple[ClaimedLines, PricedCases, pa.Table]:
        """The lines of a chunk, their prices, and what is kept of them."""
        malformed = np.fromiter(chunk.malformed, dtype=np.intp, count=len(chunk.malformed))
        priced = self.pricer.price(chunk.table, malformed)
        kept = _kept_table(chunk, priced, self._why_unpriced(chunk, priced))
        return self.reader.read(chunk.table, priced), priced, kept

    def _why_unpriced(self, chunk: CaseChunk, priced: PricedCases) -> pa.Array:
        """In words, as rejects have it; null of lines with a price."""
        rows = np.flatnonzero(~priced.ok)
        if not len(rows):
            return pa.nulls(len(priced), pa.string())
        rejects = reject_table(chunk, priced, self.reasons, _WHY)
        place = np.zeros(len(priced), dtype=np.int64)
        place[rows] = np.arange(len(rows))
        return one_array(rejects.column("reason")).take(pa.array(place, mask=priced.ok))

    def _components(self, lines: ClaimedLines, priced: PricedCases) -> ComponentTotals:
        """The parts of the prices of lines in the month that are not held, by cell and component."""
        if priced.parts_minor is None or priced.has_parts is None or not len(lines):
            return ComponentTotals(lines.frame)
        counted = lines.in_month & (lines.status != np.uint8(LineStatus.HELD)) & (priced.has_parts != 0)
        return ComponentTotals.of(lines, priced.components_minor, counted)

    def find_repeated(
        self, lines: ClaimedLines, components: dict[Cell, dict[str, int]], kept: Path
    ) -> LineIndex:
        """Sets lines aside whose id an earlier line of the file has, or a settled month, and further lines of
        what a patient has on one; and returns the index of those that stay."""
        index = LineIndex.of(lines.hashes, np.flatnonzero(lines.in_month))
        repeated = index.repeated(lines.keys)
        gone = {int(row): LineStatus.REPEATED for row in repeated}
        folder = self.folder
        for run in self.earlier:
            pairs = list(index.shared_with(files.read_ids(folder, run.outcomes_digest)))
            if not pairs:
                continue
            ours = lines.keys(np.array([row for row, _ in pairs], dtype=np.intp))
            theirs = files.keys_at(folder, run.lines_digest, [row for _, row in pairs])
            for (row, _), key, other in zip(pairs, ours, theirs, strict=True):
                if key == other:
                    gone.setdefault(row, LineStatus.SETTLED_BEFORE)
        seen: set[PatientMonth] = set()
        for row, patient_month in lines.patient_months.items():
            if row in gone:
                continue
            if patient_month in seen:
                gone[row] = LineStatus.PATIENT_REPEATED
            seen.add(patient_month)
        if gone:
            rows = np.array(sorted(gone), dtype=np.int64)
            self._take_out(lines, rows, components, kept)
            lines.status[rows] = [gone[row] for row in rows.tolist()]
            index = index.without(rows)
        return index

    def _take_out(
        self, lines: ClaimedLines, rows: NDArray[np.int64], components: dict[Cell, dict[str, int]], kept: Path
    ) -> None:
        """Takes the components of some lines out of the sums: they are priced once more, from the file."""
        if not components or not len(rows):
            return
        held = lines.status == np.uint8(LineStatus.HELD)
        wanted = np.zeros(len(lines), dtype=np.bool_)
        wanted[rows] = True
        wanted &= ~held
        start = 0
        for batch in pq.ParquetFile(kept).iter_batches():
            stop = start + batch.num_rows
            chosen = np.flatnonzero(wanted[start:stop])
            if len(chosen):
                table = pa.Table.from_batches([batch]).take(pa.array(chosen))
                priced = self.pricer.price(_case_columns(table), np.zeros(0, dtype=np.intp))
                of = _rows_of(lines, chosen + start)
                assert priced.has_parts is not None
                sums = ComponentTotals.of(of, priced.components_minor, priced.has_parts != 0).by_cell()
                _add(components, {cell: {k: -v for k, v in parts.items()} for cell, parts in sums.items()})
            start = stop


def _add(sums: dict[Cell, dict[str, int]], more: Mapping[Cell, Mapping[str, int]]) -> None:
    for cell, parts in more.items():
        of = sums.setdefault(cell, {})
        for component, amount in parts.items():
            of[component] = of.get(component, 0) + amount


def _rows_of(lines: ClaimedLines, rows: NDArray[np.intp]) -> ClaimedLines:
    return ClaimedLines(
        lines.frame,
        lines.provider[rows],
        lines.contract_line[rows],
        lines.funding_source[rows],
        lines.method[rows],
        lines.claimed[rows],
        lines.has_amount[rows],
        lines.priced[rows],
        lines.status[rows],
        lines.hashes[rows],
        lines.case_ids.take(pa.array(rows)),
    )


_PRICED = ("schedule_id", "amount", "status", "method", "rule_id")
"""Columns that pricing adds to the lines that are kept."""


_WHY = pa.schema([("reason", pa.string())])


def _kept_table(chunk: CaseChunk, priced: PricedCases, why_unpriced: pa.Array) -> pa.Table:
    """The lines as they were read, without what could point at a person, and their prices."""
    table = chunk.table
    table = table.drop_columns([name for name in files.PERSONAL if name in table.column_names])
    columns = priced.columns()
    for name in _PRICED:
        table = table.append_column(f"priced_{name}", columns[name])
    table = table.append_column(files.LINE_NUMBER, pa.array(chunk.line_numbers))
    return table.append_column(files.WHY_UNPRICED, why_unpriced)


def _case_columns(table: pa.Table) -> pa.Table:
    return table.select([name for name in table.column_names if not name.startswith("priced_")])


def _plain_schema(schema: pa.Schema) -> pa.Schema:
    """Of the first chunk; dictionaries are as wide as any chunk needs."""
    return pa.schema(
        [
            field.with_type(pa.dictionary(pa.int32(), field.type.value_type))
            if pa.types.is_dictionary(field.type)
            else field
            for field in schema
        ]
    )
