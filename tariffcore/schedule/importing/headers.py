"""Which column of a published table holds what: headers in Russian, Kazakh and English, of one row or more.

A header is recognised by the roots of its words, not by its exact wording: orders write ``Код КЗГ``,
``КЗГ коды``, ``№ КЗГ``; ``КЗ``, ``Коэффициент затрато-емкости``, ``шығын сыйымдылығының коэффициенті``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from tariffcore.errors import ImportTableError, Problem
from tariffcore.schedule.importing.numbers_as_printed import nothing_printed, read_printed_number
from tariffcore.schedule.importing.table_reading import Candidates, Cell, PrintedTable, TableRow
from tariffcore.schedule.model import AgeClass
from tariffcore.schedule.values import UnreadableValueError

MAX_HEADER_ROWS = 4
MAX_ROWS_ABOVE = 1000
"""A header stands near the top; a long file without one is refused early."""


class Role(Enum):
    """What a column holds, in the words of the report."""

    NUMBERING = "running number"
    CODE = "code of the group"
    GROUP = "cost group"
    NAME = "name of the group"
    ICD10 = "ICD-10 codes"
    WEIGHT = "relative weight"
    TARIFF = "tariff"
    PLANNED_DAYS = "planned days"
    CARE_SETTING = "care setting"
    SPAN = "heading over other columns"
    UNKNOWN = "not recognised"
    CONTRADICTORY = "could be two things"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a header says. ``care_setting`` and ``age_class`` are None where it does not say."""

    role: Role
    care_setting: str | None = None
    age_class: AgeClass | None = None
    problem: str | None = None
    """Why the column cannot be used although its role is clear."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table, counted from 0, with its whole header text."""

    index: int
    title: str
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class Header:
    """The header: its rows (positions in the table) and its columns."""

    first: int
    depth: int
    columns: tuple[Column, ...]

    @property
    def score(self) -> int:
        """How many columns are recognised."""
        return sum(column.meaning.role not in (Role.UNKNOWN, Role.SPAN) for column in self.columns)

    def with_role(self, role: Role) -> list[Column]:
        return [column for column in self.columns if column.meaning.role is role]


# --- the words ------------------------------------------------------------------------------------------

_LATIN_IN_CYRILLIC = str.maketrans("abcehkmoptxy", "авсенкмортху")
_COST_WEIGHT_MISTYPED = frozenset({"к3", "k3", "kз", "kz"})  # КЗ with a digit 3 or with Latin letters
_JOINED_LINES = re.compile(r"(?<=\w)[-\u2010\u00ad]\s+(?=\w)")
_NOT_WORD = re.compile(r"[^\w№#]+|_+")

_NUMBERING_WORDS = frozenset(
    {"№", "№№", "#", "n", "no", "п", "р", "с", "p", "c", "пп", "рс", "рет", "ряд", "row", "number", "номер",
     "нөмірі", "строка", "строки", "порядковый", "реттік"}
)  # fmt: skip
_CODE_ROOTS = ("код", "code")
_NUMBER_WORDS = frozenset({"№", "#", "номер", "нөмірі", "number", "no"})
_GROUP_WORDS = frozenset({"кзг", "кшт", "drg", "drgs", "kzg", "топ", "тобы", "тобының", "топтар", "топтың"})
_GROUP_ROOTS = ("групп", "топтар", "group")
_NAME_ROOTS = ("наименован", "назван", "атау", "name", "title", "description")
_ICD_ROOTS = ("мкб", "ахж", "icd")
_TARIFF_ROOTS = ("тариф", "tariff", "стоимост", "цена", "құны", "бағасы", "price", "тенге", "теңге", "kzt")
_WEIGHT_ROOTS = ("затратоемк", "сыйымдылы", "шығынсыйымды", "шығындылық")
_COEFFICIENT_ROOTS = ("коэффициент", "coefficient")
_OTHER_COEFFICIENTS = ("поправоч", "түзету", "районн", "повыша", "понижа", "correct")
_WEIGHT_WORDS = frozenset({"кз", "вес", "weight", "салмақ", "салмағы"})
_BODY_WEIGHT_ROOTS = ("рожд", "туған", "туылған", "birth", "тела", "дене", "body")
_STAY_ROOTS = ("длительност", "ұзақты", "койкодн", "койкодней", "stay")
_DAY_WORDS = frozenset({"days", "дней", "дни", "күн", "күндер", "күні"})
_PLANNED_ROOTS = ("план", "норматив", "жоспар", "planned", "средн", "орташа", "average")
_BED_ROOTS = ("койк", "төсек", "bed")
_OTHER_CODED = ("операц", "процедур", "услуг", "отделен", "профил", "procedure", "service", "қызмет")
_THOUSAND_WORDS = frozenset({"тыс", "тысяч", "мың", "thousand", "млн", "million"})

