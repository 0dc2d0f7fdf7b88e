"""Whose months a run settles: every contract in force, one provider's, those not settled yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np
import sqlalchemy as sa

from tariffcore.errors import Problem, SettlementError
from tariffcore.schedule.values import instead_of
from tariffcore.settlement.book.records import (
    ContractState,
    Of,
    contracts_of,
    ids_by_contract,
    order_problems,
    states_before,
)
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.lines import ClaimedLines, LineStatus
from tariffcore.settlement.month_inputs import MonthInputs
from tariffcore.settlement.refusals import of_providers
from tariffcore.worksheets.problems import ProblemList


class WithoutClaims(StrEnum):
    """What becomes of providers of which no line is in the month: a settled month is closed for good."""

    REFUSE = "refuse"
    LEAVE = "leave"
    """Their month stays open, to be settled later."""
    SETTLE = "settle"
    """They claim nothing."""


@dataclass(frozen=True)
class Chosen:
    """states: the contracts whose month is to be settled; settled: those whose month is settled already;
    inputs: what of the month's tables is theirs."""

    states: Mapping[Of, ContractState]
    settled: frozenset[Of]
    inputs: MonthInputs


def choose_contracts(
    connection: sa.Connection, month: Month, inputs: MonthInputs, *, only: str | None, rest: bool
) -> Chosen:
    """The contracts of a run. Raises SettlementError for months that may not be settled, and for rows of the
    month's tables that are of nobody's month.

    only  one provider; rows of the tables that are of others with a contract are left to their runs
    rest  those only that are not settled
    """
    states = states_before(connection, month, only)
    settled = frozenset(ids_by_contract(connection, month)) if rest else frozenset()
    problems: list[Problem] = []
    if rest and states and settled.issuperset(states):
        problems.append(
            Problem("the book", None, str(month), "every month is settled", "nothing is left to be settled")
        )
    chosen = {of: state for of, state in states.items() if of not in settled}
    if only is not None and chosen:
        in_force = contracts_of(connection, month.year).items()
        others = {of[0] for of, found in in_force if found[2].first_month <= month.month} - {only}
        inputs = _without(inputs, others)
    if not problems:
        problems = _contract_problems(chosen, settled, month, only, inputs)
        problems += order_problems(connection, month, chosen)
    if problems:
        raise SettlementError(f"{month} was not settled", [*problems, *inputs.problems])
    return Chosen(chosen, settled, inputs)


def _without(inputs: MonthInputs, others: set[str]) -> MonthInputs:
    return replace(
        inputs,
        defects={key: found for key, found in inputs.defects.items() if key[0] not in others},
        unread=[(key, place) for key, place in inputs.unread if key[0] not in others],
        held={key: place for key, place in inputs.held.items() if key[0] not in others},
        items={of: items for of, items in inputs.items.items() if of[0] not in others},
        item_places={key: place for key, place in inputs.item_places.items() if key[0] not in others},
    )


def _contract_problems(
    states: Mapping[Of, ContractState],
    settled: frozenset[Of],
    month: Month,
    only: str | None,
    inputs: MonthInputs,
) -> list[Problem]:
    if not states:
        message = "nobody has a contract" if only is None else f"{only!r} has no contract"
        way_out = "record the contracts first (settle contracts)"
        return [Problem("the book", None, str(month), f"{message} for {month}", way_out)]
    providers = list(dict.fromkeys(provider for provider, _ in states))
    done = {provider for provider, _ in settled}
    problems = []
    for (provider, item_id), place in inputs.item_places.items():
        if provider not in providers:
            if provider in done:
                message, way_out = f"is settled for {month}", "give its row with a later month"
            else:
                message, way_out = f"has no contract for {month}", instead_of(provider, providers)
            problems.append(Problem(place, "provider_id", provider, message, way_out))
            continue
        sources = [source for name, source in states if name == provider]
        for (of_provider, funding), items in inputs.items.items():
            is_it = of_provider == provider and any(item.item_id == item_id for item in items)
            if is_it and funding not in sources:
                problems.append(
                    Problem(
                        place,
                        "funding_source",
                        funding,
                        f"{provider} has no contract with it for {month}",
                        instead_of(funding, sources),
                    )
                )
    return problems


def left_open(
    chosen: Chosen, lines: ClaimedLines, month: Month, place: str, without_claims: WithoutClaims
) -> tuple[str, ...]:
    """The providers whose month stays open, for nothing of theirs is in it.

    Raises SettlementError with each of them where nobody has said what becomes of them.
    """
    if without_claims is WithoutClaims.SETTLE:
        return ()
    claiming = {
        lines.frame.providers[number] for number in np.unique(lines.provider[lines.in_month]).tolist()
    }
    claiming.update(provider for provider, _ in chosen.inputs.items)
    providers = dict.fromkeys(provider for provider, _ in chosen.states)
    empty = tuple(provider for provider in providers if provider not in claiming)
    if without_claims is WithoutClaims.LEAVE and len(empty) < len(providers):
        return empty
    alike: dict[str, list[str]] = {}
    for provider in empty:
        alike.setdefault(_why_not_part(lines, provider), []).append(provider)
    problems = ProblemList()
    for reasons, of in alike.items():
        one = len(of) == 1
        whose = "its" if one else "their"
        what = f"none of {whose} lines can be part of it ({reasons})" if reasons else "no line in the file"
        has = f"has a contract for {month}" if one else f"{of_providers(of)} have contracts for {month}"
        problems.note(
            place,
            "provider_id",
            of[0] if one else None,
            f"{has}, and {what}",
            "claim theirs too; or say with --without-claims whether to leave such months open or to settle "
            "them at nothing",
        )
    problems.raise_if_any(SettlementError, f"the claims of {month}", "nothing was settled")
    return ()


def _why_not_part(lines: ClaimedLines, provider: str) -> str:
    """How many of a provider's lines have which status; empty where there is no line."""
    number = lines.frame.providers.index(provider)
    statuses, counts = np.unique(lines.status[lines.provider == number], return_counts=True)
    return ", ".join(
        f"{count:,} {LineStatus(status).name}"
        for status, count in zip(statuses.tolist(), counts.tolist(), strict=True)
    )
