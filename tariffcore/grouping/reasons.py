"""Why a case has its cost group, or none: every rule held against it, condition by condition.

A statement of the rules of its own: neither the kernel nor the twin takes part, and tests say that all agree.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tariffcore.cases import Case
from tariffcore.codes import (
    diagnosis_with_point,
    is_diagnosis,
    normalise_diagnosis,
    normalise_procedure,
    procedure_with_point,
)
from tariffcore.grouping_encoding import sex_of
from tariffcore.schedule.grouping_model import Band, CodeRange, Grouping, GroupingRule
from tariffcore.schedule.model import AgeClass, Schedule
from tariffcore.schedule.rule_ranking import RankKey, rank_key
from tariffcore.schedule.tariff import group_weight
from tariffcore.statuses import CaseStatus

ONE_YEAR_DAYS = 365
"""An age in days of a year or more: no rule tells such ages apart."""


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of a rule. ``holds`` None: the field is missing."""

    field: str
    asked: str
    given: str
    holds: bool | None


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """A rule that holds, or would but for a missing field; ``weight``: of its group for the patient's age."""

    rule: GroupingRule
    weight: Fraction | None
    missing: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NearMiss:
    """The rule that came nearest, and what of it failed or could not be told."""

    rule: GroupingRule
    failed: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class GroupDecision:
    """How a case was grouped.

    rule      the rule that decided, where the status is OK
    others    the other rules that hold, first the next best
    rivals    AMBIGUOUS: the rules of equal rank
    missing   MISSING_FIELD: the fields that would have to say which group it is
    nearest   UNGROUPABLE: what came nearest; None where no rule has anything to do with the case
    diagnosis the principal diagnosis, normalised
    """

    status: CaseStatus
    rule: GroupingRule | None = None
    weight: Fraction | None = None
    others: tuple[RuleMatch, ...] = ()
    rivals: tuple[RuleMatch, ...] = ()
    undecided: RuleMatch | None = None
    missing: tuple[str, ...] = ()
    nearest: NearMiss | None = None
    diagnosis: str = ""


@dataclass(frozen=True, slots=True)
class _Facts:
    """What of a case rules may ask, in one form."""

    principal: str
    secondary: tuple[str, ...]
    procedures: tuple[str, ...]
    years: int | None
    days: int | None
    sex: str | None
    birth_weight: int | None
    outcome: str
    stay: int
    care_setting: str
    qualifiers: frozenset[str]


def full_years(case: Case) -> int | None:
    """The full years of age as given, or as days of age tell them where that leaves no doubt."""
    if case.age_years is not None or case.age_days is None:
        return case.age_years
    years = case.age_days // 366
    return years if case.age_days // 365 == years else None


def decide_group(case: Case, schedule: Schedule, length_of_stay_days: int) -> GroupDecision:
    """The group of a case whose own fields are sound, with everything that led to it."""
    grouping = schedule.grouping
    if grouping is None:
        return GroupDecision(CaseStatus.UNGROUPABLE)
    facts = _facts(case, grouping, length_of_stay_days)
    if not _is_known(facts.principal, grouping):
        return GroupDecision(CaseStatus.UNKNOWN_DIAGNOSIS, diagnosis=facts.principal)
    if facts.years is not None:
        age_class = AgeClass.CHILD if facts.years < schedule.child_age_limit else AgeClass.ADULT
        return _decide(facts, schedule, grouping, age_class)
    adult = _decide(facts, schedule, grouping, AgeClass.ADULT)
    child = _decide(facts, schedule, grouping, AgeClass.CHILD)
    group_of_adult = adult.rule.drg_code if adult.rule else None
    group_of_child = child.rule.drg_code if child.rule else None
    if (adult.status, group_of_adult) == (child.status, group_of_child):
        return adult
    rivals = tuple(RuleMatch(one.rule, one.weight) for one in (adult, child) if one.rule is not None)
    return GroupDecision(CaseStatus.MISSING_FIELD, rivals=rivals, missing=("age_years",))


