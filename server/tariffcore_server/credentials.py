"""Certificates and tokens, read from their files as a whole and checked before anything uses them."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tariffcore.errors import Problem
from tariffcore_server.settings import Settings
from tariffcore_server.tokens import CredentialsError, Token, read_tokens

_SEQUENCE, _CONTEXT_0, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM bytes: the server's chain and key, and with mutual TLS whose clients are let in."""

    chain: bytes
    key: bytes
    client_ca: bytes | None
    not_after: datetime


@dataclass(frozen=True, slots=True)
class Credentials:
    """What proves who is who. None: plain text; everybody is let in."""

    certificates: Certificates | None = None
    tokens: tuple[Token, ...] | None = None
    tokens_content: bytes | None = None
    tokens_place: str = ""

    def to_json(self) -> dict[str, object]:
        """For the way to a worker process."""
        certificates = self.certificates
        return {
            "certificates": None
            if certificates is None
            else {
                "chain": _packed(certificates.chain),
                "key": _packed(certificates.key),
                "client_ca": None if certificates.client_ca is None else _packed(certificates.client_ca),
                "not_after": certificates.not_after.isoformat(),
            },
            "tokens": None if self.tokens_content is None else _packed(self.tokens_content),
            "tokens_place": self.tokens_place,
        }

    @staticmethod
    def from_json(packed: dict[str, object]) -> Credentials:
        """The reverse of `to_json`."""
        found = Credentials()
        certificates = packed["certificates"]
        if isinstance(certificates, dict):
            ca = certificates["client_ca"]
            found = Credentials(
                Certificates(
                    base64.b64decode(certificates["chain"]),
                    base64.b64decode(certificates["key"]),
                    None if ca is None else base64.b64decode(ca),
                    datetime.fromisoformat(certificates["not_after"]),
                )
            )
        if packed["tokens"] is not None:
            content, place = base64.b64decode(str(packed["tokens"])), str(packed["tokens_place"])
            found = replace(
                found, tokens=tuple(read_tokens(content, place)), tokens_content=content, tokens_place=place
            )
        return found


def _packed(content: bytes) -> str:
    return base64.b64encode(content).decode("ascii")


def read_credentials(settings: Settings) -> Credentials:
    """What the settings name, read now. Raises CredentialsError with all problems; none shows a secret."""
    problems: list[Problem] = []
    found = Credentials()
    if settings.tls_certificate is not None and settings.tls_key is not None:
        certificates = _read_certificates(
            settings.tls_certificate, settings.tls_key, settings.tls_client_ca, problems
        )
        found = Credentials(certificates)
    if settings.tokens is not None:
        content = _content(settings.tokens, "tokens", problems)
        if content is not None:
            try:
                tokens = tuple(read_tokens(content, settings.tokens))
            except CredentialsError as error:
                problems += error.problems
            else:
                found = Credentials(found.certificates, tokens, content, settings.tokens)
    if problems:
        raise CredentialsError("certificates or tokens cannot be used", problems)
    return found


def _content(path: str, field: str, problems: list[Problem]) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        problems.append(
            Problem(path, field, None, f"cannot be read ({error.strerror})", "name a file this user may read")
        )
        return None


def _read_certificates(
    chain_path: str, key_path: str, ca_path: str | None, problems: list[Problem]
) -> Certificates | None:
    before = len(problems)
    chain = _content(chain_path, "tls_certificate", problems)
    key = _content(key_path, "tls_key", problems)
    client_ca = None if ca_path is None else _content(ca_path, "tls_client_ca", problems)
    not_after = datetime.min.replace(tzinfo=UTC)
    if chain is not None:
        try:
            not_after = certificate_end(chain)
        except ValueError:
            problems.append(
                Problem(chain_path, "tls_certificate", None, "is not a PEM certificate", "name a PEM file")
            )
    if client_ca is not None and ca_path is not None:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=client_ca.decode("ascii"))
        except (ssl.SSLError, ValueError):
            problems.append(
                Problem(ca_path, "tls_client_ca", None, "holds no PEM certificate", "name a PEM file")
            )
    if len(problems) == before:
        _check_pair(chain_path, key_path, problems)
    if len(problems) > before or chain is None or key is None:
        return None
    return Certificates(chain, key, client_ca, not_after)


class _PasswordError(Exception):
    pass


def _check_pair(chain_path: str, key_path: str, problems: list[Problem]) -> None:
    def no_password() -> str:
        raise _PasswordError

    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(chain_path, key_path, no_password)
    except _PasswordError:
        problems.append(
            Problem(
                key_path,
                "tls_key",
                None,
                "is protected by a password",
                "store it without one, readable to the server",
            )
        )
    except (ssl.SSLError, ValueError):
        problems.append(
            Problem(
                key_path,
                "tls_key",
                None,
                "is not the private key of the certificate",
                "name the PEM key that the certificate was made with",
            )
        )
    except OSError as error:
        problems.append(
            Problem(key_path, "tls_key", None, f"cannot be read ({error.strerror})", "see its rights")
        )


def certificate_end(pem: bytes) -> datetime:
    """When the first certificate of a PEM file ends (notAfter). Raises ValueError for anything else."""
    text = pem.decode("ascii", "replace")
    start = text.find(ssl.PEM_HEADER)
    end = text.find(ssl.PEM_FOOTER, start)
    if start < 0 or end < 0:
        raise ValueError("there is no certificate")
    der = ssl.PEM_cert_to_DER_cert(text[start : end + len(ssl.PEM_FOOTER)])
    try:
        certificate, _ = _element(der, 0, _SEQUENCE)
        signed, _ = _element(certificate, 0, _SEQUENCE)
        place = 0
        if signed[0] == _CONTEXT_0:  # the version, which the first one leaves out
            _, place = _element(signed, place)
        for _field in ("serial number", "signature algorithm", "issuer"):
            _, place = _element(signed, place)
        validity, _ = _element(signed, place, _SEQUENCE)
        _, place = _element(validity, 0)
        kind = validity[place]
        moment, _ = _element(validity, place)
    except IndexError:
        raise ValueError("the certificate is cut off") from None
    digits = moment.decode("ascii")
    if kind == _UTC_TIME:  # two digits of the year, 1950 to 2049
        digits = ("20" if digits[:2] < "50" else "19") + digits
    elif kind != _GENERALIZED_TIME:
        raise ValueError("the certificate has no end")
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC)


def _element(der: bytes, place: int, tag: int | None = None) -> tuple[bytes, int]:
    """The content of the DER element at a place, and the place after it."""
    if tag is not None and der[place] != tag:
        raise ValueError("the certificate is none")
    length = der[place + 1]
    place += 2
    if length & 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[place : place + octets], "big")
        place += octets
    if place + length > len(der):
        raise ValueError("the certificate is cut off")
    return der[place : place + length], place + length
