"""Lines that are not part of a settled month, each with its reason in words, and the way out."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tariffcore.files import open_output
from tariffcore.settlement.book.records import Book, RunRecord
from tariffcore.settlement.line_files import LINE_NUMBER, WHY_UNPRICED, lines_path, outcomes_path
from tariffcore.settlement.lines import LAST_IN_MONTH, LineStatus
from tariffcore.settlement.priced_file import GIVEN_PRICE

REASONS = {
    LineStatus.NOT_PRICED: ("it has no price", "correct the line and claim it again"),
    LineStatus.MISSING_ID: ("it has no case_id", "give it one"),
    LineStatus.MISSING_PROVIDER: ("it has no provider_id", "give it one"),
    LineStatus.OTHER_PROVIDER: (
        "it is of another provider than the one that is settled",
        "claim it with theirs",
    ),
    LineStatus.NO_CONTRACT: (
        "the provider has no contract for this contract line and funding source",
        "record the contract, or correct provider_id and funding_source",
    ),
    LineStatus.NO_CONTRACT_LINE: (
        "the rules assign its method and care setting to no contract line",
        "add it to assignments of the rules",
    ),
    LineStatus.OTHER_MONTH: (
        "its deciding date is in another month",
        "claim it with that month; where that one is settled, record a correction (settle correct)",
    ),
    LineStatus.NEGATIVE_CLAIM: ("its claim is below zero", "give what is taken back as another item"),
    LineStatus.REPEATED: ("an earlier line of the file has its id", "claim a line once"),
    LineStatus.SETTLED_BEFORE: ("a line with its id was settled in an earlier month", "claim a line once"),
    LineStatus.PATIENT_REPEATED: (
        "an earlier line of the file has the patient's month of this service",
        "claim all of a patient's month on one line; what the settled line lacks is another item",
    ),
    LineStatus.MONTH_SETTLED: (
        "the month of the provider's contract is settled already",
        "nothing, where the line was settled with it; what it lacks is a correction (settle correct)",
    ),
    LineStatus.PRICED_OTHERWISE: (
        "the priced file has another price",
        "find out why they differ; price the claims again with these schedules",
    ),
}

_COLUMNS = (
    "line",
    "provider_id",
    "case_id",
    "funding_source",
    "claimed_amount",
    "line_status",
    "price_status",
)

_OURS = ("priced_amount", "priced_status", "priced_schedule_id")


def write_set_aside(book: Book, run: RunRecord, path: Path) -> int:
    """Writes them in file order, and returns how many. ``line`` is that of the claims, as rejects have it.

    Raises CasesError where they cannot be written.
    """
    kept = [status.name for status in LineStatus if status <= LAST_IN_MONTH]
    words = {status.name: texts for status, texts in REASONS.items()}
    money = pa.decimal128(18, run.minor_units)
    schema = pa.schema(
        [
            ("line", pa.int64()),
            *((name, money if name == "claimed_amount" else pa.string()) for name in _COLUMNS[1:]),
            ("reason", pa.string()),
            ("way_out", pa.string()),
        ]
    )
    outcomes = pq.read_table(
        outcomes_path(book.lines_folder, run.outcomes_digest), columns=["line_status", "claimed_amount"]
    )
    lines = pq.ParquetFile(lines_path(book.lines_folder, run.lines_digest))
    known = lines.schema_arrow.names
    wanted = [
        name
        for name in (
            "provider_id",
            "case_id",
            "funding_source",
            *_OURS,
            GIVEN_PRICE,
            LINE_NUMBER,
            WHY_UNPRICED,
        )
        if name in known
    ]
    count = start = 0
    with open_output(path, schema, note={"tariffcore.month": str(run.month)}) as writer:
        for batch in lines.iter_batches(columns=wanted):
            part = outcomes.slice(start, batch.num_rows)
            statuses = part.column("line_status").cast(pa.string())
            rows = pc.indices_nonzero(pc.invert(pc.is_in(statuses, value_set=pa.array(kept))))
            if len(rows):
                writer.append(writer.encode(_rows(batch, part, statuses, rows, start, words, schema)))
                count += len(rows)
            start += batch.num_rows
        writer.complete()
    return count


def _rows(
    batch: pa.RecordBatch,
    part: pa.Table,
    statuses: pa.ChunkedArray,
    rows: pa.Array,
    start: int,
    words: dict[str, tuple[str, str]],
    schema: pa.Schema,
) -> pa.Table:
    names = statuses.take(rows).to_pylist()
    chosen = batch.take(rows)

    def text(name: str) -> pa.Array:
        if name not in chosen.schema.names:
            return pa.nulls(len(rows), pa.string())
        return chosen.column(name).cast(pa.string())

    return pa.table(
        [
            _line_numbers(chosen, rows, start),
            text("provider_id"),
            text("case_id"),
            text("funding_source"),
            part.column("claimed_amount").take(rows),
            pa.array(names, pa.string()),
            text("priced_status"),
            pa.array(_reasons(names, words, chosen), pa.string()),
            pa.array([words[name][1] for name in names], pa.string()),
        ],
        schema=schema,
    )


def _line_numbers(chosen: pa.RecordBatch, rows: pa.Array, start: int) -> pa.Array:
    """As rejects have them; of books that do not say them yet, the numbers of the rows."""
    if LINE_NUMBER in chosen.schema.names:
        return chosen.column(LINE_NUMBER)
    return pc.add(rows.cast(pa.int64()), start + 1)


def _reasons(names: list[str], words: dict[str, tuple[str, str]], chosen: pa.RecordBatch) -> list[str]:
    """In words: of lines without a price why, of prices that differ both."""
    reasons = [words[name][0] for name in names]
    if WHY_UNPRICED in chosen.schema.names:
        for row, why in enumerate(chosen.column(WHY_UNPRICED).to_pylist()):
            if why is not None and names[row] == LineStatus.NOT_PRICED.name:
                reasons[row] += f": {why}"
    if GIVEN_PRICE not in chosen.schema.names:
        return reasons
    theirs = chosen.column(GIVEN_PRICE).to_pylist()
    ours = [chosen.column(name).cast(pa.string()).to_pylist() for name in _OURS]
    for row, name in enumerate(names):
        if name == LineStatus.PRICED_OTHERWISE.name:
            here = " ".join(str(column[row]) for column in ours if column[row] is not None)
            reasons[row] += f": {' '.join((theirs[row] or 'none').split())} there, {here} here"
    return reasons
