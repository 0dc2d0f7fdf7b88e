"""Columns of a case table, typed or text, brought to plain arrays.

Text is read once per distinct value.  A cell that cannot be read is marked wrong and an empty one missing:
nothing here raises for a cell, only for a column whose type can hold no such thing at all.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from typing import Any, Generic, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore import _cells, _encoding, _texts
from tariffcore.arrow_buffers import boolean_cells, null_cells, number_cells, text_octets
from tariffcore.distinct_texts import distinct, distinct_parts
from tariffcore.errors import CasesError, Problem
from tariffcore.money import MAX_AMOUNT_MINOR

Mask = NDArray[np.bool_]
T = TypeVar("T", bound=np.generic)
Read = TypeVar("Read")

NO_TIME = -1
READ, BLANK, OTHER = 0, 1, 2  # what `_cells` says of a cell
_MOMENT = 1 << 20  # more than the seconds of a day
_UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_STORED: dict[np.dtype[Any], np.dtype[Any]] = {
    np.dtype(np.bool_): np.dtype(np.uint8),
    np.dtype(np.int8): np.dtype(np.uint8),
    np.dtype(np.int16): np.dtype(np.uint16),
    np.dtype(np.uint32): np.dtype(np.int32),
}
"""As what the loops take tables of other kinds."""
_MAX_INT64 = 2**63 - 1
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
    """A text column as Arrow's indices into stripped texts; a null cell and the text None are missing.

    ``undecodable`` holds the numbers of texts that are not UTF-8.
    """

    name: str
    index: NDArray[np.unsignedinteger[Any]]
    null: Mask
    texts: list[str | None]
    undecodable: frozenset[int] = frozenset()

    @property
    def is_absent(self) -> bool:
        """Whether there is no text at all."""
        return not self.texts

    @property
    def number(self) -> NDArray[np.int64]:
        """The number of each cell's text, -1 where the cell is null."""
        return self.of_table(np.array([*range(len(self.texts)), -1], dtype=np.int64))

    def map(self, of_text: Callable[[str], int], missing: int, dtype: type[T]) -> NDArray[T]:
        """One number a row: what ``of_text`` says of its text, or ``missing``."""
        return self.of_table(self.table(of_text, missing, dtype))

    def table(self, of_text: Callable[[str], int], missing: int, dtype: type[T]) -> NDArray[T]:
        """What ``of_text`` says of each text, and ``missing`` at the end."""
        return np.array(
            [missing if text is None else of_text(text) for text in [*self.texts, None]], dtype=dtype
        )

    def places(self) -> NDArray[np.uint32]:
        """Where in a table of the texts each row's entry is, the last one for a null cell.

        Raises CasesError as `looked_up` does.
        """
        index, last = self.index, len(self.texts)
        if index.dtype == np.uint32 and (not len(index) or index.max() < last) and not self.null.any():
            return index
        return self.of_table(np.arange(last + 1, dtype=np.int32)).view(np.uint32)

    def of_table(self, table: NDArray[T]) -> NDArray[T]:
        """One entry of the table a row, the last one for a null cell."""
        if self.is_absent:
            return np.full(len(self.index), table[-1], dtype=table.dtype)
        return looked_up(self.name, table, self.index, self.null)

    def at(self, rows: NDArray[np.intp]) -> CodedText:
        """The same column of some rows only."""
        return replace(self, index=self.index[rows], null=self.null[rows])

    def missing(self) -> Mask:
        """Rows without a text."""
        if None in self.texts:
            return self.map(lambda text: False, missing=True, dtype=np.bool_)
        return np.ones(len(self.index), dtype=np.bool_) if self.is_absent else self.null

    def wrong(self) -> Mask | None:
        """Rows whose bytes are no text, or None where all are."""
        if not self.undecodable:
            return None
        table = np.zeros(len(self.texts) + 1, dtype=np.bool_)
        table[list(self.undecodable)] = True
        return self.of_table(table)


