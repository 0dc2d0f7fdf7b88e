"""What the explanation of a case is made of, and its form for machines.

A step holds exact values in machine form (``1.5646``, ``1/6``, ``2026-03-04``): `Explanation.to_json` hands
them on as they are, `Explanation.to_text` shows them in the reader's language.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from tariffcore.explanation_text import COLUMNS, explanation_in_a_line, explanation_in_words, reasons_in_words
from tariffcore.labelling import labels_in
from tariffcore.money import RoundingMode, format_minor
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import CaseStatus

EXPLANATION_FORMAT = "tariffcore.explanation/1"
"""Names the shape of the JSON: a change that breaks a reader gets another number."""

STEP_IDS = (
    "edition",
    "grouping",
    "group",
    "service",
    "share",
    "hours_limit",
    "weight",
    "weight_share",
    "tariff",
    "rate",
    "tariff_share",
    "length_of_stay",
    "stay_rule",
    "factor",
    "coefficient",
    "unit_price",
    "payment",
    "addon",
    "components",
)
"""Every step there is, in the order of the calculation. The ids are part of the JSON: add, never rename."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Something said about a step or a rejected case: the key of its sentence, and the exact values in it."""

    id: str
    values: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class AppliedRounding:
    """A rounding at work. ``before`` and ``after`` are exact; ``places`` None: the value was left alone."""

    name: str
    places: int | None
    mode: RoundingMode
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the calculation.

    id        which step, one of STEP_IDS
    result    its exact value, a code or an id, in machine form
    formula   how the value before rounding came about: ``3.9114 * 0.4``; None where nothing was computed
    rounding  what was rounded, from what to what; None where the schedule rounds nothing here
    rule_id   the share, exception, stay rule or factor that applied
    source    the legal source of the number or rule
    notes     why, in sentences
    """

    id: str
    result: str
    formula: str | None = None
    rounding: AppliedRounding | None = None
    rule_id: str | None = None
    source: str | None = None
    notes: tuple[Statement, ...] = ()


@dataclass(frozen=True, slots=True)
class ComponentPart:
    """One cost component of the payment. ``share`` is exact; the parts sum to the payment."""

    component: str
    share: str
    capital: bool
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """What became of one case, and why.

    amount_minor   the payment in minor units; None unless the status is OK
    deciding_date  the day that chose the edition; None where the case does not give it
    decided_by     which date of a case decides, as the catalog says
    as_of          the asking date: what was published later plays no part; None = the latest published
    rule_id        as in the priced rows; None unless OK
    method         how the fund pays for it; None unless OK
    components     every component the edition knows, in file order; None for services, for a group without a
                   component profile, and unless OK
    steps          in the order of the calculation; for a rejected case those before the one that failed
    reasons        why there is no amount; empty where there is one
    """

    case_id: str | None
    status: CaseStatus
    amount_minor: int | None
    currency: str
    minor_units: int
    schedule_id: str | None
    schedule_digest: str | None
    schedule_title: str | None
    synthetic: bool
    as_of: date | None
    decided_by: DecidingDate
    deciding_date: date | None
    engine_version: str
    rule_id: str | None
    method: PaymentMethod | None
    components: tuple[ComponentPart, ...] | None
    steps: tuple[Step, ...]
    reasons: tuple[Statement, ...]

    @property
    def amount(self) -> str | None:
        """The payment as a decimal of the currency: ``686930.98``."""
        return None if self.amount_minor is None else format_minor(self.amount_minor, self.minor_units)

    @property
    def reason(self) -> str | None:
        """Why there is no amount, in English words with the way out; None where there is one."""
        return self.reason_in("en")

    def reason_in(self, language: str) -> str | None:
        """Why there is no amount, in words of the language; None where there is one."""
        return reasons_in_words(self.reasons, labels_in(language)) if self.reasons else None

    def to_json(self) -> dict[str, object]:
        """The explanation for machines: strings, booleans, whole numbers and null; amounts are decimals in
        strings, and so is a numeric ``case_id``, which may be too large for a JavaScript number."""
        return {
            "format": EXPLANATION_FORMAT,
            "case_id": self.case_id,
            "status": self.status.name,
            "amount": self.amount,
            "currency": self.currency,
            "minor_units": self.minor_units,
            "schedule_id": self.schedule_id,
            "schedule_digest": self.schedule_digest,
            "schedule_title": self.schedule_title,
            "synthetic": self.synthetic,
            "as_of": _iso(self.as_of),
            "decided_by": self.decided_by.value,
            "deciding_date": _iso(self.deciding_date),
            "engine_version": self.engine_version,
            "rule_id": self.rule_id,
            "method": None if self.method is None else self.method.value,
            "components": None
            if self.components is None
            else [
                {
                    "component": part.component,
                    "share": part.share,
                    "capital": part.capital,
                    "amount": format_minor(part.amount_minor, self.minor_units),
                }
                for part in self.components
            ],
            "steps": [_step_json(step) for step in self.steps],
            "reason": self.reason,
            "reasons": [_statement_json(reason) for reason in self.reasons],
        }

    def in_a_line(self, language: str = "en") -> str:
        """The steps that made the amount in one line, or why there is none."""
        return explanation_in_a_line(self, labels_in(language))

    def to_text(self, language: str = "en", columns: int = COLUMNS) -> str:
        """The explanation for people, in lines of at most so many columns (60 to 100).

        The last line is the amount with its currency, or ends the reason why there is none.
        Raises ExplainError for a language there are no labels in.
        """
        return explanation_in_words(self, labels_in(language), columns)


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _statement_json(statement: Statement) -> dict[str, object]:
    return {"id": statement.id, "values": dict(statement.values)}


def _step_json(step: Step) -> dict[str, object]:
    rounding = step.rounding
    return {
        "id": step.id,
        "result": step.result,
        "formula": step.formula,
        "rounding": None
        if rounding is None
        else {
            "name": rounding.name,
            "places": rounding.places,
            "mode": rounding.mode.value,
            "before": rounding.before,
            "after": rounding.after,
        },
        "rule_id": step.rule_id,
        "source": step.source,
        "notes": [_statement_json(note) for note in step.notes],
    }
