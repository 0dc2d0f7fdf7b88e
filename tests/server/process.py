"""The server as its operator runs it: a process with signals, a port, and logs that are waited for."""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

WAIT_SECONDS = 60
SERVE = [sys.executable, "-m", "tariffcore.cli", "serve"]


class ServerProcess:
    """``tariffcore serve`` on free ports of loopback."""

    def __init__(self, *arguments: str, environment: dict[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [*SERVE, "--port", "0", "--metrics-port", "0", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **(environment or {})},
        )
        self.lines: list[dict] = []
        self._new: queue.SimpleQueue[dict | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self) -> None:
        for line in self.process.stderr:
            self._new.put(json.loads(line))  # every line is an object
        self._new.put(None)

    def wait_for(self, event: str) -> dict:
        """The next line of that event."""
        last = monotonic() + WAIT_SECONDS
        while (line := self._new.get(timeout=max(0.0, last - monotonic()))) is not None:
            self.lines.append(line)
            if line["event"] == event:
                return line
        raise AssertionError(f"the server ended without {event}: {self.lines}")

    def started(self) -> dict:
        self.facts = self.wait_for("serving")
        self.address = self.facts["address"]
        assert self.process.stdout.readline() == f"serving {self.address}\n"
        return self.facts

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Waits for the end and reads the log to its own."""
        code = self.process.wait(WAIT_SECONDS)
        self._reader.join(WAIT_SECONDS)
        while (line := self._new.get(timeout=WAIT_SECONDS)) is not None:
            self.lines.append(line)
        self.process.stdout.close()
        self.process.stderr.close()
        return code

    def stop(self) -> int:
        self.signal(signal.SIGTERM)
        return self.end()

    def metrics(self) -> str:
        with urllib.request.urlopen(f"http://{self.facts['metrics']}/metrics", timeout=WAIT_SECONDS) as page:
            return page.read().decode()

    def worker_pids(self) -> list[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return [int(pid) for pid in children.split()]


@contextmanager
def server_process(*arguments: str, environment: dict[str, str] | None = None) -> Iterator[ServerProcess]:
    server = ServerProcess(*arguments, environment=environment)
    try:
        server.started()
        yield server
    finally:
        if server.process.poll() is None:
            server.process.kill()
            server.end()
