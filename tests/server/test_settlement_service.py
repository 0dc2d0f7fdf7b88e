"""SettlementService: what the book says, to whom it may be said, page by page."""

from __future__ import annotations

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tariffcore.settlement.book.reading import ReadBook
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.deductions import LineDefect
from tariffcore.settlement.fund_view import fund_view
from tariffcore.settlement.lost_lines import lost_lines
from tariffcore.settlement.statement import statements
from tariffcore.v1.settlement_service_pb2 import (
    GetFundMonthRequest,
    GetStatementRequest,
    ListLostLinesRequest,
    ListSettledMonthsRequest,
)
from tariffcore.v1.settlement_service_pb2_grpc import SettlementServiceStub
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.credentials import Credentials
from tests.server.running import failure_of, running_server, token
from tests.settlement.world import World, plan, rules_in, terms, visits

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)
VISIT = 250_000
PEOPLE = (
    token("fund", "read"),
    token("h1", "read", providers=["H1"]),
    token("pricer", "price"),
)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """H1 has two funding sources and two months, H2 one of each; January has everything that can happen."""
    folder = tmp_path_factory.mktemp("fund")
    book = Book.open(folder / "book.db")
    world = World(folder, book, rules_in(folder / "rules"))
    world.contracts(
        terms({"outpatient": 3 * VISIT}),
        terms({"outpatient": 9 * VISIT}, funding="budget"),
        terms({"outpatient": 9 * VISIT}, provider="H2"),
    )
    world.advances(
        ["A1", "H1", "insurance", "signing", "2026-01-02", "2500.00", "2026-01", "2026-02", "order"]
    )
    rows = [
        visits(JANUARY, 4, case_id="a", claimed_amount="11000.00"),
        visits(JANUARY, 1, case_id="b"),
        visits(JANUARY, 2, case_id="c", funding_source="budget"),
        visits(JANUARY, 5, case_id="d", provider_id="H2"),
        visits(JANUARY, 1, case_id="x", service_code="X"),
    ]
    inputs = world.inputs(
        held=[["H1", "b", "protocol"]], other=[["H1", "insurance", "P1", "screening", "100.00", "act"]]
    )
    world.settle(JANUARY, rows, inputs)
    world.settle(FEBRUARY, [visits(FEBRUARY, 1, case_id="e")], only_provider="H1")
    yield world
    book.close()


@pytest.fixture(scope="module")
def served(world):
    book = ReadBook(str(world.folder / "book.db"), world.rules)
    with running_server(credentials=Credentials(tokens=PEOPLE), book=book) as running:
        yield running
    book.close()


@pytest.fixture(scope="module")
def stub(served):
    with served.channel() as channel:
        yield SettlementServiceStub(channel)


def of(name):
    return {"metadata": [("authorization", f"Bearer {name}")], "timeout": 60}


def listed(stub, who="fund", **asked):
    answer = stub.ListSettledMonths(ListSettledMonthsRequest(**asked), **of(who))
    return [(one.provider_id, one.funding_source, one.month) for one in answer.months]


EVERY = [
    ("H1", "budget", "2026-01"),
    ("H1", "insurance", "2026-01"),
    ("H2", "insurance", "2026-01"),
    ("H1", "budget", "2026-02"),
    ("H1", "insurance", "2026-02"),
]


def test_months_are_listed_by_provider_month_and_funding_source(stub):
    assert sorted(listed(stub)) == sorted(EVERY)
    assert {month for _, _, month in listed(stub)[:3]} == {"2026-01"}, "in the order they were settled"
    assert sorted(listed(stub, provider_id="H1", month="2026-01")) == EVERY[:2]
    assert listed(stub, funding_source="budget", month="02.2026") == [EVERY[3]]
    assert listed(stub, provider_id="H9") == [] and listed(stub, month="2025-01") == []


