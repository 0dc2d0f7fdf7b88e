"""The editions in force: read and checked as a whole, and which of them price a request.

What is in force is one value that is never changed.  A reload makes another one and puts it in its place;
a stream keeps the one it began with.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tariffcore.cases import Case
from tariffcore.errors import CatalogError, Problem, ProblemsError, ScheduleError
from tariffcore.plan import Plan
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Schedule
from tariffcore.schedule.values import instead_of
from tariffcore.single_case import price_case
from tariffcore.v1 import edition_pb2
from tariffcore.wire.editions import edition_message
from tariffcore_server.failures import Reason, RequestError, Violation

DEFAULT_PLANS_KEPT = 16
"""Plans beside the usual ones that are kept: of pinned editions and earlier asking dates."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Which editions a request wants; what the fields mean is said in the contract (EditionChoice)."""

    tariff_family: str = ""
    schedule_id: str = ""
    digest: str = ""
    as_of: date | None = None
    deciding_date: DecidingDate = DecidingDate.DISCHARGE


DEFAULT_CHOICE = Choice()


@dataclass(frozen=True, slots=True)
class Basis:
    """What prices a request: a catalog for explanations, and its plan for the kernel."""

    catalog: Catalog
    plan: Plan
    named: dict[str, edition_pb2.Edition] = field(default_factory=dict, compare=False, repr=False)
    """What answers say of each edition, by its id; ask `edition_named`."""

    def edition_named(self, edition: Schedule) -> edition_pb2.Edition:
        """What answers say of the edition: the same message again and again."""
        message = self.named.get(edition.id)
        if message is None:
            message = self.named[edition.id] = edition_message(edition)
        return message


class EditionsInForce:
    """Every edition the server has, by family; the plans made of them are kept here."""

    def __init__(
        self,
        families: Mapping[str, Catalog],
        plans: Mapping[str, Plan],
        default_family: str | None,
        plans_kept: int = DEFAULT_PLANS_KEPT,
    ) -> None:
        self.families = dict(families)
        self.default_family = default_family
        self.editions: tuple[Schedule, ...] = tuple(
            edition for family in sorted(families) for edition in families[family].editions
        )
        self._by_id = {edition.id: edition for edition in self.editions}
        self._usual = {
            Choice(tariff_family=family): Basis(catalog, plans[family])
            for family, catalog in families.items()
        }
        if default_family is not None:
            self._usual[DEFAULT_CHOICE] = self._usual[Choice(tariff_family=default_family)]
        self._plans: OrderedDict[tuple[object, ...], asyncio.Task[Plan]] = OrderedDict()
        self._plans_kept = plans_kept

    def described(self) -> list[dict[str, str]]:
        """Family, id and digest of each edition: equal in all workers, or they have not the same in force."""
        return [
            {"tariff_family": edition.tariff_family, "schedule_id": edition.id, "digest": edition.digest}
            for edition in self.editions
        ]

    def usual(self, choice: Choice) -> Basis | None:
        """What prices a request that neither pins nor asks as of a date; None: ask `basis`."""
        return self._usual.get(choice)

    async def basis(self, choice: Choice) -> Basis:
        """What prices such a request. Raises RequestError for what is not here."""
        usual = self._usual.get(choice)
        if usual is not None:
            return usual
        catalog = self._catalog(choice)
        known = tuple(span.schedule.id for span in catalog.spans)
        if choice.deciding_date is DecidingDate.DISCHARGE and not choice.schedule_id:
            usual = self._usual[Choice(tariff_family=catalog.tariff_family)]
            if usual.catalog.spans == catalog.spans:
                return Basis(catalog, usual.plan)
        key = (catalog.tariff_family, choice.deciding_date, bool(choice.schedule_id), known)
        return Basis(catalog, await self._plan(key, catalog))

    async def _plan(self, key: tuple[object, ...], catalog: Catalog) -> Plan:
        """The plan of a catalog, made once, off the event loop, however many ask for it meanwhile."""
        task = self._plans.get(key)
        if task is None:
            task = asyncio.create_task(asyncio.to_thread(_plan_ready_to_use, catalog))
            self._plans[key] = task
            while len(self._plans) > self._plans_kept:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        try:
            return await asyncio.shield(task)  # who asked first may go away; others wait too
        except CatalogError as error:
            self._plans.pop(key, None)
            raise RequestError(Reason.EDITIONS_DO_NOT_FIT, error.summary) from None

    def _catalog(self, choice: Choice) -> Catalog:
        if choice.schedule_id:
            edition = self.edition(choice.schedule_id, choice.digest, "edition.pinned")
            if choice.tariff_family not in ("", edition.tariff_family):
                raise _unknown_edition("edition.pinned.schedule_id", "is not of the family named")
            return Catalog.of([edition], None, choice.deciding_date)
        family = self._family(choice.tariff_family)
        try:
            return Catalog.of(family.editions, choice.as_of, choice.deciding_date)
        except CatalogError:
            first = min(edition.published for edition in family.editions).isoformat()
            raise RequestError(
                Reason.NOTHING_PUBLISHED,
                violations=[Violation("edition.as_of", "is before the first publication")],
                metadata={"first_published": first},
            ) from None

    def _family(self, name: str) -> Catalog:
        path = "edition.tariff_family"
        names = ", ".join(sorted(self.families))
        if not name and self.default_family is None:
            raise RequestError(
                Reason.INVALID_REQUEST_FIELD,
                "the server has several tariff families and none by default",
                [Violation(path, "is empty, and the server has no default")],
                {"tariff_families": names},
            )
        family = self.families.get(name or self.default_family or "")
        if family is None:
            raise RequestError(
                Reason.UNKNOWN_TARIFF_FAMILY,
                violations=[Violation(path, "is not a family of this server")],
                metadata={"tariff_families": names},
            )
        return family

    def family_editions(self, name: str) -> tuple[Schedule, ...]:
        """The editions of a family, or of all where the name is empty. Raises RequestError."""
        if not name:
            return self.editions
        family = self.families.get(name)
        if family is None:
            raise RequestError(
                Reason.UNKNOWN_TARIFF_FAMILY,
                violations=[Violation("tariff_family", "is not a family of this server")],
                metadata={"tariff_families": ", ".join(sorted(self.families))},
            )
        return family.editions

    def edition(self, schedule_id: str, digest: str, path: str) -> Schedule:
        """The edition of that id and, where given, that digest. ``path`` names the PinnedEdition.

        Raises RequestError.
        """
        if not schedule_id:
            raise RequestError(
                Reason.INVALID_REQUEST_FIELD,
                f"{path}.schedule_id is missing",
                [Violation(f"{path}.schedule_id", "is missing")],
            )
        edition = self._by_id.get(schedule_id)
        if edition is None:
            raise _unknown_edition(f"{path}.schedule_id", "is not an edition of this server")
        if digest and digest != edition.digest:
            raise RequestError(
                Reason.DIGEST_DIFFERS,
                violations=[Violation(f"{path}.digest", "is not the digest of the edition here")],
                metadata={"schedule_id": edition.id, "digest": edition.digest},
            )
        return edition


