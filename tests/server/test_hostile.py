"""Bad input: each a precise status, the server up, others undisturbed, nothing kept."""

import os
import random
import socket
import struct
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from tariffcore.v1 import pricing_service_pb2_grpc
from tariffcore.v1.pricing_service_pb2 import PriceCaseRequest, PriceCasesRequest
from tests.server.columns import chunk, later_chunk, start
from tests.server.running import case, failure_of, running_server
from tests.server.test_column_streams import until

PRICING = "/tariffcore.v1.PricingService/"
UNARY = ("PriceCase", "PriceCases")
LIMIT = 64 << 10
OTHERS_PRICE = 123_450


@pytest.fixture(scope="module")
def running():
    with running_server(max_message_bytes=LIMIT, max_cases=100, max_calls=4, handshake_timeout=1) as running:
        yield running


@pytest.fixture(scope="module")
def channel(running):
    with running.channel([("grpc.max_send_message_length", -1)]) as channel:
        yield channel


@pytest.fixture(autouse=True)
def others_are_served(running):
    """Whatever a test does, another caller gets the right price afterwards and no place stays taken."""
    yield
    with running.channel() as own:
        pricing = pricing_service_pb2_grpc.PricingServiceStub(own)
        assert pricing.PriceCase(PriceCaseRequest(case=case())).priced.amount_minor == OTHERS_PRICE
    until(
        lambda: (
            running.call_in_loop(
                lambda: (running.server.calls.calls.taken, running.server.calls.streams.taken)
            )
            == (0, 0)
        )
    )


def raw(channel, method, message, **options):
    return channel.unary_unary(PRICING + method)(message, timeout=30, **options)


def raw_stream(channel, *messages):
    return list(channel.stream_stream(PRICING + "PriceCaseColumns")(iter(messages), timeout=30))


@pytest.mark.parametrize("method", UNARY)
def test_a_message_cut_short_is_malformed(channel, method):
    whole = PriceCasesRequest(cases=[case()] * 3).SerializeToString()
    for length in range(1, 20):
        said = failure_of(lambda length=length: raw(channel, method, whole[:length]))
        assert said.code is grpc.StatusCode.INVALID_ARGUMENT
        assert said.reason in ("MALFORMED_MESSAGE", "INVALID_REQUEST_FIELD")
    assert failure_of(lambda: raw(channel, method, whole[:-1])).reason == "MALFORMED_MESSAGE"


def test_random_bytes_are_malformed_or_a_wrong_request_never_a_mistake_of_ours(running, channel):
    luck = random.Random(1)
    for _ in range(300):
        message = luck.randbytes(luck.randrange(1, 200))
        for call in (
            lambda message=message: raw(channel, "PriceCase", message),
            lambda message=message: raw_stream(channel, message),
            lambda message=message: raw_stream(channel, start().SerializeToString(), message),
        ):
            try:
                call()
            except grpc.RpcError as error:
                assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert running.metric("tariffcore_refused_calls_total", reason="INTERNAL") is None


def test_chunks_with_flipped_bits_never_are_a_mistake_of_ours(running, channel):
    luck = random.Random(2)
    good = bytearray(
        chunk(8, procedure=[1], procedure_end=[1] * 8, new_procedure_codes=["x"]).SerializeToString()
    )
    for _ in range(600):
        bad = bytearray(good)
        for _ in range(luck.randrange(1, 4)):
            bad[luck.randrange(len(bad))] = luck.randrange(256)
        try:
            raw_stream(channel, start().SerializeToString(), bytes(bad))
        except grpc.RpcError as error:
            assert error.code() in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert running.metric("tariffcore_refused_calls_total", reason="INTERNAL") is None


def test_a_chunk_cut_short_is_malformed(channel):
    begin, whole = start().SerializeToString(), chunk(8).SerializeToString()
    for length in range(1, len(whole), 7):
        said = failure_of(lambda length=length: raw_stream(channel, begin, whole[:length]))
        assert (said.code, said.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_MESSAGE")


def test_bytes_like_nan_in_number_columns_are_statuses(channel):
    nan = struct.unpack("<I", struct.pack("<f", float("nan")))[0]
    messages = [
        start().SerializeToString(),
        chunk(2, admission_day=[-(2**31) + 1, 2**31 - 1], age_years=[nan, nan]).SerializeToString(),
    ]
    assert len(raw_stream(channel, *messages)) == 2


@pytest.mark.parametrize("method", UNARY)
def test_a_message_over_the_limit_is_refused_with_the_limit(channel, method):
    said = failure_of(lambda: raw(channel, method, bytes(LIMIT + 1)))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")
    assert said.metadata == {"limit_bytes": str(LIMIT)} and said.retry_after_ms == 0


def test_a_message_over_the_limit_ends_a_stream(channel):
    said = failure_of(lambda: raw_stream(channel, start().SerializeToString(), bytes(LIMIT + 1)))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")


def test_a_message_far_over_the_limit_is_not_even_read(channel):
    said = failure_of(lambda: raw(channel, "PriceCase", bytes(8 << 20)))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, None)
    said = failure_of(lambda: raw_stream(channel, start().SerializeToString(), bytes(8 << 20)))
    assert said.code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.CANCELLED)


