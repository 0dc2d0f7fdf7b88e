"""What a catalog offers a sampler: codes with how often they occur, and which of them go together when.

A wheel is an array of `WHEEL` places on which everything that can be drawn has places in proportion to how
often it occurs, at least one: drawing is looking up a random 16-bit number. Floats give the shape of these
proportions and nothing else; no amount is ever computed here.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from tariffcore.errors import CatalogError, Problem
from tariffcore.schedule.catalog import Catalog
from tariffcore.schedule.limits import MAX_STAY_DAYS
from tariffcore.schedule.model import DayCount, Pay, Schedule, Unit
from tariffcore.schedule.tariff import find_share

Ints = NDArray[np.int32]
Mask = NDArray[np.bool_]

WHEEL = 65_536
NONE = -1
"""The number of "nothing there"."""

MAX_DRAWN = 8_192
"""Groups, providers and service offers beyond the most frequent so many are never drawn."""

OPEN_SPAN_DAYS = 181
"""How many days of an edition without an end are drawn."""
MAX_SPAN_DAYS = 3_653

PLANNED_DAYS_WHERE_UNKNOWN = 7
MAX_SHAPED_DAYS = 2_000
"""Stays scatter about at most so many planned days, so that none is too long to be a stay."""
AGES = 256

_SETTING_FREQUENCY = {"inpatient": 68.0, "day_hospital": 25.0, "home": 2.0, "reception_observation": 5.0}
_OUTCOME_FREQUENCY = {"discharged": 93.0, "transferred": 2.5, "self_discharged": 2.5, "died": 2.0}
_WEEKDAY_FREQUENCY = (1.25, 1.15, 1.1, 1.1, 1.2, 0.55, 0.35)
_OBSTETRIC = re.compile(r"birth|pregnan|labour|labor|obstetric|deliver|caesar|роды|родов|беремен|кесар", re.I)
_EPOCH = date(1970, 1, 1)


def wheel(frequencies: Iterable[float], size: int = WHEEL) -> Ints:
    """The positions 0, 1, ... with places in proportion to their frequencies, at least one each."""
    weights = np.fromiter(frequencies, dtype=np.float64)
    places = np.floor(weights / weights.sum() * (size - len(weights))).astype(np.int64) + 1
    places[int(weights.argmax())] += size - int(places.sum())
    return np.repeat(np.arange(len(weights), dtype=np.int32), places)


def zipf(ranks: Sequence[int], exponent: float = 1.1) -> list[float]:
    """Frequencies by rank: a few carry most, the rest trails off."""
    return [float(rank + 4) ** -exponent for rank in ranks]


@dataclass(frozen=True, slots=True, eq=False)
class GroupFrame:
    """Cost groups, most frequent first; codes unknown to every edition from ``known`` on.

    Arrays with two indices: span, group.
    """

    codes: tuple[str, ...]
    known: int
    wheel: Ints
    in_span: Mask
    has_child_weight: Mask
    same_weights: Mask
    has_planned_days: Mask
    planned_days: Ints
    newborn: Mask
    age_kind: Ints
    usual: Ints
    """Per span the most frequent group with both weights and planned days; NONE in a span without groups."""


@dataclass(frozen=True, slots=True, eq=False)
class SettingFrame:
    """Care settings; words unknown to every edition from ``known`` on."""

    words: tuple[str, ...]
    known: int
    wheels: Ints
    """By span."""
    usual: Ints
    """Per span the setting that pays a case most plainly; NONE where no case is priced."""
    max_hours: Ints
    """By span and setting; 0 = no limit."""


@dataclass(frozen=True, slots=True, eq=False)
class OutcomeFrame:
    """Outcomes; words unknown to every edition from ``known`` on."""

    words: tuple[str, ...]
    known: int
    wheels: Ints
    """By span."""
    usual: Ints
    """By span: an outcome of which no stay rule speaks."""
    death_is_asked: Mask
    """By span and outcome: whether a stay rule asks if the death was unavoidable."""
    shortest_unplanned: Ints
    """By span and outcome: the shortest stay paid without planned days; above MAX_STAY_DAYS where none is."""


@dataclass(frozen=True, slots=True, eq=False)
class ProviderFrame:
    """Providers, most frequent first; ids unknown to every edition from ``known`` on."""

    ids: tuple[str, ...]
    known: int
    matter: bool
    """Whether any edition lists providers; without, the ids are made up."""
    wheel: Ints
    covers: Mask
    """By provider and day: whether the provider can be paid."""
    usual: Ints
    """By day the most frequent provider that can be paid."""


@dataclass(frozen=True, slots=True, eq=False)
class OfferFrame:
    """Services in the settings that pay them, without and with a factor; unknown codes from ``known_...`` on.

    ``span``, ``service``, ``setting``, ``unit``, ``factor`` have one number an offer.
    """

    service_codes: tuple[str, ...]
    known_services: int
    factor_codes: tuple[str, ...]
    known_factors: int
    span: Ints
    service: Ints
    setting: Ints
    unit: Ints
    factor: Ints
    covers: Mask
    """By offer and day."""
    usual: Ints
    """By day; NONE where no service is priced."""
    wheels: Ints
    """By span."""
    in_span: Mask
    """Whether the span has any."""


@dataclass(frozen=True, slots=True, eq=False)
class ProcedureFrame:
    """Lists of procedure codes; list 0 is empty."""

    lists: tuple[tuple[str, ...], ...]
    usual_wheel: Ints
    """Of lists in which no exception speaks of a code."""
    exception_wheel: Ints
    """Of lists with an exception's code; all 0 where there is no exception."""


