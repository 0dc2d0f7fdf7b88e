# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Messages of columns, read where they lie.

`scan` knows the plain form that generated code writes: every column packed and in one run, every number as short
as can be told.  Whatever else protobuf allows, or does not, it leaves to the protobuf library and says so.
"""

from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int64_t, uint8_t, uint64_t

from tariffcore._wire_forms cimport read_varint

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


def scan(
    const uint8_t[::1] message,
    Py_ssize_t start,
    Py_ssize_t stop,
    const uint8_t[::1] forms,       # of each field by its number
    int64_t[::1] offsets,
    int64_t[::1] lengths,
    int64_t[::1] numbers,
    Py_ssize_t most_texts,
):
    """Find the fields of message[start:stop].

    Writes for each column where it begins and its bytes (-1 and 0 where left out), and for each number its value
    (0 where left out).  Answers (PLAIN, texts as pairs of field and text, messages as triples of field, offset and
    length), or (ODD, None, None) where the library must read or there are more texts than asked for, or (NO_TEXT, field, place among that field's texts).
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
            if len(texts) >= most_texts:
                return ODD, None, None
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


def sole_message(const uint8_t[::1] message, uint64_t field):
    """Where the message in a field lies, (start, stop), where nothing stands beside it; None otherwise."""
    cdef Py_ssize_t stop = message.shape[0]
    cdef Py_ssize_t at
    cdef uint64_t tag, length
    if stop == 0:
        return None
    at = read_varint(&message[0], 0, stop, &tag)
    if at < 0 or tag != (field << 3 | 2):
        return None
    at = read_varint(&message[0], at, stop, &length)
    if at < 0 or length != <uint64_t>(stop - at):
        return None
    return at, stop


def are_even(const int64_t[::1] lengths, const uint8_t[::1] widths, int64_t rows):
    """Whether each column has one element a row or none; those of width 0 are not asked."""
    cdef Py_ssize_t field
    for field in range(widths.shape[0]):
        if widths[field] and lengths[field] and lengths[field] != widths[field] * rows:
            return False
    return True
