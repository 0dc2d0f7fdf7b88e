"""What a column stream is to a client, whatever carries its messages: what was sent, and what was answered.

Chunks are cut here, their words numbered for the stream they travel in, and answers put back beside their
rows.  A stream that breaks is never taken up half way: the chunks without an answer are numbered anew for
the next stream, which must price by the very same editions, so each row is answered exactly once or the call
fails.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tariffcore.client.case_columns import CaseColumns, Words
from tariffcore.client.case_messages import EditionChoice
from tariffcore.client.service_error import ClientError
from tariffcore.errors import Problem
from tariffcore.pricing import FoundGroups, nothing_found
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_columns_pb2, edition_pb2, pricing_service_pb2
from tariffcore.wire import messages
from tariffcore.wire.editions import METHOD_OF_NUMBER
from tariffcore.wire.stream import MAX_ROWS, MAX_WORD_BYTES, MAX_WORDS

_T = TypeVar("_T")

MAX_CHUNK_ROWS = MAX_ROWS
MAX_MESSAGE_BYTES = (4 << 20) - (64 << 10)
"""gRPC servers refuse messages beyond 4 MiB unless told otherwise; this leaves room for frames."""
MAX_STREAM_WORDS = MAX_WORDS
MAX_STREAM_WORD_BYTES = MAX_WORD_BYTES
MAX_WORD_CHARACTERS = 1_000
"""A longer word is no code of any schedule and travels cut short, marked so that it stays none."""
CHUNKS_IN_FLIGHT = 8

_TABLE_OF_COLUMN = {"principal_diagnosis": "diagnosis", "secondary_diagnosis": "diagnosis"}
"""The code tables that have another name than their column."""


@dataclass(frozen=True, slots=True)
class StreamEdition:
    """An edition that prices days of a stream."""

    id: str
    digest: str
    title: str
    synthetic: bool
    currency: str
    minor_units: int


@dataclass(frozen=True)
class StreamNames:
    """What the numbers in a stream's answers stand for, and what they were priced by.

    ``rule_ids`` counts from 0, None for a number that no row has, and so do ``rule_methods``, the methods
    that the rules pay by; two streams with equal names price alike.
    """

    engine_version: str
    tariff_family: str
    as_of: date | None
    deciding_date: DecidingDate
    editions: tuple[StreamEdition, ...]
    rule_ids: tuple[str | None, ...]
    rule_methods: tuple[PaymentMethod | None, ...]
    component_names: tuple[str, ...]
    capital_components: frozenset[str]
    groups_cases: bool


def start_message(edition: EditionChoice, *, components: bool) -> bytes:
    """The first message of a stream."""
    start = case_columns_pb2.ColumnStreamStart(
        edition=edition.message(), with_components=components, with_rules=True
    )
    return pricing_service_pb2.PriceCaseColumnsRequest(start=start).SerializeToString()


def read_started(message: bytes) -> StreamNames:
    """The first answer of a stream. ValueError where it is none."""
    answer = pricing_service_pb2.PriceCaseColumnsResponse.FromString(message)
    if not answer.HasField("started"):
        raise ValueError("the first answer of a stream is not `started`")
    started = answer.started
    admission = started.deciding_date == edition_pb2.DECIDING_DATE_ADMISSION
    families = {edition.tariff_family for edition in started.editions}
    if len(families) != 1:
        raise ValueError(f"a stream has the editions of one family, this one of {len(families)}")
    methods = [METHOD_OF_NUMBER.get(number) for number in started.rule_methods]
    if len(methods) != len(started.rule_ids):
        raise ValueError(f"{len(started.rule_ids)} rules came with {len(methods)} payment methods")
    for rule_id, method in zip(started.rule_ids, methods, strict=True):
        if rule_id and method is None:
            raise ValueError("a payment method came that this version does not know")
    return StreamNames(
        engine_version=started.engine_version,
        tariff_family=families.pop(),
        as_of=date.fromisoformat(started.as_of) if started.as_of else None,
        deciding_date=DecidingDate.ADMISSION if admission else DecidingDate.DISCHARGE,
        editions=tuple(
            StreamEdition(e.schedule_id, e.digest, e.title, e.synthetic, e.currency, e.minor_units)
            for e in started.editions
        ),
        rule_ids=tuple(rule_id or None for rule_id in started.rule_ids),
        rule_methods=tuple(methods),
        component_names=tuple(each.component for each in started.components),
        capital_components=frozenset(each.component for each in started.components if each.capital),
        groups_cases=started.groups_cases,
    )


class StreamTables:
    """The code tables of one stream: which word has which place, counted from 1."""

    def __init__(self) -> None:
        self._place: dict[str, dict[str, int]] = {}
        # chunks cut from one table share their texts: the places found for them hold for the next chunk too
        self._known: dict[str, tuple[list[str], NDArray[np.int32]]] = {}
        self.words = 0
        self.word_bytes = 0
        self.new_providers: list[str] = []
        """The providers that the last chunk appended."""

    def places(self, column: str, words: Words) -> NDArray[np.int32]:
        """The place of each row's word: 0 for a missing one, below 0 for one that has none yet."""
        # wrapping takes the -1 of a missing word to the last entry, and is the quickest way through
        return self._table(column, words).take(words.number, mode="wrap")

    def place(self, column: str, words: Words, unplaced: list[int]) -> list[str]:
        """Gives places to texts; returns those that are new to the stream, in the order of their places."""
        table = self._table(column, words)
        places = self._place.setdefault(table_of(column), {})
        new = []
        for number in unplaced:
            text = sent_word(words.texts[number])
            place = places.get(text)
            if place is None:
                place = places[text] = len(places) + 1
                new.append(text)
            table[number] = place
        self.words += len(new)
        self.word_bytes += sum(len(text.encode()) for text in new)
        return new

    def _table(self, column: str, words: Words) -> NDArray[np.int32]:
        known = self._known.get(column)
        if known is None or known[0] is not words.texts:
            table = np.full(len(words.texts) + 1, -1, dtype=np.int32)
            table[-1] = 0  # where a missing word's -1 points
            known = self._known[column] = (words.texts, table)
        return known[1]


