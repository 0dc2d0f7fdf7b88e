"""Steps in words: sources of the shipped rules and slices of the scale, in each language."""

from __future__ import annotations

from fractions import Fraction

import pytest

from tariffcore.labelling import LANGUAGES, labels_in
from tariffcore.settlement.month import SliceResult
from tariffcore.settlement.rules_reading import read_rules, resolve_rules
from tariffcore.settlement.statement import StatementStep
from tariffcore.settlement.statement_words import detail_in_words, source_in_words


def test_every_source_that_a_page_shows_of_the_shipped_rules_is_in_each_language() -> None:
    rules = read_rules(resolve_rules("kz-2026"))
    shown = {
        rules.order_source, rules.deductions_source, rules.advances.source, rules.december_source,
        rules.fund.source, *(scale.source for scale in rules.scales),
        rules.scale_on(rules.scales[0].effective_start_date.replace(year=1999)).source,
        *(defect.source for defect in rules.defects.values()),
    }  # fmt: skip
    for language in LANGUAGES:
        assert set(labels_in(language).sections["settlement_source"]) == shown
    for source in shown:
        assert source_in_words(source, labels_in("en")) == source


def test_a_source_that_somebody_wrote_stays_as_it_is() -> None:
    assert source_in_words("протокол 7", labels_in("kk")) == "протокол 7"
    assert source_in_words("", labels_in("ru")) == ""


@pytest.mark.parametrize(
    ("start", "end", "pay", "english", "russian"),
    [
        ("0", "3/50", "1/2", "0 % to 6 % over the plan, paid at 50 %",
         "от 0 % до 6 % сверх плана, оплата 50 %"),
        ("0.025", None, "0.1", "beyond 2.5 % over the plan, paid at 10 %",
         "более чем на 2,5 % сверх плана, оплата 10 %"),
        ("1/3", None, "0", "beyond 100/3 % over the plan, paid at 0 %",
         "более чем на 100/3 % сверх плана, оплата 0 %"),
    ],
)  # fmt: skip
def test_a_slice_is_a_sentence_in_per_cent(
    start: str, end: str | None, pay: str, english: str, russian: str
) -> None:
    of = SliceResult(Fraction(start), None if end is None else Fraction(end), Fraction(pay), Fraction(1))
    step = StatementStep("insurance", "inpatient", "slice", 1, "0 % – 6 % × 50 %", of_slice=of)
    assert detail_in_words(step, labels_in("en")) == english
    assert detail_in_words(step, labels_in("ru")) == russian
