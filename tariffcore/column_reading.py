"""Columns of a case table, typed or text, brought to plain arrays.

Text is read once per distinct value.  A cell that cannot be read is marked wrong and an empty one missing:
nothing here raises for a cell, only for a column whose type can hold no such thing at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore import _cells, _kernel
from tariffcore.errors import CasesError, Problem
from tariffcore.money import MAX_AMOUNT_MINOR

Mask = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)

NO_TIME = -1
READ, BLANK, OTHER = 0, 1, 2  # what `_cells` says of a cell
_MOMENT = 1 << 20  # more than the seconds of a day
_UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_SECONDS_A_DAY = 86_400
_UNITS_A_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_TRUE = frozenset({"true", "t", "1", "yes", "y", "да", "иә"})
_FALSE = frozenset({"false", "f", "0", "no", "n", "нет", "жоқ"})
_LOOSE_DATE = re.compile(
    r"(?:(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})|(?P<d2>\d{1,2})\.(?P<m2>\d{1,2})\.(?P<y2>\d{4}))"
    r"(?:[ T](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2})(?:[.,]\d{1,9})?)?)?",
    re.ASCII,
)
_WHOLE_NUMBER = re.compile(
    r"([+-]?[0-9]{1,19})(?:[.,]0+)?", re.ASCII
)  # programs write 40.0 beside an empty cell
_MONEY = re.compile(r"[+-]?[0-9]{1,18}(\.[0-9]+)?")
_PROCEDURE_SEPARATORS = re.compile(r"[;|]")


@dataclass(frozen=True, slots=True)
class CodedText:
    """A text column as numbers into a list of stripped texts; number -1 and the text None mean missing.

    ``undecodable`` holds the numbers of texts that are not UTF-8.
    """

    number: NDArray[np.signedinteger[Any]]
    texts: list[str | None]
    undecodable: frozenset[int] = frozenset()
    has_missing: bool = True

    @property
    def is_absent(self) -> bool:
        """Whether there is no text at all."""
        return not self.texts

    def map(self, of_text: Callable[[str], int], missing: int, dtype: type[T]) -> NDArray[T]:
        """One number a row: what ``of_text`` says of its text, or ``missing``."""
        if self.is_absent:
            return np.full(len(self.number), missing, dtype=dtype)
        table = np.array(
            [missing if text is None else of_text(text) for text in [*self.texts, None]], dtype=dtype
        )
        return self.of_table(table)

    def of_table(self, table: NDArray[T]) -> NDArray[T]:
        """One entry of the table a row, the last one for a missing text."""
        found = np.empty(len(self.number), dtype=table.dtype)
        stored = np.uint8 if table.dtype == np.bool_ else table.dtype
        _kernel.look_up(table.view(stored), self.number, found.view(stored))
        return found

    def missing(self) -> Mask:
        """Rows without a text."""
        if not self.has_missing:
            return np.zeros(len(self.number), dtype=np.bool_)
        return self.map(lambda text: False, missing=True, dtype=np.bool_)

    def wrong(self) -> Mask | None:
        """Rows whose bytes are no text, or None where all are."""
        if not self.undecodable:
            return None
        table = np.zeros(len(self.texts) + 1, dtype=np.bool_)
        table[list(self.undecodable)] = True
        return self.of_table(table)


@dataclass(frozen=True, slots=True)
class ReadColumn(Generic[T]):
    """A column's values with the rows where there is none (``missing``) or no readable one (``wrong``)."""

    values: NDArray[T]
    missing: Mask
    wrong: Mask


@dataclass(frozen=True, slots=True)
class DayColumn:
    """Days since 1970 and, where the column holds times, when on the day (`seconds`)."""

    days: NDArray[np.int32]
    seconds_of_rows: Callable[[NDArray[np.intp]], NDArray[np.int64]] | None
    missing: Mask
    wrong: Mask

    def seconds(self, rows: NDArray[np.intp]) -> NDArray[np.int64]:
        """Seconds of the day of some rows, NO_TIME where unknown: few rows are ever asked for."""
        if self.seconds_of_rows is None:
            return np.full(len(rows), NO_TIME, dtype=np.int64)
        return self.seconds_of_rows(rows)

    def undated(self) -> Mask:
        """Rows without a day that could be read."""
        return self.missing | self.wrong


