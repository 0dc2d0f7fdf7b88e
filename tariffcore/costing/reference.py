"""The slow twin of costing: plain fractions, laid out as the textbook says it, sharing no arithmetic.

It takes inputs that were read (`inputs.read_inputs`) and says what the run must find: charges of assets,
costs of treating centres, weights, base rate, profiles. Nothing is rounded but what is named as rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from tariffcore.costing.depreciation import Method
from tariffcore.costing.model import Asset, Inputs, ProductBase, Stretch
from tariffcore.costing.parameters import AllocationMethod, ProfileBy, TrimBy, TrimOf, TrimRule

Centre = tuple[str, str]
"""(provider_id, cost centre)."""


def half_up(value: Fraction) -> int:
    """The nearest whole number; of two equally near the one further from zero."""
    floor = value.numerator // value.denominator
    rest = value - floor
    if rest == Fraction(1, 2):
        return floor + 1 if value > 0 else floor
    return floor + 1 if rest > Fraction(1, 2) else floor


# --- assets: month by month


def charged_by(
    asset: Asset, stretch: Stretch, moment: int, discount_rate: Fraction | None
) -> tuple[int, int]:
    """Depreciation and interest of a stretch of an asset's life up to a moment, in minor units."""
    if stretch.end is not None:
        moment = min(moment, stretch.end)
    years = max(Fraction(moment - stretch.start, 24), Fraction(0))
    life = stretch.life / 24
    depreciable = Fraction(stretch.opening_minor - stretch.residual_minor)
    if asset.method is Method.NOT_DEPRECIATED or years == 0:
        return 0, 0
    if asset.method is Method.STRAIGHT_LINE:
        return half_up(depreciable * min(years / life, Fraction(1))), 0
    if asset.method is Method.UNITS_OF_PRODUCTION:
        used = max((units for end, units in asset.usage if end <= moment), default=Fraction(0))
        assert stretch.life_units is not None
        used -= stretch.used_before
        return half_up(depreciable * min(used / stretch.life_units, Fraction(1))), 0
    if asset.method is Method.DECLINING_BALANCE:
        return _declining(stretch, years, life), 0
    assert discount_rate is not None
    return _annuity(stretch, years, life, discount_rate)


def _declining(stretch: Stretch, years: Fraction, life: Fraction) -> int:
    assert stretch.rate is not None
    book = stretch.opening_minor
    charged = 0
    year = Fraction(0)
    while year < life and year < years:
        length = min(Fraction(1), life - year)
        by_rate = half_up(book * stretch.rate * length)
        level = half_up((book - stretch.residual_minor) * length / (life - year))
        charge = min(max(by_rate, level), book - stretch.residual_minor)
        part = min((years - year) / length, Fraction(1))
        charged += charge if part == 1 else half_up(charge * part)
        book -= charge
        year += length
    return charged


def _annuity(stretch: Stretch, years: Fraction, life: Fraction, rate: Fraction) -> tuple[int, int]:
    """A loan of the cost, paid back to the residual value in equal yearly amounts."""
    cost, residual = Fraction(stretch.opening_minor), Fraction(stretch.residual_minor)
    count = int(life)
    if rate == 0:
        payment = (cost - residual) / count
    else:
        discount = (1 + rate) ** -count
        payment = (cost - residual * discount) * rate / (1 - discount)
    owed = cost
    principal = interest = Fraction(0)
    for year in range(count):
        part = min(max(years - year, Fraction(0)), Fraction(1))
        of_interest = owed * rate
        principal += (payment - of_interest) * part
        interest += of_interest * part
        owed -= payment - of_interest
    assert owed == residual
    return half_up(principal), half_up(interest)


