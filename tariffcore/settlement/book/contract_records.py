"""Records contracts and advances in the book: new ones, and revisions that leave settled months alone."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.money import format_minor, format_percent
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.records import Book, Of, contracts_of, now, states_before
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.contracts import AdvanceKind, AdvancePaid, ContractTerms
from tariffcore.settlement.refusals import of_contracts
from tariffcore.settlement.rules import SettlementRules


@dataclass(frozen=True)
class Changes:
    """What recording contracts or advances did."""

    new: int = 0
    revised: int = 0
    unchanged: int = 0


def record_contracts(
    book: Book,
    contracts: Sequence[ContractTerms],
    rules: SettlementRules | None = None,
    *,
    below_paid: bool = False,
) -> Changes:
    """Records contracts; one that differs from what is recorded becomes its next revision.

    Raises SettlementError where a revision would change months that are settled, and, unless ``below_paid``,
    where it would leave less than was paid and advanced on the contract already, or (by ``rules``) advances
    above their limit.
    """
    new = revised = unchanged = 0
    with book.writing() as connection:
        known = {year: contracts_of(connection, year) for year in {terms.year for terms in contracts}}
        settled = _settled_until(connection)
        rows = []
        revisions: list[tuple[ContractTerms, ContractTerms]] = []
        for terms in contracts:
            before = known[terms.year].get((terms.provider_id, terms.funding_source))
            if before is not None and before[2] == terms:
                unchanged += 1
                continue
            if before is not None:
                revisions.append((terms, before[2]))
            new, revised = new + (before is None), revised + (before is not None)
            rows.append(_contract_row(terms, 1 if before is None else before[1] + 1))
        problems = _revision_problems(revisions, settled)
        if not below_paid:
            problems += _below_problems(connection, revisions, rules)
        if problems:
            raise SettlementError("no contract was recorded", problems)
        if rows:
            connection.execute(sa.insert(s.CONTRACTS), rows)
    return Changes(new, revised, unchanged)


def _settled_until(connection: sa.Connection) -> dict[tuple[str, str, int], int]:
    """The last settled month (1 to 12) of each contract and year."""
    t = s.SETTLED
    rows = connection.execute(sa.select(t.c.provider_id, t.c.funding_source, t.c.month))
    found: dict[tuple[str, str, int], int] = {}
    for provider, funding, month in rows:
        key = provider, funding, month // 12
        found[key] = max(found.get(key, 0), month % 12 + 1)
    return found


def _revision_problems(
    revisions: Sequence[tuple[ContractTerms, ContractTerms]], settled: Mapping[tuple[str, str, int], int]
) -> list[Problem]:
    """Revisions of what settled months rest on; contracts that change the same are named together."""
    refused: dict[int, list[tuple[Of, Problem]]] = {}
    for terms, before in revisions:
        of = terms.provider_id, terms.funding_source
        until = settled.get((*of, terms.year), 0)
        if not until:
            continue
        of_year = refused.setdefault(terms.year, [])
        changed: dict[int, list[str]] = {}
        for line in {**terms.plans, **before.plans}:
            old, new = before.plans.get(line, (0,) * 12), terms.plans.get(line, (0,) * 12)
            months = [month for month in range(1, until + 1) if old[month - 1] != new[month - 1]]
            if months:
                changed.setdefault(months[0], []).append(line)
        for month, lines in sorted(changed.items()):
            message = f"the month is settled, and a revision would change its sum of {', '.join(lines)}"
            way_out = f"change months after {until:02}, or pay the difference as another item"
            of_year.append((of, Problem("", f"month_{month:02}", None, message, way_out)))
        if (terms.first_month, terms.paid_before, terms.accepted_before) != (
            before.first_month,
            before.paid_before,
            before.accepted_before,
        ):
            message = "what was before the first month is settled on"
            way_out = "leave first_month, paid_before and accepted_before as they were"
            of_year.append((of, Problem("", "first_month", None, message, way_out)))
    return [problem for year, of_year in refused.items() for problem in of_contracts(of_year, year)]


def _below_problems(
    connection: sa.Connection,
    revisions: Sequence[tuple[ContractTerms, ContractTerms]],
    rules: SettlementRules | None,
) -> list[Problem]:
    """Revisions below what the provider has already: the next months would pay nothing, and say little."""
    table = s.ADVANCES
    found = []

    def money(minor: int) -> str:
        return format_minor(minor, 0 if rules is None else rules.minor_units)

    for year in sorted({terms.year for terms, _ in revisions}):
        states = states_before(connection, Month(year, 12))  # paid in it: nothing is left to be revised then
        advanced: dict[tuple[str, str, str], int] = {}
        for row in connection.execute(sa.select(table).where(table.c.year == year)):
            key = row.provider_id, row.funding_source, row.kind
            advanced[key] = advanced.get(key, 0) + row.amount
        for terms, before in revisions:
            if terms.year != year:
                continue
            of = terms.provider_id, terms.funding_source
            paid = states[of].paid_so_far - before.paid_before + terms.paid_before
            place = f"contract of {of[0]} with {of[1]} for {year}"

            if terms.annual_plan < paid:
                found.append(
                    Problem(place, None, money(terms.annual_plan),
                            f"is less than was paid and advanced on it already, {money(paid)}",
                            "revise it to no less, or say --below-paid: nothing more is paid in the year")
                )  # fmt: skip
            for kind, share, base in _limits(terms, rules):
                sum_of_kind = advanced.get((*of, kind.value), 0)
                # what was above its limit before is not the revision's doing
                old = {one: limit * plan for one, limit, plan in _limits(before, rules)}[kind]
                if share * base < sum_of_kind <= old:
                    found.append(
                        Problem(place, None, money(base),
                                f"makes advances of {money(sum_of_kind)} ({kind.value}) more than "
                                f"{format_percent(share)} of it",
                                "revise it to no less, or say --below-paid: the advances stay")
                    )  # fmt: skip
    return found


def _limits(terms: ContractTerms, rules: SettlementRules | None) -> list[tuple[AdvanceKind, Fraction, int]]:
    if rules is None:
        return []
    of = rules.advances
    return [
        (AdvanceKind.SIGNING, of.signing_limit, terms.annual_plan),
        (AdvanceKind.DECEMBER, of.december_limit, terms.plan_of(12)),
    ]


def _contract_row(terms: ContractTerms, revision: int) -> dict[str, Any]:
    return {
        "provider_id": terms.provider_id,
        "funding_source": terms.funding_source,
        "year": terms.year,
        "revision": revision,
        "region": terms.region,
        "first_month": terms.first_month,
        "paid_before": terms.paid_before,
        "accepted_before": terms.accepted_before,
        "annual_plan": terms.annual_plan,
        "plans": json.dumps(terms.plans),
        "source": terms.source,
        "recorded_at": now(),
    }


def record_advances(book: Book, advances: Sequence[AdvancePaid]) -> Changes:
    """Records advances; one that is there already must say the same. Raises SettlementError otherwise, and
    where an advance would change a month that is settled."""
    table = s.ADVANCES
    with book.writing() as connection:
        known = {row.advance_id: row for row in connection.execute(sa.select(table))}
        settled = _settled_until(connection)
        problems, rows, unchanged = [], [], 0
        for one in advances:
            row = {
                "advance_id": one.advance_id,
                "provider_id": one.provider_id,
                "funding_source": one.funding_source,
                "year": one.recover_from.year,
                "kind": one.kind.value,
                "paid_on": one.paid_on,
                "amount": one.amount,
                "recover_from": one.recover_from.number,
                "recover_until": one.recover_until.number,
                "source": one.source,
            }
            before = known.get(one.advance_id)
            if before is not None:
                if all(before._mapping[name] == value for name, value in row.items()):
                    unchanged += 1
                else:
                    problems.append(
                        Problem(one.place, "advance_id", one.advance_id, "is recorded with other values",
                                "give a new advance a number of its own")
                    )  # fmt: skip
                continue
            until = settled.get((one.provider_id, one.funding_source, one.recover_from.year), 0)
            if until >= one.recover_from.month:
                problems.append(
                    Problem(one.place, "recover_from", str(one.recover_from), "is a month that is settled",
                            f"begin the recovery after month {until:02}")
                )  # fmt: skip
            rows.append({**row, "recorded_at": now()})
        if problems:
            raise SettlementError("no advance was recorded", problems)
        if rows:
            connection.execute(sa.insert(table), rows)
    return Changes(len(rows), 0, unchanged)
