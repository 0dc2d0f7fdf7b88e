"""The cases that benchmarks price: those of `tariffcore sample`, with a fixed seed.

They have everything the model knows: two editions (the later one takes effect backwards), every setting with
its exceptions, adults and children, about 7 % of stays interrupted or ended by death, dated provider
coefficients that multiply and add (some need 128 bits), services with quantities, and every status.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tariffcore.encoded_cases import EncodedCases
from tariffcore.encoding import encode_cases
from tariffcore.files.csv_text import csv_header, csv_rows
from tariffcore.plan import Plan
from tariffcore.sample import Sampler, sample_schema, write_sample
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.model import Unit
from tariffcore.schedule.shipped import resolve

SEED = 1
FOLDER = Path(__file__).resolve().parent.parent / ".bench"
"""Where files of cases are kept from run to run; `make clean` removes them."""
DISTINCT_ROWS = 1 << 20
"""Rows drawn; more are these again and again, too far apart for a processor to remember."""

INPUTS = (
    "deciding_day",
    "admission_day",
    "discharge_day",
    "item",
    "provider",
    "variant",
    "age",
    "outcome",
    "quantity",
)
"""The kernel's input columns, in the order of its arguments."""


@cache
def demo_plan() -> Plan:
    """Both editions of the synthetic demonstration schedule."""
    return Plan(read_catalog(resolve(["kz-demo"])))


@cache
def kernel_tables() -> dict[str, Any]:
    """What the plan hands to the kernel, which keeps it to itself: the arguments of `PriceTables`."""
    catalog = demo_plan().catalog  # its own plan keeps its tables
    with patch("tariffcore.plan.PriceTables") as recorder:
        Plan(catalog)
    return dict(recorder.call_args.kwargs)


@cache
def sample_table(count: int = DISTINCT_ROWS) -> pa.Table:
    """The first ``count`` sample cases as a typed table of standard columns."""
    batches = list(Sampler(demo_plan(), SEED).batches(count))
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()


def without_addons(cases: pa.Table) -> pa.Table:
    """The cases without amounts on top, which no other contestant pays."""
    return cases.drop_columns(["addon_amount", "addon_kind"])


NOT_OF_RIVALS = (Unit.AVERAGE_CASE, Unit.ITEM, Unit.PERSON_MONTH)


@cache
def cases_of_plain_methods(count: int) -> pa.Table:
    """The first ``count`` sample cases of the methods that rivals know, without amounts on top."""
    unknown = {
        code
        for schedule in demo_plan().catalog.editions
        for code, rows in schedule.services.items()
        if any(row.unit in NOT_OF_RIVALS for row in rows)
    }
    drawn = sample_table(count + count // 50 + 100)
    is_of_unknown = pc.is_in(drawn["service_code"].cast(pa.string()), value_set=pa.array(sorted(unknown)))
    has_amount = pc.or_(pc.is_valid(drawn["addon_amount"]), pc.is_valid(drawn["addon_kind"]))
    kept = without_addons(drawn.filter(pc.invert(pc.or_(is_of_unknown, has_amount)))).slice(0, count)
    assert len(kept) == count, "too few cases were drawn"
    return kept.combine_chunks()


@cache
def encoded_sample() -> EncodedCases:
    """`DISTINCT_ROWS` sample cases as the kernel reads them, without amounts on top."""
    return encode_cases(without_addons(sample_table()), demo_plan())


def encoded_cases(count: int) -> EncodedCases:
    """``count`` cases as the kernel reads them, without amounts on top."""
    sample = encoded_sample()
    assert sample.marked is not None and sample.marked_edition is not None
    starts = np.arange(0, count, len(sample))
    marked = (sample.marked + starts[:, None]).ravel()
    inside = marked < count
    columns: dict[str, Any] = {name: np.resize(getattr(sample, name), count) for name in INPUTS}
    return replace(
        sample,
        **columns,
        claimed_minor=None,
        claimed_missing=None,
        invalid=(),
        missing=(),
        marked=marked[inside],
        marked_edition=np.tile(sample.marked_edition, len(starts))[inside],
    )


def cases_parquet(count: int) -> Path:
    """A Parquet file of sample cases; one of as many rows that is already there is used again.

    Encoded by pyarrow with plain numbers, as most programs do it, and not by tariffcore's own writer.
    """
    path = FOLDER / f"cases-{count}.parquet"
    if not path.exists():
        FOLDER.mkdir(exist_ok=True)
        drawn = path.with_name(f".{path.name}.drawn.parquet")
        write_sample(drawn, count, catalog=demo_plan(), seed=SEED)
        file = pq.ParquetFile(drawn)
        schema = file.schema_arrow
        words = [field.name for field in schema if pa.types.is_dictionary(field.type)]
        with pq.ParquetWriter(
            _whole(path), schema, compression="snappy", use_dictionary=words, store_decimal_as_integer=True
        ) as writer:
            for number in range(file.num_row_groups):
                group = file.read_row_group(number)
                writer.write_table(group, row_group_size=group.num_rows)
        drawn.unlink()
        _whole(path).rename(path)
    return path


def cases_csv(count: int) -> Path:
    """The same cases as CSV, without the cells that `tariffcore sample` spoils in text."""
    path = FOLDER / f"cases-{count}.csv"
    if not path.exists():
        schema = sample_schema(demo_plan().catalog)
        with _whole(path).open("wb") as file:
            file.write(csv_header(schema.names))
            for batch in pq.ParquetFile(cases_parquet(count)).iter_batches(1 << 18):
                table = pa.Table.from_batches([batch]).cast(schema)  # Parquet has no whole seconds
                position = schema.get_field_index("procedure_codes")
                joined = pc.binary_join(table["procedure_codes"], ";")
                file.write(csv_rows(table.set_column(position, "procedure_codes", joined)))
        _whole(path).rename(path)
    return path


def repeated_parquet(count: int) -> Path:
    """A Parquet file of ``count`` rows: the first million sample cases again and again."""
    path = FOLDER / f"repeated-{count}.parquet"
    if not path.exists():
        table = pq.read_table(cases_parquet(DISTINCT_ROWS))
        with pq.ParquetWriter(_whole(path), table.schema, compression="snappy") as writer:
            for first in range(0, count, DISTINCT_ROWS):
                writer.write_table(table.slice(0, count - first), row_group_size=1 << 18)
        _whole(path).rename(path)
    return path


def repeated_csv(count: int) -> Path:
    """The first million sample cases as CSV again and again, at least ``count`` of them."""
    path = FOLDER / f"repeated-{count}.csv"
    if not path.exists():
        header, rows = cases_csv(DISTINCT_ROWS).read_bytes().split(b"\n", 1)
        with _whole(path).open("wb") as file:
            file.write(header + b"\n")
            for _ in range(-(-count // DISTINCT_ROWS)):
                file.write(rows)
        _whole(path).rename(path)
    return path


def _whole(path: Path) -> Path:
    """What a file is called until all of it is there."""
    return path.with_name(f".{path.name}.part")
