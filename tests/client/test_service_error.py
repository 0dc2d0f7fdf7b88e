"""What a failed call says to the person who made it."""

from __future__ import annotations

import pytest

from tariffcore.client.service_error import Failure, ServiceError


@pytest.mark.parametrize(
    ("said", "way_out"),
    [
        ("SSL routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED: self signed", "--tls-ca"),
        ("UNAUTHENTICATED: Hostname Verification Check failed.", "--server-name"),
        ("SSL_ERROR_SSL: OPENSSL_internal:WRONG_VERSION_NUMBER", "speaks plain text"),
        ("ipv4:127.0.0.1:1: Failed to create security handshaker.", "--tls-key"),
        ("Connection refused", "check host and port"),
    ],
)
def test_a_connection_that_fails_says_what_to_do_about_it(said: str, way_out: str) -> None:
    error = ServiceError("h:1", Failure("UNAVAILABLE", "UNAVAILABLE", said))
    (problem,) = error.problems
    assert problem.message == said
    assert way_out in problem.way_out


def test_a_missing_token_is_asked_for_in_words_of_the_client() -> None:
    said = "the call carries no bearer token; send the metadata 'authorization: Bearer <token>'"
    error = ServiceError("h:1", Failure("UNAUTHENTICATED", "TOKEN_MISSING", said))
    assert "carries no bearer token; give the token (token, --token-file)" in str(error)


def test_values_stand_with_their_fields() -> None:
    fields = (("chunk.new_provider_ids[0]", "is not yours"), ("chunk.new_provider_ids[1]", "is not yours"))
    failure = Failure("PERMISSION_DENIED", "PROVIDER_NOT_ALLOWED", "no; send your own", {}, fields)
    error = ServiceError("h:1", failure, {"chunk.new_provider_ids[1]": "H17"})
    assert [problem.value for problem in error.problems] == [None, "H17"]
    assert error.fields == fields
