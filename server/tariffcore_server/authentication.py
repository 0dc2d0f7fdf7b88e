"""Who calls, and whether they may: the bearer token of a call, its role, its providers."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from tariffcore_server.failures import Reason, RequestError
from tariffcore_server.tokens import ANYBODY, Caller, Role, Token, hash_of


class Authentication:
    """Finds out who calls. Without tokens (None) everybody is `ANYBODY`."""

    def __init__(self, tokens: Iterable[Token] | None) -> None:
        self._by_hash = None if tokens is None else {token.sha256: token for token in tokens}

    def __len__(self) -> int:
        return len(self._by_hash or {})

    @property
    def is_asked_for(self) -> bool:
        """Whether callers have to say who they are."""
        return self._by_hash is not None

    def caller(self, metadata: Iterable[tuple[str, str | bytes]] | None) -> Caller:
        """Who sends this metadata. Raises RequestError for a missing or unknown token."""
        if self._by_hash is None:
            return ANYBODY
        sent = [value for key, value in metadata or () if key == "authorization"]
        if not sent:
            raise RequestError(Reason.TOKEN_MISSING)
        text = sent[0] if isinstance(sent[0], str) else ""
        scheme, _, word = text.partition(" ")
        if len(sent) > 1 or scheme.lower() != "bearer":
            raise RequestError(Reason.TOKEN_UNKNOWN, "the authorization is not one bearer token")
        digest = hash_of(word.strip())
        token = self._by_hash.get(digest)
        if token is None or not hmac.compare_digest(token.sha256, digest):
            raise RequestError(Reason.TOKEN_UNKNOWN)
        return token.caller


def require_role(caller: Caller, role: Role) -> None:
    """Raises RequestError unless the caller has the role."""
    if role not in caller.roles:
        words = f"this method asks for the role {role.value!r}"
        raise RequestError(Reason.ROLE_MISSING, words, metadata={"role": role.value})
