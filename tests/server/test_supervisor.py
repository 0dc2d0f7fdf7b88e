"""The server as a process: starts whole or not at all, reloads in all workers or none, drains, heals."""

import asyncio
import os
import queue
import shutil
import signal
import socket
import ssl
import subprocess

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tariffcore.schedule.shipped import SHIPPED_FOLDER
from tariffcore.v1.administration_service_pb2 import ReloadCredentialsRequest, ReloadSchedulesRequest
from tariffcore.v1.administration_service_pb2_grpc import AdministrationServiceStub
from tariffcore.v1.case_columns_pb2 import CaseColumns, ColumnStreamStart
from tariffcore.v1.case_pb2 import Case
from tariffcore.v1.pricing_service_pb2 import PriceCaseColumnsRequest, PriceCaseRequest
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore.v1.schedule_service_pb2 import ListEditionsRequest
from tariffcore.v1.schedule_service_pb2_grpc import ScheduleServiceStub
from tariffcore_server.control import ChannelClosedError
from tariffcore_server.reloading import Refused
from tariffcore_server.settings import Settings
from tariffcore_server.supervisor import Supervisor
from tariffcore_server.tokens import Role, new_token, token_entry
from tests.server.process import SERVE, WAIT_SECONDS, server_process
from tests.server.running import certificates, failure_of

ONE = PriceCaseRequest(
    case=Case(
        case_id="1",
        drg_code="1",
        care_setting="day_hospital",
        admission_date="2026-02-03",
        discharge_date="2026-02-09",
        age_years=40,
    )
)
PUBLISHED_MINOR = 27_477_942  # the printed tariff of 2026
WAIT = {"wait_for_ready": True, "timeout": WAIT_SECONDS}
NO_POOL = [("grpc.use_local_subchannel_pool", 1)]


@pytest.fixture
def folder(tmp_path):
    """A copy of a shipped edition that can be changed."""
    copied = tmp_path / "kz-2026"
    shutil.copytree(SHIPPED_FOLDER / "kz-2026", copied)
    return copied


def rename(folder, title):
    """Another title: another digest, the same prices."""
    path = folder / "schedule.toml"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text(
        "".join(f'title = "{title}"\n' if line.startswith("title =") else line for line in lines),
        encoding="utf-8",
    )


def titles(server, connections=8, **options):
    """The title of the only edition, asked over so many connections that every worker is met."""
    found = set()
    for _ in range(connections):
        with grpc.insecure_channel(server.address, NO_POOL) as channel:
            answer = ScheduleServiceStub(channel).ListEditions(ListEditionsRequest(), **WAIT, **options)
            found |= {edition.title for edition in answer.editions}
    return found


