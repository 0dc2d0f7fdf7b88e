"""One case priced by the kernel, in some ten microseconds: what `pricing` would say of a table of one row."""

from __future__ import annotations

import struct
from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar, NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from tariffcore.binding import FIELDS, CaseColumns, Workspace, price_columns
from tariffcore.cases import Case, table_from_cases
from tariffcore.encoding import MAX_QUANTITY
from tariffcore.known_words import KnownWords, place_of
from tariffcore.money import MAX_AMOUNT_MINOR
from tariffcore.plan import Plan
from tariffcore.pricing import PricedCases, price_cases
from tariffcore.schedule.limits import MAX_AGE_YEARS, MAX_STAY_DAYS
from tariffcore.schedule.model import PaymentMethod, Schedule
from tariffcore.statuses import CaseStatus

_NO_DAY = -(2**31)
_NOT_GIVEN = 2**32 - 1
_UNREADABLE, _LACKING = 1, 2
_NO_AMOUNT = -1
_DEATH = {None: 0, False: 1, True: 2}
_STATUSES = [CaseStatus(number) for number in range(1 + max(CaseStatus))]
_UNIX_EPOCH_ORDINAL = date(1970, 1, 1).toordinal()

# the fields 11 to 23 of CaseColumns, then 25 and 26, then the two of one byte, 24 and 27, then 28 and 29
_ROW = struct.Struct("<5I2i8I2BIq")
_OFFSETS = np.full(FIELDS, -1, dtype=np.int64)
_OFFSETS[11:24] = range(0, 52, 4)
_OFFSETS[[25, 26, 24, 27]] = (52, 56, 60, 61)
_PROCEDURE_FIELDS, _ADDON_FIELDS = [25, 26], [28, 29]


def _offsets(*, procedures: bool, addon: bool) -> NDArray[np.int64]:
    offsets = _OFFSETS.copy()
    offsets[_PROCEDURE_FIELDS] = offsets[_PROCEDURE_FIELDS] if procedures else -1
    offsets[_ADDON_FIELDS] = (62, 66) if addon else -1
    return offsets


_OFFSETS_OF = {
    (procedures, addon): _offsets(procedures=procedures, addon=addon)
    for procedures in (False, True)
    for addon in (False, True)
}
"""By whether the case touches an exception and whether it brings an amount with it."""


class PricedCase(NamedTuple):
    """What became of a case.

    amount_minor              minor units; None unless the status is OK
    rule_id                   the rule that applied; None unless the status is OK
    method                    how the fund pays for it; None unless the status is OK
    edition                   the edition that covers the deciding date; None: none does, or there is no date
    parts_minor               the amount over ``plan.component_names``; None: not asked for, or it has none
    claimed_difference_minor  claimed less priced; None unless there are both
    drg_code                  of a case that came without its group: the group that was found
    grouping_rule_id          the grouping rule that led to it
    """

    status: CaseStatus
    amount_minor: int | None = None
    rule_id: str | None = None
    edition: Schedule | None = None
    parts_minor: tuple[int, ...] | None = None
    claimed_difference_minor: int | None = None
    method: PaymentMethod | None = None
    drg_code: str | None = None
    grouping_rule_id: str | None = None


def price_case(case: Case, plan: Plan, *, components: bool = False) -> PricedCase:
    """Price one case. A wrong field is a status and never an error. Safe to call from several threads."""
    if plan.groups_cases and not (case.drg_code or "").strip() and not (case.service_code or "").strip():
        return _price_ungrouped(case, plan, components=components)
    return _SinglePricer.of(plan).price(case, components=components)


def _price_ungrouped(case: Case, plan: Plan, *, components: bool) -> PricedCase:
    """A case that needs its group first, as a table of one row: about a millisecond."""
    return priced_records(
        price_cases(table_from_cases([case]), plan, components=components, threads=1), plan
    )[0]


def priced_records(priced: PricedCases, plan: Plan) -> list[PricedCase]:
    """The cases of a table as records, in order."""
    editions: list[Schedule | None] = [None, *plan.editions]
    amounts = priced.amount_minor.tolist()
    rules = priced.rule.tolist()
    places = priced.edition.tolist()
    differences = None if priced.difference_minor is None else priced.difference_minor.tolist()
    has_difference = priced.has_difference.tolist()
    found = priced.found
    drg, grouping_rule = ([-1], [-1]) if found is None else (found.drg.tolist(), found.rule.tolist())
    records: list[PricedCase] = []
    for row, number in enumerate(priced.status.tolist()):
        status = CaseStatus(number)
        record = PricedCase(status, edition=editions[places[row]])
        if found is not None and drg[row] >= 0:
            record = record._replace(
                drg_code=found.drg_codes[drg[row]], grouping_rule_id=found.rule_ids[grouping_rule[row]]
            )
        if status is CaseStatus.OK:
            parts: tuple[int, ...] | None = None
            if priced.parts_minor is not None and priced.has_parts is not None and priced.has_parts[row]:
                parts = tuple(priced.parts_minor[:, row].tolist())
            record = record._replace(
                amount_minor=amounts[row],
                rule_id=plan.rule_ids[rules[row]],
                parts_minor=parts,
                claimed_difference_minor=(
                    differences[row] if differences is not None and has_difference[row] else None
                ),
                method=plan.rule_methods[rules[row]],
            )
        records.append(record)
    return records


