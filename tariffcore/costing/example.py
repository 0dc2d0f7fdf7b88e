"""A worked example: three made-up hospitals, a year, sixty groups; every number synthetic, and the same each
time.

The hospitals are of the kind the tariffs are for: two of three buildings older than their life, some new
equipment, a surgical block that a loan paid for.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from tariffcore.money import format_minor, round_to_int
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Group
from tariffcore.schedule.shipped import SHIPPED_FOLDER
from tariffcore.schedule.writing import write_folder

GROUPS_FROM = "kz-demo-2026"
GROUP_COUNT = 60
YEAR = 2025

EXAMPLE_TOML = """\
# SYNTHETIC: a worked example of costing; every number in this folder is made up and pays nobody.
# Written by `tariffcore cost example`. The tables beside it are what an accountant fills in.

id = "costed-demo-2026"
tariff_family = "costed-demo"
title = "SYNTHETIC worked example: tariffs from the costs of three made-up hospitals in 2025"
synthetic = true
published = 2026-02-16
effective_start_date = 2026-01-01
like = "kz-2026"              # shares, stay rules, words, roundings and currency of the new schedule
current = "kz-demo-2026"      # the edition to compare with
currency = "KZT"
minor_units = 2

[period]                      # whole months; the end is the first day after
start = 2025-01-01
end = 2026-01-01

[depreciation]
monthly_convention = "next_month"     # next_month | same_month | mid_month
discount_rate = "0.08"                # of annuities, a year
interest_component = "financing_cost" # where the interest of annuities goes

[allocation]
method = "step_down"          # step_down | direct | reciprocal

[trimming]
rule = "interquartile"        # none | interquartile (factor) | mean_ratio (low, high)
of = "cases"                  # cases | providers
by = "bed_days"               # bed_days | cost
factor = "1.5"
least = 20                    # groups with fewer cases are not trimmed

[weights]
care_setting = "inpatient"    # whose mean costs make the weights
places = 4

[budget]
amount = "cost"               # an amount, or "cost": what the cases cost, capital included
mode = "within_budget"        # within_budget | half_up | half_even | down | up
places = 2

[profiles]
by = "drg_and_care_setting"   # drg | care_setting | drg_and_care_setting
places = 6

[[component]]
name = "staff_pay"
capital = false

[[component]]
name = "medicines_and_consumables"
capital = false

[[component]]
name = "food"
capital = false

[[component]]
name = "utilities"
capital = false

[[component]]
name = "other_running_cost"
capital = false

[[component]]
name = "building_depreciation"
capital = true

[[component]]
name = "medical_equipment_depreciation"
capital = true

[[component]]
name = "it_and_software_amortization"
capital = true

[[component]]
name = "financing_cost"
capital = true

# An asset may say otherwise in its row. Ceilings of the tax code: buildings 10 % a year, machinery 25 %,
# computers and software 40 %, other 15 %.
[[asset_class]]
name = "building"
component = "building_depreciation"
method = "straight_line"
useful_life_years = "40"

[[asset_class]]
name = "medical_equipment"
component = "medical_equipment_depreciation"
method = "straight_line"
useful_life_years = "8"

[[asset_class]]
name = "vehicle"
component = "medical_equipment_depreciation"
method = "units_of_production"

[[asset_class]]
name = "it"
component = "it_and_software_amortization"
method = "straight_line"
rate = "0.40"

