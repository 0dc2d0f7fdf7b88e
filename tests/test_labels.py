"""The words: the same keys and places in every language, one for everything that can be said."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tariffcore
from tariffcore import labelling
from tariffcore.cases import STANDARD_COLUMNS, Case
from tariffcore.errors import ExplainError
from tariffcore.explanation import STEP_IDS
from tariffcore.labelling import LANGUAGES, labels_in, placeholders, printable
from tariffcore.money import RoundingMode, format_exact
from tariffcore.schedule.model import DayCount, PaymentMethod, Unit
from tariffcore.schedule.schedule_tables import GROUP_COLUMNS
from tariffcore.statuses import CaseStatus

PACKAGE = Path(tariffcore.__file__).parent
VALUE_KINDS = {name: kinds for name, kinds in vars(labelling).items() if name.endswith("_VALUES")}
SAID_IN_CODE = ("status_reason", "note", "part", "msdrg")


def templates(language: str) -> dict[tuple[str, str], str]:
    sections = labels_in(language).sections
    return {(section, key): text for section, keys in sections.items() for key, text in keys.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_has_the_same_keys_and_places(language: str) -> None:
    english, other = templates("en"), templates(language)
    assert list(other) == list(english)
    assert {key: placeholders(text) for key, text in other.items()} == {
        key: placeholders(text) for key, text in english.items()
    }


def test_there_is_a_file_for_each_language_and_no_other() -> None:
    assert {path.name for path in (PACKAGE / "labels").iterdir()} == {f"{each}.toml" for each in LANGUAGES}


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_sentences_are_written_in_the_language(language: str) -> None:
    for (section, key), text in templates(language).items():
        words = re.sub(r"\{[a-z_]+\}", "", text)
        if section != "format" and re.search(r"[A-Za-z]", templates("en")[section, key].split("{")[0]):
            assert re.search("[А-яЁёӘәҒғҚқҢңӨөҰұҮүҺһІі]", words), (section, key)


CODES = {
    *STANDARD_COLUMNS,
    *GROUP_COLUMNS,
    *("groups.csv", "providers.csv", "services.csv", "true", "false", "UTF-16", "--rejects", "--reasons"),
    *("grouping_rules.csv", "female", "male"),
    "2026-05-31T14",
    *("MS-DRG", "discharge_status", "version"),
}
"""What stays in Latin letters in every language: names that a reader has to type or look for."""


@pytest.mark.parametrize("language", ["ru", "kk"])
def test_no_word_is_left_in_english(language: str) -> None:
    left = {
        key: words
        for key, text in templates(language).items()
        if (words := set(re.findall(r"[\w.-]*[A-Za-z][\w.-]*", re.sub(r"\{[a-z_]+\}", "", text))) - CODES)
    }
    assert left == {}


def test_russian_and_kazakh_are_two_languages() -> None:
    russian, kazakh = templates("ru"), templates("kk")
    same = {key for key in russian if russian[key] == kazakh[key] and len(russian[key].split()) > 2}
    assert same == set()


def test_every_status_step_and_word_of_the_model_has_a_label() -> None:
    sections = labels_in("en").sections
    for section in ("status", "way_out"):
        assert list(sections[section]) == [status.name for status in CaseStatus]
    assert set(sections["step"]) == set(STEP_IDS)
    assert set(sections["rounding_mode"]) == {mode.value for mode in RoundingMode}
    assert set(sections["unit"]) == {unit.value for unit in Unit}
    assert set(sections["method"]) == {method.value for method in PaymentMethod}
    assert set(sections["day_count"]) == {count.value for count in DayCount}


def test_every_column_of_a_case_has_a_name_but_the_patient() -> None:
    columns = set(Case.__dataclass_fields__) | {"addon_amount", "addon_kind"}
    assert columns - set(labels_in("en").sections["term"]) == {"patient_id"}


def test_every_place_is_of_exactly_one_kind() -> None:
    used = {name for text in templates("en").values() for name in placeholders(text)}
    kinds = {name: [kind for kind, names in VALUE_KINDS.items() if name in names] for name in used}
    assert {name: found for name, found in kinds.items() if len(found) != 1} == {}
    known = {name for names in VALUE_KINDS.values() for name in names}
    assert known - used == set()


def test_every_sentence_has_somebody_who_says_it() -> None:
    code = "".join(
        (PACKAGE / name).read_text(encoding="utf-8")
        for name in (
            "explain.py",
            "explaining/line.py",
            "explaining/treated_case.py",
            "explaining/ungrouped_case.py",
            "explaining/counted_service.py",
            "explaining/stay.py",
            "explaining/code_hints.py",
            "explanation_text.py",
            "labelling.py",
            "cli/run_summary.py",
            "cli/group.py",
            "grouping/msdrg.py",
            "grouping/running.py",
            "files/csv_reading.py",
            "files/csv_encoding.py",
        )
    )
    sections = labels_in("en").sections
    silent = {
        (section, key) for section in SAID_IN_CODE for key in sections[section] if f'"{key}"' not in code
    }
    assert silent == set()


@pytest.mark.parametrize(
    ("machine", "english", "russian"),
    [
        ("686930.98", "686,930.98", "686\u00a0930,98"),
        ("1000", "1,000", "1\u00a0000"),
        ("999", "999", "999"),
        ("-1234.5", "-1,234.5", "-1\u00a0234,5"),
        ("0.017", "0.017", "0,017"),
        ("-0.5", "-0.5", "-0,5"),
        ("1/6", "1/6", "1/6"),
        ("2060792940/7", "294,398,991.428571…", "294\u00a0398\u00a0991,428571…"),
        ("-10001/3", "-3,333.666666…", "-3\u00a0333,666666…"),
        ("1.1234567890123", "1.123456789012…", "1,123456789012…"),
        ("1.123456789012", "1.123456789012", "1,123456789012"),
    ],
)
def test_a_number_is_grouped_as_the_language_does_and_never_rounded(
    machine: str, english: str, russian: str
) -> None:
    assert labels_in("en").number(machine) == english
    assert labels_in("ru").number(machine) == russian
    assert labels_in("kk").number(machine) == russian


@given(st.fractions(max_denominator=10**12))
def test_a_number_that_is_cut_is_marked_and_below(value: Fraction) -> None:
    shown = labels_in("en").number(format_exact(value))
    exact = Fraction(shown.rstrip("…").replace(",", ""))
    if shown.endswith("…"):
        assert 0 < abs(value) - abs(exact) < Fraction(1, 10**6)
    else:
        assert exact == value


def test_an_amount_is_shown_with_the_decimals_of_its_currency() -> None:
    assert labels_in("en").minor(68693090, 2) == "686,930.90"
    assert labels_in("kk").minor(68693090, 2) == "686\u00a0930,90"
    assert labels_in("ru").minor(1000, 0) == "1\u00a0000"
    assert labels_in("en").number("234172", at_least_places=2) == "234,172.00"


def test_dates_and_spans() -> None:
    english, russian = labels_in("en"), labels_in("ru")
    assert english.shown("day", "2026-03-04") == "2026-03-04"
    assert russian.shown("day", "2026-03-04") == "04.03.2026"
    assert russian.shown("admission_date", "2026-03-04 22:30") == "04.03.2026 22:30"
    assert english.shown("spans", "2025-01-01/2026-01-01, 2026-02-01/, … (40)") == (
        "from 2025-01-01 up to 2026-01-01, from 2026-02-01, … (40)"
    )
    assert russian.shown("editions", "kz-2025 2024-12-26, … (13)") == "kz-2025 (26.12.2024), … (13)"


def test_words_of_a_schedule_without_a_label_are_shown_as_they_are() -> None:
    assert labels_in("ru").word("care_setting", "day_hospital") == "дневной стационар"
    assert labels_in("ru").word("care_setting", "spa") == "spa"


def test_what_does_not_print_is_spelled_out() -> None:
    assert printable("КЗГ 1\u00a0000 «ө»") == "КЗГ 1\u00a0000 «ө»"
    assert printable("a\x1b[2J\n\u202eb") == r"a\x1b[2J\n\u202eb"
    assert labels_in("en").shown("drg_code", "x" * 100) == f"'{'x' * 60}… (100 characters)'"


def test_a_language_without_labels_is_refused() -> None:
    with pytest.raises(ExplainError, match=r"'de'.*use one of en, ru, kk"):
        labels_in("de")
