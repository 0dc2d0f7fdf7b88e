from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from tariffcore.errors import CasesError
from tariffcore.files import load_mapping, open_cases
from tariffcore.files.xlsx_reading import cell_text
from tests.files.reading import HEADER, ROW, read_whole

REGISTER_HEADER = (
    "Ф.И.О.",
    "Дата рождения",
    "rpnID",
    "Дата/время поступления",
    "Дата/время выписки",
    "Проведено койко-дней",
    "Исход пребывания",
    "Исход лечения",
    "Код МКБ-10",
    "Диагноз заключительный",
    "Осложнение",
    "Операция, дата операции",
    "Планово / Экстренно",
    "Предъявленная сумма к оплате",
    "Источник финансирования",
    "Село/Город",
    "Льгота",
    "Наименование стационара выписки",
    "Отделение",
    "Врач",
    "Вид медицинской помощи",
    "ID пролеченного случая",
    "Код КЗГ",
)


def write(path: Path, sheets: dict[str, list[list[object]]]) -> Path:
    book = xlsxwriter.Workbook(path)
    formats = {
        date: book.add_format({"num_format": "dd.mm.yyyy"}),
        datetime: book.add_format({"num_format": "dd.mm.yyyy hh:mm"}),
    }
    for name, rows in sheets.items():
        sheet = book.add_worksheet(name)
        for number, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write_datetime(number, column, cell, formats[type(cell)])
                elif cell is not None:
                    sheet.write(number, column, cell)
    book.close()
    return path


def test_titles_above_the_header_and_blank_rows_are_skipped(tmp_path: Path) -> None:
    rows = [
        ["Отчёт"],
        [],
        [None, "case_id"],
        [None, *HEADER, "Врач"],
        [None, *ROW, "Иванов"],
        [],
        [None, *ROW],
    ]
    path = write(tmp_path / "cases.xlsx", {"Титул": [["Отчёт", "за май"]], "Случаи": rows})
    with open_cases(path) as source:
        assert source.columns == HEADER
        assert source.ignored_columns == ("Врач",)
        (raw,) = source
        chunk = source.parse(raw)
    assert chunk.line_numbers.tolist() == [5, 7]
    assert chunk.table.to_pylist() == [dict(zip(HEADER, ROW, strict=True))] * 2
    assert chunk.table.schema.field("drg_code").type == pa.dictionary(pa.int32(), pa.string())
    assert chunk.table.schema.field("case_id").type == pa.string()


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("", None),
        (12.0, "12"),
        (-0.0, "0"),
        (191723.14, "191723.14"),
        (1e-7, "0.0000001"),
        (1e17, "100000000000000000"),
        (1234567890123456.0, "1234567890123456"),
        (True, "true"),
        (date(2026, 1, 2), "2026-01-02"),
        (datetime(2026, 1, 2, 10, 29, 59, 999_990), "2026-01-02 10:30:00"),
        (datetime(2026, 1, 2, 10, 30, 0, 499_999), "2026-01-02 10:30:00"),
        (time(3, 4), "03:04:00"),
        (timedelta(hours=36), "1 day, 12:00:00"),
        (" А ", " А "),
    ],
)
def test_cells_as_text(cell: object, text: str | None) -> None:
    assert cell_text(cell) == text


def test_a_formula_that_failed_is_not_an_empty_cell(tmp_path: Path) -> None:
    # In the second sheet, away from its corner, and far enough down for several pieces of XML.
    path = tmp_path / "cases.xlsx"
    book = xlsxwriter.Workbook(path)
    book.add_worksheet("A").write_formula(5, 5, "=1/0", None, "#DIV/0!")
    sheet = book.add_worksheet("B & C")
    sheet.write_row(2, 1, [*HEADER, "claimed_amount"])
    for number in range(3, 20_003):
        sheet.write_row(number, 1, ROW)
    sheet.write_formula(4, 6, "=1/0", None, "#DIV/0!")
    sheet.write_formula(20_002, 2, '=IF(A1<B1,"<c",NA())', None, "#N/A")
    sheet.write(5, 6, "#N/A, as text")
    book.close()
    whole = read_whole(open_cases(path, sheet="B & C"))
    claims = {line: row["claimed_amount"] for line, row in zip(whole.lines, whole.rows, strict=True)}
    assert {line: claim for line, claim in claims.items() if claim} == {5: "#DIV/0!", 6: "#N/A, as text"}
    assert [row["drg_code"] for row in whole.rows if row["drg_code"] != "A"] == ["#N/A"]
    assert whole.rows[-1]["drg_code"] == "#N/A"