def _decide(facts: _Facts, schedule: Schedule, grouping: Grouping, age_class: AgeClass) -> GroupDecision:
    held: list[tuple[RankKey, int, RuleMatch]] = []
    open_: list[tuple[RankKey, int, RuleMatch]] = []
    for number, rule in enumerate(grouping.rules):
        conditions = list(_conditions(rule, facts))
        if any(one.holds is False for one in conditions):
            continue
        missing = tuple(one.field for one in conditions if one.holds is None)
        weight = group_weight(schedule.groups[rule.drg_code], age_class)
        key = rank_key(rule, grouping.policy, schedule.groups, age_class)
        (open_ if missing else held).append((key, number, RuleMatch(rule, weight, missing)))
    held.sort(key=lambda entry: entry[:2])
    open_.sort(key=lambda entry: entry[:2])
    if not held:
        if open_:
            first_open = open_[0][2]
            return GroupDecision(CaseStatus.MISSING_FIELD, undecided=first_open, missing=first_open.missing)
        named = any(_among(facts.principal, rule.principal_diagnoses) for rule in grouping.rules)
        if not named and grouping.diagnoses is None:
            return GroupDecision(CaseStatus.UNKNOWN_DIAGNOSIS, diagnosis=facts.principal)
        return GroupDecision(
            CaseStatus.UNGROUPABLE,
            nearest=_nearest(facts, schedule, grouping, age_class),
            diagnosis=facts.principal,
        )
    best_key, _, best = held[0]
    level = [match for key, _, match in held if key == best_key]
    codes = {match.rule.drg_code for match in level}
    before = [match for key, _, match in open_ if key < best_key]
    beside = [match for key, _, match in open_ if key == best_key]
    in_question = (
        before
        if len(codes) > 1
        else [match for match in before + beside if match.rule.drg_code != best.rule.drg_code]
    )
    if in_question:
        return GroupDecision(
            CaseStatus.MISSING_FIELD, undecided=in_question[0], missing=in_question[0].missing
        )
    if len(codes) > 1:
        return GroupDecision(CaseStatus.AMBIGUOUS, rivals=tuple(level))
    others = tuple(match for _, _, match in held[1:])
    return GroupDecision(CaseStatus.OK, best.rule, best.weight, others, diagnosis=facts.principal)


def _nearest(facts: _Facts, schedule: Schedule, grouping: Grouping, age_class: AgeClass) -> NearMiss | None:
    """The rule with the fewest failed conditions, of those that list a code of the case if there are any.

    Rules without codes come next, if but one condition fails.  Where there is none, none is near.
    """
    best: tuple[bool, int, RankKey, int] | None = None
    found: NearMiss | None = None
    for number, rule in enumerate(grouping.rules):
        conditions = list(_conditions(rule, facts))
        failed = tuple(one for one in conditions if one.holds is False)
        by_code = [one for one in conditions if one.field in ("principal_diagnosis", "procedure_codes")]
        if all(one.holds is False for one in by_code) if by_code else len(failed) > 1:
            continue
        place = (
            not by_code,
            len(failed),
            rank_key(rule, grouping.policy, schedule.groups, age_class),
            number,
        )
        if best is None or place < best:
            best, found = place, NearMiss(rule, failed)
    return found


def _facts(case: Case, grouping: Grouping, stay: int) -> _Facts:
    secondary = (normalise_diagnosis(code) for code in case.secondary_diagnoses)
    procedures = (normalise_procedure(code) for code in case.procedure_codes)
    listed = grouping.procedures
    days = case.age_days
    if days is None and case.age_years:
        days = ONE_YEAR_DAYS
    return _Facts(
        principal=normalise_diagnosis(case.principal_diagnosis or ""),
        secondary=tuple(code for code in secondary if _is_known(code, grouping)),
        procedures=tuple(code for code in procedures if listed is None or code in listed),
        years=full_years(case),
        days=days,
        sex=sex_of((case.sex or "").strip()),
        birth_weight=case.birth_weight_grams,
        outcome=(case.outcome or "").strip(),
        stay=stay,
        care_setting=(case.care_setting or "").strip(),
        qualifiers=frozenset(word.strip() for word in case.qualifiers),
    )


