"""Tables, lists and single cases over the wire; streams that break are taken up exactly, or fail in words."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import grpc
import numpy as np
import pyarrow as pa
import pytest
from google.rpc import error_details_pb2

from tariffcore.batch import priced_table
from tariffcore.cases import Case, table_from_cases
from tariffcore.client import (
    AsyncClient,
    Client,
    ClientError,
    Connection,
    EditionChoice,
    ServiceError,
    column_stream,
)
from tariffcore.client.calling import broken
from tariffcore.client.retrying import Patience
from tariffcore.client.service_error import Failure
from tariffcore.explain import explain_case
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.sample import Sampler
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.statuses import CaseStatus
from tests.client.plain_service import Breakdown, PlainService, put_off, serving

GONE = Breakdown(grpc.StatusCode.UNAVAILABLE, "the connection broke")
QUICK = 0.001


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(read_catalog(resolve(["kz-demo"])))


@pytest.fixture(scope="module")
def cases(plan: Plan) -> pa.Table:
    return pa.Table.from_batches([Sampler(plan, seed=5).drawn_block(0)[0].slice(0, 2_500)])


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a stream has many chunks without many rows."""
    monkeypatch.setattr(column_stream, "MAX_CHUNK_ROWS", 100)


@pytest.fixture
def service(plan: Plan) -> PlainService:
    return PlainService(plan)


@pytest.fixture
def client(service: PlainService) -> Iterator[Client]:
    with serving(service) as address, Client(address, backoff_seconds=QUICK) as client:
        yield client


def here(cases: pa.Table, plan: Plan, *, components: bool = False) -> pa.Table:
    return priced_table(cases, price_cases(cases, plan, components=components))


def assert_same(found: pa.Table, wanted: pa.Table) -> None:
    assert found.schema.equals(wanted.schema)
    for name in wanted.column_names:
        assert found.column(name).to_pylist() == wanted.column(name).to_pylist(), name


# --- tables


def test_a_table_is_priced_as_it_is_here(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan
) -> None:
    assert_same(client.price_table(cases, components=True), here(cases, plan, components=True))
    assert_same(client.price_table(cases), here(cases, plan))
    assert [seen.rows for seen in service.streams] == [[100] * 25] * 2
    assert all(seen.was_ended for seen in service.streams)


def test_a_word_travels_once_a_stream(service: PlainService, client: Client) -> None:
    drg = pa.array(["1", "2"] * 200).dictionary_encode()
    client.price_table(
        pa.table({"case_id": range(400), "drg_code": drg, "care_setting": ["inpatient"] * 400})
    )
    (seen,) = service.streams
    assert seen.new_words == [3, 0, 0, 0]


def test_a_table_without_rows_or_columns(client: Client, cases: pa.Table, plan: Plan) -> None:
    assert_same(client.price_table(cases.slice(0, 0)), here(cases.slice(0, 0), plan))
    bare = pa.table({"case_id": [1, 2]})
    assert_same(client.price_table(bare), here(bare, plan))


