"""What the book says: contracts, their state before a month, settled months; and writing it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.opening import open_engine, url_problem
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.contracts import ContractTerms
from tariffcore.settlement.month import Advance, ContractResult, OtherItem
from tariffcore.settlement.refusals import of_contracts
from tariffcore.settlement.result_json import result_from_json

Of = tuple[str, str]
"""(provider id, funding source): what a contract is known by in a year."""


@dataclass(frozen=True, slots=True)
class ContractState:
    """A contract as it stands before a month; see `tariffcore.settlement.month.ContractMonth`."""

    contract_id: int
    terms: ContractTerms
    paid_so_far: int
    debt: int
    earlier_accepted: tuple[int, ...]
    advances: tuple[Advance, ...]
    corrections: tuple[OtherItem, ...]


@dataclass(frozen=True, slots=True)
class RunRecord:
    """A run that settled a month: what it came from, and the files of its lines."""

    id: int
    month: Month
    input_digest: str
    only_provider: str | None
    rules_id: str
    rules_digest: str
    engine_version: str
    pricing: Mapping[str, Any]
    currency: str
    minor_units: int
    synthetic: bool
    lines_digest: str
    outcomes_digest: str
    lines_read: int
    set_aside: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class SettledMonth:
    """The month of a contract as it was settled."""

    id: int
    run_id: int
    region: str
    result: ContractResult


@dataclass
class Book:
    """An open book. ``lines_folder`` holds the files of lines that its runs name by their digests."""

    engine: sa.Engine
    lines_folder: Path

    @staticmethod
    def open(place: str | Path, lines_folder: Path | None = None) -> Book:
        """Opens (and makes, where there is none) a book in a SQLite file or a PostgreSQL database.

        Without a folder, lines are kept beside the file: ``book.db`` has ``book.db-lines``. Raises
        SettlementError where it cannot be opened.
        """
        if lines_folder is None:
            if "://" in str(place):
                no_folder = Problem("the book", "lines", None, "a database has no folder for files of lines",
                                    "name one that every user of the book reaches (--lines DIR)")  # fmt: skip
                problem = url_problem(str(place))
                problems = [no_folder] if problem is None else [problem, no_folder]
                raise SettlementError("the book cannot be opened", problems)
            lines_folder = Path(f"{place}-lines")
        book = Book(open_engine(place), lines_folder)
        lines_folder.mkdir(parents=True, exist_ok=True)
        return book

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with self.engine.connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[sa.Connection]:
        """One transaction, alone: whoever writes raises the book's number first and so waits for others."""
        with self.engine.begin() as connection:
            connection.execute(sa.update(s.BOOK).values(changes=s.BOOK.c.changes + 1))
            yield connection


def now() -> datetime:
    """When an entry is made; no amount depends on it."""
    return datetime.now(UTC)


# -- contracts and advances ----------------------------------------------------------------------


def contracts_of(connection: sa.Connection, year: int) -> dict[Of, tuple[int, int, ContractTerms]]:
    """The latest revision of each contract of a year: (id, revision, terms)."""
    table = s.CONTRACTS
    found = {}
    rows = connection.execute(sa.select(table).where(table.c.year == year).order_by(table.c.revision))
    for row in rows:
        terms = ContractTerms(
            row.provider_id,
            row.region,
            row.funding_source,
            row.year,
            {line: tuple(plan) for line, plan in json.loads(row.plans).items()},
            row.first_month,
            row.paid_before,
            row.accepted_before,
            row.source,
        )
        found[row.provider_id, row.funding_source] = (row.id, row.revision, terms)
    return found


# -- the state before a month --------------------------------------------------------------------


def states_before(
    connection: sa.Connection, month: Month, only: str | None = None
) -> dict[Of, ContractState]:
    """Every contract in force in a month (or those of one provider) as it stands before it."""
    contracts = {
        key: found
        for key, found in contracts_of(connection, month.year).items()
        if found[2].first_month <= month.month and (only is None or key[0] == only)
    }
    t = s.SETTLED
    paid: dict[Of, int] = {}
    accepted: dict[Of, list[int]] = {}
    debt: dict[Of, int] = {}
    rows = connection.execute(
        sa.select(t.c.provider_id, t.c.funding_source, t.c.month, t.c.payable, t.c.accepted, t.c.carried)
        .where(t.c.month < month.number)
        .order_by(t.c.month)
    )
    for provider, funding, number, payable, of_month, carried in rows:
        key = provider, funding
        debt[key] = carried
        if number // 12 == month.year:
            paid[key] = paid.get(key, 0) + payable
            accepted.setdefault(key, []).append(of_month)
    advances = _advances(connection, month, paid)
    corrections = _pending_corrections(connection)
    states = {}
    for key, (contract_id, _, terms) in contracts.items():
        before = [terms.accepted_before] + [0] * (terms.first_month - 2) if terms.first_month > 1 else []
        states[key] = ContractState(
            contract_id,
            terms,
            terms.paid_before + paid.get(key, 0),
            debt.get(key, 0),
            (*before, *accepted.get(key, [])),
            tuple(advances.get(key, [])),
            tuple(corrections.get(key, [])),
        )
    return states


