# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Texts that repeat, numbered in the order in which they first come.

Text i is content[starts[i]:stops[i]].  Nothing here looks at what a text says; `tariffcore.distinct_texts` proves
what these loops trust.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy, memset

from cpython.bytes cimport PyBytes_FromStringAndSize

cdef enum:
    FIRST_ROOM_BITS = 10  # 2**10 entries, of 24 kB, stay in the first cache

ctypedef fused list_offset:
    int32_t
    int64_t

cdef struct Key:
    uint64_t head  # the first 8 bytes, zeros behind; of a text of more than 16 a hash of all but the last ones
    uint64_t tail  # the last 8 bytes of a text of more than 8: with the head and the length all of one of at most 16

cdef struct Entry:
    Key key
    int32_t length
    int32_t number  # counted from 1; 0: the entry is free

cdef struct Numbering:
    Entry *entries
    int room_bits  # there are 2**room_bits entries, or none
    int32_t *first  # of each number, the text that has it
    int32_t count

cdef uint64_t[9] MASKS  # the first so many bytes of a word, whichever way the machine orders them
cdef int _length
for _length in range(9):
    memset(&MASKS[_length], 0, 8)
    memset(&MASKS[_length], 0xFF, _length)


cdef inline uint64_t word_at(const uint8_t *text, int length, bint whole) noexcept nogil:
    """At most 8 bytes as a word, zeros behind; ``whole``: 8 bytes may be read."""
    cdef uint64_t word = 0
    if whole:
        memcpy(&word, text, 8)
        return word & MASKS[length]
    memcpy(&word, text, length)
    return word


cdef inline Key key_of(const uint8_t *text, int32_t length, bint whole) noexcept nogil:
    cdef Key key
    cdef int32_t place
    key.tail = 0
    if length <= 8:
        key.head = word_at(text, length, whole)
    elif length <= 16:
        key.head = word_at(text, 8, True)
        key.tail = word_at(text + length - 8, 8, True)
    else:
        key.head = 0
        for place in range(0, length - 8, 8):
            key.head = (key.head ^ word_at(text + place, 8, True)) * <uint64_t>0xFF51AFD7ED558CCD
            key.head ^= key.head >> 32
        key.tail = word_at(text + length - 8, 8, True)
    return key


cdef inline uint64_t place_of(Key key, int room_bits) noexcept nogil:
    """Where to look first: the highest bits of a product, on which all bits of the key bear."""
    cdef uint64_t sum_of_both = key.head + key.tail * <uint64_t>0xC4CEB9FE1A85EC53
    return (sum_of_both ^ sum_of_both >> 32) * <uint64_t>0x9E3779B97F4A7C15 >> (64 - room_bits)


