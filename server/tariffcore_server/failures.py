"""Every error that can leave the server: one table from reasons to canonical statuses and their details.

What is wrong with a case is a status in the data and never comes here.  No text and no detail of an error
holds a value of a request: callers know what they sent, and whoever reads a log need not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.rpc import error_details_pb2, status_pb2

from tariffcore.errors import Problem

DOMAIN = "tariffcore"
"""``ErrorInfo.domain`` of every error that the service itself makes."""

DETAILS_KEY = "grpc-status-details-bin"
MOST_VIOLATIONS = 50
"""Problems that one error names; the headers that carry it are small. It says how many more there are."""

_MOST_DETAIL_BYTES = 6_000  # gRPC peers accept 8 KiB of metadata without being told to
_LONGEST_DESCRIPTION = 400


class Reason(StrEnum):
    """``ErrorInfo.reason``, for machines: add, never rename."""

    MALFORMED_MESSAGE = "MALFORMED_MESSAGE"
    INVALID_REQUEST_FIELD = "INVALID_REQUEST_FIELD"
    STREAM_OUT_OF_ORDER = "STREAM_OUT_OF_ORDER"
    INVALID_CHUNK = "INVALID_CHUNK"
    UNEQUAL_COLUMNS = "UNEQUAL_COLUMNS"
    PLACE_BEYOND_TABLE = "PLACE_BEYOND_TABLE"
    WORD_TWICE = "WORD_TWICE"
    INVALID_PAGE_TOKEN = "INVALID_PAGE_TOKEN"  # noqa: S105
    UNKNOWN_TARIFF_FAMILY = "UNKNOWN_TARIFF_FAMILY"
    UNKNOWN_EDITION = "UNKNOWN_EDITION"
    DIGEST_DIFFERS = "DIGEST_DIFFERS"
    NOTHING_PUBLISHED = "NOTHING_PUBLISHED"
    EDITIONS_DO_NOT_FIT = "EDITIONS_DO_NOT_FIT"
    MONTH_NOT_SETTLED = "MONTH_NOT_SETTLED"
    CURRENCIES_DIFFER = "CURRENCIES_DIFFER"
    RELOAD_REFUSED = "RELOAD_REFUSED"
    TOKEN_MISSING = "TOKEN_MISSING"  # noqa: S105
    TOKEN_UNKNOWN = "TOKEN_UNKNOWN"  # noqa: S105
    ROLE_MISSING = "ROLE_MISSING"
    PROVIDER_NOT_ALLOWED = "PROVIDER_NOT_ALLOWED"
    TOO_MANY_CALLS = "TOO_MANY_CALLS"
    TOO_MANY_STREAMS = "TOO_MANY_STREAMS"
    MESSAGE_TOO_LARGE = "MESSAGE_TOO_LARGE"
    TOO_MANY_ROWS = "TOO_MANY_ROWS"
    CODE_TABLES_FULL = "CODE_TABLES_FULL"
    DEADLINE_PASSED = "DEADLINE_PASSED"
    DRAINING = "DRAINING"
    BOOK_UNREADABLE = "BOOK_UNREADABLE"
    LINES_UNREADABLE = "LINES_UNREADABLE"
    INTERNAL = "INTERNAL"


class Detail(StrEnum):
    """Which ``google.rpc`` message an error carries besides ErrorInfo."""

    BAD_REQUEST = "BadRequest"
    PRECONDITION_FAILURE = "PreconditionFailure"
    RETRY_INFO = "RetryInfo"


@dataclass(frozen=True, slots=True)
class Failure:
    """A row of the table: the status, when it is met, what the caller can do, and the details it carries."""

    code: grpc.StatusCode
    when: str
    way_out: str
    details: frozenset[Detail] = frozenset()
    retry_after_ms: int | None = None
    """``RetryInfo.retry_delay``. 0: at once, with less in the message."""


_BAD_REQUEST = frozenset([Detail.BAD_REQUEST])
_RETRY = frozenset([Detail.RETRY_INFO])
_Code = grpc.StatusCode

FAILURES: Mapping[Reason, Failure] = {
    Reason.MALFORMED_MESSAGE: Failure(
        _Code.INVALID_ARGUMENT,
        "the bytes are not the request message of this method",
        "send what code generated from the contract writes",
    ),
    Reason.INVALID_REQUEST_FIELD: Failure(
        _Code.INVALID_ARGUMENT,
        "a field of the request is missing or wrong",
        "correct the fields that BadRequest names",
        _BAD_REQUEST,
    ),
    Reason.STREAM_OUT_OF_ORDER: Failure(
        _Code.INVALID_ARGUMENT,
        "a column stream does not begin with a start, or has another one later",
        "send one start, then chunks",
        _BAD_REQUEST,
    ),
    Reason.INVALID_CHUNK: Failure(
        _Code.INVALID_ARGUMENT,
        "a chunk has no rows, or a value that its field does not know",
        "correct what BadRequest names; the chunks before it were answered",
        _BAD_REQUEST,
    ),
    Reason.UNEQUAL_COLUMNS: Failure(
        _Code.INVALID_ARGUMENT,
        "a column of a chunk has neither one element a row nor none",
        "correct the columns that BadRequest names; the chunks before were answered",
        _BAD_REQUEST,
    ),
    Reason.PLACE_BEYOND_TABLE: Failure(
        _Code.INVALID_ARGUMENT,
        "a row of a chunk names a place that its table does not have, or its list ends beyond the column",
        "append words before naming them, end lists in their columns; the chunks before were answered",
        _BAD_REQUEST,
    ),
    Reason.WORD_TWICE: Failure(
        _Code.INVALID_ARGUMENT,
        "a chunk appends a word that its code table has already",
        "append a word once a stream; the chunks before were answered",
        _BAD_REQUEST,
    ),
    Reason.INVALID_PAGE_TOKEN: Failure(
        _Code.INVALID_ARGUMENT,
        "a page token is not one of this listing",
        "begin with an empty page_token; a reload ends listings of editions that changed",
        _BAD_REQUEST,
    ),
    Reason.UNKNOWN_TARIFF_FAMILY: Failure(
        _Code.NOT_FOUND,
        "the server has no such tariff family",
        "name one that ListEditions lists",
        _BAD_REQUEST,
    ),
    Reason.UNKNOWN_EDITION: Failure(
        _Code.NOT_FOUND,
        "the server has no edition of that id",
        "name one that ListEditions lists",
        _BAD_REQUEST,
    ),
    Reason.MONTH_NOT_SETTLED: Failure(
        _Code.NOT_FOUND,
        "the month is not settled in the server's book",
        "name one that ListSettledMonths lists",
        _BAD_REQUEST,
    ),
    Reason.DIGEST_DIFFERS: Failure(
        _Code.FAILED_PRECONDITION,
        "the server's edition of that id has another digest",
        "ask a server that has the edition the bill was made with; any changed byte makes another digest",
        _BAD_REQUEST,
    ),
    Reason.NOTHING_PUBLISHED: Failure(
        _Code.FAILED_PRECONDITION,
        "no edition was published by the as_of date",
        "ask as of the first publication or later",
        _BAD_REQUEST,
    ),
    Reason.EDITIONS_DO_NOT_FIT: Failure(
        _Code.FAILED_PRECONDITION,
        "the editions asked for cannot be priced with together",
        "pin one edition",
    ),
    Reason.CURRENCIES_DIFFER: Failure(
        _Code.FAILED_PRECONDITION,
        "two editions to compare have different currencies",
        "compare editions of one currency",
        _BAD_REQUEST,
    ),
    Reason.RELOAD_REFUSED: Failure(
        _Code.FAILED_PRECONDITION,
        "what was to be reloaded is wrong; what was in force stays in force",
        "correct what PreconditionFailure names, and reload again",
        frozenset([Detail.PRECONDITION_FAILURE]),
    ),
    Reason.TOKEN_MISSING: Failure(
        _Code.UNAUTHENTICATED,
        "the call carries no bearer token and the server asks for one",
        "send the metadata 'authorization: Bearer <token>'",
    ),
    Reason.TOKEN_UNKNOWN: Failure(
        _Code.UNAUTHENTICATED,
        "the bearer token is not accepted",
        "ask the operator for a token",
    ),
    Reason.ROLE_MISSING: Failure(
        _Code.PERMISSION_DENIED,
        "the caller has not the role that the method asks for",
        "ask the operator for a token with the role",
    ),
    Reason.PROVIDER_NOT_ALLOWED: Failure(
        _Code.PERMISSION_DENIED,
        "the token is for some providers only, and the call is about another or about all",
        "send cases, and ask for months, of the token's own providers",
        _BAD_REQUEST,
    ),
    Reason.TOO_MANY_CALLS: Failure(
        _Code.RESOURCE_EXHAUSTED,
        "as many calls are in progress as the server allows",
        "call again after the delay",
        _RETRY,
        retry_after_ms=200,
    ),
    Reason.TOO_MANY_STREAMS: Failure(
        _Code.RESOURCE_EXHAUSTED,
        "as many column streams are open as the server allows",
        "begin the stream again after the delay",
        _RETRY,
        retry_after_ms=1_000,
    ),
    Reason.MESSAGE_TOO_LARGE: Failure(
        _Code.RESOURCE_EXHAUSTED,
        "a message has more bytes than the server takes",
        "send smaller messages",
        _RETRY,
        retry_after_ms=0,
    ),
    Reason.TOO_MANY_ROWS: Failure(
        _Code.RESOURCE_EXHAUSTED,
        "a message has more rows than the server takes",
        "send several messages, or a column stream",
        _RETRY,
        retry_after_ms=0,
    ),
    Reason.CODE_TABLES_FULL: Failure(
        _Code.RESOURCE_EXHAUSTED,
        "the code tables of a stream have more words or bytes than the server keeps",
        "go on in a new stream",
        _RETRY,
        retry_after_ms=0,
    ),
    Reason.DEADLINE_PASSED: Failure(
        _Code.DEADLINE_EXCEEDED,
        "the call's deadline passed before its work began",
        "give it longer",
    ),
    Reason.DRAINING: Failure(
        _Code.UNAVAILABLE,
        "the server is about to stop and takes no new work",
        "call again after the delay; another server, or the next start of this one, answers",
        _RETRY,
        retry_after_ms=1_000,
    ),
    Reason.BOOK_UNREADABLE: Failure(
        _Code.UNAVAILABLE,
        "the database of the server's book does not answer",
        "call again later, or tell the operator",
    ),
    Reason.LINES_UNREADABLE: Failure(
        _Code.FAILED_PRECONDITION,
        "the server has not the files of the month's lines, or they have changed",
        "tell the operator: book_lines names their folder; GetStatement has the steps without them",
    ),
    Reason.INTERNAL: Failure(
        _Code.INTERNAL,
        "a mistake of the server; it is logged under the incident that ErrorInfo names",
        "report the incident to the operator",
    ),
}
"""THE table: what the service itself answers instead of a result."""

TRANSPORT_FAILURES: Mapping[grpc.StatusCode, str] = {
    _Code.UNIMPLEMENTED: "there is no such method, or the server has no book and so no SettlementService",
    _Code.CANCELLED: "the caller went away, or the server stopped before the call was done",
    _Code.DEADLINE_EXCEEDED: "the deadline passed while the call was being worked on",
    _Code.UNAVAILABLE: "the connection was refused or lost: none there, stopping, TLS refused, too many",
    _Code.RESOURCE_EXHAUSTED: "a message was so far beyond the limit that it was not read, or calls so many "
    "that they were not looked at",
    _Code.INTERNAL: "bytes that are no gRPC",
    _Code.UNKNOWN: "bytes that are no gRPC, or no message of the health service",
}
"""What gRPC itself answers, before or without the service; these carry no ErrorInfo."""


@dataclass(frozen=True, slots=True)
class Violation:
    """What is wrong with one field, by its path in the request (``cases[3].provider_id``), never by value."""

    field: str
    description: str


@dataclass(eq=False)
class RequestError(Exception):
    """The call ends with this. ``metadata`` may hold limits and what the server has, never what was sent."""

    reason: Reason
    message: str = ""
    violations: Sequence[Violation] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)

    def below(self, path: str) -> RequestError:
        """The same error of a message that is the field at that path of the request."""
        violations = [Violation(f"{path}.{each.field}", each.description) for each in self.violations]
        return RequestError(self.reason, self.message, violations, self.metadata)

    def __str__(self) -> str:
        return f"{self.reason}: {self.message or FAILURES[self.reason].when}"

    @property
    def code(self) -> grpc.StatusCode:
        return FAILURES[self.reason].code

    def words(self) -> str:
        """The status message: what is wrong, where, and the way out."""
        failure = FAILURES[self.reason]
        return f"{self.message or failure.when}; {failure.way_out}"

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The details as gRPC carries them."""
        return ((DETAILS_KEY, self.status().SerializeToString()),)

    def status(self) -> status_pb2.Status:
        """The rich status: ErrorInfo always, and what the table says."""
        failure = FAILURES[self.reason]
        status = status_pb2.Status(code=self.code.value[0], message=self.words())
        info = error_details_pb2.ErrorInfo(reason=self.reason.value, domain=DOMAIN, metadata=self.metadata)
        status.details.append(_packed(info))
        if failure.retry_after_ms is not None:
            delay = duration_pb2.Duration()
            delay.FromMilliseconds(failure.retry_after_ms)
            status.details.append(_packed(error_details_pb2.RetryInfo(retry_delay=delay)))
        if Detail.BAD_REQUEST in failure.details:
            fields = [
                error_details_pb2.BadRequest.FieldViolation(field=v.field, description=v.description)
                for v in _most(self.violations, status.ByteSize())
            ]
            status.details.append(_packed(error_details_pb2.BadRequest(field_violations=fields)))
        if Detail.PRECONDITION_FAILURE in failure.details:
            named = [
                error_details_pb2.PreconditionFailure.Violation(
                    type="SCHEDULE_OR_CREDENTIAL", subject=v.field, description=v.description
                )
                for v in _most(self.violations, status.ByteSize())
            ]
            status.details.append(_packed(error_details_pb2.PreconditionFailure(violations=named)))
        return status


