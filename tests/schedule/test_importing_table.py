"""Published tables as they arrive: spreadsheets and copied text, proven row by row or refused."""

from __future__ import annotations

import shutil
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tariffcore.errors import ImportTableError
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.importing import DecimalMark, ImportSettings, RowFate, import_table
from tariffcore.schedule.model import AgeClass
from tariffcore.schedule.shipped import resolve

ORDER = "order No.176 of 31.12.2025"
NBSP, NARROW, THIN = "\u00a0", "\u202f", "\u2009"
BASE_2026 = Fraction("175622.79")


@pytest.fixture(scope="module")
def kz_2026():
    return read_schedule(resolve(["kz-2026"])[0])


class Desk:
    """A place to put tables and import them."""

    def __init__(self, folder, like):
        self.folder = folder
        self.like = like
        self.destination = folder / "imported"

    def take(self, path, base_rate=None, **changes):
        asked = {
            "id": "imported",
            "title": "Imported by a test",
            "order": ORDER,
            "published": date(2025, 12, 31),
            "effective_start_date": date(2026, 1, 1),
            "like": self.like,
            **changes,
        }
        report = import_table(
            path, destination=self.destination, base_rate=base_rate, settings=ImportSettings(**asked)
        )
        assert report.imported + report.skipped == report.rows_read == len(report.rows)
        assert report.imported == len(report.schedule.groups)
        assert read_schedule(self.destination) == report.schedule
        return report

    def text(self, text, name="table.csv", encoding="utf-8", **changes):
        path = self.folder / name
        path.write_bytes(text.encode(encoding))
        return self.take(path, **changes)

    def sheet(self, rows, merged=(), name="table.xlsx", **changes):
        path = self.folder / name
        write_sheets(path, {"Лист1": (rows, merged)})
        return self.take(path, **changes)

    def refused(self, take, *arguments, **changes):
        """The problems of an import that must write nothing."""
        with pytest.raises(ImportTableError) as caught:
            take(*arguments, **changes)
        assert not self.destination.exists()
        assert [entry.name for entry in self.folder.iterdir() if entry.is_dir()] == []
        return caught.value.problems


@pytest.fixture
def desk(tmp_path, kz_2026):
    return Desk(tmp_path, kz_2026)


def write_sheets(path, sheets):
    book = xlsxwriter.Workbook(str(path))
    day = book.add_format({"num_format": "dd.mm.yyyy"})
    for name, (rows, merged) in sheets.items():
        sheet = book.add_worksheet(name)
        for area in merged:
            sheet.merge_range(*area, "")
        for r, row in enumerate(rows):
            for c, value in enumerate(row):
                if isinstance(value, datetime):
                    sheet.write_datetime(r, c, value, day)
                elif value is not None:
                    sheet.write(r, c, value)
    book.close()


# The shape of appendix 3 of KR DSM-170/2020 as the legal portals show it: titles over the table, a header
# of two rows with merged cells, spaces inside numbers, a footnote under it.
APPENDIX_3 = [
    ["Приложение 3 к приказу № ҚР ДСМ-170/2020"],
    ["Тарифы, оплата которых осуществляется по клинико-затратным группам"],
    [],
    ["№ п/п", "Код КЗГ", "Наименование", "Стационарные условия"],
    [None, None, None, "КЗ", "тариф,\nтенге"],
    [1, 2, 3, 4, 5],
    ["Неонатальные КЗГ"],
    [1, "P001", "Бронхолегочная  дисплазия", "22,0576", f"3{NBSP}853{NBSP}961,88"],
    [2, "P002", "Новорожденные с весом до 750 г, выписанные", 21.0321, 3674783.83],
    ["№ п/п", "Код КЗГ", "Наименование", "Стационарные условия"],
    [None, None, None, "КЗ", "тариф,\nтенге"],
    [3, "P003*", "Новорожденные с весом до 750 г, умершие", "7,6839", f"1{NARROW}342{THIN}551,22"],
    [],
    ["* ранняя неонатальная смерть оплачивается полностью"],
]
APPENDIX_3_MERGED = [
    (0, 0, 0, 4),
    (1, 0, 1, 4),
    (3, 0, 4, 0),
    (3, 1, 4, 1),
    (3, 2, 4, 2),
    (3, 3, 3, 4),
    (6, 0, 6, 4),
]


