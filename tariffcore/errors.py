"""One family of errors. Each names the place, the field, the value and the way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with an input, in words a tariff economist can act on.

    place    where: ``kz-2026/groups.csv:14`` (file and line), or a file name alone
    field    the column or the key, or None where the whole file or line is meant
    value    what stands there, as written; None where nothing stands there
    message  what is wrong
    way_out  what would be right
    """

    place: str
    field: str | None
    value: str | None
    message: str
    way_out: str

    def __str__(self) -> str:
        where = f"{self.place}: " if self.field is None else f"{self.place}: {self.field}: "
        shown = "" if self.value is None else f"{shortened(self.value)!r}: "
        return f"{where}{shown}{self.message}; {self.way_out}"


def shortened(value: str, limit: int = 60) -> str:
    """The value as an error shows it: whole, or its first characters and how many there are."""
    return value if len(value) <= limit else f"{value[:limit]}… ({len(value)} characters)"


class TariffcoreError(Exception):
    """Base of every error that a user of tariffcore can cause. ``reason`` is for machines."""

    reason = "TARIFFCORE_ERROR"


class NumberFormatError(TariffcoreError, ValueError):
    """A text that should be an exact number is not one."""

    reason = "NUMBER_FORMAT"


class ProblemsError(TariffcoreError):
    """An input with problems, all of them at once."""

    def __init__(self, summary: str, problems: Sequence[Problem]) -> None:
        self.summary = summary
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  {problem}" for problem in self.problems)]))


class ScheduleError(ProblemsError):
    """A schedule folder that cannot be used."""

    reason = "SCHEDULE_INVALID"


class CatalogError(ProblemsError):
    """Editions that do not fit together, or an edition that was asked for and is not there."""

    reason = "CATALOG_INVALID"


class ImportTableError(ProblemsError):
    """A published table that could not be read, or whose printed tariffs it does not reproduce."""

    reason = "IMPORT_FAILED"


class CasesError(ProblemsError):
    """A file or table of cases that cannot be used as a whole (a wrong row is a status, not an error)."""

    reason = "CASES_UNUSABLE"


class ExplainError(ProblemsError):
    """A single case that cannot be explained because its description is not usable."""

    reason = "CASE_UNUSABLE"


class CostingError(ProblemsError):
    """Inputs of a costing run (ledger, cost centres, asset register, statistics) that cannot be used."""

    reason = "COSTING_UNUSABLE"


class SettlementError(ProblemsError):
    """A month, a contract or a rule of settlement that cannot be used, or may not be settled as asked."""

    reason = "SETTLEMENT_UNUSABLE"
