"""Which column of a file is which standard column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from tariffcore.cases import GROUPING_COLUMNS, STANDARD_COLUMNS
from tariffcore.errors import CasesError, Problem, shortened
from tariffcore.files.mapping import ColumnMapping, load_mapping, plain_text, preset_names
from tariffcore.schedule.values import closest

_LISTED_HEADERS = 40
_PRICED_HEADERS = frozenset({"case_id", "schedule_id", "amount", "status", "rule_id"})


@dataclass(frozen=True)
class Binding:
    """The file's columns by position.

    sources      standard column -> position in the file's header, in the order of STANDARD_COLUMNS
    birth_date   position of the birth date from which ages are worked out, or None
    columns      standard columns of the chunks: the sources, and ``age_years`` where it is worked out; beside
                 diagnoses ``age_days`` too
    ignored      headers that are not read
    width        how many fields the header has
    """

    sources: dict[str, int]
    birth_date: int | None
    columns: tuple[str, ...]
    ignored: tuple[str, ...]
    width: int


def bind_headers(headers: Sequence[str], mapping: ColumnMapping, place: str) -> Binding:
    """Finds the standard columns among the headers of a file.

    Headers are compared without regard to case and surplus white space. Raises CasesError with all that is
    wrong: headers that occur twice, columns that are needed and missing, choices that are open.
    """
    positions: dict[str, int] = {}
    for position, header in enumerate(headers):
        positions.setdefault(plain_text(header), position)
    problems = _repeated(headers, place)
    sources: dict[str, int] = {}
    for column in STANDARD_COLUMNS:
        if column in mapping.leave_out:
            continue
        found = [name for name in mapping.headers_of(column) if plain_text(name) in positions]
        if len(found) > 1:
            problems.append(
                Problem(
                    place,
                    column,
                    ", ".join(found),
                    "more than one column of the file could be this one",
                    "keep one of them in the file, or name only one in the mapping",
                )
            )
        elif found:
            sources[column] = positions[plain_text(found[0])]
    if "drg_code" in sources and not mapping.groups_again:
        # what has its group needs no diagnoses, and diagnoses that nobody needs are not read
        for column in GROUPING_COLUMNS:
            sources.pop(column, None)
    birth_date = next(
        (positions[plain_text(h)] for h in mapping.birth_date if plain_text(h) in positions), None
    )
    problems += _missing(sources, birth_date, headers, mapping, place)
    if problems:
        raise CasesError(f"{place}: these are not the columns of a file of cases", problems)
    with_age = set(sources)
    if birth_date is not None:
        with_age.add("age_years")
        if "principal_diagnosis" in sources and "age_days" not in sources:
            with_age.add("age_days")
    read = {*sources.values(), birth_date}
    return Binding(
        sources=sources,
        birth_date=birth_date,
        columns=tuple(column for column in STANDARD_COLUMNS if column in with_age),
        ignored=tuple(
            header for position, header in enumerate(headers) if header.strip() and position not in read
        ),
        width=len(headers),
    )


def standard_headers_found(headers: Sequence[str], mapping: ColumnMapping) -> int:
    """How many standard columns these headers hold: tells a header row from a title row."""
    plain = {plain_text(header) for header in headers}
    return sum(any(plain_text(name) in plain for name in mapping.headers_of(c)) for c in STANDARD_COLUMNS)


def _repeated(headers: Sequence[str], place: str) -> list[Problem]:
    counts = Counter(plain_text(header) for header in headers if plain_text(header))
    return [
        Problem(
            place,
            header,
            None,
            f"this header occurs {count} times",
            "rename or remove all but one, so that it is clear which column is meant",
        )
        for header, count in counts.items()
        if count > 1
    ]


def _missing(
    sources: dict[str, int],
    birth_date: int | None,
    headers: Sequence[str],
    mapping: ColumnMapping,
    place: str,
) -> list[Problem]:
    wanted = [column for column in ("case_id", "care_setting", "discharge_date") if column not in sources]
    why: list[str] = []
    says_what = {"drg_code", "service_code", "principal_diagnosis"}.intersection(sources)
    if not says_what:
        wanted.append("drg_code")
        why.append("service_code would do instead of drg_code, or principal_diagnosis, which tells it")
    only_services = says_what == {"service_code"}
    if not only_services and "admission_date" not in sources and "length_of_stay_days" not in sources:
        wanted.append("admission_date")
        why.append("length_of_stay_days would do instead of admission_date")
    # A column the mapping speaks of and the file has not: going on would price with the column's default.
    expected = [
        column
        for column in STANDARD_COLUMNS
        if column in mapping.expected_columns
        and column not in sources
        and column not in wanted
        # a group makes diagnoses needless, and diagnoses do for a group
        and not (column in GROUPING_COLUMNS and "drg_code" in sources)
        and not (column == "drg_code" and "principal_diagnosis" in sources)
    ]
    if expected:
        wanted += expected
        why.append(f"{mapping.name} expects {', '.join(expected)}")
    if mapping.birth_date and birth_date is None and "age_years" not in mapping.optional:
        wanted.append("age_years")
        why.append(f"{mapping.name} works age_years out from {' or '.join(mapping.birth_date)}")
    if birth_date is not None and "admission_date" not in sources and "admission_date" not in wanted:
        wanted.append("admission_date")
        why.append("the age is worked out at admission")
    if not wanted:
        return []
    shown = ", ".join(shortened(" ".join(header.split())) for header in headers[:_LISTED_HEADERS])
    if len(headers) > _LISTED_HEADERS:
        shown += f", … ({len(headers)} columns)"
    missing = "this column is missing" if len(wanted) == 1 else "these columns are missing"
    if why:
        missing += f" ({'; '.join(why)})"
    return [
        Problem(
            place,
            ", ".join(wanted),
            None,
            f"{missing}; the file has the columns {shown or '(none)'}",
            _way_out(wanted, headers, mapping),
        )
    ]


def _way_out(missing: Sequence[str], headers: Sequence[str], mapping: ColumnMapping) -> str:
    preset = _preset_with(headers, mapping)
    if preset is not None:
        return f"these look like the headers of the preset {preset}: use --mapping {preset}"
    if _PRICED_HEADERS.issubset(map(plain_text, headers)):
        return (
            "this is what 'tariffcore price' has made of cases: give the cases themselves, "
            "and to 'settle month' this file beside them (--priced)"
        )
    present = [header for header in headers if header.strip()]
    meant: list[str] = []
    names_of: list[str] = []
    example = f'{missing[0]} = "the header in the file"'
    for column in missing:
        worked_out = column == "age_years" and mapping.birth_date
        names = mapping.birth_date if worked_out else mapping.headers_of(column)
        close = next((found for name in names if (found := closest(name, present)) is not None), None)
        if close is not None:
            if not meant:
                example = f'{column} = "{close}"'
            meant.append(f"{shortened(close)!r} for {column}")
        if names != (column,):
            names_of.append(f"{column} {' or '.join(map(repr, names))}")
    hint = f"did you mean {', '.join(meant)}? " if meant else ""
    called = f"name them as the mapping does ({', '.join(names_of)})" if names_of else "name them so"
    return f"{hint}{called}, or say in a mapping file (--mapping FILE), under [columns]: {example}"


@cache
def _preset(name: str) -> ColumnMapping:
    """A preset, read once: whoever looks for a header row in a sheet asks for every row."""
    return load_mapping(name)


def _preset_with(headers: Sequence[str], mapping: ColumnMapping) -> str | None:
    """The preset that was not used and knows most of its headers in the file."""
    plain = {plain_text(header) for header in headers}
    found_now = standard_headers_found(headers, mapping)
    for name in preset_names():
        preset = _preset(name)
        needed = [headers for column, headers in preset.columns.items() if column not in preset.optional]
        own = [*needed, *([preset.birth_date] if preset.birth_date else [])]
        found = sum(any(plain_text(header) in plain for header in known) for known in own)
        if preset.name != mapping.name and found * 2 > len(own) and found > found_now:
            return name
    return None
