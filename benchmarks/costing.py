"""A national costing run: 500 hospitals, 5 million cases, 200,000 assets, 20 cost centres each.

``python -m benchmarks.costing`` makes the folder of costs once (made-up numbers, in .bench) and measures the
run from reading its files to the schedule folder, the report and the tables, in a process of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from benchmarks.report import Goal, Section
from benchmarks.workloads import FOLDER
from tariffcore.costing.example import EXAMPLE_TOML

HOSPITALS = 500
CASES = 5_000_000
ASSETS = 200_000
GROUPS = 450
SERVING = 12
TREATING = 8
SECONDS_LIMIT = 60
MEMORY_LIMIT_MIB = 2048

_COMPONENTS = (
    "staff_pay",
    "medicines_and_consumables",
    "food",
    "utilities",
    "other_running_cost",
)
_BASES = ("staff", "floor_area", "workplaces", "laundry", "meals", "tests")
_CLASSES = ("building", "medical_equipment", "it")
_METHODS = ("straight_line", "straight_line", "declining_balance", "annuity")


def national_folder(
    hospitals: int = HOSPITALS, cases: int = CASES, assets: int = ASSETS, groups: int = GROUPS
) -> Path:
    """A folder of made-up costs of so many hospitals, made where it is not there yet."""
    folder = FOLDER / f"costs-{hospitals}-{cases}-{assets}-{groups}"
    if (folder / "costing.toml").exists():
        return folder
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(4)
    providers = np.array([f"H{number:04}" for number in range(hospitals)])
    centres = np.array([f"c{number:02}" for number in range(SERVING + TREATING)])
    _write(
        folder / "cost_centres.csv",
        provider_id=[""] * len(centres),
        cost_centre=centres,
        name=[f"Centre {code}" for code in centres],
        kind=["overhead"] * 8 + ["ancillary"] * (SERVING - 8) + ["clinical"] * TREATING,
        allocation_base=[_BASES[number % len(_BASES)] for number in range(SERVING)] + [""] * TREATING,
        product_base=[""] * SERVING + ["bed_days"] * TREATING,
    )
    _write_ledger(folder, rng, providers, centres)
    statistics = np.indices((hospitals, len(centres), len(_BASES))).reshape(3, -1)
    _write(
        folder / "statistics.csv",
        provider_id=providers[statistics[0]],
        cost_centre=centres[statistics[1]],
        base=np.array(_BASES)[statistics[2]],
        quantity=_decimals(rng.integers(1, 100_000, statistics.shape[1]), 1),
    )
    _write_assets(folder, rng, providers, centres, assets)
    _write(
        folder / "groups.csv",
        drg_code=[f"{number}" for number in range(1, groups + 1)],
        name=[f"Group {number}" for number in range(1, groups + 1)],
        planned_days=rng.integers(3, 20, groups),
        flags=[""] * groups,
    )
    _write_cases(folder, rng, hospitals, cases, groups)
    text = EXAMPLE_TOML.replace('"costed-demo', '"costed-bench')
    (folder / "costing.toml").write_text(text, encoding="utf-8")
    return folder


def _decimals(whole: np.ndarray, places: int) -> list[str]:
    scale = 10**places
    return [f"{value // scale}.{value % scale:0{places}}" for value in whole.tolist()]


def _write(path: Path, **columns: object) -> None:
    pacsv.write_csv(pa.table({name: pa.array(column) for name, column in columns.items()}), path)


def _write_ledger(folder: Path, rng: np.random.Generator, providers: np.ndarray, centres: np.ndarray) -> None:
    months = np.array([f"2025-{month:02}" for month in range(1, 13)])
    rows = np.indices((len(providers), 12, len(centres), len(_COMPONENTS))).reshape(4, -1)
    _write(
        folder / "ledger.csv",
        provider_id=providers[rows[0]],
        period=months[rows[1]],
        cost_centre=centres[rows[2]],
        component=np.array(_COMPONENTS)[rows[3]],
        amount=_decimals(rng.integers(10_000, 900_000_000, rows.shape[1]), 2),
        source=np.full(rows.shape[1], "made up"),
    )


def _write_assets(
    folder: Path, rng: np.random.Generator, providers: np.ndarray, centres: np.ndarray, count: int
) -> None:
    method = rng.integers(0, len(_METHODS), count)
    years = rng.integers(1975, 2025, count)
    disposed = np.where((rng.random(count) < 0.03) & (years < 2020), "2025-08-09", "")
    _write(
        folder / "assets.csv",
        provider_id=providers[np.arange(count) % len(providers)],
        asset_id=[f"A{number}" for number in range(count)],
        name=np.full(count, "made up"),
        asset_class=np.array(_CLASSES)[rng.integers(0, len(_CLASSES), count)],
        cost_centre=centres[rng.integers(0, len(centres), count)],
        acquisition_cost=_decimals(rng.integers(100_000, 90_000_000_000, count), 2),
        commissioned=[
            f"{year}-{month:02}-{day:02}"
            for year, month, day in zip(
                years.tolist(),
                rng.integers(1, 13, count).tolist(),
                rng.integers(1, 29, count).tolist(),
                strict=True,
            )
        ],
        useful_life_years=rng.integers(3, 41, count),
        rate=np.full(count, ""),
        residual_value=_decimals(rng.integers(0, 90_000, count), 2),
        method=np.array(_METHODS)[method],
        life_units=np.full(count, ""),
        disposed=disposed,
    )


def _write_cases(folder: Path, rng: np.random.Generator, hospitals: int, cases: int, groups: int) -> None:
    """One row a case; a group has one or two wards, each hospital each group that it treats."""
    providers = pa.array([f"H{number:04}" for number in range(hospitals)])
    centres = pa.array([f"c{SERVING + number:02}" for number in range(TREATING)])
    codes = pa.array([f"{number}" for number in range(1, groups + 1)])
    settings = pa.array(["inpatient", "day_hospital"])
    with pq.ParquetWriter(folder / "cases.parquet", _CASE_SCHEMA, compression="snappy") as writer:
        for first in range(0, cases, 500_000):
            count = min(500_000, cases - first)
            drg = np.minimum(rng.geometric(0.008, count) - 1, groups - 1)
            drg[: min(groups, count)] = np.arange(min(groups, count))  # every group occurs
            stay = rng.integers(1, 15, count) * (1 + (rng.random(count) < 0.01) * 8)
            setting = (rng.random(count) < 0.15).astype(np.int8)
            setting[: min(groups, count)] = 0
            # every ward of every hospital has somebody
            ward = np.where(
                np.arange(count) < hospitals * TREATING, np.arange(count) % TREATING, drg % TREATING
            )
            provider = np.where(
                np.arange(count) < hospitals * TREATING,
                np.arange(count) // TREATING,
                rng.integers(0, hospitals, count),
            )
            writer.write_table(
                pa.table(
                    {
                        "provider_id": _coded(provider, providers),
                        "case_id": pa.array([f"K{number}" for number in range(first, first + count)]),
                        "cost_centre": _coded(ward, centres),
                        "drg_code": _coded(drg, codes),
                        "care_setting": _coded(setting, settings),
                        "bed_days": pa.array(stay, pa.int64()),
                    },
                    schema=_CASE_SCHEMA,
                )
            )


_CODED = pa.dictionary(pa.int32(), pa.string())
_CASE_SCHEMA = pa.schema(
    [
        ("provider_id", _CODED),
        ("case_id", pa.string()),
        ("cost_centre", _CODED),
        ("drg_code", _CODED),
        ("care_setting", _CODED),
        ("bed_days", pa.int64()),
    ]
)


def _coded(numbers: np.ndarray, names: pa.Array) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.array(numbers.astype(np.int32)), names)


def run() -> Section:
    """Seconds and peak memory of the national run, from its files to schedule, report and tables."""
    folder = national_folder()
    output = FOLDER / "out" / "costed"
    shutil.rmtree(output, ignore_errors=True)
    output.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.costing", str(folder), str(output)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise SystemExit(f"the costing run failed:\n{done.stderr[-2000:]}")
    steps = re.findall(r"^(.+): ([\d.]+) s$", done.stdout, re.MULTILINE)
    peak_mib = int(re.findall(r"^peak (\d+) kB$", done.stdout, re.MULTILINE)[0]) / 1024
    wall = re.findall(r"^wall ([\d.]+)$", done.stdout, re.MULTILINE)[0]
    seconds = sum(float(taken) for _, taken in steps)
    section = Section(
        "A national costing run",
        f"{HOSPITALS} hospitals, {CASES:,} cases, {ASSETS:,} assets, {SERVING + TREATING} cost centres each, "
        f"{GROUPS} groups; in a process of its own.",
        ("step", "seconds of processor"),
        [*((name, taken) for name, taken in steps), ("all", f"{seconds:.1f}"), ("all, by the clock", wall)],
    )
    # the run is one thread but for reading cases: on a machine without other work both times are the same
    section.goals.append(Goal("seconds of processor", seconds, at_most=SECONDS_LIMIT))
    section.goals.append(Goal("peak MiB", peak_mib, at_most=MEMORY_LIMIT_MIB))
    return section


def _measured(folder: Path, output: Path) -> None:
    """In a process of its own: the run, its steps' seconds and the peak of memory."""
    from tariffcore.costing.report import write_report
    from tariffcore.costing.result_tables import write_tables
    from tariffcore.costing.run import run_costing
    from tariffcore.costing.schedule_output import write_costed_schedule

    began = [("", time.process_time())]
    start = time.perf_counter()

    def tell(step: str) -> None:
        began.append((step, time.process_time()))

    found = run_costing(folder, progress=tell)
    tell("writing the schedule")
    schedule = write_costed_schedule(found, output)
    tell("writing the report")
    write_report(found, schedule, output.with_suffix(".html"))
    tell("writing the tables")
    write_tables(found, output.with_name("tables"))
    tell("")
    for (step, start_of_step), (_, end) in pairwise(began[1:]):
        print(f"{step}: {end - start_of_step:.1f} s")
    print(f"wall {time.perf_counter() - start:.1f}")
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    print(f"peak {re.findall(r'VmHWM:.*?([0-9]+) kB', status)[0]} kB")


if __name__ == "__main__":
    if sys.argv[1:]:
        _measured(Path(sys.argv[1]), Path(sys.argv[2]))
    else:
        print(run().markdown())
