"""Binds a catalog to tables the kernel can walk: every rule resolved beforehand, every case a few look-ups.

The words used here and in `_kernel.pyx`:

period       a span of days over which nothing that a date decides changes
epoch        an edition together with the services in force; several periods may share one
item         what a line prices: a cost group or a service (0 and 1 stand for unknown ones)
setting key  care setting, with the answer to the setting's hours limit or the service's factor
signature    which of the catalog's lists of exception procedures the stay touches, one bit each
variant      setting key and signature in one number: ``setting key << signature_bits | signature``
rate column  the share or exception that applies; the first few stand for "no rate, because ..."
stay class   what stay rules need to know of an item: its flags that matter, or its unit
outcome      outcome and whether a death was unavoidable

A table cell below zero is a `CaseStatus` with its sign changed: the line has no amount, for that reason.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
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
from tariffcore.money import MAX_AMOUNT_MINOR, RoundingMode
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.exactness import rate_scale, unit_step_minor, widest_denominator
from tariffcore.schedule.limits import MAX_AGE_YEARS, MAX_DENOMINATOR_BITS, MAX_EXCEPTION_LISTS
from tariffcore.schedule.model import (
    AgeClass,
    DayCount,
    Group,
    Pay,
    Schedule,
    Share,
    ShareException,
    StayRule,
    Unit,
)
from tariffcore.schedule.tariff import (
    case_tariff,
    combined_coefficient,
    component_shares,
    find_factor,
    find_service,
    find_share,
    find_stay_rule,
    service_tariff,
    with_exceptions,
)
from tariffcore.statuses import CaseStatus

ROUNDING_CODES = {
    RoundingMode.HALF_UP: 0,
    RoundingMode.HALF_EVEN: 1,
    RoundingMode.DOWN: 2,
    RoundingMode.UP: 3,
}

FACTOR_COLUMNS = ("per_planned_day", "numerator", "denominator")
COEFFICIENT_COLUMNS = ("multiplier", "bias", "limit", "status")
WIDE_COEFFICIENT_COLUMNS = ("numerator_high", "numerator_low", "denominator_high", "denominator_low", "step")
FIXED_POINT_BITS = 62
"""Binary places of a multiplier: it stands for coefficients below 4."""
COMPONENT_SET_COLUMNS = ("denominator", "magic", "shift", "max_amount")

UNKNOWN_DRG_ITEM, UNKNOWN_SERVICE_ITEM = 0, 1
UNKNOWN_SETTING_KEY = 0
UNKNOWN_PROVIDER_ROW, MISSING_PROVIDER_ROW = 0, 1
UNKNOWN_OUTCOME, MISSING_OUTCOME = 0, 1
DEATH_AVOIDABLE, DEATH_UNAVOIDABLE, DEATH_UNSAID = 0, 1, 2
DEATH_ANSWERS = 3
AGE_CLASSES = 3  # adult, child, unknown
MISSING_AGE = 255

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

_NO_RATE_STATUSES = (
    CaseStatus.UNKNOWN_SETTING,
    CaseStatus.NOT_PRICED_IN_SETTING,
    CaseStatus.STAY_OVER_LIMIT,
    CaseStatus.MISSING_FIELD,  # the hours of the stay
)
_RATES_A_CACHE_LINE = 8
_MAX_TABLE = 1 << 27  # entries: the largest table has eight bytes each
_CANNOT_BE_PRICED = "these editions cannot be priced together"
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

    @property
    def pays_in_full(self) -> bool:
        """Whether the rate is paid as it is."""
        return self.pay is not Pay.PER_PLANNED_DAY and self.share == 1


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


@dataclass(frozen=True, slots=True)
class _PerRate:
    """What a rate is multiplied with to be a unit price, counted in steps of ``step`` minor units."""

    value: Fraction
    mode: RoundingMode
    step: int

    def narrow_row(self) -> tuple[int, int, int, int]:
        """The row of `COEFFICIENT_COLUMNS`: ``round(rate x value)`` is
        ``(rate x multiplier + bias) >> FIXED_POINT_BITS`` for every rate below ``limit``, unless the fraction
        shifted out is within ``rate`` of the next whole number.

        The multiplier is the value rounded down to a binary fraction, so the sum is too small by less than
        ``rate``: only where that could have crossed a whole number is anything in doubt, and the whole rule
        decides.  Values of 4 and more, and roundings that few schedules use, get limit 0.
        """
        one = 1 << FIXED_POINT_BITS
        bias = {RoundingMode.HALF_UP: one // 2, RoundingMode.DOWN: 0}.get(self.mode)
        multiplier = math.floor(self.value * one)
        if bias is None or self.step != 1 or multiplier >= 1 << 64:
            return (0, 0, 0, 0)
        fits_18_digits = math.floor((MAX_AMOUNT_MINOR - 1) / self.value)
        return (multiplier, bias, min(fits_18_digits, one // 2) + 1, 0)

    def wide_row(self) -> tuple[int, int, int, int, int]:
        """The row of `WIDE_COEFFICIENT_COLUMNS`: the value itself, as a fraction."""
        return (
            *divmod(self.value.numerator, 1 << 64),
            *divmod(self.value.denominator, 1 << 64),
            self.step,
        )


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
            day_record=self._day_record(),
            age_class=self._age_class(),
            rounding_mode=self._of_edition(lambda s: ROUNDING_CODES[s.roundings.unit.mode]),
            day_count_extra=self._of_edition(_extra_day),
            **self._items_and_rates(),
            planned_days=self._planned_days().reshape(-1),
            factors=self._factors(),
            full_pay_rows=sum(row.pays_in_full for row in self.factor_rows),
            stay_bits=self.stay_bits,
            signature_bits=self.signature_bits,
            **self._choices(),
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
        editions = np.array([epoch.edition for epoch in self.epochs])
        self._epochs_of_edition = [np.flatnonzero(editions == number) for number in range(len(self.editions))]

    def _service_spans(self, edition: int) -> Iterator[tuple[str, NDArray[np.intp], date]]:
        """Each service of an edition with epochs over which its rows in force stay, and a day of them."""
        epochs = self._epochs_of_edition[edition]
        days = [self.epochs[epoch].day for epoch in epochs]
        for code, rows in self.editions[edition].services.items():
            cuts = _cuts((row.effective_start_date, row.effective_end_date) for row in rows)
            places = {0, *(bisect_left(days, cut) for cut in cuts), len(days)}
            for start, stop in pairwise(sorted(places)):
                yield code, epochs[start:stop], days[start]

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
        self.signature_bits = len(self.procedure_lists)

    def _number_classes(self) -> None:
        named = frozenset(
            flag
            for schedule in self.editions
            for rule in schedule.stay_rules
            for exemption in rule.exemptions
            for flag in exemption.drg_flags
        )
        numbers: dict[StayClass, int] = {StayClass(Unit.CASE): 0}
        self._class_spans: list[tuple[NDArray[np.intp], int, int]] = []  # epochs, item, number of the class
        for edition, schedule in enumerate(self.editions):
            epochs = self._epochs_of_edition[edition]
            for code, group in schedule.groups.items():
                key = StayClass(Unit.CASE, flags=group.flags & named)
                number = numbers.setdefault(key, len(numbers))
                self._class_spans.append((epochs, self.drg_items[code], number))
            for code, epochs, day in self._service_spans(edition):
                own = frozenset(
                    setting
                    for setting in schedule.care_settings
                    if (row := find_service(schedule, code, setting, day)) is not None
                    and row.care_setting is not None
                )
                key = StayClass(schedule.services[code][0].unit, own_settings=own)
                number = numbers.setdefault(key, len(numbers))
                self._class_spans.append((epochs, self.service_items[code], number))
        self.stay_classes = list(numbers)

    def _number_columns(self) -> None:
        """A rate column for each share, exception and kind of own rate, by its id."""
        self.rate_columns: dict[str, int] = {}
        for schedule in self.editions:
            for share in schedule.shares:
                for rule in with_exceptions(share):
                    self.rate_columns.setdefault(rule.id, len(self.rate_columns))
        for stay_class in self.stay_classes:
            for setting in sorted(stay_class.own_settings):
                self.rate_columns.setdefault(own_rate_id(stay_class.unit, setting), len(self.rate_columns))
        self._no_rate = {status: len(self.rate_columns) + n for n, status in enumerate(_NO_RATE_STATUSES)}
        self.column_count = len(self.rate_columns) + len(self._no_rate)

    def _number_factors(self) -> None:
        rows = {FactorRow(None, Pay.FULL, Fraction(1))}
        for schedule in self.editions:
            rows |= {stay_factor(rule) for rule in schedule.stay_rules}
            rows |= {FactorRow(row.factor_code, Pay.SHARE, row.factor) for row in schedule.factors}
        # those that pay in full come first, and first of all the one of no rule
        ordered = sorted(rows, key=lambda row: (not row.pays_in_full, row.name or "", row.share))
        self.factor_rows = {row: number for number, row in enumerate(ordered)}
        longest = max(
            (r.max_days for s in self.editions for r in s.stay_rules if r.max_days is not None), default=0
        )
        self.stay_bits = (longest + 1).bit_length()

    def _number_components(self) -> None:
        rows = [row for schedule in self.editions for row in schedule.components]
        self.component_names: tuple[str, ...] = _distinct(row.component for row in rows)

    @property
    def variant_count(self) -> int:
        """How many numbers the kernel's variant column may hold."""
        return len(self.setting_keys) << self.signature_bits

    @property
    def outcome_count(self) -> int:
        """How many numbers the kernel's outcome column may hold."""
        return (2 + len(self.outcomes)) * DEATH_ANSWERS

    @cached_property
    def rule_ids(self) -> list[str | None]:
        """The rule id behind each number in the kernel's rule column."""
        columns = [*self.rate_columns, *(None for _ in self._no_rate)]
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
        return ((self._day_record() >> np.uint64(48)) & np.uint64(0xFF)).astype(np.int16) - np.int16(1)

    # -- tables ----------------------------------------------------------------------------------

    def _of_edition(self, answer: Callable[[Schedule], int]) -> NDArray[np.uint8]:
        """Something small of each edition, at its number + 1."""
        return np.array([0, *(answer(schedule) for schedule in self.editions)], dtype=np.uint8)

    def _day_record(self) -> NDArray[np.uint64]:
        no_period = len(self._periods)
        table = np.full(DAY_CODES, CaseStatus.NO_SCHEDULE_FOR_DATE << 56 | no_period, dtype=np.uint64)
        for number, ((start, end), (_, epoch)) in enumerate(
            zip(self._period_spans, self._periods, strict=True)
        ):
            stop = MISSING_DAY if end is None else self.day_code(end)
            edition = 1 + self.epochs[epoch].edition
            table[self.day_code(start) : stop] = edition << 48 | (epoch * self.item_count) << 16 | number
        for code, status in _STATUS_OF_DAY_CODE.items():
            table[code] = status << 56 | no_period
        return table

    def _age_class(self) -> NDArray[np.uint8]:
        table = np.full((1 + len(self.editions), 256), 2, dtype=np.uint8)
        for number, schedule in enumerate(self.editions):
            table[1 + number, : MAX_AGE_YEARS + 1] = 0
            table[1 + number, : schedule.child_age_limit] = 1
        return table

    def _items_and_rates(self) -> dict[str, NDArray[Any]]:
        """For epoch and item: where its rates begin, and the choices of its stay class.

        Rows of rates that are the same, such as those of a group in all epochs of an edition, are kept once,
        and each begins a cache line: the rates in use are then few lines.
        """
        rates = self._rate_minor().reshape(len(self.epochs) * self.item_count, -1)
        row_size = -(-rates.shape[1] // _RATES_A_CACHE_LINE) * _RATES_A_CACHE_LINE
        numbers: dict[bytes, int] = {}
        row_of_item = np.array(
            [numbers.setdefault(row.tobytes(), len(numbers)) for row in rates], dtype=np.uint64
        )
        rows = _cache_aligned(len(numbers) * row_size).reshape(-1, row_size)
        for content, number in numbers.items():
            rows[number, : rates.shape[1]] = np.frombuffer(content, dtype=np.int64)
        edition = np.array([epoch.edition for epoch in self.epochs], dtype=np.uint64)
        stay_class = np.zeros((len(self.epochs), self.item_count), dtype=np.uint64)
        for epochs, item, number in self._class_spans:
            stay_class[epochs, item] = number
        of_class = edition[:, None] * np.uint64(len(self.stay_classes)) + stay_class
        first_choice = of_class.reshape(-1) * np.uint64(self.variant_count)
        first_rate = row_of_item * np.uint64(row_size)
        return {"item_record": first_choice << np.uint64(32) | first_rate, "rate_minor": rows.reshape(-1)}

    def _choices(self) -> dict[str, NDArray[Any]]:
        """For edition, stay class and variant: the rate column, the rule and the factor rows.

        Factor rows come in blocks by outcome and days between the dates, one block for each thing that
        stay rules and factors can say.
        """
        blocks: dict[tuple[tuple[int, int], ...], int] = {}
        block_size = self.outcome_count << self.stay_bits
        shape = (len(self.editions), len(self.stay_classes), len(self.setting_keys), 1 << self.signature_bits)
        record = np.zeros(shape, dtype=np.uint64)
        for number, schedule in enumerate(self.editions):
            for c, stay_class in enumerate(self.stay_classes):
                for k, key in enumerate(self.setting_keys):
                    block = self._factor_block(schedule, key, stay_class)
                    first = blocks.setdefault(block, len(blocks)) * block_size
                    for signature, column in enumerate(self._columns_of(schedule, key, stay_class)):
                        rule = column * len(self.factor_rows)
                        record[number, c, k, signature] = first << 32 | rule << 16 | column * AGE_CLASSES
        if len(blocks) * block_size > _MAX_TABLE:
            shorter = "give stay rules fewer days, or price with fewer editions at once"
            problem = self._too_many(
                "stays by outcome and day", len(blocks) * block_size, _MAX_TABLE, shorter
            )
            raise CatalogError(_CANNOT_BE_PRICED, [problem])
        runs = [run for block in blocks for run in block]
        rows = np.repeat(np.array([row for row, _ in runs], dtype=np.int16), [length for _, length in runs])
        return {"choice_record": record.reshape(-1), "factor_row": rows}

    def _factor_block(
        self, schedule: Schedule, key: SettingKey, stay_class: StayClass
    ) -> tuple[tuple[int, int], ...]:
        """Factor rows by outcome and days between the dates: each row and for how many days it stands."""
        extra = _extra_day(schedule)
        turns = {rule.max_days + 1 - extra for rule in schedule.stay_rules if rule.max_days is not None}
        size = 1 << self.stay_bits
        spans = list(pairwise([0, *sorted(turn for turn in turns if 0 < turn < size), size]))
        return tuple(
            (
                self._factor_cell(schedule, key, number, outcome, stay_class, death, max(1, start + extra)),
                stop - start,
            )
            for number, outcome in enumerate([None, None, *self.outcomes])
            for death in range(DEATH_ANSWERS)
            for start, stop in spans
        )

    def _columns_of(self, schedule: Schedule, key: SettingKey, stay_class: StayClass) -> list[int]:
        """The rate column of a setting key and stay class, for every signature."""
        setting = key.care_setting
        if setting is None or setting not in schedule.care_settings:
            return [self._no_rate[CaseStatus.UNKNOWN_SETTING]] * (1 << self.signature_bits)
        if setting in stay_class.own_settings:
            return [self.rate_columns[own_rate_id(stay_class.unit, setting)]] * (1 << self.signature_bits)
        share = find_share(schedule, stay_class.unit, setting)
        if share is None:
            return [self._no_rate[CaseStatus.NOT_PRICED_IN_SETTING]] * (1 << self.signature_bits)
        if share.max_hours is not None and key.over_limit is not False:
            status = CaseStatus.STAY_OVER_LIMIT if key.over_limit else CaseStatus.MISSING_FIELD
            return [self._no_rate[status]] * (1 << self.signature_bits)
        return [self.rate_columns[rule.id] for rule in self._rules_by_signature(share)]

    def _rules_by_signature(self, share: Share) -> list[Share | ShareException]:
        bits = [1 << self.procedure_lists.index(exception.procedures) for exception in share.exceptions]
        return [
            next((e for e, bit in zip(share.exceptions, bits, strict=True) if signature & bit), share)
            for signature in range(1 << self.signature_bits)
        ]

    def _rate_minor(self) -> NDArray[np.int64]:
        """Rates in minor units x the epoch's rate scale, or -status; last axis: adult, child, age unknown."""
        table = np.zeros((len(self.epochs), self.item_count, self.column_count, 3), dtype=np.int64)
        table[:] = -CaseStatus.UNKNOWN_DRG
        table[:, [UNKNOWN_SERVICE_ITEM, *self.service_items.values()]] = -CaseStatus.UNKNOWN_SERVICE
        for edition, schedule in enumerate(self.editions):
            scale = self._rate_units(schedule)
            table[self._cells_of_groups(edition)] = self._group_rates(schedule)
            for code, epochs, day in self._service_spans(edition):
                in_force = {
                    setting: row
                    for setting in schedule.care_settings
                    if (row := find_service(schedule, code, setting, day)) is not None
                }
                if not in_force and not _any_in_force(schedule.services[code], day):
                    continue
                cell = np.empty((self.column_count, AGE_CLASSES), dtype=np.int64)
                self._fill_no_rate(cell)
                for setting, row in in_force.items():
                    share = find_share(schedule, row.unit, setting)
                    if row.care_setting is not None:
                        column = self.rate_columns[own_rate_id(row.unit, setting)]
                        cell[column] = _exact_int(service_tariff(schedule, row, None) * scale)
                    elif share is not None:
                        for rule in with_exceptions(share):
                            tariff = service_tariff(schedule, row, rule)
                            cell[self.rate_columns[rule.id]] = _exact_int(tariff * scale)
                table[epochs, self.service_items[code]] = cell
        return table

    def _cells_of_groups(self, edition: int) -> tuple[NDArray[np.intp], ...]:
        """The groups of an edition, in its order, in all its epochs: where they stand in a table of both."""
        items = [self.drg_items[code] for code in self.editions[edition].groups]
        return np.ix_(self._epochs_of_edition[edition], np.array(items, dtype=np.intp))

    def _fill_no_rate(self, cell: NDArray[np.int64]) -> None:
        """An item that is known: where no rate is filled in, the reason."""
        cell[:] = -CaseStatus.NOT_PRICED_IN_SETTING
        for status, column in self._no_rate.items():
            cell[column] = -status

    def _rate_units(self, schedule: Schedule) -> int:
        """How many of the kernel's units of a rate are one unit of the currency."""
        return int(10**schedule.minor_units) * self._scales[schedule.id]

    def _group_rates(self, schedule: Schedule) -> NDArray[np.int64]:
        """Group, rate column and age class, in the order of the edition's groups."""
        scale = self._rate_units(schedule)
        rules = [
            rule for share in schedule.shares if share.unit is Unit.CASE for rule in with_exceptions(share)
        ]
        table = np.zeros((len(schedule.groups), self.column_count, AGE_CLASSES), dtype=np.int64)
        for cell, group in zip(table, schedule.groups.values(), strict=True):
            self._fill_no_rate(cell)
            for rule in rules:
                cell[self.rate_columns[rule.id]] = _rates_by_age(schedule, group, rule, scale)
        return table

    def _planned_days(self) -> NDArray[np.uint16]:
        table = np.zeros((len(self.epochs), self.item_count), dtype=np.uint16)
        for edition, schedule in enumerate(self.editions):
            days = [group.planned_days or 0 for group in schedule.groups.values()]
            table[self._cells_of_groups(edition)] = days
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
                days=days,
                flags=stay_class.flags,
            )
            for unavoidable in ((False, True) if death == DEATH_UNSAID else (death == DEATH_UNAVOIDABLE,))
        ]
        if rules[0] is not rules[-1]:
            return -CaseStatus.MISSING_FIELD
        return 0 if rules[0] is None else self.factor_rows[stay_factor(rules[0])]

    def _factors(self) -> NDArray[np.int64]:
        return np.array(
            [
                (row.pay is Pay.PER_PLANNED_DAY, row.share.numerator, row.share.denominator)
                for row in self.factor_rows
            ],
            dtype=np.int64,
        )

    def _coefficients(self) -> dict[str, Any]:
        """For provider and period a row of coefficients, over all that a rate still is to be divided by."""
        rows: dict[_PerRate | CaseStatus, int] = {}

        def row_of(key: _PerRate | CaseStatus) -> int:
            return rows.setdefault(key, len(rows))

        def per_rate(coefficient: Fraction, schedule: Schedule) -> _PerRate:
            step = unit_step_minor(schedule)
            scale = self._scales[schedule.id]
            return _PerRate(coefficient / (scale * step), schedule.roundings.unit.mode, step)

        period_bits = len(self._periods).bit_length()
        shape = (2 + len(self.provider_rows), 1 << period_bits)
        table = np.full(shape, row_of(CaseStatus.NO_SCHEDULE_FOR_DATE), dtype=np.uint32)
        starts = np.array([days_since_1970(start) for start, _ in self._period_spans])
        edition_of_period = np.array([self.epochs[epoch].edition for _, epoch in self._periods])
        for number, schedule in enumerate(self.editions):
            own = np.flatnonzero(edition_of_period == number)
            if schedule.providers is None:
                table[:, own] = row_of(per_rate(Fraction(1), schedule))
                continue
            table[:, own] = row_of(CaseStatus.UNKNOWN_PROVIDER)
            table[MISSING_PROVIDER_ROW, own] = row_of(CaseStatus.MISSING_FIELD)
            combined: dict[tuple[Fraction, ...], int] = {}
            for provider_id, provider_periods in schedule.providers.items():
                cells = table[self.provider_rows[provider_id]]
                cells[own] = row_of(CaseStatus.NO_COEFFICIENT_FOR_DATE)
                for row in provider_periods:
                    if row.coefficients not in combined:
                        coefficient = combined_coefficient(schedule, row)
                        combined[row.coefficients] = row_of(per_rate(coefficient, schedule))
                    covered = starts[own] >= days_since_1970(row.effective_start_date)
                    if row.effective_end_date is not None:
                        covered &= starts[own] < days_since_1970(row.effective_end_date)
                    cells[own[covered]] = combined[row.coefficients]
        narrow = np.zeros((len(rows), len(COEFFICIENT_COLUMNS)), dtype=np.uint64)
        wide = np.zeros((len(rows), len(WIDE_COEFFICIENT_COLUMNS)), dtype=np.uint64)
        for key, number in rows.items():
            if isinstance(key, CaseStatus):
                narrow[number, -1] = key
            else:
                narrow[number] = key.narrow_row()
                wide[number] = key.wide_row()
        return {
            "coefficient_row": table,
            "period_bits": period_bits,
            "coefficients": narrow,
            "wide_coefficients": wide,
        }

    def _component_tables(self) -> dict[str, NDArray[Any]]:
        columns = {name: number for number, name in enumerate(self.component_names)}
        sets: dict[tuple[tuple[str, Fraction], ...], int] = {}
        table = np.zeros((len(self.epochs), self.item_count, len(self.setting_keys)), dtype=np.uint16)
        for edition, schedule in enumerate(self.editions):
            of_profile: dict[str | None, list[int]] = {None: [0] * len(self.setting_keys)}
            for profile in _distinct(group.component_profile for group in schedule.groups.values()):
                if profile is not None:
                    of_profile[profile] = [
                        self._component_set(schedule, profile, key, sets) for key in self.setting_keys
                    ]
            table[self._cells_of_groups(edition)] = np.array(
                [of_profile[group.component_profile] for group in schedule.groups.values()], dtype=np.uint16
            ).reshape(-1, len(self.setting_keys))
        rows = np.zeros((1 + len(sets), len(COMPONENT_SET_COLUMNS)), dtype=np.uint64)
        running = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint64)
        target = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint16)
        # set 0, for what has no profile, is all nothing, whatever the amount
        rows[0, COMPONENT_SET_COLUMNS.index("max_amount")] = (1 << 64) - 1
        target[0] = np.arange(target.shape[1])
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
            "component_set": table.reshape(-1, len(self.setting_keys)),
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
        problems: list[Problem] = []

        def refuse(what: str, count: int, limit: int, way_out: str) -> None:
            if count > limit:
                problems.append(self._too_many(what, count, limit, way_out))

        fewer = "price with fewer editions at once"
        refuse("cost groups and services", self.item_count, 1 << 16, fewer)
        refuse("providers", 2 + len(self.provider_rows), 1 << 16, fewer)
        refuse("editions", len(self.editions), 255, fewer)
        refuse("dates on which something changes", len(self._periods), (1 << 15) - 1, fewer)
        refuse("outcomes", 2 + len(self.outcomes), 256 // DEATH_ANSWERS, fewer)
        refuse("kinds of groups and services", len(self.stay_classes), 256, "use fewer flags in exemptions")
        refuse(
            "lists of exception procedures",
            len(self.procedure_lists),
            MAX_EXCEPTION_LISTS,
            "join lists that are the same",
        )
        refuse("rules", self.column_count * max(AGE_CLASSES, len(self.factor_rows)), 1 << 16, fewer)
        refuse("variants of care settings", self.variant_count, 1 << 16, fewer)
        columns = max(self.column_count * AGE_CLASSES, len(self.setting_keys))
        epoch_items = len(self.epochs) * self.item_count
        refuse("rates on all dates when services change", epoch_items * columns, _MAX_TABLE, fewer)
        choices = len(self.editions) * len(self.stay_classes) * self.variant_count
        refuse("choices by care setting and procedures", choices, _MAX_TABLE, fewer)
        first, last = self.catalog.spans[0].start, self._period_spans[-1][1] or self._period_spans[-1][0]
        refuse("days from the first edition to the last", (last - first).days, 28_000, fewer)
        for schedule in self.editions:
            bits = widest_denominator(schedule).bit_length()
            refuse(
                f"bits of {schedule.id}'s unit prices before rounding",
                bits,
                MAX_DENOMINATOR_BITS,
                "write coefficients with fewer decimals",
            )
        if problems:
            raise CatalogError(_CANNOT_BE_PRICED, problems)

    def _too_many(self, what: str, count: int, limit: int, way_out: str) -> Problem:
        place = f"catalog {self.catalog.tariff_family}"
        return Problem(place, what, str(count), f"a catalog has at most {limit}", way_out)


def own_rate_id(unit: Unit, care_setting: str) -> str:
    """The rule id of a service paid by a rate of its own care setting."""
    return f"{unit}.{care_setting}.rate"


def _cache_aligned(count: int) -> NDArray[np.int64]:
    """Room for so many numbers, beginning where a cache line begins."""
    room = np.zeros(count + _RATES_A_CACHE_LINE, dtype=np.int64)
    skip = -(room.ctypes.data // room.itemsize) % _RATES_A_CACHE_LINE
    return room[skip : skip + count]


def _distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Each value once, in the order of first appearance."""
    return tuple(dict.fromkeys(values))


def _cuts(spans: Iterable[tuple[date, date | None]]) -> set[date]:
    return {day for span in spans for day in span if day is not None}


def _exact_int(value: Fraction) -> int:
    assert value.denominator == 1, f"{value} is not whole"
    return value.numerator


def stay_factor(rule: StayRule) -> FactorRow:
    return FactorRow(rule.id, rule.pay, Fraction(1) if rule.share is None else rule.share)


def _extra_day(schedule: Schedule) -> int:
    return int(schedule.day_count is DayCount.INCLUSIVE)


def _any_in_force(rows: Sequence[Any], day: date) -> bool:
    return any(
        row.effective_start_date <= day and (row.effective_end_date is None or day < row.effective_end_date)
        for row in rows
    )


def _rates_by_age(schedule: Schedule, group: Group, rule: Share | ShareException, scale: int) -> list[int]:
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
