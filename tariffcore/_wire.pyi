from typing import Any

import numpy as np
from numpy.typing import NDArray

def scan(
    message: bytes | memoryview,
    start: int,
    stop: int,
    forms: bytes,
    offsets: NDArray[np.int64],
    lengths: NDArray[np.int64],
    numbers: NDArray[np.int64],
    most_texts: int,
) -> tuple[int, Any, Any]: ...
def sole_message(message: bytes | memoryview, field: int) -> tuple[int, int] | None: ...
def are_even(lengths: NDArray[np.int64], widths: bytes, rows: int) -> bool: ...
