"""Numbers for everything a catalog names, in the order of first appearance.

The words used here, in `tables.py` and in `_kernel.pyx`:

period       a span of days over which nothing that a date decides changes
epoch        an edition together with the services in force; several periods may share one
item         what a line prices: a cost group or a service (0 and 1 stand for unknown ones)
setting key  care setting, with the answer to the setting's hours limit or the service's factor
signature    which of the catalog's lists of exception procedures the stay touches, one bit each
variant      setting key and signature in one number: ``setting key << signature_bits | signature``
rate column  the share or exception that applies; the first few stand for "no rate, because ..."
stay class   what stay rules need to know of an item: its flags that matter, or its unit
outcome      outcome and whether a death was unavoidable
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import Pay, PaymentMethod, Schedule, StayRule, Unit
from tariffcore.schedule.tariff import coefficients_of, find_service, is_in_force, with_exceptions
from tariffcore.statuses import CaseStatus

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
_DAYS_BEFORE_FIRST_EDITION = 36_525  # a stay may have begun long before the first edition

_NO_RATE_STATUSES = (
    CaseStatus.UNKNOWN_SETTING,
    CaseStatus.NOT_PRICED_IN_SETTING,
    CaseStatus.ADDON_NOT_PAID,
    CaseStatus.STAY_OVER_LIMIT,
    CaseStatus.MISSING_FIELD,  # the hours of the stay, the cost of an item
)
UNITS_WITH_STAY = (Unit.CASE, Unit.AVERAGE_CASE)
"""What stay rules concern: the dates and the outcome of the stay matter."""
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
    addon_kind: str | None = None


@dataclass(frozen=True, slots=True)
class StayClass:
    """What stay rules and rate columns need to know of an item."""

    unit: Unit
    flags: frozenset[str] = frozenset()
    """Of a case: the group's flags that some exemption names."""
    own_settings: frozenset[str] = frozenset()
    """Of a service: the care settings for which it has a rate of its own."""
    method: PaymentMethod | None = None
    """Of a service: what pays it. A case is paid by the method of its share."""
    factors: frozenset[tuple[str, Fraction]] = frozenset()
    """Of a service: the factors in force for its unit."""
    has_general_rate: bool = True
    """Of a service: whether it has a rate that the shares of its unit apply to."""


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


