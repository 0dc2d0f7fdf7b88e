"""What a schedule answers, by hand-computed examples."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.money import RoundingMode
from tariffcore.schedule import tariff
from tariffcore.schedule.model import AgeClass, Rounding, Unit
from tests.schedule_folders import FolderText


@pytest.fixture(scope="module")
def schedule(tmp_path_factory):
    return FolderText().read(tmp_path_factory.mktemp("schedule"))


def case_tariff(schedule, code, age_class, care_setting, procedures=frozenset()):
    share = tariff.find_share(schedule, Unit.CASE, care_setting)
    assert share is not None
    own = tariff.find_exception(share, procedures) or share
    return tariff.case_tariff(schedule, schedule.groups[code], age_class, own)


@pytest.mark.parametrize(
    ("care_setting", "procedures", "expected"),
    [
        ("inpatient", [], "686930.98"),  # 3.9114 x 175,622.79 = 686,930.980806
        ("day_hospital", [], "274779.42"),  # round(1.56456) = 1.5646; x 175,622.79 = 274,779.417234
        ("day_hospital", ["1373"], "515207.02"),  # round(2.93355) = 2.9336; x 175,622.79 = 515,207.016744
        ("day_hospital", ["0001", "8856"], "515198.24"),  # round(686,930.98 x 3/4) = 515,198.235 up
        ("day_hospital", ["0001"], "274779.42"),
        ("home", [], "114488.50"),  # round(686,930.98 / 6) = 114,488.49666...
    ],
)
def test_the_tariff_of_a_case(schedule, care_setting, procedures, expected):
    assert case_tariff(schedule, "G1", AgeClass.ADULT, care_setting, procedures) == Fraction(expected)


def test_the_tariff_of_a_child_is_that_of_its_own_weight(schedule):
    assert case_tariff(schedule, "G1", AgeClass.CHILD, "inpatient") == Fraction("614679.77")
    assert tariff.group_weight(schedule.groups["G3"], AgeClass.CHILD) is None


def test_no_rounding_where_the_schedule_says_exact(schedule):
    exact = Rounding(None, RoundingMode.HALF_UP)
    unrounded = replace(schedule, roundings=replace(schedule.roundings, weight=exact, tariff=exact))
    assert case_tariff(unrounded, "G1", AgeClass.ADULT, "day_hospital") == Fraction("3.9114") * Fraction(
        "0.4"
    ) * Fraction("175622.79")
    assert case_tariff(unrounded, "G1", AgeClass.ADULT, "home") == Fraction("686930.980806") / 6


@given(
    weight=st.integers(1, 10**7).map(lambda units: Fraction(units, 10**4)),
    more=st.integers(1, 10**5).map(lambda units: Fraction(units, 10**4)),
    share=st.integers(0, 4),
)
def test_a_heavier_case_is_never_paid_less(schedule, weight, more, share):
    own = [own for each in schedule.shares[:3] for own in tariff.with_exceptions(each)][share]
    lighter = tariff.weight_tariff(schedule, weight, own)
    heavier = tariff.weight_tariff(schedule, weight + more, own)
    assert lighter <= heavier
    assert (lighter * 100).denominator == 1


def test_the_tariff_of_a_service(schedule):
    bed_day = tariff.find_share(schedule, Unit.BED_DAY, "day_hospital")
    rehabilitation = schedule.services["REHAB"][0]
    assert tariff.service_tariff(schedule, rehabilitation, bed_day) == Fraction("9727.91")
    visit = schedule.services["V1"][0]
    assert tariff.service_tariff(schedule, visit, None) == Fraction("2487.71")
    assert tariff.service_tariff(schedule, visit, bed_day) == Fraction("2487.71")


def test_no_share_where_a_setting_is_not_priced(schedule):
    assert tariff.find_share(schedule, Unit.CASE, "outpatient") is None
    assert tariff.find_share(schedule, Unit.BED_DAY, "inpatient") is None


def stay(schedule, outcome, days, care_setting="inpatient", unavoidable=False, flags=()):
    rule = tariff.find_stay_rule(
        schedule,
        care_setting=care_setting,
        outcome=outcome,
        death_unavoidable=unavoidable,
        days=days,
        flags=frozenset(flags),
    )
    return None if rule is None else rule.id


def test_the_stay_rule_that_pays(schedule):
    assert stay(schedule, "transferred", 3) == "interrupted"
    assert stay(schedule, "transferred", 4) is None
    assert stay(schedule, "discharged", 1) is None
    assert stay(schedule, "transferred", 3, care_setting="home") is None
    assert stay(schedule, "died", 3, unavoidable=True) == "early_death"
    assert stay(schedule, "died", 3) is None


def test_exemptions_need_every_condition_they_give(schedule):
    assert stay(schedule, "self_discharged", 1) == "interrupted"
    assert stay(schedule, "self_discharged", 1, flags=["infectious"]) is None
    assert stay(schedule, "transferred", 1, flags=["infectious"]) == "interrupted"
    assert stay(schedule, "died", 1, unavoidable=True, flags=["neonatal"]) is None


def test_coefficients_multiply_and_add(schedule):
    first, second = schedule.providers["H1"]
    assert tariff.combined_coefficient(schedule, first) == Fraction("1.5675")
    assert tariff.combined_coefficient(schedule, second) == Fraction("1.5675") + Fraction("0.1327")


def test_the_period_of_a_provider_is_half_open(schedule):
    first, second = schedule.providers["H1"]
    assert tariff.find_provider_period(schedule, "H1", date(2026, 6, 30)) is first
    assert tariff.find_provider_period(schedule, "H1", date(2026, 7, 1)) is second
    assert tariff.find_provider_period(schedule, "H1", date(2025, 12, 31)) is None
    assert tariff.find_provider_period(schedule, "H9", date(2026, 7, 1)) is None


def test_components_of_the_setting_come_before_those_for_all(schedule):
    def names(care_setting):
        return [row.component for row in tariff.component_shares(schedule, "general", care_setting)]

    assert names("home") == ["salaries", "transport"]
    assert names("inpatient") == ["salaries", "buildings"]
    assert tariff.component_shares(schedule, "unknown", "home") == ()


def test_the_row_of_a_service(schedule):
    early, late = schedule.services["V1"]
    assert tariff.find_service(schedule, "V1", "outpatient", date(2026, 6, 30)) is early
    assert tariff.find_service(schedule, "V1", "outpatient", date(2026, 7, 1)) is late
    assert tariff.find_service(schedule, "V1", "home", date(2026, 7, 1)) is None
    assert tariff.find_service(schedule, "V1", "outpatient", date(2025, 12, 31)) is None
    assert tariff.find_service(schedule, "V9", "outpatient", date(2026, 7, 1)) is None
    for_all = schedule.services["REHAB"][0]
    assert tariff.find_service(schedule, "REHAB", "home", date(2026, 7, 1)) is for_all


def test_the_rate_of_the_setting_comes_before_that_for_all_while_it_holds(schedule):
    for_all = schedule.services["REHAB"][0]
    own = replace(for_all, care_setting="home", effective_start_date=date(2026, 3, 1))
    with_own = replace(schedule, services={"REHAB": (own, for_all)})
    assert tariff.find_service(with_own, "REHAB", "home", date(2026, 3, 1)) is own
    assert tariff.find_service(with_own, "REHAB", "home", date(2026, 2, 28)) is for_all
    assert tariff.find_service(with_own, "REHAB", "inpatient", date(2026, 3, 1)) is for_all


def test_factors_belong_to_a_unit(schedule):
    remote = tariff.find_factor(schedule, Unit.SERVICE, "remote")
    assert remote is not None
    assert remote.factor == Fraction(1, 2)
    assert tariff.find_factor(schedule, Unit.BED_DAY, "remote") is None
    assert tariff.find_factor(schedule, Unit.SERVICE, "far") is None
