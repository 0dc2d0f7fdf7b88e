# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Columns of cases in the bytes of a message, priced into the bytes of the answer.

A block of rows at a time goes all the way, from the columns as they came to the prices as they leave, so that what
one step hands to the next stays in the first-level cache.
"""

from cpython.bytes cimport PyBytes_AsString, PyBytes_FromStringAndSize, PyBytes_Size
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from tariffcore._binding cimport (
    ADDON_AMOUNT, ADDON_KIND, BLOCK, CARE_SETTING, DEATH_UNAVOIDABLE, DRG, FACTOR, FIELDS, OUTCOME, PROCEDURE,
    PROCEDURE_END, PROVIDER, QUANTITY, ROW_PROBLEM, SERVICE, Bound, Columns, Plan, Words, bind_block, load32, plan_of,
)
from tariffcore._kernel cimport Cases, Priced, Tables, price_rows, split_room, split_rows, tables_of
from tariffcore._wire_forms cimport (
    LITTLE_ENDIAN, put_head, put_varint, put_words64, read_varint, run_size, varint_size, wire32, wire64,
)

# The numbers of tariffcore.statuses.CaseStatus: that has an amount, and what becomes of one that is too large.
cdef enum:
    OK = 1
    AMOUNT_OVERFLOW = 14

# 18 digits: tariffcore.money.MAX_AMOUNT_MINOR
cdef int64_t MAX_AMOUNT_MINOR = 999999999999999999LL

cdef uint64_t EIGHT_OK = 0x0101010101010101ULL


cdef struct Answer:
    # Where prices go, one element a row; columns of words may begin anywhere, and are in little-endian order.
    uint8_t *amount_minor           # int64
    uint8_t *status
    uint8_t *edition
    uint8_t *rule                   # uint32; NULL: not asked for
    const uint32_t *place_of_rule   # the kernel's rule number: the place that is written
    uint8_t *has_parts              # NULL: not asked for
    uint8_t *parts_minor            # int64, a component's behind those of the one before
    Py_ssize_t stride               # bytes from a component to the next
    Py_ssize_t components
    int64_t *counts                 # of statuses, by number
    uint8_t *marked                 # 1 where the row's own fields decide; NULL: not asked for


cdef inline void count_statuses(const uint8_t *status, int64_t *counts, Py_ssize_t n) noexcept nogil:
    """Nearly all are OK: eight at once."""
    cdef uint64_t eight
    cdef Py_ssize_t i = 0
    cdef Py_ssize_t k
    counts[OK] += n
    while i < n:
        if i + 8 <= n:
            memcpy(&eight, status + i, 8)
            if eight == EIGHT_OK:
                i += 8
                continue
        for k in range(i, i + 8 if i + 8 <= n else n):
            if status[k] != OK:
                counts[OK] -= 1
                counts[status[k]] += 1
        i += 8


cdef void pay_addon(
    const Plan *plan, const Bound *bound, Py_ssize_t k, const Priced *priced, const Answer *answer, Py_ssize_t first
) noexcept nogil:
    """Add what a row of the block brings with it to its price, and to its component: tariffcore.pricing.pay_addons."""
    cdef Py_ssize_t row = bound.with_addon[k]
    cdef Py_ssize_t component
    cdef uint8_t *part
    cdef int64_t minor
    if priced.status[row] != OK:
        return
    if priced.amount_minor[row] + bound.addon_minor[k] > MAX_AMOUNT_MINOR:
        priced.amount_minor[row] = 0
        priced.status[row] = AMOUNT_OVERFLOW
        priced.rule[row] = 0
        if answer.has_parts != NULL and answer.components:
            answer.has_parts[first + row] = 0
            for component in range(answer.components):
                memset(answer.parts_minor + component * answer.stride + 8 * (first + row), 0, 8)
        return
    priced.amount_minor[row] += bound.addon_minor[k]
    if answer.has_parts != NULL and answer.components and answer.has_parts[first + row]:
        component = plan.addon_component[priced.edition[row] * plan.addon_kinds + bound.addon_kind[k]]
        part = answer.parts_minor + component * answer.stride + 8 * (first + row)
        memcpy(&minor, part, 8)
        minor += bound.addon_minor[k]
        memcpy(part, &minor, 8)


cdef bint price_columns(
    const Plan *plan, const Tables *tables, const Columns *c, const Words *w, const Answer *answer, Bound *bound,
    int64_t *room, Py_ssize_t rows, bint settle_all,
) noexcept nogil:
    """Price all rows; False where something is beyond its table, which ``bound`` names then."""
    cdef int64_t amounts[BLOCK]
    cdef uint16_t rules[BLOCK]
    cdef Cases cases
    cdef Priced priced
    cdef Py_ssize_t n, k
    cdef Py_ssize_t first = 0
    cdef uint32_t word
    cases.deciding_day = &bound.admission_day[0] if plan.by_admission else &bound.discharge_day[0]
    cases.admission_day = bound.admission_day
    cases.discharge_day = bound.discharge_day
    cases.item = bound.item
    cases.provider = bound.provider
    cases.variant = bound.variant
    cases.age = bound.age
    cases.outcome = bound.outcome
    cases.quantity = NULL if c.of[QUANTITY] == NULL else &bound.quantity[0]
    priced.amount_minor = amounts
    priced.rule = rules
    while first < rows:
        n = rows - first if rows - first < BLOCK else BLOCK
        if not bind_block(plan, c, w, bound, first, n, settle_all):
            return False
        priced.status = answer.status + first
        priced.edition = answer.edition + first
        price_rows(tables, &cases, &priced, 0, n)
        for k in range(bound.marked_count):
            priced.edition[bound.marked[k]] = bound.marked_edition[k]
            if answer.marked != NULL:
                answer.marked[first + bound.marked[k]] = 1
        if answer.has_parts != NULL and answer.components:
            split_rows(
                tables, &cases, &priced, answer.has_parts + first, answer.parts_minor + 8 * first, answer.stride,
                answer.components, room, False, 0, n,
            )
        for k in range(bound.addon_count):
            pay_addon(plan, bound, k, &priced, answer, first)
        put_words64(answer.amount_minor + 8 * first, amounts, n)
        count_statuses(priced.status, answer.counts, n)
        if answer.rule != NULL:
            for k in range(n):
                word = wire32(answer.place_of_rule[rules[k]] if priced.status[k] == OK else 0)
                memcpy(answer.rule + 4 * (first + k), &word, 4)
        first += n
    if c.of[PROCEDURE_END] != NULL and load32(c.of[PROCEDURE_END], rows - 1) != <uint32_t>c.procedures:
        bound.wrong_field = PROCEDURE_END
        bound.wrong_row = rows - 1
        return False
    if not LITTLE_ENDIAN and answer.has_parts != NULL:
        for k in range(answer.components):
            swap_words64(answer.parts_minor + k * answer.stride, rows)
    return True


cdef void swap_words64(uint8_t *at, Py_ssize_t n) noexcept nogil:
    cdef uint64_t word
    cdef Py_ssize_t i
    for i in range(n):
        memcpy(&word, at + 8 * i, 8)
        word = wire64(word)
        memcpy(at + 8 * i, &word, 8)


cdef class CodeWords:
    """The code tables of a stream as they were at some chunk, in the plan's numbers."""

    cdef const uint32_t[::1] provider
    cdef const uint32_t[::1] drg
    cdef const uint32_t[::1] service
    cdef const uint32_t[::1] setting
    cdef const uint16_t[::1] setting_number
    cdef const uint32_t[::1] outcome
    cdef const uint32_t[::1] factor
    cdef const uint32_t[::1] addon_kind
    cdef const uint8_t[::1] procedure

    def __init__(self, provider, drg, service, setting, setting_number, outcome, factor, addon_kind, procedure):
        self.provider = provider
        self.drg = drg
        self.service = service
        self.setting = setting
        self.setting_number = setting_number
        self.outcome = outcome
        self.factor = factor
        self.addon_kind = addon_kind
        self.procedure = procedure

    cdef void fill(self, Words *w, Columns *c) noexcept:
        w.provider = &self.provider[0]
        w.drg = &self.drg[0]
        w.service = &self.service[0]
        w.setting = &self.setting[0]
        w.setting_number = &self.setting_number[0]
        w.outcome = &self.outcome[0]
        w.factor = &self.factor[0]
        w.addon_kind = &self.addon_kind[0]
        w.procedure = &self.procedure[0]
        c.room[PROVIDER] = <uint32_t>self.provider.shape[0]
        c.room[DRG] = <uint32_t>self.drg.shape[0]
        c.room[SERVICE] = <uint32_t>self.service.shape[0]
        c.room[CARE_SETTING] = <uint32_t>self.setting.shape[0]
        c.room[OUTCOME] = <uint32_t>self.outcome.shape[0]
        c.room[FACTOR] = <uint32_t>self.factor.shape[0]
        c.room[ADDON_KIND] = <uint32_t>self.addon_kind.shape[0]
        c.room[PROCEDURE] = <uint32_t>self.procedure.shape[0]


