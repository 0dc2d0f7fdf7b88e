"""What centres' costs are divided by: bed-days, discharges or units, in all and for one group and setting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tariffcore.costing.model import Activity, Inputs, ProductBase

_BASES = (ProductBase.BED_DAYS, ProductBase.CASES, ProductBase.UNITS)


@dataclass(frozen=True)
class Cells:
    """What was treated, summed up by treating centre, group and care setting, in this order.

    centre, drg, setting   numbers, as in `Activity`
    quantity               by the product base of the centre
    """

    centre: NDArray[np.int64]
    drg: NDArray[np.int64]
    setting: NDArray[np.int64]
    cases: NDArray[np.int64]
    bed_days: NDArray[np.int64]
    quantity: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.centre)


def row_quantities(inputs: Inputs) -> NDArray[np.int64]:
    """Of each row of what was treated, the count its centre's cost is divided by."""
    activity = inputs.activity
    bases = np.array(
        [
            _BASES.index(inputs.centres[provider_id][code].product_base or ProductBase.BED_DAYS)
            for provider_id, code in activity.centres
        ]
        or [0],
        dtype=np.int8,
    )
    of_row = bases[activity.centre]
    quantity = np.where(of_row == 0, activity.bed_days, activity.cases)
    units = of_row == _BASES.index(ProductBase.UNITS)
    return np.where(units, activity.units, quantity)


def sum_cells(
    activity: Activity, quantity: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
) -> Cells:
    """The rows (or those kept) summed up."""
    settings, drgs = len(activity.care_settings), len(activity.drg_codes)
    key = (activity.centre.astype(np.int64) * drgs + activity.drg) * settings + activity.setting
    columns = (activity.cases, activity.bed_days, quantity)
    if kept is not None:
        key = key[kept]
        columns = tuple(column[kept] for column in columns)  # type: ignore[assignment]
    count = len(activity.centres) * drgs * settings
    # a table by key where that is small; what occurs in it is looked for afterwards
    if count <= 1 << 26:
        present = np.zeros(count, dtype=np.bool_)
        present[key] = True
        keys = np.flatnonzero(present)
        place = np.zeros(count, dtype=np.int32)
        place[keys] = np.arange(len(keys), dtype=np.int32)
        inverse = place[key]
    else:
        keys, inverse = np.unique(key, return_inverse=True)
    sums = []
    for column in columns:
        total = np.zeros(len(keys), dtype=np.int64)
        np.add.at(total, inverse, column)
        sums.append(total)
    centre_drg, setting = np.divmod(keys, settings)
    centre, drg = np.divmod(centre_drg, drgs)
    return Cells(centre, drg, setting, *sums)


def product_quantities(inputs: Inputs) -> dict[tuple[str, str], int]:
    """The whole quantity of each treating centre, by (provider, code)."""
    totals = np.zeros(len(inputs.activity.centres), dtype=np.int64)
    np.add.at(totals, inputs.activity.centre, row_quantities(inputs))
    return dict(zip(inputs.activity.centres, totals.tolist(), strict=True))
