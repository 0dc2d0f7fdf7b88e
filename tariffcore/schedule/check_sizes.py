"""Whether a schedule stays inside the sizes with which every amount can be computed exactly (`limits`)."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from math import lcm

from tariffcore.errors import Problem
from tariffcore.money import format_exact, format_minor
from tariffcore.schedule.check_tables import periods_with_coefficients, readable_splits
from tariffcore.schedule.exactness import widest_denominator
from tariffcore.schedule.limits import (
    MAX_CODES,
    MAX_COEFFICIENT_PART,
    MAX_COMPONENT_DENOMINATOR,
    MAX_DENOMINATOR_BITS,
    MAX_EXCEPTION_LISTS,
    MAX_PROVIDERS,
    MAX_SHARE_PART,
    MAX_TARIFF_DENOMINATOR,
    MAX_TARIFF_MINOR,
    MAX_WORDS,
)
from tariffcore.schedule.model import AgeClass, Service, Share, ShareException, Unit
from tariffcore.schedule.reading import (
    COMPONENTS_CSV,
    FACTORS_CSV,
    GROUPS_CSV,
    MONEY,
    PROVIDERS_CSV,
    SERVICES_CSV,
    Part,
    Reading,
)
from tariffcore.schedule.tariff import (
    combined_coefficient,
    find_share,
    group_weight,
    service_tariff,
    units_by_coefficients,
    weight_tariff,
    with_exceptions,
)
from tariffcore.schedule.toml_reading import TomlPath

_WEIGHTS = ("relative_weight", "relative_weight_child")
"""The columns of an adult's and a child's weight, in the order of `AgeClass`."""


def check_counts(reading: Reading) -> Iterator[Problem]:
    """No more codes, providers and words than results can number."""
    schedule = reading.schedule
    shares = sum(1 + len(share.exceptions) for share in schedule.shares)
    in_toml: tuple[tuple[TomlPath, int], ...] = (
        (("vocabulary", "care_settings"), len(schedule.care_settings)),
        (("vocabulary", "outcomes"), len(schedule.outcomes)),
        (("vocabulary", "drg_flags"), len(schedule.drg_flags)),
        (("share",), shares),
        (("stay_rule",), len(schedule.stay_rules)),
        (("coefficient",), len(schedule.coefficients)),
    )
    for path, count in in_toml:
        if count > MAX_WORDS:
            yield reading.toml_problem(path, None, *_too_many(count, MAX_WORDS))
    lists = {exception.procedures for share in schedule.shares for exception in share.exceptions}
    if len(lists) > MAX_EXCEPTION_LISTS:
        message = (
            f"there are {len(lists)} different lists of exception procedures, at most {MAX_EXCEPTION_LISTS}"
        )
        yield reading.toml_problem(("share",), None, message, "join lists that are paid the same share")
    components = {row.component for row in schedule.components}
    for file, column, count, most in (
        (GROUPS_CSV, "drg_code", len(schedule.groups) + len(schedule.services), MAX_CODES),
        (PROVIDERS_CSV, "provider_id", len(schedule.providers or ()), MAX_PROVIDERS),
        (COMPONENTS_CSV, "component", len(components), MAX_WORDS),
        (FACTORS_CSV, "factor_code", len(schedule.factors), MAX_WORDS),
    ):
        if count > most:
            yield reading.row_problem(file, 1, column, None, *_too_many(count, most))


def _too_many(count: int, most: int) -> tuple[str, str]:
    return f"there are {count:,}, more than {most:,}", "split the schedule into several tariff families"


def _fits(value: Fraction, most: int) -> bool:
    return abs(value.numerator) <= most and value.denominator <= most


_SHARE_TOO_LONG = (
    "is too long a number to compute with exactly",
    "write it so that, as a reduced fraction, neither part is over 1,000,000,000 (at most 9 decimals)",
)


def check_share_parts(reading: Reading) -> Iterator[Problem]:
    """Shares, shares of stay rules and factors are short fractions."""
    schedule = reading.schedule
    in_toml = [(own.id, own.share) for share in schedule.shares for own in with_exceptions(share)]
    in_toml.extend((rule.id, rule.share) for rule in schedule.stay_rules if rule.share is not None)
    for own_id, share in in_toml:
        if not _fits(share, MAX_SHARE_PART):
            path = (*reading.paths[own_id], "share")
            yield reading.toml_problem(path, format_exact(share), *_SHARE_TOO_LONG)
    for factor in schedule.factors:
        if not _fits(factor.factor, MAX_SHARE_PART):
            value = format_exact(factor.factor)
            yield reading.row_problem(FACTORS_CSV, factor.line, "factor", value, *_SHARE_TOO_LONG)


def check_coefficient_parts(reading: Reading) -> Iterator[Problem]:
    """Combined coefficients are at most 32 digits over 32."""
    units = units_by_coefficients(reading.schedule)
    for period, unit in product(periods_with_coefficients(reading), units):
        combined = combined_coefficient(reading.schedule, period, unit)
        if not _fits(combined, MAX_COEFFICIENT_PART):
            digits = f"{len(str(abs(combined.numerator)))} digits over {len(str(combined.denominator))}"
            yield reading.row_problem(
                PROVIDERS_CSV,
                period.line,
                "provider_id",
                period.provider_id or None,
                f"its coefficients combine to a number too long to compute with exactly, {digits}",
                "write them with fewer decimals; all that multiply may have 32 together",
            )


def check_component_parts(reading: Reading) -> Iterator[Problem]:
    """The shares of a split have a common denominator with which an amount can be split exactly."""
    for _, rows in readable_splits(reading):
        if lcm(*(row.share.denominator for row in rows)) > MAX_COMPONENT_DENOMINATOR:
            yield reading.row_problem(
                COMPONENTS_CSV,
                rows[0].line,
                "share",
                format_exact(rows[0].share),
                f"the shares of profile {rows[0].component_profile!r} have too large a common denominator "
                "to split amounts exactly",
                "write them as decimals with at most 18 places that sum to 1",
            )


def check_denominators(reading: Reading) -> Iterator[Problem]:
    """What rounding a unit price divides by stays inside the arithmetic that is exact."""
    coefficients = [coefficient.name for coefficient in reading.schedule.coefficients]
    if not (
        reading.sound(*MONEY, Part.SHARES, Part.STAY_RULES, Part.COEFFICIENTS)
        and reading.all_read(GROUPS_CSV, *_WEIGHTS, "planned_days")
        and reading.all_read(PROVIDERS_CSV, *coefficients)
        and reading.all_read(SERVICES_CSV, "unit", "care_setting", "rate")
        and reading.all_read(FACTORS_CSV, "unit", "factor")
    ):
        return
    bits = widest_denominator(reading.schedule).bit_length()
    if bits > MAX_DENOMINATOR_BITS:
        yield reading.toml_problem(
            ("rounding",),
            None,
            "coefficients, tariffs, roundings and stay shares together divide by numbers of "
            f"{bits} bits, at most {MAX_DENOMINATOR_BITS} are exact",
            "write coefficients with fewer decimals, or round the tariff to the minor unit",
        )


def check_tariff_sizes(reading: Reading) -> Iterator[Problem]:
    """Every tariff, over the common denominator of all, is a whole number that 64 bits hold, and is not zero:
    a tariff that rounds to nothing is a unit mistaken, not a price."""
    schedule = reading.schedule
    if not reading.sound(*MONEY):
        return
    minor_per_unit = 10**schedule.minor_units
    shares: list[Share | ShareException] = []
    for share in schedule.shares:
        if share.unit is Unit.CASE:
            shares.extend(with_exceptions(share))
    weights = {
        weight
        for group in reading.groups
        for age_class, column in zip(AgeClass, _WEIGHTS, strict=True)
        if reading.is_read(GROUPS_CSV, group.line, column)
        and (weight := group_weight(group, age_class)) is not None
    }
    of_services = [(service, tariff * minor_per_unit) for service, tariff in _service_tariffs(reading)]

    denominator = 1
    tariff_places = schedule.roundings.tariff.places
    if tariff_places is None or tariff_places > schedule.minor_units:
        denominator = lcm(*(tariff_minor.denominator for _, tariff_minor in of_services))
        for own in shares:
            for weight in weights:
                tariff_minor = weight_tariff(schedule, weight, own) * minor_per_unit
                denominator = lcm(denominator, tariff_minor.denominator)
                if denominator > MAX_TARIFF_DENOMINATOR:
                    break
    if tariff_places is not None:
        # rates are then kept in these parts, even where every tariff happens to be whole
        denominator = max(denominator, int(10 ** max(0, tariff_places - schedule.minor_units)))
    if denominator > MAX_TARIFF_DENOMINATOR:
        yield reading.toml_problem(
            ("rounding", "tariff_places"),
            "exact" if tariff_places is None else str(tariff_places),
            "the tariffs, kept finer than the minor unit, have no common denominator up to 10^12",
            f"round the tariff (tariff_places = {schedule.minor_units}), or write rates, weights and shares "
            "with fewer decimals",
        )
        return

    largest_minor = MAX_TARIFF_MINOR // denominator
    beyond = (
        "is beyond the largest tariff that can be computed with exactly, "
        f"{format_minor(largest_minor, schedule.minor_units, ',')}"
    )
    mistaken = "is one of these numbers in another unit?"
    if weights:
        for own in shares:
            path = (*reading.paths[own.id], "share")
            heaviest = weight_tariff(schedule, max(weights), own) * minor_per_unit
            if heaviest > largest_minor:
                message = f"the tariff of the heaviest weight, {format_exact(max(weights))}, {beyond}"
                way_out = f"check the base rate, the weights and the share: {mistaken}"
                yield reading.toml_problem(path, format_exact(own.share), message, way_out)
            if weight_tariff(schedule, min(weights), own) == 0:
                message = f"the tariff of the lightest weight, {format_exact(min(weights))}, rounds to zero"
                way_out = f"check [rounding], the base rate, the weights and the share: {mistaken}"
                yield reading.toml_problem(path, format_exact(own.share), message, way_out)
    for service, tariff_minor in of_services:
        rounds_to_zero = tariff_minor == 0 and service.unit is not Unit.ITEM  # which has no rate
        if tariff_minor > largest_minor or rounds_to_zero:
            message = f"its tariff {'rounds to zero' if rounds_to_zero else beyond}"
            yield reading.row_problem(
                SERVICES_CSV,
                service.line,
                "rate",
                format_exact(service.rate),
                message,
                f"check the rate: {mistaken}",
            )


def _service_tariffs(reading: Reading) -> Iterator[tuple[Service, Fraction]]:
    """Every tariff a service can have: of its own care setting, or of each whose share applies."""
    schedule = reading.schedule
    for service in reading.services:
        if not reading.is_read(SERVICES_CSV, service.line, "rate", "unit", "care_setting"):
            continue
        if service.care_setting is not None:
            yield service, service_tariff(schedule, service, None)
            continue
        for care_setting in schedule.care_settings:
            share = find_share(schedule, service.unit, care_setting)
            if share is not None:
                yield service, service_tariff(schedule, service, share)