def test_every_kind_of_column(client: Client, plan: Plan) -> None:
    """Typed and text, dictionaries, lists, missing cells, cells that are wrong."""
    tables = [
        pa.table(
            {
                "case_id": pa.array([1, 2, None]),
                "drg_code": pa.array(["1", " 1 ", None]),
                "service_code": pa.array([None, "BD-101", "BD-101"]),
                "care_setting": pa.array(["inpatient", "", "home"]).dictionary_encode(),
                "admission_date": pa.array([datetime(2026, 1, 5, 10, 30), None, datetime(2026, 1, 5)]),
                "discharge_date": pa.array([date(2026, 1, 7), None, date(2026, 1, 6)]),
                "procedure_codes": pa.array([["13.73", "x", None], None, []]),
                "death_unavoidable": pa.array([True, False, None]),
                "age_years": pa.array([40.0, 1.5, float("nan")]),
                "quantity": pa.array([None, 2, 2**40]),
                "claimed_amount": pa.array([Decimal("1.25"), None, Decimal("0.01")]),
                "provider_id": pa.array([None, None, None], pa.null()),
                "outcome": pa.array([None, None, None], pa.null()),
            }
        ),
        pa.table(
            {
                "case_id": pa.array([b"a", b"\xff", b" "]),
                "drg_code": pa.array([b"1", b"\xff\xfe", b"1"]),
                "care_setting": pa.array(["inpatient"] * 3),
                "admission_date": pa.array(["2026-01-05", "2026-02-30", "5.1.2026 9:00"]),
                "discharge_date": pa.array(["2026-01-07", "2026-01-07", "2026-01-05 10:00"]),
                "procedure_codes": pa.array(["13.73;13.7301", "|", None]),
                "provider_id": pa.array(["H001-R12", "H002-R20", "H001-R12"]),
                "age_years": pa.array(["40", "-1", "131"]),
                "length_of_stay_days": pa.array(["2", "x", None]),
                "addon_amount": pa.array([None, "", "5"]),
                "funding_source": pa.array([b"x", b"\xff", b"x"]),
            }
        ),
    ]
    for table in tables:
        assert_same(client.price_table(table), here(table, plan))


def test_missing_columns_mean_what_the_contract_says(client: Client, plan: Plan, cases: pa.Table) -> None:
    for name in cases.column_names:
        without = cases.slice(0, 300).drop_columns([name])
        if name == "case_id":
            continue  # a priced table repeats it
        assert_same(client.price_table(without), here(without, plan))


def test_slices_and_chunked_columns(client: Client, plan: Plan, cases: pa.Table) -> None:
    odd = pa.concat_tables([cases.slice(7, 150), cases.slice(900, 51), cases.slice(3, 1)])
    assert_same(client.price_table(odd), here(odd, plan))


def test_a_word_beyond_all_codes_is_as_unknown_as_it_is_here(
    client: Client, plan: Plan, cases: pa.Table
) -> None:
    long = cases.slice(0, 3).set_column(
        cases.schema.get_field_index("drg_code"), "drg_code", pa.array(["D" * 2_000_000, "1", "D" * 999])
    )
    assert_same(client.price_table(long), here(long, plan))


def test_a_stream_whose_tables_are_full_is_followed_by_another(
    service: PlainService, client: Client, plan: Plan, monkeypatch: pytest.MonkeyPatch, cases: pa.Table
) -> None:
    monkeypatch.setattr(column_stream, "MAX_STREAM_WORDS", 350)
    codes = pa.array([f"unknown {number}" for number in range(cases.num_rows)])
    many = cases.set_column(cases.schema.get_field_index("drg_code"), "drg_code", codes)
    assert_same(client.price_table(many), here(many, plan))
    assert len(service.streams) > 5
    assert all(seen.was_ended and sum(seen.new_words) <= 350 for seen in service.streams)
    assert sum(sum(seen.rows) for seen in service.streams) == many.num_rows


