"""A worker process: one gRPC server, told by the supervisor what to have in force and when to stop."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from tariffcore.errors import CatalogError, Problem, ProblemsError
from tariffcore_server import logs
from tariffcore_server.books import open_book, read_book_rules
from tariffcore_server.catalogs import EditionsInForce, read_editions
from tariffcore_server.control import ChannelClosedError, ControlChannel, Packed
from tariffcore_server.credentials import Credentials
from tariffcore_server.metrics import Metrics
from tariffcore_server.reloading import (
    Refused,
    ReloadedCredentials,
    ReloadedSchedules,
    problems_json,
    refused_from,
)
from tariffcore_server.serving import Prepared, Server
from tariffcore_server.settings import Settings, settings_from_json
from tariffcore_server.snapshots import Snapshot
from tariffcore_server.telemetry import start_tracing

if TYPE_CHECKING:  # needs the extra "settlement", which a server without a book does not
    from tariffcore.settlement.rules import SettlementRules


class Worker:
    """Answers the supervisor's questions, each with ``{"ok": …}`` or with problems."""

    def __init__(self) -> None:
        self._server: Server | None = None
        self._settings = Settings()
        self._prepared = Prepared()
        self._drained = asyncio.Event()
        self._draining = False
        self._homes = {os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")}
        self.channel = ControlChannel(
            {
                "start": self._start,
                "listen": self._listen,
                "prepare": self._prepare,
                "commit": self._commit,
                "abort": self._abort,
                "drain": self._drain_asked,
            }
        )

    async def run(self, end: socket.socket) -> None:
        """Serves until told to stop, or until the supervisor is gone."""
        loop = asyncio.get_running_loop()
        for ignored in (signal.SIGINT, signal.SIGHUP):  # both are the supervisor's to act on
            signal.signal(ignored, signal.SIG_IGN)
        loop.add_signal_handler(signal.SIGTERM, self._begin_to_drain)
        await self.channel.open(end)
        orphaned = asyncio.create_task(self.channel.closed.wait())
        drained = asyncio.create_task(self._drained.wait())
        await asyncio.wait([orphaned, drained], return_when=asyncio.FIRST_COMPLETED)
        if not drained.done():
            logs.warning("supervisor_gone")
            self._begin_to_drain()
            await drained
            self._tidy_up()
        if not orphaned.done():
            await self.channel.close()

    async def _start(self, facts: Packed) -> Packed:
        """Reads what is in force; everything is ready, but the port is still closed."""
        packed = facts["settings"]
        assert isinstance(packed, dict)
        self._settings = settings = settings_from_json(packed)
        logs.write_logs(settings.log_level)
        try:
            editions, rules = await asyncio.to_thread(self._read, facts)
            book = await asyncio.to_thread(open_book, settings, rules)
            tracing = start_tracing(settings.telemetry)
        except ProblemsError as error:
            return problems_json(error)
        credentials = facts["credentials"]
        assert isinstance(credentials, dict)
        metrics = Metrics(CollectorRegistry())
        self._server = Server(
            settings,
            editions,
            Credentials.from_json(credentials),
            metrics,
            tracing,
            _AskSupervisor(self.channel),
            book,
        )
        return {"ok": _described(editions, rules)}

    def _read(self, facts: Packed) -> tuple[EditionsInForce, SettlementRules | None]:
        """The editions and, with a book, its rules. Raises ProblemsError with all that is wrong with both."""
        snapshot = Snapshot.from_json(facts["schedules"])
        self._homes.add(snapshot.home)
        wrong: list[ProblemsError] = []
        editions, rules = None, None
        try:
            editions = read_editions(snapshot.schedules, self._settings.default_family)
        except ProblemsError as error:
            wrong.append(error)
        try:
            rules = read_book_rules(Path(snapshot.rules)) if snapshot.rules else None
        except ProblemsError as error:
            wrong.append(error)
        if editions is None or wrong:
            summary = "; ".join(error.summary for error in wrong)
            problems = [problem for error in wrong for problem in error.problems]
            raise snapshot.in_own_words(CatalogError(summary, problems))
        return editions, rules

    async def _listen(self, facts: Packed) -> Packed:
        assert self._server is not None
        try:
            port = await self._server.listen(str(facts["host"]), int(str(facts["port"])))
        except OSError as error:
            problem = Problem("settings", "port", str(facts["port"]), str(error), "choose another")
            return problems_json(Refused("the server cannot listen", (problem,)))
        return {"ok": port}

    async def _prepare(self, facts: Packed) -> Packed:
        """Reads the new editions or credentials; nothing changes yet."""
        try:
            if "schedules" in facts:
                self._prepared.editions, self._prepared.rules = await asyncio.to_thread(self._read, facts)
            if "credentials" in facts:
                credentials = facts["credentials"]
                assert isinstance(credentials, dict)
                self._prepared.credentials = Credentials.from_json(credentials)
        except ProblemsError as error:
            self._prepared = Prepared()
            return problems_json(error)
        except Exception as error:
            self._prepared = Prepared()
            logs.error("reload_failed", exception=type(error).__name__, places=logs.places_of(error))
            problem = Problem("server", None, None, "a mistake of the server", "see its log")
            return problems_json(Refused("a worker could not read what is to be reloaded", (problem,)))
        editions = self._prepared.editions
        return {"ok": None if editions is None else _described(editions, self._prepared.rules)}

    async def _commit(self, facts: Packed) -> Packed:
        assert self._server is not None
        self._server.put_in_force(self._prepared)
        self._prepared = Prepared()
        return {"ok": True}

    async def _abort(self, facts: Packed) -> Packed:
        self._prepared = Prepared()
        return {"ok": True}

    async def _drain_asked(self, facts: Packed) -> Packed:
        self._begin_to_drain()
        return {"ok": True}

    def _tidy_up(self) -> None:
        """Removes what the supervisor would have removed, had it not been killed."""
        for home in self._homes - {""}:
            shutil.rmtree(home, ignore_errors=True)

    def _begin_to_drain(self) -> None:
        if not self._draining:
            self._draining = True
            self._drain_task = asyncio.create_task(self._drain())

    async def _drain(self) -> None:
        try:
            if self._server is not None:
                await self._server.drain(self._settings.drain_timeout)
        finally:
            self._drained.set()


def _described(editions: EditionsInForce, rules: SettlementRules | None) -> dict[str, object]:
    """What a worker has read, for the supervisor to compare and to show."""
    return {"editions": editions.described(), "rules": None if rules is None else [rules.id, rules.digest]}


class _AskSupervisor:
    """Reloading as an admin call sees it: the supervisor does it, for all workers."""

    def __init__(self, channel: ControlChannel) -> None:
        self._channel = channel

    async def reload_schedules(self) -> ReloadedSchedules | Refused:
        done = await self._reload("reload_schedules")
        if isinstance(done, Refused):
            return done
        return ReloadedSchedules(bool(done["changed"]), int(str(done["workers"])))

    async def reload_credentials(self) -> ReloadedCredentials | Refused:
        done = await self._reload("reload_credentials")
        if isinstance(done, Refused):
            return done
        return ReloadedCredentials(
            int(str(done["tokens"])), str(done["certificate_not_after"]), int(str(done["workers"]))
        )

    async def _reload(self, question: str) -> Packed | Refused:
        try:
            answer = await self._channel.ask(question)
        except ChannelClosedError:
            problem = Problem("server", None, None, "the supervisor is gone", "start the server again")
            return Refused("nothing can be reloaded any more", (problem,))
        done = answer.get("ok")
        return done if isinstance(done, dict) else refused_from(answer)


def main() -> None:
    """Started by the supervisor, with the number of the socket that leads to it."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # its plain lines would stand between the JSON ones
    end = socket.socket(fileno=int(sys.argv[1]))
    logs.write_logs("info")
    asyncio.run(Worker().run(end))


if __name__ == "__main__":
    main()
