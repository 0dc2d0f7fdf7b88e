"""Settlement statements for people and programs: JSON, CSV, XLSX, and a page to print."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from tariffcore.errors import Problem, SettlementError
from tariffcore.html_page import html_page, write_page
from tariffcore.labelling import Labels, labels_in
from tariffcore.money import format_minor
from tariffcore.settlement.deadlines import deadlines
from tariffcore.settlement.lost_lines import LostLines
from tariffcore.settlement.rules import SettlementRules
from tariffcore.settlement.statement import Statement, StatementStep, totals
from tariffcore.settlement.statement_lines import lines_section, lines_values
from tariffcore.settlement.statement_table import write_statement_table
from tariffcore.settlement.statement_words import detail_in_words, line_name, source_in_words

SUFFIXES = (".json", ".csv", ".xlsx", ".parquet", ".arrow", ".html")
WITH_LINES = (".json", ".xlsx", ".html")
"""Formats that have a place for the lines; one table has not, and the list of lines is another."""


def write_statements(
    found: Sequence[Statement],
    rules: SettlementRules,
    path: Path,
    language: str = "en",
    lost: Mapping[str, LostLines] | None = None,
) -> None:
    """Writes statements in the format of the name's suffix; the file gets its name when it is whole.

    ``lost``: the lines that lost something, by provider; formats that are one table leave them out. Raises
    SettlementError where there is none to write, the suffix is not known, or the month was settled by rules
    of another name (the page and JSON tell of rules that changed since), CasesError where a table cannot be
    written.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise SettlementError(
            "the statement was not written",
            [Problem(str(path), None, path.suffix, "is not a format of statements",
                     f"name a file that ends in {', '.join(SUFFIXES)}")],
        )  # fmt: skip
    if not found:
        raise SettlementError(
            "the statement was not written",
            [Problem(str(path), None, None, "no such month is settled", "settle it first (settle month)")],
        )
    others = {one.run.rules_id: one.run.rules_digest for one in found if one.run.rules_id != rules.id}
    if others:
        raise SettlementError(
            "the statement was not written",
            [Problem("the book", "rules", rules.id, f"the month was settled by {name} ({digest})",
                     f"name those rules (--rules): sources of {rules.id} would stand beside its amounts")
             for name, digest in others.items()],
        )  # fmt: skip
    if suffix == ".json":
        text = json.dumps(
            [statement_values(one, rules, language, _lost(one, lost)) for one in found],
            ensure_ascii=False,
            indent=1,
        )
        write_page(text + "\n", path, SettlementError)
    elif suffix == ".html":
        write_page(render_statements(found, rules, language, lost), path, SettlementError)
    else:
        write_statement_table(found, path, labels_in(language), lost)


def _lost(statement: Statement, lost: Mapping[str, LostLines] | None) -> LostLines | None:
    return None if lost is None else lost[statement.provider_id]


def statement_values(
    statement: Statement, rules: SettlementRules, language: str = "en", lost: LostLines | None = None
) -> dict[str, Any]:
    """A statement as plain values; amounts are decimals of the currency, written as text.

    Codes stay what they are in every language; what they are called stands beside them.
    """
    run, labels = statement.run, labels_in(language)
    days = deadlines(statement.month.year, statement.month.month, rules.deadlines)

    def money(minor: int) -> str:
        return format_minor(minor, run.minor_units)

    return {
        "provider_id": statement.provider_id,
        "region": statement.region,
        "month": str(statement.month),
        "currency": run.currency,
        "synthetic": run.synthetic,
        "payable": money(statement.payable),
        "payment_until": str(days.payment),
        "payment_until_is_working_day": days.payment_is_working_day,
        "rules": {"id": run.rules_id, "digest": run.rules_digest},
        "source_rules_digest": rules.digest,
        "prices": dict(run.pricing),
        "engine_version": run.engine_version,
        "lines_digest": run.lines_digest,
        "totals": {name: money(amount) for name, amount in totals(statement.months).items()},
        "steps": [
            {
                "funding_source": step.funding_source,
                "funding_source_name": labels.word("funding_source", step.funding_source),
                "contract_line": step.contract_line,
                "contract_line_name": line_name(step, labels),
                "step": step.step,
                "label": labels.word("settlement", step.step),
                "kind": "sum" if step.is_sum else "informs" if step.informs else "enters",
                "amount": money(step.amount),
                "detail": detail_in_words(step, labels),
                "source": source_in_words(step.source, labels),
            }
            for step in statement.steps
        ],
        **({} if lost is None else lines_values(lost, labels, run.minor_units)),
    }


