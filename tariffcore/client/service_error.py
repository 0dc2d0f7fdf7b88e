"""What a call to the service can fail with, in words: canonical status, reason, fields, way out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
from google.rpc import error_details_pb2, status_pb2

from tariffcore.errors import Problem, ProblemsError

ERROR_DOMAIN = "tariffcore"
_DETAILS_KEY = "grpc-status-details-bin"
_PUSHBACK_KEY = "grpc-retry-pushback-ms"

_WAYS_OUT = {
    "CANCELLED": "call again if the answer is still wanted",
    "DEADLINE_EXCEEDED": "allow more time, or ask for less at once",
    "FAILED_PRECONDITION": "ask the service which editions it has now",
    "INTERNAL": "this is a mistake of the service: tell whoever runs it, with the time of the call",
    "INVALID_ARGUMENT": "correct the request",
    "NOT_FOUND": "ask the service which editions it has",
    "PERMISSION_DENIED": "ask whoever runs the service for a token that allows this",
    "RESOURCE_EXHAUSTED": "call again later, or with less at once",
    "UNAUTHENTICATED": "give a token that the service accepts",
    "UNAVAILABLE": "check host and port, whether the service runs, whether it speaks TLS, and whether it "
    "asks for a client's certificate",
    "UNIMPLEMENTED": "use a client and a service of versions that fit together",
}
_CONNECTION_WAYS_OUT = {
    "CERTIFICATE_VERIFY_FAILED": "the service's certificate has ended, or no authority that is trusted here "
    "vouches for it: name the file of its authority (tls_ca, --tls-ca)",
    "Hostname Verification Check failed": "the service's certificate is for another name: call it by that "
    "name, or say which one it has (server_name, --server-name)",
    "Failed to create security handshaker": "the client's certificate and key do not belong together: give "
    "the key that the certificate was made with (client_key, --tls-key)",
    "WRONG_VERSION_NUMBER": "what answers there speaks plain text: call it without TLS, if it may be trusted",
}
"""What to do about a connection that failed, by what gRPC says of it."""
_REASON_WAYS_OUT = {
    "TOKEN_MISSING": "give the token (token, --token-file)",
}
"""What to do here, where the service says it in terms of the call's metadata."""
_NO_WAY_OUT = "tell whoever runs the service, with the time of the call"


class ClientError(ProblemsError):
    """A call that the client does not make: what it was asked for cannot be, or would not be safe."""

    reason = "CLIENT_UNUSABLE"


class ServiceError(ProblemsError):
    """A call that failed.

    code           the canonical status by name, "INVALID_ARGUMENT"
    reason         the service's reason for machines (google.rpc.ErrorInfo), or the code where it gave none
    metadata       what the service added to the reason
    fields         (path, what is wrong with it) of each field of the request that is wrong
    refusals       what kept the service from a reload: the problems of its folders or files
    retry_seconds  after how long the service would hear the call again; None: it did not say
    """

    def __init__(self, target: str, failure: Failure, values: Mapping[str, str] | None = None) -> None:
        """``values``: what the caller gave in the fields that may be shown, by path."""
        self.code = failure.code
        self.reason = failure.reason
        self.metadata = dict(failure.metadata)
        self.fields = failure.fields
        self.refusals = failure.refusals
        self.retry_seconds = failure.retry_seconds
        self.message = failure.message
        message, way_out = failure.message or "gave no reason", _WAYS_OUT.get(failure.code, _NO_WAY_OUT)
        if failure.reason != failure.code and "; " in message:  # the service itself says what to do
            message, _, way_out = message.rpartition("; ")
        way_out = _REASON_WAYS_OUT.get(failure.reason, way_out)
        if failure.code == failure.reason == "UNAVAILABLE":
            way_out = next(
                (better for sign, better in _CONNECTION_WAYS_OUT.items() if sign in message), way_out
            )
        problems = [
            Problem(target, path or None, (values or {}).get(path), words, way_out)
            for path, words in failure.fields
        ]
        for refusal in failure.refusals:
            what, _, way = refusal.rpartition("; ")
            problems.append(Problem(target, None, None, what or way, way if what else way_out))
        if not problems:
            problems = [Problem(target, None, None, message, way_out)]
        names = failure.code if failure.reason == failure.code else f"{failure.code}, {failure.reason}"
        super().__init__(f"the service did not answer the call ({names})", problems)


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failed call says, taken out of its status and details."""

    code: str
    reason: str
    message: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: tuple[tuple[str, str], ...] = ()
    retry_seconds: float | None = None
    refusals: tuple[str, ...] = ()


class FailedCall(Protocol):
    """What gRPC's errors have in common, sync and asyncio."""

    def code(self) -> grpc.StatusCode: ...

    def details(self) -> str | None: ...

    def trailing_metadata(self) -> Any: ...  # noqa: ANN401


def failure_of(call: FailedCall) -> Failure:
    """The failure that a call ended with."""
    code = call.code().name
    trailing = _pairs(call.trailing_metadata())
    reason = code
    metadata: dict[str, str] = {}
    fields: tuple[tuple[str, str], ...] = ()
    refusals: tuple[str, ...] = ()
    retry_seconds: float | None = None
    raw = trailing.get(_DETAILS_KEY)
    if isinstance(raw, bytes):
        for detail in _details(raw):
            if isinstance(detail, error_details_pb2.ErrorInfo):
                reason, metadata = detail.reason or code, dict(detail.metadata)
            elif isinstance(detail, error_details_pb2.BadRequest):
                fields = tuple((each.field, each.description) for each in detail.field_violations)
            elif isinstance(detail, error_details_pb2.PreconditionFailure):
                refusals = tuple(each.description for each in detail.violations)
            elif isinstance(detail, error_details_pb2.RetryInfo):
                retry_seconds = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
    pushback = trailing.get(_PUSHBACK_KEY)
    if retry_seconds is None and isinstance(pushback, str) and pushback.isdecimal():
        retry_seconds = int(pushback) / 1000
    return Failure(code, reason, call.details() or "", metadata, fields, retry_seconds, refusals)


def _pairs(metadata: Iterable[Any] | None) -> dict[str, str | bytes]:
    return dict(metadata or ())


_DETAIL_TYPES = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.PreconditionFailure,
    error_details_pb2.RetryInfo,
)


def _details(raw: bytes) -> list[Any]:
    """The details that we know; a status that cannot be read has none."""
    status = status_pb2.Status()
    found: list[Any] = []
    try:
        status.ParseFromString(raw)
        for packed in status.details:
            for kind in _DETAIL_TYPES:
                detail = kind()
                if packed.Unpack(detail):
                    found.append(detail)
    except Exception:  # whatever a proxy made of it: the code and the words still stand
        return found
    return found
