"""A mapping's rules for cells, applied to columns: once per distinct value, never per row."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tariffcore import column_reading
from tariffcore.column_reading import DayColumn
from tariffcore.files.chunks import DICTIONARY_TEXT
from tariffcore.files.mapping import EXTRACTED, ICD_9_CM, WORD_COLUMNS, ColumnMapping, plain_text

DATE_COLUMNS = ("admission_date", "discharge_date")
UNREADABLE_BIRTH_DATE = "birth date unreadable"
"""What stands in age_years then: a wrong cell, so that the case is rejected, and not the person's date."""

_ICD_9_CM = re.compile(r"(?<![0-9.])[0-9]{2}\.(?!(?:19|20)[0-9]{2}(?![0-9]))[0-9]{1,4}(?![0-9]|\.[0-9])")
# Two digits, a point, one to four digits (two by the classification, up to four with national extensions), no
# digit on either side, no second point before or after: 12.03.2026, 09.03.26 and 03.2026 are dates, no codes.


def extract_icd_9_cm(cell: str) -> str:
    """The procedure codes of a cell such as ``13.73, 12.03.2026; 14.74 …``, joined by ";".

    A cell without a code that reads like one passes unchanged.
    """
    codes = _ICD_9_CM.findall(cell)
    return ";".join(dict.fromkeys(codes)) if codes else cell


_ICD_10 = re.compile(
    r"(?<![0-9A-ZА-Я])[A-ZАВЕКМНОРСТУХІ][0-9]{2}(?:[.,][0-9]{1,3})?(?![0-9A-ZА-Я.])", re.IGNORECASE
)
# A letter, Latin or one that looks so, two digits, a point and up to three more. What is typed without a
# point, A400, is found where the whole cell is codes.
_BARE_ICD_10 = re.compile(r"[A-ZАВЕКМНОРСТУХІ][0-9]{2}[0-9A-Z]{0,4}", re.IGNORECASE)


def extract_icd_10(cell: str) -> str:
    """The diagnoses of a cell such as ``A40.0 Септицемия …``, joined by ";".

    A cell without a code that reads like one, and one of codes alone, passes unchanged.
    """
    if all(_BARE_ICD_10.fullmatch(part.strip().replace(".", "")) for part in re.split("[;|]", cell)):
        return cell
    codes = _ICD_10.findall(cell)
    return ";".join(dict.fromkeys(codes)) if codes else cell


def rewrite(table: pa.Table, mapping: ColumnMapping) -> pa.Table:
    """The chunk with the mapping's words, dates and codes in place of the file's."""
    for position, column in enumerate(table.column_names):
        rule = _rule(column, mapping)
        if rule is not None and _rewritable(table.schema.field(position).type):
            table = table.set_column(position, column, rewritten(table.column(position), rule))
    return table


def rewritten(column: pa.ChunkedArray, rule: Callable[[str], str]) -> pa.DictionaryArray:
    """The column with ``rule`` applied to each distinct text; whole numbers count as their text."""
    coded = column_reading.coded_text("", column)
    new_texts: dict[str, int] = {}
    to_new = coded.map(lambda text: new_texts.setdefault(rule(text), len(new_texts)), -1, np.int32)
    return pa.DictionaryArray.from_arrays(
        pa.array(to_new, mask=to_new < 0), pa.array(list(new_texts), pa.string())
    )


def ages_at(birth: pa.ChunkedArray, admission: pa.ChunkedArray) -> pa.DictionaryArray:
    """Full years at admission as text, null where one of the dates is missing or admission is unreadable."""
    born, admitted = (
        column_reading.days("birth_date", birth),
        column_reading.days("admission_date", admission),
    )
    years, born_day_of_year = _year_and_day(born)
    admission_years, admission_day_of_year = _year_and_day(admitted)
    age = admission_years - years - (admission_day_of_year < born_day_of_year)
    distinct, number = np.unique(age, return_inverse=True)
    texts = [*(str(value) for value in distinct.tolist()), UNREADABLE_BIRTH_DATE]
    number = np.where(born.wrong, len(texts) - 1, number).astype(np.int32)
    unknown = born.missing | ((admitted.missing | admitted.wrong) & ~born.wrong)
    return pa.DictionaryArray.from_arrays(pa.array(number, mask=unknown), pa.array(texts, pa.string()))


