"""The tokens file: bearer tokens, kept hashed, with roles and the providers they may price for.

A token is 256 random bits, so SHA-256 without salt or stretching is enough: there is no dictionary of such
tokens to try, and a slow hash would only make every call slow.  Looking a token up by its hash tells nothing
by timing that helps to make one: whoever wants a hash with a given beginning has to find a preimage.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeGuard

from tariffcore.errors import Problem, ProblemsError
from tariffcore.schedule.values import closest

TOKEN_PREFIX = "tariffcore_"  # noqa: S105
"""Begins every token, so that scanners for leaked secrets can know one."""

_SHA256 = re.compile(r"[0-9a-f]{64}")
_KEYS = ("name", "sha256", "roles", "providers")


class Role(StrEnum):
    """What a caller may do. Roles do not contain one another."""

    READ = "read"
    PRICE = "price"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose call is looked at. ``providers`` None: may price for all, and see all settled months."""

    name: str
    roles: frozenset[Role]
    providers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the server keeps it: its hash and whom it stands for."""

    sha256: bytes
    caller: Caller


ANYBODY = Caller("anybody", frozenset([Role.READ, Role.PRICE]))
"""The caller where the server has no tokens: may read and price. Administration then is by signal only."""


class CredentialsError(ProblemsError):
    """Tokens or certificates that cannot be used."""

    reason = "CREDENTIALS_INVALID"


def hash_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def new_token() -> str:
    """A token nobody can guess: 256 random bits."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_entry(name: str, token: str, roles: Iterable[Role], providers: Iterable[str] | None) -> str:
    """The lines of the tokens file that accept a token."""
    lines = [
        "[[token]]",
        f"name = {_quoted(name)}",
        f'sha256 = "{hash_of(token).hex()}"',
        f"roles = [{', '.join(_quoted(role.value) for role in roles)}]",
    ]
    if providers is not None:
        lines.append(f"providers = [{', '.join(map(_quoted, providers))}]")
    return "\n".join(lines)


def _quoted(text: str) -> str:
    escaped = "".join(
        {"\\": "\\\\", '"': '\\"'}.get(letter)
        or (letter if letter.isprintable() else f"\\U{ord(letter):08x}")
        for letter in text
    )
    return f'"{escaped}"'


def read_tokens(content: bytes, place: str) -> list[Token]:
    """The tokens of a tokens file. Raises CredentialsError with all problems; none shows a secret."""
    try:
        document = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # the parser's own words may quote the file
        where = re.search(r"line \d+", str(error))
        problem = Problem(
            place, None, None, f"is not TOML{f' ({where[0]})' if where else ''}", "see the README on tokens"
        )
        raise CredentialsError(f"the tokens in {place} cannot be used", [problem]) from None
    problems = [
        Problem(place, key, None, "is not known here", "the file holds only [[token]] tables")
        for key in document
        if key != "token"
    ]
    entries = document.get("token", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        problems.append(Problem(place, "token", None, "is not a list of tables", "write [[token]]"))
        entries = []
    elif not entries:
        problems.append(
            Problem(
                place,
                None,
                None,
                "has no token",
                "make one with 'tariffcore token', or start without --tokens",
            )
        )
    tokens: list[Token] = []
    names: set[str] = set()
    hashes: set[bytes] = set()
    for number, entry in enumerate(entries, 1):
        token = _read_token(entry, f"{place}: token {number}", problems)
        if token is None:
            continue
        if token.caller.name in names:
            problems.append(
                Problem(
                    f"{place}: token {number}", "name", token.caller.name, "occurs twice", "name each once"
                )
            )
        if token.sha256 in hashes:
            problems.append(
                Problem(f"{place}: token {number}", "sha256", None, "occurs twice", "give each its own token")
            )
        names.add(token.caller.name)
        hashes.add(token.sha256)
        tokens.append(token)
    if problems:
        raise CredentialsError(f"the tokens in {place} cannot be used", problems)
    return tokens


def _read_token(entry: Mapping[str, object], place: str, problems: list[Problem]) -> Token | None:
    before = len(problems)

    def wrong(key: str, value: str | None, message: str, way_out: str) -> None:
        problems.append(Problem(place, key, value, message, way_out))

    for key in entry:
        if key not in _KEYS:
            meant = closest(key, _KEYS)
            hint = f"did you mean {meant!r}?" if meant else f"there are {', '.join(_KEYS)}"
            wrong(key, None, "is not known here", hint)
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        wrong("name", None, "is missing", "say whose token it is, for the log")
    sha256 = entry.get("sha256")
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        wrong("sha256", None, "is not a SHA-256", "write 64 lower-case hexadecimal digits")
    roles = entry.get("roles")
    known = {role.value for role in Role}
    if not _is_texts(roles) or not roles:
        wrong("roles", None, "is missing", f"list some of {', '.join(sorted(known))}")
        roles = []
    for role in roles:
        if role not in known:
            wrong("roles", role, "is no role", f"there are {', '.join(sorted(known))}")
    providers = entry.get("providers")
    if "providers" in entry and (not _is_texts(providers) or not providers):
        wrong(
            "providers", None, "is not a list of provider ids", "list ids in quotes, or leave it out for all"
        )
    if len(problems) > before:
        return None
    assert isinstance(name, str) and isinstance(sha256, str)
    return Token(
        bytes.fromhex(sha256),
        Caller(
            name.strip(),
            frozenset(Role(role) for role in roles),
            frozenset(provider.strip() for provider in providers) if _is_texts(providers) else None,
        ),
    )


def _is_texts(value: object) -> TypeGuard[list[str]]:
    return isinstance(value, list) and all(isinstance(item, str) and item.strip() for item in value)
