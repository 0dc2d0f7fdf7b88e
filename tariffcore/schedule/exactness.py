"""What exact amounts ask of a schedule: how finely rates are kept, and how long denominators get."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

from tariffcore.schedule.model import AgeClass, Pay, Schedule, Unit
from tariffcore.schedule.tariff import (
    case_tariff,
    combined_coefficient,
    group_weight,
    service_tariff,
    units_by_coefficients,
    with_exceptions,
)


def rate_scale(schedule: Schedule) -> int:
    """How many parts of a minor unit rates are counted in: 1 unless tariffs are kept finer than that."""
    places = schedule.roundings.tariff.places
    if places is not None:
        return int(10 ** max(0, places - schedule.minor_units))
    scale = 1
    minor = 10**schedule.minor_units
    for share in schedule.shares:
        for rule in with_exceptions(share):
            tariffs: list[Fraction] = []
            if share.unit is Unit.CASE:
                tariffs += [
                    case_tariff(schedule, group, age_class, rule)
                    for group in schedule.groups.values()
                    for age_class in AgeClass
                    if group_weight(group, age_class) is not None
                ]
            else:
                tariffs += [
                    service_tariff(schedule, row, rule)
                    for rows in schedule.services.values()
                    for row in rows
                    if row.unit is share.unit and row.care_setting is None
                ]
            scale = lcm(scale, *((tariff * minor).denominator for tariff in tariffs))
    return scale


def unit_step_minor(schedule: Schedule) -> int:
    """How many minor units a unit price is a multiple of: 1 unless it is rounded more coarsely."""
    places = schedule.roundings.unit.places
    assert places is not None, "the unit price is always rounded"
    return int(10 ** (schedule.minor_units - places))


def widest_denominator(schedule: Schedule) -> int:
    """The largest denominator that is met when a unit price of this edition is rounded."""
    coefficients = {
        combined_coefficient(schedule, period, unit).denominator
        for periods in (schedule.providers or {}).values()
        for period in periods
        for unit in units_by_coefficients(schedule)
    }
    factors = {1, *(row.factor.denominator for row in schedule.factors)}
    for rule in schedule.stay_rules:
        if rule.pay is Pay.PER_PLANNED_DAY:
            factors |= {group.planned_days or 1 for group in schedule.groups.values()}
            factors |= {row.planned_days or 1 for rows in schedule.services.values() for row in rows}
        elif rule.share is not None:
            factors.add(rule.share.denominator)
    return rate_scale(schedule) * unit_step_minor(schedule) * max(coefficients, default=1) * max(factors)
