"""Compares grouping in the kernel with its twin on aimed cases, by the million.

``python -m tests.grouping.comparing -n 1000000 --seed 0``: each batch has a catalog and cases of its own,
made from one seed, so a difference is found again with ``--seed S -n COUNT`` of its batch.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

from tariffcore.cases import Case, table_from_cases
from tariffcore.grouping.reference import ReferenceGroup, reference_group
from tariffcore.plan import Plan
from tariffcore.pricing import default_threads, price_cases
from tariffcore.reference import ReferenceResult, edition_that_applies, length_of_stay, reference_price
from tariffcore.statuses import CaseStatus
from tests.comparing import results_of
from tests.grouping.strategies import build_ungrouped_case, grouped_catalog
from tests.strategies import RandomChoices

CASES_A_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class GroupComparison:
    """One case: its price and its group, by the kernel and by the twin."""

    case: Case
    kernel: tuple[ReferenceResult, ReferenceGroup | None]
    twin: tuple[ReferenceResult, ReferenceGroup | None]

    @property
    def differs(self) -> bool:
        return self.kernel != self.twin

    def __str__(self) -> str:
        return f"{self.case}\n  kernel {self.kernel}\n  twin   {self.twin}"


def compared(cases: list[Case], plan: Plan, threads: int = 1) -> Iterator[GroupComparison]:
    priced = price_cases(table_from_cases(cases), plan, threads=threads)
    grouped = priced.encoded.grouped
    own_fields = set() if priced.encoded.marked is None else set(priced.encoded.marked.tolist())
    for row, (case, kernel) in enumerate(zip(cases, results_of(priced), strict=True)):
        schedule = edition_that_applies(case, plan.catalog)
        group = twin_group = None
        if grouped is not None and grouped.status[row] and row not in own_fields:
            assert schedule is not None, "what no edition covers is not grouped"
            rules = plan.grouping_rules[grouped.edition[row]]
            group = ReferenceGroup(CaseStatus(grouped.status[row]))
            if grouped.rule[row] >= 0:
                rule = rules.grouping.rules[grouped.rule[row]]
                group = ReferenceGroup(CaseStatus.OK, rule.rule_id, rule.drg_code)
            twin_group = reference_group(case, schedule, length_of_stay(case, schedule))
        yield GroupComparison(case, (kernel, group), (reference_price(case, plan.catalog), twin_group))


def compare_batch(seed: int) -> tuple[int, list[GroupComparison], Counter[CaseStatus]]:
    choices = RandomChoices(seed)
    plan = Plan(grouped_catalog(choices))
    cases = [build_ungrouped_case(choices, str(number)) for number in range(CASES_A_BATCH)]
    comparisons = list(compared(cases, plan))
    statuses = Counter(comparison.twin[0].status for comparison in comparisons)
    return seed, [comparison for comparison in comparisons if comparison.differs], statuses


def main(arguments: list[str] | None = None) -> int:
    """Compare, and sum up; 1 where anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.grouping.comparing", description=__doc__)
    parser.add_argument("-n", "--count", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0, help="of the first batch (default %(default)s)")
    parser.add_argument("--processes", type=int, default=default_threads())
    options = parser.parse_args(arguments)
    seeds = range(options.seed, options.seed + -(-options.count // CASES_A_BATCH))
    began = time.monotonic()
    different = 0
    statuses: Counter[CaseStatus] = Counter()
    # spawned: a forked process must not use the threads of pyarrow that its parent may have started
    with ProcessPoolExecutor(options.processes, get_context("spawn")) as pool:
        for seed, differences, of_batch in pool.map(compare_batch, seeds, chunksize=8):
            statuses += of_batch
            for difference in differences:
                different += 1
                if different <= 10:
                    print(
                        f"\nDIFFERENT (again with --seed {seed} -n {CASES_A_BATCH}):\n{difference}",
                        flush=True,
                    )
    print(f"{'status':<24}{'cases':>14}")
    for status in CaseStatus:
        if statuses[status]:
            print(f"{status.name:<24}{statuses[status]:>14,}")
    count = sum(statuses.values())
    seconds = time.monotonic() - began
    print(f"\n{count:,} cases grouped and priced both ways: {different} differences; {seconds:.0f} s")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
