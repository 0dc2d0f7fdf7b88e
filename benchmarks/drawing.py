"""Plots as SVG that stands in the page, drawn by matplotlib.

Colours are those of the page's style, so that a plot is readable on light and dark ground: matplotlib is
given colours that nothing else has, and these are replaced by the page's variables. Text stays text.
"""

from __future__ import annotations

import io
import re
from typing import Any

from benchmarks.report import Plot, is_installed

INK, FAINT = "#010203", "#040506"
SERIES = tuple(f"#0a0b{number:02x}" for number in range(10))
MARKERS = "osD^vPX*<>"
_INCHES = (7.6, 3.9)


def can_draw() -> bool:
    return is_installed("matplotlib")


def svg(plot: Plot, name: str) -> str:
    """One plot; ``name`` keeps its ids apart from those of the others on the page."""
    import matplotlib as mpl
    from matplotlib.figure import Figure

    style: Any = {
        "svg.fonttype": "none",
        "svg.hashsalt": name,
        "font.size": 10,
        "font.family": "sans-serif",
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": FAINT,
        "xtick.color": INK,
        "ytick.color": INK,
        "grid.color": FAINT,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
    with mpl.rc_context(style):
        figure = Figure(figsize=_height(plot), layout="constrained")
        axes = figure.add_subplot()
        (_bars if plot.kind == "bars" else _lines)(axes, plot)
        written = io.StringIO()
        figure.savefig(written, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_page(written.getvalue(), plot.title, name)


def _height(plot: Plot) -> tuple[float, float]:
    if plot.kind == "bars":
        count = sum(len(points) for points in plot.series.values())
        return _INCHES[0], 0.9 + 0.36 * count
    return _INCHES


def _lines(axes: Any, plot: Plot) -> None:  # noqa: ANN401
    for number, (label, points) in enumerate(plot.series.items()):
        xs, ys = [x for x, _ in points], [y for _, y in points]
        colour, marker = SERIES[number % len(SERIES)], MARKERS[number % len(MARKERS)]
        axes.plot(xs, ys, color=colour, marker=marker, markersize=5, linewidth=1.6, label=label)
    every = [x for points in plot.series.values() for x, _ in points]
    if min(every) > 0 and max(every) / min(every) > 20:
        axes.set_xscale("log")
        _without_minor_words(axes.xaxis)
    else:
        axes.set_xticks(sorted(set(every)))
        axes.minorticks_off()
    if plot.log_y:
        axes.set_yscale("log")
        _without_minor_words(axes.yaxis)
    else:
        axes.set_ylim(bottom=0)
    if plot.mark is not None:
        axes.axhline(plot.mark, color=INK, linewidth=1, linestyle=(0, (4, 3)))
    axes.set_xlabel(plot.x)
    axes.set_ylabel(plot.y)
    axes.grid(True, axis="y", linewidth=0.5)
    if len(plot.series) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=9)


def _without_minor_words(axis: Any) -> None:  # noqa: ANN401
    """Between two powers of ten words would lie over one another."""
    from matplotlib.ticker import NullFormatter

    axis.set_minor_formatter(NullFormatter())


def _bars(axes: Any, plot: Plot) -> None:  # noqa: ANN401
    rows = [
        (label if len(points) == 1 else f"{label}, {x}", y, number)
        for number, (label, points) in enumerate(plot.series.items())
        for x, y in points
    ]
    rows.reverse()
    places = range(len(rows))
    axes.barh(
        places,
        [y for _, y, _ in rows],
        color=[SERIES[number % len(SERIES)] for *_, number in rows],
        height=0.6,
    )
    axes.set_yticks(places, [label for label, *_ in rows])
    largest = max(y for _, y, _ in rows)
    if plot.log_y:
        axes.set_xscale("log")
        _without_minor_words(axes.xaxis)
    for place, (_, y, _) in zip(places, rows, strict=True):
        axes.annotate(
            f"{y:,.3g}", (y, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9
        )
    axes.set_xlim(right=largest * (3 if plot.log_y else 1.15))
    axes.set_xlabel(plot.y)
    axes.grid(True, axis="x", linewidth=0.5)
    if plot.mark is not None:
        axes.axvline(plot.mark, color=INK, linewidth=1, linestyle=(0, (4, 3)))


def _for_page(text: str, title: str, name: str) -> str:
    """The svg element alone, as wide as there is room, with the page's colours and ids of its own."""
    text = text[text.index("<svg") :]
    text = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", text, count=1)
    text = re.sub(r'(<svg[^>]*?) width="[^"]*"', rf'\1 role="img" aria-label="{title}"', text, count=1)
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'id="([^"]+)"', rf'id="{name}-\1"', text)
    text = re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    text = text.replace("font: 10px 'sans-serif'", "font: 10px sans-serif")
    for number, colour in enumerate(SERIES):
        text = text.replace(colour, f"var(--s{number})")
    return text.replace(INK, "var(--ink)").replace(FAINT, "var(--faint)").strip()
