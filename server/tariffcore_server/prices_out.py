"""What became of cases, as messages: amounts, statuses, rules, components, reasons."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tariffcore.cases import Case, table_from_cases
from tariffcore.explain import explain_case, reason_of_unreadable_field
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import Schedule
from tariffcore.single_case import PricedCase, price_case, priced_records
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2
from tariffcore.wire.editions import PAYMENT_METHODS
from tariffcore_server.cases_in import ReadCase
from tariffcore_server.catalogs import Basis

_FEW = 32
"""Cases that are sooner priced one by one than laid out as a table."""


def price_list(cases: Sequence[ReadCase], basis: Basis, *, components: bool) -> list[PricedCase]:
    """What became of each case, in order."""
    if len(cases) <= _FEW:
        return [price_one(read, basis, components=components) for read in cases]
    readable = [read.case for read in cases if read.unreadable is None]
    prices = iter(_in_columns(readable, basis.plan, components))
    return [next(prices) if read.unreadable is None else _unreadable(read, basis) for read in cases]


def price_one(read: ReadCase, basis: Basis, *, components: bool) -> PricedCase:
    """What became of one case."""
    if read.unreadable is not None:
        return _unreadable(read, basis)
    return price_case(read.case, basis.plan, components=components)


def _unreadable(read: ReadCase, basis: Basis) -> PricedCase:
    return PricedCase(CaseStatus.INVALID_FIELD, edition=_edition_of(read, basis))


def _edition_of(read: ReadCase, basis: Basis) -> Schedule | None:
    """The edition that an unreadable case names where its date decides one."""
    case = read.case
    moment = (
        case.admission_date if basis.catalog.deciding_date is DecidingDate.ADMISSION else case.discharge_date
    )
    if moment is None:
        return None
    return basis.catalog.edition_on(moment.date() if isinstance(moment, datetime) else moment)


def _in_columns(cases: Sequence[Case], plan: Plan, components: bool) -> list[PricedCase]:
    """Many cases, laid out as columns."""
    return priced_records(price_cases(table_from_cases(cases), plan, components=components), plan)


def write_price(
    message: case_pb2.PricedCase, case_id: str, price: PricedCase, plan: Plan, reason: str = ""
) -> None:
    """The answer for one case."""
    message.case_id = case_id
    message.status = case_pb2.CaseStatus.ValueType(price.status)
    if price.amount_minor is not None:
        message.amount_minor = price.amount_minor
    if price.rule_id is not None:
        message.rule_id = price.rule_id
    if price.method is not None:
        message.method = PAYMENT_METHODS[price.method]
    if price.edition is not None:
        message.schedule_id = price.edition.id
    if price.claimed_difference_minor is not None:
        message.claimed_difference_minor = price.claimed_difference_minor
    if price.drg_code is not None:
        message.drg_code = price.drg_code
    if price.grouping_rule_id is not None:
        message.grouping_rule_id = price.grouping_rule_id
    message.reason = reason
    if price.parts_minor is not None and price.edition is not None:
        part_of = dict(zip(plan.component_names, price.parts_minor, strict=True))
        message.components.extend(
            case_pb2.ComponentAmount(component=name, capital=capital, amount_minor=part_of[name])
            for name, capital in components_of(price.edition).items()
        )


def components_of(edition: Schedule) -> dict[str, bool]:
    """The components an edition knows, in its order, and whether each is capital."""
    return {row.component: row.capital for row in edition.components}


def reason_in_words(read: ReadCase, price: PricedCase, basis: Basis, language: str) -> str:
    """Why a case has no amount, with the way out; empty where it has one."""
    if price.status is CaseStatus.OK:
        return ""
    if read.unreadable is not None:
        return reason_of_unreadable_field(*read.unreadable, language)
    return explain_case(read.case, basis.catalog).reason_in(language) or ""
