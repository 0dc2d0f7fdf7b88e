"""The table of errors: whole, precise, small enough for headers, and silent about what was sent."""

import re
from itertools import product
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2

import tariffcore_server
from tariffcore.errors import Problem
from tariffcore_server.failures import (
    FAILURES,
    MOST_VIOLATIONS,
    TRANSPORT_FAILURES,
    Detail,
    Reason,
    RequestError,
    Violation,
    invalid_field,
    violations_of,
)

README = Path(__file__).parents[2] / "README.md"


def details_of(error):
    found = {}
    for detail in error.status().details:
        kind = detail.type_url.rsplit(".", 1)[1]
        message = getattr(error_details_pb2, kind)()
        assert detail.Unpack(message)
        found[kind] = message
    return found


def test_every_reason_has_a_row_and_every_row_is_met_somewhere_in_the_server():
    assert set(FAILURES) == set(Reason)
    source = "\n".join(
        path.read_text(encoding="utf-8")
        for path in Path(tariffcore_server.__file__).parent.glob("*.py")
        if path.name != "failures.py"
    )
    unmet = {reason for reason in Reason if f"Reason.{reason.name}" not in source}
    assert unmet == {Reason.INVALID_REQUEST_FIELD} - {
        reason for reason in Reason if f"Reason.{reason.name}" in source
    }  # that one has a function of its own


def test_a_reason_is_spelled_as_error_info_asks():
    for reason in Reason:
        assert reason.value == reason.name
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+[A-Z0-9]", reason.value) and len(reason.value) <= 63


@pytest.mark.parametrize("reason", Reason)
def test_every_error_carries_its_code_its_reason_and_exactly_the_details_of_its_row(reason):
    failure = FAILURES[reason]
    error = RequestError(reason, violations=[Violation("cases[3].provider_id", "is not yours")])
    status = error.status()
    assert status.code == failure.code.value[0]
    assert error.code is failure.code is not grpc.StatusCode.OK
    assert failure.when in status.message and failure.way_out in status.message
    details = details_of(error)
    assert set(details) == {"ErrorInfo", *(detail.value for detail in failure.details)}
    assert (details["ErrorInfo"].reason, details["ErrorInfo"].domain) == (reason.value, "tariffcore")
    if Detail.BAD_REQUEST in failure.details:
        assert [v.field for v in details["BadRequest"].field_violations] == ["cases[3].provider_id"]


@pytest.mark.parametrize("reason", Reason)
def test_what_is_over_a_limit_says_when_to_come_back_and_nothing_else_does_but_draining(reason):
    failure = FAILURES[reason]
    comes_back = failure.code is grpc.StatusCode.RESOURCE_EXHAUSTED or reason is Reason.DRAINING
    assert (failure.retry_after_ms is not None) == comes_back == (Detail.RETRY_INFO in failure.details)


def test_each_kind_of_fault_has_the_canonical_code():
    by_code = {
        grpc.StatusCode.INVALID_ARGUMENT: {
            "MALFORMED_MESSAGE",
            "INVALID_REQUEST_FIELD",
            "STREAM_OUT_OF_ORDER",
            "INVALID_CHUNK",
            "UNEQUAL_COLUMNS",
            "PLACE_BEYOND_TABLE",
            "WORD_TWICE",
            "INVALID_PAGE_TOKEN",
        },
        grpc.StatusCode.NOT_FOUND: {"UNKNOWN_TARIFF_FAMILY", "UNKNOWN_EDITION", "MONTH_NOT_SETTLED"},
        grpc.StatusCode.FAILED_PRECONDITION: {
            "DIGEST_DIFFERS",
            "NOTHING_PUBLISHED",
            "EDITIONS_DO_NOT_FIT",
            "CURRENCIES_DIFFER",
            "RELOAD_REFUSED",
            "LINES_UNREADABLE",
        },
        grpc.StatusCode.UNAUTHENTICATED: {"TOKEN_MISSING", "TOKEN_UNKNOWN"},
        grpc.StatusCode.PERMISSION_DENIED: {"ROLE_MISSING", "PROVIDER_NOT_ALLOWED"},
        grpc.StatusCode.RESOURCE_EXHAUSTED: {
            "TOO_MANY_CALLS",
            "TOO_MANY_STREAMS",
            "MESSAGE_TOO_LARGE",
            "TOO_MANY_ROWS",
            "CODE_TABLES_FULL",
        },
        grpc.StatusCode.DEADLINE_EXCEEDED: {"DEADLINE_PASSED"},
        grpc.StatusCode.UNAVAILABLE: {"DRAINING", "BOOK_UNREADABLE"},
        grpc.StatusCode.INTERNAL: {"INTERNAL"},
    }
    assert {reason.value: failure.code for reason, failure in FAILURES.items()} == {
        reason: code for code, reasons in by_code.items() for reason in reasons
    }


def test_many_and_long_violations_stay_small_enough_for_headers_and_are_counted():
    for count, length in product((1, MOST_VIOLATIONS, 5_000), (10, 100_000)):
        violations = [Violation(f"cases[{n}].{'x' * length}", "ы" * length) for n in range(count)]
        error = RequestError(Reason.PROVIDER_NOT_ALLOWED, violations=violations)
        assert len(error.status().SerializeToString()) < 7_000
        named = details_of(error)["BadRequest"].field_violations
        left = count - len(named) + 1
        if named[-1].field == "":
            assert named[-1].description == f"and {left} more"
        else:
            assert len(named) == count


def test_problems_of_schedules_are_preconditions_by_place_and_words():
    problem = Problem("kz-2026/groups.csv:14", "relative_weight", "x", "is no number", "write 1.0")
    (violation,) = violations_of([problem])
    assert violation == Violation("kz-2026/groups.csv:14: relative_weight", str(problem))
    details = details_of(RequestError(Reason.RELOAD_REFUSED, violations=[violation]))
    assert details["PreconditionFailure"].violations[0].description == str(problem)


def test_one_wrong_field_is_named_in_the_message_too():
    error = invalid_field("edition.as_of", "is not an ISO date")
    assert error.words().startswith("edition.as_of is not an ISO date; ")
    assert str(error) == "INVALID_REQUEST_FIELD: edition.as_of is not an ISO date"


def test_the_readme_shows_the_table():
    text = README.read_text(encoding="utf-8")
    for reason, failure in FAILURES.items():
        assert f"| `{reason}` | `{failure.code.name}` | {failure.when} |" in text
    for code, when in TRANSPORT_FAILURES.items():
        assert f"| `{code.name}` | {when} |" in text
