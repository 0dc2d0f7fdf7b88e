"""A table of cases in memory, priced with whole semantics: tariffcore, DuckDB's SQL, Polars, pandas, the
twin.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.kernel import THREADS, refuse_differences
from benchmarks.report import Goal, Highlight, Plot, Section, is_installed, not_installed
from benchmarks.rivals import duckdb_sql, nwau, pandas_floats, polars_frames
from benchmarks.rivals.rules import Rules, rules_of
from benchmarks.timing import Times, take_turns
from benchmarks.workloads import FOLDER, SEED, cases_of_plain_methods, demo_plan, sample_table
from tariffcore.batch import priced_table
from tariffcore.cases import Case
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.reference import reference_price

CASES = 1_000_000
SECONDS_A_SIZE = 3
TWIN_CASES = 2_000
AUSTRALIAN_CASES = 500_000
ONE, TWO = "tariffcore, 1 thread", f"tariffcore, {THREADS} threads"

# Before Polars is imported, which reads it once.
os.environ.setdefault("POLARS_MAX_THREADS", str(THREADS))


@dataclass(frozen=True)
class Rival:
    """``read`` makes, untimed, what ``price`` takes. Without ``exact`` amounts may differ."""

    name: str
    read: Callable[[pa.Table], Any]
    price: Callable[[Any], pa.Table]
    exact: bool = True


def rivals(rules: Rules) -> tuple[list[Rival], list[str]]:
    """Those that are installed, and what is said of the others."""
    found, left_out = [], []
    if is_installed("duckdb"):
        connection = duckdb_sql.connect(rules, THREADS)
        found.append(
            Rival(
                f"DuckDB, SQL in HUGEINT, {THREADS} threads",
                _numbered,
                lambda cases: duckdb_sql.price(connection, rules, cases),
            )
        )
    else:
        left_out.append(not_installed("duckdb"))
    if is_installed("polars"):
        import polars as pl

        lazy = polars_frames.frames(rules)
        found.append(
            Rival(
                f"Polars, Int128, {THREADS} threads",
                pl.DataFrame,
                lambda cases: polars_frames.price(lazy, rules, cases),
            )
        )
    else:
        left_out.append(not_installed("polars"))
    if is_installed("pandas"):
        tables = pandas_floats.frames(rules)
        found.append(
            Rival(
                "pandas, floats, 1 thread",
                pandas_floats.read,
                lambda cases: pandas_floats.price(tables, rules, cases),
                exact=False,
            )
        )
    else:
        left_out.append(not_installed("pandas"))
    return found, left_out


def _numbered(cases: pa.Table) -> pa.Table:
    return cases.append_column("row", pa.array(np.arange(len(cases), dtype=np.int32)))


def run(cases: int = CASES) -> Section:
    """Typed columns in memory to a priced table; a thousand of them, and ten times as many up to all."""
    sizes = [10**power for power in range(3, 10) if 10**power < cases] + [cases]
    plan = demo_plan()
    others, left_out = rivals(rules_of(plan.catalog))
    largest = cases_of_plain_methods(max(sizes))
    own = price_cases(largest, plan)
    notes, refusals = [], []
    for rival in others:
        answer = rival.price(rival.read(largest))
        refusals.append(difference(rival, answer, own))
        if not rival.exact:
            notes.append(said_of_floats(rival.name, answer, own))
    refuse_differences(refusals)
    section = Section(
        "A table of cases in memory, whole semantics",
        """Typed Arrow columns of `tariffcore sample` (codes as dictionaries) to amounts, statuses, editions
