"""Rows of a column stream that come without a cost group: grouped, and then priced as rows that have one.

The columns are read where they lie.  What grouping finds is said to the binding as it would have been said by
the sender: the group as a place in the code table, an age worked out of days as an age, a field that lacks or
means nothing as a problem of the row.  So there is one way of pricing a row, whoever knew its group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore._chunks import CodeWords
from tariffcore.binding import BEYOND, NO_WORD, CaseColumns, CodeTables, GrowingTable
from tariffcore.grouping_encoding import GroupedRows, RuleWords, run_rules
from tariffcore.grouping_facts import MANY_DAYS, MAX_STAY, NO_DAYS, NO_YEARS
from tariffcore.grouping_tables import CompiledRules
from tariffcore.plan import DAY_CODES, MISSING_DAY, UNKNOWN_DRG_ITEM, Plan
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.limits import (
    MAX_AGE_DAYS,
    MAX_AGE_YEARS,
    MAX_BIRTH_WEIGHT_GRAMS,
    MIN_BIRTH_WEIGHT_GRAMS,
)
from tariffcore.schedule.model import DayCount
from tariffcore.statuses import CaseStatus
from tariffcore.wire.errors import BeyondTableError, problem
from tariffcore.wire.forms import NUMBER_OF_COLUMN, Scanned

LISTS = {"procedure": "procedure", "secondary_diagnosis": "diagnosis", "qualifier": "qualifier"}
"""Columns of places row after row, with the code table of each; where a row's end is in ``..._end``."""

_FIRST_OF_GROUPING = NUMBER_OF_COLUMN["principal_diagnosis"]
"""Columns from here on are needed by cases without a group, and by no other."""
_NOT_GIVEN = np.uint32(2**32 - 1)
_NO_DAY = -(2**31)
_FIRST_DAY, _LAST_DAY = -719_162, 2_932_896
_MAX_SECOND = 86_400
_UNREADABLE, _LACKING, _NO_ROW = 1, 2, 3
_SEXES = 2
_BLANK, _UNKNOWN_QUALIFIER = 1, 2


def has_grouping_columns(scanned: Scanned) -> bool:
    """Whether a chunk has any column that only cases without a group need."""
    return bool(scanned.lengths[_FIRST_OF_GROUPING:].any())


@dataclass(frozen=True, slots=True)
class GroupedChunk:
    """A chunk whose rows have their groups, as far as there are any.

    columns, tables  for the binding: with the groups that were found, and a table that has them
    grouped          of rows that came without a group: the rule of each, or the status where it has none
    """

    columns: CaseColumns
    tables: CodeWords
    grouped: GroupedRows | None


class _EditionWords:
    """The words of a stream as one edition's rules have them."""

    def __init__(self, rules: CompiledRules) -> None:
        self.rules = rules
        outcomes, settings, bits = rules.outcome_numbers, rules.setting_numbers, rules.qualifier_bits
        self._of_word: dict[str, Callable[[str], int]] = {
            "principal": rules.principal_class,
            "secondary": lambda word: max(0, rules.principal_class(word)),
            "procedure": rules.procedure_class,
            "outcome": lambda word: outcomes.get(word, 0),
            "care_setting": lambda word: settings.get(word, 0),
            "qualifier": lambda word: bits.get(word, 0),
        }
        kinds: dict[str, type[np.integer[Any]]] = {
            "outcome": np.uint8,
            "care_setting": np.uint8,
            "qualifier": np.uint64,
        }
        self._tables = {name: GrowingTable(0, 0, kinds.get(name, np.int32)) for name in self._of_word}
        self._now: RuleWords | None = None

    def append(self, kind: str, words: Sequence[str]) -> None:
        for name in ("principal", "secondary") if kind == "diagnosis" else (kind,):
            if name in self._tables:
                of_word = self._of_word[name]
                self._tables[name].extend(of_word(word) if word else 0 for word in words)
                self._now = None

    def now(self) -> RuleWords:
        """The words so far, as the loop wants them; worked out anew only where there are new ones."""
        if self._now is None:
            names = ("principal", "secondary", "procedure", "outcome", "care_setting")
            self._now = RuleWords.of(self.rules, *(self._tables[name].filled.copy() for name in names))
        return self._now

    def qualifiers(self, places: NDArray[np.uint32]) -> NDArray[np.uint64]:
        """The bit of each place."""
        return self._tables["qualifier"].filled[places]


