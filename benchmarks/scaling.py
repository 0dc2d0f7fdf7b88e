"""Does the price of a case grow with their number? Time and memory by size, and by thread."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.kernel import THREADS
from benchmarks.report import Goal, Highlight, Plot, Section
from benchmarks.timing import ROUNDS, Times, take_turns
from benchmarks.workloads import (
    FOLDER,
    cases_csv,
    cases_parquet,
    demo_plan,
    encoded_cases,
    repeated_csv,
    repeated_parquet,
)
from tariffcore.batch import price_file
from tariffcore.kept_memory import keep_freed_memory
from tariffcore.plan import Plan
from tariffcore.pricing import price_encoded

SIZES = tuple(10**power for power in range(3, 10))
STREAMED_ROWS = 1 << 22
"""More cases than this are priced as a stream of so many rows again and again: 126 MB, beyond any cache."""
SECONDS_A_SIZE = 6
FLAT = 1.25
"""Above this, the most expensive of the larger sizes over the cheapest is not flat any more."""
FLAT_FROM = 100_000
PARQUET_CASES = 100_000_000
CSV_CASES = 20_000_000
MEMORY_LIMIT_MIB = 1024
THREADED_CASES = 4_000_000
THREADED_FILE_CASES = 2_000_000


def run(sizes: Sequence[int] | None = None) -> Section:
    """ns/case of the kernel by the number of cases."""
    section = Section(
        "Time and memory by size, in memory",
        f"""The kernel in memory that is already there, by one thread and by {THREADS}, in turns. Of more than
{STREAMED_ROWS:,} cases the arrays hold so many and are priced again and again, as a stream would be: memory
is that of the arrays, whatever the number. Memory is the resident set of the whole benchmark's process.""",
        ("cases", "rounds", "ns/case, 1 thread", f"ns/case, {THREADS} threads", "processor ns/case", "MiB"),
    )
    found: dict[int, list[tuple[int, float]]] = {1: [], THREADS: []}
    processor: list[tuple[int, float]] = []
    for cases in sizes or SIZES:
        times, rounds = _kernel_times(cases)
        for threads, by_size in found.items():
            by_size.append((cases, times.median(str(threads)) / cases * 1e9))
        processor.append((cases, times.processor_median("1") / cases * 1e9))
        section.rows.append(
            (
                f"{cases:,}",
                str(rounds),
                *(f"{by_size[-1][1]:.2f}" for by_size in found.values()),
                f"{processor[-1][1]:.2f}",
                f"{resident_mib():,.0f}",
            )
        )
    large = [ns for cases, ns in processor if cases >= FLAT_FROM]
    if len(large) > 1:
        goal = Goal(
            f"most expensive size / cheapest, processor time of 1 thread, from {FLAT_FROM:,} cases",
            max(large) / min(large),
            at_most=FLAT,
        )
        section.goals.append(goal)
        section.highlights.append(
            Highlight(
                f"kernel, 1 thread, {FLAT_FROM:,} to {processor[-1][0]:,} cases",
                f"{min(large):.1f} to {max(large):.1f} ns a case of processor time",
                f"{max(large) / min(large):.2f} x",
                goal,
            )
        )
    section.plots.append(
        Plot(
            "Throughput by size, the kernel alone",
            "cases",
            "million cases/s",
            {
                f"{threads} thread{'s' * (threads > 1)}": [(cases, 1e3 / ns) for cases, ns in by_size]
                for threads, by_size in found.items()
            },
        )
    )
    return section


