"""What reading a folder yields before it is checked: the schedule as far as it could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tariffcore.errors import Problem
from tariffcore.schedule.model import Schedule
from tariffcore.schedule.toml_reading import TomlDocument, TomlPath

SCHEDULE_TOML = "schedule.toml"
GROUPS_CSV = "groups.csv"
PUBLISHED_CSV = "published.csv"
PROVIDERS_CSV = "providers.csv"
COMPONENTS_CSV = "components.csv"
SERVICES_CSV = "services.csv"
FACTORS_CSV = "factors.csv"


class Part(StrEnum):
    """A part of a schedule that is read as one. What needs a part that could not be read whole is not
    checked: it would only report the same mistake again, in other words."""

    IDENTITY = "identity"
    MONEY = "money"  # currency, minor units, base rate, roundings
    DATES = "dates"
    VOCABULARY = "vocabulary"
    SHARES = "shares"
    STAY_RULES = "stay_rules"
    COEFFICIENTS = "coefficients"
    GROUPS = "groups"
    PROVIDERS = "providers"
    COMPONENTS = "components"
    SERVICES = "services"
    FACTORS = "factors"
    PUBLISHED = "published"


PARTS_OF_TOML = (
    Part.IDENTITY,
    Part.MONEY,
    Part.DATES,
    Part.VOCABULARY,
    Part.SHARES,
    Part.STAY_RULES,
    Part.COEFFICIENTS,
)
"""What is lost where schedule.toml cannot be read."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A schedule as far as it could be read.

    schedule    what was read; a part that is unreadable holds stand-ins and only its readable items
    unreadable  the parts with problems
    document    schedule.toml, for lines; None where it is not TOML
    paths       where a share, an exception, a stay rule or a coefficient stands in it, by its id or name
    """

    schedule: Schedule
    unreadable: frozenset[Part]
    document: TomlDocument | None
    paths: Mapping[str, TomlPath]

    def sound(self, *parts: Part) -> bool:
        """Whether all these parts could be read whole."""
        return self.unreadable.isdisjoint(parts)

    def toml_problem(self, path: TomlPath, value: str | None, message: str, way_out: str) -> Problem:
        """A problem with a key of schedule.toml."""
        line = 1 if self.document is None else self.document.line(path)
        field = ".".join(part for part in path if isinstance(part, str))
        return Problem(f"{self.schedule.folder}/{SCHEDULE_TOML}:{line}", field, value, message, way_out)

    def row_problem(
        self, file: str, line: int, column: str | None, value: str | None, message: str, way_out: str
    ) -> Problem:
        """A problem with a row of a CSV file."""
        return Problem(f"{self.schedule.folder}/{file}:{line}", column, value, message, way_out)
