from typing import Any

import numpy as np
from numpy.typing import NDArray

class PlanNumbers:
    def __init__(self, **numbers: NDArray[Any] | int) -> None: ...

def bind(
    numbers: PlanNumbers,
    message: bytes | memoryview,
    offsets: NDArray[np.int64],
    rows: int,
    procedures: int,
    /,
    *tables_and_arrays: NDArray[Any] | bool,
) -> tuple[int, int, int]: ...