[[asset_class]]
name = "land"
component = "building_depreciation"
method = "not_depreciated"
"""

_CENTRES = (
    # cost_centre, name, kind, allocation_base, product_base, after
    ("administration", "Administration and finance", "overhead", "staff", "", ""),
    ("buildings", "Buildings and grounds", "overhead", "floor_area", "", "administration"),
    ("it_services", "Information technology", "overhead", "workplaces", "", "administration"),
    ("laundry", "Laundry", "overhead", "laundry", "", "buildings"),
    ("kitchen", "Kitchen", "overhead", "meals", "", "buildings"),
    ("transport", "Transport", "overhead", "shares", "", ""),
    ("laboratory", "Laboratory", "ancillary", "tests", "", ""),
    ("imaging", "Imaging", "ancillary", "examinations", "", ""),
    ("theatre", "Operating theatre", "ancillary", "", "units", ""),
    ("therapy", "Therapeutic ward", "clinical", "", "bed_days", ""),
    ("surgery", "Surgical ward", "clinical", "", "bed_days", ""),
    ("infectious", "Infectious diseases ward", "clinical", "", "bed_days", ""),
    ("day_ward", "Day hospital", "clinical", "", "cases", ""),
)

# Thousand tenge a month by component: pay, medicines, food, utilities, other.
_MONTHLY = {
    "administration": (6_400, 0, 0, 310, 1_450),
    "buildings": (2_100, 0, 0, 4_900, 1_800),
    "it_services": (1_250, 0, 0, 140, 620),
    "laundry": (900, 0, 0, 420, 260),
    "kitchen": (1_300, 0, 2_900, 350, 180),
    "transport": (1_100, 0, 0, 160, 940),
    "laboratory": (2_400, 2_750, 0, 190, 330),
    "imaging": (2_100, 980, 0, 420, 510),
    "theatre": (4_700, 5_300, 0, 380, 640),
    "therapy": (8_900, 4_100, 0, 260, 520),
    "surgery": (9_600, 6_200, 0, 280, 610),
    "infectious": (1_150, 480, 0, 60, 95),
    "day_ward": (2_300, 1_150, 0, 90, 170),
}

_STATISTICS = {
    # base: quantity by receiving centre
    "staff": (0, 21, 9, 12, 14, 8, 26, 18, 34, 88, 92, 11, 20),
    "floor_area": (610, 0, 140, 260, 310, 220, 340, 520, 780, 2_140, 2_260, 260, 420),
    "workplaces": (24, 3, 0, 1, 2, 2, 9, 11, 8, 31, 29, 4, 8),
    "laundry": (0, 40, 0, 0, 90, 0, 110, 60, 5_400, 18_700, 21_300, 2_300, 1_200),
    "meals": (0, 0, 0, 0, 0, 0, 0, 0, 0, 61_500, 54_200, 5_600, 2_100),
    "tests": (0, 0, 0, 0, 0, 0, 0, 0, 9_200, 48_300, 39_700, 5_800, 6_800),
    "examinations": (0, 0, 0, 0, 0, 0, 0, 0, 1_900, 7_400, 9_900, 500, 1_500),
}
_TRANSPORT_SHARES = (
    ("administration", "0.30"),
    ("laboratory", "0.10"),
    ("therapy", "1/5"),
    ("surgery", "1/5"),
    ("infectious", "0.20"),
)


@dataclass(frozen=True, slots=True)
class _Hospital:
    provider_id: str
    size: int
    """Per cent of the model hospital in cases, staff and cost."""
    dearness: int
    """Per cent of the model hospital's prices."""


_HOSPITALS = (_Hospital("H-001", 100, 107), _Hospital("H-002", 60, 99), _Hospital("H-003", 150, 119))


class _Draws:
    """Whole numbers that look random and are the same on every machine (splitmix64)."""

    def __init__(self, seed: int) -> None:
        self._state = seed

    def below(self, limit: int) -> int:
        self._state = (self._state + 0x9E3779B97F4A7C15) & (2**64 - 1)
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & (2**64 - 1)
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & (2**64 - 1)
        return ((mixed ^ (mixed >> 31)) * limit) >> 64

    def between(self, low: int, high: int) -> int:
        """Both ends included."""
        return low + self.below(high - low + 1)


def example_files() -> dict[str, str]:
    """The text of every file of the example, by name."""
    groups = _groups()
    return {
        "costing.toml": EXAMPLE_TOML,
        "cost_centres.csv": _table(
            ("provider_id", "cost_centre", "name", "kind", "allocation_base", "product_base", "after"),
            (("", *row) for row in _CENTRES),
        ),
        "ledger.csv": _table(
            ("provider_id", "period", "cost_centre", "component", "amount", "source", "reversal"), _ledger()
        ),
        "assets.csv": _table(_ASSET_COLUMNS, _assets()),
        "revaluations.csv": _table(
            (
                "provider_id",
                "asset_id",
                "date",
                "revalued_amount",
                "remaining_life_years",
                "residual_value",
                "source",
            ),
            (("H-003", "B-3", "2024-12-20", "940000000.00", "25", "", "SYNTHETIC appraisal"),),
        ),
        "usage.csv": _table(("provider_id", "asset_id", "period", "units"), _usage()),
        "statistics.csv": _table(("provider_id", "cost_centre", "base", "quantity"), _statistics()),
        "shares.csv": _table(
            ("provider_id", "cost_centre", "to_cost_centre", "share"),
            (
                (hospital.provider_id, "transport", centre, share)
                for hospital in _HOSPITALS
                for centre, share in _TRANSPORT_SHARES
            ),
        ),
        "groups.csv": _table(
            ("drg_code", "name", "planned_days", "flags"),
            (
                (group.drg_code, group.name, str(_planned_days(group)), ";".join(sorted(group.flags)))
                for group in groups
            ),
        ),
        "cases.csv": _table(
            ("provider_id", "case_id", "cost_centre", "drg_code", "care_setting", "bed_days", "units"),
            _cases(groups),
        ),
    }


