# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The loops of the case-share model: no checks, no allocation, no Python.

`tariffcore.plan` lays out the tables and `tariffcore.pricing` proves dtypes, lengths and index ranges;
here every index is trusted.  What the numbers in the tables mean is said in `tariffcore/plan.py`.
"""

from libc.string cimport memset
from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #if !defined(__SIZEOF_INT128__)
    #error "tariffcore needs a C compiler with 128-bit integers (gcc or clang)"
    #endif
    typedef unsigned __int128 tariffcore_u128;
    #define TARIFFCORE_MUL_HIGH(a, b) ((unsigned long long)(((tariffcore_u128)(a) * (b)) >> 64))
    /* tariffcore.plan.FIXED_POINT_BITS is 62 */
    #define TARIFFCORE_FRACTION 0x3FFFFFFFFFFFFFFFULL
    #define TARIFFCORE_FIXED_POINT(rate, multiplier, bias) \\
        ((unsigned long long)(((tariffcore_u128)(rate) * (multiplier) + (bias)) >> 62))
    #define TARIFFCORE_U128(high, low) (((tariffcore_u128)(high) << 64) | (low))
    static inline int tariffcore_bit_length(tariffcore_u128 value) {
        unsigned long long high = (unsigned long long)(value >> 64), low = (unsigned long long)value;
        return high ? 128 - __builtin_clzll(high) : low ? 64 - __builtin_clzll(low) : 0;
    }
    #define TARIFFCORE_MUL_OVERFLOWS(a, b, product) __builtin_mul_overflow(a, b, product)
    """
    ctypedef unsigned long long u128 "tariffcore_u128"
    uint64_t mul_high "TARIFFCORE_MUL_HIGH"(uint64_t a, uint64_t b) noexcept nogil
    uint64_t fixed_point "TARIFFCORE_FIXED_POINT"(uint64_t rate, uint64_t multiplier, uint64_t bias) noexcept nogil
    uint64_t FRACTION "TARIFFCORE_FRACTION"
    u128 u128_of "TARIFFCORE_U128"(uint64_t high, uint64_t low) noexcept nogil
    int bit_length "tariffcore_bit_length"(u128 value) noexcept nogil
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

# tariffcore.plan.ROUNDING_CODES
cdef enum:
    HALF_UP = 0
    HALF_EVEN = 1
    DOWN = 2
    UP = 3

# tariffcore.plan.FACTOR_COLUMNS: one row per stay rule or service factor, those that pay in full first
cdef enum:
    FACTOR_PER_PLANNED_DAY = 0
    FACTOR_NUMERATOR = 1
    FACTOR_DENOMINATOR = 2
    FACTOR_WIDTH = 3

# tariffcore.plan.COEFFICIENT_COLUMNS: one row per distinct coefficient or reason for having none
cdef enum:
    C_MULTIPLIER = 0
    C_BIAS = 1
    C_LIMIT = 2
    C_STATUS = 3
    C_WIDTH = 4

# tariffcore.plan.WIDE_COEFFICIENT_COLUMNS: the same rows as fractions
cdef enum:
    W_NUMERATOR_HIGH = 0
    W_NUMERATOR_LOW = 1
    W_DENOMINATOR_HIGH = 2
    W_DENOMINATOR_LOW = 3
    W_STEP = 4
    W_WIDTH = 5

# tariffcore.plan.COMPONENT_SET_COLUMNS
cdef enum:
    S_DENOMINATOR = 0
    S_MAGIC = 1
    S_SHIFT = 2
    S_MAX_AMOUNT = 3
    S_WIDTH = 4


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


