"""Printed tariffs: reproduced to the minor unit, or named with the difference and its likely cause."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tariffcore.schedule.proof import as_printed
from tests.schedule_folders import NAME, FolderText, Spoiled, spoiled

T, G, P, S = "schedule.toml", "groups.csv", "published.csv", "services.csv"
P_HEADER = "drg_code,care_setting,age_class,published_weight,published_tariff,source"


@spoiled(
    Spoiled(
        "one tiyn more",
        P,
        "686930.98",
        "686930.99",
        "published_tariff: '686930.99': the schedule gives 686930.98 (weight 3.9114 at base rate 175622.79), "
        "the order prints 686930.99, a difference of +0.01; …",
    ),
    Spoiled(
        "one tiyn less",
        P,
        "686930.98",
        "686930.97",
        "…a difference of -0.01; …last digit…base rate of about 175622.7872",
    ),
    Spoiled(
        "share on the tariff",
        P,
        "1.5646,274779.42",
        ",274772.39",
        "…a difference of -7.03; the printed tariff follows if the share 'day_hospital' has "
        'applies_to = "tariff"',
    ),
    Spoiled(
        "the adult's for the child's",
        P,
        "inpatient,child,3.5000,614679.77",
        "inpatient,child,,686930.98",
        "…; the printed tariff follows from the adult weight: is age_class right?",
    ),
    Spoiled(
        "another setting's",
        P,
        "inpatient,child,3.5000,614679.77",
        "inpatient,child,,102446.63",
        "…; the printed tariff follows from the share 'home': is care_setting right?",
    ),
    Spoiled(
        "mistyped weight",
        P,
        "3.5000,614679.77",
        ",616436.00",
        "…; usually a mistyped weight (groups.csv, line 2)…weight of about 3.51 or a base…",
    ),
    Spoiled(
        "more decimals", P, "614679.77", "614679.775", "published_tariff: '614679.775': has more decimals…; …"
    ),
    Spoiled(
        "printed weight",
        P,
        "1.5646,",
        "1.5645,",
        "published_weight: '1.5645': 3.9114 x 0.4, rounded, is 1.5646 here; compare the weight…",
    ),
    Spoiled(
        "weight of another group",
        P,
        "3.5000,614679.77",
        "3.9114,614679.77",
        "published_weight: '3.9114': the weight of G1 is 3.5 here; …",
    ),
    Spoiled(
        "weight of a service",
        P,
        "REHAB,day_hospital,,,",
        "REHAB,day_hospital,,1,",
        "published_weight: '1': REHAB is a service and has no weight; leave the cell empty",
    ),
    Spoiled(
        "bed-day",
        P,
        "9727.91",
        "9727.92",
        "published_tariff: '9727.92': the schedule gives 9727.91 (rate 24319.78 x 0.4), …+0.01; …line 2…",
    ),
    Spoiled(
        "unknown code",
        P,
        "REHAB,",
        "REHAV,",
        "drg_code: 'REHAV': is neither a group…; did you mean 'REHAB'?…",
    ),
    Spoiled(
        "unknown setting",
        P,
        "REHAB,day_hospital",
        "REHAB,ward",
        "care_setting: 'ward': is not a care setting…; …",
    ),
    Spoiled(
        "group not priced there",
        P,
        "G1,inpatient,child",
        "G1,outpatient,child",
        "care_setting: 'outpatient': the schedule prices no case in this care setting…; add a [[share]]…",
    ),
    Spoiled(
        "service not priced there",
        P,
        "V1,outpatient",
        "V1,home",
        "care_setting: 'home': the schedule prices no service in this care setting…; add a [[share]] "
        'with unit = "service" and care_setting = "home"',
    ),
    Spoiled(
        "child without weight",
        P,
        "G1,inpatient,child,3.5000,614679.77",
        "G3,inpatient,child,,1",
        "age_class: 'child': the group G3 has no child weight…; fill in relative_weight_child of G3…",
    ),
)
def test_a_printed_row_that_is_not_reproduced(tmp_path, mistake):
    mistake.check(tmp_path)


@pytest.mark.parametrize("printed", ["2487.71", "2600", "2600.00"])
def test_a_printed_rate_is_proven_by_any_span_of_its_service(tmp_path, printed):
    schedule = FolderText().replace(P, "2487.71", printed).read(tmp_path)
    assert Fraction(printed) in {row.published_tariff for row in schedule.published_tariffs}


def test_a_rate_of_its_own_setting_is_what_the_order_prints_whatever_the_share(tmp_path):
    folder = FolderText().add(S, "REHAB,Rehabilitation,bed_day,home,4000.00,2026-01-01,,order 2\n")
    schedule = folder.add(P, "REHAB,home,,,4000.00,order 2\n").read(tmp_path)
    assert schedule.published_tariffs[-1].published_tariff == 4000


@pytest.mark.parametrize("code", ["G1", "REHAB"])
def test_a_code_whose_row_cannot_be_read_is_not_called_unknown(tmp_path, code):
    folder = FolderText()
    file = G if code == "G1" else S
    text = "Septicaemia,3.9114" if code == "G1" else "bed_day,,24319.78"
    problem = folder.replace(file, text, text.replace(".", ",")).problems(tmp_path)[0]
    assert problem.place.startswith(f"{NAME}/{file}:2")


@pytest.mark.parametrize(
    ("mode", "weight", "printed", "meant"),
    [
        ("half_up", "2.0900", "1.04", "half_even"),  # 1.045, a tie
        ("down", "2.0900", "1.05", "half_up"),
        ("half_up", "2.0980", "1.04", "down"),  # 1.049
        ("half_up", "2.0820", "1.05", "up"),  # 1.041
    ],
)
def test_the_rounding_that_gives_the_printed_tariff_is_named(tmp_path, mode, weight, printed, meant):
    folder = (
        FolderText().replace(T, '"175622.79"', '"0.5"').replace(T, 'mode = "half_up"', f'mode = "{mode}"')
    )
    folder.replace(G, "0.5000", weight)
    folder.files[P] = f"{P_HEADER}\nG3,inpatient,adult,,{printed},x\n".encode()
    problem = folder.problem(tmp_path)
    assert problem.way_out == f'the printed tariff follows with rounding mode = "{meant}"'


def test_an_exact_tariff_is_printed_to_the_minor_unit(tmp_path):
    folder = FolderText().replace(T, "tariff_places = 2", 'tariff_places = "exact"')
    schedule = folder.read(tmp_path)
    assert as_printed(schedule, Fraction("686930.980806")) == Fraction("686930.98")


def test_other_printed_rows_are_still_proven_after_a_wrong_one(tmp_path):
    folder = FolderText().replace(P, "686930.98", "1").replace(P, "9727.91", "2")
    assert [problem.place for problem in folder.problems(tmp_path)] == [f"{NAME}/{P}:2", f"{NAME}/{P}:5"]


def test_a_weight_that_its_share_rounds_to_nothing(tmp_path):
    """There is no base rate that would give the printed tariff."""
    folder = FolderText().replace(G, "3.9114,3.5000", "0.0001,3.5000")
    (told,) = [problem for problem in folder.problems(tmp_path) if "rounded to nothing" in problem.way_out]
    assert (told.place, told.field) == (f"{NAME}/{P}:3", "published_tariff")
    assert (
        told.way_out == "the weight, times the share, is rounded to nothing: check both (groups.csv, line 2)"
    )
