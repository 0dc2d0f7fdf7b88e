"""PriceCases by columns: what the protobuf library and single cases come to, byte by byte."""

import asyncio
from types import SimpleNamespace

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from tariffcore.v1 import edition_pb2
from tariffcore.v1.pricing_service_pb2 import PriceCasesRequest
from tariffcore.wire.rows import RowPricer, find_cases
from tariffcore_server.catalogs import DEFAULT_CHOICE
from tariffcore_server.failures import RequestError
from tariffcore_server.limits import Limits
from tariffcore_server.metrics import Metrics
from tariffcore_server.price_lists import PriceLists
from tariffcore_server.tokens import Caller
from tests.server.drawing import any_case
from tests.server.running import case, test_editions

EVERYBODY = Caller("all", frozenset(), None)
LISTS = PriceLists(SimpleNamespace(editions=test_editions()), Limits(cases=100), Metrics(CollectorRegistry()))


def told(answering):
    """The answer, or why there is none."""
    try:
        return asyncio.run(answering)
    except RequestError as error:
        return error.reason, error.words(), error.trailing_metadata()


def both(message, caller=EVERYBODY):
    return told(LISTS.answer(message, caller)), told(LISTS.one_by_one(message, caller))


any_request = st.builds(
    PriceCasesRequest,
    cases=st.lists(any_case, max_size=6),
    with_components=st.booleans(),
    with_reasons=st.booleans(),
    language=st.sampled_from(["", "ru", "xx"]),
    edition=st.none()
    | st.sampled_from(
        [edition_pb2.EditionChoice(tariff_family="other"), edition_pb2.EditionChoice(tariff_family="none")]
    ),
)


@settings(max_examples=300, deadline=None)
@given(any_request)
def test_lists_are_answered_as_by_the_library(request):
    quick, plain = both(request.SerializeToString())
    assert quick == plain


@settings(max_examples=600, deadline=None)
@given(any_request, st.data())
def test_any_bytes_are_answered_as_by_the_library(request, data):
    octets = bytearray(request.SerializeToString())
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, max(0, len(octets) - 1)))
        change = data.draw(st.sampled_from(["set", "insert", "cut", "end"]))
        if change == "set" and octets:
            octets[at] = data.draw(st.integers(0, 255))
        elif change == "insert":
            octets[at:at] = data.draw(st.binary(min_size=1, max_size=3))
        elif change == "cut":
            del octets[at : at + 1]
        else:
            del octets[at:]
    quick, plain = both(bytes(octets))
    assert quick == plain


ONE = case("1").SerializeToString()


@pytest.mark.parametrize(
    "octets",
    [
        ONE + b"\x0a\x012",  # an id twice
        ONE + b"\x8a\x00\x012",  # a tag longer than need be
        ONE + b"\x80\x81\x00\x01",  # a field nobody knows, its tag longer than need be
        ONE + b"\x50\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # an age of -1
        ONE + b"\x50\x85\x80\x80\x80\x80\x80\x80\x80\x80\x02",  # an age of more than 64 bits
        ONE + b"\x50\x85\x80\x80\x80\x80\x00",  # an age of 5 in six bytes
        ONE + b"\x12\x82\x80\x80\x80\x80\x00H1",  # a length in six bytes
        ONE + b"\x12\x02\xc3\x28",  # a provider that is no UTF-8
        ONE + b"\x5a\x02\xc3\x28",  # a procedure that is no UTF-8
        ONE + b"\x0a\x02\xc3\xa4",  # an id beyond ASCII
        ONE + b"\x48\x02",  # a truth of 2
        ONE + b"\x12\x04 H1 ",
        ONE + b"\x12\x05\xc2\xa0H1\xc2",
        ONE + b"\x0d\x00\x00\x00\x00",  # another type
        ONE + b"\x5b\x5c",  # a group
        b"",
    ],
)
def test_forms_that_protobuf_allows_and_others(octets):
    row = bytes([1 << 3 | 2, len(octets)]) + octets
    for message in (row, row + row, row[:-1], row + b"\x2a\x02ru", row + b"\x20\x01"):
        quick, plain = both(message)
        assert quick == plain


def test_plain_rows_need_no_closer_look():
    """That the answers above come from columns at all."""
    basis = test_editions().usual(DEFAULT_CHOICE)
    rows = [case(f"n {number}", age_years=number, claimed_amount="1234.5") for number in range(40)]
    message = PriceCasesRequest(cases=[*rows, case(" x")]).SerializeToString()
    found = find_cases(message, 100)
    priced = RowPricer.of(basis.plan).price(found, components=True)
    assert priced.others == [40]
    assert [found.octets(row) for row in range(40)] == [row.SerializeToString() for row in rows]


dates = st.dates().map(str) | st.from_regex(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", fullmatch=True)
hours = st.from_regex(r"T[0-9]{2}:[0-9]{2}(:[0-9]{2})?", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(dates, st.just("") | hours), min_size=1, max_size=20))
@example([("2024-02-29", ""), ("2023-02-29", ""), ("1900-02-29", ""), ("2000-02-29", "T23:59:59")])
@example([("0001-01-01", ""), ("9999-12-31", "T24:00"), ("0000-01-01", ""), ("2025-04-31", "")])
def test_dates_are_the_days_that_they_are(moments):
    cases = [case("1", discharge_date=day + hour, admission_date="") for day, hour in moments]
    quick, plain = both(PriceCasesRequest(cases=cases, with_reasons=True).SerializeToString())
    assert quick == plain


amounts = st.from_regex(r"[0-9]{0,19}\.?[0-9]{0,4}", fullmatch=True)


@settings(max_examples=300, deadline=None)
@given(st.lists(amounts, min_size=1, max_size=20))
@example(["999999999999999999", "9999999999999999.99", "9999999999999999.999", ".5", "5.", "0", "00.10"])
def test_claims_are_the_amounts_that_they_are(claims):
    cases = [case("1", claimed_amount=text) for text in claims]
    quick, plain = both(PriceCasesRequest(cases=cases).SerializeToString())
    assert quick == plain


def test_a_hospital_asks_in_its_own_name_only():
    of_one = Caller("one", frozenset(), frozenset({"H1"}))
    for provider_id in ("H1", "H2", "", " H1 ", "H1\n"):
        message = PriceCasesRequest(cases=[case("1", provider_id=provider_id)]).SerializeToString()
        quick, plain = both(message, of_one)
        assert quick == plain
        assert isinstance(quick, bytes) is (provider_id != "H2")
