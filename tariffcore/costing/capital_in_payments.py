"""How much of what hospitals are paid is capital, and what they would be paid without it.

Every payment is split by its component profile so that the parts sum to it. The same case under the same
edition less its capital components is the payment less its capital parts: case by case, to the minor unit,
and
so at every total. What has no profile (services, groups without one) is not split, and told apart: its
capital
is not known, which is not none.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.batch import run_note
from tariffcore.column_reading import coded_text
from tariffcore.encoding import encode_cases
from tariffcore.files import CaseChunk, ColumnMapping, open_cases, open_output
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, component_column, decimals, price_encoded
from tariffcore.schedule.catalog import Catalog
from tariffcore.statuses import CaseStatus

_TOTAL_DIGITS = 38


@dataclass
class Paid:
    """Money in minor units. ``amount = capital + without_capital + unsplit``; parts by component sum to
    ``amount - unsplit``."""

    cases: int = 0
    amount_minor: int = 0
    capital_minor: int = 0
    unsplit_cases: int = 0
    unsplit_minor: int = 0
    by_component: dict[str, int] = field(default_factory=dict)

    @property
    def without_capital_minor(self) -> int:
        return self.amount_minor - self.capital_minor - self.unsplit_minor

    def add(self, other: Paid) -> None:
        self.cases += other.cases
        self.amount_minor += other.amount_minor
        self.capital_minor += other.capital_minor
        self.unsplit_cases += other.unsplit_cases
        self.unsplit_minor += other.unsplit_minor
        for component, amount in other.by_component.items():
            self.by_component[component] = self.by_component.get(component, 0) + amount


@dataclass(frozen=True)
class CapitalInPayments:
    """What was paid, by (provider_id, year); cases without an amount are counted in ``rejected``."""

    by_provider_and_year: dict[tuple[str, int], Paid]
    components: tuple[tuple[str, bool], ...]
    """Names, and whether capital in any edition."""
    read: int
    rejected: int

    @property
    def total(self) -> Paid:
        total = Paid()
        for paid in self.by_provider_and_year.values():
            total.add(paid)
        return total


def capital_in_payments(
    cases_path: Path,
    catalog: Catalog,
    *,
    totals_path: Path | None = None,
    cases_out_path: Path | None = None,
    threads: int | None = None,
    mapping: ColumnMapping | None = None,
    sheet: str | None = None,
    progress: Callable[[int, int | None], None] | None = None,
) -> CapitalInPayments:
    """Prices a file of cases with and without capital, and sums up by provider and year of the deciding date.

    totals_path     where the sums are written, one row a provider and year
    cases_out_path  where every case is written with its amount, its capital and the amount without it

    Raises CasesError and CatalogError as `tariffcore.batch.price_file` does; files get their names when all
    is done.
    """
    plan = Plan(catalog)
    sums: dict[tuple[str, int], Paid] = {}
    read = rejected = 0
    capital = _capital_by_edition(plan)
    note = run_note(catalog)
    with ExitStack() as stack:
        source = stack.enter_context(open_cases(cases_path, mapping, sheet=sheet))
        if totals_path is not None:
            schema = _totals_schema(plan)
            keep = [cases_path, *([cases_out_path] if cases_out_path is not None else [])]
            totals = stack.enter_context(open_output(totals_path, schema, note=note, keep=keep))
        writer = None
        for raw in source:
            chunk = source.parse(raw)
            priced, years = _priced(chunk, plan, threads)
            of_capital = _capital(priced, capital)
            read += len(priced)
            rejected += int(np.count_nonzero(priced.status != CaseStatus.OK))
            for key, paid in _summed(chunk.table, priced, years, of_capital):
                sums.setdefault(key, Paid()).add(paid)
            if cases_out_path is not None:
                rows = _side_by_side(chunk.table, priced, of_capital)
                if writer is None:
                    writer = stack.enter_context(
                        open_output(cases_out_path, rows.schema, note=note, keep=[cases_path])
                    )
                writer.append(writer.encode(rows))
            if progress is not None:
                progress(raw.size_bytes, source.total_bytes)
        components = tuple((name, any(of_edition)) for name, of_edition in capital.items())
        found = CapitalInPayments(dict(sorted(sums.items())), components, read, rejected)
        if totals_path is not None:
            totals.append(totals.encode(_totals_table(found, schema)))
            totals.complete()
        if writer is not None:
            writer.complete()
    return found


def _capital_by_edition(plan: Plan) -> dict[str, NDArray[np.bool_]]:
    """Of each component, whether it is capital in each edition (numbered from 1; 0 is none)."""
    found = {name: np.zeros(len(plan.editions) + 1, dtype=np.bool_) for name in plan.component_names}
    for number, schedule in enumerate(plan.editions, start=1):
        for row in schedule.components:
            if row.capital and row.component in found:
                found[row.component][number] = True
    return found


def _priced(chunk: CaseChunk, plan: Plan, threads: int | None) -> tuple[PricedCases, NDArray[np.int64]]:
    """The chunk priced with components, and the year of each row's deciding date."""
    malformed = np.array(sorted(chunk.malformed), dtype=np.intp)
    encoded = encode_cases(chunk.table, plan, malformed)
    priced = price_encoded(encoded, plan, components=True, threads=threads)
    days = encoded.deciding_day.astype(np.int64) + plan.base_day
    return priced, days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _capital(priced: PricedCases, capital: dict[str, NDArray[np.bool_]]) -> NDArray[np.int64]:
    """The capital parts of each payment together; 0 where it is not split."""
    total = np.zeros(len(priced), dtype=np.int64)
    for name, parts in priced.components_minor.items():
        of_edition = capital[name]
        if of_edition.any():
            total += np.where(of_edition[priced.edition], parts, 0)
    return total if priced.has_parts is None else np.where(priced.has_parts != 0, total, 0)


