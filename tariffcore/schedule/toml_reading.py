"""TOML with line numbers: tomllib gives the values, this module the line of every key and table.

A value that is not TOML (``2026-02-30``, ``0,40``, a quotation mark that is not closed) would hide everything
after it. So the line is set aside as an `UnreadableToml`, and the rest is read. `TomlTable` reads one table
key by key, notes all that is wrong, and knows which keys nobody asked for.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from typing import TypeVar

from tariffcore.errors import Problem
from tariffcore.schedule.values import (
    UnreadableValueError,
    code_value,
    day_value,
    decimal_value,
    instead_of,
    plain_number,
    share_value,
    within,
    word_value,
)

TomlPath = tuple[str | int, ...]
"""Where a value stands: ``("share", 1, "exception", 0, "procedures")``."""

_Enum = TypeVar("_Enum", bound=StrEnum)
_Value = TypeVar("_Value")

_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_KEY_PART = re.compile(r"""[ \t]*(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|([A-Za-z0-9_-]+))[ \t]*""")


_KEY_AND_VALUE = re.compile(r"""[ \t]*(?P<key>[A-Za-z0-9_.-]+|"[^"\\]*"|'[^']*')[ \t]*=[ \t]*(?P<value>.*)""")
_REPEATED = "Cannot overwrite a value"
_LIKE_A_DAY = re.compile(r"[0-9]{1,4}[-./][0-9]{1,2}[-./][0-9]{1,4}.*")
_LONGEST_NUMBER = 4300
_LONG_NUMBER = re.compile(rf"[0-9_]{{{_LONGEST_NUMBER},}}")
_SET_ASIDE = "\ue000"
"""Marks a value that was set aside. A text that has this character itself is not repaired."""

MAX_SET_ASIDE = 100
"""After so many values that are not TOML, the text is something else than TOML with mistakes."""


@dataclass(frozen=True, slots=True)
class UnreadableToml:
    """What is not TOML: the line, its key if it has one, what stands there, and what the parser says."""

    line: int
    key: str | None
    written: str
    message: str

    def __str__(self) -> str:
        return self.written

    def words(self) -> tuple[str, str]:
        """What is wrong, and what would be right."""
        if _LIKE_A_DAY.fullmatch(self.written):
            try:
                day_value(self.written)
            except UnreadableValueError as error:
                return error.message, f"{error.way_out}, without quotation marks"
        if self.message.startswith(_REPEATED):
            return "the key stands in this table already", "keep one of the two lines"
        if self.key is None:
            way_out = "correct this line first; what follows it could not be read"
            return f"is not TOML: {self.message}", way_out
        plain = plain_number(self.written)
        if plain is not None:
            return "is not a number that TOML knows", f'write "{plain}", with the quotation marks'
        return (
            f"is not TOML: {self.message}",
            'write texts and numbers with a point in "quotation marks", whole numbers, days (2026-01-01) and '
            "true or false without",
        )

    def problem(self, file: str) -> Problem:
        return Problem(f"{file}:{self.line}", self.key, self.written or None, *self.words())


class UnquotedNumber(str):
    """A number written without quotation marks: TOML would make it a binary float, so it is refused."""


class TomlSyntaxError(Exception):
    """A text that is not TOML: every line that is known to be wrong, the last being where reading ended."""

    def __init__(self, lines: Sequence[UnreadableToml]) -> None:
        self.lines = tuple(lines)
        super().__init__("; ".join(f"line {line.line}: {line.message}" for line in lines))


class TomlDocument:
    """The values of a TOML text and the line of each of its keys and tables.

    A value that is not TOML is an `UnreadableToml`, told by the `TomlTable` that is asked for it; lines that
    repeat a key are in ``repeated``, told when the outermost table is finished.

    Raises TomlSyntaxError where more than that is wrong.
    """

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n")
        lines = self.text.split("\n")
        wrong: list[UnreadableToml] = []
        repeated: list[UnreadableToml] = []
        while True:
            try:
                values = _parsed("\n".join(lines))
                break
            except _ParseError as error:
                found = _unreadable(self.text.split("\n"), error)
                at = error.line - 1
                repeats = error.message.startswith(_REPEATED)
                if (
                    found.key is None
                    or len(wrong) == MAX_SET_ASIDE
                    or _SET_ASIDE in self.text
                    or (_SET_ASIDE in lines[at] and not repeats)  # it is not this line that is wrong
                ):
                    fatal = UnreadableToml(found.line, None, self.text.split("\n")[at].strip(), found.message)
                    raise TomlSyntaxError([*(w for w in wrong if w.line != found.line), fatal]) from None
                if repeats:
                    lines[at] = ""
                    repeated.append(found)
                else:
                    lines[at] = f'{_up_to_value(lines[at])} "{_SET_ASIDE}{len(wrong)}"'
                wrong.append(found)
        self.repeated = tuple(repeated)
        self.values: dict[str, object] = {key: _restored(value, wrong) for key, value in values.items()}
        self._lines = _key_lines("\n".join(lines))

    def line(self, path: TomlPath) -> int:
        """The line of a key or table, else of what stands first in it, else of the nearest table around it.

        ``[words.outcome]`` makes a table ``words`` that has no line of its own.
        """
        if path and path not in self._lines:
            inside = [line for key, line in self._lines.items() if key[: len(path)] == path]
            if inside:
                return min(inside)
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return 1


