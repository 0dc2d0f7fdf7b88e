"""Exact numbers: reading, rounding, splitting and writing them."""

import decimal
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.errors import NumberFormatError, TariffcoreError
from tariffcore.money import (
    MAX_AMOUNT_MINOR,
    MAX_DIGITS,
    RoundingMode,
    decimal_places,
    format_exact,
    format_minor,
    format_percent,
    parse_decimal,
    parse_share,
    round_to_int,
    round_to_places,
    split_amount,
)

HALF_UP, HALF_EVEN, DOWN, UP = (
    RoundingMode.HALF_UP,
    RoundingMode.HALF_EVEN,
    RoundingMode.DOWN,
    RoundingMode.UP,
)

fractions = st.fractions(max_denominator=10**6) | st.builds(Fraction, st.integers(), st.just(2))


# Reading


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22.0576", Fraction(220_576, 10_000)),
        ("0", Fraction(0)),
        ("-12.3400", Fraction(-1_234, 100)),
        ("+5", Fraction(5)),
        (" 5.0\u00a0", Fraction(5)),
        ("007", Fraction(7)),
        ("9" * 38, Fraction(10**38 - 1)),
        ("0." + "0" * 36 + "1", Fraction(1, 10**37)),
    ],
)
def test_decimals_are_read_exactly(text, value):
    assert parse_decimal(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        ".5",
        "5.",
        "1,5",
        "1e5",
        "1E-2",
        "1 000",
        "1_000",
        "--1",
        "1.2.3",
        "0x1",
        "nan",
        "inf",
        "٥",
        "1/6",
        "²",
    ],
)
def test_what_is_no_decimal_is_refused(text):
    with pytest.raises(NumberFormatError, match=r"is not a decimal number such as 12\.34"):
        parse_decimal(text)


def test_numbers_longer_than_38_digits_are_refused():
    assert MAX_DIGITS == 38
    for text in ("9" * 39, "0." + "0" * 38, "1" * 5_000):
        with pytest.raises(NumberFormatError, match="a number has at most 38 digits"):
            parse_decimal(text)
    with pytest.raises(NumberFormatError, match="a number has at most 38 digits"):
        parse_share("1/" + "9" * 38)


def test_a_number_format_error_is_ours_and_a_value_error():
    assert issubclass(NumberFormatError, TariffcoreError)
    assert issubclass(NumberFormatError, ValueError)
    assert NumberFormatError.reason == "NUMBER_FORMAT"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1/6", Fraction(1, 6)),
        ("0.40", Fraction(2, 5)),
        (" 2/4 ", Fraction(1, 2)),
        ("2", Fraction(2)),
        ("0/5", Fraction(0)),
    ],
)
def test_shares_are_decimals_or_fractions(text, value):
    assert parse_share(text) == value


@pytest.mark.parametrize("text", ["1/0", "0/0", "1/00"])
def test_a_share_does_not_divide_by_zero(text):
    with pytest.raises(NumberFormatError, match="divides by zero"):
        parse_share(text)


@pytest.mark.parametrize("text", ["1/", "/6", "-1/6", "1/-6", "1 / 6", "1/6/2", "0.5/2", "½"])
def test_what_is_no_share_is_refused(text):
    with pytest.raises(NumberFormatError):
        parse_share(text)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**20), max_value=10**20))
def test_a_decimal_is_read_as_written(value):
    assert parse_decimal(f"{value:f}") == Fraction(value)


# Rounding


@pytest.mark.parametrize(
    ("value", "half_up", "half_even", "down", "up"),
    [
        ("2.5", 3, 2, 2, 3),
        ("3.5", 4, 4, 3, 4),
        ("0.5", 1, 0, 0, 1),
        ("1.5", 2, 2, 1, 2),
        ("2.4999999999999999999", 2, 2, 2, 3),
        ("2.5000000000000000001", 3, 3, 2, 3),
        ("2", 2, 2, 2, 2),
        ("0", 0, 0, 0, 0),
        ("0.0000000000000000001", 0, 0, 0, 1),
        ("1/3", 0, 0, 0, 1),
        ("2/3", 1, 1, 0, 1),
        ("9007199254740993/2", 4503599627370497, 4503599627370496, 4503599627370496, 4503599627370497),
    ],
)
def test_rounding_modes(value, half_up, half_even, down, up):
    exact = Fraction(value)

    assert [round_to_int(exact, mode) for mode in RoundingMode] == [half_up, half_even, down, up]
    # negative values mirror positive ones
    assert [round_to_int(-exact, mode) for mode in RoundingMode] == [-half_up, -half_even, -down, -up]
    assert round_to_int(exact) == half_up


def test_the_modes_are_spelled_as_in_a_schedule():
    assert [mode.value for mode in RoundingMode] == ["half_up", "half_even", "down", "up"]


@given(st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**20), max_value=10**20))
@example(Decimal("0.500"))
@example(Decimal("-2.500"))
def test_rounding_is_that_of_the_decimal_module(value):
    theirs = {
        HALF_UP: decimal.ROUND_HALF_UP,
        HALF_EVEN: decimal.ROUND_HALF_EVEN,
        DOWN: decimal.ROUND_DOWN,
        UP: decimal.ROUND_UP,
    }
    for mode, name in theirs.items():
        assert round_to_int(Fraction(value), mode) == int(value.quantize(Decimal(1), rounding=name))


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("1.56456", 4, "1.5646"),
        ("1.56455", 4, "1.5646"),
        ("1.564549", 4, "1.5645"),
        ("1234.5", 0, "1235"),
        ("1250", -2, "1300"),
        ("1249.99", -2, "1200"),
        ("-1250", -2, "-1300"),
        ("499999", -6, "0"),
        ("500000", -6, "1000000"),
        ("1.5", 12, "1.5"),
    ],
)
def test_rounding_to_places(value, places, rounded):
    assert round_to_places(Fraction(value), places) == Fraction(rounded)


