from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.files.mapping import ColumnMapping, read_mapping
from tariffcore.files.rewriting import ages_at, extract_icd_9_cm, iso_dates, rewrite


def chunked(values: list, kind: pa.DataType | None = None) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, kind)])


def rewritten(column: str, values: list, mapping_text: str, kind: pa.DataType | None = None) -> list:
    table = pa.table({column: chunked(values, kind)})
    return rewrite(table, read_mapping(mapping_text, "m")).column(column).to_pylist()


def test_words_are_replaced_whole_then_by_what_they_contain_and_else_pass() -> None:
    text = """
        [values.care_setting]
        "СТАЦИОНАР" = "inpatient"
        [contains.care_setting]
        "дневно" = "day_hospital"
        "стационар" = "wrong"
        "круглосуточн" = "inpatient"
    """
    cells = ["стационар", "Дневной  стационар", "Круглосуточный стационар", None, " Иное ", "день"]
    expected = ["inpatient", "day_hospital", "wrong", None, "Иное", "день"]
    assert rewritten("care_setting", cells, text) == expected


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int8(), pa.string())])
def test_words_of_every_text_type(kind: pa.DataType) -> None:
    assert rewritten("outcome", ["a", None, "a", "b"], '[values.outcome]\na = "died"', kind) == [
        "died",
        None,
        "died",
        "b",
    ]


def test_whole_numbers_count_as_their_text() -> None:
    cells = rewritten("outcome", [1, 2, None], '[values.outcome]\n1 = "died"', pa.int64())
    assert cells == ["died", "2", None]


def test_without_rules_a_column_stays_the_very_same() -> None:
    table = pa.table({"outcome": ["a"], "admission_date": [date(2026, 1, 2)]})
    assert rewrite(table, ColumnMapping()) is table
    typed = rewrite(table, ColumnMapping(date_format="mm/dd/yyyy"))
    assert typed.column("admission_date").type == pa.date32()


def test_dates_of_another_form_become_iso_and_others_pass() -> None:
    cells = ["05/31/2026", "5/3/2026 14:30", "31.05.2026", "2026-05-31", "13/31/2026", "05/31/26", None]
    expected = ["2026-05-31", "2026-05-03 14:30", *cells[2:4], "2026-13-31", "05/31/26", None]
    assert rewritten("admission_date", cells, '[dates]\nformat = "mm/dd/yyyy"') == expected
    dotted = iso_dates(chunked(["05.31.2026", "05x31x2026"]), "mm.dd.yyyy")
    assert dotted.to_pylist() == ["2026-05-31", "05x31x2026"]


@pytest.mark.parametrize(
    ("cell", "codes"),
    [
        ("13.73, 12.03.2026; 14.74, 13.03.2026", "13.73;14.74"),
        ("13.73,12.03.2026;14.74", "13.73;14.74"),
        ("12.03.2026 47.09 Аппендэктомия", "47.09"),
        ("13.7301 (1.3.2026), 13.7301", "13.7301"),
        ("09.83", "09.83"),
        ("47.0.", "47.0"),
        ("12.03.26", "12.03.26"),
        ("за 03.2026", "за 03.2026"),
        ("1373", "1373"),
        ("113.73", "113.73"),
        ("", ""),
    ],
)
def test_procedure_codes_are_told_from_dates(cell: str, codes: str) -> None:
    assert extract_icd_9_cm(cell) == codes


def test_extraction_applies_to_the_column_that_asks_for_it() -> None:
    text = '[extract]\nprocedure_codes = "icd-9-cm"'
    assert rewritten("procedure_codes", ["13.73, 12.03.2026", None], text) == ["13.73", None]
    assert rewritten("procedure_codes", [["13.73", "x"]], text) == [["13.73", "x"]]


DAYS = st.dates(date(1900, 1, 1), date(2100, 12, 31))


@given(born=DAYS, admitted=DAYS)
def test_age_is_in_full_years_at_admission(born: date, admitted: date) -> None:
    age = admitted.year - born.year - ((admitted.month, admitted.day) < (born.month, born.day))
    text = ages_at(chunked([f"{born:%d.%m.%Y}"]), chunked([f"{admitted.isoformat()} 10:00"]))
    typed = ages_at(chunked([born]), chunked([admitted]))
    assert text.to_pylist() == typed.to_pylist() == [str(age)]


def test_the_day_before_the_eighteenth_birthday_is_seventeen() -> None:
    birthday = date(2026, 3, 2)
    admitted = chunked([birthday - timedelta(days=1), birthday, date(2026, 2, 28), date(2026, 3, 1)])
    born = chunked([date(2008, 3, 2), date(2008, 3, 2), date(2008, 2, 29), date(2008, 2, 29)])
    assert ages_at(born, admitted).to_pylist() == ["17", "18", "17", "18"]


def test_the_last_day_of_a_month_is_before_the_first_of_the_next() -> None:
    born = chunked([date(2000, month, 1) for month in range(2, 13)])
    admitted = chunked([date(2026, month, 1) - timedelta(days=1) for month in range(2, 13)])
    assert set(ages_at(born, admitted).to_pylist()) == {"25"}


def test_an_unreadable_birth_date_is_a_wrong_age_without_the_date_and_a_missing_one_none() -> None:
    born = chunked(["31.02.1980", None, "01.01.1980", "01.01.1980", "31.02.1980"])
    admitted = chunked(["2026-01-01", "2026-01-01", None, "2026-02-30", None])
    ages = ages_at(born, admitted).to_pylist()
    assert ages == ["birth date unreadable", None, None, None, "birth date unreadable"]
