"""AdministrationService: what the supervisor does for all workers, asked for over the wire."""

from __future__ import annotations

from typing import Protocol

from tariffcore.v1 import administration_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire.editions import edition_message
from tariffcore_server.failures import Reason, RequestError, violations_of
from tariffcore_server.reloading import Refused, ReloadedCredentials, ReloadedSchedules
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

SERVICE = "tariffcore.v1.AdministrationService"


class Reloading(Protocol):
    """Whoever can reload everything everywhere."""

    async def reload_schedules(self) -> ReloadedSchedules | Refused: ...

    async def reload_credentials(self) -> ReloadedCredentials | Refused: ...


class AdministrationService:
    """Reloads, in all workers or in none."""

    def __init__(self, state: State, reloading: Reloading) -> None:
        self._state = state
        self._reloading = reloading

    async def reload_schedules(
        self, request: administration_service_pb2.ReloadSchedulesRequest, caller: Caller
    ) -> administration_service_pb2.ReloadSchedulesResponse:
        """Puts what the folders say now in force."""
        done = await self._reloading.reload_schedules()
        if isinstance(done, Refused):
            raise _refused(done)
        book = self._state.book
        return administration_service_pb2.ReloadSchedulesResponse(
            editions=[edition_message(edition) for edition in self._state.editions.editions],
            changed=done.changed,
            workers=done.workers,
            engine_version=ENGINE_VERSION,
            settlement_rules_id="" if book is None else book.rules.id,
            settlement_rules_digest="" if book is None else book.rules.digest,
        )

    async def reload_credentials(
        self, request: administration_service_pb2.ReloadCredentialsRequest, caller: Caller
    ) -> administration_service_pb2.ReloadCredentialsResponse:
        """Puts what the files of certificates and tokens say now in force."""
        done = await self._reloading.reload_credentials()
        if isinstance(done, Refused):
            raise _refused(done)
        return administration_service_pb2.ReloadCredentialsResponse(
            tokens=done.tokens,
            certificate_not_after=done.certificate_not_after,
            workers=done.workers,
            engine_version=ENGINE_VERSION,
        )


def _refused(refused: Refused) -> RequestError:
    return RequestError(
        Reason.RELOAD_REFUSED,
        f"{refused.summary}; what was in force stays in force",
        violations_of(refused.problems),
    )
