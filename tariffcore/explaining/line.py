"""What every line goes through, be it a treated case or a counted service.

Its own fields, the edition, the care setting and its share, the days, the provider, the payment.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fractions import Fraction

from tariffcore.cases import Case
from tariffcore.codes import normalise_procedure
from tariffcore.explaining.code_hints import suggested, suggestion_hint
from tariffcore.explaining.repeated import repeated_of
from tariffcore.explaining.statements import (
    NoAmountError,
    calendar_day,
    day_of,
    listed,
    moment_in_words,
    no_amount,
    spans_of,
    statement,
    written,
)
from tariffcore.explanation import AppliedRounding, ComponentPart, Statement, Step
from tariffcore.money import MAX_AMOUNT_MINOR, format_exact, format_minor
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.limits import MAX_AGE_YEARS, MAX_MINOR_UNITS, MAX_STAY_DAYS
from tariffcore.schedule.model import (
    AddOn,
    AppliesTo,
    CoefficientMode,
    DayCount,
    PaymentMethod,
    ProviderPeriod,
    Rounding,
    Schedule,
    Share,
    ShareException,
    Unit,
)
from tariffcore.schedule.tariff import (
    combined_coefficient,
    find_addon,
    find_exception,
    find_provider_period,
    find_share,
    rounded,
)
from tariffcore.statuses import CaseStatus

MAX_QUANTITY = 2**31 - 1


class Line(ABC):
    """The calculation of one line: what is known so far, and the steps that led there."""

    def __init__(self, case: Case, catalog: Catalog) -> None:
        self.case = case
        self.catalog = catalog
        self.steps: list[Step] = []
        self.provider_id = written(case.provider_id)
        self.drg_code = written(case.drg_code)
        self.is_case = self.drg_code is not None
        self.service_code = written(case.service_code)
        self.care_setting = written(case.care_setting) or ""
        self.outcome = written(case.outcome)
        self.factor_code = written(case.factor_code)
        self.addon_kind = written(case.addon_kind)
        self.method: PaymentMethod | None = None
        """How the fund pays for it, once that is known."""
        self.admission_day = calendar_day(case.admission_date)
        self.discharge_day = calendar_day(case.discharge_date)
        self.day = (
            self.admission_day if catalog.deciding_date is DecidingDate.ADMISSION else self.discharge_day
        )
        self.covering = [edition for edition in catalog.editions if self.day and edition.covers(self.day)]
        known = [edition for edition in self.covering if self._is_known(edition)]
        # Editions may be issued with effect backwards: of those that cover the day, the last published wins.
        self.schedule = max(known, key=lambda edition: edition.published, default=None)

    def price(self) -> tuple[int, str, tuple[ComponentPart, ...] | None]:
        """The payment in minor units, the rule, the components; NoAmountError with the first status met."""
        self.check_own_fields()
        return self._price(self._edition())

    @abstractmethod
    def _price(self, schedule: Schedule) -> tuple[int, str, tuple[ComponentPart, ...] | None]:
        """The same by the edition that applies."""

    # What can be said of a line before any edition is asked

    def check_own_fields(self) -> None:
        """Raises NoAmountError for a case that its own fields rule out."""
        self._check_ranges()
        self._check_needed_fields()
        self._check_dates()

    def _check_ranges(self) -> None:
        """A line is a case or a service, never both, and its numbers are ones that can occur."""
        wrong = self._wrong_numbers()
        if wrong:
            raise NoAmountError(CaseStatus.INVALID_FIELD, *wrong)

    def _wrong_numbers(self) -> list[Statement]:
        case = self.case
        wrong: list[Statement] = []
        if self.drg_code is not None and self.service_code is not None:
            wrong.append(
                statement("invalid_both_codes", drg_code=self.drg_code, service_code=self.service_code)
            )
        if case.age_years is not None and not 0 <= case.age_years <= MAX_AGE_YEARS:
            wrong.append(statement("invalid_age", age_years=str(case.age_years)))
        if case.quantity is not None and not 1 <= case.quantity <= MAX_QUANTITY:
            wrong.append(statement("invalid_quantity", quantity=str(case.quantity)))
        if case.length_of_stay_days is not None and not 0 <= case.length_of_stay_days <= MAX_STAY_DAYS:
            wrong.append(statement("invalid_length", length_of_stay_days=str(case.length_of_stay_days)))
        if case.addon_amount is not None and self._addon_minor() is None:
            text = f"{case.addon_amount:f}"
            wrong.append(statement("unreadable_amount", field="addon_amount", text=text))
        return wrong

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
        has_stay = self.is_case or self._is_average_cost_case()
        if has_stay and self.outcome is None:
            fields.append("outcome")
        if self.service_code is not None and case.quantity is None:
            fields.append("quantity")
        if self.addon_kind is not None and case.addon_amount is None:
            fields.append("addon_amount")
        if self.addon_kind is None and case.addon_amount is not None:
            fields.append("addon_kind")
        missing = [statement("missing_fields", fields=", ".join(fields))] if fields else []
        missing += self._missing_code()
        if case.admission_date is None:
            if self.catalog.deciding_date is DecidingDate.ADMISSION:
                missing.append(statement("missing_admission_decides"))
            elif has_stay and case.length_of_stay_days is None:
                missing.append(statement("missing_admission"))
        if missing:
            raise NoAmountError(CaseStatus.MISSING_FIELD, *missing)

    def _is_average_cost_case(self) -> bool:
        """Whether the service is a whole case to any of the editions that price some day."""
        return any(
            row.unit is Unit.AVERAGE_CASE
            for span in self.catalog.spans
            for row in span.schedule.services.get(self.service_code or "", ())
        )

    def _missing_code(self) -> list[Statement]:
        """The reason where nothing says what is priced."""
        return [] if self.is_case or self.service_code is not None else [statement("missing_code")]

    def _check_dates(self) -> None:
        """Nobody leaves before arriving, and no stay lasts 90 years."""
        if self.admission_day is None or self.discharge_day is None:
            return
        between = (self.discharge_day - self.admission_day).days
        duration = self._duration()
        if between < 0 or (duration is not None and duration < timedelta(0)):
            raise no_amount(CaseStatus.INVALID_DATES, "discharge_before_admission", **self._stay_dates())
        if between > MAX_STAY_DAYS:
            raise no_amount(CaseStatus.INVALID_DATES, "stay_too_long", **self._stay_dates())

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
                published = listed([f"{edition.id} {edition.published.isoformat()}" for edition in later])
                reason = statement("no_schedule_known", **asked, as_of=as_of.isoformat(), editions=published)
            else:
                spans = spans_of(
                    (edition.effective_start_date, edition.effective_end_date)
                    for edition in self.catalog.editions
                    if self._is_known(edition)
                )
                reason = statement("no_schedule", **asked, spans=spans)
            raise NoAmountError(CaseStatus.NO_SCHEDULE_FOR_DATE, reason)
        notes = [
            statement(
                "in_force",
                deciding_field=self._deciding_field(),
                day=day.isoformat(),
                spans=spans_of([(schedule.effective_start_date, schedule.effective_end_date)]),
                published=schedule.published.isoformat(),
            )
        ]
        passed_over = [edition for edition in self.covering if edition is not schedule]
        if as_of is not None:
            notes.append(statement("known_as_of", as_of=as_of.isoformat()))
        elif passed_over:
            notes.append(statement("published_last"))
        else:
            notes.append(statement("only_edition"))
        notes.extend(
            statement(
                "passed_over" if self._is_known(edition) else "not_yet_known",
                schedule_id=edition.id,
                published=edition.published.isoformat(),
            )
            for edition in passed_over
        )
        self.steps.append(Step("edition", schedule.id, notes=tuple(notes)))
        return schedule

    # Codes, care setting and outcome

    def _hint(
        self,
        code: str,
        schedule: Schedule,
        codes: Mapping[str, object],
        codes_of_editions: Sequence[Mapping[str, object]],
    ) -> Statement:
        """What a code that is not in the edition was probably meant to be, or where it is."""
        suggestion = suggested(code, codes, schedule)
        if suggestion is not None:
            return suggestion_hint(code, suggestion)
        if codes is not schedule.services and code in schedule.services:
            return statement("hint_is_service")
        if codes is not schedule.groups and code in schedule.groups:
            return statement("hint_is_group")
        for edition, its_codes in zip(self.catalog.editions, codes_of_editions, strict=True):
            if edition is not schedule and code in its_codes and self._is_known(edition):
                return statement(
                    "hint_other_edition",
                    schedule_id=edition.id,
                    spans=spans_of([(edition.effective_start_date, edition.effective_end_date)]),
                )
        return statement("hint_not_in_any")

    def _check_setting(self, schedule: Schedule) -> None:
        if self.care_setting not in schedule.care_settings:
            raise no_amount(
                CaseStatus.UNKNOWN_SETTING,
                "unknown_setting",
                word=self.care_setting,
                schedule_id=schedule.id,
                words=listed(schedule.care_settings),
            )

    def _check_outcome(self, schedule: Schedule) -> None:
        """A case's outcome is there by now; a service may have none, but not an unknown one."""
        if self.outcome is not None and self.outcome not in schedule.outcomes:
            raise no_amount(
                CaseStatus.UNKNOWN_OUTCOME,
                "unknown_outcome",
                word=self.outcome,
                schedule_id=schedule.id,
                words=listed(schedule.outcomes),
            )

    def _share_of_setting(self, schedule: Schedule, unit: Unit) -> Share:
        share = find_share(schedule, unit, self.care_setting)
        if share is None:
            raise NoAmountError(CaseStatus.NOT_PRICED_IN_SETTING, self._not_priced(schedule, unit))
        return share

    @abstractmethod
    def _not_priced(self, schedule: Schedule, unit: Unit) -> Statement:
        """The reason where the schedule has no share of the unit in the care setting."""

    def _share(self, setting_share: Share) -> Share | ShareException:
        """The first exception that lists a procedure of the stay, else the share of the setting."""
        notes = [
            statement(
                "share_of_setting", unit=setting_share.unit.value, care_setting=setting_share.care_setting
            )
        ]
        share: Share | ShareException = setting_share
        if setting_share.exceptions:
            procedures = self.case.procedure_codes
            exception = find_exception(setting_share, {normalise_procedure(code) for code in procedures})
            if exception is None:
                notes.append(statement("share_no_exception"))
            else:
                share = exception
                procedure = next(
                    code for code in procedures if normalise_procedure(code) in exception.procedures
                )
                notes.append(statement("share_exception", procedure=procedure.strip()))
        if share.share != 1:
            on_weight = share.applies_to is AppliesTo.WEIGHT
            notes.append(statement("applies_to_weight" if on_weight else "applies_to_tariff"))
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
            "admission_date": moment_in_words(admission) if with_time else day_of(admission).isoformat(),
            "discharge_date": moment_in_words(discharge) if with_time else day_of(discharge).isoformat(),
        }

    def _length_of_stay(self, schedule: Schedule) -> tuple[int, tuple[Statement, ...]]:
        """Days of the stay, at least one, and how they were counted."""
        given = self.case.length_of_stay_days
        if self.admission_day is None or self.discharge_day is None:
            if given is None:
                return 1, ()  # a service alone may have neither, and nothing asks for its days
            at_least_one = () if given else (statement("days_at_least_one"),)
            return max(1, given), (statement("days_given"), *at_least_one)
        between = (self.discharge_day - self.admission_day).days
        counted = between + 1 if schedule.day_count is DayCount.INCLUSIVE else between
        days = max(1, counted)
        stay = {
            "admission_date": self.admission_day.isoformat(),
            "discharge_date": self.discharge_day.isoformat(),
            "day_count": schedule.day_count.value,
        }
        if given is not None and given != days:
            raise no_amount(
                CaseStatus.INVALID_DATES,
                "length_disagrees",
                length_of_stay_days=str(given),
                days=str(days),
                **stay,
            )
        notes = [statement("days_from_dates", **stay)]
        if counted < 1:
            notes.append(statement("days_at_least_one"))
        return days, tuple(notes)

    # Numbers as steps

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

    def _tariff_share(self, schedule: Schedule, tariff: Fraction, share: Share | ShareException) -> Fraction:
        return self._rounded(
            "tariff_share",
            "tariff",
            tariff * share.share,
            schedule.roundings.tariff,
            f"{format_exact(tariff)} * {format_exact(share.share)}",
        )

    # The provider

    def _provider_period(self, schedule: Schedule) -> ProviderPeriod | None:
        """The provider's coefficients on the deciding day; None where the schedule has none at all."""
        if schedule.providers is None:
            return None
        assert self.day is not None
        if self.provider_id is None:
            raise no_amount(CaseStatus.MISSING_FIELD, "missing_provider", schedule_id=schedule.id)
        period = find_provider_period(schedule, self.provider_id, self.day)
        if period is not None:
            return period
        periods = schedule.providers.get(self.provider_id)
        if periods is None:
            suggestion = suggested(self.provider_id, schedule.providers, schedule)
            raise NoAmountError(
                CaseStatus.UNKNOWN_PROVIDER,
                statement("unknown_provider", provider_id=self.provider_id, schedule_id=schedule.id),
                statement("hint_add_provider")
                if suggestion is None
                else suggestion_hint(self.provider_id, suggestion),
            )
        raise no_amount(
            CaseStatus.NO_COEFFICIENT_FOR_DATE,
            "no_coefficient_for_date",
            provider_id=self.provider_id,
            day=self.day.isoformat(),
            schedule_id=schedule.id,
            spans=spans_of((each.effective_start_date, each.effective_end_date) for each in periods),
        )

    def _coefficient(self, schedule: Schedule, period: ProviderPeriod | None, unit: Unit) -> Fraction:
        """The product of the coefficients that multiply, plus c - 1 of each that adds."""
        if period is None:
            self.steps.append(Step("coefficient", "1", notes=(statement("coefficient_none"),)))
            return Fraction(1)
        # the periods of a schedule live as long as it does
        step, combined = repeated_of(schedule).once(
            ("coefficient", id(period), unit), lambda: _coefficient_step(schedule, period, unit)
        )
        self.steps.append(step)
        return combined

    # What a line brings with it

    def _addon_minor(self) -> int | None:
        """The amount that the line brings with it, in minor units; None where it is no amount."""
        amount = self.case.addon_amount
        if amount is None or not amount.is_finite():
            return None
        minor_units = self.catalog.editions[0].minor_units if self.catalog.editions else MAX_MINOR_UNITS
        minor = Fraction(amount) * 10**minor_units
        return minor.numerator if minor.denominator == 1 and 0 <= minor <= MAX_AMOUNT_MINOR else None

    def _addon(
        self, schedule: Schedule, unit: Unit, flags: frozenset[str], share: Share | None
    ) -> AddOn | None:
        """What pays the amount that the line brings with it; None where it brings none."""
        kind = self.addon_kind
        if kind is None:
            if unit is Unit.ITEM:
                raise no_amount(
                    CaseStatus.MISSING_FIELD, "missing_cost", service_code=self.service_code or ""
                )
            return None
        if self.factor_code is not None:
            raise no_amount(
                CaseStatus.ADDON_NOT_PAID, "addon_with_factor", kind=kind, factor_code=self.factor_code
            )
        if share is not None and share.max_hours is not None:
            raise no_amount(
                CaseStatus.ADDON_NOT_PAID, "addon_with_hours", kind=kind, care_setting=self.care_setting
            )
        addon = find_addon(schedule, kind, unit=unit, care_setting=self.care_setting, flags=flags)
        if addon is None:
            known = dict.fromkeys(each.kind for each in schedule.addons if each.unit is unit)
            raise no_amount(
                CaseStatus.ADDON_NOT_PAID,
                "addon_not_paid",
                kind=kind,
                schedule_id=schedule.id,
                unit=unit.value,
                code=self.drg_code or self.service_code or "",
                words=listed(list(known)),
            )
        return addon

    def _with_addon(self, schedule: Schedule, amount_minor: int, addon: AddOn) -> int:
        """The payment together with what the line brings with it."""
        added_minor = self._addon_minor()
        assert added_minor is not None
        shown = {
            "kind": addon.kind,
            "added": format_minor(added_minor, schedule.minor_units),
            "amount_before": format_minor(amount_minor, schedule.minor_units),
        }
        if amount_minor + added_minor > MAX_AMOUNT_MINOR:
            raise no_amount(CaseStatus.AMOUNT_OVERFLOW, "addon_overflow", **shown)
        note = statement("addon_alone" if addon.unit is Unit.ITEM else "addon_on_top", **shown)
        self.steps.append(
            Step(
                "addon",
                format_minor(amount_minor + added_minor, schedule.minor_units),
                rule_id=addon.kind,
                source=addon.source,
                notes=(note, *self._method_note()),
            )
        )
        return amount_minor + added_minor

    def _method_note(self) -> tuple[Statement, ...]:
        return () if self.method is None else (statement("method", method=self.method.value),)

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
        minor_in_unit: int = 10**schedule.minor_units
        amount_minor, rest = divmod(quantity * unit_price.numerator * minor_in_unit, unit_price.denominator)
        assert not rest, "the unit price is rounded to minor units or coarser"
        if amount_minor > MAX_AMOUNT_MINOR:
            raise no_amount(
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
                notes=() if self.addon_kind is not None else self._method_note(),
            )
        )
        return amount_minor


def _coefficient_step(schedule: Schedule, period: ProviderPeriod, unit: Unit) -> tuple[Step, Fraction]:
    """What the coefficients of a period come to, and how."""
    notes = [
        statement(
            "coefficient_period",
            provider_id=period.provider_id,
            spans=spans_of([(period.effective_start_date, period.effective_end_date)]),
        )
    ]
    multiplying: list[str] = []
    adding: list[str] = []
    for coefficient, value in zip(schedule.coefficients, period.coefficients, strict=True):
        said = {"name": coefficient.name, "value": format_exact(value), "source": coefficient.source}
        if coefficient.units and unit not in coefficient.units:
            notes.append(statement("coefficient_of_others", name=coefficient.name, unit=unit.value))
        elif coefficient.mode is CoefficientMode.MULTIPLIES:
            multiplying.append(said["value"])
            notes.append(statement("coefficient_multiplies", **said))
        else:
            adding.append(f"({said['value']} - 1)")
            notes.append(statement("coefficient_adds", **said, increase=format_exact(value - 1)))
    combined = combined_coefficient(schedule, period, unit)
    formula = " + ".join([" * ".join(multiplying) or "1", *adding])
    return Step("coefficient", format_exact(combined), formula=formula, notes=tuple(notes)), combined