def test_a_listed_month_has_the_sums_of_the_book(stub, world):
    answer = stub.ListSettledMonths(
        ListSettledMonthsRequest(month="2026-01", provider_id="H1", funding_source="insurance"), **of("fund")
    )
    (one,) = answer.months
    assert (one.region, one.currency, one.minor_units, one.synthetic) == ("North", "KZT", 2, True)
    assert answer.engine_version == ENGINE_VERSION
    sums = one.sums
    # by hand: 11,000.00 and 2,500.00 claimed; 1,000.00 above the price; a visit held; 10,000.00 accepted of a
    # plan of 7,500.00; 100.00 on top; half of the advance of 2,500.00 taken
    assert (sums.lines, sums.claimed_minor, sums.overclaimed_minor, sums.held_minor) == (
        2, 1_350_000, 100_000, 250_000
    )  # fmt: skip
    assert (sums.over_plan_minor, sums.additions_minor, sums.recovered_minor) == (250_000, 10_000, 125_000)
    assert (sums.payable_minor, sums.outstanding_minor) == (635_000, 125_000)
    for each in stub.ListSettledMonths(ListSettledMonthsRequest(), **of("fund")).months:
        s = each.sums
        assert s.claimed_minor + s.additions_minor == (
            s.payable_minor + s.recovered_minor + s.overclaimed_minor + s.deducted_minor + s.over_plan_minor
            + s.other_deductions_minor + s.held_minor + s.capped_minor - s.carried_minor
        )  # fmt: skip


