"""Each kind of column read: every Arrow type, every form of text, what is missing and what is wrong."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.column_reading import (
    NO_TIME,
    booleans,
    coded_text,
    days,
    money_minor,
    one_array,
    parse_day,
    procedure_signatures,
    split_procedures,
    whole_numbers,
)
from tariffcore.errors import CasesError

MISSING, WRONG = "missing", "wrong"


def cells(read):
    """Each cell of a column read: its value, MISSING or WRONG."""
    return [
        MISSING if missing else WRONG if wrong else value
        for value, missing, wrong in zip(
            read.values.tolist(), read.missing.tolist(), read.wrong.tolist(), strict=True
        )
    ]


def moments(column):
    """Each cell of a column of days: the date, the datetime where the hour is known, MISSING or WRONG."""
    read = days("discharge_date", column)
    seconds = read.seconds(np.arange(len(read.days))).tolist()
    found = []
    for day, second, missing, wrong in zip(
        read.days.tolist(), seconds, read.missing.tolist(), read.wrong.tolist(), strict=True
    ):
        if missing or wrong:
            found.append(MISSING if missing else WRONG)
        elif second == NO_TIME:
            found.append(date.fromordinal(day + date(1970, 1, 1).toordinal()))
        else:
            found.append(datetime(1970, 1, 1) + timedelta(days=day, seconds=second))
    return found


def texts(column):
    """Each cell of a column of codes: its text or MISSING; of one that is no text, WRONG."""
    coded = coded_text("drg_code", column)
    undecodable = coded.wrong()
    wrong = [False] * len(coded.number) if undecodable is None else undecodable.tolist()
    found = []
    for number, missing, is_wrong in zip(coded.number.tolist(), coded.missing().tolist(), wrong, strict=True):
        found.append(MISSING if missing else WRONG if is_wrong else coded.texts[number])
    return found


def not_utf8(values):
    """Bytes in the clothes of a string column, as a careless writer leaves them."""
    raw = pa.array(values, pa.binary())
    return pa.Array.from_buffers(pa.string(), len(raw), raw.buffers(), raw.null_count)


TEXT_TYPES = (
    pa.string(),
    pa.large_string(),
    pa.string_view(),
    pa.binary(),
    pa.dictionary(pa.int8(), pa.string()),
    pa.dictionary(pa.uint16(), pa.string()),
    pa.dictionary(pa.int64(), pa.large_string()),
)


def as_type(values, kind):
    """Texts as an array of a text type; a dictionary cannot be made in one step of all."""
    if pa.types.is_dictionary(kind):
        plain = pa.array(values, kind.value_type).dictionary_encode()
        return pa.DictionaryArray.from_arrays(plain.indices.cast(kind.index_type), plain.dictionary)
    if pa.types.is_binary(kind):
        return pa.array([None if value is None else value.encode() for value in values], kind)
    return pa.array(values, kind)


# Codes


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_codes_of_every_text_type_are_stripped(kind):
    column = as_type(["A40.0", " A40.0\u00a0", "", "  ", None, "КЗГ 1", "a40.0"], kind)

    assert texts(column) == ["A40.0", "A40.0", MISSING, MISSING, MISSING, "КЗГ 1", "a40.0"]


@pytest.mark.parametrize("kind", [pa.int8(), pa.int64(), pa.uint64(), pa.dictionary(pa.int8(), pa.int32())])
def test_a_code_kept_as_a_number_is_its_digits(kind):
    assert texts(pa.array([12, None, 0], kind)) == ["12", MISSING, "0"]


@pytest.mark.parametrize("kind", [pa.float64(), pa.date32(), pa.bool_(), pa.list_(pa.string())], ids=str)
def test_codes_are_not_read_from_other_types(kind):
    value = {"double": 1.0, "date32[day]": date(2025, 1, 1), "bool": True}.get(str(kind), ["A"])

    with pytest.raises(CasesError, match=r"drg_code: .*cannot be read here; give codes as text"):
        coded_text("drg_code", pa.array([value], kind))


@pytest.mark.parametrize(
    "kind", [pa.null(), pa.float64(), pa.string(), pa.dictionary(pa.int8(), pa.string())]
)
def test_a_column_without_any_value_is_missing_whatever_its_type(kind):
    column = coded_text("drg_code", pa.nulls(3, kind))

    assert column.is_absent
    assert texts(pa.nulls(3, kind)) == [MISSING] * 3
    assert texts(pa.array([], kind)) == []


@pytest.mark.parametrize("encode", [lambda column: column, lambda column: column.dictionary_encode()])
@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.string_view(), pa.binary()], ids=str)
def test_bytes_that_are_no_text_are_wrong_where_they_stand(kind, encode):
    column = not_utf8([b"A40.0", b"\xc0\xcf", None, b"A40.0"])
    if not pa.types.is_string_view(kind):
        column = encode(column.cast(pa.binary()) if kind == pa.binary() else column.cast(kind))
    else:
        column = column.cast(kind, safe=False)

    assert texts(column) == ["A40.0", WRONG, MISSING, "A40.0"]


def test_a_null_in_the_dictionary_itself_is_missing():
    column = pa.DictionaryArray.from_arrays(
        pa.array([0, 1, None, 0], pa.int8()), pa.array(["A", None], pa.string())
    )

    assert texts(column) == ["A", MISSING, MISSING, "A"]


def test_dictionaries_of_several_chunks_are_brought_to_one():
    first = pa.array(["A", "B"]).dictionary_encode()
    second = pa.array(["B", "C", None, "A"]).dictionary_encode()

    assert texts(pa.chunked_array([first, second])) == ["A", "B", "B", "C", MISSING, "A"]


@pytest.mark.parametrize("index_type", [pa.int8(), pa.uint8(), pa.int64()], ids=str)
def test_chunks_may_hold_more_codes_together_than_their_indices_number(index_type):
    """Categories of a frame have indices of one byte; once such chunks were an error of Arrow's."""
    kind = pa.dictionary(index_type, pa.string())
    chunks = [[f"{letter}{number}" for number in range(100)] for letter in "ABC"]

    column = pa.chunked_array([as_type(codes, kind) for codes in chunks])

    assert texts(column) == [code for codes in chunks for code in codes]


