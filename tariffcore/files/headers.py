"""Which column of a file is which standard column."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tariffcore.cases import STANDARD_COLUMNS
from tariffcore.errors import CasesError, Problem, shortened
from tariffcore.files.mapping import ColumnMapping, plain_text
from tariffcore.schedule.values import closest

_LISTED_HEADERS = 40


@dataclass(frozen=True)
class Binding:
    """The file's columns by position.

    sources      standard column -> position in the file's header, in the order of STANDARD_COLUMNS
    birth_date   position of the birth date from which ``age_years`` is worked out, or None
    columns      standard columns of the chunks: the sources, and ``age_years`` where it is worked out
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
    birth_date = next(
        (positions[plain_text(h)] for h in mapping.birth_date if plain_text(h) in positions), None
    )
    problems += _missing(sources, birth_date, headers, mapping, place)
    if problems:
        raise CasesError(f"{place}: these are not the columns of a file of cases", problems)
    with_age = {*sources, "age_years"} if birth_date is not None else set(sources)
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
    wanted: list[tuple[str, str]] = [
        (column, "every case needs it")
        for column in ("case_id", "care_setting", "discharge_date")
        if column not in sources
    ]
    if "drg_code" not in sources and "service_code" not in sources:
        wanted.append(("drg_code", "a line is a cost group (drg_code) or a service (service_code)"))
    only_services = "drg_code" not in sources and "service_code" in sources
    if not only_services and "admission_date" not in sources and "length_of_stay_days" not in sources:
        wanted.append(("admission_date", "cost groups need it, or length_of_stay_days"))
    named = {column for column, _ in wanted}
    # A column the mapping speaks of and the file has not: going on would price with the column's default.
    wanted += [
        (column, f"{mapping.name} expects it")
        for column in STANDARD_COLUMNS
        if column in mapping.expected_columns and column not in sources and column not in named
    ]
    if mapping.birth_date and birth_date is None and "age_years" not in mapping.optional:
        wanted.append(("age_years", f"{mapping.name} works it out from {' or '.join(mapping.birth_date)}"))
    if birth_date is not None and "admission_date" not in sources and "admission_date" not in named:
        wanted.append(("admission_date", "the age is worked out at admission"))
    shown = ", ".join(shortened(" ".join(header.split())) for header in headers[:_LISTED_HEADERS])
    if len(headers) > _LISTED_HEADERS:
        shown += f", … ({len(headers)} columns)"
    return [
        Problem(
            place,
            column,
            None,
            f"this column is missing: {why}; the file has the columns {shown or '(none)'}",
            _way_out(column, headers, mapping),
        )
        for column, why in wanted
    ]


def _way_out(column: str, headers: Sequence[str], mapping: ColumnMapping) -> str:
    names = mapping.birth_date if column == "age_years" and mapping.birth_date else mapping.headers_of(column)
    present = [header for header in headers if header.strip()]
    close = next((found for name in names if (found := closest(name, present)) is not None), None)
    hint = "" if close is None else f"did you mean {shortened(close)!r}? "
    expected = " or ".join(repr(name) for name in names)
    example = f'{column} = "{close or "the header in the file"}"'
    return f"{hint}name the column {expected}, or say in a mapping file, under [columns]: {example}"
