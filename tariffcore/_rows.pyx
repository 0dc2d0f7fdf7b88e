# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Lists of row messages: cases read from their bytes into columns, prices written as the bytes of an answer.

`read` knows what nearly every case is written like and leaves the others to the protobuf library, one by one: a
field twice or unknown to us, a date with something around it, a word with spaces.  What is no list of cases at all it
leaves altogether.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_Size
from cpython.unicode cimport PyUnicode_DecodeUTF8
from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy

from tariffcore._wire_forms cimport put_varint, varint_size, wire32

# Fields of a Case that are text: tariffcore/v1/case.proto
cdef enum:
    CASE_ID = 1
    PROVIDER_ID = 2
    DRG_CODE = 3
    SERVICE_CODE = 4
    CARE_SETTING = 5
    ADMISSION_DATE = 6
    DISCHARGE_DATE = 7
    OUTCOME = 8
    DEATH_UNAVOIDABLE = 9
    AGE_YEARS = 10
    PROCEDURE_CODES = 11
    QUANTITY = 12
    LENGTH_OF_STAY_DAYS = 13
    FACTOR_CODE = 14
    CLAIMED_AMOUNT = 15
    CASE_FIELDS = 16

# Columns of CaseColumns as `read` lays them out: words first, one behind the other, then bytes
cdef enum:
    C_PROVIDER = 0
    C_DRG = 1
    C_SERVICE = 2
    C_CARE_SETTING = 3
    C_OUTCOME = 4
    C_ADMISSION_DAY = 5
    C_DISCHARGE_DAY = 6
    C_ADMISSION_SECOND = 7
    C_DISCHARGE_SECOND = 8
    C_AGE_YEARS = 9
    C_QUANTITY = 10
    C_LENGTH_OF_STAY_DAYS = 11
    C_FACTOR = 12
    C_PROCEDURE_END = 13
    C_PROCEDURE = 14
    C_WORDS = 15

cdef enum:
    LONGEST_CASE_ID = 256
    MOST_PROCEDURES = 1000
    MOST_DIGITS = 18
    MAX_AGE_YEARS = 130
    MAX_STAY_DAYS = 32767
    UNKNOWN = 1             # the place of every word that the plan does not know
    NOT_FOUND = 0xFFFFFFFF

cdef uint32_t NOT_GIVEN = 0xFFFFFFFF
cdef uint32_t NO_DAY = 0x80000000
cdef uint64_t MAX_QUANTITY = 0x7FFFFFFF


cdef struct Slot:
    const uint8_t *text
    Py_ssize_t length
    uint64_t hashed
    uint32_t place


cdef inline uint64_t hashed(const uint8_t *text, Py_ssize_t n) noexcept nogil:
    """Words are short, and nobody chooses those of a plan to collide: what is looked up never enters the table."""
    cdef uint64_t h = 0x9E3779B97F4A7C15ULL ^ <uint64_t>n
    cdef uint64_t eight
    cdef Py_ssize_t i = 0
    while i + 8 <= n:
        memcpy(&eight, text + i, 8)
        h = (h ^ eight) * 0xD6E8FEB86659FD93ULL
        h ^= h >> 32
        i += 8
    while i < n:
        h = (h ^ text[i]) * 0xD6E8FEB86659FD93ULL
        i += 1
    return h ^ h >> 29


