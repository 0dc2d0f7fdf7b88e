"""The service beside what its transport costs alone, and beside Arrow Flight doing the same."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from statistics import median
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.report import Goal, Highlight, Plot, Section
from benchmarks.service_peers import FLIGHT_COLUMNS, STREAM
from benchmarks.timing import ROUNDS, take_turns
from benchmarks.workloads import cases_parquet, demo_plan
from tariffcore.batch import priced_table
from tariffcore.case_rows import cases_of_rows
from tariffcore.client import Client, Connection, EditionChoice
from tariffcore.client.calling import COLUMN_STREAM_METHOD
from tariffcore.client.case_columns import read_case_columns
from tariffcore.client.case_messages import case_message
from tariffcore.client.column_stream import StreamTables, chunk_message, in_chunks, start_message
from tariffcore.pricing import price_cases
from tariffcore.v1 import pricing_service_pb2, pricing_service_pb2_grpc
from tariffcore.wire.messages import read_priced
from tariffcore_server.catalogs import EditionsInForce
from tariffcore_server.limits import MOST_CASES, Limits
from tariffcore_server.metrics import Metrics
from tariffcore_server.price_lists import PriceLists
from tariffcore_server.state import State
from tariffcore_server.supervisor import KEEP_MEMORY
from tariffcore_server.tokens import Caller

STREAM_CASES = 1 << 20
IN_FLIGHT = 8
LONG_STREAM_CASES = 1_000_000_000  # the service takes some seconds until it holds all that it will
PAYLOADS = (128, 512, 2_048, 8_192, 32_768)
CALLS = 2_000
CALLERS = (1, 16, 128)
WORKERS = (1, 2)
FAMILY = "kz-demo"

EMPTY_CALL = "/grpc.health.v1.Health/Check"
"""The call of the service itself that has least to do: its answer is two bytes."""


@contextmanager
def peer(*arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[tuple[str, int]]:
    """A server in a process of its own: (address, process id)."""
    with subprocess.Popen(
        [sys.executable, "-m", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **(environment or {})},
    ) as process:
        assert process.stdout is not None and process.stdin is not None
        said = process.stdout.readline()
        found = re.search(r"serving (?:127\.0\.0\.1:)?(\d+)", said)
        if found is None:
            process.kill()
            raise SystemExit(f"{arguments} did not start: {said}")
        try:
            yield f"127.0.0.1:{found[1]}", process.pid
        finally:
            process.stdin.close()
            process.terminate()


def service(workers: int = 1) -> Any:  # noqa: ANN401
    """The service with the demonstration schedules."""
    arguments = ("tariffcore.cli", "serve", "-s", FAMILY, "--port", "0", "--no-metrics")
    return peer(*arguments, "--log-level", "error", "--workers", str(workers))


class Chunks:
    """The sample cases as messages: the first pass brings the words, every other one only names them."""

    def __init__(self, cases: pa.Table) -> None:
        plan = demo_plan()
        tables = StreamTables()
        columns = list(in_chunks(read_case_columns(cases, plan.editions[0].minor_units).columns))
        self.first = [chunk_message(chunk, tables) for chunk in columns]
        self.later = [chunk_message(chunk, tables) for chunk in columns]
        self.start = start_message(EditionChoice(), components=False)
        self.rows = [len(chunk) for chunk in columns]


def exchange(channel: Any, method: str, messages: Iterator[bytes], take: Callable[[bytes], object]) -> int:  # noqa: ANN401
    """Sends messages with a few unanswered ones at a time, hands on every answer; how many there were."""
    from threading import Semaphore

    room = Semaphore(IN_FLIGHT)

    def paced() -> Iterator[bytes]:
        for message in messages:
            room.acquire()
            yield message

    count = 0
    for answer in channel.stream_stream(method, None, None)(paced()):
        room.release()
        take(answer)
        count += 1
    return count


def run_stream(cases: int = STREAM_CASES, rounds: int = ROUNDS) -> Section:
    """One column stream, one worker."""
    import grpc
    from pyarrow import flight

    plan = demo_plan()
    table = pq.read_table(cases_parquet(1 << 20)).slice(0, cases)
    table = table.select([name for name in table.column_names if name not in ("patient_id",)])
    chunks = Chunks(table)
    wanted = price_cases(table, plan)
    batches = [flight_batch(table.slice(start, 1 << 15)) for start in range(0, cases, 1 << 15)]
    section = Section(
        f"A column stream of {cases:,} cases",
        f"""Chunks of 32,768 rows on loopback, one worker, {IN_FLIGHT} unanswered at a time; messages and
