"""A server in this process, on a free port of loopback, and what its errors say."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cache

import grpc
import trustme
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog
from tariffcore.v1 import case_pb2
from tariffcore_server.catalogs import EditionsInForce
from tariffcore_server.credentials import Certificates, Credentials, certificate_end
from tariffcore_server.metrics import Metrics
from tariffcore_server.reloading import Refused, ReloadedCredentials, ReloadedSchedules
from tariffcore_server.serving import Prepared, Server
from tariffcore_server.settings import Settings
from tariffcore_server.telemetry import NoTracing, Tracing
from tariffcore_server.tokens import Caller, Role, Token, hash_of
from tests.small_schedule import SMALL, period, share

NEXT = replace(
    SMALL,
    id="small-2026",
    published=date(2025, 12, 1),
    effective_start_date=date(2026, 1, 1),
    effective_end_date=None,
    shares=(share("inpatient", 2), *SMALL.shares[1:]),
    digest="1" * 64,
)
CORRECTED = replace(NEXT, id="small-2026b", published=date(2026, 2, 1), shares=SMALL.shares, digest="2" * 64)
OTHER = replace(
    SMALL,
    id="other",
    tariff_family="other",
    providers={"H1": (period("H1"),), "H2": (period("H2"),)},
    digest="3" * 64,
)


def editions_of(*schedules, default_family=None, plans_kept=16):
    families: dict[str, list] = {}
    for schedule in schedules:
        families.setdefault(schedule.tariff_family, []).append(schedule)
    catalogs = {family: Catalog.of(of_family) for family, of_family in families.items()}
    plans = {family: Plan(catalog) for family, catalog in catalogs.items()}
    if default_family is None and len(families) == 1:
        default_family = next(iter(families))
    return EditionsInForce(catalogs, plans, default_family, plans_kept)


@cache
def test_editions():
    return editions_of(SMALL, NEXT, CORRECTED, OTHER, default_family="test")


test_editions.__test__ = False


def case(case_id="1", /, **fields):
    """A case of the small schedule: 1,234.50 in 2025."""
    usual = {
        "drg_code": "G1",
        "care_setting": "inpatient",
        "admission_date": "2025-03-04",
        "discharge_date": "2025-03-10",
        "age_years": 40,
    }
    return case_pb2.Case(case_id=case_id, **{**usual, **fields})


def token(text, *roles, name=None, providers=None):
    return Token(
        hash_of(text),
        Caller(name or text, frozenset(Role(role) for role in roles), providers and frozenset(providers)),
    )


class ReloadingByHand:
    """Answers reloads with what the test wants."""

    def __init__(self):
        self.schedules = ReloadedSchedules(changed=False, workers=1)
        self.credentials = ReloadedCredentials(0, "", 1)

    async def reload_schedules(self) -> ReloadedSchedules | Refused:
        return self.schedules

    async def reload_credentials(self) -> ReloadedCredentials | Refused:
        return self.credentials


@dataclass
class Running:
    """A server that runs in a thread of its own."""

    server: Server
    address: str
    registry: CollectorRegistry
    reloading: ReloadingByHand
    loop: asyncio.AbstractEventLoop

    def call_in_loop(self, function: Callable[[], object]):
        """What the function answers in the server's own thread."""

        async def run():
            return function()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(30)

    def run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(30)

    def put_in_force(self, **what):
        self.call_in_loop(lambda: self.server.put_in_force(Prepared(**what)))

    def metric(self, name, /, **labels):
        """A sample, after whatever the server still has to count."""
        return self.call_in_loop(lambda: self.registry.get_sample_value(name, labels))

    @contextmanager
    def channel(self, options=(), *, credentials=None, target=None) -> Iterator[grpc.Channel]:
        address = target or self.address
        channel = (
            grpc.insecure_channel(address, options)
            if credentials is None
            else grpc.secure_channel(address, credentials, options)
        )
        with channel:
            yield channel


@contextmanager
def running_server(
    *, editions=None, credentials=None, tracing: Tracing | None = None, book=None, **settings
) -> Iterator[Running]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    registry = CollectorRegistry()
    reloading = ReloadingByHand()
    wanted = Settings(port=0, drain_timeout=settings.pop("drain_timeout", 0), **settings)

    async def start():
        server = Server(
            wanted,
            editions or test_editions(),
            credentials or Credentials(),
            Metrics(registry),
            tracing or NoTracing(),
            reloading,
            book,
        )
        return server, await server.listen("127.0.0.1", 0)

    try:
        server, port = asyncio.run_coroutine_threadsafe(start(), loop).result(30)
        running = Running(server, f"127.0.0.1:{port}", registry, reloading, loop)
        try:
            yield running
        finally:
            running.run(server.drain(0))
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()


@dataclass(frozen=True)
class Told:
    """What an error said."""

    code: grpc.StatusCode
    words: str
    reason: str | None
    metadata: dict[str, str]
    fields: list[str]
    retry_after_ms: int | None
    preconditions: list[str]


def failure_of(call: Callable[[], object]) -> Told:
    """How a call failed; it must fail."""
    try:
        call()
    except grpc.RpcError as error:
        return told(error)
    raise AssertionError("the call did not fail")


def told(error) -> Told:
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    info, bad, retry, precondition = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
        error_details_pb2.PreconditionFailure(),
    )
    has_retry = False
    if packed is not None:
        status = status_pb2.Status.FromString(packed)
        assert status.code == error.code().value[0] and status.message == error.details()
        for detail in status.details:
            found = [each for each in (info, bad, retry, precondition) if detail.Unpack(each)]
            assert len(found) == 1
            has_retry = has_retry or found[0] is retry
        assert info.domain == "tariffcore"
    return Told(
        error.code(),
        error.details(),
        info.reason or None,
        dict(info.metadata),
        [violation.field for violation in bad.field_violations],
        retry.retry_delay.ToMilliseconds() if has_retry else None,
        [violation.description for violation in precondition.violations],
    )


@cache
def authority(name="tests") -> trustme.CA:
    return trustme.CA(organization_name=name)


def certificates(name="localhost", *, client_ca: trustme.CA | None = None) -> Certificates:
    made = authority().issue_cert(name, "127.0.0.1")
    chain = b"".join(blob.bytes() for blob in made.cert_chain_pems)
    return Certificates(
        chain,
        made.private_key_pem.bytes(),
        None if client_ca is None else client_ca.cert_pem.bytes(),
        certificate_end(chain),
    )
