"""What can be wrong with a message of columns: each names the path of a field, never a value of a case."""

from __future__ import annotations

from collections.abc import Iterable

from tariffcore.errors import Problem, ProblemsError


class WireError(ProblemsError):
    """A chunk that cannot be read: the stream ends here.

    ``field`` of each problem is a path as in google.rpc.BadRequest, ``chunk.drg[17]``.
    """

    reason = "CHUNK_INVALID"

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("the chunk cannot be priced", list(problems))


class UnreadableMessageError(WireError):
    """Bytes that are no such message: cut short, of another type, or text that is not UTF-8."""

    reason = "MESSAGE_UNREADABLE"


class NoChunkError(WireError):
    """A message without a chunk, or a second start."""

    reason = "CHUNK_MISSING"


class RowCountError(WireError):
    """More rows than a chunk may have, or none."""

    reason = "ROW_COUNT_INVALID"


class UnequalLengthError(WireError):
    """A column that has neither one element a row nor none."""

    reason = "COLUMN_LENGTH_UNEQUAL"


class BeyondTableError(WireError):
    """A place beyond its code table, or an end beyond the procedures."""

    reason = "PLACE_BEYOND_TABLE"


class DuplicateWordError(WireError):
    """A word that its code table already has."""

    reason = "WORD_TWICE"


class TooManyWordsError(WireError):
    """Code tables larger than a stream may have."""

    reason = "TOO_MANY_WORDS"


class UnknownProblemError(WireError):
    """A number in row_problem that means nothing."""

    reason = "ROW_PROBLEM_UNKNOWN"


def problem(path: str, message: str, way_out: str) -> Problem:
    """What is wrong with the field at a path of the request."""
    return Problem("request", path, None, message, way_out)
