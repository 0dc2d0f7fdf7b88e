"""Rule sets that need more than a word of facts, or more than a line of codes: as the twin says."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from tariffcore.errors import CatalogError
from tariffcore.grouping_tables import CompiledRules
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.grouping_model import Band, Grouping, GroupingPolicy, PolicyKind, RuleKind
from tests.grouping.comparing import compared
from tests.grouping.small_rules import GROUPS, case, rule
from tests.grouping.strategies import code_range
from tests.small_schedule import SMALL

BY_PRIORITY = GroupingPolicy(PolicyKind.FIRST_MATCH, RuleKind.DIAGNOSIS, "made for a test")
GRAMS = range(100, 4000, 30)
DAYS = range(1, 150)


def edition_of(rules):
    numbered = tuple(replace(each, priority=place + 1) for place, each in enumerate(rules))
    return replace(
        SMALL, groups=GROUPS, components=(), grouping=Grouping(BY_PRIORITY, numbered, None, None, ())
    )


def rules_met(rules, cases):
    """By how many of the rules cases are grouped, each as the twin groups it."""
    comparisons = list(compared(cases, Plan(Catalog.of([edition_of(rules)]))))
    assert not [str(each) for each in comparisons if each.differs]
    return len({each.twin[1].rule_id for each in comparisons} - {None})


def test_more_bands_than_a_word_has_bits():
    rules = [
        *(rule(f"{low} g", "TINY", ["P07*"], birth_weight_grams=Band(low, low + 20)) for low in GRAMS),
        *(rule(f"{days} d", "SEPSIS", ["A40*"], length_of_stay_days=Band(days, days)) for days in DAYS),
    ]
    admitted = date(2025, 3, 1)
    cases = [
        *(
            case(principal_diagnosis="P07.0", age_years=0, age_days=1, birth_weight_grams=grams)
            for low in GRAMS
            for grams in (max(low - 1, 100), low, low + 20, low + 21)
        ),
        *(
            case(principal_diagnosis="A40.0", discharge_date=admitted + timedelta(days=days))
            for days in range(200)
        ),
    ]

    assert rules_met(rules, cases) == len(rules)


def test_more_codes_than_a_line_has_words():
    codes = [
        f"{letter}{number:02}.{place}" for letter in "ABCDEF" for number in range(50) for place in range(10)
    ]
    rules = [
        rule(f"with {code}", "SHOCK", ["A40*"], secondary_diagnoses=(code_range(code),))
        for code in codes[::7]
    ]
    # the classes of the codes that only this rule lists
    rules.append(rule("with", "SHOCK", ["A41*"], secondary_diagnoses=tuple(map(code_range, codes))))
    cases = [
        case(principal_diagnosis="A40.0", secondary_diagnoses=("Z99.9", code, "Z99.8")) for code in codes[::7]
    ]

    assert rules_met(rules, cases) == len(cases)


def test_bands_that_there_is_no_memory_for_are_refused_in_words(monkeypatch):
    monkeypatch.setattr("tariffcore.grouping_facts._MOST_BITS", 1000)
    rules = [rule(f"{days} d", "SEPSIS", ["A40*"], length_of_stay_days=Band(days, days)) for days in DAYS]

    with pytest.raises(CatalogError, match="write fewer different bands"):
        CompiledRules(edition_of(rules))
