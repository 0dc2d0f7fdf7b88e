"""What became of a case. The numbers are part of every interface: add, never renumber."""

from __future__ import annotations

from enum import IntEnum


class CaseStatus(IntEnum):
    """OK, or why a case has no amount.

    Where several reasons apply, a case carries the first: what its own fields say comes before what the
    edition says, and code, setting, add-on, weight, outcome, factor and provider follow in this order.
    """

    UNSPECIFIED = 0
    OK = 1
    UNKNOWN_DRG = 2
    UNKNOWN_PROVIDER = 3
    NO_COEFFICIENT_FOR_DATE = 4
    UNKNOWN_SETTING = 5
    UNKNOWN_OUTCOME = 6
    NOT_PRICED_IN_SETTING = 7
    NO_SCHEDULE_FOR_DATE = 8
    INVALID_DATES = 9
    MISSING_FIELD = 10
    INVALID_FIELD = 11
    MISSING_WEIGHT = 12
    MISSING_PLANNED_DAYS = 13
    AMOUNT_OVERFLOW = 14
    STAY_OVER_LIMIT = 15
    UNKNOWN_SERVICE = 16
    UNKNOWN_FACTOR = 17
    MALFORMED_ROW = 18
    ADDON_NOT_PAID = 19
    UNGROUPABLE = 20
    UNKNOWN_DIAGNOSIS = 21
    AMBIGUOUS = 22


GROUPING_STATUSES = frozenset({CaseStatus.UNGROUPABLE, CaseStatus.UNKNOWN_DIAGNOSIS, CaseStatus.AMBIGUOUS})
"""What only a case that comes without its cost group can have."""

STATUS_MEANING: dict[CaseStatus, str] = {
    CaseStatus.UNSPECIFIED: "no status was set",
    CaseStatus.OK: "priced",
    CaseStatus.UNKNOWN_DRG: "the cost group is not in the edition that applies",
    CaseStatus.UNKNOWN_PROVIDER: "the provider is not in the edition that applies",
    CaseStatus.NO_COEFFICIENT_FOR_DATE: "the provider has no coefficients on the deciding date",
    CaseStatus.UNKNOWN_SETTING: "the care setting is not one the schedules know",
    CaseStatus.UNKNOWN_OUTCOME: "the outcome is not one the schedules know",
    CaseStatus.NOT_PRICED_IN_SETTING: "the edition that applies has no rate for this in this care setting",
    CaseStatus.NO_SCHEDULE_FOR_DATE: "no edition covers the deciding date",
    CaseStatus.INVALID_DATES: "the dates of the stay contradict each other or the given length of stay",
    CaseStatus.MISSING_FIELD: "a field that this case needs is empty",
    CaseStatus.INVALID_FIELD: "a field holds something that cannot be read",
    CaseStatus.MISSING_WEIGHT: "the cost group has no weight for this age",
    CaseStatus.MISSING_PLANNED_DAYS: "the stay is paid by planned days and the cost group has none",
    CaseStatus.AMOUNT_OVERFLOW: "the amount has more than 18 digits",
    CaseStatus.STAY_OVER_LIMIT: "the stay is longer than the care setting allows",
    CaseStatus.UNKNOWN_SERVICE: "the service is not in the edition that applies",
    CaseStatus.UNKNOWN_FACTOR: "the factor is not one the schedules know",
    CaseStatus.MALFORMED_ROW: "the line is not a row of this table",
    CaseStatus.ADDON_NOT_PAID: "the edition that applies pays no such amount on top of this",
    CaseStatus.UNGROUPABLE: "no grouping rule of the edition that applies holds for the case",
    CaseStatus.UNKNOWN_DIAGNOSIS: "the principal diagnosis is not one the edition that applies knows",
    CaseStatus.AMBIGUOUS: "grouping rules of equal rank name different cost groups",
}
"""Each status in a few words, for summaries; the rejects name the value as well."""
