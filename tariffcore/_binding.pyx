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
    /* Loops over whole columns, for wider registers too where the machine has them. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define TARIFFCORE_WIDE static __attribute__((noinline, target_clones("avx2", "default")))
    #else
    #define TARIFFCORE_WIDE static
    #endif
    #define ROWS(k, n) (Py_ssize_t k = 0; k < (n); k++)

    /* Columns begin anywhere in a message, in little-endian order. */
    static inline uint32_t tariffcore_load32(const uint8_t *bytes, Py_ssize_t i) {
        uint32_t word;
        memcpy(&word, bytes + 4 * i, 4);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap32(word);
    #endif
        return word;
    }

    /* The bits that any code has. */
    TARIFFCORE_WIDE uint32_t tariffcore_any_bits(const uint8_t *codes, Py_ssize_t n) {
        uint32_t bits = 0;
        for ROWS(k, n) bits |= tariffcore_load32(codes, k);
        return bits;
    }

    /* The numbers of words; answers the bits that any entry has. */
    TARIFFCORE_WIDE uint32_t tariffcore_numbers(
        const uint32_t *restrict table, const uint8_t *restrict codes, uint16_t *restrict numbers, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t entry = table[tariffcore_load32(codes, k)];
            bits |= entry;
            numbers[k] = (uint16_t)entry;
        }
        return bits;
    }

    /* The numbers of words with the signatures beside them, and what their entries say beyond that. */
    TARIFFCORE_WIDE void tariffcore_marked_numbers(
        const uint32_t *restrict table, const uint8_t *restrict codes, const uint8_t *restrict signatures,
        uint16_t *restrict numbers, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t entry = table[tariffcore_load32(codes, k)];
            numbers[k] = (uint16_t)(entry | signatures[k]);
            look[k] |= entry >> 16;
        }
    }

    TARIFFCORE_WIDE void tariffcore_outcomes(
        const uint32_t *restrict table, const uint8_t *restrict codes, const uint32_t *restrict services,
        uint8_t *restrict numbers, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t entry = table[tariffcore_load32(codes, k)];
            numbers[k] = (uint8_t)(entry + 2);
            look[k] |= entry >> 16 & ~services[k];     /* only a case needs an outcome */
        }
    }

    /* The items of cases and services, and 1 for each service; a line that is both or neither wants another look. */
    TARIFFCORE_WIDE void tariffcore_items(
        const uint32_t *restrict drg_table, const uint8_t *restrict drgs,
        const uint32_t *restrict service_table, const uint8_t *restrict codes,
        uint16_t *restrict items, uint32_t *restrict services, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t drg = drg_table[tariffcore_load32(drgs, k)];
            uint32_t service = service_table[tariffcore_load32(codes, k)];
            uint32_t no_drg = drg >> 16 & 1;
            items[k] = (uint16_t)(no_drg ? service : drg);
            services[k] = no_drg;
            look[k] |= ((drg ^ service ^ 0x10000) | ((drg | service) & 0xFFFE0000)) >> 16;
        }
    }

    /* Codes of days. 0xFFFB to 0xFFFF are codes that are no days. With hours a stay within a day may end before it
       begins: where the columns have them, timed is 1. A service without an admission begins on its day. */
    TARIFFCORE_WIDE void tariffcore_days(
        const uint8_t *restrict came, const uint8_t *restrict left, const uint32_t *restrict services, uint32_t base,
        uint32_t timed, uint16_t *restrict admission_day, uint16_t *restrict discharge_day, uint32_t *restrict look,
        Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t start = tariffcore_load32(came, k);
            uint32_t end = tariffcore_load32(left, k) - base;
            uint32_t same_day = services[k] & (start == 0x80000000);
            start = same_day ? end : start - base;
            uint32_t stay = end - start + (same_day & timed);
            admission_day[k] = (uint16_t)start;
            discharge_day[k] = (uint16_t)end;
            look[k] |= (start | (start + 5) | end | (end + 5)) >> 16 | (stay | (stay - timed)) >> 15;
        }
    }

    /* Lengths of stay that are not what the days come to; a stay has at least one day. */
    TARIFFCORE_WIDE void tariffcore_lengths(
        const uint8_t *restrict lengths, const uint8_t *restrict came, const uint8_t *restrict left, uint32_t extra,
        uint32_t any_length, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t length = tariffcore_load32(lengths, k);
            uint32_t stay = tariffcore_load32(left, k) - tariffcore_load32(came, k) + extra;
            look[k] |= (length != 0xFFFFFFFF) & ((((length ^ stay) | any_length) != 0) | (stay == 0));
        }
    }

    /* Whatever is not 0. */
    TARIFFCORE_WIDE void tariffcore_given(const uint8_t *restrict column, uint32_t *restrict look, Py_ssize_t n) {
        for ROWS(k, n) look[k] |= tariffcore_load32(column, k);
    }

    /* Seconds of the day plus one, and those that no day has. */
    TARIFFCORE_WIDE void tariffcore_seconds(const uint8_t *restrict column, uint32_t *restrict look, Py_ssize_t n) {
        for ROWS(k, n) {
            uint32_t second = tariffcore_load32(column, k);
            look[k] |= (second | (86400 - second)) >> 31;
        }
    }

    /* Ages; a missing one becomes 0 when one is added, and few are 127 or more. */
    TARIFFCORE_WIDE void tariffcore_ages(
        const uint8_t *restrict column, uint8_t *restrict ages, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t age = tariffcore_load32(column, k);
            ages[k] = (uint8_t)age;
            look[k] |= (age + 1) >> 7;
        }
    }

    TARIFFCORE_WIDE void tariffcore_quantities(
        const uint8_t *restrict column, uint32_t *restrict quantities, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t quantity = tariffcore_load32(column, k);
            quantities[k] = quantity;
            look[k] |= (quantity | (quantity - 1)) >> 31;
        }
    }

    /* Answers about deaths: 2 for not said stands there already; 0 for avoidable, 1 for unavoidable. */
    TARIFFCORE_WIDE void tariffcore_deaths(
        const uint8_t *restrict answers, uint8_t *restrict outcomes, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint8_t answer = answers[k];
            outcomes[k] = (uint8_t)(outcomes[k] - (answer ? 3 - answer : 0));
            look[k] |= (answer & 0xFC) | (answer & answer >> 1);
        }
    }

    TARIFFCORE_WIDE void tariffcore_problems(
        const uint8_t *restrict problems, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) look[k] |= problems[k];
    }

    /* Whether the ends of procedures never fall, beginning at the end of the row before, and stay below 2**31. */
    TARIFFCORE_WIDE int tariffcore_never_fall(const uint8_t *ends, uint32_t before, Py_ssize_t n) {
        uint32_t wrong = tariffcore_load32(ends, 0) - before;
        for ROWS(k, n) wrong |= tariffcore_load32(ends, k);
        for (Py_ssize_t k = 1; k < n; k++) wrong |= tariffcore_load32(ends, k) - tariffcore_load32(ends, k - 1);
        return !(wrong >> 31);
    }
    """
    uint32_t load32 "tariffcore_load32"(const uint8_t *bytes, Py_ssize_t i) noexcept nogil
    uint32_t any_bits "tariffcore_any_bits"(const uint8_t *codes, Py_ssize_t n) noexcept nogil
    uint32_t plain_numbers "tariffcore_numbers"(
        const uint32_t *table, const uint8_t *codes, uint16_t *numbers, Py_ssize_t n
    ) noexcept nogil
    void marked_numbers "tariffcore_marked_numbers"(
        const uint32_t *table, const uint8_t *codes, const uint8_t *signatures, uint16_t *numbers, uint32_t *look,
        Py_ssize_t n
    ) noexcept nogil
    void outcomes_of "tariffcore_outcomes"(
        const uint32_t *table, const uint8_t *codes, const uint32_t *services, uint8_t *numbers, uint32_t *look,
        Py_ssize_t n
    ) noexcept nogil
    void items_of "tariffcore_items"(
        const uint32_t *drg_table, const uint8_t *drgs, const uint32_t *service_table, const uint8_t *codes,
        uint16_t *items, uint32_t *services, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void days_of "tariffcore_days"(
        const uint8_t *came, const uint8_t *left, const uint32_t *services, uint32_t base, uint32_t timed,
        uint16_t *admission_day, uint16_t *discharge_day, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void look_at_lengths "tariffcore_lengths"(
        const uint8_t *lengths, const uint8_t *came, const uint8_t *left, uint32_t extra, uint32_t any_length,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void look_at_given "tariffcore_given"(const uint8_t *column, uint32_t *look, Py_ssize_t n) noexcept nogil
    void look_at_seconds "tariffcore_seconds"(const uint8_t *column, uint32_t *look, Py_ssize_t n) noexcept nogil
    void ages_of "tariffcore_ages"(const uint8_t *column, uint8_t *ages, uint32_t *look, Py_ssize_t n) noexcept nogil
    void quantities_of "tariffcore_quantities"(
        const uint8_t *column, uint32_t *quantities, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void deaths_of "tariffcore_deaths"(
        const uint8_t *answers, uint8_t *outcomes, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void look_at_problems "tariffcore_problems"(const uint8_t *problems, uint32_t *look, Py_ssize_t n) noexcept nogil
    bint never_fall "tariffcore_never_fall"(const uint8_t *ends, uint32_t before, Py_ssize_t n) noexcept nogil

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
    MAX_STAY_DAYS = 32767
    MAX_AGE_YEARS = 130
    SECONDS_A_DAY = 86400

cdef uint32_t NOT_GIVEN = 0xFFFFFFFF
cdef uint32_t MAX_QUANTITY = 0x7FFFFFFF
cdef int32_t NO_DAY = -2147483647 - 1
cdef int32_t FIRST_DAY = -719162
cdef int32_t LAST_DAY = 2932896


cdef int[6] CODED = [PROVIDER, DRG, SERVICE, CARE_SETTING, OUTCOME, FACTOR]
cdef uint32_t NOTHING[BLOCK]
memset(NOTHING, 0, sizeof(NOTHING))


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


cdef bint check_places(const Columns *c, Bound *out, int field, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Whether every code of a block is inside its table's room; what is beyond its words there is marked."""
    cdef const uint8_t *column = c.of[field] + 4 * first
    cdef uint32_t room = c.room[field]
    cdef Py_ssize_t k
    if any_bits(column, n) < room:      # rooms are powers of two
        return True
    for k in range(n):
        if load32(column, k) >= room:
            stop_at(out, field, first + k)
            break
    return False


