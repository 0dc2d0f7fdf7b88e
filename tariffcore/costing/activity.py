"""Reads what was treated: sums by centre and group, or a row a case and centre, by the million.

A file of cases is read column by column (`_read_columns`). Wherever that finds anything wrong, the file is
read once more cell by cell, which names every line; both ways give the same rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tariffcore.costing.model import Activity, CostCentre
from tariffcore.costing.tables import CASES
from tariffcore.schedule.values import choice, code_value, instead_of, word_value
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block, read_blocks
from tariffcore.worksheets.values import MAX_COUNT, count_value

_TEXTS = ("provider_id", "cost_centre", "drg_code", "care_setting")
_COUNTS = ("bed_days", "units")
_ROWS_AT_ONCE = 1 << 19


@dataclass(frozen=True)
class Codes:
    """What the texts of the columns mean: numbers of centres by provider, groups, care settings."""

    centres: tuple[tuple[str, str], ...]
    centre_number: Mapping[tuple[str, str], int]
    centres_of: Mapping[str, Sequence[str]]
    drg_codes: Mapping[str, int]
    care_settings: Mapping[str, int]

    @classmethod
    def of(
        cls,
        centres: Mapping[str, Mapping[str, CostCentre]],
        drg_codes: Iterable[str],
        care_settings: Iterable[str],
    ) -> Codes:
        treating = tuple(
            (provider_id, code)
            for provider_id, of_provider in centres.items()
            for code, centre in of_provider.items()
            if centre.treats
        )
        return cls(
            treating,
            {key: number for number, key in enumerate(treating)},
            {provider_id: list(of_provider) for provider_id, of_provider in centres.items()},
            {code: number for number, code in enumerate(drg_codes)},
            {setting: number for number, setting in enumerate(care_settings)},
        )


@dataclass
class _Columns:
    """Rows as numbers, a list of arrays by column, joined at the end."""

    parts: dict[str, list[NDArray[np.int64] | NDArray[np.int32]]]

    def joined(self, name: str, dtype: type = np.int64) -> NDArray[np.int64]:
        parts = self.parts[name]
        if not parts:
            return np.zeros(0, dtype=dtype)
        return np.concatenate(parts).astype(dtype, copy=False)


def read_treated(blocks: Iterable[Block], codes: Codes, file: str) -> Activity:
    """Rows that are sums of cases already."""
    columns = _empty("centre", "drg", "setting", "cases", "bed_days", "units", "line")
    for block in blocks:
        _take_block(block, codes, columns, counts=("cases", "bed_days", "units"))
        columns.parts["line"].append(np.array(block.lines, dtype=np.int64))
    return _activity(columns, columns.joined("cases"), None, codes, file)


def read_cases(path: Path, place: str, codes: Codes, problems: ProblemList) -> Activity | None:
    """Rows of single cases; None (and problems) where something is wrong."""
    before = len(problems)
    fast = _read_columns(path, codes)
    if fast is not None:
        columns, case = fast
    else:
        columns = _empty("centre", "drg", "setting", "bed_days", "units")
        numbers: dict[tuple[str, str], int] = {}
        first_of: list[tuple[str, str]] = []
        case_parts: list[NDArray[np.int32]] = []
        blocks = (
            _parquet_blocks(path, place, problems)
            if path.suffix == ".parquet"
            else read_blocks(path, place, CASES, problems)
        )
        for block in blocks:
            case_parts.append(_number_cases(block, numbers, first_of))
            _take_block(block, codes, columns, counts=_COUNTS)
        if len(problems) > before:
            return None
        case = np.concatenate(case_parts) if case_parts else np.zeros(0, np.int32)
    return _activity(columns, _discharges(case), case, codes, place)


def _empty(*names: str) -> _Columns:
    return _Columns({name: [] for name in names})


def _activity(
    columns: _Columns,
    cases: NDArray[np.int64],
    case: NDArray[np.int32] | None,
    codes: Codes,
    file: str,
) -> Activity:
    return Activity(
        codes.centres,
        tuple(codes.drg_codes),
        tuple(codes.care_settings),
        columns.joined("centre", np.int32),  # type: ignore[arg-type]
        columns.joined("drg", np.int32),  # type: ignore[arg-type]
        columns.joined("setting", np.int32),  # type: ignore[arg-type]
        cases,
        columns.joined("bed_days"),
        columns.joined("units"),
        case,
        columns.joined("line") if "line" in columns.parts else None,
        file,
    )


def _discharges(case: NDArray[np.int32]) -> NDArray[np.int64]:
    """1 in the last row of each case, 0 in the others."""
    cases = np.zeros(len(case), dtype=np.int64)
    if len(case):
        last = np.zeros(int(case.max()) + 1, dtype=np.int64)
        last[case] = np.arange(len(case))  # of equal indices the last assignment stays
        cases[last] = 1
    return cases


# --- cell by cell, every problem with its line


def _take_block(block: Block, codes: Codes, columns: _Columns, counts: Sequence[str]) -> None:
    known: list[dict] = [{} for _ in range(4)]  # type: ignore[type-arg]
    providers = block.read("provider_id", code_value, known=known[0])
    centres = block.read("cost_centre", word_value, known=known[1])
    drgs = block.read("drg_code", lambda text: codes.drg_codes[_one_of(text, codes.drg_codes)])
    settings = block.read(
        "care_setting", lambda text: codes.care_settings[_one_of(text, codes.care_settings)]
    )
    centre_numbers: list[int] = []
    for row, (provider_id, centre) in enumerate(zip(providers, centres, strict=True)):
        number = (
            -1 if provider_id is None or centre is None else _centre(block, row, provider_id, centre, codes)
        )
        centre_numbers.append(number)
    columns.parts["centre"].append(np.array(centre_numbers, dtype=np.int32))
    columns.parts["drg"].append(np.array([-1 if drg is None else drg for drg in drgs], dtype=np.int32))
    columns.parts["setting"].append(
        np.array([-1 if setting is None else setting for setting in settings], dtype=np.int32)
    )
    for name in counts:
        required = name != "units"
        values = block.read(name, count_value, required=required)
        columns.parts[name].append(np.array([value or 0 for value in values], dtype=np.int64))


def _one_of(text: str, known: Mapping[str, int]) -> str:
    return choice(text, known)


def _centre(block: Block, row: int, provider_id: str, centre: str, codes: Codes) -> int:
    number = codes.centre_number.get((provider_id, centre))
    if number is not None:
        return number
    of_provider = codes.centres_of.get(provider_id)
    if of_provider is None:
        way_out = instead_of(provider_id, codes.centres_of, "or remove its rows")
        block.note(row, "provider_id", provider_id, "has no bookings in the ledger", way_out)
    elif centre in of_provider:
        block.note(
            row,
            "cost_centre",
            centre,
            "serves other centres and treats nobody",
            "name the centre that treated, or give this one a product_base in cost_centres",
        )
    else:
        treating = [code for code in of_provider if (provider_id, code) in codes.centre_number]
        message = f"is not a cost centre of {provider_id!r}"
        block.note(row, "cost_centre", centre, message, instead_of(centre, treating))
    return -1


def _number_cases(
    block: Block, numbers: dict[tuple[str, str], int], first_of: list[tuple[str, str]]
) -> NDArray[np.int32]:
    """The number of each row's case. A case has one group and one care setting."""
    ids = block.read("case_id", code_value)
    found = []
    cells = zip(
        ids, block.cells["provider_id"], block.cells["drg_code"], block.cells["care_setting"], strict=True
    )
    for row, (case_id, provider_id, drg, setting) in enumerate(cells):
        number = numbers.setdefault((provider_id, case_id or ""), len(numbers))
        if number == len(first_of):
            first_of.append((drg, setting))
        elif case_id is not None:
            for column, value, first in (
                ("drg_code", drg, first_of[number][0]),
                ("care_setting", setting, first_of[number][1]),
            ):
                if value != first:
                    block.note(
                        row,
                        column,
                        value,
                        f"case {case_id!r} has {first!r} in an earlier row",
                        "a case has one; correct one of the rows, or number the cases apart",
                    )
        found.append(number)
    return np.array(found, dtype=np.int32)


