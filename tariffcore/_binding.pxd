"""Columns of a message brought to the numbers of a plan a block of rows at a time, for the modules that price them."""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from tariffcore._wire_forms cimport wire32, wire64

# Fields of CaseColumns.
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
    ADDON_KIND = 28
    ADDON_AMOUNT = 29
    FIELDS = 30

cdef enum:
    BLOCK = 512     # rows: what binding hands to the kernel stays in the first-level cache; the kernel's own block


cdef struct Words:
    # Code tables: of each place the plan's number, 0x10000 added where the word is none; of a service that is a
    # case with a stay 0x80000.
    const uint32_t *provider
    const uint32_t *drg
    const uint32_t *service
    const uint32_t *setting             # the key, with 0x20000 added where some edition limits the hours
    const uint32_t *outcome
    const uint32_t *factor              # 0: not known to the plan
    const uint32_t *addon_kind          # 0: not known to the plan
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
    const uint16_t *key_of_addon
    const int16_t *addon_component
    const uint16_t *first_provider      # NULL: all items have one set of coefficients
    const int32_t *limit_hours
    const uint16_t *over_key
    const uint16_t *unsure_key
    const uint16_t *day_of_level
    Py_ssize_t factors, addon_kinds, settings
    uint32_t day_codes
    uint16_t outside_day
    int32_t base_day
    bint is_open_ended, by_admission
    int32_t same_extra
    uint16_t unknown_item
    uint8_t default_outcome


cdef struct Bound:
    # A block of cases as the kernel reads them.
    uint16_t admission_day[BLOCK]
    uint16_t discharge_day[BLOCK]
    uint16_t item[BLOCK]
    uint16_t provider[BLOCK]
    uint16_t variant[BLOCK]
    uint8_t age[BLOCK]
    uint8_t outcome[BLOCK]
    uint32_t quantity[BLOCK]            # written only where the message has them
    # the rows that their own fields decide, and the editions they name
    uint16_t marked[BLOCK]
    uint8_t marked_edition[BLOCK]
    Py_ssize_t marked_count
    # the rows that bring an amount with them
    uint16_t with_addon[BLOCK]
    uint16_t addon_kind[BLOCK]
    int64_t addon_minor[BLOCK]
    Py_ssize_t addon_count
    # what stopped the binding: a field, and a row of the message or a place among its procedures
    int wrong_field
    Py_ssize_t wrong_row


cdef inline uint32_t load32(const uint8_t *octets, Py_ssize_t i) noexcept nogil:
    """Element i of a column, which may begin anywhere."""
    cdef uint32_t word
    memcpy(&word, octets + 4 * i, 4)
    return wire32(word)


cdef inline int64_t load64(const uint8_t *octets, Py_ssize_t i) noexcept nogil:
    """The same of a column of eight bytes an element."""
    cdef uint64_t word
    memcpy(&word, octets + 8 * i, 8)
    return <int64_t>wire64(word)


cdef const Plan *plan_of(object plan_numbers) except NULL
cdef bint bind_block(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, bint settle_all
) noexcept nogil
