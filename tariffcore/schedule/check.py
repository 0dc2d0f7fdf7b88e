"""Whether the parts of a schedule fit together."""

from __future__ import annotations

from tariffcore.errors import Problem
from tariffcore.schedule.reading import Reading


def check(reading: Reading) -> list[Problem]:
    return []