@given(value=fractions, places=st.integers(-6, 12), mode=st.sampled_from(list(RoundingMode)))
def test_a_rounded_value_is_a_neighbour_and_stays(value, places, mode):
    step = Fraction(1, 10**places) if places >= 0 else Fraction(10**-places)
    rounded = round_to_places(value, places, mode)

    assert (rounded / step).denominator == 1
    assert abs(rounded - value) < step
    assert round_to_places(rounded, places, mode) == rounded
    if mode in (HALF_UP, HALF_EVEN):
        assert abs(rounded - value) <= step / 2
    if mode is DOWN:
        assert abs(rounded) <= abs(value)
    if mode is UP:
        assert abs(rounded) >= abs(value)


# Splitting


def test_parts_are_what_the_running_total_leaves():
    thirds = [Fraction(1, 3)] * 3

    assert split_amount(100, thirds) == [33, 34, 33]
    assert split_amount(1, thirds) == [0, 1, 0]
    assert split_amount(2, [Fraction(1, 2), Fraction(1, 2)]) == [1, 1]
    assert split_amount(1, [Fraction(1, 2), Fraction(1, 2)]) == [1, 0]  # half up
    assert split_amount(0, thirds) == [0, 0, 0]
    assert split_amount(10, [Fraction(0), Fraction(1), Fraction(0)]) == [0, 10, 0]


def test_shares_that_do_not_sum_to_one_are_refused():
    with pytest.raises(ValueError, match="shares sum to 2/3, not to 1"):
        split_amount(100, [Fraction(1, 3), Fraction(1, 3)])
    with pytest.raises(ValueError, match="shares sum to 0, not to 1"):
        split_amount(100, [])


@given(
    amount_minor=st.integers(0, MAX_AMOUNT_MINOR),
    weights=st.lists(st.integers(0, 10**9), min_size=1, max_size=12).filter(any),
)
def test_parts_sum_to_the_amount_and_lie_beside_their_share(amount_minor, weights):
    shares = [Fraction(weight, sum(weights)) for weight in weights]

    parts = split_amount(amount_minor, shares)

    assert sum(parts) == amount_minor
    assert all(part >= 0 for part in parts)
    assert all(abs(part - amount_minor * share) <= 1 for part, share in zip(parts, shares, strict=True))


# Writing


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("3.9114", 4, "3.9114"),
        ("2.5000", 1, "2.5"),
        ("7", 0, "7"),
        ("1200", 0, "1200"),
        ("0", 0, "0"),
        ("0.05", 2, "0.05"),
        ("-0.05", 2, "-0.05"),
        ("-12.5", 1, "-12.5"),
        ("1/8", 3, "0.125"),
        ("1/6", None, "1/6"),
        ("-5/3", None, "-5/3"),
        ("1/1024", 10, "0.0009765625"),
    ],
)
def test_exact_values_are_written_as_people_do(value, places, text):
    assert decimal_places(Fraction(value)) == places
    assert format_exact(Fraction(value)) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ("3/50", "6 %"),
        ("0.005", "0.5 %"),
        ("1", "100 %"),
        ("0", "0 %"),
        ("1/3", "100/3 %"),
        ("-0.5", "-50 %"),
    ],
)
def test_shares_are_written_in_per_cent(share, text):
    assert format_percent(Fraction(share)) == text


@given(fractions)
def test_what_is_written_exactly_is_read_back(value):
    text = format_exact(value)

    if "/" in text:
        assert Fraction(text) == value
        assert decimal_places(value) is None
    elif len(text) <= MAX_DIGITS:
        assert parse_decimal(text) == value
        assert len(text.partition(".")[2]) == decimal_places(value)


@pytest.mark.parametrize(
    ("amount_minor", "minor_units", "text"),
    [
        (68_693_098, 2, "686930.98"),
        (5, 2, "0.05"),
        (-5, 2, "-0.05"),
        (0, 2, "0.00"),
        (100, 2, "1.00"),
        (-12_345, 0, "-12345"),
        (0, 0, "0"),
        (1, 4, "0.0001"),
        (MAX_AMOUNT_MINOR, 2, "9999999999999999.99"),
    ],
)
def test_amounts_are_written_with_all_their_minor_units(amount_minor, minor_units, text):
    assert format_minor(amount_minor, minor_units) == text


def test_thousands_are_set_apart_if_asked():
    assert format_minor(68_693_098, 2, thousands=" ") == "686 930.98"
    assert format_minor(-385_396_188, 2, thousands=",") == "-3,853,961.88"
    assert format_minor(1_234_567, 0, thousands="\u00a0") == "1\u00a0234\u00a0567"
    assert format_minor(99_999, 2, thousands=" ") == "999.99"


@given(amount_minor=st.integers(-MAX_AMOUNT_MINOR, MAX_AMOUNT_MINOR), minor_units=st.integers(0, 4))
def test_a_written_amount_is_the_amount(amount_minor, minor_units):
    text = format_minor(amount_minor, minor_units)

    assert parse_decimal(text) * 10**minor_units == amount_minor
    assert format_minor(amount_minor, minor_units, thousands=" ").replace(" ", "") == text
