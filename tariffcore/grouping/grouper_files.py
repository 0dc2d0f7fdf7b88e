"""A file of cases or claims grouped by any grouper, into a file of cases that `tariffcore price` prices."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from pathlib import Path

import pyarrow as pa

from tariffcore.batch import Progress, in_order
from tariffcore.cases import CASE_COLUMNS, GROUPING_COLUMNS
from tariffcore.errors import CasesError, Problem
from tariffcore.explain import reason_of_malformed_row
from tariffcore.files import ColumnMapping, open_cases, open_output
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.grouping.claims import CHUNK_CLAIMS, CLAIM_SUFFIXES, ClaimChunk, read_claims
from tariffcore.grouping.groupers import Grouper, GroupOfCase
from tariffcore.grouping.running import GIVEN_DRG
from tariffcore.pricing import default_threads
from tariffcore.rejects import cell_texts
from tariffcore.statuses import CaseStatus

_NOT_CARRIED = frozenset({"drg_code", "procedure_codes", *GROUPING_COLUMNS})
"""Diagnoses and what else led to the group is in the file that was grouped, and not needed for its price."""
CARRIED = tuple(name for name in CASE_COLUMNS if name not in _NOT_CARRIED)


@dataclass
class GrouperReport:
    """What a run did: ``sum(by_status.values()) == read``."""

    title: str
    by_status: Counter[CaseStatus] = field(default_factory=Counter)
    by_group: Counter[str] = field(default_factory=Counter)

    @property
    def read(self) -> int:
        return self.by_status.total()

    @property
    def grouped(self) -> int:
        return self.by_status[CaseStatus.OK]


@dataclass(frozen=True)
class _Grouped:
    table: pa.Table
    rejects: pa.Table
    groups: list[GroupOfCase]
    size_bytes: int


def group_file_with(
    grouper: Grouper,
    cases_path: Path,
    output_path: Path,
    *,
    rejects_path: Path | None = None,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    language: str = "en",
    progress: Progress | None = None,
) -> GrouperReport:
    """Group every row of a file, in its order, into another: its cases, each with its group or its status.

    Files named .jsonl or .ndjson hold claims (see `tariffcore.grouping.claims`), others cases.  The output
    has no diagnoses and no procedures.  Raises CasesError for a file that cannot be used.
    """
    threads = default_threads() if threads is None else threads
    report = GrouperReport(grouper.title)
    with ExitStack() as stack:
        chunks = _chunks(stack, cases_path, mapping, sheet, language)
        first = _grouped(grouper, next(chunks))
        note = {"tariffcore.grouper": grouper.title}
        output = stack.enter_context(
            open_output(output_path, first.table.schema, note=note, keep=[cases_path])
        )
        rejected = None
        if rejects_path is not None:
            rejected = stack.enter_context(
                open_output(rejects_path, first.rejects.schema, note=note, keep=[cases_path, output_path])
            )

        def take(chunk: _Grouped) -> None:
            output.append(output.encode(chunk.table))
            if rejected is not None:
                rejected.append(rejected.encode(chunk.rejects))
            report.by_status.update(own.status for own in chunk.groups)
            report.by_group.update(own.drg_code for own in chunk.groups if own.drg_code is not None)
            if progress is not None:
                progress(chunk.size_bytes, cases_path.stat().st_size)

        take(first)
        with (
            ThreadPoolExecutor(threads) as pool,
            closing(in_order(pool, lambda chunk: _grouped(grouper, chunk), chunks, threads + 1)) as rest,
        ):
            for chunk in rest:
                take(chunk)
        output.complete()
        if rejected is not None:
            rejected.complete()
    return report


def _chunks(
    stack: ExitStack, path: Path, mapping: ColumnMapping | None, sheet: str | None, language: str
) -> Iterator[ClaimChunk]:
    """The rows of the file in chunks, at least one."""
    if path.suffix.lower() in CLAIM_SUFFIXES:
        if mapping is not None or sheet is not None:
            problem = Problem(
                str(path), None, None, "claims take no mapping and have no sheets", "leave the option out"
            )
            raise CasesError(f"{path} cannot be used", [problem])
        return read_claims(path)
    source = stack.enter_context(
        open_cases(
            path,
            replace(mapping or STANDARD_MAPPING, groups_again=True),
            sheet=sheet,
            chunk_rows=CHUNK_CLAIMS,
        )
    )
    if "principal_diagnosis" not in source.columns:
        problem = Problem(str(path), "principal_diagnosis", None, "the column is missing", "add it")
        raise CasesError(f"{path} cannot be grouped", [problem])

    def chunks() -> Iterator[ClaimChunk]:
        any_chunk = False
        for raw in source:
            any_chunk = True
            chunk = source.parse(raw)
            troubles = {
                row: reason_of_malformed_row(wrong.trouble, wrong.values, language)
                for row, wrong in chunk.malformed.items()
            }
            yield ClaimChunk(chunk.table, chunk.line_numbers.tolist(), troubles, raw.size_bytes)
        if not any_chunk:
            yield ClaimChunk(source.no_rows().table, [])

    return chunks()


def _grouped(grouper: Grouper, chunk: ClaimChunk) -> _Grouped:
    groups = list(grouper.group(chunk.table))
    if len(groups) != chunk.table.num_rows:
        raise RuntimeError(f"{grouper.title} gave {len(groups)} groups of {chunk.table.num_rows} cases")
    for row, reason in chunk.troubles.items():
        groups[row] = GroupOfCase(CaseStatus.INVALID_FIELD, reason=reason)
    without = [row for row, own in enumerate(groups) if own.status is not CaseStatus.OK]
    cases = chunk.table
    texts = {name: cell_texts(cases.column(name)) for name in cases.column_names}
    rejects = {
        "line": pa.array([chunk.line_numbers[row] for row in without], pa.int64()),
        **{name: texts[name].take(pa.array(without, pa.int64())) for name in cases.column_names},
        "status": pa.array([groups[row].status.name for row in without], pa.string()),
        "reason": pa.array([groups[row].reason for row in without], pa.string()),
    }
    output = {name: texts[name] for name in CARRIED if name in cases.column_names}
    output["drg_code"] = pa.array([own.drg_code for own in groups], pa.string())
    if "drg_code" in cases.column_names:
        output[GIVEN_DRG] = texts["drg_code"]
    output["status"] = pa.array([own.status.name for own in groups], pa.string())
    output["reason"] = pa.array([own.reason for own in groups], pa.string())
    return _Grouped(pa.table(output), pa.table(rejects), groups, chunk.size_bytes)
