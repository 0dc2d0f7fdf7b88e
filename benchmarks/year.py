"""What a national year costs, by a model that is fitted to small runs and checked against larger ones.

    processor seconds  = fixed + cases x cost of a case x (1 + contention x (threads - 1))
    seconds by clock   = fixed + the larger of: the rest of those / threads, and bytes moved / memory
    bandwidth

Fixed and cost come from two sizes by one thread, contention from the larger of them by two; none from the
largest run, on which the model is then tried.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks import records
from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.kernel import THREADS
from benchmarks.report import Goal, Highlight, Section
from benchmarks.scaling import STREAMED_ROWS
from benchmarks.workloads import FOLDER, cases_csv, cases_parquet, demo_plan, encoded_cases
from tariffcore.batch import price_file

YEAR_CASES = 1_000_000_000
CASES = 10_000_000
"""Of the largest files, on which the model is tried."""
MACHINES = ((1, 1), (1, 2), (1, 16), (10, 16))
"""(machines, threads of each)"""
CHECK_WITHIN = 0.25


@dataclass(frozen=True, slots=True)
class Model:
    """Of one path: seconds a run has whatever its size, seconds a case, what another thread adds to each."""

    fixed: float
    a_case: float
    contention: float
    bytes_a_case: float

    def processor(self, cases: float, threads: int = 1) -> float:
        return self.fixed + cases * self.a_case * (1 + self.contention * (threads - 1))

    def clock(self, cases: float, threads: int, bandwidth: float) -> float:
        shared = (self.processor(cases, threads) - self.fixed) / threads
        return self.fixed + max(shared, cases * self.bytes_a_case / bandwidth)


def fitted(small: tuple[int, float], large: tuple[int, float], by_two: float, bytes_a_case: float) -> Model:
    """From (cases, processor seconds) of two runs by one thread, and those of the larger one by two
    threads.
    """
    a_case = (large[1] - small[1]) / (large[0] - small[0])
    fixed = max(0.0, small[1] - small[0] * a_case)
    contention = max(0.0, (by_two - fixed) / (large[1] - fixed) - 1)
    return Model(fixed, a_case, contention, bytes_a_case)


@dataclass(frozen=True)
class Path:
    """``work(cases, threads)``; two sizes to fit the model to, and one to try it on."""

    name: str
    work: Callable[[int, int], object]
    sizes: tuple[int, int, int]
    bytes_a_case: float
    rounds: int


def _kernel(cases: int, threads: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    rows = min(cases, STREAMED_ROWS)
    plan, inputs, out = demo_plan(), input_columns(encoded_cases(rows)), Priced.touched(rows)

    def price(part: int) -> None:
        for first in range(0, cases, rows):
            length = min(rows, cases - first)
            price_by_kernel(plan, inputs, out, length * part // threads, length * (part + 1) // threads)

    begin = time.process_time(), time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(price, range(threads)))
    _kernel_took[:] = [time.process_time() - begin[0], time.perf_counter() - begin[1]]


_kernel_took = [0.0, 0.0]
"""Without the making of arrays, which is no part of the kernel."""


def _file(make: Callable[[int], object], suffix: str) -> Callable[[int, int], None]:
    def work(cases: int, threads: int) -> None:
        source = make(cases)
        output = FOLDER / "out" / f"year{suffix}"
        output.parent.mkdir(parents=True, exist_ok=True)
        begin = time.process_time(), time.perf_counter()
        price_file(source, output, demo_plan(), threads=threads)  # type: ignore[arg-type]
        _kernel_took[:] = [time.process_time() - begin[0], time.perf_counter() - begin[1]]

    return work


def _took(path: Path, cases: int, threads: int, rounds: int) -> tuple[float, float]:
    """Processor and clock seconds: the best of some rounds, for what else the machine does only adds."""
    found = []
    for _ in range(rounds):
        path.work(cases, threads)
        found.append(tuple(_kernel_took))
    return min(processor for processor, _ in found), min(clock for _, clock in found)


def bandwidth() -> float:
    """Bytes read and written a second by copying in all threads."""
    from concurrent.futures import ThreadPoolExecutor

    sources = [np.ones(1 << 24, np.int64) for _ in range(THREADS)]
    targets = [np.ones_like(source) for source in sources]
    with ThreadPoolExecutor(THREADS) as pool:
        seconds = []
        for _ in range(7):
            begin = time.perf_counter()
            list(pool.map(np.copyto, targets, sources))
            seconds.append(time.perf_counter() - begin)
    return 2 * sum(source.nbytes for source in sources) / min(seconds)


def run(cases: int = CASES) -> Section:
    """The model, how well it foretells the largest runs, and what it says of a national year."""
    small, large = cases // 50, cases // 5
    parquet, text = cases_parquet(large), cases_csv(large)
    paths = (
        Path("kernel, in memory", _kernel, (cases // 10, cases, 20 * cases), 30, 3),
        Path(
            "Parquet to priced Parquet",
            _file(cases_parquet, ".parquet"),
            (small, large, cases),
            2 * parquet.stat().st_size / large,
            2,
        ),
        Path(
            "CSV to priced CSV",
            _file(cases_csv, ".csv"),
            (small, large, cases),
            2 * text.stat().st_size / large,
            2,
        ),
    )
    copied = bandwidth()
    machines = [f"{m} x {t} threads" if m > 1 else f"{t} thread{'s' * (t > 1)}" for m, t in MACHINES]
    section = Section(
        f"A national year of {YEAR_CASES:,} lines",
        f"""A model: processor seconds = fixed + cases x cost of a case x (1 + contention x (threads - 1)); by
        the
