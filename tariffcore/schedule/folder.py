"""Reads a schedule folder: its files, their digest, and all that is wrong with them at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from tariffcore.errors import Problem, ScheduleError
from tariffcore.schedule.check import check
from tariffcore.schedule.csv_reading import Unread
from tariffcore.schedule.grouping_model import Grouping, GroupingRule
from tariffcore.schedule.grouping_table import (
    CodeSystem,
    ListedCode,
    read_grouping_codes,
    read_grouping_rules,
)
from tariffcore.schedule.limits import MAX_FILE_BYTES
from tariffcore.schedule.model import Group, ProviderPeriod, Schedule, Service
from tariffcore.schedule.reading import (
    COMPONENTS_CSV,
    FACTORS_CSV,
    GROUPING_CODES_CSV,
    GROUPING_RULES_CSV,
    GROUPS_CSV,
    PROVIDERS_CSV,
    PUBLISHED_CSV,
    SCHEDULE_TOML,
    SERVICES_CSV,
    Part,
    Reading,
)
from tariffcore.schedule.schedule_tables import (
    read_components,
    read_factors,
    read_groups,
    read_providers,
    read_published,
    read_services,
)
from tariffcore.schedule.schedule_toml import ScheduleToml, read_schedule_toml
from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError
from tariffcore.schedule.values import instead_of

_Row = TypeVar("_Row")

REQUIRED_FILES = (SCHEDULE_TOML, GROUPS_CSV)
OPTIONAL_FILES = (
    PUBLISHED_CSV,
    PROVIDERS_CSV,
    COMPONENTS_CSV,
    SERVICES_CSV,
    FACTORS_CSV,
    GROUPING_RULES_CSV,
    GROUPING_CODES_CSV,
)
NOTES_FILE = "README.md"
"""Free words about the edition; not read and not part of the digest, as are hidden files (``.…``)."""


def read_schedule(folder: Path) -> Schedule:
    """The edition a folder describes, read and checked as a whole.

    Any other file than the known ones, README.md and hidden files is an error: a misspelt
    ``provider.csv`` would otherwise silently mean "no coefficients". Raises ScheduleError with every
    problem of every file; what rests on something unreadable is not checked twice.
    """
    problems: list[Problem] = []
    entries = _entries(folder)
    name = folder.resolve().name
    files, present = _read_files(entries, name, problems)
    reading = _read_parts(name, files, present, problems)
    problems.extend(check(reading))
    if problems:
        problems.sort(key=_in_file_order)
        count = "1 problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise ScheduleError(f"schedule folder {folder} cannot be used: {count}", problems)
    return reading.schedule


def folder_digest(files: Mapping[str, bytes]) -> str:
    """SHA-256 of the files of an edition (those read: not README.md, not hidden ones), as lower-case hex.

    For each file, sorted by name: the length of its name in bytes (8 bytes, big-endian), the name
    (UTF-8), the length of its content (8 bytes, big-endian), the content, byte for byte. The lengths
    keep a byte from moving between names and contents unnoticed.
    """
    digest = hashlib.sha256()
    for name in sorted(files):
        for framed in (name.encode(), files[name]):
            digest.update(len(framed).to_bytes(8, "big"))
            digest.update(framed)
    return digest.hexdigest()


def _entries(folder: Path) -> list[Path]:
    """All that stands in the folder, sorted by name. Raises ScheduleError where it is not a folder."""
    try:
        return sorted(folder.iterdir())
    except OSError as error:
        way_out = "name the folder that holds schedule.toml"
        if folder.name == SCHEDULE_TOML:
            way_out = f"name the folder, {folder.parent}, not the file in it"
        problem = Problem(str(folder), None, None, f"is not a readable folder ({error.strerror})", way_out)
        raise ScheduleError(f"schedule folder {folder} cannot be used: 1 problem", [problem]) from None


def _read_files(
    entries: Sequence[Path], name: str, problems: list[Problem]
) -> tuple[dict[str, bytes], list[str]]:
    """The bytes of the folder's files by name (what is parsed is what is digested), and the names of all
    that is there, readable or not."""
    known = (*REQUIRED_FILES, *OPTIONAL_FILES)
    present = [entry.name for entry in entries]
    files: dict[str, bytes] = {}
    if SCHEDULE_TOML not in present and not any(file in present for file in known):
        way_out = f"name a folder that holds {SCHEDULE_TOML}"
        problems.append(
            Problem(name, None, None, "is not a schedule folder: nothing of a schedule is in it", way_out)
        )
        return {}, present
    for entry in entries:
        if entry.name.startswith(".") or entry.name == NOTES_FILE:
            continue
        place = f"{name}/{entry.name}"
        if entry.name not in known:
            absent = [candidate for candidate in known if candidate not in present]
            way_out = instead_of(entry.name, absent or known, f"or move it out; notes belong in {NOTES_FILE}")
            problems.append(Problem(place, None, None, "is not a file of a schedule folder", way_out))
            continue
        try:
            if entry.stat().st_size > MAX_FILE_BYTES:
                problems.append(
                    Problem(
                        place,
                        None,
                        None,
                        f"is larger than {MAX_FILE_BYTES >> 20} MiB",
                        "a schedule holds groups and rates, not cases; is this the right file?",
                    )
                )
            else:
                files[entry.name] = entry.read_bytes()
        except OSError as error:
            problems.append(
                Problem(place, None, None, f"cannot be read ({error.strerror})", "make it a readable file")
            )
    for required in REQUIRED_FILES:
        if required not in present:
            problems.append(
                Problem(f"{name}/{required}", None, None, "the file is missing", _way_out_missing(required))
            )
    return files, present


def _way_out_missing(required: str) -> str:
    if required == SCHEDULE_TOML:
        return "a schedule folder begins with it; copy that of a shipped schedule and change it"
    return "every schedule has its groups; a schedule of services alone has the header row only"


def _decoded(place: str, content: bytes, problems: list[Problem]) -> str | None:
    """The text of a file, without a byte order mark; None (and a problem) where it is not UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        # A byte order mark is cut off before decoding, so positions would count from after it.
        before = content.removeprefix(b"\xef\xbb\xbf")[: error.start]
        line = before.count(b"\n") + 1
        byte = error.object[error.start]
        problems.append(
            Problem(
                f"{place}:{line}",
                None,
                None,
                f"byte {byte:#04x} is not UTF-8",
                "save the file as UTF-8 (in spreadsheets: 'CSV UTF-8'); it may be in cp1251 now",
            )
        )
        return None


