"""The gate's verdicts and its baseline file; nothing is timed here."""

import pytest

from benchmarks import gate
from benchmarks.gate import Measured, compare, read_baseline, write_baseline


def measured(price: float = 100.0, copies: float = 3.0, **other: str) -> Measured:
    named = {"workload": "0badcafe", "compiler": "GCC: 12", **other}
    return Measured(**named, instructions_a_case={"price": price}, times_memory_copy={"price": copies})


def test_a_baseline_reads_as_it_was_written(tmp_path):
    path = tmp_path / "baseline.toml"

    write_baseline(measured(compiler='GCC: "12" \\ x'), 'because of "this"', path)

    assert read_baseline(path) == measured(compiler='GCC: "12" \\ x')
    assert r'because = "because of \"this\""' in path.read_text()


def test_no_baseline(tmp_path):
    assert read_baseline(tmp_path / "baseline.toml") is None


@pytest.mark.parametrize(
    ("now", "passes"),
    [
        (measured(100), True),
        (measured(102.9), True),
        (measured(105), False),
        (measured(50), True),
        (measured(copies=4.0), True),
        (measured(copies=6.0), False),
    ],
)
def test_what_passes(now, passes):
    words, passed = compare(now, measured())

    assert passed is passes
    assert any("SLOWER" in word for word in words) is not passes


def test_a_speed_up_asks_to_be_kept():
    words, _ = compare(measured(90), measured())

    assert "price: 90.00 instructions a case (100.00 -10.00%): faster: update the baseline" in words[0]


def test_a_number_the_baseline_lacks_does_not_pass():
    before = measured()
    before.instructions_a_case.clear()

    words, passed = compare(measured(), before)

    assert not passed
    assert "the baseline has no such number" in words[0]


def test_another_compiler_and_other_work_are_named():
    words, _ = compare(measured(compiler="GCC: 13", workload="12345678"), measured())

    assert "note: compiled by GCC: 13; the baseline was by GCC: 12" in words
    assert any("work itself has changed" in word for word in words)


@pytest.mark.parametrize(("in_ci", "code"), [("true", 1), ("", 0)])
def test_without_valgrind_only_ci_fails(monkeypatch, capsys, in_ci, code):
    without = measured()
    without.instructions_a_case.clear()
    without.left_out.append("valgrind is not installed, so no instructions were counted")
    monkeypatch.setattr(gate, "measure", lambda: without)
    monkeypatch.setattr(gate, "read_baseline", measured)
    monkeypatch.setenv("CI", in_ci)

    assert gate.main([]) == code
    assert "valgrind is not installed" in capsys.readouterr().out


def test_an_update_needs_a_reason(capsys):
    with pytest.raises(SystemExit):
        gate.main(["--update"])

    assert "say why" in capsys.readouterr().err


def test_a_missing_baseline_is_said(monkeypatch, capsys):
    monkeypatch.setattr(gate, "measure", measured)
    monkeypatch.setattr(gate, "read_baseline", lambda: None)

    assert gate.main([]) == 1
    assert "no baseline.toml" in capsys.readouterr().out
