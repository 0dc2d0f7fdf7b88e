import pyarrow as pa
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.distinct_texts import distinct, distinct_parts

# texts that share their first or last eight bytes, and lengths around eight and sixteen
_PIECES = st.sampled_from(["", "0", "\0", "H597-R01", "H597-R0", "1234567", "é", "; |", "A" * 8, "B" * 9])
_TEXTS = st.lists(_PIECES, max_size=4).map("".join)


@given(st.lists(st.none() | _TEXTS, max_size=60), st.integers(0, 3))
@example(["a", "a\0", "a\0\0", "\0", ""], 0)
@example(["x" * 16 + "y", "x" * 17, "x" * 16 + "y"], 0)
def test_a_column_is_what_arrow_makes_of_it(cells: list[str | None], skipped: int) -> None:
    column = pa.array(cells, pa.string()).slice(skipped)
    found = distinct(column)
    found.validate(full=True)
    assert found.equals(column.dictionary_encode())


def test_tables_grow_with_what_is_distinct() -> None:
    column = pa.array([f"P{number * 7919 % 5003:08}{'x' * (number % 23)}" for number in range(20_000)])
    assert distinct(column).equals(column.dictionary_encode())


@given(st.lists(st.none() | _TEXTS, max_size=20))
def test_empty_texts_are_null_where_wished(cells: list[str | None]) -> None:
    found = distinct(pa.array(cells, pa.string()), empty_is_null=True)
    found.validate(full=True)
    assert found.to_pylist() == [cell or None for cell in cells]


@given(st.lists(_TEXTS | st.text(alphabet=";|a7.", max_size=9), max_size=30), st.integers(0, 3))
def test_parts_are_what_stands_between_separators(cells: list[str], skipped: int) -> None:
    parts, number, first_part = distinct_parts(pa.array(cells, pa.string()).slice(skipped), ";|")
    assert len(set(parts)) == len(parts)
    spans = zip(first_part[:-1].tolist(), first_part[1:].tolist(), strict=True)
    assert [[parts[place].decode() for place in number[start:stop]] for start, stop in spans] == [
        cell.replace("|", ";").split(";") for cell in cells[skipped:]
    ]
