"""The lines of a settled month, each with what became of it: what a provider objects with, line by line.

Nothing is calculated anew: lines, prices, outcomes and findings are those of the files that the book names by
their digests, and are refused where their bytes have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tariffcore.batch import in_order
from tariffcore.column_reading import coded_text, money_minor, one_array
from tariffcore.files import open_output
from tariffcore.files.writing import Encoded
from tariffcore.money import format_minor
from tariffcore.pricing import decimals, default_threads
from tariffcore.settlement.book.records import Book, RunRecord
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.line_files import LINE_NUMBER, lines_path, outcomes_path, require_unchanged
from tariffcore.settlement.line_findings import Findings, read_findings
from tariffcore.settlement.lines import LAST_IN_MONTH, LineStatus

JOINED_BY = "; "
"""Between the defects of one line."""

_BATCH_ROWS = 1 << 17
_DIGITS, _DIGITS_TAKEN_OFF = 18, 19  # 300 per cent of the largest price have one more
_IN_MONTH = [status.name for status in LineStatus if status <= LAST_IN_MONTH]
_IN_ANOTHER_RUN = [LineStatus.OTHER_PROVIDER.name, LineStatus.MONTH_SETTLED.name]
_CODED = pa.dictionary(pa.int32(), pa.string())
_DEFECT_COLUMNS: Mapping[str, Callable[[LineDefect, int], str]] = {
    "defect_codes": lambda defect, _: defect.code,
    "defect_names": lambda defect, _: defect.name,
    "defect_measures": lambda defect, _: defect.measure,
    "defect_amounts": lambda defect, minor_units: format_minor(defect.taken_off, minor_units),
    "defect_sources": lambda defect, _: defect.source,
    "found_in": lambda defect, _: defect.found_in,
}


def line_schema(minor_units: int, *, synthetic: bool) -> pa.Schema:
    """Columns of the list; of a line, claimed = overclaimed + deducted + held + accepted.

    accepted   what goes into the linear scale; below zero where defects take off more than there is
    found_in   the documents that found the defects, or that hold the line
    """
    money = pa.decimal128(_DIGITS, minor_units)
    taken_off = pa.decimal128(_DIGITS_TAKEN_OFF, minor_units)
    return pa.schema(
        [
            ("month", _CODED),
            ("line", pa.int64()),
            ("case_id", pa.string()),
            ("provider_id", _CODED),
            ("funding_source", _CODED),
            ("contract_line", _CODED),
            ("method", _CODED),
            ("schedule_id", _CODED),
            ("rule_id", _CODED),
            ("line_status", _CODED),
            ("priced_amount", money),
            ("claimed_amount", money),
            ("overclaimed_amount", money),
            ("deducted_amount", taken_off),
            ("held_amount", money),
            ("accepted_amount", taken_off),
            *((name, pa.string()) for name in _DEFECT_COLUMNS),
            *([("synthetic", pa.bool_())] if synthetic else []),
        ]
    )


def write_line_list(
    book: Book,
    runs: Sequence[RunRecord],
    path: Path,
    provider: str | None = None,
    *,
    threads: int | None = None,
) -> int:
    """Writes the lines that are in the month, of some runs of one month, in file order; returns how many.

    ``provider``: only theirs. Raises CasesError where it cannot be written, SettlementError where files of
    the lines are missing or have changed.
    """
    schema = line_schema(runs[0].minor_units, synthetic=any(run.synthetic for run in runs))
    used_threads = default_threads() if threads is None else threads
    with open_output(path, schema, note=_note(runs)) as writer, ThreadPoolExecutor(used_threads) as pool:
        for run in runs:
            lines = SettledLines(book, run, schema)

            def work(batch: Batch, lines: SettledLines = lines) -> Encoded:
                return writer.encode(lines.listed(batch, lines.in_month(batch, provider)))

            with closing(in_order(pool, work, lines.batches(), ahead=used_threads + 1)) as encoded:
                for rows in encoded:
                    writer.append(rows)
        writer.complete()
    return writer.rows_written


def _note(runs: Sequence[RunRecord]) -> dict[str, str]:
    note = {
        "tariffcore.month": str(runs[0].month),
        "tariffcore.rules": JOINED_BY.join(
            dict.fromkeys(f"{run.rules_id} {run.rules_digest}" for run in runs)
        ),
        "tariffcore.lines": JOINED_BY.join(run.lines_digest for run in runs),
        "tariffcore.outcomes": JOINED_BY.join(run.outcomes_digest for run in runs),
        "tariffcore.engine_version": JOINED_BY.join(dict.fromkeys(run.engine_version for run in runs)),
    }
    if any(run.synthetic for run in runs):
        note["tariffcore.synthetic"] = "SYNTHETIC, not for payment"
    return note


@dataclass(frozen=True)
class Batch:
    """Consecutive rows of a file of lines with their outcomes; ``start`` is the row of the first."""

    start: int
    lines: pa.RecordBatch
    outcomes: pa.Table

    @cached_property
    def statuses(self) -> pa.Array:
        return one_array(self.outcomes.column("line_status")).dictionary_decode()

    @cached_property
    def providers(self) -> pa.DictionaryArray:
        return _coded("provider_id", self.lines.column("provider_id"))


class SettledLines:
    """The lines of one run; any number of threads may ask for theirs at once."""

    def __init__(self, book: Book, run: RunRecord, schema: pa.Schema) -> None:
        self.run = run
        self.schema = schema
        self._lines = lines_path(book.lines_folder, run.lines_digest)
        self._outcomes = outcomes_path(book.lines_folder, run.outcomes_digest)
        for path in (self._lines, self._outcomes):
            require_unchanged(path)
        self.findings = read_findings(book.lines_folder, run.outcomes_digest)
        self._found = _FoundColumns(self.findings, run.minor_units)

    def batches(self) -> Iterator[Batch]:
        outcomes = pq.read_table(self._outcomes, columns=["line_status", "contract_line", "claimed_amount"])
        file = pq.ParquetFile(self._lines)
        wanted = ["provider_id", "case_id", "funding_source", LINE_NUMBER]
        wanted += [f"priced_{name}" for name in ("schedule_id", "amount", "method", "rule_id")]
        present = [name for name in wanted if name in file.schema_arrow.names]
        start = 0
        for lines in file.iter_batches(_BATCH_ROWS, columns=present):
            yield Batch(start, lines, outcomes.slice(start, lines.num_rows))
            start += lines.num_rows

    def in_month(self, batch: Batch, provider: str | None = None) -> NDArray[np.intp]:
        """Which rows of a batch are in the month, and of the provider if one is named."""
        chosen = pc.is_in(batch.statuses, value_set=pa.array(_IN_MONTH))
        if provider is not None:
            chosen = pc.and_(chosen, pc.fill_null(pc.equal(batch.providers, provider), False))
        return np.flatnonzero(chosen.to_numpy(zero_copy_only=False))

    def set_aside(self, batch: Batch, provider: str | None = None) -> pa.Array:
        """The providers of the rows that are in no month, neither in this run's nor in another's."""
        gone = pc.invert(pc.is_in(batch.statuses, value_set=pa.array([*_IN_MONTH, *_IN_ANOTHER_RUN])))
        if provider is not None:
            gone = pc.and_(gone, pc.fill_null(pc.equal(batch.providers, provider), False))
        return batch.providers.filter(gone)

    def listed(self, batch: Batch, rows: NDArray[np.intp]) -> pa.Table:
        """Rows of the month as they are listed."""
        units = self.run.minor_units
        is_all = len(rows) == batch.lines.num_rows
        chosen = pa.array(rows)

        def column(name: str, of: pa.RecordBatch | pa.Table = batch.lines) -> pa.Array:
            array = one_array(of.column(name))
            return array if is_all else array.take(chosen)

        claimed = money_minor("claimed_amount", column("claimed_amount", batch.outcomes), units).values
        priced = money_minor("priced_amount", column("priced_amount"), units).values
        status = column("line_status", batch.outcomes)
        is_held = pc.equal(status, LineStatus.HELD.name).to_numpy(zero_copy_only=False)
        at = rows.astype(np.int64) + batch.start
        overclaimed = np.maximum(claimed - priced, 0)
        held = np.where(is_held, np.minimum(claimed, priced), 0)
        deducted = self._found.taken_off(at)
        every = np.ones(len(rows), dtype=np.bool_)

        def money(minor: NDArray[np.int64], digits: int = _DIGITS) -> pa.Array:
            return decimals(minor, units, every, digits=digits)

        columns = {
            "month": _repeated(str(self.run.month), len(rows)),
            "line": column(LINE_NUMBER) if LINE_NUMBER in batch.lines.schema.names else pa.array(at + 1),
            "case_id": _trimmed(column("case_id")),
            "provider_id": batch.providers if is_all else batch.providers.take(chosen),
            "funding_source": _coded("funding_source", column("funding_source")),
            "contract_line": _as_coded(column("contract_line", batch.outcomes)),
            "method": _as_coded(column("priced_method")),
            "schedule_id": _as_coded(column("priced_schedule_id")),
            "rule_id": _as_coded(column("priced_rule_id")),
            "line_status": _as_coded(status),
            "priced_amount": money(priced),
            "claimed_amount": money(claimed),
            "overclaimed_amount": money(overclaimed),
            "deducted_amount": money(deducted, _DIGITS_TAKEN_OFF),
            "held_amount": money(held),
            "accepted_amount": money(claimed - overclaimed - deducted - held, _DIGITS_TAKEN_OFF),
            **self._found.columns(at),
        }
        if "synthetic" in self.schema.names:
            columns["synthetic"] = pa.array(np.full(len(rows), self.run.synthetic))
        return pa.table([columns[name] for name in self.schema.names], schema=self.schema)


class _FoundColumns:
    """What was found about the few lines with findings, to be laid beside many lines."""

    def __init__(self, findings: Findings, minor_units: int) -> None:
        rows = sorted({*findings.defects, *findings.held})
        self._rows = np.array(rows, dtype=np.int64)
        self._taken_off = np.array(
            [sum(defect.taken_off for defect in findings.defects.get(row, ())) for row in rows],
            dtype=np.int64,
        )
        self._texts = {
            name: pa.array(
                [
                    JOINED_BY.join(text(defect, minor_units) for defect in findings.defects[row])
                    if row in findings.defects
                    else (findings.held[row] if name == "found_in" else None)
                    for row in rows
                ],
                pa.string(),
            )
            for name, text in _DEFECT_COLUMNS.items()
        }

    def _places(self, at: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Where each of some rows stands here, and whether it does."""
        if not len(self._rows):
            return np.zeros(len(at), dtype=np.intp), np.zeros(len(at), dtype=np.bool_)
        place = np.minimum(np.searchsorted(self._rows, at), len(self._rows) - 1)
        return place, self._rows[place] == at

    def taken_off(self, at: NDArray[np.int64]) -> NDArray[np.int64]:
        place, is_here = self._places(at)
        amounts = np.zeros(len(at), dtype=np.int64)
        amounts[is_here] = self._taken_off[place[is_here]]
        return amounts

    def columns(self, at: NDArray[np.int64]) -> dict[str, pa.Array]:
        place, is_here = self._places(at)
        if not is_here.any():
            return {name: pa.nulls(len(at), pa.string()) for name in self._texts}
        chosen = pa.array(place, mask=~is_here)
        return {name: texts.take(chosen) for name, texts in self._texts.items()}


def _coded(name: str, column: pa.Array) -> pa.DictionaryArray:
    """Codes without what stands around them, as settlement compares them."""
    coded = coded_text(name, column)
    distinct = list(dict.fromkeys(text for text in coded.texts if text is not None))
    place = {text: number for number, text in enumerate(distinct)}
    numbers = coded.map(lambda text: place[text], -1, np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(numbers, mask=numbers < 0), pa.array(distinct, pa.string())
    )


def _as_coded(column: pa.Array) -> pa.Array:
    return column if column.type == _CODED else column.cast(_CODED)


def _trimmed(column: pa.Array) -> pa.Array:
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return pc.ascii_trim_whitespace(column.cast(pa.string()))


def _repeated(text: str, count: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array([text]))
