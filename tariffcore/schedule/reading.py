"""What reading a folder yields before it is checked: the schedule as far as it could be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from tariffcore.errors import Problem
from tariffcore.schedule.csv_reading import Unread
from tariffcore.schedule.grouping_model import GroupingPolicy, GroupingRule
from tariffcore.schedule.grouping_table import ListedCode
from tariffcore.schedule.model import Group, ProviderPeriod, Schedule, Service
from tariffcore.schedule.toml_reading import TomlDocument, TomlPath

SCHEDULE_TOML = "schedule.toml"
GROUPS_CSV = "groups.csv"
PUBLISHED_CSV = "published.csv"
PROVIDERS_CSV = "providers.csv"
COMPONENTS_CSV = "components.csv"
SERVICES_CSV = "services.csv"
FACTORS_CSV = "factors.csv"
GROUPING_RULES_CSV = "grouping_rules.csv"
GROUPING_CODES_CSV = "grouping_codes.csv"


class Part(StrEnum):
    """A part of schedule.toml that is read as one. What needs a part that could not be read whole is not
    checked: it would only report the same mistake again, in other words."""

    IDENTITY = "identity"
    DATES = "dates"  # of effect
    MINOR_UNITS = "minor_units"
    BASE_RATE = "base_rate"
    ROUNDINGS = "roundings"
    CARE_SETTINGS = "care_settings"
    OUTCOMES = "outcomes"
    DRG_FLAGS = "drg_flags"
    SHARES = "shares"
    STAY_RULES = "stay_rules"
    COEFFICIENTS = "coefficients"
    ADDONS = "addons"
    GROUPING = "grouping"


MONEY = (Part.MINOR_UNITS, Part.BASE_RATE, Part.ROUNDINGS)
"""What a tariff needs beside weight and share."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A schedule as far as it could be read.

    schedule    what was read; a part that is unreadable holds stand-ins and only its readable items
    groups      every row of groups.csv, those too that have no place in the schedule (no code, a code twice)
    services    likewise of services.csv
    providers   likewise of providers.csv
    rules       likewise of grouping_rules.csv
    codes       likewise of grouping_codes.csv
    unreadable  the parts of schedule.toml with problems
    unread      the cells of the tables that could not be read; stand-ins are in their places
    document    schedule.toml, for lines; None where it is not TOML
    paths       where a share, an exception, a stay rule or a coefficient stands in it, by its id or name
    """

    schedule: Schedule
    groups: tuple[Group, ...]
    services: tuple[Service, ...]
    providers: tuple[ProviderPeriod, ...]
    unreadable: frozenset[Part]
    unread: Unread
    document: TomlDocument | None
    paths: Mapping[str, TomlPath]
    rules: tuple[GroupingRule, ...] = ()
    codes: tuple[ListedCode, ...] = ()
    grouping_policy: GroupingPolicy | None = None
    qualifiers: tuple[str, ...] = ()
    present: frozenset[str] = frozenset()
    """The names of all files in the folder."""

    def sound(self, *parts: Part) -> bool:
        """Whether all these parts of schedule.toml could be read whole."""
        return self.unreadable.isdisjoint(parts)

    def is_read(self, file: str, line: int, *columns: str) -> bool:
        """Whether the row's cells in these columns could be read."""
        path = f"{self.schedule.folder}/{file}"
        return self.unread.cells.isdisjoint((path, at, column) for at in (0, line) for column in columns)

    def all_read(self, file: str, *columns: str) -> bool:
        """Whether every row is there and its cells in these columns could be read."""
        path = f"{self.schedule.folder}/{file}"
        return path not in self.unread.files and not any(
            name == path and column in columns for name, _, column in self.unread.cells
        )

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
