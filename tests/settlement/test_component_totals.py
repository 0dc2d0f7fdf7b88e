from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tariffcore.settlement.component_totals import ComponentTotals

_CELLS = 7
_LARGE = st.sampled_from([0, 1, -1, 2**32 - 1, 2**32, -(2**32), 10**18 - 1, 1 - 10**18])
_ROWS = st.lists(st.tuples(st.integers(0, _CELLS - 1), _LARGE, _LARGE, st.booleans()), max_size=12)


class _Frame(SimpleNamespace):
    cells = _CELLS

    def cell(self, lines: Any) -> Any:
        return lines.codes

    @staticmethod
    def named(code: int) -> tuple[str, str, str, str]:
        return (str(code), "line", "source", "method")


@given(st.lists(_ROWS, max_size=4))
@example([[(3, 10**18 - 1, 1, True)] * 12, [], [(3, 10**18 - 1, -1, True), (0, 5, 5, False)]])
def test_chunks_come_to_what_their_rows_come_to(chunks: list[list[tuple[int, int, int, bool]]]) -> None:
    frame: Any = _Frame()
    totals = ComponentTotals(frame)
    wanted: dict[Any, dict[str, int]] = {}
    for chunk in chunks:
        lines: Any = SimpleNamespace(frame=frame, codes=np.array([row[0] for row in chunk], dtype=np.uint32))
        parts = {
            name: np.array([row[place] for row in chunk], dtype=np.int64)
            for place, name in ((1, "labour"), (2, "capital"))
        }
        counted = np.array([row[3] for row in chunk], dtype=np.bool_)
        totals.add(ComponentTotals.of(lines, parts, counted) if chunk else ComponentTotals(frame))
        for code, labour, capital, counts in chunk:
            if counts:
                of = wanted.setdefault(frame.named(code), {"labour": 0, "capital": 0})
                of["labour"] += labour
                of["capital"] += capital
    assert totals.by_cell() == wanted