@dataclass(frozen=True, slots=True, eq=False)
class SamplingFrame:
    """A catalog as arrays. Days are counted from 1970-01-01; arrays by day start at ``first_day``."""

    catalog: Catalog
    schedules: tuple[Schedule, ...]
    """One a span of the catalog, in date order."""
    first_day: int
    span_start: Ints
    span_days: Ints
    """How many days of the span are drawn."""
    span_of_day: Ints
    day_wheel: Ints
    groups: GroupFrame
    settings: SettingFrame
    outcomes: OutcomeFrame
    providers: ProviderFrame
    offers: OfferFrame
    procedures: ProcedureFrame
    inclusive_days: Mask
    """By span."""
    child_age_limit: Ints
    """By span."""
    ages: Ints
    """By kind of group, `AGES` places each."""
    stay_e12: Ints
    """Wheel of stay / planned days, times 4,096."""
    addon_kinds: tuple[str, ...]
    """What lines may bring with them, and one kind that no edition knows; empty where no edition pays any."""
    cost_kind: Ints
    """By span the kind that pays items at what they have cost; NONE where none does."""
    quantities: Ints
    """By unit (in the order of `Unit`), `AGES` places each."""


def sampling_frame(catalog: Catalog, seed: int) -> SamplingFrame:
    """The frame of a catalog; the seed decides which groups and hospitals carry most cases.

    Raises CatalogError where no edition of the catalog prices any case or service.
    """
    schedules = tuple(span.schedule for span in catalog.spans)
    starts = [(span.start - _EPOCH).days for span in catalog.spans]
    lengths = [
        OPEN_SPAN_DAYS if span.end is None else min((span.end - span.start).days, MAX_SPAN_DAYS)
        for span in catalog.spans
    ]
    first_day = starts[0]
    span_of_day = np.full(starts[-1] + lengths[-1] - first_day, NONE, dtype=np.int32)
    for number, (start, length) in enumerate(zip(starts, lengths, strict=True)):
        span_of_day[start - first_day : start - first_day + length] = number
    rng = np.random.default_rng([seed, 0])
    in_shares = [share.care_setting for schedule in schedules for share in schedule.shares]
    in_vocabulary = [setting for schedule in schedules for setting in schedule.care_settings]
    settings = list(dict.fromkeys([*in_shares, *in_vocabulary]))
    setting_frame = _settings(schedules, settings)
    offers = _offers(schedules, settings, first_day, span_of_day, rng)
    is_priced = (setting_frame.usual != NONE) | offers.in_span
    if not is_priced.any():
        problem = Problem(
            catalog.tariff_family, None, None, "no edition prices any case or service", "add shares or rates"
        )
        raise CatalogError("there is nothing to draw cases from", [problem])
    return SamplingFrame(
        catalog=catalog,
        schedules=schedules,
        first_day=first_day,
        span_start=np.array(starts, dtype=np.int32),
        span_days=np.array(lengths, dtype=np.int32),
        span_of_day=span_of_day,
        day_wheel=_day_wheel(first_day, np.flatnonzero((span_of_day != NONE) & is_priced[span_of_day])),
        groups=_groups(schedules, rng),
        settings=setting_frame,
        outcomes=_outcomes(schedules),
        providers=_providers(schedules, first_day, span_of_day, rng),
        offers=offers,
        procedures=_procedures(schedules),
        inclusive_days=np.array([s.day_count is DayCount.INCLUSIVE for s in schedules]),
        child_age_limit=np.array([s.child_age_limit for s in schedules], dtype=np.int32),
        ages=_ages(),
        addon_kinds=_addon_kinds(schedules),
        cost_kind=_cost_kinds(schedules),
        stay_e12=_stays(),
        quantities=_quantities(),
    )


