"""10 million cases in memory: the kernel beside memory copy, NumPy, Numba and the twin."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import numpy_rival
from benchmarks.contestants import Priced, first_difference, input_columns, price_by_kernel
from benchmarks.report import Goal, Highlight, Plot, Section, is_installed, not_installed
from benchmarks.rule_tables import rule_tables
from benchmarks.timing import ROUNDS, Times, take_turns
from benchmarks.workloads import INPUTS, demo_plan, encoded_cases, sample_table
from tariffcore import _kernel
from tariffcore.cases import Case
from tariffcore.encoded_cases import EncodedCases
from tariffcore.encoding import encode_cases
from tariffcore.files.opening import DEFAULT_CHUNK_ROWS
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_encoded
from tariffcore.reference import reference_price

CASES = 10_000_000
THREADS = 2
TWIN_CASES = 2_000
COLUMNS = ("contestant", "ns/case", "million cases/s", "x copy", "processor ns/case", "processor x copy")
COPY = "memory copy, 1 thread"


def run(cases: int = CASES, rounds: int = ROUNDS) -> Section:
    plan, encoded = demo_plan(), encoded_cases(cases)
    inputs = input_columns(encoded)
    kernel, own = Priced.touched(cases), Priced.touched(cases)
    price_by_kernel(plan, inputs, kernel, 0, cases)
    narrow, narrow_target = _narrowest((*inputs, *kernel.columns()))
    pool = ThreadPoolExecutor(THREADS)
    halves = [(cases * part // THREADS, cases * (part + 1) // THREADS) for part in range(THREADS)]
    chunks = _chunks(encoded)

    def copy() -> None:
        for source, target in zip(narrow, narrow_target, strict=True):
            np.copyto(target, source)

    def warm(start: int, stop: int) -> None:
        price_by_kernel(plan, inputs, kernel, start, stop)

    contestants: dict[str, Callable[[], object]] = {
        COPY: copy,
        "kernel, 1 thread": lambda: warm(0, cases),
        "kernel, 2 threads": lambda: list(pool.map(lambda half: warm(*half), halves)),
        "library call, 1 thread": lambda: price_encoded(encoded, plan, threads=1),
        "library call, 2 threads": lambda: price_encoded(encoded, plan, threads=THREADS),
        "chunks as files are priced, 2 threads": lambda: _price_chunks(pool, chunks, plan),
    }
    tables = rule_tables()
    differences = []
    numpy_rival.price(tables, inputs, own, 0, cases)
    differences.append(first_difference("NumPy", own, kernel))
    contestants["NumPy, 1 thread"] = lambda: numpy_rival.price(tables, inputs, own, 0, cases)
    contestants["NumPy, 2 threads"] = lambda: list(
        pool.map(lambda half: numpy_rival.price(tables, inputs, own, *half), halves)
    )
    left_out = []
    if is_installed("numba"):
        # Its threads would spin for milliseconds after their turn, in the way of whoever is next: the copy.
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
        from numba import set_num_threads

        from benchmarks import numba_rival

        set_num_threads(THREADS)
        own.amount_minor[:] = -1
        numba_rival.price(tables, inputs, own, 0, cases)
        differences.append(first_difference("Numba", own, kernel))
        contestants["Numba, 2 threads"] = lambda: numba_rival.price(tables, inputs, own, 0, cases)
    else:
        left_out.append(not_installed("numba"))
    differences.append(_library_difference(price_encoded(encoded, plan), kernel, encoded))
    refuse_differences(differences)

    times = take_turns(contestants, rounds)
    pool.shutdown()
    copied = sum(array.itemsize for array in narrow)
    own_width = sum(array.itemsize for array in (*inputs, *kernel.columns()))
    section = Section(
        "10 million cases in memory" if cases == CASES else f"{cases:,} cases in memory",
        f"""Full semantics, the cases of `tariffcore sample`. *Memory copy* is a warm one-thread
