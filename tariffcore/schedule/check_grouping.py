"""Whether the grouping rules fit the rest of the edition, and whether each of them can ever decide."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from tariffcore.errors import Problem
from tariffcore.schedule.grouping_model import Band, CodeRange, Grouping, GroupingRule
from tariffcore.schedule.limits import MAX_GROUPING_RULES
from tariffcore.schedule.model import AgeClass
from tariffcore.schedule.reading import (
    GROUPING_CODES_CSV,
    GROUPING_RULES_CSV,
    GROUPS_CSV,
    SCHEDULE_TOML,
    Part,
    Reading,
)
from tariffcore.schedule.rule_index import CodeClasses
from tariffcore.schedule.rule_ranking import ranks
from tariffcore.schedule.values import instead_of, words_outside

MAX_VOCABULARY_OF_RULES = 64
"""Care settings and outcomes that rules can tell apart: one bit each."""

_CONDITIONS = (
    "principal_diagnosis",
    "procedures",
    "secondary_diagnoses",
    "excluded_secondary_diagnoses",
    "age_years",
    "age_days",
    "sex",
    "birth_weight_grams",
    "outcomes",
    "length_of_stay_days",
    "care_settings",
    "qualifiers",
)


def check_presence(reading: Reading) -> Iterator[Problem]:
    """Rules have a policy, a policy rules, and code lists something to be asked for."""
    folder = reading.schedule.folder
    has_rules = GROUPING_RULES_CSV in reading.present
    if has_rules and reading.grouping_policy is None and reading.sound(Part.GROUPING):
        if reading.document is not None:
            yield reading.toml_problem(
                ("grouping",),
                None,
                f"is missing: {GROUPING_RULES_CSV} needs a policy",
                'add a [grouping] table with policy = "heaviest" and tie = "diagnosis", or '
                'policy = "first_match", and its source',
            )
    elif not has_rules and reading.grouping_policy is not None:
        yield reading.toml_problem(
            ("grouping",), None, f"there is no {GROUPING_RULES_CSV}", "add the rules, or remove the table"
        )
    if GROUPING_CODES_CSV in reading.present and not has_rules:
        way_out = f"add {GROUPING_RULES_CSV}, or remove the file"
        yield Problem(f"{folder}/{GROUPING_CODES_CSV}", None, None, "lists codes that no rule uses", way_out)
    if has_rules and not reading.rules and reading.all_read(GROUPING_RULES_CSV):
        yield reading.row_problem(
            GROUPING_RULES_CSV, 1, None, None, "there is no rule", "add rules, or remove the file"
        )
    if len(reading.rules) > MAX_GROUPING_RULES:
        yield reading.row_problem(
            GROUPING_RULES_CSV,
            reading.rules[MAX_GROUPING_RULES].line,
            None,
            None,
            f"there are more than {MAX_GROUPING_RULES:,} rules",
            "write codes of one group as a list in one rule",
        )


def check_words(reading: Reading) -> Iterator[Problem]:
    """Outcomes, care settings and qualifiers are words of this edition."""
    schedule = reading.schedule
    if not reading.rules:
        return
    vocabularies: tuple[tuple[str, Part, Collection[str], Callable[[GroupingRule], frozenset[str]]], ...] = (
        ("outcomes", Part.OUTCOMES, schedule.outcomes, lambda rule: rule.outcomes),
        ("care_settings", Part.CARE_SETTINGS, schedule.care_settings, lambda rule: rule.care_settings),
    )
    for column, part, vocabulary, words_of in vocabularies:
        if not reading.sound(part):
            continue
        if len(vocabulary) > MAX_VOCABULARY_OF_RULES:
            yield reading.toml_problem(
                ("vocabulary", column),
                str(len(vocabulary)),
                f"grouping rules can tell at most {MAX_VOCABULARY_OF_RULES} of them apart",
                "name fewer words, or remove the rules",
            )
        for rule in reading.rules:
            for word, way_out in words_outside(words_of(rule), tuple(vocabulary)):
                message = "is not in the vocabulary"
                yield reading.row_problem(GROUPING_RULES_CSV, rule.line, column, word, message, way_out)
    if reading.sound(Part.GROUPING) and reading.grouping_policy is not None:
        for rule in reading.rules:
            for word in sorted(rule.qualifiers.difference(reading.qualifiers)):
                yield reading.row_problem(
                    GROUPING_RULES_CSV,
                    rule.line,
                    "qualifiers",
                    word,
                    "is not a qualifier of this edition",
                    instead_of(word, reading.qualifiers, f"or add it to [grouping] in {SCHEDULE_TOML}"),
                )


def check_groups(reading: Reading) -> Iterator[Problem]:
    """A rule's group is in the table."""
    if not reading.all_read(GROUPS_CSV, "drg_code"):
        return
    for rule in reading.rules:
        if rule.drg_code and rule.drg_code not in reading.schedule.groups:
            yield reading.row_problem(
                GROUPING_RULES_CSV,
                rule.line,
                "drg_code",
                rule.drg_code,
                f"is not a group of {GROUPS_CSV}",
                instead_of(rule.drg_code, reading.schedule.groups, "or add the group, or remove the rule"),
            )


