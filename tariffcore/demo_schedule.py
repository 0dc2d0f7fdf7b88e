"""Makes the synthetic schedules kz-demo and kz-demo-2026: ``python -m tariffcore.demo_schedule DIR``.

Every number comes from a seeded random generator, none from an official table: names, codes, weights, base
rates and providers are made up and say so in their source. What they have in common with a real fund is the
shape: about 450 groups, 600 providers whose coefficients change by season and by decree, shares by setting,
stay rules, and a second edition issued later with effect backwards.

The folders that ship are exactly what this writes; a test compares the bytes. To change a schedule, change
this file and write the folders again.
"""

from __future__ import annotations

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction
from itertools import product
from pathlib import Path
from random import Random
from string import Template

from tariffcore.demo_rules import CODES_HEADER, POLICY_TOML, RULES_HEADER, Condition, code_rows, rule_rows
from tariffcore.money import format_minor, round_to_places

SEED = 20250101
SOURCE = "synthetic"
"""The source of every row."""

REMOVED_IN_2026 = "217"
ADDED_IN_2026 = "381"

COMPONENTS = (
    ("staff_pay", False),
    ("medicines_and_consumables", False),
    ("food", False),
    ("utilities", False),
    ("other_running_cost", False),
    ("building_depreciation", True),
    ("medical_equipment_depreciation", True),
    ("it_and_software_amortization", True),
    ("financing_cost", True),
)
"""What a payment is made of, and whether it is a capital cost."""

PROFILES: dict[str, tuple[int, ...]] = {
    "therapy": (4600, 2000, 600, 700, 900, 500, 400, 200, 100),
    "surgery": (4000, 2600, 400, 600, 700, 500, 900, 200, 100),
    "high_technology": (2500, 4300, 200, 400, 500, 500, 1200, 250, 150),
    "cardiology": (3500, 3200, 350, 500, 600, 500, 1000, 200, 150),
    "oncology": (3000, 4200, 350, 450, 500, 500, 700, 200, 100),
    "infectious": (4900, 1900, 700, 800, 800, 600, 300, 0, 0),
    "obstetric": (4800, 1700, 700, 700, 700, 600, 500, 200, 100),
    "neonatal": (4700, 2100, 200, 600, 500, 500, 1100, 200, 100),
    "psychiatric": (5600, 1000, 900, 800, 900, 700, 100, 0, 0),
    "rehabilitation": (5200, 800, 800, 800, 900, 700, 600, 200, 0),
}
"""Shares of the components in ten-thousandths, about which the generator varies; 0 = not one of its."""

BY_SETTING = {"therapy": "day_hospital", "surgery": "day_hospital", "oncology": "day_hospital"}
"""Profiles with a split of their own in one setting: a day hospital serves fewer meals."""

