"""``costing.toml``: what a costing run is asked to do. Every choice of a run is a line there, none is in
code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from tariffcore.costing.depreciation import Method, MonthlyConvention
from tariffcore.money import RoundingMode
from tariffcore.schedule.limits import MAX_MINOR_UNITS, MAX_WORDS
from tariffcore.schedule.toml_reading import TomlDocument, TomlSyntaxError, TomlTable
from tariffcore.worksheets.problems import ProblemList

COSTING_TOML = "costing.toml"
MAX_LIFE_YEARS = 200
MAX_PLACES = 12


class AllocationMethod(StrEnum):
    """How the cost of centres that serve other centres reaches those that treat patients."""

    STEP_DOWN = "step_down"
    DIRECT = "direct"
    RECIPROCAL = "reciprocal"


class TrimRule(StrEnum):
    """Which observations are outliers.

    none           no outliers
    interquartile  beyond the quartiles by more than ``factor`` times what lies between them
    mean_ratio     below ``low`` times or above ``high`` times the group's mean (L3H3: 1/3 and 3)
    """

    NONE = "none"
    INTERQUARTILE = "interquartile"
    MEAN_RATIO = "mean_ratio"


class TrimOf(StrEnum):
    """What is left out: single cases, or all cases of a group at a provider."""

    CASES = "cases"
    PROVIDERS = "providers"


class TrimBy(StrEnum):
    """What is compared: the bed-days of a case, or its cost (to the minor unit; of a provider: its mean)."""

    BED_DAYS = "bed_days"
    COST = "cost"


@dataclass(frozen=True, slots=True)
class Trimming:
    rule: TrimRule
    of: TrimOf
    by: TrimBy
    factor: Fraction
    low: Fraction
    high: Fraction
    least: int
    """Groups with fewer observations than this are not trimmed: there is nothing to judge by."""


class BudgetMode(StrEnum):
    """How the base rate is rounded: as numbers are, or to the largest that keeps within the budget."""

    WITHIN_BUDGET = "within_budget"
    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"

    def rounding_mode(self) -> RoundingMode:
        return RoundingMode.DOWN if self is BudgetMode.WITHIN_BUDGET else RoundingMode(self.value)


@dataclass(frozen=True, slots=True)
class Budget:
    """What all cases of the sample may be paid; ``amount_minor`` None: what they cost."""

    amount_minor: int | None
    mode: BudgetMode
    places: int


class ProfileBy(StrEnum):
    """What has component shares of its own."""

    DRG = "drg"
    CARE_SETTING = "care_setting"
    DRG_AND_CARE_SETTING = "drg_and_care_setting"


@dataclass(frozen=True, slots=True)
class Component:
    name: str
    capital: bool


@dataclass(frozen=True, slots=True)
class AssetClass:
    """What assets of a kind have in common; an asset may say otherwise. None: each asset says it itself."""

    name: str
    component: str
    method: Method | None
    useful_life_years: Fraction | None
    rate: Fraction | None


@dataclass(frozen=True, slots=True)
class Parameters:
    """A run's choices. The period is half-open and begins and ends with a month."""

    id: str
    tariff_family: str
    title: str
    synthetic: bool
    published: date
    effective_start_date: date
    effective_end_date: date | None
    like: str
    """The schedule whose shares, stay rules, words, roundings and currency the new one takes."""
    current: str | None
    """The edition in force, to compare with."""
    currency: str
    minor_units: int
    start: date
    end: date
    convention: MonthlyConvention
    discount_rate: Fraction | None
    interest_component: str | None
    method: AllocationMethod
    trimming: Trimming
    weight_care_setting: str
    weight_places: int
    budget: Budget
    profile_by: ProfileBy
    profile_places: int
    components: tuple[Component, ...]
    asset_classes: tuple[AssetClass, ...]

    def component_number(self, name: str) -> int:
        """Its place in file order. Raises ValueError for another name."""
        return [component.name for component in self.components].index(name)


def read_parameters(text: str, file: str, problems: ProblemList) -> Parameters | None:
    """The parameters of ``costing.toml``; None (and problems) where one cannot be read."""
    before = len(problems)
    try:
        document = TomlDocument(text)
    except TomlSyntaxError as error:
        for line in error.lines:
            problems.add(line.problem(file))
        return None
    noted: list = []  # type: ignore[type-arg]
    top = TomlTable(document, (), document.values, file=file, problems=noted)
    read = _read(top)
    for problem in noted:
        problems.add(problem)
    return read if len(problems) == before else None


