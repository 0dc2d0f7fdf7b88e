"""How a step of a statement is put into words: codes stay codes, what they are called stands beside them."""

from __future__ import annotations

from tariffcore.labelling import Labels
from tariffcore.money import format_exact
from tariffcore.settlement.statement import StatementStep


def line_name(step: StatementStep, labels: Labels) -> str | None:
    """What its contract line is called; None where it is of the whole contract."""
    return None if step.contract_line is None else labels.word("contract_line", step.contract_line)


def detail_in_words(step: StatementStep, labels: Labels) -> str:
    """What it is of: a slice of the scale as a sentence, all else in the words of the data."""
    of = step.of_slice
    if of is None:
        return step.detail
    values = {"over_from": format_exact(of.from_share), "paid_share": format_exact(of.pay)}
    if of.up_to is None:
        return labels.sentence("settlement", "slice_beyond", values)
    return labels.sentence("settlement", "slice_from_to", {**values, "over_to": format_exact(of.up_to)})


def source_in_words(source: str, labels: Labels) -> str:
    """A source of the shipped rules in the language; one that somebody wrote is as it was written."""
    return labels.word("settlement_source", source) if source else ""