def test_it_serves_drains_and_leaves_with_zero():
    with server_process("--workers", "2") as server:
        assert server.facts["editions"] == ["kz-2025", "kz-2026"] and server.facts["workers"] == 2
        sent = queue.SimpleQueue()
        with grpc.insecure_channel(server.address) as channel:
            pricing = PricingServiceStub(channel)
            assert pricing.PriceCase(ONE, **WAIT).priced.amount_minor == PUBLISHED_MINOR
            health = health_pb2_grpc.HealthStub(channel)
            watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=WAIT_SECONDS)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            stream = pricing.PriceCaseColumns(iter(sent.get, None), timeout=WAIT_SECONDS)
            sent.put(PriceCaseColumnsRequest(start=ColumnStreamStart()))
            assert next(stream).started.editions[0].schedule_id == "kz-2025"
            server.signal(signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            # the stream in flight goes on to its own end
            for _ in range(3):
                sent.put(PriceCaseColumnsRequest(chunk=CaseColumns(rows=2)))
                assert next(stream).priced.rows == 2
            sent.put(None)
            assert list(stream) == [] and list(watch) == []
        assert server.end() == 0
        assert [line["event"] for line in server.lines] == ["serving", "draining", "stopped"]


def test_a_stream_that_does_not_end_is_told_that_the_server_stops():
    with server_process("--drain-timeout", "1") as server, grpc.insecure_channel(server.address) as channel:
        sent = queue.SimpleQueue()
        stream = PricingServiceStub(channel).PriceCaseColumns(iter(sent.get, None), **WAIT)
        sent.put(PriceCaseColumnsRequest(start=ColumnStreamStart()))
        next(stream)
        server.signal(signal.SIGINT)
        said = failure_of(lambda: next(stream))
        assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
        sent.put(None)
        assert server.end() == 0


def test_a_reload_changes_all_workers_and_a_wrong_folder_none(folder):
    with server_process("-s", str(folder), "--workers", "2") as server:
        rename(folder, "second")
        server.signal(signal.SIGHUP)
        done = server.wait_for("reloaded")
        assert (done["what"], done["changed"]) == ("schedules", True)
        assert titles(server) == {"second"}

        good = (folder / "groups.csv").read_bytes()
        (folder / "groups.csv").write_bytes(good + b"broken\n")
        server.signal(signal.SIGHUP)
        refused = server.wait_for("reload_refused")
        assert str(folder) in refused["summary"] and any("groups.csv" in one for one in refused["problems"])
        assert titles(server) == {"second"}

        (folder / "groups.csv").write_bytes(good)
        shutil.rmtree(folder)
        server.signal(signal.SIGHUP)
        server.wait_for("reload_refused")
        assert titles(server) == {"second"}
        metrics = server.metrics()
        assert 'tariffcore_reloads_total{outcome="refused",what="schedules"} 2.0' in metrics
        assert 'tariffcore_reloads_total{outcome="done",what="schedules"} 1.0' in metrics
        assert server.stop() == 0


class WorkerByHand:
    """A worker that prepares as the test wants, and notes what it is told."""

    def __init__(self, prepared):
        self.prepared, self.asked = prepared, []
        self.channel = self

    async def ask(self, question, **facts):
        self.asked.append(question)
        if self.prepared is None:
            raise ChannelClosedError
        return self.prepared if question == "prepare" else {"ok": True}


READ, READ_ELSE = {"ok": [{"digest": "1"}]}, {"ok": [{"digest": "2"}]}
CANNOT = {"summary": "cannot", "problems": []}


@pytest.mark.parametrize(
    ("answers", "order"),
    [
        ([READ, READ], "commit"),
        ([READ, CANNOT], "abort"),
        ([CANNOT, READ], "abort"),
        ([READ, READ_ELSE], "abort"),
        ([READ, None], "abort"),
        ([], None),
    ],
)
def test_all_workers_go_over_or_none_does(answers, order):
    supervisor = Supervisor(Settings(), print)
    workers = [WorkerByHand(answer) for answer in answers]
    supervisor._workers = dict(enumerate(workers))
    done = asyncio.run(supervisor._in_all_or_none(schedules={}))
    assert isinstance(done, Refused) == (order != "commit")
    assert [worker.asked for worker in workers] == [["prepare", order]] * len(workers)


def test_a_worker_that_dies_comes_back_with_what_is_in_force(folder):
    with server_process("-s", str(folder), "--workers", "2") as server:
        (before,) = titles(server)
        rename(folder, "not reloaded")
        (folder / "services.csv").unlink(missing_ok=True)
        first, second = server.worker_pids()
        os.kill(first, signal.SIGKILL)
        died = server.wait_for("worker_died")
        assert died["worker_pid"] == first and died["exit_code"] == -signal.SIGKILL
        server.wait_for("worker_restarted")
        assert second in server.worker_pids() and first not in server.worker_pids()
        assert titles(server, 16) == {before}
        assert "tariffcore_worker_restarts_total 1.0" in server.metrics()
        assert "tariffcore_workers 2.0" in server.metrics()
        assert server.stop() == 0


def test_a_stop_does_not_wait_for_a_worker_that_is_being_started_again():
    with server_process("--workers", "2") as server:
        first, _ = server.worker_pids()
        os.kill(first, signal.SIGKILL)
        server.wait_for("worker_died")
        while len(server.worker_pids()) < 2:
            assert server.process.poll() is None
        assert server.stop() == 0
        assert "worker_restarted" not in [line["event"] for line in server.lines]
        assert server.lines[-1]["event"] == "stopped"


def test_workers_do_not_outlive_their_supervisor_and_tidy_up_after_it(tmp_path):
    with server_process(environment={"TMPDIR": str(tmp_path)}) as server:
        (worker,) = server.worker_pids()
        assert len(list(tmp_path.glob("tariffcore-*"))) == 2
        server.signal(signal.SIGKILL)
        assert server.end() == -signal.SIGKILL  # ends once the worker has closed the log, too
        assert server.lines[-1]["event"] == "supervisor_gone" and server.lines[-1]["pid"] == worker
    assert list(tmp_path.iterdir()) == []


def bearer(token):
    return {"metadata": (("authorization", f"Bearer {token}"),)}


def test_an_administrator_reloads_schedules_and_credentials_in_all_workers(folder, tmp_path):
    admin, reader = new_token(), new_token()
    tokens = tmp_path / "tokens.toml"
    tokens.write_text(token_entry("admin", admin, [Role.ADMIN, Role.READ], None))
    with server_process("-s", str(folder), "--workers", "2", "--tokens", str(tokens)) as server:
        with grpc.insecure_channel(server.address) as channel:
            administration = AdministrationServiceStub(channel)
            rename(folder, "by call")
            answer = administration.ReloadSchedules(ReloadSchedulesRequest(), **WAIT, **bearer(admin))
            assert (answer.changed, answer.workers) == (True, 2)
            assert [edition.title for edition in answer.editions] == ["by call"]
            assert titles(server, **bearer(admin)) == {"by call"}
            again = administration.ReloadSchedules(ReloadSchedulesRequest(), **bearer(admin))
            assert not again.changed

            (folder / "schedule.toml").write_text("broken")
            said = failure_of(
                lambda: administration.ReloadSchedules(ReloadSchedulesRequest(), **bearer(admin))
            )
            assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RELOAD_REFUSED")
            assert any("schedule.toml" in one for one in said.preconditions)

            tokens.write_text(
                token_entry("admin", admin, [Role.ADMIN], None)
                + "\n"
                + token_entry("reader", reader, [Role.READ], None)
            )
            answer = administration.ReloadCredentials(ReloadCredentialsRequest(), **bearer(admin))
            assert (answer.tokens, answer.workers, answer.certificate_not_after) == (2, 2, "")
            assert titles(server, **bearer(reader)) == {"by call"}
            said = failure_of(lambda: titles(server, 1, **bearer(admin)))
            assert said.reason == "ROLE_MISSING"

            tokens.write_text("[[token]]")
            said = failure_of(
                lambda: administration.ReloadCredentials(ReloadCredentialsRequest(), **bearer(admin))
            )
            assert said.reason == "RELOAD_REFUSED"
            assert titles(server, 1, **bearer(reader)) == {"by call"}
        assert server.stop() == 0
        log = str(server.lines)
        assert admin not in log and reader not in log


def peer_of(server):
    """The certificate that a new connection is shown."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    host, port = server.address.split(":")
    with context.wrap_socket(socket.create_connection((host, int(port)))) as connection:
        return connection.getpeercert(binary_form=True)


def test_certificates_are_renewed_without_a_restart(tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"

    def store(made):
        chain.write_bytes(made.chain)
        key.write_bytes(made.key)

    first, second = certificates(), certificates()
    store(first)
    arguments = ["--tls-certificate", str(chain), "--tls-key", str(key), "--host", "127.0.0.1"]
    with server_process(*arguments) as server:
        assert server.facts["encrypted"]
        before = peer_of(server)
        key.write_bytes(first.chain)  # half a renewal: the key is none
        server.signal(signal.SIGHUP)
        server.wait_for("reload_refused")
        assert peer_of(server) == before
        store(second)
        server.signal(signal.SIGHUP)
        while server.wait_for("reloaded")["what"] != "credentials":
            pass
        assert peer_of(server) != before
        ends = f"tariffcore_certificate_not_after_seconds {second.not_after.timestamp()}"
        assert ends.split()[0] in server.metrics()
        assert server.stop() == 0


def refused(*arguments):
    done = subprocess.run(
        [*SERVE, "--no-metrics", *arguments],
        capture_output=True,
        text=True,
        timeout=WAIT_SECONDS,
        check=False,
    )
    assert done.stdout == "" and "Traceback" not in done.stderr
    assert done.returncode == 2
    return done.stderr


def test_a_port_in_use_is_said_to_be():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        words = refused("--port", str(port))
    assert f"127.0.0.1:{port}" in words and "choose another with --port" in words


def test_wrong_schedules_do_not_start_and_are_named_as_the_operator_named_them(folder):
    (folder / "groups.csv").write_text("broken")
    words = refused("-s", str(folder), "--port", "0", "--workers", "2")
    assert str(folder) in words and "kz-2026/groups.csv" in words


def test_wrong_credentials_do_not_start(tmp_path):
    (tmp_path / "tokens.toml").write_text("token = 1")
    words = refused("--tokens", str(tmp_path / "tokens.toml"), "--port", "0")
    assert "is not a list of tables" in words


def test_metrics_know_no_case_and_all_workers(folder):
    with server_process("-s", str(folder), "--workers", "2") as server:
        for _ in range(10):
            with grpc.insecure_channel(server.address, NO_POOL) as channel:
                assert (
                    PricingServiceStub(channel).PriceCase(ONE, **WAIT).priced.amount_minor == PUBLISHED_MINOR
                )
        # a call is counted after its answer is on its way
        counted = 'tariffcore_calls_total{code="OK",method="PriceCase"} 10.0'
        metrics = next((page for _ in range(500) if counted in (page := server.metrics())), "")
        assert metrics, server.metrics()
        assert 'tariffcore_cases_total{method="PriceCase",status="OK"} 10.0' in metrics
        assert 'schedule_id="kz-2026",tariff_family="kz"} 1.0' in metrics
        assert server.stop() == 0
