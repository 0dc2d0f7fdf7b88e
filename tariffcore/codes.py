"""Codes as people type them, brought to one form before they are compared."""

from __future__ import annotations

import re
from enum import StrEnum

_SPACES = re.compile(r"\s+")  # \s covers no-break and thin spaces
_CYRILLIC_THAT_LOOKS_LATIN = str.maketrans("АВЕКМНОРСТУХІЈЅавекмнорстухіјѕ", "ABEKMHOPCTYXIJSabekmhopctyxijs")
_SHORT_CATEGORY = re.compile(r"[0-9]\.")
# no letter O or I after the first place: there it is a digit mistyped, in every variant of ICD-10
_DIAGNOSIS = re.compile(r"[A-Z][0-9][0-9AB][0-9A-HJ-NP-Z]{0,4}", re.ASCII)
_MARKS_OF_ICD_10 = "*+†!-"  # asterisk and dagger codes (G01*, A39.0†), and A40.- for the whole category


class Mend(StrEnum):
    """What was mended in a code before it was compared."""

    CYRILLIC = "cyrillic"
    """Cyrillic letters where Latin ones that look the same belong: ``А40.0``."""
    CASE = "case"
    SPACES = "spaces"
    PUNCTUATION = "punctuation"
    """A comma for the point, no point at all, or a mark such as the dagger of ICD-10."""


def normalise_procedure(code: str) -> str:
    """An ICD-9-CM procedure code without dot or spaces: ``13.73``, ``1373`` and `` 13,73`` are one code.

    The category has two digits, so ``9.83`` (a spreadsheet's idea of ``09.83``) is ``0983``.
    """
    compact = _SPACES.sub("", code).translate(_CYRILLIC_THAT_LOOKS_LATIN).upper().replace(",", ".")
    if _SHORT_CATEGORY.match(compact):
        compact = "0" + compact
    return compact.replace(".", "")


def normalise_diagnosis(code: str) -> str:
    """An ICD-10 code without dot, spaces and marks: ``A40.0``, ``a400``, ``А40,0`` and ``A40.0†`` are one."""
    compact = _SPACES.sub("", code).translate(_CYRILLIC_THAT_LOOKS_LATIN).upper().replace(",", ".")
    return compact.rstrip(_MARKS_OF_ICD_10).replace(".", "")


def is_diagnosis(normalised: str) -> bool:
    """Whether a normalised code has the form of an ICD-10 code: letter, digit, digit, up to four more."""
    return _DIAGNOSIS.fullmatch(normalised) is not None


def digits_for_letters(normalised: str) -> str | None:
    """The ICD-10 code that is meant where the letter O or I was typed for 0 or 1: ``A4O0`` -> ``A400``.

    For hints, never for matching; None where that makes no code of it, or it has no such letter.
    """
    meant = normalised[:1] + normalised[1:].replace("O", "0").replace("I", "1")
    return meant if meant != normalised and is_diagnosis(meant) else None


def diagnosis_with_point(normalised: str) -> str:
    """An ICD-10 code as it is printed: ``A400`` -> ``A40.0``."""
    return f"{normalised[:3]}.{normalised[3:]}" if len(normalised) > 3 else normalised


def procedure_with_point(normalised: str) -> str:
    """An ICD-9-CM procedure code as it is printed: ``1373`` -> ``13.73``."""
    return f"{normalised[:2]}.{normalised[2:]}" if len(normalised) > 2 else normalised


def mends_of(code: str, *, point_after: int) -> tuple[Mend, ...]:
    """What normalising mends in a code whose point belongs after so many characters."""
    bare = code.strip()
    found: list[Mend] = []
    latin = bare.translate(_CYRILLIC_THAT_LOOKS_LATIN)
    if latin != bare:
        found.append(Mend.CYRILLIC)
    if latin.upper() != latin:
        found.append(Mend.CASE)
    compact = _SPACES.sub("", latin)
    if compact != latin:
        found.append(Mend.SPACES)
    plain = compact.replace(",", ".").rstrip(_MARKS_OF_ICD_10).replace(".", "")
    printed = f"{plain[:point_after]}.{plain[point_after:]}" if len(plain) > point_after else plain
    if compact != printed:
        found.append(Mend.PUNCTUATION)
    return tuple(found)


def latin_lookalike(code: str) -> str:
    """The code with Cyrillic letters that look Latin replaced: for hints, never for matching."""
    return code.translate(_CYRILLIC_THAT_LOOKS_LATIN)
