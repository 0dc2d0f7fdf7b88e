# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""Columns of cases as they come over the wire, brought to the numbers of a plan.

A block of rows at a time: first loops over whole columns, right for every plain row, which also notice the rows
that need another look; then `settle` does those by the whole rule, one after the other.  `tariffcore.binding`
lays out the tables and proves lengths; places in code tables are checked here, before they are used.
"""

from libc.stdint cimport int16_t, int32_t, int64_t, uint8_t, uint16_t, uint32_t
from libc.string cimport memset

from tariffcore._binding_loops cimport (
    FACTOR_GIVEN, HOURS, LOOK, NO_DAYS, NOT_GIVENS, ONES, ZEROS, add_first, all_places, entries_of, fill_defaults,
    look_at_amounts, narrow, never_fall, plain_numbers, rows_of, rows_to_look_at,
)

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


fill_defaults()


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
    """Remember what ends the binding; of several the one in the first row."""
    if out.wrong_field == 0 or row < out.wrong_row:
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
            while row + 8 <= n and load32(ends, row + 7) <= listed[k]:
                row += 8
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


cdef inline const uint8_t *column(const Columns *c, int field, Py_ssize_t first, const uint8_t *absent) noexcept nogil:
    """A column of four bytes a row from a row on, or what stands for one that is left out."""
    return c.of[field] + 4 * first if c.of[field] != NULL else absent


cdef inline bint find_entries(
    const Columns *c, Bound *out, int field, const uint32_t *table, uint32_t absent, uint32_t *entries, Py_ssize_t first,
    Py_ssize_t n,
) noexcept nogil:
    """The entries of a column of codes; False where one is beyond its table's room."""
    cdef Py_ssize_t k
    if c.of[field] == NULL:
        for k in range(n):
            entries[k] = absent
        return True
    return not is_beyond(
        c, out, field, entries_of(table, c.room[field], c.of[field] + 4 * first, entries, n), first, n
    )


cdef bint bind_block(
    const Plan *plan, const Columns *c, const Words *w, Bound *out, Py_ssize_t first, Py_ssize_t n, bint settle_all
) noexcept nogil:
    """Rows first..first + n, at most BLOCK; False where something is beyond its table.

    A row needs another look where any bit of ``looks`` is set, and may be given one without need.
    """
    cdef uint32_t groups[BLOCK]
    cdef uint32_t services[BLOCK]
    cdef uint32_t settings[BLOCK]
    cdef uint32_t outcomes[BLOCK]
    cdef uint8_t signatures[BLOCK]
    cdef uint16_t seen[BLOCK]
    cdef uint8_t looks[BLOCK]
    cdef uint16_t others[BLOCK]
    cdef uint16_t with_hours[BLOCK + 1]
    cdef uint16_t with_factor[BLOCK + 1]
    cdef uint16_t odd[BLOCK + 1]
    cdef uint32_t factors, addons
    cdef uint32_t entries = 0
    cdef Py_ssize_t k, at, count
    cdef Py_ssize_t hours_count = 0
    cdef Py_ssize_t factor_count = 0
    cdef Py_ssize_t odd_count = 0
    out.marked_count = 0
    out.addon_count = 0
    out.wrong_field = 0
    memset(signatures, 0, n)
    if c.of[PROCEDURE_END] != NULL and not read_procedures(c, w, out, first, n, signatures):
        return False
    if c.of[PROVIDER] == NULL:
        for k in range(n):
            out.provider[k] = <uint16_t>w.provider[0]
    else:
        factors = plain_numbers(w.provider, c.room[PROVIDER], c.of[PROVIDER] + 4 * first, out.provider, &entries, n)
        if is_beyond(c, out, PROVIDER, factors, first, n):
            return False
        if entries & BEYOND:
            for k in range(first, first + n):
                if w.provider[load32(c.of[PROVIDER], k)] & BEYOND:
                    stop_at(out, PROVIDER, k)
                    break
            return False
    if not (
        find_entries(c, out, DRG, w.drg, w.drg[0], groups, first, n)
        and find_entries(c, out, SERVICE, w.service, w.service[0], services, first, n)
        and find_entries(c, out, CARE_SETTING, w.setting, w.setting[0], settings, first, n)
        and find_entries(c, out, OUTCOME, w.outcome, plan.default_outcome, outcomes, first, n)
    ):
        return False
    factors = rows_of(
        groups, services, settings, outcomes, column(c, ADMISSION_DAY, first, NO_DAYS),
        column(c, DISCHARGE_DAY, first, NO_DAYS), column(c, ADMISSION_SECOND, first, ZEROS),
        column(c, DISCHARGE_SECOND, first, ZEROS), column(c, LENGTH_OF_STAY_DAYS, first, NOT_GIVENS),
        column(c, QUANTITY, first, ONES), column(c, FACTOR, first, ZEROS), column(c, ADDON_KIND, first, ZEROS),
        <uint32_t>plan.base_day, <uint32_t>plan.same_extra, 0 if plan.same_extra >= 0 else NOT_GIVEN,
        0 if plan.by_admission else NOT_GIVEN, out.item, out.variant, out.admission_day, out.discharge_day,
        out.quantity, seen, &addons, n,
    )
    if is_beyond(c, out, FACTOR, factors, first, n) or is_beyond(c, out, ADDON_KIND, addons, first, n):
        return False
    narrow(
        outcomes, signatures, column(c, AGE_YEARS, first, NOT_GIVENS),
        ZEROS if c.of[DEATH_UNAVOIDABLE] == NULL else c.of[DEATH_UNAVOIDABLE] + first,
        ZEROS if c.of[ROW_PROBLEM] == NULL else c.of[ROW_PROBLEM] + first, seen, out.variant, out.outcome, out.age,
        looks, n,
    )
    if c.of[ADDON_AMOUNT] != NULL:
        look_at_amounts(c.of[ADDON_AMOUNT] + 8 * first, looks, n)
    if settle_all:
        memset(looks, LOOK, n)

    count = rows_to_look_at(looks, others, n)
    for k in range(count):      # without a branch that a row could turn
        at = others[k]
        with_hours[hours_count] = with_factor[factor_count] = odd[odd_count] = <uint16_t>at
        hours_count += looks[at] == HOURS
        factor_count += looks[at] == FACTOR_GIVEN
        odd_count += looks[at] != HOURS and looks[at] != FACTOR_GIVEN
    for k in range(hours_count):
        at = with_hours[k]
        settle_setting(plan, c, w, out, first + at, at, signatures[at], (groups[at] & NO_WORD) != 0)
    for k in range(factor_count):
        at = with_factor[k]
        settle_factor(plan, c, w, out, first + at, at, signatures[at])
    for k in range(odd_count):
        at = odd[k]
        settle(plan, c, w, out, first + at, at, signatures[at])
    if plan.first_provider != NULL:
        add_first(plan.first_provider, out.item, out.provider, n)
    return out.wrong_field == 0
