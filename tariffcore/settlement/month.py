"""The month of one contract, from what was claimed to what is paid: exact integers of minor units.

A contract is that of one provider and funding source; it has contract lines, each with a sum for the month.
The order of the steps is the rules': claimed, minus deductions and what is under monitoring, linear scale by
contract line, plus and minus other items, minus advances, then the limits of the year and of December.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.money import round_to_int, split_amount
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.rules import Roundings, Scale


@dataclass(frozen=True, slots=True)
class ClaimSums:
    """What was claimed on one contract line, summed up; money in minor units.

    overclaimed  what claims exceed our prices by
    deducted     for defects
    held         of lines under monitoring, all that is claimed and not overclaimed
    """

    lines: int = 0
    claimed: int = 0
    overclaimed: int = 0
    deducted: int = 0
    held_lines: int = 0
    held: int = 0

    @property
    def accepted(self) -> int:
        """What is left after monitoring; below zero where deductions are more than was claimed."""
        return self.claimed - self.overclaimed - self.deducted - self.held


@dataclass(frozen=True, slots=True)
class PlannedLine:
    """A line of a contract in one month."""

    contract_line: str
    plan: int
    exempt: bool


@dataclass(frozen=True, slots=True)
class Advance:
    """An advance and what of it was recovered in earlier months."""

    advance_id: str
    amount: int
    recover_from: Month
    recover_until: Month
    recovered: int

    @property
    def outstanding(self) -> int:
        return self.amount - self.recovered

    def due_in(self, month: Month) -> int:
        """What is to be recovered in a month: its equal parts so far, less what was recovered of them.

        The parts are equal to the minor unit (the first k of n together are round(amount x k / n)).  What
        could not be held in earlier months rolls over; after the last month all that is left is due.
        """
        parts = self.recover_until.number - self.recover_from.number + 1
        begun = min(max(month.number - self.recover_from.number + 1, 0), parts)
        by_now = sum(split_amount(self.amount, [Fraction(1, parts)] * parts)[:begun])
        return max(by_now - self.recovered, 0)


@dataclass(frozen=True, slots=True)
class OtherItem:
    """A payment (above zero) or a deduction (below) that is not of the month's claims."""

    item_id: str
    kind: str
    amount: int
    source: str
    correction_id: str | None = None
    """The correction that it carries out, if it is one."""


@dataclass(frozen=True, slots=True)
class ContractMonth:
    """All that the month of a contract depends on.

    annual_plan       the sum of the year's contract
    paid_so_far       payments for earlier months of the year and all advances paid: they count as paid
    debt              what earlier months left to be taken off
    earlier_accepted  the accepted sums of the year's earlier months that were settled
    """

    provider_id: str
    funding_source: str
    month: Month
    lines: Sequence[PlannedLine]
    claims: Mapping[str, ClaimSums]
    annual_plan: int
    paid_so_far: int
    debt: int
    earlier_accepted: Sequence[int]
    advances: Sequence[Advance]
    items: Sequence[OtherItem]


@dataclass(frozen=True, slots=True)
class SliceResult:
    from_share: Fraction
    up_to: Fraction | None
    pay: Fraction
    within: Fraction
    """How much of what is over the plan lies in the slice."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """A contract line after the linear scale: ``accepted = payable + over_plan``."""

    contract_line: str
    claims: ClaimSums
    plan: int
    exempt: bool
    over_plan: int
    slices: tuple[SliceResult, ...]

    @property
    def payable(self) -> int:
        return self.claims.accepted - self.over_plan


@dataclass(frozen=True, slots=True)
class Recovery:
    advance_id: str
    due: int
    recovered: int
    outstanding: int
    """After this month."""


@dataclass(frozen=True, slots=True)
class ContractResult:
    """What became of the month of a contract. Every amount in minor units; `check_identity` holds.

    claims            the sums of all its lines
    over_plan         cut off by the linear scale
    additions         other payments
    other_deductions  other deductions, above zero; ``debt`` of earlier months among them
    recovered         of advances
    year_remainder    what was left of the year's contract
    capped_by_year    what exceeds it
    december_limit    the mean accepted sum of the months before; None outside December, or with none settled
    capped_december   what exceeds that
    carried           what this month leaves to be taken off later months: it ended below zero
    payable           what is paid
    """

    provider_id: str
    funding_source: str
    month: Month
    lines: tuple[LineResult, ...]
    claims: ClaimSums
    over_plan: int
    items: tuple[OtherItem, ...]
    additions: int
    other_deductions: int
    debt: int
    recoveries: tuple[Recovery, ...]
    recovered: int
    annual_plan: int
    year_remainder: int
    capped_by_year: int
    december_limit: int | None
    capped_december: int
    carried: int
    payable: int

    @property
    def accepted(self) -> int:
        """The accepted sum: what the linear scale leaves of the month's claims."""
        return self.claims.accepted - self.over_plan

    @property
    def due(self) -> int:
        """Before advances and limits; below zero where more is taken off than there is."""
        return self.accepted + self.additions - self.other_deductions

    @property
    def outstanding_advance(self) -> int:
        return sum(recovery.outstanding for recovery in self.recoveries)

    @property
    def capped_or_carried(self) -> int:
        return self.capped_by_year + self.capped_december - self.carried


