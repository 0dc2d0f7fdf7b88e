"""The grouping rules of an edition as the loop walks them: lists by class of code, and a record a rule."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from tariffcore.codes import is_diagnosis, normalise_diagnosis, normalise_procedure
from tariffcore.errors import CatalogError, Problem
from tariffcore.grouping_facts import TooManyBandsError, facts_of
from tariffcore.grouping_order import (
    ASKS_BIRTH_WEIGHT,
    ASKS_DAYS,
    ASKS_SEX,
    ASKS_YEARS,
    RULE_RECORD,
    ListsByClass,
    RulesInOrder,
    aligned,
)
from tariffcore.schedule.grouping_model import CodeRange, Grouping, GroupingRule
from tariffcore.schedule.model import AgeClass, Schedule
from tariffcore.schedule.rule_index import CodeClasses
from tariffcore.schedule.rule_ranking import ranks

UNKNOWN_CODE = -1

_MOST_ENTRIES = 1 << 27
_MOST_MEMBER_BITS = 1 << 31
_KNOWN_WORDS = 1 << 20
_MOST_WORDS = 1024


class CompiledRules:
    """The rules of one edition. Never changes; any number of threads may use it.

    groups  the drg_code of each group number
    """

    def __init__(self, schedule: Schedule) -> None:
        assert schedule.grouping is not None, "an edition without rules is not compiled"
        self.schedule = schedule
        self.grouping: Grouping = schedule.grouping
        rules = self.grouping.rules
        self.child_age_limit = schedule.child_age_limit
        self.groups = tuple(dict.fromkeys(rule.drg_code for rule in rules))
        self._group_numbers = {drg_code: number for number, drg_code in enumerate(self.groups)}
        self._diagnoses = CodeClasses(
            own
            for rule in rules
            for own in (
                *rule.principal_diagnoses,
                *rule.secondary_diagnoses,
                *rule.excluded_secondary_diagnoses,
            )
        )
        self._procedures = CodeClasses(own for rule in rules for own in rule.procedures)
        by_age = [ranks(self.grouping, schedule.groups, age) for age in (AgeClass.ADULT, AgeClass.CHILD)]
        self.rank = np.array(by_age, dtype=np.int32)
        self.age_matters = by_age[0] != by_age[1]
        numbers = range(len(rules))
        by_procedure = [n for n in numbers if rules[n].procedures]
        by_diagnosis = [n for n in numbers if not rules[n].procedures and rules[n].principal_diagnoses]
        others = [n for n in numbers if not rules[n].procedures and not rules[n].principal_diagnoses]
        self.diagnosis_lists = self._lists(
            by_diagnosis, self._diagnoses, lambda rule: rule.principal_diagnoses
        )
        self.procedure_lists = self._lists(by_procedure, self._procedures, lambda rule: rule.procedures)
        self._code_sets: dict[tuple[tuple[str, str], ...], int] = {}
        try:
            self.facts = facts_of(rules, schedule, self.grouping.qualifiers)
        except TooManyBandsError:
            raise _too_many(
                schedule, "2,147,483,648 pairs of a rule and a band of another", "write fewer different bands"
            ) from None
        assert self.facts.refused.shape[1] <= _MOST_WORDS, "all values of all fields are not as many classes"
        self.in_order = RulesInOrder.of(
            np.array([self._record(rule) for rule in rules], dtype=RULE_RECORD),
            self.facts.refused,
            self.rank,
            self.diagnosis_lists,
            self.procedure_lists,
            others,
        )
        self.members = self._member_bits()
        self.filled = _filled_words(self.members)
        self.is_named = self._named()
        self._diagnosis_classes = _Remembered()
        self._procedure_classes = _Remembered()
        self.outcome_numbers = {word: number for number, word in enumerate(schedule.outcomes, start=1)}
        self.setting_numbers = {word: number for number, word in enumerate(schedule.care_settings, start=1)}
        self.qualifier_bits = {word: 1 << number for number, word in enumerate(self.grouping.qualifiers)}

    def principal_class(self, text: str) -> int:
        """The class of a principal diagnosis as typed, or UNKNOWN_CODE."""
        return self._diagnosis_classes.number(text, self._diagnosis_class)

    def principal_classes(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """The class of each text, and of none at the end."""
        return self._diagnosis_classes.numbers(texts, self._diagnosis_class)

    def secondary_classes(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """Likewise of secondary diagnoses; one that is no code is in class 0, with no rule's."""
        return np.maximum(self.principal_classes(texts), 0)

    def procedure_classes(self, texts: Sequence[str | None]) -> NDArray[np.int32]:
        """The class of each text, and of none at the end."""
        return self._procedure_classes.numbers(texts, self._procedures_class)

    def procedure_class(self, text: str) -> int:
        """The class of a procedure as typed."""
        return self._procedure_classes.number(text, self._procedures_class)

    def _diagnosis_class(self, text: str) -> int:
        code = normalise_diagnosis(text)
        if not is_diagnosis(code):
            return UNKNOWN_CODE
        if self.grouping.diagnoses is not None and code not in self.grouping.diagnoses:
            return UNKNOWN_CODE
        return self._diagnoses.of_code(code)

    def _procedures_class(self, text: str) -> int:
        code = normalise_procedure(text)
        if self.grouping.procedures is not None and code not in self.grouping.procedures:
            return 0
        return self._procedures.of_code(code)

    def _lists(
        self,
        numbers: Sequence[int],
        classes: CodeClasses,
        ranges_of: Callable[[GroupingRule], tuple[CodeRange, ...]],
    ) -> ListsByClass:
        rules = self.grouping.rules
        in_class: list[NDArray[np.int64]] = []
        rule_of: list[NDArray[np.int64]] = []
        entries = 0
        for number in numbers:
            own = np.fromiter(classes.of_ranges(ranges_of(rules[number])), dtype=np.int64)
            entries += len(own)
            if entries > _MOST_ENTRIES:
                raise _too_many(self.schedule, f"{_MOST_ENTRIES:,} pairs of a rule and a code")
            in_class.append(own)
            rule_of.append(np.full(len(own), number, dtype=np.int64))
        by_class = np.concatenate(in_class) if in_class else np.zeros(0, dtype=np.int64)
        rule = np.concatenate(rule_of) if rule_of else np.zeros(0, dtype=np.int64)
        start = np.zeros(len(classes) + 1, dtype=np.int32)
        start[1:] = np.cumsum(np.bincount(by_class, minlength=len(classes)))
        ordered = [rule[np.lexsort((rule, self.rank[age][rule], by_class))] for age in range(2)]
        listed = np.full((2, len(rule) + 1), -1, dtype=np.int32)
        listed[:, :-1] = ordered
        return ListsByClass(start, listed)

    def _set(self, ranges: tuple[CodeRange, ...]) -> int:
        if not ranges:
            return -1
        key = tuple(sorted((own.low, own.high) for own in ranges))
        return self._code_sets.setdefault(key, len(self._code_sets))

    def _record(self, rule: GroupingRule) -> tuple[object, ...]:
        """All but what `RulesInOrder` fills in."""
        asks = (
            (ASKS_YEARS if rule.age_years else 0)
            | (ASKS_DAYS if rule.age_days else 0)
            | (ASKS_SEX if rule.sex else 0)
            | (ASKS_BIRTH_WEIGHT if rule.birth_weight_grams else 0)
        )
        return (
            0,
            # a rule without procedures is reached by its principal diagnosis, which need not be asked again
            self._set(rule.principal_diagnoses) if rule.procedures else -1,
            self._set(rule.secondary_diagnoses),
            self._set(rule.excluded_secondary_diagnoses),
            self._group_numbers[rule.drg_code],
            0,
            asks,
            0,
        )

    def _member_bits(self) -> NDArray[np.uint64]:
        words = (len(self._diagnoses) + 63) // 64
        count = max(1, len(self._code_sets))
        if count * words * 64 > _MOST_MEMBER_BITS:
            raise _too_many(self.schedule, f"{_MOST_MEMBER_BITS:,} codes in lists of secondary diagnoses")
        bits = np.zeros((count, words * 64), dtype=np.uint8)
        for key, number in self._code_sets.items():
            for low, high in key:
                bits[number, self._diagnoses.of_code(low) : self._diagnoses.of_code(high)] = 1
        return np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)

    def _named(self) -> NDArray[np.uint8]:
        """1 for each class of diagnoses that are known: with a list of codes all, else those a rule names."""
        if self.grouping.diagnoses is not None:
            return np.ones(len(self._diagnoses), dtype=np.uint8)
        named = np.zeros(len(self._diagnoses), dtype=np.uint8)
        for rule in self.grouping.rules:
            for own in rule.principal_diagnoses:
                classes = self._diagnoses.of_range(own)
                named[classes.start : classes.stop] = 1
        return named