def _day_wheel(first_day: int, offsets: NDArray[np.intp]) -> Ints:
    """These days by season (more in winter) and weekday (few leave on a Sunday)."""
    frequencies = []
    for offset in offsets.tolist():
        day = date.fromordinal(_EPOCH.toordinal() + first_day + offset)
        season = 1 + 0.12 * math.cos(2 * math.pi * (day.timetuple().tm_yday - 20) / 365.25)
        frequencies.append(season * _WEEKDAY_FREQUENCY[day.weekday()])
    return (first_day + offsets[wheel(frequencies)]).astype(np.int32)


def _unused(candidates: Iterable[str], known: Iterable[str]) -> list[str]:
    taken = set(known)
    return [candidate for candidate in candidates if candidate not in taken]


def _groups(schedules: Sequence[Schedule], rng: np.random.Generator) -> GroupFrame:
    union = {code: group for schedule in schedules for code, group in schedule.groups.items()}
    # Light groups are treated more often than heavy ones, newborns less often than others.
    ranks = rng.permutation(len(union)).tolist()
    frequency = {
        code: often
        * (0.4 if "neonatal" in group.flags else 1.0)
        / max(float(group.relative_weight), 0.2) ** 0.6
        for (code, group), often in zip(union.items(), zipf(ranks), strict=True)
    }
    codes = sorted(union, key=lambda code: frequency[code], reverse=True)[:MAX_DRAWN]
    unknown = _unused(["999.9", "Р001", "unspecified"], union)  # the second one begins with a Cyrillic letter
    shape = (len(schedules), len(codes) + len(unknown))
    in_span, has_child, same, has_planned = (np.zeros(shape, dtype=np.bool_) for _ in range(4))
    planned = np.full(shape, PLANNED_DAYS_WHERE_UNKNOWN, dtype=np.int32)
    usual = np.full(len(schedules), NONE, dtype=np.int32)
    for span, schedule in enumerate(schedules):
        for number, code in enumerate(codes):
            group = schedule.groups.get(code)
            if group is None:
                continue
            in_span[span, number] = True
            has_child[span, number] = group.relative_weight_child is not None
            same[span, number] = group.relative_weight_child == group.relative_weight
            has_planned[span, number] = group.planned_days is not None
            planned[span, number] = min(group.planned_days or PLANNED_DAYS_WHERE_UNKNOWN, MAX_SHAPED_DAYS)
        good = in_span[span] & has_child[span] & has_planned[span]
        chosen = np.flatnonzero(good if good.any() else in_span[span])
        usual[span] = chosen[0] if len(chosen) else NONE
    newborn = np.array(["neonatal" in union[code].flags for code in codes] + [False] * len(unknown))
    kinds = [
        0 if "neonatal" in union[code].flags else 1 if _OBSTETRIC.search(union[code].name) else 2 + roll
        for code, roll in zip(codes, rng.integers(0, 2, len(codes)).tolist(), strict=True)
    ]
    return GroupFrame(
        codes=(*codes, *unknown),
        known=len(codes),
        wheel=wheel(frequency[code] for code in codes) if codes else np.zeros(WHEEL, dtype=np.int32),
        in_span=in_span,
        has_child_weight=has_child,
        same_weights=same,
        has_planned_days=has_planned,
        planned_days=planned,
        newborn=newborn,
        age_kind=np.array(kinds + [2] * len(unknown), dtype=np.int32),
        usual=usual,
    )


