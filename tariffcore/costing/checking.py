"""Whether the inputs of a run fit together: every cost can reach a case, and every case is of something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from tariffcore.costing.allocation import CircularOrderError, allocation_order, final_shares, passing_weights
from tariffcore.costing.model import CostCentre, Inputs
from tariffcore.costing.parameters import TrimOf, TrimRule
from tariffcore.costing.product import product_quantities
from tariffcore.costing.tables import SHARES_BASE
from tariffcore.schedule.values import instead_of
from tariffcore.worksheets.problems import ProblemList


def check_inputs(
    inputs: Inputs, problems: ProblemList, *, statistics_read: bool = True, activity_read: bool = True
) -> None:
    """Adds every problem of the inputs as a whole. What rests on statistics or on what was treated is not
    judged where those could not be read: it would only be an echo."""
    parameters = inputs.parameters
    if (
        parameters.trimming.rule is not TrimRule.NONE
        and parameters.trimming.of is TrimOf.CASES
        and inputs.activity.case is None
    ):
        problems.note(
            f"{inputs.folder}/costing.toml",
            "trimming.of",
            "cases",
            "single cases are to be trimmed, and treated holds sums of cases",
            'give cases instead of treated, or write of = "providers", or rule = "none"',
        )
    products = None
    if activity_read:
        _check_activity(inputs, problems)
        products = product_quantities(inputs)
    for provider_id, centres in inputs.centres.items():
        order = _check_order(inputs, provider_id, centres, problems)
        if order is not None and statistics_read:
            _check_ways(inputs, provider_id, order, products, problems)
        else:
            _check_bases(inputs, provider_id, centres, problems)


def _check_activity(inputs: Inputs, problems: ProblemList) -> None:
    """A group with bed-days or units has cases, at every provider; cases of the weights' care setting."""
    activity = inputs.activity
    if not len(activity):
        problems.note(activity.file, None, None, "nothing was treated", "give the rows of the period")
        return
    providers = {provider_id: number for number, provider_id in enumerate(inputs.centres)}
    provider_of = np.array([providers[provider_id] for provider_id, _ in activity.centres] or [0])
    width = len(activity.drg_codes) * len(activity.care_settings)
    key = (
        provider_of[activity.centre] * width
        + activity.drg.astype(np.int64) * len(activity.care_settings)
        + activity.setting
    )
    keys, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    cases = np.zeros(len(keys), dtype=np.int64)
    np.add.at(cases, inverse, activity.cases)
    for position in np.flatnonzero(cases == 0).tolist():
        row = int(first[position])
        drg = activity.drg_codes[activity.drg[row]]
        problems.note(
            activity.place(row),
            "cases",
            "0",
            f"group {drg!r} has cost at {activity.centres[activity.centre[row]][0]!r} "
            f"({activity.care_settings[activity.setting[row]]}) and no cases",
            "give its discharges in the row of the centre they left from, or remove its bed-days and units",
        )
    setting = inputs.parameters.weight_care_setting
    weighed = activity.drg[activity.setting == activity.care_settings.index(setting)]
    for number in sorted(set(np.unique(activity.drg).tolist()) - set(np.unique(weighed).tolist())):
        row = int(np.flatnonzero(activity.drg == number)[0])
        problems.note(
            activity.place(row),
            "care_setting",
            activity.care_settings[activity.setting[row]],
            f"group {activity.drg_codes[number]!r} has no case in {setting!r}, so it would have no weight",
            "weights come from that care setting: leave the group's cases out, join it to another group, or "
            "correct [weights] in costing.toml",
        )


def _costs(inputs: Inputs, provider_id: str) -> dict[str, int]:
    return {code: sum(amounts) for code, amounts in inputs.direct_costs(provider_id).items() if any(amounts)}


def _check_order(
    inputs: Inputs, provider_id: str, centres: Mapping[str, CostCentre], problems: ProblemList
) -> tuple[str, ...] | None:
    """The order in which a provider's centres are passed on; None (and a problem) where there is none."""
    for centre in centres.values():
        for other in centre.after:
            if other not in centres or centres[other].treats:
                problems.note(
                    centre.place,
                    "after",
                    other,
                    f"is not a centre of {provider_id!r} that is passed on",
                    instead_of(other, [code for code, of in centres.items() if not of.treats]),
                )
    weights = passing_weights(centres, inputs.quantities_of(provider_id), inputs.shares_of(provider_id))
    try:
        return allocation_order(centres, weights, _costs(inputs, provider_id))
    except CircularOrderError as error:
        problems.note(
            centres[error.cycle[0]].place,
            "after",
            "; ".join(centres[error.cycle[0]].after) or None,
            f"the order of {provider_id!r} is circular: "
            + " after ".join(repr(code) for code in error.cycle),
            "overhead is passed on before ancillary, and a centre after those in its cell; clear one of the "
            "cells",
        )
        return None


