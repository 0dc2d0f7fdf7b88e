"""A small fund for tests: rules, a schedule of round numbers, a book, and months as people write them."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tariffcore.plan import Plan
from tariffcore.schedule.catalog import read_catalog
from tariffcore.settlement.book.contract_records import Changes, record_advances, record_contracts
from tariffcore.settlement.book.records import Book, contracts_of
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.choosing import WithoutClaims
from tariffcore.settlement.contracts import ContractTerms, read_advances
from tariffcore.settlement.month_inputs import MonthInputs, read_month_inputs
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.rules_reading import read_rules, resolve_rules
from tariffcore.settlement.run import SettledRun, settle_month
from tariffcore.settlement.tables import ADVANCES, FOUND_DEFECTS, HELD_LINES, OTHER_ITEMS

GOLDEN = Path(__file__).resolve().parent.parent / "golden" / "settlement"
CASE_COLUMNS = (
    "case_id", "provider_id", "drg_code", "service_code", "care_setting", "admission_date", "discharge_date",
    "age_years", "quantity", "factor_code", "funding_source", "claimed_amount", "patient_id", "outcome",
    "addon_amount", "addon_kind",
)  # fmt: skip


@cache
def plan() -> Plan:
    return Plan(read_catalog([GOLDEN / "schedule"]))


def rules_in(folder: Path, *, slices: str = "[]", several: str = "sum") -> SettlementRules:
    """The shipped rules with a linear scale, in a new folder; a norm of primary care is 1,500.00."""
    shutil.copytree(resolve_rules("kz-2026"), folder)
    toml = folder / "settlement.toml"
    text = toml.read_text(encoding="utf-8")
    text = text.replace("\nslices = []\n", f"\nslices = {slices}\n")
    text = text.replace('several_on_a_line = "sum"', f'several_on_a_line = "{several}"')
    toml.write_text(text, encoding="utf-8")
    with (folder / "norms.csv").open("a", encoding="utf-8") as file:
        file.write("primary_care,1500.00,2026-01-01,,made up\n")
    return read_rules(folder)


def table(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])
    return path


def terms(
    plans: Mapping[str, int | Sequence[int]],
    *,
    provider: str = "H1",
    funding: str = "insurance",
    year: int = 2026,
    **more: Any,
) -> ContractTerms:
    """A contract; a whole number is the sum of each month, in minor units."""
    of = {name: (plan,) * 12 if isinstance(plan, int) else tuple(plan) for name, plan in plans.items()}
    return ContractTerms(provider, "North", funding, year, of, source="contract", **more)


@dataclass
class World:
    """A book with its rules, and a folder to write months into."""

    folder: Path
    book: Book
    rules: SettlementRules
    number: int = field(default=0)

    def contracts(self, *contracts: ContractTerms) -> Changes:
        return record_contracts(self.book, contracts)

    def advances(self, *rows: Sequence[object]) -> Changes:
        path = table(self.folder / "advances.csv", ADVANCES.column_names, rows)

        def contract_of(provider: str, funding: str, year: int) -> ContractTerms | None:
            with self.book.reading() as connection:
                found = contracts_of(connection, year).get((provider, funding))
            return None if found is None else found[2]

        return record_advances(self.book, read_advances(path, self.rules, contract_of))

    def cases(self, rows: Sequence[Mapping[str, object]]) -> Path:
        """Claims of a month as CSV; what a row does not say is that of a case of H1 in the insurance."""
        self.number += 1
        path = self.folder / f"cases-{self.number}.csv"
        filled = []
        for number, row in enumerate(rows, start=1):
            whole = {"case_id": f"c{number}", "provider_id": "H1", "funding_source": "insurance",
                     "age_years": 40, "quantity": 1, "outcome": "discharged", **row}  # fmt: skip
            filled.append([whole.get(name, "") for name in CASE_COLUMNS])
        return table(path, CASE_COLUMNS, filled)

    def inputs(
        self,
        *,
        defects: Sequence[Sequence[object]] = (),
        held: Sequence[Sequence[object]] = (),
        other: Sequence[Sequence[object]] = (),
        tell_later: bool = False,
    ) -> MonthInputs:
        self.number += 1
        paths = [
            table(self.folder / f"{name.name}-{self.number}.csv", name.column_names, rows) if rows else None
            for name, rows in ((FOUND_DEFECTS, defects), (HELD_LINES, held), (OTHER_ITEMS, other))
        ]
        return read_month_inputs(
            self.rules, defects=paths[0], held=paths[1], other=paths[2], tell_later=tell_later
        )

    def settle(
        self,
        month: Month,
        rows: Sequence[Mapping[str, object]] | Path,
        inputs: MonthInputs | None = None,
        **options: Any,
    ) -> SettledRun:
        path = rows if isinstance(rows, Path) else self.cases(rows)
        used = options.pop("plan", plan())
        options.setdefault("without_claims", WithoutClaims.SETTLE)
        return settle_month(self.book, path, used, self.rules, month, inputs, threads=1, **options)


def visits(month: Month, quantity: int, **more: object) -> dict[str, object]:
    """Visits at 2,500.00 each."""
    day = f"{month}-10"
    return {"service_code": "VISIT", "care_setting": "outpatient", "admission_date": day,
            "discharge_date": day, "quantity": quantity, **more}  # fmt: skip
