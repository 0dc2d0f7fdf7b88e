"""What the supervisor knows, as metrics, and the port they are served on."""

import socket
import urllib.request
from datetime import UTC, datetime

import pytest
from prometheus_client import CollectorRegistry

from tariffcore_server.metrics_port import MetricsPort, ServerFacts
from tariffcore_server.settings import Settings, SettingsError


def facts():
    found = ServerFacts()
    found.editions = [{"tariff_family": "kz", "schedule_id": "kz-2026", "digest": "d"}]
    found.workers, found.worker_restarts = 3, 1
    found.certificate_not_after = datetime(2027, 1, 1, tzinfo=UTC)
    found.reloaded("schedules", True)
    found.reloaded("schedules", True)
    found.reloaded("credentials", False)
    return found


def test_the_facts_are_metrics():
    registry = CollectorRegistry()
    registry.register(facts())

    def value(name, **labels):
        return registry.get_sample_value(name, labels)

    edition = {"tariff_family": "kz", "schedule_id": "kz-2026", "digest": "d"}
    assert value("tariffcore_edition_in_force", **edition) == 1
    assert value("tariffcore_workers") == 3 and value("tariffcore_worker_restarts_total") == 1
    assert value("tariffcore_reloads_total", what="schedules", outcome="done") == 2
    assert value("tariffcore_reloads_total", what="credentials", outcome="refused") == 1
    assert value("tariffcore_certificate_not_after_seconds") == 1_798_761_600


def test_without_a_certificate_there_is_no_end_of_one():
    registry = CollectorRegistry()
    registry.register(ServerFacts())
    assert registry.get_sample_value("tariffcore_certificate_not_after_seconds") is None


def test_they_are_served_while_the_block_runs(tmp_path):
    with MetricsPort(Settings(metrics_port=0), str(tmp_path), facts()) as port:
        assert port.address.startswith("127.0.0.1:")
        with urllib.request.urlopen(f"http://{port.address}/metrics", timeout=30) as page:
            assert b"tariffcore_workers 3.0" in page.read()
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://{port.address}/metrics", timeout=30)


def test_a_port_in_use_and_no_port_at_all(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        wanted = Settings(metrics_port=taken.getsockname()[1])
        with pytest.raises(SettingsError) as caught, MetricsPort(wanted, str(tmp_path), facts()):
            pass
        assert "--no-metrics" in str(caught.value)
    with MetricsPort(Settings(metrics=False), str(tmp_path), facts()) as port:
        assert port.address is None
