"""Forms that a chunk of columns could have on the wire: ``python -m benchmarks.wire_forms``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field
from numpy.typing import NDArray

from benchmarks.report import Section
from benchmarks.timing import Times, take_turns
from benchmarks.workloads import demo_plan, sample_table
from tariffcore.client.case_columns import read_case_columns
from tariffcore.client.column_stream import StreamTables, chunk_message, in_chunks
from tariffcore.v1 import pricing_service_pb2
from tariffcore.wire.forms import CASE_COLUMNS, FIXED32, OCTETS
from tariffcore.wire.messages import write_chunk
from tariffcore.wire.stream import MAX_ROWS, CaseStream

Columns = dict[str, NDArray[Any]]

CHUNKS = 8


@dataclass(frozen=True)
class Form:
    """A way to put columns into a message and to get them out again."""

    name: str
    write: Callable[[Columns], bytes]
    read: Callable[[bytes], Columns]


def sample_chunks() -> list[Columns]:
    """Chunks of sample cases: every column that has an element a row; words have gone before."""
    table = sample_table().slice(0, CHUNKS * MAX_ROWS)
    tables = StreamTables()
    chunks = []
    for chunk in in_chunks(read_case_columns(table, demo_plan().editions[0].minor_units).columns):
        message = pricing_service_pb2.PriceCaseColumnsRequest.FromString(chunk_message(chunk, tables))
        columns: Columns = {}
        for name, form in CASE_COLUMNS.fields.values():
            value = getattr(message.chunk, name) if form in (FIXED32, OCTETS) else b""
            if len(value) == MAX_ROWS:
                columns[name] = np.array(list(value), dtype=_dtype(name, form))
        chunks.append(columns)
    return chunks


def _dtype(name: str, form: int) -> type[np.integer[Any]]:
    return np.uint8 if form == OCTETS else np.int32 if name.endswith("_day") else np.uint32


def fixed_in_place() -> Form:
    """What the contract has: packed fixed32, written from arrays and read where it lies."""

    def write(columns: Columns) -> bytes:
        return write_chunk(MAX_ROWS, {}, columns)

    def read(message: bytes) -> Columns:
        scanned = CaseStream.scan(message)
        return {
            name: scanned.column(number, _dtype(name, form))
            for number, (name, form) in CASE_COLUMNS.fields.items()
            if scanned.lengths[number]
        }

    return Form("packed fixed32, in place", write, read)


def fixed_by_the_library() -> Form:
    """The same bytes, as whoever has generated code only writes and reads them."""
    return _by_the_library(
        "packed fixed32, protobuf library",
        pricing_service_pb2.PriceCaseColumnsRequest,
        lambda message: message.chunk,
    )


def varints_by_the_library() -> Form:
    """Packed varints: short numbers take few bytes, and none can be found without reading all before it."""
    file = descriptor_pb2.FileDescriptorProto(name="varints.proto", package="varints", syntax="proto3")
    message = file.message_type.add(name="CaseColumns")
    message.field.add(name="rows", number=1, type=Field.TYPE_UINT32, label=Field.LABEL_OPTIONAL)
    for number, (name, form) in CASE_COLUMNS.fields.items():
        if form == FIXED32:
            kind = Field.TYPE_SINT32 if name.endswith("_day") else Field.TYPE_UINT32
            message.field.add(name=name, number=number, type=kind, label=Field.LABEL_REPEATED)
        elif form == OCTETS:
            message.field.add(name=name, number=number, type=Field.TYPE_BYTES, label=Field.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    made = message_factory.GetMessageClass(pool.FindMessageTypeByName("varints.CaseColumns"))
    return _by_the_library("packed varints, protobuf library", made, lambda message: message)


def _by_the_library(name: str, made: Any, chunk_of: Callable[[Any], Any]) -> Form:  # noqa: ANN401
    def write(columns: Columns) -> bytes:
        message = made()
        chunk = chunk_of(message)
        chunk.rows = MAX_ROWS
        for column, numbers in columns.items():
            if numbers.dtype == np.uint8:
                setattr(chunk, column, numbers.tobytes())
            else:
                getattr(chunk, column).extend(numbers.tolist())
        octets: bytes = message.SerializeToString()
        return octets

    def read(octets: bytes) -> Columns:
        chunk = chunk_of(made.FromString(octets))
        columns: Columns = {}
        for column, form in CASE_COLUMNS.fields.values():
            if form == FIXED32 and len(value := getattr(chunk, column)):
                columns[column] = np.array(value, dtype=_dtype(column, form))
            elif form == OCTETS and (value := getattr(chunk, column)):
                columns[column] = np.frombuffer(value, dtype=np.uint8)
        return columns

    return Form(name, write, read)


def arrow_in_bytes(name: str, types: dict[str, np.dtype[Any]]) -> Form:
    """An Arrow record batch in a bytes field; its schema has gone before."""
    schema = pa.schema([(column, pa.from_numpy_dtype(dtype)) for column, dtype in types.items()])

    def write(columns: Columns) -> bytes:
        arrays = [pa.array(numbers.astype(types[column], copy=False)) for column, numbers in columns.items()]
        batch = pa.RecordBatch.from_arrays(arrays, schema=schema)
        wrapper = pricing_service_pb2.PriceCaseColumnsRequest()
        wrapper.chunk.row_problem = batch.serialize().to_pybytes()
        return wrapper.SerializeToString()

    def read(octets: bytes) -> Columns:
        wrapper = pricing_service_pb2.PriceCaseColumnsRequest.FromString(octets)
        batch = pa.ipc.read_record_batch(pa.py_buffer(wrapper.chunk.row_problem), schema)
        return {column: batch.column(k).to_numpy() for k, column in enumerate(schema.names)}

    return Form(name, write, read)


def _narrowest(chunks: list[Columns], column: str) -> np.dtype[Any]:
    least = min(int(chunk[column].min()) for chunk in chunks)
    most = max(int(chunk[column].max()) for chunk in chunks)
    return np.promote_types(np.min_scalar_type(least), np.min_scalar_type(most))


def run() -> Section:
    """Bytes a row, and nanoseconds a row to write from arrays and to read into arrays, in one thread."""
    section = Section(
        "Forms of a chunk on the wire",
        f"""Sample cases in chunks of {MAX_ROWS:,} rows with every column they use but procedures, from NumPy
