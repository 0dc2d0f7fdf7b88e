# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The columns of CSV text without quotation marks, as the buffers of Arrow arrays.

Where a field ends is looked for in 64 bytes at once; rows are taken `TILE_ROWS` at a time, column by column,
while their text is in the processor's cache.
"""

import sys

from cpython.bytearray cimport PyByteArray_AsString, PyByteArray_FromStringAndSize, PyByteArray_Resize
from cpython.ref cimport PyObject
from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free, malloc, realloc
from libc.string cimport memcmp, memcpy

cdef extern from *:
    """
    #include <stdint.h>
    #ifdef __SSE2__
    #include <emmintrin.h>
    static inline uint64_t ends_in_16(const uint8_t *text, uint8_t delimiter) {
        __m128i octets = _mm_loadu_si128((const __m128i *)text);
        __m128i ends = _mm_cmpeq_epi8(octets, _mm_set1_epi8((char)delimiter));
        ends = _mm_or_si128(ends, _mm_cmpeq_epi8(octets, _mm_set1_epi8('\\n')));
        ends = _mm_or_si128(ends, _mm_cmpeq_epi8(octets, _mm_set1_epi8('\\r')));
        return (uint64_t)(unsigned)_mm_movemask_epi8(ends);
    }
    #else
    static inline uint64_t ends_in_16(const uint8_t *text, uint8_t delimiter) {
        uint64_t ends = 0;
        for (int i = 0; i < 16; i++)
            ends |= (uint64_t)(text[i] == delimiter || text[i] == '\\n' || text[i] == '\\r') << i;
        return ends;
    }
    #endif
    /* One bit for each of 64 bytes that ends a field. */
    static inline uint64_t ends_in_64(const uint8_t *text, uint8_t delimiter) {
        return ends_in_16(text, delimiter) | ends_in_16(text + 16, delimiter) << 16
            | ends_in_16(text + 32, delimiter) << 32 | ends_in_16(text + 48, delimiter) << 48;
    }
    """
    uint64_t ends_in_64(const uint8_t *text, uint8_t delimiter) noexcept nogil
    int lowest_bit "__builtin_ctzll"(uint64_t bits) noexcept nogil

cdef enum:
    TILE_ROWS = 512  # a multiple of 8: bits of validity are written by whole bytes
    USUAL_TEXT = 16  # bytes; a column whose texts are longer on average gets more as it is read
    AT_ONCE = 32  # bytes that are copied as one where there is room

cdef struct Word:
    # a text of a dictionary: where it stands first
    uint64_t hash
    int32_t start
    int32_t length

cdef struct Column:
    Py_ssize_t position
    Py_ssize_t nulls
    uint8_t *validity
    # words is NULL: the offsets of texts; else which word each cell is
    int32_t *numbers
    PyObject *octet_array
    uint8_t *octets
    int64_t octet_room
    int32_t filled
    Word *words
    int32_t word_count
    int32_t word_room
    int32_t *slots
    int slot_shift  # a slot is the upper bits of a hash

cdef struct Rows:
    const uint8_t *text
    int32_t size
    int32_t size_for_8  # up to here 8 bytes may be read as a little-endian number
    uint8_t delimiter
    int32_t width
    # of each row in the tile the byte before it and the ends of its fields
    int32_t *ends
    int32_t in_tile
    # of the line that was begun
    int32_t fields
    int32_t start
    # all so far
    int32_t good
    int32_t wrong
    int32_t room
    int32_t *wrong_rows


cdef inline uint64_t mixed(uint64_t hash, uint64_t octets) noexcept nogil:
    hash = (hash ^ octets) * <uint64_t>0x9E3779B97F4A7C15
    return hash ^ (hash >> 32)


cdef inline uint64_t hash_of(const uint8_t *text, int32_t length, bint has_8) noexcept nogil:
    cdef uint64_t hash = <uint64_t>length
    cdef uint64_t octets = 0
    while length >= 8:
        memcpy(&octets, text, 8)
        hash = mixed(hash, octets)
        text += 8
        length -= 8
    if length:
        if has_8:
            # the bytes behind the text are shifted out, at the end of lower addresses
            memcpy(&octets, text, 8)
            octets <<= 64 - 8 * length
        else:
            octets = 0
            memcpy(<uint8_t *>&octets + 8 - length, text, length)
        hash = mixed(hash, octets)
    return hash


cdef bint grow(Column *column) noexcept nogil:
    """Makes room for twice as many words, in a table at most half full."""
    cdef int32_t room = 2 * column.word_room
    cdef int64_t last = 2 * room - 1
    cdef int64_t slot
    cdef int32_t word
    cdef Word *words = <Word *>realloc(column.words, room * sizeof(Word))
    cdef int32_t *slots = <int32_t *>malloc(2 * room * sizeof(int32_t))
    if words != NULL:
        column.words = words
    if words == NULL or slots == NULL:
        free(slots)
        return False
    free(column.slots)
    column.slots = slots
    column.word_room = room
    column.slot_shift -= 1
    for slot in range(2 * room):
        slots[slot] = -1
    for word in range(column.word_count):
        slot = words[word].hash >> column.slot_shift
        while slots[slot] >= 0:
            slot = (slot + 1) & last
        slots[slot] = word
    return True


cdef inline int32_t word_of(Column *column, const Rows *rows, int32_t start, int32_t length) noexcept nogil:
    """The number of a text in the column's dictionary, to which it is added if it is new; -1: no memory."""
    cdef const uint8_t *text = rows.text
    cdef uint64_t hash = hash_of(text + start, length, start + length <= rows.size_for_8)
    cdef int64_t last = 2 * column.word_room - 1
    cdef int64_t slot = hash >> column.slot_shift
    cdef int32_t word = column.slots[slot]
    while word >= 0:
        # of texts of one length up to 8, no two have the same hash
        if (
            column.words[word].hash == hash
            and column.words[word].length == length
            and (length <= 8 or memcmp(text + column.words[word].start, text + start, length) == 0)
        ):
            return word
        slot = (slot + 1) & last
        word = column.slots[slot]
    word = column.word_count
    column.words[word] = Word(hash, start, length)
    column.slots[slot] = word
    column.word_count += 1
    if column.word_count == column.word_room and not grow(column):
        return -1
    return word


