from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from unittest.mock import patch

import pyarrow as pa
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from tariffcore.errors import CasesError
from tariffcore.files import MalformedRow, open_cases
from tariffcore.files.csv_reading import CsvSource
from tariffcore.files.mapping import STANDARD_MAPPING
from tests.files.reading import HEADER, ROW, WholeFile, csv_text, read_whole


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("csv")


def read_bytes(folder: Path, content: bytes, **limits: int) -> WholeFile:
    path = folder / "cases.csv"
    path.write_bytes(content)
    return read_whole(CsvSource(path, STANDARD_MAPPING, 1000, **limits))


def read(folder: Path, text: str, **limits: int) -> WholeFile:
    return read_bytes(folder, text.encode(), **limits)


def error_of(folder: Path, content: bytes, name: str = "cases.csv") -> str:
    path = folder / name
    path.write_bytes(content)
    with pytest.raises(CasesError) as caught:
        read_whole(open_cases(path))
    return str(caught.value)


def test_text_columns_are_dictionaries_except_those_that_hardly_repeat(folder: Path) -> None:
    path = folder / "cases.csv"
    path.write_text(
        csv_text((*HEADER, "claimed_amount", "Ф.И.О."), (*ROW, "1,50", "Иванов"), delimiter=";"), "utf-8"
    )
    with open_cases(path) as source:
        assert source.format == "csv"
        assert source.total_bytes == path.stat().st_size
        assert source.ignored_columns == ("Ф.И.О.",)
        (raw,) = source
        table = source.parse(raw).table
    assert table.schema.field("case_id").type == pa.string()
    assert table.schema.field("claimed_amount").type == pa.string()
    assert table.schema.field("discharge_date").type == pa.string()
    assert table.schema.field("drg_code").type == pa.dictionary(pa.int32(), pa.string())
    assert table.column("claimed_amount").to_pylist() == ["1,50"]
    assert table.column_names == [*HEADER, "claimed_amount"]


CELLS = st.text(alphabet=' "";,\t|\r\nаЯжabC1,.-=№«»\'\\\u00a0#', max_size=8)
TABLES = st.lists(st.tuples(*[CELLS] * len(HEADER)), max_size=12)
LINE_END = re.compile(r"\r\n|\r|\n")


def _field(cell: str, delimiter: str, quoting: str) -> str:
    needs = cell.startswith('"') or any(c in cell for c in (delimiter, "\r", "\n"))
    if quoting == "bare":  # as programs write that quote only what they must: quotes inside stay as they are
        return '"' + cell.replace('"', '""') + '"' if needs else cell
    if quoting == "all" or needs or '"' in cell:
        return '"' + cell.replace('"', '""') + '"'
    return cell


@settings(max_examples=250, deadline=None)
@given(
    table=TABLES,
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "cp1251", "utf-16", "utf-16-be"]),
    delimiter=st.sampled_from([";", ",", "\t", "|"]),
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from(["all", "needed", "bare"]),
    last_line_end=st.booleans(),
    blank_lines=st.integers(0, 2),
    block_bytes=st.integers(1, 200),
)
def test_any_table_of_any_strings_is_read_back_exactly(
    folder, table, encoding, delimiter, line_end, quoting, last_line_end, blank_lines, block_bytes
) -> None:
    text, lines = "", []
    for number, row in enumerate([HEADER, *table]):
        if number:
            text += line_end * blank_lines
            lines.append(len(LINE_END.findall(text)) + 1)
        text += delimiter.join(_field(cell, delimiter, quoting) for cell in row) + line_end
    if not last_line_end:
        text = text.removesuffix(line_end)
    content = ("\ufeff" + text if encoding == "utf-16-be" else text).encode(encoding)
    if encoding == "cp1251":
        assume(_is_no_utf8(content) or content.isascii())
    whole = read_bytes(folder, content, block_bytes=block_bytes)
    assert [tuple(row.values()) for row in whole.rows] == [tuple(c or None for c in row) for row in table]
    assert whole.lines == lines
    assert whole.malformed == {}


def _is_no_utf8(content: bytes) -> bool:
    """Whether too few of its characters could be UTF-8 for it to be taken for that."""
    characters = [c for c in content.decode("utf-8", "surrogateescape") if not c.isascii()]
    return 2 * sum("\udc80" <= c <= "\udcff" for c in characters) >= len(characters) > 0


