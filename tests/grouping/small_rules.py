"""A few rules that can be followed by hand, on the small schedule: 1,000.00 for a weight of 1."""

from dataclasses import replace
from datetime import date

from tariffcore.cases import Case
from tariffcore.codes import normalise_procedure
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.grouping_model import (
    Band,
    Grouping,
    GroupingPolicy,
    GroupingRule,
    PolicyKind,
    RuleKind,
    Sex,
)
from tests.grouping.strategies import code_range
from tests.small_schedule import SMALL, group


def rule(rule_id, drg_code, principal=(), procedures=(), **conditions):
    defaults = {
        "priority": 1,
        "secondary_diagnoses": (),
        "excluded_secondary_diagnoses": (),
        "age_years": None,
        "age_days": None,
        "sex": None,
        "birth_weight_grams": None,
        "outcomes": frozenset(),
        "length_of_stay_days": None,
        "care_settings": frozenset(),
        "qualifiers": frozenset(),
        "source": f"source of {rule_id}",
        "line": 2,
    }
    return GroupingRule(
        rule_id=rule_id,
        drg_code=drg_code,
        principal_diagnoses=tuple(code_range(text) for text in principal),
        procedures=tuple(code_range(text, normalise_procedure) for text in procedures),
        **{**defaults, **conditions},
    )


RULES = (
    rule("sepsis", "SEPSIS", ["A40*", "A41*"]),
    rule("sepsis-shock", "SHOCK", ["A40*", "A41*"], secondary_diagnoses=(code_range("R57.2"),)),
    rule("delivery", "BIRTH", ["O80*"], sex=Sex.FEMALE),
    rule(
        "delivery-bleeding",
        "BLEEDING",
        ["O80*"],
        sex=Sex.FEMALE,
        qualifiers=frozenset({"blood_loss_over_1_litre"}),
    ),
    rule("tiny", "TINY", age_days=Band(0, 27), birth_weight_grams=Band(None, 749)),
    rule("graft", "GRAFT", [], ["13.7*"]),
    rule("twin-a", "TWIN-A", ["B00"]),
    rule("twin-b", "TWIN-B", ["B00"]),
    rule("child", "CHILD", ["J18*"], age_years=Band(None, 17)),
    rule("adult", "ADULT", ["J18*"], age_years=Band(18, None)),
)
GROUPS = {
    "SEPSIS": group("SEPSIS", "3"),
    "SHOCK": group("SHOCK", "5"),
    "BIRTH": group("BIRTH", "1"),
    "BLEEDING": group("BLEEDING", "2"),
    "TINY": group("TINY", "20"),
    "GRAFT": group("GRAFT", "3"),
    "TWIN-A": group("TWIN-A", "1"),
    "TWIN-B": group("TWIN-B", "1"),
    "CHILD": group("CHILD", "1", child="1.5"),
    "ADULT": group("ADULT", "1", child=None),
}
POLICY = GroupingPolicy(PolicyKind.HEAVIEST, RuleKind.DIAGNOSIS, "the policy's source")
EDITION = replace(
    SMALL,
    groups=GROUPS,
    components=(),
    grouping=Grouping(POLICY, RULES, None, None, ("blood_loss_over_1_litre",)),
)
CATALOG = Catalog.of([EDITION])


def case(**changes):
    fields = {
        "case_id": "7",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 9),
        "age_years": 40,
        "sex": "female",
    }
    return Case(**{**fields, **changes})
