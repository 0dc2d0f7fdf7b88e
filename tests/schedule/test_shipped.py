"""The schedules that ship: found by name, read, and true to the rows they were typed from."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from tariffcore.errors import CatalogError
from tariffcore.schedule import shipped
from tariffcore.schedule.catalog import Catalog, read_catalog
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import AgeClass, AppliesTo, Unit
from tariffcore.schedule.shipped import SHIPPED_FOLDER, ShippedEdition, resolve, shipped_editions
from tariffcore.schedule.tariff import (
    case_tariff,
    find_exception,
    find_factor,
    find_service,
    find_share,
    find_stay_rule,
    service_tariff,
)
from tests.schedule_folders import FolderText


@pytest.fixture(scope="module")
def kz() -> Catalog:
    return read_catalog(resolve(["kz"]))


@pytest.fixture(scope="module")
def kz_2025(kz):
    return kz.edition("kz-2025")


@pytest.fixture(scope="module")
def kz_2026(kz):
    return kz.edition("kz-2026")


# --- by name ----------------------------------------------------------------------------------------


def names(folders):
    return [folder.name for folder in folders]


def test_a_family_is_all_its_editions(kz):
    assert names(resolve(["kz"])) == ["kz-2025", "kz-2026"]
    assert [(str(span.start), span.schedule.id) for span in kz.spans] == [
        ("2025-01-01", "kz-2025"),
        ("2026-01-01", "kz-2026"),
    ]


def test_an_edition_and_each_once_in_the_order_asked():
    assert names(resolve(["kz-2026", "kz-leaflet", "kz"])) == ["kz-2026", "kz-leaflet", "kz-2025"]


def test_a_path_is_itself(tmp_path):
    folder = FolderText().write(tmp_path / "mine")
    assert resolve([str(folder), f"{folder}/../mine"]) == (folder,)


def test_a_folder_with_a_schedule_comes_before_a_shipped_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("kz").mkdir()
    assert names(resolve(["kz"])) == ["kz-2025", "kz-2026"]
    FolderText().write(Path("kz"))
    assert resolve(["kz"]) == (Path("kz"),)
    Path("plain").mkdir()
    assert resolve(["plain"]) == (Path("plain"),)


def test_a_family_comes_before_an_edition_of_the_same_name(monkeypatch):
    editions = (
        ShippedEdition("a", "family", "", Path("first")),
        ShippedEdition("family", "other", "", Path("second")),
    )
    monkeypatch.setattr(shipped, "shipped_editions", lambda: editions)
    assert resolve(["family"]) == (Path("first"),)


@pytest.mark.parametrize("argument", ["kz-2027", "", "x" * 5000])
def test_an_unknown_name_lists_what_is_shipped(argument):
    with pytest.raises(CatalogError) as raised:
        resolve(["kz-2025", argument, "another"])
    first, second = raised.value.problems
    assert (first.value, second.value) == (argument, "another")
    assert "kz (kz-2025, kz-2026)" in first.way_out


def test_a_name_nearly_right_and_a_file():
    with pytest.raises(CatalogError, match="did you mean 'kz-2025'"):
        resolve(["KZ2025"])
    with pytest.raises(CatalogError, match="is a file, not a folder"):
        resolve([str(SHIPPED_FOLDER / "kz-2025" / "schedule.toml")])


@pytest.mark.parametrize("edition", shipped_editions(), ids=lambda edition: edition.id)
def test_every_shipped_folder_reads_and_is_named_as_its_id(edition):
    schedule = read_schedule(edition.folder)
    assert (schedule.id, schedule.tariff_family) == (edition.id, edition.tariff_family)
    assert schedule.folder == schedule.id
    assert schedule.title == edition.title


# --- true to their sources --------------------------------------------------------------------------
# Expected tariffs: the orders named in the sources of the schedules, as listed in the facts about
# Kazakhstan (KR DSM-170/2020 in force 01.01.2025 and 01.01.2026).


def priced(schedule, code, care_setting, procedures=(), age_class=AgeClass.ADULT):
    share = find_share(schedule, Unit.CASE, care_setting)
    assert share is not None
    own = find_exception(share, procedures) or share
    return case_tariff(schedule, schedule.groups[code], age_class, own)


@pytest.mark.parametrize(
    ("code", "expected"), [("P001", "3853961.88"), ("P002", "3674783.83"), ("P003", "1342551.22")]
)
@pytest.mark.parametrize("age_class", AgeClass)
def test_the_printed_groups_of_2025(kz_2025, code, expected, age_class):
    assert priced(kz_2025, code, "inpatient", age_class=age_class) == Fraction(expected)
    assert kz_2025.groups[code].flags == {"neonatal"}


@pytest.mark.parametrize(
    ("care_setting", "procedures", "expected"),
    [
        ("inpatient", [], "686930.98"),
        ("day_hospital", [], "274779.42"),
        ("day_hospital", ["1373"], "515207.02"),
        ("day_hospital", ["8857"], "515207.02"),
    ],
)
def test_the_printed_group_of_2026(kz_2026, care_setting, procedures, expected):
    assert priced(kz_2026, "1", care_setting, procedures) == Fraction(expected)


def test_75_per_cent_of_the_tariff_would_be_less(kz_2026):
    day_hospital = find_share(kz_2026, Unit.CASE, "day_hospital")
    on_tariff = replace(day_hospital.exceptions[0], applies_to=AppliesTo.TARIFF)
    assert case_tariff(kz_2026, kz_2026.groups["1"], AgeClass.ADULT, on_tariff) == Fraction("515198.24")


def test_the_group_of_2026_has_no_child_weight_and_no_planned_days(kz_2026):
    assert kz_2026.groups["1"].relative_weight_child is None
    assert kz_2026.groups["1"].planned_days is None


@pytest.mark.parametrize(
    ("care_setting", "expected"), [("inpatient", "24319.78"), ("day_hospital", "9727.91")]
)
def test_the_printed_bed_day_of_2025(kz_2025, care_setting, expected):
    service = find_service(kz_2025, "rehabilitation-neurosurgery", care_setting, date(2025, 10, 1))
    share = find_share(kz_2025, Unit.BED_DAY, care_setting)
    assert service_tariff(kz_2025, service, share) == Fraction(expected)
    assert find_service(kz_2025, "rehabilitation-neurosurgery", care_setting, date(2025, 9, 30)) is None


def test_the_palliative_bed_day_goes_on_over_new_year(kz_2025, kz_2026):
    for schedule, day in ((kz_2025, date(2025, 12, 30)), (kz_2026, date(2026, 1, 1))):
        service = find_service(schedule, "palliative", "inpatient", day)
        assert service is not None
        assert service.rate == Fraction("17263.43")
    assert find_service(kz_2025, "palliative", "inpatient", date(2025, 12, 29)) is None


@pytest.mark.parametrize(
    ("factor_code", "expected"),
    [("home_visit", "2"), ("remote", "1/2"), ("child_preventive", "1/2")],
)
def test_outpatient_services_of_2026_and_their_factors(kz_2026, factor_code, expected):
    internist = find_service(kz_2026, "A01.001.000", "outpatient", date(2026, 1, 1))
    assert internist.rate == Fraction("2487.71")
    factor = find_factor(kz_2026, Unit.SERVICE, factor_code)
    assert factor.factor == Fraction(expected)


@pytest.mark.parametrize("edition_id", ["kz-2025", "kz-2026"])
def test_the_rules_of_kazakhstan(kz, edition_id):
    schedule = kz.edition(edition_id)

    def stay(outcome, days, *flags, unavoidable=False):
        rule = find_stay_rule(
            schedule,
            care_setting="inpatient",
            outcome=outcome,
            death_unavoidable=unavoidable,
            days=days,
            flags=frozenset(flags),
        )
        return None if rule is None else rule.id

    assert stay("transferred", 3) == "interrupted"
    assert stay("transferred", 4) is None
    assert stay("self_discharged", 3, "infectious") is None
    assert stay("transferred", 3, "infectious") == "interrupted"
    assert stay("died", 3, unavoidable=True) == "early_unavoidable_death"
    assert stay("died", 3, "neonatal", unavoidable=True) is None
    assert stay("died", 3) is None
    assert find_share(schedule, Unit.CASE, "reception_observation") is None
    assert "reception_observation" in schedule.care_settings
    assert find_share(schedule, Unit.CASE, "home").share == Fraction(1, 6)
    assert not schedule.synthetic


def test_what_is_carried_to_2025_says_so(kz_2025):
    for rule in kz_2025.stay_rules:
        assert "carried to 2025" in rule.source
    for share in kz_2025.shares:
        assert "carried to 2025" in share.source or "printed" in share.source


def test_the_founding_leaflet():
    schedule = read_schedule(resolve(["kz-leaflet"])[0])
    assert {share.care_setting: share.share for share in schedule.shares} == {
        "inpatient": 1,
        "day_hospital": Fraction("0.25"),
        "home": Fraction("0.17"),
        "reception_observation": Fraction("0.67"),
    }
    assert all(share.applies_to is AppliesTo.TARIFF for share in schedule.shares)
    assert [share.max_hours for share in schedule.shares] == [None, None, None, 24]
    assert schedule.stay_rules == ()
    # 3,853,961.88 x 0.67 = 2,582,154.4596
    assert priced(schedule, "P001", "reception_observation") == Fraction("2582154.46")
    assert "2025" in schedule.title
    assert "stand-in" in schedule.shares[0].source
