"""From centres that serve to centres that treat: what share of each one's cost ends where, exactly.

The shares depend on the statistics alone, never on costs. Each is a fraction, kept as whole numbers over one
denominator, and the shares of a centre sum to one: nothing is lost on the way.

direct       a centre's cost goes to the treating centres at once
step-down    centres are passed on and closed one after another; a closed centre receives nothing more
reciprocal   centres serve each other at the same time: one system of equations for all
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import gcd, lcm

from tariffcore.costing.elimination import SingularError, solve
from tariffcore.costing.model import KIND_ORDER, CostCentre
from tariffcore.costing.parameters import AllocationMethod
from tariffcore.costing.tables import SHARES_BASE

Weights = Mapping[str, Mapping[str, int]]
"""By serving centre: how much of its base each receiving centre has, as whole numbers above 0."""


@dataclass(frozen=True, slots=True)
class FinalShares:
    """What share of a centre's cost ends in each treating centre: ``numerators / denominator``."""

    numerators: tuple[int, ...]
    denominator: int


class CircularOrderError(Exception):
    """Centres that are each to be passed on after another of them."""

    def __init__(self, cycle: Sequence[str]) -> None:
        self.cycle = tuple(cycle)
        super().__init__(" -> ".join(cycle))


def passing_weights(
    centres: Mapping[str, CostCentre],
    quantities: Mapping[str, Mapping[str, Fraction]],
    shares: Mapping[str, Mapping[str, Fraction]],
) -> dict[str, dict[str, int]]:
    """The weights of a provider's serving centres: quantities by base, or agreed shares by giving centre.

    What a centre has of its own base stays out: it cannot be passed on to itself.
    """
    weights: dict[str, dict[str, int]] = {}
    for code, centre in centres.items():
        if centre.treats:
            continue
        by_receiver: Mapping[str, Fraction] = {}
        if centre.allocation_base == SHARES_BASE:
            by_receiver = shares.get(code, {})
        elif centre.allocation_base is not None:
            by_receiver = quantities.get(centre.allocation_base, {})
        received = {receiver: value for receiver, value in by_receiver.items() if value and receiver != code}
        scale = lcm(*(value.denominator for value in received.values()))
        weights[code] = {
            receiver: value.numerator * (scale // value.denominator) for receiver, value in received.items()
        }
    return weights


def allocation_order(
    centres: Mapping[str, CostCentre], weights: Weights, costs: Mapping[str, int]
) -> tuple[str, ...]:
    """The order in which serving centres are passed on: overhead before ancillary, and as ``after`` declares.

    Where that leaves a choice: first the centre that serves the most other centres, then the one with the
    larger cost of its own, then file order. Raises CircularOrderError.
    """
    left = [code for code, centre in centres.items() if not centre.treats]
    before = {code: _declared_before(code, centres, left) for code in left}
    position = {code: number for number, code in enumerate(left)}
    order: list[str] = []
    while left:
        ready = [code for code in left if before[code].isdisjoint(left)]
        if not ready:
            raise CircularOrderError(_cycle(left, before))
        first = min(ready, key=lambda code: (-len(weights[code]), -costs.get(code, 0), position[code]))
        order.append(first)
        left.remove(first)
    return tuple(order)


def _declared_before(code: str, centres: Mapping[str, CostCentre], serving: Sequence[str]) -> set[str]:
    own = centres[code]
    by_kind = {other for other in serving if KIND_ORDER[centres[other].kind] < KIND_ORDER[own.kind]}
    return by_kind | {other for other in own.after if other in serving}


def _cycle(left: Sequence[str], before: Mapping[str, set[str]]) -> list[str]:
    """A way round, each centre passed on after the next."""
    path = [left[0]]
    while True:
        following = min(code for code in before[path[-1]] if code in left)
        if following in path:
            return [*path[path.index(following) :], following]
        path.append(following)


def final_shares(
    method: AllocationMethod, order: Sequence[str], treating: Sequence[str], weights: Weights
) -> dict[str, FinalShares | None]:
    """Of each serving centre, where its cost ends; None where it cannot get anywhere."""
    if method is AllocationMethod.DIRECT:
        return {code: _direct(weights[code], treating) for code in order}
    if method is AllocationMethod.STEP_DOWN:
        return _step_down(order, treating, weights)
    return _reciprocal(order, treating, weights)


def _direct(weights: Mapping[str, int], treating: Sequence[str]) -> FinalShares | None:
    numerators = tuple(weights.get(code, 0) for code in treating)
    total = sum(numerators)
    return FinalShares(numerators, total) if total else None


def _step_down(
    order: Sequence[str], treating: Sequence[str], weights: Weights
) -> dict[str, FinalShares | None]:
    """From the last centre to the first: where a centre's cost ends is known once it is of those after it."""
    shares: dict[str, FinalShares | None] = {}
    for number in reversed(range(len(order))):
        code = order[number]
        later = [other for other in order[number + 1 :] if weights[code].get(other)]
        ends = [shares[other] for other in later]
        own = weights[code]
        total = sum(own.get(other, 0) for other in (*later, *treating))
        if not total or any(end is None for end in ends):
            shares[code] = None
            continue
        scale = lcm(*(end.denominator for end in ends if end is not None))
        numerators = [own.get(other, 0) * scale for other in treating]
        for other, end in zip(later, ends, strict=True):
            assert end is not None
            passed = own[other] * (scale // end.denominator)
            for position, part in enumerate(end.numerators):
                numerators[position] += passed * part
        shares[code] = _reduced(numerators, total * scale)
    return shares


def _reduced(numerators: Sequence[int], denominator: int) -> FinalShares:
    common = gcd(denominator, *numerators)
    return FinalShares(tuple(part // common for part in numerators), denominator // common)


def _reciprocal(
    order: Sequence[str], treating: Sequence[str], weights: Weights
) -> dict[str, FinalShares | None]:
    """Share s of centre c: ``total_c x s_c = what goes to treating centres + sum of w(c, d) x s_d``."""
    ending = _that_end(order, treating, weights)
    coefficients = [
        [sum(weights[code].values()) if other == code else -weights[code].get(other, 0) for other in ending]
        for code in ending
    ]
    right_sides = [[weights[code].get(other, 0) for other in treating] for code in ending]
    shares: dict[str, FinalShares | None] = dict.fromkeys(order)
    try:
        solution, denominator = solve(coefficients, right_sides)
    except SingularError:  # pragma: no cover - centres that end somewhere have one solution
        return shares
    for code, numerators in zip(ending, solution, strict=True):
        shares[code] = _reduced(numerators, denominator)
    return shares


def _that_end(order: Sequence[str], treating: Sequence[str], weights: Weights) -> list[str]:
    """Centres all of whose cost ends in treating centres: none of it comes to one that passes nothing on."""
    stuck: set[str] = set()
    while True:
        reaching = set(treating)
        grown = True
        while grown:
            grown = False
            for code in order:
                if code not in reaching and code not in stuck and not reaching.isdisjoint(weights[code]):
                    reaching.add(code)
                    grown = True
        more = {
            code
            for code in order
            if code not in stuck and (code not in reaching or not stuck.isdisjoint(weights[code]))
        }
        if not more:
            return [code for code in order if code not in stuck]
        stuck |= more
