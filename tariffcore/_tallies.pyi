from typing import Any

import numpy as np
from numpy.typing import NDArray

def add_up(
    code: NDArray[Any],
    null: NDArray[np.uint8],
    counted: NDArray[np.uint8],
    amount_minor: NDArray[np.int64],
    tally: NDArray[np.int64],
) -> None: ...
