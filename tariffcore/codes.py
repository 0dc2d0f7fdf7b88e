"""Codes as people type them, brought to one form before they are compared."""

from __future__ import annotations

import re

_SPACES = re.compile(r"\s+")  # \s covers no-break and thin spaces
_CYRILLIC_THAT_LOOKS_LATIN = str.maketrans("АВЕКМНОРСТУХавекмнорстух", "ABEKMHOPCTYXabekmhopctyx")
_SHORT_CATEGORY = re.compile(r"[0-9]\.")


def normalise_procedure(code: str) -> str:
    """An ICD-9-CM procedure code without dot or spaces: ``13.73``, ``1373`` and `` 13,73`` are one code.

    The category has two digits, so ``9.83`` (a spreadsheet's idea of ``09.83``) is ``0983``.
    """
    compact = _SPACES.sub("", code).translate(_CYRILLIC_THAT_LOOKS_LATIN).upper().replace(",", ".")
    if _SHORT_CATEGORY.match(compact):
        compact = "0" + compact
    return compact.replace(".", "")


def latin_lookalike(code: str) -> str:
    """The code with Cyrillic letters that look Latin replaced: for hints, never for matching."""
    return code.translate(_CYRILLIC_THAT_LOOKS_LATIN)
