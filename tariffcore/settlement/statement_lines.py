"""The lines of a statement that lost something: as plain values, a sheet, and a part of the page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import pyarrow as pa

from tariffcore.labelling import Labels
from tariffcore.money import format_minor
from tariffcore.settlement.line_list import JOINED_BY
from tariffcore.settlement.lost_lines import LostLine, LostLines
from tariffcore.settlement.statement_words import source_in_words

MOST_ON_A_PAGE = 500
"""Lines of one provider on the page; a person reads no more, and a browser shows no more at once."""

_AMOUNTS = ("priced", "claimed", "overclaimed", "deducted", "held", "accepted")
_OF_THE_LIST = (
    "line", "case_id", "provider_id", "funding_source", "contract_line", "line_status", "schedule_id",
    *(f"{name}_amount" for name in _AMOUNTS),
    "defect_codes", "defect_names", "defect_measures", "defect_amounts", "defect_sources", "found_in",
)  # fmt: skip


def lines_values(lost: LostLines, labels: Labels, minor_units: int) -> dict[str, Any]:
    """As plain values: amounts are decimals as text, codes have their names beside them."""

    def money(minor: int) -> str:
        return format_minor(minor, minor_units)

    return {
        "lines_in_month": lost.in_month,
        "lines_set_aside": lost.set_aside,
        "lost_lines": [
            {
                "line": one.line,
                "case_id": one.case_id,
                "funding_source": one.funding_source,
                "funding_source_name": labels.word("funding_source", one.funding_source),
                "contract_line": one.contract_line,
                "contract_line_name": labels.word("contract_line", one.contract_line),
                "line_status": one.line_status,
                "schedule_id": one.schedule_id,
                **{f"{name}_amount": money(getattr(one, name)) for name in _AMOUNTS},
                "defects": [
                    {
                        "code": defect.code,
                        "name": labels.word("defect", defect.name),
                        "measure": defect.measure,
                        "amount": money(defect.taken_off),
                        "source": source_in_words(defect.source, labels),
                        "found_in": defect.found_in,
                    }
                    for defect in one.defects
                ],
                "held_by": one.held_by,
            }
            for one in lost.lines()
        ],
    }


def lines_sheet(lost: Sequence[LostLines], labels: Labels) -> pa.Table:
    """One table of all, as the list of lines has them; names and sources of defects are in the language."""
    parts = []
    for of in lost:
        lines = of.lines()
        in_words = {
            "defect_names": [[labels.word("defect", each.name) for each in one.defects] for one in lines],
            "defect_sources": [
                [source_in_words(each.source, labels) for each in one.defects] for one in lines
            ],
        }
        part = of.table.select(_OF_THE_LIST)
        for name, words in in_words.items():
            cells = pa.array([JOINED_BY.join(each) or None for each in words], pa.string())
            part = part.set_column(part.schema.get_field_index(name), name, cells)
        parts.append(part)
    return pa.concat_tables(parts).unify_dictionaries().combine_chunks()


def lines_section(lost: LostLines, labels: Labels, minor_units: int) -> str:
    """The part of the page: a table of the lines, at most `MOST_ON_A_PAGE`, with their exact sums."""

    def word(key: str) -> str:
        return escape(labels.word("settlement", key))

    counts = (
        f'<p class="quiet">{word("lines_in_month")}: {labels.number(str(lost.in_month))}. '
        f"{word('lines_set_aside')}: {labels.number(str(lost.set_aside))}.</p>"
    )
    if not len(lost):
        return f"<h2>{word('lost_lines')}</h2><p>{word('no_lost_lines')}</p>{counts}"
    shown = lost.lines(MOST_ON_A_PAGE)
    bound = ""
    if len(shown) < len(lost):
        of = f"{labels.number(str(len(shown)))} / {labels.number(str(len(lost)))}"
        bound = f'<p class="warning">{of}. {word("bounded")} (<code>--list-lines</code>)</p>'
    heads = ("priced", "claimed", "overclaimed", "deducted", "held", "into_scale")
    amounts = "".join(f"<th class=n>{word(key)}</th>" for key in heads)
    head = f"<th>{word('case')}</th>{amounts}<th>{word('why')}</th>"
    rows = "".join(_row(one, labels, minor_units) for one in shown)
    sums = "".join(f'<td class="n">{labels.minor(lost.total(name), minor_units)}</td>' for name in _AMOUNTS)
    total = f'<tr class="sum"><td>{word("total")} ({labels.number(str(len(lost)))})</td>{sums}<td></td></tr>'
    return (
        f"<h2>{word('lost_lines')}</h2>{counts}{bound}"
        f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{rows}{total}</tbody></table></div>'
    )


def _row(one: LostLine, labels: Labels, minor_units: int) -> str:
    where = " · ".join(
        (labels.word("contract_line", one.contract_line), labels.word("funding_source", one.funding_source))
    )
    case = labels.shown("name", one.case_id)
    cells = "".join(
        f'<td class="n">{labels.minor(getattr(one, name), minor_units)}</td>' for name in _AMOUNTS
    )
    why = "<br>".join(escape(text) for text in _reasons(one, labels, minor_units))
    return (
        f"<tr><td>{one.line}: {escape(case)}<br><small>{escape(where)}</small></td>{cells}"
        f'<td class="why">{why}</td></tr>'
    )


def _reasons(one: LostLine, labels: Labels, minor_units: int) -> list[str]:
    """In words, each with its amount and source."""

    def reason(words: str, minor: int, *sources: str) -> str:
        named = JOINED_BY.join(source_in_words(source, labels) for source in sources if source)
        return f"{words}: {labels.minor(-minor, minor_units)}" + (f" ({named})" if named else "")

    reasons = []
    if one.overclaimed:
        words = labels.word("settlement", "above_price")
        reasons.append(reason(words, one.overclaimed, one.schedule_id))
    for defect in one.defects:
        name = labels.word("defect", defect.name)
        words = f"{defect.code} {name}, {labels.formula(defect.measure)}"
        reasons.append(reason(words, defect.taken_off, defect.source, defect.found_in))
    if one.held_by is not None:
        words = labels.word("settlement", "under_monitoring")
        reasons.append(reason(words, one.held, one.held_by))
    return reasons
