"""What is written reads back as the same schedule, whole or not at all."""

from __future__ import annotations

import dataclasses
import itertools
import tomllib
from fractions import Fraction
from types import MappingProxyType

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tariffcore.errors import ScheduleError
from tariffcore.money import MAX_DIGITS, format_exact
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Schedule
from tariffcore.schedule.shipped import shipped_editions
from tariffcore.schedule.writing import (
    currency_text,
    render_schedule_toml,
    schedule_files,
    toml_string,
    write_folder,
    write_schedule,
)
from tests.schedule_folders import FILES
from tests.strategies import RandomChoices, build_schedule


def same(schedule: Schedule) -> Schedule:
    """The schedule without what a folder adds to it: its name, its digest, the lines of its rows."""

    def unplaced(row):
        return dataclasses.replace(row, line=0)

    def each(rows):
        return tuple(unplaced(row) for row in rows)

    providers = schedule.providers
    return dataclasses.replace(
        schedule,
        folder="",
        digest="",
        groups={code: unplaced(group) for code, group in schedule.groups.items()},
        providers=None if providers is None else {key: each(rows) for key, rows in providers.items()},
        components=each(schedule.components),
        published_tariffs=each(schedule.published_tariffs),
        services={code: each(rows) for code, rows in schedule.services.items()},
        factors=each(schedule.factors),
    )


@pytest.fixture
def full(tmp_path):
    """A schedule with one of everything."""
    folder = tmp_path / "full"
    write_folder(folder, FILES)
    return read_schedule(folder)


def test_one_of_everything_reads_back(full, tmp_path):
    written = write_schedule(full, tmp_path / "copies" / "copy")
    assert same(written) == same(full)
    assert written.folder == "copy" and isinstance(written.groups, MappingProxyType)
    assert written == read_schedule(tmp_path / "copies" / "copy")
    again = write_schedule(written, tmp_path / "again")
    assert again.digest == written.digest  # the same schedule, the same bytes


@pytest.mark.parametrize("edition", shipped_editions(), ids=lambda edition: edition.id)
def test_shipped_editions_read_back(edition, tmp_path):
    schedule = read_schedule(edition.folder)
    assert same(write_schedule(schedule, tmp_path / "copy")) == same(schedule)


numbered = itertools.count()
free_text = st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20)


@pytest.fixture
def unchecked(monkeypatch):
    """Drawn schedules are odd on purpose; whether they make sense is not the writer's question."""
    monkeypatch.setattr("tariffcore.schedule.folder.check", lambda reading: [])


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(seed=st.integers(0, 10**6), words=free_text)
def test_any_schedule_reads_back(tmp_path, unchecked, seed, words):
    choices = RandomChoices(seed)
    schedule = build_schedule(choices, minor_units=choices.pick([2, 2, 0, 3, 4]), large=seed % 16 == 0)
    groups = {
        code: dataclasses.replace(group, name=group.name or f'"{words}", {code}')
        for code, group in schedule.groups.items()
        if len(format_exact(group.relative_weight)) <= MAX_DIGITS
    }
    services = {
        code: tuple(dataclasses.replace(row, name=row.name or words) for row in rows)
        for code, rows in schedule.services.items()
    }
    title = f"{words} \\ \"{words}\" # '''"
    schedule = dataclasses.replace(schedule, groups=groups, services=services, title=title)
    written = write_schedule(schedule, tmp_path / f"drawn-{next(numbered)}")
    assert same(written) == same(schedule)


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_a_toml_string(text):
    assert tomllib.loads(f"text = {toml_string(text)}")["text"] == text


def test_comments_stand_above_what_they_are_about(full):
    toml = render_schedule_toml(
        full,
        {
            "": ["Where it is from.", "Two lines:\nthree."],
            "base_rate": ["From the order."],
            "share": ["The shares."],
            "share home": ["At home."],
            "stay_rule interrupted": ["Cut short."],
            "coefficient rural": ["Far away."],
        },
    )
    lines = toml.splitlines()
    assert lines[:4] == ["# Where it is from.", "# Two lines:", "# three.", ""]

    def above(comment):
        return lines[lines.index(f"# {comment}") + 1]

    assert above("From the order.").startswith("base_rate = ")
    assert above("The shares.") == "[[share]]"
    assert lines[lines.index("# At home.") + 3] == 'care_setting = "home"'
    assert lines[lines.index("# Cut short.") + 2] == 'id = "interrupted"'
    assert lines[lines.index("# Far away.") + 2] == 'name = "rural"'
    with pytest.raises(ValueError, match="does not have"):
        render_schedule_toml(full, {"nonsense": ["lost"]})


