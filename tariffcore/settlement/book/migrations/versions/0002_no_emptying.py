"""PostgreSQL refuses to empty a table as well: TRUNCATE passes over triggers that look at rows.

Revision ID: 0002
"""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_IMMUTABLE = (
    "contracts",
    "advances",
    "runs",
    "settled_months",
    "settled_cells",
    "recoveries",
    "other_items",
    "corrections",
    "corrections_carried_out",
)


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":  # SQLite has no TRUNCATE
        return
    for table in _IMMUTABLE:
        op.execute(
            f"CREATE TRIGGER immutable_{table}_truncate BEFORE TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    raise NotImplementedError("a book is not taken back to where it could be emptied")
