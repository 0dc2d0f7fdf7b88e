"""When a call that failed may be made again, and after how long."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field

from tariffcore.client.service_error import Failure

FIRST_ATTEMPTS = 3
"""Attempts to reach a service that has not answered yet: a wrong address should be told soon."""
LATER_ATTEMPTS = 8
"""Attempts to reach one again that has: it may be starting anew."""

FULL_STREAM = "CODE_TABLES_FULL"


@dataclass
class Patience:
    """How long a stream or a list is tried. Progress makes it whole again.

    Every method of the service only asks, so asking again is safe; what is decided here is whether it helps.
    ``until`` is the clock (`time.monotonic`) at which the caller wants no answer any more.
    """

    backoff_seconds: float = 0.2
    longest_backoff_seconds: float = 5.0
    until: float | None = None
    attempts: int = FIRST_ATTEMPTS
    failures: int = field(default=0, init=False)

    def progress(self) -> None:
        """The service answered something."""
        self.failures = 0
        self.attempts = LATER_ATTEMPTS

    def seconds_before_next(self, failure: Failure) -> float | None:
        """How long to wait before the next attempt; None: there is none.

        A service that asks to come back after no time at all means with less: the same again would not help.
        """
        self.failures += 1
        if self.failures >= self.attempts:
            return None
        if failure.code == "RESOURCE_EXHAUSTED" and failure.retry_seconds:
            wait = failure.retry_seconds
        elif failure.reason == FULL_STREAM:
            wait = 0.0  # the next stream begins with empty tables
        elif failure.code == "UNAVAILABLE":
            wait = self.backoff_seconds * 2 ** (self.failures - 1)
            wait = max(min(wait, self.longest_backoff_seconds), failure.retry_seconds or 0)
        else:
            return None
        # callers that were refused together should not come back together
        wait *= random.uniform(1, 1.25)  # noqa: S311
        if self.until is not None and time.monotonic() + wait >= self.until:
            return None
        return wait