class _SinglePricer:
    """What pricing single cases needs of a plan."""

    _of_plan: ClassVar[WeakKeyDictionary[Plan, _SinglePricer]] = WeakKeyDictionary()

    @classmethod
    def of(cls, plan: Plan) -> _SinglePricer:
        """That of a plan, built once."""
        pricer = cls._of_plan.get(plan)
        return cls._of_plan.setdefault(plan, cls(plan)) if pricer is None else pricer

    def __init__(self, plan: Plan) -> None:
        self._known = KnownWords.of(plan)
        self._editions = (None, *plan.editions)
        self._rule_ids, self._methods = plan.rule_ids, plan.rule_methods
        self._minor_in_unit = 10 ** plan.editions[0].minor_units
        self._component_count = len(plan.component_names)
        self._spaces: list[Workspace] = []

    def price(self, case: Case, *, components: bool) -> PricedCase:
        known = self._known
        claimed_minor, problem = self._minor(case.claimed_amount)
        has_addon = case.addon_amount is not None or case.addon_kind is not None
        added_minor: int | None = None
        if case.addon_amount is not None:
            added_minor, wrong_addon = self._minor(case.addon_amount)
            if wrong_addon or (added_minor is not None and added_minor < 0):
                added_minor, problem = None, _UNREADABLE
        if case.case_id is None or not str(case.case_id).strip():
            problem = problem or _LACKING
        admission_day, admission_second = _moment(case.admission_date)
        discharge_day, discharge_second = _moment(case.discharge_date)
        if admission_second < 0 or discharge_second < 0:
            problem = _UNREADABLE
        signature = 0
        for code in case.procedure_codes:
            signature |= known.procedure(code)
        row = _ROW.pack(
            place_of(known.provider, case.provider_id),
            place_of(known.drg, case.drg_code),
            place_of(known.service, case.service_code),
            place_of(known.setting, case.care_setting),
            place_of(known.outcome, case.outcome),
            admission_day,
            discharge_day,
            max(0, admission_second),
            max(0, discharge_second),
            _number(case.age_years, 0, MAX_AGE_YEARS),
            _number(case.quantity, 1, MAX_QUANTITY),
            _number(case.length_of_stay_days, 0, MAX_STAY_DAYS),
            place_of(known.factor, case.factor_code),
            1,
            signature,
            _DEATH[case.death_unavoidable],
            problem,
            place_of(known.addon_kind, case.addon_kind),
            _NO_AMOUNT if added_minor is None else added_minor,
        )
        offsets = _OFFSETS_OF[signature != 0, has_addon]
        try:
            space = self._spaces.pop()
        except IndexError:
            space = Workspace(1, self._component_count)
        try:
            columns = CaseColumns(row, offsets, 1, 1 if signature else 0)
            wrong = price_columns(columns, known.words, known.tables, space, components=components)
            assert wrong is None, "every place is one of the tables"
            status = _STATUSES[space.status.item(0)]
            edition = self._editions[space.edition.item(0)]
            if status is not CaseStatus.OK:
                return PricedCase(status, edition=edition)
            amount_minor: int = space.amount_minor.item(0)
            parts = None
            if components and space.parts_minor is not None and space.has_parts[0]:
                parts = tuple(space.parts_minor[:, 0].tolist())
            rule = space.rule.item(0)
            return PricedCase(
                status,
                amount_minor,
                self._rule_ids[rule],
                edition,
                parts,
                None if claimed_minor is None else claimed_minor - amount_minor,
                self._methods[rule],
            )
        finally:
            self._spaces.append(space)

    def _minor(self, amount: Decimal | None) -> tuple[int | None, int]:
        """The amount in minor units, and whether it cannot be read."""
        if amount is None:
            return None, 0
        if not amount.is_finite():
            return None, _UNREADABLE
        numerator, denominator = amount.as_integer_ratio()
        minor, rest = divmod(numerator * self._minor_in_unit, denominator)
        if rest or abs(minor) > MAX_AMOUNT_MINOR:
            return None, _UNREADABLE
        return minor, 0


def _moment(moment: date | datetime | None) -> tuple[int, int]:
    """Days since 1970 and the second of the day plus one, 0 where the hour is not known, -1: unreadable."""
    if moment is None:
        return _NO_DAY, 0
    day = moment.toordinal() - _UNIX_EPOCH_ORDINAL
    if not isinstance(moment, datetime):
        return day, 0
    if moment.tzinfo is not None:
        return _NO_DAY, -1  # civil time of where? no column of a table could say either
    return day, 1 + moment.hour * 3600 + moment.minute * 60 + moment.second


def _number(value: int | None, low: int, high: int) -> int:
    """As CaseColumns has it: a number that means nothing is told by one that never does."""
    if value is None:
        return _NOT_GIVEN
    return value if low <= value <= high else (0 if low else _NOT_GIVEN - 1)
