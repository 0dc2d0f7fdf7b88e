"""The kernel's loops, for the other compiled modules: what they read, what they write, and where they begin.

What each table holds is said at `PriceTables` and in `tariffcore/tables.py`.
"""

from libc.stdint cimport int16_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

# tariffcore.tables.DAYS
cdef enum:
    DAY_CODES = 1 << 16

cdef struct Days:
    uint32_t first_item[DAY_CODES]
    uint32_t first_coefficient[DAY_CODES]
    uint8_t edition[DAY_CODES]
    uint8_t status[DAY_CODES]


cdef struct Tables:
    # The tables of a plan as plain pointers, because a store could change anything that is reached through a view.
    const Days *days
    const uint32_t *item_place
    const uint32_t *variant_place
    const uint32_t *age_place
    const uint8_t *prices
    const int64_t *wide_rate
    const uint16_t *planned_days
    const uint8_t *rounding_mode
    const uint8_t *day_count_extra
    const int16_t *factor_row
    const int64_t *factors
    const uint32_t *coefficient_place
    const uint8_t *coefficients
    const uint64_t *wide_coefficients
    int stay_bits, block_bits
    const uint16_t *component_set
    Py_ssize_t epoch_items
    int signature_bits
    const uint64_t *component_sets
    const uint64_t *component_running
    const uint16_t *component_column
    const uint64_t *component_multiplier
    Py_ssize_t component_width


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


cdef const Tables *tables_of(object price_tables) except NULL
cdef void price_rows(
    const Tables *t, const Cases *cases, const Priced *out, Py_ssize_t start, Py_ssize_t stop
) noexcept nogil
cdef void split_rows(
    const Tables *t, const Cases *cases, const Priced *priced, uint8_t *has_parts, uint8_t *parts, Py_ssize_t stride,
    Py_ssize_t components, int64_t *room, bint beyond_caches, Py_ssize_t start, Py_ssize_t stop,
) noexcept nogil
cdef Py_ssize_t split_room(Py_ssize_t components) noexcept nogil