def check_conditions(reading: Reading) -> Iterator[Problem]:
    """Each rule asks for something, and not for what contradicts itself."""
    for rule in reading.rules:
        if not reading.is_read(GROUPING_RULES_CSV, rule.line, *_CONDITIONS):
            continue
        if not _asks(rule):
            yield reading.row_problem(
                GROUPING_RULES_CSV,
                rule.line,
                None,
                rule.rule_id,
                "has no condition, so it holds for every case",
                "give it a diagnosis, a procedure or another condition, or remove the row",
            )
        years, age_days = rule.age_years, rule.age_days
        if (
            age_days is not None
            and years is not None
            and ((years.low or 0) > 0 or (age_days.high is not None and years.high not in (None, 0)))
        ):
            yield reading.row_problem(
                GROUPING_RULES_CSV,
                rule.line,
                "age_years",
                str(years),
                f"says more than, or contradicts, age_days {age_days}, which is of the first year",
                "leave one of the two cells empty",
            )
        if rule.secondary_diagnoses and _covered(rule.secondary_diagnoses, rule.excluded_secondary_diagnoses):
            yield reading.row_problem(
                GROUPING_RULES_CSV,
                rule.line,
                "excluded_secondary_diagnoses",
                ";".join(own.text for own in rule.excluded_secondary_diagnoses),
                "excludes every secondary diagnosis that the rule requires, so it can never hold",
                "correct one of the two cells, or remove the row",
            )


def _asks(rule: GroupingRule) -> bool:
    return any(
        (
            rule.principal_diagnoses,
            rule.procedures,
            rule.secondary_diagnoses,
            rule.excluded_secondary_diagnoses,
            rule.age_years,
            rule.age_days,
            rule.sex,
            rule.birth_weight_grams,
            rule.outcomes,
            rule.length_of_stay_days,
            rule.care_settings,
            rule.qualifiers,
        )
    )


def check_listed_codes(reading: Reading) -> Iterator[Problem]:
    """Where the codes in use are listed, a rule lists none that is not: it would never meet a case."""
    grouping = reading.schedule.grouping
    if grouping is None or not reading.all_read(GROUPING_CODES_CSV, "code", "system"):
        return
    for rule in reading.rules:
        for column, ranges, listed in (
            ("principal_diagnosis", rule.principal_diagnoses, grouping.diagnoses),
            ("secondary_diagnoses", rule.secondary_diagnoses, grouping.diagnoses),
            ("excluded_secondary_diagnoses", rule.excluded_secondary_diagnoses, grouping.diagnoses),
            ("procedures", rule.procedures, grouping.procedures),
        ):
            if listed is None:
                continue
            for own in ranges:
                exact = own.high == own.low + "\0"
                if (own.low not in listed) if exact else not any(own.holds(code) for code in listed):
                    yield reading.row_problem(
                        GROUPING_RULES_CSV,
                        rule.line,
                        column,
                        own.text,
                        f"{'is' if exact else 'has'} no code of {GROUPING_CODES_CSV}",
                        "correct it, add the code there, or remove it here",
                    )


def check_rules_that_never_win(reading: Reading) -> Iterator[Problem]:
    """Whenever such a rule holds, another one holds and goes first: it is in vain, or the other too wide."""
    grouping = reading.schedule.grouping
    if grouping is None or not (
        reading.sound(Part.GROUPING)
        and reading.all_read(GROUPING_RULES_CSV, "rule_id", "drg_code", "priority", *_CONDITIONS)
        and reading.all_read(GROUPS_CSV, "drg_code", "relative_weight", "relative_weight_child")
        and all(rule.drg_code in reading.schedule.groups for rule in reading.rules)
    ):
        return
    for later, first in rules_that_never_win(grouping, reading):
        if later.rule_id == first.rule_id:
            continue  # one of them is too much anyway
        yield reading.row_problem(
            GROUPING_RULES_CSV,
            later.line,
            "rule_id",
            later.rule_id,
            f"can never decide: the rule {first.rule_id!r} (line {first.line}) holds for each of its cases "
            "and goes first",
            "narrow the other rule, change the priority, or remove one of the two",
        )