def table_of(column: str) -> str:
    """The code table that a column of places points into."""
    return _TABLE_OF_COLUMN.get(column, column)


def sent_word(text: str) -> str:
    """The word as it travels."""
    if len(text) <= MAX_WORD_CHARACTERS:
        return text
    return f"{text[:MAX_WORD_CHARACTERS]}\N{HORIZONTAL ELLIPSIS} ({len(text)} characters)"


def in_chunks(columns: CaseColumns) -> Iterator[CaseColumns]:
    """Pieces of at most MAX_CHUNK_ROWS rows that fit into a message, in order, and at least one row each."""
    for start in range(0, len(columns), MAX_CHUNK_ROWS):
        yield from _that_fit(columns.rows(start, min(start + MAX_CHUNK_ROWS, len(columns))))


def _that_fit(chunk: CaseColumns) -> Iterator[CaseColumns]:
    if len(chunk) > 1 and _most_bytes(chunk) > MAX_MESSAGE_BYTES:
        half = len(chunk) // 2
        yield from _that_fit(chunk.rows(0, half))
        yield from _that_fit(chunk.rows(half, len(chunk)))
    else:
        yield chunk


def _most_bytes(chunk: CaseColumns) -> int:
    """How long the message may become if every word it uses is new to the stream."""
    size = sum(column.nbytes for column in chunk.numbers.values()) + 4 * len(chunk) * len(chunk.words)
    words = list(chunk.words.values())
    for several in chunk.lists.values():
        size += 4 * len(chunk) + 4 * len(several.words.number)
        words.append(several.words)
    # only where all texts together would not fit is it worth looking which ones these rows use
    for column in words:
        most = column.texts_bytes + 8 * len(column.texts)
        if size + most > MAX_MESSAGE_BYTES:
            used = np.unique(column.number[column.number >= 0])
            most = sum(len(sent_word(column.texts[number]).encode()) + 8 for number in used.tolist())
        size += most
    return size


