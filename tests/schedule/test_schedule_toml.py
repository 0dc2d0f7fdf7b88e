"""schedule.toml: one wrong line at a time, each told with its line, key, value and what would be right."""

from __future__ import annotations

from datetime import date
from fractions import Fraction

import pytest

from tariffcore.money import RoundingMode
from tariffcore.schedule.model import AppliesTo, DayCount, Pay, Rounding, Unit
from tests.schedule_folders import NAME, FolderText, Spoiled, spoiled

T = "schedule.toml"
HEAD = 'tariff_family = "test"\n'
HOME_SHARE = 'share = "1/6"\napplies_to = "tariff"\nsource = "rules, item 73"\n'


def test_reads_every_key(tmp_path):
    schedule = FolderText().read(tmp_path)
    assert (schedule.id, schedule.tariff_family, schedule.model) == ("test-2026", "test", "case-share")
    assert schedule.title == "A small schedule that has one of everything"
    assert not schedule.synthetic
    assert (schedule.country, schedule.currency, schedule.minor_units) == ("KZ", "KZT", 2)
    assert schedule.published == date(2025, 12, 31)
    assert schedule.effective_start_date == date(2026, 1, 1)
    assert schedule.effective_end_date == date(2027, 1, 1)
    assert schedule.child_age_limit == 18
    assert schedule.day_count is DayCount.DISCHARGE_MINUS_ADMISSION
    assert schedule.base_rate.amount == Fraction(17562279, 100)
    assert schedule.base_rate.source == "order 1"
    assert schedule.outcomes == ("discharged", "transferred", "self_discharged", "died")
    inpatient, day_hospital, home, bed_day = schedule.shares
    assert (inpatient.id, inpatient.share, inpatient.applies_to) == ("inpatient", 1, AppliesTo.TARIFF)
    assert (day_hospital.share, day_hospital.max_hours) == (Fraction(2, 5), 24)
    assert (home.share, home.max_hours) == (Fraction(1, 6), None)
    assert (bed_day.id, bed_day.unit) == ("bed_day.day_hospital", Unit.BED_DAY)
    surgical, arteriography = day_hospital.exceptions
    assert (surgical.id, surgical.procedures) == ("day_hospital.exception-1", {"1373", "137301"})
    assert arteriography.id == "day_hospital.arteriography"
    assert (arteriography.share, arteriography.applies_to) == (Fraction(3, 4), AppliesTo.TARIFF)
    interrupted, early_death = schedule.stay_rules
    assert (interrupted.pay, interrupted.share, interrupted.max_days) == (Pay.PER_PLANNED_DAY, None, 3)
    assert interrupted.exemptions[0].drg_flags == {"infectious"}
    assert (early_death.pay, early_death.share) == (Pay.SHARE, Fraction(1, 2))
    assert early_death.death_unavoidable is True
    assert [coefficient.name for coefficient in schedule.coefficients] == ["regional", "rural"]


def test_each_rounding_may_have_its_own_mode_and_be_left_out(tmp_path):
    schedule = (
        FolderText()
        .replace(T, "weight_places = 4", 'weight_places = "exact"')
        .replace(T, "tariff_places = 2", 'tariff_places = "exact"\ntariff_mode = "down"')
        .replace(T, "unit_places = 2", 'unit_places = -1\nunit_mode = "half_even"')
        .without("published.csv")
        .read(tmp_path)
    )
    assert schedule.roundings.weight == Rounding(None, RoundingMode.HALF_UP)
    assert schedule.roundings.tariff == Rounding(None, RoundingMode.DOWN)
    assert schedule.roundings.unit == Rounding(-1, RoundingMode.HALF_EVEN)


def test_synthetic_and_inclusive_days(tmp_path):
    folder = FolderText().replace(T, HEAD, HEAD + "synthetic = true\n")
    schedule = folder.replace(T, '"discharge_minus_admission"', '"inclusive"').read(tmp_path)
    assert schedule.synthetic
    assert schedule.day_count is DayCount.INCLUSIVE