cdef class PriceTables:
    """The tables of one plan, held for the loops.  Built once, shared by all threads.

    Words that pack several numbers, lowest bits first:
    day_record     period (16 bits), first item of the epoch (32), edition + 1 (8), status (8)
    item_record    first rate of the item (32), first choice of its stay class (32)
    choice_record  rate column x age classes (16), rule of full pay (16), first factor row of the choice (32)
    """

    cdef const uint64_t[::1] day_record             # day code
    cdef const uint64_t[::1] item_record            # epoch and item
    cdef const uint64_t[::1] choice_record          # edition and stay class, variant
    cdef const int64_t[::1] rate_minor              # row, rate column, age class
    cdef const uint16_t[::1] planned_days           # epoch and item
    cdef const uint8_t[:, ::1] age_class            # edition + 1, age
    cdef const uint8_t[::1] rounding_mode           # edition + 1
    cdef const uint8_t[::1] day_count_extra         # edition + 1
    cdef const int16_t[::1] factor_row              # block, outcome, days between the dates (capped)
    cdef const int64_t[:, ::1] factors
    cdef const uint32_t[:, ::1] coefficient_row     # provider, period
    cdef const uint64_t[:, ::1] coefficients
    cdef const uint64_t[:, ::1] wide_coefficients   # the same rows
    cdef const uint16_t[:, ::1] component_set       # epoch and item, setting key
    cdef const uint64_t[:, ::1] component_sets
    cdef const uint64_t[:, ::1] component_running   # component set, part: running share x denominator
    cdef const uint16_t[:, ::1] component_column    # component set, part: which output column
    cdef uint16_t full_pay_rows
    cdef int stay_bits, period_bits, signature_bits

    def __init__(self, *, day_record, item_record, choice_record, rate_minor, planned_days, age_class, rounding_mode,
                 day_count_extra, factor_row, factors, full_pay_rows, coefficient_row, coefficients,
                 wide_coefficients, component_set, component_sets, component_running, component_column,
                 stay_bits, period_bits, signature_bits):
        self.day_record = day_record
        self.item_record = item_record
        self.choice_record = choice_record
        self.rate_minor = rate_minor
        self.planned_days = planned_days
        self.age_class = age_class
        self.rounding_mode = rounding_mode
        self.day_count_extra = day_count_extra
        self.factor_row = factor_row
        self.factors = factors
        self.full_pay_rows = full_pay_rows
        self.coefficient_row = coefficient_row
        self.coefficients = coefficients
        self.wide_coefficients = wide_coefficients
        self.component_set = component_set
        self.component_sets = component_sets
        self.component_running = component_running
        self.component_column = component_column
        self.stay_bits = stay_bits
        self.period_bits = period_bits
        self.signature_bits = signature_bits


cdef struct Tables:
    # The tables of a plan as plain pointers: see PriceTables for what each is.
    const uint64_t *day_record
    const uint64_t *item_record
    const uint64_t *choice_record
    const int64_t *rate_minor
    const uint16_t *planned_days
    const uint8_t *age_class
    const uint8_t *rounding_mode
    const uint8_t *day_count_extra
    const int16_t *factor_row
    const int64_t *factors
    const uint32_t *coefficient_row
    const uint64_t *coefficients
    const uint64_t *wide_coefficients
    uint16_t full_pay_rows
    int stay_bits, period_bits


cdef struct Cases:
    # One array a column; quantity is NULL where every line counts one.
    const uint16_t *deciding_day
    const uint16_t *admission_day
    const uint16_t *discharge_day
    const uint16_t *item
    const uint16_t *provider
    const uint16_t *variant
    const uint8_t *age
    const uint8_t *outcome
    const uint32_t *quantity


cdef struct Priced:
    int64_t *amount_minor
    uint8_t *status
    uint8_t *edition
    uint16_t *rule


cdef enum:
    BLOCK = 512       # rows: what the stages of the short cut hand on stays in the first-level cache
    AGES = 256        # of the age column


cdef inline uint32_t days_between(uint16_t admission_day, uint16_t discharge_day, int stay_bits) noexcept nogil:
    """Days from one date to the other, as far as any stay rule looks."""
    cdef uint32_t between = <uint16_t>(discharge_day - admission_day)
    cdef uint32_t last = (<uint32_t>1 << stay_bits) - 1
    return between if between < last else last


