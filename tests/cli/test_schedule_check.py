from __future__ import annotations

from pathlib import Path

from tariffcore.schedule.folder import read_schedule
from tests.cli.running import run
from tests.schedule_folders import FolderText


def test_a_sound_schedule_in_a_few_lines(tmp_path: Path) -> None:
    folder = FolderText().write(tmp_path / "test-2026")
    ran = run("schedule", "check", folder)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        "test-2026: A small schedule that has one of everything",
        "in force        from 2026-01-01 up to 2027-01-01; published 2025-12-31",
        "holds           3 cost groups, 2 providers, 1 component profile, 2 services, 2",
        "                factors",
        "proof           5 published tariffs reproduced",
        f"digest          {read_schedule(folder).digest}",
        "",
        "no problems",
    ]


def test_all_problems_of_all_folders_at_once(tmp_path: Path) -> None:
    first = FolderText().replace("groups.csv", "3.9114,3.5000", "three,3.5000").write(tmp_path / "first")
    second = FolderText()
    second.replace("published.csv", "274779.42", "274779.43").replace("factors.csv", "1/2", "half")
    sound = FolderText().write(tmp_path / "sound")
    ran = run("schedule", "check", first, "nope", second.write(tmp_path / "second"), sound)
    assert ran.code == 2
    assert ran.out.startswith("test-2026: A small schedule")  # the sound one is shown all the same
    assert "no problems" not in ran.out
    for place in (
        "first/groups.csv:2: relative_weight",
        "second/factors.csv:3: factor",
        "second/published.csv:3",
    ):
        assert f"\n  {place}" in ran.err, place
    assert "'nope': is neither a folder nor the name of a shipped schedule" in ran.err


def test_editions_of_one_family_must_fit_together(tmp_path: Path) -> None:
    a = FolderText().write(tmp_path / "a")
    b = FolderText().add("groups.csv", "G4,One more,1,1,,,,order 1\n").write(tmp_path / "b")
    ran = run("schedule", "check", a, b)
    assert ran.code == 2
    assert "these editions do not fit together" in ran.err


def test_every_shipped_schedule_is_sound() -> None:
    ran = run("schedule", "check", "kz", "kz-demo", "kz-leaflet", "kz")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("digest ") == 5  # each once
