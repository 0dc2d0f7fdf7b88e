"""What a tariff schedule is: one edition of one fund's prices, immutable once read.

Numbers are exact (`fractions.Fraction`), dates are half-open (start inclusive, end exclusive, None = open),
and everything that sets an amount carries its legal source.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from tariffcore.money import RoundingMode
from tariffcore.schedule.grouping_model import Grouping

CASE_SHARE_MODEL = "case-share"
"""The payment model of DESIGN section 3; a schedule names its model so that siblings can follow."""


class Unit(StrEnum):
    """What is counted. A case is priced from a cost group, everything else from a service's rate."""

    CASE = "case"
    BED_DAY = "bed_day"
    SERVICE = "service"
    CALL = "call"
    PERSON_MONTH = "person_month"
    AVERAGE_CASE = "average_case"
    """A treated case that has a tariff of its own, an average cost, and no weight."""
    ITEM = "item"
    """Something paid at what it has cost: the line says how much, and there is no rate."""


class PaymentMethod(StrEnum):
    """How the fund pays for something: every priced line has exactly one.

    A schedule states it where it states the price: a ``[[share]]`` of cases with ``method``, a row of
    services.csv in its column ``method``; where nothing is said it is the first method of the unit, see
    `METHODS_OF_UNIT`.  A contract names by these words what it buys: a line of a contract covers the priced
    lines of one provider, funding source and method, so what the contract holds apart (inpatient cases and
    day hospital, consultations and dialysis) has methods apart.
    """

    TREATED_CASE = "treated_case"
    """A case of a cost group: inpatient care, and any setting that the schedule does not hold apart."""
    DAY_HOSPITAL_CASE = "day_hospital_case"
    HOME_CASE = "home_case"
    RECEPTION_OBSERVATION = "reception_observation"
    """A case of a cost group in the reception ward, for so many hours at most."""
    CASE_WITH_DRUG = "case_with_drug"
    """A case of a cost group with the cost of a drug paid on top."""
    AVERAGE_COST_CASE = "average_cost_case"
    BED_DAY = "bed_day"
    SERVICE = "service"
    RECEPTION_CONSULTATION = "reception_consultation"
    """A consultation in the reception ward at the one average tariff."""
    HEMODIALYSIS = "hemodialysis"
    """The sessions of one patient in one month."""
    CALL = "call"
    PER_CAPITA = "per_capita"
    """A norm for each attached person (or pupil) and month."""
    ACTUAL_COST = "actual_cost"
    """What an item has cost, as the line says."""


METHODS_OF_UNIT: Mapping[Unit, tuple[PaymentMethod, ...]] = {
    Unit.CASE: (
        PaymentMethod.TREATED_CASE,
        PaymentMethod.DAY_HOSPITAL_CASE,
        PaymentMethod.HOME_CASE,
        PaymentMethod.RECEPTION_OBSERVATION,
    ),
    Unit.BED_DAY: (PaymentMethod.BED_DAY,),
    Unit.SERVICE: (
        PaymentMethod.SERVICE,
        PaymentMethod.RECEPTION_CONSULTATION,
        PaymentMethod.HEMODIALYSIS,
    ),
    Unit.CALL: (PaymentMethod.CALL,),
    Unit.PERSON_MONTH: (PaymentMethod.PER_CAPITA,),
    Unit.AVERAGE_CASE: (PaymentMethod.AVERAGE_COST_CASE,),
    Unit.ITEM: (PaymentMethod.ACTUAL_COST,),
}
"""The methods that may pay what is counted in a unit; the first where the schedule names none.  A case with
an add-on is paid by CASE_WITH_DRUG whatever its setting."""


class AppliesTo(StrEnum):
    """What a share multiplies: the weight (rounded before it meets the base rate) or the tariff."""

    WEIGHT = "weight"
    TARIFF = "tariff"


class Pay(StrEnum):
    """How a stay rule pays: in full, a share of the tariff, or days / planned days, at most the tariff."""

    FULL = "full"
    SHARE = "share"
    PER_PLANNED_DAY = "per_planned_day"


class CoefficientMode(StrEnum):
    """How a provider's coefficient joins the others: in the product, or adding its c - 1 to it."""

    MULTIPLIES = "multiplies"
    ADDS = "adds"


