"""Contestants in a process of their own write there, are timed there, and fail in words here."""

import os
from functools import partial
from pathlib import Path

import pytest

from benchmarks.own_process import Contestant, Elsewhere, in_own_process
from benchmarks.timing import take_turns


def spend(output: Path) -> None:
    sum(number * number for number in range(300_000))
    output.write_text(str(os.getpid()), encoding="ascii")


def fail() -> None:
    raise ValueError("no such column")


def writers(folder: Path) -> list[Contestant]:
    ordered, unordered = folder / "one", folder / "two"
    return [
        Contestant("one", ordered, partial(spend, ordered)),
        Contestant("two", unordered, partial(spend, unordered), keeps_order=False),
        Contestant("broken", folder / "three", fail),
    ]


def test_they_write_there_and_their_processor_time_is_counted(tmp_path):
    with in_own_process(partial(writers, tmp_path)) as contestants:
        one, two, _ = contestants
        times = take_turns({"one": one.write, "two": two.write}, rounds=2)

    assert [(c.name, c.output, c.keeps_order) for c in (one, two)] == [
        ("one", tmp_path / "one", True),
        ("two", tmp_path / "two", False),
    ]
    assert one.output.read_text() == two.output.read_text() != str(os.getpid())
    assert min(times.processor["one"] + times.processor["two"]) > 0


def test_a_turn_says_what_it_took_there(tmp_path):
    with in_own_process(partial(writers, tmp_path)) as contestants:
        taken = contestants[0].write()

    assert isinstance(taken, Elsewhere)
    assert taken.processor > 0


def test_what_fails_there_is_said_here(tmp_path):
    with (
        in_own_process(partial(writers, tmp_path)) as contestants,
        pytest.raises(RuntimeError, match="ValueError: no such column"),
    ):
        contestants[2].write()


def test_what_cannot_be_made_is_said_here():
    with pytest.raises(RuntimeError, match="TypeError"), in_own_process(partial(writers, None)):
        pass