def test_a_null_may_hide_a_text():
    """The bytes of a null cell are nobody's business."""
    content = pa.py_buffer(b"A2025-01-015.00")
    ends = pa.py_buffer(np.array([0, 1, 11, 15], dtype=np.int32))
    column = pa.Array.from_buffers(pa.string(), 3, [pa.py_buffer(b"\x00"), ends, content])

    assert texts(column) == moments(column) == cells(money_minor("x", column, 2)) == [MISSING] * 3
    assert cells(whole_numbers("x", column, 0, 9)) == [MISSING] * 3


def test_more_codes_than_a_byte_counts_stay_apart():
    codes = [f"K{number}" for number in range(70_000)]

    assert texts(pa.array(codes)) == codes
    assert texts(pa.array(codes).dictionary_encode()) == codes


def test_what_a_code_means_is_asked_once():
    asked = []
    coded = coded_text("drg_code", pa.array(["A", "B", "A", None, "A"]))

    numbers = coded.map(lambda text: asked.append(text) or len(asked), missing=9, dtype=np.uint8)

    assert asked == ["A", "B"]
    assert numbers.tolist() == [1, 2, 1, 9, 1]
    assert numbers.dtype == np.uint8


def test_no_chunk_at_all_is_an_empty_column():
    assert len(one_array(pa.chunked_array([], type=pa.string()))) == 0
    assert one_array(pa.chunked_array([["a"], ["b"]])).to_pylist() == ["a", "b"]


# Days


DAY = date(2025, 3, 9)


@pytest.mark.parametrize("kind", [pa.date32(), pa.date64()], ids=str)
def test_dates_have_no_hour(kind):
    column = pa.array([DAY, None, date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)], kind)

    assert moments(column) == [DAY, MISSING, date(1, 1, 1), date(1969, 12, 31), date(9999, 12, 31)]


def test_a_date64_inside_a_day_is_that_day():
    """Some writers leave the hour in: once that was an error of the whole table."""
    column = pa.array([1, 86_399_999, -1], pa.int64()).cast(pa.date64())

    assert moments(column) == [date(1970, 1, 1), date(1970, 1, 1), date(1969, 12, 31)]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_timestamps_have_an_hour(unit):
    column = pa.array(
        [datetime(2025, 3, 9, 14, 30, 15), None, datetime(1969, 12, 31, 23, 59, 59), datetime(2025, 3, 9)],
        pa.timestamp(unit),
    )

    assert moments(column) == [
        datetime(2025, 3, 9, 14, 30, 15),
        MISSING,
        datetime(1969, 12, 31, 23, 59, 59),
        datetime(2025, 3, 9),
    ]


def test_dates_of_no_year_from_1_to_9999_are_wrong():
    """No text can say them, nor any calendar of ours."""
    first, last = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))
    numbers = [first - 1, first, last, last + 1, 2**31 - 1, -(2**31)]

    of_days = moments(pa.array(numbers, pa.int32()).cast(pa.date32()))
    of_seconds = moments(pa.array([number * 86_400 for number in numbers]).cast(pa.timestamp("s")))

    assert of_days == [WRONG, date.min, date.max, WRONG, WRONG, WRONG]
    assert [each if each == WRONG else each.date() for each in of_seconds] == of_days


def test_timestamps_beyond_the_calendar_of_days_are_wrong():
    column = pa.array([2**62, -(2**62), 0], pa.int64()).cast(pa.timestamp("s"))

    assert moments(column) == [WRONG, WRONG, datetime(1970, 1, 1)]


@pytest.mark.parametrize("zone", ["UTC", "+05:00", "Asia/Almaty"])
def test_a_time_zone_is_refused(zone):
    """Which day it is would depend on where it is read."""
    column = pa.array([0], pa.timestamp("s", tz=zone))

    with pytest.raises(CasesError, match="give local dates and times without a time zone"):
        days("discharge_date", column)