cdef void price_row(
    const Tables *t, const Cases *cases, const Priced *out, Py_ssize_t i, int64_t rate, int16_t f_row, uint32_t c_row
) noexcept nogil:
    """The unit price of one case by the whole rule, or why it has none; for every case that the short cut leaves.

    Where several things are wrong, the order of the questions is the order of statuses.
    """
    cdef uint64_t record = t.day_record[cases.deciding_day[i]]
    cdef const uint64_t *c = t.coefficients + c_row * C_WIDTH
    cdef const uint64_t *w = t.wide_coefficients + c_row * W_WIDTH
    cdef const int64_t *factor
    cdef uint32_t days, planned
    cdef u128 multiplier, denominator, product
    if record >> 56:
        fail(out, i, <uint8_t>(record >> 56))
        return
    if rate < 0:
        fail(out, i, <uint8_t>-rate)
        return
    if f_row < 0:
        fail(out, i, <uint8_t>-f_row)
        return
    if c[C_STATUS] != 0:
        fail(out, i, <uint8_t>c[C_STATUS])
        return
    factor = t.factors + f_row * FACTOR_WIDTH
    multiplier = <uint64_t>rate
    denominator = u128_of(w[W_DENOMINATOR_HIGH], w[W_DENOMINATOR_LOW])
    if factor[FACTOR_PER_PLANNED_DAY]:
        planned = t.planned_days[<uint32_t>(record >> 16) + cases.item[i]]
        if planned == 0:
            fail(out, i, MISSING_PLANNED_DAYS)
            return
        days = <uint16_t>(cases.discharge_day[i] - cases.admission_day[i])
        days = days + t.day_count_extra[out.edition[i]]
        days = days if days > 1 else 1
        multiplier = multiplier * (days if days < planned else planned)
        denominator = denominator * planned
    else:
        multiplier = multiplier * <uint64_t>factor[FACTOR_NUMERATOR]
        denominator = denominator * <uint64_t>factor[FACTOR_DENOMINATOR]
    product = rounded_quotient(
        multiplier, u128_of(w[W_NUMERATOR_HIGH], w[W_NUMERATOR_LOW]), denominator, t.rounding_mode[out.edition[i]]
    )
    product = product * w[W_STEP]
    if product > MAX_AMOUNT_MINOR:
        fail(out, i, AMOUNT_OVERFLOW)
        return
    out.amount_minor[i] = <int64_t>product


cdef inline void fail(const Priced *out, Py_ssize_t i, uint8_t status) noexcept nogil:
    out.amount_minor[i] = 0
    out.status[i] = status
    out.rule[i] = 0


cdef struct Block:
    # What one stage of the short cut hands on to the next, for the rows of a block.
    uint64_t item_row[BLOCK]           # rate row | choice row << 32, as in item_record
    uint32_t coefficient_row[BLOCK]
    uint64_t rate_minor[BLOCK]
    uint16_t factor_row[BLOCK]
    uint16_t others[BLOCK + 1]


cdef inline void find_rows(
    const Tables *t, const Cases *cases, uint8_t *edition, Block *block, Py_ssize_t n
) noexcept nogil:
    """Which rows of the tables the date, the item, the variant, the age and the provider of each case lead to."""
    cdef const uint64_t *day_record = t.day_record
    cdef const uint64_t *item_record = t.item_record
    cdef const uint8_t *age_class = t.age_class
    cdef const uint32_t *coefficient_row = t.coefficient_row
    cdef int period_bits = t.period_bits
    cdef const uint16_t *deciding_day = cases.deciding_day
    cdef const uint16_t *item = cases.item
    cdef const uint16_t *provider = cases.provider
    cdef const uint16_t *variant = cases.variant
    cdef const uint8_t *age = cases.age
    cdef uint64_t record, of_item
    cdef Py_ssize_t k
    for k in range(n):
        record = day_record[deciding_day[k]]
        of_item = item_record[<uint32_t>(record >> 16) + item[k]]
        block.item_row[k] = (
            of_item + (<uint64_t>variant[k] << 32) + age_class[<uint8_t>(record >> 48) * AGES + age[k]]
        )
        block.coefficient_row[k] = coefficient_row[(<Py_ssize_t>provider[k] << period_bits) + <uint16_t>record]
        edition[k] = <uint8_t>(record >> 48)