def test_amounts_have_the_decimals_of_their_currency():
    assert currency_text(Fraction("686930.9"), 2) == "686930.90"
    assert currency_text(Fraction(7), 2) == "7.00"
    assert currency_text(Fraction(7), 0) == "7"
    assert currency_text(Fraction("1.2345"), 2) == "1.2345"


def test_ids_of_their_own_and_sets_in_one_order(full, tmp_path):
    shares = [dataclasses.replace(share, id=f"own-{number}") for number, share in enumerate(full.shares)]
    flags = frozenset({"neonatal", "infectious"})
    groups = {**full.groups, "G1": dataclasses.replace(full.groups["G1"], flags=flags)}
    changed = dataclasses.replace(full, shares=tuple(shares), groups=groups)
    written = write_schedule(changed, tmp_path / "own")
    assert same(written) == same(changed)
    text = (tmp_path / "own" / "groups.csv").read_text(encoding="utf-8")
    assert ",infectious;neonatal," in text
    toml = (tmp_path / "own" / "schedule.toml").read_text(encoding="utf-8")
    assert 'outcomes = ["self_discharged", "transferred"]' in toml
    assert 'procedures = ["13.73", "13.7301"]' in toml


def test_files_with_nothing_to_say_are_left_out(full):
    bare = dataclasses.replace(
        full, providers=None, coefficients=(), components=(), services={}, factors=(), published_tariffs=()
    )
    assert sorted(schedule_files(bare)) == ["groups.csv", "schedule.toml"]
    assert sorted(schedule_files(dataclasses.replace(bare, providers={}))) == [
        "groups.csv",
        "providers.csv",
        "schedule.toml",
    ]


def test_an_empty_folder_is_replaced_and_anything_else_is_refused(full, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    assert write_schedule(full, empty).folder == "empty"
    with pytest.raises(ScheduleError, match="exists and is not empty"):
        write_schedule(full, empty)
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(ScheduleError, match="is not a folder"):
        write_schedule(full, file)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "nowhere")
    with pytest.raises(ScheduleError, match="is not a folder"):
        write_schedule(full, link)
    with pytest.raises(ScheduleError, match="cannot be"):
        write_schedule(full, file / "under")


def test_a_schedule_that_would_not_pass_its_check_leaves_nothing(full, tmp_path):
    wrong = dataclasses.replace(
        full,
        published_tariffs=tuple(
            dataclasses.replace(row, published_tariff=row.published_tariff + 1)
            for row in full.published_tariffs
        ),
    )
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ScheduleError) as caught:
        write_schedule(wrong, tmp_path / "wrong")
    assert caught.value.problems[0].place.startswith("wrong/published.csv:")
    assert ".writing-" not in str(caught.value)
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, ScheduleError("no", []), OSError("full")])
def test_an_interruption_leaves_nothing(tmp_path, interruption):
    def interrupted(folder):
        assert sorted(path.name for path in folder.iterdir()) == sorted(FILES)
        raise interruption

    with pytest.raises((KeyboardInterrupt, ScheduleError, OSError)):
        write_folder(tmp_path / "half", FILES, interrupted)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_filled_up_meanwhile_is_kept(tmp_path):
    target = tmp_path / "shared"

    def another_writes(_):
        target.mkdir()
        (target / "theirs.txt").write_text("theirs", encoding="utf-8")

    with pytest.raises(ScheduleError, match="cannot take its name"):
        write_folder(target, FILES, another_writes)
    assert [path.name for path in target.iterdir()] == ["theirs.txt"]
    assert [path.name for path in tmp_path.iterdir()] == ["shared"]