def _is_split(priced: PricedCases) -> NDArray[np.bool_]:
    if priced.has_parts is None:
        return np.zeros(len(priced), dtype=np.bool_)
    split: NDArray[np.bool_] = priced.ok & (priced.has_parts != 0)
    return split


def exact_totals(codes: NDArray[np.int64], values: NDArray[np.int64], count: int) -> list[int]:
    """Sums of 64-bit values by code, in halves that cannot overflow below 2^31 rows."""
    high, low = np.zeros(count, dtype=np.int64), np.zeros(count, dtype=np.int64)
    np.add.at(high, codes, values >> 32)
    np.add.at(low, codes, values & 0xFFFFFFFF)
    return [(upper << 32) + lower for upper, lower in zip(high.tolist(), low.tolist(), strict=True)]


def _summed(
    table: pa.Table, priced: PricedCases, years: NDArray[np.int64], of_capital: NDArray[np.int64]
) -> Iterator[tuple[tuple[str, int], Paid]]:
    """The sums of a chunk by provider and year, of priced cases."""
    rows = np.flatnonzero(priced.ok)
    if not len(rows):
        return
    texts: list[str | None] = []
    provider = np.full(len(priced), -1, dtype=np.int64)
    if "provider_id" in table.column_names:
        coded = coded_text("provider_id", table.column("provider_id"))
        texts = list(coded.texts)
        provider = coded.number.astype(np.int64)
    keys, codes = np.unique((provider[rows] + 1) * 10_000 + years[rows], return_inverse=True)
    count = len(keys)
    split = _is_split(priced)[rows]
    amount = priced.amount_minor[rows]
    cases = np.bincount(codes, minlength=count).tolist()
    unsplit_cases = np.bincount(codes[~split], minlength=count).tolist()
    amounts = exact_totals(codes, amount, count)
    unsplit = exact_totals(codes, np.where(split, 0, amount), count)
    capital = exact_totals(codes, of_capital[rows], count)
    parts = {
        name: exact_totals(codes, np.where(split, minor[rows], 0), count)
        for name, minor in priced.components_minor.items()
    }
    for number, key in enumerate(keys.tolist()):
        text_number, year = divmod(key, 10_000)
        name = (texts[text_number - 1] or "") if text_number else ""
        yield (
            (name, year),
            Paid(
                cases[number],
                amounts[number],
                capital[number],
                unsplit_cases[number],
                unsplit[number],
                {component: by_code[number] for component, by_code in parts.items()},
            ),
        )


def _side_by_side(table: pa.Table, priced: PricedCases, of_capital: NDArray[np.int64]) -> pa.Table:
    """Every row in its order: full price, its capital, the price without it; empty where not split."""
    minor_units = priced.plan.editions[0].minor_units
    columns = priced.columns()
    split = _is_split(priced)
    return pa.table(
        {
            "case_id": table.column("case_id"),
            **({"provider_id": table.column("provider_id")} if "provider_id" in table.column_names else {}),
            "schedule_id": columns["schedule_id"],
            "status": columns["status"],
            "amount": columns["amount"],
            "capital_amount": decimals(of_capital, minor_units, split),
            "amount_without_capital": decimals(priced.amount_minor - of_capital, minor_units, split),
            **({"synthetic": columns["synthetic"]} if "synthetic" in columns else {}),
        }
    )


_SUMS = ("amount", "capital_amount", "amount_without_capital", "unsplit_amount")


def _totals_schema(plan: Plan) -> pa.Schema:
    money = pa.decimal128(_TOTAL_DIGITS, plan.editions[0].minor_units)
    return pa.schema(
        [
            ("provider_id", pa.string()),
            ("year", pa.int64()),
            ("cases", pa.int64()),
            *((name, money) for name in _SUMS),
            ("unsplit_cases", pa.int64()),
            *((component_column(name), money) for name in plan.component_names),
            *([("synthetic", pa.bool_())] if any(schedule.synthetic for schedule in plan.editions) else []),
        ]
    )


def _totals_table(found: CapitalInPayments, schema: pa.Schema) -> pa.Table:
    from decimal import Decimal

    scale = schema.field("amount").type.scale
    rows = found.by_provider_and_year

    def money(minor: int) -> Decimal:
        return Decimal(minor).scaleb(-scale)

    columns: dict[str, list[object]] = {
        "provider_id": [provider_id for provider_id, _ in rows],
        "year": [year for _, year in rows],
        "cases": [paid.cases for paid in rows.values()],
        "amount": [money(paid.amount_minor) for paid in rows.values()],
        "capital_amount": [money(paid.capital_minor) for paid in rows.values()],
        "amount_without_capital": [money(paid.without_capital_minor) for paid in rows.values()],
        "unsplit_amount": [money(paid.unsplit_minor) for paid in rows.values()],
        "unsplit_cases": [paid.unsplit_cases for paid in rows.values()],
    }
    for name, _ in found.components:
        columns[component_column(name)] = [money(paid.by_component.get(name, 0)) for paid in rows.values()]
    if "synthetic" in schema.names:
        columns["synthetic"] = [True] * len(rows)
    return pa.table(columns, schema=schema)