class DayCount(StrEnum):
    """How the length of stay follows from the dates; either way a stay has at least one day."""

    DISCHARGE_MINUS_ADMISSION = "discharge_minus_admission"
    INCLUSIVE = "inclusive"


class AgeClass(StrEnum):
    """Which of a group's two weights applies."""

    ADULT = "adult"
    CHILD = "child"


@dataclass(frozen=True, slots=True)
class Rounding:
    """One named rounding: to ``places`` decimals of its unit, or not at all (``places`` None)."""

    places: int | None
    mode: RoundingMode


@dataclass(frozen=True, slots=True)
class Roundings:
    """The roundings of a schedule, in the order in which they happen.

    weight  after a share on the weight                                    (decimals of the weight)
    tariff  after weight x base rate, and again after a share on the tariff (decimals of the currency)
    unit    the unit price, after stay factor and coefficient; always there (decimals of the currency,
            at most ``minor_units``)
    """

    weight: Rounding
    tariff: Rounding
    unit: Rounding


@dataclass(frozen=True, slots=True)
class BaseRate:
    """Currency per 1.0000 of weight."""

    amount: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class ShareException:
    """A share that replaces the setting's own when any procedure of the stay is listed."""

    id: str
    procedures: frozenset[str]
    """Normalised codes (`tariffcore.codes.normalise_procedure`)."""
    share: Fraction
    applies_to: AppliesTo
    source: str


@dataclass(frozen=True, slots=True)
class Share:
    """What a care setting takes of the tariff of one unit. Exceptions are tried in file order."""

    id: str
    unit: Unit
    care_setting: str
    share: Fraction
    applies_to: AppliesTo
    max_hours: int | None
    """The longest stay the setting pays, in hours; None = no limit."""
    source: str
    exceptions: tuple[ShareException, ...]
    own_method: PaymentMethod | None = None
    """The method that the schedule names for cases of this setting; None: the unit's first."""

    @property
    def method(self) -> PaymentMethod:
        """What pays a case of this setting. Of another unit, the service says."""
        return self.own_method or METHODS_OF_UNIT[self.unit][0]


@dataclass(frozen=True, slots=True)
class AddOn:
    """An amount that a line brings with it, paid in full on top, or alone for an item at actual cost.

    It is paid on lines of the unit that meet every condition given (an empty set does not restrict), and
    nowhere else.  Neither quantity nor stay nor coefficients change it.
    """

    kind: str
    """What `Case.addon_kind` names."""
    unit: Unit
    """CASE: on top of a cost group; ITEM: what the item has cost."""
    care_settings: frozenset[str]
    drg_flags: frozenset[str]
    """Groups with any of these flags."""
    component: str | None
    """The cost component that it is; None only where the schedule has no components."""
    source: str


@dataclass(frozen=True, slots=True)
class StayExemption:
    """Cases a stay rule leaves alone: all given conditions hold. An empty set does not restrict."""

    outcomes: frozenset[str]
    drg_flags: frozenset[str]
    source: str


@dataclass(frozen=True, slots=True)
class StayRule:
    """How a stay that ended early is paid. Rules are tried in file order; the first that matches pays.

    A rule matches when every condition given holds (an empty set or None does not restrict) and no
    exemption does. Stay rules concern cases (of groups, or at an average cost), never what is counted.
    """

    id: str
    care_settings: frozenset[str]
    outcomes: frozenset[str]
    death_unavoidable: bool | None
    max_days: int | None
    pay: Pay
    share: Fraction | None
    """The share paid, for ``pay = "share"``; None otherwise."""
    exemptions: tuple[StayExemption, ...]
    source: str
    unit: Unit = Unit.CASE
    """Whose stays: cases of cost groups, or cases at an average cost."""


@dataclass(frozen=True, slots=True)
class Coefficient:
    """One correction coefficient of providers: a column of providers.csv."""

    name: str
    mode: CoefficientMode
    source: str
    units: frozenset[Unit] = frozenset()
    """What it corrects, by unit; empty: everything. A sex-age coefficient corrects a norm per person and no
    cost group."""


