"""Grouping rules for the synthetic schedules, made with the rest of them by `tariffcore.demo_schedule`.

Nothing is drawn at random: a group's rule follows from its place.  Codes have the form of ICD-10 and ICD-9-CM
and stand in the chapter where such a condition would, but which code leads to which group is made up.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

SOURCE = "synthetic"

QUALIFIERS = ("blood_loss_over_1_litre", "infection_active", "haemoglobin_69_and_below", "extra_costs")

RULES_HEADER = (
    "rule_id,drg_code,priority,principal_diagnosis,procedures,secondary_diagnoses,excluded_secondary_diagnoses,"
    "age_years,age_days,sex,birth_weight_grams,outcomes,length_of_stay_days,care_settings,qualifiers,source"
)
CODES_HEADER = "system,code,name"

POLICY_TOML = """
[grouping]
policy = "heaviest"
tie = "diagnosis"
qualifiers = ["blood_loss_over_1_litre", "infection_active", "haemoglobin_69_and_below", "extra_costs"]
source = "synthetic"
"""

COMPLICATIONS = "D65;I26*;J96*;N17*;R57*;T80-T81"
"""Secondary diagnoses that make a case one with complications."""

FIRST_CATEGORIES = (
    *("A00", "C00", "D50", "E00", "F00", "G00", "H00", "H60", "I00", "J00"),
    *("K00", "K50", "L00", "M00", "N00", "N70", "Z40", "Z70", "T00"),
)
"""Where the diagnoses of each chapter begin; each of its five conditions has the next three categories."""
CATEGORIES_OF_A_CONDITION = 3

BY_LENGTH_OF_STAY = frozenset({"psychiatric", "rehabilitation"})
"""Profiles whose second treatment is a longer stay and no procedure."""

UNCOVERED = ("R50", "R51", "R52", "R53", "R54")
"""Categories in use that no rule lists: symptoms are no reason to be in hospital."""

MOVED_IN_2026 = 23
"""The number of the condition, of all 95, whose last category goes to the condition after it a year later."""

ADDED_GROUP_RULE = ("Z95*", "home")
"""Of the group added in 2026: its diagnosis and its care setting."""

NEONATAL_BANDS = ("-999", "1000-1499", "1500-2499", "2500-")
SURVIVING = "discharged;self_discharged"


class Conditions(NamedTuple):
    """What a rule asks for, cell by cell."""

    principal_diagnosis: str = ""
    procedures: str = ""
    secondary_diagnoses: str = ""
    excluded_secondary_diagnoses: str = ""
    age_years: str = ""
    age_days: str = ""
    sex: str = ""
    birth_weight_grams: str = ""
    outcomes: str = ""
    length_of_stay_days: str = ""
    care_settings: str = ""
    qualifiers: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """One of the conditions of the chapters: its name, its profile and its codes."""

    number: int
    name: str
    profile: str
    treatments: tuple[str, ...]

    @property
    def categories(self) -> tuple[str, ...]:
        chapter, place = divmod(self.number, 5)
        first = FIRST_CATEGORIES[chapter]
        start = int(first[1:]) + place * CATEGORIES_OF_A_CONDITION
        return tuple(f"{first[0]}{start + step:02}" for step in range(CATEGORIES_OF_A_CONDITION))

    @property
    def procedures(self) -> str:
        """The first two digits and the third: ``41.2`` and all under it."""
        return f"{1 + self.number // 5 * 4}".zfill(2) + f".{self.number % 5}"


def diagnoses_of(condition: Condition, conditions: Sequence[Condition], *, later: bool) -> str:
    """The categories of a condition, as a rule writes them."""
    own = list(condition.categories)
    if later and condition.number == MOVED_IN_2026:
        own = own[:-1]
    if later and condition.number == MOVED_IN_2026 + 1:
        own = [conditions[MOVED_IN_2026].categories[-1], *own]
    return ";".join(f"{category}*" for category in own)


def _of_conditions(conditions: Sequence[Condition], *, later: bool) -> Iterator[tuple[str, Conditions]]:
    """Two treatments of each condition, each with and without complications, in the order of the groups."""
    number = 0
    for condition in conditions:
        for treatment in range(len(condition.treatments)):
            for complicated in (False, True):
                number += 1
                asked = Conditions(
                    secondary_diagnoses=COMPLICATIONS if complicated else "",
                    excluded_secondary_diagnoses="" if complicated else COMPLICATIONS,
                )
                diagnoses = diagnoses_of(condition, conditions, later=later)
                if condition.profile in BY_LENGTH_OF_STAY:
                    stay = "15-" if treatment else "-14"
                    asked = asked._replace(principal_diagnosis=diagnoses, length_of_stay_days=stay)
                elif treatment:
                    asked = asked._replace(procedures=f"{condition.procedures}*")
                else:
                    asked = asked._replace(principal_diagnosis=diagnoses)
                if condition.name in ("Growth of the womb", "Ovarian cyst", "Prolapse"):
                    asked = asked._replace(sex="female")
                elif condition.name == "Disorder of the prostate":
                    asked = asked._replace(sex="male")
                elif condition.name == "Dementia":
                    asked = asked._replace(age_years="18-")
                yield str(number), asked


def _obstetric() -> Iterator[Conditions]:
    """Five kinds of care in six states each, in the order of the groups."""
    kinds = (
        Conditions(principal_diagnosis="O80*;O81*;O83*", sex="female"),
        Conditions(principal_diagnosis="O82*;O84*", procedures="74.0-74.4", sex="female"),
        Conditions(principal_diagnosis="O47*;O60*", sex="female"),
        Conditions(principal_diagnosis="O10-O16", sex="female"),
        Conditions(principal_diagnosis="O85-O92", sex="female"),
    )
    for kind in kinds:
        yield kind._replace(excluded_secondary_diagnoses="O20-O30;O67*;O88*;O98*;O99*;R57*")
        yield kind._replace(secondary_diagnoses="O20-O29")
        yield kind._replace(secondary_diagnoses="O98*;O99*")
        yield kind._replace(secondary_diagnoses="O30*")
        yield kind._replace(secondary_diagnoses="O67*", qualifiers="blood_loss_over_1_litre")
        yield kind._replace(secondary_diagnoses="O88*;R57*")


def _neonatal() -> Iterator[Conditions]:
    """Four bands of birth weight in ten states each, in the order of the groups."""
    for band in NEONATAL_BANDS:
        newborn = Conditions(age_days="0-27", birth_weight_grams=band)
        surviving = newborn._replace(outcomes=SURVIVING)
        yield surviving._replace(procedures="93.9*;96.7*")
        yield surviving._replace(principal_diagnosis="P05-P08")
        yield surviving._replace(procedures="31.1-54.9", principal_diagnosis="P00-P96;Q00-Q99")
        yield surviving._replace(principal_diagnosis="P35-P39")
        yield surviving._replace(principal_diagnosis="P55-P59")
        yield surviving._replace(principal_diagnosis="Q20-Q28")
        yield surviving._replace(principal_diagnosis="P00-P04;P10-P29;P50-P54;P60-P96")
        yield newborn._replace(outcomes="died", length_of_stay_days="-7")
        yield newborn._replace(outcomes="died", length_of_stay_days="8-")
        yield newborn._replace(outcomes="transferred")


def rule_rows(
    conditions: Sequence[Condition], drg_codes: Sequence[str], added: str, *, later: bool
) -> Iterator[tuple[str, ...]]:
    """Rows of grouping_rules.csv for the groups of an edition; ``later``: of the second one."""
    rules = dict(_of_conditions(conditions, later=later))
    rules |= {f"O{number:02}": asked for number, asked in enumerate(_obstetric(), start=1)}
    rules |= {f"P{number:03}": asked for number, asked in enumerate(_neonatal(), start=1)}
    diagnosis, setting = ADDED_GROUP_RULE
    rules[added] = Conditions(principal_diagnosis=diagnosis, care_settings=setting)
    for drg_code in drg_codes:
        yield f"R-{drg_code}", drg_code, "", *rules[drg_code], SOURCE


def code_rows(conditions: Sequence[Condition]) -> Iterator[tuple[str, ...]]:
    """Rows of grouping_codes.csv: every category in use with ten codes under it, and the procedures."""
    named: dict[str, str] = {}
    for condition in conditions:
        named |= dict.fromkeys(condition.categories, condition.name)
    named |= {
        f"O{number:02}": "Pregnancy and birth" for number in (*range(10, 31), 47, 60, 67, *range(80, 100))
    }
    named |= {f"P{number:02}": "Disorder of a newborn" for number in range(97)}
    named |= {f"Q{number:02}": "Malformation" for number in range(100)}
    for category in ("D65", "I26", "J96", "N17", "R57", "T80", "T81"):
        named.setdefault(category, "Complication")
    named.setdefault("Z95", "Remote monitoring")
    named |= dict.fromkeys(UNCOVERED, "Symptom")
    for category in sorted(named):
        yield "diagnosis", category, named[category]
        for digit in range(10):
            yield "diagnosis", f"{category}.{digit}", ""
    for condition in conditions:
        for digit in range(10):
            yield "procedure", f"{condition.procedures}{digit}", ""
    others = (
        [f"31.{n}" for n in range(1, 10)]
        + [f"54.{n}" for n in range(1, 10)]
        + ["74.0", "74.1", "74.2", "74.4"]
    )
    taken = {condition.procedures for condition in conditions}
    for code in (*others, "93.90", "93.91", "96.70", "96.71", "96.72", "13.73", "88.55", "88.56", "88.57"):
        if code not in taken and code[:4] not in taken:
            yield "procedure", code, ""
