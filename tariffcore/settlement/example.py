"""A worked example of settlement: five made-up providers, two months of claims, and what comes with them."""

from __future__ import annotations

import csv
import random
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tariffcore.cases import Case, table_from_cases
from tariffcore.errors import Problem, SettlementError
from tariffcore.money import format_minor
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.shipped import resolve
from tariffcore.schedule.writing import require_free
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.rules_reading import SETTLEMENT_TOML, resolve_rules
from tariffcore.settlement.tables import (
    ADVANCES,
    CONTRACTS,
    FOUND_DEFECTS,
    HELD_LINES,
    MONTH_COLUMNS,
    OTHER_ITEMS,
)

SCHEDULE = "kz-demo"
RULES = "kz-2026"
MONTHS = (Month(2026, 1), Month(2026, 2))
PROVIDERS = {
    "H001-R12": "North",
    "H002-R20": "North",
    "H003-R14": "South",
    "H004-R01": "South",
    "H005-R07": "West",
}
SOURCE = "synthetic"

_SLICES = """slices = [
  { from = "0", up_to = "0.05", pay = "0.50" },
  { from = "0.05", up_to = "0.10", pay = "0.10" },
]   # made up for this example
"""
_LINES = ("inpatient", "day_hospital", "reception", "bed_days", "outpatient", "ambulance", "primary_care")
_COLUMNS = (
    "case_id", "provider_id", "drg_code", "service_code", "care_setting", "admission_date", "discharge_date",
    "age_years", "quantity", "factor_code", "funding_source", "claimed_amount",
)  # fmt: skip


@dataclass(frozen=True)
class _Drawn:
    line: str
    case: Case


def write_example(destination: Path) -> list[str]:
    """Writes the folder whole or not at all, and returns the names in it.

    Raises ScheduleError where something stands there, SettlementError where it cannot be written.
    """
    require_free(destination)
    aside = destination.parent / f".{destination.name}.writing-{secrets.token_hex(4)}"
    try:
        aside.mkdir(parents=True)
        _write(aside)
        aside.rename(destination)
    except OSError as error:
        raise SettlementError(
            "the example was not written",
            [Problem(str(destination), None, None, f"cannot be written ({error.strerror or error})",
                     "choose a place you may write to")],
        ) from None  # fmt: skip
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return sorted(path.name for path in destination.iterdir())


def _write(folder: Path) -> None:
    shutil.copytree(resolve_rules(RULES), folder / "rules")
    toml = folder / "rules" / SETTLEMENT_TOML
    text = toml.read_text(encoding="utf-8")
    text = text.replace('id = "kz-2026"', 'id = "example-2026"\nsynthetic = true').replace(
        "slices = []\n", _SLICES
    )
    toml.write_text(text, encoding="utf-8")
    with (folder / "rules" / "norms.csv").open("a", encoding="utf-8") as file:
        file.write("primary_care,1573.27,2026-01-01,,synthetic\n")
    plan = Plan(read_catalog(resolve([SCHEDULE])))
    draw = random.Random(20260101)  # noqa: S311 - a made-up example
    first = None
    for month in MONTHS:
        drawn = [one for provider in PROVIDERS for one in _claims(provider, month, draw)]
        drawn = _with_prices(drawn, plan, draw)
        if first is None:
            first = drawn
            _write_contracts(folder, drawn)
        _write_month(folder / str(month), month, drawn)


def _claims(provider: str, month: Month, draw: random.Random) -> list[_Drawn]:
    """A month of one provider: every kind of line that the demonstration schedule prices."""
    found: list[_Drawn] = []

    def day() -> date:
        return month.first_day + timedelta(days=draw.randrange(5, 28))

    def add(line: str, count: int, **fields: object) -> None:
        for _ in range(count):
            end = day()
            number = f"{month}-{len(found) + 1:04}"
            stay = draw.randrange(3, 12) if "drg_code" in fields or fields.get("unit") else 0
            given = {name: value() if callable(value) else value for name, value in fields.items()}
            begun: date = end - timedelta(days=stay)
            if line == "reception":  # observed for some hours
                begun, end = (
                    datetime(end.year, end.month, end.day, 8),
                    datetime(end.year, end.month, end.day, 19),
                )
            case = Case(
                case_id=number,
                provider_id=provider,
                admission_date=begun,
                discharge_date=end,
                age_years=draw.randrange(18, 80),
                funding_source=draw.choice(("guaranteed_volume", "insurance", "insurance")),
                **given,  # type: ignore[arg-type]
            )
            found.append(_Drawn(line, case))

    def group() -> str:
        return str(draw.randrange(1, 120))

    size = 1 + list(PROVIDERS).index(provider) % 3
    add("inpatient", 24 * size, drg_code=group, care_setting="inpatient")
    add("day_hospital", 10 * size, drg_code=group, care_setting="day_hospital")
    add("reception", 4, drg_code=group, care_setting="reception_observation")
    add(
        "bed_days", 5, service_code="BD-101", care_setting="inpatient", quantity=lambda: draw.randrange(5, 20)
    )
    add("outpatient", 40 * size, service_code=lambda: draw.choice(("S-1001", "S-1002", "S-2001", "S-3001")),
        care_setting="outpatient", quantity=lambda: draw.choice((1, 1, 1, 2)))  # fmt: skip
    add("ambulance", 12, service_code=lambda: draw.choice(("C-01", "C-02")), care_setting="outpatient")
    add(
        "primary_care",
        1,
        service_code="PM-02",
        care_setting="outpatient",
        quantity=lambda: draw.randrange(800, 2400),
    )
    return found


