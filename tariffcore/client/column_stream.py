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
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from tariffcore.client.case_columns import CaseColumns, Words
from tariffcore.client.case_messages import EditionChoice
from tariffcore.client.column_answers import PricedRows, StreamNames, joined, priced_rows, read_started
from tariffcore.client.service_error import ClientError
from tariffcore.errors import Problem
from tariffcore.v1 import case_columns_pb2, pricing_service_pb2
from tariffcore.wire import messages
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


def start_message(edition: EditionChoice, *, components: bool) -> bytes:
    """The first message of a stream."""
    start = case_columns_pb2.ColumnStreamStart(
        edition=edition.message(), with_components=components, with_rules=True
    )
    return pricing_service_pb2.PriceCaseColumnsRequest(start=start).SerializeToString()


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
        return answers[0] if len(answers) == 1 else joined(answers)

    def _prices(self, message: bytes, rows: int) -> PricedRows:
        assert self.names is not None
        answer = messages.read_priced(message)
        if answer.rows != rows:
            raise ValueError(f"{rows} rows were sent and {answer.rows} came back")
        return priced_rows(answer, self.names, components=self._components)

    def _read(self, read: Callable[..., _T], *arguments: object) -> _T:
        try:
            return read(*arguments)
        except Exception as error:  # a message that is none, or says what cannot be
            raise unusable_answer(self._target, f"an answer cannot be read: {error}") from error


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