class StreamGrouping:
    """What grouping needs of a plan and of the words of one stream. Chunks are read one after the other."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._by_admission = plan.catalog.deciding_date is DecidingDate.ADMISSION
        self._words = [None if rules is None else _EditionWords(rules) for rules in plan.grouping_rules]
        self._marks = {kind: GrowingTable(_BLANK, 0, np.uint8) for kind in ("diagnosis", "qualifier")}
        self._extra = np.array(
            [int(s.day_count is DayCount.INCLUSIVE) for s in plan.editions], dtype=np.int64
        )

    def append(self, kind: str, words: Sequence[str]) -> None:
        """New words of a code table, in the order of their places."""
        bare = [word.strip() for word in words]
        if kind in self._marks:
            known = self._plan.qualifiers if kind == "qualifier" else frozenset(bare)
            self._marks[kind].extend(
                _BLANK if not word else _UNKNOWN_QUALIFIER if word not in known else 0 for word in bare
            )
        for own in self._words:
            if own is not None:
                own.append(kind, bare)

    def group(
        self, scanned: Scanned, columns: CaseColumns, tables: CodeTables, sizes: dict[str, int]
    ) -> GroupedChunk:
        """Find the groups of the rows that have none. Raises BeyondTableError.

        ``sizes`` are the numbers of words in the stream's code tables.
        """
        rows = columns.rows
        chunk = _Chunk(scanned, rows)
        for name, kind in (("principal_diagnosis", "diagnosis"), ("drg", "drg"), ("service", "service"),
                           ("outcome", "outcome"), ("care_setting", "care_setting")):  # fmt: skip
            _require_places(name, chunk.places(name), sizes[kind], least=0)
        for name, kind in LISTS.items():
            _require_places(name, chunk.column(name, "<u4"), sizes[kind], least=1)
        lists = {name: chunk.starts(name) for name in LISTS}
        if not self._plan.groups_cases:
            return GroupedChunk(columns, tables.now(), None)
        arrays = tables.arrays()
        drg_table, service_table = arrays[1], arrays[2]
        drg = chunk.places("drg")
        needed = ((drg_table[drg] & service_table[chunk.places("service")] & NO_WORD) != 0).view(np.bool_)
        patch = _Patch(chunk, needed, by_admission=self._by_admission)
        principal = chunk.places("principal_diagnosis")
        patch.lacking(self._marks["diagnosis"].filled[principal] == _BLANK)
        unknown = np.flatnonzero(
            self._marks["qualifier"].filled[chunk.column("qualifier", "<u4")] == _UNKNOWN_QUALIFIER
        )
        rows_of_unknown = np.searchsorted(lists["qualifier"], unknown, side="right") - 1
        has_unknown = np.zeros(rows, dtype=np.bool_)
        has_unknown[rows_of_unknown] = True
        patch.unreadable(has_unknown)
        years, days = patch.ages()
        weight = patch.number("birth_weight_grams", MIN_BIRTH_WEIGHT_GRAMS, MAX_BIRTH_WEIGHT_GRAMS, 0)
        sex = chunk.octets("sex").copy()
        patch.unreadable(sex > _SEXES)
        sex[sex > _SEXES] = 0
        edition, stay = self._stays(chunk)
        grouped = self._grouped(chunk, lists, needed, edition, stay, years, days, sex, weight)
        item = grouped.numbers(self._plan.items_of_rules)
        base = len(drg_table)
        own = np.where(needed, np.uint32(base), drg)
        own = np.where(item >= 0, (base + 1 + item).astype(np.uint32), own)
        arrays[1] = _with_items(drg_table, self._plan.item_count)
        return GroupedChunk(patch.columns(columns, own), CodeWords(*arrays), grouped)

    def _stays(self, chunk: _Chunk) -> tuple[NDArray[np.int16], NDArray[np.int64]]:
        """The edition of each row, -1 for none, and its days from admission to discharge.

        Of a row whose own fields are wrong neither means anything: it gets no price, and so no group.
        """
        plan = self._plan
        admission, discharge = chunk.days("admission_day"), chunk.days("discharge_day")
        deciding = admission if self._by_admission else discharge
        last = plan.base_day + MISSING_DAY - 1
        beyond = np.zeros(chunk.rows, dtype=np.int64)
        if plan.catalog.spans[-1].end is None:
            beyond = np.maximum(deciding, last) - last
        code = deciding - beyond - plan.base_day
        is_covered = (code >= 0) & (code < MISSING_DAY) & (deciding >= _FIRST_DAY) & (deciding <= _LAST_DAY)
        edition = np.where(is_covered, plan.edition_of_day[np.where(is_covered, code, 0)], -1).astype(
            np.int16
        )
        length = chunk.numbers("length_of_stay_days").astype(np.int64)
        extra = np.append(self._extra, 0)[edition]
        ends = discharge - beyond - plan.base_day
        begins = np.clip(ends - np.maximum(length, 1) + extra, 0, DAY_CODES - 1)
        stay = np.where(admission == _NO_DAY, ends - begins, discharge - admission)
        return edition, np.clip(stay + extra, 1, MAX_STAY)

    def _grouped(
        self,
        chunk: _Chunk,
        lists: dict[str, NDArray[np.int64]],
        needed: NDArray[np.bool_],
        edition: NDArray[np.int16],
        stay: NDArray[np.int64],
        years: NDArray[np.uint8],
        days: NDArray[np.uint16],
        sex: NDArray[np.uint8],
        weight: NDArray[np.uint16],
    ) -> GroupedRows:
        count = len(needed)
        rule = np.full(count, -1, dtype=np.int32)
        status = np.zeros(count, dtype=np.uint8)
        by = np.full(count, -1, dtype=np.int16)
        for number, own in enumerate(self._words):
            rows = np.flatnonzero(needed & (edition == number))
            by[rows] = number
            if not len(rows):
                continue
            if own is None:
                status[rows] = CaseStatus.UNGROUPABLE
                continue
            words, outcome = own.now(), chunk.places("outcome")
            if not chunk.has("outcome"):
                discharged = own.rules.outcome_numbers.get("discharged", 0)
                words = replace(words, outcome_number=np.array([discharged], dtype=np.uint8))
            bits = None
            if chunk.has("qualifier"):
                bits = np.zeros(count, dtype=np.uint64)
                start = lists["qualifier"]
                filled = np.flatnonzero(np.diff(start))
                of_place = own.qualifiers(chunk.column("qualifier", "<u4"))
                bits[filled] = np.bitwise_or.reduceat(of_place, start[filled])
            columns = (
                chunk.places("principal_diagnosis"),
                lists["secondary_diagnosis"],
                chunk.column("secondary_diagnosis", "<u4"),
                lists["procedure"],
                chunk.column("procedure", "<u4"),
                outcome,
                chunk.places("care_setting"),
                years,
                days,
                sex,
                weight,
                stay.astype(np.uint16),
                bits,
            )
            run_rules(own.rules, words, columns, rows, rule, status, threads=1)
        return GroupedRows(self._plan.grouping_rules, by, rule, status)


def _with_items(table: NDArray[np.uint32], items: int) -> NDArray[np.uint32]:
    """A table of groups with further places: for a case of no group, and for each item of the plan.

    It is as long as a power of two, as the binding asks.
    """
    base = len(table)
    room = np.full(1 << (base + items).bit_length(), BEYOND, dtype=np.uint32)
    room[:base] = table
    room[base] = UNKNOWN_DRG_ITEM
    room[base + 1 : base + 1 + items] = np.arange(items)
    return room


class _Chunk:
    """The columns of a chunk by name: where they lie, or what leaving them out means."""

    def __init__(self, scanned: Scanned, rows: int) -> None:
        self.scanned = scanned
        self.rows = rows

    def has(self, name: str) -> bool:
        return bool(self.scanned.lengths[NUMBER_OF_COLUMN[name]])

    def column(self, name: str, kind: str) -> NDArray[Any]:
        column = self.scanned.column(NUMBER_OF_COLUMN[name], np.dtype(kind).type)
        # columns begin anywhere in a message, and the loop reads whole words
        return np.require(column.astype(np.dtype(kind).newbyteorder("="), copy=False), requirements="A")

    def places(self, name: str) -> NDArray[np.uint32]:
        return self.column(name, "<u4") if self.has(name) else np.zeros(self.rows, dtype=np.uint32)

    def numbers(self, name: str) -> NDArray[np.uint32]:
        return self.column(name, "<u4") if self.has(name) else np.full(self.rows, _NOT_GIVEN, np.uint32)

    def days(self, name: str) -> NDArray[np.int64]:
        if not self.has(name):
            return np.full(self.rows, _NO_DAY, dtype=np.int64)
        return self.column(name, "<i4").astype(np.int64)

    def octets(self, name: str) -> NDArray[np.uint8]:
        return self.column(name, "u1") if self.has(name) else np.zeros(self.rows, dtype=np.uint8)

    def starts(self, name: str) -> NDArray[np.int64]:
        """Where the places of each row begin, and where the last end. Raises BeyondTableError."""
        start = np.zeros(self.rows + 1, dtype=np.int64)
        if self.has(f"{name}_end"):
            start[1:] = self.column(f"{name}_end", "<u4")
        count = len(self.column(name, "<u4"))
        falls = np.flatnonzero((np.diff(start) < 0) | (start[1:] > count))
        row = int(falls[0]) if len(falls) else self.rows - 1
        if len(falls) or start[-1] != count:
            way_out = "ends never fall, and the last one is the number of places"
            path = f"chunk.{name}_end[{row}]"
            raise BeyondTableError([problem(path, f"does not fit the column {name}", way_out)])
        return start


def _require_places(name: str, places: NDArray[np.uint32], words: int, *, least: int) -> None:
    """Raises BeyondTableError for the first place that is not of the table."""
    if not len(places) or (places.min() >= least and places.max() <= words):
        return
    row = int(np.flatnonzero((places < least) | (places > words))[0])
    message, way_out = "beyond its table", "append words before naming them"
    if places[row] < least:
        message, way_out = "no place in the table", "places count from 1"
    raise BeyondTableError([problem(f"chunk.{name}[{row}]", message, way_out)])


class _Patch:
    """Columns of a chunk that say more than they came with; ``needed`` are the rows without a group."""

    def __init__(self, chunk: _Chunk, needed: NDArray[np.bool_], *, by_admission: bool) -> None:
        self._chunk = chunk
        self._by_admission = by_admission
        self._needed = needed
        self._problem = chunk.octets("row_problem").copy()
        self._own: dict[str, NDArray[Any]] = {}

    def lacking(self, rows: NDArray[np.bool_]) -> None:
        self._problem[rows & self._needed & (self._problem == 0)] = _LACKING

    def unreadable(self, rows: NDArray[np.bool_]) -> None:
        # what the row was sent with counts more where it is no row, and a number beyond all is told later
        self._problem[rows & self._needed & (self._problem < _NO_ROW)] = _UNREADABLE

    def number(self, name: str, low: int, high: int, none: int) -> NDArray[np.uint16]:
        """A column of numbers, ``none`` where there is none that means something."""
        numbers = self._chunk.numbers(name)
        is_there = (numbers >= low) & (numbers <= high)
        self.unreadable(~is_there & (numbers != _NOT_GIVEN))
        return np.where(is_there, numbers, none).astype(np.uint16)

    def ages(self) -> tuple[NDArray[np.uint8], NDArray[np.uint16]]:
        """Years and days of age, each worked out of the other where that leaves no doubt."""
        given = self._chunk.numbers("age_years")
        years = np.where(given <= MAX_AGE_YEARS, given, NO_YEARS).astype(np.uint8)
        exact = self.number("age_days", 0, MAX_AGE_DAYS, NO_DAYS).astype(np.int64)
        known_years, known_days = years != NO_YEARS, exact != NO_DAYS
        fewest, most = exact // 366, exact // 365
        self._contradict(known_years & known_days & self._needed & ((years < fewest) | (years > most)))
        # an age that means nothing stays, so that it is told
        worked_out = self._needed & (given == _NOT_GIVEN) & known_days & (fewest == most)
        days = np.where(known_days, np.minimum(exact, MANY_DAYS), NO_DAYS).astype(np.uint16)
        days[known_years & ~known_days & (years > 0)] = MANY_DAYS
        if worked_out.any():
            self._own["age_years"] = np.where(worked_out, fewest, given).astype("<u4")
            years = np.where(worked_out, fewest, years).astype(np.uint8)
        return years, days

    def _contradict(self, rows: NDArray[np.bool_]) -> None:
        """Ages that contradict each other are as dates that do: say so by a stay that cannot be.

        Rows whose dates lack or mean nothing keep them, for that counts more.
        """
        if not rows.any():
            return
        chunk = self._chunk
        days = {name: chunk.days(f"{name}_day").copy() for name in ("admission", "discharge")}
        seconds = {name: chunk.places(f"{name}_second").copy() for name in days}
        plain = rows & (chunk.numbers("length_of_stay_days") != _NOT_GIVEN) | (
            rows & (days["admission"] != _NO_DAY)
        )
        for name, own in days.items():
            is_day = (own >= _FIRST_DAY) & (own <= _LAST_DAY)
            plain &= (is_day & (seconds[name] <= _MAX_SECOND)) | ((own == _NO_DAY) & (name == "admission"))
        is_both = plain & (days["admission"] != _NO_DAY)
        only_length = plain & ~is_both
        moved, kept = ("discharge", "admission") if self._by_admission else ("admission", "discharge")
        if self._by_admission:
            only_length &= False  # the date that decides lacks
        for chosen in (is_both, only_length):
            days[moved][chosen] = days[kept][chosen]
            seconds["admission"][chosen], seconds["discharge"][chosen] = 2, 1
        for name in days:
            self._own[f"{name}_day"] = days[name].astype("<i4")
            self._own[f"{name}_second"] = seconds[name].astype("<u4")

    def columns(self, columns: CaseColumns, drg: NDArray[np.uint32]) -> CaseColumns:
        """The columns with all that, in a message of its own."""
        own = {**self._own, "drg": drg.astype("<u4"), "row_problem": self._problem}
        offsets = columns.offsets.copy()
        parts = [bytes(columns.message)]
        at = len(parts[0])
        for name, column in own.items():
            offsets[NUMBER_OF_COLUMN[name]] = at
            parts.append(column.tobytes())
            at += len(parts[-1])
        return CaseColumns(b"".join(parts), offsets, columns.rows, columns.procedures)