record batches are made beforehand, answers are taken as bytes (Flight: as record batches). The echo is a gRPC
server of the same make whose handler answers each chunk with so many bytes as its prices have, and whose
process keeps freed memory as the service's workers do; "as gRPC comes" is the same without that. Flight's
DoExchange prices the same columns (codes as dictionaries) with `price_cases`, one thread. Answers were
compared first. Processor time is that of the server's processes alone.""",
        ("contestant", "ms", "million cases/s", "MB/s in", "x echo", "processor ns/case"),
    )
    options = [("grpc.max_receive_message_length", 8 << 20)]
    with ExitStack() as stack:
        address, pid = stack.enter_context(service())
        echo_address, echo_pid = stack.enter_context(
            peer("benchmarks.service_peers", "echo", environment=KEEP_MEMORY)
        )
        bare_address, bare_pid = stack.enter_context(peer("benchmarks.service_peers", "echo"))
        flight_address, flight_pid = stack.enter_context(peer("benchmarks.service_peers", "flight"))
        ours = stack.enter_context(grpc.insecure_channel(address, options))
        echo = stack.enter_context(grpc.insecure_channel(echo_address, options))
        bare = stack.enter_context(grpc.insecure_channel(bare_address, options))
        peer_client = stack.enter_context(flight.connect(f"grpc://{flight_address}"))

        answers: list[bytes] = []
        exchange(ours, COLUMN_STREAM_METHOD, iter([chunks.start, *chunks.first]), answers.append)
        _compare(answers[1:], wanted)
        size = str(max(map(len, answers[1:]))).encode()

        def forget(_answer: bytes) -> None:
            pass

        def price() -> None:
            exchange(ours, COLUMN_STREAM_METHOD, iter([chunks.start, *chunks.first]), forget)

        def return_bytes() -> None:
            exchange(echo, STREAM, iter([size, *chunks.first]), forget)

        def return_bytes_barely() -> None:
            exchange(bare, STREAM, iter([size, *chunks.first]), forget)

        found: list[Any] = []

        def by_flight() -> None:
            found[:] = fly(peer_client, batches)

        by_flight()
        _compare_flight(found, wanted)
        contestants = {
            "echo": return_bytes,
            "echo as gRPC comes": return_bytes_barely,
            "PriceCaseColumns": price,
            "Flight DoExchange": by_flight,
        }
        pids = dict(zip(contestants, (echo_pid, bare_pid, pid, flight_pid), strict=True))
        before = {name: processor_seconds(pids[name]) for name in contestants}
        times = take_turns(contestants, rounds)
        used = {name: processor_seconds(pids[name]) - before[name] for name in contestants}
    octets = sum(map(len, chunks.first))
    for name in contestants:
        seconds, ratio = times.median(name), times.ratio(name, "echo")
        section.rows.append(
            (
                name,
                f"{seconds * 1e3:.0f}",
                f"{cases / seconds / 1e6:.1f}",
                "" if name.startswith("Flight") else f"{octets / seconds / 1e6:.0f}",
                f"{ratio:.2f}",
                f"{used[name] / (rounds + 1) / cases * 1e9:.0f}",  # once more to warm up
            )
        )
    beside_echo = Goal(
        "PriceCaseColumns' speed / echo's", times.ratio("echo", "PriceCaseColumns"), at_least=0.9
    )
    beside_flight = Goal(
        "Flight's time / PriceCaseColumns'", times.ratio("Flight DoExchange", "PriceCaseColumns"), at_least=1
    )
    section.goals += [beside_echo, beside_flight]
    marks = {"PriceCaseColumns": beside_echo, "Flight DoExchange": beside_flight}
    bars: dict[str, list[tuple[Any, float]]] = {}
    for name in contestants:
        speed = cases / times.median(name) / 1e6
        bars[name] = [("", speed)]
        section.highlights.append(
            Highlight(
                f"**{name}**" if name == "PriceCaseColumns" else name,
                f"{speed:.1f} million cases/s",
                f"{1 / times.ratio(name, 'echo'):.2f} x the echo's speed",
                marks.get(name),
            )
        )
    section.plots.append(Plot("Throughput of a column stream", "", "million cases/s", bars, kind="bars"))
    return section


