"""Calls to the service, one after the other: `Client`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from queue import SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc
import pyarrow as pa

from tariffcore.batch import priced_table
from tariffcore.cases import Case
from tariffcore.client.case_columns import CaseColumns, ReadCases, read_case_columns
from tariffcore.client.case_messages import (
    LATEST,
    MAX_CASES,
    EditionChoice,
    PricedCase,
    PricedList,
    case_message,
    priced_case,
    priced_list,
)
from tariffcore.client.column_answers import PricedRows, StreamNames, no_rows
from tariffcore.client.column_stream import (
    Exchange,
    StreamFullError,
    start_message,
    unusable_answer,
)
from tariffcore.client.connection import Connection
from tariffcore.client.prices import priced_cases
from tariffcore.client.retrying import Patience
from tariffcore.client.service_error import ClientError, Failure, ServiceError, failure_of
from tariffcore.errors import Problem
from tariffcore.pricing import PricedCases
from tariffcore.v1 import (
    administration_service_pb2,
    administration_service_pb2_grpc,
    case_pb2,
    edition_pb2,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
    schedule_service_pb2,
    schedule_service_pb2_grpc,
    settlement_service_pb2,
    settlement_service_pb2_grpc,
)

COLUMN_STREAM_METHOD = "/tariffcore.v1.PricingService/PriceCaseColumns"
DEADLINE_SECONDS = 30.0
TABLE_ROWS_AT_ONCE = 1 << 18
"""How many rows of a table are read ahead of the stream."""
PAGE_SIZE = 1_000
_LOST_BY_GRPC = "Internal error from Core"

_T = TypeVar("_T")


class Client:
    """Calls the service from any number of threads; use it as a context manager, or close it.

    connection        where the service is, or just "host:port"
    deadline_seconds  how long one call may take, its retries included; streams have no deadline unless given

    Every method raises ServiceError for a call that failed and ClientError for one that cannot be made.
    Calls that failed on the way (UNAVAILABLE) or were put off (RESOURCE_EXHAUSTED with a time to wait) are
    made again by themselves: no method changes anything but the reloads, and a second reload does no harm.
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
        self._channel = open_channel(self.connection)
        self._pricing = pricing_service_pb2_grpc.PricingServiceStub(self._channel)
        self._schedules = schedule_service_pb2_grpc.ScheduleServiceStub(self._channel)
        self._settlement = settlement_service_pb2_grpc.SettlementServiceStub(self._channel)
        self._administration = administration_service_pb2_grpc.AdministrationServiceStub(self._channel)

    def close(self) -> None:
        """Ends the connection; calls under way fail."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- prices ------------------------------------------------------------------------------------

    def price_case(
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
        """The price of one case, with its reason where there is none; on request how it came about.

        explanation       every step with its source
        explanation_text  the same for people too, in the language; asks for the explanation by itself
        """
        request = pricing_service_pb2.PriceCaseRequest(
            case=sendable(case),
            edition=edition.message(),
            with_components=components,
            with_explanation=explanation,
            with_text=explanation_text,
            language=language,
        )
        answer = self._call(self._pricing.PriceCase, request, deadline_seconds)
        return readable(self.connection, priced_case, answer)

    def price_cases(
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
        answer = self._call(self._pricing.PriceCases, request, deadline_seconds)
        return readable(self.connection, priced_list, answer, len(cases))

    def price_table(
        self,
        cases: pa.Table,
        edition: EditionChoice = LATEST,
        *,
        components: bool = False,
        deadline_seconds: float | None = None,
    ) -> pa.Table:
        """Every row of a table of cases (standard columns) priced: the columns that a priced file has.

        All rows are priced by the same editions, each exactly once: where the stream breaks, the rows without
        an answer are sent again, unless other editions are in force by then, which is an error.
        """
        with self.column_stream(edition, components=components, deadline_seconds=deadline_seconds) as stream:
            priced = [priced_table(part, prices) for part, prices in stream.price_tables(in_parts(cases))]
        return pa.concat_tables(priced).unify_dictionaries()

    def column_stream(
        self,
        edition: EditionChoice = LATEST,
        *,
        components: bool = False,
        deadline_seconds: float | None = None,
        names: StreamNames | None = None,
    ) -> ColumnStream:
        """A stream that prices tables one after the other, all by the same editions; ``names``: by these."""
        until = None if deadline_seconds is None else time.monotonic() + deadline_seconds
        return ColumnStream(
            self._channel,
            self.connection,
            edition,
            Patience(backoff_seconds=self._backoff_seconds, until=until),
            components=components,
            names=names,
        )

    # -- schedules ---------------------------------------------------------------------------------

    def list_editions(
        self, tariff_family: str = "", *, as_of: date | str = ""
    ) -> schedule_service_pb2.ListEditionsResponse:
        """The editions of a family, oldest first; of every family where none is named."""
        request = editions_request(tariff_family, as_of)
        return self._call(self._schedules.ListEditions, request, None)

    def get_edition(self, schedule_id: str, digest: str = "") -> schedule_service_pb2.GetEditionResponse:
        """Settings, rules and sources of one edition."""
        pinned = edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest)
        request = schedule_service_pb2.GetEditionRequest(edition=pinned)
        return self._call(self._schedules.GetEdition, request, None)

    def groups(self, schedule_id: str, digest: str = "") -> Iterator[schedule_service_pb2.Group]:
        """Every cost group of an edition, fetched page by page."""
        request = schedule_service_pb2.ListGroupsRequest(
            edition=edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest), page_size=PAGE_SIZE
        )
        while True:
            page = self._call(self._schedules.ListGroups, request, None)
            yield from page.groups
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def differences(
        self, old: str | edition_pb2.PinnedEdition, new: str | edition_pb2.PinnedEdition
    ) -> Iterator[schedule_service_pb2.EditionChange]:
        """What changes from one edition to another, the largest effect first, fetched page by page.

        An edition is named by its id, or by id and digest: "kz-2026", "kz-2026@4ebf...".
        """
        request = differences_request(old, new)
        while True:
            page = self._call(self._schedules.DiffEditions, request, None)
            yield from page.changes
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    # -- settled months, of a service that has a book ------------------------------------------------

    def settled_months(
        self, provider_id: str = "", *, month: str = "", funding_source: str = ""
    ) -> Iterator[settlement_service_pb2.SettledMonth]:
        """Settled months in the order they were settled, fetched page by page; what is empty does not narrow.

        month  "2026-05"
        """
        request = settlement_service_pb2.ListSettledMonthsRequest(
            provider_id=provider_id, month=month, funding_source=funding_source, page_size=PAGE_SIZE
        )
        while True:
            page = self._call(self._settlement.ListSettledMonths, request, None)
            yield from page.months
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def settlement_statement(
        self, provider_id: str, month: str
    ) -> settlement_service_pb2.GetStatementResponse:
        """The statement of a provider's month: every step in minor units, with its source."""
        request = settlement_service_pb2.GetStatementRequest(provider_id=provider_id, month=month)
        return self._call(self._settlement.GetStatement, request, None)

    def lost_lines(self, provider_id: str, month: str) -> Iterator[settlement_service_pb2.LostLine]:
        """The lines of a provider's month that lost something, in minor units, fetched page by page."""
        request = settlement_service_pb2.ListLostLinesRequest(
            provider_id=provider_id, month=month, page_size=PAGE_SIZE
        )
        while True:
            page = self._call(self._settlement.ListLostLines, request, None)
            yield from page.lines
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def fund_month(
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
        return self._call(self._settlement.GetFundMonth, request, None)

    # -- administration ----------------------------------------------------------------------------

    def reload_schedules(self) -> administration_service_pb2.ReloadSchedulesResponse:
        """The service reads its schedules again, in all workers or in none. For the role "admin"."""
        request = administration_service_pb2.ReloadSchedulesRequest()
        return self._call(self._administration.ReloadSchedules, request, None)

    def reload_credentials(self) -> administration_service_pb2.ReloadCredentialsResponse:
        """The service reads its certificates and tokens again, in all workers or in none. For "admin"."""
        request = administration_service_pb2.ReloadCredentialsRequest()
        return self._call(self._administration.ReloadCredentials, request, None)

    def _call(self, method: Callable[..., _T], request: object, deadline_seconds: float | None) -> _T:
        until = time.monotonic() + (deadline_seconds or self._deadline_seconds)
        patience = Patience(backoff_seconds=self._backoff_seconds, until=until)
        while True:
            try:
                return method(
                    request, timeout=max(until - time.monotonic(), 0), metadata=self.connection.metadata
                )
            except grpc.RpcError as error:
                failure = failure_of(error)
                # the channel itself has tried UNAVAILABLE again already
                is_tried = failure.code == "UNAVAILABLE"
                wait = None if is_tried else patience.seconds_before_next(broken(failure))
                if wait is None:
                    raise ServiceError(self.connection.target, failure) from None
                time.sleep(wait)


class ColumnStream:
    """Prices tables over one stream after another, by the same editions. For one thread at a time.

    Use it as a context manager: entering it reaches the service and learns `names`.
    """

    def __init__(
        self,
        channel: grpc.Channel,
        connection: Connection,
        edition: EditionChoice,
        patience: Patience,
        *,
        components: bool,
        names: StreamNames | None = None,
    ) -> None:
        self._connection = connection
        self._patience = patience
        self._channel = channel
        self._start = start_message(edition, components=components)
        self._exchange = Exchange(components=components, target=connection.target, names=names)
        self._call: _Call | None = None

    @property
    def names(self) -> StreamNames:
        """What the numbers in the answers stand for."""
        assert self._exchange.names is not None, "known once the stream has been entered"
        return self._exchange.names

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and self._call is not None:
            self._call.finish()
        elif self._call is not None:
            self._call.cancel()
        self._call = None

    def price_tables(self, tables: Iterable[pa.Table]) -> Iterator[tuple[pa.Table, PricedCases]]:
        """Each table with its prices, in order; tables are taken a little ahead of their prices."""
        taken: list[tuple[pa.Table, ReadCases]] = []

        def columns() -> Iterator[CaseColumns]:
            for table in tables:
                read = read_case_columns(table, self.minor_units, groups=self.names.groups_cases)
                taken.append((table, read))
                if len(read):
                    yield read.columns

        prices = self.price_columns(columns())
        none = no_rows(self.names)
        while True:
            rows = next(prices, None)
            while taken and not len(taken[0][1]):
                table, read = taken.pop(0)
                yield table, priced_cases(self.names, read, none)
            if rows is None:
                return
            table, read = taken.pop(0)
            yield table, priced_cases(self.names, read, rows)

    @property
    def minor_units(self) -> int:
        return self.names.editions[0].minor_units

    def price_columns(self, columns: Iterable[CaseColumns]) -> Iterator[PricedRows]:
        """The prices of each, in order. None of them may be without rows."""
        exchange = self._exchange
        source = iter(columns)
        is_exhausted = False
        while True:
            try:
                if self._call is None:
                    self._begin()
                is_full = False
                while not is_full:
                    if exchange.may_send:
                        is_full = not self._send()
                    elif exchange.wants_cases and not is_exhausted:
                        following = next(source, None)
                        if following is None:
                            is_exhausted = True
                        else:
                            exchange.take(following)
                    else:
                        break
                if not exchange.awaits_answer:
                    if not is_full:
                        return
                    self._renew()
                    continue
                prices = exchange.answered(self._received())
                self._patience.progress()
            except grpc.RpcError as error:
                self._wait_or_raise(error)
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

    def _received(self) -> bytes:
        assert self._call is not None
        message = self._call.receive()
        if message is None:
            raise unusable_answer(self._connection.target, "the stream ended before all chunks were answered")
        return message

    def _begin(self) -> None:
        """Opens a stream and learns what it prices by."""
        while True:
            self._call = _Call(self._channel, self._connection, self._patience)
            try:
                self._call.send(self._start)
                self._exchange.started(self._received())
                return
            except grpc.RpcError as error:
                self._wait_or_raise(error)

    def _renew(self) -> None:
        """Another stream for what this one's tables have no room for."""
        assert self._call is not None
        self._call.finish()
        self._call = None
        self._exchange.restart()

    def _wait_or_raise(self, error: grpc.RpcError) -> None:
        self._call = None
        failure = failure_of(error)
        wait = self._patience.seconds_before_next(broken(failure))
        if wait is None:
            values = self._exchange.refused_providers()
            raise ServiceError(self._connection.target, failure, values) from None
        time.sleep(wait)
        self._exchange.restart()


class _Call:
    """One stream of gRPC: what is sent waits in a queue, which the stream's own thread empties."""

    def __init__(self, channel: grpc.Channel, connection: Connection, patience: Patience) -> None:
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        method: Any = channel.stream_stream(COLUMN_STREAM_METHOD, None, None)
        timeout = None if patience.until is None else max(patience.until - time.monotonic(), 0)
        self._call = method(iter(self._outbox.get, None), metadata=connection.metadata, timeout=timeout)

    def send(self, message: bytes) -> None:
        self._outbox.put(message)

    def receive(self) -> bytes | None:
        """The next answer, None at the end of the stream."""
        return next(self._call, None)

    def finish(self) -> None:
        """Nothing more is sent; the service may tell that it ended well."""
        self._outbox.put(None)
        try:
            while next(self._call, None) is not None:
                pass
        except grpc.RpcError:
            pass  # everything asked had been answered

    def cancel(self) -> None:
        self._call.cancel()
        self._outbox.put(None)


# -- what the asyncio client shares -----------------------------------------------------------------


def connection_of(connection: Connection | str) -> Connection:
    return connection if isinstance(connection, Connection) else Connection(target=connection)


def editions_request(tariff_family: str, as_of: date | str) -> schedule_service_pb2.ListEditionsRequest:
    return schedule_service_pb2.ListEditionsRequest(tariff_family=tariff_family, as_of=str(as_of))


def differences_request(
    old: str | edition_pb2.PinnedEdition, new: str | edition_pb2.PinnedEdition
) -> schedule_service_pb2.DiffEditionsRequest:
    request = schedule_service_pb2.DiffEditionsRequest(to=_pinned(new), page_size=PAGE_SIZE)
    getattr(request, "from").CopyFrom(_pinned(old))
    return request


def _pinned(edition: str | edition_pb2.PinnedEdition) -> edition_pb2.PinnedEdition:
    if not isinstance(edition, str):
        return edition
    schedule_id, _, digest = edition.partition("@")
    return edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest)


