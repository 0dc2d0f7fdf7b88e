"""The slow exact twin: one case priced the way the rules read, in fractions.

This module exists to be read beside the payment rules and to be compared with the kernel, case by case and
to the minor unit. It shares no arithmetic with the rest of the library: it rounds, searches editions and
splits amounts by itself. Items cited are those of the payment rules KR DSM-291/2020, edition of 18.05.2026,
unless said otherwise; what the rules leave open is a parameter of the schedule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING

from tariffcore.cases import Case
from tariffcore.codes import normalise_procedure
from tariffcore.grouping.reference import reference_group
from tariffcore.schedule.model import (
    AddOn,
    AppliesTo,
    CoefficientMode,
    DayCount,
    Group,
    Pay,
    PaymentMethod,
    Rounding,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)
from tariffcore.statuses import CaseStatus

if TYPE_CHECKING:
    from tariffcore.schedule.catalog import Catalog

OLDEST_AGE_YEARS = 130
OLDEST_AGE_DAYS = 131 * 366 - 1
LIGHTEST_NEWBORN_GRAMS, HEAVIEST_NEWBORN_GRAMS = 100, 8_000
LARGEST_QUANTITY = 2**31 - 1
LONGEST_STAY_DAYS = 32_767
LARGEST_AMOUNT_MINOR = 999_999_999_999_999_999  # 18 digits


@dataclass(frozen=True, slots=True)
class ReferenceResult:
    """What became of one case.

    status            OK, or the first reason in the order of the rules why there is no amount
    amount_minor      the payment in minor units; None unless OK
    schedule_id       the edition that covers the deciding date, for a rejected case too; None if none does
    rule_id           share (or exception, or printed rate), then stay rule or factor; None unless OK
    components_minor  what part of the payment is each component the edition knows; None for services,
                      for a group without a component profile, and unless OK
    method            how the fund pays for it; None unless OK
    """

    status: CaseStatus
    amount_minor: int | None = None
    schedule_id: str | None = None
    rule_id: str | None = None
    components_minor: dict[str, int] | None = None
    method: PaymentMethod | None = None


class _NoAmountError(Exception):
    """The case has no amount, and this is why."""

    def __init__(self, status: CaseStatus) -> None:
        super().__init__(status.name)
        self.status = status


def reference_price(case: Case, catalog: Catalog) -> ReferenceResult:
    """The status, the exact amount and the rule of one case; ``claimed_amount`` plays no part."""
    schedule = edition_that_applies(case, catalog)
    schedule_id = schedule.id if schedule is not None else None
    try:
        fields_are_in_range(case, catalog)
        if is_ungrouped(case, catalog):
            diagnoses_are_in_range(case, catalog)
        needed_fields_are_given(case, catalog)
        dates_agree(case)
        if is_ungrouped(case, catalog):
            ages_agree(case)
        if schedule is None:
            raise _NoAmountError(CaseStatus.NO_SCHEDULE_FOR_DATE)
        day = deciding_day(case, catalog)
        if is_ungrouped(case, catalog):
            case = grouped(case, schedule)
        if written(case.drg_code) is not None:
            amount_minor, rule_id, method, components_minor = price_of_treated_case(case, schedule, day)
        else:
            amount_minor, rule_id, method = price_of_service(case, schedule, day)
            components_minor = None
    except _NoAmountError as no_amount:
        return ReferenceResult(no_amount.status, schedule_id=schedule_id)
    return ReferenceResult(CaseStatus.OK, amount_minor, schedule_id, rule_id, components_minor, method)


def is_ungrouped(case: Case, catalog: Catalog) -> bool:
    """A treated case without a group, where the fund has rules that tell it."""
    return (
        written(case.drg_code) is None
        and written(case.service_code) is None
        and any(edition.grouping is not None for edition in editions_in_use(catalog))
    )


def grouped(case: Case, schedule: Schedule) -> Case:
    """The case with the group that the edition's rules give it, and the age that its days tell."""
    found = reference_group(case, schedule, length_of_stay(case, schedule))
    if found.status is not CaseStatus.OK:
        raise _NoAmountError(found.status)
    age_years = case.age_years
    if age_years is None and case.age_days is not None and case.age_days // 365 == case.age_days // 366:
        age_years = case.age_days // 365
    return replace(case, drg_code=found.drg_code, age_years=age_years)