def as_text(rows, delimiter=";"):
    width = max(len(row) for row in rows)
    lines = []
    for row in rows:
        cells = ["" if value is None else str(value).replace("\n", " ") for value in row]
        cells = [f'"{cell}"' if delimiter in cell else cell for cell in cells]
        lines.append(delimiter.join(cells + [""] * (width - len(cells))))
    return "\r\n".join(lines) + "\r\n"


def check_appendix_3(report):
    # KR DSM-170/2020 appendix 3 in force 01.01.2025; base rate of order No.943 of 26.12.2024
    assert report.base_rate == Fraction("174722.63") and report.base_rate_worked_out
    assert report.proven_tariffs == 3 and report.unproven == ()
    groups = report.schedule.groups
    assert {code: group.relative_weight for code, group in groups.items()} == {
        "P001": Fraction("22.0576"),
        "P002": Fraction("21.0321"),
        "P003": Fraction("7.6839"),
    }
    assert groups["P001"].name == "Бронхолегочная дисплазия"
    assert groups["P003"].source == f"{ORDER}, row 3"
    assert all(group.relative_weight_child == group.relative_weight for group in groups.values())
    assert [row.published_tariff for row in report.schedule.published_tariffs] == [
        Fraction("3853961.88"),
        Fraction("3674783.83"),
        Fraction("1342551.22"),
    ]
    assert [row.fate for row in report.rows] == [
        RowFate.ABOVE_TABLE,
        RowFate.ABOVE_TABLE,
        RowFate.BLANK,
        RowFate.HEADER,
        RowFate.HEADER,
        RowFate.NUMBERING,
        RowFate.SECTION,
        RowFate.IMPORTED,
        RowFate.IMPORTED,
        RowFate.HEADER_REPEATED,
        RowFate.HEADER_REPEATED,
        RowFate.IMPORTED,
        RowFate.BLANK,
        RowFate.FOOTNOTE,
    ]
    assert (report.imported, report.skipped, report.rows_read) == (3, 11, 14)
    assert report.skipped_by_reason["header repeated"] == 2


def test_a_spreadsheet_with_merged_titles_and_a_header_of_two_rows(desk):
    report = desk.sheet(APPENDIX_3, APPENDIX_3_MERGED)
    check_appendix_3(report)
    assert (report.form, report.sheet) == ("spreadsheet", "Лист1")
    assert [(column.column, column.taken_as, column.imported) for column in report.columns] == [
        ("A", "running number", False),
        ("B", "code of the group", True),
        ("C", "name of the group", True),
        ("D", "relative weight, inpatient", True),
        ("E", "tariff, inpatient", True),
    ]
    toml = (desk.destination / "schedule.toml").read_text(encoding="utf-8")
    assert toml.startswith("# Imported from table.xlsx (sheet Лист1): 3 cost groups, 3 printed tariffs.\n")
    assert "Taken over from kz-2026" in toml
    assert report.schedule.base_rate.source == f"derived from the 3 printed tariffs of {ORDER}"


@pytest.mark.parametrize(
    ("encoding", "delimiter", "form"),
    [
        ("cp1251", ";", "text in cp1251, cut by semicolon"),
        ("utf-8", ";", "text in UTF-8, cut by semicolon"),
        ("utf-8-sig", "\t", "text in UTF-8, cut by tab"),
        ("utf-16", "\t", "text in UTF-16, cut by tab"),
        ("utf-16-le", ";", "text in UTF-16, cut by semicolon"),
        ("utf-16-be", ",", "text in UTF-16, cut by comma"),
        ("utf-8", ",", "text in UTF-8, cut by comma"),
    ],
)
def test_the_same_table_as_text(desk, encoding, delimiter, form):
    rows = [[str(v).replace(".", ",") if isinstance(v, float) else v for v in row] for row in APPENDIX_3]
    text = as_text(rows, delimiter)
    if encoding == "cp1251":  # has neither Қ nor thin spaces
        text = text.replace("Қ", "К").replace(NARROW, " ").replace(THIN, NBSP)
    report = desk.text(text, encoding=encoding)
    check_appendix_3(report)
    assert report.form == form


