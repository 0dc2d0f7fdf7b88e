"""Books that are only read: on both databases, and never made or changed by it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa

from tariffcore.errors import SettlementError
from tariffcore.settlement.book.opening import engine_of
from tariffcore.settlement.book.reading import SUMS, ReadBook
from tariffcore.settlement.book.records import settled_in
from tariffcore.settlement.calendar_month import Month
from tests.settlement.world import World, rules_in, terms, visits

JANUARY, FEBRUARY = Month(2026, 1), Month(2026, 2)


def test_rows_are_those_of_the_settled_months(either_world: World, place: str) -> None:
    world = either_world
    world.contracts(
        terms({"outpatient": 500_000}), terms({"outpatient": 900_000}, provider="H2", funding="budget")
    )
    for month in (JANUARY, FEBRUARY):
        world.settle(
            month,
            [
                visits(month, 3, case_id=f"a{month}"),
                visits(month, 1, case_id=f"b{month}", provider_id="H2", funding_source="budget"),
            ],
        )
    book = ReadBook(place, world.rules)
    rows = book.rows()
    with world.book.reading() as connection:
        months = {one.id: one for one in settled_in(connection)}
    assert [row.id for row in rows] == sorted(months) and len(rows) == 4
    for row in rows:
        result = months[row.id].result
        assert (row.provider_id, row.funding_source, row.month) == (
            result.provider_id, result.funding_source, result.month
        )  # fmt: skip
        assert set(row.sums) == set(SUMS)
        assert (row.sums["claimed"], row.sums["over_plan"], row.sums["payable"]) == (
            result.claims.claimed, result.over_plan, result.payable
        )  # fmt: skip
        assert (row.region, row.currency, row.minor_units, row.synthetic) == ("North", "KZT", 2, True)
    assert book.rows(after=rows[1].id) == rows[2:] and book.rows(most=1) == rows[:1]
    assert book.rows(providers={"H2"}) == book.rows(funding_source="budget") == [
        row for row in rows if row.provider_id == "H2"
    ]  # fmt: skip
    assert book.rows(providers=()) == [] and book.rows(month=FEBRUARY) == rows[2:]
    assert book.statement("H9", JANUARY) is None and book.fund_month(Month(2026, 3)) is None
    book.close()


def test_what_is_no_book_is_neither_made_nor_changed(tmp_path: Path) -> None:
    rules = rules_in(tmp_path / "rules")
    with pytest.raises(SettlementError, match="there is no such book"):
        ReadBook(str(tmp_path / "none.db"), rules)
    assert not (tmp_path / "none.db").exists()
    other = tmp_path / "other.db"
    engine = engine_of(other)
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE mine (x INTEGER)"))
    engine.dispose()
    before = other.read_bytes()
    with pytest.raises(SettlementError, match="is no book"):
        ReadBook(str(other), rules)
    assert other.read_bytes() == before
    (tmp_path / "text.db").write_text(
        "no database at all, but long enough to be looked at" * 9, encoding="utf-8"
    )
    with pytest.raises(SettlementError, match="does not open"):
        ReadBook(str(tmp_path / "text.db"), rules)


def test_a_book_of_another_version_is_not_brought_up_to_date(world: World) -> None:
    with world.book.engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SettlementError, match=r"of another version of tariffcore \(step 9999\)"):
        ReadBook(str(world.folder / "book.db"), world.rules)
