import numpy as np
from numpy.typing import NDArray

def read_days(
    content: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    day: NDArray[np.int32],
    second: NDArray[np.int32],
    outcome: NDArray[np.uint8],
) -> None: ...
def read_amounts(
    content: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    minor_units: int,
    amount_minor: NDArray[np.int64],
    outcome: NDArray[np.uint8],
) -> None: ...
