"""The settled months of a service with a book, asked for with the Python clients."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tariffcore.client import AsyncClient, Client, ServiceError, calling, calling_async
from tariffcore.settlement.book.records import Book
from tariffcore.settlement.calendar_month import Month
from tests.service_process import running
from tests.settlement.world import World, rules_in, terms, visits


def test_both_clients_read_the_book_of_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    book = Book.open(tmp_path / "book.db")
    world = World(tmp_path, book, rules_in(tmp_path / "rules"))
    world.contracts(terms({"outpatient": 1_000_000}), terms({"outpatient": 1_000_000}, provider="H2"))
    for number in (1, 2):
        month = Month(2026, number)
        world.settle(
            month,
            [
                visits(month, number, case_id=f"{number}"),
                *(visits(month, 1, case_id=f"{number}-{n}", claimed_amount="2500.01") for n in range(4)),
                visits(month, 1, case_id=f"{number}", provider_id="H2"),
            ],
        )
    for module in (calling, calling_async):
        monkeypatch.setattr(module, "PAGE_SIZE", 3)  # so that there is a second page
    where = ("--book", tmp_path / "book.db", "--settlement-rules", tmp_path / "rules", "--log-level", "error")
    with running(*where) as service, Client(service.address) as client:
        months = list(client.settled_months())
        assert len(months) == 4 and [one.month for one in months] == ["2026-01"] * 2 + ["2026-02"] * 2
        (own,) = client.settled_months("H1", month="2026-02", funding_source="insurance")
        statement = client.settlement_statement("H1", "2026-02")
        assert own.sums.payable_minor == statement.payable_minor == 1_000_000
        lost = list(client.lost_lines("H1", "2026-02"))
        assert [(one.case_id, one.overclaimed_minor) for one in lost] == [(f"2-{n}", 1) for n in range(4)]
        fund = client.fund_month("2026-02")
        assert (fund.provider_count, fund.sums.payable_minor) == (2, 1_250_000)
        with pytest.raises(ServiceError, match="MONTH_NOT_SETTLED"):
            client.fund_month("2026-03")

        async def again() -> None:
            async with AsyncClient(service.address) as client:
                assert [one async for one in client.settled_months()] == months
                assert await client.settlement_statement("H1", "2026-02") == statement
                assert [one async for one in client.lost_lines("H1", "2026-02")] == lost
                assert await client.fund_month("2026-02") == fund

        asyncio.run(again())
    book.close()