cdef void find_columns(
    Columns *c, const uint8_t[::1] message, const int64_t[::1] offsets, Py_ssize_t procedures
) noexcept:
    cdef int field
    for field in range(FIELDS):
        c.of[field] = NULL if offsets[field] < 0 else &message[0] + offsets[field]
    c.procedures = procedures


def price(
    plan_numbers,
    price_tables,
    CodeWords words,
    const uint32_t[::1] place_of_rule,  # kernel's rule number: what is written
    const uint8_t[::1] message,
    const int64_t[::1] offsets,         # of each field in the message, -1 where left out
    Py_ssize_t rows,
    Py_ssize_t procedures,
    int64_t[::1] amount_minor,
    uint8_t[::1] status,
    uint8_t[::1] edition,
    uint32_t[::1] rule,
    uint8_t[::1] has_parts,             # None: components are not asked for
    int64_t[:, ::1] parts_minor,        # component, row
    bint settle_all,
    uint8_t[::1] marked=None,           # gets 1 at rows that their own fields decide
):
    """Price columns into arrays.  ``settle_all``: bind by the whole rule only, which gives the same.

    Answers (field, place): the number of the field and the element of it that is beyond what there is; (0, 0) where
    nothing is.  Amounts, rules and parts are in little-endian order.
    """
    cdef const Plan *plan = plan_of(plan_numbers)
    cdef const Tables *tables = tables_of(price_tables)
    cdef Columns c
    cdef Words w
    cdef Answer answer
    cdef Bound bound
    cdef int64_t counts[256]
    cdef int64_t *room = NULL
    find_columns(&c, message, offsets, procedures)
    words.fill(&w, &c)
    answer.amount_minor = <uint8_t *>&amount_minor[0]
    answer.status = &status[0]
    answer.edition = &edition[0]
    answer.rule = <uint8_t *>&rule[0]
    answer.place_of_rule = &place_of_rule[0]
    answer.has_parts = NULL
    answer.components = 0
    answer.counts = counts
    answer.marked = NULL if marked is None else &marked[0]
    if has_parts is not None and parts_minor is not None and parts_minor.shape[0]:
        answer.has_parts = &has_parts[0]
        answer.parts_minor = <uint8_t *>&parts_minor[0, 0]
        answer.stride = 8 * parts_minor.shape[1]
        answer.components = parts_minor.shape[0]
        room = <int64_t *>malloc(split_room(answer.components))
        if room == NULL:
            raise MemoryError
    with nogil:
        price_columns(plan, tables, &c, &w, &answer, &bound, room, rows, settle_all)
    free(room)
    return bound.wrong_field, bound.wrong_row


