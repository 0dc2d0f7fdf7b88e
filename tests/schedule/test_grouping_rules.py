"""grouping_rules.csv: read into the model, written back, and every mistake told."""

import pytest

from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.grouping_model import Band, PolicyKind, RuleKind, Sex
from tariffcore.schedule.writing import write_schedule
from tests.schedule_folders import NAME, FolderText

POLICY = """
[grouping]
policy = "heaviest"
tie = "diagnosis"
qualifiers = ["infection_active", "extra_costs"]
source = "letter 7"
"""

HEADER = (
    "rule_id,drg_code,priority,principal_diagnosis,procedures,secondary_diagnoses,excluded_secondary_diagnoses,"
    "age_years,age_days,sex,birth_weight_grams,outcomes,length_of_stay_days,care_settings,qualifiers,source\n"
)
SEPSIS = "sepsis,G1,,A40.0;А41*,,,,,,,,,,,,order 1\n"  # the second А is Cyrillic
NEWBORN = "small,G2,2,,,,P27*,,0-27,,-749,discharged;transferred,,inpatient,,order 1\n"
SURGERY = "surgery,G3,,K35-K37.9,47.01;47.1*,I10;E10-E14,,18-,,female,,,3-10,,infection_active,order 1\n"
RULES = HEADER + SEPSIS + NEWBORN + SURGERY


def folder(rules: str = RULES, policy: str = POLICY) -> FolderText:
    return FolderText().add("schedule.toml", policy).add("grouping_rules.csv", rules)


def test_rules_are_read_as_they_are_written(tmp_path):
    grouping = folder().read(tmp_path).grouping

    assert grouping.policy.kind is PolicyKind.HEAVIEST
    assert grouping.policy.tie is RuleKind.DIAGNOSIS
    assert grouping.qualifiers == ("infection_active", "extra_costs")
    sepsis, small, surgery = grouping.rules
    assert [(own.low, own.high) for own in sepsis.principal_diagnoses] == [
        ("A400", "A400\0"),
        ("A41", "A41~"),
    ]
    assert (sepsis.priority, sepsis.kind, sepsis.line) == (1, RuleKind.DIAGNOSIS, 2)
    assert (small.priority, small.age_days, small.birth_weight_grams) == (2, Band(0, 27), Band(None, 749))
    assert small.outcomes == {"discharged", "transferred"}
    assert small.care_settings == {"inpatient"}
    assert [own.text for own in small.excluded_secondary_diagnoses] == ["P27*"]
    assert (surgery.kind, surgery.sex, surgery.age_years) == (RuleKind.PROCEDURE, Sex.FEMALE, Band(18, None))
    assert [(own.low, own.high) for own in surgery.procedures] == [("4701", "4701\0"), ("471", "471~")]
    assert surgery.principal_diagnoses[0].holds("K379")
    assert surgery.principal_diagnoses[0].holds("K36")
    assert not surgery.principal_diagnoses[0].holds("K38")
    assert surgery.length_of_stay_days == Band(3, 10)
    assert surgery.qualifiers == {"infection_active"}


def test_rules_are_part_of_the_digest_and_are_written_as_they_were_read(tmp_path):
    read = folder().read(tmp_path)
    without = FolderText().read(tmp_path / "other")
    written = write_schedule(read, tmp_path / "copy")

    assert read.digest != without.digest
    assert without.grouping is None
    assert written.grouping == read.grouping


def test_codes_in_use_are_listed(tmp_path):
    codes = "system,code,name\ndiagnosis,A40.0,Sepsis\ndiagnosis,A41.9,\nprocedure,47.01,Removal\n"
    text = folder(HEADER + SEPSIS).add("grouping_codes.csv", codes)
    grouping = text.read(tmp_path).grouping

    assert dict(grouping.diagnoses) == {"A400": "Sepsis", "A419": ""}
    assert dict(grouping.procedures) == {"4701": "Removal"}
    assert write_schedule(read_schedule(tmp_path / NAME), tmp_path / "copy").grouping == grouping


