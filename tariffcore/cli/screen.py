"""Words on the screen: plain when piped, coloured in a terminal, never an error because of a letter or a
closed pipe."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

_LIKE_ASCII = {
    "\u00a0": " ",
    "\u202f": " ",
    "\u2009": " ",
    "×": "x",
    "→": "->",
    "…": "...",
    "–": "-",
    "—": "-",
    "−": "-",
    "№": "No.",
    "«": '"',
    "»": '"',
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "─": "-",
    "━": "-",
    "│": "|",
}
_SPELLING = "tariffcore.spelling"


def _spelled(error: UnicodeError) -> tuple[str, int]:
    """A character the stream has no code for: one that looks like it, else its number (``\\u041a``)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    letters = error.object[error.start : error.end]
    words = "".join(
        _LIKE_ASCII.get(letter) or letter.encode("ascii", "backslashreplace").decode("ascii")
        for letter in letters
    )
    return words, error.end


codecs.register_error(_SPELLING, _spelled)


def prepare_streams() -> None:
    """Lets both streams spell what they have no letters for, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors=_SPELLING)


def speaks_unicode(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().replace("-", "").startswith("utf")


def say(text: str = "") -> None:
    """A line on stdout, as it is. A reader that went away (``| head``) is no error."""
    _write(sys.stdout, text + "\n")


def complain(text: str) -> None:
    """A line on stderr."""
    _write(sys.stderr, text + "\n")


def show(renderable: RenderableType) -> None:
    """A table on stdout, as wide as the terminal, or 80 columns when piped."""
    paper = console()
    with paper.capture() as drawn:
        paper.print(renderable)
    for line in drawn.get().splitlines():
        say(line.rstrip())


def say_bold(text: str) -> None:
    """A title on stdout."""
    from rich.text import Text

    paper = console()
    with paper.capture() as drawn:
        paper.print(Text(text, style="bold"), soft_wrap=True, end="")
    say(drawn.get())


def _write(stream: TextIO, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except OSError as error:
        _pour_away(stream)  # or it would fail once more when the process ends
        if not isinstance(error, BrokenPipeError):
            raise


def _pour_away(stream: TextIO) -> None:
    """Nobody can read this stream any more: what is still written to it goes nowhere."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


def console(*, stderr: bool = False) -> Console:
    """A console that prints texts as they are: brackets are no markup, numbers are not painted."""
    from rich.console import Console

    return Console(stderr=stderr, markup=False, highlight=False, emoji=False)


def banner(lines: Sequence[str]) -> None:
    """Words nobody may overlook."""
    for line in lines:
        say_bold(line)


@contextmanager
def progress_bar(
    description: str, *, total: int | None, in_bytes: bool, wanted: bool
) -> Iterator[Callable[[int, int | None], None] | None]:
    """A bar on stderr that the yielded function moves by so much, out of so much where that becomes known.

    Yields None, and shows nothing, where stderr is no terminal or the bar is not wanted.
    """
    if not wanted or not sys.stderr.isatty():
        yield None
        return
    from rich import progress

    counted: list[progress.ProgressColumn] = (
        [progress.DownloadColumn(), progress.TransferSpeedColumn()]
        if in_bytes
        else [progress.TextColumn("{task.completed:,} of {task.total:,}")]
    )
    bar = progress.Progress(
        progress.TextColumn("{task.description}"),
        progress.BarColumn(),
        progress.TaskProgressColumn(),
        *counted,
        progress.TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
    )
    with bar:
        task = bar.add_task(description, total=total)

        def move(by: int, known_total: int | None) -> None:
            if known_total is not None:
                bar.update(task, total=known_total)
            bar.advance(task, by)

        yield move