@pytest.mark.parametrize("kind", [pa.int32(), pa.float64(), pa.time32("s"), pa.bool_()], ids=str)
def test_days_are_not_read_from_other_types(kind):
    with pytest.raises(CasesError, match=r"discharge_date: .*text such as 2026-05-31"):
        days("discharge_date", pa.array([0], pa.int32()).cast(kind))


DAYS_AS_TEXT = [
    ("2025-03-09", DAY),
    ("09.03.2025", DAY),
    ("9.3.2025", DAY),
    ("2025-3-9", DAY),
    (" 2025-03-09\u00a0", DAY),
    ("2025-03-09 14:30", datetime(2025, 3, 9, 14, 30)),
    ("2025-03-09T14:30", datetime(2025, 3, 9, 14, 30)),
    ("2025-03-09T14:30:15", datetime(2025, 3, 9, 14, 30, 15)),
    ("09.03.2025 14:30:15", datetime(2025, 3, 9, 14, 30, 15)),
    ("9.3.2025 4:30", datetime(2025, 3, 9, 4, 30)),
    ("2025-03-09 14:30:15.999", datetime(2025, 3, 9, 14, 30, 15)),
    ("2025-03-09 14:30:15,123456789", datetime(2025, 3, 9, 14, 30, 15)),
    ("2025-03-09 00:00", datetime(2025, 3, 9)),
    ("2024-02-29", date(2024, 2, 29)),
    ("29.02.2000", date(2000, 2, 29)),
    ("0001-01-01", date(1, 1, 1)),
    ("9999-12-31", date(9999, 12, 31)),
    ("1969-12-31 23:59:59", datetime(1969, 12, 31, 23, 59, 59)),
    ("", MISSING),
    ("   ", MISSING),
    ("\u00a0", MISSING),
    ("2026-02-30", WRONG),
    ("29.02.2023", WRONG),
    ("29.02.1900", WRONG),
    ("31.04.2025", WRONG),
    ("2025-13-01", WRONG),
    ("2025-00-10", WRONG),
    ("00.01.2025", WRONG),
    ("0000-01-01", WRONG),
    ("09.03.25", WRONG),
    ("25-03-09", WRONG),
    ("03/09/2025", WRONG),
    ("2025/03/09", WRONG),
    ("09-03-2025", WRONG),
    ("2025.03.09", WRONG),
    ("20250309", WRONG),
    ("2025-03-09 24:00", WRONG),
    ("2025-03-09 14:60", WRONG),
    ("2025-03-09 14:30:60", WRONG),
    ("2025-03-09 14", WRONG),
    ("2025-03-09T", WRONG),
    ("2025-03-09 2:30 PM", WRONG),
    ("2025-03-09T14:30Z", WRONG),
    ("2025-03-09T14:30:15+05:00", WRONG),
    ("2025-03-0٩", WRONG),
    ("²025-03-09", WRONG),
    ("2025-03-09x", WRONG),
    ("45000", WRONG),
    ("today", WRONG),
    ("9" * 40, WRONG),
    ("\x002025-03-09", WRONG),
]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_days_as_text(kind):
    column = as_type([*(text for text, _ in DAYS_AS_TEXT), None], kind)

    assert moments(column) == [*(meant for _, meant in DAYS_AS_TEXT), MISSING]


@pytest.mark.parametrize(("text", "meant"), DAYS_AS_TEXT)
def test_a_day_alone_in_its_column_is_the_same_day(text, meant):
    assert moments(pa.array([text])) == [meant]


@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), st.data())
@settings(max_examples=200, deadline=None)
def test_every_form_of_a_day_says_the_same(moment, data):
    day = data.draw(
        st.sampled_from(
            [f"{moment:%Y}".rjust(4, "0") + f"-{moment:%m-%d}", f"{moment:%d.%m.}{moment.year:04}"]
        )
    )
    hour = data.draw(st.sampled_from(["", f" {moment:%H:%M}", f"T{moment:%H:%M:%S}"]))
    seconds = {
        0: NO_TIME,
        6: moment.hour * 3600 + moment.minute * 60,
        9: moment.hour * 3600 + moment.minute * 60 + moment.second,
    }

    read = days("discharge_date", pa.array([f"{day}{hour}"]))

    expected = (moment.toordinal() - date(1970, 1, 1).toordinal(), seconds[len(hour)])
    assert (int(read.days[0]), int(read.seconds(np.array([0]))[0])) == expected
    assert parse_day(f"{day}{hour}") == expected


@given(st.text("0123456789-. T:", min_size=8, max_size=19))
@settings(max_examples=500, deadline=None)
def test_the_fast_forms_of_a_day_never_read_what_the_slow_one_refuses(text):
    read = days("discharge_date", pa.array([text]))
    slow = parse_day(text.strip())

    if slow is None:
        assert bool(read.undated()[0])
    else:
        assert (int(read.days[0]), int(read.seconds(np.array([0]))[0])) == slow