def write_example(destination: Path) -> None:
    """Writes the example's folder, whole or not at all. Raises ScheduleError where something stands there."""
    write_folder(destination, example_files())


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()


def _groups() -> list[Group]:
    groups = list(read_schedule(SHIPPED_FOLDER / GROUPS_FROM).groups.values())
    step = len(groups) // GROUP_COUNT
    return groups[: GROUP_COUNT * step : step]


def _planned_days(group: Group) -> int:
    """Longer for heavier groups, so that the costs come out near the weights that the groups have now."""
    return max(2, round_to_int(group.relative_weight * Fraction(7, 2)))


def _money(minor: int) -> str:
    return format_minor(minor, 2)


def _ledger() -> Iterator[tuple[str, ...]]:
    draws = _Draws(11)
    components = ("staff_pay", "medicines_and_consumables", "food", "utilities", "other_running_cost")
    for hospital in _HOSPITALS:
        for month in range(1, 13):
            period = f"{YEAR}-{month:02}"
            for centre, amounts in _MONTHLY.items():
                for component, thousands in zip(components, amounts, strict=True):
                    if not thousands:
                        continue
                    usual = thousands * 100_000 * hospital.size * hospital.dearness // 10_000
                    season = 125 if component == "utilities" and month in (1, 2, 3, 11, 12) else 100
                    minor = usual * season // 100 * draws.between(940, 1_060) // 1_000 + draws.below(100)
                    source = f"SYNTHETIC journal {month:02}"
                    yield hospital.provider_id, period, centre, component, _money(minor), source, ""
            interest = 180_000 * 100 * hospital.size // 100 + draws.below(10_000)
            yield (
                hospital.provider_id,
                period,
                "administration",
                "financing_cost",
                _money(interest),
                "SYNTHETIC bank statement",
                "",
            )
        yield (
            hospital.provider_id,
            f"{YEAR}-07",
            "surgery",
            "medicines_and_consumables",
            _money(-draws.between(20_000_000, 60_000_000)),
            "SYNTHETIC credit note of a supplier",
            "yes",
        )


_ASSET_COLUMNS = (
    "provider_id",
    "asset_id",
    "name",
    "asset_class",
    "cost_centre",
    "acquisition_cost",
    "commissioned",
    "useful_life_years",
    "rate",
    "residual_value",
    "method",
    "life_units",
    "disposed",
)


