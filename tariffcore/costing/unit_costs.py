"""What a bed-day and a case cost: of each provider exactly, and of the whole sample.

The cost of a group at a provider is the sum over treating centres of ``its quantity / the centre's quantity x
the centre's cost``. All costs of a provider lie on its cases, so the groups' costs sum to ledger +
depreciation.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import lcm

import numpy as np
from numpy.typing import NDArray

from tariffcore.costing.allocation import allocation_order, final_shares, passing_weights
from tariffcore.costing.depreciation import divided_half_up
from tariffcore.costing.enclosures import Enclosed, exact_sum
from tariffcore.costing.model import Inputs
from tariffcore.costing.parameters import AllocationMethod
from tariffcore.costing.product import Cells

GroupKey = tuple[int, int]
"""(number of the group, number of the care setting)."""


@dataclass(frozen=True)
class ProviderCosts:
    """Costs of one provider, after allocation: of treating centre f and component k
    ``numerators[f][k] / denominator`` minor units.

    direct   before allocation, of every centre
    order    in which centres were passed on
    """

    provider_id: str
    order: tuple[str, ...]
    direct: Mapping[str, Sequence[int]]
    treating: tuple[str, ...]
    numerators: tuple[tuple[int, ...], ...]
    denominator: int

    @property
    def total_minor(self) -> tuple[int, ...]:
        """Ledger + depreciation by component."""
        return tuple(map(sum, zip(*self.direct.values(), strict=True)))

    def apportioned(self) -> Iterator[tuple[str, list[int]]]:
        """Each treating centre with its cost by component in minor units: running totals, half up, so that
        the centres sum to the total of each component."""
        running = [0] * len(self.total_minor)
        given = list(running)
        for code, numerators in zip(self.treating, self.numerators, strict=True):
            parts = []
            for component, numerator in enumerate(numerators):
                running[component] += numerator
                reached = divided_half_up(running[component], self.denominator)
                parts.append(reached - given[component])
                given[component] = reached
            yield code, parts


class LostCostError(Exception):
    """What was allocated is not what there was: a mistake of this program."""


def allocate(inputs: Inputs, provider_id: str, method: AllocationMethod) -> ProviderCosts | None:
    """A provider's costs in its treating centres; None where some cost has no way under this method."""
    centres = inputs.centres[provider_id]
    weights = passing_weights(centres, inputs.quantities_of(provider_id), inputs.shares_of(provider_id))
    direct = inputs.direct_costs(provider_id)
    order = allocation_order(centres, weights, {code: sum(amounts) for code, amounts in direct.items()})
    treating = tuple(code for code, centre in centres.items() if centre.treats)
    shares = final_shares(method, order, treating, weights)
    passing = [code for code in order if any(direct[code])]
    ends = [shares[code] for code in passing]
    if any(end is None for end in ends):
        return None
    denominator = lcm(*(end.denominator for end in ends if end is not None))
    numerators = [[amount * denominator for amount in direct[code]] for code in treating]
    for code, end in zip(passing, ends, strict=True):
        assert end is not None
        scale = denominator // end.denominator
        amounts = direct[code]
        for row, part in zip(numerators, end.numerators, strict=True):
            if part:
                scaled = part * scale
                for component, amount in enumerate(amounts):
                    if amount:
                        row[component] += amount * scaled
    costs = ProviderCosts(provider_id, order, direct, treating, tuple(map(tuple, numerators)), denominator)
    reached = tuple(map(sum, zip(*numerators, strict=True)))
    if reached != tuple(amount * denominator for amount in costs.total_minor):
        raise LostCostError(
            f"{provider_id}: {method} allocates {reached} of {denominator} x {costs.total_minor}"
        )
    return costs


