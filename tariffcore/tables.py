"""The layout of the kernel's tables: every rule resolved beforehand, every case a few look-ups.

Everything here is numbered as `tariffcore.numbering` says.  A rate or factor row below zero is a `CaseStatus`
with its sign changed: the line has no amount, for that reason.  A place is a number of bytes from where a
table begins, so that the kernel need not multiply.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore.errors import CatalogError, Problem
from tariffcore.money import RoundingMode
from tariffcore.numbering import (
    AGE_CLASSES,
    DAY_CODES,
    DEATH_ANSWERS,
    DEATH_UNAVOIDABLE,
    DEATH_UNSAID,
    INVALID_DAY,
    INVALID_STAY,
    MALFORMED_DAY,
    MISSING_DAY,
    MISSING_OUTCOME,
    MISSING_PROVIDER_ROW,
    OUTSIDE_DAY,
    UNITS_WITH_STAY,
    UNKNOWN_SERVICE_ITEM,
    FactorRow,
    Numbering,
    SettingKey,
    StayClass,
    days_since_1970,
    distinct,
    own_rate_id,
    stay_factor,
    with_addon,
)
from tariffcore.schedule.exactness import rate_scale, unit_step_minor
from tariffcore.schedule.limits import MAX_AGE_YEARS
from tariffcore.schedule.model import (
    AgeClass,
    DayCount,
    Group,
    Pay,
    PaymentMethod,
    Schedule,
    Share,
    ShareException,
    Unit,
)
from tariffcore.schedule.tariff import (
    case_tariff,
    combined_coefficient,
    component_shares,
    find_addon,
    find_service,
    find_share,
    find_stay_rule,
    is_in_force,
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

DAYS = np.dtype(
    [
        ("first_item", np.uint32, DAY_CODES),  # epoch x items: where the items of the epoch begin
        ("first_coefficient", np.uint32, DAY_CODES),  # period x providers
        ("edition", np.uint8, DAY_CODES),  # number of the edition + 1
        ("status", np.uint8, DAY_CODES),  # why the day has no price
    ]
)
"""What the kernel asks of a day code."""

PRICE_RECORD = np.dtype(
    [
        ("rate", np.uint32),
        ("block", np.uint16),  # column of the factor table
        ("rule", np.uint16),  # to which the factor row is added
    ]
)
"""What an item costs in one variant at one age: rates below `WIDE_RATE` as they are; others are WIDE_RATE +
the number of their row in ``wide_rate``."""
WIDE_RATE = 1 << 31

NOT_IN_FULL = 64
"""A factor row that does not pay in full is kept as -NOT_IN_FULL - row; above that are statuses."""

FACTOR_COLUMNS = ("per_planned_day", "numerator", "denominator")
COEFFICIENT_COLUMNS = ("multiplier", "bias")
WIDE_COEFFICIENT_COLUMNS = (
    *("numerator_high", "numerator_low", "denominator_high", "denominator_low"),
    *("step", "status"),
)
FRACTION_BITS = 28
"""Binary places of an amount in the short cut: 35 bits are left for the amount, the topmost says no."""
MULTIPLIER_BITS = FRACTION_BITS + 32
"""Binary places of a multiplier: it stands for coefficients below 16."""
_LONGEST_SETTLED_DENOMINATOR = 1 << (FRACTION_BITS - 2)
COMPONENT_SET_COLUMNS = ("denominator", "magic", "shift", "max_amount", "short_limit")
SHARE_BITS = 63
"""Binary places of a running share in the short cut: a whole one has 64 bits."""
SHORT_AMOUNT = 1 << SHARE_BITS - FRACTION_BITS - 1

_STATUS_OF_DAY_CODE = {
    MISSING_DAY: CaseStatus.MISSING_FIELD,
    INVALID_DAY: CaseStatus.INVALID_FIELD,
    INVALID_STAY: CaseStatus.INVALID_DATES,
    OUTSIDE_DAY: CaseStatus.NO_SCHEDULE_FOR_DATE,
    MALFORMED_DAY: CaseStatus.MALFORMED_ROW,
}
_CACHE_LINE = 64  # bytes
MAX_TABLE_BYTES = 1 << 30
CANNOT_BE_PRICED = "these editions cannot be priced together"
FEWER_EDITIONS = "price with fewer editions at once"

Key = tuple[tuple[int, int], ...]


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
class PerRate:
    """What a rate is multiplied with to be a unit price, counted in steps of ``step`` minor units."""

    value: Fraction
    mode: RoundingMode
    step: int

    def short_row(self) -> tuple[int, int]:
        """The row of `COEFFICIENT_COLUMNS`: for every rate below `WIDE_RATE`, with

            reached = (rate x multiplier >> 32) + bias

        ``round(rate x value)`` is ``reached >> FRACTION_BITS``, unless the fraction that this drops is 0.

        Let exact be rate x value in units of 2^-FRACTION_BITS.  The multiplier is the value rounded up to a
        binary fraction, so that rate x multiplier / 2^32 is at least exact and less than rate / 2^32 <= 1/2
        above it; cutting that off to a whole number of units gives floor(exact) or one unit more.  Rounding
        adds half a minor unit (a whole one to round up, nothing to round down), which is a whole number of
        units, and cuts off the fraction: the one unit too many matters only where it makes the fraction 0.
        Ties, where half even looks at the neighbour, and whole numbers, to which rounding up adds nothing,
        have fraction 0 as well.  There the whole rule decides.

        Where the denominator has at most 26 bits, exact is a tie (a whole number, to round down) or at least
        two units away from one.  One unit more then changes no amount, and no fraction is 0: nothing is left
        to the whole rule, except ties of half even and whole numbers to round up.

        Values of 16 and more, and unit prices rounded to more than the minor unit, get (0, 0), with which
        every fraction is 0.
        """
        minor_unit = 1 << FRACTION_BITS
        multiplier = math.ceil(self.value * (1 << MULTIPLIER_BITS))
        if self.step != 1 or multiplier >= 1 << 64:
            return (0, 0)
        bias = {
            RoundingMode.HALF_UP: minor_unit // 2,
            RoundingMode.HALF_EVEN: minor_unit // 2,
            RoundingMode.DOWN: 0,
            RoundingMode.UP: minor_unit,
        }[self.mode]
        may_settle = self.mode in (RoundingMode.HALF_UP, RoundingMode.DOWN)
        if may_settle and self.value.denominator <= _LONGEST_SETTLED_DENOMINATOR:
            bias += 1
        return (multiplier, bias)

    def wide_row(self) -> tuple[int, int, int, int, int, int]:
        """The row of `WIDE_COEFFICIENT_COLUMNS`: the value itself, as a fraction."""
        return (
            *divmod(self.value.numerator, 1 << 64),
            *divmod(self.value.denominator, 1 << 64),
            self.step,
            0,
        )


class Layout:
    """Works out the tables of a numbered catalog, one after the other."""

    def __init__(self, numbering: Numbering) -> None:
        self._n = numbering
        self._scales = {schedule.id: rate_scale(schedule) for schedule in numbering.editions}

    def tables(self) -> dict[str, Any]:
        """The arguments of `_kernel.PriceTables`. Raises CatalogError where a table would be too large."""
        n = self._n
        return {
            "days": self._days(),
            "rounding_mode": self._of_edition(lambda s: ROUNDING_CODES[s.roundings.unit.mode]),
            "day_count_extra": self._of_edition(_extra_day),
            **self._prices_and_factors(),
            "planned_days": self._planned_days().reshape(-1),
            "factors": self._factors(),
            "stay_bits": n.stay_bits,
            "signature_bits": n.signature_bits,
            **self._coefficients(),
            **self._component_tables(),
        }

    def _of_edition(self, answer: Callable[[Schedule], int]) -> NDArray[np.uint8]:
        """Something small of each edition, at its number + 1."""
        return np.array([0, *(answer(schedule) for schedule in self._n.editions)], dtype=np.uint8)

    def _days(self) -> NDArray[np.uint8]:
        n = self._n
        providers = n.provider_count
        table = np.zeros(1, dtype=DAYS)
        first_item, first_coefficient, edition, status = (table[name][0] for name in DAYS.names or ())
        status[:] = CaseStatus.NO_SCHEDULE_FOR_DATE
        first_coefficient[:] = len(n.period_spans) * providers
        for number, ((start, end), epoch) in enumerate(zip(n.period_spans, n.period_epochs, strict=True)):
            days = slice(n.day_code(start), MISSING_DAY if end is None else n.day_code(end))
            first_item[days] = epoch * n.item_count
            first_coefficient[days] = number * providers
            edition[days] = 1 + n.epochs[epoch].edition
            status[days] = 0
        for code, reason in _STATUS_OF_DAY_CODE.items():
            status[code] = reason
        return table.view(np.uint8)

    def _age_class(self) -> NDArray[np.uint32]:
        """For edition + 1 and age: adult, child or unknown."""
        age_class = np.full((1 + len(self._n.editions), 256), 2, dtype=np.uint32)
        for number, schedule in enumerate(self._n.editions):
            age_class[1 + number, : MAX_AGE_YEARS + 1] = 0
            age_class[1 + number, : schedule.child_age_limit] = 1
        return age_class

    def _prices_and_factors(self) -> dict[str, Any]:
        """The price records, with the places of items, variants and ages in them, and the factor rows they
        lead to.

        Items that are paid the same on the same terms, such as a group in all epochs of an edition, share
        their records, and so do variants that no item tells apart: the records in use are then few cache
        lines.  Records of one age class stand together, and among them those of one variant, because most
        cases have the same.
        """
        n = self._n
        rates = self._rate_minor().reshape(len(n.epochs) * n.item_count, -1)
        terms_of_item = self._terms_of_item()
        numbers: dict[tuple[int, bytes], int] = {}
        row_of_item = [
            numbers.setdefault((terms, rate_row.tobytes()), len(numbers))
            for terms, rate_row in zip(terms_of_item.tolist(), rates, strict=True)
        ]
        terms = np.array([key for key, _ in numbers], dtype=np.intp)
        joined = b"".join(content for _, content in numbers)
        rate_rows = np.frombuffer(joined, dtype=np.int64).reshape(len(numbers), n.column_count, AGE_CLASSES)
        is_wide = (rate_rows < 0) | (rate_rows >= WIDE_RATE)
        wide_rate = np.unique(rate_rows[is_wide])
        rate = np.where(is_wide, WIDE_RATE + np.searchsorted(wide_rate, rate_rows), rate_rows).astype(
            np.uint32
        )

        blocks: dict[Key, int] = {}
        column, block = self._choices(blocks)
        variants: dict[bytes, int] = {}
        record_of_variant = [
            variants.setdefault(c.tobytes() + b.tobytes(), len(variants))
            for c, b in zip(np.ascontiguousarray(column.T), np.ascontiguousarray(block.T), strict=True)
        ]
        count = AGE_CLASSES * len(variants) * len(numbers)
        _refuse_beyond("rates by care setting and procedures", count, PRICE_RECORD.itemsize, n)
        records = _cache_aligned(count * PRICE_RECORD.itemsize)
        of_age = records.view(PRICE_RECORD).reshape(AGE_CLASSES, len(variants), len(numbers))
        rows = np.arange(len(numbers))
        for number, variant in {r: v for v, r in reversed([*enumerate(record_of_variant)])}.items():
            of_age["rate"][:, number] = rate[rows, column[terms, variant]].T
            of_age["block"][:, number] = block[terms, variant]
            of_age["rule"][:, number] = column[terms, variant] * len(n.factor_rows)
        size = PRICE_RECORD.itemsize
        return {
            "item_place": np.array(row_of_item, dtype=np.uint32) * np.uint32(size),
            "variant_place": np.array(record_of_variant, dtype=np.uint32) * np.uint32(size * len(numbers)),
            "age_place": self._age_class() * np.uint32(of_age.strides[0]),
            "prices": records,
            "wide_rate": wide_rate if len(wide_rate) else np.zeros(1, dtype=np.int64),
            **self._factor_rows(blocks),
        }

    def _terms_of_item(self) -> NDArray[np.intp]:
        """For epoch and item: edition and stay class, as one number."""
        n = self._n
        edition = np.array([epoch.edition for epoch in n.epochs], dtype=np.intp)
        stay_class = np.zeros((len(n.epochs), n.item_count), dtype=np.intp)
        for epochs, item, number in n.class_spans:
            stay_class[epochs, item] = number
        return (edition[:, None] * len(n.stay_classes) + stay_class).reshape(-1)

    def _choices(self, blocks: dict[Key, int]) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """For edition and stay class, and variant: the rate column and the block of factor rows.

        Adds to ``blocks``, one for each thing that stay rules and factors can say.
        """
        n = self._n
        shape = (len(n.editions), len(n.stay_classes), len(n.setting_keys), 1 << n.signature_bits)
        columns, block_numbers = np.zeros(shape, dtype=np.uint16), np.zeros(shape, dtype=np.uint32)
        for number, schedule in enumerate(n.editions):
            for c, stay_class in enumerate(n.stay_classes):
                for k, key in enumerate(n.setting_keys):
                    block = self._factor_block(schedule, key, stay_class)
                    block_numbers[number, c, k] = blocks.setdefault(block, len(blocks))
                    columns[number, c, k] = self._columns_of(schedule, key, stay_class)
        if len(blocks) > 1 << 16:
            _refuse("ways to pay stays and services", len(blocks), 1 << 16, n)
        flat = len(n.editions) * len(n.stay_classes), n.variant_count
        return columns.reshape(flat), block_numbers.astype(np.uint16).reshape(flat)

    def _factor_rows(self, blocks: dict[Key, int]) -> dict[str, Any]:
        """Factor rows by outcome and days between the dates, and by block."""
        n = self._n
        block_bits = (len(blocks) - 1).bit_length()
        cells = n.outcome_count << n.stay_bits
        _refuse_beyond("stays by outcome and day", cells << block_bits, np.dtype(np.int16).itemsize, n)
        table = np.zeros((cells, 1 << block_bits), dtype=np.int16)
        in_full = sum(row.pays_in_full for row in n.factor_rows)
        for block, number in blocks.items():
            rows = np.repeat([row for row, _ in block], [length for _, length in block])
            table[:, number] = np.where(rows < in_full, rows, -NOT_IN_FULL - rows)
        return {"factor_row": table.reshape(-1), "block_bits": block_bits}

    def _factor_block(self, schedule: Schedule, key: SettingKey, stay_class: StayClass) -> Key:
        """Factor rows by outcome and days between the dates: each row and for how many days it stands."""
        extra = _extra_day(schedule)
        turns = {rule.max_days + 1 - extra for rule in schedule.stay_rules if rule.max_days is not None}
        size = 1 << self._n.stay_bits
        spans = list(pairwise([0, *sorted(turn for turn in turns if 0 < turn < size), size]))
        return tuple(
            (
                self._factor_cell(schedule, key, number, outcome, stay_class, death, max(1, start + extra)),
                stop - start,
            )
            for number, outcome in enumerate([None, None, *self._n.outcomes])
            for death in range(DEATH_ANSWERS)
            for start, stop in spans
        )

    def _columns_of(self, schedule: Schedule, key: SettingKey, stay_class: StayClass) -> list[int]:
        """The rate column of a setting key and stay class, for every signature."""
        setting = key.care_setting
        if setting is None or setting not in schedule.care_settings:
            return [self._n.no_rate_columns[CaseStatus.UNKNOWN_SETTING]] * (1 << self._n.signature_bits)
        unit, kind = stay_class.unit, key.addon_kind
        has_own = setting in stay_class.own_settings
        share = None if has_own else find_share(schedule, unit, setting)
        if not has_own and (share is None or not stay_class.has_general_rate):
            return [self._n.no_rate_columns[CaseStatus.NOT_PRICED_IN_SETTING]] * (1 << self._n.signature_bits)
        if kind is not None and (
            find_addon(schedule, kind, unit=unit, care_setting=setting, flags=stay_class.flags) is None
            or (share is not None and share.max_hours is not None)
        ):
            return [self._n.no_rate_columns[CaseStatus.ADDON_NOT_PAID]] * (1 << self._n.signature_bits)
        if kind is None and unit is Unit.ITEM:
            return [self._n.no_rate_columns[CaseStatus.MISSING_FIELD]] * (1 << self._n.signature_bits)
        if share is None:
            assert stay_class.method is not None
            own_rate = self._column(own_rate_id(unit, setting), unit, stay_class.method, kind)
            return [own_rate] * (1 << self._n.signature_bits)
        if share.max_hours is not None and key.over_limit is not False:
            status = CaseStatus.STAY_OVER_LIMIT if key.over_limit else CaseStatus.MISSING_FIELD
            return [self._n.no_rate_columns[status]] * (1 << self._n.signature_bits)
        method = stay_class.method or share.method
        return [self._column(rule.id, unit, method, kind) for rule in self._rules_by_signature(share)]

    def _column(self, rule_id: str, unit: Unit, method: PaymentMethod, kind: str | None) -> int:
        """The rate column of a rule, with an add-on of the kind or without."""
        if kind is None:
            return self._n.rate_columns[rule_id, method]
        return self._n.rate_columns[with_addon(rule_id, kind, unit, method)]

    def _columns_filled(
        self, rule_id: str, unit: Unit, method: PaymentMethod, schedule: Schedule
    ) -> list[int]:
        """The columns of a rule that hold its rate in an edition: alone, and with each add-on it pays."""
        kinds = {addon.kind for addon in schedule.addons if addon.unit is unit}
        return [self._column(rule_id, unit, method, kind) for kind in (None, *kinds)]

    def _rules_by_signature(self, share: Share) -> list[Share | ShareException]:
        bits = [1 << self._n.procedure_lists.index(exception.procedures) for exception in share.exceptions]
        return [
            next((e for e, bit in zip(share.exceptions, bits, strict=True) if signature & bit), share)
            for signature in range(1 << self._n.signature_bits)
        ]

    def _rate_minor(self) -> NDArray[np.int64]:
        """Rates in minor units x the epoch's rate scale, or -status; last axis: adult, child, age unknown."""
        table = np.zeros((len(self._n.epochs), self._n.item_count, self._n.column_count, 3), dtype=np.int64)
        table[:] = -CaseStatus.UNKNOWN_DRG
        table[:, [UNKNOWN_SERVICE_ITEM, *self._n.service_items.values()]] = -CaseStatus.UNKNOWN_SERVICE
        for edition, schedule in enumerate(self._n.editions):
            scale = self._rate_units(schedule)
            table[self._cells_of_groups(edition)] = self._group_rates(schedule)
            for code, epochs, day in self._n.service_spans(edition):
                in_force = {
                    setting: row
                    for setting in schedule.care_settings
                    if (row := find_service(schedule, code, setting, day)) is not None
                }
                if not in_force and not any(is_in_force(row, day) for row in schedule.services[code]):
                    continue
                cell = np.empty((self._n.column_count, AGE_CLASSES), dtype=np.int64)
                self._fill_no_rate(cell)
                for setting, row in in_force.items():
                    share = find_share(schedule, row.unit, setting)
                    if row.care_setting is not None:
                        own_rate = own_rate_id(row.unit, setting)
                        columns = self._columns_filled(own_rate, row.unit, row.method, schedule)
                        cell[columns] = _exact_int(service_tariff(schedule, row, None) * scale)
                    elif share is not None:
                        for rule in with_exceptions(share):
                            tariff = service_tariff(schedule, row, rule)
                            columns = self._columns_filled(rule.id, row.unit, row.method, schedule)
                            cell[columns] = _exact_int(tariff * scale)
                table[epochs, self._n.service_items[code]] = cell
        return table

    def _cells_of_groups(self, edition: int) -> tuple[NDArray[np.intp], ...]:
        """The groups of an edition, in its order, in all its epochs: where they stand in a table of both."""
        items = [self._n.drg_items[code] for code in self._n.editions[edition].groups]
        return np.ix_(self._n.epochs_of_edition[edition], np.array(items, dtype=np.intp))

    def _fill_no_rate(self, cell: NDArray[np.int64]) -> None:
        """An item that is known: where no rate is filled in, the reason."""
        cell[:] = -CaseStatus.NOT_PRICED_IN_SETTING
        for status, column in self._n.no_rate_columns.items():
            cell[column] = -status

    def _rate_units(self, schedule: Schedule) -> int:
        """How many of the kernel's units of a rate are one unit of the currency."""
        return int(10**schedule.minor_units) * self._scales[schedule.id]

    def _group_rates(self, schedule: Schedule) -> NDArray[np.int64]:
        """Group, rate column and age class, in the order of the edition's groups."""
        scale = self._rate_units(schedule)
        rules = [
            (self._columns_filled(rule.id, Unit.CASE, share.method, schedule), rule)
            for share in schedule.shares
            if share.unit is Unit.CASE
            for rule in with_exceptions(share)
        ]
        table = np.zeros((len(schedule.groups), self._n.column_count, AGE_CLASSES), dtype=np.int64)
        for cell, group in zip(table, schedule.groups.values(), strict=True):
            self._fill_no_rate(cell)
            for columns, rule in rules:
                cell[columns] = _rates_by_age(schedule, group, rule, scale)
        return table

    def _planned_days(self) -> NDArray[np.uint16]:
        table = np.zeros((len(self._n.epochs), self._n.item_count), dtype=np.uint16)
        for edition, schedule in enumerate(self._n.editions):
            days = [group.planned_days or 0 for group in schedule.groups.values()]
            table[self._cells_of_groups(edition)] = days
            for code, epochs, day in self._n.service_spans(edition):
                for row in schedule.services[code]:
                    if row.planned_days is not None and is_in_force(row, day):
                        table[epochs, self._n.service_items[code]] = row.planned_days
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
        has_stay = stay_class.unit in UNITS_WITH_STAY
        if outcome_number != MISSING_OUTCOME and (outcome is None or outcome not in schedule.outcomes):
            return -CaseStatus.UNKNOWN_OUTCOME
        if key.factor_code is not None:
            factor = dict(stay_class.factors).get(key.factor_code)
            if factor is None:
                return -CaseStatus.UNKNOWN_FACTOR
            return self._n.factor_rows[FactorRow(key.factor_code, Pay.SHARE, factor)]
        if not has_stay or key.care_setting is None:
            return 0
        if outcome is None:
            return -CaseStatus.MISSING_FIELD
        rules = [
            find_stay_rule(
                schedule,
                unit=stay_class.unit,
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
        return 0 if rules[0] is None else self._n.factor_rows[stay_factor(rules[0])]

    def _factors(self) -> NDArray[np.int64]:
        return np.array(
            [
                (row.pay is Pay.PER_PLANNED_DAY, row.share.numerator, row.share.denominator)
                for row in self._n.factor_rows
            ],
            dtype=np.int64,
        )

    def _coefficients(self) -> dict[str, Any]:
        """For period and provider a row of coefficients, over all that a rate still is to be divided by."""
        n = self._n
        rows: dict[PerRate | CaseStatus, int] = {}

        def row_of(key: PerRate | CaseStatus) -> int:
            return rows.setdefault(key, len(rows))

        def per_rate(coefficient: Fraction, schedule: Schedule) -> PerRate:
            step = unit_step_minor(schedule)
            scale = self._scales[schedule.id]
            return PerRate(coefficient / (scale * step), schedule.roundings.unit.mode, step)

        providers = 2 + len(n.provider_rows)
        shape = (len(n.period_spans) + 1, n.provider_count)
        _refuse_beyond("coefficients by date and provider", math.prod(shape), np.dtype(np.uint32).itemsize, n)
        table = np.full(shape, row_of(CaseStatus.NO_SCHEDULE_FOR_DATE), dtype=np.uint32)
        starts = np.array([days_since_1970(start) for start, _ in n.period_spans])
        edition_of_period = np.array([n.epochs[epoch].edition for epoch in n.period_epochs])
        for number, schedule in enumerate(n.editions):
            own = np.flatnonzero(edition_of_period == number)
            if schedule.providers is None:
                table[own] = row_of(per_rate(Fraction(1), schedule))
                continue
            table[own] = row_of(CaseStatus.UNKNOWN_PROVIDER)
            for first, units in enumerate(n.coefficient_sets):
                of_set = table[:, first * providers : (first + 1) * providers]
                of_set[own, MISSING_PROVIDER_ROW] = row_of(CaseStatus.MISSING_FIELD)
                combined: dict[tuple[Fraction, ...], int] = {}
                for provider_id, provider_periods in schedule.providers.items():
                    cells = of_set[:, n.provider_rows[provider_id]]
                    cells[own] = row_of(CaseStatus.NO_COEFFICIENT_FOR_DATE)
                    for row in provider_periods:
                        if row.coefficients not in combined:
                            coefficient = combined_coefficient(schedule, row, units[number])
                            combined[row.coefficients] = row_of(per_rate(coefficient, schedule))
                        covered = starts[own] >= days_since_1970(row.effective_start_date)
                        if row.effective_end_date is not None:
                            covered &= starts[own] < days_since_1970(row.effective_end_date)
                        cells[own[covered]] = combined[row.coefficients]
        short = _cache_aligned(len(rows) * 16).view(np.uint64).reshape(len(rows), len(COEFFICIENT_COLUMNS))
        wide = np.zeros((len(rows), len(WIDE_COEFFICIENT_COLUMNS)), dtype=np.uint64)
        for key, number in rows.items():
            if isinstance(key, CaseStatus):
                wide[number, WIDE_COEFFICIENT_COLUMNS.index("status")] = key
            else:
                short[number] = key.short_row()
                wide[number] = key.wide_row()
        return {
            "coefficient_place": table.reshape(-1) * np.uint32(short.strides[0]),
            "coefficients": short,
            "wide_coefficients": wide,
        }

    def _component_tables(self) -> dict[str, NDArray[Any]]:
        columns = {name: number for number, name in enumerate(self._n.component_names)}
        sets: dict[tuple[tuple[str, Fraction], ...], int] = {}
        table = np.zeros(
            (len(self._n.epochs), self._n.item_count, len(self._n.setting_keys)), dtype=np.uint16
        )
        for edition, schedule in enumerate(self._n.editions):
            of_profile: dict[str | None, list[int]] = {None: [0] * len(self._n.setting_keys)}
            for profile in distinct(group.component_profile for group in schedule.groups.values()):
                if profile is not None:
                    of_profile[profile] = [
                        self._component_set(schedule, profile, key, sets) for key in self._n.setting_keys
                    ]
            table[self._cells_of_groups(edition)] = np.array(
                [of_profile[group.component_profile] for group in schedule.groups.values()], dtype=np.uint16
            ).reshape(-1, len(self._n.setting_keys))
        rows = np.zeros((1 + len(sets), len(COMPONENT_SET_COLUMNS)), dtype=np.uint64)
        running = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint64)
        target = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint16)
        multiplier = np.zeros((1 + len(sets), max(1, len(columns))), dtype=np.uint64)
        # set 0, for what has no profile, is all nothing, whatever the amount
        rows[0, COMPONENT_SET_COLUMNS.index("max_amount") :] = (1 << 64) - 1
        target[0] = np.arange(target.shape[1])
        for parts, number in sets.items():
            denominator = math.lcm(*(share.denominator for _, share in parts))
            doubled = 2 * denominator
            magic, shift = reciprocal(doubled)
            places = [columns[name] for name, _ in parts]
            is_short = places == sorted(places) and denominator <= _LONGEST_SETTLED_DENOMINATOR
            short_limit = SHORT_AMOUNT if is_short else 0
            rows[number] = [doubled, magic, shift, (2**63 - 1 - denominator) // doubled, short_limit]
            reached = Fraction(0)
            unlisted = [name for name in columns if name not in dict(parts)]
            for k, (name, share) in enumerate([*parts, *((name, Fraction(0)) for name in unlisted)]):
                reached += share
                running[number, k] = _exact_int(reached * doubled)
                target[number, k] = columns[name]
            # in the order of the columns: what is not listed adds nothing, so it may stand anywhere
            shares = dict(parts)
            in_order = accumulate(shares.get(name, Fraction(0)) for name in columns)
            multiplier[number] = [math.ceil(share * (1 << SHARE_BITS)) for share in in_order]
        return {
            "component_set": np.ascontiguousarray(table.reshape(-1, len(self._n.setting_keys)).T),
            "component_sets": rows,
            "component_running": running,
            "component_column": target,
            "component_multiplier": multiplier,
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


def too_many(n: Numbering, what: str, count: int, limit: int, way_out: str) -> Problem:
    place = f"catalog {n.catalog.tariff_family}"
    return Problem(place, what, str(count), f"a catalog has at most {limit}", way_out)


def _refuse(what: str, count: int, limit: int, n: Numbering) -> None:
    raise CatalogError(CANNOT_BE_PRICED, [too_many(n, what, count, limit, FEWER_EDITIONS)])


def _refuse_beyond(what: str, count: int, entry_bytes: int, n: Numbering) -> None:
    if count * entry_bytes > MAX_TABLE_BYTES:
        _refuse(what, count, MAX_TABLE_BYTES // entry_bytes, n)


def _cache_aligned(size: int) -> NDArray[np.uint8]:
    """So many bytes, beginning where a cache line begins."""
    room = np.zeros(size + _CACHE_LINE, dtype=np.uint8)
    skip = -room.ctypes.data % _CACHE_LINE
    return room[skip : skip + size]


def _exact_int(value: Fraction) -> int:
    assert value.denominator == 1, f"{value} is not whole"
    return value.numerator


def _extra_day(schedule: Schedule) -> int:
    return int(schedule.day_count is DayCount.INCLUSIVE)


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
