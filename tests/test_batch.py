"""A file in, a priced file out: every row, in order, whatever the format, the chunks and the threads."""

from __future__ import annotations

import csv
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import pytest
import python_calamine

from tariffcore import batch
from tariffcore.batch import BatchReport, price_file, run_note
from tariffcore.cases import table_from_cases
from tariffcore.errors import CasesError
from tariffcore.files import CaseChunk, CaseSource, RawChunk, load_mapping, open_cases
from tariffcore.files.csv_reading import CsvSource
from tariffcore.files.mapping import STANDARD_MAPPING
from tariffcore.files.writing import CsvWriter, ParquetWriter
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.sample import Sampler, write_sample
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.shipped import resolve
from tariffcore.version import ENGINE_VERSION
from tests.small_schedule import SMALL
from tests.strategies import aimed_catalog, random_cases
from tests.test_case_rows import ONE, bytes_as_text, write_csv

SUFFIXES = (".csv", ".parquet", ".arrow", ".xlsx")
SAMPLE_ROWS = 400
SAMPLE_SEED = 5  # among the rows one cut short and cells that only text can hold

Row = dict[str, Any]


@cache
def demo() -> Plan:
    return Plan(Catalog.of([read_schedule(folder) for folder in resolve(["kz-demo"])]))


@cache
def small() -> Plan:
    return Plan(Catalog.of([SMALL]))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same sample cases in each format."""
    folder = tmp_path_factory.mktemp("samples")
    paths = {suffix: folder / f"cases{suffix}" for suffix in SUFFIXES}
    for path in paths.values():
        write_sample(path, SAMPLE_ROWS, catalog=demo(), seed=SAMPLE_SEED, threads=1)
    return paths


def plain(name: str, cell: Any) -> Any:
    """A cell of any format in one form: amounts as decimals, everything else as text."""
    if cell is None or cell == "":
        return None
    if name == "amount" or name.startswith(("component_", "claimed_")):
        return Decimal(str(cell)) + Decimal("0.00")
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else str(cell)
    return str(cell)


def columns_of(path: Path) -> list[str]:
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            return next(csv.reader(file))
    if path.suffix == ".xlsx":
        sheet = python_calamine.load_workbook(str(path)).get_sheet_by_name("cases")
        return [str(cell) for cell in next(iter(sheet.iter_rows()))]
    return table_in(path).column_names


def table_in(path: Path) -> pa.Table:
    return pq.read_table(path) if path.suffix == ".parquet" else feather.read_table(path, memory_map=False)


def rows_in(path: Path) -> list[Row]:
    names = columns_of(path)
    if path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as file:
            cells = list(csv.reader(file))[1:]
    elif path.suffix == ".xlsx":
        sheet = python_calamine.load_workbook(str(path)).get_sheet_by_name("cases")
        cells = [list(row) for row in sheet.iter_rows()][1:]
    else:
        cells = [list(row.values()) for row in table_in(path).to_pylist()]
    return [{name: plain(name, cell) for name, cell in zip(names, row, strict=True)} for row in cells]


@cache
def expected_rows() -> list[Row]:
    """What pricing the typed sample cases at once comes to."""
    table = pa.Table.from_batches(Sampler(demo(), seed=SAMPLE_SEED).batches(SAMPLE_ROWS, threads=1))
    columns = price_cases(table, demo(), components=True, threads=1).columns()
    columns = {"case_id": table["case_id"], **columns, "funding_source": table["funding_source"]}
    return [{name: plain(name, cell) for name, cell in row.items()} for row in pa.table(columns).to_pylist()]


def cases_csv(path: Path, *rows: dict[str, str], **columns: str) -> Path:
    """A CSV file of cases like ``ONE`` but for what the rows say."""
    base = {name: cells[0] for name, cells in ONE.items()} | columns
    names = list(dict.fromkeys(name for row in ({}, *rows) for name in {**base, **row}))
    lines = [names, *([{**base, **row}.get(name, "") for name in names] for row in rows)]
    path.write_text("".join(",".join(line) + "\n" for line in lines), "utf-8")
    return path


# Every row, in every format


@pytest.mark.parametrize("into", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
def test_every_row_comes_back_in_order_whatever_the_formats(
    samples: dict[str, Path], tmp_path: Path, source: str, into: str
) -> None:
    output, rejects = tmp_path / f"priced{into}", tmp_path / f"rejects{into}"
    report = price_file(samples[source], output, demo(), rejects_path=rejects, components=True, threads=2)

    rows, expected = rows_in(output), expected_rows()
    assert list(rows[0]) == list(expected[0])
    if source == ".csv":
        spoiled = [row for row, (got, typed) in enumerate(zip(rows, expected, strict=True)) if got != typed]
        assert {rows[row]["status"] for row in spoiled} == {"INVALID_FIELD", "MALFORMED_ROW"}
        assert len(spoiled) < 8
        expected = [rows[row] if row in spoiled else typed for row, typed in enumerate(expected)]
    assert rows == expected

    rejected = [row for row in rows if row["status"] != "OK"]
    assert all((row["amount"] is None) == (row["status"] != "OK") for row in rows)
    summary = report.summary
    assert (summary.read, summary.rejected) == (SAMPLE_ROWS, len(rejected))
    assert summary.priced + summary.rejected == summary.read
    assert summary.amount_minor == sum(int(row["amount"] * 100) for row in rows if row["amount"] is not None)
    told = rows_in(rejects)
    assert [(row["case_id"], row["status"]) for row in told] == [
        (row["case_id"], row["status"]) for row in rejected
    ]
    first_line = 1 if source in (".parquet", ".arrow") else 2
    assert [int(row["line"]) for row in told] == [
        number for number, row in enumerate(rows, start=first_line) if row["status"] != "OK"
    ]
    assert all(row["reason"] for row in told)


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("seed", range(6))
def test_amounts_are_those_of_the_twin(tmp_path: Path, seed: int, suffix: str) -> None:
    catalog = aimed_catalog(seed)
    cases = random_cases(catalog, 150, seed)
    path = tmp_path / f"cases{suffix}"
    table = table_from_cases(cases)
    if suffix == ".csv":
        write_csv(path, table, delimiter=";")
    else:
        pq.write_table(table, path, row_group_size=40)
    report = price_file(path, tmp_path / "priced.parquet", catalog, components=True)

    units = catalog.editions[0].minor_units
    priced = pq.read_table(tmp_path / "priced.parquet").to_pylist()
    for case, row in zip(cases, priced, strict=True):
        twin = reference_price(case, catalog)
        assert (row["status"], row["schedule_id"], row["rule_id"], row["method"]) == (
            twin.status.name,
            twin.schedule_id,
            twin.rule_id,
            twin.method and twin.method.value,
        )
        amount_minor = None if row["amount"] is None else int(row["amount"].scaleb(units))
        assert amount_minor == twin.amount_minor
        parts = {
            name.removeprefix("component_"): int(part.scaleb(units))
            for name, part in row.items()
            if name.startswith("component_") and part is not None
        }
        given = twin.components_minor or {}
        assert parts == (dict.fromkeys(parts, 0) | given)
        assert bool(parts) == bool(given)
    assert report.summary.read == len(cases)


# Chunks and threads


def in_pieces(monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    """Files are read in chunks of so many rows, CSV in blocks of so many bytes."""

    def opened(path: Path, mapping: Any = None, *, sheet: str | None = None) -> CaseSource:
        if path.suffix == ".csv":
            return CsvSource(path, mapping or STANDARD_MAPPING, 1 << 18, block_bytes=size)
        return open_cases(path, mapping, chunk_rows=size, sheet=sheet)

    monkeypatch.setattr(batch, "open_cases", opened)


def priced_both(cases: Path, folder: Path, into: str, threads: int) -> tuple[BatchReport, Path, Path]:
    folder.mkdir()
    output, rejects = folder / f"priced{into}", folder / f"rejects{into}"
    return (
        price_file(cases, output, demo(), rejects_path=rejects, components=True, threads=threads),
        output,
        rejects,
    )


@pytest.fixture(scope="module")
def awkward(samples: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample again, with what makes the borders of blocks hard to find; Parquet in small row groups."""
    folder = tmp_path_factory.mktemp("awkward")
    header, *lines = samples[".csv"].read_bytes().splitlines()
    for number in range(0, len(lines), 9):
        lines[number] = lines[number].replace(b",insurance,", b',"insur\nance, ""x""",')
    text = b"\r\n".join([header, *lines[:200], b"", *lines[200:], b"7,\xd0\xd0,x", b'8,"'])
    (folder / "cases.csv").write_bytes(text)
    pq.write_table(pq.read_table(samples[".parquet"]), folder / "cases.parquet", row_group_size=64)
    return {".csv": folder / "cases.csv", ".parquet": folder / "cases.parquet", ".xlsx": samples[".xlsx"]}


