"""Counts and sums by code, against Python's own integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore import _tallies
from tariffcore.money import MAX_AMOUNT_MINOR


def tallied(code, null, counted, amount_minor, codes):
    """(rows, exact sum) of each code below ``codes`` and of all others, added up in three parts."""
    tally = np.zeros((codes + 1, 3), dtype=np.int64)
    for part in np.array_split(np.arange(len(code)), 3):
        _tallies.add_up(
            code[part],
            np.array(null, dtype=np.uint8)[part],
            np.array(counted, dtype=np.uint8)[part],
            np.array(amount_minor, dtype=np.int64)[part],
            tally,
        )
    return [(rows, (high << 32) + low) for rows, low, high in tally.tolist()]


def test_sums_beyond_64_bits_are_exact():
    """A million of the largest amounts are more than 2**63 a hundred thousand times over."""
    half = 500_000
    code = np.tile(np.array([0, 2], dtype=np.uint16), half)
    amount_minor = np.tile([MAX_AMOUNT_MINOR, -MAX_AMOUNT_MINOR], half)
    every = np.ones(2 * half)

    assert tallied(code, 0 * every, every, amount_minor, 3) == [
        (half, half * MAX_AMOUNT_MINOR),
        (0, 0),
        (half, -half * MAX_AMOUNT_MINOR),
        (0, 0),
    ]


rows = st.tuples(
    st.sampled_from([0, 1, 2, 254, 255]), st.booleans(), st.booleans(), st.integers(-(2**63), 2**63 - 1)
)


@pytest.mark.parametrize("code_type", [np.uint8, np.uint16, np.uint32, np.uint64])
@given(cells=st.lists(rows, max_size=60), codes=st.integers(0, 3))
def test_sums_are_those_of_python(code_type, cells, codes):
    code = np.array([own for own, *_ in cells], dtype=code_type)
    _, null, counted, amount_minor = zip(*cells, strict=True) if cells else ([],) * 4

    found = tallied(code, null, counted, amount_minor, codes)

    for place in range(codes + 1):
        amounts = [
            amount
            for own, is_null, counts, amount in cells
            if counts and (codes if is_null or own >= codes else own) == place
        ]
        assert found[place] == (len(amounts), sum(amounts))
