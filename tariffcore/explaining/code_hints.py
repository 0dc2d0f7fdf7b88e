"""What a code that nobody knows was probably meant to be."""

from __future__ import annotations

from collections.abc import Mapping

from tariffcore.codes import latin_lookalike
from tariffcore.explaining.statements import statement
from tariffcore.explanation import Statement

_SKELETONS: dict[int, tuple[Mapping[str, object], dict[str, str]]] = {}
_KEPT_SKELETONS = 32


def _skeleton(code: str) -> str:
    """What is left of a code without the ways in which people and spreadsheets change it."""
    compact = latin_lookalike("".join(code.split())).upper()
    return compact.lstrip("0") or compact


def suggested(code: str, codes: Mapping[str, object]) -> str | None:
    """The one code of a table that differs by look-alike letters, case, spaces or leading zeros only."""
    # Reasons are wanted by the hundred thousand, so the table's skeletons are kept, and the table with them:
    # while it is held here its identity cannot be given to another.
    kept = _SKELETONS.get(id(codes))
    if kept is None:
        if len(_SKELETONS) >= _KEPT_SKELETONS:
            _SKELETONS.clear()
        by_skeleton: dict[str, str] = {}
        for each in codes:
            by_skeleton.setdefault(_skeleton(each), each)
        kept = _SKELETONS[id(codes)] = (codes, by_skeleton)
    return kept[1].get(_skeleton(code))


def suggestion_hint(code: str, suggestion: str) -> Statement:
    cyrillic = [letter for letter in dict.fromkeys(code) if latin_lookalike(letter) != letter]
    if cyrillic and latin_lookalike(suggestion) == suggestion:
        if latin_lookalike(code[1:]) == code[1:]:
            return statement("hint_first_cyrillic", suggestion=suggestion)
        return statement("hint_cyrillic", letters=" ".join(cyrillic), suggestion=suggestion)
    if latin_lookalike(suggestion) != suggestion and not cyrillic:
        return statement("hint_latin", suggestion=suggestion)
    return statement("hint_suggestion", suggestion=suggestion)
