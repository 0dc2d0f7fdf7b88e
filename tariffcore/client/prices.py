"""Answers of a column stream as the priced cases that outputs, rejects and summaries are made of."""

from __future__ import annotations

from tariffcore.client.case_columns import ReadCases
from tariffcore.client.column_answers import PricedRows, StreamNames
from tariffcore.pricing import PricedCases


def priced_cases(names: StreamNames, read: ReadCases, rows: PricedRows) -> PricedCases:
    """The prices of the cases that were read."""
    return PricedCases(
        names,
        read,
        rows.amount_minor,
        rows.status,
        rows.edition,
        rows.rule,
        rows.parts_minor,
        rows.has_parts,
        rows.found,
    )
