"""Reads a folder of costs: its files, their digests, and all that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from tariffcore.costing.activity import Codes, read_cases, read_treated
from tariffcore.costing.assets import period_charges
from tariffcore.costing.books import (
    Chart,
    check_ledger_totals,
    check_receivers,
    read_chart,
    read_groups,
    read_ledger,
    read_shares,
    read_statistics,
)
from tariffcore.costing.checking import check_inputs
from tariffcore.costing.model import Activity, CostCentre, Inputs
from tariffcore.costing.parameters import COSTING_TOML, Parameters, read_parameters
from tariffcore.costing.register import RegisterReader, read_revaluations, read_usage
from tariffcore.costing.tables import (
    ASSETS,
    CASES,
    COST_CENTRES,
    GROUPS,
    LEDGER,
    REVALUATIONS,
    SHARES,
    STATISTICS,
    TABLES,
    TREATED,
    USAGE,
)
from tariffcore.errors import CatalogError, CostingError, Problem, ProblemsError
from tariffcore.schedule.folder import read_schedule
from tariffcore.schedule.model import Schedule, Unit
from tariffcore.schedule.shipped import resolve
from tariffcore.schedule.tariff import find_share
from tariffcore.schedule.values import instead_of
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block, read_blocks
from tariffcore.worksheets.table import Table

NOTES_FILE = "README.md"
_SUFFIXES = (".csv", ".xlsx")


def read_inputs(folder: Path) -> Inputs:
    """Everything in a folder of costs, read and checked as a whole.

    Raises CostingError with every problem of every file; what rests on something unreadable is not judged.
    """
    return _Reader(folder).read()


class _Reader:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.name = folder.resolve().name
        self.problems = ProblemList()
        self.digests: dict[str, str] = {}

    def _raise_if_any(self) -> None:
        self.problems.raise_if_any(CostingError, f"the costs in {self.folder}", "no schedule was written")

    def read(self) -> Inputs:
        files = self._files()
        parameters = self._parameters()
        if len(self.problems):
            self._read_for_their_form(files, parameters)
            self._raise_if_any()
        assert parameters is not None
        like, current = self._schedules(parameters)
        chart = read_chart(self._blocks(files, COST_CENTRES))
        ledger = read_ledger(self._blocks(files, LEDGER), parameters)
        centres = self._centres(chart, ledger.places)
        if not ledger.rows and LEDGER in files and not len(self.problems):
            way_out = "give the bookings of the period, a row for each centre and component"
            self.problems.note(
                f"{self.name}/{files[LEDGER].name}", None, None, "there are no bookings", way_out
            )
        sound = not len(self.problems)
        if sound:  # a centre that could not be read would be missed everywhere
            check_ledger_totals(ledger, parameters, self.problems)
        before = len(self.problems)
        quantities = read_statistics(self._blocks(files, STATISTICS))
        shares = read_shares(self._blocks(files, SHARES))
        statistics_read = len(self.problems) == before and STATISTICS in files
        if centres and sound:
            check_receivers(quantities, shares, centres, self.problems)
        usage = read_usage(self._blocks(files, USAGE), parameters)
        revaluations = read_revaluations(self._blocks(files, REVALUATIONS), parameters)
        register = RegisterReader(parameters, centres, revaluations, usage)
        register.read(self._blocks(files, ASSETS))
        if ASSETS in files:
            register.check_named(self.problems)
        before = len(self.problems)
        groups = read_groups(self._blocks(files, GROUPS), like)
        if not groups and GROUPS in files and len(self.problems) == before:
            message, way_out = "there are no groups", "list the cost groups that cases belong to"
            self.problems.note(f"{self.name}/{files[GROUPS].name}", None, None, message, way_out)
        before = len(self.problems)
        activity = self._activity(files, centres, groups, like)
        activity_read = len(self.problems) == before
        inputs = None
        if like is not None and activity is not None:
            inputs = Inputs(
                self.name,
                parameters,
                like,
                current,
                MappingProxyType(centres),
                MappingProxyType(ledger.amounts),
                ledger.rows,
                tuple(register.assets),
                period_charges(register.assets, parameters),
                MappingProxyType(quantities.values),
                MappingProxyType(shares.values),
                MappingProxyType(groups),
                activity,
                MappingProxyType(self.digests),
                _joint_digest(self.digests),
            )
            check_inputs(inputs, self.problems, statistics_read=statistics_read, activity_read=activity_read)
        self._raise_if_any()
        assert inputs is not None
        return inputs

    def _read_for_their_form(self, files: dict[Table, Path], parameters: Parameters | None) -> None:
        """Tables of a folder that cannot be used, so that what is wrong in them is told in the same round.

        Nothing is compared between tables: one of them, or a choice of the run, may be what is missing.
        """
        read_chart(self._blocks(files, COST_CENTRES))
        read_statistics(self._blocks(files, STATISTICS))
        read_shares(self._blocks(files, SHARES))
        read_groups(self._blocks(files, GROUPS), None)
        if parameters is not None:
            read_ledger(self._blocks(files, LEDGER), parameters)
            read_usage(self._blocks(files, USAGE), parameters)
            read_revaluations(self._blocks(files, REVALUATIONS), parameters)

    # --- files

    def _files(self) -> dict[Table, Path]:
        try:
            entries = sorted(self.folder.iterdir())
        except OSError as error:
            self.problems.note(
                str(self.folder),
                None,
                None,
                f"is not a readable folder ({error.strerror})",
                f"name the folder that holds {COSTING_TOML}; 'tariffcore cost template' writes one to fill "
                "in",
            )
            self._raise_if_any()
        by_name = {table.name: table for table in TABLES}
        found: dict[Table, Path] = {}
        possible = [COSTING_TOML, *(f"{name}.csv" for name in by_name)]
        for entry in entries:
            if entry.name.startswith((".", "~$")) or entry.name in (NOTES_FILE, COSTING_TOML):
                continue
            table = by_name.get(entry.stem)
            suffixes = (*_SUFFIXES, ".parquet") if table is CASES else _SUFFIXES
            place = f"{self.name}/{entry.name}"
            if table is None or entry.suffix not in suffixes:
                way_out = instead_of(entry.name, possible, f"or move it out; notes belong in {NOTES_FILE}")
                self.problems.note(place, None, None, "is not a table of a costing run", way_out)
            elif table in found:
                message = f"there is {found[table].name} too"
                self.problems.note(place, None, None, message, "keep one of the two")
            else:
                found[table] = entry
        for table in TABLES:
            if table not in found and not table.optional:
                place = f"{self.name}/{table.name}.csv"
                way_out = f"it holds {table.what}; 'tariffcore cost template' writes one to fill in"
                self.problems.note(place, None, None, "the file is missing", way_out)
        if TREATED in found and CASES in found:
            place = f"{self.name}/{found[TREATED].name}"
            message = f"there is {found[CASES].name} too, and both say what was treated"
            self.problems.note(place, None, None, message, "keep one of the two")
        if TREATED not in found and CASES not in found:
            self.problems.note(
                f"{self.name}/{CASES.name}.csv",
                None,
                None,
                "there is neither cases nor treated",
                "give one of them: what the centres treated",
            )
        return found

    def _digest(self, path: Path) -> None:
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        self.digests[path.name] = digest.hexdigest()

    def _parameters(self) -> Parameters | None:
        path = self.folder / COSTING_TOML
        place = f"{self.name}/{COSTING_TOML}"
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            way_out = "a costing run begins with it; 'tariffcore cost template' writes one to fill in"
            self.problems.note(place, None, None, "the file is missing", way_out)
            return None
        except (OSError, UnicodeDecodeError):
            self.problems.note(place, None, None, "is not a readable UTF-8 file", "save it as UTF-8")
            return None
        self._digest(path)
        return read_parameters(text, place, self.problems)

    def _blocks(self, files: Mapping[Table, Path], table: Table) -> Iterator[Block]:
        path = files.get(table)
        if path is not None:
            self._digest(path)
            yield from read_blocks(path, f"{self.name}/{path.name}", table, self.problems)

    # --- what the files need of each other

    def _schedules(self, parameters: Parameters) -> tuple[Schedule | None, Schedule | None]:
        like = self._schedule("like", parameters.like)
        current = None if parameters.current is None else self._schedule("current", parameters.current)
        for key, schedule in (("like", like), ("current", current)):
            if schedule is None:
                continue
            for what, own, of_run in (
                ("currency", schedule.currency, parameters.currency),
                ("minor_units", schedule.minor_units, parameters.minor_units),
            ):
                if own != of_run:
                    self._parameter_problem(
                        key,
                        schedule.id,
                        f"has {what} {own}, the run {of_run}",
                        "name a schedule of the run's currency, or correct the run's",
                    )
        if like is not None:
            places = like.roundings.weight.places
            if places is not None and parameters.weight_places > places:
                self._parameter_problem(
                    "weights.places",
                    str(parameters.weight_places),
                    f"is more than the {places} decimals of weights in {like.id}",
                    f"write {places} or less",
                )
            if find_share(like, Unit.CASE, parameters.weight_care_setting) is None:
                self._parameter_problem(
                    "weights.care_setting",
                    parameters.weight_care_setting,
                    f"is not paid by the case in {like.id}",
                    instead_of(parameters.weight_care_setting, _paid_settings(like)),
                )
        return like, current

    def _parameter_problem(self, field: str, value: str, message: str, way_out: str) -> None:
        self.problems.note(f"{self.name}/{COSTING_TOML}", field, value, message, way_out)

    def _schedule(self, key: str, name: str) -> Schedule | None:
        """A shipped edition, or a folder: as named from here, or from beside the folder of costs."""
        beside = self.folder / name
        try:
            folders = (beside,) if (beside / "schedule.toml").is_file() else _one_edition(name)
            if len(folders) != 1:
                names = ", ".join(folder.name for folder in folders)
                message = f"is a family of {len(folders)} editions, and one is needed"
                self._parameter_problem(key, name, message, f"name one of them: {names}")
                return None
            return read_schedule(folders[0])
        except ProblemsError as error:
            for problem in error.problems:
                if isinstance(error, CatalogError):
                    problem = Problem(
                        f"{self.name}/{COSTING_TOML}", key, name, problem.message, problem.way_out
                    )
                self.problems.add(problem)
            return None

    def _centres(
        self, chart: Chart, booked: Mapping[tuple[str, str], str]
    ) -> dict[str, dict[str, CostCentre]]:
        """Centres by provider, of the providers with bookings; what is booked names centres that there
        are."""
        providers = dict.fromkeys(provider_id for provider_id, _ in booked)
        centres = {provider_id: chart.of_provider(provider_id) for provider_id in providers}
        if not chart.rows:
            return centres
        for (provider_id, code), place in booked.items():
            if code not in centres[provider_id]:
                self.problems.note(
                    place,
                    "cost_centre",
                    code,
                    f"is not a cost centre of {provider_id!r}",
                    instead_of(code, centres[provider_id], "or add it to cost_centres"),
                )
        for provider_id, of_provider in chart.rows.items():
            if provider_id and provider_id not in providers:
                self.problems.note(
                    next(iter(of_provider.values())).place,
                    "provider_id",
                    provider_id,
                    "has no bookings in the ledger",
                    instead_of(provider_id, providers, "or remove its rows"),
                )
        return centres

    def _activity(
        self,
        files: Mapping[Table, Path],
        centres: Mapping[str, Mapping[str, CostCentre]],
        groups: Mapping[str, object],
        like: Schedule | None,
    ) -> Activity | None:
        if not centres or not groups or like is None:
            return None  # everything would be unknown
        codes = Codes.of(centres, groups, _paid_settings(like))
        if CASES in files:
            path = files[CASES]
            self._digest(path)
            return read_cases(path, f"{self.name}/{path.name}", codes, self.problems)
        return read_treated(self._blocks(files, TREATED), codes, f"{self.name}/{files[TREATED].name}")


def _paid_settings(schedule: Schedule) -> list[str]:
    """The care settings in which the schedule pays cases."""
    return [share.care_setting for share in schedule.shares if share.unit is Unit.CASE]


def _one_edition(name: str) -> tuple[Path, ...]:
    from tariffcore.schedule.shipped import shipped_editions

    return tuple(edition.folder for edition in shipped_editions() if edition.id == name) or resolve([name])


def _joint_digest(digests: Mapping[str, str]) -> str:
    """SHA-256 over the names and digests of the files, sorted by name, one ``name digest`` a line."""
    lines = "".join(f"{name} {digest}\n" for name, digest in sorted(digests.items()))
    return hashlib.sha256(lines.encode()).hexdigest()