@pytest.mark.parametrize("moment", ["2025-03-09 14:30", "2024-02-29T23:59:59", "0001-01-01 00:00:00"])
def test_no_other_character_anywhere_in_a_moment_is_taken_for_what_belongs_there(moment):
    texts = [
        moment[:place] + chr(octet) + moment[place + 1 :]
        for place in range(len(moment))
        for octet in range(128)
    ]
    read = days("discharge_date", pa.array(texts))

    found = [
        None if undated else (int(day), int(second))
        for undated, day, second in zip(
            read.undated(), read.days, read.seconds(np.arange(len(texts))), strict=True
        )
    ]
    assert found == [parse_day(text.strip()) for text in texts]


@pytest.mark.parametrize("encode", [lambda column: column, lambda column: column.dictionary_encode()])
def test_bytes_that_are_no_text_are_no_day(encode):
    column = encode(not_utf8([b"2025-03-09", b"\xff025-03-09", b"2025-03-\xff9", None]))

    assert moments(column) == [DAY, WRONG, WRONG, MISSING]


# Whole numbers


@pytest.mark.parametrize(
    "kind",
    [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32(), pa.uint64()],
    ids=str,
)
def test_whole_numbers_of_every_width(kind):
    inside = whole_numbers("age_years", pa.array([0, None, 120, 17], kind), 0, 130)
    outside = whole_numbers("age_years", pa.array([0, None, 120, 17], kind), 1, 119)

    assert cells(inside) == [0, MISSING, 120, 17]
    assert cells(outside) == [WRONG, MISSING, WRONG, 17]


def test_numbers_beyond_the_range_are_wrong_however_large():
    unsigned = pa.array([2**64 - 1, 2**63, 2**63 + 5, 5], pa.uint64())
    signed = pa.array([-(2**63), 2**63 - 1, -1, 5], pa.int64())

    assert cells(whole_numbers("age_years", unsigned, 0, 130)) == [WRONG, WRONG, WRONG, 5]
    assert cells(whole_numbers("age_years", unsigned, -(2**62), 2**62)) == [WRONG, WRONG, WRONG, 5]
    assert cells(whole_numbers("age_years", signed, 0, 130)) == [WRONG, WRONG, WRONG, 5]


@pytest.mark.parametrize("kind", [pa.float16(), pa.float32(), pa.float64()], ids=str)
def test_floats_are_read_where_they_are_whole(kind):
    values = [17.0, 17.5, float("nan"), float("inf"), float("-inf"), -0.0, -1.0, 131.0, None]
    column = pa.array(np.array(values, dtype=kind.to_pandas_dtype()), from_pandas=False)

    assert cells(whole_numbers("age_years", column, 0, 130)) == [
        17, WRONG, MISSING, WRONG, WRONG, 0, WRONG, WRONG, MISSING,
    ]  # fmt: skip


def test_floats_beyond_every_integer_are_wrong():
    column = pa.array([1e300, -1e300, 2.0**63, 1.5, 2.0])

    assert cells(whole_numbers("quantity", column, -(2**62), 2**62)) == [WRONG, WRONG, WRONG, WRONG, 2]


def test_decimals_are_read_where_they_are_whole():
    """Databases hand out whole numbers as decimals."""
    column = pa.array([Decimal("17.00"), Decimal("17.50"), None, Decimal("1e20")], pa.decimal128(38, 2))

    assert cells(whole_numbers("age_years", column, 0, 130)) == [17, WRONG, MISSING, WRONG]
    assert cells(whole_numbers("age_years", column.slice(0, 1), 0, 130)) == [17]


WHOLE_NUMBERS_AS_TEXT = [
    ("17", 17), ("0", 0), ("+17", 17), ("-0", 0), (" 17 ", 17), ("017", 17), ("", MISSING), (" ", MISSING),
    ("-1", WRONG), ("131", WRONG), ("17.0", 17), ("17,0", 17), ("17.", WRONG), ("17.5", WRONG),
    ("1e1", WRONG), ("1 7", WRONG),
    ("0x11", WRONG), ("1_7", WRONG), ("--5", WRONG), ("+-5", WRONG), ("-", WRONG), ("+", WRONG),
    ("١٧", WRONG), ("²", WRONG), ("9" * 19, WRONG), ("9" * 20, WRONG), ("9" * 40, WRONG),
    ("9" * 5_000, WRONG), ("nan", WRONG), ("seventeen", WRONG),
]  # fmt: skip


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_whole_numbers_as_text(kind):
    column = as_type([*(text for text, _ in WHOLE_NUMBERS_AS_TEXT), None], kind)

    assert cells(whole_numbers("age_years", column, 0, 130)) == [
        *(meant for _, meant in WHOLE_NUMBERS_AS_TEXT),
        MISSING,
    ]


def test_whole_numbers_are_not_read_from_other_types():
    with pytest.raises(CasesError, match=r"age_years: 'bool': .*give whole numbers"):
        whole_numbers("age_years", pa.array([True]), 0, 130)


# True and false


