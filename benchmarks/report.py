"""What benchmarks found, as Markdown: tables, goals met or not, and what was left out."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from tariffcore.version import ENGINE_VERSION

COMPARED_PACKAGES = ("numpy", "pyarrow", "numba", "duckdb", "polars")


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


@dataclass
class Section:
    """One benchmark's findings. ``left_out``: what could not be measured, in words."""

    title: str
    about: str
    columns: Sequence[str]
    rows: list[Sequence[str]] = field(default_factory=list)
    goals: list[Goal] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)

    def markdown(self) -> str:
        parts = [f"## {self.title}", self.about, _table(self.columns, self.rows)]
        if self.goals:
            goals = [goal.row() for goal in self.goals]
            parts.append(_table(("goal", "wanted", "measured", ""), goals))
        parts += [f"Left out: {words}" for words in self.left_out]
        return "\n\n".join(parts) + "\n"


def is_installed(package: str) -> bool:
    return find_spec(package) is not None


def not_installed(package: str) -> str:
    return f"{package} is not installed (pip install 'tariffcore[bench]'); nothing was measured for it."


def machine() -> str:
    """Where and when, in one paragraph."""
    packages = [f"tariffcore {ENGINE_VERSION}", f"CPython {platform.python_version()}"]
    for package in COMPARED_PACKAGES:
        try:
            packages.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            packages.append(f"no {package}")
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    day = datetime.now(UTC).date().isoformat()
    load = os.getloadavg()[0]
    busy = " The machine was busy with other things: do not quote these numbers." if load > 0.5 else ""
    return (
        f"{day}, {processor()}, {threads} threads, {_memory_gib()} GiB, {platform.system()}"
        f" {platform.machine()}; {', '.join(packages)}. Load before the run: {load:.1f}.{busy}"
    )


def write_results(path: Path, sections: Iterable[Section], before: str) -> None:
    head = (
        "# What was measured\n\nWritten by `python -m benchmarks`; do not edit by hand. Times are medians of"
        " interleaved rounds,\nratios are medians of each round's own ratio.\n\n" + before + "\n"
    )
    path.write_text("\n".join([head, *(section.markdown() for section in sections)]), encoding="utf-8")


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
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
