from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.csv as pa_csv
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.files.chunks import DICTIONARY_TEXT, one_chunk
from tariffcore.files.csv_columns import WrongRow, unquoted_table
from tariffcore.files.csv_lines import count_lines

PLAIN = pa.string()


def split(
    text: str | bytes, delimiter: str, width: int, *kinds: pa.DataType
) -> tuple[pa.Table, list[WrongRow]]:
    octets = text.encode() if isinstance(text, str) else text
    lines = count_lines(octets, len(octets))
    named = {str(position): kind for position, kind in enumerate(kinds)}
    table, wrong = unquoted_table(memoryview(octets), delimiter, width, lines, named)
    table.validate(full=True)
    return table, wrong


def split_by_pyarrow(
    text: str | bytes, delimiter: str, width: int, *kinds: pa.DataType
) -> tuple[pa.Table, list[WrongRow]]:
    """What a reader that knows quotation marks makes of a text that has none."""
    wrong: list[WrongRow] = []

    def note(row: pa_csv.InvalidRow) -> str:
        wrong.append(WrongRow(row.number - 1, row.actual_columns, row.text))
        return "skip"

    names = [str(position) for position in range(width)]
    octets = text.encode() if isinstance(text, str) else text
    table = pa_csv.read_csv(
        pa.BufferReader(octets),
        pa_csv.ReadOptions(use_threads=False, block_size=len(octets) + 1, column_names=names),
        pa_csv.ParseOptions(delimiter=delimiter, invalid_row_handler=note, newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=dict(zip(names, kinds, strict=False)),
            include_columns=names[: len(kinds)],
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    return one_chunk(table), wrong


CELLS = st.text(alphabet="abЯ .;\t\x00\x1a'", max_size=4) | st.sampled_from(
    ["", "12345678", "123456789", "12345678x", "x" * 16, "y" * 40, "z" * 200]
)
LINES = st.lists(st.lists(CELLS, max_size=5).map(",".join) | st.just("a,b,c"), max_size=30)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r", "\n\n", "\r\r", "\n\r"])


@given(LINES, LINE_ENDS, st.booleans(), st.sampled_from(",;\t"))
@example(["a,b,c"] * 9, "\r\n", True, ",")
def test_unquoted_text_is_read_as_pyarrow_reads_it(
    lines: list[str], line_end: str, ended: bool, delimiter: str
) -> None:
    text = line_end.join(lines) + line_end * ended
    if not text.strip("\r\n"):  # of which pyarrow says that it cannot know how many columns it has
        return
    kinds = [PLAIN, DICTIONARY_TEXT, PLAIN]
    assert split(text, delimiter, 3, *kinds) == split_by_pyarrow(text, delimiter, 3, *kinds)


@given(
    st.integers(0, 1200), st.integers(1, 700), st.integers(0, 40), st.sampled_from([PLAIN, DICTIONARY_TEXT])
)
@example(512, 512, 0, DICTIONARY_TEXT)
@example(1200, 63, 8, DICTIONARY_TEXT)
@example(1200, 65, 9, DICTIONARY_TEXT)
def test_many_rows_and_many_distinct_texts(count: int, distinct: int, length: int, kind: pa.DataType) -> None:
    words = [
        str(number % distinct or "").rjust(length if number % distinct else 0, "w") for number in range(count)
    ]
    text = "".join(f"{word},{number},-\n" for number, word in enumerate(words))
    table, wrong = split(text, ",", 3, kind, PLAIN)
    assert table["0"].to_pylist() == [word or None for word in words]
    assert table["1"].to_pylist() == [str(number) for number in range(count)]
    assert not wrong
    if kind == DICTIONARY_TEXT:
        assert table["0"].combine_chunks().dictionary.to_pylist() == list(dict.fromkeys(filter(None, words)))


def test_wrong_rows_between_others() -> None:
    lines = [f"{number},b,c" if number % 7 else "x" * (number % 30) for number in range(3000)]
    table, wrong = split("\n".join(lines), ",", 3, PLAIN, DICTIONARY_TEXT)
    rows = [line for line in lines if line]
    assert table["0"].to_pylist() == [row.split(",")[0] for row in rows if "," in row]
    assert wrong == [WrongRow(number, 1, row) for number, row in enumerate(rows) if "," not in row]


def test_a_row_of_very_many_fields_is_one_wrong_row() -> None:
    text = "a,b\n" + "," * 100_000 + "\nc,d"
    table, wrong = split(text, ",", 2, PLAIN, DICTIONARY_TEXT)
    assert table.to_pydict() == {"0": ["a", "c"], "1": ["b", "d"]}
    assert [(row, fields, len(text)) for row, fields, text in wrong] == [(1, 100_001, 100_000)]


@pytest.mark.parametrize("kind", [PLAIN, DICTIONARY_TEXT])
def test_cells_of_a_million_characters(kind: pa.DataType) -> None:
    long = ["Ы" * 1_000_000, "x" * 1_000_000, "x" * 999_999 + "y"]
    table, _ = split("".join(f"{word},\n" for word in [*long, *long]), ",", 2, kind)
    assert table["0"].to_pylist() == [*long, *long]


@pytest.mark.parametrize("text", ["", "\n", "\r\n\r\n"])
def test_no_rows(text: str) -> None:
    table, wrong = split(text, ",", 2, PLAIN, DICTIONARY_TEXT)
    assert table.schema.types == [PLAIN, DICTIONARY_TEXT]
    assert (table.num_rows, wrong) == (0, [])


def test_more_rows_than_were_counted() -> None:
    with pytest.raises(ValueError, match=re.escape("more than 1 rows")):
        unquoted_table(memoryview(b"a,b\nc,d\n"), ",", 2, 1, {"0": PLAIN})
    with pytest.raises(ValueError, match=re.escape("more than 1 rows")):
        unquoted_table(memoryview(b"a\nc,d\n"), ",", 2, 1, {"0": PLAIN})