@settings(max_examples=300, deadline=None)
@given(
    body=st.text(alphabet='"";;a\n\r\n', max_size=60),
    block_bytes=st.integers(1, 60),
    max_row_bytes=st.integers(0, 40),
)
def test_whatever_the_quotes_the_block_size_changes_nothing_and_no_line_is_lost(
    folder, body, block_bytes, max_row_bytes
) -> None:
    content = (";".join(HEADER) + "\n" + body).encode()
    whole = read_bytes(folder, content, block_bytes=1000, max_row_bytes=max_row_bytes)
    cut = read_bytes(folder, content, block_bytes=block_bytes, max_row_bytes=max_row_bytes)
    assert (cut.rows, cut.lines, cut.malformed) == (whole.rows, whole.lines, whole.malformed)
    assert whole.lines == sorted(set(whole.lines))
    texts = LINE_END.split(content.decode())
    in_long_rows = set()
    for row, line in enumerate(whole.lines):  # a row that is read may go on over the next lines
        following = whole.lines[row + 1] if row + 1 < len(whole.lines) else len(texts) + 1
        if row not in whole.malformed:
            in_long_rows |= set(range(line + 1, following))
    for number, text in enumerate(texts[1:], start=2):
        assert (text == "") or number in whole.lines or number in in_long_rows


@settings(max_examples=200, deadline=None)
@given(body=st.text(alphabet=";;aЯ\n\n\r\ufeff ", max_size=300), at_once=st.integers(30, 200))
@example(body="1;A;b;2026-01-01;\n" * 9 + "x\n" + "2" * 200 + ";;;;\n\nx;y", at_once=100)
def test_in_how_many_pieces_a_block_is_parsed_changes_nothing(folder, body, at_once) -> None:
    content = (";".join(HEADER) + "\n" + body).encode()
    whole = read_bytes(folder, content)
    with patch("tariffcore.files.csv_reading.PARSED_AT_ONCE", at_once):
        pieces = read_bytes(folder, content)
    assert (pieces.rows, pieces.lines, pieces.malformed) == (whole.rows, whole.lines, whole.malformed)


NASTY = (
    "\ufeffcase_id;drg_code;care_setting;admission_date;discharge_date;Имя\r\n"
    '1;A;"in ""patient""";2026-01-01;2026-01-02;Ы\r\n'
    "\r\n"
    '2;A;"две\r\nстроки";2026-01-01;2026-01-02;\r\n'
    "3;A;short\r\n"
    '4;B;"open;2026-01-01;2026-01-02;x\r\n'
    "5;B;ok;2026-01-01;2026-01-02;x\n"
    '6;ТОО "Дом";ok;2026-01-01;2026-01-02;x\r\n'
    '7;"a"b;"";2026-01-01;2026-01-02;\r'
    "8;B;ok;2026-01-01;2026-01-02;x;y;z\r\n"
    "   \r\n"
    '9;"never closed;B;2026-01-01;2026-01-02;x\r\n'
    "10;Я;ok;2026-01-01;2026-01-02;x\r\n"
    "\x1a"
).encode()


def ragged(found: int, expected: int, text: str | None = None) -> MalformedRow:
    return MalformedRow("malformed_row", {"found": str(found), "expected": str(expected)}, text)


def test_every_block_size_gives_the_same_rows_lines_and_reasons(folder: Path) -> None:
    content = NASTY.replace("10;Я".encode(), b"10;\xff")
    whole = read_bytes(folder, content, block_bytes=len(content) + 1)
    assert [row["case_id"] for row in whole.rows] == ["1", "2", None, None, "5", "6", "7", None, None, None]
    assert whole.rows[0]["care_setting"] == 'in "patient"'
    assert whole.rows[1]["care_setting"] == "две\r\nстроки"
    assert whole.rows[5]["drg_code"] == 'ТОО "Дом"'
    assert (whole.rows[6]["drg_code"], whole.rows[6]["care_setting"]) == ("ab", None)
    assert whole.lines == [2, 4, 6, 7, 8, 9, 10, 11, 13, 14]
    assert whole.malformed == {
        2: ragged(3, 6),
        3: MalformedRow("malformed_quote"),
        7: ragged(8, 6),
        8: MalformedRow("malformed_quote"),
        9: MalformedRow("malformed_byte", {"encoding": "UTF-8", "byte": "0xFF", "position": "4"}),
    }
    assert whole.size_bytes == len(content)
    for block_bytes in range(1, len(content) + 1):
        cut = read_bytes(folder, content, block_bytes=block_bytes)
        assert (cut.rows, cut.lines, cut.malformed) == (whole.rows, whole.lines, whole.malformed)
        assert cut.size_bytes == len(content)


