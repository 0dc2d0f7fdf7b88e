"""The quick gate: has the kernel become slower? ``python -m benchmarks --quick``, under three minutes.

Instructions a case, counted by callgrind, repeat exactly on any machine with the same compiler; a ratio to
memory copy in the same run sees what instructions do not, such as divisions and cache misses. Both are
compared with ``baseline.toml``, which changes only on purpose:
``python -m benchmarks.gate --update --because "..."``.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks import counted_run
from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.report import processor
from benchmarks.workloads import INPUTS, demo_plan, encoded_cases, kernel_tables
from tariffcore import _kernel

BASELINE = Path(__file__).with_name("baseline.toml")
CASES = 1 << 18
LOOPS = ("price", "split")
TIMED_CASES = 1 << 20  # 30 MB: copying them is the memory's work, not the cache's
ROUNDS = 101

INSTRUCTIONS_TOLERANCE = 0.03
COPY_TOLERANCE = 0.5
"""What a busy machine does to the fastest of many rounds."""

COUNTED, TIMED = "instructions a case", "times as long as memory copy"


@dataclass
class Measured:
    """What a run found, or what a baseline says. ``left_out``: what could not be measured, in words."""

    workload: str
    compiler: str
    instructions_a_case: dict[str, float] = field(default_factory=dict)
    times_memory_copy: dict[str, float] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def measure() -> Measured:
    inputs = input_columns(encoded_cases(CASES))
    arrays = {f"table_{name}": np.asarray(table) for name, table in sorted(kernel_tables().items())}
    arrays |= {f"input_{name}": column for name, column in zip(INPUTS, inputs, strict=True)}
    arrays["components"] = np.asarray(len(demo_plan().component_names))
    digest = 0
    for array in arrays.values():
        digest = zlib.crc32(np.ascontiguousarray(array).view(np.uint8).data, digest)
    measured = Measured(f"{digest:08x}", _compiler())
    measured.times_memory_copy["price"] = _times_memory_copy()
    if shutil.which("valgrind") is None:
        measured.left_out.append(
            "valgrind is not installed, so no instructions were counted (on Debian: apt-get install valgrind)"
        )
        return measured
    with TemporaryDirectory(prefix="tariffcore-gate-") as folder:
        workload = Path(folder, "workload.npz")
        np.savez(workload, **arrays)  # type: ignore[arg-type]
        for loop in LOOPS:
            measured.instructions_a_case[loop] = _instructions(workload, loop) / CASES
    return measured


def _instructions(workload: Path, loop: str) -> int:
    """Instructions from entering the kernel's function to leaving it; a few thousand are the call itself."""
    out = workload.with_name(f"{loop}.callgrind")
    command = [
        *("valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--collect-atstart=no"),
        f"--toggle-collect=__pyx_pw_*_kernel_*{loop}",
        *(sys.executable, "-I", counted_run.__file__, str(workload), loop),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None or int(counted[1]) == 0:
        raise SystemExit(f"callgrind counted nothing in {loop}:\n{done.stderr[-2000:]}")
    return int(counted[1])


def _times_memory_copy() -> float:
    """The kernel's time in one thread over that of copying its arrays, both the fastest of many rounds."""
    rows = TIMED_CASES
    plan, inputs, out = demo_plan(), input_columns(encoded_cases(rows)), Priced.touched(rows)
    arrays = (*inputs, *out.columns())
    targets = [np.ones_like(array) for array in arrays]

    def copy() -> None:
        for source, target in zip(arrays, targets, strict=True):
            np.copyto(target, source)

    contestants: tuple[Callable[[], None], ...] = (copy, lambda: price_by_kernel(plan, inputs, out, 0, rows))
    fastest = [float("inf")] * len(contestants)
    for _ in range(ROUNDS):
        for number, contestant in enumerate(contestants):
            begin = time.thread_time()
            contestant()
            fastest[number] = min(fastest[number], time.thread_time() - begin)
    return fastest[1] / fastest[0]


def _compiler() -> str:
    """As the kernel's binary names it."""
    named = re.search(rb"(?:GCC: |clang version )[\x20-\x7e]+", Path(str(_kernel.__file__)).read_bytes())
    return named[0].decode() if named else "unknown"


def read_baseline(path: Path = BASELINE) -> Measured | None:
    """What was measured when the baseline was written; None where there is none."""
    if not path.exists():
        return None
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    return Measured(
        values["workload"], values["compiler"], values["instructions_a_case"], values["times_memory_copy"]
    )


def write_baseline(measured: Measured, because: str, path: Path = BASELINE) -> None:
    lines = [
        "# What the gate compares with. Written by: python -m benchmarks.gate --update --because '...'",
        f'because = "{_toml_text(because)}"',
        f"date = {datetime.now(UTC).date().isoformat()}",
        f'machine = "{_toml_text(processor())}"',
        f'compiler = "{_toml_text(measured.compiler)}"',
        f'workload = "{measured.workload}"',
        "",
        "[instructions_a_case]",
        *(f"{loop} = {count:.2f}" for loop, count in measured.instructions_a_case.items()),
        "",
        "[times_memory_copy]",
        *(f"{loop} = {ratio:.2f}" for loop, ratio in measured.times_memory_copy.items()),
        "",
    ]
    path.write_text("\n".join(lines), encoding="utf-8")


def compare(measured: Measured, baseline: Measured) -> tuple[list[str], bool]:
    """What to say, and whether everything measured is within its tolerance."""
    words, passed = [], True
    for unit, now, before, tolerance in (
        (COUNTED, measured.instructions_a_case, baseline.instructions_a_case, INSTRUCTIONS_TOLERANCE),
        (TIMED, measured.times_memory_copy, baseline.times_memory_copy, COPY_TOLERANCE),
    ):
        for loop, value in now.items():
            if loop not in before:
                words.append(f"{loop}: {value:.2f} {unit}; the baseline has no such number, so update it")
                passed = False
                continue
            change = value / before[loop] - 1
            verdict = "ok"
            if change > tolerance:
                verdict, passed = f"SLOWER than the {tolerance:.0%} allowed", False
            elif change < -tolerance and unit is COUNTED:
                verdict = "faster: update the baseline, so that this is kept"
            words.append(f"{loop}: {value:.2f} {unit} ({before[loop]:.2f} {change:+.2%}): {verdict}")
    if measured.compiler != baseline.compiler:
        words.append(f"note: compiled by {measured.compiler}; the baseline was by {baseline.compiler}")
    if measured.workload != baseline.workload:
        words.append("note: the cases or the tables are not those of the baseline: work itself has changed")
    return words, passed


def main(arguments: list[str] | None = None) -> int:
    """Exit code 0: within tolerance. 1: slower, or the gate lacks something it may not lack."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gate", description=__doc__)
    parser.add_argument("--update", action="store_true", help="write baseline.toml from this run")
    parser.add_argument("--because", default="", help="one sentence: why the baseline changes")
    options = parser.parse_args(arguments)
    if options.update and not options.because.strip():
        parser.error('say why: --update --because "..."')
    measured = measure()
    for words in measured.left_out:
        print(words)
    if options.update:
        if measured.left_out:
            print("The baseline was not written: it would lack what could not be measured.")
            return 1
        write_baseline(measured, options.because.strip())
        print(f"Wrote {BASELINE.name}: {measured.instructions_a_case}, {measured.times_memory_copy}")
        return 0
    baseline = read_baseline()
    if baseline is None:
        print('There is no baseline.toml to compare with: python -m benchmarks.gate --update --because "..."')
        return 1
    findings, passed = compare(measured, baseline)
    print("\n".join(findings))
    if measured.left_out and os.environ.get("CI") == "true":
        print("This is CI, where nothing may be left out.")
        return 1
    print("The gate is passed." if passed else "The gate is NOT passed.")
    return 0 if passed else 1


def _toml_text(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")


if __name__ == "__main__":
    sys.exit(main())
