"""What a worker has in force: editions and callers. Replaced as a whole, never changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tariffcore_server.authentication import Authentication
from tariffcore_server.catalogs import EditionsInForce

if TYPE_CHECKING:  # needs the extra "settlement", which a server without a book does not
    from tariffcore.settlement.book.reading import ReadBook


@dataclass(slots=True)
class State:
    """The values that a reload replaces; a call reads each once, when it begins.

    ``book`` with the rules it is read by; None: the server has none.
    """

    editions: EditionsInForce
    authentication: Authentication
    book: ReadBook | None = None