cdef inline void find_rates(
    const Tables *t, const Cases *cases, uint16_t *rule, Block *block, Py_ssize_t n
) noexcept nogil:
    """The rate and the stay rule of each case."""
    cdef const uint64_t *choice_record = t.choice_record
    cdef const int64_t *rate_minor = t.rate_minor
    cdef const int16_t *factor_row = t.factor_row
    cdef int stay_bits = t.stay_bits
    cdef const uint16_t *admission_day = cases.admission_day
    cdef const uint16_t *discharge_day = cases.discharge_day
    cdef const uint8_t *outcome = cases.outcome
    cdef uint64_t choice
    cdef uint32_t between
    cdef uint16_t f_row
    cdef Py_ssize_t k
    for k in range(n):
        choice = choice_record[block.item_row[k] >> 32]
        block.rate_minor[k] = <uint64_t>rate_minor[<uint32_t>block.item_row[k] + <uint16_t>choice]
        between = days_between(admission_day[k], discharge_day[k], stay_bits)
        f_row = <uint16_t>factor_row[(choice >> 32) + (<uint32_t>outcome[k] << stay_bits) + between]
        block.factor_row[k] = f_row
        rule[k] = <uint16_t>((choice >> 16) + f_row)


cdef inline Py_ssize_t find_amounts(const Tables *t, int64_t *amount_minor, Block *block, Py_ssize_t n) noexcept nogil:
    """The amount of each case by the short cut, and the list of cases for which it was wrong."""
    cdef const uint64_t *coefficients = t.coefficients
    cdef uint16_t full_pay_rows = t.full_pay_rows
    cdef const uint64_t *c
    cdef uint64_t rate
    cdef Py_ssize_t k
    cdef Py_ssize_t other_count = 0
    for k in range(n):
        c = coefficients + C_WIDTH * <Py_ssize_t>block.coefficient_row[k]
        rate = block.rate_minor[k]
        amount_minor[k] = <int64_t>fixed_point(rate, c[C_MULTIPLIER], c[C_BIAS])
        block.others[other_count] = <uint16_t>k
        # As unsigned numbers a rate or factor row below zero, which is a reason, is beyond every limit.
        # The multiplier is rounded down, so the exact product may be higher by less than the rate: where that
        # could reach the next whole number, as at every tie, the whole rule decides.
        other_count += (
            (rate >= c[C_LIMIT])
            | (block.factor_row[k] >= full_pay_rows)
            | (((rate * c[C_MULTIPLIER] + c[C_BIAS]) & FRACTION) + rate > FRACTION)
        )
    return other_count


