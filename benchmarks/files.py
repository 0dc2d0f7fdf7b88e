"""From a file of cases to a priced file, beside DuckDB and Polars doing less: a plain join and a product."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.kernel import THREADS, refuse_differences
from benchmarks.own_process import Contestant, in_own_process
from benchmarks.report import Goal, Highlight, Plot, Section, is_installed, not_installed
from benchmarks.timing import take_turns
from benchmarks.workloads import FOLDER, cases_csv, cases_parquet, demo_plan
from tariffcore.batch import price_file
from tariffcore.files.opening import DEFAULT_CHUNK_ROWS
from tariffcore.kept_memory import keep_freed_memory
from tariffcore.plan import Plan

CASES = 10_000_000
OURS = "tariffcore, full semantics"
COLUMNS = (
    "contestant",
    "seconds",
    "million cases/s",
    "x tariffcore",
    "processor seconds",
    "processor x tariffcore",
)

# Before Polars is imported, which reads it once.
os.environ.setdefault("POLARS_MAX_THREADS", str(THREADS))


def run_parquet(cases: int = CASES, rounds: int = 5) -> Section:
    """Parquet to priced Parquet."""
    source = cases_parquet(cases)
    section = Section(
        f"{cases:,} cases from Parquet to priced Parquet",
        f"""The cases of `tariffcore sample` as pyarrow writes them, {source.stat().st_size / 1e6:,.0f} MB
and in the page cache; two threads, Snappy and row groups of {DEFAULT_CHUNK_ROWS:,} for all, each in a
process of its own. tariffcore reads every column that prices depend on, applies every rule exactly, writes 9
columns (ids and amounts as differences, which are smaller) and sums up; the others read 4 columns, join one
rate a group and one coefficient a provider, multiply them as doubles and write 3 columns. Rate tables were
ready on all sides, here as a plan, which takes {_plan_seconds():.2f} s to make. The rows' order was checked;
DuckDB's joins keep it only when told to.""",
        COLUMNS,
    )
    makers: list[Callable[[], list[Contestant]]] = [partial(_ours, source, ".parquet")]
    if is_installed("duckdb"):
        rows = f"read_parquet('{source}', file_row_number = true)"
        options = f"FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {DEFAULT_CHUNK_ROWS}"
        makers.append(partial(_duckdb, rows, "file_row_number", ".parquet", options))
    else:
        section.left_out.append(not_installed("duckdb"))
    if is_installed("polars"):
        makers.append(partial(_polars, source))
    else:
        section.left_out.append(not_installed("polars"))
    _compare(section, makers, source, cases, rounds, at_least=1.5)
    return section


def run_csv(cases: int = CASES, rounds: int = 3) -> Section:
    """CSV to priced CSV."""
    source = cases_csv(cases)
    section = Section(
        f"{cases:,} cases from CSV to priced CSV",
        f"""The same cases as text, {source.stat().st_size / 1e6:,.0f} MB and in the page cache, without the
broken cells of `tariffcore sample`, which a plain join could not read; two threads, a process of its own
and ready rate tables for each.""",
        COLUMNS,
    )
    makers: list[Callable[[], list[Contestant]]] = [partial(_ours, source, ".csv")]
    if is_installed("duckdb"):
        rows = f"(SELECT *, row_number() OVER () AS line FROM read_csv('{source}', header = true))"
        makers.append(partial(_duckdb, rows, "line", ".csv", "FORMAT csv, HEADER"))
    else:
        section.left_out.append(not_installed("duckdb"))
    if is_installed("polars"):
        makers.append(partial(_polars, source))
    else:
        section.left_out.append(not_installed("polars"))
    _compare(section, makers, source, cases, rounds, at_least=1)
    return section


def _compare(
    section: Section,
    makers: list[Callable[[], list[Contestant]]],
    source: Path,
    cases: int,
    rounds: int,
    at_least: float,
) -> None:
    with ExitStack() as processes:
        contestants = [one for make in makers for one in processes.enter_context(in_own_process(make))]
        refuse_differences(_differences(contestants, source))
        times = take_turns({contestant.name: contestant.write for contestant in contestants}, rounds)
    for contestant in contestants:
        seconds, ratio = times.median(contestant.name), times.ratio(contestant.name, OURS)
        section.rows.append(
            (
                contestant.name,
                f"{seconds:.2f}",
                f"{cases / seconds / 1e6:.2f}",
                f"{ratio:.2f}",
                f"{times.processor_median(contestant.name):.2f}",
                f"{times.processor_ratio(contestant.name, OURS):.2f}",
            )
        )
        mark = None
        if contestant.name != OURS and contestant.keeps_order:
            fair = times.fair_ratio(contestant.name, OURS, THREADS, THREADS)
            mark = Goal(f"{contestant.name} / {OURS}", fair, at_least=at_least)
            section.goals.append(mark)
        is_ours = contestant.name == OURS
        by_processor = times.processor_ratio(contestant.name, OURS)
        taken, of = times.fair_seconds(contestant.name)
        section.highlights.append(
            Highlight(
                f"**{contestant.name}**" if is_ours else contestant.name,
                f"{taken:.2f} s{of}",
                "" if is_ours else f"{ratio:.2f} x ours; {by_processor:.2f} by processor time",
                mark,
            )
        )
    section.notes.append(f"Goals go by {times.measure}.")
    bars: dict[str, list[tuple[Any, float]]] = {
        contestant.name: [("", cases / times.median(contestant.name) / 1e6)] for contestant in contestants
    }
    section.plots.append(Plot("Throughput", "", "million cases/s", bars, kind="bars"))


