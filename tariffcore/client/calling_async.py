"""Calls to the service from an event loop: `AsyncClient`, which does what `Client` does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import pyarrow as pa

from tariffcore.batch import priced_table
from tariffcore.cases import Case
from tariffcore.client.calling import (
    COLUMN_STREAM_METHOD,
    DEADLINE_SECONDS,
    PAGE_SIZE,
    broken,
    connection_of,
    differences_request,
    editions_request,
    in_parts,
    list_request,
    readable,
    sendable,
)
from tariffcore.client.case_columns import CaseColumns, ReadCases, read_case_columns
from tariffcore.client.case_messages import (
    LATEST,
    EditionChoice,
    PricedCase,
    PricedList,
    priced_case,
    priced_list,
)
from tariffcore.client.column_answers import PricedRows, StreamNames, no_rows
from tariffcore.client.column_stream import (
    CHUNKS_IN_FLIGHT,
    Exchange,
    StreamFullError,
    start_message,
    unusable_answer,
)
from tariffcore.client.connection import Connection
from tariffcore.client.prices import priced_cases
from tariffcore.client.retrying import Patience
from tariffcore.client.service_error import ServiceError, failure_of
from tariffcore.v1 import (
    administration_service_pb2,
    administration_service_pb2_grpc,
    edition_pb2,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
    schedule_service_pb2,
    schedule_service_pb2_grpc,
    settlement_service_pb2,
    settlement_service_pb2_grpc,
)

_T = TypeVar("_T")


class AsyncClient:
    """Calls the service from one event loop; use it as an asynchronous context manager, or close it.

    Arguments, errors and retries are those of `tariffcore.client.Client`.
    """

    def __init__(
        self,
        connection: Connection | str,
        *,
        deadline_seconds: float = DEADLINE_SECONDS,
        backoff_seconds: float = 0.2,
    ) -> None:
        self.connection = connection_of(connection)
        self._deadline_seconds = deadline_seconds
        self._backoff_seconds = backoff_seconds
        self._channel = _open_channel(self.connection)
        self._pricing = pricing_service_pb2_grpc.PricingServiceStub(self._channel)
        self._schedules = schedule_service_pb2_grpc.ScheduleServiceStub(self._channel)
        self._settlement = settlement_service_pb2_grpc.SettlementServiceStub(self._channel)
        self._administration = administration_service_pb2_grpc.AdministrationServiceStub(self._channel)

    async def close(self) -> None:
        """Ends the connection; calls under way fail."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    # -- prices ------------------------------------------------------------------------------------

    async def price_case(
        self,
        case: Case,
        edition: EditionChoice = LATEST,
        *,
        components: bool = False,
        explanation: bool = False,
        explanation_text: bool = False,
        language: str = "en",
        deadline_seconds: float | None = None,
    ) -> PricedCase:
        """The price of one case, with its reason where there is none; on request how it came about."""
        request = pricing_service_pb2.PriceCaseRequest(
            case=sendable(case),
            edition=edition.message(),
            with_components=components,
            with_explanation=explanation,
            with_text=explanation_text,
            language=language,
        )
        answer = await self._call(self._pricing.PriceCase, request, deadline_seconds)
        return readable(self.connection, priced_case, answer)

    async def price_cases(
        self,
        cases: Sequence[Case],
        edition: EditionChoice = LATEST,
        *,
        components: bool = False,
        reasons: bool = False,
        language: str = "en",
        deadline_seconds: float | None = None,
    ) -> PricedList:
        """The prices of 1 to 5,000 cases in their order, from one state of the service's schedules."""
        request = list_request(cases, edition, components, reasons, language)
        answer = await self._call(self._pricing.PriceCases, request, deadline_seconds)
        return readable(self.connection, priced_list, answer, len(cases))

    async def price_table(
        self,
        cases: pa.Table,
        edition: EditionChoice = LATEST,
        *,
        components: bool = False,
        deadline_seconds: float | None = None,
    ) -> pa.Table:
        """Every row of a table of cases priced, as `Client.price_table`; the loop stays free meanwhile."""
        until = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        patience = Patience(backoff_seconds=self._backoff_seconds, until=until)
        stream = AsyncColumnStream(self._channel, self.connection, edition, patience, components=components)
        priced: list[pa.Table] = []
        async with stream:
            reads: list[tuple[pa.Table, ReadCases]] = []

            async def columns() -> AsyncIterator[CaseColumns]:
                for part in in_parts(cases):
                    names = stream.names
                    read = await asyncio.to_thread(
                        read_case_columns,
                        part,
                        names.editions[0].minor_units,
                        groups=names.groups_cases,
                    )
                    reads.append((part, read))
                    if len(read):
                        yield read.columns

            async for rows in stream.price_columns(columns()):
                part, read = reads.pop(0)
                prices = priced_cases(stream.names, read, rows)
                priced.append(await asyncio.to_thread(priced_table, part, prices))
            for part, read in reads:  # a table without rows
                priced.append(priced_table(part, priced_cases(stream.names, read, no_rows(stream.names))))
        return pa.concat_tables(priced).unify_dictionaries()

    # -- schedules ---------------------------------------------------------------------------------

    async def list_editions(
        self, tariff_family: str = "", *, as_of: date | str = ""
    ) -> schedule_service_pb2.ListEditionsResponse:
        """The editions of a family, oldest first; of every family where none is named."""
        request = editions_request(tariff_family, as_of)
        return await self._call(self._schedules.ListEditions, request, None)

    async def get_edition(
        self, schedule_id: str, digest: str = ""
    ) -> schedule_service_pb2.GetEditionResponse:
        """Settings, rules and sources of one edition."""
        pinned = edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest)
        request = schedule_service_pb2.GetEditionRequest(edition=pinned)
        return await self._call(self._schedules.GetEdition, request, None)

    async def groups(self, schedule_id: str, digest: str = "") -> AsyncIterator[schedule_service_pb2.Group]:
        """Every cost group of an edition, fetched page by page."""
        request = schedule_service_pb2.ListGroupsRequest(
            edition=edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest), page_size=PAGE_SIZE
        )
        while True:
            page = await self._call(self._schedules.ListGroups, request, None)
            for group in page.groups:
                yield group
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def differences(
        self, old: str | edition_pb2.PinnedEdition, new: str | edition_pb2.PinnedEdition
    ) -> AsyncIterator[schedule_service_pb2.EditionChange]:
        """What changes from one edition to another (by "ID" or "ID@DIGEST"), fetched page by page."""
        request = differences_request(old, new)
        while True:
            page = await self._call(self._schedules.DiffEditions, request, None)
            for change in page.changes:
                yield change
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    # -- settled months, of a service that has a book ------------------------------------------------

    async def settled_months(
        self, provider_id: str = "", *, month: str = "", funding_source: str = ""
    ) -> AsyncIterator[settlement_service_pb2.SettledMonth]:
        """Settled months in the order they were settled, page by page; what is empty does not narrow."""
        request = settlement_service_pb2.ListSettledMonthsRequest(
            provider_id=provider_id, month=month, funding_source=funding_source, page_size=PAGE_SIZE
        )
        while True:
            page = await self._call(self._settlement.ListSettledMonths, request, None)
            for settled in page.months:
                yield settled
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def settlement_statement(
        self, provider_id: str, month: str
    ) -> settlement_service_pb2.GetStatementResponse:
        """The statement of a provider's month: every step in minor units, with its source."""
        request = settlement_service_pb2.GetStatementRequest(provider_id=provider_id, month=month)
        return await self._call(self._settlement.GetStatement, request, None)

    async def lost_lines(
        self, provider_id: str, month: str
    ) -> AsyncIterator[settlement_service_pb2.LostLine]:
        """The lines of a provider's month that lost something, in minor units, page by page."""
        request = settlement_service_pb2.ListLostLinesRequest(
            provider_id=provider_id, month=month, page_size=PAGE_SIZE
        )
        while True:
            page = await self._call(self._settlement.ListLostLines, request, None)
            for line in page.lines:
                yield line
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def fund_month(
        self,
        month: str,
        *,
        contributions_minor: int | None = None,
        reserve_minor: int | None = None,
        balance_minor: int | None = None,
    ) -> settlement_service_pb2.GetFundMonthResponse:
        """The totals of a month over all providers, for tokens that are not of some providers only.

        The fund's own figures, in minor units, come back as ``checks`` beside what the rules require; a
        reserve is refused without the contributions of which it has to be a share.
        """
        request = settlement_service_pb2.GetFundMonthRequest(
            month=month,
            contributions_minor=contributions_minor,
            reserve_minor=reserve_minor,
            balance_minor=balance_minor,
        )
        return await self._call(self._settlement.GetFundMonth, request, None)

    # -- administration ----------------------------------------------------------------------------

    async def reload_schedules(self) -> administration_service_pb2.ReloadSchedulesResponse:
        """The service reads its schedules again, in all workers or in none. For the role "admin"."""
        request = administration_service_pb2.ReloadSchedulesRequest()
        return await self._call(self._administration.ReloadSchedules, request, None)

    async def reload_credentials(self) -> administration_service_pb2.ReloadCredentialsResponse:
        """The service reads its certificates and tokens again, in all workers or in none. For "admin"."""
        request = administration_service_pb2.ReloadCredentialsRequest()
        return await self._call(self._administration.ReloadCredentials, request, None)

    async def _call(
        self, method: Callable[..., Awaitable[_T]], request: object, deadline_seconds: float | None
    ) -> _T:
        until = time.monotonic() + (deadline_seconds or self._deadline_seconds)
        patience = Patience(backoff_seconds=self._backoff_seconds, until=until)
        while True:
            try:
                return await method(
                    request, timeout=max(until - time.monotonic(), 0), metadata=self.connection.metadata
                )
            except grpc.aio.AioRpcError as error:
                failure = failure_of(error)
                # the channel itself has tried UNAVAILABLE again already
                is_tried = failure.code == "UNAVAILABLE"
                wait = None if is_tried else patience.seconds_before_next(broken(failure))
                if wait is None:
                    raise ServiceError(self.connection.target, failure) from None
                await asyncio.sleep(wait)


