"""Binds a catalog to tables the kernel can walk: every rule resolved beforehand, every case a few look-ups.

The words used here and in `_kernel.pyx`:

period       a span of days over which nothing a date decides changes: edition, services in force, coefficients
epoch        an edition together with the services in force; several periods may share one
item         what a line prices: a cost group or a service (0 and 1 stand for unknown ones)
setting key  care setting, with the answer to the setting's hours limit or the service's factor
signature    which of the catalog's lists of exception procedures the stay touches, one bit each
rate column  the share or exception that applies; the first few stand for "no rate, because ..."
stay class   what stay rules need to know of an item: its flags that matter, or its unit
outcome      outcome and whether a death was unavoidable

A table cell below zero is a `CaseStatus` with its sign changed: the line has no amount, for that reason.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore._kernel import PriceTables
from tariffcore.errors import CatalogError, Problem
from tariffcore.money import RoundingMode
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import AgeClass, DayCount, Group, Pay, Schedule, Share, StayRule, Unit
from tariffcore.schedule.tariff import (
    case_tariff,
    combined_coefficient,
    component_shares,
    find_factor,
    find_service,
    find_share,
    find_stay_rule,
    service_tariff,
)
from tariffcore.statuses import CaseStatus

ROUNDING_CODES = {
    RoundingMode.HALF_UP: 0,
    RoundingMode.HALF_EVEN: 1,
    RoundingMode.DOWN: 2,
    RoundingMode.UP: 3,
}

FACTOR_COLUMNS = ("kind", "numerator", "denominator")
COEFFICIENT_COLUMNS = (
    "numerator", "bias", "magic", "shift", "max_rate", "step", "denominator", "wide_row",
)  # fmt: skip
COMPONENT_SET_COLUMNS = ("denominator", "magic", "shift", "max_amount")

UNKNOWN_DRG_ITEM, UNKNOWN_SERVICE_ITEM = 0, 1
UNKNOWN_SETTING_KEY = 0
UNKNOWN_PROVIDER_ROW, MISSING_PROVIDER_ROW = 0, 1
UNKNOWN_OUTCOME, MISSING_OUTCOME = 0, 1
DEATH_AVOIDABLE, DEATH_UNAVOIDABLE, DEATH_UNSAID = 0, 1, 2
DEATH_ANSWERS = 3
MISSING_AGE = 255
MAX_AGE_YEARS = 130
MAX_STAY_DAYS = 32_767

DAY_CODES = 1 << 16
MISSING_DAY, INVALID_DAY, INVALID_STAY, OUTSIDE_DAY, MALFORMED_DAY = range(DAY_CODES - 5, DAY_CODES)
"""Day codes that are no days: the status of a row that its own fields decide."""
_STATUS_OF_DAY_CODE = {
    MISSING_DAY: CaseStatus.MISSING_FIELD,
    INVALID_DAY: CaseStatus.INVALID_FIELD,
    INVALID_STAY: CaseStatus.INVALID_DATES,
    OUTSIDE_DAY: CaseStatus.NO_SCHEDULE_FOR_DATE,
    MALFORMED_DAY: CaseStatus.MALFORMED_ROW,
}
_DAYS_BEFORE_FIRST_EDITION = 36_525  # a stay may have begun long before the first edition

_NO_RATE_COLUMNS = (
    CaseStatus.UNKNOWN_SETTING,
    CaseStatus.NOT_PRICED_IN_SETTING,
    CaseStatus.STAY_OVER_LIMIT,
    CaseStatus.MISSING_FIELD,  # the hours of the stay
)
_MAX_LISTS = 8  # bits of a signature
_MAX_WIDE_BITS = 126  # of a denominator in the kernel, times the stay factor's
_EPOCH = date(1970, 1, 1)


def days_since_1970(day: date) -> int:
    return (day - _EPOCH).days


@dataclass(frozen=True, slots=True)
class SettingKey:
    """One value of the kernel's setting column."""

    care_setting: str | None
    over_limit: bool | None = False
    """True: longer than the setting pays; None: the hours are needed and missing."""
    factor_code: str | None = None


