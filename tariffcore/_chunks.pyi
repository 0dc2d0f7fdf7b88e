from typing import Any

import numpy as np
from numpy.typing import NDArray

from tariffcore._binding import PlanNumbers
from tariffcore._kernel import PriceTables

class CodeWords:
    def __init__(self, *tables: NDArray[Any]) -> None: ...

def price(
    plan_numbers: PlanNumbers,
    price_tables: PriceTables,
    words: CodeWords,
    place_of_rule: NDArray[np.uint32],
    message: bytes | memoryview,
    offsets: NDArray[np.int64],
    rows: int,
    procedures: int,
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    edition: NDArray[np.uint8],
    rule: NDArray[np.uint32],
    has_parts: NDArray[np.uint8] | None,
    parts_minor: NDArray[np.int64] | None,
    settle_all: bool,
    marked: NDArray[np.uint8] | None = None,
) -> tuple[int, int]: ...
def answer_chunk(
    plan_numbers: PlanNumbers,
    price_tables: PriceTables,
    words: CodeWords,
    place_of_rule: NDArray[np.uint32] | None,
    message: bytes | memoryview,
    offsets: NDArray[np.int64],
    rows: int,
    procedures: int,
    components: int,
    counts: NDArray[np.int64],
) -> tuple[bytes | None, int, int]: ...

class PlainChunks:
    def __init__(
        self,
        plan_numbers: PlanNumbers,
        price_tables: PriceTables,
        place_of_rule: NDArray[np.uint32] | None,
        components: int,
        most_rows: int,
    ) -> None: ...
    def append(self, words: CodeWords) -> None: ...
    def answer(self, message: bytes | memoryview) -> bytes | None: ...
    def take_counts(self, counts: NDArray[np.int64]) -> None: ...
