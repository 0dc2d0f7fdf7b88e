"""A file of cases grouped: which group each gets and by which rule, whatever it is then paid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Lock

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.batch import BatchReport, PlanPricer, Progress, price_file_with
from tariffcore.errors import CasesError, Problem
from tariffcore.files import ColumnMapping
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.grouping.coverage import Coverage, coverage_of
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, nothing_found
from tariffcore.statuses import CaseStatus

GIVEN_DRG = "given_drg_code"
"""The column of an output that repeats the group with which a case came."""


class GroupPricer(PlanPricer):
    """Groups every case, also those that come with a group, and prices them to say what is at stake."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan, components=False)
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
        if "synthetic" in columns:
            table["synthetic"] = columns["synthetic"]
        return pa.table(table)


class _GroupStatus(GroupPricer):
    """As `GroupPricer`; a case that has a group is OK, even if it has no price."""

    def price(self, cases: pa.Table, malformed: NDArray[np.intp]) -> PricedCases:
        priced = super().price(cases, malformed)
        return replace(priced, status=status_of_group(priced))


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
    progress: Progress | None = None,
) -> tuple[BatchReport, Coverage]:
    """Group every row of a file, in its order, into another; formats follow the names' suffixes.

    A row's status is OK where it has a group.  Raises CasesError for a file that cannot be used, or a plan
    whose editions have no grouping rules.
    """
    if not plan.groups_cases:
        names = ", ".join(schedule.id for schedule in plan.editions)
        problem = Problem(
            names, None, None, "has no grouping rules", "add grouping_rules.csv to the schedule"
        )
        raise CasesError(f"{cases_path} cannot be grouped", [problem])
    pricer = _GroupStatus(plan)
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