def _assets() -> Iterator[tuple[str, ...]]:
    draws = _Draws(23)
    for number, hospital in enumerate(_HOSPITALS, start=1):

        def row(
            asset_id: str,
            name: str,
            asset_class: str,
            centre: str,
            thousands: int,
            commissioned: str,
            *,
            of: _Hospital = hospital,
            life: str = "",
            residual: int = 0,
            method: str = "",
            units: str = "",
            disposed: str = "",
        ) -> tuple[str, ...]:
            cost = thousands * 100_000 * of.size // 100
            return (
                of.provider_id, asset_id, name, asset_class, centre, _money(cost), commissioned, life, "",
                _money(cost * residual // 100), method, units, disposed,
            )  # fmt: skip

        yield row("L-1", "Land of the hospital", "land", "buildings", 210_000, "1962-01-01")
        yield row("B-1", "Main building", "building", "buildings", 420_000, "1968-09-01")
        yield row("B-2", "Utility building", "building", "buildings", 96_000, "1974-05-14")
        yield row("B-3", "Ward block", "building", "buildings", 610_000, f"{1998 + number}-11-03", residual=5)
        if hospital.size >= 100:
            yield row(
                "B-4", "Surgical block, built on credit", "building", "theatre", 980_000, "2021-06-30",
                life="25", method="annuity", residual=10,
            )  # fmt: skip
        yield row(
            "E-1", "Computed tomograph", "medical_equipment", "imaging", 265_000, f"{2019 + number}-03-18",
            life="10", method="declining_balance", residual=4,
        )  # fmt: skip
        yield row("E-2", "X-ray unit", "medical_equipment", "imaging", 48_000, "2012-10-01",
                  disposed="2025-06-17")  # fmt: skip
        yield row("E-3", "X-ray unit, digital", "medical_equipment", "imaging", 71_000, "2025-06-09")
        yield row("E-4", "Biochemical analyser", "medical_equipment", "laboratory", 38_500, "2022-02-21")
        yield row("E-5", "Anaesthesia machines", "medical_equipment", "theatre", 64_000, "2020-08-12")
        yield row("E-6", "Operating tables and lights", "medical_equipment", "theatre", 29_000, "2011-04-02")
        yield row("V-1", "Ambulance car", "vehicle", "transport", 24_000, f"{2021 + number}-01-20",
                  residual=8, units="400000")  # fmt: skip
        yield row("S-1", "Hospital information system", "it", "it_services", 41_000, "2024-02-15")
        yield row("S-2", "Servers and network", "it", "it_services", 27_500, "2023-09-01")
        for ward in ("therapy", "surgery", "infectious", "day_ward"):
            for piece in range(1, 6):
                year, month = draws.between(2012, 2024), draws.between(1, 12)
                yield row(
                    f"W-{ward}-{piece}",
                    "Beds, monitors and infusion pumps",
                    "medical_equipment",
                    ward,
                    draws.between(2_400, 11_000),
                    f"{year}-{month:02}-{draws.between(1, 28):02}",
                )
            yield row(f"C-{ward}", "Workstations", "it", ward, draws.between(1_100, 2_600), "2024-09-10")


def _usage() -> Iterator[tuple[str, ...]]:
    draws = _Draws(37)
    for number, hospital in enumerate(_HOSPITALS, start=1):
        for year in range(2021 + number, YEAR + 1):
            yield hospital.provider_id, "V-1", str(year), str(draws.between(36_000, 58_000))


def _statistics() -> Iterator[tuple[str, ...]]:
    for hospital in _HOSPITALS:
        for base, quantities in _STATISTICS.items():
            for (centre, *_), quantity in zip(_CENTRES, quantities, strict=True):
                if quantity:
                    scaled = Fraction(quantity * hospital.size, 100)
                    yield hospital.provider_id, centre, base, _half(scaled)


def _half(value: Fraction) -> str:
    """To halves: half a post, half a metre."""
    return format_minor(round_to_int(value * 2) * 5, 1).removesuffix(".0")


_SURGICAL = frozenset({"surgery", "oncology", "cardiology", "high_technology", "obstetric"})


def _cases(groups: Sequence[Group]) -> Iterator[tuple[str, ...]]:
    draws = _Draws(53)
    for number, hospital in enumerate(_HOSPITALS, start=1):
        case = 0
        for position, group in enumerate(groups):
            count = (140 - position) * draws.between(30, 60) * hospital.size // 10_000 + 2
            surgical = group.component_profile in _SURGICAL
            ward = "infectious" if "infectious" in group.flags else "surgery" if surgical else "therapy"
            planned = _planned_days(group)
            for _ in range(count):
                case += 1
                case_id = f"{number}-{case:05}"
                common = (group.drg_code,)
                if draws.below(100) < 12 and case % 7:
                    yield (
                        hospital.provider_id, case_id, "day_ward", *common, "day_hospital",
                        str(draws.between(1, 4)), "0",
                    )  # fmt: skip
                    continue
                stay = max(1, planned + draws.between(-planned // 2, planned // 2))
                if draws.below(100) == 0:
                    stay = planned * draws.between(4, 7)  # an outlier
                if surgical:
                    minutes = round_to_int(group.relative_weight * 25) + draws.between(0, 40)
                    yield hospital.provider_id, case_id, "theatre", *common, "inpatient", "0", str(minutes)
                yield hospital.provider_id, case_id, ward, *common, "inpatient", str(stay), "0"
