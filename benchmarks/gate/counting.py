"""Instructions a case, counted by callgrind: they repeat exactly on any machine with the same compiler."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.gate import replay
from benchmarks.gate.workload import RecordedPath

NO_VALGRIND = (
    "valgrind is not installed, so no instructions were counted (on Debian: apt-get install valgrind)"
)


def can_count() -> bool:
    return shutil.which("valgrind") is not None


def count(paths: Iterable[RecordedPath], binaries: Path, at_once: int = 2) -> dict[str, float]:
    """Instructions a case of each path, by the compiled modules of a folder."""
    paths = list(paths)
    with TemporaryDirectory(prefix="tariffcore-gate-") as folder, ThreadPoolExecutor(at_once) as pool:
        counts = pool.map(lambda path: _count(path, binaries, Path(folder)), paths)
        return {path.name: found / path.rows for path, found in zip(paths, counts, strict=True)}


def _count(path: RecordedPath, binaries: Path, folder: Path) -> int:
    """From entering each function to leaving it; a few thousand instructions are the calls themselves."""
    named = path.name.replace(" ", "-")
    calls, out = folder / f"{named}.pickle", folder / f"{named}.callgrind"
    calls.write_bytes(path.pickled())
    command = [
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no"),
        *_toggles(path, binaries),
        *(sys.executable, "-I", replay.__file__, str(calls), str(binaries)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None or int(counted[1]) == 0:
        raise SystemExit(f"callgrind counted nothing in {path.name}:\n{done.stderr[-2000:]}")
    return int(counted[1])


def _toggles(path: RecordedPath, binaries: Path) -> list[str]:
    """The functions by their whole names: of several patterns with stars callgrind minds only some.

    A function that has versions by type is a front, which picks one and returns it, and the versions.
    """
    names: list[str] = []
    for module, function in path.functions():
        binary = next(iter(sorted(binaries.glob(f"{module}.*so"))), None)
        symbol = rf"(?:__pyx_fuse_[0-9_]+)?__pyx_pw_[0-9A-Za-z_]*{module}_[0-9]*{function}\0"
        found = re.findall(symbol.encode(), binary.read_bytes()) if binary is not None else []
        names += sorted({name.rstrip(b"\0").decode() for name in found})
    if not names:
        raise SystemExit(f"no function of {path.name} is in the binaries of {binaries}")
    return [f"--toggle-collect={name}" for name in names]
