"""The gate's verdicts, its baseline file and the signals it reads; nothing here depends on how long work
takes."""

import subprocess

import numpy as np
import pytest

from benchmarks.gate import __main__ as gate
from benchmarks.gate import baseline as baselines
from benchmarks.gate import counting, ratios, seeded
from benchmarks.gate.baseline import Baseline, NoBaselineError
from benchmarks.gate.ratios import NotComparableError, Ratio, summed_up
from benchmarks.gate.verdict import Findings, judge
from benchmarks.gate.workload import PATHS, RecordedPath, digest, recording

SHIFT = 0.05


def counts(now: float, before: float = 100.0) -> Findings:
    return Findings(instructions={"price": now}, instructions_before={"price": before})


def timed(median: float, low: float, high: float) -> Findings:
    return Findings(ratios={"price": Ratio(median, low, high, 100)})


@pytest.mark.parametrize(
    ("found", "passes"),
    [
        (counts(100), True),
        (counts(102.9), True),
        (counts(105), False),
        (counts(50), True),
        (timed(1.0, 0.99, 1.01), True),
        (timed(1.05, 1.04, 1.06), False),
        (timed(1.05, 0.98, 1.12), True),
        (timed(0.9, 0.89, 0.91), True),
        (Findings(wrong=["price comes to other results than the baseline's"]), False),
        (Findings(notes=["compiled by another"]), True),
    ],
)
def test_what_passes(found, passes):
    words, passed = judge(found, in_ci=False)

    assert passed is passes
    assert any("SLOWER" in word or "other results" in word for word in words) is not passes


def test_a_speed_up_asks_to_be_kept():
    words, _ = judge(counts(90), in_ci=False)

    assert words == [
        "price: 90.00 instructions a case (100.00 -10.00%): faster: update the baseline, so that this is kept"
    ]


def test_an_undecided_ratio_says_so():
    words, _ = judge(timed(1.05, 0.98, 1.12), in_ci=False)

    assert "too busy to be sure" in words[0]


@pytest.mark.parametrize(("in_ci", "passes"), [(True, False), (False, True)])
def test_what_is_left_out_fails_in_ci_only(in_ci, passes):
    words, passed = judge(Findings(left_out=[counting.NO_VALGRIND]), in_ci)

    assert passed is passes
    assert any("valgrind is not installed" in word for word in words)


def test_a_number_that_one_side_lacks_does_not_pass():
    for found in (
        Findings(instructions={"price": 100.0}, instructions_before={}),
        Findings(instructions={"price": 100.0}, instructions_before={"price": 100.0, "split": 1.0}),
    ):
        words, passed = judge(found, in_ci=False)
        assert not passed
        assert any("update it" in word for word in words)


def test_a_baseline_reads_as_it_was_written(tmp_path):
    path = tmp_path / "baseline.toml"
    baseline = Baseline(
        'because of "this"', 'GCC: "12" \\ x', "0badcafe", {"setup.py": "ab"}, {"read cells": 12.5}
    )

    baselines.write(baseline, path)

    assert baselines.read(path) == baseline


@pytest.mark.parametrize("text", [None, "because = ", 'because = "x"'])
def test_a_baseline_that_is_missing_or_broken_is_said(tmp_path, text):
    path = tmp_path / "baseline.toml"
    if text is not None:
        path.write_text(text)

    with pytest.raises(NoBaselineError, match="--update --because"):
        baselines.read(path)


def test_without_a_baseline_the_gate_does_not_pass(monkeypatch, capsys):
    def missing() -> Baseline:
        raise NoBaselineError("there is no baseline.toml")

    monkeypatch.setattr(gate, "all_paths", list)
    monkeypatch.setattr(baselines, "read", missing)

    assert gate.main([]) == 1
    assert "Nothing was compared: there is no baseline.toml" in capsys.readouterr().out


def test_an_update_needs_a_reason(capsys):
    with pytest.raises(SystemExit):
        gate.main(["--update"])

    assert "say why" in capsys.readouterr().err


def git(folder, *arguments):
    named = ("-c", "user.name=a", "-c", "user.email=a@example.org")
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "full"
    (folder / "tariffcore").mkdir(parents=True)
    (folder / "setup.py").write_text("first")
    (folder / "tariffcore" / "_kernel.pyx").write_text("first")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "first")
    return folder


def test_sources_come_from_git_and_only_what_changed_is_built(checkout, monkeypatch, tmp_path):
    sources = baselines.sources_now(checkout)
    (checkout / "tariffcore" / "_kernel.pyx").write_text("second")
    built = []
    monkeypatch.setattr(baselines, "compile_modules", built.append)

    package = baselines.build(Baseline("", "", "", sources), tmp_path, checkout, tmp_path / "builds")

    assert (package / "_kernel.pyx").read_text() == "first"
    assert built == [tmp_path / "builds"]


