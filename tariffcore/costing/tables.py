"""The tables of a costing run: what an accountant fills in, column by column. Templates and reading ask
here."""

from __future__ import annotations

from tariffcore.worksheets.table import Column, Table

_PROVIDER = Column("provider_id", "the hospital")
_SOURCE = Column("source", "the document it comes from")
_CURRENCY = Column("currency", "only to be checked: the run has one currency", may_lack=True)

LEDGER = Table(
    "ledger",
    "what was spent, by cost centre and component; no depreciation, which comes from the assets",
    (
        _PROVIDER,
        Column("period", "2025-03, or 2025 for a whole year"),
        Column("cost_centre", "as in cost_centres"),
        Column("component", "as in costing.toml"),
        Column("amount", "in the currency; below zero only with reversal = yes"),
        _SOURCE,
        Column("reversal", "yes for a booking that takes back another", may_lack=True),
        _CURRENCY,
    ),
)
COST_CENTRES = Table(
    "cost_centres",
    "the centres of a hospital, and on what base their cost is passed on",
    (
        Column("provider_id", "empty: of every hospital that does not say otherwise"),
        Column("cost_centre", "a short code"),
        Column("name", "in words"),
        Column("kind", "overhead, ancillary or clinical"),
        Column("allocation_base", "for centres that serve others: a base of statistics, or shares"),
        Column("product_base", "for centres that treat: bed_days, cases or units"),
        Column("after", "centres that are passed on before this one, separated by ;", may_lack=True),
    ),
)
ASSETS = Table(
    "assets",
    "the asset register",
    (
        _PROVIDER,
        Column("asset_id", "the inventory number"),
        Column("name", "in words"),
        Column("asset_class", "as in costing.toml"),
        Column("cost_centre", "where it is used"),
        Column("acquisition_cost", "in the currency"),
        Column("commissioned", "the day it was put to use: 2019-05-14"),
        Column("useful_life_years", "40, 2.5; empty: that of its class"),
        Column("rate", "a yearly rate such as 0.25; empty: that of its class"),
        Column("residual_value", "what it will be worth in the end; 0 if nothing"),
        Column(
            "method",
            "straight_line, declining_balance, units_of_production, annuity, not_depreciated; empty: of its "
            "class",
        ),
        Column("life_units", "units of the whole life, for units_of_production"),
        Column("disposed", "the day it left, if it did"),
        _CURRENCY,
    ),
)
REVALUATIONS = Table(
    "revaluations",
    "new carrying amounts of assets, depreciated from then on over what is left of the life",
    (
        _PROVIDER,
        Column("asset_id", "as in assets"),
        Column("date", "the day of the revaluation"),
        Column("revalued_amount", "the carrying amount from then on"),
        Column("remaining_life_years", "empty: what is left of the life"),
        Column("residual_value", "empty: as before"),
        _SOURCE,
    ),
    optional=True,
)
USAGE = Table(
    "usage",
    "use of assets under units_of_production, from their first day",
    (
        _PROVIDER,
        Column("asset_id", "as in assets"),
        Column("period", "2025-03, or 2025 for a whole year"),
        Column("units", "kilometres, examinations, hours"),
    ),
    optional=True,
)
STATISTICS = Table(
    "statistics",
    "how much of each allocation base a centre has: floor area, staff, laundry, tests",
    (
        _PROVIDER,
        Column("cost_centre", "the centre that receives"),
        Column("base", "as in cost_centres"),
        Column("quantity", "square metres, persons, kilograms, tests"),
    ),
)
SHARES = Table(
    "shares",
    "agreed shares of a centre's cost, where its allocation_base is shares",
    (
        _PROVIDER,
        Column("cost_centre", "the centre that is passed on"),
        Column("to_cost_centre", "the centre that receives"),
        Column("share", "0.25 or 1/4; the shares of a centre sum to 1"),
    ),
    optional=True,
)
TREATED = Table(
    "treated",
    "what clinical centres did, summed up; or give cases",
    (
        _PROVIDER,
        Column("cost_centre", "the centre that treated"),
        Column("drg_code", "as in groups"),
        Column("care_setting", "as in the schedule: inpatient, day_hospital, ..."),
        Column("cases", "discharged from this centre"),
        Column("bed_days", "spent in it"),
        Column("units", "minutes, tests; where product_base is units", may_lack=True),
    ),
    optional=True,
)
CASES = Table(
    "cases",
    "what clinical centres did, a row for each case and centre; a case ends in the centre of its last row",
    (
        _PROVIDER,
        Column("case_id", "rows with one id are one case"),
        Column("cost_centre", "the centre that treated"),
        Column("drg_code", "as in groups"),
        Column("care_setting", "as in the schedule: inpatient, day_hospital, ..."),
        Column("bed_days", "spent in the centre"),
        Column("units", "minutes, tests; where product_base is units", may_lack=True),
    ),
    optional=True,
)
GROUPS = Table(
    "groups",
    "the cost groups",
    (
        Column("drg_code", "the code"),
        Column("name", "in words"),
        Column("planned_days", "planned length of stay, if any"),
        Column("flags", "flags of the schedule, separated by ;"),
    ),
)

TABLES = (LEDGER, COST_CENTRES, ASSETS, REVALUATIONS, USAGE, STATISTICS, SHARES, TREATED, CASES, GROUPS)
SHARES_BASE = "shares"
"""The allocation base of a centre that is passed on by agreed shares."""