def _check_ways(
    inputs: Inputs,
    provider_id: str,
    order: Sequence[str],
    products: Mapping[tuple[str, str], int] | None,
    problems: ProblemList,
) -> None:
    """Every cost of a provider reaches a centre that treats, and there a patient."""
    centres = inputs.centres[provider_id]
    weights = passing_weights(centres, inputs.quantities_of(provider_id), inputs.shares_of(provider_id))
    costs = _costs(inputs, provider_id)
    treating = [code for code, centre in centres.items() if centre.treats]
    shares = final_shares(inputs.parameters.method, order, treating, weights)
    for code in _stuck(order, weights, costs, shares, inputs.parameters.method.value):
        _note_stuck(provider_id, centres[code], weights[code], problems)
    received = set(costs)
    for code in costs:
        end = shares.get(code)
        if end is not None:
            received |= {other for other, part in zip(treating, end.numerators, strict=True) if part}
    for code in () if products is None else treating:
        if code in received and products is not None and not products.get((provider_id, code)):
            base = centres[code].product_base
            problems.note(
                centres[code].place,
                "product_base",
                None if base is None else base.value,
                f"centre {code!r} of {provider_id!r} has cost, and nobody was treated there",
                "give its cases, bed-days or units, or pass its cost on to others by an allocation base",
            )


def _check_bases(
    inputs: Inputs, provider_id: str, centres: Mapping[str, CostCentre], problems: ProblemList
) -> None:
    """Of `_check_ways` what needs neither an order nor statistics: a cost has a base to be passed on by."""
    for code in _costs(inputs, provider_id):
        centre = centres.get(code)
        if centre is not None and not centre.treats and centre.allocation_base is None:
            _note_stuck(provider_id, centre, {}, problems)


def _note_stuck(
    provider_id: str, centre: CostCentre, weights: Mapping[str, int], problems: ProblemList
) -> None:
    problems.note(
        centre.place,
        "allocation_base",
        centre.allocation_base,
        f"centre {centre.code!r} of {provider_id!r} has cost, and " + _why_stuck(centre, weights),
        _way_out_stuck(centre),
    )


def _stuck(
    order: Sequence[str],
    weights: Mapping[str, Mapping[str, int]],
    costs: Mapping[str, int],
    shares: Mapping[str, object],
    method: str,
) -> list[str]:
    """Centres at which cost ends that can go nowhere: those whose own way is blocked, not those before
    them."""
    with_cost = {code for code in order if code in costs and shares[code] is None}
    found: list[str] = []
    seen: set[str] = set()
    waiting = [code for code in order if code in with_cost]
    while waiting:
        code = waiting.pop(0)
        if code in seen:
            continue
        seen.add(code)
        position = order.index(code)
        open_to = order[position + 1 :] if method == "step_down" else () if method == "direct" else order
        blocked = [other for other in open_to if weights[code].get(other) and shares[other] is None]
        onward = [other for other in blocked if other not in seen]
        if blocked:
            waiting.extend(onward)
            if onward or any(other in found for other in blocked):
                continue
        found.append(code)
    return found


def _why_stuck(centre: CostCentre, weights: Mapping[str, int]) -> str:
    if centre.allocation_base is None:
        return "no allocation base to pass it on by"
    if centre.allocation_base == SHARES_BASE and not weights:
        return "no agreed shares"
    if not weights:
        return f"no other centre has any {centre.allocation_base!r} in statistics"
    return f"only centres that pass nothing on have any {centre.allocation_base!r}"


def _way_out_stuck(centre: CostCentre) -> str:
    if centre.allocation_base is None:
        return "write what it is passed on by (floor_area, staff, ...) and give the quantities in statistics"
    if centre.allocation_base == SHARES_BASE:
        return "give the shares in the table shares"
    return "give the quantities of centres that come after it, or choose another base"
