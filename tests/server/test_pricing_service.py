"""PriceCase and PriceCases: what the library says, in messages."""

from datetime import date

import grpc
import pytest
from hypothesis import given, settings

from tariffcore.cases import Case
from tariffcore.explain import explain_case
from tariffcore.v1 import case_pb2, edition_pb2, explanation_pb2
from tariffcore.v1.pricing_service_pb2 import PriceCaseRequest, PriceCasesRequest
from tariffcore.v1.pricing_service_pb2_grpc import PricingServiceStub
from tariffcore.version import ENGINE_VERSION
from tariffcore_server.cases_in import read_case
from tariffcore_server.catalogs import DEFAULT_CHOICE
from tariffcore_server.credentials import Credentials
from tests.server.drawing import any_case
from tests.server.running import (
    CORRECTED,
    NEXT,
    SMALL,
    case,
    failure_of,
    running_server,
    test_editions,
    token,
)

INVALID = grpc.StatusCode.INVALID_ARGUMENT


@pytest.fixture(scope="module")
def running():
    with running_server() as running:
        yield running


@pytest.fixture(scope="module")
def pricing(running):
    with running.channel() as channel:
        yield PricingServiceStub(channel)


def choice(**fields):
    return edition_pb2.EditionChoice(**fields)


def pinned(schedule_id, digest=""):
    return choice(pinned=edition_pb2.PinnedEdition(schedule_id=schedule_id, digest=digest))


def test_a_case_is_priced_from_the_edition_of_its_date(pricing):
    answer = pricing.PriceCase(PriceCaseRequest(case=case("a b")))
    assert answer.priced == case_pb2.PricedCase(
        case_id="a b",
        status=case_pb2.CASE_STATUS_OK,
        amount_minor=123_450,
        rule_id="inpatient",
        method=case_pb2.PAYMENT_METHOD_TREATED_CASE,
        schedule_id="small",
    )
    assert (answer.edition.schedule_id, answer.edition.digest) == ("small", SMALL.digest)
    assert (answer.edition.currency, answer.edition.minor_units, answer.edition.synthetic) == ("KZT", 2, True)
    assert answer.engine_version == ENGINE_VERSION
    assert not answer.HasField("explanation")


def test_a_case_without_an_amount_has_none_and_says_why(pricing):
    answer = pricing.PriceCase(PriceCaseRequest(case=case(drg_code="NONE"), language="ru"))
    assert answer.priced.status == case_pb2.CASE_STATUS_UNKNOWN_DRG
    assert not answer.priced.HasField("amount_minor") and answer.priced.rule_id == ""
    assert "NONE" in answer.priced.reason and any("а" <= letter <= "я" for letter in answer.priced.reason)
    assert answer.edition.schedule_id == "small"


def test_a_case_no_edition_covers_names_none(pricing):
    answer = pricing.PriceCase(
        PriceCaseRequest(case=case(admission_date="2020-01-01", discharge_date="2020-01-02"))
    )
    assert answer.priced.status == case_pb2.CASE_STATUS_NO_SCHEDULE_FOR_DATE
    assert answer.priced.schedule_id == "" and not answer.HasField("edition")


def test_components_come_where_asked_for_and_sum_to_the_amount(pricing):
    parts = case(drg_code="PARTS")
    assert not pricing.PriceCase(PriceCaseRequest(case=parts)).priced.components
    priced = pricing.PriceCase(PriceCaseRequest(case=parts, with_components=True)).priced
    named = [(part.component, part.capital, part.amount_minor) for part in priced.components]
    assert named == [
        ("staff", False, 3),
        ("drugs", False, 4),
        ("depreciation", True, 3),
        ("travel", False, 0),
    ]
    assert sum(amount for _, _, amount in named) == priced.amount_minor == 10
    assert not pricing.PriceCase(PriceCaseRequest(case=case(), with_components=True)).priced.components


