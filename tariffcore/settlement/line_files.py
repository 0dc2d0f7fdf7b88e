"""The files of a run's lines: cases with their prices, what became of each, and the ids of settled lines.

They are named by the digest of their bytes, and get that name when they are whole; the book names them.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tariffcore.errors import Problem, SettlementError
from tariffcore.pricing import decimals
from tariffcore.settlement.line_ids import LineIndex
from tariffcore.settlement.lines import ClaimedLines, Key, LineStatus

_OUTCOME_ROWS = 1 << 20
_UNFINISHED = ".part"
LINE_NUMBER, WHY_UNPRICED = "priced_line", "priced_reason"
"""Columns of kept lines: the number of the line as rejects have it, and why it has no price, in words."""
PERSONAL = ("patient_id",)
"""Columns that no later calculation needs, and that could point at a person: they are not kept."""


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes. Raises OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A place for a file that has no name yet; it is gone afterwards unless it got one."""
    path = folder / f".{secrets.token_hex(8)}{_UNFINISHED}"
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def keep(path: Path, folder: Path, kind: str, suffix: str = "parquet") -> str:
    """Gives a whole file its name, and returns its digest."""
    with path.open("rb+") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    path.replace(folder / f"{kind}-{digest}.{suffix}")
    return digest


def name_of_lines(kind: str, digest: str) -> str:
    """Of a Parquet file: ``lines`` by their own digest, all else by that of the outcomes."""
    return f"{kind}-{digest}.parquet"


def lines_path(folder: Path, digest: str) -> Path:
    return there(folder / name_of_lines("lines", digest))


def outcomes_path(folder: Path, digest: str) -> Path:
    return there(folder / name_of_lines("outcomes", digest))


def there(path: Path) -> Path:
    """Raises SettlementError where a file that the book names is not there."""
    if not path.is_file():
        raise SettlementError(
            "lines of a settled month are missing",
            [
                Problem(
                    str(path),
                    None,
                    None,
                    "is named in the book and is not there",
                    "put it back; --lines says where the files of lines are",
                )
            ],
        )
    return path


def require_unchanged(path: Path) -> None:
    """Raises SettlementError where a file no longer has the bytes that its name says."""
    if file_digest(path) not in path.name:
        raise SettlementError(
            "lines of a settled month have changed",
            [Problem(str(path), None, None, "has other bytes than when it was settled",
                     "put the file of that time back")],
        )  # fmt: skip


def lines_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """Writes Parquet; only what is a dictionary already is looked for repeated values, and nobody asks for
    statistics of ids and amounts."""
    coded = [field.name for field in schema if pa.types.is_dictionary(field.type)]
    packed = {LINE_NUMBER: "DELTA_BINARY_PACKED"} if LINE_NUMBER in schema.names else None
    return pq.ParquetWriter(
        path, schema, use_dictionary=coded, column_encoding=packed, write_statistics=False
    )


def write_outcomes(lines: ClaimedLines, minor_units: int, path: Path, note: Mapping[str, str]) -> None:
    """One row a line, in file order: status, contract line, and what was deducted for defects.

    ``note`` goes into the file's schema.
    """
    names = [status.name for status in LineStatus]
    number = np.zeros(256, dtype=np.int8)
    for place, status in enumerate(LineStatus):
        number[status] = place
    deducted = np.zeros(len(lines), dtype=np.int64)
    if lines.deducted:
        deducted[list(lines.deducted)] = list(lines.deducted.values())
    schema = pa.schema(
        [
            ("line_status", pa.dictionary(pa.int8(), pa.string())),
            ("contract_line", pa.dictionary(pa.int16(), pa.string())),
            ("claimed_amount", pa.decimal128(18, minor_units)),
            ("deducted_amount", pa.decimal128(18, minor_units)),
        ],
        metadata=dict(note),
    )
    with lines_writer(path, schema) as writer:
        for start in range(0, len(lines), _OUTCOME_ROWS):
            part = slice(start, start + _OUTCOME_ROWS)
            line = lines.contract_line[part]
            columns = [
                pa.DictionaryArray.from_arrays(pa.array(number[lines.status[part]]), names),
                pa.DictionaryArray.from_arrays(
                    pa.array(line, mask=line < 0), pa.array(lines.frame.contract_lines, pa.string())
                ),
                decimals(lines.claimed[part], minor_units, lines.has_amount[part]),
                decimals(deducted[part], minor_units, lines.in_month[part]),
            ]
            writer.write_table(pa.table(columns, schema=schema))


def write_ids(folder: Path, outcomes_digest: str, index: LineIndex) -> None:
    """Ids of what was settled, beside the outcomes they were taken from."""
    with unfinished(folder) as path:
        index.write(path)
        path.replace(folder / f"ids-{outcomes_digest}.arrow")


def read_ids(folder: Path, outcomes_digest: str) -> LineIndex:
    return LineIndex.read(there(folder / f"ids-{outcomes_digest}.arrow"))


def keys_at(folder: Path, digest: str, rows: list[int]) -> list[Key]:
    """(provider id, case id) of some rows of a file of lines."""
    table = pq.read_table(lines_path(folder, digest), columns=["provider_id", "case_id"])
    chosen = table.take(pa.array(rows, pa.int64()))
    cells = [
        ["" if cell is None else str(cell).strip() for cell in chosen.column(name).to_pylist()]
        for name in ("provider_id", "case_id")
    ]
    return list(zip(*cells, strict=True))