def test_malformed_lines_are_shown_where_no_column_of_the_file_is_left_unread(folder: Path) -> None:
    """What is not read may hold names, and what stands where in a malformed line nobody knows."""
    lines = ("2;Я", '3;"A;b;c;d', "4" * 2_000)
    for encoding in ("utf-8", "cp1251"):
        text = csv_text(HEADER, ROW, delimiter=";") + "\n".join(lines)
        whole = read_bytes(folder, text.encode(encoding))
        assert {row: malformed.text for row, malformed in whole.malformed.items()} == {
            1: "2;Я",
            2: '3;"A;b;c;d',
            3: "4" * 1_000 + "…",
        }
    whole = read(folder, csv_text((*HEADER, "Ф.И.О."), delimiter=";") + "\n".join(lines))
    assert {malformed.text for malformed in whole.malformed.values()} == {None}


def test_a_quote_forgotten_on_each_of_two_lines_does_not_merge_them(folder: Path) -> None:
    bad = ("2", '"Надежда', "inpatient", "2026-01-01", "2026-01-05")
    whole = read(folder, csv_text(HEADER, ROW, bad, ("3", *bad[1:]), ROW))
    assert [row["case_id"] for row in whole.rows] == ["1", None, None, "1"]
    assert set(whole.malformed) == {1, 2}


def test_a_quote_that_closes_far_away_breaks_its_own_line_only(folder: Path) -> None:
    opened = ("2", '"A', *ROW[2:])
    closed = ("9", *ROW[1:4], 'A"')
    whole = read(folder, csv_text(HEADER, opened, *[ROW] * 5, closed), max_row_bytes=100)
    assert set(whole.malformed) == {0}
    assert len(whole.rows) == 7
    assert whole.rows[6]["discharge_date"] == 'A"'


def test_lines_of_spaces_and_the_old_end_mark_are_no_rows(folder: Path) -> None:
    whole = read(folder, csv_text(HEADER, ROW) + "  \n \t \n" + csv_text(ROW) + "\n\n\x1a")
    assert whole.lines == [2, 5]
    assert whole.malformed == {}


def test_a_file_of_rows_that_are_all_malformed(folder: Path) -> None:
    whole = read(folder, csv_text(HEADER, ("1",), ("2", "3")))
    assert [set(row.values()) for row in whole.rows] == [{None}, {None}]
    assert whole.malformed == {0: ragged(1, 5, "1"), 1: ragged(2, 5, "2,3")}


def test_a_byte_that_is_no_cp1251_breaks_its_own_row_only(folder: Path) -> None:
    content = csv_text((*HEADER, "Имя"), (*ROW, "Я"), (*ROW, "@"), (*ROW, "Ы")).encode("cp1251")
    whole = read_bytes(folder, content.replace(b"@", b"\x98"))
    values = {"encoding": "cp1251", "byte": "0x98", "position": "37"}
    assert whole.malformed == {1: MalformedRow("malformed_byte", values)}
    assert [row["case_id"] for row in whole.rows] == ["1", None, "1"]


def test_half_a_character_of_utf16_breaks_its_own_row_only(folder: Path) -> None:
    text = csv_text(HEADER, ROW, ("2", "@", *ROW[2:]), ROW).encode("utf-16-le").replace(b"@\0", b"\0\xd8")
    whole = read_bytes(folder, b"\xff\xfe" + text + b"x")
    line = ",".join(("2", r"\xed\xa0\x80", *ROW[2:]))
    assert whole.malformed == {
        1: MalformedRow("malformed_utf16", {}, line),
        3: MalformedRow("malformed_utf16", {}, r"\xed\xb0\x80"),
    }
    assert [row["case_id"] for row in whole.rows] == ["1", None, "1", None]


