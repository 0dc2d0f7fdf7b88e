"""What a user reads when something is wrong, and the exit code that goes with it. Never a traceback."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

import click

from tariffcore.cli.screen import complain
from tariffcore.errors import ProblemsError, TariffcoreError

DONE, NOT_ALL_PRICED, UNUSABLE, INTERNAL = 0, 1, 2, 70
"""Exit codes: done; with ``--strict`` and rejects, or a case explained that has no amount; unusable input;
a mistake of tariffcore itself. 128 and more: stopped by that signal (130: Ctrl-C)."""

TRACEBACK_VARIABLE = "TARIFFCORE_TRACEBACK"

_NO_ARGUMENTS = getattr(click.exceptions, "NoArgsIsHelpError", ())  # not before click 8.2


class StopSignal(KeyboardInterrupt):
    """The process was asked to stop, and may put its files in order before it does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class StoppedError(Exception):
    """A command that was stopped, with a sentence on what it leaves behind."""

    def __init__(self, sentence: str, interrupt: KeyboardInterrupt) -> None:
        super().__init__(sentence)
        number = interrupt.number if isinstance(interrupt, StopSignal) else signal.SIGINT
        self.exit_code = 128 + number


@contextmanager
def stopping_in_order() -> Iterator[None]:
    """Being terminated unwinds like Ctrl-C, so that unfinished files are removed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _frame: FrameType | None) -> None:
        raise StopSignal(number)

    numbers = [signal.SIGTERM, signal.SIGHUP]
    before = {number: signal.getsignal(number) for number in numbers}
    for number in numbers:
        if before[number] is signal.SIG_DFL:  # a signal that is ignored (nohup) stays so
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def tell(error: BaseException) -> int:
    """Says on stderr what went wrong, and returns the exit code."""
    if isinstance(error, StoppedError):
        complain(f"tariffcore: {error}")
        return error.exit_code
    if isinstance(error, click.Abort):
        interrupt = error.__cause__ if isinstance(error.__cause__, StopSignal) else KeyboardInterrupt()
        return tell(StoppedError("stopped", interrupt))
    if isinstance(error, _NO_ARGUMENTS):
        complain(error.format_message())
        return UNUSABLE
    if isinstance(error, click.ClickException):
        _tell_misuse(error)
        return UNUSABLE
    if isinstance(error, ProblemsError):
        _tell_lines([f"tariffcore: {error.summary}", *(f"  {problem}" for problem in error.problems)])
        return UNUSABLE
    if isinstance(error, TariffcoreError):
        _tell_lines([f"tariffcore: {error}"])
        return UNUSABLE
    if isinstance(error, OSError):
        place = f": {error.filename}" if error.filename else ""
        _tell_lines([f"tariffcore: {error.strerror or error}{place}"])
        return UNUSABLE
    if isinstance(error, MemoryError):
        _tell_lines(["tariffcore: there is not enough memory; try fewer --threads"])
        return UNUSABLE
    if os.environ.get(TRACEBACK_VARIABLE):
        raise error
    words = " ".join(f"{type(error).__name__}: {error}".split())
    _tell_lines(
        [
            f"tariffcore: internal error ({words})",
            "  this is a mistake of tariffcore; please report it with the command and what "
            f"{TRACEBACK_VARIABLE}=1 adds",
        ]
    )
    return INTERNAL


def _tell_misuse(error: click.ClickException) -> None:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = "tariffcore" if context is None else context.command_path
    _tell_lines(
        [
            f"{command}: {' '.join(error.format_message().split())}",
            f"  '{command} --help' shows how it is used",
        ]
    )


def _tell_lines(lines: Sequence[str]) -> None:
    """Lines on stderr; what a file holds cannot move the cursor or pass for a line of ours."""
    from tariffcore.labelling import printable

    complain("\n".join(printable(line) for line in lines))