@pytest.mark.parametrize(
    ("source", "size", "threads"),
    [
        (".csv", 1, 2),
        (".csv", 997, 1),
        (".csv", 997, 4),
        (".csv", 20_000, 2),
        (".parquet", 7, 4),
        (".parquet", 64, 2),
        (".xlsx", 33, 1),
    ],
)
def test_chunks_and_threads_do_not_change_a_byte(
    awkward: dict[str, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    source: str,
    size: int,
    threads: int,
) -> None:
    whole, *expected = priced_both(awkward[source], tmp_path / "whole", ".csv", 1)
    in_pieces(monkeypatch, size)
    parts, *found = priced_both(awkward[source], tmp_path / "parts", ".csv", threads)
    assert [path.read_bytes() for path in found] == [path.read_bytes() for path in expected]
    assert parts == whole


@pytest.mark.parametrize("into", [".parquet", ".arrow", ".xlsx"])
def test_chunks_and_threads_do_not_change_the_table(
    awkward: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, into: str
) -> None:
    whole, *expected = priced_both(awkward[".csv"], tmp_path / "whole", into, 1)
    in_pieces(monkeypatch, 3_000)
    for threads in (1, 2, 4):
        parts, *found = priced_both(awkward[".csv"], tmp_path / f"parts-{threads}", into, threads)
        assert parts == whole
        for got, wanted in zip(found, expected, strict=True):
            assert rows_in(got) == rows_in(wanted)
            if into != ".xlsx":
                assert table_in(got).schema.equals(table_in(wanted).schema, check_metadata=True)


def test_threads_write_the_same_bytes(
    awkward: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pieces(monkeypatch, 3_000)
    for into in (".parquet", ".arrow"):
        written = [
            [path.read_bytes() for path in priced_both(awkward[".csv"], tmp_path / f"{into}{n}", into, n)[1:]]
            for n in (1, 4)
        ]
        assert written[0] == written[1]


class Pieces(CaseSource):
    """A source of chunks of one row that tells what becomes of them."""

    format = "csv"
    ignored_columns: tuple[str, ...] = ()
    total_bytes: int | None = None
    total_rows: int | None = None

    def __init__(self, count: int) -> None:
        self.table = pa.table(ONE)
        self.columns = tuple(ONE)
        self.count = count
        self.is_closed = False
        self.given = 0
        self.parsed: list[int] = []

    def __iter__(self) -> Iterator[RawChunk]:
        for number in range(self.count):
            self.given += 1
            yield self.piece(number)

    def piece(self, number: int) -> RawChunk:
        return RawChunk(number)

    def parse(self, raw: RawChunk) -> CaseChunk:
        self.parsed.append(raw.size_bytes)
        return CaseChunk(self.table, np.array([raw.size_bytes + 2]))

    def close(self) -> None:
        self.is_closed = True


def price_pieces(
    monkeypatch: pytest.MonkeyPatch, source: CaseSource, tmp_path: Path, **options: Any
) -> BatchReport:
    monkeypatch.setattr(batch, "open_cases", lambda *_, **__: source)
    return price_file(tmp_path / "cases.csv", tmp_path / "priced.csv", small(), **options)


class AtOnce:
    """A pool that does the work when it is handed in: what lives then does not depend on the scheduler."""

    def __init__(self, threads: int) -> None: ...

    def __enter__(self) -> AtOnce:
        return self

    def __exit__(self, *_: object) -> None: ...

    def submit(self, work: Callable[..., Any], *arguments: Any) -> Future[Any]:
        done: Future[Any] = Future()
        done.set_result(work(*arguments))
        return done


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_memory_stays_flat(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, threads: int) -> None:
    """Of any number of chunks at most threads + 2 are held at once, in whatever form."""
    forms: dict[int, list[weakref.ref[Any]]] = {}
    encoded: list[weakref.ref[Any]] = []
    most = most_encoded = 0

    class Watched(Pieces):
        def piece(self, number: int) -> RawChunk:
            nonlocal most, most_encoded
            raw = super().piece(number)
            forms[number] = [weakref.ref(raw)]
            most = max(most, sum(any(form() is not None for form in each) for each in forms.values()))
            most_encoded = max(most_encoded, sum(text() is not None for text in encoded))
            return raw

        def parse(self, raw: RawChunk) -> CaseChunk:
            chunk = super().parse(raw)
            forms[raw.size_bytes].append(weakref.ref(chunk))
            return chunk

    def watched_price(self: batch._Pricer, raw: RawChunk) -> Any:
        priced = price(self, raw)
        forms[raw.size_bytes].append(weakref.ref(priced))
        return priced

    def watched_encode(self: CsvWriter, table: pa.Table) -> Any:
        text = encode(self, table)
        encoded.append(weakref.ref(text))
        return text

    price, encode = batch._Pricer.price, CsvWriter.encode
    monkeypatch.setattr(batch._Pricer, "price", watched_price)
    monkeypatch.setattr(CsvWriter, "encode", watched_encode)
    monkeypatch.setattr(batch, "ThreadPoolExecutor", AtOnce)
    report = price_pieces(monkeypatch, Watched(40), tmp_path, threads=threads)
    assert report.summary.read == len(forms) == len(encoded) == 40
    assert threads < most <= threads + 2
    assert most_encoded <= threads + 1  # the newest chunk is not encoded yet


def test_as_many_chunks_are_priced_at_once_as_there_are_threads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    together = threading.Barrier(3, timeout=60)

    class Meeting(Pieces):
        def parse(self, raw: RawChunk) -> CaseChunk:
            if raw.size_bytes > 0:  # the first chunk opens the outputs, before any thread
                together.wait()
            return super().parse(raw)

    source = Meeting(1 + 3 * 4)
    assert price_pieces(monkeypatch, source, tmp_path, threads=3).summary.read == 13
    assert source.is_closed


# What goes wrong in the middle


def snapshot(folder: Path) -> dict[str, bytes | None]:
    return {path.name: path.read_bytes() if path.is_file() else None for path in sorted(folder.iterdir())}


def on_call(number: int, original: Callable[..., Any], error: BaseException) -> Callable[..., Any]:
    """The function, which raises when it is called for the so-manieth time."""
    calls = 0

    def spoiled(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            raise error
        return original(*arguments, **named)

    return spoiled


class TroubleError(Exception):
    """Something that nobody foresaw."""


FAILURES: dict[str, tuple[BaseException, type[BaseException], str | None]] = {
    "the writer": (OSError(28, "No space left on device"), CasesError, "the disk is full"),
    "the encoder": (TroubleError("cannot encode"), TroubleError, "cannot encode"),
    "the parser": (TroubleError("cannot parse"), TroubleError, "cannot parse"),
    "the reader": (CasesError("cases.csv cannot be read", []), CasesError, "cannot be read"),
    "the user": (KeyboardInterrupt(), KeyboardInterrupt, None),
    "the memory": (MemoryError(), MemoryError, None),
}


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("failing", FAILURES)
def test_a_failure_in_the_middle_leaves_what_was_there_before(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, failing: str, threads: int, older: bool
) -> None:
    error, expected, words = FAILURES[failing]
    source = Pieces(30)
    options: dict[str, Any] = {"rejects_path": tmp_path / "rejects.csv", "threads": threads}
    if failing == "the writer":
        monkeypatch.setattr(CsvWriter, "_append", on_call(5, CsvWriter._append, error))
    elif failing == "the encoder":
        monkeypatch.setattr(CsvWriter, "encode", on_call(5, CsvWriter.encode, error))
    elif failing in ("the parser", "the memory"):
        monkeypatch.setattr(Pieces, "parse", on_call(2, Pieces.parse, error))
    elif failing == "the reader":
        monkeypatch.setattr(Pieces, "piece", on_call(2, Pieces.piece, error))
    else:
        options["progress"] = on_call(2, lambda *_: None, error)
    if older:
        (tmp_path / "priced.csv").write_text("an older run")
        (tmp_path / "rejects.csv").write_text("its rejects")
    before = snapshot(tmp_path)
    with pytest.raises(expected, match=words):
        price_pieces(monkeypatch, source, tmp_path, **options)
    assert snapshot(tmp_path) == before
    assert source.is_closed
    assert len(source.parsed) <= 2 + 2 * (threads + 1), "what had not begun was not begun any more"


def test_what_was_handed_in_and_has_not_begun_is_called_off() -> None:
    handed_in: list[Future[int]] = []

    class Busy:
        def submit(self, *_: object) -> Future[int]:
            handed_in.append(Future())
            if len(handed_in) == 1:
                handed_in[0].set_exception(TroubleError("the first"))
            return handed_in[-1]

    with pytest.raises(TroubleError, match="the first"):
        list(batch.in_order(Busy(), int, iter(range(10)), ahead=3))
    assert [future.cancelled() for future in handed_in] == [False, True, True]


@pytest.mark.parametrize("older", [False, True])
@pytest.mark.parametrize("spoiled", ["priced", "rejects"])
@pytest.mark.parametrize(("suffix", "writer"), [(".csv", CsvWriter), (".parquet", ParquetWriter)])
def test_an_output_that_cannot_be_finished_keeps_the_other_from_appearing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, suffix: str, writer: Any, spoiled: str, older: bool
) -> None:
    end = writer._end

    def disk_full(self: Any) -> None:
        if self.path.stem == spoiled:
            raise OSError(28, "No space left on device")
        end(self)

    monkeypatch.setattr(writer, "_end", disk_full)
    cases = cases_csv(tmp_path / "cases.csv", {}, {"drg_code": "X"})
    if older:
        (tmp_path / f"priced{suffix}").write_text("an older run")
        (tmp_path / f"rejects{suffix}").write_text("its rejects")
    before = snapshot(tmp_path)
    with pytest.raises(CasesError, match="the disk is full"):
        price_file(cases, tmp_path / f"priced{suffix}", small(), rejects_path=tmp_path / f"rejects{suffix}")
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("taken", ["priced.csv", "rejects.csv"])
def test_a_folder_that_takes_the_name_meanwhile_keeps_the_other_from_appearing(
    tmp_path: Path, taken: str
) -> None:
    cases = cases_csv(tmp_path / "cases.csv", {}, {"drg_code": "X"})

    def take_the_name(*_: object) -> None:
        (tmp_path / taken).mkdir()

    with pytest.raises(CasesError, match=f"{taken} was not written"):
        price_file(
            cases,
            tmp_path / "priced.csv",
            small(),
            rejects_path=tmp_path / "rejects.csv",
            progress=take_the_name,
        )
    assert set(snapshot(tmp_path)) == {"cases.csv", taken}


def test_outputs_get_their_names_only_when_both_are_whole(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told: list[list[str]] = []
    end = CsvWriter._end

    def watched(self: CsvWriter) -> None:
        end(self)
        told.append(sorted(path.name for path in tmp_path.glob("[pr]*.csv")))

    monkeypatch.setattr(CsvWriter, "_end", watched)
    cases = cases_csv(tmp_path / "cases.csv", {})
    price_file(cases, tmp_path / "priced.csv", small(), rejects_path=tmp_path / "rejects.csv")
    assert told == [[], []]
    assert set(snapshot(tmp_path)) == {"cases.csv", "priced.csv", "rejects.csv"}


@pytest.mark.parametrize(
    ("output", "rejects", "overwritten"),
    [
        ("cases.csv", None, "cases.csv"),
        ("./cases.csv", "rejects.csv", "cases.csv"),
        ("priced.csv", "cases.csv", "cases.csv"),
        ("priced.csv", "priced.csv", "priced.csv"),
        ("priced.csv", "sub/../priced.csv", "priced.csv"),
        ("link.csv", None, "cases.csv"),
        ("priced.csv", "hard.csv", "cases.csv"),
    ],
)
def test_no_output_may_replace_the_cases_or_the_other_output(
    tmp_path: Path, output: str, rejects: str | None, overwritten: str
) -> None:
    cases = cases_csv(tmp_path / "cases.csv", {})
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.csv").symlink_to(cases)
    os.link(cases, tmp_path / "hard.csv")
    before = snapshot(tmp_path)
    with pytest.raises(CasesError, match=rf"this would overwrite \S*/{overwritten}; choose another name"):
        price_file(cases, tmp_path / output, small(), rejects_path=rejects and tmp_path / rejects)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize(
    ("output", "rejects", "words"),
    [
        ("priced.doc", None, "results are not written to .doc files"),
        ("priced.csv", "rejects.txt", "results are not written to .txt files"),
        ("priced.csv", "nowhere/rejects.csv", "there is no folder"),
        ("nowhere/priced.csv", "rejects.csv", "there is no folder"),
    ],
)
def test_an_output_that_cannot_be_is_told_before_anything_is_written(
    tmp_path: Path, output: str, rejects: str | None, words: str
) -> None:
    cases = cases_csv(tmp_path / "cases.csv", {})
    with pytest.raises(CasesError, match=words):
        price_file(cases, tmp_path / output, small(), rejects_path=rejects and tmp_path / rejects)
    assert set(snapshot(tmp_path)) == {"cases.csv"}


# Few rows and none


def write_cases(path: Path, count: int) -> Path:
    table = pa.table({**ONE, "age_years": pa.array([40])}).slice(0, count)
    if path.suffix == ".csv":
        write_csv(path, table)
    elif path.suffix == ".parquet":
        pq.write_table(table, path)
    elif path.suffix == ".arrow":
        feather.write_feather(table, path, compression="uncompressed")
    else:
        with batch.open_output(path, table.schema, note={}) as writer:
            writer.append(writer.encode(table))
    return path


@pytest.mark.parametrize("into", SUFFIXES)
@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("count", [0, 1])
def test_no_row_and_one_row(tmp_path: Path, source: str, into: str, count: int) -> None:
    cases = write_cases(tmp_path / f"cases{source}", count)
    output, rejects = tmp_path / f"priced{into}", tmp_path / f"rejects{into}"
    sizes: list[int] = []
    report = price_file(
        cases,
        output,
        small(),
        rejects_path=rejects,
        components=True,
        threads=2,
        progress=lambda size, _: sizes.append(size),
    )
    assert columns_of(output) == [
        *("case_id", "schedule_id", "amount", "status", "rule_id", "method"),
        *("component_staff", "component_drugs", "component_depreciation", "component_travel"),
        "synthetic",
    ]
    line_text = ["line_text"] if source == ".csv" else []
    assert columns_of(rejects) == ["line", *ONE, "age_years", *line_text, "status", "reason", "synthetic"]
    assert rows_in(rejects) == []
    assert [row["amount"] for row in rows_in(output)] == [Decimal("1234.50")] * count
    assert (report.summary.read, report.summary.rejected) == (count, 0)
    assert len(sizes) == 1


def test_a_day_without_cases_has_the_types_of_a_day_with_some(tmp_path: Path) -> None:
    for suffix in (".parquet", ".arrow"):
        schemas = []
        for count in (0, 1):
            table = pa.table({**ONE, "case_id": pa.array([7], pa.int64())}).slice(0, count)
            path = tmp_path / f"cases-{count}{suffix}"
            if suffix == ".parquet":
                pq.write_table(table, path)
            else:
                feather.write_feather(table, path)
            price_file(path, tmp_path / f"priced{suffix}", small())
            schemas.append(table_in(tmp_path / f"priced{suffix}").schema)
        assert schemas[0].equals(schemas[1], check_metadata=True)
        assert schemas[0].field("case_id").type == pa.int64()


# What the outputs say of themselves


def note_in(path: Path) -> dict[str, str]:
    if path.suffix == ".xlsx":
        sheet = python_calamine.load_workbook(str(path)).get_sheet_by_name("note")
        return {str(key): str(value) for key, value, *_ in sheet.iter_rows()}
    if path.suffix == ".parquet":
        metadata = pq.read_schema(path).metadata
    else:
        metadata = ipc.open_file(str(path)).schema.metadata
    return {key.decode(): value.decode() for key, value in metadata.items()}


LATER = replace(
    SMALL,
    id="later",
    title="Made up",
    synthetic=True,
    published=date(2025, 6, 1),
    effective_start_date=date(2025, 7, 1),
    effective_end_date=date(2026, 1, 1),
    digest="1" * 64,
)
REAL = replace(SMALL, synthetic=False)


@pytest.mark.parametrize("into", [".parquet", ".arrow", ".xlsx"])
def test_the_note_says_what_the_results_come_from(tmp_path: Path, into: str) -> None:
    cases = cases_csv(tmp_path / "cases.csv", {}, {"drg_code": "X"})
    catalog = Catalog.of([REAL, LATER], deciding_date=DecidingDate.ADMISSION)
    output, rejects = tmp_path / f"priced{into}", tmp_path / f"rejects{into}"
    report = price_file(cases, output, catalog, rejects_path=rejects)
    assert report.note == {
        "tariffcore.engine_version": ENGINE_VERSION,
        "tariffcore.tariff_family": "test",
        "tariffcore.deciding_date": "admission",
        "tariffcore.as_of": "latest published",
        "tariffcore.schedule.small": "0" * 64,
        "tariffcore.schedule.later": "1" * 64,
        "tariffcore.synthetic": "SYNTHETIC, not for payment: Made up",
    }
    for path in (output, rejects):
        assert report.note.items() <= note_in(path).items()


def test_the_note_says_as_of_when_and_names_what_was_known_then() -> None:
    note = run_note(Catalog.of([REAL, LATER], as_of=date(2025, 5, 31)))
    assert note["tariffcore.as_of"] == "2025-05-31"
    assert note["tariffcore.deciding_date"] == "discharge"
    assert "tariffcore.schedule.later" not in note
    assert "tariffcore.synthetic" not in note


def test_rows_of_a_made_up_edition_are_marked(tmp_path: Path) -> None:
    dates = {"admission_date": "2025-08-01", "discharge_date": "2025-08-02"}
    nowhere = {"admission_date": "2020-08-01", "discharge_date": "2020-08-02"}
    cases = cases_csv(tmp_path / "cases.csv", {}, dates, nowhere)
    output = tmp_path / "priced.csv"
    price_file(cases, output, Catalog.of([REAL, LATER]))
    assert [row["synthetic"] for row in rows_in(output)] == ["false", "true", "false"]
    price_file(cases, output, Catalog.of([REAL, LATER], as_of=date(2025, 5, 31)))
    assert "synthetic" not in columns_of(output)


# Columns that go along


def test_only_ids_and_funding_go_along(tmp_path: Path) -> None:
    cases = cases_csv(
        tmp_path / "cases.csv",
        {
            "funding_source": "insurance",
            "patient_id": "P77",
            "Ф.И.О.": "Ахметова Дана",
            "claimed_amount": "1.5",
        },
    )
    report = price_file(cases, tmp_path / "priced.csv", small())
    assert columns_of(tmp_path / "priced.csv") == [
        *("case_id", "schedule_id", "amount", "status", "rule_id", "method"),
        *("claimed_amount", "claimed_difference", "synthetic", "funding_source"),
    ]
    assert rows_in(tmp_path / "priced.csv")[0]["claimed_difference"] == Decimal("1.50") - Decimal("1234.50")
    assert "Ф.И.О." in report.ignored_columns
    for word in ("P77", "Ахметова"):
        assert word not in (tmp_path / "priced.csv").read_text("utf-8")


@pytest.mark.parametrize("into", SUFFIXES)
def test_ids_whose_bytes_are_no_text_are_shown_with_escapes(tmp_path: Path, into: str) -> None:
    columns: dict[str, Any] = {name: cells * 3 for name, cells in ONE.items()}
    columns["case_id"] = bytes_as_text("Ж".encode(), b"a\xff", b"c")
    columns["funding_source"] = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, 1], pa.int8()), bytes_as_text(b"\xfe", b"x")
    )
    feather.write_feather(pa.table(columns), tmp_path / "cases.arrow")
    output = tmp_path / f"priced{into}"
    report = price_file(tmp_path / "cases.arrow", output, small(), rejects_path=tmp_path / f"rejects{into}")
    assert [(row["case_id"], row["status"], row["funding_source"]) for row in rows_in(output)] == [
        ("Ж", "INVALID_FIELD", "\\xfe"),
        ("a\\xff", "INVALID_FIELD", "x"),
        ("c", "OK", "x"),
    ]
    assert report.summary.rejected == 2


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
def test_an_id_whose_bytes_are_no_text_does_not_change_the_type_of_the_column(
    tmp_path: Path, kind: pa.DataType
) -> None:
    columns: dict[str, Any] = {**ONE, "case_id": bytes_as_text(b"a\xff").cast(kind)}
    feather.write_feather(pa.table(columns), tmp_path / "cases.arrow")
    price_file(tmp_path / "cases.arrow", tmp_path / "priced.arrow", small())
    assert table_in(tmp_path / "priced.arrow").schema.field("case_id").type == kind