def _with_prices(drawn: Sequence[_Drawn], plan: Plan, draw: random.Random) -> list[_Drawn]:
    """Claims at the price, a few of them above it."""
    priced = price_cases(table_from_cases(one.case for one in drawn), plan)
    minor_units = plan.editions[0].minor_units
    found = []
    for one, amount in zip(drawn, priced.amount_minor.tolist(), strict=True):
        claimed = amount + (amount // 20 if draw.random() < 0.02 else 0)
        case = replace(one.case, claimed_amount=Decimal(format_minor(claimed, minor_units)))
        found.append(_Drawn(one.line, case))
    return found


def _minor(case: Case) -> int:
    assert case.claimed_amount is not None
    return int(case.claimed_amount * 100)


def _write_contracts(folder: Path, drawn: Sequence[_Drawn]) -> None:
    """Contracts by the claims of the first month: some lines lie above their plan, some below."""
    sums: dict[tuple[str, str], dict[str, int]] = {}
    for one in drawn:
        of = sums.setdefault(
            (one.case.provider_id or "", one.case.funding_source or ""), dict.fromkeys(_LINES, 0)
        )
        of[one.line] += _minor(one.case)
    rows: list[list[str]] = []
    advances: list[list[str]] = []
    for (provider, funding), lines in sorted(sums.items()):
        annual = 0
        for number, (line, claimed) in enumerate(lines.items()):
            month = claimed * (96, 110, 100, 104)[number % 4] // 100
            annual += 12 * month
            rows.append(
                [provider, PROVIDERS[provider], funding, line, "2026", *([_text(month)] * 12), SOURCE]
            )
        advances.append([f"A-{len(advances) + 1:03}", provider, funding, "signing", "2026-01-05",
                         _text(annual // 5), "2026-01", "2026-11", SOURCE])  # fmt: skip
    given = {"provider_id", "region", "funding_source", "contract_line", "year", *MONTH_COLUMNS, "source"}
    header = [name for name in CONTRACTS.column_names if name in given]
    _table(folder / "contracts.csv", header, rows)
    _table(folder / "advances.csv", ADVANCES.column_names, advances)


def _text(minor: int) -> str:
    return format_minor(minor, 2)


def _write_month(folder: Path, month: Month, drawn: Sequence[_Drawn]) -> None:
    folder.mkdir()
    cases = [one.case for one in drawn]
    inpatient = [one.case for one in drawn if one.line == "inpatient"]
    visits = [one.case for one in drawn if one.line == "outpatient"]
    previous = month.first_day - timedelta(days=3)
    wrong = [
        replace(visits[0]),  # the same line twice
        replace(visits[1], case_id=f"{month}-late", discharge_date=previous, admission_date=previous),
        replace(visits[2], case_id=f"{month}-unknown", service_code="S-9999"),
        replace(visits[3], case_id=f"{month}-elsewhere", provider_id="H020-R99"),
    ]
    if month == MONTHS[1]:  # what January held is claimed again
        held = date(2026, 1, 20)
        wrong.append(replace(inpatient[2], case_id="2026-01-0003", admission_date=held - timedelta(days=6),
                             discharge_date=held))  # fmt: skip
    _table(
        folder / "cases.csv",
        _COLUMNS,
        [[_cell(getattr(case, name)) for name in _COLUMNS] for case in [*cases, *wrong]],
    )
    defects = [
        (inpatient[0], "3.4"),
        (inpatient[1], "5.0"),
        (visits[5], "3.0"),
        (visits[6], "2.0"),
        (inpatient[5], "6.0"),
        (inpatient[5], "8.0"),
    ]
    source = f"protocol of {month}"
    rows = [[case.provider_id, case.case_id, code, source] for case, code in defects]
    _table(folder / "defects.csv", FOUND_DEFECTS.column_names, rows)
    rows = [[case.provider_id, case.case_id, source] for case in inpatient[2:4]]
    _table(folder / "held.csv", HELD_LINES.column_names, rows)
    one, other = list(PROVIDERS)[:2]
    items = [
        [one, "insurance", f"P-{month}", "vaccination campaign", "150000.00", SOURCE],
        [other, "insurance", f"D-{month}", "repaid after a patient's complaint", "-42000.00", SOURCE],
    ]
    _table(folder / "other.csv", OTHER_ITEMS.column_names, items)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
