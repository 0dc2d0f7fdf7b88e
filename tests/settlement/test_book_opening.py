"""Books of earlier versions are brought up to date, and no table of theirs can be emptied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from tariffcore.settlement.book import schema as s
from tariffcore.settlement.book.contract_records import record_contracts
from tariffcore.settlement.book.opening import open_engine
from tariffcore.settlement.book.records import Book
from tests.settlement.world import terms


def require_never_emptied(engine: sa.Engine) -> None:
    # TRUNCATE passes over triggers that look at rows
    for table in s.IMMUTABLE:
        with pytest.raises(sa.exc.DBAPIError, match="are never changed"), engine.begin() as connection:
            connection.execute(sa.text(f"TRUNCATE {table.name} CASCADE"))


def test_postgresql_refuses_to_empty_a_table(new_database: Callable[[], str]) -> None:
    engine = open_engine(new_database())
    require_never_emptied(engine)
    engine.dispose()


def test_a_book_of_an_earlier_version_is_brought_up_to_date(place: str) -> None:
    upgrade = command.upgrade
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(command, "upgrade", lambda config, _: upgrade(config, "0001"))
        old = Book(open_engine(place), Path())
    record_contracts(old, [terms({"outpatient": 100})])
    old.close()
    engine = open_engine(place)
    with engine.connect() as connection:
        head = ScriptDirectory(str(Path(s.__file__).parent / "migrations")).get_current_head()
        assert MigrationContext.configure(connection).get_current_revision() == head
        assert connection.execute(sa.select(s.CONTRACTS.c.provider_id)).scalar_one() == "H1"
    if engine.dialect.name == "postgresql":
        require_never_emptied(engine)
    engine.dispose()
