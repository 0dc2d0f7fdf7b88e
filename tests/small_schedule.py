"""A small schedule on which everything can be worked out by hand: 1,000.00 for a weight of 1."""

from datetime import date
from fractions import Fraction

from tariffcore.money import RoundingMode
from tariffcore.schedule.model import (
    CASE_SHARE_MODEL,
    AppliesTo,
    BaseRate,
    ComponentShare,
    DayCount,
    Factor,
    Group,
    Pay,
    ProviderPeriod,
    Rounding,
    Roundings,
    Schedule,
    Service,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)

HALF_UP = RoundingMode.HALF_UP


def group(drg_code, weight, child="same", planned_days=7, flags=(), profile=None):
    relative_weight = Fraction(weight)
    return Group(
        drg_code=drg_code,
        name=drg_code,
        relative_weight=relative_weight,
        relative_weight_child=relative_weight if child == "same" else child and Fraction(child),
        planned_days=planned_days,
        flags=frozenset(flags),
        component_profile=profile,
        source="made up",
        line=2,
    )


def share(care_setting, value, applies_to=AppliesTo.TARIFF, *, unit=Unit.CASE, max_hours=None, exceptions=()):
    share_id = care_setting if unit is Unit.CASE else f"{unit.value}.{care_setting}"
    return Share(
        share_id, unit, care_setting, Fraction(value), applies_to, max_hours, "made up", tuple(exceptions)
    )


def exception(exception_id, procedures, value, applies_to):
    return ShareException(exception_id, frozenset(procedures), Fraction(value), applies_to, "made up")


def stay_rule(rule_id, pay, *, value=None, outcomes=(), settings=(), unavoidable=None, max_days=3, exempt=()):
    return StayRule(
        id=rule_id,
        care_settings=frozenset(settings),
        outcomes=frozenset(outcomes),
        death_unavoidable=unavoidable,
        max_days=max_days,
        pay=pay,
        share=value and Fraction(value),
        exemptions=tuple(
            StayExemption(frozenset(outcomes), frozenset(flags), "made up") for outcomes, flags in exempt
        ),
        source="made up",
    )


def service(code, rate, care_setting=None, *, unit=Unit.SERVICE, start=date(2025, 1, 1), end=None):
    return Service(code, code, unit, care_setting, Fraction(rate), start, end, "made up", 2)


def period(provider_id, *coefficients, start=date(2025, 1, 1), end=None):
    return ProviderPeriod(provider_id, start, end, tuple(Fraction(c) for c in coefficients), 2)


SMALL = Schedule(
    id="small",
    tariff_family="test",
    model=CASE_SHARE_MODEL,
    title="Worked out by hand",
    synthetic=True,
    country="KZ",
    currency="KZT",
    minor_units=2,
    published=date(2024, 12, 1),
    effective_start_date=date(2025, 1, 1),
    effective_end_date=date(2026, 1, 1),
    base_rate=BaseRate(Fraction(1000), "made up"),
    roundings=Roundings(Rounding(4, HALF_UP), Rounding(2, HALF_UP), Rounding(2, HALF_UP)),
    child_age_limit=18,
    day_count=DayCount.DISCHARGE_MINUS_ADMISSION,
    care_settings=("inpatient", "day_hospital", "home", "reception_observation", "outpatient"),
    outcomes=("discharged", "transferred", "self_discharged", "died"),
    drg_flags=("neonatal", "infectious"),
    shares=(
        share("inpatient", 1),
        share(
            "day_hospital",
            "0.4",
            AppliesTo.WEIGHT,
            exceptions=[
                exception("surgical", {"1373", "0983"}, "0.75", AppliesTo.WEIGHT),
                exception("arteriography", {"8855"}, "1/2", AppliesTo.TARIFF),
            ],
        ),
        share("home", "1/6"),
        share("reception_observation", "0.67", max_hours=24),
        share("home", "1/3", unit=Unit.SERVICE),
    ),
    stay_rules=(
        stay_rule(
            "interrupted",
            Pay.PER_PLANNED_DAY,
            outcomes={"transferred", "self_discharged"},
            exempt=[({"self_discharged"}, {"infectious"})],
        ),
        stay_rule(
            "early_death",
            Pay.SHARE,
            value="1/2",
            outcomes={"died"},
            unavoidable=True,
            exempt=[((), {"neonatal"})],
        ),
    ),
    coefficients=(),
    groups={
        "G1": group("G1", "1.2345"),
        "CHILD": group("CHILD", "1", child="1.5"),
        "ADULT": group("ADULT", "1", child=None),
        "INFECTIOUS": group("INFECTIOUS", "7", flags={"infectious"}),
        "NEONATAL": group("NEONATAL", "7", flags={"neonatal"}),
        "NO-PLAN": group("NO-PLAN", "7", planned_days=None),
        "PARTS": group("PARTS", "0.0001", profile="thirds"),
    },
    providers=None,
    components=(
        ComponentShare("thirds", None, "staff", Fraction(1, 3), False, 2),
        ComponentShare("thirds", None, "drugs", Fraction(1, 3), False, 3),
        ComponentShare("thirds", None, "depreciation", Fraction(1, 3), True, 4),
        ComponentShare("thirds", "home", "travel", Fraction(1), False, 5),
    ),
    published_tariffs=(),
    services={
        "VISIT": (
            service("VISIT", "10.01"),
            service("VISIT", "7.00", "outpatient", end=date(2025, 6, 1)),
            service("VISIT", "8.00", "outpatient", start=date(2025, 6, 1)),
        ),
        "CALL": (service("CALL", "5.55", "outpatient", unit=Unit.CALL, start=date(2025, 2, 1)),),
    },
    factors=(Factor(Unit.SERVICE, "remote", Fraction(1, 2), "made up", 2),),
    folder="small",
    digest="0" * 64,
)
