from __future__ import annotations

from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.shipped import shipped_editions
from tests.cli.running import run


def test_every_shipped_edition_with_its_dates_and_digest() -> None:
    ran = run("schedule", "list")
    assert ran.code == 0
    for shipped in shipped_editions():
        schedule = read_schedule(shipped.folder)
        _, found, rest = ran.out.partition(f"{schedule.id}: {schedule.title}\n")
        assert found
        block = rest.partition("\n\n")[0]
        assert f"family          {schedule.tariff_family}\n" in block
        assert f"from {schedule.effective_start_date}" in block
        assert f"published {schedule.published}" in block
        assert schedule.digest in block.split()
