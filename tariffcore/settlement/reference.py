"""The slow exact twin of a contract's month, line by line in fractions, laid out as the rules read.

Shares no arithmetic with `month`, `deductions` and `lines`: money is a Fraction of minor units, and each of
the three roundings is here once more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

HALF = Fraction(1, 2)


@dataclass(frozen=True)
class ReferenceLine:
    """One claimed line. ``defects``: (per cent, None) of the price, or (norms, the amount of one)."""

    contract_line: str
    claimed: Fraction
    price: Fraction
    defects: Sequence[tuple[Fraction, Fraction | None]] = ()
    is_held: bool = False


@dataclass(frozen=True)
class ReferenceAdvance:
    amount: Fraction
    parts: int
    begun: int
    """How many of its parts are due by this month, this one included."""
    recovered_before: Fraction


@dataclass(frozen=True)
class ReferenceMonth:
    """What the twin says of a month, whole minor units as fractions."""

    claimed: Fraction
    overclaimed: Fraction
    deducted: Fraction
    held: Fraction
    over_plan: Mapping[str, Fraction]
    additions: Fraction
    other_deductions: Fraction
    recovered: Sequence[Fraction]
    capped_by_year: Fraction
    capped_december: Fraction
    carried: Fraction
    payable: Fraction


def half_up(value: Fraction) -> Fraction:
    """To the whole minor unit, a half away from zero."""
    return Fraction(floor(value + HALF)) if value >= 0 else -Fraction(floor(-value + HALF))


def reference_month(
    *,
    lines: Sequence[ReferenceLine],
    plans: Mapping[str, tuple[Fraction, bool]],
    slices: Sequence[tuple[Fraction, Fraction | None, Fraction]],
    largest_defect_only: bool,
    items: Sequence[Fraction],
    debt: Fraction,
    advances: Sequence[ReferenceAdvance],
    annual_plan: Fraction,
    paid_so_far: Fraction,
    earlier_accepted: Sequence[Fraction] | None,
) -> ReferenceMonth:
    """The month of one contract.

    plans             by contract line: the month's sum, and whether the linear scale leaves it alone
    slices            (from, up to or None, share paid) of what is over the plan, as shares of the plan
    items             other payments above zero, other deductions below
    advances          the oldest first
    earlier_accepted  in December, the accepted sums of the months before it; None in other months
    """
    # 1. claimed; what exceeds our price is a deduction of its own
    claimed = sum((line.claimed for line in lines), Fraction(0))
    overclaimed = sum((line.claimed - line.price for line in lines if line.claimed > line.price), Fraction(0))

    # 2. deductions for defects, each rounded; lines under monitoring
    deducted = held = Fraction(0)
    accepted_of_line = dict.fromkeys(plans, Fraction(0))
    for line in lines:
        payable = line.price if line.claimed > line.price else line.claimed
        if line.is_held:
            held += payable
            continue
        amounts = [
            half_up(line.price * measure / 100) if norm is None else half_up(norm * measure)
            for measure, norm in line.defects
        ]
        taken_off = Fraction(0)
        for amount in amounts:
            taken_off = max(taken_off, amount) if largest_defect_only else taken_off + amount
        deducted += taken_off
        accepted_of_line[line.contract_line] += payable - taken_off

    # 3. the linear scale, contract line by contract line
    over_plan = {}
    for name, (plan, is_exempt) in plans.items():
        accepted = accepted_of_line[name]
        if is_exempt or accepted <= plan:
            over_plan[name] = Fraction(0)
            continue
        over = accepted - plan
        paid = Fraction(0)
        for start, end, share in slices:
            top = over if end is None else end * plan
            reached = over if over < top else top
            if reached > start * plan:
                paid += share * (reached - start * plan)
        over_plan[name] = over - half_up(paid)

    # 4. other payments and deductions
    additions = sum((item for item in items if item > 0), Fraction(0))
    other_deductions = debt + sum((-item for item in items if item < 0), Fraction(0))
    accepted_sum = sum(accepted_of_line.values(), Fraction(0)) - sum(over_plan.values(), Fraction(0))
    due = accepted_sum + additions - other_deductions
    carried = Fraction(0)
    if due < 0:
        carried, due = -due, Fraction(0)

    # 5. advances: the parts that are due by now, what could not be held before included
    recovered = []
    for advance in advances:
        by_now = half_up(advance.amount * advance.begun / advance.parts) - advance.recovered_before
        part = min(max(by_now, Fraction(0)), due)
        recovered.append(part)
        due -= part

    # 6. never more than is left of the year's contract; December at most the mean of the months before
    left = max(annual_plan - paid_so_far, Fraction(0))
    capped_by_year = max(due - left, Fraction(0))
    due -= capped_by_year
    capped_december = Fraction(0)
    if earlier_accepted:
        mean = sum(earlier_accepted, Fraction(0)) / len(earlier_accepted)
        limit = max(Fraction(floor(mean)) if mean >= 0 else Fraction(0), Fraction(0))
        capped_december = max(due - limit, Fraction(0))
        due -= capped_december
    return ReferenceMonth(
        claimed, overclaimed, deducted, held, over_plan, additions, other_deductions, recovered,
        capped_by_year, capped_december, carried, due,
    )  # fmt: skip
