"""The explanation: its words, its exactness, and that it says what the twin and the kernel compute."""

from __future__ import annotations

import json
import re
import weakref
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tariffcore
from tariffcore.cases import Case, table_from_cases
from tariffcore.errors import ExplainError
from tariffcore.explain import (
    explain_case,
    reason_for,
    reason_of_malformed_row,
    reason_of_unreadable_cell,
)
from tariffcore.explanation import EXPLANATION_FORMAT, STEP_IDS, Explanation
from tariffcore.labelling import LANGUAGES, labels_in
from tariffcore.money import RoundingMode, format_minor, round_to_places
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog, DecidingDate, read_catalog
from tariffcore.schedule.model import (
    CASE_SHARE_MODEL,
    AppliesTo,
    BaseRate,
    Coefficient,
    CoefficientMode,
    ComponentShare,
    DayCount,
    Factor,
    Group,
    Pay,
    ProviderPeriod,
    Rounding,
    Roundings,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tariffcore.version import ENGINE_VERSION
from tests.small_schedule import SMALL, period
from tests.strategies import aimed_catalog, cases_for, catalogs, random_cases

SHIPPED = Path(tariffcore.__file__).parent / "schedules"
RULES = "payment rules KR DSM-291/2020"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


# A small edition with one of everything


def group(drg_code: str, weight: str, child: str | None, **parts: Any) -> Group:
    return Group(
        drg_code=drg_code,
        name=parts.get("name", f"Group {drg_code}"),
        relative_weight=Fraction(weight),
        relative_weight_child=None if child is None else Fraction(child),
        planned_days=parts.get("planned_days", 7),
        flags=frozenset(parts.get("flags", ())),
        component_profile=parts.get("component_profile"),
        source="KR DSM-170/2020 appendix 1",
        line=2,
    )


def share(care_setting: str, value: str, **parts: Any) -> Share:
    unit = parts.get("unit", Unit.CASE)
    return Share(
        id=care_setting if unit is Unit.CASE else f"{unit.value}.{care_setting}",
        unit=unit,
        care_setting=care_setting,
        share=Fraction(value),
        applies_to=parts.get("applies_to", AppliesTo.TARIFF),
        max_hours=parts.get("max_hours"),
        source=f"{RULES}, {parts.get('item', 'item 70')}",
        exceptions=parts.get("exceptions", ()),
    )


def service(code: str, rate: str, care_setting: str | None, start: date, end: date | None) -> Service:
    return Service(
        code, f"Service {code}", Unit.SERVICE, care_setting, Fraction(rate), start, end, "appendix 7", 2
    )


def stay_rule(rule_id: str, outcomes: set[str], **parts: Any) -> StayRule:
    return StayRule(
        id=rule_id,
        care_settings=frozenset(parts.get("care_settings", ())),
        outcomes=frozenset(outcomes),
        death_unavoidable=parts.get("death_unavoidable"),
        max_days=parts.get("max_days", 3),
        pay=parts["pay"],
        share=parts.get("share"),
        exemptions=parts.get("exemptions", ()),
        source=f"{RULES}, item 81",
    )


def edition(**changes: Any) -> Schedule:
    start = date(2026, 1, 1)
    whole = Schedule(
        id="kz-test",
        tariff_family="kz-test",
        model=CASE_SHARE_MODEL,
        title="A small edition with one of everything",
        synthetic=False,
        country="KZ",
        currency="KZT",
        minor_units=2,
        published=date(2025, 12, 31),
        effective_start_date=start,
        effective_end_date=None,
        base_rate=BaseRate(Fraction("175622.79"), "order No.176 of 31.12.2025"),
        roundings=Roundings(*(Rounding(places, RoundingMode.HALF_UP) for places in (4, 2, 2))),
        child_age_limit=18,
        day_count=DayCount.DISCHARGE_MINUS_ADMISSION,
        care_settings=("inpatient", "day_hospital", "home", "reception_observation", "outpatient"),
        outcomes=("discharged", "transferred", "self_discharged", "died"),
        drg_flags=("neonatal", "infectious"),
        shares=(
            share("inpatient", "1"),
            share(
                "day_hospital",
                "0.4",
                applies_to=AppliesTo.WEIGHT,
                item="item 71",
                exceptions=(
                    ShareException(
                        "day_hospital.surgical",
                        frozenset({"1373", "1474"}),
                        Fraction("0.75"),
                        AppliesTo.WEIGHT,
                        f"{RULES}, item 88",
                    ),
                ),
            ),
            share("home", "1/6", item="item 73"),
            share("reception_observation", "0.67", max_hours=24, item="item 92"),
            share("home", "2", unit=Unit.SERVICE, item="item 66"),
        ),
        stay_rules=(
            stay_rule(
                "interrupted",
                {"transferred", "self_discharged"},
                care_settings={"inpatient"},
                pay=Pay.PER_PLANNED_DAY,
                exemptions=(
                    StayExemption(
                        frozenset({"self_discharged"}),
                        frozenset({"infectious"}),
                        f"{RULES}, A06-A24",
                    ),
                ),
            ),
            stay_rule(
                "unavoidable_death", {"died"}, death_unavoidable=True, pay=Pay.SHARE, share=Fraction(1, 2)
            ),
        ),
        coefficients=(
            Coefficient("regional", CoefficientMode.MULTIPLIES, "order No.173"),
            Coefficient("rural", CoefficientMode.ADDS, "order No.173"),
        ),
        groups={
            each.drg_code: each
            for each in (
                group("1", "3.9114", "4.1", name="Streptococcal septicaemia", component_profile="septic"),
                group("P001", "22.0576", "22.0576", flags=["neonatal"], planned_days=None),
                group("A06", "1.5", None, flags=["infectious"]),
                group("СЗ", "1.5", "1.5"),
            )
        },
        providers={
            "H1": (
                ProviderPeriod("H1", start, date(2026, 7, 1), (Fraction("1.0973"), Fraction("1.1327")), 2),
            )
        },
        components=(
            ComponentShare("septic", None, "salaries", Fraction("0.55"), False, 2),
            ComponentShare("septic", None, "drugs", Fraction("0.3"), False, 3),
            ComponentShare("septic", None, "buildings", Fraction("0.15"), True, 4),
            ComponentShare("other", None, "food", Fraction(1), False, 5),
        ),
        published_tariffs=(),
        services={
            "A01": (
                service("A01", "2487.71", "outpatient", start, None),
                service("A01", "2487.71", None, start, None),
            ),
            "A02": (service("A02", "100", None, start, date(2026, 2, 1)),),
        },
        factors=(Factor(Unit.SERVICE, "remote", Fraction(1, 2), f"{RULES}, item 67", 2),),
        folder="kz-test",
        digest=DIGEST,
    )
    return replace(whole, **changes)


CATALOG = Catalog.of([edition()])
WITHOUT_PROVIDERS = Catalog.of([edition(providers=None)])

CASE: dict[str, Any] = {
    "case_id": 4711,
    "provider_id": "H1",
    "drg_code": "1",
    "care_setting": "inpatient",
    "admission_date": date(2026, 3, 1),
    "discharge_date": date(2026, 3, 4),
    "age_years": 45,
}
VISIT: dict[str, Any] = {
    **CASE,
    "drg_code": None,
    "service_code": "A01",
    "care_setting": "outpatient",
    "quantity": 3,
    "factor_code": "remote",
}


def case(**changes: Any) -> Case:
    return Case(**{**CASE, **changes})


def explained(catalog: Catalog = CATALOG, **changes: Any) -> Explanation:
    return explain_case(case(**changes), catalog)


# Whole texts (686,930.98 x 3/7 x 1.23 and 2,487.71 / 2 were worked out by hand)

INTERRUPTED = f"""\
Case         4711
Edition      kz-test: A small edition with one of everything
Digest       9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
As known on  latest published
Engine       tariffcore {ENGINE_VERSION}

 1  Edition                kz-test
                           Discharge 2026-03-04: in force from 2026-01-01, published 2025-12-31
                           the only edition known that covers the day
 2  Cost group             1
                           Streptococcal septicaemia
                           source: KR DSM-170/2020 appendix 1
 3  Share of the setting   1
                           treated case in inpatient care
                           rule inpatient
                           source: payment rules KR DSM-291/2020, item 70
 4  Relative weight        3.9114
                           adult weight: the age 45 is not under 18
 5  Tariff                 3.9114 × 175,622.79 = 686,930.980806 → 686,930.98 (2 decimals, half up)
                           base rate 175,622.79 for a weight of 1
                           source: order No.176 of 31.12.2025
 6  Length of stay         3
                           2026-03-01 to 2026-03-04: discharge minus admission
 7  Stay rule              3/7
                           outcome: transferred; days: 3
                           the conditions of interrupted hold
                           days paid: 3 out of 7 planned days
                           rule interrupted
                           source: payment rules KR DSM-291/2020, item 81
 8  Provider coefficient   1.0973 + (1.1327 - 1) = 1.23
                           provider 'H1', coefficients in force from 2026-01-01 up to 2026-07-01
                           regional 1.0973: multiplies (order No.173)
                           rural 1.1327: adds 0.1327 (order No.173)
 9  Unit price             686,930.98 × 3/7 × 1.23 = 362,110.759457… → 362,110.76 (2 decimals, half
                           up)
10  Payment                1 × 362,110.76 = 362,110.76
                           paid as: treated case
11  Components             362,110.76
                           profile septic: each part is the rounded running total less the one
                           before
                           salaries             0.55  199,160.92
                           drugs                 0.3  108,633.23
                           buildings (capital)  0.15   54,316.61

Amount: 362,110.76 KZT"""

REMOTE_VISITS = f"""\
Case         4711
Edition      kz-test: A small edition with one of everything
Digest       9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
As known on  latest published
Engine       tariffcore {ENGINE_VERSION}

 1  Edition                kz-test
                           Discharge 2026-03-04: in force from 2026-01-01, published 2025-12-31
                           the only edition known that covers the day
 2  Service                A01
                           Service A01
 3  Rate                   2,487.71
                           the rate is printed for outpatient care: no share applies
                           in force from 2026-01-01
                           rule service.outpatient.rate
                           source: appendix 7
 4  Factor                 0.5
                           'remote' for service
                           rule remote
                           source: payment rules KR DSM-291/2020, item 67
 5  Provider coefficient   1
                           the edition has no coefficients of providers
 6  Unit price             2,487.71 × 0.5 × 1 = 1,243.855 → 1,243.86 (2 decimals, half up)
 7  Payment                3 × 1,243.86 = 3,731.58
                           paid as: services by tariff

Amount: 3,731.58 KZT"""

UNKNOWN_GROUP = f"""\
SYNTHETIC SCHEDULE: the numbers of kz-test are made up, nothing below is a real price

Case         4711
Edition      kz-test: A small edition with one of everything
Digest       9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
As known on  latest published
Engine       tariffcore {ENGINE_VERSION}

 1  Edition                kz-test
                           Discharge 2026-03-04: in force from 2026-01-01, published 2025-12-31
                           the only edition known that covers the day

No amount. Unknown cost group (UNKNOWN_DRG): drg_code 'Р001' is not in kz-test: its first letter is
Cyrillic, did you mean 'P001'?"""

KNOWN_EARLIER = f"""\
Случай             4711
Редакция           kz-test: A small edition with one of everything
Контрольная сумма  9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
Известно на        31.05.2026
Программа          tariffcore {ENGINE_VERSION}

 1  Редакция тарифов            kz-test
                                Выписка 04.03.2026: действует с 01.01.2026, опубликована 31.12.2025
                                из известных на 31.05.2026 и действующих на этот день —
                                опубликованная последней
                                действует на этот день, но ещё не была известна: kz-later
                                (01.06.2026)
 2  КЗГ                         1
                                Streptococcal septicaemia
                                основание: KR DSM-170/2020 appendix 1
 3  Доля условий оказания       0,75
                                пролеченный случай, дневной стационар
                                процедура '13,73' входит в перечень исключения
                                доля берётся от коэффициента затратоёмкости
                                правило day_hospital.surgical
                                основание: payment rules KR DSM-291/2020, item 88
 4  Коэффициент затратоёмкости  4,1
                                детский: возраст 17 меньше 18
 5  Коэффициент с долей         4,1 × 0,75 = 3,075 (знаков: 4, половина вверх)
 6  Тариф                       3,075 × 175 622,79 = 540 040,07925 → 540 040,08 (знаков: 2, половина
                                вверх)
                                базовая ставка 175 622,79 на единицу коэффициента
                                основание: order No.176 of 31.12.2025
 7  Длительность пребывания     3
                                с 01.03.2026 по 04.03.2026: дата выписки минус дата поступления
 8  Прерванный случай           1
                                исход: выписан; дней: 3
                                interrupted: не для этих условий оказания
                                unavoidable_death: не для этого исхода
                                ни одно правило не подходит: оплачивается полностью
 9  Коэффициент поставщика      1
                                в редакции нет коэффициентов поставщиков
10  Цена единицы                540 040,08 × 1 × 1 = 540 040,08 (знаков: 2, половина вверх)
11  К оплате                    1 × 540 040,08 = 540 040,08
                                оплачивается как: пролеченный случай
12  Составляющие                540 040,08
                                профиль septic: часть — округлённый нарастающий итог за вычетом
                                предыдущего
                                salaries                 0,55  297 022,04
                                drugs                     0,3  162 012,03
                                buildings (капитальные)  0,15   81 006,01

К оплате: 540 040,08 KZT"""


def test_an_interrupted_case_in_full() -> None:
    assert explained(outcome="transferred").to_text() == INTERRUPTED


def test_a_visit_in_full() -> None:
    assert explained(WITHOUT_PROVIDERS, **VISIT).to_text() == REMOTE_VISITS


def test_an_unknown_group_in_full() -> None:
    text = explained(Catalog.of([edition(synthetic=True)]), drg_code="Р001").to_text()
    assert text == UNKNOWN_GROUP


def test_a_retroactive_edition_in_full_in_russian() -> None:
    later = edition(id="kz-later", published=date(2026, 6, 1), digest=DIGEST[::-1], providers=None)
    catalog = Catalog.of([edition(providers=None), later], as_of=date(2026, 5, 31))
    text = explain_case(
        case(care_setting="day_hospital", procedure_codes=("99.1", "13,73"), age_years=17), catalog
    ).to_text("ru")
    assert text.replace("\u00a0", " ") == KNOWN_EARLIER


# The same answer as the twin and the kernel, for every kind of case

LAST_LINES = {
    "en": re.compile(r"Amount: ([0-9]{1,3}(?:,[0-9]{3})*)(?:\.([0-9]+))? KZT"),
    "ru": re.compile(r"К оплате: ([0-9]{1,3}(?:\u00a0[0-9]{3})*)(?:,([0-9]+))? KZT"),
    "kk": re.compile(r"Төленетін сома: ([0-9]{1,3}(?:\u00a0[0-9]{3})*)(?:,([0-9]+))? KZT"),
}


def amount_in(last_line: str, language: str) -> str:
    """The amount as machines write it, from the last line of a text."""
    found = LAST_LINES[language].fullmatch(last_line)
    assert found is not None, last_line
    whole = re.sub(r"[,\u00a0]", "", found[1])
    return f"{whole}.{found[2]}" if found[2] else whole


def assert_says_what_the_twin_says(line: Case, catalog: Catalog) -> Explanation:
    explanation = explain_case(line, catalog)
    twin = reference_price(line, catalog)
    assert (explanation.status, explanation.amount_minor) == (twin.status, twin.amount_minor)
    assert (explanation.schedule_id, explanation.rule_id) == (twin.schedule_id, twin.rule_id)
    assert explanation.method == twin.method
    parts = explanation.components
    assert (None if parts is None else {part.component: part.amount_minor for part in parts}) == (
        twin.components_minor
    )
    return explanation


def assert_last_line_is_the_amount(explanation: Explanation, language: str) -> None:
    lines = explanation.to_text(language).split("\n")
    assert max(map(len, lines)) <= 100
    if explanation.amount_minor is None:
        assert explanation.status.name in " ".join(lines)
        assert lines[-1].strip()
    else:
        amount = format_minor(explanation.amount_minor, explanation.minor_units)
        assert amount_in(lines[-1], language) == amount


def test_every_kind_of_case_is_told_as_the_twin_prices_it() -> None:
    for seed in range(12):
        catalog = aimed_catalog(seed)
        for number, line in enumerate(random_cases(catalog, 150, seed)):
            explanation = assert_says_what_the_twin_says(line, catalog)
            assert_last_line_is_the_amount(explanation, LANGUAGES[number % 3])


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_drawn_cases_are_told_as_the_twin_prices_them(data: st.DataObject) -> None:
    catalog = data.draw(catalogs())
    line = data.draw(cases_for(catalog))
    assert_last_line_is_the_amount(assert_says_what_the_twin_says(line, catalog), "en")


def test_the_kernel_pays_what_the_explanation_says() -> None:
    for seed in (1, 2, 5, 7):
        catalog = aimed_catalog(seed)
        lines = random_cases(catalog, 150, seed)
        priced = price_cases(table_from_cases(lines), catalog, components=True, threads=1)
        assert priced.has_parts is not None
        rows = zip(
            priced.amount_minor.tolist(),
            priced.status.tolist(),
            priced.schedule_ids(),
            priced.rule_ids(),
            priced.methods(),
            priced.has_parts.tolist(),
            strict=True,
        )
        for row, (line, (amount_minor, status, schedule_id, rule_id, method, has_parts)) in enumerate(
            zip(lines, rows, strict=True)
        ):
            explanation = explain_case(line, catalog)
            assert explanation.status == status
            assert (explanation.amount_minor or 0) == amount_minor
            assert (explanation.rule_id, explanation.method) == (rule_id, method)
            if explanation.status is CaseStatus.OK:
                assert explanation.schedule_id == schedule_id
            assert (explanation.components is not None) == bool(has_parts)
            for part in explanation.components or ():
                assert part.amount_minor == priced.components_minor[part.component][row]


@pytest.mark.parametrize(
    ("changes", "last_line", "source"),
    [
        ({}, "Amount: 686,930.98 KZT", "KR DSM-170/2020 appendix 1 in force 01.01.2026"),
        ({"care_setting": "day_hospital"}, "Amount: 274,779.42 KZT", "the same row, day hospital"),
        (
            {"care_setting": "day_hospital", "procedure_codes": ("13.73",)},
            "Amount: 515,207.02 KZT",
            "payment rules KR DSM-291/2020, item 88",
        ),
        (
            {"outcome": "died", "death_unavoidable": True},
            "Amount: 343,465.49 KZT",
            "payment rules KR DSM-291/2020, item 81",
        ),
        (VISIT, "Amount: 3,731.58 KZT", "KR DSM-170/2020 appendix 7 and payment rules, item 67"),
    ],
)
def test_published_rows_end_in_their_amount(changes: dict[str, Any], last_line: str, source: str) -> None:
    catalog = read_catalog([SHIPPED / "kz-2026"])
    service_code = {"service_code": "A01.001.000"} if changes is VISIT else {}
    explanation = explained(catalog, **{**changes, **service_code})
    assert explanation.to_text().split("\n")[-1] == last_line, source


@pytest.mark.parametrize(
    ("rate", "status"),
    [("9999999999999999.99", CaseStatus.OK), ("10000000000000000", CaseStatus.AMOUNT_OVERFLOW)],
)
def test_the_largest_amount_has_eighteen_digits(rate: str, status: CaseStatus) -> None:
    services = {"A01": (service("A01", rate, "outpatient", date(2026, 1, 1), None),)}
    catalog = Catalog.of([edition(services=services, providers=None)])
    line = case(**{**VISIT, "quantity": 1, "factor_code": None})
    assert assert_says_what_the_twin_says(line, catalog).status is status


# Steps


def test_steps_come_in_one_order_and_every_rounding_can_be_checked_by_hand() -> None:
    """What each step says it did leads to what it says came out: with exact numbers, before and after."""
    for seed in range(8):
        catalog = aimed_catalog(seed)
        for line in random_cases(catalog, 100, seed):
            steps = explain_case(line, catalog).steps
            ids = [step.id for step in steps]
            assert ids == sorted(ids, key=STEP_IDS.index)
            for step in steps:
                rounding = step.rounding
                if rounding is not None and rounding.places is not None:
                    before, after = Fraction(rounding.before), Fraction(rounding.after)
                    assert round_to_places(before, rounding.places, rounding.mode) == after
                if rounding is not None:
                    assert step.result == rounding.after
                if step.formula is not None:
                    assert worked_out(step.formula) == Fraction(rounding.before if rounding else step.result)


def worked_out(formula: str) -> Fraction:
    """The value of ``2 * 1/6 + (1.02 - 1)``: products and sums of exact numbers."""
    exact = re.sub(r"[0-9]+(?:\.[0-9]+)?(?:/[0-9]+)?", lambda number: f"Fraction('{number[0]}')", formula)
    value = eval(exact, {"__builtins__": {}, "Fraction": Fraction})
    assert isinstance(value, Fraction)
    return value


def notes_of(explanation: Explanation, step_id: str) -> list[str]:
    (step,) = [step for step in explanation.steps if step.id == step_id]
    labels = labels_in("en")
    return [labels.sentence("note", note.id, dict(note.values)) for note in step.notes]


@pytest.mark.parametrize(
    ("changes", "step_id", "note"),
    [
        ({"drg_code": "P001", "age_years": None}, "weight", "the weights of adults and children are equal"),
        ({"age_years": 17}, "weight", "child weight: the age 17 is under 18"),
        ({"age_years": 18}, "weight", "adult weight: the age 18 is not under 18"),
        (
            {"drg_code": "A06", "outcome": "self_discharged"},
            "stay_rule",
            "interrupted does not apply, an exemption does: self-discharged, group flag infectious "
            f"({RULES}, A06-A24)",
        ),
        (
            {"outcome": "transferred", "discharge_date": date(2026, 3, 5)},
            "stay_rule",
            "interrupted: for at most 3 days",
        ),
        (
            {"outcome": "died", "death_unavoidable": False},
            "stay_rule",
            "unavoidable_death: for death_unavoidable = true only",
        ),
        (
            {"outcome": "died", "discharge_date": date(2026, 3, 9)},
            "stay_rule",
            "death_unavoidable is empty and makes no difference",
        ),
        ({"admission_date": None, "length_of_stay_days": 0}, "length_of_stay", "a stay has at least one day"),
        (
            {"admission_date": None, "length_of_stay_days": 5},
            "length_of_stay",
            "length_of_stay_days as given",
        ),
        (
            {
                "care_setting": "reception_observation",
                "admission_date": datetime(2026, 3, 3, 22, 30),
                "discharge_date": datetime(2026, 3, 4, 22, 30),
            },
            "hours_limit",
            "24:00 hours from 2026-03-03 22:30 to 2026-03-04 22:30",
        ),
        (
            {"care_setting": "reception_observation", "admission_date": date(2026, 3, 4)},
            "hours_limit",
            "calendar days between the dates: 0, within the limit at any hour",
        ),
        (
            {"care_setting": "day_hospital", "procedure_codes": ("99.1",)},
            "share",
            "no procedure of the stay is on a list of exceptions",
        ),
        (
            {**VISIT, "care_setting": "home"},
            "rate",
            "service: the share of the care setting applies to the rate",
        ),
    ],
)
def test_a_step_says_why(changes: dict[str, Any], step_id: str, note: str) -> None:
    assert note in notes_of(explained(**changes), step_id)


def test_an_edition_says_which_others_covered_the_day() -> None:
    first = edition(id="first", published=date(2025, 1, 1))
    last = edition(id="last", published=date(2026, 6, 1))
    catalog = Catalog.of([first, edition(), last])
    assert notes_of(explain_case(case(), catalog), "edition")[1:] == [
        "no as-of date: of the editions that cover the day, the one published last applies",
        "also covers the day, published earlier: first (2025-01-01)",
        "also covers the day, published earlier: kz-test (2025-12-31)",
    ]
    assert notes_of(explain_case(case(), catalog.known_on(date(2026, 5, 31))), "edition")[1:] == [
        "of the editions known on 2026-05-31 that cover the day, the one published last applies",
        "also covers the day, published earlier: first (2025-01-01)",
        "covers the day, but was not yet known: last (2026-06-01)",
    ]


def test_the_roundings_of_an_edition_are_said() -> None:
    roundings = Roundings(
        Rounding(None, RoundingMode.HALF_UP),
        Rounding(0, RoundingMode.HALF_EVEN),
        Rounding(-1, RoundingMode.DOWN),
    )
    catalog = Catalog.of([edition(roundings=roundings, providers=None)])
    text = " ".join(explained(catalog, care_setting="day_hospital").to_text().split())
    assert "3.9114 × 0.4 = 1.56456 (not rounded)" in text
    assert "1.56456 × 175,622.79 = 274,772.3923224 → 274,772.00 (to whole units, half to even)" in text
    assert "274,772.00 × 1 × 1 = 274,772 → 274,770.00 (to multiples of 10^1, down)" in text


# Reasons

REASONS: dict[str, tuple[dict[str, Any], CaseStatus, str]] = {
    "both codes": (
        {"service_code": "A01"},
        CaseStatus.INVALID_FIELD,
        "drg_code '1' and service_code 'A01' are both given: a line is a case or a service, leave one of them"
        " empty",
    ),
    "all wrong numbers at once": (
        {"age_years": 131, "quantity": 0, "length_of_stay_days": -1},
        CaseStatus.INVALID_FIELD,
        "age_years 131 is not between 0 and 130: correct it, or leave it empty; "
        "quantity 0 is not between 1 and 2147483647: correct it; "
        "length_of_stay_days -1 is not between 0 and 32767: correct it, or leave it empty",
    ),
    "all missing fields at once": (
        {"case_id": " ", "discharge_date": None, "care_setting": "", "outcome": None, "admission_date": None},
        CaseStatus.MISSING_FIELD,
        "empty, and needed to price this line: case_id, discharge_date, care_setting, outcome; fill in; "
        "admission_date is empty: fill it in, or give length_of_stay_days",
    ),
    "no code": (
        {"drg_code": None},
        CaseStatus.MISSING_FIELD,
        "drg_code and service_code are both empty: one of them must say what is priced",
    ),
    "service without quantity": (
        {**VISIT, "quantity": None},
        CaseStatus.MISSING_FIELD,
        "empty, and needed to price this line: quantity; fill in",
    ),
    "age, two weights": (
        {"age_years": None},
        CaseStatus.MISSING_FIELD,
        "age_years is empty, and '1' weighs 3.9114 for adults and 4.1 for children: fill in the full years at"
        " admission",
    ),
    "age, one weight": (
        {"age_years": None, "drg_code": "A06"},
        CaseStatus.MISSING_FIELD,
        "age_years is empty, and 'A06' has a weight for adults only: fill in the full years at admission",
    ),
    "hours": (
        {"care_setting": "reception_observation", "admission_date": date(2026, 3, 3)},
        CaseStatus.MISSING_FIELD,
        "reception ward observation is paid up to 24 hours, and the days from 2026-03-03 to 2026-03-04 leave"
        " open whether the stay was longer: give admission_date and discharge_date with their times",
    ),
    "hours without admission": (
        {"care_setting": "reception_observation", "admission_date": None, "length_of_stay_days": 1},
        CaseStatus.MISSING_FIELD,
        "reception ward observation is paid up to 24 hours and admission_date is empty: give"
        " admission_date and"
        " discharge_date with their times",
    ),
    "death": (
        {"outcome": "died"},
        CaseStatus.MISSING_FIELD,
        "death_unavoidable is empty, and the price depends on it (true: unavoidable_death, false: no"
        " rule): fill"
        " in true or false",
    ),
    "provider": (
        {"provider_id": None},
        CaseStatus.MISSING_FIELD,
        "provider_id is empty, and kz-test has coefficients by provider: fill it in",
    ),
    "order of days": (
        {"discharge_date": date(2026, 2, 28)},
        CaseStatus.INVALID_DATES,
        "discharge_date 2026-02-28 is before admission_date 2026-03-01: correct one of them",
    ),
    "order of hours": (
        {
            "admission_date": datetime(2026, 3, 4, 10, 0, 1),
            "discharge_date": datetime(2026, 3, 4, 10, 0),
        },
        CaseStatus.INVALID_DATES,
        "discharge_date 2026-03-04 10:00 is before admission_date 2026-03-04 10:00:01: correct one of them",
    ),
    "a stay of a lifetime": (
        {"admission_date": date(1926, 3, 4)},
        CaseStatus.INVALID_DATES,
        "from 1926-03-04 to 2026-03-04 is more than 32767 days: correct one of the dates",
    ),
    "length": (
        {"length_of_stay_days": 4},
        CaseStatus.INVALID_DATES,
        "length_of_stay_days is 4, and from 2026-03-01 to 2026-03-04 there are 3 (discharge minus admission):"
        " correct one of them, or leave the length empty",
    ),
    "edition": (
        {"admission_date": date(2025, 12, 1), "discharge_date": date(2025, 12, 31)},
        CaseStatus.NO_SCHEDULE_FOR_DATE,
        "no edition of kz-test covers discharge_date 2025-12-31; editions cover from 2026-01-01:"
        " check the date,"
        " or load the edition that covers it",
    ),
    "add-on without a rule": (
        {"addon_amount": Decimal("10"), "addon_kind": "biologic"},
        CaseStatus.ADDON_NOT_PAID,
        "addon_kind 'biologic' is not paid on 1 in kz-test; kinds for treated case: none: check it, or leave"
        " addon_amount and addon_kind empty",
    ),
    "add-on without a kind": (
        {"addon_amount": Decimal("10"), "addon_kind": None},
        CaseStatus.MISSING_FIELD,
        "empty, and needed to price this line: addon_kind; fill in",
    ),
    "group, first letter": (
        {"drg_code": "Р001"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code 'Р001' is not in kz-test: its first letter is Cyrillic, did you mean 'P001'?",
    ),
    "group, another letter": (
        {"drg_code": "P0О1"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code 'P0О1' is not in kz-test: check the code, or load the edition that has it",
    ),
    "group, small letter": (
        {"drg_code": "p001"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code 'p001' is not in kz-test: did you mean 'P001'?",
    ),
    "group, leading zeros": (
        {"drg_code": "001"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code '001' is not in kz-test: did you mean '1'?",
    ),
    "group in Latin letters": (
        {"drg_code": "C3"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code 'C3' is not in kz-test: check the code, or load the edition that has it",
    ),
    "group that is a service": (
        {"drg_code": "A01"},
        CaseStatus.UNKNOWN_DRG,
        "drg_code 'A01' is not in kz-test: it is a service of the edition: put it in service_code",
    ),
    "service that is a group": (
        {**VISIT, "service_code": "P001"},
        CaseStatus.UNKNOWN_SERVICE,
        "service_code 'P001' is not in kz-test: it is a cost group of the edition: put it in drg_code",
    ),
    "service of another month": (
        {**VISIT, "service_code": "A02"},
        CaseStatus.UNKNOWN_SERVICE,
        "service_code 'A02' has no rate on 2026-03-04 in kz-test; it has rates from 2026-01-01 up to"
        " 2026-02-01:"
        " check the date",
    ),
    "setting": (
        {"care_setting": "Inpatient"},
        CaseStatus.UNKNOWN_SETTING,
        "care_setting 'Inpatient' is not one kz-test knows: use one of inpatient, day_hospital, home,"
        " reception_observation, outpatient",
    ),
    "setting without a share": (
        {"care_setting": "outpatient"},
        CaseStatus.NOT_PRICED_IN_SETTING,
        "kz-test has no share for treated case in outpatient care; it has one for inpatient,"
        " day_hospital, home,"
        " reception_observation: check care_setting, or add the share to the edition",
    ),
    "setting without a rate": (
        {**VISIT, "care_setting": "inpatient"},
        CaseStatus.NOT_PRICED_IN_SETTING,
        "kz-test has neither a rate of 'A01' nor a share for service in inpatient care: check"
        " care_setting, or"
        " add the rate to the edition",
    ),
    "stay over the limit by hours": (
        {
            "care_setting": "reception_observation",
            "admission_date": datetime(2026, 3, 3, 10, 0),
            "discharge_date": datetime(2026, 3, 4, 10, 0, 1),
        },
        CaseStatus.STAY_OVER_LIMIT,
        "the stay of 24:00:01 hours is longer than the 24 hours reception ward observation is paid"
        " for: check the"
        " times, or price the case in another care setting",
    ),
    "stay over the limit by days": (
        {"care_setting": "reception_observation"},
        CaseStatus.STAY_OVER_LIMIT,
        "from 2026-03-01 to 2026-03-04 is longer than the 24 hours reception ward observation is"
        " paid for: check"
        " the dates, or price the case in another care setting",
    ),
    "weight": (
        {"drg_code": "A06", "age_years": 17},
        CaseStatus.MISSING_WEIGHT,
        "'A06' has no child weight in kz-test, and the age 17 is under 18: check age_years, or fill in"
        " relative_weight_child in groups.csv",
    ),
    "outcome": (
        {"outcome": "recovered"},
        CaseStatus.UNKNOWN_OUTCOME,
        "outcome 'recovered' is not one kz-test knows: use one of discharged, transferred,"
        " self_discharged, died",
    ),
    "factor on a case": (
        {"factor_code": "remote"},
        CaseStatus.UNKNOWN_FACTOR,
        "factor_code 'remote' is given for a case, and factors are for what is counted: leave it empty",
    ),
    "factor": (
        {**VISIT, "factor_code": "Remote"},
        CaseStatus.UNKNOWN_FACTOR,
        "factor_code 'Remote' is not one kz-test has for service: use one of remote, or leave it empty",
    ),
    "unknown provider": (
        {"provider_id": "H2"},
        CaseStatus.UNKNOWN_PROVIDER,
        "provider_id 'H2' is not in providers.csv of kz-test: check it, or add the provider to providers.csv",
    ),
    "provider in Cyrillic": (
        {"provider_id": "Н1"},
        CaseStatus.UNKNOWN_PROVIDER,
        "provider_id 'Н1' is not in providers.csv of kz-test: its first letter is Cyrillic, did you"
        " mean 'H1'?",
    ),
    "coefficients": (
        {"admission_date": date(2026, 7, 1), "discharge_date": date(2026, 7, 1)},
        CaseStatus.NO_COEFFICIENT_FOR_DATE,
        "provider_id 'H1' has no coefficients on 2026-07-01 in kz-test; it has them from 2026-01-01 up to"
        " 2026-07-01: check the date, or add the coefficients to providers.csv",
    ),
    "planned days": (
        {"drg_code": "P001", "outcome": "transferred"},
        CaseStatus.MISSING_PLANNED_DAYS,
        "the stay rule interrupted pays days out of planned days, and 'P001' has none in kz-test: fill in"
        " planned_days in groups.csv",
    ),
    "overflow": (
        {"drg_code": "P001", "quantity": 2**31 - 1, "care_setting": "inpatient"},
        CaseStatus.AMOUNT_OVERFLOW,
        "2,147,483,647 times the unit price 4,764,795.22 has more than 18 digits: check quantity and"
        " the numbers"
        " of the edition",
    ),
}


@pytest.mark.parametrize(("changes", "status", "reason"), REASONS.values(), ids=REASONS.keys())
def test_a_reason_names_the_value_and_the_way_out(
    changes: dict[str, Any], status: CaseStatus, reason: str
) -> None:
    explanation = assert_says_what_the_twin_says(case(**changes), CATALOG)
    assert explanation.status is status
    assert explanation.reason == reason
    assert explanation.components is None
    for language in LANGUAGES:
        in_language = reason_for(case(**changes), CATALOG, language)
        assert in_language == explanation.reason_in(language)
        assert_last_line_is_the_amount(explanation, language)
        ends = explanation.to_text(language).replace("\n", " ")
        assert re.sub(r"\s+", " ", in_language) in re.sub(r"\s+", " ", ends)


def test_there_is_an_example_of_every_status() -> None:
    # What never becomes a Case (a line that is no row) is the files' to say.
    unexplained = {CaseStatus.UNSPECIFIED, CaseStatus.OK, CaseStatus.MALFORMED_ROW} | GROUPING_STATUSES
    assert {status for _, status, _ in REASONS.values()} == set(CaseStatus) - unexplained


def test_a_priced_case_has_no_reason() -> None:
    assert explained().reason is None
    assert explained().reasons == ()
    assert reason_for(case(), CATALOG) == ""


def test_reasons_that_ask_more_than_one_edition() -> None:
    old = edition(
        id="old",
        published=date(2024, 12, 31),
        effective_start_date=date(2025, 1, 1),
        effective_end_date=date(2026, 1, 1),
        groups={"B2": group("B2", "1", "1")},
    )
    catalog = Catalog.of([old, edition()], deciding_date=DecidingDate.ADMISSION)
    assert explained(catalog, drg_code="B2").reason == (
        "drg_code 'B2' is not in kz-test: it is in old (from 2025-01-01 up to 2026-01-01): check the"
        " date that"
        " decides"
    )
    assert explained(catalog, admission_date=None, length_of_stay_days=3).reason == (
        "admission_date is empty, and it decides which edition applies: fill it in"
    )
    assert explained(catalog.known_on(date(2025, 6, 1))).reason == (
        "no edition of kz-test known on 2025-06-01 covers admission_date 2026-03-01; published later: kz-test"
        " (2025-12-31): ask as of a later date, or load the edition then in force"
    )


def test_reasons_of_cells_that_never_became_a_case() -> None:
    assert reason_of_unreadable_cell("discharge_date", "2026-02-30") == (
        "discharge_date '2026-02-30' is not a day of the calendar: write it as 2026-05-31 or 31.05.2026,"
        " with 14:30 or without"
    )
    assert reason_of_unreadable_cell("claimed_amount", "1,005", "ru") == (
        "claimed_amount: '1,005' — не сумма: напишите как 191723,14,"
        " знаков после запятой не больше, чем у валюты, а всего цифр не больше 18"
    )
    # A number that is digits only and too long: the words must not ask for digits alone.
    assert reason_of_unreadable_cell("quantity", "1" * 40) == (
        f"quantity '{'1' * 40}' is not a whole number of at most 18 digits: write it in digits only"
    )
    assert "at most 18 digits" in reason_of_unreadable_cell("claimed_amount", "1" * 40)
    assert reason_of_unreadable_cell("drg_code", "x") == "drg_code 'x' cannot be read: correct it"
    assert reason_of_malformed_row("malformed_row", {"found": "3", "expected": "17"}, "ru") == (
        "ячеек в строке: 3, а в заголовке: 17; их должно быть поровну"
    )
    values = {"encoding": "UTF-8", "byte": "0xFF", "position": "1042"}
    assert reason_of_malformed_row("malformed_byte", values) == (
        "byte 1,042 of the line, 0xFF, is not UTF-8: save the whole file in one encoding"
    )
    assert reason_of_malformed_row("malformed_quote", {}, "kk").startswith("жолда жабылмаған тырнақша бар")


def test_a_long_list_is_cut_and_counted() -> None:
    many = tuple(f"setting-{number}" for number in range(40))
    reason = explained(Catalog.of([edition(care_settings=many)])).reason
    assert reason is not None
    assert reason.endswith("setting-10, setting-11, … (40)")


# For machines


def leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for each in value.values() for leaf in leaves(each)]
    if isinstance(value, list):
        return [leaf for each in value for leaf in leaves(each)]
    return [value]


def test_json_is_exact_and_comes_back_as_it_went() -> None:
    for seed in range(4):
        catalog = aimed_catalog(seed)
        for line in random_cases(catalog, 60, seed):
            explanation = explain_case(line, catalog)
            written = explanation.to_json()
            assert json.loads(json.dumps(written, ensure_ascii=False)) == written
            assert not [leaf for leaf in leaves(written) if isinstance(leaf, float)]
            assert written["amount"] == (
                None
                if explanation.amount_minor is None
                else format_minor(explanation.amount_minor, explanation.minor_units)
            )


@pytest.mark.parametrize(
    ("table", "code"), [("groups", {"drg_code": "g9"}), ("providers", {"provider_id": "h1"})]
)
def test_reasons_keep_no_former_edition(table: str, code: dict[str, str]) -> None:
    """A service explains under every edition it ever had; hints kept the code tables of the last 32."""

    class Codes(dict[str, object]):
        """A dictionary that can be watched."""

    codes = Codes(SMALL.groups if table == "groups" else {"H1": (period("H1"),)})
    schedule = replace(SMALL, **{table: codes})
    known = {"drg_code": "G1", "provider_id": "H1", "care_setting": "inpatient", "age_years": 40}
    days = {"admission_date": date(2025, 3, 4), "discharge_date": date(2025, 3, 10)}
    explained = explain_case(Case(case_id=1, **{**known, **days, **code}), Catalog.of([schedule]))
    assert explained.status in (CaseStatus.UNKNOWN_DRG, CaseStatus.UNKNOWN_PROVIDER)
    gone = weakref.ref(codes)
    del codes, schedule, explained
    assert gone() is None


def test_the_json_of_a_case() -> None:
    written = explained(case_id=2**60, care_setting="home").to_json()
    steps = written.pop("steps")
    assert isinstance(steps, list)
    assert {key: value for key, value in written.items() if key != "engine_version"} == {
        "format": EXPLANATION_FORMAT,
        "case_id": "1152921504606846976",
        "status": "OK",
        "amount": "140820.86",
        "currency": "KZT",
        "minor_units": 2,
        "schedule_id": "kz-test",
        "schedule_digest": DIGEST,
        "schedule_title": "A small edition with one of everything",
        "synthetic": False,
        "as_of": None,
        "decided_by": "discharge",
        "deciding_date": "2026-03-04",
        "rule_id": "home",
        "method": "treated_case",
        "components": [
            {"component": "salaries", "share": "0.55", "capital": False, "amount": "77451.47"},
            {"component": "drugs", "share": "0.3", "capital": False, "amount": "42246.26"},
            {"component": "buildings", "share": "0.15", "capital": True, "amount": "21123.13"},
            {"component": "food", "share": "0", "capital": False, "amount": "0.00"},
        ],
        "reason": None,
        "reasons": [],
    }
    (tariff_share,) = [step for step in steps if step["id"] == "tariff_share"]
    assert tariff_share == {
        "id": "tariff_share",
        "result": "114488.5",
        "formula": "686930.98 * 1/6",
        "rounding": {
            "name": "tariff",
            "places": 2,
            "mode": "half_up",
            "before": "34346549/300",
            "after": "114488.5",
        },
        "rule_id": None,
        "source": None,
        "notes": [],
    }


# What an explanation never holds


def test_personal_fields_never_appear() -> None:
    secrets = {
        "patient_id": "patient-pseudonym-77",
        "funding_source": "funding-of-the-patient",
        "claimed_amount": Decimal("777777.77"),
    }
    for changes in [{}, *(changes for changes, _, _ in REASONS.values())]:
        explanation = explained(**{**changes, **secrets})
        told = json.dumps(explanation.to_json()) + "".join(map(explanation.to_text, LANGUAGES))
        assert not [secret for secret in secrets.values() if str(secret) in told]
        assert "777,777.77" not in told


def test_a_value_cannot_move_the_cursor_or_flood_the_screen() -> None:
    text = explained(drg_code="\x1b[2J\u202e" + "x" * 10_000 + "\n").to_text()
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert r"'\x1b[2J\u202exxx" in text
    assert len(text) < 2_000
    long_id = explained(case_id="c" * 300).to_text()
    assert max(map(len, long_id.split("\n"))) == 100


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_explanation_fits_the_width_asked_for(language: str) -> None:
    for explanation in (explained(), explained(outcome="transferred"), explained(drg_code="X" * 40)):
        words = explanation.to_text(language).split()
        for columns, most in ((20, 60), (60, 60), (80, 80), (100, 100), (300, 100)):
            text = explanation.to_text(language, columns)
            lines = [line for line in text.split("\n") if explanation.schedule_digest not in line.split()]
            assert max(map(len, lines)) <= most
            assert text.split() == words  # nothing broken, digest included


def test_a_language_without_labels_is_refused() -> None:
    with pytest.raises(ExplainError, match=r"'de'.*use one of en, ru, kk"):
        explained().to_text("de")
