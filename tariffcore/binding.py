"""Columns of cases that name no plan, and the numbers a plan has for them.

`encoding` reads tables of any kind; here the columns are already plain numbers and places in code tables, as
a message of the service holds them or as one case makes them (`tariffcore.v1` says what each number means).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tariffcore import _binding, _chunks
from tariffcore.codes import normalise_procedure
from tariffcore.plan import (
    DEATH_ANSWERS,
    INVALID_DAY,
    INVALID_STAY,
    MALFORMED_DAY,
    MISSING_DAY,
    MISSING_OUTCOME,
    MISSING_PROVIDER_ROW,
    OUTSIDE_DAY,
    UNKNOWN_DRG_ITEM,
    UNKNOWN_OUTCOME,
    UNKNOWN_PROVIDER_ROW,
    UNKNOWN_SERVICE_ITEM,
    UNKNOWN_SETTING_KEY,
    Plan,
    SettingKey,
)
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.model import DayCount, Unit
from tariffcore.schedule.tariff import find_share

FIELDS = 30
"""Offsets of columns are kept at the numbers of their fields, the highest of which is 29."""
NO_WORD = 1 << 16
_NEEDS_HOURS = 1 << 17
BEYOND = 1 << 18
_NEEDS_STAY = 1 << 19
_DAY_OF_LEVEL = (0, INVALID_STAY, INVALID_STAY, MISSING_DAY, INVALID_DAY, MALFORMED_DAY)


class PlanWords:
    """What a plan makes of the words of code tables, and what else binding asks of it."""

    _of_plan: ClassVar[WeakKeyDictionary[Plan, PlanWords]] = WeakKeyDictionary()

    @classmethod
    def of(cls, plan: Plan) -> PlanWords:
        """Those of a plan, worked out once."""
        words = cls._of_plan.get(plan)
        return cls._of_plan.setdefault(plan, cls(plan)) if words is None else words

    def __init__(self, plan: Plan) -> None:
        # parts of the plan and not the plan, which would keep itself alive through what is kept for it
        self.tables = plan.tables
        self._providers = plan.provider_rows
        self._drgs = plan.drg_items
        self._services = plan.service_items
        self._with_stay = plan.items_with_stay
        self._keys = plan.setting_key_numbers
        self._signature_bits = plan.signature_bits
        self._limited = plan.limited_settings
        self._settings = {text: number for number, text in enumerate(plan.care_settings, start=1)}
        self._outcomes = plan.outcomes
        self._factors = {text: number for number, text in enumerate(plan.factor_codes, start=1)}
        self._addon_kinds = {text: number for number, text in enumerate(plan.addon_kinds, start=1)}
        self._procedures = plan.procedure_bits
        self.by_admission = plan.catalog.deciding_date is DecidingDate.ADMISSION
        self.numbers = _binding.PlanNumbers(**self._numbers(plan))
        of_number = [
            None if rule_id is None or method is None else (rule_id, method)
            for rule_id, method in zip(plan.rule_ids, plan.rule_methods, strict=True)
        ]
        self.rules = list(dict.fromkeys(rule for rule in of_number if rule is not None))
        """Every rule once with each method it pays by."""
        place = {rule: number for number, rule in enumerate(self.rules, start=1)}
        places = [0 if rule is None else place[rule] for rule in of_number]
        self.place_of_rule = np.array(places, dtype=np.uint32)
        """Of each of the kernel's rule numbers, the place in `rules`, counted from 1; 0: no rule."""
        self.rule_numbers = np.arange(len(places), dtype=np.uint32)

    def provider(self, word: str) -> int:
        """The provider's row of coefficients."""
        return self._providers.get(word, UNKNOWN_PROVIDER_ROW)

    def drg(self, word: str) -> int:
        """The cost group's item."""
        return self._drgs.get(word, UNKNOWN_DRG_ITEM)

    def service(self, word: str) -> int:
        """The service's item, marked where it is a case with a stay."""
        item = self._services.get(word, UNKNOWN_SERVICE_ITEM)
        return item | _NEEDS_STAY if self._with_stay is not None and self._with_stay[item] else item

    def setting(self, word: str) -> int:
        """The setting's key beside the signature, marked where some edition limits the hours."""
        key = self._key(SettingKey(word))
        return key | _NEEDS_HOURS if word in self._limited else key

    def setting_number(self, word: str) -> int:
        """The setting's row of keys by factor; 0 where no edition knows it."""
        return self._settings.get(word, 0)

    def outcome(self, word: str) -> int:
        """The outcome's number, with room for the answer about a death."""
        return self._outcomes.get(word, UNKNOWN_OUTCOME) * DEATH_ANSWERS

    def factor(self, word: str) -> int:
        """The factor's place among the plan's; 0 where no edition knows it."""
        return self._factors.get(word, 0)

    def addon_kind(self, word: str) -> int:
        """The kind's place among the plan's; 0 where no edition knows it."""
        return self._addon_kinds.get(word, 0)

    def procedure(self, word: str) -> int:
        """The lists of exception procedures that it stands in, one bit each."""
        return self._procedures.get(normalise_procedure(word), 0)

    def _key(self, key: SettingKey) -> int:
        return self._keys.get(key, UNKNOWN_SETTING_KEY) << self._signature_bits

    def _numbers(self, plan: Plan) -> dict[str, Any]:
        extras = [int(schedule.day_count is DayCount.INCLUSIVE) for schedule in plan.editions]
        pairs = [
            [self._key(SettingKey(setting, factor_code=factor)) for factor in ("", *plan.factor_codes)]
            for setting in (None, *plan.care_settings)
        ]
        limits = np.full((1 + len(plan.editions), 1 + len(plan.care_settings)), -1, dtype=np.int32)
        for edition, schedule in enumerate(plan.editions, start=1):
            for care_setting in plan.limited_settings:
                share = find_share(schedule, Unit.CASE, care_setting)
                if share is not None and share.max_hours is not None:
                    # longer than any stay there may be is as good as no limit that could be passed
                    limits[edition, self._settings[care_setting]] = min(share.max_hours, 1 << 24)
        return {
            "edition_of_day": (plan.edition_of_day + 1).astype(np.uint8),
            "extra_days": np.array([0, *extras], dtype=np.int32),
            "key_of_pair": np.array(pairs, dtype=np.uint16),
            "key_of_addon": plan.keys_of_addons << np.uint16(self._signature_bits),
            "addon_component": plan.addon_components,
            "first_provider": plan.first_provider_of_item,
            "limit_hours": limits,
            "over_key": self._limit_keys(over_limit=True),
            "unsure_key": self._limit_keys(over_limit=None),
            "day_of_level": np.array(_DAY_OF_LEVEL, dtype=np.uint16),
            "day_codes": MISSING_DAY,
            "outside_day": OUTSIDE_DAY,
            "base_day": plan.base_day,
            "is_open_ended": plan.catalog.spans[-1].end is None,
            "by_admission": self.by_admission,
            "same_extra": extras[0] if len(set(extras)) == 1 else -1,
            "unknown_item": UNKNOWN_DRG_ITEM,
            "default_outcome": self.outcome("discharged"),
        }

    def _limit_keys(self, over_limit: bool | None) -> NDArray[np.uint16]:
        settings = (None, *self._settings)
        return np.array([self._key(SettingKey(text, over_limit)) for text in settings], dtype=np.uint16)


