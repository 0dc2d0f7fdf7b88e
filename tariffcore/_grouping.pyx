# cython: boundscheck=False, wraparound=False, cdivision=True, initializedcheck=False, freethreading_compatible=True
"""The loop that finds the cost group of a case: no checks, no allocation, no Python.

`tariffcore.grouping_tables` lays out the tables and proves what is trusted here.  Rules stand in the order in which
they win, so that a rule is a place, and the smallest place that holds has won.  A case goes through the rules that
its codes lead to, whichever stands first: few are looked at before one holds.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

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

cdef enum:  # what a rule asks of fields that may be missing, and a case is missing
    YEARS = 1
    DAYS = 2
    SEX = 4
    BIRTH_WEIGHT = 8
    IS_CONTESTED = 16  # a rule of the same rank names another group

cdef enum:
    NO_YEARS = 255
    NO_DAYS = 65535
    NO_RULE = 2147483647  # a place, and a rank, behind all
    UNKNOWN_CODE = -1  # the first rule of a principal diagnosis that is no code of the classification
    LISTS_AT_ONCE = 8  # a power of two
    LIST_BITS = 3
    FIRST_PROCEDURE = 2  # before it: the lists of the principal diagnosis and of all cases
    MOST_WORDS = 1024
    FIELDS = 7

# As tariffcore.grouping_tables.RULE_RECORD lays it out: half a line of the cache.
cdef packed struct Rule:
    uint64_t refused
    int32_t principal_set
    int32_t secondary_set
    int32_t excluded_set
    int32_t group
    int32_t number
    uint8_t asks
    uint8_t unused[3]

# The rules of a code: the first, and where the others are, up to NO_RULE.
cdef struct RuleList:
    int32_t first
    int32_t rest

# Of a field, so many values from 0 on: for each value the bits that it sets in a word of the facts.
cdef struct FactColumn:
    int32_t field
    int32_t last
    int32_t start

cdef struct Tables:
    const Rule *rules
    const uint64_t *further
    const int32_t *rank
    const int32_t *rest
    const RuleList *of_principal
    const RuleList *of_procedure
    RuleList of_all
    const uint64_t *members
    int64_t words_a_set
    const uint64_t *filled
    int64_t filled_words_a_set
    int32_t further_words
    const int32_t *secondary_class

cdef struct Case:
    int32_t principal_class
    const uint32_t *secondary
    int64_t secondary_count
    const uint32_t *procedures
    int64_t procedure_count
    uint8_t missing
    uint64_t facts[MOST_WORDS]

# For each of some lists the next rule and, in the last bits, which list it is, so that the least says both; and where
# the rules after it are.
cdef struct Lists:
    int64_t next_of[LISTS_AT_ONCE]
    int32_t rest[LISTS_AT_ONCE]

# Of the rules met so far: the best that holds, whether another as good names another group, and of the undecided
# ones the first, and the first that names another group than that one.  No rule from `bound` on matters any more.
cdef struct Found:
    int32_t bound
    int32_t rank
    int32_t place
    int32_t group
    bint is_ambiguous
    int32_t undecided_rank
    int32_t undecided_group
    int32_t other_undecided_rank


# A set has few words of many that are filled. Which ones is a line of the cache, and answers nearly always.
cdef inline bint is_member(const Tables *tables, int32_t code_set, int32_t code_class) noexcept nogil:
    cdef int32_t word = code_class >> 6
    if not (tables.filled[code_set * tables.filled_words_a_set + (word >> 6)] >> (word & 63)) & 1:
        return False
    return (tables.members[code_set * tables.words_a_set + word] >> (code_class & 63)) & 1


cdef inline bint any_is_member(const Tables *tables, int32_t code_set, const Case *case) noexcept nogil:
    cdef int64_t i
    for i in range(case.secondary_count):
        if is_member(tables, code_set, tables.secondary_class[case.secondary[i]]):
            return True
    return False


cdef inline bint codes_fail(const Tables *tables, const Rule *rule, const Case *case) noexcept nogil:
    if rule.principal_set >= 0 and not is_member(tables, rule.principal_set, case.principal_class):
        return True
    if rule.secondary_set >= 0 and not any_is_member(tables, rule.secondary_set, case):
        return True
    return rule.excluded_set >= 0 and any_is_member(tables, rule.excluded_set, case)


cdef inline int verdict(const Tables *tables, int32_t place, const Case *case) noexcept nogil:
    cdef const Rule *rule = &tables.rules[place]
    cdef int32_t word
    if rule.refused & case.facts[0]:
        return FAILS
    for word in range(tables.further_words):
        if tables.further[<int64_t>place * tables.further_words + word] & case.facts[word + 1]:
            return FAILS
    # -1 where there is no set: the sign is that of all three
    if (rule.principal_set & rule.secondary_set & rule.excluded_set) >= 0 and codes_fail(tables, rule, case):
        return FAILS
    return UNDECIDED if rule.asks & case.missing else HOLDS


cdef inline void note_holding(const Tables *tables, int32_t place, Found *found) noexcept nogil:
    cdef const Rule *rule = &tables.rules[place]
    cdef int32_t rank = tables.rank[place]
    if rank < found.rank:
        found.rank = rank
        found.place = place
        found.group = rule.group
        found.is_ambiguous = False
        found.bound = place
        while rule.asks & IS_CONTESTED and tables.rank[found.bound] == rank:  # ends at NO_RULE, behind the last
            found.bound += 1
    elif rank == found.rank:
        if rule.group != found.group:
            found.is_ambiguous = True
        elif place < found.place:
            found.place = place


cdef inline void note_undecided(const Tables *tables, int32_t place, Found *found) noexcept nogil:
    cdef int32_t rank = tables.rank[place]
    cdef int32_t group = tables.rules[place].group
    if rank < found.undecided_rank:
        if found.undecided_rank != NO_RULE and group != found.undecided_group:
            found.other_undecided_rank = min(found.other_undecided_rank, found.undecided_rank)
        found.undecided_rank = rank
        found.undecided_group = group
    elif group != found.undecided_group:
        found.other_undecided_rank = min(found.other_undecided_rank, rank)


cdef inline int64_t least(int64_t one, int64_t other) noexcept nogil:
    """Without a branch: which of two codes has the better rule cannot be foreseen."""
    return other ^ ((one ^ other) & -<int64_t>(one < other))


cdef inline void enter(Lists *lists, int which, RuleList rules) noexcept nogil:
    lists.next_of[which] = (<int64_t>rules.first << LIST_BITS) | which
    lists.rest[which] = rules.rest


cdef inline int32_t enter_procedures(
    const Tables *tables, Lists *lists, int which, const uint32_t *procedures, int64_t count
) noexcept nogil:
    """Fill the lists from ``which`` on; so many procedures have been entered."""
    cdef int64_t entered = min(count, LISTS_AT_ONCE - which)
    cdef int64_t i
    for i in range(entered):
        enter(lists, which + i, tables.of_procedure[procedures[i]])
    for i in range(which + entered, LISTS_AT_ONCE):
        lists.next_of[i] = <int64_t>NO_RULE << LIST_BITS
    return entered


cdef inline int64_t first_of(const Lists *lists) noexcept nogil:
    """The best rule of all lists, and in the last bits which list has it."""
    cdef const int64_t *own = lists.next_of
    return least(
        least(least(own[0], own[1]), least(own[2], own[3])), least(least(own[4], own[5]), least(own[6], own[7]))
    )


cdef inline void look_through(const Tables *tables, Lists *lists, const Case *case, Found *found) noexcept nogil:
    """Take note of the rules of the lists in the order of their places."""
    cdef int64_t first
    cdef int32_t place, which
    cdef int what
    while True:
        first = first_of(lists)
        place = <int32_t>(first >> LIST_BITS)
        if place >= found.bound:
            return
        what = verdict(tables, place, case)
        if what == HOLDS:
            note_holding(tables, place, found)
        elif what == UNDECIDED:
            note_undecided(tables, place, found)
        which = first & (LISTS_AT_ONCE - 1)
        lists.next_of[which] = (<int64_t>tables.rest[lists.rest[which]] << LIST_BITS) | which
        lists.rest[which] += 1


cdef inline void look(const Tables *tables, RuleList of_principal, const Case *case, Found *found) noexcept nogil:
    """Go through all rules that the codes of a case lead to."""
    cdef Lists lists
    cdef int64_t entered
    found.bound = found.rank = found.undecided_rank = found.other_undecided_rank = NO_RULE
    found.place = found.group = found.undecided_group = -1
    found.is_ambiguous = False
    enter(&lists, 0, of_principal)
    enter(&lists, 1, tables.of_all)
    entered = enter_procedures(tables, &lists, FIRST_PROCEDURE, case.procedures, case.procedure_count)
    look_through(tables, &lists, case, found)
    while entered < case.procedure_count:
        entered += enter_procedures(tables, &lists, 0, case.procedures + entered, case.procedure_count - entered)
        look_through(tables, &lists, case, found)


cdef inline uint8_t status_of(const Found *found, const uint8_t *is_named, int32_t principal_class) noexcept nogil:
    if found.rank == NO_RULE:
        if found.undecided_rank != NO_RULE:
            return MISSING_FIELD
        return UNGROUPABLE if is_named[principal_class] else UNKNOWN_DIAGNOSIS
    if found.is_ambiguous:
        return MISSING_FIELD if found.undecided_rank < found.rank else AMBIGUOUS
    if found.undecided_group != found.group and found.undecided_rank <= found.rank:
        return MISSING_FIELD
    # the first that names another group than the first one: where that one names the group found, this one does not
    if found.undecided_group == found.group and found.other_undecided_rank <= found.rank:
        return MISSING_FIELD
    return OK


def group(
    const uint8_t[:, ::1] rules,
    const uint64_t[:, :, ::1] further,
    const int32_t[:, ::1] rank,
    const int32_t[:, ::1] rest,
    const int32_t[:, ::1] of_all,
    const uint64_t[:, ::1] members,
    const uint64_t[:, ::1] filled,
    const uint8_t[::1] is_named,
    const int32_t[:, ::1] fact_columns,
    const int32_t[::1] first_column,
    const uint64_t[::1] fact_bits,
    uint64_t qualifiers_asked,
    int child_age_limit,
    bint age_matters,
    const int32_t[:, :, ::1] of_principal,
    const int32_t[::1] principal_class,
    const int32_t[::1] secondary_class,
    const int32_t[:, :, ::1] of_procedure,
    const uint8_t[::1] outcome_number,
    const uint8_t[::1] setting_number,
    const uint32_t[::1] principal,
    const int64_t[::1] secondary_start,
    const uint32_t[::1] secondary,
    const int64_t[::1] procedures_start,
    const uint32_t[::1] procedures,
    const uint32_t[::1] outcome,
    const uint32_t[::1] care_setting,
    const uint8_t[::1] years,
    const uint16_t[::1] days,
    const uint8_t[::1] sex,
    const uint16_t[::1] birth_weight,
    const uint16_t[::1] stay,
    const uint64_t[::1] qualifiers,
    const int64_t[::1] rows,
    int32_t[::1] out_rule,
    uint8_t[::1] out_status,
    Py_ssize_t start,
    Py_ssize_t stop,
):
    """The number of the rule (-1: none) and the status of each of the rows from ``start`` to ``stop``, written at the
    row.

    ``rows`` None: the rows are the numbers themselves.  Tables by age class have the adults first.  Codes and words
    of cases are numbers of texts; what a text leads to stands in a table.
    """
    cdef Tables by_age[2]
    cdef Case case
    cdef Found found, as_child
    cdef const FactColumn *columns = <const FactColumn *>&fact_columns[0, 0]
    cdef int32_t value[FIELDS]
    cdef Py_ssize_t i, row, k
    cdef uint32_t text
    cdef int32_t word
    cdef uint64_t bits
    cdef int age
    cdef uint8_t status, child_status
    for age in range(2):
        by_age[age].rules = <const Rule *>&rules[age, 0]
        by_age[age].further = &further[age, 0, 0]
        by_age[age].rank = &rank[age, 0]
        by_age[age].rest = &rest[age, 0]
        by_age[age].of_principal = <const RuleList *>&of_principal[age, 0, 0]
        by_age[age].of_procedure = <const RuleList *>&of_procedure[age, 0, 0]
        by_age[age].of_all.first = of_all[age, 0]
        by_age[age].of_all.rest = of_all[age, 1]
        by_age[age].members = &members[0, 0]
        by_age[age].words_a_set = members.shape[1]
        by_age[age].filled = &filled[0, 0]
        by_age[age].filled_words_a_set = filled.shape[1]
        by_age[age].further_words = <int32_t>further.shape[2]
        by_age[age].secondary_class = &secondary_class[0]
    with nogil:
        for i in range(start, stop):
            row = i if rows is None else rows[i]
            text = principal[row]
            age = 1 if years[row] < child_age_limit else 0
            if by_age[0].of_principal[text].first == UNKNOWN_CODE:
                out_rule[row] = -1
                out_status[row] = UNKNOWN_DIAGNOSIS
                continue
            case.principal_class = principal_class[text]
            case.secondary = &secondary[0] + secondary_start[row]
            case.secondary_count = secondary_start[row + 1] - secondary_start[row]
            case.procedures = &procedures[0] + procedures_start[row]
            case.procedure_count = procedures_start[row + 1] - procedures_start[row]
            case.missing = (
                (YEARS if years[row] == NO_YEARS else 0)
                | (DAYS if days[row] == NO_DAYS else 0)
                | (SEX if sex[row] == 0 else 0)
                | (BIRTH_WEIGHT if birth_weight[row] == 0 else 0)
            )
            value[0] = years[row]
            value[1] = days[row]
            value[2] = sex[row]
            value[3] = birth_weight[row]
            value[4] = stay[row]
            value[5] = outcome_number[outcome[row]]
            value[6] = setting_number[care_setting[row]]
            for word in range(by_age[0].further_words + 1):
                bits = 0 if word else ~(0 if qualifiers is None else qualifiers[row]) & qualifiers_asked
                for k in range(first_column[word], first_column[word + 1]):
                    bits |= fact_bits[columns[k].start + min(value[columns[k].field], columns[k].last)]
                case.facts[word] = bits
            look(&by_age[age], by_age[age].of_principal[text], &case, &found)
            status = status_of(&found, &is_named[0], case.principal_class)
            if age_matters and years[row] == NO_YEARS:
                # weights go by the age class: unless both lead to one group, the age decides
                look(&by_age[1], by_age[1].of_principal[text], &case, &as_child)
                child_status = status_of(&as_child, &is_named[0], case.principal_class)
                if status != child_status or (status == OK and found.group != as_child.group):
                    status = MISSING_FIELD
            out_rule[row] = by_age[age].rules[found.place].number if status == OK else -1
            out_status[row] = status