def test_an_explanation_is_the_librarys_own(pricing):
    answer = pricing.PriceCase(PriceCaseRequest(case=case(), with_text=True, language="kk"))
    basis = test_editions().usual(DEFAULT_CHOICE)
    explained = explain_case(read_case(case(), 2).case, basis.catalog)
    found = answer.explanation
    assert found.text == explained.to_text("kk") and found.deciding_date == "2025-03-10"
    assert [(step.id, step.result, step.formula) for step in found.steps] == [
        (step.id, step.result, step.formula or "") for step in explained.steps
    ]
    assert [step.source for step in found.steps] == [step.source or "" for step in explained.steps]
    rounded = next(step for step in found.steps if step.HasField("rounding"))
    assert (rounded.rounding.name, rounded.rounding.places) == ("tariff", 2)
    assert dict(found.steps[0].notes[0].values)["day"] == "2025-03-10"


def test_the_text_of_an_explanation_is_for_those_who_ask(pricing):
    with_text = pricing.PriceCase(PriceCaseRequest(case=case(), with_text=True, with_explanation=True))
    without = pricing.PriceCase(PriceCaseRequest(case=case(), with_explanation=True))
    assert with_text.explanation.text and without.explanation.steps
    with_text.explanation.ClearField("text")
    assert with_text == without


def test_an_explanation_of_a_case_without_an_amount_has_its_reasons(pricing):
    answer = pricing.PriceCase(PriceCaseRequest(case=case(drg_code="NONE"), with_text=True))
    assert answer.explanation.reasons[0].id == "unknown_drg"
    assert answer.priced.reason in " ".join(answer.explanation.text.split())


def test_a_field_that_cannot_be_read_makes_a_status_not_an_error(pricing):
    answer = pricing.PriceCase(PriceCaseRequest(case=case(admission_date="2025-02-30"), with_text=True))
    assert answer.priced.status == case_pb2.CASE_STATUS_INVALID_FIELD
    assert answer.edition.schedule_id == "small"  # its deciding date can be read
    assert "2025-02-30" in answer.priced.reason
    assert answer.explanation == explanation_pb2.Explanation(
        deciding_date="2025-03-10", text=answer.priced.reason
    )


def test_claims_are_compared(pricing):
    priced = pricing.PriceCase(PriceCaseRequest(case=case(claimed_amount="1234.51"))).priced
    assert priced.claimed_difference_minor == 1
    assert not pricing.PriceCase(PriceCaseRequest(case=case())).priced.HasField("claimed_difference_minor")


def test_a_pinned_edition_prices_its_own_days_only(pricing):
    later = case(admission_date="2026-03-04", discharge_date="2026-03-10")
    usual = pricing.PriceCase(PriceCaseRequest(case=later))
    assert (usual.priced.schedule_id, usual.priced.amount_minor) == (CORRECTED.id, 123_450)
    old = pricing.PriceCase(PriceCaseRequest(case=later, edition=pinned(NEXT.id, NEXT.digest)))
    assert (old.edition.digest, old.priced.amount_minor) == (NEXT.digest, 246_900)
    none = pricing.PriceCase(PriceCaseRequest(case=later, edition=pinned("small")))
    assert none.priced.status == case_pb2.CASE_STATUS_NO_SCHEDULE_FOR_DATE


def test_as_of_asks_what_was_known_then(pricing):
    later = case(admission_date="2026-03-04", discharge_date="2026-03-10")
    for as_of, amount in (("2026-01-31", 246_900), ("2026-02-01", 123_450)):
        answer = pricing.PriceCase(PriceCaseRequest(case=later, edition=choice(as_of=as_of), with_text=True))
        assert answer.priced.amount_minor == amount
        assert as_of in answer.explanation.text


def test_the_deciding_date_can_be_admission(pricing):
    across = case(admission_date="2025-12-30", discharge_date="2026-01-05")
    by_admission = choice(deciding_date=edition_pb2.DECIDING_DATE_ADMISSION)
    assert pricing.PriceCase(PriceCaseRequest(case=across)).priced.schedule_id == CORRECTED.id
    assert (
        pricing.PriceCase(PriceCaseRequest(case=across, edition=by_admission)).priced.schedule_id == "small"
    )


def test_another_family_is_used_when_named_only(pricing):
    one = case(provider_id="H1")
    assert pricing.PriceCase(PriceCaseRequest(case=one)).priced.schedule_id == "small"
    other = pricing.PriceCase(PriceCaseRequest(case=one, edition=choice(tariff_family="other")))
    assert other.priced.schedule_id == "other"


