"""The rules of settlement as data: defects, linear scale, advances, deadlines, each with its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from tariffcore.money import RoundingMode


class DefectBasis(StrEnum):
    """What a defect is measured by on a contract line: which column of the defect table applies to it."""

    CASE = "case"
    BED_DAY = "bed_day"
    OUTPATIENT = "outpatient"
    PRIMARY_CARE = "primary_care"
    AMBULANCE = "ambulance"

    @property
    def in_norms(self) -> bool:
        """Whether its column counts norms; the others are per cent of the priced amount."""
        return self in (DefectBasis.PRIMARY_CARE, DefectBasis.AMBULANCE)


class SeveralDefects(StrEnum):
    """What several defects of one line take off: all of them together, or only the largest."""

    SUM = "sum"
    LARGEST = "largest"


class ClaimsAtThePrice(StrEnum):
    """What becomes of a claim at exactly the price when an edition changes the price backwards."""

    FOLLOW = "follow"
    """It claims the price, whatever that is."""
    STAND = "stand"
    """It stays the most that is paid."""


@dataclass(frozen=True, slots=True)
class Defect:
    """A row of the classifier. ``measures``: per cent of the priced amount, or norms; a basis that is not
    there is one the defect does not apply to."""

    code: str
    name: str
    measures: Mapping[DefectBasis, Fraction]
    source: str


@dataclass(frozen=True, slots=True)
class Norm:
    """The amount of one norm, for defects that are counted in norms; dates are half-open."""

    basis: DefectBasis
    amount_minor: int
    effective_start_date: date
    effective_end_date: date | None
    source: str


@dataclass(frozen=True, slots=True)
class ContractLine:
    """A line that contracts may have. ``category`` decides about exemption from the linear scale."""

    code: str
    name: str
    category: str | None
    defect_basis: DefectBasis
    source: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """Which priced lines belong to a contract line; None is any. A code weighs more than a care setting,
    and that more than a method."""

    method: str | None
    care_setting: str | None
    code: str | None
    contract_line: str

    @property
    def weight(self) -> int:
        return 4 * (self.code is not None) + 2 * (self.care_setting is not None) + (self.method is not None)


@dataclass(frozen=True, slots=True)
class Slice:
    """Of what is over the plan, the part from one share of the plan to another, and the share paid of it.
    ``up_to`` None: without end."""

    from_share: Fraction
    up_to: Fraction | None
    pay: Fraction


@dataclass(frozen=True, slots=True)
class Scale:
    """The linear scale from a day on: marginal slices without gaps, and categories it leaves alone. What is
    beyond the last slice is not paid; without slices nothing over the plan is."""

    effective_start_date: date
    slices: tuple[Slice, ...]
    exempt: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class AdvanceRules:
    """Most of an advance: of the year's contract at signing, of December's plan in December."""

    signing_limit: Fraction
    december_limit: Fraction
    last_recovery_month: int
    source: str


@dataclass(frozen=True, slots=True)
class DeadlineRules:
    """Terms in working days, payment in calendar days; ``claims_months_after`` the settled month."""

    country: str
    claims_day: int
    claims_months_after: int
    register_return_days: int
    objection_days: int
    answer_days: int
    payment_days: int
    source: str


@dataclass(frozen=True, slots=True)
class FundRules:
    """The founding document's checks on the fund itself."""

    reserve_share: Fraction
    minimum_balance_minor: int
    source: str


@dataclass(frozen=True, slots=True)
class Roundings:
    """Each rounding to the minor unit, by its place.

    deduction  of one defect on one line: per cent of its priced amount, or norms
    scale      what is paid over the plan on one contract line
    mean       December's limit, the mean of the months before it
    """

    deduction: RoundingMode
    scale: RoundingMode
    mean: RoundingMode


@dataclass(frozen=True)
class SettlementRules:
    """A folder of rules. ``digest``: SHA-256 over the bytes of its files, framed by names and lengths."""

    id: str
    title: str
    synthetic: bool
    currency: str
    minor_units: int
    several_defects: SeveralDefects
    deductions_source: str
    repeated_within_months: int
    """An id that a provider had settled in so many months before is a line claimed twice."""
    one_line_methods: tuple[str, ...]
    """Payment methods whose services a patient has on one line of a provider's month."""
    one_line_source: str
    claims_follow_price: bool
    """Whether a claim at exactly the price stands for the price when an edition changes it backwards."""
    claims_follow_source: str
    roundings: Roundings
    scales: tuple[Scale, ...]
    advances: AdvanceRules
    december_source: str
    order_source: str
    deadlines: DeadlineRules
    fund: FundRules
    defects: Mapping[str, Defect]
    contract_lines: Mapping[str, ContractLine]
    assignments: tuple[Assignment, ...]
    norms: tuple[Norm, ...]
    folder: str
    digest: str

    def scale_on(self, day: date) -> Scale:
        """The linear scale of a day; before the first one nothing is paid over the plan."""
        found = Scale(date.min, (), frozenset(), "no linear scale in force: nothing over the plan is paid")
        for scale in self.scales:
            if scale.effective_start_date <= day:
                found = scale
        return found

    def norm_on(self, basis: DefectBasis, day: date) -> Norm | None:
        for norm in self.norms:
            ends = norm.effective_end_date
            if norm.basis is basis and norm.effective_start_date <= day and (ends is None or day < ends):
                return norm
        return None