@dataclass(frozen=True, slots=True)
class Group:
    """A clinical cost group (DRG, KZG)."""

    drg_code: str
    name: str
    relative_weight: Fraction
    relative_weight_child: Fraction | None
    """None: no child weight is known, and a child's case is MISSING_WEIGHT."""
    planned_days: int | None
    flags: frozenset[str]
    component_profile: str | None
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class ProviderPeriod:
    """A provider's coefficients for a span of dates, in the order of `Schedule.coefficients`."""

    provider_id: str
    effective_start_date: date
    effective_end_date: date | None
    coefficients: tuple[Fraction, ...]
    line: int


@dataclass(frozen=True, slots=True)
class ComponentShare:
    """What share of a payment is one cost component, for a profile (in one setting, or in all: None)."""

    component_profile: str
    care_setting: str | None
    component: str
    share: Fraction
    capital: bool
    line: int


@dataclass(frozen=True, slots=True)
class PublishedTariff:
    """A line of the printed order: proof, not input."""

    code: str
    """A cost group, or a service."""
    care_setting: str
    age_class: AgeClass
    published_weight: Fraction | None
    published_tariff: Fraction
    source: str
    line: int


@dataclass(frozen=True, slots=True)
class Service:
    """A rate for something counted. ``care_setting`` None: the shares of its unit apply by the case's
    setting; given: the rate is the setting's own, as printed, and no share applies."""

    code: str
    name: str
    unit: Unit
    care_setting: str | None
    rate: Fraction
    effective_start_date: date
    effective_end_date: date | None
    source: str
    line: int
    own_method: PaymentMethod | None = None
    """The method that services.csv names; None: the unit's first."""
    planned_days: int | None = None
    """Of a case at an average cost: the days its tariff is meant for."""

    @property
    def method(self) -> PaymentMethod:
        """What pays it."""
        return self.own_method or METHODS_OF_UNIT[self.unit][0]


@dataclass(frozen=True, slots=True)
class Factor:
    """A named factor on services of a unit: home_visit 2, remote 1/2."""

    unit: Unit
    factor_code: str
    factor: Fraction
    source: str
    line: int
    effective_start_date: date | None = None
    """None: the edition's own dates. A factor of December alone has them."""
    effective_end_date: date | None = None

    def covers(self, day: date) -> bool:
        """Whether the factor is in force on the day, as far as its own dates say."""
        return (self.effective_start_date is None or self.effective_start_date <= day) and (
            self.effective_end_date is None or day < self.effective_end_date
        )


@dataclass(frozen=True, slots=True, weakref_slot=True)
class Schedule:
    """One edition, checked as a whole.

    ``digest`` is the SHA-256 of the folder's files (sorted by name, names and lengths framed), as
    lower-case hex; every result names it.
    """

    id: str
    tariff_family: str
    model: str
    title: str
    synthetic: bool
    """True for made-up numbers: every output says so."""
    country: str
    currency: str
    minor_units: int
    published: date
    effective_start_date: date
    effective_end_date: date | None
    base_rate: BaseRate
    roundings: Roundings
    child_age_limit: int
    """Children are younger than this, in full years at admission."""
    day_count: DayCount
    care_settings: tuple[str, ...]
    outcomes: tuple[str, ...]
    drg_flags: tuple[str, ...]
    shares: tuple[Share, ...]
    stay_rules: tuple[StayRule, ...]
    coefficients: tuple[Coefficient, ...]
    groups: Mapping[str, Group]
    """By drg_code, in file order."""
    providers: Mapping[str, tuple[ProviderPeriod, ...]] | None
    """By provider_id, periods in date order; None where the schedule has no providers.csv."""
    components: tuple[ComponentShare, ...]
    published_tariffs: tuple[PublishedTariff, ...]
    services: Mapping[str, tuple[Service, ...]]
    """By code: one code may have a rate per setting and per span of dates."""
    factors: tuple[Factor, ...]
    folder: str
    digest: str
    addons: tuple[AddOn, ...] = ()
    grouping: Grouping | None = None
    """None where the edition has no rules that tell a case's group."""

    def covers(self, day: date) -> bool:
        """Whether the edition is in force on the day."""
        return self.effective_start_date <= day and (
            self.effective_end_date is None or day < self.effective_end_date
        )
