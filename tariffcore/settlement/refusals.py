"""What is refused of several contracts for one reason is said once, with their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tariffcore.errors import Problem

MOST_NAMED = 200
"""So many contracts, or providers, are named; the others are counted."""


def of_contracts(
    refused: Iterable[tuple[tuple[str, str], Problem]], year: int | None = None
) -> list[Problem]:
    """The problems of contracts, each known by its provider and funding source, in the order they come.

    Those that say the same become one, whose place names all of its contracts; what place a problem has
    itself is not looked at. ``year`` is that of the contracts, where it has to be said.
    """
    alike: dict[Problem, list[tuple[str, str]]] = {}
    for of, problem in refused:
        said = Problem("", problem.field, problem.value, problem.message, problem.way_out)
        alike.setdefault(said, []).append(of)
    suffix = "" if year is None else f" for {year}"
    return [
        Problem(f"{_contracts(found)}{suffix}", said.field, said.value, said.message, said.way_out)
        for said, found in alike.items()
    ]


def _contracts(found: Sequence[tuple[str, str]]) -> str:
    if len(found) == 1:
        ((provider, funding),) = found
        return f"contract of {provider} with {funding}"
    sources: dict[str, list[str]] = {}
    for provider, funding in found[:MOST_NAMED]:
        sources.setdefault(provider, []).append(funding)
    named = "; ".join(f"{provider} with {', '.join(with_)}" for provider, with_ in sources.items())
    return f"{len(found):,} contracts, of {named}{_more(found)}"


def of_providers(providers: Sequence[str]) -> str:
    """Their names in a sentence."""
    return f"{', '.join(providers[:MOST_NAMED])}{_more(providers)}"


def _more(found: Sequence[object]) -> str:
    return f" and {len(found) - MOST_NAMED:,} more" if len(found) > MOST_NAMED else ""
