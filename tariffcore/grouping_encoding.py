"""The columns from which cases are grouped, as the loop reads them, and the groups that it finds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import _grouping
from tariffcore import column_reading as reading
from tariffcore.column_reading import CodedText, CodeLists, Mask
from tariffcore.grouping_facts import MANY_DAYS, MAX_STAY, NO_DAYS, NO_YEARS, SEX_NUMBERS
from tariffcore.grouping_tables import UNKNOWN_CODE, CompiledRules
from tariffcore.schedule.limits import MAX_AGE_DAYS, MAX_BIRTH_WEIGHT_GRAMS, MIN_BIRTH_WEIGHT_GRAMS
from tariffcore.schedule.model import DayCount
from tariffcore.statuses import CaseStatus

SEX_WORDS = {
    **dict.fromkeys(("female", "f", "w", "ж", "жен", "женский", "женщина", "әйел"), "female"),
    **dict.fromkeys(("male", "m", "м", "муж", "мужской", "мужчина", "ер", "ер адам"), "male"),
}
"""How the sex of a patient may be written, in lower case; digits are no sex, for lists disagree on them."""

_ROWS_A_THREAD = 1 << 14


def sex_of(text: str) -> str | None:
    """``female`` or ``male``; None where the text is neither."""
    return SEX_WORDS.get(text.casefold().rstrip("."))


@dataclass(frozen=True, slots=True)
class EncodedDiagnoses:
    """What grouping reads of cases, beside the columns of pricing. Arrays have one element a case.

    years         uint8, full years of age at admission, NO_YEARS where unknown
    days          uint16, days of age, MANY_DAYS for a year or more, NO_DAYS where unknown
    sex           uint8, 1 female, 2 male, 0 unknown
    birth_weight  uint16, grams, 0 unknown
    """

    principal: CodedText
    secondary: CodeLists
    procedures: CodeLists
    outcome: CodedText | None
    """None: every case ended as ``discharged``."""
    care_setting: CodedText
    years: NDArray[np.uint8]
    days: NDArray[np.uint16]
    sex: NDArray[np.uint8]
    birth_weight: NDArray[np.uint16]
    qualifiers: CodeLists | None

    def __len__(self) -> int:
        return len(self.years)


@dataclass(frozen=True, slots=True)
class GroupedRows:
    """The group of each case that came without one. Arrays have one element a case of the whole table.

    rules    of the editions, None where one has none
    edition  int16, the number of the edition by whose rules a case was grouped; -1: it was not
    rule     int32, the number of the rule among those of the edition; -1: none
    status   uint8, `CaseStatus`; 0 where the case was not grouped
    """

    rules: tuple[CompiledRules | None, ...]
    edition: NDArray[np.int16]
    rule: NDArray[np.int32]
    status: NDArray[np.uint8]

    def numbers(self, of_rule: Callable[[CompiledRules], NDArray[np.int32]]) -> NDArray[np.int32]:
        """What a table of each edition's rules has for the rule of each case; -1 where there is none."""
        found = np.full(len(self.rule), -1, dtype=np.int32)
        for edition, rules in enumerate(self.rules):
            if rules is not None:
                rows = np.flatnonzero((self.edition == edition) & (self.rule >= 0))
                found[rows] = of_rule(rules)[self.rule[rows]]
        return found