@spoiled(
    Spoiled(
        "misspelt key",
        T,
        "child_age_limit = 18\n",
        "child_age_limit = 18\npublishd = 2025-12-31\n",
        "publishd: 'publishd': …is not a key of this table…; …known are…",
        at="publishd",
    ),
    Spoiled(
        "misspelt table",
        T,
        HEAD,
        HEAD + "stay_rules = []\n",
        "stay_rules: 'stay_rules': …not a key…; did you mean 'stay_rule'…",
        at="stay_rules =",
    ),
    Spoiled(
        "id with a space",
        T,
        'id = "test-2026"',
        'id = "test 2026"',
        "id: 'test 2026': …plain word…; …no spaces…",
    ),
    Spoiled(
        "blank title",
        T,
        "A small schedule that has one of everything",
        " ",
        "title: ' ': …is blank…; …write…",
        at='title = " "',
    ),
    Spoiled(
        "text without quotes",
        T,
        'country = "KZ"',
        "country = 7",
        "country: '7': …is not a text…; …quotation marks…",
    ),
    Spoiled(
        "unknown model",
        T,
        '"case-share"',
        '"case-shares"',
        "model: 'case-shares': …not a payment model…; …'case-share'…",
    ),
    Spoiled(
        "currency", T, '"KZT"', '"tenge"', "currency: 'tenge': …not a currency code…; …three capital letters…"
    ),
    Spoiled(
        "minor units",
        T,
        "minor_units = 2",
        "minor_units = 9",
        "minor_units: '9': …out of range…; …from 0 to 4…",
    ),
    Spoiled(
        "minor units text",
        T,
        "minor_units = 2",
        'minor_units = "2"',
        "minor_units: '2': …not a whole number…; …write 2…",
    ),
    Spoiled(
        "truth for a number",
        T,
        "minor_units = 2",
        "minor_units = true",
        "minor_units: 'true': …not a whole…; …write 2…",
    ),
    Spoiled(
        "end before start",
        T,
        "effective_end_date = 2027-01-01",
        "effective_end_date = 2026-01-01",
        "effective_end_date: '2026-01-01': is not after effective_start_date, 2026-01-01; write the…",
    ),
    Spoiled(
        "quoted date",
        T,
        "published = 2025-12-31",
        'published = "2025-12-31"',
        "published: '2025-12-31': …not a date…; …without quotation marks…",
    ),
    Spoiled(
        "date with time",
        T,
        "published = 2025-12-31",
        "published = 2025-12-31T00:00:00",
        "published: '2025-12-31 00:00:00': …with a time…; …write 2025-12-31…",
    ),
    Spoiled(
        "child age zero",
        T,
        "child_age_limit = 18",
        "child_age_limit = 0",
        "child_age_limit: '0': …out of range…; …from 1 to 130…",
    ),
    Spoiled(
        "child age 131",
        T,
        "child_age_limit = 18",
        "child_age_limit = 131",
        "child_age_limit: '131': …out of range…; …from 1 to 130…",
    ),
    Spoiled(
        "day count",
        T,
        '"discharge_minus_admission"',
        '"exclusive"',
        "day_count: 'exclusive': …not known…; …'inclusive'…",
    ),
    Spoiled(
        "synthetic as text",
        T,
        HEAD,
        HEAD + 'synthetic = "yes"\n',
        "synthetic: 'yes': …neither true nor false…; …true or false…",
        at='synthetic = "yes"',
    ),
    Spoiled(
        "base rate as number",
        T,
        '"175622.79"',
        "175622.79",
        "base_rate.amount: '175622.79': …without quotation marks…; …\"175622.79\"…",
    ),
    Spoiled(
        "base rate with comma",
        T,
        '"175622.79"',
        '"175 622,79"',
        "base_rate.amount: '175 622,79': …not a decimal…; …write 175622.79…",
    ),
    Spoiled("base rate zero", T, '"175622.79"', '"0"', "base_rate.amount: '0': …greater than 0…; …order…"),
    Spoiled(
        "base rate without source",
        T,
        ', source = "order 1" }',
        " }",
        "base_rate.source: …missing…; …source =…",
        at="base_rate",
    ),
    Spoiled(
        "base rate bare",
        T,
        '{ amount = "175622.79", source = "order 1" }',
        '"175622.79"',
        "base_rate: '175622.79': …not a table…; …base_rate = {…",
    ),
    Spoiled(
        "rounding mode",
        T,
        '"half_up"',
        '"half-up"',
        "rounding.mode: 'half-up': …not known…; …did you mean 'half_up'…",
    ),
    Spoiled(
        "unit exact",
        T,
        "unit_places = 2",
        'unit_places = "exact"',
        "rounding.unit_places: 'exact': …whole number…; …write 2…",
    ),
    Spoiled(
        "unit finer than coins",
        T,
        "unit_places = 2",
        "unit_places = 3",
        "rounding.unit_places: '3': …out of range…; …to 2…",
    ),
    Spoiled(
        "weight places",
        T,
        "weight_places = 4",
        "weight_places = 4.0",
        "rounding.weight_places: '4.0': …whole number…; …\"exact\"…",
    ),
    Spoiled(
        "no outcomes",
        T,
        'outcomes = ["discharged", "transferred", "self_discharged", "died"]',
        "outcomes = []",
        "vocabulary.outcomes: '[]': …is empty…; …at least one…",
    ),
    Spoiled(
        "setting twice",
        T,
        '"home", "outpatient"]',
        '"home", "home"]',
        "vocabulary.care_settings: …: 'home' is listed more than once; list it once",
    ),
    Spoiled(
        "word with plus",
        T,
        '["neonatal", "infectious"]\n\n',
        '["neonatal", "infec+tious"]\n\n',
        "vocabulary.drg_flags: …: 'infec+tious' is not a plain word; use letters…",
    ),
    Spoiled(
        "not a list",
        T,
        'drg_flags = ["neonatal", "infectious"]\n\n',
        'drg_flags = "neonatal"\n\n',
        "vocabulary.drg_flags: 'neonatal': …not a list…; …[\"neonatal\"]…",
    ),
)
def test_a_wrong_key(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled(
        "share as number",
        T,
        'share = "1/6"',
        "share = 0.17",
        "share.share: '0.17': …without quotation marks…; …\"0.17\"…",
    ),
    Spoiled(
        "share as percentage",
        T,
        'share = "1/6"',
        'share = "17 %"',
        "share.share: '17 %': …neither a decimal…; …17/100…",
    ),
    Spoiled(
        "share with comma",
        T,
        'share = "1/6"',
        'share = "0,17"',
        "share.share: '0,17': …neither a decimal…; …write 0.17…",
    ),
    Spoiled(
        "share by zero", T, 'share = "1/6"', 'share = "1/0"', "share.share: '1/0': …neither a decimal…; …1/6…"
    ),
    Spoiled("share zero", T, 'share = "1/6"', 'share = "0"', "share.share: '0': …greater than 0…; …order…"),
    Spoiled(
        "unknown unit",
        T,
        'unit = "bed_day"',
        'unit = "bedday"',
        "share.unit: 'bedday': …not known…; …did you mean 'bed_day'…",
    ),
    Spoiled(
        "applies_to missing",
        T,
        HOME_SHARE,
        'share = "1/6"\nsource = "rules, item 73"\n',
        'share.applies_to: …says what it multiplies…; …applies_to = "weight"…',
        at='[[share]]\nunit = "case"\ncare_setting = "home"',
    ),
    Spoiled(
        "applies_to misspelt",
        T,
        HOME_SHARE,
        HOME_SHARE.replace('"tariff"', '"tarif"'),
        "share.applies_to: 'tarif': …not known…; …did you mean 'tariff'…",
        at='"tarif"',
    ),
    Spoiled(
        "weight of a bed-day",
        T,
        'applies_to = "tariff"\nsource = "rules, item 72"',
        'applies_to = "weight"\nsource = "rules, item 72"',
        "share.applies_to: 'weight': …has a rate and no weight…; …\"tariff\"…",
    ),
    Spoiled(
        "hours of a bed-day",
        T,
        'source = "rules, item 72"',
        'source = "rules, item 72"\nmax_hours = 24',
        "share.max_hours: '24': …no stay to limit…; …remove…",
        at="max_hours = 24\n\n[[stay",
    ),
    Spoiled(
        "hours zero", T, "max_hours = 24", "max_hours = 0", "share.max_hours: '0': …out of range…; …from 1…"
    ),
    Spoiled(
        "share without source",
        T,
        'source = "rules, item 73"\n',
        "",
        "share.source: …missing…; …source =…",
        at='[[share]]\nunit = "case"\ncare_setting = "home"',
    ),
    Spoiled(
        "id twice",
        T,
        'id = "day_hospital.arteriography"',
        'id = "home"',
        "share.id: 'home': …is the id of the table in line…; …another id…",
        at='[[share]]\nunit = "case"\ncare_setting = "home"',
    ),
    Spoiled(
        "exception of a bed-day",
        T,
        'source = "rules, item 72"\n',
        'source = "rules, item 72"\n[[share.exception]]\nprocedures = ["1"]\nshare = "1"\nsource = "x"\n',
        "share.exception.procedures: …priced without procedures…; …remove the exception…",
        at='procedures = ["1"]',
    ),
    Spoiled(
        "no procedures",
        T,
        'procedures = ["13.73", "13.7301"]',
        "procedures = []",
        "share.exception.procedures: '[]': …is empty…; …list the procedures…",
    ),
    Spoiled(
        "range of procedures",
        T,
        '["13.73", "13.7301"]',
        '["88.55-88.57"]',
        "share.exception.procedures: '88.55-88.57': …not one procedure…; …each code on its own…",
    ),
    Spoiled(
        "procedure twice in one list",
        T,
        '["13.73", "13.7301"]',
        '["13.73", "1373"]',
        "share.exception.procedures: '1373': …listed already…; …list it once…",
    ),
    Spoiled(
        "procedure in two exceptions",
        T,
        '"88.56",',
        '"13,73",',
        "share.exception.procedures: '13,73': …(as '13.73')…; …first exception…",
        at="procedures = [\n",
    ),
    Spoiled(
        "exception without applies_to",
        T,
        'share = "0.75"\n  applies_to = "weight"',
        'share = "0.75"',
        "share.exception.applies_to: …says what…; …applies_to…",
        at="[[share.exception]]",
    ),
    Spoiled(
        "unknown key of an exception",
        T,
        'procedures = ["13.73", "13.7301"]',
        'procedures = ["13.73", "13.7301"]\nprocedure = "1"',
        "share.exception.procedure: 'procedure': …not a key…; …did you mean…",
        at='procedure = "1"',
    ),
)
def test_a_wrong_share(tmp_path, mistake):
    mistake.check(tmp_path)


