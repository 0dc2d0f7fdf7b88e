"""Settles a month: claims are priced and taken in as columns, contracts settled, the book written, once."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tariffcore.errors import Problem, SettlementError
from tariffcore.files import ColumnMapping
from tariffcore.plan import Plan
from tariffcore.pricing import default_threads
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import PaymentMethod
from tariffcore.schedule.values import instead_of
from tariffcore.settlement import line_files as files
from tariffcore.settlement.book.month_writing import Cell, record_month
from tariffcore.settlement.book.records import (
    Book,
    ContractState,
    Of,
    RunRecord,
    SettledMonth,
    run_of_inputs,
    runs_in,
    settled_in,
)
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.choosing import Chosen, WithoutClaims, choose_contracts, left_open
from tariffcore.settlement.deductions import (
    LineDefect,
    NotApplicableError,
    defect_deduction,
    measure_words,
    taken_off_each,
)
from tariffcore.settlement.intake import Intake
from tariffcore.settlement.line_findings import keep_outcomes, read_held
from tariffcore.settlement.line_ids import LineIndex
from tariffcore.settlement.line_sums import CellSums, sums_by_cell
from tariffcore.settlement.lines import ClaimedLines, Frame, Key, LineReader, LineStatus, Marks
from tariffcore.settlement.month import ClaimSums, ContractMonth, ContractResult, PlannedLine, settle_contract
from tariffcore.settlement.month_inputs import FoundDefect, MonthInputs
from tariffcore.settlement.priced_file import open_priced
from tariffcore.settlement.rules import SettlementRules
from tariffcore.version import ENGINE_VERSION
from tariffcore.worksheets.problems import ProblemList

METHODS = tuple(method.value for method in PaymentMethod)


@dataclass(frozen=True)
class SettledRun:
    """A month that is in the book. ``again``: it was settled before, from the same inputs."""

    record: RunRecord
    months: list[SettledMonth]
    again: bool
    left_open: tuple[str, ...] = ()
    """Providers with a contract and without a line in the month, which is not settled for them."""


def settle_month(
    book: Book,
    cases_path: Path,
    catalog: Catalog | Plan,
    rules: SettlementRules,
    month: Month,
    inputs: MonthInputs | None = None,
    *,
    priced_path: Path | None = None,
    only_provider: str | None = None,
    rest: bool = False,
    without_claims: WithoutClaims = WithoutClaims.REFUSE,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> SettledRun:
    """Settles the month of every contract in force from a file of cases.

    ``only_provider``: of this provider's contracts only; ``rest``: of those only that are not settled yet.
    ``without_claims`` says what becomes of providers of which no line is in the month.
    ``priced_path`` is what ``price`` made of the same file: its prices are compared with ours, and are never
    paid where they differ (see `priced_file`).
    A line that cannot be part of the month is set aside with its reason; whatever else is wrong (a defect of
    an unknown line, a month out of order, ...) is SettlementError, and nothing is recorded. The same inputs
    again give what was recorded; other inputs for a settled month are refused.
    """
    plan = catalog if isinstance(catalog, Plan) else Plan(catalog)
    _require_currency(plan, rules)
    _require_scale(rules, month)
    inputs = inputs or MonthInputs()
    pricing = pricing_note(plan)
    digest = _input_digest(
        cases_path,
        priced_path,
        [inputs.digest, rules.digest, json.dumps(pricing, sort_keys=True), only_provider or ""],
        ["rest"] * rest + ["leave"] * (without_claims is WithoutClaims.LEAVE),
    )
    known = _settled_from(book, month, digest)
    if known is not None:
        return known
    with book.reading() as connection:
        try:
            chosen = choose_contracts(connection, month, inputs, only=only_provider, rest=rest)
        except SettlementError:
            known = _settled_from(book, month, digest)  # by another that began a moment earlier
            if known is None:
                raise
            return known
        earlier = runs_in(connection, month.plus(-rules.repeated_within_months), month)
    run = _Run(book, plan, rules, month, chosen, earlier, only_provider)
    with ExitStack() as stack:
        path = stack.enter_context(files.unfinished(book.lines_folder))
        given = None if priced_path is None else stack.enter_context(open_priced(priced_path, plan))
        used_threads = default_threads() if threads is None else threads
        lines, components = run.intake.take_in(
            cases_path, path, used_threads, mapping, sheet, progress, given
        )
        index = run.intake.find_repeated(lines, components, path)
        run.apply_defects(lines, index)
        open_still = left_open(chosen, lines, month, str(cases_path), without_claims)
        states = {of: state for of, state in chosen.states.items() if of[0] not in open_still}
        cells = sums_by_cell(lines)
        results = run.settle(states, cells)
        lines_digest = files.keep(path, book.lines_folder, "lines")
    held = np.flatnonzero(lines.status == np.uint8(LineStatus.HELD))
    outcomes_digest = keep_outcomes(book.lines_folder, lines, rules.minor_units, inputs.held_sources)
    files.write_ids(book.lines_folder, outcomes_digest, index.without(held.astype(np.int64)))
    statuses = Counter(
        dict(zip(*(a.tolist() for a in np.unique(lines.status, return_counts=True)), strict=True))
    )
    row = {
        "month": month.number,
        "input_digest": digest,
        "only_provider": only_provider,
        "rules_id": rules.id,
        "rules_digest": rules.digest,
        "engine_version": ENGINE_VERSION,
        "pricing": json.dumps(pricing),
        "currency": rules.currency,
        "minor_units": rules.minor_units,
        "synthetic": rules.synthetic or any(edition.synthetic for edition in plan.editions),
        "lines_digest": lines_digest,
        "outcomes_digest": outcomes_digest,
        "lines_read": len(lines),
        "set_aside": json.dumps(
            {
                LineStatus(status).name: count
                for status, count in statuses.items()
                if status > LineStatus.RELEASED
            }
        ),
    }
    every = not rest and not open_still
    recorded = record_month(book, row, results, states, cells, components, every=every)
    if recorded is None:
        known = _settled_from(book, month, digest)
        assert known is not None, "what is recorded stays"
        return known
    run_id, id_of = recorded
    with book.reading() as connection:
        record = next(run for run in runs_in(connection, month, month) if run.id == run_id)
    months = [
        SettledMonth(id_of[of], run_id, states[of].terms.region, result)
        for result in sorted(results, key=lambda one: (one.provider_id, one.funding_source))
        for of in [(result.provider_id, result.funding_source)]
    ]
    return SettledRun(record, months, again=False, left_open=open_still)


def _settled_from(book: Book, month: Month, digest: str) -> SettledRun | None:
    """What is recorded for the month, if it was settled from the same inputs."""
    with book.reading() as connection:
        run = run_of_inputs(connection, month, digest)
        if run is None:
            return None
        return SettledRun(run, settled_in(connection, month, run=run.id), again=True)


def pricing_note(plan: Plan) -> dict[str, Any]:
    """What prices come from: enough to price the same lines again, and to see whether they would differ."""
    catalog = plan.catalog
    return {
        "tariff_family": catalog.tariff_family,
        "deciding_date": catalog.deciding_date.value,
        "as_of": None if catalog.as_of is None else catalog.as_of.isoformat(),
        "editions": {edition.id: edition.digest for edition in plan.editions},
    }


def _require_currency(plan: Plan, rules: SettlementRules) -> None:
    edition = plan.editions[0]
    if (edition.currency, edition.minor_units) != (rules.currency, rules.minor_units):
        raise SettlementError(
            "the schedule and the rules do not fit together",
            [
                Problem(
                    f"{rules.folder}/settlement.toml",
                    "currency",
                    f"{rules.currency} with {rules.minor_units} decimals",
                    f"the schedule is in {edition.currency} with {edition.minor_units}",
                    "settle in the currency of the prices",
                )
            ],
        )


def _require_scale(rules: SettlementRules, month: Month) -> None:
    """Without a scale nobody would be exempt, and nothing over the plan paid: by a gap, and by no rule."""
    if any(scale.effective_start_date <= month.first_day for scale in rules.scales):
        return
    first = min((scale.effective_start_date for scale in rules.scales), default=None)
    message = "no linear scale is in force" + ("" if first is None else f"; the first begins on {first}")
    way_out = "write the scale of that month, or one with slices = [] where nothing over the plan is paid"
    place = f"{rules.folder}/settlement.toml"
    raise SettlementError(f"{month} was not settled", [Problem(place, "scale", str(month), message, way_out)])


def _input_digest(
    cases: Path,
    priced: Path | None,
    others: list[str],
    options: list[str],
) -> str:
    """Of all that the outcome depends on."""
    digests = []
    for path, what in ((cases, "the claims"), (priced, "the priced file")):
        if path is None:
            continue
        try:
            digests.append(files.file_digest(path))
        except OSError as error:
            why = f"cannot be read ({error.strerror})"
            raise SettlementError(
                f"{what} cannot be read", [Problem(str(path), None, None, why, "check the path")]
            ) from None
    of_cases, *of_priced = digests
    parts = [of_cases, *others, *of_priced, *options]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


class _Run:
    """The steps of one month."""

    def __init__(
        self,
        book: Book,
        plan: Plan,
        rules: SettlementRules,
        month: Month,
        chosen: Chosen,
        earlier: list[RunRecord],
        only: str | None,
    ) -> None:
        self.book = book
        self.plan = plan
        self.rules = rules
        self.month = month
        self.earlier = earlier
        self.inputs = inputs = chosen.inputs
        self.scale = rules.scale_on(month.first_day)
        everybody = [*chosen.states, *sorted(chosen.settled)]
        providers = tuple(dict.fromkeys(provider for provider, _ in everybody))
        sources = tuple(dict.fromkeys(source for _, source in everybody))
        names = tuple(rules.contract_lines)
        planned = np.zeros((len(providers), len(names), len(sources)), dtype=np.bool_)
        settled = np.zeros((len(providers), len(sources)), dtype=np.bool_)
        for provider, source in chosen.settled:
            settled[providers.index(provider), sources.index(source)] = True
        for (provider, source), state in chosen.states.items():
            for line in state.terms.plans:
                if line in rules.contract_lines:
                    planned[providers.index(provider), names.index(line), sources.index(source)] = True
        self.frame = Frame(month, providers, names, sources, METHODS, planned, settled, only)
        released = [
            key for run in earlier if run.month < month
            for key in read_held(book.lines_folder, run.outcomes_digest)
        ]  # fmt: skip
        reader = LineReader(self.frame, rules, plan, Marks(inputs.held), Marks(released))
        self.intake = Intake(plan, reader, book.lines_folder, earlier)

    # -- deductions ------------------------------------------------------------------------------

    def apply_defects(self, lines: ClaimedLines, index: LineIndex) -> None:
        """Deducts for every defect, and refuses the month where one, or a held line, is of no line of it."""
        problems = ProblemList()
        for problem in self.inputs.problems:
            problems.add(problem)
        row_of = self._rows_named(lines, index)
        for key, place in self.inputs.unread:
            if key not in row_of:
                problems.note(place, "case_id", key[1], *self._unknown(lines, key))
        for key, place in self.inputs.held.items():
            if key not in row_of:
                problems.note(place, "case_id", key[1], *self._unknown(lines, key))
        for key, found in self.inputs.defects.items():
            row = row_of.get(key)
            if row is None:
                for defect in found:
                    problems.note(defect.place, "case_id", key[1], *self._unknown(lines, key))
                continue
            defects = self._defects(lines, row, found, problems)
            lines.deducted[row] = sum(defect.taken_off for defect in defects)
            lines.defects[row] = defects
        problems.raise_if_any(SettlementError, "what comes with the month", "nothing was settled")

    def _rows_named(self, lines: ClaimedLines, index: LineIndex) -> dict[Key, int]:
        wanted = Marks([*self.inputs.held, *self.inputs.defects, *(key for key, _ in self.inputs.unread)])
        rows: dict[Key, int] = {}
        for key, hashed in wanted.hashed():
            candidates = index.candidates(hashed)
            for row, found in zip(candidates.tolist(), lines.keys(candidates), strict=True):
                if found == key:
                    rows[key] = row
        return rows

    def _unknown(self, lines: ClaimedLines, key: Key) -> tuple[str, str]:
        if key[0] not in self.frame.providers:
            return f"{key[0]!r} has no contract for {self.month}", instead_of(key[0], self.frame.providers)
        for row, _ in Marks([key]).found(lines):
            status = LineStatus(int(lines.status[row]))
            return (
                f"the line of {key[0]!r} is set aside ({status.name})",
                "correct the line, or remove what concerns it",
            )
        return f"{key[0]!r} has no line with this id", "check the id: it must be as in the claims"

    def _defects(
        self, lines: ClaimedLines, row: int, found: list[FoundDefect], problems: ProblemList
    ) -> tuple[LineDefect, ...]:
        rules = self.rules
        basis = rules.contract_lines[self.frame.contract_lines[int(lines.contract_line[row])]].defect_basis
        norm = rules.norm_on(basis, self.month.first_day)
        applied, amounts = [], []
        for one in found:
            defect = rules.defects[one.defect_code]
            try:
                amount = defect_deduction(defect, basis, int(lines.priced[row]), norm, rules.roundings)
            except NotApplicableError as error:
                problems.note(one.place, "defect_code", one.defect_code, error.message, error.way_out)
                continue
            applied.append((one, defect))
            amounts.append(amount)
        return tuple(
            LineDefect(
                defect.code,
                defect.name,
                measure_words(defect, basis, norm, rules.minor_units),
                taken_off,
                defect.source,
                one.source,
            )
            for (one, defect), taken_off in zip(
                applied, taken_off_each(amounts, rules.several_defects), strict=True
            )
        )

    # -- contracts -------------------------------------------------------------------------------

    def settle(
        self, states: Mapping[Of, ContractState], cells: Mapping[Cell, CellSums]
    ) -> list[ContractResult]:
        claims: dict[Of, dict[str, ClaimSums]] = {}
        for (provider, line, source, _), sums in cells.items():
            of = claims.setdefault((provider, source), {})
            before = of.get(line, ClaimSums())
            of[line] = ClaimSums(
                before.lines + sums.lines,
                before.claimed + sums.claimed,
                before.overclaimed + sums.overclaimed,
                before.deducted + sums.deducted,
                before.held_lines + sums.held_lines,
                before.held + sums.held,
            )
        return [
            settle_contract(
                self._contract_month(of, state, claims.get(of, {})), self.scale, self.rules.roundings
            )
            for of, state in states.items()
        ]

    def _contract_month(self, of: Of, state: ContractState, claims: Mapping[str, ClaimSums]) -> ContractMonth:
        lines = [
            PlannedLine(line, plan[self.month.month - 1], self._is_exempt(line))
            for line, plan in state.terms.plans.items()
        ]
        return ContractMonth(
            provider_id=of[0],
            funding_source=of[1],
            month=self.month,
            lines=lines,
            claims=claims,
            annual_plan=state.terms.annual_plan,
            paid_so_far=state.paid_so_far,
            debt=state.debt,
            earlier_accepted=state.earlier_accepted,
            advances=state.advances,
            items=[*state.corrections, *self.inputs.items.get(of, [])],
        )

    def _is_exempt(self, line: str) -> bool:
        found = self.rules.contract_lines.get(line)
        return found is not None and found.category in self.scale.exempt
