"""The twin, rule by rule: published rows first, then examples worked out by hand."""

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import tariffcore
from tariffcore.cases import Case
from tariffcore.money import RoundingMode
from tariffcore.reference import ReferenceResult, reference_price, rounded
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import (
    BaseRate,
    Coefficient,
    CoefficientMode,
    DayCount,
    Pay,
    PaymentMethod,
    Rounding,
    Schedule,
)
from tariffcore.statuses import CaseStatus
from tests.small_schedule import HALF_UP, SMALL, group, period, service, stay_rule

SHIPPED = Path(tariffcore.__file__).parent / "schedules"


# Published rows


def published_case(schedule: Schedule, **fields: object) -> ReferenceResult:
    """An adult's stay of ten days in the first month of the edition, unless said otherwise."""
    defaults = {
        "case_id": "row",
        "care_setting": "inpatient",
        "admission_date": schedule.effective_start_date,
        "discharge_date": schedule.effective_start_date.replace(day=11),
        "age_years": 40,
    }
    return reference_price(Case(**{**defaults, **fields}), Catalog.of([schedule]))


@pytest.mark.parametrize(
    ("drg_code", "outcome", "expected_minor", "source"),
    [
        ("P001", "discharged", 3_853_961_88, "KR DSM-170/2020 appendix 3 in force 01.01.2025"),
        ("P002", "discharged", 3_674_783_83, "KR DSM-170/2020 appendix 3 in force 01.01.2025"),
        ("P003", "died", 1_342_551_22, "KR DSM-170/2020 appendix 3 in force 01.01.2025"),
    ],
)
def test_newborn_rows_of_2025(drg_code, outcome, expected_minor, source):
    kz_2025 = read_schedule(SHIPPED / "kz-2025")

    result = published_case(
        kz_2025,
        drg_code=drg_code,
        outcome=outcome,
        death_unavoidable=True,  # item 81: an early neonatal death is not halved
        discharge_date=date(2025, 1, 3),
        age_years=0,
    )

    assert (result.status, result.amount_minor) == (CaseStatus.OK, expected_minor), source


@pytest.mark.parametrize(
    ("fields", "expected_minor", "rule_id", "source"),
    [
        ({}, 686_930_98, "inpatient", "KR DSM-170/2020 appendix 1 in force 01.01.2026"),
        (
            {"care_setting": "day_hospital"},
            274_779_42,
            "day_hospital",
            "KR DSM-170/2020 appendix 1 in force 01.01.2026",
        ),
        (
            {"care_setting": "day_hospital", "procedure_codes": ("13.73",)},
            515_207_02,
            "day_hospital.surgical",
            "KR DSM-291/2020 item 88, 75 % on the weight: domain facts, section 10",
        ),
        (
            {"outcome": "transferred", "discharge_date": date(2026, 1, 4)},
            294_398_99,
            "inpatient+interrupted",
            "KR DSM-291/2020 item 81, 3 of 7 planned days: domain facts, section 10",
        ),
        (
            {"outcome": "died", "death_unavoidable": True, "discharge_date": date(2026, 1, 3)},
            343_465_49,
            "inpatient+early_unavoidable_death",
            "KR DSM-291/2020 item 81, half: domain facts, section 10",
        ),
    ],
)
def test_septicaemia_rows_of_2026(fields, expected_minor, rule_id, source):
    kz_2026 = read_schedule(SHIPPED / "kz-2026")
    group = replace(kz_2026.groups["1"], planned_days=7)  # the order does not print planned days

    result = published_case(replace(kz_2026, groups={"1": group}), drg_code="1", **fields)

    assert (result.status, result.amount_minor, result.rule_id) == (
        CaseStatus.OK,
        expected_minor,
        rule_id,
    ), source


@pytest.mark.parametrize(
    ("care_setting", "expected_minor"), [("inpatient", 24_319_78), ("day_hospital", 9_727_91)]
)
def test_rehabilitation_bed_day_of_2025(care_setting, expected_minor):
    """KR DSM-170/2020 appendix 15 as of 29.11.2025: the bed-day is rounded after multiplying."""
    result = published_case(
        read_schedule(SHIPPED / "kz-2025"),
        service_code="rehabilitation-neurosurgery",
        care_setting=care_setting,
        discharge_date=date(2025, 11, 29),
    )

    assert (result.status, result.amount_minor) == (CaseStatus.OK, expected_minor)