def ages_agree(case: Case) -> None:
    """So many days are between so many full years, counted as 365 and as 366 days."""
    if case.age_years is None or case.age_days is None:
        return
    if not case.age_days // 366 <= case.age_years <= case.age_days // 365:
        raise _NoAmountError(CaseStatus.INVALID_DATES)


def diagnoses_are_in_range(case: Case, catalog: Catalog) -> None:
    """What only grouping reads is what can occur, too."""
    qualifiers = {
        word
        for edition in editions_in_use(catalog)
        if edition.grouping is not None
        for word in edition.grouping.qualifiers
    }
    weight, days = case.birth_weight_grams, case.age_days
    in_range = (
        (written(case.sex) is None or (written(case.sex) or "").casefold() in ("female", "male"))
        and (weight is None or LIGHTEST_NEWBORN_GRAMS <= weight <= HEAVIEST_NEWBORN_GRAMS)
        and (days is None or 0 <= days <= OLDEST_AGE_DAYS)
        and qualifiers.issuperset(case.qualifiers)
    )
    if not in_range:
        raise _NoAmountError(CaseStatus.INVALID_FIELD)


def price_of_treated_case(
    case: Case, schedule: Schedule, day: date
) -> tuple[int, str, PaymentMethod, dict[str, int] | None]:
    """A case of a clinical cost group: tariff x stay factor x coefficient, rounded once (items 70-88)."""
    stay_days = length_of_stay(case, schedule)
    group = cost_group(case, schedule)
    care_setting = known_care_setting(case, schedule)
    setting_share = share_of_setting(schedule, Unit.CASE, care_setting)
    addon = add_on_that_pays(case, Unit.CASE, care_setting, group.flags, schedule, setting_share)
    stay_is_within_hours(case, setting_share)
    share = share_or_exception(case, setting_share)
    weight = relative_weight(case, group, schedule)
    outcome = known_outcome(case, schedule)
    no_factor_on_a_case(case)
    stay_rule = stay_rule_that_applies(
        case, group.flags, care_setting, outcome, stay_days, schedule, Unit.CASE
    )
    coefficient = provider_coefficient(case, schedule, day, Unit.CASE)
    stay_factor = factor_of_stay(stay_rule, group.planned_days, stay_days)

    tariff = tariff_of_case(weight, share, schedule)
    unit_price = rounded(tariff * stay_factor * coefficient, schedule.roundings.unit)
    amount_minor = payment_minor(unit_price, case, schedule)
    parts = component_parts(amount_minor, group, care_setting, schedule)

    rule_ids = [share.id]
    method = setting_share.own_method or PaymentMethod.TREATED_CASE
    if addon is not None:
        # item 82: biologic therapy is the tariff of the group and the cost of the drug
        rule_ids.append(addon.kind)
        method = PaymentMethod.CASE_WITH_DRUG
        drug_minor = cost_given_by_the_line(case, schedule)
        amount_minor = with_cost_on_top(amount_minor, drug_minor)
        if parts is not None:
            assert addon.component is not None
            parts[addon.component] += drug_minor
    if stay_rule is not None:
        rule_ids.append(stay_rule.id)
    return amount_minor, "+".join(rule_ids), method, parts


METHOD_OF_SERVICES = {
    Unit.BED_DAY: PaymentMethod.BED_DAY,
    Unit.SERVICE: PaymentMethod.SERVICE,
    Unit.CALL: PaymentMethod.CALL,
    Unit.PERSON_MONTH: PaymentMethod.PER_CAPITA,
    Unit.AVERAGE_CASE: PaymentMethod.AVERAGE_COST_CASE,
    Unit.ITEM: PaymentMethod.ACTUAL_COST,
}
"""How the fund pays for a service that does not say so itself."""