@spoiled(
    Spoiled(
        "rule without id",
        T,
        'id = "interrupted"\n',
        "",
        'stay_rule.id: …missing…; …id = "interrupted"…',
        at="[[stay_rule]]",
    ),
    Spoiled(
        "two rules of one id",
        T,
        'id = "early_death"',
        'id = "interrupted"',
        "stay_rule.id: 'interrupted': …in line…; …another id…",
        at='id = "interrupted"\noutcomes = ["died"]',
    ),
    Spoiled(
        "negative days",
        T,
        'max_days = 3\npay = "share"',
        'max_days = -1\npay = "share"',
        "stay_rule.max_days: '-1': …out of range…; …from 0…",
    ),
    Spoiled(
        "unknown pay",
        T,
        '"per_planned_day"',
        '"per_day"',
        "stay_rule.pay: 'per_day': …not known…; …did you mean 'per_planned_day'…",
    ),
    Spoiled(
        "share missing",
        T,
        'share = "1/2"\n',
        "",
        'stay_rule.share: …needs it…; …share = "1/2"…',
        at='[[stay_rule]]\nid = "early_death"',
    ),
    Spoiled(
        "share too many",
        T,
        'pay = "per_planned_day"\n',
        'pay = "per_planned_day"\nshare = "1/3"\n',
        "stay_rule.share: '1/3': …has no share…; …remove…",
        at='share = "1/3"',
    ),
    Spoiled(
        "negative share",
        T,
        'share = "1/2"',
        'share = "-0.5"',
        "stay_rule.share: '-0.5': …less than 0…; …order…",
    ),
    Spoiled(
        "unavoidable as text",
        T,
        "death_unavoidable = true",
        'death_unavoidable = "true"',
        "stay_rule.death_unavoidable: 'true': …neither true nor false…; …true or false…",
    ),
    Spoiled(
        "exemption of everything",
        T,
        '  drg_flags = ["neonatal"]\n',
        "",
        "stay_rule.exemption.outcomes: …names no condition…; …remove the exemption…",
        at="[[stay_rule.exemption]]\n  source",
    ),
    Spoiled(
        "exemption without source",
        T,
        '  drg_flags = ["neonatal"]\n  source = "rules, item 81"\n',
        '  drg_flags = ["neonatal"]\n',
        "stay_rule.exemption.source: …missing…; …source…",
        at='[[stay_rule.exemption]]\n  drg_flags = ["neonatal"]',
    ),
    Spoiled(
        "coefficient mode",
        T,
        '"adds"',
        '"add"',
        "coefficient.mode: 'add': …not known…; …did you mean 'adds'…",
    ),
    Spoiled(
        "coefficient without source",
        T,
        'mode = "adds"\nsource = "order 173"\n',
        'mode = "adds"\n',
        "coefficient.source: …missing…; …source…",
        at='[[coefficient]]\nname = "rural"',
    ),
)
def test_a_wrong_stay_rule_or_coefficient(tmp_path, mistake):
    mistake.check(tmp_path)


