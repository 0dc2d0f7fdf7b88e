"""What the service is measured against, each in a process of its own.

``python -m benchmarks.service_peers NAME``, where NAME is one of

echo    a gRPC server of the same make whose handlers answer without reading: what the transport alone costs
flight  Arrow Flight, whose DoExchange prices record batches with the library

Each says ``serving PORT`` when it does, and ends with its standard input.
"""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import AsyncIterator
from typing import Any

import pyarrow as pa

from benchmarks.workloads import demo_plan
from tariffcore.pricing import price_cases

STREAM = "/benchmarks.Echo/Stream"
UNARY = "/benchmarks.Echo/Unary"
FLIGHT_COLUMNS = ("amount_minor", "status", "edition", "rule")


def serve_echo() -> None:
    """Answers each message of a stream with so many bytes as the first one says, and calls with nothing."""
    import grpc

    async def stream(requests: AsyncIterator[bytes], _context: object) -> AsyncIterator[bytes]:
        answer = b""
        async for request in requests:
            if not answer:
                answer = bytes(int(request))
                yield b"ready"
            else:
                yield answer

    async def unary(_request: bytes, _context: object) -> bytes:
        return b""

    async def serve() -> None:
        server = grpc.aio.server(options=[("grpc.max_receive_message_length", 8 << 20)])
        handlers: dict[str, Any] = {
            "Stream": grpc.stream_stream_rpc_method_handler(stream),
            "Unary": grpc.unary_unary_rpc_method_handler(unary),
        }
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("benchmarks.Echo", handlers)])
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        print(f"serving {port}", flush=True)
        await asyncio.to_thread(sys.stdin.read)
        await server.stop(None)

    asyncio.run(serve())


def serve_flight() -> None:
    """Prices record batches of cases; the answer has the columns that a stream's answer has."""
    from pyarrow import flight

    plan = demo_plan()

    class Pricing(flight.FlightServerBase):  # type: ignore[misc]
        def do_exchange(self, _context: Any, _descriptor: Any, reader: Any, writer: Any) -> None:  # noqa: ANN401
            has_begun = False
            for chunk in reader:
                batch = flight_answer(pa.Table.from_batches([chunk.data]), plan)
                if not has_begun:
                    writer.begin(batch.schema)
                    has_begun = True
                writer.write_batch(batch)

    server = Pricing("grpc://127.0.0.1:0")
    print(f"serving {server.port}", flush=True)
    threading.Thread(target=server.serve, daemon=True).start()
    sys.stdin.read()
    server.shutdown()


def flight_answer(cases: pa.Table, plan: Any) -> pa.RecordBatch:  # noqa: ANN401
    """What Flight sends back for a batch."""
    priced = price_cases(cases, plan, threads=1)
    columns = [priced.amount_minor, priced.status, priced.edition, priced.rule]
    return pa.RecordBatch.from_arrays([pa.array(column) for column in columns], names=FLIGHT_COLUMNS)


if __name__ == "__main__":
    {"echo": serve_echo, "flight": serve_flight}[sys.argv[1]]()
