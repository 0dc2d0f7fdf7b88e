"""Reports as one HTML page with everything in it: no scripts, nothing from elsewhere, good to print."""

from __future__ import annotations

import secrets
import stat
from collections.abc import Iterable, Sequence
from contextlib import suppress
from html import escape
from pathlib import Path

from tariffcore.errors import Problem, ProblemsError

STYLE = """
:root { color-scheme: light dark;
  --ground: #ffffff; --ink: #1c2530; --quiet: #5b6773; --line: #d5dbe1; --card: #f4f6f8;
  --running: #4f7fb0; --capital: #d9822b; --gain: #2c8a66; --loss: #c0504d;
  --s1: #4f7fb0; --s2: #d9822b; --s3: #2c8a66; --s4: #8a63a8; --s5: #b8a02c; --s6: #6b7a88;
  --s7: #b5556b; --s8: #2a93a3; --s9: #8c6239; --s10: #9aa83a; --s11: #b96bb0; --s12: #31488f; }
@media (prefers-color-scheme: dark) { :root {
  --ground: #14191f; --ink: #e4e9ee; --quiet: #9aa6b2; --line: #36404a; --card: #1d242c;
  --running: #6fa3d8; --capital: #f0a356; --gain: #55b98f; --loss: #e07b77;
  --s1: #6fa3d8; --s2: #f0a356; --s3: #55b98f; --s4: #b592d2; --s5: #d6c055; --s6: #96a5b3;
  --s7: #e08a9d; --s8: #5cc2d1; --s9: #c49a6c; --s10: #c5d36a; --s11: #dd9fd6; --s12: #8094e0; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 20px 60px; max-width: 840px; background: var(--ground); color:
var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; }
h1 { font-size: 26px; line-height: 1.25; margin: 8px 0 4px; }
h2 { font-size: 19px; margin: 36px 0 6px; }
p { margin: 6px 0 12px; } .quiet, figcaption { color: var(--quiet); font-size: 13px; }
.warning { background: var(--capital); color: #14191f; padding: 8px 12px; border-radius: 6px; font-weight:
600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(220px, 1fr)); gap: 10px; margin: 16px
0; }
.tile { background: var(--card); border-radius: 8px; padding: 10px 14px; }
.tile b { display: block; font-size: 18px; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
.tile span { color: var(--quiet); font-size: 13px; }
figure { margin: 10px 0 14px; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--ink); font-size: 13px; } svg text.number { fill: var(--quiet); font-size: 12px; }
svg text.strong { font-weight: 700; } svg .axis { stroke: var(--line); stroke-width: 1; }
.c-running { fill: var(--running); } .c-capital { fill: var(--capital); }
.c-gain { fill: var(--gain); } .c-loss { fill: var(--loss); }
.c-s1 { fill: var(--s1); } .c-s2 { fill: var(--s2); } .c-s3 { fill: var(--s3); }
.c-s4 { fill: var(--s4); } .c-s5 { fill: var(--s5); } .c-s6 { fill: var(--s6); }
.c-s7 { fill: var(--s7); } .c-s8 { fill: var(--s8); } .c-s9 { fill: var(--s9); }
.c-s10 { fill: var(--s10); } .c-s11 { fill: var(--s11); } .c-s12 { fill: var(--s12); }
.key { display: inline-block; width: 11px; height: 11px; border-radius: 2px; margin: 0 5px 0 12px; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; color: var(--quiet); font-weight: 600; border-bottom: 1px solid var(--line); }
th, td { padding: 4px 8px 4px 0; vertical-align: top; } td { border-bottom: 1px solid var(--line); }
th.n { white-space: normal; vertical-align: bottom; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
details { margin: 8px 0; } summary { cursor: pointer; color: var(--quiet); }
code { font-size: 12px; overflow-wrap: anywhere; }
@media print { body { max-width: none; } details > * { display: block; } }
"""


def html_page(title: str, sections: Iterable[str], language: str = "en") -> str:
    """The page as text; the sections are HTML."""
    return (
        f'<!doctype html>\n<html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><title>{escape(title)}</title><style>{STYLE}</style></head>'
        "\n<body>\n" + "\n".join(sections) + "\n</body></html>\n"
    )


def write_page(page: str, path: Path, kind: type[ProblemsError]) -> None:
    """Writes a page; it gets its name when it is whole. Raises the error where it cannot be written."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            # taking its name would put a file in the place of a device, such as /dev/null
            raise _not_written(path, kind, "this is not an ordinary file", "give the name of a file")
        aside.write_text(page, encoding="utf-8")
        aside.replace(path)
    except OSError as error:
        with suppress(OSError):
            aside.unlink()
        message = f"cannot be written ({error.strerror or error})"
        raise _not_written(path, kind, message, "choose a place you may write to") from None


def _not_written(path: Path, kind: type[ProblemsError], message: str, way_out: str) -> ProblemsError:
    return kind(f"the report {path} was not written", [Problem(str(path), None, None, message, way_out)])


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: int) -> str:
    """The last ``numbers`` columns are numbers."""
    first = len(head) - numbers

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(
            f'<{tag} class="n">{escape(cell)}</{tag}>' if at >= first else f"<{tag}>{escape(cell)}</{tag}>"
            for at, cell in enumerate(row)
        )

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    header = cells(head, "th")
    return f'<div class="wide"><table><thead><tr>{header}</tr></thead><tbody>{body}</tbody></table></div>'
