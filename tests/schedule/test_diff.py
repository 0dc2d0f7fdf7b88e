"""What changes between two editions: every kind of change, its size, and the order by effect."""

from __future__ import annotations

import dataclasses
from datetime import date
from fractions import Fraction

import pytest

from tariffcore.errors import ScheduleError
from tariffcore.schedule.changes import DIFF_COLUMNS, CoefficientChange, RuleChange, TariffChange
from tariffcore.schedule.diff import diff_schedules
from tariffcore.schedule.grouping_model import Band
from tariffcore.schedule.model import AgeClass
from tests.grouping.small_rules import CATALOG
from tests.schedule_folders import FolderText

SMALL_RULES = CATALOG.editions[0]


@pytest.fixture
def edition(tmp_path):
    """Makes a schedule of the small folder with some places replaced: (file, old, new)."""
    made = iter(range(100))

    def make(*changes):
        text = FolderText()
        for file, old, new in changes:
            text.replace(file, old, new)
        return text.read(tmp_path / str(next(made)))

    return make


def test_nothing_changes(edition):
    diff = diff_schedules(edition(), edition())
    assert diff.is_empty and diff.rows() == []
    # 3 groups in 3 settings for 2 ages, less the 3 of the group without a child weight
    assert diff.tariffs_compared == 15


def test_a_weight_changes_the_tariffs_it_makes(edition):
    new = edition(
        ("groups.csv", "3.9114", "4.0000"),
        ("published.csv", "G1,inpatient,adult,3.9114,686930.98", "G1,inpatient,adult,4,702491.16"),
        ("published.csv", "G1,day_hospital,adult,1.5646,274779.42", "G1,day_hospital,adult,1.6,280996.46"),
    )
    diff = diff_schedules(edition(), new)
    assert diff.tariffs == (
        # round(686930.98 / 6), round(702491.16 / 6); round(1.5646 x rate), ...: roundings differ a little
        TariffChange("G1", "Septicaemia", "inpatient", AgeClass.ADULT, 68693098, 70249116),
        TariffChange("G1", "Septicaemia", "home", AgeClass.ADULT, 11448850, 11708186),
        TariffChange("G1", "Septicaemia", "day_hospital", AgeClass.ADULT, 27477942, 28099646),
    )
    assert [row.relative for row in diff.tariffs] == sorted(
        (row.relative for row in diff.tariffs), reverse=True
    )
    assert diff.tariffs[0].change_minor == 1556018
    assert diff.tariffs[0].relative == Fraction(70249116, 68693098) - 1
    (weight,) = diff.groups
    assert (weight.field, weight.old, weight.new) == ("relative_weight", "3.9114", "4")
    row = diff.rows()[0]
    assert [getattr(row, column) for column in DIFF_COLUMNS] == [
        "tariff",
        "G1",
        "inpatient, adult",
        "686930.98",
        "702491.16",
        "15560.18",
        "+2.27",
    ]


def test_one_row_where_adults_and_children_change_alike(edition):
    old = edition(("published.csv", "G1,inpatient,child,3.5000,614679.77,order 1\n", ""))
    new = edition(
        ("published.csv", "G1,inpatient,child,3.5000,614679.77,order 1\n", ""),
        ("groups.csv", "22.0576,22.0576", "22.0000,22.0000"),
    )
    diff = diff_schedules(old, new)
    assert {(row.drg_code, row.age_class) for row in diff.tariffs} == {("G2", None)}


def test_groups_come_and_go_by_weight(edition):
    old = edition()
    new = edition(
        ("groups.csv", 'G2,"Newborn, small",22.0576', 'H1,"New",1,1,,,,order 2\nH2,"Newborn, small",22.0576')
    )
    diff = diff_schedules(old, new)
    assert [group.drg_code for group in diff.groups_added] == ["H2", "H1"]
    assert [group.drg_code for group in diff.groups_removed] == ["G2"]
    kinds = [(row.kind, row.code, row.old, row.new) for row in diff.rows()]
    assert kinds == [
        ("group_added", "H2", "", "22.0576"),
        ("group_added", "H1", "", "1"),
        ("group_removed", "G2", "22.0576", ""),
    ]


