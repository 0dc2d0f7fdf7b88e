"""Reloads, asked for with the Python clients."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest

from tariffcore import resolve_schedules
from tariffcore.client import AsyncClient, Client, Connection, ServiceError
from tests.cli.running import run
from tests.service_process import running


def test_administrators_reload_and_are_told_what_is_wrong(tmp_path: Path) -> None:
    folder, tokens = tmp_path / "kz-2026", tmp_path / "tokens.toml"
    shutil.copytree(resolve_schedules(["kz-2026"])[0], folder)
    made = {}
    for role in ("admin", "price"):
        token = run("token", role, "--role", role)
        made[role] = token.err.split()[-1]
        with tokens.open("a", encoding="utf-8") as file:
            file.write(token.out)
    settings = folder / "schedule.toml"
    good = settings.read_text(encoding="utf-8")
    with running("-s", folder, "--tokens", tokens, "--log-level", "error") as service:
        admin = Connection(target=service.address, token=made["admin"])
        with Client(admin) as client:
            settings.write_text(good.replace('title = "', 'title = "Another '), encoding="utf-8")
            done = client.reload_schedules()
            assert done.changed and done.editions[0].title.startswith("Another ")
            assert client.reload_credentials().tokens == 2
            settings.write_text(good.replace("175622.79", "175622.80"), encoding="utf-8")
            with pytest.raises(ServiceError, match="RELOAD_REFUSED") as raised:
                client.reload_schedules()
            assert len(raised.value.refusals) == len(raised.value.problems) == 2
            assert "published.csv:2: published_tariff: '686930.98'" in str(raised.value)
        nobody = Connection(target=service.address, token=made["price"])
        with Client(nobody) as client, pytest.raises(ServiceError, match="ROLE_MISSING"):
            client.reload_schedules()

        async def again() -> None:
            async with AsyncClient(admin) as client:
                with pytest.raises(ServiceError, match="mistyped"):
                    await client.reload_schedules()
                settings.write_text(good, encoding="utf-8")
                assert (await client.reload_schedules()).changed
                assert (await client.reload_credentials()).workers == 1

        asyncio.run(again())
