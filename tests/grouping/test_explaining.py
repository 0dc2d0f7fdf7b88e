"""Why a case has its group, or none."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.cases import table_from_cases
from tariffcore.explain import explain_case
from tariffcore.labelling import LANGUAGES
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.rejects import RejectedCase, RejectReasons
from tariffcore.schedule.catalog import Catalog
from tariffcore.single_case import price_case
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests.comparing import results_of
from tests.grouping.small_rules import CATALOG, EDITION, case
from tests.grouping.strategies import build_ungrouped_case, grouped_catalog
from tests.small_schedule import SMALL
from tests.strategies import DrawnChoices

PLAN = Plan(CATALOG)

GROUPED = {
    "by diagnosis": ({"principal_diagnosis": "A40.0"}, "SEPSIS", "sepsis"),
    "a Cyrillic letter": ({"principal_diagnosis": "А41.9"}, "SEPSIS", "sepsis"),
    "the heavier": (
        {"principal_diagnosis": "A40.0", "secondary_diagnoses": ("I10", "R57.2")},
        "SHOCK",
        "sepsis-shock",
    ),
    "a tie goes to the diagnosis": (
        {"principal_diagnosis": "A40.0", "procedure_codes": ("13.73",)},
        "SEPSIS",
        "sepsis",
    ),
    "the procedure is heavier": (
        {"principal_diagnosis": "O80.0", "procedure_codes": ("1373",)},
        "GRAFT",
        "graft",
    ),
    "a procedure alone": ({"principal_diagnosis": "Z99", "procedure_codes": ("13,7301",)}, "GRAFT", "graft"),
    "a qualifier": (
        {"principal_diagnosis": "O80", "qualifiers": ("blood_loss_over_1_litre",)},
        "BLEEDING",
        "delivery-bleeding",
    ),
    "a newborn by weight": (
        {"principal_diagnosis": "A40", "age_years": None, "age_days": 3, "birth_weight_grams": 700},
        "TINY",
        "tiny",
    ),
    "a child": ({"principal_diagnosis": "J18.9", "age_years": 17}, "CHILD", "child"),
    "an adult": ({"principal_diagnosis": "J18.9", "age_years": 18}, "ADULT", "adult"),
    "five hundred procedures": (
        {"principal_diagnosis": "O80", "procedure_codes": ("99.99",) * 499 + ("13.7",)},
        "GRAFT",
        "graft",
    ),
}


@pytest.mark.parametrize(("changes", "drg_code", "rule_id"), GROUPED.values(), ids=GROUPED)
def test_the_group_of_a_case(changes, drg_code, rule_id):
    explanation = explain_case(case(**changes), CATALOG)
    step = next(step for step in explanation.steps if step.id == "grouping")

    assert (step.result, step.rule_id, step.source) == (drg_code, rule_id, f"source of {rule_id}")
    assert price_case(case(**changes), PLAN).amount_minor == explanation.amount_minor
    weights = {
        "SEPSIS": 3,
        "SHOCK": 5,
        "BLEEDING": 2,
        "TINY": 20,
        "GRAFT": 3,
        "CHILD": Fraction(3, 2),
        "ADULT": 1,
    }
    assert explanation.amount_minor == 100_000 * weights[drg_code]


def test_the_step_names_the_others_that_hold_with_their_weights():
    changes = {
        "principal_diagnosis": "A40.0",
        "secondary_diagnoses": ("R57.2",),
        "procedure_codes": ("13.7",),
    }
    text = explain_case(case(**changes), CATALOG).to_text()

    assert "Grouping" in text
    assert "also holds: sepsis ('SEPSIS'), weight 3" in text
    assert "also holds: graft ('GRAFT'), weight 3" in text
    assert "rule sepsis-shock" in text


REASONS = {
    "no diagnosis": (
        {"principal_diagnosis": " "},
        CaseStatus.MISSING_FIELD,
        "drg_code, service_code and principal_diagnosis are all empty: fill in the principal diagnosis, from "
        "which the cost group is found, or the group itself",
    ),
    "no code of the classification": (
        {"principal_diagnosis": "A4O.0"},
        CaseStatus.UNKNOWN_DIAGNOSIS,
        "principal_diagnosis 'A4O.0' is not a code small knows: A40.0 may be meant, for a letter stands "
        "where a digit belongs; correct it",
    ),
    "a code no rule names": (
        {"principal_diagnosis": "Z99.9"},
        CaseStatus.UNKNOWN_DIAGNOSIS,
        "principal_diagnosis 'Z99.9' is not a code small knows: check it, or add it to the rules",
    ),
    "a male delivery": (
        {"principal_diagnosis": "O80", "sex": "male"},
        CaseStatus.UNGROUPABLE,
        "no grouping rule of small holds; nearest comes delivery ('BIRTH'), which does not hold either; "
        "sex is male, the rule asks for female",
    ),
    "a newborn of 9 kg": (
        {"principal_diagnosis": "A40", "birth_weight_grams": 9000},
        CaseStatus.INVALID_FIELD,
        "birth_weight_grams 9,000 is not between 100 and 8000: give grams, or leave it empty",
    ),
    "ages that contradict": (
        {"principal_diagnosis": "A40", "age_years": 40, "age_days": 5},
        CaseStatus.INVALID_DATES,
        "age_years 40 and age_days 5 contradict each other: correct one of them, or leave it empty",
    ),
    "two groups of one weight": (
        {"principal_diagnosis": "B00"},
        CaseStatus.AMBIGUOUS,
        "grouping rules of small hold with equal rank and name different groups: twin-a (TWIN-A), "
        "twin-b (TWIN-B); give one of them another priority",
    ),
    "an age that decides": (
        {"principal_diagnosis": "J18", "age_years": None},
        CaseStatus.MISSING_FIELD,
        "empty: age_days, birth_weight_grams; the grouping rule tiny ('TINY') depends on it: fill in",
    ),
    "a sex that decides": (
        {"principal_diagnosis": "O80", "sex": None},
        CaseStatus.MISSING_FIELD,
        "empty: sex; the grouping rule delivery ('BIRTH') depends on it: fill in",
    ),
    "no sex": (
        {"principal_diagnosis": "O80", "sex": "2"},
        CaseStatus.INVALID_FIELD,
        "sex '2' is neither female nor male: correct it, or leave it empty",
    ),
    "a qualifier no edition knows": (
        {"principal_diagnosis": "O80", "qualifiers": ("blood_loss",)},
        CaseStatus.INVALID_FIELD,
        "qualifiers no edition knows: blood_loss; use of blood_loss_over_1_litre",
    ),
}


@pytest.mark.parametrize(("changes", "status", "reason"), REASONS.values(), ids=REASONS)
def test_why_there_is_no_group(changes, status, reason):
    explanation = explain_case(case(**changes), CATALOG)

    assert explanation.status is status
    assert explanation.reason_in("en") == reason
    assert price_case(case(**changes), PLAN).status is status
    for language in LANGUAGES:
        assert explanation.reason_in(language)
    rejected = RejectedCase(case(**changes), status, "small")
    assert RejectReasons(CATALOG).of_cases([rejected]) == [reason]


def test_there_is_an_example_of_every_status_of_grouping():
    assert {status for _, status, _ in REASONS.values()} >= GROUPING_STATUSES


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_the_explanation_says_what_the_kernel_found(data):
    choices = DrawnChoices(data.draw)
    catalog = grouped_catalog(choices)
    plan = Plan(catalog)
    cases = [build_ungrouped_case(choices, str(number)) for number in range(4)]
    priced = price_cases(table_from_cases(cases), plan)

    for row, (one, kernel) in enumerate(zip(cases, results_of(priced), strict=True)):
        explanation = explain_case(one, catalog)
        assert (explanation.status, explanation.amount_minor) == (kernel.status, kernel.amount_minor), one
        if kernel.status is CaseStatus.OK:
            rules = plan.grouping_rules[priced.encoded.grouped.edition[row]].grouping.rules
            step = next(step for step in explanation.steps if step.id == "grouping")
            assert step.rule_id == rules[priced.encoded.grouped.rule[row]].rule_id
        else:
            assert explanation.reason_in("en")


def test_an_edition_without_rules_among_others_says_so():
    later = replace(SMALL, id="later", published=date(2025, 1, 2), effective_start_date=date(2025, 6, 1))
    catalog = Catalog.of([EDITION, later])
    stay = {"admission_date": date(2025, 6, 3), "discharge_date": date(2025, 6, 9)}
    explanation = explain_case(case(principal_diagnosis="A40", **stay), catalog)

    assert explanation.status is CaseStatus.UNGROUPABLE
    assert explanation.reason_in("en") == "later has no grouping rules: fill in drg_code"
    assert price_case(case(principal_diagnosis="A40", **stay), Plan(catalog)).status is CaseStatus.UNGROUPABLE