def settle_contract(of: ContractMonth, scale: Scale, roundings: Roundings) -> ContractResult:
    """The month of a contract. Raises ValueError for claims on a line that the contract does not have."""
    unplanned = set(of.claims) - {line.contract_line for line in of.lines}
    if unplanned:
        raise ValueError(f"claims on lines that are not in the contract: {sorted(unplanned)}")
    lines = tuple(scaled_line(line, of.claims.get(line.contract_line, ClaimSums()), scale, roundings)
                  for line in of.lines)  # fmt: skip
    claims = _added(line.claims for line in lines)
    over_plan = sum(line.over_plan for line in lines)
    additions = sum(item.amount for item in of.items if item.amount > 0)
    other_deductions = of.debt - sum(item.amount for item in of.items if item.amount < 0)
    due = claims.accepted - over_plan + additions - other_deductions
    recoveries = _recover(of.advances, of.month, max(due, 0))
    recovered = sum(recovery.recovered for recovery in recoveries)
    before_limits = max(due, 0) - recovered
    remainder = max(of.annual_plan - of.paid_so_far, 0)
    within_year = min(before_limits, remainder)
    limit = _december_limit(of, roundings)
    payable = within_year if limit is None else min(within_year, limit)
    result = ContractResult(
        provider_id=of.provider_id,
        funding_source=of.funding_source,
        month=of.month,
        lines=lines,
        claims=claims,
        over_plan=over_plan,
        items=tuple(of.items),
        additions=additions,
        other_deductions=other_deductions,
        debt=of.debt,
        recoveries=recoveries,
        recovered=recovered,
        annual_plan=of.annual_plan,
        year_remainder=remainder,
        capped_by_year=before_limits - within_year,
        december_limit=limit,
        capped_december=within_year - payable,
        carried=max(-due, 0),
        payable=payable,
    )
    check_identity(result)
    return result


class IdentityError(AssertionError):
    """The parts of a month do not reconcile: a mistake of tariffcore, after which nothing may be paid."""


def check_identity(of: ContractResult) -> None:
    """claimed + other additions = payable + advance recovered + deducted + other deductions + over plan
    + held + capped or carried. Raises IdentityError where it does not hold."""
    left = of.claims.claimed + of.additions
    deducted = of.claims.overclaimed + of.claims.deducted
    right = (
        of.payable + of.recovered + deducted + of.other_deductions + of.over_plan + of.claims.held
        + of.capped_or_carried
    )  # fmt: skip
    if left != right or of.payable < 0:
        raise IdentityError(f"{of.provider_id} {of.funding_source} {of.month}: in {left}, out {right}")


def scaled_line(line: PlannedLine, claims: ClaimSums, scale: Scale, roundings: Roundings) -> LineResult:
    """The linear scale on one contract line: of what is over the plan, each slice pays its share."""
    excess = claims.accepted - line.plan
    if line.exempt or excess <= 0:
        return LineResult(line.contract_line, claims, line.plan, line.exempt, 0, ())
    slices = []
    paid = Fraction(0)
    for each in scale.slices:
        start = each.from_share * line.plan
        end = Fraction(excess) if each.up_to is None else min(Fraction(excess), each.up_to * line.plan)
        within = max(end - start, Fraction(0))
        paid += each.pay * within
        slices.append(SliceResult(each.from_share, each.up_to, each.pay, within))
    over_plan = excess - round_to_int(paid, roundings.scale)  # rounding `scale`: once a contract line
    return LineResult(line.contract_line, claims, line.plan, False, over_plan, tuple(slices))


def _added(sums: Iterable[ClaimSums]) -> ClaimSums:
    lines = claimed = overclaimed = deducted = held_lines = held = 0
    for each in sums:
        lines += each.lines
        claimed += each.claimed
        overclaimed += each.overclaimed
        deducted += each.deducted
        held_lines += each.held_lines
        held += each.held
    return ClaimSums(lines, claimed, overclaimed, deducted, held_lines, held)


def _recover(advances: Sequence[Advance], month: Month, most: int) -> tuple[Recovery, ...]:
    """Of each advance what is due, the oldest first, never more than there is to hold."""
    recoveries = []
    for advance in sorted(advances, key=lambda one: (one.recover_from, one.advance_id)):
        due = advance.due_in(month)
        held = min(due, most)
        most -= held
        recoveries.append(Recovery(advance.advance_id, due, held, advance.outstanding - held))
    return tuple(recoveries)


def _december_limit(of: ContractMonth, roundings: Roundings) -> int | None:
    """December is paid next year, and at most the mean accepted sum of the months before it."""
    if of.month.month != 12 or not of.earlier_accepted:
        return None
    mean = Fraction(sum(of.earlier_accepted), len(of.earlier_accepted))
    return max(round_to_int(mean, roundings.mean), 0)  # rounding `mean`
