"""The report of a costing run: one HTML page with everything in it, no scripts, nothing from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from html import escape
from pathlib import Path

from tariffcore.costing.enclosures import ratio_bounds
from tariffcore.costing.parameters import AllocationMethod
from tariffcore.costing.run import CostingRun
from tariffcore.costing.schedule_output import schedule_comments
from tariffcore.costing.unit_costs import GroupKey
from tariffcore.errors import CostingError
from tariffcore.html_page import html_page, html_table, write_page
from tariffcore.money import format_exact, format_minor, round_to_int
from tariffcore.plots import Bar, Column, bars, columns, strips, two_sided
from tariffcore.schedule.model import Schedule
from tariffcore.version import ENGINE_VERSION

MOST_ROWS = 200
"""Of long tables; the files of --tables have all."""
MOST_BARS = 12
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

    def render(self) -> str:
        sections = (
            self._head(),
            self._structure(),
            self._depreciation(),
            self._weights(),
            self._providers(),
            self._allocation(),
            self._unit_costs(),
            self._reproducing(),
        )
        return html_page(self.parameters.title, sections)

    # --- numbers

    def money(self, minor: int) -> str:
        return format_minor(minor, self.minor_units, ",")

    def short(self, minor: int) -> str:
        """To tenths of a billion or a million; whole units where that is next to nothing, or all there is.

        At most ten characters up to a thousand trillion: labels of plots have no room for more.
        """
        unit = 10**self.minor_units
        if abs(minor) < 1_000 * unit:
            return self.money(minor)
        if abs(minor) < 1_000_000 * unit:
            return format_minor(round_to_int(Fraction(minor, unit)), 0, ",")
        if abs(minor) >= 10_000_000_000 * unit:
            return format_minor(round_to_int(Fraction(minor * 10, 1_000_000_000 * unit)), 1, ",") + " bn"
        return format_minor(round_to_int(Fraction(minor * 10, 1_000_000 * unit)), 1, ",") + " mn"

    def signed(self, minor: int) -> str:
        return ("+" if minor > 0 else "") + self.short(minor)

    @staticmethod
    def percent(part: int | Fraction, whole: int | Fraction) -> str:
        if not whole:
            return ""
        return format_minor(round_to_int(Fraction(part) * 1000 / Fraction(whole)), 1) + " %"

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
            (self.short(run.total_minor), f"cost of {base.cases:,} cases, {self.currency}"),
            (self.percent(run.capital_minor, run.total_minor), "of the cost is capital"),
            (
                self.short(base.budget_minor - without.budget_minor),
                f"what capital adds to the budget, {self.currency}",
            ),
            (self.money(base.remainder_minor), f"of the budget left by rounding, {self.currency}"),
        )
        shown = "".join(
            f'<div class="tile"><b>{escape(number)}</b><span>{escape(words)}</span></div>'
            for number, words in tiles
        )
        period = f"{self.parameters.start} up to {self.parameters.end}"
        return (
            f"{warning}<h1>{escape(self.parameters.title)}</h1>"
            f'<p class="quiet">{_counted(len(run.inputs.providers), "hospital")}, '
            f"{_counted(len(run.weights), 'group')}, costs of {period} (the last day not included). "
            f"Schedule {escape(self.schedule.id)}, in force from "
            f'{self.schedule.effective_start_date}.</p><div class="tiles">{shown}</div>'
        )

    def _structure(self) -> str:
        run = self.run
        rows = sorted(
            zip(self.parameters.components, run.total_by_component, strict=True), key=lambda row: -row[1]
        )
        drawn = bars(
            "Cost by component",
            [
                Bar(
                    _words(component.name),
                    amount,
                    f"{self.percent(amount, run.total_minor)} · {self.short(amount)}",
                    "capital" if component.capital else "running",
                    f"{_words(component.name)}: {self.money(amount)} {self.currency}",
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
                        ("running", running, f"running cost {self.money(running)}"),
                        ("capital", run.capital_minor, f"capital {self.money(run.capital_minor)}"),
                    ],
                    self.short(run.total_minor),
                ),
                Column("without capital", [("running", running, self.money(running))], self.short(running)),
            ],
        )
        booked = sum(map(sum, run.inputs.ledger.values()))
        return (
            "<h2>What care costs</h2>"
            '<p class="quiet"><span class="key" style="background:var(--running)"></span>running cost'
            '<span class="key" style="background:var(--capital)"></span>capital</p>'
            f"<figure>{drawn}<figcaption>Cost by component, {self.currency}.</figcaption></figure>"
            f"<figure>{strip}<figcaption>A weight of 1 is paid {self.money(of_rate)} without capital, and "
            f"{self.money(difference)} more with it. mn = million, bn = thousand million {self.currency}."
            "</figcaption></figure>"
            f"<p>Ledger {self.money(booked)} + depreciation and financing of assets "
            f"{self.money(run.total_minor - booked)} = allocated {self.money(run.total_minor)}. "
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
                            f"{_words(name)} {year}: {self.money(amounts[name])}",
                        )
                        for name in names
                        if amounts.get(name)
                    ],
                    self.short(sum(amounts.values())),
                    strong=year == self.parameters.start.year,
                )
                for year, amounts in charges.by_year.items()
            ],
        )
        key = "".join(
            f'<span class="key" style="background:var(--{colour[name]})"></span>{escape(_words(name))}'
            for name in names
        )
        by_class = html_table(
            ("class", "in use", "past life", "cost", "carrying amount", "charged", "financing cost"),
            (
                (
                    _words(name),
                    f"{totals.assets:,}",
                    f"{totals.past_life:,} ({self.percent(totals.past_life, totals.assets)})",
                    self.money(totals.gross_minor),
                    self.money(totals.carrying_minor),
                    self.money(totals.depreciation_minor),
                    self.money(totals.interest_minor),
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
                    _words(asset.asset_class.name),
                    asset.cost_centre,
                    self.money(asset.stretches[-1].opening_minor),
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
            f"<details><summary>Past their life, in use and charging nothing: {_counted(len(past), 'asset')}"
            f"{_of_them(past, MOST_ROWS)}</summary>{listed}</details>"
        )

    def _weights(self) -> str:
        current = self.run.inputs.current
        if current is None:
            return self._weights_alone()
        shared = [code for code in self.run.weights if code in current.groups]
        now = self._case_mix(shared, {code: current.groups[code].relative_weight for code in shared})
        scale = self._case_mix(shared, self.run.weights) / now if now else Fraction(1)
        changes = []
        for code in shared:
            weight, old = self.run.weights[code], current.groups[code].relative_weight
            changes.append((weight / (old * scale) - 1, code, old, weight))
        new = [code for code in self.run.weights if code not in current.groups]
        gone = [code for code in current.groups if code not in self.run.weights]
        changes.sort(key=lambda change: change[0])
        most = [change for change in changes if change[0] > 0][-MOST_BARS:][::-1]
        most += [change for change in changes if change[0] < 0][:MOST_BARS][::-1]
        names = self.schedule.groups
        drawn = two_sided(
            "Largest changes of weight",
            [
                Bar(
                    f"{code} {names[code].name}",
                    round_to_int(change * 10_000),
                    f"{'+' if change > 0 else ''}{self.percent(change, 1)}",
                    hint=f"{code} {names[code].name}: {format_exact(old)} to {format_exact(weight)}",
                )
                for change, code, old, weight in most
            ],
        )
        table = html_table(
            (
                "group",
                "name",
                "weight now",
                "new weight",
                "change at equal case mix",
                f"tariff now, {self.currency}",
                "new tariff",
            ),
            (
                (
                    code,
                    names[code].name,
                    format_exact(old),
                    format_exact(weight),
                    f"{'+' if change > 0 else ''}{self.percent(change, 1)}",
                    self.money(round_to_int(old * current.base_rate.amount * 10**self.minor_units)),
                    self.money(round_to_int(weight * self.schedule.base_rate.amount * 10**self.minor_units)),
                )
                for change, code, old, weight in sorted(changes, key=lambda row: -row[0])[:MOST_ROWS]
            ),
            numbers=5,
        )
        return (
            f"<h2>Weights against {escape(current.id)}</h2><figure>{drawn}<figcaption>The largest "
            "changes of a relative weight, at equal case mix: weights in force are first multiplied by "
            f"{format_minor(round_to_int(scale * 10_000), 4)}, so that both editions give these cases the "
            "same sum. Tariffs in the table are as they are.</figcaption></figure>"
            f"<details><summary>All {len(changes):,} groups of both editions{_of_them(changes, MOST_ROWS)}; "
            f"{len(new):,} are new, {len(gone):,} of {escape(current.id)} had no cases here</summary>"
            f"{table}</details>"
        )

    def _weights_alone(self) -> str:
        table = html_table(
            ("group", "name", "weight", f"tariff, {self.currency}"),
            (
                (
                    code,
                    self.schedule.groups[code].name,
                    format_exact(weight),
                    self.money(round_to_int(weight * self.schedule.base_rate.amount * 10**self.minor_units)),
                )
                for code, weight in list(self.run.weights.items())[:MOST_ROWS]
            ),
            numbers=2,
        )
        shown = _of_them(list(self.run.weights), MOST_ROWS)
        return (
            "<h2>Weights</h2><p>No edition in force was named to compare with: a line "
            f"<code>current</code> in costing.toml names one.</p><details><summary>"
            f"{_counted(len(self.run.weights), 'group')}{shown}</summary>{table}</details>"
        )

    def _case_mix(self, codes: Sequence[str], weights: Mapping[str, Fraction]) -> Fraction:
        """The sum of weights over the cases of the weights' care setting."""
        setting = self.parameters.weight_care_setting
        mix = self.run.case_mix
        return sum((weights[code] * mix.get((code, setting), 0) for code in codes), Fraction(0))

    def _providers(self) -> str:
        payments = self.run.payments
        current = self.run.inputs.current
        parts = ["<h2>Which hospitals gain and lose</h2>"]
        shown = list(payments)
        if payments and payments[0].current_minor is not None:
            changes = [(of, (of.new_for_current_minor or 0) - (of.current_minor or 0)) for of in payments]
            changes.sort(key=lambda change: -change[1])
            drawn = changes
            if len(changes) > 2 * MOST_BARS:
                drawn = changes[:MOST_BARS] + changes[-MOST_BARS:]
            figure = two_sided(
                "Payment against the edition in force",
                [Bar(of.provider_id, change, self.signed(change)) for of, change in drawn],
                label_width=150,
            )
            assert current is not None
            gaining = sum(change > 0 for _, change in changes)
            losing = sum(change < 0 for _, change in changes)
            of_hospitals = f"hospitals that gain: {gaining:,}, that lose: {losing:,}"
            parts.append(
                f"<figure>{figure}<figcaption>Payment of the same cases, new schedule less "
                f"{escape(current.id)}, {self.currency}: {of_hospitals}"
                f"{'; the first and last of them are drawn' if len(drawn) < len(changes) else ''}. Tariffs "
                "alone, "
                "without coefficients of providers; only groups that both editions pay.</figcaption></figure>"
            )
            shown = [of for of, _ in changes]
        balance = sorted(payments, key=lambda of: of.cost_minor - of.paid_minor)
        if len(balance) > 2 * MOST_BARS:
            balance = balance[:MOST_BARS] + balance[-MOST_BARS:]
        figure = two_sided(
            "Payment less cost",
            [
                Bar(
                    of.provider_id,
                    of.paid_minor - of.cost_minor,
                    f"{self.signed(of.paid_minor - of.cost_minor)}",
                )
                for of in balance
            ],
            label_width=150,
        )
        parts.append(
            f"<figure>{figure}<figcaption>New payment less the hospital's own cost, "
            f"{self.currency}.</figcaption>"
            "</figure>"
        )
        under_current = [] if current is None else [f"paid under {current.id}"]
        table = html_table(
            (
                "hospital", "cases", "cost", "of it capital", "paid", "of it capital", "paid without capital",
                *under_current,
            ),
            (
                (
                    of.provider_id,
                    f"{of.cases:,}",
                    self.money(of.cost_minor),
                    self.money(of.capital_cost_minor),
                    self.money(of.paid_minor),
                    self.money(of.capital_paid_minor),
                    self.money(of.paid_minor - of.capital_paid_minor),
                    *([] if of.current_minor is None else [self.money(of.current_minor)]),
                )
                for of in shown[:MOST_ROWS]
            ),
            numbers=6 + len(under_current),
        )  # fmt: skip
        parts.append(
            f"<details><summary>All hospitals{_of_them(shown, MOST_ROWS)}</summary>{table}</details>"
        )
        return "".join(parts)

    def _allocation(self) -> str:
        methods = self.run.by_method()
        codes: dict[str, None] = {}
        for found in methods.values():
            codes.update(dict.fromkeys(found or ()))
        chosen = self.parameters.method
        table = html_table(
            (
                "treating centre",
                *(f"{_words(method)}{' (used)' if method is chosen else ''}" for method in methods),
            ),
            (
                (
                    code,
                    *("" if found is None else self.money(found.get(code, 0)) for found in methods.values()),
                )
                for code in codes
            ),
            numbers=len(AllocationMethod),
        )
        impossible = [_words(method) for method, found in methods.items() if found is None]
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
        return f"<details><summary>Step-down: {said}{_of_them(rows, MOST_ROWS)}</summary>{listed}</details>"

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
                    self.money(self._estimate(key, range(len(names)), cases)) if cases else "",
                    self.money(self._estimate(key, range(len(names)), bed_days)) if bed_days else "",
                    self.percent(self._estimate(key, capital, 1), total),
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
                f"<p>{_counted(len(missing), 'group')} without a case, so without a weight, and not in the "
                f"schedule{_of_them(missing, MOST_ROWS)}: {codes}.</p>"
            )
        return (
            f"<h2>Unit costs</h2><p>Means over all hospitals, {self.currency}; {left_out:,} outliers are "
            "left out "
            "of means, never of costs. A bed-day of a group costs all that its cases cost, over their "
            "bed-days."
            f"</p>{without}<details><summary>Groups{_of_them(kept.keys, MOST_ROWS)}</summary>{table}"
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


def _words(name: str) -> str:
    return name.replace("_", " ")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _of_them(rows: Sequence[object], most: int) -> str:
    return f" (the first {most:,} of {len(rows):,})" if len(rows) > most else ""
