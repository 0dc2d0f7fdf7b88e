"""A national month settled: 1,000 providers, 10 million mixed lines, priced on the way, database included.

``python -m benchmarks.settlement`` makes the month once (made-up numbers, in .bench) and measures from its
files to the recorded month, in a process of its own, in a new SQLite book with the contracts in it.
"""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Goal, Section
from benchmarks.workloads import FOLDER
from tariffcore.plan import Plan
from tariffcore.pricing import decimals, price_cases
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.settlement.rules_reading import resolve_rules
from tariffcore.settlement.tables import (
    ADVANCES,
    CONTRACTS,
    FOUND_DEFECTS,
    HELD_LINES,
    MONTH_COLUMNS,
    OTHER_ITEMS,
)

PROVIDERS = 1_000
LINES = 10_000_000
SECONDS_LIMIT = 15
MEMORY_LIMIT_MIB = 4096
SOURCES = ("guaranteed_volume", "insurance")

_KINDS = (  # contract line, share of the lines, care setting, codes
    ("inpatient", 0.30, "inpatient", None),
    ("day_hospital", 0.12, "day_hospital", None),
    ("bed_days", 0.05, "inpatient", ("BD-101", "BD-102")),
    ("outpatient", 0.44, "outpatient", ("S-1001", "S-1002", "S-2001", "S-2002", "S-3001", "S-3002")),
    ("ambulance", 0.07, "outpatient", ("C-01", "C-02")),
    ("primary_care", 0.02, "outpatient", ("PM-02",)),
)
_ROWS = 500_000


def national_month(providers: int = PROVIDERS, lines: int = LINES) -> Path:
    """A folder with schedule, rules, contracts and a month of so many lines, made where it is not there."""
    folder = FOLDER / f"settlement-{providers}-{lines}"
    if (folder / "contracts.csv").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = _schedule(folder / "schedule", providers)
    rules = folder / "rules"
    shutil.copytree(resolve_rules("kz-2026"), rules)
    with (rules / "norms.csv").open("a", encoding="utf-8") as file:
        file.write("primary_care,1573.27,2026-01-01,,made up\n")
    toml = rules / "settlement.toml"
    text = toml.read_text(encoding="utf-8")
    slices = 'slices = [{ from = "0", up_to = "0.05", pay = "0.50" }, { from = "0.05", pay = "0.10" }]\n'
    toml.write_text(text.replace("slices = []\n", slices), encoding="utf-8")
    sums = _write_cases(folder, names, lines)
    _write_tables(folder, names, sums, lines)
    return folder


def _schedule(folder: Path, providers: int) -> list[str]:
    """The demonstration schedule with as many providers as are wanted."""
    shutil.copytree(resolve(["kz-demo-2026"])[0], folder)
    with (folder / "providers.csv").open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    by_provider: dict[str, list[list[str]]] = {}
    for row in rows:
        by_provider.setdefault(row[0], []).append(row)
    known = list(by_provider)
    names = [f"N{number:04}" for number in range(providers)]
    of = {name: by_provider[known[number % len(known)]] for number, name in enumerate(names)}
    _table(folder / "providers.csv", header, ([name, *row[1:]] for name in names for row in of[name]))
    return names


