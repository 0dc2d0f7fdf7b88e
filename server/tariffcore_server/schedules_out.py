"""An edition as messages: settings, rules, rates, groups, with their sources."""

from __future__ import annotations

from collections.abc import Iterable

from tariffcore.money import format_exact
from tariffcore.schedule.changes import DiffRow
from tariffcore.schedule.model import Group, Rounding, Schedule, Share, StayRule, Unit
from tariffcore.schedule.writing import currency_text
from tariffcore.v1 import schedule_service_pb2 as messages
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire.editions import edition_message
from tariffcore_server.edition_choices import iso


def edition_in_full(schedule: Schedule) -> messages.GetEditionResponse:
    """Everything an edition says except its groups, providers and printed tariffs."""
    return messages.GetEditionResponse(
        edition=edition_message(schedule),
        settings=_settings(schedule),
        shares=[_share(share) for share in schedule.shares],
        stay_rules=[_stay_rule(rule) for rule in schedule.stay_rules],
        coefficients=[
            messages.CoefficientRule(name=c.name, mode=c.mode.value, source=c.source, units=_sorted(c.units))
            for c in schedule.coefficients
        ],
        factors=[
            messages.ServiceFactor(
                unit=row.unit.value,
                factor_code=row.factor_code,
                factor=format_exact(row.factor),
                source=row.source,
                effective_start_date=iso(row.effective_start_date),
                effective_end_date=iso(row.effective_end_date),
            )
            for row in schedule.factors
        ],
        services=[
            messages.ServiceRate(
                service_code=row.code,
                name=row.name,
                unit=row.unit.value,
                care_setting=row.care_setting or "",
                rate=currency_text(row.rate, schedule.minor_units),
                effective_start_date=iso(row.effective_start_date),
                effective_end_date=iso(row.effective_end_date),
                source=row.source,
                method=row.method.value,
                planned_days=row.planned_days,
            )
            for rows in schedule.services.values()
            for row in rows
        ],
        component_shares=[
            messages.ComponentShare(
                component_profile=row.component_profile,
                care_setting=row.care_setting or "",
                component=row.component,
                share=format_exact(row.share),
                capital=row.capital,
            )
            for row in schedule.components
        ],
        engine_version=ENGINE_VERSION,
        addons=[
            messages.AddOnRule(
                kind=row.kind,
                unit=row.unit.value,
                care_settings=_sorted(row.care_settings),
                drg_flags=_sorted(row.drg_flags),
                component=row.component or "",
                source=row.source,
            )
            for row in schedule.addons
        ],
    )


def _settings(schedule: Schedule) -> messages.ScheduleSettings:
    return messages.ScheduleSettings(
        model=schedule.model,
        country=schedule.country,
        base_rate=currency_text(schedule.base_rate.amount, schedule.minor_units),
        base_rate_source=schedule.base_rate.source,
        weight_rounding=_rounding(schedule.roundings.weight),
        tariff_rounding=_rounding(schedule.roundings.tariff),
        unit_rounding=_rounding(schedule.roundings.unit),
        child_age_limit=schedule.child_age_limit,
        day_count=schedule.day_count.value,
        care_settings=schedule.care_settings,
        outcomes=schedule.outcomes,
        drg_flags=schedule.drg_flags,
        group_count=len(schedule.groups),
        provider_count=None if schedule.providers is None else len(schedule.providers),
        published_tariff_count=len(schedule.published_tariffs),
    )


def _rounding(rounding: Rounding) -> messages.Rounding:
    return messages.Rounding(places=rounding.places, mode=rounding.mode.value)


def _share(share: Share) -> messages.ShareRule:
    return messages.ShareRule(
        id=share.id,
        unit=share.unit.value,
        care_setting=share.care_setting,
        share=format_exact(share.share),
        applies_to=share.applies_to.value,
        max_hours=share.max_hours,
        source=share.source,
        method=share.method.value if share.unit is Unit.CASE else "",
        exceptions=[
            messages.ShareException(
                id=exception.id,
                procedures=_sorted(exception.procedures),
                share=format_exact(exception.share),
                applies_to=exception.applies_to.value,
                source=exception.source,
            )
            for exception in share.exceptions
        ],
    )


def _stay_rule(rule: StayRule) -> messages.StayRule:
    return messages.StayRule(
        id=rule.id,
        care_settings=_sorted(rule.care_settings),
        outcomes=_sorted(rule.outcomes),
        death_unavoidable=rule.death_unavoidable,
        max_days=rule.max_days,
        unit=rule.unit.value,
        pay=rule.pay.value,
        share="" if rule.share is None else format_exact(rule.share),
        source=rule.source,
        exemptions=[
            messages.StayExemption(
                outcomes=_sorted(exemption.outcomes),
                drg_flags=_sorted(exemption.drg_flags),
                source=exemption.source,
            )
            for exemption in rule.exemptions
        ],
    )


def _sorted(words: Iterable[str]) -> list[str]:
    return sorted(words)


def group_message(group: Group) -> messages.Group:
    """A cost group."""
    child = group.relative_weight_child
    return messages.Group(
        drg_code=group.drg_code,
        name=group.name,
        relative_weight=format_exact(group.relative_weight),
        relative_weight_child=None if child is None else format_exact(child),
        planned_days=group.planned_days,
        flags=_sorted(group.flags),
        component_profile=group.component_profile or "",
        source=group.source,
    )


def change_message(row: DiffRow) -> messages.EditionChange:
    """One thing that differs between two editions."""
    return messages.EditionChange(
        kind=str(row.kind),
        code=row.code,
        detail=row.detail,
        old=row.old,
        new=row.new,
        change=row.change,
        change_percent=row.change_percent,
    )
