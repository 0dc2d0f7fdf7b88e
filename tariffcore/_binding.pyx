# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Columns of cases as they come over the wire, brought to the numbers of a plan.

A block of rows at a time: first loops over whole columns, right for every plain row, which also notice the rows
that need another look; then `settle` does those by the whole rule, one after the other.  `tariffcore.binding`
lays out the tables and proves lengths; places in code tables are checked here, before they are used.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset

cdef extern from *:
    """
    #include <string.h>
    /* Columns begin anywhere in a message, in little-endian order. */
    static inline uint32_t tariffcore_load32(const uint8_t *bytes, Py_ssize_t i) {
        uint32_t word;
        memcpy(&word, bytes + 4 * i, 4);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap32(word);
    #endif
        return word;
    }
    """
    uint32_t load32 "tariffcore_load32"(const uint8_t *bytes, Py_ssize_t i) noexcept nogil

# Fields of CaseColumns; the place of each in `bind`'s offsets.
cdef enum:
    PROVIDER = 11
    DRG = 12
    SERVICE = 13
    CARE_SETTING = 14
    OUTCOME = 15
    ADMISSION_DAY = 16
    DISCHARGE_DAY = 17
    ADMISSION_SECOND = 18
    DISCHARGE_SECOND = 19
    AGE_YEARS = 20
    QUANTITY = 21
    LENGTH_OF_STAY_DAYS = 22
    FACTOR = 23
    DEATH_UNAVOIDABLE = 24
    PROCEDURE_END = 25
    PROCEDURE = 26
    ROW_PROBLEM = 27
    FIELDS = 28

# What a row is, from the last reason to be asked for to the first: see the order of statuses.
cdef enum:
    PLAIN = 0
    CONTRADICTS = 1
    IMPOSSIBLE = 2
    MISSING = 3
    INVALID = 4
    MALFORMED = 5
    LEVELS = 6

cdef enum:
    BLOCK = 1024
    # above the number in an entry of a code table: the word is none, or its rows need the whole rule
    NO_WORD = 0x10000
    NEEDS_HOURS = 0x20000
    BEYOND = 0x40000            # no word has this place yet
    NO_DAY_CODES = 5            # codes below 2**16 that are no days
    MAX_STAY_DAYS = 32767
    MAX_AGE_YEARS = 130
    SECONDS_A_DAY = 86400

cdef uint32_t NOT_GIVEN = 0xFFFFFFFF
cdef uint32_t MAX_QUANTITY = 0x7FFFFFFF
cdef int32_t NO_DAY = -2147483647 - 1
cdef int32_t FIRST_DAY = -719162
cdef int32_t LAST_DAY = 2932896


cdef int[6] CODED = [PROVIDER, DRG, SERVICE, CARE_SETTING, OUTCOME, FACTOR]
cdef int[2] SERVICE_AND_FACTOR = [SERVICE, FACTOR]


cdef class PlanNumbers:
    """What binding needs to know of a plan.  Built once, shared by all threads."""

    cdef const uint8_t[::1] edition_of_day      # day code: edition + 1, 0 where there is none
    cdef const int32_t[::1] extra_days          # edition + 1
    cdef const uint16_t[:, ::1] key_of_pair     # care setting, factor code; 0 is one the plan does not know
    cdef const int32_t[:, ::1] limit_hours      # edition + 1, care setting; -1: none
    cdef const uint16_t[::1] over_key           # care setting: its key where the stay is longer than its limit
    cdef const uint16_t[::1] unsure_key         # care setting: its key where the hours are needed
    cdef const uint16_t[::1] day_of_level       # the day code of a row that its own fields decide
    cdef uint32_t day_codes                     # of days; those above mean something else
    cdef uint16_t outside_day
    cdef int32_t base_day
    cdef bint is_open_ended, by_admission
    cdef int32_t same_extra                     # what all editions have in extra_days; -1 where they differ
    cdef uint16_t unknown_item
    cdef uint8_t default_outcome

    def __init__(self, *, edition_of_day, extra_days, key_of_pair, limit_hours, over_key, unsure_key, day_of_level,
                 day_codes, outside_day, base_day, is_open_ended, by_admission, same_extra, unknown_item,
                 default_outcome):
        self.edition_of_day = edition_of_day
        self.extra_days = extra_days
        self.key_of_pair = key_of_pair
        self.limit_hours = limit_hours
        self.over_key = over_key
        self.unsure_key = unsure_key
        self.day_of_level = day_of_level
        self.day_codes = day_codes
        self.outside_day = outside_day
        self.base_day = base_day
        self.is_open_ended = is_open_ended
        self.by_admission = by_admission
        self.same_extra = same_extra
        self.unknown_item = unknown_item
        self.default_outcome = default_outcome


