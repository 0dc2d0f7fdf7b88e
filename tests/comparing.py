"""Compares kernel and twin on aimed random cases, by the million: ``python -m tests.comparing -n 10000000``.

Cases come in batches, each from a seed of its own that makes its catalog and its cases, so that a difference
is reproduced by its batch alone: ``--seed S -n COUNT`` with the seed and the count that the report names.
"""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from itertools import islice
from multiprocessing import get_context

import numpy as np
import pyarrow as pa

from tariffcore import _kernel
from tariffcore.cases import Case, table_from_cases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, default_threads, price_cases
from tariffcore.reference import ReferenceResult, reference_price
from tariffcore.statuses import CaseStatus
from tests.strategies import aimed_catalog, random_cases

COPIES = 8  # rows that the vectors of the kernel take at most at once
CASES_A_BATCH = 5_000  # a catalog and its plan cost as much as some 3,000 cases
SHOWN_DIFFERENCES = 10


@dataclass(frozen=True, slots=True)
class Comparison:
    """One case: its status, amount, edition, rule and components by the kernel and by the twin."""

    case: Case
    kernel: ReferenceResult
    twin: ReferenceResult

    @property
    def differs(self) -> bool:
        return self.kernel != self.twin

    def __str__(self) -> str:
        return f"{self.case}\n  kernel {self.kernel}\n  twin   {self.twin}"


@dataclass(frozen=True, slots=True)
class Batch:
    """What a seed's catalog and cases showed; ``crash``: the traceback where they could not be compared."""

    seed: int
    count: int
    differences: list[Comparison]
    statuses: Counter[CaseStatus]
    crash: str | None = None


def results_of(priced: PricedCases) -> Iterator[ReferenceResult]:
    """What the kernel answered, case by case, in the words of the twin."""
    names = list(priced.components_minor)
    parts = [minor.tolist() for minor in priced.components_minor.values()]
    has_parts = [0] * len(priced) if priced.has_parts is None else priced.has_parts.tolist()
    rows = zip(
        priced.status.tolist(),
        priced.amount_minor.tolist(),
        priced.schedule_ids(),
        priced.rule_ids(),
        has_parts,
        priced.methods(),
        strict=True,
    )
    for row, (status, amount_minor, schedule_id, rule_id, parted, method) in enumerate(rows):
        yield ReferenceResult(
            CaseStatus(status),
            amount_minor if status == CaseStatus.OK else None,
            schedule_id,
            rule_id,
            {name: part[row] for name, part in zip(names, parts, strict=True)} if parted else None,
            method,
        )


def twin_results(cases: list[Case], plan: Plan) -> Iterator[ReferenceResult]:
    """What the twin answers, with nothing for the components that only other editions know."""
    nothing = dict.fromkeys(plan.component_names, 0)
    for case in cases:
        result = reference_price(case, plan.catalog)
        if result.components_minor is not None:
            result = replace(result, components_minor=nothing | result.components_minor)
        yield result


def priced_by_all_loops(table: pa.Table, plan: Plan, *, threads: int = 1) -> PricedCases:
    """What the kernel makes of a table, with components.

    Raises AssertionError where its loops for any processor make something else of a row than those for this
    one, which price copies of the table too, so that none of its rows is always among the last of a block.
    """
    as_priced = price_cases(table, plan, components=True, threads=threads)
    _kernel.use_vectors(False)
    try:
        plain = price_cases(table, plan, components=True, threads=threads)
    finally:
        _kernel.use_vectors(True)
    assert_equal_columns(as_priced, plain)
    if _kernel.vectors():
        copies = price_cases(pa.concat_tables([table] * COPIES), plan, components=True, threads=threads)
        assert_equal_columns(copies, plain, COPIES)
    return as_priced


def assert_equal_columns(priced: PricedCases, plain: PricedCases, copies: int = 1) -> None:
    """Raises AssertionError, with the first row that differs."""
    for name in ("amount_minor", "status", "edition", "rule", "parts_minor"):
        column, wanted = getattr(priced, name), np.asarray(getattr(plain, name))
        differs = column != np.tile(wanted, copies)
        if differs.any():
            row = int(differs.reshape(-1, differs.shape[-1]).any(axis=0).argmax())
            own, other = column[..., row], wanted[..., row % len(plain)]
            raise AssertionError(f"row {row}: {name} {own} by this processor's loops, {other} by any's")


