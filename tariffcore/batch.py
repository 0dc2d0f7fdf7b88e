"""A file of cases in, a priced file out: read, priced, written and counted chunk by chunk, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa

from tariffcore.column_reading import one_array
from tariffcore.files import CaseChunk, CaseSource, ColumnMapping, RawChunk, open_cases, open_output
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.files.writing import Encoded, OutputWriter
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, default_threads, price_cases
from tariffcore.rejects import RejectReasons, reject_schema, reject_table, text_cells
from tariffcore.schedule.catalog import Catalog
from tariffcore.summary import Summarist, Summary
from tariffcore.version import ENGINE_VERSION

_T = TypeVar("_T")

_FOR_REJECTS_ONLY = frozenset({"patient_id", "addon_kind"})
"""Columns that no price depends on: they are read only where rejects repeat them."""

CARRIED_COLUMNS = ("case_id", "funding_source")
"""Columns of a case that its priced row repeats."""

Progress = Callable[[int, int | None], None]
"""Called with the bytes just taken in, and the bytes of the whole file where known."""


@dataclass(frozen=True)
class BatchReport:
    """What a run did. ``summary.priced + summary.rejected == summary.read``."""

    summary: Summary
    columns: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    note: dict[str, str]


@dataclass(frozen=True)
class _PricedChunk:
    table: pa.Table
    rejects: pa.Table | None
    summary: Summary
    size_bytes: int


def price_file(
    cases_path: Path,
    output_path: Path,
    catalog: Catalog | Plan,
    *,
    rejects_path: Path | None = None,
    components: bool = False,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> BatchReport:
    """Price every row of a file, in its order, into another; formats follow the names' suffixes.

    Rows without an amount have their status in the output and, where ``rejects_path`` is given, stand in the
    rejects with line, original fields and reason.  The files get their names when both are complete; on any
    error neither does.  ``catalog`` may be a `Plan`, which saves building one for each call.
    Raises CasesError for a file that cannot be used and CatalogError for a catalog that does not fit.
    """
    plan = catalog if isinstance(catalog, Plan) else Plan(catalog)
    threads = default_threads() if threads is None else threads
    if rejects_path is None:
        mapping = replace(mapping or STANDARD_MAPPING, leave_out=_FOR_REJECTS_ONLY)
    with ExitStack() as stack:
        source = stack.enter_context(open_cases(cases_path, mapping, sheet=sheet))
        pricer = _Pricer(plan, source, components, rejects_path is not None, language)
        note = run_note(plan.catalog)
        summary = Summary()
        writers: tuple[OutputWriter, OutputWriter | None] | None = None

        def encode(chunk: _PricedChunk) -> tuple[Encoded, Encoded | None]:
            assert writers is not None
            priced, rejects = writers
            return priced.encode(chunk.table), None if rejects is None else rejects.encode(chunk.rejects)

        def price_and_encode(raw: RawChunk) -> tuple[_PricedChunk, tuple[Encoded, Encoded | None]]:
            chunk = pricer.price(raw)
            return chunk, encode(chunk)

        raws = iter(source)
        first_raw = next(raws, None)
        first = pricer.price(first_raw) if first_raw is not None else pricer.price_nothing()
        # what the rows look like decides the schema, so the outputs open with the first chunk at hand
        output = stack.enter_context(
            open_output(output_path, first.table.schema, note=note, keep=[cases_path])
        )
        rejected = None
        if rejects_path is not None:
            keep = [cases_path, output_path]
            rejected = stack.enter_context(
                open_output(rejects_path, pricer.reject_schema, note=note, keep=keep)
            )
        writers = (output, rejected)

        def take(chunk: _PricedChunk, encoded: tuple[Encoded, Encoded | None]) -> None:
            output.append(encoded[0])
            if rejected is not None and encoded[1] is not None:
                rejected.append(encoded[1])
            summary.merge(chunk.summary)
            if progress is not None:
                progress(chunk.size_bytes, source.total_bytes)

        take(first, encode(first))
        del first, first_raw  # or the first chunk would stay in memory to the end
        with (
            ThreadPoolExecutor(threads) as pool,
            closing(_in_order(pool, price_and_encode, raws, ahead=threads + 1)) as chunks,
        ):
            for chunk, encoded in chunks:
                take(chunk, encoded)
        # whole before either gets its name: a disk that is full at the very end spoils both or none
        output.complete()
        if rejected is not None:
            rejected.complete()
    return BatchReport(summary, source.columns, source.ignored_columns, note)


def _in_order(
    pool: ThreadPoolExecutor, work: Callable[[RawChunk], _T], raws: Iterator[RawChunk], ahead: int
) -> Generator[_T, None, None]:
    """The results of work in the order of its inputs, with at most ``ahead`` of them begun and not taken."""
    pending: deque[Future[_T]] = deque()
    try:
        for raw in raws:
            pending.append(pool.submit(work, raw))
            if len(pending) >= ahead:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        for future in pending:
            future.cancel()


class _Pricer:
    """Prices chunks of one source; safe to use from several threads at once."""

    def __init__(
        self, plan: Plan, source: CaseSource, components: bool, rejects: bool, language: str
    ) -> None:
        self._plan = plan
        self._source = source
        self._components = components
        self._rejects = rejects
        self._summarist = Summarist(plan)
        self._reasons = RejectReasons(plan.catalog, language)
        synthetic = any(schedule.synthetic for schedule in plan.editions)
        self.reject_schema = reject_schema(source.columns, synthetic=synthetic)

    def price(self, raw: RawChunk) -> _PricedChunk:
        return self._price(self._source.parse(raw), raw.size_bytes)

    def price_nothing(self) -> _PricedChunk:
        """What a file without rows comes to."""
        return self._price(self._source.no_rows(), 0)

    def _price(self, chunk: CaseChunk, size_bytes: int) -> _PricedChunk:
        malformed = np.fromiter(chunk.malformed, dtype=np.intp, count=len(chunk.malformed))
        # chunks are what the threads share out, so each is priced in one
        priced = price_cases(
            chunk.table, self._plan, components=self._components, threads=1, malformed=malformed
        )
        rejects = reject_table(chunk, priced, self._reasons, self.reject_schema) if self._rejects else None
        return _PricedChunk(
            priced_table(chunk.table, priced),
            rejects,
            self._summarist.of_chunk(chunk.table, priced),
            size_bytes,
        )


def priced_table(cases: pa.Table, priced: PricedCases) -> pa.Table:
    """The priced rows as people receive them: the case id, what pricing found, the other carried columns."""
    undecodable = {marked.column for marked in priced.encoded.invalid}
    carried = {
        name: _carried(cases.column(name), name in undecodable)
        for name in CARRIED_COLUMNS
        if name in cases.column_names
    }
    return pa.table({"case_id": carried.pop("case_id"), **priced.columns(), **carried})


def _carried(column: pa.ChunkedArray, has_undecodable: bool) -> pa.ChunkedArray | pa.Array:
    """A column as outputs repeat it: bytes as text, what is no UTF-8 with escapes, all else as it came."""
    is_dictionary = pa.types.is_dictionary(column.type)
    kind = column.type.value_type if is_dictionary else column.type
    is_bytes = pa.types.is_binary(kind) or pa.types.is_large_binary(kind)
    if not (is_bytes or has_undecodable):
        return column
    array = one_array(column)
    if not is_dictionary:
        return _escaped(array)
    return pa.DictionaryArray.from_arrays(array.indices, _escaped(array.dictionary))


def _escaped(array: pa.Array) -> pa.Array:
    text = text_cells(array)
    is_text = pa.types.is_string(array.type) or pa.types.is_large_string(array.type)
    return text.cast(array.type) if is_text else text  # all chunks of a column keep one type


def run_note(catalog: Catalog) -> dict[str, str]:
    """What an output says of itself: engine, editions and digests, the asking date, and whether made up."""
    note = {
        "tariffcore.engine_version": ENGINE_VERSION,
        "tariffcore.tariff_family": catalog.tariff_family,
        "tariffcore.deciding_date": catalog.deciding_date.value,
        "tariffcore.as_of": "latest published" if catalog.as_of is None else catalog.as_of.isoformat(),
    }
    for span in catalog.spans:
        note[f"tariffcore.schedule.{span.schedule.id}"] = span.schedule.digest
    # of the editions that price a day: one not yet known on the asking date labels nothing
    titles = dict.fromkeys(span.schedule.title for span in catalog.spans if span.schedule.synthetic)
    if titles:
        note["tariffcore.synthetic"] = "SYNTHETIC, not for payment: " + "; ".join(titles)
    return note
