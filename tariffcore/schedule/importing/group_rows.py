"""The rows of a published table: which are groups, which are something else, and what the groups say.

Every row is accounted for: it is a group, or it is passed over for a reason the report names, or it is a
problem. A row with a code or a number in it that cannot be read as a group is always a problem, never
passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from tariffcore.codes import latin_lookalike
from tariffcore.errors import ImportTableError, Problem
from tariffcore.schedule.importing.headers import Column, Header, Role, header_words, meaning_of
from tariffcore.schedule.importing.numbers_as_printed import (
    LARGEST_PLAIN_WEIGHT,
    DecimalMark,
    PrintedNumber,
    decimal_marks,
    nothing_printed,
    read_printed_number,
    resolve,
)
from tariffcore.schedule.importing.table_reading import FORMULA_ERROR, Cell, PrintedTable, TableRow
from tariffcore.schedule.limits import MAX_PLANNED_DAYS
from tariffcore.schedule.model import AgeClass
from tariffcore.schedule.values import UnreadableValueError, code_value


class RowFate(Enum):
    """What became of a row of the table, in the words of the report."""

    IMPORTED = "imported"
    ABOVE_TABLE = "above the table (title)"
    HEADER = "header"
    HEADER_REPEATED = "header repeated"
    NUMBERING = "numbers of the columns"
    SECTION = "title of a section"
    MORE_DIAGNOSES = "more ICD-10 codes of the group above"
    BLANK = "blank"
    FOOTNOTE = "footnote or text after the table"


@dataclass(frozen=True, slots=True)
class RowAccount:
    """One row of the file and what became of it; the text is that of its cells, for the report."""

    line: int
    fate: RowFate
    text: str


@dataclass(frozen=True, slots=True)
class NumberKind:
    """Which number a column prints: for a care setting, and for an age class where it says so."""

    role: Role
    care_setting: str
    age_class: AgeClass | None


@dataclass(frozen=True, slots=True)
class PrintedValue:
    """A number of a group's row: its exact value, and its column for errors."""

    value: Fraction
    text: str
    field: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group as its row prints it."""

    line: int
    number: str | None
    """The running number the row carries."""
    drg_code: str
    name: str | None
    planned_days: int | None
    values: Mapping[NumberKind, PrintedValue]

    def value(self, role: Role, care_setting: str, age_class: AgeClass | None) -> PrintedValue | None:
        return self.values.get(NumberKind(role, care_setting, age_class))


@dataclass(frozen=True, slots=True)
class TableContent:
    """Everything a table says: its groups, and the account of every row."""

    groups: tuple[GroupRow, ...]
    accounts: tuple[RowAccount, ...]
    used: tuple[Column, ...]
    """The columns that were read."""
    kinds: frozenset[NumberKind]


_SPACES = re.compile(r"\s+")
_CODE_MARKS = re.compile(r"[*\u00b9\u00b2\u00b3\u2070\u2074-\u2079\s]+$")
_FOOTNOTE_STARTS = re.compile(r"(?:примечани|ескерт|сноска|note\b|источник)|(?:\*|\d+\)).{15}", re.IGNORECASE)
_COLUMN_LETTERS = ("а", "б", "в", "a", "b", "c")


class _Rows:
    """Walks the rows under the header."""

    def __init__(
        self, table: PrintedTable, header: Header, default_setting: str, decimal_mark: DecimalMark | None
    ) -> None:
        self.table = table
        self.header = header
        self.default_setting = default_setting
        self.decimal_mark = decimal_mark
        self.problems: list[Problem] = []
        self.code = self._only(Role.CODE)
        self.name = self._first(Role.NAME)
        self.numbering = self._first(Role.NUMBERING)
        self.days = self._only(Role.PLANNED_DAYS)
        self.numbers = self._number_columns()
        self.icd10 = [column.index for column in header.with_role(Role.ICD10)]
        self.width = max(column.index for column in header.columns) + 1
        self.header_rows = [
            _comparable(row) for row in table.rows[header.first : header.first + header.depth]
        ]

    # the columns

    def _first(self, role: Role) -> Column | None:
        columns = self.header.with_role(role)
        return columns[0] if columns else None

    def _only(self, role: Role) -> Column | None:
        columns = self.header.with_role(role)
        if len(columns) > 1:
            self._column_problem(columns[1], f"is a second column for the {role.value}", "keep one of them")
        return columns[0] if columns else None

    def _number_columns(self) -> dict[int, NumberKind]:
        kinds: dict[int, NumberKind] = {}
        for column in self.header.columns:
            meaning = column.meaning
            if meaning.role not in (Role.WEIGHT, Role.TARIFF):
                continue
            if meaning.problem is not None:
                self._column_problem(column, meaning.problem, "split or correct the column")
                continue
            kind = NumberKind(meaning.role, meaning.care_setting or self.default_setting, meaning.age_class)
            if kind in kinds.values():
                age = f", {kind.age_class.value}" if kind.age_class else ""
                self._column_problem(
                    column,
                    f"is a second column for the {kind.role.value} ({kind.care_setting}{age})",
                    "name the care setting or the age in the header, or keep one of the columns",
                )
                continue
            kinds[column.index] = kind
        return kinds

    def _column_problem(self, column: Column, message: str, way_out: str) -> None:
        line = self.table.rows[self.header.first + self.header.depth - 1].line
        field = self.table.column_name(column.index)
        self.problems.append(Problem(self.table.place(line), field, column.title, message, way_out))

    def field(self, column: Column | int) -> str:
        """A column as errors name it: ``E (Тариф, тенге)``."""
        index = column if isinstance(column, int) else column.index
        title = next((c.title for c in self.header.columns if c.index == index), "")
        name = self.table.column_name(index)
        return f"{name} ({title})" if title else name

    def _row_problem(
        self, row: TableRow, column: Column | int | None, value: str | None, message: str, way_out: str
    ) -> None:
        field = None if column is None else self.field(column)
        self.problems.append(Problem(self.table.place(row.line), field, value, message, way_out))

    # the rows

    def read(self) -> TableContent:
        rows = self.table.rows
        body = self.header.first + self.header.depth
        accounts = [
            RowAccount(row.line, RowFate.ABOVE_TABLE if row.distinct_texts else RowFate.BLANK, _text(row))
            for row in rows[: self.header.first]
        ]
        accounts += [
            RowAccount(row.line, RowFate.HEADER, _text(row)) for row in rows[self.header.first : body]
        ]
        fates: list[tuple[TableRow, RowFate]] = []
        for row in rows[body:]:
            fates.append((row, self._fate(row)))
        last_group = max((i for i, (_, fate) in enumerate(fates) if fate is RowFate.IMPORTED), default=-1)
        group_rows: list[TableRow] = []
        for position, (row, fate) in enumerate(fates):
            if fate is RowFate.SECTION and position > last_group:
                fate = RowFate.FOOTNOTE
            if fate is RowFate.SECTION:
                self._check_section(row)
            if fate is RowFate.IMPORTED:
                group_rows.append(row)
            accounts.append(RowAccount(row.line, fate, _text(row)))
        groups = self._groups(group_rows)
        used = [c for c in (self.numbering, self.code, self.name, self.days) if c is not None]
        used += [column for column in self.header.columns if column.index in self.numbers]
        used += self.header.with_role(Role.ICD10)
        return TableContent(
            groups=tuple(groups),
            accounts=tuple(accounts),
            used=tuple(sorted(used, key=lambda column: column.index)),
            kinds=frozenset(self.numbers.values()),
        )

    def _fate(self, row: TableRow) -> RowFate:
        if not row.distinct_texts:
            return RowFate.BLANK
        if _comparable(row) in self.header_rows:
            return RowFate.HEADER_REPEATED
        if self._numbers_columns(row):
            return RowFate.NUMBERING
        filled = {index for index, cell in enumerate(row.cells) if not cell.empty}
        numbers_filled = any(
            not nothing_printed(row.cell(index).text) for index in (*self.numbers, *self._day_columns())
        )
        if filled & set(self.icd10) and filled <= {*self.icd10, *self._name_columns()}:
            return RowFate.MORE_DIAGNOSES
        first_text = row.distinct_texts[0]
        if _FOOTNOTE_STARTS.match(first_text) and not self._has_number(row):
            return RowFate.FOOTNOTE
        if self.numbering is not None and filled == {self.numbering.index}:
            # A page number, or the running number of an emptied row: nothing is lost with it. Words there
            # are a title that was merged from the first column on.
            return RowFate.BLANK if first_text.rstrip(".").isdigit() else RowFate.SECTION
        if len(row.distinct_texts) == 1 and not (
            numbers_filled and (len(filled) == 1 or self._has_number(row))
        ):
            return RowFate.IMPORTED if self._looks_like_code(row, filled) else RowFate.SECTION
        code_filled = self.code is not None and self.code.index in filled
        if not code_filled and not numbers_filled:
            return RowFate.SECTION
        return RowFate.IMPORTED

    def _day_columns(self) -> tuple[int, ...]:
        return () if self.days is None else (self.days.index,)

    def _name_columns(self) -> tuple[int, ...]:
        return tuple(column.index for column in self.header.with_role(Role.NAME))

    def _has_number(self, row: TableRow) -> bool:
        return any(_readable_number(row.cell(index)) for index in self.numbers)

    def _looks_like_code(self, row: TableRow, filled: set[int]) -> bool:
        """Whether a row with one text is a group that lost its other cells rather than a title: then it
        must not be passed over."""
        if self.code is None or filled != {self.code.index}:
            return False
        text = row.cell(self.code.index).text
        return len(text) <= 12 and " " not in text and any(character.isdigit() for character in text)

    def _numbers_columns(self, row: TableRow) -> bool:
        """Whether the row numbers the columns: 1, 2, 3, ... or А, Б, 1, 2, ... in its filled cells."""
        filled = [cell.text.rstrip(".").casefold() for cell in row.cells if not cell.empty]
        if len(filled) < min(3, len(self.header.columns)):
            return False
        letters = 0
        while letters < len(filled) and filled[letters] in _COLUMN_LETTERS:
            letters += 1
        numbers = [str(number) for number in range(1, len(filled) - letters + 1)]
        if not numbers or filled[letters:] != numbers:
            return False
        if len(self.header.columns) < 3:
            self._row_problem(
                row,
                None,
                " | ".join(filled),
                "can be the numbers of the columns or a group",
                "remove the row, or add the column with the groups' names",
            )
        return True

    def _check_section(self, row: TableRow) -> None:
        """A section for another care setting or one age class would change what its rows mean."""
        text = row.distinct_texts[0]
        if len(row.distinct_texts) > 1 or len(header_words(text)) > 5:
            return
        meaning = meaning_of(text)
        if meaning.role is not Role.SPAN:
            return
        setting = meaning.care_setting
        if meaning.problem or (setting and setting != self.default_setting) or meaning.age_class:
            self._row_problem(
                row,
                None,
                text,
                "the title of a section changes the care setting or the age of the rows under it",
                "import each section as a table of its own, with the setting and the age in the header",
            )

    # the groups

    def _groups(self, rows: list[TableRow]) -> list[GroupRow]:
        for row in rows:
            for index in range(self.width, len(row.cells)):
                if not row.cells[index].empty:
                    self._row_problem(
                        row,
                        index,
                        row.cells[index].text,
                        "the row has more cells than the header",
                        "put quotes around a cell that holds the delimiter, or name the column",
                    )
                    break
        self._check_settings_column(rows)
        values: dict[int, dict[NumberKind, PrintedValue]] = {row.line: {} for row in rows}
        for index, kind in self.numbers.items():
            largest = LARGEST_PLAIN_WEIGHT if kind.role is Role.WEIGHT else None
            for row, value in self._column_values(rows, index, largest):
                if value is not None:
                    values[row.line][kind] = PrintedValue(value, row.cell(index).text, self.field(index))
        days: dict[int, Fraction | None] = {}
        if self.days is not None:
            days = {row.line: value for row, value in self._column_values(rows, self.days.index)}
        groups: list[GroupRow] = []
        for row in rows:
            code = self._code_of(row)
            if code is None:
                continue
            groups.append(
                GroupRow(
                    line=row.line,
                    number=None if self.numbering is None else row.cell(self.numbering.index).text or None,
                    drg_code=code,
                    name=self._name_of(row),
                    planned_days=self._days_of(row, days.get(row.line)),
                    values=values[row.line],
                )
            )
        self._check_codes(groups)
        return groups

    def _check_settings_column(self, rows: list[TableRow]) -> None:
        """A column that says the care setting row by row: fine where it always says the one expected."""
        for column in self.header.with_role(Role.CARE_SETTING):
            for row in rows:
                text = row.cell(column.index).text
                setting = meaning_of(text).care_setting if meaning_of(text).care_setting else text
                if text and setting != self.default_setting:
                    self._row_problem(
                        row,
                        column,
                        text,
                        f"the row is for another care setting than {self.default_setting}",
                        "give each care setting columns of its own, one row a group",
                    )

    def _code_of(self, row: TableRow) -> str | None:
        assert self.code is not None
        cell = row.cell(self.code.index)
        text = _SPACES.sub(" ", _CODE_MARKS.sub("", cell.text)).strip()
        if not text or nothing_printed(text):
            self._row_problem(
                row, self.code, cell.text or None, "the row has no code", "write the group's code"
            )
            return None
        if cell.kind is not None:
            self._row_problem(
                row,
                self.code,
                text,
                f"the spreadsheet holds {cell.kind}, not a code",
                "format the cell as text",
            )
            return None
        if cell.number is not None and cell.number.denominator != 1:
            self._row_problem(
                row,
                self.code,
                text,
                "the spreadsheet holds a number, which cannot tell 1.1 from 1.10",
                "format the cell as text and write the code as the order prints it",
            )
            return None
        try:
            return code_value(text)
        except UnreadableValueError as error:
            self._row_problem(row, self.code, text, error.message, error.way_out)
            return None

    def _name_of(self, row: TableRow) -> str | None:
        if self.name is None:
            return None
        return _SPACES.sub(" ", row.cell(self.name.index).text).strip() or None

    def _days_of(self, row: TableRow, days: Fraction | None) -> int | None:
        if days is None:
            return None
        if days.denominator == 1 and 1 <= days <= MAX_PLANNED_DAYS:
            return int(days)
        assert self.days is not None
        self._row_problem(
            row,
            self.days,
            row.cell(self.days.index).text,
            "is not a number of planned days",
            f"write a whole number from 1 to {MAX_PLANNED_DAYS}",
        )
        return None

    def _column_values(
        self, rows: list[TableRow], index: int, largest: int | None = None
    ) -> Iterable[tuple[TableRow, Fraction | None]]:
        """The exact numbers of a column; None where nothing is printed. Wrong cells become problems."""
        printed: dict[int, PrintedNumber] = {}
        failed: set[int] = set()
        for row in rows:
            cell = row.cell(index)
            if cell.number is not None or nothing_printed(cell.text):
                continue
            try:
                if cell.kind is not None:
                    raise UnreadableValueError(
                        f"the spreadsheet holds {cell.kind}, not a number",
                        "mend the formula, or write the number of the order"
                        if cell.kind == FORMULA_ERROR
                        else "format the cell as a number",
                    )
                printed[row.line] = read_printed_number(cell.text)
            except UnreadableValueError as error:
                failed.add(row.line)
                self._row_problem(row, index, cell.text, error.message, error.way_out)
        marks = decimal_marks(printed.values())
        for row in rows:
            cell = row.cell(index)
            if row.line in failed:
                continue
            value = cell.number
            if row.line in printed:
                try:
                    value = resolve(printed[row.line], marks, self.decimal_mark, largest)
                except UnreadableValueError as error:
                    self._row_problem(row, index, cell.text, error.message, error.way_out)
                    continue
            yield row, value

    def _check_codes(self, groups: list[GroupRow]) -> None:
        first_lines: dict[str, int] = {}
        spellings: dict[str, tuple[str, int]] = {}
        assert self.code is not None
        for group in groups:
            row = TableRow(group.line, ())
            first = first_lines.setdefault(group.drg_code, group.line)
            if first != group.line:
                self._row_problem(
                    row,
                    self.code,
                    group.drg_code,
                    f"the code stands in line {first} already",
                    "each group has one row: keep the right one",
                )
                continue
            earlier, line = spellings.setdefault(
                latin_lookalike(group.drg_code), (group.drg_code, group.line)
            )
            if earlier != group.drg_code:
                self._row_problem(
                    row,
                    self.code,
                    group.drg_code,
                    f"looks like the code of line {line} but mixes Latin and Cyrillic letters differently",
                    "type both the same way, or keep one of the two rows",
                )


def _comparable(row: TableRow) -> tuple[str, ...]:
    texts = [_SPACES.sub(" ", cell.text).casefold() for cell in row.cells]
    while texts and not texts[-1]:
        texts.pop()
    return tuple(texts)


def _text(row: TableRow) -> str:
    return _SPACES.sub(" ", " | ".join(row.distinct_texts))


def _readable_number(cell: Cell) -> bool:
    if cell.number is not None:
        return True
    if nothing_printed(cell.text):
        return False
    try:
        read_printed_number(cell.text)
    except UnreadableValueError:
        return False
    return True


def read_group_rows(
    table: PrintedTable, header: Header, *, default_setting: str, decimal_mark: DecimalMark | None
) -> tuple[TableContent, list[Problem]]:
    """The groups of a table and the account of all its rows, and everything that is wrong with them.

    ``default_setting`` is the care setting of columns that name none. Raises ImportTableError for a
    header that contradicts itself: its rows would mean nothing.
    """
    rows = _Rows(table, header, default_setting, decimal_mark)
    if rows.problems:
        raise ImportTableError(f"{table.file_name} cannot be imported", rows.problems)
    content = rows.read()
    if not content.groups and not rows.problems:
        line = table.rows[header.first + header.depth - 1].line
        rows.problems.append(
            Problem(
                table.place(line), None, None, "no row under the header is a group", "give the whole table"
            )
        )
    return content, rows.problems