`numpy.copyto` of every input and output array at the narrowest widths that hold the data, {copied} bytes a
case (the kernel's own arrays have {own_width}). *Kernel* writes to memory that is already there, as NumPy and
Numba do; *library call* is `price_encoded` with its checks and fresh arrays; *chunks* are
{DEFAULT_CHUNK_ROWS:,} rows a call, as files are priced. Every row of every contestant was equal to the
kernel's before anything was timed.""",
        COLUMNS,
        left_out=left_out,
    )
    for name in contestants:
        section.rows.append(_row(name, times, cases))
    twin = _twin_seconds_a_case(plan)
    section.rows.append(
        (
            f"Fraction twin, 1 thread (from {TWIN_CASES:,} cases, not measured at this size)",
            f"{twin * 1e9:,.0f}",
            f"{1e-6 / twin:.3f}",
            "",
            "",
            "",
        )
    )
    for ours in ("kernel", "library call"):
        name = f"{ours}, 2 threads"
        copies = times.fair_ratio(name, COPY, THREADS)
        section.goals += [
            Goal(f"{name} / memory copy", copies, at_most=1.5),
            Goal(
                f"NumPy, 1 thread / {name}",
                times.fair_ratio("NumPy, 1 thread", name, 1, THREADS),
                at_least=10,
            ),
        ]
        if "Numba, 2 threads" in contestants:
            numba = times.fair_ratio("Numba, 2 threads", name, THREADS, THREADS)
            section.goals.append(Goal(f"Numba, 2 threads / {name}", numba, at_least=1))
    section.notes.append(f"Goals go by {times.measure}.")
    _sum_up(section, times, cases, "Nanoseconds a case in memory")
    return section


def run_components(cases: int = CASES, rounds: int = ROUNDS) -> Section:
    """The same with every amount split into its components."""
    plan, encoded = demo_plan(), encoded_cases(cases)
    inputs = input_columns(encoded)
    components = len(plan.component_names)
    kernel = Priced.touched(cases)
    parts, has_parts = np.ones((components, cases), np.int64), np.ones(cases, np.uint8)
    day, _, _, item, _, variant, *_ = inputs

    def warm(start: int, stop: int) -> None:
        price_by_kernel(plan, inputs, kernel, start, stop)
        _kernel.split(
            plan.tables,
            day,
            item,
            variant,
            kernel.amount_minor,
            kernel.status,
            parts,
            has_parts,
            start,
            stop,
        )

    warm(0, cases)
    assert np.array_equal(parts.sum(axis=0)[has_parts != 0], kernel.amount_minor[has_parts != 0])
    narrow, narrow_target = _narrowest((*inputs, *kernel.columns(), *parts, has_parts))

    def copy() -> None:
        for source, target in zip(narrow, narrow_target, strict=True):
            np.copyto(target, source)

    pool = ThreadPoolExecutor(THREADS)
    chunks = _chunks(encoded)
    # a block at a time, so that what pricing wrote is still in the cache when it is split
    blocks = [(first, min(first + (1 << 16), cases)) for first in range(0, cases, 1 << 16)]
    times = take_turns(
        {
            COPY: copy,
            "kernel, 2 threads": lambda: list(pool.map(lambda block: warm(*block), blocks)),
            "library call, 2 threads": lambda: price_encoded(encoded, plan, components=True, threads=THREADS),
            "chunks as files are priced, 2 threads": lambda: _price_chunks(pool, chunks, plan, True),
        },
        rounds,
    )
    pool.shutdown()
    section = Section(
        f"{cases:,} cases with {components} components",
        f"The copy moves {sum(array.itemsize for array in narrow)} bytes a case.",
        COLUMNS,
    )
    for name in times.seconds:
        section.rows.append(_row(name, times, cases))
    for name in ("kernel, 2 threads", "library call, 2 threads"):
        ratio = times.fair_ratio(name, COPY, THREADS)
        section.goals.append(Goal(f"{name}, with components / memory copy", ratio, at_most=2))
    section.notes.append(f"Goals go by {times.measure}.")
    _sum_up(section, times, cases, "Nanoseconds a case, split into components")
    return section


def _row(name: str, times: Times, cases: int) -> tuple[str, ...]:
    seconds_a_case = times.median(name) / cases
    return (
        name,
        f"{seconds_a_case * 1e9:.2f}",
        f"{1e-6 / seconds_a_case:,.0f}",
        f"{times.ratio(name, COPY):.2f}",
        f"{times.processor_median(name) / cases * 1e9:.2f}",
        f"{times.processor_ratio(name, COPY):.2f}",
    )


