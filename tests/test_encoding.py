"""A table of cases as the kernel reads it: which number each cell becomes, and which rows are marked."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest

from tariffcore.encoding import MAX_QUANTITY, encode_cases
from tariffcore.errors import CasesError
from tariffcore.plan import (
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
from tariffcore.pricing import check_encoded, price_encoded
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.model import DayCount
from tariffcore.statuses import CaseStatus
from tests.small_schedule import SMALL, period

WITH_PROVIDERS = replace(SMALL, providers={"P1": (period("P1"),), "P2": (period("P2"),)})
PLAN = Plan(Catalog.of([SMALL]))
PLAN_OF_PROVIDERS = Plan(Catalog.of([WITH_PROVIDERS]))


def cases(count=1, **columns):
    """Cases of ten days in group G1, with some columns as given (None: without the column)."""
    ordinary = {
        "case_id": ["1"] * count,
        "drg_code": ["G1"] * count,
        "care_setting": ["inpatient"] * count,
        "admission_date": ["2025-03-01"] * count,
        "discharge_date": ["2025-03-11"] * count,
        "outcome": ["discharged"] * count,
    }
    return pa.table({name: values for name, values in {**ordinary, **columns}.items() if values is not None})


def encode(count=1, plan=PLAN, malformed=None, **columns):
    encoded = encode_cases(cases(count, **columns), plan, malformed)
    check_encoded(encoded, plan)
    return encoded


def marked(rows):
    """Which rows each column marks."""
    return {each.column: each.rows.tolist() for each in rows}


def statuses(encoded, plan=PLAN):
    return [CaseStatus(status) for status in price_encoded(encoded, plan).status.tolist()]


# Numbers of cells


def test_an_ordinary_case():
    encoded = encode()

    assert len(encoded) == 1
    assert encoded.item.tolist() == [PLAN.drg_items["G1"]]
    assert encoded.variant.tolist() == [
        PLAN.setting_key_numbers[SettingKey("inpatient")] << PLAN.signature_bits
    ]
    assert encoded.admission_day.tolist() == [PLAN.day_code(date(2025, 3, 1))]
    assert (
        encoded.discharge_day.tolist() == encoded.deciding_day.tolist() == [PLAN.day_code(date(2025, 3, 11))]
    )
    assert encoded.age.tolist() == [MISSING_AGE]
    assert encoded.provider.tolist() == [MISSING_PROVIDER_ROW]
    assert encoded.outcome.tolist() == [PLAN.outcomes["discharged"] * DEATH_ANSWERS + DEATH_UNSAID]
    assert encoded.quantity is None
    assert encoded.claimed_minor is None
    assert encoded.marked is None
    assert encoded.invalid == encoded.missing == ()


def test_arrays_are_as_narrow_as_the_kernel_reads_them():
    encoded = encode(
        3,
        age_years=[1, 2, None],
        quantity=[1, 2, None],
        procedure_codes=["13.73", "", None],
        death_unavoidable=[True, False, None],
        provider_id=["P1", "x", None],
    )

    assert {name: str(getattr(encoded, name).dtype) for name in ("item", "provider", "variant")} == {
        "item": "uint16",
        "provider": "uint16",
        "variant": "uint16",
    }
    assert encoded.age.dtype == encoded.outcome.dtype == np.uint8
    assert encoded.quantity.dtype == np.uint32


def test_codes_nobody_knows_are_told_apart_from_missing_ones():
    encoded = encode(
        4,
        plan=PLAN_OF_PROVIDERS,
        drg_code=["G1", "nope", None, None],
        service_code=[None, None, "VISIT", "nope"],
        care_setting=["inpatient", "ward", "outpatient", "home"],
        provider_id=["P2", "P3", None, " P1 "],
        outcome=["died", "gone", None, ""],
    )
    keys = (encoded.variant >> PLAN_OF_PROVIDERS.signature_bits).tolist()

    assert encoded.item.tolist() == [
        PLAN_OF_PROVIDERS.drg_items["G1"],
        UNKNOWN_DRG_ITEM,
        PLAN_OF_PROVIDERS.service_items["VISIT"],
        UNKNOWN_SERVICE_ITEM,
    ]
    assert keys[1] == UNKNOWN_SETTING_KEY
    assert [PLAN_OF_PROVIDERS.setting_keys[key] for key in keys] == [
        SettingKey("inpatient"),
        SettingKey(None),
        SettingKey("outpatient"),
        SettingKey("home"),
    ]
    rows = PLAN_OF_PROVIDERS.provider_rows
    assert encoded.provider.tolist() == [rows["P2"], UNKNOWN_PROVIDER_ROW, MISSING_PROVIDER_ROW, rows["P1"]]
    assert (encoded.outcome // DEATH_ANSWERS).tolist() == [
        PLAN_OF_PROVIDERS.outcomes["died"],
        UNKNOWN_OUTCOME,
        MISSING_OUTCOME,
        MISSING_OUTCOME,
    ]
    assert encoded.missing == ()  # an outcome is for cases


def test_whether_a_death_was_unavoidable_stands_beside_the_outcome():
    encoded = encode(3, outcome=["died"] * 3, death_unavoidable=[True, False, None])

    assert (encoded.outcome % DEATH_ANSWERS).tolist() == [DEATH_UNAVOIDABLE, DEATH_AVOIDABLE, DEATH_UNSAID]
    assert (encoded.outcome // DEATH_ANSWERS == PLAN.outcomes["died"]).all()


def test_procedures_are_bits_beside_the_care_setting():
    spelled = ["13.73", "1373;88,55", "9.83", "88.55", "99.99", None]
    encoded = encode(6, care_setting=["day_hospital"] * 6, procedure_codes=spelled)
    surgical, arteriography = PLAN.procedure_bits["1373"], PLAN.procedure_bits["8855"]

    signatures = encoded.variant & np.uint16((1 << PLAN.signature_bits) - 1)
    assert signatures.tolist() == [surgical, surgical | arteriography, surgical, arteriography, 0, 0]
    keys = {PLAN.setting_keys[key] for key in (encoded.variant >> PLAN.signature_bits).tolist()}
    assert keys == {SettingKey("day_hospital")}


@pytest.mark.parametrize(
    ("factor_code", "key"),
    [
        ("remote", SettingKey("home", factor_code="remote")),
        (" remote ", SettingKey("home", factor_code="remote")),
        ("Remote", SettingKey("home", factor_code="")),
        ("", SettingKey("home")),
        (None, SettingKey("home")),
    ],
)
def test_a_factor_stands_beside_its_setting(factor_code, key):
    encoded = encode(
        2,
        drg_code=pa.nulls(2),
        service_code=["VISIT"] * 2,
        care_setting=["home", "ward"],
        factor_code=pa.array([factor_code] * 2, pa.string()),
    )

    keys = (encoded.variant >> PLAN.signature_bits).tolist()
    assert [PLAN.setting_keys[number] for number in keys] == [key, SettingKey(None)]


def test_a_file_of_nothing_but_different_factors_and_settings_is_encoded():
    """Once a table of every factor with every setting of the file was made: 80 GB for this one."""
    count = 200_000
    encoded = encode(
        count,
        case_id=pa.array(np.arange(count)),
        factor_code=pa.array([f"f{number}" for number in range(count)]),
        care_setting=pa.array([f"s{number}" for number in range(count - 1)] + ["home"]),
    )

    keys = encoded.variant >> PLAN.signature_bits
    assert (keys[:-1] == UNKNOWN_SETTING_KEY).all()
    assert PLAN.setting_keys[keys[-1]] == SettingKey("home", factor_code="")


def test_quantities_of_one_are_no_column():
    assert encode(2, quantity=[1, 1]).quantity is None
    assert encode(2, quantity=[1, None]).quantity is None
    assert encode(2, quantity=["1", "3"]).quantity.tolist() == [1, 3]
    assert encode(2, quantity=[MAX_QUANTITY, 1]).quantity.tolist() == [2**31 - 1, 1]


def test_columns_that_are_none_of_ours_are_not_looked_at():
    plain, more = encode(), encode(surname=["Secret"], addon_kind=[None], photo=pa.array([b"\xff"]))

    assert more.invalid == plain.invalid
    assert more.item.tolist() == plain.item.tolist()


# Days


def test_days_outside_the_plan_have_no_number():
    first = PLAN.base_day
    epoch = date(1970, 1, 1)
    days = [
        epoch + timedelta(days=first),
        epoch + timedelta(days=first - 1),
        date(9999, 12, 31),
        date(1, 1, 1),
    ]

    encoded = encode(4, discharge_date=days, admission_date=days)

    assert encoded.discharge_day.tolist() == [0, OUTSIDE_DAY, OUTSIDE_DAY, OUTSIDE_DAY]


@pytest.mark.parametrize("value", [2**31 - 1, -(2**31), 2**31 - 16_000])
def test_the_outermost_days_of_arrow_do_not_wrap_round_into_the_plan(value):
    column = pa.array([value], pa.int32()).cast(pa.date32())

    encoded = encode(discharge_date=column, admission_date=column)

    assert statuses(encoded) == [CaseStatus.INVALID_FIELD]


@pytest.mark.parametrize("deciding_date", DecidingDate)
def test_the_deciding_date_is_the_catalogs(deciding_date):
    plan = Plan(Catalog.of([SMALL], deciding_date=deciding_date))
    encoded = encode(plan=plan)

    expected = encoded.admission_day if deciding_date is DecidingDate.ADMISSION else encoded.discharge_day
    assert encoded.deciding_day.tolist() == expected.tolist()
    assert encoded.admission_day.tolist() != encoded.discharge_day.tolist()


@pytest.mark.parametrize(
    ("day_count", "given", "days_before"),
    [
        (DayCount.DISCHARGE_MINUS_ADMISSION, 5, 5),
        (DayCount.DISCHARGE_MINUS_ADMISSION, 1, 1),
        (DayCount.DISCHARGE_MINUS_ADMISSION, 0, 1),
        (DayCount.INCLUSIVE, 5, 4),
        (DayCount.INCLUSIVE, 1, 0),
        (DayCount.INCLUSIVE, 0, 0),
        (DayCount.DISCHARGE_MINUS_ADMISSION, 32_767, 32_767),
    ],
)
def test_a_length_of_stay_stands_in_for_the_admission(day_count, given, days_before):
    plan = Plan(Catalog.of([replace(SMALL, day_count=day_count)]))

    encoded = encode(plan=plan, admission_date=pa.nulls(1), length_of_stay_days=[given])

    assert encoded.discharge_day[0] - encoded.admission_day[0] == days_before
    assert encoded.marked is None


@pytest.mark.parametrize(
    ("day_count", "given", "agrees"),
    [
        (DayCount.DISCHARGE_MINUS_ADMISSION, 10, True),
        (DayCount.DISCHARGE_MINUS_ADMISSION, 11, False),
        (DayCount.INCLUSIVE, 11, True),
        (DayCount.INCLUSIVE, 10, False),
    ],
)
def test_a_length_of_stay_must_agree_with_the_dates(day_count, given, agrees):
    plan = Plan(Catalog.of([replace(SMALL, day_count=day_count)]))

    encoded = encode(plan=plan, length_of_stay_days=[given])

    assert statuses(encoded, plan) == [CaseStatus.OK if agrees else CaseStatus.INVALID_DATES]


def test_a_length_of_stay_cannot_disagree_where_no_edition_counts_days():
    days = {"admission_date": ["2020-03-01"], "discharge_date": ["2020-03-11"]}

    assert statuses(encode(length_of_stay_days=[3], **days)) == [CaseStatus.NO_SCHEDULE_FOR_DATE]


def test_a_service_begins_and_ends_on_its_day():
    encoded = encode(drg_code=pa.nulls(1), service_code=["VISIT"], admission_date=pa.nulls(1))

    assert encoded.admission_day.tolist() == encoded.discharge_day.tolist()
    assert encoded.missing == ()


@pytest.mark.parametrize(
    ("admission", "discharge", "status"),
    [
        ("2025-03-11", "2025-03-11", CaseStatus.OK),
        ("2025-03-12", "2025-03-11", CaseStatus.INVALID_DATES),
        ("2025-03-11 10:00", "2025-03-11 10:00", CaseStatus.OK),
        ("2025-03-11 10:00:01", "2025-03-11 10:00", CaseStatus.INVALID_DATES),
        ("2025-03-11 23:00", "2025-03-11", CaseStatus.OK),
        ("2025-03-11", "2025-03-11 00:00", CaseStatus.OK),
        ("2025-03-10 23:00", "2025-03-11 01:00", CaseStatus.OK),
        ("1935-06-25", "2025-03-11", CaseStatus.OK),  # 32,767 days
        ("1935-06-24", "2025-03-11", CaseStatus.INVALID_DATES),
    ],
)
def test_stays_that_cannot_be(admission, discharge, status):
    assert statuses(encode(admission_date=[admission], discharge_date=[discharge])) == [status]


# Rows that are marked

NEEDED = {
    "case_id": CaseStatus.MISSING_FIELD,
    "drg_code": CaseStatus.MISSING_FIELD,
    "care_setting": CaseStatus.MISSING_FIELD,
    "admission_date": CaseStatus.MISSING_FIELD,
    "discharge_date": CaseStatus.MISSING_FIELD,
    "outcome": CaseStatus.MISSING_FIELD,
}


@pytest.mark.parametrize("column", NEEDED)
def test_a_needed_field_that_is_empty_marks_its_row(column):
    values = cases(3)[column].to_pylist()
    encoded = encode(3, **{column: [values[0], None, ""]})

    assert marked(encoded.missing) == {column: [1, 2]}
    assert encoded.deciding_day.tolist()[1:] == [MISSING_DAY, MISSING_DAY]
    assert encoded.marked.tolist() == [1, 2]
    assert statuses(encoded) == [CaseStatus.OK, NEEDED[column], NEEDED[column]]


@pytest.mark.parametrize("column", NEEDED)
def test_a_needed_column_that_is_absent_marks_every_row(column):
    encoded = encode(2, **{column: None})

    if column == "outcome":
        assert marked(encoded.missing) == {}  # without the column every case was discharged
        assert statuses(encoded) == [CaseStatus.OK] * 2
    else:
        assert marked(encoded.missing) == {column: [0, 1]}
        assert statuses(encoded) == [CaseStatus.MISSING_FIELD] * 2


@pytest.mark.parametrize("deciding_date", DecidingDate)
def test_which_lines_need_an_admission_date(deciding_date):
    plan = Plan(Catalog.of([SMALL], deciding_date=deciding_date))
    encoded = encode(
        3,
        plan=plan,
        drg_code=["G1", "G1", None],
        service_code=[None, None, "VISIT"],
        care_setting=["inpatient", "inpatient", "home"],
        admission_date=pa.nulls(3),
        length_of_stay_days=[None, 4, None],
    )

    needed = [0] if deciding_date is DecidingDate.DISCHARGE else [0, 1, 2]
    assert marked(encoded.missing) == {"admission_date": needed}


def test_which_lines_need_a_quantity():
    encoded = encode(
        2,
        drg_code=["G1", None],
        service_code=[None, "VISIT"],
        care_setting=["inpatient", "home"],
        quantity=pa.nulls(2, pa.int64()),
    )

    assert marked(encoded.missing) == {"quantity": [1]}


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("service_code", [None, "VISIT", None]),
        ("admission_date", ["2025-03-01", "2025-02-30", "2025-03-01"]),
        ("discharge_date", ["2025-03-11", "11/03/2025", "2025-03-11"]),
        ("age_years", [130, 131, 0]),
        ("age_years", ["17", "x", None]),
        ("quantity", [2**31 - 1, 2**31, 1]),
        ("quantity", [1, 0, 1]),
        ("length_of_stay_days", [10, 32_768, 10]),
        ("length_of_stay_days", [10, -1, 10]),
        ("death_unavoidable", ["yes", "perhaps", ""]),
        ("claimed_amount", ["0", "1.234", None]),
        ("claimed_amount", ["9999999999999999.99", "10000000000000000", "-5"]),
        ("addon_amount", [None, "1.234", " "]),
        ("addon_amount", [None, -1, None]),
    ],
)
def test_a_field_that_cannot_be_read_marks_its_row(column, values):
    encoded = encode(3, **{column: values})

    assert marked(encoded.invalid) == {column: [1]}
    assert encoded.deciding_day[1] == INVALID_DAY
    assert statuses(encoded) == [CaseStatus.OK, CaseStatus.INVALID_FIELD, CaseStatus.OK]


TEXT_COLUMNS = (
    "case_id",
    "drg_code",
    "service_code",
    "care_setting",
    "provider_id",
    "admission_date",
    "discharge_date",
    "outcome",
    "death_unavoidable",
    "age_years",
    "procedure_codes",
    "quantity",
    "length_of_stay_days",
    "factor_code",
    "funding_source",
    "claimed_amount",
)


@pytest.mark.parametrize("kind", ["string", "large_string", "string_view", "binary", "dictionary"])
@pytest.mark.parametrize("column", TEXT_COLUMNS)
def test_bytes_that_are_no_text_mark_their_row(column, kind):
    raw = pa.array([None, b"\xff", b""], pa.binary())
    text = pa.Array.from_buffers(pa.string(), 3, raw.buffers(), raw.null_count)
    cells = {
        "string": text,
        "large_string": text.cast(pa.large_string()),
        "string_view": text.cast(pa.string_view(), safe=False),
        "binary": raw,
        "dictionary": text.dictionary_encode(),
    }[kind]

    encoded = encode(3, **{column: cells})

    assert marked(encoded.invalid) == {column: [1]}


@pytest.mark.parametrize("blank", ["", " ", "\t", "   \n  ", "\u00a0", "\u2003\u2009", " " * 40, "\x1f"])
@pytest.mark.parametrize("encode_text", [lambda column: column, lambda column: column.dictionary_encode()])
def test_case_ids_of_nothing_but_white_space_are_missing(blank, encode_text):
    ids = ["é1", " 1", blank, None, "x", "ё", "\u00a01"]
    encoded = encode(7, case_id=encode_text(pa.array(ids)))

    assert marked(encoded.missing) == {"case_id": [2, 3]}


def test_a_case_id_that_a_null_hides_is_missing():
    ends = pa.py_buffer(np.array([0, 1, 2], dtype=np.int32))
    ids = pa.Array.from_buffers(pa.string(), 2, [pa.py_buffer(b"\x01"), ends, pa.py_buffer(b"ab")])

    assert marked(encode(2, case_id=ids).missing) == {"case_id": [1]}


def test_case_ids_of_a_slice_are_looked_at_where_they_stand():
    table = cases(5, case_id=["", "1", "", "2", None])

    for start in range(5):
        for length in range(1, 6 - start):
            encoded = encode_cases(table.slice(start, length), PLAN)
            blank = [row for row in range(length) if start + row in (0, 2, 4)]
            assert marked(encoded.missing) == ({"case_id": blank} if blank else {})


def test_malformed_rows_come_before_everything_else():
    """Malformed, then invalid, missing, contradicting dates."""
    encoded = encode(
        5,
        malformed=np.array([0, 4]),
        case_id=["1", "", "", "4", "5"],
        age_years=[200, 200, 20, 20, 20],
        admission_date=["2025-04-01"] * 4 + ["2025-03-01"],
    )

    assert encoded.deciding_day.tolist() == [
        MALFORMED_DAY,
        INVALID_DAY,
        MISSING_DAY,
        INVALID_STAY,
        MALFORMED_DAY,
    ]
    assert statuses(encoded) == [
        CaseStatus.MALFORMED_ROW,
        CaseStatus.INVALID_FIELD,
        CaseStatus.MISSING_FIELD,
        CaseStatus.INVALID_DATES,
        CaseStatus.MALFORMED_ROW,
    ]
    assert encoded.marked.tolist() == [0, 1, 2, 3, 4]


def test_no_malformed_row_is_none():
    encoded = encode(2, malformed=np.array([], dtype=np.intp))

    assert encoded.marked is None


def test_a_marked_row_keeps_the_edition_of_its_date():
    encoded = encode(
        4,
        case_id=[None] * 4,
        discharge_date=["2025-03-11", "2024-03-11", None, "2025-02-30"],
        admission_date=["2024-03-01"] * 4,
    )

    assert encoded.marked.tolist() == [0, 1, 2, 3]
    assert encoded.marked_edition.tolist() == [1, 0, 0, 0]


def test_a_row_without_a_date_has_no_edition_not_that_of_1970():
    old = replace(SMALL, effective_start_date=date(1965, 1, 1))
    days = [None, "1970-01-32", "1970-01-01"]
    encoded = encode(3, Plan(Catalog.of([old])), discharge_date=days, age_years=[200] * 3)

    assert encoded.marked_edition.tolist() == [0, 0, 1]


def test_claimed_amounts_are_carried_in_minor_units():
    encoded = encode(3, claimed_amount=["191 723,14", None, "-0.5"])

    assert encoded.claimed_minor.tolist() == [19_172_314, 0, -50]
    assert encoded.claimed_missing.tolist() == [False, True, False]


# Hours


@pytest.mark.parametrize(
    ("admission", "discharge", "over_limit"),
    [
        ("2025-03-10 10:00", "2025-03-11 10:00", False),
        ("2025-03-10 10:00", "2025-03-11 10:00:01", True),
        ("2025-03-10 10:00:01", "2025-03-11 10:00", False),
        ("2025-03-11", "2025-03-11", False),
        ("2025-03-11 10:00", "2025-03-11", False),
        ("2025-03-10", "2025-03-11", None),
        ("2025-03-10 10:00", "2025-03-11", None),
        ("2025-03-09", "2025-03-11", True),
        ("2025-03-09 23:59", "2025-03-11", True),
    ],
)
def test_hours_of_a_setting_that_limits_them(admission, discharge, over_limit):
    encoded = encode(
        2,
        care_setting=["reception_observation", "inpatient"],
        admission_date=[admission] * 2,
        discharge_date=[discharge] * 2,
    )

    keys = (encoded.variant >> PLAN.signature_bits).tolist()
    limited = SettingKey("reception_observation", over_limit=over_limit)
    assert [PLAN.setting_keys[key] for key in keys] == [limited, SettingKey("inpatient")]


def test_only_an_edition_that_limits_hours_asks_for_them():
    unlimited = tuple(replace(share, max_hours=None) for share in SMALL.shares)
    later = replace(
        SMALL,
        id="later",
        published=date(2025, 12, 1),
        effective_start_date=date(2026, 1, 1),
        effective_end_date=None,
        shares=unlimited,
    )
    plan = Plan(Catalog.of([SMALL, later]))

    encoded = encode(
        2,
        plan=plan,
        care_setting=["reception_observation"] * 2,
        admission_date=["2025-03-01", "2026-03-01"],
        discharge_date=["2025-03-11", "2026-03-11"],
    )

    assert statuses(encoded, plan) == [CaseStatus.STAY_OVER_LIMIT, CaseStatus.OK]


# Tables as a whole


@pytest.mark.parametrize(
    "table", [cases(0), cases(3).slice(1, 0), cases(3).schema.empty_table(), pa.table({})]
)
def test_a_table_without_rows(table):
    encoded = encode_cases(table, PLAN, np.array([], dtype=np.intp))

    check_encoded(encoded, PLAN)
    assert len(encoded) == 0
    assert encoded.marked is None


@pytest.mark.parametrize(
    ("column", "kind", "way_out"),
    [
        ("drg_code", pa.float64(), "give codes as text"),
        ("care_setting", pa.bool_(), "give codes as text"),
        ("discharge_date", pa.int64(), "give dates"),
        ("discharge_date", pa.timestamp("us", "Asia/Almaty"), "without a time zone"),
        ("age_years", pa.bool_(), "give whole numbers"),
        ("quantity", pa.date32(), "give whole numbers"),
        ("death_unavoidable", pa.date32(), "give true or false"),
        ("claimed_amount", pa.bool_(), "give a decimal"),
        ("procedure_codes", pa.float64(), "give codes as text"),
    ],
)
def test_a_column_that_can_hold_no_such_thing_is_refused_by_name(column, kind, way_out):
    cells = (
        pa.array([1], pa.int32()).cast(pa.int64() if pa.types.is_timestamp(kind) else pa.int32()).cast(kind)
    )

    with pytest.raises(CasesError) as raised:
        encode(**{column: cells})

    assert [problem.field for problem in raised.value.problems] == [column]
    assert way_out in str(raised.value)