def test_three_remote_visits_to_an_internist_of_2026():
    """KR DSM-170/2020 appendix 7 as of 01.01.2026, items 66-68: 2,487.71 / 2 = 1,243.855 -> 1,243.86, x 3."""
    result = published_case(
        read_schedule(SHIPPED / "kz-2026"),
        service_code="A01.001.000",
        care_setting="outpatient",
        factor_code="remote",
        quantity=3,
    )

    assert (result.amount_minor, result.rule_id) == (3_731_58, "service.outpatient.rate+remote")


@pytest.mark.parametrize(
    ("care_setting", "expected_minor"),
    [
        ("inpatient", 3_853_961_88),
        ("day_hospital", 963_490_47),
        ("home", 655_173_52),
        ("reception_observation", 2_582_154_46),
    ],
)
def test_percentages_of_the_founding_leaflet(care_setting, expected_minor):
    """100, 25, 17 and 67 per cent of 3,853,961.88 (leaflet, section 1), on the tariff."""
    schedule = read_schedule(SHIPPED / "kz-leaflet")
    day = schedule.effective_start_date

    result = published_case(
        schedule, drg_code="P001", care_setting=care_setting, admission_date=day, discharge_date=day
    )

    assert (result.status, result.amount_minor) == (CaseStatus.OK, expected_minor)


# The small schedule of 1,000.00 for a weight of 1


def priced(schedule=SMALL, *, as_of=None, deciding_date=DecidingDate.DISCHARGE, **fields):
    """A case of ten days of an adult in G1, changed as the example says."""
    defaults = {
        "case_id": "1",
        "drg_code": "G1",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 11),
        "age_years": 40,
    }
    schedules = schedule if isinstance(schedule, list) else [schedule]
    return reference_price(
        Case(**{**defaults, **fields}), Catalog.of(schedules, as_of=as_of, deciding_date=deciding_date)
    )


def visit(schedule=SMALL, **fields):
    return priced(
        schedule, **{"drg_code": None, "service_code": "VISIT", "care_setting": "outpatient", **fields}
    )


OK = CaseStatus.OK


def test_a_whole_case_is_weight_times_base_rate():
    assert priced() == ReferenceResult(OK, 1234_50, "small", "inpatient", None, PaymentMethod.TREATED_CASE)


def test_spaces_around_codes_do_no_harm_and_case_matters():
    assert (
        priced(drg_code=" G1\u00a0", care_setting="\tinpatient ", outcome=" discharged").amount_minor
        == 1234_50
    )
    assert priced(drg_code="g1").status is CaseStatus.UNKNOWN_DRG
    assert priced(outcome="Discharged").status is CaseStatus.UNKNOWN_OUTCOME


@pytest.mark.parametrize(
    ("care_setting", "procedures", "expected_minor", "rule_id"),
    [
        # 1.2345 x 0.4 = 0.4938 -> 493.80
        ("day_hospital", (), 493_80, "day_hospital"),
        # 1.2345 x 0.75 = 0.925875 -> 0.9259 -> 925.90
        ("day_hospital", ("99.99", "13.73"), 925_90, "surgical"),
        ("day_hospital", (" 9,83",), 925_90, "surgical"),
        # 1234.50 x 1/2
        ("day_hospital", ("88.55",), 617_25, "arteriography"),
        # both are listed: the first exception of the schedule wins, not the first procedure of the stay
        ("day_hospital", ("8855", "1373"), 925_90, "surgical"),
        # an exception of another setting
        ("inpatient", ("13.73",), 1234_50, "inpatient"),
        # 1234.50 / 6
        ("home", (), 205_75, "home"),
    ],
)
def test_shares_and_exceptions(care_setting, procedures, expected_minor, rule_id):
    result = priced(care_setting=care_setting, procedure_codes=procedures)

    assert (result.status, result.amount_minor, result.rule_id) == (OK, expected_minor, rule_id)


