"""Runs the command line: in this process, or in one of its own where signals and streams matter."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from tariffcore.cli import main

CASE_COLUMNS = "case_id,provider_id,drg_code,care_setting,admission_date,discharge_date,age_years"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        return self.out.rstrip("\n").rpartition("\n")[2]


def run(*arguments: object, env: dict[str, str] | None = None) -> Ran:
    """One command in this process. No failure may be an internal one."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments], env=env)
    assert "Traceback" not in result.stderr
    assert "internal error" not in result.stderr, result.stderr
    return Ran(result.exit_code, result.stdout, result.stderr)


def run_process(*arguments: object, env: dict[str, str] | None = None, before: str = "") -> Ran:
    """One command in a process of its own, after some lines of Python."""
    program = f"import sys\nfrom tariffcore.cli import main\n{before}\nmain(sys.argv[1:])"
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        env={**os.environ, **(env or {})},
        check=False,
    )
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def refused(ran: Ran) -> list[str]:
    """The lines on stderr of a command that found its input unusable and printed nothing else."""
    assert ran.code == 2, ran
    assert ran.out == ""
    return ran.err.splitlines()


def write_cases(folder: Path, *rows: str, name: str = "cases.csv", header: str = CASE_COLUMNS) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in (header, *rows)), encoding="utf-8")
    return path


def whole_files(folder: Path) -> list[str]:
    """What stands in the folder, unfinished files included."""
    return sorted(entry.name for entry in folder.iterdir())
