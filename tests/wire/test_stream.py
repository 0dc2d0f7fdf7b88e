"""Chunks in, prices out: by the bytes of messages the same as by tables; and what ends a stream."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import count

import numpy as np
import pytest

from tariffcore.binding import CodeTables, PlanWords, Workspace, price_columns
from tariffcore.plan import MISSING_DAY, Plan
from tariffcore.pricing import nothing_found
from tariffcore.schedule.catalog import Catalog, DecidingDate
from tariffcore.schedule.model import PaymentMethod
from tariffcore.statuses import GROUPING_STATUSES, CaseStatus
from tariffcore.v1 import case_columns_pb2, case_pb2, edition_pb2, pricing_service_pb2
from tariffcore.version import ENGINE_VERSION
from tariffcore.wire import stream as wire_stream
from tariffcore.wire.errors import (
    BeyondTableError,
    DuplicateWordError,
    NoChunkError,
    RowCountError,
    TooManyWordsError,
    UnequalLengthError,
    UnknownProblemError,
    UnreadableMessageError,
    WireError,
)
from tariffcore.wire.forms import CASE_COLUMNS, TABLE_OF_WORDS
from tariffcore.wire.messages import read_priced
from tariffcore.wire.stream import MAX_ROWS, MOST_WORDS_SOON, CaseStream, scan_plain
from tests.grouping.strategies import build_ungrouped_case, grouped_catalog
from tests.small_schedule import SMALL, period
from tests.strategies import RandomChoices, aimed_catalog
from tests.wire.drawing import PlainStream, drawn_chunks

PLAN = Plan(Catalog.of([SMALL]))
FIRST_OF_MARCH = 20_148  # 2025-03-01


def request(rows=1, **columns):
    """Ordinary cases, ten days of adults in group G1, with some fields as given (None: left out)."""
    ordinary = {
        "new_drg_codes": ["G1"],
        "new_care_settings": ["inpatient"],
        "drg": [1] * rows,
        "care_setting": [1] * rows,
        "admission_day": [FIRST_OF_MARCH] * rows,
        "discharge_day": [FIRST_OF_MARCH + 10] * rows,
    }
    fields = {name: value for name, value in {**ordinary, **columns}.items() if value is not None}
    chunk = case_columns_pb2.CaseColumns(rows=rows, **fields)
    return pricing_service_pb2.PriceCaseColumnsRequest(chunk=chunk).SerializeToString()


def statuses(response):
    return [CaseStatus(number) for number in read_priced(response).status.tolist()]


def compare(plan, seed, *, chunks=3, rows=300, drawn=None):
    """Price drawn chunks both ways; the statuses that came up."""
    plain, stream = PlainStream(plan), CaseStream(plan, with_components=True, with_rules=True)
    rule_ids = [None, *stream.started().rule_ids]
    seen = Counter()
    for message in drawn_chunks(plan, seed, chunks, rows, drawn=drawn):
        sent = message.SerializeToString()
        expected, priced = plain.price(sent), read_priced(stream.price(sent))
        assert priced.rows == len(expected)
        assert priced.status.tolist() == expected.status.tolist()
        assert priced.amount_minor.tolist() == expected.amount_minor.tolist()
        assert priced.edition.tolist() == expected.edition.tolist()
        assert [rule_ids[place] for place in priced.rule.tolist()] == expected.rule_ids()
        assert priced.has_components.tolist() == expected.has_parts.tolist()
        assert [part.tolist() for part in priced.components] == expected.parts_minor.tolist()
        found = expected.found or nothing_found(priced.rows)
        for name, names, places in (
            ("drg_code", priced.drg_codes, priced.drg),
            ("grouping_rule_id", priced.grouping_rule_ids, priced.grouping_rule),
        ):
            said = [[None, *names][place] for place in places.tolist()] or [None] * priced.rows
            assert said == found.columns()[name].to_pylist()
        seen.update(expected.status.tolist())
    return seen


# By the wire as by tables


def test_chunks_are_priced_as_tables_are():
    seen = Counter()
    for seed in range(24):
        seen += compare(Plan(aimed_catalog(seed)), seed)
    assert set(seen) == set(CaseStatus) - {CaseStatus.UNSPECIFIED} - GROUPING_STATUSES  # columns have groups


def ungrouped_cases(catalog, choices):
    """Cases without a group, and now and then one with: all of the days of the catalog's editions."""
    for number in count():
        case = build_ungrouped_case(choices, str(number))
        if choices.one_in(12):
            case = replace(case, drg_code=choices.pick([*catalog.editions[0].groups, "no group"]))
        if choices.one_in(12):
            case = replace(
                case, admission_date=None, length_of_stay_days=choices.pick([0, 1, 3, 400, 32_767])
            )
        if choices.one_in(20):
            case = replace(case, length_of_stay_days=choices.pick([0, 1, 2, 3]))
        yield case


