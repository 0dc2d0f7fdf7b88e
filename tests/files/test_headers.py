from __future__ import annotations

import pytest

from tariffcore.errors import CasesError
from tariffcore.files.headers import bind_headers
from tariffcore.files.mapping import STANDARD_MAPPING, load_mapping, read_mapping
from tests.files.reading import HEADER

SERVICE_HEADER = ("case_id", "service_code", "care_setting", "discharge_date")


def error_of(headers: tuple[str, ...], mapping_text: str = "") -> CasesError:
    mapping = read_mapping(mapping_text, "mapping.toml")
    with pytest.raises(CasesError) as caught:
        bind_headers(headers, mapping, "cases.csv")
    return caught.value


def test_columns_come_in_standard_order_and_the_rest_is_ignored() -> None:
    binding = bind_headers(("Врач", *reversed(HEADER), ""), STANDARD_MAPPING, "cases.csv")
    assert binding.columns == HEADER
    assert binding.sources["case_id"] == 5
    assert binding.ignored == ("Врач",)
    assert binding.width == 7


def test_a_missing_column_is_named_with_the_one_probably_meant() -> None:
    error = error_of(("case_id", "drg_code", "care_setting", "admission_date", "discharge_dat"))
    assert [problem.field for problem in error.problems] == ["discharge_date"]
    assert "the file has the columns case_id, drg_code" in str(error)
    assert "did you mean 'discharge_dat' for discharge_date?" in str(error)
    assert 'under [columns]: discharge_date = "discharge_dat"' in str(error)
    assert "--mapping FILE" in str(error)


def test_all_that_is_missing_is_told_at_once() -> None:
    """In one message, which lists the columns that are there once."""
    twice, missing = error_of(("a", "b", "b")).problems
    assert twice.field == "b"
    assert missing.field == "case_id, care_setting, discharge_date, drg_code, admission_date"
    assert missing.message == (
        "these columns are missing (service_code would do instead of drg_code, "
        "or principal_diagnosis, which tells it; "
        "length_of_stay_days would do "
        "instead of admission_date); the file has the columns a, b, b"
    )
    assert str(missing).count("the file has the columns a, b, b;") == 1


def test_the_headers_of_a_preset_are_recognised() -> None:
    export = (
        "ID пролеченного случая",
        "Наименование стационара выписки",
        "Вид медицинской помощи",
        "Дата/время поступления",
        "Дата/время выписки",
        "Исход пребывания",
        "Дата рождения",
    )
    assert "use --mapping ersb" in str(error_of(export))
    assert "--mapping ersb" not in str(error_of(export[:3]))
    with pytest.raises(CasesError) as caught:  # the preset itself says what it misses
        bind_headers(export, load_mapping("ersb"), "cases.xlsx")
    (problem,) = caught.value.problems
    assert (problem.field, problem.way_out.partition(",")[0]) == (
        "drg_code",
        "name them as the mapping does (drg_code 'Код КЗГ')",
    )


def test_long_headers_are_shortened() -> None:
    error = error_of(tuple(f"column {i}" for i in range(500)))
    assert "… (500 columns)" in str(error)
    assert "column 499" not in str(error)


def test_services_alone_need_no_admission_date() -> None:
    assert bind_headers(SERVICE_HEADER, STANDARD_MAPPING, "x").columns == (
        "case_id",
        "service_code",
        "care_setting",
        "discharge_date",
    )
    assert [p.field for p in error_of((*SERVICE_HEADER, "drg_code")).problems] == ["admission_date"]
    bind_headers((*SERVICE_HEADER, "drg_code", "length_of_stay_days"), STANDARD_MAPPING, "x")


@pytest.mark.parametrize("twin", ["case_id", " CASE_ID", "case_id "])
def test_a_header_that_occurs_twice_is_an_error(twin: str) -> None:
    assert "this header occurs 2 times" in str(error_of((*HEADER, twin)))


def test_a_mapping_names_their_headers_or_several_they_may_have() -> None:
    mapping = read_mapping('[columns]\ncase_id = ["№", "ID  случая"]', "mapping.toml")
    binding = bind_headers(("id случая", *HEADER[1:]), mapping, "x")
    assert binding.sources["case_id"] == 0
    error = error_of(("id случая", "№", *HEADER[1:]), '[columns]\ncase_id = ["№", "ID  случая"]')
    assert "more than one column of the file could be this one" in str(error)


def test_a_column_the_mapping_speaks_of_must_be_there_unless_optional() -> None:
    text = '[columns]\noutcome = "Исход"\n[values.funding_source]\n"ОСМС" = "osms"\n'
    error = error_of((*HEADER, "Исходы"), text)
    assert [problem.field for problem in error.problems] == ["outcome, funding_source"]
    assert "did you mean 'Исходы' for outcome?" in str(error)
    assert "mapping.toml expects outcome, funding_source" in str(error)
    mapping = read_mapping('optional = ["outcome", "funding_source"]\n' + text, "mapping.toml")
    assert bind_headers(HEADER, mapping, "x").columns == HEADER


def test_the_age_is_worked_out_where_the_mapping_says_so() -> None:
    text = '[age]\nbirth_date = ["Дата рождения"]'
    mapping = read_mapping(text, "mapping.toml")
    binding = bind_headers((*HEADER, "дата рождения"), mapping, "x")
    assert binding.birth_date == 5
    assert binding.columns == (*HEADER, "age_years")
    assert "дата рождения" not in binding.ignored
    assert "works age_years out from Дата рождения" in str(error_of(HEADER, text))
    services = (*SERVICE_HEADER, "Дата рождения")
    assert "the age is worked out at admission" in str(error_of(services, text))
