"""Cases and money of a run, counted exactly while it goes: by status, care setting, month and provider."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import _tallies
from tariffcore.codes import Mend, mends_of
from tariffcore.column_reading import code_lists, coded_text, days
from tariffcore.encoded_cases import EncodedCases
from tariffcore.number_names import ColumnNames, NumberNames
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

    by_method, by_setting, by_month, by_provider and by_schedule count priced cases; by_status counts all.
    claimed_over counts priced cases that were claimed higher than priced, and by how much; claimed_under the
    others, with a sum below zero; claimed_equal those that agree.
    """

    by_status: dict[CaseStatus, Tally] = field(default_factory=dict)
    by_method: dict[str, Tally] = field(default_factory=dict)
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
    mended_codes: dict[Mend, int] = field(default_factory=dict)
    """Diagnoses and procedures of cases to be grouped that were typed in another form than the rules have."""

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
            "by_method",
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
        for mend, count in other.mended_codes.items():
            self.mended_codes[mend] = self.mended_codes.get(mend, 0) + count


class TableSummarist:
    """Counts chunks of priced cases by what stands in their tables and what the answers name."""

    def __init__(self, deciding_date: DecidingDate) -> None:
        self._deciding_field = (
            "admission_date" if deciding_date is DecidingDate.ADMISSION else "discharge_date"
        )

    def of_chunk(self, table: pa.Table, priced: PricedCases) -> Summary:
        """The counts of one chunk; ``table`` is what was priced."""
        summary = Summary()
        amount, ok = priced.amount_minor, priced.ok
        for status in CaseStatus:
            if cases := int(np.count_nonzero(priced.status == int(status))):
                summary.by_status[status] = Tally(cases, 0)
        if CaseStatus.OK in summary.by_status:
            summary.by_status[CaseStatus.OK].amount_minor = exact_sum(amount)  # only these have any
        names = ColumnNames.of(priced.plan)
        summary.by_method = _by_number(names.methods, priced.rule, ok, amount)
        summary.by_setting = self._by_setting(table, priced)
        summary.by_month = self._by_month(table, priced)
        summary.by_schedule = _by_number(names.schedules, priced.edition, ok, amount)
        if "provider_id" in table.column_names:
            summary.by_provider = _by_text(table, "provider_id", ok, amount)
        if "funding_source" in table.column_names:
            summary.by_funding_source = _by_text(table, "funding_source", ok, amount)
        for component, parts in priced.components_minor.items():
            summary.by_component[component] = exact_sum(parts)
        self._claims(priced, summary)
        if "principal_diagnosis" in table.column_names and _has_some(table.column("principal_diagnosis")):
            summary.mended_codes = mended_codes(table)
        return summary

    def _by_setting(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        if "care_setting" not in table.column_names:
            return {}
        return _by_text(table, "care_setting", priced.ok, priced.amount_minor)

    def _by_month(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        rows = np.flatnonzero(priced.ok)
        if not len(rows):
            return {}
        moments = days(self._deciding_field, table.column(self._deciding_field))
        months = moments.days.astype("datetime64[D]").astype("datetime64[M]")[rows]
        names, number = np.unique(months, return_inverse=True)
        totals = _totals(number.view(np.uint64), priced.amount_minor[rows], priced.ok[rows], len(names))
        return _named(totals, [str(month) for month in names])

    @staticmethod
    def _claims(priced: PricedCases, summary: Summary) -> None:
        difference = priced.difference_minor
        if difference is None:
            return
        summary.has_claims = True
        sign = (difference > 0).view(np.uint8) * np.uint8(2) + (difference < 0).view(np.uint8)
        named = _named(_totals(sign, difference, priced.has_difference, 3), ("equal", "under", "over"))
        summary.claimed_equal = named.get("equal", Tally()).cases
        summary.claimed_under = named.get("under", Tally())
        summary.claimed_over = named.get("over", Tally())


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
        totals = _totals(variants, priced.amount_minor, priced.ok, len(self._settings))
        return _named(totals, self._settings)

    def _by_month(self, table: pa.Table, priced: PricedCases) -> dict[str, Tally]:
        assert isinstance(priced.encoded, EncodedCases)
        deciding_day = priced.encoded.deciding_day
        # the last code stands for all later days as well, and a month in 2206 is a slip that people look for
        last_day = np.flatnonzero(priced.ok & (deciding_day == MISSING_DAY - 1))
        counted = priced.ok
        if len(last_day):
            counted = counted.copy()
            counted[last_day] = False
        codes = self._month_of_day.take(deciding_day)
        by_month = _named(_totals(codes, priced.amount_minor, counted, len(self._months)), self._months)
        if len(last_day):
            name = self._deciding_field
            moments = days(name, table.column(name).take(pa.array(last_day)))
            months = moments.days.astype("datetime64[D]").astype("datetime64[M]")
            for month, amount_minor in zip(months, priced.amount_minor[last_day].tolist(), strict=True):
                by_month.setdefault(str(month), Tally()).add(1, amount_minor)
        return by_month


def _has_some(column: pa.ChunkedArray) -> bool:
    return bool(column.null_count < len(column))


def mended_codes(table: pa.Table) -> dict[Mend, int]:
    """How many codes of cases without a group had to be mended, by what was the matter with them."""
    counts: dict[Mend, int] = {}
    for name, point_after in (("principal_diagnosis", 3), ("secondary_diagnoses", 3), ("procedure_codes", 2)):
        if name not in table.column_names:
            continue
        column = table.column(name)
        coded = coded_text(name, column) if name == "principal_diagnosis" else code_lists(name, column).codes
        mends = [() if text is None else mends_of(text, point_after=point_after) for text in coded.texts]
        if not any(mends):
            continue
        uses = np.bincount(coded.index[~coded.null].astype(np.int64), minlength=len(mends))
        for number, own in enumerate(mends):
            for mend in own:
                counts[mend] = counts.get(mend, 0) + int(uses[number])
    return {mend: counts[mend] for mend in Mend if counts.get(mend)}


def _by_text(
    table: pa.Table, name: str, counted: NDArray[np.bool_], amount: NDArray[np.int64]
) -> dict[str, Tally]:
    coded = coded_text(name, table.column(name))
    totals = _totals(coded.index, amount, counted, len(coded.texts), coded.null)
    return _named(totals, [*coded.texts, None])


def _by_number(
    names: NumberNames, numbers: NDArray[Any], counted: NDArray[np.bool_], amount: NDArray[np.int64]
) -> dict[str, Tally]:
    return _named(_totals(numbers, amount, counted, len(names.names)), names.names)


def _named(totals: NDArray[np.int64], names: Sequence[str | None]) -> dict[str, Tally]:
    """Totals by name, "" where there is none; names may repeat, and totals without cases are left out."""
    named: dict[str, Tally] = {}
    found = np.flatnonzero(totals[: len(names), 0])
    for place, (cases, low, high) in zip(found.tolist(), totals[found].tolist(), strict=True):
        named.setdefault(names[place] or "", Tally()).add(cases, (high << 32) + low)
    return named


def _totals(
    codes: NDArray[np.unsignedinteger[Any]],
    amount: NDArray[np.int64],
    counted: NDArray[np.bool_],
    count: int,
    null: NDArray[np.bool_] | None = None,
) -> NDArray[np.int64]:
    """Rows that count and their sum, in two parts: for each code below ``count``, then for all others."""
    totals = np.zeros((count + 1, 3), dtype=np.int64)
    if null is None:
        null = np.zeros(len(codes), dtype=np.bool_)
    _tallies.add_up(codes, null.view(np.uint8), counted.view(np.uint8), np.ascontiguousarray(amount), totals)
    return totals


def exact_sum(amount: NDArray[np.int64]) -> int:
    """The sum of amounts as a Python integer, however many and large."""
    if not len(amount):
        return 0
    largest = max(abs(int(amount.min())), abs(int(amount.max())))
    if largest * len(amount) < 1 << 63:
        return int(amount.sum())
    return (int((amount >> 32).sum()) << 32) + int((amount & 0xFFFF_FFFF).sum())