class _ParseError(Exception):
    def __init__(self, message: str, line: int) -> None:
        self.message = message
        self.line = line
        super().__init__(message)


def _parsed(text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text, parse_float=UnquotedNumber)
    except RecursionError:
        lines = text.split("\n")
        deepest = max(range(len(lines)), key=lambda at: lines[at].count("[") + lines[at].count("{"))
        raise _ParseError("brackets are nested too deeply", deepest + 1) from None
    except ValueError as error:
        message = str(error)
        place = _SYNTAX_PLACE.search(message)
        long_number = _LONG_NUMBER.search(text)
        if place is not None and place[1] is not None:
            line = int(place[1])
        elif place is None and long_number is not None:  # Python's own limit, of which tomllib gives no place
            message = f"the number has more than {_LONGEST_NUMBER} digits"
            line = text.count("\n", 0, long_number.start()) + 1
        else:
            line = text.count("\n") + 1
        raise _ParseError(_SYNTAX_PLACE.sub("", message), line) from None


def _unreadable(lines: Sequence[str], error: _ParseError) -> UnreadableToml:
    """The line an error of the parser is about, with its key where it has one."""
    line = lines[error.line - 1]
    parts = _KEY_AND_VALUE.fullmatch(line)
    if parts is None:
        return UnreadableToml(error.line, None, line.strip(), error.message)
    value = parts["value"]
    written = value if set(value) & {'"', "'"} else value.partition("#")[0]
    return UnreadableToml(error.line, parts["key"].strip(), written.strip(), error.message)


def _up_to_value(line: str) -> str:
    parts = _KEY_AND_VALUE.fullmatch(line)
    assert parts is not None, "only a value can be set aside"
    return line[: parts.start("value")]


def _restored(value: object, set_aside: Sequence[UnreadableToml]) -> object:
    """The value with what was set aside in its place."""
    if isinstance(value, dict):
        return {key: _restored(inner, set_aside) for key, inner in value.items()}
    if isinstance(value, list):
        return [_restored(inner, set_aside) for inner in value]
    if isinstance(value, str) and value.startswith(_SET_ASIDE) and not isinstance(value, UnquotedNumber):
        return set_aside[int(value.removeprefix(_SET_ASIDE))]
    return value


def _key_lines(text: str) -> dict[TomlPath, int]:
    """The line of every key and table of a text that tomllib has accepted."""
    lines: dict[TomlPath, int] = {}
    last_of_array: dict[TomlPath, int] = {}
    table: TomlPath = ()
    line_ends = [position for position, character in enumerate(text) if character == "\n"]
    position = 0
    while position < len(text):
        character = text[position]
        if character in " \t\n":
            position += 1
        elif character == "#":
            position = _line_end(text, position)
        elif character == "[":
            line = bisect_left(line_ends, position) + 1
            is_array = text.startswith("[[", position)
            names, position = _key(text, position + (2 if is_array else 1))
            table = (*_inside_arrays(names[:-1], last_of_array), names[-1])
            if is_array:
                last_of_array[table] = last_of_array.get(table, -1) + 1
                lines.setdefault(table, line)
                table += (last_of_array[table],)
            elif table in last_of_array:
                table += (last_of_array[table],)
            lines[table] = line
            position = _line_end(text, position)
        else:
            line = bisect_left(line_ends, position) + 1
            names, position = _key(text, position)
            for length in range(1, len(names) + 1):
                lines.setdefault(table + names[:length], line)
            position = _after_value(text, position + 1)
    return lines


def _inside_arrays(names: tuple[str, ...], last_of_array: Mapping[TomlPath, int]) -> TomlPath:
    """The path of a table header, with the index of the last element wherever it passes an array."""
    path: TomlPath = ()
    for name in names:
        path += (name,)
        if path in last_of_array:
            path += (last_of_array[path],)
    return path


def _key(text: str, position: int) -> tuple[tuple[str, ...], int]:
    """A dotted key and the position after it."""
    names: list[str] = []
    while True:
        part = _KEY_PART.match(text, position)
        assert part is not None, "tomllib accepted a key this scanner cannot read"
        quoted, literal, bare = part.groups()
        names.append(next(name for name in (quoted, literal, bare) if name is not None))
        position = part.end()
        if not text.startswith(".", position):
            return tuple(names), position
        position += 1


