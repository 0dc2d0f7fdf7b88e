"""PriceCaseColumns: answers in order, the catalog of the beginning, and precise ends."""

import queue
from dataclasses import replace

import grpc
import pytest

from tariffcore.v1 import case_pb2, edition_pb2
from tariffcore.v1.pricing_service_pb2 import PriceCaseColumnsResponse
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore.wire import errors as wire_errors
from tariffcore_server.column_streams import REASON_OF_WIRE_ERROR
from tariffcore_server.credentials import Credentials
from tests.server.columns import chunk, later_chunk, start
from tests.server.running import (
    NEXT,
    SMALL,
    editions_of,
    failure_of,
    running_server,
    token,
)

OK = int(case_pb2.CASE_STATUS_OK)


@pytest.fixture(scope="module")
def running():
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def pricing(running):
    with running.channel() as channel:
        yield PricingServiceStub(channel)


def answers(pricing, *requests, **options) -> list[PriceCaseColumnsResponse]:
    return list(pricing.PriceCaseColumns(iter(requests), timeout=30, **options))


def test_the_first_answer_says_what_the_numbers_stand_for(pricing):
    (first,) = answers(pricing, start(with_components=True, with_rules=True))
    assert [edition.schedule_id for edition in first.started.editions] == ["small", "small-2026b"]
    assert "inpatient" in first.started.rule_ids and "staff" in [
        c.component for c in first.started.components
    ]
    (plain,) = answers(pricing, start())
    assert not plain.started.rule_ids and not plain.started.components


def test_chunks_are_answered_in_order_with_places_kept_over_chunks(pricing):
    started, *priced = answers(
        pricing, start(with_rules=True), chunk(3), later_chunk(2, new_drg_codes=["NONE"], drg=[1, 2])
    )
    assert [answer.priced.rows for answer in priced] == [3, 2]
    assert list(priced[0].priced.amount_minor) == [123_450] * 3
    assert priced[1].priced.status == bytes([OK, case_pb2.CASE_STATUS_UNKNOWN_DRG])
    assert priced[1].priced.edition == b"\1\1"
    assert started.started.rule_ids[priced[0].priced.rule[0] - 1] == "inpatient"


def test_rows_are_counted_by_status(running, pricing):
    def counted(status):
        return running.metric("tariffcore_cases_total", method="PriceCaseColumns", status=status) or 0

    before = counted("OK"), counted("UNKNOWN_DRG")
    answers(pricing, start(), chunk(5, new_drg_codes=["G1", "NONE"], drg=[1, 1, 2, 1, 0]))
    assert (counted("OK") - before[0], counted("UNKNOWN_DRG") - before[1]) == (3, 1)


def test_an_edition_can_be_pinned_for_a_stream(pricing):
    wanted = edition_pb2.EditionChoice(pinned=edition_pb2.PinnedEdition(schedule_id=NEXT.id))
    started, priced = answers(
        pricing, start(edition=wanted), chunk(1, admission_day=[20500], discharge_day=[20510])
    )
    assert [edition.digest for edition in started.started.editions] == [NEXT.digest]
    assert list(priced.priced.amount_minor) == [246_900]


@pytest.mark.parametrize(
    ("requests", "reason", "fields"),
    [
        ([], "STREAM_OUT_OF_ORDER", ["start"]),
        ([chunk()], "STREAM_OUT_OF_ORDER", ["start"]),
        ([start(), start()], "STREAM_OUT_OF_ORDER", ["chunk"]),
        ([start(), chunk(3, drg=[1, 1])], "UNEQUAL_COLUMNS", ["chunk.drg"]),
        (
            [start(), chunk(3, drg=[1], care_setting=[1] * 4, row_problem=b"\0")],
            "UNEQUAL_COLUMNS",
            ["chunk.drg", "chunk.care_setting", "chunk.row_problem"],
        ),
        ([start(), chunk(3, drg=[1, 2, 1])], "PLACE_BEYOND_TABLE", ["chunk.drg[1]"]),
        ([start(), chunk(1, drg=[2**32 - 1])], "PLACE_BEYOND_TABLE", ["chunk.drg[0]"]),
        ([start(), chunk(), chunk()], "WORD_TWICE", ["chunk.new_drg_codes[0]"]),
        ([start(), chunk(0)], "INVALID_CHUNK", ["chunk.rows"]),
        ([start(), chunk(2, row_problem=b"\0\7")], "INVALID_CHUNK", ["chunk.row_problem[1]"]),
        (
            [start(edition=edition_pb2.EditionChoice(as_of="x"))],
            "INVALID_REQUEST_FIELD",
            ["start.edition.as_of"],
        ),
    ],
)
def test_what_is_wrong_with_a_stream_ends_it_precisely(pricing, requests, reason, fields):
    said = failure_of(lambda: answers(pricing, *requests))
    assert (said.code, said.reason, said.fields) == (grpc.StatusCode.INVALID_ARGUMENT, reason, fields)
    assert len(answers(pricing, start(), chunk())) == 2  # and the next caller is served


