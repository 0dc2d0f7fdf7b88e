"""What a column stream answers: by what it prices, and the prices of the rows it was sent.

An answer is believed only where it says what can be: as many rows as were sent, and numbers of statuses,
editions, rules and groups that it has named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore.pricing import FoundGroups, nothing_found
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import edition_pb2, pricing_service_pb2
from tariffcore.wire import messages
from tariffcore.wire.editions import METHOD_OF_NUMBER


@dataclass(frozen=True, slots=True)
class StreamEdition:
    """An edition that prices days of a stream."""

    id: str
    digest: str
    title: str
    synthetic: bool
    currency: str
    minor_units: int


@dataclass(frozen=True)
class StreamNames:
    """What the numbers in a stream's answers stand for, and what they were priced by.

    ``rule_ids`` counts from 0, None for a number that no row has, and so do ``rule_methods``, the methods
    that the rules pay by; two streams with equal names price alike.
    """

    engine_version: str
    tariff_family: str
    as_of: date | None
    deciding_date: DecidingDate
    editions: tuple[StreamEdition, ...]
    rule_ids: tuple[str | None, ...]
    rule_methods: tuple[PaymentMethod | None, ...]
    component_names: tuple[str, ...]
    capital_components: frozenset[str]
    groups_cases: bool


def read_started(message: bytes) -> StreamNames:
    """The first answer of a stream. ValueError where it is none."""
    answer = pricing_service_pb2.PriceCaseColumnsResponse.FromString(message)
    if not answer.HasField("started"):
        raise ValueError("the first answer of a stream is not `started`")
    started = answer.started
    admission = started.deciding_date == edition_pb2.DECIDING_DATE_ADMISSION
    families = {edition.tariff_family for edition in started.editions}
    if len(families) != 1:
        raise ValueError(f"a stream has the editions of one family, this one of {len(families)}")
    methods = [METHOD_OF_NUMBER.get(number) for number in started.rule_methods]
    if len(methods) != len(started.rule_ids):
        raise ValueError(f"{len(started.rule_ids)} rules came with {len(methods)} payment methods")
    for rule_id, method in zip(started.rule_ids, methods, strict=True):
        if rule_id and method is None:
            raise ValueError("a payment method came that this version does not know")
    return StreamNames(
        engine_version=started.engine_version,
        tariff_family=families.pop(),
        as_of=date.fromisoformat(started.as_of) if started.as_of else None,
        deciding_date=DecidingDate.ADMISSION if admission else DecidingDate.DISCHARGE,
        editions=tuple(
            StreamEdition(e.schedule_id, e.digest, e.title, e.synthetic, e.currency, e.minor_units)
            for e in started.editions
        ),
        rule_ids=tuple(rule_id or None for rule_id in started.rule_ids),
        rule_methods=tuple(methods),
        component_names=tuple(each.component for each in started.components),
        capital_components=frozenset(each.component for each in started.components if each.capital),
        groups_cases=started.groups_cases,
    )


@dataclass
class PricedRows:
    """The prices of some rows, as `tariffcore.pricing.PricedCases` has them."""

    amount_minor: NDArray[np.int64]
    status: NDArray[np.uint8]
    edition: NDArray[np.uint8]
    rule: NDArray[np.uint16]
    parts_minor: NDArray[np.int64] | None
    has_parts: NDArray[np.uint8] | None
    found: FoundGroups | None = None


def no_rows(names: StreamNames, *, components: bool = True) -> PricedRows:
    """The prices of no case."""
    count = len(names.component_names)
    return PricedRows(
        np.zeros(0, np.int64),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint8),
        np.zeros(0, np.uint16),
        np.zeros((count, 0), np.int64) if components else None,
        np.zeros(0, np.uint8) if components else None,
    )


def priced_rows(answer: messages.PricedColumns, names: StreamNames, *, components: bool) -> PricedRows:
    """An answer, if it says only what can be. ValueError otherwise."""
    rows = answer.rows
    status = _whole("status", answer.status, rows)
    edition = _whole("edition", answer.edition, rows)
    places = _whole("rule", answer.rule, rows)
    is_priced = status == CaseStatus.OK
    if rows:
        if not 1 <= int(status.min()) <= int(status.max()) <= max(CaseStatus):
            raise ValueError("a status came that this version does not know")
        if int(edition.max()) > len(names.editions):
            raise ValueError(f"edition {int(edition.max())} of {len(names.editions)} came")
        if int(places.max()) > len(names.rule_ids):
            raise ValueError(f"rule {int(places.max())} of {len(names.rule_ids)} came")
        if not (places[is_priced].all() and edition[is_priced].all()):
            raise ValueError("a priced row came without its rule or edition")
    rule = np.where(places > 0, places.astype(np.int64) - 1, 0).astype(np.uint16)
    amount_minor = _whole("amount_minor", answer.amount_minor, rows)
    found = _found(answer)
    if not components or not names.component_names:
        none = np.zeros((0, rows), np.int64) if components else None
        return PricedRows(
            amount_minor, status, edition, rule, none, np.zeros(rows, np.uint8) if components else None, found
        )
    if len(answer.components) != len(names.component_names):
        raise ValueError(f"{len(answer.components)} of {len(names.component_names)} components came")
    parts = np.stack([_whole("components", part, rows) for part in answer.components])
    has_parts = _whole("has_components", answer.has_components, rows)
    return PricedRows(amount_minor, status, edition, rule, parts, has_parts, found)


def _found(answer: messages.PricedColumns) -> FoundGroups | None:
    """The groups that were found, None where none were looked for. ValueError for places that are none."""
    if not len(answer.drg):
        return None
    drg = _whole("drg", answer.drg, answer.rows).astype(np.int64) - 1
    rule = _whole("grouping_rule", answer.grouping_rule, answer.rows).astype(np.int64) - 1
    if int(drg.max()) >= len(answer.drg_codes) or int(rule.max()) >= len(answer.grouping_rule_ids):
        raise ValueError("a group or its rule came that the answer does not name")
    codes, rules = tuple(answer.drg_codes), tuple(answer.grouping_rule_ids)
    return FoundGroups(codes, rules, drg.astype(np.int32), rule.astype(np.int32))


def _whole(name: str, column: NDArray[Any], rows: int) -> NDArray[Any]:
    """A copy of the column, since it lies anywhere in a message that need not be kept for it."""
    if len(column) != rows:
        raise ValueError(f"{name} has {len(column)} elements for {rows} rows")
    return column.copy()


def joined(answers: list[PricedRows]) -> PricedRows:
    """The prices of several chunks, one after the other."""
    parts = [answer.parts_minor for answer in answers if answer.parts_minor is not None]
    has_parts = [answer.has_parts for answer in answers if answer.has_parts is not None]
    return PricedRows(
        np.concatenate([answer.amount_minor for answer in answers]),
        np.concatenate([answer.status for answer in answers]),
        np.concatenate([answer.edition for answer in answers]),
        np.concatenate([answer.rule for answer in answers]),
        np.concatenate(parts, axis=1) if parts else None,
        np.concatenate(has_parts) if has_parts else None,
        _joined_groups([(answer.found, len(answer.status)) for answer in answers]),
    )


def _joined_groups(answers: list[tuple[FoundGroups | None, int]]) -> FoundGroups | None:
    """The groups of several answers, each of so many rows, by common names."""
    if all(found is None for found, _ in answers):
        return None
    drg_codes: dict[str, int] = {}
    rule_ids: dict[str, int] = {}
    drg: list[NDArray[np.int32]] = []
    rule: list[NDArray[np.int32]] = []
    for found, rows in answers:
        own = nothing_found(rows) if found is None else found
        for names, known, places, joined in (
            (own.drg_codes, drg_codes, own.drg, drg),
            (own.rule_ids, rule_ids, own.rule, rule),
        ):
            table = [known.setdefault(name, len(known)) for name in names]
            joined.append(np.array([*table, -1], dtype=np.int32)[places])  # -1 is the last entry
    return FoundGroups(list(drg_codes), list(rule_ids), np.concatenate(drg), np.concatenate(rule))
