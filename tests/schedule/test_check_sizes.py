"""Sizes beyond which amounts could not be computed exactly: the last that fits, the first that does not."""

from __future__ import annotations

import pytest

from tariffcore.schedule import check_sizes
from tests.schedule_folders import NAME, FolderText, Spoiled, spoiled

T, G, R, C, S, F = (
    "schedule.toml",
    "groups.csv",
    "providers.csv",
    "components.csv",
    "services.csv",
    "factors.csv",
)
TOO_LONG = "is too long a number to compute with exactly; write it so that…at most 9 decimals)"


@spoiled(
    Spoiled("share", T, '"1/6"', '"1000000001/1000000000"', f"share.share: '1.000000001': {TOO_LONG}"),
    Spoiled("exception", T, '"3/4"', '"0.7500000001"', f"share.exception.share: '0.7500000001': {TOO_LONG}"),
    Spoiled("stay rule", T, '"1/2"', '"0.0000000001"', f"stay_rule.share: '0.0000000001': {TOO_LONG}"),
    Spoiled("factor", F, "1/2", "1000000001", f"factor: '1000000001': {TOO_LONG}"),
    Spoiled(
        "coefficient",
        R,
        "1,1.0500",
        "1.00000000000000001,1.0000000000000000000000000000000001",
        "provider_id: 'H2': its coefficients combine to a number too long …, 35 digits over 35; …",
        at="H2,",
    ),
    Spoiled(
        "component",
        C,
        "2/3,no\ngeneral,home,transport,1/3",
        "0.1234567890123456789,no\ngeneral,home,transport,0.8765432109876543211",
        "share: …: the shares of profile 'general' have too large a common denominator…; …18 places…",
        at="general,home,salaries",
    ),
    Spoiled(
        "rate",
        S,
        "2600",
        "10000000000000000",
        "rate: '10000000000000000': its tariff is beyond …9,999,999,999,999,999.99; check the rate…",
    ),
    Spoiled(
        "places of the tariff",
        T,
        "tariff_places = 2",
        "tariff_places = 13",
        "rounding.tariff_places: '13': is out of range; …",
    ),
)
def test_a_number_beyond_its_limit(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled("share", T, '"1/6"', '"1000000000/999999999"', ""),
    Spoiled("large factor", F, "1/2", "1000000000", ""),
    Spoiled("coefficient", R, "1,1.0500", "1.00000000000000001,1.0000000000000001", ""),
    Spoiled("rate", S, "2600", "9999999999999999.99", ""),
)
def test_the_last_number_within_a_limit(tmp_path, mistake):
    assert FolderText().replace(mistake.file, mistake.old, mistake.new).read(tmp_path).id


def test_the_heaviest_case_must_fit(tmp_path):
    folder = FolderText().replace(G, "0.5000", "999999999999.0000")
    problems = folder.problems(tmp_path)
    assert [problem.value for problem in problems] == ["1", "0.4", "0.75", "0.75", "1/6"]
    assert problems[0].place == f"{NAME}/{T}:{folder.line(T, 'share = ' + chr(34) + '1' + chr(34))}"
    assert "the tariff of the heaviest weight, 999999999999," in problems[0].message
    assert "in another unit?" in problems[0].way_out


def test_a_tariff_that_rounds_to_nothing_is_refused(tmp_path):
    folder = FolderText().replace(T, "tariff_places = 2", "tariff_places = -6").without("published.csv")
    problems = folder.problems(tmp_path)
    rounds_to_zero = [problem.field for problem in problems if "rounds to zero" in problem.message]
    assert rounds_to_zero.count("rate") == 1  # the bed-day; the visit is paid as printed
    assert "share.share" in rounds_to_zero


def exact(folder: FolderText) -> FolderText:
    return folder.replace(T, "tariff_places = 2", 'tariff_places = "exact"').without("published.csv")


def test_an_exact_tariff_within_its_denominators(tmp_path):
    assert exact(FolderText()).read(tmp_path).roundings.tariff.places is None


def test_an_exact_tariff_beyond_its_denominators(tmp_path):
    folder = exact(FolderText()).replace(T, "weight_places = 4", 'weight_places = "exact"')
    folder.replace(G, "0.5000", "0.5000000000001")
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{T}:{folder.line(T, 'tariff_places')}"
    assert (problem.field, problem.value) == ("rounding.tariff_places", "exact")
    assert "tariff_places = 2" in problem.way_out


def test_an_exact_tariff_counts_with_the_common_denominator(tmp_path):
    """The largest rate alone would fit; over the denominator of the others it does not."""
    largest = "9999999999999.99"
    assert FolderText().replace(S, "2600", largest).read(tmp_path, "rounded")
    problem = exact(FolderText()).replace(S, "2600", largest).problem(tmp_path, "exact")
    assert (problem.field, problem.value) == ("rate", largest)


@pytest.mark.parametrize(
    ("limit", "field"),
    [("MAX_CODES", "drg_code"), ("MAX_PROVIDERS", "provider_id")],
)
def test_too_many_of_a_kind(tmp_path, monkeypatch, limit, field):
    monkeypatch.setattr(check_sizes, limit, 1)
    problem = FolderText().problem(tmp_path)
    assert problem.field == field
    assert "more than 1" in problem.message


def test_too_many_words(tmp_path, monkeypatch):
    monkeypatch.setattr(check_sizes, "MAX_WORDS", 1)
    fields = {problem.field for problem in FolderText().problems(tmp_path)}
    assert fields == {
        "vocabulary.care_settings",
        "vocabulary.outcomes",
        "vocabulary.drg_flags",
        "share",
        "stay_rule",
        "coefficient",
        "component",
        "factor_code",
    }


def test_whole_tariffs_kept_finer_than_the_minor_unit_need_the_room_all_the_same(tmp_path):
    """The check once took them for whole and pricing overflowed."""
    folder = FolderText().replace(T, "tariff_places = 2", "tariff_places = 3").without("published.csv")
    problems = folder.replace(S, "2600", "9999999999999999.00").problems(tmp_path)
    assert any(problem.place.startswith(f"{NAME}/{S}") for problem in problems)