class StreamFullError(Exception):
    """The code tables of a stream have no room for another chunk: it needs a new stream."""


def chunk_message(chunk: CaseColumns, tables: StreamTables) -> bytes:
    """A chunk as it travels in the stream with these tables, which take up its words."""
    columns = {**chunk.words, **{name: several.words for name, several in chunk.lists.items()}}
    numbers: dict[str, NDArray[Any]] = {kind: tables.places(kind, words) for kind, words in columns.items()}
    unplaced: dict[str, list[int]] = {}
    for kind, places in numbers.items():
        if len(places) and int(places.min()) < 0:
            unplaced[kind] = np.unique(columns[kind].number[places < 0]).tolist()
    new: dict[str, list[str]] = {}
    if unplaced:
        new_words = sum(map(len, unplaced.values()))
        new_bytes = sum(
            len(sent_word(columns[kind].texts[number]).encode())
            for kind, texts in unplaced.items()
            for number in texts
        )
        is_full = (
            tables.words + new_words > MAX_STREAM_WORDS
            or tables.word_bytes + new_bytes > MAX_STREAM_WORD_BYTES
        )
        if tables.words and is_full:
            raise StreamFullError
        for kind, texts in unplaced.items():
            new.setdefault(table_of(kind), []).extend(tables.place(kind, columns[kind], texts))
            numbers[kind] = tables.places(kind, columns[kind])
    tables.new_providers = new.get("provider", [])
    numbers.update(chunk.numbers)
    for name, several in chunk.lists.items():
        numbers[f"{name}_end"] = several.end
    return messages.write_chunk(len(chunk), new, numbers)


@dataclass
class PricedRows:
    """The prices of some rows, as `tariffcore.pricing.PricedCases` has them."""

    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint16]
    parts_minor: NDArray[np.int64] | None
    has_parts: NDArray[np.uint8] | None
    found: FoundGroups | None = None


def no_rows(names: StreamNames, *, components: bool = True) -> PricedRows:
    """The prices of no case."""
    count = len(names.component_names)
    return PricedRows(
        np.zeros(0, np.int64),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint16),
        np.zeros((count, 0), np.int64) if components else None,
        np.zeros(0, np.uint8) if components else None,
    )


@dataclass(frozen=True)
class _Sent:
    chunk: CaseColumns
    is_last: bool
    """Whether the table it was cut from ends here."""