def one_array(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """The column as a single array; dictionaries of several chunks are unified."""
    if isinstance(column, pa.Array):
        return column
    if column.num_chunks == 1:
        return column.chunk(0)
    if pa.types.is_dictionary(column.type):
        # together they may be more than the indices of each can number
        column = column.cast(pa.dictionary(pa.int32(), column.type.value_type))
    return column.combine_chunks() if column.num_chunks else pa.array([], type=column.type)


def is_text(kind: pa.DataType) -> bool:
    """Whether the type holds text, or a dictionary of text."""
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_string_view(kind)
        or pa.types.is_binary(kind)
    )


def unusable_column(name: str, kind: pa.DataType, way_out: str) -> CasesError:
    """The error for a column whose type can hold no such thing at all."""
    problem = Problem("cases", name, str(kind), "a column of this type cannot be read here", way_out)
    return CasesError("the cases cannot be read", [problem])


def _decoded(values: pa.Array) -> tuple[list[str | None], frozenset[int]]:
    if pa.types.is_binary(values.type):
        raw = values.to_pylist()
    else:
        try:
            return values.to_pylist(), frozenset()
        except UnicodeDecodeError:
            raw = values.cast(
                pa.binary() if not pa.types.is_large_string(values.type) else pa.large_binary()
            ).to_pylist()
    texts: list[str | None] = []
    undecodable = set()
    for number, item in enumerate(raw):
        try:
            texts.append(None if item is None else item.decode())
        except UnicodeDecodeError:
            undecodable.add(number)
            texts.append(item.decode(errors="backslashreplace"))
    return texts, frozenset(undecodable)


def coded_text(name: str, column: pa.ChunkedArray | pa.Array) -> CodedText:
    """A column of codes: text of any Arrow kind, or whole numbers (a code 12 kept as a number is '12')."""
    array = one_array(column)
    if array.null_count == len(array):
        return no_text(len(array))
    if not (is_text(array.type) or pa.types.is_integer(array.type)) and not (
        pa.types.is_dictionary(array.type) and pa.types.is_integer(array.type.value_type)
    ):
        raise unusable_column(name, array.type, "give codes as text")
    if not pa.types.is_dictionary(array.type):
        if pa.types.is_string_view(array.type):
            array = array.cast(pa.string())
        array = array.dictionary_encode()
    values = array.dictionary
    if pa.types.is_integer(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    texts, undecodable = _decoded(values)
    stripped = [None if text is None or not (bare := text.strip()) else bare for text in texts]
    has_missing = bool(array.indices.null_count) or None in stripped
    return CodedText(_numbers(array.indices), stripped, undecodable, has_missing)


def no_text(count: int) -> CodedText:
    """A column without any text."""
    return CodedText(np.full(count, -1, dtype=np.int8), [])


def _column_of_texts(coded: CodedText, of_text: Callable[[str], int | None], dtype: type[T]) -> ReadColumn[T]:
    """A column read from its distinct texts; ``of_text`` answers None for a text it cannot read."""
    count = len(coded.texts) + 1
    values = np.zeros(count, dtype=dtype)
    missing = np.zeros(count, dtype=np.bool_)
    wrong = np.zeros(count, dtype=np.bool_)
    missing[-1] = True
    for number, text in enumerate(coded.texts):
        if number in coded.undecodable:
            wrong[number] = True
        elif text is None:
            missing[number] = True
        elif (value := of_text(text)) is None:
            wrong[number] = True
        else:
            values[number] = value
    return ReadColumn(coded.of_table(values), coded.of_table(missing), coded.of_table(wrong))


def _validity(array: pa.Array) -> Mask:
    """True where the cell is missing."""
    if not array.null_count:
        return np.zeros(len(array), dtype=np.bool_)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False))


def whole_numbers(name: str, column: pa.ChunkedArray | pa.Array, low: int, high: int) -> ReadColumn[Any]:
    """Whole numbers from ``low`` to ``high``; others are wrong. Floats may be whole; NaN is missing."""
    array = one_array(column)
    if is_text(array.type) or pa.types.is_null(array.type):

        def of_text(text: str) -> int | None:
            match = _WHOLE_NUMBER.fullmatch(text)
            return value if match and low <= (value := int(match[1])) <= high else None

        return _column_of_texts(coded_text(name, array), of_text, np.int64)
    missing = _validity(array)
    if pa.types.is_integer(array.type):
        values = (array.fill_null(0) if array.null_count else array).to_numpy(zero_copy_only=False)
        if len(values) and low <= int(values.min()) and int(values.max()) <= high:
            return ReadColumn(values, missing, np.zeros_like(missing))
        wrong = (values < low) | (values > high)
    elif pa.types.is_floating(array.type):
        values = array.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
        missing = np.isnan(values)
        wrong = (np.floor(values) != values) | (values < low) | (values > high)
    elif pa.types.is_decimal(array.type):
        whole = _minor_of_decimals(array, 0)
        values = whole.values
        wrong = whole.wrong | (values < low) | (values > high)
    else:
        raise unusable_column(name, array.type, "give whole numbers")
    wrong &= ~missing
    return ReadColumn(np.where(wrong | missing, 0, values).astype(np.int64), missing, wrong)