def _kernel_times(cases: int) -> tuple[Times, int]:
    """Times of the kernel by number of threads, and of how many rounds."""
    rows = min(cases, STREAMED_ROWS)
    plan, inputs, out = demo_plan(), input_columns(encoded_cases(rows)), Priced.touched(rows)
    passes = [min(rows, cases - first) for first in range(0, cases, rows)]

    def price(part: int, parts: int) -> None:
        for length in passes:
            start, stop = length * part // parts, length * (part + 1) // parts
            if start < stop:
                price_by_kernel(plan, inputs, out, start, stop)

    begin = time.perf_counter()
    price_by_kernel(plan, inputs, out, 0, rows)
    once = (time.perf_counter() - begin) * cases / rows
    rounds = max(1, min(501, int(SECONDS_A_SIZE / (2 * max(once, 1e-7)))))
    with ThreadPoolExecutor(THREADS) as pool:
        contestants = {
            "1": lambda: price(0, 1),
            str(THREADS): lambda: list(pool.map(price, range(THREADS), [THREADS] * THREADS)),
        }
        return take_turns(contestants, rounds), rounds


def _price_file(source: Path, output: Path, plan: Plan, threads: int) -> object:
    return price_file(source, output, plan, threads=threads)


def resident_mib() -> float:
    """The resident set of this process; 0 where the system does not tell."""
    status = Path("/proc/self/status")
    if not status.exists():
        return 0.0
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text(encoding="utf-8"))
    return int(found[1]) / 1024 if found else 0.0


def thread_counts() -> list[int]:
    """1 to as many as there are processors, and once twice as many."""
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return [*range(1, processors + 1), 2 * processors]


def run_threads(cases: int = THREADED_CASES, file_cases: int = THREADED_FILE_CASES) -> Section:
    """The same work by 1 to n threads."""
    counts = thread_counts()
    section = Section(
        "Throughput by thread",
        f"""{cases:,} cases in memory, and files of {file_cases:,}, by so many threads in
turns; the last number is twice that of the processors.""",
        ("path", "threads", "million cases/s", "x 1 thread", "processor ns/case"),
    )
    plan, encoded = demo_plan(), encoded_cases(cases)
    inputs, out = input_columns(encoded), Priced.touched(cases)

    def kernel(threads: int, pool: ThreadPoolExecutor) -> None:
        bounds = [cases * part // threads for part in range(threads + 1)]
        list(pool.map(lambda a, b: price_by_kernel(plan, inputs, out, a, b), bounds, bounds[1:]))

    series: dict[str, list[tuple[Any, float]]] = {}
    with ThreadPoolExecutor(max(counts)) as pool:
        paths: dict[str, tuple[int, int, Callable[[int], object]]] = {
            "kernel": (cases, ROUNDS * 3, lambda threads: kernel(threads, pool)),
            "library call": (
                cases,
                ROUNDS * 3,
                lambda threads: price_encoded(encoded, plan, threads=threads),
            ),
        }
        for source in (cases_parquet(file_cases), cases_csv(file_cases)):
            output = FOLDER / "out" / f"threads{source.suffix}"
            output.parent.mkdir(parents=True, exist_ok=True)
            name = {".parquet": "Parquet to Parquet", ".csv": "CSV to CSV"}[source.suffix]
            paths[name] = file_cases, 3, partial(_price_file, source, output, plan)
        for name, (priced, rounds, work) in paths.items():
            times = take_turns({str(n): partial(work, n) for n in counts}, rounds)
            for n in counts:
                speed = priced / times.median(str(n)) / 1e6
                ratio = 1 / times.ratio(str(n), "1")
                used = times.processor_median(str(n)) / priced * 1e9
                section.rows.append((name, str(n), f"{speed:.3g}", f"{ratio:.2f}", f"{used:,.1f}"))
                series.setdefault(name, []).append((n, speed))
    for names in (("kernel", "library call"), ("Parquet to Parquet", "CSV to CSV")):
        plotted = {name: series[name] for name in names}
        section.plots.append(Plot(f"{' and '.join(names)}, by thread", "threads", "million cases/s", plotted))
    return section


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
        goal = Goal(text, peak_mib, at_most=MEMORY_LIMIT_MIB)
        section.goals.append(goal)
        section.highlights.append(
            Highlight(f"peak memory, {cases:,} cases of {name}", f"{peak_mib:.0f} MiB", "", goal)
        )
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
    keep_freed_memory()  # as the command line does
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
