"""Numbers of priced rows as columns of their names."""

import numpy as np
import pyarrow as pa
import pytest

from tariffcore.number_names import ColumnNames, NumberNames
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog
from tests.small_schedule import SMALL


def test_more_rules_than_a_byte_numbers_have_names():
    """Index types of the name columns grow with the number of names."""
    names = [None, *(f"rule-{number}" for number in range(1, 300))]

    column = NumberNames(names).column(np.arange(300, dtype=np.uint16))

    column.validate(full=True)
    assert column.to_pylist() == names
    assert column.indices.type == pa.int16()


def test_equal_names_are_one():
    column = NumberNames(["a", "b", "a"]).column(np.array([0, 1, 2], dtype=np.uint8))

    assert column.to_pylist() == ["a", "b", "a"]
    assert column.dictionary.to_pylist() == ["a", "b"]
    assert column.indices.type == pa.int8()


@pytest.mark.parametrize("valid", [[True, True, True], [True, False, True], [False, False, False]])
def test_what_is_not_valid_has_no_name_and_leads_nowhere(valid):
    column = NumberNames(["a", None, "b"]).column(np.array([2, 1, 0], dtype=np.uint16), np.array(valid))

    column.validate(full=True)
    named = zip(["b", None, "a"], valid, strict=True)
    assert column.to_pylist() == [name if ok else None for name, ok in named]
    held = np.frombuffer(column.indices.buffers()[1], dtype=np.int8)
    assert set(held.tolist()) <= {0, 1}


def test_the_names_of_a_plan_are_found_once():
    plan = Plan(Catalog.of([SMALL]))

    names = ColumnNames.of(plan)

    assert ColumnNames.of(plan) is names
    assert names.schedules.names == (None, SMALL.id)
    assert names.rules.names == tuple(plan.rule_ids)
    assert names.methods.names == tuple(method and method.value for method in plan.rule_methods)
