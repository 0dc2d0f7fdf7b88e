"""The CSV files: one wrong cell or row at a time, each told with its line, column, value and way out."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from tariffcore.schedule.model import AgeClass, Unit
from tests.schedule_folders import NAME, FolderText, Spoiled, spoiled

G, P, R, C, S, F = (
    "groups.csv",
    "published.csv",
    "providers.csv",
    "components.csv",
    "services.csv",
    "factors.csv",
)


def test_reads_every_row(tmp_path):
    schedule = FolderText().read(tmp_path)
    assert list(schedule.groups) == ["G1", "G2", "G3"]
    g1, g2, g3 = schedule.groups.values()
    assert (g1.relative_weight, g1.relative_weight_child) == (Fraction("3.9114"), Fraction("3.5"))
    assert (g1.planned_days, g1.flags, g1.component_profile) == (7, {"infectious"}, "general")
    assert (g1.source, g1.line) == ("order 1, line 1", 2)
    assert (g2.name, g2.planned_days, g2.component_profile) == ("Newborn, small", None, None)
    assert g3.relative_weight_child is None
    assert schedule.providers is not None
    first, second = schedule.providers["H1"]
    assert (first.effective_start_date, first.effective_end_date) == (date(2026, 1, 1), date(2026, 7, 1))
    assert second.coefficients == (Fraction("1.5675"), Fraction("1.1327"))
    assert [row.component for row in schedule.components] == [
        "salaries",
        "buildings",
        "salaries",
        "transport",
    ]
    assert [row.care_setting for row in schedule.components] == [None, None, "home", "home"]
    assert [row.capital for row in schedule.components] == [False, True, False, False]
    assert schedule.published_tariffs[0].published_tariff == Fraction("686930.98")
    assert schedule.published_tariffs[2].age_class is AgeClass.CHILD
    assert schedule.published_tariffs[3].published_weight is None
    assert [(row.rate, row.care_setting) for row in schedule.services["V1"]] == [
        (Fraction("2487.71"), "outpatient"),
        (Fraction(2600), "outpatient"),
    ]
    assert schedule.services["REHAB"][0].unit is Unit.BED_DAY
    assert [(row.factor_code, row.factor) for row in schedule.factors] == [
        ("home_visit", 2),
        ("remote", Fraction(1, 2)),
    ]


def test_columns_come_in_any_order_and_periods_in_date_order(tmp_path):
    folder = FolderText()
    folder.files[R] = (
        b"rural,provider_id,regional,effective_end_date,effective_start_date\n"
        b"1.1327,H1,1,,2026-07-01\n"
        b"1,H1,1.5675,2026-07-01,2026-01-01\n"
    )
    schedule = folder.read(tmp_path)
    assert schedule.providers is not None
    assert [period.coefficients for period in schedule.providers["H1"]] == [
        (Fraction("1.5675"), 1),
        (1, Fraction("1.1327")),
    ]


def test_a_byte_order_mark_blank_rows_and_windows_line_ends_are_no_problem(tmp_path):
    folder = FolderText()
    folder.files[G] = b"\xef\xbb\xbf" + folder.files[G].replace(b"\n", b"\r\n").replace(
        b"G2,", b"\r\n,,,,,,,\r\nG2,"
    )
    schedule = folder.read(tmp_path)
    assert schedule.groups["G1"].line == 2
    assert schedule.groups["G2"].line == 5


def test_a_cell_over_two_lines_does_not_shift_the_lines_after_it(tmp_path):
    folder = FolderText().replace(G, "Septicaemia", '"Septi-\ncaemia"').replace(G, "0.5000", "0,5")
    assert folder.problem(tmp_path).place == f"{NAME}/{G}:5"


def test_an_empty_start_of_a_service_is_that_of_the_edition(tmp_path):
    folder = FolderText().replace(S, "24319.78,2026-01-01", "24319.78,")
    assert folder.read(tmp_path).services["REHAB"][0].effective_start_date == date(2026, 1, 1)


def test_the_first_column_of_published_may_be_called_code(tmp_path):
    schedule = FolderText().replace(P, "drg_code,", "code,").read(tmp_path)
    assert schedule.published_tariffs[0].code == "G1"


@spoiled(
    Spoiled(
        "empty code",
        G,
        "\nG3,",
        "\n,",
        "drg_code: is empty; every row needs its drg_code…",
        at=",Adults only",
    ),
    Spoiled("empty name", G, "Adults only", "", "name: is empty; every row…", at="G3,"),
    Spoiled("empty weight", G, "0.5000", "", "relative_weight: is empty; … (or remove the row)", at="G3,"),
    Spoiled("empty source", G, "general,order 1\n", "general,\n", "source: is empty; …", at="G3,"),
    Spoiled(
        "decimal comma",
        G,
        "3.9114",
        '"3,9114"',
        "relative_weight: '3,9114': is not a decimal number; write 3.9114…",
    ),
    Spoiled(
        "thin spaces",
        G,
        "0.5000",
        '"1\u2009234\u00a0567,5"',
        "relative_weight: …: is not a decimal number; write 1234567.5…",
    ),
    Spoiled("english thousands", G, "0.5000", '"1,234.5"', "relative_weight: …; write 1234.5…"),
    Spoiled(
        "exponent",
        G,
        "0.5000",
        "5e-1",
        "relative_weight: '5e-1': is not a decimal number; write digits with a point…",
    ),
    Spoiled("forty digits", G, "0.5000", "0." + "1" * 40, "relative_weight: …: has more than 38 digits; …"),
    Spoiled("weight zero", G, "0.5000", "0.0000", "relative_weight: '0.0000': must be greater than 0; …"),
    Spoiled("weight negative", G, "0.5000", "-1", "relative_weight: '-1': must be greater than 0; …"),
    Spoiled("child weight zero", G, "3.5000", "0", "relative_weight_child: '0': must be greater than 0; …"),
    Spoiled("planned days zero", G, ",7,", ",0,", "planned_days: '0': is out of range; … from 1 to 9999"),
    Spoiled(
        "planned days many", G, ",7,", ",10000,", "planned_days: '10000': is out of range; … from 1 to 9999"
    ),
    Spoiled("planned days broken", G, ",7,", ",7.5,", "planned_days: '7.5': is not a whole number; …"),
    Spoiled(
        "planned days endless",
        G,
        ",7,",
        "," + "9" * 5000 + ",",
        "planned_days: …: is not a whole number; …",
        at="G1,",
    ),
    Spoiled(
        "flag twice",
        G,
        "infectious",
        "infectious;infectious",
        "flags: …: 'infectious' is listed more than once; …",
    ),
    Spoiled(
        "group twice",
        G,
        "\nG3,",
        "\nG1,",
        "drg_code: 'G1': the group stands in line 2 already; keep one…",
        at="G1,Adults",
    ),
    Spoiled(
        "look-alike",
        G,
        "\nG3,",
        "\nА1,a,1,1,,,,x\nA1,",
        "drg_code: 'A1': looks like the code of line 4…; type both the same way…",
        at="A1,Adults",
    ),
    Spoiled(
        "tab in a code",
        G,
        "\nG3,",
        "\nG\t3,",
        "drg_code: 'G\\t3': is not a code; a code is one line…",
        at="G\t3",
    ),
    Spoiled(
        "ragged",
        G,
        ",4,,general,order 1",
        ",4,,general",
        "'G3,Adults only,0.5000,,4,,general': the row has 7 cells, the header 8; …",
        at="G3,",
    ),
)
def test_a_wrong_group(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled(
        "age class misspelt",
        P,
        "inpatient,child",
        "inpatient,children",
        "age_class: 'children': is not known here; did you mean 'child'?…",
    ),
    Spoiled(
        "age class of a group empty",
        P,
        "inpatient,child",
        "inpatient,",
        "age_class: is empty; …",
        at="614679.77",
    ),
    Spoiled(
        "tariff with spaces",
        P,
        "614679.77",
        '"614 679,77"',
        "published_tariff: '614 679,77': …; write 614679.77…",
    ),
    Spoiled(
        "printed twice",
        P,
        "inpatient,child,3.5000,614679.77",
        "inpatient,adult,3.9114,686930.98",
        "drg_code: 'G1': this printed tariff stands in line 2 already; …",
        at="G1,inpatient,adult,3.9114,686930.98,order 1\nREHAB",
    ),
)
def test_a_wrong_published_row(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled("no start", R, "H2,2026-01-01", "H2,", "effective_start_date: is empty; …"),
    Spoiled(
        "german date",
        R,
        "H2,2026-01-01",
        "H2,01.02.2026",
        "effective_start_date: '01.02.2026': is not a date; write 2026-02-01",
    ),
    Spoiled(
        "date with time",
        R,
        "H2,2026-01-01",
        "H2,2026-01-01 00:00",
        "effective_start_date: …; write 2026-01-01",
    ),
    Spoiled(
        "no such day",
        R,
        "H2,2026-01-01",
        "H2,2026-02-30",
        "effective_start_date: '2026-02-30': is not a day of the calendar; …",
    ),
    Spoiled(
        "compact date",
        R,
        "H2,2026-01-01",
        "H2,20260101",
        "effective_start_date: '20260101': is not a date; write the day as year-month-day…",
    ),
    Spoiled(
        "end not after start",
        R,
        "2026-01-01,2026-07-01",
        "2026-01-01,2026-01-01",
        "effective_end_date: '2026-01-01': is not after the start 2026-01-01; the end is the first day…",
    ),
    Spoiled("coefficient empty", R, "1,1.0500", "1,", "rural: is empty; …", at="H2,"),
    Spoiled("coefficient zero", R, "1,1.0500", "0,1.0500", "regional: '0': must be greater than 0; …"),
    Spoiled(
        "no provider",
        R,
        "H2,2026-01-01",
        ",2026-01-01",
        "provider_id: is empty; …",
        at=",2026-01-01,,1,1.0500",
    ),
)
def test_a_wrong_provider(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled("capital", C, "0.40,yes", "0.40,да", "capital: 'да': is neither yes nor no; write yes or no"),
    Spoiled("negative share", C, "0.40,yes", "-0.40,yes", "share: '-0.40': must not be less than 0; …"),
    Spoiled(
        "component twice",
        C,
        "buildings",
        "salaries",
        "component: 'salaries': the component of this profile and care setting stands in line 2 already; …",
        at="general,,salaries,0.40",
    ),
    Spoiled(
        "profile with a space",
        C,
        "general,,buildings",
        "gene ral,,buildings",
        "component_profile: 'gene ral': is not a plain word; …",
    ),
)
def test_a_wrong_component(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled(
        "case as a service",
        S,
        "bed_day",
        "case",
        "unit: 'case': is not known here; …bed_day, service, call, person_month, average_case, item",
    ),
    Spoiled("rate zero", S, "24319.78", "0", "rate: '0': must be greater than 0; …", at="REHAB,"),
    Spoiled("rate empty", S, "24319.78", "", "rate: is empty; …", at="REHAB,"),
    Spoiled(
        "case as a factor's unit", F, "service,remote", "case,remote", "unit: 'case': is not known here; …"
    ),
    Spoiled("factor zero", F, "1/2", "0/2", "factor: '0/2': must be greater than 0; …"),
    Spoiled(
        "factor with words",
        F,
        "1/2",
        "half",
        "factor: 'half': is neither a decimal number nor a fraction; write it as 0.40 or as 1/6",
    ),
    Spoiled(
        "factor twice",
        F,
        "service,remote",
        "service,home_visit",
        "factor_code: 'home_visit': the factor of this unit stands in line 2 already; …",
        at="service,home_visit,1/2",
    ),
)
def test_a_wrong_service_or_factor(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled(
        "column twice",
        G,
        "component_profile,source",
        "component_profile,source,name",
        "name: 'name': the column stands in the header more than once; keep one…",
        at="drg_code,",
    ),
    Spoiled(
        "column without name",
        G,
        "component_profile,source",
        "component_profile,source,",
        "a column without a name; …",
        at="drg_code,",
    ),
    Spoiled(
        "missing column",
        P,
        "published_weight,",
        "",
        "published_weight: the column is missing; add it…",
        at="drg_code,",
    ),
    Spoiled(
        "unterminated quote",
        G,
        "Adults only",
        '"Adults only',
        "the row cannot be read as CSV …; a cell with a comma or a quotation mark…",
        at="G3,",
    ),
)
def test_a_wrong_header_or_syntax(tmp_path, mistake):
    mistake.check(tmp_path)


def test_a_misspelt_column_is_named_with_the_one_meant(tmp_path):
    folder = FolderText().replace(G, "planned_days", "planed_days")
    misspelt, missing = folder.problems(tmp_path)
    assert (misspelt.place, misspelt.field) == (f"{NAME}/{G}:1", "planed_days")
    assert "did you mean 'planned_days'?" in misspelt.way_out
    assert (missing.field, missing.message) == ("planned_days", "the column is missing")


def test_a_coefficient_column_that_is_not_declared(tmp_path):
    folder = FolderText().replace(R, "regional,rural", "regional,heating")
    undeclared, missing = folder.problems(tmp_path)
    assert (undeclared.place, undeclared.field) == (f"{NAME}/{R}:1", "heating")
    assert "[[coefficient]] table in schedule.toml" in undeclared.way_out
    assert missing.field == "rural"


@pytest.mark.parametrize(("separator", "called"), [(";", "semicolons"), ("\t", "tabs")])
def test_another_separator_is_recognised(tmp_path, separator, called):
    folder = FolderText()
    folder.files[F] = folder.files[F].replace(b",", separator.encode())
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{F}:1"
    assert f"separated by {called}" in problem.message


def test_an_empty_file_needs_its_header(tmp_path):
    folder = FolderText()
    folder.files[F] = b"\n"
    problem = folder.problem(tmp_path)
    assert (problem.place, problem.message) == (f"{NAME}/{F}:1", "the file is empty")
    assert "unit,factor_code,factor,source" in problem.way_out


def test_a_field_longer_than_any_cell(tmp_path):
    problem = FolderText().replace(G, "Adults only", "x" * 200_000).problem(tmp_path)
    assert problem.place == f"{NAME}/{G}:4"
    assert "field larger than field limit" in problem.message
