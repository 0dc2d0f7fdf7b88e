"""A service that answers by the contract in the plainest way, and fails when told to.

It reads messages with the protobuf library, lays the cases out as a table and prices them with the library:
nothing of the real service or of the client takes part, so it is an oracle for what the client sends, and a
place to break streams at will.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from threading import Event
from typing import Any

import grpc
import numpy as np
import pyarrow as pa
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from tariffcore.cases import Case
from tariffcore.explain import explain_case
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import (
    case_columns_pb2,
    case_pb2,
    edition_pb2,
    pricing_service_pb2,
    pricing_service_pb2_grpc,
)
from tariffcore.version import ENGINE_VERSION

EPOCH = date(1970, 1, 1)
MISSING_DAY = -(2**31)
MISSING_NUMBER = 2**32 - 1
NO_AMOUNT = -1
MINOR_UNITS = 2


@dataclass(frozen=True)
class Breakdown:
    """How a call ends: with this status, and these details."""

    code: grpc.StatusCode
    message: str = "told to fail"
    details: tuple[Any, ...] = ()


def put_off(seconds: float) -> Breakdown:
    nanos = int(seconds * 1e9)
    delay = duration_pb2.Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
    return Breakdown(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "too many calls",
        (
            error_details_pb2.ErrorInfo(reason="TOO_MANY_CALLS", domain="tariffcore"),
            error_details_pb2.RetryInfo(retry_delay=delay),
        ),
    )


@dataclass
class StreamSeen:
    """What a stream brought: rows of each chunk, and the words each one added."""

    rows: list[int] = field(default_factory=list)
    new_words: list[int] = field(default_factory=list)
    was_ended: bool = False


class PlainService(pricing_service_pb2_grpc.PricingServiceServicer):
    """``plan`` may be exchanged between streams; ``breakdowns`` are used up call by call.

    stream_breaks   for each stream to come: after how many answered chunks it breaks, and how; None: never
    call_breaks     the same for unary calls, without a number
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.stream_breaks: list[tuple[int, Breakdown] | None] = []
        self.call_breaks: list[Breakdown] = []
        self.streams: list[StreamSeen] = []
        self.calls: list[Any] = []
        self.metadata: list[dict[str, Any]] = []
        self.may_answer = Event()
        self.may_answer.set()
        self.spoil = lambda answer: answer

    # -- unary

    def PriceCase(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._begin(request, context)
        price, edition, explanation = self._explained(request.case, request.language or "en")
        answer = pricing_service_pb2.PriceCaseResponse(priced=price, engine_version=ENGINE_VERSION)
        if edition is not None:
            answer.edition.CopyFrom(edition)
        if request.with_explanation or request.with_text:
            answer.explanation.SetInParent()
        if request.with_text:
            answer.explanation.text = explanation.to_text()
        return answer

    def PriceCases(self, request: Any, context: Any) -> Any:  # noqa: N802
        self._begin(request, context)
        answer = pricing_service_pb2.PriceCasesResponse(engine_version=ENGINE_VERSION)
        editions = {}
        for case in request.cases:
            price, edition, _ = self._explained(case, request.language or "en")
            if not request.with_reasons:
                price.reason = ""
            answer.priced.append(price)
            if edition is not None:
                editions[edition.schedule_id] = edition
        answer.editions.extend(editions.values())
        return answer

    def _begin(self, request: Any, context: Any) -> None:
        self.calls.append(request)
        self.metadata.append(dict(context.invocation_metadata()))
        if self.call_breaks:
            fail(context, self.call_breaks.pop(0))

    def _explained(self, message: case_pb2.Case, language: str) -> tuple[Any, Any, Any]:
        case = case_of(message)
        explanation = explain_case(case, self.plan.catalog)
        price = case_pb2.PricedCase(
            case_id=message.case_id,
            status=int(explanation.status),
            rule_id=explanation.rule_id or "",
            schedule_id=explanation.schedule_id or "",
            reason=explanation.reason_in(language) or "",
        )
        if explanation.amount_minor is not None:
            price.amount_minor = explanation.amount_minor
        by_id = {schedule.id: schedule for schedule in self.plan.editions}
        edition = by_id.get(explanation.schedule_id)
        return price, None if edition is None else edition_message(edition), explanation

    # -- the stream

    def PriceCaseColumns(self, requests: Iterator[Any], context: Any) -> Iterator[Any]:  # noqa: N802
        plan = self.plan
        self.metadata.append(dict(context.invocation_metadata()))
        seen = StreamSeen()
        self.streams.append(seen)
        breaks = self.stream_breaks.pop(0) if self.stream_breaks else None
        if breaks is not None and breaks[0] < 0:
            fail(context, breaks[1])
        start = next(requests).start
        yield pricing_service_pb2.PriceCaseColumnsResponse(started=started_message(plan, start))
        tables: dict[str, list[str]] = {}
        for request in requests:
            assert request.WhichOneof("message") == "chunk"
            if breaks is not None and len(seen.rows) == breaks[0]:
                fail(context, breaks[1])
            assert self.may_answer.wait(60)
            added = append_words(tables, request.chunk)
            seen.rows.append(request.chunk.rows)
            seen.new_words.append(added)
            yield self.spoil(answer_of(request.chunk, tables, plan, start))
        seen.was_ended = True


def fail(context: Any, breakdown: Breakdown) -> None:
    if not breakdown.details:
        context.abort(breakdown.code, breakdown.message)
    status = status_pb2.Status(code=breakdown.code.value[0], message=breakdown.message)
    for detail in breakdown.details:
        packed = any_pb2.Any()
        packed.Pack(detail)
        status.details.append(packed)
    context.set_trailing_metadata((("grpc-status-details-bin", status.SerializeToString()),))
    context.abort(breakdown.code, breakdown.message)


def edition_message(schedule: Any) -> edition_pb2.Edition:
    return edition_pb2.Edition(
        schedule_id=schedule.id,
        digest=schedule.digest,
        tariff_family=schedule.tariff_family,
        title=schedule.title,
        synthetic=schedule.synthetic,
        currency=schedule.currency,
        minor_units=schedule.minor_units,
        published=schedule.published.isoformat(),
        effective_start_date=schedule.effective_start_date.isoformat(),
    )


def started_message(plan: Plan, start: Any) -> case_columns_pb2.ColumnStreamStarted:
    catalog = plan.catalog
    capital = {row.component for schedule in plan.editions for row in schedule.components if row.capital}
    return case_columns_pb2.ColumnStreamStarted(
        editions=[edition_message(schedule) for schedule in plan.editions],
        engine_version=ENGINE_VERSION,
        as_of=catalog.as_of.isoformat() if catalog.as_of else "",
        deciding_date=f"DECIDING_DATE_{catalog.deciding_date.name}",
        rule_ids=[rule_id or "" for rule_id in plan.rule_ids] if start.with_rules else [],
        groups_cases=plan.groups_cases,
        rule_methods=[
            f"PAYMENT_METHOD_{'UNSPECIFIED' if method is None else method.name}"
            for method in plan.rule_methods
        ]
        if start.with_rules
        else [],
        components=[
            case_columns_pb2.ComponentName(component=name, capital=name in capital)
            for name in plan.component_names
        ]
        if start.with_components
        else [],
    )


KINDS = {
    "provider": ("new_provider_ids", "provider_id"),
    "drg": ("new_drg_codes", "drg_code"),
    "service": ("new_service_codes", "service_code"),
    "care_setting": ("new_care_settings", "care_setting"),
    "outcome": ("new_outcomes", "outcome"),
    "factor": ("new_factor_codes", "factor_code"),
    "addon_kind": ("new_addon_kinds", "addon_kind"),
    "procedure": ("new_procedure_codes", "procedure_codes"),
}
LISTS = {
    "procedure": ("procedure", "procedure_codes"),
    "secondary_diagnosis": ("diagnosis", "secondary_diagnoses"),
    "qualifier": ("qualifier", "qualifiers"),
}
NEW_WORDS = {
    **{kind: new for kind, (new, _) in KINDS.items()},
    "diagnosis": "new_diagnoses",
    "qualifier": "new_qualifiers",
}


def append_words(tables: dict[str, list[str]], chunk: Any) -> int:
    added = 0
    for kind, new in NEW_WORDS.items():
        table = tables.setdefault(kind, [])
        words = list(getattr(chunk, new))
        assert not set(table) & set(words), "a word came twice"
        assert len(set(words)) == len(words), "a word came twice"
        table += words
        added += len(words)
    return added


def answer_of(chunk: Any, tables: dict[str, list[str]], plan: Plan, start: Any) -> Any:
    table, problems = table_of(chunk, tables)
    priced = price_cases(table, plan, components=start.with_components, threads=1)
    status, amount = priced.status.copy(), priced.amount_minor.copy()
    for row, problem in enumerate(problems):
        if problem == 3:
            status[row] = CaseStatus.MALFORMED_ROW
        elif problem == 1:
            status[row] = CaseStatus.INVALID_FIELD
        elif problem == 2 and status[row] != CaseStatus.INVALID_FIELD:
            status[row] = CaseStatus.MISSING_FIELD
    ok = status == CaseStatus.OK
    amount[~ok] = 0
    answer = case_columns_pb2.PricedColumns(
        rows=chunk.rows,
        amount_minor=amount.tolist(),
        status=status.tobytes(),
        edition=priced.edition.tobytes(),
        rule=np.where(ok, priced.rule.astype(int) + 1, 0).tolist(),
    )
    if priced.parts_minor is not None and priced.has_parts is not None:
        has = priced.has_parts & ok
        answer.has_components = has.astype(np.uint8).tobytes()
        for parts in priced.parts_minor:
            answer.components.add(amount_minor=np.where(has, parts, 0).tolist())
    if priced.found is not None:
        sound = [problem == 0 for problem in problems]
        for found, names, places in (
            (priced.found.columns()["drg_code"].to_pylist(), answer.drg_codes, answer.drg),
            (
                priced.found.columns()["grouping_rule_id"].to_pylist(),
                answer.grouping_rule_ids,
                answer.grouping_rule,
            ),
        ):
            said = [name if own else None for name, own in zip(found, sound, strict=True)]
            names.extend(dict.fromkeys(name for name in said if name is not None))
            place = {name: number for number, name in enumerate(names, start=1)}
            places.extend(place.get(name, 0) for name in said)
    return pricing_service_pb2.PriceCaseColumnsResponse(priced=answer)


def table_of(chunk: Any, tables: dict[str, list[str]]) -> tuple[pa.Table, list[int]]:
    """The cases as a table that the library reads, and what the sender knew to be wrong with them."""
    rows = chunk.rows
    assert 1 <= rows <= 32_768
    columns: dict[str, Any] = {"case_id": ["x"] * rows}
    for kind, (_, name) in KINDS.items():
        places = list(getattr(chunk, kind))
        if kind == "procedure" or not places:
            continue
        assert len(places) == rows
        columns[name] = pa.array(
            [tables[kind][place - 1] if place else None for place in places], pa.string()
        )
    for which in ("admission", "discharge"):
        days, seconds = list(getattr(chunk, f"{which}_day")), list(getattr(chunk, f"{which}_second"))
        if days:
            assert len(days) == rows and len(seconds) in (0, rows)
            written = [moment(day, seconds[row] if seconds else 0) for row, day in enumerate(days)]
            columns[f"{which}_date"] = pa.array(written, pa.string())
    if chunk.principal_diagnosis:
        assert len(chunk.principal_diagnosis) == rows
        words = [tables["diagnosis"][place - 1] if place else None for place in chunk.principal_diagnosis]
        columns["principal_diagnosis"] = pa.array(words, pa.string())
    if chunk.sex:
        assert len(chunk.sex) == rows
        columns["sex"] = pa.array([(None, "female", "male")[n] for n in chunk.sex], pa.string())
    for name in ("age_years", "quantity", "length_of_stay_days", "age_days", "birth_weight_grams"):
        numbers = list(getattr(chunk, name))
        if numbers:
            assert len(numbers) == rows
            columns[name] = pa.array([None if n == MISSING_NUMBER else n for n in numbers], pa.int64())
    if chunk.addon_amount_minor:
        assert len(chunk.addon_amount_minor) == rows
        added = [
            None if n == NO_AMOUNT else Decimal(n).scaleb(-MINOR_UNITS) for n in chunk.addon_amount_minor
        ]
        columns["addon_amount"] = pa.array(added, pa.decimal128(20, MINOR_UNITS))
    if chunk.death_unavoidable:
        assert len(chunk.death_unavoidable) == rows
        columns["death_unavoidable"] = pa.array([(None, False, True)[n] for n in chunk.death_unavoidable])
    for column, (kind, name) in LISTS.items():
        if getattr(chunk, f"{column}_end"):
            ends, places = [0, *getattr(chunk, f"{column}_end")], getattr(chunk, column)
            assert len(ends) == rows + 1 and ends[-1] == len(places)
            words = [tables[kind][place - 1] for place in places]
            columns[name] = pa.array([words[a:b] for a, b in pairwise(ends)], pa.list_(pa.string()))
    assert len(chunk.row_problem) in (0, rows)
    return pa.table(columns), list(chunk.row_problem) or [0] * rows


def moment(day: int, second: int) -> str | None:
    if day == MISSING_DAY:
        return None
    text = (EPOCH + timedelta(days=day)).isoformat()
    return f"{text} {timedelta(seconds=second - 1)}" if second else text


def case_of(message: case_pb2.Case) -> Any:
    def at(text: str) -> Any:
        return None if not text else datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text)

    def given(name: str) -> Any:
        return getattr(message, name) if message.HasField(name) else None

    return Case(
        case_id=message.case_id or None,
        provider_id=message.provider_id or None,
        drg_code=message.drg_code or None,
        service_code=message.service_code or None,
        care_setting=message.care_setting or None,
        admission_date=at(message.admission_date),
        discharge_date=at(message.discharge_date),
        outcome=(message.outcome or None) if message.HasField("outcome") else "discharged",
        death_unavoidable=given("death_unavoidable"),
        age_years=given("age_years"),
        procedure_codes=tuple(message.procedure_codes),
        quantity=message.quantity if message.HasField("quantity") else 1,
        length_of_stay_days=given("length_of_stay_days"),
        factor_code=message.factor_code or None,
        addon_amount=Decimal(message.addon_amount) if message.addon_amount else None,
        addon_kind=message.addon_kind or None,
        principal_diagnosis=message.principal_diagnosis or None,
        secondary_diagnoses=tuple(message.secondary_diagnoses),
        sex=message.sex or None,
        birth_weight_grams=given("birth_weight_grams"),
        age_days=given("age_days"),
        qualifiers=tuple(message.qualifiers),
    )


@contextmanager
def serving(service: PlainService) -> Iterator[str]:
    """The address at which the service answers."""
    with ThreadPoolExecutor(8) as pool:
        server = grpc.server(pool, options=[("grpc.so_reuseport", 0)])
        pricing_service_pb2_grpc.add_PricingServiceServicer_to_server(service, server)
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.stop(None).wait()
