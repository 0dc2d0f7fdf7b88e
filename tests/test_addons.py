"""Amounts that lines bring with them: paid where a rule says so, refused row by row everywhere else."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from tariffcore.cases import Case, table_from_cases
from tariffcore.explain import explain_case
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.model import AddOn, Unit
from tariffcore.single_case import price_case
from tariffcore.statuses import CaseStatus
from tests.small_schedule import SMALL, group, service


def addon(kind, unit=Unit.CASE, settings=(), flags=()):
    return AddOn(kind, unit, frozenset(settings), frozenset(flags), "staff", "made up")


SCHEDULE = replace(
    SMALL,
    groups={**SMALL.groups, "G1": group("G1", "1.2345", profile="thirds")},
    addons=(
        addon("drug"),
        addon("serum", settings={"inpatient", "home"}, flags={"infectious"}),
        addon("cost", Unit.ITEM, settings={"inpatient"}),
    ),
    services={**SMALL.services, "IMPLANT": (service("IMPLANT", 0, "inpatient", unit=Unit.ITEM),)},
)
CATALOG = Catalog.of([SCHEDULE])
PLAN = Plan(CATALOG)


def line(case_id, kind, **values):
    """Ten days of an adult in G1 in hospital, 1,234.50, that bring 300.00 of this kind; changed as said."""
    ordinary = {
        "drg_code": "G1",
        "care_setting": "inpatient",
        "admission_date": date(2025, 3, 1),
        "discharge_date": date(2025, 3, 11),
        "age_years": 40,
        "addon_kind": kind,
        "addon_amount": None if kind is None else Decimal("300.00"),
    }
    return Case(case_id=case_id, **{**ordinary, **values})


def item(case_id, kind, **values):
    return line(case_id, kind, **{"drg_code": None, "service_code": "IMPLANT", **values})


def visit(case_id, kind, **values):
    in_clinic = {"drg_code": None, "service_code": "VISIT", "care_setting": "outpatient"}
    return line(case_id, kind, **{**in_clinic, **values})


# Each paid line stands beside one that differs in the one thing for which nothing is paid on top, with the
# words that the explanation gives as the reason; an amount is in minor units.
LINES = (
    (line("a drug", "drug"), 153_450, None),
    (line("a drug once, the case three times", "drug", quantity=3), 3 * 123_450 + 30_000, None),
    (line("of no rule", "herbs"), None, "herbs"),
    (line("in other letters", "Drug"), None, "Drug"),
    (line("of items only", "cost"), None, "cost"),
    (line("a serum", "serum", drg_code="INFECTIOUS"), 730_000, None),
    (line("of a group without the flag", "serum"), None, "serum"),
    (line("of another flag", "serum", drg_code="NEONATAL"), None, "serum"),
    (line("a serum at home", "serum", drg_code="INFECTIOUS", care_setting="home"), 146_667, None),
    (line("in another setting", "serum", drg_code="INFECTIOUS", care_setting="day_hospital"), None, "serum"),
    (line("of limited hours", "drug", care_setting="reception_observation"), None, "reception_observation"),
    (item("an implant", "cost"), 30_000, None),
    (item("what three implants cost", "cost", quantity=3), 30_000, None),
    (item("an implant as a drug", "drug"), None, "drug"),
    (visit("a visit", None), 700, None),
    (visit("a visit and a drug", "drug"), None, "drug"),
    (visit("a remote visit", None, factor_code="remote"), 350, None),
    (visit("a remote visit and a drug", "drug", factor_code="remote"), None, "remote"),
    (line("a drug beside a factor", "drug", factor_code="remote"), None, "remote"),
    (item("an implant beside a factor", "cost", factor_code="remote"), None, "remote"),
    (line("a case alone", None), 123_450, None),
)


def test_every_row_is_answered_on_its_own():
    priced = price_cases(table_from_cases([case for case, _, _ in LINES]), CATALOG, components=True)
    found = [
        (case.case_id, CaseStatus(status).name, amount_minor)
        for (case, _, _), status, amount_minor in zip(
            LINES, priced.status.tolist(), priced.amount_minor.tolist(), strict=True
        )
    ]
    assert found == [
        (case.case_id, "ADDON_NOT_PAID" if amount_minor is None else "OK", amount_minor or 0)
        for case, amount_minor, _ in LINES
    ]
    parts = [
        {name: int(part[row]) for name, part in priced.components_minor.items()} for row in range(len(LINES))
    ]
    # a third of 1,234.50 each, and the drug with the staff; nothing of a line that is refused
    assert parts[0] == {"staff": 41_150 + 30_000, "drugs": 41_150, "depreciation": 41_150, "travel": 0}
    assert parts[-1] == {"staff": 41_150, "drugs": 41_150, "depreciation": 41_150, "travel": 0}
    refused = [row for row, (_, amount_minor, _) in enumerate(LINES) if amount_minor is None]
    assert not any(sum(parts[row].values()) for row in refused)


@pytest.mark.parametrize("wanted", LINES, ids=[case.case_id for case, _, _ in LINES])
def test_twin_single_case_and_explanation_answer_alike(wanted):
    case, amount_minor, reason = wanted
    status = CaseStatus.ADDON_NOT_PAID if amount_minor is None else CaseStatus.OK
    twin, explained = reference_price(case, CATALOG), explain_case(case, CATALOG)
    single = price_case(case, PLAN)
    assert (single.status, single.amount_minor) == (status, amount_minor)
    assert (twin.status, twin.amount_minor) == (status, amount_minor)
    assert (explained.status, explained.amount_minor) == (status, amount_minor)
    if reason is not None:
        assert reason in explained.to_text("en")
