"""PriceCaseColumns: chunks of columns in, prices in the same order out, one in hand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from tariffcore.pricing import default_threads
from tariffcore.v1 import pricing_service_pb2
from tariffcore.wire.errors import RowCountError, WireError
from tariffcore.wire.stream import MAX_ROWS, CaseStream
from tariffcore_server.calls import MessageStream, decoded
from tariffcore_server.edition_choices import read_choice
from tariffcore_server.failures import Reason, RequestError, Violation
from tariffcore_server.limits import require_rows
from tariffcore_server.metrics import Metrics
from tariffcore_server.pricing_service import NOT_YOURS
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

_SECONDS_BETWEEN_COUNTS = 0.25
"""Counting the rows and the time of a chunk takes tens of microseconds, and more where the chunk has just
filled the caches: those of several are counted at once."""


class ColumnStreams:
    """Answers column streams. A stream keeps the editions it began with."""

    def __init__(self, state: State, metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(default_threads(), thread_name_prefix="chunks")

    async def answer(self, stream: MessageStream, caller: Caller) -> None:
        """Answers one stream to its end. Raises RequestError for the first thing that is wrong with it."""
        cases = await self._begin(await stream.read(), caller)
        started = pricing_service_pb2.PriceCaseColumnsResponse(started=cases.started())
        await stream.write(started.SerializeToString())
        took: list[float] = []
        counted = perf_counter()
        try:
            while (message := await stream.read()) is not None:
                began = perf_counter()
                answer = await self._priced(cases, message)
                now = perf_counter()
                took.append(now - began)
                await stream.write(answer)
                if now - counted > _SECONDS_BETWEEN_COUNTS:
                    self._count(cases, took)
                    counted = now
        finally:
            self._count(cases, took)

    async def _begin(self, first: bytes | None, caller: Caller) -> CaseStream:
        if first is None:
            raise _out_of_order("the stream ended before it began")
        message = decoded(pricing_service_pb2.PriceCaseColumnsRequest, first)
        if message.WhichOneof("message") != "start":
            raise _out_of_order("the first message is no start")
        choice = read_choice(message.start.edition, "start.edition")
        editions = self._state.editions
        try:
            basis = editions.usual(choice) or await editions.basis(choice)
        except RequestError as error:
            raise error.below("start") from None
        return CaseStream(
            basis.plan,
            with_components=message.start.with_components,
            with_rules=message.start.with_rules,
            check_providers=_only(caller.providers),
        )

    def _count(self, cases: CaseStream, took: list[float]) -> None:
        self._metrics.rows_answered("PriceCaseColumns", cases.take_status_counts())
        self._metrics.chunks_answered(took)
        took.clear()

    async def _priced(self, cases: CaseStream, message: bytes) -> bytes:
        """The answer to a chunk.

        It is priced here and now: that takes less than gRPC takes to hand the message over, and to wait for a
        thread takes more.  Only what may take long goes to one.
        """
        try:
            answer = cases.price_soon(message)
            if answer is None:
                answer = await asyncio.get_running_loop().run_in_executor(self._threads, cases.price, message)
        except WireError as error:
            raise _refused(error, message) from None
        return answer


def _only(allowed: frozenset[str] | None) -> Callable[[Sequence[str]], None] | None:
    """Refuses provider ids that the caller may not price for."""
    if allowed is None:
        return None

    def check(provider_ids: Sequence[str]) -> None:
        refused = [
            Violation(f"chunk.new_provider_ids[{place}]", NOT_YOURS)
            for place, provider_id in enumerate(provider_ids)
            if provider_id not in allowed
        ]
        if refused:
            raise RequestError(Reason.PROVIDER_NOT_ALLOWED, violations=refused)

    return check


def _refused(error: WireError, message: bytes) -> RequestError:
    """What a chunk that cannot be read is to the caller."""
    if isinstance(error, RowCountError):
        require_rows(decoded(pricing_service_pb2.PriceCaseColumnsRequest, message).chunk.rows, MAX_ROWS)
    first = error.problems[0]
    return RequestError(
        REASON_OF_WIRE_ERROR[error.reason],
        f"{first.field}: {first.message}",
        [Violation(p.field or "chunk", f"{p.message}; {p.way_out}") for p in error.problems],
    )


REASON_OF_WIRE_ERROR = {
    "MESSAGE_UNREADABLE": Reason.MALFORMED_MESSAGE,
    "CHUNK_MISSING": Reason.STREAM_OUT_OF_ORDER,
    "ROW_COUNT_INVALID": Reason.INVALID_CHUNK,
    "COLUMN_LENGTH_UNEQUAL": Reason.UNEQUAL_COLUMNS,
    "PLACE_BEYOND_TABLE": Reason.PLACE_BEYOND_TABLE,
    "WORD_TWICE": Reason.WORD_TWICE,
    "TOO_MANY_WORDS": Reason.CODE_TABLES_FULL,
    "ROW_PROBLEM_UNKNOWN": Reason.INVALID_CHUNK,
    "CHUNK_INVALID": Reason.INVALID_CHUNK,
}
"""Which row of the table each error of reading a chunk is; a test finds every such error here."""


def _out_of_order(words: str) -> RequestError:
    return RequestError(Reason.STREAM_OUT_OF_ORDER, words, [Violation("start", words)])
