"""``python -m tests.soak --seconds 120``: everything at once, and nothing may go wrong.

Callers of all three methods compare every answer with what the library says, while schedules are reloaded
(bad folders among them), the service is stopped with SIGTERM and started again, and others send it rubbish.
At the end: no wrong amount, no row lost or doubled, every hostile message refused as it should be, and after
warming up no more than 5 % more memory.  Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import grpc
import numpy as np
import pyarrow as pa

from tariffcore.case_rows import cases_of_rows
from tariffcore.cases import table_from_cases
from tariffcore.client import AsyncClient, Client, ClientError, Connection, ServiceError
from tariffcore.client.calling import COLUMN_STREAM_METHOD
from tariffcore.client.case_messages import case_message
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.sample import Sampler
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus
from tariffcore.v1 import case_columns_pb2, edition_pb2, pricing_service_pb2
from tests.service_process import ServiceProcess

FAMILY = "kz-demo"
CHANGING = "kz-demo-2026"
ROWS = 65_536
LIST = 300
CASES = 2_000
WORKERS = 2
RELOAD_SECONDS = 4.0
MOST_GROWTH = 0.05
HALF_OPEN = 200
HEAVY = 4


@dataclass
class World:
    """What the service may answer by: the digest of the edition that changes -> its plan and prices."""

    table: pa.Table
    cases: list[Any]
    prices: dict[str, PricedCases]
    case_prices: dict[str, PricedCases]

    def of(self, digests: dict[str, str]) -> str:
        """Which of the worlds these editions are."""
        return digests[CHANGING]


@dataclass
class Findings:
    """Counts of what happened, and everything that should not have."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    def count(self, what: str, number: int = 1) -> None:
        with self.lock:
            self.counts[what] += number

    def fault(self, what: str) -> None:
        with self.lock:
            self.wrong.append(what)