def price_of_service(case: Case, schedule: Schedule, day: date) -> tuple[int, str, PaymentMethod]:
    """A bed-day, service, call or person-month: quantity x unit price (items 47, 63, 66-68, 72, 73)."""
    stay_days = length_of_stay(case, schedule)
    rows = service_rows_on(case, schedule, day)
    care_setting = known_care_setting(case, schedule)
    service, tariff, rule_id = tariff_of_service(rows, care_setting, schedule)
    nothing_flagged: frozenset[str] = frozenset()
    addon = add_on_that_pays(case, service.unit, care_setting, nothing_flagged, schedule, None)
    outcome = known_outcome(case, schedule)
    if service.unit is Unit.AVERAGE_CASE:
        return price_of_average_cost_case(
            case, schedule, day, service, tariff, rule_id, care_setting, outcome, stay_days
        )
    if service.unit is Unit.ITEM:
        # item 70: paid at actual cost, whatever the provider's coefficients
        provider_coefficient(case, schedule, day, Unit.ITEM)
        assert addon is not None
        cost_minor = with_cost_on_top(0, cost_given_by_the_line(case, schedule))
        return cost_minor, f"{rule_id}+{addon.kind}", service.own_method or PaymentMethod.ACTUAL_COST
    factor = factor_of_service(case, service, schedule, day)
    coefficient = provider_coefficient(case, schedule, day, service.unit)

    unit_price = rounded(tariff * factor * coefficient, schedule.roundings.unit)
    amount_minor = payment_minor(unit_price, case, schedule)

    factor_code = written(case.factor_code)
    method = service.own_method or METHOD_OF_SERVICES[service.unit]
    return amount_minor, rule_id if factor_code is None else f"{rule_id}+{factor_code}", method


def price_of_average_cost_case(
    case: Case,
    schedule: Schedule,
    day: date,
    service: Service,
    tariff: Fraction,
    rule_id: str,
    care_setting: str,
    outcome: str,
    stay_days: int,
) -> tuple[int, str, PaymentMethod]:
    """A case at an average cost; cut short, its tariff / planned days x actual days (items 85, 86)."""
    no_factor_on_a_case(case)
    nothing_exempt: frozenset[str] = frozenset()
    stay_rule = stay_rule_that_applies(
        case, nothing_exempt, care_setting, outcome, stay_days, schedule, Unit.AVERAGE_CASE
    )
    coefficient = provider_coefficient(case, schedule, day, Unit.AVERAGE_CASE)
    stay_factor = factor_of_stay(stay_rule, service.planned_days, stay_days)

    unit_price = rounded(tariff * stay_factor * coefficient, schedule.roundings.unit)
    amount_minor = payment_minor(unit_price, case, schedule)
    method = service.own_method or PaymentMethod.AVERAGE_COST_CASE
    return amount_minor, rule_id if stay_rule is None else f"{rule_id}+{stay_rule.id}", method


# Which edition applies


def deciding_day(case: Case, catalog: Catalog) -> date:
    """The day that chooses edition, coefficients and rates: discharge, unless the catalog says admission."""
    decides = case.admission_date if catalog.deciding_date == "admission" else case.discharge_date
    if decides is None:
        raise _NoAmountError(CaseStatus.MISSING_FIELD)
    return calendar_day(decides)


def edition_that_applies(case: Case, catalog: Catalog) -> Schedule | None:
    """Of the editions known on the asking date that cover the deciding day, the one published last.

    Orders are issued with effect backwards ("in force from X, extends to relations from Y"), so several may
    cover a day; what was not yet published on the asking date plays no part.
    """
    try:
        day = deciding_day(case, catalog)
    except _NoAmountError:
        return None
    latest: Schedule | None = None
    for edition in catalog.editions:
        known = catalog.as_of is None or edition.published <= catalog.as_of
        if (
            known
            and is_within(day, edition.effective_start_date, edition.effective_end_date)
            and (latest is None or edition.published > latest.published)
        ):
            latest = edition
    return latest


def is_within(day: date, start: date, end: date | None) -> bool:
    """Whether the day lies in the span; the start belongs to it, the end does not, no end is open."""
    return start <= day and (end is None or day < end)


# What can be said of a case before any edition is asked


def written(text: str | None) -> str | None:
    """What stands in a field, without surrounding white space; an empty field is a missing one."""
    return (text.strip() or None) if text is not None else None


def calendar_day(moment: date | datetime) -> date:
    """The day of a date that may carry a time."""
    return moment.date() if isinstance(moment, datetime) else moment


def is_amount(amount: Decimal | None, catalog: Catalog) -> bool:
    """Whether an amount is one of the currency: no part of a minor unit, not below zero, of 18 digits."""
    if amount is None:
        return True
    if not amount.is_finite():
        return False
    amount_minor = Fraction(amount) * 10 ** editions_in_use(catalog)[0].minor_units
    return bool(amount_minor.denominator == 1 and 0 <= amount_minor <= LARGEST_AMOUNT_MINOR)


