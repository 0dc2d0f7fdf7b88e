"""One costing run, from the books to weights and a base rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

import numpy as np

from tariffcore.costing.base_rate import BaseRateFound, case_payment_minor, find_base_rate
from tariffcore.costing.inputs import read_inputs
from tariffcore.costing.model import Inputs
from tariffcore.costing.parameters import AllocationMethod
from tariffcore.costing.product import Cells, row_quantities, sum_cells
from tariffcore.costing.schedule_output import build_schedule
from tariffcore.costing.trimming import Trimmed, trim
from tariffcore.costing.unit_costs import (
    GroupUnitCost,
    ProviderCosts,
    SampleCosts,
    allocate,
    provider_unit_costs,
)
from tariffcore.costing.weights import cost_weights
from tariffcore.errors import CostingError, Problem
from tariffcore.money import split_amount
from tariffcore.schedule.model import AgeClass, Schedule, Unit
from tariffcore.schedule.tariff import case_tariff, component_shares, find_share, rounded


@dataclass(frozen=True, slots=True)
class ProviderPayments:
    """A provider under the new schedule, in minor units: what its cases cost, and what they are paid.

    current_minor  what the same cases are paid under the edition in force, and new_for_current_minor what the
                   new one pays those of them that the edition in force pays at all; None without one
    """

    provider_id: str
    cases: int
    cost_minor: int
    capital_cost_minor: int
    paid_minor: int
    capital_paid_minor: int
    current_minor: int | None
    new_for_current_minor: int | None


@dataclass(frozen=True)
class CostingRun:
    """What a run found. Numbers of groups and settings are those of ``inputs.activity``."""

    inputs: Inputs
    costs: tuple[ProviderCosts, ...]
    quantities: tuple[int, ...]
    """Of each treating centre, in the order of ``inputs.activity.centres``."""
    cells: Cells
    kept_cells: Cells
    trimmed: Trimmed
    sample: SampleCosts
    """Of all cases."""
    kept: SampleCosts
    """Of cases that are no outliers."""
    weights: Mapping[str, Fraction]
    base_rate: BaseRateFound
    base_rate_without_capital: BaseRateFound
    schedule: Schedule

    @cached_property
    def total_by_component(self) -> tuple[int, ...]:
        """Ledger + depreciation of all providers, in minor units."""
        return tuple(map(sum, zip(*(of_provider.total_minor for of_provider in self.costs), strict=True)))

    @property
    def total_minor(self) -> int:
        return sum(self.total_by_component)

    @property
    def capital_minor(self) -> int:
        components = self.inputs.parameters.components
        return sum(
            amount
            for component, amount in zip(components, self.total_by_component, strict=True)
            if component.capital
        )

    @cached_property
    def case_mix(self) -> dict[tuple[str, str], int]:
        """All cases by (drg_code, care_setting)."""
        activity = self.inputs.activity
        return {
            (activity.drg_codes[drg], activity.care_settings[setting]): counts[0]
            for (drg, setting), counts in self.sample.counts.items()
            if counts[0]
        }

    @property
    def groups_without_cases(self) -> list[str]:
        """Groups of the inputs without a case: they have no weight, and are not in the schedule."""
        return [code for code in self.inputs.groups if code not in self.weights]

    def provider_rows(self) -> Iterator[tuple[ProviderCosts, int, slice]]:
        """Each provider with the number of its first treating centre and the slice of its cells."""
        first = 0
        for costs in self.costs:
            after = first + len(costs.treating)
            begin, end = np.searchsorted(self.cells.centre, [first, after])
            yield costs, first, slice(int(begin), int(end))
            first = after

    def unit_costs(self) -> Iterator[GroupUnitCost]:
        """What each group cost each provider, apportioned to minor units: they sum to ledger +
        depreciation."""
        for costs, first, rows in self.provider_rows():
            yield from provider_unit_costs(costs, first, self.cells, rows, self.quantities, self.inputs)

    @cached_property
    def payments(self) -> tuple[ProviderPayments, ...]:
        """Each provider's cases under the new schedule, and under the one in force."""
        prices = {key: _price(self.schedule, *key) for key in self.case_mix}
        current = self.inputs.current
        before = {} if current is None else {key: _current_price(current, *key) for key in self.case_mix}
        components = self.inputs.parameters.components
        activity = self.inputs.activity
        found = []
        for costs, _, rows in self.provider_rows():
            columns = (self.cells.drg[rows], self.cells.setting[rows], self.cells.cases[rows])
            cases = paid = capital = paid_before = paid_now = 0
            for drg, setting, count in zip(*(column.tolist() for column in columns), strict=True):
                if not count:
                    continue
                key = activity.drg_codes[drg], activity.care_settings[setting]
                price, of_capital = prices[key]
                cases += count
                paid += count * price
                capital += count * of_capital
                old = before.get(key)
                if old is not None:
                    paid_before += count * old
                    paid_now += count * price
            totals = costs.total_minor
            found.append(
                ProviderPayments(
                    costs.provider_id,
                    cases,
                    sum(totals),
                    sum(amount for amount, of in zip(totals, components, strict=True) if of.capital),
                    paid,
                    capital,
                    None if current is None else paid_before,
                    None if current is None else paid_now,
                )
            )
        return tuple(found)

    def by_method(self) -> dict[AllocationMethod, dict[str, int] | None]:
        """What ends in treating centres of each code under each method, over all providers, in minor units
        (each provider's by component, as the table centre_costs has them); None where some cost has no way
        under the method."""
        return {method: _by_centre(self, method) for method in AllocationMethod}


