"""What the explanations of one schedule have in common, worked out once and kept as long as the schedule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar
from weakref import finalize

from tariffcore.money import format_exact
from tariffcore.schedule.model import ComponentShare, Schedule
from tariffcore.schedule.tariff import component_shares

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Component:
    """A component as every payment of a profile has it; ``rows`` are its places in the split."""

    name: str
    share: str
    capital: bool
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Split:
    """How a profile splits a payment: shares in file order, and every component the schedule knows."""

    shares: tuple[Fraction, ...]
    components: tuple[Component, ...]


class Repeated:
    """Of one schedule: splits by profile and care setting, and whatever else no case changes.

    Any number of threads may ask; two that ask at once for what is not there yet both work it out.
    """

    def __init__(self) -> None:
        self._splits: dict[tuple[str, str], Split | None] = {}
        self._kept: dict[object, object] = {}

    def split(self, schedule: Schedule, profile: str, care_setting: str) -> Split | None:
        """The split of a profile in a care setting that the schedule knows; None where there is none."""
        key = (profile, care_setting)
        if key not in self._splits:
            self._splits[key] = _split(schedule, component_shares(schedule, profile, care_setting))
        return self._splits[key]

    def once(self, key: tuple[object, ...], work_out: Callable[[], _T]) -> _T:
        """What was worked out for the key, which must be one of few: codes and ids of the schedule itself."""
        found = self._kept.get(key)
        if found is None:
            found = self._kept[key] = work_out()
        return found  # type: ignore[return-value]


_of_schedules: dict[int, Repeated] = {}


def repeated_of(schedule: Schedule) -> Repeated:
    """That of this very schedule."""
    found = _of_schedules.get(id(schedule))
    if found is None:
        # it must be gone when another schedule comes to stand where this one stood
        finalize(schedule, _of_schedules.pop, id(schedule), None).atexit = False
        found = _of_schedules.setdefault(id(schedule), Repeated())
    return found


def _split(schedule: Schedule, rows: tuple[ComponentShare, ...]) -> Split | None:
    if not rows:
        return None
    capital = {row.component: row.capital for row in reversed(schedule.components)}
    capital.update({row.component: row.capital for row in rows})
    components = []
    for name in dict.fromkeys(row.component for row in schedule.components):
        places = tuple(place for place, row in enumerate(rows) if row.component == name)
        share = sum((rows[place].share for place in places), Fraction(0))
        components.append(Component(name, format_exact(share), capital[name], places))
    return Split(tuple(row.share for row in rows), tuple(components))
