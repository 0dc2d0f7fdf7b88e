"""Cases encoded part by part and joined are those encoded at once."""

from collections import defaultdict
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pytest

from tariffcore import encoding
from tariffcore.cases import table_from_cases
from tariffcore.encoding import encode_cases
from tariffcore.plan import Plan
from tests.grouping.strategies import build_ungrouped_case, grouped_catalog
from tests.strategies import RandomChoices, aimed_catalog, random_cases


@pytest.fixture(autouse=True)
def small_parts(monkeypatch):
    monkeypatch.setattr(encoding, "_ROWS_A_THREAD", 50)


def rows_by_column(marks):
    rows = defaultdict(list)
    for mark in marks:
        rows[mark.column] += mark.rows.tolist()
    return {column: sorted(of_column) for column, of_column in rows.items()}


def assert_same(one, other, name):
    if name in ("cases.invalid", "cases.missing"):
        assert rows_by_column(one) == rows_by_column(other), name
    elif one is None or other is None:
        assert one is None, name
        assert other is None, name
    elif isinstance(one, np.ndarray):
        assert one.dtype == other.dtype, name
        assert np.array_equal(one, other), name
    elif hasattr(one, "__dataclass_fields__"):
        for field in fields(one):
            assert_same(getattr(one, field.name), getattr(other, field.name), f"{name}.{field.name}")
    else:
        assert one is other or list(one) == list(other), name


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("threads", [2, 7])
def test_parts_make_the_whole(seed, threads):
    catalog = aimed_catalog(seed)
    plan, table = Plan(catalog), table_from_cases(random_cases(catalog, 1_000, seed))
    malformed = np.array([3, 499, 500, 501, 999])

    whole = encode_cases(table, plan, malformed)

    assert {field.name for field in fields(whole) if getattr(whole, field.name) is None} <= {"grouped"}
    assert whole.invalid
    assert whole.missing
    assert_same(encode_cases(table, plan, malformed, threads), whole, "cases")


@pytest.mark.parametrize("seed", range(4))
def test_what_only_some_parts_have(seed):
    """Groups, quantities and amounts on top of some parts, and marks of none."""
    catalog = grouped_catalog(RandomChoices(seed))
    choices, plan = RandomChoices(seed + 100), Plan(catalog)
    cases = [build_ungrouped_case(choices, str(number)) for number in range(200)]
    table = table_from_cases(cases)

    def with_column(name, values):
        return table.set_column(table.column_names.index(name), name, values)

    ones, twos = (pa.array([quantity] * 200, pa.int64()) for quantity in (1, 2))
    table = with_column("quantity", ones)
    grouped = with_column("drg_code", pa.array(["G"] * 200, table.schema.field("drg_code").type))
    table = with_column("quantity", twos)
    mixed = pa.concat_tables([grouped, table, grouped])

    whole = encode_cases(mixed, plan)

    assert whole.grouped is not None
    assert whole.quantity is not None
    assert_same(encode_cases(mixed, plan, None, 6), whole, "cases")
