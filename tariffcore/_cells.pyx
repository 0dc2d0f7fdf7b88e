# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Dates and amounts in the forms nearly every cell has, read from the bytes of a text column.

What these loops do not recognise they leave to `tariffcore.column_reading`, which knows every form and
says what is wrong with the rest.  They never guess: a cell is READ only if it means one thing.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint64_t

# tariffcore.column_reading: READ, BLANK, OTHER
cdef enum:
    READ = 0
    BLANK = 1
    OTHER = 2

cdef enum:
    DAYS_UNTIL_1970 = 719163  # to 1970-01-01, of which 0001-01-01 is the first

# by month, from 1 on, of a year that does not leap
cdef int[13] LAST_DAY = [0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
cdef int[13] DAYS_BEFORE = [0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]


cdef inline int number(const uint8_t *text, int digits) noexcept nogil:
    """The value of so many decimal digits, or a negative number where one is none."""
    cdef int value = 0
    cdef int i
    for i in range(digits):
        if text[i] < c'0' or text[i] > c'9':
            return -1_000_000
        value = value * 10 + (text[i] - c'0')
    return value


cdef inline uint64_t eight(const uint8_t *text) noexcept nogil:
    """Eight characters as a word, the first one in its lowest byte: one load, on most machines."""
    cdef uint64_t word = 0
    cdef int i
    for i in range(8):
        word |= <uint64_t>text[i] << (8 * i)
    return word


cdef struct Moment:
    int year
    int month
    int day
    int hour
    int minute


cdef inline bint take_moment(const uint8_t *text, Moment *moment) noexcept nogil:
    """Read yyyy-mm-dd hh:mm, with a blank or a T between; whether it is that, of whatever day and time."""
    # where a digit should be, its value is left, and 0 where another character should be
    cdef uint64_t date = eight(text) ^ <uint64_t>0x2D30302D30303030
    cdef uint64_t time = eight(text + 8) ^ <uint64_t>0x30303A3030203030
    time ^= (<uint64_t>(text[10] == c'T') * (c'T' ^ c' ')) << 16
    # what is more sets the highest bit of its byte, by itself or when the rest up to it is added
    cdef uint64_t strange = date | (date + <uint64_t>0x7F76767F76767676) | time | (time + <uint64_t>0x76767F76767F7676)
    if strange & <uint64_t>0x8080808080808080:
        return False
    # each byte ten times, and the one behind it
    date = date * 10 + (date >> 8)
    time = time * 10 + (time >> 8)
    moment.year = <int>(date & 0xFF) * 100 + <int>(date >> 16 & 0xFF)
    moment.month = <int>(date >> 40 & 0xFF)
    moment.day = <int>(time & 0xFF)
    moment.hour = <int>(time >> 24 & 0xFF)
    moment.minute = <int>(time >> 48 & 0xFF)
    return True


cdef inline bint leaps(int year) noexcept nogil:
    return (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))


cdef inline bint is_day(int year, int month, int day) noexcept nogil:
    if year < 1 or month < 1 or month > 12:
        return False
    # without a branch that dates could turn, as below
    return (day >= 1) & (day <= LAST_DAY[month] + ((month == 2) & leaps(year)))


cdef inline int32_t days_since_1970(int year, int month, int day) noexcept nogil:
    """Days of the proleptic Gregorian calendar, of a day that is one."""
    cdef unsigned int years = year - 1
    cdef int days = years * 365 + years // 4 - years // 100 + years // 400
    return days + DAYS_BEFORE[month] + ((month > 2) & leaps(year)) + day - DAYS_UNTIL_1970


def read_days(
    const uint8_t[::1] content,
    const int32_t[::1] offsets,
    int32_t[::1] day,
    int32_t[::1] second,
    uint8_t[::1] outcome,
):
    """Read yyyy-mm-dd and dd.mm.yyyy, alone or with hh:mm or hh:mm:ss after a blank or a T.

    Cell i is content[offsets[i]:offsets[i + 1]].  A cell that was READ has its day since 1970 and its second of
    the day (-1: no time), all others 0 and -1.  Empty cells are BLANK, all others OTHER.
    """
    cdef Py_ssize_t i
    cdef int length, seconds
    cdef Moment at
    cdef const uint8_t *text
    cdef const uint8_t *first = &content[0]
    with nogil:
        for i in range(day.shape[0]):
            text = first + offsets[i]
            length = offsets[i + 1] - offsets[i]
            day[i] = 0
            second[i] = -1
            outcome[i] = BLANK if length == 0 else OTHER
            if length != 10 and length != 16 and length != 19:
                continue
            if length == 10 or not take_moment(text, &at):
                if text[4] == c'-' and text[7] == c'-':
                    at.year, at.month, at.day = number(text, 4), number(text + 5, 2), number(text + 8, 2)
                elif text[2] == c'.' and text[5] == c'.':
                    at.year, at.month, at.day = number(text + 6, 4), number(text + 3, 2), number(text, 2)
                else:
                    continue
                at.hour = at.minute = 0
                if length > 10:
                    if (text[10] != c' ' and text[10] != c'T') or text[13] != c':':
                        continue
                    at.hour, at.minute = number(text + 11, 2), number(text + 14, 2)
            seconds = 0
            if length == 19:
                if text[16] != c':':
                    continue
                seconds = number(text + 17, 2)
            if not is_day(at.year, at.month, at.day):
                continue
            if at.hour < 0 or at.hour > 23 or at.minute < 0 or at.minute > 59 or seconds < 0 or seconds > 59:
                continue
            day[i] = days_since_1970(at.year, at.month, at.day)
            second[i] = at.hour * 3600 + at.minute * 60 + seconds if length > 10 else -1
            outcome[i] = READ


def read_amounts(
    const uint8_t[::1] content,
    const int32_t[::1] offsets,
    int minor_units,
    int64_t[::1] amount_minor,
    uint8_t[::1] outcome,
):
    """Read digits, then possibly a point or comma and at most minor_units decimals: no more than 18 digits in all.

    A minus may stand before.  Empty cells are BLANK, all others OTHER, and both count as 0.
    """
    cdef int whole_digits = 18 - minor_units
    cdef Py_ssize_t i
    cdef int length, place, start, decimals
    cdef int64_t value
    cdef const uint8_t *text
    cdef const uint8_t *first = &content[0]
    with nogil:
        for i in range(amount_minor.shape[0]):
            text = first + offsets[i]
            length = offsets[i + 1] - offsets[i]
            amount_minor[i] = 0
            outcome[i] = BLANK if length == 0 else OTHER
            start = 1 if length > 0 and text[0] == c'-' else 0
            value = 0
            place = start
            while place < length and c'0' <= text[place] <= c'9' and place - start <= whole_digits:
                value = value * 10 + (text[place] - c'0')
                place += 1
            if place == start or place - start > whole_digits:
                continue
            decimals = 0
            if place < length and (text[place] == c'.' or text[place] == c','):
                place += 1
                if place == length:
                    continue
                while place < length and c'0' <= text[place] <= c'9' and decimals < minor_units:
                    value = value * 10 + (text[place] - c'0')
                    place += 1
                    decimals += 1
            if place != length or (decimals == 0 and (text[length - 1] == c'.' or text[length - 1] == c',')):
                continue
            while decimals < minor_units:
                value = value * 10
                decimals += 1
            amount_minor[i] = -value if start else value
            outcome[i] = READ