@pytest.mark.parametrize(
    ("request_", "code", "reason", "fields"),
    [
        (PriceCaseRequest(), INVALID, "INVALID_REQUEST_FIELD", ["case"]),
        (PriceCaseRequest(case=case(), language="de"), INVALID, "INVALID_REQUEST_FIELD", ["language"]),
        (
            PriceCaseRequest(language="de", edition=choice(as_of="31.12.2025", deciding_date=99)),
            INVALID,
            "INVALID_REQUEST_FIELD",
            ["case", "language", "edition.deciding_date", "edition.as_of"],
        ),
        (
            PriceCaseRequest(case=case(), edition=choice(as_of="31.12.2025")),
            INVALID,
            "INVALID_REQUEST_FIELD",
            ["edition.as_of"],
        ),
        (
            PriceCaseRequest(case=case(), edition=choice(as_of="")),
            INVALID,
            "INVALID_REQUEST_FIELD",
            ["edition.as_of"],
        ),
        (
            PriceCaseRequest(case=case(), edition=choice(deciding_date=99)),
            INVALID,
            "INVALID_REQUEST_FIELD",
            ["edition.deciding_date"],
        ),
        (
            PriceCaseRequest(case=case(), edition=pinned("")),
            INVALID,
            "INVALID_REQUEST_FIELD",
            ["edition.pinned.schedule_id"],
        ),
        (
            PriceCaseRequest(case=case(), edition=choice(as_of="2024-11-30")),
            grpc.StatusCode.FAILED_PRECONDITION,
            "NOTHING_PUBLISHED",
            ["edition.as_of"],
        ),
        (
            PriceCaseRequest(case=case(), edition=choice(tariff_family="kz")),
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_TARIFF_FAMILY",
            ["edition.tariff_family"],
        ),
        (
            PriceCaseRequest(case=case(), edition=pinned("kz-2026")),
            grpc.StatusCode.NOT_FOUND,
            "UNKNOWN_EDITION",
            ["edition.pinned.schedule_id"],
        ),
        (
            PriceCaseRequest(case=case(), edition=pinned("small", "f" * 64)),
            grpc.StatusCode.FAILED_PRECONDITION,
            "DIGEST_DIFFERS",
            ["edition.pinned.digest"],
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_a_precise_error(pricing, request_, code, reason, fields):
    said = failure_of(lambda: pricing.PriceCase(request_))
    assert (said.code, said.reason, said.fields) == (code, reason, fields)
    in_list = PriceCasesRequest(
        cases=[request_.case] if request_.HasField("case") else [],
        edition=request_.edition,
        language=request_.language,
    )
    said = failure_of(lambda: pricing.PriceCases(in_list))
    assert (said.code, said.reason) == (code, reason)
    assert said.fields == ["cases" if path == "case" else path for path in fields]


def test_a_wrong_digest_is_told_the_one_there_is(pricing):
    said = failure_of(
        lambda: pricing.PriceCase(PriceCaseRequest(case=case(), edition=pinned("small", "f" * 64)))
    )
    assert said.metadata == {"schedule_id": "small", "digest": SMALL.digest}


def test_a_list_is_answered_in_order_each_as_alone(pricing):
    cases = [
        case("1"),
        case("1"),  # the same id twice is no mistake
        case("3", drg_code="NONE"),
        case("4", discharge_date="soon"),
        case("5", drg_code="PARTS", claimed_amount="1"),
        case("6", admission_date="2026-03-04", discharge_date="2026-03-10"),
        case_pb2.Case(),
    ]
    answer = pricing.PriceCases(PriceCasesRequest(cases=cases, with_components=True, with_reasons=True))
    alone = [pricing.PriceCase(PriceCaseRequest(case=one, with_components=True)).priced for one in cases]
    assert list(answer.priced) == alone
    assert [edition.schedule_id for edition in answer.editions] == ["small", CORRECTED.id]
    assert answer.engine_version == ENGINE_VERSION
    silent = pricing.PriceCases(PriceCasesRequest(cases=cases))
    assert not any(priced.reason for priced in silent.priced)


def test_a_long_list_is_priced_off_the_event_loop_and_equals_the_short_ones(pricing):
    cases = [case(str(number), age_years=number % 130) for number in range(500)]
    answer = pricing.PriceCases(PriceCasesRequest(cases=cases))
    assert [priced.case_id for priced in answer.priced] == [one.case_id for one in cases]
    assert {priced.amount_minor for priced in answer.priced} == {123_450}


@settings(max_examples=150, deadline=None)
@given(any_case)
def test_kernel_and_explanation_never_disagree_over_the_wire(pricing, message):
    answer = pricing.PriceCase(PriceCaseRequest(case=message, with_explanation=True, with_components=True))
    read = read_case(message, 2)
    if read.unreadable is not None:
        assert answer.priced.status == case_pb2.CASE_STATUS_INVALID_FIELD
    else:
        explained = explain_case(read.case, test_editions().usual(DEFAULT_CHOICE).catalog)
        assert answer.priced.status == explained.status
        assert answer.priced.schedule_id == (explained.schedule_id or "")
        assert answer.priced.rule_id == (explained.rule_id or "")
    assert answer.priced.HasField("amount_minor") == (answer.priced.status == case_pb2.CASE_STATUS_OK)
    assert bool(answer.priced.reason) == (answer.priced.status != case_pb2.CASE_STATUS_OK)


# -- who may price for whom ------------------------------------------------------------------------


@pytest.fixture(scope="module")
def guarded():
    tokens = (token("one", "price", providers={"H1"}), token("all", "price", "read"), token("reader", "read"))
    with running_server(credentials=Credentials(tokens=tokens)) as running, running.channel() as channel:
        yield PricingServiceStub(channel)


def bearer(text):
    return (("authorization", f"Bearer {text}"),)


def test_a_token_for_some_providers_prices_for_them_only(guarded):
    own = PriceCaseRequest(case=case(provider_id=" H1 "))
    assert guarded.PriceCase(own, metadata=bearer("one")).priced.amount_minor == 123_450
    others = [case("1", provider_id="H1"), case("2", provider_id="H2"), case("3", provider_id="h1")]
    said = failure_of(lambda: guarded.PriceCases(PriceCasesRequest(cases=others), metadata=bearer("one")))
    assert (said.code, said.reason) == (grpc.StatusCode.PERMISSION_DENIED, "PROVIDER_NOT_ALLOWED")
    assert said.fields == ["cases[1].provider_id", "cases[2].provider_id"]
    said = failure_of(lambda: guarded.PriceCase(PriceCaseRequest(case=others[1]), metadata=bearer("one")))
    assert said.fields == ["case.provider_id"] and "H2" not in said.words
    assert guarded.PriceCases(PriceCasesRequest(cases=others), metadata=bearer("all"))


def test_a_case_in_nobodys_name_is_no_case_in_anothers(guarded):
    answer = guarded.PriceCase(PriceCaseRequest(case=case()), metadata=bearer("one"))
    assert answer.priced.status == case_pb2.CASE_STATUS_OK
    where_it_matters = PriceCaseRequest(case=case(), edition=choice(tariff_family="other"))
    answer = guarded.PriceCase(where_it_matters, metadata=bearer("one"))
    assert answer.priced.status == case_pb2.CASE_STATUS_MISSING_FIELD


@pytest.mark.parametrize(
    ("metadata", "code", "reason"),
    [
        ((), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING"),
        (bearer("none"), grpc.StatusCode.UNAUTHENTICATED, "TOKEN_UNKNOWN"),
        (bearer("reader"), grpc.StatusCode.PERMISSION_DENIED, "ROLE_MISSING"),
    ],
)
def test_who_may_not_price_is_refused_before_the_request_is_looked_at(guarded, metadata, code, reason):
    for request in (PriceCaseRequest(), PriceCaseRequest(case=case())):
        said = failure_of(lambda request=request: guarded.PriceCase(request, metadata=metadata))
        assert (said.code, said.reason) == (code, reason)


def test_dates_of_the_contract_are_dates_of_the_library():
    assert read_case(case(), 2).case == Case(
        case_id="1",
        drg_code="G1",
        care_setting="inpatient",
        admission_date=date(2025, 3, 4),
        discharge_date=date(2025, 3, 10),
        age_years=40,
    )
