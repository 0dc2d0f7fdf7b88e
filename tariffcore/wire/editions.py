"""Editions as the service names them."""

from __future__ import annotations

from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import PaymentMethod, Schedule
from tariffcore.v1 import case_pb2, edition_pb2

DECIDING_DATES = {
    DecidingDate.DISCHARGE: edition_pb2.DECIDING_DATE_DISCHARGE,
    DecidingDate.ADMISSION: edition_pb2.DECIDING_DATE_ADMISSION,
}

PAYMENT_METHODS = {
    method: case_pb2.PaymentMethod.Value(f"PAYMENT_METHOD_{method.name}") for method in PaymentMethod
}

METHOD_OF_NUMBER: dict[int, PaymentMethod] = {number: method for method, number in PAYMENT_METHODS.items()}


def edition_message(schedule: Schedule) -> edition_pb2.Edition:
    """What a result says of the edition it was priced from."""
    end = schedule.effective_end_date
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
        effective_end_date="" if end is None else end.isoformat(),
    )
