"""The process that starts workers, keeps them alive, and changes what is in force, in all or in none."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from time import monotonic

from tariffcore.errors import CatalogError, Problem, ProblemsError
from tariffcore.schedule.shipped import resolve
from tariffcore_server import logs
from tariffcore_server.books import rules_folder
from tariffcore_server.control import ChannelClosedError, ControlChannel, Packed
from tariffcore_server.credentials import Credentials, read_credentials
from tariffcore_server.metrics_port import MetricsPort, ServerFacts
from tariffcore_server.reloading import Refused, problems_json, refused_from
from tariffcore_server.settings import Settings, settings_json, unknown_variables
from tariffcore_server.snapshots import Snapshot

_STEADY_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 10.0
_OTHER_FILES = 256
KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": str(64 << 20), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}
"""Has glibc keep so much freed memory for what comes next. Chunks are of megabytes, and to give their memory
back to the system and fetch it again, page by page, costs more than to price them."""
_SOME_MORE_SECONDS = 10.0
"""What a worker gets beyond its drain timeout before it is killed."""


class StartError(ProblemsError):
    """The server cannot start."""

    reason = "SERVER_NOT_STARTED"


@dataclass(slots=True)
class _Worker:
    number: int
    process: asyncio.subprocess.Process
    channel: ControlChannel
    started: float


class Supervisor:
    """Runs a server of several worker processes. ``announce`` is told the address once it serves."""

    def __init__(self, settings: Settings, announce: Callable[[str], None]) -> None:
        self._settings = settings
        self._announce = announce
        self._workers: dict[int, _Worker] = {}
        self._changing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._watching: set[asyncio.Task[None]] = set()
        self._starting_again: asyncio.Task[None] | None = None
        self._reloading: set[asyncio.Task[None]] = set()
        self._snapshot: Snapshot | None = None
        self._credentials = Credentials()
        self._rules: list[str] | None = None
        self._facts = ServerFacts()
        self._port = 0
        self._lost: StartError | None = None

    async def run(self) -> None:
        """Serves until SIGTERM or SIGINT, then drains. Raises ProblemsError where it cannot start."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stopping.set)
        loop.add_signal_handler(signal.SIGHUP, self._hang_up)
        with ExitStack() as stack:
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tariffcore-metrics-"))
            self._metrics_folder = folder
            reserved = stack.enter_context(self._reserve_port())
            self._port = reserved.getsockname()[1]
            metrics = stack.enter_context(MetricsPort(self._settings, folder, self._facts))
            try:
                async with self._changing:
                    await self._start_all()
                logs.info(
                    "serving",
                    address=self._address(),
                    encrypted=self._settings.is_encrypted(),
                    tokens=self._settings.tokens is not None,
                    workers=len(self._workers),
                    metrics=metrics.address,
                    editions=[edition["schedule_id"] for edition in self._facts.editions],
                )
                self._announce(self._address())
                await self._stopping.wait()
            finally:
                await self._stop_all()
                if self._snapshot is not None:
                    self._snapshot.remove()
        if self._lost is not None:
            raise self._lost
        logs.info("stopped")

    def _address(self) -> str:
        host = self._settings.host
        return f"[{host}]:{self._port}" if ":" in host else f"{host}:{self._port}"

    def _reserve_port(self) -> socket.socket:
        """Holds the port for the workers, who all listen on it. Fails if somebody else has it."""
        host = self._settings.host
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        address = ("127.0.0.1" if host == "localhost" else host, self._settings.port)
        try:
            # without SO_REUSEPORT a port in use is refused; with it a stranger's would be shared in silence
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                address = (address[0], probe.getsockname()[1])
            reserved = socket.socket(family, socket.SOCK_STREAM)
            reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            reserved.bind(address)
        except OSError as error:
            problem = Problem(
                "settings",
                "port",
                f"{address[0]}:{address[1]}",
                f"cannot be opened ({error.strerror})",
                "choose another with --port, or stop who has it",
            )
            raise StartError("the server cannot listen", [problem]) from None
        return reserved

    # -- starting and stopping -------------------------------------------------------------------

    async def _start_all(self) -> None:
        self._credentials = read_credentials(self._settings)
        self._facts.certificate_not_after = _end_of(self._credentials)
        self._snapshot = self._copy_of_folders()
        started = await asyncio.gather(
            *(self._start_worker(number) for number in range(self._settings.workers)), return_exceptions=True
        )
        for outcome in started:
            if isinstance(outcome, BaseException):
                raise outcome

    def _copy_of_folders(self) -> Snapshot:
        """The schedules and, with a book, its rules. Raises CatalogError for all that cannot be found."""
        folders: Sequence[Path] = ()
        rules: Path | None = None
        wrong: list[ProblemsError] = []
        try:
            folders = resolve(self._settings.schedules)
        except ProblemsError as error:
            wrong.append(error)
        try:
            rules = rules_folder(self._settings)
        except ProblemsError as error:
            wrong.append(error)
        if wrong:
            problems = [problem for error in wrong for problem in error.problems]
            raise CatalogError("; ".join(error.summary for error in wrong), problems)
        return Snapshot.of(folders, rules)

    async def _start_worker(self, number: int) -> None:
        """Starts a worker with what is in force. Raises ProblemsError where it cannot use it."""
        ours, theirs = socket.socketpair()
        environment = {
            **KEEP_MEMORY,
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": self._metrics_folder,
            "GRPC_VERBOSITY": os.environ.get("GRPC_VERBOSITY", "NONE"),
        }
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "tariffcore_server.worker",
                str(theirs.fileno()),
                pass_fds=[theirs.fileno()],
                stdin=asyncio.subprocess.DEVNULL,
                env=environment,
            )
        channel = ControlChannel(
            {
                "reload_schedules": self._reload_schedules_asked,
                "reload_credentials": self._reload_credentials_asked,
            }
        )
        worker = _Worker(number, process, channel, monotonic())
        assert self._snapshot is not None
        try:
            await channel.open(ours)
            read = await _settled(
                channel.ask(
                    "start",
                    settings=settings_json(self._settings),
                    schedules=self._snapshot.to_json(),
                    credentials=self._credentials.to_json(),
                )
            )
            await _settled(channel.ask("listen", host=self._settings.host, port=self._port))
        except BaseException:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
            raise
        self._note_read(read)
        self._workers[number] = worker
        self._facts.workers = len(self._workers)
        task = asyncio.create_task(self._watch(worker))
        self._watching.add(task)
        task.add_done_callback(self._watching.discard)

    async def _watch(self, worker: _Worker) -> None:
        """Replaces a worker that ends without having been asked to."""
        code = await worker.process.wait()
        self._facts.worker_ended(worker.process.pid)
        if self._workers.get(worker.number) is worker:
            del self._workers[worker.number]
            self._facts.workers = len(self._workers)
        if self._stopping.is_set():
            return
        logs.error("worker_died", worker=worker.number, worker_pid=worker.process.pid, exit_code=code)
        pause = 0.0 if monotonic() - worker.started >= _STEADY_SECONDS else 0.5
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)
            if self._stopping.is_set():
                return
            try:
                async with self._changing:
                    if self._stopping.is_set():
                        return
                    self._starting_again = asyncio.current_task()
                    try:
                        await self._start_worker(worker.number)
                    finally:
                        self._starting_again = None
            except (ProblemsError, ChannelClosedError, OSError) as error:
                pause = min(_LONGEST_PAUSE_SECONDS, max(0.5, 2 * pause))
                logs.error("worker_not_started", worker=worker.number, exception=type(error).__name__)
            else:
                self._facts.worker_restarts += 1
                logs.info("worker_restarted", worker=worker.number)
                return

    async def _stop_all(self) -> None:
        self._stopping.set()
        if self._starting_again is not None:
            # it would be there after the others were told to end, and never end
            self._starting_again.cancel()
        workers = list(self._workers.values())
        if workers:
            logs.info("draining", workers=len(workers))
        await asyncio.gather(*(self._stop(worker) for worker in workers))
        await asyncio.gather(*self._watching, *self._reloading, return_exceptions=True)

    async def _stop(self, worker: _Worker) -> None:
        with suppress(ChannelClosedError):
            await worker.channel.ask("drain")
        try:
            await asyncio.wait_for(worker.process.wait(), self._settings.drain_timeout + _SOME_MORE_SECONDS)
        except TimeoutError:
            logs.error("worker_killed", worker=worker.number)
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()

    # -- reloading -------------------------------------------------------------------------------

    def _hang_up(self) -> None:
        task = asyncio.create_task(self._reload_all())
        self._reloading.add(task)
        task.add_done_callback(self._reloading.discard)

    async def _reload_all(self) -> None:
        """SIGHUP: schedules and credentials, each for itself."""
        await self._reload_schedules()
        await self._reload_credentials()

    async def _reload_schedules_asked(self, facts: Packed) -> Packed:
        done = await self._reload_schedules()
        return problems_json(done) if isinstance(done, Refused) else {"ok": done}

    async def _reload_credentials_asked(self, facts: Packed) -> Packed:
        done = await self._reload_credentials()
        return problems_json(done) if isinstance(done, Refused) else {"ok": done}

    async def _reload_schedules(self) -> Packed | Refused:
        async with self._changing:
            done = await self._change_schedules()
        self._facts.reloaded("schedules", not isinstance(done, Refused))
        if isinstance(done, Refused):
            _log_refused("schedules", done)
        else:
            logs.info(
                "reloaded",
                what="schedules",
                changed=bool(done["changed"]),
                editions=[edition["schedule_id"] for edition in self._facts.editions],
                settlement_rules=self._rules,
            )
        return done

    async def _change_schedules(self) -> Packed | Refused:
        try:
            snapshot = self._copy_of_folders()
        except CatalogError as error:
            return Refused(error.summary, error.problems)
        except OSError as error:
            problem = Problem("server", None, None, f"cannot copy them ({error.strerror})", "see its disk")
            return Refused("the schedules could not be copied", (problem,))
        prepared = await self._in_all_or_none(schedules=snapshot.to_json())
        if isinstance(prepared, Refused):
            snapshot.remove()
            return prepared
        if self._snapshot is not None:
            self._snapshot.remove()
        self._snapshot = snapshot
        return {"changed": self._note_read(prepared[0]), "workers": len(prepared)}

    def _note_read(self, read: object) -> bool:
        """Keeps what workers have read, and says whether it is another than before."""
        assert isinstance(read, dict)
        changed = (read["editions"], read["rules"]) != (self._facts.editions, self._rules)
        self._facts.editions, self._rules = read["editions"], read["rules"]
        return changed

    async def _reload_credentials(self) -> Packed | Refused:
        async with self._changing:
            done = await self._change_credentials()
        self._facts.reloaded("credentials", not isinstance(done, Refused))
        if isinstance(done, Refused):
            _log_refused("credentials", done)
        else:
            logs.info("reloaded", what="credentials", tokens=int(str(done["tokens"])))
        return done

    async def _change_credentials(self) -> Packed | Refused:
        try:
            credentials = await asyncio.to_thread(read_credentials, self._settings)
        except ProblemsError as error:
            return Refused(error.summary, error.problems)
        prepared = await self._in_all_or_none(credentials=credentials.to_json())
        if isinstance(prepared, Refused):
            return prepared
        self._credentials = credentials
        self._facts.certificate_not_after = _end_of(credentials)
        end = self._facts.certificate_not_after
        return {
            "tokens": len(credentials.tokens or ()),
            "certificate_not_after": "" if end is None else end.isoformat(),
            "workers": len(prepared),
        }

    async def _in_all_or_none(self, **facts: object) -> list[object] | Refused:
        """Lets every worker prepare, and then all put it in force, or none."""
        workers = list(self._workers.values())
        answers = await asyncio.gather(
            *(_or_gone(worker.channel.ask("prepare", **facts)) for worker in workers)
        )
        refused = next((answer for answer in answers if isinstance(answer, Refused)), None)
        if refused is None and any(answer != answers[0] for answer in answers):
            problem = Problem("server", None, None, "workers read different things", "reload again")
            refused = Refused("the workers do not agree", (problem,))
        if refused is None and not workers:
            problem = Problem("server", None, None, "no worker is running", "reload again in a moment")
            refused = Refused("there is nobody to reload", (problem,))
        order = "commit" if refused is None else "abort"
        # who dies now is started again with what the supervisor has in force by then
        await asyncio.gather(*(_or_gone(worker.channel.ask(order)) for worker in workers))
        return answers if refused is None else refused


