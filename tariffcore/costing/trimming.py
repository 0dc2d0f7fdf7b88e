"""Which cases count towards group means: outliers are left out by a declared rule, and told.

Only means and what follows from them (weights, profiles) leave outliers out; the costs stay with the
hospital,
and the budget and its base rate count every case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from tariffcore.costing.model import Activity
from tariffcore.costing.parameters import TrimBy, Trimming, TrimOf, TrimRule
from tariffcore.costing.unit_costs import case_row_costs


@dataclass(frozen=True)
class Trimmed:
    """kept_rows  of what was treated; None: all
    left_out   cases left out, by (number of the group, number of the care setting)
    """

    kept_rows: NDArray[np.bool_] | None
    left_out: dict[tuple[int, int], int]


def kept_observations(
    group: NDArray[np.int64], measure: NDArray[np.int64], trimming: Trimming
) -> NDArray[np.bool_]:
    """Which observations are within their group's bounds. Bounds themselves are within. A group of which
    nothing would be left (half of it dear, half cheap) keeps all.

    Quartiles are values that occur: of n in order, those at ranks ceil(n/4) and ceil(3n/4).
    """
    kept = np.ones(len(group), dtype=np.bool_)
    if trimming.rule is TrimRule.NONE or not len(group):
        return kept
    order = np.lexsort((measure, group))
    groups, values = group[order], measure[order]
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]]).tolist()
    for start, end in zip(starts, [*starts[1:], len(groups)], strict=True):
        count = end - start
        if count < trimming.least:
            continue
        low, high = _bounds(values[start:end], trimming)
        within = (values[start:end] >= low) & (values[start:end] <= high)
        if within.any():
            kept[order[start:end]] = within
    return kept


def _bounds(ordered: NDArray[np.int64], trimming: Trimming) -> tuple[int, int]:
    """The smallest and the largest whole number that is no outlier."""
    count = len(ordered)
    if trimming.rule is TrimRule.INTERQUARTILE:
        lower, upper = int(ordered[-(-count // 4) - 1]), int(ordered[-(-3 * count // 4) - 1])
        reach = trimming.factor * (upper - lower)
        bounds = lower - reach, upper + reach
    else:
        mean = Fraction(exact_total(ordered), count)
        bounds = trimming.low * mean, trimming.high * mean
    widest = np.iinfo(np.int64)
    return max(ceil(bounds[0]), widest.min), min(floor(bounds[1]), widest.max)


def exact_total(values: NDArray[np.int64]) -> int:
    """The sum of any number of 64-bit values, in two halves that cannot overflow."""
    return (int((values >> 32).sum()) << 32) + int((values & 0xFFFFFFFF).sum())


def trim(
    activity: Activity,
    quantity: NDArray[np.int64],
    trimming: Trimming,
    unit_costs: Sequence[tuple[int, int]],
    provider_of_centre: Sequence[int],
) -> Trimmed:
    """The rows whose cases (or, of providers, whose group at the provider) are no outliers.

    A group in each care setting is judged apart.
    """
    if trimming.rule is TrimRule.NONE:
        return Trimmed(None, {})
    settings = len(activity.care_settings)
    group = activity.drg.astype(np.int64) * settings + activity.setting
    if trimming.of is TrimOf.CASES:
        assert activity.case is not None
        observation = activity.case.astype(np.int64)
    else:
        provider = np.array(list(provider_of_centre) or [0], dtype=np.int64)[activity.centre]
        _, observation = np.unique(
            provider * (len(activity.drg_codes) * settings) + group, return_inverse=True
        )
    count = int(observation.max(initial=-1)) + 1
    group_of = np.zeros(count, dtype=np.int64)
    group_of[observation] = group
    measure = np.zeros(count, dtype=np.int64)
    by_cost = trimming.by is TrimBy.COST
    rows = case_row_costs(activity.centre, quantity, unit_costs) if by_cost else activity.bed_days
    np.add.at(measure, observation, rows)
    if trimming.of is TrimOf.PROVIDERS:
        cases = np.zeros(count, dtype=np.int64)
        np.add.at(cases, observation, activity.cases)
        measure = (2 * measure + cases) // (2 * cases)  # the mean, half up to the minor unit
    kept = kept_observations(group_of, measure, trimming)
    kept_rows = kept[observation]
    left_out: dict[tuple[int, int], int] = {}
    lost = np.zeros(len(activity.drg_codes) * settings, dtype=np.int64)
    np.add.at(lost, group[~kept_rows], activity.cases[~kept_rows])
    for key in np.flatnonzero(lost).tolist():
        left_out[divmod(key, settings)] = int(lost[key])
    return Trimmed(kept_rows, left_out)
