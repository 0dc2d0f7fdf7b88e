"""The settlement statement of a provider's month: every step, with its amount and its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tariffcore.money import format_percent
from tariffcore.settlement.book.records import Book, RunRecord, SettledMonth, runs_in, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.month import ContractResult, SliceResult
from tariffcore.settlement.rules import SettlementRules


@dataclass(frozen=True, slots=True)
class StatementStep:
    """A line of the statement.

    step         a key of the labels (``claimed``, ``over_plan``, ...)
    amount       minor units as they enter: deductions below zero; what only informs is in ``note``
    detail       what it is of, in the words of the data: an advance, another item, a slice
    source       the rule or document it rests on
    of_slice     the slice of the linear scale that it is of
    """

    funding_source: str
    contract_line: str | None
    step: str
    amount: int
    detail: str = ""
    source: str = ""
    is_sum: bool = False
    informs: bool = False
    of_slice: SliceResult | None = None


@dataclass(frozen=True)
class Statement:
    """The month of a provider over its funding sources."""

    provider_id: str
    region: str
    month: Month
    run: RunRecord
    months: tuple[SettledMonth, ...]
    steps: tuple[StatementStep, ...]

    @property
    def payable(self) -> int:
        return sum(one.result.payable for one in self.months)


def statements(
    book: Book, rules: SettlementRules, month: Month, provider: str | None = None
) -> list[Statement]:
    """The statements of a settled month, of one provider or of all, in order of provider.

    ``rules`` say the sources of the steps. Nothing is settled anew: amounts are those of the book.
    """
    with book.reading() as connection:
        settled = settled_in(connection, month, provider)
        runs = {run.id: run for run in runs_in(connection, month, month)}
    of_provider: dict[str, list[SettledMonth]] = {}
    for one in settled:
        of_provider.setdefault(one.result.provider_id, []).append(one)
    return [
        Statement(
            name,
            months[0].region,
            month,
            runs[months[0].run_id],
            tuple(months),
            tuple(step for one in months for step in _steps(one.result, rules)),
        )
        for name, months in of_provider.items()
    ]


def _steps(result: ContractResult, rules: SettlementRules) -> Iterator[StatementStep]:
    funding, scale = result.funding_source, rules.scale_on(result.month.first_day)
    order = rules.order_source

    def step(
        name: str,
        amount: int,
        source: str = "",
        detail: str = "",
        *,
        is_sum: bool = False,
        informs: bool = False,
    ) -> StatementStep:
        return StatementStep(funding, None, name, amount, detail, source, is_sum, informs)

    for line in result.lines:
        claims, code = line.claims, line.contract_line
        of_line = [
            StatementStep(funding, code, "claimed", claims.claimed, "", order),
            StatementStep(funding, code, "overclaimed", -claims.overclaimed, "", order),
            StatementStep(funding, code, "deducted", -claims.deducted, "", rules.deductions_source),
            StatementStep(funding, code, "held", -claims.held, "", order),
            StatementStep(funding, code, "accepted", claims.accepted, "", order, is_sum=True),
            StatementStep(funding, code, "plan", line.plan, "", "", informs=True),
        ]
        yield from (each for each in of_line if each.amount or each.step in ("claimed", "accepted", "plan"))
        if line.exempt and claims.accepted > line.plan:
            yield StatementStep(
                funding, code, "exempt", claims.accepted - line.plan, "", scale.source, informs=True
            )
        for each in line.slices:
            within = int(each.within)  # to inform only: the rounding is of the line's sum
            detail = _slice_detail(each)
            yield StatementStep(
                funding, code, "slice", within, detail, scale.source, informs=True, of_slice=each
            )
        if line.over_plan:
            yield StatementStep(funding, code, "over_plan", -line.over_plan, "", scale.source)
    yield step("accepted_sum", result.accepted, order, is_sum=True)
    for item in result.items:
        name = (
            "correction"
            if item.correction_id is not None
            else ("addition" if item.amount > 0 else "other_deduction")
        )
        yield step(name, item.amount, item.source, f"{item.item_id}: {item.kind}")
    if result.debt:
        yield step("debt", -result.debt, order)
    yield step("due", result.due, order, is_sum=True)
    for one in result.recoveries:
        yield step("recovered", -one.recovered, rules.advances.source, one.advance_id)
    yield step("year_remainder", result.year_remainder, order, informs=True)
    if result.capped_by_year:
        yield step("capped_by_year", -result.capped_by_year, order)
    if result.december_limit is not None:
        yield step("december_limit", result.december_limit, rules.december_source, informs=True)
    if result.capped_december:
        yield step("capped_december", -result.capped_december, rules.december_source)
    if result.carried:
        yield step("carried", result.carried, order)
    yield step("payable", result.payable, order, is_sum=True)
    if result.recoveries:
        yield step("outstanding", result.outstanding_advance, rules.advances.source, informs=True)


def _slice_detail(of: SliceResult) -> str:
    """In numbers that need no language: of what is over the plan, which part is paid at what share."""
    start, pay = format_percent(of.from_share), format_percent(of.pay)
    return f"> {start} × {pay}" if of.up_to is None else f"{start} – {format_percent(of.up_to)} × {pay}"


def totals(months: Sequence[SettledMonth]) -> dict[str, int]:
    """The parts of the identity over several contracts, in its order."""
    results = [one.result for one in months]
    return {
        "claimed": sum(one.claims.claimed for one in results),
        "overclaimed": -sum(one.claims.overclaimed for one in results),
        "deducted": -sum(one.claims.deducted for one in results),
        "held": -sum(one.claims.held for one in results),
        "over_plan": -sum(one.over_plan for one in results),
        "addition": sum(one.additions for one in results),
        "other_deduction": -sum(one.other_deductions for one in results),
        "recovered": -sum(one.recovered for one in results),
        "capped_by_year": -sum(one.capped_by_year for one in results),
        "capped_december": -sum(one.capped_december for one in results),
        "carried": sum(one.carried for one in results),
        "payable": sum(one.payable for one in results),
    }