def test_the_same_sources_are_copied(checkout, monkeypatch, tmp_path):
    (tmp_path / "_kernel.abi3.so").write_bytes(b"binary")
    monkeypatch.setattr(baselines, "compile_modules", lambda _: pytest.fail("nothing is to be built"))

    package = baselines.build(
        Baseline("", "", "", baselines.sources_now(checkout)), tmp_path, checkout, tmp_path / "builds"
    )

    assert (package / "_kernel.abi3.so").read_bytes() == b"binary"


def test_a_shallow_checkout_is_said(checkout, tmp_path):
    before = baselines.sources_now(checkout)
    (checkout / "tariffcore" / "_kernel.pyx").write_text("second")
    git(checkout, "commit", "--quiet", "--all", "--message", "second")
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{checkout}", "shallow")

    with pytest.raises(NoBaselineError, match="shallow"):
        baselines.build(Baseline("", "", "", before), tmp_path, tmp_path / "shallow", tmp_path / "builds")


def test_sources_that_were_never_committed_are_said(checkout, tmp_path):
    unknown = {"setup.py": "0" * 40, "tariffcore/_kernel.pyx": "1" * 40}

    with pytest.raises(NoBaselineError, match="never committed"):
        baselines.build(Baseline("", "", "", unknown), tmp_path, checkout, tmp_path / "builds")


def test_no_checkout_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))

    with pytest.raises(NoBaselineError, match="no git checkout"):
        baselines._git(tmp_path, "cat-file", "blob", "0" * 40)


def test_the_median_of_pairs_and_what_chance_may_do():
    logs = [SHIFT + noise for noise in np.linspace(-0.1, 0.1, 201).tolist()]

    found = summed_up(logs)

    assert found.median == pytest.approx(np.exp(SHIFT))
    assert found.low < found.median < found.high
    assert found.high / found.low == pytest.approx(np.exp(0.028), rel=0.01)  # 14 order statistics up and down


def test_calls_are_recorded_as_they_were_and_made_again():
    path = PATHS["answer a chunk"]()

    with recording("_chunks") as recorder:
        pass

    assert recorder.calls == []
    assert path.functions() == [("_chunks", "answer_chunk")]
    assert digest([path]) == digest([PATHS["answer a chunk"]()])
    assert ratios.compare(path, gate.BINARIES, gate.BINARIES, seconds=0).pairs >= ratios.LEAST_PAIRS


@pytest.mark.parametrize(("name", "modules"), [("group", "_grouping _texts"), ("answer a list", "_rows")])
def test_paths_are_recorded_alike_each_time_and_made_again(name, modules):
    path = PATHS[name]()

    assert {module for module, _ in path.functions()} == set(modules.split())
    assert digest([path]) == digest([PATHS[name]()])
    assert ratios.compare(path, gate.BINARIES, gate.BINARIES, seconds=0).pairs >= ratios.LEAST_PAIRS


def test_other_results_are_not_compared(monkeypatch):
    path = RecordedPath("count", 1, {"calls": [], "objects": []})
    answers = iter([[1], [1], [1], [2]])
    monkeypatch.setattr(ratios, "_run", lambda _: next(answers))

    with pytest.raises(NotComparableError, match="other results"):
        ratios.compare(path, gate.BINARIES, gate.BINARIES)


def test_another_interface_is_not_compared():
    path = RecordedPath("gone", 1, {"calls": [("_kernel", "price_of_old", [])], "objects": []})

    with pytest.raises(NotComparableError, match="price_of_old"):
        ratios.compare(path, gate.BINARIES, gate.BINARIES)


def test_every_seed_fits_the_kernel():
    text = (baselines.ROOT / seeded.KERNEL).read_text(encoding="utf-8")

    changed = [seed for seed in seeded.SEEDS if seeded.sown(text, seed) != text]

    assert len(changed) == len(seeded.SEEDS) - 1


@pytest.mark.parametrize(
    ("seen_by", "found", "mistake"),
    [
        (None, counts(100), None),
        (None, counts(105), "an unchanged kernel did not pass"),
        ("counts", counts(105), None),
        ("counts", counts(102), "the counts did not show it"),
        ("time", timed(1.1, 1.09, 1.11), None),
        ("time", timed(1.0, 0.99, 1.01), "the time did not show it"),
        ("time", counts(105), "the counts show it too"),
    ],
)
def test_a_seed_must_be_seen_by_its_own_signal(seen_by, found, mistake):
    seed = seeded.Seed("seed", "", (), seen_by)

    mistakes = seeded.mistakes(seed, found)

    assert bool(mistakes) is (mistake is not None)
    assert mistake is None or any(mistake in words for words in mistakes)