def booleans(name: str, column: pa.ChunkedArray | pa.Array) -> ReadColumn[np.bool_]:
    """True and false as Booleans, 0 and 1, or words (true/false, yes/no, да/нет, иә/жоқ)."""
    array = one_array(column)
    if pa.types.is_boolean(array.type):
        missing = _validity(array)
        return ReadColumn(
            array.fill_null(False).to_numpy(zero_copy_only=False), missing, np.zeros_like(missing)
        )
    if pa.types.is_integer(array.type) or pa.types.is_floating(array.type):
        numbers = whole_numbers(name, array, 0, 1)
        return ReadColumn(numbers.values.astype(np.bool_), numbers.missing, numbers.wrong)

    def of_text(text: str) -> int | None:
        word = text.casefold()
        return 1 if word in _TRUE else 0 if word in _FALSE else None

    if is_text(array.type) or pa.types.is_null(array.type):
        return _column_of_texts(coded_text(name, array), of_text, np.bool_)
    raise unusable_column(name, array.type, "give true or false")


def days(name: str, column: pa.ChunkedArray | pa.Array) -> DayColumn:
    """Dates, or local dates with a time; as text ``2026-05-31`` or ``31.05.2026``, with ``14:30`` or not."""
    array = one_array(column)
    kind = array.type
    if is_text(kind) or pa.types.is_null(kind):
        return _days_of_text(array)
    missing = _validity(array)
    if pa.types.is_date32(kind):
        numbers = array.cast(pa.int32()).fill_null(0).to_numpy(zero_copy_only=False)
        numbers, wrong = _in_calendar(numbers)
        return DayColumn(numbers, None, missing, wrong)
    if pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        timed = pa.types.is_timestamp(kind)
        if timed and kind.tz is not None:
            raise unusable_column(name, kind, "give local dates and times without a time zone")
        units = array.cast(pa.int64())
        units = (units.fill_null(0) if units.null_count else units).to_numpy(zero_copy_only=False)
        units_a_second = _UNITS_A_SECOND[kind.unit if timed else "ms"]
        numbers = units // (units_a_second * _SECONDS_A_DAY)
        numbers, wrong = _in_calendar(numbers)
        seconds = (lambda rows: units[rows] // units_a_second % _SECONDS_A_DAY) if timed else None
        return DayColumn(numbers.astype(np.int32), seconds, missing, wrong)
    raise unusable_column(
        name, kind, "give dates, timestamps without a time zone, or text such as 2026-05-31"
    )


def _in_calendar(days_since_1970: NDArray[Any]) -> tuple[NDArray[Any], Mask]:
    """The days, and which of them are in no year from 1 to 9999: those no date as text can mean either."""
    first, last = (day.toordinal() - _UNIX_EPOCH_ORDINAL for day in (date.min, date.max))
    wrong = np.zeros(len(days_since_1970), dtype=np.bool_)
    if len(wrong) and not first <= int(days_since_1970.min()) <= int(days_since_1970.max()) <= last:
        wrong = (days_since_1970 < first) | (days_since_1970 > last)
        return np.where(wrong, 0, days_since_1970), wrong
    return days_since_1970, wrong


def _octets(values: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.int32]]:
    """The bytes of a column of strings, and where each cell begins and the last one ends."""
    _, offsets, content = values.buffers()
    if offsets is None or not len(values):
        return np.zeros(1, dtype=np.uint8), np.zeros(1, dtype=np.int32)
    starts = np.frombuffer(offsets, dtype=np.int32)[values.offset : values.offset + len(values) + 1]
    empty = content is None or not content.size
    return np.zeros(1, dtype=np.uint8) if empty else np.frombuffer(content, dtype=np.uint8), starts


