"""Single rows of a case table as `Case` records: for explanations and for the reasons of rejects."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import column_reading as reading
from tariffcore.cases import CASE_COLUMNS, Case
from tariffcore.column_reading import ReadColumn
from tariffcore.money import format_minor

_MAX_WHOLE = 2**62
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
    }
)


def cases_of_rows(table: pa.Table, rows: NDArray[np.intp], minor_units: int) -> list[Case]:
    """The rows as records, read just as pricing reads the columns. A cell that cannot be read is None.

    A column that the table does not have takes the default of `Case`.
    """
    chosen = table.select([name for name in CASE_COLUMNS if name in table.column_names]).take(pa.array(rows))
    cells = {name: _cells(name, chosen.column(name), minor_units) for name in chosen.column_names}
    cells.setdefault("case_id", [None] * len(rows))
    cases = []
    for row in range(len(rows)):
        fields = {name: column[row] for name, column in cells.items()}
        if fields.get("quantity", 1) is None and fields.get("drg_code") is not None:
            fields["quantity"] = 1  # an empty quantity of a case is one case
        cases.append(Case(**fields))
    return cases


def _cells(name: str, column: pa.ChunkedArray, minor_units: int) -> list[Any]:
    if name in _TEXT_COLUMNS:
        coded = reading.coded_text(name, column)
        texts = [*coded.texts, None]
        return [texts[number] for number in coded.number.tolist()]
    if name in ("admission_date", "discharge_date"):
        return _moments(name, column)
    if name == "procedure_codes":
        return _procedures(name, column)
    if name == "death_unavoidable":
        return [None if value is None else bool(value) for value in _values(reading.booleans(name, column))]
    if name == "claimed_amount":
        amounts = _values(reading.money_minor(name, column, minor_units))
        return [None if value is None else Decimal(format_minor(value, minor_units)) for value in amounts]
    # out of range is for the explanation to say, which names the range
    return _values(reading.whole_numbers(name, column, -_MAX_WHOLE, _MAX_WHOLE))


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
        days = int(read.days[row])
        if absent[row] or not 0 < days + _EPOCH.toordinal() <= date.max.toordinal():
            moments.append(None)
            continue
        day = _EPOCH + timedelta(days=days)
        seconds = int(of_day[row])
        if seconds == reading.NO_TIME:
            moments.append(day)
        else:
            moments.append(datetime(day.year, day.month, day.day) + timedelta(seconds=seconds))
    return moments


def _procedures(name: str, column: pa.ChunkedArray) -> list[tuple[str, ...]]:
    array = reading.one_array(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        lists = pa.array(array).to_pylist()
        return [tuple(str(code).strip() for code in cell or () if code is not None) for cell in lists]
    coded = reading.coded_text(name, array)
    texts = [*coded.texts, None]
    cells = (texts[number] for number in coded.number.tolist())
    return [() if cell is None else tuple(reading.split_procedures(cell)) for cell in cells]
