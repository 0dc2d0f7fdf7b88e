"""Which rules speak of a code: the line of all codes cut at every end of a range.

Exact codes, prefixes and ranges are all intervals of texts.  Between two neighbouring ends no rule tells
codes apart, so each code belongs to one of many classes, and what a rule lists is some of them in a row.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator

from tariffcore.schedule.grouping_model import CodeRange


class CodeClasses:
    """The classes of codes that a set of ranges tells apart, numbered from 0 in the order of the codes."""

    def __init__(self, ranges: Iterable[CodeRange]) -> None:
        ends = {end for own in ranges for end in (own.low, own.high)}
        self.ends: list[str] = sorted(ends)

    def __len__(self) -> int:
        return len(self.ends) + 1

    def of_code(self, normalised: str) -> int:
        return bisect_right(self.ends, normalised)

    def of_range(self, own: CodeRange) -> range:
        """The classes of all codes in a range."""
        return range(self.of_code(own.low), self.of_code(own.high))

    def of_ranges(self, ranges: Iterable[CodeRange]) -> Iterator[int]:
        """The classes of all codes in any of the ranges, each once, in order."""
        yield from sorted({number for own in ranges for number in self.of_range(own)})