cdef class WordPlaces:
    """Words as UTF-8 and their places.  Never changes."""

    cdef Slot *slots
    cdef uint64_t mask
    cdef list words

    def __cinit__(self, places):
        cdef uint64_t room = 16
        while room < 2 * <uint64_t>len(places):
            room *= 2
        self.slots = <Slot *>calloc(room, sizeof(Slot))
        if self.slots == NULL:
            raise MemoryError
        self.mask = room - 1

    def __init__(self, places):
        cdef uint64_t at
        cdef bytes word
        self.words = [text.encode() for text in places]     # slots point into them
        for word, place in zip(self.words, places.values()):
            at = hashed(<const uint8_t *>PyBytes_AsString(word), PyBytes_Size(word))
            while self.slots[at & self.mask].text != NULL:
                at += 1
            self.slots[at & self.mask].text = <const uint8_t *>PyBytes_AsString(word)
            self.slots[at & self.mask].length = PyBytes_Size(word)
            self.slots[at & self.mask].place = place

    def __dealloc__(self):
        free(self.slots)

    cdef inline uint32_t find(self, const uint8_t *text, Py_ssize_t n) noexcept nogil:
        cdef uint64_t at = hashed(text, n)
        cdef const Slot *slot = self.slots + (at & self.mask)
        while slot.text != NULL:
            if slot.length == n and memcmp(slot.text, text, n) == 0:
                return slot.place
            at += 1
            slot = self.slots + (at & self.mask)
        return NOT_FOUND


cdef inline Py_ssize_t read_varint(
    const uint8_t *message, Py_ssize_t at, Py_ssize_t stop, uint64_t *value
) noexcept nogil:
    """Where the number ends; -1 where it is cut short or has more than 64 bits."""
    cdef uint64_t number = 0
    cdef int shift = 0
    cdef uint8_t octet
    while at < stop and shift < 70:
        octet = message[at]
        at += 1
        if shift == 63 and octet > 1:
            return -1
        number |= <uint64_t>(octet & 0x7F) << shift
        if not octet & 0x80:
            value[0] = number
            return at
        shift += 7
    return -1


cdef inline Py_ssize_t read_head(
    const uint8_t *message, Py_ssize_t at, Py_ssize_t stop, uint64_t *tag
) noexcept nogil:
    """Where the tag ends; -1 where it is longer than those of our fields need, or cut short."""
    cdef Py_ssize_t end = read_varint(message, at, stop, tag)
    return end if end - at <= 2 else -1


cdef inline Py_ssize_t read_length(
    const uint8_t *message, Py_ssize_t at, Py_ssize_t stop, uint64_t *length
) noexcept nogil:
    """Where the length ends; -1 where it is cut short or written longer than any may be, or what it measures is."""
    cdef Py_ssize_t end = read_varint(message, at, stop, length)
    return end if end >= 0 and end - at <= 5 and length[0] <= <uint64_t>(stop - end) else -1


cdef inline int two_digits(const uint8_t *text) noexcept nogil:
    """Their number; far below 0 where they are none."""
    cdef unsigned int tens = <unsigned int>text[0] - 48
    cdef unsigned int ones = <unsigned int>text[1] - 48
    return <int>(10 * tens + ones) if tens <= 9 and ones <= 9 else -100000


cdef inline bint is_word(const uint8_t *text, Py_ssize_t n) noexcept nogil:
    """Not empty, and nothing at either end that could be white space."""
    return n > 0 and 0x20 < text[0] < 0x80 and 0x20 < text[n - 1] < 0x80