def invalid_field(path: str, description: str) -> RequestError:
    """One field of the request is missing or wrong."""
    return RequestError(Reason.INVALID_REQUEST_FIELD, f"{path} {description}", [Violation(path, description)])


def together(errors: Sequence[RequestError]) -> RequestError:
    """One error of several: the first, with the fields of all that have its reason."""
    first = errors[0]
    alike = [error for error in errors if error.reason is first.reason]
    return RequestError(
        first.reason,
        "; ".join(dict.fromkeys(error.message for error in alike if error.message)),
        [violation for error in alike for violation in error.violations],
        first.metadata,
    )


def violations_of(problems: Sequence[Problem]) -> list[Violation]:
    """Problems of schedules and credentials, which are no secrets of callers, as details."""
    found = []
    for problem in problems:
        subject = problem.place if problem.field is None else f"{problem.place}: {problem.field}"
        found.append(Violation(subject, str(problem)))
    return found


def _most(violations: Sequence[Violation], used_bytes: int) -> list[Violation]:
    """As many violations as an error may name, and a last one that says how many more there are."""
    named: list[Violation] = []
    room = _MOST_DETAIL_BYTES - used_bytes
    for violation in violations[:MOST_VIOLATIONS]:
        short = Violation(_cut(violation.field), _cut(violation.description))
        room -= len(short.field.encode()) + len(short.description.encode()) + 16
        if room < 0 and named:
            break
        named.append(short)
    left = len(violations) - len(named)
    if left:
        named.append(Violation("", f"and {left} more"))
    return named


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_DESCRIPTION else f"{text[: _LONGEST_DESCRIPTION - 1]}…"


def _packed(
    message: error_details_pb2.ErrorInfo
    | error_details_pb2.RetryInfo
    | error_details_pb2.BadRequest
    | error_details_pb2.PreconditionFailure,
) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