cdef bint read_procedures(
    const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, uint8_t *signatures
) noexcept nogil:
    """The bits of the procedures of each row of a block; False where ends fall or places are none.

    Most procedures are in no list of exceptions: only for the others is the row looked for.
    """
    cdef const uint8_t *ends = c.of[PROCEDURE_END] + 4 * first
    cdef const uint8_t *procedures = c.of[PROCEDURE]
    cdef uint32_t begin = load32(ends, -1) if first else 0
    cdef uint32_t before = begin
    cdef uint32_t end = load32(ends, n - 1)
    cdef uint32_t code
    cdef Py_ssize_t k, p
    cdef Py_ssize_t row = 0
    if not never_fall(ends, begin, n) or end > c.procedures:
        for k in range(n):
            end = load32(ends, k)
            if end < before or end > c.procedures:
                stop_at(out, PROCEDURE_END, first + k)
                break
            before = end
        return False
    for p in range(begin, end):
        code = load32(procedures, p)
        if code == 0 or code >= c.room[PROCEDURE]:
            stop_at(out, PROCEDURE, p)
            return False
        if w.procedure[code]:
            while load32(ends, row) <= p:
                row += 1
            signatures[row] |= w.procedure[code]
    return True


cdef bint bind_block(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, bint settle_all
) noexcept nogil:
    """Rows first..first + n; False where something is beyond its table.

    The loops over columns take no branch and compare next to nothing, so that they run on several rows at once: a
    row needs another look where any bit of ``look`` is set, and may be given one without need.
    """
    cdef uint32_t look[BLOCK]
    cdef uint32_t services[BLOCK]       # 1 for a service
    cdef const uint32_t *none = <const uint32_t *>NOTHING
    cdef uint8_t signatures[BLOCK]
    cdef const uint8_t *came = c.of[ADMISSION_DAY] + 4 * first
    cdef const uint8_t *left = c.of[DISCHARGE_DAY] + 4 * first
    cdef bint timed = c.of[ADMISSION_SECOND] != NULL and c.of[DISCHARGE_SECOND] != NULL
    cdef uint32_t any_length = 0 if plan.same_extra >= 0 else NOT_GIVEN
    cdef Py_ssize_t k
    cdef int f, field
    for f in range(6):
        if c.of[CODED[f]] != NULL and not check_places(c, out, CODED[f], first, n):
            return False
    memset(services, 0, sizeof(services))
    memset(signatures, 0, sizeof(signatures))
    if c.of[PROCEDURE_END] != NULL and not read_procedures(c, w, out, first, n, signatures):
        return False
    if c.of[PROVIDER] == NULL:
        for k in range(first, first + n):
            out.provider[k] = <uint16_t>w.provider[0]
    elif plain_numbers(w.provider, c.of[PROVIDER] + 4 * first, out.provider + first, n) & BEYOND:
        for k in range(first, first + n):
            if w.provider[load32(c.of[PROVIDER], k)] & BEYOND:
                stop_at(out, PROVIDER, k)
        return False

    memset(look, 0, sizeof(look))
    if (
        settle_all or c.of[DRG] == NULL or c.of[CARE_SETTING] == NULL or c.of[ADMISSION_DAY] == NULL
        or c.of[DISCHARGE_DAY] == NULL
    ):
        memset(look, 1, 4 * n)
    else:
        if c.of[SERVICE] == NULL:
            marked_numbers(w.drg, c.of[DRG] + 4 * first, <const uint8_t *>NOTHING, out.item + first, look, n)
        else:
            items_of(
                w.drg, c.of[DRG] + 4 * first, w.service, c.of[SERVICE] + 4 * first, out.item + first, services, look, n
            )
        marked_numbers(w.setting, c.of[CARE_SETTING] + 4 * first, signatures, out.variant + first, look, n)
        days_of(
            came, left, none if plan.by_admission else services, <uint32_t>plan.base_day, timed,
            out.admission_day + first, out.discharge_day + first, look, n,
        )
        if c.of[LENGTH_OF_STAY_DAYS] != NULL:
            look_at_lengths(
                c.of[LENGTH_OF_STAY_DAYS] + 4 * first, came, left, <uint32_t>plan.same_extra, any_length, look, n
            )
    if c.of[FACTOR] != NULL:
        look_at_given(c.of[FACTOR] + 4 * first, look, n)
    for field in range(ADMISSION_SECOND, DISCHARGE_SECOND + 1):
        if c.of[field] != NULL:
            look_at_seconds(c.of[field] + 4 * first, look, n)
    if c.of[OUTCOME] != NULL:
        outcomes_of(w.outcome, c.of[OUTCOME] + 4 * first, services, out.outcome + first, look, n)
    else:
        memset(out.outcome + first, plan.default_outcome + 2, n)
    if c.of[DEATH_UNAVOIDABLE] != NULL:
        deaths_of(c.of[DEATH_UNAVOIDABLE] + first, out.outcome + first, look, n)
    if c.of[AGE_YEARS] != NULL:
        ages_of(c.of[AGE_YEARS] + 4 * first, out.age + first, look, n)
    else:
        memset(out.age + first, 255, n)
    if c.of[QUANTITY] != NULL:
        quantities_of(c.of[QUANTITY] + 4 * first, out.quantity + first, look, n)
    if c.of[ROW_PROBLEM] != NULL:
        look_at_problems(c.of[ROW_PROBLEM] + first, look, n)

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