@pytest.mark.parametrize(
    ("texts_of_it", "meant"),
    [
        (("true", "True", "TRUE", "t", "1", "yes", "Y", "да", "ДА", "Да", "иә", "Иә", "ИӘ", " да "), True),
        (("false", "F", "0", "no", "N", "нет", "НЕТ", "жоқ", "ЖОҚ", "\u00a0нет"), False),
        (("ok", "2", "-1", "1.0", "истина", "д", "x", "tru"), WRONG),
        (("", "  "), MISSING),
    ],
)
def test_booleans_in_three_languages(texts_of_it, meant):
    assert cells(booleans("death_unavoidable", pa.array(texts_of_it))) == [meant] * len(texts_of_it)
    encoded = pa.array(texts_of_it).dictionary_encode()
    assert cells(booleans("death_unavoidable", encoded)) == [meant] * len(texts_of_it)


def test_booleans_as_booleans_and_numbers():
    assert cells(booleans("x", pa.array([True, None, False]))) == [True, MISSING, False]
    assert cells(booleans("x", pa.array([1, None, 0, 2, -1], pa.int8()))) == [
        True,
        MISSING,
        False,
        WRONG,
        WRONG,
    ]
    assert cells(booleans("x", pa.array([1.0, float("nan"), 0.0, 0.5]))) == [True, MISSING, False, WRONG]
    assert cells(booleans("x", pa.nulls(2))) == [MISSING, MISSING]
    assert cells(booleans("x", not_utf8([b"\xff", b"1"]))) == [WRONG, True]
    with pytest.raises(CasesError, match="give true or false"):
        booleans("x", pa.array([date(2025, 1, 1)]))


# Money

MONEY_AS_TEXT = [
    ("191723.14", 19_172_314),
    ("191723,14", 19_172_314),
    ("191 723,14", 19_172_314),
    ("191\u00a0723,14", 19_172_314),
    ("191\u2009723.14", 19_172_314),
    ("191\u202f723.14", 19_172_314),
    (" 191723.14 ", 19_172_314),
    ("+191723.14", 19_172_314),
    ("-191723.14", -19_172_314),
    ("-0.01", -1),
    ("- 0,01", -1),
    ("0", 0),
    ("-0", 0),
    ("0.00", 0),
    ("5", 500),
    ("5.1", 510),
    ("5.1000000000", 510),
    ("5,100", 510),
    ("007", 700),
    ("9999999999999999.99", 10**18 - 1),
    ("-9999999999999999.99", -(10**18 - 1)),
    ("9999999999999999.990", 10**18 - 1),
    ("", MISSING),
    (" ", MISSING),
    ("\u00a0", MISSING),
    ("10000000000000000.00", WRONG),
    ("10000000000000000", WRONG),
    ("9" * 40, WRONG),
    ("9" * 5_000, WRONG),
    ("0.001", WRONG),
    ("1.005", WRONG),
    ("5.", WRONG),
    (".5", WRONG),
    (",", WRONG),
    ("-", WRONG),
    ("--5", WRONG),
    ("1.2.3", WRONG),
    ("1,234.56", WRONG),
    ("1.234,56", WRONG),
    ("1e5", WRONG),
    ("1,2E+05", WRONG),
    ("nan", WRONG),
    ("inf", WRONG),
    ("0x10", WRONG),
    ("1_000", WRONG),
    ("191723.14 тг", WRONG),
    ("١٢", WRONG),
    ("12.٣", WRONG),
]


@pytest.mark.parametrize("kind", TEXT_TYPES, ids=str)
def test_money_as_text(kind):
    column = as_type([*(text for text, _ in MONEY_AS_TEXT), None], kind)

    assert cells(money_minor("claimed_amount", column, 2)) == [
        *(meant for _, meant in MONEY_AS_TEXT),
        MISSING,
    ]


@pytest.mark.parametrize(("text", "meant"), MONEY_AS_TEXT)
def test_what_an_amount_means_does_not_depend_on_its_neighbours(text, meant):
    """Once a column without decimal commas was read by another reader, which took exponents."""
    assert cells(money_minor("claimed_amount", pa.array([text]), 2)) == [meant]


@pytest.mark.parametrize("minor_units", [0, 2, 3, 4])
def test_amounts_have_18_digits_whatever_the_currency(minor_units):
    """Once 9,999,999,999,999,999 did not fit 64 bits with four decimals, and an error or a wrong amount."""
    digits = "9" * (18 - minor_units)
    texts_of_it = [
        f"{digits}.{'9' * minor_units}".rstrip("."),
        digits,
        f"1{'0' * (18 - minor_units)}",
        "9" * 18,
    ]
    largest = [
        10**18 - 1,
        (10**18 - 1) // 10**minor_units * 10**minor_units,
        WRONG,
        WRONG if minor_units else 10**18 - 1,
    ]

    assert cells(money_minor("claimed_amount", pa.array(texts_of_it), minor_units)) == largest
    spaced = pa.array([f" {text}" for text in texts_of_it])
    assert cells(money_minor("claimed_amount", spaced, minor_units)) == largest
    numbers = pa.array([Decimal(text) for text in texts_of_it], pa.decimal128(38, 6))
    assert cells(money_minor("claimed_amount", numbers, minor_units)) == largest


