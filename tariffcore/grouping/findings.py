"""What is worth knowing of an edition's grouping rules that does not make them unusable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tariffcore.codes import diagnosis_with_point, procedure_with_point
from tariffcore.grouping_tables import CompiledRules
from tariffcore.schedule.grouping_model import Band, GroupingRule
from tariffcore.schedule.model import Schedule

MOST_OVERLAPS = 10_000
"""So many pairs are looked for; whoever has more has another question first."""


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two rules of equal rank that name different groups and can hold for one case: it is AMBIGUOUS."""

    one: GroupingRule
    other: GroupingRule


@dataclass(frozen=True, slots=True)
class RuleFindings:
    """Of one edition's rules.

    overlaps              pairs of rules; at most MOST_OVERLAPS
    groups_without_rule   drg_codes that no rule leads to
    diagnoses_uncovered   codes of grouping_codes.csv that no rule lists as principal diagnosis, as printed
    procedures_uncovered  likewise of procedures
    """

    rules: int
    overlaps: tuple[Overlap, ...]
    groups_without_rule: tuple[str, ...]
    diagnoses_uncovered: tuple[str, ...]
    procedures_uncovered: tuple[str, ...]


def findings(schedule: Schedule) -> RuleFindings:
    """What is found in the rules of an edition that has some."""
    grouping = schedule.grouping
    assert grouping is not None, "an edition without rules has no findings"
    compiled = CompiledRules(schedule)
    led_to = {rule.drg_code for rule in grouping.rules}
    diagnoses = compiled.diagnosis_lists.start
    procedures = compiled.procedure_lists.start
    by_principal = [
        range_ for rule in grouping.rules if rule.procedures for range_ in rule.principal_diagnoses
    ]
    return RuleFindings(
        rules=len(grouping.rules),
        overlaps=tuple(_overlaps(schedule, compiled)),
        groups_without_rule=tuple(code for code in schedule.groups if code not in led_to),
        diagnoses_uncovered=tuple(
            diagnosis_with_point(code)
            for code in grouping.diagnoses or ()
            if (place := compiled.principal_class(code)) >= 0
            and diagnoses[place] == diagnoses[place + 1]
            and not any(range_.holds(code) for range_ in by_principal)
        ),
        procedures_uncovered=tuple(
            procedure_with_point(code)
            for code in grouping.procedures or ()
            if procedures[compiled.procedure_class(code)] == procedures[compiled.procedure_class(code) + 1]
        ),
    )


def _overlaps(schedule: Schedule, compiled: CompiledRules) -> Iterator[Overlap]:
    """Pairs within the list of each class of codes, each pair once, rules in file order."""
    rules = compiled.grouping.rules
    seen: set[tuple[int, int]] = set()
    for lists in (compiled.diagnosis_lists, compiled.procedure_lists):
        for age in range(2):
            for place in range(len(lists.start) - 1):
                numbers = lists.rules[age, lists.start[place] : lists.start[place + 1]].tolist()
                for position, one in enumerate(numbers):
                    for other in numbers[position + 1 :]:
                        if compiled.rank[age, other] != compiled.rank[age, one]:
                            break  # lists are in the order of ranks
                        pair = (min(one, other), max(one, other))
                        if pair in seen or rules[one].drg_code == rules[other].drg_code:
                            continue
                        if _may_both_hold(rules[one], rules[other]):
                            seen.add(pair)
                            yield Overlap(rules[pair[0]], rules[pair[1]])
                            if len(seen) >= MOST_OVERLAPS:
                                return


def _may_both_hold(one: GroupingRule, other: GroupingRule) -> bool:
    """Whether one case could meet the conditions of both that can contradict each other."""
    return (
        _meet(one.age_years, other.age_years)
        and _meet(one.age_days, other.age_days)
        and (one.sex is None or other.sex is None or one.sex is other.sex)
        and _meet(one.birth_weight_grams, other.birth_weight_grams)
        and not (one.outcomes and other.outcomes and one.outcomes.isdisjoint(other.outcomes))
        and _meet(one.length_of_stay_days, other.length_of_stay_days)
        and not (
            one.care_settings and other.care_settings and one.care_settings.isdisjoint(other.care_settings)
        )
        and not _excludes(one, other)
        and not _excludes(other, one)
    )


def _meet(one: Band | None, other: Band | None) -> bool:
    if one is None or other is None:
        return True
    low, high = max(one.low or 0, other.low or 0), min(_high(one), _high(other))
    return low <= high


def _high(band: Band) -> int:
    return 1 << 31 if band.high is None else band.high


def _excludes(one: GroupingRule, other: GroupingRule) -> bool:
    """Whether one excludes every secondary diagnosis that the other requires."""
    return bool(other.secondary_diagnoses) and all(
        any(own.low >= out.low and own.high <= out.high for out in one.excluded_secondary_diagnoses)
        for own in other.secondary_diagnoses
    )
