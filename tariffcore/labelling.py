"""Words for people, in several languages: they live in ``labels/<language>.toml``, this module reads them.

A sentence is a template and exact values in their machine form (``686930.98``, ``2026-03-04``); how a value
is shown follows from its name, so that a number is grouped and a date is turned the way the language expects.
Every value is shown without characters that could move a terminal's cursor.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from importlib.resources import files
from string import Formatter

from tariffcore.errors import ExplainError, Problem, shortened
from tariffcore.money import format_minor, format_percent
from tariffcore.statuses import CaseStatus

LANGUAGES = ("en", "ru", "kk")

MORE = "…"
"""Marks a number that was cut off, and a list of which only the first words are named."""

SHOWN_DECIMALS = 12
"""Decimals of a number shown to people; a longer one is cut off and marked with ``…``, never rounded."""

SHOWN_DECIMALS_OF_A_FRACTION = 6
LARGEST_SHOWN_FRACTION = 9_999

NUMBER_VALUES = frozenset(
    [
        "age_years",
        "age_days",
        "birth_weight_grams",
        "child_age_limit",
        "quantity",
        "length_of_stay_days",
        "days",
        "days_paid",
        "planned_days",
        "max_days",
        "max_hours",
        "weight",
        "weight_child",
        "base_rate",
        "share",
        "value",
        "increase",
        "unit_price",
        "added",
        "amount_before",
        "found",
        "expected",
        "places",
        "position",
        "priced",
        "rejected",
        "read",
    ]
)
PERCENT_VALUES = frozenset(["over_from", "over_to", "paid_share"])
DATE_VALUES = frozenset(["admission_date", "discharge_date", "day", "as_of", "published", "start", "end"])
SPAN_VALUES = frozenset(["spans"])
EDITION_VALUES = frozenset(["editions"])
CONDITION_VALUES = frozenset(["conditions"])
QUOTED_VALUES = frozenset(
    [
        "drg_code",
        "service_code",
        "provider_id",
        "factor_code",
        "word",
        "suggestion",
        "text",
        "procedure",
        "kind",
    ]
)
VOCABULARY_VALUES = frozenset(["care_setting", "outcome", "unit", "method", "component", "day_count"])
TERM_VALUES = frozenset(["deciding_field"])
LIST_VALUES = frozenset(["words", "fields"])
RULE_VALUES = frozenset(["rule_if_true", "rule_if_false"])
PLAIN_VALUES = frozenset(
    [
        "schedule_id",
        "meant",
        "rule_id",
        "tariff_family",
        "field",
        "duration",
        "letters",
        "name",
        "source",
        "component_profile",
        "death_unavoidable",
        "flag",
        "status",
        "code",
        "reason",
        "amount",
        "currency",
        "mode",
        "year",
        "month",
        "encoding",
        "path",
        "byte",
        "asked",
        "given",
        "groups",
        "rules",
        "known",
        "tie",
        "count",
        "moved",
        "cases",
        "moved_money",
        "money",
    ]
)

_PLAIN_NUMBER = re.compile(r"([0-9]+)(?:\.([0-9]+))?")
_NUMBER_IN_FORMULA = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:/[0-9]+)?")


@dataclass(frozen=True, slots=True)
class Labels:
    """The words of one language: sections of templates, by key."""

    language: str
    sections: Mapping[str, Mapping[str, str]]

    def word(self, section: str, key: str) -> str:
        """The label of a key; the key itself where the schedule's own vocabulary has no label."""
        return self.sections[section].get(key) or printable(key)

    def status(self, status: CaseStatus) -> str:
        return self.sections["status"][status.name]

    def way_out(self, status: CaseStatus) -> str:
        return self.sections["way_out"][status.name]

    def term(self, key: str) -> str:
        return self.sections["term"][key]

    def sentence(self, section: str, key: str, values: Mapping[str, str]) -> str:
        """The template of the key with its values, each shown as its name says."""
        template = self.sections[section][key]
        return template.format_map({name: self.shown(name, value) for name, value in values.items()})

    def shown(self, name: str, value: str) -> str:
        """A value in machine form, as people of this language read it."""
        if name in QUOTED_VALUES:
            return f"'{printable(shortened(value))}'"
        if name in NUMBER_VALUES:
            return self.number(value)
        if name in PERCENT_VALUES:
            return self.formula(format_percent(Fraction(value)))
        if name in DATE_VALUES:
            return self.date(value)
        if name in VOCABULARY_VALUES:
            return self.word(name, value)
        if name in TERM_VALUES:
            return self.term(value)
        if name in SPAN_VALUES:
            return ", ".join(self._span(span) for span in value.split(", "))
        if name in EDITION_VALUES:
            return ", ".join(self._edition(edition) for edition in value.split(", "))
        if name in CONDITION_VALUES:
            return ", ".join(self._condition(each) for each in value.split(", "))
        if name in RULE_VALUES and not value:
            return self.sections["part"]["no_rule"]
        if name in LIST_VALUES and not value:
            return self.sections["part"]["nothing"]
        return printable(value)

    def number(self, value: str, at_least_places: int = 0) -> str:
        """``686930.98`` as 686,930.98; a long or endless number is cut off, a short fraction stays."""
        style = self.sections["format"]
        return _number(value, at_least_places, style["thousands"], style["decimal_mark"])

    def minor(self, amount_minor: int, minor_units: int) -> str:
        """An amount in minor units as a decimal of the currency, grouped: 686,930.98."""
        return self.number(format_minor(amount_minor, minor_units))

    def date(self, value: str) -> str:
        """An ISO date, with the time after it where there is one."""
        day, _, time = value.partition(" ")
        year, month, day_of_month = day.split("-")
        shown = self.sections["format"]["date"].format(year=year, month=month, day=day_of_month)
        return f"{shown} {time}" if time else shown

    def formula(self, formula: str, at_least_places: int = 0) -> str:
        """``1.1 + (1.02 - 1)`` with each number as the language writes it."""
        return _NUMBER_IN_FORMULA.sub(lambda found: self.number(found[0], at_least_places), formula)

    def _span(self, span: str) -> str:
        if span.startswith(MORE):
            return span
        start, _, end = span.partition("/")
        if end:
            return self.sentence("part", "from_to", {"start": start, "end": end})
        return self.sentence("part", "from", {"start": start})

    def _edition(self, edition: str) -> str:
        if edition.startswith(MORE):
            return edition
        schedule_id, _, published = edition.partition(" ")
        return f"{printable(schedule_id)} ({self.date(published)})"

    def _condition(self, condition: str) -> str:
        kind, _, word = condition.partition("=")
        if kind == "outcome":
            return self.word("outcome", word)
        if kind == "drg_flag":
            return self.sentence("part", "flag", {"flag": word})
        return self.sections["part"]["any"]