def test_the_sheet_asked_for_is_read(tmp_path: Path) -> None:
    other = [["case_id"]]
    path = write(tmp_path / "cases.xlsx", {"A": other, "B": [HEADER, ROW], "C": [HEADER, ROW, ROW]})
    assert len(read_whole(open_cases(path)).rows) == 1
    assert len(read_whole(open_cases(path, sheet="C")).rows) == 2
    with pytest.raises(CasesError, match=r"there is no sheet 'D'; known are: A, B, C"):
        open_cases(path, sheet="D")
    with pytest.raises(CasesError, match=r"cases\.xlsx, sheet A: care_setting, discharge_date, "):
        open_cases(path, sheet="A")


def test_a_workbook_without_cases(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match="the workbook is empty"):
        open_cases(write(tmp_path / "cases.xlsx", {"A": []}))
    rows = [["Отчёт о пролеченных", "за", "май", "2026", "года", "все"], ["case_id", "drg_kode"]]
    with pytest.raises(CasesError, match="did you mean 'drg_kode'"):
        open_cases(write(tmp_path / "cases.xlsx", {"A": rows}))
    assert read_whole(open_cases(write(tmp_path / "cases.xlsx", {"A": [HEADER]}))).rows == []


def test_chunks_and_sizes(tmp_path: Path) -> None:
    path = write(tmp_path / "cases.xlsx", {"A": [HEADER, *[ROW] * 10]})
    whole = read_whole(open_cases(path, chunk_rows=4))
    assert (whole.chunks, len(whole.rows), whole.lines) == (3, 10, list(range(2, 12)))
    assert path.stat().st_size - 3 <= whole.size_bytes <= path.stat().st_size


def register_row(**changes: object) -> list[object]:
    cells: dict[str, object] = {
        "Ф.И.О.": "Иванов Иван",
        "Дата рождения": date(2008, 3, 2),
        "Дата/время поступления": datetime(2026, 3, 1, 23, 50),
        "Дата/время выписки": "05.03.2026 12:00",
        "Проведено койко-дней": 5,
        "Исход пребывания": "Выписан",
        "Операция, дата операции": "13.73 Факоэмульсификация, 02.03.2026; 14.74",
        "Предъявленная сумма к оплате": 191723.14,
        "Источник финансирования": "ОСМС",
        "Наименование стационара выписки": 'ГКБ "№ 1"',
        "Врач": "Петров",
        "Вид медицинской помощи": "Стационарная помощь (круглосуточный стационар)",
        "ID пролеченного случая": 12345678901,
        "Код КЗГ": 1,
    }
    cells.update(changes)
    return [cells.get(header) for header in REGISTER_HEADER]


def test_the_register_export_is_read_with_its_preset(tmp_path: Path) -> None:
    day_hospital = {"Вид медицинской помощи": "Дневной стационар при круглосуточном стационаре"}
    rows = [
        ["Пролеченные случаи"],
        list(REGISTER_HEADER),
        register_row(),
        register_row(**day_hospital, **{"Исход пребывания": "Өз еркімен кетті", "Дата рождения": None}),
        register_row(**{"Исход пребывания": "Неизвестно", "Вид медицинской помощи": "Иное"}),
    ]
    path = write(tmp_path / "register.xlsx", {"Sheet0": rows})
    with open_cases(path, load_mapping("ersb")) as source:
        assert set(source.ignored_columns) >= {"Ф.И.О.", "Врач", "Проведено койко-дней"}
        assert "Дата рождения" not in source.ignored_columns
    whole = read_whole(open_cases(path, load_mapping("ersb")))
    assert whole.rows[0] == {
        "case_id": "12345678901",
        "provider_id": 'ГКБ "№ 1"',
        "drg_code": "1",
        "care_setting": "inpatient",
        "admission_date": "2026-03-01 23:50:00",
        "discharge_date": "05.03.2026 12:00",
        "outcome": "discharged",
        "age_years": "17",
        "procedure_codes": "13.73;14.74",
        "funding_source": "ОСМС",
        "claimed_amount": "191723.14",
    }
    assert (whole.rows[1]["care_setting"], whole.rows[1]["outcome"]) == ("day_hospital", "self_discharged")
    assert whole.rows[1]["age_years"] is None
    assert (whole.rows[2]["care_setting"], whole.rows[2]["outcome"]) == ("Иное", "Неизвестно")