def encode_diagnoses(
    table: pa.Table,
    years: NDArray[np.uint8],
    outcome: CodedText | None,
    care_setting: CodedText,
    needed: Mask,
    known_qualifiers: frozenset[str],
    wrong: Callable[[str, Mask], None],
    absent: Callable[[str, Mask], None],
) -> tuple[EncodedDiagnoses, Mask]:
    """The columns of the rows that need a group, and which rows have ages that contradict each other.

    ``wrong`` and ``absent`` are told of the cells that cannot be read and of those that are missing; rows
    that need no group are nobody's business.
    """
    count = table.num_rows
    names = set(table.column_names)

    def coded(name: str) -> CodedText:
        return reading.coded_text(name, table.column(name)) if name in names else reading.no_text(count)

    def lists(name: str) -> CodeLists:
        if name not in names:
            return CodeLists(np.zeros(count + 1, dtype=np.int64), reading.no_text(0))
        column = reading.code_lists(name, table.column(name))
        unreadable = column.codes.wrong()
        if unreadable is not None:
            wrong(name, column.rows_of(unreadable) & needed)
        return column

    principal = coded("principal_diagnosis")
    unreadable = principal.wrong()
    if unreadable is not None:
        wrong("principal_diagnosis", unreadable & needed)
    absent("principal_diagnosis", principal.missing() & needed)
    secondary, procedures = lists("secondary_diagnoses"), lists("procedure_codes")
    sex_text = coded("sex")
    sex = sex_text.map(lambda text: SEX_NUMBERS.get(sex_of(text) or "", 3), 0, np.uint8)
    wrong("sex", (sex == 3) & needed)
    sex[sex == 3] = 0
    birth_weight = np.zeros(count, dtype=np.uint16)
    if "birth_weight_grams" in names:
        column = reading.whole_numbers(
            "birth_weight_grams",
            table.column("birth_weight_grams"),
            MIN_BIRTH_WEIGHT_GRAMS,
            MAX_BIRTH_WEIGHT_GRAMS,
            dtype=np.int64,
        )
        wrong("birth_weight_grams", column.wrong & needed)
        birth_weight = column.values.astype(np.uint16)
    years, days, contradict = _ages(table, years, needed, wrong)
    qualifiers = None
    if "qualifiers" in names:
        qualifiers = lists("qualifiers")
        unknown = qualifiers.codes.map(lambda text: text not in known_qualifiers, False, np.bool_)
        if unknown.any():
            wrong("qualifiers", qualifiers.rows_of(unknown) & needed)
    encoded = EncodedDiagnoses(
        principal, secondary, procedures, outcome, care_setting, years, days, sex, birth_weight, qualifiers
    )
    return encoded, contradict


def _ages(
    table: pa.Table, years: NDArray[np.uint8], needed: Mask, wrong: Callable[[str, Mask], None]
) -> tuple[NDArray[np.uint8], NDArray[np.uint16], Mask]:
    """Years and days of age, each worked out of the other where that leaves no doubt."""
    known_years = years != NO_YEARS
    if "age_days" not in table.column_names:
        days = np.where(known_years & (years > 0), np.uint16(MANY_DAYS), np.uint16(NO_DAYS))
        return years, days, np.zeros(len(years), dtype=np.bool_)
    column = reading.whole_numbers("age_days", table.column("age_days"), 0, MAX_AGE_DAYS, dtype=np.int64)
    wrong("age_days", column.wrong & needed)
    known_days = ~(column.missing | column.wrong)
    fewest, most = column.values // 366, column.values // 365
    contradict = known_years & known_days & needed & ((years < fewest) | (years > most))
    worked_out = ~known_years & known_days & (fewest == most)
    days = np.where(known_days, np.minimum(column.values, MANY_DAYS), NO_DAYS).astype(np.uint16)
    days[known_years & ~known_days & (years > 0)] = MANY_DAYS
    return np.where(worked_out, fewest, years).astype(np.uint8), days, contradict


def group_rows(
    cases: EncodedDiagnoses,
    rules: tuple[CompiledRules | None, ...],
    edition: NDArray[np.int16],
    stay_days: NDArray[np.integer],
    needed: Mask,
    threads: int = 1,
) -> GroupedRows:
    """Group the needed rows, each by the rules of its edition.

    ``edition`` is -1 where none covers the date: such a row is not grouped.  ``stay_days`` are the days from
    admission to discharge.
    """
    count = len(cases)
    rule = np.full(count, -1, dtype=np.int32)
    status = np.zeros(count, dtype=np.uint8)
    by = np.full(count, -1, dtype=np.int16)
    everything = bool(needed.all())
    for number, compiled in enumerate(rules):
        if everything and len(rules) == 1 and (count == 0 or edition.min() == number):
            rows = None
            by[:] = number
        else:
            rows = np.flatnonzero(needed & (edition == number))
            by[rows] = number
            if not len(rows):
                continue
        if compiled is None:
            status[slice(None) if rows is None else rows] = CaseStatus.UNGROUPABLE
            continue
        _group(cases, compiled, stay_days, rows, rule, status, threads)
    return GroupedRows(rules, by, rule, status)


def _group(
    cases: EncodedDiagnoses,
    rules: CompiledRules,
    stay_days: NDArray[np.integer],
    rows: NDArray[np.int64] | None,
    rule: NDArray[np.int32],
    status: NDArray[np.uint8],
    threads: int,
) -> None:
    extra = 1 if rules.schedule.day_count is DayCount.INCLUSIVE else 0
    stay = np.clip(stay_days.astype(np.int64) + extra, 1, MAX_STAY).astype(np.uint16)
    outcome = cases.outcome
    if outcome is None:
        outcome = CodedText(
            "", np.zeros(len(cases), np.uint8), np.zeros(len(cases), np.bool_), ["discharged"]
        )
    words = RuleWords.of(
        rules,
        rules.principal_classes(cases.principal.texts),
        rules.secondary_classes(cases.secondary.codes.texts),
        rules.procedure_classes(cases.procedures.codes.texts),
        outcome.table(lambda text: rules.outcome_numbers.get(text, 0), 0, np.uint8),
        cases.care_setting.table(lambda text: rules.setting_numbers.get(text, 0), 0, np.uint8),
    )
    columns = (
        cases.principal.places(),
        cases.secondary.start,
        cases.secondary.codes.places(),
        cases.procedures.start,
        cases.procedures.codes.places(),
        outcome.places(),
        cases.care_setting.places(),
        cases.years,
        cases.days,
        cases.sex,
        cases.birth_weight,
        stay,
        _qualifier_bits(cases.qualifiers, rules),
    )
    run_rules(rules, words, columns, rows, rule, status, threads)


