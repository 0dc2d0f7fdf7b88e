"""What the gate measures: calls of compiled functions, recorded while the library works on sample cases."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import numpy as np
import pyarrow.compute as pc

from benchmarks import grouping
from benchmarks.contestants import Priced, input_columns, price_by_kernel
from benchmarks.gate.replay import Answers, Cells, Made
from benchmarks.workloads import demo_plan, encoded_cases, kernel_tables, sample_table
from tariffcore import _kernel, _rows
from tariffcore.batch import priced_table
from tariffcore.case_rows import cases_of_rows
from tariffcore.client.case_columns import read_case_columns
from tariffcore.client.case_messages import case_message
from tariffcore.client.column_stream import StreamTables, chunk_message, in_chunks
from tariffcore.encoding import encode_cases
from tariffcore.files import open_cases
from tariffcore.files.csv_text import csv_header, csv_rows
from tariffcore.grouping_tables import CompiledRules
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.v1.pricing_service_pb2 import PriceCasesRequest
from tariffcore.wire.rows import RowPricer, find_cases
from tariffcore.wire.stream import MAX_ROWS, CaseStream

COMPILED = tuple(sorted(path.stem for path in Path(_kernel.__file__ or "").parent.glob("*.pyx")))
"""The library's compiled modules, by name."""


@dataclass(frozen=True)
class RecordedPath:
    """One path: its name, so many rows, and its calls in the form of `replay`."""

    name: str
    rows: int
    recorded: Mapping[str, Any]

    def pickled(self) -> bytes:
        return pickle.dumps(self.recorded)

    def functions(self) -> list[tuple[str, str]]:
        """(module, function) of every call, each once."""
        return sorted({(module, function) for module, function, _ in self.recorded["calls"]})


class Recorder:
    """Collects calls, each argument as it was before the call."""

    def __init__(self) -> None:
        self._objects: list[tuple[str, str, dict[str, Any]]] = []
        self._numbers: dict[int, Made] = {}
        self._made: list[object] = []
        self.calls: list[tuple[str, str, list[Any]]] = []

    def made(self, thing: object, module: str, kind: str, arguments: Mapping[str, Any]) -> None:
        """Say how an object of a compiled type was made."""
        self._numbers[id(thing)] = Made(len(self._objects))
        self._made.append(thing)  # so that its id stays its own
        self._objects.append((module, kind, dict(arguments)))

    def note(self, module: str, function: str, arguments: tuple[Any, ...]) -> None:
        self.calls.append((module, function, [self._noted(value) for value in arguments]))

    def _noted(self, value: Any) -> Any:  # noqa: ANN401
        if id(value) in self._numbers:
            return self._numbers[id(value)]
        if isinstance(value, np.ndarray):
            return value.copy()
        if isinstance(value, memoryview):
            return bytes(value)
        if isinstance(value, dict):
            return dict(value)
        if hasattr(value, "_asdict") and hasattr(value, "held"):
            return _cells(value)
        if isinstance(value, list | tuple):
            return type(value)(self._noted(element) for element in value)
        if value is None or isinstance(value, int | bytes | str | np.generic):
            return value
        raise TypeError(f"the gate cannot record a {type(value).__name__}: teach benchmarks/gate/workload.py")

    def recorded(self) -> dict[str, Any]:
        return {"calls": self.calls, "objects": self._objects}


def _cells(value: Any) -> Cells:  # noqa: ANN401
    """Cells whose addresses point into the Arrow arrays that they hold."""
    buffers = [buffer for array in value.held for buffer in array.buffers() if buffer is not None]
    arrays = [np.frombuffer(buffer, np.uint8).copy() for buffer in buffers]
    fields: dict[str, Any] = {}
    for name, number in value._asdict().items():
        if name == "held":
            continue
        fields[name] = number
        for place, buffer in enumerate(buffers):
            if buffer.address <= number < buffer.address + max(buffer.size, 1):
                fields[name] = place, number - buffer.address
    return Cells(fields, arrays)