cdef object answer_of(
    const Plan *plan, const Tables *tables, const Columns *c, const Words *w, const uint32_t *place_of_rule,
    Py_ssize_t rows, Py_ssize_t components, int64_t *counts, Bound *bound,
):
    """A whole PriceCaseColumnsResponse; None where something is beyond its table, which ``bound`` names then.

    ``place_of_rule`` is NULL where rules are not asked for, ``components`` -1; statuses are added to ``counts``.
    """
    cdef Answer answer
    cdef int64_t found[256]
    cdef int64_t *room = NULL
    cdef Py_ssize_t component = run_size(8 * rows)
    cdef Py_ssize_t size = 1 + varint_size(rows) + run_size(8 * rows) + 2 * run_size(rows)
    cdef bint is_done
    cdef uint8_t *at
    cdef Py_ssize_t k
    if place_of_rule != NULL:
        size += run_size(4 * rows)
    if components >= 0:
        size += run_size(rows) + components * run_size(component)
    cdef object octets = PyBytes_FromStringAndSize(NULL, run_size(size))
    if components > 0:
        room = <int64_t *>malloc(split_room(components))
        if room == NULL:
            raise MemoryError
    at = <uint8_t *>PyBytes_AsString(octets)
    with nogil:
        memset(found, 0, sizeof(found))
        answer.counts = found
        answer.marked = NULL
        at = put_head(at, 2, size)
        at = put_varint(put_varint(at, 1 << 3), <uint64_t>rows)
        answer.amount_minor = at = put_head(at, 2, 8 * rows)
        answer.status = at = put_head(at + 8 * rows, 3, rows)
        answer.edition = at = put_head(at + rows, 4, rows)
        at += rows
        answer.rule = NULL
        if place_of_rule != NULL:
            answer.place_of_rule = place_of_rule
            answer.rule = at = put_head(at, 5, 4 * rows)
            at += 4 * rows
        answer.has_parts = NULL
        answer.components = 0
        if components >= 0:
            answer.has_parts = at = put_head(at, 6, rows)
            memset(at, 0, rows)
            at += rows
            answer.components = components
            answer.stride = run_size(component)
            for k in range(components):
                at = put_head(put_head(at, 7, component), 1, 8 * rows)
                if k == 0:
                    answer.parts_minor = at
                at += 8 * rows
        is_done = price_columns(plan, tables, c, w, &answer, bound, room, rows, False)
    free(room)
    if not is_done:
        return None
    for k in range(256):
        counts[k] += found[k]
    return octets


