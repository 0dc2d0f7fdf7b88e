"""Ten thousand connections that never say a word: what they cost, and that they are dropped in time.

``python -m tests.server.half_open`` opens them to a server on loopback, once in plain text and once with TLS,
measures the resident memory of all its processes, and prices a case from another caller meanwhile and after.
"""

from __future__ import annotations

import contextlib
import resource
import selectors
import socket
import sys
import tempfile
from pathlib import Path
from time import monotonic

import grpc

from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tests.server.process import ServerProcess, server_process
from tests.server.running import authority, certificates
from tests.server.test_supervisor import ONE, PUBLISHED_MINOR, WAIT

CONNECTIONS = 10_000
MOST_MB = 150
HANDSHAKE_TIMEOUT_SECONDS = 5
SLACK_SECONDS = 10
_SPARE_FILES = 500


def resident_mb(server: ServerProcess) -> float:
    """Of the supervisor and its workers."""
    pids = [server.process.pid, *server.worker_pids()]
    pages = sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in pids)
    return pages * resource.getpagesize() / 1e6


def price_one(channel: grpc.Channel) -> None:
    """Another caller, who must not notice."""
    assert PricingServiceStub(channel).PriceCase(ONE, **WAIT).priced.amount_minor == PUBLISHED_MINOR


def half_open(count: int, *arguments: str, credentials: grpc.ChannelCredentials | None) -> bool:
    """Opens so many, and says what became of them; whether all was as it should be."""
    with contextlib.ExitStack() as stack:
        timeout = ("--handshake-timeout", str(HANDSHAKE_TIMEOUT_SECONDS))
        server = stack.enter_context(server_process(*timeout, *arguments))
        channel = stack.enter_context(
            grpc.insecure_channel(server.address)
            if credentials is None
            else grpc.secure_channel(server.address, credentials)
        )
        price_one(channel)
        before = most = resident_mb(server)
        host, port = server.address.split(":")
        waiting = stack.enter_context(selectors.DefaultSelector())
        began = monotonic()
        for number in range(count):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=30))
            connection.setblocking(False)
            waiting.register(connection, selectors.EVENT_READ)
            if number % 500 == 0:
                most = max(most, resident_mb(server))
                price_one(channel)
        opened = monotonic() - began
        left = count
        last = monotonic() + HANDSHAKE_TIMEOUT_SECONDS + SLACK_SECONDS
        while left and monotonic() < last:
            most = max(most, resident_mb(server))
            for key, _ in waiting.select(timeout=0.2):
                with contextlib.suppress(BlockingIOError):
                    try:
                        ended = not key.fileobj.recv(1 << 12)
                    except ConnectionError:
                        ended = True
                    if ended:
                        waiting.unregister(key.fileobj)
                        left -= 1
            price_one(channel)
        dropped = monotonic() - began
        grown = most - before
        print(
            f"{'TLS' if credentials else 'plain text'}: {count:,} connections opened in {opened:.1f} s, "
            f"{count - left:,} dropped after {dropped:.1f} s; memory grew by {grown:.0f} MB at most",
            flush=True,
        )
        price_one(channel)
        return server.stop() == 0 and left == 0 and grown < MOST_MB


def allowed_connections() -> int:
    """Lets this process open as many files as it may; how many connections that allows."""
    needed = CONNECTIONS + _SPARE_FILES
    with contextlib.suppress(ValueError, OSError):  # root may raise the limit, others may not
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, needed))
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if most != resource.RLIM_INFINITY:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return CONNECTIONS if most == resource.RLIM_INFINITY else min(CONNECTIONS, most - _SPARE_FILES)


def main() -> int:
    count = allowed_connections()
    if count < CONNECTIONS:
        print(f"This user may open no more than {count + _SPARE_FILES:,} files: {count:,} connections it is.")
    with tempfile.TemporaryDirectory() as folder:
        made = certificates()
        chain, key = Path(folder, "chain.pem"), Path(folder, "key.pem")
        chain.write_bytes(made.chain)
        key.write_bytes(made.key)
        trusted = grpc.ssl_channel_credentials(authority().cert_pem.bytes())
        plain = half_open(count, credentials=None)
        encrypted = half_open(
            count, "--tls-certificate", str(chain), "--tls-key", str(key), credentials=trusted
        )
    return 0 if plain and encrypted else 1


if __name__ == "__main__":
    sys.exit(main())
