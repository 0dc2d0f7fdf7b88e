"""What is around every call, without a network: deadlines, mistakes of ours, counts."""

import asyncio
import gc
import json
import logging
import weakref

import grpc
import pytest
from prometheus_client import CollectorRegistry

from tariffcore.v1.pricing_service_pb2 import PriceCaseRequest, PriceCaseResponse
from tariffcore_server.authentication import Authentication
from tariffcore_server.calls import Calls
from tariffcore_server.failures import DETAILS_KEY, Reason, RequestError
from tariffcore_server.limits import Limits
from tariffcore_server.logs import JsonLines
from tariffcore_server.metrics import Metrics
from tariffcore_server.state import State
from tariffcore_server.telemetry import NoTracing, OpenTelemetryTracing
from tariffcore_server.tokens import Role
from tests.server.running import case, test_editions

SENT = PriceCaseRequest(case=case("CASE-SECRET", drg_code="DRG-SECRET")).SerializeToString()


class Context:
    """A call as gRPC hands it over."""

    def __init__(self, left=None, metadata=()):
        self.left, self.metadata = left, metadata
        self.aborted = None

    def invocation_metadata(self):
        return self.metadata

    def time_remaining(self):
        return self.left

    async def abort(self, code, words, trailing):
        self.aborted = (code, words, dict(trailing))
        raise grpc.aio.AbortError(words)


class Around:
    def __init__(self, tracing=None):
        self.registry = CollectorRegistry()
        self.worked = 0
        state = State(test_editions(), Authentication(None))
        self.calls = Calls(state, Limits(), Metrics(self.registry), tracing or NoTracing())

    def call(self, context, answer=None):
        async def work(request, caller):
            self.worked += 1
            return await answer(request) if answer else PriceCaseResponse()

        handler = self.calls.unary("S", "PriceCase", Role.PRICE, PriceCaseRequest, work)

        async def run():
            try:
                return await handler.unary_unary(SENT, context)
            except grpc.aio.AbortError:
                return None

        return asyncio.run(run())

    def count(self, code):
        labels = {"method": "PriceCase", "code": code}
        return self.registry.get_sample_value("tariffcore_calls_total", labels) or 0


@pytest.mark.parametrize("left", [0, -1])
def test_no_work_is_begun_after_the_deadline(left):
    around, context = Around(), Context(left)
    assert around.call(context) is None
    assert context.aborted[0] is grpc.StatusCode.DEADLINE_EXCEEDED and around.worked == 0
    assert around.count("DEADLINE_EXCEEDED") == 1


def test_a_call_in_time_is_counted_and_timed():
    around = Around()
    assert around.call(Context(10)) == b""
    assert around.count("OK") == 1 and around.calls.calls.taken == 0
    timed = around.registry.get_sample_value("tariffcore_call_seconds_count", {"method": "PriceCase"})
    assert timed == 1


def fail(request):
    raise KeyError(request.case.case_id)


async def failing(request):
    fail(request)


def test_a_mistake_of_ours_is_an_incident_that_repeats_nothing(caplog):
    around, context = Around(), Context()
    with caplog.at_level(logging.ERROR, "tariffcore_server"):
        assert around.call(context, failing) is None
    code, words, trailing = context.aborted
    assert code is grpc.StatusCode.INTERNAL and "SECRET" not in words
    (record,) = caplog.records
    line = json.loads(JsonLines().format(record))
    assert line["event"] == "call_failed" and line["exception"] == "KeyError"
    assert line["places"][-1].startswith("test_calls.py:") and line["places"][-1].endswith(" fail")
    assert "SECRET" not in json.dumps(line)
    assert line["incident"].encode() in trailing[DETAILS_KEY]
    assert b"SECRET" not in trailing[DETAILS_KEY]
    assert around.calls.calls.taken == 0


def test_a_call_that_is_given_up_is_cancelled_and_gives_its_place_back():
    around = Around()

    async def run():
        began = asyncio.Event()

        async def work(request, caller):
            began.set()
            await asyncio.Event().wait()

        handler = around.calls.unary("S", "PriceCase", Role.PRICE, PriceCaseRequest, work)
        task = asyncio.create_task(handler.unary_unary(SENT, Context()))
        await began.wait()
        assert around.calls.calls.taken == 1
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert around.calls.calls.taken == 0 and around.count("CANCELLED") == 1


def test_a_stream_whose_caller_leaves_while_it_is_answered_is_no_error_in_the_log():
    logged = []

    async def run():
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: logged.append(context))
        left = asyncio.Event()

        async def answering():
            await left.wait()
            raise OSError("nobody to write to")

        stream = asyncio.create_task(Around().calls._until_the_end(answering()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        left.set()  # the write fails, and gRPC cancels the call before it has seen that
        await asyncio.sleep(0)
        stream.cancel()
        await asyncio.gather(stream, return_exceptions=True)
        assert stream.cancelled()
        del stream
        gc.collect()

    asyncio.run(run())
    assert logged == []


def test_a_caller_who_leaves_before_the_answer_has_cancelled_the_stream(caplog):
    around = Around()

    class Left(Context):
        async def write(self, message):
            raise grpc.aio.InternalError("the batch of the call failed")

    async def answer(stream, caller):
        await stream.write(b"")

    handler = around.calls.stream("S", "PriceCase", Role.PRICE, answer)
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(handler.stream_stream(None, Left()))
    assert around.count("CANCELLED") == 1 and around.count("INTERNAL") == 0
    assert not caplog.records


def test_a_trace_has_the_call_its_parent_and_its_code_and_nothing_sent():
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exported = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exported))
    around = Around(OpenTelemetryTracing(provider))
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    around.call(Context(metadata=(("traceparent", parent), ("authorization", "Bearer SECRET"))))
    around.call(Context(), failing)
    good, bad = exported.get_finished_spans()
    assert (good.name, good.attributes["rpc.method"]) == ("S/PriceCase", "PriceCase")
    assert f"{good.parent.span_id:016x}" == "b7ad6b7169203331"
    assert bad.attributes["rpc.grpc.status_code"] == grpc.StatusCode.INTERNAL.value[0]
    assert "SECRET" not in good.to_json() + bad.to_json()
    provider.shutdown()


def test_a_failed_call_keeps_nothing_that_it_held():
    """Frames of a traceback that names itself would live until the next full collection, plans among them."""

    class Plan:
        pass

    held = []

    async def fail(request):
        plan = Plan()
        held.append(weakref.ref(plan))
        try:
            raise KeyError("first")
        except KeyError as error:
            named = RequestError(Reason.INVALID_REQUEST_FIELD)  # a frame and its exception know each other
            named.__cause__ = error
            raise named  # noqa: B904

    gc.disable()
    try:
        Around().call(Context(), fail)
        assert [plan() for plan in held] == [None]
    finally:
        gc.enable()