cdef struct Words:
    # Code tables: of each place the plan's number, 0x10000 added where the word is none.
    const uint32_t *provider
    const uint32_t *drg
    const uint32_t *service
    const uint32_t *setting             # the key, with 0x20000 added where some edition limits the hours
    const uint32_t *outcome
    const uint32_t *factor              # 0: not known to the plan
    const uint16_t *setting_number      # 0: not known to the plan
    const uint8_t *procedure            # bits of the signature


cdef struct Columns:
    # NULL: left out
    const uint8_t *of[FIELDS]
    uint32_t room[FIELDS]               # of codes: entries of the table, a power of two; of procedures: its places
    Py_ssize_t procedures               # how many places the procedure column holds


cdef struct Plan:
    const uint8_t *edition_of_day
    const int32_t *extra_days
    const uint16_t *key_of_pair
    const int32_t *limit_hours
    const uint16_t *over_key
    const uint16_t *unsure_key
    const uint16_t *day_of_level
    Py_ssize_t factors, settings
    uint32_t day_codes
    uint16_t outside_day
    int32_t base_day
    bint is_open_ended, by_admission
    int32_t same_extra
    uint16_t unknown_item
    uint8_t default_outcome


cdef struct Bound:
    uint16_t *admission_day
    uint16_t *discharge_day
    uint16_t *item
    uint16_t *provider
    uint16_t *variant
    uint8_t *age
    uint8_t *outcome
    uint32_t *quantity
    int32_t *marked
    uint8_t *marked_edition
    Py_ssize_t marked_count
    # what stopped the binding
    int wrong_field
    Py_ssize_t wrong_row


cdef inline uint32_t word(const Columns *c, int column, const uint32_t *table, Py_ssize_t i) noexcept nogil:
    """The entry of a code, that of a missing one where the column is left out."""
    return table[load32(c.of[column], i)] if c.of[column] != NULL else table[0]


cdef inline int32_t day(const Columns *c, int column, Py_ssize_t i) noexcept nogil:
    return <int32_t>load32(c.of[column], i) if c.of[column] != NULL else NO_DAY


cdef inline bint is_day(int32_t number) noexcept nogil:
    return FIRST_DAY <= number <= LAST_DAY


cdef inline uint32_t number(const Columns *c, int column, Py_ssize_t i, uint32_t absent) noexcept nogil:
    return load32(c.of[column], i) if c.of[column] != NULL else absent