CHAPTERS = """
infectious 5000-30000: ward treatment; intensive treatment
    Intestinal infection of bacterial origin; Viral hepatitis; Bloodstream infection; Respiratory viral
    infection; Infection of the nervous system
oncology 9000-70000: drug therapy; removal
    Tumour of the digestive tract; Tumour of the lung; Tumour of the breast; Blood cancer; Tumour of the
    urinary tract
therapy 4000-26000: diagnosis and observation; transfusion or infusion course
    Anaemia; Clotting disorder; Immune deficiency; Disorder of the spleen; Disorder of white blood cells
therapy 3500-19000: adjustment of therapy; treatment of an acute state
    Diabetes; Thyroid disorder; Obesity; Electrolyte disorder; Pituitary disorder
psychiatric 6000-32000: short stay; long stay
    Mood disorder; Psychotic disorder; Dependence on a substance; Anxiety disorder; Dementia
therapy 5000-42000: ward treatment; stroke unit or monitoring
    Stroke; Epilepsy; Multiple sclerosis; Nerve entrapment; Headache disorder
surgery 2500-15000: conservative treatment; operation
    Cataract; Glaucoma; Retinal disorder; Corneal disorder; Injury of the eye
surgery 2500-22000: conservative treatment; operation
    Disorder of the tonsils; Disorder of the middle ear; Disorder of the sinuses; Hearing loss; Disorder
    of the larynx
cardiology 6000-90000: drug treatment; catheter procedure
    Heart failure; Heart attack; Rhythm disorder; Valve disorder; Disorder of the leg arteries
therapy 4500-38000: ward treatment; treatment with breathing support
    Pneumonia; Asthma; Chronic bronchitis; Fluid in the chest; Sleep-related breathing disorder
surgery 6500-52000: keyhole operation; open operation
    Appendicitis; Gallstones; Hernia; Bowel obstruction; Disorder of the pancreas
therapy 4000-27000: ward treatment; endoscopic treatment
    Gastric ulcer; Liver cirrhosis; Inflammatory bowel disease; Bleeding of the digestive tract; Disorder
    of the gullet
surgery 3000-41000: dressing and drugs; surgical treatment
    Burn; Skin ulcer; Abscess of the skin; Psoriasis; Benign skin growth
surgery 5000-80000: treatment without an implant; treatment with an implant
    Fracture of the hip; Wear of the knee joint; Disorder of a spinal disc; Fracture of the forearm; Tear
    of a ligament
therapy 3500-33000: ward treatment; procedure through the urinary tract
    Kidney failure; Kidney stones; Infection of the kidney; Disorder of the prostate; Disorder of the
    bladder
surgery 3000-24000: conservative treatment; operation
    Growth of the womb; Ovarian cyst; Prolapse; Bleeding between periods; Early pregnancy disorder
rehabilitation 5500-29000: early stage; later stage
    Recovery after stroke; Recovery after joint replacement; Recovery after heart surgery; Recovery after
    spinal injury; Recovery after severe infection
high_technology 180000-950000: from a relative or by device; from a registry
    Transplantation of a kidney; Transplantation of a liver; Transplantation of bone marrow;
    Transplantation of a heart; Implanted circulatory support
therapy 3000-45000: observation; intensive treatment
    Poisoning by drugs; Allergic reaction; Effect of cold or heat; Bite or sting; Injury of several
    regions
"""
"""Chapters of 20 groups: the component profile, between which weights (in ten-thousandths), two treatments;
indented, five conditions. Each condition is treated in both ways, with and without complications."""

GRADES = ("without complications", "with complications")

NEONATAL = (
    ("Newborn under 1,000 g", 90000, 260000),
    ("Newborn of 1,000-1,499 g", 60000, 150000),
    ("Newborn of 1,500-2,499 g", 20000, 70000),
    ("Newborn of 2,500 g or more", 6000, 40000),
)
NEONATAL_STATES = (
    "surviving, breathing support",
    "surviving, observation",
    "surviving, operation",
    "surviving, infection",
    "surviving, jaundice",
    "surviving, heart defect",
    "surviving, other disorder",
    "died within seven days",
    "died later",
    "moved to a higher level of care",
)
OBSTETRIC = (
    ("Vaginal birth", 5000, 14000),
    ("Caesarean birth", 9000, 25000),
    ("Threatened early labour", 3500, 12000),
    ("Pregnancy with high blood pressure", 5000, 22000),
    ("Disorder after birth", 3500, 18000),
)
OBSTETRIC_STATES = (
    "low complexity",
    "moderate complexity",
    "high complexity",
    "high complexity, several babies",
    "high complexity, heavy bleeding",
    "highest complexity",
)

COEFFICIENTS = ("regional", "ecological", "clinical_base", "rural", "heating", "sex_age", "density")
"""The columns of providers.csv, as SCHEDULE_TOML declares them."""


@dataclass(frozen=True, slots=True)
class DemoGroup:
    """A group; weights in ten-thousandths."""

    drg_code: str
    name: str
    weight_e4: int
    child_weight_e4: int | None
    planned_days: int | None
    flag: str
    component_profile: str


@dataclass(frozen=True, slots=True)
class DemoEdition:
    """What one edition says beside its groups and providers."""

    id: str
    title: str
    published: date
    start: date
    base_rate: str
    rate_rise_percent: int
    """How much more services cost than in the first edition."""


