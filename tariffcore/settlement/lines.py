"""Claimed lines as columns: what becomes of each, without an object a line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from tariffcore.column_reading import coded_text, no_text, one_array
from tariffcore.encoded_cases import EncodedCases
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.line_ids import hash_ids, provider_seed
from tariffcore.settlement.rules import SettlementRules
from tariffcore.statuses import CaseStatus

Key = tuple[str, str]
"""(provider id, case id): what a line is known by."""

PatientMonth = tuple[int, str, str]
"""(number of the provider, service, patient): what may be on one line only. Never written anywhere."""


class LineStatus(IntEnum):
    """What became of a claimed line. Up to RELEASED it is part of the month; the others are set aside."""

    SETTLED = 1
    HELD = 2
    """Under monitoring: claimed, and neither accepted nor refused yet."""
    RELEASED = 3
    """Of an earlier month, in which it was held; settled now."""
    NOT_PRICED = 10
    MISSING_ID = 11
    MISSING_PROVIDER = 12
    OTHER_PROVIDER = 13
    NO_CONTRACT = 14
    """The provider has no contract with this funding source for this contract line."""
    NO_CONTRACT_LINE = 15
    """No assignment of the rules says to which contract line it belongs."""
    OTHER_MONTH = 16
    NEGATIVE_CLAIM = 17
    REPEATED = 18
    """An earlier line of the file has its id."""
    SETTLED_BEFORE = 19
    """A line with its id was settled in an earlier month."""
    PATIENT_REPEATED = 20
    """An earlier line of the file has the patient's month of this service, which is one line."""
    PRICED_OTHERWISE = 21
    """The priced file that came with the claims has another price than ours."""
    MONTH_SETTLED = 22
    """The month of the provider's contract is settled already; the run is of the others."""


LAST_IN_MONTH = LineStatus.RELEASED


@dataclass(frozen=True)
class Frame:
    """What the numbers of lines stand for, and which contract lines there are.

    planned  bool (provider, contract line, funding source): whether the contract has the line
    settled  bool (provider, funding source): whether the month of the contract is settled already
    only     the one provider whose lines are asked for; None: all
    """

    month: Month
    providers: tuple[str, ...]
    contract_lines: tuple[str, ...]
    funding_sources: tuple[str, ...]
    methods: tuple[str, ...]
    planned: NDArray[np.bool_]
    settled: NDArray[np.bool_]
    only: str | None = None

    def cell(self, lines: ClaimedLines) -> NDArray[np.uint32]:
        """One number for provider, contract line, funding source and method; 0 where one is not known."""
        _, count_lines, count_sources = self.planned.shape
        code = lines.provider.astype(np.int64)
        for number, count in (
            (lines.contract_line, count_lines),
            (lines.funding_source, count_sources),
            (lines.method, len(self.methods)),
        ):
            code = code * count + number
        return np.where(lines.in_month, code, 0).astype(np.uint32)

    @property
    def cells(self) -> int:
        return int(self.planned.size) * len(self.methods)

    def named(self, cell: int) -> tuple[str, str, str, str]:
        """(provider, contract line, funding source, method) of a cell."""
        cell, method = divmod(cell, len(self.methods))
        cell, source = divmod(cell, len(self.funding_sources))
        provider, line = divmod(cell, len(self.contract_lines))
        return (
            self.providers[provider],
            self.contract_lines[line],
            self.funding_sources[source],
            self.methods[method],
        )


