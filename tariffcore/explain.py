"""One case, step by step: each number with how it came about, the rule that applied, its legal source.

This is a statement of the payment model of its own: it walks the schedule in the order of the rules and
rounds with `tariffcore.money`; neither the kernel nor the twin takes part. Its amount, status, rule and
components equal theirs for every case, and tests say so. Personal fields of a case (``patient_id``) are not
read here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from fractions import Fraction

from tariffcore.cases import Case
from tariffcore.codes import latin_lookalike, normalise_procedure
from tariffcore.explanation import AppliedRounding, ComponentPart, Explanation, Statement, Step
from tariffcore.explanation_text import reasons_in_words
from tariffcore.labelling import labels_in
from tariffcore.money import MAX_AMOUNT_MINOR, format_exact, format_minor, split_amount
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.limits import MAX_AGE_YEARS, MAX_STAY_DAYS
from tariffcore.schedule.model import (
    AgeClass,
    AppliesTo,
    CoefficientMode,
    DayCount,
    Group,
    Pay,
    ProviderPeriod,
    Rounding,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)
from tariffcore.schedule.tariff import (
    combined_coefficient,
    component_shares,
    exemption_applies,
    find_exception,
    find_factor,
    find_provider_period,
    find_service,
    find_share,
    find_stay_rule,
    group_weight,
    rounded,
)
from tariffcore.statuses import CaseStatus
from tariffcore.version import ENGINE_VERSION

MAX_QUANTITY = 2**31 - 1

LISTED_WORDS = 12
"""How many words of a list a reason names before it says how many more there are."""


def explain_case(case: Case, catalog: Catalog) -> Explanation:
    """Prices one case and says how. A wrong case does not raise: it comes back with its status and reason."""
    walk = _Walk(case, catalog)
    status = CaseStatus.OK
    amount_minor: int | None = None
    rule_id: str | None = None
    components: tuple[ComponentPart, ...] | None = None
    reasons: tuple[Statement, ...] = ()
    try:
        amount_minor, rule_id, components = walk.price()
    except _NoAmountError as no_amount:
        status, reasons = no_amount.status, no_amount.reasons
    schedule = walk.schedule
    currency_of = schedule or catalog.editions[0]
    return Explanation(
        case_id=None if case.case_id is None else str(case.case_id),
        status=status,
        amount_minor=amount_minor,
        currency=currency_of.currency,
        minor_units=currency_of.minor_units,
        schedule_id=schedule.id if schedule else None,
        schedule_digest=schedule.digest if schedule else None,
        schedule_title=schedule.title if schedule else None,
        synthetic=schedule.synthetic if schedule else any(edition.synthetic for edition in catalog.editions),
        as_of=catalog.as_of,
        decided_by=catalog.deciding_date,
        deciding_date=walk.day,
        engine_version=ENGINE_VERSION,
        rule_id=rule_id,
        components=components,
        steps=tuple(walk.steps),
        reasons=reasons,
    )


def reason_for(case: Case, catalog: Catalog, language: str = "en") -> str:
    """Why a case has no amount, in words that name the value and the way out; empty for a priced case."""
    return explain_case(case, catalog).reason_in(language) or ""


def reason_of_own_fields(case: Case, deciding_date: DecidingDate, language: str = "en") -> str | None:
    """Why a case has no amount whatever any edition says; None where its own fields leave that open."""
    walk = _Walk(case, Catalog("", (), None, deciding_date, ()))
    try:
        walk.check_own_fields()
    except _NoAmountError as no_amount:
        return reasons_in_words(no_amount.reasons, labels_in(language))
    return None


_UNREADABLE = {
    "admission_date": "unreadable_date",
    "discharge_date": "unreadable_date",
    "claimed_amount": "unreadable_amount",
    "age_years": "unreadable_number",
    "quantity": "unreadable_number",
    "length_of_stay_days": "unreadable_number",
    "death_unavoidable": "unreadable_answer",
}


def reason_of_unreadable_cell(field: str, text: str, language: str = "en") -> str:
    """The reason of an INVALID_FIELD whose cell never became a value: ``2026-02-30`` in a date column."""
    key = _UNREADABLE.get(field, "invalid_cell")
    return reasons_in_words((_statement(key, field=field, text=text),), labels_in(language))


def reason_of_addon_amount(text: str, language: str = "en") -> str:
    """The reason of an INVALID_FIELD for a drug paid on top, which no rule pays yet."""
    return reasons_in_words((_statement("addon_amount", text=text),), labels_in(language))


def reason_of_malformed_row(trouble: str, values: Mapping[str, str], language: str = "en") -> str:
    """The reason of a MALFORMED_ROW, as whoever read the file put it: see `files.chunks.MalformedRow`."""
    return reasons_in_words((_statement(trouble, **values),), labels_in(language))


class _NoAmountError(Exception):
    """The case has no amount, and these are the reasons."""

    def __init__(self, status: CaseStatus, *reasons: Statement) -> None:
        super().__init__(status.name)
        self.status = status
        self.reasons = reasons


def _statement(key: str, /, **values: str) -> Statement:
    return Statement(key, tuple(values.items()))


def _no_amount(status: CaseStatus, key: str, /, **values: str) -> _NoAmountError:
    return _NoAmountError(status, _statement(key, **values))


class _Walk:
    """The calculation of one case: what is known so far, and the steps that led there."""

    def __init__(self, case: Case, catalog: Catalog) -> None:
        self.case = case
        self.catalog = catalog
        self.steps: list[Step] = []
        self.provider_id = _written(case.provider_id)
        self.drg_code = _written(case.drg_code)
        self.service_code = _written(case.service_code)
        self.care_setting = _written(case.care_setting) or ""
        self.outcome = _written(case.outcome)
        self.factor_code = _written(case.factor_code)
        self.admission_day = _calendar_day(case.admission_date)
        self.discharge_day = _calendar_day(case.discharge_date)
        self.day = (
            self.admission_day if catalog.deciding_date is DecidingDate.ADMISSION else self.discharge_day
        )
        self.covering = [edition for edition in catalog.editions if self.day and edition.covers(self.day)]
        known = [edition for edition in self.covering if self._is_known(edition)]
        # Editions may be issued with effect backwards: of those that cover the day, the last published wins.
        self.schedule = max(known, key=lambda edition: edition.published, default=None)

    def price(self) -> tuple[int, str, tuple[ComponentPart, ...] | None]:
        """The payment in minor units, the rule, the components; _NoAmountError with the first status met."""
        self.check_own_fields()
        schedule = self._edition()
        if self.drg_code is not None:
            return self._price_treated_case(schedule, self.drg_code)
        return self._price_service(schedule, self.service_code or "")

    def _price_treated_case(
        self, schedule: Schedule, drg_code: str
    ) -> tuple[int, str, tuple[ComponentPart, ...] | None]:
        days, days_notes = self._length_of_stay(schedule)
        group = self._group(schedule, drg_code)
        self._check_setting(schedule)
        setting_share = self._share_of_setting(schedule, Unit.CASE)
        share = self._share(setting_share)
        self._hours_limit(setting_share)
        weight = self._weight(schedule, group)
        tariff = self._case_tariff(schedule, weight, share)
        self._check_outcome(schedule)
        if self.factor_code is not None:
            raise _no_amount(CaseStatus.UNKNOWN_FACTOR, "factor_on_case", factor_code=self.factor_code)
        self.steps.append(Step("length_of_stay", str(days), notes=days_notes))
        stay_rule, stay_notes = self._stay_rule(schedule, group, days)
        period = self._provider_period(schedule)
        factor = self._stay_factor(schedule, group, stay_rule, days, stay_notes)
        coefficient = self._coefficient(schedule, period)
        unit_price = self._unit_price(schedule, tariff, factor, coefficient)
        amount_minor = self._payment(schedule, unit_price)
        components = self._components(schedule, group, amount_minor)
        return amount_minor, share.id if stay_rule is None else f"{share.id}+{stay_rule.id}", components

    def _price_service(self, schedule: Schedule, service_code: str) -> tuple[int, str, None]:
        self._length_of_stay(schedule)  # counts for nothing here, but a length that disagrees is an error
        rows = self._service_rows(schedule, service_code)
        self._check_setting(schedule)
        assert self.day is not None
        service = find_service(schedule, service_code, self.care_setting, self.day)
        if service is None:
            raise _NoAmountError(
                CaseStatus.NOT_PRICED_IN_SETTING,
                self._not_priced_service(schedule, service_code, rows[0].unit),
            )
        tariff, rule_id = self._service_tariff(schedule, service)
        self._check_outcome(schedule)
        factor = self._service_factor(schedule, service)
        coefficient = self._coefficient(schedule, self._provider_period(schedule))
        unit_price = self._unit_price(schedule, tariff, factor, coefficient)
        amount_minor = self._payment(schedule, unit_price)
        return amount_minor, rule_id if self.factor_code is None else f"{rule_id}+{self.factor_code}", None

    # What can be said of a case before any edition is asked

    def check_own_fields(self) -> None:
        """Raises _NoAmountError for a case that its own fields rule out."""
        self._check_ranges()
        self._check_needed_fields()
        self._check_dates()

    def _check_ranges(self) -> None:
        """A line is a case or a service, never both, and its numbers are ones that can occur."""
        case = self.case
        wrong: list[Statement] = []
        if self.drg_code is not None and self.service_code is not None:
            wrong.append(
                _statement("invalid_both_codes", drg_code=self.drg_code, service_code=self.service_code)
            )
        if case.age_years is not None and not 0 <= case.age_years <= MAX_AGE_YEARS:
            wrong.append(_statement("invalid_age", age_years=str(case.age_years)))
        if case.quantity is not None and not 1 <= case.quantity <= MAX_QUANTITY:
            wrong.append(_statement("invalid_quantity", quantity=str(case.quantity)))
        if case.length_of_stay_days is not None and not 0 <= case.length_of_stay_days <= MAX_STAY_DAYS:
            wrong.append(_statement("invalid_length", length_of_stay_days=str(case.length_of_stay_days)))
        if wrong:
            raise _NoAmountError(CaseStatus.INVALID_FIELD, *wrong)

    def _check_needed_fields(self) -> None:
        """What every line needs, and what a case or a service needs besides; all that is missing at once."""
        case = self.case
        fields = []
        if case.case_id is None or (isinstance(case.case_id, str) and not case.case_id.strip()):
            fields.append("case_id")
        if case.discharge_date is None:
            fields.append("discharge_date")
        if not self.care_setting:
            fields.append("care_setting")
        if self.drg_code is not None and self.outcome is None:
            fields.append("outcome")
        if self.service_code is not None and case.quantity is None:
            fields.append("quantity")
        missing = [_statement("missing_fields", fields=", ".join(fields))] if fields else []
        if self.drg_code is None and self.service_code is None:
            missing.append(_statement("missing_code"))
        if case.admission_date is None:
            if self.catalog.deciding_date is DecidingDate.ADMISSION:
                missing.append(_statement("missing_admission_decides"))
            elif self.drg_code is not None and case.length_of_stay_days is None:
                missing.append(_statement("missing_admission"))
        if missing:
            raise _NoAmountError(CaseStatus.MISSING_FIELD, *missing)

    def _check_dates(self) -> None:
        """Nobody leaves before arriving, and no stay lasts 90 years."""
        if self.admission_day is None or self.discharge_day is None:
            return
        between = (self.discharge_day - self.admission_day).days
        duration = self._duration()
        if between < 0 or (duration is not None and duration < timedelta(0)):
            raise _no_amount(CaseStatus.INVALID_DATES, "discharge_before_admission", **self._stay_dates())
        if between > MAX_STAY_DAYS:
            raise _no_amount(CaseStatus.INVALID_DATES, "stay_too_long", **self._stay_dates())

    # Which edition applies

    def _is_known(self, edition: Schedule) -> bool:
        return self.catalog.as_of is None or edition.published <= self.catalog.as_of

    def _deciding_field(self) -> str:
        return "admission_date" if self.catalog.deciding_date is DecidingDate.ADMISSION else "discharge_date"

    def _edition(self) -> Schedule:
        schedule, day, as_of = self.schedule, self.day, self.catalog.as_of
        assert day is not None
        later = [edition for edition in self.covering if not self._is_known(edition)]
        if schedule is None:
            asked = {
                "tariff_family": self.catalog.tariff_family,
                "field": self._deciding_field(),
                "day": day.isoformat(),
            }
            if later and as_of is not None:
                published = _listed([f"{edition.id} {edition.published.isoformat()}" for edition in later])
                reason = _statement("no_schedule_known", **asked, as_of=as_of.isoformat(), editions=published)
            else:
                spans = _spans(
                    (edition.effective_start_date, edition.effective_end_date)
                    for edition in self.catalog.editions
                    if self._is_known(edition)
                )
                reason = _statement("no_schedule", **asked, spans=spans)
            raise _NoAmountError(CaseStatus.NO_SCHEDULE_FOR_DATE, reason)
        notes = [
            _statement(
                "in_force",
                deciding_field=self._deciding_field(),
                day=day.isoformat(),
                spans=_spans([(schedule.effective_start_date, schedule.effective_end_date)]),
                published=schedule.published.isoformat(),
            )
        ]
        passed_over = [edition for edition in self.covering if edition is not schedule]
        if as_of is not None:
            notes.append(_statement("known_as_of", as_of=as_of.isoformat()))
        elif passed_over:
            notes.append(_statement("published_last"))
        else:
            notes.append(_statement("only_edition"))
        notes.extend(
            _statement(
                "passed_over" if self._is_known(edition) else "not_yet_known",
                schedule_id=edition.id,
                published=edition.published.isoformat(),
            )
            for edition in passed_over
        )
        self.steps.append(Step("edition", schedule.id, notes=tuple(notes)))
        return schedule

    # Group, service, setting

    def _group(self, schedule: Schedule, drg_code: str) -> Group:
        group = schedule.groups.get(drg_code)
        if group is None:
            raise _NoAmountError(
                CaseStatus.UNKNOWN_DRG,
                _statement("unknown_drg", drg_code=drg_code, schedule_id=schedule.id),
                self._hint(drg_code, schedule, schedule.groups, [e.groups for e in self.catalog.editions]),
            )
        self.steps.append(
            Step("group", drg_code, source=group.source, notes=(_statement("name", name=group.name),))
        )
        return group

    def _service_rows(self, schedule: Schedule, service_code: str) -> list[Service]:
        """The rows of the service in force on the deciding day, at least one."""
        assert self.day is not None
        of_code = schedule.services.get(service_code)
        if of_code is None:
            raise _NoAmountError(
                CaseStatus.UNKNOWN_SERVICE,
                _statement("unknown_service", service_code=service_code, schedule_id=schedule.id),
                self._hint(
                    service_code, schedule, schedule.services, [e.services for e in self.catalog.editions]
                ),
            )
        rows = [
            row for row in of_code if _is_within(self.day, row.effective_start_date, row.effective_end_date)
        ]
        if not rows:
            raise _no_amount(
                CaseStatus.UNKNOWN_SERVICE,
                "service_not_on_date",
                service_code=service_code,
                day=self.day.isoformat(),
                schedule_id=schedule.id,
                spans=_spans((row.effective_start_date, row.effective_end_date) for row in of_code),
            )
        self.steps.append(Step("service", service_code, notes=(_statement("name", name=rows[0].name),)))
        return rows

    def _hint(
        self,
        code: str,
        schedule: Schedule,
        codes: Mapping[str, object],
        codes_of_editions: Sequence[Mapping[str, object]],
    ) -> Statement:
        """What a code that is not in the edition was probably meant to be, or where it is."""
        suggestion = _suggestion(code, codes)
        if suggestion is not None:
            return _suggestion_hint(code, suggestion)
        if codes is not schedule.services and code in schedule.services:
            return _statement("hint_is_service")
        if codes is not schedule.groups and code in schedule.groups:
            return _statement("hint_is_group")
        for edition, its_codes in zip(self.catalog.editions, codes_of_editions, strict=True):
            if edition is not schedule and code in its_codes and self._is_known(edition):
                return _statement(
                    "hint_other_edition",
                    schedule_id=edition.id,
                    spans=_spans([(edition.effective_start_date, edition.effective_end_date)]),
                )
        return _statement("hint_not_in_any")

    def _check_setting(self, schedule: Schedule) -> None:
        if self.care_setting not in schedule.care_settings:
            raise _no_amount(
                CaseStatus.UNKNOWN_SETTING,
                "unknown_setting",
                word=self.care_setting,
                schedule_id=schedule.id,
                words=_listed(schedule.care_settings),
            )

    def _check_outcome(self, schedule: Schedule) -> None:
        """A case's outcome is there by now; a service may have none, but not an unknown one."""
        if self.outcome is not None and self.outcome not in schedule.outcomes:
            raise _no_amount(
                CaseStatus.UNKNOWN_OUTCOME,
                "unknown_outcome",
                word=self.outcome,
                schedule_id=schedule.id,
                words=_listed(schedule.outcomes),
            )

    def _share_of_setting(self, schedule: Schedule, unit: Unit) -> Share:
        share = find_share(schedule, unit, self.care_setting)
        if share is not None:
            return share
        if unit is Unit.CASE:
            priced = [share.care_setting for share in schedule.shares if share.unit is unit]
            reason = _statement(
                "not_priced",
                schedule_id=schedule.id,
                unit=unit.value,
                care_setting=self.care_setting,
                words=_listed(priced),
            )
        else:
            reason = self._not_priced_service(schedule, self.service_code or "", unit)
        raise _NoAmountError(CaseStatus.NOT_PRICED_IN_SETTING, reason)

    def _not_priced_service(self, schedule: Schedule, service_code: str, unit: Unit) -> Statement:
        return _statement(
            "not_priced_service",
            schedule_id=schedule.id,
            service_code=service_code,
            unit=unit.value,
            care_setting=self.care_setting,
        )

    def _share(self, setting_share: Share) -> Share | ShareException:
        """The first exception that lists a procedure of the stay, else the share of the setting."""
        notes = [
            _statement(
                "share_of_setting", unit=setting_share.unit.value, care_setting=setting_share.care_setting
            )
        ]
        share: Share | ShareException = setting_share
        if setting_share.exceptions:
            procedures = self.case.procedure_codes
            exception = find_exception(setting_share, {normalise_procedure(code) for code in procedures})
            if exception is None:
                notes.append(_statement("share_no_exception"))
            else:
                share = exception
                listed = next(
                    code for code in procedures if normalise_procedure(code) in exception.procedures
                )
                notes.append(_statement("share_exception", procedure=listed.strip()))
        if share.share != 1:
            on_weight = share.applies_to is AppliesTo.WEIGHT
            notes.append(_statement("applies_to_weight" if on_weight else "applies_to_tariff"))
        self.steps.append(
            Step(
                "share", format_exact(share.share), rule_id=share.id, source=share.source, notes=tuple(notes)
            )
        )
        return share

    # The stay

    def _duration(self) -> timedelta | None:
        """From the hour of admission to the hour of discharge, where both are known."""
        admission, discharge = self.case.admission_date, self.case.discharge_date
        if isinstance(admission, datetime) and isinstance(discharge, datetime):
            return discharge - admission
        return None

    def _stay_dates(self) -> dict[str, str]:
        admission, discharge = self.case.admission_date, self.case.discharge_date
        assert admission is not None
        assert discharge is not None
        with_time = self._duration() is not None
        return {
            "admission_date": _moment(admission) if with_time else _day_of(admission).isoformat(),
            "discharge_date": _moment(discharge) if with_time else _day_of(discharge).isoformat(),
        }

    def _length_of_stay(self, schedule: Schedule) -> tuple[int, tuple[Statement, ...]]:
        """Days of the stay, at least one, and how they were counted."""
        given = self.case.length_of_stay_days
        if self.admission_day is None or self.discharge_day is None:
            if given is None:
                return 1, ()  # a service alone may have neither, and nothing asks for its days
            at_least_one = () if given else (_statement("days_at_least_one"),)
            return max(1, given), (_statement("days_given"), *at_least_one)
        between = (self.discharge_day - self.admission_day).days
        counted = between + 1 if schedule.day_count is DayCount.INCLUSIVE else between
        days = max(1, counted)
        stay = {
            "admission_date": self.admission_day.isoformat(),
            "discharge_date": self.discharge_day.isoformat(),
            "day_count": schedule.day_count.value,
        }
        if given is not None and given != days:
            raise _no_amount(
                CaseStatus.INVALID_DATES,
                "length_disagrees",
                length_of_stay_days=str(given),
                days=str(days),
                **stay,
            )
        notes = [_statement("days_from_dates", **stay)]
        if counted < 1:
            notes.append(_statement("days_at_least_one"))
        return days, tuple(notes)

    def _hours_limit(self, share: Share) -> None:
        """A setting may pay a limited number of hours only. Without times, the days still decide where the
        stay is within the limit, or beyond it, whatever the hours were."""
        if share.max_hours is None:
            return
        limit = {"max_hours": str(share.max_hours), "care_setting": share.care_setting}
        if self.admission_day is None or self.discharge_day is None:
            raise _no_amount(CaseStatus.MISSING_FIELD, "missing_hours_admission", **limit)
        longest = timedelta(hours=share.max_hours)
        duration = self._duration()
        if duration is not None:
            measured = {"duration": _hours(duration)}
            if duration > longest:
                raise _no_amount(CaseStatus.STAY_OVER_LIMIT, "stay_over_limit_hours", **measured, **limit)
            note = _statement("hours_measured", **measured, **self._stay_dates())
        else:
            days = (self.discharge_day - self.admission_day).days
            if timedelta(days=days + 1) > longest:
                over = days >= 1 and timedelta(days=days - 1) >= longest
                raise _NoAmountError(
                    CaseStatus.STAY_OVER_LIMIT if over else CaseStatus.MISSING_FIELD,
                    _statement(
                        "stay_over_limit_days" if over else "missing_hours", **limit, **self._stay_dates()
                    ),
                )
            note = _statement("hours_from_days", days=str(days))
        self.steps.append(
            Step("hours_limit", str(share.max_hours), rule_id=share.id, source=share.source, notes=(note,))
        )

    def _stay_rule(
        self, schedule: Schedule, group: Group, days: int
    ) -> tuple[StayRule | None, list[Statement]]:
        """The stay rule that applies, and why each one tried before it did not."""
        outcome = self.outcome or ""

        def first_rule(death_unavoidable: bool) -> StayRule | None:
            return find_stay_rule(
                schedule,
                care_setting=self.care_setting,
                outcome=outcome,
                death_unavoidable=death_unavoidable,
                days=days,
                flags=group.flags,
            )

        given = self.case.death_unavoidable
        rule = first_rule(given if given is not None else True)
        death_asked = any(
            each.death_unavoidable is not None and (not each.outcomes or outcome in each.outcomes)
            for each in schedule.stay_rules
        )
        if given is None and death_asked:
            if_avoidable = first_rule(False)
            if if_avoidable is not rule:
                raise _no_amount(
                    CaseStatus.MISSING_FIELD,
                    "missing_death_unavoidable",
                    rule_if_true=rule.id if rule else "",
                    rule_if_false=if_avoidable.id if if_avoidable else "",
                )
        if not schedule.stay_rules:
            return None, [_statement("stay_no_rules")]
        notes = [_statement("stay_outcome", outcome=outcome, days=str(days))]
        if given is None and death_asked:
            notes.append(_statement("stay_death_open"))
        for tried in schedule.stay_rules:
            if tried is rule:
                notes.append(_statement("stay_matched", rule_id=tried.id))
                break
            notes.append(self._why_not(tried, group, outcome, days))
        else:
            notes.append(_statement("stay_none"))
        return rule, notes

    def _why_not(self, rule: StayRule, group: Group, outcome: str, days: int) -> Statement:
        """The first condition of a stay rule that does not hold, or the exemption that does."""
        if rule.care_settings and self.care_setting not in rule.care_settings:
            return _statement("stay_other_setting", rule_id=rule.id)
        if rule.outcomes and outcome not in rule.outcomes:
            return _statement("stay_other_outcome", rule_id=rule.id)
        if rule.max_days is not None and days > rule.max_days:
            return _statement("stay_other_days", rule_id=rule.id, max_days=str(rule.max_days))
        for exemption in rule.exemptions:
            if exemption_applies(exemption, outcome=outcome, flags=group.flags):
                return _statement(
                    "stay_exempt",
                    rule_id=rule.id,
                    conditions=_conditions(exemption, group, outcome),
                    source=exemption.source,
                )
        # Where the answer is missing it makes no difference, so a rule that asks for it fails by another
        # condition above; only a given answer can be the one that does not fit.
        needed = "true" if rule.death_unavoidable else "false"
        return _statement("stay_other_death", rule_id=rule.id, death_unavoidable=needed)

    def _stay_factor(
        self, schedule: Schedule, group: Group, rule: StayRule | None, days: int, notes: list[Statement]
    ) -> Fraction:
        """In full; a share of the tariff; or days out of planned days, at most the whole."""
        factor = Fraction(1)
        if rule is not None:
            if rule.pay is Pay.FULL:
                notes.append(_statement("pay_full"))
            elif rule.pay is Pay.SHARE:
                assert rule.share is not None
                factor = rule.share
                notes.append(_statement("pay_share", share=format_exact(factor)))
            else:
                if group.planned_days is None:
                    raise _no_amount(
                        CaseStatus.MISSING_PLANNED_DAYS,
                        "missing_planned_days",
                        rule_id=rule.id,
                        drg_code=group.drg_code,
                        schedule_id=schedule.id,
                    )
                days_paid = min(days, group.planned_days)
                factor = Fraction(days_paid, group.planned_days)
                notes.append(
                    _statement(
                        "pay_per_planned_day", days_paid=str(days_paid), planned_days=str(group.planned_days)
                    )
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

    # Weight and tariff

    def _weight(self, schedule: Schedule, group: Group) -> Fraction:
        """The adult's or the child's weight; the age decides only where the two differ."""
        adult, child, age = group.relative_weight, group.relative_weight_child, self.case.age_years
        if age is None:
            if child is None:
                raise _no_amount(CaseStatus.MISSING_FIELD, "missing_age_no_child", drg_code=group.drg_code)
            if child != adult:
                raise _no_amount(
                    CaseStatus.MISSING_FIELD,
                    "missing_age_weights",
                    drg_code=group.drg_code,
                    weight=format_exact(adult),
                    weight_child=format_exact(child),
                )
            weight, note = adult, _statement("weight_same")
        else:
            age_class = AgeClass.CHILD if age < schedule.child_age_limit else AgeClass.ADULT
            of_class = group_weight(group, age_class)
            limits = {"age_years": str(age), "child_age_limit": str(schedule.child_age_limit)}
            if of_class is None:
                raise _no_amount(
                    CaseStatus.MISSING_WEIGHT,
                    "missing_weight",
                    drg_code=group.drg_code,
                    schedule_id=schedule.id,
                    **limits,
                )
            weight = of_class
            note = _statement("weight_child" if age_class is AgeClass.CHILD else "weight_adult", **limits)
        self.steps.append(Step("weight", format_exact(weight), source=group.source, notes=(note,)))
        return weight

    def _rounded(
        self,
        step_id: str,
        name: str,
        value: Fraction,
        rounding: Rounding,
        formula: str,
        source: str | None = None,
        notes: tuple[Statement, ...] = (),
    ) -> Fraction:
        """A value under a named rounding, as a step."""
        result = rounded(value, rounding)
        after = format_exact(result)
        self.steps.append(
            Step(
                step_id,
                after,
                formula=formula,
                rounding=AppliedRounding(name, rounding.places, rounding.mode, format_exact(value), after),
                source=source,
                notes=notes,
            )
        )
        return result

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
            notes=(_statement("base_rate", base_rate=format_exact(base_rate.amount)),),
        )
        if share.applies_to is AppliesTo.WEIGHT or share.share == 1:
            return tariff
        return self._tariff_share(schedule, tariff, share)

    def _tariff_share(self, schedule: Schedule, tariff: Fraction, share: Share | ShareException) -> Fraction:
        return self._rounded(
            "tariff_share",
            "tariff",
            tariff * share.share,
            schedule.roundings.tariff,
            f"{format_exact(tariff)} * {format_exact(share.share)}",
        )

    def _service_tariff(self, schedule: Schedule, service: Service) -> tuple[Fraction, str]:
        """A rate of its own setting as printed, any other times the share of its unit in the setting."""
        in_force = _statement(
            "rate_dates", spans=_spans([(service.effective_start_date, service.effective_end_date)])
        )
        if service.care_setting is not None:
            rule_id = f"{service.unit.value}.{service.care_setting}.rate"
            own = _statement("rate_of_setting", care_setting=service.care_setting)
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
        general = _statement("rate_general", unit=service.unit.value)
        self.steps.append(
            Step("rate", format_exact(service.rate), source=service.source, notes=(general, in_force))
        )
        return self._tariff_share(schedule, service.rate, share), share.id

    def _service_factor(self, schedule: Schedule, service: Service) -> Fraction:
        if self.factor_code is None:
            self.steps.append(Step("factor", "1", notes=(_statement("factor_none"),)))
            return Fraction(1)
        factor = find_factor(schedule, service.unit, self.factor_code)
        if factor is None:
            known = [each.factor_code for each in schedule.factors if each.unit is service.unit]
            raise _no_amount(
                CaseStatus.UNKNOWN_FACTOR,
                "unknown_factor",
                factor_code=self.factor_code,
                schedule_id=schedule.id,
                unit=service.unit.value,
                words=_listed(known),
            )
        self.steps.append(
            Step(
                "factor",
                format_exact(factor.factor),
                rule_id=factor.factor_code,
                source=factor.source,
                notes=(_statement("factor_named", factor_code=factor.factor_code, unit=service.unit.value),),
            )
        )
        return factor.factor

    # The provider

    def _provider_period(self, schedule: Schedule) -> ProviderPeriod | None:
        """The provider's coefficients on the deciding day; None where the schedule has none at all."""
        if schedule.providers is None:
            return None
        assert self.day is not None
        if self.provider_id is None:
            raise _no_amount(CaseStatus.MISSING_FIELD, "missing_provider", schedule_id=schedule.id)
        period = find_provider_period(schedule, self.provider_id, self.day)
        if period is not None:
            return period
        listed = schedule.providers.get(self.provider_id)
        if listed is None:
            suggestion = _suggestion(self.provider_id, schedule.providers)
            raise _NoAmountError(
                CaseStatus.UNKNOWN_PROVIDER,
                _statement("unknown_provider", provider_id=self.provider_id, schedule_id=schedule.id),
                _statement("hint_add_provider")
                if suggestion is None
                else _suggestion_hint(self.provider_id, suggestion),
            )
        raise _no_amount(
            CaseStatus.NO_COEFFICIENT_FOR_DATE,
            "no_coefficient_for_date",
            provider_id=self.provider_id,
            day=self.day.isoformat(),
            schedule_id=schedule.id,
            spans=_spans((each.effective_start_date, each.effective_end_date) for each in listed),
        )

    def _coefficient(self, schedule: Schedule, period: ProviderPeriod | None) -> Fraction:
        """The product of the coefficients that multiply, plus c - 1 of each that adds."""
        if period is None:
            self.steps.append(Step("coefficient", "1", notes=(_statement("coefficient_none"),)))
            return Fraction(1)
        notes = [
            _statement(
                "coefficient_period",
                provider_id=period.provider_id,
                spans=_spans([(period.effective_start_date, period.effective_end_date)]),
            )
        ]
        multiplying: list[str] = []
        adding: list[str] = []
        for coefficient, value in zip(schedule.coefficients, period.coefficients, strict=True):
            said = {"name": coefficient.name, "value": format_exact(value), "source": coefficient.source}
            if coefficient.mode is CoefficientMode.MULTIPLIES:
                multiplying.append(said["value"])
                notes.append(_statement("coefficient_multiplies", **said))
            else:
                adding.append(f"({said['value']} - 1)")
                notes.append(_statement("coefficient_adds", **said, increase=format_exact(value - 1)))
        combined = combined_coefficient(schedule, period)
        self.steps.append(
            Step(
                "coefficient",
                format_exact(combined),
                formula=" + ".join([" * ".join(multiplying) or "1", *adding]),
                notes=tuple(notes),
            )
        )
        return combined

    # The payment

    def _unit_price(
        self, schedule: Schedule, tariff: Fraction, factor: Fraction, coefficient: Fraction
    ) -> Fraction:
        """Tariff x factor x coefficient, rounded once."""
        return self._rounded(
            "unit_price",
            "unit",
            tariff * factor * coefficient,
            schedule.roundings.unit,
            f"{format_exact(tariff)} * {format_exact(factor)} * {format_exact(coefficient)}",
        )

    def _payment(self, schedule: Schedule, unit_price: Fraction) -> int:
        """Quantity x unit price in minor units. A case counts once unless it says otherwise."""
        quantity = 1 if self.case.quantity is None else self.case.quantity
        exact_minor = quantity * unit_price * Fraction(10) ** schedule.minor_units
        assert exact_minor.denominator == 1, "the unit price is rounded to minor units or coarser"
        amount_minor = exact_minor.numerator
        if amount_minor > MAX_AMOUNT_MINOR:
            raise _no_amount(
                CaseStatus.AMOUNT_OVERFLOW,
                "amount_overflow",
                quantity=str(quantity),
                unit_price=format_exact(unit_price),
            )
        self.steps.append(
            Step(
                "payment",
                format_minor(amount_minor, schedule.minor_units),
                formula=f"{quantity} * {format_exact(unit_price)}",
            )
        )
        return amount_minor

    def _components(
        self, schedule: Schedule, group: Group, amount_minor: int
    ) -> tuple[ComponentPart, ...] | None:
        """The payment by cost component; a component that the profile does not list gets exactly nothing."""
        profile = group.component_profile
        rows = () if profile is None else component_shares(schedule, profile, self.care_setting)
        if profile is None or not rows:
            self.steps.append(Step("components", "", notes=(_statement("components_none"),)))
            return None
        shares: dict[str, Fraction] = {}
        parts: dict[str, int] = {}
        capital: dict[str, bool] = {}
        for row, part_minor in zip(
            rows, split_amount(amount_minor, [row.share for row in rows]), strict=True
        ):
            shares[row.component] = shares.get(row.component, Fraction(0)) + row.share
            parts[row.component] = parts.get(row.component, 0) + part_minor
            capital[row.component] = row.capital
        for row in schedule.components:
            capital.setdefault(row.component, row.capital)
        self.steps.append(
            Step(
                "components",
                format_minor(sum(parts.values()), schedule.minor_units),
                notes=(_statement("components_split", component_profile=profile),),
            )
        )
        return tuple(
            ComponentPart(
                name, format_exact(shares.get(name, Fraction(0))), capital[name], parts.get(name, 0)
            )
            for name in dict.fromkeys(row.component for row in schedule.components)
        )