def test_a_setting_without_a_share_is_not_priced_and_a_misspelt_one_is_unknown():
    assert priced(care_setting="outpatient").status is CaseStatus.NOT_PRICED_IN_SETTING
    assert priced(care_setting="Inpatient").status is CaseStatus.UNKNOWN_SETTING


@pytest.mark.parametrize(
    ("drg_code", "age_years", "status", "expected_minor"),
    [
        ("CHILD", 17, OK, 1500_00),
        ("CHILD", 18, OK, 1000_00),
        ("CHILD", None, CaseStatus.MISSING_FIELD, None),
        ("ADULT", 17, CaseStatus.MISSING_WEIGHT, None),
        ("ADULT", 18, OK, 1000_00),
        ("ADULT", None, CaseStatus.MISSING_FIELD, None),
        ("G1", None, OK, 1234_50),
    ],
)
def test_age_classes(drg_code, age_years, status, expected_minor):
    result = priced(drg_code=drg_code, age_years=age_years)

    assert (result.status, result.amount_minor) == (status, expected_minor)


@pytest.mark.parametrize(
    ("fields", "expected_minor", "rule_id"),
    [
        ({"outcome": "transferred", "days": 3}, 3000_00, "inpatient+interrupted"),
        ({"outcome": "transferred", "days": 4}, 7000_00, "inpatient"),
        ({"outcome": "transferred", "days": 0}, 1000_00, "inpatient+interrupted"),  # at least one day
        ({"outcome": "self_discharged", "days": 1}, 7000_00, "inpatient"),  # infectious: exempt
        ({"outcome": "died", "days": 3, "death_unavoidable": True}, 3500_00, "inpatient+early_death"),
        ({"outcome": "died", "days": 3, "death_unavoidable": False}, 7000_00, "inpatient"),
        ({"outcome": "died", "days": 4, "death_unavoidable": None}, 7000_00, "inpatient"),  # no difference
    ],
)
def test_stays_that_end_early(fields, expected_minor, rule_id):
    fields = dict(fields)
    discharge = date(2025, 3, 1 + fields.pop("days"))

    result = priced(drg_code="INFECTIOUS", discharge_date=discharge, **fields)

    assert (result.status, result.amount_minor, result.rule_id) == (OK, expected_minor, rule_id)


def test_a_death_that_would_be_paid_differently_must_be_said_to_be_avoidable_or_not():
    early = {"outcome": "died", "discharge_date": date(2025, 3, 3), "death_unavoidable": None}

    assert priced(**early).status is CaseStatus.MISSING_FIELD
    assert priced(drg_code="NEONATAL", **early).rule_id == "inpatient"


def test_planned_days_cap_the_payment_and_are_needed():
    long = replace(SMALL, stay_rules=(stay_rule("by_days", Pay.PER_PLANNED_DAY, max_days=None),))
    early = {"outcome": "transferred", "discharge_date": date(2025, 3, 3)}

    assert priced(long, drg_code="INFECTIOUS", discharge_date=date(2025, 3, 7)).amount_minor == 6000_00
    assert priced(long, drg_code="INFECTIOUS", discharge_date=date(2025, 3, 8)).amount_minor == 7000_00
    assert priced(long, drg_code="INFECTIOUS", discharge_date=date(2025, 3, 9)).amount_minor == 7000_00
    assert priced(drg_code="NO-PLAN", **early).status is CaseStatus.MISSING_PLANNED_DAYS
    assert priced(drg_code="NO-PLAN").amount_minor == 7000_00


def test_stay_rules_are_tried_in_order_and_by_setting():
    rules = (
        stay_rule("at_home", Pay.SHARE, value="0", settings={"home"}),
        stay_rule("in_full", Pay.FULL, outcomes={"died"}),
        *SMALL.stay_rules,
    )
    ordered = replace(SMALL, stay_rules=rules)
    early = {"outcome": "died", "death_unavoidable": True, "discharge_date": date(2025, 3, 2)}

    assert priced(ordered, **early).rule_id == "inpatient+in_full"
    assert priced(ordered, care_setting="home", **early).amount_minor == 0