cdef bint make_room(Column *column, int64_t most) noexcept nogil:
    """Makes sure that so many bytes of texts can be written; False: no memory."""
    if column.octet_room >= most:
        return True
    with gil:
        try:
            PyByteArray_Resize(<object>column.octet_array, 2 * most)
        except MemoryError:
            return False
        column.octets = <uint8_t *>PyByteArray_AsString(<object>column.octet_array)
        column.octet_room = 2 * most
    return True


cdef bint take_column(Column *column, const Rows *rows) noexcept nogil:
    """The column's cells of the rows in the tile; False: no memory."""
    # copies, since the bytes written might be anything's
    cdef const uint8_t *text = rows.text
    cdef const int32_t *ends = rows.ends + column.position
    cdef int32_t width = rows.width
    cdef int32_t good = rows.good
    cdef int32_t last_at_once = rows.size - AT_ONCE
    cdef bint has_words = column.words != NULL
    cdef int32_t *numbers = column.numbers
    cdef uint8_t *validity = column.validity
    cdef uint8_t *octets
    cdef int32_t filled = column.filled
    cdef Py_ssize_t nulls = 0
    cdef int32_t row, start, length, word
    cdef uint8_t bits = 0
    if not has_words and not make_room(
        column, filled + rows.ends[rows.in_tile * (width + 1) - 1] - rows.ends[0] + AT_ONCE
    ):
        return False
    octets = column.octets
    for row in range(good - rows.in_tile, good):
        start = ends[0] + 1
        length = ends[1] - start
        ends += width + 1
        word = 0
        if length:
            bits |= <uint8_t>(1 << (row & 7))
            if has_words:
                word = word_of(column, rows, start, length)
                if word < 0:
                    return False
            elif length <= AT_ONCE and start <= last_at_once:
                memcpy(octets + filled, text + start, AT_ONCE)
                filled += length
            else:
                memcpy(octets + filled, text + start, length)
                filled += length
        else:
            nulls += 1
        if has_words:
            numbers[row] = word
        else:
            numbers[row + 1] = filled
        if row & 7 == 7:
            validity[row >> 3] = bits
            bits = 0
    if good & 7:
        validity[good >> 3] = bits
    column.nulls += nulls
    column.filled = filled
    return True


