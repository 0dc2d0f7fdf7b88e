"""What the server counts, for Prometheus. Labels are methods, codes, statuses and editions: never a case."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager

import grpc
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from tariffcore.statuses import CaseStatus

_SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60)
"""Bounds of the latency histogram: one case takes under a millisecond, a list tens of them."""


class Metrics:
    """The counters of one worker process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._calls = Counter(
            "tariffcore_calls",
            "Calls that ended, by method and status code.",
            ["method", "code"],
            registry=registry,
        )
        self._seconds = Histogram(
            "tariffcore_call_seconds",
            "How long unary calls took in the server.",
            ["method"],
            buckets=_SECONDS,
            registry=registry,
        )
        self._stream_seconds = Histogram(
            "tariffcore_chunk_seconds",
            "How long chunks of column streams took.",
            buckets=_SECONDS,
            registry=registry,
        )
        self._cases = Counter(
            "tariffcore_cases",
            "Cases answered, by method and case status.",
            ["method", "status"],
            registry=registry,
        )
        self._refused = Counter(
            "tariffcore_refused_calls",
            "Calls that ended with an error of the table, by reason.",
            ["reason"],
            registry=registry,
        )
        self._open_streams = Gauge(
            "tariffcore_open_streams",
            "Column streams that are open now.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        # finding a counter by its labels takes as long as counting
        self._ended: dict[tuple[str, int], Counter] = {}
        self._took: dict[str, Histogram] = {}
        self._of_statuses: dict[tuple[str, int], Counter] = {}

    def call_ended(self, method: str, code: grpc.StatusCode, seconds: float | None) -> None:
        """A call ended; ``seconds`` None for streams, whose length says nothing."""
        number = code.value[0]
        ended = self._ended.get((method, number))
        if ended is None:
            ended = self._ended[method, number] = self._calls.labels(method, code.name)
        ended.inc()
        if seconds is not None:
            took = self._took.get(method)
            if took is None:
                took = self._took[method] = self._seconds.labels(method)
            took.observe(seconds)

    def refused(self, reason: str) -> None:
        self._refused.labels(reason).inc()

    def chunks_answered(self, seconds: Iterable[float]) -> None:
        """How long each of some chunks took."""
        for each in seconds:
            self._stream_seconds.observe(each)

    def cases_answered(self, method: str, statuses: Iterable[int]) -> None:
        """Single cases, by the numbers of their statuses."""
        for number, count in Tally(statuses).items():
            self._of_status(method, number).inc(count)

    def rows_answered(self, method: str, counts: Sequence[int]) -> None:
        """How many rows of a chunk came to each status, by its number."""
        for number, count in enumerate(counts):
            if count:
                self._of_status(method, number).inc(count)

    def _of_status(self, method: str, number: int) -> Counter:
        child = self._of_statuses.get((method, number))
        if child is None:
            child = self._cases.labels(method, CaseStatus(number).name)
            self._of_statuses[method, number] = child
        return child

    def open_stream(self) -> AbstractContextManager[None]:
        """Counts a stream for as long as the block runs."""
        return self._open_streams.track_inprogress()