def test_pages_follow_one_another_and_what_is_settled_meanwhile_comes_last(tmp_path):
    book = Book.open(tmp_path / "book.db")
    world = World(tmp_path, book, rules_in(tmp_path / "rules"))
    world.contracts(terms({"outpatient": VISIT}), terms({"outpatient": VISIT}, provider="A0"))
    for month in (JANUARY, FEBRUARY):
        world.settle(month, [], only_provider="H1")
    reading = ReadBook(str(tmp_path / "book.db"), world.rules)
    with running_server(book=reading) as running, running.channel() as channel:
        stub = SettlementServiceStub(channel)
        request = ListSettledMonthsRequest(page_size=1)
        first = stub.ListSettledMonths(request, timeout=60)
        world.settle(JANUARY, [], only_provider="A0")  # it sorts before H1 in every other order
        found, page = [*first.months], first
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = stub.ListSettledMonths(request, timeout=60)
            assert len(page.months) == 1
            found += page.months
        assert [(one.provider_id, one.month) for one in found] == [
            ("H1", "2026-01"), ("H1", "2026-02"), ("A0", "2026-01")
        ]  # fmt: skip
        for wrong in (
            ListSettledMonthsRequest(page_token=first.next_page_token, month="2026-01"),
            ListSettledMonthsRequest(page_token=first.next_page_token, provider_id="H1"),
            ListSettledMonthsRequest(page_token="x"),
        ):
            said = failure_of(lambda wrong=wrong: stub.ListSettledMonths(wrong, timeout=60))
            assert (said.code, said.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")
    reading.close()
    book.close()


def test_a_statement_has_every_step_of_the_books_own_with_its_source(stub, world):
    answer = stub.GetStatement(GetStatementRequest(provider_id=" H1 ", month="2026-01"), **of("h1"))
    (expected,) = statements(world.book, world.rules, JANUARY, "H1")
    assert [
        (
            s.funding_source, s.contract_line or None, s.step, s.amount_minor, s.detail, s.source, s.is_sum,
            s.informs,
        )
        for s in answer.steps
    ] == [
        (s.funding_source, s.contract_line, s.step, s.amount, s.detail, s.source, s.is_sum, s.informs)
        for s in expected.steps
    ]  # fmt: skip
    assert {"claimed", "overclaimed", "held", "over_plan", "addition", "recovered", "payable"} <= {
        step.step for step in answer.steps
    }
    assert all(step.source for step in answer.steps if not step.informs)
    listing = stub.ListSettledMonths(ListSettledMonthsRequest(provider_id="H1", month="2026-01"), **of("h1"))
    assert list(answer.months) == sorted(listing.months, key=lambda one: one.funding_source)
    assert answer.payable_minor == sum(one.sums.payable_minor for one in answer.months) == expected.payable
    assert (answer.settlement_rules_id, answer.settlement_rules_digest) == (
        world.rules.id,
        world.rules.digest,
    )
    assert answer.source_rules_digest == world.rules.digest
    (edition,) = plan().editions
    assert [(one.schedule_id, one.digest) for one in answer.editions] == [(edition.id, edition.digest)]
    assert answer.settled_by_engine_version == answer.engine_version == ENGINE_VERSION


def test_lost_lines_are_those_of_the_statement_page_by_page(tmp_path):
    book = Book.open(tmp_path / "book.db")
    world = World(tmp_path, book, rules_in(tmp_path / "rules"))
    world.contracts(terms({"outpatient": 90 * VISIT}), terms({"outpatient": 90 * VISIT}, provider="H2"))
    rows = [
        visits(JANUARY, 1, case_id="plain"),
        visits(JANUARY, 1, case_id="dear", claimed_amount="2500.01"),
        visits(JANUARY, 4, case_id="faulty"),
        visits(JANUARY, 1, case_id="others", provider_id="H2", claimed_amount="9999.00"),
        visits(JANUARY, 8, case_id="held"),
        visits(JANUARY, 1, case_id="unknown", service_code="X"),
    ]
    defects = [["H1", "faulty", "6.0", "act 3"], ["H1", "faulty", "2.0", "act 4"]]
    world.settle(JANUARY, rows, world.inputs(defects=defects, held=[["H1", "held", "letter 5"]]))
    (statement,) = statements(book, world.rules, JANUARY, "H1")
    expected = lost_lines(book, [statement])["H1"].lines()
    reading = ReadBook(str(tmp_path / "book.db"), world.rules)
    with (
        running_server(credentials=Credentials(tokens=PEOPLE), book=reading) as running,
        running.channel() as channel,
    ):
        stub = SettlementServiceStub(channel)
        request = ListLostLinesRequest(provider_id=" H1 ", month="2026-01", page_size=2)
        first = stub.ListLostLines(request, **of("h1"))
        request.page_token = first.next_page_token
        last = stub.ListLostLines(request, **of("h1"))
        assert (len(first.lines), len(last.lines), last.next_page_token) == (2, 1, "")
        for page in (first, last):
            assert (page.lost_line_count, page.lines_in_month, page.lines_set_aside) == (3, 4, 1)
            assert (page.currency, page.minor_units, page.synthetic) == ("KZT", 2, True)
            assert page.engine_version == ENGINE_VERSION
        found = [*first.lines, *last.lines]
        for line, one in zip(found, expected, strict=True):
            for name in ("line", "case_id", "funding_source", "contract_line", "line_status", "schedule_id"):
                assert getattr(line, name) == getattr(one, name)
            for name in ("priced", "claimed", "overclaimed", "deducted", "held", "accepted"):
                assert getattr(line, f"{name}_minor") == getattr(one, name)
            assert (line.held_by or None) == one.held_by
            assert [
                LineDefect(d.code, d.name, d.measure, d.taken_off_minor, d.source, d.found_in)
                for d in line.defects
            ] == [*one.defects]
        steps = {step.step: -step.amount for step in statement.steps}
        for name in ("overclaimed", "deducted", "held"):
            assert sum(getattr(one, f"{name}_minor") for one in found) == steps[name] > 0
        for refused, reason, field in (
            ({"provider_id": "H2"}, "PROVIDER_NOT_ALLOWED", "provider_id"),
            ({"provider_id": ""}, "INVALID_REQUEST_FIELD", "provider_id"),
            ({"month": "2026-02"}, "MONTH_NOT_SETTLED", "month"),
            ({"month": ""}, "INVALID_REQUEST_FIELD", "month"),
            ({"page_size": -1}, "INVALID_REQUEST_FIELD", "page_size"),
            ({"month": "2026-02", "page_token": first.next_page_token}, "INVALID_PAGE_TOKEN", "page_token"),
        ):
            asked = ListLostLinesRequest(**{"provider_id": "H1", "month": "2026-01", **refused})
            said = failure_of(lambda asked=asked: stub.ListLostLines(asked, **of("h1")))
            assert (said.reason, said.fields) == (reason, [field])
        # a book that was copied alone has its steps still
        world.book.lines_folder.rename(tmp_path / "elsewhere")
        said = failure_of(lambda: stub.ListLostLines(request, **of("h1")))
        assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "LINES_UNREADABLE")
        assert str(tmp_path) not in said.words
        assert stub.GetStatement(GetStatementRequest(provider_id="H1", month="2026-01"), **of("h1")).steps
    reading.close()
    reading = ReadBook(str(tmp_path / "book.db"), world.rules, tmp_path / "elsewhere")
    with running_server(book=reading) as running, running.channel() as channel:
        assert list(SettlementServiceStub(channel).ListLostLines(request, timeout=60).lines) == found[2:]
    reading.close()
    book.close()