def _plan_ready_to_use(catalog: Catalog) -> Plan:
    """The plan of a catalog, with everything made that the first case would otherwise wait for."""
    plan = Plan(catalog)
    price_case(Case(case_id=None), plan)
    return plan


def _unknown_edition(path: str, words: str) -> RequestError:
    return RequestError(Reason.UNKNOWN_EDITION, violations=[Violation(path, words)])


def read_editions(
    folders: Sequence[Path], default_family: str | None, plans_kept: int = DEFAULT_PLANS_KEPT
) -> EditionsInForce:
    """The editions in these folders, ready to price with. Raises ProblemsError with all that is wrong.

    ``default_family`` None: the only family, if there is one only.
    """
    summaries: list[str] = []
    problems: list[Problem] = []

    def note(error: ProblemsError) -> None:
        summaries.append(error.summary)
        problems.extend(error.problems)

    schedules: list[Schedule] = []
    for folder in folders:
        try:
            schedules.append(read_schedule(folder))
        except ScheduleError as error:
            note(error)
    by_family: dict[str, list[Schedule]] = {}
    for schedule in schedules:
        by_family.setdefault(schedule.tariff_family, []).append(schedule)
    catalogs: dict[str, Catalog] = {}
    plans: dict[str, Plan] = {}
    for family, editions in by_family.items():
        try:
            catalogs[family] = Catalog.of(editions)
            plans[family] = _plan_ready_to_use(catalogs[family])
        except CatalogError as error:
            note(error)
    problems += _ids_of_two_families(by_family)
    if default_family is None and len(by_family) == 1:
        default_family = next(iter(by_family))
    elif default_family is not None and default_family not in by_family and not problems:
        problems.append(
            Problem(
                "settings",
                "default_family",
                default_family,
                "is not a family of the schedules named",
                instead_of(default_family, by_family),
            )
        )
    if not folders:
        problems.append(Problem("settings", "schedules", None, "names no schedule", "name at least one"))
    if problems:
        raise CatalogError("; ".join(summaries) or "the schedules cannot be served", problems)
    return EditionsInForce(catalogs, plans, default_family, plans_kept)


def _ids_of_two_families(by_family: Mapping[str, Sequence[Schedule]]) -> list[Problem]:
    """An id alone names an edition in a pinned request, so no two families may share one."""
    first_with: dict[str, Schedule] = {}
    problems = []
    for edition in (edition for editions in by_family.values() for edition in editions):
        first = first_with.setdefault(edition.id, edition)
        if first.tariff_family != edition.tariff_family:
            problems.append(
                Problem(
                    f"{edition.folder}/schedule.toml",
                    "id",
                    edition.id,
                    f"the family {first.tariff_family} has an edition of this id too",
                    "serve them apart, or rename one",
                )
            )
    return problems
