"""A table of cases as the columns of a stream, before anything is known of an edition.

Reads each column just as pricing at home does (`tariffcore.encoding`), and stops where an edition would be
asked: words stay words, days stay days.  What is wrong with a cell is known here and travels as a mark.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import column_reading as reading
from tariffcore.cases import GROUPING_COLUMNS
from tariffcore.column_reading import CodedText, CodeLists, Mask
from tariffcore.encoded_cases import MarkedRows
from tariffcore.encoding import MAX_QUANTITY
from tariffcore.encoding import _blank as blank_rows
from tariffcore.encoding import _undecodable as undecodable_rows
from tariffcore.grouping_encoding import sex_of
from tariffcore.grouping_facts import SEX_NUMBERS
from tariffcore.schedule.limits import (
    MAX_AGE_DAYS,
    MAX_AGE_YEARS,
    MAX_BIRTH_WEIGHT_GRAMS,
    MAX_STAY_DAYS,
    MIN_BIRTH_WEIGHT_GRAMS,
)

MISSING_DAY = -(2**31)
MISSING_NUMBER = 2**32 - 1
NO_AMOUNT = -1
UNREADABLE, MISSING, NO_ROW = 1, 2, 3
"""What `row_problem` says of a row."""

LISTS = {
    "procedure": "procedure_codes",
    "secondary_diagnosis": "secondary_diagnoses",
    "qualifier": "qualifiers",
}
"""Columns of places row after row, by their name in the contract, and the columns they come from."""
WORD_COLUMNS = {
    "provider": "provider_id",
    "drg": "drg_code",
    "service": "service_code",
    "care_setting": "care_setting",
    "outcome": "outcome",
    "factor": "factor_code",
    "addon_kind": "addon_kind",
    "principal_diagnosis": "principal_diagnosis",
}
"""Columns of places in a code table, by their name in the contract, and the columns they come from."""

_AVOIDABLE, _UNAVOIDABLE = 1, 2
_NO_SEX = 3


@dataclass(frozen=True, slots=True)
class Words:
    """A column of words: one number a row into ``texts``, or -1 for a missing one."""

    number: NDArray[np.signedinteger[Any]]
    texts: list[str]
    texts_bytes: int
    """Bytes of all texts together, as UTF-8: where they are few, nobody asks which of them are used."""

    @classmethod
    def of(cls, number: NDArray[np.signedinteger[Any]], texts: list[str]) -> Words:
        return cls(number, texts, sum(len(text.encode()) for text in texts))

    def rows(self, start: int, stop: int) -> Words:
        return replace(self, number=self.number[start:stop])


@dataclass(frozen=True, slots=True)
class WordLists:
    """The words of row i are ``texts[number[end[i - 1]:end[i]]]``."""

    end: NDArray[np.uint32]
    words: Words

    def rows(self, start: int, stop: int) -> WordLists:
        first = int(self.end[start - 1]) if start else 0
        last = int(self.end[stop - 1]) if stop else 0
        return WordLists(self.end[start:stop] - np.uint32(first), self.words.rows(first, last))


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """Cases as columns of one length; a column that is left out has the contract's meaning for every row.

    words    columns of words by their name in the contract
    numbers  columns of numbers by their name and in their type in the contract
    lists    columns of several words a row by their name in the contract
    """

    count: int
    words: dict[str, Words]
    numbers: dict[str, NDArray[Any]]
    lists: dict[str, WordLists]

    def __len__(self) -> int:
        return self.count

    def rows(self, start: int, stop: int) -> CaseColumns:
        """Some of the rows, without copying their columns."""
        return CaseColumns(
            stop - start,
            {name: column.rows(start, stop) for name, column in self.words.items()},
            {name: column[start:stop] for name, column in self.numbers.items()},
            {name: column.rows(start, stop) for name, column in self.lists.items()},
        )


@dataclass(frozen=True, slots=True)
class ReadCases:
    """A table as columns for the service, and what stays at home: which cells are unreadable, the claims."""

    columns: CaseColumns
    invalid: tuple[MarkedRows, ...]
    claimed_minor: NDArray[np.int64] | None = None
    claimed_missing: Mask | None = None

    def __len__(self) -> int:
        return len(self.columns)


@dataclass
class _Reader:
    table: pa.Table
    count: int
    names: frozenset[str]
    invalid: list[MarkedRows] = field(default_factory=list)
    problem: NDArray[np.uint8] | None = None
    words: dict[str, Words] = field(default_factory=dict)
    numbers: dict[str, NDArray[Any]] = field(default_factory=dict)

    def wrong(self, column: str, rows: Mask | None) -> None:
        if rows is not None and rows.any():
            self.invalid.append(MarkedRows(column, np.flatnonzero(rows)))
            self.mark(rows, UNREADABLE)

    def mark(self, rows: Mask | NDArray[np.intp], problem: int) -> None:
        if self.problem is None:
            self.problem = np.zeros(self.count, dtype=np.uint8)
        self.problem[rows] = problem

    def coded(self, name: str) -> CodedText | None:
        if name not in self.names:
            return None
        column = reading.coded_text(name, self.table.column(name))
        self.wrong(name, column.wrong())
        return column


def read_case_columns(
    table: pa.Table,
    minor_units: int,
    malformed: NDArray[np.intp] | None = None,
    *,
    groups: bool = False,
) -> ReadCases:
    """The standard columns of a table of cases as columns of a stream.

    ``minor_units`` are those of the money that is claimed; ``malformed`` the numbers of rows that are no rows
    at all; ``groups`` whether the service finds groups: only then is what they are found by looked at, and
    only of the rows that have none.

    Raises CasesError for a column whose type can hold no such thing; a cell never raises.
    """
    count = table.num_rows
    reader = _Reader(table, count, frozenset(table.column_names))
    # missing fields first: whatever is marked later outweighs them
    blank_case_id = _case_ids_missing(reader)
    if blank_case_id.any():
        reader.mark(blank_case_id, MISSING)
    drg, service = reader.coded("drg_code"), reader.coded("service_code")
    if drg is not None and service is not None:
        reader.wrong("service_code", ~drg.missing() & ~service.missing())
    coded = {"drg": drg, "service": service, "care_setting": reader.coded("care_setting")}
    if "case_id" in reader.names:
        reader.wrong("case_id", undecodable_rows(reading.one_array(table.column("case_id"))))
    _days(reader, "admission")
    _days(reader, "discharge")
    _number(reader, "length_of_stay_days", 0, MAX_STAY_DAYS)
    coded["outcome"] = reader.coded("outcome")
    if "death_unavoidable" in reader.names:
        death = reading.booleans("death_unavoidable", table.column("death_unavoidable"))
        reader.wrong("death_unavoidable", death.wrong)
        answer = np.where(death.values, _UNAVOIDABLE, _AVOIDABLE)
        reader.numbers["death_unavoidable"] = np.where(death.missing | death.wrong, 0, answer).astype(
            np.uint8
        )
    _number(reader, "age_years", 0, MAX_AGE_YEARS)
    _number(reader, "quantity", 1, MAX_QUANTITY)
    lists = {"procedure": _procedures(reader)}
    if groups:
        coded["principal_diagnosis"] = _diagnoses(reader, drg, service, lists)
    coded["factor"] = reader.coded("factor_code")
    coded["provider"] = reader.coded("provider_id")
    claimed_minor = claimed_missing = None
    if "claimed_amount" in reader.names:
        claimed = reading.money_minor("claimed_amount", table.column("claimed_amount"), minor_units)
        reader.wrong("claimed_amount", claimed.wrong)
        claimed_minor, claimed_missing = claimed.values, claimed.missing | claimed.wrong
    coded["addon_kind"] = reader.coded("addon_kind")
    if "addon_amount" in reader.names:
        added = reading.money_minor("addon_amount", table.column("addon_amount"), minor_units)
        wrong = added.wrong | (~added.missing & (added.values < 0))
        reader.wrong("addon_amount", wrong)
        no_addon = added.missing | wrong
        if not no_addon.all():
            reader.numbers["addon_amount_minor"] = np.where(no_addon, NO_AMOUNT, added.values)
    if "funding_source" in reader.names:
        reader.wrong("funding_source", undecodable_rows(reading.one_array(table.column("funding_source"))))
    if malformed is not None and len(malformed):
        reader.mark(malformed, NO_ROW)
    if reader.problem is not None:
        reader.numbers["row_problem"] = reader.problem
    words = {name: _words(column, name) for name, column in coded.items() if column is not None}
    columns = CaseColumns(
        count,
        {name: column for name, column in words.items() if column is not None},
        reader.numbers,
        {name: column for name, column in lists.items() if column is not None},
    )
    return ReadCases(columns, tuple(reader.invalid), claimed_minor, claimed_missing)


def _diagnoses(
    reader: _Reader, drg: CodedText | None, service: CodedText | None, lists: dict[str, WordLists | None]
) -> CodedText | None:
    """What groups are found by, of the rows that have none: of others it stays at home."""
    names = reader.names.intersection(GROUPING_COLUMNS)
    needed = np.ones(reader.count, dtype=np.bool_)
    for code in (drg, service):
        if code is not None:
            needed &= code.missing()
    if not names or not needed.any():
        return None

    def wrong(name: str, rows: Mask) -> None:
        reader.wrong(name, rows & needed)

    for name, low, high in (
        ("age_days", 0, MAX_AGE_DAYS),
        ("birth_weight_grams", MIN_BIRTH_WEIGHT_GRAMS, MAX_BIRTH_WEIGHT_GRAMS),
    ):
        if name in names:
            column = reading.whole_numbers(name, reader.table.column(name), low, high, dtype=np.int64)
            wrong(name, column.wrong)
            absent = column.missing | column.wrong | ~needed
            reader.numbers[name] = np.where(absent, MISSING_NUMBER, column.values).astype(np.uint32)
    if "sex" in names:
        text = reading.coded_text("sex", reader.table.column("sex"))
        sex = text.map(lambda word: SEX_NUMBERS.get(sex_of(word) or "", _NO_SEX), 0, np.uint8)
        wrong("sex", sex == _NO_SEX)
        reader.numbers["sex"] = np.where((sex == _NO_SEX) | ~needed, 0, sex).astype(np.uint8)
    for name in ("secondary_diagnosis", "qualifier"):
        if LISTS[name] in names:
            column_of_lists = reading.code_lists(LISTS[name], reader.table.column(LISTS[name]))
            unreadable = column_of_lists.codes.wrong()
            if unreadable is not None:
                wrong(LISTS[name], column_of_lists.rows_of(unreadable))
            lists[name] = _of_rows(column_of_lists, name, needed)
    if "principal_diagnosis" not in names:
        return None
    principal = reading.coded_text(
        "principal_diagnosis", reading.one_array(reader.table.column("principal_diagnosis"))
    )
    unreadable = principal.wrong()
    if unreadable is not None:
        wrong("principal_diagnosis", unreadable)
    return replace(principal, null=principal.null | ~needed)


def _of_rows(column: CodeLists, name: str, needed: Mask) -> WordLists | None:
    """The words of the rows that are needed."""
    words = _words(column.codes, name)
    if words is None or not len(words.number):
        return None
    rows = np.repeat(np.arange(len(needed)), np.diff(column.start))
    there = (words.number >= 0) & needed[rows]
    if not there.any():
        return None
    lengths = np.bincount(rows[there], minlength=len(needed))
    return WordLists(np.cumsum(lengths).astype(np.uint32), replace(words, number=words.number[there]))


def _case_ids_missing(reader: _Reader) -> Mask:
    if "case_id" not in reader.names:
        return np.ones(reader.count, dtype=np.bool_)
    blank: Mask = blank_rows(reading.one_array(reader.table.column("case_id")))
    return blank


def _days(reader: _Reader, which: str) -> None:
    name = f"{which}_date"
    if name not in reader.names:
        return
    column = reading.days(name, reader.table.column(name))
    reader.wrong(name, column.wrong)
    undated = column.undated()
    reader.numbers[f"{which}_day"] = np.where(undated, MISSING_DAY, column.days).astype(np.int32)
    if column.seconds_of_rows is not None:
        seconds = column.seconds(np.arange(reader.count)) + 1  # NO_TIME is -1, and none is 0
        reader.numbers[f"{which}_second"] = np.where(undated, 0, seconds).astype(np.uint32)


def _number(reader: _Reader, name: str, low: int, high: int) -> None:
    if name not in reader.names:
        return
    column = reading.whole_numbers(name, reader.table.column(name), low, high)
    reader.wrong(name, column.wrong)
    absent = column.missing | column.wrong
    reader.numbers[name] = np.where(absent, MISSING_NUMBER, column.values).astype(np.uint32)


def _words(coded: CodedText, name: str) -> Words | None:
    """The column with its missing and undecodable texts as -1; None where leaving it out says the same."""
    if coded.is_absent:
        # a column of nothing: for an outcome it is not the same as no column, which means "discharged"
        return Words.of(np.full(len(coded.index), -1, dtype=np.int8), []) if name == "outcome" else None
    table = np.arange(len(coded.texts) + 1, dtype=np.int32)
    unusable = [place for place, text in enumerate(coded.texts) if text is None]
    table[[*unusable, *coded.undecodable, -1]] = -1
    number = coded.of_table(table)
    return Words.of(number, ["" if text is None else text for text in coded.texts])


def _procedures(reader: _Reader) -> WordLists | None:
    name = "procedure_codes"
    if name not in reader.names:
        return None
    array = reading.one_array(reader.table.column(name))
    if pa.types.is_list(array.type) or pa.types.is_large_list(array.type):
        return _listed_procedures(reader, array)
    return _written_procedures(reader, reading.coded_text(name, array))


def _listed_procedures(reader: _Reader, array: pa.Array) -> WordLists | None:
    inner = reading.coded_text("procedure_codes", array.flatten())
    lengths = pa.compute.list_value_length(array).fill_null(0).to_numpy(zero_copy_only=False)
    words = _words(inner, "procedure")
    wrong = inner.wrong()
    if wrong is not None:
        rows = np.repeat(np.arange(len(array)), lengths)
        undecodable = np.zeros(len(array), dtype=np.bool_)
        undecodable[rows[wrong]] = True
        reader.wrong("procedure_codes", undecodable)
    if words is None or not len(words.number):
        return None
    there = words.number >= 0
    if not there.all():  # an empty item of a list is no procedure
        rows = np.repeat(np.arange(len(array)), lengths)
        lengths = np.bincount(rows[there], minlength=len(array))
        words = replace(words, number=words.number[there])
    return WordLists(np.cumsum(lengths).astype(np.uint32), words)


def _written_procedures(reader: _Reader, coded: CodedText) -> WordLists | None:
    """Cells with several codes each: every distinct cell is taken apart once, its rows share the parts."""
    reader.wrong("procedure_codes", coded.wrong())
    if coded.is_absent:
        return None
    place: dict[str, int] = {}
    parts: list[int] = []
    starts = [0]
    for cell, text in enumerate(coded.texts):
        if text is not None and cell not in coded.undecodable:
            parts += [place.setdefault(code, len(place)) for code in reading.split_procedures(text)]
        starts.append(len(parts))
    if not parts:
        return None
    first = np.array([*starts[:-1], 0], dtype=np.int64)
    length = np.append(np.diff(np.array(starts, dtype=np.int64)), 0)
    lengths = coded.of_table(length)
    end = np.cumsum(lengths)
    # item j of row i is part first[cell of i] + (j - where the items of row i begin)
    offset = coded.of_table(first) - (end - lengths)
    numbers = np.array(parts, dtype=np.int32)[
        np.repeat(offset, lengths) + np.arange(int(end[-1]) if len(end) else 0)
    ]
    return WordLists(end.astype(np.uint32), Words.of(numbers, list(place)))
