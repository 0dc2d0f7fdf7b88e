"""What a table does not say about its edition, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tariffcore.errors import ImportTableError, Problem
from tariffcore.money import RoundingMode
from tariffcore.schedule.importing.numbers_as_printed import DecimalMark
from tariffcore.schedule.model import (
    CASE_SHARE_MODEL,
    AppliesTo,
    BaseRate,
    DayCount,
    Group,
    PublishedTariff,
    Rounding,
    Roundings,
    Schedule,
    Share,
    Unit,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportSettings:
    """The edition that a table becomes.

    id, title                 of the new schedule
    order                     the order that prints the table: the source of every row
    published                 the day the order was signed or published
    effective_start_date      first day in force; ``effective_end_date`` the first day no longer (None: open)
    like                      an edition whose shares, stay rules, vocabulary, roundings, day count, age
                              limit, currency and family are taken; without it the table's own care setting is
                              paid at its full tariff and nothing else is priced
    tariff_family             None: that of ``like`` (one of the two is needed)
    country, currency, minor_units, child_age_limit
                              None: as in ``like``, else Kazakhstan's: KZ, KZT, 2, 18
    care_setting              the setting of columns whose header names none
    sheet                     which sheet of a spreadsheet; None: the only one with a table of groups
    decimal_mark              the decimal mark of all printed numbers; None: each column shows its own
    base_rate_places          decimals of a base rate that is worked out; None: those of the currency
    strict                    refuse a table with weights or tariffs that nothing proves
    """

    id: str
    title: str
    order: str
    published: date
    effective_start_date: date
    effective_end_date: date | None = None
    like: Schedule | None = None
    tariff_family: str | None = None
    country: str | None = None
    currency: str | None = None
    minor_units: int | None = None
    child_age_limit: int | None = None
    care_setting: str = "inpatient"
    sheet: str | None = None
    decimal_mark: DecimalMark | None = None
    base_rate_places: int | None = None
    strict: bool = False


def edition(
    settings: ImportSettings,
    base_rate: BaseRate,
    groups: tuple[Group, ...] = (),
    published: tuple[PublishedTariff, ...] = (),
) -> Schedule:
    """The edition that the settings describe, with this base rate and these groups.

    Raises ImportTableError where neither the settings nor the edition they follow name the family.
    """
    like = settings.like
    family = settings.tariff_family or (like.tariff_family if like else None)
    if family is None:
        raise ImportTableError(
            "the table cannot be imported",
            [
                Problem(
                    "settings",
                    "tariff_family",
                    None,
                    "is missing",
                    "name the family of editions that the schedule joins (kz), or an edition to follow",
                )
            ],
        )
    minor_units = _or_like(settings.minor_units, like.minor_units if like else None, 2)
    return Schedule(
        id=settings.id,
        tariff_family=family,
        model=like.model if like else CASE_SHARE_MODEL,
        title=settings.title,
        synthetic=like.synthetic if like else False,
        country=settings.country or (like.country if like else "KZ"),
        currency=settings.currency or (like.currency if like else "KZT"),
        minor_units=minor_units,
        published=settings.published,
        effective_start_date=settings.effective_start_date,
        effective_end_date=settings.effective_end_date,
        base_rate=base_rate,
        roundings=like.roundings if like else _usual_roundings(minor_units),
        child_age_limit=_or_like(settings.child_age_limit, like.child_age_limit if like else None, 18),
        day_count=like.day_count if like else DayCount.DISCHARGE_MINUS_ADMISSION,
        care_settings=like.care_settings if like else (settings.care_setting,),
        outcomes=like.outcomes if like else ("discharged",),
        drg_flags=like.drg_flags if like else (),
        shares=like.shares if like else (_whole_share(settings),),
        stay_rules=like.stay_rules if like else (),
        coefficients=(),
        groups={group.drg_code: group for group in groups},
        providers=None,
        components=(),
        published_tariffs=published,
        services={},
        factors=(),
        folder=settings.id,
        digest="",
    )


def _or_like(given: int | None, like: int | None, otherwise: int) -> int:
    if given is not None:
        return given
    return otherwise if like is None else like


def _usual_roundings(minor_units: int) -> Roundings:
    """Half up, weights to 4 decimals, money to the minor unit: what the printed rows of Kazakhstan show."""
    half_up = RoundingMode.HALF_UP
    return Roundings(
        weight=Rounding(4, half_up),
        tariff=Rounding(minor_units, half_up),
        unit=Rounding(minor_units, half_up),
    )


def _whole_share(settings: ImportSettings) -> Share:
    return Share(
        id=settings.care_setting,
        unit=Unit.CASE,
        care_setting=settings.care_setting,
        share=Fraction(1),
        applies_to=AppliesTo.TARIFF,
        max_hours=None,
        source=f"{settings.order}: the printed tariff is the whole weight x base rate",
        exceptions=(),
    )