async def _settled(answering: Awaitable[Packed]) -> object:
    """What a worker answers. Raises StartError with the problems it has instead."""
    answer = await answering
    if "ok" in answer:
        return answer["ok"]
    refused = refused_from(answer)
    raise StartError(refused.summary, refused.problems)


async def _or_gone(answering: Awaitable[Packed]) -> object:
    """What a worker answers, or why there is no answer."""
    try:
        answer = await answering
    except ChannelClosedError:
        problem = Problem("server", None, None, "a worker ended meanwhile", "reload again in a moment")
        return Refused("a worker is gone", (problem,))
    return answer["ok"] if "ok" in answer else refused_from(answer)


def _log_refused(what: str, refused: Refused) -> None:
    logs.error(
        "reload_refused",
        what=what,
        summary=refused.summary,
        problems=[str(problem) for problem in refused.problems],
    )


def _end_of(credentials: Credentials) -> datetime | None:
    return None if credentials.certificates is None else credentials.certificates.not_after


def _allow_files(settings: Settings) -> None:
    """Every connection is an open file; many systems begin with 1,024 and allow more."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.max_connections + _OTHER_FILES
    if most != resource.RLIM_INFINITY:
        wanted = min(wanted, most)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    if wanted < settings.max_connections + _OTHER_FILES:
        logs.warning("few_files", files=wanted, max_connections=settings.max_connections)


def serve(settings: Settings, announce: Callable[[str], None], environment: Mapping[str, str]) -> None:
    """Runs the server until it is told to stop. Raises ProblemsError where it cannot start."""
    logs.write_logs(settings.log_level)

    unknown = unknown_variables(environment)
    if unknown:
        logs.warning("unknown_variables", variables=unknown)

    _allow_files(settings)

    async def run() -> None:
        await Supervisor(settings, announce).run()

    asyncio.run(run())