def test_a_coefficient_declared_twice(tmp_path):
    folder = FolderText().add(T, '\n[[coefficient]]\nname = "rural"\nmode = "adds"\nsource = "again"\n')
    problem = folder.problem(tmp_path)
    assert problem.place.endswith(f":{folder.line(T, 'again') - 2}")
    assert "declared already" in problem.message


def test_exemptions_that_is_no_list_of_tables(tmp_path):
    folder = FolderText().replace(T, "[[share.exception]]\n  id", "[share.exceptions]\n  id")
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{T}:{folder.line(T, '[share.exceptions]')}"
    assert (problem.field, problem.value) == ("share.exceptions", "exceptions")
    assert "did you mean 'exception'" in problem.way_out


def test_a_table_written_where_a_list_of_tables_belongs(tmp_path):
    folder = FolderText().replace(
        T, 'procedures = ["13.73", "13.7301"]', 'procedures = ["13.73"]\n  exemption = 1'
    )
    folder.replace(
        T,
        '[[stay_rule.exemption]]\n  drg_flags = ["neonatal"]\n',
        '[stay_rule.exemption]\n  drg_flags = ["neonatal"]\n',
    )
    exception, exemption = folder.problems(tmp_path)
    assert exception.field == "share.exception.exemption"
    assert exemption.field == "stay_rule.exemption"
    assert "[[stay_rule.exemption]]" in exemption.way_out