class Marks:
    """A few lines by their keys, to be recognised among many."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self.keys = list(dict.fromkeys(keys))
        case_ids = pa.array([case_id for _, case_id in self.keys], pa.string())
        seeds = np.array([provider_seed(provider) for provider, _ in self.keys], dtype=np.uint64)
        hashes = hash_ids(case_ids, seeds)
        self._hashes = hashes
        self._sorted = np.sort(hashes)

    def __len__(self) -> int:
        return len(self.keys)

    def hashed(self) -> list[tuple[Key, int]]:
        """Each key with its number."""
        return list(zip(self.keys, self._hashes.tolist(), strict=True))

    def found(self, lines: ClaimedLines) -> list[tuple[int, Key]]:
        """(row, key) of every line that is one of them."""
        if not self.keys or not len(lines):
            return []
        place = np.searchsorted(self._sorted, lines.hashes)
        place[place == len(self._sorted)] = 0
        rows = np.flatnonzero(self._sorted[place] == lines.hashes)
        known = set(self.keys)
        return [(row, key) for row, key in zip(rows.tolist(), lines.keys(rows), strict=True) if key in known]


@dataclass
class ClaimedLines:
    """One element a line, in file order; money in minor units. Numbers are those of the `Frame`, -1: none.

    claimed     what was claimed; the price where a line has no claim
    has_amount  whether there is a claim or a price; ``claimed`` means nothing where there is neither
    priced      0 where there is no price
    """

    frame: Frame
    provider: NDArray[np.int32]
    contract_line: NDArray[np.int16]
    funding_source: NDArray[np.int16]
    method: NDArray[np.int16]
    claimed: NDArray[np.int64]
    has_amount: NDArray[np.bool_]
    priced: NDArray[np.int64]
    status: NDArray[np.uint8]
    hashes: NDArray[np.uint64]
    case_ids: pa.Array
    deducted: dict[int, int] = field(default_factory=dict)
    """For defects, by row."""
    defects: dict[int, tuple[LineDefect, ...]] = field(default_factory=dict)
    """By row."""
    patient_months: dict[int, PatientMonth] = field(default_factory=dict)
    """Of lines of the month whose method allows a patient one line of a service; by row, in file order."""

    def __len__(self) -> int:
        return len(self.provider)

    @property
    def in_month(self) -> NDArray[np.bool_]:
        return self.status <= np.uint8(LAST_IN_MONTH)

    def keys(self, rows: NDArray[np.intp]) -> list[Key]:
        """(provider id, case id) of some rows; lines of no known provider have "" there."""
        ids = self.case_ids.take(pa.array(rows)).to_pylist()
        numbers = self.provider[rows].tolist()
        names = [*self.frame.providers, ""]
        return [
            (names[number], "" if case is None else case) for number, case in zip(numbers, ids, strict=True)
        ]

    @property
    def overclaimed(self) -> NDArray[np.int64]:
        """What claims exceed our prices by; 0 of lines that are set aside."""
        return np.where(self.in_month, np.maximum(self.claimed - self.priced, 0), 0)

    @property
    def held(self) -> NDArray[np.int64]:
        """What is claimed and not overclaimed, of lines under monitoring."""
        return np.where(self.status == np.uint8(LineStatus.HELD), np.minimum(self.claimed, self.priced), 0)

    @staticmethod
    def joined(parts: Sequence[ClaimedLines]) -> ClaimedLines:
        """Chunks one after the other; deductions come later."""
        names = (
            "provider",
            "contract_line",
            "funding_source",
            "method",
            "claimed",
            "has_amount",
            "priced",
            "status",
            "hashes",
        )
        arrays: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in names
        }
        ids = pa.chunked_array([part.case_ids for part in parts], pa.string())
        joined = pa.concat_arrays([chunk.cast(pa.large_string()) for chunk in ids.chunks])
        patient_months: dict[int, PatientMonth] = {}
        start = 0
        for part in parts:
            patient_months.update({start + row: key for row, key in part.patient_months.items()})
            start += len(part)
        return ClaimedLines(parts[0].frame, **arrays, case_ids=joined, patient_months=patient_months)


class LineReader:
    """Reads chunks of priced cases into lines; any number of threads may ask it at once.

    held, released  lines under monitoring, and lines that earlier months held
    """

    def __init__(
        self, frame: Frame, rules: SettlementRules, plan: Plan, held: Marks, released: Marks
    ) -> None:
        self.frame = frame
        self._rules = rules
        self._plan = plan
        self._held = held
        self._released = released
        self._providers = {provider: number for number, provider in enumerate(frame.providers)}
        self._seeds = np.array([*(provider_seed(name) for name in frame.providers), 0], dtype=np.uint64)
        self._lines = {line: number for number, line in enumerate(frame.contract_lines)}
        self._sources = {source: number for number, source in enumerate(frame.funding_sources)}
        self._methods = {method: number for number, method in enumerate(frame.methods)}
        self._one_line = [self._methods[method] for method in rules.one_line_methods]

    def read(self, table: pa.Table, priced: PricedCases) -> ClaimedLines:
        """What becomes of each row of a chunk by itself; repeated ids are found when all are read."""
        frame, count = self.frame, len(priced)
        provider = self._coded(table, "provider_id", self._providers, np.int32)
        source = self._coded(table, "funding_source", self._sources, np.int16)
        method = self._method_numbers(priced)
        line = self._assigned(table, priced, method)
        claimed, missing = priced.encoded.claimed_minor, priced.encoded.claimed_missing
        if claimed is None or missing is None:
            claimed, has_amount = priced.amount_minor, priced.ok
        else:
            claimed, has_amount = np.where(missing, priced.amount_minor, claimed), priced.ok | ~missing
        ids = one_array(table.column("case_id"))
        if pa.types.is_dictionary(ids.type):
            ids = ids.dictionary_decode()
        ids = pc.ascii_trim_whitespace(ids.cast(pa.string()))
        status = np.full(count, LineStatus.SETTLED, dtype=np.uint8)

        def set_aside(rows: NDArray[np.bool_], why: LineStatus) -> None:
            status[rows & (status == np.uint8(LineStatus.SETTLED))] = why

        no_id = pc.equal(pc.fill_null(ids, ""), "").to_numpy(zero_copy_only=False)
        set_aside(priced.status == np.uint8(CaseStatus.MALFORMED_ROW), LineStatus.NOT_PRICED)
        set_aside(no_id, LineStatus.MISSING_ID)
        set_aside(~priced.ok, LineStatus.NOT_PRICED)
        if "provider_id" in table.column_names:
            set_aside(
                coded_text("provider_id", table.column("provider_id")).missing(), LineStatus.MISSING_PROVIDER
            )
        else:
            set_aside(np.ones(count, dtype=np.bool_), LineStatus.MISSING_PROVIDER)
        if frame.only is not None:
            set_aside(provider != self._providers[frame.only], LineStatus.OTHER_PROVIDER)
        set_aside(line < 0, LineStatus.NO_CONTRACT_LINE)
        known = (provider >= 0) & (source >= 0) & (line >= 0)
        planned = np.zeros(count, dtype=np.bool_)
        planned[known] = frame.planned[provider[known], line[known], source[known]]
        if frame.settled.any():
            done = np.zeros(count, dtype=np.bool_)
            named = (provider >= 0) & (source >= 0)
            done[named] = frame.settled[provider[named], source[named]]
            set_aside(done, LineStatus.MONTH_SETTLED)
        set_aside(~planned, LineStatus.NO_CONTRACT)
        set_aside(claimed < 0, LineStatus.NEGATIVE_CLAIM)
        set_aside(~self._of_month(priced), LineStatus.OTHER_MONTH)
        lines = ClaimedLines(
            frame,
            provider,
            line,
            source,
            method,
            np.ascontiguousarray(claimed, dtype=np.int64),
            has_amount,
            np.where(priced.ok, priced.amount_minor, 0),
            status,
            hash_ids(ids, self._seeds[provider]),
            ids,
        )
        for row, _ in self._released.found(lines):
            if status[row] == LineStatus.OTHER_MONTH:
                status[row] = LineStatus.RELEASED
        for row, _ in self._held.found(lines):
            if status[row] in (LineStatus.SETTLED, LineStatus.RELEASED):
                status[row] = LineStatus.HELD
        self._note_patient_months(table, lines)
        return lines

    def _note_patient_months(self, table: pa.Table, lines: ClaimedLines) -> None:
        """What a released line has is of another month, and not looked at."""
        if not self._one_line or "patient_id" not in table.column_names:
            return
        of_month = np.isin(lines.status, np.array([LineStatus.SETTLED, LineStatus.HELD], dtype=np.uint8))
        rows = np.flatnonzero(of_month & np.isin(lines.method, np.array(self._one_line)))
        if not len(rows):
            return
        chosen = table.select(["patient_id", "service_code"]).take(pa.array(rows))
        patients, services = (
            ["" if cell is None else str(cell).strip() for cell in column.to_pylist()]
            for column in chosen.columns
        )
        for row, patient, service in zip(rows.tolist(), patients, services, strict=True):
            if patient:
                lines.patient_months[row] = int(lines.provider[row]), service, patient

    @staticmethod
    def _coded(table: pa.Table, name: str, numbers: Mapping[str, int], kind: type[Any]) -> NDArray[Any]:
        coded = (
            coded_text(name, table.column(name)) if name in table.column_names else no_text(table.num_rows)
        )
        return coded.map(lambda text: numbers.get(text, -1), -1, kind)

    def _method_numbers(self, priced: PricedCases) -> NDArray[np.int16]:
        names = [None if method is None else method.value for method in priced.plan.rule_methods]
        table = np.array(
            [-1 if name is None else self._methods.get(name, -1) for name in names], dtype=np.int16
        )
        return np.where(priced.ok, table[priced.rule], np.int16(-1))

    def _assigned(self, table: pa.Table, priced: PricedCases, method: NDArray[np.int16]) -> NDArray[np.int16]:
        """The contract line of each row by the rules' assignments, the weightiest that fits. Cases that come
        without a group have the one that was found for them."""
        settings: dict[str, int] = {}
        codes: dict[str, int] = {}
        for one in self._rules.assignments:
            if one.care_setting is not None:
                settings.setdefault(one.care_setting, len(settings))
            if one.code is not None:
                codes.setdefault(one.code, len(codes))
        setting = self._coded(table, "care_setting", settings, np.int16)
        if priced.found is None:
            drg = self._coded(table, "drg_code", codes, np.int16)
        else:
            of_found = np.array([codes.get(code, -1) for code in priced.found.drg_codes] + [-1], np.int16)
            drg = of_found[priced.found.drg]
        service = self._coded(table, "service_code", codes, np.int16)
        code = np.where(drg >= 0, drg, service)
        of_both = np.full((len(self._methods) + 1, len(settings) + 1), -1, dtype=np.int16)
        for one in self._rules.assignments:
            if one.code is None:
                rows = slice(None) if one.method is None else self._methods.get(one.method)
                columns = slice(None) if one.care_setting is None else settings[one.care_setting]
                if rows is not None:
                    of_both[rows, columns] = self._lines[one.contract_line]
        found: NDArray[np.int16] = of_both[method, setting]
        found = np.where(method < 0, np.int16(-1), found)
        for one in self._rules.assignments:
            if one.code is not None:
                fits = code == codes[one.code]
                if one.method is not None:
                    fits &= method == self._methods.get(one.method, -2)
                if one.care_setting is not None:
                    fits &= setting == settings[one.care_setting]
                found[fits] = self._lines[one.contract_line]
        return found

    def _of_month(self, priced: PricedCases) -> NDArray[np.bool_]:
        encoded = priced.encoded
        assert isinstance(encoded, EncodedCases)
        epoch = date(1970, 1, 1)
        first = (self.frame.month.first_day - epoch).days - self._plan.base_day
        last = (self.frame.month.plus(1).first_day - epoch).days - self._plan.base_day
        day = encoded.deciding_day.astype(np.int32)
        within: NDArray[np.bool_] = (day >= first) & (day < last)
        return within
