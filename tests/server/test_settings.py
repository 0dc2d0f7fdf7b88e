"""Settings: where they come from, which wins, and what is wrong with them."""

from dataclasses import fields

import pytest

from tariffcore.cli.serve import serve
from tariffcore_server.settings import (
    Settings,
    SettingsError,
    is_loopback,
    read_settings,
    settings_from_json,
    settings_json,
    unknown_variables,
)


def config(tmp_path, text):
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    return path


def problems_of(flags=None, environment=None, path=None):
    with pytest.raises(SettingsError) as caught:
        read_settings(flags or {}, environment or {}, path)
    return [(problem.place, problem.field, problem.message) for problem in caught.value.problems]


def test_without_anything_the_shipped_family_is_served_on_loopback():
    settings = read_settings({}, {}, None)
    assert (settings.schedules, settings.host, settings.port) == (("kz",), "127.0.0.1", 50051)
    assert settings == Settings() and not settings.is_encrypted() and not settings.reflection


def test_a_flag_beats_the_environment_which_beats_the_file(tmp_path):
    path = config(tmp_path, 'port = 1\nworkers = 2\nmax_calls = 3\nschedules = ["a", "b"]\nreflection = true')
    environment = {"TARIFFCORE_PORT": "11", "TARIFFCORE_WORKERS": "12", "TARIFFCORE_SCHEDULES": "c:d"}
    settings = read_settings({"port": "21"}, environment, path)
    assert (settings.port, settings.workers, settings.max_calls) == (21, 12, 3)
    assert settings.schedules == ("c", "d") and settings.reflection


def test_the_environment_may_name_the_file(tmp_path):
    path = config(tmp_path, "port = 7")
    assert read_settings({}, {"TARIFFCORE_CONFIG": str(path)}, None).port == 7


def test_every_setting_has_a_flag_and_every_flag_a_setting():
    flags = {parameter.name for parameter in serve.params}
    assert flags == {field.name for field in fields(Settings)} | {"config", "check"}


def test_the_help_tells_the_defaults_there_are():
    for parameter in serve.params:
        default = getattr(Settings(), parameter.name, None)
        if isinstance(default, int) and not isinstance(default, bool):
            assert f"[default: {default}]" in parameter.help


def test_all_problems_of_all_sources_come_at_once(tmp_path):
    path = config(tmp_path, 'prot = 1\nmax_calls = "many"\ntls_key = "key.pem"\nport = 99999')
    found = problems_of({"workers": "0"}, {"TARIFFCORE_REFLECTION": "maybe"}, path)
    assert found == [
        (f"{path}: prot", None, "is no setting"),
        (f"{path}: port", None, "is not a number in range"),
        ("--workers", None, "is not a number in range"),
        ("TARIFFCORE_REFLECTION", None, "is neither yes nor no"),
        (f"{path}: max_calls", None, "is not a number in range"),
        ("settings", "tls_key", "is given without tls_certificate"),
    ]


@pytest.mark.parametrize("text", ["port = ", "port = 1\nport = 2", "\xff"])
def test_a_file_that_is_no_toml_is_a_problem(tmp_path, text):
    path = tmp_path / "server.toml"
    path.write_bytes(text.encode("latin-1"))
    ((place, _, message),) = problems_of(path=path)
    assert place == str(path) and message.startswith("is not TOML")


def test_a_file_that_is_not_there_is_a_problem(tmp_path):
    assert problems_of(path=tmp_path / "none.toml")[0][2].startswith("cannot be read")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "192.168.1.5"])
def test_plain_text_beyond_loopback_has_to_be_asked_for_in_so_many_words(host):
    ((_, field, message),) = problems_of({"host": host})
    assert field == "host" and "beyond loopback" in message
    assert read_settings({"host": host, "insecure_plaintext": True}, {}, None).host == host
    encrypted = {"host": host, "tls_certificate": "c.pem", "tls_key": "k.pem"}
    assert read_settings(encrypted, {}, None).is_encrypted()


def test_metrics_beyond_loopback_have_to_be_asked_for_too():
    ((_, field, _),) = problems_of({"metrics_host": "0.0.0.0", "insecure_plaintext": True})
    assert field == "metrics_host"
    assert read_settings({"metrics_host": "0.0.0.0", "metrics": False}, {}, None)
    assert read_settings({"metrics_host": "0.0.0.0", "metrics_insecure_plaintext": True}, {}, None)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1.2.3", "::1", "localhost"])
def test_what_is_loopback(host):
    assert is_loopback(host) and read_settings({"host": host}, {}, None)


@pytest.mark.parametrize("host", ["localhost.evil.example", "", "127.0.0.1.example", "0x7f.1"])
def test_a_name_is_no_address_and_not_loopback(host):
    assert not is_loopback(host)
    assert problems_of({"host": host})


def test_certificates_come_with_their_key():
    assert problems_of({"tls_certificate": "c.pem"}) == [("settings", "tls_key", "is missing")]
    assert problems_of({"tls_client_ca": "c.pem"}) == [
        ("settings", "tls_client_ca", "is given without tls_certificate")
    ]


def test_service_and_metrics_need_two_ports():
    assert problems_of({"port": "9464"})[0][1] == "metrics_port"
    assert read_settings({"port": "0", "metrics_port": "0"}, {}, None)


def test_settings_travel_to_workers_whole():
    settings = read_settings({"schedules": ("a", "b"), "reflection": True, "port": "5"}, {}, None)
    assert settings_from_json(settings_json(settings)) == settings


def test_variables_that_are_no_settings_are_found():
    assert unknown_variables({"TARIFFCORE_PROT": "1", "TARIFFCORE_PORT": "1", "PATH": ""}) == [
        "TARIFFCORE_PROT"
    ]


def test_a_book_is_open_to_everybody_on_this_machine_only():
    assert read_settings({"book": "book.db"}, {}, None).book == "book.db"
    assert read_settings({}, {"TARIFFCORE_BOOK": "postgresql://fund/book"}, None).book
    open_to_all = {"book": "book.db", "host": "0.0.0.0", "insecure_plaintext": True}
    assert problems_of(open_to_all) == [
        ("settings", "book", "would be open beyond loopback to everybody: there are no tokens")
    ]
    assert read_settings({**open_to_all, "tokens": "tokens.toml"}, {}, None).book == "book.db"
    found = read_settings({"book": "postgresql://fund/book", "book_lines": "/srv/lines"}, {}, None)
    assert found.book_lines == "/srv/lines"
    assert ("settings", "book_lines", "is given without book") in problems_of({"book_lines": "/srv/lines"})
