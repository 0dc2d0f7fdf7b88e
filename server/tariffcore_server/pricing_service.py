"""PricingService: cases in, prices out."""

from __future__ import annotations

from collections.abc import Iterable

from tariffcore.explain import explain_case
from tariffcore.labelling import LANGUAGES
from tariffcore.v1 import case_pb2, pricing_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.calls import after_the_answer
from tariffcore_server.cases_in import read_case
from tariffcore_server.catalogs import DEFAULT_CHOICE, Choice
from tariffcore_server.edition_choices import iso, read_choice
from tariffcore_server.explanations_out import write_explanation
from tariffcore_server.failures import Reason, RequestError, Violation, invalid_field, together
from tariffcore_server.metrics import Metrics
from tariffcore_server.prices_out import price_one, reason_in_words, write_price
from tariffcore_server.state import State
from tariffcore_server.tokens import Caller

SERVICE = "tariffcore.v1.PricingService"


class PricingService:
    """Single cases; lists and column streams have modules of their own."""

    def __init__(self, state: State, metrics: Metrics) -> None:
        self._state = state
        self._metrics = metrics

    async def price_case(
        self, request: pricing_service_pb2.PriceCaseRequest, caller: Caller
    ) -> pricing_service_pb2.PriceCaseResponse:
        """One case; on request its explanation."""
        missing = None if request.HasField("case") else invalid_field("case", "is missing")
        language, choice = read_fields(request, missing)
        require_providers([request.case], caller, "case")
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


def read_fields(
    request: pricing_service_pb2.PriceCaseRequest | pricing_service_pb2.PriceCasesRequest,
    missing: RequestError | None,
) -> tuple[str, Choice]:
    """The language and the editions asked for. Raises RequestError for every field that is wrong, at once.

    ``missing`` is the error of the field that the request must have, where it has none.
    """
    wrong = [] if missing is None else [missing]
    language, choice = "", DEFAULT_CHOICE
    try:
        language = chosen_language(request.language)
    except RequestError as error:
        wrong.append(error)
    try:
        choice = read_choice(request.edition)
    except RequestError as error:
        wrong.append(error)
    if wrong:
        raise together(wrong)
    return language, choice


def chosen_language(asked: str) -> str:
    """The language asked for, or the default. Raises RequestError."""
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
