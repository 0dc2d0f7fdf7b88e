"""Tracing is there when asked for and installed, and costs nothing otherwise."""

import sys

import pytest

from tariffcore_server.settings import SettingsError
from tariffcore_server.telemetry import NoTracing, start_tracing


def test_nobody_asked_for_traces():
    tracing = start_tracing(False)
    assert isinstance(tracing, NoTracing)
    with tracing.call("S", "M", None) as span:
        span.failed(None)


def test_without_the_extra_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.grpc.trace_exporter", None)
    with pytest.raises(SettingsError) as caught:
        start_tracing(True)
    assert "pip install 'tariffcore[telemetry]'" in str(caught.value)
