"""ScheduleService: what the editions say, as messages, page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TypeVar

from tariffcore.errors import ScheduleError
from tariffcore.schedule.changes import DiffRow
from tariffcore.schedule.diff import diff_schedules
from tariffcore.schedule.model import Schedule
from tariffcore.v1 import edition_pb2, schedule_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire.editions import edition_message
from tariffcore_server import schedules_out
from tariffcore_server.edition_choices import read_day
from tariffcore_server.failures import Reason, RequestError, Violation, together
from tariffcore_server.pages import mark_of, page_count, place_in, token_of, wrong_token
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

SERVICE = "tariffcore.v1.ScheduleService"
_DIFFS_KEPT = 8

_Item = TypeVar("_Item")


class ScheduleService:
    """Lists, shows, pages through and compares the editions in force."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._diffs: dict[tuple[str, str], asyncio.Task[list[DiffRow]]] = {}

    async def list_editions(
        self, request: schedule_service_pb2.ListEditionsRequest, caller: Caller
    ) -> schedule_service_pb2.ListEditionsResponse:
        """The editions of a family, or all, as of a date."""
        as_of = read_day(request.as_of, "as_of") if request.as_of else None
        editions = self._state.editions
        return schedule_service_pb2.ListEditionsResponse(
            editions=[
                edition_message(edition)
                for edition in editions.family_editions(request.tariff_family)
                if as_of is None or edition.published <= as_of
            ],
            default_tariff_family=editions.default_family or "",
            engine_version=ENGINE_VERSION,
        )

    async def get_edition(
        self, request: schedule_service_pb2.GetEditionRequest, caller: Caller
    ) -> schedule_service_pb2.GetEditionResponse:
        """One edition with its settings, rules and sources."""
        return schedules_out.edition_in_full(self._edition(request.edition, "edition"))

    async def list_groups(
        self, request: schedule_service_pb2.ListGroupsRequest, caller: Caller
    ) -> schedule_service_pb2.ListGroupsResponse:
        """A page of an edition's cost groups."""
        edition = self._edition(request.edition, "edition")
        groups, next_token = page(
            list(edition.groups.values()), request.page_size, request.page_token, ("groups", edition.digest)
        )
        return schedule_service_pb2.ListGroupsResponse(
            groups=[schedules_out.group_message(group) for group in groups],
            next_page_token=next_token,
            edition=edition_message(edition),
            engine_version=ENGINE_VERSION,
        )

    async def diff_editions(
        self, request: schedule_service_pb2.DiffEditionsRequest, caller: Caller
    ) -> schedule_service_pb2.DiffEditionsResponse:
        """A page of what changes between two editions."""
        old, new = self._both(request)
        rows, next_token = page(
            await self._changes(old, new),
            request.page_size,
            request.page_token,
            ("diff", old.digest, new.digest),
        )
        response = schedule_service_pb2.DiffEditionsResponse(
            changes=[schedules_out.change_message(row) for row in rows],
            next_page_token=next_token,
            to=edition_message(new),
            engine_version=ENGINE_VERSION,
        )
        getattr(response, "from").CopyFrom(edition_message(old))  # a word of Python's own
        return response

    def _both(self, request: schedule_service_pb2.DiffEditionsRequest) -> list[Schedule]:
        """The two editions to compare. Raises RequestError for what is wrong with either, at once."""
        found: list[Schedule] = []
        wrong: list[RequestError] = []
        for path in ("from", "to"):
            try:
                found.append(self._edition(getattr(request, path), path))
            except RequestError as error:
                wrong.append(error)
        if wrong:
            raise together(wrong)
        return found

    async def _changes(self, old: Schedule, new: Schedule) -> list[DiffRow]:
        """All changes, worked out once for all pages, off the event loop."""
        key = (old.digest, new.digest)
        task = self._diffs.pop(key, None)
        if task is None or (task.done() and task.exception() is not None):
            task = asyncio.create_task(asyncio.to_thread(lambda: diff_schedules(old, new).rows()))
        self._diffs[key] = task  # the last one asked for stands last
        while len(self._diffs) > _DIFFS_KEPT:
            del self._diffs[next(iter(self._diffs))]
        try:
            return await asyncio.shield(task)
        except ScheduleError:
            raise RequestError(
                Reason.CURRENCIES_DIFFER,
                violations=[Violation("to.schedule_id", "has another currency than 'from'")],
            ) from None

    def _edition(self, message: edition_pb2.PinnedEdition, path: str) -> Schedule:
        return self._state.editions.edition(message.schedule_id, message.digest, path)


def page(
    items: Sequence[_Item], size: int, token: str, listing: tuple[str, ...]
) -> tuple[Sequence[_Item], str]:
    """One page of a listing, and the token of the next (empty: there is none). Raises RequestError."""
    count = page_count(size)
    mark = mark_of(*listing)
    start = place_in(token, mark) if token else 0
    if token and not 0 < start < len(items):
        raise wrong_token()
    stop = start + count
    if stop >= len(items):
        return items[start:], ""
    return items[start:stop], token_of(mark, stop)
