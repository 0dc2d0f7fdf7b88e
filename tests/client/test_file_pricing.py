"""Files priced by a service are the files priced here, byte for byte."""

from __future__ import annotations

import zipfile
from datetime import date
from pathlib import Path

import pytest

from tariffcore.batch import price_file, price_file_with
from tariffcore.client import ClientError, Connection, EditionChoice
from tariffcore.client.file_pricing import ServicePricer
from tariffcore.errors import CasesError
from tariffcore.plan import Plan
from tariffcore.sample import write_sample
from tariffcore.schedule.catalog import Catalog, DecidingDate, read_catalog
from tariffcore.schedule.shipped import resolve
from tests.client.plain_service import PlainService, serving

ROWS = 6_000
SUFFIXES = (".csv", ".parquet", ".arrow", ".xlsx")

MESSY = """case_id,provider_id,drg_code,service_code,care_setting,admission_date,discharge_date,outcome,\
death_unavoidable,age_years,procedure_codes,quantity,length_of_stay_days,factor_code,funding_source,patient_id,\
claimed_amount,addon_amount
1,H001-R12,1,,inpatient,2026-01-05,2026-01-12,discharged,,40,,,,,insurance,p1,100.00,
,H001-R12,1,,inpatient,2026-01-05,2026-01-12,discharged,,40,,,,,insurance,p1,100.00,
2,H001-R12,1,,inpatient,2026-02-30,2026-01-12,discharged,,40,,,,,insurance,p1,100.00,
3,H001-R12,1,BD-101,inpatient,2026-01-05,2026-01-12,discharged,,200,,,,,insurance,p1,x,
4,,1,,inpatient,2026-01-15,2026-01-12,,,40,,,,,insurance,p1,,5
5,P9,1,,moon,2026-01-05,2026-01-12,discharged,maybe,40,13.73;13.7301|x,0,,,,p1,,
6,,,,,,,,,,,,,,,,,
7,too,few
8,H001-R12,,BD-101,inpatient,2026-01-05,2026-01-12,,,,,,,,,,,
9,H001-R12,,BD-101,inpatient,,2026-01-12,,,,,3,,home_visit,,,,
10,H001-R12,1,,inpatient,2026-01-12 10:30,2026-01-12 09:00,discharged,,40,,,,,,,,
11,H001-R12,1,,inpatient,,2026-01-12,discharged,,40,,,4,,,,,
12,H001-R12,1,,inpatient,2026-01-05,2026-01-12,discharged,,40,,,4,,,,,
13,H001-R12,1,,inpatient,1026-01-05,2026-01-12,died,,40,,,,,,,,
14,H001-R12,1,,inpatient,1999-01-05,1999-01-12,discharged,,99999999999999999,,99999999999,,,,,,
"""


@pytest.fixture(scope="module")
def plan() -> Plan:
    return Plan(read_catalog(resolve(["kz-demo"])))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory, plan: Plan) -> dict[str, Path]:
    """The same sample cases in every format, spoiled cells included."""
    folder = tmp_path_factory.mktemp("cases")
    paths = {suffix: folder / f"cases{suffix}" for suffix in SUFFIXES}
    for path in paths.values():
        write_sample(path, ROWS, catalog=plan, seed=3)
    return paths


def unpacked(path: Path) -> bytes | dict[str, bytes]:
    """The bytes of a file; of a workbook those of its parts without the time of its making."""
    if path.suffix != ".xlsx":
        return path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def both(
    tmp_path: Path,
    cases: Path,
    plan: Plan,
    suffix: str,
    *,
    rejects: bool = True,
    language: str = "en",
    **choice,
) -> None:
    """Prices a file here and by a service, and compares the files and the counts."""
    components = choice.pop("components", True)
    wanted, wanted_rejects = tmp_path / f"here{suffix}", tmp_path / f"here-rejects{suffix}"
    found, found_rejects = tmp_path / f"there{suffix}", tmp_path / f"there-rejects{suffix}"
    here = price_file(
        cases,
        wanted,
        plan,
        rejects_path=wanted_rejects if rejects else None,
        components=components,
        threads=2,
        language=language,
    )
    with (
        serving(PlainService(plan)) as address,
        ServicePricer(
            Connection(target=address), EditionChoice(**choice), components=components, streams=2
        ) as pricer,
    ):
        there = price_file_with(
            pricer,
            cases,
            found,
            rejects_path=found_rejects if rejects else None,
            threads=2,
            language=language,
        )
    assert unpacked(found) == unpacked(wanted)
    if rejects:
        assert unpacked(found_rejects) == unpacked(wanted_rejects)
    assert there.summary == here.summary
    assert there.note == here.note
    assert (there.columns, there.ignored_columns) == (here.columns, here.ignored_columns)
    if components:
        assert there.sources.capital_components == here.sources.capital_components


@pytest.mark.parametrize("source", SUFFIXES)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_every_format_comes_out_as_it_does_here(
    tmp_path: Path, cases: dict[str, Path], plan: Plan, source: str, suffix: str
) -> None:
    both(tmp_path, cases[source], plan, suffix)


