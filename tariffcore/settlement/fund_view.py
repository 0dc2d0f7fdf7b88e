"""The fund's month over all providers: from claims to payment, by method, region and cost component.

What is accepted is known line by line. Other items, debts and the limits of the year and of December are of
contracts, not of methods: they stand apart (`NOT_BY_METHOD`). Over the plan and advances are decided for a
contract line and a contract: a method has its share of them by the accepted sums, each part rounded with the
running total, so that parts sum to the whole exactly.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction

import sqlalchemy as sa

from tariffcore.money import round_to_int, split_amount
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.records import Book, RunRecord, SettledMonth, runs_in, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.month import ContractResult
from tariffcore.settlement.rules import SettlementRules

NOT_BY_METHOD = ""
"""The key of other items, debts and limits among methods and components."""


@dataclass
class ViewSums:
    """Money in minor units; what is taken off is above zero.

    overclaimed  what claims exceed our prices by
    deducted     for defects
    other        other payments less other deductions and debts, less what limits cut, and what is carried
    recovered    of advances
    outstanding  advances that are not recovered yet
    """

    lines: int = 0
    claimed: int = 0
    overclaimed: int = 0
    deducted: int = 0
    held: int = 0
    over_plan: int = 0
    other: int = 0
    recovered: int = 0
    outstanding: int = 0

    @property
    def paid(self) -> int:
        """Payable and recovered advances: what services were paid with."""
        cut = self.overclaimed + self.deducted + self.held + self.over_plan
        return self.claimed - cut + self.other

    @property
    def payable(self) -> int:
        return self.paid - self.recovered

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
    """A settled month over all providers.

    by_method     with `NOT_BY_METHOD` where there is such; sums to the month, as ``by_region`` does
    by_component  what was paid, advances recovered with it; None is not split
    """

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
        add_month(one.result, by_region.setdefault(one.region, ViewSums()))
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


def add_month(result: ContractResult, sums: ViewSums) -> None:
    """Adds the whole month of a contract."""
    sums.add(
        lines=result.claims.lines,
        claimed=result.claims.claimed,
        overclaimed=result.claims.overclaimed,
        deducted=result.claims.deducted,
        held=result.claims.held,
        over_plan=result.over_plan,
        other=_other(result),
        recovered=result.recovered,
        outstanding=result.outstanding_advance,
    )


def _other(result: ContractResult) -> int:
    return result.additions - result.other_deductions - result.capped_or_carried


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
    # what may be held of advances is what there is to pay: of services, and of other items above zero
    other = _other(one.result)
    weights = [*(max(a - o, 0) for a, o in zip(accepted, over, strict=True)), max(other, 0)]
    recovered = shared_out(one.result.recovered, weights)
    outstanding = shared_out(
        one.result.outstanding_advance, [*accepted, 0] if any(accepted) else [*accepted, 1]
    )
    for place, cell in enumerate(cells):
        sums = ViewSums()
        sums.add(
            lines=cell.lines,
            claimed=cell.claimed,
            overclaimed=cell.overclaimed,
            deducted=cell.deducted,
            held=cell.held,
            over_plan=over[place],
            recovered=recovered[place],
            outstanding=outstanding[place],
        )
        by_method.setdefault(cell.method, ViewSums()).add(**asdict(sums))
        parts = json.loads(cell.components)
        whole = max(cell.priced, sum(parts.values()))
        names = [*parts, None]
        shares = [*parts.values(), whole - sum(parts.values())]
        for name, part in zip(names, shared_out(sums.paid, shares), strict=True):
            by_component[name] = by_component.get(name, 0) + part
    if other or recovered[-1] or outstanding[-1]:
        by_method.setdefault(NOT_BY_METHOD, ViewSums()).add(
            other=other, recovered=recovered[-1], outstanding=outstanding[-1]
        )
        by_component[NOT_BY_METHOD] = by_component.get(NOT_BY_METHOD, 0) + other


def shared_out(amount: int, weights: Sequence[int]) -> list[int]:
    """An amount in parts by weights that are not below zero; equal parts where all weigh nothing."""
    if not weights:
        return []
    whole = sum(weights)
    if whole == 0:
        return split_amount(amount, [Fraction(1, len(weights))] * len(weights))
    return split_amount(amount, [Fraction(weight, whole) for weight in weights])
