from __future__ import annotations

import csv
import re
import shutil
import subprocess
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from tariffcore.costing.example import write_example
from tariffcore.costing.report import render_report, write_report
from tariffcore.costing.run import run_costing
from tariffcore.errors import CostingError
from tariffcore.plots import Bar, bars, scaled, two_sided
from tests.costing.small_costs import FILES, replaced, with_row, write_costs

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    write_example(folder / "example")
    return run_costing(folder / "example")


class Tags(HTMLParser):
    """Whether every tag is closed, and what the page asks from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.seen.append(tag)
        if tag not in ("meta", "link", "line", "rect", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag in ("line", "rect"):
            return
        assert self.open.pop() == tag


def test_the_page_is_whole_and_asks_for_nothing(example):
    page = render_report(example, example.schedule)
    tags = Tags()
    tags.feed(page)
    assert tags.open == []
    assert tags.seen.count("svg") == 6
    assert "script" not in tags.seen
    assert not re.search(r"https?://|src=|@import|url\(", page)
    for words in (
        "SYNTHETIC: made-up numbers",
        "What care costs",
        "Depreciation by calendar year",
        "Weights against kz-demo-2026",
        "Which hospitals gain and lose",
        "Nothing is lost on the way",
        example.inputs.digest,
    ):
        assert words in page


def test_names_of_the_inputs_cannot_become_markup(tmp_path):
    changes = replaced("groups.csv", "Infection", "<script>alert(1)</script>")
    changes |= replaced("costing.toml", 'title = "Small"', 'title = "<b>Small</b> & co"')
    changes["costing.toml"] = changes["costing.toml"].replace(
        'like = "kz-2026"', 'like = "kz-2026"\ncurrent = "kz-2026"'
    )
    run = run_costing(write_costs(tmp_path / "costs", changes))
    page = render_report(run, run.schedule)
    assert "<script>" not in page
    assert "&lt;b&gt;Small&lt;/b&gt; &amp; co" in page


def test_every_order_of_step_down_is_told(tmp_path):
    """Not only that of the first hospital: one may order its centres in its own way."""
    run = run_costing(write_costs(tmp_path / "one"))
    assert "Step-down: one order for all hospitals" in render_report(run, run.schedule)
    changes = {
        name: FILES[name] + FILES[name].split("\n", 1)[1].replace("H1,", "H2,")
        for name in ("ledger.csv", "assets.csv", "statistics.csv", "treated.csv")
    }
    changes |= with_row("cost_centres.csv", "H2,administration,Administration,overhead,staff,,laundry")
    run = run_costing(write_costs(tmp_path / "costs", changes))
    page = render_report(run, run.schedule)
    assert "Step-down: 2 orders" in page
    assert "<td>H1</td><td>administration → laundry</td>" in page
    assert "<td>H2</td><td>laundry → administration</td>" in page


def test_groups_without_cases_are_named(tmp_path):
    run = run_costing(write_costs(tmp_path / "costs", with_row("groups.csv", "77,Never seen,,")))
    assert "77" not in run.schedule.groups
    page = render_report(run, run.schedule)
    assert "1 group without a case, so without a weight, and not in the schedule: 77." in page


def test_a_report_that_cannot_be_written(tmp_path, example):
    (tmp_path / "report.html").mkdir()
    with pytest.raises(CostingError, match=r"report\.html was not written"):
        write_report(example, example.schedule, tmp_path / "report.html")
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_bars_are_to_scale():
    assert scaled(5, 10, 100) == 50
    assert scaled(5, 0, 100) == 0
    drawn = bars("a", [Bar("full", 200, ""), Bar("half", 100, ""), Bar("nothing", 0, "")])
    assert re.findall(r'<rect [^>]*width="(\d+)"', drawn) == ["400", "200", "1"]
    sides = two_sided("b", [Bar("up", 50, ""), Bar("down", -100, "")])
    assert re.findall(r'width="(\d+)" height="16" rx="2" class="c-(\w+)"', sides) == [
        ("82", "gain"),
        ("165", "loss"),
    ]


@pytest.fixture(scope="module")
def national(tmp_path_factory):
    """The example with the sums of a country."""
    folder = tmp_path_factory.mktemp("national") / "example"
    write_example(folder)
    for name, columns in (
        ("ledger.csv", ["amount"]),
        ("assets.csv", ["acquisition_cost", "residual_value"]),
        ("revaluations.csv", ["revalued_amount"]),
    ):
        with (folder / name).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            rows = [
                {**row, **{column: str(1000 * Decimal(row[column])) for column in columns}} for row in reader
            ]
        with (folder / name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, reader.fieldnames or [])
            writer.writeheader()
            writer.writerows(rows)
    return run_costing(folder)


@pytest.mark.parametrize(
    ("scheme", "size"), [("light", "example"), ("dark", "example"), ("light", "national")]
)
def test_the_page_renders_without_errors(request, tmp_path, scheme, size):
    """In headless Chromium: nothing on the console, all plots there, text readable on its ground, no label
    over another or out of its drawing."""
    example = request.getfixturevalue(size)
    if CHROMIUM is None:
        pytest.skip("chromium is not installed (on Debian: apt-get install chromium)")
    path = tmp_path / "report.html"
    write_report(example, example.schedule, path)
    probe = tmp_path / "probe.html"
    # what the page is drawn with, written into its title by a script that only the probe has
    probe.write_text(
        path.read_text(encoding="utf-8").replace(
            "</body>",
            "<script>const s = getComputedStyle(document.body); const t = document.querySelector('svg text');"
            "const wide = [...document.querySelectorAll('svg text')].filter(e => {const b = e.getBBox();"
            "return b.x < -1 || b.x + b.width > 761}).length;"
            "const over = [...document.querySelectorAll('svg')].flatMap(drawing => {"
            "const boxes = [...drawing.querySelectorAll('text')].map(e => e.getBBox());"
            "return boxes.filter((b, i) => boxes.slice(0, i).some(a => a.x < b.x + b.width &&"
            "b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height))}).length;"
            "document.title = [s.backgroundColor, s.color, getComputedStyle(t).fill, wide, over,"
            "document.querySelectorAll('svg rect').length].join('|')</script></body>",
        ),
        encoding="utf-8",
    )
    plain = chromium(path, tmp_path / "profile", scheme)
    assert [line for line in plain.stderr.splitlines() if "CONSOLE" in line] == []
    assert plain.stdout.count("<svg") == 6
    drawn = chromium(probe, tmp_path / "profile", scheme)
    title = re.search(r"<title>(.*?)</title>", drawn.stdout)
    assert title is not None
    ground, ink, of_plots, wide, over, rectangles = title[1].split("|")
    assert abs(brightness(ground) - brightness(ink)) > 150
    assert abs(brightness(ground) - brightness(of_plots)) > 150
    assert (brightness(ground) > 128) == (scheme == "light")
    assert wide == "0", "labels that leave their drawing"
    assert over == "0", "labels over one another"
    assert int(rectangles) > 50


def brightness(colour: str) -> int:
    return sum(int(part) for part in re.findall(r"\d+", colour)[:3]) // 3


def chromium(page, profile, scheme):
    return subprocess.run(
        [
            CHROMIUM,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--disable-dev-shm-usage",
            f"--user-data-dir={profile}",
            f"--blink-settings=preferredColorScheme={0 if scheme == 'dark' else 1}",
            "--enable-logging=stderr",
            "--v=0",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
