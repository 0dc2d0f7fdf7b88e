"""What the gate compares with: numbers in `baseline.toml`, and sources that git keeps under their blobs.

A blob is named by what it holds: its name stays true when commits are rebased, and holds before the commit
that brings both the sources and the baseline.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import processor

ROOT = Path(__file__).resolve().parents[2]
FILE = Path(__file__).with_name("baseline.toml")
BUILDS = ROOT / ".bench" / "baseline"
SETUP = "setup.py"


@dataclass
class Baseline:
    """What was measured when it was written, and of which sources (path -> blob)."""

    because: str
    compiler: str
    workload: str
    sources: dict[str, str] = field(default_factory=dict)
    instructions_a_case: dict[str, float] = field(default_factory=dict)


class NoBaselineError(Exception):
    """There is nothing to compare with, in words."""


def read(path: Path = FILE) -> Baseline:
    """Raises NoBaselineError."""
    if not path.exists():
        raise NoBaselineError(
            f'there is no {path.name} to compare with: python -m benchmarks.gate --update --because "..."'
        )
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        return Baseline(
            values["because"],
            values["compiler"],
            values["workload"],
            values["sources"],
            values["instructions_a_case"],
        )
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise NoBaselineError(
            f"{path.name} cannot be used ({error!r}); write it anew: python -m benchmarks.gate --update "
            f'--because "..."'
        ) from error


def write(baseline: Baseline, path: Path = FILE) -> None:
    lines = [
        "# What the gate compares with. Written by: python -m benchmarks.gate --update --because '...'",
        f'because = "{_toml_text(baseline.because)}"',
        f"date = {datetime.now(UTC).date().isoformat()}",
        f'machine = "{_toml_text(processor())}"',
        f'compiler = "{_toml_text(baseline.compiler)}"',
        f'workload = "{baseline.workload}"',
        "",
        "[sources] # the blobs of git that are built beside, to be timed in turns",
        *(f'"{source}" = "{blob}"' for source, blob in sorted(baseline.sources.items())),
        "",
        "[instructions_a_case]",
        *(f'"{name}" = {count:.2f}' for name, count in baseline.instructions_a_case.items()),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def sources_now(root: Path = ROOT) -> dict[str, str]:
    """The compiled sources of the work tree and how they are built, by their blobs.

    Raises NoBaselineError where this is no git checkout.
    """
    found = [path for kind in ("pyx", "pxd") for path in (root / "tariffcore").glob(f"*.{kind}")]
    names = [SETUP, *sorted(path.relative_to(root).as_posix() for path in found)]
    blobs = _git(root, "hash-object", *names).split()
    return dict(zip(names, blobs, strict=True))


def build(baseline: Baseline, current: Path, root: Path = ROOT, builds: Path = BUILDS) -> Path:
    """The folder of the baseline's compiled modules, built with this machine's compiler.

    Modules whose source is still the same are not built: they are copied from ``current``, where the same
    compiler has put them. Raises NoBaselineError where git does not have a source, or it does not build.
    """
    own = sources_now(root)
    differing = [source for source, blob in baseline.sources.items() if own.get(source) != blob]
    if SETUP in differing or any(source.endswith(".pxd") for source in differing):
        differing = list(baseline.sources)
    package = builds / "tariffcore"
    shutil.rmtree(builds, ignore_errors=True)
    package.mkdir(parents=True)
    to_build = [source for source in differing if source.endswith(".pyx")]
    for source, blob in baseline.sources.items():
        if source in to_build or not source.endswith(".pyx"):
            (builds / source).write_text(_git(root, "cat-file", "blob", blob), encoding="utf-8")
        else:
            for binary in current.glob(f"{Path(source).stem}.*so"):
                shutil.copy(binary, package)
    if to_build:
        compile_modules(builds)
    return package


def compile_modules(folder: Path) -> None:
    """Build the .pyx of a folder's ``tariffcore`` beside them, by its setup.py. Raises NoBaselineError."""
    (folder / "tariffcore" / "__init__.py").touch()
    command = [sys.executable, "-W", "ignore", SETUP, "--quiet", "build_ext", "--inplace", "--parallel", "4"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise NoBaselineError(f"the sources of the baseline do not build here:\n{done.stderr[-2000:]}")


def _git(root: Path, *arguments: str) -> str:
    if shutil.which("git") is None:
        raise NoBaselineError("git is not installed, so the sources of the baseline could not be had")
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        return done.stdout
    shallow = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"], cwd=root, capture_output=True, text=True, check=False
    )
    if shallow.returncode != 0:
        raise NoBaselineError(
            "this is no git checkout, so the sources of the baseline could not be had; clone the repository"
        )
    if shallow.stdout.strip() == "true":
        raise NoBaselineError(
            "this checkout is shallow and lacks the sources of the baseline; fetch the rest: git fetch "
            "--unshallow"
        )
    raise NoBaselineError(
        f"git {' '.join(arguments)} failed ({done.stderr.strip()}): baseline.toml names sources that "
        f"were never"
        " committed. Write it anew, and commit it with them: python -m benchmarks.gate --update "
        "--because '...'"
    )


def _toml_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
