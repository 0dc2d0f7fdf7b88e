"""Values packed as Parquet packs them, unpacked again by the letter of the format."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tariffcore import _parquet_pages

INT64 = st.integers(-(2**63), 2**63 - 1)


def unpacked(octets, width, count):
    bits = int.from_bytes(octets, "little")
    return [bits >> (width * place) & ((1 << width) - 1) for place in range(count)]


class Bytes:
    def __init__(self, octets):
        self.octets, self.place = octets, 0

    def take(self, count):
        self.place += count
        assert self.place <= len(self.octets)
        return self.octets[self.place - count : self.place]

    def varint(self):
        value = shift = 0
        while True:
            (byte,) = self.take(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def zigzag(self):
        value = self.varint()
        return (value >> 1) ^ -(value & 1)


def numbers_of_deltas(octets):
    """What a reader makes of DELTA_BINARY_PACKED."""
    source = Bytes(octets)
    block, miniblocks, count = source.varint(), source.varint(), source.varint()
    numbers = [source.zigzag()]
    while len(numbers) < count:
        least = source.zigzag()
        for width in source.take(miniblocks):
            if len(numbers) < count:
                size = block // miniblocks
                for delta in unpacked(source.take(size * width // 8), width, size):
                    number = numbers[-1] + least + delta + (1 << 63)
                    numbers.append(number % (1 << 64) - (1 << 63))
    assert source.place == len(octets)
    return numbers[:count]


def packed_deltas(numbers):
    packed = np.full(24 + -(-len(numbers) // 128) * (14 + 128 * 8), 0xEE, dtype=np.uint8)
    written = _parquet_pages.pack_deltas(np.array(numbers, dtype=np.int64), packed)
    assert (packed[written:] == 0xEE).all()
    return packed[:written].tobytes()


@given(st.lists(INT64 | st.integers(-5, 5), max_size=400))
def test_deltas_of_any_numbers(numbers):
    assert numbers_of_deltas(packed_deltas(numbers)) == numbers


@pytest.mark.parametrize("count", [0, 1, 2, 32, 33, 34, 128, 129, 130, 257])
def test_deltas_at_the_ends_of_blocks(count):
    numbers = [place * place - 7 for place in range(count)]
    assert numbers_of_deltas(packed_deltas(numbers)) == numbers


@pytest.mark.parametrize("width", range(65))
def test_deltas_of_every_width(width):
    rng = np.random.default_rng(width)
    deltas = [int(delta) & ((1 << width) - 1) for delta in rng.integers(0, 2**64, 300, dtype=np.uint64)]
    numbers = [0]
    for delta in [(1 << width) - 1, 0, *deltas]:
        numbers.append((numbers[-1] + delta + (1 << 63)) % (1 << 64) - (1 << 63))
    assert numbers_of_deltas(packed_deltas(numbers)) == numbers


def test_ids_that_count_up_take_next_to_nothing():
    assert len(packed_deltas(range(1_000, 129_000))) < 1_000 * 6 + 10


@pytest.mark.parametrize("number_type", [np.uint8, np.uint16, np.uint32])
@given(st.data())
def test_bits_of_every_width(number_type, data):
    width = data.draw(st.integers(1, np.iinfo(number_type).bits))
    numbers = data.draw(st.lists(st.integers(0, 2**width - 1) | st.just(2**width - 1), max_size=70))
    size = -(-len(numbers) // 8) * width
    packed = np.full(size + 1, 0xEE, dtype=np.uint8)

    _parquet_pages.pack_bits(np.array(numbers, dtype=number_type), width, packed[:size])

    assert unpacked(packed[:size].tobytes(), width, len(numbers)) == numbers
    assert int.from_bytes(packed[:size].tobytes(), "little") < 1 << width * len(numbers)
    assert packed[size] == 0xEE


@given(st.lists(INT64), st.integers(8, 16))
def test_numbers_with_the_highest_byte_first(numbers, width):
    written = np.empty(len(numbers) * width, dtype=np.uint8)

    _parquet_pages.put_big_endian(np.array(numbers, dtype=np.int64), width, written)

    octets = written.tobytes()
    assert [
        int.from_bytes(octets[place : place + width], "big", signed=True)
        for place in range(0, len(octets), width)
    ] == numbers
