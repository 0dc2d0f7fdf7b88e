from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from tests.cli.running import refused, run, whole_files


def test_the_hint_prices_the_sample(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    ran = run("sample", "-n", 400, "-o", "my cases.csv")
    assert ran.code == 0
    assert ran.out.startswith(
        "wrote 400 SYNTHETIC cases to my cases.csv (drawn from kz-demo, kz-demo-2026; seed 1)"
    )
    assert whole_files(tmp_path) == ["my cases.csv"]
    _, _, command = ran.last_line.partition(": tariffcore ")
    priced = run(*shlex.split(command))
    assert priced.code == 0
    assert "= 400 read; amount " in priced.last_line
    assert whole_files(tmp_path) == ["my cases.csv", "priced.csv", "rejects.csv"]


def test_a_seed_gives_the_same_cases_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        assert run("sample", "-n", 300, "-o", tmp_path / f"{name}.csv", "--seed", seed, "--quiet").out == ""
    a, b, c = ((tmp_path / f"{name}.csv").read_bytes() for name in "abc")
    assert a == b != c


def test_cases_of_a_schedule_of_ones_own(tmp_path: Path) -> None:
    ran = run("sample", "-n", 1, "-o", tmp_path / "a.parquet", "-s", "kz-2025")
    assert "wrote 1 SYNTHETIC case to" in ran.out
    assert "drawn from kz-2025;" in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("-n", "0", "-o", "a.csv"), "0 is not in the range"),
        (("-n", "ten", "-o", "a.csv"), "'ten' is not a valid"),
        (("-n", "10"), "Missing option '-o'"),
        (("-n", "10", "-o", "a.doc"), "a.doc was not written"),
        (("-n", "2000000", "-o", "a.xlsx"), "a.xlsx was not written"),
        (("-n", "10", "-o", "a.csv", "-s", "nope"), "no such schedule"),
        (("-n", "10", "-o", "a.csv", "--seed", "-1"), "-1 is not in the range"),
    ],
)
def test_an_unusable_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], says: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert says in refused(run("sample", *arguments))[0]
    assert whole_files(tmp_path) == []