cdef bint make_room(Numbering *numbering) noexcept nogil:
    """Four times as many entries, or the first ones; whether there is memory for them."""
    cdef int room_bits = numbering.room_bits + 2 if numbering.room_bits else FIRST_ROOM_BITS
    cdef uint64_t room = <uint64_t>1 << room_bits
    cdef Entry *entries = <Entry *>calloc(room, sizeof(Entry))
    cdef int32_t *first = <int32_t *>realloc(numbering.first, room // 4 * sizeof(int32_t))
    cdef uint64_t i, place
    if first != NULL:
        numbering.first = first
    if entries == NULL or first == NULL:
        free(entries)
        return False
    if numbering.room_bits:
        for i in range(<uint64_t>1 << numbering.room_bits):
            if numbering.entries[i].number:
                place = place_of(numbering.entries[i].key, room_bits)
                while entries[place].number:
                    place = (place + 1) & (room - 1)
                entries[place] = numbering.entries[i]
    free(numbering.entries)
    numbering.entries = entries
    numbering.room_bits = room_bits
    return True


cdef bint number_each(
    Numbering *numbering, const uint8_t *content, Py_ssize_t size, const int32_t *starts, const int32_t *stops,
    uint8_t *null, bint empty_is_null, int32_t *number, Py_ssize_t count,
) noexcept nogil:
    cdef Py_ssize_t i
    cdef Key key
    cdef uint64_t place, room
    cdef int32_t length
    cdef Entry *entry
    cdef const uint8_t *text
    if not make_room(numbering):
        return False
    for i in range(count):
        length = stops[i] - starts[i]
        null[i] |= empty_is_null & (length == 0)
        if null[i]:
            number[i] = 0
            continue
        text = content + starts[i]
        key = key_of(text, length, starts[i] + 8 <= size)
        room = <uint64_t>1 << numbering.room_bits
        place = place_of(key, numbering.room_bits)
        while True:
            entry = &numbering.entries[place]
            if entry.number == 0:
                entry.key = key
                entry.length = length
                numbering.first[numbering.count] = <int32_t>i
                numbering.count += 1
                entry.number = numbering.count
                number[i] = numbering.count - 1
                if <uint64_t>numbering.count * 4 >= room and not make_room(numbering):
                    return False
                break
            if entry.key.head == key.head and entry.key.tail == key.tail and entry.length == length and (
                length <= 16 or memcmp(content + starts[numbering.first[entry.number - 1]], text, length) == 0
            ):
                number[i] = entry.number - 1
                break
            place = (place + 1) & (room - 1)
    return True


def number_texts(
    const uint8_t[::1] content,
    const int32_t[::1] starts,
    const int32_t[::1] stops,
    uint8_t[::1] null,
    bint empty_is_null,
    int32_t[::1] number,
):
    """Equal texts get equal numbers, counted from 0; answers which text is the first of each number, as int32.

    ``null`` is 1 where there is no text, and then the number is 0; with ``empty_is_null`` it becomes 1 where a
    text has no bytes.
    """
    cdef Numbering numbering
    cdef bint done
    memset(&numbering, 0, sizeof(numbering))
    try:
        with nogil:
            done = number_each(
                &numbering, &content[0], content.shape[0], &starts[0], &stops[0], &null[0], empty_is_null,
                &number[0], number.shape[0],
            )
        if not done:
            raise MemoryError
        return PyBytes_FromStringAndSize(<const char *>numbering.first, numbering.count * sizeof(int32_t))
    finally:
        free(numbering.entries)
        free(numbering.first)


def split_texts(
    const uint8_t[::1] content,
    const int32_t[::1] offsets,
    uint8_t separator,
    uint8_t other_separator,
    int32_t[::1] starts,
    int32_t[::1] stops,
    int32_t[::1] first_part,
):
    """Where the parts between separators lie, and the first part of each text, of the one behind the last as well.

    Text i is content[offsets[i]:offsets[i + 1]].  There is room for a part a text and one a separator.
    """
    cdef Py_ssize_t i
    cdef int32_t place
    cdef int32_t part = 0
    with nogil:
        for i in range(offsets.shape[0] - 1):
            first_part[i] = part
            starts[part] = offsets[i]
            for place in range(offsets[i], offsets[i + 1]):
                if content[place] == separator or content[place] == other_separator:
                    stops[part] = place
                    part += 1
                    starts[part] = place + 1
            stops[part] = offsets[i + 1]
            part += 1
        first_part[offsets.shape[0] - 1] = part


def gather_bits(
    const uint8_t[::1] bits, const list_offset[::1] offsets, const uint8_t[::1] null, uint8_t[::1] together
):
    """together[i] is what bits[offsets[i]:offsets[i + 1]] come to when put together; 0 where null."""
    cdef Py_ssize_t i
    cdef list_offset place
    cdef uint8_t own
    with nogil:
        for i in range(together.shape[0]):
            own = 0
            if not null[i]:
                for place in range(offsets[i], offsets[i + 1]):
                    own |= bits[place]
            together[i] = own
