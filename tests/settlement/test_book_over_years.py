"""Years of contracts, months, advances and corrections: after every step the book says what the twin says."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tariffcore.errors import SettlementError
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import read_catalog
from tariffcore.settlement.backdated import backdated_changes
from tariffcore.settlement.book.records import Book, settled_in
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.month import check_identity
from tariffcore.settlement.reference import ReferenceAdvance, ReferenceLine, ReferenceMonth, reference_month
from tests.settlement.world import GOLDEN, World, plan, rules_in, terms, visits

VISIT = 250_000
DEARER = 260_000
SLICES = '[{ from = "0", up_to = "0.10", pay = "0.50" }]'
TWIN_SLICES = [(Fraction(0), Fraction(1, 10), Fraction(1, 2))]


@cache
def dearer_plan() -> Plan:
    """A visit costs 2,600.00 by an edition that was issued later, with effect from the same day."""
    folder = Path(tempfile.mkdtemp()) / "worked-2026-later"
    shutil.copytree(GOLDEN / "schedule", folder)
    for name, old, new in (
        ("services.csv", "2500.00", "2600.00"),
        ("schedule.toml", 'id = "worked-2026"', 'id = "worked-2026-later"'),
        ("schedule.toml", "published = 2025-12-31", "published = 2026-06-30"),
    ):
        path = folder / name
        path.write_text(path.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    return Plan(read_catalog([GOLDEN / "schedule", folder]))


@dataclass
class Claimed:
    """A month as it was settled, for the twin."""

    lines: list[
        tuple[int, int | None, str | None, bool]
    ]  # quantity, claimed above the price (None: no claim), defect, held
    plan: int
    priced_at: int
    twin: ReferenceMonth
    corrected: int = 0


@dataclass
class Model:
    """One contract at a time, by the twin's arithmetic only."""

    months: dict[Month, Claimed] = field(default_factory=dict)
    advances: dict[str, list[int]] = field(default_factory=dict)  # amount, start, end, recovered, year
    annual: dict[int, int] = field(default_factory=dict)
    plans: dict[int, list[int]] = field(default_factory=dict)
    debt: int = 0
    pending: list[int] = field(default_factory=list)


def twin_lines(lines: list[tuple[int, int | None, str | None, bool]], price: int) -> list[ReferenceLine]:
    """With the price of a visit: what is not claimed, or claimed at the price, claims it."""
    measures = {
        None: [],
        "3.0": [(Fraction(100), None)],
        "6.0": [(Fraction(30), None)],
        "5.0": [(Fraction(300), None)],
    }
    return [
        ReferenceLine(
            "outpatient",
            Fraction(quantity * VISIT + above if above else quantity * price),
            Fraction(quantity * price),
            [] if held else measures[defect],
            held,
        )
        for quantity, above, defect, held in lines
    ]


def accepted(month: ReferenceMonth) -> int:
    return int(
        month.claimed - month.overclaimed - month.deducted - month.held - sum(month.over_plan.values())
    )


