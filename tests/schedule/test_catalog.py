"""Which edition prices a day, as known on which date."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.errors import CatalogError, ScheduleError
from tariffcore.schedule.catalog import Catalog, DecidingDate, read_catalog
from tests.schedule_folders import FolderText


@pytest.fixture(scope="module")
def schedule(tmp_path_factory):
    return FolderText().read(tmp_path_factory.mktemp("schedule"))


@pytest.fixture(scope="module")
def edition(schedule):
    """Builds an edition with its own id and dates."""

    def build(schedule_id, published, start, end=None, **changes):
        return replace(
            schedule,
            id=schedule_id,
            digest=schedule_id,
            published=date.fromisoformat(published),
            effective_start_date=date.fromisoformat(start),
            effective_end_date=None if end is None else date.fromisoformat(end),
            **changes,
        )

    return build


def spans(catalog):
    return [
        (str(span.start), None if span.end is None else str(span.end), span.schedule.id)
        for span in catalog.spans
    ]


def on(catalog, day):
    edition = catalog.edition_on(date.fromisoformat(day))
    return None if edition is None else edition.id


def test_one_edition(edition):
    catalog = Catalog.of([edition("a", "2024-12-26", "2025-01-01", "2026-01-01")])
    assert (catalog.tariff_family, catalog.as_of) == ("test", None)
    assert catalog.deciding_date is DecidingDate.DISCHARGE
    assert on(catalog, "2024-12-31") is None
    assert on(catalog, "2025-01-01") == "a"
    assert on(catalog, "2025-12-31") == "a"
    assert on(catalog, "2026-01-01") is None


def test_editions_that_follow_each_other_change_on_the_day(edition):
    later = edition("b", "2025-12-31", "2026-01-01")
    catalog = Catalog.of([later, edition("a", "2024-12-26", "2025-01-01", "2026-01-01")])
    assert [each.id for each in catalog.editions] == ["a", "b"]
    assert spans(catalog) == [("2025-01-01", "2026-01-01", "a"), ("2026-01-01", None, "b")]
    assert on(catalog, "2025-12-31") == "a"
    assert on(catalog, "2026-01-01") == "b"
    assert on(catalog, "9999-12-31") == "b"


def test_days_between_editions_are_in_none(edition):
    catalog = Catalog.of(
        [
            edition("a", "2024-12-01", "2025-01-01", "2025-06-01"),
            edition("b", "2025-12-01", "2025-07-01", "2026-01-01"),
        ]
    )
    assert on(catalog, "2025-05-31") == "a"
    assert on(catalog, "2025-06-01") is None
    assert on(catalog, "2025-06-30") is None
    assert on(catalog, "2025-07-01") == "b"


def test_an_edition_issued_later_with_effect_backwards_wins_where_both_hold(edition):
    first = edition("a", "2024-12-26", "2025-01-01", "2026-01-01")
    backwards = edition("b", "2025-11-29", "2025-10-01", "2025-12-01")
    catalog = Catalog.of([first, backwards])
    assert spans(catalog) == [
        ("2025-01-01", "2025-10-01", "a"),
        ("2025-10-01", "2025-12-01", "b"),
        ("2025-12-01", "2026-01-01", "a"),
    ]


def test_as_of_asks_what_was_known_then(edition):
    first = edition("a", "2024-12-26", "2025-01-01")
    backwards = edition("b", "2025-11-29", "2025-10-01")
    catalog = Catalog.of([first, backwards], as_of=date(2025, 11, 28))
    assert spans(catalog) == [("2025-01-01", None, "a")]
    assert [each.id for each in catalog.editions] == ["a", "b"]
    known = catalog.known_on(date(2025, 11, 29))
    assert spans(known) == [("2025-01-01", "2025-10-01", "a"), ("2025-10-01", None, "b")]
    assert known.as_of == date(2025, 11, 29)
    assert spans(catalog.known_on(None)) == spans(known)
    assert known.known_on(date(2025, 1, 1)) == Catalog.of([first, backwards], as_of=date(2025, 1, 1))


def test_an_edition_hidden_for_a_while_is_one_span_where_it_is_not(edition):
    """An end of one edition inside another cuts nothing."""
    wide = edition("wide", "2025-06-01", "2025-01-01")
    hidden = edition("hidden", "2025-01-01", "2025-02-01", "2025-03-01")
    assert spans(Catalog.of([wide, hidden])) == [("2025-01-01", None, "wide")]


def test_the_deciding_date_is_kept(edition):
    catalog = Catalog.of([edition("a", "2025-01-01", "2025-01-01")], deciding_date=DecidingDate.ADMISSION)
    assert catalog.known_on(date(2025, 2, 1)).deciding_date is DecidingDate.ADMISSION


def test_an_edition_by_its_id_and_digest(edition):
    early = edition("a", "2025-01-01", "2025-01-01")
    late = edition("b", "2026-01-01", "2026-01-01")
    catalog = Catalog.of([early, late], as_of=date(2025, 6, 1))
    assert catalog.edition("b") is late  # known or not: a result names it
    assert catalog.edition("a", "a") is early
    with pytest.raises(CatalogError, match="did you mean 'b'"):
        catalog.edition("B")
    with pytest.raises(CatalogError, match="has the digest a; "):
        catalog.edition("a", "0123")


def refused(schedules, **asked):
    with pytest.raises(CatalogError) as raised:
        Catalog.of(schedules, **asked)
    return raised.value.problems


def test_an_empty_catalog(edition):
    (problem,) = refused([])
    assert "name at least one" in problem.way_out


def test_nothing_known_yet(edition):
    (problem,) = refused([edition("a", "2025-01-02", "2025-01-01")], as_of=date(2025, 1, 1))
    assert (problem.field, problem.value) == ("as_of", "2025-01-01")
    assert "was published on 2025-01-02" in problem.way_out


def test_families_and_money_do_not_mix(edition):
    first = edition("a", "2024-01-01", "2025-01-01")
    other = edition("b", "2024-01-02", "2025-01-01", tariff_family="demo", currency="USD", minor_units=0)
    problems = refused([first, other])
    assert [(problem.field, problem.value) for problem in problems] == [
        ("tariff_family", "demo"),
        ("currency", "USD"),
        ("minor_units", "0"),
    ]
    assert all("one family" in problem.way_out for problem in problems)


def test_an_id_stands_once(edition):
    same = edition("a", "2024-01-01", "2025-01-01", "2026-01-01")
    (problem,) = refused([same, same])
    assert (problem.field, problem.value) == ("id", "a")
    assert problem.message.startswith("the same edition")
    other = edition("a", "2025-01-01", "2026-01-01")
    (problem,) = refused([same, replace(other, digest="b")])
    assert problem.message.startswith("another edition")


@pytest.mark.parametrize(
    ("first_end", "second_start", "fits"),
    [("2026-01-01", "2026-01-01", True), ("2026-01-02", "2026-01-01", False), (None, "2030-01-01", False)],
)
def test_two_published_on_one_day_must_not_overlap(edition, first_end, second_start, fits):
    editions = [
        edition("a", "2025-01-01", "2025-01-01", first_end),
        edition("b", "2025-01-01", second_start),
    ]
    if fits:
        assert len(Catalog.of(editions).spans) == 2
        return
    (problem,) = refused(editions)
    assert (problem.field, problem.value) == ("published", "2025-01-01")
    assert "neither is the later" in problem.message


def test_the_problems_of_all_folders_come_at_once(tmp_path):
    first = FolderText().replace("groups.csv", "0.5000", "0,5").write(tmp_path / "first")
    second = FolderText().write(tmp_path / "second")
    third = FolderText().without("groups.csv").write(tmp_path / "third")
    with pytest.raises(ScheduleError) as raised:
        read_catalog([first, second, third])
    assert [problem.place for problem in raised.value.problems] == [
        "first/groups.csv:4",
        "third/groups.csv",
    ]
    assert str(first) in raised.value.summary
    assert str(third) in raised.value.summary
    assert read_catalog([second], as_of=date(2026, 2, 1)).editions[0].id == "test-2026"


DAY = date(2025, 1, 1)
DATES = st.lists(
    st.tuples(st.integers(0, 12), st.integers(0, 12), st.one_of(st.none(), st.integers(1, 12))),
    min_size=1,
    max_size=6,
    unique_by=lambda dates: dates[0],
)


@given(DATES, st.integers(0, 12))
def test_every_day_is_priced_by_the_last_published_of_those_known_that_cover_it(edition, dates, asked):
    editions = [
        edition(
            f"e{number}",
            str(DAY + timedelta(published)),
            str(DAY + timedelta(start)),
            None if length is None else str(DAY + timedelta(start + length)),
        )
        for number, (published, start, length) in enumerate(dates)
    ]
    as_of = DAY + timedelta(asked)
    known = [each for each in editions if each.published <= as_of]
    if not known:
        assert refused(editions, as_of=as_of)
        return
    catalog = Catalog.of(editions, as_of=as_of)
    for offset in range(-1, 30):
        day = DAY + timedelta(offset)
        covering = [each for each in known if each.covers(day)]
        expected = max(covering, key=lambda each: each.published) if covering else None
        assert catalog.edition_on(day) is expected
    for earlier, later in zip(catalog.spans, catalog.spans[1:], strict=False):
        assert earlier.end is not None
        assert earlier.end <= later.start
        assert (earlier.end, earlier.schedule.id) != (later.start, later.schedule.id)