def _settings(schedules: Sequence[Schedule], settings: Sequence[str]) -> SettingFrame:
    unknown = _unused(["hospital", "Inpatient"], settings)
    wheels = np.zeros((len(schedules), WHEEL), dtype=np.int32)
    usual = np.full(len(schedules), NONE, dtype=np.int32)
    max_hours = np.zeros((len(schedules), len(settings) + len(unknown)), dtype=np.int32)
    for span, schedule in enumerate(schedules):
        shares = [share for share in schedule.shares if share.unit is Unit.CASE]
        for share in shares:
            max_hours[span, settings.index(share.care_setting)] = share.max_hours or 0
        if shares and schedule.groups:
            numbers = np.array([settings.index(share.care_setting) for share in shares], dtype=np.int32)
            wheels[span] = numbers[wheel(_SETTING_FREQUENCY.get(share.care_setting, 5.0) for share in shares)]
            plainest = min(shares, key=lambda share: (share.max_hours is not None, share.share != 1))
            usual[span] = settings.index(plainest.care_setting)
    return SettingFrame(
        words=(*settings, *unknown),
        known=len(settings),
        wheels=wheels,
        usual=usual,
        max_hours=max_hours,
    )


def _outcomes(schedules: Sequence[Schedule]) -> OutcomeFrame:
    outcomes = list(dict.fromkeys(outcome for schedule in schedules for outcome in schedule.outcomes))
    unknown = _unused(["recovered", "Discharged"], outcomes)
    wheels = np.zeros((len(schedules), WHEEL), dtype=np.int32)
    usual = np.zeros(len(schedules), dtype=np.int32)
    shortest = np.zeros((len(schedules), len(outcomes) + len(unknown)), dtype=np.int32)
    asked = np.zeros(shortest.shape, dtype=np.bool_)
    for span, schedule in enumerate(schedules):
        under_rules = {outcome for rule in schedule.stay_rules for outcome in rule.outcomes}
        plain = [outcome for outcome in schedule.outcomes if outcome not in under_rules]
        chosen = (plain or list(schedule.outcomes))[0]
        usual[span] = outcomes.index(chosen)
        numbers = np.array([outcomes.index(outcome) for outcome in schedule.outcomes], dtype=np.int32)
        wheels[span] = numbers[
            wheel(
                _OUTCOME_FREQUENCY.get(outcome, 93.0 if outcome == chosen else 2.0)
                for outcome in schedule.outcomes
            )
        ]
        for rule in schedule.stay_rules:
            for number in [outcomes.index(outcome) for outcome in rule.outcomes or schedule.outcomes]:
                asked[span, number] |= rule.death_unavoidable is not None
                if rule.pay is Pay.PER_PLANNED_DAY:
                    first = 1 + (MAX_STAY_DAYS if rule.max_days is None else rule.max_days)
                    shortest[span, number] = max(shortest[span, number], first)
    return OutcomeFrame(
        words=(*outcomes, *unknown),
        known=len(outcomes),
        wheels=wheels,
        usual=usual,
        death_is_asked=asked,
        shortest_unplanned=shortest,
    )


def _days_of(
    start: date, end: date | None, first_day: int, span: int, span_of_day: Ints
) -> tuple[slice, Mask]:
    """The part of the day arrays between two dates, and which of its days belong to the span."""
    low = max((start - _EPOCH).days - first_day, 0)
    high = len(span_of_day) if end is None else max((end - _EPOCH).days - first_day, low)
    part = slice(low, high)
    return part, span_of_day[part] == span


