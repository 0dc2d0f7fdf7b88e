"""The stay of a case, of a group or at an average cost: which rule pays it, and how much of the tariff."""

from __future__ import annotations

from fractions import Fraction

from tariffcore.explaining.line import Line
from tariffcore.explaining.statements import NoAmountError, no_amount, statement
from tariffcore.explanation import Statement, Step
from tariffcore.money import format_exact
from tariffcore.schedule.model import Pay, Schedule, StayExemption, StayRule, Unit
from tariffcore.schedule.tariff import exemption_applies, find_stay_rule
from tariffcore.statuses import CaseStatus


class LineWithStay(Line):
    """A line whose stay may count."""

    def _stay_rule(
        self, schedule: Schedule, unit: Unit, flags: frozenset[str], days: int
    ) -> tuple[StayRule | None, list[Statement]]:
        """The stay rule that applies, and why each one tried before it did not."""
        outcome = self.outcome or ""
        rules = [rule for rule in schedule.stay_rules if rule.unit is unit]

        def first_rule(death_unavoidable: bool) -> StayRule | None:
            return find_stay_rule(
                schedule,
                unit=unit,
                care_setting=self.care_setting,
                outcome=outcome,
                death_unavoidable=death_unavoidable,
                days=days,
                flags=flags,
            )

        given = self.case.death_unavoidable
        rule = first_rule(given if given is not None else True)
        death_asked = any(
            each.death_unavoidable is not None and (not each.outcomes or outcome in each.outcomes)
            for each in rules
        )
        if given is None and death_asked:
            if_avoidable = first_rule(False)
            if if_avoidable is not rule:
                raise no_amount(
                    CaseStatus.MISSING_FIELD,
                    "missing_death_unavoidable",
                    rule_if_true=rule.id if rule else "",
                    rule_if_false=if_avoidable.id if if_avoidable else "",
                )
        if not rules:
            return None, [statement("stay_no_rules")]
        notes = [statement("stay_outcome", outcome=outcome, days=str(days))]
        if given is None and death_asked:
            notes.append(statement("stay_death_open"))
        for tried in rules:
            if tried is rule:
                notes.append(statement("stay_matched", rule_id=tried.id))
                break
            notes.append(self._why_not(tried, flags, outcome, days))
        else:
            notes.append(statement("stay_none"))
        return rule, notes

    def _why_not(self, rule: StayRule, flags: frozenset[str], outcome: str, days: int) -> Statement:
        """The first condition of a stay rule that does not hold, or the exemption that does."""
        if rule.care_settings and self.care_setting not in rule.care_settings:
            return statement("stay_other_setting", rule_id=rule.id)
        if rule.outcomes and outcome not in rule.outcomes:
            return statement("stay_other_outcome", rule_id=rule.id)
        if rule.max_days is not None and days > rule.max_days:
            return statement("stay_other_days", rule_id=rule.id, max_days=str(rule.max_days))
        for exemption in rule.exemptions:
            if exemption_applies(exemption, outcome=outcome, flags=flags):
                return statement(
                    "stay_exempt",
                    rule_id=rule.id,
                    conditions=_conditions(exemption, flags, outcome),
                    source=exemption.source,
                )
        # Where the answer is missing it makes no difference, so a rule that asks for it fails by another
        # condition above; only a given answer can be the one that does not fit.
        needed = "true" if rule.death_unavoidable else "false"
        return statement("stay_other_death", rule_id=rule.id, death_unavoidable=needed)

    def _stay_factor(
        self, planned_days: int | None, rule: StayRule | None, days: int, notes: list[Statement]
    ) -> Fraction:
        """In full; a share of the tariff; or days out of planned days, at most the whole."""
        factor = Fraction(1)
        if rule is not None:
            if rule.pay is Pay.FULL:
                notes.append(statement("pay_full"))
            elif rule.pay is Pay.SHARE:
                assert rule.share is not None
                factor = rule.share
                notes.append(statement("pay_share", share=format_exact(factor)))
            else:
                if planned_days is None:
                    raise NoAmountError(CaseStatus.MISSING_PLANNED_DAYS, self._no_planned_days(rule))
                days_paid = min(days, planned_days)
                factor = Fraction(days_paid, planned_days)
                notes.append(
                    statement("pay_per_planned_day", days_paid=str(days_paid), planned_days=str(planned_days))
                )
        self.steps.append(
            Step(
                "stay_rule",
                format_exact(factor),
                rule_id=rule.id if rule else None,
                source=rule.source if rule else None,
                notes=tuple(notes),
            )
        )
        return factor

    def _no_planned_days(self, rule: StayRule) -> Statement:
        """Which number the schedule lacks, and where."""
        assert self.schedule is not None
        where = {"rule_id": rule.id, "schedule_id": self.schedule.id}
        if self.drg_code is not None:
            return statement("missing_planned_days", drg_code=self.drg_code, **where)
        return statement("missing_planned_days_service", service_code=self.service_code or "", **where)


def _conditions(exemption: StayExemption, flags: frozenset[str], outcome: str) -> str:
    """What an exemption found in the case: ``outcome=self_discharged, drg_flag=infectious``."""
    found = [f"outcome={outcome}"] if exemption.outcomes else []
    found.extend(f"drg_flag={flag}" for flag in sorted(exemption.drg_flags & flags))
    return ", ".join(found) or "any"
