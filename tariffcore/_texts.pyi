import numpy as np
from numpy.typing import NDArray

def number_texts(
    content: NDArray[np.uint8],
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    null: NDArray[np.uint8],
    empty_is_null: bool,
    number: NDArray[np.int32],
) -> bytes: ...
def split_texts(
    content: NDArray[np.uint8],
    offsets: NDArray[np.int32],
    separator: int,
    other_separator: int,
    starts: NDArray[np.int32],
    stops: NDArray[np.int32],
    first_part: NDArray[np.int32],
) -> None: ...
def gather_bits(
    bits: NDArray[np.uint8],
    offsets: NDArray[np.int32] | NDArray[np.int64],
    null: NDArray[np.uint8],
    together: NDArray[np.uint8],
) -> None: ...