cdef bint take_tile(Rows *rows, Column *columns, Py_ssize_t count) noexcept nogil:
    cdef Py_ssize_t i
    if not rows.in_tile:
        return True
    for i in range(count):
        if not take_column(&columns[i], rows):
            return False
    rows.in_tile = 0
    return True


cdef inline bint end_line(Rows *rows, int32_t end) noexcept nogil:
    """Takes the line that ends here into the tile, or notes what is wrong with it; False: more than there is room."""
    cdef int32_t *wrong
    if end == rows.start:
        pass  # an empty line, as also stands between CR and LF
    elif rows.good + rows.wrong == rows.room:
        return False
    elif rows.fields == rows.width:
        rows.good += 1
        rows.in_tile += 1
    else:
        wrong = rows.wrong_rows + 4 * rows.wrong
        wrong[0] = rows.good + rows.wrong
        wrong[1] = rows.fields
        wrong[2] = rows.start
        wrong[3] = end
        rows.wrong += 1
    rows.start = end + 1
    rows.fields = 0
    rows.ends[rows.in_tile * (rows.width + 1)] = end
    return True


cdef int split(Rows *rows, Column *columns, Py_ssize_t count) noexcept nogil:
    """Reads the whole text; -1: no memory, -2: more rows than there is room for."""
    cdef int32_t block = 0
    cdef int32_t end
    cdef uint64_t bits
    cdef uint8_t last_bytes[64]
    rows.ends[0] = -1
    while block < rows.size:
        if block + 64 <= rows.size:
            bits = ends_in_64(rows.text + block, rows.delimiter)
        else:
            memcpy(last_bytes, rows.text + block, rows.size - block)
            bits = ends_in_64(last_bytes, rows.delimiter) & ((<uint64_t>1 << (rows.size - block)) - 1)
        while bits:
            end = block + lowest_bit(bits)
            bits &= bits - 1
            rows.fields += 1
            if rows.fields <= rows.width:
                rows.ends[rows.in_tile * (rows.width + 1) + rows.fields] = end
            if rows.text[end] != rows.delimiter:
                if not end_line(rows, end):
                    return -2
                if rows.in_tile == TILE_ROWS:
                    if not take_tile(rows, columns, count):
                        return -1
                    rows.ends[0] = end
        block += 64
    if rows.start < rows.size:  # no line end behind the last line
        rows.fields += 1
        if rows.fields <= rows.width:
            rows.ends[rows.in_tile * (rows.width + 1) + rows.fields] = rows.size
        if not end_line(rows, rows.size):
            return -2
    return 0 if take_tile(rows, columns, count) else -1


cdef bytearray spelled_out(const Column *column, const uint8_t *text, bytearray offsets):
    """The texts of the column's dictionary, and their offsets."""
    cdef int32_t *offset = <int32_t *>PyByteArray_AsString(offsets)
    cdef int32_t word
    cdef bytearray octets
    cdef uint8_t *out
    offset[0] = 0
    for word in range(column.word_count):
        offset[word + 1] = offset[word] + column.words[word].length
    octets = PyByteArray_FromStringAndSize(NULL, offset[column.word_count])
    out = <uint8_t *>PyByteArray_AsString(octets)
    for word in range(column.word_count):
        memcpy(out + offset[word], text + column.words[word].start, column.words[word].length)
    return octets


def count_octet(const uint8_t[::1] text, uint8_t octet):
    """How often a byte occurs."""
    cdef const uint8_t *octets = &text[0] if text.shape[0] else NULL
    cdef Py_ssize_t size = text.shape[0]
    cdef Py_ssize_t block = 0
    cdef Py_ssize_t count = 0
    cdef int i
    cdef uint8_t in_block
    with nogil:
        while block + 192 <= size:  # as many as one byte can count, so that compilers count 16 at once
            in_block = 0
            for i in range(192):
                in_block += octets[block + i] == octet
            count += in_block
            block += 192
        while block < size:
            count += octets[block] == octet
            block += 1
    return count


