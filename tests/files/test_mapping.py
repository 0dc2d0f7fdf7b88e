from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest

from tariffcore.errors import CasesError
from tariffcore.files.mapping import ColumnMapping, load_mapping, plain_text, preset_names, read_mapping
from tariffcore.files.rewriting import rewrite


def error_of(text: str) -> CasesError:
    with pytest.raises(CasesError) as caught:
        read_mapping(text, "mapping.toml")
    return caught.value


def test_everything_a_mapping_can_say() -> None:
    mapping = read_mapping(
        """
        title = "Их выгрузка"
        optional = ["funding_source"]
        [columns]
        case_id = "ID"
        funding_source = ["Источник", "Источник финансирования"]
        [values.outcome]
        "Выписан " = "discharged"
        [contains.care_setting]
        "Дневно" = "day_hospital"
        "кругло" = "inpatient"
        [flags.death_unavoidable]
        yes = ["неизбежна", "+"]
        no = ["предотвратима"]
        [dates]
        format = "MM/DD/YYYY"
        [age]
        birth_date = "Дата рождения"
        [extract]
        procedure_codes = "icd-9-cm"
        """,
        "mapping.toml",
    )
    assert mapping == ColumnMapping(
        name="mapping.toml",
        title="Их выгрузка",
        columns={"case_id": ("ID",), "funding_source": ("Источник", "Источник финансирования")},
        optional=frozenset({"funding_source"}),
        values={
            "outcome": {"выписан": "discharged"},
            "death_unavoidable": {"неизбежна": "true", "+": "true", "предотвратима": "false"},
        },
        contains={"care_setting": (("дневно", "day_hospital"), ("кругло", "inpatient"))},
        date_format="mm/dd/yyyy",
        birth_date=("Дата рождения",),
        extracted=frozenset({"procedure_codes"}),
    )
    assert mapping.headers_of("drg_code") == ("drg_code",)
    assert mapping.headers_of("age_years") == ()


def test_the_empty_mapping_expects_standard_columns() -> None:
    assert read_mapping("", "the mapping") == ColumnMapping()


def test_unknown_keys_are_told_at_once_with_line_and_way_out() -> None:
    error = error_of(
        '[colums]\ncase_id = "a"\n[values.outcom]\n"x" = "y"\n[dates]\nformat = "mm/mm/yyyy"\n'
        '[extract]\nprocedure_codes = "regex"\n[age]\n'
    )
    told = str(error)
    assert "mapping.toml:1: colums: 'colums': is not a key of this table; did you mean 'columns'?" in told
    assert "mapping.toml:3: values.outcom" in told
    assert "did you mean 'outcome'?" in told
    assert "mapping.toml:6: dates.format: 'mm/mm/yyyy': is not a date format" in told
    assert "mapping.toml:8: extract.procedure_codes: 'regex': is not a known rule" in told
    assert "age.birth_date: is missing" in told
    assert len(error.problems) == 5


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[columns\n", "is not TOML"),
        ("[columns]\ncase_id = 1", "is not a text"),
        ("[columns]\ncase_id = []", "lists no header"),
        ('[columns]\ncase_id = "a"\npatient_id = " A"', "is the header of case_id as well"),
        ('[columns]\nage_years = "a"\n[age]\nbirth_date = "b"', "both a column and worked out"),
        ('[values.outcome]\n"A" = "died"\n"a " = "discharged"', "already means something else"),
        ('[values.outcome]\n" " = "died"', "blank cells are missing values"),
        ('[values.outcome]\n"A" = ""', "is blank"),
        ('[values]\noutcome = "died"', "is not a table"),
        ('[flags.death_unavoidable]\nyes = ["x"]\nno = ["X"]', "already means something else"),
        ('[flags.outcome]\nyes = ["x"]', "is not a key of this table"),
        ('optional = ["outcome"]', "is no column this mapping speaks of"),
        ("dates = 1", "is not a table"),
    ],
)
def test_what_is_wrong_with_a_mapping_is_told_in_words(text: str, told: str) -> None:
    assert told in str(error_of(text))


def test_a_mapping_is_loaded_by_path_or_preset_name(tmp_path: Path) -> None:
    path = tmp_path / "ours.toml"
    path.write_bytes(b'\xef\xbb\xbf[columns]\r\ncase_id = "ID"\r\n')
    assert load_mapping(str(path)).columns == {"case_id": ("ID",)}
    assert preset_names() == ("ersb",)
    assert load_mapping("ersb").name == "preset ersb"


def test_a_mapping_that_cannot_be_read_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(CasesError, match=r"neither a mapping file nor a preset; did you mean 'ersb'\?"):
        load_mapping("erbs")
    with pytest.raises(CasesError, match="cannot be read"):
        load_mapping(str(tmp_path))
    path = tmp_path / "m.toml"
    path.write_bytes("title = 'Я'".encode("cp1251"))
    with pytest.raises(CasesError, match="is not UTF-8 text"):
        load_mapping(str(path))
    path.write_bytes(b" " * ((1 << 20) + 1))
    with pytest.raises(CasesError, match="larger than a mapping can be"):
        load_mapping(str(path))


@pytest.mark.parametrize(
    ("written", "outcome"),
    [
        ("Ушёл", "self_discharged"),
        ("Ушел", "self_discharged"),
        ("УШЛА", "self_discharged"),
        ("самовольно ушёл", "self_discharged"),
        ("ПЕРЕВЕДЁН  в другой стационар", "transferred"),
        ("Переведена", "transferred"),
        (" выписан", "discharged"),
        ("Умерла", "died"),
        ("Қайтыс болды", "died"),
        ("ушел в отпуск", "ушел в отпуск"),  # nobody said what it means, so it is rejected by name
    ],
)
def test_the_register_is_read_in_any_case_and_with_either_yo(written: str, outcome: str) -> None:
    table = rewrite(pa.table({"outcome": [written]}), load_mapping("ersb"))
    assert table.column("outcome").to_pylist() == [outcome]


def test_headers_are_found_with_either_yo() -> None:
    assert plain_text("Приёмное  ОТДЕЛЕНИЕ") == plain_text("приемное отделение")
