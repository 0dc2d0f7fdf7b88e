"""What the grouping rules of an edition are: which cases belong to which cost group, as data.

A rule names its group and its conditions; all of them must hold.  The conditions are a closed list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class PolicyKind(StrEnum):
    """Which of the rules that hold decides."""

    HEAVIEST = "heaviest"
    """The group with the largest weight for the patient's age class."""
    FIRST_MATCH = "first_match"
    """The rule with the smallest priority number."""


class RuleKind(StrEnum):
    """A rule that asks for a procedure is a procedure rule, every other one a diagnosis rule."""

    DIAGNOSIS = "diagnosis"
    PROCEDURE = "procedure"


class Sex(StrEnum):
    FEMALE = "female"
    MALE = "male"


@dataclass(frozen=True, slots=True)
class GroupingPolicy:
    """How one rule is chosen among those that hold.

    kind  heaviest: by weight, then by ``tie``, then by priority; first_match: by priority alone
    tie   for heaviest: which kind of rule wins where a diagnosis group and a procedure group weigh the same

    What is still equal and names different groups is AMBIGUOUS.
    """

    kind: PolicyKind
    tie: RuleKind
    source: str


@dataclass(frozen=True, slots=True)
class CodeRange:
    """Normalised codes from ``low`` (included) to ``high`` (excluded), compared as text.

    ``text`` is how the rule writes it: ``A40.0`` (this code), ``A40*`` (it and all under it), ``A40-A41.9``
    (from the first to the last, all under the last included).
    """

    low: str
    high: str
    text: str

    def holds(self, code: str) -> bool:
        return self.low <= code < self.high


@dataclass(frozen=True, slots=True)
class Band:
    """Whole numbers from ``low`` to ``high``, both included; None: no limit on that side."""

    low: int | None
    high: int | None

    def holds(self, value: int) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def __str__(self) -> str:
        if self.low == self.high:
            return str(self.low)
        return f"{'' if self.low is None else self.low}-{'' if self.high is None else self.high}"


@dataclass(frozen=True, slots=True)
class GroupingRule:
    """One row of grouping_rules.csv. An empty condition (no ranges, no words, None) does not restrict.

    principal_diagnoses           the principal diagnosis is one of these
    procedures                    any procedure of the stay is one of these
    secondary_diagnoses           any secondary diagnosis is one of these
    excluded_secondary_diagnoses  no secondary diagnosis is one of these
    qualifiers                    the case has all of these words
    """

    rule_id: str
    drg_code: str
    priority: int
    principal_diagnoses: tuple[CodeRange, ...]
    procedures: tuple[CodeRange, ...]
    secondary_diagnoses: tuple[CodeRange, ...]
    excluded_secondary_diagnoses: tuple[CodeRange, ...]
    age_years: Band | None
    age_days: Band | None
    sex: Sex | None
    birth_weight_grams: Band | None
    outcomes: frozenset[str]
    length_of_stay_days: Band | None
    care_settings: frozenset[str]
    qualifiers: frozenset[str]
    source: str
    line: int

    @property
    def kind(self) -> RuleKind:
        return RuleKind.PROCEDURE if self.procedures else RuleKind.DIAGNOSIS


@dataclass(frozen=True, slots=True)
class Grouping:
    """The grouping rules of an edition.

    rules       in file order
    diagnoses   the codes of the classification in use and their names, by normalised code; None: not listed,
                so that a code of the right form may be one
    procedures  likewise of procedures
    qualifiers  the words a case may be qualified with
    """

    policy: GroupingPolicy
    rules: tuple[GroupingRule, ...]
    diagnoses: Mapping[str, str] | None
    procedures: Mapping[str, str] | None
    qualifiers: tuple[str, ...]
