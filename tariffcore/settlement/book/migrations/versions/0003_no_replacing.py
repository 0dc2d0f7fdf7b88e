"""SQLite refuses to replace a row as well: INSERT OR REPLACE passes over triggers that look at deletions.

Such a deletion fires them only where the connection that does it has asked for ``recursive_triggers``.
PostgreSQL replaces by an UPDATE, which is refused already.

Revision ID: 0003
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_KEYS: dict[str, tuple[tuple[str, ...], ...]] = {
    "contracts": (("provider_id", "funding_source", "year", "revision"),),
    "advances": (("advance_id",),),
    "runs": (("month", "input_digest"),),
    "settled_months": (("month", "provider_id", "funding_source"),),
    "settled_cells": (("settled_id", "contract_line", "method"),),
    "recoveries": (("settled_id", "advance_id"),),
    "other_items": (("provider_id", "item_id"),),
    "corrections": (("settled_id", "number"),),
    "corrections_carried_out": (("correction_id",),),
}
"""What tells the rows of a table apart, beside the number that SQLite gives each row."""


def upgrade() -> None:
    if op.get_bind().dialect.name != "sqlite":
        return
    for table, keys in _KEYS.items():
        same = " OR ".join(
            f"({' AND '.join(f'{column} = NEW.{column}' for column in key)})" for key in (("rowid",), *keys)
        )
        op.execute(
            f"CREATE TRIGGER immutable_{table}_replace BEFORE INSERT ON {table} "  # noqa: S608 - names of ours
            f"WHEN EXISTS (SELECT 1 FROM {table} WHERE {same}) BEGIN "
            f"SELECT RAISE(ABORT, 'rows of {table} are never changed'); END"
        )


def downgrade() -> None:
    raise NotImplementedError("a book is not taken back to where its rows could be replaced")
