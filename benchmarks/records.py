"""What was measured, kept section by section: `results/NAME.json`, from which all tables and the page are
made.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.report import Goal, Highlight, Plot, Section

FOLDER = Path(__file__).with_name("results")


def store(name: str, section: Section, folder: Path = FOLDER) -> None:
    folder.mkdir(exist_ok=True)
    text = json.dumps(asdict(section), ensure_ascii=False, indent=1)
    (folder / f"{name}.json").write_text(text + "\n", encoding="utf-8")


def load(name: str, folder: Path = FOLDER) -> Section | None:
    """None where the section was never measured."""
    path = folder / f"{name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return Section(
        found["title"],
        found["about"],
        found["columns"],
        [tuple(row) for row in found["rows"]],
        [Goal(**goal) for goal in found["goals"]],
        found["left_out"],
        found["notes"],
        [_plot(plot) for plot in found["plots"]],
        [_highlight(row) for row in found["highlights"]],
        found["circumstances"],
    )


def _plot(found: dict[str, Any]) -> Plot:
    series = {name: [(x, y) for x, y in points] for name, points in found.pop("series").items()}
    return Plot(series=series, **found)


def _highlight(found: dict[str, Any]) -> Highlight:
    mark = found.pop("mark")
    return Highlight(mark=None if mark is None else Goal(**mark), **found)


def load_all(names: Sequence[str], folder: Path = FOLDER) -> tuple[dict[str, Section], list[str]]:
    """The sections that were measured, in this order, and the names of those that were not."""
    found = {name: load(name, folder) for name in names}
    return (
        {name: section for name, section in found.items() if section is not None},
        [name for name, section in found.items() if section is None],
    )
