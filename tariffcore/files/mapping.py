"""Other people's headers and words: a mapping file says which of theirs is which of ours.

A mapping is TOML; every part is optional:

    title = "..."                          # what it is for, shown to people
    optional = ["funding_source"]          # columns named below that a file may lack; all others it must have

    [columns]                              # standard column = their header, or a list of headers it may have
    case_id = "ID пролеченного случая"

    [values.outcome]                       # their whole cell = the word of the schedule's vocabulary
    "Выписан" = "discharged"

    [contains.care_setting]                # their cell holds these words = the vocabulary's: where values has
    "дневно" = "day_hospital"              # no match, the first that matches in the order of this file

    [flags.death_unavoidable]              # words that mean yes and no
    yes = ["неизбежна"]
    no = ["предотвратима"]

    [dates]                                # only for dates that are not 2026-05-31 or 31.05.2026
    format = "mm/dd/yyyy"

    [age]                                  # full years at admission, worked out from this header; days too,
                                           # where cases are grouped
    birth_date = "Дата рождения"

    [extract]                              # takes the codes out of a cell with codes, dates and words
    procedure_codes = "icd-9-cm"
    principal_diagnosis = "icd-10"

Headers and cells are compared without regard to case, to surplus white space and to the dots of ё. A cell
that no rule knows passes unchanged, so that pricing rejects it by name. A standard column the mapping does
not name is looked for under its own name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

from tariffcore.cases import STANDARD_COLUMNS
from tariffcore.errors import CasesError, Problem
from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError, TomlTable
from tariffcore.schedule.values import instead_of

WORD_COLUMNS = (
    "provider_id",
    "drg_code",
    "service_code",
    "care_setting",
    "outcome",
    "death_unavoidable",
    "factor_code",
    "funding_source",
    "addon_kind",
    "sex",
)
"""Columns whose cells are words or codes that a mapping may replace."""

ICD_9_CM, ICD_10 = "icd-9-cm", "icd-10"
EXTRACTED = {"procedure_codes": ICD_9_CM, "principal_diagnosis": ICD_10, "secondary_diagnoses": ICD_10}
"""Columns out of whose cells codes may be taken, and by which rule."""

_DATE_FORMAT = re.compile(r"(dd|mm|yyyy)([./ -])(dd|mm|yyyy)\2(dd|mm|yyyy)")
_BIGGEST_MAPPING = 1 << 20


def plain_text(text: str) -> str:
    """A header or cell as mappings compare it: single spaces, no space around it, no upper case, ё as е."""
    return " ".join(text.split()).casefold().replace("ё", "е")


@dataclass(frozen=True)
class ColumnMapping:
    """How a file of cases names its columns and words. The empty mapping expects the standard ones.

    name         what to call it in errors: the path of the file or the name of the preset
    columns      standard column -> the headers it may have
    optional     standard columns named here that a file may lack
    values       standard column -> their cell, as `plain_text` -> our word
    contains     standard column -> (words, as `plain_text`, our word) in the order in which they are tried
    date_format  such as "mm/dd/yyyy"; None: as recognised
    birth_date   headers of the birth date from which age_years is worked out; empty: it is not
    extracted    standard columns whose cells hold codes among other text
    leave_out    standard columns not to read: a run that has no use for a column should not hold it
    """

    name: str = "the mapping"
    title: str | None = None
    columns: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    contains: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    date_format: str | None = None
    birth_date: tuple[str, ...] = ()
    extracted: frozenset[str] = frozenset()
    leave_out: frozenset[str] = frozenset()
    groups_again: bool = False
    """Whether diagnoses are read beside a group that is given: to see what the rules make of the case."""

    def headers_of(self, column: str) -> tuple[str, ...]:
        """The headers under which a standard column may stand: as the mapping says, else its own name."""
        if column == "age_years" and self.birth_date:
            return ()
        return self.columns.get(column, (column,))

    @property
    def expected_columns(self) -> frozenset[str]:
        """Columns that a file must have because the mapping speaks of them."""
        return (
            frozenset({*self.columns, *self.values, *self.contains, *self.extracted})
            - self.optional
            - self.leave_out
        )


STANDARD_MAPPING = ColumnMapping()


def preset_names() -> tuple[str, ...]:
    """The mappings that ship with the package."""
    folder = resources.files("tariffcore") / "presets"
    return tuple(sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml")))


def load_mapping(path_or_preset: str) -> ColumnMapping:
    """The mapping of a TOML file, or of a preset by its name. Raises CasesError with all that is wrong."""
    if path_or_preset in preset_names():
        preset = resources.files("tariffcore") / "presets" / f"{path_or_preset}.toml"
        return read_mapping(preset.read_text("utf-8"), f"preset {path_or_preset}")
    try:
        with Path(path_or_preset).open("rb") as file:
            raw = file.read(_BIGGEST_MAPPING + 1)
        if len(raw) > _BIGGEST_MAPPING:
            raise _unusable(path_or_preset, "is larger than a mapping can be (1 MiB)", "give a mapping file")
        return read_mapping(raw.decode("utf-8-sig"), path_or_preset)
    except FileNotFoundError:
        way_out = instead_of(
            path_or_preset, preset_names(), "which are the presets, or give a file that exists"
        )
        raise _unusable(path_or_preset, "is neither a mapping file nor a preset", way_out) from None
    except OSError as error:
        raise _unusable(
            path_or_preset,
            f"cannot be read ({error.strerror or error})",
            "check the path and its permissions",
        ) from None
    except UnicodeDecodeError:
        raise _unusable(path_or_preset, "is not UTF-8 text", "save it as UTF-8") from None


def read_mapping(text: str, name: str) -> ColumnMapping:
    """The mapping that a TOML text describes; ``name`` is what errors call it."""
    try:
        document = TomlDocument(text)
    except TomlSyntaxError as error:
        wrong = [line.problem(name) for line in error.lines]
        raise CasesError(f"{name} cannot be used as a mapping", wrong) from None
    problems: list[Problem] = []
    root = TomlTable(document, (), document.values, file=name, problems=problems)
    columns = _columns(root.table("columns", required=False), name)
    values, contains = _words(root)
    birth_date = _birth_date(root.table("age", required=False))
    mapping = ColumnMapping(
        name=name,
        title=root.text("title", required=False),
        columns=columns,
        optional=_optional(root, {*columns, *values, *contains} | ({"age_years"} if birth_date else set())),
        values=values,
        contains=contains,
        date_format=_date_format(root.table("dates", required=False)),
        birth_date=birth_date,
        extracted=_extracted(root.table("extract", required=False)),
    )
    if birth_date and "age_years" in columns:
        root.note(
            "age", None, "age_years is both a column and worked out", "keep either [age] or columns.age_years"
        )
    root.finish()
    if problems:
        raise CasesError(f"{name} cannot be used as a mapping", problems)
    return mapping


def _unusable(path: str, message: str, way_out: str) -> CasesError:
    return CasesError(f"{path} cannot be used as a mapping", [Problem(path, None, None, message, way_out)])


def _one_or_more(table: TomlTable, key: str) -> tuple[str, ...]:
    if isinstance(table.values.get(key), list):
        found = table.codes(key, example='["their header", "or this one"]')
        if found == ():
            table.note(key, "[]", "lists no header", "name at least one, or remove the line")
        return found or ()
    one = table.text(key, required=False, example='"their header"')
    return () if one is None else (one,)


def _columns(table: TomlTable | None, name: str) -> dict[str, tuple[str, ...]]:
    if table is None:
        return {}
    columns: dict[str, tuple[str, ...]] = {}
    owner: dict[str, str] = {}
    for column in STANDARD_COLUMNS:
        headers = _one_or_more(table, column)
        for header in headers:
            other = owner.setdefault(plain_text(header), column)
            if other != column:
                table.note(
                    column,
                    header,
                    f"is the header of {other} as well",
                    "give each column a header of its own",
                )
        if headers:
            columns[column] = headers
    table.finish()
    return columns


def _optional(root: TomlTable, spoken_of: set[str]) -> frozenset[str]:
    listed = root.words("optional", required=False) or ()
    for column in listed:
        if column not in spoken_of:
            way_out = instead_of(column, sorted(spoken_of), "or remove it: other columns are optional anyway")
            root.note("optional", column, "is no column this mapping speaks of", way_out)
    return frozenset(listed)


def _words(root: TomlTable) -> tuple[dict[str, dict[str, str]], dict[str, tuple[tuple[str, str], ...]]]:
    values: dict[str, dict[str, str]] = {}
    contains: dict[str, tuple[tuple[str, str], ...]] = {}
    whole = root.table("values", required=False)
    for column, table in _tables(whole, WORD_COLUMNS):
        values[column] = dict(_pairs(table))
    part = root.table("contains", required=False)
    for column, table in _tables(part, WORD_COLUMNS):
        contains[column] = tuple(_pairs(table))
    flags = root.table("flags", required=False)
    for column, table in _tables(flags, ("death_unavoidable",)):
        known = values.setdefault(column, {})
        for key, word in (("yes", "true"), ("no", "false")):
            for cell in table.codes(key, required=False) or ():
                if known.setdefault(plain_text(cell), word) != word:
                    table.note(key, cell, "already means something else", "list each word once")
        table.finish()
    return values, contains


def _tables(parent: TomlTable | None, columns: tuple[str, ...]) -> list[tuple[str, TomlTable]]:
    if parent is None:
        return []
    found = [(column, parent.table(column, required=False)) for column in columns]
    parent.finish()
    return [(column, table) for column, table in found if table is not None]


def _pairs(table: TomlTable) -> list[tuple[str, str]]:
    pairs: dict[str, str] = {}
    for cell in table.values:
        word = table.text(cell, example='"our word"')
        if word is None:
            continue
        plain = plain_text(cell)
        if not plain:
            table.note(cell, cell, "is blank, and blank cells are missing values", "remove the line")
        elif pairs.setdefault(plain, word) != word:
            table.note(cell, word, "this cell already means something else", "list each cell once")
    return list(pairs.items())


def _date_format(table: TomlTable | None) -> str | None:
    if table is None:
        return None
    written = table.text("format", example='"mm/dd/yyyy"')
    table.finish()
    if written is None:
        return None
    match = _DATE_FORMAT.fullmatch(written.lower())
    if match is None or len({match[1], match[3], match[4]}) < 3:
        table.note(
            "format",
            written,
            "is not a date format",
            "write dd, mm and yyyy once each, between them one of . / - or a space, such as mm/dd/yyyy; "
            "a time after the date is understood",
        )
    return written.lower()


def _birth_date(table: TomlTable | None) -> tuple[str, ...]:
    if table is None:
        return ()
    if not table.has("birth_date"):
        table.text("birth_date", example='"their header"')
    headers = _one_or_more(table, "birth_date")
    table.finish()
    return headers


def _extracted(table: TomlTable | None) -> frozenset[str]:
    if table is None:
        return frozenset()
    extracted = set()
    for column, known in EXTRACTED.items():
        if not table.has(column):
            continue
        rule = table.text(column, example=f'"{known}"')
        if rule is not None and rule != known:
            table.note(column, rule, "is not a known rule", f'write "{known}"')
        if rule is not None:
            extracted.add(column)
    table.finish()
    return frozenset(extracted)