def printable(text: str) -> str:
    """The text with every character that does not print (line ends, escapes, direction marks) spelled out."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() or character == "\u00a0"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


@lru_cache(4096)  # an explanation shows the numbers of a schedule again and again
def _number(value: str, at_least_places: int, thousands: str, decimal_mark: str) -> str:
    whole, slash, denominator = value.partition("/")
    if slash:
        numerator, divisor = int(whole), int(denominator)
        if abs(numerator) <= LARGEST_SHOWN_FRACTION and divisor <= LARGEST_SHOWN_FRACTION:
            return value
        value = _cut_decimal(numerator, divisor, SHOWN_DECIMALS_OF_A_FRACTION)
    integer, point, decimals = value.partition(".")
    if point and len(decimals) > SHOWN_DECIMALS and not decimals.endswith("…"):
        decimals = decimals[:SHOWN_DECIMALS] + "…"
    decimals = decimals.ljust(at_least_places, "0")
    sign = "-" if integer.startswith("-") else ""
    grouped = f"{int(integer.lstrip('-')):,}".replace(",", thousands)
    return f"{sign}{grouped}{decimal_mark if decimals else ''}{decimals}"


def _cut_decimal(numerator: int, divisor: int, places: int) -> str:
    """The first decimals of a fraction that has more of them, marked with ``…``."""
    sign = "-" if numerator < 0 else ""
    whole, remainder = divmod(abs(numerator), divisor)
    return f"{sign}{whole}.{str(remainder * 10**places // divisor).rjust(places, '0')}…"


def placeholders(template: str) -> frozenset[str]:
    """The names of the values a template takes."""
    return frozenset(name for _, name, _, _ in Formatter().parse(template) if name is not None)


@lru_cache(maxsize=len(LANGUAGES))
def _read_labels(language: str) -> Labels:
    text = files("tariffcore").joinpath("labels", f"{language}.toml").read_text(encoding="utf-8")
    return Labels(language, tomllib.loads(text))


def labels_in(language: str) -> Labels:
    """The labels of a language. Raises ExplainError for one there are no labels in."""
    if language not in LANGUAGES:
        raise ExplainError(
            "the language has no labels",
            [
                Problem(
                    place="labels",
                    field="language",
                    value=str(language),
                    message="there are no labels in this language",
                    way_out=f"use one of {', '.join(LANGUAGES)}",
                )
            ],
        )
    return _read_labels(language)