def test_counting_admission_and_discharge_as_two_days():
    inclusive = replace(SMALL, day_count=DayCount.INCLUSIVE)
    interrupted = {"drg_code": "INFECTIOUS", "outcome": "transferred"}

    assert priced(inclusive, discharge_date=date(2025, 3, 1), **interrupted).amount_minor == 1000_00
    assert priced(inclusive, discharge_date=date(2025, 3, 3), **interrupted).amount_minor == 3000_00
    assert priced(inclusive, discharge_date=date(2025, 3, 4), **interrupted).rule_id == "inpatient"
    assert priced(inclusive, length_of_stay_days=11).status is OK
    assert priced(inclusive, length_of_stay_days=10).status is CaseStatus.INVALID_DATES


def test_a_length_of_stay_stands_in_for_the_admission_date_and_must_not_contradict_it():
    interrupted = {"drg_code": "INFECTIOUS", "outcome": "transferred"}

    assert priced(admission_date=None, length_of_stay_days=2, **interrupted).amount_minor == 2000_00
    assert priced(admission_date=None, length_of_stay_days=0, **interrupted).amount_minor == 1000_00
    assert priced(admission_date=None).status is CaseStatus.MISSING_FIELD
    assert priced(length_of_stay_days=10).status is OK
    assert priced(length_of_stay_days=9).status is CaseStatus.INVALID_DATES


@pytest.mark.parametrize(
    ("admission", "discharge", "status"),
    [
        (datetime(2025, 3, 1, 8, 30), datetime(2025, 3, 2, 8, 30, 0), OK),
        (datetime(2025, 3, 1, 8, 30), datetime(2025, 3, 2, 8, 30, 1), CaseStatus.STAY_OVER_LIMIT),
        (date(2025, 3, 1), date(2025, 3, 1), OK),  # less than 24 hours whatever the hours
        (date(2025, 3, 1), date(2025, 3, 2), CaseStatus.MISSING_FIELD),  # anything under 48
        (date(2025, 3, 1), datetime(2025, 3, 2, 0, 0), CaseStatus.MISSING_FIELD),  # one hour is not enough
        (date(2025, 3, 1), date(2025, 3, 3), CaseStatus.STAY_OVER_LIMIT),  # more than 24 whatever the hours
    ],
)
def test_hours_that_the_reception_ward_is_paid_for(admission, discharge, status):
    result = priced(care_setting="reception_observation", admission_date=admission, discharge_date=discharge)

    assert result.status is status
    assert result.amount_minor == (827_12 if status is OK else None)  # 1234.50 x 0.67 = 827.115


def test_hours_are_needed_where_only_the_length_is_known():
    result = priced(care_setting="reception_observation", admission_date=None, length_of_stay_days=1)

    assert result.status is CaseStatus.MISSING_FIELD


MODES = (
    Coefficient("sex_age", CoefficientMode.MULTIPLIES, "made up"),
    Coefficient("density", CoefficientMode.MULTIPLIES, "made up"),
    Coefficient("rural", CoefficientMode.ADDS, "made up"),
    Coefficient("heating", CoefficientMode.ADDS, "made up"),
)
WITH_PROVIDERS = replace(
    SMALL,
    coefficients=MODES,
    providers={
        "P1": (
            # 1.1 x 1.2 + 0.05 + 0.03 = 1.40
            period("P1", "1.1", "1.2", "1.05", "1.03", end=date(2025, 3, 11)),
            period("P1", "1", "1", "1", "1", start=date(2025, 3, 11), end=date(2025, 4, 1)),
        ),
        "CENT": (period("CENT", "1.0001", "1", "1", "1"),),
    },
)


@pytest.mark.parametrize(
    ("provider_id", "discharge", "status", "expected_minor"),
    [
        ("P1", date(2025, 3, 10), OK, 1728_30),
        ("P1", date(2025, 3, 11), OK, 1234_50),
        ("P1", date(2025, 3, 31), OK, 1234_50),
        ("P1", date(2025, 4, 1), CaseStatus.NO_COEFFICIENT_FOR_DATE, None),
        ("CENT", date(2025, 4, 1), OK, 1234_62),  # 1234.50 x 1.0001 = 1234.62345
        ("P2", date(2025, 3, 11), CaseStatus.UNKNOWN_PROVIDER, None),
        (None, date(2025, 3, 11), CaseStatus.MISSING_FIELD, None),
    ],
)
def test_coefficients_of_a_provider(provider_id, discharge, status, expected_minor):
    result = priced(WITH_PROVIDERS, provider_id=provider_id, discharge_date=discharge)

    assert (result.status, result.amount_minor) == (status, expected_minor)


