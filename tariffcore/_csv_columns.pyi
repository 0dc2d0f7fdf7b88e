import numpy as np
from numpy.typing import NDArray

def count_octet(text: NDArray[np.uint8], octet: int) -> int: ...
def split_rows(
    text: bytes | memoryview, delimiter: int, width: int, most_rows: int, wanted: list[tuple[int, bool]]
) -> tuple[int, bytearray, list[tuple[int, bytearray, bytearray | None, bytearray, bytearray]]]: ...
