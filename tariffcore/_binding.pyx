# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Columns of cases as they come over the wire, brought to the numbers of a plan.

A block of rows at a time: first loops over whole columns, right for every plain row, which also notice the rows
that need another look; then `settle` does those by the whole rule, one after the other.  `tariffcore.binding`
lays out the tables and proves lengths; places in code tables are checked here, before they are used.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t
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

    /* Rows that want another look for one reason only, which has a short answer of its own. */
    enum { TARIFFCORE_HOURS = 1u << 31, TARIFFCORE_FACTOR = 1 << 30 };

    /* Rooms of tables are powers of two: a code beyond its room leads to some other entry, and is told by the bits
       that any code has, which the loops answer. */

    /* The numbers of words, and in ``entries`` the bits that any entry has. */
    TARIFFCORE_WIDE uint32_t tariffcore_numbers(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes, uint16_t *restrict numbers,
        uint32_t *entries, Py_ssize_t n
    ) {
        uint32_t codes_bits = 0, entry_bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k), entry = table[code & (room - 1)];
            codes_bits |= code;
            entry_bits |= entry;
            numbers[k] = (uint16_t)entry;
        }
        *entries = entry_bits;
        return codes_bits;
    }

    /* The keys of care settings with the signatures beside them, and what their entries say beyond that. */
    TARIFFCORE_WIDE uint32_t tariffcore_keys(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes,
        const uint8_t *restrict signatures, uint16_t *restrict keys, uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k), entry = table[code & (room - 1)];
            bits |= code;
            keys[k] = (uint16_t)(entry | signatures[k]);
            look[k] |= (entry >> 16 & ~2u) | (entry >> 17 & 1) << 31;
        }
        return bits;
    }

    TARIFFCORE_WIDE uint32_t tariffcore_outcomes(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes,
        const uint32_t *restrict services, uint8_t *restrict numbers, uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k), entry = table[code & (room - 1)];
            bits |= code;
            numbers[k] = (uint8_t)(entry + 2);
            look[k] |= entry >> 16 & ~services[k];     /* only a case needs an outcome */
        }
        return bits;
    }

    /* The items of cost groups. */
    TARIFFCORE_WIDE uint32_t tariffcore_groups(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes, uint16_t *restrict items,
        uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k), entry = table[code & (room - 1)];
            bits |= code;
            items[k] = (uint16_t)entry;
            look[k] |= entry >> 16;
        }
        return bits;
    }

    /* The items of services where rows have no cost group, and 1 for each such row; a line that is both or neither
       wants another look. */
    TARIFFCORE_WIDE uint32_t tariffcore_services(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes, uint16_t *restrict items,
        uint32_t *restrict services, uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k), entry = table[code & (room - 1)];
            uint32_t no_drg = look[k] & 1;
            bits |= code;
            items[k] = (uint16_t)(no_drg ? entry : items[k]);
            services[k] = no_drg;
            look[k] = (look[k] & ~1u) | ((entry >> 16) ^ (no_drg ^ 1));
        }
        return bits;
    }

    /* Codes of days. 0xFFFB to 0xFFFF are codes that are no days. A service without an admission begins on its
       day. */
    TARIFFCORE_WIDE void tariffcore_days(
        const uint8_t *restrict came, const uint8_t *restrict left, const uint32_t *restrict services, uint32_t base,
        uint16_t *restrict admission_day, uint16_t *restrict discharge_day, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t start = tariffcore_load32(came, k);
            uint32_t end = tariffcore_load32(left, k) - base;
            uint32_t same_day = services[k] & (start == 0x80000000);
            start = same_day ? end : start - base;
            admission_day[k] = (uint16_t)start;
            discharge_day[k] = (uint16_t)end;
            look[k] |= (start | (start + 5) | end | (end + 5)) >> 16 | (end - start) >> 15;
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
            stay += stay == 0;
            look[k] |= (length != 0xFFFFFFFF) & (((length ^ stay) | any_length | length >> 15) != 0);
        }
    }

    /* Factors. */
    TARIFFCORE_WIDE uint32_t tariffcore_factors(
        const uint8_t *restrict column, uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(column, k);
            bits |= code;
            look[k] |= (uint32_t)(code != 0) << 30;
        }
        return bits;
    }

    /* Kinds of add-ons, and their amounts; -1 is none. */
    TARIFFCORE_WIDE uint32_t tariffcore_addons(
        const uint8_t *restrict column, uint32_t *restrict look, Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(column, k);
            bits |= code;
            look[k] |= code != 0;
        }
        return bits;
    }

    TARIFFCORE_WIDE void tariffcore_amounts(const uint8_t *restrict column, uint32_t *restrict look, Py_ssize_t n) {
        for ROWS(k, n) {
            uint64_t amount;
            memcpy(&amount, column + 8 * k, 8);
            look[k] |= ~amount != 0;    /* in either order of bytes */
        }
    }

    /* With hours a stay within a day may end before it begins. */
    TARIFFCORE_WIDE void tariffcore_hours(
        const uint8_t *restrict came, const uint8_t *restrict left, const uint8_t *restrict came_second,
        const uint8_t *restrict left_second, uint32_t *restrict look, Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint32_t start = tariffcore_load32(came_second, k), end = tariffcore_load32(left_second, k);
            uint32_t same_day = tariffcore_load32(came, k) == tariffcore_load32(left, k);
            look[k] |= same_day & ((end - start) >> 31) & (end != 0);
        }
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

    /* Whether all places are among the first ``room``, and none is 0. */
    TARIFFCORE_WIDE int tariffcore_all_places(const uint8_t *places, uint32_t room, Py_ssize_t n) {
        uint32_t wrong = 0;
        for ROWS(k, n) wrong |= tariffcore_load32(places, k) - 1 >= room - 1;
        return !wrong;
    }
    """
    enum:
        HOURS "TARIFFCORE_HOURS"
        FACTOR_GIVEN "TARIFFCORE_FACTOR"
    uint32_t plain_numbers "tariffcore_numbers"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint16_t *numbers, uint32_t *entries, Py_ssize_t n
    ) noexcept nogil
    uint32_t keys_of "tariffcore_keys"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, const uint8_t *signatures, uint16_t *keys,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    uint32_t outcomes_of "tariffcore_outcomes"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, const uint32_t *services, uint8_t *numbers,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    uint32_t groups_of "tariffcore_groups"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint16_t *items, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    uint32_t services_of "tariffcore_services"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint16_t *items, uint32_t *services,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void days_of "tariffcore_days"(
        const uint8_t *came, const uint8_t *left, const uint32_t *services, uint32_t base, uint16_t *admission_day,
        uint16_t *discharge_day, uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    void look_at_lengths "tariffcore_lengths"(
        const uint8_t *lengths, const uint8_t *came, const uint8_t *left, uint32_t extra, uint32_t any_length,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
    uint32_t look_at_factors "tariffcore_factors"(const uint8_t *column, uint32_t *look, Py_ssize_t n) noexcept nogil
    uint32_t look_at_addons "tariffcore_addons"(const uint8_t *column, uint32_t *look, Py_ssize_t n) noexcept nogil
    void look_at_amounts "tariffcore_amounts"(const uint8_t *column, uint32_t *look, Py_ssize_t n) noexcept nogil
    void look_at_hours "tariffcore_hours"(
        const uint8_t *came, const uint8_t *left, const uint8_t *came_second, const uint8_t *left_second,
        uint32_t *look, Py_ssize_t n
    ) noexcept nogil
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
    bint all_places "tariffcore_all_places"(const uint8_t *places, uint32_t room, Py_ssize_t n) noexcept nogil

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
    # above the number in an entry of a code table: the word is none, or its rows need the whole rule
    NO_WORD = 0x10000
    NEEDS_HOURS = 0x20000
    BEYOND = 0x40000            # no word has this place yet
    NEEDS_STAY = 0x80000        # the service is a case with a stay: its dates and its outcome matter
    MAX_STAY_DAYS = 32767
    MAX_AGE_YEARS = 130
    SECONDS_A_DAY = 86400

cdef uint32_t NOT_GIVEN = 0xFFFFFFFF
cdef uint32_t MAX_QUANTITY = 0x7FFFFFFF
cdef int32_t NO_DAY = -2147483647 - 1
cdef int32_t FIRST_DAY = -719162
cdef int32_t LAST_DAY = 2932896
cdef int64_t NO_AMOUNT = -1
cdef int64_t MAX_AMOUNT_MINOR = 999999999999999999LL


cdef uint32_t NOTHING[BLOCK]
memset(NOTHING, 0, sizeof(NOTHING))


cdef class PlanNumbers:
    """What binding needs to know of a plan.  Built once, shared by all threads."""

    cdef const uint8_t[::1] edition_of_day      # day code: edition + 1, 0 where there is none
    cdef const int32_t[::1] extra_days          # edition + 1
    cdef const uint16_t[:, ::1] key_of_pair     # care setting, factor code; 0 is one the plan does not know
    cdef const uint16_t[:, ::1] key_of_addon    # care setting, kind of add-on; 0 is one the plan does not know
    cdef const int16_t[:, ::1] addon_component  # edition + 1, kind of add-on: the component that it is; -1: of none
    cdef const uint16_t[::1] first_provider     # item: what its coefficient set adds to the provider; None: nothing
    cdef const int32_t[:, ::1] limit_hours      # edition + 1, care setting; -1: none
    cdef const uint16_t[::1] over_key           # care setting: its key where the stay is longer than its limit
    cdef const uint16_t[::1] unsure_key         # care setting: its key where the hours are needed
    cdef const uint16_t[::1] day_of_level       # the day code of a row that its own fields decide
    cdef Plan plain

    def __init__(self, *, edition_of_day, extra_days, key_of_pair, key_of_addon, addon_component, first_provider,
                 limit_hours, over_key, unsure_key, day_of_level,
                 day_codes, outside_day, base_day, is_open_ended, by_admission, same_extra, unknown_item,
                 default_outcome):
        self.edition_of_day = edition_of_day
        self.extra_days = extra_days
        self.key_of_pair = key_of_pair
        self.key_of_addon = key_of_addon
        self.addon_component = addon_component
        self.first_provider = first_provider
        self.limit_hours = limit_hours
        self.over_key = over_key
        self.unsure_key = unsure_key
        self.day_of_level = day_of_level
        self.plain.edition_of_day = &self.edition_of_day[0]
        self.plain.extra_days = &self.extra_days[0]
        self.plain.key_of_pair = &self.key_of_pair[0, 0]
        self.plain.factors = self.key_of_pair.shape[1]
        self.plain.key_of_addon = &self.key_of_addon[0, 0]
        self.plain.addon_kinds = self.key_of_addon.shape[1]
        self.plain.addon_component = &self.addon_component[0, 0]
        self.plain.first_provider = NULL
        if first_provider is not None:
            self.plain.first_provider = &self.first_provider[0]
        self.plain.limit_hours = &self.limit_hours[0, 0]
        self.plain.settings = self.limit_hours.shape[1]
        self.plain.over_key = &self.over_key[0]
        self.plain.unsure_key = &self.unsure_key[0]
        self.plain.day_of_level = &self.day_of_level[0]
        self.plain.day_codes = day_codes            # of days; those above mean something else
        self.plain.outside_day = outside_day
        self.plain.base_day = base_day
        self.plain.is_open_ended = is_open_ended
        self.plain.by_admission = by_admission
        self.plain.same_extra = same_extra          # what all editions have in extra_days; -1 where they differ
        self.plain.unknown_item = unknown_item
        self.plain.default_outcome = default_outcome


cdef const Plan *plan_of(object plan_numbers) except NULL:
    """Those of a plan; they are there as long as it is."""
    return &(<PlanNumbers?>plan_numbers).plain


cdef inline uint32_t word(const Columns *c, int column, const uint32_t *table, Py_ssize_t i) noexcept nogil:
    """The entry of a code, that of a missing one where the column is left out."""
    return table[load32(c.of[column], i)] if c.of[column] != NULL else table[0]


cdef inline int32_t day(const Columns *c, int column, Py_ssize_t i) noexcept nogil:
    return <int32_t>load32(c.of[column], i) if c.of[column] != NULL else NO_DAY


cdef inline bint is_day(int32_t number) noexcept nogil:
    return FIRST_DAY <= number <= LAST_DAY


cdef inline uint32_t number(const Columns *c, int column, Py_ssize_t i, uint32_t absent) noexcept nogil:
    return load32(c.of[column], i) if c.of[column] != NULL else absent


cdef inline uint16_t key_within(
    const Plan *plan, int32_t limit, uint16_t setting_number, uint16_t key, bint has_admission, int64_t stay,
    uint32_t start, uint32_t end,
) noexcept nogil:
    """The key of a setting that limits the hours of a stay: whether they are known to be within, or over."""
    if not has_admission:
        return plan.unsure_key[setting_number]
    if start != 0 and end != 0:
        if stay * SECONDS_A_DAY + end - start > <int64_t>limit * 3600:
            return plan.over_key[setting_number]
    elif stay >= 1 and (stay - 1) * 24 >= limit:
        return plan.over_key[setting_number]
    elif (stay + 1) * 24 > limit:
        return plan.unsure_key[setting_number]
    return key


cdef void settle(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t i, Py_ssize_t at, uint8_t signature
) noexcept nogil:
    """Row i of the message, which goes to place ``at`` of the block, by the whole rule."""
    cdef int level = PLAIN
    cdef uint32_t drg = word(c, DRG, w.drg, i)
    cdef uint32_t service = word(c, SERVICE, w.service, i)
    cdef uint32_t setting = word(c, CARE_SETTING, w.setting, i)
    cdef uint32_t outcome = word(c, OUTCOME, w.outcome, i)
    cdef uint32_t factor = word(c, FACTOR, w.factor, i)
    cdef uint32_t addon = word(c, ADDON_KIND, w.addon_kind, i)
    cdef bint has_addon = not addon & NO_WORD
    cdef int64_t added = load64(c.of[ADDON_AMOUNT], i) if c.of[ADDON_AMOUNT] != NULL else NO_AMOUNT
    cdef bint is_case = not drg & NO_WORD
    cdef bint is_service = not service & NO_WORD
    cdef bint has_stay = is_case or (is_service and service & NEEDS_STAY)
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
    cdef int64_t deciding, code
    cdef int32_t extra, limit
    cdef uint16_t key, deciding_code, admission_code, discharge_code
    cdef uint16_t setting_number
    cdef uint8_t edition

    if (drg | service | setting | outcome | factor | addon) & BEYOND or problem > 3:
        stop_at(
            out,
            DRG if drg & BEYOND else SERVICE if service & BEYOND else CARE_SETTING if setting & BEYOND
            else OUTCOME if outcome & BEYOND else FACTOR if factor & BEYOND
            else ADDON_KIND if addon & BEYOND else ROW_PROBLEM,
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
        elif plan.by_admission or (has_stay and not has_length):
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
    elif outcome & NO_WORD and has_stay:
        level = level if level > MISSING else MISSING
    if added < NO_AMOUNT or added > MAX_AMOUNT_MINOR:
        level = INVALID
    elif has_addon != (added != NO_AMOUNT):
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
    if has_addon:
        # no rule says what a factor would do to an add-on, and where hours are limited nothing is paid on top
        key = plan.key_of_addon[
            setting_number * plan.addon_kinds + (<uint16_t>addon if factor & NO_WORD else 0)
        ]
        out.with_addon[out.addon_count] = <uint16_t>at
        out.addon_kind[out.addon_count] = <uint16_t>addon
        out.addon_minor[out.addon_count] = added
        out.addon_count += 1
    limit = plan.limit_hours[edition * plan.settings + setting_number]
    if is_case and limit >= 0 and not has_addon:
        key = key_within(plan, limit, setting_number, key, has_admission, stay, start, end)

    if level != PLAIN:
        out.marked[out.marked_count] = <uint16_t>at
        out.marked_edition[out.marked_count] = edition
        out.marked_count += 1
        deciding_code = plan.day_of_level[level]
        # its other numbers do not matter then
        admission_code = discharge_code = deciding_code
    out.admission_day[at] = admission_code
    out.discharge_day[at] = discharge_code
    out.item[at] = <uint16_t>service if is_service else <uint16_t>drg if is_case else plan.unknown_item
    out.variant[at] = key | signature
    out.age[at] = <uint8_t>age
    out.outcome[at] = <uint8_t>(<uint8_t>outcome + (death - 1 if death else 2))
    out.quantity[at] = quantity


cdef inline void stop_at(Bound *out, int field, Py_ssize_t row) noexcept nogil:
    """Remember what ends the binding; the first of several."""
    if out.wrong_field == 0:
        out.wrong_field = field
        out.wrong_row = row


cdef bint is_beyond(const Columns *c, Bound *out, int field, uint32_t bits, Py_ssize_t first, Py_ssize_t n) noexcept nogil:
    """Whether some code of a block, of whose bits these are all, is beyond its table's room."""
    cdef Py_ssize_t k
    if bits < c.room[field]:      # rooms are powers of two
        return False
    for k in range(first, first + n):
        if load32(c.of[field], k) >= c.room[field]:
            stop_at(out, field, k)
            break
    return True


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
    cdef uint32_t code, stop, p
    cdef uint32_t listed[BLOCK + 1]
    cdef Py_ssize_t k, hits
    cdef Py_ssize_t row = 0
    if not never_fall(ends, begin, n) or end > c.procedures:
        for k in range(n):
            end = load32(ends, k)
            if end < before or end > c.procedures:
                stop_at(out, PROCEDURE_END, first + k)
                break
            before = end
        return False
    if not all_places(procedures + 4 * <Py_ssize_t>begin, c.room[PROCEDURE], end - begin):
        for p in range(begin, end):
            code = load32(procedures, p)
            if code == 0 or code >= c.room[PROCEDURE]:
                stop_at(out, PROCEDURE, p)
                break
        return False
    while begin < end:
        stop = end if end - begin < BLOCK else begin + BLOCK
        hits = 0
        for p in range(begin, stop):    # without a branch that a procedure could turn
            listed[hits] = <uint32_t>p
            hits += w.procedure[load32(procedures, p)] != 0
        for k in range(hits):
            while load32(ends, row) <= listed[k]:
                row += 1
            signatures[row] |= w.procedure[load32(procedures, listed[k])]
        begin = stop
    return True