cdef void settle(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t i, uint8_t signature
) noexcept nogil:
    """One row by the whole rule."""
    cdef int level = PLAIN
    cdef uint32_t drg = word(c, DRG, w.drg, i)
    cdef uint32_t service = word(c, SERVICE, w.service, i)
    cdef uint32_t setting = word(c, CARE_SETTING, w.setting, i)
    cdef uint32_t outcome = word(c, OUTCOME, w.outcome, i)
    cdef uint32_t factor = word(c, FACTOR, w.factor, i)
    cdef bint is_case = not drg & NO_WORD
    cdef bint is_service = not service & NO_WORD
    cdef int32_t admission = day(c, ADMISSION_DAY, i)
    cdef int32_t discharge = day(c, DISCHARGE_DAY, i)
    cdef bint no_admission = admission == NO_DAY
    cdef bint has_admission = is_day(admission)
    cdef bint has_discharge = is_day(discharge)
    cdef uint32_t length = number(c, LENGTH_OF_STAY_DAYS, i, NOT_GIVEN)
    cdef bint has_length = length != NOT_GIVEN
    cdef uint32_t start = number(c, ADMISSION_SECOND, i, 0)
    cdef uint32_t end = number(c, DISCHARGE_SECOND, i, 0)
    cdef uint32_t age = number(c, AGE_YEARS, i, NOT_GIVEN)
    cdef uint32_t quantity = number(c, QUANTITY, i, 1)
    cdef uint8_t death = c.of[DEATH_UNAVOIDABLE][i] if c.of[DEATH_UNAVOIDABLE] != NULL else 0
    cdef uint8_t problem = c.of[ROW_PROBLEM][i] if c.of[ROW_PROBLEM] != NULL else 0
    cdef int64_t stay = 0
    cdef int64_t behind_seconds
    cdef int64_t deciding, code
    cdef int32_t extra, limit
    cdef uint16_t key, deciding_code, admission_code, discharge_code
    cdef uint16_t setting_number
    cdef uint8_t edition
    cdef bint timed

    if (drg | service | setting | outcome | factor) & BEYOND or problem > 3:
        stop_at(
            out,
            DRG if drg & BEYOND else SERVICE if service & BEYOND else CARE_SETTING if setting & BEYOND
            else OUTCOME if outcome & BEYOND else FACTOR if factor & BEYOND else ROW_PROBLEM,
            i,
        )
        return

    # what the row itself says
    if problem == 1 or (is_case and is_service):
        level = INVALID
    elif problem == 2 or not (is_case or is_service) or setting & NO_WORD:
        level = MISSING
    if not has_admission:
        if not no_admission:
            level = INVALID
        elif plan.by_admission or (is_case and not has_length):
            level = level if level > MISSING else MISSING
    if not has_discharge:
        level = INVALID if discharge != NO_DAY else (level if level > MISSING else MISSING)
    if (has_admission and start > SECONDS_A_DAY) or (has_discharge and end > SECONDS_A_DAY):
        level = INVALID
    if has_length and length > MAX_STAY_DAYS:
        level = INVALID
        length = 0
    if age != NOT_GIVEN and age > MAX_AGE_YEARS:
        level = INVALID
    if quantity == NOT_GIVEN:
        quantity = 1
        if is_service:
            level = level if level > MISSING else MISSING
    elif quantity - 1 >= MAX_QUANTITY:
        quantity = 1
        level = INVALID
    if c.of[OUTCOME] == NULL:
        outcome = plan.default_outcome
    elif outcome & NO_WORD and is_case:
        level = level if level > MISSING else MISSING
    if death > 2:
        death = 0
        level = INVALID
    if problem == 3:
        level = MALFORMED

    # the stay
    if has_admission and has_discharge:
        stay = <int64_t>discharge - admission
        if stay < 0 or stay > MAX_STAY_DAYS or (stay == 0 and start and end and end < start):
            level = level if level > IMPOSSIBLE else IMPOSSIBLE
    deciding = admission if plan.by_admission else discharge
    edition = 0
    deciding_code = plan.outside_day
    if has_admission if plan.by_admission else has_discharge:
        code = deciding - plan.base_day
        if code >= plan.day_codes and plan.is_open_ended:
            code = plan.day_codes - 1  # an edition without an end covers those days too, and nothing changes there
        if 0 <= code < plan.day_codes:
            deciding_code = <uint16_t>code
        edition = plan.edition_of_day[deciding_code]
    extra = plan.extra_days[edition]
    if has_length and has_admission and edition:
        if (stay + extra if stay + extra > 1 else 1) != length:
            level = level if level > CONTRADICTS else CONTRADICTS
    # the kernel wants no more of the other day than how far it is from the one that decides, modulo 2**16
    if plan.by_admission:
        admission_code = deciding_code
        discharge_code = <uint16_t>(deciding_code + stay)
    else:
        discharge_code = deciding_code
        if no_admission and has_length:
            stay = <int64_t>(length if length > 1 else 1) - extra
        admission_code = <uint16_t>(deciding_code - stay)

    # the care setting, with the factor or with the answer to its limit of hours
    key = <uint16_t>setting
    if setting & NO_WORD:
        setting_number = 0
    else:
        setting_number = w.setting_number[load32(c.of[CARE_SETTING], i)]
    if not factor & NO_WORD:
        key = plan.key_of_pair[setting_number * plan.factors + <uint16_t>factor]
    limit = plan.limit_hours[edition * plan.settings + setting_number]
    if is_case and limit >= 0:
        timed = start != 0 and end != 0
        if not has_admission:
            key = plan.unsure_key[setting_number]
        elif timed:
            behind_seconds = stay * SECONDS_A_DAY + end - start
            if behind_seconds > <int64_t>limit * 3600:
                key = plan.over_key[setting_number]
        elif stay >= 1 and (stay - 1) * 24 >= limit:
            key = plan.over_key[setting_number]
        elif (stay + 1) * 24 > limit:
            key = plan.unsure_key[setting_number]

    if level != PLAIN:
        out.marked[out.marked_count] = <int32_t>i
        out.marked_edition[out.marked_count] = edition
        out.marked_count += 1
        deciding_code = plan.day_of_level[level]
        # its other numbers do not matter then
        admission_code = discharge_code = deciding_code
    out.admission_day[i] = admission_code
    out.discharge_day[i] = discharge_code
    out.item[i] = <uint16_t>service if is_service else <uint16_t>drg if is_case else plan.unknown_item
    out.variant[i] = key | signature
    out.age[i] = <uint8_t>age
    out.outcome[i] = <uint8_t>(<uint8_t>outcome + (death - 1 if death else 2))
    if out.quantity != NULL:
        out.quantity[i] = quantity


