"""The standard health service. On the way out it says NOT_SERVING, and lets those who watch go."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

_Context = grpc.aio.ServicerContext[health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse]
_Status = health_pb2.HealthCheckResponse
MOST_WATCHERS = 1_000


class Health(health_pb2_grpc.HealthServicer):
    """Health of the server as a whole ("") and of each service: all serve, or none does any more."""

    def __init__(self, services: Sequence[str]) -> None:
        self._services = frozenset(["", *services])
        self._stopping = asyncio.Event()
        self._watchers = 0

    def stop(self) -> None:
        """From now on: NOT_SERVING."""
        self._stopping.set()

    def _status(self) -> health_pb2.HealthCheckResponse:
        return _Status(status=_Status.NOT_SERVING if self._stopping.is_set() else _Status.SERVING)

    async def Check(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> health_pb2.HealthCheckResponse:
        if request.service not in self._services:
            await context.abort(grpc.StatusCode.NOT_FOUND, "there is no such service here")
        return self._status()

    async def Watch(  # noqa: N802
        self, request: health_pb2.HealthCheckRequest, context: _Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        if self._watchers >= MOST_WATCHERS:
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "as many watch as may")
        self._watchers += 1
        try:
            if request.service not in self._services:  # the protocol asks to keep such a stream open
                yield _Status(status=_Status.SERVICE_UNKNOWN)
                await self._stopping.wait()
                return
            told = self._status()
            yield told
            if told.status == _Status.SERVING:
                await self._stopping.wait()  # it may have stopped while this was on its way
                yield self._status()
        finally:
            self._watchers -= 1