def test_the_delimiter_is_the_one_that_finds_the_columns(folder: Path) -> None:
    header = (*HEADER, "Операция, дата операции, код, врач, отделение, палата")
    path = folder / "cases.csv"
    path.write_text(csv_text(header, (*ROW, "1,2,3"), delimiter=";"), "utf-8")
    with open_cases(path) as source:
        assert source.columns == HEADER
        assert len(source.ignored_columns) == 1


def test_a_line_that_names_the_separator_is_not_the_header(folder: Path) -> None:
    whole = read(folder, "sep=;\n\n" + csv_text(HEADER, ROW, delimiter=";"))
    assert whole.lines == [4]


def test_headers_may_be_quoted_and_span_lines(folder: Path) -> None:
    header = ('"case_id"', '"drg\n code"', *HEADER[2:], '"a;b"')
    assert "did you mean" in error_of(folder, csv_text(header, (*ROW, ""), delimiter=";").encode())
    header = ('" Case_ID "', '"drg_code"', *HEADER[2:], '"a;\nb"')
    assert read(folder, csv_text(header, (*ROW, ""), delimiter=";")).lines == [3]


def test_zero_rows_are_fine(folder: Path) -> None:
    assert read(folder, csv_text(HEADER)).rows == []
    assert read(folder, csv_text(HEADER).rstrip()).rows == []
    assert read(folder, csv_text(HEADER) + "\n \n").rows == []


def test_a_line_without_end_is_an_error_in_words(folder: Path) -> None:
    with pytest.raises(CasesError, match=r"cases.csv:3: the line has no end within 0 MiB"):
        read(folder, csv_text(HEADER, ROW) + "x" * 5000, max_line_bytes=1000, block_bytes=500)
    assert "no header line can be found" in error_of(folder, b"case_id,drg_code" * (1 << 17))


def test_an_empty_file_and_one_of_blank_lines(folder: Path) -> None:
    assert "the file is empty" in error_of(folder, b"")
    assert "the file is empty" in error_of(folder, b"\xef\xbb\xbf\r\n \r\n")


def test_chunks_hold_about_the_rows_asked_for(folder: Path) -> None:
    path = folder / "many.csv"
    path.write_text(csv_text(HEADER, *[ROW] * 10_000), "utf-8")
    with open_cases(path, chunk_rows=3000) as source:
        sizes = [source.parse(raw).table.num_rows for raw in source]
    assert sum(sizes) == 10_000
    assert len(sizes) in (4, 5)


def test_quoting_as_the_csv_module_does_it(folder: Path) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows(
        [HEADER, ('a"b', "c;d", "e\nf", " g ", '"'), ("", "", "", "", "")]
    )
    whole = read(folder, out.getvalue())
    assert list(whole.rows[0].values()) == ['a"b', "c;d", "e\nf", " g ", '"']
    assert set(whole.rows[1].values()) == {None}


@pytest.mark.parametrize("second", ["2", '"2"'])
def test_a_byte_order_mark_belongs_to_its_cell_wherever_the_blocks_are_cut(folder: Path, second: str) -> None:
    """pyarrow leaves one out at the start of what it is given, which may be any row."""
    content = csv_text(HEADER, ROW, ("\ufeff2", *ROW[1:]), (second, *ROW[1:])).encode()
    for block_bytes in (1, 50, 60, 70, 80, 90, 1000):
        whole = read_bytes(folder, content, block_bytes=block_bytes)
        assert [row["case_id"] for row in whole.rows] == ["1", "\ufeff2", "2"]


def test_a_stray_byte_does_not_turn_a_file_of_utf8_into_another(folder: Path) -> None:
    """It once made the whole file cp1251, and every Cyrillic word rubbish."""
    path = folder / "cases.csv"
    good = ",".join(ROW)
    rows = [",".join(HEADER) + ",funding_source", good + ",страхование", good + ",\udcff", good + ",гарантия"]
    path.write_bytes("\n".join(rows).encode("utf-8", "surrogateescape"))
    with open_cases(path) as source:
        (chunk,) = [source.parse(raw) for raw in source]
    assert chunk.table.column("funding_source").to_pylist() == ["страхование", None, "гарантия"]
    assert list(chunk.malformed) == [1]
