"""The line of every key of a TOML text."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError, UnquotedNumber

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


def test_the_values_are_those_of_tomllib_but_for_numbers_with_a_point():
    document = TomlDocument(TEXT)
    assert document.values == tomllib.loads(TEXT)
    share = TomlDocument("share = 0.40").values["share"]
    assert isinstance(share, UnquotedNumber)
    assert share == "0.40"


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a = 1\nb = \n", 2, "Invalid value"),
        ("a = 1\na = 2\n", 2, "Cannot overwrite a value"),
        ("a = 1\n\nb = [1,\n2", 4, "Unclosed array"),
        ("day = 2026-02-30\n", 1, "Invalid date"),
        ("a = " + "[" * 50_000, 1, "nested too deeply"),
        ("a = " + "9" * 5_000, 1, "4300 digits"),
    ],
)
def test_a_text_that_is_not_toml_names_the_line(text, line, message):
    with pytest.raises(TomlSyntaxError) as raised:
        TomlDocument(text)
    assert raised.value.line == line
    assert message in raised.value.message
    assert "at line" not in raised.value.message


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