_DAY_HOSPITAL_ROOTS = ("дневн", "күндізгі", "алмастыр", "стационарозамещ")
_INPATIENT_ROOTS = ("круглосуточн", "тәулік", "inpatient")
_HOME_WORDS = frozenset({"дому", "үйде", "үйдегі", "home"})
_RECEPTION_ROOTS = ("приемн", "қабылдау", "reception")
_ADULT_ROOTS = ("взросл", "ересек", "adult")
_CHILD_ROOTS = ("детск", "детей", "детям", "ребен", "балалар", "балаға", "child", "paediatric", "pediatric")
_CHILD_WORDS = frozenset({"дети", "бала"})


def header_words(text: str) -> list[str]:
    """The words of a header in one form: lower case, no footnote stars, line breaks joined, one alphabet
    a word."""
    folded = _JOINED_LINES.sub("", text).replace("\u00ad", "").casefold().replace("ё", "е")
    words = []
    for word in _NOT_WORD.split(folded):
        if not word:
            continue
        if word in _COST_WEIGHT_MISTYPED:
            words.append("кз")
        elif any("а" <= letter <= "я" for letter in word):
            words.append(word.translate(_LATIN_IN_CYRILLIC))
        else:
            words.append(word)
    return words


def _has(words: Iterable[str], roots: tuple[str, ...]) -> bool:
    return any(word.startswith(roots) for word in words)


def _care_settings(words: list[str]) -> set[str]:
    found: set[str] = set()
    if _has(words, _DAY_HOSPITAL_ROOTS) or ("day" in words and {"hospital", "case", "care"} & set(words)):
        found.add("day_hospital")
    # "дневной стационар" is a day hospital; "стационарных и стационарозамещающих" is both.
    says_ward = any(word.startswith("стационар") and not word.startswith("стационарозамещ") for word in words)
    of_day = _has(words, ("дневн", "күндізгі", "алмастыр"))
    if _has(words, _INPATIENT_ROOTS) or (says_ward and not of_day):
        found.add("inpatient")
    if _HOME_WORDS & set(words):
        found.add("home")
    if _has(words, _RECEPTION_ROOTS):
        found.add("reception_observation")
    return found


def _age_classes(words: list[str]) -> set[AgeClass]:
    found: set[AgeClass] = set()
    if _has(words, _ADULT_ROOTS):
        found.add(AgeClass.ADULT)
    if _has(words, _CHILD_ROOTS) or _CHILD_WORDS & set(words):
        found.add(AgeClass.CHILD)
    if "18" in words:
        at = words.index("18")
        if at and words[at - 1] == "до":
            found.add(AgeClass.CHILD)
        elif "старше" in words:
            found.add(AgeClass.ADULT)
    return found


def meaning_of(title: str) -> Meaning:
    """What a column's whole header text says."""
    words = header_words(title)
    if not words:
        return Meaning(Role.UNKNOWN)
    if words in (["care", "setting"], ["условия", "оказания"], ["условие", "оказания"]):
        return Meaning(Role.CARE_SETTING)
    if set(words) <= _NUMBERING_WORDS:
        return Meaning(Role.NUMBERING)
    joined = "".join(words)  # a word broken over two lines without a hyphen is whole here
    says_code = _has(words, _CODE_ROOTS)
    says_group = bool(_GROUP_WORDS & set(words)) or _has(words, _GROUP_ROOTS)
    says_icd = _has(words, _ICD_ROOTS)
    says_name = _has(words, _NAME_ROOTS)
    says_tariff = _has(words, _TARIFF_ROOTS)
    says_coefficient = _has(words, _COEFFICIENT_ROOTS) or any(r in joined for r in _COEFFICIENT_ROOTS)
    says_weight = (
        any(root in joined for root in _WEIGHT_ROOTS)
        or (says_coefficient and not _has(words, _OTHER_COEFFICIENTS))
        or (bool(_WEIGHT_WORDS & set(words)) and not _has(words, _BODY_WEIGHT_ROOTS))
    )
    # The Kazakh name of a cost group ("клиникалық-шығындық топ") has the root of cost in it, and the day
    # hospital ("күндізгі") the word for day: neither is a weight or a number of days by that alone.
    says_stay = _has(words, _STAY_ROOTS) or (
        _has(words, _PLANNED_ROOTS) and (bool(_DAY_WORDS & set(words)) or _has(words, _BED_ROOTS))
    )
    if says_icd:
        if says_name:
            return Meaning(Role.NAME)
        return Meaning(Role.CONTRADICTORY if says_group or says_weight or says_tariff else Role.ICD10)
    if says_name:
        return Meaning(Role.CONTRADICTORY if says_code else Role.NAME)
    if says_weight and says_tariff:
        return Meaning(Role.CONTRADICTORY)
    if says_tariff or says_weight:
        if says_code:
            return Meaning(Role.CONTRADICTORY)
        return _number_meaning(Role.TARIFF if says_tariff else Role.WEIGHT, words)
    if says_stay:
        return Meaning(Role.PLANNED_DAYS)
    if _has(words, _OTHER_CODED):
        return Meaning(Role.UNKNOWN)
    if says_code or (says_group and _NUMBER_WORDS & set(words)):
        return Meaning(Role.CODE)
    if says_group:
        return Meaning(Role.GROUP)
    if _care_settings(words) or _age_classes(words):
        return _number_meaning(Role.SPAN, words)
    return Meaning(Role.UNKNOWN)


