"""The metrics of all workers together, on the supervisor's own port."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import TracebackType
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector

from tariffcore.errors import Problem
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.settings import Settings, SettingsError


@dataclass(eq=False)
class ServerFacts(Collector):
    """What the supervisor knows, as metrics."""

    editions: list[dict[str, str]] = field(default_factory=list)
    workers: int = 0
    worker_restarts: int = 0
    certificate_not_after: datetime | None = None
    reloads: dict[tuple[str, str], int] = field(default_factory=dict)
    metrics_folder: str = ""

    def reloaded(self, what: str, done: bool) -> None:
        """Counts a reload."""
        key = (what, "done" if done else "refused")
        self.reloads[key] = self.reloads.get(key, 0) + 1

    def worker_ended(self, pid: int) -> None:
        """What it had in progress it has no more."""
        if self.metrics_folder:
            mark_process_dead(pid, self.metrics_folder)  # type: ignore[no-untyped-call]

    def collect(self) -> Iterator[Metric]:
        """Called at every scrape."""
        engine = GaugeMetricFamily(
            "tariffcore_engine", "Version of the calculating engine.", labels=["version"]
        )
        engine.add_metric([ENGINE_VERSION], 1)
        yield engine
        editions = GaugeMetricFamily(
            "tariffcore_edition_in_force",
            "1 for every edition in force.",
            labels=["tariff_family", "schedule_id", "digest"],
        )
        for edition in self.editions:
            editions.add_metric([edition["tariff_family"], edition["schedule_id"], edition["digest"]], 1)
        yield editions
        yield GaugeMetricFamily("tariffcore_workers", "Worker processes that serve.", value=self.workers)
        yield CounterMetricFamily(
            "tariffcore_worker_restarts", "Workers started again after they died.", value=self.worker_restarts
        )
        reloads = CounterMetricFamily("tariffcore_reloads", "Reloads.", labels=["what", "outcome"])
        for (what, outcome), count in self.reloads.copy().items():
            reloads.add_metric([what, outcome], count)
        yield reloads
        if self.certificate_not_after is not None:
            yield GaugeMetricFamily(
                "tariffcore_certificate_not_after_seconds",
                "Unix time at which the server certificate ends.",
                value=self.certificate_not_after.timestamp(),
            )


class MetricsPort:
    """Serves the metrics over HTTP for as long as the block runs, where they are wanted."""

    def __init__(self, settings: Settings, folder: str, facts: ServerFacts) -> None:
        self._settings = settings
        self._registry = CollectorRegistry()
        MultiProcessCollector(self._registry, folder)  # type: ignore[no-untyped-call]
        facts.metrics_folder = folder
        self._registry.register(facts)
        self._server: WSGIServer | None = None
        self._thread: threading.Thread | None = None
        self.address: str | None = None

    def __enter__(self) -> MetricsPort:
        settings = self._settings
        if not settings.metrics:
            return self
        host = "127.0.0.1" if settings.metrics_host == "localhost" else settings.metrics_host
        try:
            self._server, self._thread = start_http_server(settings.metrics_port, host, self._registry)
        except OSError as error:
            problem = Problem(
                "settings",
                "metrics_port",
                f"{host}:{settings.metrics_port}",
                f"cannot be opened ({error.strerror})",
                "choose another with --metrics-port, or say --no-metrics",
            )
            raise SettingsError("the metrics cannot be served", [problem]) from None
        self.address = f"{host}:{self._server.server_port}"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._server.server_close()
            self._thread.join()