@pytest.mark.parametrize(
    ("choice", "reason", "field"),
    [
        ({"tariff_family": "moon"}, "UNKNOWN_TARIFF_FAMILY", "start.edition.tariff_family"),
        ({"pinned": {"schedule_id": "moon"}}, "UNKNOWN_EDITION", "start.edition.pinned.schedule_id"),
        (
            {"pinned": {"schedule_id": SMALL.id, "digest": "e" * 64}},
            "DIGEST_DIFFERS",
            "start.edition.pinned.digest",
        ),
        ({"as_of": "1990-01-01"}, "NOTHING_PUBLISHED", "start.edition.as_of"),
    ],
)
def test_editions_that_are_not_here_are_named_by_their_path_in_the_start(pricing, choice, reason, field):
    said = failure_of(lambda: answers(pricing, start(edition=edition_pb2.EditionChoice(**choice))))
    assert (said.reason, said.fields) == (reason, [field])


def test_too_many_rows_are_over_a_limit(pricing):
    said = failure_of(lambda: answers(pricing, start(), chunk(32_769)))
    assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_ROWS")
    assert said.retry_after_ms == 0 and said.metadata == {"limit_rows": "32768"}
    assert answers(pricing, start(), chunk(32_768))[1].priced.rows == 32_768


def test_chunks_before_a_bad_one_are_answered(pricing):
    received = []
    call = pricing.PriceCaseColumns(iter([start(), chunk(), later_chunk(drg=[9, 9, 9])]), timeout=30)
    with pytest.raises(grpc.RpcError):
        received.extend(call)  # keeps what came
    assert call.code() is grpc.StatusCode.INVALID_ARGUMENT


def test_every_error_of_reading_a_chunk_has_its_row_of_the_table():
    def below(kind):
        return {kind, *(each for child in kind.__subclasses__() for each in below(child))}

    assert {kind.reason for kind in below(wire_errors.WireError)} == set(REASON_OF_WIRE_ERROR)


def in_hand():
    """Requests that are sent one by one, by whoever puts them in; None ends them."""
    sent = queue.SimpleQueue()
    return sent, iter(sent.get, None)


def test_a_stream_keeps_the_editions_it_began_with():
    dearer = editions_of(NEXT, SMALL)
    doubled = editions_of(replace(SMALL, shares=NEXT.shares, digest="9" * 64))
    with running_server(editions=dearer) as running, running.channel() as channel:
        pricing = PricingServiceStub(channel)
        sent, requests = in_hand()
        call = pricing.PriceCaseColumns(requests, timeout=30)
        sent.put(start())
        assert next(call).started.editions[0].digest == SMALL.digest
        running.put_in_force(editions=doubled)
        sent.put(chunk(1))
        assert list(next(call).priced.amount_minor) == [123_450]
        new = answers(pricing, start(), chunk(1))
        assert new[0].started.editions[0].digest == "9" * 64
        assert list(new[1].priced.amount_minor) == [246_900]
        sent.put(later_chunk(1))
        assert list(next(call).priced.amount_minor) == [123_450]
        sent.put(None)
        assert list(call) == []


def test_an_abandoned_stream_gives_its_place_back():
    with running_server(max_streams=1) as running, running.channel() as channel:
        pricing = PricingServiceStub(channel)
        for _ in range(20):
            sent, requests = in_hand()
            call = pricing.PriceCaseColumns(requests, wait_for_ready=True, timeout=30)
            sent.put(start())
            next(call)
            said = failure_of(lambda: answers(pricing, start()))
            assert (said.code, said.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_STREAMS")
            assert said.retry_after_ms == 1_000 and said.metadata == {"limit": "1"}
            call.cancel()
            sent.put(None)
            until(lambda: running.call_in_loop(lambda: running.server.calls.streams.taken) == 0)
        assert running.metric("tariffcore_open_streams") == 0


def until(condition, tries=3_000):
    """Asks again until it holds; every question is a round trip to the server's own thread."""
    for _ in range(tries):
        if condition():
            return
    raise AssertionError("it did not come to hold")


def test_providers_of_others_are_refused_in_a_stream():
    tokens = (token("one", "price", providers={"H1"}),)
    with running_server(credentials=Credentials(tokens=tokens)) as running, running.channel() as channel:
        pricing = PricingServiceStub(channel)
        metadata = (("authorization", "Bearer one"),)
        own = chunk(2, new_provider_ids=["H1"], provider=[1, 0])
        assert len(answers(pricing, start(), own, metadata=metadata)) == 2
        other = chunk(2, new_provider_ids=["H1", "H-SECRET"], provider=[1, 1])
        said = failure_of(lambda: answers(pricing, start(), other, metadata=metadata))
        assert (said.code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PROVIDER_NOT_ALLOWED")
        assert said.fields == ["chunk.new_provider_ids[1]"] and "SECRET" not in said.words
