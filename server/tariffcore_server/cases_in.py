"""Messages to the library's cases. What cannot be read makes the case a status, never the call an error."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from tariffcore.cases import Case
from tariffcore.v1 import case_pb2

LONGEST_CASE_ID = 256
MOST_PROCEDURES = 1_000

_MOMENT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?)?", re.ASCII)
_MOST_DIGITS = 18
"""Of an amount, before and after its point."""


@dataclass(frozen=True, slots=True)
class ReadCase:
    """A case, and the first field of it that holds something unreadable, with what it holds, or how much."""

    case: Case
    unreadable: tuple[str, str] | None = None


class _UnreadableError(Exception):
    pass


def read_case(message: case_pb2.Case, minor_units: int) -> ReadCase:
    """The case a message means: empty text is a missing field, absent fields have the contract's meaning."""
    unreadable: tuple[str, str] | None = None
    case_id: str | None = message.case_id or None
    if case_id is not None and len(case_id) > LONGEST_CASE_ID:
        unreadable = ("case_id", f"{len(case_id)}")
        case_id = None
    claimed: Decimal | None = None
    if message.claimed_amount:
        try:
            claimed = _claim(message.claimed_amount, minor_units)
        except _UnreadableError:
            unreadable = unreadable or ("claimed_amount", message.claimed_amount)
    added: Decimal | None = None
    if message.addon_amount:
        try:
            added = _claim(message.addon_amount, minor_units)
        except _UnreadableError:
            unreadable = unreadable or ("addon_amount", message.addon_amount)
    procedures = tuple(message.procedure_codes)
    if len(procedures) > MOST_PROCEDURES:
        unreadable = unreadable or ("procedure_codes", f"{len(procedures)}")
        procedures = ()
    lists: dict[str, tuple[str, ...]] = {}
    for name in ("secondary_diagnoses", "qualifiers"):
        lists[name] = tuple(getattr(message, name))
        if len(lists[name]) > MOST_PROCEDURES:
            unreadable = unreadable or (name, f"{len(lists[name])}")
            lists[name] = ()
    admission = discharge = None
    try:
        admission = _moment(message.admission_date)
    except _UnreadableError:
        unreadable = unreadable or ("admission_date", message.admission_date)
    try:
        discharge = _moment(message.discharge_date)
    except _UnreadableError:
        unreadable = unreadable or ("discharge_date", message.discharge_date)
    has = message.HasField
    case = Case(
        case_id=case_id,
        provider_id=message.provider_id or None,
        drg_code=message.drg_code or None,
        service_code=message.service_code or None,
        care_setting=message.care_setting or None,
        admission_date=admission,
        discharge_date=discharge,
        outcome=(message.outcome or None) if has("outcome") else "discharged",
        death_unavoidable=message.death_unavoidable if has("death_unavoidable") else None,
        age_years=message.age_years if has("age_years") else None,
        procedure_codes=procedures,
        quantity=message.quantity if has("quantity") else 1,
        length_of_stay_days=(message.length_of_stay_days if has("length_of_stay_days") else None),
        factor_code=message.factor_code or None,
        claimed_amount=claimed,
        addon_amount=added,
        addon_kind=message.addon_kind or None,
        principal_diagnosis=message.principal_diagnosis or None,
        secondary_diagnoses=lists["secondary_diagnoses"],
        sex=message.sex or None,
        birth_weight_grams=message.birth_weight_grams if has("birth_weight_grams") else None,
        age_days=message.age_days if has("age_days") else None,
        qualifiers=lists["qualifiers"],
    )
    return ReadCase(case, unreadable)


def _moment(text: str) -> date | datetime | None:
    """``2026-03-04``, or with the hour ``2026-03-04T10:30[:15]``."""
    stripped = text.strip()
    if not stripped:
        return None
    if len(stripped) == 10 and stripped[4] == stripped[7] == "-":
        try:
            return date.fromisoformat(stripped)
        except ValueError:
            raise _UnreadableError from None
    if _MOMENT.fullmatch(stripped) is None:
        raise _UnreadableError
    try:
        return datetime.fromisoformat(stripped)
    except ValueError:
        raise _UnreadableError from None


def _claim(text: str, minor_units: int) -> Decimal | None:
    """A decimal of the currency, of as many decimals as it has and 18 digits in all."""
    stripped = text.strip()
    if not stripped:
        return None
    digits = stripped[1:] if stripped[0] in "+-" else stripped
    whole, point, decimals = digits.partition(".")
    if not _is_number(whole) or (point and not _is_number(decimals)):
        raise _UnreadableError
    kept = decimals.rstrip("0")
    if len(kept) > minor_units or len(whole.lstrip("0")) + minor_units > 18:
        raise _UnreadableError
    return Decimal(stripped)


def _is_number(digits: str) -> bool:
    return len(digits) <= _MOST_DIGITS and digits.isascii() and digits.isdigit()
