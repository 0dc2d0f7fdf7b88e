"""Books of earlier versions are brought up to date; no table can be emptied, and no row replaced."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.dialects.postgresql import insert

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


def require_never_replaced(place: str) -> None:
    """Another program's connection, with SQLite's defaults, puts no row in the place of one that is there."""
    with closing(sqlite3.connect(place, isolation_level=None)) as other:
        other.execute("PRAGMA ignore_check_constraints = ON")  # any whole number will do for the sums
        for table in s.IMMUTABLE:
            names = sorted({*table.columns.keys(), *set().union(*keys_of(table))})
            columns = ", ".join(names)
            other.execute(f"INSERT INTO {table.name} ({columns}) VALUES ({', '.join('7' for _ in names)})")
            kept = other.execute(f"SELECT rowid, * FROM {table.name} ORDER BY rowid").fetchall()
            for key in keys_of(table):
                cells = ", ".join("7" if name in key else "8" for name in names)
                with pytest.raises(sqlite3.IntegrityError, match=f"rows of {table.name} are never changed"):
                    other.execute(f"INSERT OR REPLACE INTO {table.name} ({columns}) VALUES ({cells})")
            assert other.execute(f"SELECT rowid, * FROM {table.name} ORDER BY rowid").fetchall() == kept


def keys_of(table: sa.Table) -> Iterable[set[str]]:
    primary = table.primary_key.columns
    if len(primary) > 1 or not isinstance(primary[0].type, sa.BigInteger):
        yield {"rowid"}  # the number that SQLite gives the rows of such a table replaces too
    yield set(primary.keys())
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            yield set(constraint.columns.keys())


def test_sqlite_refuses_to_replace_a_row(tmp_path: Path) -> None:
    place = str(tmp_path / "book.db")
    open_engine(place).dispose()
    require_never_replaced(place)


def test_postgresql_refuses_to_replace_a_row(new_database: Callable[[], str]) -> None:
    book = Book(open_engine(new_database()), Path())
    record_contracts(book, [terms({"outpatient": 100})])
    statement = insert(s.CONTRACTS).from_select(s.CONTRACTS.columns.keys(), sa.select(s.CONTRACTS))
    other = {s.CONTRACTS.c.annual_plan: 0}
    for conflict in ("contracts_pkey", "uq_contracts_revision"):
        with pytest.raises(sa.exc.DBAPIError, match="are never changed"), book.writing() as connection:
            connection.execute(statement.on_conflict_do_update(constraint=conflict, set_=other))
    book.close()


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
    if engine.dialect.name == "sqlite":
        require_never_replaced(place)