def _differences(contestants: list[Contestant], source: Path) -> list[str | None]:
    """Who does not write the rows of the source, or not in their order."""
    wanted = _case_ids(source)
    differences: list[str | None] = []
    for contestant in contestants:
        contestant.write()
        written = _case_ids(contestant.output)
        if not contestant.keeps_order:
            written, wanted_ids = written.sort(), wanted.sort()
        else:
            wanted_ids = wanted
        if not written.equals(wanted_ids):
            differences.append(f"{contestant.name} does not write the rows of {source.name} in their order")
        del written, wanted_ids
    return differences


def _case_ids(path: Path) -> pa.Array:
    if path.suffix == ".parquet":
        ids = pq.read_table(path, columns=["case_id"]).column(0)
    else:
        options = pa.csv.ConvertOptions(include_columns=["case_id"], column_types={"case_id": pa.int64()})
        ids = pa.csv.read_csv(path, convert_options=options).column(0)
    return pc.fill_null(ids.combine_chunks(), -1)


def _out(name: str) -> Path:
    folder = FOLDER / "out"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def _ours(source: Path, suffix: str) -> list[Contestant]:
    keep_freed_memory()  # as the command line does
    plan, output = demo_plan(), _out(f"tariffcore{suffix}")
    return [Contestant(OURS, output, lambda: price_file(source, output, plan, threads=THREADS))]


def _plan_seconds() -> float:
    catalog = demo_plan().catalog
    begin = time.perf_counter()
    Plan(catalog)
    return time.perf_counter() - begin


def _rate_tables() -> tuple[pa.Table, pa.Table]:
    """What the others join: for each group a rate, for each provider a coefficient, as binary doubles."""
    edition = demo_plan().editions[-1]
    base_rate = edition.base_rate.amount
    rates = {code: float(group.relative_weight * base_rate) for code, group in edition.groups.items()}
    coefficients = {
        code: float(periods[-1].coefficients[0]) for code, periods in (edition.providers or {}).items()
    }
    return (
        pa.table({"drg_code": list(rates), "rate": list(rates.values())}),
        pa.table({"provider_id": list(coefficients), "coefficient": list(coefficients.values())}),
    )


def _duckdb(rows: str, line: str, suffix: str, options: str) -> list[Contestant]:
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}")
    connection.execute("SET enable_progress_bar = false")
    for name, table in zip(("groups", "providers"), _rate_tables(), strict=True):
        connection.register("rates", table)
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM rates")

    def contestant(name: str, file: str, order: str, keeps_order: bool) -> Contestant:
        output = _out(file + suffix)
        query = f"""COPY (
            SELECT case_id, funding_source, round(rate * coefficient, 2) AS amount
            FROM {rows} LEFT JOIN groups USING (drg_code) LEFT JOIN providers USING (provider_id) {order}
        ) TO '{output}' ({options})"""
        return Contestant(name, output, lambda: connection.execute(query), keeps_order)

    return [
        contestant("DuckDB, plain join in order", "duckdb", f"ORDER BY {line}", True),
        contestant("DuckDB, plain join in any order", "duckdb-any", "", False),
    ]


def _polars(source: Path) -> list[Contestant]:
    import polars as pl

    groups, providers = (pl.DataFrame(table) for table in _rate_tables())
    output = _out(f"polars{source.suffix}")
    is_parquet = source.suffix == ".parquet"

    def write() -> None:
        # codes that look like numbers are text all the same
        cases = pl.scan_parquet(source) if is_parquet else pl.scan_csv(source, infer_schema=False)
        priced = (
            cases.select("case_id", "funding_source", pl.col("drg_code", "provider_id").cast(pl.String))
            .join(groups.lazy(), on="drg_code", how="left", maintain_order="left")
            .join(providers.lazy(), on="provider_id", how="left", maintain_order="left")
            .select("case_id", "funding_source", amount=(pl.col("rate") * pl.col("coefficient")).round(2))
        )
        if is_parquet:
            priced.sink_parquet(output, compression="snappy", row_group_size=DEFAULT_CHUNK_ROWS)
        else:
            priced.sink_csv(output)

    return [Contestant("Polars, plain join in order", output, write)]


if __name__ == "__main__":
    import sys

    for size in [int(argument) for argument in sys.argv[1:]] or [CASES]:
        print(run_parquet(size).markdown())
        print(run_csv(size).markdown())
