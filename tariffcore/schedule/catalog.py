"""The editions of one tariff family: which one prices a day, as known on which date."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise
from pathlib import Path

from tariffcore.errors import CatalogError, Problem, ScheduleError
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Schedule
from tariffcore.schedule.reading import SCHEDULE_TOML
from tariffcore.schedule.values import instead_of


class DecidingDate(StrEnum):
    """Which date of a case decides the edition, the provider's coefficients and the service's rate."""

    DISCHARGE = "discharge"
    ADMISSION = "admission"


@dataclass(frozen=True, slots=True)
class EditionSpan:
    """Days priced by one edition: ``start`` included, ``end`` excluded (None: open)."""

    start: date
    end: date | None
    schedule: Schedule


@dataclass(frozen=True, slots=True)
class Catalog:
    """Editions of one tariff family; build it with `Catalog.of`.

    editions  all of them, sorted by effective start and publication, known on ``as_of`` or not
    spans     which edition prices which days as known on ``as_of``: half-open, disjoint, sorted; a day
              in no span is priced by no edition
    """

    tariff_family: str
    editions: tuple[Schedule, ...]
    as_of: date | None
    deciding_date: DecidingDate
    spans: tuple[EditionSpan, ...]

    @classmethod
    def of(
        cls,
        schedules: Iterable[Schedule],
        as_of: date | None = None,
        deciding_date: DecidingDate = DecidingDate.DISCHARGE,
    ) -> Catalog:
        """The catalog of these editions, as known on ``as_of`` (None: all of them are known).

        Among the editions known that cover a day, the one published last prices it. Raises CatalogError
        when there is none, none is known yet, they are of several families or currencies, an id occurs
        twice, or two that overlap were published on one day, so that neither is the later.
        """
        editions = tuple(
            sorted(
                schedules, key=lambda edition: (edition.effective_start_date, edition.published, edition.id)
            )
        )
        if not editions:
            problem = Problem("catalog", None, None, "there is no edition", "name at least one schedule")
            raise CatalogError("the catalog is empty", [problem])
        problems = [
            *_one_of_each(editions),
            *_ids_twice(editions),
            *_published_together(editions),
        ]
        if problems:
            raise CatalogError("these editions do not fit together", problems)
        known = [edition for edition in editions if as_of is None or edition.published <= as_of]
        if not known:
            first = min(editions, key=lambda edition: edition.published)
            problem = Problem(
                "catalog",
                "as_of",
                str(as_of),
                "no edition was published by then",
                f"the first, {first.id}, was published on {first.published}; ask as of that day or later",
            )
            raise CatalogError("nothing is known as of the date asked", [problem])
        return cls(editions[0].tariff_family, editions, as_of, deciding_date, _spans(known))

    def edition_on(self, day: date) -> Schedule | None:
        """The edition that prices a deciding date; None: no edition covers it."""
        index = bisect_right(self.spans, day, key=lambda span: span.start) - 1
        if index < 0:
            return None
        span = self.spans[index]
        return span.schedule if span.end is None or day < span.end else None

    def edition(self, schedule_id: str, digest: str | None = None) -> Schedule:
        """The edition of that id, known on ``as_of`` or not. Raises CatalogError if it is not here, or
        is here with another digest than the one asked for."""
        for edition in self.editions:
            if edition.id != schedule_id:
                continue
            if digest is not None and digest != edition.digest:
                problem = Problem(
                    f"{edition.folder}/{SCHEDULE_TOML}",
                    "digest",
                    digest,
                    f"the edition {schedule_id} here has the digest {edition.digest}",
                    "use the folder the result was computed with; any changed byte makes another digest",
                )
                raise CatalogError(f"the edition {schedule_id} is not the one asked for", [problem])
            return edition
        problem = Problem(
            "catalog",
            "schedule_id",
            schedule_id,
            f"is not an edition of {self.tariff_family} here",
            instead_of(schedule_id, [edition.id for edition in self.editions]),
        )
        raise CatalogError(f"there is no edition {schedule_id}", [problem])

    def known_on(self, as_of: date | None) -> Catalog:
        """The same editions, asked as of another date."""
        return Catalog.of(self.editions, as_of, self.deciding_date)


def read_catalog(
    folders: Sequence[Path],
    as_of: date | None = None,
    deciding_date: DecidingDate = DecidingDate.DISCHARGE,
) -> Catalog:
    """The catalog of the editions in these folders. Raises ScheduleError with the problems of all the
    folders at once, and CatalogError as `Catalog.of` does."""
    schedules: list[Schedule] = []
    summaries: list[str] = []
    problems: list[Problem] = []
    for folder in folders:
        try:
            schedules.append(read_schedule(folder))
        except ScheduleError as error:
            summaries.append(error.summary)
            problems.extend(error.problems)
    if problems:
        raise ScheduleError("; ".join(summaries), problems)
    return Catalog.of(schedules, as_of, deciding_date)


def _spans(known: Sequence[Schedule]) -> tuple[EditionSpan, ...]:
    """Who prices which days: the line of days is cut wherever an edition starts or ends."""
    starts = {edition.effective_start_date for edition in known}
    ends = {edition.effective_end_date for edition in known if edition.effective_end_date is not None}
    cuts: list[date | None] = [*sorted(starts | ends), None]
    spans: list[EditionSpan] = []
    for start, end in pairwise(cuts):
        assert start is not None  # only the last cut is open
        covering = [edition for edition in known if edition.covers(start)]
        if not covering:
            continue
        latest = max(covering, key=lambda edition: edition.published)
        if spans and spans[-1].end == start and spans[-1].schedule is latest:
            spans[-1] = EditionSpan(spans[-1].start, end, latest)
        else:
            spans.append(EditionSpan(start, end, latest))
    return tuple(spans)


def _place(edition: Schedule) -> str:
    return f"{edition.folder}/{SCHEDULE_TOML}"


def _one_of_each(editions: Sequence[Schedule]) -> list[Problem]:
    """Editions of one catalog share their family and their money, or results could not be added up."""
    problems: list[Problem] = []
    first = editions[0]
    for edition in editions[1:]:
        for field, own, other in (
            ("tariff_family", edition.tariff_family, first.tariff_family),
            ("currency", edition.currency, first.currency),
            ("minor_units", str(edition.minor_units), str(first.minor_units)),
        ):
            if own != other:
                problems.append(
                    Problem(
                        _place(edition),
                        field,
                        own,
                        f"the edition {first.id} has {other!r}",
                        "price with the editions of one family and one currency at a time",
                    )
                )
    return problems


def _ids_twice(editions: Sequence[Schedule]) -> list[Problem]:
    problems: list[Problem] = []
    first_with: dict[str, Schedule] = {}
    for edition in editions:
        if edition.id not in first_with:
            first_with[edition.id] = edition
        else:
            first = first_with[edition.id]
            same = "the same edition" if first.digest == edition.digest else "another edition"
            problems.append(
                Problem(
                    _place(edition),
                    "id",
                    edition.id,
                    f"{same} with this id is in the catalog already ({_place(first)})",
                    "name each edition once, and give different editions different ids",
                )
            )
    return problems


def _published_together(editions: Sequence[Schedule]) -> list[Problem]:
    problems: list[Problem] = []
    by_publication: dict[date, list[Schedule]] = {}
    for edition in editions:
        earlier_ones = by_publication.setdefault(edition.published, [])
        for other in earlier_ones:
            # Sorted by start: the other does not begin later, so they overlap unless it ends in time.
            ends_in_time = other.effective_end_date is not None and (
                other.effective_end_date <= edition.effective_start_date
            )
            if not ends_in_time and other.id != edition.id:
                problems.append(
                    Problem(
                        _place(edition),
                        "published",
                        edition.published.isoformat(),
                        f"the edition {other.id} was published the same day and both cover "
                        f"{edition.effective_start_date}, so neither is the later",
                        "correct a publication date, or end one edition where the other begins",
                    )
                )
        earlier_ones.append(edition)
    return problems
