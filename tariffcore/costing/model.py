"""What a costing run starts from, read and checked: books, centres, assets, statistics, what was treated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fractions import Fraction
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tariffcore.costing.depreciation import Method, Recovered
from tariffcore.costing.parameters import AssetClass, Parameters
from tariffcore.schedule.model import Schedule


class CentreKind(StrEnum):
    """Overhead serves all, ancillary serves treatment, clinical treats."""

    OVERHEAD = "overhead"
    ANCILLARY = "ancillary"
    CLINICAL = "clinical"


KIND_ORDER = {CentreKind.OVERHEAD: 0, CentreKind.ANCILLARY: 1, CentreKind.CLINICAL: 2}


class ProductBase(StrEnum):
    """What a centre's cost is divided by to cost a case: its bed-days, its discharges, its own units."""

    BED_DAYS = "bed_days"
    CASES = "cases"
    UNITS = "units"


@dataclass(frozen=True, slots=True)
class CostCentre:
    """A centre of one provider. It treats (``product_base``) or serves others (``allocation_base``)."""

    provider_id: str
    code: str
    name: str
    kind: CentreKind
    allocation_base: str | None
    product_base: ProductBase | None
    after: tuple[str, ...]
    place: str

    @property
    def treats(self) -> bool:
        return self.product_base is not None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of an asset's life with one opening amount: from commissioning, or from a revaluation.

    start, end   half-months; the end is the next revaluation or the disposal, None: open
    life         half-months from the start (straight line may have a fraction of one)
    rate         of declining balance, a year
    life_units   units that are left at the start, and ``used_before`` of the asset's own count by then
    """

    start: int
    end: int | None
    opening_minor: int
    residual_minor: int
    life: Fraction
    rate: Fraction | None = None
    life_units: Fraction | None = None
    used_before: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Asset:
    provider_id: str
    asset_id: str
    name: str
    asset_class: AssetClass
    cost_centre: str
    method: Method
    stretches: tuple[Stretch, ...]
    usage: tuple[tuple[int, Fraction], ...]
    """Units used by the end of each period of use, running total: (half-month, units)."""
    place: str


@dataclass(frozen=True, slots=True)
class GroupEntry:
    drg_code: str
    name: str
    planned_days: int | None
    flags: frozenset[str]


@dataclass(frozen=True)
class Activity:
    """What was treated: rows of (provider, centre, group, care setting) with their counts.

    centre     number in ``centres``, which holds (provider_id, cost centre)
    drg        number in ``drg_codes``
    setting    number in ``care_settings``
    case       number of the case the row belongs to; None where the rows are sums of cases
    """

    centres: tuple[tuple[str, str], ...]
    drg_codes: tuple[str, ...]
    care_settings: tuple[str, ...]
    centre: NDArray[np.int32]
    drg: NDArray[np.int32]
    setting: NDArray[np.int32]
    cases: NDArray[np.int64]
    bed_days: NDArray[np.int64]
    units: NDArray[np.int64]
    case: NDArray[np.int32] | None
    lines: NDArray[np.int64] | None
    """The line of each row of sums; None for single cases."""
    file: str

    def place(self, row: int) -> str:
        """Where a row stands, as errors name it."""
        return self.file if self.lines is None else f"{self.file}:{self.lines[row]}"

    def __len__(self) -> int:
        return len(self.centre)


@dataclass
class ClassTotals:
    """A class of assets: how many there are in use, how many past their life, and money in minor units."""

    assets: int = 0
    past_life: int = 0
    gross_minor: int = 0
    carrying_minor: int = 0
    depreciation_minor: int = 0
    interest_minor: int = 0


@dataclass
class Charges:
    """What assets charge in the period.

    by_centre   minor units by (provider, cost centre), a list by component
    by_asset    of each asset, in the order of the register
    by_class    totals by class of assets
    by_year     depreciation by calendar year and class, of the register as it stands
    past_life   assets in use that had nothing left to charge when the period began
    """

    by_centre: dict[tuple[str, str], list[int]] = field(default_factory=dict)
    by_asset: list[Recovered] = field(default_factory=list)
    by_class: dict[str, ClassTotals] = field(default_factory=dict)
    by_year: dict[int, dict[str, int]] = field(default_factory=dict)
    past_life: list[Asset] = field(default_factory=list)


def _by_provider(
    keyed: Mapping[tuple[str, str], Mapping[str, Fraction]],
) -> dict[str, dict[str, Mapping[str, Fraction]]]:
    found: dict[str, dict[str, Mapping[str, Fraction]]] = {}
    for (provider_id, other), receivers in keyed.items():
        found.setdefault(provider_id, {})[other] = receivers
    return found


@dataclass(frozen=True)
class Inputs:
    """Everything a run needs.

    centres      by provider, each by code, in file order
    ledger       minor units by (provider, cost centre), a list by component
    charges      what the assets charge in the period
    quantities   of allocation bases, by (provider, base), by receiving centre
    shares       agreed shares by (provider, giving centre), by receiving centre
    digests      SHA-256 of each file read, by name
    digest       of all of them
    """

    folder: str
    parameters: Parameters
    like: Schedule
    current: Schedule | None
    centres: Mapping[str, Mapping[str, CostCentre]]
    ledger: Mapping[tuple[str, str], list[int]]
    ledger_rows: int
    assets: tuple[Asset, ...]
    charges: Charges
    quantities: Mapping[tuple[str, str], Mapping[str, Fraction]]
    shares: Mapping[tuple[str, str], Mapping[str, Fraction]]
    groups: Mapping[str, GroupEntry]
    activity: Activity
    digests: Mapping[str, str]
    digest: str

    @property
    def providers(self) -> tuple[str, ...]:
        return tuple(self.centres)

    def quantities_of(self, provider_id: str) -> dict[str, Mapping[str, Fraction]]:
        """Of a provider's bases, what receiving centres have."""
        return self._quantities_by_provider.get(provider_id, {})

    def shares_of(self, provider_id: str) -> dict[str, Mapping[str, Fraction]]:
        """Of a provider's giving centres, what was agreed."""
        return self._shares_by_provider.get(provider_id, {})

    @cached_property
    def _quantities_by_provider(self) -> dict[str, dict[str, Mapping[str, Fraction]]]:
        return _by_provider(self.quantities)

    @cached_property
    def _shares_by_provider(self) -> dict[str, dict[str, Mapping[str, Fraction]]]:
        return _by_provider(self.shares)

    def direct_costs(self, provider_id: str) -> dict[str, list[int]]:
        """Ledger and charges of assets by cost centre of a provider, minor units by component."""
        costs: dict[str, list[int]] = {}
        for code in self.centres[provider_id]:
            booked = self.ledger.get((provider_id, code))
            charged = self.charges.by_centre.get((provider_id, code))
            if booked is None:
                costs[code] = [0] * len(self.parameters.components) if charged is None else list(charged)
            elif charged is None:
                costs[code] = list(booked)
            else:
                costs[code] = [one + other for one, other in zip(booked, charged, strict=True)]
        return costs

    @property
    def component_names(self) -> tuple[str, ...]:
        return tuple(component.name for component in self.parameters.components)
