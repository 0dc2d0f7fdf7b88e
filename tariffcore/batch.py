"""A file of cases in, a priced file out: read, priced, written and counted chunk by chunk, in order."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.case_rows import cases_of_rows
from tariffcore.column_reading import one_array
from tariffcore.errors import CasesError, Problem
from tariffcore.explain import explain_case
from tariffcore.files import CaseChunk, CaseSource, ColumnMapping, RawChunk, open_cases, open_output
from tariffcore.files.chunks import CARRIED_COLUMNS
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.files.writing import Encoded, OutputWriter
from tariffcore.number_names import NamedEdition
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, default_threads, nothing_found, price_cases
from tariffcore.rejects import KnownReasons, RejectReasons, reject_schema, reject_table, text_cells
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.reading import GROUPING_RULES_CSV
from tariffcore.summary import Summarist, Summary, TableSummarist
from tariffcore.version import ENGINE_VERSION

_T = TypeVar("_T")
_Raw = TypeVar("_Raw")

_FOR_REJECTS_ONLY = frozenset({"patient_id"})
"""Columns that no price depends on: they are read only where rejects repeat them."""

_LARGE_BLOCK_BYTES = 31 << 20

Progress = Callable[[int, int | None], None]
"""Called with the bytes just taken in, and the bytes of the whole file where known."""


@dataclass(frozen=True)
class RunSources:
    """What the prices of a run come from.

    editions            those that price a day, in the order of their days
    capital_components  the cost components that are capital
    """

    engine_version: str
    tariff_family: str
    deciding_date: DecidingDate
    as_of: date | None
    editions: tuple[NamedEdition, ...]
    capital_components: frozenset[str]

    def note(self) -> dict[str, str]:
        """What an output says of itself: engine, editions and digests, the asking date, whether made up."""
        note = {
            "tariffcore.engine_version": self.engine_version,
            "tariffcore.tariff_family": self.tariff_family,
            "tariffcore.deciding_date": self.deciding_date.value,
            "tariffcore.as_of": "latest published" if self.as_of is None else self.as_of.isoformat(),
        }
        for edition in self.editions:
            note[f"tariffcore.schedule.{edition.id}"] = edition.digest
        titles = dict.fromkeys(edition.title for edition in self.editions if edition.synthetic)
        if titles:
            note["tariffcore.synthetic"] = "SYNTHETIC, not for payment: " + "; ".join(titles)
        return note


@dataclass(frozen=True)
class BatchReport:
    """What a run did. ``summary.priced + summary.rejected == summary.read``.

    ``encoding`` is that of the cases where they came as text, None otherwise.
    """

    summary: Summary
    columns: tuple[str, ...]
    ignored_columns: tuple[str, ...]
    note: dict[str, str]
    sources: RunSources
    encoding: str | None


class CasePricer(ABC):
    """What prices the chunks of a run; any number of threads may ask it at once.

    sources     what its prices come from
    summarist   counts the chunks it priced
    """

    sources: RunSources
    summarist: TableSummarist
    groups_cases: bool = False
    """Whether cases that come without a group can get one."""

    @abstractmethod
    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        """Every row of a table of cases; ``malformed`` are the numbers of rows that are no rows at all."""

    def no_groups(self, path: Path) -> Problem:
        """What is wrong with a file of cases without groups where none can be found for them."""
        return Problem(
            str(path),
            "drg_code",
            None,
            "the cases come without their groups, and the service's editions have no grouping rules",
            "name a family or an edition that has some, or use a file with drg_code",
        )

    def table(self, cases: pa.Table, priced: PricedCases) -> pa.Table:
        """What the output has of priced cases."""
        return priced_table(cases, priced)

    @abstractmethod
    def reasons(self, language: str) -> KnownReasons:
        """Puts into words why cases have no amount."""


class PlanPricer(CasePricer):
    """Prices here, by a plan."""

    def __init__(self, plan: Plan, *, components: bool, explain_in: str | None = None) -> None:
        """``explain_in``: the language in which a column says how each amount came about."""
        self._plan = plan
        self._explain_in = explain_in
        self._components = components
        self.sources = sources_of(plan.catalog)
        self.summarist = Summarist(plan)
        self.groups_cases = plan.groups_cases

    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        # chunks are what the threads of a run share out, so each is priced in one
        return price_cases(cases, self._plan, components=self._components, threads=1, malformed=malformed)

    def no_groups(self, path: Path) -> Problem:
        names = ", ".join(edition.id for edition in self.sources.editions)
        return Problem(
            str(path),
            "drg_code",
            None,
            f"the cases come without their groups, and {names} has no grouping rules ({GROUPING_RULES_CSV})",
            "use a schedule with grouping rules, or a file with drg_code",
        )

    def table(self, cases: pa.Table, priced: PricedCases) -> pa.Table:
        table = super().table(cases, priced)
        if self._explain_in is None:
            return table
        minor_units = self._plan.editions[0].minor_units
        records = cases_of_rows(cases, np.arange(len(priced)), minor_units)
        words = [explain_case(case, self._plan.catalog).in_a_line(self._explain_in) for case in records]
        return table.append_column("explanation", pa.array(words, pa.string()))

    def reasons(self, language: str) -> KnownReasons:
        return RejectReasons(self._plan.catalog, language)


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
    """Price every row of a file here, in its order, into another; formats follow the names' suffixes.

    Rows without an amount have their status in the output and, where ``rejects_path`` is given, stand in the
    rejects with line, original fields and reason.  The files get their names when both are complete; on any
    error neither does.  ``catalog`` may be a `Plan`, which saves building one for each call.
    Raises CasesError for a file that cannot be used and CatalogError for a catalog that does not fit.
    """
    plan = catalog if isinstance(catalog, Plan) else Plan(catalog)
    return price_file_with(
        PlanPricer(plan, components=components),
        cases_path,
        output_path,
        rejects_path=rejects_path,
        threads=threads,
        mapping=mapping,
        sheet=sheet,
        language=language,
        progress=progress,
    )


def price_file_with(
    pricer: CasePricer,
    cases_path: Path,
    output_path: Path,
    *,
    rejects_path: Path | None = None,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    language: str = "en",
    progress: Progress | None = None,
    required: Sequence[str] = (),
) -> BatchReport:
    """As `price_file`, priced by whatever prices: a plan here, or a service.

    ``required``: columns without which the file is of no use here.
    """
    threads = default_threads() if threads is None else threads
    _keep_freed_memory()
    if rejects_path is None:
        mapping = replace(mapping or STANDARD_MAPPING, leave_out=_FOR_REJECTS_ONLY)
    with ExitStack() as stack:
        source = stack.enter_context(open_cases(cases_path, mapping, sheet=sheet))
        if not pricer.groups_cases and not {"drg_code", "service_code"}.intersection(source.columns):
            raise CasesError(f"{cases_path} cannot be priced", [pricer.no_groups(cases_path)])
        lacking = [name for name in required if name not in source.columns]
        if lacking:
            problem = Problem(str(cases_path), ", ".join(lacking), None, "the column is missing", "add it")
            raise CasesError(f"{cases_path} cannot be used here", [problem])
        run = _Pricer(pricer, source, rejects_path is not None, language)
        note = pricer.sources.note()
        summary = Summary()
        writers: tuple[OutputWriter, OutputWriter | None] | None = None

        def encode(chunk: _PricedChunk) -> tuple[Encoded, Encoded | None]:
            assert writers is not None
            priced, rejects = writers
            return priced.encode(chunk.table), None if rejects is None else rejects.encode(chunk.rejects)

        def price_and_encode(raw: RawChunk) -> tuple[_PricedChunk, tuple[Encoded, Encoded | None]]:
            chunk = run.price(raw)
            return chunk, encode(chunk)

        raws = iter(source)
        first_raw = next(raws, None)
        first = run.price(first_raw) if first_raw is not None else run.price_nothing()
        # what the rows look like decides the schema, so the outputs open with the first chunk at hand
        output = stack.enter_context(
            open_output(output_path, first.table.schema, note=note, keep=[cases_path])
        )
        rejected = None
        if rejects_path is not None:
            keep = [cases_path, output_path]
            rejected = stack.enter_context(open_output(rejects_path, run.reject_schema, note=note, keep=keep))
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
            closing(in_order(pool, price_and_encode, raws, ahead=threads + 1)) as chunks,
        ):
            for chunk, encoded in chunks:
                take(chunk, encoded)
        # whole before either gets its name: a disk that is full at the very end spoils both or none
        output.complete()
        if rejected is not None:
            rejected.complete()
    return BatchReport(summary, source.columns, source.ignored_columns, note, pricer.sources, source.encoding)


def _keep_freed_memory() -> None:
    """Has the C library keep the memory of one chunk for the next.

    glibc returns large blocks to the system at once until one of at most 32 MiB was freed; from then on it
    keeps blocks up to that size.  Getting new pages for every chunk takes longer than pricing it.  With other
    libraries this does nothing.
    """
    np.empty(_LARGE_BLOCK_BYTES, dtype=np.uint8)


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[_Raw], _T], raws: Iterator[_Raw], ahead: int
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

    def __init__(self, pricer: CasePricer, source: CaseSource, rejects: bool, language: str) -> None:
        self._pricer = pricer
        self._source = source
        self._rejects = rejects
        self._reasons = pricer.reasons(language)
        synthetic = any(edition.synthetic for edition in pricer.sources.editions)
        self.reject_schema = reject_schema(source.columns, line_text=source.shows_lines, synthetic=synthetic)

    def price(self, raw: RawChunk) -> _PricedChunk:
        return self._price(self._source.parse(raw), raw.size_bytes)

    def price_nothing(self) -> _PricedChunk:
        """What a file without rows comes to."""
        return self._price(self._source.no_rows(), 0)

    def _price(self, chunk: CaseChunk, size_bytes: int) -> _PricedChunk:
        malformed = np.fromiter(chunk.malformed, dtype=np.intp, count=len(chunk.malformed))
        priced = self._pricer.price(chunk.table, malformed)
        rejects = reject_table(chunk, priced, self._reasons, self.reject_schema) if self._rejects else None
        return _PricedChunk(
            self._pricer.table(chunk.table, priced),
            rejects,
            self._pricer.summarist.of_chunk(chunk.table, priced),
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
    found: dict[str, pa.Array] = {}
    if "principal_diagnosis" in cases.column_names and "drg_code" not in cases.column_names:
        found = (priced.found or nothing_found(len(priced))).columns()
    return pa.table({"case_id": carried.pop("case_id"), **found, **priced.columns(), **carried})


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
    """What an output of a run by this catalog says of itself."""
    return sources_of(catalog).note()


def sources_of(catalog: Catalog) -> RunSources:
    """What prices by this catalog come from: of its editions those that price a day.

    One that is not yet known on the asking date labels nothing.
    """
    editions = tuple({span.schedule.id: span.schedule for span in catalog.spans}.values())
    return RunSources(
        ENGINE_VERSION,
        catalog.tariff_family,
        catalog.deciding_date,
        catalog.as_of,
        editions,
        frozenset(row.component for edition in editions for row in edition.components if row.capital),
    )
