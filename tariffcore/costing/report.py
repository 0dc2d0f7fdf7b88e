"""The report of a costing run: one HTML page with everything in it, no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from html import escape
from pathlib import Path

from tariffcore.costing.enclosures import ratio_bounds
from tariffcore.costing.parameters import AllocationMethod
from tariffcore.costing.report_changes import Changes
from tariffcore.costing.report_numbers import MOST_ROWS, Numbers, counted, of_them, spaced
from tariffcore.costing.run import CostingRun
from tariffcore.costing.schedule_output import schedule_comments
from tariffcore.costing.unit_costs import GroupKey
from tariffcore.errors import CostingError
from tariffcore.html_page import html_page, html_table, write_page
from tariffcore.money import format_minor, round_to_int
from tariffcore.plots import Bar, Column, bars, columns, strips
from tariffcore.schedule.model import Schedule
from tariffcore.version import ENGINE_VERSION

MOST_NAMES = 12
"""Of hospitals with one order of step-down."""


def write_report(run: CostingRun, schedule: Schedule, path: Path) -> None:
    """Writes the page; it gets its name when it is whole. Raises CostingError where it cannot be written.

    ``schedule`` is the edition as written, which has its digest.
    """
    page = render_report(run, schedule)
    write_page(page, path, CostingError)


def render_report(run: CostingRun, schedule: Schedule) -> str:
    """The page as text."""
    return _Page(run, schedule).render()


class _Page:
    def __init__(self, run: CostingRun, schedule: Schedule) -> None:
        self.run = run
        self.schedule = schedule
        self.parameters = run.inputs.parameters
        self.minor_units = self.parameters.minor_units
        self.currency = self.parameters.currency
        self.numbers = Numbers(self.currency, self.minor_units)

    def render(self) -> str:
        changes = Changes(self.run, self.schedule, self.numbers)
        sections = (
            self._head(),
            self._structure(),
            self._depreciation(),
            changes.weights(),
            changes.providers(),
            self._allocation(),
            self._unit_costs(),
            self._reproducing(),
        )
        return html_page(self.parameters.title, sections)

    # --- sections

    def _head(self) -> str:
        run, base = self.run, self.run.base_rate
        without = run.base_rate_without_capital
        warning = (
            '<p class="warning">SYNTHETIC: made-up numbers, not for payment</p>'
            if self.parameters.synthetic
            else ""
        )
        rate = format_minor(round_to_int(base.amount * 10**self.minor_units), self.minor_units, ",")
        lower = format_minor(round_to_int(without.amount * 10**self.minor_units), self.minor_units, ",")
        tiles = (
            (f"{rate}", f"base rate, {self.currency}"),
            (f"{lower}", f"base rate without capital, {self.currency}"),
            (self.numbers.short(run.total_minor), f"cost of {base.cases:,} cases, {self.currency}"),
            (self.numbers.percent(run.capital_minor, run.total_minor), "of the cost is capital"),
            (
                self.numbers.short(base.budget_minor - without.budget_minor),
                f"what capital adds to the budget, {self.currency}",
            ),
            (self.numbers.money(base.remainder_minor), f"of the budget left by rounding, {self.currency}"),
        )
        shown = "".join(
            f'<div class="tile"><b>{escape(number)}</b><span>{escape(words)}</span></div>'
            for number, words in tiles
        )
        period = f"{self.parameters.start} up to {self.parameters.end}"
        return (
            f"{warning}<h1>{escape(self.parameters.title)}</h1>"
            f'<p class="quiet">{counted(len(run.inputs.providers), "hospital")}, '
            f"{counted(len(run.weights), 'group')}, costs of {period} (the last day not included). "
            f"Schedule {escape(self.schedule.id)}, in force from "
            f'{self.schedule.effective_start_date}.</p><div class="tiles">{shown}</div>'
        )

    def _structure(self) -> str:
        run, money = self.run, self.numbers.money
        rows = sorted(
            zip(self.parameters.components, run.total_by_component, strict=True), key=lambda row: -row[1]
        )
        drawn = bars(
            "Cost by component",
            [
                Bar(
                    spaced(component.name),
                    amount,
                    f"{self.numbers.percent(amount, run.total_minor)} · {self.numbers.short(amount)}",
                    "capital" if component.capital else "running",
                    f"{spaced(component.name)}: {self.numbers.money(amount)} {self.currency}",
                )
                for component, amount in rows
            ],
        )
        running = run.total_minor - run.capital_minor
        base, without = run.base_rate, run.base_rate_without_capital
        unit = 10**self.minor_units
        difference = round_to_int((base.amount - without.amount) * unit)
        of_rate = round_to_int(without.amount * unit)
        strip = strips(
            "Cost and base rate, with and without capital",
            [
                Column(
                    "cost",
                    [
                        ("running", running, f"running cost {self.numbers.money(running)}"),
                        ("capital", run.capital_minor, f"capital {self.numbers.money(run.capital_minor)}"),
                    ],
                    self.numbers.short(run.total_minor),
                ),
                Column(
                    "without capital",
                    [("running", running, self.numbers.money(running))],
                    self.numbers.short(running),
                ),
            ],
        )
        booked = sum(map(sum, run.inputs.ledger.values()))
        return (
            "<h2>What care costs</h2>"
            '<p class="quiet"><span class="key" style="background:var(--running)"></span>running cost'
            '<span class="key" style="background:var(--capital)"></span>capital</p>'
            f"<figure>{drawn}<figcaption>Cost by component, {self.currency}.</figcaption></figure>"
            f"<figure>{strip}<figcaption>A weight of 1 is paid {money(of_rate)} without capital, and "
            f"{money(difference)} more with it. mn = million, bn = thousand million {self.currency}."
            "</figcaption></figure>"
            f"<p>Ledger {money(booked)} + depreciation and financing of assets "
            f"{money(run.total_minor - booked)} = allocated {money(run.total_minor)}. "
            "Nothing is lost on the way.</p>"
        )

    def _depreciation(self) -> str:
        charges = self.run.inputs.charges
        names = [
            of.name
            for of in self.parameters.asset_classes
            if any(amounts[of.name] for amounts in charges.by_year.values())
        ]
        colour = {name: f"s{number % 6 + 1}" for number, name in enumerate(names)}
        drawn = columns(
            "Depreciation by year",
            [
                Column(
                    str(year),
                    [
                        (
                            colour[name],
                            amounts.get(name, 0),
                            f"{spaced(name)} {year}: {self.numbers.money(amounts[name])}",
                        )
                        for name in names
                        if amounts.get(name)
                    ],
                    self.numbers.short(sum(amounts.values())),
                    strong=year == self.parameters.start.year,
                )
                for year, amounts in charges.by_year.items()
            ],
        )
        key = "".join(
            f'<span class="key" style="background:var(--{colour[name]})"></span>{escape(spaced(name))}'
            for name in names
        )
        by_class = html_table(
            ("class", "in use", "past life", "cost", "carrying amount", "charged", "financing cost"),
            (
                (
                    spaced(name),
                    f"{totals.assets:,}",
                    f"{totals.past_life:,} ({self.numbers.percent(totals.past_life, totals.assets)})",
                    self.numbers.money(totals.gross_minor),
                    self.numbers.money(totals.carrying_minor),
                    self.numbers.money(totals.depreciation_minor),
                    self.numbers.money(totals.interest_minor),
                )
                for name, totals in charges.by_class.items()
                if totals.assets
            ),
            numbers=6,
        )
        past = charges.past_life
        listed = html_table(
            ("hospital", "asset", "name", "class", "centre", "cost", "source"),
            (
                (
                    asset.provider_id,
                    asset.asset_id,
                    asset.name,
                    spaced(asset.asset_class.name),
                    asset.cost_centre,
                    self.numbers.money(asset.stretches[-1].opening_minor),
                    asset.place,
                )
                for asset in past[:MOST_ROWS]
            ),
            numbers=0,
        )
        return (
            f'<h2>Capital</h2><p class="quiet">{key}</p><figure>{drawn}<figcaption>Depreciation by calendar '
            "year "
            "of the assets there are; later years show what runs out unless it is renewed (without assets by "
            f"units of production).</figcaption></figure>{by_class}"
            f"<details><summary>Past their life, in use and charging nothing: {counted(len(past), 'asset')}"
            f"{of_them(past, MOST_ROWS)}</summary>{listed}</details>"
        )

    def _allocation(self) -> str:
        methods = self.run.by_method()
        codes: dict[str, None] = {}
        for found in methods.values():
            codes.update(dict.fromkeys(found or ()))
        chosen = self.parameters.method
        table = html_table(
            (
                "treating centre",
                *(f"{spaced(method)}{' (used)' if method is chosen else ''}" for method in methods),
            ),
            (
                (
                    code,
                    *(
                        "" if found is None else self.numbers.money(found.get(code, 0))
                        for found in methods.values()
                    ),
                )
                for code in codes
            ),
            numbers=len(AllocationMethod),
        )
        impossible = [spaced(method) for method, found in methods.items() if found is None]
        note = f"<p>Not possible with these statistics: {', '.join(impossible)}.</p>" if impossible else ""
        return (
            "<h2>Allocation</h2><p>What treating centres cost with what is passed on to them, all hospitals "
            f"together, {self.currency}.</p>{table}{note}{self._orders()}"
        )

    def _orders(self) -> str:
        """In which order each hospital's centres are passed on under step-down, the commonest order first."""
        by_order: dict[tuple[str, ...], list[str]] = {}
        for of in self.run.costs:
            by_order.setdefault(of.order, []).append(of.provider_id)
        rows = [
            (
                f"{len(providers):,}",
                ", ".join(providers[:MOST_NAMES]) + (", …" if len(providers) > MOST_NAMES else ""),
                " → ".join(order) or "nothing to pass on",
            )
            for order, providers in sorted(by_order.items(), key=lambda row: -len(row[1]))
        ]
        listed = html_table(("hospitals", "which", "order of passing on"), rows[:MOST_ROWS], numbers=0)
        said = "one order for all hospitals" if len(rows) == 1 else f"{len(rows):,} orders"
        return f"<details><summary>Step-down: {said}{of_them(rows, MOST_ROWS)}</summary>{listed}</details>"

    def _unit_costs(self) -> str:
        kept, activity = self.run.kept, self.run.inputs.activity
        names = self.run.inputs.component_names
        rows = []
        for key in kept.keys[:MOST_ROWS]:
            cases, bed_days = kept.counts[key]
            total = self._estimate(key, range(len(names)), 1)
            capital = [
                number for number, component in enumerate(self.parameters.components) if component.capital
            ]
            rows.append(
                (
                    activity.drg_codes[key[0]],
                    activity.care_settings[key[1]],
                    f"{cases:,}",
                    f"{self.run.trimmed.left_out.get(key, 0):,}",
                    f"{bed_days:,}",
                    self.numbers.money(self._estimate(key, range(len(names)), cases)) if cases else "",
                    self.numbers.money(self._estimate(key, range(len(names)), bed_days)) if bed_days else "",
                    self.numbers.percent(self._estimate(key, capital, 1), total),
                )
            )
        table = html_table(
            (
                "group",
                "care setting",
                "cases",
                "outliers",
                "bed-days",
                "cost a case",
                "cost a bed-day",
                "capital",
            ),
            rows,
            numbers=6,
        )
        left_out = sum(self.run.trimmed.left_out.values())
        missing = self.run.groups_without_cases
        without = ""
        if missing:
            codes = escape(", ".join(missing[:MOST_ROWS]))
            without = (
                f"<p>{counted(len(missing), 'group')} without a case, so without a weight, and not in the "
                f"schedule{of_them(missing, MOST_ROWS)}: {codes}.</p>"
            )
        return (
            f"<h2>Unit costs</h2><p>Means over all hospitals, {self.currency}; {left_out:,} outliers are "
            "left out "
            "of means, never of costs. A bed-day of a group costs all that its cases cost, over their "
            "bed-days."
            f"</p>{without}<details><summary>Groups{of_them(kept.keys, MOST_ROWS)}</summary>{table}"
            "</details>"
        )

    def _estimate(self, key: GroupKey, components: Sequence[int], count: int) -> int:
        """A cost per case or bed-day to the minor unit, half up, from bounds far finer than that."""
        from tariffcore.costing.enclosures import Enclosed

        precision = 96
        enclosed = self.run.kept.enclosed([key], components, precision)
        low, _ = ratio_bounds(enclosed, Enclosed(1, 0), Fraction(1, count << precision))
        return round_to_int(low)

    def _reproducing(self) -> str:
        lines = "".join(
            f"<li><code>{escape(line.strip())}</code></li>" for line in schedule_comments(self.run.inputs)[""]
        )
        return (
            f"<h2>To get the same again</h2><ul>{lines}</ul><p class='quiet'>tariffcore {ENGINE_VERSION}; "
            "schedule "
            f"digest <code>{self.schedule.digest}</code>; {escape(self.schedule.base_rate.source)}</p>"
        )
