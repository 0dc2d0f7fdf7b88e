# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Values as the pages of a Parquet file hold them.

The encodings are those of the Parquet format's `Encodings.md`.  Nothing is checked here: the arrays must have the
room that `tariffcore.files.parquet_writing` works out.  Numbers are little-endian, as the processor's are.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    int leading_zeros "__builtin_clzll"(uint64_t value) noexcept nogil
    uint64_t swapped "__builtin_bswap64"(uint64_t value) noexcept nogil

ctypedef fused index_number:
    uint8_t
    uint16_t
    uint32_t

cdef enum:
    BLOCK = 128        # values of a block of DELTA_BINARY_PACKED
    MINIBLOCKS = 4
    MINIBLOCK = 32


def pack_bits(const index_number[::1] number, int width, uint8_t[::1] packed):
    """Numbers below 2**width in ``width`` bits each, the lowest first, up to a multiple of eight of them."""
    cdef const index_number *numbers = &number[0]
    cdef uint8_t *place = &packed[0]
    cdef Py_ssize_t count = number.shape[0]
    cdef Py_ssize_t whole = (count + 7) // 8 * width
    cdef uint64_t word = 0
    cdef int used = 0
    cdef Py_ssize_t i
    with nogil:
        for i in range(count):
            word |= <uint64_t>numbers[i] << used
            used += width
            if used >= 32:
                memcpy(place, &word, 4)
                place += 4
                word >>= 32
                used -= 32
        # at most 31 bits and the seven numbers, 0, that fill the last eight
        whole -= place - &packed[0]
        while whole > 0:
            place[0] = <uint8_t>word
            word >>= 8
            place += 1
            whole -= 1


cdef inline uint8_t *put_varint(uint8_t *place, uint64_t value) noexcept nogil:
    while value >= 128:
        place[0] = <uint8_t>(value | 128)
        value >>= 7
        place += 1
    place[0] = <uint8_t>value
    return place + 1


cdef inline uint64_t zigzag(int64_t value) noexcept nogil:
    return (<uint64_t>value << 1) ^ <uint64_t>(value >> 63)


cdef inline int bits_of(uint64_t value) noexcept nogil:
    return 64 - leading_zeros(value) if value else 0


cdef inline uint8_t *put_miniblock(uint8_t *place, const uint64_t *value, int width) noexcept nogil:
    cdef uint64_t word = 0
    cdef int used = 0
    cdef int k
    if width == 0:
        return place
    for k in range(MINIBLOCK):
        word |= value[k] << used
        used += width
        if used >= 64:
            memcpy(place, &word, 8)
            place += 8
            used -= 64
            word = value[k] >> (width - used) if used else 0
    # 32 numbers of any width end at half a word
    memcpy(place, &word, used >> 3)
    return place + (used >> 3)


def pack_deltas(const int64_t[::1] number, uint8_t[::1] packed):
    """Numbers as DELTA_BINARY_PACKED: the first one, then blocks of differences. Returns the bytes written."""
    cdef const int64_t *numbers = &number[0]
    cdef uint8_t *place = &packed[0]
    cdef uint8_t *widths
    cdef Py_ssize_t count = number.shape[0]
    cdef Py_ssize_t first = 1
    cdef Py_ssize_t i, n
    cdef int block, width
    cdef uint64_t together
    cdef int64_t least
    cdef int64_t delta[BLOCK]
    cdef uint64_t above[BLOCK]
    with nogil:
        place = put_varint(place, BLOCK)
        place = put_varint(place, MINIBLOCKS)
        place = put_varint(place, <uint64_t>count)
        place = put_varint(place, zigzag(numbers[0]) if count else 0)
        while first < count:
            n = count - first if count - first < BLOCK else BLOCK
            # differences wrap around, as adding them up again does
            for i in range(n):
                delta[i] = <int64_t>(<uint64_t>numbers[first + i] - <uint64_t>numbers[first + i - 1])
            least = delta[0]
            for i in range(1, n):
                least = delta[i] if delta[i] < least else least
            for i in range(n):
                above[i] = <uint64_t>delta[i] - <uint64_t>least
            for i in range(n, BLOCK):
                above[i] = 0
            place = put_varint(place, zigzag(least))
            widths = place
            place += MINIBLOCKS
            for block in range(MINIBLOCKS):
                together = 0
                for i in range(block * MINIBLOCK, (block + 1) * MINIBLOCK):
                    together |= above[i]
                width = bits_of(together)
                widths[block] = <uint8_t>width
                # miniblocks that hold no number at all are left out
                if block * MINIBLOCK < n:
                    place = put_miniblock(place, above + block * MINIBLOCK, width)
            first += BLOCK
    return place - &packed[0]


def put_big_endian(const int64_t[::1] number, int width, uint8_t[::1] written):
    """Numbers as two's complements of ``width`` bytes, at least 8, the highest byte first."""
    cdef const int64_t *numbers = &number[0]
    cdef uint8_t *place = &written[0]
    cdef uint64_t own
    cdef uint8_t sign
    cdef Py_ssize_t i
    cdef int k
    with nogil:
        for i in range(number.shape[0]):
            own = swapped(<uint64_t>numbers[i])
            sign = <uint8_t>(numbers[i] >> 63)
            for k in range(width - 8):
                place[k] = sign
            place += width - 8
            memcpy(place, &own, 8)
            place += 8
