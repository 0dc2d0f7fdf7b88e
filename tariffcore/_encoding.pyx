# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Columns of cells as the narrow numbers of a plan: one pass a column, straight over Arrow's buffers.

``null`` is 1 where a cell is null and 0 elsewhere; what else a null cell holds means nothing, and is never used as
an index.  `tariffcore.column_reading` sees to it that all arguments of a call are of one length.
"""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# Days since 1970 of 0001-01-01 and 9999-12-31: no date as text means any other.
cdef enum:
    FIRST_DAY = -719162
    LAST_DAY = 2932896

cdef enum:
    MILLISECONDS_A_DAY = 86400000

ctypedef fused index_number:
    uint8_t
    uint16_t
    uint32_t
    uint64_t

ctypedef fused entry:
    uint8_t
    uint16_t
    int32_t
    int64_t

ctypedef fused whole_number:
    int8_t
    int16_t
    int32_t
    int64_t

ctypedef fused narrow_number:
    uint8_t
    uint32_t
    int64_t

ctypedef fused moment:
    int32_t
    int64_t

# Loops run over plain pointers: those of a memoryview are loaded again after each byte that is stored.


cdef inline bint look_up_each(
    const entry *table, uint64_t entries, const index_number *index, const uint8_t *null, entry *found, Py_ssize_t count
) noexcept nogil:
    cdef uint64_t place, inside
    cdef uint64_t strays = 0
    cdef Py_ssize_t i
    for i in range(count):
        place = index[i]
        inside = place < entries
        strays |= (inside | null[i]) ^ 1
        inside &= null[i] ^ 1
        # without a branch that cells could turn: place - entries, or 0 where there is nothing to look up
        found[i] = table[entries + ((place - entries) & (0 - inside))]
    return strays != 0


def look_up(const entry[::1] table, const index_number[::1] index, const uint8_t[::1] null, entry[::1] found):
    """found[i] = table[index[i]]; the last entry, to which no index may lead, where cell i is null.

    Returns whether some cell that is not null has an index beyond the entries: such a cell counts as null.
    """
    cdef bint any_stray
    with nogil:
        any_stray = look_up_each[entry, index_number](
            &table[0], table.shape[0] - 1, &index[0], &null[0], &found[0], index.shape[0]
        )
    return any_stray


cdef inline void take_each_number(
    const whole_number *number, const uint8_t *null, int64_t low, int64_t high, int64_t instead,
    narrow_number *taken, uint8_t *wrong, Py_ssize_t count,
) noexcept nogil:
    cdef int64_t own
    cdef uint8_t inside
    cdef Py_ssize_t i
    for i in range(count):
        own = number[i]
        inside = (own >= low) & (own <= high)
        taken[i] = <narrow_number>(instead + ((own - instead) & -<int64_t>(inside & ~null[i])))
        wrong[i] = (inside | null[i]) ^ 1


def take_whole_numbers(
    const whole_number[::1] number,
    const uint8_t[::1] null,
    int64_t low,
    int64_t high,
    int64_t instead,
    narrow_number[::1] taken,
    uint8_t[::1] wrong,
):
    """The numbers from low to high; ``instead`` where a cell is null or holds another, which is wrong.

    What is taken has room for low and high.
    """
    with nogil:
        take_each_number[whole_number, narrow_number](
            &number[0], &null[0], low, high, instead, &taken[0], &wrong[0], number.shape[0]
        )


cdef inline int64_t day_of(int64_t units, int64_t units_a_day) noexcept nogil:
    """Floor division, which C has not."""
    cdef int64_t day = units // units_a_day
    return day - (day * units_a_day > units)


cdef inline void take_each_day(
    const moment *units, const uint8_t *null, int64_t units_a_day, int32_t *day, uint8_t *wrong, Py_ssize_t count
) noexcept nogil:
    cdef int64_t own
    cdef uint8_t inside
    cdef Py_ssize_t i
    for i in range(count):
        own = day_of(units[i], units_a_day)
        inside = (own >= FIRST_DAY) & (own <= LAST_DAY)
        day[i] = <int32_t>own & -<int32_t>(inside & ~null[i])
        wrong[i] = (inside | null[i]) ^ 1


def take_days(
    const moment[::1] units, const uint8_t[::1] null, int64_t units_a_day, int32_t[::1] day, uint8_t[::1] wrong
):
    """Days since 1970 of moments counted in some unit since then; 0 where a cell is null or wrong.

    A moment in no year from 1 to 9999 is wrong.
    """
    cdef Py_ssize_t count = units.shape[0]
    cdef int64_t microseconds_a_day = <int64_t>MILLISECONDS_A_DAY * 1000
    with nogil:
        # a constant divisor is a multiplication
        if units_a_day == 1:
            take_each_day[moment](&units[0], &null[0], 1, &day[0], &wrong[0], count)
        elif units_a_day == MILLISECONDS_A_DAY:
            take_each_day[moment](&units[0], &null[0], MILLISECONDS_A_DAY, &day[0], &wrong[0], count)
        elif units_a_day == microseconds_a_day:
            take_each_day[moment](&units[0], &null[0], microseconds_a_day, &day[0], &wrong[0], count)
        else:
            take_each_day[moment](&units[0], &null[0], units_a_day, &day[0], &wrong[0], count)


cdef inline void take_each_amount(
    const int64_t *halves, const uint8_t *null, int64_t most, int64_t *amount_minor, uint8_t *wrong, Py_ssize_t count
) noexcept nogil:
    cdef int64_t low
    cdef uint8_t inside
    cdef Py_ssize_t i
    for i in range(count):
        low = halves[2 * i]
        inside = (low >= -most) & (low <= most) & (halves[2 * i + 1] == low >> 63)
        amount_minor[i] = low & -<int64_t>(inside & ~null[i])
        wrong[i] = (inside | null[i]) ^ 1


def take_amounts(
    const int64_t[:, ::1] halves, const uint8_t[::1] null, int64_t most, int64_t[::1] amount_minor, uint8_t[::1] wrong
):
    """Decimals of 128 bits (low half, high half) that lie between -most and most; 0 where null or wrong."""
    with nogil:
        take_each_amount(&halves[0, 0], &null[0], most, &amount_minor[0], &wrong[0], halves.shape[0])


def widen(const int64_t[::1] amount_minor, int64_t[:, ::1] halves):
    """Amounts as decimals of 128 bits: the low half, and the sign in the high one."""
    cdef Py_ssize_t i
    with nogil:
        for i in range(amount_minor.shape[0]):
            halves[i, 0] = amount_minor[i]
            halves[i, 1] = amount_minor[i] >> 63