@given(amount_minor=st.integers(-(10**18) + 1, 10**18 - 1), minor_units=st.integers(0, 4), data=st.data())
@settings(max_examples=300, deadline=None)
def test_every_amount_is_read_as_it_was_written(amount_minor, minor_units, data):
    amount = Decimal(amount_minor).scaleb(-minor_units)
    text = data.draw(
        st.sampled_from([f"{amount:f}", f"{amount:,f}".replace(",", " "), f"{amount:f}".replace(".", ",")])
    )

    assert cells(money_minor("claimed_amount", pa.array([text]), minor_units)) == [amount_minor]
    number = pa.array([amount], pa.decimal128(38, 9))
    assert cells(money_minor("claimed_amount", number, minor_units)) == [amount_minor]


DECIMAL_TYPES = (
    *(pa.decimal128(18, 2), pa.decimal128(38, 9), pa.decimal256(40, 9), pa.decimal256(76, 2)),
    *(pa.decimal32(9, 2), pa.decimal64(18, 2)),
)


@pytest.mark.parametrize("kind", DECIMAL_TYPES, ids=str)
def test_money_as_decimals(kind):
    column = pa.array([Decimal("1200.11"), None, Decimal("-0.01"), Decimal(0)], kind)

    assert cells(money_minor("claimed_amount", column, 2)) == [120_011, MISSING, -1, 0]
    assert cells(money_minor("claimed_amount", column.slice(2), 2)) == [-1, 0]
    assert cells(money_minor("claimed_amount", column.slice(0, 0), 2)) == []


def test_decimals_that_are_no_amounts_do_not_spoil_their_neighbours():
    """Arrow writes a zero with nine decimals as 0E-9, which once was no number."""
    column = pa.array(
        [Decimal(0), Decimal("1.005"), Decimal("0.01"), Decimal("1e20"), None, Decimal("12.50")],
        pa.decimal128(38, 9),
    )

    assert cells(money_minor("claimed_amount", column, 2)) == [0, WRONG, 1, WRONG, MISSING, 1250]


def test_decimals_of_more_digits_than_their_type_says_are_wrong():
    """Arrow believes a file that declares 18 digits and holds 25; half of such a number is no amount."""
    numbers = [5, 10**18 - 1, 10**18, 10**25, -(10**18), -5, 2**64 + 5, 2**127 - 1, -(2**63)]
    content = b"".join(number.to_bytes(16, "little", signed=True) for number in numbers)
    column = pa.Array.from_buffers(pa.decimal128(18, 2), len(numbers), [None, pa.py_buffer(content)])

    assert cells(money_minor("claimed_amount", column, 2)) == [
        *(5, 10**18 - 1, WRONG, WRONG, WRONG, -5, WRONG, WRONG, WRONG)
    ]


def test_decimals_of_tens():
    column = pa.array([Decimal("1200"), Decimal("99999E14")], pa.decimal128(30, -2))

    assert cells(money_minor("claimed_amount", column, 2)) == [120_000, WRONG]


def test_a_decimal_of_40_digits_is_wrong():
    column = pa.array([Decimal("1" * 40), Decimal("5")], pa.decimal256(76, 2))

    assert cells(money_minor("claimed_amount", column, 2)) == [WRONG, 500]


def test_floats_are_the_shortest_decimal_that_stands_for_them():
    values = [191723.14, 0.1, 100000.0, 1e15, 123456789012.34, -2.5, -0.0, 4.35, 1e16, 1.005, 1e300, None]
    meant = [
        19_172_314,
        10,
        10_000_000,
        10**17,
        12_345_678_901_234,
        -250,
        0,
        435,
        WRONG,
        WRONG,
        WRONG,
        MISSING,
    ]

    assert cells(money_minor("claimed_amount", pa.array(values), 2)) == meant


def test_floats_that_are_no_numbers():
    """A frame says NaN where there is nothing; infinity is no amount."""
    column = pa.array(np.array([float("nan"), float("inf"), 1.5]), from_pandas=False)

    assert cells(money_minor("claimed_amount", column, 2)) == [MISSING, WRONG, 150]


def test_a_narrow_float_is_the_shortest_decimal_of_its_own_width():
    column = pa.array([0.1, 191723.14, None], pa.float32())

    assert cells(money_minor("claimed_amount", column, 2)) == [10, 19_172_314, MISSING]


@given(st.integers(-(10**13), 10**13))
@settings(max_examples=300, deadline=None)
def test_an_amount_that_went_through_a_float_is_the_same(amount_minor):
    column = pa.array([amount_minor / 100])

    assert cells(money_minor("claimed_amount", column, 2)) == [amount_minor]


def test_money_as_whole_numbers():
    assert cells(money_minor("x", pa.array([7, None, -7], pa.int8()), 2)) == [700, MISSING, -700]
    assert cells(money_minor("x", pa.array([2**64 - 1, 10**16 - 1], pa.uint64()), 2)) == [WRONG, 10**18 - 100]
    assert cells(money_minor("x", pa.nulls(2), 2)) == [MISSING, MISSING]