def test_fields_of_a_group(edition):
    new = edition(
        ("groups.csv", "G1,Septicaemia,3.9114,3.5000,7,infectious,general", "G1,Sepsis,3.9114,3.5000,10,,"),
        ("groups.csv", "G3,Adults only,0.5000,,4", "G3,Adults only,0.5000,0.4,4"),
    )
    diff = diff_schedules(edition(), new)
    assert [(change.drg_code, change.field, change.old, change.new) for change in diff.groups] == [
        ("G1", "component_profile", "general", None),
        ("G1", "flags", "infectious", ""),
        ("G1", "name", "Septicaemia", "Sepsis"),
        ("G3", "relative_weight_child", None, "0.4"),
        ("G1", "planned_days", "7", "10"),
    ]
    # A child of G3 was not paid before.
    assert [(row.drg_code, row.age_class, row.old_minor) for row in diff.tariffs] == [
        ("G3", AgeClass.CHILD, None)
    ] * 3


def test_rules_and_settings(edition):
    new = edition(
        ("schedule.toml", 'title = "A small', 'title = "Another small'),
        (
            "schedule.toml",
            'share = "1/6"\napplies_to = "tariff"\nsource = "rules, item 73"',
            'share = "1/5"\napplies_to = "tariff"\nsource = "rules, item 73"',
        ),
        ("schedule.toml", "max_hours = 24\n", ""),
        ("schedule.toml", 'max_days = 3\npay = "per', 'max_days = 4\npay = "per'),
        ("schedule.toml", 'pay = "share"\nshare = "1/2"', 'pay = "full"'),
        ("schedule.toml", 'id = "day_hospital.arteriography"', 'id = "day_hospital.other"'),
        ("schedule.toml", 'outcomes = ["self_discharged"]', 'outcomes = ["transferred"]'),
    )
    diff = diff_schedules(edition(), new)
    assert diff.rules == (
        RuleChange("stay_rule[interrupted].max_days", "3", "4", Fraction(1, 3)),
        RuleChange("share[case.home].share", "1/6", "0.2", Fraction(1, 5)),
        RuleChange(
            "title",
            "A small schedule that has one of everything",
            "Another small schedule that has one of everything",
            None,
        ),
        RuleChange("share[case.day_hospital].max_hours", "24", None, None),
        RuleChange("exception[day_hospital.arteriography]", "0.75 of the tariff for 8855, 8856", None, None),
        RuleChange(
            "stay_rule[interrupted].exemptions",
            "outcomes self_discharged and flags infectious",
            "outcomes transferred and flags infectious",
            None,
        ),
        RuleChange("stay_rule[early_death].pay", "share", "full", None),
        RuleChange("stay_rule[early_death].share", "0.5", None, None),
        RuleChange("exception[day_hospital.other]", None, "0.75 of the tariff for 8855, 8856", None),
    )
    assert {(row.care_setting, row.drg_code) for row in diff.tariffs} == {
        ("home", "G1"),
        ("home", "G2"),
        ("home", "G3"),
    }
    assert all(abs(row.relative - Fraction(1, 5)) < Fraction(1, 10_000) for row in diff.tariffs)


def test_a_setting_that_is_no_longer_paid(edition):
    old = edition()
    share = [share for share in old.shares if share.care_setting != "home"]
    diff = diff_schedules(old, dataclasses.replace(old, shares=tuple(share)))
    assert diff.rules == (RuleChange("share[case.home]", "1/6 of the tariff", None, None),)
    assert [(row.drg_code, row.new_minor) for row in diff.tariffs] == [
        ("G1", None),
        ("G1", None),
        ("G2", None),
        ("G3", None),
    ]


def test_the_order_of_stay_rules_is_a_rule(edition):
    old = edition()
    new = dataclasses.replace(old, stay_rules=old.stay_rules[::-1])
    assert diff_schedules(old, new).rules == (
        RuleChange("stay_rule order", "interrupted > early_death", "early_death > interrupted", None),
    )


