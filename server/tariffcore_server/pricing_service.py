"""PricingService: cases in, prices out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from tariffcore.explain import explain_case
from tariffcore.labelling import LANGUAGES
from tariffcore.schedule.model import Schedule
from tariffcore.v1 import case_pb2, pricing_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.calls import after_the_answer
from tariffcore_server.cases_in import read_case
from tariffcore_server.catalogs import Basis
from tariffcore_server.edition_choices import iso, read_choice
from tariffcore_server.explanations_out import write_explanation
from tariffcore_server.failures import Reason, RequestError, Violation, invalid_field
from tariffcore_server.limits import Limits, require_rows
from tariffcore_server.metrics import Metrics
from tariffcore_server.prices_out import price_list, price_one, reason_in_words, write_price
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

SERVICE = "tariffcore.v1.PricingService"
_FEW = 8
"""Cases that are priced on the event loop; more go to a thread, so that others are answered meanwhile."""


class PricingService:
    """The unary methods; column streams have a module of their own."""

    def __init__(self, state: State, limits: Limits, metrics: Metrics) -> None:
        self._state = state
        self._limits = limits
        self._metrics = metrics

    async def price_case(
        self, request: pricing_service_pb2.PriceCaseRequest, caller: Caller
    ) -> pricing_service_pb2.PriceCaseResponse:
        """One case; on request its explanation."""
        if not request.HasField("case"):
            raise invalid_field("case", "is missing")
        language = _language(request.language)
        require_providers([request.case], caller, "case")
        choice = read_choice(request.edition)
        editions = self._state.editions
        basis = editions.usual(choice) or await editions.basis(choice)
        read = read_case(request.case, basis.plan.editions[0].minor_units)
        price = price_one(read, basis, components=request.with_components)
        after_the_answer(self._metrics.cases_answered, "PriceCase", (price.status,))
        answer = pricing_service_pb2.PriceCaseResponse(
            edition=None if price.edition is None else basis.edition_named(price.edition),
            engine_version=ENGINE_VERSION,
        )
        if (request.with_explanation or request.with_text) and read.unreadable is None:
            explained = explain_case(read.case, basis.catalog)
            if (explained.status, explained.amount_minor) != (price.status, price.amount_minor):
                raise RuntimeError("the explanation and the kernel disagree")
            reason = explained.reason_in(language) or ""
            write_explanation(answer.explanation, explained, language if request.with_text else None)
        else:
            reason = reason_in_words(read, price, basis, language)
            if request.with_explanation or request.with_text:
                # all that can be explained of a case with a field that cannot be read
                day = explain_case(read.case, basis.catalog).deciding_date
                answer.explanation.deciding_date = iso(day)
                answer.explanation.text = reason if request.with_text else ""
        write_price(answer.priced, request.case.case_id, price, basis.plan, reason)
        return answer

    async def price_cases(
        self, request: pricing_service_pb2.PriceCasesRequest, caller: Caller
    ) -> pricing_service_pb2.PriceCasesResponse:
        """A list of cases, answered in order."""
        if not request.cases:
            raise invalid_field("cases", "is empty")
        require_rows(len(request.cases), self._limits.cases)
        language = _language(request.language)
        require_providers(request.cases, caller, "cases")
        choice = read_choice(request.edition)
        editions = self._state.editions
        basis = editions.usual(choice) or await editions.basis(choice)
        if len(request.cases) <= _FEW:
            return self._priced(request, basis, language)
        return await asyncio.to_thread(self._priced, request, basis, language)

    def _priced(
        self, request: pricing_service_pb2.PriceCasesRequest, basis: Basis, language: str
    ) -> pricing_service_pb2.PriceCasesResponse:
        minor_units = basis.plan.editions[0].minor_units
        read = [read_case(case, minor_units) for case in request.cases]
        prices = price_list(read, basis, components=request.with_components)
        self._metrics.cases_answered("PriceCases", [price.status for price in prices])
        named: dict[str, Schedule] = {}
        answer = pricing_service_pb2.PriceCasesResponse(engine_version=ENGINE_VERSION)
        for case, one, price in zip(request.cases, read, prices, strict=True):
            reason = reason_in_words(one, price, basis, language) if request.with_reasons else ""
            write_price(answer.priced.add(), case.case_id, price, basis.plan, reason)
            if price.edition is not None:
                named.setdefault(price.edition.id, price.edition)
        answer.editions.extend([basis.edition_named(edition) for edition in named.values()])
        return answer


def _language(asked: str) -> str:
    if asked not in ("", *LANGUAGES):
        raise invalid_field("language", f"is none of {', '.join(LANGUAGES)}")
    return asked or LANGUAGES[0]


def require_providers(cases: Iterable[case_pb2.Case], caller: Caller, path: str) -> None:
    """Raises RequestError unless the caller may price for the provider of every case.

    A case that names no provider is in nobody's name: it is priced where providers do not matter.
    """
    allowed = caller.providers
    if allowed is None:
        return
    refused = [
        Violation(f"{path}[{number}].provider_id" if path == "cases" else f"{path}.provider_id", NOT_YOURS)
        for number, case in enumerate(cases)
        if (provider_id := case.provider_id.strip()) and provider_id not in allowed
    ]
    if refused:
        raise RequestError(Reason.PROVIDER_NOT_ALLOWED, violations=refused)


NOT_YOURS = "is not a provider of this token"
