"""Reads the asset register: what each asset cost, how it wears out, its revaluations and its use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from tariffcore.costing.books import check_currency, note_unknown_provider, text_value
from tariffcore.costing.depreciation import HALF_MONTHS_A_YEAR, Method, moment_of
from tariffcore.costing.model import Asset, CostCentre, Stretch
from tariffcore.costing.parameters import AssetClass, Parameters
from tariffcore.costing.values import Span, half_months, life_value, quantity_value, rate_value, span_value
from tariffcore.money import format_minor
from tariffcore.schedule.values import choice, code_value, instead_of, word_value
from tariffcore.worksheets.problems import ProblemList
from tariffcore.worksheets.reading import Block
from tariffcore.worksheets.values import amount_from_zero, day_as_written, money_reader

Key = tuple[str, str]
"""(provider_id, asset_id)."""


@dataclass(frozen=True, slots=True)
class Revaluation:
    day: date
    amount_minor: int
    life_years: Fraction | None
    residual_minor: int | None
    place: str


@dataclass
class Usage:
    """Units used by asset, and where the rows stand."""

    spans: dict[Key, list[tuple[Span, Fraction]]] = field(default_factory=dict)
    places: dict[Key, str] = field(default_factory=dict)


def read_usage(blocks: Iterable[Block], parameters: Parameters) -> Usage:
    usage = Usage()
    start, end = half_months(parameters.start), half_months(parameters.end)
    for block in blocks:
        rows = zip(
            block.read("provider_id", code_value),
            block.read("asset_id", code_value),
            block.read("period", span_value),
            block.read("units", quantity_value),
            strict=True,
        )
        for row, (provider_id, asset_id, period, units) in enumerate(rows):
            if period is not None and any(period.start < edge < period.end for edge in (start, end)):
                block.note(
                    row,
                    "period",
                    block.cells["period"][row],
                    f"lies partly in the run's period, {parameters.start} up to {parameters.end}",
                    "give the months in rows of their own",
                )
            if provider_id is None or asset_id is None or period is None or units is None:
                continue
            key = provider_id, asset_id
            spans = usage.spans.setdefault(key, [])
            if any(other.start < period.end and period.start < other.end for other, _ in spans):
                block.note(
                    row,
                    "period",
                    block.cells["period"][row],
                    f"overlaps another period of asset {asset_id!r}",
                    "give each month once",
                )
            spans.append((period, units))
            usage.places.setdefault(key, f"{block.place}:{block.lines[row]}")
    return usage


def read_revaluations(blocks: Iterable[Block], parameters: Parameters) -> dict[Key, list[Revaluation]]:
    """By asset, in date order."""
    found: dict[Key, list[Revaluation]] = {}
    minor = amount_from_zero(money_reader(parameters.minor_units))
    for block in blocks:
        rows = zip(
            block.read("provider_id", code_value),
            block.read("asset_id", code_value),
            block.read("date", day_as_written),
            block.read("revalued_amount", minor),
            block.read("remaining_life_years", life_value, required=False),
            block.read("residual_value", minor, required=False),
            block.read("source", text_value),
            strict=True,
        )
        for row, (provider_id, asset_id, day, amount, life, residual, _) in enumerate(rows):
            if provider_id is None or asset_id is None or day is None or amount is None:
                continue
            place = f"{block.place}:{block.lines[row]}"
            found.setdefault((provider_id, asset_id), []).append(
                Revaluation(day, amount, life, residual, place)
            )
    for revaluations in found.values():
        revaluations.sort(key=lambda revaluation: revaluation.day)
    return found


class RegisterReader:
    """Makes assets of the rows of the register, with what revaluations and usage say of them."""

    def __init__(
        self,
        parameters: Parameters,
        centres: Mapping[str, Mapping[str, CostCentre]],
        revaluations: Mapping[Key, list[Revaluation]],
        usage: Usage,
    ) -> None:
        self._parameters = parameters
        self._centres = centres
        self._revaluations = revaluations
        self._usage = usage
        self._classes = {of.name: of for of in parameters.asset_classes}
        self._lines: dict[Key, int] = {}
        self._known: dict[object, _Spreading] = {}
        self.assets: list[Asset] = []

    def read(self, blocks: Iterable[Block]) -> None:
        minor = amount_from_zero(money_reader(self._parameters.minor_units))
        known: list[dict] = [{} for _ in range(9)]  # type: ignore[type-arg]
        for block in blocks:
            check_currency(block, self._parameters)
            columns = (
                block.read("provider_id", code_value, known=known[0]),
                block.read("asset_id", code_value),
                block.read(
                    "asset_class", lambda text: self._classes[choice(text, self._classes)], known=known[1]
                ),
                block.read("cost_centre", word_value, known=known[2]),
                block.read("acquisition_cost", minor),
                block.read("residual_value", minor),
                block.read("commissioned", day_as_written, known=known[3]),
                block.read("disposed", day_as_written, required=False, known=known[4]),
                block.read(
                    "method", lambda text: Method(choice(text, list(Method))), required=False, known=known[5]
                ),
                block.read("useful_life_years", life_value, required=False, known=known[6]),
                block.read("rate", rate_value, required=False, known=known[7]),
                block.read("life_units", quantity_value, required=False, known=known[8]),
            )
            for row, cells in enumerate(zip(*columns, strict=True)):
                if all(cell is not None for cell in cells[:7]):
                    self._take(block, row, _Row(*cells))

    def _take(self, block: Block, row: int, cells: _Row) -> None:
        key = cells.provider_id, cells.asset_id
        place = f"{block.place}:{block.lines[row]}"
        if key in self._lines:
            block.note(
                row,
                "asset_id",
                cells.asset_id,
                f"stands in line {self._lines[key]} already",
                "keep one of the two rows, or number them apart",
            )
            return
        self._lines[key] = block.lines[row]
        before = len(block.problems)
        of_provider = self._centres.get(cells.provider_id)
        if of_provider is None:
            note_unknown_provider(block.problems, place, cells.provider_id, self._centres)
        elif cells.cost_centre not in of_provider:
            block.note(
                row,
                "cost_centre",
                cells.cost_centre,
                f"is not a cost centre of {cells.provider_id!r}",
                instead_of(cells.cost_centre, of_provider),
            )
        if cells.disposed is not None and cells.disposed < cells.commissioned:
            block.note(
                row,
                "disposed",
                cells.disposed.isoformat(),
                f"is before the day it was commissioned, {cells.commissioned}",
                "correct one of the two days",
            )
        if cells.residual_minor > cells.cost_minor:
            block.note(
                row,
                "residual_value",
                block.cells["residual_value"][row],
                f"is more than the asset cost, {block.cells['acquisition_cost'][row]}",
                "write what will be left of the cost; 0 if nothing",
            )
        kind = (cells.asset_class.name, cells.method, cells.life_years, cells.rate, cells.life_units)
        own = self._known.get(kind)
        if own is None:
            own = self._spreading(block, row, cells)
            if own is not None and len(block.problems) == before:
                self._known[kind] = own
        if own is None or len(block.problems) > before:
            return
        revaluations = self._revaluations.get(key, [])
        stretches = self._stretches(cells, own, revaluations, block.problems)
        usage: list[tuple[int, Fraction]] = []
        used = Fraction(0)
        for span, units in sorted(self._usage.spans.get(key, ()), key=lambda pair: pair[0].start):
            used += units
            usage.append((span.end, used))
        if usage and own.method is not Method.UNITS_OF_PRODUCTION:
            block.problems.note(
                self._usage.places[key],
                "asset_id",
                cells.asset_id,
                f"is charged by {own.method.value}, so its use has no effect",
                "write units_of_production as its method in assets, or remove the rows",
            )
        if own.method is Method.UNITS_OF_PRODUCTION and not usage:
            block.note(
                row,
                "method",
                own.method.value,
                "there is no row of its use",
                "give its units in the table usage",
            )
        names = block.cells["name"]
        self.assets.append(
            Asset(
                cells.provider_id,
                cells.asset_id,
                names[row],
                cells.asset_class,
                cells.cost_centre,
                own.method,
                stretches,
                tuple(usage),
                place,
            )
        )

    def _spreading(self, block: Block, row: int, cells: _Row) -> _Spreading | None:
        """How the asset wears out: what it says itself, else what its class says. None: a problem."""
        of_class = cells.asset_class
        method = cells.method or of_class.method
        if method is None:
            message = f"is empty, and the class {of_class.name!r} has none"
            block.note(row, "method", None, message, "write one, or give it to the class in costing.toml")
            return None
        if method is Method.NOT_DEPRECIATED:
            return _Spreading(method, Fraction(0), None, None)
        life_years = cells.life_years or (None if cells.rate else of_class.useful_life_years)
        rate = cells.rate or (None if cells.life_years else of_class.rate)
        if method is Method.DECLINING_BALANCE:  # needs both; the class may add either
            life_years = life_years or of_class.useful_life_years
            rate = rate or of_class.rate or (None if life_years is None else min(Fraction(1), 2 / life_years))
        elif method is Method.STRAIGHT_LINE and life_years is not None and rate is not None:
            if life_years * rate != 1:
                message = f"a life of {life_years} years and a rate of {rate} a year contradict each other"
                block.note(row, "rate", block.cells["rate"][row] or str(rate), message, "give one of the two")
            rate = None
        if method is Method.UNITS_OF_PRODUCTION:
            if not cells.life_units:
                block.note(
                    row,
                    "life_units",
                    block.cells["life_units"][row] or None,
                    "is needed by units_of_production",
                    "write how many units the asset gives in its whole life",
                )
                return None
            return _Spreading(method, Fraction(0), None, cells.life_units)
        if life_years is None and rate is None:
            message = f"is empty, and the class {of_class.name!r} has neither life nor rate"
            way_out = "write the years it lasts or its yearly rate"
            block.note(row, "useful_life_years", None, message, way_out)
            return None
        if life_years is None and method is not Method.STRAIGHT_LINE:
            message = f"is empty, and {method.value} needs a life"
            block.note(row, "useful_life_years", None, message, "write the years it lasts")
            return None
        if life_years is None:
            assert rate is not None
            life_years = 1 / rate
        if method is Method.ANNUITY:
            if life_years.denominator != 1:
                block.note(
                    row,
                    "useful_life_years",
                    block.cells["useful_life_years"][row] or str(life_years),
                    "an annuity has whole years",
                    "write whole years, or take straight_line",
                )
                return None
            if self._parameters.discount_rate is None:
                block.note(
                    row,
                    "method",
                    method.value,
                    "needs a discount rate, and the run has none",
                    'add discount_rate = "0.08" and interest_component to [depreciation] in costing.toml',
                )
                return None
        return _Spreading(method, life_years * HALF_MONTHS_A_YEAR, rate, None)

    def _stretches(
        self, cells: _Row, own: _Spreading, revaluations: list[Revaluation], problems: ProblemList
    ) -> tuple[Stretch, ...]:
        convention = self._parameters.convention
        start = moment_of(cells.commissioned, convention)
        disposal = None if cells.disposed is None else moment_of(cells.disposed, convention)
        stretches = [
            Stretch(
                start, disposal, cells.cost_minor, cells.residual_minor, own.life, own.rate, own.life_units
            )
        ]
        key = cells.provider_id, cells.asset_id
        for revaluation in revaluations:
            at = moment_of(revaluation.day, convention)
            last = stretches[-1]
            if at <= last.start or (disposal is not None and at >= disposal):
                problems.note(
                    revaluation.place,
                    "date",
                    revaluation.day.isoformat(),
                    f"is not within the life of asset {cells.asset_id!r}, or in the month of another "
                    "revaluation",
                    "correct the day, or remove the row",
                )
                continue
            residual_minor = last.residual_minor
            if revaluation.residual_minor is not None:
                residual_minor = revaluation.residual_minor
            if residual_minor > revaluation.amount_minor:
                problems.note(
                    revaluation.place,
                    "revalued_amount",
                    format_minor(revaluation.amount_minor, self._parameters.minor_units),
                    "is less than the residual value, "
                    + format_minor(residual_minor, self._parameters.minor_units),
                    "give the new residual value too",
                )
                continue
            life = last.life - (at - last.start)
            if revaluation.life_years is not None:
                life = revaluation.life_years * HALF_MONTHS_A_YEAR
            used = Fraction(0)
            units = None
            if own.life_units is not None:
                used = sum(
                    (count for span, count in self._usage.spans.get(key, ()) if span.end <= at), Fraction(0)
                )
                units = own.life_units - used
            left = life if units is None else units
            if left <= 0 or (own.method is Method.ANNUITY and (life / HALF_MONTHS_A_YEAR).denominator != 1):
                problems.note(
                    revaluation.place,
                    "remaining_life_years",
                    None,
                    "nothing is left of the asset's life to depreciate the new amount over"
                    if left <= 0
                    else "an annuity has whole years, and the life left has not",
                    "write the years that it will last from this day",
                )
                continue
            stretches[-1] = Stretch(
                last.start,
                at,
                last.opening_minor,
                last.residual_minor,
                last.life,
                last.rate,
                last.life_units,
                last.used_before,
            )
            stretches.append(
                Stretch(at, disposal, revaluation.amount_minor, residual_minor, life, own.rate, units, used)
            )
        return tuple(stretches)

    def check_named(self, problems: ProblemList) -> None:
        """Revaluations and usage are of assets that there are."""
        named = [(key, revaluations[0].place) for key, revaluations in self._revaluations.items()]
        for key, place in (*named, *self._usage.places.items()):
            if key not in self._lines:
                of_provider = [asset for provider, asset in self._lines if provider == key[0]]
                problems.note(
                    place,
                    "asset_id",
                    key[1],
                    f"is not in the asset register of {key[0]!r}",
                    instead_of(key[1], of_provider, listed=of_provider[:8]),
                )


class _Row(NamedTuple):
    provider_id: str
    asset_id: str
    asset_class: AssetClass
    cost_centre: str
    cost_minor: int
    residual_minor: int
    commissioned: date
    disposed: date | None
    method: Method | None
    life_years: Fraction | None
    rate: Fraction | None
    life_units: Fraction | None


@dataclass(frozen=True, slots=True)
class _Spreading:
    """Life in half-months."""

    method: Method
    life: Fraction
    rate: Fraction | None
    life_units: Fraction | None