cdef inline void stop_at(Bound *out, int field, Py_ssize_t row) noexcept nogil:
    """Remember what ends the binding; the first of several."""
    if out.wrong_field == 0:
        out.wrong_field = field
        out.wrong_row = row


cdef inline bint check_places(const Columns *c, Bound *out, int field, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Whether every code of a block is inside its table's room; what is beyond its words there is marked."""
    cdef const uint8_t *column = c.of[field] + 4 * first
    cdef uint32_t room = c.room[field]
    cdef uint32_t bits = 0
    cdef Py_ssize_t k
    for k in range(n):
        bits |= load32(column, k)
    if bits < room:     # rooms are powers of two
        return True
    for k in range(n):
        if load32(column, k) >= room:
            stop_at(out, field, first + k)
            break
    return False


cdef bint read_procedures(
    const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, uint8_t *signatures
) noexcept nogil:
    """The bits of the procedures of each row of a block; False where ends fall or places are none."""
    cdef uint32_t before = load32(c.of[PROCEDURE_END], first - 1) if first else 0
    cdef uint32_t end, code
    cdef uint8_t bits
    cdef Py_ssize_t k
    memset(signatures, 0, n)
    for k in range(n):
        end = load32(c.of[PROCEDURE_END], first + k)
        if end == before:
            continue
        if end < before or end > c.procedures:
            stop_at(out, PROCEDURE_END, first + k)
            return False
        bits = 0
        while before < end:
            code = load32(c.of[PROCEDURE], before)
            if code == 0 or code >= c.room[PROCEDURE]:
                stop_at(out, PROCEDURE, before)
                return False
            bits |= w.procedure[code]
            before += 1
        signatures[k] = bits
    return True


cdef bint bind_block(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, bint settle_all
) noexcept nogil:
    """Rows first..first + n; False where something is beyond its table.

    The loops take no branch and compare next to nothing, so that they run on several rows at once: a row needs
    another look where any bit of ``look`` is set, and may be given one without need.
    """
    cdef uint32_t look[BLOCK]
    cdef uint8_t signatures[BLOCK]
    cdef uint32_t entry, came, left, stay, length, number, beyond
    cdef uint32_t base = <uint32_t>plan.base_day
    cdef uint32_t timed = c.of[ADMISSION_SECOND] != NULL and c.of[DISCHARGE_SECOND] != NULL
    cdef uint32_t extra = <uint32_t>plan.same_extra
    cdef uint32_t any_length = 0 if plan.same_extra >= 0 else NOT_GIVEN
    cdef uint8_t answer
    cdef const uint8_t *column
    cdef const uint8_t *other
    cdef uint16_t *narrow
    cdef uint16_t *also
    cdef uint8_t *byte
    cdef uint32_t *wide
    cdef const uint32_t *table
    cdef Py_ssize_t k
    cdef int f, field
    for f in range(6):
        if c.of[CODED[f]] != NULL and not check_places(c, out, CODED[f], first, n):
            return False
    memset(signatures, 0, sizeof(signatures))
    if c.of[PROCEDURE_END] != NULL and not read_procedures(c, w, out, first, n, signatures):
        return False

    table = w.provider
    narrow = out.provider + first
    if c.of[PROVIDER] != NULL:
        column = c.of[PROVIDER] + 4 * first
        beyond = 0
        for k in range(n):
            entry = table[load32(column, k)]
            beyond |= entry
            narrow[k] = <uint16_t>entry
        if beyond & BEYOND:
            for k in range(n):
                if table[load32(column, k)] & BEYOND:
                    stop_at(out, PROVIDER, first + k)
            return False
    else:
        for k in range(n):
            narrow[k] = <uint16_t>table[0]

    memset(look, 0, sizeof(look))
    if (
        c.of[DRG] == NULL or c.of[CARE_SETTING] == NULL or c.of[ADMISSION_DAY] == NULL
        or c.of[DISCHARGE_DAY] == NULL or settle_all
    ):
        memset(look, 1, 4 * n)
    else:
        column = c.of[DRG] + 4 * first
        table = w.drg
        narrow = out.item + first
        for k in range(n):
            entry = table[load32(column, k)]
            narrow[k] = <uint16_t>entry
            look[k] = entry >> 16
        column = c.of[CARE_SETTING] + 4 * first
        table = w.setting
        narrow = out.variant + first
        for k in range(n):
            entry = table[load32(column, k)]
            narrow[k] = <uint16_t>(entry | signatures[k])
            look[k] |= entry >> 16
        column = c.of[ADMISSION_DAY] + 4 * first
        other = c.of[DISCHARGE_DAY] + 4 * first
        narrow = out.admission_day + first
        also = out.discharge_day + first
        for k in range(n):
            came = load32(column, k) - base
            left = load32(other, k) - base
            narrow[k] = <uint16_t>came
            also[k] = <uint16_t>left
            # with hours a stay within a day may end before it begins
            stay = left - came
            look[k] |= (
                (came | came + NO_DAY_CODES | left | left + NO_DAY_CODES) >> 16 | (stay | stay - timed) >> 15
            )
        if c.of[LENGTH_OF_STAY_DAYS] != NULL:
            for k in range(n):
                length = load32(c.of[LENGTH_OF_STAY_DAYS] + 4 * first, k)
                stay = load32(other, k) - load32(column, k) + extra
                # a stay has at least one day
                look[k] |= (length != NOT_GIVEN) & (((length ^ stay | any_length) != 0) | (stay == 0))

    for f in range(2):
        field = SERVICE_AND_FACTOR[f]
        if c.of[field] != NULL:
            column = c.of[field] + 4 * first
            for k in range(n):
                look[k] |= load32(column, k)
    for field in range(ADMISSION_SECOND, DISCHARGE_SECOND + 1):
        if c.of[field] != NULL:
            column = c.of[field] + 4 * first
            for k in range(n):
                number = load32(column, k)
                look[k] |= (number | SECONDS_A_DAY - number) >> 31
    byte = out.outcome + first
    if c.of[OUTCOME] != NULL:
        column = c.of[OUTCOME] + 4 * first
        table = w.outcome
        for k in range(n):
            entry = table[load32(column, k)]
            byte[k] = <uint8_t>(entry + 2)
            look[k] |= entry >> 16
    else:
        memset(byte, plan.default_outcome + 2, n)
    if c.of[DEATH_UNAVOIDABLE] != NULL:
        column = c.of[DEATH_UNAVOIDABLE] + first
        for k in range(n):
            answer = column[k]
            # 2 for not said, which stands there already; 0 for avoidable, 1 for unavoidable
            byte[k] = <uint8_t>(byte[k] - (3 - answer if answer else 0))
            look[k] |= answer & 0xFC | (answer & answer >> 1)
    byte = out.age + first
    if c.of[AGE_YEARS] != NULL:
        column = c.of[AGE_YEARS] + 4 * first
        for k in range(n):
            number = load32(column, k)
            byte[k] = <uint8_t>number
            look[k] |= (number + 1) >> 7    # a missing one becomes 0, and few are so old
    else:
        memset(byte, 255, n)
    if c.of[QUANTITY] != NULL:
        column = c.of[QUANTITY] + 4 * first
        wide = out.quantity + first
        for k in range(n):
            number = load32(column, k)
            wide[k] = number
            look[k] |= (number | number - 1) >> 31
    if c.of[ROW_PROBLEM] != NULL:
        column = c.of[ROW_PROBLEM] + first
        for k in range(n):
            look[k] |= column[k]

    for k in range(n):
        if look[k]:
            settle(plan, c, w, out, first + k, signatures[k])
    return out.wrong_field == 0


def bind(
    PlanNumbers numbers,
    const uint8_t[::1] message,
    const int64_t[::1] offsets,             # of each field in the message, -1 where left out
    Py_ssize_t rows,
    Py_ssize_t procedures,
    const uint32_t[::1] provider_words,
    const uint32_t[::1] drg_words,
    const uint32_t[::1] service_words,
    const uint32_t[::1] setting_words,
    const uint16_t[::1] setting_numbers,
    const uint32_t[::1] outcome_words,
    const uint32_t[::1] factor_words,
    const uint8_t[::1] procedure_words,
    uint16_t[::1] admission_day,
    uint16_t[::1] discharge_day,
    uint16_t[::1] item,
    uint16_t[::1] provider,
    uint16_t[::1] variant,
    uint8_t[::1] age,
    uint8_t[::1] outcome,
    uint32_t[::1] quantity,
    int32_t[::1] marked,
    uint8_t[::1] marked_edition,
    bint settle_all,
):
    """Bind the columns of a message to a plan.  ``settle_all``: by the whole rule only, which gives the same.

    The day that decides is the admission or the discharge day itself, whichever the catalog says.

    Answers (rows marked, field, row): how many rows their own fields decide, and the number of the field and the
    row that stopped the binding, or 0 and 0.  The quantities are written only where the message has them.
    """
    cdef Plan plan
    cdef Columns c
    cdef Words w
    cdef Bound out
    cdef Py_ssize_t first, n
    cdef int field
    plan.edition_of_day = &numbers.edition_of_day[0]
    plan.extra_days = &numbers.extra_days[0]
    plan.key_of_pair = &numbers.key_of_pair[0, 0]
    plan.factors = numbers.key_of_pair.shape[1]
    plan.limit_hours = &numbers.limit_hours[0, 0]
    plan.settings = numbers.limit_hours.shape[1]
    plan.over_key = &numbers.over_key[0]
    plan.unsure_key = &numbers.unsure_key[0]
    plan.day_of_level = &numbers.day_of_level[0]
    plan.day_codes = numbers.day_codes
    plan.outside_day = numbers.outside_day
    plan.base_day = numbers.base_day
    plan.is_open_ended = numbers.is_open_ended
    plan.by_admission = numbers.by_admission
    plan.same_extra = numbers.same_extra
    plan.unknown_item = numbers.unknown_item
    plan.default_outcome = numbers.default_outcome
    for field in range(FIELDS):
        c.of[field] = NULL if offsets[field] < 0 else &message[0] + offsets[field]
        c.room[field] = 0
    c.room[PROVIDER] = <uint32_t>provider_words.shape[0]
    c.room[DRG] = <uint32_t>drg_words.shape[0]
    c.room[SERVICE] = <uint32_t>service_words.shape[0]
    c.room[CARE_SETTING] = <uint32_t>setting_words.shape[0]
    c.room[OUTCOME] = <uint32_t>outcome_words.shape[0]
    c.room[FACTOR] = <uint32_t>factor_words.shape[0]
    c.room[PROCEDURE] = <uint32_t>procedure_words.shape[0]
    c.procedures = procedures
    w.provider = &provider_words[0]
    w.drg = &drg_words[0]
    w.service = &service_words[0]
    w.setting = &setting_words[0]
    w.setting_number = &setting_numbers[0]
    w.outcome = &outcome_words[0]
    w.factor = &factor_words[0]
    w.procedure = &procedure_words[0]
    out.admission_day = &admission_day[0]
    out.discharge_day = &discharge_day[0]
    out.item = &item[0]
    out.provider = &provider[0]
    out.variant = &variant[0]
    out.age = &age[0]
    out.outcome = &outcome[0]
    out.quantity = NULL if c.of[QUANTITY] == NULL else &quantity[0]
    out.marked = &marked[0]
    out.marked_edition = &marked_edition[0]
    out.marked_count = 0
    out.wrong_field = 0
    out.wrong_row = 0
    with nogil:
        first = 0
        while first < rows:
            n = rows - first if rows - first < BLOCK else BLOCK
            if not bind_block(&plan, &c, &w, &out, first, n, settle_all):
                break
            first += n
        if out.wrong_field == 0 and c.of[PROCEDURE_END] != NULL:
            if load32(c.of[PROCEDURE_END], rows - 1) != <uint32_t>procedures:
                stop_at(&out, PROCEDURE_END, rows - 1)
    return out.marked_count, out.wrong_field, out.wrong_row
