# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Dates and amounts in the forms nearly every cell has, read from the bytes of a text column.

What these loops do not recognise they leave to `tariffcore.column_reading`, which knows every form and
says what is wrong with the rest.  They never guess: a cell is READ only if it means one thing.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t

# tariffcore.column_reading: READ, BLANK, OTHER
cdef enum:
    READ = 0
    BLANK = 1
    OTHER = 2


cdef inline int number(const uint8_t *text, int digits) noexcept nogil:
    """The value of so many decimal digits, or a negative number where one is none."""
    cdef int value = 0
    cdef int i
    for i in range(digits):
        if text[i] < c'0' or text[i] > c'9':
            return -1_000_000
        value = value * 10 + (text[i] - c'0')
    return value


cdef inline int32_t days_since_1970(int year, int month, int day) noexcept nogil:
    """Days of the proleptic Gregorian calendar, counted in eras of 400 years that begin in March."""
    cdef int shifted = year - (month <= 2)
    cdef int era = shifted // 400
    cdef int year_of_era = shifted - era * 400
    cdef int day_of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    cdef int day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return era * 146097 + day_of_era - 719468


cdef inline bint is_day(int year, int month, int day) noexcept nogil:
    cdef int last
    if year < 1 or month < 1 or month > 12 or day < 1:
        return False
    if month == 2:
        last = 29 if (year % 4 == 0 and year % 100 != 0) or year % 400 == 0 else 28
    else:
        last = 30 if month == 4 or month == 6 or month == 9 or month == 11 else 31
    return day <= last


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
    cdef int length, year, month, date, hour, minute, seconds
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
            if text[4] == c'-' and text[7] == c'-':
                year, month, date = number(text, 4), number(text + 5, 2), number(text + 8, 2)
            elif text[2] == c'.' and text[5] == c'.':
                year, month, date = number(text + 6, 4), number(text + 3, 2), number(text, 2)
            else:
                continue
            if not is_day(year, month, date):
                continue
            hour = minute = seconds = 0
            if length > 10:
                if (text[10] != c' ' and text[10] != c'T') or text[13] != c':':
                    continue
                hour, minute = number(text + 11, 2), number(text + 14, 2)
                if length == 19:
                    if text[16] != c':':
                        continue
                    seconds = number(text + 17, 2)
                if hour < 0 or hour > 23 or minute < 0 or minute > 59 or seconds < 0 or seconds > 59:
                    continue
            day[i] = days_since_1970(year, month, date)
            second[i] = hour * 3600 + minute * 60 + seconds if length > 10 else -1
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