@pytest.mark.parametrize("deciding_date", DecidingDate)
def test_cases_without_a_group_are_grouped_as_tables_are(deciding_date):
    seen = Counter()
    for seed in range(20):
        choices = RandomChoices(seed)
        catalog = replace(grouped_catalog(choices), deciding_date=deciding_date)
        if seed % 4 == 1:  # without an end the last edition has no last day
            last = replace(catalog.editions[-1], effective_end_date=None)
            catalog = Catalog.of([*catalog.editions[:-1], last], deciding_date=deciding_date)
        drawn = ungrouped_cases(catalog, choices)
        seen += compare(Plan(catalog), seed, drawn=drawn)
    assert set(seen) >= GROUPING_STATUSES | {
        CaseStatus.OK,
        CaseStatus.MISSING_FIELD,
        CaseStatus.INVALID_DATES,
    }
    assert seen[CaseStatus.OK] > sum(seen.values()) / 6


def test_columns_to_group_by_mean_nothing_without_rules():
    choices = RandomChoices(1)
    drawn = ungrouped_cases(PLAN.catalog, choices)
    seen = compare(PLAN, 1, drawn=drawn)
    assert not set(seen) & GROUPING_STATUSES and seen[CaseStatus.MISSING_FIELD]


@pytest.mark.parametrize("seed", range(6))
def test_the_long_way_comes_to_the_same(seed):
    """Most rows are bound a column at a time, the others one by one: both know the whole rule."""
    plan = Plan(aimed_catalog(seed + 100))
    words = PlanWords.of(plan)
    stream = CaseStream(plan)
    for message in drawn_chunks(plan, seed, 3, 2_500, odd=0.02):
        chunk = stream.read(message.SerializeToString())
        spaces = []
        for settle_all in (False, True):
            space = Workspace(len(chunk), len(plan.component_names))
            assert (
                price_columns(
                    chunk._columns, words, chunk._tables, space, components=True, settle_all=settle_all
                )
                is None
            )
            spaces.append(space)
        short, long = spaces
        for name in ("amount_minor", "status", "edition", "rule", "has_parts"):
            assert np.array_equal(getattr(short, name), getattr(long, name)), name
        if plan.component_names:
            assert np.array_equal(short.parts_minor, long.parts_minor)


@pytest.mark.parametrize("deciding_date", DecidingDate)
def test_a_day_far_behind_the_last_edition_is_priced_by_it(deciding_date):
    """Editions without an end have no last day, and a stay is as long there as anywhere."""
    plan = Plan(Catalog.of([replace(SMALL, effective_end_date=None)], deciding_date=deciding_date))

    def amount_minor(last_day):
        """Of a stay of two of seven planned days."""
        days = {"admission_day": [last_day - 2], "discharge_day": [last_day]}
        sent = request(outcome=[1], new_outcomes=["transferred"], **days)
        return read_priced(CaseStream(plan).price(sent)).amount_minor.tolist()

    assert amount_minor(FIRST_OF_MARCH) == [35271]  # 1,234.50 x 2 / 7
    last_with_a_code = plan.base_day + MISSING_DAY - 1
    for last_day in (*range(last_with_a_code - 1, last_with_a_code + 6), 60_000, 2_932_896):
        assert amount_minor(last_day) == [35271], last_day