@pytest.mark.parametrize("into", SUFFIXES)
@pytest.mark.parametrize("as_dictionary", [False, True])
def test_ids_kept_as_bytes_are_written_as_text(tmp_path: Path, into: str, as_dictionary: bool) -> None:
    ids = pa.array([b"a1", "Ж".encode(), None], pa.binary())
    columns = {**{name: cells * 3 for name, cells in ONE.items()}}
    columns["case_id"] = ids.dictionary_encode() if as_dictionary else ids
    feather.write_feather(pa.table(columns), tmp_path / "cases.arrow")
    price_file(tmp_path / "cases.arrow", tmp_path / f"priced{into}", small())
    assert [row["case_id"] for row in rows_in(tmp_path / f"priced{into}")] == ["a1", "Ж", None]


def test_asking_for_rejects_changes_no_status(tmp_path: Path) -> None:
    columns: dict[str, Any] = {name: cells * 4 for name, cells in ONE.items()}
    columns |= {
        "patient_id": bytes_as_text(b"\xff", b"1", b"2", b"3"),
        "addon_kind": pa.array([b"\xff", None, b" ", b"herbs"], pa.binary()),
        "addon_amount": pa.array([None, "5", " ", None]),
    }
    pq.write_table(pa.table(columns), tmp_path / "cases.parquet")
    price_file(tmp_path / "cases.parquet", tmp_path / "without.csv", small())
    price_file(
        tmp_path / "cases.parquet", tmp_path / "with.csv", small(), rejects_path=tmp_path / "rejects.csv"
    )
    assert (tmp_path / "with.csv").read_bytes() == (tmp_path / "without.csv").read_bytes()