def fields_are_in_range(case: Case, catalog: Catalog) -> None:
    """A line is a case or a service, never both, and its numbers are ones that can occur."""
    if written(case.drg_code) is not None and written(case.service_code) is not None:
        raise _NoAmountError(CaseStatus.INVALID_FIELD)
    in_range = (
        (case.age_years is None or 0 <= case.age_years <= OLDEST_AGE_YEARS)
        and (case.quantity is None or 1 <= case.quantity <= LARGEST_QUANTITY)
        and (case.length_of_stay_days is None or 0 <= case.length_of_stay_days <= LONGEST_STAY_DAYS)
    )
    in_range = in_range and is_amount(case.addon_amount, catalog)
    if not in_range:
        raise _NoAmountError(CaseStatus.INVALID_FIELD)


def needed_fields_are_given(case: Case, catalog: Catalog) -> None:
    """What every line needs, and what a case or a service needs besides."""
    case_id = written(case.case_id) if isinstance(case.case_id, str) else case.case_id
    ungrouped = is_ungrouped(case, catalog)
    is_treated_case = written(case.drg_code) is not None or ungrouped
    is_service = written(case.service_code) is not None
    has_stay = is_treated_case or is_average_cost_case(case, catalog)
    missing = (
        (ungrouped and written(case.principal_diagnosis) is None)
        or case_id is None
        or case.discharge_date is None
        or (case.admission_date is None and catalog.deciding_date == "admission")
        or written(case.care_setting) is None
        or not (is_treated_case or is_service)
        or (has_stay and case.admission_date is None and case.length_of_stay_days is None)
        or (has_stay and written(case.outcome) is None)
        or (is_service and case.quantity is None)
        or (case.addon_amount is None) != (written(case.addon_kind) is None)
    )
    if missing:
        raise _NoAmountError(CaseStatus.MISSING_FIELD)


def is_average_cost_case(case: Case, catalog: Catalog) -> bool:
    """Whether any edition pays the service as a whole case at an average cost (item 70)."""
    return any(
        row.unit is Unit.AVERAGE_CASE
        for edition in editions_in_use(catalog)
        for row in edition.services.get(written(case.service_code) or "", ())
    )


def editions_in_use(catalog: Catalog) -> list[Schedule]:
    """The editions that price some day at least."""
    return [span.schedule for span in catalog.spans]


def dates_agree(case: Case) -> None:
    """Nobody leaves before arriving, and no stay lasts 90 years."""
    if case.admission_date is None or case.discharge_date is None:
        return
    days_between = (calendar_day(case.discharge_date) - calendar_day(case.admission_date)).days
    duration = exact_duration(case)
    left_before_arriving = days_between < 0 or (duration is not None and duration < timedelta(0))
    if left_before_arriving or days_between > LONGEST_STAY_DAYS:
        raise _NoAmountError(CaseStatus.INVALID_DATES)


def exact_duration(case: Case) -> timedelta | None:
    """From the hour of admission to the hour of discharge, where both are known."""
    if isinstance(case.admission_date, datetime) and isinstance(case.discharge_date, datetime):
        return case.discharge_date - case.admission_date
    return None


# The stay


def length_of_stay(case: Case, schedule: Schedule) -> int:
    """Days of the stay, at least one. Whether admission and discharge are one day or two is the schedule's
    to say. Without an admission date the length given counts; with one, the two must agree.
    """
    given_days = case.length_of_stay_days
    if case.admission_date is None or case.discharge_date is None:
        return max(1, given_days or 0)  # a service alone may have neither
    days_between = (calendar_day(case.discharge_date) - calendar_day(case.admission_date)).days
    counted_days = max(1, days_between + 1 if schedule.day_count is DayCount.INCLUSIVE else days_between)
    if given_days is not None and given_days != counted_days:
        raise _NoAmountError(CaseStatus.INVALID_DATES)
    return counted_days


def stay_is_within_hours(case: Case, share: Share) -> None:
    """A setting may pay for a limited number of hours only (observation in the reception ward: 24).

    Where an hour is not known, the dates still decide when the stay lies within the limit whatever the hours
    were, or beyond it whatever they were; between the two the hours are needed.
    """
    if share.max_hours is None:
        return
    longest = timedelta(hours=share.max_hours)
    duration = exact_duration(case)
    if duration is not None:
        if duration > longest:
            raise _NoAmountError(CaseStatus.STAY_OVER_LIMIT)
        return
    if case.admission_date is None or case.discharge_date is None:
        raise _NoAmountError(CaseStatus.MISSING_FIELD)
    days_between = (calendar_day(case.discharge_date) - calendar_day(case.admission_date)).days
    surely_less_than = timedelta(days=days_between + 1)
    surely_more_than = timedelta(days=days_between - 1)
    if surely_less_than <= longest:
        return
    if days_between >= 1 and surely_more_than >= longest:
        raise _NoAmountError(CaseStatus.STAY_OVER_LIMIT)
    raise _NoAmountError(CaseStatus.MISSING_FIELD)


