"""The results of a run as tables for economists: unit costs, allocation, depreciation, weights, hospitals."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

from tariffcore.costing.assets import is_past_life
from tariffcore.costing.depreciation import divided_half_up
from tariffcore.costing.run import CostingRun
from tariffcore.costing.unit_costs import GroupUnitCost
from tariffcore.costing.values import half_months
from tariffcore.errors import CostingError, Problem
from tariffcore.money import format_exact, format_minor

SAMPLE = "sample"
"""Stands in the column of providers where all of them together are meant."""


def write_tables(run: CostingRun, folder: Path) -> list[str]:
    """Writes the tables into a folder (made if need be; files of the same names are replaced).

    unit_costs.csv    by provider, group and care setting: costs to the minor unit that sum to what was spent
    centre_costs.csv  by provider and treating centre: after allocation, and a unit of its product
    depreciation.csv  by asset: what it charged in the period
    weights.csv       by group
    providers.csv     by provider: cost, payment, capital in both
    Raises CostingError where they cannot be written.
    """
    tables = {
        "unit_costs.csv": _unit_costs,
        "centre_costs.csv": _centre_costs,
        "depreciation.csv": _depreciation,
        "weights.csv": _weights,
        "providers.csv": _providers,
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, rows in tables.items():
            with (folder / name).open("w", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerows(_labelled(run, rows(run)))
    except OSError as error:
        raise CostingError(
            "the tables were not written",
            [
                Problem(
                    str(error.filename or folder),
                    None,
                    None,
                    f"cannot be written ({error.strerror or error})",
                    "choose a folder you may write to",
                )
            ],
        ) from None
    return list(tables)


def _labelled(run: CostingRun, rows: Iterator[Sequence[str]]) -> Iterator[Sequence[str]]:
    """Made-up numbers say so in a column of their own."""
    if not run.inputs.parameters.synthetic:
        yield from rows
        return
    for number, row in enumerate(rows):
        yield [*row, "true" if number else "synthetic"]


def _money(run: CostingRun, minor: int) -> str:
    return format_minor(minor, run.inputs.parameters.minor_units)


def _mean(run: CostingRun, minor: int, count: int) -> str:
    return _money(run, divided_half_up(minor, count)) if count else ""


def _unit_costs(run: CostingRun) -> Iterator[Sequence[str]]:
    names = run.inputs.component_names
    yield [
        "provider_id", "drg_code", "care_setting", "cases", "bed_days", "cost", "cost_per_case",
        "cost_per_bed_day", *names, *(f"{name}_per_case" for name in names),
        *(f"{name}_per_bed_day" for name in names),
    ]  # fmt: skip
    sample: dict[tuple[str, str], list[int]] = {}
    for row in run.unit_costs():
        sums = sample.setdefault((row.drg_code, row.care_setting), [0] * (2 + len(names)))
        for position, value in enumerate((row.cases, row.bed_days, *row.cost_minor)):
            sums[position] += value
        yield _unit_cost_row(run, row)
    for (drg, setting), (cases, bed_days, *cost) in sample.items():
        yield _unit_cost_row(run, GroupUnitCost(None, drg, setting, cases, bed_days, tuple(cost)))


def _unit_cost_row(run: CostingRun, row: GroupUnitCost) -> list[str]:
    total = sum(row.cost_minor)
    return [
        row.provider_id or SAMPLE,
        row.drg_code,
        row.care_setting,
        str(row.cases),
        str(row.bed_days),
        _money(run, total),
        _mean(run, total, row.cases),
        _mean(run, total, row.bed_days),
        *(_money(run, minor) for minor in row.cost_minor),
        *(_mean(run, minor, row.cases) for minor in row.cost_minor),
        *(_mean(run, minor, row.bed_days) for minor in row.cost_minor),
    ]


def _centre_costs(run: CostingRun) -> Iterator[Sequence[str]]:
    names = run.inputs.component_names
    yield [
        "provider_id", "cost_centre", "product_base", "quantity", "direct_cost", "cost", "cost_per_unit",
        *names,
    ]  # fmt: skip
    number = 0
    for costs in run.costs:
        for code, parts in costs.apportioned():
            quantity = run.quantities[number]
            number += 1
            base = run.inputs.centres[costs.provider_id][code].product_base
            yield [
                costs.provider_id,
                code,
                "" if base is None else base.value,
                str(quantity),
                _money(run, sum(costs.direct[code])),
                _money(run, sum(parts)),
                _mean(run, sum(parts), quantity),
                *(_money(run, part) for part in parts),
            ]


def _depreciation(run: CostingRun) -> Iterator[Sequence[str]]:
    parameters = run.inputs.parameters
    start = half_months(parameters.start)
    yield [
        "provider_id",
        "asset_id",
        "asset_class",
        "cost_centre",
        "method",
        "depreciation",
        "interest",
        "past_life",
    ]
    for asset, charged in zip(run.inputs.assets, run.inputs.charges.by_asset, strict=True):
        yield [
            asset.provider_id,
            asset.asset_id,
            asset.asset_class.name,
            asset.cost_centre,
            asset.method.value,
            _money(run, charged.depreciation_minor),
            _money(run, charged.interest_minor),
            "yes" if is_past_life(asset, start) else "no",
        ]


def _weights(run: CostingRun) -> Iterator[Sequence[str]]:
    activity = run.inputs.activity
    setting = activity.care_settings.index(run.inputs.parameters.weight_care_setting)
    yield ["drg_code", "name", "cases", "outliers", "relative_weight", "current_weight"]
    numbers = {code: number for number, code in enumerate(activity.drg_codes)}
    current = run.inputs.current
    for code, weight in run.weights.items():
        key = numbers[code], setting
        old = None if current is None else current.groups.get(code)
        yield [
            code,
            run.inputs.groups[code].name,
            str(run.kept.counts[key][0]),
            str(run.trimmed.left_out.get(key, 0)),
            format_exact(weight),
            "" if old is None else format_exact(old.relative_weight),
        ]


def _providers(run: CostingRun) -> Iterator[Sequence[str]]:
    yield [
        "provider_id", "cases", "cost", "capital_cost", "paid", "capital_paid", "paid_without_capital",
        "paid_under_current",
    ]  # fmt: skip
    for of in run.payments:
        yield [
            of.provider_id,
            str(of.cases),
            _money(run, of.cost_minor),
            _money(run, of.capital_cost_minor),
            _money(run, of.paid_minor),
            _money(run, of.capital_paid_minor),
            _money(run, of.paid_minor - of.capital_paid_minor),
            "" if of.current_minor is None else _money(run, of.current_minor),
        ]
