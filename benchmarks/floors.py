"""Where time goes: each step beside what the hardware, or the best library, would take for moving the same
bytes.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.report import Plot, Section
from benchmarks.timing import take_turns
from benchmarks.workloads import FOLDER, cases_csv, cases_parquet, demo_plan, encoded_cases, sample_table
from tariffcore.batch import price_file, priced_table
from tariffcore.client.case_columns import read_case_columns
from tariffcore.client.column_stream import StreamTables, chunk_message, in_chunks
from tariffcore.encoding import encode_cases
from tariffcore.files.csv_text import csv_rows
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.wire.stream import CaseStream

CASES = 1_000_000
ROUNDS = 5
Step = tuple[str, str, Callable[[], object], str, Callable[[], object], str]


def run(cases: int = CASES) -> Section:
    """Processor time of one thread, step by step, each in turns with its floor."""
    section = Section(
        "Where time goes",
        f"""{cases:,} sample cases, by one thread, processor nanoseconds a case (of all threads, if a library
starts some). Each step takes turns with its floor: the least that moving the same bytes takes on this
machine, by copying them, or by the library that does the same without pricing.""",
        ("step", "ns/case", "floor", "ns/case of the floor", "x floor", "why"),
    )
    bars: dict[str, list[tuple[Any, float]]] = {}
    for name, step, work, floor, least, why in _steps(cases):
        times = take_turns({step: work, floor: least}, ROUNDS)
        scale = 1e9 / cases
        own, base = times.processor_median(step) * scale, times.processor_median(floor) * scale
        section.rows.append(
            (name, f"{own:,.1f}", floor, f"{base:,.1f}", f"{times.processor_ratio(step, floor):.2f}", why)
        )
        bars[name] = [("taken", own), ("floor", base)]
    section.plots.append(
        Plot("What a step takes, and its floor", "", "processor ns a case", bars, kind="bars", log_y=True)
    )
    return section


def _copying(arrays: list[np.ndarray[Any, Any]]) -> Callable[[], None]:
    targets = [np.ones_like(array) for array in arrays]

    def copy() -> None:
        for target, array in zip(targets, arrays, strict=True):
            np.copyto(target, array)

    return copy


def _buffers(table: pa.Table) -> list[np.ndarray[Any, Any]]:
    return [
        np.frombuffer(buffer, np.uint8)
        for column in table.columns
        for chunk in column.chunks
        for buffer in chunk.buffers()
        if buffer is not None and buffer.size
    ]


def _steps(cases: int) -> list[Step]:
    plan, table = demo_plan(), sample_table().slice(0, cases).combine_chunks()
    inputs, out = input_columns(encoded_cases(cases)), Priced.touched(cases)
    priced = price_cases(table, plan, threads=1)
    output = priced_table(table, priced)
    text = csv_rows(output)
    folders = resolve(["kz-demo"])
    encoded = list(input_columns(encoded_cases(cases)))
    columns = read_case_columns(table, plan.editions[0].minor_units).columns
    tables = StreamTables()
    chunks = [chunk_message(chunk, tables) for chunk in in_chunks(columns)]
    octets = [np.frombuffer(chunk, np.uint8) for chunk in chunks]
    parquet, csv = cases_parquet(cases), cases_csv(cases)
    read_columns = [name for name in pq.read_schema(parquet).names if name not in ("patient_id",)]
    place = FOLDER / "out"
    place.mkdir(parents=True, exist_ok=True)

    def make_plan() -> None:
        Plan(read_catalog(folders))

    def hash_schedules() -> None:
        for folder in folders:
            for path in sorted(Path(folder).iterdir()):
                hashlib.sha256(path.read_bytes()).digest()

    def parquet_without_pricing() -> None:
        read = pq.read_table(parquet, columns=read_columns, use_threads=False)
        assert len(read) == cases
        pq.write_table(output, place / "floor.parquet", compression="snappy")

    def csv_without_pricing() -> None:
        options = pyarrow.csv.ReadOptions(use_threads=False)
        assert len(pyarrow.csv.read_csv(csv, read_options=options)) == cases
        (place / "floor.csv").write_bytes(text)

    def arrow_csv() -> None:
        pyarrow.csv.write_csv(plain, io.BytesIO())

    def stream() -> None:
        of_stream = CaseStream(plan)
        for chunk in chunks:
            of_stream.price(chunk)

    plain = pa.table(
        {
            name: column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column
            for name, column in zip(output.column_names, output.columns, strict=True)
        }
    )
    return [
        (
            "kernel",
            "kernel",
            lambda: price_by_kernel(plan, inputs, out, 0, cases),
            "copying its columns",
            _copying([*inputs, *out.columns()]),
            "six look-ups a case that wait for the first- and second-level cache; products come four at once",
        ),
        (
            "plan (once a run)",
            "plan",
            make_plan,
            "reading and hashing the schedules' files",
            hash_schedules,
            "numbers are read and checked as exact fractions, and every printed tariff is reproduced",
        ),
        (
            "strings: encoding typed columns",
            "encoding",
            lambda: encode_cases(table, plan),
            "copying what is read and written",
            _copying([*_buffers(table), *encoded]),
            "each column is looked up, checked and narrowed by itself, and procedures are lists of text",
        ),
        (
            "priced table",
            "priced table",
            lambda: priced_table(table, priced),
            "copying what is written",
            _copying(_buffers(output)),
            "amounts are widened to 128 bits, statuses and rules become dictionaries",
        ),
        (
            "CSV rows from a priced table",
            "csv rows",
            lambda: csv_rows(output),
            "pyarrow's writer",
            arrow_csv,
            "a digit pair at a time; pyarrow quotes every text or none and writes exponents",
        ),
        (
            "Parquet to priced Parquet",
            "parquet",
            lambda: price_file(parquet, place / "taken.parquet", plan, threads=1),
            "pyarrow reading and writing the same columns",
            parquet_without_pricing,
            "the reader and writer themselves; what is beside them is checking, pricing and sums",
        ),
        (
            "CSV to priced CSV",
            "csv",
            lambda: price_file(csv, place / "taken.csv", plan, threads=1),
            "pyarrow's reader, and writing the bytes",
            csv_without_pricing,
            "rows keep their line and a bad one its reason; dates and codes are read as written",
        ),
        (
            "wire: a chunk read, bound, priced, answered",
            "wire",
            stream,
            "copying the messages",
            _copying(octets),
            "the bytes are read where they lie; codes are bound and checked row by row, then priced",
        ),
    ]


if __name__ == "__main__":
    print(run().markdown())