class GrowingTable:
    """A growing array: entry i is what place i of a code table stands for.

    ``filled`` is as long as a power of two, with ``beyond`` at places that no word has yet.
    """

    def __init__(self, first: int, beyond: int, dtype: type[np.integer[Any]]) -> None:
        self._beyond = beyond
        self._count = 1
        self.filled: NDArray[Any] = np.full(16, beyond, dtype=dtype)
        self.filled[0] = first

    def __len__(self) -> int:
        return self._count

    def extend(self, entries: Iterable[int]) -> None:
        """Append entries. An array handed out before may show them, or not."""
        new = np.fromiter(entries, dtype=self.filled.dtype)
        count = self._count + len(new)
        if count > len(self.filled):
            room = np.full(1 << (count - 1).bit_length(), self._beyond, dtype=self.filled.dtype)
            room[: self._count] = self.filled[: self._count]
            self.filled = room
        self.filled[self._count : count] = new
        self._count = count


class CodeTables:
    """Code tables as a plan's numbers: place 0 is a missing value, the others the words in their order."""

    def __init__(self, words: PlanWords) -> None:
        self._words = words
        self._tables: dict[str, tuple[GrowingTable, Callable[[str], int], int]] = {}
        for kind, of_word, missing, dtype in (
            ("provider", words.provider, MISSING_PROVIDER_ROW, np.uint32),
            ("drg", words.drg, UNKNOWN_DRG_ITEM | NO_WORD, np.uint32),
            ("service", words.service, UNKNOWN_SERVICE_ITEM | NO_WORD, np.uint32),
            ("care_setting", words.setting, UNKNOWN_SETTING_KEY | NO_WORD, np.uint32),
            ("setting_number", words.setting_number, 0, np.uint16),
            ("outcome", words.outcome, MISSING_OUTCOME * DEATH_ANSWERS | NO_WORD, np.uint32),
            ("factor", words.factor, NO_WORD, np.uint32),
            ("addon_kind", words.addon_kind, NO_WORD, np.uint32),
            ("procedure", words.procedure, 0, np.uint8),
        ):
            beyond = BEYOND if dtype is np.uint32 else 0
            self._tables[kind] = GrowingTable(missing, beyond, dtype), of_word, missing

    def append(self, kind: str, words: Iterable[str]) -> None:
        """Give new words their places. A word of white space only stands for a missing value."""
        bare = [word.strip() for word in words]
        for name in ("care_setting", "setting_number") if kind == "care_setting" else (kind,):
            numbers, of_word, missing = self._tables[name]
            numbers.extend(of_word(word) if word else missing for word in bare)

    def arrays(self) -> list[NDArray[Any]]:
        """The tables as they are now, in the order of `_chunks.CodeWords`."""
        arrays = [numbers.filled for numbers, _, _ in self._tables.values()]
        arrays[-1] = arrays[-1][: len(self._tables["procedure"][0])]  # its places are counted, not marked
        return arrays

    def now(self) -> _chunks.CodeWords:
        """The tables as they are now; they stay so when words are appended."""
        return _chunks.CodeWords(*self.arrays())