class Numbering:
    """A catalog with a number for each thing that cases or results name."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog
        self.editions: tuple[Schedule, ...] = tuple(
            {span.schedule.id: span.schedule for span in catalog.spans}.values()
        )
        self.edition_numbers = {schedule.id: number for number, schedule in enumerate(self.editions)}
        self.base_day = days_since_1970(catalog.spans[0].start) - _DAYS_BEFORE_FIRST_EDITION
        self._number_codes()
        self._number_periods()
        self._number_settings()
        self._number_procedures()
        self._number_coefficient_sets()
        self._number_classes()
        self._number_columns()
        self._number_factors()
        self._number_components()

    def _number_codes(self) -> None:
        groups = distinct(code for schedule in self.editions for code in schedule.groups)
        services = distinct(code for schedule in self.editions for code in schedule.services)
        self.drg_items = {code: 2 + number for number, code in enumerate(groups)}
        self.service_items = {code: 2 + len(groups) + number for number, code in enumerate(services)}
        self.item_count = 2 + len(groups) + len(services)
        providers = distinct(code for schedule in self.editions for code in schedule.providers or ())
        self.provider_rows = {code: 2 + number for number, code in enumerate(providers)}
        outcomes = distinct(code for schedule in self.editions for code in schedule.outcomes)
        self.outcomes = {code: 2 + number for number, code in enumerate(outcomes)}

    def _number_periods(self) -> None:
        """Cut the catalog's time line wherever an edition, a service or a provider's coefficients change."""
        epochs: dict[tuple[int, date], int] = {}
        self.epochs: list[Epoch] = []
        self.period_epochs: list[int] = []
        self.period_spans: list[tuple[date, date | None]] = []
        for span in self.catalog.spans:
            schedule = span.schedule
            services = [row for rows in schedule.services.values() for row in rows]
            service_cuts = _cuts((r.effective_start_date, r.effective_end_date) for r in services)
            service_cuts |= _cuts((r.effective_start_date, r.effective_end_date) for r in schedule.factors)
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
            edition = self.edition_numbers[schedule.id]
            for start, end in pairwise([*starts, span.end]):
                assert start is not None
                epoch_start = max([day for day in service_cuts if day <= start], default=date.min)
                key = (edition, epoch_start)
                if key not in epochs:
                    epochs[key] = len(self.epochs)
                    self.epochs.append(Epoch(edition, schedule, start))
                self.period_epochs.append(epochs[key])
                self.period_spans.append((start, end))
        editions = np.array([epoch.edition for epoch in self.epochs])
        self.epochs_of_edition = [np.flatnonzero(editions == number) for number in range(len(self.editions))]

    def service_spans(self, edition: int) -> Iterator[tuple[str, NDArray[np.intp], date]]:
        """Each service of an edition with epochs over which its rows and factors stay, and a day of them."""
        epochs = self.epochs_of_edition[edition]
        days = [self.epochs[epoch].day for epoch in epochs]
        factors = self.editions[edition].factors
        for code, rows in self.editions[edition].services.items():
            cuts = _cuts((row.effective_start_date, row.effective_end_date) for row in rows)
            own = [factor for factor in factors if factor.unit is rows[0].unit]
            cuts |= _cuts((row.effective_start_date, row.effective_end_date) for row in own)
            places = {0, *(bisect_left(days, cut) for cut in cuts), len(days)}
            for start, stop in pairwise(sorted(places)):
                yield code, epochs[start:stop], days[start]

    def _number_settings(self) -> None:
        settings = distinct(code for schedule in self.editions for code in schedule.care_settings)
        limited = {
            s.care_setting for schedule in self.editions for s in schedule.shares if s.max_hours is not None
        }
        factors = distinct(row.factor_code for schedule in self.editions for row in schedule.factors)
        addons = distinct(addon.kind for schedule in self.editions for addon in schedule.addons)
        self.setting_keys = [SettingKey(None)]
        for setting in settings:
            self.setting_keys.append(SettingKey(setting))
            if setting in limited:
                self.setting_keys += [
                    SettingKey(setting, over_limit=True),
                    SettingKey(setting, over_limit=None),
                ]
            # the empty code stands for a factor, or an add-on, that no edition knows
            self.setting_keys += [SettingKey(setting, factor_code=code) for code in ("", *factors)]
            self.setting_keys += [SettingKey(setting, addon_kind=kind) for kind in ("", *addons)]
        self.setting_key_numbers = {key: number for number, key in enumerate(self.setting_keys)}
        self.care_settings = settings
        self.factor_codes = factors
        self.addon_kinds = addons
        self.limited_settings = frozenset(limited)

    def _number_procedures(self) -> None:
        self.procedure_lists: tuple[frozenset[str], ...] = distinct(
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

    def _number_coefficient_sets(self) -> None:
        """Items that no edition corrects by different coefficients share a set; that of cases comes first."""
        cases = (Unit.CASE,) * len(self.editions)
        sets: dict[tuple[tuple[bool, ...], ...], int] = {}
        self.coefficient_sets: list[tuple[Unit, ...]] = []
        """Of each set, a unit for each edition whose coefficients are those of the set."""

        def set_of(units: tuple[Unit, ...]) -> int:
            key = tuple(coefficients_of(s, u) for s, u in zip(self.editions, units, strict=True))
            if key not in sets:
                sets[key] = len(sets)
                self.coefficient_sets.append(units)
            return sets[key]

        set_of(cases)
        numbers = np.zeros(self.item_count, dtype=np.uint16)
        for code, item in self.service_items.items():
            of_edition = [schedule.services.get(code) for schedule in self.editions]
            any_unit = next(rows[0].unit for rows in of_edition if rows)
            numbers[item] = set_of(tuple(rows[0].unit if rows else any_unit for rows in of_edition))
        self.coefficient_set_of_item = numbers

    def _number_classes(self) -> None:
        named = frozenset(
            flag
            for schedule in self.editions
            for rule in schedule.stay_rules
            for exemption in rule.exemptions
            for flag in exemption.drg_flags
        ) | {flag for schedule in self.editions for addon in schedule.addons for flag in addon.drg_flags}
        numbers: dict[StayClass, int] = {StayClass(Unit.CASE): 0}
        self.class_spans: list[tuple[NDArray[np.intp], int, int]] = []  # epochs, item, number of the class
        for edition, schedule in enumerate(self.editions):
            epochs = self.epochs_of_edition[edition]
            for code, group in schedule.groups.items():
                key = StayClass(Unit.CASE, flags=group.flags & named)
                number = numbers.setdefault(key, len(numbers))
                self.class_spans.append((epochs, self.drg_items[code], number))
            for code, epochs, day in self.service_spans(edition):
                own = frozenset(
                    setting
                    for setting in schedule.care_settings
                    if (row := find_service(schedule, code, setting, day)) is not None
                    and row.care_setting is not None
                )
                service = schedule.services[code][0]
                factors = frozenset(
                    (row.factor_code, row.factor)
                    for row in schedule.factors
                    if row.unit is service.unit and row.covers(day)
                )
                general = any(
                    row.care_setting is None and is_in_force(row, day) for row in schedule.services[code]
                )
                key = StayClass(
                    service.unit,
                    own_settings=own,
                    method=service.method,
                    factors=factors,
                    has_general_rate=general,
                )
                number = numbers.setdefault(key, len(numbers))
                self.class_spans.append((epochs, self.service_items[code], number))
        self.stay_classes = list(numbers)

    def _number_columns(self) -> None:
        """A rate column for each share, exception and kind of own rate, by id and payment method."""
        methods: dict[Unit, dict[PaymentMethod, None]] = {}
        for stay_class in self.stay_classes:
            if stay_class.method is not None:
                methods.setdefault(stay_class.unit, {})[stay_class.method] = None
        self.rate_columns: dict[tuple[str, PaymentMethod], int] = {}
        for schedule in self.editions:
            for share in schedule.shares:
                for method in (share.method,) if share.unit is Unit.CASE else methods.get(share.unit, ()):
                    for rule in with_exceptions(share):
                        self._add_columns(rule.id, share.unit, method)
        for stay_class in self.stay_classes:
            for setting in sorted(stay_class.own_settings):
                assert stay_class.method is not None, "only services have rates of their own"
                self._add_columns(own_rate_id(stay_class.unit, setting), stay_class.unit, stay_class.method)
        self.no_rate_columns = {
            status: len(self.rate_columns) + n for n, status in enumerate(_NO_RATE_STATUSES)
        }
        self.column_count = len(self.rate_columns) + len(self.no_rate_columns)

    def _add_columns(self, rule_id: str, unit: Unit, method: PaymentMethod) -> None:
        """The column of a rule, and one for each kind of add-on that may be paid under it."""
        self.rate_columns.setdefault((rule_id, method), len(self.rate_columns))
        for schedule in self.editions:
            for addon in schedule.addons:
                if addon.unit is unit:
                    key = with_addon(rule_id, addon.kind, unit, method)
                    self.rate_columns.setdefault(key, len(self.rate_columns))

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
        self.component_names: tuple[str, ...] = distinct(row.component for row in rows)

    @property
    def provider_count(self) -> int:
        """How many numbers the kernel's provider column may hold: each provider once a coefficient set."""
        return (2 + len(self.provider_rows)) * len(self.coefficient_sets)

    @cached_property
    def first_provider_of_item(self) -> NDArray[np.uint16] | None:
        """What an item's coefficient set adds to the provider's row; None: all items have one set."""
        if len(self.coefficient_sets) == 1:
            return None
        return self.coefficient_set_of_item * np.uint16(2 + len(self.provider_rows))

    @cached_property
    def items_with_stay(self) -> NDArray[np.bool_] | None:
        """Which services are cases with a stay, for some edition at least; None: none is."""
        with_stay = np.zeros(self.item_count, dtype=np.bool_)
        for code, item in self.service_items.items():
            rows = [row for schedule in self.editions for row in schedule.services.get(code, ())]
            with_stay[item] = any(row.unit in UNITS_WITH_STAY for row in rows)
        return with_stay if with_stay.any() else None

    @property
    def variant_count(self) -> int:
        """How many numbers the kernel's variant column may hold."""
        return len(self.setting_keys) << self.signature_bits

    @property
    def outcome_count(self) -> int:
        """How many numbers the kernel's outcome column may hold."""
        return (2 + len(self.outcomes)) * DEATH_ANSWERS

    @cached_property
    def keys_of_addons(self) -> NDArray[np.uint16]:
        """For care setting + 1 and kind of add-on + 1, 0 for unknown ones: the setting key."""
        return np.array(
            [
                [
                    self.setting_key_numbers.get(SettingKey(setting, addon_kind=kind), UNKNOWN_SETTING_KEY)
                    for kind in ("", *self.addon_kinds)
                ]
                for setting in (None, *self.care_settings)
            ],
            dtype=np.uint16,
        )

    @cached_property
    def addon_components(self) -> NDArray[np.int16]:
        """For edition + 1 and kind of add-on on a cost group + 1: the number of the component that it is.

        -1: of none. An item is not split.
        """
        table = np.full((1 + len(self.editions), 1 + len(self.addon_kinds)), -1, dtype=np.int16)
        for edition, schedule in enumerate(self.editions, start=1):
            for addon in schedule.addons:
                if addon.component is not None and addon.unit is Unit.CASE:
                    place = self.component_names.index(addon.component)
                    table[edition, 1 + self.addon_kinds.index(addon.kind)] = place
        return table

    @cached_property
    def rule_ids(self) -> list[str | None]:
        """The rule id behind each number in the kernel's rule column."""
        columns = [*(rule for rule, _ in self.rate_columns), *(None for _ in self.no_rate_columns)]
        names: list[str | None] = []
        for column in columns:
            for row in self.factor_rows:
                names.append(column if column is None or row.name is None else f"{column}+{row.name}")
        return names

    @cached_property
    def rule_methods(self) -> list[PaymentMethod | None]:
        """The payment method behind each number in the kernel's rule column."""
        columns = [*(method for _, method in self.rate_columns), *(None for _ in self.no_rate_columns)]
        return [method for method in columns for _ in self.factor_rows]

    def day_code(self, day: date) -> int:
        """The kernel's number for a day; OUTSIDE_DAY where the plan's days do not reach."""
        code = days_since_1970(day) - self.base_day
        return code if 0 <= code < MISSING_DAY else OUTSIDE_DAY


def with_addon(rule_id: str, kind: str, unit: Unit, method: PaymentMethod) -> tuple[str, PaymentMethod]:
    """Rule id and method of what a rule pays together with an add-on."""
    return f"{rule_id}+{kind}", PaymentMethod.CASE_WITH_DRUG if unit is Unit.CASE else method


def own_rate_id(unit: Unit, care_setting: str) -> str:
    """The rule id of a service paid by a rate of its own care setting."""
    return f"{unit}.{care_setting}.rate"


def stay_factor(rule: StayRule) -> FactorRow:
    return FactorRow(rule.id, rule.pay, Fraction(1) if rule.share is None else rule.share)


def distinct(values: Iterable[Any]) -> tuple[Any, ...]:
    """Each value once, in the order of first appearance."""
    return tuple(dict.fromkeys(values))


def _cuts(spans: Iterable[tuple[date | None, date | None]]) -> set[date]:
    return {day for span in spans for day in span if day is not None}
