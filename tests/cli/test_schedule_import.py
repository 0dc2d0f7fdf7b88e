from __future__ import annotations

from pathlib import Path

import pytest
import xlsxwriter

from tests.cli.running import refused, run, whole_files

ORDER = (
    *("--source", "order No.943 of 26.12.2024", "--published", "2024-12-26"),
    *("--effective-start", "2025-01-01"),
)
HEADER = ("№ п/п", "Код КЗГ", "Наименование", "КЗ", "Тариф, тенге")
ROWS = (
    ("1", "P001", "Bronchopulmonary dysplasia", "22,0576", "3 853 961,88"),
    ("2", "P002", "Newborn up to 750 g, discharged", "21,0321", "3\u00a0674\u00a0783,83"),
    ("3", "P003", "Newborn up to 750 g, died", "7,6839", "1\u2009342\u2009551,22"),
)


def write_order(path: Path, *rows: tuple[str, ...]) -> Path:
    book = xlsxwriter.Workbook(path)
    sheet = book.add_worksheet("Приложение 3")
    sheet.merge_range(0, 0, 0, 4, "Тарифы по клинико-затратным группам")
    sheet.write_row(1, 0, HEADER)
    sheet.merge_range(2, 0, 2, 4, "Неонатальные группы")
    for number, row in enumerate(rows):
        sheet.write_row(3 + number, 0, row)
    book.close()
    return path


@pytest.fixture
def order(tmp_path: Path) -> Path:
    return write_order(tmp_path / "order.xlsx", *ROWS)


def test_a_table_becomes_a_proven_schedule_and_every_row_is_accounted_for(
    order: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "my-2025"
    ran = run("schedule", "import", order, "-o", folder, *ORDER, "--like", "kz-2025")
    assert (ran.code, ran.err) == (0, "")
    words = " ".join(ran.out.split())
    assert "base rate 174,722.63 KZT, worked out from the printed tariffs" in words
    assert "proof 3 printed tariffs reproduced" in words
    assert "D КЗ relative weight, inpatient yes" in words
    assert "note The table has one column of weights: adults and children have the same weight." in words
    assert "3 title of a section Неонатальные группы" in words
    assert ran.last_line.startswith("imported 3 + passed over 3 = 6 rows (")
    checked = run("schedule", "check", folder)
    assert checked.code == 0
    assert "my-2025: order No.943 of 26.12.2024, in force from 2025-01-01" in checked.out
    case = ("--drg", "P001", "--care-setting", "day_hospital", "--age", 0)
    dates = ("--admission", "2025-02-01", "--discharge", "2025-02-09")
    # 22.0576 x 0.4 -> 8.8230, x 174,722.63 = 1,541,577.76
    assert run("explain", "-s", folder, *case, *dates).last_line == "Amount: 1,541,577.76 KZT"


def test_settings_of_ones_own(order: Path, tmp_path: Path) -> None:
    ran = run(
        *("schedule", "import", order, "-o", tmp_path / "x", *ORDER, "--family", "mine", "--id", "mine-1"),
        *("--title", "Mine", "--base-rate", "174722.63", "--effective-end", "2026-01-01", "--strict"),
        *("--decimal-mark", "comma", "--sheet", "Приложение 3", "--child-age-limit", "15", "--all-rows"),
    )
    assert ran.code == 0, ran.err
    shown = run("schedule", "show", tmp_path / "x").out
    assert shown.startswith("mine-1: Mine\n")
    assert "from 2025-01-01 up to 2026-01-01" in shown
    assert "under 15 years" in shown
    assert "174,722.63 KZT, as given" in ran.out


def test_numbers_and_days_as_orders_print_them(order: Path, tmp_path: Path) -> None:
    made = []
    for rate, end in (("174722.63", "2026-01-01"), ("174722,63", "01.01.2026"), ("174 722,63", "1.1.2026")):
        given = ("--family", "kz", "--id", "mine", "--base-rate", rate, "--effective-end", end)
        ran = run("schedule", "import", order, "-o", tmp_path / rate, *ORDER, *given)
        assert ran.code == 0, ran.err
        made.append((tmp_path / rate / "schedule.toml").read_text("utf-8"))
    assert made[0] == made[1] == made[2]


def test_a_row_that_is_not_reproduced_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    wrong = ("3", "P003", "Newborn up to 750 g, died", "7,6839", "1 342 551,23")
    order = write_order(tmp_path / "order.xlsx", *ROWS[:2], wrong)
    given = ("--like", "kz-2025", "--base-rate", "174722.63")
    lines = refused(run("schedule", "import", order, "-o", tmp_path / "x", *ORDER, *given))
    assert lines[0] == "tariffcore: order.xlsx was not imported: 1 problem"
    assert lines[1].startswith("  order.xlsx:6: E (Тариф, тенге): '1 342 551,23': P003")
    assert whole_files(tmp_path) == ["order.xlsx"]


def test_weights_that_nothing_proves_are_named(tmp_path: Path) -> None:
    unproven = tuple((str(n), f"Q{n:03}", "Group", "1,5000", "") for n in range(4, 30))
    order = write_order(tmp_path / "order.xlsx", *ROWS, *unproven)
    ran = run("schedule", "import", order, "-o", tmp_path / "x", *ORDER, "--like", "kz-2025")
    assert "that no printed tariff proves" in " ".join(ran.out.split())
    assert "--all-rows names them" in ran.out
    assert "Q029" not in ran.out
    everything = run(
        "schedule", "import", order, "-o", tmp_path / "y", *ORDER, "--like", "kz-2025", "--all-rows"
    )
    assert "Q029" in everything.out
    strict = refused(
        run("schedule", "import", order, "-o", tmp_path / "z", *ORDER, "--like", "kz-2025", "--strict")
    )
    assert len([line for line in strict if "nothing printed proves the weight" in line]) >= 26


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (ORDER, "say which family of editions the table joins"),
        ((*ORDER, "--like", "kz"), "is a family of 2 editions"),
        ((*ORDER, "--family", "kz", "--base-rate", "174,722"), "could be 174.722 or 174722; write one of"),
        ((*ORDER, "--family", "kz", "--effective-end", "31/12/2025"), "write 2025-12-31"),
        (ORDER[2:], "Missing option '--source'"),
        ((*ORDER, "--family", "kz", "--sheet", "no"), "no"),
    ],
)
def test_unusable_settings(order: Path, tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    lines = refused(run("schedule", "import", order, "-o", tmp_path / "x", *arguments))
    assert says in "\n".join(lines)
    assert whole_files(tmp_path) == ["order.xlsx"]


def test_a_folder_that_is_not_free(order: Path, tmp_path: Path) -> None:
    assert (
        "exists and is not empty"
        in refused(run("schedule", "import", order, "-o", tmp_path, *ORDER, "--family", "kz"))[1]
    )


def test_a_table_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("nothing,here\n1,2\n")
    lines = refused(
        run("schedule", "import", tmp_path / "a.csv", "-o", tmp_path / "x", *ORDER, "--family", "kz")
    )
    assert lines
    assert whole_files(tmp_path) == ["a.csv"]
