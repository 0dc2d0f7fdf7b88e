"""The schedules of a service, asked for with the Python clients."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import date

import pytest

from tariffcore.client import AsyncClient, Client, ServiceError
from tariffcore.v1 import edition_pb2
from tests.service_process import ServiceProcess, running


@pytest.fixture(scope="module")
def service() -> Iterator[ServiceProcess]:
    with running("-s", "kz", "--log-level", "error") as service:
        yield service


def test_editions_are_listed_as_known_on_a_day(service: ServiceProcess) -> None:
    with Client(service.address) as client:
        assert [each.schedule_id for each in client.list_editions().editions] == ["kz-2025", "kz-2026"]
        for day in (date(2025, 12, 1), "2025-12-01"):
            (known,) = client.list_editions("kz", as_of=day).editions
            assert known.schedule_id == "kz-2025"


def test_editions_are_compared_by_id_and_digest(service: ServiceProcess) -> None:
    with Client(service.address) as client:
        old, new = client.list_editions().editions
        pinned = edition_pb2.PinnedEdition(schedule_id=new.schedule_id, digest=new.digest)
        changes = list(client.differences("kz-2025", "kz-2026"))
        assert changes
        assert changes == list(client.differences(f"kz-2025@{old.digest}", pinned))
        with pytest.raises(ServiceError, match="DIGEST_DIFFERS"):
            list(client.differences(f"kz-2025@{new.digest}", "kz-2026"))
        assert {group.drg_code for group in client.groups("kz-2026")} == {"1"}


def test_the_asyncio_client_does_the_same(service: ServiceProcess) -> None:
    async def ask() -> None:
        with Client(service.address) as client:
            changes = list(client.differences("kz-2025", "kz-2026"))
        async with AsyncClient(service.address) as client:
            (known,) = (await client.list_editions("kz", as_of=date(2025, 12, 1))).editions
            assert known.schedule_id == "kz-2025"
            assert [each async for each in client.differences("kz-2025", "kz-2026")] == changes

    asyncio.run(ask())