def _written(text: str | None) -> str | None:
    """What stands in a field, without surrounding white space; an empty field is a missing one."""
    return None if text is None else text.strip() or None


def _day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _calendar_day(moment: date | None) -> date | None:
    return None if moment is None else _day_of(moment)


def _moment(moment: date) -> str:
    """A date with its time, to the minute, or to the second where the minute is not whole."""
    if not isinstance(moment, datetime):
        return moment.isoformat()
    clock = moment.replace(tzinfo=None)
    whole_minute = not clock.second and not clock.microsecond
    return clock.isoformat(sep=" ", timespec="minutes" if whole_minute else "auto")


def _hours(duration: timedelta) -> str:
    """A duration as hours and minutes, ``24:00``; with seconds where the minute is not whole."""
    minutes, rest = divmod(duration, timedelta(minutes=1))
    hours_minutes = f"{minutes // 60}:{minutes % 60:02}"
    if not rest:
        return hours_minutes
    fraction = f".{rest.microseconds:06}" if rest.microseconds else ""
    return f"{hours_minutes}:{rest.seconds:02}{fraction}"


def _is_within(day: date, start: date, end: date | None) -> bool:
    return start <= day and (end is None or day < end)


def _spans(spans: Iterable[tuple[date, date | None]]) -> str:
    """Half-open spans as ISO intervals: ``2025-01-01/2026-01-01, 2026-01-01/``, each once."""
    written = (f"{start.isoformat()}/{end.isoformat() if end else ''}" for start, end in spans)
    return _listed(list(dict.fromkeys(written)))


