"""Which editions price a request, and what a folder must be to be served."""

import asyncio
import gc
import shutil
import weakref
from dataclasses import replace
from datetime import date

import pytest

from tariffcore.errors import CatalogError
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.shipped import SHIPPED_FOLDER, resolve
from tariffcore_server import catalogs
from tariffcore_server.catalogs import Choice, read_editions
from tariffcore_server.failures import Reason, RequestError
from tests.server.running import CORRECTED, NEXT, OTHER, SMALL, editions_of

ADMISSION = DecidingDate.ADMISSION


def fresh(**options):
    return editions_of(SMALL, NEXT, CORRECTED, OTHER, default_family="test", **options)


def basis(editions, choice):
    return asyncio.run(editions.basis(choice))


def spans(found):
    return [span.schedule.id for span in found.catalog.spans]


def test_the_default_family_and_the_named_one_need_no_waiting():
    editions = fresh()
    assert editions.usual(Choice()) is editions.usual(Choice(tariff_family="test"))
    assert spans(editions.usual(Choice(tariff_family="other"))) == ["other"]
    assert editions.usual(Choice(as_of=date(2026, 1, 1))) is None


def test_an_asking_date_before_the_last_publication_has_a_plan_of_its_own_made_once():
    editions = fresh()

    async def ask():
        early = Choice(as_of=date(2025, 12, 31))
        both = await asyncio.gather(editions.basis(early), editions.basis(Choice(as_of=date(2026, 1, 15))))
        return both[0], both[1], await editions.basis(early)

    first, second, again = asyncio.run(ask())
    assert spans(first) == ["small", "small-2026"]
    assert first.plan is second.plan is again.plan
    assert (first.catalog.as_of, second.catalog.as_of) == (date(2025, 12, 31), date(2026, 1, 15))


def test_an_asking_date_on_which_all_was_known_uses_the_usual_plan():
    editions = fresh()
    assert basis(editions, Choice(as_of=date(2030, 1, 1))).plan is editions.usual(Choice()).plan


def test_a_pinned_edition_is_alone_whatever_replaced_it():
    found = basis(fresh(), Choice(schedule_id="small-2026", digest=NEXT.digest))
    assert spans(found) == ["small-2026"]
    assert spans(basis(fresh(), Choice(schedule_id="other"))) == ["other"]  # found by its id alone


def test_pinning_the_only_known_edition_is_not_asking_for_all(monkeypatch):
    editions = fresh()

    async def ask():
        pinned = await editions.basis(Choice(schedule_id="small"))
        known = await editions.basis(Choice(as_of=date(2024, 12, 1)))
        return pinned, known

    pinned, known = asyncio.run(ask())
    assert len(pinned.catalog.editions) == 1 and len(known.catalog.editions) == 3


def test_the_deciding_date_is_part_of_the_choice():
    editions = fresh()
    found = basis(editions, Choice(deciding_date=ADMISSION))
    assert found.catalog.deciding_date is found.plan.catalog.deciding_date is ADMISSION


def test_no_more_plans_are_kept_than_allowed():
    editions = fresh(plans_kept=2)

    async def ask():
        first = weakref.ref((await editions.basis(Choice(schedule_id="small"))).plan)
        for choice in (
            Choice(schedule_id="other"),
            Choice(schedule_id="small-2026"),
            Choice(schedule_id="small-2026b"),
        ):
            await editions.basis(choice)
        gc.collect()
        return first

    assert asyncio.run(ask())() is None


def test_editions_that_do_not_fit_together_are_told_and_tried_again(monkeypatch):
    editions = fresh()

    def refuse(catalog):
        raise CatalogError("too much together", [])

    with monkeypatch.context() as patched:
        patched.setattr(catalogs, "_plan_ready_to_use", refuse)
        with pytest.raises(RequestError) as caught:
            basis(editions, Choice(schedule_id="small"))
        assert caught.value.reason is Reason.EDITIONS_DO_NOT_FIT
    assert spans(basis(editions, Choice(schedule_id="small"))) == ["small"]


@pytest.mark.parametrize(
    ("choice", "reason"),
    [
        (Choice(tariff_family="none"), Reason.UNKNOWN_TARIFF_FAMILY),
        (Choice(schedule_id="none"), Reason.UNKNOWN_EDITION),
        (Choice(tariff_family="other", schedule_id="small"), Reason.UNKNOWN_EDITION),
        (Choice(schedule_id="small", digest="f" * 64), Reason.DIGEST_DIFFERS),
        (Choice(as_of=date(2024, 11, 30)), Reason.NOTHING_PUBLISHED),
    ],
)
def test_what_is_not_here_is_told(choice, reason):
    with pytest.raises(RequestError) as caught:
        basis(fresh(), choice)
    assert caught.value.reason is reason


def test_without_a_default_family_one_has_to_be_named():
    editions = editions_of(SMALL, OTHER)
    with pytest.raises(RequestError) as caught:
        basis(editions, Choice())
    assert caught.value.metadata == {"tariff_families": "other, test"}
    assert basis(editions, Choice(tariff_family="test"))


# -- reading ---------------------------------------------------------------------------------------


def test_shipped_families_are_read_and_described():
    editions = read_editions(resolve(["kz", "kz-leaflet"]), "kz")
    assert [one["schedule_id"] for one in editions.described()] == ["kz-2025", "kz-2026", "kz-leaflet"]
    assert editions.default_family == "kz"
    assert read_editions(resolve(["kz"]), None).default_family == "kz"
    assert read_editions(resolve(["kz", "kz-leaflet"]), None).default_family is None


def test_all_that_is_wrong_with_all_folders_comes_at_once(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "schedule.toml").write_text("id = 1")
    with pytest.raises(CatalogError) as caught:
        read_editions([tmp_path / "one", tmp_path / "two"], None)
    places = {problem.place.split("/")[0] for problem in caught.value.problems}
    assert places == {"one", "two"}


def test_an_id_may_not_be_in_two_families(tmp_path):
    copied = tmp_path / "kz-2026"
    shutil.copytree(SHIPPED_FOLDER / "kz-2026", copied)
    path = copied / "schedule.toml"
    text = path.read_text(encoding="utf-8").replace('tariff_family = "kz"', 'tariff_family = "mine"')
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CatalogError) as caught:
        read_editions([SHIPPED_FOLDER / "kz-2026", copied], None)
    assert caught.value.problems[0].field == "id"


def test_the_default_family_must_be_among_those_read():
    with pytest.raises(CatalogError) as caught:
        read_editions(resolve(["kz"]), "kz-demo")
    assert caught.value.problems[0].field == "default_family"


def test_no_folder_is_nothing_to_serve():
    with pytest.raises(CatalogError):
        read_editions([], None)


def test_what_is_in_force_tells_when_it_changes():
    assert editions_of(SMALL).described() != editions_of(replace(SMALL, digest="9" * 64)).described()