def compared(cases: list[Case], plan: Plan, threads: int = 1) -> Iterator[Comparison]:
    """Each case with what the kernel and the twin make of it."""
    priced = priced_by_all_loops(table_from_cases(cases), plan, threads=threads)
    for case, kernel, twin in zip(cases, results_of(priced), twin_results(cases, plan), strict=True):
        yield Comparison(case, kernel, twin)


def compare_batch(seed: int, count: int) -> Batch:
    """The catalog and the cases of one seed."""
    try:
        plan = Plan(aimed_catalog(seed))
        comparisons = list(compared(random_cases(plan.catalog, count, seed), plan))
    except Exception:
        return Batch(seed, count, [], Counter(), traceback.format_exc())
    statuses = Counter(comparison.twin.status for comparison in comparisons)
    return Batch(seed, count, [c for c in comparisons if c.differs], statuses)


def batches(count: int, seed: int) -> Iterator[tuple[int, int]]:
    """Seed and size of each batch of so many cases."""
    for number, start in enumerate(range(0, count, CASES_A_BATCH)):
        yield seed + number, min(CASES_A_BATCH, count - start)


def finished(work: Iterator[tuple[int, int]], processes: int) -> Iterator[Batch]:
    """The batches as they are done, never more than a few handed out ahead."""
    if processes == 1:
        yield from (compare_batch(*batch) for batch in work)
        return
    # Spawned: a forked process must not use the threads of pyarrow that its parent may have started.
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = {pool.submit(compare_batch, *batch) for batch in islice(work, 3 * processes)}
        while waiting:
            done = next(as_completed(waiting))
            waiting.discard(done)
            waiting |= {pool.submit(compare_batch, *batch) for batch in islice(work, 1)}
            yield done.result()


def main(arguments: list[str] | None = None) -> int:
    """Compare, tell how it goes, and sum up; 1 where anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.comparing", description=__doc__.splitlines()[0])
    parser.add_argument(
        "-n", "--count", type=int, default=1_000_000, help="how many cases (default %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=0, help="of the first batch (default %(default)s)")
    parser.add_argument("--processes", type=int, default=default_threads(), help="default: one for each core")
    options = parser.parse_args(arguments)
    if options.count < 1 or options.processes < 1 or options.seed < 0:
        parser.error("count and processes are at least 1, the seed at least 0")

    last_seed = options.seed + (options.count - 1) // CASES_A_BATCH
    print(
        f"Comparing kernel and twin on {options.count:,} aimed cases, {CASES_A_BATCH:,} from each of the "
        f"seeds {options.seed} to {last_seed}; processes: {options.processes}",
        flush=True,
    )
    began = told = time.monotonic()
    done = shown = different = crashed = 0
    statuses: Counter[CaseStatus] = Counter()
    for batch in finished(batches(options.count, options.seed), options.processes):
        done += batch.count
        different += len(batch.differences)
        if batch.crash is not None:
            crashed += batch.count
            print(f"\nCRASHED (again with --seed {batch.seed} -n {batch.count}):\n{batch.crash}", flush=True)
        statuses += batch.statuses
        for difference in batch.differences[: SHOWN_DIFFERENCES - shown]:
            shown += 1
            print(f"\nDIFFERENT (again with --seed {batch.seed} -n {batch.count}):\n{difference}", flush=True)
        if time.monotonic() - told > 15:
            told = time.monotonic()
            rate = done / (told - began)
            left = (options.count - done) / rate
            print(f"  {done:,} compared, {different} different, about {left:.0f} s left", flush=True)
    seconds = time.monotonic() - began

    print(f"\n{'status':<24}{'cases':>14}")
    for status in CaseStatus:
        if statuses[status]:
            print(f"{status.name:<24}{statuses[status]:>14,}")
    print(
        f"\n{done - crashed:,} cases compared (seeds {options.seed} to {last_seed}): "
        f"{different} differences{f', {crashed:,} not compared' if crashed else ''}; {seconds:.0f} s"
    )
    return 1 if different or crashed else 0


if __name__ == "__main__":
    sys.exit(main())
