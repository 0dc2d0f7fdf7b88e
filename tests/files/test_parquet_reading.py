from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariffcore.errors import CasesError
from tariffcore.files import open_cases
from tariffcore.files.mapping import read_mapping
from tests.files.reading import read_whole


def cases(count: int) -> pa.Table:
    return pa.table(
        {
            "Врач": ["Иванов"] * count,
            "case_id": pa.array(range(count), pa.int64()),
            "drg_code": pa.array([f"D{i % 3}" for i in range(count)], pa.large_string()),
            "care_setting": pa.array(["inpatient"] * count).dictionary_encode(),
            "discharge_date": pa.array([date(2026, 1, 5)] * count),
            "admission_date": pa.array([date(2026, 1, 1)] * count),
            "procedure_codes": pa.array([["13.73"]] * count),
            "procedure_codes.other": ["x"] * count,
        }
    )


def test_dictionaries_have_wide_indices_and_carried_ones_those_of_the_file(tmp_path: Path) -> None:
    """Narrow ones that a file's schema asks for would be another pass over the column."""
    narrow = pa.dictionary(pa.int8(), pa.string())
    words = pa.array(["inpatient"] * 5).cast(narrow)
    table = cases(5).set_column(3, "care_setting", words).append_column("funding_source", words)
    path = tmp_path / "cases.parquet"
    pq.write_table(table, path)
    for row_groups_at_once in (5, 1):
        with open_cases(path, chunk_rows=row_groups_at_once) as source:
            schema = source.parse(next(iter(source))).table.schema
        assert schema.field("care_setting").type == pa.dictionary(pa.int32(), pa.string())
        assert schema.field("funding_source").type == narrow


def test_typed_columns_stay_typed_and_codes_are_dictionaries(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(10), path, row_group_size=3)
    with open_cases(path, chunk_rows=4) as source:
        assert source.total_rows == 10
        assert source.ignored_columns == ("Врач", "procedure_codes.other")
        chunks = [source.parse(raw) for raw in source]
    schema = chunks[0].table.schema
    assert schema.field("case_id").type == pa.int64()
    assert schema.field("discharge_date").type == pa.date32()
    assert pa.types.is_dictionary(schema.field("drg_code").type)
    assert schema.field("procedure_codes").type == pa.list_(pa.field("element", pa.string()))
    # neighbouring row groups, of 3, 3, 3 and 1 rows, as many as make a chunk
    assert [chunk.line_numbers.tolist() for chunk in chunks] == [[1, 2, 3], [4, 5, 6], [7, 8, 9, 10]]
    table = pa.concat_tables([chunk.table for chunk in chunks])
    assert table.column("case_id").to_pylist() == list(range(10))
    assert table.column("drg_code").to_pylist() == cases(10).column("drg_code").to_pylist()


def test_a_large_row_group_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(10), path, row_group_size=9)
    with open_cases(path, chunk_rows=4) as source:
        chunks = [source.parse(raw) for raw in source]
    assert [chunk.line_numbers.tolist() for chunk in chunks] == [[1, 2, 3, 4], [5, 6, 7, 8], [9, 10]]
    table = pa.concat_tables([chunk.table for chunk in chunks])
    assert table.column("case_id").to_pylist() == list(range(10))
    assert table.column("drg_code").to_pylist() == cases(10).column("drg_code").to_pylist()


def test_several_threads_decode_row_groups_at_once(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(1000), path, row_group_size=10)
    with open_cases(path, chunk_rows=10) as source, ThreadPoolExecutor(4) as pool:
        chunks = list(pool.map(source.parse, source))
    assert [row for chunk in chunks for row in chunk.table.column("case_id").to_pylist()] == list(range(1000))


def test_the_parts_of_the_size_add_up(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(1000), path)
    whole = read_whole(open_cases(path, chunk_rows=250))
    assert whole.chunks == 4
    assert path.stat().st_size - 4 <= whole.size_bytes <= path.stat().st_size


def test_zero_rows_and_columns_missing(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(0), path)
    assert read_whole(open_cases(path)).rows == []
    pq.write_table(cases(1).drop_columns(["care_setting"]), path)
    with pytest.raises(CasesError, match="care_setting: this column is missing"):
        open_cases(path)


def test_a_mapping_applies_to_typed_columns_too(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    table = cases(3).append_column("Исход", pa.array([1, 2, None], pa.int8()))
    pq.write_table(table.append_column("рождён", pa.array([date(2000, 1, 2)] * 3)), path)
    text = '[columns]\noutcome = "Исход"\n[values.outcome]\n1 = "died"\n[age]\nbirth_date = "Рождён"'
    rows = read_whole(open_cases(path, read_mapping(text, "m"))).rows
    assert [row["outcome"] for row in rows] == ["died", "2", None]
    assert {row["age_years"] for row in rows} == {"25"}


def test_damage_in_the_middle_is_an_error_in_words(tmp_path: Path) -> None:
    path = tmp_path / "cases.parquet"
    pq.write_table(cases(1000), path, compression="zstd")
    content = bytearray(path.read_bytes())
    content[4:400] = b"\xff" * 396
    path.write_bytes(content)
    with pytest.raises(CasesError, match="this is not a whole Parquet file"):
        read_whole(open_cases(path, read_mapping('[columns]\ncase_id = "Врач"', "m")))