def _parquet_blocks(path: Path, place: str, problems: ProblemList) -> Iterator[Block]:
    """Rows of a Parquet file as text, for their problems; a line is a row's number, from 1."""
    try:
        file = pq.ParquetFile(path)
    except (pa.ArrowInvalid, OSError) as error:
        message = f"is not a whole Parquet file ({str(error).splitlines()[0]})"
        problems.note(place, None, None, message, "write it again, or as .csv")
        return
    names = file.schema_arrow.names
    missing = [name for name in CASES.required_columns if name not in names]
    for name in missing:
        problems.note(place, name, None, "the column is missing", "add it")
    if missing:
        return
    line = 1
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=[n for n in CASES.column_names if n in names]):
        cells: dict[str, Sequence[str]] = {}
        for name in batch.schema.names:
            texts = ["" if value is None else str(value).strip() for value in batch.column(name).to_pylist()]
            cells[name] = texts
        yield Block(place, range(line, line + batch.num_rows), cells, problems)
        line += batch.num_rows


# --- column by column


def _read_columns(path: Path, codes: Codes) -> tuple[_Columns, NDArray[np.int32]] | None:
    """The rows as numbers; None where anything is not as it should be, or the file is of another kind."""
    columns = _empty("centre", "drg", "setting", "bed_days", "units")
    provider_parts: list[NDArray[np.int32]] = []
    ids: list[pa.Array] = []
    providers = {provider_id: number for number, provider_id in enumerate(codes.centres_of)}
    names = {centre: number for number, centre in enumerate({centre for _, centre in codes.centres})}
    by_pair = np.full((len(providers) + 1, len(names) + 1), -1, dtype=np.int32)
    for (provider_id, centre), number in codes.centre_number.items():
        by_pair[providers[provider_id], names[centre]] = number
    try:
        for batch in _batches(path):
            provider = _numbers(batch, "provider_id", providers)
            treating: NDArray[np.int32] = by_pair[provider, _numbers(batch, "cost_centre", names)]
            drg = _numbers(batch, "drg_code", codes.drg_codes)
            setting = _numbers(batch, "care_setting", codes.care_settings)
            if min(treating.min(initial=0), drg.min(initial=0), setting.min(initial=0)) < 0:
                return None
            case_id = batch.column("case_id")
            if case_id.null_count or pc.min_max(pc.binary_length(case_id))["min"].as_py() == 0:
                return None
            columns.parts["centre"].append(treating)
            columns.parts["drg"].append(drg)
            columns.parts["setting"].append(setting)
            for name in _COUNTS:
                count = _counts(batch, name)
                if count is None:
                    return None
                columns.parts[name].append(count)
            provider_parts.append(provider)
            ids.append(case_id)
    except (pa.ArrowException, OSError, KeyError, ValueError):
        return None
    if not ids:
        return None
    joined = pa.concat_arrays(ids)
    del ids, batch, case_id
    pa.default_memory_pool().release_unused()
    case = _case_numbers(joined, np.concatenate(provider_parts))
    del joined
    pa.default_memory_pool().release_unused()
    if case is None or not _one_each(case, columns.joined("drg"), columns.joined("setting")):
        return None
    return columns, case


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    coded = pa.dictionary(pa.int32(), pa.string())
    if path.suffix == ".csv":
        types = {**dict.fromkeys(_TEXTS, coded), "case_id": pa.string(), **dict.fromkeys(_COUNTS, pa.int64())}
        with path.open("rb") as file:
            head = file.readline()
        header = head.decode("utf-8-sig").strip()
        delimiter = max(",;\t", key=header.count)
        present = header.split(delimiter)
        if set(present) - set(CASES.column_names) or len(set(present)) != len(present):
            raise ValueError(present)
        yield from pacsv.open_csv(
            path,
            read_options=pacsv.ReadOptions(block_size=1 << 24),
            parse_options=pacsv.ParseOptions(delimiter=delimiter),
            convert_options=pacsv.ConvertOptions(
                column_types=types, include_columns=present, strings_can_be_null=True, null_values=[""]
            ),
        )
    elif path.suffix == ".parquet":
        file = pq.ParquetFile(path, read_dictionary=list(_TEXTS))
        present = [name for name in CASES.column_names if name in file.schema_arrow.names]
        for batch in file.iter_batches(_ROWS_AT_ONCE, columns=present):
            arrays = []
            for name in present:
                wanted = pa.string() if name == "case_id" else pa.int64() if name in _COUNTS else coded
                array = batch.column(name)
                arrays.append(array if array.type == wanted else array.cast(wanted))
            yield pa.RecordBatch.from_arrays(arrays, names=present)
    else:
        raise ValueError(path.suffix)