@pytest.mark.parametrize("seed", range(4))
def test_a_chunk_without_words_is_answered_at_once_as_the_long_way_does(seed):
    """Whatever bytes it has: what is not sound in form is left to the long way."""
    plan = Plan(aimed_catalog(seed))
    stream = CaseStream(plan, with_components=seed % 2 == 0, with_rules=seed < 2)
    choices = RandomChoices(seed)
    outcomes = Counter()
    for message in drawn_chunks(plan, seed, 4, 40):
        stream.price(message.SerializeToString())
        for number in TABLE_OF_WORDS:
            message.chunk.ClearField(CASE_COLUMNS.fields[number][0])
        sound = message.SerializeToString()
        assert stream._plain.answer(sound) == stream.price(sound)
        starts = [start for start in scan_plain(sound).offsets.tolist() if start >= 0]
        for _ in range(400):
            sent = bytearray(sound)
            for _ in range(choices.integer(1, 2)):  # in what says where columns lie, most of the time
                at = (
                    choices.pick(starts) - choices.integer(1, 3)
                    if choices.one_in(2)
                    else choices.integer(0, 8)
                )
                at = choices.integer(0, len(sent) - 1) if choices.one_in(8) else at
                sent[at] = choices.pick(
                    [0, 1, sent[at] ^ 1 << choices.integer(0, 7), choices.integer(0, 255)]
                )
            if choices.one_in(9):
                del sent[choices.integer(0, len(sent)) :]
            answer = stream._plain.answer(bytes(sent))
            outcomes[answer is None] += 1
            if answer is not None:
                assert answer == stream.read(bytes(sent)).price()
    assert min(outcomes.values()) > 100


@pytest.mark.parametrize(
    "fields",
    [
        {"new_drg_codes": ["G2"]},
        {"sex": b"\1"},
        {"rows": 0, "drg": None},
        {
            "rows": MAX_ROWS + 1,
            "drg": None,
            "care_setting": None,
            "admission_day": None,
            "discharge_day": None,
        },
        {"age_years": [1, 2]},
        {"row_problem": b"\0\0"},
        {"addon_amount_minor": [1, 2]},
        {"procedure": [1]},
        {"drg": [9]},
    ],
)
def test_what_is_not_answered_at_once(fields):
    stream = CaseStream(PLAN)
    assert stream._plain.answer(request(new_drg_codes=None, new_care_settings=None)) is None  # no tables yet
    stream.price(request())
    ordinary = {"new_drg_codes": None, "new_care_settings": None}
    assert stream._plain.answer(request(**ordinary)) == stream.price(request(**ordinary))
    assert (
        stream._plain.answer(request(**ordinary, **fields) if "new_drg_codes" not in fields else request())
        is None
    )
    assert stream._plain.answer(memoryview(request(**ordinary))) is None


def test_chunks_of_a_stream_in_threads():
    plan = Plan(aimed_catalog(3))
    sent = [message.SerializeToString() for message in drawn_chunks(plan, 3, 40, 400)]
    alone = CaseStream(plan, with_components=True, with_rules=True)
    expected = [alone.price(each) for each in sent]
    together = CaseStream(plan, with_components=True, with_rules=True)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(together.read(each).price) for each in sent]
        assert [answer.result() for answer in answers] == expected


def test_what_was_read_before_a_table_grew_is_priced_all_the_same():
    stream = CaseStream(PLAN)
    first = stream.read(request())
    many = [f"word {number}" for number in range(100)]
    second = stream.read(request(new_drg_codes=many, new_care_settings=None, drg=[101]))
    assert statuses(second.price()) == [CaseStatus.UNKNOWN_DRG]
    assert statuses(first.price()) == [CaseStatus.OK]


# What the answer holds


