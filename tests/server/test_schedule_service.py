"""ScheduleService: what the editions say, exactly, page by page."""

import shutil
from dataclasses import replace
from pathlib import Path

import grpc
import pytest

from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.diff import diff_schedules
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.shipped import resolve
from tariffcore.v1.edition_pb2 import PinnedEdition
from tariffcore.v1.schedule_service_pb2 import (
    DiffEditionsRequest,
    GetEditionRequest,
    ListEditionsRequest,
    ListGroupsRequest,
)
from tariffcore.v1.schedule_service_pb2_grpc import ScheduleServiceStub
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.catalogs import read_editions
from tariffcore_server.schedule_service import page
from tariffcore_server.schedules_out import edition_in_full
from tests.server.running import OTHER, SMALL, editions_of, failure_of, running_server


@pytest.fixture(scope="module")
def catalog():
    return read_catalog(resolve(["kz-demo"]))


@pytest.fixture(scope="module")
def schedules():
    editions = read_editions(resolve(["kz", "kz-demo"]), "kz")
    with running_server(editions=editions) as running, running.channel() as channel:
        yield ScheduleServiceStub(channel)


def pinned(schedule_id, digest=""):
    return PinnedEdition(schedule_id=schedule_id, digest=digest)


def test_editions_are_listed_by_family_and_as_of(schedules):
    every = schedules.ListEditions(ListEditionsRequest())
    assert [edition.schedule_id for edition in every.editions] == [
        "kz-2025", "kz-2026", "kz-demo", "kz-demo-2026"
    ]  # fmt: skip
    assert (every.default_tariff_family, every.engine_version) == ("kz", ENGINE_VERSION)
    demo = schedules.ListEditions(ListEditionsRequest(tariff_family="kz-demo"))
    assert [edition.schedule_id for edition in demo.editions] == ["kz-demo", "kz-demo-2026"]
    early = schedules.ListEditions(ListEditionsRequest(tariff_family="kz", as_of="2025-01-31"))
    assert [edition.schedule_id for edition in early.editions] == ["kz-2025"]


def test_an_edition_is_told_with_its_rules_and_sources(schedules, catalog):
    edition = catalog.edition("kz-demo")
    told = schedules.GetEdition(GetEditionRequest(edition=pinned("kz-demo", edition.digest)))
    assert told.edition.digest == edition.digest and told.engine_version == ENGINE_VERSION
    assert told.settings.group_count == len(edition.groups)
    assert told.settings.provider_count == len(edition.providers)
    assert (told.settings.weight_rounding.places, told.settings.weight_rounding.mode) == (4, "half_up")
    assert list(told.settings.care_settings) == list(edition.care_settings)
    assert [share.id for share in told.shares] == [share.id for share in edition.shares]
    assert all(share.source for share in told.shares) and told.settings.base_rate_source
    assert [rule.id for rule in told.stay_rules] == [rule.id for rule in edition.stay_rules]
    assert len(told.coefficients) == len(edition.coefficients)
    assert len(told.services) == sum(len(rows) for rows in edition.services.values())
    assert len(told.component_shares) == len(edition.components)
    assert len(told.factors) == len(edition.factors)


def test_an_edition_is_told_with_what_payment_methods_add(tmp_path):
    worked = Path(__file__).parent.parent / "golden" / "methods"
    shutil.copytree(worked, tmp_path / "methods", ignore=shutil.ignore_patterns("lines.csv"))
    told = edition_in_full(read_schedule(tmp_path / "methods"))
    drug, cost = told.addons
    assert (drug.kind, drug.unit, list(drug.care_settings), list(drug.drg_flags)) == (
        "biologic_therapy",
        "case",
        [],
        ["bowel_disease"],
    )
    assert (drug.component, drug.source) == ("medicines", "item 82")
    assert (cost.kind, cost.unit, cost.component) == ("actual_cost", "item", "")
    assert [(rule.id, rule.unit) for rule in told.stay_rules] == [("cut_short", "average_case")]
    assert {tuple(rule.units) for rule in told.coefficients} == {("person_month",)}
    dates = {row.factor_code: (row.effective_start_date, row.effective_end_date) for row in told.factors}
    assert dates["no_visit_all_year"] == ("2026-12-01", "2027-01-01") and dates["uninsured"] == ("", "")
    services = {row.service_code: row for row in told.services}
    assert (services["tuberculosis"].planned_days, services["tuberculosis"].method) == (
        30,
        "average_cost_case",
    )
    assert not services["visit"].HasField("planned_days")
    assert (services["implant"].unit, services["implant"].rate) == ("item", "0.00")


def test_an_edition_without_provider_coefficients_has_no_count_of_them(schedules):
    told = schedules.GetEdition(GetEditionRequest(edition=pinned("kz-2026")))
    assert not told.settings.HasField("provider_count")
    assert told.settings.base_rate == "175622.79" and told.settings.published_tariff_count > 0
    halves = {share.care_setting: share for share in told.shares if share.unit == "case"}
    assert (halves["day_hospital"].share, halves["day_hospital"].applies_to) == ("0.4", "weight")
    assert (
        halves["day_hospital"].exceptions and "13.73" not in halves["day_hospital"].exceptions[0].procedures
    )