@dataclass(frozen=True, slots=True)
class _TextCells:
    """The distinct cells of a dictionary column, or every cell of a plain one, with one number a row.

    ``values`` are strings, or bytes laid out like strings.
    """

    values: pa.Array
    number: NDArray[np.signedinteger[Any]] | None

    def rows_of(self, table: NDArray[T], missing: T | int | bool) -> NDArray[T]:
        """A table over the cells as a column over the rows."""
        if self.number is None:
            return table
        coded = CodedText(self.number, [None])
        return coded.of_table(np.append(table, np.array([missing], dtype=table.dtype)))

    def settle(
        self, outcome: NDArray[np.uint8], read_other: Callable[[str], int | None], values: NDArray[np.int64]
    ) -> tuple[Mask, Mask]:
        """Which cells are missing and which are wrong, once ``read_other`` has tried the odd ones."""
        if self.values.null_count:
            outcome[self.values.is_null().to_numpy(zero_copy_only=False)] = BLANK
        others = np.flatnonzero(outcome == OTHER)
        if len(others):
            texts, undecodable = _decoded(self.values.take(pa.array(others)))
            known: dict[str, int | None] = {}
            for position, (cell, text) in enumerate(zip(others.tolist(), texts, strict=True)):
                bare = "" if text is None else text.strip()
                if not bare:
                    outcome[cell] = BLANK
                elif position not in undecodable:
                    if bare not in known:
                        known[bare] = read_other(bare)
                    value = known[bare]
                    if value is not None:
                        values[cell] = value
                        outcome[cell] = READ
        return outcome == BLANK, outcome == OTHER


def _text_cells(array: pa.Array) -> _TextCells:
    coded = pa.types.is_dictionary(array.type)
    values = array.dictionary if coded else array
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        values = values.cast(pa.string())
    return _TextCells(values, _numbers(array.indices) if coded else None)


def _numbers(indices: pa.Array) -> NDArray[np.signedinteger[Any]]:
    """The indices of a dictionary column, -1 where there is none."""
    if pa.types.is_unsigned_integer(indices.type):
        indices = indices.cast(pa.int64())
    if indices.null_count:
        indices = indices.fill_null(-1)
    return np.ascontiguousarray(indices.to_numpy(zero_copy_only=False))


