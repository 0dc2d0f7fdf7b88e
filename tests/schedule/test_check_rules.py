"""schedule.toml as a whole: words of the vocabulary, one share a setting, stay rules that can apply."""

from __future__ import annotations

import pytest

from tariffcore.schedule.model import Pay
from tests.schedule_folders import FolderText, Spoiled, spoiled

T = "schedule.toml"
EARLY_DEATH = '[[stay_rule]]\nid = "early_death"'


@spoiled(
    Spoiled(
        "share in an unknown setting",
        T,
        'unit = "bed_day"\ncare_setting = "day_hospital"',
        'unit = "bed_day"\ncare_setting = "day_hospitl"',
        "share.care_setting: 'day_hospitl': is not a care setting…; did you mean 'day_hospital'?…",
        at='"day_hospitl"',
    ),
    Spoiled(
        "two shares in one setting",
        T,
        '[[share]]\nunit = "case"\ncare_setting = "home"',
        '[[share]]\nid = "other"\nunit = "case"\ncare_setting = "inpatient"',
        "share.care_setting: 'inpatient': unit 'case' has a share in this care setting already, …; …",
        at='care_setting = "inpatient"\nshare = "1/6"',
    ),
    Spoiled(
        "id of a service's rate",
        T,
        'unit = "case"\ncare_setting = "home"',
        'id = "service.outpatient.rate"\nunit = "case"\ncare_setting = "home"',
        "share.id: 'service.outpatient.rate': is the rule id of a service's own rate; choose another id…",
    ),
    Spoiled(
        "outcome of a rule",
        T,
        '["transferred", "self_discharged"]',
        '["transfered", "self_discharged"]',
        "stay_rule.outcomes: 'transfered': is not in the vocabulary; did you mean 'transferred'?…",
    ),
    Spoiled(
        "setting of a rule",
        T,
        'care_settings = ["inpatient"]\nmax',
        'care_settings = ["ward"]\nmax',
        "stay_rule.care_settings: 'ward': is not in the vocabulary; known are: inpatient, …",
    ),
    Spoiled(
        "flag of an exemption",
        T,
        'drg_flags = ["neonatal"]\n',
        'drg_flags = ["neonate"]\n',
        "stay_rule.exemption.drg_flags: 'neonate': is not in the vocabulary; did you mean 'neonatal'?…",
    ),
    Spoiled(
        "exemption of another outcome",
        T,
        '  outcomes = ["self_discharged"]\n',
        '  outcomes = ["died"]\n',
        "stay_rule.exemption.outcomes: 'died': the rule 'interrupted' pays none of these…; name…",
    ),
    Spoiled(
        "exemption of every case",
        T,
        '  drg_flags = ["neonatal"]\n',
        '  outcomes = ["died"]\n',
        "stay_rule.exemption.outcomes: 'died': exempts every case of the rule 'early_death'…; add drg_flags…",
        at='  outcomes = ["died"]',
    ),
)
def test_a_wrong_reference(tmp_path, mistake):
    mistake.check(tmp_path)


def rule(rule_id: str, conditions: str = "", exemption: str = "") -> str:
    """A stay rule that pays in full, with these conditions and perhaps an exemption."""
    text = f'\n[[stay_rule]]\nid = "{rule_id}"\npay = "full"\nsource = "x"\n{conditions}\n'
    return text + (f'[[stay_rule.exemption]]\nsource = "x"\n{exemption}\n' if exemption else "")


def with_rules(*rules: str) -> FolderText:
    """The folder with these stay rules only."""
    folder = FolderText()
    text = folder.files[T].decode()
    start, end = text.index("[[stay_rule]]"), text.index("[[coefficient]]")
    folder.files[T] = (text[:start] + "".join(rules) + "\n" + text[end:]).encode()
    return folder


UNREACHABLE = {
    "same conditions": (rule("a", "max_days = 3"), rule("b", "max_days = 3")),
    "no condition": (rule("a"), rule("b", 'outcomes = ["died"]\ndeath_unavoidable = true')),
    "every outcome listed": (
        rule("a", 'outcomes = ["discharged", "transferred", "self_discharged", "died"]'),
        rule("b"),
    ),
    "fewer days": (rule("a", "max_days = 3"), rule("b", "max_days = 2")),
    "a narrower setting": (
        rule("a", 'care_settings = ["inpatient", "home"]'),
        rule("b", 'care_settings = ["home"]'),
    ),
    "the same exemption": (
        rule("a", "", 'drg_flags = ["neonatal"]'),
        rule("b", "", 'drg_flags = ["neonatal", "infectious"]'),
    ),
    "an exemption of other outcomes": (
        rule("a", "", 'outcomes = ["died"]'),
        rule("b", 'outcomes = ["transferred"]'),
    ),
}

REACHABLE = {
    "more days": (rule("a", "max_days = 2"), rule("b", "max_days = 3")),
    "any number of days": (rule("a", "max_days = 3"), rule("b")),
    "one more outcome": (rule("a", 'outcomes = ["died"]'), rule("b", 'outcomes = ["died", "transferred"]')),
    "any setting": (rule("a", 'care_settings = ["home"]'), rule("b")),
    "only unavoidable deaths first": (rule("a", "death_unavoidable = true"), rule("b")),
    "the other deaths": (rule("a", "death_unavoidable = true"), rule("b", "death_unavoidable = false")),
    "an exemption the later lacks": (rule("a", "", 'drg_flags = ["neonatal"]'), rule("b")),
    "an exemption the later has of another flag": (
        rule("a", "", 'drg_flags = ["neonatal", "infectious"]'),
        rule("b", "", 'drg_flags = ["neonatal"]'),
    ),
    "an exemption the later has for fewer outcomes": (
        rule("a", "", 'drg_flags = ["neonatal"]'),
        rule("b", "", 'drg_flags = ["neonatal"]\noutcomes = ["died"]'),
    ),
}


