from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tariffcore.errors import CasesError
from tariffcore.files import open_cases
from tests.files.reading import HEADER, read_whole


def batch(first: int, count: int) -> pa.RecordBatch:
    codes = pa.array([f"D{i}" for i in range(first, first + count)], pa.string()).dictionary_encode()
    columns = dict.fromkeys(reversed(HEADER), codes)
    columns["case_id"] = pa.array(range(first, first + count), pa.int64())
    return pa.record_batch({"Врач": pa.array(["Иванов"] * count, pa.string()), **columns})


def write_stream(path: Path, sizes: list[int]) -> None:
    first = 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_stream(file, batch(0, 0).schema) as writer:
        for size in sizes:
            writer.write_batch(batch(first, size))
            first += size


def test_batches_of_any_size_become_chunks_of_the_size_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "cases.arrow"
    write_stream(path, [1, 0, 1, 7, 1])
    with open_cases(path, chunk_rows=4) as source:
        assert source.columns == HEADER
        assert source.ignored_columns == ("Врач",)
        chunks = [source.parse(raw) for raw in source]
    assert [chunk.table.num_rows for chunk in chunks] == [4, 4, 2]
    assert [chunk.line_numbers[0] for chunk in chunks] == [1, 5, 9]
    whole = read_whole(open_cases(path, chunk_rows=4))
    assert [row["drg_code"] for row in whole.rows] == [f"D{i}" for i in range(10)]
    assert whole.size_bytes <= path.stat().st_size


def test_files_with_compression_and_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "cases.feather"
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with (
        pa.OSFile(str(path), "wb") as file,
        pa.ipc.new_file(file, batch(0, 0).schema, options=options) as writer,
    ):
        writer.write_batch(batch(0, 3))
    assert [row["case_id"] for row in read_whole(open_cases(path)).rows] == [0, 1, 2]
    write_stream(path, [])
    assert read_whole(open_cases(path)).rows == []


def test_damage_in_the_middle_is_an_error_in_words(tmp_path: Path) -> None:
    path = tmp_path / "cases.arrow"
    write_stream(path, [5, 5, 5])
    content = path.read_bytes()
    cut = content.rindex(b"\xff\xff\xff\xff", 0, len(content) - 8)
    path.write_bytes(content[: cut + 30] + content[-8:])
    with pytest.raises(CasesError, match="this is not a whole Arrow file"):
        read_whole(open_cases(path))


def test_columns_missing(tmp_path: Path) -> None:
    path = tmp_path / "cases.arrow"
    table = pa.table({"case_id": [1]})
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(CasesError, match="drg_code, admission_date: these columns are missing"):
        open_cases(path)