MISTAKES = {
    "a group that is not in the table": (
        "r,G9,,A40.0,,,,,,,,,,,,o\n",
        "drg_code: 'G9': is not a group of groups.csv; known are: G1, G2, G3; or add the group, "
        "or remove the rule",
    ),
    "a letter for a digit": (
        "r,G1,,A4O.0,,,,,,,,,,,,o\n",
        "principal_diagnosis: 'A4O.0': is not an ICD-10 code; write it like A40.0, or A40 for a category",
    ),
    "a range from behind": (
        "r,G1,,A49-A40,,,,,,,,,,,,o\n",
        "principal_diagnosis: 'A49-A40': the range 'A49-A40' ends before it begins; write the smaller code "
        "first: A40-A49",
    ),
    "a procedure without digits": (
        "r,G1,,,x,,,,,,,,,,,o\n",
        "procedures: 'x': is not a procedure code; write it like 13.73",
    ),
    "a band in words": (
        "r,G1,,A40.0,,,,adults,,,,,,,,o\n",
        "age_years: 'adults': is not a band of whole numbers; write 500-749 (both included), 18- for 18 and "
        "more, -749 for up to 749, or one number",
    ),
    "kilograms": (
        "r,G1,,A40.0,,,,,,,-3,,,,,o\n",
        "birth_weight_grams: '-3': is out of range; write a whole number from 100 to 8000",
    ),
    "an unknown outcome": (
        "r,G1,,A40.0,,,,,,,,dyed,,,,o\n",
        "outcomes: 'dyed': is not in the vocabulary; did you mean 'died'? known are: discharged, "
        "transferred, self_discharged, died; or add it to [vocabulary] in schedule.toml",
    ),
    "an unknown qualifier": (
        "r,G1,,A40.0,,,,,,,,,,,extra_cost,o\n",
        "qualifiers: 'extra_cost': is not a qualifier of this edition; did you mean 'extra_costs'? known "
        "are: infection_active, extra_costs; or add it to [grouping] in schedule.toml",
    ),
    "no condition": (
        "r,G1,,,,,,,,,,,,,,o\n",
        "'r': has no condition, so it holds for every case; give it a diagnosis, a procedure or another "
        "condition, or remove the row",
    ),
    "the sex": (
        "r,G1,,A40.0,,,,,,f,,,,,,o\n",
        "sex: 'f': is not known here; known are: female, male",
    ),
    "required and excluded at once": (
        "r,G1,,A40.0,,I10,I*,,,,,,,,,o\n",
        "excluded_secondary_diagnoses: 'I*': excludes every secondary diagnosis that the rule requires, so "
        "it can never hold; correct one of the two cells, or remove the row",
    ),
    "an age in days of a schoolchild": (
        "r,G1,,A40.0,,,,7-,0-27,,,,,,,o\n",
        "age_years: '7-': says more than, or contradicts, age_days 0-27, which is of the first year; leave "
        "one of the two cells empty",
    ),
    "no source": (
        "r,G1,,A40.0,,,,,,,,,,,,\n",
        "source: is empty; every row needs its source (or remove the row)",
    ),
}


