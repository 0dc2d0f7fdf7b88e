"""What was measured as one HTML page without scripts or anything to fetch."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path

from benchmarks import drawing
from benchmarks.report import Section
from benchmarks.workloads import FOLDER

PAGE = FOLDER / "benchmarks.html"
NO_PLOTS = "Left out: the plots, for matplotlib is not installed (pip install 'tariffcore[bench]')."

_STYLE = """
:root { --ground: #fff; --ink: #1d2430; --soft: #5a6473; --faint: #c9ced6; --met: #18794e; --missed: #b4232a;
  --s0: #0b62c4; --s1: #d9480f; --s2: #1b8a5a; --s3: #8a3ffc; --s4: #b8860b; --s5: #c2255c; --s6: #0c8599;
  --s7: #5c3d1e; --s8: #495057; --s9: #66a80f; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181f; --ink: #e6e9ee; --soft: #a2abb8; --faint:
#3d4550;
  --met: #4cc38a; --missed: #ff8a8a; --s0: #6cb0ff; --s1: #ff9b66; --s2: #5fd3a0; --s3: #c2a1ff; --s4:
  #f0c850; --s5: #ff8ab4; --s6: #5fd4e6; --s7: #d6b08c; --s8: #adb5bd; --s9: #b2e05f; } }
@media print { nav { display: none } section { break-inside: avoid } }
body { background: var(--ground); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; margin: 0 auto;
  max-width: 62rem; padding: 1.5rem; }
h1 { font-size: 1.7rem; margin: 0 0 .3rem } h2 { font-size: 1.25rem; margin: 2.6rem 0 .4rem }
h3 { font-size: 1rem; margin: 1.4rem 0 .2rem }
p, figure { margin: .5rem 0 } .soft { color: var(--soft); font-size: .88rem }
nav ul { columns: 2; padding-left: 1.1rem } a { color: var(--s0) }
.wide { overflow-x: auto } table { border-collapse: collapse; font-size: .92rem; margin: .7rem 0 }
th, td { border-bottom: 1px solid var(--faint); padding: .25rem .8rem .25rem 0; text-align: left;
vertical-align: top } td.number { font-variant-numeric: tabular-nums; text-align: right; white-space: nowrap }
th.number { text-align: right } .met { color: var(--met) } .missed { color: var(--missed); font-weight: 600 }
svg { display: block; height: auto; max-width: 46rem; width: 100% } code { font-size: .92em }
"""


def write_page(sections: Mapping[str, Section], missing: Sequence[str], path: Path = PAGE) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(page(sections, missing), encoding="utf-8")


def page(sections: Mapping[str, Section], missing: Sequence[str]) -> str:
    links = "".join(
        f'<li><a href="#{name}">{escape(section.title)}</a></li>' for name, section in sections.items()
    )
    said = [NO_PLOTS] if not drawing.can_draw() else []
    said += [f"Not measured: {', '.join(missing)}."] if missing else []
    parts = [
        "<!doctype html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="color-scheme" content="light dark">',
        f"<title>tariffcore: what the benchmarks found</title><style>{_STYLE}</style></head><body>",
        "<h1>tariffcore: what the benchmarks found</h1>",
        "<p>Made by <code>make bench</code>. Contestants took turns in one run, and only after their "
        "results were"
        " found equal; times are medians of rounds, ratios medians of each round's own ratio.</p>",
        *(f"<p><strong>{_prose(words)}</strong></p>" for words in said),
        f"<nav><ul>{links}</ul></nav>",
        *(_section(name, section) for name, section in sections.items()),
        "</body></html>",
    ]
    return "\n".join(parts) + "\n"


def _section(name: str, section: Section) -> str:
    parts = [f'<section id="{name}"><h2>{escape(section.title)}</h2>', f"<p>{_prose(section.about)}</p>"]
    if drawing.can_draw():
        for number, plot in enumerate(section.plots):
            drawn = drawing.svg(plot, f"{name}-{number}")
            parts.append(f"<figure><h3>{escape(plot.title)}</h3>{drawn}</figure>")
    parts.append(_table(section.columns, section.rows))
    if section.goals:
        parts.append(_table(("goal", "wanted", "measured", ""), [goal.row() for goal in section.goals]))
    parts += [f"<p>{_prose(words)}</p>" for words in section.notes]
    parts += [f"<p><strong>Left out:</strong> {_prose(words)}</p>" for words in section.left_out]
    parts.append(f'<p class="soft">{_prose(section.circumstances)}</p></section>')
    return "\n".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    numbers = [bool(rows) and all(_is_number(row[place]) for row in rows) for place in range(len(columns))]

    def cell(kind: str, place: int, text: str) -> str:
        of_kind = ' class="number"' if numbers[place] else ""
        of_kind = {"met": ' class="met"', "**not met**": ' class="missed"'}.get(text, of_kind)
        return f"<{kind}{of_kind}>{_prose(text)}</{kind}>"

    head = "".join(cell("th", place, text) for place, text in enumerate(columns))
    body = "".join(
        f"<tr>{''.join(cell('td', place, text) for place, text in enumerate(row))}</tr>" for row in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[-+]?[\d.,]*(e[-+]?\d+)?", text) is not None


def _prose(text: str) -> str:
    """The little Markdown that sections use."""
    html = escape(text, quote=False)
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", html)
    html = re.sub(r"\*\*([^*]+)\*\*", r"<strong>\1</strong>", html)
    return re.sub(r"\*([^*\n]+)\*", r"<em>\1</em>", html)
