from typing import Any

import numpy as np
from numpy.typing import NDArray

def look_up(
    table: NDArray[Any],
    index: NDArray[Any],
    null: NDArray[np.uint8],
    found: NDArray[Any],
) -> bool: ...
def take_whole_numbers(
    number: NDArray[Any],
    null: NDArray[np.uint8],
    low: int,
    high: int,
    instead: int,
    taken: NDArray[Any],
    wrong: NDArray[np.uint8],
) -> bool: ...
def take_days(
    units: NDArray[Any],
    null: NDArray[np.uint8],
    units_a_day: int,
    day: NDArray[np.int32],
    wrong: NDArray[np.uint8],
) -> bool: ...
def take_amounts(
    halves: NDArray[np.int64],
    null: NDArray[np.uint8],
    most: int,
    amount_minor: NDArray[np.int64],
    wrong: NDArray[np.uint8],
) -> bool: ...
def widen(amount_minor: NDArray[np.int64], halves: NDArray[np.int64]) -> None: ...
