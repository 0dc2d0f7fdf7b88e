"""The base rate: what a weight of 1 is paid so that all cases together are paid the budget.

Before rounding it is the budget over the sum of the weights paid (shares of care settings included). It is
rounded as ``[budget]`` asks; what every case is then paid, each rounded as the schedule says, is summed up
exactly, and what is left of the budget is the remainder.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from tariffcore.costing.parameters import Budget, BudgetMode
from tariffcore.money import round_to_places
from tariffcore.schedule.model import AppliesTo, BaseRate, Schedule, Share, Unit
from tariffcore.schedule.tariff import case_weight, find_share, rounded, weight_tariff

CaseMix = Mapping[tuple[str, str], int]
"""Cases by (drg_code, care_setting)."""


@dataclass(frozen=True, slots=True)
class BaseRateFound:
    """unrounded_minor is minor units per weight of 1; paid + remainder = budget, in minor units."""

    amount: Fraction
    unrounded_minor: Fraction
    case_mix: Fraction
    cases: int
    budget_minor: int
    paid_minor: int

    @property
    def remainder_minor(self) -> int:
        return self.budget_minor - self.paid_minor


def weight_paid(schedule: Schedule, weight: Fraction, share: Share) -> Fraction:
    """The weight that a case counts with: after the share of its care setting."""
    if share.applies_to is AppliesTo.WEIGHT:
        return case_weight(schedule, weight, share)
    return weight * share.share


def case_payment_minor(schedule: Schedule, weight: Fraction, care_setting: str) -> int:
    """What a usual case is paid: its tariff in the care setting, as a unit price, in minor units."""
    share = find_share(schedule, Unit.CASE, care_setting)
    assert share is not None, f"{schedule.id} does not pay cases in {care_setting}"
    price = rounded(weight_tariff(schedule, weight, share), schedule.roundings.unit)
    return int(price * 10**schedule.minor_units)


def case_mix_paid(schedule: Schedule, weights: Mapping[str, Fraction], cases: CaseMix) -> int:
    """What all cases are paid under the schedule's base rate, in minor units."""
    return sum(
        count * case_payment_minor(schedule, weights[drg], setting) for (drg, setting), count in cases.items()
    )


def find_base_rate(
    schedule: Schedule, weights: Mapping[str, Fraction], cases: CaseMix, budget: Budget, budget_minor: int
) -> BaseRateFound:
    """The base rate for the budget. ``schedule`` gives shares and roundings; its own base rate is not
    used."""
    mix = Fraction(0)
    for (drg, setting), count in cases.items():
        share = find_share(schedule, Unit.CASE, setting)
        assert share is not None, f"{schedule.id} does not pay cases in {setting}"
        mix += count * weight_paid(schedule, weights[drg], share)
    unrounded_minor = Fraction(budget_minor) / mix
    amount = round_to_places(
        unrounded_minor / 10**schedule.minor_units, budget.places, budget.mode.rounding_mode()
    )

    def paid_at(rate: Fraction) -> int:
        return case_mix_paid(replace(schedule, base_rate=BaseRate(rate, "")), weights, cases)

    paid_minor = paid_at(amount)
    if budget.mode is BudgetMode.WITHIN_BUDGET:
        amount, paid_minor = _largest_within(amount, budget, budget_minor, paid_minor, paid_at)
    return BaseRateFound(amount, unrounded_minor, mix, sum(cases.values()), budget_minor, paid_minor)


def _largest_within(
    amount: Fraction,
    budget: Budget,
    budget_minor: int,
    paid_minor: int,
    paid_at: Callable[[Fraction], int],
) -> tuple[Fraction, int]:
    """The largest rate of so many places under which no more than the budget is paid.

    Payments never fall where the rate rises, so steps of doubling size, then halves, find it.
    """
    step = Fraction(1) / Fraction(10) ** budget.places
    low, high = amount, amount
    low_paid = paid_minor
    size = 1
    while low_paid > budget_minor and low > 0:  # roundings of single cases paid more than the mean rate
        high = low
        low = max(Fraction(0), low - size * step)
        low_paid = paid_at(low)
        size *= 2
    if high == low:
        size = 1
        while True:
            high = low + size * step
            high_paid = paid_at(high)
            if high_paid > budget_minor:
                break
            low, low_paid = high, high_paid
            size *= 2
    while high - low > step:
        middle = low + ((high - low) / step // 2) * step
        middle_paid = paid_at(middle)
        if middle_paid > budget_minor:
            high = middle
        else:
            low, low_paid = middle, middle_paid
    return low, low_paid
