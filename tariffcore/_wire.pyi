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
) -> tuple[int, Any, Any]: ...
def write_priced(
    rows: int,
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    edition: NDArray[np.uint8],
    rule: NDArray[np.uint16] | None,
    place_of_rule: NDArray[np.uint32],
    has_parts: NDArray[np.uint8] | None,
    parts_minor: NDArray[np.int64] | None,
) -> bytes: ...
def count_statuses(status: NDArray[np.uint8], rows: int, counts: NDArray[np.int64]) -> None: ...