clock, fixed + the larger of that shared by the threads and bytes moved / memory bandwidth ({copied / 1e9:.0f}
GB/s here, by copying in {THREADS} threads). Fixed and cost are fitted to two sizes by one thread, contention
to one run by two. *Error* is how far the model is off on a run it has not seen, by one thread and by
{THREADS}. Machines price shards of their own (a month, a provider), so {MACHINES[-1][0]} machines take a
tenth each and the fixed part in full. More than {THREADS} threads were not measured here: those columns take
contention to go on growing as from one to two, the disk or network to keep up, and memory bandwidth to be
this machine's for every {THREADS} threads.""",
        (
            "path",
            "fixed s",
            "ns/case",
            "contention",
            "tried on",
            "error, 1 thread",
            f"error, {THREADS} threads",
            *machines,
        ),
    )
    worst = 0.0
    for path in paths:
        small, large, largest = path.sizes
        first, _ = _took(path, small, 1, path.rounds)
        second, _ = _took(path, large, 1, path.rounds)
        by_two, _ = _took(path, large, THREADS, path.rounds)
        model = fitted((small, first), (large, second), by_two, path.bytes_a_case)
        errors = []
        for threads in (1, THREADS):
            took, _ = _took(path, largest, threads, 1)
            errors.append(model.processor(largest, threads) / took - 1)
        worst = max(worst, *map(abs, errors))
        years = [model.clock(YEAR_CASES / m, t, copied * max(1.0, t / THREADS)) for m, t in MACHINES]
        section.rows.append(
            (
                path.name,
                f"{model.fixed:.3f}",
                f"{model.a_case * 1e9:,.1f}",
                f"{model.contention:.2f}",
                f"{largest:,}",
                *(f"{error:+.1%}" for error in errors),
                *(duration(seconds) for seconds in years),
            )
        )
        section.highlights.append(
            Highlight(
                f"a year of {YEAR_CASES:,} lines, {path.name}",
                f"{duration(years[1])} by {MACHINES[1][1]} threads (by the model)",
                f"{duration(years[-1])} by {machines[-1]}",
            )
        )
    section.goals.append(Goal("the model's largest error, of processor seconds", worst, at_most=CHECK_WITHIN))
    section.notes += beside_the_model()
    return section


def beside_the_model() -> list[str]:
    """What other sections found of long runs and of the wire, where they were measured."""
    stream, sizes = records.load("stream"), records.load("sizes")
    notes = ["The column stream over gRPC is not in the model: the section `stream` was never measured."]
    if stream is not None:
        used = {row[0]: float(row[5]) for row in stream.rows}["PriceCaseColumns"]
        notes = [
            f"Over gRPC a worker takes {used:.0f} ns of processor a case (section `stream`), a year thus"
            f" {duration(used * YEAR_CASES / 1e9)} of one processor, the callers' own work not counted."
        ]
    longest = max((int(row[0].replace(",", "")) for row in sizes.rows), default=0) if sizes else 0
    notes.append(
        f"The longest run measured is {longest:,} cases in memory (section `sizes`); what is said of "
        "longer ones is"
        " the model's."
    )
    return notes


def duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    print(run().markdown())
