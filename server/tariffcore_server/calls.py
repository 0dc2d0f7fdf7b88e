"""What is around every call: who calls, how many at once, how large, how long, and what an error becomes."""

from __future__ import annotations

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable
from time import perf_counter
from typing import NamedTuple, Protocol, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message

from tariffcore_server import logs
from tariffcore_server.authentication import require_role
from tariffcore_server.failures import Reason, RequestError
from tariffcore_server.limits import Limits, Places, require_size
from tariffcore_server.metrics import Metrics
from tariffcore_server.state import State
from tariffcore_server.telemetry import Tracing
from tariffcore_server.tokens import Caller, Role

_Request = TypeVar("_Request", bound=Message)
_Context = grpc.aio.ServicerContext[bytes, bytes]
_OK = grpc.StatusCode.OK
_MOMENT_SECONDS = 0.05
_MOST_MOMENTS = 20


class MessageStream(Protocol):
    """The two directions of a stream of messages as bytes."""

    async def read(self) -> bytes | None:
        """The next request message; None: the caller has sent all. Raises RequestError if it is too large."""

    async def write(self, message: bytes) -> None:
        """Sends a response message; waits while the caller is slow."""


class Calls:
    """Makes gRPC handlers of functions that know neither callers' credentials nor counts nor codes."""

    def __init__(self, state: State, limits: Limits, metrics: Metrics, tracing: Tracing) -> None:
        self.limits = limits
        self.metrics = metrics
        self.calls = Places(limits.calls, Reason.TOO_MANY_CALLS)
        self.streams = Places(limits.streams, Reason.TOO_MANY_STREAMS)
        self.must_end = asyncio.Event()
        """Set when the server stops for good: streams that are still open end as DRAINING."""
        self.stopping = asyncio.Event()
        """Set when gRPC stops listening: who was kept waiting is refused."""
        self._takes_new = True
        self._holds_refusals = False
        self._arrived = 0
        self._state = state
        self._tracing = tracing

    def unary(
        self,
        service: str,
        method: str,
        role: Role,
        request_type: type[_Request],
        answer: Callable[[_Request, Caller], Awaitable[Message]],
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The handler of a unary method that callers with the role may use."""

        async def answer_octets(message: bytes, caller: Caller) -> bytes:
            return (await answer(decoded(request_type, message), caller)).SerializeToString()

        return self.unary_of_octets(service, method, role, answer_octets)

    def unary_of_octets(
        self, service: str, method: str, role: Role, answer: Callable[[bytes, Caller], Awaitable[bytes]]
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The same for one that reads and writes the bytes of its messages itself."""

        async def work(message: bytes, context: _Context) -> bytes:
            if not self._takes_new:
                await self._refuse()
            caller = self._caller(context, role)
            with self.calls:
                require_size(message, self.limits)
                _require_time(context)
                return await answer(message, caller)

        async def handle(message: bytes, context: _Context) -> bytes:
            began = perf_counter()
            code = grpc.StatusCode.CANCELLED
            try:
                with self._tracing.call(service, method, context) as span:
                    try:
                        answered = await work(message, context)
                        code = _OK
                        return answered
                    except Exception as error:
                        told = self._told(error, method)
                        code = told.code
                        span.failed(code)
                await context.abort(*told)
            finally:
                seconds = perf_counter() - began
                after_the_answer(self.metrics.call_ended, method, code, seconds)

        return grpc.unary_unary_rpc_method_handler(handle)

    def stream(
        self,
        service: str,
        method: str,
        role: Role,
        answer: Callable[[MessageStream, Caller], Awaitable[None]],
    ) -> grpc.RpcMethodHandler[bytes, bytes]:
        """The handler of a bidirectional stream that callers with the role may open."""

        async def work(context: _Context) -> None:
            if not self._takes_new:
                await self._refuse()
            caller = self._caller(context, role)
            with self.streams, self.metrics.open_stream():
                _require_time(context)
                await self._until_the_end(answer(_Stream(context, self.limits), caller))

        async def handle(_requests: object, context: _Context) -> None:
            code = grpc.StatusCode.CANCELLED
            try:
                with self._tracing.call(service, method, context) as span:
                    try:
                        await work(context)
                        code = _OK
                        return
                    except Exception as error:
                        told = self._told(error, method)
                        code = told.code
                        span.failed(code)
                await context.abort(*told)
            finally:
                self.metrics.call_ended(method, code, None)

        return grpc.stream_stream_rpc_method_handler(handle)

    def refuse_new(self) -> None:
        """From now on calls and streams that begin end as DRAINING; those in progress go on."""
        self._takes_new = False

    async def until_done(self) -> None:
        """Waits until everything in progress is done."""
        while self.calls.taken or self.streams.taken:
            await asyncio.sleep(_MOMENT_SECONDS)

    async def until_quiet(self) -> None:
        """Waits until nobody calls: who does from now on is refused when `stopping` is set, not before.

        When gRPC is told to stop it cancels the calls that have reached the server but not their handlers.
        Callers who come back at once are all kept waiting here soon, and then there are no such calls.
        """
        self._holds_refusals = True
        for _ in range(_MOST_MOMENTS):
            seen = self._arrived
            await asyncio.sleep(_MOMENT_SECONDS)
            if seen == self._arrived:
                return

    async def _refuse(self) -> None:
        self._arrived += 1
        if self._holds_refusals:
            await self.stopping.wait()
        raise RequestError(Reason.DRAINING)

    def _caller(self, context: _Context, role: Role) -> Caller:
        authentication = self._state.authentication
        caller = authentication.caller(context.invocation_metadata() if authentication.is_asked_for else ())
        require_role(caller, role)
        return caller

    async def _until_the_end(self, answering: Awaitable[None]) -> None:
        """Answers a stream, unless the server has to stop first."""
        task = asyncio.ensure_future(answering)
        end = asyncio.ensure_future(self.must_end.wait())
        try:
            await asyncio.wait([task, end], return_when=asyncio.FIRST_COMPLETED)
            if not task.done():
                raise RequestError(Reason.DRAINING, "the server stops, and the stream did not end in time")
            await task
        finally:
            end.cancel()
            task.cancel()
            # where it is done, too: what a write to a caller who just left failed with is no mistake to log
            await asyncio.gather(task, return_exceptions=True)

    def _told(self, error: Exception, method: str) -> _Told:
        """What the caller is told; a mistake of ours is logged under an incident that names nothing sent."""
        failure = self._failure(error, method)
        told = _Told(failure.code, failure.words(), failure.trailing_metadata())
        _let_go(error)
        return told

    def _failure(self, error: Exception, method: str) -> RequestError:
        if not isinstance(error, RequestError):
            incident = secrets.token_hex(8)
            logs.error(
                "call_failed",
                method=method,
                incident=incident,
                exception=type(error).__name__,
                places=logs.places_of(error),
            )
            error = RequestError(Reason.INTERNAL, metadata={"incident": incident})
        self.metrics.refused(error.reason.value)
        return error


class _Told(NamedTuple):
    """How a call ends: the arguments of gRPC's ``abort``."""

    code: grpc.StatusCode
    words: str
    trailing_metadata: tuple[tuple[str, bytes], ...]


def _let_go(error: BaseException) -> None:
    """Frees what a failed call held: its message, and the plan of editions that may be in force no more.

    The frames of a traceback keep all of it, and those that name their exception would do so until Python
    looks for cycles in everything there is, which is seldom.
    """
    failed: BaseException | None = error
    while failed is not None:
        traceback.clear_frames(failed.__traceback__)
        failed.__traceback__ = None
        failed = failed.__context__


class _Stream:
    """A `MessageStream` over gRPC."""

    def __init__(self, context: _Context, limits: Limits) -> None:
        self._context = context
        self._limits = limits

    async def read(self) -> bytes | None:
        message = await self._context.read()
        if not isinstance(message, bytes):  # grpc.aio.EOF
            return None
        require_size(message, self._limits)
        return message

    async def write(self, message: bytes) -> None:
        try:
            await self._context.write(message)
        except grpc.aio.InternalError:
            # the caller has left, and gRPC has yet to cancel the call: nobody's mistake, and nobody to tell
            raise asyncio.CancelledError from None


def after_the_answer(count: Callable[..., None], *arguments: object) -> None:
    """Counts when the answer is on its way: nobody waits for a counter."""
    asyncio.get_running_loop().call_soon(count, *arguments)


def decoded(request_type: type[_Request], message: bytes) -> _Request:
    """The message that the bytes are. Raises RequestError."""
    try:
        return request_type.FromString(message)
    except DecodeError:
        raise RequestError(Reason.MALFORMED_MESSAGE) from None


def _require_time(context: _Context) -> None:
    left = context.time_remaining()
    if left is not None and left <= 0:
        raise RequestError(Reason.DEADLINE_PASSED)