@dataclass(frozen=True, slots=True)
class RuleWords:
    """What the texts of cases are to an edition's rules: one element a text, at its place.

    of_principal, of_procedure   the lists of rules that a code leads to, as `grouping_order.RulesInOrder`
    principal_class, secondary_class   int32, the class of a diagnosis
    outcome_number, setting_number     uint8
    """

    of_principal: NDArray[np.int32]
    principal_class: NDArray[np.int32]
    secondary_class: NDArray[np.int32]
    of_procedure: NDArray[np.int32]
    outcome_number: NDArray[np.uint8]
    setting_number: NDArray[np.uint8]

    @classmethod
    def of(
        cls,
        rules: CompiledRules,
        principal_class: NDArray[np.int32],
        secondary_class: NDArray[np.int32],
        procedure_class: NDArray[np.int32],
        outcome_number: NDArray[np.uint8],
        setting_number: NDArray[np.uint8],
    ) -> RuleWords:
        """With the lists of rules that codes of these classes lead to."""
        in_order = rules.in_order
        of_principal = in_order.of_diagnosis.take(np.maximum(principal_class, 0), axis=1)
        of_principal[:, principal_class < 0] = UNKNOWN_CODE
        of_procedure = in_order.of_procedure.take(procedure_class, axis=1)
        return cls(
            of_principal, principal_class, secondary_class, of_procedure, outcome_number, setting_number
        )


def run_rules(
    rules: CompiledRules,
    words: RuleWords,
    columns: tuple[Any, ...],
    rows: NDArray[np.int64] | None,
    rule: NDArray[np.int32],
    status: NDArray[np.uint8],
    threads: int,
) -> None:
    """Group the rows (None: all), in as many threads as are worth it; rule and status are written at the row.

    ``columns`` are those of `_grouping.group`, from ``principal`` to ``qualifiers``, and places of ``words``.
    """
    in_order, facts = rules.in_order, rules.facts
    arguments = (
        in_order.rules.view(np.uint8),
        in_order.further,
        in_order.rank,
        in_order.rest,
        in_order.of_all,
        rules.members,
        rules.filled,
        rules.is_named,
        facts.columns,
        facts.first_column,
        facts.bits,
        facts.qualifiers_asked,
        rules.child_age_limit,
        rules.age_matters,
        words.of_principal,
        words.principal_class,
        words.secondary_class,
        words.of_procedure,
        words.outcome_number,
        words.setting_number,
    )
    count = len(rule) if rows is None else len(rows)

    def walk(start: int, stop: int) -> None:
        _grouping.group(*arguments, *columns, rows, rule, status, start, stop)  # type: ignore[call-arg]

    shares = max(1, min(threads, count // _ROWS_A_THREAD))
    if shares == 1:
        if count:
            walk(0, count)
        return
    bounds = [count * share // shares for share in range(shares + 1)]
    with ThreadPoolExecutor(shares) as pool:
        list(pool.map(walk, bounds[:-1], bounds[1:]))


def _qualifier_bits(lists: CodeLists | None, rules: CompiledRules) -> NDArray[np.uint64] | None:
    """The qualifiers of each case, one bit each."""
    if lists is None or not len(lists.codes.index):
        return None
    # the looking-up is of signed numbers, the bits are the same
    bit_of = rules.qualifier_bits
    bits = lists.codes.map(lambda text: _signed(bit_of.get(text, 0)), 0, np.int64).view(np.uint64)
    whole = np.zeros(len(lists.start) - 1, dtype=np.uint64)
    filled = np.flatnonzero(np.diff(lists.start))
    if len(filled):
        whole[filled] = np.bitwise_or.reduceat(bits, lists.start[filled])
    return whole


def _signed(bits: int) -> int:
    """The signed number of 64 bits that are the same."""
    return bits - (1 << 64) if bits >> 63 else bits
