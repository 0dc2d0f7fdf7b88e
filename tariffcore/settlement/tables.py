"""The tables of settlement: rules, contracts, advances and what comes with a month, column by column."""

from __future__ import annotations

from tariffcore.worksheets.table import Column, Table

_SOURCE = Column("source", "the document it comes from")
_PROVIDER = Column("provider_id", "the provider")
_FUNDING = Column("funding_source", "as in the cases: guaranteed_volume, insurance")
_CASE = Column("case_id", "as in the cases of the month")

DEFECTS = Table(
    "defects",
    "the classifier of defects: per cent of the priced amount, or norms; an empty cell does not apply",
    (
        Column("code", "the code of the defect"),
        Column("name", "in words"),
        Column("case_percent", "of a treated case"),
        Column("bed_day_percent", "of bed-days"),
        Column("outpatient_percent", "of a service"),
        Column("primary_care_norms", "norms of primary care"),
        Column("ambulance_norms", "norms of the ambulance"),
        _SOURCE,
    ),
)
CONTRACT_LINES = Table(
    "contract_lines",
    "the lines that contracts may have",
    (
        Column("contract_line", "a short code"),
        Column("name", "in words"),
        Column("category", "for the exemptions of the linear scale; empty: none"),
        Column("defect_basis", "case, bed_day, outpatient, primary_care or ambulance"),
        _SOURCE,
    ),
)
ASSIGNMENTS = Table(
    "assignments",
    "which priced lines belong to a contract line; an empty cell is any, and a code weighs most",
    (
        Column("method", "the payment method"),
        Column("care_setting", "as in the schedule"),
        Column("code", "a group or a service"),
        Column("contract_line", "as in contract_lines"),
    ),
)
NORMS = Table(
    "norms",
    "the amount of one norm, for defects that are counted in norms",
    (
        Column("defect_basis", "primary_care or ambulance"),
        Column("amount", "in the currency"),
        Column("effective_start_date", "the first day"),
        Column("effective_end_date", "the first day after it; empty: open"),
        _SOURCE,
    ),
    optional=True,
)
RULE_TABLES = (DEFECTS, CONTRACT_LINES, ASSIGNMENTS, NORMS)

MONTH_COLUMNS = tuple(f"month_{month:02}" for month in range(1, 13))
CONTRACTS = Table(
    "contracts",
    "what was agreed for a year, a row for each contract line; the sum of the year is that of its months",
    (
        _PROVIDER,
        Column("region", "the region of the provider", may_lack=True),
        _FUNDING,
        Column("contract_line", "as in the rules"),
        Column("year", "2026"),
        *(Column(name, "the sum of the month; 0 if nothing") for name in MONTH_COLUMNS),
        Column("first_month", "settled elsewhere before this month (1 to 12); empty: 1", may_lack=True),
        Column("paid_before", "paid for the months before it, advances included", may_lack=True),
        Column("accepted_before", "accepted in the months before it", may_lack=True),
        _SOURCE,
    ),
)
ADVANCES = Table(
    "advances",
    "advances paid",
    (
        Column("advance_id", "the number of the payment order"),
        _PROVIDER,
        _FUNDING,
        Column("kind", "signing or december"),
        Column("paid_on", "the day it was paid"),
        Column("amount", "in the currency"),
        Column("recover_from", "the first month it is recovered in: 2026-03"),
        Column("recover_until", "the last one: 2026-11"),
        _SOURCE,
    ),
)
FOUND_DEFECTS = Table(
    "defects",
    "what monitoring found, a row for each line and defect",
    (_PROVIDER, _CASE, Column("defect_code", "as in the rules"), _SOURCE),
    optional=True,
)
HELD_LINES = Table(
    "held",
    "lines that are still under monitoring; a line that is claimed again in a later month is settled then",
    (_PROVIDER, _CASE, _SOURCE),
    optional=True,
)
OTHER_ITEMS = Table(
    "other",
    "other payments (above zero) and other deductions (below zero)",
    (
        _PROVIDER,
        _FUNDING,
        Column("item_id", "the number of the document"),
        Column("kind", "what it is, in words"),
        Column("amount", "in the currency; a deduction below zero"),
        _SOURCE,
    ),
    optional=True,
)
GIVEN_CORRECTIONS = Table(
    "corrections",
    "what settled months lack or have too much of; the next month of the contract carries it out",
    (
        Column("correction_id", "the number of the document"),
        _PROVIDER,
        _FUNDING,
        Column("month", "the settled month it corrects: 2026-01"),
        Column("amount", "in the currency, in addition; below zero: given back"),
        _SOURCE,
    ),
)
MONTH_TABLES = (FOUND_DEFECTS, HELD_LINES, OTHER_ITEMS)
