"""The questions a schedule answers, exactly, in `fractions.Fraction`.

This is the one place of the library (beside the twin, which shares nothing) that knows what a schedule
means: the check, the plan and the explanation all ask here. Tariffs are in units of the currency (tenge,
not tiyn). Nothing here raises for a question without an answer: the answer is None.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from fractions import Fraction

from tariffcore.money import round_to_places
from tariffcore.schedule.model import (
    AddOn,
    AgeClass,
    AppliesTo,
    CoefficientMode,
    ComponentShare,
    Factor,
    Group,
    ProviderPeriod,
    Rounding,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)


def rounded(value: Fraction, rounding: Rounding) -> Fraction:
    """The value under one named rounding of a schedule; ``"exact"`` (places None) leaves it alone."""
    if rounding.places is None:
        return value
    return round_to_places(value, rounding.places, rounding.mode)


def group_weight(group: Group, age_class: AgeClass) -> Fraction | None:
    """The group's weight for the age class; None where no child weight is known."""
    return group.relative_weight if age_class is AgeClass.ADULT else group.relative_weight_child


def case_weight(schedule: Schedule, weight: Fraction, share: Share | ShareException) -> Fraction:
    """The weight that meets the base rate: rounded after a share on the weight, the group's own otherwise."""
    if share.applies_to is AppliesTo.WEIGHT:
        return rounded(weight * share.share, schedule.roundings.weight)
    return weight


def weight_tariff(schedule: Schedule, weight: Fraction, share: Share | ShareException) -> Fraction:
    """What a case of this weight is paid under this share, in currency units, before stay and provider.

    Share on the weight: ``round( round(w x share) x base rate )``.
    Share on the tariff: ``round( round(w x base rate) x share )``.
    """
    own_tariff = rounded(
        case_weight(schedule, weight, share) * schedule.base_rate.amount, schedule.roundings.tariff
    )
    if share.applies_to is AppliesTo.WEIGHT:
        return own_tariff
    return rounded(own_tariff * share.share, schedule.roundings.tariff)


def case_tariff(
    schedule: Schedule, group: Group, age_class: AgeClass, share: Share | ShareException
) -> Fraction:
    """The tariff of a group for an age class under a share or exception, in currency units.

    A group without a child weight has no tariff for a child: asking for it is a mistake of the caller,
    who answers such a case with MISSING_WEIGHT before coming here.
    """
    weight = group_weight(group, age_class)
    assert weight is not None, f"{group.drg_code} has no {age_class} weight"
    return weight_tariff(schedule, weight, share)


def service_tariff(schedule: Schedule, service: Service, share: Share | ShareException | None) -> Fraction:
    """The tariff of one counted service, in currency units.

    A rate of its own care setting is paid as printed, whatever the share; any other needs the share of
    its unit in the case's setting: ``round(rate x share)``. A caller without one answers
    NOT_PRICED_IN_SETTING before coming here.
    """
    if service.care_setting is not None:
        return service.rate
    assert share is not None, f"{service.code} has no rate of its own setting and needs a share"
    return rounded(service.rate * share.share, schedule.roundings.tariff)


def find_share(schedule: Schedule, unit: Unit, care_setting: str) -> Share | None:
    """The share of a unit in a care setting; None: not priced there."""
    for share in schedule.shares:
        if share.unit is unit and share.care_setting == care_setting:
            return share
    return None


def with_exceptions(share: Share) -> tuple[Share | ShareException, ...]:
    """Every share a case of the setting can be paid: the setting's own first, then its exceptions."""
    own: tuple[Share | ShareException, ...] = (share,)
    return own + share.exceptions


def find_exception(share: Share, normalised_procedures: Collection[str]) -> ShareException | None:
    """The first exception that lists any of the procedures (normalised as in `tariffcore.codes`)."""
    for exception in share.exceptions:
        if not exception.procedures.isdisjoint(normalised_procedures):
            return exception
    return None


def exemption_applies(exemption: StayExemption, *, outcome: str, flags: frozenset[str]) -> bool:
    """Whether all conditions an exemption gives hold for a case: one of its outcomes, one of its flags."""
    return (not exemption.outcomes or outcome in exemption.outcomes) and (
        not exemption.drg_flags or not exemption.drg_flags.isdisjoint(flags)
    )


