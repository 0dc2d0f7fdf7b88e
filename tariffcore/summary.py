"""Cases and money of a run, counted exactly while it goes: by status, care setting, month and provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import _kernel
from tariffcore.column_reading import coded_text, days
from tariffcore.encoding import EncodedCases
from tariffcore.plan import DAY_CODES, MISSING_DAY, Plan
from tariffcore.pricing import PricedCases
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.statuses import CaseStatus


@dataclass(slots=True)
class Tally:
    """How many cases, and how much money in minor units."""

    cases: int = 0
    amount_minor: int = 0

    def add(self, cases: int, amount_minor: int) -> None:
        self.cases += cases
        self.amount_minor += amount_minor


@dataclass
class Summary:
    """What became of a run of cases. Money is in minor units; only priced cases have any.

    by_setting, by_month, by_provider and by_schedule count priced cases; by_status counts all.
    claimed_over counts priced cases that were claimed higher than priced, and by how much; claimed_under the
    others, with a sum below zero; claimed_equal those that agree.
    """

    by_status: dict[CaseStatus, Tally] = field(default_factory=dict)
    by_setting: dict[str, Tally] = field(default_factory=dict)
    by_month: dict[str, Tally] = field(default_factory=dict)
    by_provider: dict[str, Tally] = field(default_factory=dict)
    by_schedule: dict[str, Tally] = field(default_factory=dict)
    by_funding_source: dict[str, Tally] = field(default_factory=dict)
    by_component: dict[str, int] = field(default_factory=dict)
    claimed_over: Tally = field(default_factory=Tally)
    claimed_under: Tally = field(default_factory=Tally)
    claimed_equal: int = 0
    has_claims: bool = False

    @property
    def read(self) -> int:
        return sum(tally.cases for tally in self.by_status.values())

    @property
    def priced(self) -> int:
        return self.by_status.get(CaseStatus.OK, Tally()).cases

    @property
    def rejected(self) -> int:
        return self.read - self.priced

    @property
    def amount_minor(self) -> int:
        return self.by_status.get(CaseStatus.OK, Tally()).amount_minor

    def merge(self, other: Summary) -> None:
        """Add another run's counts to these."""
        for name in (
            "by_status",
            "by_setting",
            "by_month",
            "by_provider",
            "by_schedule",
            "by_funding_source",
        ):
            mine, theirs = getattr(self, name), getattr(other, name)
            for key, tally in theirs.items():
                mine.setdefault(key, Tally()).add(tally.cases, tally.amount_minor)
        for component, amount_minor in other.by_component.items():
            self.by_component[component] = self.by_component.get(component, 0) + amount_minor
        self.claimed_over.add(other.claimed_over.cases, other.claimed_over.amount_minor)
        self.claimed_under.add(other.claimed_under.cases, other.claimed_under.amount_minor)
        self.claimed_equal += other.claimed_equal
        self.has_claims |= other.has_claims


