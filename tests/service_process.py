"""The service as people run it, in a process of its own, for tests that call it from outside."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

READY_SECONDS = 120
_SERVING = re.compile(r"serving (\S+)")


class ServiceProcess:
    """A running service. ``address`` is where it answers; its log collects in ``log``, a file."""

    def __init__(self, arguments: Sequence[str | Path], log: Path) -> None:
        self.log = log
        with log.open("ab") as errors:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tariffcore.cli", "serve", *(str(argument) for argument in arguments)],
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()  # says it is ready, or ends
        match = _SERVING.search(line)
        if match is None:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"the service did not start: {line}{log.read_text(encoding='utf-8')}")
        self.address = match[1]

    def terminate(self) -> int:
        """Asks it to end, and waits: its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(READY_SECONDS)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code

    def hang_up(self) -> None:
        """Asks it to read schedules and credentials again."""
        self.process.send_signal(signal.SIGHUP)


@contextmanager
def running(*arguments: str | Path) -> Iterator[ServiceProcess]:
    """A service with these arguments on a free port; it must end well."""
    with tempfile.TemporaryDirectory(prefix="tariffcore-service-") as folder:
        service = ServiceProcess(["--port", "0", "--no-metrics", *arguments], Path(folder) / "log")
        try:
            yield service
        finally:
            code = service.terminate()
        assert code == 0, f"the service ended with {code}: {service.log.read_text(encoding='utf-8')}"