def _write_cases(folder: Path, names: Sequence[str], lines: int) -> np.ndarray:
    """The month's lines in Parquet, claimed at their price, 1 in 50 above it; returns what is claimed by
    (provider, source, kind)."""
    plan = Plan(read_catalog([folder / "schedule"]))
    rng = np.random.default_rng(5)
    sums = np.zeros((len(names), len(SOURCES), len(_KINDS)), dtype=np.int64)
    providers = pa.array(names)
    groups = pa.array([str(number) for number in range(1, 451)])
    codes = sorted({code for _, _, _, of in _KINDS for code in of or ()})
    writer: pq.ParquetWriter | None = None
    priced_rows: list[np.ndarray] = []
    bounds = np.cumsum([share for _, share, _, _ in _KINDS])
    for first in range(0, lines, _ROWS):
        count = min(_ROWS, lines - first)
        kind = np.searchsorted(bounds, rng.random(count) * bounds[-1] * 0.999999)
        provider = rng.integers(0, len(names), count)
        source = rng.integers(0, 2, count)
        group = np.minimum(rng.geometric(0.01, count) - 1, 449)
        code = np.zeros(count, dtype=np.int64)
        for number, (_, _, _, of) in enumerate(_KINDS):
            rows = np.flatnonzero(kind == number)
            if of is not None:
                code[rows] = np.array([codes.index(name) for name in of])[rng.integers(0, len(of), len(rows))]
        is_case = kind < 2
        end = np.datetime64("2026-03-01") + rng.integers(0, 31, count)
        stay = np.where(kind <= 2, rng.integers(1, 15, count), 0)
        table = pa.table(
            {
                "case_id": pa.array([f"2026-03/{number}" for number in range(first, first + count)]),
                "provider_id": _coded(provider, providers),
                "drg_code": _coded(group, groups, ~is_case),
                "service_code": _coded(code, pa.array(codes), is_case),
                "care_setting": _coded(
                    np.array([0, 1, 0, 2, 2, 2])[kind], pa.array(["inpatient", "day_hospital", "outpatient"])
                ),
                "admission_date": pa.array(end - stay),
                "discharge_date": pa.array(end),
                "age_years": pa.array(rng.integers(18, 90, count), pa.int32()),
                "quantity": pa.array(np.where(is_case, 1, rng.integers(1, 12, count)), pa.int32()),
                "funding_source": _coded(source, pa.array(SOURCES)),
            }
        )
        priced = price_cases(table, plan)
        claimed = priced.amount_minor + (rng.random(count) < 0.02) * (priced.amount_minor // 25)
        priced_rows.append(first + np.flatnonzero(priced.ok))
        np.add.at(sums, (provider, source, kind), claimed)
        table = table.append_column("claimed_amount", decimals(claimed, 2, priced.ok))
        if writer is None:
            writer = pq.ParquetWriter(folder / "cases.parquet", table.schema, compression="snappy")
        writer.write_table(table)
    assert writer is not None
    writer.close()
    keys = rng.choice(np.concatenate(priced_rows), min(lines // 100, 100_000), replace=False)
    table = pq.read_table(folder / "cases.parquet", columns=["case_id", "provider_id", "drg_code"])
    chosen = table.take(pa.array(np.sort(keys))).to_pylist()
    defects = [row for row in chosen[::2] if row["drg_code"] is not None]
    _table(folder / "defects.csv", FOUND_DEFECTS.column_names,
           ([row["provider_id"], row["case_id"], "6.0", "protocol"] for row in defects))  # fmt: skip
    held = ([row["provider_id"], row["case_id"], "protocol"] for row in chosen[1::8])
    _table(folder / "held.csv", HELD_LINES.column_names, held)
    return sums


def _write_tables(folder: Path, names: Sequence[str], sums: np.ndarray, lines: int) -> None:
    contracts, advances, items = [], [], []
    for number, name in enumerate(names):
        for place, source in enumerate(SOURCES):
            of = sums[number, place]
            for kind, (line, _, _, _) in enumerate(_KINDS):
                plan = _text(int(of[kind]) * (95 + (number + kind) % 10) // 100)
                contracts.append(
                    [name, f"R{number % 20:02}", source, line, 2026, *[plan] * 12, 3, "0.00", "made up"]
                )
            amount = _text(int(of.sum()))
            advances.append([f"A{number}-{place}", name, source, "signing", "2026-01-05", amount, "2026-03",
                             "2026-11", "made up"])  # fmt: skip
        items.append([name, SOURCES[1], f"P{number}", "screening", "100000.00", "made up"])
    terms = ["provider_id", "region", "funding_source", "contract_line", "year"]
    header = [*terms, *MONTH_COLUMNS, "first_month", "paid_before", "source"]
    assert set(header) <= set(CONTRACTS.column_names)
    _table(folder / "other.csv", OTHER_ITEMS.column_names, items)
    _table(folder / "advances.csv", ADVANCES.column_names, advances)
    _table(folder / "contracts.csv", header, contracts)


def _coded(numbers: np.ndarray, names: pa.Array, absent: np.ndarray | None = None) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32), mask=absent), names)


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"


def _table(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


def run() -> Section:
    """Seconds and peak memory of a national month, from its files to the recorded month."""
    folder = national_month()
    output = FOLDER / "out" / "settlement"
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.settlement", str(folder), str(output)],
        capture_output=True,
        text=True,
        check=True,
    )
    measured = dict(re.findall(r"^([a-z ]+): ([0-9.]+)$", done.stdout, re.MULTILINE))
    seconds = float(measured["all by the clock"])
    peak = float(measured["peak"])
    return Section(
        "A national month settled",
        f"{PROVIDERS:,} providers, {LINES:,} mixed lines in Parquet, two funding sources, 33,000 lines with "
        "defects or under monitoring; priced on the way, recorded in a new SQLite book; in a process of its "
        "own, two threads.",
        ("step", "seconds"),
        [(name, f"{float(value):.1f}") for name, value in measured.items() if name != "peak"],
        [
            Goal("seconds by the clock", seconds, at_most=SECONDS_LIMIT),
            Goal("peak MiB", peak, at_most=MEMORY_LIMIT_MIB),
        ],
    )


def _measure(folder: Path, output: Path) -> None:
    """In a process of its own: settles the month, and prints the seconds and the peak."""
    import resource

    from tariffcore.kept_memory import keep_freed_memory
    from tariffcore.settlement.book.contract_records import record_advances, record_contracts
    from tariffcore.settlement.book.records import Book, contracts_of
    from tariffcore.settlement.calendar_month import Month
    from tariffcore.settlement.choosing import WithoutClaims
    from tariffcore.settlement.contracts import read_advances, read_contracts
    from tariffcore.settlement.month_inputs import read_month_inputs
    from tariffcore.settlement.rules_reading import read_rules
    from tariffcore.settlement.run import settle_month

    keep_freed_memory()  # as the command line does
    rules = read_rules(folder / "rules")
    book = Book.open(output / "book.db")
    record_contracts(book, read_contracts(folder / "contracts.csv", rules))
    with book.reading() as connection:
        known = {(*key, 2026): found[2] for key, found in contracts_of(connection, 2026).items()}
    advances = read_advances(folder / "advances.csv", rules, lambda *key: known.get(key))
    record_advances(book, advances)
    catalog = read_catalog([folder / "schedule"])
    started, processor = time.perf_counter(), time.process_time()
    inputs = read_month_inputs(
        rules, defects=folder / "defects.csv", held=folder / "held.csv", other=folder / "other.csv"
    )
    print(f"reading what comes with it: {time.perf_counter() - started:.2f}")
    # who has no coefficient in March has no price: such a provider's month is settled at nothing
    claims, month, nothing = folder / "cases.parquet", Month(2026, 3), WithoutClaims.SETTLE
    found = settle_month(book, claims, catalog, rules, month, inputs, without_claims=nothing)
    print(f"all by the clock: {time.perf_counter() - started:.2f}")
    print(f"all of processor: {time.process_time() - processor:.2f}")
    started = time.perf_counter()
    again = settle_month(book, claims, catalog, rules, month, inputs, without_claims=nothing)
    print(f"the same once more: {time.perf_counter() - started:.2f}")
    print(f"peak: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
    settled = sum(one.result.claims.lines for one in found.months)
    assert again.again, "a settled month is not settled twice"
    assert settled + sum(found.record.set_aside.values()) == LINES, "every line is settled or set aside"


if __name__ == "__main__":
    if len(sys.argv) == 3:
        _measure(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        print(run().markdown())
