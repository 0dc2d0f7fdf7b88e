"""Treated cases: one as a record, many as columns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line to price: a treated case (``drg_code``) or a service (``service_code``), never both.

    Dates are dates, or datetimes where the hour is known. None means missing; what a missing field
    does to the case is said where the field is used.
    """

    case_id: str | int | None
    provider_id: str | None = None
    drg_code: str | None = None
    service_code: str | None = None
    care_setting: str | None = None
    admission_date: date | datetime | None = None
    discharge_date: date | datetime | None = None
    outcome: str | None = "discharged"
    death_unavoidable: bool | None = None
    age_years: int | None = None
    procedure_codes: tuple[str, ...] = ()
    quantity: int | None = 1
    length_of_stay_days: int | None = None
    factor_code: str | None = None
    funding_source: str | None = None
    patient_id: str | None = None
    claimed_amount: Decimal | None = None
