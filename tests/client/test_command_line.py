"""``tariffcore price --server`` beside ``tariffcore price``, against the service as people run it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tariffcore.sample import write_sample
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tests.cli.running import refused as refusal
from tests.cli.running import run
from tests.service_process import ServiceProcess, running

SUFFIXES = (".csv", ".parquet", ".arrow", ".xlsx")
ROWS = 5_000


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    with running("-s", "kz", "-s", "kz-demo", "--default-family", "kz", "--log-level", "error") as service:
        yield service


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cases") / "cases.parquet"
    write_sample(path, ROWS, catalog=read_catalog(resolve(["kz-demo"])), seed=7)
    return path


def refused(*arguments: object) -> str:
    """What a command says that refuses its input."""
    return "\n".join(refusal(run(*arguments)))


def content(path: Path) -> bytes | dict[str, bytes]:
    """The bytes of a file; of a workbook those of its parts without the time of its making."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_output_is_the_local_one_byte_for_byte(
    service: ServiceProcess, cases: Path, tmp_path: Path, suffix: str
) -> None:
    said = []
    for name, priced_by in (
        ("here", ["-s", "kz-demo"]),
        ("there", ["--server", service.address, "--family", "kz-demo"]),
    ):
        folder = tmp_path / name
        folder.mkdir()
        out, rejects = folder / f"out{suffix}", folder / f"rejects{suffix}"
        ran = run("price", cases, *priced_by, "-o", out, "--rejects", rejects, "--components")
        assert (ran.code, ran.err) == (0, "")
        said.append(ran.out.replace(str(folder), "FOLDER"))
    for file in (f"out{suffix}", f"rejects{suffix}"):
        assert content(tmp_path / "there" / file) == content(tmp_path / "here" / file)
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("here", "there"),
    [
        (["-s", "kz"], []),
        (["-s", "kz-2026"], ["--edition", "kz-2026"]),
        (
            ["-s", "kz-demo", "--as-of", "2026-01-15", "--deciding-date", "admission"],
            ["--family", "kz-demo", "--as-of", "2026-01-15", "--deciding-date", "admission"],
        ),
    ],
)
def test_other_editions(
    service: ServiceProcess, cases: Path, tmp_path: Path, here: list[str], there: list[str]
) -> None:
    options = ["--quiet", "--language", "ru", "--rejects"]
    wanted, found = tmp_path / "here.parquet", tmp_path / "there.parquet"
    run("price", cases, "-o", wanted, *options, tmp_path / "here.csv", *here)
    ran = run(
        "price", cases, "-o", found, *options, tmp_path / "there.csv", "--server", service.address, *there
    )
    assert (ran.code, ran.err) == (0, "")
    assert found.read_bytes() == wanted.read_bytes()
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def test_a_pinned_digest_is_the_one_used_or_an_error(
    service: ServiceProcess, cases: Path, tmp_path: Path
) -> None:
    (schedule,) = read_catalog(resolve(["kz-2026"])).editions
    out = tmp_path / "out.csv"
    calls = ["price", cases, "-o", out, "--server", service.address, "--quiet", "--edition"]
    ran = run(*calls, f"kz-2026@{schedule.digest}")
    assert ran.code == 0
    out.unlink()
    said = refused(*calls, f"kz-2026@{'0' * 64}")
    assert "DIGEST_DIFFERS" in said and "edition.pinned.digest" in said
    assert "UNKNOWN_EDITION" in refused(*calls, "kz-1999")
    assert not out.exists()


def test_what_contradicts_itself_is_said_before_anything_is_sent(cases: Path, tmp_path: Path) -> None:
    call = ["price", cases, "-o", tmp_path / "out.csv"]
    assert "give one of them" in refused(*call, "--server", "localhost", "-s", "kz")
    assert "give --server HOST:PORT as well" in refused(*call, "--family", "kz")
    assert "--tls-ca is for a service" in refused(*call, "--tls-ca", tmp_path)
    assert "nothing left to choose" in refused(
        *call, "--server", "localhost", "--edition", "kz-2026", "--as-of", "2026-01-01"
    )
    assert "needs an id" in refused(*call, "--server", "localhost", "--edition", "@abc")
    assert "not the address of a service" in refused(*call, "--server", "http://x:1")
    (tmp_path / "token").write_text("secret")
    said = refused(*call, "--server", "tariffs.example", "--token-file", tmp_path / "token")
    assert "--token-in-plain-text" in said and "secret" not in said


def test_a_service_that_is_not_there(cases: Path, tmp_path: Path) -> None:
    said = refused("price", cases, "-o", tmp_path / "out.csv", "--server", "127.0.0.1:1")
    assert "UNAVAILABLE" in said and "check host and port" in said
    assert list(tmp_path.iterdir()) == []


def test_grpc_itself_says_nothing_on_stderr(service: ServiceProcess, cases: Path, tmp_path: Path) -> None:
    call = ["price", cases, "-o", tmp_path / "out.csv", "--server", service.address, "--tls"]
    environment = {name: value for name, value in os.environ.items() if name != "GRPC_VERBOSITY"}
    done = subprocess.run(
        [sys.executable, "-m", "tariffcore.cli", *map(str, call)],
        capture_output=True,
        encoding="utf-8",
        env=environment,
        check=False,
        timeout=60,
    )
    summary, problem = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (2, "")
    assert summary.startswith("tariffcore: ") and "speaks plain text" in problem


def test_over_mutual_tls_with_a_token(cases: Path, tmp_path: Path) -> None:
    authority = trustme.CA()
    names = {"server": authority.issue_cert("localhost"), "client": authority.issue_cert("fund@example.kz")}
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    for name, made in names.items():
        made.private_key_pem.write_to_path(tmp_path / f"{name}-key.pem")
        for part, pem in enumerate(made.cert_chain_pems):
            pem.write_to_path(tmp_path / f"{name}.pem", append=part > 0)
    token = run("token", "fund", "--role", "price")
    (tmp_path / "tokens.toml").write_text(token.out, encoding="utf-8")
    (tmp_path / "token").write_text(token.err.split()[-1] + "\n", encoding="utf-8")
    with running(
        *("-s", "kz-demo", "--log-level", "error", "--tokens", tmp_path / "tokens.toml"),
        *("--tls-certificate", tmp_path / "server.pem", "--tls-key", tmp_path / "server-key.pem"),
        *("--tls-client-ca", tmp_path / "ca.pem"),
    ) as service:
        address = f"localhost:{service.address.rpartition(':')[2]}"
        call = ["price", cases, "--quiet", "-o", tmp_path / "there.parquet", "--server", address]
        secure = ["--tls-ca", tmp_path / "ca.pem"]
        known = ["--tls-cert", tmp_path / "client.pem", "--tls-key", tmp_path / "client-key.pem"]
        assert "UNAVAILABLE" in refused(*call)
        assert "UNAVAILABLE" in refused(*call, *secure)
        assert "UNAUTHENTICATED" in refused(*call, *secure, *known)
        ran = run(*call, *secure, *known, "--token-file", tmp_path / "token")
        assert (ran.code, ran.err) == (0, "")
    run("price", cases, "--quiet", "-s", "kz-demo", "-o", tmp_path / "here.parquet")
    assert (tmp_path / "there.parquet").read_bytes() == (tmp_path / "here.parquet").read_bytes()
