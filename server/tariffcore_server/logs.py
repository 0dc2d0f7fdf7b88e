"""Structured logs: one JSON object a line on stderr. Never a value of a case, never a token.

Lines are built from named facts that the server itself knows.  What other libraries log is cut down to its
template and place, and of exceptions only the kind and the places are kept, since their texts may quote what
somebody sent.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from datetime import UTC, datetime
from types import TracebackType
from typing import TextIO

LOGGER = logging.getLogger("tariffcore_server")
LEVELS = ("debug", "info", "warning", "error")
_FACTS = "tariffcore_facts"

Fact = str | int | float | bool | None | list[str] | dict[str, str]


def log(level: int, event: str, /, **facts: Fact) -> None:
    """One line: what happened, in a word that never changes, and the facts."""
    LOGGER.log(level, event, extra={_FACTS: facts})


def info(event: str, /, **facts: Fact) -> None:
    log(logging.INFO, event, **facts)


def warning(event: str, /, **facts: Fact) -> None:
    log(logging.WARNING, event, **facts)


def error(event: str, /, **facts: Fact) -> None:
    log(logging.ERROR, event, **facts)


def places_of(error: BaseException) -> list[str]:
    """Where an exception came from, innermost last: files, lines and functions, no values."""
    return _places(error.__traceback__)


def _places(trace: TracebackType | None) -> list[str]:
    return [
        f"{os.path.basename(frame.filename)}:{frame.lineno} {frame.name}"  # noqa: PTH119
        for frame in traceback.extract_tb(trace, limit=-12)
    ]


class JsonLines(logging.Formatter):
    """A record as one JSON object."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Fact] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "pid": record.process,
        }
        facts = getattr(record, _FACTS, None)
        if facts is not None:
            line |= {"event": str(record.msg), **facts}
        else:
            line |= {
                "event": "library_message",
                "logger": record.name,
                "template": str(record.msg) if record.args else "",
                "at": f"{record.filename}:{record.lineno}",
            }
        if record.exc_info and record.exc_info[1] is not None:
            line["exception"] = type(record.exc_info[1]).__name__
            line["places"] = _places(record.exc_info[2])
        return json.dumps(line, ensure_ascii=False, default=str)


def write_logs(level: str, stream: TextIO | None = None) -> None:
    """From now on this process logs JSON lines to stderr (or the stream) from this level up."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    LOGGER.setLevel(level.upper())
