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
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore.errors import CasesError, Problem
from tariffcore.files.csv_text import csv_rows
from tariffcore.files.writing import XLSX_MAX_ROWS, Encoded, open_output
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.plan import Plan
from tariffcore.pricing import decimals, default_threads, price_cases
from tariffcore.sampling_frame import AGES, NONE, SamplingFrame, sampling_frame
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.limits import MAX_STAY_DAYS
from tariffcore.schedule.model import AddOn, Pay, Schedule, StayRule, Unit
from tariffcore.schedule.tariff import exemption_applies, find_share
from tariffcore.statuses import CaseStatus
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

KEEP = -(2**31)
"""In a row made on purpose: what was drawn stays."""
ABSENT = -(2**31)
"""A null quantity or length of stay."""

MAX_QUANTITY = 2**31 - 1
FUNDING_SOURCES = ("guaranteed_volume", "insurance")
PATIENTS_A_BLOCK = 49_152
DRAWS_A_ROW = 23

LABEL_COLUMN = "synthetic"

_SHARE_OF_SERVICES = 3_932  # of 65,536: 6 %
_FOUR_DIGITS = np.frombuffer("".join(f"{number:04}" for number in range(10_000)).encode(), dtype=np.uint32)


@dataclass(frozen=True, slots=True)
class Special:
    """A row made on purpose, once in every window: its status, and the fields that make it so.

    ``days``, counted from 1970 and half-open, is when; None: any day of the span.
    """

    status: CaseStatus
    span: int
    fields: dict[str, int] = field(default_factory=dict)
    days: tuple[int, int] | None = None


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
        self._special_values = _table_of(self.specials, self.frame)
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


def _table_of(made: tuple[Special, ...], frame: SamplingFrame) -> Lines:
    """The specials field by field, with the plain inpatient case filled in where they do not say."""
    table: dict[str, list[int]] = {}
    for special in made:
        span = special.span
        plain = {
            "group": KEEP,
            "service": NONE,
            "setting": int(frame.settings.usual[span]),
            "outcome": int(frame.outcomes.usual[span]),
            "death": NONE,
            "age": 41,
            "stay": 6,
            "admission_minute": 615,
            "discharge_minute": 690,
            "procedures": 0,
            "quantity": 1,
            "length": ABSENT,
            "factor": NONE,
            "provider": KEEP,
            "no_case_id": 0,
            "no_admission": 0,
            "no_discharge": 0,
            "addon": NONE,
            "addon_minor": 0,
        }
        start = int(frame.span_start[span])
        low, high = special.days or (start, start + int(frame.span_days[span]))
        for name, value in {**plain, **special.fields, "span": span, "low": low, "high": high}.items():
            table.setdefault(name, []).append(value)
    return {name: np.array(values, dtype=np.int64) for name, values in table.items()}


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


def specials(frame: SamplingFrame) -> tuple[Special, ...]:
    """Every row made on purpose: first each rule, then each status, as far as the catalog can give them."""
    made: list[Special] = []
    seen: set[str] = set()
    for span, schedule in enumerate(frame.schedules):
        if frame.settings.usual[span] != NONE:
            made += _rules_of(frame, span, schedule, seen)
            made += _misfits_of(frame, span, schedule)
        made += _services_of(frame, span, schedule, seen)
    cases = [span for span in range(len(frame.schedules)) if frame.settings.usual[span] != NONE]
    if cases:
        made += _wrong_cases(frame, cases[0])
    made += _outside_the_editions(frame)
    return tuple(made)


