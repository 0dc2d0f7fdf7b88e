"""Editions issued backwards in time: which settled lines they price otherwise, and corrections for it.

A correction is the difference in the accepted sum of a contract's month: the same claims, plans, defects and
linear scale with the new prices. Advances and limits apply when it is carried out, in the next month that is
settled for the contract.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa
from numpy.typing import NDArray

from tariffcore.batch import PlanPricer
from tariffcore.column_reading import coded_text, money_minor
from tariffcore.errors import Problem, SettlementError
from tariffcore.files import open_output
from tariffcore.files.writing import OutputWriter
from tariffcore.plan import Plan
from tariffcore.pricing import decimals
from tariffcore.settlement import line_files as files
from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.records import Book, Of, RunRecord, SettledMonth, now, runs_in, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.corrections import DOCUMENT
from tariffcore.settlement.deductions import defect_deduction, line_deduction
from tariffcore.settlement.line_findings import read_findings
from tariffcore.settlement.lines import LAST_IN_MONTH, LineStatus
from tariffcore.settlement.month import ClaimSums, PlannedLine, scaled_line
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.run import pricing_note

_IN_MONTH = [status.name for status in LineStatus if status <= LAST_IN_MONTH]


@dataclass
class MonthChange:
    """What new prices change in the month of a contract. ``amount``: of the accepted sum, in minor units;
    ``corrected`` of it was corrected before. ``unpriced`` lines have no price now, and keep their old one."""

    month: Month
    settled_id: int
    provider_id: str
    funding_source: str
    lines: int = 0
    priced: int = 0
    """By how much the prices of the lines differ together."""
    unpriced: int = 0
    held_back: int = 0
    """Lines that were claimed below their new price: the claim is the most that is paid."""
    amount: int = 0
    corrected: int = 0
    by_line: dict[str, list[int]] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """What is still to be corrected."""
        return self.amount - self.corrected


@dataclass(frozen=True)
class Backdated:
    """The changes, by month and contract; ``recorded`` corrections, ``lines_digest`` of the list of lines."""

    changes: tuple[MonthChange, ...]
    recorded: int = 0
    lines_digest: str | None = None


def backdated_changes(
    book: Book,
    plan: Plan,
    rules: SettlementRules,
    *,
    lines_out: Path | None = None,
    correct: bool = False,
    reason: str = "",
) -> Backdated:
    """Prices every settled line anew, and says what would change; with ``correct`` records it.

    lines_out  where the lines are listed, each with its old and new price
    Corrections are recorded once: what was corrected before is taken off. Raises SettlementError where the
    rules are not those of a settled month, or files of lines are missing or changed.
    """
    with book.reading() as connection:
        runs = runs_in(connection)
        months = settled_in(connection)
        corrected = _corrected(connection)
    note = pricing_note(plan)
    with_corrections = {one.run_id for one in months if one.id in corrected}
    wanted = [run for run in runs if run.pricing != note or run.id in with_corrections]
    other = sorted({run.rules_id for run in wanted if run.rules_digest != rules.digest})
    if other:
        raise SettlementError(
            "nothing was compared",
            [Problem(rules.folder, None, name, "settled months by these rules, and the digest differs",
                     "name the folder of rules they were settled by (--rules)") for name in other],
        )  # fmt: skip
    changes: list[MonthChange] = []
    with ExitStack() as stack:
        kept = stack.enter_context(files.unfinished(book.lines_folder))
        schema = _schema(rules.minor_units)
        writer = stack.enter_context(pq.ParquetWriter(kept, schema))
        listed = (
            stack.enter_context(open_output(lines_out, schema, note={})) if lines_out is not None else None
        )
        for run in wanted:
            of_run = {
                (one.result.provider_id, one.result.funding_source): one
                for one in months
                if one.run_id == run.id
            }
            changes += _Comparison(book, plan, rules, run, of_run, corrected).changes(writer, listed)
        writer.close()
        if listed is not None:
            listed.complete()
        recorded, digest = 0, None
        if correct and any(one.open for one in changes):
            digest = files.keep(kept, book.lines_folder, "corrections")
            recorded = _record(book, changes, json.dumps(note), reason, digest)
    return Backdated(tuple(changes), recorded, digest)


def _corrected(connection: sa.Connection) -> dict[int, int]:
    """What was corrected for other prices, by settled month; corrections by a document are no part of it."""
    c = s.CORRECTIONS.c
    rows = connection.execute(sa.select(c.settled_id, c.amount, c.pricing))
    found: dict[int, int] = {}
    for settled_id, amount, pricing in rows:
        if DOCUMENT in json.loads(pricing):
            continue
        found[settled_id] = found.get(settled_id, 0) + amount
    return found


def _record(book: Book, changes: list[MonthChange], note: str, reason: str, digest: str) -> int:
    """In one transaction; refuses where another correction was recorded meanwhile."""
    with book.writing() as connection:
        corrected = _corrected(connection)
        numbers: dict[int, int] = dict(
            connection.execute(
                sa.select(s.CORRECTIONS.c.settled_id, sa.func.max(s.CORRECTIONS.c.number)).group_by(
                    s.CORRECTIONS.c.settled_id
                )
            ).all()
        )
        if any(corrected.get(one.settled_id, 0) != one.corrected for one in changes):
            raise SettlementError(
                "no correction was recorded",
                [Problem("the book", None, None, "has changed while prices were compared", "compare again")],
            )
        rows = [
            {
                "settled_id": one.settled_id,
                "number": numbers.get(one.settled_id, 0) + 1,
                "amount": one.open,
                "lines": one.lines,
                "reason": reason or "an edition with effect backwards",
                "pricing": note,
                "lines_digest": digest,
                "recorded_at": now(),
            }
            for one in changes
            if one.open
        ]
        connection.execute(sa.insert(s.CORRECTIONS), rows)
    return len(rows)


def _schema(minor_units: int) -> pa.Schema:
    """``counted_difference``: of what is paid at most, the price or the claim, before deductions."""
    money = pa.decimal128(19, minor_units)
    texts = ("month", "provider_id", "funding_source", "contract_line", "case_id", "old_schedule_id")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("new_schedule_id", pa.string()),
            ("old_amount", money),
            ("new_amount", money),
            ("difference", money),
            ("counted_difference", money),
            ("new_status", pa.string()),
        ]
    )


class _Comparison:
    """Old and new prices of the lines of one run."""

    def __init__(
        self,
        book: Book,
        plan: Plan,
        rules: SettlementRules,
        run: RunRecord,
        months: dict[Of, SettledMonth],
        corrected: dict[int, int],
    ) -> None:
        self.folder = book.lines_folder
        self.rules = rules
        self.run = run
        self.months = months
        self.corrected = corrected
        self.pricer = PlanPricer(plan, components=False)
        self.defects = read_findings(self.folder, run.outcomes_digest).defects
        self.found: dict[Of, MonthChange] = {}

    def changes(self, writer: pq.ParquetWriter, listed: OutputWriter | None) -> list[MonthChange]:
        lines_path = files.lines_path(self.folder, self.run.lines_digest)
        outcomes_path = files.outcomes_path(self.folder, self.run.outcomes_digest)
        for path in (lines_path, outcomes_path):
            files.require_unchanged(path)
        outcomes = pq.read_table(outcomes_path)
        start = 0
        for batch in pq.ParquetFile(lines_path).iter_batches():
            part = outcomes.slice(start, batch.num_rows)
            for table in self._changed(pa.Table.from_batches([batch]), part, start):
                writer.write_table(table)
                if listed is not None:
                    listed.append(listed.encode(table))
            start += batch.num_rows
        for of, one in self.months.items():
            if one.id in self.corrected:  # what was corrected may have to be taken back
                self._change(of)
        for of, change in self.found.items():
            self._of_accepted(self.months[of], change)
        return sorted(self.found.values(), key=lambda one: (one.month, one.provider_id, one.funding_source))

    def _changed(self, lines: pa.Table, outcomes: pa.Table, start: int) -> Iterator[pa.Table]:
        """The lines of a batch that are priced otherwise, as listed; their sums are added to the changes."""
        units = self.rules.minor_units
        cases = lines.select([name for name in lines.column_names if not name.startswith("priced_")])
        priced = self.pricer.price(cases, np.zeros(0, dtype=np.intp))
        status = coded_text("line_status", outcomes.column("line_status"))
        in_month = status.map(lambda text: text in _IN_MONTH, False, np.bool_)
        old = money_minor("amount", lines.column("priced_amount"), units).values
        differs = in_month & (~priced.ok | (priced.amount_minor != old))
        rows = np.flatnonzero(differs)
        if not len(rows):
            return
        new = np.where(priced.ok, priced.amount_minor, old)
        claimed = money_minor("claimed_amount", outcomes.column("claimed_amount"), units).values
        held = status.map(lambda text: text == LineStatus.HELD.name, False, np.bool_)
        # a line without a claim claims its price, whatever that is
        follows = (claimed == old) if self.rules.claims_follow_price else np.zeros(len(old), dtype=np.bool_)
        if "claimed_amount" in cases.column_names:
            follows |= money_minor("claimed_amount", cases.column("claimed_amount"), units).missing
        else:
            follows[:] = True
        claimed_now = np.where(follows, new, claimed)
        counted = np.minimum(claimed_now, new) - np.minimum(claimed, old)
        texts = {
            name: [
                None if cell is None else str(cell).strip()
                for cell in column.take(pa.array(rows)).to_pylist()
            ]
            for name, column in (
                ("provider_id", lines.column("provider_id")),
                ("funding_source", lines.column("funding_source")),
                ("contract_line", outcomes.column("contract_line")),
                ("case_id", lines.column("case_id")),
                ("old_schedule_id", lines.column("priced_schedule_id")),
            )
        }
        for place, row in enumerate(rows.tolist()):
            of = texts["provider_id"][place] or "", texts["funding_source"][place] or ""
            self._count(
                of,
                texts["contract_line"][place] or "",
                start + row,
                old=int(old[row]),
                new=int(new[row]),
                claimed=int(claimed[row]),
                claimed_now=int(claimed_now[row]),
                held=bool(held[row]),
                is_priced=bool(priced.ok[row]),
            )
        columns = priced.columns()
        chosen = pa.array(rows)
        every = np.ones(len(rows), dtype=np.bool_)
        yield pa.table(
            [
                pa.array([str(self.run.month)] * len(rows), pa.string()),
                *(pa.array(texts[name], pa.string()) for name in
                  ("provider_id", "funding_source", "contract_line", "case_id", "old_schedule_id")),
                columns["schedule_id"].take(chosen).cast(pa.string()),
                *(self._money(minor[rows], valid) for minor, valid in
                  ((old, every), (new, priced.ok[rows]), (new - old, priced.ok[rows]), (counted, every))),
                columns["status"].take(chosen).cast(pa.string()),
            ],
            schema=_schema(units),
        )  # fmt: skip

    def _money(self, minor: NDArray[np.int64], valid: NDArray[np.bool_]) -> pa.Array:
        return decimals(np.ascontiguousarray(minor), self.rules.minor_units, valid, digits=19)

    def _count(
        self,
        of: Of,
        line: str,
        row: int,
        *,
        old: int,
        new: int,
        claimed: int,
        claimed_now: int,
        held: bool,
        is_priced: bool,
    ) -> None:
        change = self._change(of)
        change.lines += 1
        change.unpriced += not is_priced
        change.priced += new - old
        change.held_back += claimed_now < new and old < new
        sums = change.by_line.setdefault(line, [0, 0, 0, 0])  # overclaimed, deducted, held, claimed
        sums[0] += max(claimed_now - new, 0) - max(claimed - old, 0)
        sums[3] += claimed_now - claimed
        if held:
            sums[2] += min(claimed_now, new) - min(claimed, old)
        codes = [defect.code for defect in self.defects.get(row, ())]
        if codes:
            sums[1] += self._deducted(line, codes, new) - self._deducted(line, codes, old)

    def _change(self, of: Of) -> MonthChange:
        one = self.months[of]
        corrected = self.corrected.get(one.id, 0)
        return self.found.setdefault(of, MonthChange(self.run.month, one.id, *of, corrected=corrected))

    def _deducted(self, line: str, codes: list[str], priced: int) -> int:
        basis = self.rules.contract_lines[line].defect_basis
        norm = self.rules.norm_on(basis, self.run.month.first_day)
        amounts = [
            defect_deduction(self.rules.defects[code], basis, priced, norm, self.rules.roundings)
            for code in codes
        ]
        return line_deduction(amounts, self.rules.several_defects)

    def _of_accepted(self, one: SettledMonth, change: MonthChange) -> None:
        """The accepted sum with the new prices, less the old one: deductions and linear scale anew."""
        scale = self.rules.scale_on(self.run.month.first_day)
        for line in one.result.lines:
            if line.contract_line not in change.by_line:
                continue
            overclaimed, deducted, held, claimed = change.by_line[line.contract_line]
            old = line.claims
            claims = ClaimSums(
                old.lines, old.claimed + claimed, old.overclaimed + overclaimed, old.deducted + deducted,
                old.held_lines, old.held + held,
            )  # fmt: skip
            planned = PlannedLine(line.contract_line, line.plan, line.exempt)
            change.amount += scaled_line(planned, claims, scale, self.rules.roundings).payable - line.payable
