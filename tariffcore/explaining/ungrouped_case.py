"""A treated case that comes without its cost group: the rules of the edition tell it, then it is priced."""

from __future__ import annotations

from dataclasses import replace

from tariffcore.cases import Case
from tariffcore.codes import diagnosis_with_point, digits_for_letters
from tariffcore.explaining.statements import NoAmountError, listed, no_amount, statement, written
from tariffcore.explaining.treated_case import TreatedCase
from tariffcore.explanation import Statement, Step
from tariffcore.grouping.reasons import (
    Condition,
    GroupDecision,
    RuleMatch,
    decide_group,
    full_years,
    has_code,
)
from tariffcore.grouping_encoding import sex_of
from tariffcore.money import format_exact
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.grouping_model import PolicyKind
from tariffcore.schedule.limits import MAX_AGE_DAYS, MAX_BIRTH_WEIGHT_GRAMS, MIN_BIRTH_WEIGHT_GRAMS
from tariffcore.schedule.model import Group, Schedule
from tariffcore.statuses import CaseStatus

_OTHERS_NAMED = 12


def known_qualifiers(catalog: Catalog) -> frozenset[str]:
    """The words with which some edition's cases may be qualified."""
    return frozenset(
        word
        for span in catalog.spans
        if span.schedule.grouping is not None
        for word in span.schedule.grouping.qualifiers
    )


class UngroupedCase(TreatedCase):
    """A line with diagnoses and no cost group."""

    def __init__(self, case: Case, catalog: Catalog) -> None:
        super().__init__(case, catalog)
        self.is_case = True
        self.decision: GroupDecision | None = None

    def _wrong_numbers(self) -> list[Statement]:
        case = self.case
        wrong = super()._wrong_numbers()
        if case.age_days is not None and not 0 <= case.age_days <= MAX_AGE_DAYS:
            wrong.append(statement("invalid_age_days", age_days=str(case.age_days)))
        weight = case.birth_weight_grams
        if weight is not None and not MIN_BIRTH_WEIGHT_GRAMS <= weight <= MAX_BIRTH_WEIGHT_GRAMS:
            wrong.append(statement("invalid_birth_weight", birth_weight_grams=str(weight)))
        sex = written(case.sex)
        if sex is not None and sex_of(sex) is None:
            wrong.append(statement("invalid_sex", text=sex))
        if self.catalog.spans:  # without editions nobody knows the words
            known = known_qualifiers(self.catalog)
            unknown = [word for word in case.qualifiers if word.strip() and word.strip() not in known]
            if unknown:
                words = listed(sorted(known))
                wrong.append(statement("invalid_qualifiers", words=listed(unknown), known=words))
        return wrong

    def _missing_code(self) -> list[Statement]:
        if written(self.case.principal_diagnosis) is None:
            return [statement("missing_diagnosis")]
        return []

    def _check_dates(self) -> None:
        super()._check_dates()
        years, days = self.case.age_years, self.case.age_days
        if years is not None and days is not None and not days // 366 <= years <= days // 365:
            raise no_amount(
                CaseStatus.INVALID_DATES, "ages_contradict", age_years=str(years), age_days=str(days)
            )

    def _group(self, schedule: Schedule) -> Group:
        days, _ = self._length_of_stay(schedule)
        decision = self.decision = decide_group(self.case, schedule, days)
        if decision.rule is None:
            raise NoAmountError(
                decision.status, *_reasons(decision, self.case.principal_diagnosis or "", schedule)
            )
        self.drg_code = decision.rule.drg_code
        self.case = replace(self.case, age_years=full_years(self.case))
        grouping = schedule.grouping
        assert grouping is not None
        if grouping.policy.kind is PolicyKind.HEAVIEST:
            notes = [statement("policy_heaviest", tie=grouping.policy.tie.value)]
        else:
            notes = [statement("policy_first_match")]
        if decision.weight is not None:
            notes.append(statement("grouped_weight", weight=format_exact(decision.weight)))
        notes += [_also(match) for match in decision.others[:_OTHERS_NAMED]]
        if len(decision.others) > _OTHERS_NAMED:
            notes.append(statement("also_hold_more", count=str(len(decision.others) - _OTHERS_NAMED)))
        self.steps.append(
            Step(
                "grouping",
                decision.rule.drg_code,
                rule_id=decision.rule.rule_id,
                source=decision.rule.source,
                notes=tuple(notes),
            )
        )
        return super()._group(schedule)


def _also(match: RuleMatch) -> Statement:
    named = {"rule_id": match.rule.rule_id, "drg_code": match.rule.drg_code}
    if match.weight is None:
        return statement("also_holds_no_weight", **named)
    return statement("also_holds", **named, weight=format_exact(match.weight))


def _reasons(decision: GroupDecision, typed: str, schedule: Schedule) -> list[Statement]:
    """Why there is no group."""
    if schedule.grouping is None:
        return [statement("no_grouping_rules", schedule_id=schedule.id)]
    if decision.status is CaseStatus.UNKNOWN_DIAGNOSIS:
        meant = digits_for_letters(decision.diagnosis)
        if meant is not None and has_code(meant, schedule.grouping):
            code = diagnosis_with_point(meant)
            return [statement("unknown_diagnosis_letter", text=typed, schedule_id=schedule.id, meant=code)]
        return [statement("unknown_diagnosis", text=typed, schedule_id=schedule.id)]
    if decision.status is CaseStatus.AMBIGUOUS:
        rules = [f"{match.rule.rule_id} ({match.rule.drg_code})" for match in decision.rivals]
        return [statement("ambiguous", rules=listed(rules), schedule_id=schedule.id)]
    if decision.status is CaseStatus.MISSING_FIELD:
        fields = ", ".join(decision.missing)
        undecided = decision.undecided
        if undecided is None:
            codes = listed([match.rule.drg_code for match in decision.rivals])
            return [statement("missing_for_age_class", fields=fields, groups=codes)]
        rule = undecided.rule
        return [statement("missing_for_rule", fields=fields, rule_id=rule.rule_id, drg_code=rule.drg_code)]
    if decision.nearest is None:
        return [statement("ungroupable", text=typed, schedule_id=schedule.id)]
    rule = decision.nearest.rule
    nearest = statement(
        "ungroupable_nearest", schedule_id=schedule.id, rule_id=rule.rule_id, drg_code=rule.drg_code
    )
    return [nearest, *(_failed(condition) for condition in decision.nearest.failed)]


def _failed(condition: Condition) -> Statement:
    if condition.field == "excluded_secondary_diagnoses":
        return statement("condition_excluded", asked=condition.asked, given=condition.given)
    if not condition.given:
        return statement("condition_empty", field=condition.field, asked=condition.asked)
    return statement("condition_failed", field=condition.field, asked=condition.asked, given=condition.given)
