"""SettlementService: what the book says of settled months, each caller's own only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from tariffcore.errors import SettlementError
from tariffcore.schedule.values import UnreadableValueError
from tariffcore.settlement.calendar_month import Month, month_value
from tariffcore.v1 import settlement_service_pb2 as messages
from tariffcore.version import ENGINE_VERSION
from tariffcore_server import settlements_out
from tariffcore_server.failures import Reason, RequestError, Violation, invalid_field
from tariffcore_server.pages import mark_of, page_count, place_in, token_of
from tariffcore_server.pricing_service import NOT_YOURS
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

if TYPE_CHECKING:  # needs the extra "settlement", which a server without a book does not
    from tariffcore.settlement.book.reading import ReadBook

SERVICE = "tariffcore.v1.SettlementService"

_Read = TypeVar("_Read")


class SettlementService:
    """Lists settled months and lost lines, and shows statements and the fund's month. Reads only."""

    def __init__(self, state: State) -> None:
        """``state`` has a book."""
        self._state = state

    def _book(self) -> ReadBook:
        """The book and its rules as they are in force now."""
        book = self._state.book
        assert book is not None
        return book

    async def list_settled_months(
        self, request: messages.ListSettledMonthsRequest, caller: Caller
    ) -> messages.ListSettledMonthsResponse:
        """A page of the months that the caller may see."""
        provider, funding_source = request.provider_id.strip(), request.funding_source.strip()
        month = _month(request.month) if request.month else None
        if provider:
            _require_provider(provider, caller)
        providers = {provider} if provider else caller.providers
        count = page_count(request.page_size)
        seen = "" if providers is None else repr(sorted(providers))
        mark = mark_of("settled months", seen, str(month), funding_source)
        after = place_in(request.page_token, mark) if request.page_token else 0
        book = self._book()
        rows = await _read(
            lambda: book.rows(
                providers=providers,
                month=month,
                funding_source=funding_source or None,
                after=after,
                most=count + 1,
            )
        )
        shown = rows[:count]
        return messages.ListSettledMonthsResponse(
            months=[settlements_out.month_message(row) for row in shown],
            next_page_token=token_of(mark, shown[-1].id) if len(rows) > count else "",
            engine_version=ENGINE_VERSION,
        )

    async def get_statement(
        self, request: messages.GetStatementRequest, caller: Caller
    ) -> messages.GetStatementResponse:
        """The statement of a provider's month."""
        provider = request.provider_id.strip()
        if not provider:
            raise invalid_field("provider_id", "is missing")
        _require_provider(provider, caller)
        month = _month(request.month)
        book = self._book()
        statement = await _read(lambda: book.statement(provider, month))
        if statement is None:
            raise _not_settled()
        return settlements_out.statement_message(statement, book.rules.digest)

    async def list_lost_lines(
        self, request: messages.ListLostLinesRequest, caller: Caller
    ) -> messages.ListLostLinesResponse:
        """A page of the lines of a provider's month that lost something."""
        provider = request.provider_id.strip()
        if not provider:
            raise invalid_field("provider_id", "is missing")
        _require_provider(provider, caller)
        month = _month(request.month)
        count = page_count(request.page_size)
        mark = mark_of("lost lines", provider, str(month))
        start = place_in(request.page_token, mark) if request.page_token else 0
        book = self._book()
        found = await _read(lambda: book.lost_lines(provider, month))
        if found is None:
            raise _not_settled()
        statement, lost = found
        end = start + count
        return settlements_out.lost_lines_message(
            statement, lost, lost.page(start, count), token_of(mark, end) if end < len(lost) else ""
        )

    async def get_fund_month(
        self, request: messages.GetFundMonthRequest, caller: Caller
    ) -> messages.GetFundMonthResponse:
        """The totals of a month over all providers."""
        if caller.providers is not None:
            violation = Violation("month", "has totals of all providers, and the token is of some")
            raise RequestError(Reason.PROVIDER_NOT_ALLOWED, violations=[violation])
        month = _month(request.month)
        if request.contributions_minor < 0:
            raise invalid_field("contributions_minor", "is below zero")
        book = self._book()
        given = request.HasField
        contributions = request.contributions_minor if given("contributions_minor") else None
        if given("reserve_minor") and contributions is None:
            raise invalid_field("contributions_minor", "is missing, and reserve_minor is checked against it")
        reserve = request.reserve_minor if given("reserve_minor") else None
        balance = request.balance_minor if given("balance_minor") else None
        view = await _read(
            lambda: book.fund_month(month, contributions=contributions, reserve=reserve, balance=balance)
        )
        if view is None:
            raise RequestError(
                Reason.MONTH_NOT_SETTLED, violations=[Violation("month", "is not settled for any provider")]
            )
        return settlements_out.fund_month_message(view)


async def _read(ask: Callable[[], _Read]) -> _Read:
    """What the book answers, asked off the event loop."""
    try:
        return await asyncio.to_thread(ask)
    except SettlementError as error:  # says where the database is, which callers need not know
        lines = error.reason == Reason.LINES_UNREADABLE
        raise RequestError(Reason.LINES_UNREADABLE if lines else Reason.BOOK_UNREADABLE) from None


def _not_settled() -> RequestError:
    return RequestError(
        Reason.MONTH_NOT_SETTLED, violations=[Violation("month", "is not settled for the provider")]
    )


def _month(text: str) -> Month:
    if not text.strip():
        raise invalid_field("month", "is missing")
    try:
        return month_value(text)
    except UnreadableValueError:
        raise invalid_field("month", "is not a month such as 2026-05") from None


def _require_provider(provider: str, caller: Caller) -> None:
    if caller.providers is not None and provider not in caller.providers:
        raise RequestError(Reason.PROVIDER_NOT_ALLOWED, violations=[Violation("provider_id", NOT_YOURS)])
