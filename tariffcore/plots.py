"""Plots of the report as SVG that stands in the page: drawn here, in whole pixels.

Why no plotting library: the page must be one file without scripts, readable on light and dark ground and in
print. Those that draw in the browser would add megabytes of script, those that draw images have the colours
of
one ground. What the report needs is bars, and a bar is a rectangle; colours are those of the page's style.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH = 760
_ROW = 26
_BAR = 16


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: its label, its whole length, what to write beside it, the colour's name, the tooltip."""

    label: str
    value: int
    text: str
    colour: str = "running"
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of parts, from the bottom: (colour, value, tooltip)."""

    label: str
    parts: Sequence[tuple[str, int, str]]
    text: str
    strong: bool = False


def scaled(value: int, largest: int, pixels: int) -> int:
    """How many of so many pixels a value takes, the largest taking them all."""
    return 0 if largest <= 0 else value * pixels // largest


def _text(x: int, y: int, words: str, *, anchor: str = "start", kind: str = "") -> str:
    of_kind = f' class="{kind}"' if kind else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{of_kind}>{escape(words)}</text>'


def _rectangle(x: int, y: int, width: int, height: int, colour: str, hint: str) -> str:
    title = f"<title>{escape(hint)}</title>" if hint else ""
    return f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="2" class="c-{colour}">{title}</rect>'


def _drawing(height: int, title: str, parts: Sequence[str]) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" role="img" aria-label="{escape(title)}">'
        + "".join(parts)
        + "</svg>"
    )


def shortened(label: str, characters: int) -> str:
    return label if len(label) <= characters else f"{label[: characters - 1]}…"


def _label(label: str, width: int, y: int) -> str:
    """Left of a bar. Nine pixels a character: wide fonts take that much for Cyrillic, and what is wider than
    its room loses its beginning."""
    return _text(width - 8, y + 13, shortened(label, (width - 8) // 9), anchor="end")


def bars(title: str, rows: Sequence[Bar], *, label_width: int = 230) -> str:
    """Bars to the right from zero, one below the other."""
    room = WIDTH - label_width - 130
    largest = max((row.value for row in rows), default=0)
    parts = []
    for number, row in enumerate(rows):
        y = number * _ROW + 4
        length = scaled(max(row.value, 0), largest, room)
        parts.append(_label(row.label, label_width, y))
        parts.append(_rectangle(label_width, y, max(length, 1), _BAR, row.colour, row.hint or row.label))
        parts.append(_text(label_width + max(length, 1) + 6, y + 13, row.text, kind="number"))
    return _drawing(len(rows) * _ROW + 6, title, parts)


def two_sided(title: str, rows: Sequence[Bar], *, label_width: int = 230) -> str:
    """Bars to the left (below zero) and right of a line."""
    room = (WIDTH - label_width - 200) // 2
    middle = label_width + 100 + room
    largest = max((abs(row.value) for row in rows), default=0)
    height = len(rows) * _ROW + 6
    parts = [f'<line x1="{middle}" y1="0" x2="{middle}" y2="{height}" class="axis"/>']
    for number, row in enumerate(rows):
        y = number * _ROW + 4
        length = max(scaled(abs(row.value), largest, room), 1)
        parts.append(_label(row.label, label_width, y))
        if row.value < 0:
            parts.append(_rectangle(middle - length, y, length, _BAR, "loss", row.hint or row.label))
            parts.append(_text(middle - length - 6, y + 13, row.text, anchor="end", kind="number"))
        else:
            parts.append(_rectangle(middle, y, length, _BAR, "gain", row.hint or row.label))
            parts.append(_text(middle + length + 6, y + 13, row.text, kind="number"))
    return _drawing(height, title, parts)


def columns(title: str, rows: Sequence[Column], *, height: int = 240) -> str:
    """Stacked columns side by side."""
    largest = max((sum(value for _, value, _ in row.parts) for row in rows), default=0)
    room = height - 56
    step = (WIDTH - 20) // max(len(rows), 1)
    wide = step * 6 // 10
    base = height - 26
    parts = [f'<line x1="10" y1="{base}" x2="{WIDTH - 10}" y2="{base}" class="axis"/>']
    for number, row in enumerate(rows):
        x = 10 + number * step + (step - wide) // 2
        total = 0
        top = base
        for colour, value, hint in row.parts:
            total += value
            reached = base - scaled(total, largest, room)
            if top > reached:
                parts.append(_rectangle(x, reached, wide, top - reached, colour, hint))
            top = reached
        kind = "strong" if row.strong else ""
        parts.append(_text(x + wide // 2, base + 17, row.label, anchor="middle", kind=kind))
        parts.append(_text(x + wide // 2, top - 6, row.text, anchor="middle", kind="number"))
    return _drawing(height, title, parts)


def strips(title: str, rows: Sequence[Column], *, label_width: int = 150) -> str:
    """Stacked bars to the right, to one scale: (colour, value, tooltip) from the left."""
    room = WIDTH - label_width - 130
    largest = max((sum(value for _, value, _ in row.parts) for row in rows), default=0)
    parts = []
    for number, row in enumerate(rows):
        y = number * 38 + 4
        parts.append(_text(label_width - 8, y + 18, row.label, anchor="end"))
        total, left = 0, label_width
        for colour, value, hint in row.parts:
            total += value
            reached = label_width + scaled(total, largest, room)
            if reached > left:
                parts.append(_rectangle(left, y, reached - left, 26, colour, hint))
            left = reached
        parts.append(_text(left + 6, y + 18, row.text, kind="number"))
    return _drawing(len(rows) * 38 + 6, title, parts)