@pytest.mark.parametrize("encode", [lambda column: column, lambda column: column.dictionary_encode()])
def test_bytes_that_are_no_text_are_no_amount(encode):
    column = encode(not_utf8([b"1.50", b"\xff1.50", None]))

    assert cells(money_minor("claimed_amount", column, 2)) == [150, WRONG, MISSING]


def test_money_is_not_read_from_other_types():
    with pytest.raises(CasesError, match=r"give a decimal, or text such as 191723\.14"):
        money_minor("claimed_amount", pa.array([True]), 2)


# Procedures

BITS = {"1373": 1, "8855": 2, "0983": 4}


def signatures(column):
    """The bits of each row, WRONG where its bytes are no text."""
    found, undecodable = procedure_signatures("procedure_codes", column, lambda code: BITS.get(code, 0))
    wrong = [False] * len(found) if undecodable is None else undecodable.tolist()
    return [WRONG if bad else bits for bits, bad in zip(found.tolist(), wrong, strict=True)]


@pytest.mark.parametrize(
    "kind",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.large_string()),
        pa.list_(pa.dictionary(pa.int8(), pa.string())),
    ],
)
def test_procedures_as_lists(kind):
    rows = [["1373", "8855"], [], None, ["9999", None, ""], ["0983", "0983"], ["1373"]]

    assert signatures(pa.array(rows, kind)) == [3, 0, 0, 0, 4, 1]
    assert signatures(pa.array(rows, kind).slice(1, 4)) == [0, 0, 0, 4]
    assert signatures(pa.array(rows, kind).slice(4)) == [4, 1]
    assert signatures(pa.array([], kind)) == []


def test_a_null_list_may_hide_codes():
    values = pa.array(["1373", "8855", "0983"])
    column = pa.ListArray.from_arrays(pa.array([0, 1, 2, 3]), values, mask=pa.array([False, True, False]))

    assert signatures(column) == [1, 0, 4]


def test_procedures_as_whole_numbers():
    assert signatures(pa.array([[1373, 8855], None], pa.list_(pa.int32()))) == [3, 0]


def test_procedures_as_text():
    column = pa.array(["1373;8855", "1373 | 0983", ";;", None, "", "8855", " 8855;"])

    assert signatures(column) == [3, 5, 0, 0, 0, 2, 2]
    assert signatures(column.dictionary_encode()) == [3, 5, 0, 0, 0, 2, 2]
    assert signatures(pa.nulls(2)) == [0, 0]
    assert split_procedures(" 13.73 ;88.55|;") == ["13.73", "88.55"]


def test_procedures_whose_bytes_are_no_text():
    assert signatures(not_utf8([b"1373", b"\xff", None])) == [1, WRONG, 0]
    lists = pa.ListArray.from_arrays(pa.array([0, 2, 2, 3]), not_utf8([b"1373", b"\xff", b"8855"]))
    assert signatures(lists) == [WRONG, 0, 2]
    assert signatures(lists.slice(1)) == [0, 2]


# Parts of columns, and columns in parts

TIMES = pa.timestamp("ms")
PADDED = [
    (texts, pa.array(["A", None, " B ", "", "A"])),
    (texts, pa.array([1, None, 2, 3, 1], pa.uint8())),
    (texts, not_utf8([b"A", None, b"\xff", b"", b"A"])),
    (moments, pa.array([DAY, None, date(2025, 1, 1), DAY, date(1969, 1, 1)], pa.date32())),
    (moments, pa.array([DAY, None, date(2025, 1, 1), DAY, date(1969, 1, 1)], pa.date64())),
    (moments, pa.array([datetime(2025, 1, day, day) for day in range(1, 6)], pa.timestamp("ns"))),
    (moments, pa.array([datetime(2025, 1, 1, 5), None, None, datetime(1969, 1, 2, 3), None], TIMES)),
    (moments, pa.array(["2025-03-09", None, "09.03.2025 14:30", "x", "9.3.2025"])),
    (lambda c: cells(whole_numbers("x", c, 0, 130)), pa.array([1, None, 300, 4, 5], pa.int16())),
    (lambda c: cells(whole_numbers("x", c, 0, 130)), pa.array([1.0, None, 2.5, 4, 5])),
    (lambda c: cells(whole_numbers("x", c, 0, 130)), pa.array(["1", None, "x", "4", "5"])),
    (lambda c: cells(whole_numbers("x", c, 0, 130)), pa.array([1, None, 300, 4, 5], pa.decimal128(5, 0))),
    (lambda c: cells(booleans("x", c)), pa.array([True, None, False, True, True])),
    (lambda c: cells(booleans("x", c)), pa.array(["да", None, "no", "x", "1"])),
    (lambda c: cells(money_minor("x", c, 2)), pa.array(["1", None, "2,5", "x", "1"])),
    (lambda c: cells(money_minor("x", c, 2)), pa.array([1.5, None, 2.005, 3, 1e15])),
    (lambda c: cells(money_minor("x", c, 2)), pa.array([1, None, 2, 3, 4], pa.decimal128(18, 2))),
    (lambda c: cells(money_minor("x", c, 2)), pa.array([Decimal("1.005"), None, 2, 0, 4], DECIMAL_TYPES[1])),
    (signatures, pa.array([["1373"], None, ["8855", "0983"], [], ["1373", "8855"]])),
    (signatures, pa.array(["1373", None, "8855;0983", "", "1373|8855"])),
]  # fmt: skip


