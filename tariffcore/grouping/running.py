"""A file of cases grouped: which group each gets and by which rule, whatever it is then paid."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.batch import BatchReport, PlanPricer, Progress, price_file_with
from tariffcore.errors import CasesError, Problem
from tariffcore.files import ColumnMapping
from tariffcore.files.chunks import CaseChunk, MalformedRow
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.grouping.coverage import Coverage, coverage_of
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, nothing_found
from tariffcore.rejects import KnownReasons, RejectReasons, reject_table
from tariffcore.statuses import CaseStatus

_REASON = pa.schema([("reason", pa.string())])

GIVEN_DRG = "given_drg_code"
"""The column of an output that repeats the group with which a case came."""


@dataclass(frozen=True)
class _GroupedCases(PricedCases):
    """``malformed``: the rows that are no rows at all."""

    malformed: NDArray[np.intp] = field(default_factory=lambda: np.zeros(0, dtype=np.intp))


class GroupPricer(PlanPricer):
    """Groups every case, also those that come with a group, and prices them to say what is at stake."""

    def __init__(self, plan: Plan, *, reasons_in: str | None = None) -> None:
        """``reasons_in``: the language in which a column says why a row has no group; None: there is none."""
        super().__init__(plan, components=False)
        self._reasons = None if reasons_in is None else RejectReasons(plan.catalog, reasons_in)
        self.coverage = Coverage()
        self._lock = Lock()

    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        without = cases.drop_columns(["drg_code"]) if "drg_code" in cases.column_names else cases
        priced = super().price(without, malformed)
        given = cases.column("drg_code") if "drg_code" in cases.column_names else None
        own = coverage_of(without, priced, given)
        with self._lock:
            self.coverage.merge(own)
        return priced

    def table(self, cases: pa.Table, priced: PricedCases) -> pa.Table:
        """Case, edition, group, rule and status of every row."""
        columns = priced.columns()
        found = priced.found or nothing_found(len(priced))
        table = {"case_id": cases.column("case_id"), "schedule_id": columns["schedule_id"], **found.columns()}
        if "drg_code" in cases.column_names:
            table[GIVEN_DRG] = cases.column("drg_code")
        table["status"] = columns["status"]
        if self._reasons is not None:
            table["reason"] = self._why(cases, priced, self._reasons)
        if "synthetic" in columns:
            table["synthetic"] = columns["synthetic"]
        return pa.table(table)

    def reasons(self, language: str) -> KnownReasons:
        return super().reasons(language) if self._reasons is None else self._reasons  # what is known stays so

    def _why(self, cases: pa.Table, priced: PricedCases, reasons: KnownReasons) -> pa.Array:
        """Why each row has no group, as the rejects say it; they alone know what of a line is no row."""
        malformed = priced.malformed.tolist() if isinstance(priced, _GroupedCases) else []
        chunk = CaseChunk(
            cases, np.arange(len(priced)), dict.fromkeys(malformed, MalformedRow("malformed_elsewhere"))
        )
        said = reject_table(chunk, priced, reasons, _REASON)["reason"]
        without = np.flatnonzero(~priced.ok)
        place = np.zeros(len(priced), dtype=np.int64)
        place[without] = np.arange(len(without))
        return said.combine_chunks().take(pa.array(place, mask=priced.ok))


class _GroupStatus(GroupPricer):
    """As `GroupPricer`; a case that has a group is OK, even if it has no price."""

    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        priced = super().price(cases, malformed)
        own = {each.name: getattr(priced, each.name) for each in fields(PricedCases)}
        return _GroupedCases(**{**own, "status": status_of_group(priced)}, malformed=malformed)


def status_of_group(priced: PricedCases) -> NDArray[np.uint8]:
    """The status of each case as far as its group goes: OK where it has one, even without a price."""
    if priced.found is None:
        return priced.status
    own_fields = np.zeros(len(priced), dtype=np.bool_)
    marked = getattr(priced.encoded, "marked", None)
    if marked is not None:
        own_fields[marked] = True
    has_group = (priced.found.drg >= 0) & ~own_fields
    return np.where(has_group, np.uint8(CaseStatus.OK), priced.status)


def group_file(
    cases_path: Path,
    output_path: Path,
    plan: Plan,
    *,
    rejects_path: Path | None = None,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    language: str = "en",
    reasons: bool = False,
    progress: Progress | None = None,
) -> tuple[BatchReport, Coverage]:
    """Group every row of a file, in its order, into another; formats follow the names' suffixes.

    A row's status is OK where it has a group.  ``reasons``: a column says why another has none, which takes
    some milliseconds for each.  Raises CasesError for a file that cannot be used, or a plan
    whose editions have no grouping rules.
    """
    if not plan.groups_cases:
        names = ", ".join(schedule.id for schedule in plan.editions)
        problem = Problem(
            names, None, None, "has no grouping rules", "add grouping_rules.csv to the schedule"
        )
        raise CasesError(f"{cases_path} cannot be grouped", [problem])
    pricer = _GroupStatus(plan, reasons_in=language if reasons else None)
    report = price_file_with(
        pricer,
        cases_path,
        output_path,
        rejects_path=rejects_path,
        threads=threads,
        mapping=replace(mapping or STANDARD_MAPPING, groups_again=True),
        sheet=sheet,
        language=language,
        progress=progress,
        required=("principal_diagnosis",),
    )
    return report, pricer.coverage
