"""Codes as people type them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.codes import latin_lookalike, normalise_procedure


@pytest.mark.parametrize(
    "typed",
    ["13.73", "1373", " 13.73 ", "13,73", "13 73", "13.\u00a073", "\u200913.73", "13.73\t", "13.73\r\n"],
)
def test_a_procedure_has_one_form_however_typed(typed):
    assert normalise_procedure(typed) == "1373"


@pytest.mark.parametrize(
    ("typed", "normalised"),
    [
        ("09.83", "0983"),
        ("9.83", "0983"),  # a spreadsheet took the code for a number
        ("9,83", "0983"),
        ("0983", "0983"),
        ("983", "983"),  # without a dot nobody can say which zero is missing
        ("13.7301", "137301"),
        ("13", "13"),
        ("9", "9"),
        ("9.", "09"),
        ("", ""),
        (" ", ""),
        ("a12.3", "A123"),
        ("А12.3", "A123"),  # the first letter is Cyrillic
    ],
)
def test_the_category_has_two_digits(typed, normalised):
    assert normalise_procedure(typed) == normalised


def test_different_procedures_stay_different():
    codes = ["13.73", "13.7301", "13.7", "14.73", "1.373", "01.373"]

    assert [normalise_procedure(code) for code in codes] == [
        "1373",
        "137301",
        "137",
        "1473",
        "01373",
        "01373",
    ]


@given(st.text(max_size=12))
def test_normalising_twice_is_normalising_once(typed):
    once = normalise_procedure(typed)

    assert normalise_procedure(once) == once


def test_cyrillic_letters_that_look_latin_are_told_apart():
    assert latin_lookalike("Р001") == "P001"  # a Cyrillic er
    assert latin_lookalike("АВЕКМНОРСТУХ") == "ABEKMHOPCTYX"
    assert latin_lookalike("авекмнорстух") == "abekmhopctyx"
    assert latin_lookalike("P001") == "P001"
    assert latin_lookalike("Ж1") == "Ж1"