def _is_known(code: str, grouping: Grouping) -> bool:
    return is_diagnosis(code) and (grouping.diagnoses is None or code in grouping.diagnoses)


def has_code(code: str, grouping: Grouping) -> bool:
    """Whether the edition lists the code, or where it lists none, some rule does as a principal diagnosis."""
    if grouping.diagnoses is not None:
        return code in grouping.diagnoses
    return any(_among(code, rule.principal_diagnoses) for rule in grouping.rules)


def _among(code: str, ranges: Sequence[CodeRange]) -> bool:
    return any(own.holds(code) for own in ranges)


def _conditions(rule: GroupingRule, facts: _Facts) -> Iterator[Condition]:
    """Each condition that the rule has."""
    if rule.principal_diagnoses:
        yield Condition(
            "principal_diagnosis",
            _texts(rule.principal_diagnoses),
            diagnosis_with_point(facts.principal),
            _among(facts.principal, rule.principal_diagnoses),
        )
    if rule.procedures:
        yield Condition(
            "procedure_codes",
            _texts(rule.procedures),
            ", ".join(procedure_with_point(code) for code in facts.procedures),
            any(_among(code, rule.procedures) for code in facts.procedures),
        )
    secondary = ", ".join(diagnosis_with_point(code) for code in facts.secondary)
    if rule.secondary_diagnoses:
        holds = any(_among(code, rule.secondary_diagnoses) for code in facts.secondary)
        yield Condition("secondary_diagnoses", _texts(rule.secondary_diagnoses), secondary, holds)
    if rule.excluded_secondary_diagnoses:
        excluded = [code for code in facts.secondary if _among(code, rule.excluded_secondary_diagnoses)]
        yield Condition(
            "excluded_secondary_diagnoses",
            _texts(rule.excluded_secondary_diagnoses),
            ", ".join(diagnosis_with_point(code) for code in excluded),
            not excluded,
        )
    for field, band, number in (
        ("age_years", rule.age_years, facts.years),
        ("age_days", rule.age_days, facts.days),
    ):
        if band is not None:
            yield _number(field, band, number)
    if rule.sex is not None:
        is_asked = None if facts.sex is None else facts.sex == rule.sex.value
        yield Condition("sex", rule.sex.value, facts.sex or "", is_asked)
    if rule.birth_weight_grams is not None:
        yield _number("birth_weight_grams", rule.birth_weight_grams, facts.birth_weight)
    if rule.outcomes:
        yield _word("outcome", rule.outcomes, facts.outcome)
    if rule.length_of_stay_days is not None:
        yield _number("length_of_stay_days", rule.length_of_stay_days, facts.stay)
    if rule.care_settings:
        yield _word("care_setting", rule.care_settings, facts.care_setting)
    if rule.qualifiers:
        yield Condition(
            "qualifiers",
            ", ".join(sorted(rule.qualifiers)),
            ", ".join(sorted(facts.qualifiers)),
            rule.qualifiers <= facts.qualifiers,
        )


def _texts(ranges: Sequence[CodeRange]) -> str:
    return ", ".join(own.text for own in ranges[:8]) + (", …" if len(ranges) > 8 else "")


def _number(field: str, band: Band, value: int | None) -> Condition:
    return Condition(
        field, str(band), "" if value is None else str(value), None if value is None else band.holds(value)
    )


def _word(field: str, words: frozenset[str], word: str) -> Condition:
    return Condition(field, ", ".join(sorted(words)), word, word in words)