@contextmanager
def recording(*modules: str, recorder: Recorder | None = None) -> Iterator[Recorder]:
    """Records all calls that Python code makes of the functions of these modules."""
    recorder = recorder or Recorder()

    def noting(module: str, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:  # noqa: ANN401
            recorder.note(module, name, arguments)
            return function(*arguments)

        return call

    with ExitStack() as stack:
        # what is in new arrays before they are filled would differ from run to run
        stack.enter_context(patch("numpy.empty", np.zeros))
        for module in modules:
            compiled = import_module(f"tariffcore.{module}")
            for name, thing in list(vars(compiled).items()):
                if callable(thing) and not isinstance(thing, type) and not name.startswith("_"):
                    stack.enter_context(patch.object(compiled, name, noting(module, name, thing)))
        yield recorder


def kernel_path(rows: int) -> RecordedPath:
    """The kernel over whole columns in memory."""
    plan, inputs = demo_plan(), input_columns(encoded_cases(rows))
    recorder = Recorder()
    recorder.made(plan.tables, "_kernel", "PriceTables", kernel_tables())
    recorder.note("_kernel", "price", (plan.tables, *inputs, *Priced.touched(rows).columns(), 0, rows))
    return RecordedPath("price", rows, recorder.recorded())


def split_path(rows: int) -> RecordedPath:
    """Priced amounts split into their components."""
    plan, inputs, priced = demo_plan(), input_columns(encoded_cases(rows)), Priced.touched(rows)
    price_by_kernel(plan, inputs, priced, 0, rows)
    day, _, _, item, _, variant, *_ = inputs
    parts = np.ones((len(plan.component_names), rows), np.int64), np.ones(rows, np.uint8)
    recorder = Recorder()
    recorder.made(plan.tables, "_kernel", "PriceTables", kernel_tables())
    arguments = (plan.tables, day, item, variant, priced.amount_minor, priced.status, *parts, 0, rows)
    recorder.note("_kernel", "split", arguments)
    return RecordedPath("split", rows, recorder.recorded())


def encode_path(rows: int) -> RecordedPath:
    """Typed columns of Arrow made the kernel's numbers."""
    with recording("_encoding") as recorder:
        encode_cases(sample_table().slice(0, rows), demo_plan())
    return RecordedPath("encode", rows, recorder.recorded())


def cells_path(rows: int) -> RecordedPath:
    """Lines, codes, dates and amounts read from the text of a CSV file."""
    table = sample_table().slice(0, rows)
    joined = pc.binary_join(table["procedure_codes"], ";")
    table = table.set_column(table.column_names.index("procedure_codes"), "procedure_codes", joined)
    with TemporaryDirectory(prefix="tariffcore-gate-") as folder:
        file = Path(folder, "cases.csv")
        file.write_bytes(csv_header(table.column_names) + csv_rows(table))
        with recording("_lines", "_cells", "_texts") as recorder, open_cases(file) as source:
            for raw in source:
                encode_cases(source.parse(raw).table, demo_plan())
    return RecordedPath("read cells", rows, recorder.recorded())


def grouping_path(rows: int) -> RecordedPath:
    """The groups of cases of ten secondary diagnoses and five procedures, by their codes' texts."""
    schedule = grouping.made_up_edition(2_000)
    rules = CompiledRules(schedule)
    table = grouping.made_up_cases(rows, schedule)
    with recording("_texts", "_grouping") as recorder:
        grouping.grouped_from_strings(table, rules)
    return RecordedPath("group", rows, recorder.recorded())


def lists_path(rows: int) -> RecordedPath:
    """A list of cases in one message found, read and answered."""
    plan = Plan(demo_plan().catalog)  # a new one, so that what is made for it is seen
    messages = []
    for case in cases_of_rows(sample_table(), np.arange(rows), plan.editions[0].minor_units):
        with suppress(ValueError):  # some of the sample cannot be said in a message
            messages.append(case_message(case))
    message = PriceCasesRequest(cases=messages).SerializeToString()
    recorder = Recorder()

    def places(*ordered: Any, signature_of: Callable[[str], int], **arguments: Any) -> object:  # noqa: ANN401
        answers = Answers({})

        def noted(text: str) -> int:
            number: int = answers.by_argument.setdefault(text, signature_of(text))
            return number

        given: dict[str, Any] = {**arguments, "signature_of": noted}
        thing = made_places(*ordered, **given)
        words = zip(WORD_PLACES, map(dict, ordered), strict=True)
        recorder.made(thing, "_rows", "Places", {**dict(words), "signature_of": answers, **arguments})
        return thing

    def texts(pieces: list[bytes]) -> object:
        thing = made_texts(pieces)
        recorder.made(thing, "_rows", "Texts", {"pieces": pieces})
        return thing

    made_places, made_texts = _rows.Places, _rows.Texts
    with (
        recording("_rows", recorder=recorder),
        patch("tariffcore._rows.Places", places),
        patch("tariffcore._rows.Texts", texts),
    ):
        pricer = RowPricer(plan)
        found = find_cases(message, rows)
        priced = None if found is None else pricer.price(found, components=True)
        if priced is None:
            raise SystemExit("the sample's cases are not read by columns")
        pricer.write(priced, {})
    return RecordedPath("answer a list", len(messages), recorder.recorded())


def csv_path(rows: int) -> RecordedPath:
    """Priced cases written as CSV."""
    plan, table = demo_plan(), sample_table().slice(0, rows)
    priced = priced_table(table, price_cases(table, plan, threads=1))
    with recording("_csv_rows") as recorder:
        csv_rows(priced)
    return RecordedPath("write CSV", rows, recorder.recorded())


def stream_path(rows: int) -> RecordedPath:
    """A chunk of a column stream bound, priced and answered."""
    plan = Plan(demo_plan().catalog)  # a new one, so that what is made for it is seen
    recorder = Recorder()

    def made(module: str, kind: str) -> Callable[..., object]:
        compiled = getattr(import_module(f"tariffcore.{module}"), kind)

        def make(*ordered: Any, **arguments: Any) -> object:  # noqa: ANN401
            arguments |= zip(WORD_TABLES, [table.copy() for table in ordered], strict=False)
            thing: object = compiled(**arguments)
            recorder.made(thing, module, kind, arguments)
            return thing

        return make

    recorder.made(plan.tables, "_kernel", "PriceTables", kernel_tables())
    table = sample_table().slice(0, rows)
    columns = read_case_columns(table, plan.editions[0].minor_units).columns
    messages = [chunk_message(chunk, tables) for tables in [StreamTables()] for chunk in in_chunks(columns)]
    with (
        recording("_chunks", recorder=recorder),
        patch("tariffcore._binding.PlanNumbers", made("_binding", "PlanNumbers")),
        patch("tariffcore._chunks.CodeWords", made("_chunks", "CodeWords")),
    ):
        stream = CaseStream(plan, with_rules=True)
        for message in messages:
            stream.price(message)
    return RecordedPath("answer a chunk", rows, recorder.recorded())


WORD_TABLES = (
    *("provider", "drg", "service", "setting"),
    *("setting_number", "outcome", "factor", "addon_kind", "procedure"),
)
"""Arguments of `_chunks.CodeWords`, in order."""

WORD_PLACES = ("provider", "drg", "service", "setting", "outcome", "factor")
"""Arguments of `_rows.Places`, in order."""

PATHS: Mapping[str, Callable[[], RecordedPath]] = {
    "price": partial(kernel_path, 1 << 17),
    "split": partial(split_path, 1 << 16),
    "encode": partial(encode_path, 1 << 16),
    "read cells": partial(cells_path, 1 << 15),
    "group": partial(grouping_path, 1 << 14),
    "write CSV": partial(csv_path, 1 << 15),
    "answer a list": partial(lists_path, 1 << 13),
    "answer a chunk": partial(stream_path, MAX_ROWS),
}
"""Every path, made when it is asked for."""


def all_paths() -> list[RecordedPath]:
    paths = [make() for make in PATHS.values()]
    empty = [path.name for path in paths if not path.recorded["calls"]]
    if empty:
        raise SystemExit(f"nothing was called for {', '.join(empty)}: see benchmarks/gate/workload.py")
    return paths


def digest(paths: list[RecordedPath]) -> str:
    """Of the rows, tables and calls: another one, and counts are not to be compared."""
    found = 0
    for path in paths:
        for octets in _octets([path.name, path.rows, path.recorded["calls"], path.recorded["objects"]]):
            found = zlib.crc32(octets, found)
    return f"{found:08x}"


def _octets(value: Any) -> Iterator[bytes]:  # noqa: ANN401
    if isinstance(value, np.ndarray):
        yield value.tobytes()
    elif isinstance(value, dict):
        for key in sorted(value):
            yield from _octets([key, value[key]])
    elif isinstance(value, list | tuple):
        for element in value:
            yield from _octets(element)
    else:
        yield value if isinstance(value, bytes) else repr(value).encode()