def run_costing(folder: Path, *, progress: Callable[[str], None] | None = None) -> CostingRun:
    """Reads a folder of costs and works out weights, base rate, profiles and the schedule made of them.

    Raises CostingError with everything that is wrong with the inputs, or that keeps them from a schedule.
    """
    tell = progress or (lambda _: None)
    tell("reading")
    return cost(read_inputs(folder), progress=tell)


def cost(inputs: Inputs, *, progress: Callable[[str], None] = lambda _: None) -> CostingRun:
    """The same of inputs that were read already."""
    parameters, activity = inputs.parameters, inputs.activity
    progress("allocating")
    costs = []
    for provider_id in inputs.providers:
        of_provider = allocate(inputs, provider_id, parameters.method)
        assert of_provider is not None, "checked with the inputs"
        costs.append(of_provider)
    quantity = row_quantities(inputs)
    cells = sum_cells(activity, quantity)
    totals = np.zeros(len(activity.centres), dtype=np.int64)
    np.add.at(totals, cells.centre, cells.quantity)
    quantities = tuple(totals.tolist())
    if not any(any(of_provider.total_minor) for of_provider in costs):
        raise _cannot(inputs, "ledger", None, "there is no cost at all", "give the bookings of the period")
    progress("trimming")
    trimmed = trim(
        activity,
        quantity,
        parameters.trimming,
        _unit_totals(costs, quantities),
        [number for number, of in enumerate(costs) for _ in of.treating],
    )
    kept_cells = cells if trimmed.kept_rows is None else sum_cells(activity, quantity, trimmed.kept_rows)
    sample = SampleCosts(costs, cells, quantities, len(parameters.components))
    kept = sample if kept_cells is cells else SampleCosts(costs, kept_cells, quantities, sample.components)
    progress("weighing")
    setting = activity.care_settings.index(parameters.weight_care_setting)
    weights = _weights(inputs, kept, setting)
    mix = {
        (activity.drg_codes[drg], activity.care_settings[at]): counts[0]
        for (drg, at), counts in sample.counts.items()
        if counts[0]
    }
    total = sum(sum(of_provider.total_minor) for of_provider in costs)
    budget_minor = total if parameters.budget.amount_minor is None else parameters.budget.amount_minor
    by_component = [
        sum(of_provider.total_minor[k] for of_provider in costs) for k in range(sample.components)
    ]
    capital = sum(
        amount for amount, of in zip(by_component, parameters.components, strict=True) if of.capital
    )
    _, without_capital = split_amount(budget_minor, [Fraction(capital, total), 1 - Fraction(capital, total)])
    base_rate = find_base_rate(inputs.like, weights, mix, parameters.budget, budget_minor)
    if base_rate.amount <= 0:
        raise _cannot(
            inputs,
            "budget",
            None,
            "the base rate rounds to zero",
            "correct amount and places of [budget] in costing.toml",
        )
    progress("making the schedule")
    schedule = build_schedule(inputs, weights, base_rate, kept, trimmed)
    return CostingRun(
        inputs,
        tuple(costs),
        quantities,
        cells,
        kept_cells,
        trimmed,
        sample,
        kept,
        weights,
        base_rate,
        find_base_rate(inputs.like, weights, mix, parameters.budget, max(without_capital, 0)),
        schedule,
    )


