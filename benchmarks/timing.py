"""Contestants take turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from benchmarks.own_process import Elsewhere
from benchmarks.report import QUIET, Watch

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each contestant, round by round; element k of all of them was measured in round k.

    ``processor``: of all threads of this process, and of one that answered `Elsewhere`, which other
    work on the machine disturbs less.
    """

    seconds: Mapping[str, list[float]]
    processor: Mapping[str, list[float]]
    is_busy: bool = False
    """Whether other processes took so much of the machine meanwhile that the clock says little."""

    @property
    def measure(self) -> str:
        """What `fair_ratio` goes by, in words."""
        return "processor time, shared evenly by its threads" if self.is_busy else "the clock"

    def fair_seconds(self, name: str) -> tuple[float, str]:
        """Seconds, and what they are of: the clock, or where others kept the machine busy the processor."""
        if self.is_busy:
            return self.processor_median(name), " of processor time"
        return self.median(name), ""

    def fair_ratio(self, name: str, base: str, threads: int = 1, base_threads: int = 1) -> float:
        """How many times as long as ``base``: by the clock, and where others kept the machine busy by the
        processor time of each, as if its threads had shared it evenly and had had a processor each."""
        if not self.is_busy:
            return self.ratio(name, base)
        return self.processor_ratio(name, base) * base_threads / threads

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times as long as ``base`` it took: the median of the rounds' own ratios."""
        pairs = zip(self.seconds[name], self.seconds[base], strict=True)
        return median(own / other for own, other in pairs)

    def processor_median(self, name: str) -> float:
        return median(self.processor[name])

    def processor_ratio(self, name: str, base: str) -> float:
        """The same by processor time."""
        pairs = zip(self.processor[name], self.processor[base], strict=True)
        return median(own / max(other, 1e-9) for own, other in pairs)


def take_turns(contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> Times:
    """Each contestant once to warm up, then ``rounds`` times, starting with another one every round."""
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    processor: dict[str, list[float]] = {name: [] for name in names}
    for contestant in contestants.values():
        contestant()
    gc.collect()
    gc.disable()
    watch = Watch()
    try:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                begin, begin_processor = time.perf_counter(), time.process_time()
                result = contestants[name]()
                seconds[name].append(time.perf_counter() - begin)
                elsewhere = result.processor if isinstance(result, Elsewhere) else 0.0
                processor[name].append(time.process_time() - begin_processor + elsewhere)
                del result
    finally:
        gc.enable()
    return Times(seconds, processor, (watch.others() or 0.0) > QUIET)
