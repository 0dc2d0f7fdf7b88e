"""The server's end of a column stream: chunks of cases in, chunks of prices out, in the bytes of messages."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from google.protobuf.message import DecodeError

from tariffcore import _wire
from tariffcore._chunks import CodeWords, PlainChunks
from tariffcore.binding import (
    CaseColumns,
    CodeTables,
    PlanWords,
    Workspace,
    WrongPlace,
    answer_columns,
    price_columns,
)
from tariffcore.errors import Problem
from tariffcore.grouping_encoding import GroupedRows
from tariffcore.plan import Plan
from tariffcore.pricing import found_groups
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_columns_pb2, pricing_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire.editions import DECIDING_DATES, PAYMENT_METHODS, edition_message
from tariffcore.wire.errors import (
    BeyondTableError,
    DuplicateWordError,
    NoChunkError,
    RowCountError,
    TooManyWordsError,
    UnequalLengthError,
    UnknownProblemError,
    UnreadableMessageError,
    WireError,
    problem,
)
from tariffcore.wire.forms import (
    CASE_COLUMNS,
    NUMBER_OF_COLUMN,
    REQUEST,
    TABLE_OF_WORDS,
    WIDTH,
    Scanned,
    scan,
)
from tariffcore.wire.grouping import LISTS, StreamGrouping, has_grouping_columns
from tariffcore.wire.messages import PricedColumns, write_priced

MAX_ROWS = 1 << 15
"""Of a chunk."""
MAX_WORDS = 1_000_000
"""In all code tables of a stream together."""
MAX_WORD_BYTES = 32 << 20
"""In all code tables of a stream together, as UTF-8."""
MOST_WORDS_SOON = 64
"""New words of a chunk that is still priced in well under a millisecond."""
MOST_ROWS_TO_GROUP_SOON = 1_000
"""Rows without a group of a chunk that is still priced in about a millisecond."""

_OF_PRICES = frozenset(TABLE_OF_WORDS.values()) - {"diagnosis", "qualifier"}
"""Code tables whose words the binding knows; the others are the business of grouping alone."""


@dataclass(frozen=True, slots=True)
class ChunkOfCases:
    """A chunk that has been read, its words with places. `price` may run in any thread, beside others."""

    _stream: CaseStream
    _columns: CaseColumns
    _tables: CodeWords
    _grouped: GroupedRows | None = None

    def __len__(self) -> int:
        return self._columns.rows

    def price(self) -> bytes:
        """The whole PriceCaseColumnsResponse. Raises BeyondTableError, UnknownProblemError."""
        if self._grouped is not None:
            return self._stream._price_grouped(self._columns, self._tables, self._grouped)
        return self._stream._price(self._columns, self._tables)


class CaseStream:
    """One column stream, priced by one plan from its first chunk to its last.

    ``check_providers`` is called with the new provider ids of a chunk, stripped, before any of its rows is
    priced, and may raise.  Chunks are read one after the other, in the order sent.
    """

    def __init__(
        self,
        plan: Plan,
        *,
        with_components: bool = False,
        with_rules: bool = False,
        check_providers: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self.plan = plan
        self.with_components = with_components
        self.with_rules = with_rules
        self._check_providers = check_providers
        self._plan_words = PlanWords.of(plan)
        self._tables = CodeTables(self._plan_words)
        self._grouping = StreamGrouping(plan)
        self._words: dict[str, set[str]] = {kind: set() for kind in TABLE_OF_WORDS.values()}
        self._word_count = self._word_bytes = 0
        self._tables_now: CodeWords | None = None
        self._status_counts = np.zeros(256, dtype=np.int64)
        words = self._plan_words
        self._plain = PlainChunks(
            words.numbers,
            words.tables,
            words.place_of_rule if with_rules else None,
            len(plan.component_names) if with_components else -1,
            MAX_ROWS,
        )

    def started(self) -> case_columns_pb2.ColumnStreamStarted:
        """What the numbers in the answers stand for."""
        plan = self.plan
        catalog = plan.catalog
        rules = self._plan_words.rules if self.with_rules else []
        message = case_columns_pb2.ColumnStreamStarted(
            editions=[edition_message(schedule) for schedule in plan.editions],
            engine_version=ENGINE_VERSION,
            as_of="" if catalog.as_of is None else catalog.as_of.isoformat(),
            deciding_date=DECIDING_DATES[catalog.deciding_date],
            rule_ids=[rule_id for rule_id, _ in rules],
            rule_methods=[PAYMENT_METHODS[method] for _, method in rules],
            groups_cases=plan.groups_cases,
        )
        if self.with_components:
            shares = [share for schedule in plan.editions for share in schedule.components]
            for name in plan.component_names:
                capital = all(share.capital for share in shares if share.component == name)
                message.components.add(component=name, capital=capital)
        return message

    def price(self, request: bytes | memoryview) -> bytes:
        """The whole PriceCaseColumnsResponse to a whole PriceCaseColumnsRequest. Raises WireError."""
        return self.read(request).price()

    def price_soon(self, request: bytes | memoryview) -> bytes | None:
        """The same where it takes under a millisecond; None where it may take long, and then nothing is done.

        What takes long are chunks in some other than the plain form, many new words, and many rows to group.
        """
        answer = self._plain.answer(request)
        if answer is not None:
            return answer
        scanned = scan_plain(request, most_texts=MOST_WORDS_SOON)
        if scanned is None or (
            scanned.numbers[1] > MOST_ROWS_TO_GROUP_SOON and has_grouping_columns(scanned)
        ):
            return None
        return self._read(scanned).price()

    def read(self, request: bytes | memoryview) -> ChunkOfCases:
        """Read a whole PriceCaseColumnsRequest and give its new words their places. Raises WireError."""
        return self._read(self.scan(request))

    def take_status_counts(self) -> list[int]:
        """How many rows came to each status, by number, since this was last asked."""
        self._plain.take_counts(self._status_counts)
        counts: list[int] = self._status_counts[: 1 + max(CaseStatus)].tolist()
        self._status_counts[:] = 0
        return counts

    def _read(self, scanned: Scanned) -> ChunkOfCases:
        rows = int(scanned.numbers[1])
        if not 1 <= rows <= MAX_ROWS:
            raise RowCountError(
                [problem("chunk.rows", f"a chunk has 1 to {MAX_ROWS:,} rows", "cut the register accordingly")]
            )
        procedures = _check_lengths(scanned, rows)
        if scanned.texts:
            self._append(scanned.texts)
        if scanned.texts or self._tables_now is None:
            self._tables_now = self._tables.now()
            self._plain.append(self._tables_now)
        columns = CaseColumns(scanned.message, scanned.offsets, rows, procedures)
        if not has_grouping_columns(scanned):
            return ChunkOfCases(self, columns, self._tables_now)
        sizes = {kind: len(words) for kind, words in self._words.items()}
        chunk = self._grouping.group(scanned, columns, self._tables, sizes)
        return ChunkOfCases(self, chunk.columns, chunk.tables, chunk.grouped)

    @staticmethod
    def scan(request: bytes | memoryview) -> Scanned:
        inner = scan_plain(request)
        if inner is not None:
            return inner
        # some other form: let the library read it and write it plainly
        try:
            message = pricing_service_pb2.PriceCaseColumnsRequest.FromString(bytes(request))
        except DecodeError:
            raise UnreadableMessageError(
                [problem("chunk", "the bytes are no such message, or end early", "send what protobuf writes")]
            ) from None
        if message.WhichOneof("message") != "chunk":
            raise NoChunkError([problem("chunk", "missing", "after the start, send chunks only")])
        message.chunk.DiscardUnknownFields()
        plainly = message.chunk.SerializeToString()
        scanned = scan(plainly, CASE_COLUMNS, "chunk")
        if scanned is None:  # the library writes nothing else
            raise WireError([problem("chunk", "cannot be read", "send what protobuf writes")])
        return scanned

    def _append(self, texts: list[tuple[int, str]]) -> None:
        """Give new words their places: all, or none where anything is wrong with any."""
        count = self._word_count + len(texts)
        octets = self._word_bytes + sum(len(text.encode()) for _, text in texts)
        if count > MAX_WORDS or octets > MAX_WORD_BYTES:
            limit = f"{MAX_WORDS:,} words and {MAX_WORD_BYTES >> 20} MiB"
            raise TooManyWordsError(
                [
                    problem(
                        "chunk", f"the code tables of a stream hold at most {limit}", "begin another stream"
                    )
                ]
            )
        new: dict[int, list[str]] = {}
        for field, text in texts:
            new.setdefault(field, []).append(text)
        for field, words in new.items():
            known = self._words[TABLE_OF_WORDS[field]]
            distinct = set(words)
            if len(distinct) < len(words) or not known.isdisjoint(distinct):
                raise DuplicateWordError([_twice(field, words, known)])
        if self._check_providers is not None and 2 in new:
            self._check_providers([bare for word in new[2] if (bare := word.strip())])
        for field, words in new.items():
            kind = TABLE_OF_WORDS[field]
            self._words[kind].update(words)
            if kind in _OF_PRICES:
                self._tables.append(kind, words)
            self._grouping.append(kind, words)
        self._word_count, self._word_bytes = count, octets

    def _price(self, columns: CaseColumns, tables: CodeWords) -> bytes:
        counts = np.empty(256, dtype=np.int64)
        answer = answer_columns(
            columns,
            self._plan_words,
            tables,
            counts,
            rules=self.with_rules,
            components=len(self.plan.component_names) if self.with_components else None,
        )
        if isinstance(answer, WrongPlace):
            raise _beyond(answer.field, answer.row)
        self._status_counts += counts
        return answer

    def _price_grouped(self, columns: CaseColumns, tables: CodeWords, grouped: GroupedRows) -> bytes:
        """As `_price`, of rows some of which came without a group."""
        plan = self.plan
        names = len(plan.component_names) if self.with_components else 0
        space = Workspace(columns.rows, names)
        marked = np.zeros(columns.rows, dtype=np.uint8)
        wrong = price_columns(
            columns, self._plan_words, tables, space, components=self.with_components, marked=marked
        )
        if wrong is not None:
            raise _beyond(wrong.field, wrong.row)
        # what has no group has no item either: then why there is no group is the reason
        ungrouped = (grouped.status > CaseStatus.OK) & (space.status == CaseStatus.UNKNOWN_DRG)
        np.copyto(space.status, grouped.status, where=ungrouped)
        grouped.rule[marked.view(np.bool_)] = -1
        found = found_groups(grouped).of_these_rows()
        rule = None
        if self.with_rules:
            rule = self._plan_words.place_of_rule[space.rule]
            rule[space.status != CaseStatus.OK] = 0
        self._status_counts += np.bincount(space.status, minlength=256)
        return write_priced(
            PricedColumns(
                columns.rows,
                space.amount_minor,
                space.status,
                space.edition,
                np.zeros(0, np.uint32) if rule is None else rule,
                space.has_parts if self.with_components else np.zeros(0, np.uint8),
                [] if space.parts_minor is None else list(space.parts_minor),
                drg_codes=tuple(found.drg_codes),
                grouping_rule_ids=tuple(found.rule_ids) if self.with_rules else (),
                drg=(found.drg + 1).astype(np.uint32),
                grouping_rule=(found.rule + 1).astype(np.uint32)
                if self.with_rules
                else np.zeros(0, np.uint32),
            )
        )


def scan_plain(request: bytes | memoryview, most_texts: int = sys.maxsize) -> Scanned | None:
    """The chunk of a whole PriceCaseColumnsRequest; None where its form is not plain or it has more texts."""
    place = _wire.sole_message(request, _CHUNK)
    return None if place is None else scan(request, CASE_COLUMNS, "chunk", *place, most_texts)


def _check_lengths(scanned: Scanned, rows: int) -> int:
    """How many procedures there are, once every column has one element a row or none."""
    lengths = scanned.lengths
    if _wire.are_even(lengths, _WIDTHS, rows) and all(
        lengths[end] or not lengths[own] for own, end in _LISTS
    ):
        return int(lengths[_PROCEDURE]) // 4
    problems = []
    for number in np.flatnonzero(scanned.lengths).tolist():
        name, form = CASE_COLUMNS.fields[number]
        count = int(scanned.lengths[number]) // WIDTH[form]
        if name in LISTS:
            if not scanned.lengths[NUMBER_OF_COLUMN[f"{name}_end"]]:
                message = f"left out beside {_IN_LISTS[name]}"
                problems.append(problem(f"chunk.{name}_end", message, "say where those of each row end"))
        elif count != rows:
            problems.append(
                problem(
                    f"chunk.{name}", f"{count:,} elements for {rows:,} rows", "one a row, or leave it out"
                )
            )
    raise UnequalLengthError(problems)


_IN_LISTS = {
    "procedure": "procedures",
    "secondary_diagnosis": "secondary diagnoses",
    "qualifier": "qualifiers",
}


def _twice(field: int, words: list[str], known: set[str]) -> Problem:
    seen = set(known)
    place = 0
    while words[place] not in seen:
        seen.add(words[place])
        place += 1
    path = f"chunk.{CASE_COLUMNS.fields[field][0]}[{place}]"
    return problem(path, "the table has this word already", "append a word once, and name it by its place")


def _beyond(field: int, row: int) -> WireError:
    name = CASE_COLUMNS.fields[field][0]
    path = f"chunk.{name}[{row}]"
    if name == "row_problem":
        return UnknownProblemError([problem(path, "means nothing", "0, 1, 2 or 3")])
    if name == "procedure_end":
        way_out = "ends never fall, and the last one is the number of procedures"
        return BeyondTableError([problem(path, "does not fit the procedures", way_out)])
    if name == "procedure":
        return BeyondTableError([problem(path, "no place in the table", "places count from 1")])
    return BeyondTableError([problem(path, "beyond its table", "append words before naming them")])


_PROCEDURE = NUMBER_OF_COLUMN["procedure"]
_LISTS = [(NUMBER_OF_COLUMN[name], NUMBER_OF_COLUMN[f"{name}_end"]) for name in LISTS]
(_CHUNK,) = REQUEST.fields
_WIDTHS = bytes(
    0 if number in dict(_LISTS) else WIDTH.get(form, 0) for number, form in enumerate(CASE_COLUMNS.of_number)
)
"""Of each column, by the number of its field: bytes an element; 0 for what need not have one a row."""