def _weights(inputs: Inputs, kept: SampleCosts, setting: int) -> dict[str, Fraction]:
    parameters, activity = inputs.parameters, inputs.activity
    found = cost_weights(kept, setting, parameters.weight_places)
    weights = {activity.drg_codes[drg]: weight for drg, weight in found.items()}
    nothing = [drg_code for drg_code, weight in weights.items() if weight <= 0]
    if nothing:
        raise CostingError(
            f"the costs in {inputs.folder} make no schedule",
            [
                Problem(
                    f"{inputs.folder}/groups",
                    "drg_code",
                    drg_code,
                    f"its weight rounds to zero at {parameters.weight_places} decimals: its cases cost next "
                    "to nothing",
                    "look at the cost of the centres that treated it; or leave its cases out",
                )
                for drg_code in nothing
            ],
        )
    return weights


def _cannot(inputs: Inputs, field: str, value: str | None, message: str, way_out: str) -> CostingError:
    return CostingError(
        f"the costs in {inputs.folder} make no schedule",
        [Problem(inputs.folder, field, value, message, way_out)],
    )


def _unit_totals(costs: list[ProviderCosts], quantities: tuple[int, ...]) -> list[tuple[int, int]]:
    """The cost of one unit of each treating centre, all components together."""
    rows = [
        (sum(numerators), of_provider.denominator)
        for of_provider in costs
        for numerators in of_provider.numerators
    ]
    return [
        (numerator, denominator * (quantity or 1))
        for (numerator, denominator), quantity in zip(rows, quantities, strict=True)
    ]


def _price(schedule: Schedule, drg_code: str, care_setting: str) -> tuple[int, int]:
    """What a case is paid in minor units, and how much of it is capital."""
    group = schedule.groups[drg_code]
    price = case_payment_minor(schedule, group.relative_weight, care_setting)
    assert group.component_profile is not None
    shares = component_shares(schedule, group.component_profile, care_setting)
    parts = split_amount(price, [row.share for row in shares])
    return price, sum(part for part, row in zip(parts, shares, strict=True) if row.capital)


def _current_price(schedule: Schedule, drg_code: str, care_setting: str) -> int | None:
    """What the edition in force pays an adult's case; None where it does not."""
    group = schedule.groups.get(drg_code)
    share = find_share(schedule, Unit.CASE, care_setting)
    if group is None or share is None:
        return None
    price = rounded(case_tariff(schedule, group, AgeClass.ADULT, share), schedule.roundings.unit)
    return int(price * 10**schedule.minor_units)


def _by_centre(run: CostingRun, method: AllocationMethod) -> dict[str, int] | None:
    totals: dict[str, int] = {}
    for provider_id in run.inputs.providers:
        costs = allocate(run.inputs, provider_id, method)
        if costs is None:
            return None
        for code, parts in costs.apportioned():
            totals[code] = totals.get(code, 0) + sum(parts)
    return totals
