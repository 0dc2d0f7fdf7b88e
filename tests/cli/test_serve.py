"""``tariffcore serve`` as a command: checks, refuses in words, and stays out of the way of others."""

import subprocess
import sys

from tariffcore.cli import serve as serve_command
from tests.cli.running import run


def test_check_says_what_would_be_served(tmp_path):
    config = tmp_path / "server.toml"
    config.write_text('schedules = ["kz", "kz-leaflet"]\ndefault_family = "kz"\nworkers = 3\n')
    done = run("serve", "--check", "--config", str(config), "--port", "1234")
    assert done.code == 0
    assert "kz-2026" in done.out and "default family  kz" in done.out
    assert "plain text" in done.out and "no tokens: everybody may read and price" in done.out
    assert done.out.splitlines()[-1] == "would serve 127.0.0.1 port 1234 with 3 worker(s)"


def test_check_tells_of_variables_that_are_not_read(monkeypatch):
    monkeypatch.setenv("TARIFFCORE_SCHEDULE", "kz-demo")
    monkeypatch.setenv("TARIFFCORE_SCHEDULES", "kz:kz-leaflet")
    monkeypatch.setenv("TARIFFCORE_DEFAULT_FAMILY", "kz")
    done = run("serve", "--check")
    assert done.code == 0 and "kz-leaflet" in done.out and "kz-demo" not in done.out
    assert "TARIFFCORE_SCHEDULE is no setting and not read" in done.out.splitlines()[-1]


def test_check_tells_all_that_is_wrong_with_schedules_and_credentials_at_once(tmp_path):
    (tmp_path / "tokens.toml").write_text("")
    done = run("serve", "--check", "-s", str(tmp_path), "--tokens", str(tmp_path / "tokens.toml"))
    assert done.code == 2 and done.out == ""
    assert "is not a schedule folder" in done.err and "has no token" in done.err


def test_settings_that_do_not_hold_together_are_refused_in_words():
    done = run("serve", "--host", "0.0.0.0", "--port", "many", "--tls-key", "k")
    assert done.code == 2 and done.out == ""
    assert "is not a number in range" in done.err and "is given without tls_certificate" in done.err
    assert "beyond loopback" in done.err and "--insecure-plaintext" in done.err


def test_without_the_extra_the_way_to_it_is_told(monkeypatch):
    monkeypatch.setattr(serve_command, "find_spec", lambda name: None if name == "grpc" else object())
    done = run("serve", "--check")
    assert done.code == 2 and "pip install 'tariffcore[service]'" in done.err


def test_neither_the_library_nor_its_commands_load_grpc_unasked():
    program = (
        "import sys, tariffcore, tariffcore.cli.entry, tariffcore.pricing, tariffcore.explain\n"
        "loaded = {'grpc', 'google.protobuf', 'prometheus_client', 'tariffcore_server'} & set(sys.modules)\n"
        "sys.exit(repr(loaded) if loaded else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_the_supervisor_does_not_load_grpc():
    program = "import sys, tariffcore_server.supervisor\nsys.exit('grpc' in sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)