def test_more_cases_than_the_limit_are_refused_with_the_limit(channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
    said = failure_of(lambda: pricing.PriceCases(PriceCasesRequest(cases=[case()] * 101)))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ROWS")
    assert said.metadata == {"limit_rows": "100"} and said.retry_after_ms == 0
    assert len(pricing.PriceCases(PriceCasesRequest(cases=[case()] * 100)).priced) == 100


def test_more_calls_than_the_limit_are_refused_at_once(running, channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
    places = running.server.calls.calls
    running.call_in_loop(lambda: setattr(places, "taken", places.count))  # as if so many were in progress
    try:
        said = failure_of(lambda: pricing.PriceCase(PriceCaseRequest(case=case())))
    finally:
        running.call_in_loop(lambda: setattr(places, "taken", 0))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_CALLS")
    assert said.retry_after_ms == 200 and said.metadata == {"limit": "4"}


def test_a_storm_of_calls_is_answered_or_refused_each_at_once(channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
    request = PriceCasesRequest(cases=[case()] * 100)

    def call(_):
        try:
            return {priced.amount_minor for priced in pricing.PriceCases(request, timeout=30).priced}
        except grpc.RpcError as error:
            return error.code()

    with ThreadPoolExecutor(32) as callers:
        outcomes = list(callers.map(call, range(200)))
    for outcome in outcomes:
        assert outcome in ({OTHERS_PRICE}, grpc.StatusCode.RESOURCE_EXHAUSTED)
    assert {OTHERS_PRICE} in outcomes


def test_a_deadline_already_passed_is_said_to_be(channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
    for _ in range(20):
        said = failure_of(lambda: pricing.PriceCase(PriceCaseRequest(case=case()), timeout=-1))
        assert said.code is grpc.StatusCode.DEADLINE_EXCEEDED
        stream = pricing.PriceCaseColumns(iter([start(), chunk()]), timeout=-1)
        assert failure_of(lambda stream=stream: list(stream)).code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_deadline_as_good_as_passed_ends_a_call_one_way_or_the_other(channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)
    for _ in range(100):
        try:
            answer = pricing.PriceCase(PriceCaseRequest(case=case()), timeout=1e-6)
        except grpc.RpcError as error:
            assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        else:
            assert answer.priced.amount_minor == OTHERS_PRICE


def test_a_deadline_that_passes_in_a_stream_gives_its_place_back(channel):
    pricing = pricing_service_pb2_grpc.PricingServiceStub(channel)

    def endless():
        yield start()
        yield chunk()
        while True:
            yield later_chunk()

    said = failure_of(lambda: list(pricing.PriceCaseColumns(endless(), timeout=0.2)))
    assert said.code is grpc.StatusCode.DEADLINE_EXCEEDED


def test_a_method_that_does_not_exist_is_unimplemented(channel):
    assert failure_of(lambda: raw(channel, "PriceEverything", b"")).code is grpc.StatusCode.UNIMPLEMENTED


def test_metadata_that_is_too_large_is_refused(channel):
    said = failure_of(lambda: raw(channel, "PriceCase", b"", metadata=(("authorization", "x" * (1 << 20)),)))
    assert said.code in (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)


def closed_by_peer(connection) -> bool:
    """Reads to the end; whether it came."""
    connection.settimeout(30)
    try:
        while connection.recv(1 << 16):
            pass
    except ConnectionResetError:
        pass
    return True


def test_connections_that_say_nothing_are_dropped_at_the_handshake_timeout(running):
    host, port = running.address.split(":")
    silent = [socket.create_connection((host, int(port))) for _ in range(50)]
    assert all(closed_by_peer(connection) for connection in silent)
    for connection in silent:
        connection.close()


@pytest.mark.parametrize(
    "greeting",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64,
        b"\x16\x03\x01\x02\x00" + b"\0" * 64,
        os.urandom(256),
    ],
)
def test_what_is_no_grpc_is_dropped(running, greeting):
    host, port = running.address.split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(greeting)
        assert closed_by_peer(connection)


def test_a_thousand_abandoned_streams_leave_nothing_behind(running):
    with running.channel() as own:
        pricing = pricing_service_pb2_grpc.PricingServiceStub(own)
        for _ in range(200):
            call = pricing.PriceCaseColumns(iter([start(), chunk()]), timeout=30)
            next(call)
            call.cancel()
    # a connection cut in the middle of streams
    for _ in range(20):
        with running.channel([("grpc.use_local_subchannel_pool", 1)]) as own:
            calls = [
                pricing_service_pb2_grpc.PricingServiceStub(own).PriceCaseColumns(iter([start()]), timeout=30)
                for _ in range(10)
            ]
            del calls
