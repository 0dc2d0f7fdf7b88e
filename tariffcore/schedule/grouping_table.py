"""grouping_rules.csv and grouping_codes.csv, row by row, into the model."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from tariffcore.codes import is_diagnosis, normalise_diagnosis, normalise_procedure
from tariffcore.errors import Problem
from tariffcore.schedule.csv_reading import CsvRow, Unread, read_csv, seen_before
from tariffcore.schedule.grouping_model import Band, CodeRange, GroupingRule, Sex
from tariffcore.schedule.limits import (
    MAX_AGE_YEARS,
    MAX_BIRTH_WEIGHT_GRAMS,
    MAX_RULE_AGE_DAYS,
    MAX_RULE_PRIORITY,
    MAX_STAY_DAYS,
    MIN_BIRTH_WEIGHT_GRAMS,
)
from tariffcore.schedule.values import UnreadableValueError, code_value, within

RULE_COLUMNS = (
    "rule_id",
    "drg_code",
    "priority",
    "principal_diagnosis",
    "procedures",
    "secondary_diagnoses",
    "excluded_secondary_diagnoses",
    "age_years",
    "age_days",
    "sex",
    "birth_weight_grams",
    "outcomes",
    "length_of_stay_days",
    "care_settings",
    "qualifiers",
    "source",
)
CODE_COLUMNS = ("system", "code", "name")

_AFTER_EVERY_CODE = "~"
"""Greater than every character of a normalised code."""
_PROCEDURE = re.compile(r"[0-9A-Z]{2,10}", re.ASCII)
_BAND = re.compile(r"([0-9]{1,9})?(-)?([0-9]{1,9})?")


class CodeSystem(StrEnum):
    DIAGNOSIS = "diagnosis"
    PROCEDURE = "procedure"


@dataclass(frozen=True, slots=True)
class ListedCode:
    """A row of grouping_codes.csv; the code is normalised."""

    system: CodeSystem
    code: str
    name: str
    line: int


def read_grouping_rules(
    file: str, text: str, problems: list[Problem], unread: Unread
) -> tuple[GroupingRule, ...]:
    """grouping_rules.csv: the rules in file order."""
    rules: list[GroupingRule] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, RULE_COLUMNS, problems, unread):
        rule_id = row.word("rule_id")
        priority = row.whole("priority", 1, MAX_RULE_PRIORITY)
        rule = GroupingRule(
            rule_id=rule_id or "",
            drg_code=row.code("drg_code") or "",
            priority=1 if priority is None else priority,
            principal_diagnoses=_ranges(row, "principal_diagnosis", CodeSystem.DIAGNOSIS),
            procedures=_ranges(row, "procedures", CodeSystem.PROCEDURE),
            secondary_diagnoses=_ranges(row, "secondary_diagnoses", CodeSystem.DIAGNOSIS),
            excluded_secondary_diagnoses=_ranges(row, "excluded_secondary_diagnoses", CodeSystem.DIAGNOSIS),
            age_years=_band(row, "age_years", 0, MAX_AGE_YEARS),
            age_days=_band(row, "age_days", 0, MAX_RULE_AGE_DAYS),
            sex=row.member("sex", Sex, required=False),
            birth_weight_grams=_band(
                row, "birth_weight_grams", MIN_BIRTH_WEIGHT_GRAMS, MAX_BIRTH_WEIGHT_GRAMS
            ),
            outcomes=row.words("outcomes"),
            length_of_stay_days=_band(row, "length_of_stay_days", 0, MAX_STAY_DAYS),
            care_settings=row.words("care_settings"),
            qualifiers=row.words("qualifiers"),
            source=row.text("source") or "",
            line=row.line,
        )
        if rule_id is not None:
            seen_before(row, "rule_id", rule_id, rule_id, lines, "the rule")
        rules.append(rule)
    return tuple(rules)


def read_grouping_codes(
    file: str, text: str, problems: list[Problem], unread: Unread
) -> tuple[ListedCode, ...]:
    """grouping_codes.csv: the codes of the classifications in use, in file order."""
    listed: list[ListedCode] = []
    lines: dict[object, int] = {}
    for row in read_csv(file, text, CODE_COLUMNS, problems, unread):
        system = row.member("system", CodeSystem)
        name = row.text("name", required=False)
        code = row.code("code")
        if system is None or code is None:
            continue
        try:
            normalised = _normalised(code, system)
        except UnreadableValueError as error:
            row.do_not_judge("code")
            row.note("code", code, error.message, error.way_out)
            continue
        if not seen_before(row, "code", (system, normalised), code, lines, f"the {system.value}"):
            listed.append(ListedCode(system, normalised, name or "", row.line))
    return tuple(listed)


def _normalised(code: str, system: CodeSystem) -> str:
    if system is CodeSystem.DIAGNOSIS:
        normalised = normalise_diagnosis(code)
        if not is_diagnosis(normalised):
            raise UnreadableValueError("is not an ICD-10 code", "write it like A40.0, or A40 for a category")
        return normalised
    normalised = normalise_procedure(code)
    if not _PROCEDURE.fullmatch(normalised):
        raise UnreadableValueError("is not a procedure code", "write it like 13.73")
    return normalised


def _is_prefix(normalised: str, system: CodeSystem) -> bool:
    pattern = r"[A-Z]([0-9][0-9A-Z]{0,5})?" if system is CodeSystem.DIAGNOSIS else r"[0-9A-Z]{1,10}"
    return re.fullmatch(pattern, normalised, re.ASCII) is not None


def _range(written: str, system: CodeSystem) -> CodeRange:
    normalise = normalise_diagnosis if system is CodeSystem.DIAGNOSIS else normalise_procedure
    example = "A40" if system is CodeSystem.DIAGNOSIS else "13.7"
    if written.endswith("*"):
        prefix = normalise(written[:-1])
        if not _is_prefix(prefix, system):
            raise UnreadableValueError(
                f"{written!r} is not the beginning of a code", f"write it like {example}*"
            )
        return CodeRange(prefix, prefix + _AFTER_EVERY_CODE, written)
    first, dash, last = written.partition("-")
    if not dash:
        code = _normalised(written, system)
        return CodeRange(code, code + "\0", written)
    low, high = _normalised(first, system), _normalised(last, system)
    if high < low:
        raise UnreadableValueError(
            f"the range {written!r} ends before it begins", f"write the smaller code first: {last}-{first}"
        )
    return CodeRange(low, high + _AFTER_EVERY_CODE, written)


def _ranges(row: CsvRow, column: str, system: CodeSystem) -> tuple[CodeRange, ...]:
    """Codes, prefixes and ranges separated by ``;``, possibly none. Every one that cannot be read is told."""
    ranges: list[CodeRange] = []
    for piece in row.cells.get(column, "").split(";"):
        written = piece.strip()
        if not written:
            continue
        try:
            one = _range(code_value(written), system)
        except UnreadableValueError as error:
            row.do_not_judge(column)
            row.note(column, written, error.message, error.way_out)
            continue
        if any((one.low, one.high) == (other.low, other.high) for other in ranges):
            row.note(column, written, "is listed more than once", "list it once")
        else:
            ranges.append(one)
    return tuple(ranges)


def _band(row: CsvRow, column: str, low: int, high: int) -> Band | None:
    return row.value(column, _band_of(low, high), required=False)


def _band_of(lowest: int, highest: int) -> Callable[[str], Band]:
    def read(cell: str) -> Band:
        match = _BAND.fullmatch("".join(cell.split()))
        if match is None or not (match[1] or match[3]):
            raise UnreadableValueError(
                "is not a band of whole numbers",
                "write 500-749 (both included), 18- for 18 and more, -749 for up to 749, or one number",
            )
        first = within(int(match[1]), lowest, highest) if match[1] else None
        last = within(int(match[3]), lowest, highest) if match[3] else None
        if not match[2]:
            return Band(first, first)
        if first is not None and last is not None and last < first:
            raise UnreadableValueError(
                "ends before it begins", f"write the smaller number first: {last}-{first}"
            )
        return Band(first, last)

    return read
