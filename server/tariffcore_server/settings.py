"""What the operator decides: flags, else environment, else TOML file, else defaults; problems all at once."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from tariffcore.errors import Problem, ProblemsError
from tariffcore.schedule.values import closest

ENVIRONMENT_PREFIX = "TARIFFCORE_"
CONFIG_FILE_SETTING = "config"
MOST_WORKERS = 64


class SettingsError(ProblemsError):
    """Settings with which the server cannot start."""

    reason = "SETTINGS_INVALID"


class _WrongError(Exception):
    def __init__(self, message: str, way_out: str) -> None:
        super().__init__(message)
        self.message = message
        self.way_out = way_out


_Reader = Callable[[object], object]
"""Makes a setting of a text (flag, environment) or of a TOML value. Raises _WrongError."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise _WrongError("is not a text", "write a word")
    return value.strip()


def _path(value: object) -> str:
    return _text(value)


def _texts(value: object) -> tuple[str, ...]:
    found = value.split(os.pathsep) if isinstance(value, str) else value
    if not isinstance(found, Sequence) or not found:
        raise _WrongError("is not a list of names", "write a list")
    return tuple(_text(item) for item in found)


def _switch(value: object) -> bool:
    if isinstance(value, bool):
        return value
    words = {
        "1": True,
        "true": True,
        "yes": True,
        "on": True,
        "0": False,
        "false": False,
        "no": False,
        "off": False,
    }
    if isinstance(value, str) and value.strip().lower() in words:
        return words[value.strip().lower()]
    raise _WrongError("is neither yes nor no", "write true or false")


def _whole(low: int, high: int) -> _Reader:
    def read(value: object) -> int:
        if isinstance(value, str) and value.strip().isascii() and value.strip().isdigit():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise _WrongError("is not a number in range", f"write a whole number from {low:,} to {high:,}")
        return value

    return read


def _level(value: object) -> str:
    levels = ("debug", "info", "warning", "error")
    if value not in levels:
        raise _WrongError("is no level", f"write one of {', '.join(levels)}")
    return str(value)