@dataclass(frozen=True, slots=True)
class StayClass:
    """What stay rules and rate columns need to know of an item."""

    unit: Unit
    flags: frozenset[str] = frozenset()
    """Of a case: the group's flags that some exemption names."""
    own_settings: frozenset[str] = frozenset()
    """Of a service: the care settings for which it has a rate of its own."""


@dataclass(frozen=True, slots=True)
class FactorRow:
    """A stay rule or a service factor as the kernel applies it. ``name`` None: nothing applied."""

    name: str | None
    pay: Pay
    share: Fraction


@dataclass(frozen=True)
class Epoch:
    """An edition together with the services in force, which hold from ``day`` on."""

    edition: int
    schedule: Schedule
    day: date


def reciprocal(divisor: int) -> tuple[int, int]:
    """(magic, shift) such that ``n // divisor == (n * magic >> 64) >> shift`` for every 0 <= n < 2**63.

    The divisor is from 2 to 2**63.  Rounding the reciprocal up by less than one unit makes an error below
    n x divisor / 2**(64 + shift), which stays under one quotient step as long as n < 2**63
    (Granlund and Montgomery, Division by Invariant Integers using Multiplication, 1994).
    """
    if not 2 <= divisor <= 1 << 63:
        raise ValueError(f"no reciprocal for {divisor}")
    shift = (divisor - 1).bit_length() - 1
    return -(-(1 << (64 + shift)) // divisor), shift


class Plan:
    """A catalog laid out for the kernel, with the names of everything the kernel answers with numbers.

    Building one takes about a second for a country; it never changes, and any number of threads may use it.
    Raises CatalogError, all problems at once, where a catalog does not fit the kernel's widths.
    """

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.editions: tuple[Schedule, ...] = tuple(
            {span.schedule.id: span.schedule for span in catalog.spans}.values()
        )
        self._edition_numbers = {schedule.id: number for number, schedule in enumerate(self.editions)}
        self._scales = {schedule.id: rate_scale(schedule) for schedule in self.editions}
        self.base_day = days_since_1970(catalog.spans[0].start) - _DAYS_BEFORE_FIRST_EDITION
        self._number_codes()
        self._number_periods()
        self._number_settings()
        self._number_procedures()
        self._number_classes()
        self._number_columns()
        self._number_factors()
        self._number_components()
        self._refuse_what_does_not_fit()
        self.tables = PriceTables(
            period_of_day=self._period_of_day(),
            epoch_of_period=np.array([epoch for _, epoch in self._periods], dtype=np.uint16),
            edition_of_epoch=self.edition_of_epoch,
            day_count_extra=np.array(
                [int(e.schedule.day_count is DayCount.INCLUSIVE) for e in self.epochs], dtype=np.int32
            ),
            rounding_mode=np.array(
                [ROUNDING_CODES[e.schedule.roundings.unit.mode] for e in self.epochs], dtype=np.uint8
            ),
            age_class=self._age_class(),
            rate_column=self._rate_column(),
            rate_minor=self._rate_minor(),
            stay_class=self._stay_class,
            planned_days=self._planned_days(),
            factor_row=self._factor_row(),
            factors=self._factors(),
            **self._coefficients(),
            **self._component_tables(),
        )

    # -- numbering -------------------------------------------------------------------------------

    def _number_codes(self) -> None:
        groups = _distinct(code for schedule in self.editions for code in schedule.groups)
        services = _distinct(code for schedule in self.editions for code in schedule.services)
        self.drg_items = {code: 2 + number for number, code in enumerate(groups)}
        self.service_items = {code: 2 + len(groups) + number for number, code in enumerate(services)}
        self.item_count = 2 + len(groups) + len(services)
        providers = _distinct(code for schedule in self.editions for code in schedule.providers or ())
        self.provider_rows = {code: 2 + number for number, code in enumerate(providers)}
        outcomes = _distinct(code for schedule in self.editions for code in schedule.outcomes)
        self.outcomes = {code: 2 + number for number, code in enumerate(outcomes)}

    def _number_periods(self) -> None:
        """Cut the catalog's time line wherever an edition, a service or a provider's coefficients change."""
        epochs: dict[tuple[int, date], int] = {}
        self.epochs: list[Epoch] = []
        self._periods: list[tuple[date, int]] = []  # start, epoch
        self._period_spans: list[tuple[date, date | None]] = []
        for span in self.catalog.spans:
            schedule = span.schedule
            services = [row for rows in schedule.services.values() for row in rows]
            service_cuts = _cuts((r.effective_start_date, r.effective_end_date) for r in services)
            providers = [row for rows in (schedule.providers or {}).values() for row in rows]
            provider_cuts = _cuts((r.effective_start_date, r.effective_end_date) for r in providers)
            starts = sorted(
                {span.start}
                | {
                    day
                    for day in service_cuts | provider_cuts
                    if span.start < day and (span.end is None or day < span.end)
                }
            )
            edition = self._edition_numbers[schedule.id]
            for start, end in pairwise([*starts, span.end]):
                assert start is not None
                epoch_start = max([day for day in service_cuts if day <= start], default=date.min)
                key = (edition, epoch_start)
                if key not in epochs:
                    epochs[key] = len(self.epochs)
                    self.epochs.append(Epoch(edition, schedule, start))
                self._periods.append((start, epochs[key]))
                self._period_spans.append((start, end))
        self.edition_of_epoch = np.array([epoch.edition for epoch in self.epochs], dtype=np.uint8)

    def _number_settings(self) -> None:
        settings = _distinct(code for schedule in self.editions for code in schedule.care_settings)
        limited = {
            s.care_setting for schedule in self.editions for s in schedule.shares if s.max_hours is not None
        }
        factors = _distinct(row.factor_code for schedule in self.editions for row in schedule.factors)
        self.setting_keys = [SettingKey(None)]
        for setting in settings:
            self.setting_keys.append(SettingKey(setting))
            if setting in limited:
                self.setting_keys += [
                    SettingKey(setting, over_limit=True),
                    SettingKey(setting, over_limit=None),
                ]
            # the empty code stands for a factor that no edition knows
            self.setting_keys += [SettingKey(setting, factor_code=code) for code in ("", *factors)]
        self.setting_key_numbers = {key: number for number, key in enumerate(self.setting_keys)}
        self.care_settings = settings
        self.factor_codes = factors
        self.limited_settings = frozenset(limited)

    def _number_procedures(self) -> None:
        self.procedure_lists: tuple[frozenset[str], ...] = _distinct(
            exception.procedures
            for schedule in self.editions
            for share in schedule.shares
            for exception in share.exceptions
        )
        self.procedure_bits: dict[str, int] = {}
        for bit, procedures in enumerate(self.procedure_lists):
            for procedure in procedures:
                self.procedure_bits[procedure] = self.procedure_bits.get(procedure, 0) | 1 << bit
        self.signature_count = 1 << len(self.procedure_lists)

    def _number_classes(self) -> None:
        named = frozenset(
            flag
            for schedule in self.editions
            for rule in schedule.stay_rules
            for exemption in rule.exemptions
            for flag in exemption.drg_flags
        )
        numbers: dict[StayClass, int] = {StayClass(Unit.CASE): 0}
        self._stay_class = np.zeros((len(self.epochs), self.item_count), dtype=np.uint8)
        for number, epoch in enumerate(self.epochs):
            for code, group in epoch.schedule.groups.items():
                key = StayClass(Unit.CASE, flags=group.flags & named)
                self._stay_class[number, self.drg_items[code]] = numbers.setdefault(key, len(numbers))
            for code, rows in epoch.schedule.services.items():
                own = frozenset(
                    setting
                    for setting in epoch.schedule.care_settings
                    if (row := find_service(epoch.schedule, code, setting, epoch.day)) is not None
                    and row.care_setting is not None
                )
                key = StayClass(rows[0].unit, own_settings=own)
                self._stay_class[number, self.service_items[code]] = numbers.setdefault(key, len(numbers))
        self.stay_classes = list(numbers)

    def _number_columns(self) -> None:
        """A rate column for each share, exception and kind of own rate, by its id."""
        self.rate_columns: dict[str, int] = {}
        for schedule in self.editions:
            for share in schedule.shares:
                for rule in (share, *share.exceptions):
                    self.rate_columns.setdefault(rule.id, len(_NO_RATE_COLUMNS) + len(self.rate_columns))
        for stay_class in self.stay_classes:
            for setting in sorted(stay_class.own_settings):
                self.rate_columns.setdefault(
                    own_rate_id(stay_class.unit, setting), len(_NO_RATE_COLUMNS) + len(self.rate_columns)
                )
        self.column_count = len(_NO_RATE_COLUMNS) + len(self.rate_columns)

    def _number_factors(self) -> None:
        self.factor_rows: dict[FactorRow, int] = {FactorRow(None, Pay.FULL, Fraction(1)): 0}
        for schedule in self.editions:
            for rule in schedule.stay_rules:
                self.factor_rows.setdefault(_stay_factor(rule), len(self.factor_rows))
            for factor in schedule.factors:
                row = FactorRow(factor.factor_code, Pay.SHARE, factor.factor)
                self.factor_rows.setdefault(row, len(self.factor_rows))
        self.last_day = 1 + max(
            (r.max_days for s in self.editions for r in s.stay_rules if r.max_days is not None), default=0
        )

    def _number_components(self) -> None:
        rows = [row for schedule in self.editions for row in schedule.components]
        self.component_names: tuple[str, ...] = _distinct(row.component for row in rows)

    @property
    def outcome_count(self) -> int:
        """How many numbers the kernel's outcome column may hold."""
        return (2 + len(self.outcomes)) * DEATH_ANSWERS

    @cached_property
    def rule_ids(self) -> list[str | None]:
        """The rule id behind each number in the kernel's rule column."""
        columns = [None] * len(_NO_RATE_COLUMNS) + list(self.rate_columns)
        names: list[str | None] = []
        for column in columns:
            for row in self.factor_rows:
                names.append(column if column is None or row.name is None else f"{column}+{row.name}")
        return names

    def day_code(self, day: date) -> int:
        """The kernel's number for a day; OUTSIDE_DAY where the plan's days do not reach."""
        code = days_since_1970(day) - self.base_day
        return code if 0 <= code < MISSING_DAY else OUTSIDE_DAY

    @cached_property
    def edition_of_day(self) -> NDArray[np.int16]:
        """For each day code the number of the edition in `editions`, or -1 where there is none."""
        period = self._period_of_day()
        epochs = np.array([epoch for _, epoch in self._periods], dtype=np.intp)
        edition = self.edition_of_epoch.astype(np.int16)[epochs[np.maximum(period, 0)]]
        return np.where(period >= 0, edition, np.int16(-1))

    # -- tables ----------------------------------------------------------------------------------

    def _period_of_day(self) -> NDArray[np.int16]:
        table = np.full(DAY_CODES, -CaseStatus.NO_SCHEDULE_FOR_DATE, dtype=np.int16)
        for number, (start, end) in enumerate(self._period_spans):
            stop = MISSING_DAY if end is None else self.day_code(end)
            table[self.day_code(start) : stop] = number
        for code, status in _STATUS_OF_DAY_CODE.items():
            table[code] = -status
        return table

    def _age_class(self) -> NDArray[np.uint8]:
        table = np.full((len(self.epochs), 256), 2, dtype=np.uint8)
        for number, epoch in enumerate(self.epochs):
            table[number, : MAX_AGE_YEARS + 1] = 0
            table[number, : epoch.schedule.child_age_limit] = 1
        return table

    def _rate_column(self) -> NDArray[np.uint16]:
        shape = (len(self.epochs), len(self.setting_keys), self.signature_count, len(self.stay_classes))
        table = np.zeros(shape, dtype=np.uint16)
        for e, epoch in enumerate(self.epochs):
            for k, key in enumerate(self.setting_keys):
                for c, stay_class in enumerate(self.stay_classes):
                    columns = self._columns_of(epoch.schedule, key, stay_class)
                    table[e, k, :, c] = columns
        return table

    def _columns_of(self, schedule: Schedule, key: SettingKey, stay_class: StayClass) -> list[int]:
        """The rate column of a setting key and stay class, for every signature."""
        setting = key.care_setting
        if setting is None or setting not in schedule.care_settings:
            return [_NO_RATE_COLUMNS.index(CaseStatus.UNKNOWN_SETTING)] * self.signature_count
        if setting in stay_class.own_settings:
            return [self.rate_columns[own_rate_id(stay_class.unit, setting)]] * self.signature_count
        share = find_share(schedule, stay_class.unit, setting)
        if share is None:
            return [_NO_RATE_COLUMNS.index(CaseStatus.NOT_PRICED_IN_SETTING)] * self.signature_count
        if share.max_hours is not None and key.over_limit is not False:
            status = CaseStatus.STAY_OVER_LIMIT if key.over_limit else CaseStatus.MISSING_FIELD
            return [_NO_RATE_COLUMNS.index(status)] * self.signature_count
        return [self.rate_columns[rule.id] for rule in self._rules_by_signature(share)]

    def _rules_by_signature(self, share: Share) -> list[Any]:
        bits = [1 << self.procedure_lists.index(exception.procedures) for exception in share.exceptions]
        return [
            next((e for e, bit in zip(share.exceptions, bits, strict=True) if signature & bit), share)
            for signature in range(self.signature_count)
        ]

    def _rate_minor(self) -> NDArray[np.int64]:
        """Rates in minor units x the epoch's rate scale, or -status; the last axis is adult, child, age unknown."""
        table = np.zeros((len(self.epochs), self.item_count, self.column_count, 3), dtype=np.int64)
        table[:] = -CaseStatus.UNKNOWN_DRG
        table[:, [UNKNOWN_SERVICE_ITEM, *self.service_items.values()]] = -CaseStatus.UNKNOWN_SERVICE
        for e, epoch in enumerate(self.epochs):
            schedule = epoch.schedule
            scale = 10**schedule.minor_units * self._scales[schedule.id]
            rules = [
                (share, rule)
                for share in schedule.shares
                if share.unit is Unit.CASE
                for rule in (share, *share.exceptions)
            ]
            for code, group in schedule.groups.items():
                cell = table[e, self.drg_items[code]]
                _fill_no_rate(cell)
                for _, rule in rules:
                    cell[self.rate_columns[rule.id]] = _rates_by_age(schedule, group, rule, scale)
            for code, rows in schedule.services.items():
                in_force = {
                    setting: row
                    for setting in schedule.care_settings
                    if (row := find_service(schedule, code, setting, epoch.day)) is not None
                }
                if not in_force and not _any_in_force(rows, epoch.day):
                    continue
                cell = table[e, self.service_items[code]]
                _fill_no_rate(cell)
                for setting, row in in_force.items():
                    share = find_share(schedule, row.unit, setting)
                    if row.care_setting is not None:
                        column = self.rate_columns[own_rate_id(row.unit, setting)]
                    elif share is not None:
                        column = self.rate_columns[share.id]
                    else:
                        continue
                    cell[column] = _exact_int(service_tariff(schedule, row, share) * scale)
        return table

    def _planned_days(self) -> NDArray[np.uint16]:
        table = np.zeros((len(self.epochs), self.item_count), dtype=np.uint16)
        for e, epoch in enumerate(self.epochs):
            for code, group in epoch.schedule.groups.items():
                table[e, self.drg_items[code]] = group.planned_days or 0
        return table

    def _factor_row(self) -> NDArray[np.int16]:
        shape = (
            len(self.epochs),
            len(self.setting_keys),
            self.outcome_count,
            len(self.stay_classes),
            self.last_day + 1,
        )
        table = np.zeros(shape, dtype=np.int16)
        outcomes = [None, None, *self.outcomes]
        for e, epoch in enumerate(self.epochs):
            for k, key in enumerate(self.setting_keys):
                for o, outcome in enumerate(outcomes):
                    for c, stay_class in enumerate(self.stay_classes):
                        for death in range(DEATH_ANSWERS):
                            table[e, k, o * DEATH_ANSWERS + death, c] = [
                                self._factor_cell(epoch.schedule, key, o, outcome, stay_class, death, days)
                                for days in range(self.last_day + 1)
                            ]
        return table

    def _factor_cell(
        self,
        schedule: Schedule,
        key: SettingKey,
        outcome_number: int,
        outcome: str | None,
        stay_class: StayClass,
        death: int,
        days: int,
    ) -> int:
        is_case = stay_class.unit is Unit.CASE
        if outcome_number != MISSING_OUTCOME and (outcome is None or outcome not in schedule.outcomes):
            return -CaseStatus.UNKNOWN_OUTCOME
        if key.factor_code is not None:
            factor = None if is_case else find_factor(schedule, stay_class.unit, key.factor_code)
            if factor is None:
                return -CaseStatus.UNKNOWN_FACTOR
            return self.factor_rows[FactorRow(factor.factor_code, Pay.SHARE, factor.factor)]
        if not is_case or key.care_setting is None:
            return 0
        if outcome is None:
            return -CaseStatus.MISSING_FIELD
        rules = [
            find_stay_rule(
                schedule,
                care_setting=key.care_setting,
                outcome=outcome,
                death_unavoidable=unavoidable,
                days=max(days, 1),
                flags=stay_class.flags,
            )
            for unavoidable in ((False, True) if death == DEATH_UNSAID else (death == DEATH_UNAVOIDABLE,))
        ]
        if rules[0] is not rules[-1]:
            return -CaseStatus.MISSING_FIELD
        return 0 if rules[0] is None else self.factor_rows[_stay_factor(rules[0])]

    def _factors(self) -> NDArray[np.int64]:
        rows = []
        for row in self.factor_rows:
            if row.pay is Pay.PER_PLANNED_DAY:
                rows.append((2, 1, 1))
            elif row.share == 1:
                rows.append((0, 1, 1))
            else:
                rows.append((1, row.share.numerator, row.share.denominator))
        return np.array(rows, dtype=np.int64)

    def _coefficients(self) -> dict[str, NDArray[Any]]:
        numbers: dict[tuple[Fraction, RoundingMode, int], int] = {}

        def row_of(coefficient: Fraction, schedule: Schedule) -> int:
            step = 10 ** (schedule.minor_units - _unit_places(schedule))
            per_rate = coefficient / (self._scales[schedule.id] * step)
            return numbers.setdefault((per_rate, schedule.roundings.unit.mode, step), len(numbers))

        table = np.full(
            (2 + len(self.provider_rows), len(self._periods)), -CaseStatus.UNKNOWN_PROVIDER, dtype=np.int32
        )
        starts = [start for start, _ in self._period_spans]
        combined: dict[tuple[int, tuple[Fraction, ...]], Fraction] = {}
        for schedule in self.editions:
            own = [p for p, (_, epoch) in enumerate(self._periods) if self.epochs[epoch].schedule is schedule]
            if schedule.providers is None:
                table[:, own] = row_of(Fraction(1), schedule)
                continue
            table[MISSING_PROVIDER_ROW, own] = -CaseStatus.MISSING_FIELD
            for provider_id, provider_periods in schedule.providers.items():
                cells = table[self.provider_rows[provider_id]]
                cells[own] = -CaseStatus.NO_COEFFICIENT_FOR_DATE
                for row in provider_periods:
                    key = (id(schedule), row.coefficients)
                    if key not in combined:
                        combined[key] = combined_coefficient(schedule, row)
                    first = bisect_left(starts, row.effective_start_date)
                    stop = (
                        len(starts)
                        if row.effective_end_date is None
                        else bisect_left(starts, row.effective_end_date)
                    )
                    number = row_of(combined[key], schedule)
                    cells[[p for p in own if first <= p < stop]] = number
        rows = np.zeros((len(numbers), len(COEFFICIENT_COLUMNS)), dtype=np.uint64)
        wide = np.zeros((len(numbers), 4), dtype=np.uint64)
        for number, (per_rate, mode, step) in enumerate(numbers):
            rows[number] = [*_fast_division(per_rate, mode), step, _doubled_denominator(per_rate), number]
            wide[number] = [*divmod(per_rate.numerator, 1 << 64), *divmod(per_rate.denominator, 1 << 64)]
        return {"coefficient_row": table, "coefficients": rows, "wide_coefficients": wide}

    def _component_tables(self) -> dict[str, NDArray[Any]]:
        columns = {name: number for number, name in enumerate(self.component_names)}
        sets: dict[tuple[tuple[str, Fraction], ...], int] = {}
        table = np.zeros((len(self.epochs), self.item_count, len(self.setting_keys)), dtype=np.uint16)
        for e, epoch in enumerate(self.epochs):
            of_profile: dict[str, list[int]] = {}
            for code, group in epoch.schedule.groups.items():
                if group.component_profile is None:
                    continue
                if group.component_profile not in of_profile:
                    of_profile[group.component_profile] = [
                        self._component_set(epoch.schedule, group.component_profile, key, sets)
                        for key in self.setting_keys
                    ]
                table[e, self.drg_items[code]] = of_profile[group.component_profile]
        rows = np.zeros((1 + len(sets), len(COMPONENT_SET_COLUMNS)), dtype=np.uint64)
        running = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint64)
        target = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint16)
        for parts, number in sets.items():
            denominator = math.lcm(*(share.denominator for _, share in parts))
            doubled = 2 * denominator
            magic, shift = reciprocal(doubled)
            rows[number] = [doubled, magic, shift, (2**63 - 1 - denominator) // doubled]
            reached = Fraction(0)
            unlisted = [name for name in columns if name not in dict(parts)]
            for k, (name, share) in enumerate([*parts, *((name, Fraction(0)) for name in unlisted)]):
                reached += share
                running[number, k] = _exact_int(reached * doubled)
                target[number, k] = columns[name]
        return {
            "component_set": table,
            "component_sets": rows,
            "component_running": running,
            "component_column": target,
        }

    @staticmethod
    def _component_set(
        schedule: Schedule, profile: str, key: SettingKey, sets: dict[tuple[tuple[str, Fraction], ...], int]
    ) -> int:
        if key.care_setting is None:
            return 0
        parts = tuple(
            (row.component, row.share) for row in component_shares(schedule, profile, key.care_setting)
        )
        return sets.setdefault(parts, 1 + len(sets)) if parts else 0

    # -- limits ----------------------------------------------------------------------------------

    def _refuse_what_does_not_fit(self) -> None:
        problems = []

        def refuse(what: str, count: int, limit: int, way_out: str) -> None:
            if count > limit:
                place = f"catalog {self.catalog.tariff_family}"
                problems.append(Problem(place, what, str(count), f"a catalog has at most {limit}", way_out))

        fewer = "price with fewer editions at once"
        refuse("cost groups and services", self.item_count, 1 << 16, fewer)
        refuse("providers", 2 + len(self.provider_rows), 1 << 16, fewer)
        refuse("editions", len(self.editions), 255, fewer)
        refuse("dates on which something changes", len(self._periods), (1 << 15) - 1, fewer)
        refuse("settings with their factors", len(self.setting_keys), 256, fewer)
        refuse("outcomes", 2 + len(self.outcomes), 256 // DEATH_ANSWERS, fewer)
        refuse("kinds of groups and services", len(self.stay_classes), 256, "use fewer flags in exemptions")
        refuse(
            "lists of exception procedures",
            len(self.procedure_lists),
            _MAX_LISTS,
            "join lists that are the same",
        )
        refuse("rules", self.column_count * len(self.factor_rows), 1 << 16, fewer)
        first, last = self.catalog.spans[0].start, self._period_spans[-1][1] or self._period_spans[-1][0]
        refuse("days from the first edition to the last", (last - first).days, 28_000, fewer)
        for schedule in self.editions:
            bits = (widest_denominator(schedule)).bit_length()
            if bits > _MAX_WIDE_BITS:
                problems.append(
                    Problem(
                        f"{schedule.id}/providers.csv",
                        None,
                        None,
                        f"coefficients, roundings and shares together need {bits} bits, at most {_MAX_WIDE_BITS} are exact",
                        "write the coefficients with fewer decimals",
                    )
                )
        if problems:
            raise CatalogError("these editions cannot be priced together", problems)


def own_rate_id(unit: Unit, care_setting: str) -> str:
    """The rule id of a service paid by a rate of its own care setting."""
    return f"{unit}.{care_setting}.rate"


def rate_scale(schedule: Schedule) -> int:
    """What the rates of an edition are multiplied with to be whole minor units: 1 unless tariffs stay exact."""
    places = schedule.roundings.tariff.places
    if places is not None:
        return int(10 ** max(0, places - schedule.minor_units))
    scale = 1
    minor = 10**schedule.minor_units
    for share in schedule.shares:
        for rule in (share, *share.exceptions):
            if share.unit is Unit.CASE:
                for group in schedule.groups.values():
                    for age_class in AgeClass:
                        if age_class is AgeClass.ADULT or group.relative_weight_child is not None:
                            tariff = case_tariff(schedule, group, age_class, rule)
                            scale = math.lcm(scale, (tariff * minor).denominator)
            else:
                for rows in schedule.services.values():
                    for row in rows:
                        if row.unit is share.unit and row.care_setting is None:
                            scale = math.lcm(
                                scale, (service_tariff(schedule, row, share) * minor).denominator
                            )
    return scale


def widest_denominator(schedule: Schedule) -> int:
    """The largest denominator the kernel meets when it rounds a unit price of this edition."""
    step = 10 ** (schedule.minor_units - _unit_places(schedule))
    coefficients = (
        combined_coefficient(schedule, period).denominator
        for periods in (schedule.providers or {}).values()
        for period in periods
    )
    factors = [1]
    for rule in schedule.stay_rules:
        if rule.pay is Pay.PER_PLANNED_DAY:
            factors += [
                group.planned_days for group in schedule.groups.values() if group.planned_days is not None
            ]
        elif rule.share is not None:
            factors.append(rule.share.denominator)
    factors += [factor.factor.denominator for factor in schedule.factors]
    return rate_scale(schedule) * step * max(coefficients, default=1) * max(factors)


def _unit_places(schedule: Schedule) -> int:
    places = schedule.roundings.unit.places
    assert places is not None, "the unit price is always rounded"
    return places


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Each value once, in the order of first appearance."""
    return tuple(dict.fromkeys(values))


def _cuts(spans: Iterable[tuple[date, date | None]]) -> set[date]:
    return {day for span in spans for day in span if day is not None}


def _exact_int(value: Fraction) -> int:
    assert value.denominator == 1, f"{value} is not whole"
    return value.numerator


def _stay_factor(rule: StayRule) -> FactorRow:
    return FactorRow(rule.id, rule.pay, Fraction(1) if rule.share is None else rule.share)


def _fill_no_rate(cell: NDArray[np.int64]) -> None:
    """An item that is known: where no rate is filled in, the reason."""
    cell[:] = -CaseStatus.NOT_PRICED_IN_SETTING
    for column, status in enumerate(_NO_RATE_COLUMNS):
        cell[column] = -status


def _any_in_force(rows: Sequence[Any], day: date) -> bool:
    return any(
        row.effective_start_date <= day and (row.effective_end_date is None or day < row.effective_end_date)
        for row in rows
    )


def _rates_by_age(schedule: Schedule, group: Group, rule: Any, scale: int) -> list[int]:
    adult = _exact_int(case_tariff(schedule, group, AgeClass.ADULT, rule) * scale)
    if group.relative_weight_child is None:
        return [adult, -CaseStatus.MISSING_WEIGHT, -CaseStatus.MISSING_FIELD]
    if group.relative_weight_child == group.relative_weight:
        return [adult, adult, adult]
    return [
        adult,
        _exact_int(case_tariff(schedule, group, AgeClass.CHILD, rule) * scale),
        -CaseStatus.MISSING_FIELD,
    ]


def _doubled_denominator(per_rate: Fraction) -> int:
    doubled = 2 * per_rate.denominator
    return doubled if doubled < 1 << 63 else 0


def _fast_division(per_rate: Fraction, mode: RoundingMode) -> tuple[int, int, int, int, int]:
    """(numerator, bias, magic, shift, max_rate) of ``round(rate x per_rate)`` in 64 bits, for rates up to max_rate.

    Numerator and denominator are doubled, so that half of the denominator is whole:
    half up = floor((2 x n + d) / 2d).  A coefficient too long for 64 bits gets max_rate 0.
    """
    numerator, denominator = 2 * per_rate.numerator, 2 * per_rate.denominator
    bias = {
        RoundingMode.HALF_UP: denominator // 2,
        RoundingMode.HALF_EVEN: denominator // 2,
        RoundingMode.DOWN: 0,
        RoundingMode.UP: denominator - 1,
    }[mode]
    max_rate = (2**63 - 1 - bias) // numerator if bias < 2**63 else 0
    if denominator >= 2**63 or max_rate <= 0:
        return 0, 0, 0, 0, 0
    magic, shift = reciprocal(denominator)
    return numerator, bias, magic, shift, max_rate
