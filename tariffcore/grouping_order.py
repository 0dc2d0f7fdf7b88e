"""Grouping rules in the order in which they win, as the loop walks them: a rule is a place, the first wins.

The order is that of the ranks, and within a rank that of the file. Children and adults have one each, for
groups weigh differently for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

NO_RULE = 2**31 - 1
"""The place, and the rank, behind all rules."""

ASKS_YEARS, ASKS_DAYS, ASKS_SEX, ASKS_BIRTH_WEIGHT = 1, 2, 4, 8
_IS_CONTESTED = 16

RULE_RECORD = np.dtype(
    [
        ("refused", np.uint64),
        ("principal_set", np.int32),
        ("secondary_set", np.int32),
        ("excluded_set", np.int32),
        ("group", np.int32),
        ("number", np.int32),
        ("asks", np.uint8),
        ("unused", np.uint8, 3),
    ]
)
"""As `_grouping.pyx` reads a rule: ``refused`` is its first word of facts, ``number`` its own in the file."""

_CACHE_LINE = 64

T = TypeVar("T", bound=np.generic)


@dataclass(frozen=True, slots=True)
class ListsByClass:
    """Rules by class of code: those of class c are ``rules[age, start[c]:start[c + 1]]``, best rank first."""

    start: NDArray[np.int32]
    rules: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RulesInOrder:
    """Arrays of the loop; the first index is the age class, adults first.

    A list of rules is its first place, and where in ``rest`` its other places begin, up to NO_RULE.

    rules         RULE_RECORD at each place
    further       uint64, [age, place, word]: what a rule refuses beyond the first word
    rank          int32, at each place, and NO_RULE behind the last
    rest          int32
    of_all        int32, [age, 2], the list of the rules that ask for no code
    of_diagnosis  int32, [age, class, 2], the list of each class of principal diagnoses
    of_procedure  int32, [age, class, 2]
    """

    rules: NDArray[np.void]
    further: NDArray[np.uint64]
    rank: NDArray[np.int32]
    rest: NDArray[np.int32]
    of_all: NDArray[np.int32]
    of_diagnosis: NDArray[np.int32]
    of_procedure: NDArray[np.int32]

    @classmethod
    def of(
        cls,
        records: NDArray[np.void],
        refused: NDArray[np.uint64],
        rank: NDArray[np.int32],
        of_diagnosis: ListsByClass,
        of_procedure: ListsByClass,
        others: Sequence[int],
    ) -> RulesInOrder:
        """``records`` and ``refused`` by the numbers of the rules, ``rank`` by [age, number]."""
        count = len(records)
        order = np.stack([np.argsort(own, kind="stable") for own in rank])
        place_of = np.empty((2, count), dtype=np.int32)
        np.put_along_axis(place_of, order, np.arange(count, dtype=np.int32)[None], axis=1)
        rank_at = np.full((2, count + 1), NO_RULE, dtype=np.int32)
        rank_at[:, :-1] = np.take_along_axis(rank, order, axis=1)
        rules = aligned((2, count), RULE_RECORD)
        rules[:] = records[order]
        rules["refused"], rules["number"] = refused[order, 0], order
        for age in range(2):
            contested = _contested(rank_at[age, :-1], rules["group"][age])
            rules["asks"][age] |= np.where(contested, np.uint8(_IS_CONTESTED), np.uint8(0))
        of_all = ListsByClass(
            np.array([0, len(others)], dtype=np.int32),
            np.stack([order[age][np.isin(order[age], others)] for age in range(2)]).astype(np.int32),
        )
        lists, rests, begin = [], [], 0
        for own in (of_all, of_diagnosis, of_procedure):
            heads, rest = _lists(own, place_of, begin)
            lists.append(heads)
            rests.append(rest)
            begin += rest.shape[1]
        return cls(
            rules,
            np.ascontiguousarray(refused[order, 1:]),
            rank_at,
            np.concatenate(rests, axis=1),
            lists[0][:, 0].copy(),
            lists[1],
            lists[2],
        )


def _lists(
    by_class: ListsByClass, place_of: NDArray[np.int32], begin: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """(first place, where the others begin) of each class, and all lists, each with NO_RULE behind it."""
    start = by_class.start
    classes, entries = len(start) - 1, int(start[-1])
    rest = np.full((2, entries + classes), NO_RULE, dtype=np.int32)
    own = np.arange(entries) + np.repeat(np.arange(classes), np.diff(start))
    rest[:, own] = np.take_along_axis(place_of, by_class.rules[:, :entries], axis=1)
    first = start[:-1] + np.arange(classes)
    heads = np.empty((2, classes, 2), dtype=np.int32)
    heads[:, :, 0] = rest[:, first]
    heads[:, :, 1] = begin + np.minimum(first + 1, rest.shape[1] - 1)
    return heads, rest


def _contested(rank: NDArray[np.int32], group: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Whether rules of the same rank, which stand side by side, name different groups."""
    if not len(rank):
        return np.zeros(0, dtype=np.bool_)
    is_first = np.diff(rank, prepend=-1) != 0
    begins = np.flatnonzero(is_first)
    differ = np.minimum.reduceat(group, begins) != np.maximum.reduceat(group, begins)
    contested: NDArray[np.bool_] = differ[np.cumsum(is_first) - 1]
    return contested


def aligned(shape: tuple[int, ...], kind: np.dtype[T]) -> NDArray[T]:
    """An array whose records do not lie across the lines of the cache."""
    size = int(np.prod(shape)) * kind.itemsize
    octets = np.zeros(size + _CACHE_LINE, dtype=np.uint8)
    begin = -octets.ctypes.data % _CACHE_LINE
    return octets[begin : begin + size].view(kind).reshape(shape)
