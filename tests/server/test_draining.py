"""The way out: what is in progress ends well, what is new is put off, and gRPC cancels nothing."""

import asyncio
import queue
import threading

import grpc

from tariffcore.v1.pricing_service_pb2 import PriceCaseRequest, PriceCasesRequest
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore_server.price_lists import _FEW_PLAIN, PriceLists
from tests.server.columns import chunk, later_chunk, start
from tests.server.running import case, failure_of, running_server, told

ONE = PriceCaseRequest(case=case())
LONG_LIST = _FEW_PLAIN + 1
OWN_CONNECTION = [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]


async def call_without_pause(address, callers, connections, begun):
    """Many callers who never wait, until the server is gone. What they were told; answers come as None."""
    channels = [grpc.aio.insecure_channel(address, OWN_CONNECTION) for _ in range(connections)]
    said = []

    async def caller(stub):
        while True:
            try:
                await stub.PriceCase(ONE, timeout=60)
                said.append(None)
            except grpc.aio.AioRpcError as error:
                said.append(told(error))
                if "connect" in said[-1].words:
                    return
            if len(said) == 4 * callers:
                begun.set()

    await asyncio.gather(*(caller(PricingServiceStub(channels[n % connections])) for n in range(callers)))
    for channel in channels:
        await channel.close()
    return said


def test_callers_who_do_not_pause_are_answered_or_put_off_and_never_cut_off():
    with running_server() as running:
        begun = threading.Event()

        def drain():
            assert begun.wait(60)
            running.run(running.server.drain(20))

        draining = threading.Thread(target=drain)
        draining.start()
        said = asyncio.run(call_without_pause(running.address, 24, 4, begun))
        draining.join(60)
        assert not draining.is_alive()
    failures = [each for each in said if each is not None]
    assert failures and None in said
    assert {each.code for each in failures} == {grpc.StatusCode.UNAVAILABLE}
    put_off = [each for each in failures if each.reason]
    assert {(each.reason, each.retry_after_ms) for each in put_off} == {("DRAINING", 1_000)}


def test_while_a_stream_ends_new_calls_and_streams_are_put_off_at_once():
    with running_server() as running, running.channel(OWN_CONNECTION) as channel:
        pricing = PricingServiceStub(channel)
        sent = queue.SimpleQueue()
        stream = pricing.PriceCaseColumns(iter(sent.get, None), timeout=60)
        sent.put(start())
        next(stream)
        draining = threading.Thread(target=lambda: running.run(running.server.drain(30)))
        draining.start()
        while running.call_in_loop(lambda: running.server.calls._takes_new):
            pass
        for call in (
            lambda: pricing.PriceCase(ONE, timeout=60),
            lambda: next(pricing.PriceCaseColumns(iter([start()]), timeout=60)),
        ):
            said = failure_of(call)
            assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "DRAINING")
            assert said.retry_after_ms == 1_000
        for message in (chunk(), later_chunk()):
            sent.put(message)
            assert next(stream).priced.rows
        sent.put(None)
        assert list(stream) == []
        draining.join(60)
        assert not draining.is_alive()


def test_a_list_that_is_being_priced_when_the_server_stops_is_answered(monkeypatch):
    """Its handler waits for a thread, the way long lists do."""
    with running_server() as running, running.channel(OWN_CONNECTION) as channel:
        service = PricingServiceStub(channel)
        entered, may_go_on = threading.Event(), threading.Event()
        price_all = PriceLists._all

        def slowly(*arguments, **options):
            entered.set()
            assert may_go_on.wait(60)
            return price_all(*arguments, **options)

        monkeypatch.setattr(PriceLists, "_all", slowly)
        answer = service.PriceCases.future(
            PriceCasesRequest(cases=[case(str(n)) for n in range(LONG_LIST)]), timeout=60
        )
        assert entered.wait(60)
        draining = threading.Thread(target=lambda: running.run(running.server.drain(30)))
        draining.start()
        while running.call_in_loop(lambda: running.server.calls._takes_new):
            pass
        may_go_on.set()
        assert len(answer.result().priced) == LONG_LIST
        draining.join(60)
        assert not draining.is_alive()