def test_what_the_numbers_stand_for():
    plan = Plan(aimed_catalog(1))
    started = CaseStream(plan, with_components=True, with_rules=True).started()
    assert [edition.schedule_id for edition in started.editions] == [s.id for s in plan.editions]
    assert [edition.digest for edition in started.editions] == [s.digest for s in plan.editions]
    assert started.engine_version == ENGINE_VERSION
    rules = [
        (rule, PaymentMethod[case_pb2.PaymentMethod.Name(number).removeprefix("PAYMENT_METHOD_")])
        for rule, number in zip(started.rule_ids, started.rule_methods, strict=True)
    ]
    assert len(set(rules)) == len(rules)
    assert {*rules, (None, None)} == set(zip(plan.rule_ids, plan.rule_methods, strict=True))
    assert [each.component for each in started.components] == list(plan.component_names)
    capital = {row.component: row.capital for s in plan.editions for row in s.components}
    assert {each.component: each.capital for each in started.components} == capital


def test_a_component_is_capital_only_where_every_edition_says_so():
    parted = Plan(aimed_catalog(1)).editions[0]
    flipped = replace(
        parted,
        components=tuple(replace(row, capital=not row.capital) for row in parted.components),
        id="other",
        published=date(2050, 1, 1),
        effective_start_date=date(2050, 1, 1),
        effective_end_date=None,
    )
    ended = replace(parted, effective_end_date=flipped.effective_start_date)
    stream = CaseStream(Plan(Catalog.of([ended, flipped])), with_components=True)
    assert not any(each.capital for each in stream.started().components)


def test_the_asking_date_and_the_date_that_decides():
    catalog = Catalog.of([SMALL], as_of=SMALL.published, deciding_date=DecidingDate.ADMISSION)
    started = CaseStream(Plan(catalog)).started()
    assert started.as_of == SMALL.published.isoformat()
    assert started.deciding_date == edition_pb2.DECIDING_DATE_ADMISSION
    assert not started.rule_ids
    assert not started.components


def test_rules_and_components_only_where_asked_for():
    plain = read_priced(CaseStream(PLAN).price(request()))
    assert (plain.rule.size, plain.has_components.size, plain.components) == (0, 0, [])
    stream = CaseStream(PLAN, with_rules=True)
    with_rules = read_priced(stream.price(request(2, drg=[1, 0])))
    assert with_rules.rule.tolist() == [1 + list(stream.started().rule_ids).index("inpatient"), 0]


def test_the_library_reads_what_is_written():
    plan = Plan(aimed_catalog(1))
    for message in drawn_chunks(plan, 5, 3, 200):
        stream = CaseStream(plan, with_components=True, with_rules=True)
        stream._tables = CodeTables(PlanWords.of(plan))
        try:
            response = stream.price(message.SerializeToString())
        except BeyondTableError:
            continue  # a later chunk of a stream, without the words of those before
        read, answer = (
            read_priced(response),
            pricing_service_pb2.PriceCaseColumnsResponse.FromString(response),
        )
        assert answer.SerializeToString() == response
        assert list(answer.priced.amount_minor) == read.amount_minor.tolist()
        assert list(answer.priced.rule) == read.rule.tolist()
        assert answer.priced.status == bytes(read.status)
        assert [list(each.amount_minor) for each in answer.priced.components] == [
            part.tolist() for part in read.components
        ]


# What ends a stream


