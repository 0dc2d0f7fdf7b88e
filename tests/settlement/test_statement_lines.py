"""Lines on statements: in each format and language, bounded on a page, and no text is taken for markup."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from tariffcore.labelling import LANGUAGES, labels_in
from tariffcore.settlement import statement_lines
from tariffcore.settlement.calendar_month import Month
from tariffcore.settlement.lost_lines import lost_lines
from tariffcore.settlement.statement import statements
from tariffcore.settlement.statement_outputs import write_statements
from tests.settlement.world import World, terms, visits

JANUARY = Month(2026, 1)


def written(world: World, path: Path, language: str = "en") -> Path:
    found = statements(world.book, world.rules, JANUARY)
    write_statements(found, world.rules, path, language, lost_lines(world.book, found))
    return path


@pytest.fixture
def month(world: World) -> World:
    world.contracts(terms({"outpatient": 10**9}))
    rows = [
        visits(JANUARY, 1, case_id="plain"),
        visits(JANUARY, 2, case_id="<b>dear</b>", claimed_amount="5000.01"),
        visits(JANUARY, 4, case_id="faulty", claimed_amount="10000.00"),
        visits(JANUARY, 8, case_id="held"),
        visits(JANUARY, 1, case_id="held"),
    ]
    inputs = world.inputs(
        defects=[["H1", "faulty", "6.0", "<i>act</i> 3"], ["H1", "faulty", "2.0", "act 4"]],
        held=[["H1", "held", "letter 5"]],
    )
    world.settle(JANUARY, rows, inputs)
    return world


def test_json_has_each_line_with_its_defects(month: World, tmp_path: Path) -> None:
    (found,) = json.loads(written(month, tmp_path / "s.json").read_text(encoding="utf-8"))
    assert (found["lines_in_month"], found["lines_set_aside"]) == (4, 1)
    dear, faulty, held = found["lost_lines"]
    assert (dear["line"], dear["case_id"], dear["overclaimed_amount"]) == (3, "<b>dear</b>", "0.01")
    assert [(one["code"], one["measure"], one["amount"], one["found_in"]) for one in faulty["defects"]] == [
        ("6.0", "30 %", "3000.00", "<i>act</i> 3"),
        ("2.0", "0 %", "0.00", "act 4"),
    ]
    assert (faulty["deducted_amount"], faulty["accepted_amount"]) == ("3000.00", "7000.00")
    assert (held["line_status"], held["held_amount"], held["held_by"]) == ("HELD", "20000.00", "letter 5")
    for name in ("overclaimed", "deducted", "held"):
        assert f"-{sum_of(found, name):.2f}" == found["totals"][name]


def sum_of(found: dict[str, Any], name: str) -> float:
    return sum(float(line[f"{name}_amount"]) for line in found["lost_lines"])  # a few round numbers


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_page_names_defects_in_its_language(month: World, tmp_path: Path, language: str) -> None:
    text = written(month, tmp_path / "s.html", language).read_text(encoding="utf-8")
    labels = labels_in(language)
    assert labels.word("defect", "departure from standards") in text
    assert labels.word("settlement", "lines_set_aside") + ": 1" in text
    assert labels.word("settlement", "bounded") not in text
    assert "<b>dear</b>" not in text
    assert "&lt;b&gt;dear&lt;/b&gt;" in text
    assert "&lt;i&gt;act&lt;/i&gt; 3" in text
    assert "plain" not in text
    assert labels.minor(-300_000, 2) in text
    assert "letter 5" in text


def test_a_page_is_bounded_and_says_so_with_the_sums_of_all(
    month: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement_lines, "MOST_ON_A_PAGE", 1)
    text = written(month, tmp_path / "s.html").read_text(encoding="utf-8")
    assert (
        "1 / 3. Listed are the lines that lost most; the file of lines has all. (<code>--list-lines</code>)"
        in text
    )
    assert "4: faulty" not in text
    assert "5: held" in text
    total = text[text.index("Total (3)") :]
    assert [cell in total for cell in ("0.01", "3,000.00", "20,000.00")] == [True] * 3


def test_a_workbook_has_the_lines_on_a_sheet_of_their_own(month: World, tmp_path: Path) -> None:
    book = CalamineWorkbook.from_path(str(written(month, tmp_path / "s.xlsx", "ru")))
    assert book.sheet_names == ["cases", "note", "строки"]
    header, *rows = book.get_sheet_by_name("строки").to_python()
    assert [row[header.index("случай")] for row in rows] == ["<b>dear</b>", "faulty", "held"]
    assert rows[1][header.index("дефекты")] == "отклонение от стандартов; дефект оформления документации"
    order = "ҚР ДСМ-321/2020, приложение 1, приказ № 19 от 27.02.2026"
    assert rows[1][header.index("основания дефектов")] == f"{order}; {order}"
    assert rows[1][header.index("снято за дефекты")] == 3000
    english = CalamineWorkbook.from_path(str(written(month, tmp_path / "s.xlsx")))
    assert english.get_sheet_by_name("lines").to_python()[0][:2] == ["line", "case_id"]


def test_one_table_has_steps_only_and_no_lost_line_is_said_so(month: World, tmp_path: Path) -> None:
    assert "faulty" not in written(month, tmp_path / "s.csv").read_text(encoding="utf-8")
    february = Month(2026, 2)
    month.settle(february, [visits(february, 1, case_id="next")])
    found = statements(month.book, month.rules, february)
    write_statements(found, month.rules, tmp_path / "f.html", "en", lost_lines(month.book, found))
    assert "No line of the month lost anything." in (tmp_path / "f.html").read_text(encoding="utf-8")
    write_statements(found, month.rules, tmp_path / "without.html")
    assert "No line of the month" not in (tmp_path / "without.html").read_text(encoding="utf-8")


def test_every_defect_that_is_shipped_has_a_name_in_each_language(month: World) -> None:
    names = {defect.name for defect in month.rules.defects.values()}
    for language in LANGUAGES:
        assert set(labels_in(language).sections["defect"]) == names
