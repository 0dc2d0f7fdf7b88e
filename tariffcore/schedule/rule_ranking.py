"""Which of two rules that hold goes first, by the policy of the edition."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction

from tariffcore.schedule.grouping_model import Grouping, GroupingPolicy, GroupingRule, PolicyKind
from tariffcore.schedule.model import AgeClass, Group
from tariffcore.schedule.tariff import group_weight

RankKey = tuple[bool, Fraction, bool, int]
"""Smaller goes first. An unknown weight goes before all others: such a case is not guessed to be light."""


def rank_key(
    rule: GroupingRule, policy: GroupingPolicy, groups: Mapping[str, Group], age_class: AgeClass
) -> RankKey:
    """Where a rule stands for a patient of the age class. Rules with equal keys stand side by side."""
    if policy.kind is PolicyKind.FIRST_MATCH:
        return True, Fraction(0), False, rule.priority
    weight = group_weight(groups[rule.drg_code], age_class)
    loses_the_tie = rule.kind is not policy.tie
    if weight is None:
        return False, Fraction(0), loses_the_tie, rule.priority
    return True, -weight, loses_the_tie, rule.priority


def ranks(grouping: Grouping, groups: Mapping[str, Group], age_class: AgeClass) -> list[int]:
    """The place of every rule among the different keys, from 0."""
    keys = [rank_key(rule, grouping.policy, groups, age_class) for rule in grouping.rules]
    place = {key: number for number, key in enumerate(sorted(set(keys)))}
    return [place[key] for key in keys]
