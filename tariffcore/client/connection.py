"""How to reach a service: where, over TLS or not, and as whom."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc

from tariffcore.client.service_error import ClientError
from tariffcore.errors import Problem

DEFAULT_PORT = 50051
MAX_RECEIVED_BYTES = 32 << 20
"""A list of 5,000 cases with reasons may pass the 4 MiB that gRPC accepts by default."""
_MOST_FILE_BYTES = 1 << 20

_SERVICE_CONFIG = json.dumps(
    {
        "methodConfig": [
            {
                # every one of these methods only asks: to ask twice changes nothing
                "name": [
                    {"service": "tariffcore.v1.PricingService", "method": "PriceCase"},
                    {"service": "tariffcore.v1.PricingService", "method": "PriceCases"},
                    {"service": "tariffcore.v1.ScheduleService"},
                ],
                "retryPolicy": {
                    "maxAttempts": 5,
                    "initialBackoff": "0.1s",
                    "maxBackoff": "2s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ]
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """How to reach a service.

    target                     "host", "host:port" or "unix:/path"; the port is 50051 unless given
    tls                        speak TLS; implied by any of the files
    tls_ca                     PEM file of the authorities that may vouch for the service; None: the system's
    client_certificate         PEM file with which the client proves itself (mutual TLS), with its client_key
    client_key                 PEM file of the certificate's key
    server_name                the name the service's certificate must hold, where it is not the target's host
    token                      bearer token; None: none is sent
    allow_token_in_plain_text  send the token without TLS beyond this machine, readable for anyone between
    """

    target: str
    tls: bool = False
    tls_ca: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None
    server_name: str | None = None
    token: str | None = field(default=None, repr=False)
    allow_token_in_plain_text: bool = False

    def __post_init__(self) -> None:
        problems = [
            *self._target_problems(),
            *self._key_problems(),
            *self._name_problems(),
            *self._token_problems(),
        ]
        if problems:
            raise ClientError("the service cannot be called like this", problems)

    @property
    def is_encrypted(self) -> bool:
        """Whether this speaks TLS."""
        return self.tls or any(
            path is not None for path in (self.tls_ca, self.client_certificate, self.client_key)
        )

    @property
    def address(self) -> str:
        """The target as gRPC takes it, with a port."""
        if self.target.startswith("unix:"):
            return self.target
        host, port = _host_and_port(self.target)
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """What every call carries."""
        return () if self.token is None else (("authorization", f"Bearer {self.token}"),)

    def credentials(self) -> grpc.ChannelCredentials:
        """TLS as the files say. Raises ClientError for a file that cannot be read."""
        problems: list[Problem] = []
        authorities = _read("tls_ca", self.tls_ca, problems)
        certificate = _read("client_certificate", self.client_certificate, problems)
        key = _read("client_key", self.client_key, problems)
        if problems:
            raise ClientError("a file for TLS cannot be used", problems)
        return grpc.ssl_channel_credentials(authorities, key, certificate)

    def options(self) -> Sequence[tuple[str, Any]]:
        """Channel arguments: retries of what is safe, the size of answers, a connection of its own."""
        options: list[tuple[str, Any]] = [
            ("grpc.service_config", _SERVICE_CONFIG),
            ("grpc.enable_retries", 1),
            ("grpc.max_receive_message_length", MAX_RECEIVED_BYTES),
            # channels of one process would share a connection, and with it one worker process of the service
            ("grpc.use_local_subchannel_pool", 1),
            ("grpc.keepalive_time_ms", 300_000),
            ("grpc.keepalive_timeout_ms", 20_000),
        ]
        if self.server_name is not None:
            options.append(("grpc.ssl_target_name_override", self.server_name))
        return options

    def _target_problems(self) -> list[Problem]:
        way_out = "write host:port, for instance localhost:50051"
        if self.target.startswith("unix:"):
            if self.target == "unix:":
                return [Problem("connection", "target", self.target, "names no socket", way_out)]
            return []
        host, port = _host_and_port(self.target)
        if not host or any(letter.isspace() or letter in "/,@" for letter in host):
            return [Problem("connection", "target", self.target, "is not the address of a service", way_out)]
        if not (port.isascii() and port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65_535):
            return [Problem("connection", "target", self.target, "has no port from 1 to 65535", way_out)]
        return []

    def _key_problems(self) -> list[Problem]:
        if (self.client_certificate is None) == (self.client_key is None):
            return []
        there, missing = (
            ("client_certificate", "client_key")
            if self.client_key is None
            else ("client_key", "client_certificate")
        )
        return [
            Problem(
                "connection", missing, None, f"is needed together with {there}", "give both files or neither"
            )
        ]

    def _name_problems(self) -> list[Problem]:
        if self.server_name is None or self.is_encrypted:
            return []
        return [
            Problem(
                "connection",
                "server_name",
                self.server_name,
                "is for a certificate, and without TLS there is none",
                "use TLS (tls_ca, --tls-ca), or leave the name out",
            )
        ]

    def _token_problems(self) -> list[Problem]:
        if self.token is None:
            return []
        if not self.token or not all("!" <= letter <= "~" for letter in self.token):
            # the token itself is a secret and stands in no error
            return [
                Problem(
                    "connection",
                    "token",
                    None,
                    "is empty or holds characters that no token has",
                    "give the token as it was issued, on one line",
                )
            ]
        if self.is_encrypted or self.allow_token_in_plain_text or self._is_on_this_machine():
            return []
        return [
            Problem(
                "connection",
                "token",
                None,
                f"would cross the network to {self.target} in plain text, where anyone between can read it",
                "use TLS (tls_ca, --tls-ca), or allow it in so many words "
                "(allow_token_in_plain_text, --token-in-plain-text)",
            )
        ]

    def _is_on_this_machine(self) -> bool:
        if self.target.startswith("unix:"):
            return True
        host, _ = _host_and_port(self.target)
        if host.lower() == "localhost":
            return True
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return False


def _host_and_port(target: str) -> tuple[str, str]:
    if target.startswith("["):
        host, _, rest = target[1:].partition("]")
        return host, rest.removeprefix(":") if rest else str(DEFAULT_PORT)
    if target.count(":") > 1:  # an IPv6 address without brackets has no place for a port
        return target, str(DEFAULT_PORT)
    host, colon, port = target.partition(":")
    return host, port if colon else str(DEFAULT_PORT)


def _read(name: str, path: Path | None, problems: list[Problem]) -> bytes | None:
    if path is None:
        return None
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_FILE_BYTES + 1)
    except OSError as error:
        problems.append(
            Problem(str(path), name, None, f"cannot be read ({error.strerror or error})", "check the path")
        )
        return None
    if len(content) > _MOST_FILE_BYTES or b"-----BEGIN " not in content:
        problems.append(Problem(str(path), name, None, "is not a PEM file", "give a file in PEM form"))
        return None
    return content


def read_token(path: Path) -> str:
    """The token in a file: its only line. Raises ClientError; the token stands in no error."""
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_FILE_BYTES)
        token = content.decode("ascii").strip()
    except OSError as error:
        problem = Problem(
            str(path), None, None, f"cannot be read ({error.strerror or error})", "check the path"
        )
        raise ClientError("the token cannot be used", [problem]) from None
    except UnicodeDecodeError:
        token = ""
    if not token or any(letter.isspace() for letter in token):
        problem = Problem(str(path), None, None, "does not hold one token", "put the token alone on one line")
        raise ClientError("the token cannot be used", [problem])
    return token
