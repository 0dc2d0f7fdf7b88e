"""The part of a costing report that says what the new schedule changes: weights, and who gains and loses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from html import escape

from tariffcore.costing.report_numbers import MOST_BARS, MOST_ROWS, Numbers, counted, of_them
from tariffcore.costing.run import CostingRun
from tariffcore.html_page import html_table
from tariffcore.money import format_exact, format_minor, round_to_int
from tariffcore.plots import Bar, two_sided
from tariffcore.schedule.model import Schedule


@dataclass(frozen=True)
class Changes:
    """Sections of the page: ``schedule`` against the edition in force, where one was named."""

    run: CostingRun
    schedule: Schedule
    numbers: Numbers

    def weights(self) -> str:
        """Each group's weight beside that in force."""
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
                    f"{'+' if change > 0 else ''}{self.numbers.percent(change, 1)}",
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
                f"tariff now, {self.numbers.currency}",
                "new tariff",
            ),
            (
                (
                    code,
                    names[code].name,
                    format_exact(old),
                    format_exact(weight),
                    f"{'+' if change > 0 else ''}{self.numbers.percent(change, 1)}",
                    self.numbers.money(
                        round_to_int(old * current.base_rate.amount * 10**self.numbers.minor_units)
                    ),
                    self.numbers.money(
                        round_to_int(weight * self.schedule.base_rate.amount * 10**self.numbers.minor_units)
                    ),
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
            f"<details><summary>All {len(changes):,} groups of both editions{of_them(changes, MOST_ROWS)}; "
            f"{len(new):,} are new, {len(gone):,} of {escape(current.id)} had no cases here</summary>"
            f"{table}</details>"
        )

    def _weights_alone(self) -> str:
        table = html_table(
            ("group", "name", "weight", f"tariff, {self.numbers.currency}"),
            (
                (
                    code,
                    self.schedule.groups[code].name,
                    format_exact(weight),
                    self.numbers.money(
                        round_to_int(weight * self.schedule.base_rate.amount * 10**self.numbers.minor_units)
                    ),
                )
                for code, weight in list(self.run.weights.items())[:MOST_ROWS]
            ),
            numbers=2,
        )
        shown = of_them(list(self.run.weights), MOST_ROWS)
        return (
            "<h2>Weights</h2><p>No edition in force was named to compare with: a line "
            f"<code>current</code> in costing.toml names one.</p><details><summary>"
            f"{counted(len(self.run.weights), 'group')}{shown}</summary>{table}</details>"
        )

    def _case_mix(self, codes: Sequence[str], weights: Mapping[str, Fraction]) -> Fraction:
        """The sum of weights over the cases of the weights' care setting."""
        setting = self.run.inputs.parameters.weight_care_setting
        mix = self.run.case_mix
        return sum((weights[code] * mix.get((code, setting), 0) for code in codes), Fraction(0))

    def providers(self) -> str:
        """What each hospital is paid for the same cases, beside what it was and what they cost."""
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
                [Bar(of.provider_id, change, self.numbers.signed(change)) for of, change in drawn],
                label_width=150,
            )
            assert current is not None
            gaining = sum(change > 0 for _, change in changes)
            losing = sum(change < 0 for _, change in changes)
            of_hospitals = f"hospitals that gain: {gaining:,}, that lose: {losing:,}"
            parts.append(
                f"<figure>{figure}<figcaption>Payment of the same cases, new schedule less "
                f"{escape(current.id)}, {self.numbers.currency}: {of_hospitals}"
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
                    f"{self.numbers.signed(of.paid_minor - of.cost_minor)}",
                )
                for of in balance
            ],
            label_width=150,
        )
        parts.append(
            f"<figure>{figure}<figcaption>New payment less the hospital's own cost, "
            f"{self.numbers.currency}.</figcaption>"
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
                    self.numbers.money(of.cost_minor),
                    self.numbers.money(of.capital_cost_minor),
                    self.numbers.money(of.paid_minor),
                    self.numbers.money(of.capital_paid_minor),
                    self.numbers.money(of.paid_minor - of.capital_paid_minor),
                    *([] if of.current_minor is None else [self.numbers.money(of.current_minor)]),
                )
                for of in shown[:MOST_ROWS]
            ),
            numbers=6 + len(under_current),
        )  # fmt: skip
        parts.append(f"<details><summary>All hospitals{of_them(shown, MOST_ROWS)}</summary>{table}</details>")
        return "".join(parts)
