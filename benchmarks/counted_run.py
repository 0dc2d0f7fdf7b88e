"""One call of the kernel, to be run under callgrind: ``python counted_run.py WORKLOAD.npz [split]``.

Stands alone and imports as little as it can, for under callgrind everything takes fifty times as long.
"""

import sys

import numpy as np

from tariffcore import _kernel


def main(workload: str, with_components: bool) -> None:
    arrays = np.load(workload)
    arguments = {
        name.removeprefix("table_"): array if array.ndim else array.item()
        for name, array in arrays.items()
        if name.startswith("table_")
    }
    tables = _kernel.PriceTables(**arguments)
    inputs = [array for name, array in arrays.items() if name.startswith("input_")]
    count = len(inputs[0])
    amount_minor, status = np.zeros(count, np.int64), np.zeros(count, np.uint8)
    outputs = amount_minor, status, np.zeros(count, np.uint8), np.zeros(count, np.uint16)
    _kernel.price(tables, *inputs, *outputs, 0, count)  # type: ignore[call-arg]
    if with_components:
        day, _, _, item, _, variant, *_ = inputs
        parts_minor = np.zeros((int(arrays["components"]), count), np.int64)
        has_parts = np.zeros(count, np.uint8)
        _kernel.split(tables, day, item, variant, amount_minor, status, parts_minor, has_parts, 0, count)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:] == ["split"])
