from typing import Any

import numpy as np
from numpy.typing import NDArray

class PriceTables:
    def __init__(self, **tables: NDArray[Any] | int) -> None: ...

def vectors() -> bool: ...
def use_vectors(use: bool) -> None: ...
def price(
    tables: PriceTables,
    deciding_day: NDArray[np.uint16],
    admission_day: NDArray[np.uint16],
    discharge_day: NDArray[np.uint16],
    item: NDArray[np.uint16],
    provider: NDArray[np.uint16],
    variant: NDArray[np.uint16],
    age: NDArray[np.uint8],
    outcome: NDArray[np.uint8],
    quantity: NDArray[np.uint32] | None,
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    edition_out: NDArray[np.uint8],
    rule_out: NDArray[np.uint16],
    start: int,
    stop: int,
) -> None: ...
def split(
    tables: PriceTables,
    deciding_day: NDArray[np.uint16],
    item: NDArray[np.uint16],
    variant: NDArray[np.uint16],
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    parts_minor: NDArray[np.int64],
    has_parts: NDArray[np.uint8],
    start: int,
    stop: int,
) -> None: ...
