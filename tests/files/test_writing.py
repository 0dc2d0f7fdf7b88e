from __future__ import annotations

import errno
import os
import re
import subprocess
import sys
import zipfile
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import python_calamine
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.errors import CasesError
from tariffcore.files import open_output, writing
from tariffcore.files.writing import OUTPUT_SUFFIXES

SCHEMA = pa.schema(
    [
        ("case_id", pa.string()),
        ("amount", pa.decimal128(18, 2)),
        ("status", pa.dictionary(pa.int32(), pa.string())),
    ]
)
NOTE = {"schedule": "kz-demo SYNTHETIC", "engine_version": "1.2.3"}


def rows(*ids: str, statuses: tuple[str, ...] = ("OK",)) -> pa.Table:
    amounts = pa.array([Decimal("1.05") * (i + 1) for i in range(len(ids))], pa.decimal128(18, 2))
    status = [statuses[i % len(statuses)] for i in range(len(ids))]
    return pa.table(
        [pa.array(ids, pa.string()), amounts, pa.array(status).dictionary_encode()], schema=SCHEMA
    )


def write(path: Path, *tables: pa.Table, schema: pa.Schema = SCHEMA) -> None:
    with open_output(path, schema, note=NOTE) as output:
        for table in tables:
            output.append(output.encode(table))


