"""How a service is reached, and what is refused before anything is sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tariffcore.client import ClientError, Connection, read_token


@pytest.mark.parametrize(
    ("target", "address"),
    [
        ("localhost", "localhost:50051"),
        ("localhost:7", "localhost:7"),
        ("tariffs.example:443", "tariffs.example:443"),
        ("127.0.0.1:50051", "127.0.0.1:50051"),
        ("[::1]", "[::1]:50051"),
        ("[::1]:9", "[::1]:9"),
        ("::1", "[::1]:50051"),
        ("unix:/run/tariffcore.sock", "unix:/run/tariffcore.sock"),
    ],
)
def test_targets_as_people_write_them(target: str, address: str) -> None:
    assert Connection(target=target).address == address


@pytest.mark.parametrize(
    "target",
    ["", ":5", "host:", "host:0", "host:65536", "host:x", "a b:1", "http://host:1", "unix:", "h,i:1"],
)
def test_what_is_no_target_is_refused(target: str) -> None:
    with pytest.raises(ClientError, match="target") as raised:
        Connection(target=target)
    assert "way out" not in str(raised.value)


@pytest.mark.parametrize("target", ["localhost:1", "127.0.0.1", "127.8.8.8:1", "[::1]:1", "unix:/x"])
def test_a_token_may_stay_on_this_machine_in_plain_text(target: str) -> None:
    assert Connection(target=target, token="secret").metadata == (("authorization", "Bearer secret"),)


@pytest.mark.parametrize("target", ["tariffs.example:1", "10.0.0.7:1", "[2001:db8::1]:1", "localhost.kz"])
def test_a_token_does_not_cross_a_network_in_plain_text(target: str) -> None:
    with pytest.raises(ClientError, match="in plain text") as raised:
        Connection(target=target, token="secret")
    assert "secret" not in str(raised.value)
    assert Connection(target=target, token="secret", tls=True).is_encrypted
    assert not Connection(target=target, token="secret", allow_token_in_plain_text=True).is_encrypted


def test_a_token_is_shown_nowhere() -> None:
    assert "secret" not in repr(Connection(target="localhost", token="secret"))
    with pytest.raises(ClientError) as raised:
        Connection(target="localhost", token="sec ret")
    assert "sec ret" not in str(raised.value)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(ClientError) as raised:
        Connection(target="a b", token="", client_key=Path("key.pem"))
    said = str(raised.value)
    assert "target" in said and "token" in said and "client_certificate" in said


def test_a_server_name_is_for_tls() -> None:
    with pytest.raises(ClientError, match=r"server_name: 'tariffs\.example': is for a certificate"):
        Connection(target="localhost", server_name="tariffs.example")
    assert Connection(target="localhost", tls=True, server_name="tariffs.example").is_encrypted


def test_files_for_tls_are_read_when_needed(tmp_path: Path) -> None:
    (tmp_path / "not.pem").write_text("hello")
    wrong = Connection(
        target="localhost",
        tls_ca=tmp_path / "missing.pem",
        client_certificate=tmp_path / "not.pem",
        client_key=tmp_path,
    )
    assert wrong.is_encrypted
    with pytest.raises(ClientError) as raised:
        wrong.credentials()
    said = str(raised.value)
    assert "missing.pem: tls_ca: cannot be read (No such file or directory)" in said
    assert "not.pem: client_certificate: is not a PEM file" in said
    assert "client_key: cannot be read" in said


def test_a_token_stands_alone_in_its_file(tmp_path: Path) -> None:
    path = tmp_path / "token"
    path.write_bytes(b"abc\n")
    assert read_token(path) == "abc"
    for content in (b"", b"\n", b"abc def\n", b"abc\ndef\n", b"\xff"):
        path.write_bytes(content)
        with pytest.raises(ClientError, match="does not hold one token") as raised:
            read_token(path)
        assert "abc" not in str(raised.value)
    with pytest.raises(ClientError, match="cannot be read"):
        read_token(tmp_path / "missing")
