"""How an edition typed from a printed order proves itself: every printed tariff, reproduced."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

from tariffcore.errors import Problem
from tariffcore.money import RoundingMode, decimal_places, format_exact, format_minor, round_to_places
from tariffcore.schedule.model import (
    AgeClass,
    AppliesTo,
    Group,
    PublishedTariff,
    Rounding,
    Roundings,
    Schedule,
    Service,
    Share,
    Unit,
)
from tariffcore.schedule.reading import GROUPS_CSV, MONEY, PUBLISHED_CSV, SERVICES_CSV, Part, Reading
from tariffcore.schedule.tariff import (
    case_weight,
    find_share,
    group_weight,
    service_tariff,
    weight_tariff,
)
from tariffcore.schedule.values import instead_of


def as_printed(schedule: Schedule, tariff: Fraction) -> Fraction:
    """A tariff as an order prints it, to the minor unit. Only a tariff that the schedule keeps finer than
    that changes here; it is rounded as the schedule rounds what it pays."""
    return round_to_places(tariff, schedule.minor_units, schedule.roundings.unit.mode)


def check_published(reading: Reading) -> Iterator[Problem]:
    """Every row of published.csv is about a known code in a priced setting and is what the schedule
    computes, to the minor unit; a row that is not says what it should be and what is usually the cause."""
    schedule = reading.schedule
    for printed in schedule.published_tariffs:
        if _is_too_fine(reading, printed):
            yield _problem(
                reading,
                printed,
                "published_tariff",
                format_exact(printed.published_tariff),
                f"has more decimals than the currency, {schedule.minor_units}",
                "type the tariff as the order prints it",
            )
        if (
            printed.care_setting not in schedule.care_settings
            and reading.is_read(PUBLISHED_CSV, printed.line, "care_setting")
            and reading.sound(Part.CARE_SETTINGS)
        ):
            yield _problem(
                reading,
                printed,
                "care_setting",
                printed.care_setting,
                "is not a care setting of this schedule",
                instead_of(printed.care_setting, schedule.care_settings),
            )
        if not reading.is_read(PUBLISHED_CSV, printed.line, "drg_code"):
            continue
        if printed.code in schedule.groups:
            yield from _check_group(reading, printed, schedule.groups[printed.code])
        elif printed.code in schedule.services:
            yield from _check_service(reading, printed, schedule.services[printed.code])
        elif reading.all_read(GROUPS_CSV, "drg_code") and reading.all_read(SERVICES_CSV, "code"):
            yield _problem(
                reading,
                printed,
                "drg_code",
                printed.code,
                "is neither a group of groups.csv nor a service of services.csv",
                instead_of(printed.code, [*schedule.groups, *schedule.services], "or remove the row"),
            )


def _is_too_fine(reading: Reading, printed: PublishedTariff) -> bool:
    """Whether a printed tariff has more decimals than the currency."""
    places = decimal_places(printed.published_tariff)
    minor_units = reading.schedule.minor_units
    return places is not None and places > minor_units and reading.sound(Part.MINOR_UNITS)


def _is_comparable(reading: Reading, printed: PublishedTariff) -> bool:
    """Whether the printed tariff could be read and has the decimals of the currency."""
    is_read = reading.is_read(PUBLISHED_CSV, printed.line, "published_tariff")
    return is_read and reading.sound(*MONEY) and not _is_too_fine(reading, printed)


def _problem(
    reading: Reading, printed: PublishedTariff, column: str, value: str | None, message: str, way_out: str
) -> Problem:
    return reading.row_problem(PUBLISHED_CSV, printed.line, column, value, message, way_out)


def _not_priced(reading: Reading, printed: PublishedTariff, unit: Unit) -> Problem:
    return _problem(
        reading,
        printed,
        "care_setting",
        printed.care_setting,
        f"the schedule prices no {unit.value} in this care setting, but the order prints a tariff",
        f'add a [[share]] with unit = "{unit.value}" and care_setting = "{printed.care_setting}"',
    )


def _check_group(reading: Reading, printed: PublishedTariff, group: Group) -> Iterator[Problem]:
    schedule = reading.schedule
    share = find_share(schedule, Unit.CASE, printed.care_setting)
    if share is None and printed.care_setting in schedule.care_settings and reading.sound(Part.SHARES):
        yield _not_priced(reading, printed, Unit.CASE)
    column = "relative_weight" if printed.age_class is AgeClass.ADULT else "relative_weight_child"
    if not (
        reading.is_read(PUBLISHED_CSV, printed.line, "age_class")
        and reading.is_read(GROUPS_CSV, group.line, column)
    ):
        return
    weight = group_weight(group, printed.age_class)
    if weight is None:
        yield _problem(
            reading,
            printed,
            "age_class",
            printed.age_class.value,
            f"the group {group.drg_code} has no child weight, but the order prints a child's tariff",
            f"fill in relative_weight_child of {group.drg_code} in groups.csv, line {group.line}",
        )
        return
    if share is None or not reading.sound(Part.ROUNDINGS):
        return
    expected_weight = case_weight(schedule, weight, share)
    if printed.published_weight is not None and printed.published_weight != expected_weight:
        how = (
            f"{format_exact(weight)} x {format_exact(share.share)}, rounded,"
            if share.applies_to is AppliesTo.WEIGHT and share.share != 1
            else f"the weight of {group.drg_code}"
        )
        yield _problem(
            reading,
            printed,
            "published_weight",
            format_exact(printed.published_weight),
            f"{how} is {format_exact(expected_weight)} here",
            f"compare the weight in groups.csv, line {group.line}, and the share {share.id!r} with the order",
        )
    if not _is_comparable(reading, printed):
        return
    tariff = as_printed(schedule, weight_tariff(schedule, weight, share))
    if tariff != printed.published_tariff:
        yield _differs(
            reading,
            printed,
            tariff,
            f"weight {format_exact(expected_weight)} at base rate {format_exact(schedule.base_rate.amount)}",
            _cause_for_group(schedule, printed, group, weight, share),
        )


def _check_service(
    reading: Reading, printed: PublishedTariff, services: tuple[Service, ...]
) -> Iterator[Problem]:
    """A printed row has no dates, so it is proven by any span of dates of its service."""
    schedule = reading.schedule
    if printed.published_weight is not None:
        yield _problem(
            reading,
            printed,
            "published_weight",
            format_exact(printed.published_weight),
            f"{printed.code} is a service and has no weight",
            "leave the cell empty",
        )
    if printed.care_setting not in schedule.care_settings or not all(
        reading.is_read(SERVICES_CSV, service.line, "unit", "care_setting", "rate") for service in services
    ):
        return
    rows = [service for service in services if service.care_setting == printed.care_setting]
    rows = rows or [service for service in services if service.care_setting is None]
    share = find_share(schedule, services[0].unit, printed.care_setting)
    if not rows or (share is None and rows[0].care_setting is None):
        if reading.sound(Part.SHARES):
            yield _not_priced(reading, printed, services[0].unit)
        return
    if not _is_comparable(reading, printed):
        return
    tariffs = [as_printed(schedule, service_tariff(schedule, service, share)) for service in rows]
    if printed.published_tariff not in tariffs:
        row = rows[-1]
        share_text = (
            "" if row.care_setting is not None or share is None else f" x {format_exact(share.share)}"
        )
        yield _differs(
            reading,
            printed,
            tariffs[-1],
            f"rate {format_exact(row.rate)}{share_text}",
            f"usually the rate in services.csv, line {row.line}, or the printed tariff is mistyped",
        )


def _differs(
    reading: Reading, printed: PublishedTariff, tariff: Fraction, from_what: str, cause: str
) -> Problem:
    difference = printed.published_tariff - tariff
    sign = "+" if difference > 0 else ""
    printed_text = _money(reading.schedule, printed.published_tariff)
    return _problem(
        reading,
        printed,
        "published_tariff",
        printed_text,
        f"the schedule gives {_money(reading.schedule, tariff)} ({from_what}), the order prints "
        f"{printed_text}, a difference of {sign}{_money(reading.schedule, difference)}",
        cause,
    )


def _money(schedule: Schedule, amount: Fraction) -> str:
    """An amount of whole minor units as orders print it, with the zeros at its end."""
    amount_minor = amount * 10**schedule.minor_units
    assert amount_minor.denominator == 1, f"{amount} is not whole minor units"
    return format_minor(amount_minor.numerator, schedule.minor_units)


def _cause_for_group(
    schedule: Schedule, printed: PublishedTariff, group: Group, weight: Fraction, share: Share
) -> str:
    """What would give the printed tariff, tried in the order of how often it is the cause."""

    def gives(other_schedule: Schedule, other_weight: Fraction, other_share: Share) -> bool:
        tariff = weight_tariff(other_schedule, other_weight, other_share)
        return as_printed(other_schedule, tariff) == printed.published_tariff

    for applies_to in AppliesTo:
        if applies_to is not share.applies_to and gives(
            schedule, weight, replace(share, applies_to=applies_to)
        ):
            return (
                f'the printed tariff follows if the share {share.id!r} has applies_to = "{applies_to.value}"'
            )
    for mode in RoundingMode:
        if gives(replace(schedule, roundings=_all_in(schedule.roundings, mode)), weight, share):
            return f'the printed tariff follows with rounding mode = "{mode.value}"'
    for age_class in AgeClass:
        other_weight = group_weight(group, age_class)
        if other_weight not in (None, weight) and gives(schedule, other_weight or weight, share):
            return f"the printed tariff follows from the {age_class.value} weight: is age_class right?"
    for other_share in schedule.shares:
        if other_share.unit is Unit.CASE and gives(schedule, weight, other_share):
            return f"the printed tariff follows from the share {other_share.id!r}: is care_setting right?"
    per_weight = case_weight(schedule, weight, share)
    if share.applies_to is AppliesTo.TARIFF:
        per_weight *= share.share
    if per_weight == 0:
        return (
            f"the weight, times the share, is rounded to nothing: check both (groups.csv, line {group.line})"
        )
    implied_rate = round_to_places(printed.published_tariff / per_weight, schedule.minor_units + 2)
    implied_weight = round_to_places(weight * printed.published_tariff / (per_weight * _rate(schedule)), 4)
    if implied_weight == weight:
        return (
            "usually a mistyped last digit of the tariff or of the base rate: "
            f"the printed tariff follows from a base rate of about {format_exact(implied_rate)}"
        )
    return (
        f"usually a mistyped weight (groups.csv, line {group.line}) or tariff, or the base rate of another "
        f"edition: the printed tariff follows from a weight of about {format_exact(implied_weight)} "
        f"or a base rate of about {format_exact(implied_rate)}"
    )


def _rate(schedule: Schedule) -> Fraction:
    return schedule.base_rate.amount


def _all_in(roundings: Roundings, mode: RoundingMode) -> Roundings:
    def in_mode(rounding: Rounding) -> Rounding:
        return Rounding(rounding.places, mode)

    return Roundings(in_mode(roundings.weight), in_mode(roundings.tariff), in_mode(roundings.unit))
