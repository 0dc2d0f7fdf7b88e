from __future__ import annotations

import errno
import signal

import click
import pytest

from tariffcore.cli import failures
from tariffcore.cli.entry import CommandLine
from tariffcore.cli.failures import StoppedError, StopSignal, tell
from tariffcore.errors import CasesError, NumberFormatError, Problem
from tests.cli.running import run_process


def told(error: BaseException, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    code = tell(error)
    captured = capsys.readouterr()
    assert captured.out == ""
    return code, captured.err


def test_problems_are_told_one_a_line_all_of_them(capsys: pytest.CaptureFixture[str]) -> None:
    problems = [Problem("a.csv:2", "age", str(n), "is wrong", "correct it") for n in range(3000)]
    code, text = told(CasesError("a.csv cannot be used", problems), capsys)
    lines = text.splitlines()
    assert code == 2
    assert lines[0] == "tariffcore: a.csv cannot be used"
    assert lines[1] == "  a.csv:2: age: '0': is wrong; correct it"
    assert len(lines) == 3001


def test_what_a_file_holds_cannot_write_lines_or_move_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("a\x1b[2J.csv", "b\nc", "\x1b]0;x\x07", "is wrong\r", "correct it")
    _, text = told(CasesError("a\x1b[2J.csv", [problem]), capsys)
    assert len(text.splitlines()) == 2
    assert "\x1b" not in text and "\r" not in text and "\x07" not in text


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (NumberFormatError("'x' is not a number"), 2, "tariffcore: 'x' is not a number\n"),
        (
            OSError(errno.EIO, "Input/output error", "/data/cases.csv"),
            2,
            "tariffcore: Input/output error: /data/cases.csv\n",
        ),
        (MemoryError(), 2, "tariffcore: there is not enough memory; try fewer --threads\n"),
        (StoppedError("stopped; nothing", KeyboardInterrupt()), 130, "tariffcore: stopped; nothing\n"),
        (StoppedError("stopped", StopSignal(signal.SIGTERM)), 143, "tariffcore: stopped\n"),
        (click.Abort(), 130, "tariffcore: stopped\n"),
    ],
)
def test_each_kind_of_failure(
    error: BaseException, code: int, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(error, capsys) == (code, says)


def test_a_mistake_of_tariffcore_is_a_sentence_too(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, text = told(KeyError("case_id"), capsys)
    assert code == failures.INTERNAL
    assert text.startswith("tariffcore: internal error (KeyError: 'case_id')\n")
    monkeypatch.setenv(failures.TRACEBACK_VARIABLE, "1")
    with pytest.raises(KeyError):
        tell(KeyError("case_id"))


def test_stopping_in_order_gives_signals_their_meaning_back() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with failures.stopping_in_order():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_signal_that_is_ignored_stays_so() -> None:
    # as under nohup: the run goes on when the terminal is closed
    program = (
        "import os, signal\n"
        "signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from tariffcore.cli import schedule_list\n"
        "real = schedule_list.edition_rows\n"
        "schedule_list.edition_rows = lambda s: (os.kill(os.getpid(), signal.SIGHUP), real(s))[1]"
    )
    ran = run_process("schedule", "list", before=program)
    assert ran.code == 0
    assert "kz-leaflet" in ran.out


def test_ctrl_c_anywhere_is_one_sentence() -> None:
    @click.group(cls=CommandLine)
    def group() -> None: ...

    @group.command()
    def wait() -> None:
        raise KeyboardInterrupt

    with pytest.raises(SystemExit) as left:
        group(["wait"])
    assert left.value.code == 130


def test_a_full_disk_is_told() -> None:
    program = "sys.stdout = open('/dev/full', 'w')"
    ran = run_process("schedule", "list", before=program)
    assert ran.code == 2
    assert ran.err.startswith("tariffcore: No space left on device")