def render_statements(
    found: Sequence[Statement],
    rules: SettlementRules,
    language: str,
    lost: Mapping[str, LostLines] | None = None,
) -> str:
    """The page: a statement after the other, each beginning a sheet in print."""
    labels = labels_in(language)
    title = labels.word("settlement", "title")
    sections = [_STYLE, *(_section(one, rules, labels, _lost(one, lost)) for one in found)]
    return html_page(f"{title} {found[0].month}", sections, language)


_STYLE = """<style>
section.statement { break-after: page; }
tr.sum td { font-weight: 650; } tr.informs td { color: var(--quiet); }
td.why { color: var(--quiet); font-size: 12px; }
.signatures { display: flex; gap: 40px; margin-top: 40px; }
.signatures p { flex: 1; border-top: 1px solid var(--ink); padding-top: 4px; }
</style>"""


def _section(statement: Statement, rules: SettlementRules, labels: Labels, lost: LostLines | None) -> str:
    run = statement.run

    def word(key: str) -> str:
        return escape(labels.word("settlement", key))

    days = deadlines(statement.month.year, statement.month.month, rules.deadlines)
    facts = [
        (word("provider"), escape(statement.provider_id)),
        (word("region"), escape(statement.region)),
        (word("month"), str(statement.month)),
        (word("payable"), f"{labels.minor(statement.payable, run.minor_units)} {escape(run.currency)}"),
        (word("payment_until"), labels.date(days.payment.isoformat())),
    ]
    remark = "" if days.payment_is_working_day else f'<p class="quiet">{word("payment_not_moved")}</p>'
    warning = f'<p class="warning">{word("synthetic")}</p>' if run.synthetic else ""
    if rules.digest != run.rules_digest:
        warning += f'<p class="warning">{word("other_rules")}: <code>{rules.digest}</code></p>'
    tiles = "".join(f'<div class="tile"><span>{name}</span><b>{value}</b></div>' for name, value in facts)
    by_source: dict[str, list[StatementStep]] = {}
    for step in statement.steps:
        by_source.setdefault(step.funding_source, []).append(step)
    tables = "".join(
        f"<h2>{escape(labels.word('funding_source', source))}</h2>"
        f"{_steps_table(steps, labels, run.minor_units)}"
        for source, steps in by_source.items()
    )
    lines = "" if lost is None else lines_section(lost, labels, run.minor_units)
    editions = ", ".join(escape(name) for name in run.pricing["editions"])
    note = (
        f'<p class="quiet">{word("rules")}: {escape(run.rules_id)} <code>{run.rules_digest}</code><br>'
        f"{word('prices')}: {editions}; tariffcore {escape(run.engine_version)}<br>"
        f"{word('digest')}: <code>{run.lines_digest}</code></p>"
    )
    signatures = (
        f'<div class="signatures"><p>{word("in_words_provider")}</p><p>{word("in_words_fund")}</p></div>'
    )
    return (
        f'<section class="statement"><h1>{word("title")}</h1>{warning}<div class="tiles">{tiles}</div>'
        f"{remark}{tables}{lines}{note}{signatures}</section>"
    )


def _steps_table(steps: Sequence[StatementStep], labels: Labels, minor_units: int) -> str:
    rows = []
    line: str | None = None
    for step in steps:
        if step.contract_line != line:
            line = step.contract_line
            if line is not None:
                name = escape(labels.word("contract_line", line))
                rows.append(f'<tr class="sum"><td colspan="3">{name}</td></tr>')
        kind = "sum" if step.is_sum else "informs" if step.informs else ""
        of = detail_in_words(step, labels)
        detail = f" <small>{escape(of)}</small>" if of else ""
        rows.append(
            f'<tr class="{kind}"><td>{escape(labels.word("settlement", step.step))}{detail}</td>'
            f'<td class="n">{labels.minor(step.amount, minor_units)}</td>'
            f'<td class="why">{escape(source_in_words(step.source, labels))}</td></tr>'
        )
    head = "".join(
        f"<th{' class=n' if key == 'amount' else ''}>{escape(labels.word('settlement', key))}</th>"
        for key in ("step", "amount", "source")
    )
    return (
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
    )