def _line_end(text: str, position: int) -> int:
    end = text.find("\n", position)
    return len(text) if end < 0 else end


def _after_value(text: str, position: int) -> int:
    """The position after a value: the first line end outside strings and brackets."""
    depth = 0
    while position < len(text):
        character = text[position]
        if character in "\"'":
            position = _after_string(text, position, character)
            continue
        if character == "#":
            position = _line_end(text, position)
            continue
        if character == "\n" and depth == 0:
            break
        depth += (character in "[{") - (character in "]}")
        position += 1
    return position


def _after_string(text: str, position: int, quote: str) -> int:
    multi_line = text.startswith(quote * 3, position)
    position += 3 if multi_line else 1
    while True:
        if quote == '"' and text[position] == "\\":
            position += 2
        elif multi_line and text.startswith(quote * 3, position):
            position += 3
            while text.startswith(
                quote, position
            ):  # a multi-line string may end in up to two quotes of its own
                position += 1
            return position
        elif not multi_line and text[position] == quote:
            return position + 1
        else:
            position += 1


def _as_written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class TomlTable:
    """One table, read key by key. What is wrong is added to ``problems``; a wrong or missing value reads
    as None. Call `finish` last: keys that were never asked for are misspelt."""

    def __init__(
        self,
        document: TomlDocument,
        path: TomlPath,
        values: Mapping[str, object],
        *,
        file: str,
        problems: list[Problem],
    ) -> None:
        self.document = document
        self.path = path
        self.values = values
        self.file = file
        self.problems = problems
        self._asked: list[str] = []

    def place(self, key: str | None = None) -> str:
        """``kz-2026/schedule.toml:14``: the line of the key, or of the table."""
        path = self.path if key is None else (*self.path, key)
        return f"{self.file}:{self.document.line(path)}"

    def field(self, key: str) -> str:
        """The key with the tables it stands in: ``share.exception.procedures``."""
        return ".".join([*(part for part in self.path if isinstance(part, str)), key])

    def note(self, key: str, value: object, message: str, way_out: str) -> None:
        """Adds a problem with one key; ``value`` None where nothing stands there."""
        shown = None if value is None else _as_written(value)
        self.problems.append(Problem(self.place(key), self.field(key), shown, message, way_out))

    def has(self, key: str) -> bool:
        return key in self.values

    def _get(self, key: str, required: bool, example: str) -> object | None:
        self._asked.append(key)
        value = self.values.get(key)
        if value is None and required:
            what = self.field(key)
            # The line of the table, not of a key that is not there.
            self.problems.append(
                Problem(self.place(), what, None, "is missing", f"add a line such as {key} = {example}")
            )
        if isinstance(value, UnreadableToml):
            self.note(key, value.written or None, *value.words())
            return None
        return value

    def _read(
        self, key: str, required: bool, example: str, convert: Callable[[object], _Value]
    ) -> _Value | None:
        value = self._get(key, required, example)
        if value is None:
            return None
        try:
            return convert(value)
        except UnreadableValueError as error:
            self.note(key, value, error.message, error.way_out)
            return None

    def text(self, key: str, *, required: bool = True, example: str = '"…"') -> str | None:
        """A text that is not blank, without the space around it."""
        return self._read(key, required, example, lambda value: _text(value, example))

    def word(self, key: str, *, required: bool = True, example: str = '"…"') -> str | None:
        """An id or a word of the vocabulary."""
        return self._read(key, required, example, lambda value: word_value(_text(value, example)))

    def words(self, key: str, *, required: bool = True, example: str = '["…"]') -> tuple[str, ...] | None:
        """A list of different words, possibly empty."""
        return self._read(
            key, required, example, lambda value: _different(_texts(value, example, word_value))
        )

    def codes(self, key: str, *, required: bool = True, example: str = '["…"]') -> tuple[str, ...] | None:
        """A list of codes, possibly empty."""
        return self._read(key, required, example, lambda value: _texts(value, example, code_value))

    def decimal(self, key: str, *, required: bool = True, example: str = '"174722.63"') -> Fraction | None:
        """An exact decimal, written as text."""
        return self._read(key, required, example, lambda value: decimal_value(_number_text(value)))

    def share(self, key: str, *, required: bool = True) -> Fraction | None:
        """An exact decimal or fraction, written as text."""
        example = '"0.40" or "1/6"'
        return self._read(key, required, example, lambda value: share_value(_number_text(value)))

    def whole(
        self, key: str, low: int, high: int, *, required: bool = True, example: str = "2"
    ) -> int | None:
        """A whole number from ``low`` to ``high``."""
        return self._read(key, required, example, lambda value: within(_whole(value, example), low, high))

    def places(self, key: str, low: int, high: int, *, may_be_exact: bool) -> int | str | None:
        """The decimals of a rounding: a whole number, or ``"exact"`` for no rounding."""
        example = '2 or "exact"' if may_be_exact else "2"

        def convert(value: object) -> int | str:
            if may_be_exact and value == "exact":
                return "exact"
            return within(_whole(value, example), low, high)

        return self._read(key, True, "2", convert)

    def day(self, key: str, *, required: bool = True) -> date | None:
        """A day, written as a TOML date (no quotation marks)."""
        return self._read(key, required, "2026-01-01", _day)

    def truth(self, key: str) -> bool | None:
        """``true`` or ``false``; None where the key is absent (truth values are always optional)."""
        return self._read(key, False, "true", _truth)

    def member(self, key: str, kind: type[_Enum], *, required: bool = True) -> _Enum | None:
        """One of the closed list of an enumeration."""
        names = [member.value for member in kind]
        example = " or ".join(f'"{name}"' for name in names)

        def convert(value: object) -> _Enum:
            text = _text(value, example)
            if text not in names:
                raise UnreadableValueError("is not known here", instead_of(text, names))
            return kind(text)

        return self._read(key, required, example, convert)

    def table(self, key: str, *, required: bool = True, example: str = "{ … }") -> TomlTable | None:
        """A table inside this one."""
        value = self._get(key, required, example)
        if value is None:
            return None
        if not isinstance(value, dict):
            self.note(key, value, "is not a table", f"write {key} = {example}, or [{self.field(key)}]")
            return None
        return self._inner((key,), value)

    def tables(self, key: str) -> tuple[TomlTable, ...]:
        """The tables of an array, each written ``[[key]]``; none where the key is absent."""
        value = self._get(key, False, "")
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(element, dict) for element in value):
            self.note(key, value, "is not a list of tables", f"begin each with a line [[{self.field(key)}]]")
            return ()
        return tuple(self._inner((key, index), element) for index, element in enumerate(value))

    def _inner(self, path: TomlPath, values: Mapping[str, object]) -> TomlTable:
        return TomlTable(self.document, (*self.path, *path), values, file=self.file, problems=self.problems)

    def pass_over(self, *keys: str) -> None:
        """These keys may stand in the table, and are not read."""
        self._asked.extend(keys)

    def finish(self) -> None:
        """Notes the keys nobody asked for, and at the end of the document those that stand there twice."""
        if not self.path:
            self.problems.extend(line.problem(self.file) for line in self.document.repeated)
        for key, value in self.values.items():
            if key not in self._asked and isinstance(value, UnreadableToml):
                self.note(key, value.written or None, *value.words())
        unset = [key for key in self._asked if key not in self.values]
        for key in self.values:
            if key not in self._asked:
                hint = instead_of(key, self._asked, "or remove it", listed=unset)
                self.note(key, key, "is not a key of this table", hint)


