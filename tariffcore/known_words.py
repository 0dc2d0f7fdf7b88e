"""Every word that a plan knows, with a place in code tables that never grow."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import ClassVar
from weakref import WeakKeyDictionary

import numpy as np

from tariffcore._chunks import CodeWords
from tariffcore.binding import CodeTables, PlanWords
from tariffcore.plan import Plan

Places = dict[str | None, int]
"""Of each word its place: 0 is for none, and 1 for every word that the plan does not know."""


class KnownWords:
    """Code tables of all words of a plan, for cases that bring none of their own."""

    _of_plan: ClassVar[WeakKeyDictionary[Plan, KnownWords]] = WeakKeyDictionary()

    @classmethod
    def of(cls, plan: Plan) -> KnownWords:
        """Those of a plan, found once."""
        known = cls._of_plan.get(plan)
        return cls._of_plan.setdefault(plan, cls(plan)) if known is None else known

    def __init__(self, plan: Plan) -> None:
        self.words = PlanWords.of(plan)
        tables = CodeTables(self.words)

        def places(kind: str, words: Iterable[str]) -> Places:
            known = [word for word in words if word]
            tables.append(kind, ["\N{REPLACEMENT CHARACTER}", *known])
            return {None: 0, "": 0, **{word: place for place, word in enumerate(known, start=2)}}

        self.provider = places("provider", plan.provider_rows)
        self.drg = places("drg", plan.drg_items)
        self.service = places("service", plan.service_items)
        self.setting = places("care_setting", plan.care_settings)
        self.outcome = places("outcome", plan.outcomes)
        self.factor = places("factor", plan.factor_codes)
        self.addon_kind = places("addon_kind", plan.addon_kinds)
        # codes are spelled in many ways, and the same ones come again and again
        self.procedure = lru_cache(4096)(self.words.procedure)
        # the place of a signature is the signature itself
        self.tables = CodeWords(*tables.arrays()[:-1], np.arange(256, dtype=np.uint8))


def place_of(places: Places, text: str | None) -> int:
    """The place of a text as it stands or without surrounding white space."""
    place = places.get(text)
    return places.get((text or "").strip(), 1) if place is None else place
