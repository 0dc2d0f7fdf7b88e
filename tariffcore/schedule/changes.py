"""What a change between two editions is, kind by kind, how large it is, and as a row of text.

A change of a number is measured as a share of the old one; what appears or disappears has no measure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from fractions import Fraction

from tariffcore.money import format_exact, format_minor, round_to_int
from tariffcore.schedule.model import AgeClass, Group, Unit
from tariffcore.schedule.rule_facts import yes_no
from tariffcore.schedule.writing import currency_text


def relative_change(old: Fraction | int | None, new: Fraction | int | None) -> Fraction | None:
    """The change as a share of the old value: 1/10 is 10 % more. None where one is absent or the old is 0."""
    if old is None or new is None or old == 0:
        return None
    return Fraction(new) / Fraction(old) - 1


def percent_text(relative: Fraction | None) -> str:
    """A relative change as per cent with two decimals, half up: ``+0.52``; empty where there is none."""
    if relative is None:
        return ""
    hundredths = round_to_int(relative * 10_000)
    return ("+" if hundredths > 0 else "") + format_minor(hundredths, 2)


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number that changed; None where it is absent on one side. Base of the changes that are measured."""

    old: Fraction | None
    new: Fraction | None

    @property
    def relative(self) -> Fraction | None:
        return relative_change(self.old, self.new)

    @property
    def difference(self) -> Fraction | None:
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class RuleChange:
    """A setting or rule: ``share[case.day_hospital].share``, ``rounding.weight.places``.

    ``old`` and ``new`` are in words, None where there is none; ``relative`` where both are numbers.
    """

    key: str
    old: str | None
    new: str | None
    relative: Fraction | None


@dataclass(frozen=True, slots=True)
class TariffChange:
    """What a case of a group is paid in a setting, in minor units; None: not paid there.

    ``age_class`` is None where the change is the same for adults and children.
    """

    drg_code: str
    name: str
    care_setting: str
    age_class: AgeClass | None
    old_minor: int | None
    new_minor: int | None

    @property
    def change_minor(self) -> int | None:
        if self.old_minor is None or self.new_minor is None:
            return None
        return self.new_minor - self.old_minor

    @property
    def relative(self) -> Fraction | None:
        return relative_change(self.old_minor, self.new_minor)


@dataclass(frozen=True, slots=True)
class GroupChange:
    """A field of a group other than its tariff: weights, planned_days, flags, component_profile, name."""

    drg_code: str
    field: str
    old: str | None
    new: str | None
    relative: Fraction | None


@dataclass(frozen=True, slots=True)
class ComponentChange(NumberChange):
    """The share of a cost component in a profile (in one setting, or in all: None)."""

    component_profile: str
    care_setting: str | None
    component: str
    old_capital: bool | None
    new_capital: bool | None


@dataclass(frozen=True, slots=True)
class CoefficientChange(NumberChange):
    """A provider's combined coefficient over a span of dates (half-open); None: no coefficient then.

    Dates on which only one of the editions is in force are not compared. Editions without a day in
    common are compared by the last coefficient of the old and the first of the new.
    """

    provider_id: str
    effective_start_date: date
    effective_end_date: date | None
    units: tuple[Unit, ...] = ()
    """What is counted in these units is corrected so; empty: everything is."""


@dataclass(frozen=True, slots=True)
class ServiceChange(NumberChange):
    """A service's rate over a span of dates, compared as `CoefficientChange` is."""

    code: str
    name: str
    unit: Unit
    care_setting: str | None
    effective_start_date: date
    effective_end_date: date | None


@dataclass(frozen=True, slots=True)
class FactorChange(NumberChange):
    """A named factor on services of a unit, over a span of dates where either edition dates it."""

    unit: Unit
    factor_code: str
    effective_start_date: date | None = None
    """None: as long as the editions."""
    effective_end_date: date | None = None


class ChangeKind(StrEnum):
    """The kinds of change, in the order in which the rows come."""

    RULE = "rule"
    BASE_RATE = "base_rate"
    TARIFF = "tariff"
    GROUP_ADDED = "group_added"
    GROUP_REMOVED = "group_removed"
    GROUP = "group"
    COMPONENT = "component"
    COEFFICIENT = "coefficient"
    SERVICE = "service"
    FACTOR = "factor"


@dataclass(frozen=True, slots=True)
class DiffRow:
    """One change as text, for CSV and JSON; absent values are empty.

    ``old``, ``new`` and ``change`` are in units of the currency for amounts; ``change_percent`` has two
    decimals, rounded half up.
    """

    kind: str
    code: str
    detail: str
    old: str
    new: str
    change: str
    change_percent: str


DIFF_COLUMNS = tuple(field.name for field in fields(DiffRow))