def test_the_funds_month_sums_all_providers(stub, world):
    answer = stub.GetFundMonth(GetFundMonthRequest(month="2026-01"), **of("fund"))
    view = fund_view(world.book, world.rules, JANUARY)
    assert (answer.month, answer.currency, answer.minor_units, answer.synthetic) == (
        "2026-01",
        "KZT",
        2,
        True,
    )
    assert answer.provider_count == 2 and dict(answer.set_aside) == {"NOT_PRICED": 1}
    assert answer.sums.payable_minor == 635_000 + 2 * VISIT + 5 * VISIT
    assert answer.sums.claimed_minor == sum(part.claimed_minor for part in answer.by_region)
    paid = answer.sums.payable_minor + answer.sums.recovered_minor
    for parts in (answer.by_method, answer.by_region, answer.by_component):
        assert parts and sum(part.paid_minor for part in parts) == paid
    *others, method = answer.by_method
    assert [one.key for one in others] == [""] * (len(view.by_method) - 1)
    expected = view.by_method["service"]
    assert (method.key, method.lines, method.claimed_minor, method.deducted_minor) == (
        "service", expected.lines, expected.claimed, expected.overclaimed + expected.deducted
    )  # fmt: skip
    assert (method.held_minor, method.over_plan_minor, method.outstanding_minor) == (
        expected.held, expected.over_plan, expected.outstanding
    )  # fmt: skip
    assert (method.overclaimed_minor, method.recovered_minor) == (100_000, expected.recovered)
    sums = answer.sums
    for parts in (answer.by_method, answer.by_region):
        for name in ("overclaimed", "recovered", "payable"):
            total = sum(getattr(part, f"{name}_minor") for part in parts)
            assert total == getattr(sums, f"{name}_minor")
        assert sum(part.defects_minor for part in parts) == sums.deducted_minor
        for part in parts:
            assert part.claimed_minor + part.other_minor == (
                part.payable_minor + part.recovered_minor + part.overclaimed_minor + part.defects_minor
                + part.held_minor + part.over_plan_minor
            )  # fmt: skip
            assert part.deducted_minor == part.overclaimed_minor + part.defects_minor


def test_the_funds_own_figures_are_checked_as_in_its_report(stub, world):
    """3 % of contributions in reserve, and a minimum balance: as `fund_checks` has them."""

    def checks(**figures):
        answer = stub.GetFundMonth(GetFundMonthRequest(month="2026-01", **figures), **of("fund"))
        return {
            one.key: (one.required_minor, one.found_minor if one.HasField("found_minor") else None)
            for one in answer.checks
        }

    least = world.rules.fund.minimum_balance_minor
    assert checks() == {"reserve": (0, None), "balance": (least, None)}
    assert checks(contributions_minor=1_000_001, reserve_minor=30_000, balance_minor=-5) == {
        "reserve": (30_000, 30_000), "balance": (least, -5)
    }  # fmt: skip
    assert checks(contributions_minor=0, reserve_minor=0)["reserve"] == (0, 0), "nothing is a figure as well"
    answer = stub.GetFundMonth(GetFundMonthRequest(month="2026-01"), **of("fund"))
    assert {one.source for one in answer.checks} == {world.rules.fund.source}
    wrong = GetFundMonthRequest(month="2026-01", contributions_minor=-1)
    assert failure_of(lambda: stub.GetFundMonth(wrong, **of("fund"))).fields == ["contributions_minor"]
    unchecked = GetFundMonthRequest(month="2026-01", reserve_minor=1)
    said = failure_of(lambda: stub.GetFundMonth(unchecked, **of("fund")))
    assert (said.reason, said.fields) == ("INVALID_REQUEST_FIELD", ["contributions_minor"])


def test_new_rules_are_in_force_for_new_calls(world, tmp_path):
    other = rules_in(tmp_path / "rules", slices='[{ from = "0", up_to = "0.1", pay = "0.5" }]')
    reading = ReadBook(str(world.folder / "book.db"), world.rules)
    with running_server(book=reading) as running, running.channel() as channel:
        stub = SettlementServiceStub(channel)

        def digest():
            asked = GetStatementRequest(provider_id="H1", month="2026-01")
            return stub.GetStatement(asked, timeout=60).source_rules_digest

        assert digest() == world.rules.digest
        running.put_in_force(rules=other)
        assert digest() == other.digest != world.rules.digest
    reading.close()


