"""Questions and answers between the supervisor and a worker: JSON frames over a socket pair, both ways."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import count

_MOST_BYTES = 64 << 20

Packed = dict[str, object]
Handler = Callable[[Packed], Awaitable[Packed]]


class ChannelClosedError(Exception):
    """The other process is gone."""


class ControlChannel:
    """One end. ``handlers`` answer the other end's questions; `ask` asks one."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[Packed]] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._answering: set[asyncio.Task[None]] = set()
        self.closed = asyncio.Event()
        """Set when the other process is gone."""

    async def open(self, end: socket.socket) -> None:
        """Begins to listen to the other end."""
        reader, self._writer = await asyncio.open_unix_connection(sock=end)
        self._listening = asyncio.create_task(self._listen(reader))

    async def ask(self, question: str, **facts: object) -> Packed:
        """What the other end answers. Raises ChannelClosedError if it goes away instead."""
        if self.closed.is_set():
            raise ChannelClosedError
        number = next(self._numbers)
        answer = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            await self._send({"number": number, "question": question, "facts": facts})
            found: Packed = await answer
            return found
        except OSError:
            raise ChannelClosedError from None
        finally:
            self._waiting.pop(number, None)

    async def close(self) -> None:
        """Says nothing more."""
        if self._writer is not None:
            self._writer.close()
        await self.closed.wait()

    async def _send(self, frame: Packed) -> None:
        assert self._writer is not None
        content = json.dumps(frame).encode()
        self._writer.write(len(content).to_bytes(4, "big") + content)
        await self._writer.drain()

    async def _listen(self, reader: asyncio.StreamReader) -> None:
        try:
            while True:
                length = int.from_bytes(await reader.readexactly(4), "big")
                if length > _MOST_BYTES:
                    break
                frame = json.loads(await reader.readexactly(length))
                if "question" in frame:
                    task = asyncio.create_task(self._answer(frame))
                    self._answering.add(task)
                    task.add_done_callback(self._answering.discard)
                elif (waiting := self._waiting.get(frame["number"])) is not None and not waiting.done():
                    waiting.set_result(frame["answer"])
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            self.closed.set()
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(ChannelClosedError())
            if self._writer is not None:
                self._writer.close()

    async def _answer(self, frame: Packed) -> None:
        facts = frame["facts"]
        assert isinstance(facts, dict)
        answer = await self._handlers[str(frame["question"])](facts)
        with suppress(OSError):  # if the other end is gone, nobody waits for the answer
            await self._send({"number": frame["number"], "answer": answer})