def _read_document(name: str, texts: Mapping[str, str], problems: list[Problem]) -> TomlDocument | None:
    """schedule.toml, if it is there and is TOML."""
    if SCHEDULE_TOML not in texts:
        return None
    file = f"{name}/{SCHEDULE_TOML}"
    try:
        return TomlDocument(texts[SCHEDULE_TOML])
    except TomlSyntaxError as error:
        problems.extend(line.problem(file) for line in error.lines)
        return None


def _read_parts(
    name: str, files: Mapping[str, bytes], present: Collection[str], problems: list[Problem]
) -> Reading:
    """Every part of the schedule as far as it can be read."""
    unread = Unread()
    texts: dict[str, str] = {}
    for file, content in files.items():
        text = _decoded(f"{name}/{file}", content, problems)
        if text is not None:
            texts[file] = text

    document = _read_document(name, texts, problems)
    if document is None:
        header = ScheduleToml(unreadable=set(Part))
    else:
        header = read_schedule_toml(document, name, problems)

    def table(
        file: str, read: Callable[[str, str, list[Problem], Unread], tuple[_Row, ...]]
    ) -> tuple[_Row, ...]:
        """A CSV file's rows; none where there is no such file, or none that can be read."""
        if file in texts:
            return read(f"{name}/{file}", texts[file], problems, unread)
        if file in present or file in REQUIRED_FILES:
            unread.files.add(f"{name}/{file}")
        return ()

    groups = table(GROUPS_CSV, read_groups)
    drg_codes = {group.drg_code for group in groups}
    published = table(PUBLISHED_CSV, partial(read_published, drg_codes=drg_codes))
    providers = table(PROVIDERS_CSV, partial(read_providers, coefficients=header.coefficient_names))
    components = table(COMPONENTS_CSV, read_components)
    services = table(SERVICES_CSV, partial(read_services, edition_start=header.effective_start_date))
    factors = table(FACTORS_CSV, read_factors)
    rules = table(GROUPING_RULES_CSV, read_grouping_rules)
    codes = table(GROUPING_CODES_CSV, read_grouping_codes)

    schedule = Schedule(
        id=header.id,
        tariff_family=header.tariff_family,
        model=header.model,
        title=header.title,
        synthetic=header.synthetic,
        country=header.country,
        currency=header.currency,
        minor_units=header.minor_units,
        published=header.published,
        effective_start_date=header.effective_start_date,
        effective_end_date=header.effective_end_date,
        base_rate=header.base_rate,
        roundings=header.roundings,
        child_age_limit=header.child_age_limit,
        day_count=header.day_count,
        care_settings=header.care_settings,
        outcomes=header.outcomes,
        drg_flags=header.drg_flags,
        shares=header.shares,
        stay_rules=header.stay_rules,
        coefficients=header.coefficients,
        groups=_first_by_code(groups),
        providers=_by_provider(providers) if PROVIDERS_CSV in texts else None,
        components=components,
        published_tariffs=published,
        services=_by_code(services),
        factors=factors,
        folder=name,
        digest=folder_digest(files),
        addons=header.addons,
        grouping=_grouping(header, rules, codes) if GROUPING_RULES_CSV in texts else None,
    )
    return Reading(
        schedule,
        groups,
        services,
        providers,
        frozenset(header.unreadable),
        unread,
        document,
        header.paths,
        rules,
        codes,
        header.grouping_policy,
        header.qualifiers,
        frozenset(present),
    )


