"""The line of every key of a TOML text."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError, TomlTable, UnquotedNumber

TEXT = '''\
# a comment with = and [brackets]
top = 1
"quoted key" = "a # is no comment, \\" no end"
dotted.inner = 2   # a comment
list = [
  "one",  # ]
  "two",
]
long = """
[not a table]
key = 3
"""
literal = \'\'\'
x = 4''\'\'\'

[table]
inline = { a = 1, b = "}" }

[table.inner]
key = 5

[[share]]
unit = "case"

[[share]]
unit = "bed_day"
  [[share.exception]]
  share = "1"
  [[share.exception]]
  share = "2"
  [share.exception.note]
  text = "deep"

[[share]]
[[share.exception]]
share = 3
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("quoted key",), 3),
        (("dotted", "inner"), 4),
        (("list",), 5),
        (("long",), 9),
        (("literal",), 13),
        (("table",), 16),
        (("table", "inline"), 17),
        (("table", "inline", "b"), 17),
        (("table", "inner", "key"), 20),
        (("share", 0), 22),
        (("share", 0, "unit"), 23),
        (("share", 1, "unit"), 26),
        (("share", 1, "exception", 0, "share"), 28),
        (("share", 1, "exception", 1), 29),
        (("share", 1, "exception", 1, "share"), 30),
        (("share", 1, "exception", 1, "note", "text"), 32),
        (("share", 2, "exception", 0, "share"), 36),
        (("share", 2, "missing"), 34),
        (("share",), 22),
        (("nothing",), 1),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_the_line_of_a_key(path, line, line_end):
    assert TomlDocument(TEXT.replace("\n", line_end)).line(path) == line


def test_a_table_without_a_header_of_its_own_stands_where_its_first_part_does():
    document = TomlDocument('id = "x"\n\n[wrods.outcome]\na = "b"\n[wrods.sex]\n')
    assert document.line(("wrods",)) == 3


def test_the_values_are_those_of_tomllib_but_for_numbers_with_a_point():
    document = TomlDocument(TEXT)
    assert document.values == tomllib.loads(TEXT)
    share = TomlDocument("share = 0.40").values["share"]
    assert isinstance(share, UnquotedNumber)
    assert share == "0.40"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\n[[b]\n", 2, "Expected ']]'"),
        ("a = 1\n\nb = [1,\n2", 4, "Unclosed array"),
        ("a = [1\nb = 2\n", 2, "Unclosed array"),  # b is not what is wrong
        ('a = """b\nc = 1', 2, "Unterminated string"),
        ("a = 1\nb == 2\nfree words\n", 3, "Expected '='"),
    ],
)
def test_a_text_that_is_not_toml_names_the_line(text, line, message):
    with pytest.raises(TomlSyntaxError) as raised:
        TomlDocument(text)
    last = raised.value.lines[-1]
    assert (last.line, last.key) == (line, None)
    assert message in last.message
    assert "at line" not in last.message
    assert last.written == text.split("\n")[line - 1].strip()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "day = 2026-02-30 # the last",
            "f:2: day: '2026-02-30': is not a day of the calendar; write an existing day as year-month-day, "
            "such as 2025-12-31, without quotation marks",
        ),
        (
            "day = 31.12.2025",
            "f:2: day: '31.12.2025': is not a date; write 2025-12-31, without…",
        ),
        ("share = 0,40", "f:2: share: '0,40': is not a number that TOML knows; write \"0.40\", with the…"),
        ('currency = "KZT', "f:2: currency: '\"KZT': is not TOML: Illegal character '\\n'; write texts and…"),
        ('"two words" = one', "f:2: two words: 'one': is not TOML: Invalid value; …"),
        ("b = ", "f:2: b: is not TOML: Invalid value; …"),
        ("b = " + "9" * 5_000, "f:2: b: '9999…(5000 characters)…more than 4300 digits…"),
        ("b = " + "[" * 50_000, "f:2: b: …nested too deeply"),
    ],
)
def test_a_value_that_is_not_toml_does_not_hide_what_follows(text, told):
    problems = []
    document = TomlDocument(f"a = 1\n{text}\n[table]\nc = 3\n")
    table = TomlTable(document, (), document.values, file="f", problems=problems)
    assert document.values["table"] == {"c": 3}
    assert document.line(("table", "c")) == 4
    table.whole("a", 1, 1)
    table.table("table").whole("c", 3, 3)
    table.finish()
    told_of_value = str(problems[0])
    for piece in told.split("…"):
        assert piece in told_of_value.replace("9" * 60, "9999")
    assert "is not a key of this table" in str(problems[1])  # the key was never asked for


def test_a_value_that_is_not_toml_is_told_once_and_is_not_missing():
    problems = []
    document = TomlDocument("day = 2026-02-30\nother = 2026-13-01\n")
    table = TomlTable(document, (), document.values, file="f", problems=problems)
    assert (table.day("day"), table.table("other")) == (None, None)
    table.finish()
    assert [(problem.place, problem.field) for problem in problems] == [("f:1", "day"), ("f:2", "other")]


def test_a_line_that_repeats_a_key_is_told_beside_the_others():
    document = TomlDocument("a = 1\na = 2\nb = 3\n")
    assert document.values == {"a": 1, "b": 3}
    problems = []
    table = TomlTable(document, (), document.values, file="f", problems=problems)
    assert (table.whole("a", 0, 9), table.whole("b", 0, 9)) == (1, 3)
    table.finish()
    assert [str(problem) for problem in problems] == [
        "f:2: a: '2': the key stands in this table already; keep one of the two lines"
    ]


def test_what_was_found_before_reading_had_to_end_is_told_too():
    with pytest.raises(TomlSyntaxError) as raised:
        TomlDocument("a = 2026-02-30\n[b\nc = 0,4\n")
    assert [(line.line, line.key, line.written) for line in raised.value.lines] == [
        (1, "a", "2026-02-30"),
        (2, None, "[b"),
    ]


NAMES = st.sampled_from(["a", "b-c", "d_1", '"x y"', "'z.w'", "unit"])
VALUES = st.sampled_from(
    [
        "1",
        '"text # [x]"',
        "'[[share]]'",
        "[\n1, # ]\n2,\n]",
        '"""\n[t]\nk = 1\n"""',
        "{ a = 1 }",
        "2026-01-01",
        "[{ a = [1] }, {}]",
        '"\\""',
        "'''\n'''''",
        '"""""a"""""',
    ]
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8, unique_by=lambda pair: pair[0]), st.integers(0, 8))
def test_a_key_is_found_on_its_line_whatever_stands_before_it(pairs, table_at):
    lines: list[str] = []
    expected = {}
    table = ()
    for number, (name, value) in enumerate(pairs):
        if number == table_at:
            lines.extend(["", "# [c]", "[[table]]"])
            table = ("table", 0)
        expected[(*table, name.strip("\"'"))] = len(lines) + 1
        lines.extend(f"{name} = {value}  # comment".split("\n"))
    document = TomlDocument("\n".join(lines))
    for path, line in expected.items():
        assert document.line(path) == line
