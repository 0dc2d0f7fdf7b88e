"""PriceCaseColumns: chunks of columns in, prices in the same order out, only a few in hand at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from tariffcore.v1 import pricing_service_pb2
from tariffcore_server import logs
from tariffcore_server.calls import MessageStream, decoded
from tariffcore_server.editions_out import read_choice
from tariffcore_server.failures import Reason, RequestError, Violation
from tariffcore_server.metrics import Metrics
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

_READ_AHEAD = 2
"""Chunks that are read while one is priced: enough to keep both busy, few enough to push back."""


class ColumnStreams:
    """Answers column streams. A stream keeps the editions it began with."""

    def __init__(self, state: State, metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics

    async def answer(self, stream: MessageStream, caller: Caller) -> None:
        """Answers one stream to its end. Raises RequestError for the first thing that is wrong with it."""
        first = await stream.read()
        if first is None:
            raise _out_of_order("", "the stream ended before it began")
        message = decoded(pricing_service_pb2.PriceCaseColumnsRequest, first)
        if message.WhichOneof("message") != "start":
            raise _out_of_order("start", "the first message is no start")
        choice = read_choice(message.start.edition, "start.edition")
        editions = self._state.editions
        basis = editions.usual(choice) or await editions.basis(choice)
        raise NotImplementedError(str(basis))


@asynccontextmanager
async def read_ahead(stream: MessageStream) -> AsyncIterator[asyncio.Queue[bytes | RequestError | None]]:
    """The messages of a stream as they come, a few ahead; None after the last, an error instead of it."""
    messages: asyncio.Queue[bytes | RequestError | None] = asyncio.Queue(_READ_AHEAD)

    async def read() -> None:
        while True:
            try:
                message: bytes | RequestError | None = await stream.read()
            except RequestError as error:
                message = error
            await messages.put(message)
            if not isinstance(message, bytes):
                return

    reading = asyncio.create_task(read())
    try:
        yield messages
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


def _out_of_order(path: str, words: str) -> RequestError:
    return RequestError(Reason.STREAM_OUT_OF_ORDER, words, [Violation(path, words)] if path else [])


_ = (logs, perf_counter)