def test_all_groups_come_once_in_order_whatever_the_page_size(schedules, catalog):
    expected = list(catalog.edition("kz-demo").groups)
    for size in (0, 7, 1_000, 5_000):
        found, token, pages = [], "", 0
        while True:
            answer = schedules.ListGroups(
                ListGroupsRequest(edition=pinned("kz-demo"), page_size=size, page_token=token)
            )
            found += [group.drg_code for group in answer.groups]
            token, pages = answer.next_page_token, pages + 1
            if not token:
                break
        assert found == expected
        assert pages == -(-len(expected) // min(size or 100, 1_000))


def test_an_unknown_child_weight_is_absent_not_zero(schedules):
    answer = schedules.ListGroups(ListGroupsRequest(edition=pinned("kz-2026")))
    (group,) = answer.groups
    assert group.relative_weight == "3.9114" and not group.HasField("relative_weight_child")


def fields(row):
    return (str(row.kind), row.code, row.detail, row.old, row.new, row.change, row.change_percent)


def test_changes_are_those_of_the_library_page_by_page(schedules, catalog):
    rows = diff_schedules(catalog.edition("kz-demo"), catalog.edition("kz-demo-2026")).rows()
    found, token = [], ""
    while True:
        request = DiffEditionsRequest(to=pinned("kz-demo-2026"), page_size=1_000, page_token=token)
        getattr(request, "from").CopyFrom(pinned("kz-demo"))
        answer = schedules.DiffEditions(request)
        found += [
            (c.kind, c.code, c.detail, c.old, c.new, c.change, c.change_percent) for c in answer.changes
        ]
        token = answer.next_page_token
        if not token:
            break
    assert found == [fields(row) for row in rows]
    assert getattr(answer, "from").schedule_id == "kz-demo" and answer.to.schedule_id == "kz-demo-2026"


def test_what_is_wrong_with_a_request_is_told(schedules):
    token = schedules.ListGroups(ListGroupsRequest(edition=pinned("kz-demo"), page_size=1)).next_page_token
    for call, code, reason, fields in [
        (lambda: schedules.GetEdition(GetEditionRequest()), "INVALID_ARGUMENT", "INVALID_REQUEST_FIELD",
         ["edition.schedule_id"]),
        (lambda: schedules.GetEdition(GetEditionRequest(edition=pinned("x"))),
         "NOT_FOUND", "UNKNOWN_EDITION", ["edition.schedule_id"]),
        (lambda: schedules.GetEdition(GetEditionRequest(edition=pinned("kz-2026", "x"))),
         "FAILED_PRECONDITION", "DIGEST_DIFFERS", ["edition.digest"]),
        (lambda: schedules.ListEditions(ListEditionsRequest(tariff_family="x")), "NOT_FOUND",
         "UNKNOWN_TARIFF_FAMILY", ["tariff_family"]),
        (lambda: schedules.ListEditions(ListEditionsRequest(as_of="x")), "INVALID_ARGUMENT",
         "INVALID_REQUEST_FIELD", ["as_of"]),
        (lambda: schedules.ListGroups(ListGroupsRequest(edition=pinned("kz-demo"), page_size=-1)),
         "INVALID_ARGUMENT", "INVALID_REQUEST_FIELD", ["page_size"]),
        (lambda: schedules.ListGroups(ListGroupsRequest(edition=pinned("kz-2026"), page_token=token)),
         "INVALID_ARGUMENT", "INVALID_PAGE_TOKEN", ["page_token"]),
        (lambda: schedules.DiffEditions(DiffEditionsRequest(to=pinned("kz-2026"))), "INVALID_ARGUMENT",
         "INVALID_REQUEST_FIELD", ["from.schedule_id"]),
        (lambda: schedules.DiffEditions(DiffEditionsRequest()), "INVALID_ARGUMENT",
         "INVALID_REQUEST_FIELD", ["from.schedule_id", "to.schedule_id"]),
    ]:  # fmt: skip
        said = failure_of(call)
        assert (said.code, said.reason, said.fields) == (getattr(grpc.StatusCode, code), reason, fields)


@pytest.mark.parametrize("token", ["x", "é", "AAAA", "A" * 16, "=" * 16, "A" * 100_000])
def test_any_other_page_token_is_refused(schedules, token):
    request = ListGroupsRequest(edition=pinned("kz-demo"), page_token=token)
    assert failure_of(lambda: schedules.ListGroups(request)).reason == "INVALID_PAGE_TOKEN"


def test_editions_of_two_currencies_are_not_compared():
    editions = editions_of(SMALL, replace(OTHER, currency="USD"))
    with running_server(editions=editions) as running, running.channel() as channel:
        request = DiffEditionsRequest(to=pinned("other"))
        getattr(request, "from").CopyFrom(pinned("small"))
        said = failure_of(lambda: ScheduleServiceStub(channel).DiffEditions(request))
    assert (said.code, said.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "CURRENCIES_DIFFER")


def test_a_page_of_nothing_is_empty():
    assert page([], 0, "", ("x",)) == ([], "")
