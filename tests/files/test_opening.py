from __future__ import annotations

import gzip
import io
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tariffcore.errors import CasesError
from tariffcore.files import open_cases
from tests.files.reading import HEADER, ROW, csv_text, read_whole

TABLE = pa.table({name: [cell] for name, cell in zip(HEADER, ROW, strict=True)})
CSV = csv_text(HEADER, ROW).encode()


def bytes_of(format_name: str) -> bytes:
    out = io.BytesIO()
    if format_name == "parquet":
        pq.write_table(TABLE, out)
    elif format_name == "arrow":
        with pa.ipc.new_file(out, TABLE.schema) as writer:
            writer.write_table(TABLE)
    elif format_name == "stream":
        with pa.ipc.new_stream(out, TABLE.schema) as writer:
            writer.write_table(TABLE)
    else:
        member = {"xlsx": "xl/workbook.xml", "ods": "content.xml", "docx": "word/document.xml"}
        with zipfile.ZipFile(out, "w") as archive:
            # of a fixed moment: these bytes name tests, which must be the same in every process
            archive.writestr(zipfile.ZipInfo(member.get(format_name, "a.csv")), "x")
    return out.getvalue()


def error_of(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CasesError) as caught:
        read_whole(open_cases(path))
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", CSV),
        ("a.TXT", CSV),
        ("a.tsv", CSV),
        ("a.parquet", bytes_of("parquet")),
        ("a.arrow", bytes_of("arrow")),
        ("a.feather", bytes_of("stream")),
        ("a.ipc", bytes_of("arrow")),
    ],
)
def test_formats_are_known_by_their_suffix(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    whole = read_whole(open_cases(tmp_path / name))
    assert whole.rows == TABLE.to_pylist()


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        (
            "a.csv",
            bytes_of("xlsx"),
            "this is not a CSV file; it seems to be an XLSX workbook; rename it to a.xlsx",
        ),
        ("a.csv", bytes_of("parquet"), "seems to be a Parquet file; rename it to a.parquet"),
        ("a.csv", bytes_of("stream"), "seems to be an Arrow file; rename it to a.arrow"),
        ("a.csv", bytes_of("ods"), "seems to be an OpenDocument file; save it as .xlsx"),
        ("a.csv", bytes_of("docx"), "seems to be a Word document"),
        ("a.csv", bytes_of("zip"), "seems to be a ZIP archive; unpack it first"),
        ("a.csv", gzip.compress(CSV, mtime=0), "seems to be a gzip archive; unpack it first"),
        ("a.csv", b"\n <!DOCTYPE HTML><html>", "seems to be a web page"),
        ("a.csv", b"\xef\xbb\xbf<?xml version='1.0'?>", "seems to be an XML document"),
        ("a.csv", b'[{"case_id": 1}]', "seems to be JSON"),
        ("a.csv", b"%PDF-1.7", "seems to be a PDF document"),
        ("a.csv", CSV.decode().encode("utf-16-le"), "UTF-16 text without a byte order mark"),
        ("a.csv", CSV.decode().encode("utf-32"), "seems to be text in UTF-32"),
        (
            "a.xlsx",
            CSV,
            "seems to be a CSV file; rename it to a.csv, or check that it is an XLSX workbook at all",
        ),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1", "an old .xls or a password-protected workbook"),
        ("a.xlsx", bytes_of("xlsx")[:40], "is cut short or damaged; copy or save it again"),
        ("a.xlsx", bytes_of("xlsx"), "this is not a whole XLSX workbook"),
        ("a.parquet", bytes_of("parquet")[:-9], "this is not a whole Parquet file"),
        ("a.parquet", bytes_of("arrow"), "seems to be an Arrow file"),
        ("a.parquet", CSV, "this is not a Parquet file; it seems to be a CSV file"),
        ("a.arrow", bytes_of("arrow")[:-9], "this is not a whole Arrow file"),
        ("a.arrow", bytes_of("stream")[:-9], "this is not a whole Arrow file"),
        ("a.arrow", bytes_of("stream")[:-8], "its end mark is missing"),
        ("a.arrow", b"FEA1....", "the old version 1"),
        ("a.dat", CSV, "not read from .dat files, and this seems to be a CSV file; rename it to a.csv"),
        ("a", b"%PDF", "not read from files without a suffix, and this seems to be a PDF document"),
        ("a.parquet", b"", "the file is empty"),
    ],
)
def test_a_file_that_is_something_else_says_what_it_seems_to_be(
    tmp_path: Path, name: str, content: bytes, told: str
) -> None:
    assert told in error_of(tmp_path / name, content)


def test_a_file_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    assert "there is no such file" in error_of(tmp_path / "a.csv")
    (tmp_path / "b.csv").mkdir()
    assert "this is a folder" in error_of(tmp_path / "b.csv")
    os.mkfifo(tmp_path / "c.csv")
    assert "this is not an ordinary file" in error_of(tmp_path / "c.csv")


def test_a_file_one_may_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)

    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert "you may not read this file" in error_of(tmp_path / "a.csv")


def test_only_workbooks_have_sheets(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(CSV)
    with pytest.raises(CasesError, match="only XLSX workbooks have sheets"):
        open_cases(tmp_path / "a.csv", sheet="x")


def test_a_chunk_has_at_least_one_row(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="chunk_rows is 0"):
        open_cases(tmp_path / "a.csv", chunk_rows=0)
