"""Parts of a schedule in words."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from tariffcore.cli.tables import counted

if TYPE_CHECKING:
    from tariffcore.schedule.model import (
        AddOn,
        Coefficient,
        Factor,
        Rounding,
        Schedule,
        Share,
        ShareException,
        StayRule,
    )


def span(start: date, end: date | None) -> str:
    """Half-open dates: ``from 2025-01-01 up to 2026-01-01``, the last day not included."""
    return f"from {start}" + ("" if end is None else f" up to {end}")


def in_force(schedule: Schedule) -> str:
    return span(schedule.effective_start_date, schedule.effective_end_date)


def what_it_holds(schedule: Schedule) -> str:
    """``450 cost groups, 600 providers, 19 services, 6 factors``."""
    parts = [counted(len(schedule.groups), "cost group")]
    if schedule.providers is not None:
        parts.append(counted(len(schedule.providers), "provider"))
    if schedule.components:
        profiles = len({row.component_profile for row in schedule.components})
        parts.append(counted(profiles, "component profile"))
    if schedule.services:
        parts.append(counted(len(schedule.services), "service"))
    if schedule.factors:
        parts.append(counted(len(schedule.factors), "factor"))
    return ", ".join(parts)


def what_is_proven(schedule: Schedule) -> str:
    """``9 published tariffs reproduced``; reading the folder has proven it."""
    proven = len(schedule.published_tariffs)
    return (
        f"{counted(proven, 'published tariff')} reproduced" if proven else "no published tariffs to prove it"
    )


def rounding_words(rounding: Rounding) -> str:
    if rounding.places is None:
        return "not rounded"
    mode = rounding.mode.value.replace("_", " ")
    if rounding.places < 0:
        return f"to multiples of {10**-rounding.places:,}, {mode}"
    return f"{counted(rounding.places, 'decimal')}, {mode}"


def share_words(share: Share | ShareException) -> str:
    """``0.4 of the weight``; a whole share is ``1``."""
    from tariffcore.money import format_exact

    return "1" if share.share == 1 else f"{format_exact(share.share)} of the {share.applies_to.value}"


def stay_rule_words(rule: StayRule) -> str:
    """What a stay rule asks and pays: ``transferred, self_discharged; at most 3 days: per planned day``."""
    from tariffcore.money import format_exact
    from tariffcore.schedule.model import Unit

    conditions = [] if rule.unit is Unit.CASE else [rule.unit.value]
    if rule.outcomes:
        conditions.append(" or ".join(sorted(rule.outcomes)))
    if rule.care_settings:
        conditions.append("in " + " or ".join(sorted(rule.care_settings)))
    if rule.death_unavoidable is not None:
        conditions.append(f"death {'un' if rule.death_unavoidable else ''}avoidable")
    if rule.max_days is not None:
        conditions.append(f"at most {counted(rule.max_days, 'day')}")
    if rule.share is not None:
        paid = f"{format_exact(rule.share)} of the tariff"
    else:
        paid = {
            "full": "paid in full",
            "per_planned_day": "tariff x days / planned days, at most the tariff",
        }[rule.pay.value]
    return f"{'; '.join(conditions) or 'any case'}: {paid}"


def coefficient_words(coefficient: Coefficient) -> str:
    """``multiplies``, and for which units if not for all: ``multiplies, for person_month only``."""
    units = " and ".join(sorted(coefficient.units))
    return coefficient.mode.value + (f", for {units} only" if units else "")


def factor_dates(factor: Factor) -> str:
    """The dates of a factor that has some, after a comma: ``, from 2026-12-01 up to 2027-01-01``."""
    start, end = factor.effective_start_date, factor.effective_end_date
    if start is None:
        return "" if end is None else f", up to {end}"
    return f", {span(start, end)}"


def addon_words(addon: AddOn) -> str:
    """What pays an add-on: ``in full on top of a case; in groups flagged bowel_disease; is medicines``."""
    from tariffcore.schedule.model import Unit

    on_top = f"in full on top of a {addon.unit.value}"
    words = ["what an item has cost" if addon.unit is Unit.ITEM else on_top]
    if addon.care_settings:
        words.append("in " + " or ".join(sorted(addon.care_settings)))
    if addon.drg_flags:
        words.append("in groups flagged " + " or ".join(sorted(addon.drg_flags)))
    if addon.component is not None:
        words.append(f"component {addon.component}")
    return "; ".join(words)


def edition_rows(schedule: Schedule) -> list[tuple[str, str]]:
    """An edition in a few lines, under a heading that names it."""
    return [
        ("in force", f"{in_force(schedule)}; published {schedule.published}"),
        ("holds", what_it_holds(schedule)),
        ("proof", what_is_proven(schedule)),
        ("digest", schedule.digest),
    ]


def heading(schedule: Schedule) -> str:
    return f"{schedule.id}: {schedule.title}"
