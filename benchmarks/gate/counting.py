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
        *_toggles(path),
        *(sys.executable, "-I", replay.__file__, str(calls), str(binaries)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None or int(counted[1]) == 0:
        raise SystemExit(f"callgrind counted nothing in {path.name}:\n{done.stderr[-2000:]}")
    return int(counted[1])


def _toggles(path: RecordedPath) -> list[str]:
    """A function, and where it has versions by type, which its front picks and returns, each of them."""
    return [
        f"--toggle-collect={front}__pyx_pw_*{module}_*{function}"
        for module, function in path.functions()
        for front in ("", "__pyx_fuse_*")
    ]
