"""Beside `nwau-py`, the Python package that prices Australian acute episodes, on the work both models can
say.

The Australian formula for a public patient who stays between the bounds of the group is the group's weight,
and the price of it weight x national efficient price; the case-share model says the same with one setting, a
share of 1 and no providers. The weights are the demonstration schedule's, made up; the package ships none.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from tariffcore.schedule.catalog import read_catalog
from tariffcore.schedule.model import Schedule

LONGEST_STAY = 1000
_TOML = """id = "inliers"
tariff_family = "inliers"
model = "case-share"
title = "SYNTHETIC: weight x base rate, as for an Australian inlier"
synthetic = true
country = "AU"
currency = "AUD"
minor_units = 2
published = 2025-01-01
effective_start_date = 2025-01-01
child_age_limit = 18
day_count = "discharge_minus_admission"
base_rate = {{ amount = "{rate}", source = "synthetic" }}

[vocabulary]
care_settings = ["inpatient"]
outcomes = ["discharged"]
drg_flags = []

[rounding]
mode = "half_up"
weight_places = 4
tariff_places = 2
unit_places = 2

[[share]]
unit = "case"
care_setting = "inpatient"
share = "1"
source = "synthetic"
"""


def write_schedule(schedule: Schedule, folder: Path) -> Any:  # noqa: ANN401
    """A catalog of the groups' adult weights and the base rate alone, written to a folder and read."""
    folder.mkdir(parents=True, exist_ok=True)
    rate = f"{float(schedule.base_rate.amount):.2f}"
    (folder / "schedule.toml").write_text(_TOML.format(rate=rate), encoding="utf-8")
    lines = [
        "drg_code,name,relative_weight,relative_weight_child,planned_days,flags,component_profile,source"
    ]
    for code, group in schedule.groups.items():
        weight = f"{float(group.relative_weight):.4f}"
        lines.append(f"{code},group {code},{weight},{weight},,,,synthetic")
    (folder / "groups.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_catalog([folder])


def inliers(schedule: Schedule, count: int, seed: int) -> tuple[pa.Table, Any]:
    """So many public inlier episodes, as our table and as the package's frame."""
    import pandas as pd

    random = np.random.default_rng(seed)
    codes = pa.array(list(schedule.groups))
    place = random.integers(0, len(codes), count)
    days = random.integers(1, 30, count)
    start = np.datetime64(date(2025, 1, 1)) + random.integers(0, 300, count)
    ones = pa.array(np.zeros(count, np.int8))
    table = pa.table(
        {
            "case_id": np.arange(count),
            "drg_code": pa.DictionaryArray.from_arrays(pa.array(place.astype(np.int16)), codes),
            "care_setting": pa.DictionaryArray.from_arrays(ones, pa.array(["inpatient"])),
            "admission_date": pa.array(start),
            "discharge_date": pa.array(start + days),
            "outcome": pa.DictionaryArray.from_arrays(ones, pa.array(["discharged"])),
            "age_years": np.full(count, 40, np.int16),
        }
    )
    nothing = np.zeros(count, np.int64)
    frame = pd.DataFrame(
        {
            "DRG": codes.take(pa.array(place)).to_pandas().astype(object),
            "LOS": days,
            "ICU_HOURS": nothing,
            "ICU_OTHER": nothing,
            "PAT_SAMEDAY_FLAG": nothing,
            "PAT_PRIVATE_FLAG": nothing,
        }
    )
    return table, frame


def calculator(schedule: Schedule, folder: Path) -> Callable[[Any], np.ndarray[Any, Any]]:
    """From the package's frame to prices in minor units: units by its acute calculator of 2025 with these
    weights.
    """
    import pandas as pd
    from nwau_py.calculators.acute import AcuteParams, AcuteReferenceBundle, calculate_acute

    weight = [float(group.relative_weight) for group in schedule.groups.values()]
    plain = dict.fromkeys(
        (
            "drg_samedaylist_flag",
            "drg_bundled_icu_flag",
            "drg_pw_sd",
            "drg_pw_sso_base",
            "drg_pw_sso_perdiem",
        ),
        0.0,
    )
    weights = pd.DataFrame(
        {
            "DRG": list(schedule.groups),
            **plain,
            "drg_inlier_lb": 1.0,
            "drg_inlier_ub": float(LONGEST_STAY),
            "drg_pw_inlier": weight,
            "drg_pw_lso_perdiem": 0.0,
            "drg_adj_paed": 1.0,
            "drg_adj_privpat_serv": 0.0,
        }
    )
    bundle = AcuteReferenceBundle(year="2025", ref_dir=folder, weights=weights)
    rate_minor = round(schedule.base_rate.amount * 100)

    def calculate(frame: Any) -> np.ndarray[Any, Any]:  # noqa: ANN401
        with contextlib.chdir(folder):  # it keeps a cache where it is called
            found = calculate_acute(frame, AcuteParams(), year="2025", reference_bundle=bundle)
        column = next(name for name in found.columns if re.fullmatch(r"NWAU\d\d", name))
        # Its units have four decimals; times the price in floats, ties go astray, so that is done
        # in whole numbers.
        units_e4 = np.rint(found[column].to_numpy() * 10_000).astype(np.int64)
        prices_minor: np.ndarray[Any, Any] = (units_e4 * rate_minor + 5_000) // 10_000
        return prices_minor

    return calculate
