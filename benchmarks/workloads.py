"""The cases that benchmarks price: those of `tariffcore sample`, with a fixed seed.

They have everything the model knows: two editions (the later one takes effect backwards), every setting with
its exceptions, adults and children, about 7 % of stays interrupted or ended by death, dated provider
coefficients that multiply and add (some need 128 bits), services with quantities, and every status.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tariffcore.encoding import EncodedCases, encode_cases
from tariffcore.plan import Plan
from tariffcore.sample import Sampler, write_sample
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve

SEED = 1
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
    with patch("tariffcore.plan.PriceTables") as recorder:
        Plan(demo_plan().catalog)
    return dict(recorder.call_args.kwargs)


@cache
def sample_table(count: int = DISTINCT_ROWS) -> pa.Table:
    """The first ``count`` sample cases as a typed table of standard columns."""
    batches = list(Sampler(demo_plan(), SEED).batches(count))
    return pa.Table.from_batches(batches).unify_dictionaries().combine_chunks()


@cache
def encoded_sample() -> EncodedCases:
    """`DISTINCT_ROWS` sample cases as the kernel reads them."""
    return encode_cases(sample_table(), demo_plan())


def encoded_cases(count: int) -> EncodedCases:
    """``count`` cases as the kernel reads them."""
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


def sample_file(folder: Path, name: str, count: int) -> Path:
    """A file of sample cases; what is already there with as many rows is used again."""
    path = folder / name
    if not path.exists():
        write_sample(path, count, catalog=demo_plan(), seed=SEED)
    return path


def tiled_parquet(source: Path, target: Path, count: int) -> Path:
    """A Parquet file of ``count`` rows: the row groups of another again and again."""
    if target.exists():
        return target
    part = target.with_suffix(".part")
    file = pq.ParquetFile(source)
    with pq.ParquetWriter(part, file.schema_arrow, compression="snappy") as writer:
        for table in _row_groups(file, count):
            writer.write_table(table, row_group_size=table.num_rows)
    part.rename(target)
    return target


def _row_groups(file: pq.ParquetFile, count: int) -> Iterator[pa.Table]:
    written = 0
    while written < count:
        for group in range(file.num_row_groups):
            if written < count:
                table = file.read_row_group(group).slice(0, count - written)
                written += table.num_rows
                yield table