def encodings(column):
    """The column as it is, and dictionary-encoded where it holds text."""
    yield column
    if pa.types.is_string(column.type):
        yield column.dictionary_encode()


@pytest.mark.parametrize(("read", "column"), PADDED)
def test_a_slice_is_read_like_its_rows_alone(read, column):
    for whole in encodings(column):
        expected = read(whole)
        assert len(expected) == 5
        for start in range(6):
            for length in range(6 - start):
                assert read(whole.slice(start, length)) == expected[start : start + length]


@pytest.mark.parametrize(("read", "column"), PADDED)
def test_chunks_are_read_like_one_column(read, column):
    for whole in encodings(column):
        expected = read(whole)
        chunks = [whole.slice(0, 2), whole.slice(2, 0), whole.slice(2, 3), whole.slice(1, 3)]
        assert read(pa.chunked_array(chunks)) == expected + expected[1:4]
        assert read(pa.chunked_array([], type=whole.type)) == []


# Arrow's own buffers


def with_index(numbers, valid, kind=None):
    """A dictionary column with these indices, whatever they are, and these cells valid."""
    bits = np.packbits(np.array(valid, dtype=np.bool_), bitorder="little")
    kind = kind or pa.int16()
    cells = np.array(numbers, dtype=kind.to_pandas_dtype())
    index = pa.Array.from_buffers(kind, len(numbers), [pa.py_buffer(bits), pa.py_buffer(cells)])
    return pa.DictionaryArray.from_arrays(index, pa.array(["a", "b"]), safe=False)


def test_what_null_cells_hold_is_no_index():
    column = with_index([0, 30_000, 1, -5], [True, False, True, False])

    assert texts(column) == ["a", MISSING, "b", MISSING]
    assert texts(column.slice(1, 2)) == [MISSING, "b"]


@pytest.mark.parametrize("number", [2, 30_000, -1, -30_000])
def test_an_index_outside_the_dictionary_is_an_error_and_never_used(number):
    with pytest.raises(CasesError, match="lies outside the column's dictionary") as raised:
        texts(with_index([0, number], [True, True]))

    assert raised.value.problems[0].field == "drg_code"


@pytest.mark.parametrize(
    "kind", [pa.int8(), pa.int16(), pa.int32(), pa.int64(), pa.uint8(), pa.uint16(), pa.uint32()]
)
def test_indices_of_every_width(kind):
    assert texts(with_index([1, 0, 0, 1], [True, True, False, True], kind)) == ["b", "a", MISSING, "b"]


@given(
    st.lists(st.none() | st.integers(0, 200), max_size=40),
    st.integers(0, 40),
    st.sampled_from([pa.int8(), pa.uint8(), pa.int16(), pa.int32(), pa.int64(), pa.uint64()]),
)
def test_slices_begin_at_any_bit(values, first, kind):
    values = [value if value is None or kind != pa.int8() else value % 128 for value in values]
    column = pa.array([5, *values], kind).slice(1 + first)
    wanted = [MISSING if value is None else WRONG if value > 130 else value for value in values[first:]]

    assert cells(whole_numbers("age_years", column, 0, 130)) == wanted
    days_wanted = [MISSING if v is None else date(1970, 1, 1) + timedelta(days=v) for v in values[first:]]
    days_column = pa.array([5, *values], pa.int32()).cast(pa.date32()).slice(1 + first)
    assert moments(days_column) == days_wanted
    flags = [None if value is None else value % 2 == 1 for value in values]
    flag_column = pa.array([True, *flags], pa.bool_()).slice(1 + first)
    assert cells(booleans("x", flag_column)) == [MISSING if flag is None else flag for flag in flags[first:]]
    lists = pa.array(
        [["q"], *(None if v is None else ["13.73"] * (v % 3) for v in values)], pa.list_(pa.string())
    )
    signature, undecodable = procedure_signatures("x", lists.slice(1 + first), lambda code: 4)
    assert signature.tolist() == [4 if value is not None and value % 3 else 0 for value in values[first:]]
    assert undecodable is None


def test_elements_of_null_lists_count_for_nothing():
    elements = pa.array(["1", "2", "3", "4", "5"])
    null = pa.array([False, True, False])
    column = pa.ListArray.from_arrays(pa.array([0, 1, 3, 5], pa.int32()), elements, mask=null)

    signature, _ = procedure_signatures("x", column, lambda code: 1 << int(code))

    assert signature.tolist() == [2, 0, 16 + 32]


def test_some_rows_of_a_column():
    coded = coded_text("drg_code", pa.array(["a", None, "b", "a"]))

    some = coded.at(np.array([3, 1]))

    assert some.map(lambda text: ord(text), 0, np.uint8).tolist() == [ord("a"), 0]