def test_kazakh_text_in_its_older_code_page(desk):
    text = (
        "КШТ коды;Атауы;Шығын сыйымдылығының коэффициенті;Тариф, теңге\n1;Сепсис қозғалуы;3,9114;686 930,98\n"
    )
    report = desk.text(text, encoding="kz1048")
    assert report.schedule.groups["1"].name == "Сепсис қозғалуы"
    assert report.form == "text in KZ-1048, cut by semicolon"


def test_day_hospital_columns_are_proven_by_the_share_on_the_weight(desk):
    # KR DSM-170/2020 appendix 1 in force 01.01.2026: 3.9114 x 0.4 -> 1.5646 -> 274,779.42
    report = desk.sheet(
        [
            ["Код КЗГ", "Код МКБ-10", "Наименование", "Круглосуточный стационар", None, "Дневной стационар"],
            [None, None, None, "КЗ", "Тариф, тенге", "КЗ", "Тариф, тенге"],
            [1.0, "A40.0", "Стрептококковая септицемия", 3.9114, 686930.98, 1.5646, 274779.42],
            [None, "A40.1"],
            [None, "A40.2; A40.3"],
        ],
        [(0, 3, 0, 4), (0, 5, 0, 6)],
    )
    assert report.base_rate == BASE_2026
    assert list(report.schedule.groups) == ["1"]
    assert [
        (row.care_setting, row.published_weight, row.published_tariff)
        for row in report.schedule.published_tariffs
    ] == [
        ("inpatient", Fraction("3.9114"), Fraction("686930.98")),
        ("day_hospital", Fraction("1.5646"), Fraction("274779.42")),
    ]
    assert report.skipped_by_reason == {"header": 2, "more ICD-10 codes of the group above": 2}


def test_a_wrong_weight_of_another_setting_is_named(desk):
    (problem,) = desk.refused(
        desk.text,
        "Код КЗГ;КЗ;Тариф;КЗ дневной стационар;Тариф дневной стационар\n"
        "1;3,9114;686930,98;1,5645;274779,42\n",
    )
    assert (problem.place, problem.value) == ("table.csv:2", "1,5645")
    assert "3.9114 x 0.4 is 1.5646" in problem.message


def test_without_a_share_the_columns_of_a_setting_are_not_taken(desk):
    desk.like = None
    text = "Код КЗГ;КЗ;Тариф;Тариф дневной стационар\n1;3,9114;686930,98;274779,42\n"
    report = desk.text(text, tariff_family="kz")
    assert report.proven_tariffs == 1
    assert any("day_hospital were not taken" in note for note in report.notes)
    assert [share.care_setting for share in report.schedule.shares] == ["inpatient"]
    assert report.schedule.outcomes == ("discharged",)
    shutil.rmtree(desk.destination)
    (problem,) = desk.refused(desk.text, text, tariff_family="kz", strict=True)
    assert problem.field == "day_hospital"
    (problem,) = desk.refused(desk.text, text)
    assert problem.field == "tariff_family"


def test_weights_of_adults_and_children(desk):
    report = desk.sheet(
        [
            ["Код", "Атауы", "Коэффициент затрато-\nемкости", None, "Тариф", None, "Планируемые дни"],
            [None, None, "ересектер", "балалар", "взрослые", "дети"],
            [1, "а", 3.9114, 4.5, 686930.98, 790302.56, 7],
            [2, "б", 1.5, "-", 263434.19, None, None],
            [3, "в", 1.5, 2.5, 263434.19, None, 10],
        ],
        [(0, 2, 0, 3), (0, 4, 0, 5)],
    )
    groups = report.schedule.groups
    assert [group.relative_weight_child for group in groups.values()] == [
        Fraction("4.5"),
        None,
        Fraction("2.5"),
    ]
    assert [group.planned_days for group in groups.values()] == [7, None, 10]
    assert [(row.drg_code, row.age_class) for row in report.unproven] == [("3", AgeClass.CHILD)]
    assert [row.age_class for row in report.schedule.published_tariffs] == [
        AgeClass.ADULT,
        AgeClass.CHILD,
        AgeClass.ADULT,
        AgeClass.ADULT,
    ]


