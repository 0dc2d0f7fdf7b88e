"""Contracts of a year and advances: what they are, and reading their tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from pathlib import Path

from tariffcore.errors import SettlementError
from tariffcore.money import MAX_AMOUNT_MINOR, format_minor, format_percent
from tariffcore.schedule.values import choice, code_value, whole_value
from tariffcore.settlement.calendar_month import Month, month_value
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.tables import ADVANCES, CONTRACTS, MONTH_COLUMNS
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block, read_blocks
from tariffcore.worksheets.values import amount_from_zero, day_as_written, money_reader


class AdvanceKind(StrEnum):
    """At signing, of the year's contract; or in December, of December's plan."""

    SIGNING = "signing"
    DECEMBER = "december"


@dataclass(frozen=True, slots=True)
class ContractTerms:
    """The contract of a provider with one funding source for a year. Money in minor units.

    plans            by contract line, the sums of the twelve months
    first_month      the first month that is settled here
    paid_before      what was paid for the months before it, advances included
    accepted_before  what was accepted in them
    """

    provider_id: str
    region: str
    funding_source: str
    year: int
    plans: dict[str, tuple[int, ...]]
    first_month: int = 1
    paid_before: int = 0
    accepted_before: int = 0
    source: str = ""

    @property
    def annual_plan(self) -> int:
        return sum(sum(plan) for plan in self.plans.values())

    def plan_of(self, month: int) -> int:
        """Of all lines in one month (1 to 12)."""
        return sum(plan[month - 1] for plan in self.plans.values())


@dataclass(frozen=True, slots=True)
class AdvancePaid:
    """An advance as it was paid; recovered in equal parts in the months from the first to the last."""

    advance_id: str
    provider_id: str
    funding_source: str
    kind: AdvanceKind
    paid_on: date
    amount: int
    recover_from: Month
    recover_until: Month
    source: str
    place: str


def read_contracts(path: Path, rules: SettlementRules) -> tuple[ContractTerms, ...]:
    """The contracts of a table. Raises SettlementError with all that is wrong."""
    problems = ProblemList()
    minor = amount_from_zero(money_reader(rules.minor_units))
    found: dict[tuple[str, str, int], ContractTerms] = {}
    for block in read_blocks(path, path.name, CONTRACTS, problems):
        providers, sources = block.read("provider_id", code_value), block.read("funding_source", code_value)
        regions = block.read("region", str, required=False)
        lines = block.read("contract_line", lambda text: choice(text, rules.contract_lines))
        years = block.read("year", lambda text: whole_value(text, 2000, 2100))
        months = [block.read(name, minor) for name in MONTH_COLUMNS]
        firsts = block.read("first_month", lambda text: whole_value(text, 1, 12), required=False)
        paid = block.read("paid_before", minor, required=False)
        accepted = block.read("accepted_before", minor, required=False)
        documents = block.read("source", str)
        for row in range(len(block)):
            provider, funding, line, year = providers[row], sources[row], lines[row], years[row]
            plan = tuple(column[row] for column in months)
            if provider is None or funding is None or line is None or year is None or None in plan:
                continue
            terms = ContractTerms(
                provider,
                regions[row] or "",
                funding,
                year,
                {},
                firsts[row] or 1,
                0,
                0,
                documents[row] or "",
            )
            of = found.setdefault((provider, funding, year), terms)
            if line in of.plans:
                block.note(row, "contract_line", line, "stands in this contract twice", "add the two up")
            for field, one, other in (
                ("region", of.region, terms.region),
                ("first_month", of.first_month, terms.first_month),
            ):
                if one != other:
                    block.note(row, field, str(other), f"another row of this contract says {one!r}",
                               "write the same in all of them")  # fmt: skip
            of.plans[line] = tuple(amount or 0 for amount in plan)
            found[provider, funding, year] = _with_before(of, paid[row] or 0, accepted[row] or 0)
    for terms in found.values():
        if terms.annual_plan > MAX_AMOUNT_MINOR:
            problems.note(path.name, None, terms.provider_id, "the year's sum has more than 18 digits",
                          "check its amounts")  # fmt: skip
        if terms.first_month == 1 and (terms.paid_before or terms.accepted_before):
            problems.note(
                path.name,
                "first_month",
                terms.provider_id,
                "money was paid or accepted before the first month, January",
                "write the first month that is settled here",
            )
    _close(problems, path, "contracts", "no contract was recorded")
    return tuple(found.values())


def _with_before(terms: ContractTerms, paid: int, accepted: int) -> ContractTerms:
    return ContractTerms(
        terms.provider_id,
        terms.region,
        terms.funding_source,
        terms.year,
        terms.plans,
        terms.first_month,
        terms.paid_before + paid,
        terms.accepted_before + accepted,
        terms.source,
    )


def read_advances(
    path: Path, rules: SettlementRules, contract_of: Callable[[str, str, int], ContractTerms | None]
) -> tuple[AdvancePaid, ...]:
    """The advances of a table, checked against their contracts. Raises SettlementError with all problems.

    ``contract_of`` gives the contract of a provider, funding source and year; the limits of several advances
    of one contract and kind hold for their sum.
    """
    problems = ProblemList()
    minor = amount_from_zero(money_reader(rules.minor_units))
    found: dict[str, AdvancePaid] = {}
    paid: dict[tuple[str, str, int, AdvanceKind], int] = {}
    kinds = [kind.value for kind in AdvanceKind]
    for block in read_blocks(path, path.name, ADVANCES, problems):
        columns = (
            block.read("advance_id", code_value),
            block.read("provider_id", code_value),
            block.read("funding_source", code_value),
            block.read("kind", lambda text: choice(text, kinds)),
            block.read("paid_on", day_as_written),
            block.read("amount", minor),
            block.read("recover_from", month_value),
            block.read("recover_until", month_value),
            block.read("source", str),
        )
        for row, cells in enumerate(zip(*columns, strict=True)):
            if any(cell is None for cell in cells):
                continue
            advance_id, provider, funding, kind, paid_on, amount, start, end, source = cells
            assert advance_id is not None and provider is not None and funding is not None
            assert kind is not None and paid_on is not None and amount is not None
            assert start is not None and end is not None
            advance = AdvancePaid(
                advance_id, provider, funding, AdvanceKind(kind), paid_on, amount, start, end, source or "",
                f"{block.place}:{block.lines[row]}",
            )  # fmt: skip
            if advance_id in found:
                block.note(row, "advance_id", advance_id, "stands in the table twice", "keep one of the rows")
                continue
            found[advance_id] = advance
            _check_advance(block, row, advance, rules, contract_of, paid)
    _close(problems, path, "advances", "no advance was recorded")
    return tuple(found.values())


def _check_advance(
    block: Block,
    row: int,
    advance: AdvancePaid,
    rules: SettlementRules,
    contract_of: Callable[[str, str, int], ContractTerms | None],
    paid: dict[tuple[str, str, int, AdvanceKind], int],
) -> None:
    year = advance.recover_from.year
    last = 12 if advance.kind is AdvanceKind.DECEMBER else rules.advances.last_recovery_month
    if advance.recover_until < advance.recover_from or advance.recover_until > Month(year, last):
        block.note(
            row,
            "recover_until",
            str(advance.recover_until),
            f"is not from {advance.recover_from} to {Month(year, last)}",
            f"an advance is recovered until month {last} of the year it begins in",
        )
    terms = contract_of(advance.provider_id, advance.funding_source, year)
    if terms is None:
        block.note(
            row,
            "provider_id",
            advance.provider_id,
            f"has no contract with {advance.funding_source!r} for {year}",
            "record the contract first",
        )
        return
    key = advance.provider_id, advance.funding_source, year, advance.kind
    paid[key] = paid.get(key, 0) + advance.amount
    of_december = advance.kind is AdvanceKind.DECEMBER
    share = rules.advances.december_limit if of_december else rules.advances.signing_limit
    base = terms.plan_of(12) if of_december else terms.annual_plan
    if paid[key] > share * base:
        block.note(
            row,
            "amount",
            format_minor(advance.amount, rules.minor_units),
            f"makes advances of {format_minor(paid[key], rules.minor_units)}, "
            f"more than {format_percent(share)} of {format_minor(base, rules.minor_units)}",
            "the contract's sum limits them: " + rules.advances.source,
        )


def _close(problems: ProblemList, path: Path, what: str, consequence: str) -> None:
    problems.raise_if_any(SettlementError, f"the {what} in {path}", consequence)