@pytest.mark.parametrize("key", ["id", "tariff_family", "model", "title", "country", "currency", "published"])
def test_a_missing_key_names_an_example_of_it(tmp_path, key):
    folder = FolderText()
    line = next(line for line in folder.files[T].decode().splitlines() if line.startswith(f"{key} = "))
    problem = folder.replace(T, f"\n{line}\n" if key != "id" else f"{line}\n", "\n").problem(tmp_path)
    assert (problem.place, problem.field, problem.value) == (f"{NAME}/{T}:1", key, None)
    assert problem.message == "is missing"
    assert f"{key} = " in problem.way_out


@pytest.mark.parametrize(
    ("table", "line"),
    [("vocabulary", "care_settings"), ("rounding", "mode"), ("rounding", "unit_places")],
)
def test_a_missing_key_of_a_table_names_the_line_of_the_table(tmp_path, table, line):
    folder = FolderText()
    whole = next(text for text in folder.files[T].decode().splitlines() if text.startswith(f"{line} = "))
    folder.replace(T, f"{whole}\n", "")
    problem = folder.problem(tmp_path)
    assert problem.place == f"{NAME}/{T}:{folder.line(T, f'[{table}]')}"
    assert problem.field == f"{table}.{line}"


@spoiled(
    Spoiled(
        "no unit of a coefficient",
        T,
        'name = "rural"\n',
        'name = "rural"\nunits = []\n',
        "coefficient.units: '[]': is empty, so nothing would be corrected; name the units, …",
        at="units = []",
    ),
    Spoiled(
        "unknown unit of a coefficient",
        T,
        'name = "rural"\n',
        'name = "rural"\nunits = ["case", "person_mont"]\n',
        "coefficient.units: 'person_mont': is not a unit; did you mean 'person_month'?…",
        at="units = [",
    ),
    Spoiled(
        "method of what is counted",
        T,
        'unit = "bed_day"\n',
        'unit = "bed_day"\nmethod = "bed_day"\n',
        "share.method: 'bed_day': the method of what is counted in 'bed_day' stands beside its rate; "
        "remove the line; services.csv has a column method",
        at='method = "bed_day"',
    ),
    Spoiled(
        "method of something else",
        T,
        HOME_SHARE,
        HOME_SHARE + 'method = "call"\n',
        "share.method: 'call': does not pay cases of cost groups; known are: treated_case, …",
        at='method = "call"',
    ),
    Spoiled(
        "unknown method",
        T,
        HOME_SHARE,
        HOME_SHARE + 'method = "home_cas"\n',
        "share.method: 'home_cas': …did you mean 'home_case'?…",
        at='method = "home_cas"',
    ),
    Spoiled(
        "stay rule of what has no stay",
        T,
        'id = "interrupted"\n',
        'id = "interrupted"\nunit = "bed_day"\n',
        "stay_rule.unit: 'bed_day': has no stay; known are: case, average_case",
        at='unit = "bed_day"\noutcomes',
    ),
)
def test_a_wrong_unit_or_method(tmp_path, mistake):
    mistake.check(tmp_path)


def test_units_and_methods_that_are_right(tmp_path):
    folder = FolderText().replace(T, HOME_SHARE, HOME_SHARE + 'method = "home_case"\n')
    folder.replace(T, 'name = "rural"\n', 'name = "rural"\nunits = ["person_month", "bed_day"]\n')
    schedule = folder.read(tmp_path)
    assert [share.method.value for share in schedule.shares] == [
        "treated_case",
        "treated_case",
        "home_case",
        "bed_day",
    ]
    assert [own.units for own in schedule.coefficients] == [frozenset(), {Unit.PERSON_MONTH, Unit.BED_DAY}]
