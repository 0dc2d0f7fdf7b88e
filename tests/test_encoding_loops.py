"""The loops that bring Arrow's columns to narrow numbers, against the same in Python."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore import _encoding
from tariffcore.money import MAX_AMOUNT_MINOR

INT64 = st.integers(-(2**63), 2**63 - 1)
FIRST_DAY, LAST_DAY = -719_162, 2_932_896  # 0001-01-01 and 9999-12-31, since 1970


def flags(values):
    return np.array(values, dtype=np.uint8)


# Look-ups


@pytest.mark.parametrize("index_type", [np.uint8, np.uint16, np.uint32, np.uint64])
@pytest.mark.parametrize("entry_type", [np.uint8, np.uint16, np.int32, np.int64])
def test_looking_up_in_every_width(entry_type, index_type):
    limits = np.iinfo(entry_type)
    table = np.array([limits.min, 5, limits.max, 7], dtype=entry_type)
    index = np.array([0, 1, 2, 1], dtype=index_type)
    found = np.empty(4, dtype=entry_type)

    assert not _encoding.look_up(table, index, flags([0, 0, 0, 1]), found)

    assert found.tolist() == [limits.min, 5, limits.max, 7]


@pytest.mark.parametrize("index_type", [np.uint8, np.uint16, np.uint32, np.uint64])
def test_an_index_beyond_the_entries_is_told_and_never_used(index_type):
    beyond = np.iinfo(index_type).max
    table = np.array([3, 4, 9], dtype=np.uint16)
    index = np.array([0, 2, beyond, 1], dtype=index_type)
    found = np.empty(4, dtype=np.uint16)

    assert _encoding.look_up(table, index, flags([0, 0, 0, 0]), found)
    assert found.tolist() == [3, 9, 9, 4]

    # what a null cell holds is no index
    assert not _encoding.look_up(table, index, flags([0, 1, 1, 0]), found)
    assert found.tolist() == [3, 9, 9, 4]


@given(st.lists(st.tuples(st.integers(0, 400), st.booleans()), max_size=60))
def test_looking_up_is_indexing(cells):
    table = np.arange(1_000, 1_301, dtype=np.int32)
    index = np.array([number for number, _ in cells], dtype=np.uint16)
    found = np.empty(len(cells), dtype=np.int32)

    strays = _encoding.look_up(table, index, flags([null for _, null in cells]), found)

    assert found.tolist() == [1_300 if null or number >= 300 else 1_000 + number for number, null in cells]
    assert strays == any(number >= 300 and not null for number, null in cells)


def test_tables_may_be_read_only():
    table, index, null = np.arange(3, dtype=np.uint16), np.array([1], dtype=np.uint8), flags([0])
    for array in (table, index, null):
        array.flags.writeable = False
    found = np.empty(1, dtype=np.uint16)

    _encoding.look_up(table, index, null, found)

    assert found.tolist() == [1]


# Whole numbers


@pytest.mark.parametrize("number_type", [np.int8, np.int16, np.int32, np.int64])
@pytest.mark.parametrize("taken_type", [np.uint8, np.uint32, np.int64])
def test_numbers_of_every_width(number_type, taken_type):
    limits = np.iinfo(number_type)
    number = np.array([limits.min, -1, 0, 1, 126, 127, limits.max, 5], dtype=number_type)
    taken, wrong = np.empty(8, dtype=taken_type), np.empty(8, dtype=np.uint8)

    _encoding.take_whole_numbers(number, flags([0] * 7 + [1]), 0, 126, 255, taken, wrong)

    assert taken.tolist() == [255, 255, 0, 1, 126, 255, 255, 255]
    assert wrong.tolist() == [1, 1, 0, 0, 0, 1, 1, 0]


@given(st.lists(st.tuples(INT64, st.booleans())), INT64, INT64, INT64)
def test_numbers_in_a_range(cells, low, high, instead):
    number = np.array([value for value, _ in cells], dtype=np.int64)
    taken, wrong = np.empty(len(cells), dtype=np.int64), np.empty(len(cells), dtype=np.uint8)

    _encoding.take_whole_numbers(number, flags([null for _, null in cells]), low, high, instead, taken, wrong)

    assert taken.tolist() == [
        value if low <= value <= high and not null else instead for value, null in cells
    ]
    assert wrong.tolist() == [not null and not low <= value <= high for value, null in cells]


# Days


@pytest.mark.parametrize("units_a_day", [1, 86_400, 86_400_000, 86_400_000_000, 86_400_000_000_000])
@given(st.data())
def test_days_are_floors(units_a_day, data):
    edges = [day * units_a_day + more for day in (FIRST_DAY, 0, LAST_DAY + 1) for more in (-1, 0, 1)]
    numbers = st.sampled_from([edge for edge in edges if -(2**63) <= edge < 2**63]) | INT64
    cells = data.draw(st.lists(st.tuples(numbers, st.booleans())))
    units = np.array([value for value, _ in cells], dtype=np.int64)
    day, wrong = np.empty(len(cells), dtype=np.int32), np.empty(len(cells), dtype=np.uint8)

    _encoding.take_days(units, flags([null for _, null in cells]), units_a_day, day, wrong)

    inside = [FIRST_DAY <= value // units_a_day <= LAST_DAY for value, _ in cells]
    assert wrong.tolist() == [not null and not fits for (_, null), fits in zip(cells, inside, strict=True)]
    assert day.tolist() == [
        value // units_a_day if fits and not null else 0
        for (value, null), fits in zip(cells, inside, strict=True)
    ]


def test_days_of_32_bits():
    units = np.array(
        [-(2**31), FIRST_DAY - 1, FIRST_DAY, -1, LAST_DAY, LAST_DAY + 1, 2**31 - 1], dtype=np.int32
    )
    day, wrong = np.empty(7, dtype=np.int32), np.empty(7, dtype=np.uint8)

    _encoding.take_days(units, flags([0] * 7), 1, day, wrong)

    assert day.tolist() == [0, 0, FIRST_DAY, -1, LAST_DAY, 0, 0]
    assert wrong.tolist() == [1, 1, 0, 0, 0, 1, 1]


# Amounts

amounts = st.sampled_from(
    [
        0,
        MAX_AMOUNT_MINOR,
        MAX_AMOUNT_MINOR + 1,
        -MAX_AMOUNT_MINOR,
        -MAX_AMOUNT_MINOR - 1,
        2**63,
        2**64 + 5,
        -(2**63),
    ]
) | st.integers(-(2**127), 2**127 - 1)


@given(st.lists(st.tuples(amounts, st.booleans())))
def test_amounts_of_128_bits(cells):
    halves = np.frombuffer(
        b"".join(amount.to_bytes(16, "little", signed=True) for amount, _ in cells), dtype=np.int64
    ).reshape(-1, 2)
    taken, wrong = np.empty(len(cells), dtype=np.int64), np.empty(len(cells), dtype=np.uint8)

    _encoding.take_amounts(halves, flags([null for _, null in cells]), MAX_AMOUNT_MINOR, taken, wrong)

    inside = [abs(amount) <= MAX_AMOUNT_MINOR for amount, _ in cells]
    assert wrong.tolist() == [not null and not fits for (_, null), fits in zip(cells, inside, strict=True)]
    assert taken.tolist() == [
        amount if fits and not null else 0 for (amount, null), fits in zip(cells, inside, strict=True)
    ]


@given(st.lists(INT64))
def test_widened_amounts_keep_their_sign(numbers):
    halves = np.empty((len(numbers), 2), dtype=np.int64)

    _encoding.widen(np.array(numbers, dtype=np.int64), halves)

    wide = halves.tobytes()
    assert [
        int.from_bytes(wide[16 * place : 16 * place + 16], "little", signed=True)
        for place in range(len(numbers))
    ] == numbers
