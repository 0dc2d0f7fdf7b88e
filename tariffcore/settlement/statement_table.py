"""Settlement statements as one table: a row for each step, and what is payable of all as the last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariffcore.files import open_output
from tariffcore.files.writing import XlsxWriter
from tariffcore.labelling import Labels
from tariffcore.money import format_minor
from tariffcore.settlement.lost_lines import LostLines
from tariffcore.settlement.statement import Statement
from tariffcore.settlement.statement_lines import lines_sheet
from tariffcore.settlement.statement_words import detail_in_words, line_name, source_in_words

FOR_PEOPLE = (".csv", ".xlsx")
"""Formats with headers in the language and rows of totals; the others are for programs, which sum rows."""

_TEXTS = (
    "provider_id", "month", "funding_source", "funding_source_name", "contract_line", "contract_line_name",
    "step", "label", "detail",
)  # fmt: skip


def write_statement_table(
    found: Sequence[Statement], path: Path, labels: Labels, lost: Mapping[str, LostLines] | None
) -> None:
    """Writes CSV, XLSX, Parquet or Arrow; XLSX has a sheet of the lines that lost something, if they are
    given. Raises CasesError where it cannot be written."""
    run = found[0].run
    money = pa.decimal128(20, run.minor_units)
    schema = pa.schema(
        [*((name, pa.string()) for name in _TEXTS), ("amount", money), ("source", pa.string())]
    )
    if run.synthetic:
        schema = schema.append(pa.field("synthetic", pa.bool_()))
    rows = [row for statement in found for row in _steps(statement, labels)]
    for_people = path.suffix.lower() in FOR_PEOPLE
    if for_people:
        rows = [*_with_totals(found, labels)]
        schema = in_words(schema, labels)
    columns = list(zip(*rows, strict=True))
    arrays = [
        pa.array(column, pa.string()).cast(field.type)
        if field.type == money
        else pa.array(column, field.type)
        for column, field in zip(columns, schema, strict=False)
    ]
    if run.synthetic:
        arrays.append(pa.array([True] * len(rows)))
    note = {
        "tariffcore.rules": f"{run.rules_id} {run.rules_digest}",
        "tariffcore.lines": run.lines_digest,
        "tariffcore.engine_version": run.engine_version,
    }
    with open_output(path, schema, note=note) as writer:
        writer.append(writer.encode(pa.table(arrays, schema=schema)))
        if lost is not None and isinstance(writer, XlsxWriter):
            sheet = lines_sheet([lost[one.provider_id] for one in found], labels)
            sheet = sheet.rename_columns(in_words(sheet.schema, labels).names)
            writer.next_sheet(labels.word("statement_column", "lines"), sheet.schema)
            writer.append(writer.encode(sheet))
        writer.complete()


def in_words(schema: pa.Schema, labels: Labels) -> pa.Schema:
    """The same columns by the names they have in the language."""
    return pa.schema([field.with_name(labels.word("statement_column", field.name)) for field in schema])


_Row = tuple[Any, ...]


def _steps(statement: Statement, labels: Labels) -> Iterator[_Row]:
    for step in statement.steps:
        yield (
            statement.provider_id,
            str(statement.month),
            step.funding_source,
            labels.word("funding_source", step.funding_source),
            step.contract_line,
            line_name(step, labels),
            step.step,
            labels.word("settlement", step.step),
            detail_in_words(step, labels),
            format_minor(step.amount, statement.run.minor_units),
            source_in_words(step.source, labels),
        )


def _with_totals(found: Sequence[Statement], labels: Labels) -> Iterator[_Row]:
    """The rows of each statement and its total, and where there are several that of all."""
    for statement in found:
        yield from _steps(statement, labels)
        yield _total([statement], statement.provider_id, labels)
    if len(found) > 1:
        yield _total(found, None, labels)


def _total(found: Sequence[Statement], provider: str | None, labels: Labels) -> _Row:
    payable = format_minor(sum(one.payable for one in found), found[0].run.minor_units)
    label = labels.word("settlement", "total_payable")
    return (provider, str(found[0].month), *[None] * 4, "total", label, "", payable, "")