def _grouping(
    header: ScheduleToml, rules: tuple[GroupingRule, ...], codes: Iterable[ListedCode]
) -> Grouping | None:
    """The rules with their policy; None where there is none to go by."""
    if header.grouping_policy is None:
        return None
    listed: dict[CodeSystem, dict[str, str]] = {}
    for row in codes:
        listed.setdefault(row.system, {})[row.code] = row.name
    diagnoses, procedures = (
        MappingProxyType(listed[system]) if system in listed else None
        for system in (CodeSystem.DIAGNOSIS, CodeSystem.PROCEDURE)
    )
    return Grouping(header.grouping_policy, rules, diagnoses, procedures, header.qualifiers)


def _first_by_code(groups: Iterable[Group]) -> Mapping[str, Group]:
    """The groups in file order; of two with one code, the first."""
    first: dict[str, Group] = {}
    for group in groups:
        if group.drg_code:
            first.setdefault(group.drg_code, group)
    return MappingProxyType(first)


def _by_provider(periods: Iterable[ProviderPeriod]) -> Mapping[str, tuple[ProviderPeriod, ...]]:
    """Each provider's periods in date order, providers as they come."""
    of: dict[str, list[ProviderPeriod]] = {}
    for period in periods:
        if period.provider_id:
            of.setdefault(period.provider_id, []).append(period)
    return MappingProxyType(
        {
            provider_id: tuple(sorted(own, key=lambda period: period.effective_start_date))
            for provider_id, own in of.items()
        }
    )


def _by_code(services: Iterable[Service]) -> Mapping[str, tuple[Service, ...]]:
    of: dict[str, list[Service]] = {}
    for service in services:
        if service.code:
            of.setdefault(service.code, []).append(service)
    return MappingProxyType({code: tuple(rows) for code, rows in of.items()})


def _in_file_order(problem: Problem) -> tuple[int, int]:
    """Problems as somebody who corrects them goes through the folder: file by file, line by line."""
    path, _, line = problem.place.rpartition(":")
    known = (*REQUIRED_FILES, *OPTIONAL_FILES)
    for rank, file in enumerate(known):
        if path.endswith(f"/{file}") and line.isdigit():
            return rank, int(line)
    return -1, 0
