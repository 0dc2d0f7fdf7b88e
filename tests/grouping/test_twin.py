"""The kernel groups as the twin does."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from tariffcore.cases import table_from_cases
from tariffcore.plan import Plan
from tariffcore.pricing import price_cases
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tests.grouping.comparing import compare_batch, compared
from tests.grouping.strategies import build_ungrouped_case, grouped_catalog
from tests.strategies import DrawnChoices, RandomChoices


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_kernel_and_twin_agree_on_drawn_rules_and_cases(data):
    choices = DrawnChoices(data.draw)
    plan = Plan(grouped_catalog(choices))
    cases = [build_ungrouped_case(choices, str(number)) for number in range(4)]

    for comparison in compared(cases, plan):
        assert comparison.kernel == comparison.twin, comparison.case


def test_kernel_and_twin_agree_on_aimed_batches_that_meet_every_status():
    statuses: Counter[CaseStatus] = Counter()
    for seed in range(12):
        _, differences, of_batch = compare_batch(seed)
        assert not differences, str(differences[0])
        statuses += of_batch

    assert all(statuses[status] > 20 for status in (CaseStatus.OK, *GROUPING_STATUSES)), statuses
    assert statuses[CaseStatus.MISSING_FIELD] and statuses[CaseStatus.INVALID_FIELD]
    assert statuses[CaseStatus.INVALID_DATES]


def test_two_threads_group_as_one():
    choices = RandomChoices(77)
    plan = Plan(grouped_catalog(choices))
    cases = [build_ungrouped_case(choices, str(number)) for number in range(50)] * 800

    one = [comparison.kernel for comparison in compared(cases[:50], plan)]
    both = price_cases(table_from_cases(cases), plan, threads=2)
    assert both.encoded.grouped is not None
    assert both.status.tolist() == [int(kernel.status) for kernel, _ in one] * 800
