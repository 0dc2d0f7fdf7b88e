"""Copies of folders: as they were, and named as the operator named them."""

import shutil
from pathlib import Path

import pytest

from tariffcore.errors import CatalogError, Problem
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.shipped import SHIPPED_FOLDER
from tariffcore_server.snapshots import Snapshot


@pytest.fixture
def folder(tmp_path):
    copied = tmp_path / "kz-2026"
    shutil.copytree(SHIPPED_FOLDER / "kz-2026", copied)
    return copied


def test_a_copy_has_the_digest_of_its_folder_and_keeps_it(folder):
    before = read_schedule(folder)
    snapshot = Snapshot.of([folder, SHIPPED_FOLDER / "kz-demo"])
    shutil.rmtree(folder)
    copied = read_schedule(Path(snapshot.folders[0]))
    assert (copied.digest, copied.folder) == (before.digest, "kz-2026")
    assert Snapshot.from_json(snapshot.to_json()) == snapshot
    assert snapshot.schedules == [Path(folder) for folder in snapshot.folders]
    snapshot.remove()
    assert not Path(snapshot.home).exists()


def test_a_folder_that_is_none_is_left_for_the_reading_to_refuse(tmp_path):
    (tmp_path / "huge").write_bytes(b"x")
    snapshot = Snapshot.of([tmp_path])
    assert snapshot.folders == (str(tmp_path),) and not list(Path(snapshot.home).iterdir())
    snapshot.remove()


def test_what_does_not_belong_in_a_folder_does_not_belong_in_its_copy(folder):
    (folder / "backup").mkdir()
    (folder / "backup" / "huge.bin").write_bytes(b"x")
    snapshot = Snapshot.of([folder])
    assert list((Path(snapshot.folders[0]) / "backup").iterdir()) == []
    snapshot.remove()


def test_problems_name_the_operators_folder(folder):
    snapshot = Snapshot.of([folder])
    copy = snapshot.folders[0]
    error = CatalogError(f"folder {copy} is wrong", [Problem(f"{copy}/a", "f", "v", f"see {copy}", "w")])
    own = snapshot.in_own_words(error)
    assert own.summary == f"folder {folder} is wrong"
    assert own.problems == (Problem(f"{folder}/a", "f", "v", f"see {folder}", "w"),)
    snapshot.remove()


def test_a_file_that_goes_away_meanwhile_is_a_problem_and_leaves_no_copy(folder, tmp_path, monkeypatch):
    (folder / "providers.csv").symlink_to(tmp_path / "nowhere")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    with pytest.raises(CatalogError) as caught:
        Snapshot.of([folder])
    assert "providers.csv" in caught.value.problems[0].place
    assert not list(tmp_path.glob("tariffcore-*"))
