"""The settings and rules of an edition as words by key: what a comparison of two editions goes through."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from fractions import Fraction

from tariffcore.money import format_exact
from tariffcore.schedule.grouping_model import Band, GroupingRule
from tariffcore.schedule.model import AddOn, Rounding, Schedule, Share, ShareException, StayRule, Unit

Fact = tuple[str, Fraction | None]
"""A setting in words, and as a number where it is one."""


def yes_no(value: bool | None) -> str:
    return "yes" if value else "no"


def rule_facts(schedule: Schedule) -> dict[str, Fact]:
    """Every setting and rule of an edition by key, in the order of schedule.toml.

    A key that ends in ``].`` stands for a whole table, with the words that tell what it does.
    """
    end = schedule.effective_end_date
    facts: dict[str, Fact] = {
        "tariff_family": (schedule.tariff_family, None),
        "model": (schedule.model, None),
        "title": (schedule.title, None),
        "synthetic": (yes_no(schedule.synthetic), None),
        "country": (schedule.country, None),
        "published": (schedule.published.isoformat(), None),
        "effective_start_date": (schedule.effective_start_date.isoformat(), None),
        "effective_end_date": ("" if end is None else end.isoformat(), None),
        "child_age_limit": (str(schedule.child_age_limit), Fraction(schedule.child_age_limit)),
        "day_count": (schedule.day_count.value, None),
        "vocabulary.care_settings": (", ".join(sorted(schedule.care_settings)), None),
        "vocabulary.outcomes": (", ".join(sorted(schedule.outcomes)), None),
        "vocabulary.drg_flags": (", ".join(sorted(schedule.drg_flags)), None),
    }
    for name, rounding in (
        ("weight", schedule.roundings.weight),
        ("tariff", schedule.roundings.tariff),
        ("unit", schedule.roundings.unit),
    ):
        facts[f"rounding.{name}.places"] = _places(rounding), None
        facts[f"rounding.{name}.mode"] = rounding.mode.value, None
    for share in schedule.shares:
        _share_facts(facts, share)
    for rule in schedule.stay_rules:
        _stay_rule_facts(facts, rule)
    facts["stay_rule order"] = " > ".join(rule.id for rule in schedule.stay_rules), None
    for coefficient in schedule.coefficients:
        key = f"coefficient[{coefficient.name}]"
        units = ", ".join(sorted(coefficient.units)) or "everything"
        facts[f"{key}."] = f"{coefficient.mode.value}, for {units}", None
        facts[f"{key}.mode"] = coefficient.mode.value, None
        facts[f"{key}.units"] = units, None
    for addon in schedule.addons:
        _addon_facts(facts, addon)
    listed = "none (coefficient 1)" if schedule.providers is None else "listed"
    facts["providers"] = listed, None
    return facts


def _places(rounding: Rounding) -> str:
    return "exact" if rounding.places is None else str(rounding.places)


def _share_words(share: Share | ShareException) -> str:
    return f"{format_exact(share.share)} of the {share.applies_to.value}"


def _share_facts(facts: dict[str, Fact], share: Share) -> None:
    key = f"share[{share.unit.value}.{share.care_setting}]"
    facts[f"{key}."] = _share_words(share), None
    facts[f"{key}.id"] = share.id, None
    facts[f"{key}.share"] = format_exact(share.share), share.share
    facts[f"{key}.applies_to"] = share.applies_to.value, None
    hours = share.max_hours
    if share.unit is Unit.CASE:
        facts[f"{key}.method"] = share.method.value, None
    facts[f"{key}.max_hours"] = ("", None) if hours is None else (str(hours), Fraction(hours))
    for exception in share.exceptions:
        own = f"exception[{exception.id}]"
        procedures = ", ".join(sorted(exception.procedures))
        facts[f"{own}."] = f"{_share_words(exception)} for {procedures}", None
        facts[f"{own}.procedures"] = procedures, None
        facts[f"{own}.share"] = format_exact(exception.share), exception.share
        facts[f"{own}.applies_to"] = exception.applies_to.value, None


def _stay_rule_facts(facts: dict[str, Fact], rule: StayRule) -> None:
    key = f"stay_rule[{rule.id}]"
    facts[f"{key}."] = rule.pay.value if rule.share is None else f"share {format_exact(rule.share)}", None
    facts[f"{key}.unit"] = rule.unit.value, None
    facts[f"{key}.outcomes"] = ", ".join(sorted(rule.outcomes)) or "any", None
    facts[f"{key}.care_settings"] = ", ".join(sorted(rule.care_settings)) or "any", None
    unavoidable = "any" if rule.death_unavoidable is None else yes_no(rule.death_unavoidable)
    facts[f"{key}.death_unavoidable"] = unavoidable, None
    days = rule.max_days
    facts[f"{key}.max_days"] = ("any", None) if days is None else (str(days), Fraction(days))
    facts[f"{key}.pay"] = rule.pay.value, None
    facts[f"{key}.share"] = ("", None) if rule.share is None else (format_exact(rule.share), rule.share)
    exemptions = [
        f"outcomes {', '.join(sorted(exemption.outcomes)) or 'any'}"
        f" and flags {', '.join(sorted(exemption.drg_flags)) or 'any'}"
        for exemption in rule.exemptions
    ]
    facts[f"{key}.exemptions"] = "; ".join(sorted(exemptions)), None


def _addon_facts(facts: dict[str, Fact], addon: AddOn) -> None:
    key = f"addon[{addon.unit.value}.{addon.kind}]"
    settings = ", ".join(sorted(addon.care_settings)) or "any"
    flags = ", ".join(sorted(addon.drg_flags)) or "any"
    facts[f"{key}."] = f"in full; care settings {settings}, flags {flags}", None
    facts[f"{key}.care_settings"] = settings, None
    facts[f"{key}.drg_flags"] = flags, None
    facts[f"{key}.component"] = addon.component or "", None


def service_facts(schedule: Schedule, codes: Iterable[str]) -> dict[str, Fact]:
    """What the services say beside their rates: how each is paid, and the days it is planned for."""
    facts: dict[str, Fact] = {}
    for code in codes:
        rows = sorted(schedule.services[code], key=lambda row: row.effective_start_date)
        planned = dict.fromkeys(row.planned_days for row in rows if row.planned_days is not None)
        only = Fraction(*planned) if len(planned) == 1 else None
        facts[f"service[{code}].method"] = rows[0].method.value, None
        facts[f"service[{code}].planned_days"] = ", then ".join(map(str, planned)), only
    return facts


def grouping_facts(schedule: Schedule) -> dict[str, Fact]:
    """The grouping rules of an edition and what decides among them, by key as in `rule_facts`."""
    grouping = schedule.grouping
    if grouping is None:
        return {}
    facts: dict[str, Fact] = {
        "grouping.policy": (grouping.policy.kind.value, None),
        "grouping.tie": (grouping.policy.tie.value, None),
        "grouping.qualifiers": (", ".join(sorted(grouping.qualifiers)), None),
    }
    for name, codes in (("diagnoses", grouping.diagnoses), ("procedures", grouping.procedures)):
        if codes is not None:
            known = hashlib.sha256("\n".join(sorted(codes)).encode()).hexdigest()[:12]
            facts[f"grouping_codes.{name}"] = f"{len(codes)} codes ({known})", None
    for rule in grouping.rules:
        key = f"grouping_rule[{rule.rule_id}]"
        conditions = _conditions(rule)
        asked = "; ".join(f"{name} {text}" for name, text in conditions.items())
        facts[f"{key}."] = f"{rule.drg_code}: {asked}", None
        facts[f"{key}.drg_code"] = rule.drg_code, None
        facts[f"{key}.priority"] = str(rule.priority), None
        for name, text in conditions.items():
            facts[f"{key}.{name}"] = text, None
    return facts


def _conditions(rule: GroupingRule) -> dict[str, str]:
    """What a rule asks for, as grouping_rules.csv writes it; codes and words in their order."""
    conditions = {
        "principal_diagnosis": ";".join(sorted(own.text for own in rule.principal_diagnoses)),
        "procedures": ";".join(sorted(own.text for own in rule.procedures)),
        "secondary_diagnoses": ";".join(sorted(own.text for own in rule.secondary_diagnoses)),
        "excluded_secondary_diagnoses": ";".join(
            sorted(own.text for own in rule.excluded_secondary_diagnoses)
        ),
        "age_years": _band(rule.age_years),
        "age_days": _band(rule.age_days),
        "sex": "" if rule.sex is None else rule.sex.value,
        "birth_weight_grams": _band(rule.birth_weight_grams),
        "outcomes": ";".join(sorted(rule.outcomes)),
        "length_of_stay_days": _band(rule.length_of_stay_days),
        "care_settings": ";".join(sorted(rule.care_settings)),
        "qualifiers": ";".join(sorted(rule.qualifiers)),
    }
    return {name: text for name, text in conditions.items() if text}


def _band(band: Band | None) -> str:
    return "" if band is None else str(band)