EDITIONS = (
    DemoEdition(
        id="kz-demo",
        title="SYNTHETIC demonstration schedule, first edition: made-up numbers in a fund's shape",
        published=date(2024, 12, 26),
        start=date(2025, 1, 1),
        base_rate="123456.78",
        rate_rise_percent=0,
    ),
    DemoEdition(
        id="kz-demo-2026",
        title="SYNTHETIC demonstration schedule, edition of February 2026 with effect from 1 January: "
        "made-up numbers",
        published=date(2026, 2, 10),
        start=date(2026, 1, 1),
        base_rate="133333.30",
        rate_rise_percent=8,
    ),
)


def _chance(random: Random, percent: int) -> bool:
    return random.randrange(100) < percent


def _weights(random: Random, low_e4: int, high_e4: int) -> int:
    """A weight between the two, the lighter half three times as often as the heavier."""
    middle_e4 = (low_e4 + high_e4) // 2
    return (
        random.randrange(low_e4, middle_e4) if _chance(random, 75) else random.randrange(middle_e4, high_e4)
    )


def _child_weight(random: Random, weight_e4: int) -> int | None:
    roll = random.randrange(100)
    if roll < 3:
        return None
    if roll < 28:
        return weight_e4
    return weight_e4 * random.randrange(70, 160) // 100


