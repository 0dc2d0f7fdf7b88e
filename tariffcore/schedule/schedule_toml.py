"""schedule.toml: who the edition is, its dates, money, vocabulary, shares, stay rules and coefficients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction

from tariffcore.codes import normalise_procedure
from tariffcore.errors import Problem
from tariffcore.money import RoundingMode
from tariffcore.schedule.grouping_model import GroupingPolicy, PolicyKind, RuleKind
from tariffcore.schedule.limits import (
    MAX_AGE_YEARS,
    MAX_MINOR_UNITS,
    MAX_PLACES,
    MAX_QUALIFIERS,
    MAX_STAY_DAYS,
    MAX_STAY_HOURS,
    MIN_PLACES,
)
from tariffcore.schedule.model import (
    CASE_SHARE_MODEL,
    METHODS_OF_UNIT,
    AddOn,
    AppliesTo,
    BaseRate,
    Coefficient,
    CoefficientMode,
    DayCount,
    Pay,
    PaymentMethod,
    Rounding,
    Roundings,
    Share,
    ShareException,
    StayExemption,
    StayRule,
    Unit,
)
from tariffcore.schedule.reading import SCHEDULE_TOML, Part
from tariffcore.schedule.toml_reading import TomlDocument, TomlPath, TomlTable, UnreadableToml
from tariffcore.schedule.values import UnreadableValueError, instead_of, not_negative, positive, words_outside

_DAY_ONE = date(1, 1, 1)
_UNITS_WITH_STAY = (Unit.CASE, Unit.AVERAGE_CASE)
_UNITS_WITH_ADDON = (Unit.CASE, Unit.ITEM)


@dataclass
class ScheduleToml:
    """What schedule.toml says. A part in ``unreadable`` holds stand-ins; the folder is refused anyway."""

    id: str = ""
    tariff_family: str = ""
    model: str = CASE_SHARE_MODEL
    title: str = ""
    synthetic: bool = False
    country: str = ""
    currency: str = ""
    minor_units: int = 2
    published: date = _DAY_ONE
    effective_start_date: date = _DAY_ONE
    effective_end_date: date | None = None
    base_rate: BaseRate = field(default_factory=lambda: BaseRate(Fraction(1), ""))
    roundings: Roundings = field(
        default_factory=lambda: Roundings(
            Rounding(None, RoundingMode.HALF_UP),
            Rounding(None, RoundingMode.HALF_UP),
            Rounding(0, RoundingMode.HALF_UP),
        )
    )
    child_age_limit: int = 18
    day_count: DayCount = DayCount.DISCHARGE_MINUS_ADMISSION
    care_settings: tuple[str, ...] = ()
    outcomes: tuple[str, ...] = ()
    drg_flags: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    stay_rules: tuple[StayRule, ...] = ()
    coefficients: tuple[Coefficient, ...] = ()
    addons: tuple[AddOn, ...] = ()
    coefficient_names: tuple[str, ...] | None = None
    """The columns of providers.csv; None where not all could be read."""
    paths: dict[str, TomlPath] = field(default_factory=dict)
    """Where each share, exception, stay rule and coefficient stands, by its id or name."""
    grouping_policy: GroupingPolicy | None = None
    """None where there is no [grouping], or none that could be read (then the part is unreadable)."""
    qualifiers: tuple[str, ...] = ()
    unreadable: set[Part] = field(default_factory=set)


def read_schedule_toml(document: TomlDocument, folder: str, problems: list[Problem]) -> ScheduleToml:
    """Everything schedule.toml says; whatever is wrong is added to ``problems``."""
    top = TomlTable(document, (), document.values, file=f"{folder}/{SCHEDULE_TOML}", problems=problems)
    read = ScheduleToml()
    _read_vocabulary(top, read)
    _read_base_rate(top, read)
    for part, read_part in (
        (Part.IDENTITY, _read_identity),
        (Part.DATES, _read_dates),
        (Part.MINOR_UNITS, _read_minor_units),
        (Part.ROUNDINGS, _read_roundings),
        (Part.SHARES, _read_shares),
        (Part.STAY_RULES, _read_stay_rules),
        (Part.COEFFICIENTS, _read_coefficients),
        (Part.ADDONS, _read_addons),
        (Part.GROUPING, _read_grouping),
    ):
        before = len(problems)
        read_part(top, read)
        if len(problems) > before:
            read.unreadable.add(part)
    top.finish()
    return read


def _read_identity(top: TomlTable, read: ScheduleToml) -> None:
    read.id = top.word("id", example='"kz-2026"') or ""
    read.tariff_family = top.word("tariff_family", example='"kz"') or ""
    model = top.text("model", example=f'"{CASE_SHARE_MODEL}"')
    if model is not None and model != CASE_SHARE_MODEL:
        top.note(
            "model", model, "is not a payment model tariffcore knows", instead_of(model, [CASE_SHARE_MODEL])
        )
    read.title = top.text("title", example='"Kazakhstan, cost groups in force from 1 January 2026"') or ""
    read.synthetic = top.truth("synthetic") or False
    read.country = top.word("country", example='"KZ"') or ""
    currency = top.word("currency", example='"KZT"')
    if currency is not None and not (len(currency) == 3 and currency.isascii() and currency.isupper()):
        top.note("currency", currency, "is not a currency code", "write its three capital letters (ISO 4217)")
    read.currency = currency or ""
    read.published = top.day("published") or _DAY_ONE
    limit = top.whole("child_age_limit", 1, MAX_AGE_YEARS, example="18")
    read.child_age_limit = 18 if limit is None else limit
    read.day_count = top.member("day_count", DayCount) or read.day_count


def _read_dates(top: TomlTable, read: ScheduleToml) -> None:
    read.effective_start_date = top.day("effective_start_date") or _DAY_ONE
    read.effective_end_date = top.day("effective_end_date", required=False)
    start, end = read.effective_start_date, read.effective_end_date
    if end is not None and end <= start:
        top.note(
            "effective_end_date",
            end,
            f"is not after effective_start_date, {start}",
            "write the first day no longer in force, or remove the line while there is none",
        )


def _read_minor_units(top: TomlTable, read: ScheduleToml) -> None:
    minor_units = top.whole("minor_units", 0, MAX_MINOR_UNITS)
    read.minor_units = 2 if minor_units is None else minor_units


def _read_base_rate(top: TomlTable, read: ScheduleToml) -> None:
    read.unreadable.add(Part.BASE_RATE)
    base_rate = top.table("base_rate", example='{ amount = "174722.63", source = "…" }')
    if base_rate is not None:
        amount = base_rate.decimal("amount")
        source = base_rate.text("source")
        base_rate.finish()
        if amount is not None and _accepted(base_rate, "amount", amount, positive):
            read.base_rate = BaseRate(amount, source or "")
            read.unreadable.discard(Part.BASE_RATE)


def _read_roundings(top: TomlTable, read: ScheduleToml) -> None:
    rounding = top.table("rounding", example='{ mode = "half_up", … }')
    if rounding is None:
        return
    mode = rounding.member("mode", RoundingMode)
    named: list[Rounding] = []
    for name in ("weight", "tariff", "unit"):
        own_mode = rounding.member(f"{name}_mode", RoundingMode, required=False)
        # A unit price is paid, so it cannot be finer than the smallest coin.
        paid = MAX_MINOR_UNITS if Part.MINOR_UNITS in read.unreadable else read.minor_units
        finest = paid if name == "unit" else MAX_PLACES
        places = rounding.places(f"{name}_places", MIN_PLACES, finest, may_be_exact=name != "unit")
        named.append(
            Rounding(places if isinstance(places, int) else None, own_mode or mode or RoundingMode.HALF_UP)
        )
    rounding.finish()
    weight, tariff, unit = named
    read.roundings = Roundings(weight, tariff, unit if unit.places is not None else read.roundings.unit)


def _read_vocabulary(top: TomlTable, read: ScheduleToml) -> None:
    read.unreadable.update((Part.CARE_SETTINGS, Part.OUTCOMES, Part.DRG_FLAGS))
    vocabulary = top.table("vocabulary", example='{ care_settings = ["inpatient"], … }')
    if vocabulary is None:
        return
    for part, key, example in (
        (Part.CARE_SETTINGS, "care_settings", '["inpatient"]'),
        (Part.OUTCOMES, "outcomes", '["discharged", "died"]'),
        (Part.DRG_FLAGS, "drg_flags", '["neonatal"] or []'),
    ):
        words = vocabulary.words(key, example=example)
        if words == () and part is not Part.DRG_FLAGS:
            vocabulary.note(key, [], "is empty", "list at least one; no case could be priced")
        elif words is not None:
            read.unreadable.discard(part)
        setattr(read, key, words or ())
    vocabulary.finish()


def _read_grouping(top: TomlTable, read: ScheduleToml) -> None:
    table = top.table("grouping", required=False)
    if table is None:
        return
    kind = table.member("policy", PolicyKind)
    tie = table.member("tie", RuleKind, required=kind is PolicyKind.HEAVIEST)
    if kind is PolicyKind.FIRST_MATCH and tie is not None:
        table.note("tie", tie.value, "has no meaning for first_match", "remove the line; priorities decide")
    read.qualifiers = table.words("qualifiers", required=False, example='["infection_active"]') or ()
    if len(read.qualifiers) > MAX_QUALIFIERS:
        limit = f"are more than {MAX_QUALIFIERS} words"
        table.note("qualifiers", str(len(read.qualifiers)), limit, "name only those that rules ask for")
    source = table.text("source")
    table.finish()
    if kind is not None and source is not None:
        read.grouping_policy = GroupingPolicy(kind, tie or RuleKind.DIAGNOSIS, source)


def _in_vocabulary(
    table: TomlTable,
    key: str,
    words: Iterable[str],
    part: Part,
    vocabulary: Sequence[str],
    read: ScheduleToml,
) -> None:
    """Notes the words that a vocabulary which could be read does not have."""
    if part not in read.unreadable:
        for word, way_out in words_outside(words, vocabulary):
            table.note(key, word, "is not in the vocabulary", way_out)


def _accepted(table: TomlTable, key: str, value: Fraction, condition: Callable[[Fraction], Fraction]) -> bool:
    """Whether a number meets a condition of `values` (positive, not_negative); a problem says why not."""
    try:
        condition(value)
    except UnreadableValueError as error:
        table.note(key, table.values.get(key), error.message, error.way_out)
        return False
    return True


def _applies_to(table: TomlTable, unit: Unit | None, share: Fraction | None) -> AppliesTo | None:
    """What the share multiplies; None where that is not said and matters (a problem says so)."""
    applies_to = table.member("applies_to", AppliesTo, required=False)
    if applies_to is None:
        if table.has("applies_to"):
            return None
        if share is not None and share != 1 and unit is not None:
            way_out = (
                'add applies_to = "weight" (the weight is rounded first) or applies_to = "tariff"'
                if unit is Unit.CASE
                else 'add applies_to = "tariff"'
            )
            table.note(
                "applies_to", None, "is missing: a share other than 1 says what it multiplies", way_out
            )
            return None
        return AppliesTo.TARIFF
    if applies_to is AppliesTo.WEIGHT and unit is not None and unit is not Unit.CASE:
        table.note(
            "applies_to",
            applies_to.value,
            f"a {unit.value} has a rate and no weight",
            'write applies_to = "tariff"',
        )
        return None
    return applies_to


def _new_id(table: TomlTable, key: str, own_id: str, read: ScheduleToml) -> bool:
    """Whether an id is the first of its kind in the schedule; a problem names the line of the other."""
    if own_id in read.paths:
        other = table.document.line(read.paths[own_id])
        table.note(
            key,
            own_id,
            f"is the id of the table in line {other} already",
            f"give this one another {key}; results name the rule by it",
        )
        return False
    read.paths[own_id] = table.path
    return True


def _read_shares(top: TomlTable, read: ScheduleToml) -> None:
    shares: list[Share] = []
    for table in top.tables("share"):
        own_id = table.word("id", required=False)
        unit = table.member("unit", Unit)
        care_setting = table.word("care_setting", example='"inpatient"')
        if care_setting is not None and Part.CARE_SETTINGS not in read.unreadable:
            for word, way_out in words_outside([care_setting], read.care_settings):
                table.note("care_setting", word, "is not a care setting of this schedule", way_out)
        share = table.share("share")
        applies_to = _applies_to(table, unit, share)
        max_hours = table.whole("max_hours", 1, MAX_STAY_HOURS, required=False, example="24")
        if max_hours is not None and unit is not None and unit is not Unit.CASE:
            table.note("max_hours", max_hours, f"a {unit.value} has no stay to limit", "remove the line")
        method = _share_method(table, unit)
        source = table.text("source")
        positive_share = share is not None and _accepted(table, "share", share, positive)
        if own_id is None and unit is not None and care_setting is not None:
            own_id = care_setting if unit is Unit.CASE else f"{unit.value}.{care_setting}"
        fresh = own_id is None or _new_id(table, "id", own_id, read)
        exceptions = _read_exceptions(table, unit, own_id or "", read)
        table.finish()
        if (
            own_id is not None
            and fresh
            and unit is not None
            and care_setting is not None
            and share is not None
            and positive_share
            and applies_to is not None
        ):
            shares.append(
                Share(
                    own_id, unit, care_setting, share, applies_to, max_hours, source or "", exceptions, method
                )
            )
    read.shares = tuple(shares)


def _share_method(table: TomlTable, unit: Unit | None) -> PaymentMethod | None:
    """What pays the cases of a setting; of a service its row of services.csv says so."""
    method = table.member("method", PaymentMethod, required=False)
    if method is None or unit is None:
        return method
    if unit is not Unit.CASE:
        table.note(
            "method",
            method.value,
            f"the method of what is counted in {unit.value!r} stands beside its rate",
            "remove the line; services.csv has a column method",
        )
    elif method not in METHODS_OF_UNIT[unit]:
        table.note(
            "method",
            method.value,
            "does not pay cases of cost groups",
            instead_of(method.value, METHODS_OF_UNIT[unit]),
        )
    return method


def _read_exceptions(
    share_table: TomlTable, unit: Unit | None, share_id: str, read: ScheduleToml
) -> tuple[ShareException, ...]:
    exceptions: list[ShareException] = []
    listed: dict[str, tuple[str, TomlTable]] = {}
    for number, table in enumerate(share_table.tables("exception"), start=1):
        if unit is not None and unit is not Unit.CASE:
            table.note(
                "procedures",
                None,
                f"a {unit.value} is priced without procedures, so it has no exceptions",
                "remove the exception",
            )
        own_id = table.word("id", required=False) or f"{share_id}.exception-{number}"
        procedures = _read_procedures(table, listed)
        share = table.share("share")
        applies_to = _applies_to(table, unit, share)
        source = table.text("source")
        positive_share = share is not None and _accepted(table, "share", share, positive)
        fresh = _new_id(table, "id", own_id, read)
        table.finish()
        if procedures and fresh and share is not None and positive_share and applies_to is not None:
            exceptions.append(ShareException(own_id, procedures, share, applies_to, source or ""))
    return tuple(exceptions)


def _read_procedures(table: TomlTable, listed: dict[str, tuple[str, TomlTable]]) -> frozenset[str] | None:
    """The normalised procedures of an exception; each may be listed once in all exceptions of a share."""
    codes = table.codes("procedures", example='["13.73", "13.7301"]')
    if codes is None:
        return None
    if not codes:
        table.note("procedures", "[]", "is empty", "list the procedures, or remove the exception")
        return None
    procedures: set[str] = set()
    for code in codes:
        normalised = normalise_procedure(code)
        if not normalised.isalnum():
            table.note(
                "procedures",
                code,
                "is not one procedure code",
                'list each code on its own, such as "88.55", "88.56", "88.57"',
            )
        elif normalised in listed:
            other_code, other_table = listed[normalised]
            also_as = "" if other_code == code else f" (as {other_code!r})"
            table.note(
                "procedures",
                code,
                f"is listed already in {other_table.place('procedures')}{also_as}",
                "list it once: the first exception that has it would always win",
            )
        else:
            listed[normalised] = (code, table)
            procedures.add(normalised)
    return frozenset(procedures)


def _read_stay_rules(top: TomlTable, read: ScheduleToml) -> None:
    rules: list[StayRule] = []
    for table in top.tables("stay_rule"):
        own_id = table.word("id", example='"interrupted"')
        unit = table.member("unit", Unit, required=False)
        if unit not in (None, *_UNITS_WITH_STAY):
            table.note("unit", unit, "has no stay", instead_of(str(unit), list(_UNITS_WITH_STAY)))
        outcomes = table.words("outcomes", required=False) or ()
        care_settings = table.words("care_settings", required=False) or ()
        _in_vocabulary(table, "outcomes", outcomes, Part.OUTCOMES, read.outcomes, read)
        _in_vocabulary(table, "care_settings", care_settings, Part.CARE_SETTINGS, read.care_settings, read)
        max_days = table.whole("max_days", 0, MAX_STAY_DAYS, required=False, example="3")
        death_unavoidable = table.truth("death_unavoidable")
        pay = table.member("pay", Pay)
        share = table.share("share", required=False)
        share_is_right = _stay_share_is_right(table, pay, share)
        source = table.text("source")
        exemptions = tuple(
            exemption
            for exemption_table in table.tables("exemption")
            if (exemption := _read_exemption(exemption_table, read)) is not None
        )
        fresh = own_id is None or _new_id(table, "id", own_id, read)
        table.finish()
        if own_id is not None and fresh and pay is not None and share_is_right and source is not None:
            rules.append(
                StayRule(
                    id=own_id,
                    care_settings=frozenset(care_settings),
                    outcomes=frozenset(outcomes),
                    death_unavoidable=death_unavoidable,
                    max_days=max_days,
                    pay=pay,
                    share=share,
                    exemptions=exemptions,
                    source=source,
                    unit=unit or Unit.CASE,
                )
            )
    read.stay_rules = tuple(rules)


def _stay_share_is_right(table: TomlTable, pay: Pay | None, share: Fraction | None) -> bool:
    """Whether the share of a stay rule stands where, and only where, the rule pays a share."""
    if pay is Pay.SHARE:
        if share is None:
            if not table.has("share"):
                table.note("share", None, 'is missing: pay = "share" needs it', 'add share = "1/2"')
            return False
        return _accepted(table, "share", share, not_negative)
    if pay is not None and table.has("share"):
        table.note("share", table.values["share"], f'pay = "{pay.value}" has no share', "remove the line")
        return False
    return True


def _read_exemption(table: TomlTable, read: ScheduleToml) -> StayExemption | None:
    outcomes = table.words("outcomes", required=False) or ()
    drg_flags = table.words("drg_flags", required=False) or ()
    _in_vocabulary(table, "outcomes", outcomes, Part.OUTCOMES, read.outcomes, read)
    _in_vocabulary(table, "drg_flags", drg_flags, Part.DRG_FLAGS, read.drg_flags, read)
    source = table.text("source")
    if not outcomes and not drg_flags and not table.has("outcomes") and not table.has("drg_flags"):
        table.note(
            "outcomes",
            None,
            "the exemption names no condition, so the rule could never apply",
            'add outcomes = ["…"] or drg_flags = ["…"], or remove the exemption',
        )
    table.finish()
    return None if source is None else StayExemption(frozenset(outcomes), frozenset(drg_flags), source)


def _read_coefficients(top: TomlTable, read: ScheduleToml) -> None:
    coefficients: list[Coefficient] = []
    seen: dict[str, TomlTable] = {}
    all_named = not isinstance(top.values.get("coefficient"), UnreadableToml)
    for table in top.tables("coefficient"):
        name = table.word("name", example='"rural"')
        all_named = all_named and name is not None
        mode = table.member("mode", CoefficientMode)
        units = _coefficient_units(table)
        source = table.text("source")
        table.finish()
        if name is not None and name in seen:
            table.note("name", name, f"is declared already in {seen[name].place()}", "declare it once")
        elif name is not None:
            seen[name] = table
            read.paths[f"coefficient {name}"] = table.path
            if mode is not None and source is not None:
                coefficients.append(Coefficient(name, mode, source, units))
    read.coefficients = tuple(coefficients)
    if all_named:
        read.coefficient_names = tuple(seen)


def _coefficient_units(table: TomlTable) -> frozenset[Unit]:
    """What a coefficient corrects; nothing said: everything."""
    words = table.words("units", required=False, example='["person_month"]')
    if words == ():
        table.note(
            "units", "[]", "is empty, so nothing would be corrected", "name the units, or remove the line"
        )
    for word in words or ():
        if word not in list(Unit):
            table.note("units", word, "is not a unit", instead_of(word, list(Unit)))
    return frozenset(Unit(word) for word in words or () if word in list(Unit))


def _new_addon(table: TomlTable, kind: str, unit: Unit, first_of: dict[tuple[str, Unit], TomlTable]) -> bool:
    """Whether a table is the first of its kind for this unit; a problem names the line of the other."""
    first = first_of.setdefault((kind, unit), table)
    if first is table:
        return True
    line = table.document.line(first.path)
    table.note(
        "kind",
        kind,
        f"is paid on a unit {unit.value!r} by the table in line {line} already",
        "list all care settings and flags of this kind in one table, or give this one another kind",
    )
    return False


def _read_addons(top: TomlTable, read: ScheduleToml) -> None:
    addons: list[AddOn] = []
    first_of: dict[tuple[str, Unit], TomlTable] = {}
    for table in top.tables("addon"):
        kind = table.word("kind", example='"biologic_therapy"')
        unit = table.member("unit", Unit)
        if unit not in (None, *_UNITS_WITH_ADDON):
            way_out = instead_of(str(unit), list(_UNITS_WITH_ADDON))
            table.note("unit", unit, "has no amount that a line could bring with it", way_out)
        care_settings = table.words("care_settings", required=False) or ()
        drg_flags = table.words("drg_flags", required=False) or ()
        _in_vocabulary(table, "care_settings", care_settings, Part.CARE_SETTINGS, read.care_settings, read)
        _in_vocabulary(table, "drg_flags", drg_flags, Part.DRG_FLAGS, read.drg_flags, read)
        if drg_flags and unit is Unit.ITEM:
            table.note("drg_flags", ", ".join(drg_flags), "an item has no cost group", "remove the line")
        component = table.word("component", required=False, example='"medicines"')
        source = table.text("source")
        fresh = kind is None or unit is None or _new_addon(table, kind, unit, first_of)
        table.finish()
        if kind is not None and unit is not None and fresh:
            flags, settings = frozenset(drg_flags), frozenset(care_settings)
            addons.append(AddOn(kind, unit, settings, flags, component, source or ""))
    read.addons = tuple(addons)
