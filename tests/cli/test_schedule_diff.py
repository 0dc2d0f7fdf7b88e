from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from tests.cli.running import refused, run
from tests.schedule_folders import FolderText


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    old = FolderText().write(tmp_path / "old")
    new = FolderText().without("published.csv")
    new.replace("schedule.toml", 'id = "test-2026"', 'id = "test-2027"')
    new.replace("groups.csv", "G3,Adults only,0.5000", "G3,Adults only,0.5500")
    new.replace("groups.csv", "G1,Septicaemia,3.9114", "G1,Septicaemia,3.9500")
    new.add("groups.csv", "G4,New,1,1,,,,order 2\n")
    new.replace(
        "services.csv", "REHAB,Rehabilitation,bed_day,,24319.78", "REHAB,Rehabilitation,bed_day,,25000.00"
    )
    return old, new.write(tmp_path / "new")


def test_what_changes_by_how_much_the_largest_first(folders: tuple[Path, Path]) -> None:
    ran = run("schedule", "diff", *folders)
    assert (ran.code, ran.err) == (0, "")
    words = " ".join(ran.out.split())
    assert "11 pairs compared" not in words
    # 0.55 x 175,622.79 = 96,592.53 and 0.5 x it = 87,811.40
    first = words.index("G3 inpatient, adult 87,811.40 96,592.53 8,781.13 +10.00")
    assert first < words.index("G1 inpatient, adult 686,930.98 693,710.02 6,779.04 +0.99")
    assert "G4 New 1" in words
    assert "G3 relative_weight 0.5 0.55 +10.00" in words
    assert "24,319.78 25,000.00 680.22 +2.80" in words
    assert max(map(len, ran.out.splitlines())) <= 80


def test_a_limit_says_how_many_more_there_are(folders: tuple[Path, Path]) -> None:
    ran = run("schedule", "diff", *folders, "--limit", 1)
    assert "… and " in ran.out
    assert "--limit or --csv shows them" in ran.out
    assert " G1 inpatient, adult" not in " ".join(ran.out.split())


def test_all_changes_as_csv_and_json(folders: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "changes.csv"
    ran = run("schedule", "diff", *folders, "--limit", 1, "--csv", path)
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert ran.last_line == f"{len(rows)} changes in {path}"
    shown = json.loads(run("schedule", "diff", *folders, "--json").out)
    assert (shown["a"]["id"], shown["b"]["id"], shown["currency"]) == ("test-2026", "test-2027", "KZT")
    assert shown["changes"] == rows
    assert {"kind": "tariff", "code": "G3", "detail": "inpatient, adult", "old": "87811.40"}.items() <= next(
        row.items()
        for row in rows
        if row["kind"] == "tariff" and row["code"] == "G3" and "inpatient" in row["detail"]
    )


def test_nothing_differs(folders: tuple[Path, Path]) -> None:
    assert run("schedule", "diff", folders[0], folders[0]).last_line == "nothing that sets an amount differs"


def test_an_edition_called_as_its_family_is_one_edition(tmp_path: Path) -> None:
    path = tmp_path / "changes.csv"
    ran = run("schedule", "diff", "kz-demo", "kz-demo-2026", "--limit", 2, "--csv", path)
    assert ran.code == 0
    assert ran.out.startswith("SYNTHETIC: the numbers of kz-demo and kz-demo-2026 are made up")
    assert path.read_text().splitlines()[0].endswith(",synthetic")
    assert max(map(len, ran.out.splitlines()[:-1])) <= 80


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (
            ("kz", "kz-2026"),
            "is a family of 2 editions, and one is needed; name one of them: kz-2025, kz-2026",
        ),
        (("kz-2025", "nope"), "'nope': is neither a folder"),
        (("kz-2025",), "Missing argument 'B'"),
        (("kz-2025", "kz-2026", "--limit", "0"), "0 is not in the range"),
        (("kz-2025", "kz-2026", "--csv", "x.doc"), "choose one of .csv"),
    ],
)
def test_what_cannot_be_compared(arguments: tuple[str, ...], says: str) -> None:
    assert says in "\n".join(refused(run("schedule", "diff", *arguments)))