def _providers(
    schedules: Sequence[Schedule], first_day: int, span_of_day: Ints, rng: np.random.Generator
) -> ProviderFrame:
    listed = list(dict.fromkeys(provider for s in schedules for provider in s.providers or {}))
    matter = bool(listed)
    if not listed:
        listed = [f"H{number:03}" for number in range(1, 41)]
    ids = [listed[number] for number in rng.permutation(len(listed)).tolist()][:MAX_DRAWN]
    unknown = _unused(["H999-R99", "NO-SUCH-HOSPITAL"], listed)
    covers = np.zeros((len(ids) + len(unknown), len(span_of_day)), dtype=np.bool_)
    for span, schedule in enumerate(schedules):
        if schedule.providers is None:
            covers[:, span_of_day == span] = True
            continue
        for number, provider_id in enumerate(ids):
            for period in schedule.providers.get(provider_id, ()):
                part, of_span = _days_of(
                    period.effective_start_date, period.effective_end_date, first_day, span, span_of_day
                )
                covers[number, part] |= of_span
    return ProviderFrame(
        ids=(*ids, *unknown),
        known=len(ids),
        matter=matter,
        wheel=wheel(zipf(range(len(ids)), 0.9)),
        covers=covers,
        usual=covers.argmax(axis=0).astype(np.int32),
    )


