"""Rows without an amount: which line, what stood there, the status, and why, in words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import STANDARD_COLUMNS, Case
from tariffcore.encoded_cases import MarkedRows
from tariffcore.explain import (
    reason_for,
    reason_of_malformed_row,
    reason_of_unreadable_cell,
)
from tariffcore.files.chunks import CaseChunk, MalformedRow
from tariffcore.pricing import PricedCases
from tariffcore.schedule.catalog import Catalog
from tariffcore.statuses import CaseStatus

_REASON_DEPENDS_ON: dict[CaseStatus, tuple[str, ...]] = {
    CaseStatus.UNKNOWN_DRG: ("drg_code",),
    CaseStatus.UNKNOWN_SETTING: ("care_setting",),
    CaseStatus.UNKNOWN_OUTCOME: ("outcome",),
    CaseStatus.UNKNOWN_PROVIDER: ("provider_id",),
    CaseStatus.MISSING_WEIGHT: ("drg_code", "age_years"),
    CaseStatus.MISSING_PLANNED_DAYS: (
        "drg_code",
        "outcome",
        "death_unavoidable",
        "care_setting",
        "admission_date",
        "discharge_date",
        "length_of_stay_days",
    ),
    CaseStatus.NO_SCHEDULE_FOR_DATE: ("admission_date", "discharge_date"),
    CaseStatus.NO_COEFFICIENT_FOR_DATE: ("provider_id", "admission_date", "discharge_date"),
}
"""The fields that the reason of a status speaks of, beside the edition. Others speak of the whole case."""

_CACHE_LIMIT = 100_000

_READ_AND_WRONG = (
    "age_years",
    "quantity",
    "length_of_stay_days",
    "addon_amount",
    "age_days",
    "birth_weight_grams",
    "sex",
    "qualifiers",
)
"""A cell of these may be read and still be wrong: then the explanation names it, and what would be right."""


@dataclass(frozen=True, slots=True)
class RejectedCase:
    """A case without an amount, and the edition that covers its date."""

    case: Case
    status: CaseStatus
    schedule_id: str | None


class KnownReasons(ABC):
    """Reasons in words for rejected rows, each thing that can be wrong put in words once.

    One object serves any number of chunks and threads; what it remembers is only ever added to.
    """

    def __init__(self, language: str = "en") -> None:
        self._language = language
        self._known: dict[tuple[object, ...], str] = {}

    @abstractmethod
    def _asked(self, cases: Sequence[RejectedCase]) -> list[str]:
        """Why each of these cases has its status."""

    def of_cases(self, cases: Sequence[RejectedCase]) -> list[str]:
        """Why each of these cases has its status; what was said before is not asked again."""
        keys = [_key(rejected) for rejected in cases]
        unknown: dict[tuple[object, ...], RejectedCase] = {}
        for place, (key, rejected) in enumerate(zip(keys, cases, strict=True)):
            if key is None:
                unknown[(place,)] = rejected
            elif key not in self._known:
                unknown.setdefault(key, rejected)
        said = dict(zip(unknown, self._asked(list(unknown.values())), strict=True)) if unknown else {}
        words = []
        for place, key in enumerate(keys):
            if key is None:
                words.append(said[(place,)])
            elif key in said:
                words.append(said[key])
            else:
                words.append(self._known[key])
        room = _CACHE_LIMIT - len(self._known)
        for key in keys:
            if room > 0 and key is not None and key in said and key not in self._known:
                self._known[key] = said[key]
                room -= 1
        return words

    def of_malformed(self, row: MalformedRow) -> str:
        """Why a line that is no row has no amount."""
        return reason_of_malformed_row(row.trouble, row.values, self._language)

    def of_cells(self, cells: Sequence[tuple[str, str]]) -> str:
        """Why a row with these unreadable (column, text) cells has no amount."""
        return "; ".join(reason_of_unreadable_cell(column, text, self._language) for column, text in cells)


class RejectReasons(KnownReasons):
    """Reasons as the editions of a catalog have them."""

    def __init__(self, catalog: Catalog, language: str = "en") -> None:
        super().__init__(language)
        self._catalog = catalog

    def _asked(self, cases: Sequence[RejectedCase]) -> list[str]:
        return [reason_for(rejected.case, self._catalog, self._language) for rejected in cases]


def _key(rejected: RejectedCase) -> tuple[object, ...] | None:
    """What the reason depends on; None: on the whole case."""
    fields = _REASON_DEPENDS_ON.get(rejected.status)
    if fields is None:
        return None
    return (rejected.status, rejected.schedule_id, *(getattr(rejected.case, field) for field in fields))


def reject_schema(columns: Sequence[str], *, line_text: bool = False, synthetic: bool = False) -> pa.Schema:
    """The columns of a table of rejects from a file with these standard columns.

    ``line_text``: a column repeats the lines that are no rows, and so have no fields.
    ``synthetic``: the schedules are made up, and a column says so, as in the priced file.
    """
    original = [name for name in STANDARD_COLUMNS if name in columns]
    return pa.schema(
        [("line", pa.int64())]
        + [(name, pa.string()) for name in original]
        + ([("line_text", pa.string())] if line_text else [])
        + [("status", pa.string()), ("reason", pa.string())]
        + ([("synthetic", pa.bool_())] if synthetic else [])
    )


def reject_table(chunk: CaseChunk, priced: PricedCases, reasons: KnownReasons, schema: pa.Schema) -> pa.Table:
    """The rows of the chunk without an amount, in file order: line, original fields, status, reason."""
    rows = np.flatnonzero(~priced.ok)
    if not len(rows):
        return schema.empty_table()
    table = chunk.table.take(pa.array(rows))
    originals = {name: cell_texts(table.column(name)) for name in table.column_names}
    statuses = [CaseStatus(number) for number in priced.status[rows].tolist()]
    editions = [None, *(schedule.id for schedule in priced.plan.editions)]
    unreadable = _cells_of_marks(priced.encoded.invalid, rows, originals)
    cases = cases_of_rows(chunk.table, rows, priced.plan.editions[0].minor_units)
    parts: list[list[str]] = []
    asked: dict[int, RejectedCase] = {}
    for position, (row, status, case) in enumerate(zip(rows.tolist(), statuses, cases, strict=True)):
        if row in chunk.malformed:
            parts.append([reasons.of_malformed(chunk.malformed[row])])
            continue
        cells = unreadable.get(position, ())
        parts.append([reasons.of_cells(unread)] if (unread := _unread(cells, case)) else [])
        if not parts[-1] or _is_out_of_range(cells, case):
            asked[position] = RejectedCase(case, status, editions[priced.edition[row]])
    for position, reason in zip(asked, reasons.of_cases(list(asked.values())), strict=True):
        parts[position].append(reason)
    words = ["; ".join(said) for said in parts]
    lines = [chunk.malformed[row].text if row in chunk.malformed else None for row in rows.tolist()]
    columns = {
        "line": pa.array(chunk.line_numbers[rows]),
        **originals,
        "line_text": pa.array(lines, pa.string()),
        "status": pa.array([status.name for status in statuses]),
        "reason": pa.array(words),
        "synthetic": pa.array([True] * len(rows)),
    }
    return pa.table([columns[name] for name in schema.names], schema=schema)


def _cells_of_marks(
    marks: Sequence[MarkedRows], rows: np.ndarray, originals: dict[str, pa.Array]
) -> dict[int, list[tuple[str, str]]]:
    """The unreadable cells of each rejected row, by its position among the rejected."""
    cells: dict[int, list[tuple[str, str]]] = {}
    for mark in marks:
        positions = np.searchsorted(rows, mark.rows)
        texts = originals[mark.column].take(pa.array(positions)).to_pylist()
        for position, text in zip(positions.tolist(), texts, strict=True):
            cells.setdefault(position, []).append((mark.column, "" if text is None else text))
    return cells


def _unread(cells: Sequence[tuple[str, str]], case: Case) -> list[tuple[str, str]]:
    """The cells that came to nothing, each once. What a case does hold, such as an age of 200, its
    explanation names."""
    held = {name for name in (*_READ_AND_WRONG, "service_code") if getattr(case, name) not in (None, ())}
    return list(dict.fromkeys(cell for cell in cells if cell[0] not in held))


def _is_out_of_range(cells: Sequence[tuple[str, str]], case: Case) -> bool:
    """Whether some of the cells were read, and are wrong all the same: a range, or both kinds of code."""
    both_codes = case.drg_code is not None and case.service_code is not None
    return any(
        both_codes if name == "service_code" else getattr(case, name) not in (None, ())
        for name, _ in cells
        if name == "service_code" or name in _READ_AND_WRONG
    )


def cell_texts(column: pa.ChunkedArray) -> pa.Array:
    """The cells as people would write them; lists joined by ";", what is no text shown with escapes."""
    array = column.combine_chunks()
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if not (pa.types.is_list(array.type) or pa.types.is_large_list(array.type)):
        return text_cells(array)
    items = iter(cell_texts(pa.chunked_array([array.flatten()])).to_pylist())
    lengths = pc.list_value_length(array).to_pylist()
    joined = [
        None if length is None else ";".join(item for item in islice(items, length) if item is not None)
        for length in lengths
    ]
    return pa.array(joined, pa.string())


def text_cells(array: pa.Array) -> pa.Array:
    """The values of an array that is no dictionary and no list as text; what is no UTF-8 with escapes."""
    if pa.types.is_timestamp(array.type):
        with suppress(pa.ArrowInvalid):  # whole seconds need no row of zeros behind them
            array = array.cast(pa.timestamp("s", array.type.tz))
    try:
        text = array.cast(pa.string())
        text.validate(full=True)
    except pa.ArrowInvalid:
        raw = array.cast(pa.large_binary()).to_pylist()
        return pa.array([None if cell is None else cell.decode(errors="backslashreplace") for cell in raw])
    except pa.ArrowNotImplementedError:  # nested values in a column that nothing looks into
        return pa.array([None if cell is None else str(cell) for cell in array.to_pylist()], pa.string())
    return text
