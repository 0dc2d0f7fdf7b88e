"""The fund's month as one HTML page with plots."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from html import escape
from pathlib import Path

from tariffcore.errors import Problem, SettlementError
from tariffcore.html_page import html_page, html_table, write_page
from tariffcore.labelling import labels_in
from tariffcore.money import round_to_int
from tariffcore.plots import Bar, Column, bars, columns, two_sided
from tariffcore.settlement.fund_view import NOT_BY_METHOD, FundView, ViewSums, add_month
from tariffcore.settlement.statement import totals
from tariffcore.settlement.statement_words import source_in_words

SUFFIXES = (".html", ".htm")
MOST_ROWS = 200
MOST_BARS = 12
_COLOURS = tuple(f"s{number}" for number in range(1, 13))
_LABELS = 300


def write_fund_report(view: FundView, path: Path, language: str = "en") -> None:
    """Writes the page. Raises SettlementError where the month is not settled, the name is not that of a page,
    or it cannot be written."""
    if path.suffix.lower() not in SUFFIXES:
        raise SettlementError(
            "the report was not written",
            [Problem(str(path), None, path.suffix, "is not a format of the report, which is a page",
                     f"name a file that ends in {' or '.join(SUFFIXES)}")],
        )  # fmt: skip
    if not view.months:
        raise SettlementError(
            "the report was not written",
            [Problem("the book", None, str(view.month), "the month is not settled", "settle it first")],
        )
    write_page(_Page(view, language).render(), path, SettlementError)


class _Page:
    def __init__(self, view: FundView, language: str) -> None:
        self.view = view
        self.labels = labels_in(language)
        self.minor_units = view.runs[0].minor_units
        self.currency = view.runs[0].currency

    def word(self, key: str) -> str:
        return self.labels.word("settlement", key)

    def money(self, minor: int) -> str:
        return self.labels.minor(minor, self.minor_units)

    def short(self, minor: int) -> str:
        """In millions with one decimal, for a place in a plot."""
        tenths = round_to_int(Fraction(minor * 10, 10**6 * 10**self.minor_units))
        sign = "-" if tenths < 0 else ""
        return f"{sign}{self.labels.number(f'{abs(tenths) // 10}.{abs(tenths) % 10}')} {self.word('million')}"

    def render(self) -> str:
        view = self.view
        title = f"{self.word('fund_title')} {view.month}"
        warning = (
            f'<p class="warning">{escape(self.word("synthetic"))}</p>'
            if any(run.synthetic for run in view.runs)
            else ""
        )
        sections = [
            f"<h1>{escape(title)}</h1>{warning}",
            self._tiles(),
            self._steps(),
            self._by("by_method", self._method, view.by_method, "not_by_method"),
            self._by("by_region", lambda key: key or "–", view.by_region),
            self._components(),
            self._checks(),
            self._providers(),
            self._sources(),
        ]
        return html_page(title, sections, self.labels.language)

    def _tiles(self) -> str:
        sums = totals(self.view.months)
        results = [one.result for one in self.view.months]
        facts = [
            ("providers", self.labels.number(str(self.view.providers))),
            ("lines", self.labels.number(str(sum(one.claims.lines for one in results)))),
            ("claimed", f"{self.money(sums['claimed'])} {self.currency}"),
            ("payable", f"{self.money(sums['payable'])} {self.currency}"),
            ("outstanding", f"{self.money(sum(one.outstanding_advance for one in results))} {self.currency}"),
            ("corrected", f"{self.money(self.view.corrections)} {self.currency}"),
        ]
        tiles = "".join(
            f'<div class="tile"><span>{escape(self.word(key))}</span><b>{escape(text)}</b></div>'
            for key, text in facts
        )
        return f'<div class="tiles">{tiles}</div>'

    def _steps(self) -> str:
        sums = totals(self.view.months)
        shown = [(key, amount) for key, amount in sums.items() if amount or key in ("claimed", "payable")]
        rows = [
            Bar(self.word(key), amount, self.short(amount), "gain", self.money(amount))
            for key, amount in shown
        ]
        table = html_table(
            [self.word("step"), f"{self.word('amount')}, {self.currency}"],
            [(self.word(key), self.money(amount)) for key, amount in sums.items()],
            numbers=1,
        )
        reached = sum(amount for key, amount in sums.items() if key != "payable")
        assert reached == sums["payable"], "the steps of a fund's month sum to what it pays"
        plot = two_sided(self.word("steps"), rows, label_width=_LABELS)
        return f"<h2>{escape(self.word('steps'))}</h2><figure>{plot}</figure>{table}"

    def _by(
        self, title: str, name: Callable[[str], str], sums: Mapping[str, ViewSums], note: str = ""
    ) -> str:
        ordered = sorted(sums.items(), key=lambda one: (one[0] == NOT_BY_METHOD, -one[1].payable, one[0]))
        rows = [
            Bar(name(key), one.payable, self.short(one.payable), "running", self.money(one.payable))
            for key, one in ordered[:MOST_BARS]
        ]
        drawn = two_sided if any(row.value < 0 for row in rows) else bars
        quiet = f"<p class='quiet'>{escape(self.word(note))}</p>" if note else ""
        return (
            f"<h2>{escape(self.word(title))}</h2>"
            f"<figure>{drawn(self.word(title), rows, label_width=_LABELS)}"
            f"<figcaption>{escape(self.word('payable'))}</figcaption></figure>"
            f"{self._sums_table(ordered, name)}{quiet}"
        )

    def _sums_table(self, ordered: Sequence[tuple[str, ViewSums]], name: Callable[[str], str]) -> str:
        """Each row sums to what is payable, as the steps do."""
        shown = (
            "lines", "claimed", "overclaimed", "deducted", "held", "over_plan", "other_items", "recovered",
            "payable", "outstanding",
        )  # fmt: skip
        rows = []
        for key, one in ordered:
            amounts = (
                one.claimed, -one.overclaimed, -one.deducted, -one.held, -one.over_plan, one.other,
                -one.recovered, one.payable, one.outstanding,
            )  # fmt: skip
            rows.append((name(key), self.labels.number(str(one.lines)), *map(self.money, amounts)))
        return html_table(["", *(self.word(key) for key in shown)], rows, numbers=len(shown))

    def _method(self, key: str) -> str:
        return self.word("other_items") if key == NOT_BY_METHOD else self.labels.word("method", key)

    def _components(self) -> str:
        paid = {name: amount for name, amount in self.view.by_component.items() if amount or name is None}
        if set(paid) <= {None}:
            return ""

        def name(key: str | None) -> str:
            if not key:
                return self.word("not_split" if key is None else "other_items")
            return self.labels.word("component", key).replace("_", " ")

        ordered = sorted(paid.items(), key=lambda one: (not one[0], one[0] is not None, -one[1]))
        parts = [
            (_COLOURS[place % len(_COLOURS)], amount, f"{name(key)}: {self.money(amount)}")
            for place, (key, amount) in enumerate(ordered)
            if amount > 0
        ]
        whole = sum(paid.values())
        key_of = "".join(
            f'<span class="key" style="background: var(--{colour})"></span>{escape(hint)}'
            for colour, _, hint in parts
        )
        rows = [
            (name(key), self.money(amount), _percent(amount, whole, self.labels.number))
            for key, amount in ordered
        ]
        plot = columns(self.word("by_component"), [Column(str(self.view.month), parts, self.short(whole))])
        table = html_table(["", f"{self.word('paid')}, {self.currency}", "%"], rows, numbers=2)
        figure = f"<figure>{plot}<figcaption>{key_of}</figcaption></figure>"
        return f"<h2>{escape(self.word('by_component'))}</h2>{figure}{table}"

    def _checks(self) -> str:
        rows = []
        for check in self.view.checks:
            given = self.word("not_given") if check.found is None else self.money(check.found)
            verdict = "" if check.is_kept is None else self.word("kept" if check.is_kept else "not_kept")
            # without contributions there is nothing of which the reserve has to be a share
            required = self.money(check.required) if check.required or check.found is not None else ""
            source = source_in_words(check.source, self.labels)
            rows.append((self.word(f"{check.key}_required"), source, required, given, verdict))
        head = ["", self.word("source"), "≥", self.word("amount"), ""]
        return f"<h2>{escape(self.word('checks'))}</h2>{html_table(head, rows, numbers=3)}"

    def _providers(self) -> str:
        sums: dict[str, ViewSums] = {}
        for one in self.view.months:
            add_month(one.result, sums.setdefault(one.result.provider_id, ViewSums()))
        ordered = sorted(sums.items(), key=lambda one: (-one[1].payable, one[0]))
        more = f" ({MOST_ROWS} / {len(ordered)})" if len(ordered) > MOST_ROWS else ""
        table = self._sums_table(ordered[:MOST_ROWS], str)
        return f"<h2>{escape(self.word('by_provider'))}{more}</h2>{table}"

    def _sources(self) -> str:
        return "".join(
            f"<p class='quiet'>{escape(self.word('rules'))}: {escape(run.rules_id)} "
            f"<code>{run.rules_digest}</code>; "
            f"{escape(self.word('digest'))}: <code>{run.lines_digest}</code>; "
            f"{escape(self.word('set_aside'))}: {sum(run.set_aside.values()):,}; tariffcore "
            f"{escape(run.engine_version)}</p>"
            for run in self.view.runs
        )


def _percent(part: int, whole: int, number: Callable[[str], str]) -> str:
    if not whole:
        return ""
    tenths = round_to_int(Fraction(part * 1000, whole))
    return number(f"{tenths // 10}.{tenths % 10}")