@pytest.mark.parametrize("rules", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_rule_that_an_earlier_one_always_forestalls(tmp_path, rules):
    folder = with_rules(*rules)
    problem = folder.problem(tmp_path)
    assert problem.place == f"test-2026/{T}:{folder.line(T, 'id = ' + chr(34) + 'b' + chr(34))}"
    assert (problem.field, problem.value) == ("stay_rule.id", "b")
    assert "can never apply: the rule 'a' above it" in problem.message
    assert "narrower rule first" in problem.way_out


@pytest.mark.parametrize("rules", REACHABLE.values(), ids=REACHABLE)
def test_a_rule_that_may_still_apply_is_no_problem(tmp_path, rules):
    schedule = with_rules(*rules).read(tmp_path)
    assert [(own.id, own.pay) for own in schedule.stay_rules] == [("a", Pay.FULL), ("b", Pay.FULL)]


def test_a_share_of_nothing_may_be_meant(tmp_path):
    schedule = FolderText().replace(T, 'share = "1/2"', 'share = "0"').read(tmp_path)
    assert schedule.stay_rules[1].share == 0


MEDICINE = '[[addon]]\nkind = "medicine"\nunit = "case"\ncomponent = "salaries"\nsource = "rules, item 82"\n'
ITEM_SHARE = '[[share]]\nunit = "item"\ncare_setting = "home"\nshare = "1"\nsource = "rules, item 70"\n'


def with_tables(*tables: str) -> FolderText:
    """The folder with these tables more in schedule.toml."""
    return FolderText().add(T, "".join("\n" + table for table in tables))


# What is added, what else changes, the text on the line to name (its last place), and what is said.
WRONG_ADDONS = {
    "an unknown component": (
        with_tables(MEDICINE.replace("salaries", "salary")),
        'component = "salary"',
        "addon.component: 'salary': is not a component of components.csv; did you mean 'salaries'?",
    ),
    "a component where the schedule has none": (
        with_tables(MEDICINE)
        .without("components.csv")
        .replace("groups.csv", "infectious,general", "infectious,")
        .replace("groups.csv", ",4,,general", ",4,,"),
        'component = "salaries"',
        "addon.component: 'salaries': is not a component of components.csv; remove it",
    ),
    "no component": (
        with_tables(MEDICINE.replace('component = "salaries"\n', "")),
        "[[addon]]",
        "addon.component: is missing: the parts of a payment sum to it, so the add-on is one of them; "
        "name one of salaries, buildings, transport",
    ),
    "half of an item": (
        with_tables(ITEM_SHARE.replace('"1"', '"1/2"\napplies_to = "tariff"')),
        'share = "1/2"',
        "share.share: '0.5': an item is paid at what it has cost, not at a share of it; write share = \"1\"",
    ),
    "of something counted": (
        with_tables(MEDICINE.replace('"case"', '"call"')),
        'unit = "call"',
        "addon.unit: 'call': has no amount that a line could bring with it; known are: case, item",
    ),
    "in an unknown setting": (
        with_tables(MEDICINE + 'care_settings = ["hom"]\n'),
        'care_settings = ["hom"]',
        "addon.care_settings: 'hom': is not in the vocabulary; did you mean 'home'?",
    ),
    "of an unknown flag": (
        with_tables(MEDICINE + 'drg_flags = ["neonate"]\n'),
        'drg_flags = ["neonate"]',
        "addon.drg_flags: 'neonate': is not in the vocabulary; did you mean 'neonatal'?",
    ),
    "an item of a group": (
        with_tables(MEDICINE.replace('"case"', '"item"') + 'drg_flags = ["neonatal"]\n'),
        'drg_flags = ["neonatal"]',
        "addon.drg_flags: 'neonatal': an item has no cost group; remove the line",
    ),
    "the same kind twice": (
        with_tables(MEDICINE, MEDICINE),
        'kind = "medicine"',
        "addon.kind: 'medicine': is paid on a unit 'case' by the table in line 106 already",
    ),
}


@pytest.mark.parametrize("name", WRONG_ADDONS)
def test_a_wrong_addon(tmp_path, name):
    folder, at, says = WRONG_ADDONS[name]
    before = folder.files[T].decode().rpartition(at)[0]
    place = f"test-2026/{T}:{before.count(chr(10)) + 1}: "
    said = str(folder.problem(tmp_path))
    assert said.startswith(place + says), said


def test_one_kind_may_be_paid_on_cases_and_as_an_item(tmp_path):
    schedule = with_tables(MEDICINE, MEDICINE.replace('"case"', '"item"')).read(tmp_path)
    assert [(own.kind, own.unit.value) for own in schedule.addons] == [
        ("medicine", "case"),
        ("medicine", "item"),
    ]


def test_an_item_needs_no_component(tmp_path):
    item = MEDICINE.replace('"case"', '"item"').replace('component = "salaries"\n', "")
    assert with_tables(item).read(tmp_path).addons[0].component is None
