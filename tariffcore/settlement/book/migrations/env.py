"""Runs the steps on the connection that `opening.py` hands over."""

from alembic import context

from tariffcore.settlement.book.schema import METADATA

context.configure(connection=context.config.attributes["connection"], target_metadata=METADATA)
with context.begin_transaction():
    context.run_migrations()
