"""Treated cases: one as a record, many as columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal

import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One line to price: a treated case (``drg_code``) or a service (``service_code``), never both.

    A case without ``drg_code`` is grouped first, by the last six fields beside the others, where the edition
    has grouping rules.
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
    addon_amount: Decimal | None = None
    addon_kind: str | None = None
    principal_diagnosis: str | None = None
    secondary_diagnoses: tuple[str, ...] = ()
    sex: str | None = None
    birth_weight_grams: int | None = None
    age_days: int | None = None
    qualifiers: tuple[str, ...] = ()


CASE_COLUMNS = tuple(field.name for field in fields(Case))
"""The standard columns that pricing reads."""

GROUPING_COLUMNS = (
    "principal_diagnosis",
    "secondary_diagnoses",
    "sex",
    "birth_weight_grams",
    "age_days",
    "qualifiers",
)
"""The standard columns that only cases without a cost group need."""

STANDARD_COLUMNS = CASE_COLUMNS
"""Every column name with a meaning; others are none of our business and never leave their file."""


def table_from_cases(cases: Iterable[Case]) -> pa.Table:
    """Cases as a table of standard columns.

    Dates become text, so that a date without an hour and one at midnight stay different; so do numbers too
    long for their column, which pricing answers with a status.
    """
    rows = list(cases)
    columns: dict[str, pa.Array] = {}
    for name in CASE_COLUMNS:
        cells = [getattr(row, name) for row in rows]
        if name in ("admission_date", "discharge_date"):
            cells = [
                None if cell is None else cell.isoformat(*_ISO_ARGUMENTS[type(cell) is date])
                for cell in cells
            ]
        elif name == "case_id":
            cells = [None if cell is None else str(cell) for cell in cells]
        try:
            columns[name] = pa.array(cells, type=_COLUMN_TYPES[name])
        except (OverflowError, pa.ArrowInvalid):
            columns[name] = pa.array([None if cell is None else _digits(cell) for cell in cells], pa.string())
    return pa.table(columns)


def _digits(number: int | Decimal) -> str:
    return f"{number:f}" if isinstance(number, Decimal) else str(number)


_ISO_ARGUMENTS: dict[bool, tuple[str, ...]] = {True: (), False: (" ", "seconds")}
_COLUMN_TYPES = {
    **dict.fromkeys(CASE_COLUMNS, pa.string()),
    "death_unavoidable": pa.bool_(),
    "age_years": pa.int64(),
    "procedure_codes": pa.list_(pa.string()),
    "secondary_diagnoses": pa.list_(pa.string()),
    "qualifiers": pa.list_(pa.string()),
    "birth_weight_grams": pa.int64(),
    "age_days": pa.int64(),
    "quantity": pa.int64(),
    "length_of_stay_days": pa.int64(),
    "claimed_amount": pa.decimal128(38, 9),
    "addon_amount": pa.decimal128(38, 9),
}