def charges(inputs: Inputs) -> dict[Centre, list[int]]:
    """What assets charge in the period, by centre and component."""
    parameters = inputs.parameters
    names = [component.name for component in parameters.components]
    start = parameters.start.year * 24 + (parameters.start.month - 1) * 2
    end = parameters.end.year * 24 + (parameters.end.month - 1) * 2
    found: dict[Centre, list[int]] = {}
    for asset in inputs.assets:
        amounts = found.setdefault((asset.provider_id, asset.cost_centre), [0] * len(names))
        for stretch in asset.stretches:
            before = charged_by(asset, stretch, start, parameters.discount_rate)
            after = charged_by(asset, stretch, end, parameters.discount_rate)
            amounts[names.index(asset.asset_class.component)] += after[0] - before[0]
            if asset.method is Method.ANNUITY:
                assert parameters.interest_component is not None
                amounts[names.index(parameters.interest_component)] += after[1] - before[1]
    return found


# --- allocation: one centre after another, or all at once


def allocated(inputs: Inputs, method: AllocationMethod | None = None) -> dict[Centre, list[Fraction]]:
    """The cost of every treating centre by component."""
    found: dict[Centre, list[Fraction]] = {}
    charged = charges(inputs)
    for provider_id in inputs.centres:
        costs = {
            code: [
                Fraction(booked + asset)
                for booked, asset in zip(
                    inputs.ledger.get((provider_id, code), [0] * len(inputs.component_names)),
                    charged.get((provider_id, code), [0] * len(inputs.component_names)),
                    strict=True,
                )
            ]
            for code in inputs.centres[provider_id]
        }
        after = _passed_on(inputs, provider_id, costs, method or inputs.parameters.method)
        found.update({(provider_id, code): amounts for code, amounts in after.items()})
    return found


def _base(inputs: Inputs, provider_id: str, code: str) -> dict[str, Fraction]:
    centre = inputs.centres[provider_id][code]
    if centre.allocation_base == "shares":
        received = inputs.shares.get((provider_id, code), {})
    else:
        received = inputs.quantities.get((provider_id, centre.allocation_base or ""), {})
    return {other: quantity for other, quantity in received.items() if other != code and quantity}


def _passed_on(
    inputs: Inputs, provider_id: str, costs: dict[str, list[Fraction]], method: AllocationMethod
) -> dict[str, list[Fraction]]:
    centres = inputs.centres[provider_id]
    treating = [code for code, centre in centres.items() if centre.treats]
    serving = _order(inputs, provider_id, costs)
    if method is AllocationMethod.RECIPROCAL:
        return _at_once(inputs, provider_id, costs, serving, treating)
    costs = {code: list(amounts) for code, amounts in costs.items()}
    closed: set[str] = set()
    gathered = {code: list(costs[code]) for code in treating}
    for code in serving:
        closed.add(code)
        receivers = {
            other: quantity
            for other, quantity in _base(inputs, provider_id, code).items()
            if other in treating or (method is AllocationMethod.STEP_DOWN and other not in closed)
        }
        total = sum(receivers.values(), Fraction(0))
        for component, amount in enumerate(costs[code]):
            for other, quantity in receivers.items() if amount else ():
                into = gathered if other in gathered else costs
                into[other][component] += amount * quantity / total
    return gathered


def _order(inputs: Inputs, provider_id: str, costs: dict[str, list[Fraction]]) -> list[str]:
    """Overhead, then ancillary; what is declared first; who serves most; who costs most; as in the file."""
    centres = inputs.centres[provider_id]
    left = [code for code, centre in centres.items() if not centre.treats]
    order: list[str] = []
    while left:
        candidates = [
            code
            for code in left
            if not any(other in centres[code].after for other in left)
            and not (
                centres[code].kind == "ancillary" and any(centres[other].kind == "overhead" for other in left)
            )
        ]
        best = candidates[0]
        for code in candidates[1:]:
            serves, best_serves = (len(_base(inputs, provider_id, one)) for one in (code, best))
            if serves > best_serves or (serves == best_serves and sum(costs[code]) > sum(costs[best])):
                best = code
        order.append(best)
        left.remove(best)
    return order


