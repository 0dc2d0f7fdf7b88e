"""Sample cases for trying things out: as many as wanted, drawn from a catalog, the same for the same seed.

A few groups and hospitals carry most cases, stays scatter about the planned days, about 7 % are interrupted
or end in death, a quarter is day hospital. In every window of 4,096 rows stand, at random places, rows made
on purpose: each rule of each edition at least once and each status that the catalog can give, so that about
1 % of the rows has no amount.

Row k is the same whatever the count and whatever the format, with one exception: a few cells of text formats
(CSV) hold what only text can hold, such as an age in words or the 30th of February, and one row in a window
is cut short. Typed formats have ordinary rows there, and so no MALFORMED_ROW.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore.errors import CasesError, Problem
from tariffcore.files.csv_text import csv_rows
from tariffcore.files.writing import XLSX_MAX_ROWS, Encoded, open_output
from tariffcore.plan import Plan
from tariffcore.pricing import decimals, default_threads, price_cases
from tariffcore.sampling_frame import AGES, NONE, SamplingFrame, sampling_frame
from tariffcore.sampling_specials import ABSENT, KEEP, specials, table_of
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.limits import MAX_STAY_DAYS
from tariffcore.schedule.model import Unit
from tariffcore.version import ENGINE_VERSION

T = TypeVar("T")

Lines = dict[str, NDArray[Any]]
"""Rows as numbers, by field; `NONE` is a null, `ABSENT` one where NONE is a value."""

BLOCK_ROWS = 65_536
"""Rows drawn at a time. Each block has a generator of its own, seeded with its number."""
CHUNK_ROWS = 4 * BLOCK_ROWS
"""Rows written at a time; a row group in Parquet."""
WINDOW_ROWS = 4_096
WINDOWS = BLOCK_ROWS // WINDOW_ROWS

FUNDING_SOURCES = ("guaranteed_volume", "insurance")
PATIENTS_A_BLOCK = 49_152
DRAWS_A_ROW = 23

LABEL_COLUMN = "synthetic"

_SHARE_OF_SERVICES = 3_932  # of 65,536: 6 %
_FOUR_DIGITS = np.frombuffer("".join(f"{number:04}" for number in range(10_000)).encode(), dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class TextDefect:
    """A cell that only text can hold, once in every window of a text file; column None: a row cut short."""

    column: str | None
    text: str


TEXT_DEFECTS = (
    TextDefect("age_years", "forty-one"),
    TextDefect("age_years", "1234567890123456789012345678901234567890"),
    TextDefect("discharge_date", "2026-02-30 10:15:00"),
    TextDefect("admission_date", "on Tuesday"),
    TextDefect("quantity", "one"),
    TextDefect("length_of_stay_days", "3 days"),
    TextDefect("claimed_amount", "12O 000.OO"),
    TextDefect(None, ""),
)


def sample_schema(catalog: Catalog) -> pa.Schema:
    """The columns of the sample, typed."""
    code = pa.dictionary(pa.int16(), pa.string())
    addons: list[tuple[str, pa.DataType]] = []
    if any(schedule.addons for schedule in catalog.editions):
        amount = pa.decimal128(18, catalog.editions[0].minor_units)
        addons = [("addon_amount", amount), ("addon_kind", code)]
    return pa.schema(
        [
            ("case_id", pa.int64()),
            ("provider_id", code),
            ("drg_code", code),
            ("service_code", code),
            ("care_setting", code),
            ("admission_date", pa.timestamp("s")),
            ("discharge_date", pa.timestamp("s")),
            ("outcome", code),
            ("death_unavoidable", pa.bool_()),
            ("age_years", pa.int16()),
            ("procedure_codes", pa.list_(pa.string())),
            ("quantity", pa.int32()),
            ("length_of_stay_days", pa.int32()),
            ("factor_code", code),
            ("funding_source", code),
            ("patient_id", pa.string()),
            *addons,
            ("claimed_amount", pa.decimal128(18, catalog.editions[0].minor_units)),
        ]
    )


def write_sample(
    path: Path,
    count: int,
    *,
    catalog: Catalog | Plan,
    seed: int = 1,
    threads: int | None = None,
    on_rows: Callable[[int], None] | None = None,
) -> None:
    """Writes ``count`` sample cases drawn from the catalog.

    path     .csv, .parquet, .arrow or .feather, .xlsx; under this name only when complete
    catalog  or its plan, which saves building one
    seed     another seed, other cases; also which groups and hospitals carry most of them
    threads  None: as many as this process may run at once; the rows do not depend on it
    on_rows  called with the number of rows written since the last call

    In CSV and XLSX procedure codes are separated by ``;``, and a last column, ``synthetic``, says that the
    cases are made up: CSV has no other place for it, and few look at a workbook's second sheet.

    Raises CasesError where the file cannot be written, CatalogError where the catalog prices nothing.
    """
    path = Path(path)
    kind = path.suffix.lower()
    if kind == ".xlsx" and count >= XLSX_MAX_ROWS:
        problem = Problem(
            str(path),
            None,
            f"{count:,} rows",
            f"a sheet of XLSX has at most {XLSX_MAX_ROWS - 1:,} rows below the header",
            "write .csv or .parquet instead",
        )
        raise CasesError(f"{path} was not written", [problem])
    sampler = Sampler(catalog, seed)
    schema = sampler.schema
    position = schema.get_field_index("procedure_codes")
    if kind == ".xlsx":
        schema = schema.set(position, pa.field("procedure_codes", pa.string()))
    if kind in (".csv", ".xlsx"):
        schema = schema.append(pa.field(LABEL_COLUMN, pa.bool_()))
    note = {
        "content": "SYNTHETIC sample cases: no patient, stay or claim in it is real",
        "schedules": ", ".join(schedule.id for schedule in sampler.frame.catalog.editions),
        "seed": str(seed),
        "engine": f"tariffcore {ENGINE_VERSION}",
    }
    with open_output(path, schema, note=note) as writer:

        def chunk(number: int) -> Encoded:
            first = number * CHUNK_ROWS
            rows = [
                (block, min(BLOCK_ROWS, count - block * BLOCK_ROWS))
                for block in range(first // BLOCK_ROWS, -(-min(count, first + CHUNK_ROWS) // BLOCK_ROWS))
            ]
            if kind == ".csv":
                text = b"".join(sampler.csv_rows(block, wanted) for block, wanted in rows)
                return Encoded(text, sum(wanted for _, wanted in rows))
            table = pa.Table.from_batches(
                [sampler.drawn_block(block)[0].slice(0, wanted) for block, wanted in rows]
            )
            if kind == ".xlsx":
                joined = pc.binary_join(table["procedure_codes"], ";")
                table = table.set_column(
                    table.schema.get_field_index("procedure_codes"), "procedure_codes", joined
                ).append_column(LABEL_COLUMN, pa.repeat(True, table.num_rows))
            return writer.encode(table)

        for encoded in _in_order(chunk, -(-count // CHUNK_ROWS), threads):
            writer.append(encoded)
            if on_rows is not None:
                on_rows(encoded.rows)


class Sampler:
    """Draws sample cases from a catalog, block by block."""

    def __init__(self, catalog: Catalog | Plan, seed: int = 1) -> None:
        """Raises CatalogError where no edition prices any case or service."""
        self._plan = catalog if isinstance(catalog, Plan) else Plan(catalog)
        catalog = self._plan.catalog
        self.seed = seed
        self.schema = sample_schema(catalog)
        self.frame = sampling_frame(catalog, seed)
        self.specials = specials(self.frame)
        self._special_values = table_of(self.specials, self.frame)
        self._procedures = pa.array(
            [list(codes) or None for codes in self.frame.procedures.lists], type=pa.list_(pa.string())
        )

    def drawn_block(self, number: int) -> tuple[pa.RecordBatch, NDArray[np.int64], NDArray[np.int64]]:
        """All `BLOCK_ROWS` rows of one block, in which of them the specials stand (window by special), and in
        which `TEXT_DEFECTS` belong (window by defect)."""
        rng = np.random.default_rng([self.seed, 1 + number])
        draws = iter(rng.integers(0, 65_536, size=(DRAWS_A_ROW, BLOCK_ROWS), dtype=np.uint16))
        lines = _usual_lines(self.frame, draws)
        places = _places(rng, len(self.specials) + len(TEXT_DEFECTS))
        made, defects = places[:, : len(self.specials)], places[:, len(self.specials) :]
        _make_specials(self.frame, self._special_values, lines, made, next(draws))
        batch = self._batch(number, lines, draws)
        priced = price_cases(pa.Table.from_batches([batch]), self._plan, threads=1)
        claims = _claims(priced.amount_minor, priced.ok, draws, self._plan.editions[0].minor_units)
        batch = pa.RecordBatch.from_arrays([*batch.columns, claims], schema=self.schema)
        return batch, made, defects

    def batches(self, count: int, threads: int | None = None) -> Iterator[pa.RecordBatch]:
        """The first ``count`` rows, typed, in batches of at most `BLOCK_ROWS`; memory stays flat."""

        def rows(number: int) -> pa.RecordBatch:
            return self.drawn_block(number)[0].slice(0, count - number * BLOCK_ROWS)

        return _in_order(rows, -(-count // BLOCK_ROWS), threads)

    def csv_rows(self, number: int, count: int) -> bytes:
        """The first rows of a block as CSV without a header, with the `TEXT_DEFECTS`."""
        batch, _, defects = self.drawn_block(number)
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        columns["procedure_codes"] = pc.binary_join(columns["procedure_codes"], ";")
        short_rows: list[int] = []
        for defect, places in zip(TEXT_DEFECTS, defects.T, strict=True):
            if defect.column is None:
                short_rows += sorted(place for place in places.tolist() if place < count)
            else:
                spoiled = np.zeros(len(batch), dtype=np.bool_)
                spoiled[places] = True
                text = columns[defect.column].cast(pa.string())
                columns[defect.column] = pc.if_else(pa.array(spoiled), defect.text, text)
        columns[LABEL_COLUMN] = pa.repeat(True, len(batch))
        return _cut_short(csv_rows(pa.table(columns).slice(0, count)), short_rows)

    def _batch(self, number: int, lines: Lines, draws: Iterator[NDArray[np.uint16]]) -> pa.RecordBatch:
        """The rows as Arrow columns, without the claims."""
        frame = self.frame
        by_admission = frame.catalog.deciding_date is DecidingDate.ADMISSION
        admission = lines["day"] if by_admission else lines["day"] - lines["stay"]
        discharge = admission + lines["stay"]
        case_ids = np.arange(1, BLOCK_ROWS + 1, dtype=np.int64) + number * BLOCK_ROWS
        funding = (next(draws) >= 29_000).astype(np.int16)
        patients = next(draws).astype(np.uint32) * 3 // 4 + number * PATIENTS_A_BLOCK % 100_000_000
        columns = {
            "case_id": pa.array(case_ids, mask=lines["no_case_id"]),
            "provider_id": _codes(lines["provider"], frame.providers.ids),
            "drg_code": _codes(lines["group"], frame.groups.codes),
            "service_code": _codes(lines["service"], frame.offers.service_codes),
            "care_setting": _codes(lines["setting"], frame.settings.words),
            "admission_date": _times(admission, lines["admission_minute"], lines["no_admission"]),
            "discharge_date": _times(discharge, lines["discharge_minute"], lines["no_discharge"]),
            "outcome": _codes(lines["outcome"], frame.outcomes.words),
            "death_unavoidable": pa.array(lines["death"] == 1, mask=lines["death"] == NONE),
            "age_years": pa.array(lines["age"].astype(np.int16), mask=lines["age"] == NONE),
            "procedure_codes": self._procedures.take(pa.array(lines["procedures"])),
            "quantity": pa.array(lines["quantity"], mask=lines["quantity"] == ABSENT),
            "length_of_stay_days": pa.array(lines["length"], mask=lines["length"] == ABSENT),
            "factor_code": _codes(lines["factor"], frame.offers.factor_codes),
            "funding_source": _codes(funding, FUNDING_SOURCES),
            "patient_id": _patient_ids(patients),
        }
        if "addon_kind" in self.schema.names:
            has_addon = lines["addon"] != NONE
            minor_units = self._plan.editions[0].minor_units
            columns["addon_amount"] = decimals(lines["addon_minor"].astype(np.int64), minor_units, has_addon)
            columns["addon_kind"] = _codes(lines["addon"], frame.addon_kinds)
        return pa.RecordBatch.from_arrays(
            list(columns.values()), schema=self.schema.remove(len(self.schema) - 1)
        )


def _at(table: NDArray[Any], row: NDArray[Any], column: NDArray[Any]) -> NDArray[Any]:
    """``table[row, column]``; looking up in one flat array is several times faster."""
    found: NDArray[Any] = table.ravel().take(row * np.int32(table.shape[1]) + column)
    return found


def _usual_lines(frame: SamplingFrame, draws: Iterator[NDArray[np.uint16]]) -> Lines:
    """Rows as they come, each of them with an amount; ``provider`` is not yet checked against its dates."""
    groups, settings, outcomes = frame.groups, frame.settings, frame.outcomes
    day = frame.day_wheel.take(next(draws))
    offset = day - frame.first_day
    span = frame.span_of_day.take(offset)

    group = groups.wheel.take(next(draws))
    group = np.where(_at(groups.in_span, span, group), group, groups.usual.take(span))
    setting = _at(settings.wheels, span, next(draws))
    setting = np.where(groups.newborn.take(group), settings.usual.take(span), setting)
    outcome = _at(outcomes.wheels, span, next(draws))
    usual_outcome = outcomes.usual.take(span)
    # A stay paid by planned days needs them: where there are none, it lasts longer or ends otherwise.
    shortest = np.where(
        _at(groups.has_planned_days, span, group), 0, _at(outcomes.shortest_unplanned, span, outcome)
    )
    limit_minutes = _at(settings.max_hours, span, setting) * 60
    outcome = np.where(shortest > np.where(limit_minutes > 0, 0, MAX_STAY_DAYS), usual_outcome, outcome)
    death = np.where(_at(outcomes.death_is_asked, span, outcome), next(draws) < 26_000, NONE)

    age = _at(frame.ages, groups.age_kind.take(group), next(draws) & (AGES - 1))
    no_weight = ~_at(groups.has_child_weight, span, group) & (age < frame.child_age_limit.take(span))
    age = np.where(no_weight, age + frame.child_age_limit.take(span), age)
    age[_at(groups.same_weights, span, group) & (next(draws) < 1_300)] = NONE

    stay = _at(groups.planned_days, span, group) * frame.stay_e12.take(next(draws)) >> 12
    cut = next(draws).astype(np.int32)
    ended_early = (outcome != usual_outcome) & ((cut & 3) > 0)
    stay = np.where(ended_early, np.minimum(stay, (cut >> 2) % 6), stay)
    stay = np.where(outcome != usual_outcome, np.maximum(stay, shortest), stay)
    discharge_minute = 480 + (next(draws).astype(np.int32) * 600 >> 16)
    hour = next(draws).astype(np.int64)
    admission_minute = np.where(stay == 0, discharge_minute, 1_440) * hour >> 16
    limited = np.flatnonzero(limit_minutes)
    since_midnight = discharge_minute[limited] - (1 + ((limit_minutes[limited] - 1) * hour[limited] >> 16))
    stay[limited] = -(since_midnight // 1_440)
    admission_minute[limited] = since_midnight % 1_440

    procedures = np.where(
        (setting != settings.usual.take(span)) & (next(draws) < 9_000),
        frame.procedures.exception_wheel.take(next(draws)),
        frame.procedures.usual_wheel.take(next(draws)),
    )
    given = next(draws)
    length = np.where(given < 6_500, np.maximum(1, stay + frame.inclusive_days.take(span)), ABSENT)
    no_admission = (given < 300) & (limit_minutes == 0)
    if frame.catalog.deciding_date is DecidingDate.ADMISSION:
        no_admission[:] = False

    lines: Lines = {
        "day": day,
        "span": span,
        "group": group,
        "service": np.full(BLOCK_ROWS, NONE, dtype=np.int32),
        "setting": setting,
        "outcome": outcome,
        "death": death,
        "age": age,
        "stay": stay,
        "admission_minute": admission_minute,
        "discharge_minute": discharge_minute,
        "procedures": procedures,
        "quantity": np.where(given >= 64_000, ABSENT, 1).astype(np.int32),
        "length": length.astype(np.int32),
        "factor": np.full(BLOCK_ROWS, NONE, dtype=np.int32),
        "provider": frame.providers.wheel.take(next(draws)),
        "no_case_id": np.zeros(BLOCK_ROWS, dtype=np.bool_),
        "no_admission": no_admission,
        "no_discharge": np.zeros(BLOCK_ROWS, dtype=np.bool_),
        "addon": np.full(BLOCK_ROWS, NONE, dtype=np.int32),
        "addon_minor": np.zeros(BLOCK_ROWS, dtype=np.int32),
    }
    _make_services(frame, lines, offset, next(draws), next(draws))
    return lines


def _make_services(
    frame: SamplingFrame,
    lines: Lines,
    offset: NDArray[np.int32],
    which: NDArray[np.uint16],
    chosen: NDArray[np.uint16],
) -> None:
    """Turns some rows into services: all rows of a span without cases, a few of any other."""
    offers, span = frame.offers, lines["span"]
    wanted = (which < _SHARE_OF_SERVICES) | (frame.settings.usual[span] == NONE)
    rows = np.flatnonzero(wanted & (offers.usual[offset] != NONE))
    offer = offers.wheels[span[rows], chosen[rows]]
    offer = np.where(offers.covers[offer, offset[rows]], offer, offers.usual[offset[rows]])
    unit = offers.unit[offer]
    in_bed = unit == list(Unit).index(Unit.BED_DAY)
    is_case = unit == list(Unit).index(Unit.AVERAGE_CASE)
    is_item = unit == list(Unit).index(Unit.ITEM)
    quantity = frame.quantities[unit, which[rows] % AGES]
    lines["group"][rows] = NONE
    lines["service"][rows] = offers.service[offer]
    lines["setting"][rows] = offers.setting[offer]
    lines["factor"][rows] = offers.factor[offer]
    lines["quantity"][rows] = quantity
    lines["stay"][rows] = np.where(in_bed, quantity, np.where(is_case, 1 + which[rows] % 30, 0))
    lines["no_admission"][rows] = ~in_bed & ~is_case & (frame.catalog.deciding_date is DecidingDate.DISCHARGE)
    lines["admission_minute"][rows] = lines["discharge_minute"][rows] - 15
    lines["outcome"][rows] = np.where(is_case, frame.outcomes.usual[span[rows]], NONE)
    lines["death"][rows] = NONE
    items = rows[is_item]
    lines["addon"][items] = frame.cost_kind[span[items]]
    lines["addon_minor"][items] = 100_000 + chosen[items].astype(np.int32) * 3_711
    lines["length"][rows] = ABSENT
    lines["procedures"][rows] = 0


def _places(rng: np.random.Generator, count: int) -> NDArray[np.int64]:
    """Distinct rows of the block, ``count`` in each window: (window, count)."""
    places = [rng.choice(WINDOW_ROWS, count, replace=False) for _ in range(WINDOWS)]
    return np.stack(places) + np.arange(WINDOWS)[:, None] * WINDOW_ROWS


def _make_specials(
    frame: SamplingFrame, values: Lines, lines: Lines, made: NDArray[np.int64], drawn: NDArray[np.uint16]
) -> None:
    """Puts the rows made on purpose in their places, and gives every other row a provider it can have."""
    groups, providers = frame.groups, frame.providers
    span, usual = values["span"], groups.usual[values["span"]]
    lines["day"][made] = values["low"] + drawn[made] % (values["high"] - values["low"])
    lines["span"][made] = span
    kept = lines["group"][made]
    fit = (
        (kept != NONE)
        & groups.in_span[span, kept]
        & groups.has_child_weight[span, kept]
        & groups.has_planned_days[span, kept]
        & ~groups.newborn[kept]
    )
    lines["group"][made] = np.where(values["group"] == KEEP, np.where(fit, kept, usual), values["group"])
    for name in lines.keys() - {"day", "span", "group", "provider"}:
        lines[name][made] = values[name]
    offset = np.clip(lines["day"] - frame.first_day, 0, len(frame.span_of_day) - 1)
    covered = providers.covers[lines["provider"], offset]
    lines["provider"] = np.where(covered, lines["provider"], providers.usual[offset])
    lines["provider"][made] = np.where(
        values["provider"] == KEEP, lines["provider"][made], values["provider"]
    )


def _codes(numbers: NDArray[Any], words: tuple[str, ...]) -> pa.DictionaryArray:
    """Numbers as a dictionary column of words; NONE is null."""
    indices = pa.array(numbers.astype(np.int16), mask=numbers == NONE)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, type=pa.string()))


def _times(days: NDArray[Any], minutes: NDArray[Any], missing: NDArray[np.bool_]) -> pa.Array:
    seconds = days.astype(np.int64) * 86_400 + minutes * 60
    return pa.array(seconds.view("datetime64[s]"), mask=missing)


def _patient_ids(patients: NDArray[np.uint32]) -> pa.Array:
    """``P`` and eight digits, made for all rows at once."""
    width = 9
    letters = np.empty((len(patients), width), dtype=np.uint8)
    letters[:, 0] = ord("P")
    letters[:, 1:5] = _FOUR_DIGITS[patients // 10_000 % 10_000].view(np.uint8).reshape(-1, 4)
    letters[:, 5:] = _FOUR_DIGITS[patients % 10_000].view(np.uint8).reshape(-1, 4)
    offsets = np.arange(0, width * (len(patients) + 1), width, dtype=np.int32)
    return pa.StringArray.from_buffers(len(patients), pa.py_buffer(offsets), pa.py_buffer(letters))


def _claims(
    amount_minor: NDArray[np.int64],
    ok: NDArray[np.bool_],
    draws: Iterator[NDArray[np.uint16]],
    minor_units: int,
) -> pa.Array:
    """What the hospital asked: the right amount for most rows, another one for 3 %, nothing for 4 %.

    A row without an amount claims what the row before it is worth.
    """
    claimed = np.where(ok, amount_minor, np.roll(amount_minor, 1))
    drawn, kinds = next(draws), next(draws)
    off = np.flatnonzero((drawn < 2_000) & (claimed < 10**17))
    right = claimed[off]
    claimed[off] = np.choose(
        kinds[off] % 6,
        [right + 1, right - 1, right + right // 7, right - right // 10, right * 2, right + right // 1000],
    )
    return decimals(claimed, minor_units, (drawn < 62_900) & (claimed > 0))


def _cut_short(text: bytearray, rows: list[int]) -> bytes:
    """The lines, those of some rows without what follows their fourth field."""
    ends = np.flatnonzero(np.frombuffer(text, dtype=np.uint8) == ord("\n"))
    pieces: list[bytes | bytearray] = []
    done = 0
    for row in rows:
        start, end = (int(ends[row - 1]) + 1 if row else 0), int(ends[row])
        line = text[start:end]
        pieces += text[done:start], b",".join(line.split(b",", 4)[:4])
        done = end
    return b"".join([*pieces, text[done:]])


def _in_order(make: Callable[[int], T], count: int, threads: int | None) -> Iterator[T]:
    """``make(0)``, ``make(1)``, ...: made in threads, a few ahead of where they are used, given in order."""
    threads = threads or default_threads()
    with ThreadPoolExecutor(threads) as pool:
        ahead: deque[Future[T]] = deque()
        for number in range(count):
            ahead.append(pool.submit(make, number))
            if len(ahead) > threads:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()
