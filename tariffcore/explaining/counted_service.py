"""A counted service: its rate on the day and in the care setting, and its factor."""

from __future__ import annotations

from fractions import Fraction

from tariffcore.explaining.statements import (
    NoAmountError,
    is_within,
    listed,
    no_amount,
    spans_of,
    statement,
)
from tariffcore.explaining.stay import LineWithStay
from tariffcore.explanation import Statement, Step
from tariffcore.money import format_exact
from tariffcore.schedule.model import Schedule, Service, Unit
from tariffcore.schedule.tariff import find_factor, find_service
from tariffcore.statuses import CaseStatus


class CountedService(LineWithStay):
    """A line with a service."""

    def _price(self, schedule: Schedule) -> tuple[int, str, None]:
        service_code = self.service_code or ""
        # of what is counted the days count for nothing, but a length that disagrees is an error all the same
        days, days_notes = self._length_of_stay(schedule)
        rows = self._service_rows(schedule, service_code)
        self._check_setting(schedule)
        assert self.day is not None
        service = find_service(schedule, service_code, self.care_setting, self.day)
        if service is None:
            raise NoAmountError(CaseStatus.NOT_PRICED_IN_SETTING, self._not_priced(schedule, rows[0].unit))
        self.method = service.method
        if service.unit is Unit.ITEM:
            return self._actual_cost(schedule, service)
        tariff, rule_id = self._service_tariff(schedule, service)
        self._addon(schedule, service.unit, frozenset(), None)
        self._check_outcome(schedule)
        if service.unit is Unit.AVERAGE_CASE:
            return self._average_cost_case(schedule, service, tariff, rule_id, days, days_notes)
        factor = self._service_factor(schedule, service)
        coefficient = self._coefficient(schedule, self._provider_period(schedule), service.unit)
        unit_price = self._unit_price(schedule, tariff, factor, coefficient)
        amount_minor = self._payment(schedule, unit_price)
        return amount_minor, rule_id if self.factor_code is None else f"{rule_id}+{self.factor_code}", None

    def _actual_cost(self, schedule: Schedule, service: Service) -> tuple[int, str, None]:
        """An item at what it has cost: the line says how much, and nothing changes it."""
        if service.care_setting is not None:
            rule_id = f"{service.unit.value}.{service.care_setting}.rate"
        else:
            rule_id = self._share(self._share_of_setting(schedule, service.unit)).id
        addon = self._addon(schedule, service.unit, frozenset(), None)
        assert addon is not None, "an item without its cost was refused"
        self._check_outcome(schedule)
        self._provider_period(schedule)
        return self._with_addon(schedule, 0, addon), f"{rule_id}+{addon.kind}", None

    def _average_cost_case(
        self,
        schedule: Schedule,
        service: Service,
        tariff: Fraction,
        rule_id: str,
        days: int,
        days_notes: tuple[Statement, ...],
    ) -> tuple[int, str, None]:
        """A case at an average cost: stay rules of its unit pay it, and no factor does."""
        if self.factor_code is not None:
            raise no_amount(CaseStatus.UNKNOWN_FACTOR, "factor_on_case", factor_code=self.factor_code)
        self.steps.append(Step("length_of_stay", str(days), notes=days_notes))
        rule, notes = self._stay_rule(schedule, service.unit, frozenset(), days)
        period = self._provider_period(schedule)
        factor = self._stay_factor(service.planned_days, rule, days, notes)
        coefficient = self._coefficient(schedule, period, service.unit)
        unit_price = self._unit_price(schedule, tariff, factor, coefficient)
        amount_minor = self._payment(schedule, unit_price)
        return amount_minor, rule_id if rule is None else f"{rule_id}+{rule.id}", None

    def _service_rows(self, schedule: Schedule, service_code: str) -> list[Service]:
        """The rows of the service in force on the deciding day, at least one."""
        assert self.day is not None
        of_code = schedule.services.get(service_code)
        if of_code is None:
            raise NoAmountError(
                CaseStatus.UNKNOWN_SERVICE,
                statement("unknown_service", service_code=service_code, schedule_id=schedule.id),
                self._hint(
                    service_code, schedule, schedule.services, [e.services for e in self.catalog.editions]
                ),
            )
        rows = [
            row for row in of_code if is_within(self.day, row.effective_start_date, row.effective_end_date)
        ]
        if not rows:
            raise no_amount(
                CaseStatus.UNKNOWN_SERVICE,
                "service_not_on_date",
                service_code=service_code,
                day=self.day.isoformat(),
                schedule_id=schedule.id,
                spans=spans_of((row.effective_start_date, row.effective_end_date) for row in of_code),
            )
        self.steps.append(Step("service", service_code, notes=(statement("name", name=rows[0].name),)))
        return rows

    def _not_priced(self, schedule: Schedule, unit: Unit) -> Statement:
        return statement(
            "not_priced_service",
            schedule_id=schedule.id,
            service_code=self.service_code or "",
            unit=unit.value,
            care_setting=self.care_setting,
        )

    def _service_tariff(self, schedule: Schedule, service: Service) -> tuple[Fraction, str]:
        """A rate of its own setting as printed, any other times the share of its unit in the setting."""
        in_force = statement(
            "rate_dates", spans=spans_of([(service.effective_start_date, service.effective_end_date)])
        )
        if service.care_setting is not None:
            rule_id = f"{service.unit.value}.{service.care_setting}.rate"
            own = statement("rate_of_setting", care_setting=service.care_setting)
            self.steps.append(
                Step(
                    "rate",
                    format_exact(service.rate),
                    rule_id=rule_id,
                    source=service.source,
                    notes=(own, in_force),
                )
            )
            return service.rate, rule_id
        setting_share = self._share_of_setting(schedule, service.unit)
        share = self._share(setting_share)
        general = statement("rate_general", unit=service.unit.value)
        self.steps.append(
            Step("rate", format_exact(service.rate), source=service.source, notes=(general, in_force))
        )
        return self._tariff_share(schedule, service.rate, share), share.id

    def _service_factor(self, schedule: Schedule, service: Service) -> Fraction:
        if self.factor_code is None:
            self.steps.append(Step("factor", "1", notes=(statement("factor_none"),)))
            return Fraction(1)
        factor = find_factor(schedule, service.unit, self.factor_code, self.day)
        if factor is None:
            other_days = [
                (each.effective_start_date, each.effective_end_date)
                for each in schedule.factors
                if each.unit is service.unit and each.factor_code == self.factor_code
            ]
            if other_days:
                assert self.day is not None
                raise no_amount(
                    CaseStatus.UNKNOWN_FACTOR,
                    "factor_not_on_date",
                    factor_code=self.factor_code,
                    day=self.day.isoformat(),
                    schedule_id=schedule.id,
                    spans=spans_of(
                        (start or schedule.effective_start_date, end) for start, end in other_days
                    ),
                )
            known = [each.factor_code for each in schedule.factors if each.unit is service.unit]
            raise no_amount(
                CaseStatus.UNKNOWN_FACTOR,
                "unknown_factor",
                factor_code=self.factor_code,
                schedule_id=schedule.id,
                unit=service.unit.value,
                words=listed(known),
            )
        self.steps.append(
            Step(
                "factor",
                format_exact(factor.factor),
                rule_id=factor.factor_code,
                source=factor.source,
                notes=(statement("factor_named", factor_code=factor.factor_code, unit=service.unit.value),),
            )
        )
        return factor.factor
