"""The names of numbers, as columns of an output have them: made once for all chunks of a run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol
from weakref import WeakKeyDictionary

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore.arrow_buffers import packed
from tariffcore.column_reading import looked_up
from tariffcore.schedule.model import PaymentMethod

_NAMELESS = -1


class NamedEdition(Protocol):
    """An edition as far as a priced row names it; `tariffcore.schedule.model.Schedule` is one."""

    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def synthetic(self) -> bool: ...
    @property
    def currency(self) -> str: ...
    @property
    def minor_units(self) -> int: ...


class PricedNames(Protocol):
    """What the numbers of `PricedCases` stand for; a `Plan` knows, and so does the start of a stream."""

    @property
    def editions(self) -> Sequence[NamedEdition]: ...
    @property
    def rule_ids(self) -> Sequence[str | None]: ...
    @property
    def rule_methods(self) -> Sequence[PaymentMethod | None]: ...
    @property
    def component_names(self) -> Sequence[str]: ...


class NumberNames:
    """The names of the numbers from 0 on; None where a number has none."""

    def __init__(self, names: Iterable[str | None]) -> None:
        self.names = tuple(names)
        distinct = list(dict.fromkeys(name for name in self.names if name is not None))
        self._kind = np.int8 if len(distinct) < 128 else np.int16 if len(distinct) < 1 << 15 else np.int32
        place = {name: number for number, name in enumerate(distinct)}
        self._places = np.array(
            [_NAMELESS if name is None else place[name] for name in (*self.names, None)], dtype=self._kind
        )
        self._distinct = pa.array(distinct, type=pa.string())

    def column(
        self, numbers: NDArray[np.uint8] | NDArray[np.uint16], valid: NDArray[np.bool_] | None = None
    ) -> pa.DictionaryArray:
        """Numbers as a dictionary column of their names, null where not valid or without a name."""
        null = np.zeros(len(numbers), dtype=np.bool_) if valid is None else ~valid
        index = looked_up("", self._places, numbers, null)
        validity = packed(index != _NAMELESS)
        np.maximum(index, 0, out=index)  # what a null cell holds is a place as well, so that nothing strays
        buffers = [validity, pa.py_buffer(index)]
        return pa.DictionaryArray.from_arrays(
            pa.Array.from_buffers(pa.from_numpy_dtype(self._kind), len(index), buffers),
            self._distinct,
            safe=False,  # the table has proved every index
        )


class ColumnNames:
    """The names of an output's columns of a plan's numbers.

    schedules  1 + the number of an edition; 0 is none
    rules      the number of a rule, and so methods: what the rule pays by
    made_up    whether an edition is synthetic, numbered like schedules; the last entry is that of null cells
    """

    _of_plan: ClassVar[WeakKeyDictionary[PricedNames, ColumnNames]] = WeakKeyDictionary()

    @classmethod
    def of(cls, plan: PricedNames) -> ColumnNames:
        """Those of a plan, found once."""
        known = cls._of_plan.get(plan)
        return cls._of_plan.setdefault(plan, cls(plan)) if known is None else known

    def __init__(self, plan: PricedNames) -> None:
        self.schedules = NumberNames([None, *(schedule.id for schedule in plan.editions)])
        self.rules = NumberNames(plan.rule_ids)
        self.made_up = np.array([False, *(schedule.synthetic for schedule in plan.editions), False])
        self.methods = NumberNames(method and method.value for method in plan.rule_methods)