def _number_meaning(role: Role, words: list[str]) -> Meaning:
    settings, ages = _care_settings(words), _age_classes(words)
    if role is Role.TARIFF and _has(words, _BED_ROOTS):
        return Meaning(Role.UNKNOWN)  # the tariff of a bed-day is not that of a case
    problem = None
    if len(settings) > 1:
        problem = f"names more than one care setting ({', '.join(sorted(settings))})"
    elif role is Role.TARIFF and _THOUSAND_WORDS & set(words):
        problem = "is in thousands or millions, which have lost the minor units"
    return Meaning(
        role,
        care_setting=settings.pop() if len(settings) == 1 else None,
        age_class=ages.pop() if len(ages) == 1 else None,
        problem=problem,
    )


# --- finding the header -----------------------------------------------------------------------------------


def find_header(candidates: Candidates) -> tuple[PrintedTable, Header]:
    """The table among the candidates and its header.

    Raises ImportTableError where no row can be a header, where several sheets have one, and where two
    delimiters cut the text into equally good tables.
    """
    found = [(table, header) for table in candidates.tables if (header := _header_of(table)) is not None]
    if not found:
        raise candidates.damage or _no_header(candidates)
    if len(found) > 1 and found[0][0].sheet is not None:
        names = ", ".join(repr(table.sheet) for table, _ in found)
        raise ImportTableError(
            f"{found[0][0].file_name} cannot be imported",
            [
                Problem(
                    found[0][0].file_name,
                    None,
                    None,
                    f"{len(found)} sheets hold a table of groups: {names}",
                    "say which sheet to import (--sheet)",
                )
            ],
        )
    best = max(header.score for _, header in found)
    leading = [(table, header) for table, header in found if header.score == best]
    if len(leading) > 1:
        forms = "; ".join(table.form for table, _ in leading)
        raise ImportTableError(
            f"{leading[0][0].file_name} cannot be imported",
            [
                Problem(
                    leading[0][0].place(leading[0][0].rows[leading[0][1].first].line),
                    None,
                    None,
                    f"the header can be cut in more than one way ({forms})",
                    "save the table with one delimiter and quotes around cells that hold it",
                )
            ],
        )
    return leading[0]


def _header_of(table: PrintedTable) -> Header | None:
    for first in range(min(len(table.rows), MAX_ROWS_ABOVE)):
        header = _header_at(table, first)
        if header is not None:
            return header
    return None


def _header_at(table: PrintedTable, first: int) -> Header | None:
    """The header that begins at a row, as deep as its rows go, or None."""
    depth = _depth(table.rows, first)
    top = first
    if depth == 0:
        return None
    # One heading alone above ("Стационарные условия" merged over two columns) is not a row of two cells,
    # and yet says what the columns under it are.
    if first and _heading_above(table.rows[first - 1], table.rows[first]):
        top, depth = first - 1, depth + 1
    rows = table.rows[top : top + depth]
    columns = _resolved(_columns(rows))
    roles = {column.meaning.role for column in columns}
    return Header(top, depth, columns) if {Role.CODE, Role.WEIGHT} <= roles else None


def _heading_above(above: TableRow, below: TableRow) -> bool:
    texts = above.distinct_texts
    if len(texts) != 1 or meaning_of(texts[0]).role is not Role.SPAN or len(header_words(texts[0])) > 6:
        return False
    at = next(index for index, cell in enumerate(above.cells) if not cell.empty)
    return at > 0 and meaning_of(below.cell(at).text).role in (Role.WEIGHT, Role.TARIFF, Role.SPAN)


def _depth(rows: tuple[TableRow, ...], first: int) -> int:
    start = rows[first]
    if len(start.distinct_texts) < 2 or any(_is_number(cell) for cell in start.cells):
        return 0
    meanings = [meaning_of(cell.text) for cell in start.cells if not cell.empty]
    if all(meaning.role is Role.UNKNOWN for meaning in meanings):
        return 0
    depth = 1
    while (
        depth < MAX_HEADER_ROWS
        and first + depth < len(rows)
        and _continues(rows[first : first + depth], rows[first + depth])
    ):
        depth += 1
    return depth