def find_stay_rule(
    schedule: Schedule,
    *,
    unit: Unit = Unit.CASE,
    care_setting: str,
    outcome: str,
    death_unavoidable: bool,
    days: int,
    flags: frozenset[str],
) -> StayRule | None:
    """The stay rule that pays the case: the first that matches; None: paid in full.

    ``days`` is the length of stay, at least 1; ``flags`` are the group's. Where it is not known whether
    a death was unavoidable, ask for both answers and compare.
    """
    for rule in schedule.stay_rules:
        if (
            rule.unit is unit
            and (not rule.outcomes or outcome in rule.outcomes)
            and (not rule.care_settings or care_setting in rule.care_settings)
            and (rule.death_unavoidable is None or rule.death_unavoidable == death_unavoidable)
            and (rule.max_days is None or days <= rule.max_days)
            and not any(exemption_applies(e, outcome=outcome, flags=flags) for e in rule.exemptions)
        ):
            return rule
    return None


def find_addon(
    schedule: Schedule, kind: str, *, unit: Unit, care_setting: str, flags: frozenset[str]
) -> AddOn | None:
    """What pays an amount of this kind on such a line; None: nothing does."""
    for addon in schedule.addons:
        if (
            addon.kind == kind
            and addon.unit is unit
            and (not addon.care_settings or care_setting in addon.care_settings)
            and (not addon.drg_flags or not addon.drg_flags.isdisjoint(flags))
        ):
            return addon
    return None


def find_provider_period(schedule: Schedule, provider_id: str, day: date) -> ProviderPeriod | None:
    """The provider's coefficients in force on a day; None: not listed, or nothing for that day."""
    for period in (schedule.providers or {}).get(provider_id, ()):
        if period.effective_start_date <= day and (
            period.effective_end_date is None or day < period.effective_end_date
        ):
            return period
    return None


def coefficients_of(schedule: Schedule, unit: Unit) -> tuple[bool, ...]:
    """Which of the schedule's coefficients correct what is counted in the unit, in their order."""
    return tuple(not each.units or unit in each.units for each in schedule.coefficients)


def units_by_coefficients(schedule: Schedule) -> tuple[Unit, ...]:
    """A unit for each different choice of coefficients that some unit has."""
    first: dict[tuple[bool, ...], Unit] = {}
    for unit in Unit:
        first.setdefault(coefficients_of(schedule, unit), unit)
    return tuple(first.values())


def combined_coefficient(schedule: Schedule, period: ProviderPeriod, unit: Unit = Unit.CASE) -> Fraction:
    """The product of the coefficients that multiply, plus the sum of (c - 1) of those that add: of those that
    correct what is counted in the unit."""
    product = Fraction(1)
    increments = Fraction(0)
    corrects = coefficients_of(schedule, unit)
    for coefficient, value, applies in zip(schedule.coefficients, period.coefficients, corrects, strict=True):
        if not applies:
            continue
        if coefficient.mode is CoefficientMode.MULTIPLIES:
            product *= value
        else:
            increments += value - 1
    return product + increments


def component_shares(schedule: Schedule, profile: str, care_setting: str) -> tuple[ComponentShare, ...]:
    """The profile's components in file order: the setting's own rows if there are any, else those for all."""
    of_profile = [row for row in schedule.components if row.component_profile == profile]
    of_setting = tuple(row for row in of_profile if row.care_setting == care_setting)
    return of_setting or tuple(row for row in of_profile if row.care_setting is None)


def component_splits(
    schedule: Schedule,
) -> dict[tuple[str, str | None], tuple[ComponentShare, ...]]:
    """The rows that split one payment, in file order, by profile and care setting (None: for all)."""
    splits: dict[tuple[str, str | None], tuple[ComponentShare, ...]] = {}
    for row in schedule.components:
        key = (row.component_profile, row.care_setting)
        splits[key] = (*splits.get(key, ()), row)
    return splits


def is_in_force(service: Service, day: date) -> bool:
    """Whether the row of a service covers the day."""
    return service.effective_start_date <= day and (
        service.effective_end_date is None or day < service.effective_end_date
    )


def find_service(schedule: Schedule, code: str, care_setting: str, day: date) -> Service | None:
    """The service's row in force on the day: that of the care setting, else the one for all settings."""
    for_all: Service | None = None
    for service in schedule.services.get(code, ()):
        if is_in_force(service, day):
            if service.care_setting == care_setting:
                return service
            if service.care_setting is None:
                for_all = service
    return for_all


def find_factor(schedule: Schedule, unit: Unit, factor_code: str, day: date | None = None) -> Factor | None:
    """The factor of that code on services of the unit, in force on the day (None: on any); None: unknown."""
    for factor in schedule.factors:
        if factor.unit is unit and factor.factor_code == factor_code and (day is None or factor.covers(day)):
            return factor
    return None
