# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The loop that finds the cost group of a case: no checks, no allocation, no Python.

`tariffcore.grouping_tables` lays out the tables and proves what is trusted here.  A rule is reached by the class
of a code that it lists (`tariffcore.schedule.rule_index`); what it asks for beside that code stands in its record.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint64_t

# The numbers of tariffcore.statuses.CaseStatus that the loop decides.
cdef enum:
    OK = 1
    MISSING_FIELD = 10
    UNGROUPABLE = 20
    UNKNOWN_DIAGNOSIS = 21
    AMBIGUOUS = 22

cdef enum:  # the verdict of a rule on a case; UNDECIDED: all holds but what a missing field would have to say
    FAILS = 0
    HOLDS = 1
    UNDECIDED = 2

cdef enum:  # what a rule asks of fields that may be missing
    ASKS_YEARS = 1
    ASKS_DAYS = 2
    ASKS_SEX = 4
    ASKS_BIRTH_WEIGHT = 8

cdef enum:
    NO_YEARS = 255
    NO_DAYS = 65535
    NO_RANK = 2147483647
    UNKNOWN_CODE = -1  # a principal diagnosis that is no code of the classification

cdef uint64_t EVERY = 0xFFFFFFFFFFFFFFFFULL

# As tariffcore.grouping_tables.RULE_RECORD lays it out.
cdef packed struct Rule:
    uint64_t outcomes
    uint64_t care_settings
    uint64_t qualifiers
    int32_t group
    int32_t principal_set
    int32_t secondary_set
    int32_t excluded_set
    uint16_t birth_weight_low
    uint16_t birth_weight_high
    uint16_t stay_low
    uint16_t stay_high
    uint16_t days_low
    uint16_t days_high
    uint8_t years_low
    uint8_t years_high
    uint8_t sex
    uint8_t asks

cdef struct Tables:
    const Rule *rules
    const int32_t *rank
    const int32_t *diagnosis_start
    const int32_t *diagnosis_rules
    const int32_t *procedure_start
    const int32_t *procedure_rules
    const int32_t *other_rules
    int32_t other_count
    const uint64_t *members
    int64_t words_a_set

cdef struct Case:
    int32_t principal
    const int32_t *secondary
    int64_t secondary_count
    const int32_t *procedures
    int64_t procedure_count
    uint64_t outcome
    uint64_t care_setting
    uint64_t qualifiers
    uint16_t birth_weight
    uint16_t stay
    uint16_t days
    uint8_t years
    uint8_t sex

# Of the rules met so far: the best that holds, whether another as good names another group, and of the undecided
# ones the first, and the first that names another group than that one.
cdef struct Found:
    int32_t rank
    int32_t rule
    int32_t group
    bint is_ambiguous
    int32_t undecided_rank
    int32_t undecided_group
    int32_t other_undecided_rank


cdef inline bint is_member(const Tables *tables, int32_t code_set, int32_t code_class) noexcept nogil:
    return (tables.members[code_set * tables.words_a_set + (code_class >> 6)] >> (code_class & 63)) & 1


cdef inline bint any_is_member(
    const Tables *tables, int32_t code_set, const int32_t *code_class, int64_t count
) noexcept nogil:
    cdef int64_t i
    for i in range(count):
        if is_member(tables, code_set, code_class[i]):
            return True
    return False


cdef inline int verdict(const Tables *tables, const Rule *rule, const Case *case) noexcept nogil:
    cdef bint undecided = False
    if rule.asks:
        if rule.asks & ASKS_YEARS:
            if case.years == NO_YEARS:
                undecided = True
            elif case.years < rule.years_low or case.years > rule.years_high:
                return FAILS
        if rule.asks & ASKS_DAYS:
            if case.days == NO_DAYS:
                undecided = True
            elif case.days < rule.days_low or case.days > rule.days_high:
                return FAILS
        if rule.asks & ASKS_SEX:
            if case.sex == 0:
                undecided = True
            elif case.sex != rule.sex:
                return FAILS
        if rule.asks & ASKS_BIRTH_WEIGHT:
            if case.birth_weight == 0:
                undecided = True
            elif case.birth_weight < rule.birth_weight_low or case.birth_weight > rule.birth_weight_high:
                return FAILS
    if case.stay < rule.stay_low or case.stay > rule.stay_high:
        return FAILS
    if rule.outcomes != EVERY and not rule.outcomes & case.outcome:
        return FAILS
    if rule.care_settings != EVERY and not rule.care_settings & case.care_setting:
        return FAILS
    if rule.qualifiers & ~case.qualifiers:
        return FAILS
    if rule.principal_set >= 0 and not is_member(tables, rule.principal_set, case.principal):
        return FAILS
    if rule.secondary_set >= 0 and not any_is_member(
        tables, rule.secondary_set, case.secondary, case.secondary_count
    ):
        return FAILS
    if rule.excluded_set >= 0 and any_is_member(
        tables, rule.excluded_set, case.secondary, case.secondary_count
    ):
        return FAILS
    return UNDECIDED if undecided else HOLDS


cdef inline void look_through(
    const Tables *tables, const int32_t *rules, int32_t count, const Case *case, Found *found
) noexcept nogil:
    """Take note of the rules of a list, which is in the order of their ranks."""
    cdef int32_t i, number, rank
    cdef const Rule *rule
    cdef int what
    for i in range(count):
        number = rules[i]
        rank = tables.rank[number]
        if rank > found.rank:
            return
        rule = &tables.rules[number]
        what = verdict(tables, rule, case)
        if what == HOLDS:
            if rank < found.rank:
                found.rank = rank
                found.rule = number
                found.group = rule.group
                found.is_ambiguous = False
            elif rule.group != found.group:
                found.is_ambiguous = True
            elif number < found.rule:
                found.rule = number
        elif what == UNDECIDED:
            if rank < found.undecided_rank:
                if found.undecided_rank != NO_RANK and rule.group != found.undecided_group:
                    found.other_undecided_rank = min(found.other_undecided_rank, found.undecided_rank)
                found.undecided_rank = rank
                found.undecided_group = rule.group
            elif rule.group != found.undecided_group:
                found.other_undecided_rank = min(found.other_undecided_rank, rank)


