"""The settlement rules of a server with a book: in force in all workers or in none, with its schedules."""

import os
import shutil
import signal
import subprocess

import grpc
import pytest

from tariffcore.schedule.shipped import SHIPPED_FOLDER
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.rules_reading import read_rules, resolve_rules
from tariffcore.v1.administration_service_pb2 import ReloadSchedulesRequest
from tariffcore.v1.administration_service_pb2_grpc import AdministrationServiceStub
from tariffcore_server.tokens import Role, new_token, token_entry
from tests.cli.running import run
from tests.server.process import SERVE, WAIT_SECONDS, server_process
from tests.server.running import failure_of


@pytest.fixture
def rules(tmp_path):
    """A copy of the shipped rules that can be changed."""
    copied = tmp_path / "rules"
    shutil.copytree(resolve_rules("kz-2026"), copied)
    return copied


@pytest.fixture
def schedule(tmp_path):
    copied = tmp_path / "kz-2026"
    shutil.copytree(SHIPPED_FOLDER / "kz-2026", copied)
    return copied


@pytest.fixture
def book(tmp_path):
    path = tmp_path / "book.db"
    Book.open(path).close()
    return path


def change(rules):
    """Another digest, rules that say the same; returns what is in force once they are read."""
    with (rules / "settlement.toml").open("a", encoding="utf-8") as file:
        file.write("\n# reviewed\n")
    read = read_rules(rules)
    return read.id, read.digest


def test_rules_are_reloaded_with_schedules_all_or_nothing(rules, schedule, book, tmp_path):
    admin = new_token()
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(token_entry("admin", admin, [Role.ADMIN, Role.READ], None))
    bearer = {"metadata": (("authorization", f"Bearer {admin}"),)}
    options = ("-s", str(schedule), "--book", str(book), "--settlement-rules", str(rules))
    with server_process(*options, "--workers", "2", "--tokens", str(tokens)) as server:
        with grpc.insecure_channel(server.address) as channel:
            stub = AdministrationServiceStub(channel)

            def reload():
                return stub.ReloadSchedules(
                    ReloadSchedulesRequest(), wait_for_ready=True, timeout=WAIT_SECONDS, **bearer
                )

            changed = change(rules)
            answer = reload()
            assert (answer.changed, answer.workers) == (True, 2)
            assert (answer.settlement_rules_id, answer.settlement_rules_digest) == changed
            assert not reload().changed

            toml = schedule / "schedule.toml"
            text = toml.read_text(encoding="utf-8")
            toml.write_text(text.replace('title = "', 'title = "Changed ', 1), encoding="utf-8")
            (rules / "norms.csv").write_text("basis\n", encoding="utf-8")
            said = failure_of(reload)  # the schedule alone would do
            assert said.reason == "RELOAD_REFUSED"
            assert all(one.startswith("rules/norms.csv:") for one in said.preconditions)
            toml.write_text("broken", encoding="utf-8")
            said = failure_of(reload)
            assert any("kz-2026/schedule.toml" in one for one in said.preconditions)
            assert any("rules/norms.csv" in one for one in said.preconditions)

            # who is started now reads what is in force, whatever the folders say
            os.kill(server.worker_pids()[0], signal.SIGKILL)
            server.wait_for("worker_restarted")
            toml.write_text(text, encoding="utf-8")
            shutil.rmtree(rules)
            server.signal(signal.SIGHUP)
            refused = server.wait_for("reload_refused")
            assert refused["what"] == "schedules" and "is neither a folder" in str(refused["problems"])
            shutil.copytree(resolve_rules("kz-2026"), rules)
            server.signal(signal.SIGHUP)
            told = server.wait_for("reloaded")
            while told["what"] != "schedules":  # the first SIGHUP has reloaded credentials
                told = server.wait_for("reloaded")
            again = read_rules(rules)
            assert told["settlement_rules"] == [again.id, again.digest]
            assert not reload().changed
        assert server.stop() == 0


def test_check_tells_what_is_wrong_with_rules_and_book_at_once(rules, book, tmp_path):
    good = run("serve", "--check", "--book", book, "--settlement-rules", rules)
    assert good.code == 0 and "settled months  rules kz-2026" in good.out
    (rules / "norms.csv").write_text("basis\n", encoding="utf-8")
    missing = tmp_path / "no.db"
    both = run("serve", "--check", "--book", missing, "--settlement-rules", rules, "-s", "nowhere")
    assert both.code == 2 and both.out == ""
    for words in ("norms.csv", "there is no such book", "nowhere"):
        assert words in both.err
    nowhere = run("serve", "--check", "--book", missing, "--settlement-rules", "kz-2036")
    assert "is neither a folder nor the name of shipped rules" in nowhere.err
    assert "there is no such book" in nowhere.err
    fine = run("serve", "--check", "--book", missing, "--settlement-rules", "kz-2026")
    assert "there is no such book" in fine.err and "norms" not in fine.err


def test_a_start_is_refused_with_all_that_is_wrong_with_rules_and_schedules(rules, schedule, book):
    (rules / "norms.csv").write_text("basis\n", encoding="utf-8")
    (schedule / "schedule.toml").write_text("broken", encoding="utf-8")
    options = ("-s", str(schedule), "--book", str(book), "--settlement-rules", str(rules), "--port", "0")
    done = subprocess.run([*SERVE, *options], capture_output=True, text=True, timeout=WAIT_SECONDS)
    assert done.returncode == 2
    assert "rules/norms.csv" in done.stderr and "kz-2026/schedule.toml" in done.stderr
