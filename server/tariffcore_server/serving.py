"""One gRPC server in this process: its services, its port, its way out."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from grpc_health.v1 import health_pb2_grpc

from tariffcore.v1 import (
    administration_service_pb2,
    pricing_service_pb2,
    schedule_service_pb2,
    settlement_service_pb2,
)
from tariffcore_server import administration_service, pricing_service, schedule_service, settlement_service
from tariffcore_server.administration_service import AdministrationService, Reloading
from tariffcore_server.authentication import Authentication
from tariffcore_server.calls import Calls
from tariffcore_server.catalogs import EditionsInForce
from tariffcore_server.certificates import CertificatesInForce
from tariffcore_server.column_streams import ColumnStreams
from tariffcore_server.credentials import Credentials
from tariffcore_server.health import Health
from tariffcore_server.limits import HARD_MESSAGE_FACTOR, Limits
from tariffcore_server.metrics import Metrics
from tariffcore_server.price_lists import PriceLists
from tariffcore_server.pricing_service import PricingService
from tariffcore_server.schedule_service import ScheduleService
from tariffcore_server.settings import Settings
from tariffcore_server.settlement_service import SettlementService
from tariffcore_server.state import State
from tariffcore_server.telemetry import Tracing
from tariffcore_server.tokens import Role

if TYPE_CHECKING:  # needs the extra "settlement", which a server without a book does not
    from tariffcore.settlement.book.reading import ReadBook
    from tariffcore.settlement.rules import SettlementRules

SERVICES = (pricing_service.SERVICE, schedule_service.SERVICE, administration_service.SERVICE)
"""The services of every server; one with a book has SettlementService too."""

_SOME_MORE = 64
"""Calls beyond the limits that gRPC lets in, to be told so by the service with details."""

_LAST_SECONDS = 4
"""What streams get that are told to end, and then answers that are on their way."""


def limits_of(settings: Settings) -> Limits:
    """The bounds of one worker."""
    return Limits(
        message_bytes=settings.max_message_bytes,
        cases=settings.max_cases,
        calls=settings.max_calls,
        streams=settings.max_streams,
    )


@dataclass(slots=True)
class Prepared:
    """Read and ready, not yet in force."""

    editions: EditionsInForce | None = None
    rules: SettlementRules | None = None
    credentials: Credentials | None = None


class Server:
    """The services over one set of editions and credentials, both of which can be replaced while it runs.

    ``book`` None: there is no SettlementService. The rules that it is read by are replaced with the editions.
    """

    def __init__(
        self,
        settings: Settings,
        editions: EditionsInForce,
        credentials: Credentials,
        metrics: Metrics,
        tracing: Tracing,
        reloading: Reloading,
        book: ReadBook | None = None,
    ) -> None:
        self._settings = settings
        self._services = SERVICES if book is None else (*SERVICES, settlement_service.SERVICE)
        self.state = State(editions, Authentication(credentials.tokens), book)
        certificates = credentials.certificates
        self._certificates = None if certificates is None else CertificatesInForce(certificates)
        self.health = Health(self._services)
        limits = limits_of(settings)
        self.calls = Calls(self.state, limits, metrics, tracing)
        most = limits.calls + limits.streams + _SOME_MORE
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", limits.message_bytes * HARD_MESSAGE_FACTOR),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 16 << 10),
                ("grpc.max_concurrent_streams", most),
                ("grpc.server_handshake_timeout_ms", settings.handshake_timeout * 1000),
                (
                    "grpc.max_allowed_incoming_connections",
                    max(1, settings.max_connections // settings.workers),
                ),
                ("grpc.http2.max_ping_strikes", 2),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),
                ("grpc.keepalive_time_ms", 60_000),  # finds callers that vanished without a word
                ("grpc.keepalive_timeout_ms", 20_000),
            ],
            maximum_concurrent_rpcs=4 * most,
        )
        self._add_services(limits, metrics, reloading)
        if book is not None:
            self._add_settlement(SettlementService(self.state))

    def _add_services(self, limits: Limits, metrics: Metrics, reloading: Reloading) -> None:
        pricing = PricingService(self.state, metrics)
        lists = PriceLists(self.state, limits, metrics)
        columns = ColumnStreams(self.state, metrics)
        schedules = ScheduleService(self.state)
        administration = AdministrationService(self.state, reloading)
        unary, requests = self.calls.unary, pricing_service_pb2
        name = pricing_service.SERVICE
        self._grpc.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    name,
                    {
                        "PriceCase": unary(
                            name, "PriceCase", Role.PRICE, requests.PriceCaseRequest, pricing.price_case
                        ),
                        "PriceCases": self.calls.unary_of_octets(
                            name, "PriceCases", Role.PRICE, lists.answer
                        ),
                        "PriceCaseColumns": self.calls.stream(
                            name, "PriceCaseColumns", Role.PRICE, columns.answer
                        ),
                    },
                )
            ]
        )
        name, asked = schedule_service.SERVICE, schedule_service_pb2
        self._grpc.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    name,
                    {
                        "ListEditions": unary(
                            name,
                            "ListEditions",
                            Role.READ,
                            asked.ListEditionsRequest,
                            schedules.list_editions,
                        ),
                        "GetEdition": unary(
                            name, "GetEdition", Role.READ, asked.GetEditionRequest, schedules.get_edition
                        ),
                        "ListGroups": unary(
                            name, "ListGroups", Role.READ, asked.ListGroupsRequest, schedules.list_groups
                        ),
                        "DiffEditions": unary(
                            name,
                            "DiffEditions",
                            Role.READ,
                            asked.DiffEditionsRequest,
                            schedules.diff_editions,
                        ),
                    },
                )
            ]
        )
        name, ordered = administration_service.SERVICE, administration_service_pb2
        self._grpc.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    name,
                    {
                        "ReloadSchedules": unary(
                            name,
                            "ReloadSchedules",
                            Role.ADMIN,
                            ordered.ReloadSchedulesRequest,
                            administration.reload_schedules,
                        ),
                        "ReloadCredentials": unary(
                            name,
                            "ReloadCredentials",
                            Role.ADMIN,
                            ordered.ReloadCredentialsRequest,
                            administration.reload_credentials,
                        ),
                    },
                )
            ]
        )
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self._grpc)
        if self._settings.reflection:
            from grpc_reflection.v1alpha import reflection

            reflection.enable_server_reflection(
                [*self._services, "grpc.health.v1.Health", reflection.SERVICE_NAME], self._grpc
            )

    def _add_settlement(self, settlement: SettlementService) -> None:
        name, asked, unary = settlement_service.SERVICE, settlement_service_pb2, self.calls.unary
        self._grpc.add_generic_rpc_handlers(
            [
                grpc.method_handlers_generic_handler(
                    name,
                    {
                        "ListSettledMonths": unary(
                            name,
                            "ListSettledMonths",
                            Role.READ,
                            asked.ListSettledMonthsRequest,
                            settlement.list_settled_months,
                        ),
                        "GetStatement": unary(
                            name,
                            "GetStatement",
                            Role.READ,
                            asked.GetStatementRequest,
                            settlement.get_statement,
                        ),
                        "ListLostLines": unary(
                            name,
                            "ListLostLines",
                            Role.READ,
                            asked.ListLostLinesRequest,
                            settlement.list_lost_lines,
                        ),
                        "GetFundMonth": unary(
                            name,
                            "GetFundMonth",
                            Role.READ,
                            asked.GetFundMonthRequest,
                            settlement.get_fund_month,
                        ),
                    },
                )
            ]
        )

    async def listen(self, host: str, port: int) -> int:
        """Opens the port and serves. Returns its number. Raises OSError if it cannot be opened."""
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if self._certificates is None:
                opened = self._grpc.add_insecure_port(address)
            else:
                opened = self._grpc.add_secure_port(address, self._certificates.server_credentials())
        except RuntimeError:
            opened = 0
        if not opened:
            raise OSError(f"the port {address} cannot be opened")
        await self._grpc.start()
        return opened

    def put_in_force(self, prepared: Prepared) -> None:
        """New calls and streams find what was prepared; those in progress keep what they began with."""
        if prepared.editions is not None:
            self.state.editions = prepared.editions
        if prepared.rules is not None and self.state.book is not None:
            self.state.book = self.state.book.with_rules(prepared.rules)
        if prepared.credentials is not None:
            self.state.authentication = Authentication(prepared.credentials.tokens)
            if self._certificates is not None and prepared.credentials.certificates is not None:
                self._certificates.replace(prepared.credentials.certificates)

    async def drain(self, timeout_seconds: float) -> None:
        """Takes nothing new and ends when what is in progress has ended, or the time is over."""
        self.health.stop()
        self.calls.refuse_new()
        if timeout_seconds <= 0:
            await self._grpc.stop(None)
            return
        with suppress(TimeoutError):
            await asyncio.wait_for(self.calls.until_done(), timeout_seconds)
        self.calls.must_end.set()
        with suppress(TimeoutError):
            await asyncio.wait_for(self.calls.until_done(), _LAST_SECONDS)
        await self.calls.until_quiet()
        stopping = asyncio.create_task(self._grpc.stop(_LAST_SECONDS))
        await asyncio.sleep(0)  # connections have been told by now to call elsewhere
        self.calls.stopping.set()
        await stopping