def _is_number(cell: Cell) -> bool:
    if cell.number is not None:
        return True
    if cell.empty or nothing_printed(cell.text):
        return False
    try:
        read_printed_number(cell.text)
    except UnreadableValueError:
        return False
    return True


def _continues(above: tuple[TableRow, ...], row: TableRow) -> bool:
    """Whether a row is one more row of the header: it says more about weights, tariffs, settings or ages,
    or names columns whose heading is still empty. A section's title or a row of groups never does."""
    if not row.distinct_texts or any(_is_number(cell) for cell in row.cells):
        return False
    titles = _titles(above, row)
    says_more = False
    for index, cell in enumerate(row.cells):
        if cell.empty:
            continue
        over = titles[index]
        if cell.text in over:
            continue  # a merged cell that was copied into each of its rows
        own = meaning_of(cell.text).role
        if over:
            heading = meaning_of(" ".join(over)).role
            fits = heading in (Role.WEIGHT, Role.TARIFF, Role.SPAN) and own in (
                Role.WEIGHT,
                Role.TARIFF,
                Role.SPAN,
            )
        else:
            fits = own not in (Role.UNKNOWN, Role.SPAN, Role.CONTRADICTORY)
        if not fits:
            return False
        says_more = True
    return says_more


def _titles(above: tuple[TableRow, ...], row: TableRow) -> list[list[str]]:
    """The headings over each cell of a row; an empty one is that to its left, as merged cells are read."""
    width = max(len(row.cells), *(len(upper.cells) for upper in above))
    titles: list[list[str]] = [[] for _ in range(width)]
    for level, upper in enumerate(above):
        filled = ""
        for index in range(width):
            own = upper.cell(index).text
            under = any(not lower.cell(index).empty for lower in (*above[level + 1 :], row))
            filled = own or (filled if under else "")
            if filled and under and filled not in titles[index]:
                titles[index].append(filled)
            elif own and own not in titles[index]:
                titles[index].append(own)
    return titles


def _columns(rows: tuple[TableRow, ...]) -> tuple[Column, ...]:
    width = max(len(row.cells) for row in rows)
    if len(rows) == 1:
        titles = [[cell.text] if not cell.empty else [] for cell in rows[0].cells]
    else:
        titles = _titles(rows[:-1], rows[-1])
        for index in range(width):
            own = rows[-1].cell(index).text
            if own and own not in titles[index]:
                titles[index].append(own)
    return tuple(
        Column(index, " ".join(" ".join(parts).split()), meaning_of("\n".join(parts)))
        for index, parts in enumerate(titles)
        if parts
    )


def _resolved(columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """The columns, with a heading that names only the group ("КЗГ", "Клинико-затратные группы") taken as
    the code where no other is, as the name where only the name is missing."""
    roles = {column.meaning.role for column in columns}
    of_group = [column for column in columns if column.meaning.role is Role.GROUP]
    if not of_group:
        return columns
    meant = Role.UNKNOWN
    if len(of_group) == 1:
        if Role.CODE not in roles:
            meant = Role.CODE
        elif Role.NAME not in roles:
            meant = Role.NAME
    return tuple(
        Column(column.index, column.title, Meaning(meant)) if column in of_group else column
        for column in columns
    )


def _no_header(candidates: Candidates) -> ImportTableError:
    """Says which row comes closest to a header, and what it lacks."""
    best: tuple[int, PrintedTable, TableRow, list[Meaning]] | None = None
    for table in candidates.tables:
        for row in table.rows[:MAX_ROWS_ABOVE]:
            if len(row.distinct_texts) < 2:
                continue
            meanings = [meaning_of(text) for text in row.distinct_texts]
            known = len({m.role for m in meanings} - {Role.UNKNOWN, Role.SPAN, Role.NUMBERING})
            if known and (best is None or known > best[0]):
                best = (known, table, row, meanings)
    name = candidates.tables[0].file_name
    needed = "the group's code (Код КЗГ, КШТ коды) and its weight (КЗ, коэффициент затратоемкости, weight)"
    if best is None:
        problem = Problem(name, None, None, "no row is a header", f"the header names at least {needed}")
    else:
        _, table, row, meanings = best
        roles = {meaning.role for meaning in meanings}
        lacking = [role.value for role in (Role.CODE, Role.WEIGHT) if role not in roles]
        problem = Problem(
            table.place(row.line),
            None,
            " | ".join(row.distinct_texts),
            "looks like a header, but no column is recognised as the "
            + (" nor as the ".join(lacking) or "code or the weight"),
            f"the header names at least {needed}",
        )
    return ImportTableError(f"{name} cannot be imported", [problem])
