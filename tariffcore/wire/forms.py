"""What each field of the messages of columns holds, and messages read where they lie."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tariffcore import _wire
from tariffcore.wire.errors import UnreadableMessageError, problem

T = TypeVar("T", bound=np.number)

UNKNOWN, VARINT, FIXED32, FIXED64, OCTETS, TEXT, MESSAGES = range(7)
"""What a field holds, as `_wire.scan` knows it."""
PLAIN, ODD, NO_TEXT = range(3)
"""What `_wire.scan` found."""


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a message type by number: name and what each holds."""

    name: str
    fields: dict[int, tuple[str, int]]

    @property
    def of_number(self) -> bytes:
        """What each field holds, at its number."""
        numbers = range(1 + max(self.fields))
        return bytes(self.fields[number][1] if number in self.fields else UNKNOWN for number in numbers)


REQUEST = Form("PriceCaseColumnsRequest", {2: ("chunk", MESSAGES)})
RESPONSE = Form("PriceCaseColumnsResponse", {2: ("priced", MESSAGES)})
CASE_COLUMNS = Form(
    "CaseColumns",
    {
        1: ("rows", VARINT),
        2: ("new_provider_ids", TEXT),
        3: ("new_drg_codes", TEXT),
        4: ("new_service_codes", TEXT),
        5: ("new_care_settings", TEXT),
        6: ("new_outcomes", TEXT),
        7: ("new_procedure_codes", TEXT),
        8: ("new_factor_codes", TEXT),
        9: ("new_addon_kinds", TEXT),
        10: ("new_diagnoses", TEXT),
        11: ("provider", FIXED32),
        12: ("drg", FIXED32),
        13: ("service", FIXED32),
        14: ("care_setting", FIXED32),
        15: ("outcome", FIXED32),
        16: ("admission_day", FIXED32),
        17: ("discharge_day", FIXED32),
        18: ("admission_second", FIXED32),
        19: ("discharge_second", FIXED32),
        20: ("age_years", FIXED32),
        21: ("quantity", FIXED32),
        22: ("length_of_stay_days", FIXED32),
        23: ("factor", FIXED32),
        24: ("death_unavoidable", OCTETS),
        25: ("procedure_end", FIXED32),
        26: ("procedure", FIXED32),
        27: ("row_problem", OCTETS),
        28: ("addon_kind", FIXED32),
        29: ("addon_amount_minor", FIXED64),
        30: ("new_qualifiers", TEXT),
        31: ("principal_diagnosis", FIXED32),
        32: ("secondary_diagnosis_end", FIXED32),
        33: ("secondary_diagnosis", FIXED32),
        34: ("age_days", FIXED32),
        35: ("birth_weight_grams", FIXED32),
        36: ("sex", OCTETS),
        37: ("qualifier_end", FIXED32),
        38: ("qualifier", FIXED32),
    },
)
PRICED_COLUMNS = Form(
    "PricedColumns",
    {
        1: ("rows", VARINT),
        2: ("amount_minor", FIXED64),
        3: ("status", OCTETS),
        4: ("edition", OCTETS),
        5: ("rule", FIXED32),
        6: ("has_components", OCTETS),
        7: ("components", MESSAGES),
        8: ("drg_codes", TEXT),
        9: ("grouping_rule_ids", TEXT),
        10: ("drg", FIXED32),
        11: ("grouping_rule", FIXED32),
    },
)
COMPONENT_COLUMN = Form("ComponentColumn", {1: ("amount_minor", FIXED64)})

TABLE_OF_WORDS = {
    2: "provider",
    3: "drg",
    4: "service",
    5: "care_setting",
    6: "outcome",
    7: "procedure",
    8: "factor",
    9: "addon_kind",
    10: "diagnosis",
    30: "qualifier",
}
"""The code table that each field of new words appends to."""
NUMBER_OF_COLUMN = {name: number for number, (name, _) in CASE_COLUMNS.fields.items()}
WIDTH = {FIXED32: 4, FIXED64: 8, OCTETS: 1}
"""Bytes an element of each kind of column."""


@dataclass(slots=True)  # freezing one takes as long as finding its columns
class Scanned:
    """A message in plain form: where its columns lie, its numbers and its texts."""

    message: bytes | memoryview
    offsets: NDArray[np.int64]
    lengths: NDArray[np.int64]
    numbers: NDArray[np.int64]
    texts: list[tuple[int, str]]
    messages: list[tuple[int, int, int]]
    """Field, offset and length of each message inside."""

    def column(self, field: int, kind: type[T]) -> NDArray[T]:
        """A column where it lies; empty where it is left out."""
        dtype = np.dtype(kind).newbyteorder("<")
        start = max(0, int(self.offsets[field]))
        return np.frombuffer(self.message, dtype, int(self.lengths[field]) // dtype.itemsize, start)


def scan(
    message: bytes | memoryview,
    form: Form,
    path: str,
    start: int = 0,
    stop: int = -1,
    most_texts: int = sys.maxsize,
) -> Scanned | None:
    """Find the fields of a message; None where the library must read it, for it is not in the plain form, or
    where it has more texts than asked for.

    Raises UnreadableMessageError where a text is not UTF-8.
    """
    of_number = _OF_NUMBER[form.name]
    offsets, lengths, numbers = np.empty((3, len(of_number)), dtype=np.int64)
    stop = len(message) if stop < 0 else stop
    if stop == start:
        offsets[:], lengths[:], numbers[:] = -1, 0, 0
        return Scanned(message, offsets, lengths, numbers, [], [])
    found, texts, messages = _wire.scan(
        message, start, stop, of_number, offsets, lengths, numbers, most_texts
    )
    if found == NO_TEXT:
        name = form.fields[texts][0]
        raise UnreadableMessageError(
            [problem(f"{path}.{name}[{messages}]", "the text is not UTF-8", "send text as UTF-8")]
        )
    return Scanned(message, offsets, lengths, numbers, texts, messages) if found == PLAIN else None


_OF_NUMBER = {
    form.name: form.of_number for form in (REQUEST, RESPONSE, CASE_COLUMNS, PRICED_COLUMNS, COMPONENT_COLUMN)
}
