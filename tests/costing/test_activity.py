"""Rows of cases are read column by column; whatever is odd, cell by cell: both ways say the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tariffcore.costing import activity as module
from tariffcore.costing.activity import Codes, read_cases
from tariffcore.worksheets.problems import ProblemList
from tests.costing.small_costs import CASES

CODES = Codes(
    (("H1", "therapy"), ("H1", "surgery"), ("H2", "therapy")),
    {("H1", "therapy"): 0, ("H1", "surgery"): 1, ("H2", "therapy"): 2},
    {"H1": ["laundry", "therapy", "surgery"], "H2": ["therapy"]},
    {"1": 0, "2": 1},
    {"inpatient": 0, "day_hospital": 1},
)
COLUMNS = ("centre", "drg", "setting", "cases", "bed_days", "units", "case")


def read(path: Path):
    problems = ProblemList()
    return read_cases(path, path.name, CODES, problems), [str(problem) for problem in problems]


def written(folder: Path, text: str, name: str = "cases.csv") -> Path:
    path = folder / name
    if path.suffix == ".parquet":
        plain = folder / "plain.csv"
        plain.write_text(text, encoding="utf-8")
        types = {name: pa.string() for name in text.split("\n")[0].split(",")} | {"bed_days": pa.int64()}
        pq.write_table(pacsv.read_csv(plain, convert_options=pacsv.ConvertOptions(column_types=types)), path)
    else:
        path.write_text(text, encoding="utf-8")
    return path


def test_a_case_ends_where_its_last_row_is(tmp_path):
    found, problems = read(written(tmp_path, CASES))
    assert problems == []
    assert found is not None
    assert found.case.tolist() == [0, 1, 2, 3, 3]
    assert found.cases.tolist() == [1, 1, 1, 0, 1]
    assert found.centre.tolist() == [0, 0, 0, 1, 0]
    assert found.bed_days.tolist() == [3, 4, 5, 6, 2]


MIXED = CASES + "H2,a,therapy,1,day_hospital,1\nH1,e,surgery,2,inpatient,0\nH1,a,surgery,1,inpatient,9\n"


@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet"])
def test_both_ways_say_the_same(tmp_path, name, monkeypatch):
    path = written(tmp_path, MIXED, name)
    fast, _ = read(path)
    monkeypatch.setattr(module, "_read_columns", lambda *_: None)
    slow, problems = read(path)
    assert problems == []
    for column in COLUMNS:
        assert np.array_equal(getattr(fast, column), getattr(slow, column)), column
    # a at H1 has its first and its last row; a at H2 is another case
    assert fast.case.tolist() == [0, 1, 2, 3, 3, 4, 5, 0]
    assert fast.cases.tolist() == [0, 1, 1, 0, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (",", ";"),
        ("H1,a,therapy", " H1 , a ,therapy"),
        ("H1,a,therapy,1,inpatient,3\n", '"H1","a","therapy","1","inpatient","3"\n\n'),
        ("provider_id", "\ufeffprovider_id"),
    ],
)
def test_other_ways_of_writing_csv(tmp_path, old, new):
    plain, _ = read(written(tmp_path, MIXED, "cases.csv"))
    other, problems = read(written(tmp_path, MIXED.replace(old, new), "cases.csv"))
    assert problems == []
    for column in COLUMNS:
        assert np.array_equal(getattr(plain, column), getattr(other, column)), column


@pytest.mark.parametrize("name", ["cases.csv", "cases.parquet"])
@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ("H1,x,therapy,9,inpatient,1", "drg_code: '9': is not known here"),
        ("H1,x,therpy,1,inpatient,1", "did you mean 'therapy'?"),
        ("H1,x,laundry,1,inpatient,1", "serves other centres and treats nobody"),
        ("H3,x,therapy,1,inpatient,1", "has no bookings in the ledger"),
        ("H1,x,therapy,1,inpatint,1", "did you mean 'inpatient'?"),
        ("H1,x,therapy,1,inpatient,-1", "bed_days: '-1': is out of range"),
        ("H1,a,therapy,2,inpatient,1", "case 'a' has '1' in an earlier row"),
        ("H1,,therapy,1,inpatient,1", "case_id: is empty"),
        ("H1,x,therapy,1,,1", "care_setting: is empty"),
    ],
)
def test_wrong_rows_are_named(tmp_path, name, row, expected):
    found, problems = read(written(tmp_path, CASES + row + "\n", name))
    assert found is None
    line = 7 if name == "cases.csv" else 6
    assert len(problems) == 1
    assert problems[0].startswith(f"{name}:{line}: ")
    assert expected in problems[0]
