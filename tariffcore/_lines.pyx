# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""What a block of text is made of, found in one pass: a block is larger than the processor's nearer caches."""

from libc.stdint cimport int64_t, uint8_t

cdef enum:
    AT_ONCE = 192  # so many are counted in a byte


cdef struct Seen:
    int64_t line_feeds
    uint8_t carriage_return
    uint8_t quote
    uint8_t beyond_ascii


cdef inline void look_at(const uint8_t *text, Py_ssize_t size, Seen *seen) noexcept nogil:
    """``size``: at most `AT_ONCE`."""
    cdef uint8_t line_feeds = 0
    cdef uint8_t carriage_return = 0
    cdef uint8_t quote = 0
    cdef uint8_t all_bits = 0
    cdef Py_ssize_t i
    for i in range(size):
        line_feeds += text[i] == c'\n'
        carriage_return |= text[i] == c'\r'
        quote |= text[i] == c'"'
        all_bits |= text[i]
    seen.line_feeds += line_feeds
    seen.carriage_return |= carriage_return
    seen.quote |= quote
    seen.beyond_ascii |= all_bits >> 7


def look_over(const uint8_t[::1] text):
    """(line ends, whether there are quotation marks, whether all bytes are ASCII) of a text of at least one byte.

    A line ends with LF, CR LF, or a CR before anything else.
    """
    cdef const uint8_t *first = &text[0]
    cdef Py_ssize_t size = text.shape[0]
    cdef Py_ssize_t pieces = size // AT_ONCE
    cdef Py_ssize_t i
    cdef int64_t line_ends
    cdef Seen seen
    with nogil:
        seen.line_feeds = 0
        seen.carriage_return = seen.quote = seen.beyond_ascii = 0
        for i in range(pieces):
            look_at(first + i * AT_ONCE, AT_ONCE, &seen)
        look_at(first + pieces * AT_ONCE, size - pieces * AT_ONCE, &seen)
        line_ends = seen.line_feeds
        if seen.carriage_return:
            for i in range(size - 1):
                line_ends += (first[i] == c'\r') & (first[i + 1] != c'\n')
            line_ends += first[size - 1] == c'\r'
    return line_ends, seen.quote != 0, seen.beyond_ascii == 0