class Years(RuleBasedStateMachine):
    place: Callable[[Path], str]

    @initialize(plan_=st.sampled_from([0, VISIT, 4 * VISIT, 10**9]))
    def begin(self, plan_: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        self.world = World(
            self.folder,
            Book.open(type(self).place(self.folder), self.folder / "lines"),
            rules_in(self.folder / "rules", slices=SLICES),
        )
        self.model = Model()
        self.next = Month(2026, 1)
        self.contract(2026, [plan_] * 12)
        self.last: tuple | None = None
        self.number = 0

    def contract(self, year: int, plan_: list[int]) -> None:
        self.world.contracts(terms({"outpatient": plan_}, year=year))
        self.model.plans[year], self.model.annual[year] = list(plan_), sum(plan_)

    @rule(
        lines=st.lists(
            st.tuples(
                st.integers(1, 6),
                st.sampled_from([None, 0, 0, 1, 5000, -5000]),
                st.sampled_from([None, None, None, "3.0", "6.0", "5.0"]),
                st.sampled_from([False, False, False, True]),
            ),
            max_size=4,
        ),
        items=st.lists(st.sampled_from([1, 70_000, -30_000, -2_000_000]), max_size=2),
    )
    def settle(self, lines: list[tuple[int, int | None, str | None, bool]], items: list[int]) -> None:
        month, model = self.next, self.model
        if month.year not in model.plans:
            self.contract(month.year, [4 * VISIT] * 12)
        plan_ = model.plans[month.year][month.month - 1]
        rows = [
            visits(
                month,
                quantity,
                case_id=f"{month}-{n}",
                claimed_amount="" if above is None else _text(quantity * VISIT + above),
            )
            for n, (quantity, above, _, _) in enumerate(lines)
        ]
        path = self.world.cases(rows)
        named = [(f"{month}-{n}", defect, held) for n, (_, _, defect, held) in enumerate(lines)]
        inputs = self.world.inputs(
            defects=[["H1", case, defect, "protocol"] for case, defect, held in named if defect and not held],
            held=[["H1", case, "protocol"] for case, _, held in named if held],
            other=[
                ["H1", "insurance", f"{month}/{n}", "other", _text(amount), "act"]
                for n, amount in enumerate(items)
            ],
        )
        due = [
            (name, one)
            for name, one in sorted(model.advances.items())
            if one[4] <= month.year and one[3] < one[0]
        ]
        of_year = [one for when, one in model.months.items() if when.year == month.year]
        twin = reference_month(
            lines=twin_lines(lines, VISIT),
            plans={"outpatient": (Fraction(plan_), False)},
            slices=TWIN_SLICES,
            largest_defect_only=False,
            items=[Fraction(item) for item in [*model.pending, *items]],
            debt=Fraction(model.debt),
            advances=[
                ReferenceAdvance(
                    Fraction(one[0]),
                    one[2] - one[1] + 1,
                    max(0, min(month.number, one[2]) - one[1] + 1),
                    Fraction(one[3]),
                )
                for _, one in sorted(due, key=lambda one: (one[1][1], one[0]))
            ],
            annual_plan=Fraction(model.annual[month.year]),
            paid_so_far=Fraction(
                sum(int(one.twin.payable) for one in of_year)
                + sum(one[0] for one in model.advances.values() if one[4] == month.year)
            ),
            earlier_accepted=[Fraction(accepted(one.twin)) for one in of_year] if month.month == 12 else None,
        )
        found = self.world.settle(month, path, inputs)
        result = found.months[0].result
        assert not found.again
        assert (result.payable, result.recovered, result.carried, result.accepted) == (
            twin.payable, sum(twin.recovered), twin.carried, accepted(twin)
        )  # fmt: skip
        assert (result.capped_by_year, result.capped_december) == (twin.capped_by_year, twin.capped_december)
        ordered = sorted(due, key=lambda one: (one[1][1], one[0]))
        for (_, one), part in zip(ordered, twin.recovered, strict=True):
            one[3] += int(part)
        model.debt, model.pending = int(twin.carried), []
        model.months[month] = Claimed(lines, plan_, VISIT, twin)
        self.last = month, path, inputs, [one.result for one in found.months]
        self.next = month.plus(1)

    @precondition(lambda self: self.last is not None)
    @rule()
    def settle_the_last_month_again(self) -> None:
        month, path, inputs, results = self.last
        found = self.world.settle(month, path, inputs)
        assert found.again
        assert [one.result for one in found.months] == results
        with pytest.raises(SettlementError, match="settled, with other inputs"):
            self.world.settle(month, [visits(month, 9, case_id="another")])

    @rule(hundredths=st.integers(1, 30), parts=st.integers(1, 5))
    def pay_an_advance(self, hundredths: int, parts: int) -> None:
        model, month = self.model, self.next
        if month.year not in model.plans or month.month > 11:
            return
        paid = sum(one[0] for one in model.advances.values() if one[4] == month.year)
        amount = model.annual[month.year] * hundredths // 100
        until = min(month.month + parts - 1, 11)
        self.number += 1
        name = f"A{self.number}"
        row = [
            name,
            "H1",
            "insurance",
            "signing",
            month.first_day,
            _text(amount),
            month,
            Month(month.year, until),
            "o",
        ]
        if (paid + amount) * 100 > model.annual[month.year] * 30:
            # the limit holds for what one table pays together; this one alone is above it only sometimes
            if amount * 100 > model.annual[month.year] * 30:
                with pytest.raises(SettlementError, match="more than"):
                    self.world.advances(row)
            return
        assert self.world.advances(row).new == 1
        assert self.world.advances(row).unchanged == 1
        model.advances[name] = [amount, month.number, Month(month.year, until).number, 0, month.year]

    @rule(more=st.sampled_from([VISIT, 3 * VISIT]))
    def revise_the_contract(self, more: int) -> None:
        year, month = self.next.year, self.next.month
        if year not in self.model.plans:
            return
        changed = [p + more if n + 1 >= month else p for n, p in enumerate(self.model.plans[year])]
        self.contract(year, changed)
        if month > 1:
            with pytest.raises(SettlementError, match="the month is settled"):
                self.world.contracts(terms({"outpatient": [p + 1 for p in changed]}, year=year))

    @precondition(lambda self: bool(self.model.months))
    @rule(dearer=st.booleans())
    def correct_for_an_edition_with_effect_backwards(self, dearer: bool) -> None:
        price, used = (DEARER, dearer_plan()) if dearer else (VISIT, plan())
        expected = {}
        for month, one in self.model.months.items():
            again = reference_month(
                lines=twin_lines(one.lines, price), plans={"outpatient": (Fraction(one.plan), False)},
                slices=TWIN_SLICES, largest_defect_only=False, items=[], debt=Fraction(0), advances=[],
                annual_plan=Fraction(0), paid_so_far=Fraction(0), earlier_accepted=None,
            )  # fmt: skip
            difference = accepted(again) - accepted(one.twin) - one.corrected
            if difference:
                expected[month] = difference
        found = backdated_changes(self.world.book, used, self.world.rules, correct=True, reason="edition")
        assert {one.month: one.open for one in found.changes if one.open} == expected
        assert found.recorded == len(expected)
        again = backdated_changes(self.world.book, used, self.world.rules, correct=True)
        assert again.recorded == 0
        for month in sorted(expected):
            self.model.months[month].corrected += expected[month]
            self.model.pending.append(expected[month])

    @invariant()
    def parts_reconcile_and_nothing_is_paid_above_the_year(self) -> None:
        if not hasattr(self, "world"):
            return
        with self.world.book.reading() as connection:
            months = settled_in(connection)
        assert [one.result.month for one in months] == list(self.model.months)
        for one in months:
            check_identity(one.result)
        for year, annual in self.model.annual.items():
            paid = sum(one.result.payable for one in months if one.result.month.year == year)
            advances = sum(one[0] for one in self.model.advances.values() if one[4] == year)
            assert paid + advances <= annual
        if months:
            left = sum(
                one[0] - one[3]
                for one in self.model.advances.values()
                if one[1] <= months[-1].result.month.number
            )
            assert months[-1].result.outstanding_advance >= left

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.book.close()
            shutil.rmtree(self.folder, ignore_errors=True)


def _text(minor: int) -> str:
    sign = "-" if minor < 0 else ""
    return f"{sign}{abs(minor) // 100}.{abs(minor) % 100:02}"


LONG = settings(
    max_examples=10,
    stateful_step_count=22,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
)


def test_over_years_in_sqlite() -> None:
    class InSqlite(Years):
        place = staticmethod(lambda folder: str(folder / "book.db"))

    run_state_machine_as_test(InSqlite, settings=LONG)


def test_over_years_in_postgresql(new_database: Callable[[], str]) -> None:
    class InPostgres(Years):
        place = staticmethod(lambda _folder: new_database())

    run_state_machine_as_test(InPostgres, settings=LONG)