def _setting(read: _Reader, words: str, default: object) -> Any:  # noqa: ANN401
    return field(default=default, metadata={"read": read, "words": words})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every setting there is. A setting is called the same as a flag (``--tls-key``), in the environment
    (``TARIFFCORE_TLS_KEY``) and in the TOML file (``tls_key``). Numbers of connections, calls and streams are
    those of one worker process, except ``connections``, which is shared out among them."""

    schedules: tuple[str, ...] = _setting(
        _texts,
        "schedule folders, or shipped editions or families (in the environment separated by ':')",
        ("kz",),
    )
    default_family: str | None = _setting(
        _text, "the family of requests that name none; without it the only one, if there is one only", None
    )
    host: str = _setting(_text, "the address to listen on", "127.0.0.1")
    port: int = _setting(_whole(0, 65535), "the port; 0 takes a free one", 50051)
    workers: int = _setting(_whole(1, MOST_WORKERS), "worker processes on the port", 1)
    insecure_plaintext: bool = _setting(
        _switch,
        "listen beyond loopback without TLS: everybody on the way can read and change all of it",
        False,
    )
    tls_certificate: str | None = _setting(_path, "PEM file: the server's certificate and its chain", None)
    tls_key: str | None = _setting(_path, "PEM file: the certificate's private key, without a password", None)
    tls_client_ca: str | None = _setting(
        _path, "PEM file: clients must show a certificate signed by one of these (mutual TLS)", None
    )
    tokens: str | None = _setting(
        _path, "TOML file of accepted tokens; without it everybody may read and price", None
    )
    book: str | None = _setting(
        _text, "the book of settled months (a file, or postgresql://…) that SettlementService reads", None
    )
    book_lines: str | None = _setting(
        _path, "the folder of the book's files of lines; without it, beside a book that is a file", None
    )
    settlement_rules: str = _setting(
        _text, "a folder of settlement rules, or shipped ones: the sources of statements", "kz-2026"
    )
    reflection: bool = _setting(_switch, "let clients ask for the contract (gRPC reflection)", False)
    metrics: bool = _setting(_switch, "serve Prometheus metrics on a port of their own", True)
    metrics_host: str = _setting(_text, "the address for metrics", "127.0.0.1")
    metrics_port: int = _setting(_whole(0, 65535), "the port for metrics; 0 takes a free one", 9464)
    metrics_insecure_plaintext: bool = _setting(
        _switch, "serve metrics beyond loopback, where everybody can read them", False
    )
    max_message_bytes: int = _setting(
        _whole(1 << 10, 64 << 20), "bytes of the largest request message", 4 << 20
    )
    max_cases: int = _setting(_whole(1, 5_000), "cases of one PriceCases", 5_000)
    max_calls: int = _setting(_whole(1, 100_000), "calls in progress at once, streams aside", 256)
    max_streams: int = _setting(_whole(1, 10_000), "column streams open at once", 32)
    max_connections: int = _setting(
        _whole(1, 1_000_000), "connections of all workers together, those still shaking hands included", 2_500
    )
    handshake_timeout: int = _setting(
        _whole(1, 3_600), "seconds until a connection that says nothing is dropped", 10
    )
    drain_timeout: int = _setting(
        _whole(0, 86_400), "seconds that calls in progress get to end after SIGTERM", 30
    )
    log_level: str = _setting(_level, "from which level on to log: debug, info, warning, error", "info")
    telemetry: bool = _setting(_switch, "trace calls with OpenTelemetry (its OTEL_* variables apply)", False)

    def is_encrypted(self) -> bool:
        """Whether the port speaks TLS."""
        return self.tls_certificate is not None


SETTING_WORDS: Mapping[str, str] = {each.name: each.metadata["words"] for each in fields(Settings)}
"""What each setting means, in words for help texts."""

SWITCHES = frozenset(each.name for each in fields(Settings) if each.metadata["read"] is _switch)
DEFAULTS: Mapping[str, object] = {each.name: each.default for each in fields(Settings)}

_READERS: Mapping[str, _Reader] = {each.name: each.metadata["read"] for each in fields(Settings)}


def read_settings(
    flags: Mapping[str, object], environment: Mapping[str, str], config_file: Path | None
) -> Settings:
    """The settings that hold: of each the first of flag, environment, file, default.

    ``flags`` holds only those that were given.  The file may also be named in TARIFFCORE_CONFIG.  Raises
    SettingsError with every problem of every source.
    """
    problems: list[Problem] = []
    if config_file is None and environment.get(f"{ENVIRONMENT_PREFIX}CONFIG"):
        config_file = Path(environment[f"{ENVIRONMENT_PREFIX}CONFIG"])
    in_file = {} if config_file is None else _read_file(config_file, problems)
    found: dict[str, object] = {}
    for name, read in _READERS.items():
        variable = ENVIRONMENT_PREFIX + name.upper()
        sources = [
            (f"--{name.replace('_', '-')}", flags.get(name)),
            (variable, environment.get(variable) or None),
            (f"{config_file}: {name}", in_file.get(name)),
        ]
        given = [(place, value) for place, value in sources if value is not None]
        for number, (place, value) in enumerate(given):
            try:
                value = read(value)
            except _WrongError as error:
                problems.append(Problem(place, None, _shown(value), error.message, error.way_out))
            else:
                if number == 0:
                    found[name] = value
    settings = Settings(**found)  # type: ignore[arg-type]
    problems += _together(settings)
    if problems:
        raise SettingsError("the server cannot start with these settings", problems)
    return settings


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """Variables that look like settings and are none: worth a warning, for other programs may mean them."""
    known = {ENVIRONMENT_PREFIX + name.upper() for name in (*_READERS, CONFIG_FILE_SETTING)}
    return sorted(name for name in environment if name.startswith(ENVIRONMENT_PREFIX) and name not in known)


def _read_file(path: Path, problems: list[Problem]) -> Mapping[str, object]:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        problems.append(
            Problem(str(path), None, None, f"cannot be read ({error.strerror})", "name a TOML file")
        )
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        problems.append(Problem(str(path), None, None, f"is not TOML: {error}", "write 'key = value' lines"))
        return {}
    for key in document:
        if key not in _READERS:
            problems.append(_unknown(f"{path}: {key}", key, _READERS))
    return document


def _unknown(place: str, key: str | None, known: Mapping[str, object] | set[str]) -> Problem:
    meant = closest(key or place, known)
    hint = f"did you mean {meant}?" if meant else "'tariffcore serve --help' lists the settings"
    return Problem(place, None, None, "is no setting", hint)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else str(value)


def _together(settings: Settings) -> list[Problem]:
    """What settings ask of one another."""
    problems: list[Problem] = []

    def wrong(name: str, value: str | None, message: str, way_out: str) -> None:
        problems.append(Problem("settings", name, value, message, way_out))

    if settings.tls_certificate is not None and settings.tls_key is None:
        wrong("tls_key", None, "is missing", "name the private key of tls_certificate")
    if settings.tls_certificate is None:
        for name in ("tls_key", "tls_client_ca"):
            if getattr(settings, name) is not None:
                wrong(name, None, "is given without tls_certificate", "name the server's certificate too")
    for name in ("host", "metrics_host"):
        host = getattr(settings, name)
        if not _is_address(host):
            wrong(name, host, "is not an address", "write an IP address such as 127.0.0.1, ::1 or 0.0.0.0")
    if not (is_loopback(settings.host) or settings.is_encrypted() or settings.insecure_plaintext):
        wrong(
            "host",
            settings.host,
            "is beyond loopback, and the server would speak plain text: tokens and cases could be read "
            "and changed on the way",
            "name tls_certificate and tls_key, or say --insecure-plaintext",
        )
    if settings.book_lines is not None and settings.book is None:
        wrong("book_lines", None, "is given without book", "name the book too")
    if settings.book is not None and settings.tokens is None and not is_loopback(settings.host):
        wrong(
            "book",
            None,
            "would be open beyond loopback to everybody: there are no tokens",
            "name tokens, or serve without a book",
        )
    if settings.metrics and not (is_loopback(settings.metrics_host) or settings.metrics_insecure_plaintext):
        wrong(
            "metrics_host",
            settings.metrics_host,
            "is beyond loopback, and metrics are plain text for everybody",
            "keep 127.0.0.1, or say --metrics-insecure-plaintext",
        )
    if settings.metrics and settings.metrics_port == settings.port != 0:
        wrong("metrics_port", str(settings.port), "is the port of the service", "choose another")
    return problems


def _is_address(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address. Names other than localhost are not trusted to be."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def settings_json(settings: Settings) -> dict[str, object]:
    """The settings for the way to a worker process."""
    return {each.name: getattr(settings, each.name) for each in fields(Settings)}


def settings_from_json(packed: Mapping[str, object]) -> Settings:
    """The reverse of `settings_json`."""
    found = dict(packed)
    schedules = found["schedules"]
    assert isinstance(schedules, Sequence)
    found["schedules"] = tuple(schedules)
    return Settings(**found)  # type: ignore[arg-type]