def looked_up(
    name: str, table: NDArray[T], index: NDArray[np.unsignedinteger[Any]], null: Mask
) -> NDArray[T]:
    """The table's entry of each index; the last one, to which none may lead, where the cell is null.

    Raises CasesError where one leads beyond the table: a file can be broken in this way, and nobody else
    looks.
    """
    kind: np.dtype[Any] = table.dtype
    stored = _STORED.get(kind, kind)
    found = np.empty(len(index), dtype=table.dtype)
    if _encoding.look_up(table.view(stored), index, null.view(np.uint8), found.view(stored)):
        problem = Problem(
            "cases", name, None, "a cell's index lies outside the column's dictionary", "write the file again"
        )
        raise CasesError("the cases cannot be read", [problem])
    return found


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
        array = distinct(array) if pa.types.is_string(array.type) else array.dictionary_encode()
    values = array.dictionary
    if pa.types.is_integer(values.type) or pa.types.is_string_view(values.type):
        values = values.cast(pa.string())
    texts, undecodable = _decoded(values)
    stripped = [None if text is None or not (bare := text.strip()) else bare for text in texts]
    return CodedText(name, _indices(array), null_cells(array.indices), stripped, undecodable)


def no_text(count: int) -> CodedText:
    """A column without any text."""
    return CodedText("", np.zeros(count, dtype=np.uint8), np.ones(count, dtype=np.bool_), [])


def _indices(array: pa.DictionaryArray) -> NDArray[np.unsignedinteger[Any]]:
    """The indices of a dictionary column; one below zero, which is none, becomes a very large one."""
    return number_cells(array.indices, np.dtype(f"u{array.indices.type.bit_width // 8}"))


def _column_of_texts(
    coded: CodedText, of_text: Callable[[str], int | None], dtype: type[T], instead: int = 0
) -> ReadColumn[T]:
    """A column read from its distinct texts; ``of_text`` answers None for a text it cannot read."""
    values = np.full(len(coded.texts) + 1, instead, dtype=dtype)
    wrong = np.zeros(len(coded.texts) + 1, dtype=np.bool_)
    for number, text in enumerate(coded.texts):
        if number in coded.undecodable:
            wrong[number] = True
        elif text is not None:
            if (value := of_text(text)) is None:
                wrong[number] = True
            else:
                values[number] = value
    any_wrong = wrong.any()
    return ReadColumn(
        coded.of_table(values),
        coded.missing(),
        coded.of_table(wrong) if any_wrong else np.zeros(len(coded.index), dtype=np.bool_),
    )


def whole_numbers(
    name: str,
    column: pa.ChunkedArray | pa.Array,
    low: int,
    high: int,
    *,
    instead: int = 0,
    dtype: type[np.integer[Any]] = np.int64,
) -> ReadColumn[Any]:
    """Whole numbers from ``low`` to ``high``; others are wrong. Floats may be whole; NaN is missing.

    The values are uint8, uint32 or int64, whichever ``dtype`` says, and ``instead`` where there is none.
    """
    array = one_array(column)
    if pa.types.is_integer(array.type):
        return _whole_numbers_of_integers(array, low, high, instead, dtype)
    if is_text(array.type) or pa.types.is_null(array.type):

        def of_text(text: str) -> int | None:
            match = _WHOLE_NUMBER.fullmatch(text)
            return value if match and low <= (value := int(match[1])) <= high else None

        return _column_of_texts(coded_text(name, array), of_text, dtype, instead)
    if pa.types.is_floating(array.type):
        floats = array.cast(pa.float64()).fill_null(float("nan")).to_numpy(zero_copy_only=False)
        missing = np.isnan(floats)
        wrong = ~missing & ((np.floor(floats) != floats) | (floats < low) | (floats > high))
        values = np.where(wrong | missing, 0, floats).astype(np.int64)
    elif pa.types.is_decimal(array.type):
        read = _minor_of_decimals(name, array, 0)
        values, missing = read.values, read.missing
        wrong = ~missing & (read.wrong | (values < low) | (values > high))
    else:
        raise unusable_column(name, array.type, "give whole numbers")
    return ReadColumn(np.where(wrong | missing, instead, values).astype(dtype), missing, wrong)


