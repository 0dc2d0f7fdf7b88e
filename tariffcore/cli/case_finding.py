"""One case of a file, by its id or its line, priced and explained just as pricing the whole file does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariffcore.case_rows import cases_of_rows
from tariffcore.cli.explain import Asked
from tariffcore.cli.run_summary import DisagreementError
from tariffcore.cli.screen import progress_bar
from tariffcore.cli.tables import counted
from tariffcore.column_reading import coded_text
from tariffcore.errors import ExplainError, Problem
from tariffcore.explain import explain_case
from tariffcore.files import CaseChunk, ColumnMapping, open_cases
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.rejects import RejectReasons, reject_schema, reject_table
from tariffcore.statuses import CaseStatus


def find_case(
    path: Path,
    plan: Plan,
    *,
    case_id: str | None,
    line: int | None,
    mapping: ColumnMapping | None,
    sheet: str | None,
    language: str,
) -> Asked:
    """Reads the file up to the case with this id, or to this line, and explains it.

    Of several rows with one id it is the first. Raises CasesError for a file that cannot be used, and
    ExplainError where the file has no such case.
    """
    rows_read = 0
    last_line = 0
    with (
        open_cases(path, mapping, sheet=sheet) as source,
        progress_bar(
            "looking for the case", total=source.total_bytes, in_bytes=True, wanted=True
        ) as progress,
    ):
        for raw in source:
            chunk = source.parse(raw)
            row = _row_of(chunk, case_id, line)
            if row is not None:
                return _explained(chunk, row, path, plan, language)
            rows_read += chunk.table.num_rows
            if chunk.table.num_rows:
                last_line = int(chunk.line_numbers[-1])
            if progress is not None:
                progress(raw.size_bytes, None)
    field, value = ("case_id", case_id) if line is None else ("line", str(line))
    raise ExplainError(
        "there is no such case",
        [
            Problem(
                str(path),
                field,
                value,
                f"none of the {counted(rows_read, 'row')} has it"
                if line is None
                else "no case begins on this line",
                "check the id, as the file writes it"
                if line is None
                else f"the header is not a case; the last one is on line {last_line}",
            )
        ],
    )


def _row_of(chunk: CaseChunk, case_id: str | None, line: int | None) -> int | None:
    """The first row of the chunk with this id, or on this line."""
    if line is not None:
        found = np.flatnonzero(chunk.line_numbers == line)
        return int(found[0]) if len(found) else None
    assert case_id is not None
    column = chunk.table.column("case_id")
    if pa.types.is_integer(column.type):
        matches = np.asarray(pc.fill_null(pc.equal(column.cast(pa.string()), case_id.strip()), False))
        found = np.flatnonzero(matches)
    else:
        coded = coded_text("case_id", column)
        wanted = [number for number, text in enumerate(coded.texts) if text == case_id.strip()]
        found = np.flatnonzero(np.isin(coded.number, wanted))
    return int(found[0]) if len(found) else None


def _explained(chunk: CaseChunk, row: int, path: Path, plan: Plan, language: str) -> Asked:
    catalog = plan.catalog
    one = CaseChunk(
        chunk.table.slice(row, 1).combine_chunks(),
        chunk.line_numbers[row : row + 1],
        {0: chunk.malformed[row]} if row in chunk.malformed else {},
    )
    malformed = np.array(sorted(one.malformed), dtype=np.intp)
    priced = price_cases(one.table, plan, threads=1, malformed=malformed)
    (case,) = cases_of_rows(one.table, np.zeros(1, dtype=np.intp), catalog.editions[0].minor_units)
    explanation = explain_case(case, catalog)
    status = CaseStatus(int(priced.status[0]))
    line = int(one.line_numbers[0])
    if explanation.status is status:
        amount_minor = int(priced.amount_minor[0]) if status is CaseStatus.OK else None
        if explanation.amount_minor != amount_minor:
            raise DisagreementError(f"priced {amount_minor} and explained {explanation.amount_minor}")
        return Asked(explanation, case, line, path)
    # a cell that never became a value, or a line that is no row: only the file as read shows why
    rejects = reject_table(
        one, priced, RejectReasons(catalog, language), reject_schema(one.table.column_names)
    )
    unread = replace(
        explanation,
        status=status,
        amount_minor=None,
        rule_id=None,
        method=None,
        components=None,
        steps=(),
        reasons=(),
    )
    return Asked(unread, case, line, path, reason_as_read=str(rejects.column("reason")[0].as_py()))
