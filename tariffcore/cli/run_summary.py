"""The summary of a run of pricing, as people read it: cases and money, by everything a fund asks by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tariffcore.cli.screen import banner, say, say_bold, show
from tariffcore.cli.tables import percent, show_facts, table
from tariffcore.labelling import Labels
from tariffcore.statuses import STATUS_MEANING, CaseStatus
from tariffcore.summary import Summary, Tally

if TYPE_CHECKING:
    from tariffcore.batch import BatchReport

TOP_PROVIDERS = 10
MOST_ROWS = 36
"""Months and the like beyond this many are shown by year, or summed up as others."""


class DisagreementError(Exception):
    """The totals of a run contradict each other."""


def check_totals(summary: Summary) -> None:
    """Every row read is priced or rejected, and the same cases and money stand in every breakdown.

    Breakdowns are counted apart from each other, so a row lost or counted twice in one of them shows.
    Raises DisagreementError with what does not agree.
    """
    rejected = sum(tally.cases for status, tally in summary.by_status.items() if status is not CaseStatus.OK)
    disagreements = []
    if summary.priced + rejected != summary.read:
        disagreements.append(f"priced {summary.priced} + rejected {rejected} is not read {summary.read}")
    for name, parts in (
        ("payment method", summary.by_method),
        ("care setting", summary.by_setting),
        ("month", summary.by_month),
        ("edition", summary.by_schedule),
        ("provider", summary.by_provider),
        ("funding source", summary.by_funding_source),
    ):
        if not parts and name in ("provider", "funding source"):
            continue  # the file has no such column, or no case was priced
        total = _total(parts.values())
        if (total.cases, total.amount_minor) != (summary.priced, summary.amount_minor):
            disagreements.append(
                f"by {name} there are {total.cases} cases and {total.amount_minor} minor units, "
                f"in all {summary.priced} and {summary.amount_minor}"
            )
    if disagreements:
        raise DisagreementError("the totals do not agree, do not use the output: " + "; ".join(disagreements))


def _total(tallies: Iterable[Tally]) -> Tally:
    total = Tally()
    for tally in tallies:
        total.add(tally.cases, tally.amount_minor)
    return total


@dataclass(frozen=True)
class RunSummary:
    """Prints what a run did; words in the language of the labels."""

    report: BatchReport
    labels: Labels
    cases_path: Path
    output_path: Path
    rejects_path: Path | None

    def print(self) -> None:
        """Everything: banner, editions, tables. The last line is `last_line`'s, not this one's."""
        self._head()
        self._by_status()
        summary = self.report.summary
        if summary.priced:
            terms = self.labels.sections["term"]
            methods = {self._word("method", name): tally for name, tally in _sorted(summary.by_method)}
            self._breakdown(terms["by_method"], terms["method"], methods)
            settings = {
                self._word("care_setting", name): tally for name, tally in _sorted(summary.by_setting)
            }
            self._breakdown(terms["by_setting"], terms["care_setting"], settings)
            self._breakdown(terms["by_month"], terms["month"], _months(summary.by_month))
            self._breakdown(terms["schedule_id"], terms["schedule_id"], summary.by_schedule)
            if summary.by_provider:
                self._providers(summary.by_provider)
            if summary.by_funding_source:
                funding = {
                    self._word("funding_source", name): tally
                    for name, tally in self._most(summary.by_funding_source).items()
                }
                self._breakdown(terms["funding_source"], terms["funding_source"], funding)
            if summary.by_component:
                self._components(summary.by_component)
            if summary.has_claims:
                self._claims()
        say()

    def print_origin(self) -> None:
        """What priced the file, for a run that prints little and an output that cannot say so itself."""
        show_facts([(self.labels.term("engine"), f"tariffcore {self.report.sources.engine_version}")])
        self._digests()

    def last_line(self) -> str:
        """``priced 98,366 + rejected 1,634 = 100,000 read; amount 1,234.50 KZT; rejects in rejects.csv``."""
        summary, labels = self.report.summary, self.labels
        counts = {"priced": summary.priced, "rejected": summary.rejected, "read": summary.read}
        money = {"amount": self._money(summary.amount_minor), "currency": self._currency}
        line = labels.sentence(
            "part", "run_total", {**{name: str(count) for name, count in counts.items()}, **money}
        )
        if self.rejects_path is not None:
            line += "; " + labels.sentence("part", "rejects_in", {"path": str(self.rejects_path)})
        elif summary.rejected:
            line += "; " + labels.sections["part"]["rejects_say_why"]
        return line

    # --- the parts

    def _head(self) -> None:
        sources = self.report.sources
        used = {edition.id for edition in sources.editions if edition.synthetic}
        if used:
            names = ", ".join(sorted(used))
            banner([self.labels.sentence("part", "synthetic", {"schedule_id": names}), ""])
        encoding = self.report.encoding
        read = str(self.cases_path)
        rows = [
            (self.labels.term("read"), read if encoding in (None, "utf-8") else f"{read} ({encoding})"),
            (self.labels.term("priced"), str(self.output_path)),
        ]
        if self.rejects_path is not None:
            rows.append((self.labels.term("rejected"), str(self.rejects_path)))
        for position, schedule in enumerate(sources.editions):
            label = self.labels.term("schedule") if position == 0 else ""
            rows.append((label, f"{schedule.id}: {schedule.title}"))
        if sources.as_of is not None:
            rows.append((self.labels.term("as_of"), self.labels.date(sources.as_of.isoformat())))
        rows.append((self.labels.term("engine"), f"tariffcore {sources.engine_version}"))
        ignored = self.report.ignored_columns
        if ignored:
            rows.append((self.labels.term("not_read"), ", ".join(ignored)))
        mended = self.report.summary.mended_codes
        if mended:
            counts = (f"{self._number(count)} {self._word('mend', mend)}" for mend, count in mended.items())
            rows.append((self.labels.term("mended_codes"), ", ".join(counts)))
        show_facts(rows)
        self._digests()

    def _digests(self) -> None:
        """Whole: a CSV has no place for them, so a summary that is kept stands for its origin."""
        sources = self.report.sources
        say(f"{self.labels.term('digest')}:")
        width = max(len(schedule.id) for schedule in sources.editions)
        for schedule in sources.editions:
            say(f"  {schedule.id.ljust(width)}  {schedule.digest}")

    def _by_status(self) -> None:
        summary = self.report.summary
        rows = []
        for status, tally in sorted(
            summary.by_status.items(),
            key=lambda item: (item[0] is not CaseStatus.OK, -item[1].cases, item[0]),
        ):
            english = self.labels.language == "en"
            meaning = STATUS_MEANING[status] if english else self.labels.status(status)
            rows.append(
                (
                    status.name,
                    meaning,
                    self._number(tally.cases),
                    percent(tally.cases, summary.read, self.labels),
                )
            )
        terms = self.labels.sections["term"]
        if len(rows) != 1:
            rows.append((terms["total"], "", self._number(summary.read), ""))
        self._titled(terms["by_status"])
        show(table([terms["status"], "", terms["cases"], "%"], rows, numbers=2))

    def _breakdown(self, title: str, column: str, tallies: Mapping[str, Tally]) -> None:
        rows = [
            (
                name or f"({self.labels.sections['part']['nothing']})",
                self._number(tally.cases),
                self._money(tally.amount_minor),
                percent(tally.amount_minor, self.report.summary.amount_minor, self.labels),
            )
            for name, tally in tallies.items()
        ]
        if len(rows) != 1:
            total = _total(tallies.values())
            rows.append(
                (
                    self.labels.term("total"),
                    self._number(total.cases),
                    self._money(total.amount_minor),
                    percent(total.amount_minor, self.report.summary.amount_minor, self.labels),
                )
            )
        self._titled(title)
        terms = self.labels.sections["term"]
        show(table([column, terms["cases"], f"{terms['money']}, {self._currency}", "%"], rows, numbers=3))

    def _providers(self, tallies: Mapping[str, Tally]) -> None:
        title = self.labels.term("top_providers")
        if len(tallies) > TOP_PROVIDERS:
            title += f" ({TOP_PROVIDERS} / {self._number(len(tallies))})"
        self._breakdown(title, self.labels.term("provider_id"), self._most(tallies, TOP_PROVIDERS))

    def _most(self, tallies: Mapping[str, Tally], most: int = MOST_ROWS) -> dict[str, Tally]:
        """Those with the most money, and all others as one."""
        ordered = sorted(tallies.items(), key=lambda item: (-item[1].amount_minor, item[0]))
        kept = dict(ordered[:most])
        if len(ordered) > most:
            # a name of its own, for a provider may be called just that
            kept[f"{self.labels.term('other')} ({self._number(len(ordered) - most)})"] = _total(
                tally for _, tally in ordered[most:]
            )
        return kept

    def _components(self, by_component: Mapping[str, int]) -> None:
        capital = self.report.sources.capital_components
        total = self.report.summary.amount_minor
        terms = self.labels.sections["term"]
        rows = [
            (
                self._word("component", name) + (f" ({terms['capital']})" if name in capital else ""),
                self._money(amount_minor),
                percent(amount_minor, total, self.labels),
            )
            for name, amount_minor in by_component.items()
        ]
        without = total - sum(by_component.values())  # services, and groups without a profile
        if without:
            nothing = f"({self.labels.sections['part']['nothing']})"
            rows.append((nothing, self._money(without), percent(without, total, self.labels)))
        rows.append((terms["total"], self._money(total), percent(total, total, self.labels)))
        self._titled(terms["component"])
        show(table([terms["component"], f"{terms['money']}, {self._currency}", "%"], rows, numbers=2))

    def _claims(self) -> None:
        summary, terms = self.report.summary, self.labels.sections["term"]
        rows = [
            (terms[word], self._number(tally.cases), self._signed(tally.amount_minor))
            for word, tally in (
                ("overbilled", summary.claimed_over),
                ("underbilled", summary.claimed_under),
                ("agreed", Tally(summary.claimed_equal, 0)),
            )
        ]
        self._titled(terms["claimed_amount"])
        show(table(["", terms["cases"], f"{terms['difference']}, {self._currency}"], rows, numbers=2))

    # --- words and numbers

    @property
    def _currency(self) -> str:
        return self.report.sources.editions[0].currency

    def _money(self, amount_minor: int) -> str:
        return self.labels.minor(amount_minor, self.report.sources.editions[0].minor_units)

    def _signed(self, amount_minor: int) -> str:
        return ("+" if amount_minor > 0 else "") + self._money(amount_minor)

    def _number(self, count: int) -> str:
        return self.labels.number(str(count))

    def _word(self, section: str, key: str) -> str:
        return self.labels.word(section, key) if key else ""

    @staticmethod
    def _titled(title: str) -> None:
        say()
        say_bold(title)


def _sorted(tallies: Mapping[str, Tally]) -> list[tuple[str, Tally]]:
    return sorted(tallies.items(), key=lambda item: (-item[1].amount_minor, item[0]))


def _months(by_month: Mapping[str, Tally]) -> dict[str, Tally]:
    """By month in their order; by year where there are too many months to read."""
    months = dict(sorted(by_month.items()))
    if len(months) <= MOST_ROWS:
        return months
    years: dict[str, Tally] = {}
    for month, tally in months.items():
        years.setdefault(month[:4], Tally()).add(tally.cases, tally.amount_minor)
    return years
