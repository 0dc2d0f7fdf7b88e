"""What was found about lines of a run: their defects, and which are under monitoring, each with its document.

Two small files beside the outcomes. The outcomes hold the digests of both, and the book that of the outcomes,
so none of them changes unseen.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from tariffcore.errors import Problem, SettlementError
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.line_files import (
    file_digest,
    keep,
    name_of_lines,
    outcomes_path,
    there,
    unfinished,
    write_outcomes,
)
from tariffcore.settlement.lines import ClaimedLines, Key, LineStatus

_DEFECT_TEXTS = ("code", "name", "measure", "source", "found_in")
_DEFECTS = pa.schema(
    [
        ("row", pa.int64()),
        *((name, pa.string()) for name in _DEFECT_TEXTS),
        ("taken_off_minor", pa.int64()),
    ]
)
_HELD = pa.schema(
    [("row", pa.int64()), *((name, pa.string()) for name in ("provider_id", "case_id", "source"))]
)
_NOTED = {"defects": "tariffcore.defects", "held": "tariffcore.held"}


@dataclass(frozen=True)
class Findings:
    """By the row of the line, in the file of lines."""

    defects: Mapping[int, tuple[LineDefect, ...]]
    held: Mapping[int, str]
    """The document that says so."""


def keep_outcomes(
    folder: Path, lines: ClaimedLines, minor_units: int, held_sources: Mapping[Key, str]
) -> str:
    """Keeps what became of lines with what was found about them; returns the digest of the outcomes."""
    held = np.flatnonzero(lines.status == np.uint8(LineStatus.HELD))
    with unfinished(folder) as defects, unfinished(folder) as held_lines, unfinished(folder) as outcomes:
        pq.write_table(_defects_table(lines.defects), defects)
        pq.write_table(_held_table(held.tolist(), lines.keys(held), held_sources), held_lines)
        paths = {"defects": defects, "held": held_lines}
        note = {_NOTED[name]: file_digest(path) for name, path in paths.items()}
        write_outcomes(lines, minor_units, outcomes, note)
        digest = keep(outcomes, folder, "outcomes")
        for name, path in paths.items():
            path.replace(folder / name_of_lines(name, digest))
    return digest


def _defects_table(defects: Mapping[int, Sequence[LineDefect]]) -> pa.Table:
    flat = [(row, one) for row in sorted(defects) for one in defects[row]]
    columns: list[list[object]] = [[row for row, _ in flat]]
    columns += [[getattr(one, name) for _, one in flat] for name in _DEFECT_TEXTS]
    columns.append([one.taken_off for _, one in flat])
    arrays = [pa.array(column, kind.type) for column, kind in zip(columns, _DEFECTS, strict=True)]
    return pa.table(arrays, schema=_DEFECTS)


def _held_table(rows: list[int], keys: Sequence[Key], sources: Mapping[Key, str]) -> pa.Table:
    columns: tuple[list[object], ...] = (
        list(rows),
        [provider for provider, _ in keys],
        [case for _, case in keys],
        [sources.get(key, "") for key in keys],
    )
    return pa.table(
        [pa.array(column, kind.type) for column, kind in zip(columns, _HELD, strict=True)], schema=_HELD
    )


def read_findings(folder: Path, outcomes_digest: str) -> Findings:
    """Raises SettlementError where a file is missing or is not the one that the outcomes name."""
    defects = _read(folder, outcomes_digest, "defects").to_pydict()
    found: dict[int, list[LineDefect]] = {}
    texts = zip(*(defects[name] for name in _DEFECT_TEXTS), strict=True)
    for row, taken_off, (code, name, measure, source, found_in) in zip(
        defects["row"], defects["taken_off_minor"], texts, strict=True
    ):
        found.setdefault(row, []).append(LineDefect(code, name, measure, taken_off, source, found_in))
    held = _read(folder, outcomes_digest, "held").to_pydict()
    return Findings(
        {row: tuple(of_row) for row, of_row in found.items()},
        dict(zip(held["row"], held["source"], strict=True)),
    )


def read_held(folder: Path, outcomes_digest: str) -> list[Key]:
    """(provider id, case id) of the lines that a run held."""
    held = _read(folder, outcomes_digest, "held")
    return list(zip(*(held.column(name).to_pylist() for name in ("provider_id", "case_id")), strict=True))


def _read(folder: Path, outcomes_digest: str, name: str) -> pa.Table:
    path = there(folder / name_of_lines(name, outcomes_digest))
    note = pq.read_schema(outcomes_path(folder, outcomes_digest)).metadata or {}
    if note.get(_NOTED[name].encode(), b"").decode() != file_digest(path):
        raise SettlementError(
            "what was found about lines of a settled month has changed",
            [Problem(str(path), None, None, "has other bytes than when it was settled",
                     "put the file of that time back")],
        )  # fmt: skip
    return pq.read_table(path)