def test_weights_without_tariffs_need_a_base_rate_and_are_refused_when_strict(desk):
    text = "Код КЗГ;КЗ\n1;3,9114\n2;1,5\n"
    (problem,) = desk.refused(desk.text, text)
    assert problem.field == "base rate" and "--base-rate" in problem.way_out
    problems = desk.refused(desk.text, text, base_rate=BASE_2026, strict=True)
    # The one weight holds for adults and children, and nothing proves it for either.
    assert [problem.place for problem in problems] == ["table.csv:2"] * 2 + ["table.csv:3"] * 2
    report = desk.text(text, base_rate=BASE_2026)
    assert len(report.unproven) == 4 and report.proven_tariffs == 0
    assert "no printed tariff proves it" in report.schedule.base_rate.source
    assert any("called by its code" in note for note in report.notes)


def test_a_given_base_rate_is_held_against_every_row(desk):
    text = as_text([["Код", "КЗ", "Тариф"], ["1", "3,9114", "686930,98"], ["2", "1,5", "263434,18"]])
    (problem,) = desk.refused(desk.text, text, base_rate=BASE_2026)
    assert (problem.place, problem.value) == ("table.csv:3", "263434,18")
    assert "1.5 x 175622.79 is 263434.19, the table prints 263434.18 (-0.01)" in problem.message
    problems = desk.refused(desk.text, text, base_rate=Fraction(1000))
    assert len(problems) == 2
    (problem,) = desk.refused(desk.text, text, base_rate=Fraction(0))
    assert problem.field == "base rate"


def test_base_rates_that_the_rows_do_not_settle_are_listed(desk):
    (problem,) = desk.refused(desk.text, "Код;КЗ;Тариф\n1;0,5;50,00\n")
    assert "99.99, 100.00" in problem.message
    report = desk.text("Код;КЗ;Тариф\n1;0,5;50,00\n", base_rate=Fraction(100))
    assert not report.base_rate_worked_out


def test_rows_that_contradict_each_other_without_a_majority_are_all_named(desk):
    problems = desk.refused(desk.text, "Код;КЗ;Тариф\n1;3,9114;686930,98\n2;7,6839;1342551,22\n")
    assert [problem.place for problem in problems] == ["table.csv", "table.csv:2", "table.csv:3"]
    assert "1 of 2" in problems[0].message
    assert "the base rate 175622.79" in problems[1].message
    assert "the base rate 174722.63" in problems[2].message


def test_a_tariff_no_base_rate_gives(desk):
    (problem,) = desk.refused(desk.text, "Код;КЗ;Тариф\n1;22,0576;3853961,99\n")
    assert "no base rate with 2 decimals" in problem.message


@pytest.mark.parametrize(
    ("rows", "line", "words"),
    [
        (["1;;686930,98"], 2, "1 has no weight"),
        (["P007"], 2, "P007 has no weight"),
        ([";3,9114;686930,98"], 2, "the row has no code"),
        (["1;0;0"], 2, "a weight is greater than 0"),
        (["1;3,9114;686930,985"], 2, "more decimals than KZT"),
        (["1;3,9114;-5"], 2, "a tariff is not below 0"),
        (["1;три;686930,98"], 2, "is not a number"),
        (["1;1,234;5,00"], 2, "can be read as two numbers"),
        (["1;3,9114;686930,98", "1;3,9114;686930,98"], 3, "the code stands in line 2 already"),
        (["Р1;3,9114;686930,98", "P1;3,9114;686930,98"], 3, "mixes Latin and Cyrillic"),
        (["1;3,9114;686930,98;17"], 2, "more cells than the header"),
        (["1;3,123456789;5,00"], 2, "more than the 4 decimals"),
        (["Дневной стационар;;", "1;3,9114;686930,98"], 2, "changes the care setting"),
        (["Дети;;", "1;3,9114;686930,98"], 2, "changes the care setting or the age"),
    ],
)
def test_rows_that_cannot_be_read_are_named(desk, rows, line, words):
    problems = desk.refused(desk.text, "Код КЗГ;КЗ;Тариф, тенге\n" + "\n".join(rows) + "\n")
    found = [problem for problem in problems if words in problem.message]
    assert len(found) == 1, problems
    assert found[0].place == f"table.csv:{line}"


