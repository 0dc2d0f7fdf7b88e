"""How much the server takes at once. Beyond a limit a call is refused at once, with the time to come back."""

from __future__ import annotations

from dataclasses import dataclass

from tariffcore_server.failures import Reason, RequestError

MOST_CASES = 5_000
"""Cases of one PriceCases: the contract's bound, which a server may lower."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one worker process.

    message_bytes  of one request message; what is far beyond is not even read (see `HARD_MESSAGE_FACTOR`)
    cases          in one PriceCases
    calls          in progress at once, streams aside
    streams        open at once
    """

    message_bytes: int = 4 << 20
    cases: int = MOST_CASES
    calls: int = 256
    streams: int = 32


HARD_MESSAGE_FACTOR = 2
"""gRPC itself reads messages of up to so many times the limit, so that the service can say what is wrong."""


class Places:
    """So many places; ``with places:`` takes one for the time of the block.

    Entering raises RequestError where none is left.
    """

    def __init__(self, count: int, reason: Reason) -> None:
        self.count = count
        self.taken = 0
        self._reason = reason

    def __enter__(self) -> None:
        if self.taken >= self.count:
            raise RequestError(self._reason, metadata={"limit": str(self.count)})
        self.taken += 1

    def __exit__(self, *_raised: object) -> None:
        self.taken -= 1


def require_size(message: bytes, limits: Limits) -> None:
    """Raises RequestError for a message beyond the limit."""
    if len(message) > limits.message_bytes:
        raise RequestError(Reason.MESSAGE_TOO_LARGE, metadata={"limit_bytes": str(limits.message_bytes)})


def require_rows(rows: int, most: int) -> None:
    """Raises RequestError for a message of too many rows."""
    if rows > most:
        raise RequestError(Reason.TOO_MANY_ROWS, metadata={"limit_rows": str(most)})