# What a caller may ask for


def test_a_plan_saves_building_one(tmp_path: Path) -> None:
    cases = cases_csv(tmp_path / "cases.csv", {}, {"drg_code": "X"})
    by_plan = price_file(cases, tmp_path / "by-plan.csv", small())
    by_catalog = price_file(cases, tmp_path / "by-catalog.csv", small().catalog)
    assert by_plan == by_catalog
    assert (tmp_path / "by-plan.csv").read_bytes() == (tmp_path / "by-catalog.csv").read_bytes()


def test_progress_adds_up_to_the_file(
    samples: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_pieces(monkeypatch, 1_000)
    told: list[tuple[int, int | None]] = []
    price_file(
        samples[".csv"], tmp_path / "priced.csv", demo(), progress=lambda *step: told.append(step), threads=2
    )
    size = samples[".csv"].stat().st_size
    assert len(told) > 10
    assert sum(step for step, _ in told) == size
    assert {whole for _, whole in told} == {size}


def test_headers_and_words_of_others_and_the_language_of_reasons(tmp_path: Path) -> None:
    mapping = load_mapping(str(mapping_file(tmp_path)))
    cases = tmp_path / "cases.csv"
    cases.write_text(
        "Случай;Группа;Вид;Поступил;Выписан;Ф.И.О.\n"
        "7;G1;круглосуточно;01.03.2025;05.03.2025;Ким\n"
        "8;X;круглосуточно;01.03.2025;05.03.2025;Ким\n",
        "utf-8",
    )
    rejects = tmp_path / "rejects.csv"
    report = price_file(
        cases, tmp_path / "priced.csv", small(), mapping=mapping, rejects_path=rejects, language="ru"
    )
    assert report.columns == ("case_id", "drg_code", "care_setting", "admission_date", "discharge_date")
    assert report.ignored_columns == ("Ф.И.О.",)
    assert [row["status"] for row in rows_in(tmp_path / "priced.csv")] == ["OK", "UNKNOWN_DRG"]
    (rejected,) = rows_in(rejects)
    assert (rejected["line"], rejected["care_setting"]) == ("3", "inpatient")
    assert "проверьте" in rejected["reason"]


def mapping_file(folder: Path) -> Path:
    path = folder / "mapping.toml"
    path.write_text(
        '[columns]\ncase_id = "Случай"\ndrg_code = "Группа"\ncare_setting = "Вид"\n'
        'admission_date = "Поступил"\ndischarge_date = "Выписан"\n'
        '[values.care_setting]\n"круглосуточно" = "inpatient"\n',
        "utf-8",
    )
    return path


def test_a_sheet_may_be_named(samples: dict[str, Path], tmp_path: Path) -> None:
    report = price_file(samples[".xlsx"], tmp_path / "priced.csv", demo(), sheet="cases")
    assert report.summary.read == SAMPLE_ROWS
    with pytest.raises(CasesError, match="there is no sheet"):
        price_file(samples[".xlsx"], tmp_path / "other.csv", demo(), sheet="Лист 7")