def _sum_up(section: Section, times: Times, cases: int, plotted: str) -> None:
    """A plot of all contestants, and the lines of the README: those of two threads, and what they are
    beside.
    """
    bars = {name: [("", times.median(name) / cases * 1e9)] for name in times.seconds}
    section.plots.append(Plot(plotted, "", "ns a case", bars, kind="bars", log_y=True))
    marks = {goal.text: goal for goal in section.goals}
    for name in times.seconds:
        if name == COPY or not name.startswith("chunks"):
            mark = next((goal for text, goal in marks.items() if text.startswith(name)), None)
            ours = name.startswith(("kernel", "library"))
            seconds, of = times.fair_seconds(name)
            section.highlights.append(
                Highlight(
                    f"**{name}**" if ours else name,
                    f"{seconds / cases * 1e9:.1f} ns a case{of}",
                    f"{times.ratio(name, COPY):.2f} x copy; {times.processor_ratio(name, COPY):.2f} by "
                    "processor time",
                    mark,
                )
            )


def refuse_differences(differences: Sequence[str | None]) -> None:
    """Raises SystemExit where a contestant says something else: unequal work is not compared."""
    found = [words for words in differences if words is not None]
    if found:
        raise SystemExit("not compared, for the results differ: " + "; ".join(found))


def _narrowest(
    arrays: tuple[NDArray[Any], ...],
) -> tuple[list[NDArray[Any]], list[NDArray[Any]]]:
    """The arrays in the smallest integer type that holds their values, and targets of the same size."""
    narrow = []
    for array in arrays:
        smallest = next(
            kind
            for kind in (np.uint8, np.uint16, np.uint32, np.int64)
            if array.min() >= np.iinfo(kind).min and array.max() <= np.iinfo(kind).max
        )
        narrow.append(array.astype(smallest))
    return narrow, [np.ones_like(array) for array in narrow]


def _chunks(encoded: EncodedCases, rows: int = DEFAULT_CHUNK_ROWS) -> list[EncodedCases]:
    """The cases as the pipeline of files would hand them to the kernel."""
    assert encoded.marked is not None and encoded.marked_edition is not None
    chunks = []
    for first in range(0, len(encoded), rows):
        low, high = np.searchsorted(encoded.marked, (first, first + rows))
        columns = {name: getattr(encoded, name)[first : first + rows] for name in INPUTS}
        marked, marked_edition = encoded.marked[low:high] - first, encoded.marked_edition[low:high]
        chunks.append(replace(encoded, **columns, marked=marked, marked_edition=marked_edition))
    return chunks


def _price_chunks(
    pool: ThreadPoolExecutor, chunks: list[EncodedCases], plan: Plan, components: bool = False
) -> None:
    def price(chunk: EncodedCases) -> int:
        return len(price_encoded(chunk, plan, components=components, threads=1))

    assert sum(pool.map(price, chunks)) == sum(map(len, chunks))


def _library_difference(priced: PricedCases, kernel: Priced, encoded: EncodedCases) -> str | None:
    # rows that their own fields decide keep their edition, which only the library knows
    edition = priced.edition.copy()
    edition[encoded.marked] = kernel.edition[encoded.marked]
    library = Priced(priced.amount_minor, priced.status, edition, priced.rule)
    return first_difference("the library call", library, kernel)


def _twin_seconds_a_case(plan: Plan) -> float:
    rows = sample_table().slice(0, TWIN_CASES).to_pylist()
    cases = [Case(**{**row, "procedure_codes": tuple(row["procedure_codes"] or ())}) for row in rows]
    begin = time.perf_counter()
    results = [reference_price(case, plan.catalog) for case in cases]
    seconds = time.perf_counter() - begin
    encoded = encode_cases(sample_table().slice(0, TWIN_CASES), plan)
    amounts = price_encoded(encoded, plan).amount_minor.tolist()
    if [result.amount_minor or 0 for result in results] != amounts:
        raise SystemExit("not compared, for the twin prices some cases otherwise")
    return seconds / TWIN_CASES


if __name__ == "__main__":
    print(run().markdown())
    print(run_components().markdown())