def test_the_unit_price_is_rounded_once_and_then_counted():
    third = replace(SMALL, roundings=replace(SMALL.roundings, unit=Rounding(0, HALF_UP)))

    assert priced(quantity=3).amount_minor == 3703_50
    assert priced(third, quantity=3).amount_minor == 3 * 1235_00
    assert priced(quantity=None).amount_minor == 1234_50


def test_services():
    home = {"care_setting": "home"}

    # the setting's own rate as printed; it changes on 1 June
    assert visit().rule_id == "service.outpatient.rate"
    assert visit(discharge_date=date(2025, 5, 31)).amount_minor == 7_00
    assert visit(discharge_date=date(2025, 6, 1)).amount_minor == 8_00
    # the general rate x the share of the setting: 10.01 / 3 = 3.336... -> 3.34
    assert (visit(**home).amount_minor, visit(**home).rule_id) == (3_34, "service.home")
    # 3.34 / 2 = 1.67, three times
    assert visit(**home, factor_code="remote", quantity=3).amount_minor == 5_01
    assert visit(**home, factor_code="remote").rule_id == "service.home+remote"
    assert visit(care_setting="inpatient").status is CaseStatus.NOT_PRICED_IN_SETTING
    assert visit(outcome=None, admission_date=None).status is OK
    assert visit(outcome="Died").status is CaseStatus.UNKNOWN_OUTCOME
    assert visit(factor_code="Remote").status is CaseStatus.UNKNOWN_FACTOR
    assert visit(quantity=None).status is CaseStatus.MISSING_FIELD
    assert visit(service_code="CALL").amount_minor == 5_55
    assert visit(service_code="CALL", factor_code="remote").status is CaseStatus.UNKNOWN_FACTOR
    assert visit(service_code="CALL", care_setting="home").status is CaseStatus.NOT_PRICED_IN_SETTING
    january = {"admission_date": None, "discharge_date": date(2025, 1, 31)}
    assert visit(service_code="CALL", **january).status is CaseStatus.UNKNOWN_SERVICE
    assert visit(service_code="TAXI").status is CaseStatus.UNKNOWN_SERVICE
    assert priced(factor_code="remote").status is CaseStatus.UNKNOWN_FACTOR


def test_components_sum_to_the_payment():
    # 0.10 in thirds: running totals 3.33.. -> 3, 6.66.. -> 7, 10
    parts = {"staff": 3, "drugs": 4, "depreciation": 3, "travel": 0}

    assert priced(drg_code="PARTS").components_minor == parts
    # at home the profile has parts of its own; 0.10 / 6 -> 0.02
    assert priced(drg_code="PARTS", care_setting="home").components_minor == {
        "staff": 0,
        "drugs": 0,
        "depreciation": 0,
        "travel": 2,
    }
    assert visit().components_minor is None


def test_amounts_of_more_than_18_digits():
    rate = Fraction(10**18 - 1, 100)
    large = replace(SMALL, services={"DEAR": (service("DEAR", rate, "outpatient"),)})

    assert visit(large, service_code="DEAR").amount_minor == 10**18 - 1
    assert visit(large, service_code="DEAR", quantity=2).status is CaseStatus.AMOUNT_OVERFLOW


# Editions


def edition(schedule_id, published, start, end, base_rate):
    return replace(
        SMALL,
        id=schedule_id,
        published=published,
        effective_start_date=start,
        effective_end_date=end,
        base_rate=BaseRate(Fraction(base_rate), "made up"),
    )


FIRST = edition("first", date(2024, 12, 1), date(2025, 1, 1), date(2026, 1, 1), 1000)
SECOND = edition("second", date(2025, 12, 1), date(2026, 1, 1), None, 2000)
BACKWARDS = edition("backwards", date(2026, 2, 1), date(2025, 10, 1), date(2026, 1, 2), 3000)