@dataclass(frozen=True, slots=True)
class ScheduleDiff:
    """What changes from schedule ``a`` to schedule ``b``; every list is sorted by effect."""

    a_id: str
    b_id: str
    a_digest: str
    b_digest: str
    currency: str
    minor_units: int
    rules: tuple[RuleChange, ...]
    base_rate: NumberChange | None
    tariffs: tuple[TariffChange, ...]
    tariffs_compared: int
    """Pairs of tariffs (group, setting, age class) looked at, changed or not."""
    groups_added: tuple[Group, ...]
    groups_removed: tuple[Group, ...]
    groups: tuple[GroupChange, ...]
    components: tuple[ComponentChange, ...]
    coefficients: tuple[CoefficientChange, ...]
    services: tuple[ServiceChange, ...]
    factors: tuple[FactorChange, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing that sets an amount, and no setting, differs."""
        return not self.rows()

    def rows(self) -> list[DiffRow]:
        """Every change as a row, kind by kind, each kind sorted by effect."""
        rows = [
            DiffRow(
                ChangeKind.RULE,
                rule.key,
                "",
                rule.old or "",
                rule.new or "",
                "",
                percent_text(rule.relative),
            )
            for rule in self.rules
        ]
        if self.base_rate is not None:
            rows.append(self._amount_row(ChangeKind.BASE_RATE, "", self.currency, self.base_rate))
        rows += [self._tariff_row(tariff) for tariff in self.tariffs]
        rows += [
            DiffRow(ChangeKind.GROUP_ADDED, group.drg_code, group.name, "", _weights(group), "", "")
            for group in self.groups_added
        ]
        rows += [
            DiffRow(ChangeKind.GROUP_REMOVED, group.drg_code, group.name, _weights(group), "", "", "")
            for group in self.groups_removed
        ]
        rows += [
            DiffRow(
                ChangeKind.GROUP,
                group.drg_code,
                group.field,
                group.old or "",
                group.new or "",
                "",
                percent_text(group.relative),
            )
            for group in self.groups
        ]
        for component in self.components:
            setting = component.care_setting or "all settings"
            detail = f"{component.component}, {setting}"
            if component.old_capital != component.new_capital and None not in (component.old, component.new):
                detail += f", capital {yes_no(component.old_capital)} -> {yes_no(component.new_capital)}"
            rows.append(_number_row(ChangeKind.COMPONENT, component.component_profile, detail, component))
        rows += [
            _number_row(
                ChangeKind.COEFFICIENT,
                coefficient.provider_id,
                _coefficient_detail(coefficient),
                coefficient,
            )
            for coefficient in self.coefficients
        ]
        for service in self.services:
            span = _span(service.effective_start_date, service.effective_end_date)
            detail = f"{service.unit.value}, {service.care_setting or 'all settings'}, {span}"
            rows.append(self._amount_row(ChangeKind.SERVICE, service.code, detail, service))
        rows += [
            _number_row(ChangeKind.FACTOR, factor.factor_code, _factor_detail(factor), factor)
            for factor in self.factors
        ]
        return rows

    def _amount_row(self, kind: ChangeKind, code: str, detail: str, change: NumberChange) -> DiffRow:
        def amount(value: Fraction | None) -> str:
            return "" if value is None else currency_text(value, self.minor_units)

        return DiffRow(
            kind,
            code,
            detail,
            amount(change.old),
            amount(change.new),
            amount(change.difference),
            percent_text(change.relative),
        )

    def _tariff_row(self, tariff: TariffChange) -> DiffRow:
        def amount(minor: int | None) -> str:
            return "" if minor is None else format_minor(minor, self.minor_units)

        detail = tariff.care_setting
        if tariff.age_class is not None:
            detail += f", {tariff.age_class.value}"
        return DiffRow(
            ChangeKind.TARIFF,
            tariff.drg_code,
            detail,
            amount(tariff.old_minor),
            amount(tariff.new_minor),
            amount(tariff.change_minor),
            percent_text(tariff.relative),
        )


def _number_row(kind: ChangeKind, code: str, detail: str, change: NumberChange) -> DiffRow:
    return DiffRow(
        kind,
        code,
        detail,
        number_text(change.old) or "",
        number_text(change.new) or "",
        number_text(change.difference) or "",
        percent_text(change.relative),
    )


def number_text(value: Fraction | None) -> str | None:
    """The number as people write it; None where it is absent."""
    return None if value is None else format_exact(value)


def _weights(group: Group) -> str:
    child = "none" if group.relative_weight_child is None else format_exact(group.relative_weight_child)
    adult = format_exact(group.relative_weight)
    return adult if adult == child else f"{adult} / child {child}"


def _span(start: date, end: date | None) -> str:
    return f"from {start.isoformat()}" + ("" if end is None else f" before {end.isoformat()}")


def _coefficient_detail(change: CoefficientChange) -> str:
    return ", ".join((*change.units, _span(change.effective_start_date, change.effective_end_date)))


def _factor_detail(change: FactorChange) -> str:
    if change.effective_start_date is None:
        return change.unit.value
    return f"{change.unit.value}, {_span(change.effective_start_date, change.effective_end_date)}"