cdef void settle_setting(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t i, Py_ssize_t at, uint8_t signature,
    bint is_service,
) noexcept nogil:
    """A row that is plain but for its care setting, which limits the hours of a case."""
    cdef uint32_t code = load32(c.of[CARE_SETTING], i)
    cdef uint16_t setting_number = w.setting_number[code]
    cdef uint8_t edition = plan.edition_of_day[out.admission_day[at] if plan.by_admission else out.discharge_day[at]]
    cdef int32_t limit = plan.limit_hours[edition * plan.settings + setting_number]
    if not is_service and limit >= 0:
        out.variant[at] = signature | key_within(
            plan, limit, setting_number, <uint16_t>w.setting[code], True,
            <uint16_t>(out.discharge_day[at] - out.admission_day[at]),
            number(c, ADMISSION_SECOND, i, 0), number(c, DISCHARGE_SECOND, i, 0),
        )


cdef void settle_factor(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t i, Py_ssize_t at, uint8_t signature
) noexcept nogil:
    """A row that is plain but for its factor."""
    cdef uint32_t factor = w.factor[load32(c.of[FACTOR], i)]
    cdef uint16_t setting_number = w.setting_number[load32(c.of[CARE_SETTING], i)]
    if factor & BEYOND:
        stop_at(out, FACTOR, i)
    elif not factor & NO_WORD:
        out.variant[at] = plan.key_of_pair[setting_number * plan.factors + <uint16_t>factor] | signature


