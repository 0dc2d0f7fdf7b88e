"""Aimed generators of grouping rules and of cases for them: few codes, few weights, so that rules meet.

Codes lie at both ends of ranges and just beside them; weights and priorities tie on purpose; fields that
rules ask for are missing as often as not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from tariffcore.cases import Case
from tariffcore.codes import normalise_diagnosis, normalise_procedure
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.grouping_model import (
    Band,
    CodeRange,
    Grouping,
    GroupingPolicy,
    GroupingRule,
    PolicyKind,
    RuleKind,
    Sex,
)
from tariffcore.schedule.model import DayCount, Schedule
from tests.small_schedule import SMALL, group
from tests.strategies import Choices

DIAGNOSES = (
    *(
        "A40",
        "A40.0",
        "A40.1",
        "A40.9",
        "A41",
        "A41.9",
        "A41.90",
        "A42",
        "I10",
        "O67.8",
        "O80",
        "P07.0",
        "P07.1",
    ),
    *("Z99.9", "A39", "B00"),
)
SPELLED = (
    "А40.0",
    " a40.1 ",
    "A419",
    "A41,9",
    "І10",
    "P07.0†",
    "o678",
    "A4O.0",
    "junk",
    "40.0",
    "П07.0",
    "A40.-",
)
"""Mended, or no code at all: with Cyrillic letters, without a point, with a letter for a digit."""
PROCEDURES = ("13.7", "13.73", "13.7301", "9.83", "09.83", "74.1", "74.4", "74.99", "1373", "1З.73", "x")
QUALIFIERS = ("blood_loss_over_1_litre", "infection_active", "extra_costs")
SETTINGS, OUTCOMES = SMALL.care_settings, SMALL.outcomes


def code_range(text: str, normalise=normalise_diagnosis) -> CodeRange:
    """A condition as the table reads it."""
    if text.endswith("*"):
        prefix = normalise(text[:-1])
        return CodeRange(prefix, prefix + "~", text)
    first, dash, last = text.partition("-")
    low = normalise(first)
    return CodeRange(low, normalise(last) + "~" if dash else low + "\0", text)


def _diagnoses(choices: Choices) -> tuple[CodeRange, ...]:
    texts = []
    for _ in range(choices.pick([1, 1, 1, 2, 3])):
        first, last = sorted((choices.pick(DIAGNOSES), choices.pick(DIAGNOSES)))
        texts.append(choices.pick([first, first, f"{first[:3]}*", f"{first[0]}*", f"{first}-{last}"]))
    return tuple(code_range(text) for text in dict.fromkeys(texts))


def _procedures(choices: Choices) -> tuple[CodeRange, ...]:
    texts = []
    for _ in range(choices.pick([1, 1, 2])):
        first, last = sorted((choices.pick(PROCEDURES[:8]), choices.pick(PROCEDURES[4:8])))
        first = "09.83" if first == "9.83" else first
        texts.append(choices.pick([first, first, f"{first[:4]}*", f"{first}-{last}"]))
    return tuple(code_range(text, normalise_procedure) for text in dict.fromkeys(texts))


def _band(choices: Choices, values: tuple[int, ...]) -> Band | None:
    if not choices.one_in(4):
        return None
    low, high = sorted((choices.pick(values), choices.pick(values)))
    return choices.pick([Band(low, high), Band(None, high), Band(low, None)])


def _words(choices: Choices, words: tuple[str, ...]) -> frozenset[str]:
    return frozenset({choices.pick(words), choices.pick(words)}) if choices.one_in(6) else frozenset()


def build_rule(choices: Choices, number: int, drg_codes: list[str]) -> GroupingRule:
    kind = choices.pick(["diagnosis", "diagnosis", "procedure", "procedure", "both", "neither"])
    return GroupingRule(
        rule_id=f"r{number}",
        drg_code=choices.pick(drg_codes),
        priority=choices.pick([1, 1, 1, 2, 3]),
        principal_diagnoses=_diagnoses(choices) if kind in ("diagnosis", "both") else (),
        procedures=_procedures(choices) if kind in ("procedure", "both") else (),
        secondary_diagnoses=_diagnoses(choices) if choices.one_in(5) else (),
        excluded_secondary_diagnoses=_diagnoses(choices) if choices.one_in(5) else (),
        age_years=_band(choices, (0, 1, 17, 18, 19, 130)),
        age_days=_band(choices, (0, 27, 28, 364)) if choices.one_in(3) else None,
        sex=choices.pick([None, None, None, None, Sex.FEMALE, Sex.MALE]),
        birth_weight_grams=_band(choices, (100, 749, 750, 751, 8000)) if choices.one_in(2) else None,
        outcomes=_words(choices, OUTCOMES),
        length_of_stay_days=_band(choices, (0, 1, 2, 3, 32_767)) if choices.one_in(3) else None,
        care_settings=_words(choices, SETTINGS),
        qualifiers=_words(choices, QUALIFIERS),
        source="made for a test",
        line=number + 2,
    )


def build_grouped_schedule(choices: Choices, schedule_id: str = "drawn") -> Schedule:
    """An edition whose groups often weigh the same, with up to twenty rules."""
    groups = {}
    for number in range(choices.integer(2, 6)):
        weight = choices.pick(["1", "1", "2", "3"])
        child = choices.pick(["same", "same", "1", "2", None])
        groups[f"G{number}"] = group(f"G{number}", weight, child, flags=choices.pick([(), ("neonatal",)]))
    policy = choices.pick([PolicyKind.HEAVIEST, PolicyKind.HEAVIEST, PolicyKind.FIRST_MATCH])
    tie = choices.pick(list(RuleKind)) if policy is PolicyKind.HEAVIEST else RuleKind.DIAGNOSIS
    listed = {normalise_diagnosis(code): code for code in DIAGNOSES if choices.integer(0, 9)}
    grouping = Grouping(
        GroupingPolicy(policy, tie, "made for a test"),
        tuple(build_rule(choices, number, list(groups)) for number in range(choices.integer(1, 20))),
        listed if choices.one_in(3) else None,
        {normalise_procedure(code): code for code in PROCEDURES[:6]} if choices.one_in(4) else None,
        QUALIFIERS,
    )
    return replace(
        SMALL,
        id=schedule_id,
        day_count=choices.pick(list(DayCount)),
        child_age_limit=choices.pick([18, 18, 1]),
        groups=groups,
        grouping=grouping,
        providers=None,
        coefficients=(),
        components=(),
        published_tariffs=(),
    )


def build_ungrouped_case(choices: Choices, case_id: str) -> Case:
    """Most cases are sound, so that their groups are compared and not the complaints about their fields."""
    is_sound = not choices.one_in(4)
    admission = date(2025, 3, 1)
    anywhere = (*DIAGNOSES, *DIAGNOSES, *SPELLED)

    def pick(sound: list, faulty: list):
        return choices.pick(sound if is_sound else [*sound, *faulty])

    age_years = pick([None, None, 0, 0, 1, 17, 18, 19, 130], [131])
    age_days = pick([None, None, None, 0, 27, 28, 364, 365, 366, 6575, 47_483], [47_946])
    if is_sound and age_years is not None and age_days is not None:
        age_days = choices.pick([age_years * 366, age_years * 366 + 27]) if age_years else min(age_days, 364)
    return Case(
        case_id=case_id,
        care_setting=pick([*SETTINGS[:3], "inpatient", "inpatient"], ["elsewhere"]),
        admission_date=admission,
        discharge_date=admission + timedelta(days=pick([0, 1, 1, 2, 3, 4, 400], [-1])),
        outcome=pick([*OUTCOMES, "discharged"], ["lost", None]),
        death_unavoidable=choices.pick([None, True, False]),
        age_years=age_years,
        procedure_codes=tuple(choices.pick(PROCEDURES) for _ in range(choices.pick([0, 0, 1, 2, 5, 9]))),
        principal_diagnosis=pick([*anywhere], [None]),
        secondary_diagnoses=tuple(choices.pick(anywhere) for _ in range(choices.pick([0, 0, 1, 2, 10]))),
        sex=pick([None, "female", "male", "female", "male"], ["unclear"]),
        birth_weight_grams=pick([None, None, 100, 749, 750, 751, 8000], [99, 9000]),
        age_days=age_days,
        qualifiers=tuple(
            pick([*QUALIFIERS, *QUALIFIERS], ["unheard_of"]) for _ in range(choices.pick([0, 0, 1, 2]))
        ),
    )


def grouped_catalog(choices: Choices) -> Catalog:
    """One edition, or two of which the second replaces the first for some days."""
    first = build_grouped_schedule(choices, "first")
    editions = [first]
    if choices.one_in(3):
        second = build_grouped_schedule(choices, "second")
        if choices.one_in(3):
            second = replace(second, grouping=None)
        editions.append(replace(second, published=date(2025, 1, 15), effective_start_date=date(2025, 3, 3)))
    return Catalog.of(editions, as_of=None, deciding_date=DecidingDate.DISCHARGE)