def test_components(edition):
    new = edition(
        (
            "components.csv",
            "general,,salaries,0.60,no\ngeneral,,buildings,0.40,yes",
            "general,,salaries,0.50,no\ngeneral,,buildings,0.30,yes\ngeneral,,equipment,0.20,yes",
        ),
        ("components.csv", "general,home,transport,1/3,no", "general,home,transport,1/3,yes"),
    )
    diff = diff_schedules(edition(), new)
    assert [(row.code, row.detail, row.old, row.new, row.change_percent) for row in diff.rows()] == [
        ("general", "equipment, all settings", "", "0.2", ""),
        ("general", "buildings, all settings", "0.4", "0.3", "-25.00"),
        ("general", "salaries, all settings", "0.6", "0.5", "-16.67"),
        ("general", "transport, home, capital no -> yes", "1/3", "1/3", "0.00"),
    ]


def test_coefficients_are_compared_combined_and_by_date(edition):
    new = edition(("providers.csv", "H1,2026-07-01,,1.5675,1.1327", "H1,2026-07-01,,1.5675,1.2"))
    assert diff_schedules(edition(), new).coefficients == (
        # 1.5675 + (1.1327 - 1) and 1.5675 + (1.2 - 1)
        CoefficientChange(Fraction("1.7002"), Fraction("1.7675"), "H1", date(2026, 7, 1), None),
    )
    moved = edition(
        ("providers.csv", "H1,2026-01-01,2026-07-01", "H1,2026-01-01,2026-09-01"),
        ("providers.csv", "H1,2026-07-01,", "H1,2026-09-01,"),
    )
    assert diff_schedules(edition(), moved).coefficients == (
        CoefficientChange(Fraction("1.7002"), Fraction("1.5675"), "H1", date(2026, 7, 1), date(2026, 9, 1)),
    )


def test_providers_come_and_go(edition):
    old = edition()
    new = edition(("providers.csv", "H2,2026-01-01", "H3,2026-01-01"))
    assert [(row.provider_id, row.old, row.new) for row in diff_schedules(old, new).coefficients] == [
        ("H2", Fraction("1.05"), None),
        ("H3", None, Fraction("1.05")),
    ]
    none = dataclasses.replace(old, providers=None, coefficients=())
    diff = diff_schedules(old, none)
    assert RuleChange("providers", "listed", "none (coefficient 1)", None) in diff.rules
    assert {(row.provider_id, row.new) for row in diff.coefficients} == {("H1", 1), ("H2", 1)}


def test_dates_outside_an_edition_are_not_a_change_of_it(edition):
    """The following year's edition lists its own periods: that the old one has none then is no news."""
    old = edition(
        ("providers.csv", "H1,2026-07-01,,", "H1,2026-07-01,2027-01-01,"),
        ("providers.csv", "H2,2026-01-01,,", "H2,2026-01-01,2027-01-01,"),
    )
    new = dataclasses.replace(
        old,
        effective_start_date=date(2027, 1, 1),
        effective_end_date=None,
        providers={
            "H1": (
                dataclasses.replace(
                    old.providers["H1"][1], effective_start_date=date(2027, 1, 1), effective_end_date=None
                ),
            ),
            "H2": (
                dataclasses.replace(
                    old.providers["H2"][0],
                    effective_start_date=date(2027, 1, 1),
                    effective_end_date=None,
                    coefficients=(Fraction(1), Fraction("1.06")),
                ),
            ),
        },
    )
    assert diff_schedules(old, new).coefficients == (
        CoefficientChange(Fraction("1.05"), Fraction("1.06"), "H2", date(2027, 1, 1), None),
    )


def test_services_and_factors(edition):
    new = edition(
        ("services.csv", "V1,Visit,service,outpatient,2600,", "V1,Visit,service,outpatient,2860,"),
        ("services.csv", "REHAB,Rehabilitation,bed_day,,24319.78", "REHAB,Rehabilitation,bed_day,,24319.79"),
        ("published.csv", "REHAB,day_hospital,,,9727.91", "REHAB,day_hospital,,,9727.92"),
        ("factors.csv", "service,remote,1/2", "service,remote,1/3"),
        ("factors.csv", "service,home_visit", "service,home_call"),
    )
    rows = [
        (row.kind, row.code, row.detail, row.old, row.new, row.change, row.change_percent)
        for row in diff_schedules(edition(), new).rows()
    ]
    assert rows == [
        ("service", "V1", "service, outpatient, from 2026-07-01", "2600.00", "2860.00", "260.00", "+10.00"),
        (
            "service",
            "REHAB",
            "bed_day, all settings, from 2026-01-01",
            "24319.78",
            "24319.79",
            "0.01",
            "0.00",
        ),
        ("factor", "home_call", "service", "", "2", "", ""),
        ("factor", "home_visit", "service", "2", "", "", ""),
        ("factor", "remote", "service", "0.5", "1/3", "-1/6", "-33.33"),
    ]


