"""Opens a book: a file for SQLite, or the URL of a PostgreSQL database; its tables are brought up to date."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from tariffcore.errors import Problem, SettlementError

_MIGRATIONS = Path(__file__).resolve().parent / "migrations"
_BUSY_SECONDS = 60


def engine_of(place: str | Path) -> sa.Engine:
    """An engine whose transactions are whole: SQLite's are begun by us, in full durability."""
    text = str(place)
    if "://" not in text:
        path = Path(text)
        if not path.absolute().parent.is_dir():
            raise _cannot_open(text, f"there is no folder {path.absolute().parent}", "create it first")
        if path.is_dir():
            raise _cannot_open(text, "is a folder", "name a file, such as book.db")
        url = sa.URL.create("sqlite", database=str(path.absolute()))
    else:
        problem = url_problem(text)
        if problem is not None:
            raise SettlementError("the book cannot be opened", [problem])
        url = sa.make_url(text)
        if url.drivername in ("postgresql", "postgres"):
            url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        engine = sa.create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
        return engine
    return sa.create_engine(url, pool_pre_ping=True)


def url_problem(url: str) -> Problem | None:
    """Why a text with ``://`` is no URL of a book; None where it is one."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:  # not shown: there may be a password in it
        return Problem("the database", None, None, "is not a URL", "write postgresql://user@host/name")
    if parsed.get_backend_name() not in ("postgres", "postgresql", "sqlite"):
        return Problem(
            parsed.render_as_string(), None, None, "is neither SQLite nor PostgreSQL",
            "name a file, or postgresql://…",
        )  # fmt: skip
    return None


def _prepare_sqlite(connection: Any, _record: Any) -> None:  # noqa: ANN401
    connection.isolation_level = None  # we say BEGIN ourselves: the driver would begin too late
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")


def _cannot_open(place: str, message: str, way_out: str) -> SettlementError:
    return SettlementError("the book cannot be opened", [Problem(place, None, None, message, way_out)])


def open_engine(place: str | Path) -> sa.Engine:
    """The engine of a book with its tables up to date. Raises SettlementError where it cannot be opened, was
    written by a later version, or is a file of another program."""
    engine = engine_of(place)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    try:
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":  # two that open a new book at once
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(7220215)"))
            current = MigrationContext.configure(connection).get_current_revision()
            if current == script.get_current_head():
                return engine
            if current is not None and current not in {step.revision for step in script.walk_revisions()}:
                raise _cannot_open(
                    engine.url.render_as_string(),
                    f"was written by a later version of tariffcore (step {current})",
                    "open it with that version",
                )
            if current is None and engine.dialect.name == "sqlite":
                tables = sa.inspect(connection).get_table_names()
                if tables:  # a server's database may have room for others; a file is one program's
                    raise _cannot_open(
                        engine.url.render_as_string(),
                        f"is of another program: it has the tables {', '.join(sorted(tables)[:5])}",
                        "name a file of its own, such as book.db",
                    )
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except sa.exc.DBAPIError as error:
        engine.dispose()
        said = " ".join(str(error.orig).split())
        raise _cannot_open(
            engine.url.render_as_string(), f"does not open ({said})", "check the place and who may open it"
        ) from None
    return engine


def reading_engine(place: str | Path) -> sa.Engine:
    """The engine of a book that is there already and has the tables of this version: it is not made, and not
    brought up to date. Raises SettlementError where it is otherwise."""
    if "://" not in str(place) and not Path(place).is_file():
        raise _cannot_open(
            str(place), "there is no such book", "begin one with 'tariffcore settle contracts'"
        )
    engine = engine_of(place)
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    shown = engine.url.render_as_string()
    try:
        with engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except sa.exc.DBAPIError as error:
        engine.dispose()
        said = " ".join(str(error.orig).split())
        raise _cannot_open(shown, f"does not open ({said})", "check the place and who may open it") from None
    if current != ScriptDirectory.from_config(config).get_current_head():
        engine.dispose()
        message = "is no book" if current is None else f"is of another version of tariffcore (step {current})"
        raise _cannot_open(
            shown,
            message,
            "any 'tariffcore settle' command of this version that opens it brings it up to date",
        )
    return engine
