"""One build of the compiled modules beside another: the same calls on the same arrays, in turns."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.gate.replay import load, modules_of, prepared
from benchmarks.gate.workload import RecordedPath

NARROW = 0.01
"""Once 95 % of chance lies within this, up or down, the ratio is known well enough."""
LEAST_PAIRS = 60
SECONDS = 8.0
"""Of a path's budget; a busy machine needs all of it."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """Times as long as the other build: the median over pairs, and bounds that hold in 95 of 100 runs."""

    median: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.3f} x ({self.low:.3f} to {self.high:.3f}, {self.pairs} pairs)"


class NotComparableError(Exception):
    """The two builds do not do the same, in words: then nothing is timed."""


def compare(path: RecordedPath, now: Path, then: Path, seconds: float = SECONDS) -> Ratio:
    """How many times as long the modules of one folder take for a path as those of another.

    Raises NotComparableError where one of them cannot be called so, or comes to other results.
    """
    recorded = copy.deepcopy(dict(path.recorded))  # the calls write into these
    own, other = _calls(recorded, now, "this"), _calls(recorded, then, "the baseline's")
    _refuse_differences(path, recorded, own, other)
    return timed(lambda: _run(own), lambda: _run(other), seconds)


def timed(own: Callable[[], object], other: Callable[[], object], seconds: float = SECONDS) -> Ratio:
    """Pairs, each in the opposite order of the one before, by the processor time of this thread."""
    logs: list[float] = []
    end = time.monotonic() + seconds
    own()
    other()
    while True:
        if len(logs) % 2:
            second, first = _seconds(other), _seconds(own)
        else:
            first, second = _seconds(own), _seconds(other)
        logs.append(math.log(first / second))
        if len(logs) >= LEAST_PAIRS and len(logs) % 20 == 0:
            found = summed_up(logs)
            if found.high / found.low < (1 + NARROW) ** 2 or time.monotonic() > end:
                return found


def summed_up(logs: Sequence[float]) -> Ratio:
    """The median, and the order statistics that enclose it in 95 of 100 runs."""
    ordered = sorted(logs)
    count = len(ordered)
    reach = 0.98 * math.sqrt(count)
    low = ordered[max(0, math.floor(count / 2 - reach))]
    high = ordered[min(count - 1, math.ceil(count / 2 + reach))]
    middle = (ordered[(count - 1) // 2] + ordered[count // 2]) / 2
    return Ratio(math.exp(middle), math.exp(low), math.exp(high), count)


def _seconds(work: Callable[[], object]) -> float:
    begin = time.thread_time()
    work()
    return time.thread_time() - begin


def _run(calls: Sequence[Callable[[], object]]) -> list[object]:
    return [call() for call in calls]


def _calls(recorded: dict[str, Any], folder: Path, whose: str) -> list[Callable[[], object]]:
    try:
        calls = prepared(recorded, load(folder, modules_of(recorded)))
        _run(calls)
    except (AttributeError, FileNotFoundError, ImportError, TypeError, ValueError) as error:
        raise NotComparableError(f"{whose} compiled functions cannot be called like this: {error}") from error
    return calls


def _refuse_differences(
    path: RecordedPath,
    recorded: dict[str, Any],
    own: Sequence[Callable[[], object]],
    other: Sequence[Callable[[], object]],
) -> None:
    returned = _run(own)
    written = [array.copy() for array in _arrays(recorded["calls"])]
    if _run(other) != returned or any(
        not np.array_equal(before, after)
        for before, after in zip(written, _arrays(recorded["calls"]), strict=True)
    ):
        raise NotComparableError(f"{path.name} comes to other results than the baseline's")


def _arrays(value: Any) -> list[np.ndarray[Any, Any]]:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, list | tuple):
        return [array for element in value for array in _arrays(element)]
    return []
