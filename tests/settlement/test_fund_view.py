"""The fund's view reconciles row by row, and its page says so in each language."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import pytest

from tariffcore.labelling import LANGUAGES
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.fund_report import write_fund_report
from tariffcore.settlement.fund_view import NOT_BY_METHOD, FundView, ViewSums, fund_view
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)
VISIT, CALL = 250_000, 1_000_000


@pytest.fixture
def view(world: World) -> FundView:
    """Visits: 32,900.00 claimed, 400.00 above the price, one taken off, 5,000.00 over the plan.
    Calls: 30,000.00 within it. Other items of 1,080.00; half of an advance of 20,000.00."""
    world.contracts(terms({"outpatient": 10 * VISIT, "ambulance": 4 * CALL}))
    world.advances(
        ["A1", "H1", "insurance", "signing", "2026-01-01", "20000.00", "2026-01", "2026-02", "act"]
    )
    rows = [
        visits(JANUARY, 12, case_id="a", claimed_amount="30400.00"),
        visits(JANUARY, 1, case_id="b"),
        visits(JANUARY, 3, case_id="c", service_code="CALL"),
    ]
    other = [["H1", "insurance", "P1", "screening", "1500.00", "act"],
             ["H1", "insurance", "D1", "meals", "-420.00", "act"]]  # fmt: skip
    world.settle(JANUARY, rows, world.inputs(defects=[["H1", "b", "1.0", "protocol"]], other=other))
    return fund_view(world.book, world.rules, JANUARY)


def test_methods_have_what_is_theirs_and_other_items_a_row_of_their_own(view: FundView) -> None:
    service, call, other = (view.by_method[key] for key in ("service", "call", NOT_BY_METHOD))
    assert (service.claimed, service.overclaimed, service.deducted, service.over_plan, service.other) == (
        3_290_000, 40_000, 250_000, 500_000, 0
    )  # fmt: skip
    assert (service.paid, call.paid, other.paid) == (10 * VISIT, 3 * CALL, 108_000)
    assert (call.claimed, call.other) == (3 * CALL, 0)
    assert (other.lines, other.claimed, other.other) == (0, 0, 108_000)
    # 10,000.00 are held of 56,080.00, and of each its part
    assert abs(service.recovered - 445_792) <= 1
    assert abs(other.recovered - 19_258) <= 1
    assert service.payable == service.paid - service.recovered > 0


def test_methods_regions_and_components_sum_to_the_month(view: FundView) -> None:
    (region,) = view.by_region.values()
    for field in fields(ViewSums):
        whole = sum(getattr(one, field.name) for one in view.by_method.values())
        assert whole == getattr(region, field.name), field.name
    result = view.months[0].result
    assert region.payable == result.payable == 5_608_000 - 1_000_000
    assert region.recovered == result.recovered == 1_000_000
    assert sum(view.by_component.values()) == result.payable + result.recovered
    assert view.by_component[NOT_BY_METHOD] == 108_000


def test_a_month_of_other_items_alone_has_no_method(world: World) -> None:
    world.contracts(terms({"outpatient": 10 * VISIT}))
    world.settle(JANUARY, [], world.inputs(other=[["H1", "insurance", "P1", "screening", "9.99", "act"]]))
    found = fund_view(world.book, world.rules, JANUARY)
    assert {key: one.payable for key, one in found.by_method.items()} == {NOT_BY_METHOD: 999}
    assert found.by_component == {NOT_BY_METHOD: 999}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_row_of_the_page_sums_to_what_is_payable(view: FundView, tmp_path: Path, language: str) -> None:
    page = tmp_path / "report.html"
    write_fund_report(view, page, language)
    text = page.read_text(encoding="utf-8")
    rows = [
        [
            int(re.sub(r"[^0-9-]", "", cell.replace("\u2212", "-")))
            for cell in re.findall(r"<td[^>]*>([^<]*)</td>", row)[1:]
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", text)
        if row.count("<td") == 11
    ]
    assert len(rows) == 5  # three of methods, one region, one provider
    for _, *parts, payable, _ in rows:
        assert sum(parts) == payable
    million = {"en": "mn", "ru": "млн", "kk": "млн"}[language]
    texts = re.findall(r'class="number">([^<]*)<', text)
    assert texts and all(one.endswith(f" {million}") for one in texts)


def test_colours_of_components_do_not_repeat_and_labels_have_room(view: FundView, tmp_path: Path) -> None:
    many: dict[str | None, int] = {f"part_{number}": 100 - number for number in range(10)}
    shown = FundView(view.month, view.runs, view.months, view.by_method, view.by_region, {**many, None: 5})
    page = tmp_path / "report.html"
    write_fund_report(shown, page, "ru")
    text = page.read_text(encoding="utf-8")
    colours = re.findall(r'class="c-(s[0-9]+)"', text)
    assert len(set(colours)) == len(colours) == 11
    assert all(f"--{colour}:" in text and f".c-{colour} " in text for colour in colours)
    for x, label in re.findall(r'<text x="([0-9]+)" y="[0-9]+" text-anchor="end">([^<]*)<', text):
        assert len(label) * 9 <= int(x)
