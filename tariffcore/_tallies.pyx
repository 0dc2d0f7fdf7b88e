# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Cases and money counted by code, exactly, in one pass."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

ctypedef fused code_number:
    uint8_t
    uint16_t
    uint32_t
    uint64_t


cdef inline void add_each(
    const code_number *code, const uint8_t *null, const uint8_t *counted, const int64_t *amount_minor,
    int64_t *tally, uint64_t last, Py_ssize_t count,
) noexcept nogil:
    cdef uint64_t place
    cdef int64_t amount, money
    cdef int64_t low_half = 4294967295
    cdef Py_ssize_t i
    for i in range(count):
        place = code[i]
        place = place if place < last else last
        place = last if null[i] else place
        # -1 where counted: no branch that cases could turn
        money = -<int64_t>counted[i]
        amount = amount_minor[i] & money
        tally[3 * place] -= money
        tally[3 * place + 1] += amount & low_half
        tally[3 * place + 2] += amount >> 32


def add_up(
    const code_number[::1] code,
    const uint8_t[::1] null,
    const uint8_t[::1] counted,
    const int64_t[::1] amount_minor,
    int64_t[:, ::1] tally,
):
    """Count rows and sum amounts per code: tally[code] has rows, low and high; the sum is high * 2**32 + low.

    ``counted`` is 1 for rows that count and 0 for others, whatever their amount.  The last tally is for rows that
    are null or whose code is beyond the others.  Adds to what the tallies hold, so that chunks accumulate.
    """
    with nogil:
        add_each[code_number](
            &code[0], &null[0], &counted[0], &amount_minor[0], &tally[0, 0], tally.shape[0] - 1, code.shape[0]
        )
