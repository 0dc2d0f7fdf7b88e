"""The rivals do the same work, and who does not is not timed."""

import numpy as np
import pyarrow as pa
import pytest

from benchmarks.kernel import refuse_differences
from benchmarks.report import is_installed
from benchmarks.rivals.rules import rules_of
from benchmarks.whole_tables import Rival, difference, rivals, said_of_floats
from benchmarks.workloads import cases_of_plain_methods, demo_plan, sample_table
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve

CASES = 4_096


@pytest.fixture(scope="module")
def own():
    return price_cases(sample_table(1 << 13).slice(0, CASES), demo_plan())


def answer_of(own):
    return pa.table(
        {
            "amount_minor": own.amount_minor,
            "status": own.status,
            "edition": own.edition,
            "rule": pa.array(own.rule_ids(), pa.string()),
        }
    )


def changed(own, column, row, value):
    answer = answer_of(own)
    values = answer[column].to_pylist()
    values[row] = value
    place = answer.schema.get_field_index(column)
    return answer.set_column(place, column, pa.array(values, answer.schema.field(column).type))


EXACT = Rival("theirs", lambda cases: cases, lambda cases: cases)
FLOATS = Rival("floats", lambda cases: cases, lambda cases: cases, exact=False)


def test_equal_answers_are_compared(own):
    assert difference(EXACT, answer_of(own), own) is None


@pytest.mark.parametrize(
    ("column", "value"), [("amount_minor", -1), ("status", 9), ("edition", 7), ("rule", "another")]
)
def test_one_row_that_differs_is_refused(own, column, value):
    words = difference(EXACT, changed(own, column, 7, value), own)

    assert words is not None and words.startswith("theirs differs in 1 rows; row 7")
    with pytest.raises(SystemExit, match="not compared"):
        refuse_differences([None, words])


def test_too_few_rows_are_refused(own):
    assert difference(EXACT, answer_of(own).slice(1), own) == f"theirs gives {CASES - 1:,} rows of {CASES:,}"


def test_floats_are_asked_for_everything_but_the_amount_and_told_apart(own):
    answer = changed(own, "amount_minor", 7, int(own.amount_minor[7]) + 3)

    assert difference(FLOATS, answer, own) is None
    assert "but 1 of 4,096 amounts are not: by up to 3 minor units" in said_of_floats("floats", answer, own)
    assert difference(FLOATS, changed(own, "status", 7, 9), own) is not None


def test_rivals_that_are_installed_price_as_we_do():
    rules = rules_of(demo_plan().catalog)
    found, left_out = rivals(rules)
    cases = cases_of_plain_methods(1 << 16)
    own = price_cases(cases, demo_plan())

    assert [difference(rival, rival.price(rival.read(cases)), own) for rival in found] == [None] * len(found)
    assert len(found) + len(left_out) == 3


def test_a_catalog_with_other_parameters_is_refused():
    with pytest.raises(ValueError, match="demonstration schedules"):
        rules_of(read_catalog(resolve(["kz"])))


def test_a_rival_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setattr("benchmarks.whole_tables.is_installed", lambda package: False)

    found, left_out = rivals(rules_of(demo_plan().catalog))

    assert found == []
    assert [words.split()[0] for words in left_out] == ["duckdb", "polars", "pandas"]
    assert not is_installed("no_such_package")
    assert np.all([("pip install" in words) for words in left_out])
