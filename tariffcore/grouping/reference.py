"""The slow twin of grouping, laid out as the rules read.

It shares nothing with the kernel but the model and the spelling of codes.

A case is held against every rule of the edition.  A rule holds, fails, or is undecided: then everything else
holds, and a field that is missing would have to say the rest.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from tariffcore.cases import Case
from tariffcore.codes import is_diagnosis, normalise_diagnosis, normalise_procedure
from tariffcore.schedule.grouping_model import CodeRange, GroupingRule, PolicyKind, RuleKind
from tariffcore.schedule.model import Schedule
from tariffcore.statuses import CaseStatus


@dataclass(frozen=True, slots=True)
class ReferenceGroup:
    """What a case's group is: the rule where the status is OK, nothing otherwise."""

    status: CaseStatus
    rule_id: str | None = None
    drg_code: str | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a rule stands: smaller is earlier."""

    weight_is_known: bool
    minus_weight: Fraction
    loses_the_tie: bool
    priority: int

    def comes_before(self, other: _Place) -> bool:
        mine = (self.weight_is_known, self.minus_weight, self.loses_the_tie, self.priority)
        theirs = (other.weight_is_known, other.minus_weight, other.loses_the_tie, other.priority)
        return mine < theirs


def reference_group(case: Case, schedule: Schedule, length_of_stay_days: int) -> ReferenceGroup:
    """The group of a case whose own fields are sound, by the rules of an edition.

    ``length_of_stay_days`` as the edition counts days.
    """
    grouping = schedule.grouping
    if grouping is None:
        return ReferenceGroup(CaseStatus.UNGROUPABLE)
    code = normalise_diagnosis(case.principal_diagnosis or "")
    if not is_diagnosis(code) or (grouping.diagnoses is not None and code not in grouping.diagnoses):
        return ReferenceGroup(CaseStatus.UNKNOWN_DIAGNOSIS)
    years = _age_years(case)
    if years is not None:
        return _by_weights(case, schedule, years < schedule.child_age_limit, length_of_stay_days)
    adult = _by_weights(case, schedule, False, length_of_stay_days)
    child = _by_weights(case, schedule, True, length_of_stay_days)
    if (adult.status, adult.drg_code) == (child.status, child.drg_code):
        return adult
    return ReferenceGroup(CaseStatus.MISSING_FIELD)


def _by_weights(case: Case, schedule: Schedule, is_child: bool, stay: int) -> ReferenceGroup:
    """The group by the weights of one age class."""
    grouping = schedule.grouping
    assert grouping is not None
    verdicts = [(rule, _verdict(rule, case, schedule, stay)) for rule in grouping.rules]
    holding = [rule for rule, verdict in verdicts if verdict is True]
    undecided = [rule for rule, verdict in verdicts if verdict is None]
    if not holding:
        if undecided:
            return ReferenceGroup(CaseStatus.MISSING_FIELD)
        code = normalise_diagnosis(case.principal_diagnosis or "")
        named = any(_lists(rule.principal_diagnoses, code) for rule in grouping.rules)
        if named or grouping.diagnoses is not None:
            return ReferenceGroup(CaseStatus.UNGROUPABLE)
        return ReferenceGroup(CaseStatus.UNKNOWN_DIAGNOSIS)

    def place(rule: GroupingRule) -> _Place:
        return _place(rule, schedule, is_child)

    first = holding[0]
    for rule in holding[1:]:
        if place(rule).comes_before(place(first)):
            first = rule
    equals = [rule for rule in holding if place(rule) == place(first)]
    earlier = [rule for rule in undecided if place(rule).comes_before(place(first))]
    level = [rule for rule in undecided if place(rule) == place(first)]
    if len({rule.drg_code for rule in equals}) > 1:
        return ReferenceGroup(CaseStatus.MISSING_FIELD if earlier else CaseStatus.AMBIGUOUS)
    if any(rule.drg_code != first.drg_code for rule in earlier + level):
        return ReferenceGroup(CaseStatus.MISSING_FIELD)
    return ReferenceGroup(CaseStatus.OK, first.rule_id, first.drg_code)


def _place(rule: GroupingRule, schedule: Schedule, is_child: bool) -> _Place:
    grouping = schedule.grouping
    assert grouping is not None
    if grouping.policy.kind is PolicyKind.FIRST_MATCH:
        return _Place(True, Fraction(0), False, rule.priority)
    group = schedule.groups[rule.drg_code]
    weight = group.relative_weight_child if is_child else group.relative_weight
    kind = RuleKind.PROCEDURE if rule.procedures else RuleKind.DIAGNOSIS
    if weight is None:  # nobody can say that it is not the heaviest
        return _Place(False, Fraction(0), kind is not grouping.policy.tie, rule.priority)
    return _Place(True, -weight, kind is not grouping.policy.tie, rule.priority)


def _verdict(rule: GroupingRule, case: Case, schedule: Schedule, stay: int) -> bool | None:
    """Whether a rule holds; None where a missing field would have to say."""
    secondary = [normalise_diagnosis(code) for code in case.secondary_diagnoses]
    grouping = schedule.grouping
    assert grouping is not None
    known = grouping.diagnoses
    secondary = [c for c in secondary if is_diagnosis(c) and (known is None or c in known)]
    procedures = [normalise_procedure(code) for code in case.procedure_codes]
    if grouping.procedures is not None:
        procedures = [code for code in procedures if code in grouping.procedures]
    answers: list[bool | None] = []
    if rule.principal_diagnoses:
        answers.append(_lists(rule.principal_diagnoses, normalise_diagnosis(case.principal_diagnosis or "")))
    if rule.procedures:
        answers.append(any(_lists(rule.procedures, code) for code in procedures))
    if rule.secondary_diagnoses:
        answers.append(any(_lists(rule.secondary_diagnoses, code) for code in secondary))
    if rule.excluded_secondary_diagnoses:
        answers.append(not any(_lists(rule.excluded_secondary_diagnoses, code) for code in secondary))
    if rule.age_years is not None:
        years = _age_years(case)
        answers.append(None if years is None else rule.age_years.holds(years))
    if rule.age_days is not None:
        days = _age_days(case)
        answers.append(None if days is None else rule.age_days.holds(days))
    if rule.sex is not None:
        answers.append(None if not _written(case.sex) else _written(case.sex) == rule.sex.value)
    if rule.birth_weight_grams is not None:
        weight = case.birth_weight_grams
        answers.append(None if weight is None else rule.birth_weight_grams.holds(weight))
    if rule.outcomes:
        answers.append(_written(case.outcome) in rule.outcomes)
    if rule.length_of_stay_days is not None:
        answers.append(rule.length_of_stay_days.holds(stay))
    if rule.care_settings:
        answers.append(_written(case.care_setting) in rule.care_settings)
    if rule.qualifiers:
        answers.append(rule.qualifiers.issubset(case.qualifiers))
    if False in answers:
        return False
    return None if None in answers else True


def _lists(ranges: tuple[CodeRange, ...], code: str) -> bool:
    return any(own.low <= code < own.high for own in ranges)


def _written(text: str | None) -> str:
    return (text or "").strip()


def _age_years(case: Case) -> int | None:
    """Full years at admission; of an age in days those that leave no doubt."""
    if case.age_years is not None:
        return case.age_years
    if case.age_days is None:
        return None
    fewest, most = case.age_days // 366, case.age_days // 365
    return fewest if fewest == most else None


def _age_days(case: Case) -> int | None:
    """Days of age; of a year or more it is enough that they are."""
    if case.age_days is not None:
        return case.age_days
    return 365 if case.age_years else None
