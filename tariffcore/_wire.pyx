# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Messages of columns, read where they lie and written in one piece.

`scan` knows the plain form that generated code writes: every column packed and in one run, every number as short
as can be told.  Whatever else protobuf allows, or does not, it leaves to the protobuf library and says so.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
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

# What a field holds: tariffcore.wire.forms
cdef enum:
    UNKNOWN = 0
    VARINT = 1
    FIXED32 = 2
    FIXED64 = 3
    OCTETS = 4
    TEXT = 5
    MESSAGES = 6

# What `scan` found: tariffcore.wire.forms
cdef enum:
    PLAIN = 0
    ODD = 1
    NO_TEXT = 2


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


def scan(
    const uint8_t[::1] message,
    Py_ssize_t start,
    Py_ssize_t stop,
    const uint8_t[::1] forms,       # of each field by its number
    int64_t[::1] offsets,
    int64_t[::1] lengths,
    int64_t[::1] numbers,
):
    """Find the fields of message[start:stop].

    Writes for each column where it begins and its bytes (-1 and 0 where left out), and for each number its value
    (0 where left out).  Answers (PLAIN, texts as pairs of field and text, messages as triples of field, offset and
    length), or (ODD, None, None) where the library must read, or (NO_TEXT, field, place among that field's texts).
    """
    cdef const uint8_t *octets = &message[0]
    cdef Py_ssize_t at = start
    cdef uint64_t tag, length
    cdef Py_ssize_t fields = forms.shape[0]
    cdef Py_ssize_t field
    cdef int form, width
    cdef list texts = []
    cdef list messages = []
    for field in range(fields):
        offsets[field] = -1
        lengths[field] = 0
        numbers[field] = 0
    while at < stop:
        at = read_varint(octets, at, stop, &tag)
        if at < 0:
            return ODD, None, None
        field = <Py_ssize_t>(tag >> 3)
        form = forms[field] if field < fields else UNKNOWN
        if form == UNKNOWN or (tag & 7) != (0 if form == VARINT else 2):
            return ODD, None, None
        at = read_varint(octets, at, stop, &length)
        if at < 0:
            return ODD, None, None
        if form == VARINT:
            numbers[field] = <int64_t>length
            continue
        if length > <uint64_t>(stop - at):
            return ODD, None, None
        if form == TEXT:
            try:
                texts.append((field, PyUnicode_DecodeUTF8(<const char *>octets + at, <Py_ssize_t>length, NULL)))
            except UnicodeDecodeError:
                return NO_TEXT, field, sum([1 for kind, _ in texts if kind == field])
        elif form == MESSAGES:
            messages.append((field, at, length))
        else:
            width = 4 if form == FIXED32 else 8 if form == FIXED64 else 1
            if offsets[field] >= 0 or length % width:
                return ODD, None, None
            if length:
                offsets[field] = at
                lengths[field] = <int64_t>length
        at += <Py_ssize_t>length
    return PLAIN, texts, messages


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


cdef inline uint8_t *put_amounts(uint8_t *at, int field, const int64_t *amounts, Py_ssize_t n) noexcept nogil:
    cdef uint64_t word
    cdef Py_ssize_t i
    at = put_head(at, field, 8 * n)
    if LITTLE_ENDIAN:
        memcpy(at, amounts, 8 * n)
    else:
        for i in range(n):
            word = wire64(<uint64_t>amounts[i])
            memcpy(at + 8 * i, &word, 8)
    return at + 8 * n


def write_priced(
    Py_ssize_t rows,
    const int64_t[::1] amount_minor,
    const uint8_t[::1] status,
    const uint8_t[::1] edition,
    const uint16_t[::1] rule,           # None: rules are not asked for
    const uint32_t[::1] place_of_rule,  # kernel's rule number: place in ColumnStreamStarted
    const uint8_t[::1] has_parts,       # None: components are not asked for
    const int64_t[:, ::1] parts_minor,  # component, row; None where there are no components
):
    """A whole PriceCaseColumnsResponse with the prices of the first rows of these arrays."""
    cdef Py_ssize_t components = 0 if parts_minor is None else parts_minor.shape[0]
    cdef Py_ssize_t component = run_size(8 * rows)
    cdef Py_ssize_t size = 1 + varint_size(rows) + run_size(8 * rows) + 2 * run_size(rows)
    cdef const uint16_t *rules = NULL if rule is None else &rule[0]
    cdef const uint32_t *places = &place_of_rule[0]
    cdef const uint8_t *parted = NULL if has_parts is None else &has_parts[0]
    cdef const int64_t *amounts = &amount_minor[0]
    cdef const uint8_t *statuses = &status[0]
    cdef const uint8_t *editions = &edition[0]
    cdef const int64_t *parts = NULL if components == 0 else &parts_minor[0, 0]
    cdef Py_ssize_t stride = 0 if components == 0 else parts_minor.shape[1]
    cdef uint32_t word
    cdef uint8_t *at
    cdef Py_ssize_t i, k
    if rules != NULL:
        size += run_size(4 * rows)
    if parted != NULL:
        size += run_size(rows) + components * run_size(component)
    cdef object answer = PyBytes_FromStringAndSize(NULL, run_size(size))
    at = <uint8_t *>PyBytes_AsString(answer)
    with nogil:
        at = put_head(at, 2, size)
        at = put_varint(put_varint(at, 1 << 3), <uint64_t>rows)
        at = put_amounts(at, 2, amounts, rows)
        at = put_octets(at, 3, statuses, rows)
        at = put_octets(at, 4, editions, rows)
        if rules != NULL:
            at = put_head(at, 5, 4 * rows)
            for i in range(rows):
                word = wire32(places[rules[i]] if statuses[i] == 1 else 0)
                memcpy(at + 4 * i, &word, 4)
            at += 4 * rows
        if parted != NULL:
            at = put_octets(at, 6, parted, rows)
            for k in range(components):
                at = put_head(at, 7, component)
                at = put_amounts(at, 1, parts + k * stride, rows)
    return answer


def count_statuses(const uint8_t[::1] status, Py_ssize_t rows, int64_t[::1] counts):
    """How many of the first rows have each status, by its number; ``counts`` has room for 256."""
    cdef const uint8_t *statuses = &status[0]
    cdef int64_t ok = 0
    cdef Py_ssize_t i
    counts[:] = 0
    with nogil:
        for i in range(rows):
            ok += statuses[i] == 1
        # nearly all are OK, and counting one number runs on many rows at once
        if ok < rows:
            for i in range(rows):
                if statuses[i] != 1:
                    counts[statuses[i]] += 1
    counts[1] = ok