def stay_rule_that_applies(
    case: Case,
    flags: frozenset[str],
    care_setting: str,
    outcome: str,
    stay_days: int,
    schedule: Schedule,
    unit: Unit,
) -> StayRule | None:
    """The first stay rule that matches (items 81, 85, 86); None where the stay is paid in full.

    Whether a death was unavoidable may be missing as long as the answer would not change the rule.
    """

    def first_rule(death_unavoidable: bool) -> StayRule | None:
        for rule in schedule.stay_rules:
            if (
                rule.unit is unit
                and (not rule.outcomes or outcome in rule.outcomes)
                and (not rule.care_settings or care_setting in rule.care_settings)
                and (rule.max_days is None or stay_days <= rule.max_days)
                and (rule.death_unavoidable is None or rule.death_unavoidable == death_unavoidable)
                and not any(exempts(exemption, flags, outcome) for exemption in rule.exemptions)
            ):
                return rule
        return None

    if case.death_unavoidable is not None:
        return first_rule(case.death_unavoidable)
    if_unavoidable, if_avoidable = first_rule(True), first_rule(False)
    if if_unavoidable is not if_avoidable:
        raise _NoAmountError(CaseStatus.MISSING_FIELD)
    return if_unavoidable


def exempts(exemption: StayExemption, flags: frozenset[str], outcome: str) -> bool:
    """Whether a stay rule leaves the case alone (item 81: self-discharge in infectious groups; neonates)."""
    return (not exemption.outcomes or outcome in exemption.outcomes) and (
        not exemption.drg_flags or not exemption.drg_flags.isdisjoint(flags)
    )


def factor_of_stay(rule: StayRule | None, planned_days: int | None, stay_days: int) -> Fraction:
    """In full; a share of the tariff (item 81: half); or actual over planned days, at most the whole."""
    if rule is None or rule.pay is Pay.FULL:
        return Fraction(1)
    if rule.pay is Pay.SHARE:
        assert rule.share is not None
        return rule.share
    if planned_days is None:
        raise _NoAmountError(CaseStatus.MISSING_PLANNED_DAYS)
    return min(Fraction(1), Fraction(stay_days, planned_days))


# The tariff


def cost_group(case: Case, schedule: Schedule) -> Group:
    """The clinical cost group of the case in the edition that applies."""
    group = schedule.groups.get(written(case.drg_code) or "")
    if group is None:
        raise _NoAmountError(CaseStatus.UNKNOWN_DRG)
    return group


def known_care_setting(case: Case, schedule: Schedule) -> str:
    """The care setting, spelled as the edition spells it."""
    care_setting = written(case.care_setting) or ""
    if care_setting not in schedule.care_settings:
        raise _NoAmountError(CaseStatus.UNKNOWN_SETTING)
    return care_setting


def known_outcome(case: Case, schedule: Schedule) -> str:
    """The outcome, spelled as the edition spells it. Only a service may have none."""
    outcome = written(case.outcome)
    if outcome is not None and outcome not in schedule.outcomes:
        raise _NoAmountError(CaseStatus.UNKNOWN_OUTCOME)
    return outcome or ""


def share_of_setting(schedule: Schedule, unit: Unit, care_setting: str) -> Share:
    """What the setting takes of the tariff (items 71-73, 92)."""
    for share in schedule.shares:
        if share.unit is unit and share.care_setting == care_setting:
            return share
    raise _NoAmountError(CaseStatus.NOT_PRICED_IN_SETTING)


def share_or_exception(case: Case, share: Share) -> Share | ShareException:
    """The first exception that lists any procedure of the stay, else the share itself (items 71, 88)."""
    if share.exceptions:
        procedures = {normalise_procedure(code) for code in case.procedure_codes}
        for exception in share.exceptions:
            if not procedures.isdisjoint(exception.procedures):
                return exception
    return share