class _Remembered:
    """Numbers of texts, worked out once each: the same codes come again and again.

    It does not hold what works them out: rules that named themselves would keep their edition in memory.
    """

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def numbers(self, texts: Sequence[str | None], of_text: Callable[[str], int]) -> NDArray[np.int32]:
        """The number of each text, 0 where it is None, and 0 for none at the end."""
        found: list[int | None] = list(map(self._known.get, texts))  # type: ignore[arg-type]
        if None in found:
            found = [0 if text is None else self.number(text, of_text) for text in texts]
        return np.array([*found, 0], dtype=np.int32)

    def number(self, text: str, of_text: Callable[[str], int]) -> int:
        number = self._known.get(text)
        if number is None:
            number = of_text(text)
            if len(self._known) < _KNOWN_WORDS:
                self._known[text] = number
        return number


def _filled_words(members: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Of each set a bit for each word that has any."""
    words = (members.shape[1] + 63) // 64
    bits = np.zeros((len(members), words * 64), dtype=np.uint8)
    bits[:, : members.shape[1]] = members != 0
    packed = np.packbits(bits, axis=1, bitorder="little").view("<u8").astype(np.uint64)
    filled = aligned(packed.shape, packed.dtype)
    filled[:] = packed
    return filled


def _too_many(schedule: Schedule, what: str, way_out: str = "write narrower ranges of codes") -> CatalogError:
    problem = Problem(
        f"edition {schedule.id}", "grouping rules", None, f"there are more than {what}", way_out
    )
    return CatalogError("the grouping rules cannot be compiled", [problem])
