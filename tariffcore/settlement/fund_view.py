"""The fund's month over all providers: from claims to payment, by method, region and cost component.

Payment is decided for a contract. What a method, a region or a component has of it is its share of the
accepted sums, each part rounded with the running total, so that parts sum to the whole exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import sqlalchemy as sa

from tariffcore.money import round_to_int, split_amount
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.records import Book, RunRecord, SettledMonth, runs_in, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.rules import SettlementRules


@dataclass
class ViewSums:
    """Money in minor units."""

    lines: int = 0
    claimed: int = 0
    deducted: int = 0
    """Above our prices, and for defects."""
    held: int = 0
    over_plan: int = 0
    paid: int = 0
    """Payable and recovered advances: what services were paid with."""
    outstanding: int = 0

    def add(self, **amounts: int) -> None:
        for name, amount in amounts.items():
            setattr(self, name, getattr(self, name) + amount)


@dataclass(frozen=True, slots=True)
class Check:
    """A figure of the fund beside what is required of it; None: it was not given."""

    key: str
    required: int
    found: int | None
    source: str

    @property
    def is_kept(self) -> bool | None:
        return None if self.found is None else self.found >= self.required


@dataclass(frozen=True)
class FundView:
    """A settled month over all providers. ``by_component`` has what was paid; None is not split."""

    month: Month
    runs: tuple[RunRecord, ...]
    months: tuple[SettledMonth, ...]
    by_method: Mapping[str, ViewSums]
    by_region: Mapping[str, ViewSums]
    by_component: Mapping[str | None, int]
    checks: tuple[Check, ...] = ()
    corrections: int = 0
    set_aside: Mapping[str, int] = field(default_factory=dict)

    @property
    def providers(self) -> int:
        return len({one.result.provider_id for one in self.months})


def fund_view(
    book: Book,
    rules: SettlementRules,
    month: Month,
    *,
    contributions: int | None = None,
    reserve: int | None = None,
    balance: int | None = None,
) -> FundView:
    """The month as it stands in the book. The fund's figures, in minor units, are checked where given."""
    c = s.CELLS
    with book.reading() as connection:
        months = settled_in(connection, month)
        runs = runs_in(connection, month, month)
        cells = connection.execute(
            sa.select(c, s.SETTLED.c.month).join(s.SETTLED).where(s.SETTLED.c.month == month.number)
        ).all()
        corrections = sum(
            amount
            for (amount,) in connection.execute(
                sa.select(s.CORRECTIONS.c.amount).join(s.SETTLED).where(s.SETTLED.c.month == month.number)
            )
        )
    of_month: dict[int, list[sa.Row[tuple[object, ...]]]] = {}
    for cell in cells:
        of_month.setdefault(cell.settled_id, []).append(cell)
    by_method: dict[str, ViewSums] = {}
    by_region: dict[str, ViewSums] = {}
    by_component: dict[str | None, int] = {}
    for one in months:
        _add_region(one, by_region.setdefault(one.region, ViewSums()))
        _add_methods(one, of_month.get(one.id, []), by_method, by_component)
    set_aside: dict[str, int] = {}
    for run in runs:
        for status, count in run.set_aside.items():
            set_aside[status] = set_aside.get(status, 0) + count
    return FundView(
        month,
        tuple(runs),
        tuple(months),
        dict(sorted(by_method.items())),
        dict(sorted(by_region.items())),
        by_component,
        fund_checks(rules, contributions, reserve, balance),
        corrections,
        set_aside,
    )


def fund_checks(
    rules: SettlementRules, contributions: int | None, reserve: int | None, balance: int | None
) -> tuple[Check, ...]:
    """The reserve against its share of contributions, and the balance against what it may not go below."""
    fund = rules.fund
    required = 0 if contributions is None else round_to_int(fund.reserve_share * contributions)
    return (
        Check("reserve", required, None if contributions is None else reserve, fund.source),
        Check("balance", fund.minimum_balance_minor, balance, fund.source),
    )


def _paid(one: SettledMonth) -> int:
    return one.result.payable + one.result.recovered


def _add_region(one: SettledMonth, sums: ViewSums) -> None:
    result = one.result
    sums.add(
        lines=result.claims.lines,
        claimed=result.claims.claimed,
        deducted=result.claims.overclaimed + result.claims.deducted,
        held=result.claims.held,
        over_plan=result.over_plan,
        paid=_paid(one),
        outstanding=result.outstanding_advance,
    )


def _add_methods(
    one: SettledMonth,
    cells: Sequence[sa.Row[tuple[object, ...]]],
    by_method: dict[str, ViewSums],
    by_component: dict[str | None, int],
) -> None:
    accepted = [
        max(cell.claimed - cell.overclaimed - cell.deducted - cell.held, 0) for cell in cells
    ]  # a cell below zero has no part of a payment
    over_of_line = {line.contract_line: line.over_plan for line in one.result.lines}
    over = [0] * len(cells)
    for name, amount in over_of_line.items():
        places = [place for place, cell in enumerate(cells) if cell.contract_line == name]
        for place, part in zip(places, shared_out(amount, [accepted[p] for p in places]), strict=True):
            over[place] = part
    paid = shared_out(_paid(one), [max(a - o, 0) for a, o in zip(accepted, over, strict=True)])
    outstanding = shared_out(one.result.outstanding_advance, accepted)
    for place, cell in enumerate(cells):
        by_method.setdefault(cell.method, ViewSums()).add(
            lines=cell.lines,
            claimed=cell.claimed,
            deducted=cell.overclaimed + cell.deducted,
            held=cell.held,
            over_plan=over[place],
            paid=paid[place],
            outstanding=outstanding[place],
        )
        parts = json.loads(cell.components)
        whole = max(cell.priced, sum(parts.values()))
        names = [*parts, None]
        shares = [*parts.values(), whole - sum(parts.values())]
        for name, part in zip(names, shared_out(paid[place], shares), strict=True):
            by_component[name] = by_component.get(name, 0) + part
    if not cells and _paid(one):
        by_method.setdefault("", ViewSums()).add(paid=_paid(one))
        by_component[None] = by_component.get(None, 0) + _paid(one)


def shared_out(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in parts by weights that are not below zero; equal parts where all weigh nothing."""
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        return split_amount(amount, [Fraction(1, len(weights))] * len(weights))
    return split_amount(amount, [Fraction(weight, whole) for weight in weights])