def run_payload(cases: int = STREAM_CASES, rounds: int = 3) -> Section:
    """Throughput of the column stream by the rows of a chunk, beside the echo of the same bytes."""
    import grpc

    table = pq.read_table(cases_parquet(1 << 20)).slice(0, cases)
    columns = read_case_columns(table, demo_plan().editions[0].minor_units).columns
    wanted = price_cases(table, demo_plan())
    section = Section(
        "A column stream by payload",
        f"""{cases:,} cases on loopback, one worker, {IN_FLIGHT} chunks unanswered at a time, by the rows of a
chunk, beside the echo of the same messages. Answers were compared first.""",
        ("rows a chunk", "kB a chunk", "million cases/s", "echo, million cases/s", "x echo", "MB/s in"),
    )
    options = [("grpc.max_receive_message_length", 8 << 20)]
    series: dict[str, list[tuple[Any, float]]] = {"PriceCaseColumns": [], "echo": []}
    with ExitStack() as stack:
        address, _ = stack.enter_context(service())
        echo_address, _ = stack.enter_context(
            peer("benchmarks.service_peers", "echo", environment=KEEP_MEMORY)
        )
        ours = stack.enter_context(grpc.insecure_channel(address, options))
        echo = stack.enter_context(grpc.insecure_channel(echo_address, options))
        start = start_message(EditionChoice(), components=False)
        for rows in PAYLOADS:
            tables = StreamTables()
            messages = [
                chunk_message(columns.rows(first, min(first + rows, cases)), tables)
                for first in range(0, cases, rows)
            ]
            answers: list[bytes] = []
            exchange(ours, COLUMN_STREAM_METHOD, iter([start, *messages]), answers.append)
            _compare(answers[1:], wanted)
            size = str(max(map(len, answers[1:]))).encode()
            contestants: dict[str, Callable[[], object]] = {
                "PriceCaseColumns": partial(_send, ours, COLUMN_STREAM_METHOD, [start, *messages]),
                "echo": partial(_send, echo, STREAM, [size, *messages]),
            }
            times = take_turns(contestants, rounds)
            speeds = {name: cases / times.median(name) / 1e6 for name in contestants}
            for name, speed in speeds.items():
                series[name].append((rows, speed))
            octets = sum(map(len, messages))
            section.rows.append(
                (
                    f"{rows:,}",
                    f"{octets / len(messages) / 1e3:,.0f}",
                    *(f"{speed:.2f}" for speed in speeds.values()),
                    f"{times.ratio('PriceCaseColumns', 'echo'):.2f}",
                    f"{octets / times.median('PriceCaseColumns') / 1e6:,.0f}",
                )
            )
    section.plots.append(Plot("Throughput by payload", "rows a chunk", "million cases/s", series))
    return section


def _send(channel: Any, method: str, messages: list[bytes]) -> int:  # noqa: ANN401
    return exchange(channel, method, iter(messages), len)


def flight_batch(cases: pa.Table) -> pa.RecordBatch:
    return cases.unify_dictionaries().combine_chunks().to_batches()[0]


