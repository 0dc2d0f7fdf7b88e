"""The numbers of the statuses are part of every interface."""

import pytest

from tariffcore.labelling import LANGUAGES, labels_in
from tariffcore.pricing import STATUS_NAMES
from tariffcore.statuses import STATUS_MEANING, CaseStatus

NUMBERS = {
    "UNSPECIFIED": 0,
    "OK": 1,
    "UNKNOWN_DRG": 2,
    "UNKNOWN_PROVIDER": 3,
    "NO_COEFFICIENT_FOR_DATE": 4,
    "UNKNOWN_SETTING": 5,
    "UNKNOWN_OUTCOME": 6,
    "NOT_PRICED_IN_SETTING": 7,
    "NO_SCHEDULE_FOR_DATE": 8,
    "INVALID_DATES": 9,
    "MISSING_FIELD": 10,
    "INVALID_FIELD": 11,
    "MISSING_WEIGHT": 12,
    "MISSING_PLANNED_DAYS": 13,
    "AMOUNT_OVERFLOW": 14,
    "STAY_OVER_LIMIT": 15,
    "UNKNOWN_SERVICE": 16,
    "UNKNOWN_FACTOR": 17,
    "MALFORMED_ROW": 18,
    "ADDON_NOT_PAID": 19,
    "UNGROUPABLE": 20,
    "UNKNOWN_DIAGNOSIS": 21,
    "AMBIGUOUS": 22,
}
"""Add at the end; what stands here is never renumbered nor renamed."""


def test_the_numbers_are_frozen():
    assert {status.name: int(status) for status in CaseStatus} == NUMBERS


@pytest.mark.parametrize("status", CaseStatus)
def test_every_status_has_a_meaning(status):
    assert STATUS_MEANING[status]
    assert STATUS_MEANING[status] == STATUS_MEANING[status].strip().rstrip(".")


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_status_has_a_label(language):
    labels = labels_in(language).sections["status"]

    assert list(labels) == list(NUMBERS)
    assert all(labels.values())
    assert len(set(labels.values())) == len(labels)


def test_meanings_tell_statuses_apart():
    assert len(set(STATUS_MEANING.values())) == len(STATUS_MEANING) == len(CaseStatus)


def test_the_names_stand_at_their_numbers():
    """Status columns are made by looking names up at numbers."""
    assert [CaseStatus[name] for name in STATUS_NAMES] == list(range(len(CaseStatus)))