def test_a_hospital_sees_its_own_months_only(stub):
    assert listed(stub, "h1") == [row for row in listed(stub) if row[0] == "H1"]
    calls = {
        "provider_id": (
            lambda: stub.ListSettledMonths(ListSettledMonthsRequest(provider_id="H2"), **of("h1")),
            lambda: stub.GetStatement(GetStatementRequest(provider_id="H2", month="2026-01"), **of("h1")),
            # whether a month of another is settled is not told either
            lambda: stub.GetStatement(GetStatementRequest(provider_id="H2", month="2026-09"), **of("h1")),
        ),
        "month": (lambda: stub.GetFundMonth(GetFundMonthRequest(month="2026-01"), **of("h1")),),
    }
    for field, refused in calls.items():
        for call in refused:
            said = failure_of(call)
            assert (said.code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PROVIDER_NOT_ALLOWED")
            assert said.fields == [field]
    first = stub.ListSettledMonths(ListSettledMonthsRequest(page_size=1), **of("fund"))
    foreign = ListSettledMonthsRequest(page_size=1, page_token=first.next_page_token)
    assert failure_of(lambda: stub.ListSettledMonths(foreign, **of("h1"))).reason == "INVALID_PAGE_TOKEN"


def test_who_may_only_price_sees_nothing(stub):
    for call in (
        lambda: stub.ListSettledMonths(ListSettledMonthsRequest(), **of("pricer")),
        lambda: stub.GetStatement(GetStatementRequest(provider_id="H1", month="2026-01"), **of("pricer")),
        lambda: stub.ListLostLines(ListLostLinesRequest(provider_id="H1", month="2026-01"), **of("pricer")),
        lambda: stub.GetFundMonth(GetFundMonthRequest(month="2026-01"), **of("pricer")),
    ):
        assert failure_of(call).reason == "ROLE_MISSING"
    assert failure_of(lambda: stub.ListSettledMonths(ListSettledMonthsRequest())).reason == "TOKEN_MISSING"


def test_what_is_missing_or_wrong_is_named(stub):
    asked = {
        "provider_id": lambda: stub.GetStatement(GetStatementRequest(month="2026-01"), **of("fund")),
        "month": lambda: stub.GetStatement(GetStatementRequest(provider_id="H1"), **of("fund")),
        "page_size": lambda: stub.ListSettledMonths(ListSettledMonthsRequest(page_size=-1), **of("fund")),
    }
    for field, call in asked.items():
        said = failure_of(call)
        assert (said.reason, said.fields) == ("INVALID_REQUEST_FIELD", [field])
    said = failure_of(lambda: stub.GetFundMonth(GetFundMonthRequest(month="ZZSECRET"), **of("fund")))
    assert said.reason == "INVALID_REQUEST_FIELD" and "ZZSECRET" not in said.words
    for call in (
        lambda: stub.GetStatement(GetStatementRequest(provider_id="H1", month="2026-03"), **of("fund")),
        lambda: stub.GetFundMonth(GetFundMonthRequest(month="2026-03"), **of("fund")),
    ):
        said = failure_of(call)
        assert (said.code, said.reason, said.fields) == (
            grpc.StatusCode.NOT_FOUND, "MONTH_NOT_SETTLED", ["month"]
        )  # fmt: skip


def test_a_database_that_does_not_answer_is_unavailable_and_says_nothing_of_where_it_is(tmp_path):
    book = Book.open(tmp_path / "book.db")
    reading = ReadBook(str(tmp_path / "book.db"), rules_in(tmp_path / "rules"))
    with running_server(book=reading) as running, running.channel() as channel:
        with book.engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE settled_months RENAME TO gone")
        stub = SettlementServiceStub(channel)
        for call in (
            lambda: stub.ListSettledMonths(ListSettledMonthsRequest(), timeout=60),
            lambda: stub.GetFundMonth(GetFundMonthRequest(month="2026-01"), timeout=60),
        ):
            said = failure_of(call)
            assert (said.code, said.reason) == (grpc.StatusCode.UNAVAILABLE, "BOOK_UNREADABLE")
            assert str(tmp_path) not in said.words and "settled_months" not in said.words
    reading.close()
    book.close()


def test_the_service_is_there_where_there_is_a_book_only(served):
    service = health_pb2.HealthCheckRequest(service="tariffcore.v1.SettlementService")
    with served.channel() as channel:
        assert health_pb2_grpc.HealthStub(channel).Check(service).status == 1
    with running_server() as running, running.channel() as channel:
        stub = SettlementServiceStub(channel)
        said = failure_of(lambda: stub.ListSettledMonths(ListSettledMonthsRequest(), timeout=60))
        assert said.code is grpc.StatusCode.UNIMPLEMENTED
        said = failure_of(lambda: health_pb2_grpc.HealthStub(channel).Check(service))
        assert said.code is grpc.StatusCode.NOT_FOUND