def _days_of_text(array: pa.Array) -> DayColumn:
    cells = _text_cells(array)
    count = len(cells.values)
    day = np.zeros(count, dtype=np.int32)
    second = np.full(count, NO_TIME, dtype=np.int32)
    outcome = np.full(count, BLANK, dtype=np.uint8)
    if count:
        _cells.read_days(*_octets(cells.values), day, second, outcome)
    # in one number, so that a cell in another form is read once
    moment = day.astype(np.int64) * _MOMENT + second

    def other_form(text: str) -> int | None:
        read = parse_day(text)
        return None if read is None else read[0] * _MOMENT + read[1]

    missing, wrong = cells.settle(outcome, other_form, moment)
    day = ((moment - NO_TIME) // _MOMENT).astype(np.int32)
    second = (moment - day.astype(np.int64) * _MOMENT).astype(np.int32)
    second_of_row = cells.rows_of(second, NO_TIME)
    return DayColumn(
        cells.rows_of(day, 0),
        (lambda rows: second_of_row[rows].astype(np.int64)) if (second != NO_TIME).any() else None,
        cells.rows_of(missing, True),
        cells.rows_of(wrong, False),
    )


def parse_day(text: str) -> tuple[int, int] | None:
    """(days since 1970, seconds of the day or NO_TIME) of one text, or None where it is no date."""
    match = _LOOSE_DATE.fullmatch(text)
    if match is None:
        return None
    part = match.groupdict()
    try:
        day = date(int(part["y"] or part["y2"]), int(part["m"] or part["m2"]), int(part["d"] or part["d2"]))
    except ValueError:
        return None
    if part["hour"] is None:
        return day.toordinal() - _UNIX_EPOCH_ORDINAL, NO_TIME
    hour, minute, second = int(part["hour"]), int(part["minute"]), int(part["second"] or 0)
    if hour > 23 or minute > 59 or second > 59:
        return None
    return day.toordinal() - _UNIX_EPOCH_ORDINAL, hour * 3600 + minute * 60 + second


def money_minor(name: str, column: pa.ChunkedArray | pa.Array, minor_units: int) -> ReadColumn[np.int64]:
    """Amounts in minor units. More decimals than the currency has, or over 18 digits in all, are wrong.

    Text may use a decimal comma and spaces between thousands, but no exponent: ``1.2E+5`` has lost digits.
    A floating column is taken at the shortest decimal that stands for its value, which is the one that was
    typed; NaN is missing.
    """
    array = one_array(column)
    if pa.types.is_decimal(array.type):
        return _minor_of_decimals(array, minor_units)
    if pa.types.is_floating(array.type):
        shortest = array.cast(pa.string())
        shortest = pc.if_else(pc.equal(shortest, "nan"), None, shortest)
        return _minor_of_texts(shortest, minor_units, _minor_of_number)
    if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if not is_text(array.type):
        raise unusable_column(name, array.type, "give a decimal, or text such as 191723.14")
    return _minor_of_texts(array, minor_units, _minor_of_text)


def _minor_of_decimals(array: pa.Array, minor_units: int) -> ReadColumn[np.int64]:
    missing = _validity(array)
    exact = pa.decimal128(18, minor_units)
    if array.type != exact:
        try:
            array = array.cast(exact)
        except pa.ArrowInvalid:
            return _minor_of_texts(array.cast(pa.string()), minor_units, _minor_of_number)
    halves = np.frombuffer(array.buffers()[1], dtype=np.int64).reshape(-1, 2)
    amounts, signs = halves[array.offset : array.offset + len(array)].T
    # a column may hold more digits than its type allows: nobody checks when one is made or read
    wrong = ~missing & (
        (amounts > MAX_AMOUNT_MINOR) | (amounts < -MAX_AMOUNT_MINOR) | (signs != amounts >> 63)
    )
    return ReadColumn(np.where(missing, 0, amounts), missing, wrong)


def _minor_of_texts(
    array: pa.Array, minor_units: int, read_other: Callable[[str, int], int | None]
) -> ReadColumn[np.int64]:
    cells = _text_cells(array)
    count = len(cells.values)
    amount_minor = np.zeros(count, dtype=np.int64)
    outcome = np.full(count, BLANK, dtype=np.uint8)
    if count:
        _cells.read_amounts(*_octets(cells.values), minor_units, amount_minor, outcome)
    missing, wrong = cells.settle(outcome, lambda text: read_other(text, minor_units), amount_minor)
    return ReadColumn(
        cells.rows_of(amount_minor, 0), cells.rows_of(missing, True), cells.rows_of(wrong, False)
    )


def _minor_of_text(text: str, minor_units: int) -> int | None:
    """An amount as people write it."""
    plain = re.sub(r"\s", "", text).replace(",", ".", 1)
    if not _MONEY.fullmatch(plain):
        return None
    whole, _, decimals = plain.partition(".")
    if len(decimals.rstrip("0")) > minor_units:
        return None
    amount_minor = int(whole + decimals[:minor_units].ljust(minor_units, "0"))
    return amount_minor if abs(amount_minor) <= MAX_AMOUNT_MINOR else None


def _minor_of_number(text: str, minor_units: int) -> int | None:
    """An amount as Arrow writes a number: possibly with an exponent, possibly no number at all."""
    try:
        amount_minor = Fraction(text) * 10**minor_units
    except ValueError:
        return None
    fits = amount_minor.denominator == 1 and abs(amount_minor) <= MAX_AMOUNT_MINOR
    return amount_minor.numerator if fits else None


def procedure_signatures(
    name: str, column: pa.ChunkedArray | pa.Array, bits_of_code: Callable[[str], int]
) -> tuple[NDArray[np.uint8], Mask | None]:
    """One bit set a row: the bits of all its procedure codes together; and rows whose bytes are no text.

    Cells are lists of codes, or text with codes separated by ``;`` or ``|``.
    """
    array = one_array(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        inner = coded_text(name, array.flatten())
        bits = inner.map(bits_of_code, missing=0, dtype=np.uint8)
        lengths = pc.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
        ends = np.cumsum(lengths)
        signature = np.zeros(len(array), dtype=np.uint8)
        touched = np.flatnonzero(bits)
        np.bitwise_or.at(signature, np.searchsorted(ends, touched, side="right"), bits[touched])
        wrong = inner.wrong()
        if wrong is None:
            return signature, None
        undecodable = np.zeros(len(array), dtype=np.bool_)
        undecodable[np.searchsorted(ends, np.flatnonzero(wrong), side="right")] = True
        return signature, undecodable

    def of_text(text: str) -> int:
        together = 0
        for code in split_procedures(text):
            together |= bits_of_code(code)
        return together

    coded = coded_text(name, array)
    return coded.map(of_text, missing=0, dtype=np.uint8), coded.wrong()


def split_procedures(text: str) -> list[str]:
    """The codes of a text cell."""
    return [code for part in _PROCEDURE_SEPARATORS.split(text) if (code := part.strip())]