def _at_once(
    inputs: Inputs,
    provider_id: str,
    costs: dict[str, list[Fraction]],
    serving: list[str],
    treating: list[str],
) -> dict[str, list[Fraction]]:
    """Full cost of a serving centre = its own + what it receives of the full cost of others: solved by
    elimination, one component at a time."""
    bases = {code: _base(inputs, provider_id, code) for code in serving}
    totals = {code: sum(base.values(), Fraction(0)) for code, base in bases.items()}
    serving = [code for code in serving if totals[code]]
    gathered = {code: list(costs[code]) for code in treating}
    for component in range(len(inputs.component_names)):
        rows = [
            [
                *(
                    Fraction(code == other) - bases[other].get(code, Fraction(0)) / totals[other]
                    for other in serving
                ),
                costs[code][component],
            ]
            for code in serving
        ]
        for step in range(len(rows)):
            pivot = next((row for row in range(step, len(rows)) if rows[row][step]), None)
            if pivot is None:
                continue
            rows[step], rows[pivot] = rows[pivot], rows[step]
            rows[step] = [value / rows[step][step] for value in rows[step]]
            for other in range(len(rows)):
                if other != step:
                    factor = rows[other][step]
                    rows[other] = [
                        value - factor * own for value, own in zip(rows[other], rows[step], strict=True)
                    ]
        for giver, solved in zip(serving, rows, strict=True):
            for receiver in treating:
                share = bases[giver].get(receiver, Fraction(0)) / totals[giver]
                gathered[receiver][component] += solved[-1] * share
    return gathered


# --- unit costs, weights, base rate


Row = tuple[Centre, str, str, int, int, int, int]
"""centre, drg_code, care_setting, cases, bed-days, quantity of the centre's product base, case (or -1)."""


def rows(inputs: Inputs) -> Iterator[Row]:
    activity = inputs.activity
    for number in range(len(activity)):
        centre = activity.centres[activity.centre[number]]
        base = inputs.centres[centre[0]][centre[1]].product_base
        counts = {
            ProductBase.BED_DAYS: int(activity.bed_days[number]),
            ProductBase.CASES: int(activity.cases[number]),
            ProductBase.UNITS: int(activity.units[number]),
        }
        assert base is not None
        yield (
            centre,
            activity.drg_codes[activity.drg[number]],
            activity.care_settings[activity.setting[number]],
            counts[ProductBase.CASES],
            counts[ProductBase.BED_DAYS],
            counts[base],
            -1 if activity.case is None else int(activity.case[number]),
        )


def unit_costs(inputs: Inputs) -> dict[Centre, list[Fraction]]:
    """The cost of one bed-day, case or unit of each treating centre, by component."""
    quantity: dict[Centre, int] = {}
    for row in rows(inputs):
        quantity[row[0]] = quantity.get(row[0], 0) + row[5]
    return {
        centre: [amount / quantity[centre] for amount in amounts]
        for centre, amounts in allocated(inputs).items()
        if quantity.get(centre)
    }


Costs = dict[tuple[str, str], list[Fraction]]
"""By (drg_code, care_setting), by component."""


def group_costs(inputs: Inputs) -> tuple[Costs, dict[tuple[str, str], int]]:
    """The cost and the number of the cases that are no outliers."""
    units = unit_costs(inputs)
    costs: Costs = {}
    cases: dict[tuple[str, str], int] = {}
    for row in kept_rows(inputs, units):
        sums = costs.setdefault((row[1], row[2]), [Fraction(0)] * len(inputs.component_names))
        for component, unit in enumerate(units.get(row[0], ())):
            sums[component] += row[5] * unit
        cases[row[1], row[2]] = cases.get((row[1], row[2]), 0) + row[3]
    return costs, cases