UNGROUPED = """case_id,provider_id,care_setting,admission_date,discharge_date,outcome,age_years,age_days,sex,\
birth_weight_grams,principal_diagnosis,secondary_diagnoses,procedure_codes,qualifiers,length_of_stay_days,claimed_amount
1,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,female,,А40.0,,,,,100.00
2,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,,,,,,,,
3,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,unclear,,A40.0,R57.2; ,,,,
4,H001-R12,inpatient,2026-01-05,2026-01-12,died,,3,,700,P07.0,,,,,
5,H001-R12,inpatient,2026-01-05,2026-01-12,died,,3,,9000,P07.0,,,,,
6,H001-R12,inpatient,2026-01-05,2026-01-12,died,40,3,,900,P07.0,,,,,
7,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,0,3,m,,P07.0,,,,,
8,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,female,,A4O.0,,,,,
9,H001-R12,inpatient,,2026-01-12,discharged,40,,female,,A40.0,A41.9|R65,13.7;74.1,infection_active,5,x
10,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,ж,,A40.0,A41.9|R65,13.7;74.1,unheard_of,,
11,H001-R12,moon,2026-01-05,2026-01-12,discharged,,9999,male,,O80,,,,,
12,H001-R12,inpatient,2026-01-12,2026-01-05,discharged,30,,male,,O80,,74.1,,,
13,too,few
14,,inpatient,1999-01-05,1999-01-12,discharged,30,x,male,,O80,,74.1,,,
,H001-R12,inpatient,2026-01-05,2026-01-12,discharged,40,,female,,A40.0,,,,,100.00
"""


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_cases_without_a_group_are_grouped_as_here(tmp_path: Path, plan: Plan, suffix: str) -> None:
    path = tmp_path / "ungrouped.csv"
    path.write_text(UNGROUPED, encoding="utf-8")
    both(tmp_path, path, plan, suffix)
    both(tmp_path, path, plan, suffix, rejects=False, components=False)


def test_a_service_without_rules_refuses_a_file_without_groups(tmp_path: Path) -> None:
    path = tmp_path / "ungrouped.csv"
    path.write_text(UNGROUPED, encoding="utf-8")
    plan = Plan(read_catalog(resolve(["kz-leaflet"])))
    with (
        serving(PlainService(plan)) as address,
        ServicePricer(Connection(target=address), EditionChoice(), components=False, streams=1) as pricer,
        pytest.raises(CasesError, match="the service's editions have no grouping rules"),
    ):
        price_file_with(pricer, path, tmp_path / "out.csv")


@pytest.mark.parametrize("language", ["en", "ru", "kk"])
def test_whatever_is_wrong_with_a_row_is_said_in_the_same_words(
    tmp_path: Path, plan: Plan, language: str
) -> None:
    path = tmp_path / "messy.csv"
    path.write_text(MESSY, encoding="utf-8")
    both(tmp_path, path, plan, ".csv", language=language)


def test_without_rejects_and_components(tmp_path: Path, cases: dict[str, Path], plan: Plan) -> None:
    both(tmp_path, cases[".parquet"], plan, ".parquet", rejects=False, components=False)


def test_a_file_without_rows(tmp_path: Path, plan: Plan) -> None:
    path = tmp_path / "empty.csv"
    path.write_text(MESSY.splitlines()[0] + "\n", encoding="utf-8")
    for suffix in SUFFIXES:
        both(tmp_path, path, plan, suffix)
        both(tmp_path, path, plan, suffix, components=False)


def test_a_family_without_components_and_providers(tmp_path: Path, cases: dict[str, Path]) -> None:
    plan = Plan(read_catalog(resolve(["kz"])))
    both(tmp_path, cases[".csv"], plan, ".arrow")


def test_as_of_a_day_and_by_admission(tmp_path: Path, cases: dict[str, Path], plan: Plan) -> None:
    as_of = date(2026, 1, 15)
    known = Plan(Catalog.of(plan.catalog.editions, as_of, DecidingDate.ADMISSION))
    both(
        tmp_path,
        cases[".parquet"],
        known,
        ".parquet",
        as_of=as_of,
        deciding_date=DecidingDate.ADMISSION,
    )


def test_new_schedules_before_the_reasons_are_known_are_an_error_in_words(
    tmp_path: Path, cases: dict[str, Path], plan: Plan
) -> None:
    other = Plan(read_catalog(resolve(["kz"])))
    service = PlainService(plan)
    with (
        serving(service) as address,
        ServicePricer(Connection(target=address), EditionChoice(), components=False, streams=1) as pricer,
    ):
        service.plan = other
        with pytest.raises(ClientError, match="changed before all rejected rows had their reasons"):
            price_file_with(
                pricer, cases[".csv"], tmp_path / "out.csv", rejects_path=tmp_path / "rejects.csv", threads=1
            )
    assert not (tmp_path / "out.csv").exists()


def test_reasons_are_asked_without_what_they_do_not_depend_on(
    tmp_path: Path, cases: dict[str, Path], plan: Plan
) -> None:
    service = PlainService(plan)
    with (
        serving(service) as address,
        ServicePricer(Connection(target=address), EditionChoice(), components=False, streams=1) as pricer,
    ):
        price_file_with(
            pricer, cases[".csv"], tmp_path / "out.csv", rejects_path=tmp_path / "rejects.csv", threads=1
        )
    asked = [case for call in service.calls for case in call.cases]
    assert asked
    assert {(case.case_id, case.claimed_amount) for case in asked} == {("1", "")}
