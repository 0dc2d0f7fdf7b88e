from collections.abc import Callable, Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

class Places:
    def __init__(
        self,
        provider: Mapping[str, int],
        drg: Mapping[str, int],
        service: Mapping[str, int],
        setting: Mapping[str, int],
        outcome: Mapping[str, int],
        factor: Mapping[str, int],
        default_outcome: int,
        signature_of: Callable[[str], int],
        minor_units: int,
    ) -> None: ...

class Texts:
    def __init__(self, pieces: Sequence[bytes]) -> None: ...

def find_cases(
    message: bytes, starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> tuple[int, bytes] | None: ...
def read(
    message: bytes,
    starts: NDArray[np.int64],
    lengths: NDArray[np.int64],
    places: Places,
    columns: NDArray[np.uint8],
    ids: NDArray[np.int64],
    id_lengths: NDArray[np.uint16],
    claims: NDArray[np.int64],
    has_claim: NDArray[np.uint8],
    allowed_providers: Collection[bytes] | None,
) -> tuple[int, list[int]] | None: ...
def write(
    message: bytes,
    ids: NDArray[np.int64],
    id_lengths: NDArray[np.uint16],
    claims: NDArray[np.int64],
    has_claim: NDArray[np.uint8],
    amount_minor: NDArray[np.int64],
    status: NDArray[np.uint8],
    edition: NDArray[np.uint8],
    rule: NDArray[np.uint32],
    rule_pieces: Texts,
    method_pieces: Texts,
    edition_pieces: Texts,
    parts_minor: NDArray[np.int64] | None,
    has_parts: NDArray[np.uint8],
    components: list[tuple[list[int], Texts]],
    replaced: Mapping[int, bytes],
) -> bytes: ...