def open_channel(connection: Connection) -> grpc.Channel:
    if connection.is_encrypted:
        return grpc.secure_channel(connection.address, connection.credentials(), options=connection.options())
    return grpc.insecure_channel(connection.address, options=connection.options())


def broken(failure: Failure) -> Failure:
    """A call that the service let go of is one that broke: nobody here cancelled it.

    A service that drains refuses what is new with UNAVAILABLE; but gRPC itself cancels a call that arrives in
    the instant between being told to stop and telling the connection so, and every call where the operator
    gave no time to drain. And gRPC's asyncio calls an error of its core what is a message that could not be
    sent, because the service had ended the call meanwhile: how it ended is then lost.
    """
    is_lost = failure.code == "INTERNAL" and failure.message.startswith(_LOST_BY_GRPC)
    if failure.code != "CANCELLED" and not is_lost:
        return failure
    return Failure("UNAVAILABLE", failure.reason, failure.message, retry_seconds=failure.retry_seconds)


def sendable(case: Case) -> case_pb2.Case:
    try:
        return case_message(case)
    except ValueError as error:
        problem = Problem("case", None, None, str(error), "give the case as a row of a table, or correct it")
        raise ClientError("the case cannot be sent", [problem]) from None


def list_request(
    cases: Sequence[Case], edition: EditionChoice, components: bool, reasons: bool, language: str
) -> pricing_service_pb2.PriceCasesRequest:
    if not 1 <= len(cases) <= MAX_CASES:
        problem = Problem(
            "cases", None, None, f"there are {len(cases)} of them", f"send 1 to {MAX_CASES:,} at once"
        )
        raise ClientError("the cases cannot be sent", [problem])
    return pricing_service_pb2.PriceCasesRequest(
        cases=[sendable(case) for case in cases],
        edition=edition.message(),
        with_components=components,
        with_reasons=reasons,
        language=language,
    )


def readable(connection: Connection, read: Callable[..., _T], *answer: object) -> _T:
    try:
        return read(*answer)
    except ValueError as error:
        raise unusable_answer(connection.target, f"an answer cannot be read: {error}") from None


def in_parts(table: pa.Table) -> Iterator[pa.Table]:
    """A table in parts that are read one at a time; one part where it has no rows."""
    for start in range(0, max(table.num_rows, 1), TABLE_ROWS_AT_ONCE):
        yield table.slice(start, TABLE_ROWS_AT_ONCE)
