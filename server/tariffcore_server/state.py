"""What a worker has in force: editions and callers. Replaced as a whole, never changed."""

from __future__ import annotations

from dataclasses import dataclass

from tariffcore_server.authentication import Authentication
from tariffcore_server.catalogs import EditionsInForce


@dataclass(slots=True)
class State:
    """The two values that a reload replaces; a call reads each once, when it begins."""

    editions: EditionsInForce
    authentication: Authentication