def _rules_of(frame: SamplingFrame, span: int, schedule: Schedule, seen: set[str]) -> Iterator[Special]:
    """Each share, exception, stay rule (just before, on and past its limit) and exemption of the edition."""
    settings, outcomes = frame.settings.words, frame.outcomes.words
    for share in schedule.shares:
        if share.unit is not Unit.CASE:
            continue
        fields = {"setting": settings.index(share.care_setting)}
        if share.max_hours is not None:
            fields |= {"stay": 0, "admission_minute": 690 - min(share.max_hours * 60, 420)}
        if share.id not in seen:
            yield Special(CaseStatus.OK, span, fields)
        if share.max_hours is not None and share.max_hours % 24 == 0:
            on_the_minute = {"stay": share.max_hours // 24, "admission_minute": 690}
            yield Special(CaseStatus.OK, span, fields | on_the_minute)
            a_minute_over = on_the_minute | {"admission_minute": 689}
            yield Special(CaseStatus.STAY_OVER_LIMIT, span, fields | a_minute_over)
        for exception in share.exceptions:
            lists = [
                number
                for number, codes in enumerate(frame.procedures.lists)
                if any(code.replace(".", "").replace(",", "") in exception.procedures for code in codes)
            ]
            if lists and exception.id not in seen:
                yield Special(CaseStatus.OK, span, fields | {"procedures": lists[0]})
            seen.add(exception.id)
        seen.add(share.id)
    for addon in schedule.addons:
        chosen = _case_with(frame, span, schedule, addon)
        if chosen is not None and f"addon {addon.kind}" not in seen:
            yield Special(CaseStatus.OK, span, chosen)
        seen.add(f"addon {addon.kind}")
    for rule in schedule.stay_rules:
        if rule.id in seen or rule.unit is not Unit.CASE:
            continue
        seen.add(rule.id)
        chosen = _case_under(frame, span, schedule, rule)
        if chosen is None:
            continue
        last_day = 2 if rule.max_days is None else rule.max_days
        planned = frame.groups.has_planned_days[span, chosen["group"]]
        for stay in sorted({max(1, last_day - 1), last_day, last_day + 1}):
            unpayable = rule.pay is Pay.PER_PLANNED_DAY and not planned and stay <= (rule.max_days or stay)
            status = CaseStatus.MISSING_PLANNED_DAYS if unpayable else CaseStatus.OK
            yield Special(status, span, chosen | {"stay": stay})
        for exemption in rule.exemptions:
            group = _first_group(frame, span, lambda flags, e=exemption: e.drg_flags <= flags)  # type: ignore[misc]
            spoken_of = exemption.outcomes & rule.outcomes or exemption.outcomes or rule.outcomes
            if group != NONE and spoken_of:
                exempt = {"outcome": outcomes.index(min(spoken_of)), "stay": last_day}
                yield Special(CaseStatus.OK, span, chosen | exempt | _of_group(frame, group))


def _case_under(frame: SamplingFrame, span: int, schedule: Schedule, rule: StayRule) -> dict[str, int] | None:
    """Fields that bring a case under the rule, but for the stay; None where no group can."""
    usual_outcome = frame.outcomes.words[int(frame.outcomes.usual[span])]
    outcome = min(rule.outcomes) if rule.outcomes else usual_outcome
    group = _first_group(
        frame,
        span,
        lambda flags: not any(exemption_applies(e, outcome=outcome, flags=flags) for e in rule.exemptions),
    )
    priced = [s for s in sorted(rule.care_settings) if find_share(schedule, Unit.CASE, s)]
    if group == NONE or (rule.care_settings and not priced):
        return None
    number = frame.outcomes.words.index(outcome)
    asked = bool(frame.outcomes.death_is_asked[span, number])
    fields = {
        "outcome": number,
        "group": group,
        "death": int(bool(rule.death_unavoidable)) if asked else NONE,
    }
    if priced:
        fields["setting"] = frame.settings.words.index(priced[0])
    return fields


def _case_with(frame: SamplingFrame, span: int, schedule: Schedule, addon: AddOn) -> dict[str, int] | None:
    """Fields of a case of a group that brings an amount with it; None where none can."""
    if addon.unit is not Unit.CASE:
        return None
    group = _first_group(frame, span, lambda flags: not addon.drg_flags or bool(addon.drg_flags & flags))
    settings = [
        share.care_setting
        for share in schedule.shares
        if share.unit is Unit.CASE
        and share.max_hours is None
        and (not addon.care_settings or share.care_setting in addon.care_settings)
    ]
    if group == NONE or not settings:
        return None
    return {
        **_of_group(frame, group),
        "setting": frame.settings.words.index(settings[0]),
        "addon": frame.addon_kinds.index(addon.kind),
        "addon_minor": 12_345_678,
    }


def _first_group(frame: SamplingFrame, span: int, fits: Callable[[frozenset[str]], bool]) -> int:
    """The most frequent group of the span with both weights and flags that fit, if possible one with planned
    days; or NONE."""
    groups = frame.groups
    weighted = groups.in_span[span] & groups.has_child_weight[span]
    for usable in (weighted & groups.has_planned_days[span], weighted):
        for number in np.flatnonzero(usable).tolist():
            if fits(frame.schedules[span].groups[groups.codes[number]].flags):
                return int(number)
    return NONE


def _of_group(frame: SamplingFrame, group: int) -> dict[str, int]:
    return {"group": group, "age": 0 if frame.groups.newborn[group] else 41}


def _misfits_of(frame: SamplingFrame, span: int, schedule: Schedule) -> Iterator[Special]:
    """Cases that the edition cannot pay: its groups without a child weight or planned days, and the like."""
    groups, settings = frame.groups, frame.settings
    in_span = groups.in_span[span]
    known = np.arange(len(groups.codes)) < groups.known
    for group in np.flatnonzero(~in_span & known)[:1].tolist():
        yield Special(CaseStatus.UNKNOWN_DRG, span, {"group": group})
    for group in np.flatnonzero(in_span & ~groups.has_child_weight[span])[:1].tolist():
        yield Special(CaseStatus.MISSING_WEIGHT, span, {"group": group, "age": 7})
    for group in np.flatnonzero(in_span & ~groups.same_weights[span])[:1].tolist():
        yield Special(CaseStatus.MISSING_FIELD, span, {"group": group, "age": NONE})
    unplanned = np.flatnonzero(in_span & ~groups.has_planned_days[span])
    if frame.addon_kinds:
        unknown = {"addon": len(frame.addon_kinds) - 1, "addon_minor": 5}
        yield Special(CaseStatus.ADDON_NOT_PAID, span, unknown)
    of_cases = [rule for rule in schedule.stay_rules if rule.unit is Unit.CASE]
    by_planned_days = [rule for rule in of_cases if rule.pay is Pay.PER_PLANNED_DAY]
    for rule in by_planned_days[:1] if len(unplanned) else ():
        chosen = _case_under(frame, span, schedule, rule)
        if chosen is not None:
            stay = {"group": int(unplanned[0]), "stay": min(2, rule.max_days or 2)}
            yield Special(CaseStatus.MISSING_PLANNED_DAYS, span, chosen | stay)
    for rule in of_cases:
        chosen = _case_under(frame, span, schedule, rule) if rule.death_unavoidable else None
        if chosen is not None:
            yield Special(CaseStatus.MISSING_FIELD, span, chosen | {"death": NONE, "stay": 1})
    unpriced = [s for s in schedule.care_settings if find_share(schedule, Unit.CASE, s) is None]
    for word in unpriced[:1]:
        yield Special(CaseStatus.NOT_PRICED_IN_SETTING, span, {"setting": settings.words.index(word)})
    heaviest = max(
        np.flatnonzero(in_span).tolist(), key=lambda n: schedule.groups[groups.codes[n]].relative_weight
    )
    dearest = schedule.groups[groups.codes[heaviest]].relative_weight * schedule.base_rate.amount
    plainest = find_share(schedule, Unit.CASE, settings.words[int(settings.usual[span])])
    # A coefficient below 1 may still save the sum: 0.9 leaves room for one.
    sum_minor = dearest * 10**schedule.minor_units * MAX_QUANTITY * Fraction(9, 10)
    if plainest is not None and sum_minor * plainest.share > MAX_AMOUNT_MINOR:
        yield Special(CaseStatus.AMOUNT_OVERFLOW, span, {"group": heaviest, "quantity": MAX_QUANTITY})
    if schedule.providers is None:
        return
    providers = frame.providers
    yield Special(CaseStatus.MISSING_FIELD, span, {"provider": NONE})
    for provider in range(providers.known, len(providers.ids)):
        yield Special(CaseStatus.UNKNOWN_PROVIDER, span, {"provider": provider})
    of_span = np.flatnonzero(frame.span_of_day == span)
    for provider in range(providers.known):
        uncovered = of_span[~providers.covers[provider, of_span]]
        if len(uncovered) and providers.ids[provider] in schedule.providers:
            day = frame.first_day + int(uncovered[0])
            yield Special(CaseStatus.NO_COEFFICIENT_FOR_DATE, span, {"provider": provider}, (day, day + 1))
            break


def _services_of(frame: SamplingFrame, span: int, schedule: Schedule, seen: set[str]) -> Iterator[Special]:
    """Each unit in each setting, each factor, and services that the edition cannot pay."""
    offers = frame.offers
    of_span = np.flatnonzero(frame.span_of_day == span)
    paid = np.flatnonzero(offers.covers[:, of_span].any(axis=1)).tolist()
    for offer in paid:
        unit = list(Unit)[int(offers.unit[offer])]
        setting, factor = int(offers.setting[offer]), int(offers.factor[offer])
        fields = _service_fields(frame, offer)
        covered = frame.first_day + of_span[offers.covers[offer, of_span]]
        on_a_day = (int(covered[-1]), int(covered[-1]) + 1)
        for rule in schedule.stay_rules:
            if rule.unit is unit and rule.id not in seen and not rule.care_settings:
                outcome = min(rule.outcomes or frame.outcomes.words)
                cut_short = {"outcome": frame.outcomes.words.index(outcome), "stay": 2}
                yield Special(CaseStatus.OK, span, fields | cut_short, on_a_day)
                seen.add(rule.id)
        for rule_id in (f"{unit} in {setting}", f"{unit} by {factor}"):
            if rule_id not in seen:
                yield Special(CaseStatus.OK, span, fields, on_a_day)
            seen.add(rule_id)
    if not paid:
        return
    fields = _service_fields(frame, paid[0])
    covered = frame.first_day + of_span[offers.covers[paid[0], of_span]]
    days = (int(covered[0]), int(covered[0]) + 1)
    for code in range(offers.known_services, len(offers.service_codes)):
        yield Special(CaseStatus.UNKNOWN_SERVICE, span, fields | {"service": code}, days)
    yield Special(CaseStatus.UNKNOWN_FACTOR, span, fields | {"factor": offers.known_factors}, days)
    yield Special(CaseStatus.MISSING_FIELD, span, fields | {"quantity": ABSENT}, days)
    yield Special(CaseStatus.INVALID_FIELD, span, fields | {"group": int(frame.groups.usual[span])}, days)
    for offer in paid:
        uncovered = of_span[~offers.covers[offer, of_span]]
        same_code = offers.service == offers.service[offer]
        if len(uncovered) and not offers.covers[same_code][:, uncovered[0]].any():
            day = frame.first_day + int(uncovered[0])
            fields = _service_fields(frame, offer)
            yield Special(CaseStatus.UNKNOWN_SERVICE, span, fields, (day, day + 1))
            break


def _service_fields(frame: SamplingFrame, offer: int) -> dict[str, int]:
    offers = frame.offers
    return {
        "group": NONE,
        "service": int(offers.service[offer]),
        "setting": int(offers.setting[offer]),
        "factor": int(offers.factor[offer]),
        "outcome": NONE,
        "quantity": 2,
        **_own_fields(frame, offer),
    }


def _own_fields(frame: SamplingFrame, offer: int) -> dict[str, int]:
    """What a line of this unit needs beside what every service has."""
    unit = list(Unit)[int(frame.offers.unit[offer])]
    span = int(frame.offers.span[offer])
    if unit is Unit.AVERAGE_CASE:
        return {"outcome": int(frame.outcomes.usual[span]), "quantity": 1}
    if unit is Unit.ITEM:
        return {"addon": int(frame.cost_kind[span]), "addon_minor": 7_654_321, "quantity": 1}
    return {}


def _wrong_cases(frame: SamplingFrame, span: int) -> Iterator[Special]:
    """Cases with something missing, contradictory or unknown to every edition."""
    groups, settings, outcomes, offers = frame.groups, frame.settings, frame.outcomes, frame.offers
    for group in range(groups.known, len(groups.codes)):
        yield Special(CaseStatus.UNKNOWN_DRG, span, {"group": group})
    for setting in range(settings.known, len(settings.words)):
        yield Special(CaseStatus.UNKNOWN_SETTING, span, {"setting": setting})
    for outcome in range(outcomes.known, len(outcomes.words)):
        yield Special(CaseStatus.UNKNOWN_OUTCOME, span, {"outcome": outcome})
    yield Special(CaseStatus.UNKNOWN_FACTOR, span, {"factor": offers.known_factors})
    for missing in ("no_case_id", "no_discharge", "no_admission"):
        yield Special(CaseStatus.MISSING_FIELD, span, {missing: 1})
    for missing in ("group", "setting", "outcome"):
        yield Special(CaseStatus.MISSING_FIELD, span, {missing: NONE})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": -2})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": 0, "admission_minute": 900})
    yield Special(CaseStatus.INVALID_DATES, span, {"stay": 36_524})
    yield Special(CaseStatus.INVALID_DATES, span, {"length": 99})
    yield Special(CaseStatus.INVALID_FIELD, span, {"age": 213})
    yield Special(CaseStatus.INVALID_FIELD, span, {"quantity": 0})
    yield Special(CaseStatus.INVALID_FIELD, span, {"length": -3})


def _outside_the_editions(frame: SamplingFrame) -> Iterator[Special]:
    """Lines on days that no edition prices: before the first, in a gap, after the last."""

    def line_of(span: int) -> dict[str, int]:
        if frame.settings.usual[span] != NONE:
            return {}
        offers = frame.offers.covers[:, frame.span_of_day == span].any(axis=1)
        return _service_fields(frame, int(offers.argmax()))

    first = frame.first_day
    yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, 0, line_of(0), (first - 60, first - 1))
    yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, 0, line_of(0), (first - 1, first))
    spans = frame.catalog.spans
    for number, span in enumerate(spans):
        following = spans[number + 1].start if number + 1 < len(spans) else None
        if span.end is not None and span.end != following:
            day = first + (span.end - spans[0].start).days
            yield Special(CaseStatus.NO_SCHEDULE_FOR_DATE, number, line_of(number), (day, day + 1))


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