@pytest.mark.parametrize(
    ("discharge", "as_of", "schedule_id"),
    [
        (date(2024, 12, 31), None, None),
        (date(2025, 1, 1), None, "first"),
        (date(2025, 9, 30), None, "first"),
        (date(2025, 10, 1), None, "backwards"),
        (date(2026, 1, 1), None, "backwards"),
        (date(2026, 1, 2), None, "second"),
        (date(2025, 10, 1), date(2026, 1, 31), "first"),
        (date(2025, 10, 1), date(2026, 2, 1), "backwards"),
        (date(2026, 1, 1), date(2025, 12, 1), "second"),
        (date(2026, 1, 1), date(2025, 11, 30), None),
    ],
)
def test_of_the_editions_known_that_cover_the_date_the_last_published_applies(discharge, as_of, schedule_id):
    result = priced(
        [FIRST, SECOND, BACKWARDS], as_of=as_of, discharge_date=discharge, admission_date=discharge
    )

    assert result.schedule_id == schedule_id
    assert result.status is (CaseStatus.NO_SCHEDULE_FOR_DATE if schedule_id is None else OK)


def test_the_admission_date_may_decide():
    stay = {"admission_date": date(2025, 12, 31), "discharge_date": date(2026, 1, 1)}
    editions = [FIRST, SECOND]

    assert priced(editions, **stay).schedule_id == "second"
    assert priced(editions, **stay, deciding_date=DecidingDate.ADMISSION).schedule_id == "first"
    no_admission = visit(FIRST, admission_date=None)
    assert no_admission.status is OK
    by_admission = priced(
        FIRST, deciding_date=DecidingDate.ADMISSION, admission_date=None, length_of_stay_days=1
    )
    assert (by_admission.status, by_admission.schedule_id) == (CaseStatus.MISSING_FIELD, None)


# Which reason comes first


def test_a_rejected_case_names_its_edition_but_no_rule():
    assert priced(drg_code="G2") == ReferenceResult(CaseStatus.UNKNOWN_DRG, schedule_id="small")
    assert priced(age_years=131) == ReferenceResult(CaseStatus.INVALID_FIELD, schedule_id="small")
    assert priced(discharge_date=None) == ReferenceResult(CaseStatus.MISSING_FIELD)


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"service_code": "VISIT"}, CaseStatus.INVALID_FIELD),
        ({"age_years": -1}, CaseStatus.INVALID_FIELD),
        ({"age_years": 131}, CaseStatus.INVALID_FIELD),
        ({"quantity": 0}, CaseStatus.INVALID_FIELD),
        ({"quantity": 2**31}, CaseStatus.INVALID_FIELD),
        ({"length_of_stay_days": -1}, CaseStatus.INVALID_FIELD),
        ({"length_of_stay_days": 32_768}, CaseStatus.INVALID_FIELD),
        ({"case_id": None}, CaseStatus.MISSING_FIELD),
        ({"case_id": " "}, CaseStatus.MISSING_FIELD),
        ({"drg_code": ""}, CaseStatus.MISSING_FIELD),
        ({"care_setting": " "}, CaseStatus.MISSING_FIELD),
        ({"outcome": None}, CaseStatus.MISSING_FIELD),
        ({"discharge_date": date(2025, 2, 28)}, CaseStatus.INVALID_DATES),
        ({"admission_date": date(1935, 6, 22)}, CaseStatus.INVALID_DATES),  # 32,768 days
        ({"admission_date": date(1935, 6, 25)}, OK),
        (
            {"admission_date": datetime(2025, 3, 11, 9), "discharge_date": datetime(2025, 3, 11, 8)},
            CaseStatus.INVALID_DATES,
        ),
        ({"admission_date": datetime(2025, 3, 11, 9), "discharge_date": date(2025, 3, 11)}, OK),
        ({"case_id": 7, "claimed_amount": Decimal("1.23")}, OK),
    ],
)
def test_what_a_case_alone_can_be_rejected_for(fields, status):
    assert priced(**fields).status is status


