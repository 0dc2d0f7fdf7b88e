"""What finds the group of a case, whoever wrote its rules: one small interface, our rules one implementation.

A grouper takes the standard columns of cases (README, "Cases"), and columns of its own where its country's
claims say what no standard column does.  It gives every case back: with a group code, or with a status and
the reason.  What the group is worth is another question, which a schedule answers.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import numpy as np
import pyarrow as pa

from tariffcore.case_rows import cases_of_rows
from tariffcore.grouping.running import GroupPricer, status_of_group
from tariffcore.plan import Plan
from tariffcore.rejects import RejectedCase, RejectReasons
from tariffcore.statuses import CaseStatus


@dataclass(frozen=True, slots=True)
class GroupOfCase:
    """What a grouper says of one case: a group where the status is OK, otherwise why there is none."""

    status: CaseStatus
    drg_code: str | None = None
    reason: str | None = None

    def __post_init__(self) -> None:
        is_ok = self.status is CaseStatus.OK
        if bool(self.drg_code) is not is_ok or bool(self.reason) is is_ok:
            raise ValueError(f"a case has a group, or a status and a reason: {self}")


class Grouper(ABC):
    """Finds groups. Use it as a context manager; ``group`` may run in several threads at once.

    title        what groups, and by which version, for people
    own_columns  columns beside the standard ones that it reads where a table has them
    """

    title: str
    own_columns: tuple[str, ...] = ()

    @abstractmethod
    def group(self, cases: pa.Table) -> Sequence[GroupOfCase]:
        """The group of every row of a table, in order. A wrong row is a status, never an error."""

    def close(self) -> None:  # noqa: B027  most hold nothing
        """Lets go of what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class RuleGrouper(Grouper):
    """The grouping rules of the schedules of a plan, applied by the kernel."""

    def __init__(self, plan: Plan, language: str = "en") -> None:
        self.title = ", ".join(edition.id for edition in plan.editions if edition.grouping is not None)
        self._plan = plan
        self._reasons = RejectReasons(plan.catalog, language)

    def group(self, cases: pa.Table) -> Sequence[GroupOfCase]:
        if "drg_code" in cases.column_names:
            cases = cases.drop_columns(["drg_code"])
        priced = GroupPricer(self._plan).price(cases, np.zeros(0, dtype=np.intp))
        statuses = [CaseStatus(number) for number in status_of_group(priced).tolist()]
        without = np.array([n for n, own in enumerate(statuses) if own is not CaseStatus.OK], dtype=np.intp)
        editions = priced.schedule_ids()
        records = cases_of_rows(cases, without, self._plan.editions[0].minor_units)
        rejected = [
            RejectedCase(case, statuses[row], editions[row])
            for row, case in zip(without.tolist(), records, strict=True)
        ]
        reasons = dict(zip(without.tolist(), self._reasons.of_cases(rejected), strict=True))
        codes = priced.found.columns()["drg_code"].to_pylist() if priced.found else [None] * len(priced)
        return [
            GroupOfCase(own, codes[row]) if own is CaseStatus.OK else GroupOfCase(own, reason=reasons[row])
            for row, own in enumerate(statuses)
        ]