def split_rows(const uint8_t[::1] text, uint8_t delimiter, int32_t width, Py_ssize_t most_rows, list wanted):
    """Read CSV text: fields as they stand there, lines that end in LF, CRLF or CR, empty lines left out.

    text        whole lines, at most 2**31 - 64 bytes
    most_rows   how many lines it has at most
    wanted      (position of a column, whether its texts repeat); they are counted from 0

    Returns (number of rows, wrong rows, columns).  Rows have ``width`` fields; lines that have not are wrong:
    int32 of the row's number counted with them, how many fields it has, where it begins and ends.  A column is
    (number of nulls, validity bits, numbers, offsets, octets), an empty cell being null: of texts that repeat,
    numbers are places in the dictionary that offsets and octets are; of others there are no numbers.
    """
    cdef Py_ssize_t count = len(wanted)
    cdef Py_ssize_t i
    cdef Column *columns = <Column *>calloc(count + 1, sizeof(Column))
    cdef Rows rows
    cdef int outcome
    cdef bytearray wrong_rows = PyByteArray_FromStringAndSize(NULL, most_rows * 16)
    held = []
    rows.text = &text[0] if text.shape[0] else NULL
    rows.size = <int32_t>text.shape[0]
    rows.size_for_8 = rows.size - 8 if sys.byteorder == "little" else -1
    rows.delimiter = delimiter
    rows.width = width
    rows.ends = <int32_t *>malloc((TILE_ROWS + 1) * (width + 1) * sizeof(int32_t))
    rows.in_tile = rows.fields = rows.start = rows.good = rows.wrong = 0
    rows.room = <int32_t>most_rows
    rows.wrong_rows = <int32_t *>PyByteArray_AsString(wrong_rows)
    try:
        if columns == NULL or rows.ends == NULL:
            raise MemoryError
        for i in range(count):
            position, repeats = wanted[i]
            validity = PyByteArray_FromStringAndSize(NULL, (most_rows + 7) // 8)
            numbers = PyByteArray_FromStringAndSize(NULL, 4 * (most_rows + 1))
            octets = None if repeats else PyByteArray_FromStringAndSize(NULL, USUAL_TEXT * most_rows)
            held.append((validity, numbers, octets))
            columns[i].position = position
            columns[i].validity = <uint8_t *>PyByteArray_AsString(validity)
            columns[i].numbers = <int32_t *>PyByteArray_AsString(numbers)
            columns[i].numbers[0] = 0
            if repeats:
                columns[i].word_room = 32
                columns[i].slot_shift = 64 - 6
                columns[i].words = <Word *>malloc(32 * sizeof(Word))
                if columns[i].words == NULL or not grow(&columns[i]):
                    raise MemoryError
            else:
                columns[i].octet_array = <PyObject *>octets
                columns[i].octets = <uint8_t *>PyByteArray_AsString(octets)
                columns[i].octet_room = USUAL_TEXT * most_rows
        with nogil:
            outcome = split(&rows, columns, count)
        if outcome == -1:
            raise MemoryError
        if outcome == -2:
            raise ValueError(f"the text has more than {most_rows} rows")
        found = []
        for i in range(count):
            validity, numbers, octets = held[i]
            if columns[i].words != NULL:
                offsets = PyByteArray_FromStringAndSize(NULL, 4 * (columns[i].word_count + 1))
                octets = spelled_out(&columns[i], rows.text, offsets)
                found.append((columns[i].nulls, validity, numbers, offsets, octets))
            else:
                PyByteArray_Resize(octets, columns[i].filled)
                found.append((columns[i].nulls, validity, None, numbers, octets))
    finally:
        free(rows.ends)
        if columns != NULL:
            for i in range(count):
                free(columns[i].words)
                free(columns[i].slots)
            free(columns)
    PyByteArray_Resize(wrong_rows, rows.wrong * 16)
    return rows.good, wrong_rows, found
