# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The loops of the case-share model: no checks, no allocation, no Python.

`tariffcore.plan` lays out the tables and `tariffcore.pricing` proves dtypes, lengths and index ranges;
here every index is trusted.  What the numbers in the tables mean is said in `tariffcore/plan.py`.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

cdef extern from *:
    """
    #if !defined(__SIZEOF_INT128__)
    #error "tariffcore needs a C compiler with 128-bit integers (gcc or clang)"
    #endif
    typedef unsigned __int128 tariffcore_u128;
    #define TARIFFCORE_MUL_HIGH(a, b) ((unsigned long long)(((tariffcore_u128)(a) * (b)) >> 64))
    #define TARIFFCORE_U128(high, low) (((tariffcore_u128)(high) << 64) | (low))
    #define TARIFFCORE_MUL_OVERFLOWS(a, b, product) __builtin_mul_overflow(a, b, product)
    """
    ctypedef unsigned long long u128 "tariffcore_u128"
    uint64_t mul_high "TARIFFCORE_MUL_HIGH"(uint64_t a, uint64_t b) noexcept nogil
    u128 u128_of "TARIFFCORE_U128"(uint64_t high, uint64_t low) noexcept nogil
    bint mul_overflows "TARIFFCORE_MUL_OVERFLOWS"(u128 a, u128 b, u128 *product) noexcept nogil

# The numbers of tariffcore.statuses.CaseStatus that the loop itself decides.
cdef enum:
    OK = 1
    MISSING_PLANNED_DAYS = 13
    AMOUNT_OVERFLOW = 14

# 18 digits: tariffcore.money.MAX_AMOUNT_MINOR
cdef uint64_t MAX_AMOUNT_MINOR = 999999999999999999ULL

# tariffcore.plan.ROUNDING_CODES
cdef enum:
    HALF_UP = 0
    HALF_EVEN = 1
    DOWN = 2
    UP = 3

# tariffcore.plan.FACTOR_COLUMNS: one row per stay rule or service factor
cdef enum:
    FACTOR_KIND = 0
    FACTOR_NUMERATOR = 1
    FACTOR_DENOMINATOR = 2
    FACTOR_WIDTH = 3
    FACTOR_IS_ONE = 0
    FACTOR_IS_SHARE = 1
    FACTOR_PER_PLANNED_DAY = 2

# tariffcore.plan.COEFFICIENT_COLUMNS: one row per distinct coefficient, a cache line each
cdef enum:
    C_NUMERATOR = 0
    C_BIAS = 1
    C_MAGIC = 2
    C_SHIFT = 3
    C_MAX_RATE = 4
    C_STEP = 5
    C_DENOMINATOR = 6
    C_WIDE_ROW = 7
    C_WIDTH = 8

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
    cdef u128 quotient, remainder, product, whole, rest
    cdef int bit
    cdef bint up
    if not mul_overflows(multiplier, numerator, &product):
        quotient = product / denominator
        remainder = product - quotient * denominator
    else:
        # Multiply and divide together, bit by bit from the top, so that nothing outgrows 128 bits.
        whole = numerator / denominator
        rest = numerator - whole * denominator
        quotient = 0
        remainder = 0
        for bit in range(127, -1, -1):
            quotient = quotient << 1
            remainder = remainder << 1
            if remainder >= denominator:
                remainder = remainder - denominator
                quotient = quotient + 1
            if (multiplier >> bit) & 1:
                quotient = quotient + whole
                remainder = remainder + rest
                if remainder >= denominator:
                    remainder = remainder - denominator
                    quotient = quotient + 1
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
    """The tables of one plan, held for the loops.  Built once, shared by all threads."""

    cdef const int16_t[::1] period_of_day
    cdef const uint16_t[::1] epoch_of_period
    cdef const uint8_t[::1] edition_of_epoch
    cdef const int32_t[::1] day_count_extra        # per epoch
    cdef const uint8_t[::1] rounding_mode          # per epoch
    cdef const uint8_t[:, ::1] age_class           # epoch, age
    cdef const uint16_t[:, :, :, ::1] rate_column  # epoch, setting key, procedure signature, stay class
    cdef const int64_t[:, :, :, ::1] rate_minor    # epoch, item, rate column, age class
    cdef const uint8_t[:, ::1] stay_class          # epoch, item
    cdef const uint16_t[:, ::1] planned_days       # epoch, item
    cdef const int16_t[:, :, :, :, ::1] factor_row # epoch, setting key, outcome, stay class, days (capped)
    cdef const int64_t[:, ::1] factors
    cdef const int32_t[:, ::1] coefficient_row     # provider, period
    cdef const uint64_t[:, ::1] coefficients
    cdef const uint64_t[:, ::1] wide_coefficients  # numerator high, low, denominator high, low
    cdef const uint16_t[:, :, ::1] component_set   # epoch, item, setting key
    cdef const uint64_t[:, ::1] component_sets
    cdef const uint64_t[:, ::1] component_running  # component set, part: running share x denominator
    cdef const uint16_t[:, ::1] component_column   # component set, part: which output column

    def __init__(self, *, period_of_day, epoch_of_period, edition_of_epoch, day_count_extra, rounding_mode,
                 age_class, rate_column, rate_minor, stay_class, planned_days, factor_row, factors, coefficient_row, coefficients,
                 wide_coefficients, component_set, component_sets, component_running, component_column):
        self.period_of_day = period_of_day
        self.epoch_of_period = epoch_of_period
        self.edition_of_epoch = edition_of_epoch
        self.day_count_extra = day_count_extra
        self.rounding_mode = rounding_mode
        self.age_class = age_class
        self.rate_column = rate_column
        self.rate_minor = rate_minor
        self.stay_class = stay_class
        self.planned_days = planned_days
        self.factor_row = factor_row
        self.factors = factors
        self.coefficient_row = coefficient_row
        self.coefficients = coefficients
        self.wide_coefficients = wide_coefficients
        self.component_set = component_set
        self.component_sets = component_sets
        self.component_running = component_running
        self.component_column = component_column