def read_back(path: Path) -> list[tuple[object, ...]]:
    if path.suffix == ".csv":
        return [tuple(line.split(",")) for line in path.read_text("utf-8").splitlines()]
    if path.suffix == ".xlsx":
        return [tuple(r) for r in python_calamine.load_workbook(str(path)).get_sheet_by_index(0).iter_rows()]
    table = pq.read_table(path) if path.suffix == ".parquet" else pa.ipc.open_file(str(path)).read_all()
    return [tuple(table.column_names), *(tuple(row.values()) for row in table.to_pylist())]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def error_of(path: Path, **options: object) -> str:
    with pytest.raises(CasesError) as caught:
        open_output(path, SCHEMA, note=NOTE, **options)
    return str(caught.value)


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_rows_are_written_in_order_under_the_final_name_only_at_the_end(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"priced{suffix}"
    with open_output(path, SCHEMA, note=NOTE) as output:
        encoded = [output.encode(t) for t in (rows("a", "b"), rows(), rows("c", statuses=("LATE",)))]
        for part in encoded:
            output.append(part)
        assert not path.exists()
        assert output.rows_written == 3
    assert names(tmp_path) == [path.name]
    amount = {".csv": str, ".xlsx": float}.get(suffix, Decimal)
    expected = [("a", amount("1.05"), "OK"), ("b", amount("2.10"), "OK"), ("c", amount("1.05"), "LATE")]
    assert read_back(path) == [("case_id", "amount", "status"), *expected]


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_no_rows_at_all_is_a_file_with_columns(tmp_path: Path, suffix: str) -> None:
    write(tmp_path / f"priced{suffix}")
    assert read_back(tmp_path / f"priced{suffix}") == [("case_id", "amount", "status")]


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt])
def test_an_interrupted_run_leaves_what_was_there_before(
    tmp_path: Path, suffix: str, interruption: type[BaseException]
) -> None:
    path = tmp_path / f"priced{suffix}"
    path.write_bytes(b"before")
    with pytest.raises(interruption), open_output(path, SCHEMA, note=NOTE) as output:
        output.append(output.encode(rows("a")))
        raise interruption
    assert names(tmp_path) == [path.name]
    assert path.read_bytes() == b"before"


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_killed_run_leaves_nothing_under_the_final_name(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"priced{suffix}"
    program = (
        "import os, sys; from pathlib import Path; from tests.files.test_writing import *\n"
        "output = open_output(Path(sys.argv[1]), SCHEMA, note=NOTE)\n"
        "output.append(output.encode(rows('a', 'b')))\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    (left,) = names(tmp_path)
    assert left.startswith(f".priced{suffix}.")
    assert left.endswith(".part")
    others = [tmp_path / name for name in (f".other{suffix}.1-0123abcd.part", f".priced{suffix}.part")]
    for other in others:
        other.write_bytes(b"not of this output")
    write(path, rows("a"))  # the next run removes what that one left
    assert names(tmp_path) == sorted([path.name, *(other.name for other in others)])


def test_nobody_removes_what_is_being_written(tmp_path: Path) -> None:
    path = tmp_path / "priced.csv"
    just_created = tmp_path / ".priced.csv.1-0123abcd.part"
    just_created.touch()  # between being created and being locked
    with open_output(path, SCHEMA, note=NOTE) as first:
        first.append(first.encode(rows("a")))
        with open_output(path, SCHEMA, note=NOTE) as second:
            second.append(second.encode(rows("b")))
        assert read_back(path)[1][0] == "b"
    assert read_back(path)[1][0] == "a"
    assert names(tmp_path) == [just_created.name, path.name]


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_a_full_disk_is_told_in_words_and_nothing_is_left(tmp_path: Path, suffix: str) -> None:
    """The limit on file sizes stands for the disk: writing fails in the middle."""
    path = tmp_path / f"priced{suffix}"
    program = (
        "import resource, sys; from pathlib import Path; from tests.files.test_writing import *\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
        "many = rows(*(str(hash(str(i))) for i in range(30_000)))\n"
        "try:\n"
        "    write(Path(sys.argv[1]), many, many)\n"
        "except CasesError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, str(path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
    )
    assert "was not written" in done.stdout
    assert "larger than is allowed here" in done.stdout
    assert names(tmp_path) == []


def test_a_full_disk_has_words_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    output = open_output(tmp_path / "a.csv", SCHEMA, note=NOTE)
    monkeypatch.setattr(output, "_write", full)
    with pytest.raises(CasesError, match="the disk is full; free some space"), output:
        output.append(output.encode(rows("a")))
    assert names(tmp_path) == []


@pytest.mark.parametrize("suffix", OUTPUT_SUFFIXES)
def test_an_error_while_completing_leaves_nothing(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise OSError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "replace", refuse)
    with pytest.raises(CasesError, match="you may not write in this folder"):
        write(tmp_path / f"a{suffix}", rows("a"))
    assert names(tmp_path) == []


def test_what_cannot_be_an_output_is_told_before_anything_is_done(tmp_path: Path) -> None:
    source = tmp_path / "cases.csv"
    source.write_text("x")
    (tmp_path / "link.csv").symlink_to(source)
    (tmp_path / "folder.csv").mkdir()
    os.mkfifo(tmp_path / "fifo.csv")
    assert "not written to .txt files; choose one of .csv" in error_of(tmp_path / "a.txt")
    assert "not written to files without a suffix; choose" in error_of(tmp_path / "a")
    assert "there is no folder" in error_of(tmp_path / "none" / "a.csv")
    assert "there is no folder" in error_of(source / "a.csv")
    assert "this is a folder" in error_of(tmp_path / "folder.csv")
    assert "this is not an ordinary file" in error_of(tmp_path / "fifo.csv")
    assert "this would overwrite" in error_of(source, keep=[source])
    assert "this would overwrite" in error_of(tmp_path / "link.csv", keep=[source])
    (tmp_path / "hard.csv").hardlink_to(source)
    assert "this would overwrite" in error_of(tmp_path / "hard.csv", keep=[source])
    new = tmp_path / "new.csv"
    assert "this would overwrite" in error_of(tmp_path / "folder.csv" / ".." / "new.csv", keep=[new])
    assert "the name is too long" in error_of(tmp_path / ("a" * 250 + ".csv"))
    assert names(tmp_path) == ["cases.csv", "fifo.csv", "folder.csv", "hard.csv", "link.csv"]


def test_a_folder_one_may_not_write_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(writing.os, "open", refuse)
    assert "you may not write in this folder" in error_of(tmp_path / "a.csv")


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target = tmp_path / "real" / "a.csv"
    target.write_text("before")
    (tmp_path / "a.csv").symlink_to(target)
    write(tmp_path / "a.csv", rows("x"))
    assert (tmp_path / "a.csv").is_symlink()
    assert read_back(target)[1][0] == "x"


def test_the_note_travels_with_the_rows(tmp_path: Path) -> None:
    for suffix in (".parquet", ".arrow", ".xlsx"):
        write(tmp_path / f"a{suffix}", rows("a"))
    metadata = pq.read_schema(tmp_path / "a.parquet").metadata
    assert metadata[b"schedule"] == b"kz-demo SYNTHETIC"
    metadata = pa.ipc.open_file(str(tmp_path / "a.arrow")).schema.metadata
    assert metadata[b"engine_version"] == b"1.2.3"
    notes = python_calamine.load_workbook(str(tmp_path / "a.xlsx")).get_sheet_by_name("note").to_python()
    assert ["schedule", "kz-demo SYNTHETIC"] in notes
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        assert b"kz-demo SYNTHETIC" in archive.read("docProps/custom.xml")
        assert b"kz-demo SYNTHETIC" in archive.read("docProps/core.xml")


def test_a_workbook_does_not_depend_on_when_it_is_made(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", rows("a"))
    with zipfile.ZipFile(tmp_path / "a.xlsx") as archive:
        core = archive.read("docProps/core.xml")
        assert {moment[:4] for moment in re.findall(rb"[0-9]{4}-[0-9-]+T[0-9:]+Z", core)} == {b"2000"}
        assert {each.date_time[0] for each in archive.infolist()} == {1980}


def test_a_workbook_of_made_up_rows_says_so_on_its_first_sheet(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    for note in (NOTE, {"schedule": "kz-2026"}):
        with open_output(path, SCHEMA, note=note) as output:
            output.append(output.encode(rows("a")))
        assert python_calamine.load_workbook(str(path)).sheet_names == ["cases", "note"]
        with zipfile.ZipFile(path) as archive:
            on_sheet = archive.read("xl/worksheets/_rels/sheet1.xml.rels") if note is NOTE else b""
            assert (b"comments1.xml" in on_sheet) == (note is NOTE)
            assert ("xl/comments1.xml" in archive.namelist()) == (note is NOTE)
            if note is NOTE:
                assert b"kz-demo SYNTHETIC" in archive.read("xl/comments1.xml")
                assert b"visibility:visible" in archive.read("xl/drawings/vmlDrawing1.vml")


def test_parquet_keeps_dictionaries_and_amounts_as_integers(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write(path, rows("a", "b"), rows("c"))
    file = pq.ParquetFile(path)
    assert file.schema_arrow.remove_metadata() == SCHEMA
    assert file.schema.column(1).physical_type == "INT64"
    assert file.metadata.num_row_groups == 2
    encodings = [file.metadata.row_group(0).column(i).encodings for i in range(3)]
    assert ["RLE_DICTIONARY" in encoding for encoding in encodings] == [False, False, True]


def test_arrow_chunks_may_bring_dictionaries_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "a.arrow"
    parts = [rows("1", "2", statuses=("b", "a")), rows("3", "4", statuses=("a", "c")), rows("5")]
    write(path, *parts)
    assert [row[2] for row in read_back(path)[1:]] == ["b", "a", "a", "c", "OK"]


def test_xlsx_has_at_most_a_million_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "XLSX_MAX_ROWS", 4)
    write(tmp_path / "a.xlsx", rows("1", "2"), rows("3"))
    with pytest.raises(CasesError, match=r"at most 4 rows, the header included; write \.csv or \.parquet"):
        write(tmp_path / "b.xlsx", rows("1", "2"), rows("3", "4"))
    assert names(tmp_path) == ["a.xlsx"]


def test_xlsx_texts_are_texts_and_never_cut(tmp_path: Path) -> None:
    write(tmp_path / "a.xlsx", rows("=1+1", "http://x.kz", "@a", "007", "\x01", "", "x" * 32_767))
    ids = [row[0] for row in read_back(tmp_path / "a.xlsx")[1:]]
    assert ids == ["=1+1", "http://x.kz", "@a", "007", "\x01", "", "x" * 32_767]
    with pytest.raises(CasesError, match="row 3, case_id: a cell of XLSX holds at most 32,767 characters"):
        write(tmp_path / "b.xlsx", rows("a", "x" * 32_768))


@given(st.lists(st.integers(-(10**18) + 1, 10**18 - 1) | st.integers(-(10**15), 10**15), min_size=1))
def test_xlsx_amounts_come_back_exactly(tmp_path_factory: pytest.TempPathFactory, minor: list[int]) -> None:
    path = tmp_path_factory.getbasetemp() / "amounts.xlsx"
    amounts = [Decimal(m).scaleb(-2) for m in minor]
    schema = pa.schema([("amount", pa.decimal128(18, 2)), ("minor", pa.int64())])
    table = pa.table([pa.array(amounts, schema.types[0]), pa.array(minor, pa.int64())], schema=schema)
    write(path, table, schema=schema)
    for (amount, whole), expected in zip(read_back(path)[1:], amounts, strict=True):
        assert Decimal(amount if isinstance(amount, str) else repr(amount)) == expected
        assert Decimal(whole if isinstance(whole, str) else repr(whole)) == expected * 100


def test_a_workbook_has_a_further_sheet_with_columns_of_its_own(tmp_path: Path) -> None:
    other = pa.schema([("case_id", pa.string()), ("why", pa.string())])
    path = tmp_path / "a.xlsx"
    with open_output(path, SCHEMA, note=NOTE) as output:
        assert isinstance(output, writing.XlsxWriter)
        output.append(output.encode(rows("one", "two")))
        output.next_sheet("others", other)
        output.append(output.encode(pa.table([pa.array(["three"]), pa.array(["because"])], schema=other)))
    book = python_calamine.load_workbook(str(path))
    assert book.sheet_names == ["cases", "note", "others"]
    assert read_back(path) == [("case_id", "amount", "status"), ("one", 1.05, "OK"), ("two", 2.1, "OK")]
    assert book.get_sheet_by_name("others").to_python() == [["case_id", "why"], ["three", "because"]]