def test_all_problems_come_at_once(desk):
    problems = desk.refused(
        desk.text,
        "Код КЗГ;КЗ;Тариф\n1;3,9114;686930,98\n2;1,5;263434,20\n3;x;5\n4;2;много\n5;2;351245,58\n"
        "6;3;526868,37\n",
    )
    assert [problem.place for problem in problems] == ["table.csv:5", "table.csv:4", "table.csv:3"]


def test_cells_of_a_spreadsheet_that_are_no_code_or_number(desk):
    problems = desk.refused(
        desk.sheet,
        [
            ["Код", "КЗ", "Тариф"],
            [1.1, 3.9114, 686930.98],
            [datetime(2026, 1, 10), 3.9114, 686930.98],
            ["3", datetime(2026, 1, 10), 686930.98],
            ["4", 3.9114, True],
            ["5", 3.9114, 686930.9786060001],
        ],
    )
    found = {problem.place: problem for problem in problems}
    assert "cannot tell 1.1 from 1.10" in found["table.xlsx:2"].message
    assert "a date" in found["table.xlsx:3"].message
    assert found["table.xlsx:4"].field == "B (КЗ)" and "a date" in found["table.xlsx:4"].message
    assert "true or false" in found["table.xlsx:5"].message
    assert "more decimals than KZT" in found["table.xlsx:6"].message
    assert len(problems) == 5


def test_a_weight_of_thousands_that_may_be_a_slip_of_the_decimal_mark_is_asked_about(desk):
    text = "Код;Наименование;КЗ\n1;а;1,5\n2;б;1.234\n"
    (problem,) = desk.refused(desk.text, text, base_rate=BASE_2026)
    assert (problem.place, problem.value) == ("table.csv:3", "1.234")
    assert "can be read as two numbers" in problem.message and "this is 1234" in problem.message
    assert problem.way_out.startswith("write 1,234 or 1234, or say which mark is decimal")
    told = desk.text(text, base_rate=BASE_2026, decimal_mark=DecimalMark.COMMA)
    assert told.schedule.groups["2"].relative_weight == 1234


def test_a_decimal_mark_can_be_given(desk):
    text = "Код;КЗ;Тариф\n1;1,234;216718,52\n"
    desk.refused(desk.text, text)
    assert desk.text(text, decimal_mark=DecimalMark.COMMA).base_rate == BASE_2026


def test_which_sheet(desk):
    path = desk.folder / "book.xlsx"
    table = [["Код", "КЗ", "Тариф"], ["1", "3,9114", "686930,98"]]
    write_sheets(path, {"О приказе": ([["Текст", "приказа"]], ()), "Взрослые": (table, ())})
    assert desk.take(path).sheet == "Взрослые"
    shutil.rmtree(desk.destination)
    write_sheets(path, {"Дети": (table, ()), "Взрослые": (table, ())})
    (problem,) = desk.refused(desk.take, path)
    assert "2 sheets" in problem.message
    (problem,) = desk.refused(desk.take, path, sheet="Никакой")
    assert problem.way_out == "its sheets are: Дети, Взрослые"
    assert desk.take(path, sheet="Дети").sheet == "Дети"


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("t.csv", b"", "is empty"),
        ("t.csv", b" \n\n", "is empty"),
        ("t.csv", b"PK\x03\x04rest", "is a packed file"),
        ("t.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00", "is not a text"),
        ("t.csv", b"\x01\x02;\x03", "control character"),
        ("t.csv", "просто текст без столбцов".encode(), "has no columns"),
        ("t.csv", "Имя;Возраст\nа;5\n".encode(), "no row is a header"),
        ("t.csv", "Код КЗГ;Наименование;Тариф\n1;а;5\n".encode(), "recognised as the relative weight"),
        ("t.csv", 'Код;КЗ;Тариф\n1;"2,5;3\n'.encode(), "quotes"),
        ("t.csv", "Код;КЗ;КЗ\n1;2;3\n".encode(), "is a second column"),
        ("t.csv", "Код;КЗ;Тариф, тыс. тенге\n1;2;3\n".encode(), "thousands"),
        ("t.csv", "Код;КЗ;Тариф\n".encode(), "no row under the header is a group"),
        ("t.csv", b"\xff\xfe\x00\xd8A\x00", "is not UTF-16 text"),
        ("t.xlsx", b"PK\x03\x04 truncated", "damaged or truncated"),
        ("t.xlsx", "Код;КЗ\n1;2\n".encode(), "not a readable spreadsheet"),
        ("t.pdf", b"%PDF-1.4", "of a kind (.pdf)"),
    ],
)
def test_files_that_are_no_table(desk, name, content, words):
    path = desk.folder / name
    path.write_bytes(content)
    (problem,) = desk.refused(desk.take, path)
    assert problem.place.startswith(name)
    assert words in problem.message