def stopped(expected, **fields):
    """The paths of the problems that a chunk ends its stream with."""
    with pytest.raises(WireError) as caught:
        CaseStream(PLAN).price(request(**fields))
    assert type(caught.value) is expected
    assert all(problem.value is None for problem in caught.value.problems)
    return [problem.field for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("expected", "fields", "path"),
    [
        (RowCountError, {"rows": 0, "drg": None}, "chunk.rows"),
        (RowCountError, {"rows": MAX_ROWS + 1}, "chunk.rows"),
        (UnequalLengthError, {"drg": [1, 1]}, "chunk.drg"),
        (UnequalLengthError, {"rows": 3, "age_years": [1, 2]}, "chunk.age_years"),
        (UnequalLengthError, {"death_unavoidable": b"\0\0"}, "chunk.death_unavoidable"),
        (UnequalLengthError, {"row_problem": b"\0\0"}, "chunk.row_problem"),
        (UnequalLengthError, {"procedure_end": [0, 0]}, "chunk.procedure_end"),
        (UnequalLengthError, {"procedure": [1], "new_procedure_codes": ["a"]}, "chunk.procedure_end"),
        (BeyondTableError, {"rows": 3, "drg": [1, 2, 1]}, "chunk.drg[1]"),
        (BeyondTableError, {"drg": [2**32 - 1]}, "chunk.drg[0]"),
        (BeyondTableError, {"rows": 2, "provider": [0, 1]}, "chunk.provider[1]"),
        (BeyondTableError, {"rows": 2, "provider": [0, 16]}, "chunk.provider[1]"),
        (BeyondTableError, {"service": [1]}, "chunk.service[0]"),
        (BeyondTableError, {"care_setting": [15]}, "chunk.care_setting[0]"),
        (BeyondTableError, {"outcome": [1]}, "chunk.outcome[0]"),
        (BeyondTableError, {"factor": [3]}, "chunk.factor[0]"),
        (BeyondTableError, {"procedure_end": [1], "procedure": [1]}, "chunk.procedure[0]"),
        (
            BeyondTableError,
            {"procedure_end": [1], "procedure": [0], "new_procedure_codes": ["a"]},
            "chunk.procedure[0]",
        ),
        (
            BeyondTableError,
            {"rows": 3, "procedure_end": [1, 0, 1], "procedure": [1], "new_procedure_codes": ["a"]},
            "chunk.procedure_end[1]",
        ),
        (
            BeyondTableError,
            {"rows": 2, "procedure_end": [0, 1], "procedure": [1, 1], "new_procedure_codes": ["a"]},
            "chunk.procedure_end[1]",
        ),
        (
            BeyondTableError,
            {"procedure_end": [2], "procedure": [1], "new_procedure_codes": ["a"]},
            "chunk.procedure_end[0]",
        ),
        (BeyondTableError, {"procedure_end": [2**32 - 1]}, "chunk.procedure_end[0]"),
        (DuplicateWordError, {"new_drg_codes": ["G1", "G2", "G1"]}, "chunk.new_drg_codes[2]"),
        (UnknownProblemError, {"rows": 2, "row_problem": b"\0\4"}, "chunk.row_problem[1]"),
    ],
)
def test_a_chunk_that_ends_its_stream(expected, fields, path):
    assert stopped(expected, **fields) == [path]


def test_a_place_beyond_its_table_is_found_wherever_it_stands():
    rows = 3_000
    for row in (0, 1_023, 1_024, 2_999):
        for column in ("provider", "drg", "service", "care_setting", "outcome", "factor"):
            places = [1 if column in ("drg", "care_setting") else 0] * rows
            places[row] = 7
            assert stopped(BeyondTableError, rows=rows, **{column: places}) == [f"chunk.{column}[{row}]"]


