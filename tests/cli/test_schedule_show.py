from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cli.running import refused, run
from tests.schedule_folders import FolderText


def words_of(*arguments: object) -> str:
    ran = run("schedule", "show", *arguments)
    assert (ran.code, ran.err) == (0, "")
    return " ".join(ran.out.split())


def test_settings_and_rules_with_their_sources(tmp_path: Path) -> None:
    words = words_of(FolderText().write(tmp_path / "test-2026"))
    for expected in (
        "base rate 175,622.79 source: order 1",
        "rounding weight: 4 decimals, half up",
        "day_hospital 0.4 of the weight, stays up to 24 hours source: rules, item 71",
        "day_hospital.arteriography: 0.75 of the tariff with any of the procedures 8855, 8856",
        "home 1/6 of the tariff source: rules, item 73",
        "interrupted self_discharged or transferred; in inpatient; at most 3 days: tariff x days",
        "not for self_discharged in groups flagged infectious",
        "early_death died; death unavoidable; at most 3 days: 0.5 of the tariff",
        "not for any outcome in groups flagged neonatal",
        "regional multiplies (from 1 to 1.5675) source: order 173",
        "rural adds (from 1 to 1.1327)",
        "home_visit 2 for a service",
    ):
        assert expected in words, expected


def test_every_tariff_of_a_group_by_setting_exception_and_age(tmp_path: Path) -> None:
    words = words_of(FolderText().write(tmp_path / "test-2026"), "G1")
    for expected in (
        "weight 3.9114 child weight 3.5 planned days 7 flags infectious components general",
        "inpatient 1 adult 3.9114 686,930.98 inpatient 1 child 3.5 614,679.77",
        "day_hospital 0.4 weight adult 1.5646 274,779.42",
        "day_hospital.exception-1 0.75 weight adult 2.9336 515,207.02",
        "day_hospital.arteriography 0.75 tariff child 3.5 461,009.83",
        "home 1/6 tariff adult 3.9114 114,488.50",
        "inpatient, child: 614,679.77 (order 1)",
        "Components of profile general in inpatient, day_hospital",
        "buildings capital 0.4",
        "Components of profile general in home component share ─",
        "transport 1/3",
    ):
        assert expected in words, expected


def test_a_group_without_a_child_weight_has_no_tariff_for_children(tmp_path: Path) -> None:
    words = words_of(FolderText().write(tmp_path / "test-2026"), "G3")
    assert "child weight none: a case under 18 has no amount" in words
    assert " child 0" not in words
    same = words_of(tmp_path / "test-2026", "G2")
    assert "inpatient 1 any 22.0576" in same


def test_a_service_with_its_shares_dates_and_factors(tmp_path: Path) -> None:
    folder = FolderText().write(tmp_path / "test-2026")
    by_share = words_of(folder, "REHAB")
    assert "day_hospital 0.4 of the tariff from 2026-01-01 24,319.78 9,727.91" in by_share
    assert "day_hospital: 9,727.91 (order 2)" in by_share
    own_rate = words_of(folder, "V1")
    assert "outpatient own rate from 2026-01-01 up to 2026-07-01 2,487.71 2,487.71" in own_rate
    assert "outpatient own rate from 2026-07-01 2,600.00 2,600.00" in own_rate
    assert "remote x 0.5" in own_rate


def test_a_family_is_shown_edition_by_edition() -> None:
    words = words_of("kz", "P001")
    assert "inpatient 1 any 22.0576 3,853,961.88" in words
    assert "in force from 1 January 2026 (published rows only) P001: not in this edition" in words


def test_synthetic_numbers_are_called_so() -> None:
    assert run("schedule", "show", "kz-demo-2026").out.startswith("SYNTHETIC: ")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("kz", "P01"), "did you mean 'P001'?"),
        (("kz-2027",), "did you mean 'kz-202"),
        ((), "Missing argument 'DIR'"),
    ],
)
def test_what_is_not_there(arguments: tuple[str, ...], says: str) -> None:
    assert says in "\n".join(refused(run("schedule", "show", *arguments)))


@pytest.fixture
def methods(tmp_path: Path) -> Path:
    """The schedule of the worked months: something of every payment method."""
    folder = tmp_path / "methods"
    worked = Path(__file__).parent.parent / "golden" / "methods"
    shutil.copytree(worked, folder, ignore=shutil.ignore_patterns("lines.csv"))
    return folder


def test_methods_addons_units_and_dates(methods: Path) -> None:
    words = words_of(methods)
    for expected in (
        "day_hospital 0.4 of the weight, paid as day_hospital_case source: item 71",
        "reception 0.67 of the tariff, stays up to 24 hours, paid as reception_observation source",
        "cut_short average_case; transferred: tariff x days / planned days, at most the tariff source",
        "sex_age multiplies, for person_month only (from 1 to 1.05) source: made up",
        "biologic_therapy in full on top of a case; in groups flagged bowel_disease; component medicines "
        "source: item 82",
        "actual_cost what an item has cost source: item 70",
        "home_visit 2 for a service source",
        "no_visit_all_year 0.8 for a person_month, from 2026-12-01 up to 2027-01-01 source: item 47-1",
    ):
        assert expected in words, expected


def test_services_of_every_method(methods: Path) -> None:
    average = words_of(methods, "tuberculosis")
    assert "unit average_case method average_cost_case planned days 30" in average
    assert "before stay rules and coefficients of the provider" in average
    assert "day_hospital 0.4 of the tariff from 2026-01-01 800,000.00 320,000.00" in average
    item = words_of(methods, "implant")
    assert "inpatient - from 2026-01-01 - at cost" in item and "0.00" not in item
    assert "actual_cost what an item has cost source: item 70" in item
    head = words_of(methods, "head")
    assert "no_visit_all_year x 0.8, from 2026-12-01 up to 2027-01-01; source: item 47-1" in head
    assert "planned days" not in head


def test_a_group_with_the_drugs_paid_on_top_of_it(methods: Path) -> None:
    assert "biologic_therapy in full on top of a case" in words_of(methods, "CROHN")
    assert "biologic_therapy" not in words_of(methods, "1")