def test_the_order_of_reasons():
    """Each step mends the first reason and uncovers the next."""
    wrong = {
        "case_id": None,
        "drg_code": "??",
        "care_setting": "??",
        "outcome": "??",
        "age_years": 131,
        "factor_code": "??",
        "provider_id": None,
        "admission_date": date(2026, 3, 3),
        "discharge_date": date(2026, 3, 2),
        "length_of_stay_days": 8,
        "death_unavoidable": None,
        "quantity": 2**31 - 1,
    }
    schedule = replace(
        WITH_PROVIDERS,
        groups={"G": group("G", "9999999", child="1", planned_days=None)},
        stay_rules=(
            stay_rule("unavoidable", Pay.PER_PLANNED_DAY, unavoidable=True, outcomes={"died"}, max_days=None),
        ),
    )
    steps = [
        ({}, CaseStatus.INVALID_FIELD),
        ({"age_years": None}, CaseStatus.MISSING_FIELD),
        ({"case_id": "1"}, CaseStatus.INVALID_DATES),
        ({"admission_date": date(2026, 3, 1)}, CaseStatus.NO_SCHEDULE_FOR_DATE),
        ({"admission_date": date(2025, 5, 1), "discharge_date": date(2025, 5, 2)}, CaseStatus.INVALID_DATES),
        ({"length_of_stay_days": 1}, CaseStatus.UNKNOWN_DRG),
        ({"drg_code": "G"}, CaseStatus.UNKNOWN_SETTING),
        ({"care_setting": "outpatient"}, CaseStatus.NOT_PRICED_IN_SETTING),
        ({"care_setting": "reception_observation"}, CaseStatus.MISSING_FIELD),  # the hours
        ({"care_setting": "inpatient"}, CaseStatus.MISSING_FIELD),  # the age
        ({"age_years": 18}, CaseStatus.UNKNOWN_OUTCOME),
        ({"outcome": "died"}, CaseStatus.UNKNOWN_FACTOR),
        ({"factor_code": None}, CaseStatus.MISSING_FIELD),  # whether the death was unavoidable
        ({"death_unavoidable": True}, CaseStatus.MISSING_FIELD),  # the provider
        ({"provider_id": "??"}, CaseStatus.UNKNOWN_PROVIDER),
        ({"provider_id": "P1"}, CaseStatus.NO_COEFFICIENT_FOR_DATE),
        ({"provider_id": "CENT"}, CaseStatus.MISSING_PLANNED_DAYS),
        ({"death_unavoidable": False}, CaseStatus.AMOUNT_OVERFLOW),
        ({"quantity": 1}, OK),
    ]
    for mended, status in steps:
        wrong |= mended
        assert priced(schedule, **wrong).status is status, mended


# Rounding


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("half_up", ["0.01", "0.02", "0.03", "0.01", "0.02"]),
        ("half_even", ["0", "0.02", "0.02", "0.01", "0.02"]),
        ("down", ["0", "0.01", "0.02", "0", "0.01"]),
        ("up", ["0.01", "0.02", "0.03", "0.01", "0.02"]),
    ],
)
def test_every_mode_at_a_tie_and_beside_it(mode, expected):
    values = ["0.005", "0.015", "0.025", "0.0050000001", "0.0150000001"]

    assert [rounded(Fraction(value), Rounding(2, RoundingMode(mode))) for value in values] == [
        Fraction(value) for value in expected
    ]


def test_rounding_to_hundreds_and_not_at_all():
    assert rounded(Fraction(1250), Rounding(-2, HALF_UP)) == 1300
    assert rounded(Fraction(1250), Rounding(-2, RoundingMode.HALF_EVEN)) == 1200
    assert rounded(Fraction(1, 3), Rounding(None, HALF_UP)) == Fraction(1, 3)


def test_exact_tariffs_are_rounded_only_as_unit_price():
    """Half of a sixth of 1,000.00: of 166.67 if the tariff is rounded, of 166.666... if it stays exact."""
    exact = replace(SMALL, roundings=replace(SMALL.roundings, tariff=Rounding(None, HALF_UP)))
    death = {"outcome": "died", "death_unavoidable": True, "discharge_date": date(2025, 3, 2)}
    early = {"drg_code": "CHILD", "care_setting": "home", **death}

    assert priced(SMALL, **early).amount_minor == 83_34  # 166.67 / 2 = 83.335
    assert priced(exact, **early).amount_minor == 83_33  # 83.333...
