"""Single rows of a case table as `Case` records: for explanations and for the reasons of rejects."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore import column_reading as reading
from tariffcore.cases import CASE_COLUMNS, Case
from tariffcore.column_reading import ReadColumn
from tariffcore.money import format_minor

_MAX_WHOLE = 2**52
"""Beyond every range that pricing allows, and exact in a column of floats as well."""
_EPOCH = date(1970, 1, 1)
_TEXT_COLUMNS = frozenset(
    {
        "case_id",
        "provider_id",
        "drg_code",
        "service_code",
        "care_setting",
        "outcome",
        "factor_code",
        "funding_source",
        "patient_id",
        "addon_kind",
        "principal_diagnosis",
        "sex",
    }
)
_LISTS = frozenset({"procedure_codes", "secondary_diagnoses", "qualifiers"})
_NEVER_LOOKED_UP = frozenset({"case_id", "patient_id"})
"""Columns that may have any type, since pricing asks only whether there is something."""


def cases_of_rows(table: pa.Table, rows: NDArray[np.intp], minor_units: int) -> list[Case]:
    """The rows as records, read just as pricing reads the columns.

    A cell that cannot be read is None, or no procedure at all.  A column that the table does not have takes
    the default of `Case`.
    """
    chosen = table.select([name for name in CASE_COLUMNS if name in table.column_names]).take(pa.array(rows))
    cells = {name: _cells(name, chosen.column(name), minor_units) for name in chosen.column_names}
    cells.setdefault("case_id", [None] * len(rows))
    return [Case(**{name: column[row] for name, column in cells.items()}) for row in range(len(rows))]


def _cells(name: str, column: pa.ChunkedArray, minor_units: int) -> list[Any]:
    if name in _NEVER_LOOKED_UP and not _is_coded(column.type):
        return [None if value is None else str(value) for value in column.to_pylist()]
    if name in _TEXT_COLUMNS:
        return _texts(name, column)
    if name in ("admission_date", "discharge_date"):
        return _moments(name, column)
    if name in _LISTS:
        return _code_lists(name, column)
    if name == "death_unavoidable":
        return [None if value is None else bool(value) for value in _values(reading.booleans(name, column))]
    if name in ("claimed_amount", "addon_amount"):
        amounts = _values(reading.money_minor(name, column, minor_units))
        return [None if value is None else Decimal(format_minor(value, minor_units)) for value in amounts]
    # out of range is for the explanation to say, which names the range
    return _values(reading.whole_numbers(name, column, -_MAX_WHOLE, _MAX_WHOLE))


def _is_coded(kind: pa.DataType) -> bool:
    """Whether a column of this type can be read as codes."""
    value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return reading.is_text(kind) or pa.types.is_integer(value_kind) or pa.types.is_null(kind)


def _texts(name: str, column: pa.ChunkedArray | pa.Array) -> list[str | None]:
    """The stripped text of each cell; None where there is none, or where the bytes are no text."""
    coded = reading.coded_text(name, column)
    texts = [None if number in coded.undecodable else text for number, text in enumerate(coded.texts)]
    texts.append(None)
    return [texts[number] for number in coded.number.tolist()]


def _values(column: ReadColumn[Any]) -> list[Any]:
    absent = column.missing | column.wrong
    return [
        None if gone else value for value, gone in zip(column.values.tolist(), absent.tolist(), strict=True)
    ]


def _moments(name: str, column: pa.ChunkedArray) -> list[date | datetime | None]:
    read = reading.days(name, column)
    absent = read.undated()
    moments: list[date | datetime | None] = []
    of_day = read.seconds(np.arange(len(absent)))
    for row in range(len(absent)):
        if absent[row]:
            moments.append(None)
            continue
        day = _EPOCH + timedelta(days=int(read.days[row]))
        seconds = int(of_day[row])
        if seconds == reading.NO_TIME:
            moments.append(day)
        else:
            moments.append(datetime(day.year, day.month, day.day) + timedelta(seconds=seconds))
    return moments


def _code_lists(name: str, column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    array = reading.one_array(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        codes = iter(_texts(name, array.flatten()))
        lengths = pc.list_value_length(array).fill_null(0).to_pylist()
        return [tuple(code for code in islice(codes, length) if code is not None) for length in lengths]
    return [() if cell is None else tuple(reading.split_procedures(cell)) for cell in _texts(name, array)]