class Exchange:
    """Tables in, messages out; messages in, prices out: all that is not carrying messages.

    Feed it with `take`; send what `next_message` gives while `may_send`; hand it each answer with `answered`,
    which returns the prices of a table when its last chunk is there.  `restart` begins anew with what has no
    answer yet.
    """

    def __init__(self, *, components: bool, target: str, names: StreamNames | None = None) -> None:
        self.names = names
        self._components = components
        self._target = target
        self._tables = StreamTables()
        self._waiting: deque[_Sent] = deque()
        self._unanswered: deque[_Sent] = deque()
        self._new_providers: deque[list[str]] = deque()  # of each unanswered chunk
        self._answers: list[PricedRows] = []
        self.has_begun = False

    @property
    def is_idle(self) -> bool:
        """Whether everything taken has been answered."""
        return not self._waiting and not self._unanswered

    @property
    def may_send(self) -> bool:
        """Whether there is a chunk to send and room for its answer."""
        return bool(self._waiting) and len(self._unanswered) < CHUNKS_IN_FLIGHT

    @property
    def wants_cases(self) -> bool:
        """Whether another table could be cut without holding much more than is in flight."""
        return not self._waiting and len(self._unanswered) < CHUNKS_IN_FLIGHT

    @property
    def awaits_answer(self) -> bool:
        return bool(self._unanswered)

    def take(self, columns: CaseColumns) -> None:
        """Cases to price; at least one row."""
        held: CaseColumns | None = None
        for chunk in in_chunks(columns):
            if held is not None:
                self._waiting.append(_Sent(held, False))
            held = chunk
        assert held is not None, "there is nothing to price in a table without rows"
        self._waiting.append(_Sent(held, True))

    def next_message(self) -> bytes:
        """The next chunk as this stream needs it. Raises StreamFullError: answers first, then `restart`."""
        message = chunk_message(self._waiting[0].chunk, self._tables)
        self._unanswered.append(self._waiting.popleft())
        self._new_providers.append(self._tables.new_providers)
        return message

    def refused_providers(self) -> dict[str, str]:
        """The new providers of the oldest unanswered chunk, by the paths of the service's errors."""
        if not self._new_providers:
            return {}
        return {f"chunk.new_provider_ids[{k}]": word for k, word in enumerate(self._new_providers[0])}

    def restart(self) -> None:
        """The stream is gone: what it did not answer goes into the next one, with tables of its own."""
        self._waiting.extendleft(reversed(self._unanswered))
        self._unanswered.clear()
        self._new_providers.clear()
        self._tables = StreamTables()
        self.has_begun = False

    def started(self, message: bytes) -> None:
        """The first answer of a stream. Raises ClientError where it prices by something else than before."""
        names = self._read(read_started, message)
        if self.names is not None and names != self.names:
            raise changed_editions(self._target, self.names, names)
        self.names = names
        self.has_begun = True

    def answered(self, message: bytes) -> PricedRows | None:
        """The answer to the oldest unanswered chunk; the prices of a whole table where it was its last."""
        if not self._unanswered:
            raise unusable_answer(self._target, "an answer came that nothing was asked for")
        sent = self._unanswered[0]
        self._answers.append(self._read(self._prices, message, len(sent.chunk)))
        self._unanswered.popleft()
        self._new_providers.popleft()
        if not sent.is_last:
            return None
        answers, self._answers = self._answers, []
        return answers[0] if len(answers) == 1 else _joined(answers)

    def _prices(self, message: bytes, rows: int) -> PricedRows:
        assert self.names is not None
        answer = messages.read_priced(message)
        if answer.rows != rows:
            raise ValueError(f"{rows} rows were sent and {answer.rows} came back")
        return _priced_rows(answer, self.names, components=self._components)

    def _read(self, read: Callable[..., _T], *arguments: object) -> _T:
        try:
            return read(*arguments)
        except Exception as error:  # a message that is none, or says what cannot be
            raise unusable_answer(self._target, f"an answer cannot be read: {error}") from error


def _priced_rows(answer: messages.PricedColumns, names: StreamNames, *, components: bool) -> PricedRows:
    """An answer, if it says only what can be. ValueError otherwise."""
    rows = answer.rows
    status = _whole("status", answer.status, rows)
    edition = _whole("edition", answer.edition, rows)
    places = _whole("rule", answer.rule, rows)
    is_priced = status == CaseStatus.OK
    if rows:
        if not 1 <= int(status.min()) <= int(status.max()) <= max(CaseStatus):
            raise ValueError("a status came that this version does not know")
        if int(edition.max()) > len(names.editions):
            raise ValueError(f"edition {int(edition.max())} of {len(names.editions)} came")
        if int(places.max()) > len(names.rule_ids):
            raise ValueError(f"rule {int(places.max())} of {len(names.rule_ids)} came")
        if not (places[is_priced].all() and edition[is_priced].all()):
            raise ValueError("a priced row came without its rule or edition")
    rule = np.where(places > 0, places.astype(np.int64) - 1, 0).astype(np.uint16)
    amount_minor = _whole("amount_minor", answer.amount_minor, rows)
    found = _found(answer)
    if not components or not names.component_names:
        none = np.zeros((0, rows), np.int64) if components else None
        return PricedRows(
            amount_minor, status, edition, rule, none, np.zeros(rows, np.uint8) if components else None, found
        )
    if len(answer.components) != len(names.component_names):
        raise ValueError(f"{len(answer.components)} of {len(names.component_names)} components came")
    parts = np.stack([_whole("components", part, rows) for part in answer.components])
    has_parts = _whole("has_components", answer.has_components, rows)
    return PricedRows(amount_minor, status, edition, rule, parts, has_parts, found)