def kept_rows(inputs: Inputs, units: dict[Centre, list[Fraction]]) -> list[Row]:
    """The rows without outliers."""
    trimming = inputs.parameters.trimming
    everything = list(rows(inputs))
    if trimming.rule is TrimRule.NONE:
        return everything
    measures: dict[object, int] = {}
    cases: dict[object, int] = {}
    groups: dict[tuple[str, str], list[object]] = {}

    def observation(row: Row) -> object:
        return row[6] if trimming.of is TrimOf.CASES else (row[0][0], row[1], row[2])

    for row in everything:
        key = observation(row)
        if key not in measures:
            groups.setdefault((row[1], row[2]), []).append(key)
        measure = row[4]
        if trimming.by is TrimBy.COST:
            measure = half_up(row[5] * sum(units.get(row[0], ()), Fraction(0)))
        measures[key] = measures.get(key, 0) + measure
        cases[key] = cases.get(key, 0) + row[3]
    if trimming.of is TrimOf.PROVIDERS:
        measures = {key: half_up(Fraction(measure, cases[key])) for key, measure in measures.items()}
    outliers: set[object] = set()
    for keys in groups.values():
        values = sorted(measures[key] for key in keys)
        if len(values) < trimming.least:
            continue
        if trimming.rule is TrimRule.INTERQUARTILE:
            first = values[-(-len(values) // 4) - 1]
            third = values[-(-3 * len(values) // 4) - 1]
            low, high = first - trimming.factor * (third - first), third + trimming.factor * (third - first)
        else:
            mean = Fraction(sum(values), len(values))
            low, high = trimming.low * mean, trimming.high * mean
        beyond = {key for key in keys if not low <= measures[key] <= high}
        if len(beyond) < len(keys):
            outliers |= beyond
    return [row for row in everything if observation(row) not in outliers]


def weights(inputs: Inputs) -> dict[str, Fraction]:
    """The weight of each group: its mean cost over the mean cost of all, rounded once."""
    costs, cases = group_costs(inputs)
    setting = inputs.parameters.weight_care_setting
    scale = 10**inputs.parameters.weight_places
    total = sum((sum(amounts) for key, amounts in costs.items() if key[1] == setting), Fraction(0))
    count = sum(number for key, number in cases.items() if key[1] == setting)
    return {
        drg: Fraction(half_up(sum(amounts) / cases[drg, at] / (total / count) * scale), scale)
        for (drg, at), amounts in costs.items()
        if at == setting and cases[drg, at]
    }


def case_mix(inputs: Inputs, found: dict[str, Fraction]) -> Fraction:
    """The sum of the weights paid, over all cases, outliers too."""
    total = Fraction(0)
    for row in rows(inputs):
        share = next(
            share for share in inputs.like.shares if share.unit == "case" and share.care_setting == row[2]
        )
        weight = found[row[1]] * share.share
        places = inputs.like.roundings.weight.places
        if share.applies_to == "weight" and places is not None:
            weight = Fraction(half_up(weight * 10**places), 10**places)
        total += row[3] * weight
    return total


def unrounded_base_rate_minor(inputs: Inputs) -> Fraction:
    """Minor units per weight of 1 before any rounding."""
    budget = inputs.parameters.budget.amount_minor
    if budget is None:
        budget = sum(map(sum, inputs.ledger.values())) + sum(map(sum, charges(inputs).values()))
    return budget / case_mix(inputs, weights(inputs))


def profile_shares(inputs: Inputs) -> dict[tuple[str, str | None], list[Fraction]]:
    """Component shares by (profile, care setting): running totals, rounded half up."""
    costs, _ = group_costs(inputs)
    known = weights(inputs)
    by = inputs.parameters.profile_by
    scale = 10**inputs.parameters.profile_places
    sums: dict[tuple[str, str | None], list[Fraction]] = {}
    for (drg, setting), amounts in costs.items():
        if drg not in known or not any(amounts):  # what has cost nothing has no shares
            continue
        profile = "all" if by is ProfileBy.CARE_SETTING else f"drg-{drg}"
        for key in ((profile, None), (profile, setting)):
            of_key = sums.setdefault(key, [Fraction(0)] * len(amounts))
            for component, amount in enumerate(amounts):
                of_key[component] += amount
    found: dict[tuple[str, str | None], list[Fraction]] = {}
    for (profile, at), amounts in sums.items():
        settings = sum(other == profile and where is not None for other, where in sums)
        if at is not None and (by is ProfileBy.DRG or settings < 2):
            continue
        running = Fraction(0)
        reached = 0
        shares = []
        for amount in amounts:
            running += amount
            now = half_up(running / sum(amounts) * scale)
            shares.append(Fraction(now - reached, scale))
            reached = now
        found[profile, at] = shares
    return found