def answer_chunk(
    plan_numbers,
    price_tables,
    CodeWords words,
    const uint32_t[::1] place_of_rule,  # None: rules are not asked for
    const uint8_t[::1] message,
    const int64_t[::1] offsets,         # of each field in the message, -1 where left out
    Py_ssize_t rows,
    Py_ssize_t procedures,
    Py_ssize_t components,              # -1: not asked for
    int64_t[::1] counts,                # of statuses, by number, for 256
):
    """A whole PriceCaseColumnsResponse with the prices of all rows.

    Answers (message, 0, 0), or (None, field, place): the number of the field and the element of it that is beyond
    what there is.
    """
    cdef Columns c
    cdef Words w
    cdef Bound bound
    find_columns(&c, message, offsets, procedures)
    words.fill(&w, &c)
    memset(&counts[0], 0, 256 * sizeof(int64_t))
    answer = answer_of(
        plan_of(plan_numbers), tables_of(price_tables), &c, &w, NULL if place_of_rule is None else &place_of_rule[0],
        rows, components, &counts[0], &bound,
    )
    return (None, bound.wrong_field, bound.wrong_row) if answer is None else (answer, 0, 0)


cdef bint find_plainly(const uint8_t *octets, Py_ssize_t size, Columns *c, Py_ssize_t *rows) noexcept nogil:
    """Find the columns of a whole PriceCaseColumnsRequest.

    False where it is no chunk in plain form, brings words, has columns for cases without a group, or columns of
    other lengths: `_wire.scan` and `tariffcore.wire.stream` know what to do or to say then.
    """
    cdef Py_ssize_t lengths[FIELDS]
    cdef uint64_t tag, value
    cdef Py_ssize_t field, width
    cdef Py_ssize_t at = read_varint(octets, 0, size, &tag)
    if at < 0 or tag != (2 << 3 | 2):
        return False
    at = read_varint(octets, at, size, &value)
    if at < 0 or value != <uint64_t>(size - at):
        return False
    memset(lengths, 0, sizeof(lengths))
    for field in range(FIELDS):
        c.of[field] = NULL
    rows[0] = 0
    while at < size:
        at = read_varint(octets, at, size, &tag)
        if at < 0:
            return False
        at = read_varint(octets, at, size, &value)
        if at < 0:
            return False
        if tag == 1 << 3:
            rows[0] = <Py_ssize_t>value
            continue
        field = <Py_ssize_t>(tag >> 3)
        if tag & 7 != 2 or field < PROVIDER or field >= FIELDS or lengths[field] or value > <uint64_t>(size - at):
            return False
        if value:
            c.of[field] = octets + at
            lengths[field] = <Py_ssize_t>value
        at += <Py_ssize_t>value
    for field in range(PROVIDER, FIELDS):
        width = 1 if field == DEATH_UNAVOIDABLE or field == ROW_PROBLEM else 8 if field == ADDON_AMOUNT else 4
        if field != PROCEDURE and lengths[field] and lengths[field] != width * rows[0]:
            return False
    c.procedures = lengths[PROCEDURE] // 4
    return lengths[PROCEDURE] % 4 == 0 and (lengths[PROCEDURE] == 0 or lengths[PROCEDURE_END] != 0)