def price(
    PriceTables tables,
    const uint16_t[::1] deciding_day,
    const uint16_t[::1] admission_day,
    const uint16_t[::1] discharge_day,
    const uint16_t[::1] item,
    const uint16_t[::1] provider,
    const uint8_t[::1] setting_key,
    const uint8_t[::1] signature,
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
    """Price rows start..stop.  Of each row writes the amount (0 unless OK), the status, the number of the
    edition plus one (0 where none covers the day) and the number of the rule (0 unless OK)."""
    cdef Py_ssize_t i
    cdef bint counted = quantity is not None
    cdef const int16_t *period_of_day = &tables.period_of_day[0]
    cdef const uint16_t *epoch_of_period = &tables.epoch_of_period[0]
    cdef const uint8_t *edition_of_epoch = &tables.edition_of_epoch[0]
    cdef const int32_t *day_count_extra = &tables.day_count_extra[0]
    cdef const uint8_t *rounding_mode = &tables.rounding_mode[0]
    cdef const uint8_t *age_class = &tables.age_class[0, 0]
    cdef const uint16_t *rate_column = &tables.rate_column[0, 0, 0, 0]
    cdef const int64_t *rate_minor = &tables.rate_minor[0, 0, 0, 0]
    cdef const uint8_t *stay_class = &tables.stay_class[0, 0]
    cdef const uint16_t *planned_days = &tables.planned_days[0, 0]
    cdef const int16_t *factor_row = &tables.factor_row[0, 0, 0, 0, 0]
    cdef const int64_t *factors = &tables.factors[0, 0]
    cdef const int32_t *coefficient_row = &tables.coefficient_row[0, 0]
    cdef const uint64_t *coefficients = &tables.coefficients[0, 0]
    cdef const uint64_t *wide_coefficients = &tables.wide_coefficients[0, 0]
    cdef Py_ssize_t items = tables.rate_minor.shape[1]
    cdef Py_ssize_t columns = tables.rate_minor.shape[2]
    cdef Py_ssize_t ages = tables.age_class.shape[1]
    cdef Py_ssize_t keys = tables.rate_column.shape[1]
    cdef Py_ssize_t signatures = tables.rate_column.shape[2]
    cdef Py_ssize_t outcomes = tables.factor_row.shape[2]
    cdef Py_ssize_t stay_classes = tables.factor_row.shape[3]
    cdef int32_t last_day = <int32_t>tables.factor_row.shape[4] - 1
    cdef Py_ssize_t periods = tables.coefficient_row.shape[1]
    cdef Py_ssize_t factor_count = tables.factors.shape[0]
    cdef int32_t period, days, capped, c_row, planned
    cdef int16_t f_row
    cdef Py_ssize_t epoch, epoch_item, column, key, kind
    cdef int64_t rate
    cdef uint64_t unit_price, scaled, paid
    cdef const uint64_t *c
    cdef const uint64_t *w
    cdef u128 multiplier, product
    cdef u128 denominator
    cdef int mode
    with nogil:
        for i in range(start, stop):
            amount_minor[i] = 0
            rule_out[i] = 0
            period = period_of_day[deciding_day[i]]
            if period < 0:
                status[i] = <uint8_t>-period
                edition_out[i] = 0
                continue
            epoch = epoch_of_period[period]
            edition_out[i] = edition_of_epoch[epoch] + 1
            epoch_item = epoch * items + item[i]
            kind = stay_class[epoch_item]
            key = epoch * keys + setting_key[i]
            column = rate_column[(key * signatures + signature[i]) * stay_classes + kind]
            rate = rate_minor[(epoch_item * columns + column) * 3 + age_class[epoch * ages + age[i]]]
            if rate < 0:
                status[i] = <uint8_t>-rate
                continue
            days = <int32_t>discharge_day[i] - <int32_t>admission_day[i] + day_count_extra[epoch]
            if days < 1:
                days = 1
            capped = days if days < last_day else last_day
            f_row = factor_row[((key * outcomes + outcome[i]) * stay_classes + kind) * (last_day + 1) + capped]
            if f_row < 0:
                status[i] = <uint8_t>-f_row
                continue
            c_row = coefficient_row[provider[i] * periods + period]
            if c_row < 0:
                status[i] = <uint8_t>-c_row
                continue
            c = coefficients + c_row * C_WIDTH
            mode = rounding_mode[epoch]
            if factors[f_row * FACTOR_WIDTH + FACTOR_KIND] == FACTOR_IS_ONE and <uint64_t>rate <= c[C_MAX_RATE]:
                # 64 bits are enough: divide by multiplying with the reciprocal, which plan.py proves exact
                scaled = <uint64_t>rate * c[C_NUMERATOR] + c[C_BIAS]
                unit_price = mul_high(scaled, c[C_MAGIC]) >> c[C_SHIFT]
                if mode == HALF_EVEN and (unit_price & 1) and unit_price * c[C_DENOMINATOR] == scaled:
                    unit_price = unit_price - 1
            else:
                multiplier = <uint64_t>rate
                w = wide_coefficients + c[C_WIDE_ROW] * 4
                denominator = u128_of(w[2], w[3])
                if factors[f_row * FACTOR_WIDTH + FACTOR_KIND] == FACTOR_PER_PLANNED_DAY:
                    planned = planned_days[epoch_item]
                    if planned == 0:
                        status[i] = MISSING_PLANNED_DAYS
                        continue
                    multiplier = multiplier * <uint64_t>(days if days < planned else planned)
                    denominator = denominator * <uint64_t>planned
                else:
                    multiplier = multiplier * <uint64_t>factors[f_row * FACTOR_WIDTH + FACTOR_NUMERATOR]
                    denominator = denominator * <uint64_t>factors[f_row * FACTOR_WIDTH + FACTOR_DENOMINATOR]
                unit_price = rounded_quotient(multiplier, u128_of(w[0], w[1]), denominator, mode)
            product = unit_price
            product = product * c[C_STEP]
            if counted:
                product = product * quantity[i]
            if product > MAX_AMOUNT_MINOR:
                status[i] = AMOUNT_OVERFLOW
                continue
            amount_minor[i] = <int64_t>product
            status[i] = OK
            rule_out[i] = <uint16_t>(column * factor_count + f_row)


def split(
    PriceTables tables,
    const uint16_t[::1] deciding_day,
    const uint16_t[::1] item,
    const uint8_t[::1] setting_key,
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
    cdef Py_ssize_t i, k, epoch, chosen
    cdef int32_t period
    cdef Py_ssize_t components = parts_minor.shape[0]
    cdef Py_ssize_t items = tables.component_set.shape[1]
    cdef Py_ssize_t keys = tables.component_set.shape[2]
    cdef Py_ssize_t rows = parts_minor.shape[1]
    cdef const uint64_t *set_row
    cdef const uint64_t *running_share
    cdef const uint16_t *target
    cdef int64_t *parts = &parts_minor[0, 0]
    cdef uint64_t amount, reached, before, half
    cdef u128 product
    with nogil:
        for i in range(start, stop):
            chosen = 0
            if status[i] == OK:
                period = tables.period_of_day[deciding_day[i]]
                epoch = tables.epoch_of_period[period]
                chosen = tables.component_set[epoch, item[i], setting_key[i]]
            has_parts[i] = chosen != 0
            if chosen == 0:
                for k in range(components):
                    parts[k * rows + i] = 0
                continue
            set_row = &tables.component_sets[chosen, 0]
            running_share = &tables.component_running[chosen, 0]
            target = &tables.component_column[chosen, 0]
            amount = <uint64_t>amount_minor[i]
            half = set_row[S_DENOMINATOR] >> 1   # denominators are even
            before = 0
            if amount <= set_row[S_MAX_AMOUNT]:
                for k in range(components):
                    reached = mul_high(amount * running_share[k] + half, set_row[S_MAGIC]) >> set_row[S_SHIFT]
                    parts[target[k] * rows + i] = <int64_t>(reached - before)
                    before = reached
            else:
                for k in range(components):
                    product = amount
                    product = product * running_share[k] + half
                    reached = <uint64_t>(product / set_row[S_DENOMINATOR])
                    parts[target[k] * rows + i] = <int64_t>(reached - before)
                    before = reached


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