def test_the_base_rate(edition):
    old = edition()
    new = dataclasses.replace(old, base_rate=dataclasses.replace(old.base_rate, amount=Fraction("174722.63")))
    diff = diff_schedules(old, new)
    row = diff.rows()[0]
    assert (row.kind, row.old, row.new, row.change, row.change_percent) == (
        "base_rate",
        "175622.79",
        "174722.63",
        "-900.16",
        "-0.51",
    )
    assert len(diff.tariffs) == 12  # of 15, the 3 of G2 are one for adults and children


def test_amounts_of_two_currencies_are_not_compared(edition):
    old = edition()
    with pytest.raises(ScheduleError, match="cannot be compared"):
        diff_schedules(old, dataclasses.replace(old, currency="EUR"))


RURAL = 'name = "rural"\nmode = "adds"\n'
LAST_RATE = "V1,Visit,service,outpatient,2600,2026-07-01,,order 3\n"
PER_HEAD = (
    ("schedule.toml", RURAL, RURAL + 'units = ["person_month"]\n'),
    ("services.csv", LAST_RATE, LAST_RATE + "HEAD,Head,person_month,outpatient,360.27,,,x\n"),
)


def texts(diff, *kinds):
    """Kind, code, detail, old, new of the changes of these kinds."""
    return [(r.kind, r.code, r.detail, r.old, r.new) for r in diff.rows() if r.kind in kinds]


def test_a_coefficient_of_heads_only_changes_what_is_paid_per_head(edition):
    diff = diff_schedules(edition(*PER_HEAD), edition(*PER_HEAD, ("providers.csv", "1.0500", "1.0600")))
    assert [dataclasses.astuple(row) for row in diff.rows()] == [
        ("coefficient", "H2", "person_month, from 2026-01-01", "1.05", "1.06", "0.01", "+0.95")
    ]


def test_a_coefficient_that_no_longer_corrects_cases(edition):
    everything = edition(PER_HEAD[1])
    diff = diff_schedules(everything, edition(*PER_HEAD))
    assert texts(diff, "rule") == [("rule", "coefficient[rural].units", "", "everything", "person_month")]
    assert texts(diff, "coefficient") == [
        ("coefficient", "H1", "case, bed_day, service, from 2026-07-01", "1.7002", "1.5675"),
        ("coefficient", "H2", "case, bed_day, service, from 2026-01-01", "1.05", "1"),
    ]
    assert diff_schedules(everything, everything).is_empty


def test_what_changes_for_everything_names_no_unit(edition):
    diff = diff_schedules(
        edition(*PER_HEAD), edition(*PER_HEAD, ("providers.csv", "H2,2026-01-01,,1,", "H2,2026-01-01,,1.5,"))
    )
    assert texts(diff, "coefficient") == [
        ("coefficient", "H2", "case, bed_day, service, from 2026-01-01", "1", "1.5"),
        ("coefficient", "H2", "person_month, from 2026-01-01", "1.05", "1.55"),
    ]
    product = ("schedule.toml", RURAL, 'name = "rural"\nmode = "multiplies"\n')
    old, new = edition(product), edition(product, ("providers.csv", "1.0500", "1.0600"))
    assert texts(diff_schedules(old, new), "coefficient") == [
        ("coefficient", "H2", "from 2026-01-01", "1.05", "1.06")
    ]


