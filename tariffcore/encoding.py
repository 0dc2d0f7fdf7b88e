"""Cases as the kernel reads them: one narrow number a column, by the numbering of a plan."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from tariffcore import column_reading as reading
from tariffcore.arrow_buffers import null_cells
from tariffcore.cases import GROUPING_COLUMNS
from tariffcore.codes import normalise_procedure
from tariffcore.column_reading import CodedText, DayColumn, Mask
from tariffcore.encoded_cases import AddOns, EncodedCases, MarkedRows
from tariffcore.grouping_encoding import encode_diagnoses, group_rows
from tariffcore.plan import (
    DAY_CODES,
    DEATH_ANSWERS,
    DEATH_AVOIDABLE,
    DEATH_UNAVOIDABLE,
    DEATH_UNSAID,
    INVALID_DAY,
    INVALID_STAY,
    MALFORMED_DAY,
    MISSING_AGE,
    MISSING_DAY,
    MISSING_OUTCOME,
    MISSING_PROVIDER_ROW,
    OUTSIDE_DAY,
    UNKNOWN_DRG_ITEM,
    UNKNOWN_OUTCOME,
    UNKNOWN_PROVIDER_ROW,
    UNKNOWN_SERVICE_ITEM,
    UNKNOWN_SETTING_KEY,
    Plan,
    SettingKey,
)
from tariffcore.schedule.catalog import DecidingDate
from tariffcore.schedule.limits import MAX_AGE_YEARS, MAX_STAY_DAYS
from tariffcore.schedule.model import DayCount, Unit
from tariffcore.schedule.tariff import find_share

MAX_QUANTITY = 2**31 - 1


@dataclass
class _Marks:
    """Collects, column by column, the rows that cannot be priced for their own fields."""

    count: int
    invalid: list[MarkedRows] = field(default_factory=list)
    missing: list[MarkedRows] = field(default_factory=list)

    def mark(self, target: list[MarkedRows], column: str, rows: Mask | None) -> None:
        if rows is not None and rows.any():
            target.append(MarkedRows(column, np.flatnonzero(rows)))

    def wrong(self, column: str, rows: Mask | None) -> None:
        self.mark(self.invalid, column, rows)

    def absent(self, column: str, rows: Mask | None) -> None:
        self.mark(self.missing, column, rows)


def encode_cases(
    table: pa.Table, plan: Plan, malformed: NDArray[np.intp] | None = None, threads: int = 1
) -> EncodedCases:
    """The standard columns of a table of cases as arrays for the kernel.

    Cases without a group are grouped, where an edition has rules.

    ``malformed`` are row numbers that are no rows of the table at all.  Columns other than the standard ones
    are ignored.  Raises CasesError for a column whose type can hold no such thing; a cell never raises.
    """
    count = table.num_rows
    marks = _Marks(count)
    names = set(table.column_names)

    def coded(name: str) -> CodedText:
        if name not in names:
            return reading.no_text(count)
        column = reading.coded_text(name, table.column(name))
        marks.wrong(name, column.wrong())
        return column

    drg, service = coded("drg_code"), coded("service_code")
    item, is_case, is_service = _items(drg, service, plan)
    marks.wrong("service_code", is_case & is_service)
    ungrouped = ~(is_case | is_service)
    # where nothing says anything of a group, there is nothing to group by, and looking costs nothing
    may_group = plan.groups_cases and any(
        name in names and table.column(name).null_count < count for name in GROUPING_COLUMNS
    )
    groups_first = may_group and bool(ungrouped.any())
    if groups_first:
        is_case = is_case | ungrouped
    else:
        marks.absent("drg_code", ungrouped)

    setting = coded("care_setting")
    marks.absent("care_setting", setting.missing())
    if "case_id" in names:
        case_id = reading.one_array(table.column("case_id"))
        marks.absent("case_id", _blank(case_id))
        marks.wrong("case_id", _undecodable(case_id))
    else:
        marks.absent("case_id", np.ones(count, dtype=np.bool_))

    admission, discharge = _days(table, "admission_date", marks), _days(table, "discharge_date", marks)
    marks.absent("discharge_date", discharge.missing)
    length, length_given = _length_of_stay(table, marks)
    has_stay = is_case
    if plan.items_with_stay is not None:
        has_stay = is_case | plan.items_with_stay[item]
    admission_needed = has_stay & ~length_given
    if plan.catalog.deciding_date is DecidingDate.ADMISSION:
        admission_needed = np.ones(count, dtype=np.bool_)
    marks.absent("admission_date", admission.missing & admission_needed)

    outcome_text = coded("outcome") if "outcome" in names else None
    outcome = _outcomes(table, outcome_text, has_stay, plan, marks)
    age = _ages(table, marks)
    diagnoses = contradicting_ages = None
    if groups_first:
        diagnoses, contradicting_ages = encode_diagnoses(
            table, age, outcome_text, setting, ungrouped, plan.qualifiers, marks.wrong, marks.absent
        )
        age = np.where(ungrouped, diagnoses.years, age)
    quantity = _quantities(table, is_service, marks)
    signature = _signatures(table, plan, marks)
    factor = coded("factor_code")
    provider = coded("provider_id").map(
        lambda text: plan.provider_rows.get(text, UNKNOWN_PROVIDER_ROW), MISSING_PROVIDER_ROW, np.uint16
    )
    claimed_minor = claimed_missing = None
    if "claimed_amount" in names:
        claimed = reading.money_minor(
            "claimed_amount", table.column("claimed_amount"), plan.editions[0].minor_units
        )
        marks.wrong("claimed_amount", claimed.wrong)
        claimed_minor, claimed_missing = claimed.values, claimed.missing | claimed.wrong
    addons = _addons(table, coded, plan, marks)
    # patient_id is not looked at: a run without rejects does not even read it, and must find the same
    if "funding_source" in names:
        marks.wrong("funding_source", _undecodable(reading.one_array(table.column("funding_source"))))

    by_admission = plan.catalog.deciding_date is DecidingDate.ADMISSION
    beyond = _days_beyond(admission if by_admission else discharge, plan)
    admission_code = _day_codes(admission, plan, beyond)
    # where admission decides, a discharge only ends the stay, maybe after the last day that has a code
    discharge_code = _day_codes(discharge, plan, beyond, wraps=by_admission)
    deciding = admission_code if by_admission else discharge_code
    editions = plan.edition_of_day.take(deciding)
    admission_code, contradicts = _stay_by_length(
        length, length_given, admission, admission_code, discharge_code, editions, plan
    )
    # a service has no stay: without an admission date it begins and ends on its day
    if admission.missing.any():
        without_stay = np.flatnonzero(admission.missing & ~length_given)
        admission_code = admission_code.copy()
        admission_code[without_stay] = discharge_code[without_stay]
    keys = _setting_keys(setting, factor, addons, is_case, admission, discharge, editions, plan)
    grouped = None
    if diagnoses is not None:
        stay_days = discharge_code - admission_code  # modulo 2**16, as the kernel does
        grouped = group_rows(diagnoses, plan.grouping_rules, editions, stay_days, ungrouped, threads)
        found = grouped.numbers(plan.items_of_rules)
        item = np.where(found >= 0, found, item).astype(np.uint16)
    if plan.first_provider_of_item is not None:
        provider = provider + plan.first_provider_of_item.take(item)

    impossible = _impossible_stay(admission, discharge)
    troubles = [
        (contradicts, INVALID_STAY),
        (contradicting_ages, INVALID_STAY),
        (impossible, INVALID_STAY),
        *((marked.rows, MISSING_DAY) for marked in marks.missing),
        *((marked.rows, INVALID_DAY) for marked in marks.invalid),
        (malformed, MALFORMED_DAY),
    ]
    marked = marked_edition = None
    if any(rows is not None and rows.any() for rows in (contradicts, contradicting_ages, impossible)) or (
        marks.missing or marks.invalid or (malformed is not None and len(malformed))
    ):
        deciding = deciding.copy()
        is_marked = np.zeros(count, dtype=np.bool_)
        for rows, code in troubles:  # later ones win: see the order of statuses
            if rows is not None:
                deciding[rows] = code
                is_marked[rows] = True
        marked = np.flatnonzero(is_marked)
        if grouped is not None:
            grouped.rule[marked] = -1  # a row that its own fields decide has no group, whatever rules say
        undated = (admission if by_admission else discharge).undated()
        marked_edition = np.where(undated[marked], 0, editions[marked] + 1).astype(np.uint8)
    return EncodedCases(
        deciding_day=deciding,
        admission_day=admission_code,
        discharge_day=discharge_code,
        item=item,
        provider=provider,
        variant=keys << np.uint16(plan.signature_bits) | signature,
        age=age,
        outcome=outcome,
        quantity=quantity,
        claimed_minor=claimed_minor,
        claimed_missing=claimed_missing,
        addons=addons,
        invalid=tuple(marks.invalid),
        missing=tuple(marks.missing),
        marked=marked,
        marked_edition=marked_edition,
        grouped=grouped,
    )


def _items(drg: CodedText, service: CodedText, plan: Plan) -> tuple[NDArray[np.uint16], Mask, Mask]:
    is_case, is_service = ~drg.missing(), ~service.missing()
    item = drg.map(lambda text: plan.drg_items.get(text, UNKNOWN_DRG_ITEM), UNKNOWN_DRG_ITEM, np.uint16)
    rows = np.flatnonzero(is_service)
    if len(rows):
        item[rows] = service.at(rows).map(
            lambda text: plan.service_items.get(text, UNKNOWN_SERVICE_ITEM), UNKNOWN_DRG_ITEM, np.uint16
        )
    return item, is_case, is_service


def _blank(array: pa.Array) -> Mask:
    """Rows without a value: null, or text of white space only."""
    if not reading.is_text(array.type):
        return _null(array)
    if not pa.types.is_string(array.type):
        return reading.coded_text("", array).missing()
    # Text that hardly repeats: only cells that begin with what may be white space are looked at whole.
    _, offsets, content = array.buffers()
    starts = np.frombuffer(offsets, dtype=np.int32)[array.offset : array.offset + len(array) + 1]
    octets = np.frombuffer(content, dtype=np.uint8) if content is not None else np.zeros(0, dtype=np.uint8)
    blank: Mask = np.diff(starts) == 0
    first = np.zeros(len(array), dtype=np.uint8)
    first[~blank] = octets[starts[:-1][~blank]]
    suspects = np.flatnonzero(~blank & ((first <= ord(" ")) | (first >= 0x80)))
    if len(suspects):
        blank[suspects] = reading.coded_text("", array.take(pa.array(suspects))).missing()
    if array.null_count:
        blank |= _null(array)
    return blank


def _null(array: pa.Array) -> Mask:
    if pa.types.is_primitive(array.type) or pa.types.is_string(array.type):
        return null_cells(array)
    return np.asarray(array.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)


def _undecodable(array: pa.Array) -> Mask | None:
    """Rows whose bytes are no text, or None where all are."""
    if not reading.is_text(array.type):
        return None
    values = array.dictionary if pa.types.is_dictionary(array.type) else array
    try:
        (values.cast(pa.string()) if pa.types.is_binary(values.type) else values).validate(full=True)
    except pa.ArrowInvalid:
        return reading.coded_text("", array).wrong()
    return None


def _days(table: pa.Table, name: str, marks: _Marks) -> DayColumn:
    if name not in table.column_names:
        nothing = np.zeros(marks.count, dtype=np.int32)
        return DayColumn(nothing, None, np.ones(marks.count, np.bool_), np.zeros(marks.count, np.bool_))
    column = reading.days(name, table.column(name))
    marks.wrong(name, column.wrong)
    return column


def _days_beyond(deciding: DayColumn, plan: Plan) -> NDArray[np.int32] | np.int32:
    """How far each deciding day lies behind the last one that has a code.

    An edition without an end covers those days too, and nothing changes there: the whole stay is moved back.
    """
    last = np.int32(plan.base_day + MISSING_DAY - 1)
    if not len(deciding.days) or deciding.days.max() <= last or plan.catalog.spans[-1].end is not None:
        return np.int32(0)
    return np.maximum(deciding.days, last) - last


def _day_codes(
    column: DayColumn, plan: Plan, beyond: NDArray[np.int32] | np.int32, *, wraps: bool = False
) -> NDArray[np.uint16]:
    """Codes of days. Differences of two are taken modulo 2**16, in the kernel too, so codes that wrap around
    still tell how long a stay was."""
    days = column.days - beyond - np.int32(plan.base_day)
    codes = days.astype(np.uint16)
    if not wraps:
        codes[np.flatnonzero((days < 0) | (days >= MISSING_DAY))] = OUTSIDE_DAY
    return codes


def _impossible_stay(admission: DayColumn, discharge: DayColumn) -> Mask | None:
    known = ~(admission.missing | discharge.missing | admission.wrong | discharge.wrong)
    stay = discharge.days - admission.days  # both of the calendar: 32 bits have room
    impossible = (stay < 0) | (stay > MAX_STAY_DAYS)
    same_day = np.flatnonzero(stay == 0)
    start, end = admission.seconds(same_day), discharge.seconds(same_day)
    impossible[same_day] = (start != reading.NO_TIME) & (end != reading.NO_TIME) & (end < start)
    impossible &= known
    return impossible if impossible.any() else None


def _length_of_stay(table: pa.Table, marks: _Marks) -> tuple[NDArray[np.integer[Any]], Mask]:
    if "length_of_stay_days" not in table.column_names:
        return np.zeros(marks.count, dtype=np.uint32), np.zeros(marks.count, dtype=np.bool_)
    column = reading.whole_numbers(
        "length_of_stay_days", table.column("length_of_stay_days"), 0, MAX_STAY_DAYS, dtype=np.uint32
    )
    marks.wrong("length_of_stay_days", column.wrong)
    return column.values, ~column.missing


def _stay_by_length(
    length: NDArray[np.integer[Any]],
    given: Mask,
    admission: DayColumn,
    admission_code: NDArray[np.uint16],
    discharge_code: NDArray[np.uint16],
    editions: NDArray[np.int16],
    plan: Plan,
) -> tuple[NDArray[np.uint16], Mask | None]:
    """Admission days that give the stated length where only that is known; and rows where the two disagree.

    How days are counted is the edition's rule, so a row outside every edition cannot disagree.
    """
    rows = np.flatnonzero(given)
    if not len(rows):
        return admission_code, None
    extra = np.array([int(s.day_count is DayCount.INCLUSIVE) for s in plan.editions] + [0], dtype=np.int64)
    edition = editions[rows]
    no_admission = admission.missing[rows]
    stay = (discharge_code[rows] - admission_code[rows]).astype(np.int64) + extra[edition]
    disagree = (np.maximum(stay, 1) != length[rows]) & (edition >= 0) & ~no_admission
    contradicts = np.zeros(len(given), dtype=np.bool_)
    contradicts[rows] = disagree
    unknown = rows[no_admission]
    if len(unknown):
        # the admission day that gives the stated length, at least one day
        derived = discharge_code[unknown].astype(np.int64) - np.maximum(length[unknown], 1)
        derived += extra[editions[unknown]]
        admission_code = admission_code.copy()
        admission_code[unknown] = np.clip(derived, 0, DAY_CODES - 1)
    return admission_code, contradicts


def _outcomes(
    table: pa.Table, column: CodedText | None, has_stay: Mask, plan: Plan, marks: _Marks
) -> NDArray[np.uint8]:
    """Outcome and whether a death was unavoidable, in one number."""
    count = marks.count
    if column is not None:
        marks.absent("outcome", column.missing() & has_stay)
        outcome = column.map(lambda text: plan.outcomes.get(text, UNKNOWN_OUTCOME), MISSING_OUTCOME, np.uint8)
    else:
        outcome = np.full(count, plan.outcomes.get("discharged", UNKNOWN_OUTCOME), dtype=np.uint8)
    if "death_unavoidable" not in table.column_names:
        return outcome * np.uint8(DEATH_ANSWERS) + np.uint8(DEATH_UNSAID)
    death = reading.booleans("death_unavoidable", table.column("death_unavoidable"))
    marks.wrong("death_unavoidable", death.wrong)
    answer = np.where(death.values, np.uint8(DEATH_UNAVOIDABLE), np.uint8(DEATH_AVOIDABLE))
    answer[death.missing] = DEATH_UNSAID
    return outcome * np.uint8(DEATH_ANSWERS) + answer


def _ages(table: pa.Table, marks: _Marks) -> NDArray[np.uint8]:
    if "age_years" not in table.column_names:
        return np.full(marks.count, MISSING_AGE, dtype=np.uint8)
    column = reading.whole_numbers(
        "age_years", table.column("age_years"), 0, MAX_AGE_YEARS, instead=MISSING_AGE, dtype=np.uint8
    )
    marks.wrong("age_years", column.wrong)
    return column.values


def _quantities(table: pa.Table, is_service: Mask, marks: _Marks) -> NDArray[np.uint32] | None:
    if "quantity" not in table.column_names:
        return None
    column = reading.whole_numbers(
        "quantity", table.column("quantity"), 1, MAX_QUANTITY, instead=1, dtype=np.uint32
    )
    marks.wrong("quantity", column.wrong)
    marks.absent("quantity", column.missing & is_service)
    return None if (column.values == 1).all() else column.values


def _addons(table: pa.Table, coded: Callable[[str], CodedText], plan: Plan, marks: _Marks) -> AddOns | None:
    """Amounts paid on top: both their columns say something of a row, or neither does."""
    if not {"addon_amount", "addon_kind"} & set(table.column_names):
        return None
    kind = coded("addon_kind")
    has_kind = ~kind.missing()
    amount_minor = np.zeros(marks.count, dtype=np.int64)
    has_amount = wrong = np.zeros(marks.count, dtype=np.bool_)
    if "addon_amount" in table.column_names:
        column = reading.money_minor(
            "addon_amount", table.column("addon_amount"), plan.editions[0].minor_units
        )
        wrong = column.wrong | (~column.missing & (column.values < 0))
        amount_minor, has_amount = column.values, ~column.missing
        marks.wrong("addon_amount", wrong)
    marks.absent("addon_kind", has_amount & ~has_kind)
    marks.absent("addon_amount", has_kind & ~has_amount & ~wrong)
    rows = np.flatnonzero(has_kind & has_amount & ~wrong)
    if not len(rows):
        return None
    numbers = {text: number for number, text in enumerate(plan.addon_kinds, start=1)}
    return AddOns(
        rows, kind.at(rows).map(lambda text: numbers.get(text, 0), 0, np.uint16), amount_minor[rows]
    )


def _signatures(table: pa.Table, plan: Plan, marks: _Marks) -> NDArray[np.uint8]:
    if "procedure_codes" not in table.column_names:
        return np.zeros(marks.count, dtype=np.uint8)
    signature, wrong = reading.procedure_signatures(
        "procedure_codes",
        table.column("procedure_codes"),
        lambda code: plan.procedure_bits.get(normalise_procedure(code), 0),
    )
    marks.wrong("procedure_codes", wrong)
    return signature


def _setting_keys(
    setting: CodedText,
    factor: CodedText,
    addons: AddOns | None,
    is_case: Mask,
    admission: DayColumn,
    discharge: DayColumn,
    editions: NDArray[np.int16],
    plan: Plan,
) -> NDArray[np.uint16]:
    numbers = plan.setting_key_numbers
    own_keys = setting.map(
        lambda text: numbers.get(SettingKey(text), UNKNOWN_SETTING_KEY), UNKNOWN_SETTING_KEY, np.uint16
    )
    keys = own_keys.copy()
    with_factor = np.flatnonzero(~factor.missing())
    if len(with_factor):
        # by what the plan knows, not by what the cells say: a file may hold a million codes of each kind
        settings = {text: number for number, text in enumerate(plan.care_settings, start=1)}
        factors = {text: number for number, text in enumerate(plan.factor_codes, start=1)}
        by_pair = np.array(
            [
                [
                    numbers.get(SettingKey(text, factor_code=code), UNKNOWN_SETTING_KEY)
                    for code in ("", *factors)
                ]
                for text in (None, *settings)
            ],
            dtype=np.uint16,
        )
        setting_number = setting.at(with_factor).map(lambda text: settings.get(text, 0), 0, np.uint16)
        factor_number = factor.at(with_factor).map(lambda text: factors.get(text, 0), 0, np.uint16)
        keys[with_factor] = by_pair[setting_number, factor_number]
    if addons is not None:
        pairs = plan.keys_of_addons
        places = {text: number for number, text in enumerate(plan.care_settings, start=1)}
        setting_number = setting.at(addons.rows).map(lambda text: places.get(text, 0), 0, np.uint16)
        # no rule says what a factor would do to an add-on
        kind = np.where(factor.missing()[addons.rows], addons.kind, 0)
        keys[addons.rows] = pairs[setting_number, kind]
        is_case = is_case.copy()
        is_case[addons.rows] = False  # where hours are limited nothing is paid on top, however long the stay
    for care_setting in plan.limited_settings:
        concerned = np.flatnonzero((own_keys == numbers[SettingKey(care_setting)]) & is_case)
        for number, schedule in enumerate(plan.editions):
            share = find_share(schedule, Unit.CASE, care_setting)
            if share is None or share.max_hours is None:
                continue
            rows = concerned[editions[concerned] == number]
            over, unknown = _over_hours(admission, discharge, rows, share.max_hours)
            keys[rows[over]] = numbers[SettingKey(care_setting, over_limit=True)]
            keys[rows[unknown]] = numbers[SettingKey(care_setting, over_limit=None)]
    return keys


def _over_hours(
    admission: DayColumn, discharge: DayColumn, rows: NDArray[np.intp], max_hours: int
) -> tuple[Mask, Mask]:
    """Which of the rows stayed longer than the limit, and which cannot be told without the hours."""
    days = discharge.days[rows].astype(np.int64) - admission.days[rows]
    start, end = admission.seconds(rows), discharge.seconds(rows)
    timed = (start != reading.NO_TIME) & (end != reading.NO_TIME)
    seconds = days * 86_400 + end - start
    over = np.where(timed, seconds > max_hours * 3_600, (days >= 1) & ((days - 1) * 24 >= max_hours))
    within = np.where(timed, ~over, (days + 1) * 24 <= max_hours)
    no_admission = admission.missing[rows]
    return over & ~no_admission, (~over & ~within) | no_admission
