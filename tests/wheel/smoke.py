"""What an installed tariffcore must do far from its source tree; run by `tests.wheel` in a folder of its own.

Only the installed package and the standard library are used, and every answer is asked of the kernel, the
twin, the explanation and the command line.
"""

import argparse
import csv
import json
import subprocess
import sys
import sysconfig
from datetime import date
from pathlib import Path

import tariffcore
from tariffcore import _kernel
from tariffcore.cases import Case, table_from_cases
from tariffcore.explain import explain_case
from tariffcore.pricing import price_cases
from tariffcore.reference import reference_price
from tariffcore.schedule.catalog import Catalog, read_catalog
from tariffcore.schedule.shipped import resolve, shipped_editions
from tariffcore.statuses import CaseStatus
from tariffcore.version import ENGINE_VERSION

# The orders that print these tariffs are named in the shipped published.csv of each edition.
PRINTED = {
    "kz": [
        (Case(case_id="printed-2026", drg_code="1", care_setting="inpatient", age_years=40,
              admission_date=date(2026, 3, 1), discharge_date=date(2026, 3, 9)), 68_693_098),
        (Case(case_id="printed-2026-day", drg_code="1", care_setting="day_hospital", age_years=40,
              admission_date=date(2026, 3, 1), discharge_date=date(2026, 3, 9)), 27_477_942),
        (Case(case_id="printed-2025", drg_code="P001", care_setting="inpatient", age_years=40,
              admission_date=date(2025, 12, 22), discharge_date=date(2025, 12, 31)), 385_396_188),
    ],
    "kz-leaflet": [
        (Case(case_id="leaflet", drg_code="P001", care_setting="inpatient", age_years=40,
              admission_date=date(2025, 3, 1), discharge_date=date(2025, 3, 9)), 385_396_188),
    ],
}  # fmt: skip


def case_of(catalog: Catalog) -> Case:
    """A case that the family's last edition prices: its first group and first provider, on its first day."""
    schedule = catalog.editions[-1]
    day = schedule.effective_start_date
    return Case(
        case_id="of-the-family",
        drg_code=next(iter(schedule.groups)),
        provider_id=next(iter(schedule.providers), None) if schedule.providers else None,
        care_setting="inpatient",
        admission_date=day,
        discharge_date=day,
        age_years=40,
    )


def check_family(family: str) -> None:
    """Library and command line agree on a few cases of one shipped family."""
    catalog = read_catalog(resolve([family]))
    of_family = case_of(catalog)
    expected = [*PRINTED.get(family, []), (of_family, reference_price(of_family, catalog).amount_minor)]
    cases = [case for case, _ in expected]
    table = table_from_cases(cases)
    priced = price_cases(table, catalog, components=True)
    unit = 10 ** catalog.editions[0].minor_units
    file = Path(f"{family}.csv")
    with file.open("w", newline="", encoding="utf-8") as opened:
        writer = csv.writer(opened)
        names = [
            "case_id",
            "provider_id",
            "drg_code",
            "care_setting",
            "admission_date",
            "discharge_date",
            "age_years",
        ]
        writer.writerow(names)
        writer.writerows([getattr(case, name) for name in names] for case in cases)
    priced_file = Path(f"{family}-priced.csv")
    tariffcore_command("price", str(file), "-s", family, "-o", str(priced_file), "--quiet")
    with priced_file.open(newline="", encoding="utf-8-sig") as opened:
        by_command = list(csv.DictReader(opened))

    for row, (case, amount_minor) in enumerate(expected):
        explained = json.loads(
            tariffcore_command("explain", str(file), "--case-id", str(case.case_id), "-s", family, "--json")
        )
        whole, minor = divmod(amount_minor, unit)
        amount = f"{whole}.{minor:0{len(str(unit)) - 1}}"
        answers = {
            "kernel": (CaseStatus(int(priced.status[row])).name, int(priced.amount_minor[row])),
            "twin": (reference_price(case, catalog).status.name, reference_price(case, catalog).amount_minor),
            "explanation": (
                explain_case(case, catalog).status.name,
                explain_case(case, catalog).amount_minor,
            ),
            "price command": (
                by_command[row]["status"],
                amount_minor if by_command[row]["amount"] == amount else None,
            ),
            "explain command": (explained["status"], amount_minor if explained["amount"] == amount else None),
        }
        assert set(answers.values()) == {("OK", amount_minor)}, (family, case, amount, answers, explained)
    print(f"  {family}: {len(expected)} cases, the same by kernel, twin, explanation and command line")


def tariffcore_command(*arguments: str) -> str:
    """What the installed command prints; a failure ends the smoke test with what it said."""
    command = Path(sysconfig.get_path("scripts")) / "tariffcore"
    run = subprocess.run([command, *arguments], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        sys.exit(f"tariffcore {' '.join(arguments)} exited with {run.returncode}:\n{run.stdout}{run.stderr}")
    return run.stdout


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--version", required=True, help="the version that the wheel names")
    parser.add_argument("--checkout", required=True, type=Path, help="where nothing may be imported from")
    options = parser.parse_args()

    for module in (tariffcore, _kernel):
        place = Path(module.__file__).resolve()
        assert place.is_relative_to(Path(sys.prefix).resolve()), f"{place} is not in {sys.prefix}"
    assert not [path for path in sys.path if Path(path).resolve().is_relative_to(options.checkout)], sys.path
    assert options.version == ENGINE_VERSION
    assert tariffcore_command("--version").split()[-1] == options.version

    families = sorted({edition.tariff_family for edition in shipped_editions()})
    assert {"kz", "kz-demo", "kz-leaflet"} <= set(families), families
    for family in families:
        check_family(family)

    tariffcore_command("sample", "-n", "500", "-o", "sample.csv", "--quiet")
    said = tariffcore_command(
        "price",
        "sample.csv",
        "-s",
        "kz-demo",
        "-o",
        "sample.parquet",
        "--rejects",
        "rejects.csv",
        "--components",
    )
    assert "= 500 read" in said.splitlines()[-1], said
    for edition in shipped_editions():
        tariffcore_command("schedule", "check", str(edition.folder))
    for language in ("en", "ru", "kk"):
        tariffcore_command("explain", "kz.csv", "--line", "2", "-s", "kz", "--language", language)
    print(f"  {said.splitlines()[-1]}")


if __name__ == "__main__":
    main()
