"""Contestants in a process of their own: what one does to the memory it shares with others is not theirs.

DuckDB gives freed memory back to the system after a query, ours keeps it: in one process each undoes what the
other does, and pays for pages that it would not ask for alone.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_NEW = multiprocessing.get_context("spawn")


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who writes a priced file. Without ``keeps_order`` in any order of rows, and then no goal counts it."""

    name: str
    output: Path
    write: Callable[[], object]
    keeps_order: bool = True


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What a contestant's turn took of processor time in another process, in seconds."""

    processor: float


@contextmanager
def in_own_process(make: Callable[[], Sequence[Contestant]]) -> Iterator[list[Contestant]]:
    """The contestants that ``make`` makes there; each of their turns is taken there.

    ``make`` is a function of a module, or a partial of one. What goes wrong there is raised here as a
    RuntimeError in its words.
    """
    ours, theirs = _NEW.Pipe()
    process = _NEW.Process(target=_serve, args=(theirs, make), daemon=True)
    process.start()
    theirs.close()

    def turn(number: int) -> Elsewhere:
        ours.send(number)
        return Elsewhere(_received(ours))

    try:
        made: list[Contestant] = _received(ours)
        yield [replace(one, write=_Turn(turn, number)) for number, one in enumerate(made)]
    finally:
        ours.close()
        process.join()


@dataclass(frozen=True, slots=True)
class _Turn:
    take: Callable[[int], Elsewhere]
    number: int

    def __call__(self) -> Elsewhere:
        return self.take(self.number)


def _received(connection: Connection) -> Any:  # noqa: ANN401
    try:
        answer = connection.recv()
    except EOFError:
        raise RuntimeError("the process of a contestant has ended") from None
    if isinstance(answer, Exception):
        raise RuntimeError(f"a contestant failed in its process: {answer}") from answer
    return answer


def _nobody() -> None:
    """Stands for what only the other process can do."""


def _serve(connection: Connection, make: Callable[[], Sequence[Contestant]]) -> None:
    """Make the contestants, tell who they are, and let each write when its number comes."""
    try:
        made = list(make())
        connection.send([replace(one, write=_nobody) for one in made])
        while True:
            number = connection.recv()
            begin = time.process_time()
            made[number].write()
            connection.send(time.process_time() - begin)
    except EOFError:
        return
    except Exception as error:  # whatever it is, the other side says it
        connection.send(RuntimeError(f"{type(error).__name__}: {error}"))
