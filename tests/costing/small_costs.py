"""A small folder of costs: one hospital, two centres that serve and two that treat; tests change it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

TOML = """\
id = "small"
tariff_family = "small"
title = "Small"
published = 2026-02-01
effective_start_date = 2026-01-01
like = "kz-2026"
currency = "KZT"
minor_units = 2

[period]
start = 2025-01-01
end = 2026-01-01

[depreciation]
monthly_convention = "next_month"
discount_rate = "0.10"
interest_component = "financing_cost"

[allocation]
method = "step_down"

[trimming]
rule = "none"

[weights]
care_setting = "inpatient"
places = 4

[budget]
amount = "cost"
mode = "within_budget"
places = 2

[profiles]
by = "drg"
places = 6

[[component]]
name = "staff_pay"
capital = false

[[component]]
name = "medicines"
capital = false

[[component]]
name = "depreciation"
capital = true

[[component]]
name = "financing_cost"
capital = true

[[asset_class]]
name = "equipment"
component = "depreciation"
method = "straight_line"
useful_life_years = "10"
"""

FILES = {
    "costing.toml": TOML,
    "cost_centres.csv": """\
provider_id,cost_centre,name,kind,allocation_base,product_base,after
,administration,Administration,overhead,staff,,
,laundry,Laundry,overhead,kilograms,,
,therapy,Therapy,clinical,,bed_days,
,surgery,Surgery,clinical,,bed_days,
""",
    "ledger.csv": """\
provider_id,period,cost_centre,component,amount,source
H1,2025,administration,staff_pay,1000.00,journal
H1,2025-05,laundry,staff_pay,300.00,journal
H1,2025-06,therapy,staff_pay,4000.00,journal
H1,2025-06,therapy,medicines,700.00,journal
H1,2025-06,surgery,staff_pay,5000.00,journal
""",
    "assets.csv": """\
provider_id,asset_id,name,asset_class,cost_centre,acquisition_cost,commissioned,useful_life_years,rate,residual_value,method,life_units,disposed
H1,A1,Bed,equipment,therapy,1200.00,2020-03-05,,,0,,,
H1,A2,Lamp,equipment,surgery,500.00,2001-01-01,,,0,,,
""",
    "statistics.csv": """\
provider_id,cost_centre,base,quantity
H1,laundry,staff,2
H1,therapy,staff,10
H1,surgery,staff,8
H1,therapy,kilograms,60
H1,surgery,kilograms,90.5
""",
    "groups.csv": """\
drg_code,name,planned_days,flags
1,Infection,7,infectious
2,Fracture,,
""",
    "treated.csv": """\
provider_id,cost_centre,drg_code,care_setting,cases,bed_days
H1,therapy,1,inpatient,40,300
H1,surgery,2,inpatient,20,160
H1,surgery,1,inpatient,1,5
""",
}

CASES = """\
provider_id,case_id,cost_centre,drg_code,care_setting,bed_days
H1,a,therapy,1,inpatient,3
H1,b,therapy,1,inpatient,4
H1,c,therapy,1,inpatient,5
H1,d,surgery,2,inpatient,6
H1,d,therapy,2,inpatient,2
"""


def write_costs(folder: Path, changes: Mapping[str, str | None] | None = None) -> Path:
    """Writes the folder; ``changes`` replace files, or leave them out (None)."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**FILES, **(changes or {})}.items():
        if text is not None:
            (folder / name).write_text(text, encoding="utf-8")
    return folder


def with_row(name: str, *rows: str) -> dict[str, str]:
    """A file with more rows."""
    return {name: FILES[name] + "".join(f"{row}\n" for row in rows)}


def replaced(name: str, old: str, new: str) -> dict[str, str]:
    """A file with a text in place of another that it must have."""
    assert old in FILES[name], (name, old)
    return {name: FILES[name].replace(old, new)}