_NOTHING = date(1, 1, 1)


def _read(top: TomlTable) -> Parameters:
    """With stand-ins for what cannot be read; the caller throws the result away then."""
    identity = (
        top.word("id", example='"costed-2026"'),
        top.word("tariff_family", example='"costed"'),
        top.text("title", example='"Tariffs from the costs of 2025"'),
    )
    synthetic = top.truth("synthetic") or False
    published, effective = top.day("published"), top.day("effective_start_date")
    effective_end = top.day("effective_end_date", required=False)
    like = top.text("like", example='"kz-2026"')
    current = top.text("current", required=False)
    currency = top.word("currency", example='"KZT"')
    minor_units = top.whole("minor_units", 0, MAX_MINOR_UNITS)
    period = top.table("period", example="{ start = 2025-01-01, end = 2026-01-01 }")
    start, end = _period(period)
    components = tuple(_component(table) for table in top.tables("component"))
    names = [component.name for component in components]
    _require_some(top, "component", names)
    classes = tuple(_asset_class(table, names) for table in top.tables("asset_class"))
    _once(top, "asset_class", [of.name for of in classes])
    convention, discount_rate, interest_component = _depreciation(top.table("depreciation"), names)
    allocation = top.table("allocation", example='{ method = "step_down" }')
    method = None
    if allocation is not None:
        method = allocation.member("method", AllocationMethod)
        allocation.finish()
    trimming = _trimming(top.table("trimming", example='{ rule = "none" }'))
    weights = top.table("weights", example='{ care_setting = "inpatient", places = 4 }')
    care_setting = places = None
    if weights is not None:
        care_setting = weights.word("care_setting", example='"inpatient"')
        places = weights.whole("places", 0, MAX_PLACES, example="4")
        weights.finish()
    budget = _budget(
        top.table("budget", example='{ amount = "cost", mode = "within_budget", places = 2 }'),
        minor_units or 0,
    )
    profiles = top.table("profiles", example='{ by = "drg", places = 6 }')
    profile_by = profile_places = None
    if profiles is not None:
        profile_by = profiles.member("by", ProfileBy)
        profile_places = profiles.whole("places", 1, MAX_PLACES, example="6")
        profiles.finish()
    top.finish()
    return Parameters(
        id=identity[0] or "",
        tariff_family=identity[1] or "",
        title=identity[2] or "",
        synthetic=synthetic,
        published=published or _NOTHING,
        effective_start_date=effective or _NOTHING,
        effective_end_date=effective_end,
        like=like or "",
        current=current,
        currency=currency or "",
        minor_units=minor_units or 0,
        start=start,
        end=end,
        convention=convention,
        discount_rate=discount_rate,
        interest_component=interest_component,
        method=method or AllocationMethod.STEP_DOWN,
        trimming=trimming,
        weight_care_setting=care_setting or "",
        weight_places=places or 0,
        budget=budget,
        profile_by=profile_by or ProfileBy.DRG,
        profile_places=profile_places or 0,
        components=components,
        asset_classes=classes,
    )


def _period(table: TomlTable | None) -> tuple[date, date]:
    if table is None:
        return _NOTHING, _NOTHING
    start, end = table.day("start"), table.day("end")
    for key, day in (("start", start), ("end", end)):
        if day is not None and day.day != 1:
            table.note(
                key,
                day,
                "is not the first day of a month",
                "costing counts whole months; the end is exclusive",
            )
    if start is not None and end is not None and end <= start:
        table.note(
            "end", end, f"is not after the start, {start}", "the end is the first day after the period"
        )
    table.finish()
    return start or _NOTHING, end or _NOTHING


def _component(table: TomlTable) -> Component:
    name = table.word("name", example='"staff_pay"')
    capital = table.truth("capital")
    if capital is None and not table.has("capital"):
        table.note("capital", None, "is missing", "add a line capital = true, or capital = false")
    table.finish()
    return Component(name or "", capital or False)


def _require_some(top: TomlTable, key: str, names: list[str]) -> None:
    if not names:
        top.note(key, None, "there is none", f"begin each with a line [[{key}]]")
    if len(names) > MAX_WORDS:
        top.note(key, None, f"there are {len(names)}, more than {MAX_WORDS}", "join some of them")
    _once(top, key, names)


def _once(top: TomlTable, key: str, names: list[str]) -> None:
    for name in dict.fromkeys(names):
        if name and names.count(name) > 1:
            top.note(key, name, "stands there more than once", "keep one of them")