def _numbers(batch: pa.RecordBatch, column: str, known: Mapping[str, int]) -> NDArray[np.int32]:
    """The numbers of a text column; -1 for what is not known (which is the last place of a table)."""
    array = batch.column(column)
    table = np.array(
        [known.get((text or "").strip(), -1) for text in array.dictionary.to_pylist()] or [-1], dtype=np.int32
    )
    indices = np.asarray(array.indices.fill_null(-1) if array.null_count else array.indices)
    found = table[indices]
    return np.where(indices < 0, np.int32(-1), found) if array.null_count else found


def _counts(batch: pa.RecordBatch, column: str) -> NDArray[np.int64] | None:
    if column not in batch.schema.names:
        return np.zeros(batch.num_rows, dtype=np.int64)
    array = batch.column(column)
    if array.null_count:
        if column != "units":
            return None
        array = array.fill_null(0)
    counts = np.asarray(array)
    return counts if counts.min(initial=0) >= 0 and counts.max(initial=0) <= MAX_COUNT else None


def _case_numbers(ids: pa.Array, provider: NDArray[np.int32]) -> NDArray[np.int32] | None:
    """Cases numbered in the order of their first rows; one id at two providers is two cases."""
    encoded = ids.dictionary_encode()
    different = len(encoded.dictionary)
    rows = len(encoded)
    indices = np.asarray(encoded.indices).astype(np.int64)
    if different == rows:
        return np.arange(rows, dtype=np.int32)
    stripped = pc.utf8_trim_whitespace(encoded.dictionary)
    if not stripped.equals(encoded.dictionary):
        return None
    pairs = provider.astype(np.int64) * different + indices
    _, first, inverse = np.unique(pairs, return_index=True, return_inverse=True)
    order = np.empty(len(first), dtype=np.int32)
    order[np.argsort(first, kind="stable")] = np.arange(len(first), dtype=np.int32)
    numbers: NDArray[np.int32] = order[inverse]
    return numbers


def _one_each(case: NDArray[np.int32], *columns: NDArray[np.int64]) -> bool:
    """Whether all rows of a case have the same value in each column."""
    if not len(case):
        return True
    first = np.zeros(int(case.max()) + 1, dtype=np.int64)
    for column in columns:
        first[case] = column
        if not np.array_equal(first[case], column):
            return False
    return True
