"""What a reload comes to, as it is told from the supervisor to a worker and on to whoever asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from tariffcore.errors import Problem, ProblemsError


@dataclass(frozen=True, slots=True)
class ReloadedSchedules:
    """New editions are in force in so many workers. ``changed``: not the same as before."""

    changed: bool
    workers: int


@dataclass(frozen=True, slots=True)
class ReloadedCredentials:
    """New credentials are in force. ``certificate_not_after``: ISO, UTC; empty without TLS."""

    tokens: int
    certificate_not_after: str
    workers: int


@dataclass(frozen=True, slots=True)
class Refused:
    """Nothing changed, because of this."""

    summary: str
    problems: tuple[Problem, ...]


def problems_json(error: ProblemsError | Refused) -> dict[str, object]:
    """Problems for the way between processes."""
    return {"summary": error.summary, "problems": [asdict(problem) for problem in error.problems]}


def refused_from(packed: Mapping[str, object]) -> Refused:
    """The reverse of `problems_json`."""
    found = packed["problems"]
    assert isinstance(found, Sequence)
    return Refused(str(packed["summary"]), tuple(Problem(**problem) for problem in found))