def _asset_class(table: TomlTable, components: list[str]) -> AssetClass:
    name = table.word("name", example='"building"')
    component = _known_component(table, "component", components, required=True)
    method = table.member("method", Method, required=False)
    life = table.decimal("useful_life_years", required=False)
    rate = table.share("rate", required=False) if table.has("rate") else None
    if life is not None and not life_is_usable(life):
        table.note("useful_life_years", str(life), *LIFE_WORDS)
    if rate is not None and not 0 < rate <= 1:
        table.note("rate", str(rate), *RATE_WORDS)
    table.finish()
    return AssetClass(name or "", component or "", method, life, rate)


LIFE_WORDS = (
    f"is not a life of whole months, up to {MAX_LIFE_YEARS} years",
    "write years, such as 40, 2.5 or 0.25",
)
RATE_WORDS = ("is not a yearly rate", "write a share of 1 above 0, such as 0.25 for 25 %")


def life_is_usable(years: Fraction) -> bool:
    """Whether a life is a positive whole number of months."""
    return 0 < years <= MAX_LIFE_YEARS and (years * 12).denominator == 1


def _known_component(table: TomlTable, key: str, components: list[str], *, required: bool) -> str | None:
    name = table.word(
        key, required=required, example=f'"{components[0] if components else "financing_cost"}"'
    )
    if name is not None and components and name not in components:
        from tariffcore.schedule.values import instead_of

        table.note(key, name, "is not a component of this run", instead_of(name, components))
    return name


def _depreciation(
    table: TomlTable | None, components: list[str]
) -> tuple[MonthlyConvention, Fraction | None, str | None]:
    if table is None:
        return MonthlyConvention.NEXT_MONTH, None, None
    convention = table.member("monthly_convention", MonthlyConvention)
    rate = table.share("discount_rate", required=False) if table.has("discount_rate") else None
    if rate is not None and not 0 <= rate < 1:
        table.note("discount_rate", str(rate), "is not a yearly rate", 'write a share of 1, such as "0.08"')
    component = _known_component(table, "interest_component", components, required=rate is not None)
    table.finish()
    return convention or MonthlyConvention.NEXT_MONTH, rate, component


def _trimming(table: TomlTable | None) -> Trimming:
    no_trimming = Trimming(
        TrimRule.NONE, TrimOf.CASES, TrimBy.BED_DAYS, Fraction(0), Fraction(0), Fraction(0), 1
    )
    if table is None:
        return no_trimming
    rule = table.member("rule", TrimRule)
    # who tries out another rule leaves the keys of the first one standing
    table.pass_over("of", "by", "least", "factor", "low", "high")
    if rule in (None, TrimRule.NONE):
        table.finish()
        return no_trimming
    of, by = table.member("of", TrimOf), table.member("by", TrimBy)
    if of is TrimOf.PROVIDERS and by is TrimBy.BED_DAYS:
        table.note("by", "bed_days", "providers are compared by cost", 'write by = "cost"')
    least = table.whole("least", 1, 1_000_000, example="10")
    factor = low = high = None
    if rule is TrimRule.INTERQUARTILE:
        factor = table.share("factor")
    else:
        low, high = table.share("low"), table.share("high")
        if low is not None and high is not None and not low < 1 < high:
            table.note("low", str(low), "low and high do not lie about 1", 'write low = "1/3", high = "3"')
    table.finish()
    nothing = Fraction(0)
    return Trimming(
        rule or TrimRule.NONE,
        of or TrimOf.CASES,
        by or TrimBy.BED_DAYS,
        factor or nothing,
        low or nothing,
        high or nothing,
        least or 1,
    )


def _budget(table: TomlTable | None, minor_units: int) -> Budget:
    if table is None:
        return Budget(None, BudgetMode.WITHIN_BUDGET, 0)
    amount_minor: int | None = None
    if table.values.get("amount") == "cost":
        table.text("amount")
    else:
        amount = table.decimal("amount", example='"1250000000.00", or "cost"')
        if amount is not None:
            scaled = amount * 10**minor_units
            if scaled <= 0 or scaled.denominator != 1:
                table.note(
                    "amount",
                    str(table.values["amount"]),
                    "is not an amount of money above 0",
                    f'write it with at most {minor_units} decimals, or "cost" for what the cases cost',
                )
            amount_minor = scaled.numerator
    mode = table.member("mode", BudgetMode)
    places = table.whole("places", -6, MAX_PLACES)
    table.finish()
    return Budget(amount_minor, mode or BudgetMode.WITHIN_BUDGET, places or 0)
