from typing import Any

from numpy.typing import NDArray

class PlanNumbers:
    def __init__(self, **numbers: NDArray[Any] | int) -> None: ...