def _advances(connection: sa.Connection, month: Month, paid: dict[Of, int]) -> dict[Of, list[Advance]]:
    """Those that are not recovered, by contract; all of the year's are added to what was paid."""
    r, t = s.RECOVERIES, s.SETTLED
    recovered = dict(
        connection.execute(
            sa.select(r.c.advance_id, sa.func.sum(r.c.amount))
            .join(t, t.c.id == r.c.settled_id)
            .where(t.c.month < month.number)
            .group_by(r.c.advance_id)
        ).all()
    )
    found: dict[Of, list[Advance]] = {}
    for row in connection.execute(sa.select(s.ADVANCES).order_by(s.ADVANCES.c.advance_id)):
        key = row.provider_id, row.funding_source
        if row.year == month.year:
            paid[key] = paid.get(key, 0) + row.amount
        so_far = int(recovered.get(row.advance_id, 0))
        if so_far < row.amount and row.year <= month.year:
            start, end = (Month(n // 12, n % 12 + 1) for n in (row.recover_from, row.recover_until))
            found.setdefault(key, []).append(Advance(row.advance_id, row.amount, start, end, so_far))
    return found


def _pending_corrections(connection: sa.Connection) -> dict[Of, list[OtherItem]]:
    c, t, done = s.CORRECTIONS, s.SETTLED, s.CARRIED_OUT
    rows = connection.execute(
        sa.select(c.c.id, c.c.amount, c.c.reason, t.c.provider_id, t.c.funding_source, t.c.month)
        .join(t, t.c.id == c.c.settled_id)
        .where(~sa.exists().where(done.c.correction_id == c.c.id))
        .order_by(c.c.id)
    )
    found: dict[Of, list[OtherItem]] = {}
    for number, amount, reason, provider, funding, of_month in rows:
        month = Month(of_month // 12, of_month % 12 + 1)
        item = OtherItem(f"correction-{number}", f"correction of {month}", amount, reason, str(number))
        found.setdefault((provider, funding), []).append(item)
    return found


# -- settled months ------------------------------------------------------------------------------


def run_of(row: Any) -> RunRecord:  # noqa: ANN401
    """A row of the table of runs."""
    return RunRecord(
        row.id,
        Month(row.month // 12, row.month % 12 + 1),
        row.input_digest,
        row.only_provider,
        row.rules_id,
        row.rules_digest,
        row.engine_version,
        json.loads(row.pricing),
        row.currency,
        row.minor_units,
        row.synthetic,
        row.lines_digest,
        row.outcomes_digest,
        row.lines_read,
        json.loads(row.set_aside),
    )


def runs_in(
    connection: sa.Connection, first: Month | None = None, last: Month | None = None
) -> list[RunRecord]:
    """The runs of the months from the first to the last, in order."""
    query = sa.select(s.RUNS).order_by(s.RUNS.c.month, s.RUNS.c.id)
    if first is not None:
        query = query.where(s.RUNS.c.month >= first.number)
    if last is not None:
        query = query.where(s.RUNS.c.month <= last.number)
    return [run_of(row) for row in connection.execute(query)]


def run_of_inputs(connection: sa.Connection, month: Month, input_digest: str) -> RunRecord | None:
    """The run that settled a month from these inputs, if there is one."""
    table = s.RUNS
    query = sa.select(table).where(table.c.month == month.number, table.c.input_digest == input_digest)
    row = connection.execute(query).one_or_none()
    return None if row is None else run_of(row)


def settled_in(
    connection: sa.Connection,
    month: Month | None = None,
    provider: str | None = None,
    run: int | None = None,
) -> list[SettledMonth]:
    """Settled months in order of month, provider and funding source."""
    t = s.SETTLED
    query = sa.select(t.c.id, t.c.run_id, t.c.result, s.CONTRACTS.c.region).join(s.CONTRACTS)
    if month is not None:
        query = query.where(t.c.month == month.number)
    if provider is not None:
        query = query.where(t.c.provider_id == provider)
    if run is not None:
        query = query.where(t.c.run_id == run)
    found = [
        SettledMonth(row.id, row.run_id, row.region, result_from_json(row.result))
        for row in connection.execute(query)
    ]  # sorted here: databases order texts in ways of their own
    return sorted(
        found, key=lambda one: (one.result.month, one.result.provider_id, one.result.funding_source)
    )


def ids_by_contract(connection: sa.Connection, month: Month) -> dict[Of, int]:
    t = s.SETTLED
    rows = connection.execute(
        sa.select(t.c.provider_id, t.c.funding_source, t.c.id).where(t.c.month == month.number)
    )
    return {(provider, funding): number for provider, funding, number in rows}


def order_problems(connection: sa.Connection, month: Month, states: Iterable[Of]) -> list[Problem]:
    """Contracts whose month is settled already, or comes out of order; those of one reason together."""
    t = s.SETTLED
    done: dict[Of, set[int]] = {}
    rows = connection.execute(
        sa.select(t.c.provider_id, t.c.funding_source, t.c.month).where(
            t.c.month >= Month(month.year, 1).number
        )
    )
    for provider, funding, number in rows:
        done.setdefault((provider, funding), set()).add(number)
    firsts = {key: found[2].first_month for key, found in contracts_of(connection, month.year).items()}
    refused: list[tuple[Of, Problem]] = []

    def refuse(of: Of, message: str, way_out: str) -> None:
        refused.append((of, Problem("", None, str(month), message, way_out)))

    for of in states:
        months = done.get(of, set())
        if month.number in months:
            refuse(
                of,
                "the month is settled, with other inputs",
                "a settled month is never settled again: settle the others with --rest; what this one lacks "
                "is a correction (settle correct)",
            )
        elif months and max(months) > month.number:
            refuse(
                of,
                "a later month is settled",
                "months are settled in order; what a settled one lacks is a correction (settle correct)",
            )
        else:
            first = Month(month.year, firsts[of]).number
            missing = [number for number in range(first, month.number) if number not in months]
            if missing:
                refuse(
                    of,
                    f"{Month(missing[0] // 12, missing[0] % 12 + 1)} is not settled",
                    "settle it first, or say in the contract's first_month that it was settled elsewhere",
                )
    return of_contracts(refused)