def test_a_missing_file_and_a_folder(desk):
    (problem,) = desk.refused(desk.take, desk.folder / "none.csv")
    assert "cannot be read" in problem.message


def test_a_sheet_that_spans_too_much_is_refused_before_it_is_read(desk):
    path = desk.folder / "wide.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    sheet.write(0, 0, "Код")
    sheet.write(1_048_575, 16_383, 1)
    book.close()
    (problem,) = desk.refused(desk.take, path)
    assert "1,048,576 rows" in problem.message


def test_the_error_of_a_formula_is_no_empty_cell(desk):
    """Above all of a tariff: without it, the weight beside it would be taken unproven."""
    path = desk.folder / "errors.xlsx"
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet("КЗГ")
    for line, row in enumerate([["Код", "КЗ", "Тариф"], ["1", 3.9114, 686930.98], ["2", 1.5, None]]):
        sheet.write_row(line, 0, row)
    sheet.write_formula(2, 2, "=B3*base", None, "#NAME?")
    book.close()
    (problem,) = desk.refused(desk.take, path)
    assert str(problem) == (
        "errors.xlsx:3: C (Тариф): '#NAME?': the spreadsheet holds the error of a formula, not a number; "
        "mend the formula, or write the number of the order"
    )


def test_a_destination_that_is_not_free(desk):
    desk.destination.mkdir()
    (desk.destination / "mine.txt").write_text("keep", encoding="utf-8")
    with pytest.raises(ImportTableError, match="not empty"):
        desk.text("Код;КЗ;Тариф\n1;3,9114;686930,98\n")
    assert [entry.name for entry in desk.destination.iterdir()] == ["mine.txt"]


def test_what_does_not_make_a_schedule_is_refused(desk):
    problems = desk.refused(
        desk.text,
        "Код;КЗ;Тариф\n1;3,9114;686930,98\n",
        effective_start_date=date(2026, 1, 1),
        effective_end_date=date(2025, 1, 1),
    )
    assert any("imported/schedule.toml" in problem.place for problem in problems)


def test_one_column_of_weights_is_for_adults_and_children_and_the_report_says_so(desk):
    says = "adults and children have the same weight"
    one = desk.text("Код;КЗ\nA1;3,9114\n", base_rate=BASE_2026)
    assert [says in note for note in one.notes].count(True) == 1
    (group,) = one.schedule.groups.values()
    assert group.relative_weight_child == group.relative_weight


@pytest.mark.parametrize("column", ["КЗ дети", "КЗ взрослые"])
def test_two_columns_of_weights_are_for_whom_they_name(desk, column):
    report = desk.text(f"Код;КЗ;{column}\nA1;3,9114;3,9114\n", base_rate=BASE_2026)
    assert not any("adults and children have the same weight" in note for note in report.notes)


