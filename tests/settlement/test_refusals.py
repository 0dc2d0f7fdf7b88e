"""Refusals that say the same are said once; whom they are of is named as far as anybody reads."""

from __future__ import annotations

from tariffcore.errors import Problem
from tariffcore.settlement.refusals import MOST_NAMED, of_contracts, of_providers


def test_the_same_words_are_said_once_with_all_contracts() -> None:
    def problem(message: str) -> Problem:
        return Problem("not looked at", "month_01", None, message, "change it")

    refused = [
        (("H1", "budget"), problem("is settled")),
        (("H1", "insurance"), problem("is settled")),
        (("H2", "budget"), problem("comes late")),
        (("H3", "budget"), problem("is settled")),
    ]
    assert [str(one) for one in of_contracts(refused, 2026)] == [
        "3 contracts, of H1 with budget, insurance; H3 with budget for 2026: month_01: is settled; change it",
        "contract of H2 with budget for 2026: month_01: comes late; change it",
    ]


def test_a_country_is_named_in_part_and_counted() -> None:
    providers = [f"H{number}" for number in range(MOST_NAMED + 2)]
    assert of_providers(providers).endswith(f"H{MOST_NAMED - 1} and 2 more")
    (one,) = of_contracts([((name, "budget"), Problem("", None, None, "late", "wait")) for name in providers])
    assert one.place.startswith(f"{MOST_NAMED + 2} contracts, of H0 with budget; H1 with budget; ")
    assert one.place.endswith(f"; H{MOST_NAMED - 1} with budget and 2 more")
