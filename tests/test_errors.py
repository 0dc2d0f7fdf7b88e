"""Errors name the place, the field, the value and the way out, all problems at once."""

import pytest

from tariffcore import errors
from tariffcore.errors import (
    CasesError,
    CatalogError,
    CostingError,
    ExplainError,
    ImportTableError,
    NumberFormatError,
    Problem,
    ProblemsError,
    ScheduleError,
    SettlementError,
    TariffcoreError,
    shortened,
)


def test_a_problem_names_place_field_value_and_way_out():
    problem = Problem("kz-2026/groups.csv:14", "relative_weight", "4,2", "is not a number", "write 4.2")

    assert str(problem) == "kz-2026/groups.csv:14: relative_weight: '4,2': is not a number; write 4.2"


def test_a_problem_of_a_whole_line_or_of_an_empty_cell():
    of_line = Problem("groups.csv:2", None, None, "the line is too short", "give every column its cell")
    empty = Problem("groups.csv:2", "drg_code", None, "is empty", "write the code")
    blank = Problem("groups.csv:2", "drg_code", "", "is empty", "write the code")

    assert str(of_line) == "groups.csv:2: the line is too short; give every column its cell"
    assert str(empty) == "groups.csv:2: drg_code: is empty; write the code"
    assert str(blank) == "groups.csv:2: drg_code: '': is empty; write the code"


def test_a_value_is_shown_so_that_it_can_be_seen():
    """A no-break space or a line end in a value must not hide or break the line."""
    problem = Problem("cases.csv:3", "age_years", "17\u00a0\n", "is no whole number", "write 17")

    assert str(problem) == r"cases.csv:3: age_years: '17\xa0\n': is no whole number; write 17"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("", ""),
        ("x" * 60, "x" * 60),
        ("x" * 61, "x" * 60 + "… (61 characters)"),
        ("9" * 1_000_000, "9" * 60 + "… (1000000 characters)"),
    ],
)
def test_a_long_value_is_shortened_and_its_length_told(value, shown):
    assert shortened(value) == shown


def test_an_error_tells_all_its_problems():
    problems = [
        Problem("groups.csv:2", "drg_code", None, "is empty", "write the code"),
        Problem("groups.csv:9", "drg_code", "P1", "is there twice", "remove one"),
    ]
    error = ScheduleError("kz-2026 cannot be used", problems)

    assert str(error).splitlines() == [
        "kz-2026 cannot be used",
        "  groups.csv:2: drg_code: is empty; write the code",
        "  groups.csv:9: drg_code: 'P1': is there twice; remove one",
    ]
    assert error.summary == "kz-2026 cannot be used"
    assert error.problems == tuple(problems)


REASONS = {
    TariffcoreError: "TARIFFCORE_ERROR",
    NumberFormatError: "NUMBER_FORMAT",
    ProblemsError: "TARIFFCORE_ERROR",
    ScheduleError: "SCHEDULE_INVALID",
    CatalogError: "CATALOG_INVALID",
    ImportTableError: "IMPORT_FAILED",
    CasesError: "CASES_UNUSABLE",
    ExplainError: "CASE_UNUSABLE",
    CostingError: "COSTING_UNUSABLE",
    SettlementError: "SETTLEMENT_UNUSABLE",
}
"""Machines know errors by these."""


def test_every_error_is_of_one_family_and_keeps_its_reason():
    family = {
        kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)
    }

    assert {kind: kind.reason for kind in family} == REASONS
    assert all(issubclass(kind, TariffcoreError) for kind in family)