def _text(value: object, example: str) -> str:
    if isinstance(value, UnquotedNumber) or not isinstance(value, str):
        raise UnreadableValueError("is not a text", f"write {example}, in quotation marks")
    if not value.strip():
        raise UnreadableValueError("is blank", f"write {example}, or remove the line if it is optional")
    return value.strip()


def _texts(value: object, example: str, convert: Callable[[str], str]) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise UnreadableValueError("is not a list", f"write {example}")
    texts: list[str] = []
    for element in value:
        text = _text(element, example)
        try:
            texts.append(convert(text))
        except UnreadableValueError as error:
            raise UnreadableValueError(f"{text!r} {error.message}", error.way_out) from None
    return tuple(texts)


def _different(words: tuple[str, ...]) -> tuple[str, ...]:
    for word in words:
        if words.count(word) > 1:
            raise UnreadableValueError(f"{word!r} is listed more than once", "list it once")
    return words


def _number_text(value: object) -> str:
    if isinstance(value, (UnquotedNumber, int)) and not isinstance(value, bool):
        raise UnreadableValueError(
            "is a number without quotation marks, which computers read as a binary fraction",
            f'write it in quotation marks: "{value}"',
        )
    if not isinstance(value, str):
        raise UnreadableValueError("is not a number", 'write it in quotation marks, such as "0.40"')
    return value


def _whole(value: object, example: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnreadableValueError(
            "is not a whole number", f"write {example}, without quotation marks or decimals"
        )
    return value


def _day(value: object) -> date:
    if isinstance(value, datetime):
        raise UnreadableValueError("is a day with a time", f"write {value.date().isoformat()}")
    if not isinstance(value, date):
        raise UnreadableValueError(
            "is not a date", "write year-month-day without quotation marks: 2026-01-01"
        )
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnreadableValueError(
            "is neither true nor false", "write true or false, without quotation marks"
        )
    return value
