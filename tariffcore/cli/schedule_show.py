"""``tariffcore schedule show``: what a schedule says, with the source of each number."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.schedule_words import (
    addon_words,
    coefficient_words,
    factor_dates,
    heading,
    in_force,
    rounding_words,
    share_words,
    span,
    stay_rule_words,
    what_is_proven,
    what_it_holds,
)
from tariffcore.cli.screen import banner, say, say_bold
from tariffcore.cli.screen import show as show_table
from tariffcore.cli.tables import show_facts, table

if TYPE_CHECKING:
    from tariffcore.schedule.model import (
        AddOn,
        AgeClass,
        Group,
        PublishedTariff,
        Schedule,
        Service,
        Share,
        ShareException,
    )


@click.command(short_help="Show a schedule, or all tariffs of one group.")
@click.argument("schedule", metavar="DIR")
@click.argument("code", metavar="[DRG]", required=False)
def show(schedule: str, code: str | None) -> int:
    """Show the settings and rules of a schedule, or all tariffs of one cost group or service.

    DIR is a folder, or a shipped edition or family (each of its editions is shown).
    """
    from tariffcore.schedule.folder import read_schedule
    from tariffcore.schedule.shipped import resolve

    editions = [read_schedule(folder) for folder in resolve([schedule])]
    if code is not None:
        _require_known(editions, code.strip())
    for number, edition in enumerate(editions):
        if number:
            say()
        if edition.synthetic:
            banner([f"SYNTHETIC: the numbers of {edition.id} are made up"])
        if code is None:
            _show_schedule(edition, schedule)
        else:
            _show_code(edition, code.strip())
    return DONE


def _require_known(editions: list[Schedule], code: str) -> None:
    from tariffcore.errors import CatalogError, Problem
    from tariffcore.schedule.values import instead_of

    known = {code for edition in editions for code in (*edition.groups, *edition.services)}
    if code not in known:
        place = ", ".join(edition.id for edition in editions)
        raise CatalogError(
            f"there is no {code!r} in {place}",
            [
                Problem(
                    place,
                    "drg_code",
                    code,
                    "is neither a cost group nor a service here",
                    instead_of(code, sorted(known)),
                )
            ],
        )


def _title(schedule: Schedule) -> None:
    say_bold(heading(schedule))
    say()


# --- the whole schedule


def _show_schedule(schedule: Schedule, name: str) -> None:
    from tariffcore.money import format_exact

    _title(schedule)
    roundings = schedule.roundings
    rows = [
        ("digest", schedule.digest),
        ("family", f"{schedule.tariff_family} ({schedule.country}), model {schedule.model}"),
        ("in force", in_force(schedule)),
        ("published", str(schedule.published)),
        ("currency", f"{schedule.currency}, {schedule.minor_units} decimals"),
        ("base rate", _money(schedule, schedule.base_rate.amount)),
        ("", f"source: {schedule.base_rate.source}"),
        ("child weight", f"under {schedule.child_age_limit} years"),
        ("length of stay", schedule.day_count.value.replace("_", " ") + ", at least 1 day"),
        ("rounding", f"weight: {rounding_words(roundings.weight)}"),
        ("", f"tariff: {rounding_words(roundings.tariff)}"),
        ("", f"unit price: {rounding_words(roundings.unit)}"),
        ("care settings", ", ".join(schedule.care_settings)),
        ("outcomes", ", ".join(schedule.outcomes)),
        ("group flags", ", ".join(schedule.drg_flags) or "none"),
        ("holds", what_it_holds(schedule)),
        ("proof", what_is_proven(schedule)),
    ]
    show_facts(rows)
    _section("Shares", [row for share in schedule.shares for row in _share_rows(share)])
    rules: list[tuple[str, str]] = []
    for rule in schedule.stay_rules:
        rules += [(rule.id, stay_rule_words(rule)), ("", f"source: {rule.source}")]
        for exemption in rule.exemptions:
            outcomes = " or ".join(sorted(exemption.outcomes)) or "any outcome"
            flags = " or ".join(sorted(exemption.drg_flags))
            rules.append(("", f"not for {outcomes}" + (f" in groups flagged {flags}" if flags else "")))
            rules.append(("", f"source: {exemption.source}"))
    _section("Stay rules (the first that matches pays)", rules)
    coefficients: list[tuple[str, str]] = []
    for position, coefficient in enumerate(schedule.coefficients):
        values = [
            period.coefficients[position]
            for periods in (schedule.providers or {}).values()
            for period in periods
        ]
        bounds = f" (from {format_exact(min(values))} to {format_exact(max(values))})" if values else ""
        coefficients += [
            (coefficient.name, coefficient_words(coefficient) + bounds),
            ("", f"source: {coefficient.source}"),
        ]
    _section("Coefficients of providers", coefficients)
    _show_addons(schedule.addons)
    factors: list[tuple[str, str]] = []
    for factor in schedule.factors:
        factors += [
            (
                factor.factor_code,
                f"{format_exact(factor.factor)} for a {factor.unit.value}{factor_dates(factor)}",
            ),
            ("", f"source: {factor.source}"),
        ]
    _section("Factors", factors)
    some = next(iter(schedule.groups), None) or next(iter(schedule.services), None)
    if some is not None:
        say()
        say(f"one of its groups or services: tariffcore schedule show {shlex.join([name, some])}")


def _section(title: str, rows: list[tuple[str, str]]) -> None:
    if rows:
        say()
        say_bold(title)
        show_facts([(f"  {name}" if name else "", words) for name, words in rows])


def _show_addons(addons: Iterable[AddOn]) -> None:
    rows: list[tuple[str, str]] = []
    for addon in addons:
        rows += [(addon.kind, addon_words(addon)), ("", f"source: {addon.source}")]
    _section("Add-ons, which a line brings with it", rows)


def _share_rows(share: Share) -> list[tuple[str, str]]:
    hours = "" if share.max_hours is None else f", stays up to {share.max_hours} hours"
    method = "" if share.own_method is None else f", paid as {share.own_method.value}"
    rows = [(share.id, share_words(share) + hours + method), ("", f"source: {share.source}")]
    for exception in share.exceptions:
        procedures = ", ".join(sorted(exception.procedures))
        rows += [
            ("", f"{exception.id}: {share_words(exception)} with any of the procedures {procedures}"),
            ("", f"source: {exception.source}"),
        ]
    return rows


# --- one group or service


def _show_code(schedule: Schedule, code: str) -> None:
    _title(schedule)
    if code in schedule.groups:
        _show_group(schedule, schedule.groups[code])
    elif code in schedule.services:
        _show_service(schedule, schedule.services[code])
    else:
        say(f"{code}: not in this edition")


def _show_group(schedule: Schedule, group: Group) -> None:
    from tariffcore.money import format_exact
    from tariffcore.schedule.model import Unit
    from tariffcore.schedule.tariff import with_exceptions

    child = group.relative_weight_child
    if child is None:
        child_words = f"none: a case under {schedule.child_age_limit} has no amount"
    else:
        child_words = format_exact(child) + (" (as for adults)" if child == group.relative_weight else "")
    show_facts(
        [
            (group.drg_code, group.name),
            ("weight", format_exact(group.relative_weight)),
            ("child weight", child_words),
            ("planned days", "not known" if group.planned_days is None else str(group.planned_days)),
            ("flags", ", ".join(sorted(group.flags)) or "none"),
            ("components", group.component_profile or "not known"),
            ("base rate", f"{_money(schedule, schedule.base_rate.amount)} {schedule.currency}"),
            ("source", group.source),
        ]
    )
    rows = []
    sources = []
    for share in schedule.shares:
        if share.unit is not Unit.CASE:
            continue
        for rule in with_exceptions(share):
            rows += _tariff_rows(schedule, group, rule)
            sources.append((rule.id, rule.source))
    say()
    say(f"Tariffs, {schedule.currency}, before stay rules and coefficients of the provider")
    say()
    show_table(table(["rule", "share of", "age", "weight", "tariff"], rows, numbers=2))
    _show_printed(schedule, group.drg_code)
    _section("Sources of the shares", sources)
    _show_addons(
        addon
        for addon in schedule.addons
        if addon.unit is Unit.CASE and (not addon.drg_flags or addon.drg_flags & group.flags)
    )
    _show_components(schedule, group)


def _tariff_rows(schedule: Schedule, group: Group, rule: Share | ShareException) -> list[tuple[str, ...]]:
    """A row for each age class that the group tells apart."""
    from tariffcore.money import format_exact
    from tariffcore.schedule.model import AgeClass
    from tariffcore.schedule.tariff import case_weight, group_weight

    same = group.relative_weight == group.relative_weight_child
    rows: list[tuple[str, ...]] = []
    for age_class in (AgeClass.ADULT,) if same else (AgeClass.ADULT, AgeClass.CHILD):
        weight = group_weight(group, age_class)
        if weight is None:
            continue
        rows.append(
            (
                rule.id,
                share_words(rule).replace(" of the ", " "),
                "any" if same else age_class.value,
                format_exact(case_weight(schedule, weight, rule)),
                _tariff_text(schedule, group, age_class, rule),
            )
        )
    return rows


def _show_printed(schedule: Schedule, code: str) -> None:
    """Which of these tariffs the order prints, and so proves."""
    is_group = code in schedule.groups
    printed = [
        f"{_where_printed(row, is_group)}: {_money(schedule, row.published_tariff)} ({row.source})"
        for row in schedule.published_tariffs
        if row.code == code
    ]
    _section("Printed in the order, and reproduced", [("", line) for line in printed])


def _where_printed(row: PublishedTariff, is_group: bool) -> str:
    return f"{row.care_setting}, {row.age_class.value}" if is_group else row.care_setting


def _tariff_text(schedule: Schedule, group: Group, age_class: AgeClass, rule: Share | ShareException) -> str:
    """What is paid, rounded as the unit price is."""
    from tariffcore.schedule.tariff import case_tariff, rounded

    return _money(schedule, rounded(case_tariff(schedule, group, age_class, rule), schedule.roundings.unit))


def _show_components(schedule: Schedule, group: Group) -> None:
    from tariffcore.money import format_exact
    from tariffcore.schedule.tariff import component_shares

    if group.component_profile is None:
        return
    settings_of: dict[tuple[tuple[str, Fraction, bool], ...], list[str]] = {}
    for setting in dict.fromkeys(
        share.care_setting for share in schedule.shares if share.unit.value == "case"
    ):
        shares = component_shares(schedule, group.component_profile, setting)
        split = tuple((row.component, row.share, row.capital) for row in shares)
        settings_of.setdefault(split, []).append(setting)
    for split, settings in settings_of.items():
        if split:
            say()
            say(f"Components of profile {group.component_profile} in {', '.join(settings)}")
            say()
            rows = [
                (name, "capital" if capital else "", format_exact(share)) for name, share, capital in split
            ]
            show_table(table(["component", "", "share"], rows, numbers=1))


def _show_service(schedule: Schedule, services: tuple[Service, ...]) -> None:
    from tariffcore.schedule.model import Unit
    from tariffcore.schedule.tariff import rounded, service_tariff

    first = services[0]
    facts = [(first.code, first.name), ("unit", first.unit.value), ("method", first.method.value)]
    planned = dict.fromkeys(service.planned_days for service in services if service.planned_days is not None)
    if planned or first.unit is Unit.AVERAGE_CASE:
        facts.append(("planned days", ", then ".join(map(str, planned)) or "not known"))
    show_facts(facts)
    is_item = first.unit is Unit.ITEM
    rows: list[tuple[str, ...]] = []
    sources: list[tuple[str, str]] = []
    for service in services:
        dates = span(service.effective_start_date, service.effective_end_date)
        sources.append(("", service.source))
        shares: list[Share | None] = [None]
        if service.care_setting is None:
            shares = [share for share in schedule.shares if share.unit is service.unit]
            sources += [(share.id, share.source) for share in shares if share is not None]
        for share in shares:
            paid = rounded(service_tariff(schedule, service, share), schedule.roundings.unit)
            setting = service.care_setting if share is None else share.care_setting
            words = "own rate" if share is None else share_words(share)
            if is_item:
                rows.append((setting or "", "-", dates, "-", "at cost"))
                continue
            amounts = _money(schedule, service.rate), _money(schedule, paid)
            rows.append((setting or "", words, dates, *amounts))
    say()
    corrected = "stay rules" if first.unit is Unit.AVERAGE_CASE else "factors"
    before = "" if is_item else f", before {corrected} and coefficients of the provider"
    say(f"Tariffs, {schedule.currency}{before}")
    say()
    show_table(table(["care setting", "share", "dates", "rate", "tariff"], rows, numbers=2))
    factors = [
        (factor.factor_code, f"x {_plain(factor.factor)}{factor_dates(factor)}; source: {factor.source}")
        for factor in schedule.factors
        if factor.unit is first.unit
    ]
    _section("Factors", factors)
    _show_addons(addon for addon in schedule.addons if addon.unit is first.unit)
    _show_printed(schedule, first.code)
    _section("Sources", list(dict.fromkeys(sources)))


# --- numbers


def _plain(value: Fraction) -> str:
    from tariffcore.money import format_exact

    return format_exact(value)


def _money(schedule: Schedule, value: Fraction) -> str:
    from tariffcore.labelling import labels_in

    return labels_in("en").number(_plain(value), schedule.minor_units)
