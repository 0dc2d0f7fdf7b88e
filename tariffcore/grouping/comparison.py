"""The same cases under two editions: who moves from which group to which, and the money that moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from tariffcore.encoded_cases import EncodedCases
from tariffcore.errors import CatalogError, Problem
from tariffcore.files import ColumnMapping, open_cases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, decimals, default_threads, price_cases
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import Schedule
from tariffcore.statuses import CaseStatus

_LONG_AGO = date(1990, 1, 1)
NO_GROUP = ""


@dataclass(slots=True)
class Move:
    """Cases that are in one group under the first edition and in one under the second. Money in minor units.

    cases   how many; ``priced`` of them have a price under both
    before, after   what these come to under each edition
    """

    cases: int = 0
    priced: int = 0
    before_minor: int = 0
    after_minor: int = 0

    @property
    def difference_minor(self) -> int:
        return self.after_minor - self.before_minor


@dataclass
class Moves:
    """The matrix of two groupings: by group before and after, or the status where there is no group."""

    first: Schedule
    second: Schedule
    by_groups: dict[tuple[str, str], Move] = field(default_factory=dict)

    @property
    def cases(self) -> int:
        return sum(move.cases for move in self.by_groups.values())

    @property
    def moved(self) -> int:
        return sum(move.cases for (before, after), move in self.by_groups.items() if before != after)

    def total(self, *, moved_only: bool = False) -> Move:
        """All cases together, or those that change their group."""
        whole = Move()
        for (before, after), move in self.by_groups.items():
            if not moved_only or before != after:
                whole.cases += move.cases
                whole.priced += move.priced
                whole.before_minor += move.before_minor
                whole.after_minor += move.after_minor
        return whole

    def largest(self, most: int) -> list[tuple[tuple[str, str], Move]]:
        """The moves between different groups with the most money, then the most cases."""
        moves = [(key, move) for key, move in self.by_groups.items() if key[0] != key[1]]
        moves.sort(key=lambda item: (-abs(item[1].difference_minor), -item[1].cases, item[0]))
        return moves[:most]

    def table(self) -> pa.Table:
        """One row a pair of groups, in their order; amounts of the cases that have a price under both."""
        keys = sorted(self.by_groups)
        moves = [self.by_groups[key] for key in keys]
        valid = np.ones(len(keys), dtype=np.bool_)
        money = {
            name: decimals(
                np.array([getattr(move, f"{name}_minor") for move in moves], dtype=np.int64),
                self.first.minor_units,
                valid,
            )
            for name in ("before", "after", "difference")
        }
        return pa.table(
            {
                f"group_{self.first.id}": [key[0] for key in keys],
                f"group_{self.second.id}": [key[1] for key in keys],
                "cases": pa.array([move.cases for move in moves], pa.int64()),
                "priced_by_both": pa.array([move.priced for move in moves], pa.int64()),
                f"amount_{self.first.id}": money["before"],
                f"amount_{self.second.id}": money["after"],
                "difference": money["difference"],
            }
        )


def as_if_always_in_force(schedule: Schedule) -> Schedule:
    """The edition as if it had been in force all the time, so that any cases can be held against it.

    The first coefficients of a provider reach back, the last ones go on.
    """
    providers = schedule.providers
    if providers is not None:
        widened = {}
        for provider_id, periods in providers.items():
            first = replace(periods[0], effective_start_date=_LONG_AGO)
            own = [first, *periods[1:]]
            own[-1] = replace(own[-1], effective_end_date=None)
            widened[provider_id] = tuple(own)
        providers = widened
    return replace(
        schedule,
        effective_start_date=_LONG_AGO,
        effective_end_date=None,
        published=_LONG_AGO,
        providers=providers,
    )


def compare_groupings(
    cases_path: Path,
    first: Schedule,
    second: Schedule,
    *,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
) -> Moves:
    """Group and price every case of a file under both editions, whatever its dates.

    A case without a group counts under its status.  Raises CasesError for a file that cannot be used and
    CatalogError for editions that cannot be compared.
    """
    _require_comparable(first, second)
    plans = [Plan(Catalog.of([as_if_always_in_force(schedule)])) for schedule in (first, second)]
    moves = Moves(first, second)
    with open_cases(cases_path, mapping, sheet=sheet) as source:
        for raw in source:
            chunk = source.parse(raw)
            malformed = np.fromiter(chunk.malformed, dtype=np.intp, count=len(chunk.malformed))
            priced = [
                price_cases(chunk.table, plan, malformed=malformed, threads=default_threads())
                for plan in plans
            ]
            _count(moves, *priced)
    return moves


def _count(moves: Moves, before: PricedCases, after: PricedCases) -> None:
    names: list[list[str]] = []
    numbers = []
    for priced in (before, after):
        own, number = _groups(priced)
        names.append(own)
        numbers.append(number)
    pair = numbers[0] * len(names[1]) + numbers[1]
    both = before.ok & after.ok
    for value in np.unique(pair).tolist():
        rows = np.flatnonzero(pair == value)
        counted = rows[both[rows]]
        one, other = divmod(value, len(names[1]))
        move = moves.by_groups.setdefault((names[0][one], names[1][other]), Move())
        move.cases += len(rows)
        move.priced += len(counted)
        move.before_minor += sum(before.amount_minor[counted].tolist())
        move.after_minor += sum(after.amount_minor[counted].tolist())


def _groups(priced: PricedCases) -> tuple[list[str], np.ndarray]:
    """The names that cases count under, and the place of each case's name."""
    statuses = [f"({status.name})" for status in CaseStatus]
    number = np.array([list(CaseStatus).index(CaseStatus(s)) for s in range(256) if s in set(CaseStatus)])
    by_status = number[priced.status]
    encoded = priced.encoded
    if priced.found is None or not isinstance(encoded, EncodedCases):
        return statuses, by_status
    drg = priced.found.drg
    return [*statuses, *priced.found.drg_codes], np.where(drg >= 0, len(statuses) + drg, by_status)


def _require_comparable(first: Schedule, second: Schedule) -> None:
    problems = list(_incomparable(first, second))
    if problems:
        raise CatalogError("the groupings cannot be compared", problems)


def _incomparable(first: Schedule, second: Schedule) -> Iterator[Problem]:
    for schedule in (first, second):
        if schedule.grouping is None:
            yield Problem(
                schedule.id, None, None, "has no grouping rules", "name an edition with grouping_rules.csv"
            )
    if (first.currency, first.minor_units) != (second.currency, second.minor_units):
        currencies = f"{first.currency}, {second.currency}"
        yield Problem(second.id, "currency", currencies, "differ", "compare editions of one currency")
    if first.id == second.id:
        yield Problem(second.id, "id", second.id, "is the same edition", "name two editions")
