"""What a code that nobody knows was probably meant to be."""

from __future__ import annotations

from collections.abc import Mapping

from tariffcore.codes import latin_lookalike
from tariffcore.explaining.repeated import repeated_of
from tariffcore.explaining.statements import statement
from tariffcore.explanation import Statement
from tariffcore.schedule.model import Schedule


def _skeleton(code: str) -> str:
    """What is left of a code without the ways in which people and spreadsheets change it."""
    compact = latin_lookalike("".join(code.split())).upper()
    return compact.lstrip("0") or compact


def suggested(code: str, codes: Mapping[str, object], schedule: Schedule) -> str | None:
    """The one of the schedule's codes that differs by look-alike letters, case, spaces or leading zeros only.

    ``codes`` is a table of the schedule itself: its groups, services or providers.
    """
    # reasons are wanted by the hundred thousand, so the skeletons are kept, for as long as their schedule
    by_skeleton = repeated_of(schedule).once(("skeletons", id(codes)), lambda: _by_skeleton(codes))
    return by_skeleton.get(_skeleton(code))


def _by_skeleton(codes: Mapping[str, object]) -> dict[str, str]:
    found: dict[str, str] = {}
    for code in codes:
        found.setdefault(_skeleton(code), code)
    return found


def suggestion_hint(code: str, suggestion: str) -> Statement:
    cyrillic = [letter for letter in dict.fromkeys(code) if latin_lookalike(letter) != letter]
    if cyrillic and latin_lookalike(suggestion) == suggestion:
        if latin_lookalike(code[1:]) == code[1:]:
            return statement("hint_first_cyrillic", suggestion=suggestion)
        return statement("hint_cyrillic", letters=" ".join(cyrillic), suggestion=suggestion)
    if latin_lookalike(suggestion) != suggestion and not cyrillic:
        return statement("hint_latin", suggestion=suggestion)
    return statement("hint_suggestion", suggestion=suggestion)