def test_notes_say_what_a_reader_should_know(desk):
    report = desk.text(
        "Тарифы для дневного стационара;;;\n"
        "Код КЗГ;Атауы;Наименование;КЗ;Примечание\n"
        "Р1;Сепсис;Сепсис;3,9114;да\n",
        base_rate=BASE_2026,
    )
    notes = "\n".join(report.notes)
    assert "Columns not taken: Наименование; Примечание." in notes
    assert "Line 1 above the table names another care setting" in notes
    assert "Cyrillic letters that look Latin" in notes
    assert "exempt flagged groups" in notes


# --- properties -----------------------------------------------------------------------------------------


def printed(value, group, mark):
    whole, decimals = str(value).split(".")
    return f"{int(whole):,}".replace(",", group) + mark + decimals


STYLES = st.sampled_from(
    [
        ("", ","),
        ("", "."),
        (" ", ","),
        (NBSP, ","),
        (NARROW, ","),
        (THIN, ","),
        ("'", "."),
        (",", "."),
        (".", ","),
    ]
)
HEAVY = (Decimal("59.9999"), Decimal("58.5001"))
"""Weights above 50 leave room for one base rate with two decimals only."""


def tariff_of(weight, base_rate):
    return (weight * base_rate).quantize(Decimal("0.01"), ROUND_HALF_UP)


base_rates = st.integers(5_000_000, 40_000_000).map(lambda units: Decimal(units) / 100)
weight_lists = st.lists(
    st.integers(1_000, 500_000).map(lambda units: (Decimal(units) / 10_000).quantize(Decimal("0.0001"))),
    min_size=1,
    max_size=8,
)
many = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@many
@given(
    base_rate=base_rates, weights=weight_lists, style=STYLES, form=st.sampled_from(["text", "xlsx", "floats"])
)
def test_any_table_in_any_style_is_imported_back_exactly(
    tmp_path_factory, kz_2026, base_rate, weights, style, form
):
    weights = [*weights, *HEAVY]
    desk = Desk(tmp_path_factory.mktemp("desk"), kz_2026)
    group, mark = style
    rows = [["№", "Код КЗГ", "Наименование", "КЗ", "Тариф, тенге"]]
    for number, weight in enumerate(weights, start=1):
        tariff = tariff_of(weight, base_rate)
        if form == "floats":
            cells = [float(weight), float(tariff)]
        else:
            cells = [printed(weight, "", mark), printed(tariff, group, mark)]
        rows.append([number, f"K{number}", f"группа {number}", *cells])
    report = desk.text(as_text(rows, "\t")) if form == "text" else desk.sheet(rows)
    assert report.base_rate == Fraction(base_rate)
    groups = report.schedule.groups.values()
    assert [group.relative_weight for group in groups] == [Fraction(weight) for weight in weights]
    assert [row.published_tariff for row in report.schedule.published_tariffs] == [
        Fraction(tariff_of(weight, base_rate)) for weight in weights
    ]


@many
@given(
    base_rate=base_rates,
    weights=weight_lists,
    wrong=st.integers(0, 9),
    off_by=st.sampled_from(["0.01", "-0.01", "1000", "90"]),
    given_rate=st.booleans(),
)
def test_one_wrong_tariff_is_named_with_its_row(
    tmp_path_factory, kz_2026, base_rate, weights, wrong, off_by, given_rate
):
    weights = [*HEAVY, *weights, Decimal("57.0001")]
    wrong %= len(weights)
    desk = Desk(tmp_path_factory.mktemp("desk"), kz_2026)
    rows = [["Код КЗГ", "КЗ", "Тариф, тенге"]]
    for number, weight in enumerate(weights):
        tariff = tariff_of(weight, base_rate) + (Decimal(off_by) if number == wrong else 0)
        rows.append([f"K{number}", printed(weight, "", ","), printed(tariff, " ", ",")])
    (problem,) = desk.refused(desk.text, as_text(rows), base_rate=Fraction(base_rate) if given_rate else None)
    assert problem.place == f"table.csv:{wrong + 2}"
    assert problem.value == rows[wrong + 1][2]
    assert f"the table prints {Decimal(problem.value.replace(' ', '').replace(',', '.')).normalize():f}" in (
        problem.message
    )
