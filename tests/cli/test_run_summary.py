from __future__ import annotations

import pytest

from tariffcore.cli.run_summary import DisagreementError, check_totals
from tariffcore.statuses import CaseStatus
from tariffcore.summary import Summary, Tally


def totals(**changes: object) -> Summary:
    fields: dict[str, object] = {
        "by_status": {CaseStatus.OK: Tally(2, 300), CaseStatus.UNKNOWN_DRG: Tally(1, 0)},
        "by_method": {"treated_case": Tally(1, 100), "home_case": Tally(1, 200)},
        "by_setting": {"inpatient": Tally(1, 100), "home": Tally(1, 200)},
        "by_month": {"2026-01": Tally(2, 300)},
        "by_schedule": {"kz-2026": Tally(2, 300)},
        "by_provider": {"H1": Tally(2, 300)},
    }
    return Summary(**{**fields, **changes})


def test_totals_that_agree() -> None:
    check_totals(totals())
    check_totals(Summary())
    check_totals(totals(by_provider={}))


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("by_setting", {"inpatient": Tally(1, 300)}, "by care setting there are 1 cases"),
        ("by_method", {"call": Tally(2, 299)}, "by payment method there are 2 cases and 299"),
        ("by_month", {"2026-01": Tally(2, 301)}, "by month there are 2 cases and 301 minor units"),
        ("by_month", {}, "by month there are 0 cases"),
        ("by_schedule", {"kz-2026": Tally(3, 300)}, "by edition there are 3"),
        ("by_provider", {"H1": Tally(1, 300)}, "by provider there are 1"),
        ("by_funding_source", {"x": Tally(2, 299)}, "by funding source there are 2 cases and 299"),
    ],
)
def test_a_row_lost_or_counted_twice_shows(field: str, value: object, says: str) -> None:
    with pytest.raises(DisagreementError, match=says):
        check_totals(totals(**{field: value}))