def _listed(words: Sequence[str]) -> str:
    """The words of a list; of a long one the first, and how many there are."""
    shown = [*words[:LISTED_WORDS], f"… ({len(words)})"] if len(words) > LISTED_WORDS else words
    return ", ".join(shown)


def _conditions(exemption: StayExemption, group: Group, outcome: str) -> str:
    """What an exemption found in the case: ``outcome=self_discharged, drg_flag=infectious``."""
    found = [f"outcome={outcome}"] if exemption.outcomes else []
    found.extend(f"drg_flag={flag}" for flag in sorted(exemption.drg_flags & group.flags))
    return ", ".join(found) or "any"


# Hints for codes


_SKELETONS: dict[int, tuple[Mapping[str, object], dict[str, str]]] = {}
_KEPT_SKELETONS = 32


def _skeleton(code: str) -> str:
    """What is left of a code without the ways in which people and spreadsheets change it."""
    compact = latin_lookalike("".join(code.split())).upper()
    return compact.lstrip("0") or compact


def _suggestion(code: str, codes: Mapping[str, object]) -> str | None:
    """The one code of a table that differs by look-alike letters, case, spaces or leading zeros only."""
    # Reasons are wanted by the hundred thousand, so the table's skeletons are kept, and the table with them:
    # while it is held here its identity cannot be given to another.
    kept = _SKELETONS.get(id(codes))
    if kept is None:
        if len(_SKELETONS) >= _KEPT_SKELETONS:
            _SKELETONS.clear()
        by_skeleton: dict[str, str] = {}
        for each in codes:
            by_skeleton.setdefault(_skeleton(each), each)
        kept = _SKELETONS[id(codes)] = (codes, by_skeleton)
    return kept[1].get(_skeleton(code))


def _suggestion_hint(code: str, suggestion: str) -> Statement:
    cyrillic = [letter for letter in dict.fromkeys(code) if latin_lookalike(letter) != letter]
    if cyrillic and latin_lookalike(suggestion) == suggestion:
        if latin_lookalike(code[1:]) == code[1:]:
            return _statement("hint_first_cyrillic", suggestion=suggestion)
        return _statement("hint_cyrillic", letters=" ".join(cyrillic), suggestion=suggestion)
    if latin_lookalike(suggestion) != suggestion and not cyrillic:
        return _statement("hint_latin", suggestion=suggestion)
    return _statement("hint_suggestion", suggestion=suggestion)