def test_chunks_fit_into_messages(client: Client, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows with many procedures, and long words, make smaller chunks."""
    monkeypatch.setattr(column_stream, "MAX_CHUNK_ROWS", 32_768)
    monkeypatch.setattr(column_stream, "MAX_MESSAGE_BYTES", 20_000)
    sizes = []
    write = column_stream.chunk_message
    monkeypatch.setattr(
        column_stream, "chunk_message", lambda *given: sizes.append(len(m := write(*given))) or m
    )
    rows = 300
    table = pa.table(
        {
            "case_id": range(rows),
            "drg_code": [f"{'x' * 200}{row}" for row in range(rows)],
            "care_setting": ["inpatient"] * rows,
            "discharge_date": [date(2026, 1, 7)] * rows,
            "length_of_stay_days": [3] * rows,
            "procedure_codes": [["13.73"] * (row * 5) for row in range(rows)],
        }
    )
    assert_same(client.price_table(table), here(table, plan))
    assert len(sizes) > 5
    assert max(sizes) <= 20_000


# --- streams that break


@pytest.mark.parametrize("answered", [-1, 0, 1, 5, 24])
def test_a_broken_stream_is_taken_up_where_answers_end(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan, answered: int
) -> None:
    service.stream_breaks = [(answered, GONE)]
    assert_same(client.price_table(cases), here(cases, plan))
    first, second = service.streams
    assert len(first.rows) == max(answered, 0)
    assert len(first.rows) + len(second.rows) == 25
    assert second.was_ended


def test_a_stream_that_breaks_again_and_again_gets_on_while_there_is_progress(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan
) -> None:
    service.stream_breaks = [(1, GONE)] * 20
    assert_same(client.price_table(cases), here(cases, plan))
    assert [len(seen.rows) for seen in service.streams] == [1] * 20 + [5]


def test_a_service_that_is_never_there_again_is_an_error(
    service: PlainService, client: Client, cases: pa.Table
) -> None:
    service.stream_breaks = [(3, GONE)] + [(-1, GONE)] * 50
    with pytest.raises(ServiceError, match="the connection broke") as raised:
        client.price_table(cases)
    assert raised.value.code == "UNAVAILABLE"
    assert 3 < len(service.streams) < 20


def test_other_editions_after_a_break_are_an_error_in_words(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan
) -> None:
    service.stream_breaks = [(3, GONE)]
    changed = Plan(read_catalog(resolve(["kz"])))
    spoil = service.spoil

    def exchange(answer):
        service.plan = changed
        return spoil(answer)

    service.spoil = exchange
    with pytest.raises(ClientError, match=r"changed its schedules before all cases were priced") as raised:
        client.price_table(cases)
    assert "kz-demo-2026" in str(raised.value) and "kz-2026" in str(raised.value)


def test_what_cannot_help_is_not_tried_again(service: PlainService, client: Client, cases: pa.Table) -> None:
    refused = Breakdown(
        grpc.StatusCode.INVALID_ARGUMENT,
        "a row names a place that its table does not have; append words before naming them",
        (
            error_details_pb2.ErrorInfo(
                reason="PLACE_BEYOND_TABLE", domain="tariffcore", metadata={"limit": "7"}
            ),
            error_details_pb2.BadRequest(
                field_violations=[{"field": "chunk.drg[17]", "description": "beyond its table"}]
            ),
        ),
    )
    service.stream_breaks = [(2, refused)]
    with pytest.raises(ServiceError) as raised:
        client.price_table(cases)
    error = raised.value
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "PLACE_BEYOND_TABLE")
    assert error.fields == (("chunk.drg[17]", "beyond its table"),)
    assert error.metadata == {"limit": "7"}
    assert "chunk.drg[17]: beyond its table; append words before naming them" in str(error)
    assert len(service.streams) == 1


def test_a_refused_provider_is_named(service: PlainService, client: Client, cases: pa.Table) -> None:
    names = [f"H{k}" for k in range(cases.num_rows)]
    at = cases.column_names.index("provider_id")
    own = cases.set_column(at, "provider_id", pa.array(names))
    refused = Breakdown(
        grpc.StatusCode.PERMISSION_DENIED,
        "a case names another provider; send cases of the token's own providers",
        (
            error_details_pb2.ErrorInfo(reason="PROVIDER_NOT_ALLOWED", domain="tariffcore"),
            error_details_pb2.BadRequest(
                field_violations=[{"field": "chunk.new_provider_ids[1]", "description": "is not yours"}]
            ),
        ),
    )
    for answered in (0, 1, 5):
        service.stream_breaks = [(answered, refused)]
        with pytest.raises(ServiceError) as raised:
            client.price_table(own)
        (problem,) = raised.value.problems
        assert problem.value == f"H{100 * answered + 1}"


def test_a_stream_that_was_put_off_comes_back_when_asked_to(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan
) -> None:
    service.stream_breaks = [(-1, put_off(0.01)), (-1, put_off(0.01))]
    assert_same(client.price_table(cases), here(cases, plan))
    assert len(service.streams) == 3


def test_a_stream_that_asks_for_less_is_not_sent_the_same_again(
    service: PlainService, client: Client, cases: pa.Table
) -> None:
    service.stream_breaks = [(2, put_off(0.0))] * 5
    with pytest.raises(ServiceError, match="TOO_MANY_CALLS"):
        client.price_table(cases)
    assert len(service.streams) == 1


def test_full_tables_are_followed_by_another_stream_whoever_counts(
    service: PlainService, client: Client, cases: pa.Table, plan: Plan
) -> None:
    full = error_details_pb2.ErrorInfo(reason="CODE_TABLES_FULL", domain="tariffcore")
    service.stream_breaks = [(2, Breakdown(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", (full,)))] * 3
    assert_same(client.price_table(cases), here(cases, plan))
    assert [len(seen.rows) for seen in service.streams] == [2, 2, 2, 19]


def test_a_deadline_ends_a_stream(service: PlainService, client: Client, cases: pa.Table) -> None:
    service.may_answer.clear()
    try:
        with pytest.raises(ServiceError) as raised:
            client.price_table(cases, deadline_seconds=0.2)
    finally:
        service.may_answer.set()
    assert raised.value.code == "DEADLINE_EXCEEDED"


def test_a_stream_that_is_left_early_is_let_go(
    service: PlainService, client: Client, cases: pa.Table
) -> None:
    with pytest.raises(KeyError), client.column_stream() as stream:
        for _ in stream.price_tables([cases]):
            raise KeyError
    # the client is as good as before
    assert client.price_table(cases.slice(0, 5)).num_rows == 5


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda priced: priced.__setattr__("rows", 99), "100 rows were sent and 99 came back"),
        (lambda priced: priced.amount_minor.pop(), "99 elements for 100 rows"),
        (lambda priced: priced.__setattr__("status", bytes(100)), "status came that this version"),
        (lambda priced: priced.__setattr__("status", bytes([77] * 100)), "status came that this version"),
        (lambda priced: priced.__setattr__("edition", bytes([9] * 100)), "edition 9 of 2"),
        (lambda priced: priced.rule.__setitem__(0, 10**6), "rule 1000000 of"),
        (lambda priced: priced.__setattr__("edition", bytes(100)), "without its rule or edition"),
    ],
)
def test_an_answer_that_cannot_be_is_not_believed(
    service: PlainService, client: Client, cases: pa.Table, spoil, message: str
) -> None:
    def spoiled(answer):
        spoil(answer.priced)
        return answer

    service.spoil = spoiled
    with pytest.raises(ClientError, match=message):
        client.price_table(cases)


def test_no_more_chunks_are_sent_ahead_than_agreed(
    service: PlainService, client: Client, cases: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[int] = []
    reached = threading.Event()
    write = column_stream.chunk_message

    def counted(*given):
        sent.append(1)
        if len(sent) >= column_stream.CHUNKS_IN_FLIGHT:
            reached.set()
        return write(*given)

    monkeypatch.setattr(column_stream, "chunk_message", counted)
    service.may_answer.clear()
    found: list[pa.Table] = []
    caller = threading.Thread(target=lambda: found.append(client.price_table(cases)))
    caller.start()
    try:
        assert reached.wait(60)
        assert len(sent) == column_stream.CHUNKS_IN_FLIGHT
    finally:
        service.may_answer.set()
        caller.join(60)
    assert found[0].num_rows == cases.num_rows
    assert len(sent) == 25


# --- single cases and lists


CASE = Case(
    case_id=17,
    provider_id="H001-R12",
    drg_code="1",
    care_setting="inpatient",
    admission_date=datetime(2026, 1, 5, 10, 30),
    discharge_date=date(2026, 1, 12),
    age_years=40,
    claimed_amount=Decimal("12.50"),
    patient_id="p",
    funding_source="f",
)


def test_one_case(service: PlainService, client: Client, plan: Plan) -> None:
    explained = explain_case(CASE, plan.catalog)
    assert not client.price_case(CASE, explanation=True).explanation.text
    found = client.price_case(CASE, explanation_text=True)
    assert (found.price.status, found.price.amount_minor) == (explained.status, explained.amount_minor)
    assert (found.price.case_id, found.price.rule_id) == ("17", explained.rule_id)
    assert found.edition is not None and found.edition.digest == explained.schedule_digest
    assert found.explanation is not None and found.explanation.text == explained.to_text()
    sent = service.calls[0].case
    assert (sent.admission_date, sent.discharge_date) == ("2026-01-05T10:30:00", "2026-01-12")
    assert sent.claimed_amount == "12.50"
    assert not sent.HasField("death_unavoidable")


def test_a_case_without_an_amount_has_none(client: Client) -> None:
    price = client.price_case(replace(CASE, drg_code="D999x")).price
    assert (price.status, price.amount_minor, price.rule_id) == (CaseStatus.UNKNOWN_DRG, None, None)
    assert price.reason is not None and "D999x" in price.reason


def test_a_list_comes_back_in_its_order(client: Client, plan: Plan, cases: pa.Table) -> None:
    asked = [replace(CASE, case_id=number, age_years=number) for number in range(100)]
    found = client.price_cases(asked, reasons=True)
    wanted = price_cases(table_from_cases(asked), plan)
    assert [price.case_id for price in found.prices] == [str(number) for number in range(100)]
    assert [price.amount_minor or 0 for price in found.prices] == wanted.amount_minor.tolist()
    assert [price.status for price in found.prices] == wanted.status.tolist()
    assert {edition.schedule_id for edition in found.editions} == set(wanted.schedule_ids())


@pytest.mark.parametrize("count", [0, 5_001])
def test_a_list_of_another_length_is_not_sent(service: PlainService, client: Client, count: int) -> None:
    with pytest.raises(ClientError, match="1 to 5,000"):
        client.price_cases([CASE] * count)
    assert service.calls == []


@pytest.mark.parametrize(
    "case",
    [
        replace(CASE, age_years=2**40),
        replace(CASE, quantity=2**70),
        replace(CASE, drg_code=None, service_code="BD-101", quantity=None),
    ],
)
def test_a_case_that_no_message_can_say_is_not_sent(
    service: PlainService, client: Client, case: Case
) -> None:
    with pytest.raises(ClientError, match="cannot be sent"):
        client.price_case(case)
    assert service.calls == []


def test_unary_calls_are_made_again_where_that_can_help(service: PlainService, client: Client) -> None:
    service.call_breaks = [GONE, GONE]
    assert client.price_case(CASE).price.status is CaseStatus.OK
    assert len(service.calls) == 3
    service.call_breaks = [put_off(0.01)]
    assert client.price_cases([CASE]).prices[0].status is CaseStatus.OK
    assert len(service.calls) == 5
    service.call_breaks = [Breakdown(grpc.StatusCode.CANCELLED, "the service stops")]
    assert client.price_case(CASE).price.status is CaseStatus.OK
    assert len(service.calls) == 7


@pytest.mark.parametrize(
    "code", [grpc.StatusCode.INTERNAL, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED]
)
def test_unary_calls_are_not_made_again_where_it_cannot_help(
    service: PlainService, client: Client, code: grpc.StatusCode
) -> None:
    service.call_breaks = [Breakdown(code, "no")] * 2
    with pytest.raises(ServiceError, match="no; ") as raised:
        client.price_case(CASE)
    assert (raised.value.code, raised.value.reason) == (code.name, code.name)
    assert len(service.calls) == 1


def test_a_service_that_is_not_there_is_an_error_in_words(cases: pa.Table) -> None:
    with Client("127.0.0.1:1", backoff_seconds=QUICK) as client:
        for call in (lambda: client.price_case(CASE), lambda: client.price_table(cases)):
            with pytest.raises(ServiceError, match="check host and port") as raised:
                call()
            assert raised.value.code == "UNAVAILABLE"


def test_the_token_goes_with_every_call(service: PlainService, plan: Plan, cases: pa.Table) -> None:
    with serving(service) as address, Client(Connection(target=address, token="secret")) as client:
        client.price_case(CASE)
        client.price_cases([CASE])
        client.price_table(cases.slice(0, 1))
    assert [seen.get("authorization") for seen in service.metadata] == ["Bearer secret"] * 3


# --- asyncio


def test_the_asyncio_client_does_the_same(service: PlainService, plan: Plan, cases: pa.Table) -> None:
    async def calls(address: str) -> None:
        async with AsyncClient(address, backoff_seconds=QUICK) as client:
            found = await client.price_table(cases, components=True)
            assert_same(found, here(cases, plan, components=True))
            assert_same(await client.price_table(cases.slice(0, 0)), here(cases.slice(0, 0), plan))
            service.stream_breaks = [(5, GONE), (-1, put_off(0.01))]
            assert_same(await client.price_table(cases), here(cases, plan))
            one = await client.price_case(CASE, explanation=True)
            assert one.price.amount_minor == explain_case(CASE, plan.catalog).amount_minor
            service.call_breaks = [GONE, put_off(0.01)]
            many = await client.price_cases([CASE] * 3)
            assert [price.status for price in many.prices] == [CaseStatus.OK] * 3
            # several, because gRPC may lose the word of a service that ends a call while a chunk is sent
            service.stream_breaks = [(1, Breakdown(grpc.StatusCode.INTERNAL, "no"))] * 8
            with pytest.raises(ServiceError, match="no; "):
                await client.price_table(cases)
            service.stream_breaks = []
            both = await asyncio.gather(*(client.price_table(cases) for _ in range(4)))
            for table in both:
                assert_same(table, here(cases, plan))

    with serving(service) as address:
        asyncio.run(calls(address))


def test_a_call_whose_end_grpc_lost_is_one_that_broke() -> None:
    lost = Failure("INTERNAL", "INTERNAL", "Internal error from Core")
    told = Failure("INTERNAL", "INTERNAL", "an incident")
    assert broken(lost).code == "UNAVAILABLE"
    assert broken(told) is told
    assert Patience().seconds_before_next(broken(lost)) is not None


# --- what is asked for


def test_which_edition_is_said_in_the_first_message(plan: Plan) -> None:
    pinned = EditionChoice(tariff_family="kz", schedule_id="kz-2026", digest="ab").message()
    assert (pinned.tariff_family, pinned.pinned.schedule_id, pinned.pinned.digest) == ("kz", "kz-2026", "ab")
    known = EditionChoice(as_of=date(2026, 1, 2)).message()
    assert (known.WhichOneof("choice"), known.as_of) == ("as_of", "2026-01-02")
    with pytest.raises(ValueError, match="leave as_of out"):
        EditionChoice(schedule_id="x", as_of=date(2026, 1, 2))
    with pytest.raises(ValueError, match="name its schedule_id"):
        EditionChoice(digest="x")


def test_places_of_words_are_numbered_for_each_stream() -> None:
    from tariffcore.client.case_columns import Words

    words = Words.of(np.array([1, -1, 0, 1]), ["b", "a"])
    tables = column_stream.StreamTables()
    assert tables.places("drg", words).tolist() == [-1, 0, -1, -1]
    assert tables.place("drg", words, [0, 1]) == ["b", "a"]
    assert tables.places("drg", words).tolist() == [2, 0, 1, 2]
    again = Words.of(np.array([0, 1]), ["a", "c"])
    assert tables.place("drg", again, [0, 1]) == ["c"]
    assert tables.places("drg", again).tolist() == [2, 3]