cdef void price_rows(
    const Tables *t, const Cases *cases, const Priced *out, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil:
    """Price rows start..stop: a block at a time, first the short cut for all, then the whole rule for the rest.

    The short cut is for a full stay, with the coefficient as a fixed-point number.  It takes no branch that a
    case could turn, so that no mixture of cases slows it: it computes something for every row and lists the rows
    for which that was wrong, or could be.  What has no price at all leads to a coefficient whose limit is 0.
    The stages are loops of their own so that their pointers stay in registers.
    """
    cdef Block block
    cdef Cases own
    cdef Py_ssize_t n, k, other, other_count
    cdef Py_ssize_t first = start
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
        find_rows(t, &own, out.edition + first, &block, n)
        find_rates(t, &own, out.rule + first, &block, n)
        other_count = find_amounts(t, out.amount_minor + first, &block, n)
        memset(out.status + first, OK, n)
        for k in range(other_count):
            other = block.others[k]
            price_row(
                t, cases, out, first + other,
                <int64_t>block.rate_minor[other], <int16_t>block.factor_row[other], block.coefficient_row[other],
            )
        if cases.quantity != NULL:
            count_quantities(cases.quantity + first, out.amount_minor + first, out.status + first, out.rule + first, n)
        first += BLOCK


cdef inline void count_quantities(
    const uint32_t *quantity, int64_t *amount_minor, uint8_t *status, uint16_t *rule, Py_ssize_t n
) noexcept nogil:
    """Unit prices times quantities, or AMOUNT_OVERFLOW."""
    cdef u128 product
    cdef Py_ssize_t k
    for k in range(n):
        product = <uint64_t>amount_minor[k]
        product = product * quantity[k]
        if product > MAX_AMOUNT_MINOR:
            product = 0
            status[k] = AMOUNT_OVERFLOW
            rule[k] = 0
        amount_minor[k] = <int64_t>product


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
    cdef Tables t
    cdef Cases cases
    cdef Priced out
    t.day_record = &tables.day_record[0]
    t.item_record = &tables.item_record[0]
    t.choice_record = &tables.choice_record[0]
    t.rate_minor = &tables.rate_minor[0]
    t.planned_days = &tables.planned_days[0]
    t.age_class = &tables.age_class[0, 0]
    t.rounding_mode = &tables.rounding_mode[0]
    t.day_count_extra = &tables.day_count_extra[0]
    t.factor_row = &tables.factor_row[0]
    t.factors = &tables.factors[0, 0]
    t.coefficient_row = &tables.coefficient_row[0, 0]
    t.coefficients = &tables.coefficients[0, 0]
    t.wide_coefficients = &tables.wide_coefficients[0, 0]
    t.full_pay_rows = tables.full_pay_rows
    t.stay_bits = tables.stay_bits
    t.period_bits = tables.period_bits
    cases.deciding_day = &deciding_day[0]
    cases.admission_day = &admission_day[0]
    cases.discharge_day = &discharge_day[0]
    cases.item = &item[0]
    cases.provider = &provider[0]
    cases.variant = &variant[0]
    cases.age = &age[0]
    cases.outcome = &outcome[0]
    cases.quantity = NULL if quantity is None else &quantity[0]
    out.amount_minor = &amount_minor[0]
    out.status = &status[0]
    out.edition = &edition_out[0]
    out.rule = &rule_out[0]
    with nogil:
        price_rows(&t, &cases, &out, start, stop)


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
    # Plain pointers, because a store could change anything that is reached through a view.
    cdef const uint16_t *day = &deciding_day[0]
    cdef const uint16_t *items = &item[0]
    cdef const uint16_t *variants = &variant[0]
    cdef const int64_t *amounts = &amount_minor[0]
    cdef const uint8_t *statuses = &status[0]
    cdef uint8_t *with_parts = &has_parts[0]
    cdef int64_t *parts = &parts_minor[0, 0]
    cdef const uint64_t *day_record = &tables.day_record[0]
    cdef const uint16_t *set_of_item = &tables.component_set[0, 0]
    cdef const uint64_t *sets = &tables.component_sets[0, 0]
    cdef const uint64_t *running = &tables.component_running[0, 0]
    cdef const uint16_t *columns = &tables.component_column[0, 0]
    cdef Py_ssize_t keys = tables.component_set.shape[1]
    cdef Py_ssize_t width = tables.component_running.shape[1]
    cdef Py_ssize_t components = parts_minor.shape[0]
    cdef Py_ssize_t rows = parts_minor.shape[1]
    cdef int signature_bits = tables.signature_bits
    cdef Py_ssize_t i, chosen
    with nogil:
        for i in range(start, stop):
            chosen = set_of_item[
                (<Py_ssize_t><uint32_t>(day_record[day[i]] >> 16) + items[i]) * keys + (variants[i] >> signature_bits)
            ]
            # set 0 is for what has no profile: all its running shares are 0
            chosen = chosen if statuses[i] == OK else 0
            with_parts[i] = chosen != 0
            split_row(
                <uint64_t>amounts[i], sets + chosen * S_WIDTH, running + chosen * width, columns + chosen * width,
                parts + i, rows, components,
            )


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


ctypedef fused code_number:
    int8_t
    int16_t
    int32_t
    int64_t

ctypedef fused looked_up:
    uint8_t
    uint16_t
    int32_t
    int64_t


def look_up(const looked_up[::1] table, const code_number[::1] number, looked_up[::1] out):
    """out[i] = table[number[i]], where number -1 means the last entry of the table."""
    cdef Py_ssize_t i
    cdef Py_ssize_t last = table.shape[0] - 1
    with nogil:
        for i in range(number.shape[0]):
            out[i] = table[number[i] if number[i] >= 0 else last]


def total_by_code(
    const uint16_t[::1] code,
    const int64_t[::1] amount_minor,
    int64_t[::1] count,
    int64_t[::1] low_sum,
    int64_t[::1] high_sum,
):
    """Count rows and sum amounts per code, exactly: the sum is high_sum * 2**32 + low_sum.

    Adds to what the three arrays hold, so that chunks accumulate.
    """
    cdef Py_ssize_t i
    cdef uint16_t group
    cdef int64_t low_half = 4294967295
    with nogil:
        for i in range(code.shape[0]):
            group = code[i]
            count[group] += 1
            low_sum[group] += amount_minor[i] & low_half
            high_sum[group] += amount_minor[i] >> 32