class AsyncColumnStream:
    """As `tariffcore.client.calling.ColumnStream`, for one task at a time."""

    def __init__(
        self,
        channel: grpc.aio.Channel,
        connection: Connection,
        edition: EditionChoice,
        patience: Patience,
        *,
        components: bool,
    ) -> None:
        self._connection = connection
        self._patience = patience
        self._channel = channel
        self._start = start_message(edition, components=components)
        self._exchange = Exchange(components=components, target=connection.target)
        self._call: _AsyncCall | None = None

    @property
    def names(self) -> StreamNames:
        """What the numbers in the answers stand for."""
        assert self._exchange.names is not None, "known once the stream has been entered"
        return self._exchange.names

    async def __aenter__(self) -> Self:
        await self._begin()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        call, self._call = self._call, None
        if call is not None and kind is None:
            await call.finish()
        elif call is not None:
            call.cancel()

    async def price_columns(self, columns: AsyncIterator[CaseColumns]) -> AsyncIterator[PricedRows]:
        """The prices of each, in order. None of them may be without rows."""
        exchange = self._exchange
        is_exhausted = False
        while True:
            try:
                if self._call is None:
                    await self._begin()
                is_full = False
                while not is_full:
                    if exchange.may_send:
                        is_full = not self._send()
                    elif exchange.wants_cases and not is_exhausted:
                        following = await anext(columns, None)
                        if following is None:
                            is_exhausted = True
                        else:
                            exchange.take(following)
                    else:
                        break
                if not exchange.awaits_answer:
                    if not is_full:
                        return
                    await self._renew()
                    continue
                prices = exchange.answered(await self._received())
                self._patience.progress()
            except grpc.aio.AioRpcError as error:
                await self._wait_or_raise(error)
                continue
            if prices is not None:
                yield prices

    def _send(self) -> bool:
        """Sends the next chunk; False where the stream has no room for its words."""
        assert self._call is not None
        try:
            self._call.send(self._exchange.next_message())
        except StreamFullError:
            return False
        return True

    async def _received(self) -> bytes:
        assert self._call is not None
        message = await self._call.receive()
        if message is None:
            raise unusable_answer(self._connection.target, "the stream ended before all chunks were answered")
        return message

    async def _begin(self) -> None:
        while True:
            self._call = _AsyncCall(self._channel, self._connection, self._patience)
            try:
                self._call.send(self._start)
                self._exchange.started(await self._received())
                return
            except grpc.aio.AioRpcError as error:
                await self._wait_or_raise(error)

    async def _renew(self) -> None:
        assert self._call is not None
        await self._call.finish()
        self._call = None
        self._exchange.restart()

    async def _wait_or_raise(self, error: grpc.aio.AioRpcError) -> None:
        if self._call is not None:
            self._call.cancel()
        self._call = None
        failure = failure_of(error)
        wait = self._patience.seconds_before_next(broken(failure))
        if wait is None:
            values = self._exchange.refused_providers()
            raise ServiceError(self._connection.target, failure, values) from None
        await asyncio.sleep(wait)
        self._exchange.restart()