def fly(client: Any, batches: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:  # noqa: ANN401
    """The batches priced by Flight, with a few unanswered ones at a time."""
    from threading import Semaphore, Thread

    from pyarrow import flight

    writer, reader = client.do_exchange(flight.FlightDescriptor.for_command(b""))
    room = Semaphore(IN_FLIGHT)
    with writer:
        writer.begin(batches[0].schema)

        def send() -> None:
            for batch in batches:
                room.acquire()
                writer.write_batch(batch)
            writer.done_writing()

        sender = Thread(target=send)
        sender.start()
        found = []
        for chunk in reader:
            room.release()
            found.append(chunk.data)
        sender.join()
    return found


def _compare(answers: Sequence[bytes], wanted: Any) -> None:  # noqa: ANN401
    prices = [read_priced(answer) for answer in answers]
    for name in ("amount_minor", "status", "edition"):
        found = np.concatenate([getattr(chunk, name) for chunk in prices])
        if not np.array_equal(found, getattr(wanted, name)):
            raise SystemExit(f"the stream's {name} differs from the library's: nothing was measured")


def _compare_flight(found: Sequence[pa.RecordBatch], wanted: Any) -> None:  # noqa: ANN401
    for name in FLIGHT_COLUMNS:
        column = np.concatenate([batch.column(name).to_numpy() for batch in found])
        if not np.array_equal(column, getattr(wanted, name)):
            raise SystemExit(f"Flight's {name} differs from the library's: nothing was measured")


def run_client(cases: int = STREAM_CASES, rounds: int = ROUNDS) -> Section:
    """A whole table by the client, beside pricing it here."""
    plan = demo_plan()
    table = pq.read_table(cases_parquet(1 << 20)).slice(0, cases)
    section = Section(
        f"A table of {cases:,} cases by `Client.price_table`",
        "Read, sent, priced by one worker and made a priced table, beside doing it all here in one thread.",
        ("contestant", "ms", "million cases/s"),
    )
    with service() as (address, _), Client(Connection(target=address)) as client:
        here = priced_table(table, price_cases(table, plan, threads=1))
        if client.price_table(table).column("amount").to_pylist() != here.column("amount").to_pylist():
            raise SystemExit("the service's amounts differ: nothing was measured")
        contestants = {
            "here": lambda: priced_table(table, price_cases(table, plan, threads=1)),
            "price_table": lambda: client.price_table(table),
        }
        times = take_turns(contestants, rounds)
    for name in contestants:
        seconds = times.median(name)
        section.rows.append((name, f"{seconds * 1e3:.0f}", f"{cases / seconds / 1e6:.1f}"))
    return section


def run_calls(calls: int = CALLS) -> Section:
    """PriceCase beside an empty call on the same server."""
    import grpc
    from grpc_health.v1 import health_pb2

    section = Section(
        "PriceCase by one caller",
        f"""The median of {calls:,} calls each, in turns on one connection, one worker; the empty call is the
standard health service's Check on the same server. Processor time is the server's, in a row of calls of one
kind.""",
        ("call", "p50 us", "p99 us", "x empty", "processor us/call"),
    )
    with service() as (address, pid), grpc.insecure_channel(address) as channel:
        stub = pricing_service_pb2_grpc.PricingServiceStub(channel)
        check = channel.unary_unary(
            EMPTY_CALL,
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )
        requests = sample_requests()
        empty = health_pb2.HealthCheckRequest()
        kinds: dict[str, Callable[[Any], Any]] = {
            "empty": lambda _request: check(empty),
            "PriceCase": stub.PriceCase,
            "PriceCase, explained": stub.PriceCase,
            "PriceCase, explained in text too": stub.PriceCase,
        }
        place = {name: max(0, number - 1) for number, name in enumerate(kinds)}
        seconds: dict[str, list[float]] = {name: [] for name in kinds}
        for number in range(-200, calls):
            for name, call in kinds.items():
                request = requests[number % len(requests)][place[name]]
                begin = time.perf_counter()
                call(request)
                if number >= 0:
                    seconds[name].append(time.perf_counter() - begin)
        used: dict[str, float] = {}
        for name, call in kinds.items():
            before = processor_seconds(pid)
            for number in range(calls):
                call(requests[number % len(requests)][place[name]])
            used[name] = (processor_seconds(pid) - before) / calls
    base = median(seconds["empty"])
    for name, measured in seconds.items():
        p50, p99 = np.percentile(measured, [50, 99]) * 1e6
        ratio = f"{median(measured) / base:.2f}"
        section.rows.append((name, f"{p50:.0f}", f"{p99:.0f}", ratio, f"{used[name] * 1e6:.0f}"))
    section.goals.append(Goal("PriceCase / empty call", median(seconds["PriceCase"]) / base, at_most=1.2))
    explained_ratio = median(seconds["PriceCase, explained"]) / base
    section.goals.append(Goal("PriceCase, explained / empty call", explained_ratio, at_most=2))
    for name, measured in seconds.items():
        mark = next((goal for goal in section.goals if goal.text == f"{name} / empty call"), None)
        section.highlights.append(
            Highlight(
                name if name == "empty" else f"**{name}**",
                f"{median(measured) * 1e3:.2f} ms",
                f"{median(measured) / base:.2f} x empty",
                mark,
            )
        )
    percentiles = (50, 75, 90, 95, 99, 99.5)
    section.plots.append(
        Plot(
            "Latency percentiles, one caller",
            "percentile",
            "ms",
            {
                name: [(p, float(np.percentile(measured, p)) * 1e3) for p in percentiles]
                for name, measured in seconds.items()
            },
        )
    )
    return section


def sample_requests(count: int = 256) -> list[tuple[Any, Any, Any]]:
    """Requests for one case each: as it is, with an explanation, and with its text too."""
    plan = demo_plan()
    table = pq.read_table(cases_parquet(1 << 20)).slice(0, count)
    requests = []
    for case in cases_of_rows(table, np.arange(count), plan.editions[0].minor_units):
        try:
            message = case_message(case)
        except ValueError:
            continue
        requests.append(
            (
                pricing_service_pb2.PriceCaseRequest(case=message),
                pricing_service_pb2.PriceCaseRequest(case=message, with_explanation=True),
                pricing_service_pb2.PriceCaseRequest(case=message, with_text=True),
            )
        )
    return requests


def run_lists(rounds: int = ROUNDS) -> Section:
    """The work of PriceCases on one list, beside the same by the protobuf library."""
    from prometheus_client import CollectorRegistry

    plan = demo_plan()
    editions = EditionsInForce({FAMILY: plan.catalog}, {FAMILY: plan}, FAMILY)
    lists = PriceLists(
        cast(State, SimpleNamespace(editions=editions)), Limits(), Metrics(CollectorRegistry())
    )
    cases = [request.case for request, *_ in sample_requests(MOST_CASES)]
    section = Section(
        f"A list of {len(cases):,} cases by PriceCases",
        """The handler alone, in this process: the bytes of the request in, those of the answer out, which
were equal. *protobuf library* reads a message object a case, prices all as one table and writes a message
object a case. Processor time.""",
        ("contestant", "ns/case", "ns/case with 9 components"),
    )
    found: dict[str, list[float]] = {}
    ratios = []
    with asyncio.Runner() as runner:
        for components in (False, True):
            request = pricing_service_pb2.PriceCasesRequest(cases=cases, with_components=components)
            message = request.SerializeToString()
            contestants = {
                "columns": partial(_answered, runner, lists.answer, message),
                "protobuf library": partial(_answered, runner, lists.one_by_one, message),
            }
            if len({answer() for answer in contestants.values()}) > 1:
                raise SystemExit("the two answers differ: nothing was measured")
            times = take_turns(contestants, rounds)
            ratios.append(times.processor_ratio("protobuf library", "columns"))
            for name in contestants:
                found.setdefault(name, []).append(times.processor_median(name) / len(cases) * 1e9)
    for name, costs in found.items():
        section.rows.append((name, *(f"{cost:,.0f}" for cost in costs)))
    section.goals.append(Goal("protobuf library's processor time / columns'", min(ratios), at_least=10))
    return section


def _answered(runner: asyncio.Runner, answer: Callable[..., Any], message: bytes) -> bytes:
    answered: bytes = runner.run(answer(message, Caller("benchmark", frozenset())))
    return answered


def run_callers(calls: int = CALLS) -> Section:
    """Latency and throughput of PriceCase by callers and workers."""
    section = Section(
        "PriceCase by many callers",
        f"""At least {calls:,} calls from one event loop, each caller waiting for its answer before it calls
again, over four connections a worker. Callers and service share the processors.""",
        ("workers", "callers", "p50 ms", "p99 ms", "calls/s"),
    )
    speeds: dict[str, list[tuple[Any, float]]] = {}
    waits: dict[str, list[tuple[Any, float]]] = {}
    for workers in WORKERS:
        with service(workers) as (address, _):
            for callers in CALLERS:
                latencies, seconds = asyncio.run(
                    _call_many(address, callers, max(calls, 8 * callers), workers)
                )
                p50, p99 = np.percentile(latencies, [50, 99]) * 1e3
                speeds.setdefault(f"{workers} worker{'s' * (workers > 1)}", []).append(
                    (callers, len(latencies) / seconds)
                )
                for name, value in (("p50", p50), ("p99", p99)):
                    waits.setdefault(f"{name}, {workers} worker{'s' * (workers > 1)}", []).append(
                        (callers, float(value))
                    )
                section.rows.append(
                    (
                        str(workers),
                        str(callers),
                        f"{p50:.2f}",
                        f"{p99:.2f}",
                        f"{len(latencies) / seconds:,.0f}",
                    )
                )
                if callers == CALLERS[1]:
                    section.highlights.append(
                        Highlight(
                            f"`PriceCase`, {callers} callers, {workers} worker{'s' * (workers > 1)}",
                            f"{len(latencies) / seconds:,.0f} calls/s",
                            f"99 of 100 within {p99:.1f} ms",
                        )
                    )
    section.plots.append(Plot("Calls a second by callers", "callers", "calls/s", speeds))
    section.plots.append(Plot("Latency by callers", "callers", "ms", waits, log_y=True))
    return section


async def _call_many(address: str, callers: int, calls: int, workers: int) -> tuple[list[float], float]:
    import grpc

    requests = [plain for plain, _, _ in sample_requests()]
    latencies: list[float] = []
    connections = min(callers, 4 * workers)
    channels = [
        grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)])
        for _ in range(connections)
    ]
    stubs: list[Any] = [pricing_service_pb2_grpc.PricingServiceStub(channel) for channel in channels]

    async def caller(number: int, count: int, keep: bool) -> None:
        stub = stubs[number % connections]
        for call in range(count):
            begin = time.perf_counter()
            await stub.PriceCase(requests[(number + call) % len(requests)])
            if keep:
                latencies.append(time.perf_counter() - begin)

    await asyncio.gather(*(caller(number, 4, False) for number in range(callers)))
    begin = time.perf_counter()
    await asyncio.gather(*(caller(number, calls // callers, True) for number in range(callers)))
    seconds = time.perf_counter() - begin
    for channel in channels:
        await channel.close()
    return latencies, seconds


def run_long_stream(cases: int = LONG_STREAM_CASES) -> Section:
    """So many cases through one stream: is the service's memory flat?"""
    import grpc

    table = pq.read_table(cases_parquet(1 << 20))
    chunks = Chunks(table)
    wanted = price_cases(table, demo_plan())
    total_wanted = int(wanted.amount_minor.sum())
    section = Section(
        f"{cases:,} cases through one stream",
        """The resident set of all processes of the service (one worker), taken after every pass over the
1,048,576 distinct cases: the median of the second tenth, of the last one, and the most there ever was.  Every
pass must sum to the library's amount.""",
        ("cases", "seconds", "million cases/s", "MiB in the second tenth", "MiB in the last", "MiB at most"),
    )
    with service() as (address, pid), grpc.insecure_channel(address) as channel:
        passes = -(-cases // table.num_rows)
        memory: list[float] = []
        state = {"answers": 0, "sum": 0, "passes": 0}

        def messages() -> Iterator[bytes]:
            yield chunks.start
            for number in range(passes):
                yield from chunks.first if number == 0 else chunks.later

        def take(answer: bytes) -> None:
            if state["answers"]:
                state["sum"] += int(read_priced(answer).amount_minor.sum())
                if state["answers"] % len(chunks.first) == 0:
                    state["passes"] += 1
                    if state["sum"] != total_wanted * state["passes"]:
                        raise SystemExit(f"pass {state['passes']} sums to another amount")
                    memory.append(resident_mib(pid))
            state["answers"] += 1

        begin = time.perf_counter()
        exchange(channel, COLUMN_STREAM_METHOD, messages(), take)
        seconds = time.perf_counter() - begin
    rows = passes * table.num_rows
    tenth = max(1, len(memory) // 10)
    warm, last = median(memory[tenth : 2 * tenth]), median(memory[-tenth:])
    found = (warm, last, max(memory))
    section.rows.append(
        (f"{rows:,}", f"{seconds:.0f}", f"{rows / seconds / 1e6:.1f}", *(f"{mib:.0f}" for mib in found))
    )
    mark = Goal("memory in the last tenth / in the second", last / warm, at_most=1.05)
    section.goals.append(mark)
    section.highlights.append(
        Highlight(
            f"memory of a stream of {rows:,} cases, last tenth",
            f"{last:.0f} MiB",
            f"{last / warm:.2f} x second tenth",
            mark,
        )
    )
    return section


def processes(pid: int) -> Iterator[Path]:
    """A process and all its descendants, as folders of /proc."""
    waiting = [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        yield process
        for task in (process / "task").iterdir():
            waiting += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]


def processor_seconds(pid: int) -> float:
    """What a process and its descendants have used so far, in hundredths of seconds."""
    ticks = 0
    for process in processes(pid):
        fields = (process / "stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def resident_mib(pid: int) -> float:
    """The resident set of a process and all its descendants."""
    total_kib = 0
    for process in processes(pid):
        found = re.search(r"VmRSS:\s+(\d+) kB", (process / "status").read_text(encoding="utf-8"))
        total_kib += int(found[1]) if found else 0
    return total_kib / 1024
