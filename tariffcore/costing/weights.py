"""Cost weights: the mean cost of a group's cases over the mean of all cases.

Both means are of one care setting, without outliers. The one rounding is of the weight, half up, to the
places
that ``costing.toml`` asks for.
"""

from __future__ import annotations

from fractions import Fraction

from tariffcore.costing.enclosures import decided, ratio_bounds
from tariffcore.costing.unit_costs import GroupKey, SampleCosts
from tariffcore.money import round_to_int


def cost_weights(costs: SampleCosts, setting: int, places: int) -> dict[int, Fraction]:
    """The weight of each group with cases in the care setting, by the group's number.

    A weight may round to zero; the caller says so, for the schedule cannot pay by it.
    """
    keys = [key for key in costs.keys if key[1] == setting and costs.counts[key][0]]
    everything = range(costs.components)
    all_cases = sum(costs.counts[key][0] for key in keys)
    scale = 10**places

    def weight(key: GroupKey) -> Fraction:
        factor = Fraction(all_cases, costs.counts[key][0]) * scale

        def bounds(precision: int) -> tuple[Fraction, Fraction]:
            return ratio_bounds(
                costs.enclosed([key], everything, precision),
                costs.enclosed(keys, everything, precision),
                factor,
            )

        return Fraction(decided(bounds, lambda: _exact(costs, key, keys) * factor, round_to_int), scale)

    return {key[0]: weight(key) for key in keys}


def _exact(costs: SampleCosts, key: GroupKey, keys: list[GroupKey]) -> Fraction:
    everything = range(costs.components)
    return Fraction(*costs.exact([key], everything)) / Fraction(*costs.exact(keys, everything))
