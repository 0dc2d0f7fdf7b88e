"""What became of cases, as messages: amounts, statuses, rules, components, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tariffcore.cases import table_from_cases
from tariffcore.explain import explain_case, reason_of_unreadable_cell
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import Schedule
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2
from tariffcore_server.cases_in import ReadCase
from tariffcore_server.catalogs import Basis


@dataclass(frozen=True, slots=True)
class Price:
    """What became of one case. ``parts_minor`` is over ``plan.component_names``; None: it has none."""

    status: CaseStatus
    amount_minor: int | None = None
    rule_id: str = ""
    edition: Schedule | None = None
    parts_minor: Sequence[int] | None = None
    claimed_difference_minor: int | None = None


def price_list(cases: Sequence[ReadCase], basis: Basis, *, components: bool) -> list[Price]:
    """What became of each case, in order."""
    readable = [read.case for read in cases if read.unreadable is None]
    prices = iter(
        _prices_of(price_cases(table_from_cases(readable), basis.plan, components=components), basis.plan)
    )
    return [
        next(prices)
        if read.unreadable is None
        else Price(CaseStatus.INVALID_FIELD, edition=_edition_of(read, basis))
        for read in cases
    ]


def price_one(read: ReadCase, basis: Basis, *, components: bool) -> Price:
    """What became of one case."""
    return price_list([read], basis, components=components)[0]


def _edition_of(read: ReadCase, basis: Basis) -> Schedule | None:
    """The edition that an unreadable case names where its date decides one."""
    case = read.case
    moment = (
        case.admission_date if basis.catalog.deciding_date is DecidingDate.ADMISSION else case.discharge_date
    )
    if moment is None:
        return None
    return basis.catalog.edition_on(moment.date() if isinstance(moment, datetime) else moment)


def _prices_of(priced: PricedCases, plan: Plan) -> list[Price]:
    editions: list[Schedule | None] = [None, *plan.editions]
    amounts = priced.amount_minor.tolist()
    rules = priced.rule.tolist()
    places = priced.edition.tolist()
    differences = None if priced.difference_minor is None else priced.difference_minor.tolist()
    has_difference = priced.has_difference.tolist()
    prices: list[Price] = []
    for row, number in enumerate(priced.status.tolist()):
        status = CaseStatus(number)
        edition = editions[places[row]]
        if status is not CaseStatus.OK:
            prices.append(Price(status, edition=edition))
            continue
        parts: Sequence[int] | None = None
        if priced.parts_minor is not None and priced.has_parts is not None and priced.has_parts[row]:
            parts = priced.parts_minor[:, row].tolist()
        prices.append(
            Price(
                status,
                amounts[row],
                plan.rule_ids[rules[row]] or "",
                edition,
                parts,
                differences[row] if differences is not None and has_difference[row] else None,
            )
        )
    return prices


def priced_message(case_id: str, price: Price, plan: Plan, reason: str = "") -> case_pb2.PricedCase:
    """The answer for one case."""
    message = case_pb2.PricedCase(
        case_id=case_id,
        status=case_pb2.CaseStatus.ValueType(int(price.status)),
        amount_minor=price.amount_minor,
        rule_id=price.rule_id,
        schedule_id="" if price.edition is None else price.edition.id,
        claimed_difference_minor=price.claimed_difference_minor,
        reason=reason,
    )
    if price.parts_minor is not None and price.edition is not None:
        part_of = dict(zip(plan.component_names, price.parts_minor, strict=True))
        message.components.extend(
            case_pb2.ComponentAmount(component=name, capital=capital, amount_minor=part_of[name])
            for name, capital in components_of(price.edition).items()
        )
    return message


def components_of(edition: Schedule) -> dict[str, bool]:
    """The components an edition knows, in its order, and whether each is capital."""
    return {row.component: row.capital for row in edition.components}


def reason_in_words(read: ReadCase, price: Price, basis: Basis, language: str) -> str:
    """Why a case has no amount, with the way out; empty where it has one."""
    if price.status is CaseStatus.OK:
        return ""
    if read.unreadable is not None:
        return reason_of_unreadable_cell(*read.unreadable, language)
    return explain_case(read.case, basis.catalog).reason_in(language) or ""