def days_of_age_at(birth: pa.ChunkedArray, admission: pa.ChunkedArray) -> pa.DictionaryArray:
    """Days of age at admission as text, as `ages_at` has the years."""
    born, admitted = (
        column_reading.days("birth_date", birth),
        column_reading.days("admission_date", admission),
    )
    distinct, number = np.unique(admitted.days - born.days, return_inverse=True)
    texts = [*(str(value) for value in distinct.tolist()), UNREADABLE_BIRTH_DATE]
    number = np.where(born.wrong, len(texts) - 1, number).astype(np.int32)
    unknown = born.missing | ((admitted.missing | admitted.wrong) & ~born.wrong)
    return pa.DictionaryArray.from_arrays(pa.array(number, mask=unknown), pa.array(texts, pa.string()))


def _year_and_day(dates: DayColumn) -> tuple[np.ndarray, np.ndarray]:
    """The year, and month and day as one number that orders the days of any year."""
    day = dates.days.astype("datetime64[D]")
    month = day.astype("datetime64[M]")
    year = month.astype("datetime64[Y]")
    day_of_month = (day - month.astype("datetime64[D]")).astype(np.int64)
    month_of_year = (month - year.astype("datetime64[M]")).astype(np.int64)
    return year.astype(np.int64) + 1970, month_of_year * 31 + day_of_month


def _rewritable(kind: pa.DataType) -> bool:
    value_kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(column_reading.is_text(kind) or pa.types.is_integer(value_kind))


def _rule(column: str, mapping: ColumnMapping) -> Callable[[str], str] | None:
    if column in DATE_COLUMNS:
        return None if mapping.date_format is None else _date_rule(mapping.date_format)
    if column in mapping.extracted:
        return extract_icd_9_cm if EXTRACTED[column] == ICD_9_CM else extract_icd_10
    if column not in WORD_COLUMNS:
        return None
    values, contains = mapping.values.get(column, {}), mapping.contains.get(column, ())
    if not values and not contains:
        return None

    def word(cell: str) -> str:
        plain = plain_text(cell)
        if plain in values:
            return values[plain]
        return next((ours for theirs, ours in contains if theirs in plain), cell)

    return word


def iso_dates(column: pa.ChunkedArray, date_format: str | None) -> pa.ChunkedArray | pa.Array:
    """A column of dates as text with the dates of ``date_format`` written year-month-day."""
    if date_format is None or not column_reading.is_text(column.type):
        return column
    return rewritten(column, _date_rule(date_format))


def _date_rule(date_format: str) -> Callable[[str], str]:
    pattern = re.escape(date_format)
    for token, digits in (("yyyy", r"(?P<y>\\d{4})"), ("mm", r"(?P<m>\\d{1,2})"), ("dd", r"(?P<d>\\d{1,2})")):
        pattern = re.sub(token, digits, pattern, count=1)
    compiled = re.compile(rf"{pattern}(?P<time>(?:[ T].*)?)", re.ASCII)

    def iso(cell: str) -> str:
        match = compiled.fullmatch(cell)
        if match is None:
            return cell
        return f"{match['y']}-{match['m']:0>2}-{match['d']:0>2}{match['time']}"

    return iso


def text_column(values: list[str | None], kind: pa.DataType) -> pa.Array:
    """Texts as a plain or dictionary-encoded column."""
    array = pa.array(values, pa.string())
    return pc.dictionary_encode(array).cast(DICTIONARY_TEXT) if kind == DICTIONARY_TEXT else array
