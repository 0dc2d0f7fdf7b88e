"""Opens a file of cases: what format it says it is, and what it really is."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tariffcore.errors import CasesError
from tariffcore.files.arrow_reading import FILE_MAGIC, ArrowSource
from tariffcore.files.chunks import CaseSource
from tariffcore.files.csv_reading import CsvSource
from tariffcore.files.mapping import STANDARD_MAPPING, ColumnMapping
from tariffcore.files.parquet_reading import ParquetSource
from tariffcore.files.standardising import unusable
from tariffcore.files.xlsx_reading import XlsxSource

FORMAT_OF_SUFFIX = {
    ".csv": "csv",
    ".txt": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".ipc": "arrow",
    ".xlsx": "xlsx",
}
DEFAULT_CHUNK_ROWS = 1 << 18

_CSV, _PARQUET, _ARROW, _XLSX = "a CSV file", "a Parquet file", "an Arrow file", "an XLSX workbook"
_KIND_OF_FORMAT = {"csv": _CSV, "parquet": _PARQUET, "arrow": _ARROW, "xlsx": _XLSX}
_SUFFIX_OF_KIND = {_CSV: ".csv", _PARQUET: ".parquet", _ARROW: ".arrow", _XLSX: ".xlsx"}

_MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"PAR1", _PARQUET, ""),
    (b"PARE", "an encrypted Parquet file", "export it without encryption"),
    (FILE_MAGIC, _ARROW, ""),
    (b"\xff\xff\xff\xff", _ARROW, ""),
    (b"FEA1", "a Feather file of the old version 1", "write it as Feather version 2 or Parquet"),
    (b"\x1f\x8b", "a gzip archive", "unpack it first"),
    (b"BZh", "a bzip2 archive", "unpack it first"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x28\xb5\x2f\xfd", "a zstd archive", "unpack it first"),
    (
        b"\xd0\xcf\x11\xe0",
        "an old .xls or a password-protected workbook",
        "save it as .xlsx without a password",
    ),
    (b"%PDF", "a PDF document", "export the table as CSV or XLSX"),
    (b"SQLite format 3\x00", "an SQLite database", "export the table as CSV"),
    (b"{\\rtf", "an RTF document", "export the table as CSV or XLSX"),
    (b"\xff\xfe\x00\x00", "text in UTF-32", "save it as UTF-8"),
    (b"\x00\x00\xfe\xff", "text in UTF-32", "save it as UTF-8"),
)
_TEXT_STARTS: tuple[tuple[bytes, str, str], ...] = (
    (b"<!doctype html", "a web page", "download the table itself, not the page that shows it"),
    (b"<html", "a web page", "open it in Excel and save it as .xlsx or .csv"),
    (b"<table", "a web page", "open it in Excel and save it as .xlsx or .csv"),
    (b"<?xml", "an XML document", "open it in Excel and save it as .xlsx or .csv"),
    (b"{", "JSON", "write the cases as CSV, Parquet or Arrow"),
    (b"[", "JSON", "write the cases as CSV, Parquet or Arrow"),
)


def open_cases(
    path: Path,
    mapping: ColumnMapping | None = None,
    *,
    chunk_rows: int = DEFAULT_CHUNK_ROWS,
    sheet: str | None = None,
) -> CaseSource:
    """Opens a file of cases; use it as a context manager.

    path        .csv .txt .tsv, .parquet, .arrow .feather .ipc (file or stream), .xlsx
    mapping     other people's headers and words; None: the standard columns
    chunk_rows  about how many rows a chunk has (in CSV by the length of the first lines, at most 16 MiB)
    sheet       the sheet of an XLSX workbook

    Raises CasesError, in words, for a file that is not there, is something else than its name says, or has
    not the columns of cases.
    """
    path = Path(path)
    mapping = STANDARD_MAPPING if mapping is None else mapping
    if chunk_rows < 1:
        raise ValueError(f"chunk_rows is {chunk_rows}; a chunk has at least one row")
    with readable(path):
        file_format = format_of(path)
        if sheet is not None and file_format != "xlsx":
            raise unusable(path, "only XLSX workbooks have sheets", "leave the sheet out")
        if file_format == "csv":
            return CsvSource(path, mapping, chunk_rows)
        if file_format == "parquet":
            return ParquetSource(path, mapping, chunk_rows)
        if file_format == "arrow":
            return ArrowSource(path, mapping, chunk_rows)
        return XlsxSource(path, mapping, chunk_rows, sheet)


def format_of(path: Path) -> str:
    """ "csv", "parquet", "arrow" or "xlsx", by the name and by what is in the file.

    Raises CasesError for what is none of these, or another than its name says, and OSError.
    """
    file_format = FORMAT_OF_SUFFIX.get(path.suffix.lower())
    kind, way_out = _kind_of_content(path)
    if file_format is None:
        if path.suffix.lower() in (".jsonl", ".ndjson"):
            way_out = "group claims first (`tariffcore group --grouper msdrg`), or write the cases as CSV"
        known = _SUFFIX_OF_KIND.get(kind)
        hint = f"rename it to {path.stem}{known}" if known else way_out
        files = f"{path.suffix} files" if path.suffix else "files without a suffix"
        raise unusable(
            path,
            f"cases are not read from {files}, and this seems to be {kind}",
            f"{hint}; the suffixes read are {', '.join(FORMAT_OF_SUFFIX)}",
        )
    if kind != _KIND_OF_FORMAT[file_format]:
        raise _foreign(path, file_format, kind, way_out)
    return file_format


@contextmanager
def readable(path: Path) -> Iterator[None]:
    """What the system says of a file that cannot be read, as CasesError."""
    try:
        yield
    except FileNotFoundError:
        raise unusable(path, "there is no such file", "check the path") from None
    except PermissionError:
        raise unusable(path, "you may not read this file", "ask for the permission to read it") from None
    except OSError as error:
        raise unusable(path, f"the file cannot be read ({error.strerror or error})", "check it") from None


def _kind_of_content(path: Path) -> tuple[str, str]:
    """What the file seems to be by its first bytes, and the way out where that is nothing we read."""
    mode = path.stat().st_mode
    if stat.S_ISDIR(mode):
        raise unusable(path, "this is a folder", "give a file of cases")
    if not stat.S_ISREG(mode):
        raise unusable(path, "this is not an ordinary file", "save the cases to a file first")
    with path.open("rb") as file:
        head = file.read(4096)
    if not head:
        raise unusable(path, "the file is empty", "give a file with a header and cases")
    for magic, kind, way_out in _MAGIC:
        if head.startswith(magic):
            return kind, way_out
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return _CSV, ""
    if b"\x00" in head:
        return "a binary file, or UTF-16 text without a byte order mark", "save it as CSV in UTF-8"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    for start, kind, way_out in _TEXT_STARTS:
        if text.startswith(start):
            return kind, way_out
    return _CSV, ""


def _kind_of_zip(path: Path) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError):
        raise unusable(
            path,
            "the file begins like an XLSX workbook or a ZIP archive and is cut short or damaged",
            "copy or save it again",
        ) from None
    if "xl/workbook.xml" in names:
        return _XLSX, ""
    if "xl/workbook.bin" in names:
        return "an .xlsb workbook", "save it as .xlsx"
    if "content.xml" in names:
        return "an OpenDocument file", "save it as .xlsx"
    if "word/document.xml" in names:
        return "a Word document", "save its table as .xlsx or .csv"
    return "a ZIP archive", "unpack it first"


def _foreign(path: Path, file_format: str, kind: str, way_out: str) -> CasesError:
    right_suffix = _SUFFIX_OF_KIND.get(kind)
    if right_suffix is not None:
        way_out = f"rename it to {path.stem}{right_suffix}"
        if kind == _CSV:
            way_out += f", or check that it is {_KIND_OF_FORMAT[file_format]} at all"
    return unusable(path, f"this is not {_KIND_OF_FORMAT[file_format]}; it seems to be {kind}", way_out)