def _whole_numbers_of_integers(
    array: pa.Array, low: int, high: int, instead: int, dtype: type[np.integer[Any]]
) -> ReadColumn[Any]:
    if array.type == pa.uint64():
        # none of the ranges asked for goes as far
        numbers = np.minimum(number_cells(array, np.uint64), np.uint64(_MAX_INT64)).astype(np.int64)
    elif pa.types.is_unsigned_integer(array.type):
        numbers = number_cells(array, array.type.to_pandas_dtype()).astype(np.int64)
    else:
        numbers = number_cells(array, array.type.to_pandas_dtype())
    missing = null_cells(array)
    values, wrong = np.empty(len(array), dtype=dtype), np.empty(len(array), dtype=np.bool_)
    _encoding.take_whole_numbers(
        numbers, missing.view(np.uint8), low, high, instead, values, wrong.view(np.uint8)
    )
    return ReadColumn(values, missing, wrong)


def booleans(name: str, column: pa.ChunkedArray | pa.Array) -> ReadColumn[np.bool_]:
    """True and false as Booleans, 0 and 1, or words (true/false, yes/no, да/нет, иә/жоқ)."""
    array = one_array(column)
    if pa.types.is_boolean(array.type):
        missing = null_cells(array)
        return ReadColumn(boolean_cells(array), missing, np.zeros_like(missing))
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
        return _days_of_text(name, array)
    if pa.types.is_date32(kind):
        return _days_of_moments(array, number_cells(array, np.int32), 1, None)
    if pa.types.is_date64(kind) or pa.types.is_timestamp(kind):
        timed = pa.types.is_timestamp(kind)
        if timed and kind.tz is not None:
            raise unusable_column(name, kind, "give local dates and times without a time zone")
        units = number_cells(array, np.int64)
        units_a_second = _UNITS_A_SECOND[kind.unit if timed else "ms"]
        seconds = (lambda rows: units[rows] // units_a_second % _SECONDS_A_DAY) if timed else None
        return _days_of_moments(array, units, units_a_second * _SECONDS_A_DAY, seconds)
    raise unusable_column(
        name, kind, "give dates, timestamps without a time zone, or text such as 2026-05-31"
    )


def _days_of_moments(
    array: pa.Array,
    units: NDArray[Any],
    units_a_day: int,
    seconds: Callable[[NDArray[np.intp]], NDArray[np.int64]] | None,
) -> DayColumn:
    missing = null_cells(array)
    day, wrong = np.empty(len(array), dtype=np.int32), np.empty(len(array), dtype=np.bool_)
    _encoding.take_days(units, missing.view(np.uint8), units_a_day, day, wrong.view(np.uint8))
    return DayColumn(day, seconds, missing, wrong)


@dataclass(frozen=True, slots=True)
class _TextCells:
    """The distinct cells of a dictionary column, or every cell of a plain one, with one number a row.

    ``values`` are strings, or bytes laid out like strings.
    """

    values: pa.Array
    name: str
    index: NDArray[np.unsignedinteger[Any]] | None
    null: Mask

    def rows_of(self, table: NDArray[T], missing: T | int | bool) -> NDArray[T]:
        """A table over the cells as a column over the rows."""
        if self.index is None:
            return table
        whole = np.append(table, np.array([missing], dtype=table.dtype))
        return looked_up(self.name, whole, self.index, self.null)

    def settle(
        self, outcome: NDArray[np.uint8], read_other: Callable[[str], Read | None]
    ) -> tuple[Mask, Mask, dict[int, Read]]:
        """Which cells are missing and which are wrong, and what ``read_other`` made of the odd ones."""
        if self.values.null_count:
            np.copyto(outcome, np.uint8(BLANK), where=null_cells(self.values))
        others = np.flatnonzero(outcome == OTHER)
        found: dict[int, Read] = {}
        if len(others):
            texts, undecodable = _decoded(self.values.take(pa.array(others)))
            known: dict[str, Read | None] = {}
            for position, (cell, text) in enumerate(zip(others.tolist(), texts, strict=True)):
                bare = "" if text is None else text.strip()
                if not bare:
                    outcome[cell] = BLANK
                elif position not in undecodable:
                    if bare not in known:
                        known[bare] = read_other(bare)
                    value = known[bare]
                    if value is not None:
                        found[cell] = value
                        outcome[cell] = READ
        return outcome == BLANK, outcome == OTHER, found


def _text_cells(name: str, array: pa.Array) -> _TextCells:
    coded = pa.types.is_dictionary(array.type)
    values = array.dictionary if coded else array
    if not (pa.types.is_string(values.type) or pa.types.is_binary(values.type)):
        values = values.cast(pa.string())
    if not coded:
        return _TextCells(values, name, None, np.zeros(0, dtype=np.bool_))
    return _TextCells(values, name, _indices(array), null_cells(array.indices))


def _days_of_text(name: str, array: pa.Array) -> DayColumn:
    cells = _text_cells(name, array)
    count = len(cells.values)
    day, second = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.int32)
    outcome = np.empty(count, dtype=np.uint8)
    _cells.read_days(*text_octets(cells.values), day, second, outcome)
    missing, wrong, others = cells.settle(outcome, parse_day)
    for cell, (day_of_cell, second_of_cell) in others.items():
        day[cell], second[cell] = day_of_cell, second_of_cell
    timed = bool((second != NO_TIME).any())
    second_of_row = cells.rows_of(second, NO_TIME) if timed else second
    return DayColumn(
        cells.rows_of(day, 0),
        (lambda rows: second_of_row[rows].astype(np.int64)) if timed else None,
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
        return _minor_of_decimals(name, array, minor_units)
    if pa.types.is_floating(array.type):
        shortest = array.cast(pa.string())
        shortest = pc.if_else(pc.equal(shortest, "nan"), None, shortest)
        return _minor_of_texts(name, shortest, minor_units, _minor_of_number)
    if pa.types.is_integer(array.type) or pa.types.is_null(array.type):
        array = array.cast(pa.string())
    if not is_text(array.type):
        raise unusable_column(name, array.type, "give a decimal, or text such as 191723.14")
    return _minor_of_texts(name, array, minor_units, _minor_of_text)


def _minor_of_decimals(name: str, array: pa.Array, minor_units: int) -> ReadColumn[np.int64]:
    exact = pa.decimal128(18, minor_units)
    if array.type != exact:
        try:
            array = array.cast(exact)
        except pa.ArrowInvalid:
            return _minor_of_texts(name, array.cast(pa.string()), minor_units, _minor_of_number)
    missing = null_cells(array)
    amount_minor, wrong = np.empty(len(array), dtype=np.int64), np.empty(len(array), dtype=np.bool_)
    halves = number_cells(array, np.dtype((np.int64, 2))).reshape(-1, 2)
    # a column may hold more digits than its type allows: nobody checks when one is made or read
    _encoding.take_amounts(
        halves, missing.view(np.uint8), MAX_AMOUNT_MINOR, amount_minor, wrong.view(np.uint8)
    )
    return ReadColumn(amount_minor, missing, wrong)


def _minor_of_texts(
    name: str, array: pa.Array, minor_units: int, read_other: Callable[[str, int], int | None]
) -> ReadColumn[np.int64]:
    cells = _text_cells(name, array)
    count = len(cells.values)
    amount_minor, outcome = np.empty(count, dtype=np.int64), np.empty(count, dtype=np.uint8)
    _cells.read_amounts(*text_octets(cells.values), minor_units, amount_minor, outcome)
    missing, wrong, others = cells.settle(outcome, lambda text: read_other(text, minor_units))
    for cell, amount in others.items():
        amount_minor[cell] = amount
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
    if not len(array):
        return np.zeros(0, dtype=np.uint8), None
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        offsets = array.offsets.to_numpy()
        codes = coded_text(name, array.values.slice(offsets[0], offsets[-1] - offsets[0]))
        ends = offsets - offsets[0]
    elif pa.types.is_string(array.type) and array.null_count < len(array):
        parts, number, ends = distinct_parts(array, ";|")
        texts, undecodable = _decoded(pa.array(parts, pa.binary()))
        bare = [None if text is None else text.strip() or None for text in texts]
        null = np.zeros(len(number), dtype=np.bool_)
        codes = CodedText(name, number.view(np.uint32), null, bare, undecodable)
    else:

        def of_text(text: str) -> int:
            together = 0
            for code in split_procedures(text):
                together |= bits_of_code(code)
            return together

        coded = coded_text(name, array)
        return coded.map(of_text, missing=0, dtype=np.uint8), coded.wrong()
    null_lists = null_cells(array).view(np.uint8)
    signature = np.empty(len(array), dtype=np.uint8)
    _texts.gather_bits(codes.map(bits_of_code, 0, np.uint8), ends, null_lists, signature)
    wrong_codes = codes.wrong()
    if wrong_codes is None:
        return signature, None
    wrong = np.empty(len(array), dtype=np.bool_)
    _texts.gather_bits(wrong_codes.view(np.uint8), ends, null_lists, wrong.view(np.uint8))
    return signature, wrong


@dataclass(frozen=True, slots=True)
class CodeLists:
    """A column of lists of codes: those of row r are ``codes`` from ``start[r]`` to ``start[r + 1]``."""

    start: NDArray[np.int64]
    codes: CodedText

    def rows_of(self, places: Mask) -> Mask:
        """The rows that have one of these places of ``codes``."""
        rows = np.zeros(len(self.start) - 1, dtype=np.bool_)
        rows[np.searchsorted(self.start, np.flatnonzero(places), side="right") - 1] = True
        return rows


def code_lists(name: str, column: pa.ChunkedArray | pa.Array) -> CodeLists:
    """Lists of codes, or text with codes separated by ``;`` or ``|``. A missing list has none."""
    array = one_array(column)
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        # null lists have no elements here, whatever stands behind them
        lengths = np.where(null_cells(array), 0, np.diff(np.asarray(array.offsets)))
        return CodeLists(_starts(lengths), coded_text(name, array.flatten()))
    cells = coded_text(name, array)
    if cells.is_absent:
        return CodeLists(np.zeros(len(array) + 1, dtype=np.int64), no_text(0))
    texts = pa.array(cells.texts, pa.string())
    split = pc.split_pattern(pc.replace_substring(texts, "|", ";"), ";")
    length_of_text = np.append(np.asarray(pc.fill_null(pc.list_value_length(split), 0)), 0).astype(np.int64)
    lengths = cells.of_table(length_of_text)
    start = _starts(lengths)
    pieces = coded_text(name, split.flatten())
    # the pieces of each row's text, row after row
    first = cells.of_table(_starts(length_of_text)[:-1])
    place = np.arange(start[-1], dtype=np.int64) + np.repeat(first - start[:-1], lengths)
    undecodable = {name for number in cells.undecodable for name in _pieces(cells.texts[number], pieces)}
    return CodeLists(start, replace(pieces.at(place), undecodable=frozenset(undecodable)))


def _pieces(text: str | None, pieces: CodedText) -> list[int]:
    own = {piece.strip() for piece in _PROCEDURE_SEPARATORS.split(text or "")}
    return [number for number, piece in enumerate(pieces.texts) if piece in own]


def _starts(lengths: NDArray[np.int64]) -> NDArray[np.int64]:
    start = np.zeros(len(lengths) + 1, dtype=np.int64)
    np.cumsum(lengths, out=start[1:])
    return start


def split_procedures(text: str) -> list[str]:
    """The codes of a text cell."""
    return [code for part in _PROCEDURE_SEPARATORS.split(text) if (code := part.strip())]
