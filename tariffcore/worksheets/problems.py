"""The problems of a folder of inputs, all of them, but no flood of one kind from one file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from tariffcore.errors import Problem, ProblemsError

MOST_OF_A_FILE = 200
"""Of one file at most so many problems are listed; the rest are counted."""


class ProblemList:
    """Collects problems; past `MOST_OF_A_FILE` of one file only their number grows."""

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self._of_file: Counter[str] = Counter()

    def __len__(self) -> int:
        return sum(self._of_file.values())

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._kept)

    def add(self, problem: Problem) -> None:
        file = problem.place.partition(":")[0]
        self._of_file[file] += 1
        if self._of_file[file] <= MOST_OF_A_FILE:
            self._kept.append(problem)

    def note(self, place: str, field: str | None, value: str | None, message: str, way_out: str) -> None:
        self.add(Problem(place, field, value, message, way_out))

    def raise_if_any(self, kind: type[ProblemsError], what: str, consequence: str) -> None:
        """Raises the error with all of them, sorted by file and line; nothing where there are none.

        ``what`` was read ("the costs in DIR"), and what follows of it ("no schedule was written").
        """
        if not self._of_file:
            return
        problems = sorted(self._kept, key=_in_file_order)
        for file, count in self._of_file.items():
            if count > MOST_OF_A_FILE:
                problems.append(
                    Problem(
                        file,
                        None,
                        None,
                        f"there are {count - MOST_OF_A_FILE:,} more problems in this file",
                        "correct those above first; most are likely of the same kind",
                    )
                )
        said = "1 problem" if len(self) == 1 else f"{len(self):,} problems"
        raise kind(f"{what} cannot be used: {said}; {consequence}", problems)


def _in_file_order(problem: Problem) -> tuple[str, int]:
    file, _, line = problem.place.rpartition(":")
    return (file, int(line)) if file and line.isdigit() else (problem.place, 0)