cdef bint read_moment(const uint8_t *text, Py_ssize_t n, uint32_t *day, uint32_t *second) noexcept nogil:
    """``2026-03-04``, or with the hour ``2026-03-04T10:30[:15]``; False where that takes a closer look."""
    cdef int year, month, last
    cdef int64_t days, years
    cdef int d, hour
    cdef int minute = 0
    cdef int seconds = 0
    day[0] = NO_DAY
    second[0] = 0
    if n == 0:
        return True
    if (n != 10 and n != 16 and n != 19) or text[4] != 45 or text[7] != 45:
        return False
    year = 100 * two_digits(text) + two_digits(text + 2)
    month = two_digits(text + 5)
    d = two_digits(text + 8)
    if year < 1 or not 1 <= month <= 12 or d < 1:
        return False
    last = 30 + (month + (month >> 3) & 1)
    if month == 2:
        last = 28 + ((year & 3) == 0 and (year % 100 != 0 or year % 400 == 0))
    if d > last:
        return False
    # days since 1970 of a year that begins in March
    years = year - (month <= 2)
    days = 365 * years + years // 4 - years // 100 + years // 400
    days += (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + d - 1 - 719468
    day[0] = <uint32_t><int32_t>days
    if n == 10:
        return True
    hour = two_digits(text + 11)
    minute = two_digits(text + 14)
    if n == 19:
        seconds = two_digits(text + 17)
        if text[16] != 58:
            return False
    if text[10] != 84 or text[13] != 58 or not 0 <= hour <= 23 or not 0 <= minute <= 59 or not 0 <= seconds <= 59:
        return False
    second[0] = <uint32_t>(1 + 3600 * hour + 60 * minute + seconds)
    return True


cdef bint read_claim(const uint8_t *text, Py_ssize_t n, int minor_units, int64_t *minor) noexcept nogil:
    """Digits and a point, at most 18 digits in minor units; False where that takes a closer look."""
    cdef int64_t number = 0
    cdef Py_ssize_t i
    cdef int decimals = -1      # digits behind the point, once there is one
    cdef int digits = 0
    for i in range(n):
        if text[i] == 46 and decimals < 0 and i > 0 and i + 1 < n:
            decimals = 0
        elif 48 <= text[i] <= 57 and digits < MOST_DIGITS and decimals < minor_units:
            number = 10 * number + text[i] - 48
            digits += 1
            decimals += decimals >= 0
        else:
            return False
    for i in range(minor_units - (decimals if decimals > 0 else 0)):
        digits += 1
        number *= 10
        if digits > MOST_DIGITS:
            return False
    minor[0] = number
    return True


cdef class Places:
    """The words of a plan with their places in its code tables, and the place of a row without an outcome."""

    cdef WordPlaces provider, drg, service, setting, outcome, factor
    cdef uint32_t default_outcome
    cdef object signature_of
    cdef int minor_units

    def __init__(self, provider, drg, service, setting, outcome, factor, default_outcome, signature_of, minor_units):
        self.provider = WordPlaces(provider)
        self.drg = WordPlaces(drg)
        self.service = WordPlaces(service)
        self.setting = WordPlaces(setting)
        self.outcome = WordPlaces(outcome)
        self.factor = WordPlaces(factor)
        self.default_outcome = default_outcome
        self.signature_of = signature_of                    # of a procedure's text, a number below 256
        self.minor_units = minor_units


cdef inline bint place_of(WordPlaces places, const uint8_t *text, Py_ssize_t n, uint32_t *place) noexcept nogil:
    """False where the text takes a closer look."""
    if n == 0:
        place[0] = 0
        return True
    place[0] = places.find(text, n)
    if place[0] != <uint32_t>NOT_FOUND:
        return True
    place[0] = UNKNOWN
    return is_word(text, n) and is_ascii(text, n)


cdef inline bint is_ascii(const uint8_t *text, Py_ssize_t n) noexcept nogil:
    cdef Py_ssize_t i
    cdef uint8_t any_bits = 0
    for i in range(n):
        any_bits |= text[i]
    return any_bits < 0x80


def read(
    const uint8_t[::1] message,
    const int64_t[::1] starts,      # of each case in the message
    const int64_t[::1] lengths,
    Places places,
    uint8_t[::1] columns,           # 62 bytes a row, see `offsets_of`
    int64_t[::1] ids,               # where the case_id of each row begins
    uint16_t[::1] id_lengths,
    int64_t[::1] claims,            # minor units
    uint8_t[::1] has_claim,
    allowed_providers,              # None: all
):
    """Read cases into columns.

    Answers (procedures, rows that take a closer look); or None where the library must read: something ends early, or a
    provider is none of those allowed.
    """
    cdef Py_ssize_t rows = starts.shape[0]
    cdef uint32_t *words = <uint32_t *>&columns[0]
    cdef uint8_t *death = &columns[4 * C_WORDS * rows]
    cdef uint8_t *problem = death + rows
    cdef const uint8_t *octets = &message[0]
    cdef const uint8_t *texts[CASE_FIELDS]
    cdef Py_ssize_t text_lengths[CASE_FIELDS]
    cdef uint32_t row[C_WORDS]
    cdef uint32_t seen, procedures_end
    cdef uint64_t tag, value
    cdef Py_ssize_t i, at, stop, k, field
    cdef Py_ssize_t count
    cdef uint32_t signature
    cdef bint is_plain
    cdef list others = []
    procedures_end = 0
    for i in range(rows):
        at = starts[i]
        stop = at + lengths[i]
        is_plain = True
        seen = 0
        signature = 0
        count = 0
        for k in range(CASE_FIELDS):
            texts[k] = NULL
            text_lengths[k] = 0
        row[C_AGE_YEARS] = NOT_GIVEN
        row[C_QUANTITY] = 1
        row[C_LENGTH_OF_STAY_DAYS] = NOT_GIVEN
        death[i] = 0
        while at < stop:
            at = read_head(octets, at, stop, &tag)
            if at < 0:
                return None
            field = <Py_ssize_t>(tag >> 3)
            if tag & 7 == 2:
                at = read_length(octets, at, stop, &value)
                if at < 0:
                    return None
                if field == PROCEDURE_CODES:
                    count += 1
                    try:
                        signature |= <uint32_t>places.signature_of(
                            PyUnicode_DecodeUTF8(<const char *>octets + at, <Py_ssize_t>value, NULL)
                        )
                    except UnicodeDecodeError:
                        return None
                elif field == 0 or field >= CASE_FIELDS or DEATH_UNAVOIDABLE <= field <= LENGTH_OF_STAY_DAYS:
                    is_plain = False
                else:
                    texts[field] = octets + at
                    text_lengths[field] = <Py_ssize_t>value
                at += <Py_ssize_t>value
            elif tag & 7 == 0:
                at = read_varint(octets, at, stop, &value)
                if at < 0:
                    return None
                if field == AGE_YEARS and value <= MAX_AGE_YEARS:
                    row[C_AGE_YEARS] = <uint32_t>value
                elif field == QUANTITY and 1 <= value <= MAX_QUANTITY:
                    row[C_QUANTITY] = <uint32_t>value
                elif field == LENGTH_OF_STAY_DAYS and value <= MAX_STAY_DAYS:
                    row[C_LENGTH_OF_STAY_DAYS] = <uint32_t>value
                elif field == DEATH_UNAVOIDABLE and value <= 1:
                    death[i] = <uint8_t>(1 + value)
                else:
                    is_plain = False
            else:
                return None
            if field < CASE_FIELDS and field != PROCEDURE_CODES:
                is_plain = is_plain and not seen >> field & 1
                seen |= <uint32_t>1 << field
        row[C_OUTCOME] = places.default_outcome
        is_plain = (
            is_plain
            and count <= MOST_PROCEDURES
            and text_lengths[CASE_ID] <= LONGEST_CASE_ID
            and is_word(texts[CASE_ID], text_lengths[CASE_ID])
            and is_ascii(texts[CASE_ID], text_lengths[CASE_ID])
            and place_of(places.provider, texts[PROVIDER_ID], text_lengths[PROVIDER_ID], row + C_PROVIDER)
            and place_of(places.drg, texts[DRG_CODE], text_lengths[DRG_CODE], row + C_DRG)
            and place_of(places.service, texts[SERVICE_CODE], text_lengths[SERVICE_CODE], row + C_SERVICE)
            and place_of(places.setting, texts[CARE_SETTING], text_lengths[CARE_SETTING], row + C_CARE_SETTING)
            and (
                not seen >> OUTCOME & 1
                or place_of(places.outcome, texts[OUTCOME], text_lengths[OUTCOME], row + C_OUTCOME)
            )
            and place_of(places.factor, texts[FACTOR_CODE], text_lengths[FACTOR_CODE], row + C_FACTOR)
            and read_moment(
                texts[ADMISSION_DATE], text_lengths[ADMISSION_DATE], row + C_ADMISSION_DAY, row + C_ADMISSION_SECOND
            )
            and read_moment(
                texts[DISCHARGE_DATE], text_lengths[DISCHARGE_DATE], row + C_DISCHARGE_DAY, row + C_DISCHARGE_SECOND
            )
            and read_claim(texts[CLAIMED_AMOUNT], text_lengths[CLAIMED_AMOUNT], places.minor_units, &claims[i])
        )
        if not is_plain:
            others.append(i)
            for k in range(C_WORDS):
                row[k] = 0
            signature = 0
            death[i] = 0
        elif allowed_providers is not None and text_lengths[PROVIDER_ID] and (
            PyBytes_FromStringAndSize(<const char *>texts[PROVIDER_ID], text_lengths[PROVIDER_ID])
            not in allowed_providers
        ):
            return None
        problem[i] = 0
        has_claim[i] = text_lengths[CLAIMED_AMOUNT] > 0
        ids[i] = texts[CASE_ID] - octets if is_plain else 0
        id_lengths[i] = <uint16_t>text_lengths[CASE_ID] if is_plain else 0
        if signature:
            words[C_PROCEDURE * rows + procedures_end] = wire32(signature)
            procedures_end += 1
        row[C_PROCEDURE_END] = procedures_end
        for k in range(C_PROCEDURE):
            words[k * rows + i] = wire32(row[k])
    return procedures_end, others


def find_cases(const uint8_t[::1] message, int64_t[::1] starts, int64_t[::1] lengths):
    """Where the cases of a PriceCasesRequest lie: as many as there is room for, or None where the library must read.

    Answers (how many, the rest of the message): the request without its cases.
    """
    cdef const uint8_t *octets = &message[0]
    cdef Py_ssize_t stop = message.shape[0]
    cdef Py_ssize_t at = 0
    cdef Py_ssize_t begin
    cdef Py_ssize_t count = 0
    cdef uint64_t tag, value
    cdef list rest = []
    while at < stop:
        begin = at
        at = read_head(octets, at, stop, &tag)
        if at < 0:
            return None
        if tag & 7 == 2:
            at = read_length(octets, at, stop, &value)
            if at >= 0:
                at += <Py_ssize_t>value
        elif tag & 7 == 0:
            at = read_varint(octets, at, stop, &value)
        else:
            return None
        if at < 0:
            return None
        if tag == (1 << 3 | 2):
            if count >= starts.shape[0]:
                return None
            starts[count] = at - <Py_ssize_t>value
            lengths[count] = <int64_t>value
            count += 1
        else:
            rest.append(PyBytes_FromStringAndSize(<const char *>octets + begin, at - begin))
    return count, b"".join(rest)


cdef class Texts:
    """Pieces of messages, by number; an empty one where there is none."""

    cdef list pieces
    cdef const uint8_t **texts
    cdef Py_ssize_t *lengths

    def __cinit__(self, pieces):
        self.texts = <const uint8_t **>malloc((len(pieces) + 1) * sizeof(uint8_t *))
        self.lengths = <Py_ssize_t *>malloc((len(pieces) + 1) * sizeof(Py_ssize_t))
        if self.texts == NULL or self.lengths == NULL:
            raise MemoryError

    def __init__(self, pieces):
        cdef Py_ssize_t i
        cdef bytes piece
        self.pieces = list(pieces)      # the texts point into them
        for i, piece in enumerate(self.pieces):
            self.texts[i] = <const uint8_t *>PyBytes_AsString(piece)
            self.lengths[i] = PyBytes_Size(piece)

    def __dealloc__(self):
        free(self.texts)
        free(self.lengths)


cdef inline uint8_t *put_piece(uint8_t *at, Texts pieces, Py_ssize_t number) noexcept nogil:
    memcpy(at, pieces.texts[number], pieces.lengths[number])
    return at + pieces.lengths[number]


def write(
    const uint8_t[::1] message,             # the request
    const int64_t[::1] ids,
    const uint16_t[::1] id_lengths,
    const int64_t[::1] claims,
    const uint8_t[::1] has_claim,
    const int64_t[::1] amount_minor,
    const uint8_t[::1] status,
    const uint8_t[::1] edition,
    const uint32_t[::1] rule,
    Texts rule_pieces,                      # rule_id, by the kernel's number
    Texts method_pieces,                    # method, by the same
    Texts edition_pieces,                   # schedule_id, by the edition's number + 1
    const int64_t[:, ::1] parts_minor,      # None: not asked for
    const uint8_t[::1] has_parts,
    list components,                        # of each edition + 1 a pair: columns of parts, and Texts of all but the amount
    dict replaced,                          # row: its whole PricedCase
):
    """The prices of a PriceCasesResponse, field 1, one after the other."""
    cdef Py_ssize_t rows = status.shape[0]
    cdef Py_ssize_t total = 0
    cdef Py_ssize_t i, k, size, parts_size
    cdef int32_t *sizes = <int32_t *>malloc((rows + 1) * sizeof(int32_t))
    cdef uint8_t *at
    cdef uint64_t part
    cdef bint is_ok
    cdef bytes whole
    cdef object octets
    cdef Texts component_pieces
    cdef list component_columns
    if sizes == NULL:
        raise MemoryError
    try:
        for i in range(rows):
            whole = replaced.get(i) if replaced else None
            if whole is not None:
                size = PyBytes_Size(whole)
            else:
                is_ok = status[i] == 1
                size = 1 + varint_size(id_lengths[i]) + id_lengths[i] + 2 + edition_pieces.lengths[edition[i]]
                if is_ok:
                    size += 1 + varint_size(<uint64_t>amount_minor[i])
                    size += rule_pieces.lengths[rule[i]] + method_pieces.lengths[rule[i]]
                    if has_claim[i]:
                        size += 1 + varint_size(<uint64_t>(claims[i] - amount_minor[i]))
                    if parts_minor is not None and has_parts[i]:
                        component_columns, component_pieces = components[edition[i]]
                        for k in range(len(component_columns)):
                            size += component_size(component_pieces.lengths[k], parts_minor[<Py_ssize_t>component_columns[k], i])
            sizes[i] = <int32_t>size
            total += 1 + varint_size(<uint64_t>size) + size
        octets = PyBytes_FromStringAndSize(NULL, total)
        at = <uint8_t *>PyBytes_AsString(octets)
        for i in range(rows):
            at[0] = 1 << 3 | 2
            at = put_varint(at + 1, <uint64_t>sizes[i])
            whole = replaced.get(i) if replaced else None
            if whole is not None:
                memcpy(at, PyBytes_AsString(whole), sizes[i])
                at += sizes[i]
                continue
            is_ok = status[i] == 1
            at[0] = 1 << 3 | 2
            at = put_varint(at + 1, id_lengths[i])
            memcpy(at, &message[ids[i]], id_lengths[i])
            at += id_lengths[i]
            at[0] = 2 << 3
            at[1] = status[i]
            at += 2
            if is_ok:
                at[0] = 3 << 3
                at = put_varint(at + 1, <uint64_t>amount_minor[i])
                at = put_piece(at, rule_pieces, rule[i])
            at = put_piece(at, edition_pieces, edition[i])
            if is_ok:
                if parts_minor is not None and has_parts[i]:
                    component_columns, component_pieces = components[edition[i]]
                    for k in range(len(component_columns)):
                        part = <uint64_t>parts_minor[<Py_ssize_t>component_columns[k], i]
                        at[0] = 6 << 3 | 2
                        at = put_varint(
                            at + 1, component_pieces.lengths[k] + (1 + varint_size(part) if part else 0)
                        )
                        at = put_piece(at, component_pieces, k)
                        if part:
                            at[0] = 3 << 3
                            at = put_varint(at + 1, part)
                if has_claim[i]:
                    at[0] = 7 << 3
                    at = put_varint(at + 1, <uint64_t>(claims[i] - amount_minor[i]))
                at = put_piece(at, method_pieces, rule[i])
    finally:
        free(sizes)
    return octets


cdef inline Py_ssize_t component_size(Py_ssize_t piece, int64_t part) noexcept nogil:
    cdef Py_ssize_t size = piece
    if part:
        size += 1 + varint_size(<uint64_t>part)
    return 1 + varint_size(<uint64_t>size) + size