def _found(answer: messages.PricedColumns) -> FoundGroups | None:
    """The groups that were found, None where none were looked for. ValueError for places that are none."""
    if not len(answer.drg):
        return None
    drg = _whole("drg", answer.drg, answer.rows).astype(np.int64) - 1
    rule = _whole("grouping_rule", answer.grouping_rule, answer.rows).astype(np.int64) - 1
    if int(drg.max()) >= len(answer.drg_codes) or int(rule.max()) >= len(answer.grouping_rule_ids):
        raise ValueError("a group or its rule came that the answer does not name")
    codes, rules = tuple(answer.drg_codes), tuple(answer.grouping_rule_ids)
    return FoundGroups(codes, rules, drg.astype(np.int32), rule.astype(np.int32))


def _whole(name: str, column: NDArray[Any], rows: int) -> NDArray[Any]:
    """A copy of the column, since it lies anywhere in a message that need not be kept for it."""
    if len(column) != rows:
        raise ValueError(f"{name} has {len(column)} elements for {rows} rows")
    return column.copy()


def _joined(answers: list[PricedRows]) -> PricedRows:
    parts = [answer.parts_minor for answer in answers if answer.parts_minor is not None]
    has_parts = [answer.has_parts for answer in answers if answer.has_parts is not None]
    return PricedRows(
        np.concatenate([answer.amount_minor for answer in answers]),
        np.concatenate([answer.status for answer in answers]),
        np.concatenate([answer.edition for answer in answers]),
        np.concatenate([answer.rule for answer in answers]),
        np.concatenate(parts, axis=1) if parts else None,
        np.concatenate(has_parts) if has_parts else None,
        _joined_groups([(answer.found, len(answer.status)) for answer in answers]),
    )


def _joined_groups(answers: list[tuple[FoundGroups | None, int]]) -> FoundGroups | None:
    """The groups of several answers, each of so many rows, by common names."""
    if all(found is None for found, _ in answers):
        return None
    drg_codes: dict[str, int] = {}
    rule_ids: dict[str, int] = {}
    drg: list[NDArray[np.int32]] = []
    rule: list[NDArray[np.int32]] = []
    for found, rows in answers:
        own = nothing_found(rows) if found is None else found
        for names, known, places, joined in (
            (own.drg_codes, drg_codes, own.drg, drg),
            (own.rule_ids, rule_ids, own.rule, rule),
        ):
            table = [known.setdefault(name, len(known)) for name in names]
            joined.append(np.array([*table, -1], dtype=np.int32)[places])  # -1 is the last entry
    return FoundGroups(list(drg_codes), list(rule_ids), np.concatenate(drg), np.concatenate(rule))


def unusable_answer(
    target: str, message: str, *, way_out: str = "use a client and a service of versions that fit together"
) -> ClientError:
    """The error for an answer that is wrong."""
    problem = Problem(target, None, None, message, way_out)
    return ClientError("the service answered what cannot be used", [problem])


def changed_editions(target: str, before: StreamNames, now: StreamNames) -> ClientError:
    """The service has other editions in force than those that priced the rows before."""

    def said(names: StreamNames) -> str:
        editions = ", ".join(f"{edition.id} {edition.digest[:12]}" for edition in names.editions)
        return f"{editions} (engine {names.engine_version})"

    problem = Problem(
        target,
        None,
        None,
        f"it priced by {said(before)} and now has {said(now)} in force",
        "begin again: then all cases are priced by what is in force now",
    )
    return ClientError("the service changed its schedules before all cases were priced", [problem])