class Soak:
    def __init__(self, seconds: float, folder: Path) -> None:
        self.folder = folder
        self.findings = Findings()
        self.over = threading.Event()
        self.ends = time.monotonic() + seconds
        self.seconds = seconds
        self.began = time.monotonic()
        self.editions = self._editions()
        self.world = self._world()
        self.memory: list[tuple[float, float]] = []
        self.port = 0
        self.stopping = threading.Event()

    # -- schedules that change

    def _editions(self) -> dict[str, Path]:
        """Three forms of one edition: as shipped, with other coefficients, and broken."""
        shipped = {folder.name: folder for folder in resolve([FAMILY])}
        forms: dict[str, Path] = {}
        for form in ("shipped", "other", "broken"):
            forms[form] = self.folder / form
            shutil.copytree(shipped[CHANGING], forms[form])
        providers = forms["other"] / "providers.csv"
        header, *rows = providers.read_text(encoding="utf-8").splitlines()
        place = header.split(",").index("regional")
        changed = []
        for row in rows:
            cells = row.split(",")
            cells[place] = "1.25"
            changed.append(",".join(cells))
        providers.write_text("\n".join([header, *changed, ""]), encoding="utf-8")
        with (forms["broken"] / "schedule.toml").open("a", encoding="utf-8") as file:
            file.write("\nno_such_key = 1\n")
        self.steady = next(path for name, path in shipped.items() if name != CHANGING)
        self.current = self.folder / "current"
        self._put("shipped", forms)
        return forms

    def _put(self, form: str, forms: dict[str, Path] | None = None) -> None:
        """Makes a form the current one; the link changes at once."""
        link = self.folder / "next"
        link.symlink_to((forms or self.editions)[form])
        link.replace(self.current)

    def _world(self) -> World:
        plans = {}
        for form in ("shipped", "other"):
            plan = Plan(read_catalog([self.steady, self.editions[form]]))
            plans[plan.catalog.edition(CHANGING).digest] = plan
        any_plan = next(iter(plans.values()))
        table = pa.Table.from_batches([Sampler(any_plan, seed=9).drawn_block(0)[0]]).slice(0, ROWS)
        table = table.drop_columns(["patient_id", "funding_source"])
        cases = []
        for case in cases_of_rows(table, np.arange(CASES), any_plan.editions[0].minor_units):
            with suppress(ValueError):
                case_message(case)
                cases.append(case)
        alone = table_from_cases(cases)
        return World(
            table,
            cases,
            {digest: price_cases(table, plan, components=True) for digest, plan in plans.items()},
            {digest: price_cases(alone, plan) for digest, plan in plans.items()},
        )

    # -- callers

    def _until_over(self, name: str, call: Callable[[], None]) -> None:
        while not self.over.is_set():
            try:
                call()
            except ServiceError as error:
                if error.code != "UNAVAILABLE":
                    self.findings.fault(f"{name}: {error}")
                self.findings.count(f"{name} put off while the service was away")
                self.over.wait(0.2)
            except ClientError as error:
                if "changed" not in str(error):
                    self.findings.fault(f"{name}: {error}")
                self.findings.count(f"{name} begun anew for new schedules")
            except Exception as error:  # a mistake of anybody's is a finding
                self.findings.fault(f"{name}: {type(error).__name__}: {error}")
                return

    def _expect(self, name: str, found: Any, row: int, digests: dict[str, str]) -> None:
        """Compares one price with the library's, in the world that its editions name, or in all."""
        worlds = [digests[CHANGING]] if CHANGING in digests else list(self.world.case_prices)
        wanted = self.world.case_prices[worlds[0]]
        ok = wanted.status[row] == CaseStatus.OK
        amount = int(wanted.amount_minor[row]) if ok else None
        if (found.status, found.amount_minor) != (CaseStatus(int(wanted.status[row])), amount):
            self.findings.fault(f"{name}: row {row} is {found}, not {amount} by {worlds[0][:12]}")

    def price_one(self, client: Client, rng: random.Random) -> None:
        row = rng.randrange(len(self.world.cases))
        found = client.price_case(self.world.cases[row], explanation=rng.random() < 0.3)
        digests = {} if found.edition is None else {found.edition.schedule_id: found.edition.digest}
        self._expect("PriceCase", found.price, row, digests)
        self.findings.count("PriceCase")

    def price_list(self, client: Client, rng: random.Random) -> None:
        first = rng.randrange(len(self.world.cases) - LIST)
        found = client.price_cases(self.world.cases[first : first + LIST], reasons=rng.random() < 0.1)
        digests = {edition.schedule_id: edition.digest for edition in found.editions}
        for number, price in enumerate(found.prices):
            self._expect("PriceCases", price, first + number, digests)
        self.findings.count("PriceCases")
        self.findings.count("rows of lists", len(found.prices))

    def price_stream(self, client: Client, rng: random.Random) -> None:
        rows = rng.randrange(1, self.world.table.num_rows)
        table = self.world.table.slice(0, rows)
        with client.column_stream(components=True) as stream:
            ((_, found),) = list(stream.price_tables([table]))
            digests = {edition.id: edition.digest for edition in stream.names.editions}
        wanted = self.world.prices[self.world.of(digests)]
        same = (
            len(found) == rows
            and np.array_equal(found.amount_minor, wanted.amount_minor[:rows])
            and np.array_equal(found.status, wanted.status[:rows])
            and np.array_equal(found.edition, wanted.edition[:rows])
            and found.parts_minor is not None
            and wanted.parts_minor is not None
            and np.array_equal(found.parts_minor, np.where(wanted.has_parts, wanted.parts_minor, 0)[:, :rows])
        )
        if not same:
            self.findings.fault(f"PriceCaseColumns: {rows} rows differ by {digests[CHANGING][:12]}")
        self.findings.count("PriceCaseColumns")
        self.findings.count("rows of streams", rows)

    def call_from_a_loop(self) -> None:
        """All three methods at once on one event loop."""

        async def call(client: AsyncClient, rng: random.Random) -> None:
            rows = rng.randrange(1, 5_000)
            row = rng.randrange(len(self.world.cases))
            one, table = await asyncio.gather(
                client.price_case(self.world.cases[row]),
                client.price_table(self.world.table.slice(0, rows)),
            )
            digests = {} if one.edition is None else {one.edition.schedule_id: one.edition.digest}
            self._expect("PriceCase", one.price, row, digests)
            if table.num_rows != rows or table.column("case_id") != self.world.table.column("case_id").slice(
                0, rows
            ):
                self.findings.fault(f"price_table: {table.num_rows} rows for {rows}, or in another order")
            self.findings.count("calls of the asyncio client", 2)

        async def calls() -> None:
            rng = random.Random(4)
            async with AsyncClient(self.address) as client:
                while not self.over.is_set():
                    try:
                        await call(client, rng)
                    except ServiceError as error:
                        if error.code != "UNAVAILABLE":
                            self.findings.fault(f"asyncio: {error}")
                        await asyncio.sleep(0.2)
                    except ClientError as error:
                        if "changed" not in str(error):
                            self.findings.fault(f"asyncio: {error}")

        asyncio.run(calls())

    # -- hostile callers

    def send_rubbish(self) -> None:
        rng = random.Random(6)
        with grpc.insecure_channel(
            self.address, [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
        ) as channel:
            while not self.over.is_set():
                for name, wanted, call in self._rubbish(channel, rng):
                    self._refused(name, wanted, call)
                    if self.over.is_set():
                        return
                self._raw_bytes(rng)

    def _rubbish(
        self, channel: grpc.Channel, rng: random.Random
    ) -> list[tuple[str, set[str], Callable[[], object]]]:
        one = channel.unary_unary("/tariffcore.v1.PricingService/PriceCase", None, None)
        many = channel.unary_unary("/tariffcore.v1.PricingService/PriceCases", None, None)
        stream = channel.stream_stream(COLUMN_STREAM_METHOD, None, None)
        good = pricing_service_pb2.PriceCaseRequest(case=case_message(self.world.cases[0]))
        start = pricing_service_pb2.PriceCaseColumnsRequest(start={}).SerializeToString()

        def chunk(**columns: Any) -> bytes:
            message = case_columns_pb2.CaseColumns(**columns)
            return pricing_service_pb2.PriceCaseColumnsRequest(chunk=message).SerializeToString()

        def streamed(*messages: bytes) -> Callable[[], object]:
            return lambda: list(stream(iter(messages), timeout=30))

        def by(**choice: Any) -> bytes:
            request = pricing_service_pb2.PriceCaseRequest(case=good.case)
            request.edition.CopyFrom(edition_pb2.EditionChoice(**choice))
            return request.SerializeToString()

        whole = good.SerializeToString()
        too_many = pricing_service_pb2.PriceCasesRequest(cases=[{"case_id": "1"}] * 5_001)
        cut = chunk(rows=3, drg=[1, 2, 3], new_drg_codes=["1", "2", "3"])[: -rng.randrange(1, 9)]
        return [
            ("truncated", {"INVALID_ARGUMENT"}, lambda: one(whole[: len(whole) // 2], timeout=30)),
            ("random", {"INVALID_ARGUMENT"}, lambda: one(b"\xff" + rng.randbytes(200), timeout=30)),
            ("too large", {"RESOURCE_EXHAUSTED"}, lambda: one(bytes(5 << 20), timeout=30)),
            ("far too large", {"RESOURCE_EXHAUSTED"}, lambda: one(bytes(20 << 20), timeout=30)),
            ("too many rows", {"RESOURCE_EXHAUSTED"}, lambda: many(too_many.SerializeToString(), timeout=30)),
            ("deadline passed", {"DEADLINE_EXCEEDED"}, lambda: one(whole, timeout=-1)),
            ("unknown family", {"NOT_FOUND"}, lambda: one(by(tariff_family="nowhere"), timeout=30)),
            (
                "unknown edition",
                {"NOT_FOUND"},
                lambda: one(by(pinned={"schedule_id": "kz-1999"}), timeout=30),
            ),
            (
                "wrong digest",
                {"FAILED_PRECONDITION"},
                lambda: one(by(pinned={"schedule_id": CHANGING, "digest": "0" * 64}), timeout=30),
            ),
            ("no start", {"INVALID_ARGUMENT"}, streamed(chunk(rows=1))),
            ("unequal columns", {"INVALID_ARGUMENT"}, streamed(start, chunk(rows=3, age_years=[1, 2]))),
            ("beyond its table", {"INVALID_ARGUMENT"}, streamed(start, chunk(rows=1, drg=[9]))),
            (
                "a word twice",
                {"INVALID_ARGUMENT"},
                streamed(start, chunk(rows=1, new_drg_codes=["1", "1"])),
            ),
            ("no rows", {"INVALID_ARGUMENT"}, streamed(start, chunk(rows=0))),
            ("a cut chunk", {"INVALID_ARGUMENT"}, streamed(start, cut)),
            ("abandoned", {"CANCELLED"}, lambda: self._abandon(stream, start, chunk(rows=1))),
        ]

    @staticmethod
    def _abandon(stream: Any, *messages: bytes) -> None:
        """Leaves a stream after its first answer, with everything unread."""
        gone = threading.Event()

        def sent() -> Any:
            yield from messages
            gone.wait(30)

        call = stream(sent(), timeout=30)
        next(call)
        call.cancel()
        gone.set()
        list(call)

    def _refused(self, name: str, wanted: set[str], call: Callable[[], object]) -> None:
        try:
            call()
        except grpc.RpcError as error:
            code = error.code().name
            if code in wanted:
                self.findings.count(f"hostile: {name}, {code}")
            elif code == "UNAVAILABLE" or (code == "CANCELLED" and self.stopping.is_set()):
                # gRPC cancels what arrives in the very instant of the stop
                self.findings.count("hostile: nobody there")
                self.over.wait(0.2)
            else:
                self.findings.fault(f"hostile: {name} was answered {code}: {error.details()}")
        else:
            self.findings.fault(f"hostile: {name} was answered at all")

    def _raw_bytes(self, rng: random.Random) -> None:
        """Connections that say nothing, and one that says what is no HTTP."""
        with ExitStack() as stack, suppress(OSError):
            for _ in range(HALF_OPEN):
                stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 1))
            last = stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 1))
            last.sendall(rng.randbytes(2_000))
            self.findings.count("hostile: connections half open", HALF_OPEN)
            self.over.wait(0.5)

    # -- the operator

    def run(self) -> int:
        arguments = ["-s", self.steady, "-s", self.current, "--no-metrics", "--workers", str(WORKERS)]
        log = self.folder / "log"
        service = ServiceProcess([*arguments, "--port", "0"], log)
        self.port = int(service.address.rpartition(":")[2])
        self.address = f"127.0.0.1:{self.port}"
        with ExitStack() as stack:
            stack.callback(lambda: service.process.poll() is None and service.process.kill())
            callers = self._callers(stack)
            for caller in callers:
                caller.start()
            try:
                service = self._operate(service, arguments, log)
            finally:
                self.over.set()
            for caller in callers:
                caller.join(120)
                if caller.is_alive():
                    self.findings.fault(f"{caller.name} did not end")
            code = service.terminate()
            if code:
                self.findings.fault(f"the service ended with {code}")
        growth = self._growth()
        said = log.read_text(encoding="utf-8")
        for event in ("call_failed", "worker_died", "Traceback"):
            if event in said:
                line = next(line for line in said.splitlines() if event in line)
                self.findings.fault(f"the service's log says {line[:300]}")
        return self._report(growth)

    def _callers(self, stack: ExitStack) -> list[threading.Thread]:
        def calling(name: str, call: Callable[[Client, random.Random], None], seed: int) -> threading.Thread:
            client = stack.enter_context(Client(Connection(target=self.address)))
            rng = random.Random(seed)
            return threading.Thread(
                name=name, target=lambda: self._until_over(name, lambda: call(client, rng)), daemon=True
            )

        return [
            calling("PriceCase", self.price_one, 1),
            calling("PriceCase", self.price_one, 2),
            calling("PriceCases", self.price_list, 3),
            calling("PriceCaseColumns", self.price_stream, 5),
            threading.Thread(name="asyncio", target=self.call_from_a_loop, daemon=True),
            threading.Thread(name="hostile", target=self.send_rubbish, daemon=True),
        ]

    def _operate(self, service: ServiceProcess, arguments: list[Any], log: Path) -> ServiceProcess:
        """Reloads again and again, restarts the service after a fifth of the time, watches its memory."""
        restart_at = self.began + self.seconds / 5
        is_restarted = False
        next_reload = time.monotonic() + RELOAD_SECONDS
        forms = ["other", "broken", "shipped", "other", "shipped", "broken"]
        turn = 0
        while time.monotonic() < self.ends:
            self.over.wait(0.25)
            self.memory.append((time.monotonic(), resident_mib(service.process.pid)))
            if service.process.poll() is not None:
                self.findings.fault(f"the service ended by itself with {service.process.returncode}")
                return service
            if time.monotonic() >= next_reload:
                self._put(forms[turn % len(forms)])
                service.hang_up()
                self.findings.count(f"reloads, {forms[turn % len(forms)]}")
                turn += 1
                next_reload = time.monotonic() + RELOAD_SECONDS
            if not is_restarted and time.monotonic() >= restart_at:
                is_restarted = True
                self._put("shipped")
                self.stopping.set()
                code = service.terminate()
                if code:
                    self.findings.fault(f"after SIGTERM the service ended with {code}")
                service = ServiceProcess([*arguments, "--port", str(self.port)], log)
                self.stopping.clear()
                self.findings.count("restarts")
                self._warm_up()
                self.memory.clear()
        return service

    def _warm_up(self) -> None:
        """Has both workers meet the heaviest load there will be, several times over.

        They keep freed memory for the next messages, each thread its own; callers that meet by chance would
        take minutes until every thread has once had the most it ever needs, and that would look like a leak.
        """
        too_large = bytes(20 << 20)

        def stream(_: int) -> None:
            with Client(Connection(target=self.address)) as client:
                for _ in range(4):
                    client.price_table(self.world.table, components=True)

        def refused(_: int) -> None:
            options = [("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1)]
            with grpc.insecure_channel(self.address, options) as channel:
                one = channel.unary_unary("/tariffcore.v1.PricingService/PriceCase", None, None)
                for _ in range(4):
                    with suppress(grpc.RpcError):
                        one(too_large, timeout=30)

        with ThreadPoolExecutor(3 * HEAVY) as pool:
            for caller, number in ((stream, 2 * HEAVY), (refused, HEAVY)):
                for done in pool.map(caller, range(number)):
                    assert done is None

    def _growth(self) -> tuple[float, float]:
        """Memory after warming up, and at the end: medians over parts of the time since then."""
        times = [moment for moment, _ in self.memory]
        if not times:
            self.findings.fault("the service's memory was never seen")
            return 1, 1
        span = times[-1] - times[0]
        warm = [mib for moment, mib in self.memory if 0.2 <= (moment - times[0]) / span <= 0.5]
        last = [mib for moment, mib in self.memory if (moment - times[0]) / span >= 0.7]
        before, after = median(warm), median(last)
        if after > before * (1 + MOST_GROWTH):
            self.findings.fault(f"the service's memory grew from {before:.0f} to {after:.0f} MiB")
        return before, after

    def _memory_by_tenths(self) -> str:
        """The medians of each tenth of the time, so that a reader sees whether it levels off."""
        times = [moment for moment, _ in self.memory]
        if not times:
            return "never seen"
        tenth = (times[-1] - times[0]) / 10 or 1
        parts: list[list[float]] = [[] for _ in range(10)]
        for moment, mib in self.memory:
            parts[min(9, int((moment - times[0]) / tenth))].append(mib)
        return " ".join(f"{median(part):.0f}" for part in parts if part)

    def _report(self, growth: tuple[float, float]) -> int:
        counts = self.findings.counts
        print(f"soaked for {time.monotonic() - self.began:.0f} s, {WORKERS} workers")
        for what in sorted(counts):
            print(f"  {counts[what]:>12,}  {what}")
        print(f"  memory of the service: {growth[0]:.0f} MiB warm, {growth[1]:.0f} MiB at the end")
        print(f"  by tenths of the time after warming up: {self._memory_by_tenths()}")
        for needed in ("PriceCase", "PriceCases", "PriceCaseColumns", "restarts", "reloads, other"):
            if not counts[needed]:
                self.findings.fault(f"there were no {needed}")
        for fault in self.findings.wrong[:20]:
            print(f"  WRONG  {fault}")
        wrong = len(self.findings.wrong)
        print("nothing went wrong" if not wrong else f"{wrong} things went wrong")
        return 1 if wrong else 0


def resident_mib(pid: int) -> float:
    """The resident set of a process and all its descendants."""
    total_kib, waiting = 0, [pid]
    while waiting:
        process = Path("/proc") / str(waiting.pop())
        try:
            status = (process / "status").read_text(encoding="utf-8")
            for task in (process / "task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text(encoding="ascii").split()]
        except OSError:
            continue  # it has just ended
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        total_kib += int(found[1]) if found else 0
    return total_kib / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description="Everything at once, and nothing may go wrong.")
    parser.add_argument("--seconds", type=float, default=120)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory(prefix="tariffcore-soak-") as folder:
        return Soak(seconds, Path(folder)).run()


if __name__ == "__main__":
    sys.exit(main())