@dataclass(frozen=True, slots=True)
class WrongPlace:
    """What ended the binding: the number of a field and the element of it that is beyond what there is."""

    field: int
    row: int


class Workspace:
    """Room for the prices of so many rows. One at a time may use it.

    amount_minor, rule (the kernel's number, 0 unless OK) and parts_minor are in little-endian order.
    """

    def __init__(self, rows: int, components: int = 0) -> None:
        self.amount_minor = np.empty(rows, dtype="<i8")
        self.status = np.empty(rows, dtype=np.uint8)
        self.edition = np.empty(rows, dtype=np.uint8)
        self.rule = np.empty(rows, dtype="<u4")
        self.parts_minor = np.empty((components, rows), dtype="<i8") if components else None
        self.has_parts = np.zeros(rows, dtype=np.uint8)


@dataclass(frozen=True, slots=True)
class CaseColumns:
    """Columns of cases in the bytes of a message, in the form of `CaseColumns` of the contract.

    ``offsets`` says for each field number where its column begins, -1 where it is left out.  Every column has
    ``rows`` elements, and that of procedures has ``procedures``: whoever makes one has seen to that.
    """

    message: bytes | memoryview
    offsets: NDArray[np.int64]
    rows: int
    procedures: int = 0


def price_columns(
    columns: CaseColumns,
    words: PlanWords,
    tables: _chunks.CodeWords,
    space: Workspace,
    *,
    components: bool = False,
    settle_all: bool = False,
    marked: NDArray[np.uint8] | None = None,
) -> WrongPlace | None:
    """Price columns into a workspace; None, or what is beyond its table: then nothing in it means anything.

    Components are split into the room the workspace has for them.  With ``settle_all`` every row goes the
    long way, which comes to the same.  ``marked`` gets 1 at each row that its own fields decide, whatever the
    edition says.
    """
    field, row = _chunks.price(
        words.numbers,
        words.tables,
        tables,
        words.rule_numbers,
        columns.message,
        columns.offsets,
        columns.rows,
        columns.procedures,
        space.amount_minor,
        space.status,
        space.edition,
        space.rule,
        space.has_parts if components else None,
        space.parts_minor if components else None,
        settle_all,
        marked,
    )
    return WrongPlace(field, row) if field else None


def answer_columns(
    columns: CaseColumns,
    words: PlanWords,
    tables: _chunks.CodeWords,
    counts: NDArray[np.int64],
    *,
    rules: bool,
    components: int | None,
) -> bytes | WrongPlace:
    """The whole PriceCaseColumnsResponse; or what is beyond its table.

    ``components``: how many the plan knows, None where they are not asked for.  How many rows came to each
    status is written to ``counts``, which has room for 256.
    """
    answer, field, row = _chunks.answer_chunk(
        words.numbers,
        words.tables,
        tables,
        words.place_of_rule if rules else None,
        columns.message,
        columns.offsets,
        columns.rows,
        columns.procedures,
        -1 if components is None else components,
        counts,
    )
    return WrongPlace(field, row) if answer is None else answer