def relative_weight(case: Case, group: Group, schedule: Schedule) -> Fraction:
    """The adult's or the child's weight; the age decides only where the two differ."""
    adult, child = group.relative_weight, group.relative_weight_child
    if case.age_years is None:
        if child is None or child != adult:
            raise _NoAmountError(CaseStatus.MISSING_FIELD)
        return adult
    if case.age_years >= schedule.child_age_limit:
        return adult
    if child is None:
        raise _NoAmountError(CaseStatus.MISSING_WEIGHT)
    return child


def tariff_of_case(weight: Fraction, share: Share | ShareException, schedule: Schedule) -> Fraction:
    """Weight x base rate in the setting. A share on the weight is rounded as a weight before it meets the
    base rate (published: 3.9114 x 0.4 -> 1.5646 -> 274,779.42); a share on the tariff after it.
    """
    base_rate = schedule.base_rate.amount
    roundings = schedule.roundings
    if share.applies_to is AppliesTo.WEIGHT:
        weight_in_setting = rounded(weight * share.share, roundings.weight)
        return rounded(weight_in_setting * base_rate, roundings.tariff)
    full_tariff = rounded(weight * base_rate, roundings.tariff)
    return rounded(full_tariff * share.share, roundings.tariff)


def service_rows_on(case: Case, schedule: Schedule, day: date) -> list[Service]:
    """The rows of the service in force on the deciding day."""
    rows = [
        row
        for row in schedule.services.get(written(case.service_code) or "", ())
        if is_within(day, row.effective_start_date, row.effective_end_date)
    ]
    if not rows:
        raise _NoAmountError(CaseStatus.UNKNOWN_SERVICE)
    return rows


def tariff_of_service(
    rows: list[Service], care_setting: str, schedule: Schedule
) -> tuple[Service, Fraction, str]:
    """The setting's own rate as printed, else the general rate x the share of the setting; and the rule.

    Exceptions by procedure concern cases; a service is its own procedure.
    """
    for row in rows:
        if row.care_setting == care_setting:
            return row, row.rate, f"{row.unit.value}.{care_setting}.rate"
    for row in rows:
        if row.care_setting is None:
            share = share_of_setting(schedule, row.unit, care_setting)
            return row, rounded(row.rate * share.share, schedule.roundings.tariff), share.id
    raise _NoAmountError(CaseStatus.NOT_PRICED_IN_SETTING)


def no_factor_on_a_case(case: Case) -> None:
    """Factors belong to services (items 66-68); on a case one would be an amount nobody decided."""
    if written(case.factor_code) is not None:
        raise _NoAmountError(CaseStatus.UNKNOWN_FACTOR)


def factor_of_service(case: Case, service: Service, schedule: Schedule, day: date) -> Fraction:
    """Home visit 2, remote 1/2, specialist in a child's preventive examination 1/2 (items 66-68).

    Of a norm per person 80 % for one who came for nothing all year, in December, and 90 % for the uninsured
    (item 47-1).
    """
    factor_code = written(case.factor_code)
    if factor_code is None:
        return Fraction(1)
    for factor in schedule.factors:
        if (
            factor.unit is service.unit
            and factor.factor_code == factor_code
            and is_within(day, factor.effective_start_date or date.min, factor.effective_end_date)
        ):
            return factor.factor
    raise _NoAmountError(CaseStatus.UNKNOWN_FACTOR)


# The provider


def provider_coefficient(case: Case, schedule: Schedule, day: date, unit: Unit) -> Fraction:
    """The product of the coefficients that multiply, plus c - 1 of each that adds; 1 where there are none.

    A coefficient may correct certain units only: sex and age correct a norm per person and no cost group.
    """
    if schedule.providers is None:
        return Fraction(1)
    provider_id = written(case.provider_id)
    if provider_id is None:
        raise _NoAmountError(CaseStatus.MISSING_FIELD)
    if provider_id not in schedule.providers:
        raise _NoAmountError(CaseStatus.UNKNOWN_PROVIDER)
    for period in schedule.providers[provider_id]:
        if is_within(day, period.effective_start_date, period.effective_end_date):
            product = Fraction(1)
            increments = Fraction(0)
            for coefficient, value in zip(schedule.coefficients, period.coefficients, strict=True):
                if coefficient.units and unit not in coefficient.units:
                    continue
                if coefficient.mode is CoefficientMode.MULTIPLIES:
                    product *= value
                else:
                    increments += value - 1
            return product + increments
    raise _NoAmountError(CaseStatus.NO_COEFFICIENT_FOR_DATE)


# What a line brings with it