def _offers(
    schedules: Sequence[Schedule],
    settings: Sequence[str],
    first_day: int,
    span_of_day: Ints,
    rng: np.random.Generator,
) -> OfferFrame:
    """Every service in every setting that pays it, once without and once with each factor of its unit."""
    units = list(Unit)
    cost_kinds = _cost_kinds(schedules)
    services = list(dict.fromkeys(code for schedule in schedules for code in schedule.services))[:MAX_DRAWN]
    factors = list(dict.fromkeys(f.factor_code for schedule in schedules for f in schedule.factors))
    offers: list[tuple[int, int, int, int, int]] = []
    covers: list[Mask] = []
    for span, schedule in enumerate(schedules):
        bare: list[tuple[int, int, Unit, Mask]] = []
        for number, code in enumerate(services):
            rows = schedule.services.get(code, ())
            for setting in dict.fromkeys(settings):
                on_days = np.zeros(len(span_of_day), dtype=np.bool_)
                for row in rows:
                    if row.unit is Unit.ITEM and cost_kinds[span] == NONE:
                        continue  # nothing could say what it has cost
                    priced = find_share(schedule, row.unit, setting) if row.care_setting is None else True
                    if row.care_setting in (None, setting) and priced:
                        part, of_span = _days_of(
                            row.effective_start_date, row.effective_end_date, first_day, span, span_of_day
                        )
                        on_days[part] |= of_span
                if on_days.any():
                    bare.append((number, settings.index(setting), rows[0].unit, on_days))
        kept = sorted(rng.permutation(len(bare))[: MAX_DRAWN // 16].tolist())
        for service, setting_number, unit, on_days in (bare[position] for position in kept):
            offers.append((span, service, setting_number, units.index(unit), NONE))
            covers.append(on_days)
            known = [f for f in schedule.factors if f.unit is unit]
            for factor in known[:15]:
                begin = factor.effective_start_date or schedule.effective_start_date
                part, of_span = _days_of(begin, factor.effective_end_date, first_day, span, span_of_day)
                in_force = np.zeros(len(span_of_day), dtype=np.bool_)
                in_force[part] = of_span
                if (on_days & in_force).any():
                    number = factors.index(factor.factor_code)
                    offers.append((span, service, setting_number, units.index(unit), number))
                    covers.append(on_days & in_force)
    of_span = np.array([offer[0] for offer in offers], dtype=np.int32)
    wheels = np.zeros((len(schedules), WHEEL), dtype=np.int32)
    for span in range(len(schedules)):
        numbers = np.flatnonzero(of_span == span).astype(np.int32)
        if len(numbers):
            wheels[span] = numbers[wheel(6.0 if offers[number][4] == NONE else 1.0 for number in numbers)]
    covered = np.array(covers) if covers else np.zeros((1, len(span_of_day)), dtype=np.bool_)
    columns = np.array(offers or [(0, NONE, 0, 0, NONE)], dtype=np.int32).T
    return OfferFrame(
        service_codes=(*services, *_unused(["S-0000", "unspecified"], services)),
        known_services=len(services),
        factor_codes=(*factors, *_unused(["night_visit"], factors)),
        known_factors=len(factors),
        span=columns[0],
        service=columns[1],
        setting=columns[2],
        unit=columns[3],
        factor=columns[4],
        covers=covered,
        usual=np.where(covered.any(axis=0), covered.argmax(axis=0), NONE).astype(np.int32),
        wheels=wheels,
        in_span=np.array([bool((of_span == span).any()) for span in range(len(schedules))]),
    )


def _addon_kinds(schedules: Sequence[Schedule]) -> tuple[str, ...]:
    kinds = list(dict.fromkeys(addon.kind for schedule in schedules for addon in schedule.addons))
    return (*kinds, *_unused(["unlisted_drug"], kinds)) if kinds else ()


def _cost_kinds(schedules: Sequence[Schedule]) -> Ints:
    kinds = _addon_kinds(schedules)
    of_items = [
        next((a.kind for a in schedule.addons if a.unit is Unit.ITEM and not a.care_settings), None)
        for schedule in schedules
    ]
    return np.array([NONE if kind is None else kinds.index(kind) for kind in of_items], dtype=np.int32)


def _procedures(schedules: Sequence[Schedule]) -> ProcedureFrame:
    """Lists of one to three procedure codes; codes of exceptions are spelt as differently as people do."""
    listed = sorted(
        {
            code
            for schedule in schedules
            for share in schedule.shares
            for exception in share.exceptions
            for code in exception.procedures
        }
    )
    ordinary = _unused(
        ("8703", "8838", "8952", "3893", "9904", "9671", "4516", "5794", "8876", "9059", "0331", "9339"),
        listed,
    )
    dotted = [f"{code[:2]}.{code[2:]}" for code in ordinary]
    lists: list[tuple[str, ...]] = [()]
    for position, code in enumerate(dotted):
        lists += [(code,), (code, dotted[position - 1]), (code, dotted[position - 2], dotted[position - 3])]
    last_usual = len(lists)
    for position, code in enumerate(listed):
        spelt = f"{code[:2]}.{code[2:]}"
        lists += [(spelt,), (dotted[position % len(dotted)], f" {spelt}"), (code, dotted[0])]
    return ProcedureFrame(
        lists=tuple(lists),
        usual_wheel=wheel([85.0, *(1.0 for _ in range(last_usual - 1))]),
        exception_wheel=last_usual + wheel(1.0 for _ in lists[last_usual:])
        if listed
        else np.zeros(WHEEL, dtype=np.int32),
    )


def _ages() -> Ints:
    """Ages of newborns, of women in childbirth, of patients of all ages, and of mostly old patients."""
    in_childbirth = [1 - abs(age - 28) / 18 for age in range(13, 46)]
    of_all_ages = [(0.8 if age < 18 else 1.0) * max(0.05, 1 - abs(age - 45) / 70) for age in range(99)]
    mostly_old = [0.03 if age < 40 else max(0.1, 1 - abs(age - 70) / 32) for age in range(101)]
    newborn = np.zeros(AGES, dtype=np.int32)
    return np.stack(
        [newborn, 13 + wheel(in_childbirth, AGES), wheel(of_all_ages, AGES), wheel(mostly_old, AGES)]
    )


def _stays() -> Ints:
    """Log-normal about the planned days, a little below them."""
    standard = NormalDist()
    ratios = [math.exp(0.42 * standard.inv_cdf((place + 0.5) / WHEEL) - 0.08) for place in range(WHEEL)]
    return np.array([int(4096 * ratio) for ratio in ratios], dtype=np.int32)


def _quantities() -> Ints:
    """Counts by unit: cases, bed-days, services, calls, persons."""
    table = np.ones((len(Unit), AGES), dtype=np.int32)
    places = np.arange(AGES)
    table[list(Unit).index(Unit.BED_DAY)] = 4 + places * 17 // AGES
    table[list(Unit).index(Unit.SERVICE)] = np.maximum(1, (places - 180) // 12)
    table[list(Unit).index(Unit.PERSON_MONTH)] = 40 + places * places // 20
    return table
