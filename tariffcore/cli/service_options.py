"""Options of commands that can call a service instead of working here."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import wraps
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
from click.core import ParameterSource

from tariffcore.cli.options import FILE

if TYPE_CHECKING:
    from tariffcore.client import Connection, EditionChoice

_Command = TypeVar("_Command", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class ServiceOptions:
    """What the options say of a service; ``server`` None: the work is done here."""

    server: str | None
    tls: bool
    tls_ca: Path | None
    tls_cert: Path | None
    tls_key: Path | None
    server_name: str | None
    token_file: Path | None
    token_in_plain_text: bool
    family: str | None
    edition: str | None

    def connection(self) -> Connection:
        """How to reach the service. Raises ClientError in words."""
        from tariffcore.client import Connection, read_token

        assert self.server is not None
        return Connection(
            target=self.server,
            tls=self.tls,
            tls_ca=self.tls_ca,
            client_certificate=self.tls_cert,
            client_key=self.tls_key,
            server_name=self.server_name,
            token=None if self.token_file is None else read_token(self.token_file),
            allow_token_in_plain_text=self.token_in_plain_text,
        )

    def edition_choice(self, as_of: date | None, deciding_date: str) -> EditionChoice:
        """Which editions the service should price by."""
        from tariffcore.client import EditionChoice
        from tariffcore.schedule.catalog import DecidingDate

        schedule_id, _, digest = (self.edition or "").partition("@")
        return EditionChoice(
            tariff_family=self.family,
            schedule_id=schedule_id or None,
            digest=digest or None,
            as_of=as_of,
            deciding_date=DecidingDate(deciding_date),
        )

    def check(self, context: click.Context, as_of: date | None) -> None:
        """Raises click.UsageError for options that contradict each other."""
        given = {
            name: option
            for name, option in _OPTIONS.items()
            if context.get_parameter_source(name) is not ParameterSource.DEFAULT
        }
        if self.server is None:
            if given:
                option = next(iter(given.values()))
                raise click.UsageError(f"{option} is for a service: give --server HOST:PORT as well", context)
            return
        if context.get_parameter_source("schedules") is not ParameterSource.DEFAULT:
            raise click.UsageError(
                "-s names a schedule here, --server a service with schedules of its own: give one of them; "
                "with --server, --family and --edition say which of its schedules",
                context,
            )
        if self.edition is not None and as_of is not None:
            raise click.UsageError(
                "--edition names the edition, so --as-of has nothing left to choose: give one of them",
                context,
            )
        if self.edition is not None and not self.edition.partition("@")[0]:
            raise click.UsageError("--edition needs an id: write kz-2026 or kz-2026@DIGEST", context)


def require_client() -> None:
    """Raises click.UsageError where what the client needs is not installed."""
    # gRPC has remarks of its own on stderr, in words of its source; what matters of them our errors say
    os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
    if find_spec("grpc") is None or find_spec("google.rpc") is None:
        raise click.UsageError("--server needs what is not installed here: pip install 'tariffcore[client]'")


_OPTIONS = {
    "tls": "--tls",
    "tls_ca": "--tls-ca",
    "tls_cert": "--tls-cert",
    "tls_key": "--tls-key",
    "server_name": "--server-name",
    "token_file": "--token-file",
    "token_in_plain_text": "--token-in-plain-text",
    "family": "--family",
    "edition": "--edition",
}


def service_options(command: _Command) -> _Command:
    """Adds the options; the command receives them as one argument ``service``."""

    @wraps(command)
    def with_service(*arguments: Any, server: str | None, **options: Any) -> Any:  # noqa: ANN401
        own = {name: options.pop(name) for name in _OPTIONS}
        return command(*arguments, service=ServiceOptions(server=server, **own), **options)

    for option in reversed(
        [
            click.option(
                "--server",
                metavar="HOST:PORT",
                help="Let this service price the cases, by its own schedules.",
            ),
            click.option("--family", metavar="FAMILY", help="Of the service's schedules, this family."),
            click.option(
                "--edition",
                metavar="ID[@DIGEST]",
                help="Of the service's schedules, exactly this edition, and with this digest.",
            ),
            click.option("--tls", is_flag=True, help="Speak TLS, trusting the authorities of this system."),
            click.option("--tls-ca", type=FILE, metavar="FILE", help="Speak TLS, trusting these."),
            click.option(
                "--tls-cert", type=FILE, metavar="FILE", help="The certificate to prove oneself with."
            ),
            click.option("--tls-key", type=FILE, metavar="FILE", help="The key of --tls-cert."),
            click.option(
                "--server-name",
                metavar="NAME",
                help="The name in the service's certificate, where it is not HOST.",
            ),
            click.option("--token-file", type=FILE, metavar="FILE", help="A file with the token to send."),
            click.option(
                "--token-in-plain-text",
                is_flag=True,
                help="Send the token without TLS to another machine, readable for anyone between.",
            ),
        ]
    ):
        with_service = option(with_service)
    return with_service  # type: ignore[return-value]
