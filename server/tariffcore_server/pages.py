"""Pages of listings: how many rows, where they begin, and tokens that name the listing they are of.

A token names its listing, so that one of another listing is refused instead of skipping rows.
"""

from __future__ import annotations

import base64
import hashlib

from tariffcore_server.failures import Reason, RequestError, Violation, invalid_field

USUAL_PAGE, LARGEST_PAGE = 100, 1_000


def page_count(size: int) -> int:
    """How many rows a page of an asked size has. Raises RequestError."""
    if size < 0:
        raise invalid_field("page_size", "is negative")
    return min(size or USUAL_PAGE, LARGEST_PAGE)


def mark_of(*listing: str) -> bytes:
    """What tokens of a listing begin with."""
    return hashlib.sha256("\n".join(listing).encode()).digest()[:8]


def token_of(mark: bytes, place: int) -> str:
    """The token of the page that begins after so many rows, or after a row of that number."""
    return base64.urlsafe_b64encode(mark + place.to_bytes(4, "big")).decode()


def place_in(token: str, mark: bytes) -> int:
    """The place that a token names. Raises RequestError."""
    try:
        content = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except ValueError:
        raise wrong_token() from None
    if len(content) != 12 or content[:8] != mark:
        raise wrong_token()
    return int.from_bytes(content[8:], "big")


def wrong_token() -> RequestError:
    """The error for a token that is not of the listing."""
    return RequestError(
        Reason.INVALID_PAGE_TOKEN, violations=[Violation("page_token", "is not a token of this listing")]
    )
