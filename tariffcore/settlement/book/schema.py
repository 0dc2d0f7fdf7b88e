"""The tables of the book. Money is a whole number of minor units, a month the number of months since year 0.

Changing them takes a migration beside it, in ``migrations/versions``; a test compares the two.
"""

from __future__ import annotations

import sqlalchemy as sa

METADATA = sa.MetaData()

_Money = sa.BigInteger
_Id = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # only an INTEGER numbers itself in SQLite

BOOK = sa.Table(
    "book",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("changes", sa.BigInteger, nullable=False),
)
"""One row: who writes raises its number first, and so writes alone."""

CONTRACTS = sa.Table(
    "contracts",
    METADATA,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("provider_id", sa.Text, nullable=False),
    sa.Column("funding_source", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("region", sa.Text, nullable=False),
    sa.Column("first_month", sa.Integer, nullable=False),
    sa.Column("paid_before", _Money, nullable=False),
    sa.Column("accepted_before", _Money, nullable=False),
    sa.Column("annual_plan", _Money, nullable=False),
    sa.Column("plans", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("provider_id", "funding_source", "year", "revision", name="uq_contracts_revision"),
)

ADVANCES = sa.Table(
    "advances",
    METADATA,
    sa.Column("advance_id", sa.Text, primary_key=True),
    sa.Column("provider_id", sa.Text, nullable=False),
    sa.Column("funding_source", sa.Text, nullable=False),
    sa.Column("year", sa.Integer, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("paid_on", sa.Date, nullable=False),
    sa.Column("amount", _Money, nullable=False),
    sa.Column("recover_from", sa.Integer, nullable=False),
    sa.Column("recover_until", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint("amount >= 0", name="ck_advances_amount"),
)

RUNS = sa.Table(
    "runs",
    METADATA,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("month", sa.Integer, nullable=False),
    sa.Column("input_digest", sa.Text, nullable=False),
    sa.Column("only_provider", sa.Text),
    sa.Column("rules_id", sa.Text, nullable=False),
    sa.Column("rules_digest", sa.Text, nullable=False),
    sa.Column("engine_version", sa.Text, nullable=False),
    sa.Column("pricing", sa.Text, nullable=False),
    sa.Column("currency", sa.Text, nullable=False),
    sa.Column("minor_units", sa.Integer, nullable=False),
    sa.Column("synthetic", sa.Boolean, nullable=False),
    sa.Column("lines_digest", sa.Text, nullable=False),
    sa.Column("outcomes_digest", sa.Text, nullable=False),
    sa.Column("lines_read", sa.BigInteger, nullable=False),
    sa.Column("set_aside", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("month", "input_digest", name="uq_runs_input"),
)

SETTLED = sa.Table(
    "settled_months",
    METADATA,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("run_id", _Id, sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("contract_id", _Id, sa.ForeignKey("contracts.id"), nullable=False),
    sa.Column("month", sa.Integer, nullable=False),
    sa.Column("provider_id", sa.Text, nullable=False),
    sa.Column("funding_source", sa.Text, nullable=False),
    *(
        sa.Column(name, _Money, nullable=False)
        for name in (
            "lines", "held_lines", "claimed", "overclaimed", "deducted", "held", "over_plan", "accepted",
            "additions", "other_deductions", "recovered", "capped", "carried", "payable", "outstanding",
        )
    ),
    sa.Column("result", sa.Text, nullable=False),
    sa.UniqueConstraint("month", "provider_id", "funding_source", name="uq_settled_months"),
    sa.CheckConstraint(
        "claimed + additions = payable + recovered + overclaimed + deducted + other_deductions + over_plan "
        "+ held + capped - carried",
        name="ck_settled_months_identity",
    ),
    sa.CheckConstraint("payable >= 0", name="ck_settled_months_payable"),
)  # fmt: skip

CELLS = sa.Table(
    "settled_cells",
    METADATA,
    sa.Column("settled_id", _Id, sa.ForeignKey("settled_months.id"), primary_key=True),
    sa.Column("contract_line", sa.Text, primary_key=True),
    sa.Column("method", sa.Text, primary_key=True),
    *(
        sa.Column(name, _Money, nullable=False)
        for name in ("lines", "claimed", "priced", "overclaimed", "deducted", "held_lines", "held")
    ),
    sa.Column("components", sa.Text, nullable=False),
)

RECOVERIES = sa.Table(
    "recoveries",
    METADATA,
    sa.Column("settled_id", _Id, sa.ForeignKey("settled_months.id"), primary_key=True),
    sa.Column("advance_id", sa.Text, sa.ForeignKey("advances.advance_id"), primary_key=True),
    sa.Column("amount", _Money, nullable=False),
)

ITEMS = sa.Table(
    "other_items",
    METADATA,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("settled_id", _Id, sa.ForeignKey("settled_months.id"), nullable=False),
    sa.Column("provider_id", sa.Text, nullable=False),
    sa.Column("item_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("amount", _Money, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.UniqueConstraint("provider_id", "item_id", name="uq_other_items"),
)

CORRECTIONS = sa.Table(
    "corrections",
    METADATA,
    sa.Column("id", _Id, primary_key=True),
    sa.Column("settled_id", _Id, sa.ForeignKey("settled_months.id"), nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("amount", _Money, nullable=False),
    sa.Column("lines", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("pricing", sa.Text, nullable=False),
    sa.Column("lines_digest", sa.Text, nullable=False),
    sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
    sa.UniqueConstraint("settled_id", "number", name="uq_corrections_number"),
)

CARRIED_OUT = sa.Table(
    "corrections_carried_out",
    METADATA,
    sa.Column("correction_id", _Id, sa.ForeignKey("corrections.id"), primary_key=True),
    sa.Column("settled_id", _Id, sa.ForeignKey("settled_months.id"), nullable=False),
)
"""A correction is carried out once: in the month that settles it."""

IMMUTABLE = (
    CONTRACTS, ADVANCES, RUNS, SETTLED, CELLS, RECOVERIES, ITEMS, CORRECTIONS, CARRIED_OUT,
)  # fmt: skip
"""Tables whose rows neither change nor go: the database itself refuses it."""