class TableSummarist:
    """Counts chunks of priced cases by what stands in their tables and what the answers name."""

    def __init__(self, deciding_date: DecidingDate) -> None:
        self._deciding_field = (
            "admission_date" if deciding_date is DecidingDate.ADMISSION else "discharge_date"
        )

    def of_chunk(self, table: pa.Table, priced: PricedCases) -> Summary:
        """The counts of one chunk; ``table`` is what was priced."""
        summary = Summary()
        amount, status = priced.amount_minor, priced.status
        for number, tally in enumerate(_totals(status.astype(np.uint16), amount, len(CaseStatus))):
            if tally.cases:
                summary.by_status[CaseStatus(number)] = tally
        # rejected rows have no money; counting them apart as code 0 keeps the others to priced cases
        ok = priced.ok
        summary.by_setting = self._by_setting(table, priced)
        summary.by_month = self._by_month(table, priced)
        editions = [schedule.id for schedule in priced.plan.editions]
        summary.by_schedule = self._named(np.where(ok, priced.edition, 0), amount, editions)
        if "provider_id" in table.column_names:
            summary.by_provider = self._by_text(table, "provider_id", ok, amount)
        if "funding_source" in table.column_names:
            summary.by_funding_source = self._by_text(table, "funding_source", ok, amount)
        for component, parts in priced.components_minor.items():
            summary.by_component[component] = exact_sum(parts)
        self._claims(priced, summary)
        return summary

    def _by_setting(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        if "care_setting" not in table.column_names:
            return {}
        return self._by_text(table, "care_setting", priced.ok, priced.amount_minor)

    def _by_month(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        by_month: dict[str, Tally] = {}
        rows = np.flatnonzero(priced.ok)
        if len(rows):
            moments = days(self._deciding_field, table.column(self._deciding_field))
            months = moments.days.astype("datetime64[D]").astype("datetime64[M]")[rows]
            names, number = np.unique(months, return_inverse=True)
            amount = priced.amount_minor[rows]
            by_month = self._by_number(number, [str(month) for month in names], priced.ok[rows], amount)
        return by_month

    def _by_text(
        self, table: pa.Table, name: str, ok: NDArray[np.bool_], amount: NDArray[np.int64]
    ) -> dict[str, Tally]:
        coded = coded_text(name, table.column(name))
        names = ["" if text is None else text for text in [*coded.texts, None]]
        # widened first: a dictionary's indices may be so narrow that counting them from 1 overflows
        number = coded.number.astype(np.int64)
        number[number < 0] = len(coded.texts)
        return self._by_number(number, names, ok, amount)

    def _by_number(
        self,
        number: NDArray[np.int64],
        names: Sequence[str],
        ok: NDArray[np.bool_],
        amount: NDArray[np.int64],
    ) -> dict[str, Tally]:
        """Totals of the priced rows by the name of their number, which counts from 0."""
        totals: dict[str, Tally] = {}
        # the counting loop knows 16-bit codes: texts beyond that are counted in further rounds
        for first in range(0, len(names), (1 << 16) - 1):
            inside = ok & (number >= first) & (number < first + (1 << 16) - 1)
            part = self._named(
                np.where(inside, number - first + 1, 0), amount, names[first : first + (1 << 16) - 1]
            )
            for text, tally in part.items():
                totals.setdefault(text, Tally()).add(tally.cases, tally.amount_minor)
        return totals

    @staticmethod
    def _named(
        codes: NDArray[np.integer], amount: NDArray[np.int64], names: Sequence[str]
    ) -> dict[str, Tally]:
        """Totals by name of codes that count from 1; code 0 is not counted."""
        named: dict[str, Tally] = {}
        totals = _totals(codes.astype(np.uint16), amount, len(names) + 1)
        for name, tally in zip(names, totals[1:], strict=True):
            if tally.cases:
                named.setdefault(name, Tally()).add(tally.cases, tally.amount_minor)
        return named

    @staticmethod
    def _claims(priced: PricedCases, summary: Summary) -> None:
        difference = priced.difference_minor
        if difference is None:
            return
        summary.has_claims = True
        sign = (np.sign(difference) + 2).astype(np.uint16)
        _, under, equal, over = _totals(
            np.where(priced.has_difference, sign, 0).astype(np.uint16), difference, 4
        )
        summary.claimed_over, summary.claimed_under, summary.claimed_equal = over, under, equal.cases


class Summarist(TableSummarist):
    """Counts chunks that were priced here by the numbers of their plan."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan.catalog.deciding_date)
        self._plan = plan
        self._settings = ["" if key.care_setting is None else key.care_setting for key in plan.setting_keys]
        all_days = np.arange(DAY_CODES) + plan.base_day
        months = all_days.astype("datetime64[D]").astype("datetime64[M]")
        self._month_of_day = (months - months[0]).astype(np.int64).astype(np.uint16)
        self._months = [str(months[0] + month) for month in range(int(self._month_of_day[-1]) + 1)]

    def _by_setting(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        assert isinstance(priced.encoded, EncodedCases)
        variants = priced.encoded.variant >> np.uint16(self._plan.signature_bits)
        return self._named(np.where(priced.ok, variants + 1, 0), priced.amount_minor, self._settings)

    def _by_month(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        assert isinstance(priced.encoded, EncodedCases)
        deciding_day = priced.encoded.deciding_day
        codes = np.where(priced.ok, self._month_of_day[deciding_day] + 1, 0)
        # the last code stands for all later days as well, and a month in 2206 is a slip that people look for
        last_day = np.flatnonzero(priced.ok & (deciding_day == MISSING_DAY - 1))
        codes[last_day] = 0
        by_month = self._named(codes, priced.amount_minor, self._months)
        if len(last_day):
            name = self._deciding_field
            moments = days(name, table.column(name).take(pa.array(last_day)))
            months = moments.days.astype("datetime64[D]").astype("datetime64[M]")
            for month, amount_minor in zip(months, priced.amount_minor[last_day].tolist(), strict=True):
                by_month.setdefault(str(month), Tally()).add(1, amount_minor)
        return by_month


def _totals(codes: NDArray[np.uint16], amount: NDArray[np.int64], count: int) -> list[Tally]:
    """Cases and exact sums for each code below count."""
    cases, low, high = (np.zeros(count, dtype=np.int64) for _ in range(3))
    _kernel.total_by_code(codes, np.ascontiguousarray(amount), cases, low, high)
    return [
        Tally(number, (upper << 32) + lower)
        for number, lower, upper in zip(cases.tolist(), low.tolist(), high.tolist(), strict=True)
    ]


def exact_sum(amount: NDArray[np.int64]) -> int:
    """The sum of amounts as a Python integer, however many and large."""
    return _totals(np.zeros(len(amount), dtype=np.uint16), amount, 1)[0].amount_minor
