"""Corrections of settled months by a document: late lines, lost objections, mistakes found afterwards.

A settled month never changes. A correction is an entry of its own that refers to it, and the next month that
is settled for the contract carries it out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.schedule.values import UnreadableValueError, code_value
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.contract_records import Changes
from tariffcore.settlement.book.records import Book, now
from tariffcore.settlement.calendar_month import Month, month_value
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.tables import GIVEN_CORRECTIONS
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import read_blocks
from tariffcore.worksheets.values import money_reader

DOCUMENT = "document"
"""What the note of a correction names where it rests on a document, and not on other prices."""


@dataclass(frozen=True, slots=True)
class GivenCorrection:
    """``amount``: minor units that the provider gets in addition, or gives back (below zero)."""

    correction_id: str
    provider_id: str
    funding_source: str
    month: Month
    amount: int
    source: str
    place: str


def read_corrections(path: Path, rules: SettlementRules) -> tuple[GivenCorrection, ...]:
    """The corrections of a table. Raises SettlementError with all that is wrong in it."""
    problems = ProblemList()
    money = money_reader(rules.minor_units)

    def amount_of(text: str) -> int:
        amount = money(text)
        if amount == 0:
            raise UnreadableValueError("corrects nothing", "remove the row")
        return amount

    found: dict[str, GivenCorrection] = {}
    for block in read_blocks(path, path.name, GIVEN_CORRECTIONS, problems):
        columns = (
            block.read("correction_id", code_value),
            block.read("provider_id", code_value),
            block.read("funding_source", code_value),
            block.read("month", month_value),
            block.read("amount", amount_of),
            block.read("source", str),
        )
        for row, (own_id, provider, funding, month, amount, source) in enumerate(zip(*columns, strict=True)):
            if None in (own_id, provider, funding, month, amount) or not source:
                continue
            assert own_id is not None and provider is not None and funding is not None
            assert month is not None and amount is not None
            if own_id in found:
                block.note(row, "correction_id", own_id, "is given already", "give each its own number")
            place = f"{block.place}:{block.lines[row]}"
            found[own_id] = GivenCorrection(own_id, provider, funding, month, amount, source, place)
    problems.raise_if_any(SettlementError, f"the corrections in {path}", "no correction was recorded")
    return tuple(found.values())


def record_corrections(book: Book, corrections: Sequence[GivenCorrection]) -> Changes:
    """Records corrections; one that is there already must say the same. Raises SettlementError otherwise, and
    where a month is not settled."""
    t, c = s.SETTLED, s.CORRECTIONS
    with book.writing() as connection:
        settled = {
            (row.provider_id, row.funding_source, row.month): row.id
            for row in connection.execute(sa.select(t.c.id, t.c.provider_id, t.c.funding_source, t.c.month))
        }
        known: dict[str, tuple[int, int, str]] = {}
        numbers: dict[int, int] = {}
        for row in connection.execute(sa.select(c)):
            numbers[row.settled_id] = max(numbers.get(row.settled_id, 0), row.number)
            document = json.loads(row.pricing).get(DOCUMENT)
            if document is not None:
                known[document] = (row.settled_id, row.amount, row.reason)
        problems, rows, unchanged = [], [], 0
        for one in corrections:
            settled_id = settled.get((one.provider_id, one.funding_source, one.month.number))
            if settled_id is None:
                message = f"the month of {one.provider_id} with {one.funding_source} is not settled"
                way_out = "claim it with the month, which is still open"
                problems.append(Problem(one.place, "month", str(one.month), message, way_out))
                continue
            before = known.get(one.correction_id)
            if before is not None:
                if before == (settled_id, one.amount, one.source):
                    unchanged += 1
                else:
                    message, way_out = "is recorded with other values", "give a new correction its own number"
                    problems.append(Problem(one.place, "correction_id", one.correction_id, message, way_out))
                continue
            numbers[settled_id] = numbers.get(settled_id, 0) + 1
            rows.append(
                {
                    "settled_id": settled_id,
                    "number": numbers[settled_id],
                    "amount": one.amount,
                    "lines": 0,
                    "reason": one.source,
                    "pricing": json.dumps({DOCUMENT: one.correction_id}),
                    "lines_digest": "",
                    "recorded_at": now(),
                }
            )
        if problems:
            raise SettlementError("no correction was recorded", problems)
        if rows:
            connection.execute(sa.insert(c), rows)
    return Changes(len(rows), 0, unchanged)
