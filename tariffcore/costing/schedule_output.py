"""The schedule that a costing run makes, each number with the run as its source."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

from tariffcore.costing.base_rate import BaseRateFound
from tariffcore.costing.parameters import TrimRule
from tariffcore.costing.profiles import component_profiles
from tariffcore.costing.trimming import Trimmed
from tariffcore.costing.unit_costs import SampleCosts
from tariffcore.money import format_exact, format_minor
from tariffcore.schedule.model import BaseRate, Group, Schedule
from tariffcore.schedule.writing import write_schedule

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tariffcore.costing.model import Inputs
    from tariffcore.costing.run import CostingRun

SHOWN_DIGITS = 12
"""Of a digest, in the source of a row; the whole stands in schedule.toml."""


def build_schedule(
    inputs: Inputs,
    weights: Mapping[str, Fraction],
    base_rate: BaseRateFound,
    kept: SampleCosts,
    trimmed: Trimmed,
) -> Schedule:
    """The edition: weights, base rate and profiles of the run; rules, words and roundings of ``like``.

    What ``like`` has for providers, services and add-ons is not taken over: costing says nothing of them.
    """
    parameters, activity = inputs.parameters, inputs.activity
    numbers = {code: number for number, code in enumerate(activity.drg_codes)}
    ordered = [code for code in inputs.groups if code in weights]
    rows, profile_of = component_profiles(
        kept,
        parameters.profile_by,
        parameters.profile_places,
        parameters.components,
        activity.drg_codes,
        activity.care_settings,
        [numbers[code] for code in ordered],
    )
    setting = activity.care_settings.index(parameters.weight_care_setting)
    run = run_name(inputs)
    groups: dict[str, Group] = {}
    for code in ordered:
        entry = inputs.groups[code]
        key = numbers[code], setting
        cases = kept.counts[key][0]
        left_out = trimmed.left_out.get(key, 0)
        of_cases = f"mean of {cases:,} {parameters.weight_care_setting} cases"
        if left_out:
            of_cases += f", {left_out:,} outliers left out"
        groups[code] = Group(
            code,
            entry.name,
            weights[code],
            weights[code],
            entry.planned_days,
            entry.flags,
            profile_of[numbers[code]],
            f"{run}: {of_cases}",
            0,
        )
    like = inputs.like
    return replace(
        like,
        id=parameters.id,
        tariff_family=parameters.tariff_family,
        title=parameters.title,
        synthetic=parameters.synthetic,
        published=parameters.published,
        effective_start_date=parameters.effective_start_date,
        effective_end_date=parameters.effective_end_date,
        base_rate=BaseRate(base_rate.amount, base_rate_source(inputs, base_rate)),
        coefficients=(),
        groups=MappingProxyType(groups),
        providers=None,
        components=rows,
        published_tariffs=(),
        services=MappingProxyType({}),
        factors=(),
        addons=(),
        shares=tuple(share for share in like.shares if share.unit == "case"),
        folder=parameters.id,
        digest="",
    )


def run_name(inputs: Inputs) -> str:
    """How sources name the run: by the digest of everything it read."""
    return f"costing run {inputs.digest[:SHOWN_DIGITS]}"


def base_rate_source(inputs: Inputs, found: BaseRateFound) -> str:
    parameters = inputs.parameters
    budget = format_minor(found.budget_minor, parameters.minor_units, ",")
    remainder = format_minor(found.remainder_minor, parameters.minor_units, ",")
    return (
        f"costing run {inputs.digest}: budget {budget} {parameters.currency} over {found.cases:,} cases "
        f"with a case mix of {_decimal(found.case_mix)}, {parameters.budget.mode}; remainder {remainder}"
    )


def _decimal(value: Fraction) -> str:
    from tariffcore.money import decimal_places, round_to_places

    places = decimal_places(value)
    return format_exact(value if places is not None and places <= 6 else round_to_places(value, 6))


def schedule_comments(inputs: Inputs) -> dict[str, list[str]]:
    """What stands above schedule.toml: the inputs with their digests, and the choices of the run."""
    parameters = inputs.parameters
    trimming = parameters.trimming
    chosen = [
        f"period {parameters.start} up to {parameters.end}",
        f"allocation {parameters.method}",
        f"monthly convention {parameters.convention}",
    ]
    if parameters.discount_rate is not None:
        chosen.append(f"discount rate {format_exact(parameters.discount_rate)}")
    if trimming.rule is TrimRule.NONE:
        chosen.append("no trimming")
    else:
        of_rule = f"trimming {trimming.rule} of {trimming.of} by {trimming.by}"
        if trimming.rule is TrimRule.INTERQUARTILE:
            of_rule += f", factor {format_exact(trimming.factor)}"
        else:
            of_rule += f", {format_exact(trimming.low)} to {format_exact(trimming.high)}"
        chosen.append(f"{of_rule}, least {trimming.least}")
    chosen.append(f"profiles by {parameters.profile_by}, {parameters.profile_places} decimals")
    lines = [
        *(["SYNTHETIC: made-up numbers, not for payment."] if parameters.synthetic else []),
        f"Made by a costing run of {inputs.folder}; weights, base rate and profiles are its results.",
        f"Choices: {'; '.join(chosen)}.",
        f"Rules, words and roundings are those of {inputs.like.id} ({inputs.like.digest}).",
        f"Digest of the run, over the names and digests of its inputs: {inputs.digest}",
        *(f"  {name} {digest}" for name, digest in sorted(inputs.digests.items())),
    ]
    return {"": lines}


def write_costed_schedule(run: CostingRun, destination: Path) -> Schedule:
    """Writes the folder and returns the edition as it reads back.

    Raises ScheduleError, and writes nothing, where the place is taken or the edition would not pass its
    check.
    """
    return write_schedule(run.schedule, destination, schedule_comments(run.inputs))
