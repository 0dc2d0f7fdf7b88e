"""A treated case: its group, the limit and the rules of its stay, its weight, tariff and cost components."""

from __future__ import annotations

from datetime import timedelta
from fractions import Fraction

from tariffcore.explaining.repeated import repeated_of
from tariffcore.explaining.statements import NoAmountError, hours, listed, no_amount, statement
from tariffcore.explaining.stay import LineWithStay
from tariffcore.explanation import ComponentPart, Statement, Step
from tariffcore.money import format_exact, format_minor, split_amount
from tariffcore.schedule.model import (
    AddOn,
    AgeClass,
    AppliesTo,
    Group,
    PaymentMethod,
    Schedule,
    Share,
    ShareException,
    Unit,
)
from tariffcore.schedule.tariff import group_weight
from tariffcore.statuses import CaseStatus


class TreatedCase(LineWithStay):
    """A line with a cost group."""

    def _price(self, schedule: Schedule) -> tuple[int, str, tuple[ComponentPart, ...] | None]:
        days, days_notes = self._length_of_stay(schedule)
        group = self._group(schedule)
        self._check_setting(schedule)
        setting_share = self._share_of_setting(schedule, Unit.CASE)
        share = self._share(setting_share)
        self.method = setting_share.method
        addon = self._addon(schedule, Unit.CASE, group.flags, setting_share)
        if addon is not None:
            self.method = PaymentMethod.CASE_WITH_DRUG
        self._hours_limit(setting_share)
        weight = self._weight(schedule, group)
        tariff = self._case_tariff(schedule, weight, share)
        self._check_outcome(schedule)
        if self.factor_code is not None:
            raise no_amount(CaseStatus.UNKNOWN_FACTOR, "factor_on_case", factor_code=self.factor_code)
        self.steps.append(Step("length_of_stay", str(days), notes=days_notes))
        stay_rule, stay_notes = self._stay_rule(schedule, Unit.CASE, group.flags, days)
        period = self._provider_period(schedule)
        factor = self._stay_factor(group.planned_days, stay_rule, days, stay_notes)
        coefficient = self._coefficient(schedule, period, Unit.CASE)
        unit_price = self._unit_price(schedule, tariff, factor, coefficient)
        amount_minor = self._payment(schedule, unit_price)
        whole_minor = amount_minor if addon is None else self._with_addon(schedule, amount_minor, addon)
        components = self._components(schedule, group, amount_minor, addon)
        rules = [share.id]
        rules += [] if addon is None else [addon.kind]
        rules += [] if stay_rule is None else [stay_rule.id]
        return whole_minor, "+".join(rules), components

    def _group(self, schedule: Schedule) -> Group:
        drg_code = self.drg_code or ""
        group = schedule.groups.get(drg_code)
        if group is None:
            raise NoAmountError(
                CaseStatus.UNKNOWN_DRG,
                statement("unknown_drg", drg_code=drg_code, schedule_id=schedule.id),
                self._hint(drg_code, schedule, schedule.groups, [e.groups for e in self.catalog.editions]),
            )
        self.steps.append(
            Step("group", drg_code, source=group.source, notes=(statement("name", name=group.name),))
        )
        return group

    def _not_priced(self, schedule: Schedule, unit: Unit) -> Statement:
        priced = [share.care_setting for share in schedule.shares if share.unit is unit]
        return statement(
            "not_priced",
            schedule_id=schedule.id,
            unit=unit.value,
            care_setting=self.care_setting,
            words=listed(priced),
        )

    # The stay

    def _hours_limit(self, share: Share) -> None:
        """A setting may pay a limited number of hours only. Without times, the days still decide where the
        stay is within the limit, or beyond it, whatever the hours were."""
        if share.max_hours is None:
            return
        limit = {"max_hours": str(share.max_hours), "care_setting": share.care_setting}
        if self.admission_day is None or self.discharge_day is None:
            raise no_amount(CaseStatus.MISSING_FIELD, "missing_hours_admission", **limit)
        longest = timedelta(hours=share.max_hours)
        duration = self._duration()
        if duration is not None:
            measured = {"duration": hours(duration)}
            if duration > longest:
                raise no_amount(CaseStatus.STAY_OVER_LIMIT, "stay_over_limit_hours", **measured, **limit)
            note = statement("hours_measured", **measured, **self._stay_dates())
        else:
            days = (self.discharge_day - self.admission_day).days
            if timedelta(days=days + 1) > longest:
                over = days >= 1 and timedelta(days=days - 1) >= longest
                raise NoAmountError(
                    CaseStatus.STAY_OVER_LIMIT if over else CaseStatus.MISSING_FIELD,
                    statement(
                        "stay_over_limit_days" if over else "missing_hours", **limit, **self._stay_dates()
                    ),
                )
            note = statement("hours_from_days", days=str(days))
        self.steps.append(
            Step("hours_limit", str(share.max_hours), rule_id=share.id, source=share.source, notes=(note,))
        )

    # Weight, tariff, components

    def _weight(self, schedule: Schedule, group: Group) -> Fraction:
        """The adult's or the child's weight; the age decides only where the two differ."""
        adult, child, age = group.relative_weight, group.relative_weight_child, self.case.age_years
        if age is None:
            if child is None:
                raise no_amount(CaseStatus.MISSING_FIELD, "missing_age_no_child", drg_code=group.drg_code)
            if child != adult:
                raise no_amount(
                    CaseStatus.MISSING_FIELD,
                    "missing_age_weights",
                    drg_code=group.drg_code,
                    weight=format_exact(adult),
                    weight_child=format_exact(child),
                )
            weight, note = adult, statement("weight_same")
        else:
            age_class = AgeClass.CHILD if age < schedule.child_age_limit else AgeClass.ADULT
            of_class = group_weight(group, age_class)
            limits = {"age_years": str(age), "child_age_limit": str(schedule.child_age_limit)}
            if of_class is None:
                raise no_amount(
                    CaseStatus.MISSING_WEIGHT,
                    "missing_weight",
                    drg_code=group.drg_code,
                    schedule_id=schedule.id,
                    **limits,
                )
            weight = of_class
            note = statement("weight_child" if age_class is AgeClass.CHILD else "weight_adult", **limits)
        self.steps.append(Step("weight", format_exact(weight), source=group.source, notes=(note,)))
        return weight

    def _case_tariff(self, schedule: Schedule, weight: Fraction, share: Share | ShareException) -> Fraction:
        """Weight x base rate. A share on the weight is rounded as a weight before it meets the base rate."""
        roundings, base_rate = schedule.roundings, schedule.base_rate
        if share.applies_to is AppliesTo.WEIGHT:
            weight = self._rounded(
                "weight_share",
                "weight",
                weight * share.share,
                roundings.weight,
                f"{format_exact(weight)} * {format_exact(share.share)}",
            )
        tariff = self._rounded(
            "tariff",
            "tariff",
            weight * base_rate.amount,
            roundings.tariff,
            f"{format_exact(weight)} * {format_exact(base_rate.amount)}",
            source=base_rate.source,
            notes=(statement("base_rate", base_rate=format_exact(base_rate.amount)),),
        )
        if share.applies_to is AppliesTo.WEIGHT or share.share == 1:
            return tariff
        return self._tariff_share(schedule, tariff, share)

    def _components(
        self, schedule: Schedule, group: Group, amount_minor: int, addon: AddOn | None
    ) -> tuple[ComponentPart, ...] | None:
        """The payment by cost component; a component that the profile does not list gets exactly nothing.

        ``amount_minor`` is without the add-on, which goes to its own component whole.
        """
        profile = group.component_profile
        split = None if profile is None else repeated_of(schedule).split(schedule, profile, self.care_setting)
        if profile is None or split is None:
            self.steps.append(Step("components", "", notes=(statement("components_none"),)))
            return None
        parts = split_amount(amount_minor, split.shares)
        added_minor = 0 if addon is None else self._addon_minor() or 0
        notes = [statement("components_split", component_profile=profile)]
        if addon is not None:
            added = format_minor(added_minor, schedule.minor_units)
            notes.append(statement("components_addon", added=added, component=addon.component or ""))
        self.steps.append(
            Step(
                "components",
                format_minor(sum(parts) + added_minor, schedule.minor_units),
                notes=tuple(notes),
            )
        )
        return tuple(
            ComponentPart(
                each.name,
                each.share,
                each.capital,
                sum(parts[row] for row in each.rows)
                + (added_minor if addon is not None and addon.component == each.name else 0),
            )
            for each in split.components
        )
