"""Does the price of a case grow with the file? Time from 1e5 to 1e8 cases, memory of the longest files."""

from __future__ import annotations

import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.kernel import THREADS
from benchmarks.report import Goal, Section
from benchmarks.timing import ROUNDS, take_turns
from benchmarks.workloads import FOLDER, demo_plan, encoded_cases, repeated_csv, repeated_parquet
from tariffcore.batch import price_file

SIZES = (100_000, 1_000_000, 10_000_000, 100_000_000)
FLAT = 1.25
"""Above this, the most expensive size over the cheapest is not flat any more."""
PARQUET_CASES = 100_000_000
CSV_CASES = 20_000_000
MEMORY_LIMIT_MIB = 1024


def run(sizes: tuple[int, ...] = SIZES, rounds: int = ROUNDS) -> Section:
    """ns/case of the kernel by the number of cases."""
    section = Section(
        "Time by size",
        f"The kernel in memory that is already there, by one thread and by {THREADS}.",
        ("cases", "ns/case, 1 thread", f"ns/case, {THREADS} threads"),
    )
    found: dict[int, list[float]] = {1: [], THREADS: []}
    for cases in sizes:
        for threads, seconds in _seconds(cases, max(rounds, min(200, 10_000_000 // cases))).items():
            found[threads].append(seconds / cases * 1e9)
        section.rows.append((f"{cases:,}", *(f"{by_size[-1]:.2f}" for by_size in found.values())))
    for threads, by_size in found.items():
        text = f"most expensive size / cheapest, {threads} thread{'s' * (threads > 1)}"
        section.goals.append(Goal(text, max(by_size) / min(by_size), at_most=FLAT))
    return section


def _seconds(cases: int, rounds: int) -> dict[int, float]:
    """Seconds of the kernel by number of threads."""
    plan, inputs, out = demo_plan(), input_columns(encoded_cases(cases)), Priced.touched(cases)
    halves = [(cases * part // THREADS, cases * (part + 1) // THREADS) for part in range(THREADS)]

    def price(rows: tuple[int, int]) -> None:
        price_by_kernel(plan, inputs, out, *rows)

    with ThreadPoolExecutor(THREADS) as pool:
        contestants = {"1": lambda: price((0, cases)), "2": lambda: list(pool.map(price, halves))}
        times = take_turns(contestants, rounds)
    return {1: times.median("1"), THREADS: times.median("2")}


def run_memory(parquet_cases: int = PARQUET_CASES, csv_cases: int = CSV_CASES) -> Section:
    """Peak memory of pricing files in a process of its own."""
    section = Section(
        "Memory by size",
        "The largest resident set of a process that prices a whole file (VmHWM), and its time.",
        ("file", "cases", "peak MiB", "seconds"),
    )
    for make, cases in (
        (repeated_parquet, parquet_cases // 10),
        (repeated_parquet, parquet_cases),
        (repeated_csv, csv_cases),
    ):
        source = make(cases)
        peak_mib, seconds = _peak_of(source)
        source.unlink()  # gigabytes that nobody else asks for
        name = source.suffix.removeprefix(".")
        section.rows.append((name, f"{cases:,}", f"{peak_mib:.0f}", f"{seconds:.1f}"))
        text = f"peak MiB, {cases:,} cases of {name}"
        section.goals.append(Goal(text, peak_mib, at_most=MEMORY_LIMIT_MIB))
    return section


def _peak_of(source: Path) -> tuple[float, float]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", str(source)], capture_output=True, text=True, check=False
    )
    said = re.fullmatch(r"(\d+) kB ([\d.]+) s\n", done.stdout)
    if done.returncode != 0 or said is None:
        raise SystemExit(f"pricing {source} failed:\n{done.stderr[-2000:]}")
    return int(said[1]) / 1024, float(said[2])


def _price_and_tell(source: Path) -> None:
    """In a process of its own: price the file, then say the peak of memory and the seconds."""
    import time

    begin = time.perf_counter()
    output = FOLDER / "out" / f"memory{source.suffix}"
    output.parent.mkdir(parents=True, exist_ok=True)
    report = price_file(source, output, demo_plan().catalog, threads=THREADS)
    seconds = time.perf_counter() - begin
    output.unlink()
    assert report.summary.read > 0
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
    assert peak is not None
    print(f"{peak[1]} kB {seconds:.1f} s")


if __name__ == "__main__":
    if sys.argv[1:]:
        _price_and_tell(Path(sys.argv[1]))
    else:
        print(run().markdown())
        print(run_memory().markdown())