def rules_that_never_win(grouping: Grouping, reading: Reading) -> Iterator[tuple[GroupingRule, GroupingRule]]:
    """Each rule that can never decide, with one that always goes before it."""
    schedule = reading.schedule
    rules = grouping.rules
    rank = {age: ranks(grouping, schedule.groups, age) for age in AgeClass}
    candidates = _Candidates(rules)

    def goes_first(one: int, other: int) -> bool:
        for age_class in AgeClass:
            if not _may_be(age_class, rules[other], schedule.child_age_limit):
                continue
            first, second = rank[age_class][one], rank[age_class][other]
            alike = rules[one].drg_code == rules[other].drg_code and one < other
            if not (first < second or (first == second and alike)):
                return False
        return True

    for number, rule in enumerate(rules):
        for other in candidates.holding_where(rule):
            if other != number and goes_first(other, number) and holds_wherever(rules[other], rule):
                yield rule, rules[other]
                break


def _may_be(age_class: AgeClass, rule: GroupingRule, child_age_limit: int) -> bool:
    """Whether a rule's age conditions leave room for a patient of the age class."""
    low = rule.age_years.low if rule.age_years else None
    high = rule.age_years.high if rule.age_years else None
    if rule.age_days is not None and rule.age_days.high is not None:
        high = 0
    if age_class is AgeClass.CHILD:
        return (low or 0) < child_age_limit
    return high is None or high >= child_age_limit


class _Candidates:
    """For a rule, the rules that could hold in each of its cases, by its first code."""

    def __init__(self, rules: tuple[GroupingRule, ...]) -> None:
        self._diagnoses = CodeClasses(own for rule in rules for own in rule.principal_diagnoses)
        self._procedures = CodeClasses(own for rule in rules for own in rule.procedures)
        self._by_diagnosis: dict[int, list[int]] = {}
        self._by_procedure: dict[int, list[int]] = {}
        self._by_neither: list[int] = []
        for number, rule in enumerate(rules):
            if rule.principal_diagnoses:
                for one in self._diagnoses.of_ranges(rule.principal_diagnoses):
                    self._by_diagnosis.setdefault(one, []).append(number)
            elif rule.procedures:
                for one in self._procedures.of_ranges(rule.procedures):
                    self._by_procedure.setdefault(one, []).append(number)
            else:
                self._by_neither.append(number)

    def holding_where(self, rule: GroupingRule) -> Iterator[int]:
        yield from self._by_neither
        if rule.principal_diagnoses:
            first = self._diagnoses.of_code(rule.principal_diagnoses[0].low)
            yield from self._by_diagnosis.get(first, ())
        if rule.procedures:
            first = self._procedures.of_code(rule.procedures[0].low)
            yield from self._by_procedure.get(first, ())


def holds_wherever(wide: GroupingRule, narrow: GroupingRule) -> bool:
    """Whether every case of one rule is one of the other; False also where that cannot be told simply."""
    return (
        _any_of(wide.principal_diagnoses, narrow.principal_diagnoses)
        and _any_of(wide.procedures, narrow.procedures)
        and _any_of(wide.secondary_diagnoses, narrow.secondary_diagnoses)
        and _covered(wide.excluded_secondary_diagnoses, narrow.excluded_secondary_diagnoses)
        and _within(wide.age_years, narrow.age_years)
        and _within(wide.age_days, narrow.age_days)
        and wide.sex in (None, narrow.sex)
        and _within(wide.birth_weight_grams, narrow.birth_weight_grams)
        and _words_within(wide.outcomes, narrow.outcomes)
        and _within(wide.length_of_stay_days, narrow.length_of_stay_days)
        and _words_within(wide.care_settings, narrow.care_settings)
        and wide.qualifiers <= narrow.qualifiers
    )


def _any_of(wide: tuple[CodeRange, ...], narrow: tuple[CodeRange, ...]) -> bool:
    """Whether "any of these" holds wherever "any of those" does; an empty one does not restrict."""
    return not wide or (bool(narrow) and _covered(narrow, wide))


def _covered(inner: Iterable[CodeRange], outer: tuple[CodeRange, ...]) -> bool:
    """Whether all codes of some ranges are in others, which may join to cover one."""
    joined: list[tuple[str, str]] = []
    for own in sorted(outer, key=lambda own: own.low):
        if joined and own.low <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], own.high)
        else:
            joined.append((own.low, own.high))
    return all(any(low <= own.low and own.high <= high for low, high in joined) for own in inner)


def _within(wide: Band | None, narrow: Band | None) -> bool:
    if wide is None:
        return True
    if narrow is None:
        return False
    return (wide.low is None or (narrow.low is not None and narrow.low >= wide.low)) and (
        wide.high is None or (narrow.high is not None and narrow.high <= wide.high)
    )


def _words_within(wide: frozenset[str], narrow: frozenset[str]) -> bool:
    return not wide or (bool(narrow) and narrow <= wide)