class SampleCosts:
    """Costs of groups over all providers, by component: sums of long fractions, known by bounds.

    quantities  the whole quantity of each treating centre (numbers as in ``cells``)
    """

    def __init__(
        self, costs: Sequence[ProviderCosts], cells: Cells, quantities: Sequence[int], components: int
    ) -> None:
        self.cells = cells
        self.components = components
        self._quantities = quantities
        self._centre: list[tuple[tuple[int, ...], int]] = [
            (numerators, of_provider.denominator * (quantity or 1))
            for of_provider, numerators, quantity in zip(
                (provider for provider in costs for _ in provider.treating),
                (numerators for provider in costs for numerators in provider.numerators),
                quantities,
                strict=True,
            )
        ]
        self._sums: dict[int, dict[GroupKey, tuple[list[int], int]]] = {}

    @cached_property
    def keys(self) -> list[GroupKey]:
        """Groups and care settings that occur, sorted."""
        return sorted(set(zip(self.cells.drg.tolist(), self.cells.setting.tolist(), strict=True)))

    @cached_property
    def counts(self) -> dict[GroupKey, tuple[int, int]]:
        """Cases and bed-days of each."""
        found: dict[GroupKey, tuple[int, int]] = {}
        cells = self.cells
        rows = zip(
            cells.drg.tolist(),
            cells.setting.tolist(),
            cells.cases.tolist(),
            cells.bed_days.tolist(),
            strict=True,
        )
        for drg, setting, cases, bed_days in rows:
            before = found.get((drg, setting), (0, 0))
            found[drg, setting] = before[0] + cases, before[1] + bed_days
        return found

    def unit_bounds(self, precision: int) -> list[tuple[int, ...]]:
        """Cost of one unit of each treating centre by component: rounded down, in units of 2^-precision."""
        return [
            tuple((numerator << precision) // denominator for numerator in numerators)
            for numerators, denominator in self._centre
        ]

    def bounds(self, precision: int) -> dict[GroupKey, tuple[list[int], int]]:
        """Lower bounds of each group's cost by component, and how much more each may be (the same for
        all)."""
        known = self._sums.get(precision)
        if known is not None:
            return known
        units = self.unit_bounds(precision)
        sums: dict[GroupKey, tuple[list[int], int]] = {}
        cells = self.cells
        rows = zip(
            cells.centre.tolist(),
            cells.drg.tolist(),
            cells.setting.tolist(),
            cells.quantity.tolist(),
            strict=True,
        )
        for centre, drg, setting, quantity in rows:
            entry = sums.get((drg, setting))
            if entry is None:
                sums[drg, setting] = [quantity * unit for unit in units[centre]], quantity
            else:
                low = [total + quantity * unit for total, unit in zip(entry[0], units[centre], strict=True)]
                sums[drg, setting] = low, entry[1] + quantity
        self._sums[precision] = sums
        return sums

    def enclosed(self, keys: Sequence[GroupKey], components: Sequence[int], precision: int) -> Enclosed:
        """The cost of some groups and components together."""
        bounds = self.bounds(precision)
        low = slack = 0
        for key in keys:
            if key in bounds:
                of_key, more = bounds[key]
                low += sum(of_key[component] for component in components)
                slack += more * len(components)
        return Enclosed(low, slack)

    def exact(self, keys: Sequence[GroupKey], components: Sequence[int]) -> tuple[int, int]:
        """The same as a fraction (numerator, denominator), however long."""
        wanted = set(keys)
        cells = self.cells
        # one fraction a provider's centre: quantities of the wanted groups are added first
        quantity_of: dict[int, int] = {}
        rows = zip(
            cells.centre.tolist(),
            cells.drg.tolist(),
            cells.setting.tolist(),
            cells.quantity.tolist(),
            strict=True,
        )
        for centre, drg, setting, quantity in rows:
            if (drg, setting) in wanted:
                quantity_of[centre] = quantity_of.get(centre, 0) + quantity
        total = exact_sum(
            (
                quantity * sum(self._centre[centre][0][component] for component in components),
                self._centre[centre][1],
            )
            for centre, quantity in quantity_of.items()
        )
        return total.numerator, total.denominator


@dataclass(frozen=True, slots=True)
class GroupUnitCost:
    """A group in one care setting at one provider (or in the sample, ``provider_id`` None), minor units by
    component, apportioned so that they sum to the provider's costs exactly."""

    provider_id: str | None
    drg_code: str
    care_setting: str
    cases: int
    bed_days: int
    cost_minor: tuple[int, ...]


def provider_unit_costs(
    costs: ProviderCosts,
    first_centre: int,
    cells: Cells,
    rows: slice,
    quantities: Sequence[int],
    inputs: Inputs,
) -> Iterator[GroupUnitCost]:
    """What each group cost a provider, in whole minor units.

    Each component is split by running totals (half up) over groups in order of group and care setting, so
    nothing is lost. ``rows`` are the provider's cells; ``first_centre`` is the number of its first treating
    centre.
    """
    own = [quantities[first_centre + number] or 1 for number in range(len(costs.treating))]
    common = lcm(*own)
    per_unit = [
        [numerator * (common // quantity) for numerator in numerators]
        for numerators, quantity in zip(costs.numerators, own, strict=True)
    ]
    denominator = costs.denominator * common
    groups: dict[GroupKey, tuple[list[int], list[int]]] = {}
    columns = (
        cells.centre[rows].tolist(),
        cells.drg[rows].tolist(),
        cells.setting[rows].tolist(),
        cells.cases[rows].tolist(),
        cells.bed_days[rows].tolist(),
        cells.quantity[rows].tolist(),
    )
    for centre, drg, setting, cases, bed_days, quantity in zip(*columns, strict=True):
        counts, cost = groups.setdefault((drg, setting), ([0, 0], [0] * len(inputs.component_names)))
        counts[0] += cases
        counts[1] += bed_days
        for component, unit in enumerate(per_unit[centre - first_centre]):
            cost[component] += quantity * unit
    running = [0] * len(inputs.component_names)
    given = [0] * len(inputs.component_names)
    activity = inputs.activity
    for key in sorted(groups):
        counts, cost = groups[key]
        parts = []
        for component, part in enumerate(cost):
            running[component] += part
            reached = divided_half_up(running[component], denominator)
            parts.append(reached - given[component])
            given[component] = reached
        yield GroupUnitCost(
            costs.provider_id,
            activity.drg_codes[key[0]],
            activity.care_settings[key[1]],
            counts[0],
            counts[1],
            tuple(parts),
        )


def case_row_costs(
    centre: NDArray[np.int32], quantity: NDArray[np.int64], unit_costs: Sequence[tuple[int, int]]
) -> NDArray[np.int64]:
    """The cost of each row of cases, rounded half up to the minor unit: quantity x unit cost of its centre.

    ``unit_costs`` are fractions (numerator, denominator) of minor units. Raises OverflowError past 64 bits.
    """
    largest = int(quantity.max(initial=0)) + 1
    keys, inverse = np.unique(centre.astype(np.int64) * largest + quantity, return_inverse=True)
    centres, quantities = np.divmod(keys, largest)
    table = np.array(
        [
            divided_half_up(count * unit_costs[number][0], unit_costs[number][1])
            for number, count in zip(centres.tolist(), quantities.tolist(), strict=True)
        ],
        dtype=np.int64,
    )
    return table[inverse]
