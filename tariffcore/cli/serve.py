"""``tariffcore serve``: the gRPC service, where its extra is installed."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import click

from tariffcore.cli.failures import DONE
from tariffcore.cli.options import FILE
from tariffcore.cli.screen import say
from tariffcore.errors import Problem, ProblemsError

_Command = TypeVar("_Command", bound=Callable[..., Any])

_SWITCHES = {
    "reflection": "Let clients ask for the contract (gRPC reflection).",
    "insecure-plaintext": "Listen beyond loopback without TLS: whoever is on the way reads and changes all.",
    "metrics-insecure-plaintext": "Serve metrics beyond loopback, where everybody can read them.",
    "telemetry": "Trace calls with OpenTelemetry; its OTEL_* variables apply.",
}
_VALUES = {
    "default-family": ("NAME", "The family of requests that name none.  [default: the only one]"),
    "host": ("ADDRESS", "The address to listen on.  [default: 127.0.0.1]"),
    "port": ("PORT", "The port; 0 takes a free one.  [default: 50051]"),
    "workers": ("N", "Worker processes on the port.  [default: 1]"),
    "tls-certificate": ("FILE", "PEM: the server's certificate and its chain."),
    "tls-key": ("FILE", "PEM: the certificate's private key."),
    "tls-client-ca": ("FILE", "PEM: clients must show a certificate signed by one of these (mutual TLS)."),
    "tokens": ("FILE", "TOML: the tokens that are accepted (see 'tariffcore token')."),
    "book": ("FILE|URL", "The book of settled months; with it SettlementService is there to read it."),
    "book-lines": (
        "DIR",
        "The files of its lines, for ListLostLines.  [default: beside a book that is a file]",
    ),
    "settlement-rules": ("DIR", "The settlement rules that statements cite.  [default: kz-2026]"),
    "metrics-host": ("ADDRESS", "The address for Prometheus metrics.  [default: 127.0.0.1]"),
    "metrics-port": ("PORT", "Their port; 0 takes a free one.  [default: 9464]"),
    "max-message-bytes": ("N", "Bytes of the largest request message.  [default: 4194304]"),
    "max-cases": ("N", "Cases of one PriceCases.  [default: 5000]"),
    "max-calls": ("N", "Calls in progress at once in a worker.  [default: 256]"),
    "max-streams": ("N", "Column streams open at once in a worker.  [default: 32]"),
    "max-connections": ("N", "Connections of all workers together.  [default: 2500]"),
    "handshake-timeout": ("SECONDS", "When a connection that says nothing is dropped.  [default: 10]"),
    "drain-timeout": ("SECONDS", "What calls get to end after SIGTERM.  [default: 30]"),
    "log-level": ("LEVEL", "debug, info, warning or error.  [default: info]"),
}


class ExtraMissingError(ProblemsError):
    """A part of tariffcore that is not installed was asked for."""

    reason = "EXTRA_MISSING"


def _settings_options(command: _Command) -> _Command:
    """A flag for every setting; what they hold is read with environment and file, all problems at once."""
    for name, words in reversed(_SWITCHES.items()):
        command = click.option(f"--{name}", is_flag=True, default=None, help=words)(command)
    command = click.option(
        "--metrics/--no-metrics", default=None, help="Serve Prometheus metrics.  [default: yes]"
    )(command)
    for name, (metavar, words) in reversed(_VALUES.items()):
        command = click.option(f"--{name}", metavar=metavar, help=words)(command)
    return command


@click.command(short_help="Serve prices over gRPC.")
@click.option(
    "-s",
    "--schedule",
    "schedules",
    metavar="DIR",
    multiple=True,
    help="A schedule folder, or a shipped edition or family of them. Repeatable.  [default: kz]",
)
@click.option("--config", type=FILE, metavar="FILE", help="TOML: any of these settings, with underscores.")
@click.option("--check", is_flag=True, help="Read and check everything, say what is wrong, and leave.")
@_settings_options
def serve(schedules: tuple[str, ...], config: Path | None, check: bool, **flags: str | bool | None) -> int:
    """Serve prices over gRPC, until SIGTERM.

    Every setting can also be given in the environment (TARIFFCORE_TLS_KEY for --tls-key; TARIFFCORE_SCHEDULES
    for all -s, separated by ':') and in the TOML file of --config (tls_key, schedules); a flag beats the
    environment, which beats the file. SIGHUP reads schedules, certificates and tokens again.
    """
    _require_service()
    from tariffcore_server.settings import read_settings, unknown_variables

    given: dict[str, object] = {name: value for name, value in flags.items() if value is not None}
    if schedules:
        given["schedules"] = schedules
    settings = read_settings(given, os.environ, config)
    if check:
        from tariffcore_server.checking import check_everything

        for line in check_everything(settings):
            say(line)
        for variable in unknown_variables(os.environ):
            say(f"{variable} is no setting and not read; 'tariffcore serve --help' lists the settings")
        return DONE
    from tariffcore_server.supervisor import serve as run

    run(settings, lambda address: say(f"serving {address}"), os.environ)
    return DONE


def _require_service() -> None:
    """The packages of the extra are there. They are looked for, not imported: the workers import them."""
    for package in ("grpc", "grpc_health", "prometheus_client", "tariffcore_server"):
        if find_spec(package) is None:
            raise service_missing(package)


def service_missing(package: str) -> ExtraMissingError:
    """What to say where the service's extra is not installed."""
    problem = Problem(
        "tariffcore[service]",
        None,
        package,
        "is not installed",
        "install the service: pip install 'tariffcore[service]'",
    )
    return ExtraMissingError("the service is not installed", [problem])
