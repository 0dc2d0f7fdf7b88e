"""Single cases and their prices as messages, there and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from tariffcore.cases import Case
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_pb2, edition_pb2, explanation_pb2, pricing_service_pb2
from tariffcore.wire.editions import METHOD_OF_NUMBER

MAX_CASES = 5_000
"""What one PriceCases takes."""

_MAX_INT32 = 2**31 - 1
_MAX_INT64 = 2**63 - 1

_DECIDING_DATES = {
    DecidingDate.DISCHARGE: edition_pb2.DECIDING_DATE_DISCHARGE,
    DecidingDate.ADMISSION: edition_pb2.DECIDING_DATE_ADMISSION,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EditionChoice:
    """Which editions price: a family by date (nothing else given), as known on a day, or exactly one edition.

    tariff_family  "kz"; None: the service's default
    schedule_id    exactly this edition, with ``digest`` exactly this content of it
    as_of          the editions as they were known on that day; not together with ``schedule_id``
    deciding_date  which date of a case decides
    """

    tariff_family: str | None = None
    schedule_id: str | None = None
    digest: str | None = None
    as_of: date | None = None
    deciding_date: DecidingDate = DecidingDate.DISCHARGE

    def __post_init__(self) -> None:
        if self.schedule_id is not None and self.as_of is not None:
            raise ValueError("an edition that is named is known: leave as_of out, or schedule_id")
        if self.digest is not None and self.schedule_id is None:
            raise ValueError("a digest belongs to an edition: name its schedule_id")

    def message(self) -> edition_pb2.EditionChoice:
        """The choice as requests carry it."""
        choice = edition_pb2.EditionChoice(
            tariff_family=self.tariff_family or "", deciding_date=_DECIDING_DATES[self.deciding_date]
        )
        if self.schedule_id is not None:
            choice.pinned.schedule_id = self.schedule_id
            choice.pinned.digest = self.digest or ""
        elif self.as_of is not None:
            choice.as_of = self.as_of.isoformat()
        return choice


LATEST = EditionChoice()
"""The service's default family, by each case's date."""


@dataclass(frozen=True, slots=True)
class CasePrice:
    """The price of one case, or why it has none.

    amount_minor              minor units of the edition's currency; None unless the status is OK
    rule_id                   what applied; None unless OK
    method                    how the fund pays for it; None unless OK
    drg_code                  of a case that was sent without its group: the group that was found
    grouping_rule_id          the grouping rule that led to it
    schedule_id               the edition that covers the deciding date; None where none does
    components_minor          component -> minor units, in the schedule's order; empty unless asked for
    claimed_difference_minor  claimed less priced; None unless there are both
    reason                    why there is no amount, in words; None where there is one, or if not asked for
    """

    case_id: str
    status: CaseStatus
    amount_minor: int | None
    rule_id: str | None
    schedule_id: str | None
    components_minor: Mapping[str, int]
    claimed_difference_minor: int | None
    reason: str | None
    method: PaymentMethod | None
    drg_code: str | None = None
    grouping_rule_id: str | None = None


@dataclass(frozen=True, slots=True)
class PricedCase:
    """What `Client.price_case` answers. ``explanation`` only where asked for."""

    price: CasePrice
    edition: edition_pb2.Edition | None
    engine_version: str
    explanation: explanation_pb2.Explanation | None


@dataclass(frozen=True, slots=True)
class PricedList:
    """What `Client.price_cases` answers: a price for each case, in their order."""

    prices: tuple[CasePrice, ...]
    editions: tuple[edition_pb2.Edition, ...]
    engine_version: str


def case_message(case: Case) -> case_pb2.Case:
    """A case as requests carry it. Funding source and pseudonym stay here: no price depends on them.

    Raises ValueError for what a message cannot say: a number beyond its field, or a quantity of None beside a
    service code (there, absent means 1).
    """
    message = case_pb2.Case(
        case_id="" if case.case_id is None else str(case.case_id),
        provider_id=case.provider_id or "",
        drg_code=case.drg_code or "",
        service_code=case.service_code or "",
        care_setting=case.care_setting or "",
        admission_date=_written(case.admission_date),
        discharge_date=_written(case.discharge_date),
        outcome=case.outcome or "",
        procedure_codes=case.procedure_codes,
        factor_code=case.factor_code or "",
        claimed_amount="" if case.claimed_amount is None else f"{case.claimed_amount:f}",
        addon_amount="" if case.addon_amount is None else f"{case.addon_amount:f}",
        addon_kind=case.addon_kind or "",
    )
    if (
        not message.drg_code and not message.service_code
    ):  # diagnoses travel only where a group is to be found
        message.principal_diagnosis = case.principal_diagnosis or ""
        message.secondary_diagnoses.extend(case.secondary_diagnoses)
        message.sex = case.sex or ""
        message.qualifiers.extend(case.qualifiers)
        if case.birth_weight_grams is not None:
            message.birth_weight_grams = _within("birth_weight_grams", case.birth_weight_grams, _MAX_INT32)
        if case.age_days is not None:
            message.age_days = _within("age_days", case.age_days, _MAX_INT32)
    if case.death_unavoidable is not None:
        message.death_unavoidable = case.death_unavoidable
    if case.age_years is not None:
        message.age_years = _within("age_years", case.age_years, _MAX_INT32)
    if case.length_of_stay_days is not None:
        message.length_of_stay_days = _within("length_of_stay_days", case.length_of_stay_days, _MAX_INT32)
    if case.quantity is not None:
        message.quantity = _within("quantity", case.quantity, _MAX_INT64)
    elif case.service_code:
        raise ValueError("a service needs a quantity; leave it out only for a drg_code, where it is 1")
    return message


def _within(name: str, number: int, most: int) -> int:
    if not -most <= number <= most:
        raise ValueError(f"{name} {number} does not fit its field of the message")
    return number


def _written(moment: date | None) -> str:
    if moment is None:
        return ""
    if isinstance(moment, datetime):
        return moment.isoformat(timespec="seconds")
    return moment.isoformat()


def price_of(message: case_pb2.PricedCase) -> CasePrice:
    """A price as the service sent it."""
    difference = message.claimed_difference_minor if message.HasField("claimed_difference_minor") else None
    return CasePrice(
        case_id=message.case_id,
        status=CaseStatus(message.status),
        amount_minor=message.amount_minor if message.HasField("amount_minor") else None,
        rule_id=message.rule_id or None,
        schedule_id=message.schedule_id or None,
        components_minor={each.component: each.amount_minor for each in message.components},
        claimed_difference_minor=difference,
        reason=message.reason or None,
        method=METHOD_OF_NUMBER.get(message.method),
        drg_code=message.drg_code or None,
        grouping_rule_id=message.grouping_rule_id or None,
    )


def priced_case(answer: pricing_service_pb2.PriceCaseResponse) -> PricedCase:
    return PricedCase(
        price_of(answer.priced),
        answer.edition if answer.HasField("edition") else None,
        answer.engine_version,
        answer.explanation if answer.HasField("explanation") else None,
    )


def priced_list(answer: pricing_service_pb2.PriceCasesResponse, sent: int) -> PricedList:
    """The answer to a list; ValueError where it is not one for each case."""
    if len(answer.priced) != sent:
        raise ValueError(f"{sent} cases were sent and {len(answer.priced)} came back")
    return PricedList(
        tuple(price_of(each) for each in answer.priced), tuple(answer.editions), answer.engine_version
    )