cdef bint bind_block(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, bint settle_all
) noexcept nogil:
    """Rows first..first + n, at most BLOCK; False where something is beyond its table.

    The loops over columns take no branch and compare next to nothing, so that they run on several rows at once: a
    row needs another look where any bit of ``look`` is set, and may be given one without need.
    """
    cdef uint32_t look[BLOCK]
    cdef uint32_t services[BLOCK]       # 1 for a service
    cdef uint8_t signatures[BLOCK]
    cdef uint16_t others[BLOCK + 1]
    cdef const uint32_t *none = <const uint32_t *>NOTHING
    cdef const uint8_t *came = c.of[ADMISSION_DAY] + 4 * first
    cdef const uint8_t *left = c.of[DISCHARGE_DAY] + 4 * first
    cdef uint32_t any_length = 0 if plan.same_extra >= 0 else NOT_GIVEN
    cdef uint32_t bits = 0
    cdef uint32_t entries = 0
    cdef Py_ssize_t k, count, at
    cdef int field
    out.marked_count = 0
    out.addon_count = 0
    out.wrong_field = 0
    memset(services, 0, 4 * n)
    memset(signatures, 0, n)
    if c.of[PROCEDURE_END] != NULL and not read_procedures(c, w, out, first, n, signatures):
        return False
    if c.of[PROVIDER] == NULL:
        for k in range(n):
            out.provider[k] = <uint16_t>w.provider[0]
    else:
        bits = plain_numbers(w.provider, c.room[PROVIDER], c.of[PROVIDER] + 4 * first, out.provider, &entries, n)
        if is_beyond(c, out, PROVIDER, bits, first, n):
            return False
        if entries & BEYOND:
            for k in range(first, first + n):
                if w.provider[load32(c.of[PROVIDER], k)] & BEYOND:
                    stop_at(out, PROVIDER, k)
            return False

    memset(look, 1 if settle_all or c.of[DRG] == NULL or c.of[CARE_SETTING] == NULL else 0, 4 * n)
    if c.of[DRG] != NULL:
        bits = groups_of(w.drg, c.room[DRG], c.of[DRG] + 4 * first, out.item, look, n)
        if is_beyond(c, out, DRG, bits, first, n):
            return False
    if c.of[SERVICE] != NULL:
        bits = services_of(w.service, c.room[SERVICE], c.of[SERVICE] + 4 * first, out.item, services, look, n)
        if is_beyond(c, out, SERVICE, bits, first, n):
            return False
    if c.of[CARE_SETTING] != NULL:
        bits = keys_of(
            w.setting, c.room[CARE_SETTING], c.of[CARE_SETTING] + 4 * first, signatures, out.variant, look, n
        )
        if is_beyond(c, out, CARE_SETTING, bits, first, n):
            return False
    if c.of[OUTCOME] != NULL:
        bits = outcomes_of(w.outcome, c.room[OUTCOME], c.of[OUTCOME] + 4 * first, services, out.outcome, look, n)
        if is_beyond(c, out, OUTCOME, bits, first, n):
            return False
    else:
        memset(out.outcome, plan.default_outcome + 2, n)
    if c.of[FACTOR] != NULL:
        bits = look_at_factors(c.of[FACTOR] + 4 * first, look, n)
        if is_beyond(c, out, FACTOR, bits, first, n):
            return False
    if c.of[ADDON_KIND] != NULL:
        bits = look_at_addons(c.of[ADDON_KIND] + 4 * first, look, n)
        if is_beyond(c, out, ADDON_KIND, bits, first, n):
            return False
    if c.of[ADDON_AMOUNT] != NULL:
        look_at_amounts(c.of[ADDON_AMOUNT] + 8 * first, look, n)
    if settle_all or c.of[ADMISSION_DAY] == NULL or c.of[DISCHARGE_DAY] == NULL:
        memset(look, 1, 4 * n)
    else:
        days_of(
            came, left, none if plan.by_admission else services, <uint32_t>plan.base_day, out.admission_day,
            out.discharge_day, look, n,
        )
        if c.of[LENGTH_OF_STAY_DAYS] != NULL:
            look_at_lengths(
                c.of[LENGTH_OF_STAY_DAYS] + 4 * first, came, left, <uint32_t>plan.same_extra, any_length, look, n
            )
        if c.of[ADMISSION_SECOND] != NULL and c.of[DISCHARGE_SECOND] != NULL:
            look_at_hours(
                came, left, c.of[ADMISSION_SECOND] + 4 * first, c.of[DISCHARGE_SECOND] + 4 * first, look, n
            )
    for field in range(ADMISSION_SECOND, DISCHARGE_SECOND + 1):
        if c.of[field] != NULL:
            look_at_seconds(c.of[field] + 4 * first, look, n)
    if c.of[DEATH_UNAVOIDABLE] != NULL:
        deaths_of(c.of[DEATH_UNAVOIDABLE] + first, out.outcome, look, n)
    if c.of[AGE_YEARS] != NULL:
        ages_of(c.of[AGE_YEARS] + 4 * first, out.age, look, n)
    else:
        memset(out.age, 255, n)
    if c.of[QUANTITY] != NULL:
        quantities_of(c.of[QUANTITY] + 4 * first, out.quantity, look, n)
    if c.of[ROW_PROBLEM] != NULL:
        look_at_problems(c.of[ROW_PROBLEM] + first, look, n)

    count = 0
    for k in range(n):
        others[count] = <uint16_t>k
        count += look[k] != 0
    for k in range(count):
        at = others[k]
        if look[at] == HOURS:
            settle_setting(plan, c, w, out, first + at, at, signatures[at], services[at])
        elif look[at] == FACTOR_GIVEN:
            settle_factor(plan, c, w, out, first + at, at, signatures[at])
        else:
            settle(plan, c, w, out, first + at, at, signatures[at])
    if plan.first_provider != NULL:
        for k in range(n):
            out.provider[k] = <uint16_t>(out.provider[k] + plan.first_provider[out.item[k]])
    return out.wrong_field == 0
