# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Rows of CSV text, put together from columns whose texts already have the quotes they need.

Nothing here looks for special characters: `tariffcore.files.csv_text` quotes texts column by column, and
proves what these loops trust.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy

from cpython.bytearray cimport PyByteArray_AsString, PyByteArray_FromStringAndSize, PyByteArray_Resize

cdef enum:
    # a sign, the 19 digits of 64 bits, a point; made a multiple of 8
    LONGEST_DECIMAL = 24
    # most texts are no longer, and so many bytes known beforehand are copied without a call
    SHORT = 32

cdef const char *PAIRS = (
    b"0001020304050607080910111213141516171819"
    b"2021222324252627282930313233343536373839"
    b"4041424344454647484950515253545556575859"
    b"6061626364656667686970717273747576777879"
    b"8081828384858687888990919293949596979899"
)

cdef struct Column:
    # `tariffcore.files.csv_text.Cells`
    const uint8_t *validity
    Py_ssize_t first
    const int64_t *numbers
    int scale
    const int32_t *places
    const int32_t *offsets
    const uint8_t *octets
    int64_t octet_count


cdef Column *as_structs(list columns) except NULL:
    cdef Column *structs = <Column *>calloc(len(columns), sizeof(Column))
    if structs == NULL:
        raise MemoryError
    for i, cells in enumerate(columns):
        structs[i].validity = <const uint8_t *><size_t>cells.validity
        structs[i].first = cells.first
        structs[i].numbers = <const int64_t *><size_t>cells.numbers
        structs[i].scale = cells.scale
        structs[i].places = <const int32_t *><size_t>cells.places
        structs[i].offsets = <const int32_t *><size_t>cells.offsets
        structs[i].octets = <const uint8_t *><size_t>cells.octets
        structs[i].octet_count = cells.octet_count
    return structs


cdef inline bint is_null(const Column *column, Py_ssize_t element) noexcept nogil:
    return column.validity != NULL and not (column.validity[element >> 3] >> (element & 7)) & 1


cdef inline int put_decimal(uint8_t *out, int64_t number, int scale) noexcept nogil:
    """Writes number / 10**scale with all its places and returns how long it is; spoils `LONGEST_DECIMAL` bytes."""
    cdef uint8_t digits[2 * LONGEST_DECIMAL]
    cdef int place = LONGEST_DECIMAL
    cdef int places = 0
    cdef uint64_t rest = <uint64_t>number
    if number < 0:
        rest = 0 - rest
    while places + 2 <= scale:
        place -= 2
        memcpy(&digits[place], &PAIRS[rest % 100 * 2], 2)
        rest //= 100
        places += 2
    if places < scale:
        place -= 1
        digits[place] = <uint8_t>(c'0' + rest % 10)
        rest //= 10
    if scale:
        place -= 1
        digits[place] = c'.'
    while rest >= 100:
        place -= 2
        memcpy(&digits[place], &PAIRS[rest % 100 * 2], 2)
        rest //= 100
    if rest >= 10:
        place -= 2
        memcpy(&digits[place], &PAIRS[rest * 2], 2)
    else:
        place -= 1
        digits[place] = <uint8_t>(c'0' + rest)
    if number < 0:
        place -= 1
        digits[place] = c'-'
    memcpy(out, &digits[place], LONGEST_DECIMAL)  # so many as are known beforehand are copied at once
    return LONGEST_DECIMAL - place


cdef int64_t most_bytes(const Column *columns, Py_ssize_t width, Py_ssize_t count) noexcept nogil:
    cdef const Column *column
    cdef Py_ssize_t i, element, place
    cdef int64_t size = SHORT + width * count  # a comma or line end after each cell
    for i in range(width):
        column = &columns[i]
        if column.numbers != NULL:
            size += LONGEST_DECIMAL * count
        elif column.places == NULL:
            size += column.offsets[column.first + count] - column.offsets[column.first]
        else:
            for element in range(column.first, column.first + count):
                if not is_null(column, element):
                    place = column.places[element]
                    size += column.offsets[place + 1] - column.offsets[place]
    return size


cdef uint8_t *put_rows(uint8_t *out, const Column *columns, Py_ssize_t width, Py_ssize_t count) noexcept nogil:
    """Writes so many rows and returns their end; spoils at most `SHORT` bytes behind it."""
    cdef const Column *column
    cdef Py_ssize_t i, row, element, place
    cdef int32_t start, length
    for row in range(count):
        for i in range(width):
            column = &columns[i]
            element = column.first + row
            if not is_null(column, element):
                if column.numbers != NULL:
                    out += put_decimal(out, column.numbers[2 * element], column.scale)
                else:
                    place = element if column.places == NULL else column.places[element]
                    start = column.offsets[place]
                    length = column.offsets[place + 1] - start
                    if length <= SHORT and start + SHORT <= column.octet_count:
                        memcpy(out, column.octets + start, SHORT)
                    else:
                        memcpy(out, column.octets + start, length)
                    out += length
            out[0] = c','
            out += 1
        (out - 1)[0] = c'\n'
    return out


def join_rows(list columns, Py_ssize_t count):
    """The rows as CSV text: an element of each column, commas between, a line feed behind.

    ``columns`` are `tariffcore.files.csv_text.Cells`, at least one, whose arrays the caller keeps in memory.
    """
    cdef Column *structs = as_structs(columns)
    cdef Py_ssize_t width = len(columns)
    cdef int64_t size
    cdef bytearray text
    cdef uint8_t *begin
    cdef uint8_t *end
    try:
        with nogil:
            size = most_bytes(structs, width, count)
        text = PyByteArray_FromStringAndSize(NULL, size)
        begin = <uint8_t *>PyByteArray_AsString(text)
        with nogil:
            end = put_rows(begin, structs, width, count)
        PyByteArray_Resize(text, end - begin)
    finally:
        free(structs)
    return text