def add_on_that_pays(
    case: Case,
    unit: Unit,
    care_setting: str,
    flags: frozenset[str],
    schedule: Schedule,
    share: Share | None,
) -> AddOn | None:
    """The rule that pays the amount a line brings with it (items 70, 82); None where it brings none.

    A line that brings one which no rule pays is refused, and so is an item at actual cost that brings none.
    No rule says what an add-on would be beside a factor, or where the hours of the stay are limited.
    """
    kind = written(case.addon_kind)
    if kind is None:
        if unit is Unit.ITEM:
            raise _NoAmountError(CaseStatus.MISSING_FIELD)
        return None
    if written(case.factor_code) is None and (share is None or share.max_hours is None):
        for addon in schedule.addons:
            if (
                addon.kind == kind
                and addon.unit is unit
                and (not addon.care_settings or care_setting in addon.care_settings)
                and (not addon.drg_flags or not addon.drg_flags.isdisjoint(flags))
            ):
                return addon
    raise _NoAmountError(CaseStatus.ADDON_NOT_PAID)


def cost_given_by_the_line(case: Case, schedule: Schedule) -> int:
    """The amount in minor units; the check of the fields has found it there, and exact."""
    assert case.addon_amount is not None
    return whole_number(Fraction(case.addon_amount) * 10**schedule.minor_units)


def with_cost_on_top(amount_minor: int, cost_minor: int) -> int:
    """Both together, as long as that is an amount."""
    if amount_minor + cost_minor > LARGEST_AMOUNT_MINOR:
        raise _NoAmountError(CaseStatus.AMOUNT_OVERFLOW)
    return amount_minor + cost_minor


# The payment


def payment_minor(unit_price: Fraction, case: Case, schedule: Schedule) -> int:
    """Quantity x unit price in minor units. A case counts once unless it says otherwise."""
    quantity = 1 if case.quantity is None else case.quantity
    amount_minor = quantity * unit_price * 10**schedule.minor_units
    if amount_minor > LARGEST_AMOUNT_MINOR:
        raise _NoAmountError(CaseStatus.AMOUNT_OVERFLOW)
    return whole_number(amount_minor)


def component_parts(
    amount_minor: int, group: Group, care_setting: str, schedule: Schedule
) -> dict[str, int] | None:
    """The payment by cost component, capital included (leaflet, section 1). The parts sum to the payment:
    each is what rounding the running total half up adds to it; a component not of the profile gets nothing.
    """
    of_profile = [row for row in schedule.components if row.component_profile == group.component_profile]
    of_setting = [row for row in of_profile if row.care_setting == care_setting]
    rows = of_setting or [row for row in of_profile if row.care_setting is None]
    if group.component_profile is None or not rows:
        return None
    parts = {row.component: 0 for row in schedule.components}
    share_so_far = Fraction(0)
    paid_so_far = 0
    for row in rows:
        share_so_far += row.share
        paid_by_now = half_up(amount_minor * share_so_far)
        parts[row.component] += paid_by_now - paid_so_far
        paid_so_far = paid_by_now
    return parts


# Rounding


def rounded(amount: Fraction, rounding: Rounding) -> Fraction:
    """The amount to the places of the rounding, or as it is where the schedule says ``exact``."""
    if rounding.places is None:
        return amount
    step = Fraction(1, 10**rounding.places) if rounding.places >= 0 else Fraction(10**-rounding.places)
    return step * whole_steps(amount / step, rounding.mode.value)


def whole_steps(steps: Fraction, mode: str) -> int:
    """A number of steps made whole. Amounts are never negative, so down is towards zero."""
    below = steps.numerator // steps.denominator
    rest = steps - below
    if rest == 0:
        return below
    half = Fraction(1, 2)
    match mode:
        case "half_up":
            return below + 1 if rest >= half else below
        case "half_even":
            if rest == half:
                return below if below % 2 == 0 else below + 1
            return below + 1 if rest > half else below
        case "down":
            return below
        case "up":
            return below + 1
    raise ValueError(f"{mode} is not a rounding mode")


def half_up(value: Fraction) -> int:
    """The nearest whole number, a half counting as one."""
    return whole_steps(value, "half_up")


def whole_number(value: Fraction) -> int:
    """A value that must already be whole: minor units after rounding."""
    if value.denominator != 1:
        raise ValueError(f"{value} minor units is not a whole number: the unit price was not rounded")
    return value.numerator