@pytest.mark.parametrize(
    ("expected", "fields", "path"),
    [
        (BeyondTableError, {"principal_diagnosis": [2, 0]}, "chunk.principal_diagnosis[0]"),
        (BeyondTableError, {"secondary_diagnosis": [1, 0], "secondary_diagnosis_end": [1, 2]},
         "chunk.secondary_diagnosis[1]"),
        (BeyondTableError, {"qualifier": [1], "qualifier_end": [0, 1]}, "chunk.qualifier[0]"),
        (BeyondTableError, {"secondary_diagnosis": [1], "secondary_diagnosis_end": [1, 0]},
         "chunk.secondary_diagnosis_end[1]"),
        (BeyondTableError, {"secondary_diagnosis": [1], "secondary_diagnosis_end": [0, 0]},
         "chunk.secondary_diagnosis_end[1]"),
        (BeyondTableError, {"secondary_diagnosis": [1], "secondary_diagnosis_end": [2**31, 2**31]},
         "chunk.secondary_diagnosis_end[0]"),
        (BeyondTableError, {"principal_diagnosis": [1, 1], "drg": [1, 2]}, "chunk.drg[1]"),
        (BeyondTableError, {"principal_diagnosis": [1, 1], "procedure": [1], "procedure_end": [1, 1]},
         "chunk.procedure[0]"),
        (UnknownProblemError, {"sex": b"\0\1", "row_problem": b"\0\4"}, "chunk.row_problem[1]"),
        (UnequalLengthError, {"sex": b"\1"}, "chunk.sex"),
        (UnequalLengthError, {"age_days": [1, 2, 3]}, "chunk.age_days"),
        (UnequalLengthError, {"qualifier": [1]}, "chunk.qualifier_end"),
        (DuplicateWordError, {"new_diagnoses": ["A40", "A40"]}, "chunk.new_diagnoses[1]"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("grouped", [False, True])
def test_a_chunk_to_group_that_ends_its_stream(expected, fields, path, grouped):
    plan = Plan(grouped_catalog(RandomChoices(0))) if grouped else PLAN
    columns = {"new_diagnoses": ["A40"], "drg": [0, 1], **fields}
    with pytest.raises(expected) as raised:
        CaseStream(plan).price(request(2, **columns))
    assert raised.value.problems[0].field == path


def test_chunks_to_group_may_be_priced_beside_each_other():
    choices = RandomChoices(5)
    plan = Plan(grouped_catalog(choices))
    drawn = ungrouped_cases(plan.catalog, choices)
    sent = [message.SerializeToString() for message in drawn_chunks(plan, 5, 20, 100, drawn=drawn)]
    alone = CaseStream(plan, with_components=True, with_rules=True)
    expected = [alone.price(each) for each in sent]
    together = CaseStream(plan, with_components=True, with_rules=True)
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(together.read(each).price) for each in sent]
        assert [answer.result() for answer in answers] == expected
    for answer in expected:
        read_again = pricing_service_pb2.PriceCaseColumnsResponse.FromString(answer)
        assert read_again.SerializeToString() == answer


def test_many_rows_to_group_take_long():
    stream = CaseStream(Plan(grouped_catalog(RandomChoices(0))))
    many = wire_stream.MOST_ROWS_TO_GROUP_SOON + 1
    assert stream.price_soon(request(many, sex=b"\1" * many)) is None
    few = many - 1
    assert stream.price_soon(request(few, sex=b"\1" * few)) is not None


def test_ends_of_procedures_cannot_go_round():
    ends = [2**31, 0, 1]
    fields = {"rows": 3, "procedure_end": ends, "procedure": [1], "new_procedure_codes": ["a"]}
    assert stopped(BeyondTableError, **fields) == ["chunk.procedure_end[0]"]


def test_every_unequal_column_is_named():
    assert stopped(UnequalLengthError, drg=[1, 1], age_years=[1, 2, 3], row_problem=b"\0\0") == [
        "chunk.drg",
        "chunk.age_years",
        "chunk.row_problem",
    ]


def test_a_word_of_an_earlier_chunk_is_not_appended_again():
    stream = CaseStream(PLAN)
    stream.price(request())
    with pytest.raises(DuplicateWordError) as caught:
        stream.price(request(new_drg_codes=["G2", "G1"], new_care_settings=None))
    assert [problem.field for problem in caught.value.problems] == ["chunk.new_drg_codes[1]"]


def test_words_that_differ_in_white_space_are_different_words_for_one_code():
    sent = request(4, new_drg_codes=["G1", " G1\u00a0", "\t", "g1"], drg=[1, 2, 3, 4])
    assert statuses(CaseStream(PLAN).price(sent)) == [
        CaseStatus.OK,
        CaseStatus.OK,
        CaseStatus.MISSING_FIELD,
        CaseStatus.UNKNOWN_DRG,
    ]


def test_code_tables_are_bounded(monkeypatch):
    monkeypatch.setattr(wire_stream, "MAX_WORDS", 4)
    stream = CaseStream(PLAN)
    stream.price(request())
    with pytest.raises(TooManyWordsError):
        stream.price(request(new_drg_codes=["a", "b", "c"], new_care_settings=None))
    monkeypatch.setattr(wire_stream, "MAX_WORDS", 100)
    monkeypatch.setattr(wire_stream, "MAX_WORD_BYTES", 12)
    with pytest.raises(TooManyWordsError):
        stream.price(request(new_drg_codes=["ü"], new_care_settings=None))


def test_texts_of_errors_hold_no_value():
    for fields in (
        {"new_drg_codes": ["secret", "secret"]},
        {"rows": 2, "age_years": [4711]},
        {"drg": [4711]},
    ):
        with pytest.raises(WireError) as caught:
            CaseStream(PLAN).price(request(**fields))
        assert "secret" not in str(caught.value)
        assert "4711" not in str(caught.value)


def test_bytes_that_are_no_message():
    good = request()
    for sent in (good[:-1], good[:5], b"\xff", good + b"\x12", b"\x12\x03\x12\x05a"):
        with pytest.raises(UnreadableMessageError):
            CaseStream(PLAN).price(sent)


def test_text_that_is_not_utf8():
    sent = request(new_drg_codes=["G1", "G2"]).replace(b"G2", b"\xff\xfe")
    with pytest.raises(UnreadableMessageError) as caught:
        CaseStream(PLAN).price(sent)
    assert [problem.field for problem in caught.value.problems] == ["chunk.new_drg_codes[1]"]


def test_messages_without_a_chunk():
    start = pricing_service_pb2.PriceCaseColumnsRequest(start=case_columns_pb2.ColumnStreamStart())
    for sent in (b"", start.SerializeToString(), request() + start.SerializeToString()):
        with pytest.raises(NoChunkError):
            CaseStream(PLAN).price(sent)


def test_providers_are_checked_before_anything_is_priced():
    plan = Plan(Catalog.of([replace(SMALL, providers={"P1": (period("P1"),), "P2": (period("P2"),)})]))
    asked = []
    stream = CaseStream(plan, check_providers=asked.append)
    assert statuses(stream.price(request(new_provider_ids=[" P1", "\t"], provider=[1]))) == [CaseStatus.OK]
    stream.price(request(new_drg_codes=None, new_care_settings=None, provider=[1]))
    assert asked == [["P1"]]

    class RefusedError(Exception):
        pass

    def refuse(providers):
        raise RefusedError

    stream = CaseStream(plan, check_providers=refuse)
    with pytest.raises(RefusedError):
        stream.price(request(new_provider_ids=["P2"], provider=[1]))


def test_statuses_are_counted():
    plan = Plan(aimed_catalog(2))
    stream = CaseStream(plan)
    expected = np.zeros(1 + max(CaseStatus), dtype=np.int64)
    for number, message in enumerate(drawn_chunks(plan, 2, 4, 500)):
        status = read_priced(stream.price(message.SerializeToString())).status
        expected += np.bincount(status, minlength=1 + max(CaseStatus))
        if number % 2:
            assert stream.take_status_counts() == expected.tolist()
            expected[:] = 0
    assert not any(stream.take_status_counts())


def test_what_takes_long_is_left():
    """Many new words and other forms: nothing of such a chunk is kept until it is priced after all."""
    words = [f"P{number}" for number in range(MOST_WORDS_SOON + 1)]
    many = request(new_provider_ids=words, provider=[len(words)])
    odd = request() + b"\xf8\x3f\x00"  # a field that nobody knows
    for message in (many, odd):
        stream = CaseStream(PLAN)
        assert stream.price_soon(message) is None
        assert stream.price(message) == CaseStream(PLAN).price(message)
    few = request(new_provider_ids=words[3:], provider=[1])
    assert CaseStream(PLAN).price_soon(few) == CaseStream(PLAN).price(few)


def test_a_view_of_a_message_will_do():
    assert CaseStream(PLAN).price(memoryview(request())) == CaseStream(PLAN).price(request())
