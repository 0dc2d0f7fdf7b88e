"""Pieces of messages as protobuf has them on the wire, for the modules that read or write whole ones."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

cdef extern from *:
    """
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    #define TARIFFCORE_LITTLE_ENDIAN 0
    #define TARIFFCORE_WIRE64(word) __builtin_bswap64(word)
    #define TARIFFCORE_WIRE32(word) __builtin_bswap32(word)
    #else
    #define TARIFFCORE_LITTLE_ENDIAN 1
    #define TARIFFCORE_WIRE64(word) (word)
    #define TARIFFCORE_WIRE32(word) (word)
    #endif
    """
    bint LITTLE_ENDIAN "TARIFFCORE_LITTLE_ENDIAN"
    uint64_t wire64 "TARIFFCORE_WIRE64"(uint64_t word) noexcept nogil
    uint32_t wire32 "TARIFFCORE_WIRE32"(uint32_t word) noexcept nogil


cdef inline Py_ssize_t read_varint(
    const uint8_t *message, Py_ssize_t at, Py_ssize_t stop, uint64_t *value
) noexcept nogil:
    """Where the number ends; -1 where it is cut short or takes more than 32 bits."""
    cdef uint64_t number = 0
    cdef int shift = 0
    cdef uint8_t octet
    while at < stop and shift < 35:
        octet = message[at]
        at += 1
        number |= <uint64_t>(octet & 0x7F) << shift
        if not octet & 0x80:
            value[0] = number
            return at if number < (<uint64_t>1 << 32) else -1
        shift += 7
    return -1


cdef inline uint8_t *put_varint(uint8_t *at, uint64_t value) noexcept nogil:
    while value >= 0x80:
        at[0] = <uint8_t>(value | 0x80)
        value >>= 7
        at += 1
    at[0] = <uint8_t>value
    return at + 1


cdef inline Py_ssize_t varint_size(uint64_t value) noexcept nogil:
    cdef Py_ssize_t size = 1
    while value >= 0x80:
        value >>= 7
        size += 1
    return size


cdef inline Py_ssize_t run_size(Py_ssize_t octets) noexcept nogil:
    """Of a field with a number below 16."""
    return 1 + varint_size(<uint64_t>octets) + octets


cdef inline uint8_t *put_head(uint8_t *at, int field, Py_ssize_t octets) noexcept nogil:
    return put_varint(put_varint(at, <uint64_t>(field << 3 | 2)), <uint64_t>octets)


cdef inline uint8_t *put_octets(uint8_t *at, int field, const uint8_t *octets, Py_ssize_t n) noexcept nogil:
    at = put_head(at, field, n)
    memcpy(at, octets, n)
    return at + n


cdef inline void put_words64(uint8_t *at, const int64_t *words, Py_ssize_t n) noexcept nogil:
    cdef uint64_t word
    cdef Py_ssize_t i
    if LITTLE_ENDIAN:
        memcpy(at, words, 8 * n)
    else:
        for i in range(n):
            word = wire64(<uint64_t>words[i])
            memcpy(at + 8 * i, &word, 8)