cdef inline void look(const Tables *tables, const Case *case, Found *found) noexcept nogil:
    """Go through all rules that the codes of a case lead to."""
    cdef int64_t i
    cdef int32_t start
    found.rank = found.undecided_rank = found.other_undecided_rank = NO_RANK
    found.rule = found.group = found.undecided_group = -1
    found.is_ambiguous = False
    start = tables.diagnosis_start[case.principal]
    look_through(
        tables, tables.diagnosis_rules + start, tables.diagnosis_start[case.principal + 1] - start, case, found
    )
    for i in range(case.procedure_count):
        start = tables.procedure_start[case.procedures[i]]
        look_through(
            tables,
            tables.procedure_rules + start,
            tables.procedure_start[case.procedures[i] + 1] - start,
            case,
            found,
        )
    look_through(tables, tables.other_rules, tables.other_count, case, found)


cdef inline uint8_t status_of(const Found *found, bint is_named) noexcept nogil:
    if found.rank == NO_RANK:
        if found.undecided_rank != NO_RANK:
            return MISSING_FIELD
        return UNGROUPABLE if is_named else UNKNOWN_DIAGNOSIS
    if found.is_ambiguous:
        return MISSING_FIELD if found.undecided_rank < found.rank else AMBIGUOUS
    if found.undecided_group != found.group and found.undecided_rank <= found.rank:
        return MISSING_FIELD
    # the first that names another group than the first one: where that one names the group found, this one does not
    if found.undecided_group == found.group and found.other_undecided_rank <= found.rank:
        return MISSING_FIELD
    return OK


def group(
    const uint8_t[::1] rules,
    const int32_t[:, ::1] rank,
    const int32_t[::1] diagnosis_start,
    const int32_t[:, ::1] diagnosis_rules,
    const int32_t[::1] procedure_start,
    const int32_t[:, ::1] procedure_rules,
    const int32_t[:, ::1] other_rules,
    const uint64_t[:, ::1] members,
    const uint8_t[::1] is_named,
    int child_age_limit,
    bint age_matters,
    const uint64_t[::1] outcome_bits,
    const uint64_t[::1] setting_bits,
    const int32_t[::1] principal,
    const int64_t[::1] secondary_start,
    const int32_t[::1] secondary,
    const int64_t[::1] procedures_start,
    const int32_t[::1] procedures,
    const uint8_t[::1] years,
    const uint16_t[::1] days,
    const uint8_t[::1] sex,
    const uint16_t[::1] birth_weight,
    const uint8_t[::1] outcome,
    const uint8_t[::1] care_setting,
    const uint16_t[::1] stay,
    const uint64_t[::1] qualifiers,
    const int64_t[::1] rows,
    int32_t[::1] out_rule,
    uint8_t[::1] out_status,
    Py_ssize_t start,
    Py_ssize_t stop,
):
    """The rule (-1: none) and the status of each of the rows from ``start`` to ``stop``, written at the row.

    ``rows`` None: the rows are the numbers themselves.  Tables by age class have the adults first.
    """
    cdef Tables by_age[2]
    cdef Case case
    cdef Found found, as_child
    cdef Py_ssize_t i, row
    cdef int age
    cdef uint8_t status, child_status
    for age in range(2):
        by_age[age].rules = <const Rule *>&rules[0]
        by_age[age].rank = &rank[age, 0]
        by_age[age].diagnosis_start = &diagnosis_start[0]
        by_age[age].diagnosis_rules = &diagnosis_rules[age, 0]
        by_age[age].procedure_start = &procedure_start[0]
        by_age[age].procedure_rules = &procedure_rules[age, 0]
        by_age[age].other_rules = &other_rules[age, 0]
        by_age[age].other_count = <int32_t>other_rules.shape[1] - 1
        by_age[age].members = &members[0, 0]
        by_age[age].words_a_set = members.shape[1]
    with nogil:
        for i in range(start, stop):
            row = i if rows is None else rows[i]
            case.principal = principal[row]
            if case.principal == UNKNOWN_CODE:
                out_rule[row] = -1
                out_status[row] = UNKNOWN_DIAGNOSIS
                continue
            case.secondary = &secondary[0] + secondary_start[row]
            case.secondary_count = secondary_start[row + 1] - secondary_start[row]
            case.procedures = &procedures[0] + procedures_start[row]
            case.procedure_count = procedures_start[row + 1] - procedures_start[row]
            case.outcome = outcome_bits[outcome[row]]
            case.care_setting = setting_bits[care_setting[row]]
            case.qualifiers = 0 if qualifiers is None else qualifiers[row]
            case.birth_weight = birth_weight[row]
            case.stay = stay[row]
            case.days = days[row]
            case.years = years[row]
            case.sex = sex[row]
            age = 1 if case.years < child_age_limit else 0
            look(&by_age[age], &case, &found)
            status = status_of(&found, is_named[case.principal])
            if age_matters and case.years == NO_YEARS:
                # weights go by the age class: unless both lead to one group, the age decides
                look(&by_age[1], &case, &as_child)
                child_status = status_of(&as_child, is_named[case.principal])
                if status != child_status or (status == OK and found.group != as_child.group):
                    status = MISSING_FIELD
            out_rule[row] = found.rule if status == OK else -1
            out_status[row] = status
