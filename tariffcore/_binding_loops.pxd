"""Loops over the columns of a block of rows, for the module that binds them to a plan.

They are in C so that they run on several rows at once: every one takes no branch that a row could turn.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

cdef extern from *:
    """
    #include <string.h>
    /* For wider registers too where the machine has them. */
    #if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && !defined(__clang__)
    #define TARIFFCORE_WIDE static __attribute__((noinline, target_clones("arch=x86-64-v4", "avx2", "default")))
    #define TARIFFCORE_PERMUTES 1
    #else
    #define TARIFFCORE_WIDE static
    #endif
    #define ROWS(k, n) (Py_ssize_t k = 0; k < (n); k++)
    #define TARIFFCORE_BLOCK 512
    /* All bits where the condition is met, none where not: what the compiler knows how to do for several rows. */
    #define TARIFFCORE_IF(condition) (0 - (uint32_t)(condition))

    /* Columns begin anywhere in a message, in little-endian order. */
    static inline uint32_t tariffcore_load32(const uint8_t *bytes, Py_ssize_t i) {
        uint32_t word;
        memcpy(&word, bytes + 4 * i, 4);
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
        word = __builtin_bswap32(word);
    #endif
        return word;
    }

    /* What to look at a row again for: some reason, or the only one, which then has a short answer of its own. */
    enum { TARIFFCORE_HOURS = 128, TARIFFCORE_FACTOR = 64, TARIFFCORE_ANY = 1 };

    /* Above the number in an entry of a code table: see _binding.pyx. */
    enum { TARIFFCORE_NO_WORD = 0x10000, TARIFFCORE_NEEDS_HOURS = 0x20000 };
    #define TARIFFCORE_FLAGS 0xFFFF0000u

    /* What columns hold that a message leaves out, for every row of a block. */
    static uint8_t tariffcore_zeros[4 * TARIFFCORE_BLOCK];      /* no word, no hour, not said */
    static uint8_t tariffcore_ones[4 * TARIFFCORE_BLOCK];       /* the number 1 in each four bytes */
    static uint8_t tariffcore_nothing[8 * TARIFFCORE_BLOCK];    /* no number, no amount: all bits are set */
    static uint8_t tariffcore_no_days[4 * TARIFFCORE_BLOCK];    /* no date: the highest bit of four bytes */
    static void tariffcore_fill_defaults(void) {
        memset(tariffcore_nothing, 0xFF, sizeof tariffcore_nothing);
        for ROWS(k, TARIFFCORE_BLOCK) {
            tariffcore_ones[4 * k] = 1;
            tariffcore_no_days[4 * k + 3] = 0x80;
        }
    }

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

    TARIFFCORE_WIDE uint32_t tariffcore_entries_of_many(
        const uint32_t *restrict table, uint32_t room, const uint8_t *restrict codes, uint32_t *restrict entries,
        Py_ssize_t n
    ) {
        uint32_t bits = 0;
        for ROWS(k, n) {
            uint32_t code = tariffcore_load32(codes, k);
            bits |= code;
            entries[k] = table[code & (room - 1)];
        }
        return bits;
    }

    #if TARIFFCORE_PERMUTES
    /* The same of a table that two registers hold: three instructions for eight rows instead of some thirty. */
    __attribute__((noinline, target("avx2"))) static uint32_t tariffcore_entries_of_few(
        const uint32_t *table, const uint8_t *codes, uint32_t *entries, Py_ssize_t n
    ) {
        typedef uint32_t eight __attribute__((vector_size(32)));
        eight low, high, code, bits = {0};
        uint32_t any = 0;
        Py_ssize_t k = 0;
        memcpy(&low, table, 32);
        memcpy(&high, table + 8, 32);
        for (; k + 8 <= n; k += 8) {
            memcpy(&code, codes + 4 * k, 32);
            bits |= code;
            code = __builtin_shuffle(low, high, code);
            memcpy(entries + k, &code, 32);
        }
        for (; k < n; k++) {
            uint32_t one = tariffcore_load32(codes, k);
            any |= one;
            entries[k] = table[one & 15];
        }
        for (k = 0; k < 8; k++) any |= bits[k];
        return any;
    }
    #endif

    /* The entries of words. */
    static inline uint32_t tariffcore_entries(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint32_t *entries, Py_ssize_t n
    ) {
    #if TARIFFCORE_PERMUTES
        if (room == 16 && __builtin_cpu_supports("avx2")) return tariffcore_entries_of_few(table, codes, entries, n);
    #endif
        return tariffcore_entries_of_many(table, room, codes, entries, n);
    }

    /* What a row is by the entries of its words, its days, its quantity and what else is on top; in ``looks`` what to
       look at it again for.  Answers the bits that any factor has, and any kind of add-on. */
    TARIFFCORE_WIDE uint32_t tariffcore_rows(
        const uint32_t *restrict groups, const uint32_t *restrict services, const uint32_t *restrict settings,
        const uint32_t *restrict outcomes, const uint8_t *restrict came, const uint8_t *restrict left,
        const uint8_t *restrict came_second, const uint8_t *restrict left_second, const uint8_t *restrict lengths,
        const uint8_t *restrict quantities, const uint8_t *restrict factors, const uint8_t *restrict addons,
        uint32_t base, uint32_t extra, uint32_t any_length, uint32_t by_discharge, uint16_t *restrict item,
        uint16_t *restrict variant, uint16_t *restrict admission_day, uint16_t *restrict discharge_day,
        uint32_t *restrict quantity, uint16_t *restrict looks, uint32_t *addon_bits, Py_ssize_t n
    ) {
        uint32_t factor_bits = 0, kind_bits = 0;
        for ROWS(k, n) {
            /* a line is either a case or a service; only a case needs an outcome */
            uint32_t group = groups[k], service = services[k], setting = settings[k], outcome = outcomes[k];
            uint32_t is_case = ~group & TARIFFCORE_NO_WORD;
            uint32_t is_service = TARIFFCORE_IF(is_case == 0);
            uint32_t look = (group & TARIFFCORE_FLAGS & ~TARIFFCORE_NO_WORD) | ((service ^ is_case) & TARIFFCORE_FLAGS);
            item[k] = (uint16_t)((service & is_service) | (group & ~is_service));
            variant[k] = (uint16_t)setting;
            look |= setting & TARIFFCORE_FLAGS & ~TARIFFCORE_NEEDS_HOURS;
            look |= outcome & ((TARIFFCORE_FLAGS & ~TARIFFCORE_NO_WORD) | is_case);

            /* lengths of stay that are not what the days come to; a stay has at least one day */
            uint32_t start = tariffcore_load32(came, k), end = tariffcore_load32(left, k);
            uint32_t length = tariffcore_load32(lengths, k);
            uint32_t stay = end - start + extra;
            stay += stay == 0;
            look |= ((length ^ stay) | any_length | (length & 0xFFFF8000u)) & TARIFFCORE_IF(length != 0xFFFFFFFF);

            /* seconds of the day plus one, 0 where not said; with them a stay within a day may end before it begins */
            uint32_t first = tariffcore_load32(came_second, k), last = tariffcore_load32(left_second, k);
            uint32_t within = TARIFFCORE_IF(start == end) & TARIFFCORE_IF(last != 0) & (last - first);
            look |= (first | (86400 - first) | last | (86400 - last) | within) & 0x80000000u;

            /* codes of days, of which 0xFFFB to 0xFFFF are no days; a service without an admission begins on its day */
            uint32_t same_day = TARIFFCORE_IF(start == 0x80000000u) & is_service & by_discharge;
            end -= base;
            start = ((start - base) & ~same_day) | (end & same_day);
            admission_day[k] = (uint16_t)start;
            discharge_day[k] = (uint16_t)end;
            look |= (start | (start + 5) | end | (end + 5)) & 0xFFFF0000u;
            look |= (end - start) & 0xFFFF8000u;

            /* a case counts once where nothing is said */
            uint32_t many = tariffcore_load32(quantities, k);
            uint32_t once = TARIFFCORE_IF(many == 0xFFFFFFFF) & ~is_service;
            many = (many & ~once) | (once & 1);
            quantity[k] = many;
            look |= (many | (many - 1)) & 0x80000000u;

            uint32_t factor = tariffcore_load32(factors, k), addon = tariffcore_load32(addons, k);
            factor_bits |= factor;
            kind_bits |= addon;
            look |= addon;
            looks[k] = (uint16_t)(
                (look != 0 ? TARIFFCORE_ANY : 0) | ((setting & TARIFFCORE_NEEDS_HOURS) != 0 ? TARIFFCORE_HOURS : 0)
                | (factor != 0 ? TARIFFCORE_FACTOR : 0)
            );
        }
        *addon_bits = kind_bits;
        return factor_bits;
    }

    /* The columns that become bytes: what was seen so far goes from ``seen`` to ``looks``.
       Few ages are 127 or more, and a missing one becomes 0 when one is added.  Of answers about deaths 0 is not
       said, 1 avoidable and 2 unavoidable. */
    TARIFFCORE_WIDE void tariffcore_narrow(
        const uint32_t *restrict outcomes, const uint8_t *restrict signatures, const uint8_t *restrict ages,
        const uint8_t *restrict deaths, const uint8_t *restrict problems, const uint16_t *restrict seen,
        uint16_t *restrict variant, uint8_t *restrict outcome, uint8_t *restrict age, uint8_t *restrict looks,
        Py_ssize_t n
    ) {
        for ROWS(k, n) {
            uint8_t answer = deaths[k];
            uint8_t odd = (uint8_t)((answer & 0xFC) | (answer & answer >> 1) | problems[k]);
            uint32_t years = tariffcore_load32(ages, k);
            outcome[k] = (uint8_t)((uint8_t)outcomes[k] + (uint8_t)(answer + 2 - (answer != 0 ? 3 : 0)));
            age[k] = (uint8_t)years;
            variant[k] |= signatures[k];
            looks[k] = (uint8_t)(seen[k] | (odd != 0) | (((years + 1) & 0xFFFFFF80u) != 0));
        }
    }

    /* Rows that bring an amount, which are few: sixteen at once are asked first. */
    TARIFFCORE_WIDE void tariffcore_amounts(const uint8_t *restrict amounts, uint8_t *restrict looks, Py_ssize_t n) {
        Py_ssize_t k = 0;
        for (; k < n; k += 16) {
            Py_ssize_t many = n - k < 16 ? n - k : 16;
            uint64_t amount, all = ~(uint64_t)0;
            if (many == 16)
                for ROWS(i, 16) {
                    memcpy(&amount, amounts + 8 * (k + i), 8);
                    all &= amount;
                }
            if (many == 16 && all == ~(uint64_t)0) continue;
            for ROWS(i, many) {
                memcpy(&amount, amounts + 8 * (k + i), 8);
                looks[k + i] |= ~amount != 0 ? TARIFFCORE_ANY : 0;      /* in either order of bytes */
            }
        }
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

    /* The rows to look at again, in their order. */
    static inline Py_ssize_t tariffcore_seen(const uint8_t *looks, uint16_t *rows, Py_ssize_t n) {
        Py_ssize_t count = 0, k = 0;
    #if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
        const uint64_t lows = 0x7F7F7F7F7F7F7F7FULL;
        while (k + 64 <= n) {
            uint64_t mask = 0;
            for (int i = 0; i < 8; i++) {       /* a bit for each byte that is not 0 */
                uint64_t eight;
                memcpy(&eight, looks + k + 8 * i, 8);
                eight = (((eight & lows) + lows) | eight) & ~lows;
                mask |= (eight >> 7) * 0x0102040810204080ULL >> 56 << 8 * i;
            }
            for (; mask; mask &= mask - 1) rows[count++] = (uint16_t)(k + __builtin_ctzll(mask));
            k += 64;
        }
    #endif
        for (; k < n; k++) {
            rows[count] = (uint16_t)k;
            count += looks[k] != 0;
        }
        return count;
    }

    /* What the coefficient sets of items add to providers. */
    static inline void tariffcore_add_first(
        const uint16_t *first, const uint16_t *item, uint16_t *provider, Py_ssize_t n
    ) {
        Py_ssize_t k = 0;
        for (; k + 4 <= n; k += 4) {
            provider[k] = (uint16_t)(provider[k] + first[item[k]]);
            provider[k + 1] = (uint16_t)(provider[k + 1] + first[item[k + 1]]);
            provider[k + 2] = (uint16_t)(provider[k + 2] + first[item[k + 2]]);
            provider[k + 3] = (uint16_t)(provider[k + 3] + first[item[k + 3]]);
        }
        for (; k < n; k++) provider[k] = (uint16_t)(provider[k] + first[item[k]]);
    }
    """
    enum:
        HOURS "TARIFFCORE_HOURS"
        FACTOR_GIVEN "TARIFFCORE_FACTOR"
        LOOK "TARIFFCORE_ANY"
    const uint8_t *ZEROS "tariffcore_zeros"
    const uint8_t *ONES "tariffcore_ones"
    const uint8_t *NOT_GIVENS "tariffcore_nothing"
    const uint8_t *NO_DAYS "tariffcore_no_days"
    void fill_defaults "tariffcore_fill_defaults"() noexcept nogil
    uint32_t plain_numbers "tariffcore_numbers"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint16_t *numbers, uint32_t *entries, Py_ssize_t n
    ) noexcept nogil
    uint32_t entries_of "tariffcore_entries"(
        const uint32_t *table, uint32_t room, const uint8_t *codes, uint32_t *entries, Py_ssize_t n
    ) noexcept nogil
    uint32_t rows_of "tariffcore_rows"(
        const uint32_t *groups, const uint32_t *services, const uint32_t *settings, const uint32_t *outcomes,
        const uint8_t *came, const uint8_t *left, const uint8_t *came_second, const uint8_t *left_second,
        const uint8_t *lengths, const uint8_t *quantities, const uint8_t *factors, const uint8_t *addons,
        uint32_t base, uint32_t extra, uint32_t any_length, uint32_t by_discharge, uint16_t *item, uint16_t *variant,
        uint16_t *admission_day, uint16_t *discharge_day, uint32_t *quantity, uint16_t *looks, uint32_t *addon_bits,
        Py_ssize_t n
    ) noexcept nogil
    void narrow "tariffcore_narrow"(
        const uint32_t *outcomes, const uint8_t *signatures, const uint8_t *ages, const uint8_t *deaths,
        const uint8_t *problems, const uint16_t *seen, uint16_t *variant, uint8_t *outcome, uint8_t *age,
        uint8_t *looks, Py_ssize_t n
    ) noexcept nogil
    void look_at_amounts "tariffcore_amounts"(const uint8_t *amounts, uint8_t *looks, Py_ssize_t n) noexcept nogil
    bint never_fall "tariffcore_never_fall"(const uint8_t *ends, uint32_t before, Py_ssize_t n) noexcept nogil
    bint all_places "tariffcore_all_places"(const uint8_t *places, uint32_t room, Py_ssize_t n) noexcept nogil
    Py_ssize_t rows_to_look_at "tariffcore_seen"(const uint8_t *looks, uint16_t *rows, Py_ssize_t n) noexcept nogil
    void add_first "tariffcore_add_first"(
        const uint16_t *first, const uint16_t *item, uint16_t *provider, Py_ssize_t n
    ) noexcept nogil