and rules in input order. All have tariffs ready in tables, weight, share and their roundings applied, and all
do the rest for each case: edition by date, adult or child, exceptions by procedure, hours, stay rules, dated
coefficients (some need more than 128 bits on the way), services and factors, quantity, the rounding of the
unit price, and the first status that applies. Cases with amounts on
top, at average cost and persons of a month, about one in a hundred, are left out: only tariffcore knows their
methods. Every row of the exact ones equals ours. Processor time is of all threads.""",
        ("contestant", "cases", "ns/case", "million cases/s", "x tariffcore", "processor ns/case"),
        left_out=left_out,
        notes=notes,
    )
    series: dict[str, list[tuple[Any, float]]] = {}
    for size in sizes:
        table = largest.slice(0, size)
        contestants: dict[str, Callable[[], object]] = {
            ONE: partial(_own_table, table, plan, 1),
            TWO: partial(_own_table, table, plan, THREADS),
        }
        for rival in others:
            contestants[rival.name] = partial(rival.price, rival.read(table))
        times = take_turns(contestants, _rounds(contestants))
        for name in contestants:
            ns = times.median(name) / size * 1e9
            series.setdefault(name, []).append((size, 1e3 / ns))
            section.rows.append(
                (
                    name,
                    f"{size:,}",
                    f"{ns:,.0f}",
                    f"{1e3 / ns:.3g}",
                    f"{times.ratio(name, TWO):.3g}",
                    f"{times.processor_median(name) / size * 1e9:,.0f}",
                )
            )
        if size == max(sizes):
            _sum_up(section, times, [rival.name for rival in others], size)
    twin = twin_seconds_a_case(plan)
    section.rows.append(
        ("Fraction twin, 1 thread", f"{TWIN_CASES:,}", f"{twin * 1e9:,.0f}", f"{1e-6 / twin:.3g}", "", "")
    )
    series["Fraction twin"] = [(TWIN_CASES, 1e-6 / twin)]
    section.plots.append(
        Plot("Throughput by size, whole semantics", "cases", "million cases/s", series, log_y=True)
    )
    return section


def _own_table(cases: pa.Table, plan: Plan, threads: int) -> pa.Table:
    return priced_table(cases, price_cases(cases, plan, threads=threads))


def _sum_up(section: Section, times: Times, names: list[str], size: int) -> None:
    def ns(name: str) -> str:
        return _said(times, name, size)

    section.highlights += [
        Highlight(f"**{TWO}**, {size:,} cases", ns(TWO)),
        Highlight(ONE, ns(ONE)),
    ]
    section.highlights += [
        Highlight(
            name,
            ns(name),
            f"{times.ratio(name, TWO):.0f} x ours; {times.processor_ratio(name, TWO):.0f} by processor time",
        )
        for name in names
    ]


def _rounds(contestants: dict[str, Callable[[], object]]) -> int:
    begin = time.perf_counter()
    for contestant in contestants.values():
        contestant()
    return max(3, min(51, int(SECONDS_A_SIZE / (time.perf_counter() - begin))))


def difference(rival: Rival, answer: pa.Table, own: PricedCases) -> str | None:
    """In words, the first row where a rival says something else than we do; None: nowhere.

    Of a rival in floats the amounts are not asked, but everything else is.
    """
    if len(answer) != len(own):
        return f"{rival.name} gives {len(answer):,} rows of {len(own):,}"
    rules = pa.array(own.rule_ids(), pa.string())
    columns: dict[str, tuple[Any, Any]] = {
        "status": (answer["status"].to_numpy(), own.status),
        "edition": (answer["edition"].to_numpy(), own.edition),
        "rule": (np.array(answer["rule"].to_pylist(), object), np.array(rules.to_pylist(), object)),
    }
    if rival.exact:
        columns["amount_minor"] = answer["amount_minor"].to_numpy(), own.amount_minor
    for name, (theirs, ours) in columns.items():
        differs = theirs != ours
        if differs.any():
            row, count = int(np.argmax(differs)), np.count_nonzero(differs)
            return (
                f"{rival.name} differs in {count:,} rows; row {row}: {name} {theirs[row]}, here {ours[row]}"
            )
    return None


def said_of_floats(name: str, answer: pa.Table, own: PricedCases) -> str:
    """How many amounts of a rival in floats are not ours, and by how much."""
    off = np.abs(answer["amount_minor"].to_numpy() - own.amount_minor)
    wrong = np.count_nonzero(off)
    if wrong == 0:
        same = "statuses, editions and rules are ours in every row, and so are all"
        return f"{name}: {same} {len(own):,} amounts."
    return (
        f"{name}: statuses, editions and rules are ours in every row, but {wrong:,} of {len(own):,} "
        "amounts are"
        f" not: by up to {int(off.max()):,} minor units. It is timed all the same, as what people write."
    )


def twin_seconds_a_case(plan: Plan) -> float:
    """Raises SystemExit where the twin prices a case otherwise."""
    rows = sample_table().slice(0, TWIN_CASES).to_pylist()
    cases = [Case(**{**row, "procedure_codes": tuple(row["procedure_codes"] or ())}) for row in rows]
    begin = time.perf_counter()
    results = [reference_price(case, plan.catalog) for case in cases]
    seconds = time.perf_counter() - begin
    amounts = price_cases(sample_table().slice(0, TWIN_CASES), plan).amount_minor.tolist()
    if [result.amount_minor or 0 for result in results] != amounts:
        raise SystemExit("not compared, for the twin prices some cases otherwise")
    return seconds / TWIN_CASES


def _said(times: Times, name: str, cases: int) -> str:
    seconds, of = times.fair_seconds(name)
    return f"{seconds / cases * 1e9:,.0f} ns a case{of}"


def run_australian(cases: int = AUSTRALIAN_CASES) -> Section:
    """Beside nwau-py, on the work that both can say."""
    section = Section(
        f"{cases:,} Australian inliers, beside nwau-py",
        """Public acute episodes that stay between the bounds of their group: there the Australian formula is
        weight
x price, which the case-share model says too. nwau-py's acute calculator of 2025 gives weighted units, which
are priced in whole numbers here; tariffcore prices the same table with the same weights (made up: the package
ships none) by a schedule without providers. Its short and long stays, intensive care and adjustments have no
counterpart here, so nothing of them is timed.""",
        ("contestant", "ns/case", "million cases/s", "x tariffcore"),
    )
    if not is_installed("nwau_py") or not is_installed("pandas"):
        section.left_out.append(not_installed("nwau-py"))
        return section
    schedule = demo_plan().editions[-1]
    folder: Path = (FOLDER / "australian").resolve()
    plan = Plan(nwau.write_schedule(schedule, folder))
    table, frame = nwau.inliers(schedule, cases, SEED)
    calculate = nwau.calculator(schedule, folder)
    ours, theirs = price_cases(table, plan).amount_minor, calculate(frame)
    if not np.array_equal(ours, theirs):
        count = np.count_nonzero(ours != theirs)
        refuse_differences([f"nwau-py differs in {count:,} of {cases:,} amounts"])
    contestants: dict[str, Callable[[], object]] = {
        ONE: lambda: price_cases(table, plan, threads=1),
        "nwau-py": lambda: calculate(frame),
    }
    times = take_turns(contestants, 7)
    for name in contestants:
        ns = times.median(name) / cases * 1e9
        section.rows.append((name, f"{ns:,.1f}", f"{1e3 / ns:.3g}", f"{times.ratio(name, ONE):.3g}"))
    ratio = times.fair_ratio("nwau-py", ONE)
    section.goals.append(Goal("nwau-py / tariffcore", ratio, at_least=10))
    section.highlights += [
        Highlight(f"**{ONE}**", _said(times, ONE, cases)),
        Highlight("nwau-py", _said(times, "nwau-py", cases), f"{ratio:.0f} x ours"),
    ]
    return section


if __name__ == "__main__":
    print(run().markdown())
    print(run_australian().markdown())