arrays to the bytes of a message and back to arrays, in Python and in one thread. Words have gone before. Each
form takes its turn in every round; times are the best of all rounds. "Narrowed" columns are as wide as this
sample's numbers need, which nobody knows before a stream ends.""",
        ("form", "bytes a row", "write, ns a row", "read, ns a row"),
    )
    chunks = sample_chunks()
    forms = [
        fixed_in_place(),
        fixed_by_the_library(),
        varints_by_the_library(),
        arrow_in_bytes("Arrow IPC in bytes", {name: numbers.dtype for name, numbers in chunks[0].items()}),
        arrow_in_bytes(
            "Arrow IPC in bytes, narrowed", {name: _narrowest(chunks, name) for name in chunks[0]}
        ),
    ]
    written: dict[str, list[bytes]] = {}
    for form in forms:
        written[form.name] = []
        for columns in chunks:
            message = form.write(columns)
            read = form.read(message)
            if any(not np.array_equal(read[name], numbers) for name, numbers in columns.items()):
                raise SystemExit(f"{form.name} does not give back what was written")
            written[form.name].append(message)
    writing = take_turns({form.name: _each(form.write, chunks) for form in forms})
    reading = take_turns({form.name: _each(form.read, written[form.name]) for form in forms})
    rows = CHUNKS * MAX_ROWS

    def shown(times: Times, form: Form) -> str:
        return f"{min(times.seconds[form.name]) / rows * 1e9:.1f}"

    for form in forms:
        size = sum(map(len, written[form.name]))
        section.rows.append((form.name, f"{size / rows:.1f}", shown(writing, form), shown(reading, form)))
    return section


def _each(work: Callable[[Any], object], items: list[Any]) -> Callable[[], None]:
    def run_all() -> None:
        for item in items:
            work(item)

    return run_all


if __name__ == "__main__":
    print(run().markdown())