@pytest.mark.parametrize(("row", "says"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line_and_the_way_out(tmp_path, row, says):
    assert str(folder(HEADER + row).problem(tmp_path)) == f"{NAME}/grouping_rules.csv:2: {says}"


def test_all_mistakes_are_told_at_once(tmp_path):
    rows = [row.replace("r,", f"r{number},", 1) for number, (row, _) in enumerate(MISTAKES.values())]
    problems = folder(HEADER + "".join(rows)).problems(tmp_path)

    assert [problem.place.rpartition(":")[2] for problem in problems] == [
        str(n) for n in range(2, 2 + len(rows))
    ]


def test_a_rule_twice(tmp_path):
    problem = folder(HEADER + SEPSIS + SEPSIS.replace("A40.0;", "")).problem(tmp_path)

    assert str(problem).startswith(
        f"{NAME}/grouping_rules.csv:3: rule_id: 'sepsis': the rule stands in line 2"
    )


def test_rules_without_a_policy_and_a_policy_without_rules(tmp_path):
    assert "needs a policy" in str(folder(policy="").problem(tmp_path / "a"))
    assert "there is no grouping_rules.csv" in str(
        FolderText().add("schedule.toml", POLICY).problem(tmp_path / "b")
    )
    without_tie = POLICY.replace('tie = "diagnosis"\n', "")
    assert (
        str(folder(policy=without_tie).problem(tmp_path / "c")).partition(": ")[2].startswith("grouping.tie")
    )
    first = POLICY.replace('"heaviest"', '"first_match"')
    assert "has no meaning for first_match" in str(folder(policy=first).problem(tmp_path / "d"))


def test_a_code_that_the_classification_does_not_have(tmp_path):
    codes = "system,code,name\ndiagnosis,A41.0,\nprocedure,47.01,\n"
    problems = folder(HEADER + SEPSIS + SURGERY).add("grouping_codes.csv", codes).problems(tmp_path)

    assert [(problem.field, problem.value) for problem in problems] == [
        ("principal_diagnosis", "A40.0"),
        ("principal_diagnosis", "K35-K37.9"),
        ("secondary_diagnoses", "I10"),
        ("secondary_diagnoses", "E10-E14"),
        ("procedures", "47.1*"),
    ]


WINS = {
    "the heavier group takes all of its codes": ("b,G2,,A40.0,,,,,,,,,,,,o\n", "a,G1,,A40.0,,,,,,,,,,,,o\n"),
    "a prefix": ("b,G2,,A*,,,,,,,,,,,,o\n", "a,G1,,A40.0;A41.9,,,,,,,,,,,,o\n"),
    "two ranges that join": ("b,G2,,A40-A45;A46-A49,,,,,,,,,,,,o\n", "a,G1,,A44-A45,,,,,,,,,,,,o\n"),
    "a wider age": ("b,G2,,A40.0,,,,1-,,,,,,,,o\n", "a,G1,,A40.0,,,,18-40,,,,,,,,o\n"),
    "the tie": ("b,G1,,A40.0,,,,,,,,,,,,o\n", "a,G1,,A40.0,13.73,,,,,,,,,,,o\n"),
    "the same group": ("b,G1,,A40*,,,,,,,,,,,,o\n", "a,G1,,A40.0,,,,,,,,,,,,o\n"),
    "a priority": ("b,G1,1,A40.0,,,,,,,,,,,,o\n", "a,G1,2,A40.0,,,,,,,,,,,,o\n"),
}


@pytest.mark.parametrize(("winner", "loser"), WINS.values(), ids=WINS)
def test_a_rule_that_can_never_decide(tmp_path, winner, loser):
    problem = folder(HEADER + winner + loser).problem(tmp_path)

    assert (problem.field, problem.value) == ("rule_id", "a")
    assert "the rule 'b' (line 2) holds for each of its cases and goes first" in problem.message


BOTH_DECIDE = {
    "lighter, but wider": ("b,G2,,A40.0,,,,,,,,,,,,o\n", "a,G1,,A40*,,,,,,,,,,,,o\n"),
    "heavier for children only": ("b,G3,,A40.0,,,,,,,,,,,,o\n", "a,G1,,A40.0,,,,,,,,,,,,o\n"),
    "another sex": ("b,G2,,A40.0,,,,,,female,,,,,,o\n", "a,G1,,A40.0,,,,,,,,,,,,o\n"),
    "an exclusion": ("b,G2,,A40.0,,,I10,,,,,,,,,o\n", "a,G1,,A40.0,,,,,,,,,,,,o\n"),
    "a gap": ("b,G2,,A40-A42;A44-A49,,,,,,,,,,,,o\n", "a,G1,,A40-A49,,,,,,,,,,,,o\n"),
    "equal, another group": ("b,G2,,A40.0,,,,,,,,,,,,o\n", "a,G2,,A41.0,,,,,,,,,,,,o\n"),
}


@pytest.mark.parametrize("rules", BOTH_DECIDE.values(), ids=BOTH_DECIDE)
def test_rules_that_both_decide_sometimes_are_left_alone(tmp_path, rules):
    assert len(folder(HEADER + "".join(rules)).read(tmp_path).grouping.rules) == 2
