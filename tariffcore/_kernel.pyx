# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The loops of the case-share model: no checks, no allocation, no Python.

`tariffcore.tables` lays out the tables and `tariffcore.pricing` proves dtypes, lengths and index ranges;
here every index is trusted.  What the numbers in the tables mean is said in `tariffcore/tables.py`.
"""

from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from tariffcore._kernel_avx2 cimport find_amounts_avx2, find_stays_avx2, has_avx2

cdef extern from *:
    """
    #if !defined(__SIZEOF_INT128__)
    #error "tariffcore needs a C compiler with 128-bit integers (gcc or clang)"
    #endif
    typedef unsigned __int128 tariffcore_u128;
    #define TARIFFCORE_MUL_HIGH(a, b) ((unsigned long long)(((tariffcore_u128)(a) * (b)) >> 64))
    #define TARIFFCORE_U128(high, low) (((tariffcore_u128)(high) << 64) | (low))
    static inline int tariffcore_bit_length(tariffcore_u128 value) {
        unsigned long long high = (unsigned long long)(value >> 64), low = (unsigned long long)value;
        return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
    }
    /* Stores past the caches where the machine has such stores: for what is written long before it is read. */
    #if defined(__SSE2__) && (defined(__x86_64__) || defined(_M_X64))
    #include <emmintrin.h>
    static inline void tariffcore_stream(int64_t *to, const int64_t *from, Py_ssize_t n) {
        Py_ssize_t i = 0;
        if (((uintptr_t)to & 8) != 0 && n > 0) {
            _mm_stream_si64((long long *)to, (long long)from[0]);
            i = 1;
        }
        for (; i + 2 <= n; i += 2)
            _mm_stream_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(from + i)));
        if (i < n) _mm_stream_si64((long long *)(to + i), (long long)from[i]);
    }
    #define TARIFFCORE_STREAMED() _mm_sfence()
    #else
    #define tariffcore_stream(to, from, n) memcpy(to, from, (size_t)(n) * sizeof(int64_t))
    #define TARIFFCORE_STREAMED() ((void)0)
    #endif
    #define TARIFFCORE_MUL_OVERFLOWS(a, b, product) __builtin_mul_overflow(a, b, product)
    """
    ctypedef unsigned long long u128 "tariffcore_u128"
    uint64_t mul_high "TARIFFCORE_MUL_HIGH"(uint64_t a, uint64_t b) noexcept nogil
    u128 u128_of "TARIFFCORE_U128"(uint64_t high, uint64_t low) noexcept nogil
    int bit_length "tariffcore_bit_length"(u128 value) noexcept nogil
    void stream "tariffcore_stream"(int64_t *to, const int64_t *source, Py_ssize_t n) noexcept nogil
    void streamed "TARIFFCORE_STREAMED"() noexcept nogil
    bint mul_overflows "TARIFFCORE_MUL_OVERFLOWS"(u128 a, u128 b, u128 *product) noexcept nogil

# The numbers of tariffcore.statuses.CaseStatus that the loop itself decides.
cdef enum:
    OK = 1
    MISSING_PLANNED_DAYS = 13
    AMOUNT_OVERFLOW = 14

# 18 digits: tariffcore.money.MAX_AMOUNT_MINOR
cdef uint64_t MAX_AMOUNT_MINOR = 999999999999999999ULL

# Bits: a quotient of 18 digits and another such digit together stay below 128 bits.
cdef enum:
    LONGEST_DIGIT = 32

# tariffcore.tables.ROUNDING_CODES
cdef enum:
    HALF_UP = 0
    HALF_EVEN = 1
    DOWN = 2
    UP = 3

# tariffcore.tables: what a factor row below this has instead of a status, and the first rate that is kept elsewhere
cdef enum:
    NOT_IN_FULL = 64
    WIDE_RATE_BIT = 31

# tariffcore.tables.FRACTION_BITS, and how many of them the short cut for stays not paid in full keeps
cdef enum:
    FRACTION_BITS = 28
    PART_BITS = 20

# Larger numerators of stay factors, and larger quantities, are for the whole rule: what they multiply would not
# stay below 64 bits and MAX_AMOUNT_MINOR.
cdef enum:
    LARGEST_NUMERATOR = 511
    LARGEST_QUANTITY = 1 << 23

# Units of the last place by which the short cut for stays not paid in full may be wrong, see find_parts.
cdef enum:
    TOO_MANY = 2
    TOO_FEW = 1024

# tariffcore.tables.FACTOR_COLUMNS: one row per stay rule or service factor, those that pay in full first
cdef enum:
    FACTOR_PER_PLANNED_DAY = 0
    FACTOR_NUMERATOR = 1
    FACTOR_DENOMINATOR = 2
    FACTOR_WIDTH = 3

# tariffcore.tables.WIDE_COEFFICIENT_COLUMNS: one row per distinct coefficient or reason for having none
cdef enum:
    W_NUMERATOR_HIGH = 0
    W_NUMERATOR_LOW = 1
    W_DENOMINATOR_HIGH = 2
    W_DENOMINATOR_LOW = 3
    W_STEP = 4
    W_STATUS = 5
    W_WIDTH = 6

# tariffcore.tables.COMPONENT_SET_COLUMNS
cdef enum:
    S_DENOMINATOR = 0
    S_MAGIC = 1
    S_SHIFT = 2
    S_MAX_AMOUNT = 3
    S_SHORT_LIMIT = 4
    S_WIDTH = 5

# tariffcore.tables.SHARE_BITS: binary places of the running shares in component_multiplier
cdef enum:
    SHARE_BITS = 63


cdef enum:
    SPLIT_ROOM = 2304  # parts of a block of rows: they and the tables stay in the first-level cache
    SPLIT_ROWS = 16    # at least, however many components there are
    CACHED_PARTS = 1 << 23  # bytes: so many parts may still be in a cache when they are read
    SPLIT_PADDING = 8  # so that the parts of a row do not contend for the same lines of the cache
    HALF_UP_BIAS = (1 << 27) + 1  # half a minor unit, and a unit more as in tariffcore.tables


cdef uint64_t rounded_quotient(u128 multiplier, u128 numerator, u128 denominator, int mode) noexcept nogil:
    """round(multiplier x numerator / denominator), or 2**64 - 1 where it has more than 18 digits.

    Exact at every size: the product may need 255 bits.  The denominator is below 2**126.
    """
    cdef u128 quotient, remainder, product, whole, rest, digit, step
    cdef int bits, digit_bits
    cdef bint up
    if not mul_overflows(multiplier, numerator, &product):
        quotient = product / denominator
        remainder = product - quotient * denominator
    else:
        # Long division: the multiplier in digits so short that no step outgrows 128 bits.
        whole = numerator / denominator
        rest = numerator - whole * denominator
        if whole > MAX_AMOUNT_MINOR:
            return <uint64_t>-1
        quotient = 0
        remainder = 0
        bits = bit_length(multiplier)
        while bits > 0:
            digit_bits = 127 - bit_length(denominator)
            digit_bits = digit_bits if digit_bits < LONGEST_DIGIT else LONGEST_DIGIT
            digit_bits = digit_bits if digit_bits < bits else bits
            bits -= digit_bits
            digit = multiplier >> bits
            multiplier = multiplier - (digit << bits)
            remainder = (remainder << digit_bits) + rest * digit
            step = remainder / denominator
            remainder = remainder - step * denominator
            quotient = (quotient << digit_bits) + whole * digit + step
            if quotient > MAX_AMOUNT_MINOR:
                return <uint64_t>-1
    remainder = remainder << 1
    if mode == HALF_UP:
        up = remainder >= denominator
    elif mode == HALF_EVEN:
        up = remainder > denominator or (remainder == denominator and (quotient & 1) == 1)
    else:
        up = mode == UP and remainder > 0
    quotient = quotient + up
    if quotient > MAX_AMOUNT_MINOR:
        return <uint64_t>-1
    return <uint64_t>quotient


# tariffcore.tables.PRICE_RECORD
cdef struct PriceRecord:
    uint32_t rate
    uint16_t block
    uint16_t rule

# tariffcore.tables.COEFFICIENT_COLUMNS
cdef struct Coefficient:
    uint64_t multiplier
    uint64_t bias


cdef class PriceTables:
    """The tables of one plan, held for the loops.  Built once, shared by all threads.

    A place is a number of bytes from where a table begins.
    """

    cdef const uint8_t[::1] days                    # Days, by day code
    cdef const uint32_t[::1] item_place             # epoch and item
    cdef const uint32_t[::1] variant_place          # variant
    cdef const uint32_t[:, ::1] age_place           # edition + 1, age
    cdef const uint8_t[::1] prices                  # PriceRecord, at the places of item, variant and age class together
    cdef const int64_t[::1] wide_rate
    cdef const uint16_t[::1] planned_days           # epoch and item
    cdef const uint8_t[::1] rounding_mode           # edition + 1
    cdef const uint8_t[::1] day_count_extra         # edition + 1
    cdef const int16_t[::1] factor_row              # outcome, days between the dates (capped), block
    cdef const int64_t[:, ::1] factors
    cdef const uint32_t[::1] coefficient_place      # period, provider
    cdef const uint64_t[:, ::1] coefficients        # Coefficient
    cdef const uint64_t[:, ::1] wide_coefficients   # the same rows
    cdef const uint16_t[:, ::1] component_set       # setting key, epoch and item
    cdef const uint64_t[:, ::1] component_sets
    cdef const uint64_t[:, ::1] component_running   # component set, part: running share x denominator
    cdef const uint16_t[:, ::1] component_column    # component set, part: which output column
    cdef const uint64_t[:, ::1] component_multiplier  # component set, output column: running share, fixed point
    cdef Tables plain                               # all of them, as pointers

    def __init__(self, *, days, item_place, variant_place, age_place, prices, wide_rate, planned_days, rounding_mode,
                 day_count_extra, factor_row, factors, coefficient_place, coefficients, wide_coefficients,
                 component_set, component_sets, component_running, component_column, component_multiplier,
                 stay_bits, block_bits, signature_bits):
        self.days = days
        self.item_place = item_place
        self.variant_place = variant_place
        self.age_place = age_place
        self.prices = prices
        self.wide_rate = wide_rate
        self.planned_days = planned_days
        self.rounding_mode = rounding_mode
        self.day_count_extra = day_count_extra
        self.factor_row = factor_row
        self.factors = factors
        self.coefficient_place = coefficient_place
        self.coefficients = coefficients
        self.wide_coefficients = wide_coefficients
        self.component_set = component_set
        self.component_sets = component_sets
        self.component_running = component_running
        self.component_column = component_column
        self.component_multiplier = component_multiplier
        self.plain.days = <const Days *>&self.days[0]
        self.plain.item_place = &self.item_place[0]
        self.plain.variant_place = &self.variant_place[0]
        self.plain.age_place = &self.age_place[0, 0]
        self.plain.prices = &self.prices[0]
        self.plain.wide_rate = &self.wide_rate[0]
        self.plain.planned_days = &self.planned_days[0]
        self.plain.rounding_mode = &self.rounding_mode[0]
        self.plain.day_count_extra = &self.day_count_extra[0]
        self.plain.factor_row = &self.factor_row[0]
        self.plain.factors = &self.factors[0, 0]
        self.plain.coefficient_place = &self.coefficient_place[0]
        self.plain.coefficients = <const uint8_t *>&self.coefficients[0, 0]
        self.plain.wide_coefficients = &self.wide_coefficients[0, 0]
        self.plain.stay_bits = stay_bits
        self.plain.block_bits = block_bits
        self.plain.component_set = &self.component_set[0, 0]
        self.plain.epoch_items = self.component_set.shape[1]
        self.plain.signature_bits = signature_bits
        self.plain.component_sets = &self.component_sets[0, 0]
        self.plain.component_running = &self.component_running[0, 0]
        self.plain.component_column = &self.component_column[0, 0]
        self.plain.component_multiplier = &self.component_multiplier[0, 0]
        self.plain.component_width = self.component_running.shape[1]


cdef const Tables *tables_of(object price_tables) except NULL:
    """Those of a plan; they are there as long as it is."""
    return &(<PriceTables?>price_tables).plain


cdef bint by_avx2 = has_avx2()   # use_vectors


cdef enum:
    BLOCK = 1024      # rows: what one stage hands on to the next stays close to the processor
    AGES = 256        # of the age column
    OVERHANG = 3      # that a list may be written beyond its end


cdef struct Block:
    # What one stage hands on to the next, for the rows of a block.
    uint32_t stay[BLOCK]                # outcome and days between the dates: first of its factor rows
    PriceRecord record[BLOCK]
    uint32_t coefficient_place[BLOCK]   # unless four amounts are worked out at once
    uint16_t others[BLOCK + OVERHANG]


cdef inline const PriceRecord *record_at(const uint8_t *prices, uint32_t place) noexcept nogil:
    return <const PriceRecord *>(prices + place)


cdef inline const Coefficient *coefficient_at(const uint8_t *coefficients, uint32_t place) noexcept nogil:
    return <const Coefficient *>(coefficients + place)


cdef inline uint64_t reached_by(uint64_t rate, uint64_t multiplier) noexcept nogil:
    """rate x coefficient with FRACTION_BITS binary places: exact, or one unit of the last place too many."""
    return mul_high(rate << 32, multiplier)


cdef void find_stays(const Tables *t, const Cases *cases, Block *block, Py_ssize_t n) noexcept nogil:
    """The factor rows of outcome and days from one date to the other, as far as any stay rule looks."""
    cdef const uint16_t *admission_day = cases.admission_day
    cdef const uint16_t *discharge_day = cases.discharge_day
    cdef const uint8_t *outcome = cases.outcome
    cdef int stay_bits = t.stay_bits
    cdef int block_bits = t.block_bits
    cdef uint16_t last = <uint16_t>((<uint32_t>1 << stay_bits) - 1)
    cdef uint16_t between
    cdef Py_ssize_t done = 0
    cdef Py_ssize_t k
    if by_avx2:
        done = find_stays_avx2(admission_day, discharge_day, outcome, block.stay, stay_bits, block_bits, n)
    for k in range(done, n):
        between = <uint16_t>(discharge_day[k] - admission_day[k])
        between = between if between < last else last
        block.stay[k] = ((<uint32_t>outcome[k] << stay_bits) + between) << block_bits


cdef void find_records(
    const Tables *t, const Cases *cases, uint8_t *edition, Block *block, Py_ssize_t n
) noexcept nogil:
    """The price record that date, item, variant and age of each case lead to, and the edition of the date."""
    cdef const Days *days = t.days
    cdef const uint32_t *item_place = t.item_place
    cdef const uint32_t *variant_place = t.variant_place
    cdef const uint32_t *age_place = t.age_place
    cdef const uint8_t *prices = t.prices
    cdef const uint16_t *deciding_day = cases.deciding_day
    cdef const uint16_t *item = cases.item
    cdef const uint16_t *variant = cases.variant
    cdef const uint8_t *age = cases.age
    cdef uint32_t day, day_edition, place
    cdef Py_ssize_t k
    for k in range(n):
        day = deciding_day[k]
        day_edition = days.edition[day]
        edition[k] = <uint8_t>day_edition
        place = item_place[days.first_item[day] + item[k]]
        place = place + variant_place[variant[k]] + age_place[day_edition * AGES + age[k]]
        block.record[k] = record_at(prices, place)[0]


cdef Py_ssize_t find_amounts(
    const Tables *t, const Cases *cases, const Priced *out, Block *block, Py_ssize_t n
) noexcept nogil:
    """The amount and the rule of each case by the short cut, and the list of cases for which it was wrong."""
    cdef const uint8_t *coefficients = t.coefficients
    cdef const uint32_t *first_coefficient = &t.days.first_coefficient[0]
    cdef const uint32_t *coefficient_place = t.coefficient_place
    cdef const int16_t *factor_row = t.factor_row
    cdef const uint16_t *deciding_day = cases.deciding_day
    cdef const uint16_t *provider = cases.provider
    cdef const uint32_t *quantity = cases.quantity
    cdef int64_t *amount_minor = out.amount_minor
    cdef uint16_t *rule = out.rule
    cdef const PriceRecord *record
    cdef const Coefficient *coefficient
    cdef uint64_t rate, reached, many
    cdef int64_t f_row
    cdef Py_ssize_t done = 0
    cdef Py_ssize_t other_count = 0
    cdef Py_ssize_t k
    if by_avx2:
        done = find_amounts_avx2(
            block.record, block.stay, factor_row, first_coefficient, coefficient_place, coefficients,
            deciding_day, provider, quantity, amount_minor, rule, block.others, &other_count,
            FRACTION_BITS, LARGEST_QUANTITY, n,
        )
    for k in range(done, n):
        block.coefficient_place[k] = coefficient_place[first_coefficient[deciding_day[k]] + provider[k]]
    for k in range(done, n):
        record = &block.record[k]
        rate = record.rate
        coefficient = coefficient_at(coefficients, block.coefficient_place[k])
        f_row = factor_row[record.block + block.stay[k]]
        rule[k] = <uint16_t>(record.rule + f_row)
        reached = reached_by(rate, coefficient.multiplier) + coefficient.bias
        many = quantity[k]
        amount_minor[k] = <int64_t>((reached >> FRACTION_BITS) * many)
        block.others[other_count] = <uint16_t>k
        # The sign bit of each says that the short cut is wrong, or could be: a stay not paid in full or a reason
        # for having no factor; a wide rate or a reason for having none; a fraction of exactly 0, as at ties,
        # where the unit that may be too many could matter; a quantity that could outgrow 18 digits.
        other_count += (
            <uint64_t>f_row | (rate << 32) | ((reached & (((<uint64_t>1) << FRACTION_BITS) - 1)) - 1) | (LARGEST_QUANTITY - many)
        ) >> 63
    return other_count


cdef Py_ssize_t find_parts(
    const Tables *t, const Cases *cases, const Priced *out, Block *block, Py_ssize_t other_count
) noexcept nogil:
    """The amount and the rule of each listed case whose stay is paid in part, by a short cut of its own.

    Leaves on the list the cases for which that was wrong, or could be, and returns how many they are.  As in
    `find_amounts` no branch depends on a case.  Of the product of rate and coefficient 20 binary places are kept,
    which is less than two units of the last place below the exact one, or less than one above; times the factor,
    which is at most 511, and cut off, less than 1024 below, or 2 above.  Where the fraction is that near to 0
    from either side, as it is at ties, the whole rule decides.
    """
    cdef const PriceRecord *record
    cdef const Coefficient *coefficient
    cdef const int64_t *factor
    cdef uint64_t planned, days, by_days, numerator, denominator, reached, fraction, many
    cdef uint64_t last = (<uint64_t>1 << PART_BITS) - 1
    cdef uint64_t is_right
    cdef int64_t f_row
    cdef uint32_t day
    cdef Py_ssize_t left = 0
    cdef Py_ssize_t j, k
    for j in range(other_count):
        k = block.others[j]
        day = cases.deciding_day[k]
        record = &block.record[k]
        coefficient = coefficient_at(
            t.coefficients, t.coefficient_place[t.days.first_coefficient[day] + cases.provider[k]]
        )
        f_row = -NOT_IN_FULL - t.factor_row[record.block + block.stay[k]]
        is_right = f_row >= 0
        f_row = f_row if f_row >= 0 else 0
        factor = t.factors + f_row * FACTOR_WIDTH
        planned = t.planned_days[t.days.first_item[day] + cases.item[k]]
        days = <uint16_t>(cases.discharge_day[k] - cases.admission_day[k])
        days = days + t.day_count_extra[out.edition[k]]
        days = days if days > 1 else 1
        days = days if days < planned else planned
        by_days = <uint64_t>-factor[FACTOR_PER_PLANNED_DAY]   # all bits or none
        numerator = (days & by_days) | (<uint64_t>factor[FACTOR_NUMERATOR] & ~by_days)
        denominator = (planned & by_days) | (<uint64_t>factor[FACTOR_DENOMINATOR] & ~by_days)
        reached = reached_by(record.rate, coefficient.multiplier) >> (FRACTION_BITS - PART_BITS)
        reached = reached * numerator / (denominator + (denominator == 0))
        reached = reached + (coefficient.bias >> (FRACTION_BITS - PART_BITS))
        fraction = reached & last
        many = cases.quantity[k]
        is_right = (
            is_right & (numerator <= LARGEST_NUMERATOR) & (denominator != 0) & (record.rate >> WIDE_RATE_BIT == 0)
            & (coefficient.multiplier != 0) & (fraction >= TOO_MANY) & (fraction <= last - TOO_FEW)
            & (many <= LARGEST_QUANTITY)
        )
        out.amount_minor[k] = <int64_t>((reached >> PART_BITS) * many)
        out.rule[k] = <uint16_t>(record.rule + f_row)
        block.others[left] = <uint16_t>k
        left += 1 - is_right
    return left


cdef inline void fail(const Priced *out, Py_ssize_t i, uint8_t status) noexcept nogil:
    out.amount_minor[i] = 0
    out.status[i] = status
    out.rule[i] = 0


cdef void price_row(const Tables *t, const Cases *cases, const Priced *out, const Block *block, Py_ssize_t i) noexcept nogil:
    """The amount of one case by the whole rule, or why it has none.

    Where several things are wrong, the order of the questions is the order of statuses.
    """
    cdef uint32_t day = cases.deciding_day[i]
    cdef const PriceRecord *record = &block.record[i]
    cdef uint32_t coefficient_place = t.coefficient_place[t.days.first_coefficient[day] + cases.provider[i]]
    cdef const uint64_t *wide = t.wide_coefficients + coefficient_place / sizeof(Coefficient) * W_WIDTH
    cdef int64_t rate = record.rate
    cdef int64_t f_row = t.factor_row[record.block + block.stay[i]]
    cdef const int64_t *factor
    cdef uint64_t numerator, denominator, days
    cdef u128 unit
    if rate >> WIDE_RATE_BIT:
        rate = t.wide_rate[rate - (<int64_t>1 << WIDE_RATE_BIT)]
    if t.days.status[day] != 0:
        fail(out, i, t.days.status[day])
        return
    if rate < 0:
        fail(out, i, <uint8_t>-rate)
        return
    if f_row < 0 and f_row > -NOT_IN_FULL:
        fail(out, i, <uint8_t>-f_row)
        return
    if wide[W_STATUS] != 0:
        fail(out, i, <uint8_t>wide[W_STATUS])
        return
    f_row = f_row if f_row >= 0 else -NOT_IN_FULL - f_row
    factor = t.factors + f_row * FACTOR_WIDTH
    numerator = <uint64_t>factor[FACTOR_NUMERATOR]
    denominator = <uint64_t>factor[FACTOR_DENOMINATOR]
    if factor[FACTOR_PER_PLANNED_DAY]:
        denominator = t.planned_days[t.days.first_item[day] + cases.item[i]]
        if denominator == 0:
            fail(out, i, MISSING_PLANNED_DAYS)
            return
        days = <uint16_t>(cases.discharge_day[i] - cases.admission_day[i])
        days = days + t.day_count_extra[out.edition[i]]
        days = days if days > 1 else 1
        numerator = days if days < denominator else denominator
    unit = <uint64_t>rate
    unit = rounded_quotient(
        unit * numerator,
        u128_of(wide[W_NUMERATOR_HIGH], wide[W_NUMERATOR_LOW]),
        u128_of(wide[W_DENOMINATOR_HIGH], wide[W_DENOMINATOR_LOW]) * denominator,
        t.rounding_mode[out.edition[i]],
    )
    unit = unit * wide[W_STEP]
    if unit > MAX_AMOUNT_MINOR:
        fail(out, i, AMOUNT_OVERFLOW)
        return
    unit = unit * cases.quantity[i]
    if unit > MAX_AMOUNT_MINOR:
        fail(out, i, AMOUNT_OVERFLOW)
        return
    out.amount_minor[i] = <int64_t>unit
    out.rule[i] = <uint16_t>(record.rule + f_row)


cdef void price_rows(
    const Tables *t, const Cases *cases, const Priced *out, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """Price rows start..stop: a block at a time, first by the short cut for full stays, then by the one for
    stays paid in part what that leaves, then one by one by the whole rule what is left.

    The short cuts keep the coefficient as a fixed-point number and take no branch that a case could turn, so that
    no mixture of cases slows them: they compute something for every row and list the rows for which that was
    wrong, or could be.  What has no price at all leads to a rate, a factor row or a coefficient that says so.  The
    stages are loops of their own so that their pointers stay in registers, and so that the processor has many
    rows in hand whose look-ups wait for one another.
    """
    cdef Block block
    cdef uint32_t ones[BLOCK]
    cdef Cases own
    cdef Priced priced
    cdef Py_ssize_t n, k, other_count
    cdef Py_ssize_t first = start
    if cases.quantity == NULL:
        for k in range(BLOCK):
            ones[k] = 1
    while first < stop:
        n = stop - first if stop - first < BLOCK else BLOCK
        own.deciding_day = cases.deciding_day + first
        own.admission_day = cases.admission_day + first
        own.discharge_day = cases.discharge_day + first
        own.item = cases.item + first
        own.provider = cases.provider + first
        own.variant = cases.variant + first
        own.age = cases.age + first
        own.outcome = cases.outcome + first
        own.quantity = ones
        if cases.quantity != NULL:
            own.quantity = cases.quantity + first
        priced.amount_minor = out.amount_minor + first
        priced.status = out.status + first
        priced.edition = out.edition + first
        priced.rule = out.rule + first
        find_stays(t, &own, &block, n)
        find_records(t, &own, priced.edition, &block, n)
        other_count = find_amounts(t, &own, &priced, &block, n)
        other_count = find_parts(t, &own, &priced, &block, other_count)
        memset(priced.status, OK, n)
        for k in range(other_count):
            price_row(t, &own, &priced, &block, block.others[k])
        first += BLOCK


def vectors() -> bool:
    """Whether this processor has the instructions of `_kernel_avx2.pxd`."""
    return has_avx2()


def use_vectors(bint use) -> None:
    """Price by the loops with these instructions, if the processor has them, or by those for any processor.

    For tests and measurements: the prices are the same.
    """
    global by_avx2
    by_avx2 = use and has_avx2()


def price(
    PriceTables tables,
    const uint16_t[::1] deciding_day,
    const uint16_t[::1] admission_day,
    const uint16_t[::1] discharge_day,
    const uint16_t[::1] item,
    const uint16_t[::1] provider,
    const uint16_t[::1] variant,
    const uint8_t[::1] age,
    const uint8_t[::1] outcome,
    const uint32_t[::1] quantity,   # None: one each
    int64_t[::1] amount_minor,
    uint8_t[::1] status,
    uint8_t[::1] edition_out,
    uint16_t[::1] rule_out,
    Py_ssize_t start,
    Py_ssize_t stop,
):
    """Price rows start..stop, at least one.  Of each row writes the amount (0 unless OK), the status, the number
    of the edition plus one (0 where none covers the day) and the number of the rule (0 unless OK)."""
    cdef Cases cases
    cdef Priced out
    cases.deciding_day = &deciding_day[0]
    cases.admission_day = &admission_day[0]
    cases.discharge_day = &discharge_day[0]
    cases.item = &item[0]
    cases.provider = &provider[0]
    cases.variant = &variant[0]
    cases.age = &age[0]
    cases.outcome = &outcome[0]
    cases.quantity = NULL
    if quantity is not None:
        cases.quantity = &quantity[0]
    out.amount_minor = &amount_minor[0]
    out.status = &status[0]
    out.edition = &edition_out[0]
    out.rule = &rule_out[0]
    with nogil:
        price_rows(&tables.plain, &cases, &out, start, stop)


def split(
    PriceTables tables,
    const uint16_t[::1] deciding_day,
    const uint16_t[::1] item,
    const uint16_t[::1] variant,
    const int64_t[::1] amount_minor,
    const uint8_t[::1] status,
    int64_t[:, ::1] parts_minor,   # component, row
    uint8_t[::1] has_parts,
    Py_ssize_t start,
    Py_ssize_t stop,
):
    """Split the amounts of rows start..stop into their components, so that the parts sum to the amount.

    Part k is the rounded running total up to k less the one before it; components that a profile does not
    list come last with the full running share, and so get exactly nothing.
    """
    cdef Cases cases
    cdef Priced priced
    cdef Py_ssize_t components = parts_minor.shape[0]
    cdef Py_ssize_t rows = parts_minor.shape[1]
    cdef bint beyond_caches = components * rows * <Py_ssize_t>sizeof(int64_t) > CACHED_PARTS
    cdef int64_t *room
    if components == 0 or start >= stop:
        return
    cases.deciding_day = &deciding_day[0]
    cases.item = &item[0]
    cases.variant = &variant[0]
    priced.amount_minor = <int64_t *>&amount_minor[0]
    priced.status = <uint8_t *>&status[0]
    room = <int64_t *>malloc(split_room(components))
    if room == NULL:
        raise MemoryError
    with nogil:
        split_rows(
            &tables.plain, &cases, &priced, &has_parts[0], <uint8_t *>&parts_minor[0, 0], rows * sizeof(int64_t),
            components, room, beyond_caches, start, stop,
        )
    free(room)


cdef inline Py_ssize_t rows_at_once(Py_ssize_t components) noexcept nogil:
    return SPLIT_ROOM // components if SPLIT_ROOM // components > SPLIT_ROWS else SPLIT_ROWS


cdef Py_ssize_t split_room(Py_ssize_t components) noexcept nogil:
    """How many bytes `split_rows` needs for the parts that it gathers aside."""
    return (rows_at_once(components) + SPLIT_PADDING) * components * sizeof(int64_t)


cdef void split_rows(
    const Tables *t, const Cases *cases, const Priced *priced, uint8_t *has_parts, uint8_t *parts, Py_ssize_t stride,
    Py_ssize_t components, int64_t *room, bint beyond_caches, Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil:
    """Split the amounts of rows start..stop; a component's parts begin ``stride`` bytes behind those of the one before.

    A block of rows at a time, gathered aside: a component's parts then go out as one run, not mixed with those of
    all others, whose places in memory may contend for the same lines of the cache.  They may begin anywhere, unless
    they go ``beyond_caches``.
    """
    cdef uint16_t chosen[SPLIT_ROOM]
    cdef const int64_t *amounts
    cdef const uint64_t *set_row
    cdef Py_ssize_t width = t.component_width
    cdef Py_ssize_t at_once = rows_at_once(components)
    cdef Py_ssize_t apart = at_once + SPLIT_PADDING
    cdef Py_ssize_t i, k, n
    while start < stop:
        n = stop - start if stop - start < at_once else at_once
        find_sets(
            t, cases.deciding_day + start, cases.item + start, cases.variant + start, priced.status + start,
            has_parts + start, chosen, n,
        )
        amounts = priced.amount_minor + start
        for i in range(n):
            set_row = t.component_sets + chosen[i] * S_WIDTH
            if <uint64_t>amounts[i] < set_row[S_SHORT_LIMIT]:
                split_short(
                    <uint64_t>amounts[i], t.component_multiplier + chosen[i] * width, room + i, apart, components
                )
            else:
                split_row(
                    <uint64_t>amounts[i], set_row, t.component_running + chosen[i] * width,
                    t.component_column + chosen[i] * width, room + i, apart, components,
                )
        for k in range(components):
            if beyond_caches:
                stream(<int64_t *>(parts + k * stride) + start, room + k * apart, n)
            else:
                memcpy(parts + k * stride + start * sizeof(int64_t), room + k * apart, n * sizeof(int64_t))
        start += n
    if beyond_caches:
        streamed()


cdef inline void find_sets(
    const Tables *t, const uint16_t *day, const uint16_t *item, const uint16_t *variant, const uint8_t *status,
    uint8_t *has_parts, uint16_t *chosen, Py_ssize_t n
) noexcept nogil:
    """The component set of each row; set 0, whose shares are all 0, for what has no profile or no amount."""
    cdef const uint32_t *first_item = &t.days.first_item[0]
    cdef const uint16_t *component_set = t.component_set
    cdef uint32_t epoch_items = <uint32_t>t.epoch_items
    cdef int signature_bits = t.signature_bits
    cdef uint16_t found
    cdef Py_ssize_t i
    for i in range(n):
        found = component_set[
            <uint64_t>(<uint32_t>variant[i] >> signature_bits) * epoch_items + first_item[day[i]] + item[i]
        ]
        found = found if status[i] == OK else 0
        chosen[i] = found
        has_parts[i] = found != 0


cdef inline void split_short(
    uint64_t amount, const uint64_t *multiplier, int64_t *parts, Py_ssize_t stride, Py_ssize_t components
) noexcept nogil:
    """Split an amount by fixed-point running shares, as `tariffcore.tables.PerRate` settles short coefficients."""
    cdef uint64_t before = 0
    cdef uint64_t reached
    cdef Py_ssize_t k
    amount = amount << (64 + FRACTION_BITS - SHARE_BITS)
    for k in range(components):
        reached = (mul_high(amount, multiplier[k]) + HALF_UP_BIAS) >> FRACTION_BITS
        parts[0] = <int64_t>(reached - before)
        parts += stride
        before = reached


cdef inline void split_row(
    uint64_t amount, const uint64_t *set_row, const uint64_t *running_share, const uint16_t *column,
    int64_t *parts, Py_ssize_t rows, Py_ssize_t components,
) noexcept nogil:
    cdef uint64_t magic = set_row[S_MAGIC]
    cdef uint64_t shift = set_row[S_SHIFT]
    cdef uint64_t half = set_row[S_DENOMINATOR] >> 1   # denominators are even
    cdef uint64_t before = 0
    cdef uint64_t reached
    cdef u128 product, denominator   # both wide: Cython divides mixed widths at the narrower one
    cdef Py_ssize_t k
    if amount <= set_row[S_MAX_AMOUNT]:
        for k in range(components):
            reached = mul_high(amount * running_share[k] + half, magic) >> shift
            parts[column[k] * rows] = <int64_t>(reached - before)
            before = reached
    else:
        denominator = set_row[S_DENOMINATOR]
        for k in range(components):
            product = amount
            product = product * running_share[k] + half
            reached = <uint64_t>(product / denominator)
            parts[column[k] * rows] = <int64_t>(reached - before)
            before = reached
