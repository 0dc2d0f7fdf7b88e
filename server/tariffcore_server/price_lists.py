"""PriceCases: a list of cases in, priced as columns where its rows are plain and one by one where not."""

from __future__ import annotations

import asyncio

import numpy as np
from google.protobuf.message import DecodeError

from tariffcore.schedule.model import Schedule
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2, pricing_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire.rows import FoundCases, PricedRows, RowPricer, find_cases
from tariffcore_server.calls import decoded
from tariffcore_server.cases_in import read_case
from tariffcore_server.catalogs import Basis
from tariffcore_server.failures import RequestError, invalid_field
from tariffcore_server.limits import Limits, require_rows
from tariffcore_server.metrics import Metrics
from tariffcore_server.prices_out import price_list, price_one, reason_in_words, write_price
from tariffcore_server.pricing_service import read_fields, require_providers
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

_Request = pricing_service_pb2.PriceCasesRequest
_Response = pricing_service_pb2.PriceCasesResponse

_FEW = 8
"""Cases priced one by one on the event loop; more go to a thread, so that others are answered meanwhile."""
_FEW_PLAIN = 1_000
"""The same of plain ones, which take a hundredth of the time."""


class PriceLists:
    """Answers lists.

    What is unusual about a message as a whole goes to the protobuf library: so it is the library, and the way
    of single cases, that say what is wrong with it.
    """

    def __init__(self, state: State, limits: Limits, metrics: Metrics) -> None:
        self._state = state
        self._limits = limits
        self._metrics = metrics

    async def answer(self, message: bytes, caller: Caller) -> bytes:
        """The PriceCasesResponse to a PriceCasesRequest. Raises RequestError."""
        found = find_cases(message, self._limits.cases)
        answer = None if found is None else await self._in_columns(found, caller)
        return await self.one_by_one(message, caller) if answer is None else answer

    async def one_by_one(self, message: bytes, caller: Caller) -> bytes:
        """The same answer by the library, whatever the message is like."""
        request = decoded(_Request, message)
        require_rows(len(request.cases), self._limits.cases)
        missing = None if request.cases else invalid_field("cases", "is empty")
        language, choice = read_fields(request, missing)
        require_providers(request.cases, caller, "cases")
        editions = self._state.editions
        basis = editions.usual(choice) or await editions.basis(choice)
        if len(request.cases) <= _FEW:
            return self._priced(request, basis, language)
        return await asyncio.to_thread(self._priced, request, basis, language)

    def _priced(self, request: _Request, basis: Basis, language: str) -> bytes:
        minor_units = basis.plan.editions[0].minor_units
        read = [read_case(case, minor_units) for case in request.cases]
        prices = price_list(read, basis, components=request.with_components)
        self._metrics.cases_answered("PriceCases", [price.status for price in prices])
        named: dict[str, Schedule] = {}
        answer = _Response(engine_version=ENGINE_VERSION)
        for case, one, price in zip(request.cases, read, prices, strict=True):
            reason = reason_in_words(one, price, basis, language) if request.with_reasons else ""
            write_price(answer.priced.add(), case.case_id, price, basis.plan, reason)
            if price.edition is not None:
                named.setdefault(price.edition.id, price.edition)
        answer.editions.extend([basis.edition_named(edition) for edition in named.values()])
        return answer.SerializeToString()

    async def _in_columns(self, cases: FoundCases, caller: Caller) -> bytes | None:
        """None where the library must read the message, or would say what is wrong with it."""
        try:
            request = decoded(_Request, cases.rest)
            language, choice = read_fields(request, None)
            editions = self._state.editions
            basis = editions.usual(choice) or await editions.basis(choice)
        except RequestError:
            return None
        allowed = None if caller.providers is None else {provider.encode() for provider in caller.providers}
        if len(cases) > _FEW_PLAIN:
            return await asyncio.to_thread(self._all, cases, request, basis, language, allowed)
        priced, messages = self._price(cases, request, basis, allowed)
        if priced is None or len(messages) <= _FEW:
            return None if priced is None else self._written(priced, messages, request, basis, language)
        return await asyncio.to_thread(self._written, priced, messages, request, basis, language)

    def _all(
        self, cases: FoundCases, request: _Request, basis: Basis, language: str, allowed: set[bytes] | None
    ) -> bytes | None:
        priced, messages = self._price(cases, request, basis, allowed)
        return None if priced is None else self._written(priced, messages, request, basis, language)

    @staticmethod
    def _price(
        cases: FoundCases, request: _Request, basis: Basis, allowed: set[bytes] | None
    ) -> tuple[PricedRows | None, dict[int, case_pb2.Case]]:
        """The prices, and the rows that have to be looked at one by one; None as `_in_columns`."""
        priced = RowPricer.of(basis.plan).price(
            cases, components=request.with_components, allowed_providers=allowed
        )
        if priced is None or (allowed is not None and priced.others):
            return None, {}
        closer = priced.others
        if request.with_reasons:
            rejected = np.flatnonzero(priced.space.status != CaseStatus.OK).tolist()
            closer = sorted({*closer, *rejected})
        try:
            return priced, {row: case_pb2.Case.FromString(cases.octets(row)) for row in closer}
        except DecodeError:
            return None, {}

    def _written(
        self,
        priced: PricedRows,
        messages: dict[int, case_pb2.Case],
        request: _Request,
        basis: Basis,
        language: str,
    ) -> bytes:
        """The answer; of the rows in ``messages`` as single cases."""
        space, replaced = priced.space, {}
        places = {edition.id: place for place, edition in enumerate(basis.plan.editions, start=1)}
        for row, case in messages.items():
            read = read_case(case, basis.plan.editions[0].minor_units)
            price = price_one(read, basis, components=request.with_components)
            reason = reason_in_words(read, price, basis, language) if request.with_reasons else ""
            one = case_pb2.PricedCase()
            write_price(one, case.case_id, price, basis.plan, reason)
            replaced[row] = one.SerializeToString()
            space.status[row] = price.status
            space.edition[row] = 0 if price.edition is None else places[price.edition.id]
        self._metrics.rows_answered("PriceCases", np.bincount(space.status).tolist())
        rest = _Response(
            editions=[basis.edition_named(edition) for edition in _named(priced, basis)],
            engine_version=ENGINE_VERSION,
        )
        return RowPricer.of(basis.plan).write(priced, replaced) + rest.SerializeToString()


def _named(priced: PricedRows, basis: Basis) -> list[Schedule]:
    """The editions that rows name, in the order of the first that does."""
    octets = priced.space.edition.tobytes()
    first = sorted((octets.find(place), place) for place in range(1, 1 + len(basis.plan.editions)))
    return [basis.plan.editions[place - 1] for row, place in first if row >= 0]
