"""A long comparison reports what differs, with the seed that shows it again."""

from dataclasses import replace

import pytest

from tariffcore.reference import reference_price
from tariffcore.statuses import CaseStatus
from tests import comparing
from tests.comparing import CASES_A_BATCH, batches, compare_batch, main


def test_no_difference(capsys):
    assert main(["-n", "300", "--seed", "5", "--processes", "1"]) == 0

    assert "300 cases compared (seeds 5 to 5): 0 differences" in capsys.readouterr().out


def one_off(case, catalog):
    """A twin that is wrong by a minor unit."""
    result = reference_price(case, catalog)
    return replace(result, amount_minor=result.amount_minor + 1) if result.amount_minor else result


def test_a_difference_is_told_with_its_seed_and_fails(capsys, monkeypatch):
    monkeypatch.setattr(comparing, "reference_price", one_off)

    assert main(["-n", "40", "--seed", "5", "--processes", "1"]) == 1

    said = capsys.readouterr().out
    assert "DIFFERENT (again with --seed 5 -n 40)" in said
    assert "0 differences" not in said


@pytest.mark.parametrize(
    "wrong",
    [
        {"status": CaseStatus.MALFORMED_ROW},
        {"amount_minor": -1},
        {"schedule_id": "another"},
        {"rule_id": "another"},
        {"components_minor": {"another": 0}},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_everything_is_compared(wrong, monkeypatch):
    monkeypatch.setattr(comparing, "reference_price", lambda *args: replace(reference_price(*args), **wrong))

    assert len(compare_batch(1, 20).differences) == 20


def test_a_crash_is_told_with_its_seed_and_the_rest_goes_on(capsys, monkeypatch):
    plan = comparing.Plan
    monkeypatch.setattr(comparing, "CASES_A_BATCH", 20)
    monkeypatch.setattr(comparing, "Plan", lambda catalog: plan(catalog) if plans.pop() else plan(None))
    plans = [True, False, True]

    assert main(["-n", "50", "--seed", "7", "--processes", "1"]) == 1

    said = capsys.readouterr().out
    assert "CRASHED (again with --seed 8 -n 20):\nTraceback" in said
    assert "30 cases compared (seeds 7 to 9): 0 differences, 20 not compared" in said


def test_batches_have_seeds_of_their_own():
    assert list(batches(2 * CASES_A_BATCH + 1, 3)) == [(3, CASES_A_BATCH), (4, CASES_A_BATCH), (5, 1)]
