"""Contestants take turns, so that a busy moment of the machine meets all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

ROUNDS = 7


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of each contestant, round by round; element k of all of them was measured in round k."""

    seconds: Mapping[str, list[float]]

    def median(self, name: str) -> float:
        return median(self.seconds[name])

    def ratio(self, name: str, base: str) -> float:
        """How many times as long as ``base`` it took: the median of the rounds' own ratios."""
        pairs = zip(self.seconds[name], self.seconds[base], strict=True)
        return median(own / other for own, other in pairs)


def take_turns(contestants: Mapping[str, Callable[[], object]], rounds: int = ROUNDS) -> Times:
    """Each contestant once to warm up, then ``rounds`` times, starting with another one every round."""
    names = list(contestants)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    for contestant in contestants.values():
        contestant()
    gc.collect()
    gc.disable()
    try:
        for turn in range(rounds):
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                begin = time.perf_counter()
                result = contestants[name]()
                seconds[name].append(time.perf_counter() - begin)
                del result
    finally:
        gc.enable()
    return Times(seconds)