def test_addons_stay_rules_and_methods(edition):
    rule = '[[stay_rule]]\nid = "interrupted"\n'
    drug = '[[addon]]\nkind = "drug"\nunit = "case"\ncomponent = "{}"\nsource = "x"\n{}\n'
    home = 'share = "1/6"\n'
    columns = [
        ("services.csv", "effective_end_date,source\n", "effective_end_date,source,method,planned_days\n"),
        ("services.csv", ",,order 2\n", ",,order 2,,\n"),
        ("services.csv", "2026-07-01,order 3\n", "2026-07-01,order 3,{},\n"),
        (
            "services.csv",
            "2026-07-01,,order 3\n",
            "2026-07-01,,order 3,{},\nTB,TB,average_case,home,900.00,,,x,,{}\n",
        ),
    ]

    def make(addon, unit, share_method, method, days):
        services = [(file, text, new.format(method, days)) for file, text, new in columns]
        return edition(
            ("schedule.toml", rule, addon + rule + unit),
            ("schedule.toml", home, home + share_method),
            *services,
        )

    plain = make("", "", "", "service", 30)
    staff = make(
        drug.format("salaries", ""), 'unit = "average_case"\n', 'method = "home_case"\n', "hemodialysis", 20
    )
    flagged = make(drug.format("buildings", 'drg_flags = ["neonatal"]'), "", "", "service", 30)
    assert texts(diff_schedules(plain, staff), "rule") == [
        ("rule", "service[TB].planned_days", "", "30", "20"),
        ("rule", "share[case.home].method", "", "treated_case", "home_case"),
        ("rule", "stay_rule[interrupted].unit", "", "case", "average_case"),
        ("rule", "service[V1].method", "", "service", "hemodialysis"),
        ("rule", "addon[case.drug]", "", "", "in full; care settings any, flags any"),
    ]
    assert [row for row in texts(diff_schedules(staff, flagged), "rule") if row[1].startswith("addon")] == [
        ("rule", "addon[case.drug].drg_flags", "", "any", "neonatal"),
        ("rule", "addon[case.drug].component", "", "salaries", "buildings"),
    ]
    gone = texts(diff_schedules(flagged, plain), "rule")
    assert gone == [("rule", "addon[case.drug]", "", "in full; care settings any, flags neonatal", "")]


def test_factors_are_compared_by_date_where_they_have_one(edition):
    def make(*rows):
        columns = (
            (
                "factors.csv",
                "unit,factor_code,factor,source\n",
                "unit,factor_code,factor,source,effective_start_date,effective_end_date\n",
            ),
            ("factors.csv", '"rules, item 66"\n', '"rules, item 66",,\n'),
            (
                "factors.csv",
                '"rules, item 67"\n',
                '"rules, item 67",,\n' + "".join(f"{row}\n" for row in rows),
            ),
        )
        return edition(*columns)

    always, december = make("service,no_visit,0.8,x,,"), make("service,no_visit,0.8,x,2026-12-01,")
    assert texts(diff_schedules(always, december), "factor") == [
        ("factor", "no_visit", "service, from 2026-01-01 before 2026-12-01", "0.8", "")
    ]
    two = make("service,no_visit,0.8,x,2026-12-01,2026-12-15", "service,no_visit,0.7,x,2026-12-15,")
    assert texts(diff_schedules(december, two), "factor") == [
        ("factor", "no_visit", "service, from 2026-12-15 before 2027-01-01", "0.8", "0.7")
    ]
    assert texts(diff_schedules(two, make()), "factor") == [
        ("factor", "no_visit", "service, from 2026-12-01 before 2026-12-15", "0.8", ""),
        ("factor", "no_visit", "service, from 2026-12-15 before 2027-01-01", "0.7", ""),
    ]
    assert diff_schedules(two, two).is_empty and diff_schedules(make(), edition()).is_empty


def test_what_changes_in_the_grouping_rules():
    one = SMALL_RULES
    rules = one.grouping.rules
    moved = dataclasses.replace(rules[0], drg_code=rules[1].drg_code, age_years=Band(3, 90))
    other = dataclasses.replace(one, grouping=dataclasses.replace(one.grouping, rules=(moved, *rules[2:])))
    keys = {change.key: (change.old, change.new) for change in diff_schedules(one, other).rules}

    first, gone = f"grouping_rule[{rules[0].rule_id}]", f"grouping_rule[{rules[1].rule_id}]"
    assert keys[f"{first}.drg_code"] == (rules[0].drg_code, moved.drg_code)
    assert keys[f"{first}.age_years"][1] == "3-90"
    assert keys[gone][1] is None and keys[gone][0].startswith(f"{rules[1].drg_code}: ")
    assert set(keys) == {f"{first}.drg_code", f"{first}.age_years", gone}
    assert not diff_schedules(one, one).rules
