"""Traces by OpenTelemetry, where it is installed and asked for; one span a call, no values in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

import grpc

from tariffcore.errors import Problem
from tariffcore_server.settings import SettingsError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider


class CallSpan(Protocol):
    """The span of one call."""

    def failed(self, code: grpc.StatusCode) -> None:
        """The call ends with this code."""


class Tracing(Protocol):
    """Makes a span for each call."""

    def call(
        self, service: str, method: str, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AbstractContextManager[CallSpan]:
        """A span for as long as the block runs."""


class _NoSpan:
    def failed(self, code: grpc.StatusCode) -> None:
        pass


_NO_SPAN = nullcontext(_NoSpan())


class NoTracing:
    """Nobody asked for traces."""

    def call(
        self, service: str, method: str, context: grpc.aio.ServicerContext[Any, Any]
    ) -> AbstractContextManager[CallSpan]:
        return _NO_SPAN


class OpenTelemetryTracing:
    """Spans named as OpenTelemetry names those of RPC servers, children of the caller's own."""

    def __init__(self, provider: TracerProvider | None = None) -> None:
        from opentelemetry import propagate, trace

        self._trace = trace
        self._extract = propagate.extract
        self._tracer = trace.get_tracer("tariffcore_server", tracer_provider=provider)

    @contextmanager
    def call(
        self, service: str, method: str, context: grpc.aio.ServicerContext[Any, Any]
    ) -> Iterator[CallSpan]:
        sent = {
            key: value
            for key, value in context.invocation_metadata() or ()
            if key in ("traceparent", "tracestate") and isinstance(value, str)
        }
        with self._tracer.start_as_current_span(
            f"{service}/{method}",
            context=self._extract(sent),
            kind=self._trace.SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.service": service, "rpc.method": method},
            record_exception=False,  # texts of exceptions may quote what was sent
            set_status_on_exception=False,
        ) as span:
            yield _OpenTelemetrySpan(span, self._trace.StatusCode.ERROR)


class _OpenTelemetrySpan:
    def __init__(self, span: Any, error: Any) -> None:  # noqa: ANN401
        self._span = span
        self._error = error

    def failed(self, code: grpc.StatusCode) -> None:
        self._span.set_attribute("rpc.grpc.status_code", code.value[0])
        self._span.set_status(self._error, code.name)


def start_tracing(wanted: bool) -> Tracing:
    """Tracing as the settings want it; exporter and endpoint are OpenTelemetry's own OTEL_* variables.

    Raises SettingsError where the extra is not installed.
    """
    if not wanted:
        return NoTracing()
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        problem = Problem(
            "settings",
            "telemetry",
            None,
            "OpenTelemetry is not installed",
            "install it: pip install 'tariffcore[telemetry]'",
        )
        raise SettingsError("the server cannot start", [problem]) from None
    provider = TracerProvider(resource=Resource.create({"service.name": "tariffcore"}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    return OpenTelemetryTracing(provider)