def _planned_days(random: Random, weight_e4: int) -> int | None:
    if _chance(random, 2):
        return None
    return min(60, 2 + weight_e4 // 4500 + random.randrange(7))


def chapters() -> Iterator[tuple[str, list[str], list[str], int, int]]:
    """Per chapter: profile, conditions, treatments, the lowest and the highest weight in ten-thousandths."""
    for chapter in re.split(r"\n(?! )", CHAPTERS.strip()):
        heading, _, conditions = chapter.partition("\n")
        profile, low_e4, high_e4, treatments = re.split(r": |[ -]", heading, maxsplit=3)
        named = " ".join(conditions.split()).split("; ")
        yield profile, named, treatments.split("; "), int(low_e4), int(high_e4)


def first_groups(random: Random) -> list[DemoGroup]:
    """The 450 groups of the first edition: 1..380, O01..O30, P001..P040."""
    groups: list[DemoGroup] = []
    for profile, conditions, treatments, low_e4, high_e4 in chapters():
        for condition in conditions:
            for treatment in treatments:
                for grade in GRADES:
                    weight_e4 = _weights(random, low_e4, high_e4)
                    groups.append(
                        DemoGroup(
                            drg_code=str(len(groups) + 1),
                            name=f"{condition}, {treatment}, {grade}",
                            weight_e4=weight_e4,
                            child_weight_e4=_child_weight(random, weight_e4),
                            planned_days=_planned_days(random, weight_e4),
                            flag="infectious" if profile == "infectious" else "",
                            component_profile=profile,
                        )
                    )
    for number, ((name, low_e4, high_e4), state) in enumerate(product(OBSTETRIC, OBSTETRIC_STATES), start=1):
        weight_e4 = _weights(random, low_e4, high_e4)
        days = 3 + random.randrange(8)
        groups.append(
            DemoGroup(f"O{number:02}", f"{name}, {state}", weight_e4, weight_e4, days, "", "obstetric")
        )
    for number, ((name, low_e4, high_e4), state) in enumerate(product(NEONATAL, NEONATAL_STATES), start=1):
        weight_e4 = _weights(random, low_e4, high_e4)
        days = min(90, 3 + weight_e4 // 4000 + random.randrange(6))
        groups.append(
            DemoGroup(f"P{number:03}", f"{name}, {state}", weight_e4, weight_e4, days, "neonatal", "neonatal")
        )
    return [_aimed(group, index) for index, group in enumerate(groups)]


def _aimed(group: DemoGroup, index: int) -> DemoGroup:
    """The group, moved for some groups to a weight at which the order of roundings matters.

    Weights of .2500 and .7500 times 123456.78 end on half a minor unit; weights of .0500, .1500, ... do so
    with 133333.30. Without them a wrong rounding would show in almost no tariff.
    A few groups have no component profile, so that their payment is not split.
    """
    if index % 23 == 5:
        whole_e4 = group.weight_e4 // 10000 * 10000
        group = replace(group, weight_e4=whole_e4 + (2500 if index % 2 else 7500))
    elif index % 23 == 11:
        group = replace(group, weight_e4=group.weight_e4 // 1000 * 1000 + 500)
    if index % 150 == 97:
        group = replace(group, component_profile="")
    return group


def next_groups(random: Random, groups: Sequence[DemoGroup]) -> list[DemoGroup]:
    """The groups a year later: some weights changed, one group removed, one added."""
    later: list[DemoGroup] = []
    for group in groups:
        if group.drg_code == REMOVED_IN_2026:
            continue
        if _chance(random, 12):
            percent = random.choice((88, 92, 95, 97, 103, 105, 110, 118))
            child_e4 = group.child_weight_e4
            group = replace(
                group,
                weight_e4=group.weight_e4 * percent // 100,
                child_weight_e4=None if child_e4 is None else child_e4 * percent // 100,
            )
        later.append(group)
        if group.drg_code == "380":
            later.append(
                DemoGroup(
                    drg_code=ADDED_IN_2026,
                    name="Remote monitoring after injury of several regions, without complications",
                    weight_e4=6150,
                    child_weight_e4=7025,
                    planned_days=5,
                    flag="",
                    component_profile="therapy",
                )
            )
    return later


def components(random: Random) -> list[tuple[str, str, str, str, str]]:
    """Rows of components.csv; the shares of each profile and setting sum to exactly 1."""
    rows: list[tuple[str, str, str, str, str]] = []
    for profile, parts_e4 in PROFILES.items():
        settings = ["", *([BY_SETTING[profile]] if profile in BY_SETTING else [])]
        for care_setting in settings:
            varied_e4 = [part and part + random.randrange(-60, 61) for part in parts_e4]
            if care_setting:
                varied_e4[2] //= 3
            varied_e4[0] += 10000 - sum(varied_e4)
            for (component, capital), part in zip(COMPONENTS, varied_e4, strict=True):
                if part:
                    share = f"0.{part:04}"
                    rows.append((profile, care_setting, component, share, "yes" if capital else "no"))
    return rows


def _decimal(units: int, places: int) -> str:
    return f"{units // 10**places}.{units % 10**places:0{places}}"


def _long_coefficient(random: Random, places: int) -> str:
    """A coefficient between 1 and 1.2 with that many decimals, the last not zero."""
    return _decimal(10**places + random.randrange(2 * 10 ** (places - 1)) // 10 * 10 + 3, places)


def provider_ids(random: Random, count: int = 600) -> list[str]:
    """``H001-R07``: the hospital's number and its region."""
    return [f"H{number:03}-R{random.randrange(1, 21):02}" for number in range(1, count + 1)]


def providers(ids: Sequence[str], year: int) -> Iterator[tuple[str, ...]]:
    """Rows of providers.csv: coefficients in force in the year, the last period of most open-ended.

    What a provider is (rural, a clinical base, heated in winter) stays so from year to year; regional
    coefficients move. Most combined coefficients have up to 10 decimals, one provider in 12 has 24 and one
    in 40 has 31, which is as many as one may have: a tariff times such a coefficient needs more than 64, and
    more than 128 bits. Some providers begin late, end early or have a gap, so that a date can be without a
    coefficient.
    """
    of_regions = Random(SEED)  # noqa: S311  repeatable on purpose
    regions = [f"R{number:02}" for number in range(1, 21)]
    regional_e4 = {region: 10000 + of_regions.randrange(1800) for region in regions}
    polluted = set(of_regions.sample(regions, 5))
    cold = set(of_regions.sample(regions, 12))
    spring, summer, autumn = date(year, 4, 15), date(year, 7, 1), date(year, 10, 15)
    for provider_id in ids:
        own = Random(f"{SEED}/{provider_id}")  # noqa: S311
        number, region = int(provider_id[1:4]), provider_id.rpartition("-")[2]
        regional = _decimal(regional_e4[region] + 50 * (year - 2025), 4)
        ecological = own.choice(("1.05", "1.1", "1.15")) if region in polluted else "1"
        clinical_base = own.choice(("1.05", "1.1")) if _chance(own, 15) else "1"
        if number % 40 == 7:
            regional, ecological, clinical_base = (_long_coefficient(own, places) for places in (11, 10, 10))
        elif number % 12 == 1:
            regional, ecological, clinical_base = (_long_coefficient(own, 8) for _ in range(3))
        rural = "1.25" if _chance(own, 30) else "1"
        heated = own.choice(("1.02", "1.035", "1.0475"))
        usual = (regional, ecological, clinical_base, rural, "1")
        start, end = date(year, 1, 1), None
        if number % 50 == 17:
            start = own.choice((date(year, 2, 1), date(year, 3, 1)))
        if number % 50 == 33:
            end = own.choice((date(year, 5, 1), date(year, 6, 1), date(year, 11, 1)))
        periods: list[tuple[date, date | None, tuple[str, ...]]]
        if number % 150 == 41:  # closed for repairs in March: a gap between two periods
            periods = [(start, date(year, 3, 1), usual), (date(year, 4, 1), None, usual)]
        elif region in cold:
            winter = (*usual[:-1], heated)
            periods = [(start, spring, winter), (spring, autumn, usual), (autumn, None, winter)]
        elif _chance(own, 30):
            raised = (*usual[:3], "1.3" if rural == "1.25" else "1.01", "1")
            periods = [(start, summer, usual), (summer, None, raised)]
        else:
            periods = [(start, None, usual)]
        for first, last, coefficients in periods:
            cut = last if end is None else min(end, last or end)
            if cut is None or first < cut:
                attached = (_decimal(900 + 7 * number % 250, 3), _decimal(1000 + 13 * number % 150, 3))
                if number % 40 == 7:  # all that multiply may have 32 decimals together
                    attached = ("1", "1")
                yield (provider_id, str(first), "" if cut is None else str(cut), *coefficients, *attached)


SERVICES = """
BD-101 | Rehabilitation after stroke, bed-day        | bed_day      |           |  21432.17 | -01-01 |
BD-102 | Rehabilitation of a new joint, bed-day      | bed_day      |           |  19876.51 | -01-01 |
BD-103 | Palliative care, bed-day                    | bed_day      |           |  15234.69 | -01-01 | -09-01
BD-103 | Palliative care, bed-day                    | bed_day      |           |  16111.13 | -09-01 |
BD-103 | Palliative care, bed-day at home            | bed_day      | home      |   3987.45 | -01-01 |
S-1001 | Consultation of a general practitioner      | service      |           |   2111.33 | -01-01 |
S-1002 | Consultation of a specialist                | service      |           |   2635.37 | -01-01 |
S-1003 | Consultation of a council of doctors        | service      | inpatient |   7777.75 | -01-01 |
S-2001 | Ultrasound examination                      | service      |           |   4321.99 | -01-01 |
S-2002 | Computed tomography                         | service      |           |  18765.47 | -01-01 |
S-2003 | Magnetic resonance tomography               | service      |           |  27654.33 | -01-01 |
S-2004 | Positron emission tomography                | service      |           | 154321.01 | -04-01 |
S-3001 | General blood count                         | service      |           |    987.65 | -01-01 |
S-3002 | Biochemical panel                           | service      |           |   3456.79 | -01-01 |
S-4001 | Session of hemodialysis                     | service      |           |  31234.57 | -01-01 |
RC-01  | Consultation in the reception ward  | service | reception_observation | 5678.91 | -01-01 |
AC-01  | Treatment of tuberculosis, average cost     | average_case |           | 812345.67 | -01-01 |
AC-02  | Rehabilitation of a child, average cost     | average_case |           | 345678.91 | -01-01 |
IT-01  | Implant at what it has cost                 | item         |           |           | -01-01 |
C-01   | Ambulance call, doctor's team               | call         |           |  13456.71 | -01-01 |
C-02   | Ambulance call, paramedics' team            | call         |           |   9988.77 | -01-01 |
PM-01  | Ambulance, one person for a month           | person_month |           |    345.67 | -01-01 |
PM-02  | Primary care, one attached person for a month | person_month |           |   1456.73 | -01-01 |
PM-03  | School medicine, one pupil for a month      | person_month |           |    412.37 | -01-01 |
"""
"""Code, name, unit, care setting with a rate of its own, rate of the first edition, from and until which day
of the edition's year. One rate changes in the year, one service starts later."""

METHODS = {"S-4001": "hemodialysis", "RC-01": "reception_consultation"}
"""Payment methods of services that are not paid by the method of their unit."""
PLANNED_DAYS = {"AC-01": "28", "AC-02": "14"}
"""Of cases at an average cost."""


def services(edition: DemoEdition) -> list[tuple[str, ...]]:
    """Rows of services.csv."""
    rows: list[tuple[str, ...]] = []
    for line in SERVICES.strip().splitlines():
        code, name, unit, care_setting, rate, start, end = (cell.strip() for cell in line.split("|"))
        raised = round_to_places(Fraction(rate or 0) * (100 + edition.rate_rise_percent) / 100, 2)
        shown = format_minor(int(raised * 100), 2) if rate else ""
        dates = (f"{edition.start.year}{day}" if day else "" for day in (start, end))
        rows.append(
            (
                code,
                name,
                unit,
                care_setting,
                shown,
                *dates,
                SOURCE,
                METHODS.get(code, ""),
                PLANNED_DAYS.get(code, ""),
            )
        )
    return rows


FACTORS = (
    ("service", "home_visit", "2"),
    ("service", "remote", "1/2"),
    ("service", "child_preventive", "0.5"),
    ("call", "second_patient", "1/3"),
    ("person_month", "uninsured", "0.90"),
)
DECEMBER_FACTOR = ("person_month", "no_visit_all_year", "0.8")
"""For a person who came for nothing all year, which is known in December."""


def factors(edition: DemoEdition) -> list[tuple[str, ...]]:
    """Rows of factors.csv."""
    year = edition.start.year
    always = [(*row, SOURCE, "", "") for row in FACTORS]
    return [*always, (*DECEMBER_FACTOR, SOURCE, f"{year}-12-01", f"{year + 1}-01-01")]


def published(
    edition: DemoEdition, groups: Sequence[DemoGroup], service_rows: Sequence[tuple[str, ...]]
) -> Iterator[tuple[str, ...]]:
    """Rows of published.csv: what an order would print, worked out from the rule in exact fractions."""
    base_rate = Fraction(edition.base_rate)

    def row(code: str, care_setting: str, age_class: str, weight_e4: int) -> tuple[str, ...]:
        weight = Fraction(weight_e4, 10000)
        if care_setting == "day_hospital":
            weight = round_to_places(weight * Fraction("0.40"), 4)
        tariff = round_to_places(weight * base_rate, 2)
        if care_setting == "home":
            tariff = round_to_places(tariff * Fraction(1, 6), 2)
        elif care_setting == "reception_observation":
            tariff = round_to_places(tariff * Fraction("0.67"), 2)
        return (
            code,
            care_setting,
            age_class,
            _decimal(int(weight * 10000), 4),
            format_minor(int(tariff * 100), 2),
            SOURCE,
        )

    shown = [group for index, group in enumerate(groups) if index % 23 in (5, 11)]
    for index, group in enumerate(shown):
        yield row(group.drg_code, "inpatient", "adult", group.weight_e4)
        yield row(group.drg_code, "day_hospital", "adult", group.weight_e4)
        if index % 4 == 0:
            yield row(group.drg_code, "home", "adult", group.weight_e4)
        if index % 4 == 1:
            yield row(group.drg_code, "reception_observation", "adult", group.weight_e4)
        if group.child_weight_e4 not in (None, group.weight_e4):
            yield row(group.drg_code, "inpatient", "child", group.child_weight_e4 or 0)
    for code, _, _, _, rate, *_ in service_rows[:2]:
        yield code, "inpatient", "adult", "", rate, SOURCE
        for care_setting, share in (("day_hospital", Fraction("0.40")), ("home", Fraction(1, 6))):
            tariff = round_to_places(Fraction(rate) * share, 2)
            yield code, care_setting, "adult", "", format_minor(int(tariff * 100), 2), SOURCE


SCHEDULE_TOML = Template("""\
# Synthetic: every number is made up. Written by tariffcore.demo_schedule; do not edit by hand.
id = "$id"
tariff_family = "kz-demo"
model = "case-share"
title = "$title"
synthetic = true
country = "KZ"
currency = "KZT"
minor_units = 2
published = $published
effective_start_date = $start
child_age_limit = 18
day_count = "discharge_minus_admission"
base_rate = { amount = "$base_rate", source = "synthetic: made up for demonstration" }

[vocabulary]
care_settings = ["inpatient", "day_hospital", "home", "reception_observation", "outpatient"]
outcomes = ["discharged", "transferred", "self_discharged", "died"]
drg_flags = ["neonatal", "infectious"]

[rounding]
mode = "half_up"
weight_places = 4
tariff_places = 2
unit_places = 2

[[share]]
unit = "case"
care_setting = "inpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "case"
care_setting = "day_hospital"
share = "0.40"
applies_to = "weight"
method = "day_hospital_case"
source = "synthetic"
  [[share.exception]]
  id = "day_hospital.surgical"
  procedures = [
    "13.73", "13.7301", "14.74", "14.75", "11.39", "14.9001",
    "09.83", "09.81", "12.5901", "12.73", "41.31", "41.98",
  ]
  share = "0.75"
  applies_to = "weight"
  source = "synthetic"
  [[share.exception]]
  id = "day_hospital.coronary_arteriography"
  procedures = ["88.55", "88.56", "88.57"]
  share = "0.75"
  applies_to = "weight"
  source = "synthetic"

[[share]]
unit = "case"
care_setting = "home"
share = "1/6"
applies_to = "tariff"
method = "home_case"
source = "synthetic"

[[share]]
unit = "case"
care_setting = "reception_observation"
share = "0.67"
applies_to = "tariff"
max_hours = 24
method = "reception_observation"
source = "synthetic"

[[share]]
unit = "bed_day"
care_setting = "inpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "bed_day"
care_setting = "day_hospital"
share = "0.40"
applies_to = "tariff"
source = "synthetic"

[[share]]
unit = "bed_day"
care_setting = "home"
share = "1/6"
applies_to = "tariff"
source = "synthetic"

[[share]]
unit = "service"
care_setting = "outpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "service"
care_setting = "day_hospital"
share = "1"
source = "synthetic"

[[share]]
unit = "call"
care_setting = "outpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "person_month"
care_setting = "outpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "average_case"
care_setting = "inpatient"
share = "1"
source = "synthetic"

[[share]]
unit = "average_case"
care_setting = "day_hospital"
share = "0.40"
applies_to = "tariff"
source = "synthetic"

[[share]]
unit = "item"
care_setting = "inpatient"
share = "1"
source = "synthetic"

[[addon]]
kind = "biologic_therapy"
unit = "case"
care_settings = ["inpatient", "day_hospital"]
component = "medicines_and_consumables"
source = "synthetic"

[[addon]]
kind = "actual_cost"
unit = "item"
source = "synthetic"

[[stay_rule]]
id = "interrupted"
outcomes = ["transferred", "self_discharged"]
max_days = 3
pay = "per_planned_day"
source = "synthetic"
  [[stay_rule.exemption]]
  outcomes = ["self_discharged"]
  drg_flags = ["infectious"]
  source = "synthetic"

[[stay_rule]]
id = "average_case_cut_short"
unit = "average_case"
outcomes = ["transferred", "self_discharged"]
pay = "per_planned_day"
source = "synthetic"

[[stay_rule]]
id = "early_unavoidable_death"
outcomes = ["died"]
death_unavoidable = true
max_days = 3
pay = "share"
share = "1/2"
source = "synthetic"
  [[stay_rule.exemption]]
  drg_flags = ["neonatal"]
  source = "synthetic"

[[coefficient]]
name = "regional"
mode = "multiplies"
source = "synthetic"

[[coefficient]]
name = "ecological"
mode = "multiplies"
source = "synthetic"

[[coefficient]]
name = "clinical_base"
mode = "multiplies"
source = "synthetic"

[[coefficient]]
name = "rural"
mode = "adds"
source = "synthetic"

[[coefficient]]
name = "heating"
mode = "adds"
source = "synthetic"

[[coefficient]]
name = "sex_age"
mode = "multiplies"
units = ["person_month"]
source = "synthetic"

[[coefficient]]
name = "density"
mode = "multiplies"
units = ["person_month"]
source = "synthetic"
""")
"""The rules, the same in both editions, in the shape of the fund they imitate."""


def schedule_toml(edition: DemoEdition) -> str:
    """schedule.toml of an edition."""
    rules = SCHEDULE_TOML.substitute(
        id=edition.id,
        title=edition.title,
        published=edition.published,
        start=edition.start,
        base_rate=edition.base_rate,
    )
    return rules + POLICY_TOML


def _csv_text(header: str, rows: Iterator[tuple[str, ...]] | Sequence[tuple[str, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header.split(","))
    writer.writerows(rows)
    return text.getvalue()


def _group_row(group: DemoGroup) -> tuple[str, ...]:
    child_e4 = group.child_weight_e4
    return (
        group.drg_code,
        group.name,
        _decimal(group.weight_e4, 4),
        "" if child_e4 is None else _decimal(child_e4, 4),
        "" if group.planned_days is None else str(group.planned_days),
        group.flag,
        group.component_profile,
        SOURCE,
    )


def demo_conditions() -> list[Condition]:
    """The 95 conditions of the chapters, in the order of their groups."""
    return [
        Condition(number, name, profile, tuple(treatments))
        for number, (profile, name, treatments) in enumerate(
            (profile, name, treatments) for profile, names, treatments, _, _ in chapters() for name in names
        )
    ]


def demo_files() -> dict[str, dict[str, str]]:
    """The text of every file of both folders: folder -> file name -> text. The same at every call."""
    random = Random(SEED)  # noqa: S311  repeatable on purpose
    groups = first_groups(random)
    groups_by_edition = [groups, next_groups(random, groups)]
    ids = provider_ids(random)
    # A year later two hospitals are closed and three are new.
    later_ids = [
        *(provider_id for provider_id in ids if not provider_id.startswith(("H113", "H598"))),
        "H601-R03",
        "H602-R11",
        "H603-R19",
    ]
    component_rows = components(random)
    folders: dict[str, dict[str, str]] = {}
    for edition, edition_groups, edition_ids in zip(
        EDITIONS, groups_by_edition, (ids, later_ids), strict=True
    ):
        service_rows = services(edition)
        folders[edition.id] = {
            "schedule.toml": schedule_toml(edition),
            "groups.csv": _csv_text(
                "drg_code,name,relative_weight,relative_weight_child,planned_days,flags,component_profile,source",
                [_group_row(group) for group in edition_groups],
            ),
            "published.csv": _csv_text(
                "drg_code,care_setting,age_class,published_weight,published_tariff,source",
                published(edition, edition_groups, service_rows),
            ),
            "providers.csv": _csv_text(
                "provider_id,effective_start_date,effective_end_date," + ",".join(COEFFICIENTS),
                providers(edition_ids, edition.start.year),
            ),
            "components.csv": _csv_text(
                "component_profile,care_setting,component,share,capital", component_rows
            ),
            "services.csv": _csv_text(
                "code,name,unit,care_setting,rate,effective_start_date,effective_end_date,source,method,planned_days",
                service_rows,
            ),
            "factors.csv": _csv_text(
                "unit,factor_code,factor,source,effective_start_date,effective_end_date", factors(edition)
            ),
            "grouping_rules.csv": _csv_text(
                RULES_HEADER,
                rule_rows(
                    demo_conditions(),
                    [group.drg_code for group in edition_groups],
                    ADDED_IN_2026,
                    later=edition is not EDITIONS[0],
                ),
            ),
            "grouping_codes.csv": _csv_text(CODES_HEADER, code_rows(demo_conditions())),
        }
    return folders


def write_demo(directory: Path) -> list[Path]:
    """Writes both folders under the directory; returns the files written."""
    written: list[Path] = []
    for folder, files in demo_files().items():
        (directory / folder).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = directory / folder / name
            path.write_bytes(text.encode())
            written.append(path)
    return written


def main(arguments: Sequence[str]) -> int:
    """Writes the folders under the one directory named."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print("usage: python -m tariffcore.demo_schedule DIR", file=sys.stderr)
        return 2
    try:
        written = write_demo(Path(arguments[0]))
    except OSError as error:
        print(f"{error.filename}: {error.strerror}; name a directory that can be written", file=sys.stderr)
        return 2
    print(f"{len(written)} files written")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
