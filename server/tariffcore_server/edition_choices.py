"""What a request says of the editions it wants, and dates as messages have them."""

from __future__ import annotations

from datetime import date

from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.values import UnreadableValueError, day_value
from tariffcore.v1 import edition_pb2
from tariffcore_server.catalogs import DEFAULT_CHOICE, Choice
from tariffcore_server.failures import RequestError, invalid_field, together

_DECIDING_DATES = {
    edition_pb2.DECIDING_DATE_UNSPECIFIED: DecidingDate.DISCHARGE,
    edition_pb2.DECIDING_DATE_DISCHARGE: DecidingDate.DISCHARGE,
    edition_pb2.DECIDING_DATE_ADMISSION: DecidingDate.ADMISSION,
}


def iso(day: date | None) -> str:
    """An ISO date; empty for none."""
    return "" if day is None else day.isoformat()


def read_choice(message: edition_pb2.EditionChoice, path: str = "edition") -> Choice:
    """Which editions a request wants. Raises RequestError for the fields that cannot be read, all at once."""
    if not message.ByteSize():
        return DEFAULT_CHOICE
    deciding_date = _DECIDING_DATES.get(message.deciding_date)
    wrong: list[RequestError] = []
    if deciding_date is None:
        wrong.append(invalid_field(f"{path}.deciding_date", "is no date that this version knows"))
    chosen = message.WhichOneof("choice")
    as_of = None
    if chosen == "pinned" and not message.pinned.schedule_id:
        wrong.append(invalid_field(f"{path}.pinned.schedule_id", "is missing"))
    elif chosen == "as_of":
        try:
            as_of = read_day(message.as_of, f"{path}.as_of")
        except RequestError as error:
            wrong.append(error)
    if wrong or deciding_date is None:
        raise together(wrong)
    if chosen == "pinned":
        return Choice(
            message.tariff_family, message.pinned.schedule_id, message.pinned.digest, None, deciding_date
        )
    return Choice(message.tariff_family, as_of=as_of, deciding_date=deciding_date)


def read_day(text: str, path: str) -> date:
    """An ISO date of a request. Raises RequestError."""
    try:
        return day_value(text)
    except UnreadableValueError:
        raise invalid_field(path, "is not an ISO date such as 2025-12-01") from None