class _AsyncCall:
    """One stream. Its own task writes: waiting to write and not reading would bring both sides to a halt."""

    def __init__(self, channel: grpc.aio.Channel, connection: Connection, patience: Patience) -> None:
        self._outbox: asyncio.Queue[bytes | None] = asyncio.Queue(2 * CHUNKS_IN_FLIGHT)
        method: Any = channel.stream_stream(COLUMN_STREAM_METHOD, None, None)
        timeout = None if patience.until is None else max(patience.until - time.monotonic(), 0)
        self._call: Any = method(self._outgoing(), metadata=connection.metadata, timeout=timeout)
        self._answers = aiter(self._call)

    async def _outgoing(self) -> AsyncIterator[bytes]:
        while (message := await self._outbox.get()) is not None:
            yield message

    def send(self, message: bytes) -> None:
        self._outbox.put_nowait(message)  # no more are in flight than the queue has room for

    async def receive(self) -> bytes | None:
        return await anext(self._answers, None)

    async def finish(self) -> None:
        self._outbox.put_nowait(None)
        try:
            while await anext(self._answers, None) is not None:
                pass
        except grpc.aio.AioRpcError:
            pass  # everything asked had been answered

    def cancel(self) -> None:
        self._call.cancel()


def _open_channel(connection: Connection) -> grpc.aio.Channel:
    options = list(connection.options())
    if connection.is_encrypted:
        return grpc.aio.secure_channel(connection.address, connection.credentials(), options=options)
    return grpc.aio.insecure_channel(connection.address, options=options)