cdef class PlainChunks:
    """Answers the chunks of one stream that are in plain form and bring no new words: nearly all of a long one.

    Between two chunks gRPC moves megabytes, and whatever a chunk needs beside its columns has left the caches: so
    nothing here is a Python object but the message and its answer.
    """

    cdef object plan_numbers, price_tables      # alive as long as this
    cdef const Plan *plan
    cdef const Tables *tables
    cdef const uint32_t[::1] place_of_rule
    cdef Py_ssize_t components, most_rows
    cdef CodeWords words
    cdef int64_t counts[256]

    def __init__(self, plan_numbers, price_tables, place_of_rule, Py_ssize_t components, Py_ssize_t most_rows):
        """As `answer_chunk` asks for them."""
        self.plan_numbers = plan_numbers
        self.price_tables = price_tables
        self.plan = plan_of(plan_numbers)
        self.tables = tables_of(price_tables)
        self.place_of_rule = place_of_rule
        self.components = components
        self.most_rows = most_rows
        memset(self.counts, 0, sizeof(self.counts))

    def append(self, CodeWords words not None):
        """The code tables as they are from the next chunk on."""
        self.words = words

    def answer(self, message):
        """The whole PriceCaseColumnsResponse; None where the chunk is something else, or wrong."""
        cdef Columns c
        cdef Words w
        cdef Bound bound
        cdef Py_ssize_t rows
        if type(message) is not bytes or self.words is None:
            return None
        if not find_plainly(<const uint8_t *>PyBytes_AsString(message), PyBytes_Size(message), &c, &rows):
            return None
        if rows < 1 or rows > self.most_rows:
            return None
        self.words.fill(&w, &c)
        return answer_of(
            self.plan, self.tables, &c, &w, NULL if self.place_of_rule is None else &self.place_of_rule[0], rows,
            self.components, self.counts, &bound,
        )

    def take_counts(self, int64_t[::1] counts):
        """Add to each status, by number, how many rows came to it since this was last asked."""
        cdef Py_ssize_t k
        for k in range(256):
            counts[k] += self.counts[k]
            self.counts[k] = 0
